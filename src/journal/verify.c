/* The walk over the journal; verify.h draws it. */
#include "journal/verify.h"

#include <chatelaine/codec_json.h>
#include <chatelaine/codec_text.h>
#include <inttypes.h>
#include <stdio.h>

#define SLICE_ROWS 1000

struct walk {
        struct store_conn *db;
        const struct signers *signers;
        struct sha256 sha; /* chain_hash's, chain_digest's */
        struct journal_verdict verdict;
        int64_t from;    /* the first row that was asked about */
        int64_t next;    /* the row that must come */
        int64_t through; /* the head when the walk began: what is written meanwhile is not its
                            matter */
        uint8_t chain[JOURNAL_HASH_SIZE], digest[JOURNAL_HASH_SIZE];
        bool has_chain;  /* chain is known: not so until the first link behind a purge that has not
                            finished */
        bool has_digest; /* all rows since the last checkpoint were there */
        struct checkpoint ahead; /* the next one; has_ahead false: the unsigned tail */
        bool has_ahead;
        struct checkpoint
                behind; /* the one whose end was passed last, with the key that signed it */
        const struct pkey *behind_key;
};

enum status verify_broken(int64_t seq, const char *what, struct error *e)
{
        char where[32];

        snprintf(where, sizeof where, "seq %" PRId64, seq);
        return error_set(e, STATUS_CONFLICT, "audit-broken", where, "%s", what);
}

/* ---- checkpoints ---- */

static bool take_bytes(struct span s, void *out, size_t len)
{
        if (s.len != len)
                return false;
        memcpy(out, s.p, len);
        return true;
}

static bool checkpoint_from(struct store_stmt *st, struct checkpoint *ret)
{
        struct span id = store_text(st, 2);

        *ret = (struct checkpoint){
                .seq = store_int(st, 0),
                .time_ms = store_int(st, 1),
                .key_number = (uint32_t)store_int(st, 5),
                .previous_seq = store_int(st, 7),
        };
        return take_bytes(id, ret->event_id, ID_UUID_SIZE - 1) &&
               take_bytes(store_blob(st, 3), ret->hash, sizeof ret->hash) &&
               take_bytes(store_blob(st, 4), ret->digest, sizeof ret->digest) &&
               store_int(st, 5) == ret->key_number &&
               take_bytes(store_blob(st, 6), ret->signature, sizeof ret->signature);
}

static const char checkpoint_sql[] =
        "SELECT c.seq, c.time_ms, c.event_id, c.hash, c.digest, c.key_number, c.signature, "
        "coalesce((SELECT max(b.seq) FROM checkpoints AS b WHERE b.seq < c.seq), 0) "
        "FROM checkpoints AS c WHERE c.seq >= $1 ORDER BY c.seq LIMIT 1";

enum status checkpoint_find(struct store_conn *db, int64_t from, struct checkpoint *ret,
                            bool *ret_found, struct error *e)
{
        struct store_stmt *st;
        struct checkpoint c = {0};
        bool is_sound = true;

        TRY(store_query(db, checkpoint_sql, &st, e, "i", from));
        bool is_found = store_next(st);
        if (is_found)
                is_sound = checkpoint_from(st, &c);
        TRY(store_done(st, e));
        if (!is_sound)
                return verify_broken(c.seq, "the checkpoint's row is damaged", e);
        *ret = c;
        *ret_found = is_found;
        return STATUS_OK;
}

const struct pkey *signers_verify(const struct signers *s, const struct checkpoint *c)
{
        char text[CHECKPOINT_TEXT_SIZE];
        struct span signed_text = checkpoint_text(c, text),
                    signature = span_make(c->signature, sizeof c->signature);

        if (s->secrets) {
                const struct pkey *key = c->key_number ? secrets_pkey(s->secrets, SECRET_CHECKPOINT,
                                                                      c->key_number, NULL)
                                                       : NULL;
                return key && pkey_verify(key, signed_text, signature) ? key : NULL;
        }
        for (size_t i = 0; i < s->n_keys; i++)
                if (pkey_verify(s->keys[i], signed_text, signature))
                        return s->keys[i];
        return NULL;
}

/* Checkpoints outlive their rows: each must hold by itself, and name the one before it. */
static enum status check_old_checkpoints(struct walk *w, int64_t before, struct error *e)
{
        struct checkpoint c;
        bool is_found;

        for (int64_t from = 1;; from = c.seq + 1) {
                TRY(checkpoint_find(w->db, from, &c, &is_found, e));
                if (!is_found || c.seq >= before)
                        return STATUS_OK;
                if (signers_verify(w->signers, &c) == NULL)
                        return verify_broken(c.seq, "the checkpoint's signature does not hold", e);
                w->verdict.checkpoints++;
        }
}

/* The walk stands on the last row that `ahead` covers. */
static enum status pass_checkpoint(struct walk *w, struct error *e)
{
        const struct checkpoint *c = &w->ahead;

        w->behind_key = signers_verify(w->signers, c);
        if (w->behind_key == NULL)
                return verify_broken(c->seq, "the checkpoint's signature does not hold", e);
        if (w->has_chain && memcmp(c->hash, w->chain, sizeof w->chain) != 0)
                return verify_broken(c->seq, "the audit chain is not the one that was signed here",
                                     e);
        if (w->has_digest && memcmp(c->digest, w->digest, sizeof w->digest) != 0)
                return verify_broken(
                        c->seq, "a row since the checkpoint before is not the one that was signed",
                        e);

        if (!w->has_digest) /* what a purge has begun to delete was not all there to be checked */
                w->verdict.first = c->seq + 1;
        w->verdict.checkpoints++;
        memcpy(w->chain, c->hash, sizeof w->chain);
        memset(w->digest, 0, sizeof w->digest);
        w->has_chain = w->has_digest = true;
        w->behind = *c;
        return checkpoint_find(w->db, c->seq + 1, &w->ahead, &w->has_ahead, e);
}

/* ---- rows ---- */

static enum status check_checkpoint_event(struct walk *w, const struct raw_row *r, struct error *e)
{
        struct buf data CLEANUP(buf_fini);
        const struct checkpoint *c = &w->behind;
        uint8_t public_key[ED25519_SIZE];

        buf_init(&data, 1024);
        if (w->behind_key == NULL || c->seq + 1 != r->seq)
                return verify_broken(r->seq, "the event of a checkpoint that is not there", e);
        TRY(pkey_public(w->behind_key, public_key, e));
        checkpoint_data(c, public_key, &data);
        TRY(buf_check(&data, e));
        if (!span_is(r->id, c->event_id) || r->time_ms != c->time_ms || r->topic != TOPIC_AUDIT ||
            !span_is(r->key, AUDIT_KEY) || !span_is(r->subject, CHECKPOINT_SUBJECT) ||
            r->traceparent.p || r->hash.p || !span_equal(r->body, buf_view(&data)))
                return verify_broken(
                        r->seq, "the event does not tell of its checkpoint what was signed", e);
        return STATUS_OK;
}

/* The first link behind an unfinished purge says itself what came before it. */
static enum status chain_from_row(struct walk *w, const struct raw_row *r, struct error *e)
{
        struct json *body;

        if (json_parse(r->body, 32, &body, NULL) != STATUS_OK)
                return verify_broken(r->seq, "the audit event's data is damaged", e);
        w->has_chain = hex_decode_exact(w->chain, sizeof w->chain, json_get_text(body, "previous"));
        json_free(body);
        return w->has_chain ? STATUS_OK
                            : verify_broken(r->seq, "the audit event names no link before it", e);
}

static enum status check_link(struct walk *w, const struct raw_row *r, struct error *e)
{
        uint8_t hash[JOURNAL_HASH_SIZE];

        if (r->topic != TOPIC_AUDIT || !span_is(r->key, AUDIT_KEY))
                return verify_broken(r->seq, "the audit event is not on its topic", e);
        if (!w->has_chain)
                TRY(chain_from_row(w, r, e));
        chain_hash(&w->sha, w->chain, r->seq, r->id, r->time_ms, r->body, hash);
        if (!span_equal(r->hash, span_make(hash, sizeof hash)))
                return verify_broken(r->seq, "the audit event is not the one that was written", e);
        memcpy(w->chain, hash, sizeof hash);
        return STATUS_OK;
}

static enum status check_row(struct walk *w, const struct raw_row *r, struct error *e)
{
        if (w->behind_key && r->seq == w->behind.seq + 1 && !span_is(r->type, CHECKPOINT_TYPE))
                return verify_broken(r->seq, "the event of the checkpoint is missing", e);
        if (span_is(r->type, CHECKPOINT_TYPE)) {
                TRY(check_checkpoint_event(w, r, e));
        } else {
                if (span_is(r->type, AUDIT_TYPE))
                        TRY(check_link(w, r, e));
                else if (r->hash.p)
                        return verify_broken(r->seq, "the row has a link that is none", e);
                chain_digest(&w->sha, w->digest, r);
        }
        w->verdict.rows += r->seq >= w->from;
        w->verdict.last = r->seq;
        w->next = r->seq + 1;
        if (w->has_ahead && w->ahead.seq == r->seq)
                return pass_checkpoint(w, e);
        return STATUS_OK;
}

/* ---- where to begin ---- */

/* At row `first`, with what the checkpoint before it signed, when it ends just there. */
static enum status begin_at(struct walk *w, int64_t first, struct error *e)
{
        int64_t before;
        bool is_found = false;

        TRY(store_int_of(w->db, "SELECT coalesce(max(seq), 0) FROM checkpoints WHERE seq < $1",
                         &before, e, "i", first));
        memset(w->chain, 0, sizeof w->chain);
        memset(w->digest, 0, sizeof w->digest);
        w->has_chain = w->has_digest = before == first - 1;
        w->behind_key = NULL;
        if (before > 0) {
                TRY(checkpoint_find(w->db, before, &w->behind, &is_found, e));
                w->behind_key = signers_verify(w->signers, &w->behind);
                if (w->behind_key == NULL)
                        return verify_broken(before, "the checkpoint's signature does not hold", e);
                memcpy(w->chain, w->behind.hash, sizeof w->chain);
        }
        TRY(checkpoint_find(w->db, first, &w->ahead, &w->has_ahead, e));
        if (!w->has_digest && !w->has_ahead)
                return verify_broken(
                        first - 1,
                        "the rows before the oldest are gone, and no checkpoint covers them", e);
        w->verdict.first = w->next = first;
        w->verdict.rows = 0;
        return STATUS_OK;
}

/*
 * The end of the last checkpoint below `from`, as far as its rows are there: the chain hangs from
 * what was signed. What is asked about may come next and have not come yet; to have rows missing
 * before it means another journal, or that this one's end was cut off.
 */
static enum status find_start(struct walk *w, int64_t *ret, struct error *e)
{
        int64_t oldest, before, from = w->from;

        if (from - 1 > w->through)
                return error_set(e, STATUS_INVALID, "sequence-unknown", "from",
                                 "the journal's last sequence is %" PRId64, w->through);
        TRY(store_int_of(w->db, "SELECT coalesce(min(seq), 0) FROM journal", &oldest, e, ""));
        TRY(store_int_of(w->db, "SELECT coalesce(max(seq), 0) FROM checkpoints WHERE seq < $1",
                         &before, e, "i", from));
        *ret = from == 0 || before + 1 < oldest ? oldest : before + 1;
        return STATUS_OK;
}

/* A row is missing: by the purge when nothing older is left, else by another hand. */
static enum status bridge_gap(struct walk *w, int64_t found, struct error *e)
{
        int64_t oldest;

        TRY(store_int_of(w->db, "SELECT coalesce(min(seq), 0) FROM journal", &oldest, e, ""));
        if (found < w->next || oldest < found)
                return verify_broken(w->next, "the row is missing", e);
        return begin_at(w, found, e);
}

/* ---- walking ---- */

static const char slice_sql[] =
        "SELECT " RAW_COLUMNS " FROM journal WHERE seq >= $1 AND seq <= $2 ORDER BY seq LIMIT $3";

/* *ret_gap: the row that was found in place of w->next; 0 = none. */
static enum status walk_slice(struct walk *w, int64_t *ret_n, int64_t *ret_gap, struct error *e)
{
        struct store_stmt *st;
        enum status s = STATUS_OK;

        *ret_n = *ret_gap = 0;
        TRY(store_query(w->db, slice_sql, &st, e, "iii", w->next, w->through, (int64_t)SLICE_ROWS));
        while (s == STATUS_OK && *ret_gap == 0 && store_next(st)) {
                struct raw_row r;
                raw_row_from(st, &r);
                ++*ret_n;
                if (r.seq != w->next)
                        *ret_gap = r.seq;
                else
                        s = check_row(w, &r, e);
        }
        enum status ended = store_done(st, s == STATUS_OK ? e : NULL);
        return s == STATUS_OK ? ended : s;
}

/* A checkpoint and its event are one transaction: where rows were cut off the end, it stands beyond
 * it. */
static enum status check_end(struct walk *w, struct error *e)
{
        int64_t oldest, newest, last_checkpoint;

        TRY(store_int_of(w->db, "SELECT coalesce(min(seq), 0) FROM journal", &oldest, e, ""));
        if (w->next <= w->through && oldest <= w->next) /* else the purge has overtaken the walk */
                return verify_broken(w->next, "the row is missing", e);
        TRY(store_int_of(w->db, "SELECT coalesce(max(seq), 0) FROM checkpoints", &last_checkpoint,
                         e, ""));
        TRY(store_int_of(w->db, "SELECT coalesce(max(seq), 0) FROM journal", &newest, e, ""));
        if (last_checkpoint > 0 && last_checkpoint >= newest)
                return verify_broken(newest + 1,
                                     "rows that a checkpoint covers are missing at the end", e);
        return STATUS_OK;
}

static enum status walk_rows(struct walk *w, struct error *e)
{
        int64_t n, gap;

        do {
                TRY(walk_slice(w, &n, &gap, e));
                if (gap)
                        TRY(bridge_gap(w, gap, e));
        } while (n > 0);
        return check_end(w, e);
}

static enum status walk(struct walk *w, struct error *e)
{
        int64_t first;

        TRY(store_int_of(w->db, "SELECT coalesce(max(seq), 0) FROM journal", &w->through, e, ""));
        TRY(find_start(w, &first, e));
        if (w->from == 0)
                TRY(check_old_checkpoints(w, first, e));
        if (first > 0)
                TRY(begin_at(w, first, e));
        TRY(walk_rows(w, e));
        if (w->verdict.first < w->from)
                w->verdict.first = w->from;
        return STATUS_OK;
}

enum status verify_walk(struct store_conn *db, const struct signers *signers, int64_t from,
                        struct journal_verdict *ret, struct error *e)
{
        struct walk w = {.db = db, .signers = signers, .from = from, .next = 1};

        sha256_init(&w.sha);
        enum status s = walk(&w, e);
        sha256_final(&w.sha, NULL);
        if (s == STATUS_OK)
                *ret = w.verdict;
        return s;
}

enum status journal_verify(struct store_conn *db, const struct secrets *secrets, int64_t from,
                           struct journal_verdict *ret, struct error *e)
{
        struct signers s = {.secrets = secrets};

        return verify_walk(db, &s, from, ret, e);
}
