/* The committed vectors are what vectors.py prints, so that nobody mends one by hand. */
#include "auth_rig.h"

static void test_the_vectors_are_python_s(void **state)
{
        (void)state;
        char command[512], made[4096], kept[4096];
        size_t n_made, n_kept;
        snprintf(command, sizeof command, "/usr/bin/python3 %s/tests/unit/auth/vectors.py",
                 CHATELAINE_SOURCE_DIR);
        FILE *python = popen(command, "r");
        FILE *file = fopen(CHATELAINE_SOURCE_DIR "/tests/unit/auth/vectors.h", "r");
        assert_non_null(python);
        assert_non_null(file);
        do {
                n_made = fread(made, 1, sizeof made, python);
                n_kept = fread(kept, 1, sizeof kept, file);
                assert_int_equal(n_made, n_kept);
                assert_memory_equal(made, kept, n_made);
        } while (n_made);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(pclose(python), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_vectors_are_python_s)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
