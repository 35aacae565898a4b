/* Readers: rows in order, and the CloudEvent of a row. */
#include "journal/chain.h"

#include <chatelaine/codec_json.h>
#include <chatelaine/codec_text.h>

#define TOPIC_BIT(t) (1u << (t))
#define RARE_TOPICS (TOPIC_BIT(TOPIC_KEYS) | TOPIC_BIT(TOPIC_AUDIT))

/* Without webhooks there is an index that skips them: one range of it for each topic, merged. */
static const char rare_sql[] =
        "SELECT " RAW_COLUMNS " FROM ("
        "SELECT * FROM (SELECT " RAW_COLUMNS " FROM journal "
        "WHERE topic <> 0 AND topic = $4 AND seq >= $1 AND seq <= $2 ORDER BY seq LIMIT $3) AS a "
        "UNION ALL "
        "SELECT * FROM (SELECT " RAW_COLUMNS " FROM journal "
        "WHERE topic <> 0 AND topic = $5 AND seq >= $1 AND seq <= $2 ORDER BY seq LIMIT $3) AS b"
        ") AS both_topics ORDER BY seq LIMIT $3";
static const char some_sql[] =
        "SELECT " RAW_COLUMNS
        " FROM journal WHERE seq >= $1 AND seq <= $2 AND topic IN (0, $4, $5) "
        "ORDER BY seq LIMIT $3";

/* A topic that is not asked for is -1: no row has it. */
static int64_t if_asked(unsigned topics, enum topic t)
{
        return topics & TOPIC_BIT(t) ? (int64_t)t : -1;
}

/* The data as readers see it: an audit row's hash is a column of its own, spliced in here. */
static enum status complete_body(const struct raw_row *raw, struct buf *scratch, struct span *ret,
                                 struct error *e)
{
        if (!span_is(raw->type, AUDIT_TYPE)) {
                *ret = raw->body;
                return STATUS_OK;
        }
        if (raw->body.len < 2 || raw->body.p[0] != '{')
                return error_set(e, STATUS_INTERNAL, "journal-broken", NULL, "row %lld has no data",
                                 (long long)raw->seq);
        buf_reset(scratch);
        scratch->max = raw->body.len + HASH_HEX_SIZE + 32; /* as bounded as the row */
        buf_text(scratch, "{\"hash\":\"");
        hex_encode(scratch, raw->hash);
        buf_text(scratch, "\",");
        buf_append(scratch, raw->body.p + 1, raw->body.len - 1);
        TRY(buf_check(scratch, e));
        *ret = buf_view(scratch);
        return STATUS_OK;
}

static enum status row_of(struct store_stmt *st, struct buf *scratch, struct journal_row *ret,
                          struct error *e)
{
        struct raw_row raw;
        struct span body = SPAN_NONE;

        raw_row_from(st, &raw);
        if (raw.topic < 0 || raw.topic >= TOPIC_COUNT)
                return error_set(e, STATUS_INTERNAL, "journal-broken", NULL,
                                 "row %lld has no topic", (long long)raw.seq);
        TRY(complete_body(&raw, scratch, &body, e));
        *ret = (struct journal_row){
                .seq = raw.seq,
                .time_ms = raw.time_ms,
                .topic = (enum topic)raw.topic,
                .id = raw.id,
                .key = raw.key,
                .type = raw.type,
                .subject = raw.subject,
                .traceparent = raw.traceparent,
                .body = body,
        };
        return STATUS_OK;
}

enum status journal_read(struct store_conn *db, unsigned topics, int64_t from, int64_t through,
                         unsigned limit, bool (*row)(void *ctx, const struct journal_row *r),
                         void *ctx, struct error *e)
{
        struct buf scratch CLEANUP(buf_fini);
        const char *sql = (topics & ~RARE_TOPICS) == 0 ? rare_sql : some_sql;
        struct store_stmt *st;

        buf_init(&scratch, 0);
        TRY(store_query(db, sql, &st, e, "iiiii", from, through, (int64_t)limit,
                        if_asked(topics, TOPIC_KEYS), if_asked(topics, TOPIC_AUDIT)));
        enum status s = STATUS_OK;
        while (s == STATUS_OK && store_next(st)) {
                struct journal_row r;
                s = row_of(st, &scratch, &r, e);
                if (s == STATUS_OK && !row(ctx, &r))
                        break;
        }
        enum status ended = store_done(st, s == STATUS_OK ? e : NULL);
        return s == STATUS_OK ? ended : s;
}

/* ---- CloudEvents 1.0, structured JSON; extensions sequence, partitioning, distributed tracing
 * ---- */

static void member(struct buf *out, const char *name, struct span value)
{
        buf_text(out, name);
        json_string(out, value);
}

void journal_envelope(const struct journal_row *r, const char *node, struct buf *out)
{
        char time[CLOCK_RFC3339_SIZE];

        clock_rfc3339(r->time_ms, time);
        buf_text(out, "{\"specversion\":\"1.0\"");
        member(out, ",\"id\":", r->id);
        buf_text(out, ",\"source\":\"/chatelaine/");
        percent_encode(out, span_of(node), PERCENT_COMPONENT);
        buf_char(out, '"');
        member(out, ",\"type\":", r->type);
        if (r->subject.p)
                member(out, ",\"subject\":", r->subject);
        member(out, ",\"time\":", span_of(time));
        buf_text(
                out,
                ",\"datacontenttype\":\"application/json\",\"dataschema\":\"urn:chatelaine:schema:");
        buf_span(out, r->type);
        buf_text(out, "\",\"sequence\":\"");
        buf_int(out, r->seq);
        buf_char(out, '"');
        member(out, ",\"partitionkey\":", r->key);
        if (r->traceparent.p)
                member(out, ",\"traceparent\":", r->traceparent);
        buf_text(out, ",\"data\":");
        buf_span(out, r->body);
        buf_char(out, '}');
}
