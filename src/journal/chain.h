/*
 * chain: what makes a change of the journal show.
 *
 * Two SHA-256 chains run over it.
 *
 *   hash    over rows of type chatelaine.audit.v1. Hex, in the event:
 *
 *           hash = SHA-256(previous LF sequence LF id LF time LF data)
 *
 *           previous: the hash before, 64 zeros at first; sequence: decimal; time: RFC 3339 with
 *           ms; data: RFC 8785 form of the event's data without `hash`, with `previous`. The row's
 *           body is that data, its column hash the 32 bytes.
 *
 *   digest  over all rows but those of type chatelaine.checkpoint.v1, audit rows too (so that the
 *           columns which the hash leaves out are covered). 32 zero bytes behind a checkpoint, then
 *           for each row
 *
 *           digest = SHA-256(digest seq id time_ms topic key type subject traceparent content)
 *
 *           digest as 32 bytes, the others as netstrings ("5:audit,"; numbers in decimal; an absent
 *           one is "-,"), topic as its number; content is the row's hash where it has one (which
 *           covers the body), else its body.
 *
 * A checkpoint signs, with Ed25519, the heads of both:
 *
 *           "chatelaine.checkpoint.v1" LF previous_sequence LF sequence LF hash LF digest
 *
 * sequence is the last row that it covers, previous_sequence that of the checkpoint before (0:
 * none), hash and digest in hex. Its event follows as row sequence + 1.
 */
#ifndef CHATELAINE_JOURNAL_CHAIN_H
#define CHATELAINE_JOURNAL_CHAIN_H

#include <chatelaine/journal.h>

#define AUDIT_TYPE "chatelaine.audit.v1"
#define CHECKPOINT_TYPE "chatelaine.checkpoint.v1"
#define CHECKPOINT_SUBJECT "journal"
#define AUDIT_KEY "audit"
#define HASH_HEX_SIZE (2 * JOURNAL_HASH_SIZE + 1)

/* A row as it lies in the table: body of an audit row without its hash. */
struct raw_row {
        int64_t seq, time_ms, topic;
        struct span id, key, type, subject, traceparent, body, hash;
};
/* Columns in the order of raw_row_from. */
#define RAW_COLUMNS "seq, time_ms, topic, id, key, type, subject, traceparent, body, hash"
void raw_row_from(struct store_stmt *st, struct raw_row *ret);

/* `h` is at its beginning, and is so again. */
void chain_hash(struct sha256 *h, const uint8_t previous[JOURNAL_HASH_SIZE], int64_t seq,
                struct span id, int64_t time_ms, struct span body, uint8_t ret[JOURNAL_HASH_SIZE]);
/* digest is carried on by one row. */
void chain_digest(struct sha256 *h, uint8_t digest[JOURNAL_HASH_SIZE], const struct raw_row *r);

struct checkpoint {
        int64_t seq, previous_seq, time_ms;
        char event_id[ID_UUID_SIZE];
        uint8_t hash[JOURNAL_HASH_SIZE], digest[JOURNAL_HASH_SIZE];
        uint32_t key_number;
        uint8_t signature[ED25519_SIGNATURE_SIZE];
};
#define CHECKPOINT_TEXT_SIZE 256
struct span checkpoint_text(const struct checkpoint *c, char out[CHECKPOINT_TEXT_SIZE]);
/* The data of its event. */
void checkpoint_data(const struct checkpoint *c, const uint8_t public_key[ED25519_SIZE],
                     struct buf *out);

#endif
