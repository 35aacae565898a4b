/*
 * Raw bytes against a whole server, through its unix socket: all that comes back are replies of
 * ours, and an echo is never longer than the limit.
 */
#include "fuzz.h"

#include <chatelaine/base_log.h>
#include <chatelaine/http.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BODY_MAX 4096

static void echo(struct http_request *req)
{
        struct span name, value;
        if (http_body(req).len > BODY_MAX)
                abort();
        for (size_t i = 0; http_query_each(req, i, &name, &value); i++)
                if (!name.p || !value.p)
                        abort();
        for (size_t i = 0; http_header_each(req, i, &name, &value); i++)
                if (!name.p || !value.p || memchr(value.p, '\n', value.len))
                        abort();
        http_reply(req, 200, "application/json", http_body(req));
}

static void echo_param(struct http_request *req)
{
        if (http_param(req, "id").len == 0)
                abort();
        http_reply(req, 200, "text/plain", http_param(req, "id"));
}

static const struct http_route routes[] = {
        {HTTP_GET, "/a", FACE_NATIVE, 0, echo, NULL, false},
        {HTTP_POST, "/a", FACE_NATIVE, MEDIA_JSON | MEDIA_FORM, echo, NULL, false},
        {HTTP_GET, "/a/{id}", FACE_NATIVE, 0, echo_param, NULL, false},
        {0},
};

/* Made once; the process ends with it. */
static const struct sockaddr_un *address(void)
{
        static struct sockaddr_un sa;
        static struct http_server *server;
        static const struct http_route *const tables[] = {routes, NULL};
        if (server)
                return &sa;
        static char *proxies[] = {"0.0.0.0/0"};
        struct config c = {.threads = 1, .trusted_proxies = {.items = proxies, .n = 1}};
        c.limits.body_bytes = BODY_MAX;
        c.limits.header_bytes = 2048;
        c.limits.connections = 1000;
        c.limits.request_timeout_ms = 1000;
        sa.sun_family = AF_UNIX;
        snprintf(sa.sun_path, sizeof sa.sun_path, "/tmp/chatelaine-fuzz-%d.sock", (int)getpid());
        const struct http_wiring w = {.route_tables = tables, .admin_socket = sa.sun_path};
        log_to(open("/dev/null", O_WRONLY | O_CLOEXEC));
        if (http_start(&c, &w, &server, NULL) != STATUS_OK)
                abort();
        return &sa;
}

static void remove_socket(void)
{
        unlink(address()->sun_path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static char answer[65536];
        static int is_registered;
        const struct sockaddr_un *sa = address();
        if (!is_registered++)
                atexit(remove_socket);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct timeval limit = {.tv_sec = 20};
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        if (fd < 0 || connect(fd, (const struct sockaddr *)sa, sizeof *sa) != 0)
                abort();
        if (size == 0 || send(fd, data, size, MSG_NOSIGNAL) < 0 || shutdown(fd, SHUT_WR) != 0) {
                close(fd);
                return 0;
        }
        size_t n = 0;
        ssize_t got;
        while (n < sizeof answer && (got = recv(fd, answer + n, sizeof answer - n, 0)) > 0)
                n += (size_t)got;
        close(fd);
        if (n < sizeof answer && got < 0 && n == 0)
                abort(); /* neither an answer nor an end */
        if (n && (n < 9 || memcmp(answer, "HTTP/1.1 ", 9) != 0))
                abort();
        return 0;
}
