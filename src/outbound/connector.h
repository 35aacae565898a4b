/*
 * connector: how one kind of upstream is asked to revoke a token: a table of steps, each with what
 * its answers mean.
 *
 *     static const struct step steps[] = {
 *             {"login",  .is_needed = no_session, build_login,  take_session, login_answers},
 *             {"revoke", NULL,                    build_revoke, NULL,         revoke_answers},
 *             {NULL},
 *     };
 *
 * A kind without steps has no way to revoke. What no row of a table names: 408, 429 and 5xx are
 * tried again, everything else (redirects too) is stuck as "http-N".
 */
#ifndef OUTBOUND_CONNECTOR_H
#define OUTBOUND_CONNECTOR_H

#include "outbound/request.h"

#include <chatelaine/base_config.h>

struct upstream;

enum act {
        ACT_NEXT, /* the next step */
        ACT_REVOKED,
        ACT_GONE,
        ACT_STUCK,
        ACT_RETRY,
        ACT_LOGIN, /* once: forget the session and begin again; the second time it is stuck */
};
struct answer {
        unsigned low, high; /* of HTTP; low 0 ends the table */
        enum act act;
        const char *reason; /* NULL = "http-N" */
};

struct step {
        const char *name; /* NULL ends the table */
        bool (*is_needed)(
                const struct upstream *u); /* NULL = always; else it is a log-in, one at a time */
        /* INVALID: this token cannot be asked for; stuck with the error's slug. */
        enum status (*build)(const struct upstream *u, struct span token, struct request *r,
                             struct error *e);
        enum status (*take)(struct upstream *u, struct span reply,
                            struct error *e); /* may be NULL */
        const struct answer *answers;
};

struct connector {
        const char *kind;
        const struct step *steps;
        /* The credentials, once: may be NULL. INVALID "password-file-invalid". */
        enum status (*open)(struct upstream *u, struct error *e);
};
extern const struct connector contract_fit_connector, airisk_connector, authress_connector,
        oauth2_connector, http_connector;

struct pkey;
/* An upstream as the loop's thread has it. */
struct upstream {
        const struct connector *connector;
        char *name, *url, *username, *ca_file, *method;
        struct config_list headers;
        int64_t concurrency, timeout_ms;
        struct buf password;
        /* authress */
        struct pkey *key;
        struct span client_id, key_id, account_id; /* of `password` */
        /* the loop's */
        struct buf session;  /* what the log-in gave; empty = none */
        unsigned session_no; /* grows with each */
        unsigned n_jobs;
        int64_t resume_at; /* after a log-in that failed: nothing before */
        int64_t login_failures;
};

#endif
