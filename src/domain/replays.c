#include "domain/apps.h"

/*
 * Digests are even in chance, so the rows in 1/4096 of their space tell how many there are: a
 * count of all would cost more than the request.
 */
#define SHARE 4096
#define RETRY_AFTER_MS 30000
static const uint8_t share_end[] = {0x00, 0x10};

static enum status check_room(struct ledger_tx *tx, int64_t app_id, struct error *e)
{
        int64_t n;
        TRY(store_int_of(tx->db,
                         "SELECT count(*) FROM replay_digests WHERE app_id = $1 AND digest < $2",
                         &n, e, "ib", app_id, span_make(share_end, sizeof share_end)));
        if (n < REPLAYS_MAX / SHARE)
                return STATUS_OK;
        enum status s =
                error_set_http(e, STATUS_LIMIT, 429, "too-many-requests-in-window", NULL,
                               "The app has signed too many requests in the replay window.");
        if (e)
                e->retry_after_ms = RETRY_AFTER_MS;
        return s;
}

enum status replay_use_in(struct ledger_tx *tx, int64_t app_id, const uint8_t digest[16],
                          int64_t ends_at, bool *ret_is_fresh, struct error *e)
{
        int64_t n;
        TRY(check_room(tx, app_id, e));
        TRY(store_exec(tx->db,
                       "INSERT INTO replay_digests (app_id, digest, ends_at) VALUES ($1, $2, $3)"
                       " ON CONFLICT (app_id, digest) DO NOTHING",
                       &n, e, "ibi", app_id, span_make(digest, 16), ends_at));
        *ret_is_fresh = n == 1;
        return STATUS_OK;
}

enum status webhook_id_use_in(struct ledger_tx *tx, int64_t app_id, struct span id, int64_t ends_at,
                              bool *ret_is_fresh, struct error *e)
{
        int64_t n;
        /* One that is over counts no more, also before the purge has come by. */
        TRY(store_exec(tx->db,
                       "INSERT INTO webhook_ids (app_id, webhook_id, ends_at) VALUES ($1, $2, $3)"
                       " ON CONFLICT (app_id, webhook_id) DO UPDATE SET ends_at = excluded.ends_at"
                       " WHERE webhook_ids.ends_at <= $4",
                       &n, e, "itii", app_id, id, ends_at, tx->now_ms));
        *ret_is_fresh = n == 1;
        return STATUS_OK;
}

enum status replays_purge_in(struct ledger_tx *tx, unsigned limit, int64_t *ret_n, bool *ret_more,
                             struct error *e)
{
        int64_t digests, ids;
        TRY(store_exec(tx->db,
                       "DELETE FROM replay_digests WHERE (app_id, digest) IN"
                       " (SELECT app_id, digest FROM replay_digests WHERE ends_at <= $1"
                       " ORDER BY ends_at LIMIT $2)",
                       &digests, e, "ii", tx->now_ms, (int64_t)limit));
        TRY(store_exec(tx->db,
                       "DELETE FROM webhook_ids WHERE (app_id, webhook_id) IN"
                       " (SELECT app_id, webhook_id FROM webhook_ids WHERE ends_at <= $1"
                       " ORDER BY ends_at LIMIT $2)",
                       &ids, e, "ii", tx->now_ms, (int64_t)limit));
        *ret_n = digests + ids;
        *ret_more = digests >= limit || ids >= limit;
        return STATUS_OK;
}
