/*
 * The http room's own structures: who holds whom.
 *
 *     http_server ──▶ listener[]   a name, an address, its faces, its TLS
 *          │
 *          └──▶ loop[]             a thread, an event base, a mailbox
 *                 ├──▶ endpoint[]  one evhttp for each listener on this loop
 *                 └──▶ conn        in the list of its state (loop->conns[state])
 *                         └──▶ http_request   the one that it is busy with
 *
 * Thread: a loop and all beneath it belong to the loop's thread. Shared are the
 * listeners (immutable but for tls), the routes (immutable), the settings
 * (immutable snapshots, each loop holds its own reference) and the counters.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "proxy.h"
#include "route.h"
#include <chatelaine/base_metrics.h>
#include <chatelaine/http.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

struct tls;
struct loop_mail;

/* What a reload may change. Immutable; each loop holds a reference. */
struct settings {
        _Atomic unsigned refs;
        int64_t body_bytes, header_bytes, connections;
        int64_t request_ms; /* first byte to whole request; a reply that does not move; a handshake
                             */
        int64_t idle_ms;    /* no byte of a request at all */
        struct cidr *proxies;
        size_t n_proxies;
};
enum status limits_new(const struct config *c, struct settings **ret, struct error *e) MUST_CHECK;
void settings_release(struct settings *s);

struct listener {
        struct http_server *server;
        char *name;
        unsigned faces;
        bool is_unix;
        bool is_inherited; /* made by systemd, which keeps it open */
        char *path;        /* of the unix socket */
        uint16_t port;
        int *fds;        /* one a loop; -1 where it has none, or since libevent owns it */
        struct tls *tls; /* NULL = plain */
};

struct endpoint {
        struct loop *loop;
        struct listener *listener;
        struct evhttp *evhttp;
        struct evconnlistener *acceptor; /* owned by evhttp; NULL = not served on this loop */
        struct event *resume; /* accepts again after the process ran out of descriptors */
};

/* Each state is the list that holds the connection; the times are those of settings. */
enum conn_state {
        CONN_IDLE,      /* no byte of a request yet: closed after idle_ms */
        CONN_READING,   /* first byte seen (TLS: since accept): 408 after request_ms */
        CONN_HANDLING,  /* the handler has it: no deadline, it must reply */
        CONN_WRITING,   /* a reply or stream on its way out: closed when it stands still for
                           request_ms */
        CONN_LINGERING, /* refused before all was read: what still comes is drained for 2 s */
        CONN_STATES
};

TAILQ_HEAD(conn_list, conn);
TAILQ_HEAD(request_list, http_request);

struct loop {
        struct http_server *server;
        unsigned index;
        pthread_t thread;
        bool is_running; /* the thread was made */
        struct event_base *base;
        struct mailbox *mailbox;
        struct event *mail_event, *hook_event, *sweep_event, *reap_event, *rest_event;
        bool is_sweeping; /* sweep_event is pending */
        bool is_draining;
        bool is_to_rest; /* rest_event is active */
        void *state;     /* what loop_new gave */
        struct settings *settings;
        struct endpoint *endpoints; /* one a listener, same order */
        struct conn_list accepted;  /* made by libevent's callback, not yet looked at */
        struct conn_list closing;   /* ended on this turn */
        struct conn_list conns[CONN_STATES];
        struct conn **by_fd;
        size_t n_by_fd;
        size_t body_budget_bytes;      /* for bodies that are announced or in hand */
        size_t body_reserved_bytes;    /* of it, in use */
        unsigned n_to_linger;          /* of conns[CONN_LINGERING], waiting for hook_event */
        struct http_request *handling; /* by a handler, right now; NULL when it has been replied to
                                          and is over */
        struct request_list requests, spare; /* in use; kept for reuse */
        unsigned n_spare;
        uint64_t random[2]; /* xoroshiro state: names of requests, not secrets */
        char date[32];      /* the Date header of date_s */
        int64_t date_s;
        _Atomic unsigned in_flight; /* requests begun and not over; written by this loop only */
        struct loop_mail *mails; /* serve, drain, stop: made beforehand, so that they cannot fail */
};

struct http_server {
        struct http_wiring wiring;
        struct router *router;
        struct listener *listeners;
        size_t n_listeners;
        struct loop *loops;
        unsigned n_loops;
        unsigned uid;            /* ours, when the server was made */
        _Atomic int64_t n_conns; /* all loops, against settings.connections */

        pthread_mutex_t lock; /* guards the two below */
        pthread_cond_t changed;
        unsigned n_ready;    /* loops that have made their state, or failed to */
        struct error failed; /* the first that failed; status OK = none */

        struct settings *settings; /* main thread's reference */
        bool is_draining;          /* main thread's too */
        struct metric_cell *connections, *latency;
};

/* listener.c */
enum status listeners_open(struct http_server *s, const struct config *c,
                           struct error *e) MUST_CHECK;
void listeners_close(struct http_server *s);

/* loop.c: the server's side */
enum status loop_init(struct loop *l, struct http_server *s, unsigned index,
                      struct error *e) MUST_CHECK;
enum status loop_start(struct loop *l, struct error *e) MUST_CHECK;
void loop_begin_serving(struct loop *l);
enum status loop_take_settings(struct loop *l, struct settings *s,
                               struct error *e) MUST_CHECK; /* takes a reference */
void loop_drain(struct loop *l);
/* A request is handled: wiring.loop_rest comes behind those that are there together with it. */
void loop_rest_later(struct loop *l);
void loop_stop(struct loop *l); /* ask and join */
void loop_fini(struct loop *l);
/* The loop that the calling thread is. */
struct loop *loop_current(void);

static inline void loop_count(struct loop *l, int n)
{
        unsigned now = atomic_load_explicit(&l->in_flight, memory_order_relaxed);
        atomic_store_explicit(&l->in_flight, now + (unsigned)n, memory_order_relaxed);
}

#endif
