/* An object into a struct, through a table of fields. */
#include <chatelaine/codec_json.h>

#include <stdio.h>

struct dispatch {
        const char *at; /* JSON pointer of the object */
        struct arena *arena;
        char *base;
        struct error *error;
};

/* JSON pointer of a member (and of an element of it, when index is not negative). */
static void pointer_of(const struct dispatch *d, struct span name, int64_t index, char *out,
                       size_t size)
{
        size_t n = (size_t)snprintf(out, size, "%s/", d->at);
        for (size_t i = 0; i < name.len && n + 24 < size; i++) {
                char c = name.p[i];
                if (c == '~' || c == '/') {
                        out[n++] = '~';
                        c = c == '~' ? '0' : '1';
                }
                out[n++] = c;
        }
        if (n >= size)
                return;
        out[n] = '\0';
        if (index >= 0)
                snprintf(out + n, size - n, "/%lld", (long long)index);
}

static enum status refuse(const struct dispatch *d, const char *slug, struct span name,
                          int64_t index, const char *text)
{
        char where[sizeof d->error->where];
        pointer_of(d, name, index, where, sizeof where);
        return error_set_http(d->error, STATUS_INVALID, 400, slug, where, "%s", text);
}

static enum status wrong(const struct dispatch *d, const struct json_field *f, const char *text)
{
        return refuse(d, "invalid-field", span_of(f->name), -1, text);
}

static enum status keep_text(const struct dispatch *d, struct span text, struct span *ret)
{
        if (d->arena) {
                text = arena_span(d->arena, text);
                if (!text.p)
                        return error_no_memory(d->error);
        }
        *ret = text;
        return STATUS_OK;
}

static enum status set_text(const struct dispatch *d, const struct json_field *f,
                            const struct json *v, void *to)
{
        if (!json_is_string(v))
                return wrong(d, f, "A string was expected.");
        if ((f->flags & JSON_NONEMPTY) && json_span(v).len == 0)
                return wrong(d, f, "The string is empty.");
        return keep_text(d, json_span(v), to);
}

static enum status set_int(const struct dispatch *d, const struct json_field *f,
                           const struct json *v, void *to)
{
        if (!json_is_integer(v))
                return wrong(d, f, "A whole number was expected.");
        *(int64_t *)to = json_integer(v);
        return STATUS_OK;
}

static enum status set_bool(const struct dispatch *d, const struct json_field *f,
                            const struct json *v, void *to)
{
        if (!json_is_boolean(v))
                return wrong(d, f, "true or false was expected.");
        *(bool *)to = json_is_true(v);
        return STATUS_OK;
}

static enum status set_object(const struct dispatch *d, const struct json_field *f,
                              const struct json *v, void *to)
{
        if (!json_is_object(v))
                return wrong(d, f, "An object was expected.");
        *(const struct json **)to = v;
        return STATUS_OK;
}

static enum status set_array(const struct dispatch *d, const struct json_field *f,
                             const struct json *v, void *to)
{
        if (!json_is_array(v))
                return wrong(d, f, "An array was expected.");
        if ((f->flags & JSON_NONEMPTY) && json_size(v) == 0)
                return wrong(d, f, "The array is empty.");
        *(const struct json **)to = v;
        return STATUS_OK;
}

static enum status set_value(const struct dispatch *d, const struct json_field *f,
                             const struct json *v, void *to)
{
        (void)d;
        (void)f;
        *(const struct json **)to = v;
        return STATUS_OK;
}

static enum status set_texts(const struct dispatch *d, const struct json_field *f,
                             const struct json *v, void *to)
{
        const struct json *array;
        TRY(set_array(d, f, v, &array));
        struct json_texts texts = {.n = json_size(v)};
        if (texts.n > 0) {
                texts.items = arena_alloc(d->arena, texts.n * sizeof *texts.items);
                if (!texts.items)
                        return error_no_memory(d->error);
        }
        for (size_t i = 0; i < texts.n; i++) {
                const struct json *item = json_at(array, i);
                if (!json_is_string(item))
                        return refuse(d, "invalid-field", span_of(f->name), (int64_t)i,
                                      "A string was expected.");
                TRY(keep_text(d, json_span(item), &texts.items[i]));
        }
        *(struct json_texts *)to = texts;
        return STATUS_OK;
}

typedef enum status (*setter)(const struct dispatch *, const struct json_field *,
                              const struct json *, void *);
static const setter setters[] = {
        [JSON_AS_TEXT] = set_text,     [JSON_AS_INT] = set_int,     [JSON_AS_BOOL] = set_bool,
        [JSON_AS_OBJECT] = set_object, [JSON_AS_ARRAY] = set_array, [JSON_AS_VALUE] = set_value,
        [JSON_AS_TEXTS] = set_texts,
};

static enum status dispatch_field(const struct dispatch *d, const struct json_field *f,
                                  const struct json *v)
{
        if (json_is_null(v) && (f->flags & JSON_NULLABLE) && f->type != JSON_AS_VALUE)
                return STATUS_OK;
        if (v)
                return setters[f->type](d, f, v, d->base + f->offset);
        if (f->flags & JSON_REQUIRED)
                return refuse(d, "missing-field", span_of(f->name), -1, "The member is required.");
        return STATUS_OK;
}

static enum status refuse_unknown(const struct dispatch *d, const struct json *object,
                                  const struct json_field *fields)
{
        void *iter = NULL;
        struct span name;
        const struct json *value;
        while (json_each(object, &iter, &name, &value)) {
                const struct json_field *f = fields;
                while (f->name && !span_is(name, f->name))
                        f++;
                if (!f->name && !(f->flags & JSON_OPEN))
                        return refuse(d, "unknown-field", name, -1,
                                      "There is no such member here.");
        }
        return STATUS_OK;
}

enum status json_dispatch_at(const struct json *object, const char *at,
                             const struct json_field *fields, void *base, struct arena *arena,
                             struct error *e)
{
        struct dispatch d = {.at = at, .arena = arena, .base = base, .error = e};
        if (!json_is_object(object))
                return error_set_http(e, STATUS_INVALID, 400, "invalid-field", at,
                                      "An object was expected.");
        TRY(refuse_unknown(&d, object, fields));
        for (const struct json_field *f = fields; f->name; f++)
                TRY(dispatch_field(&d, f, json_get(object, f->name)));
        return STATUS_OK;
}

enum status json_dispatch(const struct json *object, const struct json_field *fields, void *base,
                          struct arena *arena, struct error *e)
{
        return json_dispatch_at(object, "", fields, base, arena, e);
}
