/* base/config_load: a configuration while it is read. */
#ifndef BASE_CONFIG_LOAD_H
#define BASE_CONFIG_LOAD_H

#include "base/config_options.h"
#include "base/config_scan.h"

struct loading {
        struct config *config;
        struct arena *arena;
        struct config_scan scan;
        struct error *e;
        bool has_failed; /* e is written: the first error is the one to tell */
};

#define FAIL(l, line, ...) status_failed(config_error_at((l)->scan.path, line, (l)->e, __VA_ARGS__))

/* A member of a struct of the snapshot. */
static inline void *config_at(void *base, size_t offset)
{
        return (char *)base + offset;
}

/* What depends on more than one value: paths made whole, and what must agree. Every option has its
 * value. */
enum status config_settle(struct loading *l) MUST_CHECK;

#endif
