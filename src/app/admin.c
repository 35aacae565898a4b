#include "app/admin.h"

#include <chatelaine/codec_text.h>
#include <chatelaine/outbound.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ANSWER_MAX ((size_t)64 << 20)
#define BODY_MAX ((size_t)4 << 20)

/* ---- bodies ---- */

void admin_open(struct buf *body)
{
        buf_init(body, BODY_MAX);
        json_obj_open(body);
}

void admin_option(struct buf *body, const struct cli *c, const char *option, const char *member)
{
        if (cli_has(c, option))
                json_member_text(body, member, span_of(cli_value(c, option)));
}

void admin_options(struct buf *body, const struct cli *c, const char *option, const char *member)
{
        const char *text;

        if (!cli_has(c, option))
                return;
        json_key(body, member);
        json_arr_open(body);
        for (size_t i = 0; (text = cli_value_at(c, option, i)); i++)
                json_text(body, span_of(text));
        json_arr_close(body);
}

void admin_grants(struct buf *body, const struct cli *c, const char *option,
                  const char *role_member, const char *member)
{
        const char *text;

        json_key(body, member);
        json_arr_open(body);
        for (size_t i = 0; (text = cli_value_at(c, option, i)); i++) {
                struct span resource, role = span_split(span_of(text), '@', &resource);
                json_obj_open(body);
                json_member_text(body, role_member, role);
                json_member_text(body, "resource", resource.p ? resource : SPAN("*"));
                json_obj_close(body);
        }
        json_arr_close(body);
}

const char *admin_part(struct cli *c, const char *text)
{
        struct buf b;
        const char *copy;

        buf_init(&b, 65536);
        percent_encode(&b, span_of(text), PERCENT_COMPONENT);
        copy = b.status == STATUS_OK ? arena_dup(&c->arena, span_make(b.data ? b.data : "", b.len))
                                     : NULL;
        buf_fini(&b);
        return copy ? copy : "";
}

void admin_query(struct buf *query, struct cli *c, const char *option, const char *name)
{
        if (cli_has(c, option))
                buf_printf(query, "%s=%s&", name, admin_part(c, cli_value(c, option)));
}

/* ---- printing ---- */

/* A value as a person reads it: strings bare, the rest as JSON. */
static void print_value(const struct json *v, struct buf *out)
{
        buf_reset(out);
        if (json_is_string(v))
                buf_span(out, json_span(v));
        else if (!json_is_null(v))
                json_dump(v, out);
}

static void print_object(const struct json *object)
{
        void *iter = NULL;
        struct span name;
        const struct json *v;
        struct buf text;

        buf_init(&text, ANSWER_MAX);
        while (json_each(object, &iter, &name, &v)) {
                print_value(v, &text);
                printf("%.*s: %.*s\n", (int)name.len, name.p, (int)text.len,
                       text.data ? text.data : "");
        }
        buf_fini_secret(&text);
}

#define COLUMNS_MAX 32

/* Rows of objects under the member names of the first. */
static void print_table(const struct json *const *rows, size_t n)
{
        struct span names[COLUMNS_MAX];
        size_t widths[COLUMNS_MAX], n_columns = 0;
        void *iter = NULL;
        const struct json *v;
        struct buf text;
        char name[128];

        buf_init(&text, ANSWER_MAX);
        while (n && n_columns < COLUMNS_MAX && json_each(rows[0], &iter, &names[n_columns], &v)) {
                widths[n_columns] = names[n_columns].len;
                n_columns++;
        }
        for (size_t pass = 0; pass < 2; pass++) {
                for (size_t k = 0; pass && k < n_columns; k++)
                        printf("%-*.*s%s", (int)widths[k], (int)names[k].len, names[k].p,
                               k + 1 < n_columns ? "  " : "\n");
                for (size_t i = 0; i < n; i++)
                        for (size_t k = 0; k < n_columns; k++) {
                                snprintf(name, sizeof name, "%.*s", (int)names[k].len, names[k].p);
                                v = json_get(rows[i], name);
                                buf_reset(&text);
                                if (v)
                                        print_value(v, &text);
                                if (!pass && text.len > widths[k])
                                        widths[k] = text.len;
                                if (pass)
                                        printf("%-*s%s", k + 1 < n_columns ? (int)widths[k] : 0,
                                               text.data ? text.data : "",
                                               k + 1 < n_columns ? "  " : "\n");
                        }
        }
        buf_fini(&text);
}

void admin_print(const struct cli *c, struct span answer)
{
        CLEANUP(json_freep) struct json *root = NULL;

        if (!answer.len)
                return;
        if (c->is_json || json_parse(answer, 64, &root, NULL) != STATUS_OK ||
            !json_is_object(root)) {
                printf("%.*s%s", (int)answer.len, answer.p,
                       answer.p[answer.len - 1] == '\n' ? "" : "\n");
                return;
        }
        print_object(root);
}

/* ---- calls ---- */

/* A problem document, or an error of Authress's API, as the error that the command line prints. */
static enum cli_exit print_problem(const struct cli *c, unsigned status, struct span body)
{
        CLEANUP(json_freep) struct json *root = NULL;
        struct span slug, detail, where;
        struct error e;

        if (json_parse(body, 64, &root, NULL) != STATUS_OK || !json_is_object(root)) {
                error_set(&e, STATUS_INTERNAL, "unexpected-answer", NULL, "the daemon answered %u",
                          status);
                return cli_fail(c, &e);
        }
        if (c->is_json) {
                fprintf(stderr, "%.*s\n", (int)body.len, body.p);
                return CLI_FAILED;
        }
        slug = json_get_text(root, json_get(root, "slug") ? "slug" : "errorCode");
        detail = json_get_text(root, json_get(root, "detail") ? "detail" : "title");
        where = json_get_text(root, json_get(root, "pointer") ? "pointer" : "where");
        error_set(&e, STATUS_INVALID, "refused", NULL, "%.*s", (int)detail.len,
                  detail.p ? detail.p : "");
        snprintf(e.slug, sizeof e.slug, "%.*s", (int)slug.len, slug.p ? slug.p : "");
        snprintf(e.where, sizeof e.where, "%.*s", (int)where.len, where.p ? where.p : "");
        return cli_fail(c, &e);
}

/* With ret_is_found, 404 is an answer too. */
static enum cli_exit call(struct cli *c, const char *method, struct buf *body, const char *target,
                          bool *ret_is_found, struct buf *ret_answer)
{
        struct outbound_request q = {.method = method,
                                     .target = target,
                                     .reply_bytes_max = ANSWER_MAX,
                                     .timeout_s = 600};
        struct outbound_reply reply;
        struct error e;
        enum cli_exit end = CLI_FINE;
        enum status s = STATUS_OK;

        if (body) {
                json_obj_close(body);
                s = buf_check(body, &e);
                q.body = buf_view(body);
        }
        if (s == STATUS_OK && !cli_config(c))
                end = CLI_FAILED;
        if (s == STATUS_OK && end == CLI_FINE) {
                q.unix_socket = arena_printf(&c->arena, "%s/admin.sock", c->config->state_dir);
                s = outbound_call(&q, &reply, &e);
                bool is_missing = s == STATUS_OK && ret_is_found && reply.status == 404;
                if (ret_is_found)
                        *ret_is_found = !is_missing;
                if (s == STATUS_OK && reply.status >= 300 && !is_missing)
                        end = print_problem(c, reply.status, buf_view(&reply.body));
                if (s == STATUS_OK && end == CLI_FINE)
                        *ret_answer = reply.body;
                else
                        buf_fini_secret(&reply.body);
        }
        if (body)
                buf_fini_secret(body);
        return s == STATUS_OK ? end : cli_fail(c, &e);
}

enum cli_exit admin_ask(struct cli *c, const char *method, struct buf *body, struct buf *ret_answer,
                        const char *fmt, ...)
{
        char target[8192];
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(target, sizeof target, fmt, ap);
        va_end(ap);
        return call(c, method, body, target, NULL, ret_answer);
}

enum cli_exit admin_find(struct cli *c, bool *ret_is_found, struct buf *ret_answer, const char *fmt,
                         ...)
{
        char target[8192];
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(target, sizeof target, fmt, ap);
        va_end(ap);
        return call(c, "GET", NULL, target, ret_is_found, ret_answer);
}

enum cli_exit admin_call(struct cli *c, const char *method, struct buf *body, const char *fmt, ...)
{
        char target[8192];
        struct buf answer;
        enum cli_exit end;
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(target, sizeof target, fmt, ap);
        va_end(ap);
        end = call(c, method, body, target, NULL, &answer);
        if (end != CLI_FINE)
                return end;
        admin_print(c, buf_view(&answer));
        buf_fini_secret(&answer);
        return CLI_FINE;
}

/* ---- lists ---- */

#define ROWS_MAX 1000

/* The rows: "items", or Authress's first member. */
static const struct json *page_items(const struct json *root)
{
        const struct json *value = json_get(root, "items");
        void *iter = NULL;
        struct span name;

        if (!value && !json_each(root, &iter, &name, &value))
                value = NULL;
        return value;
}

static struct span page_cursor(const struct json *root)
{
        const struct json *next = json_get(json_get(root, "pagination"), "next");

        return next ? json_get_text(next, "cursor") : json_get_text(root, "next_cursor");
}

/* Print one page; the next cursor, or "" after the last, into `cursor`. */
static bool print_page(struct cli *c, struct span page, bool is_first, char *cursor,
                       size_t cursor_size)
{
        CLEANUP(json_freep) struct json *root = NULL;
        const struct json *items, *rows[ROWS_MAX];
        struct span next;
        size_t n;

        if (json_parse(page, 64, &root, NULL) != STATUS_OK || !json_is_array(page_items(root)))
                return false;
        items = page_items(root);
        if (c->is_json && is_first)
                fputs("{\"items\":[", stdout);
        n = json_size(items) < ROWS_MAX ? json_size(items) : ROWS_MAX;
        for (size_t i = 0; i < n; i++) {
                rows[i] = json_at(items, i);
                if (c->is_json) {
                        struct buf one;
                        buf_init(&one, ANSWER_MAX);
                        json_dump(rows[i], &one);
                        printf("%s%.*s", is_first && i == 0 ? "" : ",", (int)one.len,
                               one.data ? one.data : "");
                        buf_fini(&one);
                }
        }
        if (!c->is_json)
                print_table(rows, n);
        next = page_cursor(root);
        snprintf(cursor, cursor_size, "%.*s", (int)next.len, next.p ? next.p : "");
        return true;
}

enum cli_exit admin_list(struct cli *c, const char *path, const char *query)
{
        char cursor[1024] = "";
        bool is_first = true;

        do {
                struct buf answer;
                enum cli_exit end = admin_ask(c, "GET", NULL, &answer, "%s?%slimit=%d%s%s", path,
                                              query, ROWS_MAX, cursor[0] ? "&cursor=" : "",
                                              cursor[0] ? admin_part(c, cursor) : "");
                bool is_page;
                if (end != CLI_FINE)
                        return end;
                is_page = print_page(c, buf_view(&answer), is_first, cursor, sizeof cursor);
                buf_fini(&answer);
                if (!is_page) {
                        struct error e;
                        error_set(&e, STATUS_INTERNAL, "unexpected-answer", path,
                                  "the daemon's answer is not a page of a list");
                        return cli_fail(c, &e);
                }
                is_first = false;
        } while (cursor[0]);
        if (c->is_json)
                puts("],\"next_cursor\":null}");
        return CLI_FINE;
}
