/*
 * trusts: the keys of other issuers, fetched before they are needed.
 *
 *     idle ──due──▶ metadata ──404──▶ metadata of RFC 8414 ──┐
 *       ▲             └───────────── jwks_uri ───────────────┴▶ keys ─▶ trust_set_keys ─▶ idle
 *       └────────────────────────── a failure: later ──────────────────────────┘
 *
 * With `jwks` in the configuration only the last is asked for. An answer counts when it is 200 and
 * whole (no redirect is followed, a larger one is refused), the metadata's issuer is the
 * configuration's to the letter, and the set has a key that can be used. What was there before
 * stays otherwise, as long as the domain believes it.
 *
 * Due: at three quarters of the answer's max-age (within FRESH_LEAST_MS and FRESH_MOST_MS;
 * FRESH_MS where it does not say); after a failure; and when a token named a key that is not there.
 * The last two EVERY_MS after the attempt before at the earliest, but for a failure without any key
 * to go on with. By the wall clock, as the keys' ends are; when it steps back, at once.
 */
#include "outbound/backoff.h"
#include "outbound/loop.h"

#include <chatelaine/base_log.h>
#include <chatelaine/base_metrics.h>
#include <chatelaine/domain_trust.h>

#include <stdio.h>
#include <stdlib.h>

#define MINUTE_MS (60 * INT64_C(1000))
#define FRESH_LEAST_MS (5 * MINUTE_MS)
#define FRESH_MS (60 * MINUTE_MS)
#define FRESH_MOST_MS (12 * 60 * MINUTE_MS)
#define EVERY_MS MINUTE_MS /* as long as there are keys to go on with */
#define FAILURES_MAX 6     /* of backoff: a minute, or what the issuer asks for */
#define TIMEOUT_MS 10000
#define ANSWER_BYTES_MAX ((size_t)256 * 1024)
#define METADATA_DEPTH_MAX 16

#define OPENID_PATH "/.well-known/openid-configuration"
#define OAUTH_PATH "/.well-known/oauth-authorization-server"

enum asked { NOTHING, OPENID_METADATA, OAUTH_METADATA, KEYS };

struct trust {
        struct outbound *loop;
        const struct trust_target *target; /* of the loop's trust_plan */
        struct trust_keys *keys;           /* counted; NULL = none yet */
        int64_t tried_at, next_at;         /* wall */
        int64_t failures;
        enum asked asked; /* what is under way */
        struct request request;
        struct transfer transfer;
};

static struct metric_family *fetches, *usable;

void trusts_metrics(void)
{
        fetches = metric_family(METRIC_COUNTER, "chatelaine_trust_fetches_total", "trust,outcome",
                                "Fetches of another issuer's keys: ok or failed.");
        usable = metric_family(METRIC_GAUGE, "chatelaine_trust_keys", "trust",
                               "Keys of another issuer that may verify a token now.");
}

static struct trust_source source_of(const struct trust_target *t)
{
        return (struct trust_source){.issuer = t->issuer, .jwks = t->jwks, .ca_file = t->ca_file};
}

static enum status publish(struct outbound *o, struct error *e)
{
        struct trust_keys **list = calloc(o->n_trusts + 1, sizeof *list);
        size_t n = 0;
        if (!list)
                return error_no_memory(e);
        for (size_t i = 0; i < o->n_trusts; i++)
                if (o->trusts[i].keys)
                        list[n++] = o->trusts[i].keys;
        enum status s = trust_set_keys(o->domain, list, n, e);
        free(list);
        return s;
}

/* ---- asking ---- */

static void on_answer(struct transfer *t);

static void end(struct trust *t)
{
        transfer_fini(&t->transfer);
        request_fini(&t->request);
        t->asked = NOTHING;
}

/* Ends what is under way. */
static void fail(struct trust *t, const char *reason, int64_t retry_after_s)
{
        int64_t n = t->failures < FAILURES_MAX ? t->failures : FAILURES_MAX;
        int64_t wait = backoff_ms(n, retry_after_s), now = clock_now_ms();
        size_t n_keys = t->keys ? trust_keys_usable(t->keys, now) : 0;
        if (n_keys && wait < EVERY_MS)
                wait = EVERY_MS;
        t->failures++;
        t->next_at = now + wait;
        metric_add(METRIC_CELL(fetches, t->target->name, "failed"), 1);
        LOG_WARN("trust.failed", LOG_S("trust", t->target->name), LOG_S("reason", reason),
                 LOG_I("keys", n_keys), LOG_I("retry_ms", wait));
        end(t);
        loop_tick_in(t->loop, wait);
}

static void ask(struct trust *t, enum asked what, struct span url, const char *path,
                struct span tail)
{
        struct error e;
        transfer_fini(&t->transfer);
        request_fini(&t->request);
        request_init(&t->request, 0);
        buf_span(&t->request.url, url);
        buf_text(&t->request.url, path);
        buf_span(&t->request.url, tail);
        request_header(&t->request, "Accept", SPAN("application/json"));
        t->asked = what;
        enum status s = request_check(&t->request, &e);
        if (s == STATUS_OK) {
                t->transfer = (struct transfer){
                        .method = "GET",
                        .url = t->request.url.data,
                        .headers = t->request.headers,
                        .ca_file = t->target->ca_file,
                        .timeout_ms = TIMEOUT_MS,
                        .whole_bytes_max = ANSWER_BYTES_MAX,
                        .done = on_answer,
                        .ctx = t,
                };
                s = multi_start(t->loop->multi, &t->transfer, &e);
        }
        if (s != STATUS_OK)
                fail(t, e.slug, 0);
}

/* Discovery 1.0 section 4: behind the issuer's path. RFC 8414 section 3: before it. */
static void ask_metadata(struct trust *t, enum asked what)
{
        struct span issuer = span_of(t->target->issuer);
        const char *host = strstr(issuer.p, "://");
        size_t origin = host ? (size_t)(host + 3 - issuer.p) : 0;
        while (issuer.len > 0 && issuer.p[issuer.len - 1] == '/')
                issuer.len--;
        while (origin < issuer.len && issuer.p[origin] != '/')
                origin++;
        if (what == OPENID_METADATA)
                ask(t, what, issuer, OPENID_PATH, SPAN(""));
        else
                ask(t, what, span_make(issuer.p, origin), OAUTH_PATH,
                    span_make(issuer.p + origin, issuer.len - origin));
}

static void begin(struct trust *t)
{
        t->tried_at = clock_now_ms();
        if (*t->target->jwks)
                ask(t, KEYS, span_of(t->target->jwks), "", SPAN(""));
        else
                ask_metadata(t, OPENID_METADATA);
}

/* ---- answers ---- */

/* How long an answer is fresh (RFC 9111 section 5.2.2), within our bounds. */
static int64_t fresh_ms(const char *cache_control)
{
        int64_t ms = FRESH_MS;
        for (struct span rest = span_of(cache_control); rest.p;) {
                struct span value, name = span_split(span_split(rest, ',', &rest), '=', &value);
                int64_t seconds;
                name = span_trim(name);
                if (span_is_nocase(name, "no-store") || span_is_nocase(name, "no-cache"))
                        return FRESH_LEAST_MS;
                if (!span_is_nocase(name, "max-age") || !value.p ||
                    span_int64(span_trim(value), &seconds, NULL) != STATUS_OK)
                        continue;
                ms = seconds < FRESH_MOST_MS / 1000 ? seconds * 1000 : FRESH_MOST_MS;
        }
        return ms < FRESH_LEAST_MS ? FRESH_LEAST_MS : ms;
}

static enum status take_keys(struct trust *t, struct error *e)
{
        struct trust_source source = source_of(t->target);
        struct trust_keys *keys = NULL, *old = t->keys;
        int64_t now = clock_now_ms(), fresh = fresh_ms(t->transfer.cache_control);
        struct jwks *set;
        TRY(jwks_parse(buf_view(&t->transfer.reply), &set, e));
        enum status s = trust_keys_new(&source, set, old, now, &keys, e);
        jwks_free(set);
        TRY(s);
        t->keys = keys;
        s = publish(t->loop, e);
        if (s != STATUS_OK) {
                t->keys = old;
                trust_keys_unref(keys);
                return s;
        }
        trust_keys_unref(old);
        t->failures = 0;
        t->next_at = now + fresh / 4 * 3;
        metric_add(METRIC_CELL(fetches, t->target->name, "ok"), 1);
        LOG_INFO("trust.fetched", LOG_S("trust", t->target->name),
                 LOG_I("keys", trust_keys_usable(keys, now)), LOG_I("next_ms", t->next_at - now));
        end(t);
        loop_tick_in(t->loop, 0);
        return STATUS_OK;
}

/* An issuer elsewhere may not send us to this machine. */
static bool may_ask(const struct trust *t, struct span url)
{
        bool is_local = false, is_issuer_local = false;
        return url.len && config_url_is_safe(url, &is_local) &&
               config_url_is_safe(span_of(t->target->issuer), &is_issuer_local) &&
               (!is_local || is_issuer_local);
}

static enum status take_metadata(struct trust *t, struct error *e)
{
        struct json *CLEANUP(json_freep) root = NULL;
        struct buf CLEANUP(buf_fini) url;
        buf_init(&url, ANSWER_BYTES_MAX);
        if (json_parse(buf_view(&t->transfer.reply), METADATA_DEPTH_MAX, &root, NULL) != STATUS_OK)
                return error_set(e, STATUS_INVALID, "invalid-metadata", NULL, "It is not JSON.");
        if (!span_is(json_get_text(root, "issuer"), t->target->issuer))
                return error_set(e, STATUS_INVALID, "wrong-issuer", NULL,
                                 "The metadata is another issuer's.");
        buf_span(&url, json_get_text(root, "jwks_uri"));
        TRY(buf_check(&url, e));
        if (!may_ask(t, buf_view(&url)))
                return error_set(e, STATUS_INVALID, "unsafe-jwks-uri", NULL,
                                 "The metadata's jwks_uri is missing, or not https://.");
        ask(t, KEYS, buf_view(&url), "", SPAN(""));
        return STATUS_OK;
}

static void on_answer(struct transfer *transfer)
{
        struct trust *t = transfer->ctx;
        struct error e;
        char number[16];
        snprintf(number, sizeof number, "http-%u", transfer->status);
        if (!transfer->failure && transfer->status == 404 && t->asked == OPENID_METADATA)
                ask_metadata(t, OAUTH_METADATA);
        else if (transfer->failure || transfer->status != 200)
                fail(t, transfer->failure ? transfer->failure : number, transfer->retry_after_s);
        else if ((t->asked == KEYS ? take_keys(t, &e) : take_metadata(t, &e)) != STATUS_OK)
                fail(t, e.slug, 0);
}

/* ---- when ---- */

static int64_t due_in(const struct trust *t, int64_t now)
{
        int64_t at = t->next_at;
        if (t->keys && trust_keys_wanted(t->keys) && t->failures == 0 &&
            t->tried_at + EVERY_MS < at)
                at = t->tried_at + EVERY_MS;
        return now < t->tried_at || at <= now ? 0 : at - now;
}

void trusts_look(struct outbound *o, int64_t *next_ms)
{
        int64_t now = clock_now_ms();
        for (size_t i = 0; i < o->n_trusts; i++) {
                struct trust *t = &o->trusts[i];
                int64_t wait = due_in(t, now);
                metric_set(METRIC_CELL(usable, t->target->name),
                           t->keys ? (int64_t)trust_keys_usable(t->keys, now) : 0);
                if (t->asked != NOTHING)
                        continue;
                if (wait == 0)
                        begin(t);
                else if (wait < *next_ms)
                        *next_ms = wait;
        }
}

/* ---- a new plan ---- */

static void trust_end(struct trust *t)
{
        if (t->asked != NOTHING) {
                multi_cancel(t->loop->multi, &t->transfer);
                end(t);
        }
        metric_set(METRIC_CELL(usable, t->target->name), 0);
        trust_keys_unref(t->keys);
}

void trusts_free(struct outbound *o)
{
        for (size_t i = 0; i < o->n_trusts; i++)
                trust_end(&o->trusts[i]);
        free(o->trusts);
        plan_unref(o->trust_plan);
        o->trusts = NULL;
        o->n_trusts = 0;
        o->trust_plan = NULL;
}

/* One of the same source keeps its keys. */
static void take_over(struct outbound *o, struct trust *t)
{
        struct trust_source source = source_of(t->target);
        for (size_t i = 0; i < o->n_trusts; i++) {
                struct trust *old = &o->trusts[i];
                struct trust_source its = source_of(old->target);
                if (!trust_source_equal(&source, &its))
                        continue;
                t->keys = old->keys;
                old->keys = NULL;
                t->tried_at = old->tried_at;
                t->next_at = old->asked == NOTHING ? old->next_at : 0;
                t->failures = old->failures;
        }
}

enum status trusts_take(struct outbound *o, struct plan *next, struct error *e)
{
        struct trust *fresh = calloc(next->n_trusts + 1, sizeof *fresh);
        if (!fresh)
                return error_no_memory(e);
        for (size_t i = 0; i < next->n_trusts; i++) {
                fresh[i].loop = o;
                fresh[i].target = &next->trusts[i];
                request_init(&fresh[i].request, 0);
                take_over(o, &fresh[i]);
        }
        trusts_free(o);
        next->refs++;
        o->trust_plan = next;
        o->trusts = fresh;
        o->n_trusts = next->n_trusts;
        return publish(o, e);
}
