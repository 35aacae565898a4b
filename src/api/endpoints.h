/* endpoints: every serve function of the table in routes.c, by its file. */
#ifndef API_ENDPOINTS_H
#define API_ENDPOINTS_H

#include "api/call.h"

/* webhooks_in.c */
enum status webhooks_post(struct call *c, struct error *e) MUST_CHECK;
enum status webhooks_post_standard(struct call *c, struct error *e) MUST_CHECK;
/* webhooks.c */
enum status webhooks_list(struct call *c, struct error *e) MUST_CHECK;
enum status webhooks_get(struct call *c, struct error *e) MUST_CHECK;
enum status webhooks_replay(struct call *c, struct error *e) MUST_CHECK;
/* links.c */
enum status links_post(struct call *c, struct error *e) MUST_CHECK;
/* keys_mint.c */
enum status keys_mint(struct call *c, struct error *e) MUST_CHECK;
enum status keys_rotate(struct call *c, struct error *e) MUST_CHECK;
enum status keys_retry(struct call *c, struct error *e) MUST_CHECK;
/* keys.c */
enum status keys_list(struct call *c, struct error *e) MUST_CHECK;
enum status keys_get(struct call *c, struct error *e) MUST_CHECK;
enum status keys_patch(struct call *c, struct error *e) MUST_CHECK;
enum status keys_delete(struct call *c, struct error *e) MUST_CHECK;
enum status keys_revoke(struct call *c, struct error *e) MUST_CHECK;
enum status keys_verify(struct call *c, struct error *e) MUST_CHECK;
/* documents.c */
enum status inboxes_list(struct call *c, struct error *e) MUST_CHECK;
enum status inboxes_post(struct call *c, struct error *e) MUST_CHECK;
enum status documents_list(struct call *c, struct error *e) MUST_CHECK;
enum status documents_post(struct call *c, struct error *e) MUST_CHECK;
enum status documents_get(struct call *c, struct error *e) MUST_CHECK;
enum status documents_done(struct call *c, struct error *e) MUST_CHECK;
enum status documents_reopen(struct call *c, struct error *e) MUST_CHECK;
/* apps.c */
enum status apps_list(struct call *c, struct error *e) MUST_CHECK;
enum status apps_post(struct call *c, struct error *e) MUST_CHECK;
enum status apps_get(struct call *c, struct error *e) MUST_CHECK;
enum status apps_patch(struct call *c, struct error *e) MUST_CHECK;
enum status apps_delete(struct call *c, struct error *e) MUST_CHECK;
enum status apps_rotate(struct call *c, struct error *e) MUST_CHECK;
/* agreements.c */
enum status agreements_list(struct call *c, struct error *e) MUST_CHECK;
enum status agreements_post(struct call *c, struct error *e) MUST_CHECK;
enum status agreements_delete(struct call *c, struct error *e) MUST_CHECK;
/* users.c */
enum status users_list(struct call *c, struct error *e) MUST_CHECK;
enum status users_post(struct call *c, struct error *e) MUST_CHECK;
enum status users_get(struct call *c, struct error *e) MUST_CHECK;
enum status users_patch(struct call *c, struct error *e) MUST_CHECK;
enum status users_delete(struct call *c, struct error *e) MUST_CHECK;
/* clients.c */
enum status clients_list(struct call *c, struct error *e) MUST_CHECK;
enum status clients_post(struct call *c, struct error *e) MUST_CHECK;
enum status clients_get(struct call *c, struct error *e) MUST_CHECK;
enum status clients_key(struct call *c, struct error *e) MUST_CHECK;
enum status clients_delete(struct call *c, struct error *e) MUST_CHECK;
/* roles.c */
enum status roles_list(struct call *c, struct error *e) MUST_CHECK;
enum status roles_post(struct call *c, struct error *e) MUST_CHECK;
enum status roles_get(struct call *c, struct error *e) MUST_CHECK;
/* events.c */
enum status events_get(struct call *c, struct error *e) MUST_CHECK;
/* health.c */
enum status health_alive(struct call *c, struct error *e) MUST_CHECK;
enum status health_ready(struct call *c, struct error *e) MUST_CHECK;
enum status health_metrics(struct call *c, struct error *e) MUST_CHECK;
/* admin.c: the admin socket's */
enum status admin_backup(struct call *c, struct error *e) MUST_CHECK;
enum status admin_rotate_secrets(struct call *c, struct error *e) MUST_CHECK;
enum status admin_republish(struct call *c, struct error *e) MUST_CHECK;
enum status admin_audit_verify(struct call *c, struct error *e) MUST_CHECK;
enum status admin_audit_key(struct call *c, struct error *e) MUST_CHECK;
enum status admin_routes(struct call *c, struct error *e) MUST_CHECK;

#endif
