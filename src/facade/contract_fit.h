/*
 * contract_fit: what its endpoints share beside auth_call.h.
 *
 *     cf_enter ─▶ api_key=, auth ─▶ X-Fields ─▶ endpoint->serve(call)
 *
 * Errors are answered in the shape of Flask-RESTX.
 */
#ifndef FACADE_CONTRACT_FIT_H
#define FACADE_CONTRACT_FIT_H

#include <chatelaine/auth_call.h>
#include <chatelaine/facade.h>

/* The handler of every route; its arg is the struct call_endpoint. */
void cf_enter(struct http_request *req);

struct cf_mask;
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
enum status cf_roles_read(struct call *c, const struct json *array, const char *at,
                          struct grant **ret, size_t *ret_n, struct error *e) MUST_CHECK;
/* [{role, inbox?, document_id?}] of a subject; what has no such form is left out. */
enum status cf_roles_write(struct store_conn *db, const char *subject, struct buf *out,
                           struct error *e) MUST_CHECK;

/* ---- inboxes ---- */
/* NOT_FOUND "inbox-not-found". */
enum status cf_inbox_is_there(struct call *c, struct span id, struct error *e) MUST_CHECK;

/* ---- users ---- */
struct user_row;
enum status cf_user_write(struct store_conn *db, const struct user_row *u, struct buf *out,
                          struct error *e) MUST_CHECK;

/* ---- lists ---- */
struct cf_list {
        /* {"items":[...],"next_cursor":...} */
        enum status (*page)(struct call *c, struct store_conn *db, const struct page *p,
                            struct buf *out, struct error *e);
        /* One of them into c->out, or nothing. */
        enum status (*item)(struct call *c, struct store_conn *db, const struct json *item,
                            struct error *e);
};
/* Work for call_defer: all items as an array into c->out. */
enum status cf_list(struct call *c, struct store_conn *db, const struct cf_list *list,
                    struct error *e) MUST_CHECK;

/* ---- endpoints ---- */
enum status cf_auth_login(struct call *c, struct error *e) MUST_CHECK;
enum status cf_auth_token(struct call *c, struct error *e) MUST_CHECK;
enum status cf_auth_ephemeral(struct call *c, struct error *e) MUST_CHECK;
enum status cf_auth_logout(struct call *c, struct error *e) MUST_CHECK;
enum status cf_auth_reset(struct call *c, struct error *e) MUST_CHECK;
enum status cf_keys_list(struct call *c, struct error *e) MUST_CHECK;
enum status cf_keys_post(struct call *c, struct error *e) MUST_CHECK;
enum status cf_keys_get(struct call *c, struct error *e) MUST_CHECK;
enum status cf_keys_patch(struct call *c, struct error *e) MUST_CHECK;
enum status cf_keys_delete(struct call *c, struct error *e) MUST_CHECK;
enum status cf_roles_list(struct call *c, struct error *e) MUST_CHECK;
enum status cf_roles_post(struct call *c, struct error *e) MUST_CHECK;
enum status cf_roles_get(struct call *c, struct error *e) MUST_CHECK;
enum status cf_roles_patch(struct call *c, struct error *e) MUST_CHECK;
enum status cf_roles_delete(struct call *c, struct error *e) MUST_CHECK;
enum status cf_users_list(struct call *c, struct error *e) MUST_CHECK;
enum status cf_users_post(struct call *c, struct error *e) MUST_CHECK;
enum status cf_users_get(struct call *c, struct error *e) MUST_CHECK;
enum status cf_users_patch(struct call *c, struct error *e) MUST_CHECK;
enum status cf_users_delete(struct call *c, struct error *e) MUST_CHECK;
enum status cf_me_get(struct call *c, struct error *e) MUST_CHECK;
enum status cf_me_password(struct call *c, struct error *e) MUST_CHECK;
enum status cf_inboxes_list(struct call *c, struct error *e) MUST_CHECK;
enum status cf_inboxes_post(struct call *c, struct error *e) MUST_CHECK;
enum status cf_inboxes_get(struct call *c, struct error *e) MUST_CHECK;
enum status cf_inboxes_patch(struct call *c, struct error *e) MUST_CHECK;
enum status cf_inboxes_delete(struct call *c, struct error *e) MUST_CHECK;
enum status cf_documents_list(struct call *c, struct error *e) MUST_CHECK;
enum status cf_documents_paginated(struct call *c, struct error *e) MUST_CHECK;
enum status cf_documents_get(struct call *c, struct error *e) MUST_CHECK;
enum status cf_documents_version(struct call *c, struct error *e) MUST_CHECK;
enum status cf_documents_text(struct call *c, struct error *e) MUST_CHECK;
enum status cf_documents_feedback(struct call *c, struct error *e) MUST_CHECK;
enum status cf_documents_status(struct call *c, struct error *e) MUST_CHECK;
enum status cf_unserved(struct call *c, struct error *e) MUST_CHECK;

/* GET /: the page of share links. */
void cf_page(struct http_request *req);
/* For http_error_shape. */
void cf_write_error(struct http_request *req, const struct error *e, struct buf *body);

#endif
