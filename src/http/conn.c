#include "conn.h"
#include "request.h"
#include "tls.h"

#include <assert.h>
#include <chatelaine/base_clock.h>
#include <chatelaine/base_log.h>
#include <event2/bufferevent_ssl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SLACK_BYTES (64 * 1024) /* beside body and head, in the input buffer */
#define READ_ONCE_BYTES (128 * 1024) /* one turn of one connection */
#define REFUSED_EXTRA(limit) \
        ((limit) / 8 + 16) /* connections over the limit that still get their 503 */

static void on_close(struct evhttp_connection *evcon, void *arg);

/* ---- accept ---- */

static struct bufferevent *make_bufferevent(struct event_base *base, struct tls *tls,
                                            bool *ret_doomed)
{
        SSL *ssl = tls ? tls_session(tls) : NULL;
        if (ssl) {
                struct bufferevent *bev = bufferevent_openssl_socket_new(
                        base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
                if (bev) {
                        bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
                        return bev;
                }
                SSL_free(ssl);
        }
        /* Without a session evhttp would go on in clear text: such a connection is closed by the
         * hook. */
        *ret_doomed = tls != NULL;
        return bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
}

struct bufferevent *conn_make(struct event_base *base, void *arg)
{
        struct endpoint *ep = arg;
        struct loop *l = ep->loop;
        struct conn *c = calloc(1, sizeof *c);
        if (!c)
                return NULL; /* a request on a connection that is not ours is closed by intake() */
        c->bev = make_bufferevent(base, ep->listener->tls, &c->is_doomed);
        if (!c->bev) {
                free(c);
                return NULL;
        }
        c->endpoint = ep;
        c->fd = -1;
        bufferevent_incref(c->bev);
        TAILQ_INSERT_TAIL(&l->accepted, c, link);
        event_active(l->hook_event, EV_READ, 0);
        return c->bev;
}

static bool remember(struct loop *l, struct conn *c)
{
        size_t need = (size_t)c->fd + 1;
        if (need > l->n_by_fd) {
                size_t n = l->n_by_fd ? l->n_by_fd * 2 : 64;
                while (n < need)
                        n *= 2;
                struct conn **by_fd = realloc(l->by_fd, n * sizeof *by_fd);
                if (!by_fd)
                        return false;
                memset(by_fd + l->n_by_fd, 0, (n - l->n_by_fd) * sizeof *by_fd);
                l->by_fd = by_fd;
                l->n_by_fd = n;
        }
        l->by_fd[c->fd] = c;
        return true;
}

struct conn *conn_of(struct loop *l, struct evhttp_connection *evcon)
{
        if (!evcon)
                return NULL;
        int fd = bufferevent_getfd(evhttp_connection_get_bufferevent(evcon));
        if (fd < 0 || (size_t)fd >= l->n_by_fd)
                return NULL;
        struct conn *c = l->by_fd[fd];
        return c && c->evcon == evcon ? c : NULL;
}

/* The admin socket takes root and our own user, nobody else. */
static bool is_peer_allowed(struct conn *c)
{
        struct ucred peer;
        socklen_t len = sizeof peer;
        if (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
                return false;
        c->uid = peer.uid;
        if (peer.uid == 0 || peer.uid == c->endpoint->loop->server->uid)
                return true;
        LOG_WARN("http.admin_refused", LOG_I("uid", peer.uid), LOG_I("pid", peer.pid));
        return false;
}

static void look_up_address(struct conn *c)
{
        if (c->endpoint->listener->is_unix)
                return;
        int on = 1;
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (address_of(evhttp_connection_get_addr(c->evcon), c->address))
                address_text(c->address, c->ip);
}

static void refuse_over_limit(struct conn *c)
{
        struct error e;
        (void)error_set_http(&e, STATUS_RETRY, 503, "too-many-connections", NULL,
                             "All connections are in use.");
        e.retry_after_ms = 1000;
        intake_refuse(c, &e);
}

/* evhttp's connection exists now: take part in it. */
static void admit(struct conn *c, struct evhttp_connection *evcon)
{
        struct loop *l = c->endpoint->loop;
        struct http_server *s = l->server;
        c->evcon = evcon;
        c->fd = bufferevent_getfd(c->bev);
        bool is_unix = c->endpoint->listener->is_unix;
        if (c->is_doomed || c->fd < 0 || !remember(l, c) || (is_unix && !is_peer_allowed(c))) {
                if (c->fd >= 0 && (size_t)c->fd < l->n_by_fd && l->by_fd[c->fd] == c)
                        l->by_fd[c->fd] = NULL;
                free(c);
                evhttp_connection_free(evcon);
                return;
        }
        int64_t n = atomic_fetch_add_explicit(&s->n_conns, 1, memory_order_relaxed) + 1;
        metric_add(s->connections, 1);
        look_up_address(c);
        void *arg;
        bufferevent_data_cb read;
        bufferevent_getcb(c->bev, &read, &c->evhttp_write, &c->evhttp_event, &arg);
        bufferevent_setwatermark(c->bev, EV_READ, 0,
                                 (size_t)(l->settings->body_bytes + l->settings->header_bytes) +
                                         READ_SLACK_BYTES);
        bufferevent_set_max_single_read(c->bev, READ_ONCE_BYTES);
        evhttp_connection_set_closecb(evcon, on_close, c);
        c->state = c->endpoint->listener->tls ? CONN_READING : CONN_IDLE;
        TAILQ_INSERT_TAIL(&l->conns[c->state], c, link);
        conn_enter(c, c->state);
        int64_t limit = l->settings->connections;
        if (!is_unix && n > limit + REFUSED_EXTRA(limit)) {
                conn_close(c);
                return;
        }
        c->watch = evbuffer_add_cb(bufferevent_get_input(c->bev), conn_on_input, c);
        if (!c->watch)
                conn_close(c);
        else if (!is_unix && n > limit)
                refuse_over_limit(c);
}

static void take_accepted(struct loop *l)
{
        struct conn *c = TAILQ_FIRST(&l->accepted), *next;
        TAILQ_INIT(&l->accepted);
        for (; c; c = next) {
                struct bufferevent *bev = c->bev;
                void *evcon = NULL;
                next = TAILQ_NEXT(c, link);
                bufferevent_getcb(bev, NULL, NULL, NULL, &evcon);
                if (evcon)
                        admit(c, evcon);
                else
                        free(c); /* evhttp gave it up before we looked */
                bufferevent_decref(bev);
        }
}

/* ---- lingering: what a refused client still sends is read and thrown away, so that the answer
 * arrives ---- */

static void drain_input(struct bufferevent *bev, void *unused)
{
        (void)unused; /* evhttp may call it with its own argument */
        struct evbuffer *input = bufferevent_get_input(bev);
        evbuffer_drain(input, evbuffer_get_length(input));
}

static void on_drained(struct bufferevent *bev, short what, void *arg)
{
        (void)bev;
        if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
                conn_close(arg);
}

static void linger(struct conn *c)
{
        c->must_linger = false;
        bufferevent_setcb(c->bev, drain_input, NULL, on_drained, c);
        drain_input(c->bev, NULL);
        if (!c->endpoint->listener->tls)
                shutdown(c->fd, SHUT_WR);
        bufferevent_enable(c->bev, EV_READ);
}

void conn_hook(evutil_socket_t fd, short what, void *arg)
{
        (void)fd, (void)what;
        struct loop *l = arg;
        take_accepted(l);
        struct conn *c; /* those that came in last are at the end */
        TAILQ_FOREACH_REVERSE(c, &l->conns[CONN_LINGERING], conn_list, link)
        {
                if (l->n_to_linger == 0)
                        break;
                if (c->must_linger) {
                        l->n_to_linger--;
                        linger(c);
                }
        }
        l->n_to_linger = 0;
}

/* ---- states and deadlines ---- */

static int64_t state_ms(const struct conn *c, enum conn_state state)
{
        const struct settings *s = c->endpoint->loop->settings;
        switch (state) {
        case CONN_IDLE: return s->idle_ms;
        case CONN_LINGERING: return LINGER_MS;
        case CONN_READING:
        case CONN_WRITING:
        case CONN_HANDLING:
        case CONN_STATES: break;
        }
        return s->request_ms;
}

void conn_enter(struct conn *c, enum conn_state state)
{
        struct loop *l = c->endpoint->loop;
        TAILQ_REMOVE(&l->conns[c->state], c, link);
        TAILQ_INSERT_TAIL(&l->conns[state], c, link);
        c->state = state;
        if (state == CONN_HANDLING)
                return;
        c->deadline_mono_ms = clock_mono_ms() + state_ms(c, state);
        if (state == CONN_WRITING)
                c->unsent_bytes = evbuffer_get_length(bufferevent_get_output(c->bev));
        if (!l->is_sweeping)
                conn_keep_sweeping(l);
}

void conn_keep_sweeping(struct loop *l)
{
        int64_t tick = l->settings->request_ms / 8;
        tick = tick < 10 ? 10 : tick > 500 ? 500 : tick;
        struct timeval tv = {.tv_sec = tick / 1000, .tv_usec = tick % 1000 * 1000};
        l->is_sweeping = event_add(l->sweep_event, &tv) == 0;
}

/* A reply that moved at least 1 KiB for each second of its time goes on. */
static bool is_moving(const struct conn *c)
{
        size_t unsent = evbuffer_get_length(bufferevent_get_output(c->bev));
        size_t least = (size_t)state_ms(c, CONN_WRITING) * 1024 / 1000;
        return unsent == 0 || unsent + least <= c->unsent_bytes;
}

static void expire(struct conn *c)
{
        if (c->state == CONN_WRITING && is_moving(c)) {
                conn_enter(c, CONN_WRITING);
                return;
        }
        if (c->state != CONN_READING || !c->has_bytes) {
                conn_close(c);
                return;
        }
        struct error e;
        (void)error_set_http(&e, STATUS_INVALID, 408, "request-timeout", NULL,
                             "The request did not arrive in time.");
        intake_refuse(c, &e);
}

bool conn_sweep(struct loop *l)
{
        int64_t now = clock_mono_ms();
        bool has_more = false;
        for (int state = 0; state < CONN_STATES; state++) {
                if (state == CONN_HANDLING)
                        continue;
                struct conn *c;
                while ((c = TAILQ_FIRST(&l->conns[state])) && c->deadline_mono_ms <= now)
                        expire(c);
                has_more |= c != NULL;
        }
        return has_more;
}

/* ---- replies ---- */

void conn_park(struct conn *c)
{
        /*
         * Reading stays on, so that it need not be taken out of epoll and put
         * back; nobody is called, so that a client that has closed its half
         * still gets its reply. On TLS the end of reading ends writing: there it stays off.
         */
        if (c->endpoint->listener->tls)
                return;
        bufferevent_setcb(c->bev, NULL, NULL, NULL, c->evcon);
        bufferevent_enable(c->bev, EV_READ);
}

/* As much as the socket takes now: most replies are out before evhttp knows, and cost no event. */
static size_t send_now(struct conn *c, const struct iovec *parts, size_t n)
{
        const struct msghdr m = {.msg_iov = (struct iovec *)parts, .msg_iovlen = n};
        if (c->endpoint->listener->tls || evbuffer_get_length(bufferevent_get_output(c->bev)))
                return 0;
        ssize_t sent = sendmsg(c->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
        return sent > 0 ? (size_t)sent : 0; /* an error comes again when libevent writes */
}

void conn_write(struct conn *c, const struct iovec *parts, size_t n)
{
        size_t sent = send_now(c, parts, n);
        struct evbuffer *out = bufferevent_get_output(c->bev);
        for (size_t i = 0; i < n; i++) {
                size_t skip = sent < parts[i].iov_len ? sent : parts[i].iov_len;
                sent -= skip;
                if (skip < parts[i].iov_len)
                        evbuffer_add(out, (char *)parts[i].iov_base + skip,
                                     parts[i].iov_len - skip);
        }
}

void conn_send(struct conn *c)
{
        bufferevent_setcb(c->bev, NULL, c->evhttp_write, c->evhttp_event, c->evcon);
        bufferevent_enable(c->bev, EV_WRITE);
}

void conn_request_done(struct conn *c)
{
        c->req = NULL;
        struct evbuffer *input = bufferevent_get_input(c->bev);
        if (c->must_linger) {
                conn_enter(c, CONN_LINGERING);
                c->endpoint->loop->n_to_linger++;
                event_active(c->endpoint->loop->hook_event, EV_READ, 0);
                return;
        }
        evbuffer_cb_set_flags(input, c->watch, EVBUFFER_CB_ENABLED);
        if (evbuffer_get_length(input) == 0) {
                conn_enter(c, CONN_IDLE);
                return;
        }
        conn_begin_reading(c);
        conn_look_at_head(c);
}

static void on_raw_written(struct bufferevent *bev, void *arg)
{
        (void)bev;
        struct conn *c = arg;
        struct http_request *r = c->req;
        c->req = NULL;
        conn_enter(c, CONN_LINGERING);
        linger(c);
        request_free(r);
}

void conn_finish_raw(struct conn *c)
{
        evbuffer_cb_clear_flags(bufferevent_get_input(c->bev), c->watch, EVBUFFER_CB_ENABLED);
        bufferevent_setcb(c->bev, NULL, on_raw_written, on_drained, c);
        bufferevent_disable(c->bev, EV_READ);
        bufferevent_enable(c->bev, EV_WRITE);
}

/* ---- the end ---- */

void conn_close(struct conn *c)
{
        evhttp_connection_free(c->evcon);
}

/*
 * A descriptor is closed on the next turn, when epoll has been told that it is no longer watched:
 * the changelist tells it late, and by then another loop may have the same number.
 */
static void close_later(struct loop *l, struct conn *c)
{
        bufferevent_incref(c->bev);
        bufferevent_disable(c->bev, EV_READ | EV_WRITE);
        TAILQ_INSERT_TAIL(&l->closing, c, link);
        evtimer_add(l->reap_event, &(struct timeval){0});
}

void conn_reap(struct loop *l)
{
        struct conn *c;
        while ((c = TAILQ_FIRST(&l->closing))) {
                TAILQ_REMOVE(&l->closing, c, link);
                bufferevent_decref(c->bev);
                free(c);
        }
}

static void on_close(struct evhttp_connection *evcon, void *arg)
{
        (void)evcon;
        struct conn *c = arg;
        struct loop *l = c->endpoint->loop;
        struct http_request *r = c->req;
        TAILQ_REMOVE(&l->conns[c->state], c, link);
        l->by_fd[c->fd] = NULL;
        atomic_fetch_sub_explicit(&l->server->n_conns, 1, memory_order_relaxed);
        metric_add(l->server->connections, -1);
        if (c->watch)
                evbuffer_remove_cb_entry(bufferevent_get_input(c->bev), c->watch);
        l->body_reserved_bytes -= c->reserved_bytes;
        conn_end_reading(c);
        close_later(l, c);
        if (r)
                request_lost(r);
}
