#include "conn.h"
#include "request.h"

#include <chatelaine/base_clock.h>
#include <chatelaine/base_log.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define DISPATCH_MAX 128
/* Of a burst of answers: between them what their senders send next is read, so that the writer has
 * the first of it while the last are still being answered. */
#define REPLIES_A_TURN 8
#define RESUME_MS 100 /* after the process ran out of descriptors */

enum order { ORDER_SERVE, ORDER_DRAIN, ORDER_STOP, ORDERS, ORDER_SETTINGS = ORDERS };

struct loop_mail {
        struct mail mail; /* first: deliver casts */
        struct loop *loop;
        enum order order;
        struct settings *settings; /* ORDER_SETTINGS: the loop's own reference */
};

static _Thread_local struct loop *current;

struct loop *loop_current(void)
{
        return current;
}

/* ---- accepting ---- */

static struct endpoint *endpoint_of(struct loop *l, const struct evconnlistener *acceptor)
{
        for (size_t i = 0; i < l->server->n_listeners; i++)
                if (l->endpoints[i].acceptor == acceptor)
                        return &l->endpoints[i];
        return NULL;
}

static void on_resume(evutil_socket_t fd, short what, void *arg)
{
        (void)fd, (void)what;
        struct endpoint *ep = arg;
        if (!ep->loop->is_draining)
                evconnlistener_enable(ep->acceptor);
}

/* accept(2) failed for want of something: pause, or the loop would spin on a readable listener. */
static void on_accept_error(struct evconnlistener *acceptor, void *evhttp)
{
        (void)evhttp;
        int why = errno;
        struct endpoint *ep = endpoint_of(loop_current(), acceptor);
        LOG_ERROR("http.accept_failed", LOG_S("listen", ep->listener->name),
                  LOG_S("why", strerror(why)));
        evconnlistener_disable(acceptor);
        evtimer_add(ep->resume, &(struct timeval){.tv_usec = RESUME_MS * 1000});
}

static void endpoint_serve(struct endpoint *ep)
{
        struct loop *l = ep->loop;
        int fd = ep->listener->fds[l->index];
        if (fd < 0)
                return;
        ep->acceptor = evconnlistener_new(l->base, NULL, NULL,
                                          LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
        if (!ep->acceptor || !evhttp_bind_listener(ep->evhttp, ep->acceptor)) {
                LOG_ERROR("http.listen_failed", LOG_S("listen", ep->listener->name));
                return;
        }
        ep->listener->fds[l->index] = -1;
        evconnlistener_set_error_cb(ep->acceptor, on_accept_error);
}

static void apply_limits(struct endpoint *ep)
{
        evhttp_set_max_headers_size(ep->evhttp, ep->loop->settings->header_bytes);
        evhttp_set_max_body_size(ep->evhttp, ep->loop->settings->body_bytes);
}

static enum status endpoint_init(struct endpoint *ep, struct loop *l, struct listener *listener,
                                 struct error *e)
{
        ep->loop = l;
        ep->listener = listener;
        ep->evhttp = evhttp_new(l->base);
        ep->resume = evtimer_new(l->base, on_resume, ep);
        if (!ep->evhttp || !ep->resume)
                return error_no_memory(e);
        evhttp_set_allowed_methods(ep->evhttp, 0xffff); /* ours to refuse, as 405 */
        evhttp_set_bevcb(ep->evhttp, conn_make, ep);
        evhttp_set_gencb(ep->evhttp, intake, ep);
        apply_limits(ep);
        return STATUS_OK;
}

/* ---- orders from the main thread ---- */

static void drain(struct loop *l)
{
        l->is_draining = true;
        /*
         * New clients are refused, not kept waiting; on an inherited socket they wait for the next
         * daemon. The acceptors are not freed: a descriptor that has duplicates stays in epoll when
         * it is closed.
         */
        for (size_t i = 0; i < l->server->n_listeners; i++) {
                struct endpoint *ep = &l->endpoints[i];
                if (!ep->acceptor)
                        continue;
                evconnlistener_disable(ep->acceptor);
                if (!ep->listener->is_inherited)
                        shutdown(evconnlistener_get_fd(ep->acceptor), SHUT_RDWR);
        }
        struct http_request *r, *next;
        for (r = TAILQ_FIRST(&l->requests); r; r = next) {
                next = TAILQ_NEXT(r, link);
                if (r->stream)
                        stream_drain(r);
        }
}

/* This loop's part of what bodies may take together; one body, zipped and unzipped, always fits. */
static size_t body_budget(const struct loop *l)
{
        const struct http_server *s = l->server;
        size_t all = s->wiring.body_memory_bytes;
        long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
        if (all == 0 && pages > 0 && page_bytes > 0)
                all = (size_t)pages / 8 * (size_t)page_bytes;
        size_t least = 2 * (size_t)l->settings->body_bytes, part = all / s->n_loops;
        return part > least ? part : least;
}

static void take_settings(struct loop *l, struct settings *now)
{
        settings_release(l->settings);
        l->settings = now;
        l->body_budget_bytes = body_budget(l);
        for (size_t i = 0; i < l->server->n_listeners; i++)
                apply_limits(&l->endpoints[i]);
}

static void obey(struct mail *m)
{
        struct loop_mail *mail = (struct loop_mail *)m;
        struct loop *l = mail->loop;
        switch (mail->order) {
        case ORDER_SERVE:
                for (size_t i = 0; i < l->server->n_listeners; i++)
                        endpoint_serve(&l->endpoints[i]);
                break;
        case ORDER_DRAIN: drain(l); break;
        case ORDER_STOP: event_base_loopbreak(l->base); break;
        case ORDER_SETTINGS:
                take_settings(l, mail->settings);
                free(mail);
                break;
        }
}

static void order(struct loop *l, enum order what)
{
        mailbox_post(l->mailbox, &l->mails[what].mail);
}

void loop_begin_serving(struct loop *l)
{
        order(l, ORDER_SERVE);
}

void loop_drain(struct loop *l)
{
        order(l, ORDER_DRAIN);
}

enum status loop_take_settings(struct loop *l, struct settings *s, struct error *e)
{
        struct loop_mail *m = calloc(1, sizeof *m);
        if (!m)
                return error_no_memory(e);
        *m = (struct loop_mail){
                .mail.deliver = obey, .loop = l, .order = ORDER_SETTINGS, .settings = s};
        atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
        mailbox_post(l->mailbox, &m->mail);
        return STATUS_OK;
}

/* ---- the thread ---- */

static void on_mail(evutil_socket_t fd, short what, void *arg)
{
        (void)fd, (void)what;
        struct loop *l = arg;
        mailbox_drain_some(l->mailbox, REPLIES_A_TURN);
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
        (void)fd, (void)what;
        struct loop *l = arg;
        l->is_sweeping = false;
        if (conn_sweep(l))
                conn_keep_sweeping(l);
}

static void on_reap(evutil_socket_t fd, short what, void *arg)
{
        (void)fd, (void)what;
        conn_reap(arg);
}

static void on_rest(evutil_socket_t fd, short what, void *arg)
{
        (void)fd, (void)what;
        struct loop *l = arg;
        l->is_to_rest = false;
        l->server->wiring.loop_rest(l->state);
}

/* libevent takes its active events in order. */
void loop_rest_later(struct loop *l)
{
        if (l->is_to_rest || !l->server->wiring.loop_rest)
                return;
        l->is_to_rest = true;
        event_active(l->rest_event, EV_READ, 0);
}

static void report_ready(struct loop *l, const struct error *e)
{
        struct http_server *s = l->server;
        pthread_mutex_lock(&s->lock);
        if (e && s->failed.status == STATUS_OK)
                s->failed = *e;
        s->n_ready++;
        pthread_cond_signal(&s->changed);
        pthread_mutex_unlock(&s->lock);
}

/* Nothing is served any more: close connections, forget requests that nobody will answer. */
static void close_all(struct loop *l)
{
        mailbox_drain(l->mailbox);
        conn_hook(-1, 0, l);
        for (size_t i = 0; i < l->server->n_listeners; i++) {
                evhttp_free(l->endpoints[i].evhttp);
                l->endpoints[i].evhttp = NULL;
        }
        struct http_request *r;
        while ((r = TAILQ_FIRST(&l->requests))) {
                if (r->ev)
                        evhttp_request_free(r->ev);
                request_free(r);
        }
        conn_reap(l);
        event_base_loop(l->base, EVLOOP_NONBLOCK); /* bufferevents close their descriptors here */
}

static void *loop_main(void *arg)
{
        struct loop *l = arg;
        const struct http_wiring *w = &l->server->wiring;
        struct error e = {.status = STATUS_INTERNAL};
        current = l;
        if (w->loop_new)
                l->state = w->loop_new(w->ctx, l->index, l->mailbox, &e);
        bool is_ready = !w->loop_new || l->state;
        report_ready(l, is_ready ? NULL : &e);
        event_base_loop(l->base, EVLOOP_NO_EXIT_ON_EMPTY);
        close_all(l);
        if (w->loop_free && l->state)
                w->loop_free(l->state);
        return NULL;
}

enum status loop_start(struct loop *l, struct error *e)
{
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the main thread's */
        int rc = pthread_create(&l->thread, NULL, loop_main, l);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (rc != 0)
                return error_set(e, STATUS_INTERNAL, "no-thread", NULL,
                                 "A thread cannot be made: %s.", strerror(rc));
        pthread_setname_np(l->thread, "http");
        l->is_running = true;
        return STATUS_OK;
}

void loop_stop(struct loop *l)
{
        if (!l->is_running)
                return;
        order(l, ORDER_STOP);
        pthread_join(l->thread, NULL);
        l->is_running = false;
}

/* ---- life ---- */

static struct event_base *base_new(void)
{
        struct event_config *config = event_config_new();
        if (!config)
                return NULL;
        /* Other events get their turn between those of a client that pipelines thousands of
         * requests. */
        event_config_set_max_dispatch_interval(config, NULL, DISPATCH_MAX, 0);
        /* Sound as long as no descriptor in it is closed while it has a duplicate. */
        event_config_set_flag(config,
                              EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST | EVENT_BASE_FLAG_NOLOCK);
        struct event_base *base = event_base_new_with_config(config);
        event_config_free(config);
        return base;
}

static enum status init_events(struct loop *l, struct error *e)
{
        l->base = base_new();
        if (!l->base)
                return error_no_memory(e);
        l->mail_event =
                event_new(l->base, mailbox_fd(l->mailbox), EV_READ | EV_PERSIST, on_mail, l);
        l->hook_event = event_new(l->base, -1, 0, conn_hook, l);
        l->sweep_event = evtimer_new(l->base, on_sweep, l);
        l->reap_event = evtimer_new(l->base, on_reap, l);
        l->rest_event = event_new(l->base, -1, 0, on_rest, l);
        if (!l->mail_event || !l->hook_event || !l->sweep_event || !l->reap_event ||
            !l->rest_event || event_add(l->mail_event, NULL) != 0)
                return error_no_memory(e);
        return STATUS_OK;
}

enum status loop_init(struct loop *l, struct http_server *s, unsigned index, struct error *e)
{
        l->server = s;
        l->index = index;
        TAILQ_INIT(&l->accepted);
        TAILQ_INIT(&l->closing);
        for (int i = 0; i < CONN_STATES; i++)
                TAILQ_INIT(&l->conns[i]);
        TAILQ_INIT(&l->requests);
        TAILQ_INIT(&l->spare);
        random_bytes(l->random, sizeof l->random);
        TRY(mailbox_new(&l->mailbox, e));
        TRY(init_events(l, e));
        l->settings = s->settings;
        l->body_budget_bytes = body_budget(l);
        atomic_fetch_add_explicit(&l->settings->refs, 1, memory_order_relaxed);
        l->mails = calloc(ORDERS, sizeof *l->mails);
        l->endpoints = calloc(s->n_listeners, sizeof *l->endpoints);
        if (!l->mails || !l->endpoints)
                return error_no_memory(e);
        for (int i = 0; i < ORDERS; i++)
                l->mails[i] =
                        (struct loop_mail){.mail.deliver = obey, .loop = l, .order = (enum order)i};
        for (size_t i = 0; i < s->n_listeners; i++)
                TRY(endpoint_init(&l->endpoints[i], l, &s->listeners[i], e));
        return STATUS_OK;
}

void loop_fini(struct loop *l)
{
        for (size_t i = 0; l->endpoints && i < l->server->n_listeners; i++) {
                if (l->endpoints[i].evhttp)
                        evhttp_free(l->endpoints[i].evhttp);
                if (l->endpoints[i].resume)
                        event_free(l->endpoints[i].resume);
        }
        struct event *const events[] = {l->mail_event, l->hook_event, l->sweep_event, l->reap_event,
                                        l->rest_event};
        for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
                if (events[i])
                        event_free(events[i]);
        if (l->base)
                event_base_free(l->base);
        struct http_request *r;
        while ((r = TAILQ_FIRST(&l->spare))) {
                TAILQ_REMOVE(&l->spare, r, link);
                request_forget(r);
        }
        mailbox_free(l->mailbox);
        settings_release(l->settings);
        free(l->by_fd);
        free(l->endpoints);
        free(l->mails);
}
