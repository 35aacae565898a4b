#include "facade/form.h"

#include <chatelaine/codec_json.h>
#include <chatelaine/codec_text.h>

#define DEPTH_MAX 4

static enum status malformed(struct error *e, const char *text)
{
        return error_set(e, STATUS_INVALID, "invalid-request", NULL, "%s", text);
}

static enum status put(struct form *f, struct span name, struct span value, struct error *e)
{
        for (size_t i = 0; i < f->n; i++)
                if (span_equal(f->fields[i].name, name))
                        return malformed(e, "A parameter was sent twice.");
        if (f->n == FORM_FIELDS_MAX)
                return malformed(e, "Too many parameters.");
        if (!utf8_is_valid(name) || !utf8_is_valid(value))
                return malformed(e, "The body is not UTF-8.");
        f->fields[f->n++] = (struct form_field){name, value};
        return STATUS_OK;
}

static enum status decode(struct arena *a, struct span text, struct span *ret, struct error *e)
{
        struct buf CLEANUP(buf_fini_secret) out;
        buf_init(&out, text.len + 1);
        if (percent_decode(&out, text, true, NULL) != STATUS_OK)
                return malformed(e, "The body is not a form.");
        *ret = arena_span(a, out.len ? buf_view(&out) : SPAN(""));
        return ret->p ? STATUS_OK : error_no_memory(e);
}

static enum status read_form(struct span body, struct arena *a, struct form *f, struct error *e)
{
        for (struct span rest = body; rest.p;) {
                struct span value, pair = span_split(rest, '&', &rest);
                struct span name = span_split(pair, '=', &value);
                if (!pair.len)
                        continue;
                TRY(decode(a, name, &name, e));
                TRY(decode(a, value.p ? value : SPAN(""), &value, e));
                TRY(put(f, name, value, e));
        }
        return STATUS_OK;
}

static enum status read_json(struct span body, struct arena *a, struct form *f, struct error *e)
{
        struct json *CLEANUP(json_freep) root = NULL;
        struct span name;
        const struct json *v;
        void *iter = NULL;
        if (json_parse(body, DEPTH_MAX, &root, NULL) != STATUS_OK || !json_is_object(root))
                return malformed(e, "The body is not a JSON object.");
        while (json_each(root, &iter, &name, &v)) {
                struct span value = json_span(v);
                char digits[INT64_TEXT_MAX];
                if (json_is_integer(v))
                        value = span_make(digits, int64_write(json_integer(v), digits));
                if (!value.p)
                        continue;
                name = arena_span(a, name);
                value = arena_span(a, value);
                if (!name.p || !value.p)
                        return error_no_memory(e);
                TRY(put(f, name, value, e));
        }
        return STATUS_OK;
}

enum status form_read(struct http_request *req, struct form *ret, struct error *e)
{
        struct span body = http_body(req);
        ret->n = 0;
        if (!body.len)
                return STATUS_OK;
        return http_media(req) == MEDIA_FORM ? read_form(body, http_arena(req), ret, e)
                                             : read_json(body, http_arena(req), ret, e);
}

struct span form_get(const struct form *f, const char *name)
{
        for (size_t i = 0; i < f->n; i++)
                if (span_is(f->fields[i].name, name))
                        return f->fields[i].value.len ? f->fields[i].value : SPAN_NONE;
        return SPAN_NONE;
}
