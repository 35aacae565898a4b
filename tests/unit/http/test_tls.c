/* TLS: versions, resumption, refusals that arrive, new certificates on reload. */
#include "rig.h"
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

static struct rig rig;
static char dir[64], cert_path[96], key_path[96];

/* A self-signed certificate with this common name. */
static void make_certificate(const char *name)
{
        EVP_PKEY *key = EVP_EC_gen("P-256");
        X509 *cert = X509_new();
        X509_set_version(cert, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
        X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
        X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
        X509_NAME *subject = X509_get_subject_name(cert);
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1,
                                   0);
        X509_set_issuer_name(cert, subject);
        X509_set_pubkey(cert, key);
        assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
        FILE *f = fopen(cert_path, "w");
        assert_int_equal(PEM_write_X509(f, cert), 1);
        fclose(f);
        f = fopen(key_path, "w");
        assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
        fclose(f);
        X509_free(cert);
        EVP_PKEY_free(key);
}

struct client {
        SSL_CTX *ctx;
        SSL *ssl;
        int fd;
};

static bool client_dial(struct client *c, SSL_SESSION *resume, int max_version)
{
        struct timeval limit = {.tv_sec = RIG_WAIT_MS / 1000};
        c->fd = rig_dial(&rig);
        setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        c->ctx = SSL_CTX_new(TLS_client_method());
        if (max_version) {
                SSL_CTX_set_min_proto_version(c->ctx, 0);
                SSL_CTX_set_max_proto_version(c->ctx, max_version);
                SSL_CTX_set_cipher_list(c->ctx, "DEFAULT:@SECLEVEL=0");
        }
        c->ssl = SSL_new(c->ctx);
        SSL_set_fd(c->ssl, c->fd);
        if (resume)
                SSL_set_session(c->ssl, resume);
        return SSL_connect(c->ssl) == 1;
}

static void client_close(struct client *c)
{
        SSL_set_shutdown(c->ssl,
                         SSL_SENT_SHUTDOWN |
                                 SSL_RECEIVED_SHUTDOWN); /* or its session would not resume */
        SSL_free(c->ssl);
        SSL_CTX_free(c->ctx);
        close(c->fd);
        ERR_clear_error();
}

/* All until `needle`, or until the server closes (needle NULL). */
static void client_hear(struct client *c, const char *needle, char *text, size_t size)
{
        size_t n = 0;
        text[0] = '\0';
        while (n < size - 1 && !(needle && strstr(text, needle))) {
                int got = SSL_read(c->ssl, text + n, (int)(size - 1 - n));
                if (got <= 0)
                        break;
                n += (size_t)got;
                text[n] = '\0';
        }
        if (needle)
                assert_has(text, needle);
}

static void client_say(struct client *c, const char *text)
{
        assert_int_equal(SSL_write(c->ssl, text, (int)strlen(text)), (int)strlen(text));
}

static void peer_name(struct client *c, char *name, size_t size)
{
        X509 *cert = SSL_get1_peer_certificate(c->ssl);
        assert_non_null(cert);
        X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name, (int)size);
        X509_free(cert);
}

static void test_requests_over_tls(void **state)
{
        (void)state;
        char text[4096];
        const int versions[] = {TLS1_3_VERSION, TLS1_2_VERSION};
        for (int i = 0; i < 2; i++) {
                struct client c;
                assert_true(client_dial(&c, NULL, versions[i]));
                assert_int_equal(SSL_version(c.ssl), versions[i]);
                for (int k = 0; k < 3; k++) {
                        client_say(&c, GET("/v1/things/abc"));
                        client_hear(&c, "\r\n\r\nabc", text, sizeof text);
                }
                client_say(&c, GET("/v1/things/x") GET("/v1/things/yy"));
                client_hear(&c, "\r\n\r\nyy", text, sizeof text);
                client_close(&c);
        }
        struct client old;
        assert_false(client_dial(&old, NULL, TLS1_1_VERSION));
        client_close(&old);
}

static void test_a_pending_reply_over_tls(void **state)
{
        (void)state;
        char text[4096];
        for (int is_gone = 0; is_gone < 2; is_gone++) {
                struct client c;
                assert_true(client_dial(&c, NULL, 0));
                client_say(&c,
                           "POST /v1/pending HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}");
                wait_for_pending(1);
                if (is_gone) {
                        SSL_shutdown(c.ssl);
                        client_close(&c);
                        usleep(20000);
                        complete_all();
                        continue;
                }
                complete_all();
                client_hear(&c, "\r\n\r\n{}", text, sizeof text);
                client_close(&c);
        }
        for (int i = 0; i < RIG_WAIT_MS && http_in_flight(rig.server); i++)
                usleep(1000);
        assert_int_equal(http_in_flight(rig.server), 0);
}

static void test_sessions_resume_on_any_loop(void **state)
{
        (void)state;
        char text[4096];
        struct client c;
        assert_true(client_dial(&c, NULL, 0));
        client_say(&c, GET("/v1/things/abc"));
        client_hear(&c, "\r\n\r\nabc", text, sizeof text);
        SSL_SESSION *session = SSL_get1_session(c.ssl);
        client_close(&c);
        for (int i = 0; i < 8; i++) {
                assert_true(client_dial(&c, session, 0));
                client_say(&c, GET("/v1/things/abc"));
                client_hear(&c, "\r\n\r\nabc", text, sizeof text);
                assert_int_equal(SSL_session_reused(c.ssl), 1);
                SSL_SESSION_free(session);
                session = SSL_get1_session(c.ssl);
                client_close(&c);
        }
        SSL_SESSION_free(session);
}

static void test_refusals_arrive_over_tls(void **state)
{
        (void)state;
        static char body[1024 * 1024], text[8192];
        static const char *const heads[] = {
                "POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n",
                "POST /v1/things HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n100000\r\n",
        };
        memset(body, 'x', sizeof body);
        for (int i = 0; i < 2; i++) {
                struct client c;
                assert_true(client_dial(&c, NULL, 0));
                client_say(&c, heads[i]);
                assert_int_equal(SSL_write(c.ssl, body, sizeof body), (int)sizeof body);
                client_hear(&c, "body-too-large", text, sizeof text);
                assert_has(text, "HTTP/1.1 413 ");
                client_close(&c);
        }
        struct client c;
        assert_true(client_dial(&c, NULL, 0));
        client_say(&c, "GARBAGE\r\n\r\n");
        client_hear(&c, "malformed-request", text, sizeof text);
        client_close(&c);
}

static void test_a_slow_request_over_tls_is_408(void **state)
{
        (void)state;
        char text[4096];
        struct client c;
        assert_true(client_dial(&c, NULL, 0));
        client_say(&c, "GET /v1/things HTTP/1.1\r\n");
        client_hear(&c, "request-timeout", text, sizeof text);
        client_close(&c);
}

static void test_a_handshake_that_does_not_end_is_closed(void **state)
{
        (void)state;
        int silent = rig_dial(&rig), plain = rig_dial(&rig), slow = rig_dial(&rig);
        say(plain, GET("/v1/things")); /* answered by a TLS alert, in no case in clear text */
        say_bytes(slow, "\x16\x03\x01\x02", 4);
        char answer[64] = "";
        struct pollfd p = {.fd = plain, .events = POLLIN};
        while (poll(&p, 1, RIG_WAIT_MS) == 1 && recv(plain, answer, sizeof answer - 1, 0) > 0)
                assert_null(strstr(answer, "HTTP"));
        assert_closed(silent);
        assert_closed(slow);
        close(silent);
        close(plain);
        close(slow);
}

static void test_a_large_reply_over_tls(void **state)
{
        (void)state;
        char text[16384];
        struct client c;
        size_t total = 0;
        assert_true(client_dial(&c, NULL, 0));
        client_say(&c, "GET /v1/big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        for (int n; (n = SSL_read(c.ssl, text, sizeof text)) > 0;)
                total += (size_t)n;
        assert_true(total > 8 * 1024 * 1024);
        client_close(&c);
}

static void test_a_reload_takes_the_new_certificate(void **state)
{
        (void)state;
        char name[64], text[4096];
        struct error e;
        struct client before, after;
        assert_true(client_dial(&before, NULL, 0));
        peer_name(&before, name, sizeof name);
        assert_string_equal(name, "first");
        FILE *f = fopen(cert_path, "w");
        fputs("not a certificate\n", f);
        fclose(f);
        assert_int_equal(http_reload(rig.server, &rig.config, &e), STATUS_INVALID);
        assert_string_equal(e.where, cert_path);
        assert_true(client_dial(&after, NULL, 0)); /* the old one goes on */
        client_close(&after);
        make_certificate("second");
        assert_int_equal(http_reload(rig.server, &rig.config, &e), STATUS_OK);
        assert_true(client_dial(&after, NULL, 0));
        peer_name(&after, name, sizeof name);
        assert_string_equal(name, "second");
        client_close(&after);
        client_say(&before, GET("/v1/things/abc")); /* and what was open stays open */
        client_hear(&before, "\r\n\r\nabc", text, sizeof text);
        client_close(&before);
}

static void test_files_that_do_not_fit_are_refused(void **state)
{
        (void)state;
        struct rig g;
        struct error e;
        char other[128];
        snprintf(other, sizeof other, "%s/none.pem", dir);
        rig_init(&g);
        g.listens[0].tls_certificate = cert_path;
        g.listens[0].tls_key = other;
        assert_int_equal(http_start(&g.config, &g.wiring, &g.server, &e), STATUS_INVALID);
        assert_string_equal(e.where, other);
        g.listens[0].tls_certificate = other;
        g.listens[0].tls_key = key_path;
        assert_int_equal(http_start(&g.config, &g.wiring, &g.server, &e), STATUS_INVALID);
        assert_string_equal(e.where, other);
}

static int start(int64_t timeout_ms)
{
        strcpy(dir, "/tmp/chatelaine-tls-XXXXXX");
        assert_non_null(mkdtemp(dir));
        snprintf(cert_path, sizeof cert_path, "%s/cert.pem", dir);
        snprintf(key_path, sizeof key_path, "%s/key.pem", dir);
        make_certificate("first");
        rig_init(&rig);
        rig.listens[0].tls_certificate = cert_path;
        rig.listens[0].tls_key = key_path;
        rig.config.limits.request_timeout_ms = timeout_ms;
        rig_start(&rig);
        return 0;
}

static int setup(void **state)
{
        (void)state;
        return start(30000);
}

static int setup_impatient(void **state)
{
        (void)state;
        return start(1000);
}

static int teardown(void **state)
{
        (void)state;
        rig_stop(&rig);
        unlink(cert_path);
        unlink(key_path);
        return rmdir(dir);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_requests_over_tls, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_pending_reply_over_tls, setup, teardown),
                cmocka_unit_test_setup_teardown(test_sessions_resume_on_any_loop, setup, teardown),
                cmocka_unit_test_setup_teardown(test_refusals_arrive_over_tls, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_slow_request_over_tls_is_408,
                                                setup_impatient, teardown),
                cmocka_unit_test_setup_teardown(test_a_handshake_that_does_not_end_is_closed,
                                                setup_impatient, teardown),
                cmocka_unit_test_setup_teardown(test_a_large_reply_over_tls, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_reload_takes_the_new_certificate, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_files_that_do_not_fit_are_refused, setup,
                                                teardown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
