/*
 * /v1/clients: service clients as Authress shows them. Who may: client_may. Members that are not in
 * the body of a PUT stay as they are; null takes them away.
 */
#include "facade/authress.h"

#include <chatelaine/domain_access_keys.h>
#include <chatelaine/domain_claims.h>

#include <stdio.h>

#define LIMIT 20
#define SCAN_MAX 10000 /* rows looked at for one page */

/* ---- written ---- */

static void write_options(const struct client_row *r, struct buf *out)
{
        json_key(out, "options");
        json_obj_open(out);
        json_member_bool(out, "grantUserPermissionsAccess", r->options & CLIENT_ASKS_OF_USERS);
        json_member_bool(out, "grantTokenGeneration", r->options & CLIENT_ACTS_AS_USERS);
        json_obj_close(out);
}

static void write_rate(const struct client_row *r, struct buf *out)
{
        json_key(out, "rateLimits");
        json_arr_open(out);
        if (r->rate_duration.p) {
                json_obj_open(out);
                json_member_text(out, "duration", r->rate_duration);
                if (r->rate_quota)
                        json_member_int(out, "quota", r->rate_quota);
                else
                        json_member_null(out, "quota");
                json_obj_close(out);
        }
        json_arr_close(out);
}

static enum status write_client(struct store_conn *db, const struct client_row *r, struct buf *out,
                                struct error *e)
{
        struct buf CLEANUP(buf_fini) keys;
        buf_init(&keys, 4096);
        TRY(access_keys_write(db, r->id, clock_now_ms(), &keys, e));
        json_obj_open(out);
        json_member_text(out, "clientId", r->id);
        json_member_time(out, "createdTime", r->created_at);
        json_member_text(out, "name", r->name);
        write_options(r, out);
        write_rate(r, out);
        json_member_raw(out, "verificationKeys", buf_view(&keys));
        json_member_raw(out, "tags", r->tags.p ? r->tags : SPAN("{}"));
        json_obj_close(out);
        return buf_check(out, e);
}

static enum status reply_client(struct call *c, unsigned status, struct span id, struct error *e)
{
        struct client_row row;
        TRY(client_get(c->db, id, c->arena, &row, e));
        TRY(write_client(c->db, &row, &c->out, e));
        call_reply_out(c, status);
        return STATUS_OK;
}

/* ---- read ---- */

static enum status bad_field(struct error *e, const char *at, const char *what)
{
        return error_set(e, STATUS_INVALID, "invalid-field", at, "It must be %s.", what);
}

static enum status read_options(const struct json *v, struct client_profile *p, struct error *e)
{
        static const struct {
                const char *name, *at;
                unsigned bit;
        } options[] = {
                {"grantUserPermissionsAccess", "/options/grantUserPermissionsAccess",
                 CLIENT_ASKS_OF_USERS},
                {"grantTokenGeneration", "/options/grantTokenGeneration", CLIENT_ACTS_AS_USERS},
        };
        if (json_is_null(v))
                p->has_options = CLIENT_OPTIONS_ALL;
        else if (v && !json_is_object(v))
                return bad_field(e, "/options", "an object");
        for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
                const struct json *value = json_get(v, options[i].name);
                if (!value)
                        continue;
                if (!json_is_boolean(value) && !json_is_null(value))
                        return bad_field(e, options[i].at, "true or false");
                p->has_options |= options[i].bit;
                p->options |= json_is_true(value) ? options[i].bit : 0;
        }
        return STATUS_OK;
}

static enum status read_rate(const struct json *v, struct client_profile *p, struct error *e)
{
        const struct json *limit = json_at(v, 0);
        const struct json *quota = json_get(limit, "quota");
        if (!v)
                return STATUS_OK;
        p->has_rate = true;
        if (!json_is_null(v) && (!json_is_array(v) || json_size(v) > 1))
                return bad_field(e, "/rateLimits", "an array of at most one limit");
        if (!limit)
                return STATUS_OK;
        p->rate_duration = json_get_text(limit, "duration");
        if (!p->rate_duration.p)
                return bad_field(e, "/rateLimits/0/duration", "PT5M, PT1H, P1D, P1M or PT0S");
        if (quota && !json_is_null(quota) && (!json_is_integer(quota) || json_integer(quota) < 1))
                return bad_field(e, "/rateLimits/0/quota", "a number from 1 to 1000000, or null");
        p->rate_quota = json_integer(quota);
        return STATUS_OK;
}

static enum status read_tags(struct call *c, const struct json *v, struct client_profile *p,
                             struct error *e)
{
        struct buf CLEANUP(buf_fini) text;
        buf_init(&text, CLIENT_TAGS_BYTES_MAX);
        p->has_tags = v != NULL;
        if (!v || json_is_null(v))
                return STATUS_OK;
        if (!json_is_object(v))
                return bad_field(e, "/tags", "an object of texts");
        json_dump(v, &text);
        if (text.status == STATUS_LIMIT)
                return error_set(e, STATUS_INVALID, "invalid-tags", "/tags",
                                 "Tags have at most %d bytes.", CLIENT_TAGS_BYTES_MAX);
        TRY(buf_check(&text, e));
        p->tags = arena_span(c->arena, buf_view(&text));
        return p->tags.p ? STATUS_OK : error_no_memory(e);
}

/* What the SDKs send besides (clientId, createdTime, verificationKeys) is ours to say. */
static enum status read_profile(struct call *c, struct client_profile *ret, struct error *e)
{
        struct client_body {
                const struct json *name, *options, *rate, *tags;
        } body = {0};
        static const struct json_field fields[] = {
                JSON_FIELD(struct client_body, name, "name", JSON_AS_VALUE, 0),
                JSON_FIELD(struct client_body, options, "options", JSON_AS_VALUE, 0),
                JSON_FIELD(struct client_body, rate, "rateLimits", JSON_AS_VALUE, 0),
                JSON_FIELD(struct client_body, tags, "tags", JSON_AS_VALUE, 0),
                JSON_FIELD_END_OPEN,
        };
        struct client_profile p = {0};
        TRY(call_body(c, fields, &body, e));
        p.has_name = body.name != NULL;
        if (body.name && !json_is_null(body.name) && !json_is_string(body.name))
                return bad_field(e, "/name", "a text");
        p.name = json_span(body.name);
        TRY(read_options(body.options, &p, e));
        TRY(read_rate(body.rate, &p, e));
        TRY(read_tags(c, body.tags, &p, e));
        *ret = p;
        return STATUS_OK;
}

/* ---- endpoints ---- */

struct clients_page {
        struct page page;
        char next[CLIENT_ID_SIZE]; /* "" = the end */
};

static enum status list_work(struct call *c, struct store_conn *db, struct error *e)
{
        struct clients_page *q = c->state;
        char after[CLIENT_ID_SIZE];
        const char *start;
        unsigned budget = SCAN_MAX;
        TRY(cursor_read_text(q->page.cursor, c->arena, &start, e));
        snprintf(after, sizeof after, "%s", start);
        json_obj_open(&c->out);
        json_key(&c->out, "clients");
        json_arr_open(&c->out);
        for (unsigned n = 0;; n++) {
                CLEANUP(arena_fini) struct arena a;
                struct client_row row;
                bool is_found;
                char last[CLIENT_ID_SIZE];
                arena_init(&a, 64 * 1024);
                memcpy(last, after, sizeof last);
                TRY(client_next(db, c->who, after, &budget, &a, &row, &is_found, e));
                if (is_found && n < q->page.limit) {
                        TRY(write_client(db, &row, &c->out, e));
                        continue;
                }
                if (is_found || !budget)
                        memcpy(q->next, is_found ? last : after, sizeof q->next);
                break;
        }
        json_arr_close(&c->out);
        return buf_check(&c->out, e);
}

static enum status list_reply(struct call *c, struct error *e)
{
        const struct clients_page *q = c->state;
        struct buf CLEANUP(buf_fini) cursor;
        buf_init(&cursor, 256);
        if (q->next[0])
                cursor_write_text(&cursor, span_of(q->next));
        au_page_end(c, q->next[0] ? buf_view(&cursor) : SPAN_NONE);
        json_obj_close(&c->out);
        return call_then_reply(c, e);
}

enum status au_clients_list(struct call *c, struct error *e)
{
        struct clients_page *q;
        if (!CALL_NEW(c, q))
                return error_no_memory(e);
        TRY(au_page(c, LIMIT, &q->page, NULL, e));
        c->state = q;
        return call_defer(c, list_work, list_reply, e);
}

enum status au_clients_get(struct call *c, struct error *e)
{
        c->target = http_param(c->req, "clientId");
        TRY(client_may(c->who, CLIENT_READ, c->target, e));
        return reply_client(c, 200, c->target, e);
}

static enum status answer_created(struct call *c, struct domain_command *cmd, struct error *e)
{
        return reply_client(c, 201, span_of(((struct client_create *)cmd)->id), e);
}

/* `claim` on the collection is enough too, held or everybody's; then the creator has the new one in
 * full. */
static enum status may_create(struct call *c, struct client_create *cmd, struct error *e)
{
        char resource[64];
        enum status s = client_may(c->who, CLIENT_CREATE, span_of(cmd->id), e);
        snprintf(resource, sizeof resource, "Authress:ServiceClients/%s", cmd->id);
        cmd->is_claim = s == STATUS_DENIED &&
                        (grants_allow(c->who, "claim", span_of(resource)) ||
                         claim_may(c->who, SPAN("Authress:ServiceClients"), NULL) == STATUS_OK);
        return cmd->is_claim ? STATUS_OK : s;
}

enum status au_clients_post(struct call *c, struct error *e)
{
        struct client_profile profile;
        struct client_create *cmd;
        TRY(client_create_new(c->domain, c->settings, &cmd, e));
        enum status s = may_create(c, cmd, e);
        if (s == STATUS_OK)
                s = read_profile(c, &profile, e);
        if (s == STATUS_OK)
                s = client_may_give_options(c->who, profile.options, e);
        if (s != STATUS_OK) {
                domain_command_free(&cmd->base);
                return s;
        }
        cmd->profile = profile;
        return call_submit(c, &cmd->base, answer_created, e);
}

static enum status answer_changed(struct call *c, struct domain_command *cmd, struct error *e)
{
        (void)cmd;
        return reply_client(c, 200, c->target, e);
}

enum status au_clients_put(struct call *c, struct error *e)
{
        struct client_profile profile;
        struct client_change *cmd;
        struct client_row row;
        c->target = http_param(c->req, "clientId");
        TRY(client_may(c->who, CLIENT_UPDATE, c->target, e));
        TRY(read_profile(c, &profile, e));
        TRY(client_get(c->db, c->target, c->arena, &row, e));
        TRY(client_may_give_options(c->who, profile.options & ~row.options, e));
        TRY(client_change_new(c->domain, c->settings, &cmd, e));
        cmd->id = c->target;
        cmd->profile = profile;
        return call_submit(c, &cmd->base, answer_changed, e);
}

enum status au_clients_delete(struct call *c, struct error *e)
{
        struct client_delete *cmd;
        c->target = http_param(c->req, "clientId");
        TRY(client_may(c->who, CLIENT_DELETE, c->target, e));
        TRY(client_delete_new(c->domain, c->settings, &cmd, e));
        cmd->id = c->target;
        return call_submit(c, &cmd->base, call_answer_empty, e);
}
