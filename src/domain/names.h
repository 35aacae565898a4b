/* Small things that every noun of this room needs. */
#ifndef DOMAIN_NAMES_H
#define DOMAIN_NAMES_H

#include <chatelaine/domain.h>

/*
 * A name for people: 1 to 255 bytes of UTF-8, no control characters, no white space at the
 * ends. INVALID "invalid-name" with `where`.
 */
enum status name_check(struct span name, const char *where, struct error *e) MUST_CHECK;

/* The audit target of a command. */
void domain_target(struct domain_command *c, const char *kind, struct span id);
/* The same of what it makes. */
void domain_target_new(struct domain_command *c, const char *kind, struct span id);

/* {"items":[ ... ],"next_cursor": the cursor of a text position, or null when it is absent} */
void page_open(struct buf *out);
enum status page_close(struct buf *out, struct span next, struct error *e) MUST_CHECK;
/* That cursor alone, in the arena. */
enum status page_next(struct span next, struct arena *a, struct span *ret,
                      struct error *e) MUST_CHECK;
/* The same for a number as position. */
enum status page_close_int(struct buf *out, bool is_more, int64_t last, struct error *e) MUST_CHECK;

#endif
