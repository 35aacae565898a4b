/* The items of a body, one at a time, with the members that the caller asked for. */
#include "json_lex.h"

#include <assert.h>

const char *const json_webhook_names[WEBHOOK_NAMES] = {"id", "type", "data"};

void json_scan_init(struct json_scan *s, struct span body, enum json_scan_mode mode,
                    const struct json_scan_limits *limits, const char *const *names, size_t n_names)
{
        assert(n_names <= JSON_SCAN_NAMES_MAX);
        *s = (struct json_scan){
                .body = body.p ? body : SPAN(""),
                .mode = mode,
                .limits = *limits,
                .names = names,
                .n_names = n_names,
        };
        if (s->limits.depth > JSON_SCAN_DEPTH_MAX)
                s->limits.depth = JSON_SCAN_DEPTH_MAX;
        for (size_t i = 0; i < n_names; i++)
                s->name_lengths[i] = strlen(names[i]);
}

/* Which of the names asked for `name` is; n_names when none. */
static size_t name_index(const struct json_scan *s, struct span name, bool is_escaped)
{
        size_t i = 0;
        if (is_escaped) {
                while (i < s->n_names &&
                       !json_scan_is(name, span_make(s->names[i], s->name_lengths[i])))
                        i++;
                return i;
        }
        while (i < s->n_names && (name.len - 2 != s->name_lengths[i] ||
                                  memcmp(name.p + 1, s->names[i], s->name_lengths[i]) != 0))
                i++;
        return i;
}

static bool scan_members(struct json_scan *s, struct lex *x, struct json_item *item)
{
        if (!lex_open(x))
                return false;
        bool more = !(x->p < x->end && *x->p == '}');
        x->p += !more;
        while (more) {
                struct span name;
                struct json_value value;
                bool is_escaped;
                if (!lex_name(x, &name, &is_escaped))
                        return false;
                if (!lex_value(x, &value) || !lex_comma(x, '}', &more))
                        return lex_step_out(x, name, 0);
                size_t i = name_index(s, name, is_escaped);
                if (i < s->n_names) {
                        value.is_repeated = item->members[i].kind != JSON_KIND_ABSENT;
                        item->members[i] = value;
                }
        }
        lex_close(x);
        return true;
}

static bool scan_item(struct json_scan *s, struct lex *x, struct json_item *item)
{
        const char *begin = x->p;
        *item = (struct json_item){.index = s->index, .is_object = x->p < x->end && *x->p == '{'};
        if (item->is_object) {
                if (!scan_members(s, x, item))
                        return false;
                item->kind = JSON_KIND_OBJECT;
        } else {
                struct json_value value;
                if (!lex_value(x, &value))
                        return false;
                item->kind = value.kind;
        }
        item->raw = span_make(begin, (size_t)(x->p - begin));
        return true;
}

static bool at_end(struct lex *x)
{
        lex_space(x);
        return x->p == x->end || lex_fault(x, "Something follows the value.");
}

/* To the first item of a body; *ret_more is false for []. */
static bool begin_body(struct json_scan *s, struct lex *x, bool *ret_more)
{
        lex_space(x);
        *ret_more = true;
        s->is_array = s->mode == JSON_SCAN_BODY && x->p < x->end && *x->p == '[';
        if (!s->is_array)
                return true;
        if (!lex_open(x))
                return false;
        if (x->p < x->end && *x->p == ']') {
                *ret_more = false;
                x->p++;
                return at_end(x);
        }
        return true;
}

static enum status too_many(const struct json_scan *s, struct lex *x, struct error *e)
{
        char where[LEX_WHERE_SIZE];
        (void)lex_fault(x, "Too many items.");
        (void)lex_step_out(x, SPAN_NONE, s->index);
        lex_where(x, s->body.p, where);
        return error_set_http(e, STATUS_LIMIT, 413, "too-many-items", where, "More than %zu items.",
                              s->limits.items);
}

static enum status next_of_body(struct json_scan *s, struct lex *x, struct json_item *ret,
                                bool *ret_is_item, struct error *e)
{
        bool more = s->is_more;
        if (!s->is_begun) {
                s->is_begun = true;
                if (!begin_body(s, x, &more))
                        return lex_error(x, s->body.p, e);
        }
        s->is_more = false;
        *ret_is_item = more;
        if (!more)
                return STATUS_OK;
        if (s->index == s->limits.items)
                return too_many(s, x, e);

        bool is_good = scan_item(s, x, ret);
        if (s->is_array) {
                is_good = is_good && lex_comma(x, ']', &s->is_more);
                if (!is_good)
                        (void)lex_step_out(x, SPAN_NONE, s->index);
                else if (!s->is_more)
                        is_good = at_end(x);
        } else {
                is_good = is_good && at_end(x);
        }
        return is_good ? STATUS_OK : lex_error(x, s->body.p, e);
}

/* A line ends at the first newline: JSON text on one line holds none (strings must escape it). */
static enum status next_of_lines(struct json_scan *s, struct lex *x, struct json_item *ret,
                                 bool *ret_is_item, struct error *e)
{
        const char *end = x->end;
        lex_space(x);
        *ret_is_item = x->p < end;
        if (x->p == end)
                return STATUS_OK;
        if (s->index == s->limits.items)
                return too_many(s, x, e);
        const char *newline = memchr(x->p, '\n', (size_t)(end - x->p));
        if (newline)
                x->end = newline;
        if (!scan_item(s, x, ret) || !at_end(x)) {
                (void)lex_step_out(x, SPAN_NONE, s->index);
                return lex_error(x, s->body.p, e);
        }
        return STATUS_OK;
}

enum status json_scan_next(struct json_scan *s, struct json_item *ret, bool *ret_is_item,
                           struct error *e)
{
        struct lex_step steps[LEX_STEPS];
        struct lex x = {
                .p = s->body.p + s->at,
                .end = s->body.p + s->body.len,
                .depth = s->is_array,
                .depth_max = s->limits.depth,
                .steps = steps,
        };
        bool is_item = false;
        TRY((s->mode == JSON_SCAN_LINES ? next_of_lines : next_of_body)(s, &x, ret, &is_item, e));
        s->at = (size_t)(x.p - s->body.p);
        s->index += is_item;
        *ret_is_item = is_item;
        return STATUS_OK;
}

enum status json_scan_check(struct span text, unsigned depth_max, struct error *e)
{
        if (!text.p)
                text = SPAN("");
        struct lex_step steps[LEX_STEPS];
        struct lex x = {
                .p = text.p,
                .end = text.p + text.len,
                .depth_max = depth_max < JSON_SCAN_DEPTH_MAX ? depth_max : JSON_SCAN_DEPTH_MAX,
                .steps = steps,
        };
        struct json_value value;
        lex_space(&x);
        return lex_value(&x, &value) && at_end(&x) ? STATUS_OK : lex_error(&x, text.p, e);
}
