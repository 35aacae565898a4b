/*
 * base_log: one JSON line an event, on stderr, with a journald priority
 * ("<6>{...}") when stderr is the journal's (JOURNAL_STREAM), else bare.
 *
 *     LOG_WARN("kafka.disconnected", LOG_S("broker", name), LOG_I("retries", n));
 *
 * Members: time, level, event, then the fields in order. The event name is the
 * key of rate limiting: more than 10 lines a second of one event are counted
 * and told in the next line that gets through ("suppressed": n). Never a
 * body, token, key or password in a field. Thread-safe; a line is one write.
 */
#ifndef CHATELAINE_BASE_LOG_H
#define CHATELAINE_BASE_LOG_H

#include <chatelaine/base_buf.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

struct log_field {
        const char *name;
        struct span text; /* p NULL: the number */
        int64_t number;
};
#define LOG_S(n, s) ((struct log_field){.name = (n), .text = span_of((s) ? (s) : "")})
#define LOG_SPAN(n, s) ((struct log_field){.name = (n), .text = (s)})
#define LOG_I(n, i) ((struct log_field){.name = (n), .number = (int64_t)(i)})

/* Lines of that level are written: asked where making the fields costs. */
bool log_has(enum log_level level);
void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t n);
#define LOG_AT_(level, event, ...)                                           \
        do {                                                                 \
                const struct log_field log_fields_[] = {{0}, ##__VA_ARGS__}; \
                log_write(level, event, log_fields_ + 1,                     \
                          sizeof log_fields_ / sizeof log_fields_[0] - 1);   \
        } while (0)
#define LOG_ERROR(event, ...) LOG_AT_(LOG_LEVEL_ERROR, event, ##__VA_ARGS__)
#define LOG_WARN(event, ...) LOG_AT_(LOG_LEVEL_WARN, event, ##__VA_ARGS__)
#define LOG_INFO(event, ...) LOG_AT_(LOG_LEVEL_INFO, event, ##__VA_ARGS__)
#define LOG_DEBUG(event, ...) LOG_AT_(LOG_LEVEL_DEBUG, event, ##__VA_ARGS__)
/* An error as fields: slug, where, detail. */
void log_error(enum log_level level, const char *event, const struct error *e);

/* Level "error|warn|info|debug", format "json|text". May change while running (SIGHUP). */
enum status log_configure(const char *level, const char *format, struct error *e) MUST_CHECK;
/* Tests: lines go to this file descriptor. */
void log_to(int fd);

#endif
