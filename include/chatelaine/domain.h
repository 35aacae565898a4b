/*
 * domain: what every noun of this room shares: the process's environment, the
 * settings snapshot, who calls, the audit record, and the command that carries them.
 *
 *   struct domain      one a process: store, ledger, secrets, the current settings
 *   struct settings    a configuration and what is made from it; immutable, counted
 *   struct caller      who sent a command, as the ledger looks at it again
 *   struct audit       what the audit event of a command says
 *   struct domain_command   a ledger command with all of these and an arena
 *
 * A facade or API handler fills a command completely (parsed, validated,
 * authorised), then domain_submit(); its reply() is called on the request's loop.
 *
 *     struct key_mint *c;
 *     TRY(key_mint_new(d, settings, &c, err));            // a domain_command comes first in it
 *     c->base.audit = ...; c->base.caller = principal->caller; c->base.reply = on_minted;
 * c->base.context = req; status = domain_submit(d, &c->base, http_mailbox(req), err);   // not OK:
 * still ours, free it
 */
#ifndef CHATELAINE_DOMAIN_H
#define CHATELAINE_DOMAIN_H

#include <chatelaine/base_clock.h>
#include <chatelaine/base_config.h>
#include <chatelaine/codec_secrets.h>
#include <chatelaine/ledger.h>

struct rules;
struct settings {
        struct config *config; /* owned */
        struct rules *rules;   /* owned; compiled from config */
        int refs;              /* atomic */
};
/* Takes `config` over, also on failure. INVALID with where = file:line of a rule that cannot be. */
enum status settings_new(struct config *take_config, struct settings **ret,
                         struct error *e) MUST_CHECK;
struct settings *settings_ref(struct settings *s);
void settings_unref(struct settings *s);

struct domain;
/* store and secrets are borrowed and outlive the domain; the settings are taken over, also on
 * failure. */
struct domain_options {
        struct store *store;
        struct secrets *secrets;
        struct settings *take_settings;
};
enum status domain_new(const struct domain_options *o, struct domain **ret,
                       struct error *e) MUST_CHECK;
void domain_free(struct domain *d);
void domain_set_ledger(
        struct domain *d,
        struct ledger *l); /* once, before threads start; ledger_options.env is the domain */
struct ledger *domain_ledger(struct domain *d);
struct store *domain_store(struct domain *d);
/* Less than limits.min_free_disk is left: whatever face a request came by, domain_submit takes only
 * what takes rights away (is_revocation), else RETRY (503) "disk-full". Any thread. */
void domain_set_disk_low(struct domain *d, bool is_low);
bool domain_is_disk_low(const struct domain *d);
/* The secret ring; versions are only ever added to it, so a pointer stays good until domain_free.
 */
const struct secrets *domain_secrets(const struct domain *d);
/* Take what the secret file has got since (`secret rotate`, SIGHUP); see secrets_reload. Any
 * thread. */
enum status domain_reload_secrets(struct domain *d, const char *path, struct error *e) MUST_CHECK;
/* The current snapshot, counted: unref it. Any thread. */
struct settings *domain_settings(struct domain *d);
void domain_set_settings(struct domain *d, struct settings *take_s); /* SIGHUP */
/* Called (any thread, after the commit; see domain_command.due_ms) when something has become due
 * earlier, perhaps, than known: the scheduler. `fn` must not wait; NULL takes it away, and returns
 * when it runs no more. */
void domain_on_due(struct domain *d, void (*fn)(void *ctx, int64_t due_ms), void *ctx);
void domain_due(struct domain *d, int64_t due_ms);
/*
 * How often rows that callers are judged by may have changed: apps, keys, clients, users, sessions,
 * and all that says what they may. It grows after the commit and before the answer: a row that was
 * read under one count may be used again while the count is the same, and no acknowledged change is
 * ever missed. Read it before the row, and before the snapshot that the row is read from; what the
 * clock decides (dates) is not in it, and is looked at each time.
 */
uint64_t domain_generation(const struct domain *d);
/* ledger_options.durable. */
void domain_committed(const void *env);
static inline struct domain *tx_domain(const struct ledger_tx *tx)
{
        return (struct domain *)(uintptr_t)tx->env;
}

/* ---- who ---- */
enum caller_kind {
        CALLER_NOBODY,
        CALLER_UNIX,
        CALLER_USER,
        CALLER_KEY,
        CALLER_APP,
        CALLER_CLIENT,
        CALLER_SESSION,
        CALLER_JOB,
        CALLER_TRUSTED /* a user of another issuer (domain_trust.h) */
};
const char *caller_kind_name(
        enum caller_kind k); /* "nobody", "unix", "user", ... as in audit events */
#define CALLER_ID_SIZE 104
struct caller {
        enum caller_kind kind;
        char id[CALLER_ID_SIZE]; /* public id: user id, key id, app slug, client id; unix: the uid;
                                    job: its name; trusted: the token's sub */
        char user_id[CALLER_ID_SIZE];      /* whose rights these are; "" = none */
        char on_behalf_of[CALLER_ID_SIZE]; /* user id that an impersonator acts as; "" = none */
        char chosen_by[112]; /* CALLER_SESSION: the name of who chose on_behalf_of for the
                                client; "" = nobody */
        char origin[112];    /* CALLER_SESSION: who acts, "clients/ID", "keys/ID", "users/ID";
                                CALLER_TRUSTED: the issuer's name in the configuration */
        char key_id[32]; /* CALLER_SESSION: the key that it comes from; what it mints is that key's
                            child. CALLER_CLIENT: the access key that it came with; what it mints
                            is the client's. "" = none */
        int64_t app_id;  /* CALLER_APP */
        int64_t app_version; /* the row's version that the credential was checked against */
        int64_t ends_at;     /* CALLER_TRUSTED: the token's exp */
        int64_t password_at; /* CALLER_USER: when the password was set that was checked; 0 = none */
};
/* "users/ID", "keys/ID", "apps/SLUG", "clients/ID", "unix", "jobs/NAME": for minted_by, done_by. A
 * session: who opened it. */
#define CALLER_NAME_SIZE 112
void caller_name(const struct caller *c, char out[CALLER_NAME_SIZE]);
/* In the transaction: is the caller still who it was (key alive, user active with the
 * same password, app there and unchanged)? DENIED (401) "credential-ended"; RETRY
 * "credential-changed": the app was changed meanwhile. */
enum status caller_check(struct ledger_tx *tx, const struct caller *c, struct error *e) MUST_CHECK;

/* ---- audit ---- */
struct audit {
        const char *action;      /* literal: "key.mint", "webhook.ingest", "document.done" */
        const char *target_kind; /* literal: "key"; NULL = none */
        char target_id[280];
        bool has_request;
        char request_id[64], ip[48], method[8], route[96], user_agent[128], traceparent[56];
        int64_t count; /* -1 = not said */
};
/* Append the audit event of `caller`. outcome from status: OK success, DENIED denied, others
 * failed; reason = error's slug (NULL when OK). */
enum status audit_append(struct ledger_tx *tx, const struct caller *caller, const struct audit *a,
                         const struct error *outcome, struct error *e) MUST_CHECK;
struct request_view;
/* What an audit event says of the request: all but action, target and count (-1). */
void audit_request(struct audit *a, const struct request_view *req);
/* A target's id, cut at its field's size; absent = "": nothing that could be looked for (null in
 * the event). */
void audit_target(struct audit *a, struct span id);
/* Does what a request was answered go on record? A refusal of rights or of rate in any case,
 * whatever else went wrong where the request was to change something. */
bool refusal_is_due(const struct error *why, bool is_change);
/*
 * A refusal on record. A caller who is somebody: an event of its own, submitted
 * and not waited for. Nobody, or
 * whoever is told to come again (RETRY): counted by reason and address block (/24, /48), written
 * once a minute by refusals_flush (scheduler). Both bounded: 1,024 blocks a minute, the rest
 * counted as "other".
 */
void refusal_note(struct domain *d, const struct caller *caller, const struct audit *a,
                  const struct error *why);
/* Append what nobodies were refused since the last flush; a command of the scheduler. Nothing to
 * say: no row. */
enum status refusals_flush(struct ledger_tx *tx, struct error *e) MUST_CHECK;
/* After the command of refusals_flush is back: what it wrote is done with, or, when it was not
 * committed, counted again. */
void refusals_flushed(struct domain *d, bool is_committed);

/* ---- commands ---- */
struct domain_command {
        struct command base;
        struct domain *domain;
        struct settings *settings; /* counted; may be NULL */
        struct caller caller;
        struct audit audit;
        bool makes_target;   /* the audit's target is what this makes: named only where it did */
        bool is_caller_safe; /* run changes no row of domain_generation, or calls callers_forget */
        struct arena arena;  /* all that the command points to */
        void *context;       /* the submitter's */
        int64_t due_ms; /* run: the earliest due date that it made (a key's, a grace's); told by
                           domain_due after the commit. INT64_MAX = none */
        /* Ledger's thread: caller_check has passed. */
        enum status (*run)(struct ledger_tx *tx, struct domain_command *c, struct error *e);
        void (*reply)(struct domain_command
                              *c); /* the submitter's loop; owns c from here: domain_command_free */
        /* NULL, or what needs all fields and has no place in a transaction (checks, sealing): on
         * the submitter's thread, by domain_submit and domain_run; again after a failure. */
        enum status (*prepare)(struct domain_command *c, struct error *e);
        void (*fini)(
                struct domain_command *c); /* NULL, or wipes what is secret before the arena goes */
};
/* `size` >= sizeof(struct domain_command), zeroed. */
enum status domain_command_new(struct domain *d, struct settings *s, size_t size,
                               size_t arena_bytes_max, void *ret_command,
                               struct error *e) MUST_CHECK;
void domain_command_free(struct domain_command *c);
/* Audited with c->audit (unless action is NULL), replied on `reply_to`. On failure the command
 * stays the caller's. RETRY "disk-full": see domain_set_disk_low. */
enum status domain_submit(struct domain_command *c, struct mailbox *reply_to,
                          struct error *e) MUST_CHECK;
/* The same and wait; for threads without a loop. The command stays the caller's; its status is
 * returned. */
enum status domain_run(struct domain_command *c, struct error *e) MUST_CHECK;

/* Pages: rows after an opaque cursor. limit 1..1000. */
struct page {
        unsigned limit;
        struct span cursor;
};
/* Cursors are base64url of a row's position; INVALID "invalid-cursor". */
enum status cursor_read_int(struct span cursor, int64_t *ret,
                            struct error *e) MUST_CHECK; /* absent: 0 */
enum status cursor_read_text(struct span cursor, struct arena *a, const char **ret,
                             struct error *e) MUST_CHECK; /* absent: "" */
void cursor_write_int(struct buf *out, int64_t position);
void cursor_write_text(struct buf *out, struct span position);

#endif
