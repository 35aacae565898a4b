/* A server with toy routes on free ports, and a client that speaks raw sockets. */
#ifndef TEST_HTTP_RIG_H
#define TEST_HTTP_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <assert.h>
#include <chatelaine/base_clock.h>
#include <chatelaine/base_log.h>
#include <chatelaine/http.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define RIG_BODY_MAX 4096
#define RIG_HEADER_MAX 2048
#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define POST(path, body) "POST " path " HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n" body
#define RIG_WAIT_MS 10000 /* what a test waits for at most */

/* ---- handlers ---- */

struct pending {
        struct mail mail;
        struct http_request *req;
        struct pending *next;
};
static pthread_mutex_t pending_lock =
        PTHREAD_MUTEX_INITIALIZER; /* guards pending_list, n_pending */
static struct pending *pending_list;
static unsigned n_pending;
static _Atomic unsigned n_completed;

static void complete(struct mail *m)
{
        struct pending *p = (struct pending *)m;
        http_reply(p->req, 200, "application/json", http_body(p->req));
        free(p);
        n_completed++;
}

static void pend(struct http_request *req)
{
        struct pending *p = calloc(1, sizeof *p);
        *p = (struct pending){.mail.deliver = complete, .req = req};
        pthread_mutex_lock(&pending_lock);
        p->next = pending_list;
        pending_list = p;
        n_pending++;
        pthread_mutex_unlock(&pending_lock);
}

static unsigned pending_count(void)
{
        pthread_mutex_lock(&pending_lock);
        unsigned n = n_pending;
        pthread_mutex_unlock(&pending_lock);
        return n;
}

static inline void wait_for_pending(unsigned n)
{
        for (int i = 0; i < RIG_WAIT_MS && pending_count() < n; i++)
                usleep(1000);
        assert_int_equal(pending_count(), n);
}

/* All that wait are answered, on their loops. */
static inline unsigned complete_all(void)
{
        pthread_mutex_lock(&pending_lock);
        struct pending *list = pending_list;
        unsigned n = n_pending;
        pending_list = NULL;
        n_pending = 0;
        pthread_mutex_unlock(&pending_lock);
        for (struct pending *p = list, *next; p; p = next) {
                next = p->next;
                mailbox_post(http_mailbox(p->req), &p->mail);
        }
        return n;
}

static inline void forget_pending(void)
{
        pthread_mutex_lock(&pending_lock);
        for (struct pending *p = pending_list, *next; p; p = next) {
                next = p->next;
                free(p);
        }
        pending_list = NULL;
        n_pending = 0;
        pthread_mutex_unlock(&pending_lock);
}

static void echo(struct http_request *req)
{
        http_reply(req, 200, "application/json", http_body(req));
}

static void nothing(struct http_request *req)
{
        http_reply(req, 204, NULL, SPAN_NONE);
}

static void echo_param(struct http_request *req)
{
        http_reply(req, 200, "text/plain", http_param(req, "id"));
}

static void tell(struct http_request *req)
{
        http_reply(req, 200, "text/plain", span_of(http_route_arg(req)));
}

static void tell_ip(struct http_request *req)
{
        http_reply(req, 200, "text/plain", span_of(http_client_ip(req)));
}

static void tell_query(struct http_request *req)
{
        struct span a = http_query(req, "a"), missing = http_query(req, "missing");
        assert(missing.p == NULL);
        http_reply(req, 200, "text/plain", a.p ? a : SPAN("none"));
}

static void answer_422(struct http_request *req)
{
        struct error e;
        (void)error_set_http(&e, STATUS_INVALID, 422, "no-good", "/items/3/id",
                             "A \"quoted\" text\n.");
        http_reply_error(req, &e);
}

static void unauthorized(struct http_request *req)
{
        struct error e;
        (void)error_set_http(&e, STATUS_DENIED, 401, "no-credentials", NULL, "Who are you?");
        http_reply_error(req, &e);
}

static void limited(struct http_request *req)
{
        struct error e;
        (void)error_set_http(&e, STATUS_LIMIT, 429, "too-fast", NULL, "Slow down.");
        e.retry_after_ms = 2500;
        http_reply_error(req, &e);
}

static void big(struct http_request *req)
{
        static const char text[8 * 1024 * 1024];
        http_reply_header(req, "X-Bad", "split\r\nX-Injected: yes");
        http_reply_header(req, "X-Good", "whole");
        http_reply(req, 200, "text/plain", span_make(text, sizeof text));
}

static const struct http_route toy_routes[] = {
        {HTTP_GET, "/v1/things", FACE_NATIVE, 0, tell, "list", false},
        {HTTP_POST, "/v1/things", FACE_NATIVE, MEDIA_JSON, echo, NULL, false},
        {HTTP_GET, "/v1/things/{id}", FACE_NATIVE, 0, echo_param, NULL, false},
        {HTTP_POST, "/v1/things/verify", FACE_NATIVE, 0, tell, "verify", false},
        {HTTP_DELETE, "/v1/things/{id}", FACE_NATIVE, 0, nothing, NULL, false},
        {HTTP_POST, "/v1/things/{id}/done", FACE_NATIVE, 0, echo_param, NULL, false},
        {HTTP_POST, "/v1/pending", FACE_NATIVE, MEDIA_JSON | MEDIA_NDJSON, pend, NULL, false},
        {HTTP_POST, "/v1/form", FACE_NATIVE, MEDIA_FORM, echo, NULL, false},
        {HTTP_PATCH, "/v1/nothing", FACE_NATIVE, MEDIA_JSON, nothing, NULL, false},
        {HTTP_GET, "/v1/nothing", FACE_NATIVE, 0, nothing, NULL, false},
        {HTTP_GET, "/v1/ip", FACE_NATIVE, 0, tell_ip, NULL, false},
        {HTTP_GET, "/v1/query", FACE_NATIVE, 0, tell_query, NULL, false},
        {HTTP_GET, "/v1/fail", FACE_NATIVE, 0, answer_422, NULL, false},
        {HTTP_GET, "/v1/unauthorized", FACE_NATIVE, 0, unauthorized, NULL, false},
        {HTTP_GET, "/v1/limited", FACE_NATIVE, 0, limited, NULL, false},
        {HTTP_GET, "/v1/big", FACE_NATIVE, 0, big, NULL, false},
        {HTTP_GET, "/healthz", FACE_HEALTH, 0, tell, "ok", false},
        {HTTP_GET, "/v1/secret", FACE_NATIVE, 0, tell, "secret", true},
        {HTTP_GET, "/api/fail", FACE_NATIVE, 0, answer_422, NULL, false},
        {0},
};

static void write_shape(struct http_request *req, const struct error *e, struct buf *body)
{
        (void)req;
        buf_printf(body, "{\"message\":\"%s\"}", e->slug);
}

/* ---- the server ---- */

struct rig {
        struct config config;
        struct config_listen listens[2];
        struct http_wiring wiring;
        struct http_server *server;
        const struct http_route *tables[3];
};

static const struct http_error_shape toy_shapes[] = {{"/api", write_shape, "application/json"},
                                                     {0}};

static inline void rig_init(struct rig *g)
{
        *g = (struct rig){0};
        g->listens[0] = (struct config_listen){.name = "main",
                                               .address = "127.0.0.1:0",
                                               .faces = FACE_ALL & ~(unsigned)FACE_HEALTH};
        g->listens[1] = (struct config_listen){
                .name = "other", .address = "127.0.0.1:0", .faces = FACE_HEALTH};
        g->config.listens = g->listens;
        g->config.n_listens = 2;
        g->config.threads = 2;
        g->config.limits.body_bytes = RIG_BODY_MAX;
        g->config.limits.header_bytes = RIG_HEADER_MAX;
        g->config.limits.connections = 1000;
        g->config.limits.request_timeout_ms = 30000;
        g->tables[0] = toy_routes;
        g->wiring.route_tables = g->tables;
        g->wiring.error_shapes = toy_shapes;
}

static inline void rig_start(struct rig *g)
{
        struct error e = {0};
        if (http_start(&g->config, &g->wiring, &g->server, &e) != STATUS_OK)
                fail_msg("%s: %s (%s)", e.slug, e.text, e.where);
}

static inline void rig_stop(struct rig *g)
{
        complete_all();
        http_free(g->server);
        g->server = NULL;
        forget_pending(); /* begun since: the server has forgotten them too */
}

/* ---- the client ---- */

static inline int dial(unsigned port)
{
        struct sockaddr_in sa = {.sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
        return fd;
}

static inline int rig_dial(const struct rig *g)
{
        return dial(http_port(g->server, "main"));
}

/* What the server has closed already cannot be written to: no error here. */
static inline void say_bytes(int fd, const char *p, size_t len)
{
        while (len) {
                ssize_t n = send(fd, p, len, MSG_NOSIGNAL);
                if (n <= 0)
                        return;
                p += n;
                len -= (size_t)n;
        }
}

static inline void say(int fd, const char *text)
{
        say_bytes(fd, text, strlen(text));
}

struct reply {
        int status; /* 0: closed without one */
        char head[4096];
        char *body;
        size_t len;
};

/* One byte after the other: what follows the reply stays in the socket. -1 at the end or after
 * RIG_WAIT_MS. */
static inline int next_byte(int fd)
{
        unsigned char c;
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, RIG_WAIT_MS) != 1 || recv(fd, &c, 1, 0) != 1)
                return -1;
        return c;
}

static inline const char *header_of(const struct reply *r, const char *name)
{
        static char value[1024];
        size_t len = strlen(name);
        for (const char *line = r->head; (line = strstr(line, "\r\n")); line += 2) {
                if (strncasecmp(line + 2, name, len) != 0 || line[2 + len] != ':')
                        continue;
                const char *from = line + 2 + len + 2;
                snprintf(value, sizeof value, "%.*s", (int)strcspn(from, "\r"), from);
                return value;
        }
        return NULL;
}

static inline void hear_head(int fd, struct reply *r)
{
        size_t n = 0;
        *r = (struct reply){0};
        while (n < sizeof r->head - 1 && !strstr(r->head, "\r\n\r\n")) {
                int c = next_byte(fd);
                if (c < 0)
                        return;
                r->head[n++] = (char)c;
        }
        sscanf(r->head, "HTTP/1.1 %d", &r->status);
}

/* A whole reply; free with reply_fini. `is_head`: to a HEAD. */
static inline void hear(int fd, struct reply *r, bool is_head)
{
        hear_head(fd, r);
        const char *length = header_of(r, "Content-Length");
        r->len = length && !is_head ? (size_t)atoll(length) : 0;
        r->body = calloc(1, r->len + 1);
        size_t got = 0;
        while (got < r->len) {
                ssize_t n = recv(fd, r->body + got, r->len - got, 0);
                if (n <= 0)
                        fail_msg("body cut short at %zu of %zu", got, r->len);
                got += (size_t)n;
        }
}

static inline void reply_fini(struct reply *r)
{
        free(r->body);
}

/* Nothing more comes: the server has closed. */
static inline void assert_closed(int fd)
{
        int c = next_byte(fd);
        if (c >= 0)
                fail_msg("still open, said '%c'", c);
}

#define assert_has(haystack, needle)                          \
        do {                                                  \
                const char *h_ = (haystack), *n_ = (needle);  \
                if (!strstr(h_, n_))                          \
                        fail_msg("no \"%s\" in: %s", n_, h_); \
        } while (0)

/* Send on a fresh connection, read one reply, leave. */
static inline void ask_bytes(const struct rig *g, const char *p, size_t len, struct reply *r)
{
        int fd = rig_dial(g);
        say_bytes(fd, p, len);
        hear(fd, r, strncmp(p, "HEAD ", 5) == 0);
        close(fd);
}

static inline void ask(const struct rig *g, const char *text, struct reply *r)
{
        ask_bytes(g, text, strlen(text), r);
}

static inline int ask_status(const struct rig *g, const char *text)
{
        struct reply r;
        ask(g, text, &r);
        reply_fini(&r);
        return r.status;
}

static inline void hear_ok(int fd, const char *body)
{
        struct reply r;
        hear(fd, &r, false);
        assert_int_equal(r.status, 200);
        assert_string_equal(r.body, body);
        reply_fini(&r);
}

static inline void wait_for_idle(const struct rig *g)
{
        for (int i = 0; i < RIG_WAIT_MS && http_in_flight(g->server); i++)
                usleep(1000);
        assert_int_equal(http_in_flight(g->server), 0);
}

#endif
