#include "domain/domain.h"

#include <chatelaine/codec_json.h>

#define AUDIT_BYTES_MAX 8192 /* every text of struct audit, all its characters escaped */

const char *audit_outcome(enum status s)
{
        return s == STATUS_OK ? "success" : s == STATUS_DENIED ? "denied" : "failed";
}

static void write_request(struct buf *b, const struct audit *a)
{
        json_key(b, "request");
        json_obj_open(b);
        json_member_text(b, "id", span_of(a->request_id));
        json_member_text(b, "ip", span_of(a->ip));
        json_member_text(b, "method", span_of(a->method));
        json_member_text(b, "route", span_of(a->route));
        json_member_text(b, "user_agent", span_of(a->user_agent));
        json_obj_close(b);
}

enum status audit_write(struct ledger_tx *tx, const char *actor_kind, const char *actor_id,
                        const char *on_behalf_of, const struct audit *a, const char *outcome,
                        const char *reason, struct error *e)
{
        CLEANUP(buf_fini) struct buf b;
        buf_init(&b, AUDIT_BYTES_MAX);
        json_obj_open(&b);
        json_key(&b, "actor");
        json_obj_open(&b);
        json_member_text(&b, "kind", span_of(actor_kind));
        json_member_text(&b, "id", span_of(actor_id));
        if (on_behalf_of[0])
                json_member_text(&b, "on_behalf_of", span_of(on_behalf_of));
        json_obj_close(&b);
        json_member_text(&b, "action", span_of(a->action));
        json_key(&b, "target");
        json_obj_open(&b);
        json_member_text(&b, "kind", span_of(a->target_kind ? a->target_kind : "none"));
        json_member_text(&b, "id", span_of(a->target_id));
        json_obj_close(&b);
        json_member_text(&b, "outcome", span_of(outcome));
        if (reason)
                json_member_text(&b, "reason", span_of(reason));
        if (a->has_request)
                write_request(&b, a);
        if (a->count >= 0)
                json_member_int(&b, "count", a->count);
        json_obj_close(&b);
        TRY(buf_check(&b, e));

        struct event ev = {
                .topic = TOPIC_AUDIT,
                .type = "chatelaine.audit.v1",
                .key = SPAN("audit"),
                .data = buf_view(&b),
                .traceparent = a->traceparent,
        };
        return journal_append(tx->journal, tx->db, &ev, tx->now_ms, NULL, e);
}

enum status audit_append(struct ledger_tx *tx, const struct caller *caller, const struct audit *a,
                         const struct error *outcome, struct error *e)
{
        enum status s = outcome ? outcome->status : STATUS_OK;
        return audit_write(tx, caller_kind_name(caller->kind), caller->id, caller->on_behalf_of, a,
                           audit_outcome(s), s == STATUS_OK ? NULL : outcome->slug, e);
}
