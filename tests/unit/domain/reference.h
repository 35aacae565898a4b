/*
 * Slow and obvious: which pattern reaches which resource, segment by segment, by splitting texts
 * and comparing them. Shares no code with what it is held against.
 */
#ifndef TESTS_REFERENCE_H
#define TESTS_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct path {
        char parts[32][32]; /* segments; a segment's ":" parts are split when they are compared */
        int n;
};

static inline struct path path_of(const char *text)
{
        struct path p = {.n = 0};
        char copy[512], *save = NULL;
        snprintf(copy, sizeof copy, "%s", text);
        for (char *s = strtok_r(copy, "/", &save); s; s = strtok_r(NULL, "/", &save))
                snprintf(p.parts[p.n++], sizeof p.parts[0], "%s", s);
        return p;
}

static inline bool ref_segment(const char *pattern, const char *segment, const char *separator)
{
        char a[512], b[512], *sa = NULL, *sb = NULL;
        if (strcmp(pattern, "*") == 0)
                return true;
        snprintf(a, sizeof a, "%s", pattern);
        snprintf(b, sizeof b, "%s", segment);
        char *x = strtok_r(a, separator, &sa), *y = strtok_r(b, separator, &sb);
        while (x && y) {
                if (strcmp(x, "*") != 0 && strcmp(x, y) != 0)
                        return false;
                x = strtok_r(NULL, separator, &sa);
                y = strtok_r(NULL, separator, &sb);
        }
        return !x && !y;
}

static inline bool ref_covers(struct path pattern, struct path resource)
{
        if (pattern.n > resource.n)
                return false;
        for (int i = 0; i < pattern.n; i++)
                if (!ref_segment(pattern.parts[i], resource.parts[i], ":"))
                        return false;
        return true;
}

/* Where "documents/D" begins in it; -1 when it names none. */
static inline int ref_document(struct path p)
{
        int at = p.n > 0 && strcmp(p.parts[0], "inboxes") == 0 ? 2 : 0;
        bool is_one = p.n > at + 1 && strcmp(p.parts[at], "documents") == 0 &&
                      strcspn(p.parts[at + 1], "*:") == strlen(p.parts[at + 1]);
        return is_one ? at : -1;
}

static inline struct path ref_spelled(struct path p, int at, const char *inbox)
{
        struct path out = {.n = 0};
        if (inbox) {
                snprintf(out.parts[out.n++], sizeof out.parts[0], "inboxes");
                snprintf(out.parts[out.n++], sizeof out.parts[0], "%s", inbox);
        }
        for (int i = at; i < p.n; i++)
                memcpy(out.parts[out.n++], p.parts[i], sizeof out.parts[0]);
        return out;
}

/* All that a pattern stands for against all that the resource is called. */
static inline bool ref_reaches(const char *pattern_text, const char *resource_text, const char *row)
{
        struct path pattern = path_of(pattern_text), resource = path_of(resource_text);
        int asked = ref_document(resource), held = ref_document(pattern);
        if (asked < 0)
                return ref_covers(pattern, resource);
        const char *home = row ? row : asked == 2 ? resource.parts[1] : NULL;
        struct path bare = ref_spelled(resource, asked, NULL);
        if (held >= 0) {
                bool is_there = held == 0 || !home || ref_segment(pattern.parts[1], home, ":");
                return is_there && ref_covers(ref_spelled(pattern, held, NULL), bare);
        }
        return ref_covers(pattern, bare) ||
               (home && ref_covers(pattern, ref_spelled(resource, asked, home)));
}

/* Deterministic: what fails once fails again. */
static uint64_t seed = 88172645463325252u;
static inline unsigned pick(unsigned n)
{
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        return (unsigned)(seed % n);
}

/* "a" and "a:*" imply "a:b"; "*" implies all. */
static inline bool ref_action(const char *held, const char *asked)
{
        char a[128], b[128], *sa = NULL, *sb = NULL;
        snprintf(a, sizeof a, "%s", held);
        snprintf(b, sizeof b, "%s", asked);
        char *x = strtok_r(a, ":", &sa), *y = strtok_r(b, ":", &sb);
        for (; x; x = strtok_r(NULL, ":", &sa), y = strtok_r(NULL, ":", &sb))
                if (!y || (strcmp(x, "*") != 0 && strcmp(x, y) != 0))
                        return false;
        return true;
}

#endif
