/*
 * Times and durations as text.
 *
 * One reader for RFC 3339 and for what Python's datetime.fromisoformat takes:
 * the first is the second with everything spelled out. A fraction beyond the
 * millisecond is cut.
 */
#include <chatelaine/base_clock.h>

#include <time.h>

struct moment {
        int year, month, day, hour, minute, second, ms;
        int offset_s; /* east of UTC */
        bool has_offset;
};

/* Exactly `digits` digits off the front. */
static bool take_number(struct span *s, size_t digits, int *ret)
{
        int n = 0;
        if (s->len < digits)
                return false;
        for (size_t i = 0; i < digits; i++) {
                if (s->p[i] < '0' || s->p[i] > '9')
                        return false;
                n = n * 10 + (s->p[i] - '0');
        }
        *s = span_make(s->p + digits, s->len - digits);
        *ret = n;
        return true;
}

static bool take_char(struct span *s, const char *any_of)
{
        if (!s->len || !s->p[0] || !strchr(any_of, s->p[0]))
                return false;
        *s = span_make(s->p + 1, s->len - 1);
        return true;
}

/* One digit or more; only the first three count. */
static bool take_fraction(struct span *s, int *ret_ms)
{
        int ms = 0, weight = 100, digit;
        size_t n = 0;
        for (; take_number(s, 1, &digit); n++, weight /= 10)
                ms += digit * weight;
        *ret_ms = ms;
        return n > 0;
}

/* HH[:MM[:SS[.fraction]]], or the same without colons; `is_full`: HH:MM:SS at the least. */
static bool take_time(struct span *s, bool is_full, int *hour, int *minute, int *second, int *ms)
{
        *minute = *second = *ms = 0;
        if (!take_number(s, 2, hour))
                return false;
        bool has_colons = take_char(s, ":");
        if (is_full && !has_colons)
                return false;
        if (!has_colons && !(s->len && s->p[0] >= '0' && s->p[0] <= '9'))
                return true;
        if (!take_number(s, 2, minute))
                return false;
        if (has_colons ? !take_char(s, ":") : !(s->len && s->p[0] >= '0' && s->p[0] <= '9'))
                return !is_full;
        if (!take_number(s, 2, second))
                return false;
        if (take_char(s, is_full ? "." : ".,"))
                return take_fraction(s, ms);
        return true;
}

static int days_in(int year, int month)
{
        static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
        bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        return days[month - 1] + (month == 2 && is_leap);
}

static int64_t unix_seconds(int year, int month, int day)
{
        struct tm t = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
        return timegm(&t);
}

/* After "YYYY-W" or "YYYYW": the week and, when given, its day (Monday is 1). */
static bool take_week_date(struct span *s, bool has_dashes, struct moment *m)
{
        int week, day = 1;
        if (!take_number(s, 2, &week))
                return false;
        if (has_dashes ? take_char(s, "-") : s->len && s->p[0] >= '0' && s->p[0] <= '9')
                if (!take_number(s, 1, &day))
                        return false;
        /* The week that holds January 4th is the first; 1970-01-01 was a Thursday. */
        int64_t jan4 = unix_seconds(m->year, 1, 4) / 86400;
        int64_t weekday = ((jan4 + 3) % 7 + 7) % 7;
        int64_t next_jan4 = unix_seconds(m->year + 1, 1, 4) / 86400;
        int64_t next_weekday = ((next_jan4 + 3) % 7 + 7) % 7;
        int64_t first = jan4 - weekday, end = next_jan4 - next_weekday;
        int64_t at = first + (int64_t)(week - 1) * 7 + day - 1;
        if (week < 1 || day < 1 || day > 7 || first + (int64_t)(week - 1) * 7 >= end)
                return false;
        time_t seconds = (time_t)(at * 86400);
        struct tm t;
        gmtime_r(&seconds, &t);
        m->year = t.tm_year + 1900;
        m->month = t.tm_mon + 1;
        m->day = t.tm_mday;
        return true;
}

static bool take_date(struct span *s, bool is_full, struct moment *m)
{
        if (!take_number(s, 4, &m->year))
                return false;
        bool has_dashes = take_char(s, "-");
        if (is_full && !has_dashes)
                return false;
        if (!is_full && take_char(s, "W"))
                return take_week_date(s, has_dashes, m);
        return take_number(s, 2, &m->month) && (!has_dashes || take_char(s, "-")) &&
               take_number(s, 2, &m->day);
}

static bool take_offset(struct span *s, bool is_full, struct moment *m)
{
        if (take_char(s, is_full ? "Zz" : "Z")) {
                m->has_offset = true;
                return true;
        }
        int sign = take_char(s, "+") ? 1 : take_char(s, "-") ? -1 : 0;
        if (!sign)
                return !is_full;
        int hour, minute, second = 0, ms;
        if (is_full ? !(take_number(s, 2, &hour) && take_char(s, ":") && take_number(s, 2, &minute))
                    : !take_time(s, false, &hour, &minute, &second, &ms))
                return false;
        m->has_offset = true;
        m->offset_s = sign * (hour * 3600 + minute * 60 + second);
        return hour <= 23 && minute <= 59 && second <= 59;
}

/* Years that a four-digit date can have, month lengths, and a second 60 only where UTC can have
 * one. */
static bool moment_to_ms(const struct moment *m, bool has_leap_seconds, int64_t *ret_ms)
{
        if (m->month < 1 || m->month > 12 || m->day < 1 || m->day > days_in(m->year, m->month))
                return false;
        if (m->hour > 23 || m->minute > 59 || m->second > (has_leap_seconds ? 60 : 59))
                return false;
        int64_t seconds = unix_seconds(m->year, m->month, m->day) + m->hour * 3600 +
                          m->minute * 60 + m->second;
        seconds -= m->offset_s;
        if (m->second == 60 && seconds % 86400 != 0)
                return false;
        *ret_ms = seconds * 1000 + m->ms;
        return true;
}

enum status clock_parse_rfc3339(struct span text, int64_t *ret_ms, struct error *e)
{
        struct moment m = {0};
        if (!take_date(&text, true, &m) || !take_char(&text, "Tt") ||
            !take_time(&text, true, &m.hour, &m.minute, &m.second, &m.ms) ||
            !take_offset(&text, true, &m) || text.len || !moment_to_ms(&m, true, ret_ms))
                return error_set(e, STATUS_INVALID, "invalid-time", NULL,
                                 "Not a time as RFC 3339 writes it (2026-11-21T20:52:10.123Z).");
        return STATUS_OK;
}

enum status clock_parse_iso8601(struct span text, int64_t *ret_ms, bool *ret_naive, struct error *e)
{
        struct moment m = {0};
        bool is_good = take_date(&text, false, &m) && m.year >= 1;
        if (is_good && text.len)
                is_good = take_char(&text, "T ") &&
                          take_time(&text, false, &m.hour, &m.minute, &m.second, &m.ms) &&
                          take_offset(&text, false, &m) && !text.len;
        if (!is_good || !moment_to_ms(&m, false, ret_ms))
                return error_set(e, STATUS_INVALID, "invalid-time", NULL,
                                 "Not a date and time of ISO 8601.");
        *ret_naive = !m.has_offset;
        return STATUS_OK;
}

/* In the order in which they may follow one another; "ms" before "m" and "s", whose letters it has.
 */
static const struct unit {
        const char *name;
        int64_t ms;
} units[] = {
        {"ms", 1}, {"w", 604800000}, {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000},
};

static const struct unit *take_unit(struct span *s)
{
        for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
                if (span_starts(*s, units[i].name)) {
                        size_t n = strlen(units[i].name);
                        *s = span_make(s->p + n, s->len - n);
                        return &units[i];
                }
        }
        return NULL;
}

enum status clock_parse_duration(struct span text, int64_t *ret_ms, struct error *e)
{
        static const char help[] =
                "Not a duration: a number of seconds, or numbers with w, d, h, m, s or ms, the "
                "largest first (90d, 1h30m).";
        int64_t total = 0, smallest = INT64_MAX;
        struct span rest = text;

        do {
                size_t digits = 0;
                while (digits < rest.len && rest.p[digits] >= '0' && rest.p[digits] <= '9')
                        digits++;
                int64_t n;
                if (!digits || span_int64(span_make(rest.p, digits), &n, NULL) != STATUS_OK)
                        return error_set(e, STATUS_INVALID, "invalid-duration", NULL, help);
                bool is_bare = digits == text.len;
                rest = span_make(rest.p + digits, rest.len - digits);
                const struct unit *unit = take_unit(&rest);
                int64_t unit_ms = unit ? unit->ms : is_bare ? 1000 : 0;
                if (!unit_ms || unit_ms >= smallest || __builtin_mul_overflow(n, unit_ms, &n) ||
                    __builtin_add_overflow(total, n, &total))
                        return error_set(e, STATUS_INVALID, "invalid-duration", NULL, help);
                smallest = unit_ms;
        } while (rest.len);
        *ret_ms = total;
        return STATUS_OK;
}
