/*
 * doctor: what is wrong and what to do about it, also when the daemon is dead.
 * Each check is a row; a check that cannot be made says why.
 */
#include "app/commands.h"

#include <chatelaine/codec_secrets.h>
#include <chatelaine/outbound.h>
#include <chatelaine/publish.h>
#include <chatelaine/store.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>

#define BACKLOG_S_MAX 60 /* an event that waits longer for Kafka is told */

enum verdict { FINE, WARNING, BROKEN };
static const char *const verdict_names[] = {"ok", "warning", "broken"};

struct report {
        struct cli *cli;
        struct buf json;
        enum verdict worst;
};

/* One line; `todo` NULL = nothing to do. */
static void tell(struct report *r, enum verdict v, const char *check, const char *what,
                 const char *todo)
{
        if (v > r->worst)
                r->worst = v;
        json_obj_open(&r->json);
        json_member_text(&r->json, "check", span_of(check));
        json_member_text(&r->json, "verdict", span_of(verdict_names[v]));
        json_member_text(&r->json, "detail", span_of(what));
        json_member_text(&r->json, "todo", span_of(todo));
        json_obj_close(&r->json);
        if (!r->cli->is_json)
                printf("%-8s %-14s %s%s%s\n", verdict_names[v], check, what,
                       todo ? "\n                        do: " : "", todo ? todo : "");
}

static void tell_error(struct report *r, const char *check, const struct error *e, const char *todo)
{
        char text[sizeof *e];

        snprintf(text, sizeof text, "%s%s%s (%s)", e->where, e->where[0] ? ": " : "", e->text,
                 e->slug);
        tell(r, BROKEN, check, text, todo);
}

static bool check_config(struct report *r)
{
        struct error e;
        size_t event_bytes_max;

        if (config_load(r->cli->config_path, &r->cli->config, &e) != STATUS_OK) {
                tell_error(r, "configuration", &e,
                           "mend the file; `chatelaine check-config` reads it as serve would");
                return false;
        }
        if (publish_event_bytes_max(r->cli->config, &event_bytes_max, &e) != STATUS_OK)
                tell_error(r, "configuration", &e, "mend the kafka section");
        else
                tell(r, FINE, "configuration", r->cli->config_path, NULL);
        return true;
}

static void check_secrets(struct report *r)
{
        struct secrets *secrets;
        struct error e;

        if (secrets_load(r->cli->config->secret_file, &secrets, &e) != STATUS_OK) {
                tell_error(
                        r, "secret file", &e,
                        "bring it back from where you keep it, mode 0600, owned by the daemon's user");
                return;
        }
        secrets_free(secrets);
        tell(r, FINE, "secret file", r->cli->config->secret_file, NULL);
}

static void check_store(struct report *r)
{
        struct store *store;
        unsigned have = 0, want = 0;
        char text[128];
        struct error e;
        enum status s = store_open(r->cli->config->store, false, &store, &e);

        if (s != STATUS_OK) {
                tell_error(r, "database", &e,
                           "is the path right, may you read it? a broken file: restore a backup");
                return;
        }
        s = store_schema_version(store, &have, &want, &e);
        snprintf(text, sizeof text, "schema %u, this program's is %u, %" PRId64 " bytes", have,
                 want, store_size_bytes(store));
        store_close(store);
        if (s != STATUS_OK)
                tell_error(r, "database", &e, "restore a backup");
        else if (have > want)
                tell(r, BROKEN, "database", text, "use the newer program that made it");
        else
                tell(r, have < want ? WARNING : FINE, "database", text,
                     have < want
                             ? "`chatelaine migrate`, or start the daemon: it carries the schema forward"
                             : NULL);
}

static void check_disk(struct report *r)
{
        const struct config *c = r->cli->config;
        struct statvfs v;
        char text[128];
        int64_t available;

        if (statvfs(c->state_dir, &v) != 0) {
                tell(r, BROKEN, "disk", "the state directory cannot be looked at",
                     "does it exist, may you enter it?");
                return;
        }
        available = (int64_t)(v.f_bavail * v.f_frsize);
        snprintf(text, sizeof text, "%" PRId64 " MiB free, at least %" PRId64 " wanted",
                 available >> 20, c->limits.min_free_disk_bytes >> 20);
        if (available < c->limits.min_free_disk_bytes)
                tell(r, BROKEN, "disk", text,
                     "make room: writes are refused until there is (revocations are not)");
        else
                tell(r, FINE, "disk", text, NULL);
}

/* ---- the daemon ---- */

static enum status ask(struct report *r, const char *target, struct outbound_reply *ret,
                       struct error *e)
{
        struct outbound_request q = {.method = "GET",
                                     .target = target,
                                     .reply_bytes_max = (size_t)16 << 20,
                                     .timeout_s = 5};
        enum status s;

        q.unix_socket = arena_printf(&r->cli->arena, "%s/admin.sock", r->cli->config->state_dir);
        s = outbound_call(&q, ret, e);
        if (s != STATUS_OK)
                buf_fini(&ret->body);
        return s;
}

/* The value of a metric without labels; -1 when it is not there. */
static int64_t metric_value(struct span text, const char *name)
{
        struct span line, rest = text;

        while (rest.p && rest.len) {
                line = span_split(rest, '\n', &rest);
                if (span_starts(line, name) && line.len > strlen(name) &&
                    line.p[strlen(name)] == ' ')
                        return strtoll(line.p + strlen(name) + 1, NULL, 10);
        }
        return -1;
}

static void check_backlog(struct report *r, struct span metrics)
{
        int64_t rows, seconds;
        char text[128];

        rows = metric_value(metrics, "chatelaine_outbox_rows");
        seconds = metric_value(metrics, "chatelaine_outbox_oldest_seconds");
        snprintf(text, sizeof text, "%" PRId64 " events wait, the oldest for %" PRId64 " s", rows,
                 seconds);
        tell(r, seconds > BACKLOG_S_MAX ? WARNING : FINE, "kafka", text,
             seconds > BACKLOG_S_MAX
                     ? "do the brokers answer? the log's kafka.* events say; nothing is lost meanwhile"
                     : NULL);
}

/* Without keys nobody of that issuer gets in. */
static void check_trusts(struct report *r, struct span metrics)
{
        for (size_t i = 0; i < r->cli->config->n_trusts; i++) {
                char metric[256], what[160], text[64];
                const char *name = r->cli->config->trusts[i].name;

                snprintf(metric, sizeof metric, "chatelaine_trust_keys{trust=\"%s\"}", name);
                int64_t n = metric_value(metrics, metric);
                snprintf(what, sizeof what, "trust %s", name);
                snprintf(text, sizeof text, "%" PRId64 " keys of the issuer", n > 0 ? n : 0);
                tell(r, n > 0 ? FINE : WARNING, what, text,
                     n > 0 ? NULL
                           : "nobody of this issuer gets in: does it answer? the log's trust.failed "
                             "events say why");
        }
}

static void check_metrics(struct report *r)
{
        struct outbound_reply reply;
        struct error e;

        if (ask(r, "/metrics", &reply, &e) != STATUS_OK) {
                tell_error(r, "kafka", &e, NULL);
                return;
        }
        check_backlog(r, buf_view(&reply.body));
        check_trusts(r, buf_view(&reply.body));
        buf_fini(&reply.body);
}

static void check_daemon(struct report *r)
{
        struct outbound_reply reply;
        char text[256];
        struct error e;

        if (ask(r, "/readyz", &reply, &e) != STATUS_OK) {
                tell_error(r, "daemon", &e,
                           "start it: `systemctl start chatelaine` or `chatelaine serve`");
                return;
        }
        snprintf(text, sizeof text, "%.*s", (int)reply.body.len,
                 reply.body.data ? reply.body.data : "");
        tell(r, reply.status == 200 ? FINE : BROKEN, "daemon",
             reply.status == 200 ? "running and ready" : text,
             reply.status == 200 ? NULL
                                 : "the checks that are false say which part; its log says why");
        buf_fini(&reply.body);
        check_metrics(r);
}

enum cli_exit cmd_doctor(struct cli *c)
{
        struct report r = {.cli = c};

        buf_init(&r.json, 1 << 20);
        json_arr_open(&r.json);
        if (check_config(&r)) {
                check_secrets(&r);
                check_store(&r);
                check_disk(&r);
                check_daemon(&r);
        }
        json_arr_close(&r.json);
        if (c->is_json)
                printf("{\"verdict\":\"%s\",\"checks\":%s}\n", verdict_names[r.worst],
                       r.json.data ? r.json.data : "[]");
        buf_fini(&r.json);
        return r.worst == BROKEN ? CLI_FAILED : CLI_FINE;
}
