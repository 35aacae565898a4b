/* Minting and rotating: the two answers that show a key, once. */
#include "api/endpoints.h"
#include "api/grants.h"
#include "api/keys.h"

#include <chatelaine/codec_text.h>
#include <stdio.h>

#define IDEMPOTENCY_KEY_MAX 255

/*
 * 201 with the row's members and `key` in front. The key is committed: where its row cannot be
 * read back, what the command knows is the answer all the same.
 */
static enum status reply_minted(struct call *c, const char *id, struct span key, int64_t expires_at,
                                struct error *e)
{
        struct key_row row;
        enum status status = key_get(c->db, span_of(id), clock_now_ms(), c->arena, &row, e);
        json_obj_open(&c->out);
        json_member_text(&c->out, "key", key);
        size_t mark = c->out.len;
        if (status == STATUS_OK)
                status = key_write_members(c->db, &row, &c->out, e);
        if (status != STATUS_OK) {
                c->out.len = mark;
                json_member_text(&c->out, "id", span_of(id));
                if (expires_at > 0)
                        json_member_time(&c->out, "expires_at", expires_at);
        }
        json_obj_close(&c->out);
        char location[64];
        snprintf(location, sizeof location, "/v1/keys/%s", id);
        http_reply_header(c->req, "Location", location);
        call_reply_out(c, 201);
        return STATUS_OK;
}

/* ---- POST /v1/keys ---- */

struct mint {
        struct span user, name, app, expires_at;
        const struct json *grants, *expires_in, *upstream;
        struct json_texts resources;
};

static enum status answer_mint(struct call *c, struct domain_command *cmd, struct error *e)
{
        const struct key_mint *m = (struct key_mint *)cmd;
        return reply_minted(c, m->id, m->is_repeat ? SPAN_NONE : span_of(m->key), m->ret_expires_at,
                            e);
}

/* Method, route and canonical body: a repeat that says the same in other white space is the same.
 */
static enum status request_hash(struct call *c, uint8_t out[SHA256_SIZE], struct error *e)
{
        struct buf CLEANUP(buf_fini) canonical;
        buf_init(&canonical, (size_t)c->settings->config->limits.body_bytes * 6 + 64);
        TRY(json_canonical(http_body(c->req), &canonical, e));
        struct sha256 h;
        sha256_init(&h);
        sha256_update(&h, span_of(http_method_name(c->req)));
        sha256_update(&h, SPAN("\n"));
        sha256_update(&h, span_of(http_route_path(c->req)));
        sha256_update(&h, SPAN("\n"));
        sha256_update(&h, buf_view(&canonical));
        sha256_final(&h, out);
        return STATUS_OK;
}

static enum status idempotency(struct call *c, struct key_mint *m, struct error *e)
{
        struct span name = http_header(c->req, "Idempotency-Key");
        if (!name.p)
                return STATUS_OK;
        if (name.len == 0 || name.len > IDEMPOTENCY_KEY_MAX || !utf8_is_valid(name))
                return error_set(e, STATUS_INVALID, "invalid-idempotency-key", "Idempotency-Key",
                                 "It is a text of 1 to %d bytes.", IDEMPOTENCY_KEY_MAX);
        m->idempotency_key = name;
        return request_hash(c, m->request_hash, e);
}

/*
 * One of expires_in and expires_at, or none: default_life. The command judges them; to it a
 * duration of 0 is none.
 */
static enum status read_expiry(const struct mint *body, struct key_mint *m, struct error *e)
{
        bool has_in = body->expires_in && !json_is_null(body->expires_in);
        if (has_in && body->expires_at.p)
                return error_set(e, STATUS_INVALID, "invalid-field", "/expires_at",
                                 "Give expires_in or expires_at, not both.");
        TRY(call_duration(body->expires_in, "/expires_in", &m->expires_in_ms, e));
        if (has_in && m->expires_in_ms == 0)
                return error_set(e, STATUS_INVALID, "expiry-in-past", "/expires_in",
                                 "The key would have expired already.");
        TRY(call_time(body->expires_at, "/expires_at", &m->expires_at, e));
        if (body->expires_at.p && m->expires_at <= 0)
                return error_set(e, STATUS_INVALID, "expiry-in-past", "/expires_at",
                                 "The key would have expired already.");
        return STATUS_OK;
}

/* A token minted elsewhere that ends with this key. */
static enum status read_upstream(struct call *c, const struct json *object, struct key_mint *m,
                                 struct error *e)
{
        struct upstream {
                struct span name, token, expires_at;
        } u = {0};
        static const struct json_field fields[] = {
                JSON_FIELD(struct upstream, name, "name", JSON_AS_TEXT,
                           JSON_REQUIRED | JSON_NONEMPTY),
                JSON_FIELD(struct upstream, token, "token", JSON_AS_TEXT,
                           JSON_REQUIRED | JSON_NONEMPTY),
                JSON_FIELD(struct upstream, expires_at, "expires_at", JSON_AS_TEXT, JSON_NULLABLE),
                JSON_FIELD_END,
        };
        if (!object)
                return STATUS_OK;
        TRY(json_dispatch_at(object, "/upstream", fields, &u, c->arena, e));
        TRY(call_time(u.expires_at, "/upstream/expires_at", &m->upstream_valid_until, e));
        m->upstream = u.name;
        m->upstream_token = u.token;
        return STATUS_OK;
}

static enum status mint_fill(struct call *c, const struct mint *body, struct key_mint *m,
                             struct error *e)
{
        m->user = body->user;
        m->name = body->name;
        m->app = body->app;
        TRY(grants_read(c, body->grants, "/grants", NULL, &m->grants, &m->n_grants, e));
        TRY(grants_within(c, "/grants", m->grants, m->n_grants, e));
        TRY(resources_read(c, &body->resources, "/resources", &m->resources, e));
        m->n_resources = body->resources.n;
        TRY(resources_within(c, "/resources", m->resources, m->n_resources, e));
        TRY(user_within(c, body->user, e));
        TRY(read_expiry(body, m, e));
        TRY(read_upstream(c, body->upstream, m, e));
        return idempotency(c, m, e);
}

/*
 * keys:create somewhere, each grant within what the caller may give on its resource, and a user and
 * resources that it may put on a key (grants_may_name, grants_may_bind).
 */
enum status keys_mint(struct call *c, struct error *e)
{
        static const struct json_field fields[] = {
                JSON_FIELD(struct mint, user, "user", JSON_AS_TEXT, JSON_REQUIRED | JSON_NONEMPTY),
                JSON_FIELD(struct mint, name, "name", JSON_AS_TEXT, JSON_NULLABLE),
                JSON_FIELD(struct mint, app, "app", JSON_AS_TEXT, JSON_NULLABLE | JSON_NONEMPTY),
                JSON_FIELD(struct mint, grants, "grants", JSON_AS_ARRAY, JSON_NULLABLE),
                JSON_FIELD(struct mint, resources, "resources", JSON_AS_TEXTS, JSON_NULLABLE),
                JSON_FIELD(struct mint, expires_in, "expires_in", JSON_AS_VALUE, 0),
                JSON_FIELD(struct mint, expires_at, "expires_at", JSON_AS_TEXT, JSON_NULLABLE),
                JSON_FIELD(struct mint, upstream, "upstream", JSON_AS_OBJECT, JSON_NULLABLE),
                JSON_FIELD_END,
        };
        struct mint body = {0};
        TRY(call_may(c, "keys:create", SPAN_NONE, e));
        TRY(call_body(c, fields, &body, e));

        struct key_mint *m;
        TRY(key_mint_new(c->domain, c->settings, &m, e));
        enum status status = mint_fill(c, &body, m, e);
        if (status != STATUS_OK) {
                domain_command_free(&m->base);
                return status;
        }
        return call_submit(c, &m->base, answer_mint, e);
}

/* ---- POST /v1/keys/{id}/rotate ---- */

static enum status answer_rotate(struct call *c, struct domain_command *cmd, struct error *e)
{
        const struct key_rotate *r = (struct key_rotate *)cmd;
        return reply_minted(c, r->new_id, span_of(r->key), 0, e);
}

/*
 * keys:rotate on the key; key_may asks too that the caller may give all that the key holds, since
 * the answer is a key that holds it. A key itself holds it already.
 */
enum status keys_rotate(struct call *c, struct error *e)
{
        struct rotate {
                const struct json *grace;
        } body = {0};
        static const struct json_field fields[] = {
                JSON_FIELD(struct rotate, grace, "grace", JSON_AS_VALUE, 0),
                JSON_FIELD_END,
        };
        struct key_row row;
        int64_t grace_ms = -1;
        TRY(keys_one(c, "keys:rotate", &row, e));
        TRY(call_body(c, fields, &body, e));
        TRY(call_duration(body.grace, "/grace", &grace_ms, e));
        struct key_rotate *cmd;
        TRY(key_rotate_new(c->domain, c->settings, &cmd, e));
        cmd->id = row.id;
        cmd->grace_ms = grace_ms;
        return call_submit(c, &cmd->base, answer_rotate, e);
}
