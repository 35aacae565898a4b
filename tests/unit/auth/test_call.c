/* What an endpoint asks of its call. */
#include "auth_rig.h"

#include <chatelaine/auth_call.h>

static void test_a_resource_that_found_no_room_is_not_anywhere(void **state)
{
        (void)state;
        struct right right = {SPAN("users:write"), ABILITY_ALLOW, SPAN("users/me")};
        struct principal who = {.rights = {.list = &right, .n = 1, .has_statements = true}};
        struct arena CLEANUP(arena_fini) arena;
        struct call c = {.who = &who, .arena = &arena};
        struct error err;
        arena_init(&arena, 64);
        assert_int_equal(call_may(&c, "users:write", SPAN_NONE, &err), STATUS_OK);
        struct span resource = call_resource(&c, "users",
                                             SPAN("0123456789abcdef0123456789abcdef"
                                                  "0123456789abcdef0123456789abcdef"));
        assert_null(resource.p);
        assert_int_equal(call_may(&c, "users:write", resource, &err), STATUS_NO_MEMORY);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_resource_that_found_no_room_is_not_anywhere),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
