/*
 * tls: a listener's certificate, swapped on reload for new connections.
 *
 * TLS 1.2 and 1.3, no renegotiation, no compression. Sessions resume by
 * tickets across loops, since all loops share the context.
 *
 * Thread: tls_session from any loop; tls_load and tls_free on the main thread.
 */
#ifndef HTTP_TLS_H
#define HTTP_TLS_H

#include <chatelaine/base_status.h>
#include <openssl/types.h>

struct tls;

/* PEM files: the certificate with its chain, and its key. INVALID with where = the file that cannot
 * be used. */
enum status tls_context(const char *certificate, const char *key, SSL_CTX **ret,
                        struct error *e) MUST_CHECK;
/* Takes the context. */
enum status tls_new(SSL_CTX *take_context, struct tls **ret, struct error *e) MUST_CHECK;
void tls_free(struct tls *t);
/* New connections use this one from now on. */
void tls_swap(struct tls *t, SSL_CTX *take_context);
/* A server-side session; NULL when memory is short. */
SSL *tls_session(struct tls *t);

#endif
