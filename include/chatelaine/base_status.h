/*
 * base_status: what a function that can fail answers.
 *
 * Every function that can fail returns enum status and takes a caller-owned
 * struct error last. The enum says what the caller can do; the error says
 * which input, where, and why, in words that may be shown to the caller.
 *
 *     struct error err;
 *     if (key_parse(text, &key, &err) != STATUS_OK)
 *             return http_reply_error(req, &err);
 *
 * The error is written only on failure. A NULL error is allowed wherever the
 * caller needs the status alone.
 */
#ifndef CHATELAINE_BASE_STATUS_H
#define CHATELAINE_BASE_STATUS_H

#include <assert.h>
#include <stdint.h>

/* name, HTTP status when the error does not name a nearer one */
#define STATUS_MAP(X)                                                      \
        X(OK, 200)                                                         \
        X(INVALID, 400) /* the input is wrong: do not send it again */     \
        X(DENIED, 403)  /* the caller may not */                           \
        X(NOT_FOUND, 404)                                                  \
        X(CONFLICT, 409) /* the state forbids it */                        \
        X(LIMIT, 429)    /* a bound is reached: later, or smaller */       \
        X(RETRY, 503)    /* a passing fault: the same again may succeed */ \
        X(NO_MEMORY, 503)                                                  \
        X(INTERNAL, 500) /* a fault of ours or of the disk */

enum status {
#define X(name, http) STATUS_##name,
        STATUS_MAP(X)
#undef X
};

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

struct error {
        enum status status;
        uint16_t http;           /* nearer HTTP status (401, 413, ...); 0 = the status's own */
        uint32_t retry_after_ms; /* 0 = not said */
        char slug[48];           /* stable machine name: "invalid-json" */
        char where[512];         /* JSON pointer, file:line, header or parameter name; "" = none */
        char text[256];          /* one sentence for a person; never a secret */
};

/* "INVALID"; for logs and metrics. */
const char *status_name(enum status s);

/* The HTTP status that answers `e`. */
unsigned error_http(const struct error *e);

/*
 * Fill `e` (may be NULL) and return `s`, so that a failing function ends in
 * one line. `slug` and `where` are copied and cut at their field's size;
 * `where` may be NULL.
 */
enum status error_set(struct error *e, enum status s, const char *slug, const char *where,
                      const char *fmt, ...) PRINTF_LIKE(5, 6);

/* The same with a nearer HTTP status. */
enum status error_set_http(struct error *e, enum status s, unsigned http, const char *slug,
                           const char *where, const char *fmt, ...) PRINTF_LIKE(6, 7);

/* STATUS_NO_MEMORY with its text. */
enum status error_no_memory(struct error *e);

/*
 * A failure is never OK. Said here, where compilers and analysers see it, they know that what a
 * failing function leaves unwritten is not read.
 */
static inline enum status status_failed(enum status s)
{
        assert(s != STATUS_OK);
        return s;
}
#define error_set(...) status_failed((error_set)(__VA_ARGS__))
#define error_set_http(...) status_failed((error_set_http)(__VA_ARGS__))
#define error_no_memory(e) status_failed((error_no_memory)(e))

/* Return early with whatever a call returned, its error already written. */
#define TRY(call)                                 \
        do {                                      \
                enum status try_status_ = (call); \
                if (try_status_ != STATUS_OK)     \
                        return try_status_;       \
        } while (0)

#endif
