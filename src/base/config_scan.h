/*
 * base/config_scan: the strict reading that libconfuse does not do.
 *
 * libconfuse drops characters that it does not know, counts comments as lines,
 * lets the end of the file close a section, and takes an option twice. So the
 * text goes through here first: comments become spaces, what libconfuse would
 * swallow is refused, and it is noted which option stands on which line.
 */
#ifndef BASE_CONFIG_SCAN_H
#define BASE_CONFIG_SCAN_H

#include <chatelaine/base_buf.h>

struct config_place {        /* a section's beginning, or an option in it */
        struct span section; /* "" = the top */
        unsigned nth;        /* of the sections of this name, from 0 */
        struct span name;    /* absent: the section's beginning */
        unsigned line;
};

struct config_scan {
        const char *path; /* for errors */
        char *text;       /* is written to */
        size_t len;
        struct config_place *places; /* from the arena; they point into text */
        size_t n_places;
};

#define CONFIG_PLACES_MAX 4096

/* Fill places from text, blanking comments. INVALID with path:line. */
enum status config_scan(struct config_scan *s, struct arena *a, struct error *e) MUST_CHECK;
/* The line of an option, of its section when it is not there, 0 when there is neither. */
unsigned config_scan_line(const struct config_scan *s, const char *section, unsigned nth,
                          const char *name);
/* INVALID at this line of the file. */
enum status config_error_at(const char *path, unsigned line, struct error *e, const char *fmt, ...)
        PRINTF_LIKE(4, 5);

#endif
