/*
 * X-Fields, the mask of Flask-RESTX: `{name, pet{name}, *}`. Braces around the whole may be left
 * out; `*` is all that is not named; a name that the answer lacks is passed over. Characters that
 * are no part of the grammar separate, as upstream's lexer has it.
 */
#include "facade/contract_fit.h"

#include <ctype.h>

#define DEPTH_MAX 8
#define FIELDS_MAX 256

struct cf_mask {
        struct span name; /* "*" = the rest */
        struct cf_mask *inner, *next;
        bool has_inner; /* braces, perhaps empty */
};

struct reader {
        struct span rest;
        struct arena *arena;
        unsigned n_fields;
};

static enum status bad_mask(struct error *e, const char *why)
{
        return error_set(e, STATUS_INVALID, "invalid-mask", "X-Fields", "X-Fields: %s.", why);
}

static bool is_word(char c)
{
        return isalnum((unsigned char)c) || strchr("_:-*", c);
}

/* "{", "}", "," or a name; empty at the end. */
static struct span next_token(struct reader *r)
{
        while (r->rest.len && !is_word(*r->rest.p) && !strchr("{},", *r->rest.p))
                r->rest = span_make(r->rest.p + 1, r->rest.len - 1);
        size_t n = 0;
        while (n < r->rest.len && is_word(r->rest.p[n]))
                n++;
        if (n == 0 && r->rest.len)
                n = 1;
        struct span token = span_make(r->rest.p, n);
        r->rest = span_make(r->rest.p + n, r->rest.len - n);
        return token;
}

/* Fields up to "}" (depth > 0) or the end. */
static enum status read_fields(struct reader *r, unsigned depth, struct cf_mask **ret,
                               struct error *e)
{
        struct cf_mask **to = ret, *last = NULL;
        bool has_name = false;
        if (depth > DEPTH_MAX)
                return bad_mask(e, "too deep");
        for (;;) {
                struct span token = next_token(r);
                if (token.len == 0)
                        return depth ? bad_mask(e, "missing closing bracket") : STATUS_OK;
                if (span_is(token, "}"))
                        return depth ? STATUS_OK : bad_mask(e, "unexpected closing bracket");
                if (span_is(token, ",")) {
                        if (!has_name)
                                return bad_mask(e, "unexpected comma");
                        has_name = false;
                } else if (span_is(token, "{")) {
                        if (!has_name || last->has_inner)
                                return bad_mask(e, "unexpected opening bracket");
                        last->has_inner = true;
                        TRY(read_fields(r, depth + 1, &last->inner, e));
                } else {
                        if (++r->n_fields > FIELDS_MAX)
                                return bad_mask(e, "too many fields");
                        last = arena_alloc(r->arena, sizeof *last);
                        if (!last)
                                return error_no_memory(e);
                        last->name = token;
                        *to = last;
                        to = &last->next;
                        has_name = true;
                }
        }
}

enum status cf_mask_read(struct span text, struct arena *a, struct cf_mask **ret, struct error *e)
{
        struct reader r = {.rest = span_trim(text), .arena = a};
        struct cf_mask *all = arena_alloc(a, sizeof *all);
        bool is_braced = r.rest.len && *r.rest.p == '{';
        if (!all)
                return error_no_memory(e);
        if (is_braced)
                r.rest = span_make(r.rest.p + 1, r.rest.len - 1);
        TRY(read_fields(&r, is_braced, &all->inner, e));
        if (next_token(&r).len)
                return bad_mask(e, "unexpected characters behind the mask");
        *ret = all;
        return STATUS_OK;
}

static const struct cf_mask *find(const struct cf_mask *fields, struct span name)
{
        while (fields && !span_equal(fields->name, name))
                fields = fields->next;
        return fields;
}

void cf_mask_write(const struct cf_mask *mask, const struct json *value, struct buf *out)
{
        if (json_is_array(value)) {
                json_arr_open(out);
                for (size_t i = 0; i < json_size(value); i++)
                        cf_mask_write(mask, json_at(value, i), out);
                json_arr_close(out);
                return;
        }
        if (!json_is_object(value)) {
                struct buf CLEANUP(buf_fini_secret) text;
                buf_init(&text, out->max);
                json_dump(value, &text);
                json_raw(out, buf_view(&text));
                return;
        }
        static const struct cf_mask everything = {.name = {.p = "*", .len = 1}};
        static const struct cf_mask all = {.inner = (struct cf_mask *)(uintptr_t)&everything};
        const struct cf_mask *rest = find(mask->inner, SPAN("*"));
        void *iter = NULL;
        struct span name;
        const struct json *member;
        json_obj_open(out);
        while (json_each(value, &iter, &name, &member)) {
                const struct cf_mask *field = find(mask->inner, name);
                if (!field && !rest)
                        continue;
                json_key_span(out, name);
                cf_mask_write(field && field->has_inner ? field : &all, member, out);
        }
        json_obj_close(out);
}
