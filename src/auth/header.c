#include "auth/header.h"
#include "auth/app.h"
#include "auth/state.h"

#include <stddef.h>

#define PARTS_MAX 4

struct part {
        const char *name;
        size_t offset; /* of its span in struct app_header */
};

static const struct scheme {
        const char *word; /* with its space */
        struct part parts[PARTS_MAX];
        size_t n;
} schemes[] = {
        [APP_SCHEME_LINK] = {"Link ",
                             {{"App", offsetof(struct app_header, app)},
                              {"Token", offsetof(struct app_header, token)}},
                             2},
        [APP_SCHEME_SIGNATURE] = {"Signature ",
                                  {{"App", offsetof(struct app_header, app)},
                                   {"Nonce", offsetof(struct app_header, nonce)},
                                   {"SignedHeaders", offsetof(struct app_header, signed_headers)},
                                   {"Date", offsetof(struct app_header, date)}},
                                  4},
};
#define SCHEMES (sizeof schemes / sizeof *schemes)

/* Where a part of this name goes; NULL when the scheme has none. */
static struct span *place_of(struct app_header *h, const struct scheme *s, struct span name)
{
        for (size_t i = 0; i < s->n; i++)
                if (span_is(name, s->parts[i].name))
                        return (struct span *)((char *)h + s->parts[i].offset);
        return NULL;
}

/* All is read before anything is judged: malformed goes before a foreign name. */
static enum status read_parts(struct span text, const struct scheme *s, struct app_header *ret,
                              struct error *e)
{
        bool is_foreign = false;
        for (struct span rest = text; rest.p;) {
                struct span value, surplus;
                struct span name = span_split(span_split(rest, ',', &rest), '=', &value);
                if (!value.p)
                        return app_refuse(e, "authorization-header-malformed");
                value = span_split(value, '=', &surplus);
                if (surplus.p)
                        return app_refuse(e, "authorization-header-malformed");
                struct span *place = place_of(ret, s, name);
                if (place)
                        *place = value;
                else
                        is_foreign = true;
        }
        for (size_t i = 0; i < s->n; i++)
                is_foreign |= !place_of(ret, s, span_of(s->parts[i].name))->p;
        return is_foreign ? app_refuse(e, "authorization-header-bad-schema") : STATUS_OK;
}

enum status app_header_parse(struct span value, struct app_header *ret, struct error *e)
{
        for (size_t i = 0; i < SCHEMES; i++) {
                if (!span_starts(value, schemes[i].word))
                        continue;
                struct app_header h = {.scheme = (enum app_scheme)i};
                size_t n = strlen(schemes[i].word);
                TRY(read_parts(span_make(value.p + n, value.len - n), &schemes[i], &h, e));
                *ret = h;
                return STATUS_OK;
        }
        return app_refuse(e, "unknown-auth-schema");
}

enum status app_header_read(const struct request_view *req, struct app_header *ret, struct error *e)
{
        struct span name, value, found = SPAN_NONE;
        bool has_key = false, has_two = false;

        for (size_t i = 0; req->header_each(req->http, i, &name, &value); i++) {
                has_key |= span_is_nocase(name, "X-API-Key");
                if (!span_is_nocase(name, "Authorization"))
                        continue;
                has_two |= found.p != NULL;
                found = value;
        }
        if (!found.len && !has_two)
                return app_refuse(e, "no-authorization-header");
        if (has_two)
                return app_refuse(e, "authorization-header-malformed");
        if (has_key)
                return refuse_ambiguous(e);
        return app_header_parse(found, ret, e);
}
