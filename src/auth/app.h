/*
 * app: what the three schemes of apps share. Each scheme's check fills `app`, whose row is there,
 * in the order of its column in facts' error table; nothing is to be used unless it says OK, but
 * `who`: the app once its credential holds.
 */
#ifndef CHATELAINE_AUTH_APP_H
#define CHATELAINE_AUTH_APP_H

#include "auth/app_keys.h"
#include "auth/header.h"
#include "auth/state.h"

enum status link_check(struct auth_loop *l, const struct request_view *req,
                       const struct app_header *h, const char *scope, struct auth_app *app,
                       struct caller *who, struct error *e) MUST_CHECK;
enum status signature_check(struct auth_loop *l, const struct request_view *req,
                            const struct app_header *h, const char *scope, struct auth_app *app,
                            struct caller *who, struct error *e) MUST_CHECK;

/* The app's row as it is now; "app-not-found". */
enum status app_row_of(struct auth_loop *l, const struct request_view *req, struct span slug,
                       struct app_row *ret, struct error *e) MUST_CHECK;
/* The app as a command's caller. */
void app_caller(const struct app_row *app, struct caller *ret);
/* The keys that count at now_ms. */
enum status app_live_keys(struct auth_loop *l, const struct app_row *app, int64_t now_ms,
                          struct app_live ret[APP_LIVE_MAX], size_t *ret_n,
                          struct error *e) MUST_CHECK;
/* Fills app->scopes; "agreement-not-accepted", "forbidden-scope". */
enum status app_scope_check(struct auth_loop *l, const struct request_view *req, const char *scope,
                            struct auth_app *app, struct error *e) MUST_CHECK;
/* DENIED (401) with the text that linked-services gives for this slug. */
enum status app_refuse(struct error *e, const char *slug);
/* No key that counts has signed this: "wrong-app-token"; "wrong-legacy-app-token" where an old one
 * was tried too. */
enum status app_refuse_key(struct error *e, size_t n_tried);
/* The token's life is over: answered as "wrong-app-token", on record as "expired". */
enum status app_refuse_expired(struct error *e);

#endif
