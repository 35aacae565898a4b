/*
 * contract_fit: one request, from the handler to its reply, and what its endpoints share.
 *
 *     cf_enter ─▶ X-Fields ─▶ auth ─▶ endpoint->serve(call) ─┬─ cf_reply...            now
 *                                                            ├─ cf_submit ─▶ answer    after the
 * commit └─ cf_defer  ─▶ then      after the pool's work
 *
 * serve, work, then and answer return a status; one that is not OK is answered in the shape of
 * Flask-RESTX, and is put on record when it is a refusal. OK means: replied, or will be.
 *
 * The call lives in the request's arena and ends with the reply: after cf_reply, cf_submit or
 * cf_defer nobody touches it but the completion.
 */
#ifndef FACADE_CONTRACT_FIT_H
#define FACADE_CONTRACT_FIT_H

#include <chatelaine/auth.h>
#include <chatelaine/codec_json.h>
#include <chatelaine/facade.h>

struct cf_call;
struct cf_mask;
typedef enum status (*cf_serve)(struct cf_call *c, struct error *e);
typedef enum status (*cf_work)(struct cf_call *c, struct store_conn *db, struct error *e);
typedef enum status (*cf_answer)(struct cf_call *c, struct domain_command *cmd, struct error *e);

struct cf_endpoint {
        cf_serve serve;
        bool is_open;                     /* anybody: who is NULL */
        const char *action, *target_kind; /* of its audit event; NULL where nothing changes */
};

struct cf_call {
        struct http_request *req;
        const struct cf_endpoint *endpoint;
        struct auth_loop *loop;
        struct domain *domain;
        struct store_conn *db; /* the loop's read connection; in cf_work the pool's is given */
        struct arena *arena;   /* the request's */
        struct principal *who;
        struct settings *settings; /* counted until the call ends */
        struct json *body;         /* what cf_body has read; freed when the call ends */
        struct cf_mask *mask;      /* X-Fields; NULL = all */
        struct buf out;            /* the answer's text */
        void *state;               /* the endpoint's own, in the arena */
        struct span target;        /* of the audit event */
        struct principal *found;   /* cf_password: whose password it was */

        cf_answer answer;
        cf_work work;
        cf_serve then;
        struct job job;
        enum status work_status;
        struct error work_error;
};

/* The handler of every route; its arg is the endpoint. */
void cf_enter(struct http_request *req);

/* Zeroed memory of the request; NULL ends in error_no_memory. */
#define CF_NEW(c, pointer) ((pointer) = arena_alloc((c)->arena, sizeof *(pointer)))

/* The body as a tree in c->body; an absent one is `{}`. INVALID. */
enum status cf_parse(struct cf_call *c, struct error *e) MUST_CHECK;
/* The body in *base, strictly. INVALID with its pointer. */
enum status cf_body(struct cf_call *c, const struct json_field *fields, void *base,
                    struct error *e) MUST_CHECK;

/* ---- who may ---- */
enum status cf_may(const struct cf_call *c, const char *permission, struct span resource,
                   struct error *e) MUST_CHECK;
/* "KIND/NAME" in the arena, zero-terminated; absent at its bound. */
struct span cf_resource(const struct cf_call *c, const char *kind, struct span name);
/*
 * Credentials that the request brings in another place than its header, checked as Basic's are:
 * `then` with the user in c->found; `refused` (may be NULL) says what a wrong one is answered.
 */
enum status cf_password(struct cf_call *c, struct span name, struct span password, cf_serve then,
                        cf_serve refused, struct error *e) MUST_CHECK;

/* ---- answers ---- */
void cf_reply_out(struct cf_call *c, unsigned status); /* c->out, masked */
void cf_reply_empty(struct cf_call *c, unsigned status);
void cf_refuse(struct cf_call *c, const struct error *e);
enum status cf_then_reply(struct cf_call *c, struct error *e) MUST_CHECK; /* 200 with c->out */
/* Runs on the pool, then back on the loop. */
enum status cf_defer(struct cf_call *c, cf_work work, cf_serve then, struct error *e) MUST_CHECK;
/* Completes `cmd` (caller, audit, context) and submits it; takes it over in any case. */
enum status cf_submit(struct cf_call *c, struct domain_command *cmd, cf_answer answer,
                      struct error *e) MUST_CHECK;
enum status cf_answer_empty(struct cf_call *c, struct domain_command *cmd,
                            struct error *e) MUST_CHECK; /* 204 */

/* ---- X-Fields (Flask-RESTX) ---- */
/* "{a, b{c}, *}"; INVALID "invalid-mask". */
enum status cf_mask_read(struct span text, struct arena *a, struct cf_mask **ret,
                         struct error *e) MUST_CHECK;
/* `value` with what the mask names, in arrays element by element. */
void cf_mask_write(const struct cf_mask *mask, const struct json *value, struct buf *out);

/* ---- roles as {role, inbox?, document_id?} ---- */
#define CF_PERMISSIONS 50
extern const char *const cf_permissions[CF_PERMISSIONS];
/* The array at JSON pointer `at`, as grants. INVALID with its pointer. */
enum status cf_roles_read(struct cf_call *c, const struct json *array, const char *at,
                          struct grant **ret, size_t *ret_n, struct error *e) MUST_CHECK;
/* [{role, inbox?, document_id?}] of a subject; what has no such form is left out. */
enum status cf_roles_write(struct store_conn *db, const char *subject, struct buf *out,
                           struct error *e) MUST_CHECK;

/* ---- passwords on the pool ---- */
#define CF_PASSWORD_BYTES_MAX 1024
/* `to` is PASSWORD_HASH_SIZE bytes in the arena. */
enum status cf_hash(struct cf_call *c, struct span password, char *to, cf_serve then,
                    struct error *e) MUST_CHECK;

/* ---- users ---- */
struct user_row;
enum status cf_user_write(struct store_conn *db, const struct user_row *u, struct buf *out,
                          struct error *e) MUST_CHECK;
/* All that the user holds is the caller's too: asked before the caller gets hold of its rights. */
enum status cf_holds_all_of(struct cf_call *c, struct span user_id, struct error *e) MUST_CHECK;

/* ---- endpoints ---- */
enum status cf_auth_login(struct cf_call *c, struct error *e) MUST_CHECK;
enum status cf_auth_token(struct cf_call *c, struct error *e) MUST_CHECK;
enum status cf_auth_ephemeral(struct cf_call *c, struct error *e) MUST_CHECK;
enum status cf_auth_logout(struct cf_call *c, struct error *e) MUST_CHECK;
enum status cf_auth_reset(struct cf_call *c, struct error *e) MUST_CHECK;
enum status cf_keys_list(struct cf_call *c, struct error *e) MUST_CHECK;
enum status cf_keys_post(struct cf_call *c, struct error *e) MUST_CHECK;
enum status cf_keys_get(struct cf_call *c, struct error *e) MUST_CHECK;
enum status cf_keys_patch(struct cf_call *c, struct error *e) MUST_CHECK;
enum status cf_keys_delete(struct cf_call *c, struct error *e) MUST_CHECK;
enum status cf_roles_list(struct cf_call *c, struct error *e) MUST_CHECK;
enum status cf_roles_post(struct cf_call *c, struct error *e) MUST_CHECK;
enum status cf_roles_get(struct cf_call *c, struct error *e) MUST_CHECK;
enum status cf_roles_patch(struct cf_call *c, struct error *e) MUST_CHECK;
enum status cf_roles_delete(struct cf_call *c, struct error *e) MUST_CHECK;
enum status cf_users_list(struct cf_call *c, struct error *e) MUST_CHECK;
enum status cf_users_post(struct cf_call *c, struct error *e) MUST_CHECK;
enum status cf_users_get(struct cf_call *c, struct error *e) MUST_CHECK;
enum status cf_users_patch(struct cf_call *c, struct error *e) MUST_CHECK;
enum status cf_users_delete(struct cf_call *c, struct error *e) MUST_CHECK;
enum status cf_me_get(struct cf_call *c, struct error *e) MUST_CHECK;
enum status cf_me_password(struct cf_call *c, struct error *e) MUST_CHECK;
enum status cf_inboxes_list(struct cf_call *c, struct error *e) MUST_CHECK;
enum status cf_inboxes_post(struct cf_call *c, struct error *e) MUST_CHECK;
enum status cf_inboxes_get(struct cf_call *c, struct error *e) MUST_CHECK;
enum status cf_inboxes_patch(struct cf_call *c, struct error *e) MUST_CHECK;
enum status cf_inboxes_delete(struct cf_call *c, struct error *e) MUST_CHECK;
enum status cf_documents_list(struct cf_call *c, struct error *e) MUST_CHECK;
enum status cf_documents_paginated(struct cf_call *c, struct error *e) MUST_CHECK;
enum status cf_documents_get(struct cf_call *c, struct error *e) MUST_CHECK;
enum status cf_documents_version(struct cf_call *c, struct error *e) MUST_CHECK;
enum status cf_documents_text(struct cf_call *c, struct error *e) MUST_CHECK;
enum status cf_documents_feedback(struct cf_call *c, struct error *e) MUST_CHECK;
enum status cf_documents_status(struct cf_call *c, struct error *e) MUST_CHECK;
enum status cf_unserved(struct cf_call *c, struct error *e) MUST_CHECK;

/* GET /: the page of share links. */
void cf_page(struct http_request *req);
/* For http_error_shape. */
void cf_write_error(struct http_request *req, const struct error *e, struct buf *body);

#endif
