/*
 * API keys, of the tenant and of one inbox. The row's public id stands where upstream has the key
 * itself; the full key is shown once and taken in the path, where it is looked up by its hash.
 *
 *                  /auth/api-key                 /auth/api-key/inbox/{inbox_id}
 *     list         view_api_keys on everything   on the inbox: the keys bound to it
 *     mint         edit_backend_settings         on the inbox: every role within it
 *                  on everything
 *
 * A key's roles are the bound user's own, no wider (key_mint.is_within_user), and within what the
 * minter may lend; nobody mints a key for himself this way.
 */
#include "facade/contract_fit.h"

#include <chatelaine/domain_documents.h>
#include <chatelaine/domain_keys.h>
#include <chatelaine/domain_users.h>

#include <stdio.h>

/* ---- a key's JSON ---- */

static enum status write_key(struct store_conn *db, const struct key_row *k, struct span token,
                             struct buf *out, struct error *e)
{
        char subject[64];
        snprintf(subject, sizeof subject, "keys/%.*s", (int)k->id.len, k->id.p);
        json_obj_open(out);
        json_member_text(out, "token", token);
        json_member_bool(out, "active", k->state == KEY_ACTIVE || k->state == KEY_ROTATING);
        json_member_text(out, "user", k->user_id);
        json_member_time(out, "expire_at", k->dies_at);
        json_key(out, "roles");
        TRY(cf_roles_write(db, subject, out, e));
        json_obj_close(out);
        return buf_check(out, e);
}

static enum status reply_key(struct call *c, struct span id, struct span token, unsigned status,
                             struct error *e)
{
        struct key_row row;
        TRY(key_get(c->db, id, clock_now_ms(), c->arena, &row, e));
        TRY(write_key(c->db, &row, token, &c->out, e));
        call_reply_out(c, status);
        return STATUS_OK;
}

/* ---- lists ---- */

static enum status list_page(struct call *c, struct store_conn *db, const struct page *p,
                             struct buf *out, struct error *e)
{
        const struct key_filter *filter = c->state;
        return key_list(db, filter, p, clock_now_ms(), c->who, out, e);
}

/* A deleted key is gone; one past its date is still shown. */
static enum status list_item(struct call *c, struct store_conn *db, const struct json *item,
                             struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        struct key_row row;
        arena_init(&a, 16384);
        enum status s = key_get(db, json_get_text(item, "id"), clock_now_ms(), &a, &row, e);
        if (s == STATUS_NOT_FOUND || (s == STATUS_OK && row.state == KEY_REVOKED))
                return STATUS_OK;
        TRY(s);
        return write_key(db, &row, row.id, &c->out, e);
}

static enum status list_work(struct call *c, struct store_conn *db, struct error *e)
{
        static const struct cf_list list = {list_page, list_item};
        return cf_list(c, db, &list, e);
}

/* Everything, or the inbox that the path names. */
static struct span scope_of(const struct call *c, bool *ret_is_inbox)
{
        *ret_is_inbox = strstr(http_route_path(c->req), "/inbox/") != NULL;
        return *ret_is_inbox ? call_resource(c, "inboxes", http_param(c->req, "inbox_id"))
                             : SPAN("*");
}

enum status cf_keys_list(struct call *c, struct error *e)
{
        struct key_filter *filter;
        bool is_inbox;
        struct span scope = scope_of(c, &is_inbox);
        if (!CALL_NEW(c, filter))
                return error_no_memory(e);
        TRY(call_may(c, "keys:read", scope, e));
        if (is_inbox) {
                TRY(cf_inbox_is_there(c, http_param(c->req, "inbox_id"), e));
                filter->resource = scope;
        }
        c->state = filter;
        return call_defer(c, list_work, call_then_reply, e);
}

/* ---- POST ---- */

struct key_body {
        struct span user, expire_at;
        const struct json *roles, *active;
};

static enum status answer_minted(struct call *c, struct domain_command *cmd, struct error *e)
{
        const struct key_mint *m = (struct key_mint *)cmd;
        return reply_key(c, span_of(m->id), span_of(m->key), 201, e);
}

/* A document where its row says that it lies, whatever inbox the role names. */
static enum status at_home(struct call *c, struct span resource, struct span *ret, struct error *e)
{
        struct span inbox = SPAN_NONE, rest = resource, kind = span_split(rest, '/', &rest);
        *ret = resource;
        if (span_is(kind, "inboxes") && rest.p) {
                (void)span_split(rest, '/', &rest);
                kind = rest.p ? span_split(rest, '/', &rest) : SPAN_NONE;
        }
        if (!span_is(kind, "documents"))
                return STATUS_OK;
        TRY(document_inbox(c->db, rest, c->arena, &inbox, e));
        if (!inbox.p)
                return STATUS_OK;
        struct span home = call_resource(c, "inboxes", inbox);
        struct span document = call_resource(c, "documents", rest);
        *ret = home.p && document.p ? call_resource(c, home.p, document) : SPAN_NONE;
        return ret->p ? STATUS_OK : error_no_memory(e);
}

/* Within the path's inbox, and the minter's to lend. */
static enum status check_roles(struct call *c, struct span scope, const struct key_mint *m,
                               struct error *e)
{
        for (size_t i = 0; i < m->n_grants; i++) {
                const struct grant *g = &m->grants[i];
                struct span home;
                TRY(at_home(c, g->resource, &home, e));
                if (!resource_covers(scope, home))
                        return error_set(e, STATUS_DENIED, "outside-inbox", NULL,
                                         "Role %.*s reaches beyond the inbox.", (int)g->role.len,
                                         g->role.p);
                TRY(grants_may_lend(c->who, g->role, g->resource, e));
        }
        return STATUS_OK;
}

static enum status check_user(struct call *c, struct span id_or_name, struct error *e)
{
        struct user_row user;
        TRY(user_find(c->db, id_or_name, c->arena, &user, e));
        if (span_is(user.id, c->who->caller.user_id))
                return error_set(e, STATUS_DENIED, "own-key", NULL,
                                 "The user who sets keys up is not the one that they are bound "
                                 "to.");
        return grants_may_name(c->who, user.id, e);
}

static enum status read_expiry(const struct key_body *body, struct key_mint *m, struct error *e)
{
        bool is_naive;
        m->is_longest_default = true;
        if (!body->expire_at.p)
                return STATUS_OK;
        if (clock_parse_iso8601(body->expire_at, &m->expires_at, &is_naive, NULL) != STATUS_OK)
                return error_set(e, STATUS_INVALID, "invalid-field", "/expire_at",
                                 "It is an ISO 8601 time, like \"2030-01-31T12:00:00Z\".");
        if (m->expires_at <= clock_now_ms())
                return error_set(e, STATUS_INVALID, "expiry-in-past", "/expire_at",
                                 "The key would have expired already.");
        return STATUS_OK;
}

static enum status fill_mint(struct call *c, struct span scope, const struct key_body *body,
                             struct key_mint *m, struct error *e)
{
        if (body->active && !json_is_boolean(body->active))
                return error_set(e, STATUS_INVALID, "invalid-field", "/active",
                                 "It is true or false.");
        m->is_inactive = body->active && !json_is_true(body->active);
        m->is_within_user = true;
        m->user = body->user;
        TRY(read_expiry(body, m, e));
        TRY(cf_roles_read(c, body->roles, "/roles", &m->grants, &m->n_grants, e));
        TRY(check_user(c, body->user, e));
        return check_roles(c, scope, m, e);
}

enum status cf_keys_post(struct call *c, struct error *e)
{
        static const struct json_field fields[] = {
                JSON_FIELD(struct key_body, user, "user", JSON_AS_TEXT,
                           JSON_REQUIRED | JSON_NONEMPTY),
                JSON_FIELD(struct key_body, roles, "roles", JSON_AS_ARRAY, JSON_REQUIRED),
                JSON_FIELD(struct key_body, active, "active", JSON_AS_VALUE, 0),
                JSON_FIELD(struct key_body, expire_at, "expire_at", JSON_AS_TEXT, JSON_NULLABLE),
                JSON_FIELD_END,
        };
        struct key_body body = {0};
        bool is_inbox;
        struct span scope = scope_of(c, &is_inbox);
        TRY(call_may(c, "keys:create", scope, e));
        if (is_inbox)
                TRY(cf_inbox_is_there(c, http_param(c->req, "inbox_id"), e));
        TRY(call_body(c, fields, &body, e));
        struct key_mint *m;
        TRY(key_mint_new(c->domain, c->settings, &m, e));
        enum status status = fill_mint(c, scope, &body, m, e);
        if (status != STATUS_OK) {
                domain_command_free(&m->base);
                return status;
        }
        return call_submit(c, &m->base, answer_minted, e);
}

/* ---- one key, by its public id or by itself ---- */

static enum status find_key(struct call *c, struct key_row *ret, struct error *e)
{
        struct span key = http_param(c->req, "key");
        if (key_check(key))
                TRY(key_find(c->domain, c->db, key, c->arena, ret, e));
        else
                TRY(key_get(c->db, key, clock_now_ms(), c->arena, ret, e));
        if (ret->state == KEY_REVOKED)
                return error_set(e, STATUS_NOT_FOUND, "key-not-found", NULL,
                                 "There is no such key.");
        return STATUS_OK;
}

/* Who holds the permission nowhere hears 403, whether the key is there or not. */
static enum status one(struct call *c, const char *permission, struct key_row *ret, struct error *e)
{
        TRY(call_may(c, permission, SPAN_NONE, e));
        TRY(find_key(c, ret, e));
        c->target = ret->id;
        return key_may(c->db, ret, c->who, permission, e);
}

enum status cf_keys_get(struct call *c, struct error *e)
{
        struct key_row row;
        TRY(one(c, "keys:read", &row, e));
        return reply_key(c, row.id, row.id, 200, e);
}

static enum status answer_changed(struct call *c, struct domain_command *cmd, struct error *e)
{
        (void)cmd;
        return reply_key(c, c->target, c->target, 200, e);
}

enum status cf_keys_patch(struct call *c, struct error *e)
{
        struct patch {
                bool is_active;
                const struct json *roles;
        } body = {.is_active = true};
        static const struct json_field fields[] = {
                JSON_FIELD(struct patch, is_active, "active", JSON_AS_BOOL, JSON_REQUIRED),
                JSON_FIELD(struct patch, roles, "roles", JSON_AS_VALUE, 0),
                JSON_FIELD_END,
        };
        struct key_row row;
        TRY(one(c, "keys:revoke", &row, e));
        TRY(call_parse(c, e));
        if (json_get(c->body, "roles"))
                return error_set(e, STATUS_INVALID, "roles-fixed", "/roles",
                                 "A key's roles are fixed: make a new key and delete this one.");
        TRY(call_body(c, fields, &body, e));
        struct key_suspend *cmd;
        TRY(key_suspend_new(c->domain, c->settings, &cmd, e));
        cmd->id = row.id;
        cmd->is_active = body.is_active;
        return call_submit(c, &cmd->base, answer_changed, e);
}

enum status cf_keys_delete(struct call *c, struct error *e)
{
        struct key_row row;
        TRY(one(c, "keys:revoke", &row, e));
        struct key_revoke *cmd;
        TRY(key_revoke_new(c->domain, c->settings, &cmd, e));
        cmd->selector =
                (struct key_selector){.ids = &c->target, .n_ids = 1, .is_by_id_strict = true};
        cmd->reason = KEY_REASON_REVOKED;
        return call_submit(c, &cmd->base, call_answer_empty, e);
}
