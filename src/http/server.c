#include "server.h"
#include "request.h"
#include "tls.h"

#include <chatelaine/base_log.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define LOOPS_MAX 64

/* ---- settings ---- */

enum status limits_new(const struct config *c, struct settings **ret, struct error *e)
{
        struct settings *s = calloc(1, sizeof *s);
        if (!s)
                return error_no_memory(e);
        s->refs = 1;
        s->body_bytes = c->limits.body_bytes;
        s->header_bytes = c->limits.header_bytes;
        s->connections = c->limits.connections;
        s->request_ms = c->limits.request_timeout_ms;
        s->idle_ms = 2 * s->request_ms;
        s->proxies = calloc(c->trusted_proxies.n + 1, sizeof *s->proxies);
        enum status status = s->proxies ? STATUS_OK : error_no_memory(e);
        for (; status == STATUS_OK && s->n_proxies < c->trusted_proxies.n; s->n_proxies++)
                status = cidr_parse(c->trusted_proxies.items[s->n_proxies],
                                    &s->proxies[s->n_proxies], e);
        if (status != STATUS_OK) {
                settings_release(s);
                return status;
        }
        *ret = s;
        return STATUS_OK;
}

void settings_release(struct settings *s)
{
        if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
                return;
        free(s->proxies);
        free(s);
}

/* ---- start ---- */

static void on_libevent_log(int severity, const char *text)
{
        if (severity >= EVENT_LOG_WARN)
                LOG_WARN("http.libevent", LOG_S("text", text));
}

static unsigned loops_wanted(const struct config *c)
{
        long cores = sysconf(_SC_NPROCESSORS_ONLN);
        unsigned n = c->threads ? c->threads : (unsigned)(cores > 0 ? cores : 1);
        return n < LOOPS_MAX ? n : LOOPS_MAX;
}

static void init_metrics(struct http_server *s)
{
        rejections_family(); /* named before it has counted */
        s->connections = metric_only(metric_family(METRIC_GAUGE, "chatelaine_http_connections", "",
                                                   "Connections that are open."));
        s->latency =
                metric_only(metric_family(METRIC_HISTOGRAM, "chatelaine_http_request_seconds", "",
                                          "Time from the last byte of a request to its reply."));
}

static enum status start_loops(struct http_server *s, struct error *e)
{
        for (unsigned i = 0; i < s->n_loops; i++)
                TRY(loop_init(&s->loops[i], s, i, e));
        for (unsigned i = 0; i < s->n_loops; i++)
                TRY(loop_start(&s->loops[i], e));
        pthread_mutex_lock(&s->lock);
        while (s->n_ready < s->n_loops)
                pthread_cond_wait(&s->changed, &s->lock);
        struct error failed = s->failed;
        pthread_mutex_unlock(&s->lock);
        if (failed.status != STATUS_OK) {
                if (e)
                        *e = failed;
                return failed.status;
        }
        for (unsigned i = 0; i < s->n_loops; i++)
                loop_begin_serving(&s->loops[i]);
        return STATUS_OK;
}

static enum status start(struct http_server *s, const struct config *c, struct error *e)
{
        pthread_mutex_init(&s->lock, NULL);
        pthread_cond_init(&s->changed, NULL);
        init_metrics(s);
        TRY(router_new(s->wiring.route_tables, &s->router, e));
        TRY(limits_new(c, &s->settings, e));
        s->n_loops = loops_wanted(c);
        s->loops = calloc(s->n_loops, sizeof *s->loops);
        if (!s->loops)
                return error_no_memory(e);
        TRY(listeners_open(s, c, e));
        return start_loops(s, e);
}

enum status http_start(const struct config *c, const struct http_wiring *w,
                       struct http_server **ret, struct error *e)
{
        struct http_server *s = calloc(1, sizeof *s);
        if (!s)
                return error_no_memory(e);
        signal(SIGPIPE,
               SIG_IGN); /* a client that has gone is an error of write(2), not the end of us */
        event_set_log_callback(on_libevent_log);
        s->wiring = *w;
        s->uid = geteuid();
        enum status status = start(s, c, e);
        if (status != STATUS_OK) {
                http_free(s);
                return status;
        }
        *ret = s;
        return STATUS_OK;
}

/* ---- reload ---- */

static const struct config_listen *listen_named(const struct config *c, const char *name)
{
        for (size_t i = 0; i < c->n_listens; i++)
                if (strcmp(c->listens[i].name, name) == 0)
                        return &c->listens[i];
        return NULL;
}

/* The certificate of each TLS listener, read anew; NULL for those that have none. */
static enum status load_contexts(const struct http_server *s, const struct config *c,
                                 SSL_CTX **contexts, struct error *e)
{
        for (size_t i = 0; i < s->n_listeners; i++) {
                const struct config_listen *l = listen_named(c, s->listeners[i].name);
                if (s->listeners[i].tls && l && l->tls_certificate && l->tls_certificate[0])
                        TRY(tls_context(l->tls_certificate, l->tls_key, &contexts[i], e));
        }
        return STATUS_OK;
}

enum status http_reload(struct http_server *s, const struct config *c, struct error *e)
{
        struct settings *now;
        TRY(limits_new(c, &now, e));
        SSL_CTX **contexts = calloc(s->n_listeners + 1, sizeof *contexts);
        enum status status = contexts ? load_contexts(s, c, contexts, e) : error_no_memory(e);
        for (unsigned i = 0; i < s->n_loops && status == STATUS_OK; i++)
                status = loop_take_settings(&s->loops[i], now, e);
        for (size_t i = 0; contexts && i < s->n_listeners; i++) {
                if (contexts[i] && status == STATUS_OK)
                        tls_swap(s->listeners[i].tls, contexts[i]);
                else
                        SSL_CTX_free(contexts[i]);
        }
        free(contexts);
        if (status != STATUS_OK) {
                settings_release(now);
                return status;
        }
        settings_release(s->settings);
        s->settings = now;
        return STATUS_OK;
}

/* ---- stop ---- */

void http_drain(struct http_server *s)
{
        if (s->is_draining)
                return;
        s->is_draining = true;
        for (unsigned i = 0; i < s->n_loops; i++)
                loop_drain(&s->loops[i]);
}

unsigned http_in_flight(const struct http_server *s)
{
        unsigned n = 0;
        for (unsigned i = 0; i < s->n_loops; i++)
                n += atomic_load_explicit(&s->loops[i].in_flight, memory_order_relaxed);
        return n;
}

void http_free(struct http_server *s)
{
        if (!s)
                return;
        for (unsigned i = 0; s->loops && i < s->n_loops; i++)
                loop_stop(&s->loops[i]);
        for (unsigned i = 0; s->loops && i < s->n_loops; i++)
                loop_fini(&s->loops[i]);
        free(s->loops);
        listeners_close(s);
        router_free(s->router);
        settings_release(s->settings);
        pthread_cond_destroy(&s->changed);
        pthread_mutex_destroy(&s->lock);
        free(s);
}

unsigned http_loops(const struct http_server *s)
{
        return s->n_loops;
}

unsigned http_port(const struct http_server *s, const char *listen_name)
{
        for (size_t i = 0; i < s->n_listeners; i++)
                if (strcmp(s->listeners[i].name, listen_name) == 0)
                        return s->listeners[i].port;
        return 0;
}

const char *http_library(void)
{
        return event_get_version();
}
