/*
 * auth_call: one request to an endpoint, from the handler to its reply, whichever face it came by.
 *
 *     call_enter ─▶ auth ─▶ face->begin ─▶ endpoint->serve ─┬─ call_reply...            now
 *                                                           ├─ call_submit ─▶ answer    committed
 *                                                           └─ call_defer  ─▶ then      worked out
 *
 * serve, work, then and answer return a status; one that is not OK is answered as the error, and
 * is put on record where refusal_is_due. OK means: replied, or will be.
 *
 * A face has one struct call_face, one struct call_endpoint a route, and a handler of two lines:
 *
 *     struct call *c = call_new(&view, req, &face, endpoint);     // NULL: answered
 *     if (c)
 *             call_enter(c);
 *
 * The call lives in the request's arena and ends with the reply: after call_reply, call_submit or
 * call_defer nobody touches it but the completion.
 *
 * Thread: the request's loop; `work` alone runs on a thread of the pool.
 */
#ifndef CHATELAINE_AUTH_CALL_H
#define CHATELAINE_AUTH_CALL_H

#include <chatelaine/auth.h>
#include <chatelaine/codec_json.h>

struct call;
struct http_request;
typedef enum status (*call_serve)(struct call *c, struct error *e);
typedef enum status (*call_work)(struct call *c, struct store_conn *db, struct error *e);
typedef enum status (*call_answer)(struct call *c, struct domain_command *cmd, struct error *e);

struct call_endpoint {
        call_serve serve;
        bool is_open; /* anybody, or an app that the endpoint itself checks: c->who is NULL */
        const char *action, *target_kind; /* of its audit event; NULL where nothing changes */
};

/* What a face adds to the life of its calls. Each may be NULL. */
struct call_face {
        const char *content_type; /* of answers; NULL = application/json */
        /* Behind auth, before serve. */
        enum status (*begin)(struct call *c, struct error *e);
        /* c->out as it is answered, into an empty buffer; left empty: as it is. */
        enum status (*shape)(struct call *c, struct buf *ret, struct error *e);
};

struct call {
        struct http_request *req;
        struct request_view view; /* as http gave it */
        const struct call_face *face;
        const struct call_endpoint *endpoint;
        struct auth_loop *loop;
        struct domain *domain;
        struct store_conn *db; /* the loop's read connection; in call_work the pool's is given */
        struct arena *arena;   /* the request's */
        struct principal *who;
        struct caller app;         /* that an open endpoint has found; else nobody */
        struct settings *settings; /* counted until the call ends */
        struct json *body;         /* what call_body has read; freed when the call ends */
        struct buf out;            /* the answer's text */
        void *state;               /* the endpoint's own, in the arena */
        void *face_state;          /* the face's own, in the arena */
        struct span target;        /* of the audit event */
        struct principal *found;   /* call_password: whose it was */

        /* call.c's */
        struct request_view shown; /* to auth */
        const char *shown_name;    /* a header that the request has not, or has otherwise */
        struct span shown_value;
        bool is_shown_instead;
        call_answer answer;
        call_work work;
        call_serve then, refused;
        struct job job;
        enum status work_status;
        struct error work_error;
};

/* ---- coming in ---- */
/* `view` is copied. NULL: there was no memory, and that is answered. */
struct call *call_new(const struct request_view *view, struct http_request *req,
                      struct auth_loop *loop, const struct call_face *face,
                      const struct call_endpoint *endpoint);
/* A credential that came elsewhere than in its header (a query), shown to auth as that header:
 * beside the request's own, or instead of each of them. Absent: nothing. Before call_enter. */
void call_show_header(struct call *c, const char *name, struct span value, bool is_instead);
/* Afterwards nobody touches `c`. */
void call_enter(struct call *c);

/* ---- what an endpoint asks ---- */
/* Zeroed memory of the request; NULL ends in error_no_memory. */
#define CALL_NEW(c, pointer) ((pointer) = arena_alloc((c)->arena, sizeof *(pointer)))
/* The body as a tree in c->body; an absent one is `{}`. INVALID with its pointer. */
enum status call_parse(struct call *c, struct error *e) MUST_CHECK;
/* The body as an object in *base, strictly. INVALID with its pointer. */
enum status call_body(struct call *c, const struct json_field *fields, void *base,
                      struct error *e) MUST_CHECK;
/* A duration: "15m", or a number of seconds; absent (NULL, null) leaves *ret. INVALID
 * "invalid-field" at `at`. */
enum status call_duration(const struct json *value, const char *at, int64_t *ret_ms,
                          struct error *e) MUST_CHECK;
/* An RFC 3339 time; absent leaves *ret. */
enum status call_time(struct span text, const char *at, int64_t *ret_ms,
                      struct error *e) MUST_CHECK;
/* An absent resource is anywhere; NO_MEMORY when the arena had no room, for then it may be
 * call_resource's that is absent. */
enum status call_may(const struct call *c, const char *permission, struct span resource,
                     struct error *e) MUST_CHECK;
/* All that the subject holds ("users/ID"): asked before the caller gets hold of its credential. */
enum status call_may_all(const struct call *c, const char *subject, struct error *e) MUST_CHECK;
/* "KIND/NAME" in the arena, zero-terminated; absent at its bound. */
struct span call_resource(const struct call *c, const char *kind, struct span name);
/*
 * A name and password in the body, checked as Basic's are: `then` with the user in c->found;
 * `refused` (may be NULL) says what a wrong one is answered.
 */
enum status call_password(struct call *c, struct span name, struct span password, call_serve then,
                          call_serve refused, struct error *e) MUST_CHECK;

/* ---- answers ---- */
void call_reply(struct call *c, unsigned status, const char *content_type, struct span body);
void call_reply_json(struct call *c, unsigned status, const struct buf *body);
void call_reply_out(struct call *c, unsigned status); /* c->out, as the face shapes it */
void call_reply_empty(struct call *c, unsigned status);
/* Answer the error; it goes on record where refusal_is_due. */
void call_refuse(struct call *c, const struct error *e);
/* The record alone, with a count (-1 = none), of what is answered otherwise. */
void call_note(const struct call *c, int64_t count, const struct error *e);
/* c->out is good, or the error that says why not: a page that outgrew its buffer is INVALID
 * "page-too-large". */
enum status call_out_check(const struct call *c, struct error *e) MUST_CHECK;
/* 200 with c->out, for `then` of call_defer. */
enum status call_then_reply(struct call *c, struct error *e) MUST_CHECK;

/* ---- the pool ---- */
/* `work` on the pool, where c->who asks on the pool's connection; then `then` on the loop. */
enum status call_defer(struct call *c, call_work work, call_serve then, struct error *e) MUST_CHECK;
#define CALL_PASSWORD_BYTES_MAX 1024
/* `password` hashed into `to`, PASSWORD_HASH_SIZE bytes in the arena. INVALID "invalid-field" at
 * /password when it is longer than CALL_PASSWORD_BYTES_MAX. */
enum status call_hash(struct call *c, struct span password, char *to, call_serve then,
                      struct error *e) MUST_CHECK;

/* ---- commands ---- */
/*
 * Completes `cmd` (caller, audit, context) and submits it; takes it over in any case. `answer`
 * replies from it when it is committed; it is freed behind that.
 */
enum status call_submit(struct call *c, struct domain_command *cmd, call_answer answer,
                        struct error *e) MUST_CHECK;
/* 204 */
enum status call_answer_empty(struct call *c, struct domain_command *cmd,
                              struct error *e) MUST_CHECK;

#endif
