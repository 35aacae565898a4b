/* One request as the configuration writes it: {token} in the URL, {token} and {password} in
 * headers. */
#include "outbound/connector.h"

#define TOKEN "{token}"
#define PASSWORD "{password}"

static void put_url(const struct upstream *u, struct span token, struct buf *out)
{
        const char *rest = u->url;
        for (const char *at; (at = strstr(rest, TOKEN)); rest = at + strlen(TOKEN)) {
                buf_append(out, rest, (size_t)(at - rest));
                request_part(out, token);
        }
        buf_text(out, rest);
}

static void put_value(const struct upstream *u, struct span token, const char *text,
                      struct buf *out)
{
        while (*text) {
                struct span rest = span_of(text);
                if (span_starts(rest, TOKEN)) {
                        buf_span(out, token);
                        text += strlen(TOKEN);
                } else if (span_starts(rest, PASSWORD)) {
                        buf_span(out, buf_view(&u->password));
                        text += strlen(PASSWORD);
                } else {
                        buf_char(out, *text++);
                }
        }
}

/* "Name: value", as the configuration's check has it. */
static enum status put_header(const struct upstream *u, struct span token, const char *line,
                              struct request *r, struct error *e)
{
        CLEANUP(buf_fini_secret) struct buf value;
        char name[1100];
        const char *colon = strchr(line, ':');
        size_t len = colon ? (size_t)(colon - line) : 0;
        buf_init(&value, 16384);
        if (len == 0 || len >= sizeof name)
                return error_set(e, STATUS_INVALID, "bad-header", NULL, "A header has no name.");
        memcpy(name, line, len);
        name[len] = '\0';
        put_value(u, token, colon + 1 + strspn(colon + 1, " "), &value);
        TRY(buf_check(&value, e));
        request_header(r, name, buf_view(&value));
        return STATUS_OK;
}

static enum status build(const struct upstream *u, struct span token, struct request *r,
                         struct error *e)
{
        r->method = u->method;
        put_url(u, token, &r->url);
        for (size_t i = 0; i < u->headers.n; i++)
                TRY(put_header(u, token, u->headers.items[i], r, e));
        if (u->username[0])
                request_basic(r, span_of(u->username), buf_view(&u->password));
        return request_check(r, e);
}

static const struct answer answers[] = {
        {200, 299, ACT_REVOKED, NULL},
        {404, 404, ACT_GONE, NULL},
        {410, 410, ACT_GONE, NULL},
        {0, 0, ACT_STUCK, NULL},
};
static const struct step steps[] = {
        {"revoke", NULL, build, NULL, answers},
        {NULL, NULL, NULL, NULL, NULL},
};
const struct connector http_connector = {"http", steps, NULL};
