/*
 * codec_json: JSON written, read as a tree, and made canonical.
 *
 * Writing goes straight into a struct buf; there is no tree. A comma is put in
 * front of a value when the buffer ends in a finished value, so begin on an
 * empty buffer or behind white space:
 *
 *     json_obj_open(b);
 *     json_key(b, "id");    json_text(b, id);
 *     json_key(b, "items"); json_arr_open(b);
 *             json_int(b, 1); json_int(b, 2);
 *     json_arr_close(b);
 *     json_obj_close(b);
 *     TRY(buf_check(b, e));
 *
 * Reading is for small documents (administration, claims, configuration of
 * upstreams): a jansson tree behind struct json. Nobody else includes jansson.
 * Webhook bodies never come here: see codec_json_scan.h.
 *
 * Ownership: json_parse gives a tree, json_free takes it; every other struct
 *            json is a borrowed part of it, and spans live as long as the tree.
 * Thread:    a tree has one owner; several threads may read it.
 * Limits:    depth_max of json_parse; text length is the caller's to bound.
 */
#ifndef CHATELAINE_CODEC_JSON_H
#define CHATELAINE_CODEC_JSON_H

#include <chatelaine/base_buf.h>
#include <stddef.h>

/* libjansson exports functions of these names: ours must never be linked in their place. */
#define json_string codec_json_string
#define json_null codec_json_null
#define json_integer codec_json_integer

/* ---- writing ---- */

/*
 * `"..."` without any comma: escapes what RFC 8259 asks for, and U+FFFD for
 * each maximal invalid UTF-8 part.
 */
void json_string(struct buf *b, struct span text);

void json_obj_open(struct buf *b);
void json_obj_close(struct buf *b);
void json_arr_open(struct buf *b);
void json_arr_close(struct buf *b);
void json_key(struct buf *b,
              const char *name); /* `"name":`; a name of ours, which needs no escape */
void json_key_span(struct buf *b, struct span name);
void json_text(struct buf *b, struct span text); /* a string; null when absent (p == NULL) */
void json_int(struct buf *b, int64_t n);
void json_bool(struct buf *b, bool v);
void json_null(struct buf *b);
void json_raw(struct buf *b, struct span value); /* finished JSON text, trimmed; null when absent */

/* Key and value at once, for flat objects. */
void json_member_text(struct buf *b, const char *name, struct span text);
void json_member_int(struct buf *b, const char *name, int64_t n);
void json_member_bool(struct buf *b, const char *name, bool v);
void json_member_null(struct buf *b, const char *name);
void json_member_raw(struct buf *b, const char *name, struct span value);
/* RFC 3339 with milliseconds; null when negative. */
void json_member_time(struct buf *b, const char *name, int64_t at_ms);

/* ---- reading ---- */

struct json;

/*
 * Parse one RFC 8259 text, any value at the top. Refused, INVALID (400):
 * "invalid-json" (grammar, UTF-8, lone surrogates, repeated names, a NUL in a
 * name, integers beyond int64, reals beyond double) and "too-deep" (more than depth_max
 * arrays and objects inside each other); where = "/a/0 (offset 17)".
 */
enum status json_parse(struct span text, unsigned depth_max, struct json **ret,
                       struct error *e) MUST_CHECK;
void json_free(struct json *v);   /* the root that json_parse gave; NULL allowed */
void json_freep(struct json **v); /* for CLEANUP(json_freep) */

/* All take NULL and then say false, 0, absent. */
/* NULL when absent or not an object. */
const struct json *json_get(const struct json *object, const char *name);
/* NULL past the end or not an array. */
const struct json *json_at(const struct json *array, size_t i);
size_t json_size(const struct json *v); /* members or elements; 0 for others */
bool json_is_object(const struct json *v);
bool json_is_array(const struct json *v);
bool json_is_string(const struct json *v);
bool json_is_integer(const struct json *v); /* written without fraction and exponent */
bool json_is_number(const struct json *v);  /* integer or real */
bool json_is_boolean(const struct json *v);
bool json_is_true(const struct json *v);
bool json_is_null(const struct json *v);     /* the literal null, not absence */
struct span json_span(const struct json *v); /* a string's bytes; absent for others */
int64_t json_integer(const struct json *v);  /* 0 for others */
double json_number(const struct json *v);    /* integer or real; 0 for others */
struct span json_get_text(const struct json *object, const char *name); /* json_span(json_get()) */

/* Members in the order of the text; start with *iter = NULL; false at the end. */
bool json_each(const struct json *object, void **iter, struct span *ret_name,
               const struct json **ret_value);

/* The value as compact text, members in their order. */
void json_dump(const struct json *v, struct buf *out);

/* ---- dispatch: an object into a struct, through a table ---- */

enum json_type {
        JSON_AS_TEXT,   /* struct span */
        JSON_AS_INT,    /* int64_t */
        JSON_AS_BOOL,   /* bool */
        JSON_AS_OBJECT, /* const struct json *, borrowed */
        JSON_AS_ARRAY,  /* const struct json *, borrowed */
        JSON_AS_VALUE,  /* const struct json *, borrowed, any kind, null too */
        JSON_AS_TEXTS,  /* struct json_texts: an array of strings */
};

enum json_field_flags {
        JSON_REQUIRED = 1, /* absent: "missing-field" */
        JSON_NULLABLE = 2, /* null is taken, and leaves the destination as it is */
        JSON_NONEMPTY = 4, /* "" and [] are "invalid-field" */
        JSON_OPEN = 8,     /* of the table's end: other members are ignored */
};

struct json_texts {
        struct span *items;
        size_t n;
};

struct json_field {
        const char *name; /* NULL ends the table */
        enum json_type type;
        size_t offset; /* of the destination in *base */
        unsigned flags;
};

#define JSON_FIELD(strct, member, json_name, json_type_, json_flags)                          \
        {                                                                                     \
                .name = (json_name), .type = (json_type_), .offset = offsetof(strct, member), \
                .flags = (json_flags)                                                         \
        }
#define JSON_FIELD_END       \
        {                    \
                .name = NULL \
        }
#define JSON_FIELD_END_OPEN                      \
        {                                        \
                .name = NULL, .flags = JSON_OPEN \
        }

/*
 * Fill *base from `object` through `fields`. Destinations of absent members
 * are left as they are: set defaults before. Strings are copied into `arena`,
 * or borrowed from the tree when it is NULL; JSON_AS_TEXTS needs an arena.
 * INVALID (400): "invalid-field" (wrong type, or not an object at all),
 * "missing-field", "unknown-field"; where = JSON pointer, "/grants/0/role".
 * NO_MEMORY at the arena's bound. On failure *base may be partly written.
 */
enum status json_dispatch(const struct json *object, const struct json_field *fields, void *base,
                          struct arena *arena, struct error *e) MUST_CHECK;
/* The same for an object that lies at JSON pointer `at` ("/grants/0") of its document. */
enum status json_dispatch_at(const struct json *object, const char *at,
                             const struct json_field *fields, void *base, struct arena *arena,
                             struct error *e) MUST_CHECK;

/* ---- canonical ---- */

/*
 * Append the RFC 8785 form of `text`: names sorted by UTF-16 code units,
 * numbers as ECMAScript writes them, no white space. Numbers are doubles:
 * an integer beyond 2^53 may lose digits, as the RFC has it. INVALID as
 * json_parse (depth 128); LIMIT or NO_MEMORY as the buffer says.
 */
enum status json_canonical(struct span text, struct buf *out, struct error *e) MUST_CHECK;

/* The version of jansson. */
const char *json_library(void);

#endif
