/* Routes, methods, replies, and the shape of errors. */
#include "rig.h"

static struct rig rig;

static void assert_answer(const char *request, int status, const char *body)
{
        struct reply r;
        ask(&rig, request, &r);
        if (r.status != status || (body && strcmp(r.body, body) != 0))
                fail_msg("%s answered %d \"%s\"", request, r.status, r.body);
        reply_fini(&r);
}

static void test_paths_are_matched_by_segment(void **state)
{
        (void)state;
        static const struct {
                const char *request;
                int status;
                const char *body;
        } cases[] = {
                {GET("/v1/things"), 200, "list"},
                {GET("/v1/things/abc"), 200, "abc"},
                {GET("/v1/things/a%2Fb"), 200, "a/b"},
                {GET("/v1/things/a%20b?x=1"), 200, "a b"},
                {GET("/v1/thi%6Egs"), 200, "list"},
                {GET("http://elsewhere/v1/things"), 200, "list"},
                {GET("http://elsewhere/v1/things/7?a=b"), 200, "7"},
                {GET("/v1%2Fthings"), 404, NULL},
                {GET("/V1/things"), 404, NULL},
                {GET("/v1/things/"), 404, NULL},
                {GET("/v1//things"), 404, NULL},
                {GET("/v1/things/abc/undone"), 404, NULL},
                {GET("//v1/things"), 404, NULL},
                {GET("/"), 404, NULL},
                {GET("/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a"),
                 404, NULL},
                {"POST /v1/things/verify HTTP/1.1\r\nHost: x\r\n\r\n", 200, "verify"},
                {"POST /v1/things/verify/done HTTP/1.1\r\nHost: x\r\n\r\n", 200, "verify"},
                {GET("/v1/query?b=1&a=x+y%2Bz&a=2"), 200, "x y+z"},
                {GET("/v1/query?a"), 200, ""},
                {GET("/v1/query?&&b=1"), 200, "none"},
                {GET("/healthz"), 404, NULL},
                {GET("/v1/secret"), 404, NULL},
        };
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
                assert_answer(cases[i].request, cases[i].status, cases[i].body);
}

static void test_a_listener_serves_its_own_faces(void **state)
{
        (void)state;
        struct reply r;
        int fd = dial(http_port(rig.server, "other"));
        say(fd, GET("/healthz") GET("/v1/things"));
        hear(fd, &r, false);
        assert_int_equal(r.status, 200);
        reply_fini(&r);
        hear(fd, &r, false);
        assert_int_equal(r.status, 404);
        reply_fini(&r);
        close(fd);
}

static void test_wrong_method_is_405_with_allow(void **state)
{
        (void)state;
        static const struct {
                const char *request, *allow;
        } cases[] = {
                {"PUT /v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
                 "GET, HEAD, POST"},
                {"GET /v1/things/verify HTTP/1.1\r\nHost: x\r\n\r\n", "POST"},
                {"OPTIONS /v1/things HTTP/1.1\r\nHost: x\r\n\r\n", "GET, HEAD, POST"},
                {"TRACE /v1/things HTTP/1.1\r\nHost: x\r\n\r\n", "GET, HEAD, POST"},
                {"BREW /v1/things HTTP/1.1\r\nHost: x\r\n\r\n", "GET, HEAD, POST"},
                {"get /v1/things HTTP/1.1\r\nHost: x\r\n\r\n", "GET, HEAD, POST"},
                {"HEAD /v1/form HTTP/1.1\r\nHost: x\r\n\r\n", "POST"},
        };
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                struct reply r;
                ask(&rig, cases[i].request, &r);
                assert_int_equal(r.status, 405);
                assert_string_equal(header_of(&r, "Allow"), cases[i].allow);
                reply_fini(&r);
        }
        assert_int_equal(ask_status(&rig, "BREW /v1/nowhere HTTP/1.1\r\nHost: x\r\n\r\n"), 404);
        assert_int_equal(ask_status(&rig, "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"), 404);
}

static void test_head_is_get_without_its_body(void **state)
{
        (void)state;
        struct reply r;
        int fd = rig_dial(&rig);
        say(fd, "HEAD /v1/things HTTP/1.1\r\nHost: x\r\n\r\n"
                "HEAD /v1/nowhere HTTP/1.1\r\nHost: x\r\n\r\n" GET("/v1/things/next"));
        hear(fd, &r, true);
        assert_int_equal(r.status, 200);
        assert_string_equal(header_of(&r, "Content-Length"), "4");
        reply_fini(&r);
        hear(fd, &r, true);
        assert_int_equal(r.status, 404);
        reply_fini(&r);
        hear(fd, &r, false);
        assert_string_equal(r.body, "next");
        reply_fini(&r);
        close(fd);
}

static void test_204_has_neither_body_nor_length(void **state)
{
        (void)state;
        struct reply r;
        ask(&rig, GET("/v1/nothing"), &r);
        assert_int_equal(r.status, 204);
        assert_null(header_of(&r, "Content-Length"));
        assert_null(header_of(&r, "Content-Type"));
        assert_non_null(header_of(&r, "Date"));
        reply_fini(&r);
}

static void test_errors_are_problems_with_their_place(void **state)
{
        (void)state;
        struct reply r;
        ask(&rig, "GET /v1/fail HTTP/1.1\r\nHost: x\r\nX-Request-Id: my-id\r\n\r\n", &r);
        assert_int_equal(r.status, 422);
        assert_string_equal(header_of(&r, "Content-Type"), "application/problem+json");
        assert_string_equal(
                r.body,
                "{\"type\":\"urn:chatelaine:problem:no-good\",\"title\":\"Unprocessable Content\","
                "\"status\":422,\"detail\":\"A \\\"quoted\\\" text\\u000a.\",\"slug\":\"no-good\","
                "\"request_id\":\"my-id\",\"pointer\":\"/items/3/id\"}");
        reply_fini(&r);
}

static void test_a_face_has_its_own_error_shape(void **state)
{
        (void)state;
        static const char *const requests[] = {
                GET("/api/fail"),
                GET("/api/nowhere"),
                "POST /api/fail HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n",
                "GET /api/fail HTTP/1.1\r\n\r\n",
                "GET /api/fail HTTP/1.1\r\nbad line\r\n\r\n",
        };
        for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
                struct reply r;
                ask(&rig, requests[i], &r);
                assert_has(r.body, "{\"message\":\"");
                assert_string_equal(header_of(&r, "Content-Type"), "application/json");
                reply_fini(&r);
        }
}

static void test_statuses_bring_their_headers(void **state)
{
        (void)state;
        struct reply r;
        ask(&rig, GET("/v1/unauthorized"), &r);
        assert_int_equal(r.status, 401);
        assert_non_null(header_of(&r, "WWW-Authenticate"));
        reply_fini(&r);
        ask(&rig, GET("/v1/limited"), &r);
        assert_int_equal(r.status, 429);
        assert_string_equal(header_of(&r, "Retry-After"), "3");
        reply_fini(&r);
        ask(&rig, GET("/v1/big"), &r);
        assert_null(header_of(&r, "X-Bad"));
        assert_null(header_of(&r, "X-Injected"));
        assert_string_equal(header_of(&r, "X-Good"), "whole");
        assert_int_equal(r.len, 8 * 1024 * 1024);
        reply_fini(&r);
}

#define TRACE "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static void test_names_of_a_request_come_back_or_are_made(void **state)
{
        (void)state;
        static const char *const bad_ids[] = {"", "with space", "quo\"te", "a,b"};
        static const char *const bad_traces[] = {
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
                "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "junk"};
        struct reply r;
        ask(&rig,
            "GET /v1/nothing HTTP/1.1\r\nHost: x\r\nX-Request-Id: abc-1\r\ntraceparent: " TRACE
            "\r\n\r\n",
            &r);
        assert_string_equal(header_of(&r, "X-Request-Id"), "abc-1");
        assert_string_equal(header_of(&r, "traceparent"), TRACE);
        reply_fini(&r);
        char request[512], first[64] = "";
        for (int i = 0; i < 4; i++) {
                snprintf(
                        request, sizeof request,
                        "GET /v1/nothing HTTP/1.1\r\nHost: x\r\nX-Request-Id: %s\r\ntraceparent: %s\r\n\r\n",
                        bad_ids[i], bad_traces[i]);
                ask(&rig, request, &r);
                assert_int_equal(strlen(header_of(&r, "X-Request-Id")), 32);
                assert_int_equal(strlen(header_of(&r, "traceparent")), 55);
                assert_string_not_equal(header_of(&r, "traceparent"), bad_traces[i]);
                if (i > 0)
                        assert_string_not_equal(header_of(&r, "X-Request-Id"), first);
                memcpy(first, header_of(&r, "X-Request-Id"), 33);
                reply_fini(&r);
        }
}

static void test_body_types(void **state)
{
        (void)state;
        static const struct {
                const char *path, *type;
                int status;
        } cases[] = {
                {"/v1/things", "Content-Type: application/json\r\n", 200},
                {"/v1/things", "Content-Type: Application/JSON ; charset=\"UTF-8\"\r\n", 200},
                {"/v1/things", "Content-Type: application/links+json\r\n", 200},
                {"/v1/things", "", 200},
                {"/v1/things", "Content-Type: application/json; charset=latin1\r\n", 415},
                {"/v1/things", "Content-Type: application/cloudevents+json\r\n", 415},
                {"/v1/things", "Content-Type: text/plain\r\n", 415},
                {"/v1/things", "Content-Type: application/x-www-form-urlencoded\r\n", 415},
                {"/v1/form", "Content-Type: application/x-www-form-urlencoded\r\n", 200},
                {"/v1/form", "", 415},
                {"/v1/things/verify", "Content-Type: text/plain\r\n", 200},
        };
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                char request[512];
                snprintf(request, sizeof request,
                         "POST %s HTTP/1.1\r\nHost: x\r\n%sContent-Length: 3\r\n\r\na=1",
                         cases[i].path, cases[i].type);
                assert_int_equal(ask_status(&rig, request), cases[i].status);
        }
        assert_answer(
                "POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n",
                200, "");
}

static void test_the_same_route_twice_is_refused(void **state)
{
        (void)state;
        static const struct http_route twice[] = {
                {HTTP_GET, "/v1/things/{other}", FACE_HEALTH, 0, tell, NULL, false}, {0}};
        static const struct http_route bad[] = {
                {HTTP_GET, "/v1/x{id}", FACE_HEALTH, 0, tell, NULL, false}, {0}};
        const struct http_route *const tables[] = {twice, bad};
        for (int i = 0; i < 2; i++) {
                struct rig g;
                struct error e;
                rig_init(&g);
                g.tables[1] = tables[i];
                assert_int_equal(http_start(&g.config, &g.wiring, &g.server, &e), STATUS_INVALID);
                assert_string_equal(e.where, tables[i][0].path);
        }
}

static void test_an_address_in_use_is_told_with_the_listeners_name(void **state)
{
        (void)state;
        struct rig g;
        struct error e;
        char address[32];
        rig_init(&g);
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t len = sizeof sa;
        assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
        assert_int_equal(listen(fd, 1), 0);
        getsockname(fd, (struct sockaddr *)&sa, &len);
        snprintf(address, sizeof address, "127.0.0.1:%u", ntohs(sa.sin_port));
        g.listens[1].address = address;
        assert_int_equal(http_start(&g.config, &g.wiring, &g.server, &e), STATUS_INVALID);
        assert_string_equal(e.where, "other");
        close(fd);
}

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

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_paths_are_matched_by_segment),
                cmocka_unit_test(test_a_listener_serves_its_own_faces),
                cmocka_unit_test(test_wrong_method_is_405_with_allow),
                cmocka_unit_test(test_head_is_get_without_its_body),
                cmocka_unit_test(test_204_has_neither_body_nor_length),
                cmocka_unit_test(test_errors_are_problems_with_their_place),
                cmocka_unit_test(test_a_face_has_its_own_error_shape),
                cmocka_unit_test(test_statuses_bring_their_headers),
                cmocka_unit_test(test_names_of_a_request_come_back_or_are_made),
                cmocka_unit_test(test_body_types),
                cmocka_unit_test(test_the_same_route_twice_is_refused),
                cmocka_unit_test(test_an_address_in_use_is_told_with_the_listeners_name),
        };
        return cmocka_run_group_tests(tests, setup, teardown);
}
