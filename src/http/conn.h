/*
 * conn: a client's connection, beside the evhttp_connection that it belongs to.
 *
 *     accept ─▶ IDLE ─first byte─▶ READING ─whole─▶ HANDLING ─reply─▶ WRITING ─▶ IDLE ...
 *                                     │ deadline, error page             │
 *                                     └──────▶ WRITING ─▶ LINGERING ─▶ closed
 *
 * evhttp has no hook for "accepted": the bufferevent is made in its callback,
 * and looked at again on the same turn of the loop, when the evhttp_connection
 * around it exists. From then on the close callback is the only end of a conn.
 *
 * evhttp reads and parses; what it does not look at is watched in the input
 * buffer (first byte, request line, NUL bytes in the head). It does not write
 * replies: those are made in reply.c, and evhttp is told only of their end.
 */
#ifndef HTTP_CONN_H
#define HTTP_CONN_H

#include "server.h"
#include <event2/keyvalq_struct.h>
#include <sys/uio.h>

#define CONN_LINE_BYTES 120
#define LINGER_MS 2000

struct conn {
        TAILQ_ENTRY(conn) link; /* loop->accepted or loop->conns[state] */
        struct endpoint *endpoint;
        struct evhttp_connection *evcon; /* NULL until the accept hook has run */
        struct bufferevent *bev;
        int fd;
        enum conn_state state;
        int64_t deadline_mono_ms;
        size_t unsent_bytes; /* of the output when the deadline was set */
        int64_t started_ms;  /* wall time of the request's first byte */
        struct http_request *req;

        struct evbuffer_cb_entry *watch;
        bufferevent_data_cb evhttp_write; /* evhttp's own callbacks, as it set them */
        bufferevent_event_cb evhttp_event;

        uint8_t address[16]; /* IPv4 as ::ffff:a.b.c.d; zero on the unix socket */
        char ip[46];         /* the same as text; "" on the unix socket */
        unsigned uid;        /* of the unix socket's peer */

        /* The request that is being read. */
        bool has_bytes;      /* and no http_request yet; counted as in flight */
        bool has_whole_line; /* `line` needs no more bytes */
        bool has_head;       /* evhttp has all headers; what follows is body */
        bool has_nul;        /* in the head: evhttp would cut the line there */
        bool is_doomed;      /* could not be made properly: close at once */
        bool must_linger;    /* drain after the reply that is being written */
        unsigned line_len;
        char line[CONN_LINE_BYTES];   /* start of the request line: evhttp forgets it on errors */
        struct evkeyval *last_header; /* before any trailer */
        size_t last_header_len;
        bool is_shed;          /* no memory for its body: evhttp's 413 becomes a 503 */
        size_t reserved_bytes; /* of loop->body_reserved_bytes */
};

/* evhttp's bufferevent callback; arg = struct endpoint. */
struct bufferevent *conn_make(struct event_base *base, void *arg);
/* The hook of loop->hook_event: looks at what was accepted, starts what must linger. */
void conn_hook(evutil_socket_t fd, short what, void *arg);
/* The connection of an evhttp request; NULL when it is none of ours. */
struct conn *conn_of(struct loop *l, struct evhttp_connection *evcon);
/* Move to a state's list and set its deadline. */
void conn_enter(struct conn *c, enum conn_state state);
/* Close now; the close callback frees it. */
void conn_close(struct conn *c);
/* Free what has ended since the last turn of the loop. */
void conn_reap(struct loop *l);
/* All that is over its deadline; returns whether any connection still has one. */
bool conn_sweep(struct loop *l);
/* Sweep again after an eighth of the time-out, within 10 to 500 ms. */
void conn_keep_sweeping(struct loop *l);
/* evbuffer's callback on the input, until the head is whole. */
void conn_on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *arg);
/* The first byte of a request is there; look at what there is of its head. */
void conn_begin_reading(struct conn *c);
void conn_look_at_head(struct conn *c);
/* All headers of `ev` are in: called before the body is read. Reserves memory for the body, or
 * sheds it. */
void conn_head_done(struct conn *c, struct evhttp_request *ev);
/* A request structure takes over: it counts as in flight from now on. */
void conn_end_reading(struct conn *c);
/* The reply is out; evhttp will read the next request or close. */
void conn_request_done(struct conn *c);
/* A request that ends without evhttp's knowledge (408, 503): write what is in the output, then
 * linger. */
void conn_finish_raw(struct conn *c);
/* While a reply is pending: no callback of evhttp's may run. */
void conn_park(struct conn *c);
/* The parts of a reply: to the socket, and what it does not take into the output. */
void conn_write(struct conn *c, const struct iovec *parts, size_t n);
/* Write what is in the output; evhttp's write callback runs when it is empty. */
void conn_send(struct conn *c);

#endif
