#include "unit.h"

#include <chatelaine/base_clock.h>
#include <chatelaine/base_log.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int fds[2]; /* a pair of sockets that keeps each write apart: one read is one write */
static int64_t mono_ms;
static char line[8192];

static int64_t fake_now(void)
{
        return INT64_C(1795294330123);
}

static int64_t fake_mono(void)
{
        return mono_ms;
}

static int set_up(void **state)
{
        (void)state;
        if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) < 0)
                return -1;
        fcntl(fds[0], F_SETFL, O_NONBLOCK);
        mono_ms += 10000; /* past every event's window */
        clock_inject(fake_now, fake_mono);
        log_to(fds[1]);
        return log_configure("info", "json", NULL) == STATUS_OK ? 0 : -1;
}

static int tear_down(void **state)
{
        (void)state;
        unsetenv("JOURNAL_STREAM");
        log_to(STDERR_FILENO);
        clock_inject(NULL, NULL);
        close(fds[0]);
        close(fds[1]);
        return 0;
}

/* What one write wrote; "" when nothing was. */
static const char *written(void)
{
        ssize_t n = read(fds[0], line, sizeof line - 1);
        line[n > 0 ? n : 0] = '\0';
        return line;
}

static void test_a_line_is_one_write_of_json(void **state)
{
        (void)state;
        LOG_WARN("kafka.disconnected", LOG_S("broker", "a:1"), LOG_I("retries", -3),
                 LOG_SPAN("x", SPAN("yz!")));
        assert_string_equal(
                written(),
                "{\"time\":\"2026-11-21T20:52:10.123Z\",\"level\":\"warn\",\"event\":"
                "\"kafka.disconnected\",\"broker\":\"a:1\",\"retries\":-3,\"x\":\"yz!\"}\n");
        assert_string_equal(written(), "");
        LOG_ERROR("no.fields");
        assert_non_null(strstr(written(), "\"event\":\"no.fields\"}\n"));
}

static void test_what_others_wrote_is_escaped(void **state)
{
        (void)state;
        LOG_INFO("escape", LOG_SPAN("s", SPAN("a\"b\\c\n\r\t\b\f\x01\x7f\0é€\U0001f600/")),
                 LOG_S("null", NULL));
        assert_non_null(strstr(
                written(),
                "\"s\":\"a\\\"b\\\\c\\n\\r\\t\\b\\f\\u0001\\u007f\\u0000é€\U0001f600/\",\"null\":\"\"}\n"));
        LOG_INFO("escape",
                 LOG_SPAN("s", SPAN("\xff|\xc3|\xed\xa0\x80|\xc0\x80|\xf4\x90\x80\x80|\xe2\x82")));
        assert_non_null(strstr(written(), "\"s\":\"\ufffd|\ufffd|\ufffd\ufffd\ufffd|\ufffd\ufffd|"
                                          "\ufffd\ufffd\ufffd\ufffd|\ufffd\ufffd\"}\n"));
}

static void test_the_text_format_is_for_people(void **state)
{
        (void)state;
        assert_int_equal(log_configure("info", "text", NULL), STATUS_OK);
        LOG_INFO("http.ready", LOG_S("address", "127.0.0.1:80"), LOG_I("n", 2),
                 LOG_S("why", "a b=\"c\"\n"), LOG_S("e", ""));
        assert_string_equal(written(),
                            "2026-11-21T20:52:10.123Z info http.ready address=127.0.0.1:80 n=2 "
                            "why=\"a b=\\\"c\\\"\\n\" e=\"\"\n");
}

static void test_levels_below_the_configured_one_are_not_written(void **state)
{
        (void)state;
        LOG_DEBUG("level");
        assert_string_equal(written(), "");
        assert_int_equal(log_configure("error", "json", NULL), STATUS_OK);
        LOG_WARN("level");
        assert_string_equal(written(), "");
        assert_int_equal(log_configure("debug", "json", NULL), STATUS_OK);
        LOG_DEBUG("level");
        assert_non_null(strstr(written(), "\"level\":\"debug\""));
}

static void test_wrong_settings_change_nothing(void **state)
{
        (void)state;
        struct error e;
        assert_int_equal(log_configure("loud", "text", &e), STATUS_INVALID);
        assert_string_equal(e.slug, "invalid-log-level");
        assert_int_equal(log_configure("debug", "xml", &e), STATUS_INVALID);
        assert_string_equal(e.slug, "invalid-log-format");
        LOG_DEBUG("wrong");
        assert_string_equal(written(), "");
        LOG_INFO("wrong");
        assert_int_equal(written()[0], '{');
}

static void test_repeats_are_counted_and_told(void **state)
{
        (void)state;
        for (int i = 0; i < 25; i++)
                LOG_INFO("repeat", LOG_I("i", i));
        for (int i = 0; i < 10; i++)
                assert_null(strstr(written(), "suppressed"));
        assert_string_equal(written(), "");

        /* Another event is not held back, and a debug line that nobody asked for does not count. */
        LOG_INFO("other");
        assert_non_null(strstr(written(), "\"event\":\"other\"}\n"));
        LOG_DEBUG("repeat");

        mono_ms += 999;
        LOG_INFO("repeat");
        assert_string_equal(written(), "");
        mono_ms += 1;
        LOG_INFO("repeat", LOG_I("i", 7));
        assert_non_null(strstr(written(), "\"event\":\"repeat\",\"suppressed\":16,\"i\":7}\n"));
        LOG_INFO("repeat");
        assert_null(strstr(written(), "suppressed"));
}

static void test_more_events_than_places_are_still_written(void **state)
{
        (void)state;
        char event[32];
        for (int i = 0; i < 2000; i++) {
                snprintf(event, sizeof event, "event.%d", i);
                LOG_INFO(event);
                assert_non_null(strstr(written(), event));
        }
}

static void test_a_line_has_a_bound_and_says_when_it_is_reached(void **state)
{
        (void)state;
        char *longest = malloc(100000);
        assert_non_null(longest);
        memset(longest, 'x', 99999);
        longest[99999] = '\0';
        LOG_INFO("long", LOG_S("a", longest), LOG_I("b", 1));
        assert_non_null(strstr(written(), "xxx...\",\"b\":1}\n"));
        assert_true(strlen(line) < 1200);

        memset(longest, '\x01', 99999);
        LOG_INFO("long", LOG_I("a", 1), LOG_S("b", longest), LOG_I("c", 2));
        assert_non_null(strstr(written(), "\"a\":1,\"truncated\":true}\n"));
        LOG_INFO("long", LOG_S("a", longest + 99700), LOG_S("b", longest + 99700),
                 LOG_S("c", longest + 99700));
        assert_non_null(strstr(written(), ",\"truncated\":true}\n"));
        assert_true(strlen(line) <= 4096);

        assert_int_equal(log_configure("info", "text", NULL), STATUS_OK);
        LOG_INFO("long", LOG_S("a", longest));
        assert_string_equal(written(), "2026-11-21T20:52:10.123Z info long truncated=true\n");
        free(longest);
}

static void test_an_error_is_logged_with_its_place(void **state)
{
        (void)state;
        struct error e;
        error_set(&e, STATUS_INVALID, "invalid-config", "x.conf:3", "No.");
        log_error(LOG_LEVEL_ERROR, "config.refused", &e);
        assert_non_null(strstr(
                written(),
                "\"event\":\"config.refused\",\"slug\":\"invalid-config\",\"where\":\"x.conf:3\","
                "\"detail\":\"No.\"}\n"));
}

static void test_the_journal_gets_priorities_and_nobody_else_does(void **state)
{
        (void)state;
        struct stat st;
        char stream[64];
        assert_int_equal(fstat(fds[1], &st), 0);
        snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
        setenv("JOURNAL_STREAM", stream, 1);
        log_to(fds[1]);
        LOG_WARN("journal");
        assert_int_equal(strncmp(written(), "<4>{\"time\"", 10), 0);

        setenv("JOURNAL_STREAM", "1:2", 1);
        log_to(fds[1]);
        LOG_WARN("journal");
        assert_int_equal(written()[0], '{');
}

#define THREADS 4
#define LINES 300

static void *write_lines(void *arg)
{
        char event[16];
        for (int i = 0; i < LINES; i++) {
                snprintf(event, sizeof event, "t%d.%d", *(int *)arg, i);
                LOG_INFO(event, LOG_S("text", "some words"), LOG_I("i", i));
        }
        return NULL;
}

static void test_lines_of_many_threads_stay_whole(void **state)
{
        (void)state;
        pthread_t threads[THREADS];
        int names[THREADS];
        char path[] = "/tmp/chatelaine-log-XXXXXX";
        int fd = mkostemp(path, O_APPEND);
        assert_true(fd >= 0);
        unlink(path);
        log_to(fd);
        for (int t = 0; t < THREADS; t++) {
                names[t] = t;
                assert_int_equal(pthread_create(&threads[t], NULL, write_lines, &names[t]), 0);
        }
        for (int t = 0; t < THREADS; t++)
                pthread_join(threads[t], NULL);

        FILE *f = fdopen(fd, "r");
        int n = 0;
        rewind(f);
        for (; fgets(line, sizeof line, f); n++) {
                assert_int_equal(line[0], '{');
                assert_string_equal(line + strlen(line) - 2, "}\n");
                assert_null(strchr(line + 1, '{'));
        }
        fclose(f);
        assert_int_equal(n, THREADS * LINES);
}

#define UNIT(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
        const struct CMUnitTest tests[] = {
                UNIT(test_a_line_is_one_write_of_json),
                UNIT(test_what_others_wrote_is_escaped),
                UNIT(test_the_text_format_is_for_people),
                UNIT(test_levels_below_the_configured_one_are_not_written),
                UNIT(test_wrong_settings_change_nothing),
                UNIT(test_repeats_are_counted_and_told),
                UNIT(test_more_events_than_places_are_still_written),
                UNIT(test_a_line_has_a_bound_and_says_when_it_is_reached),
                UNIT(test_an_error_is_logged_with_its_place),
                UNIT(test_the_journal_gets_priorities_and_nobody_else_does),
                UNIT(test_lines_of_many_threads_stay_whole),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
