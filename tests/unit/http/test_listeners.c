/* Where requests come from: IPv6, proxies, the admin socket, sockets of systemd. */
#include "rig.h"
#include <sys/stat.h>

static void hear_text(int fd, int status, const char *body)
{
        struct reply r;
        hear(fd, &r, false);
        assert_int_equal(r.status, status);
        if (body)
                assert_string_equal(r.body, body);
        reply_fini(&r);
}

static void test_ipv6(void **state)
{
        (void)state;
        struct rig g;
        rig_init(&g);
        g.listens[0].address = "[::1]:0";
        rig_start(&g);
        struct sockaddr_in6 sa = {.sin6_family = AF_INET6,
                                  .sin6_port = htons((uint16_t)http_port(g.server, "main")),
                                  .sin6_addr = IN6ADDR_LOOPBACK_INIT};
        int fd = socket(AF_INET6, SOCK_STREAM, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
        say(fd, GET("/v1/ip"));
        hear_text(fd, 200, "::1");
        close(fd);
        rig_stop(&g);
}

static void test_ipv4_on_an_ipv6_socket_is_told_as_ipv4(void **state)
{
        (void)state;
        struct rig g;
        rig_init(&g);
        g.listens[0].address = "[::]:0";
        rig_start(&g);
        int fd = rig_dial(&g);
        say(fd, GET("/v1/ip"));
        hear_text(fd, 200, "127.0.0.1");
        close(fd);
        rig_stop(&g);
}

static void test_a_malformed_address_or_proxy_is_refused(void **state)
{
        (void)state;
        static const char *const addresses[] = {
                "nonsense", "127.0.0.1", "127.0.0.1:", "127.0.0.1:http", "[::1]", ""};
        struct error e;
        struct rig g;
        for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
                rig_init(&g);
                g.listens[0].address = (char *)addresses[i];
                assert_int_equal(http_start(&g.config, &g.wiring, &g.server, &e), STATUS_INVALID);
                assert_string_equal(e.where, "main");
        }
        static const char *const proxies[] = {"10.0.0.0/33", "10.0.0",    "::1/129", "a", "",
                                              "10.0.0.1/",   "10.0.0.1/x"};
        for (size_t i = 0; i < sizeof proxies / sizeof proxies[0]; i++) {
                rig_init(&g);
                char *list[] = {(char *)proxies[i]};
                g.config.trusted_proxies = (struct config_list){.items = list, .n = 1};
                assert_int_equal(http_start(&g.config, &g.wiring, &g.server, &e), STATUS_INVALID);
        }
}

static void test_the_client_behind_trusted_proxies(void **state)
{
        (void)state;
        static const struct {
                const char *headers, *ip;
        } cases[] = {
                {"", "127.0.0.1"},
                {"X-Forwarded-For: 203.0.113.7\r\n", "203.0.113.7"},
                {"X-Forwarded-For: 198.51.100.1, 203.0.113.7\r\n", "203.0.113.7"},
                {"X-Forwarded-For: 198.51.100.1, 203.0.113.7, 10.1.2.3\r\n", "203.0.113.7"},
                {"X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 203.0.113.7\r\nX-Forwarded-For: 10.1.2.3\r\n",
                 "203.0.113.7"},
                {"X-Forwarded-For: 203.0.113.7:4711\r\n", "203.0.113.7"},
                {"X-Forwarded-For: 2001:db8::7\r\n", "2001:db8::7"},
                {"X-Forwarded-For: [2001:db8::7]:4711\r\n", "2001:db8::7"},
                {"X-Forwarded-For: ::ffff:203.0.113.7\r\n", "203.0.113.7"},
                {"X-Forwarded-For: 198.51.100.1, junk\r\n", "127.0.0.1"},
                {"X-Forwarded-For: 198.51.100.1, junk, 10.1.2.3\r\n", "10.1.2.3"},
                {"X-Forwarded-For: \r\n", "127.0.0.1"},
                {"X-Forwarded-For: 10.1.1.1, 10.2.2.2\r\n", "10.1.1.1"},
                {"Forwarded: for=203.0.113.7\r\n", "203.0.113.7"},
                {"Forwarded: For=\"[2001:db8::7]:4711\";proto=https, for=10.1.2.3;by=10.0.0.1\r\n",
                 "2001:db8::7"},
                {"Forwarded: for=198.51.100.1, for=unknown\r\n", "127.0.0.1"},
                {"Forwarded: for=_hidden, for=10.1.2.3\r\n", "10.1.2.3"},
                {"Forwarded: proto=https;by=10.0.0.1\r\n", "127.0.0.1"},
                {"Forwarded: for=198.51.100.1\r\nX-Forwarded-For: 203.0.113.7\r\n", "127.0.0.1"},
                {"Forwarded: for=203.0.113.7\r\nX-Forwarded-For: 203.0.113.7\r\n", "203.0.113.7"},
        };
        struct rig g;
        rig_init(&g);
        char *list[] = {"127.0.0.1", "10.0.0.0/8"};
        g.config.trusted_proxies = (struct config_list){.items = list, .n = 2};
        rig_start(&g);
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                char request[512];
                int fd = rig_dial(&g);
                snprintf(request, sizeof request, "GET /v1/ip HTTP/1.1\r\nHost: x\r\n%s\r\n",
                         cases[i].headers);
                say(fd, request);
                hear_text(fd, 200, cases[i].ip);
                close(fd);
        }
        rig_stop(&g);
        rig_init(&g); /* nobody is trusted: nobody is believed */
        rig_start(&g);
        int fd = rig_dial(&g);
        say(fd,
            "GET /v1/ip HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.7\r\nForwarded: for=203.0.113.7\r\n\r\n");
        hear_text(fd, 200, "127.0.0.1");
        close(fd);
        rig_stop(&g);
}

/* ---- the admin socket ---- */

static char dir[64], path[96];

static int dial_unix(void)
{
        struct sockaddr_un sa = {.sun_family = AF_UNIX};
        strcpy(sa.sun_path, path);
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        if (connect(fd, (struct sockaddr *)&sa, sizeof sa) == 0)
                return fd;
        close(fd);
        return -1;
}

static int setup_dir(void **state)
{
        (void)state;
        strcpy(dir, "/tmp/chatelaine-http-XXXXXX");
        assert_non_null(mkdtemp(dir));
        snprintf(path, sizeof path, "%s/admin.sock", dir);
        return 0;
}

static int teardown_dir(void **state)
{
        (void)state;
        unlink(path);
        return rmdir(dir);
}

static void test_the_admin_socket_serves_all_to_us_alone(void **state)
{
        (void)state;
        struct rig g;
        rig_init(&g);
        g.wiring.admin_socket = path;
        g.config.limits.connections = 0; /* the limit is not the administrator's */
        rig_start(&g);
        struct stat st;
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        int fd = dial_unix();
        assert_true(fd >= 0);
        say(fd, GET("/v1/secret") GET("/healthz") GET("/v1/ip"));
        hear_text(fd, 200, "secret");
        hear_text(fd, 200, "ok");
        hear_text(fd, 200, "");
        close(fd);
        rig_stop(&g);
        assert_int_equal(access(path, F_OK), -1);
}

static void test_a_stale_socket_is_replaced_a_live_one_is_not(void **state)
{
        (void)state;
        struct error e;
        struct rig g, second;
        struct sockaddr_un sa = {.sun_family = AF_UNIX};
        strcpy(sa.sun_path, path);
        int stale = socket(AF_UNIX, SOCK_STREAM, 0);
        assert_int_equal(bind(stale, (struct sockaddr *)&sa, sizeof sa), 0);
        close(stale);
        rig_init(&g);
        g.wiring.admin_socket = path;
        rig_start(&g);
        rig_init(&second);
        second.wiring.admin_socket = path;
        assert_int_equal(http_start(&second.config, &second.wiring, &second.server, &e),
                         STATUS_INVALID);
        assert_string_equal(e.where, "admin");
        int fd = dial_unix();
        assert_true(fd >= 0);
        say(fd, GET("/healthz"));
        hear_text(fd, 200, "ok");
        close(fd);
        rig_stop(&g);
        FILE *f = fopen(path, "w"); /* not a socket: not ours to remove */
        fclose(f);
        assert_int_equal(http_start(&second.config, &second.wiring, &second.server, &e),
                         STATUS_INVALID);
        assert_int_equal(access(path, F_OK), 0);
}

static void test_the_admin_socket_refuses_other_users(void **state)
{
        (void)state;
        if (geteuid() != 0)
                return; /* only root can be somebody else */
        struct rig g;
        rig_init(&g);
        g.wiring.admin_socket = path;
        rig_start(&g);
        assert_int_equal(chmod(dir, 0755), 0);
        assert_int_equal(chmod(path, 0666), 0);
        assert_int_equal(seteuid(65534), 0);
        int fd = dial_unix();
        assert_int_equal(seteuid(0), 0);
        assert_true(fd >= 0);
        say(fd, GET("/v1/secret"));
        assert_closed(fd);
        close(fd);
        rig_stop(&g);
}

/* ---- sockets that were there before ---- */

static void test_an_inherited_socket_is_served_by_name(void **state)
{
        (void)state;
        struct rig g;
        int saved = dup(3);
        struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t len = sizeof sa;
        int fd = socket(AF_INET, SOCK_STREAM, 0); /* blocking, as systemd's */
        assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
        assert_int_equal(listen(fd, 8), 0);
        getsockname(fd, (struct sockaddr *)&sa, &len);
        if (fd != 3) {
                dup2(fd, 3);
                close(fd);
        }
        static const char *const names[] = {"other"};
        rig_init(&g);
        g.wiring.activation_fds = 1;
        g.wiring.activation_names = names;
        rig_start(&g);
        assert_int_equal(http_port(g.server, "other"), ntohs(sa.sin_port));
        for (int i = 0; i < 20; i++) {
                int c = dial(ntohs(sa.sin_port));
                say(c, GET("/healthz"));
                hear_text(c, 200, "ok");
                close(c);
        }
        rig_stop(&g);
        int c = dial(ntohs(sa.sin_port)); /* it still listens: for the next daemon */
        close(c);
        if (saved >= 0) {
                dup2(saved, 3);
                close(saved);
        } else {
                close(3);
        }
}

/* ---- loops ---- */

static _Atomic unsigned n_made, n_freed;

static void *loop_new(void *ctx, unsigned index, struct mailbox *mb, struct error *e)
{
        n_made++;
        if (!mb || index == *(unsigned *)ctx) {
                (void)error_set(e, STATUS_RETRY, "no-connection", "loop",
                                "No state for this loop.");
                return NULL;
        }
        return calloc(1, 1);
}

static void loop_free(void *loop)
{
        n_freed++;
        free(loop);
}

static void test_a_loop_without_its_state_stops_the_start(void **state)
{
        (void)state;
        struct rig g;
        struct error e;
        unsigned failing = 1;
        rig_init(&g);
        g.config.threads = 3;
        g.wiring.loop_new = loop_new;
        g.wiring.loop_free = loop_free;
        g.wiring.ctx = &failing;
        assert_int_equal(http_start(&g.config, &g.wiring, &g.server, &e), STATUS_RETRY);
        assert_string_equal(e.slug, "no-connection");
        assert_int_equal(n_made, 3);
        assert_int_equal(n_freed, 2);
        failing = 99;
        rig_start(&g);
        assert_int_equal(http_loops(g.server), 3);
        rig_stop(&g);
        assert_int_equal(n_freed, 5);
}

static _Atomic unsigned n_rests;

static void loop_rest(void *loop)
{
        (void)loop;
        n_rests++;
}

/* The reply may be heard a moment before. */
static void await_rests(unsigned n)
{
        int64_t until = clock_mono_ms() + 10000;
        while (n_rests < n && clock_mono_ms() < until)
                usleep(1000);
        assert_int_equal(n_rests, n);
}

static void test_a_loop_rests_behind_each_turn_with_requests(void **state)
{
        (void)state;
        struct rig g;
        rig_init(&g);
        g.wiring.loop_rest = loop_rest;
        rig_start(&g);
        int c = rig_dial(&g);
        for (unsigned i = 1; i <= 5; i++) {
                say(c, GET("/v1/ip"));
                hear_text(c, 200, NULL);
                await_rests(i);
        }
        close(c);
        rig_stop(&g);
        assert_int_equal(n_rests, 5);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ipv6),
                cmocka_unit_test(test_ipv4_on_an_ipv6_socket_is_told_as_ipv4),
                cmocka_unit_test(test_a_malformed_address_or_proxy_is_refused),
                cmocka_unit_test(test_the_client_behind_trusted_proxies),
                cmocka_unit_test_setup_teardown(test_the_admin_socket_serves_all_to_us_alone,
                                                setup_dir, teardown_dir),
                cmocka_unit_test_setup_teardown(test_a_stale_socket_is_replaced_a_live_one_is_not,
                                                setup_dir, teardown_dir),
                cmocka_unit_test_setup_teardown(test_the_admin_socket_refuses_other_users,
                                                setup_dir, teardown_dir),
                cmocka_unit_test(test_an_inherited_socket_is_served_by_name),
                cmocka_unit_test(test_a_loop_without_its_state_stops_the_start),
                cmocka_unit_test(test_a_loop_rests_behind_each_turn_with_requests),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
