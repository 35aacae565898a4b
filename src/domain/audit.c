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

struct actor {
        const char *kind, *id, *on_behalf_of, *session, *chosen_by; /* the last three: "" = none */
};

static void write_actor(struct buf *b, const struct actor *who)
{
        json_key(b, "actor");
        json_obj_open(b);
        if (who->chosen_by[0])
                json_member_text(b, "chosen_by", span_of(who->chosen_by));
        json_member_text(b, "id", span_of(who->id));
        json_member_text(b, "kind", span_of(who->kind));
        if (who->on_behalf_of[0])
                json_member_text(b, "on_behalf_of", span_of(who->on_behalf_of));
        if (who->session[0])
                json_member_text(b, "session", span_of(who->session));
        json_obj_close(b);
}

static void write_target(struct buf *b, const struct audit *a)
{
        json_key(b, "target");
        json_obj_open(b);
        json_member_text(b, "id", a->target_id[0] ? span_of(a->target_id) : SPAN_NONE);
        json_member_text(b, "kind", span_of(a->target_kind ? a->target_kind : "none"));
        json_obj_close(b);
}

/* The event's subject: "key/ID", or the action where nothing is named. */
static struct span write_subject(const struct audit *a, struct buf *b)
{
        size_t from = b->len;
        if (a->target_kind && a->target_id[0]) {
                buf_text(b, a->target_kind);
                buf_char(b, '/');
                buf_text(b, a->target_id);
        } else {
                buf_text(b, a->action);
        }
        return span_make(b->data ? b->data + from : "", b->len - from);
}

/* Members by name, as RFC 8785 has them: every request pays for this, and none for a sort. */
static enum status write_event(struct ledger_tx *tx, const struct actor *who, const struct audit *a,
                               const char *outcome, const char *reason, struct error *e)
{
        CLEANUP(buf_fini) struct buf b;
        buf_init(&b, AUDIT_BYTES_MAX);
        json_obj_open(&b);
        json_member_text(&b, "action", span_of(a->action));
        write_actor(&b, who);
        if (a->count >= 0)
                json_member_int(&b, "count", a->count);
        json_member_text(&b, "outcome", span_of(outcome));
        size_t previous_at = b.len + 1; /* behind the comma that comes next */
        if (reason)
                json_member_text(&b, "reason", span_of(reason));
        if (a->has_request)
                write_request(&b, a);
        write_target(&b, a);
        json_obj_close(&b);
        size_t len = b.len;
        struct span subject = write_subject(a, &b);
        TRY(buf_check(&b, e));

        struct event ev = {
                .topic = TOPIC_AUDIT,
                .type = "chatelaine.audit.v1",
                .key = SPAN("audit"),
                .subject = subject,
                .data = span_make(b.data, len),
                .previous_at = previous_at,
                .traceparent = a->traceparent,
        };
        return journal_append(tx->journal, tx->db, &ev, tx->now_ms, NULL, e);
}

enum status audit_write(struct ledger_tx *tx, const char *actor_kind, const char *actor_id,
                        const char *on_behalf_of, const struct audit *a, const char *outcome,
                        const char *reason, struct error *e)
{
        struct actor who = {actor_kind, actor_id, on_behalf_of, "", ""};
        return write_event(tx, &who, a, outcome, reason, e);
}

/* A session acts for whoever opened it: "clients/ID" is client, ID. */
static void name_origin(const struct caller *c, struct actor *who)
{
        static const enum caller_kind origins[] = {CALLER_USER, CALLER_KEY, CALLER_CLIENT};
        who->session = c->id;
        for (size_t i = 0; i < sizeof origins / sizeof *origins; i++) {
                const char *kind = caller_kind_name(origins[i]);
                size_t n = strlen(kind);
                if (strncmp(c->origin, kind, n) == 0 && strncmp(c->origin + n, "s/", 2) == 0) {
                        who->kind = kind;
                        who->id = c->origin + n + 2;
                }
        }
}

static enum status write_caller(struct ledger_tx *tx, const struct caller *c, const struct audit *a,
                                const char *outcome, const char *reason, struct error *e)
{
        struct actor who = {caller_kind_name(c->kind), c->id, c->on_behalf_of, "", c->chosen_by};
        if (c->kind == CALLER_SESSION)
                name_origin(c, &who);
        return write_event(tx, &who, a, outcome, reason, e);
}

enum status audit_because(struct ledger_tx *tx, const struct caller *caller, const struct audit *a,
                          const char *reason, struct error *e)
{
        return write_caller(tx, caller, a, audit_outcome(STATUS_OK), reason, e);
}

enum status audit_append(struct ledger_tx *tx, const struct caller *caller, const struct audit *a,
                         const struct error *outcome, struct error *e)
{
        enum status s = outcome ? outcome->status : STATUS_OK;
        return write_caller(tx, caller, a, audit_outcome(s), s == STATUS_OK ? NULL : outcome->slug,
                            e);
}
