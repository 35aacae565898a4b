/*
 * What a new key may carry besides its grants: the resources that it is bound to and its user's
 * name. Neither gives it a right, but whoever verifies a key is told both, and believes them.
 */
#include "domain/holdings.h"
#include "domain/users.h"

enum status grants_may_bind(const struct principal *p, struct span resource, struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        struct span home;
        arena_init(&a, 1024);
        enum status s = grants_check(p, "keys:create", resource, e);
        if (s != STATUS_DENIED || !span_starts(resource, "documents/"))
                return s;
        TRY(resource_home(p->db, resource, &a, &home, e));
        if (!home.p) /* nobody's yet */
                return STATUS_OK;
        return error_set(e, s, "forbidden", NULL, "keys:create is not allowed on %.*s.",
                         (int)resource.len, resource.p);
}

/* What administers: held by a user, but not by whoever mints, it puts that user out of reach. */
static const char *const administrative[] = {
        "*",           "keys:create",   "keys:revoke", "apps:write",       "users:write",
        "roles:write", "clients:write", "impersonate", "tokens:introspect"};

static enum status is_above(const struct principal *p, const char *subject, bool *ret,
                            struct error *e)
{
        *ret = false;
        for (size_t i = 0; i < sizeof administrative / sizeof *administrative && !*ret; i++) {
                bool is_held;
                TRY(holdings_anywhere(p->db, subject, span_of(administrative[i]), ABILITY_ALLOW,
                                      &is_held, e));
                *ret = is_held && !grants_allow(p, administrative[i], SPAN_NONE);
        }
        return STATUS_OK;
}

enum status grants_may_name(const struct principal *p, struct span user_id, struct error *e)
{
        char subject[SUBJECT_SIZE];
        bool is_out_of_reach;
        subject_of("users", user_id, subject);
        if (p->is_all || span_is(user_id, p->caller.user_id) ||
            grants_allow(p, "keys:create", span_of(subject)))
                return STATUS_OK;
        TRY(is_above(p, subject, &is_out_of_reach, e));
        if (is_out_of_reach)
                return error_set(e, STATUS_DENIED, "may-not-name-user", NULL,
                                 "This user administers what you do not: keys:create on the user "
                                 "is needed.");
        return STATUS_OK;
}
