/* What time does to keys: warnings, ends, and their rows' own end. In slices, so that the writer is
 * soon free again. */
#include "domain/keys.h"
#include "domain/upstreams.h"

#include <chatelaine/base_metrics.h>
#include <chatelaine/domain_access_keys.h>

#include <assert.h>
#include <stdio.h>

#define SLICE_MAX 500

enum status keys_next_due(struct store_conn *db, int64_t *ret_ms, struct error *e)
{
        int64_t dies = INT64_MAX, warns = INT64_MAX;
        enum status s = store_int_of(
                db, "SELECT dies_at FROM keys WHERE state < 3 ORDER BY dies_at LIMIT 1", &dies, e,
                "");
        if (s != STATUS_OK && s != STATUS_NOT_FOUND)
                return s;
        s = store_int_of(
                db, "SELECT warn_at FROM keys WHERE warn_at IS NOT NULL ORDER BY warn_at LIMIT 1",
                &warns, e, "");
        if (s != STATUS_OK && s != STATUS_NOT_FOUND)
                return s;
        *ret_ms = dies < warns ? dies : warns;
        return STATUS_OK;
}

struct due_key {
        char id[ID_HEX24_SIZE], successor_id[ID_HEX24_SIZE];
        int64_t dies_at;
        bool is_rotated; /* the end of a grace, not of a life */
};

struct slice {
        struct due_key keys[SLICE_MAX];
        size_t n;
        bool is_more;
};

static void copy_id(char out[ID_HEX24_SIZE], struct span id)
{
        snprintf(out, ID_HEX24_SIZE, "%.*s", (int)id.len, id.p ? id.p : "");
}

/* `sql` asks for id, successor_id, dies_at, expires_at of what is due at $1, at most $2 rows: one
 * more than the slice. */
static enum status take_slice(struct ledger_tx *tx, const char *sql, int64_t before_ms,
                              unsigned limit, struct slice *out, struct error *e)
{
        struct store_stmt *st;
        assert(limit <= SLICE_MAX);
        out->n = 0;
        out->is_more = false;
        TRY(store_query(tx->db, sql, &st, e, "ii", before_ms, (int64_t)limit + 1));
        while (!out->is_more && store_next(st)) {
                out->is_more = out->n == limit;
                if (out->is_more)
                        break;
                struct due_key *k = &out->keys[out->n++];
                copy_id(k->id, store_text(st, 0));
                copy_id(k->successor_id, store_text(st, 1));
                k->dies_at = store_int(st, 2);
                k->is_rotated = k->dies_at < store_int(st, 3);
        }
        return store_done(st, e);
}

static struct metric_cell *lateness;

void keys_metrics(void)
{
        lateness = metric_only(metric_family(METRIC_HISTOGRAM,
                                             "chatelaine_key_expiry_lateness_seconds", "",
                                             "From a key's date to its expiry on record."));
}

/* What the old key minted goes on under the new one; when that has ended meanwhile, it ends too. */
static enum status pass_on_children(struct ledger_tx *tx, const struct due_key *k, struct error *e)
{
        int64_t has_heir = 0, ended = 0;
        TRY(store_int_of(tx->db,
                         "SELECT count(*) FROM keys WHERE id = $1 AND state < 3 AND dies_at > $2",
                         &has_heir, e, "si", k->successor_id, tx->now_ms));
        if (!has_heir)
                return keys_revoke_children(tx, span_of(k->id), "", &ended, e);
        return store_exec(tx->db, "UPDATE keys SET parent_key_id = $1 WHERE parent_key_id = $2",
                          NULL, e, "ss", k->successor_id, k->id);
}

static enum status expire_one(struct ledger_tx *tx, const struct due_key *k, struct error *e)
{
        bool has_ended;
        struct span id = span_of(k->id);
        metric_observe_us(lateness, (tx->now_ms - k->dies_at) * 1000);
        if (!k->is_rotated)
                return key_end(tx, id, KEY_EXPIRED, KEY_REASON_EXPIRED, "", &has_ended, e);
        TRY(key_end(tx, id, KEY_REVOKED, KEY_REASON_ROTATED, "", &has_ended, e));
        return pass_on_children(tx, k, e);
}

enum status keys_expire_in(struct ledger_tx *tx, unsigned limit, int64_t *ret_n, bool *ret_more,
                           struct error *e)
{
        struct slice due;
        TRY(take_slice(tx,
                       "SELECT id, successor_id, dies_at, expires_at FROM keys"
                       " WHERE state < 3 AND dies_at <= $1 ORDER BY dies_at LIMIT $2",
                       tx->now_ms, limit, &due, e));
        for (size_t i = 0; i < due.n; i++)
                TRY(expire_one(tx, &due.keys[i], e));
        *ret_n = (int64_t)due.n;
        *ret_more = due.is_more;
        return STATUS_OK;
}

enum status keys_warn_in(struct ledger_tx *tx, unsigned limit, int64_t *ret_n, bool *ret_more,
                         struct error *e)
{
        struct slice due;
        TRY(take_slice(tx,
                       "SELECT id, successor_id, dies_at, expires_at FROM keys"
                       " WHERE warn_at IS NOT NULL AND warn_at <= $1 ORDER BY warn_at LIMIT $2",
                       tx->now_ms, limit, &due, e));
        for (size_t i = 0; i < due.n; i++) {
                TRY(store_exec(tx->db, "UPDATE keys SET warn_at = NULL WHERE id = $1", NULL, e, "s",
                               due.keys[i].id));
                TRY(key_event(tx, KEY_EVENT("expiring"), span_of(due.keys[i].id), "", e));
        }
        *ret_n = (int64_t)due.n;
        *ret_more = due.is_more;
        return STATUS_OK;
}

/* ---- rows that are over ---- */

static enum status purge_one(struct ledger_tx *tx, const char *id, struct error *e)
{
        char subject[SUBJECT_SIZE];
        int64_t state = 0;
        subject_of("keys", span_of(id), subject);
        TRY(grants_remove_subject(tx, subject, e));
        TRY(store_exec(tx->db, "DELETE FROM key_resources WHERE key_id = $1", NULL, e, "s", id));
        TRY(upstream_forget(tx, id, e));
        TRY(access_key_forget(tx, id, e));
        TRY(store_int_of(tx->db, "DELETE FROM keys WHERE id = $1 RETURNING state", &state, e, "s",
                         id));
        return key_counted(tx, (enum key_state)state, KEY_STATES, e);
}

enum status keys_purge_in(struct ledger_tx *tx, int64_t ended_before_ms, unsigned limit,
                          int64_t *ret_n, bool *ret_more, struct error *e)
{
        /* One that is still to be revoked elsewhere, or waits for a person, stays. */
        struct slice over;
        TRY(take_slice(tx,
                       "SELECT k.id, k.successor_id, k.dies_at, k.expires_at FROM keys k"
                       " WHERE k.ended_at IS NOT NULL AND k.ended_at < $1 AND NOT EXISTS (SELECT 1"
                       " FROM upstream_keys u WHERE u.key_id = k.id AND u.state IN (1, 4))"
                       " ORDER BY k.ended_at LIMIT $2",
                       ended_before_ms, limit, &over, e));
        for (size_t i = 0; i < over.n; i++)
                TRY(purge_one(tx, over.keys[i].id, e));
        *ret_n = (int64_t)over.n;
        *ret_more = over.is_more;
        return STATUS_OK;
}

enum status idempotency_purge_in(struct ledger_tx *tx, unsigned limit, int64_t *ret_n,
                                 bool *ret_more, struct error *e)
{
        TRY(store_exec(tx->db,
                       "DELETE FROM idempotency_keys WHERE (caller, name) IN (SELECT caller, name"
                       " FROM idempotency_keys WHERE ends_at <= $1 ORDER BY ends_at LIMIT $2)",
                       ret_n, e, "ii", tx->now_ms, (int64_t)limit));
        *ret_more = *ret_n == (int64_t)limit;
        return STATUS_OK;
}

/* ---- counts ---- */

enum status keys_count(struct store_conn *db, int64_t now_ms, int64_t ret[KEY_STATES],
                       struct error *e)
{
        int64_t counts[KEY_STATES] = {0};
        struct store_stmt *st;
        TRY(store_query(db, "SELECT state, n FROM key_counts", &st, e, ""));
        while (store_next(st))
                counts[store_int(st, 0)] = store_int(st, 1);
        TRY(store_done(st, e));

        /* Past their date, not tidied up yet; of a backlog no more than a scrape can wait for. */
        TRY(store_query(db,
                        "SELECT d.state, d.dies_at < d.expires_at, count(*) FROM"
                        " (SELECT k.state, k.dies_at, k.expires_at FROM keys k WHERE k.state < 3"
                        " AND k.dies_at <= $1 ORDER BY k.dies_at LIMIT 5000) d GROUP BY 1, 2",
                        &st, e, "i", now_ms));
        while (store_next(st)) {
                counts[store_int(st, 0)] -= store_int(st, 2);
                counts[store_int(st, 1) ? KEY_REVOKED : KEY_EXPIRED] += store_int(st, 2);
        }
        TRY(store_done(st, e));
        memcpy(ret, counts, sizeof counts);
        return STATUS_OK;
}
