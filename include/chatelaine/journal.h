/*
 * journal: audit log and outbox in one append-only table.
 *
 * Events are appended inside the transaction that changes the rows which they
 * tell of; seq has no gaps. Audit events carry a SHA-256 chain; a checkpoint,
 * signed with Ed25519, covers the chain's head and a digest of the other rows
 * since the last one.
 *
 *     ledger thread                        publisher, readers
 *     journal_append(j, db, &event)        journal_read(db, from, ...)
 *     journal_mark / journal_reset_to      journal_envelope(...)  ─▶ CloudEvent
 *     (around each savepoint)
 *
 * struct journal is the writer's memory of the head (seq, chain hash, digest):
 * only the ledger's thread touches it.
 */
#ifndef CHATELAINE_JOURNAL_H
#define CHATELAINE_JOURNAL_H

#include <chatelaine/base_clock.h>
#include <chatelaine/codec_secrets.h>
#include <chatelaine/store.h>

enum topic { TOPIC_WEBHOOKS, TOPIC_KEYS, TOPIC_AUDIT, TOPIC_COUNT };
/* "webhooks", "keys", "audit": without prefix. */
const char *topic_name(enum topic t);
/* With or without `prefix`; NOT_FOUND when it is none of ours. */
enum status topic_parse(struct span text, const char *prefix, enum topic *ret,
                        struct error *e) MUST_CHECK;

#define JOURNAL_HASH_SIZE 32

struct event {
        enum topic topic;
        const char *type;    /* "chatelaine.key.created.v1", a literal */
        struct span key;     /* Kafka message key and partitionkey */
        struct span subject; /* CloudEvents subject; may be absent */
        struct span data; /* the data object as JSON; for audit without previous and hash, which are
                             added here */
        /* Audit: data is in RFC 8785 form already, and "previous" belongs at this offset, between
         * two members. 0 = append sorts it. */
        size_t previous_at;
        const char *traceparent; /* "" or NULL = none */
};

struct journal;
struct journal_mark {
        int64_t seq;
        int64_t checkpoint_seq, covered_seq;
        uint8_t chain[JOURNAL_HASH_SIZE];
        uint8_t digest[JOURNAL_HASH_SIZE];
};

/* Read the head from the database. `event_bytes_max`: larger events are refused by append (LIMIT
 * "event-too-large"). `secrets` signs checkpoints. */
enum status journal_open(struct store_conn *db, const struct secrets *secrets,
                         size_t event_bytes_max, struct journal **ret, struct error *e) MUST_CHECK;
void journal_free(struct journal *j);
/* Ledger thread only. The row's time is now_ms; ret_seq may be NULL. LIMIT "event-too-large". */
enum status journal_append(struct journal *j, struct store_conn *db, const struct event *ev,
                           int64_t now_ms, int64_t *ret_seq, struct error *e) MUST_CHECK;
size_t journal_event_bytes_max(const struct journal *j);
/* Would append take an event of this size? (key, subject, type and data count.) */
bool journal_event_fits(const struct journal *j, const struct event *ev);
/* Around savepoints and transactions that may be undone. */
void journal_mark(const struct journal *j, struct journal_mark *ret);
void journal_reset_to(struct journal *j, const struct journal_mark *m);
int64_t journal_head(const struct journal *j);

/* Append a signed checkpoint (its own table, kept for ever, and an audit-topic event
 * chatelaine.checkpoint.v1). Nothing new since the last one: no row, OK. */
enum status journal_checkpoint(struct journal *j, struct store_conn *db, int64_t now_ms,
                               struct error *e) MUST_CHECK;
/*
 * Delete at most `limit` of the oldest rows that are older than `before_ms`, at or
 * below `through_seq` (the publisher's lowest mark) and covered by a checkpoint.
 * ret_more tells that there were more.
 */
enum status journal_purge(struct journal *j, struct store_conn *db, int64_t before_ms,
                          int64_t through_seq, unsigned limit, bool *ret_more,
                          struct error *e) MUST_CHECK;

struct journal_row {
        int64_t seq, time_ms;
        enum topic topic;
        struct span id, key, type, subject, body,
                traceparent; /* body = data, complete (audit: with previous and hash) */
};
/* Rows of `topics` (bit 1 << topic) with seq >= from, at most `limit`, in order; false from `row`
 * ends early (still OK). Spans live for the call. */
enum status journal_read(struct store_conn *db, unsigned topics, int64_t from, int64_t through,
                         unsigned limit, bool (*row)(void *ctx, const struct journal_row *r),
                         void *ctx, struct error *e) MUST_CHECK;
/* The CloudEvent (structured JSON, one line, no newline) of a row. source = "/chatelaine/NODE". */
void journal_envelope(const struct journal_row *r, const char *node, struct buf *out);

/* The publisher's marks: the last seq of the unbroken confirmed prefix, a topic each. */
enum status journal_marks_load(struct store_conn *db, int64_t ret_marks[TOPIC_COUNT],
                               struct error *e) MUST_CHECK;
enum status journal_marks_save(struct store_conn *db, const int64_t marks[TOPIC_COUNT],
                               struct error *e) MUST_CHECK;

/*
 * Verify chain and checkpoints from `from` (0 = the oldest kept) on. The walk begins at the end of
 * the checkpoint before it, because that is what the chain hangs from, and fails for a broken row
 * there too. Public keys: by checkpoint key number (NULL = those of `secrets`). OK with *ret
 * filled, CONFLICT "audit-broken" with where = "seq N" of the first broken row, INVALID
 * "sequence-unknown" when rows before `from` are not there at the journal's end.
 */
struct journal_verdict {
        int64_t rows, first, last; /* from `from` on: none when last is first - 1 */
        int64_t checkpoints;
};
enum status journal_verify(struct store_conn *db, const struct secrets *secrets, int64_t from,
                           struct journal_verdict *ret, struct error *e) MUST_CHECK;
/* The same without a daemon: `public_key_pem` of whoever kept it; `checkpoints` (may be absent) is
 * a file of checkpoint CloudEvents, one a line, that must all be found again in the database. */
enum status journal_verify_offline(struct store_conn *db, struct span public_key_pem,
                                   struct span checkpoints, int64_t from,
                                   struct journal_verdict *ret, struct error *e) MUST_CHECK;

#endif
