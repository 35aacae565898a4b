/*
 * header: an app's Authorization header, as linked-services writes it.
 *
 *     Link App=<slug>,Token=<jwt>
 *     Signature App=<slug>,Nonce=<hex mac>,SignedHeaders=<h1;h2>,Date=<ISO 8601>
 *
 * The scheme's case counts, one space follows it. Parts are split at ",", then
 * at "=", of which each has exactly one; they come in any order, of a repeated
 * name the last counts, and no space is cut off.
 */
#ifndef CHATELAINE_AUTH_HEADER_H
#define CHATELAINE_AUTH_HEADER_H

#include <chatelaine/base_request.h>

enum app_scheme { APP_SCHEME_LINK, APP_SCHEME_SIGNATURE };
struct app_header {
        enum app_scheme scheme;
        struct span app;
        struct span token;                       /* Link */
        struct span nonce, signed_headers, date; /* Signature */
};

/*
 * The spans point into `value`. DENIED (401) "unknown-auth-schema",
 * "authorization-header-malformed", "authorization-header-bad-schema" (other parts than the
 * scheme's).
 */
enum status app_header_parse(struct span value, struct app_header *ret, struct error *e) MUST_CHECK;
/*
 * The request's one. Also "no-authorization-header"; two of them are malformed; an API key beside
 * it is INVALID "ambiguous-credentials".
 */
enum status app_header_read(const struct request_view *req, struct app_header *ret,
                            struct error *e) MUST_CHECK;

#endif
