/* Lists of Contract.fit are whole: every page of a query, each item in that API's words. */
#include "facade/contract_fit.h"

#define PAGE_ROWS 1000
#define PAGE_BYTES_MAX ((size_t)16 << 20)
#define ITEM_DEPTH 16

static enum status write_page(struct call *c, struct store_conn *db, const struct cf_list *list,
                              struct page *p, struct error *e)
{
        struct buf CLEANUP(buf_fini) text;
        struct json CLEANUP(json_freep) *rows = NULL;
        buf_init(&text, PAGE_BYTES_MAX);
        TRY(list->page(c, db, p, &text, e));
        TRY(json_parse(buf_view(&text), ITEM_DEPTH, &rows, e));
        const struct json *items = json_get(rows, "items");
        for (size_t i = 0; i < json_size(items); i++)
                TRY(list->item(c, db, json_at(items, i), e));
        p->cursor = arena_span(c->arena, json_get_text(rows, "next_cursor"));
        return STATUS_OK;
}

enum status cf_list(struct call *c, struct store_conn *db, const struct cf_list *list,
                    struct error *e)
{
        struct page p = {.limit = PAGE_ROWS};
        json_arr_open(&c->out);
        do {
                TRY(write_page(c, db, list, &p, e));
        } while (p.cursor.p);
        json_arr_close(&c->out);
        return buf_check(&c->out, e);
}
