#include <chatelaine/base_clock.h>

#include <string.h>
#include <time.h>

static int64_t (*injected_now)(void);
static int64_t (*injected_mono)(void);

static int64_t real_us(clockid_t id)
{
        struct timespec t;
        clock_gettime(id, &t);
        return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void clock_inject(int64_t (*now_ms)(void), int64_t (*mono_ms)(void))
{
        injected_now = now_ms;
        injected_mono = mono_ms;
}

int64_t clock_now_ms(void)
{
        return injected_now ? injected_now() : real_us(CLOCK_REALTIME) / 1000;
}

int64_t clock_mono_us(void)
{
        return injected_mono ? injected_mono() * 1000 : real_us(CLOCK_MONOTONIC);
}

int64_t clock_mono_ms(void)
{
        return clock_mono_us() / 1000;
}

#define YEAR_0000_MS INT64_C(-62167219200000)
#define YEAR_9999_MS INT64_C(253402300799999)

/* The pattern, its zeros filled in with n; a time is written for each event, too often for printf.
 */
static void put_digits(char *out, int n, const char *pattern)
{
        size_t len = strlen(pattern);
        memcpy(out, pattern, len + 1);
        for (size_t at = len - 1; at-- > 0; n /= 10)
                out[at] = (char)('0' + n % 10);
}

void clock_rfc3339(int64_t ms, char out[CLOCK_RFC3339_SIZE])
{
        /* Years that RFC 3339 can write. */
        ms = ms < YEAR_0000_MS ? YEAR_0000_MS : ms > YEAR_9999_MS ? YEAR_9999_MS : ms;
        int64_t fraction = ((ms % 1000) + 1000) % 1000;
        time_t seconds = (time_t)((ms - fraction) / 1000);
        struct tm t;
        gmtime_r(&seconds, &t);
        put_digits(out, t.tm_year + 1900, "0000-");
        put_digits(out + 5, t.tm_mon + 1, "00-");
        put_digits(out + 8, t.tm_mday, "00T");
        put_digits(out + 11, t.tm_hour, "00:");
        put_digits(out + 14, t.tm_min, "00:");
        put_digits(out + 17, t.tm_sec, "00.");
        put_digits(out + 20, (int)fraction, "000Z");
}
