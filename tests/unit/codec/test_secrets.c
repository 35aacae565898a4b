#include "unit/base/unit.h"

#include <chatelaine/codec_secrets.h>
#include <chatelaine/codec_text.h>

#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[64], path[128];

static int make_directory(void **state)
{
        (void)state;
        strcpy(directory, "/tmp/secrets_XXXXXX");
        if (!mkdtemp(directory))
                return -1;
        snprintf(path, sizeof path, "%s/secret.key", directory);
        return 0;
}

static int remove_one(const char *name, const struct stat *st, int type, struct FTW *ftw)
{
        (void)st;
        (void)type;
        (void)ftw;
        return remove(name);
}

static int remove_directory(void **state)
{
        (void)state;
        return nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static struct secrets *loaded(void)
{
        struct secrets *s;
        struct error e;
        if (secrets_load(path, &s, &e) != STATUS_OK)
                fail_msg("%s: %s", e.where, e.text);
        return s;
}

static void write_file(const char *text, mode_t mode)
{
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        fputs(text, f);
        fclose(f);
        assert_int_equal(chmod(path, mode), 0);
}

static void assert_not_loaded(enum status status, const char *slug, const char *where_end)
{
        struct secrets *s;
        struct error e;
        assert_int_equal(secrets_load(path, &s, &e), status);
        assert_string_equal(e.slug, slug);
        assert_true(strlen(e.where) >= strlen(where_end));
        assert_string_equal(e.where + strlen(e.where) - strlen(where_end), where_end);
}

#define A "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define B "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
#define ALL "pepper.1 " A "\nseal.1 = " A "\n\n# a comment\n  checkpoint.1=" A "\r\ntoken.1\t" A

static void test_a_new_file_is_private_and_whole(void **state)
{
        (void)state;
        struct stat st;
        struct error e;
        umask(0);
        assert_int_equal(secrets_create(path, NULL), STATUS_OK);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        struct secrets *s = loaded();
        uint32_t versions[SECRET_VERSIONS_MAX];
        for (int kind = 0; kind < SECRET_KINDS; kind++) {
                assert_int_equal(secrets_versions(s, kind, versions), 1);
                assert_int_equal(versions[0], 1);
        }
        secrets_free(s);
        assert_int_equal(secrets_create(path, &e), STATUS_CONFLICT);
        assert_string_equal(e.slug, "secret-file-exists");
}

static void test_a_file_that_others_may_read_is_refused(void **state)
{
        (void)state;
        static const mode_t bad[] = {0640, 0604, 0660, 0601, 0440};
        for (size_t i = 0; i < LENGTH(bad); i++) {
                write_file(ALL, bad[i]);
                assert_not_loaded(STATUS_DENIED, "secret-file-mode", "/secret.key");
        }
        write_file(ALL, 0400);
        secrets_free(loaded());
}

static void test_a_credential_of_systemd_is_taken(void **state)
{
        (void)state;
        write_file(ALL, 0440);
        setenv("CREDENTIALS_DIRECTORY", directory, 1);
        secrets_free(loaded());
        /* A directory whose name only begins alike. */
        char shorter[64];
        snprintf(shorter, sizeof shorter, "%.*s", (int)strlen(directory) - 1, directory);
        mkdir(shorter, 0700);
        setenv("CREDENTIALS_DIRECTORY", shorter, 1);
        assert_not_loaded(STATUS_DENIED, "secret-file-mode", "/secret.key");
        rmdir(shorter);
        unsetenv("CREDENTIALS_DIRECTORY");
        assert_not_loaded(STATUS_DENIED, "secret-file-mode", "/secret.key");
}

static void test_faults_are_named_by_line(void **state)
{
        (void)state;
        assert_not_loaded(STATUS_NOT_FOUND, "secret-file-missing", "/secret.key");
        static const struct {
                const char *text, *where;
        } cases[] = {
                {"", "/secret.key"},
                {"pepper.1 " A "\nseal.1 " A "\ncheckpoint.1 " A "\n", "/secret.key"},
                {ALL "\nsalt.1 " A, ":7"},
                {"pepper " A, ":1"},
                {"pepper.0 " A, ":1"},
                {"pepper.01 " A, ":1"},
                {"pepper.-1 " A, ":1"},
                {"pepper.4294967296 " A, ":1"},
                {"\npepper.1", ":2"},
                {"pepper.1 AAAA", ":1"},
                {"pepper.1 " A A, ":1"},
                {"pepper.1 " A " x", ":1"},
                {"pepper.1 " A "\npepper.1 " B, ":2"},
        };
        for (size_t i = 0; i < LENGTH(cases); i++) {
                write_file(cases[i].text, 0600);
                assert_not_loaded(STATUS_INVALID, "secret-file-invalid", cases[i].where);
        }
        unlink(path);
        mkdir(path, 0700);
        assert_not_loaded(STATUS_INVALID, "secret-file-invalid", "/secret.key");
}

static void test_the_newest_hashes_and_every_one_is_known(void **state)
{
        (void)state;
        uint8_t out[32], expected[HMAC_SIZE_MAX], zero[32] = {0}, one[32];
        uint32_t version, versions[SECRET_VERSIONS_MAX];
        struct error e;
        memset(one, 1, 32);
        write_file("pepper.2 " A "\npepper.10 " B "\n" ALL, 0600);
        struct secrets *s = loaded();
        assert_int_equal(secrets_versions(s, SECRET_PEPPER, versions), 3);
        assert_int_equal(versions[0], 10);
        assert_int_equal(versions[2], 1);
        assert_int_equal(secrets_hash(s, SPAN("key"), 0, out, &version, NULL), STATUS_OK);
        assert_int_equal(version, 10);
        assert_int_equal(hmac_of(HMAC_SHA256, span_make(one, 32), SPAN("key"), expected, NULL),
                         STATUS_OK);
        assert_memory_equal(out, expected, 32);
        assert_int_equal(secrets_hash(s, SPAN("key"), 2, out, NULL, NULL), STATUS_OK);
        assert_int_equal(hmac_of(HMAC_SHA256, span_make(zero, 32), SPAN("key"), expected, NULL),
                         STATUS_OK);
        assert_memory_equal(out, expected, 32);
        assert_int_equal(secrets_hash(s, SPAN("key"), 3, out, NULL, &e), STATUS_NOT_FOUND);
        assert_string_equal(e.slug, "secret-version-unknown");
        secrets_free(s);
        secrets_free(NULL);
}

static void test_sealed_values_are_bound_to_their_place(void **state)
{
        (void)state;
        struct buf sealed, plain;
        struct error e;
        buf_init(&sealed, 256);
        buf_init(&plain, 256);
        write_file(ALL, 0600);
        struct secrets *s = loaded();
        assert_int_equal(secrets_seal(s, "app", "secret", SPAN("7"), SPAN("value"), &sealed, NULL),
                         STATUS_OK);
        assert_int_equal(
                secrets_open(s, "app", "secret", SPAN("7"), buf_view(&sealed), &plain, NULL),
                STATUS_OK);
        assert_string_equal(plain.data, "value");
        static const struct {
                const char *table, *column;
                struct span row_id;
        } places[] = {{"app", "secret", SPAN("8")},
                      {"app", "secre", SPAN("t7")},
                      {"ap", "psecret", SPAN("7")},
                      {"app", "secret", SPAN("7\0")},
                      {"app", "", SPAN("7")}};
        for (size_t i = 0; i < LENGTH(places); i++) {
                assert_int_equal(secrets_open(s, places[i].table, places[i].column,
                                              places[i].row_id, buf_view(&sealed), &plain, &e),
                                 STATUS_INVALID);
                assert_string_equal(e.slug, "seal-broken");
        }
        sealed.data[3] = 9;
        assert_int_equal(secrets_open(s, "app", "secret", SPAN("7"), buf_view(&sealed), &plain, &e),
                         STATUS_NOT_FOUND);
        sealed.data[3] = 0;
        assert_int_equal(secrets_open(s, "app", "secret", SPAN("7"), buf_view(&sealed), &plain, &e),
                         STATUS_NOT_FOUND);
        assert_int_equal(secrets_open(s, "app", "secret", SPAN("7"), SPAN("short"), &plain, &e),
                         STATUS_INVALID);
        secrets_free(s);
        buf_fini(&sealed);
        buf_fini_secret(&plain);
}

static void test_rotation_adds_and_keeps(void **state)
{
        (void)state;
        uint8_t before[32], after[32];
        uint32_t version, versions[SECRET_VERSIONS_MAX];
        struct stat st;
        struct buf sealed, plain;
        buf_init(&sealed, 256);
        buf_init(&plain, 256);
        write_file("# kept\n" ALL, 0600);
        struct secrets *s = loaded();
        assert_int_equal(secrets_hash(s, SPAN("key"), 0, before, NULL, NULL), STATUS_OK);
        assert_int_equal(secrets_seal(s, "t", "c", SPAN("1"), SPAN("old"), &sealed, NULL),
                         STATUS_OK);
        secrets_free(s);

        assert_int_equal(secrets_rotate(path, NULL), STATUS_OK);
        assert_int_equal(secrets_rotate(path, NULL), STATUS_OK);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        s = loaded();
        assert_int_equal(secrets_versions(s, SECRET_PEPPER, versions), 3);
        assert_int_equal(secrets_versions(s, SECRET_SEAL, versions), 3);
        assert_int_equal(secrets_versions(s, SECRET_CHECKPOINT, versions), 1);
        assert_int_equal(secrets_versions(s, SECRET_TOKEN, versions), 3);
        assert_int_equal(secrets_hash(s, SPAN("key"), 1, after, NULL, NULL), STATUS_OK);
        assert_memory_equal(before, after, 32);
        assert_int_equal(secrets_hash(s, SPAN("key"), 0, after, &version, NULL), STATUS_OK);
        assert_int_equal(version, 3);
        assert_memory_not_equal(before, after, 32);
        assert_int_equal(secrets_open(s, "t", "c", SPAN("1"), buf_view(&sealed), &plain, NULL),
                         STATUS_OK);
        assert_string_equal(plain.data, "old");
        secrets_free(s);
        buf_fini(&sealed);
        buf_fini(&plain);

        FILE *f = fopen(path, "r");
        char line[16];
        assert_string_equal(fgets(line, sizeof line, f), "# kept\n");
        fclose(f);
}

static void test_rotation_ends_at_the_bound(void **state)
{
        (void)state;
        struct error e;
        write_file(ALL, 0600);
        for (int i = 1; i < SECRET_VERSIONS_MAX; i++)
                assert_int_equal(secrets_rotate(path, NULL), STATUS_OK);
        assert_int_equal(secrets_rotate(path, &e), STATUS_LIMIT);
        assert_string_equal(e.slug, "secret-file-full");
        secrets_free(loaded());
}

static void test_checkpoints_are_signed(void **state)
{
        (void)state;
        uint8_t signature[ED25519_SIGNATURE_SIZE];
        uint32_t version;
        write_file(ALL "\ncheckpoint.4 " B, 0600);
        struct secrets *s = loaded();
        assert_int_equal(secrets_checkpoint_sign(s, SPAN("m"), signature, &version, NULL),
                         STATUS_OK);
        assert_int_equal(version, 4);
        assert_true(pkey_verify(secrets_pkey(s, SECRET_CHECKPOINT, 4, NULL), SPAN("m"),
                                span_make(signature, 64)));
        assert_false(pkey_verify(secrets_pkey(s, SECRET_CHECKPOINT, 1, NULL), SPAN("m"),
                                 span_make(signature, 64)));
        assert_non_null(secrets_pkey(s, SECRET_TOKEN, 0, &version));
        assert_int_equal(version, 1);
        assert_null(secrets_pkey(s, SECRET_TOKEN, 2, NULL));
        assert_null(secrets_pkey(s, SECRET_PEPPER, 0, NULL));
        secrets_free(s);
}

static void *use_ring(void *arg)
{
        const struct secrets *s = arg;
        uint8_t hash[32], signature[ED25519_SIGNATURE_SIZE];
        struct buf sealed, plain;
        bool is_good = true;
        buf_init(&sealed, 256);
        buf_init(&plain, 256);
        for (int i = 0; i < 50; i++) {
                buf_reset(&sealed);
                buf_reset(&plain);
                is_good &= secrets_hash(s, SPAN("key"), 0, hash, NULL, NULL) == STATUS_OK;
                is_good &=
                        secrets_seal(s, "t", "c", SPAN("1"), SPAN("v"), &sealed, NULL) == STATUS_OK;
                is_good &= secrets_open(s, "t", "c", SPAN("1"), buf_view(&sealed), &plain, NULL) ==
                           STATUS_OK;
                is_good &=
                        secrets_checkpoint_sign(s, SPAN("m"), signature, NULL, NULL) == STATUS_OK;
                is_good &= pkey_verify(secrets_pkey(s, SECRET_CHECKPOINT, 0, NULL), SPAN("m"),
                                       span_make(signature, sizeof signature));
        }
        buf_fini(&sealed);
        buf_fini(&plain);
        return is_good ? arg : NULL;
}

static void test_threads_share_a_ring_while_it_grows(void **state)
{
        (void)state;
        pthread_t threads[4];
        write_file(ALL, 0600);
        struct secrets *s = loaded();
        for (size_t i = 0; i < LENGTH(threads); i++)
                assert_int_equal(pthread_create(&threads[i], NULL, use_ring, s), 0);
        for (int i = 0; i < 10; i++) {
                assert_int_equal(secrets_rotate(path, NULL), STATUS_OK);
                assert_int_equal(secrets_reload(s, path, NULL), STATUS_OK);
        }
        for (size_t i = 0; i < LENGTH(threads); i++) {
                void *result;
                assert_int_equal(pthread_join(threads[i], &result), 0);
                assert_ptr_equal(result, s);
        }
        secrets_free(s);
}

static void test_a_reload_adds_versions_and_takes_none_away(void **state)
{
        (void)state;
        struct error e;
        uint32_t versions[SECRET_VERSIONS_MAX], version;
        uint8_t before[32], after[32];
        assert_int_equal(secrets_create(path, &e), STATUS_OK);
        struct secrets *s = loaded();
        const struct pkey *borrowed = secrets_pkey(s, SECRET_CHECKPOINT, 0, NULL);
        assert_int_equal(secrets_hash(s, SPAN("key"), 1, before, NULL, &e), STATUS_OK);
        assert_int_equal(secrets_reload(s, path, &e), STATUS_OK); /* nothing new */
        assert_int_equal(secrets_rotate(path, &e), STATUS_OK);
        assert_int_equal(secrets_reload(s, path, &e), STATUS_OK);
        assert_int_equal(secrets_versions(s, SECRET_PEPPER, versions), 2);
        assert_int_equal(secrets_hash(s, SPAN("key"), 1, after, NULL, &e), STATUS_OK);
        assert_memory_equal(before, after, 32);
        assert_int_equal(secrets_hash(s, SPAN("key"), 0, after, &version, &e), STATUS_OK);
        assert_int_equal(version, 2);
        assert_true(pkey_is_private(borrowed)); /* still there */

        assert_int_equal(unlink(path), 0);
        assert_int_equal(secrets_create(path, &e), STATUS_OK); /* other values, fewer versions */
        assert_int_equal(secrets_reload(s, path, &e), STATUS_CONFLICT);
        assert_string_equal(e.slug, "secret-version-lost");
        assert_int_equal(secrets_versions(s, SECRET_PEPPER, versions), 2);
        secrets_free(s);
}

#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void)
{
        const struct CMUnitTest tests[] = {
                IN_DIRECTORY(test_a_new_file_is_private_and_whole),
                IN_DIRECTORY(test_a_file_that_others_may_read_is_refused),
                IN_DIRECTORY(test_a_credential_of_systemd_is_taken),
                IN_DIRECTORY(test_faults_are_named_by_line),
                IN_DIRECTORY(test_the_newest_hashes_and_every_one_is_known),
                IN_DIRECTORY(test_sealed_values_are_bound_to_their_place),
                IN_DIRECTORY(test_rotation_adds_and_keeps),
                IN_DIRECTORY(test_rotation_ends_at_the_bound),
                IN_DIRECTORY(test_checkpoints_are_signed),
                IN_DIRECTORY(test_a_reload_adds_versions_and_takes_none_away),
                IN_DIRECTORY(test_threads_share_a_ring_while_it_grows),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
