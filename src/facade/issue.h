/*
 * issue: what the faces that hand out tokens share: one request, its client, and the session that
 * it asks for.
 *
 *     handler ─▶ issue_begin ─▶ form, client ─▶ issue_submit ─▶ commit ─▶ answer or refuse
 *
 * The call lives in the request's arena and ends with the reply.
 */
#ifndef FACADE_ISSUE_H
#define FACADE_ISSUE_H

#include "facade/code.h"
#include "facade/form.h"

#include <chatelaine/auth.h>
#include <chatelaine/domain_clients.h>

struct issue {
        struct http_request *req;
        struct request_view view;
        struct auth_loop *loop;
        struct domain *domain;
        struct store_conn *db;
        struct arena *arena;
        struct form form;
        struct principal *who; /* who calls; NULL until it is known */
        const char *issuer;
        const char *action;   /* of the audit event, also of a refusal */
        bool wants_jwt;       /* as configured for /oauth2/token */
        struct error refused; /* what is answered when a replay has been dealt with */
        /* The face's: each replies. */
        void (*answer)(struct issue *i, const struct session_create *made, struct span token);
        void (*refuse)(struct issue *i, const struct error *e);
};

/* NULL: answered (no memory). */
struct issue *issue_begin(struct http_request *req);
/* The client as who calls, by id and secret. 401 "invalid-client". */
enum status issue_client(struct issue *i, struct span id, struct span secret,
                         struct error *e) MUST_CHECK;
/* A refusal on record, then the face's refusal. */
void issue_refuse(struct issue *i, const struct error *e);
/* Completes and submits; takes `c` over in any case. Afterwards nobody touches `i`. */
void issue_submit(struct issue *i, struct session_create *c);
/* Ends a session and what hangs from it; `reply` answers and frees the command. */
enum status issue_end(struct issue *i, struct span id, const char *reason,
                      void (*reply)(struct domain_command *c), struct error *e) MUST_CHECK;
/* A code that came with something that does not fit it is of no more use. */
void issue_burn(struct issue *i, const struct code *code);
/* The session that a code stands for; its id is the code's. */
enum status issue_code_session(struct issue *i, const struct code *code,
                               struct session_create **ret, struct error *e) MUST_CHECK;
/* RFC 6749 3.3: permissions, separated by spaces, each held somewhere by `held`; cuts `c` to them.
 * INVALID "invalid-scope". Absent: no cut. */
enum status issue_scope(struct session_create *c, struct span scope, const struct principal *held,
                        struct error *e) MUST_CHECK;

#endif
