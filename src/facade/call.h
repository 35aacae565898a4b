/*
 * call: one request at a facade, from the handler to its reply.
 *
 *     face_enter ─▶ (auth) ─▶ endpoint->serve(call) ─┬─ face_reply...            now
 *                                                    ├─ face_submit ─▶ answer    after the commit
 *                                                    └─ face_defer  ─▶ then      after the pool's
 *                                                                                work
 *
 * serve, work, then and answer return a status; one that is not OK is answered in the shape of the
 * path, and is put on record when it is a refusal. OK means: replied, or will be.
 *
 * The call lives in the request's arena and ends with the reply: after face_reply_...,
 * face_submit or face_defer nobody touches it but the completion.
 */
#ifndef FACADE_CALL_H
#define FACADE_CALL_H

#include <chatelaine/auth.h>
#include <chatelaine/codec_json.h>
#include <chatelaine/http.h>

struct face_call;
typedef enum status (*face_serve)(struct face_call *c, struct error *e);
typedef enum status (*face_work)(struct face_call *c, struct store_conn *db, struct error *e);
typedef enum status (*face_answer)(struct face_call *c, struct domain_command *cmd,
                                   struct error *e);

struct face_endpoint {
        face_serve serve;
        bool is_open;                     /* anybody: who is NULL */
        const char *action, *target_kind; /* of its audit event; NULL where nothing changes */
        const char *content_type;         /* of its answers */
};

struct face_call {
        struct http_request *req;
        const struct face_endpoint *endpoint;
        struct auth_loop *loop;
        struct domain *domain;
        struct store_conn *db; /* the loop's read connection; in face_work the pool's is given */
        struct arena *arena;   /* the request's */
        struct principal *who;
        struct settings *settings; /* counted until the call ends */
        struct json *body;         /* what face_parse has read; freed when the call ends */
        struct buf out;            /* the answer's text */
        void *state;               /* the endpoint's own, in the arena */
        struct span target;        /* of the audit event */

        face_answer answer;
        face_work work;
        face_serve then;
        struct job job;
        enum status work_status;
        struct error work_error;
};

/* The handler of every route; its arg is the endpoint. */
void face_enter(struct http_request *req);

/* Zeroed memory of the request; NULL ends in error_no_memory. */
#define FACE_NEW(c, pointer) ((pointer) = arena_alloc((c)->arena, sizeof *(pointer)))

/* The body as a tree in c->body; an absent one is `{}`. INVALID. */
enum status face_parse(struct face_call *c, struct error *e) MUST_CHECK;
/* The body in *base. INVALID with its pointer. */
enum status face_body(struct face_call *c, const struct json_field *fields, void *base,
                      struct error *e) MUST_CHECK;

/* ---- who may ---- */
enum status face_may(const struct face_call *c, const char *permission, struct span resource,
                     struct error *e) MUST_CHECK;
/* "KIND/NAME" in the arena, zero-terminated; absent at its bound. */
struct span face_resource(const struct face_call *c, const char *kind, struct span name);

/* ---- answers ---- */
void face_reply_out(struct face_call *c, unsigned status); /* c->out */
void face_reply_empty(struct face_call *c, unsigned status);
/* Answer the error; DENIED and 401 go on record. */
void face_refuse(struct face_call *c, const struct error *e);
enum status face_then_reply(struct face_call *c, struct error *e) MUST_CHECK; /* 200, c->out */
/* Runs on the pool, then back on the loop. */
enum status face_defer(struct face_call *c, face_work work, face_serve then,
                       struct error *e) MUST_CHECK;
/* Completes `cmd` (caller, audit, context) and submits it; takes it over in any case. */
enum status face_submit(struct face_call *c, struct domain_command *cmd, face_answer answer,
                        struct error *e) MUST_CHECK;
enum status face_answer_empty(struct face_call *c, struct domain_command *cmd,
                              struct error *e) MUST_CHECK; /* 204 */

#endif
