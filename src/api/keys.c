#include "api/keys.h"

#include "api/endpoints.h"
#include "api/query.h"

enum status keys_by_id(struct call *c, struct span id, const char *permission, struct key_row *ret,
                       struct error *e)
{
        TRY(key_get(c->db, id, clock_now_ms(), c->arena, ret, e));
        enum status allowed = key_may(c->db, ret, c->who, permission, e);
        bool visible =
                allowed == STATUS_OK || key_may(c->db, ret, c->who, "keys:read", NULL) == STATUS_OK;
        return api_hide(allowed, visible, "key-not-found", e);
}

enum status keys_one(struct call *c, const char *permission, struct key_row *ret, struct error *e)
{
        c->target = api_param(c, "id");
        return keys_by_id(c, c->target, permission, ret, e);
}

/* ---- reading: keys:read ---- */

enum status keys_get(struct call *c, struct error *e)
{
        struct key_row row;
        TRY(keys_one(c, "keys:read", &row, e));
        TRY(key_write(c->db, &row, &c->out, e));
        call_reply_out(c, 200);
        return STATUS_OK;
}

struct keys_query {
        struct key_filter filter;
        struct span state, upstream_state;
        struct page page;
};

static enum status list_work(struct call *c, struct store_conn *db, struct error *e)
{
        const struct keys_query *q = c->state;
        return key_list(db, &q->filter, &q->page, clock_now_ms(), c->who, &c->out, e);
}

/* keys:read somewhere; each row by itself. */
enum status keys_list(struct call *c, struct error *e)
{
        static const struct query_field fields[] = {
                QUERY_FIELD(struct keys_query, filter.user, "user", QUERY_TEXT),
                QUERY_FIELD(struct keys_query, filter.resource, "resource", QUERY_TEXT),
                QUERY_FIELD(struct keys_query, filter.app, "app", QUERY_TEXT),
                QUERY_FIELD(struct keys_query, state, "state", QUERY_TEXT),
                QUERY_FIELD(struct keys_query, upstream_state, "upstream_state", QUERY_TEXT),
                QUERY_FIELD(struct keys_query, filter.expires_before_ms, "expires_before",
                            QUERY_TIME),
                QUERY_PAGE(struct keys_query),
                QUERY_END,
        };
        struct keys_query *q;
        if (!CALL_NEW(c, q))
                return error_no_memory(e);
        q->page.limit = PAGE_LIMIT_DEFAULT;
        TRY(query_read(c, fields, q, e));
        TRY(call_may(c, "keys:read", SPAN_NONE, e));
        if (q->filter.resource.p)
                TRY(api_at(resource_read(q->filter.resource, &q->filter.resource, e), "resource",
                           e));
        if (q->state.p) {
                TRY(key_state_read(q->state, &q->filter.state, e));
                q->filter.has_state = true;
        }
        if (q->upstream_state.p) {
                TRY(upstream_state_read(q->upstream_state, &q->filter.upstream_state, e));
                q->filter.has_upstream_state = true;
        }
        c->state = q;
        return call_defer(c, list_work, call_then_reply, e);
}

/* ---- ending: keys:revoke ---- */

/* The key as it is now, read by the loop after the commit. */
static enum status answer_key(struct call *c, struct domain_command *cmd, struct error *e)
{
        (void)cmd;
        struct key_row row;
        TRY(key_get(c->db, c->target, clock_now_ms(), c->arena, &row, e));
        TRY(key_write(c->db, &row, &c->out, e));
        call_reply_out(c, 200);
        return STATUS_OK;
}

enum status keys_patch(struct call *c, struct error *e)
{
        struct patch {
                bool active;
        } body = {0};
        static const struct json_field fields[] = {
                JSON_FIELD(struct patch, active, "active", JSON_AS_BOOL, JSON_REQUIRED),
                JSON_FIELD_END,
        };
        struct key_row row;
        TRY(keys_one(c, "keys:revoke", &row, e));
        TRY(call_body(c, fields, &body, e));

        struct key_suspend *cmd;
        TRY(key_suspend_new(c->domain, c->settings, &cmd, e));
        cmd->id = row.id;
        cmd->is_active = body.active;
        return call_submit(c, &cmd->base, answer_key, e);
}

/* Try again upstream, at once. */
enum status keys_retry(struct call *c, struct error *e)
{
        struct key_row row;
        TRY(keys_one(c, "keys:revoke", &row, e));
        struct key_retry *cmd;
        TRY(key_retry_new(c->domain, c->settings, &cmd, e));
        cmd->id = row.id;
        return call_submit(c, &cmd->base, answer_key, e);
}

enum status keys_delete(struct call *c, struct error *e)
{
        struct key_row row;
        TRY(keys_one(c, "keys:revoke", &row, e));
        struct key_revoke *cmd;
        TRY(key_revoke_new(c->domain, c->settings, &cmd, e));
        cmd->selector =
                (struct key_selector){.ids = &c->target, .n_ids = 1, .is_by_id_strict = true};
        cmd->reason = KEY_REASON_REVOKED;
        return call_submit(c, &cmd->base, call_answer_empty, e);
}

static void reply_revoked(struct call *c, int64_t n)
{
        json_obj_open(&c->out);
        json_member_int(&c->out, "revoked", n);
        json_obj_close(&c->out);
        call_reply_out(c, 200);
}

static enum status answer_revoked(struct call *c, struct domain_command *cmd, struct error *e)
{
        (void)e;
        reply_revoked(c, ((struct key_revoke *)cmd)->revoked);
        return STATUS_OK;
}

/*
 * What a selector names must lie within keys:revoke in one of its parts, since
 * only keys that match all parts are ended: all keys, the user's, the
 * resource's, or each of the ids. An id that the caller may not see is passed
 * over, as one that does not exist.
 */
static enum status revoke_allowed(struct call *c, struct key_selector *sel, struct error *e)
{
        struct error denied;
        enum status status = call_may(c, "keys:revoke", SPAN("keys"), &denied);
        if (status == STATUS_DENIED && sel->user.p)
                status = call_may(c, "keys:revoke", call_resource(c, "users", sel->user), &denied);
        if (status == STATUS_DENIED && sel->resource.p)
                status = call_may(c, "keys:revoke", sel->resource, &denied);
        if (status != STATUS_DENIED || sel->n_ids == 0) {
                if (status != STATUS_OK)
                        *e = denied;
                return status;
        }
        size_t n = 0;
        for (size_t i = 0; i < sel->n_ids; i++) {
                struct key_row row;
                status = keys_by_id(c, sel->ids[i], "keys:revoke", &row, e);
                if (status == STATUS_OK)
                        sel->ids[n++] = sel->ids[i];
                else if (status != STATUS_NOT_FOUND)
                        return status;
        }
        sel->n_ids = n;
        return STATUS_OK;
}

/* A user given by name, as its id: rights are held on ids. */
static enum status selector_user(struct call *c, struct key_selector *sel, struct error *e)
{
        struct user_row user;
        enum status status = user_find(c->db, sel->user, c->arena, &user, e);
        if (status == STATUS_OK)
                sel->user = user.id;
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status keys_revoke(struct call *c, struct error *e)
{
        struct revoke {
                struct span user, resource, app;
                struct json_texts ids;
        } body = {0};
        static const struct json_field fields[] = {
                JSON_FIELD(struct revoke, user, "user", JSON_AS_TEXT,
                           JSON_NULLABLE | JSON_NONEMPTY),
                JSON_FIELD(struct revoke, resource, "resource", JSON_AS_TEXT, JSON_NULLABLE),
                JSON_FIELD(struct revoke, app, "app", JSON_AS_TEXT, JSON_NULLABLE | JSON_NONEMPTY),
                JSON_FIELD(struct revoke, ids, "ids", JSON_AS_TEXTS, JSON_NULLABLE | JSON_NONEMPTY),
                JSON_FIELD_END,
        };
        TRY(call_body(c, fields, &body, e));
        struct key_selector sel = {
                .user = body.user, .app = body.app, .ids = body.ids.items, .n_ids = body.ids.n};
        if (body.resource.p)
                TRY(api_at(resource_read(body.resource, &sel.resource, e), "/resource", e));
        if (!sel.user.p && !sel.resource.p && !sel.app.p && sel.n_ids == 0)
                return error_set(e, STATUS_INVALID, "empty-selector", NULL,
                                 "Name a user, a resource, an app or ids.");
        if (sel.n_ids > (size_t)c->settings->config->limits.items)
                return error_set_http(e, STATUS_LIMIT, 413, "too-many-items", "/ids",
                                      "At most %d ids.", (int)c->settings->config->limits.items);
        if (sel.user.p)
                TRY(selector_user(c, &sel, e));
        c->target = sel.resource.p ? sel.resource : sel.user.p ? sel.user : sel.app;
        TRY(revoke_allowed(c, &sel, e));
        if (body.ids.n > 0 && sel.n_ids == 0) {
                reply_revoked(c, 0);
                return STATUS_OK;
        }
        struct key_revoke *cmd;
        TRY(key_revoke_new(c->domain, c->settings, &cmd, e));
        cmd->selector = sel;
        cmd->reason = KEY_REASON_REVOKED;
        return call_submit(c, &cmd->base, answer_revoked, e);
}

/* ---- POST /v1/keys/verify: keys:verify anywhere, since who holds the key could find out all that
 * is told ---- */

struct verify {
        struct span key, permission, resource;
};

static enum status verify_allowed(struct call *c, const struct verify *v, const struct key_row *row,
                                  bool *ret, struct error *e)
{
        struct principal key;
        struct span action, resource = SPAN_NONE;
        TRY(action_read(v->permission, &action, e));
        if (v->resource.p)
                TRY(resource_read(v->resource, &resource, e));
        const char *permission = arena_dup(c->arena, action);
        if (!permission)
                return error_no_memory(e);
        TRY(key_principal(c->db, row, c->arena, &key, e));
        *ret = grants_allow(&key, permission, resource);
        return STATUS_OK;
}

static enum status verify_write(struct call *c, const struct verify *v, const struct key_row *row,
                                struct error *e)
{
        static const char *const shown[] = {"state",  "id",        "user",
                                            "grants", "resources", "expires_at"};
        struct buf CLEANUP(buf_fini) text;
        struct json CLEANUP(json_freep) *key = NULL;
        buf_init(&text, (size_t)1 << 20);
        TRY(key_write(c->db, row, &text, e));
        TRY(buf_check(&text, e));
        TRY(json_parse(buf_view(&text), 16, &key, e));

        json_obj_open(&c->out);
        json_member_bool(&c->out, "valid", true);
        for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
                struct buf CLEANUP(buf_fini) value;
                buf_init(&value, (size_t)1 << 20);
                json_dump(json_get(key, shown[i]), &value);
                json_member_raw(&c->out, shown[i], buf_view(&value));
        }
        if (v->permission.p) {
                bool allowed = false;
                TRY(verify_allowed(c, v, row, &allowed, e));
                json_member_bool(&c->out, "allowed", allowed);
        }
        json_obj_close(&c->out);
        return STATUS_OK;
}

enum status keys_verify(struct call *c, struct error *e)
{
        static const struct json_field fields[] = {
                JSON_FIELD(struct verify, key, "key", JSON_AS_TEXT, JSON_REQUIRED),
                JSON_FIELD(struct verify, permission, "permission", JSON_AS_TEXT, JSON_NULLABLE),
                JSON_FIELD(struct verify, resource, "resource", JSON_AS_TEXT, JSON_NULLABLE),
                JSON_FIELD_END,
        };
        struct verify body = {0};
        struct span ignored;
        TRY(call_may(c, "keys:verify", SPAN_NONE, e));
        TRY(call_body(c, fields, &body, e));
        if (body.permission.p)
                TRY(api_at(action_read(body.permission, &ignored, e), "/permission", e));
        if (body.resource.p && !body.permission.p)
                return error_set(e, STATUS_INVALID, "missing-field", "/permission",
                                 "A resource is asked about together with a permission.");
        if (body.resource.p)
                TRY(api_at(resource_read(body.resource, &ignored, e), "/resource", e));

        struct key_row row;
        enum status status = key_find(c->domain, c->db, body.key, c->arena, &row, e);
        if (status == STATUS_NOT_FOUND ||
            (status == STATUS_OK && !key_is_valid(&row, clock_now_ms()))) {
                call_reply(c, 200, "application/json", SPAN("{\"valid\":false}"));
                return STATUS_OK;
        }
        TRY(status);
        TRY(verify_write(c, &body, &row, e));
        call_reply_out(c, 200);
        return STATUS_OK;
}
