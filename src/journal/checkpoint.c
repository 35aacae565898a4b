/* Signed heads of the journal, and the purge that ends at one of them. */
#include "journal/head.h"

#define DATA_MAX 1024

static enum status sign(const struct journal *j, struct checkpoint *c,
                        uint8_t ret_public[ED25519_SIZE], struct error *e)
{
        char text[CHECKPOINT_TEXT_SIZE];

        if (j->secrets == NULL)
                return error_set(e, STATUS_INTERNAL, "no-checkpoint-key", NULL,
                                 "there is no key to sign a checkpoint with");
        TRY(secrets_checkpoint_sign(j->secrets, checkpoint_text(c, text), c->signature,
                                    &c->key_number, e));
        const struct pkey *key = secrets_pkey(j->secrets, SECRET_CHECKPOINT, c->key_number, NULL);
        return pkey_public(key, ret_public, e);
}

static enum status keep(struct store_conn *db, const struct checkpoint *c, struct error *e)
{
        return store_exec(
                db,
                "INSERT INTO checkpoints (seq, time_ms, event_id, hash, digest, key_number, signature) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7)",
                NULL, e, "iisbbib", c->seq, c->time_ms, c->event_id,
                span_make(c->hash, sizeof c->hash), span_make(c->digest, sizeof c->digest),
                (int64_t)c->key_number, span_make(c->signature, sizeof c->signature));
}

enum status journal_checkpoint(struct journal *j, struct store_conn *db, int64_t now_ms,
                               struct error *e)
{
        struct buf data CLEANUP(buf_fini);
        struct checkpoint c = {
                .seq = j->head.seq, .previous_seq = j->head.checkpoint_seq, .time_ms = now_ms};
        uint8_t public_key[ED25519_SIZE];

        buf_init(&data, DATA_MAX);
        if (j->head.seq == j->head.covered_seq)
                return STATUS_OK;
        id_uuidv7(c.event_id);
        memcpy(c.hash, j->head.chain, sizeof c.hash);
        memcpy(c.digest, j->head.digest, sizeof c.digest);
        TRY(sign(j, &c, public_key, e));
        checkpoint_data(&c, public_key, &data);
        TRY(buf_check(&data, e));

        TRY(keep(db, &c, e));
        TRY(journal_append_checkpoint(j, db, &c, buf_view(&data), e));
        j->head.checkpoint_seq = c.seq;
        memset(j->head.digest, 0, sizeof j->head.digest);
        return STATUS_OK;
}

/* ---- the purge ---- */

/*
 * The oldest row, and the next checkpoint that covers it when that one is old enough and published;
 * *ret_end is 0 when it is not. The row of the last checkpoint's event is covered by none: the
 * journal is never emptied, so its head is not forgotten.
 */
static enum status next_interval(struct store_conn *db, int64_t before_ms, int64_t through_seq,
                                 int64_t *ret_oldest, int64_t *ret_end, struct error *e)
{
        struct store_stmt *st;
        int64_t oldest, end = 0;

        TRY(store_int_of(db, "SELECT min(seq) FROM journal", &oldest, e, ""));
        TRY(store_query(db,
                        "SELECT seq, time_ms FROM checkpoints WHERE seq >= $1 ORDER BY seq LIMIT 1",
                        &st, e, "i", oldest));
        if (oldest > 0 && store_next(st) && store_int(st, 0) <= through_seq &&
            store_int(st, 1) < before_ms)
                end = store_int(st, 0);
        TRY(store_done(st, e));
        *ret_oldest = oldest;
        *ret_end = end;
        return STATUS_OK;
}

enum status journal_purge(struct journal *j, struct store_conn *db, int64_t before_ms,
                          int64_t through_seq, unsigned limit, bool *ret_more, struct error *e)
{
        int64_t oldest, end, left = limit;

        (void)j;
        for (;;) {
                TRY(next_interval(db, before_ms, through_seq, &oldest, &end, e));
                if (end == 0 || left <= 0)
                        break;
                int64_t last =
                        end - oldest < left ? end : oldest + left - 1; /* there are no gaps */
                TRY(store_exec(db, "DELETE FROM journal WHERE seq <= $1", NULL, e, "i", last));
                left -= last - oldest + 1;
        }
        *ret_more = end != 0;
        return STATUS_OK;
}
