/* The grammar of resources and actions, and which of them reach which. */
#include "domain/resources.h"

#include <chatelaine/codec_key.h>

#define RESOURCE_MAX 512
#define SEGMENTS_MAX 15 /* and "*" behind them */
#define PART_MAX 128
#define ACTION_MAX 128

static bool is_one_of(char c, const char *extra)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               (c && strchr(extra, c));
}

static bool all_of(struct span s, const char *extra)
{
        for (size_t i = 0; i < s.len; i++)
                if (!is_one_of(s.p[i], extra))
                        return false;
        return true;
}

/* `name`, `*`, `name:part:*`; a part behind a ":" may be empty, a segment may not. */
static bool segment_is_valid(struct span segment)
{
        if (segment.len == 0 || segment.p[0] == ':')
                return false;
        for (struct span rest = segment; rest.p;) {
                struct span part = span_split(rest, ':', &rest);
                if (part.len > PART_MAX || !(span_is(part, "*") || all_of(part, "-_.+=~|@")))
                        return false;
        }
        return true;
}

enum status resource_read(struct span text, struct span *ret, struct error *e)
{
        struct span s = text;
        bool is_valid = s.p && s.len > 0 && s.len <= RESOURCE_MAX;
        if (is_valid && s.p[0] == '/')
                s.p++, s.len--;
        if (is_valid && s.len > 0 && s.p[s.len - 1] == '/')
                s.len--;
        size_t segments = 0;
        for (struct span rest = s; is_valid && rest.p; segments++) {
                struct span segment = span_split(rest, '/', &rest);
                is_valid = segment_is_valid(segment) &&
                           (segments < SEGMENTS_MAX ||
                            (segments == SEGMENTS_MAX && !rest.p && span_is(segment, "*")));
        }
        if (!is_valid)
                return error_set(e, STATUS_INVALID, "invalid-resource", NULL,
                                 "A resource is segments of letters, digits and -_.+=~|@ between "
                                 "\"/\", or \"*\" for a whole segment.");
        *ret = s;
        return STATUS_OK;
}

/* "*" is any one segment, or any one part of a segment. */
static bool segment_covers(struct span pattern, struct span segment)
{
        if (span_is(pattern, "*"))
                return true;
        while (pattern.p && segment.p) {
                struct span want = span_split(pattern, ':', &pattern);
                struct span have = span_split(segment, ':', &segment);
                if (!span_is(want, "*") && !span_equal(want, have))
                        return false;
        }
        return !pattern.p && !segment.p;
}

bool resource_covers(struct span pattern, struct span resource)
{
        while (pattern.p) {
                if (!resource.p)
                        return false;
                struct span want = span_split(pattern, '/', &pattern);
                if (!segment_covers(want, span_split(resource, '/', &resource)))
                        return false;
        }
        return true;
}

bool document_id_is_valid(struct span id)
{
        return id.p && id.len > 0 && id.len <= 128 && all_of(id, "._~-") && !key_check(id);
}

enum status document_id_check(struct span id, struct error *e)
{
        if (document_id_is_valid(id))
                return STATUS_OK;
        return error_set(e, STATUS_INVALID, "invalid-id", "/id",
                         "A document's id is 1 to 128 letters, digits and ._~-");
}

/* What `inboxes/I/documents/D/rest` or `documents/D/rest` is made of; false when it names no
 * document. */
bool resource_split_document(struct span resource, struct document_name *ret)
{
        struct document_name name = {.inbox = SPAN_NONE};
        struct span rest = resource;
        struct span first = span_split(rest, '/', &rest);
        if (span_is(first, "inboxes") && rest.p) {
                name.inbox = span_split(rest, '/', &rest);
                if (!rest.p)
                        return false;
                first = span_split(rest, '/', &rest);
        }
        if (!span_is(first, "documents") || !rest.p)
                return false;
        name.id = span_split(rest, '/', &rest);
        name.beneath = rest;
        if (!document_id_is_valid(name.id))
                return false;
        *ret = name;
        return true;
}

struct span resource_document(struct span resource)
{
        struct document_name name;
        return resource_split_document(resource, &name) ? name.id : SPAN_NONE;
}

static bool beneath_covers(struct span pattern, struct span beneath)
{
        return !pattern.p || (beneath.p && resource_covers(pattern, beneath));
}

/* A pattern that names a document itself, by whatever spelling. */
static bool document_covers(const struct document_name *pattern, const struct document_name *asked,
                            struct span own_inbox)
{
        if (!span_equal(pattern->id, asked->id) ||
            !beneath_covers(pattern->beneath, asked->beneath))
                return false;
        struct span inbox = own_inbox.p ? own_inbox : asked->inbox;
        return !pattern->inbox.p || !inbox.p || segment_covers(pattern->inbox, inbox);
}

/* One segment after the other of pattern against literal ones; what is left of the pattern, or
 * false. */
static bool eat(struct span *pattern, struct span segment)
{
        return pattern->p && segment_covers(span_split(*pattern, '/', pattern), segment);
}

/* `pattern` against `documents/ID/beneath`, with `inboxes/I/` in front when `inbox` is there. */
static bool spelling_covers(struct span pattern, struct span inbox,
                            const struct document_name *asked)
{
        const struct span segments[] = {SPAN("inboxes"), inbox, SPAN("documents"), asked->id};
        for (size_t i = inbox.p ? 0 : 2; i < 4; i++) {
                if (!pattern.p)
                        return true;
                if (!eat(&pattern, segments[i]))
                        return false;
        }
        return beneath_covers(pattern, asked->beneath);
}

bool resource_reaches(struct span pattern, struct span resource, struct span own_inbox)
{
        struct document_name asked, held;
        if (!resource_split_document(resource, &asked))
                return resource_covers(pattern, resource);
        if (resource_split_document(pattern, &held))
                return document_covers(&held, &asked, own_inbox);
        struct span inbox = own_inbox.p ? own_inbox : asked.inbox;
        return spelling_covers(pattern, SPAN_NONE, &asked) ||
               (inbox.p && spelling_covers(pattern, inbox, &asked));
}

/* ---- actions ---- */

enum status action_read(struct span text, struct span *ret, struct error *e)
{
        bool is_valid = text.p && text.len > 0 && text.len <= ACTION_MAX;
        for (struct span rest = text; is_valid && rest.p;) {
                struct span part = span_split(rest, ':', &rest);
                is_valid = part.len > 0 && (span_is(part, "*") || all_of(part, "-_"));
                for (size_t i = 0; is_valid && i < part.len; i++)
                        is_valid = part.p[i] < 'A' || part.p[i] > 'Z';
        }
        if (!is_valid)
                return error_set(e, STATUS_INVALID, "invalid-permission", NULL,
                                 "A permission is lower case words of a-z, 0-9, - and _ between "
                                 "\":\", or \"*\".");
        *ret = text;
        return STATUS_OK;
}

bool action_implies(struct span held, struct span asked)
{
        while (held.p) {
                if (!asked.p)
                        return false;
                struct span want = span_split(held, ':', &held);
                struct span have = span_split(asked, ':', &asked);
                if (!span_is(want, "*") && !span_equal(want, have))
                        return false;
        }
        return true;
}
