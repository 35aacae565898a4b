#include "request.h"

#include <assert.h>
#include <chatelaine/base_clock.h>
#include <chatelaine/base_log.h>
#include <stdio.h>
#include <stdlib.h>

#define SLICE_MAX (256 * 1024)
#define HEARTBEAT_MS 15000
#define POLL_MIN_MS 20

struct stream {
        bool (*next)(struct http_request *req, struct buf *out, void *ctx);
        void (*gone)(void *ctx);
        void *ctx;
        struct event *poll;
        struct buf slice;
        int64_t heartbeat_mono_ms; /* due then, when nothing else was sent */
};

static void stream_free(struct stream *s)
{
        if (s->poll)
                event_free(s->poll);
        buf_fini(&s->slice);
        s->gone(s->ctx);
        free(s);
}

static void put_chunk(struct http_request *r, struct span data)
{
        struct evbuffer *out = bufferevent_get_output(r->conn->bev);
        if (!r->is_http10)
                evbuffer_add_printf(out, "%zx\r\n", data.len);
        evbuffer_add(out, data.p, data.len);
        if (!r->is_http10)
                evbuffer_add(out, "\r\n", 2);
        conn_enter(r->conn, CONN_WRITING);
}

/* The request may be gone when this returns. */
static void stream_end(struct http_request *r)
{
        struct stream *s = r->stream;
        r->stream = NULL;
        stream_free(s);
        if (!r->is_http10 && !r->is_head)
                evbuffer_add(bufferevent_get_output(r->conn->bev), "0\r\n\r\n", 5);
        reply_send(r);
}

/* One slice, when the last one is out. The request may be gone when this returns. */
static void stream_push(struct http_request *r)
{
        struct stream *s = r->stream;
        if (evbuffer_get_length(bufferevent_get_output(r->conn->bev)) > 0)
                return;
        buf_reset(&s->slice);
        bool goes_on = s->next(r, &s->slice, s->ctx) && s->slice.status == STATUS_OK;
        if (s->slice.status != STATUS_OK)
                LOG_WARN("http.stream_cut", LOG_S("route", http_route_path(r)),
                         LOG_S("why", status_name(s->slice.status)));
        else if (s->slice.len)
                put_chunk(r, buf_view(&s->slice));
        else if (goes_on && clock_mono_ms() >= s->heartbeat_mono_ms)
                put_chunk(r, SPAN(": heartbeat\n\n"));
        else if (goes_on)
                return;
        s->heartbeat_mono_ms = clock_mono_ms() + HEARTBEAT_MS;
        if (!goes_on)
                stream_end(r);
}

/* arg is evhttp's own, since its event callback stays in place. */
static void on_drained(struct bufferevent *bev, void *evcon)
{
        (void)bev;
        struct conn *c = conn_of(loop_current(), evcon);
        if (c && c->req && c->req->stream)
                stream_push(c->req);
}

static void on_poll(evutil_socket_t fd, short what, void *arg)
{
        (void)fd, (void)what;
        stream_push(arg);
}

void http_stream_wake(struct http_request *req)
{
        if (req->stream)
                stream_push(req);
}

static bool stream_init(struct stream *s, struct http_request *r, unsigned poll_ms)
{
        if (poll_ms < POLL_MIN_MS)
                poll_ms = POLL_MIN_MS;
        struct timeval tv = {.tv_sec = poll_ms / 1000, .tv_usec = poll_ms % 1000 * 1000};
        buf_init(&s->slice, SLICE_MAX);
        s->heartbeat_mono_ms = clock_mono_ms() + HEARTBEAT_MS;
        s->poll = event_new(r->loop->base, -1, EV_PERSIST, on_poll, r);
        return s->poll && event_add(s->poll, &tv) == 0;
}

static void stream_begin(struct http_request *r)
{
        struct conn *c = r->conn;
        r->is_replied = true;
        r->must_close |= r->is_http10;
        if (!r->has_cache_control)
                http_reply_header(r, "Cache-Control", "no-store");
        http_reply_header(r, "X-Accel-Buffering", "no");
        reply_head(r, 200, "text/event-stream", -1);
        r->ev->flags |= EVHTTP_USER_OWNED;
        bufferevent_setcb(c->bev, NULL, on_drained, c->evhttp_event, c->evcon);
        bufferevent_enable(c->bev, EV_READ | EV_WRITE); /* reading tells when the client goes */
        conn_enter(c, CONN_WRITING);
}

void http_reply_stream(struct http_request *req,
                       bool (*next)(struct http_request *req, struct buf *out, void *ctx),
                       void (*gone)(void *ctx), void *ctx, unsigned poll_ms)
{
        assert(!req->is_replied);
        struct stream *s = calloc(1, sizeof *s);
        if (s)
                *s = (struct stream){.next = next, .gone = gone, .ctx = ctx};
        else
                gone(ctx);
        if (!req->conn || !s || !stream_init(s, req, poll_ms)) {
                struct error e;
                (void)error_no_memory(&e); /* told to nobody when the client is gone */
                if (s)
                        stream_free(s);
                http_reply_error(req, &e);
                return;
        }
        req->stream = s;
        reply_account(req, 200, 0);
        stream_begin(req);
        if (req->is_head || req->loop->is_draining)
                stream_end(req);
}

void stream_drain(struct http_request *r)
{
        stream_end(r);
}

void stream_lost(struct http_request *r)
{
        struct evhttp_request *ev = r->ev;
        struct stream *s = r->stream;
        r->stream = NULL;
        stream_free(s);
        if (ev->evcon)
                ev->flags &= ~EVHTTP_USER_OWNED; /* still in evhttp's list: it frees it */
        else
                evhttp_request_free(ev);
        request_free(r);
}
