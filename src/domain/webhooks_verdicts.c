#include "domain/names.h"
#include "domain/webhooks.h"

#include <chatelaine/base_metrics.h>
#include <chatelaine/codec_json.h>

static const char *const outcome_names[] = {
        [WEBHOOK_REJECTED] = "rejected",
        [WEBHOOK_CREATED] = "created",
        [WEBHOOK_UPDATED] = "updated",
        [WEBHOOK_UNCHANGED] = "unchanged",
};
static const char *const status_names[] = {
        [WEBHOOK_PENDING] = "PENDING",
        [WEBHOOK_DONE] = "DONE",
        [WEBHOOK_ERROR] = "ERROR",
};

const char *webhook_outcome_name(enum webhook_outcome o)
{
        return outcome_names[o];
}

const char *webhook_status_name(enum webhook_status s)
{
        return status_names[s];
}

static void write_number(struct buf *out, const char *name, int64_t n)
{
        if (n)
                json_member_int(out, name, n);
        else
                json_member_null(out, name);
}

/* A good item of a batch that was not stored is rejected too, but without an error of its own. */
static void write_item(const struct webhook_item *item, size_t index, struct buf *out)
{
        bool is_stored = item->outcome != WEBHOOK_REJECTED && item->log_id;
        json_obj_open(out);
        json_member_int(out, "index", (int64_t)index);
        json_member_text(out, "id", item->external_id);
        write_number(out, "log_id", item->log_id);
        json_member_text(out, "outcome", span_of(outcome_names[item->outcome]));
        write_number(out, "version", item->version);
        json_member_text(out, "status",
                         is_stored ? span_of(status_names[item->status]) : SPAN_NONE);
        if (item->slug) {
                json_key(out, "error");
                json_obj_open(out);
                json_member_text(out, "slug", span_of(item->slug));
                json_member_text(out, "detail", span_of(item->detail));
                json_obj_close(out);
        }
        json_obj_close(out);
}

void webhook_verdicts_items(const struct webhook_batch *b, struct buf *out)
{
        json_arr_open(out);
        for (size_t i = 0; i < b->n_items && out->status == STATUS_OK; i++)
                write_item(&b->items[i], i, out);
        json_arr_close(out);
}

void webhook_verdicts_write(const struct webhook_batch *b, struct buf *out)
{
        json_obj_open(out);
        json_key(out, "items");
        webhook_verdicts_items(b, out);
        json_obj_close(out);
}

/* ---- counters ---- */

static struct metric_family *items_total;

void webhooks_metrics(void)
{
        items_total = metric_family(METRIC_COUNTER, "chatelaine_webhook_items_total", "app,outcome",
                                    "Webhook items by app and outcome.");
}

#define N_OUTCOMES (sizeof outcome_names / sizeof outcome_names[0])

/* Of the app that this thread counted last: most batches are one app's. */
static struct metric_cell *cell_of(struct span app, size_t outcome)
{
        static _Thread_local struct {
                char app[64];
                struct metric_cell *cells[N_OUTCOMES];
        } last;

        if (!span_is(app, last.app)) {
                memset(&last, 0, sizeof last);
                memcpy(last.app, app.p, app.len < sizeof last.app ? app.len : sizeof last.app - 1);
        }
        if (!last.cells[outcome])
                last.cells[outcome] = METRIC_CELL(items_total, last.app, outcome_names[outcome]);
        return last.cells[outcome];
}

void webhooks_count(const struct webhook_batch *b)
{
        for (size_t i = 0; i < N_OUTCOMES; i++)
                if (b->counts[i])
                        metric_add(cell_of(b->app_slug, i), b->counts[i]);
}

/* ---- the command ---- */

/* What was not stored is not counted as stored; a refused batch counts with all its items. */
static void batch_fini(struct domain_command *c)
{
        struct webhook_ingest *w = (struct webhook_ingest *)c;
        bool is_stored = w->has_run && c->base.status == STATUS_OK;
        bool is_refused = !w->has_run && w->b.n_bad && !w->b.is_lenient;
        if (is_refused) {
                memset(w->b.counts, 0, sizeof w->b.counts);
                w->b.counts[WEBHOOK_REJECTED] = (int64_t)w->b.n_items;
        }
        if (is_stored || is_refused)
                webhooks_count(&w->b);
        buf_fini(&w->events);
        buf_fini(&w->event);
}

/* Escaped, an id has 1,530 bytes, a type 1,200, a slug 50, a status text 1,530. */
#define EVENT_TEXT_BYTES_MAX ((size_t)4096)

/* An item, the table of keys, its columns, and the texts that had to be decoded. */
static size_t arena_bytes(const struct config *c, struct span body)
{
        size_t items = (size_t)c->limits.items + 1;
        return items * (3 * sizeof(struct webhook_item) + 512) + 4 * body.len + ((size_t)1 << 16);
}

enum status webhook_batch_new(struct domain *d, struct settings *s, const struct app_row *app,
                              const struct app_scopes *scopes, int64_t user_number,
                              struct span body, enum webhook_form form, struct webhook_batch **ret,
                              struct error *e)
{
        struct webhook_ingest *w;
        TRY(domain_command_new(d, s, sizeof *w, arena_bytes(s->config, body), &w, e));
        struct webhook_batch *b = &w->b;
        b->base.audit.action = "webhook.ingest";
        b->base.prepare = webhooks_prepare;
        b->base.run = webhooks_run;
        b->base.base.is_repeatable = true;
        b->base.is_caller_safe = true;
        b->base.fini = batch_fini;
        b->app_id = app->id;
        b->app_slug = app->slug;
        b->user_number = user_number;
        b->scopes = scopes;
        domain_target(&b->base, "app", app->slug);
        enum status status = webhooks_scan(b, body, form, e);
        buf_init(&w->events, b->n_items * EVENT_TEXT_BYTES_MAX);
        buf_init(&w->event, body.len + 2 * EVENT_TEXT_BYTES_MAX);
        if (status != STATUS_OK) {
                b->n_bad = 0;
                domain_command_free(&b->base);
                return status;
        }
        *ret = b;
        return STATUS_OK;
}
