/* grants: `[{role, resource}]` of a body, or a permission alone in the place of a role, and whether
 * the caller may give it. */
#ifndef API_GRANTS_H
#define API_GRANTS_H

#include "api/call.h"

#define GRANTS_MAX 100 /* of one body */

/*
 * The array at JSON pointer `at` ("/grants") into the arena. `default_resource` (may be NULL)
 * stands for an absent resource. INVALID with its pointer: "invalid-field", "invalid-resource",
 * "too-many-grants".
 */
enum status grants_read(struct call *c, const struct json *array, const char *at,
                        const char *default_resource, struct grant **ret, size_t *ret_n,
                        struct error *e) MUST_CHECK;
/* Each role within what the caller may give there; where = its pointer. DENIED "may-not-give";
 * NOT_FOUND "role-not-found". */
enum status grants_within(const struct call *c, const char *at, const struct grant *list, size_t n,
                          struct error *e) MUST_CHECK;
/* Resources of an array of texts. */
enum status resources_read(struct call *c, const struct json_texts *texts, const char *at,
                           struct span **ret, struct error *e) MUST_CHECK;

/* Each within what the caller may bind a key to. DENIED with its pointer. */
enum status resources_within(const struct call *c, const char *at, const struct span *list,
                             size_t n, struct error *e) MUST_CHECK;
/* A user whom the caller may mint for; one who is not there is the command's to refuse. */
enum status user_within(const struct call *c, struct span id_or_name, struct error *e) MUST_CHECK;

#endif
