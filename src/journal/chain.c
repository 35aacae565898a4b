/* The two hash chains and the text that a checkpoint signs; chain.h defines them. */
#include "journal/chain.h"

#include <chatelaine/codec_json.h>
#include <chatelaine/codec_text.h>
#include <inttypes.h>
#include <stdio.h>

void raw_row_from(struct store_stmt *st, struct raw_row *ret)
{
        *ret = (struct raw_row){
                .seq = store_int(st, 0),
                .time_ms = store_int(st, 1),
                .topic = store_int(st, 2),
                .id = store_text(st, 3),
                .key = store_text(st, 4),
                .type = store_text(st, 5),
                .subject = store_text(st, 6),
                .traceparent = store_text(st, 7),
                .body = store_text(st, 8),
                .hash = store_blob(st, 9),
        };
}

void chain_hash(struct sha256 *h, const uint8_t previous[JOURNAL_HASH_SIZE], int64_t seq,
                struct span id, int64_t time_ms, struct span body, uint8_t ret[JOURNAL_HASH_SIZE])
{
        char head[HASH_HEX_SIZE + 32], time[CLOCK_RFC3339_SIZE];

        hex_write(head, previous, JOURNAL_HASH_SIZE);
        char *end = head + HASH_HEX_SIZE - 1;
        *end++ = '\n';
        end += int64_write(seq, end);
        *end++ = '\n';
        clock_rfc3339(time_ms, time);

        sha256_update(h, span_make(head, (size_t)(end - head)));
        sha256_update(h, id);
        sha256_update(h, SPAN("\n"));
        sha256_update(h, span_of(time));
        sha256_update(h, SPAN("\n"));
        sha256_update(h, body);
        sha256_next(h, ret);
}

/* Short fields are gathered, so that a row costs few updates. */
struct gather {
        struct sha256 *h;
        char bytes[512];
        size_t n;
};

static void put(struct gather *g, const void *p, size_t len)
{
        if (g->n + len > sizeof g->bytes) {
                sha256_update(g->h, span_make(g->bytes, g->n));
                g->n = 0;
        }
        if (len > sizeof g->bytes) {
                sha256_update(g->h, span_make(p, len));
                return;
        }
        memcpy(g->bytes + g->n, p, len);
        g->n += len;
}

static void put_span(struct gather *g, struct span s)
{
        char len[INT64_TEXT_MAX];

        if (s.p == NULL) {
                put(g, "-,", 2);
                return;
        }
        put(g, len, int64_write((int64_t)s.len, len));
        put(g, ":", 1);
        put(g, s.p, s.len);
        put(g, ",", 1);
}

static void put_int(struct gather *g, int64_t n)
{
        char text[INT64_TEXT_MAX];

        put_span(g, span_make(text, int64_write(n, text)));
}

void chain_digest(struct sha256 *h, uint8_t digest[JOURNAL_HASH_SIZE], const struct raw_row *r)
{
        struct gather g = {.h = h};

        put(&g, digest, JOURNAL_HASH_SIZE);
        put_int(&g, r->seq);
        put_span(&g, r->id);
        put_int(&g, r->time_ms);
        put_int(&g, r->topic);
        put_span(&g, r->key);
        put_span(&g, r->type);
        put_span(&g, r->subject);
        put_span(&g, r->traceparent);
        put_span(&g, r->hash.p ? r->hash : r->body);
        sha256_update(h, span_make(g.bytes, g.n));
        sha256_next(h, digest);
}

struct span checkpoint_text(const struct checkpoint *c, char out[CHECKPOINT_TEXT_SIZE])
{
        char hash[HASH_HEX_SIZE], digest[HASH_HEX_SIZE];

        hex_write(hash, c->hash, JOURNAL_HASH_SIZE);
        hex_write(digest, c->digest, JOURNAL_HASH_SIZE);
        int n = snprintf(out, CHECKPOINT_TEXT_SIZE,
                         CHECKPOINT_TYPE "\n%" PRId64 "\n%" PRId64 "\n%s\n%s", c->previous_seq,
                         c->seq, hash, digest);
        return span_make(out, (size_t)n);
}

static void member_hex(struct buf *out, const char *name, const void *bytes, size_t n)
{
        json_key(out, name);
        buf_char(out, '"');
        hex_encode(out, span_make(bytes, n));
        buf_char(out, '"');
}

static void member_base64(struct buf *out, const char *name, const void *bytes, size_t n)
{
        json_key(out, name);
        buf_char(out, '"');
        base64_encode(out, span_make(bytes, n));
        buf_char(out, '"');
}

void checkpoint_data(const struct checkpoint *c, const uint8_t public_key[ED25519_SIZE],
                     struct buf *out)
{
        json_obj_open(out);
        member_hex(out, "digest", c->digest, sizeof c->digest);
        member_hex(out, "hash", c->hash, sizeof c->hash);
        json_member_int(out, "key", c->key_number);
        json_member_int(out, "previous_sequence", c->previous_seq);
        member_base64(out, "public_key", public_key, ED25519_SIZE);
        json_member_int(out, "sequence", c->seq);
        member_base64(out, "signature", c->signature, sizeof c->signature);
        json_obj_close(out);
}
