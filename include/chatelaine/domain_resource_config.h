/*
 * domain_resource_config: what holds of a resource for everybody (Authress's resource
 * configuration), and who is named on a resource.
 *
 *   PUBLIC   every user may read the resource and what is beneath it: questions of access
 *            (domain_access.h) for `read`, or for anything that ends in `:read`, are answered yes.
 *            It opens nothing of this server itself: who calls here is judged by what it holds.
 *   CLAIM    every user and client may claim a resource right beneath it (domain_claims.h)
 *
 * Who may:
 *   read     `read` on the resource, or whoever may configure it
 *   write    whoever may give `*` on it: its owner, an administrator
 *
 * A resource is named without "*": a configuration is of one.
 */
#ifndef CHATELAINE_DOMAIN_RESOURCE_CONFIG_H
#define CHATELAINE_DOMAIN_RESOURCE_CONFIG_H

#include <chatelaine/domain_access.h>

struct resource_config {
        struct span resource; /* as resource_read has it */
        bool is_public, is_claimable;
};

enum resource_config_act { RESOURCE_CONFIG_READ, RESOURCE_CONFIG_WRITE };
/* INVALID "invalid-resource", also for a "*". DENIED "resource-not-found" (404) to read, and to
 * write for one who holds nothing on it; else DENIED "forbidden". *ret: as resource_read has it. */
enum status resource_config_may(const struct principal *p, enum resource_config_act act,
                                struct span resource, struct span *ret, struct error *e) MUST_CHECK;
/* Of one that nobody has configured: neither. `resource` as resource_read has it. */
enum status resource_config_get(struct store_conn *db, struct span resource,
                                struct resource_config *ret, struct error *e) MUST_CHECK;
/* Those that are configured and that the caller may read, by their names. As record_list. */
enum status resource_config_list(const struct principal *p, const struct page *page,
                                 bool (*row)(void *ctx, const struct resource_config *c), void *ctx,
                                 struct arena *a, struct span *ret_next,
                                 struct error *e) MUST_CHECK;

/*
 * The users and clients that a statement on this very resource names, themselves or by a group, in
 * the order of their subjects ("users/ID"); nobody by what is above or beneath.
 */
enum status resource_users(struct store_conn *db, struct span resource, const struct page *page,
                           struct arena *a, struct span **ret_subjects, size_t *ret_n,
                           struct span *ret_next, struct error *e) MUST_CHECK;

/* Audit resource.configure, target resource/NAME. Neither: the row goes. */
struct resource_config_put {
        struct domain_command base;
        struct resource_config config; /* its resource is copied by ..._new */
};
enum status resource_config_put_new(struct domain *d, struct settings *s,
                                    const struct resource_config *config,
                                    struct resource_config_put **ret, struct error *e) MUST_CHECK;

#endif
