#include "api/prefer.h"

/* The value without the quotes that RFC 7240 allows around it. */
static struct span unquoted(struct span value)
{
        if (value.len >= 2 && value.p[0] == '"' && value.p[value.len - 1] == '"')
                return span_make(value.p + 1, value.len - 2);
        return value;
}

static void take_one(struct span preference, struct prefer *p, struct prefer_seen *seen)
{
        struct span parameters, value;
        struct span name =
                span_trim(span_split(span_split(preference, ';', &parameters), '=', &value));
        value = unquoted(span_trim(value));
        if (span_is_nocase(name, "return") && !seen->has_return) {
                seen->has_return = true;
                p->is_representation = span_is_nocase(value, "representation");
        } else if (span_is_nocase(name, "handling") && !seen->has_handling) {
                seen->has_handling = true;
                p->is_lenient = span_is_nocase(value, "lenient");
        }
}

void prefer_take(struct span header, struct prefer *p, struct prefer_seen *seen)
{
        while (header.p) {
                struct span rest;
                struct span one = span_split(header, ',', &rest);
                take_one(one, p, seen);
                header = rest;
        }
}

struct prefer prefer_read(const struct http_request *req)
{
        struct prefer p = {0};
        struct prefer_seen seen = {0};
        struct span name, value;
        for (size_t i = 0; http_header_each(req, i, &name, &value); i++)
                if (span_is_nocase(name, "Prefer"))
                        prefer_take(value, &p, &seen);
        return p;
}

void prefer_applied(struct http_request *req, const struct prefer *p)
{
        if (p->is_representation && p->is_lenient)
                http_reply_header(req, "Preference-Applied",
                                  "return=representation, handling=lenient");
        else if (p->is_representation)
                http_reply_header(req, "Preference-Applied", "return=representation");
        else if (p->is_lenient)
                http_reply_header(req, "Preference-Applied", "handling=lenient");
}
