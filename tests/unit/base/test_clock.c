#include "unit.h"

#include <chatelaine/base_clock.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static int64_t now_ms = 1000;

static int64_t fake_now(void)
{
        return now_ms;
}

static int real_clock(void **state)
{
        (void)state;
        clock_inject(NULL, NULL);
        return 0;
}

static void test_both_clocks_can_be_set(void **state)
{
        (void)state;
        now_ms = 123456;
        clock_inject(fake_now, fake_now);
        assert_int_equal(clock_now_ms(), 123456);
        assert_int_equal(clock_mono_ms(), 123456);
        assert_int_equal(clock_mono_us(), 123456000);
        clock_inject(NULL, NULL);
        assert_true(clock_now_ms() > INT64_C(1600000000000));
}

static void test_times_are_written_in_utc_with_milliseconds(void **state)
{
        (void)state;
        static const struct {
                int64_t ms;
                const char *text;
        } rows[] = {
                {0, "1970-01-01T00:00:00.000Z"},
                {-1, "1969-12-31T23:59:59.999Z"},
                {INT64_C(951782400123), "2000-02-29T00:00:00.123Z"},
                {INT64_C(253402300799999), "9999-12-31T23:59:59.999Z"},
                {INT64_MAX, "9999-12-31T23:59:59.999Z"},
                {INT64_MIN, "0000-01-01T00:00:00.000Z"},
        };
        char out[CLOCK_RFC3339_SIZE];
        for (size_t i = 0; i < LENGTH(rows); i++) {
                clock_rfc3339(rows[i].ms, out);
                assert_string_equal(out, rows[i].text);
        }
}

static void test_rfc3339_is_read(void **state)
{
        (void)state;
        static const struct {
                const char *text;
                int64_t ms;
        } rows[] = {
                {"1970-01-01T00:00:00Z", 0},
                {"1970-01-01t00:00:00z", 0},
                {"1970-01-01T01:00:00+01:00", 0},
                {"1969-12-31T18:30:00.5-05:30", 500},
                {"1970-01-01T00:00:00.1239999999999Z", 123},
                {"1970-01-01T00:00:00-00:00", 0},
                {"2000-02-29T00:00:00.123Z", INT64_C(951782400123)},
                {"2016-12-31T23:59:60Z", INT64_C(1483228800000)},
                {"2017-01-01T00:59:60+01:00", INT64_C(1483228800000)},
                {"9999-12-31T23:59:59.999Z", INT64_C(253402300799999)},
        };
        int64_t ms;
        for (size_t i = 0; i < LENGTH(rows); i++) {
                assert_int_equal(clock_parse_rfc3339(span_of(rows[i].text), &ms, NULL), STATUS_OK);
                assert_int_equal(ms, rows[i].ms);
        }
}

static void test_what_is_not_rfc3339_is_refused(void **state)
{
        (void)state;
        static const char *const rows[] = {
                "",
                "1970",
                "1970-01-01",
                "1970-01-01T00:00:00",
                "1970-01-01 00:00:00Z",
                "1970-01-01T00:00Z",
                "19700101T000000Z",
                "1970-01-01T00:00:00+01",
                "1970-01-01T00:00:00+0100",
                "1970-01-01T00:00:00.Z",
                "1970-01-01T00:00:00,5Z",
                "1970-1-01T00:00:00Z",
                "1970-01-01T24:00:00Z",
                "1970-01-01T00:60:00Z",
                "1970-01-01T00:00:60Z",
                "1970-01-01T00:00:61Z",
                "2016-12-31T23:59:60+01:00",
                "1970-00-01T00:00:00Z",
                "1970-13-01T00:00:00Z",
                "1970-01-00T00:00:00Z",
                "1970-01-32T00:00:00Z",
                "1900-02-29T00:00:00Z",
                "2001-02-29T00:00:00Z",
                "2004-04-31T00:00:00Z",
                "1970-01-01T00:00:00+24:00",
                "1970-01-01T00:00:00+00:60",
                "1970-01-01T00:00:00Z ",
                " 1970-01-01T00:00:00Z",
                "1970-01-01T00:00:00ZZ",
                "-970-01-01T00:00:00Z",
                "1970-01-01T00:00:00.5",
                "1970-01-01T00:00:00+1:00",
        };
        int64_t ms = 77;
        struct error e;
        for (size_t i = 0; i < LENGTH(rows); i++) {
                if (clock_parse_rfc3339(span_of(rows[i]), &ms, &e) != STATUS_INVALID)
                        fail_msg("accepted: %s", rows[i]);
                assert_string_equal(e.slug, "invalid-time");
        }
        assert_int_equal(clock_parse_rfc3339(SPAN_NONE, &ms, &e), STATUS_INVALID);
        assert_int_equal(clock_parse_rfc3339(span_make("1970-01-01T00:00:00Z\0", 21), &ms, &e),
                         STATUS_INVALID);
        assert_int_equal(ms, 77);
}

static void test_iso8601_is_read_as_python_reads_it(void **state)
{
        (void)state;
        static const struct {
                const char *text;
                bool is_naive;
                int64_t ms;
        } rows[] = {
                {"1970-01-01", true, 0},
                {"19700101", true, 0},
                {"1970-01-01T00:00:01", true, 1000},
                {"1970-01-01 00:00:01.5", true, 1500},
                {"1970-01-01T00:01", true, 60000},
                {"1970-01-01T01", true, 3600000},
                {"19700101T000001", true, 1000},
                {"19700101T0001Z", false, 60000},
                {"1970-01-01T00:00:01,250Z", false, 1250},
                {"1970-01-01T00:00:01.123456+00:00", false, 1123},
                {"1970-01-01T02:00:00+0200", false, 0},
                {"1970-01-01T02+02", false, 0},
                {"1970-01-01T00:00:00-00:00:01", false, 1000},
                {"1970-W01-4", true, 0},
                {"1970W014", true, 0},
                {"1970-W01", true, -259200000},
                {"2020-W53-7", true, INT64_C(1609632000000)},
        };
        int64_t ms;
        bool is_naive;
        for (size_t i = 0; i < LENGTH(rows); i++) {
                if (clock_parse_iso8601(span_of(rows[i].text), &ms, &is_naive, NULL) != STATUS_OK)
                        fail_msg("refused: %s", rows[i].text);
                assert_int_equal(ms, rows[i].ms);
                assert_int_equal(is_naive, rows[i].is_naive);
        }
}

static void test_what_python_refuses_is_refused(void **state)
{
        (void)state;
        static const char *const rows[] = {
                "",
                "1970",
                "1970-01",
                "1970-0101",
                "197001-01",
                "1970-01-01T",
                "1970-01-01T1",
                "1970-01-01T00:00:60",
                "1970-01-01T24:00",
                "1970-01-01T00:00:00z",
                "1970-01-01T00:00:00+",
                "1970-01-01T00:00:00+24:00",
                "1970-01-01T00:00:00.",
                "1970-01-01T00:00:00 Z",
                "0000-01-01",
                "1970-W00-1",
                "1970-W54-1",
                "2021-W53-1",
                "1970-W01-0",
                "1970-W01-8",
                "1970-01-01T00:0",
                "1970-01-01T00:00:0",
                "1970-02-29",
                "today",
                "0",
        };
        int64_t ms;
        bool is_naive;
        for (size_t i = 0; i < LENGTH(rows); i++)
                if (clock_parse_iso8601(span_of(rows[i]), &ms, &is_naive, NULL) != STATUS_INVALID)
                        fail_msg("accepted: %s", rows[i]);
}

static void test_durations_are_read(void **state)
{
        (void)state;
        static const struct {
                const char *text;
                int64_t ms;
        } rows[] = {
                {"0", 0},
                {"30", 30000},
                {"250ms", 250},
                {"30s", 30000},
                {"15m", 900000},
                {"24h", 86400000},
                {"90d", INT64_C(7776000000)},
                {"1w", 604800000},
                {"1h30m", 5400000},
                {"1w1d1h1m1s1ms", INT64_C(694861001)},
                {"366d", INT64_C(31622400000)},
                {"2m0s", 120000},
        };
        int64_t ms;
        for (size_t i = 0; i < LENGTH(rows); i++) {
                assert_int_equal(clock_parse_duration(span_of(rows[i].text), &ms, NULL), STATUS_OK);
                assert_int_equal(ms, rows[i].ms);
        }
}

static void test_what_is_no_duration_is_refused(void **state)
{
        (void)state;
        static const char *const rows[] = {
                "",
                "-1",
                "-1s",
                "+1s",
                "1.5h",
                "s",
                "1x",
                "1 s",
                " 1s",
                "1s ",
                "1h30",
                "30m1h",
                "1h1h",
                "1S",
                "0x10",
                "9223372036854775807s",
                "99999999999999999999",
                "15250284452472w",
                "9223372036854775807ms1",
        };
        int64_t ms = 77;
        struct error e;
        for (size_t i = 0; i < LENGTH(rows); i++) {
                if (clock_parse_duration(span_of(rows[i]), &ms, &e) != STATUS_INVALID)
                        fail_msg("accepted: %s", rows[i]);
                assert_string_equal(e.slug, "invalid-duration");
        }
        assert_int_equal(ms, 77);
}

static void assert_is_uuidv7(const char *id)
{
        assert_int_equal(strlen(id), 36);
        for (size_t i = 0; i < 36; i++) {
                if (i == 8 || i == 13 || i == 18 || i == 23)
                        assert_int_equal(id[i], '-');
                else
                        assert_non_null(strchr("0123456789abcdef", id[i]));
        }
        assert_int_equal(id[14], '7');
        assert_non_null(strchr("89ab", id[19]));
}

static void test_a_uuid_carries_its_time(void **state)
{
        (void)state;
        char id[ID_UUID_SIZE], ms[14];
        int64_t before = clock_now_ms();
        id_uuidv7(id);
        assert_is_uuidv7(id);
        snprintf(ms, sizeof ms, "%.8s%.4s", id, id + 9);
        assert_true(strtoll(ms, NULL, 16) >= before);
        assert_true(strtoll(ms, NULL, 16) <= clock_now_ms());
}

static void test_uuids_grow_also_when_the_clock_stands_or_goes_back(void **state)
{
        (void)state;
        char last[ID_UUID_SIZE], id[ID_UUID_SIZE];
        now_ms = INT64_C(4000000000000);
        clock_inject(fake_now, NULL);
        id_uuidv7(last);
        for (int i = 0; i < 10000; i++) {
                now_ms -= i % 3;
                id_uuidv7(id);
                assert_true(strcmp(last, id) < 0);
                memcpy(last, id, sizeof id);
        }
}

#define THREADS 4
#define IDS 5000

static void *make_ids(void *arg)
{
        char(*ids)[ID_UUID_SIZE] = arg;
        for (size_t i = 0; i < IDS; i++)
                id_uuidv7(ids[i]);
        return NULL;
}

static int compare_ids(const void *a, const void *b)
{
        return strcmp(a, b);
}

static void test_uuids_are_unique_and_growing_in_every_thread(void **state)
{
        (void)state;
        static char ids[THREADS][IDS][ID_UUID_SIZE];
        pthread_t threads[THREADS];
        for (size_t t = 0; t < THREADS; t++)
                assert_int_equal(pthread_create(&threads[t], NULL, make_ids, ids[t]), 0);
        for (size_t t = 0; t < THREADS; t++)
                pthread_join(threads[t], NULL);
        for (size_t t = 0; t < THREADS; t++)
                for (size_t i = 1; i < IDS; i++)
                        assert_true(strcmp(ids[t][i - 1], ids[t][i]) < 0);
        char(*all)[ID_UUID_SIZE] = ids[0];
        qsort(all, (size_t)THREADS * IDS, ID_UUID_SIZE, compare_ids);
        for (size_t i = 1; i < (size_t)THREADS * IDS; i++)
                assert_string_not_equal(all[i - 1], all[i]);
}

static void test_hex24_looks_like_an_object_id(void **state)
{
        (void)state;
        char a[ID_HEX24_SIZE], b[ID_HEX24_SIZE];
        now_ms = INT64_C(0x65a1b2c3) * 1000;
        clock_inject(fake_now, NULL);
        id_hex24(a);
        id_hex24(b);
        assert_true(id_is_hex24(span_of(a)));
        assert_memory_equal(a, "65a1b2c3", 8);
        assert_string_not_equal(a, b);
        assert_false(id_is_hex24(SPAN("65a1b2c3")));
        assert_false(id_is_hex24(SPAN("65A1B2C3D4E5F60718293a4b")));
        assert_false(id_is_hex24(SPAN("65a1b2c3d4e5f60718293a4g")));
        assert_false(id_is_hex24(SPAN("65a1b2c3d4e5f60718293a4b0")));
        assert_false(id_is_hex24(SPAN_NONE));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(test_both_clocks_can_be_set, real_clock),
                cmocka_unit_test(test_times_are_written_in_utc_with_milliseconds),
                cmocka_unit_test(test_rfc3339_is_read),
                cmocka_unit_test(test_what_is_not_rfc3339_is_refused),
                cmocka_unit_test(test_iso8601_is_read_as_python_reads_it),
                cmocka_unit_test(test_what_python_refuses_is_refused),
                cmocka_unit_test(test_durations_are_read),
                cmocka_unit_test(test_what_is_no_duration_is_refused),
                cmocka_unit_test(test_a_uuid_carries_its_time),
                cmocka_unit_test(test_uuids_are_unique_and_growing_in_every_thread),
                cmocka_unit_test_teardown(test_hex24_looks_like_an_object_id, real_clock),
                /* The last: it leaves the order of ids in the year 2096. */
                cmocka_unit_test_teardown(test_uuids_grow_also_when_the_clock_stands_or_goes_back,
                                          real_clock),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
