/* What the command line asks of the running daemon: the admin socket's endpoints, all permissions.
 */
#include "api/endpoints.h"
#include "api/query.h"

#include <chatelaine/journal.h>

/* ---- work of the pool that goes on record: backup, new secrets, republishing ---- */

struct admin_work {
        struct span path;
        int64_t from, to, count;
        enum status (*run)(struct call *c, struct admin_work *w, struct error *e);
        enum status status;
        struct error error;
};

static enum status work(struct call *c, struct store_conn *db, struct error *e)
{
        (void)db;
        (void)e;
        struct admin_work *w = c->state;
        w->status = w->run(c, w, &w->error);
        return STATUS_OK;
}

/* The command behind the work changes nothing: it puts the work's outcome on record. */
static enum status record_outcome(struct ledger_tx *tx, struct domain_command *cmd, struct error *e)
{
        (void)tx;
        const struct admin_work *w = ((struct call *)cmd->context)->state;
        if (w->status != STATUS_OK)
                *e = w->error;
        return w->status;
}

static enum status answer(struct call *c, struct domain_command *cmd, struct error *e)
{
        (void)cmd;
        (void)e;
        const struct admin_work *w = c->state;
        json_obj_open(&c->out);
        if (w->path.p)
                json_member_text(&c->out, "path", w->path);
        if (w->count >= 0)
                json_member_int(&c->out, "published", w->count);
        json_obj_close(&c->out);
        call_reply_out(c, 200);
        return STATUS_OK;
}

static enum status record(struct call *c, struct error *e)
{
        struct domain_command *cmd;
        TRY(domain_command_new(c->domain, c->settings, sizeof *cmd, 4096, &cmd, e));
        cmd->run = record_outcome;
        return call_submit(c, cmd, answer, e);
}

static enum status start(struct call *c, struct admin_work *w, struct error *e)
{
        c->state = w;
        w->count = -1;
        return call_defer(c, work, record, e);
}

static enum status run_backup(struct call *c, struct admin_work *w, struct error *e)
{
        const struct api_hooks *hooks = &api_of(c)->options.hooks;
        const char *path = arena_dup(c->arena, w->path);
        return path ? hooks->backup(hooks->ctx, path, e) : error_no_memory(e);
}

enum status admin_backup(struct call *c, struct error *e)
{
        static const struct json_field fields[] = {
                JSON_FIELD(struct admin_work, path, "path", JSON_AS_TEXT,
                           JSON_REQUIRED | JSON_NONEMPTY),
                JSON_FIELD_END,
        };
        struct admin_work *w;
        if (!CALL_NEW(c, w))
                return error_no_memory(e);
        TRY(call_body(c, fields, w, e));
        if (w->path.p[0] != '/' || memchr(w->path.p, '\0', w->path.len))
                return error_set(e, STATUS_INVALID, "invalid-field", "/path",
                                 "The path is absolute: it is the daemon that writes there.");
        c->target = w->path;
        w->run = run_backup;
        return start(c, w, e);
}

static enum status run_rotate(struct call *c, struct admin_work *w, struct error *e)
{
        (void)w;
        const struct api_hooks *hooks = &api_of(c)->options.hooks;
        return hooks->rotate_secrets(hooks->ctx, e);
}

enum status admin_rotate_secrets(struct call *c, struct error *e)
{
        static const struct json_field fields[] = {JSON_FIELD_END};
        struct admin_work *w;
        if (!CALL_NEW(c, w))
                return error_no_memory(e);
        TRY(call_body(c, fields, w, e));
        w->run = run_rotate;
        return start(c, w, e);
}

static enum status run_republish(struct call *c, struct admin_work *w, struct error *e)
{
        const struct api_hooks *hooks = &api_of(c)->options.hooks;
        return hooks->republish(hooks->ctx, w->from, w->to, &w->count, e);
}

enum status admin_republish(struct call *c, struct error *e)
{
        static const struct json_field fields[] = {
                JSON_FIELD(struct admin_work, from, "from", JSON_AS_INT, JSON_REQUIRED),
                JSON_FIELD(struct admin_work, to, "to", JSON_AS_INT, JSON_NULLABLE),
                JSON_FIELD_END,
        };
        struct admin_work *w;
        if (!CALL_NEW(c, w))
                return error_no_memory(e);
        w->to = ledger_head(domain_ledger(c->domain));
        TRY(call_body(c, fields, w, e));
        if (w->from < 1 || w->to < w->from)
                return error_set(e, STATUS_INVALID, "invalid-field", "/from",
                                 "It is a sequence number from 1, and not behind `to`.");
        w->run = run_republish;
        return start(c, w, e);
}

/* ---- the audit chain ---- */

static enum status verify_work(struct call *c, struct store_conn *db, struct error *e)
{
        const struct query_int *from = c->state;
        struct journal_verdict verdict;
        TRY(journal_verify(db, domain_secrets(c->domain), from->value, &verdict, e));
        json_obj_open(&c->out);
        json_member_int(&c->out, "rows", verdict.rows);
        json_member_int(&c->out, "first", verdict.first);
        json_member_int(&c->out, "last", verdict.last);
        json_member_int(&c->out, "checkpoints", verdict.checkpoints);
        json_obj_close(&c->out);
        return STATUS_OK;
}

enum status admin_audit_verify(struct call *c, struct error *e)
{
        static const struct query_field fields[] = {
                {.name = "from", .type = QUERY_INT, .offset = 0},
                QUERY_END,
        };
        struct query_int *from;
        if (!CALL_NEW(c, from))
                return error_no_memory(e);
        TRY(query_read(c, fields, from, e));
        c->state = from;
        return call_defer(c, verify_work, call_then_reply, e);
}

enum status admin_audit_key(struct call *c, struct error *e)
{
        uint32_t number = 0;
        struct buf CLEANUP(buf_fini) pem;
        const struct pkey *key =
                secrets_pkey(domain_secrets(c->domain), SECRET_CHECKPOINT, 0, &number);
        if (!key)
                return error_set(e, STATUS_INTERNAL, "no-checkpoint-key", NULL,
                                 "The secret file has no checkpoint key.");
        buf_init(&pem, 4096);
        TRY(pkey_write(key, PKEY_PUBLIC_PEM, &pem, e));
        json_obj_open(&c->out);
        json_member_int(&c->out, "key_number", number);
        json_member_text(&c->out, "public_key", buf_view(&pem));
        json_obj_close(&c->out);
        call_reply_out(c, 200);
        return STATUS_OK;
}

/* ---- GET /v1/admin/routes: what the OpenAPI file is held against ---- */

static const char *method_name(enum http_method m)
{
        switch (m) {
        case HTTP_GET: return "GET";
        case HTTP_POST: return "POST";
        case HTTP_PUT: return "PUT";
        case HTTP_PATCH: return "PATCH";
        case HTTP_DELETE: return "DELETE";
        }
        return "";
}

enum status admin_routes(struct call *c, struct error *e)
{
        (void)e;
        json_obj_open(&c->out);
        json_key(&c->out, "items");
        json_arr_open(&c->out);
        const struct http_route *const *tables = api_of(c)->options.route_tables;
        for (size_t t = 0; tables && tables[t]; t++) {
                for (const struct http_route *r = tables[t]; r->path; r++) {
                        json_obj_open(&c->out);
                        json_member_text(&c->out, "method", span_of(method_name(r->method)));
                        json_member_text(&c->out, "path", span_of(r->path));
                        json_member_bool(&c->out, "admin_only", r->is_admin_only);
                        json_obj_close(&c->out);
                }
        }
        json_arr_close(&c->out);
        json_obj_close(&c->out);
        call_reply_out(c, 200);
        return STATUS_OK;
}
