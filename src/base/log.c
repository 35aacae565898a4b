#include "base/log_limit.h"

#include <chatelaine/base_clock.h>
#include <chatelaine/base_log.h>
#include <chatelaine/base_utf8.h>

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A line is one write of at most PIPE_BUF bytes, so that lines of several processes on one pipe
 * stay whole. */
#define LINE_MAX_BYTES 4096
#define LINE_END_BYTES 32   /* kept free for the mark of a cut line, and its end */
#define TEXT_MAX_BYTES 1024 /* of one field, before escaping */

static const struct {
        const char *name;
        char priority; /* of syslog, as journald reads it */
} levels[] = {
        [LOG_LEVEL_ERROR] = {"error", '3'},
        [LOG_LEVEL_WARN] = {"warn", '4'},
        [LOG_LEVEL_INFO] = {"info", '6'},
        [LOG_LEVEL_DEBUG] = {"debug", '7'},
};
#define N_LEVELS (sizeof levels / sizeof levels[0])

static atomic_int current_level = LOG_LEVEL_INFO;
static atomic_bool is_text;
static atomic_int out_fd = STDERR_FILENO;
static atomic_bool is_journal;
static pthread_once_t journal_once = PTHREAD_ONCE_INIT;

/* A line being made. What does not fit is left out and said to be. */
struct line {
        char bytes[LINE_MAX_BYTES];
        size_t len;
        bool is_full, is_text;
};

/* systemd.exec(5): JOURNAL_STREAM is "device:inode" of the stream that goes to the journal. */
static void look_for_journal(void)
{
        const char *stream = getenv("JOURNAL_STREAM");
        uintmax_t device, inode;
        struct stat st;
        bool is_same = stream && sscanf(stream, "%ju:%ju", &device, &inode) == 2 &&
                       fstat(atomic_load(&out_fd), &st) == 0 && st.st_dev == device &&
                       st.st_ino == inode;
        atomic_store(&is_journal, is_same);
}

void log_to(int fd)
{
        pthread_once(&journal_once, look_for_journal);
        atomic_store(&out_fd, fd);
        look_for_journal();
}

enum status log_configure(const char *level, const char *format, struct error *e)
{
        size_t i = 0;
        while (i < N_LEVELS && strcmp(level, levels[i].name) != 0)
                i++;
        if (i == N_LEVELS)
                return error_set(e, STATUS_INVALID, "invalid-log-level", NULL,
                                 "A log level is error, warn, info or debug.");
        bool wants_text = strcmp(format, "text") == 0;
        if (!wants_text && strcmp(format, "json") != 0)
                return error_set(e, STATUS_INVALID, "invalid-log-format", NULL,
                                 "A log format is json or text.");
        atomic_store(&current_level, (int)i);
        atomic_store(&is_text, wants_text);
        return STATUS_OK;
}

static void put(struct line *l, const char *p, size_t n)
{
        if (l->is_full || n > sizeof l->bytes - LINE_END_BYTES - l->len) {
                l->is_full = true;
                return;
        }
        memcpy(l->bytes + l->len, p, n);
        l->len += n;
}

static void put_text(struct line *l, const char *text)
{
        put(l, text, strlen(text));
}

/* One character, escaped as a JSON string wants it; the text format writes the same, so that a line
 * stays one line. */
static void put_escaped(struct line *l, const char *p, size_t n)
{
        static const char named[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
        unsigned char c = (unsigned char)*p;
        const char *at = n == 1 && c ? strchr(named, c) : NULL;
        char escape[8];

        if (n == 0) {
                put_text(l, UTF8_REPLACEMENT);
        } else if (at) {
                put(l, (char[]){'\\', letters[at - named]}, 2);
        } else if (c < 0x20 || c == 0x7f) {
                put(l, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", c));
        } else {
                put(l, p, n);
        }
}

static void put_string(struct line *l, struct span s)
{
        bool is_cut = s.len > TEXT_MAX_BYTES;
        size_t i = 0, end = is_cut ? TEXT_MAX_BYTES : s.len;

        put_text(l, "\"");
        while (i < end) {
                size_t n = utf8_length(s.p + i, s.len - i);
                put_escaped(l, s.p + i, n);
                i += n ? n : 1;
        }
        put_text(l, is_cut ? "...\"" : "\"");
}

/* A word of the text format needs no quotes when it could not be misread. */
static bool is_plain(struct span s)
{
        for (size_t i = 0; i < s.len; i++)
                if (s.p[i] <= ' ' || s.p[i] > '~' || strchr("\"\\=", s.p[i]))
                        return false;
        return s.len > 0 && s.len <= TEXT_MAX_BYTES;
}

/* A member as a whole, or nothing of it. */
static void put_member(struct line *l, const char *name, struct span text, int64_t number)
{
        size_t before = l->len;
        char digits[24];

        if (l->is_text) {
                put_text(l, " ");
                put_text(l, name);
                put_text(l, "=");
        } else {
                put_text(l, before && l->bytes[before - 1] == '{' ? "" : ",");
                put_string(l, span_of(name));
                put_text(l, ":");
        }
        if (!text.p)
                put(l, digits, (size_t)snprintf(digits, sizeof digits, "%" PRId64, number));
        else if (l->is_text && is_plain(text))
                put(l, text.p, text.len);
        else
                put_string(l, text);
        if (l->is_full)
                l->len = before;
}

static void begin(struct line *l, enum log_level level, const char *event)
{
        char time[CLOCK_RFC3339_SIZE];

        clock_rfc3339(clock_now_ms(), time);
        if (atomic_load(&is_journal))
                put(l, (char[]){'<', levels[level].priority, '>'}, 3);
        if (l->is_text) {
                put(l, time, sizeof time - 1);
                put_text(l, " ");
                put_text(l, levels[level].name);
                put_text(l, " ");
                put_text(l, event);
                return;
        }
        put_text(l, "{");
        put_member(l, "time", span_of(time), 0);
        put_member(l, "level", span_of(levels[level].name), 0);
        put_member(l, "event", span_of(event), 0);
}

static void finish(struct line *l)
{
        if (l->is_full) {
                const char *mark = l->is_text ? " truncated=true" : ",\"truncated\":true";
                memcpy(l->bytes + l->len, mark, strlen(mark));
                l->len += strlen(mark);
        }
        if (!l->is_text)
                l->bytes[l->len++] = '}';
        l->bytes[l->len++] = '\n';
}

/* There is nowhere to tell that telling failed. */
static void emit(const struct line *l)
{
        size_t done = 0;
        while (done < l->len) {
                ssize_t n = write(atomic_load(&out_fd), l->bytes + done, l->len - done);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return;
                done += (size_t)n;
        }
}

bool log_has(enum log_level level)
{
        return (int)level <= atomic_load_explicit(&current_level, memory_order_relaxed);
}

void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t n)
{
        int64_t suppressed;
        struct line l;

        if (!log_has(level) || !log_limit_pass(event, clock_mono_ms(), &suppressed))
                return;
        pthread_once(&journal_once, look_for_journal);
        l.len = 0;
        l.is_full = false;
        l.is_text = atomic_load(&is_text);
        begin(&l, level, event);
        if (suppressed)
                put_member(&l, "suppressed", SPAN_NONE, suppressed);
        for (size_t i = 0; i < n; i++)
                put_member(&l, fields[i].name, fields[i].text, fields[i].number);
        finish(&l);

        int saved = errno;
        emit(&l);
        errno = saved;
}

void log_error(enum log_level level, const char *event, const struct error *e)
{
        const struct log_field fields[] = {
                LOG_S("slug", e->slug),
                LOG_S("where", e->where),
                LOG_S("detail", e->text),
        };
        log_write(level, event, fields, sizeof fields / sizeof fields[0]);
}
