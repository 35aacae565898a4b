/*
 * code: an authorization code (RFC 6749 4.1.2), sealed with AES-GCM, so that handing one out writes
 * nothing. Only redeeming it is a row; it is good once, for 60 s.
 */
#ifndef FACADE_CODE_H
#define FACADE_CODE_H

#include <chatelaine/domain_sessions.h>

#define CODE_LIFE_MS (60 * INT64_C(1000))

struct code {
        struct span id; /* 24 hex: what the row of its use is named by */
        struct span client_id, redirect_uri;
        struct span user_id;   /* absent = the client's own */
        struct span challenge; /* PKCE S256 (RFC 7636), absent = none */
        struct span scope;     /* absent = all that the client may */
        struct span chosen_by; /* caller_name of who chose user_id; absent = the client itself */
        int64_t ends_at;
};

/* `c` without id and ends_at; the text into the arena. */
enum status code_make(struct domain *d, const struct code *c, int64_t now_ms, struct arena *a,
                      struct span *ret, struct error *e) MUST_CHECK;
/* INVALID "invalid-grant": not ours, broken, or too old. */
enum status code_open(struct domain *d, struct span text, int64_t now_ms, struct arena *a,
                      struct code *ret, struct error *e) MUST_CHECK;
/* Does the verifier answer the challenge (RFC 7636 4.6)? */
bool code_verifier_fits(struct span challenge, struct span verifier);
/* {redirect_uri}?[state=S&]NAME=value, into the arena; absent at its bound. */
struct span code_redirect(struct arena *a, struct span redirect_uri, struct span state,
                          const char *name, struct span value);

#endif
