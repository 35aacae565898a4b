/* The one place where a key's row is made, ends, and is told of. */
#include "domain/keys.h"
#include "domain/resources.h"
#include "domain/upstreams.h"

#include <chatelaine/base_log.h>
#include <chatelaine/codec_json.h>
#include <chatelaine/domain_sessions.h>

/* ---- events ---- */

static enum status write_resources(struct ledger_tx *tx, struct span key_id, struct buf *out,
                                   struct error *e)
{
        struct store_stmt *st;
        TRY(store_query(tx->db,
                        "SELECT resource FROM key_resources WHERE key_id = $1 ORDER BY resource",
                        &st, e, "t", key_id));
        while (store_next(st))
                json_text(out, store_text(st, 0));
        return store_done(st, e);
}

static enum status write_data(struct ledger_tx *tx, struct span key_id, bool has_resources,
                              bool has_upstream, struct buf *out, struct error *e)
{
        struct store_stmt *st;
        CLEANUP(buf_fini) struct buf rest; /* behind `resources`, which is another query's */
        buf_init(&rest, 1024);
        json_obj_open(out);
        json_member_text(out, "id", key_id);
        TRY(store_query(tx->db, "SELECT user_id, state, reason, dies_at FROM keys WHERE id = $1",
                        &st, e, "t", key_id));
        if (store_next(st)) {
                enum key_state state = (enum key_state)store_int(st, 1);
                json_member_text(out, "user", store_text(st, 0));
                json_member_text(&rest, "state", span_of(key_state_name(state)));
                json_member_text(&rest, "reason", store_text(st, 2));
                json_member_time(&rest, "expires_at", store_int(st, 3));
        }
        TRY(store_done(st, e));
        json_key(out, "resources");
        json_arr_open(out);
        if (has_resources)
                TRY(write_resources(tx, key_id, out, e));
        json_arr_close(out);
        TRY(buf_check(&rest, e));
        buf_char(out, ',');
        buf_span(out, buf_view(&rest));
        if (has_upstream)
                TRY(upstream_write(tx->db, key_id, out, e));
        json_obj_close(out);
        return buf_check(out, e);
}

static enum status append(struct ledger_tx *tx, const char *type, struct span key_id,
                          bool has_resources, const char *traceparent, struct error *e)
{
        char subject[SUBJECT_SIZE];
        CLEANUP(buf_fini) struct buf data;
        buf_init(&data, journal_event_bytes_max(tx->journal));
        bool has_upstream = strcmp(type, KEY_EVENT("upstream_revoked")) == 0 ||
                            strcmp(type, KEY_EVENT("upstream_failed")) == 0;
        TRY(write_data(tx, key_id, has_resources, has_upstream, &data, e));
        subject_of("keys", key_id, subject);
        struct event ev = {
                .topic = TOPIC_KEYS,
                .type = type,
                .key = key_id,
                .subject = span_of(subject),
                .data = buf_view(&data),
                .traceparent = traceparent,
        };
        return journal_append(tx->journal, tx->db, &ev, tx->now_ms, NULL, e);
}

/*
 * A key is not made when its event is too large. One that is there must still be able to end, also
 * when the bound has been lowered since: then without its resources, and the log says so.
 */
enum status key_event(struct ledger_tx *tx, const char *type, struct span key_id,
                      const char *traceparent, struct error *e)
{
        enum status s = append(tx, type, key_id, true, traceparent, e);
        if (s != STATUS_LIMIT || strcmp(type, KEY_EVENT("created")) == 0)
                return s;
        LOG_ERROR("key.event_cut", LOG_SPAN("key", key_id), LOG_S("type", type));
        return append(tx, type, key_id, false, traceparent, e);
}

/* ---- counts ---- */

static enum status add_count(struct ledger_tx *tx, enum key_state s, int64_t n, struct error *e)
{
        if (s == KEY_STATES)
                return STATUS_OK;
        return store_exec(tx->db, "UPDATE key_counts SET n = n + $1 WHERE state = $2", NULL, e,
                          "ii", n, (int64_t)s);
}

enum status key_counted(struct ledger_tx *tx, enum key_state from, enum key_state to,
                        struct error *e)
{
        if (from == to)
                return STATUS_OK;
        TRY(add_count(tx, from, -1, e));
        return add_count(tx, to, 1, e);
}

/* ---- rows ---- */

int64_t key_warn_at(const struct settings *s, int64_t dies_at, int64_t now_ms)
{
        int64_t before = s->config->keys.warn_before_ms;
        return before > 0 && dies_at - before > now_ms ? dies_at - before : 0;
}

enum status key_insert(struct ledger_tx *tx, const struct key_new *k, struct error *e)
{
        TRY(store_exec(tx->db,
                       "INSERT INTO keys (id, hash, pepper, user_id, app, name, state, minted_by,"
                       " parent_key_id, predecessor_id, created_at, updated_at, expires_at,"
                       " dies_at, warn_at) VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, $9, $10, $10,"
                       " $11, $11, nullif($12, 0))",
                       NULL, e, "sbittttttiii", k->id, span_make(k->hash, 32), (int64_t)k->pepper,
                       k->user_id, k->app, k->name.p ? k->name : SPAN(""), k->minted_by,
                       k->parent_key_id, k->predecessor_id, tx->now_ms, k->dies_at,
                       key_warn_at(k->settings, k->dies_at, tx->now_ms)));
        return key_counted(tx, KEY_STATES, KEY_ACTIVE, e);
}

enum status key_bind(struct ledger_tx *tx, const char *key_id, struct span resource, bool is_named,
                     struct error *e)
{
        return store_exec(tx->db,
                          "INSERT INTO key_resources (key_id, resource, document_id, is_named)"
                          " VALUES ($1, $2, $3, $4) ON CONFLICT (key_id, resource) DO UPDATE"
                          " SET is_named = 1 WHERE excluded.is_named = 1",
                          NULL, e, "stti", key_id, resource, resource_document(resource),
                          (int64_t)is_named);
}

enum status key_end(struct ledger_tx *tx, struct span key_id, enum key_state to, const char *reason,
                    const char *traceparent, bool *ret_ended, struct error *e)
{
        int64_t was = -1;
        enum status s = store_int_of(tx->db, "SELECT state FROM keys WHERE id = $1 AND state < 3",
                                     &was, e, "t", key_id);
        *ret_ended = s == STATUS_OK;
        if (s != STATUS_OK)
                return s == STATUS_NOT_FOUND ? STATUS_OK : s;
        TRY(store_exec(tx->db,
                       "UPDATE keys SET state = $1, reason = $2, ended_at = $3, updated_at = $3,"
                       " warn_at = NULL WHERE id = $4",
                       NULL, e, "isit", (int64_t)to, reason, tx->now_ms, key_id));
        TRY(key_counted(tx, (enum key_state)was, to, e));
        TRY(upstream_begin(tx, key_id, e));
        struct session_selector sessions = {.key = key_id};
        TRY(sessions_end_in(tx, &sessions, SESSION_REASON_KEY_ENDED, traceparent, NULL, e));
        return key_event(tx, to == KEY_EXPIRED ? KEY_EVENT("expired") : KEY_EVENT("revoked"),
                         key_id, traceparent, e);
}
