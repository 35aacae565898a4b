/* Server-sent events: pulled by the client, with a heartbeat, and one end whichever way it ends. */
#include "rig.h"

static struct rig rig;
static _Atomic unsigned n_begun, n_gone, n_slices;

struct feed {
        unsigned left; /* slices until the end; 0 = none and no end */
        bool is_endless, is_big;
        unsigned at;
};

static bool feed_next(struct http_request *req, struct buf *out, void *ctx)
{
        struct feed *f = ctx;
        (void)req;
        if (f->is_big) {
                for (int i = 0; i < 1000; i++)
                        buf_printf(out, "data: %060d\n\n", i);
        } else if (f->left) {
                buf_printf(out, "id: %u\ndata: x\n\n", f->at++);
                f->left--;
        }
        n_slices++;
        return f->is_endless || f->left;
}

static void feed_gone(void *ctx)
{
        free(ctx);
        n_gone++;
}

static void stream(struct http_request *req)
{
        struct feed *f = malloc(sizeof *f);
        *f = *(const struct feed *)http_route_arg(req);
        n_begun++;
        http_reply_stream(req, feed_next, feed_gone, f, 20);
}

static const struct feed three = {.left = 3}, quiet = {.is_endless = true},
                         three_and_on = {.left = 3, .is_endless = true},
                         big_feed = {.is_endless = true, .is_big = true};
static const struct http_route stream_routes[] = {
        {HTTP_GET, "/s/three", FACE_NATIVE, 0, stream, &three, false},
        {HTTP_GET, "/s/quiet", FACE_NATIVE, 0, stream, &quiet, false},
        {HTTP_GET, "/s/on", FACE_NATIVE, 0, stream, &three_and_on, false},
        {HTTP_GET, "/s/big", FACE_NATIVE, 0, stream, &big_feed, false},
        {0},
};

static void wait_for_gone(unsigned n)
{
        for (int i = 0; i < RIG_WAIT_MS && n_gone < n; i++)
                usleep(1000);
        assert_int_equal(n_gone, n);
}

/* Read until `needle` has come. */
static void hear_until(int fd, const char *needle, char *text, size_t size)
{
        size_t n = 0;
        text[0] = '\0';
        while (!strstr(text, needle)) {
                int c = next_byte(fd);
                if (c < 0 || n == size - 1)
                        fail_msg("no \"%s\" in: %s", needle, text);
                text[n++] = (char)c;
                text[n] = '\0';
        }
}

static void test_a_stream_comes_in_slices_and_ends(void **state)
{
        (void)state;
        char text[1024];
        struct reply r;
        int fd = rig_dial(&rig);
        say(fd, GET("/s/three") GET("/v1/things/after"));
        hear_until(fd, "0\r\n\r\n", text, sizeof text);
        assert_has(text, "HTTP/1.1 200 OK\r\n");
        assert_has(text, "Content-Type: text/event-stream\r\n");
        assert_has(
                text,
                "\r\nf\r\nid: 0\ndata: x\n\n\r\nf\r\nid: 1\ndata: x\n\n\r\nf\r\nid: 2\ndata: x\n\n\r\n");
        wait_for_gone(1);
        hear(fd, &r, false);
        assert_string_equal(r.body, "after");
        reply_fini(&r);
        close(fd);
}

static void test_http_1_0_gets_it_unchunked_until_the_end(void **state)
{
        (void)state;
        char text[1024];
        int fd = rig_dial(&rig);
        say(fd, "GET /s/three HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        hear_until(fd, "\r\n\r\nid: 0\ndata: x\n\nid: 1\ndata: x\n\nid: 2\ndata: x\n\n", text,
                   sizeof text);
        assert_has(text, "Connection: close\r\n");
        assert_closed(fd);
        wait_for_gone(1);
        close(fd);
}

static void test_head_has_no_stream(void **state)
{
        (void)state;
        struct reply r;
        int fd = rig_dial(&rig);
        say(fd, "HEAD /s/on HTTP/1.1\r\nHost: x\r\n\r\n" GET("/v1/things/after"));
        hear(fd, &r, true);
        assert_int_equal(r.status, 200);
        reply_fini(&r);
        hear(fd, &r, false);
        assert_string_equal(r.body, "after");
        reply_fini(&r);
        wait_for_gone(1);
        close(fd);
}

static void test_a_client_that_leaves_ends_it(void **state)
{
        (void)state;
        char text[1024];
        for (unsigned i = 0; i < 4; i++) {
                int fd = rig_dial(&rig);
                say(fd, i % 2 ? GET("/s/quiet") : GET("/s/on"));
                hear_until(fd, i % 2 ? "\r\n\r\n" : "id: 2", text, sizeof text);
                assert_int_equal(n_gone, i);
                close(fd);
                wait_for_gone(i + 1);
        }
        for (int i = 0; i < RIG_WAIT_MS && http_in_flight(rig.server); i++)
                usleep(1000);
        assert_int_equal(http_in_flight(rig.server), 0);
}

static void test_a_client_that_does_not_read_is_not_pushed_and_then_dropped(void **state)
{
        (void)state;
        int fd = rig_dial(&rig);
        say(fd, GET("/s/big"));
        while (n_slices == 0)
                usleep(1000);
        wait_for_gone(1);
        assert_true(n_slices < 1000); /* what fits into the kernel's buffers, not more */
        close(fd);
}

static _Atomic int64_t shift_ms;

static int64_t shifted_now_ms(void)
{
        struct timespec t;
        clock_gettime(CLOCK_REALTIME, &t);
        return t.tv_sec * 1000 + t.tv_nsec / 1000000 + shift_ms;
}

static int64_t shifted_mono_ms(void)
{
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec * 1000 + t.tv_nsec / 1000000 + shift_ms;
}

static void test_silence_is_broken_by_a_heartbeat(void **state)
{
        (void)state;
        char text[1024];
        int fd = rig_dial(&rig);
        say(fd, GET("/s/quiet"));
        hear_until(fd, "\r\n\r\n", text, sizeof text);
        usleep(100000);
        struct pollfd p = {.fd = fd, .events = POLLIN};
        assert_int_equal(poll(&p, 1, 0), 0);
        for (int i = 0; i < 3; i++) {
                shift_ms += 15000;
                hear_until(fd, "d\r\n: heartbeat\n\n\r\n", text, sizeof text);
        }
        assert_int_equal(n_gone, 0);
        close(fd);
        wait_for_gone(1);
}

static void test_drain_and_free_end_it(void **state)
{
        (void)state;
        char text[1024];
        int a = rig_dial(&rig), b = rig_dial(&rig);
        say(a, GET("/s/on"));
        hear_until(a, "id: 2", text, sizeof text);
        http_drain(rig.server);
        hear_until(a, "0\r\n\r\n", text, sizeof text);
        assert_closed(a);
        wait_for_gone(1);
        close(a);
        close(b);
        rig_stop(&rig);
        rig_start(&rig);
        b = rig_dial(&rig);
        say(b, GET("/s/on"));
        hear_until(b, "id: 2", text, sizeof text);
        rig_stop(&rig);
        assert_int_equal(n_gone, 2);
        close(b);
        rig_start(&rig);
}

static int start(int64_t timeout_ms)
{
        n_gone = n_slices = n_begun = 0;
        rig_init(&rig);
        rig.tables[1] = stream_routes;
        rig.config.limits.request_timeout_ms = timeout_ms;
        rig_start(&rig);
        return 0;
}

static int setup(void **state)
{
        (void)state;
        return start(30000);
}

static int setup_impatient(void **state)
{
        (void)state;
        return start(300);
}

static int setup_shifted(void **state)
{
        (void)state;
        clock_inject(shifted_now_ms, shifted_mono_ms);
        return start(60 * 60 * 1000);
}

static int teardown(void **state)
{
        (void)state;
        rig_stop(&rig);
        clock_inject(NULL, NULL);
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_a_stream_comes_in_slices_and_ends, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_http_1_0_gets_it_unchunked_until_the_end,
                                                setup, teardown),
                cmocka_unit_test_setup_teardown(test_head_has_no_stream, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_client_that_leaves_ends_it, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        test_a_client_that_does_not_read_is_not_pushed_and_then_dropped,
                        setup_impatient, teardown),
                cmocka_unit_test_setup_teardown(test_silence_is_broken_by_a_heartbeat,
                                                setup_shifted, teardown),
                cmocka_unit_test_setup_teardown(test_drain_and_free_end_it, setup, teardown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
