/* A key's token at another system: its row, from mint to purge. */
#include "domain/upstreams.h"
#include "domain/keys.h"
#include "domain/names.h"

#include <chatelaine/codec_json.h>

static const char *const state_names[UPSTREAM_STATES] = {
        [UPSTREAM_NONE] = "none",       [UPSTREAM_PENDING] = "pending",
        [UPSTREAM_REVOKED] = "revoked", [UPSTREAM_ALREADY_GONE] = "already_gone",
        [UPSTREAM_STUCK] = "stuck",     [UPSTREAM_NOT_REVOCABLE] = "not_revocable",
};

const char *upstream_state_name(enum upstream_state s)
{
        return state_names[s];
}

enum status upstream_state_read(struct span text, enum upstream_state *ret, struct error *e)
{
        for (enum upstream_state s = 0; s < UPSTREAM_STATES; s++) {
                if (span_is(text, state_names[s])) {
                        *ret = s;
                        return STATUS_OK;
                }
        }
        return error_set(e, STATUS_INVALID, "invalid-upstream-state", "upstream_state",
                         "The state upstream is none, pending, revoked, already_gone, stuck or "
                         "not_revocable.");
}

/* ---- mint ---- */

static bool is_configured(const struct config *c, struct span name)
{
        for (size_t i = 0; i < c->n_upstreams; i++)
                if (span_is(name, c->upstreams[i].name))
                        return true;
        return false;
}

/* What can stand in a URL, a header or a form, and no other line of it. Not what moves about in a
 * path, however it is encoded. */
static bool is_token(struct span s)
{
        if (span_is(s, ".") || span_is(s, ".."))
                return false;
        for (size_t i = 0; i < s.len; i++)
                if (s.p[i] <= ' ' || s.p[i] > '~')
                        return false;
        return s.len >= 1 && s.len <= UPSTREAM_TOKEN_MAX;
}

enum status upstream_seal(struct key_mint *c, struct error *e)
{
        CLEANUP(buf_fini) struct buf sealed;
        buf_init(&sealed, UPSTREAM_TOKEN_MAX + 128);
        if (!is_configured(c->base.settings->config, c->upstream))
                return error_set(e, STATUS_INVALID, "unknown-upstream", "/upstream/name",
                                 "The configuration has no such upstream.");
        if (!is_token(c->upstream_token))
                return error_set(e, STATUS_INVALID, "invalid-upstream-token", "/upstream/token",
                                 "A token has 1 to %d visible ASCII characters, and is not \".\" "
                                 "or \"..\".",
                                 UPSTREAM_TOKEN_MAX);
        TRY(secrets_seal(domain_secrets(c->base.domain), "upstream_keys", "token", span_of(c->id),
                         c->upstream_token, &sealed, e));
        TRY(buf_check(&sealed, e));
        c->upstream_sealed = arena_span(&c->base.arena, buf_view(&sealed));
        return c->upstream_sealed.p ? STATUS_OK : error_no_memory(e);
}

/* ---- changes ---- */

static enum status add_count(struct ledger_tx *tx, struct span upstream, enum upstream_state s,
                             int64_t n, struct error *e)
{
        return store_exec(
                tx->db,
                "INSERT INTO upstream_counts AS c (upstream, state, n) VALUES ($1, $2, $3)"
                " ON CONFLICT (upstream, state) DO UPDATE SET n = c.n + excluded.n",
                NULL, e, "tii", upstream, (int64_t)s, n);
}

static enum status counted(struct ledger_tx *tx, struct span upstream, enum upstream_state from,
                           enum upstream_state to, struct error *e)
{
        if (from == to)
                return STATUS_OK;
        TRY(add_count(tx, upstream, from, -1, e));
        return add_count(tx, upstream, to, 1, e);
}

enum status upstream_insert(struct ledger_tx *tx, const struct key_mint *c, struct error *e)
{
        TRY(store_exec(tx->db,
                       "INSERT INTO upstream_keys (key_id, upstream, token, sealed_for, state,"
                       " attempts, next_at, valid_until, updated_at)"
                       " VALUES ($1, $2, $3, $1, 0, 0, 0, nullif($4, 0), $5)",
                       NULL, e, "stbii", c->id, c->upstream, c->upstream_sealed,
                       c->upstream_valid_until, tx->now_ms));
        return add_count(tx, c->upstream, UPSTREAM_NONE, 1, e);
}

struct upstream_row {
        char upstream[129];
        enum upstream_state state;
        char reason[UPSTREAM_REASON_SIZE];
};

static void copy_text(char *to, size_t size, struct span from)
{
        size_t len = from.len < size - 1 ? from.len : size - 1;
        if (len > 0)
                memcpy(to, from.p, len);
        to[len] = '\0';
}

static enum status find(struct store_conn *db, struct span key_id, bool *ret_is_found,
                        struct upstream_row *ret, struct error *e)
{
        struct store_stmt *st;
        struct upstream_row row = {0};
        TRY(store_query(db, "SELECT upstream, state, reason FROM upstream_keys WHERE key_id = $1",
                        &st, e, "t", key_id));
        bool is_found = store_next(st);
        if (is_found) {
                copy_text(row.upstream, sizeof row.upstream, store_text(st, 0));
                row.state = (enum upstream_state)store_int(st, 1);
                copy_text(row.reason, sizeof row.reason, store_text(st, 2));
        }
        TRY(store_done(st, e));
        *ret_is_found = is_found;
        *ret = row;
        return STATUS_OK;
}

enum status upstream_begin(struct ledger_tx *tx, struct span key_id, struct error *e)
{
        struct upstream_row row;
        bool is_found;
        TRY(find(tx->db, key_id, &is_found, &row, e));
        if (!is_found || row.state != UPSTREAM_NONE)
                return STATUS_OK;
        TRY(store_exec(tx->db,
                       "UPDATE upstream_keys SET state = 1, next_at = $1, updated_at = $1"
                       " WHERE key_id = $2",
                       NULL, e, "it", tx->now_ms, key_id));
        return counted(tx, span_of(row.upstream), UPSTREAM_NONE, UPSTREAM_PENDING, e);
}

enum status upstream_hand_on(struct ledger_tx *tx, struct span from, const char *to,
                             struct error *e)
{
        return store_exec(tx->db, "UPDATE upstream_keys SET key_id = $1 WHERE key_id = $2", NULL, e,
                          "st", to, from);
}

enum status upstream_forget(struct ledger_tx *tx, const char *key_id, struct error *e)
{
        struct upstream_row row;
        bool is_found;
        TRY(find(tx->db, span_of(key_id), &is_found, &row, e));
        if (!is_found)
                return STATUS_OK;
        TRY(store_exec(tx->db, "DELETE FROM upstream_keys WHERE key_id = $1", NULL, e, "s",
                       key_id));
        return add_count(tx, span_of(row.upstream), row.state, -1, e);
}

/* ---- shown ---- */

enum status upstream_write(struct store_conn *db, struct span key_id, struct buf *out,
                           struct error *e)
{
        struct upstream_row row;
        bool is_found;
        TRY(find(db, key_id, &is_found, &row, e));
        if (!is_found) {
                json_member_null(out, "upstream");
                return STATUS_OK;
        }
        json_key(out, "upstream");
        json_obj_open(out);
        json_member_text(out, "name", span_of(row.upstream));
        json_member_text(out, "state", span_of(upstream_state_name(row.state)));
        json_member_text(out, "reason", row.reason[0] ? span_of(row.reason) : SPAN_NONE);
        json_obj_close(out);
        return STATUS_OK;
}

/* ---- settle ---- */

static bool is_final(enum upstream_state s)
{
        return s == UPSTREAM_REVOKED || s == UPSTREAM_ALREADY_GONE;
}

/* What is revoked needs its token no more. */
static enum status update(struct ledger_tx *tx, const struct upstream_settle *c, struct error *e)
{
        return store_exec(tx->db,
                          "UPDATE upstream_keys SET state = $1, reason = nullif($2, ''),"
                          " attempts = attempts + 1, next_at = $3, updated_at = $4,"
                          " token = CASE WHEN $5 = 1 THEN NULL ELSE token END WHERE key_id = $6",
                          NULL, e, "isiiis", (int64_t)c->to, c->reason, c->next_at, tx->now_ms,
                          (int64_t)is_final(c->to), c->key_id);
}

static enum status settle_run(struct ledger_tx *tx, struct domain_command *base, struct error *e)
{
        struct upstream_settle *c = (struct upstream_settle *)base;
        struct span id = span_of(c->key_id);
        struct upstream_row row;
        bool is_found;
        domain_target(base, "key", id);
        TRY(find(tx->db, id, &is_found, &row, e));
        bool is_ours = is_found && row.state == UPSTREAM_PENDING;
        bool is_news = c->to != UPSTREAM_PENDING || strcmp(row.reason, c->reason) != 0;
        if (!is_ours || !is_news)
                base->audit.action = NULL;
        if (!is_ours)
                return STATUS_OK;
        TRY(update(tx, c, e));
        TRY(counted(tx, span_of(row.upstream), row.state, c->to, e));
        if (!is_news)
                return STATUS_OK;
        return key_event(
                tx, is_final(c->to) ? KEY_EVENT("upstream_revoked") : KEY_EVENT("upstream_failed"),
                id, base->audit.traceparent, e);
}

enum status upstream_settle_new(struct domain *d, struct upstream_settle **ret, struct error *e)
{
        struct upstream_settle *c;
        TRY(domain_command_new(d, NULL, sizeof *c, 0, &c, e));
        c->base.run = settle_run;
        c->base.caller.kind = CALLER_JOB;
        copy_text(c->base.caller.id, sizeof c->base.caller.id, SPAN("upstreams"));
        c->base.audit.action = "key.upstream_revoke";
        c->base.base.rows = 3;
        *ret = c;
        return STATUS_OK;
}

/* ---- resume ---- */

static enum status resume_run(struct ledger_tx *tx, struct domain_command *base, struct error *e)
{
        struct upstream_resume *c = (struct upstream_resume *)base;
        int64_t n = 0;
        domain_target(base, "upstream", span_of(c->upstream));
        TRY(store_exec(tx->db,
                       "UPDATE upstream_keys SET state = $1, attempts = 0, next_at = $2,"
                       " updated_at = $2, reason = NULL"
                       " WHERE upstream = $3 AND state = $4 AND reason = $5",
                       &n, e, "iisis", (int64_t)UPSTREAM_PENDING, tx->now_ms, c->upstream,
                       (int64_t)UPSTREAM_STUCK, UPSTREAM_REASON_UNCONFIGURED));
        base->audit.count = n;
        if (n == 0) {
                base->audit.action = NULL;
                return STATUS_OK;
        }
        TRY(add_count(tx, span_of(c->upstream), UPSTREAM_STUCK, -n, e));
        return add_count(tx, span_of(c->upstream), UPSTREAM_PENDING, n, e);
}

enum status upstream_resume_new(struct domain *d, struct upstream_resume **ret, struct error *e)
{
        struct upstream_resume *c;
        TRY(domain_command_new(d, NULL, sizeof *c, 0, &c, e));
        c->base.run = resume_run;
        c->base.caller.kind = CALLER_JOB;
        copy_text(c->base.caller.id, sizeof c->base.caller.id, SPAN("upstreams"));
        c->base.audit.action = "key.upstream_retry";
        *ret = c;
        return STATUS_OK;
}

/* ---- retry ---- */

static enum status check_retriable(bool is_found, const struct upstream_row *row, struct error *e)
{
        if (!is_found)
                return error_set(e, STATUS_CONFLICT, "no-upstream", NULL,
                                 "The key was not minted with an upstream.");
        if (row->state == UPSTREAM_NONE)
                return error_set(e, STATUS_CONFLICT, "key-live", NULL, "The key has not ended.");
        if (is_final(row->state))
                return error_set(e, STATUS_CONFLICT, "upstream-settled", NULL, "Upstream it is %s.",
                                 upstream_state_name(row->state));
        return STATUS_OK;
}

static enum status retry_run(struct ledger_tx *tx, struct domain_command *base, struct error *e)
{
        struct key_retry *c = (struct key_retry *)base;
        struct key_row key;
        struct upstream_row row;
        bool is_found;
        TRY(key_target(tx, base, c->id, &key, e));
        TRY(find(tx->db, c->id, &is_found, &row, e));
        TRY(check_retriable(is_found, &row, e));
        TRY(store_exec(tx->db,
                       "UPDATE upstream_keys SET state = 1, attempts = 0, next_at = $1,"
                       " updated_at = $1 WHERE key_id = $2",
                       NULL, e, "it", tx->now_ms, c->id));
        return counted(tx, span_of(row.upstream), row.state, UPSTREAM_PENDING, e);
}

enum status key_retry_new(struct domain *d, struct settings *s, struct key_retry **ret,
                          struct error *e)
{
        struct key_retry *c;
        TRY(domain_command_new(d, s, sizeof *c, 16384, &c, e));
        c->base.run = retry_run;
        c->base.audit.action = "key.upstream_retry";
        c->base.base.is_revocation = true;
        c->base.base.rows = 2;
        *ret = c;
        return STATUS_OK;
}
