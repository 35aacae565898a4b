#include "app/commands.h"

#define END                                \
        {                                  \
                NULL, CLI_FLAG, NULL, NULL \
        }

static const struct cli_option init_options[] = {
        {"dir", CLI_VALUE, "DIR", "the state directory to make (default /var/lib/chatelaine)"},
        {"password-file", CLI_VALUE, "F",
         "the administrator's password (default: made, and printed once)"},
        END};
static const struct cli_option app_create_options[] = {
        {"slug", CLI_VALUE, "S", "the app's name in headers and addresses"},
        {"name", CLI_VALUE, "N", "for people (default: the slug)"},
        {"algorithm", CLI_VALUE, "A", "HMAC_SHA256, HMAC_SHA512 (default) or ED25519"},
        {"strategy", CLI_VALUE, "T", "JWT (default), SIGNATURE or STANDARD"},
        {"no-agreement", CLI_FLAG, NULL,
         "every user counts as having agreed; all scopes are granted"},
        {"scope", CLI_LIST, "S", "a required scope"},
        {"optional-scope", CLI_LIST, "S", "a scope that a user may agree to"},
        {"key-file", CLI_VALUE, "F",
         "bring a key: hex, whsec_..., or a PEM public key for ED25519"},
        END};
static const struct cli_option app_rotate_options[] = {
        {"grace", CLI_VALUE, "2m", "how long the old key still works (at most 7d)"},
        {"key-file", CLI_VALUE, "F", "bring the new key"},
        END};
static const struct cli_option agree_options[] = {
        {"user", CLI_VALUE, "NUMBER", "the user's number"},
        {"optional-scope", CLI_LIST, "S", "an optional scope that the user grants"},
        END};
static const struct cli_option user_number_options[] = {
        {"user", CLI_VALUE, "NUMBER", "the user's number"}, END};
static const struct cli_option user_create_options[] = {
        {"password-file", CLI_VALUE, "F", "the password (default: none, no log-in with one)"},
        {"role", CLI_LIST, "R[@URI]", "a role, everywhere or on a resource"},
        END};
static const struct cli_option passwd_options[] = {
        {"password-file", CLI_VALUE, "F", "the new password (default: standard input)"}, END};
static const struct cli_option role_create_options[] = {
        {"permission", CLI_LIST, "P", "for example documents:read"}, END};
static const struct cli_option name_options[] = {{"name", CLI_VALUE, "N", "its name"}, END};
static const struct cli_option document_create_options[] = {
        {"inbox", CLI_VALUE, "NAME-OR-ID", "the inbox that it lies in"},
        {"name", CLI_VALUE, "N", "its name"},
        {"id", CLI_VALUE, "ID", "its id (default: made, 24 hex)"},
        END};
static const struct cli_option document_list_options[] = {
        {"inbox", CLI_VALUE, "NAME-OR-ID", "only this inbox's"}, END};
static const struct cli_option key_mint_options[] = {
        {"user", CLI_VALUE, "U", "whose key: id or name"},
        {"name", CLI_VALUE, "N", "for people"},
        {"app", CLI_VALUE, "S", "the app that it is for"},
        {"role", CLI_LIST, "R@URI", "a grant: a role on a resource"},
        {"resource", CLI_LIST, "URI", "a resource that the key is bound to"},
        {"expires-in", CLI_VALUE, "15m", "its life"},
        {"expires-at", CLI_VALUE, "T", "its end, RFC 3339"},
        {"upstream", CLI_VALUE, "NAME", "the upstream where a token is revoked when the key ends"},
        {"upstream-token-file", CLI_VALUE, "F", "that token; \"-\" is standard input"},
        END};
static const struct cli_option key_list_options[] = {
        {"user", CLI_VALUE, "U", "id or name"},
        {"resource", CLI_VALUE, "URI", "bound to it or to what lies beneath"},
        {"app", CLI_VALUE, "S", "the app that they are for"},
        {"state", CLI_VALUE, "S", "active, rotating, suspended, expired or revoked"},
        {"upstream-state", CLI_VALUE, "STATE",
         "none, pending, revoked, already_gone, stuck or not_revocable"},
        {"expires-before", CLI_VALUE, "T", "RFC 3339"},
        END};
static const struct cli_option client_key_options[] = {
        {"access", CLI_FLAG, NULL,
         "an access key for Authress's SDKs, beside those that are there"},
        {"public-key", CLI_VALUE, "F", "access: bring this Ed25519 public key (PEM or base64)"},
        {"expires-in", CLI_VALUE, "T", "access: a duration (default: the longest life)"},
        {"expires-at", CLI_VALUE, "T", "access: an RFC 3339 time"},
        {"resource", CLI_LIST, "URI", "access: bind it to this; may repeat"},
        {"replaces", CLI_VALUE, "KID", "access: follow this one, which goes on for --grace"},
        {"grace", CLI_VALUE, "T", "access: how long (default keys.grace)"},
        END};
static const struct cli_option client_delete_options[] = {
        {"key", CLI_VALUE, "KID", "only this access key"}, END};
static const struct cli_option client_create_options[] = {
        {"name", CLI_VALUE, "N", "what people call it"},
        {"redirect-uri", CLI_LIST, "U", "where a code may be sent; repeat for more"},
        {"permission", CLI_LIST, "P[@URI]", "may do this, on this (default: on everything)"},
        {"role", CLI_LIST, "R[@URI]", "may do all that the role may"},
        END};
static const struct cli_option record_create_options[] = {
        {"name", CLI_VALUE, "N", "what people call it"},
        {"id", CLI_VALUE, "ID", "its id (default: made)"},
        {"user", CLI_LIST, "U", "who: a user's or client's id, or another issuer's sub"},
        {"group", CLI_LIST, "G", "which group"},
        {"admin", CLI_LIST, "U", "who may change the record"},
        {"role", CLI_LIST, "R@URI", "holds this role on this resource; repeat for more"},
        END};
static const struct cli_option record_list_options[] = {
        {"filter", CLI_VALUE, "TEXT", "a part of any of its texts"},
        {"deleted", CLI_FLAG, NULL, "those that were deleted"},
        END};
static const struct cli_option check_options[] = {
        {"explain", CLI_FLAG, NULL, "say which record's statement allows it"}, END};
static const struct cli_option grace_options[] = {
        {"grace", CLI_VALUE, "2m", "how long the old one still works"}, END};
static const struct cli_option key_revoke_options[] = {
        {"user", CLI_VALUE, "U", "all keys of this user"},
        {"resource", CLI_VALUE, "URI", "all keys bound to it or to what lies beneath"},
        {"app", CLI_VALUE, "S", "all keys for this app"},
        END};
static const struct cli_option link_create_options[] = {
        {"inbox", CLI_VALUE, "NAME-OR-ID", "the inbox that the document lies in"},
        {"document", CLI_VALUE, "ID", "the document"},
        {"user", CLI_VALUE, "U", "who reviews: id or name"},
        {"expires-in", CLI_VALUE, "1h", "the link's life (default: keys.default_life)"},
        END};
static const struct cli_option key_verify_options[] = {
        {"permission", CLI_VALUE, "P", "may it do this"},
        {"resource", CLI_VALUE, "URI", "on this"},
        END};
static const struct cli_option sign_options[] = {
        {"app", CLI_VALUE, "S", "the app's slug"},
        {"key-file", CLI_VALUE, "F", "its key: hex, whsec_..., or a PEM private key (ED25519)"},
        {"algorithm", CLI_VALUE, "A",
         "HMAC_SHA512 (default), HMAC_SHA256 (standard: always) or ED25519 (a PEM key: always)"},
        {"audience", CLI_VALUE, "NAME", "link: the receiver's app_name (default chatelaine)"},
        {"sub", CLI_VALUE, "N", "link: the user's number"},
        {"method", CLI_VALUE, "M", "signature: the request's method (default POST)"},
        {"body", CLI_VALUE, "F", "signature, standard: the request's body (- = standard input)"},
        END};
static const struct cli_option tail_options[] = {
        {"topic", CLI_VALUE, "T", "webhooks, keys or audit"},
        {"from", CLI_VALUE, "SEQ", "begin with this sequence (default: the oldest kept)"},
        {"follow", CLI_FLAG, NULL, "go on as new events come"},
        END};
static const struct cli_option republish_options[] = {
        {"from", CLI_VALUE, "SEQ", "the first"},
        {"to", CLI_VALUE, "SEQ", "the last (default: the newest)"},
        END};
static const struct cli_option verify_options[] = {
        {"from", CLI_VALUE, "SEQ", "begin with this sequence (default: the oldest kept)"},
        {"offline", CLI_FLAG, NULL, "read the database itself, no daemon needed"},
        {"public-key", CLI_VALUE, "F", "offline: the public key (PEM) that you kept"},
        {"checkpoints", CLI_VALUE, "F", "offline: checkpoint events that you kept, one a line"},
        END};
static const struct cli_option restore_options[] = {
        {"dir", CLI_VALUE, "DIR", "the state directory that it goes to"}, END};

const struct cli_command cli_commands[] = {
        {"init", "", 0, 0, init_options,
         "make a state directory: configuration, database, secret file, administrator", cmd_init},
        {"serve", "", 0, 0, NULL, "run the daemon", cmd_serve},
        {"check-config", "[FILE]", 0, 1, NULL, "read a configuration as serve would",
         cmd_check_config},

        {"app create", "", 0, 0, app_create_options,
         "make a third-party app; prints its secret once", cmd_app_create},
        {"app list", "", 0, 0, NULL, "all apps", cmd_app_list},
        {"app show", "SLUG", 1, 1, NULL, "one app", cmd_app_show},
        {"app rotate", "SLUG", 1, 1, app_rotate_options, "give an app a new key; prints it once",
         cmd_app_rotate},
        {"app delete", "SLUG", 1, 1, NULL, "remove an app", cmd_app_delete},
        {"app agree", "SLUG", 1, 1, agree_options, "record that a user agrees to an app",
         cmd_app_agree},
        {"app disagree", "SLUG", 1, 1, user_number_options, "take a user's agreement back",
         cmd_app_disagree},
        {"app agreements", "SLUG", 1, 1, NULL, "who agreed to what", cmd_app_agreements},

        {"user create", "NAME", 1, 1, user_create_options, "make a user", cmd_user_create},
        {"user list", "", 0, 0, NULL, "all users", cmd_user_list},
        {"user passwd", "NAME", 1, 1, passwd_options, "set a password", cmd_user_passwd},
        {"user delete", "NAME", 1, 1, NULL, "remove a user; the user's keys are revoked",
         cmd_user_delete},
        {"role create", "NAME", 1, 1, role_create_options, "make a role", cmd_role_create},
        {"role list", "", 0, 0, NULL, "all roles", cmd_role_list},

        {"client create", "", 0, 0, client_create_options,
         "make a service client; prints its secret once", cmd_client_create},
        {"client list", "", 0, 0, NULL, "all service clients", cmd_client_list},
        {"client show", "ID", 1, 1, NULL, "one service client", cmd_client_show},
        {"client key", "ID", 1, 1, client_key_options,
         "a new secret in the place of the old one, or an access key; prints it once",
         cmd_client_key},
        {"client delete", "ID", 1, 1, client_delete_options,
         "remove a service client; its tokens, access keys and the keys that it minted end",
         cmd_client_delete},

        {"record create", "", 0, 0, record_create_options,
         "give users or groups roles on resources", cmd_record_create},
        {"record list", "", 0, 0, record_list_options, "access records", cmd_record_list},
        {"record show", "ID", 1, 1, NULL, "one access record", cmd_record_show},
        {"record delete", "ID", 1, 1, NULL, "take away what a record gives", cmd_record_delete},
        {"check", "USER PERMISSION RESOURCE", 3, 3, check_options,
         "may this user do this with this; exit status 1 when not", cmd_check},

        {"inbox create", "", 0, 0, name_options, "make an inbox", cmd_inbox_create},
        {"inbox list", "", 0, 0, NULL, "all inboxes", cmd_inbox_list},
        {"document create", "", 0, 0, document_create_options, "make a document's row",
         cmd_document_create},
        {"document list", "", 0, 0, document_list_options, "all documents", cmd_document_list},
        {"document show", "ID", 1, 1, NULL, "one document", cmd_document_show},
        {"document done", "ID", 1, 1, NULL, "mark as done: revokes all keys bound to it",
         cmd_document_done},
        {"document reopen", "ID", 1, 1, NULL, "lift the tombstone that done left",
         cmd_document_reopen},

        {"key mint", "", 0, 0, key_mint_options, "make a key; prints it once", cmd_key_mint},
        {"key list", "", 0, 0, key_list_options, "keys that match", cmd_key_list},
        {"key show", "ID", 1, 1, NULL, "one key", cmd_key_show},
        {"key rotate", "ID", 1, 1, grace_options, "make a key's successor; prints it once",
         cmd_key_rotate},
        {"key retry", "ID", 1, 1, NULL, "try again at once to revoke an ended key's token upstream",
         cmd_key_retry},
        {"key revoke", "[ID...]", 0, 1000, key_revoke_options, "revoke keys, in one transaction",
         cmd_key_revoke},
        {"key verify", "", 0, 0, key_verify_options,
         "is the key on standard input valid; exit status 1 when not", cmd_key_verify},
        {"link create", "", 0, 0, link_create_options,
         "print a link that lets a user review one document", cmd_link_create},

        {"sign link", "", 0, 0, sign_options, "print the header of a Link (JWT) request",
         cmd_sign_link},
        {"sign signature", "", 0, 0, sign_options, "print the header of a Signature request",
         cmd_sign_signature},
        {"sign standard", "", 0, 0, sign_options,
         "print the headers of a Standard Webhooks request", cmd_sign_standard},

        {"events tail", "", 0, 0, tail_options, "the journal, one CloudEvent a line",
         cmd_events_tail},
        {"events republish", "", 0, 0, republish_options, "publish again under the same ids",
         cmd_events_republish},
        {"audit verify", "", 0, 0, verify_options, "check the chain and its signed checkpoints",
         cmd_audit_verify},
        {"audit public-key", "", 0, 0, NULL, "the key that checkpoints are verified with (PEM)",
         cmd_audit_public_key},

        {"backup", "FILE", 1, 1, NULL, "a consistent copy of the running database", cmd_backup},
        {"restore", "FILE", 1, 1, restore_options, "put a backup into a state directory",
         cmd_restore},
        {"secret rotate", "", 0, 0, NULL, "new pepper and sealing keys; old ones still verify",
         cmd_secret_rotate},
        {"migrate", "", 0, 0, NULL, "carry the database's schema forward", cmd_migrate},
        {"doctor", "", 0, 0, NULL, "a health report that says what to do", cmd_doctor},
        {"version", "", 0, 0, NULL, "versions of the program and its libraries", cmd_version},
        {NULL, NULL, 0, 0, NULL, NULL, NULL},
};
