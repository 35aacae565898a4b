/* commands: the functions behind the rows of commands.c; one file a noun. */
#ifndef CHATELAINE_APP_COMMANDS_H
#define CHATELAINE_APP_COMMANDS_H

#include "app/admin.h"

/* cmd_state.c: what works on the state directory, with or without a daemon */
enum cli_exit cmd_init(struct cli *c);
enum cli_exit cmd_check_config(struct cli *c);
enum cli_exit cmd_backup(struct cli *c);
enum cli_exit cmd_restore(struct cli *c);
enum cli_exit cmd_secret_rotate(struct cli *c);
enum cli_exit cmd_migrate(struct cli *c);
/* cmd_version.c */
enum cli_exit cmd_version(struct cli *c);
/* serve.c */
enum cli_exit cmd_serve(struct cli *c);
/* cmd_doctor.c */
enum cli_exit cmd_doctor(struct cli *c);
/* cmd_apps.c */
enum cli_exit cmd_app_create(struct cli *c);
enum cli_exit cmd_app_list(struct cli *c);
enum cli_exit cmd_app_show(struct cli *c);
enum cli_exit cmd_app_rotate(struct cli *c);
enum cli_exit cmd_app_delete(struct cli *c);
enum cli_exit cmd_app_agree(struct cli *c);
enum cli_exit cmd_app_disagree(struct cli *c);
enum cli_exit cmd_app_agreements(struct cli *c);
/* cmd_users.c */
enum cli_exit cmd_user_create(struct cli *c);
enum cli_exit cmd_user_list(struct cli *c);
enum cli_exit cmd_user_passwd(struct cli *c);
enum cli_exit cmd_user_delete(struct cli *c);
enum cli_exit cmd_role_create(struct cli *c);
enum cli_exit cmd_role_list(struct cli *c);
/* cmd_clients.c */
enum cli_exit cmd_client_create(struct cli *c);
enum cli_exit cmd_client_list(struct cli *c);
enum cli_exit cmd_client_show(struct cli *c);
enum cli_exit cmd_client_key(struct cli *c);
enum cli_exit cmd_client_delete(struct cli *c);
/* cmd_access.c */
enum cli_exit cmd_record_create(struct cli *c);
enum cli_exit cmd_record_list(struct cli *c);
enum cli_exit cmd_record_show(struct cli *c);
enum cli_exit cmd_record_delete(struct cli *c);
enum cli_exit cmd_check(struct cli *c);
/* cmd_documents.c */
enum cli_exit cmd_inbox_create(struct cli *c);
enum cli_exit cmd_inbox_list(struct cli *c);
enum cli_exit cmd_document_create(struct cli *c);
enum cli_exit cmd_document_list(struct cli *c);
enum cli_exit cmd_document_show(struct cli *c);
enum cli_exit cmd_document_done(struct cli *c);
enum cli_exit cmd_document_reopen(struct cli *c);
/* cmd_keys.c */
enum cli_exit cmd_key_mint(struct cli *c);
enum cli_exit cmd_key_list(struct cli *c);
enum cli_exit cmd_key_show(struct cli *c);
enum cli_exit cmd_key_rotate(struct cli *c);
enum cli_exit cmd_key_retry(struct cli *c);
enum cli_exit cmd_key_revoke(struct cli *c);
enum cli_exit cmd_key_verify(struct cli *c);
enum cli_exit cmd_link_create(struct cli *c);
/* cmd_sign.c */
enum cli_exit cmd_sign_link(struct cli *c);
enum cli_exit cmd_sign_signature(struct cli *c);
enum cli_exit cmd_sign_standard(struct cli *c);
/* cmd_events.c */
enum cli_exit cmd_events_tail(struct cli *c);
enum cli_exit cmd_events_republish(struct cli *c);
enum cli_exit cmd_audit_verify(struct cli *c);
enum cli_exit cmd_audit_public_key(struct cli *c);

#endif
