/*
 * What evhttp lets pass and another server on the way might read differently
 * (RFC 9112, sections 3.2, 5.1, 6; request smuggling). Whoever sends such a
 * request is told once and the connection ends.
 */
#include "request.h"

#include <strings.h>

enum known {
        KNOWN_HOST,
        KNOWN_CONTENT_LENGTH,
        KNOWN_TRANSFER_ENCODING,
        KNOWN_CONTENT_TYPE,
        KNOWN_CONTENT_ENCODING,
        KNOWN_CONNECTION,
        KNOWN_REQUEST_ID,
        KNOWN_TRACEPARENT,
        KNOWN_HEADERS
};

static const struct {
        const char *name;
        bool is_single; /* twice is refused */
} known[KNOWN_HEADERS] = {
        [KNOWN_HOST] = {"Host", true},
        [KNOWN_CONTENT_LENGTH] = {"Content-Length", true},
        [KNOWN_TRANSFER_ENCODING] = {"Transfer-Encoding", true},
        [KNOWN_CONTENT_TYPE] = {"Content-Type", true},
        [KNOWN_CONTENT_ENCODING] = {"Content-Encoding", true},
        [KNOWN_CONNECTION] = {"Connection", false},
        [KNOWN_REQUEST_ID] = {"X-Request-Id", false},
        [KNOWN_TRACEPARENT] = {"traceparent", false},
};

struct seen {
        const char *value[KNOWN_HEADERS]; /* the first */
        const char *wrong;                /* the first fault found; NULL = none */
        const char *where;
        bool is_close;
};

/* RFC 9110, section 5.6.2. */
static bool is_token(const char *s)
{
        static const char others[] = "!#$%&'*+.^_`|~";
        const char *at = s;
        for (; *at; at++)
                if (!((*at | 0x20) >= 'a' && (*at | 0x20) <= 'z') && *at != '-' &&
                    !(*at >= '0' && *at <= '9') && !strchr(others, *at))
                        return false;
        return at != s;
}

static bool is_digits(const char *s)
{
        return *s && s[strspn(s, "0123456789")] == '\0';
}

static void fault(struct seen *s, const char *wrong, const char *where)
{
        if (s->wrong)
                return;
        s->wrong = wrong;
        s->where = where;
}

static bool list_has(struct span list, const char *word)
{
        while (list.p)
                if (span_is_nocase(span_trim(span_split(list, ',', &list)), word))
                        return true;
        return false;
}

static void see(struct seen *s, const struct evkeyval *h)
{
        if (!is_token(h->key)) {
                fault(s, "A header's name is malformed.", NULL);
                return;
        }
        for (int i = 0; i < KNOWN_HEADERS; i++) {
                if ((h->key[0] | 0x20) != (known[i].name[0] | 0x20) ||
                    strcasecmp(h->key, known[i].name) != 0)
                        continue;
                if (!s->value[i])
                        s->value[i] = h->value;
                else if (known[i].is_single)
                        fault(s, "A header that may come once came twice.", known[i].name);
                if (i == KNOWN_CONNECTION && list_has(span_of(h->value), "close"))
                        s->is_close = true;
                return;
        }
}

static void see_all(struct seen *s, const struct http_request *r)
{
        for (const struct evkeyval *h = NULL; (h = header_next(r, h));)
                see(s, h);
}

/* evhttp reads no body for these: what follows would be taken for the next request. */
static bool is_bodiless(const struct evhttp_request *ev)
{
        switch (ev->type) {
        case EVHTTP_REQ_GET:
        case EVHTTP_REQ_POST:
        case EVHTTP_REQ_PUT:
        case EVHTTP_REQ_PATCH:
        case EVHTTP_REQ_DELETE:
        case EVHTTP_REQ_OPTIONS:
        case EVHTTP_REQ_CONNECT: return false;
        case EVHTTP_REQ_HEAD:
        case EVHTTP_REQ_TRACE: break;
        }
        return true;
}

static void check_length(struct seen *s, const struct evhttp_request *ev, bool is_http10)
{
        const char *length = s->value[KNOWN_CONTENT_LENGTH],
                   *encoding = s->value[KNOWN_TRANSFER_ENCODING];
        if (length && encoding)
                fault(s, "Content-Length and Transfer-Encoding exclude each other.",
                      "Content-Length");
        if (length && !is_digits(length))
                fault(s, "Content-Length is not a number.", "Content-Length");
        if (encoding && (is_http10 || strcasecmp(encoding, "chunked") != 0))
                fault(s, "The only transfer coding taken is chunked, in HTTP/1.1.",
                      "Transfer-Encoding");
        if (is_bodiless(ev) && (encoding || (length && length[strspn(length, "0")])))
                fault(s, "This method takes no body.", NULL);
}

static void check_host(struct seen *s, bool is_http10)
{
        const char *host = s->value[KNOWN_HOST];
        if (!host && !is_http10)
                fault(s, "The Host header is missing.", "Host");
        if (host && strpbrk(host, " \t,/?#@\\<>\""))
                fault(s, "The Host header is malformed.", "Host");
}

/* Folded into the last header, a trailer would have changed it. */
static bool is_head_changed(const struct http_request *r)
{
        const struct conn *c = r->conn;
        return c->last_header && strlen(c->last_header->value) != c->last_header_len;
}

static bool is_kept_alive(const struct http_request *r, const struct seen *s)
{
        const char *connection = s->value[KNOWN_CONNECTION];
        if (s->is_close)
                return false;
        return !r->is_http10 ||
               (connection && strncasecmp(connection, "keep-alive", strlen("keep-alive")) == 0);
}

enum status check_framing(struct http_request *r, struct error *e)
{
        struct seen s = {0};
        r->is_http10 = r->ev->major == 1 && r->ev->minor == 0;
        see_all(&s, r);
        r->content_type = s.value[KNOWN_CONTENT_TYPE];
        r->content_encoding = s.value[KNOWN_CONTENT_ENCODING];
        r->request_id = s.value[KNOWN_REQUEST_ID];
        r->traceparent = s.value[KNOWN_TRACEPARENT];
        r->must_close = !is_kept_alive(r, &s);
        check_length(&s, r->ev, r->is_http10);
        check_host(&s, r->is_http10);
        if (r->conn->has_nul || is_head_changed(r))
                fault(&s, "The head of the request is malformed.", NULL);
        if (r->ev->major != 1)
                fault(&s, "Only HTTP/1.0 and HTTP/1.1 are spoken.", NULL);
        if (s.wrong)
                return error_set(e, STATUS_INVALID, "malformed-request", s.where, "%s", s.wrong);
        return STATUS_OK;
}

static bool is_hex_digit(char c)
{
        return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* Visible characters, no fragment, percent signs that are followed by two digits and do not hide a
 * NUL. */
static bool is_target(const char *s)
{
        for (; *s; s++) {
                unsigned char c = (unsigned char)*s;
                if (c <= ' ' || c == 0x7f || c == '#')
                        return false;
                if (c == '%' &&
                    (!is_hex_digit(s[1]) || !is_hex_digit(s[2]) || (s[1] == '0' && s[2] == '0')))
                        return false;
        }
        return true;
}

/* What follows "http://authority"; absent when it is not of that form. */
static struct span after_authority(struct span target)
{
        static const char *const schemes[] = {"http://", "https://"};
        for (size_t i = 0; i < 2; i++) {
                size_t len = strlen(schemes[i]);
                if (target.len < len || strncasecmp(target.p, schemes[i], len) != 0)
                        continue;
                const char *at = target.p + len;
                at += strcspn(at, "/?");
                return *at == '/' ? span_of(at) : SPAN("/");
        }
        return SPAN_NONE;
}

enum status check_target(struct http_request *r, struct error *e)
{
        r->target = span_of(r->ev->uri);
        struct span path = r->target;
        if (path.p[0] != '/' && !span_is(path, "*")) /* the asterisk form names no route: 404 */
                path = after_authority(path);
        if (!path.p || !is_target(r->ev->uri))
                return error_set(e, STATUS_INVALID, "malformed-target", NULL,
                                 "The request's target is malformed.");
        r->path = span_split(path, '?', &r->query);
        return STATUS_OK;
}
