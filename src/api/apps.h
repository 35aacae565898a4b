/*
 * apps: what the endpoints of apps and agreements share. Rights on an app are
 * apps:read and apps:write on apps/SLUG, or on webhooks/SLUG, which names the
 * same sender; on lists and for slugs that are not there yet: on "apps".
 */
#ifndef API_APPS_H
#define API_APPS_H

#include "api/call.h"

enum status apps_may(const struct call *c, const char *permission, struct span slug,
                     struct error *e) MUST_CHECK;
/* The app {slug} of the path, on which the caller holds `permission`; NOT_FOUND "app-not-found"
 * where it may not be seen. */
enum status apps_one(struct call *c, const char *permission, struct app_row *ret,
                     struct error *e) MUST_CHECK;

#endif
