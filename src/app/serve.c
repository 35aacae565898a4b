/*
 * serve: the daemon. Rooms start from the store up and stop from the listener
 * down:
 *
 *     start:  engine (store, domain, ledger) ─▶ publisher ─▶ auth ─▶ outbound ─▶ scheduler ─▶ api
 *             ─▶ http
 *     stop:   http drains ─▶ scheduler ─▶ outbound ─▶ publisher flushes ─▶ ledger runs its queue
 *             ─▶ http closes ─▶ the rest
 *
 * Completions come through the loops' mailboxes, so the loops end after the ledger.
 * The main thread waits for signals and does each second's small work.
 */
#include "app/commands.h"
#include "app/engine.h"
#include "app/footprint.h"
#include "app/notify.h"

#include <chatelaine/api.h>
#include <chatelaine/base_log.h>
#include <chatelaine/base_metrics.h>
#include <chatelaine/facade.h>
#include <chatelaine/outbound.h>
#include <chatelaine/publish.h>
#include <chatelaine/schedule.h>

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define DRAIN_MS 9000      /* the whole stop; ten seconds are promised */
#define HTTP_DRAIN_MS 5000 /* of it, for requests in flight */

struct daemon {
        const char *config_path;
        struct engine engine;
        struct auth *auth;
        pthread_mutex_t told_lock; /* guards the next three against the ledger's thread, which tells
                                      them of commits */
        struct publisher *publisher;
        struct scheduler *scheduler;
        struct outbound *outbound;
        struct api *api;
        struct http_server *http;
        struct settings *serving, *served_before; /* http's configuration, and the one before: loops
                                                     may still be reading it */
        const struct http_route *tables[8];
        atomic_bool is_draining;
};

/* ---- hooks ---- */

static void on_durable(void *ctx, int64_t head_seq)
{
        struct daemon *d = ctx;

        pthread_mutex_lock(&d->told_lock);
        if (d->publisher)
                publish_wake(d->publisher);
        if (d->scheduler)
                schedule_committed(d->scheduler, head_seq);
        if (d->outbound)
                outbound_wake(d->outbound);
        pthread_mutex_unlock(&d->told_lock);
}

static bool hook_is_draining(void *ctx)
{
        struct daemon *d = ctx;

        return atomic_load_explicit(&d->is_draining, memory_order_relaxed);
}

static enum status hook_backup(void *ctx, const char *path, struct error *e)
{
        struct daemon *d = ctx;

        return store_backup(d->engine.store, path, e);
}

static enum status hook_rotate_secrets(void *ctx, struct error *e)
{
        struct daemon *d = ctx;
        const char *path = d->engine.settings->config->secret_file;

        TRY(secrets_rotate(path, e));
        return domain_reload_secrets(d->engine.domain, path, e);
}

static struct publisher *told_publisher(struct daemon *d)
{
        pthread_mutex_lock(&d->told_lock);
        struct publisher *p = d->publisher;
        pthread_mutex_unlock(&d->told_lock);
        return p;
}

static enum status hook_republish(void *ctx, int64_t from, int64_t through, int64_t *ret_count,
                                  struct error *e)
{
        struct publisher *p = told_publisher(ctx);

        if (!p)
                return error_set_http(e, STATUS_LIMIT, 503, "draining", NULL,
                                      "The daemon is going down.");
        return publish_again(p, from, through, ret_count, e);
}

/* What Kafka and every audit sink have. */
static int64_t published_mark(void *ctx)
{
        struct daemon *d = ctx;
        int64_t in_kafka = publish_mark(told_publisher(d)), with_sinks = outbound_mark(d->outbound);

        return in_kafka < with_sinks ? in_kafka : with_sinks;
}

/* A loop's state: auth's, over a read connection of its own. */
static void *loop_new(void *ctx, unsigned index, struct mailbox *mb, struct error *e)
{
        struct daemon *d = ctx;
        struct store_conn *db;
        struct auth_loop *loop;

        (void)index;
        (void)mb;
        if (store_connect(d->engine.store, STORE_READ, &db, e) != STATUS_OK)
                return NULL;
        if (auth_loop_new(d->auth, db, &loop, e) != STATUS_OK) {
                store_disconnect(db);
                return NULL;
        }
        return loop;
}

static void loop_free(void *state)
{
        struct auth_loop *loop = state;
        struct store_conn *db = auth_loop_db(loop);

        auth_loop_free(loop);
        store_disconnect(db);
}

static void loop_rest(void *state)
{
        auth_loop_rest(state);
}

/* ---- each second ---- */

static void look_at_disk(struct daemon *d)
{
        struct settings *s = domain_settings(d->engine.domain);
        struct statvfs v;
        bool was_ok = !domain_is_disk_low(d->engine.domain), is_ok = true;

        if (statvfs(s->config->state_dir, &v) == 0)
                is_ok = (int64_t)(v.f_bavail * v.f_frsize) >= s->config->limits.min_free_disk_bytes;
        domain_set_disk_low(d->engine.domain, !is_ok);
        if (was_ok != is_ok && !is_ok)
                LOG_ERROR("disk.low", LOG_S("state_dir", s->config->state_dir),
                          LOG_I("min_free_bytes", s->config->limits.min_free_disk_bytes));
        else if (was_ok != is_ok)
                LOG_INFO("disk.ok", LOG_S("state_dir", s->config->state_dir));
        settings_unref(s);
}

/* ---- start ---- */

static enum status start_http(struct daemon *d, struct error *e)
{
        const struct config *c = d->engine.settings->config;
        struct api_options api = {
                .domain = d->engine.domain,
                .auth = d->auth,
                .version = CHATELAINE_VERSION,
                .hooks = {.ctx = d,
                          .is_draining = hook_is_draining,
                          .backup = hook_backup,
                          .rotate_secrets = hook_rotate_secrets,
                          .republish = hook_republish},
                .route_tables = d->tables,
        };
        struct http_wiring w = {
                .route_tables = d->tables,
                .loop_new = loop_new,
                .loop_free = loop_free,
                .loop_rest = loop_rest,
                .ctx = d,
        };
        char socket[4096], **names = NULL;
        enum status s;

        TRY(api_new(&api, &d->api, e));
        d->tables[0] = api_routes(d->api);
        d->tables[1] = linked_services_routes;
        d->tables[2] = oauth2_routes;
        d->tables[3] = airisk_routes;
        d->tables[4] = contract_fit_routes;
        d->tables[5] = authress_routes;
        w.error_shapes = facade_error_shapes;
        snprintf(socket, sizeof socket, "%s/admin.sock", c->state_dir);
        w.admin_socket = socket;
        w.activation_fds = notify_sockets(&names);
        w.activation_names = (const char *const *)names;
        s = http_start(c, &w, &d->http, e);
        for (int i = 0; i < w.activation_fds; i++)
                free(names[i]);
        free(names);
        d->serving = settings_ref(d->engine.settings);
        return s;
}

/* Who hears of commits from now on. */
static void tell_commits(struct daemon *d, struct publisher *p, struct scheduler *s)
{
        pthread_mutex_lock(&d->told_lock);
        d->publisher = p;
        d->scheduler = s;
        pthread_mutex_unlock(&d->told_lock);
}

static void tell_outbound(struct daemon *d, struct outbound *o)
{
        pthread_mutex_lock(&d->told_lock);
        d->outbound = o;
        pthread_mutex_unlock(&d->told_lock);
}

static enum status start(struct daemon *d, struct config *take_config, struct error *e)
{
        struct engine_options o = {
                .take_config = take_config, .durable = on_durable, .durable_ctx = d};
        struct schedule_options schedule = {.ctx = d, .published_mark = published_mark};
        struct publisher *publisher;
        struct scheduler *scheduler;
        struct outbound *outbound;
        enum status s = publish_event_bytes_max(take_config, &o.event_bytes_max, e);

        if (s != STATUS_OK) {
                config_free(take_config);
                return s;
        }
        TRY(engine_open(&o, &d->engine, e));
        TRY(publish_start(d->engine.settings->config, d->engine.store, d->engine.ledger, &publisher,
                          e));
        tell_commits(d, publisher, NULL);
        TRY(auth_new(d->engine.domain, &d->auth, e));
        TRY(outbound_start(d->engine.domain, &outbound, e));
        tell_outbound(d, outbound);
        schedule.domain = d->engine.domain;
        TRY(schedule_start(&schedule, &scheduler, e));
        tell_commits(d, publisher, scheduler);
        look_at_disk(d);
        return start_http(d, e);
}

/* ---- stop ---- */

/* Requests in flight get their answers; a second SIGTERM or SIGINT does not wait for them. */
static void wait_for_requests(struct daemon *d, int64_t until_mono_ms)
{
        const struct timespec look_again = {.tv_nsec = 5000000};
        sigset_t again;

        sigemptyset(&again);
        sigaddset(&again, SIGTERM);
        sigaddset(&again, SIGINT);
        while (http_in_flight(d->http) && clock_mono_ms() < until_mono_ms)
                if (sigtimedwait(&again, NULL, &look_again) > 0)
                        return;
}

static void stop(struct daemon *d)
{
        int64_t end = clock_mono_ms() + DRAIN_MS;
        struct publisher *p = d->publisher;
        struct scheduler *scheduler = d->scheduler;
        struct outbound *outbound = d->outbound;

        atomic_store(&d->is_draining, true);
        if (d->http) {
                http_drain(d->http);
                wait_for_requests(d, end - DRAIN_MS + HTTP_DRAIN_MS);
        }
        tell_commits(d, p, NULL);
        schedule_stop(scheduler);
        tell_outbound(d, NULL);
        outbound_stop(outbound);
        if (p) {
                int64_t left = end - clock_mono_ms();
                tell_commits(d, NULL, NULL);
                publish_stop(p, left > 0 ? (int)left : 0);
        }
        auth_stop(d->auth); /* its pool may have waited for the publisher, and may have commands */
        engine_stop_ledger(&d->engine);
        publish_free(p);
        http_free(d->http);
        api_free(d->api);
        auth_free(d->auth);
        settings_unref(d->serving);
        settings_unref(d->served_before);
        engine_close(&d->engine);
}

/* ---- reload ---- */

/* All or none: what one of them refuses is put back in the others. */
static enum status reload_rooms(struct daemon *d, const struct config *now, struct error *e)
{
        TRY(outbound_reload(d->outbound, now, e));
        enum status s = http_reload(d->http, now, e);
        if (s == STATUS_OK)
                s = log_configure(now->log.level, now->log.format, e);
        if (s != STATUS_OK && outbound_reload(d->outbound, d->serving->config, NULL) != STATUS_OK)
                LOG_ERROR("outbound.reload_failed");
        return s;
}

/* A bad file keeps the settings that are there. */
static void reload(struct daemon *d)
{
        const struct config *running = d->engine.settings->config;
        CLEANUP(buf_fini) struct buf left;
        struct settings *now = NULL;
        struct config *config;
        struct error e;
        enum status s;

        notify_reloading(clock_mono_us());
        buf_init(&left, 4096);
        s = config_load(d->config_path, &config, &e);
        if (s == STATUS_OK) {
                config_restart_needed(running, config, &left);
                config_keep(running, config);
                s = settings_new(config, &now, &e);
        }
        if (s == STATUS_OK)
                s = reload_rooms(d, now->config, &e);
        if (s != STATUS_OK) {
                log_error(LOG_LEVEL_ERROR, "config.reload_refused", &e);
                settings_unref(now);
                notify_ready();
                return;
        }
        if (left.len)
                LOG_WARN("config.restart_needed", LOG_SPAN("options", buf_view(&left)));
        settings_unref(d->served_before);
        d->served_before = d->serving;
        d->serving = settings_ref(now);
        domain_set_settings(d->engine.domain, now);
        LOG_INFO("config.reloaded", LOG_S("path", d->config_path));
        notify_ready();
}

/* ---- run ---- */

/* Until SIGTERM or SIGINT. */
static void run(struct daemon *d, const sigset_t *signals)
{
        int64_t interval = notify_interval_ms(), alive_at = 0;

        for (;;) {
                int64_t wait = interval && interval < 1000 ? interval : 1000;
                struct timespec t = {.tv_sec = wait / 1000, .tv_nsec = wait % 1000 * 1000000};
                int sig = sigtimedwait(signals, NULL, &t);

                if (sig == SIGTERM || sig == SIGINT)
                        return;
                if (sig == SIGHUP)
                        reload(d);
                look_at_disk(d);
                if (interval && clock_mono_ms() >= alive_at &&
                    ledger_is_healthy(d->engine.ledger)) {
                        notify_alive();
                        alive_at = clock_mono_ms() + interval;
                }
        }
}

/* Descriptors for the connections that the configuration allows. */
static void raise_files_limit(int64_t connections)
{
        struct rlimit r;

        if (getrlimit(RLIMIT_NOFILE, &r) != 0)
                return;
        r.rlim_cur = r.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &r) == 0 && (int64_t)r.rlim_cur < connections + 128)
                LOG_WARN("files.limit_low", LOG_I("limit", r.rlim_cur),
                         LOG_I("connections", connections));
}

/* Loops and writer do not wait for each other in malloc, and a heap does not grow and shrink with
 * each request. */
static void tune_heap(void)
{
        mallopt(M_ARENA_MAX, 8);
        mallopt(M_TOP_PAD, 256 * 1024);
        mallopt(M_TRIM_THRESHOLD, 2 * 1024 * 1024);
}

static void block_signals(sigset_t *signals)
{
        sigemptyset(signals);
        sigaddset(signals, SIGTERM);
        sigaddset(signals, SIGINT);
        sigaddset(signals, SIGHUP);
        pthread_sigmask(SIG_BLOCK, signals, NULL);
        signal(SIGPIPE, SIG_IGN);
        signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error of write(2), told as such */
}

enum cli_exit cmd_serve(struct cli *c)
{
        struct daemon d = {.config_path = c->config_path, .told_lock = PTHREAD_MUTEX_INITIALIZER};
        struct config *config;
        struct error e;
        sigset_t signals;
        enum status s;

        umask(077);
        tune_heap();
        metrics_process(CHATELAINE_VERSION);
        if (!cli_config(c))
                return CLI_FAILED;
        config = c->config;
        c->config = NULL;
        s = log_configure(config->log.level, config->log.format, &e);
        block_signals(&signals);
        raise_files_limit(config->limits.connections);
        if (s == STATUS_OK)
                s = start(&d, config, &e);
        else
                config_free(config);
        if (s != STATUS_OK) {
                log_error(LOG_LEVEL_ERROR, "serve.failed", &e);
                stop(&d);
                return CLI_FAILED;
        }
        LOG_INFO("serve.ready", LOG_S("version", CHATELAINE_VERSION),
                 LOG_S("store", d.engine.settings->config->store),
                 LOG_I("loops", http_loops(d.http)));
        footprint_trim();
        notify_ready();
        run(&d, &signals);
        notify_stopping();
        LOG_INFO("serve.stopping");
        stop(&d);
        LOG_INFO("serve.stopped");
        return CLI_FINE;
}
