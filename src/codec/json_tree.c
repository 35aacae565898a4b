/* The tree: struct json is a jansson value under a name of ours. The only file that sees jansson.
 */
#include <jansson.h>
/* Macros of jansson with names that our functions have. */
#undef json_is_object
#undef json_is_array
#undef json_is_string
#undef json_is_integer
#undef json_is_number
#undef json_is_boolean
#undef json_is_true
#undef json_is_null

#include "json_lex.h"
#include "json_number.h"

#include <chatelaine/codec_json.h>

static struct json *ours(json_t *v)
{
        return (struct json *)v;
}

static const json_t *theirs(const struct json *v)
{
        return (const json_t *)v;
}

static bool is_type(const struct json *v, json_type type)
{
        return v && json_typeof(theirs(v)) == type;
}

/* The scan has been over the text: what jansson still refuses is listed here. */
static enum status refused(const json_error_t *jansson, struct span text, struct error *e)
{
        static const struct {
                enum json_error_code code;
                const char *fault;
        } faults[] = {
                {json_error_duplicate_key, "A name is repeated in one object."},
                {json_error_numeric_overflow, "A number is out of range."},
                {json_error_null_byte_in_key, "A name holds a NUL character."},
        };
        enum json_error_code code = json_error_code(jansson);
        if (code == json_error_out_of_memory)
                return error_no_memory(e);
        const char *fault = "Not a JSON text that is taken here.";
        for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
                if (faults[i].code == code)
                        fault = faults[i].fault;
        char where[LEX_WHERE_SIZE];
        size_t offset = jansson->position > 0 ? (size_t)jansson->position : 0;
        lex_where_cut(text, offset < text.len ? offset : text.len, where);
        return error_set_http(e, STATUS_INVALID, 400, "invalid-json", where, "%s", fault);
}

enum status json_parse(struct span text, unsigned depth_max, struct json **ret, struct error *e)
{
        TRY(json_scan_check(text, depth_max, e));
        json_error_t jansson;
        json_t *v = json_loadb(text.p, text.len,
                               JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &jansson);
        if (!v)
                return refused(&jansson, text, e);
        *ret = ours(v);
        return STATUS_OK;
}

void json_free(struct json *v)
{
        json_decref((json_t *)v);
}

void json_freep(struct json **v)
{
        json_free(*v);
}

const struct json *json_get(const struct json *object, const char *name)
{
        return ours(json_object_get(theirs(object), name));
}

const struct json *json_at(const struct json *array, size_t i)
{
        return ours(json_array_get(theirs(array), i));
}

size_t json_size(const struct json *v)
{
        return is_type(v, JSON_ARRAY) ? json_array_size(theirs(v)) : json_object_size(theirs(v));
}

bool json_is_object(const struct json *v)
{
        return is_type(v, JSON_OBJECT);
}

bool json_is_array(const struct json *v)
{
        return is_type(v, JSON_ARRAY);
}

bool json_is_string(const struct json *v)
{
        return is_type(v, JSON_STRING);
}

bool json_is_integer(const struct json *v)
{
        return is_type(v, JSON_INTEGER);
}

bool json_is_number(const struct json *v)
{
        return is_type(v, JSON_INTEGER) || is_type(v, JSON_REAL);
}

bool json_is_boolean(const struct json *v)
{
        return is_type(v, JSON_TRUE) || is_type(v, JSON_FALSE);
}

bool json_is_true(const struct json *v)
{
        return is_type(v, JSON_TRUE);
}

bool json_is_null(const struct json *v)
{
        return is_type(v, JSON_NULL);
}

struct span json_span(const struct json *v)
{
        if (!json_is_string(v))
                return SPAN_NONE;
        return span_make(json_string_value(theirs(v)), json_string_length(theirs(v)));
}

int64_t json_integer(const struct json *v)
{
        return json_integer_value(theirs(v));
}

double json_number(const struct json *v)
{
        return json_number_value(theirs(v));
}

struct span json_get_text(const struct json *object, const char *name)
{
        return json_span(json_get(object, name));
}

bool json_each(const struct json *object, void **iter, struct span *ret_name,
               const struct json **ret_value)
{
        json_t *o = (json_t *)object; /* jansson's iterators are not const, and change nothing */
        *iter = *iter ? json_object_iter_next(o, *iter) : json_object_iter(o);
        if (!*iter)
                return false;
        *ret_name = span_make(json_object_iter_key(*iter), json_object_iter_key_len(*iter));
        *ret_value = ours(json_object_iter_value(*iter));
        return true;
}

static void dump_object(const struct json *v, struct buf *out)
{
        void *iter = NULL;
        struct span name;
        const struct json *value;
        json_obj_open(out);
        while (json_each(v, &iter, &name, &value)) {
                json_key_span(out, name);
                json_dump(value, out);
        }
        json_obj_close(out);
}

static void dump_array(const struct json *v, struct buf *out)
{
        json_arr_open(out);
        for (size_t i = 0; i < json_size(v); i++)
                json_dump(json_at(v, i), out);
        json_arr_close(out);
}

static void dump_real(double real, struct buf *out)
{
        char text[NUMBER_SIZE];
        struct decimal d = decimal_of(real);
        json_raw(out, span_make(text, number_python(&d, text))); /* with its fraction or exponent:
                                                                    still a real when read */
}

void json_dump(const struct json *v, struct buf *out)
{
        if (!v)
                return;
        switch (json_typeof(theirs(v))) {
        case JSON_OBJECT: dump_object(v, out); break;
        case JSON_ARRAY: dump_array(v, out); break;
        case JSON_STRING: json_text(out, json_span(v)); break;
        case JSON_INTEGER: json_int(out, json_integer(v)); break;
        case JSON_REAL: dump_real(json_number(v), out); break;
        case JSON_TRUE:
        case JSON_FALSE: json_bool(out, json_is_true(v)); break;
        case JSON_NULL: json_null(out); break;
        }
}

const char *json_library(void)
{
        return jansson_version_str();
}
