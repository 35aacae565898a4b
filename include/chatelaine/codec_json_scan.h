/*
 * codec_json_scan: one strict pass over the raw bytes of a body.
 *
 * No tree and no allocation: the caller gets spans of the bytes as they were
 * sent. RFC 8259, valid UTF-8, no lone surrogate in \u escapes, no BOM.
 *
 *     struct json_scan s;
 *     json_scan_init(&s, body, JSON_SCAN_BODY, &limits, json_webhook_names, WEBHOOK_NAMES);
 *     for (;;) {
 *             struct json_item item;
 *             bool is_item;
 *             TRY(json_scan_next(&s, &item, &is_item, e));
 *             if (!is_item)
 *                     break;
 *             ... item.members[WEBHOOK_ID].raw ...
 *     }
 *
 * What was yielded holds only when the loop has come to its end: a later byte
 * may still refuse the body.
 *
 * Errors: INVALID 400 "invalid-json", INVALID 400 "too-deep", LIMIT 413
 *         "too-many-items"; where = JSON pointer and byte offset,
 *         "/3/data (offset 118)"; with JSON_SCAN_LINES the first part is the
 *         item's number.
 * Thread: a scanner has one owner; the functions on spans are pure.
 */
#ifndef CHATELAINE_CODEC_JSON_SCAN_H
#define CHATELAINE_CODEC_JSON_SCAN_H

#include <chatelaine/base_buf.h>

enum json_kind {
        JSON_KIND_ABSENT,
        JSON_KIND_NULL,
        JSON_KIND_FALSE,
        JSON_KIND_TRUE,
        JSON_KIND_INTEGER, /* no fraction, no exponent; any size */
        JSON_KIND_REAL,
        JSON_KIND_STRING,
        JSON_KIND_OBJECT,
        JSON_KIND_ARRAY,
};

struct json_value {
        struct span raw; /* as sent: a string with its quotes; absent for JSON_KIND_ABSENT */
        enum json_kind kind;
        bool is_zero;     /* a number equal to 0: 0, -0, 0.0, 0e9 */
        bool is_escaped;  /* a string with a backslash; else what is between the quotes is its text
                           */
        bool is_repeated; /* its name came more than once; the last one is given */
};

#define JSON_SCAN_NAMES_MAX 12
#define JSON_SCAN_DEPTH_MAX 1024 /* larger limits are cut to it */

struct json_scan_limits {
        /* Arrays and objects inside each other, the body's own counted; lines count each for
         * itself. */
        unsigned depth;
        size_t items;
};

enum json_scan_mode {
        JSON_SCAN_BODY,  /* one value, or an array whose elements are the items */
        JSON_SCAN_ONE,   /* one value, which is the item (an array too) */
        JSON_SCAN_LINES, /* NDJSON: one item a line (LF or CRLF), blank lines skipped */
};

struct json_item {
        size_t index;    /* 0, 1, ... */
        struct span raw; /* as sent, without white space around it */
        enum json_kind kind;
        bool is_object;
        /* In the order of `names`; kind ABSENT when not there. */
        struct json_value members[JSON_SCAN_NAMES_MAX];
};

/* The names of a webhook item. */
enum { WEBHOOK_ID, WEBHOOK_TYPE, WEBHOOK_DATA, WEBHOOK_NAMES };
extern const char *const json_webhook_names[WEBHOOK_NAMES];

struct json_scan { /* private */
        struct span body;
        size_t at, index;
        const char *const *names;
        size_t n_names, name_lengths[JSON_SCAN_NAMES_MAX];
        struct json_scan_limits limits;
        enum json_scan_mode mode;
        /* May be read after the first json_scan_next: the body is an array of items. */
        bool is_array;
        bool is_begun, is_more;
};

/* `names` (at most JSON_SCAN_NAMES_MAX) and `body` are borrowed until the last call. */
void json_scan_init(struct json_scan *s, struct span body, enum json_scan_mode mode,
                    const struct json_scan_limits *limits, const char *const *names,
                    size_t n_names);
/*
 * The next item; *ret_is_item is false at the proper end. An empty body is
 * "invalid-json", except for JSON_SCAN_LINES. *ret holds nothing to use when
 * there is no item or on failure.
 */
enum status json_scan_next(struct json_scan *s, struct json_item *ret, bool *ret_is_item,
                           struct error *e) MUST_CHECK;

/* The whole text is one valid value; errors as above. */
enum status json_scan_check(struct span text, unsigned depth_max, struct error *e) MUST_CHECK;

/* ---- on raw values that a scan has accepted (never on unchecked bytes) ---- */

/* Kind and flags of one raw value, white space around it cut off. */
struct json_value json_scan_value(struct span raw);
/*
 * A member by dotted path of names ("a.b"); objects only; of a repeated name
 * the last, with is_repeated. False when not there.
 */
bool json_scan_path(struct span object, const char *path, struct json_value *ret);
/*
 * Members in order; start with *pos = 0; the name is raw, quotes included;
 * false at the end, or when it is no object.
 */
bool json_scan_each(struct span object, size_t *pos, struct span *ret_name, struct json_value *ret);
/* The text of a raw string value (with its quotes), decoded to UTF-8; it may hold NUL. */
void json_scan_decode(struct span raw, struct buf *out);
/* The same, borrowed from raw or made in the arena; absent at the arena's bound. */
struct span json_scan_text(struct span raw, struct arena *a);
/* Characters (code points) of a raw string value, decoded. */
size_t json_scan_characters(struct span raw);
/* A raw string value's text equals `text`, escapes decoded. */
bool json_scan_is(struct span raw, struct span text);
/* Equal texts but for insignificant white space. */
bool json_scan_same(struct span a, struct span b);
/* Append without insignificant white space. */
void json_minify(struct span raw, struct buf *out);

/* ---- Python's repr, which linked-services' Signature signs (facts: section 1) ---- */

typedef void (*json_sink)(void *ctx, const void *p, size_t len);

/*
 * repr(json.loads(body)) as CPython 3.11 prints it, in pieces into `sink`:
 * 'single' quotes unless only they occur, \x \u \U escapes for what is not
 * isprintable(), floats by repr (1e999 is inf), integers digit by digit, True
 * False None, a repeated name keeps its first place and its last value.
 * The body is checked whole before the first byte is given; errors as the
 * scan's. NO_MEMORY: names of open objects are kept in scratch memory, at most
 * 8 times the body.
 */
enum status json_python_repr(struct span body, unsigned depth_max, json_sink sink, void *ctx,
                             struct error *e) MUST_CHECK;
/* repr of one str, given as UTF-8. */
void json_python_repr_text(struct span utf8, json_sink sink, void *ctx);
/* A sink that appends to a struct buf (ctx). */
void json_sink_buf(void *buf, const void *p, size_t len);

#endif
