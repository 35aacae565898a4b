/* Deadlines, and what is bounded: connections, memory, descriptors. */
#include "rig.h"
#include <sys/resource.h>

static struct rig rig;

static int start_with(int64_t timeout_ms, int64_t connections)
{
        rig_init(&rig);
        rig.config.limits.request_timeout_ms = timeout_ms;
        rig.config.limits.connections = connections;
        rig_start(&rig);
        return 0;
}

static int setup(void **state)
{
        (void)state;
        return start_with(30000, 1000);
}

static int setup_impatient(void **state)
{
        (void)state;
        return start_with(300, 1000);
}

static int setup_narrow(void **state)
{
        (void)state;
        return start_with(30000, 4);
}

static int teardown(void **state)
{
        (void)state;
        rig_stop(&rig);
        return 0;
}

/* ---- deadlines ---- */

static void test_a_request_that_does_not_end_is_408(void **state)
{
        (void)state;
        static const char *const begun[] = {
                "G",
                "GET /v1/things HTTP/1.1\r\nHost: x\r\n",
                "POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{",
                "POST /v1/things HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
                "GET /v1/things/7 HTTP/1.1\r\nHost: x\r\n\r\nGET /v1",
        };
        for (size_t i = 0; i < sizeof begun / sizeof begun[0]; i++) {
                struct reply r;
                int fd = rig_dial(&rig);
                say(fd, begun[i]);
                if (i == 4)
                        hear_ok(fd, "7");
                hear(fd, &r, false);
                assert_int_equal(r.status, 408);
                assert_has(r.body, "request-timeout");
                reply_fini(&r);
                assert_closed(fd);
                close(fd);
        }
        wait_for_idle(&rig);
}

static void test_trickling_does_not_move_the_deadline(void **state)
{
        (void)state;
        struct reply r;
        int fd = rig_dial(&rig);
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t began = clock_mono_ms();
        say(fd, "POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n");
        while (poll(&p, 1, 20) == 0 && clock_mono_ms() - began < RIG_WAIT_MS)
                say(fd, "x");
        assert_true(clock_mono_ms() - began < RIG_WAIT_MS);
        hear(fd, &r, false);
        assert_int_equal(r.status, 408);
        reply_fini(&r);
        close(fd);
}

static void test_an_idle_connection_is_closed_without_a_word(void **state)
{
        (void)state;
        int fd = rig_dial(&rig), used = rig_dial(&rig);
        say(used, GET("/v1/things/7"));
        hear_ok(used, "7");
        assert_closed(fd);
        assert_closed(used);
        close(fd);
        close(used);
}

static void test_a_pending_reply_has_no_deadline(void **state)
{
        (void)state;
        int fd = rig_dial(&rig);
        say(fd, POST("/v1/pending", "{}"));
        wait_for_pending(1);
        usleep(900000); /* three time-outs */
        assert_int_equal(http_in_flight(rig.server), 1);
        complete_all();
        hear_ok(fd, "{}");
        close(fd);
        wait_for_idle(&rig);
}

static void test_a_client_that_does_not_read_is_dropped(void **state)
{
        (void)state;
        int fd = rig_dial(&rig), small = 4096;
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        say(fd, GET("/v1/big"));
        while (http_in_flight(rig.server) == 0)
                usleep(1000);
        wait_for_idle(&rig);
        close(fd);
}

/* ---- limits ---- */

static void test_connections_over_the_limit_get_503(void **state)
{
        (void)state;
        struct reply r;
        int fds[4];
        for (int i = 0; i < 4; i++) {
                fds[i] = rig_dial(&rig);
                say(fds[i], GET("/v1/things/7"));
                hear_ok(fds[i], "7");
        }
        int over = rig_dial(&rig);
        hear(over, &r, false);
        assert_int_equal(r.status, 503);
        assert_string_equal(header_of(&r, "Retry-After"), "1");
        assert_has(r.body, "too-many-connections");
        reply_fini(&r);
        assert_closed(over);
        close(over);
        say(fds[3], GET("/v1/things/8"));
        hear_ok(fds[3], "8");
        close(fds[0]);
        bool is_free = false;
        for (int i = 0; i < RIG_WAIT_MS / 10 && !is_free; i++) {
                is_free = ask_status(&rig, GET("/v1/things/9")) == 200;
                usleep(10000);
        }
        assert_true(is_free);
        for (int i = 1; i < 4; i++)
                close(fds[i]);
}

static int setup_poor(void **state)
{
        (void)state;
        rig_init(&rig);
        rig.config.threads = 1;
        rig.config.limits.body_bytes = 8192; /* two of them fit */
        rig.wiring.body_memory_bytes = 1;
        rig_start(&rig);
        return 0;
}

static void test_bodies_share_a_bounded_memory(void **state)
{
        (void)state;
        static const char head[] =
                "POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: 8000\r\n\r\n";
        static char body[8000];
        struct reply r;
        memset(body, 'x', sizeof body);
        for (int round = 0; round < 3; round++) {
                int a = rig_dial(&rig), b = rig_dial(&rig), c = rig_dial(&rig);
                say(a, head);
                say(b, head);
                while (http_in_flight(rig.server) < 2)
                        usleep(1000);
                usleep(20000);
                say(c, head);
                hear(c, &r, false);
                assert_int_equal(r.status, 503);
                assert_has(r.body, "too-busy");
                reply_fini(&r);
                assert_int_equal(ask_status(&rig, POST("/v1/things", "{}")),
                                 200); /* small ones go on */
                say_bytes(a, body, sizeof body);
                hear(a, &r, false);
                assert_int_equal(r.status, 200);
                reply_fini(&r);
                close(a);
                close(b); /* in the middle of its body */
                close(c);
                wait_for_idle(&rig);
        }
}

/* ---- out of descriptors ---- */

static void test_accepting_goes_on_after_descriptors_ran_out(void **state)
{
        (void)state;
        struct rlimit before, tight;
        int fds[8], probe = dup(0);
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
        tight = before;
        tight.rlim_cur = (rlim_t)probe + 8;
        close(probe);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
        for (int i = 0; i < 8; i++) { /* the client's ends take what there is */
                fds[i] = socket(AF_INET, SOCK_STREAM, 0);
                assert_true(fds[i] >= 0);
        }
        struct sockaddr_in sa = {.sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)http_port(rig.server, "main")),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        for (int i = 0; i < 8; i++) {
                assert_int_equal(connect(fds[i], (struct sockaddr *)&sa, sizeof sa), 0);
                say(fds[i], GET("/v1/things/7"));
        }
        usleep(300000);
        assert_int_equal(http_in_flight(rig.server), 0);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        for (int i = 0; i < 8; i++) {
                hear_ok(fds[i], "7");
                close(fds[i]);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_a_request_that_does_not_end_is_408,
                                                setup_impatient, teardown),
                cmocka_unit_test_setup_teardown(test_trickling_does_not_move_the_deadline,
                                                setup_impatient, teardown),
                cmocka_unit_test_setup_teardown(test_an_idle_connection_is_closed_without_a_word,
                                                setup_impatient, teardown),
                cmocka_unit_test_setup_teardown(test_a_pending_reply_has_no_deadline,
                                                setup_impatient, teardown),
                cmocka_unit_test_setup_teardown(test_a_client_that_does_not_read_is_dropped,
                                                setup_impatient, teardown),
                cmocka_unit_test_setup_teardown(test_connections_over_the_limit_get_503,
                                                setup_narrow, teardown),
                cmocka_unit_test_setup_teardown(test_bodies_share_a_bounded_memory, setup_poor,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_accepting_goes_on_after_descriptors_ran_out,
                                                setup, teardown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
