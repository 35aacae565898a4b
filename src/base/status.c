#include <chatelaine/base_status.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
        const char *name;
        unsigned http;
} statuses[] = {
#define X(name, http) [STATUS_##name] = {#name, http},
        STATUS_MAP(X)
#undef X
};

const char *status_name(enum status s)
{
        if ((unsigned)s >= sizeof statuses / sizeof statuses[0])
                return "UNKNOWN";
        return statuses[s].name;
}

unsigned error_http(const struct error *e)
{
        if (e->http)
                return e->http;
        if ((unsigned)e->status >= sizeof statuses / sizeof statuses[0])
                return 500;
        return statuses[e->status].http;
}

static void copy_cut(char *to, size_t size, const char *from)
{
        snprintf(to, size, "%s", from ? from : "");
}

static enum status set_va(struct error *e, enum status s, unsigned http, const char *slug,
                          const char *where, const char *fmt, va_list ap)
{
        if (!e)
                return s;
        /* Written aside first: an argument may point into e itself (a text that gets a prefix). */
        struct error fresh = {.status = s, .http = (uint16_t)http};
        copy_cut(fresh.slug, sizeof fresh.slug, slug);
        copy_cut(fresh.where, sizeof fresh.where, where);
        vsnprintf(fresh.text, sizeof fresh.text, fmt, ap);
        *e = fresh;
        return s;
}

enum status(error_set)(struct error *e, enum status s, const char *slug, const char *where,
                       const char *fmt, ...)
{
        va_list ap;
        va_start(ap, fmt);
        set_va(e, s, 0, slug, where, fmt, ap);
        va_end(ap);
        return s;
}

enum status(error_set_http)(struct error *e, enum status s, unsigned http, const char *slug,
                            const char *where, const char *fmt, ...)
{
        va_list ap;
        va_start(ap, fmt);
        set_va(e, s, http, slug, where, fmt, ap);
        va_end(ap);
        return s;
}

enum status(error_no_memory)(struct error *e)
{
        return error_set(e, STATUS_NO_MEMORY, "no-memory", NULL, "Out of memory.");
}
