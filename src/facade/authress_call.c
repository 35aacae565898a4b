#include "facade/authress.h"

#include <chatelaine/base_clock.h>
#include <chatelaine/codec_text.h>

/* ---- coming in ---- */

static const struct call_face face = {.content_type = AU_CONTENT_TYPE};

void au_enter(struct http_request *req)
{
        struct request_view view;
        http_view(req, &view);
        struct call *c = call_new(&view, req, http_loop_state(req), &face, http_route_arg(req));
        if (c)
                call_enter(c);
}

/* ---- errors ---- */

/* "invalid-field": "InvalidField". */
static void write_code(const char *slug, struct buf *out)
{
        char code[sizeof((struct error *)0)->slug];
        size_t n = 0;
        bool is_first = true;
        for (const char *p = slug; *p && n < sizeof code; p++) {
                if (*p != '-')
                        code[n++] =
                                is_first && *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;
                is_first = *p == '-';
        }
        json_member_text(out, "errorCode", span_make(code, n));
}

/* What is wrong stands before why: "statements/0/roles: The array is empty." */
static void write_title(const struct error *e, struct buf *out)
{
        struct buf CLEANUP(buf_fini) title;
        buf_init(&title, sizeof *e);
        if (e->where[0]) {
                buf_text(&title, e->where[0] == '/' && e->where[1] ? e->where + 1 : e->where);
                buf_text(&title, ": ");
        }
        buf_text(&title, e->text);
        json_member_text(out, "title", buf_view(&title));
}

void au_write_error(struct http_request *req, const struct error *e, struct buf *body)
{
        json_obj_open(body);
        write_title(e, body);
        write_code(e->slug[0] ? e->slug : "error", body);
        json_member_text(body, "errorId", span_of(http_request_id(req)));
        json_obj_close(body);
}

/* ---- the query ---- */

static enum status bad_query(struct error *e, struct span name, const char *why)
{
        char where[64];
        size_t len = name.len < sizeof where - 1 ? name.len : sizeof where - 1;
        memcpy(where, name.p, len);
        where[len] = '\0';
        return error_set(e, STATUS_INVALID, "invalid-request", where, "The query parameter %s.",
                         why);
}

enum status au_query(struct call *c, const struct au_query_field *fields, struct error *e)
{
        struct span name, value;
        uint32_t seen = 0;
        for (size_t i = 0; http_query_each(c->req, i, &name, &value); i++) {
                unsigned k = 0;
                while (fields[k].name && !span_is(name, fields[k].name))
                        k++;
                if (!fields[k].name)
                        return bad_query(e, name, "is not known here");
                if (seen & (UINT32_C(1) << k))
                        return bad_query(e, name, "is given twice");
                seen |= UINT32_C(1) << k;
                if (value.len > 0)
                        *fields[k].text = value;
        }
        return STATUS_OK;
}

enum status au_limit(struct span text, unsigned otherwise, unsigned *ret, struct error *e)
{
        int64_t n = otherwise;
        if (text.p && (span_int64(text, &n, NULL) != STATUS_OK || n < 1 || n > AU_LIMIT_MAX))
                return bad_query(e, SPAN("limit"), "is no number from 1 to 1000");
        *ret = (unsigned)n;
        return STATUS_OK;
}

enum status au_page(struct call *c, unsigned limit, struct page *ret, struct span *filter,
                    struct error *e)
{
        struct span text = SPAN_NONE;
        struct page page = {.cursor = SPAN_NONE};
        const struct au_query_field fields[] = {{"limit", &text},
                                                {"cursor", &page.cursor},
                                                {filter ? "filter" : NULL, filter},
                                                {0}};
        TRY(au_query(c, fields, e));
        TRY(au_limit(text, limit, &page.limit, e));
        *ret = page;
        return STATUS_OK;
}

/* ---- pages ---- */

static void write_href(struct call *c, const char *name, const struct buf *url)
{
        json_key(&c->out, name);
        json_obj_open(&c->out);
        json_member_text(&c->out, "href", buf_view(url));
        json_obj_close(&c->out);
        if (url->status != STATUS_OK)
                c->out.status = url->status;
}

/* {"href": this URL, absolute, with another cursor (absent: as it is)}. */
static void write_link(struct call *c, const char *name, struct span cursor)
{
        struct buf CLEANUP(buf_fini) url;
        struct span key, value;
        char separator = '?';
        buf_init(&url, 64 * 1024);
        buf_span(&url, config_url_base(span_of(c->settings->config->issuer)));
        buf_span(&url, http_path(c->req));
        for (size_t i = 0; http_query_each(c->req, i, &key, &value); i++) {
                if (cursor.p && span_is(key, "cursor"))
                        continue;
                buf_char(&url, separator);
                percent_encode(&url, key, PERCENT_COMPONENT);
                buf_char(&url, '=');
                percent_encode(&url, value, PERCENT_COMPONENT);
                separator = '&';
        }
        if (cursor.p) {
                buf_char(&url, separator);
                buf_text(&url, "cursor=");
                percent_encode(&url, cursor, PERCENT_COMPONENT);
        }
        write_href(c, name, &url);
}

void au_page_end(struct call *c, struct span next_cursor)
{
        json_key(&c->out, "pagination");
        json_obj_open(&c->out);
        if (next_cursor.p) {
                json_key(&c->out, "next");
                json_obj_open(&c->out);
                json_member_text(&c->out, "cursor", next_cursor);
                json_obj_close(&c->out);
        }
        json_obj_close(&c->out);
        json_key(&c->out, "links");
        json_obj_open(&c->out);
        write_link(c, "self", SPAN_NONE);
        if (next_cursor.p)
                write_link(c, "next", next_cursor);
        json_obj_close(&c->out);
}

/* ---- collections ---- */

static enum status list_work(struct call *c, struct store_conn *db, struct error *e)
{
        struct au_listing *l = c->state;
        struct span next = SPAN_NONE;
        l->call = c;
        l->error = e;
        json_obj_open(&c->out);
        json_key(&c->out, l->name);
        json_arr_open(&c->out);
        TRY(l->rows(l, db, &next, e));
        TRY(l->status);
        json_arr_close(&c->out);
        au_page_end(c, next);
        json_obj_close(&c->out);
        return call_out_check(c, e);
}

enum status au_list(struct call *c, struct au_listing *l, const char *name, au_rows rows,
                    struct error *e)
{
        l->name = name;
        l->rows = rows;
        c->state = l;
        return call_defer(c, list_work, call_then_reply, e);
}

/* ---- members of answers ---- */

void au_account(struct call *c)
{
        json_key(&c->out, "account");
        json_obj_open(&c->out);
        json_member_text(&c->out, "accountId", span_of(c->settings->config->account_id));
        json_obj_close(&c->out);
}

void au_self(struct call *c, const char *prefix, struct span id)
{
        struct buf CLEANUP(buf_fini) url;
        buf_init(&url, 4096);
        buf_span(&url, config_url_base(span_of(c->settings->config->issuer)));
        buf_text(&url, prefix);
        percent_encode(&url, id, PERCENT_COMPONENT);
        json_key(&c->out, "links");
        json_obj_open(&c->out);
        write_href(c, "self", &url);
        json_obj_close(&c->out);
}

void au_permissions(struct call *c, const struct right *list, size_t n)
{
        json_arr_open(&c->out);
        for (size_t i = 0; i < n; i++) {
                json_obj_open(&c->out);
                json_member_text(&c->out, "action", list[i].action);
                json_member_bool(&c->out, "allow", list[i].abilities & ABILITY_ALLOW);
                json_member_bool(&c->out, "grant", list[i].abilities & ABILITY_GRANT);
                json_member_bool(&c->out, "delegate", list[i].abilities & ABILITY_DELEGATE);
                json_obj_close(&c->out);
        }
        json_arr_close(&c->out);
}

/* ---- times ---- */

enum status au_unmodified_since(struct call *c, int64_t *ret_ms, struct error *e)
{
        struct span text = http_header(c->req, "If-Unmodified-Since");
        bool is_naive;
        *ret_ms = -1;
        if (!text.p)
                return STATUS_OK;
        text = span_trim(text);
        if (clock_parse_iso8601(text, ret_ms, &is_naive, NULL) != STATUS_OK)
                return error_set(e, STATUS_INVALID, "invalid-request", "If-Unmodified-Since",
                                 "It is the record's lastUpdated, an ISO 8601 time.");
        if (!memchr(text.p, '.', text.len)) /* Go's SDK sends whole seconds: the second it is */
                *ret_ms += 999;
        return STATUS_OK;
}
