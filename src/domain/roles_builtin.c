/* Roles and names of permissions that are in the program: interface.md's tables as tables. */
#include "domain/holdings.h"

#define ACTIONS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define ALL_ABILITIES (ABILITY_ALLOW | ABILITY_GRANT | ABILITY_DELEGATE)

/* An administrator may hand out whatever there is, Authress:Owner included. */
const struct builtin_role builtin_roles[] = {
        {"admin", ACTIONS("*"), ALL_ABILITIES},
        {"operator",
         ACTIONS("webhooks:read", "webhooks:replay", "keys:read", "keys:revoke", "documents:read",
                 "documents:done", "events:read"),
         ABILITY_ALLOW},
        {"backend", ACTIONS("keys:*", "documents:*", "clients:read"), ABILITY_ALLOW},
        {"auditor", ACTIONS("webhooks:read", "keys:read", "events:read"), ABILITY_ALLOW},
        {"Authress:Owner", ACTIONS("*"), ALL_ABILITIES},
        {NULL, NULL, 0},
};

const struct builtin_role *builtin_role(struct span name)
{
        for (const struct builtin_role *r = builtin_roles; r->name; r++)
                if (span_is(name, r->name))
                        return r;
        return NULL;
}

static const struct {
        const char *name;
        const char *const *natives;
} mapped[] = {
        {"edit_backend_settings",
         ACTIONS("keys:create", "keys:rotate", "keys:revoke", "apps:write")},
        {"view_api_keys", ACTIONS("keys:read")},
        {"edit_users", ACTIONS("users:*", "roles:write")},
        {"edit_roles", ACTIONS("roles:write")},
        {"view_list", ACTIONS("documents:list")},
        {"review", ACTIONS("documents:read", "documents:lock")},
        {"submit", ACTIONS("documents:done")},
        {"create_inbox", ACTIONS("inboxes:create")},
};

const char *const *permission_native(struct span name)
{
        static _Thread_local char own[129];
        static _Thread_local const char *itself[2];
        for (size_t i = 0; i < sizeof mapped / sizeof mapped[0]; i++)
                if (span_is(name, mapped[i].name))
                        return mapped[i].natives;
        size_t n = name.len < sizeof own ? name.len : sizeof own - 1;
        memcpy(own, name.p, n);
        own[n] = '\0';
        itself[0] = own;
        return itself;
}

bool action_means(struct span held, struct span asked)
{
        if (action_implies(held, asked))
                return true;
        for (size_t i = 0; i < sizeof mapped / sizeof mapped[0]; i++) {
                if (!span_is(held, mapped[i].name))
                        continue;
                for (const char *const *native = mapped[i].natives; *native; native++)
                        if (action_implies(span_of(*native), asked))
                                return true;
        }
        return false;
}
