/* The writer's side: where the journal ends, and one row more. */
#include "journal/head.h"

#include <chatelaine/codec_json.h>
#include <chatelaine/codec_text.h>
#include <stdlib.h>

/* Node name, member names, time, id and what Kafka adds to a message: all that does not depend on
 * the event. */
#define ENVELOPE_BYTES 2048
#define ESCAPE_BYTES 6 /* \u001f: the longest that a byte becomes */

/* ---- opening ---- */

/* The chain's hash in the first row, when there is one; *ret_seq (may be NULL) from the row's
 * second column. `what` names the row for who must mend it. */
static enum status load_hash(struct journal *j, struct store_conn *db, const char *sql,
                             const char *what, int64_t *ret_seq, struct error *e)
{
        struct store_stmt *st;
        bool is_sound = true;

        TRY(store_query(db, sql, &st, e, ""));
        if (store_next(st)) {
                struct span hash = store_blob(st, 0);
                is_sound = hash.len == JOURNAL_HASH_SIZE;
                if (is_sound)
                        memcpy(j->head.chain, hash.p, JOURNAL_HASH_SIZE);
                if (ret_seq)
                        *ret_seq = store_int(st, 1);
        }
        TRY(store_done(st, e));
        if (!is_sound)
                return error_set(e, STATUS_INTERNAL, "journal-broken", NULL, "%s has no hash",
                                 what);
        return STATUS_OK;
}

/* The last link, when the purge has left one: it is the chain's head, whatever the checkpoint says.
 */
static enum status load_chain(struct journal *j, struct store_conn *db, struct error *e)
{
        TRY(load_hash(j, db, "SELECT hash, seq FROM checkpoints ORDER BY seq DESC LIMIT 1",
                      "the last checkpoint", &j->head.checkpoint_seq, e));
        return load_hash(j, db,
                         "SELECT hash FROM journal WHERE topic <> 0 AND topic = 2"
                         " AND type = '" AUDIT_TYPE "' ORDER BY seq DESC LIMIT 1",
                         "the last audit event", NULL, e);
}

/* The digest of the rows behind the last checkpoint is in nobody's memory but ours: read them
 * again. */
static enum status load_digest(struct journal *j, struct store_conn *db, struct error *e)
{
        struct store_stmt *st;
        struct raw_row r;

        j->head.seq = j->head.covered_seq = j->head.checkpoint_seq;
        TRY(store_query(db, "SELECT " RAW_COLUMNS " FROM journal WHERE seq > $1 ORDER BY seq", &st,
                        e, "i", j->head.checkpoint_seq));
        while (store_next(st)) {
                raw_row_from(st, &r);
                if (!span_is(r.type, CHECKPOINT_TYPE))
                        chain_digest(&j->sha, j->head.digest, &r);
                else if (j->head.covered_seq == j->head.seq)
                        j->head.covered_seq = r.seq;
                j->head.seq = r.seq;
        }
        return store_done(st, e);
}

enum status journal_open(struct store_conn *db, const struct secrets *secrets,
                         size_t event_bytes_max, struct journal **ret, struct error *e)
{
        struct journal *j = calloc(1, sizeof *j);
        if (j == NULL)
                return error_no_memory(e);
        j->secrets = secrets;
        j->event_bytes_max = event_bytes_max;
        sha256_init(&j->sha);
        buf_init(&j->body, event_bytes_max + ENVELOPE_BYTES);

        enum status s = load_chain(j, db, e);
        if (s == STATUS_OK)
                s = load_digest(j, db, e);
        if (s != STATUS_OK) {
                journal_free(j);
                return s;
        }
        *ret = j;
        return STATUS_OK;
}

void journal_free(struct journal *j)
{
        if (j == NULL)
                return;
        sha256_final(&j->sha, NULL);
        buf_fini(&j->body);
        free(j);
}

/* ---- the head ---- */

size_t journal_event_bytes_max(const struct journal *j)
{
        return j->event_bytes_max;
}

bool journal_event_fits(const struct journal *j, const struct event *ev)
{
        size_t escaped = (2 * ev->key.len + ev->subject.len) * ESCAPE_BYTES;

        return ev->data.len + escaped + 2 * strlen(ev->type) + ENVELOPE_BYTES <= j->event_bytes_max;
}

void journal_mark(const struct journal *j, struct journal_mark *ret)
{
        *ret = j->head;
}

void journal_reset_to(struct journal *j, const struct journal_mark *m)
{
        j->head = *m;
}

int64_t journal_head(const struct journal *j)
{
        return j->head.seq;
}

/* ---- appending ---- */

static const char insert_sql[] =
        "INSERT INTO journal (" RAW_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

static enum status insert(struct store_conn *db, const struct raw_row *r, struct error *e)
{
        return store_exec(db, insert_sql, NULL, e, "iiittttttb", r->seq, r->time_ms, r->topic,
                          r->id, r->key, r->type, r->subject, r->traceparent, r->body, r->hash);
}

/* link_data where the writer has sorted already: only spliced. */
static enum status link_sorted(struct journal *j, struct span data, size_t at, struct error *e)
{
        char previous[HASH_HEX_SIZE];

        hex_write(previous, j->head.chain, JOURNAL_HASH_SIZE);
        buf_reset(&j->body);
        buf_append(&j->body, data.p, at);
        buf_text(&j->body, "\"previous\":\"");
        buf_append(&j->body, previous, HASH_HEX_SIZE - 1);
        buf_text(&j->body, "\",");
        buf_append(&j->body, data.p + at, data.len - at);
        return buf_check(&j->body, e);
}

/* `{...}` with "previous" added, in RFC 8785 form, into j->body. */
static enum status link_data(struct journal *j, struct span data, struct error *e)
{
        struct buf joined CLEANUP(buf_fini);
        char previous[HASH_HEX_SIZE];
        struct span object = span_trim(data);

        buf_init(&joined, j->body.max);
        if (object.len < 2 || object.p[0] != '{')
                return error_set(e, STATUS_INTERNAL, "journal-data", NULL,
                                 "the data of an audit event is no object");
        struct span rest = span_trim(span_make(object.p + 1, object.len - 1));
        hex_write(previous, j->head.chain, JOURNAL_HASH_SIZE);

        buf_text(&joined, "{\"previous\":\"");
        buf_text(&joined, previous);
        buf_text(&joined, rest.p[0] == '}' ? "\"" : "\",");
        buf_span(&joined, rest);
        TRY(buf_check(&joined, e));
        buf_reset(&j->body);
        return json_canonical(buf_view(&joined), &j->body, e);
}

static enum status append_row(struct journal *j, struct store_conn *db, struct raw_row *r,
                              size_t previous_at, int64_t *ret_seq, struct error *e)
{
        bool is_link = r->topic == TOPIC_AUDIT && span_is(r->type, AUDIT_TYPE);
        uint8_t hash[JOURNAL_HASH_SIZE];

        r->seq = j->head.seq + 1;
        if (is_link) {
                TRY(previous_at ? link_sorted(j, r->body, previous_at, e)
                                : link_data(j, r->body, e));
                r->body = buf_view(&j->body);
                chain_hash(&j->sha, j->head.chain, r->seq, r->id, r->time_ms, r->body, hash);
                r->hash = span_make(hash, sizeof hash);
        }
        enum status s = insert(db, r, e);
        if (s == STATUS_OK)
                chain_digest(&j->sha, j->head.digest, r);
        r->hash = SPAN_NONE; /* the frame ends */
        TRY(s);

        j->head.seq = r->seq;
        if (is_link)
                memcpy(j->head.chain, hash, sizeof hash);
        if (ret_seq)
                *ret_seq = r->seq;
        return STATUS_OK;
}

enum status journal_append(struct journal *j, struct store_conn *db, const struct event *ev,
                           int64_t now_ms, int64_t *ret_seq, struct error *e)
{
        char id[ID_UUID_SIZE];
        bool has_trace = ev->traceparent && ev->traceparent[0] != '\0';

        if (!journal_event_fits(j, ev))
                return error_set(e, STATUS_LIMIT, "event-too-large", NULL,
                                 "an event of %zu bytes does not fit into a message", ev->data.len);
        id_uuidv7(id);
        struct raw_row r = {
                .time_ms = now_ms,
                .topic = ev->topic,
                .id = span_make(id, ID_UUID_SIZE - 1),
                .key = ev->key,
                .type = span_of(ev->type),
                .subject = ev->subject,
                .traceparent = has_trace ? span_of(ev->traceparent) : SPAN_NONE,
                .body = ev->data,
        };
        return append_row(j, db, &r, ev->previous_at, ret_seq, e);
}

enum status journal_append_checkpoint(struct journal *j, struct store_conn *db,
                                      const struct checkpoint *c, struct span data, struct error *e)
{
        struct raw_row r = {
                .seq = j->head.seq + 1,
                .time_ms = c->time_ms,
                .topic = TOPIC_AUDIT,
                .id = span_of(c->event_id),
                .key = SPAN(AUDIT_KEY),
                .type = SPAN(CHECKPOINT_TYPE),
                .subject = SPAN(CHECKPOINT_SUBJECT),
                .body = data,
        };
        TRY(insert(db, &r, e));
        j->head.seq = j->head.covered_seq = r.seq;
        return STATUS_OK;
}
