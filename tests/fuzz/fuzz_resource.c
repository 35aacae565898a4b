/*
 * Resources and permissions as strangers spell them, four lines: a pattern, a resource, what is
 * held, what is asked.
 *
 * Beside them stands the same grammar as regular expressions (facts of the Authress face, section
 * 3), and a pattern's reach as the one that it becomes: where they differ, one of the two is wrong.
 */
#include "fuzz.h"

#include "domain/resources.h"

#include <chatelaine/domain_grants.h>

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>

#define RESOURCE_BYTES 512
#define PART_BYTES 128
#define SEGMENTS 15 /* and "*" behind them */

static void must(bool is_so)
{
        if (!is_so)
                abort();
}

/* `kept`: compiled at the first call; the expression has a group. */
static bool matches(const char *expression, struct span text, regex_t *kept)
{
        regex_t once, *r = kept ? kept : &once;
        char copy[2 * RESOURCE_BYTES];
        if (!kept || !kept->re_nsub)
                must(regcomp(r, expression, REG_EXTENDED) == 0);
        must(text.len < sizeof copy);
        memcpy(copy, text.p, text.len);
        copy[text.len] = 0;
        bool is_match = !memchr(copy, 0, text.len) && regexec(r, copy, 0, NULL, 0) == 0;
        if (!kept)
                regfree(r);
        return is_match;
}

/* ---- what a resource is ---- */

static bool parts_fit(struct span s)
{
        size_t part = 0, segments = 1;
        for (size_t i = 0; i < s.len; i++) {
                part = s.p[i] == '/' || s.p[i] == ':' ? 0 : part + 1;
                segments += s.p[i] == '/';
                if (part > PART_BYTES)
                        return false;
        }
        bool has_star = s.len > 1 && s.p[s.len - 1] == '*' && s.p[s.len - 2] == '/';
        return segments - has_star <= SEGMENTS;
}

static struct span without_edges(struct span s)
{
        if (s.len && s.p[0] == '/')
                s = span_make(s.p + 1, s.len - 1);
        if (s.len && s.p[s.len - 1] == '/')
                s.len--;
        return s;
}

#define PART_CHARS "[-a-zA-Z0-9_.+=~|@]"
#define SEGMENT "(\\*|" PART_CHARS "+)(:(\\*|" PART_CHARS "*))*"

static bool is_resource(struct span text)
{
        static regex_t grammar;
        return text.len <= RESOURCE_BYTES && parts_fit(without_edges(text)) &&
               matches("^/?" SEGMENT "(/" SEGMENT ")*/?$", text, &grammar);
}

/* SPAN_NONE when it is refused. */
static struct span read_resource(struct span text)
{
        struct span s = SPAN_NONE, again;
        struct error e = {0};
        bool is_taken = resource_read(text, &s, &e) == STATUS_OK;
        must(is_taken == is_resource(text));
        if (!is_taken) {
                must(e.status == STATUS_INVALID && strcmp(e.slug, "invalid-resource") == 0);
                return SPAN_NONE;
        }
        must(span_equal(s, without_edges(text)));
        must(resource_read(s, &again, NULL) == STATUS_OK && again.p == s.p && again.len == s.len);
        return s;
}

/* ---- what reaches what ---- */

/* The pattern as a regular expression: "*" is a segment or a part, and "/" may follow. */
static bool reaches_by_expression(struct span pattern, struct span text, char separator)
{
        struct buf b;
        buf_init(&b, 8192);
        buf_char(&b, '^');
        for (size_t i = 0; i < pattern.len; i++) {
                char c = pattern.p[i];
                bool begins = i == 0 || pattern.p[i - 1] == '/';
                bool ends = i + 1 == pattern.len || pattern.p[i + 1] == '/';
                if (c == '*')
                        buf_text(&b, separator == ':' ? "[^:]*"
                                     : begins && ends ? "[^/]*"
                                                      : "[^:/]*");
                else if (c == '.' || c == '+' || c == '|')
                        buf_printf(&b, "[%c]", c);
                else
                        buf_char(&b, c);
        }
        buf_printf(&b, "(%c.*)?$", separator);
        must(b.status == STATUS_OK);
        bool is_reached = matches(b.data, text, NULL);
        buf_fini(&b);
        return is_reached;
}

static struct span joined(char *out, struct span a, const char *end)
{
        memcpy(out, a.p, a.len);
        memcpy(out + a.len, end, strlen(end));
        return span_make(out, a.len + strlen(end));
}

/* Up to the last separator; the whole when there is none. */
static struct span above(struct span s, char separator)
{
        for (size_t i = s.len; i-- > 0;)
                if (s.p[i] == separator)
                        return span_make(s.p, i);
        return s;
}

static void check_reach(struct span pattern, struct span resource)
{
        char room[RESOURCE_BYTES + 16];
        bool is_reached = resource_covers(pattern, resource);

        must(is_reached == reaches_by_expression(pattern, resource, '/'));
        must(resource_covers(resource, resource) && resource_covers(SPAN("*"), resource));
        must(resource_covers(above(resource, '/'), resource));
        must(!resource_covers(joined(room, resource, "x"), resource));
        must(!resource_covers(joined(room, resource, "/x"), resource));
        if (!memchr(resource.p, '*', resource.len))
                must(!resource_covers(resource, joined(room, resource, "x")));
        if (!is_reached)
                return;
        must(resource_covers(pattern, joined(room, resource, "/beneath")));
        must(resource_covers(above(pattern, '/'), resource));
}

/* One document by its two spellings: its row says which inbox it is in, the request does not. */
static void check_document(struct span pattern, struct span resource)
{
        char room[2 * RESOURCE_BYTES];
        struct document_name name;
        struct span own = SPAN("i-1");

        if (!resource_split_document(resource, &name)) {
                must(!resource_document(resource).p);
                must(resource_reaches(pattern, resource, own) ==
                     resource_covers(pattern, resource));
                return;
        }
        must(span_equal(resource_document(resource), name.id));
        bool is_reached = resource_reaches(pattern, resource, own);
        const char *const spellings[] = {"documents/", "inboxes/i-1/documents/",
                                         "inboxes/other/documents/"};
        for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
                int n = snprintf(room, sizeof room, "%s%.*s%s%.*s", spellings[i], (int)name.id.len,
                                 name.id.p, name.beneath.p ? "/" : "", (int)name.beneath.len,
                                 name.beneath.p ? name.beneath.p : "");
                must(resource_reaches(pattern, span_make(room, (size_t)n), own) == is_reached);
                if (i < 2 && resource_covers(pattern, span_make(room, (size_t)n)))
                        must(is_reached);
        }
}

/* ---- permissions ---- */

static struct span read_action(struct span text)
{
        static regex_t grammar;
        struct span s = SPAN_NONE, again;
        bool is_taken = action_read(text, &s, NULL) == STATUS_OK;

        must(is_taken == (text.len <= PART_BYTES &&
                          matches("^(\\*|[-a-z0-9_]+)(:(\\*|[-a-z0-9_]+))*$", text, &grammar)));
        if (!is_taken)
                return SPAN_NONE;
        must(span_equal(s, text));
        must(action_read(s, &again, NULL) == STATUS_OK && span_equal(s, again));
        return s;
}

static void check_actions(struct span held, struct span asked)
{
        char room[PART_BYTES + 16];
        bool is_held = action_implies(held, asked);

        must(is_held == reaches_by_expression(held, asked, ':'));
        must(action_implies(asked, asked) && action_implies(SPAN("*"), asked));
        must(!action_implies(joined(room, asked, "x"), asked));
        must(!action_implies(joined(room, asked, ":x"), asked));
        if (!is_held)
                return;
        must(action_implies(held, joined(room, asked, ":b")));
        must(action_implies(above(held, ':'), asked));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct span rest = span_make(size ? (const void *)data : "", size), line[4];
        for (size_t i = 0; i < 4; i++)
                line[i] = rest.p ? span_split(rest, '\n', &rest) : SPAN("");
        struct span pattern = read_resource(line[0]), resource = read_resource(line[1]);
        if (pattern.p && resource.p) {
                check_reach(pattern, resource);
                check_document(pattern, resource);
        }
        struct span held = read_action(line[2]), asked = read_action(line[3]);
        if (held.p && asked.p)
                check_actions(held, asked);
        return 0;
}
