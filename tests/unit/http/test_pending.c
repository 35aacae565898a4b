/* Replies that wait, connections that stay, clients that leave, the end of the server. */
#include "rig.h"

static struct rig rig;

static int setup(void **state)
{
        (void)state;
        rig_init(&rig);
        rig_start(&rig);
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        rig_stop(&rig);
        return 0;
}

/* ---- pending replies ---- */

static void test_a_client_that_left_before_its_reply(void **state)
{
        (void)state;
        unsigned before = n_completed;
        for (int i = 0; i < 8; i++) {
                int fd = rig_dial(&rig);
                struct linger hard = {.l_onoff = 1, .l_linger = 0};
                say(fd, POST("/v1/pending", "{}"));
                if (i % 2) /* a reset, otherwise a plain end */
                        setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
                wait_for_pending((unsigned)i + 1);
                close(fd);
        }
        usleep(50000);
        complete_all();
        for (int i = 0; i < RIG_WAIT_MS && n_completed < before + 8; i++)
                usleep(1000);
        assert_int_equal(n_completed, before + 8);
        wait_for_idle(&rig);
        assert_int_equal(ask_status(&rig, GET("/v1/things")), 200);
}

static void test_a_client_that_closed_its_half_gets_its_reply(void **state)
{
        (void)state;
        int fd = rig_dial(&rig);
        say(fd, POST("/v1/pending", "{}"));
        shutdown(fd, SHUT_WR);
        wait_for_pending(1);
        usleep(20000);
        complete_all();
        hear_ok(fd, "{}");
        assert_closed(fd);
        close(fd);
        wait_for_idle(&rig);
}

static void test_pipelined_requests_are_answered_in_order(void **state)
{
        (void)state;
        int fd = rig_dial(&rig);
        say(fd, POST("/v1/pending", "11") GET("/v1/things/a") POST("/v1/pending", "22")
                        GET("/v1/things/b"));
        wait_for_pending(1);
        usleep(20000);
        assert_int_equal(pending_count(),
                         1); /* the next is not begun before the first is answered */
        complete_all();
        hear_ok(fd, "11");
        hear_ok(fd, "a");
        wait_for_pending(1);
        say(fd, GET("/v1/things/c"));
        complete_all();
        hear_ok(fd, "22");
        hear_ok(fd, "b");
        hear_ok(fd, "c");
        close(fd);
        wait_for_idle(&rig);
}

static void test_the_body_stays_while_a_reply_is_pending(void **state)
{
        (void)state;
        struct reply r;
        char body[RIG_BODY_MAX], head[128];
        for (size_t i = 0; i < sizeof body; i++)
                body[i] = (char)('a' + i % 26);
        int fd = rig_dial(&rig);
        snprintf(head, sizeof head,
                 "POST /v1/pending HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n",
                 sizeof body);
        say(fd, head);
        for (size_t i = 0; i < sizeof body; i += 512) {
                say_bytes(fd, body + i, 512);
                usleep(1000);
        }
        wait_for_pending(1);
        say(fd, GET("/v1/things/behind"));
        usleep(20000);
        complete_all();
        hear(fd, &r, false);
        assert_int_equal(r.len, sizeof body);
        assert_memory_equal(r.body, body, sizeof body);
        reply_fini(&r);
        hear_ok(fd, "behind");
        close(fd);
}

/* ---- keep-alive ---- */

static void test_ten_thousand_requests_on_one_connection(void **state)
{
        (void)state;
        int fd = rig_dial(&rig);
        for (int i = 0; i < 10000; i++) {
                char request[64], id[16];
                snprintf(id, sizeof id, "%d", i);
                snprintf(request, sizeof request, "GET /v1/things/%d HTTP/1.1\r\nHost: x\r\n\r\n",
                         i);
                say(fd, request);
                char answer[512];
                size_t n = 0;
                while (n < sizeof answer - 1) {
                        ssize_t got = recv(fd, answer + n, sizeof answer - 1 - n, 0);
                        assert_true(got > 0);
                        n += (size_t)got;
                        answer[n] = '\0';
                        const char *end = strstr(answer, "\r\n\r\n");
                        if (end && strlen(end + 4) == strlen(id))
                                break;
                }
                assert_string_equal(strstr(answer, "\r\n\r\n") + 4, id);
        }
        close(fd);
}

static void test_connections_end_when_asked(void **state)
{
        (void)state;
        static const struct {
                const char *request;
                bool is_kept;
        } cases[] = {
                {"GET /v1/nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", false},
                {"GET /v1/nothing HTTP/1.1\r\nHost: x\r\nConnection: TE, Close\r\n\r\n", false},
                {"GET /v1/nothing HTTP/1.0\r\n\r\n", false},
                {"GET /v1/nothing HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true},
                {"GET http://y/v1/nothing HTTP/1.1\r\nHost: x\r\n\r\n", true},
        };
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                struct reply r;
                int fd = rig_dial(&rig);
                say(fd, cases[i].request);
                hear(fd, &r, false);
                assert_int_equal(r.status, 204);
                const char *connection = header_of(&r, "Connection");
                if (!cases[i].is_kept)
                        assert_string_equal(connection, "close");
                reply_fini(&r);
                if (cases[i].is_kept) {
                        say(fd, GET("/v1/things/next"));
                        hear_ok(fd, "next");
                } else {
                        assert_closed(fd);
                }
                close(fd);
        }
}

/* ---- reload and the end ---- */

static void test_a_reload_takes_new_limits(void **state)
{
        (void)state;
        struct error e;
        struct rig wider = rig;
        wider.config.limits.body_bytes = 2 * RIG_BODY_MAX;
        static const char head[] =
                "POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n";
        char request[sizeof head + 5000] = "";
        memset(request, 'x', sizeof request - 1);
        memcpy(request, head, sizeof head - 1);
        request[sizeof head - 1 + 5000] = '\0';
        assert_int_equal(ask_status(&rig, request), 413);
        assert_int_equal(http_reload(rig.server, &wider.config, &e), STATUS_OK);
        int status = 413;
        for (int i = 0; i < RIG_WAIT_MS / 10 && status == 413; i++, usleep(10000))
                status = ask_status(&rig, request);
        assert_int_equal(status, 200);
}

static void test_drain_lets_begun_requests_end_and_takes_no_more(void **state)
{
        (void)state;
        struct reply r;
        int pending = rig_dial(&rig), half = rig_dial(&rig), idle = rig_dial(&rig);
        say(pending, POST("/v1/pending", "{}"));
        say(half, "GET /v1/things/7 HTTP/1.1\r\n");
        say(idle, GET("/v1/things/6"));
        hear_ok(idle, "6");
        wait_for_pending(1);
        while (http_in_flight(rig.server) != 2)
                usleep(1000);
        http_drain(rig.server);
        http_drain(rig.server);
        usleep(50000);
        int late = socket(AF_INET, SOCK_STREAM, 0);
        struct sockaddr_in sa = {.sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)http_port(rig.server, "main")),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        assert_int_equal(connect(late, (struct sockaddr *)&sa, sizeof sa), -1);
        assert_int_equal(http_in_flight(rig.server), 2);
        say(half, "Host: x\r\n\r\n");
        hear(half, &r, false);
        assert_string_equal(header_of(&r, "Connection"), "close");
        reply_fini(&r);
        assert_closed(half);
        complete_all();
        hear_ok(pending, "{}");
        assert_closed(pending);
        wait_for_idle(&rig);
        say(idle, GET("/v1/things/5"));
        hear_ok(idle, "5");
        assert_closed(idle);
        close(pending);
        close(half);
        close(idle);
        close(late);
}

static void test_free_with_everything_open(void **state)
{
        (void)state;
        int fds[6];
        for (int i = 0; i < 6; i++)
                fds[i] = rig_dial(&rig);
        say(fds[1], "GET /v1");
        say(fds[2], GET("/v1/big"));
        say(fds[3], "GARBAGE\r\n\r\n");
        say(fds[4], GET("/v1/big"));
        usleep(50000);
        http_free(rig.server);
        rig.server = NULL;
        for (int i = 0; i < 6; i++)
                close(fds[i]);
}

static void test_free_forgets_requests_that_nobody_answers(void **state)
{
        (void)state;
        int fd = rig_dial(&rig), gone = rig_dial(&rig);
        say(fd, POST("/v1/pending", "{}"));
        say(gone, POST("/v1/pending", "{}"));
        wait_for_pending(2);
        close(gone);
        forget_pending();
        http_free(rig.server);
        rig.server = NULL;
        close(fd);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_a_client_that_left_before_its_reply, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_a_client_that_closed_its_half_gets_its_reply,
                                                setup, teardown),
                cmocka_unit_test_setup_teardown(test_pipelined_requests_are_answered_in_order,
                                                setup, teardown),
                cmocka_unit_test_setup_teardown(test_the_body_stays_while_a_reply_is_pending, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_ten_thousand_requests_on_one_connection, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_connections_end_when_asked, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_reload_takes_new_limits, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        test_drain_lets_begun_requests_end_and_takes_no_more, setup, teardown),
                cmocka_unit_test_setup_teardown(test_free_with_everything_open, setup, teardown),
                cmocka_unit_test_setup_teardown(test_free_forgets_requests_that_nobody_answers,
                                                setup, teardown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
