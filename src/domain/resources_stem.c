/*
 * Where statements are found by index.
 *
 * A pattern that reaches a resource has the resource's own segments up to its first "*": what lies
 * in front of that, its stem, is one of the resource's ancestors. A document has two spellings; a
 * pattern that names one is filed under the short one.
 */
#include "domain/resources.h"

static struct span literal_part(struct span pattern)
{
        struct span rest = pattern;
        size_t len = 0;
        while (rest.p) {
                struct span segment = span_split(rest, '/', &rest);
                if (memchr(segment.p, '*', segment.len))
                        break;
                len = (size_t)(segment.p - pattern.p) + segment.len;
        }
        return span_make(pattern.p, len);
}

/* What `resource` says from "documents/ID" on. */
static struct span from_document(struct span resource, const struct document_name *name)
{
        const char *start = name->id.p - (sizeof "documents/" - 1);
        return span_make(start, resource.len - (size_t)(start - resource.p));
}

struct span resource_stem(struct span pattern)
{
        struct document_name name;
        return literal_part(resource_split_document(pattern, &name) ? from_document(pattern, &name)
                                                                    : pattern);
}

/* `resource`, and what is left of it when segment after segment goes; "" is not among them. */
static void put_ancestors(struct resource_stems *s, struct span resource)
{
        while (resource.len > 0) {
                s->list[s->n++] = resource;
                while (resource.len > 0 && resource.p[resource.len - 1] != '/')
                        resource.len--;
                if (resource.len > 0)
                        resource.len--;
        }
}

static size_t count_segments(struct span resource)
{
        size_t n = 1;
        for (size_t i = 0; i < resource.len; i++)
                n += resource.p[i] == '/';
        return n;
}

enum status resource_stems(struct span resource, struct span own_inbox, struct arena *a,
                           struct resource_stems *ret, struct error *e)
{
        static const char home[] = "inboxes/%.*s/documents";
        struct resource_stems s = {.n = 0};
        struct document_name name;
        size_t room = count_segments(resource) + count_segments(own_inbox) + 3;
        s.list = arena_alloc(a, room * sizeof *s.list);
        if (!s.list)
                return error_no_memory(e);
        if (resource_split_document(resource, &name)) {
                struct span inbox = own_inbox.p ? own_inbox : name.inbox;
                const char *text = inbox.p ? arena_printf(a, home, (int)inbox.len, inbox.p) : NULL;
                if (inbox.p && !text)
                        return error_no_memory(e);
                put_ancestors(&s, from_document(resource, &name));
                put_ancestors(&s, text ? span_of(text) : SPAN(""));
        } else {
                put_ancestors(&s, resource);
        }
        s.list[s.n++] = SPAN("");
        *ret = s;
        return STATUS_OK;
}
