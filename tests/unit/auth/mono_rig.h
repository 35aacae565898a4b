/* A table of auth's that forgets by the monotonic clock, which the test holds. */
#ifndef AUTH_MONO_RIG_H
#define AUTH_MONO_RIG_H

#include "auth_rig.h"

#include <pthread.h>

static int64_t now_mono_ms;
static inline int64_t mono(void)
{
        return now_mono_ms;
}

/* Tests of `struct NAME` with its NAME_new and NAME_free: *state. */
#define MONO_RIG(name)                                    \
        static int setup(void **state)                    \
        {                                                 \
                struct name *made;                        \
                now_mono_ms = 5000000;                    \
                clock_inject(NULL, mono);                 \
                if (name##_new(&made, NULL) != STATUS_OK) \
                        return -1;                        \
                *state = made;                            \
                return 0;                                 \
        }                                                 \
        static int teardown(void **state)                 \
        {                                                 \
                name##_free(*state);                      \
                clock_inject(NULL, NULL);                 \
                return 0;                                 \
        }

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
