#include "tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>

struct tls {
        pthread_mutex_t lock; /* guards context */
        SSL_CTX *context;
};

static enum status refuse(const char *file, const char *what, struct error *e)
{
        char why[120];
        ERR_error_string_n(ERR_peek_error(), why, sizeof why);
        ERR_clear_error();
        return error_set(e, STATUS_INVALID, "invalid-tls", file, "%s (%s)", what, why);
}

static enum status context_fill(SSL_CTX *ctx, const char *certificate, const char *key,
                                struct error *e)
{
        static const unsigned char name[] = "chatelaine";
        SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
        SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                         SSL_OP_CIPHER_SERVER_PREFERENCE |
                                         SSL_OP_IGNORE_UNEXPECTED_EOF);
        SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
        if (SSL_CTX_set_session_id_context(ctx, name, sizeof name - 1) != 1 ||
            SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1)
                return refuse(certificate, "TLS cannot be set up.", e);
        if (SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1)
                return refuse(certificate, "The certificate cannot be read.", e);
        if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
                return refuse(key, "The key cannot be read, or is not the certificate's.", e);
        if (SSL_CTX_check_private_key(ctx) != 1)
                return refuse(key, "The key is not the certificate's.", e);
        return STATUS_OK;
}

enum status tls_context(const char *certificate, const char *key, SSL_CTX **ret, struct error *e)
{
        ERR_clear_error();
        SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
        if (!ctx)
                return error_no_memory(e);
        enum status s = context_fill(ctx, certificate, key, e);
        if (s != STATUS_OK) {
                SSL_CTX_free(ctx);
                return s;
        }
        *ret = ctx;
        return STATUS_OK;
}

enum status tls_new(SSL_CTX *take_context, struct tls **ret, struct error *e)
{
        struct tls *t = calloc(1, sizeof *t);
        if (!t) {
                SSL_CTX_free(take_context);
                return error_no_memory(e);
        }
        pthread_mutex_init(&t->lock, NULL);
        t->context = take_context;
        *ret = t;
        return STATUS_OK;
}

void tls_free(struct tls *t)
{
        if (!t)
                return;
        SSL_CTX_free(t->context);
        pthread_mutex_destroy(&t->lock);
        free(t);
}

void tls_swap(struct tls *t, SSL_CTX *take_context)
{
        pthread_mutex_lock(&t->lock);
        SSL_CTX *old = t->context;
        t->context = take_context;
        pthread_mutex_unlock(&t->lock);
        SSL_CTX_free(old); /* sessions hold their own reference */
}

SSL *tls_session(struct tls *t)
{
        pthread_mutex_lock(&t->lock);
        SSL *ssl = SSL_new(t->context);
        pthread_mutex_unlock(&t->lock);
        return ssl;
}
