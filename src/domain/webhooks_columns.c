/* What a batch does before it is queued, so that the ledger's thread only writes. */
#include "domain/webhooks.h"

#define EVENT_TEXT_BYTES 256 /* of a usual item */

static enum status columns_alloc(struct webhook_columns *c, struct arena *a, size_t n,
                                 struct error *e)
{
        c->index = arena_alloc(a, n * sizeof *c->index);
        c->ids = arena_alloc(a, 4 * n * sizeof *c->ids);
        c->external_ids = arena_alloc(a, 3 * n * sizeof *c->external_ids);
        c->is_new = arena_alloc(a, n * sizeof *c->is_new);
        if (!c->index || !c->ids || !c->external_ids || !c->is_new)
                return error_no_memory(e);
        c->apps = c->ids + n;
        c->users = c->ids + 2 * n;
        c->times = c->ids + 3 * n;
        c->types = c->external_ids + n;
        c->datas = c->external_ids + 2 * n;
        return STATUS_OK;
}

static void column_add(struct webhook_columns *c, const struct webhook_batch *b, size_t i)
{
        size_t k = c->n++;
        c->index[k] = i;
        c->apps[k] = b->app_id;
        c->users[k] = b->user_number;
        c->external_ids[k] = b->items[i].external_id;
        c->types[k] = b->items[i].type;
        c->datas[k] = b->items[i].data;
}

static void prepare_text(struct webhook_ingest *w, struct webhook_item *item)
{
        item->event_at = w->events.len;
        webhook_event_prepare(w->b.app_slug, w->b.user_number, item->external_id, item->type,
                              item->data, &w->events, &item->key_len);
        item->event_len = w->events.len - item->event_at;
}

struct webhook_event_text webhook_item_text(const struct webhook_ingest *w,
                                            const struct webhook_item *item)
{
        const char *p = w->events.data + item->event_at;
        return (struct webhook_event_text){
                .key = span_make(p, item->key_len),
                .members = span_make(p + item->key_len, item->event_len - item->key_len),
        };
}

enum status webhooks_prepare(struct domain_command *c, struct error *e)
{
        struct webhook_ingest *w = (struct webhook_ingest *)c;
        struct webhook_batch *b = &w->b;
        if (b->n_bad && !b->is_lenient)
                return error_set(e, STATUS_INVALID, "invalid-items", NULL,
                                 "%zu of %zu items cannot be stored.", b->n_bad, b->n_items);
        if (w->is_prepared)
                return STATUS_OK;
        TRY(columns_alloc(&w->columns, &c->arena, b->n_items, e));
        (void)buf_room(&w->events, b->n_items * EVENT_TEXT_BYTES);
        (void)buf_room(&w->event,
                       2 * EVENT_TEXT_BYTES); /* of this thread's heap, not the writer's */
        for (size_t i = 0; i < b->n_items; i++) {
                struct webhook_item *item = &b->items[i];
                if (item->slug || item->duplicate_of >= 0)
                        continue;
                prepare_text(w, item);
                if (!item->has_rules)
                        column_add(&w->columns, b, i);
        }
        TRY(buf_check(&w->events, e));
        c->base.rows = (unsigned)(b->n_items ? b->n_items : 1);
        w->is_prepared = true;
        return STATUS_OK;
}
