/* Verification with what an auditor kept: a public key, and the checkpoints as they were published.
 */
#include "journal/verify.h"

#include <chatelaine/codec_json.h>
#include <chatelaine/codec_text.h>

#define LINE_DEPTH_MAX 8

/* ---- the published checkpoints ---- */

static enum status invalid(size_t line, const char *what, struct error *e)
{
        return error_set(e, STATUS_INVALID, "checkpoints-file", NULL,
                         "line %zu of the checkpoints: %s", line, what);
}

static bool is_base64_of(struct span text, const void *bytes, size_t len)
{
        struct buf b CLEANUP(buf_fini);

        buf_init(&b, 2 * len + 4);
        base64_encode(&b, span_make(bytes, len));
        return b.status == STATUS_OK && span_equal(buf_view(&b), text);
}

static bool is_hex_of(struct span text, const uint8_t bytes[JOURNAL_HASH_SIZE])
{
        uint8_t read[JOURNAL_HASH_SIZE];

        return hex_decode_exact(read, sizeof read, text) && memcmp(read, bytes, sizeof read) == 0;
}

static bool is_same(const struct checkpoint *c, struct span id, const struct json *data)
{
        return span_is(id, c->event_id) &&
               json_integer(json_get(data, "previous_sequence")) == c->previous_seq &&
               json_integer(json_get(data, "key")) == c->key_number &&
               is_hex_of(json_get_text(data, "hash"), c->hash) &&
               is_hex_of(json_get_text(data, "digest"), c->digest) &&
               is_base64_of(json_get_text(data, "signature"), c->signature, sizeof c->signature);
}

static enum status check_event(struct store_conn *db, const struct signers *signers,
                               const struct json *event, size_t line, struct error *e)
{
        const struct json *data = json_get(event, "data");
        const struct json *seq = json_get(data, "sequence");
        struct checkpoint c;
        bool is_found;

        if (span_is(json_get_text(event, "type"), AUDIT_TYPE)) /* the topic carries both */
                return STATUS_OK;
        if (!span_is(json_get_text(event, "type"), CHECKPOINT_TYPE) || !json_is_integer(seq))
                return invalid(line, "it is no checkpoint event", e);
        TRY(checkpoint_find(db, json_integer(seq), &c, &is_found, e));
        if (!is_found || c.seq != json_integer(seq))
                return verify_broken(json_integer(seq),
                                     "a published checkpoint is not in the database", e);
        if (!is_same(&c, json_get_text(event, "id"), data))
                return verify_broken(c.seq, "the checkpoint is not the one that was published", e);
        if (signers_verify(signers, &c) == NULL)
                return verify_broken(c.seq, "the checkpoint's signature does not hold", e);
        return STATUS_OK;
}

static enum status check_published(struct store_conn *db, const struct signers *signers,
                                   struct span file, struct error *e)
{
        struct span rest = file;

        for (size_t line = 1; rest.p; line++) {
                struct span text = span_trim(span_split(rest, '\n', &rest));
                struct json *event CLEANUP(json_freep) = NULL;
                if (text.len == 0)
                        continue;
                if (json_parse(text, LINE_DEPTH_MAX, &event, NULL) != STATUS_OK)
                        return invalid(line, "it is no JSON", e);
                TRY(check_event(db, signers, event, line, e));
        }
        return STATUS_OK;
}

/* ---- the public keys: one PEM block, or several, one for each checkpoint.N ---- */

#define PEM_END "-----END PUBLIC KEY-----"

static enum status read_keys(struct span pem, struct signers *s, struct error *e)
{
        struct span rest = span_trim(pem);

        while (rest.len > 0) {
                const char *end = memmem(rest.p, rest.len, PEM_END, sizeof PEM_END - 1);
                size_t len = end ? (size_t)(end - rest.p) + sizeof PEM_END - 1 : rest.len;
                if (s->n_keys == VERIFY_KEYS_MAX)
                        return error_set(e, STATUS_LIMIT, "too-many-keys", NULL,
                                         "at most %d public keys", VERIFY_KEYS_MAX);
                TRY(pkey_from_pem(span_make(rest.p, len), &s->keys[s->n_keys], e));
                uint8_t bytes[ED25519_SIZE];
                TRY(pkey_public(s->keys[s->n_keys++], bytes,
                                e)); /* Ed25519, or it signed nothing of ours */
                rest = span_trim(span_make(rest.p + len, rest.len - len));
        }
        if (s->n_keys == 0)
                return error_set(e, STATUS_INVALID, "invalid-key", NULL, "there is no public key");
        return STATUS_OK;
}

static void free_keys(struct signers *s)
{
        for (size_t i = 0; i < s->n_keys; i++)
                pkey_free(s->keys[i]);
}

enum status journal_verify_offline(struct store_conn *db, struct span public_key_pem,
                                   struct span checkpoints, int64_t from,
                                   struct journal_verdict *ret, struct error *e)
{
        struct signers s CLEANUP(free_keys) = {0};
        struct journal_verdict verdict;

        TRY(read_keys(public_key_pem, &s, e));
        TRY(check_published(db, &s, checkpoints, e));
        TRY(verify_walk(db, &s, from, &verdict, e));
        *ret = verdict;
        return STATUS_OK;
}
