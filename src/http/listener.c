#include "server.h"
#include "tls.h"

#include <chatelaine/base_log.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024
#define FIRST_INHERITED_FD 3 /* sd_listen_fds(3) */

static enum status cannot_bind(const struct listener *l, const char *address, const char *why,
                               struct error *e)
{
        return error_set(e, STATUS_INVALID, "cannot-listen", l->name, "Cannot listen on %s: %s.",
                         address, why);
}

/* "host:port", "[v6]:port", "*:port" into its parts. */
static bool split_address(const char *address, char *host, size_t host_size, char *port,
                          size_t port_size)
{
        const char *colon = strrchr(address, ':');
        if (!colon)
                return false;
        struct span h = span_make(address, (size_t)(colon - address));
        if (h.len >= 2 && h.p[0] == '[' && h.p[h.len - 1] == ']')
                h = span_make(h.p + 1, h.len - 2);
        if (h.len >= host_size || strlen(colon + 1) >= port_size || colon[1] == '\0')
                return false;
        memcpy(host, h.p, h.len);
        host[h.len] = '\0';
        memcpy(port, colon + 1, strlen(colon + 1) + 1);
        if (strcmp(host, "*") == 0)
                host[0] = '\0';
        return true;
}

static int socket_listening(const struct addrinfo *ai, bool is_shared)
{
        int on = 1;
        int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -1;
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
            setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) == 0 &&
            (!is_shared || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0) &&
            bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
                return fd;
        int why = errno;
        close(fd);
        errno = why;
        return -1;
}

static void set_port(struct sockaddr *sa, uint16_t port)
{
        if (sa->sa_family == AF_INET)
                ((struct sockaddr_in *)sa)->sin_port = htons(port);
        else
                ((struct sockaddr_in6 *)sa)->sin6_port = htons(port);
}

static uint16_t port_of(int fd)
{
        struct sockaddr_storage sa = {0};
        socklen_t len = sizeof sa;
        if (getsockname(fd, (struct sockaddr *)&sa, &len) != 0)
                return 0;
        if (sa.ss_family == AF_INET)
                return ntohs(((struct sockaddr_in *)&sa)->sin_port);
        return sa.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&sa)->sin6_port) : 0;
}

/* One socket a loop on the same address; the kernel spreads connections over them. */
static enum status bind_address(struct listener *l, unsigned n_loops, const char *address,
                                struct error *e)
{
        char host[256], port[16];
        if (!split_address(address, host, sizeof host, port, sizeof port))
                return cannot_bind(l, address, "the address must be host:port", e);
        const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                       .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
        struct addrinfo *ai;
        int rc = getaddrinfo(host[0] ? host : NULL, port, &hints, &ai);
        if (rc != 0)
                return cannot_bind(l, address, gai_strerror(rc), e);
        enum status s = STATUS_OK;
        for (unsigned i = 0; i < n_loops && s == STATUS_OK; i++) {
                l->fds[i] = socket_listening(ai, n_loops > 1);
                if (l->fds[i] < 0)
                        s = cannot_bind(l, address, strerror(errno), e);
                else if (i == 0)
                        set_port(ai->ai_addr, l->port = port_of(l->fds[0]));
        }
        freeaddrinfo(ai);
        return s;
}

/* A socket that systemd made: one queue, a descriptor of it for each loop. */
static enum status inherit(struct listener *l, unsigned n_loops, int fd, struct error *e)
{
        int is_listening = 0;
        socklen_t len = sizeof is_listening;
        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &len) != 0 || !is_listening)
                return cannot_bind(l, "the inherited socket", "it does not listen", e);
        if (evutil_make_socket_nonblocking(fd) != 0)
                return cannot_bind(l, "the inherited socket", strerror(errno), e);
        for (unsigned i = 0; i < n_loops; i++)
                if ((l->fds[i] = fcntl(fd, F_DUPFD_CLOEXEC, 0)) < 0)
                        return cannot_bind(l, "the inherited socket", strerror(errno), e);
        l->port = port_of(fd);
        l->is_inherited = true;
        return STATUS_OK;
}

static int inherited_fd(const struct http_wiring *w, const char *name)
{
        for (int i = 0; i < w->activation_fds; i++)
                if (strcmp(w->activation_names[i], name) == 0)
                        return FIRST_INHERITED_FD + i;
        return -1;
}

static enum status load_tls(struct listener *l, const struct config_listen *c, struct error *e)
{
        if (!c->tls_certificate || !c->tls_certificate[0])
                return STATUS_OK;
        SSL_CTX *ctx;
        TRY(tls_context(c->tls_certificate, c->tls_key, &ctx, e));
        return tls_new(ctx, &l->tls, e);
}

static enum status listener_init(struct listener *l, struct http_server *s, const char *name,
                                 unsigned faces, struct error *e)
{
        l->server = s;
        l->faces = faces;
        l->name = strdup(name);
        l->fds = malloc(s->n_loops * sizeof *l->fds);
        if (!l->name || !l->fds)
                return error_no_memory(e);
        for (unsigned i = 0; i < s->n_loops; i++)
                l->fds[i] = -1;
        return STATUS_OK;
}

static enum status listener_open(struct listener *l, struct http_server *s,
                                 const struct config_listen *c, struct error *e)
{
        TRY(listener_init(l, s, c->name, c->faces, e));
        TRY(load_tls(l, c, e));
        int fd = inherited_fd(&s->wiring, c->name);
        if (fd >= 0)
                TRY(inherit(l, s->n_loops, fd, e));
        else
                TRY(bind_address(l, s->n_loops, c->address, e));
        LOG_INFO("http.listening", LOG_S("name", c->name), LOG_S("address", c->address),
                 LOG_I("port", l->port), LOG_S("tls", l->tls ? "yes" : "no"),
                 LOG_S("inherited", fd >= 0 ? "yes" : "no"));
        return STATUS_OK;
}

/* A socket file that nobody listens on any more is replaced; anything else at its place is not. */
static enum status remove_stale(const struct listener *l, const struct sockaddr_un *sa,
                                struct error *e)
{
        struct stat st;
        if (lstat(sa->sun_path, &st) != 0)
                return errno == ENOENT ? STATUS_OK
                                       : cannot_bind(l, sa->sun_path, strerror(errno), e);
        if (!S_ISSOCK(st.st_mode))
                return cannot_bind(l, sa->sun_path, "a file that is no socket is there", e);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return cannot_bind(l, sa->sun_path, strerror(errno), e);
        bool is_live = connect(fd, (const struct sockaddr *)sa, sizeof *sa) == 0 || errno == EAGAIN;
        close(fd);
        if (is_live)
                return cannot_bind(l, sa->sun_path, "another process listens there", e);
        if (unlink(sa->sun_path) != 0)
                return cannot_bind(l, sa->sun_path, strerror(errno), e);
        return STATUS_OK;
}

/* The admin socket: file mode 0600 from its first moment, served by the first loop. */
static enum status admin_open(struct listener *l, struct http_server *s, const char *path,
                              struct error *e)
{
        TRY(listener_init(l, s, "admin", FACE_ALL, e));
        l->is_unix = true;
        struct sockaddr_un sa = {.sun_family = AF_UNIX};
        if (strlen(path) >= sizeof sa.sun_path)
                return cannot_bind(l, path, "the path is too long for a socket", e);
        memcpy(sa.sun_path, path, strlen(path) + 1);
        TRY(remove_stale(l, &sa, e));
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return cannot_bind(l, path, strerror(errno), e);
        l->fds[0] = fd;
        if (fchmod(fd, 0600) != 0 || bind(fd, (const struct sockaddr *)&sa, sizeof sa) != 0)
                return cannot_bind(l, path, strerror(errno), e);
        if (!(l->path = strdup(path)))
                return error_no_memory(e);
        if (chmod(path, 0600) != 0 || listen(fd, BACKLOG) != 0)
                return cannot_bind(l, path, strerror(errno), e);
        return STATUS_OK;
}

enum status listeners_open(struct http_server *s, const struct config *c, struct error *e)
{
        s->listeners = calloc(c->n_listens + 1, sizeof *s->listeners);
        if (!s->listeners)
                return error_no_memory(e);
        for (size_t i = 0; i < c->n_listens; i++) {
                s->n_listeners++;
                TRY(listener_open(&s->listeners[i], s, &c->listens[i], e));
        }
        if (!s->wiring.admin_socket)
                return STATUS_OK;
        s->n_listeners++;
        return admin_open(&s->listeners[c->n_listens], s, s->wiring.admin_socket, e);
}

void listeners_close(struct http_server *s)
{
        for (size_t i = 0; i < s->n_listeners; i++) {
                struct listener *l = &s->listeners[i];
                for (unsigned k = 0; l->fds && k < s->n_loops; k++)
                        if (l->fds[k] >= 0)
                                close(l->fds[k]);
                if (l->path)
                        unlink(l->path);
                tls_free(l->tls);
                free(l->path);
                free(l->fds);
                free(l->name);
        }
        free(s->listeners);
}
