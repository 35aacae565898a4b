/* Sessions end, each with the tree that hangs from it. */
#include "domain/domain.h"
#include "domain/names.h"
#include "domain/sessions.h"

#include <stdio.h>

/* A live session that a selector names, with all below it; $1 names, $2 is now, $3 the reason. */
#define END_TREE(condition)                                                                     \
        "WITH RECURSIVE tree (id, is_root) AS (SELECT s.id, 1 FROM sessions s WHERE " condition \
        " UNION SELECT s.id, 0 FROM sessions s JOIN tree t ON s.parent_id = t.id)"              \
        " UPDATE sessions SET ended_at = $2, reason = CASE WHEN id IN"                          \
        " (SELECT id FROM tree WHERE is_root = 1) THEN $3 ELSE 'parent-ended' END"              \
        " WHERE id IN (SELECT id FROM tree) AND ended_at IS NULL AND expires_at > $2"

static enum status end_tree(struct ledger_tx *tx, const char *sql, struct span name,
                            const char *reason, int64_t *total, struct error *e)
{
        int64_t n = 0;
        TRY(store_exec(tx->db, sql, &n, e, "tis", name, tx->now_ms, reason));
        *total += n;
        return STATUS_OK;
}

/* Those that `kind`/`id` opened in its own name, or chose the user of. */
static enum status end_opened(struct ledger_tx *tx, const char *kind, struct span id,
                              const char *reason, int64_t *total, struct error *e)
{
        char origin[SUBJECT_SIZE];
        subject_of(kind, id, origin);
        TRY(end_tree(tx, END_TREE("s.origin = $1"), span_of(origin), reason, total, e));
        return end_tree(tx, END_TREE("s.chosen_by = $1"), span_of(origin), reason, total, e);
}

static enum status end_all(struct ledger_tx *tx, const struct session_selector *sel,
                           const char *reason, int64_t *total, struct error *e)
{
        if (sel->id.p)
                TRY(end_tree(tx, END_TREE("s.id = $1"), sel->id, reason, total, e));
        if (sel->key.p) {
                TRY(end_tree(tx, END_TREE("s.key_id = $1"), sel->key, reason, total, e));
                TRY(end_tree(tx, END_TREE("s.access_key_id = $1"), sel->key, reason, total, e));
                TRY(end_opened(tx, "keys", sel->key, reason, total, e));
        }
        if (sel->client.p) {
                TRY(end_tree(tx, END_TREE("s.client_id = $1"), sel->client, reason, total, e));
                TRY(end_opened(tx, "clients", sel->client, reason, total, e));
        }
        if (!sel->user.p)
                return STATUS_OK;
        TRY(end_tree(tx,
                     sel->is_password_only
                             ? END_TREE("s.user_id = $1 AND s.password_at IS NOT NULL")
                             : END_TREE("s.user_id = $1"),
                     sel->user, reason, total, e));
        return end_opened(tx, "users", sel->user, reason, total, e); /* by Basic: the password */
}

/* The command that runs is who ended them. */
static enum status record(struct ledger_tx *tx, const struct session_selector *sel,
                          const char *reason, const char *traceparent, int64_t n, struct error *e)
{
        static const struct caller nobody = {.kind = CALLER_JOB};
        const struct caller *who = tx_domain(tx)->running;
        struct audit a = {.action = "session.end", .count = n};
        struct span id = sel->id.p     ? sel->id
                         : sel->key.p  ? sel->key
                         : sel->user.p ? sel->user
                                       : sel->client;
        a.target_kind = sel->id.p     ? "session"
                        : sel->key.p  ? "key"
                        : sel->user.p ? "user"
                                      : "client";
        audit_target(&a, id);
        if (traceparent)
                (void)snprintf(a.traceparent, sizeof a.traceparent, "%s", traceparent);
        return audit_because(tx, who ? who : &nobody, &a, reason, e);
}

enum status sessions_end_in(struct ledger_tx *tx, const struct session_selector *sel,
                            const char *reason, const char *traceparent, int64_t *ret_ended,
                            struct error *e)
{
        int64_t n = 0;
        TRY(end_all(tx, sel, reason, &n, e));
        if (n)
                TRY(record(tx, sel, reason, traceparent, n, e));
        if (ret_ended)
                *ret_ended = n;
        return STATUS_OK;
}

/* ---- the command ---- */

static enum status session_end_run(struct ledger_tx *tx, struct domain_command *base,
                                   struct error *e)
{
        struct session_end *c = (struct session_end *)base;
        struct session_selector sel = {.id = c->id};
        domain_target(base, "session", c->id);
        TRY(end_all(tx, &sel, c->reason ? c->reason : SESSION_REASON_REVOKED, &c->ended, e));
        base->audit.count = c->ended;
        return STATUS_OK;
}

enum status session_end_new(struct domain *d, struct settings *s, struct session_end **ret,
                            struct error *e)
{
        struct session_end *c;
        TRY(domain_command_new(d, s, sizeof *c, 4096, &c, e));
        c->base.run = session_end_run;
        c->base.audit.action = "session.end";
        c->base.base.is_revocation = true;
        *ret = c;
        return STATUS_OK;
}

/* ---- codes ---- */

static enum status code_burn_run(struct ledger_tx *tx, struct domain_command *base, struct error *e)
{
        struct code_burn *c = (struct code_burn *)base;
        domain_target(base, "code", c->code_id);
        return store_exec(tx->db,
                          "INSERT INTO redeemed_codes (id, ends_at) VALUES ($1, $2)"
                          " ON CONFLICT (id) DO NOTHING",
                          NULL, e, "ti", c->code_id, c->code_ends_at);
}

enum status code_burn_new(struct domain *d, struct settings *s, struct code_burn **ret,
                          struct error *e)
{
        struct code_burn *c;
        TRY(domain_command_new(d, s, sizeof *c, 4096, &c, e));
        c->base.run = code_burn_run;
        c->base.audit.action = "code.burn";
        c->base.base.is_revocation = true;
        *ret = c;
        return STATUS_OK;
}

/* ---- rows that are over ---- */

#define OVER "(SELECT id FROM sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)"

enum status sessions_purge_in(struct ledger_tx *tx, int64_t before_ms, unsigned limit,
                              int64_t *ret_n, bool *ret_more, struct error *e)
{
        int64_t sessions = 0, codes = 0;
        TRY(store_exec(tx->db,
                       "DELETE FROM statements WHERE subject IN (SELECT 'sessions/' || id"
                       " FROM sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
                       NULL, e, "ii", before_ms, (int64_t)limit));
        TRY(store_exec(tx->db, "DELETE FROM sessions WHERE id IN " OVER, &sessions, e, "ii",
                       before_ms, (int64_t)limit));
        TRY(store_exec(tx->db,
                       "DELETE FROM redeemed_codes WHERE id IN (SELECT id FROM redeemed_codes"
                       " WHERE ends_at <= $1 ORDER BY ends_at LIMIT $2)",
                       &codes, e, "ii", tx->now_ms, (int64_t)limit));
        *ret_n = sessions + codes;
        *ret_more = sessions == (int64_t)limit || codes == (int64_t)limit;
        return STATUS_OK;
}
