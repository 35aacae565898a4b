#include "unit.h"

#include <chatelaine/base_metrics.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static struct buf out;

static int set_up(void **state)
{
        (void)state;
        buf_init(&out, 1 << 20);
        return 0;
}

static int tear_down(void **state)
{
        (void)state;
        buf_fini(&out);
        return 0;
}

static const char *page(void)
{
        buf_reset(&out);
        metrics_write(&out);
        assert_int_equal(buf_check(&out, NULL), STATUS_OK);
        return buf_view(&out).p;
}

static void assert_has(const char *text)
{
        if (!strstr(page(), text))
                fail_msg("no \"%s\" in\n%s", text, out.data);
}

static void test_a_family_without_labels_has_one_value(void **state)
{
        (void)state;
        struct metric_family *f = metric_family(METRIC_COUNTER, "t_plain_total", "",
                                                "Plain \\ things\nof two lines.");
        assert_has("# TYPE t_plain_total counter\n"); /* known before it has counted */
        assert_null(strstr(page(), "t_plain_total 0"));
        metric_add(metric_only(f), 2);
        metric_add(metric_only(f), 3);
        assert_has(
                "# HELP t_plain_total Plain \\\\ things\\nof two lines.\n# TYPE t_plain_total counter\nt_plain_total 5\n");
        assert_ptr_equal(metric_only(f), metric_only(f));
        assert_ptr_equal(metric_family(METRIC_COUNTER, "t_plain_total", "", "again"), f);
}

static void test_cells_are_told_apart_by_their_labels(void **state)
{
        (void)state;
        struct metric_family *f =
                metric_family(METRIC_COUNTER, "t_requests_total", "route, status", "Requests.");
        metric_add(METRIC_CELL(f, "/a", "200"), 1);
        metric_add(METRIC_CELL(f, "/a", "404"), 2);
        metric_add(METRIC_CELL(f, "/a", "200"), 1);
        metric_add(METRIC_CELL(f, "", ""), 9);
        assert_has("t_requests_total{route=\"/a\",status=\"200\"} 2\n"
                   "t_requests_total{route=\"/a\",status=\"404\"} 2\n"
                   "t_requests_total{route=\"\",status=\"\"} 9\n");
}

static void test_label_values_are_escaped(void **state)
{
        (void)state;
        struct metric_family *f = metric_family(METRIC_GAUGE, "t_escaped", "a,b", "Escaped.");
        metric_set(METRIC_CELL(f, "q\"b\\n\n", "é\xff"), -4);
        /* A value cannot pass for another label. */
        metric_set(METRIC_CELL(f, "x\",b=\"y", "z"), 1);
        assert_has("t_escaped{a=\"q\\\"b\\\\n\\n\",b=\"é\ufffd\"} -4\n");
        assert_has("t_escaped{a=\"x\\\",b=\\\"y\",b=\"z\"} 1\n");
}

static void test_gauges_of_seconds(void **state)
{
        (void)state;
        struct metric_family *f = metric_family(METRIC_GAUGE, "t_age_seconds", "what", "Age.");
        metric_set_us(METRIC_CELL(f, "a"), 1500001);
        metric_set_us(METRIC_CELL(f, "b"), -250000);
        metric_set_us(METRIC_CELL(f, "c"), INT64_MIN);
        assert_has("t_age_seconds{what=\"a\"} 1.500001\n");
        assert_has("t_age_seconds{what=\"b\"} -0.250000\n");
        assert_has("t_age_seconds{what=\"c\"} -9223372036854.775808\n");
}

static void test_histograms_cumulate(void **state)
{
        (void)state;
        struct metric_family *f =
                metric_family(METRIC_HISTOGRAM, "t_latency_seconds", "route", "Latency.");
        struct metric_cell *c = METRIC_CELL(f, "/a");
        metric_observe_us(c, 0);
        metric_observe_us(c, 100);
        metric_observe_us(c, 101);
        metric_observe_us(c, 10000000);
        metric_observe_us(c, 10000001);
        assert_has("# TYPE t_latency_seconds histogram\n"
                   "t_latency_seconds_bucket{route=\"/a\",le=\"0.0001\"} 2\n"
                   "t_latency_seconds_bucket{route=\"/a\",le=\"0.00025\"} 3\n");
        assert_has("t_latency_seconds_bucket{route=\"/a\",le=\"5\"} 3\n"
                   "t_latency_seconds_bucket{route=\"/a\",le=\"10\"} 4\n"
                   "t_latency_seconds_bucket{route=\"/a\",le=\"+Inf\"} 5\n"
                   "t_latency_seconds_sum{route=\"/a\"} 20.000202\n"
                   "t_latency_seconds_count{route=\"/a\"} 5\n");
        metric_observe_us(
                metric_only(metric_family(METRIC_HISTOGRAM, "t_commit_seconds", "", "Commit.")),
                20);
        assert_has(
                "t_commit_seconds_bucket{le=\"+Inf\"} 1\nt_commit_seconds_sum 0.000020\nt_commit_seconds_count 1\n");
}

static void test_sizes_have_buckets_of_their_own(void **state)
{
        (void)state;
        struct metric_cell *c =
                metric_only(metric_family(METRIC_SIZES, "t_group_size", "", "Commands."));
        metric_observe(c, 1);
        metric_observe(c, 7);
        metric_observe(c, 100001);
        assert_has("# TYPE t_group_size histogram\nt_group_size_bucket{le=\"1\"} 1\n");
        assert_has("t_group_size_bucket{le=\"5\"} 1\nt_group_size_bucket{le=\"10\"} 2\n");
        assert_has("t_group_size_bucket{le=\"100000\"} 2\nt_group_size_bucket{le=\"+Inf\"} 3\n"
                   "t_group_size_sum 100009\nt_group_size_count 3\n");
}

static size_t count(const char *text, const char *what)
{
        size_t n = 0;
        while ((text = strstr(text, what))) {
                n++;
                text += strlen(what);
        }
        return n;
}

static void test_a_family_has_at_most_a_thousand_cells(void **state)
{
        (void)state;
        struct metric_family *f =
                metric_family(METRIC_COUNTER, "t_many_total", "app,outcome", "Many.");
        char name[32];
        for (int i = 0; i < 1500; i++) {
                snprintf(name, sizeof name, "app%d", i);
                metric_add(METRIC_CELL(f, name, "created"), 1);
        }
        assert_int_equal(count(page(), "t_many_total{"), 1000);
        assert_has("t_many_total{app=\"other\",outcome=\"other\"} 501\n");
        /* Those that were there keep their cell. */
        metric_add(METRIC_CELL(f, "app3", "created"), 1);
        assert_has("t_many_total{app=\"app3\",outcome=\"created\"} 2\n");
}

static void test_the_cell_of_others_can_be_named(void **state)
{
        (void)state;
        struct metric_family *f = metric_family(METRIC_COUNTER, "t_named_total", "app", "Named.");
        metric_add(METRIC_CELL(f, "other"), 1);
        char longest[400];
        memset(longest, 'x', sizeof longest - 1);
        longest[sizeof longest - 1] = '\0';
        metric_add(METRIC_CELL(f, longest), 1);
        assert_int_equal(count(page(), "t_named_total{"), 1);
        assert_has("t_named_total{app=\"other\"} 2\n");
}

static void set_collected(void *ctx)
{
        struct metric_family *f = metric_family(METRIC_GAUGE, "t_collected", "", "Collected.");
        metric_set(metric_only(f), ++*(int *)ctx);
}

static void test_what_is_collected_is_read_at_each_page(void **state)
{
        (void)state;
        static int times;
        metric_collect(set_collected, &times);
        assert_has("t_collected 1\n");
        assert_has("t_collected 2\n");
}

static void test_the_process_shows_itself(void **state)
{
        (void)state;
        metrics_process("1.2.3");
        metrics_process("1.2.3");
        assert_has("chatelaine_build_info{version=\"1.2.3\"} 1\n");
        const char *resident = strstr(page(), "\nprocess_resident_memory_bytes ");
        assert_non_null(resident);
        assert_true(strtoll(strchr(resident + 1, ' '), NULL, 10) > 100000);
        assert_has("# TYPE process_cpu_seconds_total counter\n");
        assert_int_equal(count(page(), "\nprocess_resident_memory_bytes "), 1);
}

#define THREADS 4
#define ADDS 20000

static void *add(void *arg)
{
        struct metric_family *f = arg;
        struct metric_cell *hot = METRIC_CELL(f, "hot");
        char name[16];
        for (int i = 0; i < ADDS; i++) {
                metric_add(hot, 1);
                if (i % 100 == 0) {
                        snprintf(name, sizeof name, "n%d", i);
                        metric_add(METRIC_CELL(f, name), 1);
                }
        }
        return NULL;
}

static void test_many_threads_count_together(void **state)
{
        (void)state;
        struct metric_family *f =
                metric_family(METRIC_COUNTER, "t_threads_total", "what", "Threads.");
        pthread_t threads[THREADS];
        for (int t = 0; t < THREADS; t++)
                assert_int_equal(pthread_create(&threads[t], NULL, add, f), 0);
        for (int i = 0; i < 20; i++)
                page();
        for (int t = 0; t < THREADS; t++)
                pthread_join(threads[t], NULL);
        assert_has("t_threads_total{what=\"hot\"} 80000\n");
        assert_has("t_threads_total{what=\"n100\"} 4\n");
}

#define UNIT(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
        const struct CMUnitTest tests[] = {
                UNIT(test_a_family_without_labels_has_one_value),
                UNIT(test_cells_are_told_apart_by_their_labels),
                UNIT(test_label_values_are_escaped),
                UNIT(test_gauges_of_seconds),
                UNIT(test_histograms_cumulate),
                UNIT(test_sizes_have_buckets_of_their_own),
                UNIT(test_a_family_has_at_most_a_thousand_cells),
                UNIT(test_the_cell_of_others_can_be_named),
                UNIT(test_what_is_collected_is_read_at_each_page),
                UNIT(test_the_process_shows_itself),
                UNIT(test_many_threads_count_together),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
