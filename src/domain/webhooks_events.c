#include "domain/webhooks.h"

#include <chatelaine/codec_json.h>
#include <chatelaine/codec_text.h>

static void write_sha256(struct buf *out, struct span data)
{
        uint8_t digest[SHA256_SIZE];
        char hex[2 * SHA256_SIZE + 1];
        if (!data.p) {
                buf_text(out, "null");
                return;
        }
        sha256_of(data, digest);
        hex_write(hex, digest, sizeof digest);
        buf_char(out, '"');
        buf_append(out, hex, sizeof hex - 1);
        buf_char(out, '"');
}

static void write_text(struct buf *out, struct span text)
{
        if (text.p)
                json_string(out, text);
        else
                buf_text(out, "null");
}

void webhook_event_prepare(struct span app, int64_t user_number, struct span external_id,
                           struct span type, struct span data, struct buf *out, size_t *ret_key_len)
{
        size_t start = out->len;
        if (external_id.p) {
                buf_span(out, app);
                buf_char(out, '/');
                buf_span(out, external_id);
        }
        *ret_key_len = out->len - start;
        buf_text(out, "\"app\":");
        json_string(out, app);
        buf_text(out, ",\"user_id\":");
        if (user_number)
                buf_int(out, user_number);
        else
                buf_text(out, "null");
        buf_text(out, ",\"external_id\":");
        write_text(out, external_id);
        buf_text(out, ",\"type\":");
        json_string(out, type);
        buf_text(out, ",\"data_sha256\":");
        write_sha256(out, data);
}

static void write_data(struct buf *out, const struct webhook_event_text *text,
                       const struct webhook_event_row *row)
{
        buf_reset(out);
        buf_text(out, "{\"log_id\":");
        buf_int(out, row->log_id);
        buf_text(out, ",\"status\":\"");
        buf_text(out, webhook_status_name(row->status));
        buf_text(out, "\",\"version\":");
        buf_int(out, row->version);
        buf_text(out, ",\"attempts\":");
        buf_int(out, row->attempts);
        buf_text(out, ",\"status_text\":");
        write_text(out, span_of(row->status_text));
        buf_char(out, ',');
        buf_span(out, text->members);
}

enum status webhook_event_append(struct ledger_tx *tx, const char *type,
                                 const struct webhook_event_text *text,
                                 const struct webhook_event_row *row, bool with_data,
                                 const char *traceparent, struct buf *scratch, struct error *e)
{
        char id[INT64_TEXT_MAX];
        struct event ev = {.topic = TOPIC_WEBHOOKS, .type = type, .traceparent = traceparent};
        ev.subject = span_make(id, int64_write(row->log_id, id));
        ev.key = text->key.len ? text->key : ev.subject;

        write_data(scratch, text, row);
        size_t without = scratch->len;
        if (with_data) {
                buf_text(scratch, ",\"data\":");
                buf_span(scratch, row->data.p ? row->data : SPAN("null"));
                buf_char(scratch, '}');
                ev.data = buf_view(scratch);
                if (scratch->status == STATUS_OK && journal_event_fits(tx->journal, &ev))
                        return journal_append(tx->journal, tx->db, &ev, tx->now_ms, NULL, e);
                if (scratch->status == STATUS_NO_MEMORY)
                        return error_no_memory(e);
                scratch->len = without;
                scratch->status = STATUS_OK;
                buf_text(scratch, ",\"data_omitted\":true");
        }
        buf_char(scratch, '}');
        TRY(buf_check(scratch, e));
        ev.data = buf_view(scratch);
        return journal_append(tx->journal, tx->db, &ev, tx->now_ms, NULL, e);
}
