#include "base/config_check.h"
#include "base/config_options.h"

#include <arpa/inet.h>

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static bool is_made_of(struct span s, const char *characters)
{
        for (size_t i = 0; i < s.len; i++)
                if (!s.p[i] || !strchr(characters, s.p[i]))
                        return false;
        return true;
}

const char *check_title(struct span s)
{
        bool is_good = s.len >= 1 && s.len <= 128 && is_made_of(s, LOWER UPPER DIGITS "._-");
        return is_good ? NULL : "1 to 128 letters, digits, \".\", \"_\" or \"-\"";
}

static bool is_ip(int family, struct span s)
{
        char text[INET6_ADDRSTRLEN];
        unsigned char address[16];

        if (s.len >= sizeof text || memchr(s.p, 0, s.len))
                return false;
        memcpy(text, s.p, s.len);
        text[s.len] = '\0';
        return inet_pton(family, text, address) == 1;
}

static bool is_number(struct span s, int64_t min, int64_t max)
{
        int64_t n;
        return s.len && is_made_of(s, DIGITS) && span_int64(s, &n, NULL) == STATUS_OK && n >= min &&
               n <= max;
}

/* An address without brackets that is all digits and dots must be one of IPv4. */
static bool is_host(struct span s)
{
        if (s.len >= 2 && s.p[0] == '[' && s.p[s.len - 1] == ']')
                return is_ip(AF_INET6, span_make(s.p + 1, s.len - 2));
        if (is_made_of(s, DIGITS "."))
                return is_ip(AF_INET, s);
        return s.len <= 253 && is_made_of(s, LOWER UPPER DIGITS ".-");
}

/* RFC 3986's host ":" port, the port needed. */
static bool is_host_port(struct span s, int64_t min_port)
{
        const char *colon = s.len ? memrchr(s.p, ':', s.len) : NULL;
        if (!colon)
                return false;
        size_t host = (size_t)(colon - s.p);
        return is_host(span_make(s.p, host)) &&
               is_number(span_make(colon + 1, s.len - host - 1), min_port, 65535);
}

/* Port 0 takes any that is free. */
const char *check_address(struct span s)
{
        return is_host_port(s, 0) ? NULL : "host:port (an IPv6 address in brackets)";
}

const char *check_url(struct span s)
{
        size_t scheme = span_starts(s, "https://") ? 8 : span_starts(s, "http://") ? 7 : 0;
        bool is_good = scheme && s.len > scheme && s.p[scheme] != '/';
        for (size_t i = 0; i < s.len; i++)
                is_good = is_good && s.p[i] > ' ' && s.p[i] <= '~';
        return is_good ? NULL : "a URL of http:// or https://";
}

/* Credentials go there: in the clear no further than this machine. */
bool config_url_is_safe(struct span url, bool *is_local)
{
        static const char *const local[] = {"127.0.0.1", "localhost", "[::1]"};
        bool is_here = false;
        /* What stands before an "@" would be taken for a name and a password. */
        if (check_url(url) || memchr(url.p, '@', url.len))
                return false;
        for (size_t i = 0; i < sizeof local / sizeof local[0] && span_starts(url, "http://"); i++) {
                struct span rest = span_make(url.p + 7, url.len - 7);
                size_t n = strlen(local[i]);
                is_here |=
                        span_starts(rest, local[i]) && (rest.len == n || strchr(":/?", rest.p[n]));
        }
        if (is_local)
                *is_local = is_here;
        return is_here || span_starts(url, "https://");
}

const char *check_safe_url(struct span s)
{
        return config_url_is_safe(s, NULL)
                       ? NULL
                       : "a URL of https:// (http:// on 127.0.0.1, localhost or [::1])";
}

const char *check_safe_url_or_empty(struct span s)
{
        return s.len ? check_safe_url(s) : NULL;
}

const char *check_method(struct span s)
{
        bool is_good = s.len >= 1 && s.len <= 16 && is_made_of(s, UPPER);
        return is_good ? NULL : "a method in capitals, as \"DELETE\"";
}

const char *check_header(struct span s)
{
        struct span value, name = span_split(s, ':', &value);
        bool is_good = name.len >= 1 && value.p && s.len <= 1024 &&
                       is_made_of(name, LOWER UPPER DIGITS "!#$%&'*+-.^_`|~");
        for (size_t i = 0; i < s.len; i++)
                is_good = is_good && s.p[i] >= ' ' && s.p[i] <= '~';
        return is_good ? NULL : "\"Name: value\"";
}

const char *check_face(struct span s)
{
        return config_face(s)
                       ? NULL
                       : "a face: webhooks, native, contract_fit, airisk, authress, oauth2 or health";
}

const char *check_network(struct span s)
{
        struct span bits, ip = span_split(s, '/', &bits);
        int width = is_ip(AF_INET, ip) ? 32 : is_ip(AF_INET6, ip) ? 128 : 0;
        bool is_good = width && (!bits.p || is_number(bits, 0, width));
        return is_good ? NULL : "an IP address or a block of them (10.0.0.0/8)";
}

const char *check_brokers(struct span s)
{
        static const char wanted[] = "\"embedded\", \"none\" or host:port,...";
        if (span_is(s, "embedded") || span_is(s, "none"))
                return NULL;
        do {
                if (!is_host_port(span_trim(span_split(s, ',', &s)), 1))
                        return wanted;
        } while (s.p);
        return NULL;
}

/* What Kafka allows in a topic's name, with room for the topic's own part. */
const char *check_topic_prefix(struct span s)
{
        bool is_good = s.len <= 200 && is_made_of(s, LOWER UPPER DIGITS "._-");
        return is_good ? NULL : "at most 200 letters, digits, \".\", \"_\" or \"-\"";
}

const char *check_store(struct span s)
{
        static const char *const schemes[] = {"sqlite:", "postgresql://", "postgres://"};
        for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
                if (span_starts(s, schemes[i]) && s.len > strlen(schemes[i]))
                        return NULL;
        return "sqlite:FILE or postgresql://...";
}

/* A webhook's type has at most 50 characters. */
const char *check_rule_on(struct span s)
{
        const char *star = s.len ? memchr(s.p, '*', s.len) : NULL;
        bool is_good = s.len >= 1 && s.len <= 200 && (!star || star == s.p + s.len - 1);
        return is_good ? NULL : "a webhook's type, with a \"*\" at its end at most";
}

/* A place in the item: id, type, app, user_id or data.a.b. */
static bool is_item_path(struct span s)
{
        static const char *const whole[] = {"id", "type", "app", "user_id"};
        for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
                if (span_is(s, whole[i]))
                        return true;
        struct span rest, head = span_split(s, '.', &rest);
        if (!span_is(head, "data") || !rest.p)
                return false;
        do {
                if (!span_split(rest, '.', &rest).len)
                        return false;
        } while (rest.p);
        return true;
}

const char *check_rule_template(struct span s)
{
        static const char wanted[] =
                "a resource, with {data.NAME}, {id}, {type}, {app} or {user_id} in it";
        struct span rest = s;

        if (!s.len)
                return wanted;
        while (rest.p) {
                struct span literal = span_split(rest, '{', &rest);
                if (literal.len && memchr(literal.p, '}', literal.len))
                        return wanted;
                if (!rest.p)
                        break;
                struct span after, path = span_split(rest, '}', &after);
                if (!after.p || memchr(path.p, '{', path.len) || !is_item_path(path))
                        return wanted;
                rest = after;
        }
        return NULL;
}

const char *check_slug_or_empty(struct span s)
{
        bool is_good = s.len <= 128 && is_made_of(s, LOWER UPPER DIGITS ":._-");
        return is_good ? NULL
                       : "empty, or at most 128 letters, digits, \":\", \".\", \"_\" or \"-\"";
}

const char *check_account(struct span s)
{
        bool is_good = s.len >= 1 && s.len <= 64 && is_made_of(s, LOWER UPPER DIGITS "_-");
        return is_good ? NULL : "1 to 64 letters, digits, \"_\" and \"-\"";
}
