/*
 * call: one request to an endpoint, from the handler to its reply.
 *
 *     enter ─▶ (auth) ─▶ endpoint->serve(call) ─┬─ api_reply...            now
 *                                               ├─ api_submit ─▶ answer    after the commit
 *                                               └─ api_defer  ─▶ then      after the pool's work
 *
 * serve, work and then return a status; one that is not OK is answered as the
 * error, and is put on record when it is a refusal. OK means: replied, or will be.
 *
 * The call lives in the request's arena and ends with the reply: after
 * api_reply, api_submit or api_defer nobody touches it but the completion.
 */
#ifndef API_CALL_H
#define API_CALL_H

#include <chatelaine/api.h>
#include <chatelaine/codec_json.h>

struct api_call;
typedef enum status (*api_serve)(struct api_call *c, struct error *e);
typedef enum status (*api_work)(struct api_call *c, struct store_conn *db, struct error *e);
typedef enum status (*api_answer)(struct api_call *c, struct domain_command *cmd, struct error *e);

enum api_entry {
        ENTRY_CALLER, /* somebody: key, Basic, socket; c->who says who */
        ENTRY_OPEN,   /* anybody, or an app that the endpoint itself checks; c->who is NULL */
        ENTRY_SOCKET, /* the admin socket alone */
};
enum api_change {
        READS,
        WRITES,  /* refused while the disk is full */
        REVOKES, /* takes rights away: never refused for that */
};

struct api_endpoint {
        enum http_method method;
        const char *path;
        unsigned faces, media;
        enum api_entry entry;
        enum api_change change;
        api_serve serve;
        const char *action, *target_kind; /* of its audit event; NULL where nothing changes */
};

struct api {
        struct api_options options;
        struct http_route *routes;
        struct api_bound *bound; /* what the routes' arg points to */
};
struct api_bound {
        const struct api *api;
        const struct api_endpoint *endpoint;
};

struct api_call {
        struct http_request *req;
        const struct api *api;
        const struct api_endpoint *endpoint;
        struct auth_loop *loop;
        struct store_conn *db; /* the loop's read connection; in api_work the pool's is given */
        struct arena *arena;   /* the request's */
        struct principal *who;
        struct settings *settings; /* counted until the call ends */
        struct json *body;         /* what api_body has read; freed when the call ends */
        struct buf out;            /* the answer's text */
        void *state;               /* the endpoint's own, in the arena */
        struct span target;        /* of the audit event */

        api_answer answer;
        api_work work;
        api_serve then;
        struct job job;
        enum status work_status;
        struct error work_error;
};

/* The handler of every route. */
void api_enter(struct http_request *req);

static inline struct domain *api_domain(const struct api_call *c)
{
        return c->api->options.domain;
}
/* {name} of the path, decoded. */
static inline struct span api_param(const struct api_call *c, const char *name)
{
        return http_param(c->req, name);
}
/* Zeroed memory of the request; NULL ends in error_no_memory. */
#define API_NEW(c, pointer) ((pointer) = arena_alloc((c)->arena, sizeof *(pointer)))

/* The body as an object in *base, strictly; an absent body is `{}`. INVALID with its pointer. */
enum status api_body(struct api_call *c, const struct json_field *fields, void *base,
                     struct error *e) MUST_CHECK;

/* A duration: "15m", or a number of seconds; absent (NULL, null) leaves *ret. INVALID
 * "invalid-field" at `at`. */
enum status api_duration(const struct json *value, const char *at, int64_t *ret_ms,
                         struct error *e) MUST_CHECK;
/* An RFC 3339 time; absent leaves *ret. */
enum status api_time(struct span text, const char *at, int64_t *ret_ms, struct error *e) MUST_CHECK;

/* ---- who may ---- */
enum status api_may(const struct api_call *c, const char *permission, struct span resource,
                    struct error *e) MUST_CHECK;
/* "KIND/NAME" in the arena, zero-terminated; absent at its bound. */
struct span api_resource(const struct api_call *c, const char *kind, struct span name);
/*
 * No oracle: `allowed` is what a change asked for; where it was denied and the caller may not see
 * the thing either (`visible`), the answer is NOT_FOUND `slug`, as if it were not there.
 */
enum status api_hide(enum status allowed, bool visible, const char *slug,
                     struct error *e) MUST_CHECK;

/* ---- answers ---- */
void api_reply_json(struct api_call *c, unsigned status, const struct buf *body);
void api_reply_out(struct api_call *c, unsigned status); /* c->out */
void api_reply_empty(struct api_call *c, unsigned status);
void api_reply(struct api_call *c, unsigned status, const char *content_type, struct span body);
/* Answer the error; DENIED and 401 go on record. */
void api_refuse(struct api_call *c, const struct error *e);
/* 200 with c->out, for `then` of api_defer. A page that outgrew its buffer is INVALID
 * "page-too-large". */
enum status api_then_reply(struct api_call *c, struct error *e) MUST_CHECK;
/* c->out is good, or the error that says why not. */
enum status api_out_check(const struct api_call *c, struct error *e) MUST_CHECK;

/* Runs on the pool, then back on the loop. */
enum status api_defer(struct api_call *c, api_work work, api_serve then,
                      struct error *e) MUST_CHECK;

/* ---- commands ---- */
/*
 * Completes `cmd` (caller, audit, context) and submits it; takes it over in any case. `answer`
 * replies from it when it is committed; it is freed behind that.
 */
enum status api_submit(struct api_call *c, struct domain_command *cmd, api_answer answer,
                       struct error *e) MUST_CHECK;
/* The same for another caller than c->who: an app. */
enum status api_submit_as(struct api_call *c, const struct caller *caller,
                          struct domain_command *cmd, api_answer answer,
                          struct error *e) MUST_CHECK;
/* 204 */
enum status api_answer_empty(struct api_call *c, struct domain_command *cmd,
                             struct error *e) MUST_CHECK;

#endif
