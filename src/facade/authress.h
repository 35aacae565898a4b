/*
 * authress: what its endpoints share beside the call (auth_call.h): the query, pages, times,
 * errors.
 *
 *     authress_call.c      this header
 *     authress_routes.c    every route at a glance, also of what is not served (501)
 *     authress_users.c     /v1/users/{u}/resources/...
 *     authress_roles.c     /v1/roles
 *     authress_records.c   /v1/records
 *     authress_groups.c    /v1/groups
 *     authress_resources.c /v1/resources, /v1/claims
 *     authress_invites.c   /v1/invites, /v1/requests
 *     authress_clients.c   /v1/clients
 *     authress_access_keys.c  /v1/clients/{id}/access-keys, what is published of a client
 *     authress_tokens.c    /api/authentication/oauth/tokens, /.well-known/openid-configuration
 *
 * Answers are application/links+json, errors {title, errorCode, errorId}: errorCode is the slug
 * in the form that Authress writes ("invalid-field": "InvalidField"), errorId the request's id.
 */
#ifndef FACADE_AUTHRESS_H
#define FACADE_AUTHRESS_H

#include <chatelaine/auth_call.h>

#include <chatelaine/facade.h>

#define AU_CONTENT_TYPE "application/links+json"

/* The handler of every route; its arg is the struct call_endpoint. */
void au_enter(struct http_request *req);
/* For http_error_shape. */
void au_write_error(struct http_request *req, const struct error *e, struct buf *body);

/* ---- the query ---- */
#define AU_LIMIT_MAX 1000
struct au_query_field {
        const char *name;  /* NULL ends the table */
        struct span *text; /* absent stays as it is */
};
/* The query's names are all in the table and each is there once: else INVALID "invalid-request".
 * An empty value is as an absent one. */
enum status au_query(struct call *c, const struct au_query_field *fields,
                     struct error *e) MUST_CHECK;
/* A page's limit: absent = `otherwise`; 1 to AU_LIMIT_MAX, else INVALID "invalid-request". */
enum status au_limit(struct span text, unsigned otherwise, unsigned *ret,
                     struct error *e) MUST_CHECK;
/* A list's whole query: limit, cursor and filter (NULL: it has none). */
enum status au_page(struct call *c, unsigned limit, struct page *ret, struct span *filter,
                    struct error *e) MUST_CHECK;

/*
 * A collection, {NAME: [...], "pagination", "links"}, from the pool. The handler's own state begins
 * with one:
 *
 *     struct listing { struct au_listing list; struct span filter; } *l;
 *     TRY(au_page(c, LIMIT_DEFAULT, &l->list.page, &l->filter, e));
 *     return au_list(c, &l->list, "groups", list_rows, e);
 *
 * `rows` writes the rows to c->out; a domain's list does so through a callback, whose failure
 * stays in `status` and is the answer.
 */
struct au_listing;
typedef enum status (*au_rows)(struct au_listing *l, struct store_conn *db, struct span *ret_next,
                               struct error *e);
struct au_listing {
        struct page page;
        struct call *call;
        struct error *error; /* of the callback */
        enum status status;
        const char *name;
        au_rows rows;
};
enum status au_list(struct call *c, struct au_listing *l, const char *name, au_rows rows,
                    struct error *e) MUST_CHECK;

/*
 * The end of a collection into c->out: "pagination" (with "next" when `next_cursor` is given) and
 * "links" with absolute "self" and "next".
 */
void au_page_end(struct call *c, struct span next_cursor);

/* ---- members of answers, into c->out ---- */
void au_account(struct call *c); /* "account": {accountId} */
/* "links": {"self": {"href": ...}}, absolute; `prefix` is the path before the id. */
void au_self(struct call *c, const char *prefix, struct span id);
/* [{action, allow, grant, delegate}] */
void au_permissions(struct call *c, const struct right *list, size_t n);

/* ---- times ---- */
/* If-Unmodified-Since as Authress has it, ISO 8601; without a fraction, the end of that second;
 * *ret = -1 without the header. INVALID "invalid-request". */
enum status au_unmodified_since(struct call *c, int64_t *ret_ms, struct error *e) MUST_CHECK;

/* ---- endpoints ---- */
enum status au_users_authorize(struct call *c, struct error *e) MUST_CHECK;
enum status au_users_permissions(struct call *c, struct error *e) MUST_CHECK;
enum status au_users_roles(struct call *c, struct error *e) MUST_CHECK;
enum status au_users_resources(struct call *c, struct error *e) MUST_CHECK;
enum status au_roles_list(struct call *c, struct error *e) MUST_CHECK;
enum status au_roles_post(struct call *c, struct error *e) MUST_CHECK;
enum status au_roles_get(struct call *c, struct error *e) MUST_CHECK;
enum status au_roles_put(struct call *c, struct error *e) MUST_CHECK;
enum status au_roles_delete(struct call *c, struct error *e) MUST_CHECK;
enum status au_records_list(struct call *c, struct error *e) MUST_CHECK;
enum status au_records_post(struct call *c, struct error *e) MUST_CHECK;
enum status au_records_get(struct call *c, struct error *e) MUST_CHECK;
enum status au_records_put(struct call *c, struct error *e) MUST_CHECK;
enum status au_records_delete(struct call *c, struct error *e) MUST_CHECK;
enum status au_groups_list(struct call *c, struct error *e) MUST_CHECK;
enum status au_groups_post(struct call *c, struct error *e) MUST_CHECK;
enum status au_groups_get(struct call *c, struct error *e) MUST_CHECK;
enum status au_groups_put(struct call *c, struct error *e) MUST_CHECK;
enum status au_groups_delete(struct call *c, struct error *e) MUST_CHECK;
enum status au_resources_list(struct call *c, struct error *e) MUST_CHECK;
enum status au_resources_get(struct call *c, struct error *e) MUST_CHECK;
enum status au_resources_put(struct call *c, struct error *e) MUST_CHECK;
enum status au_resources_users(struct call *c, struct error *e) MUST_CHECK;
enum status au_claims_post(struct call *c, struct error *e) MUST_CHECK;
enum status au_invites_post(struct call *c, struct error *e) MUST_CHECK;
enum status au_invites_get(struct call *c, struct error *e) MUST_CHECK;
enum status au_invites_patch(struct call *c, struct error *e) MUST_CHECK;
enum status au_invites_delete(struct call *c, struct error *e) MUST_CHECK;
enum status au_requests_list(struct call *c, struct error *e) MUST_CHECK;
enum status au_requests_post(struct call *c, struct error *e) MUST_CHECK;
enum status au_requests_get(struct call *c, struct error *e) MUST_CHECK;
enum status au_requests_patch(struct call *c, struct error *e) MUST_CHECK;
enum status au_requests_delete(struct call *c, struct error *e) MUST_CHECK;
enum status au_clients_list(struct call *c, struct error *e) MUST_CHECK;
enum status au_clients_post(struct call *c, struct error *e) MUST_CHECK;
enum status au_clients_get(struct call *c, struct error *e) MUST_CHECK;
enum status au_clients_put(struct call *c, struct error *e) MUST_CHECK;
enum status au_clients_delete(struct call *c, struct error *e) MUST_CHECK;
enum status au_access_keys_post(struct call *c, struct error *e) MUST_CHECK;
enum status au_access_keys_delete(struct call *c, struct error *e) MUST_CHECK;
enum status au_client_configuration(struct call *c, struct error *e) MUST_CHECK;
enum status au_client_jwks(struct call *c, struct error *e) MUST_CHECK;
enum status au_configuration(struct call *c, struct error *e) MUST_CHECK;
enum status au_jwks(struct call *c, struct error *e) MUST_CHECK;
enum status au_tokens_post(struct call *c, struct error *e) MUST_CHECK;
/* 200, OpenID discovery of that issuer, whose keys lie beneath it. */
enum status au_reply_configuration(struct call *c, struct span issuer, struct error *e) MUST_CHECK;
enum status au_unserved(struct call *c, struct error *e) MUST_CHECK;

#endif
