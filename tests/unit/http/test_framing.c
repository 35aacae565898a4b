/* Requests that another server on the way might read differently, limits of size, bodies. */
#include "rig.h"
#include <zlib.h>

static struct rig rig;

#define SMUGGLED "GET /v1/things/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"

struct raw {
        const char *text;
        size_t len;
};
#define RAW(literal)                           \
        {                                      \
                (literal), sizeof(literal) - 1 \
        }

static const struct {
        struct raw request;
        int status;
} refused[] = {
        {RAW("POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}"),
         400},
        {RAW("POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
         400},
        {RAW("POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: 2, 2\r\n\r\n{}"), 400},
        {RAW("POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: +2\r\n\r\n{}"), 400},
        {RAW("POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: -2\r\n\r\n{}"), 400},
        {RAW("POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: 0x2\r\n\r\n{}"), 400},
        {RAW("POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: \r\n\r\n{}"), 400},
        {RAW("POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: -0\r\n\r\n"), 400},
        {RAW("POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
         400},
        {RAW("POST /v1/things HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n"),
         400},
        {RAW("POST /v1/things HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
         400},
        {RAW("POST /v1/things HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
         400},
        {RAW("POST /v1/things HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
             "identity\r\n\r\n0\r\n\r\n"),
         400},
        {RAW("POST /v1/things HTTP/1.1\r\nHost: x\r\nTransfer-Encoding\r\n : chunked\r\n\r\n0\r\n\r\n"),
         400},
        {RAW("POST /v1/things HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
         400},
        {RAW("POST /v1/things HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
         400},
        {RAW("POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Length : 2\r\n\r\n{}"), 400},
        {RAW("POST /v1/things HTTP/1.1\r\nHost: x\r\n Content-Length: 2\r\n\r\n"), 400},
        {RAW("HEAD /v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: 47\r\n\r\n" SMUGGLED), 400},
        {RAW("TRACE /v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: 47\r\n\r\n" SMUGGLED), 400},
        {RAW("BREW /v1/things HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED),
         400},
        {RAW("GET /v1/things HTTP/1.1\r\n\r\n"), 400},
        {RAW("GET /v1/things HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n"), 400},
        {RAW("GET /v1/things HTTP/1.1\r\nHost: x, y\r\n\r\n"), 400},
        {RAW("GET /v1/things HTTP/1.1\r\nHost: x\r\nX-A: a\0b\r\n\r\n"), 400},
        {RAW("POST /v1/things HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\0x\r\n\r\n0\r\n\r\n"),
         400},
        {RAW("GET /v1/things\0 HTTP/1.1\r\nHost: x\r\n\r\n"), 400},
        {RAW("GET /v1/things HTTP/1.1\r\nHost: x\r\nX-A: a\rb\r\n\r\n"), 400},
        {RAW("GET /v1/things HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n"), 400},
        {RAW("GET /v1/things HTTP/1.1\r\nHost: x\r\n: empty\r\n\r\n"), 400},
        {RAW("GET /v1/things HTTP/1.1\r\nHost: x\r\nX(Y): z\r\n\r\n"), 400},
        {RAW("POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Type: "
             "application/json\r\nContent-Length: 2\r\n\r\n{}"),
         400},
        {RAW("GET /v1/a b HTTP/1.1\r\nHost: x\r\n\r\n"), 400},
        {RAW("GET /v1/things/%zz HTTP/1.1\r\nHost: x\r\n\r\n"), 400},
        {RAW("GET /v1/things/%0 HTTP/1.1\r\nHost: x\r\n\r\n"), 400},
        {RAW("GET /v1/things/a%00b HTTP/1.1\r\nHost: x\r\n\r\n"), 400},
        {RAW("GET /v1/things#top HTTP/1.1\r\nHost: x\r\n\r\n"), 400},
        {RAW("GET v1/things HTTP/1.1\r\nHost: x\r\n\r\n"), 400},
        {RAW("CONNECT elsewhere:443 HTTP/1.1\r\nHost: x\r\n\r\n"), 400},
        {RAW("GET /v1/things HTTP/2.0\r\nHost: x\r\n\r\n"), 400},
        {RAW("GET /v1/things HTTP/0.9\r\nHost: x\r\n\r\n"), 400},
        {RAW("GET /v1/things\r\n\r\n"), 400},
        {RAW("GARBAGE\r\n\r\n"), 400},
        {RAW("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n"), 400},
        {RAW("POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: 4097\r\n\r\n"), 413},
        {RAW("POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n"),
         413},
        {RAW("POST /v1/things HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1001\r\n"),
         413},
        {RAW("POST /v1/things HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2;name=value\r\n{}\r\n0\r\n\r\n"),
         413},
        {RAW("POST /v1/things HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n"),
         413},
        {RAW("POST /v1/things HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n{}\r\n0\r\n\r\n"),
         413},
        {RAW("POST /v1/things HTTP/1.1\r\nHost: x\r\nExpect: 200-ok\r\nContent-Length: 2\r\n\r\n{}"),
         417},
};

static void test_what_could_be_read_two_ways_is_refused_and_ends_the_connection(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
                struct reply r;
                int fd = rig_dial(&rig);
                bool is_head = strncmp(refused[i].request.text, "HEAD", 4) == 0;
                say_bytes(fd, refused[i].request.text, refused[i].request.len);
                say(fd, SMUGGLED);
                hear(fd, &r, is_head);
                if (r.status != refused[i].status)
                        fail_msg("case %zu: %d for %s", i, r.status, refused[i].request.text);
                if (!is_head)
                        assert_has(r.body, "\"request_id\":\"");
                assert_string_equal(header_of(&r, "Connection"), "close");
                reply_fini(&r);
                assert_closed(fd);
                close(fd);
        }
}

static void test_what_comes_byte_by_byte_is_judged_alike(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i += 3) {
                struct reply r;
                int fd = rig_dial(&rig), on = 1;
                setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, sizeof on);
                for (size_t k = 0; k < refused[i].request.len; k++) {
                        say_bytes(fd, refused[i].request.text + k, 1);
                        usleep(50);
                }
                hear(fd, &r, strncmp(refused[i].request.text, "HEAD", 4) == 0);
                if (r.status != refused[i].status)
                        fail_msg("case %zu: %d for %s", i, r.status, refused[i].request.text);
                reply_fini(&r);
                close(fd);
        }
}

static void test_what_is_unusual_but_clear_is_taken(void **state)
{
        (void)state;
        static const char *const taken[] = {
                "POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: 002\r\n\r\n{}",
                "POST /v1/things HTTP/1.1\r\nHost:x\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
                "POST /v1/things HTTP/1.1\r\nHost: [::1]:8080\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n{}",
                "POST /v1/things HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}",
                "POST /v1/things HTTP/1.1\nHost: x\nContent-Length: 2\n\n{}",
                "HEAD /v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
        };
        for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
                if (ask_status(&rig, taken[i]) != 200)
                        fail_msg("refused: %s", taken[i]);
}

static void test_trailers_are_not_headers(void **state)
{
        (void)state;
        struct reply r;
        int fd = rig_dial(&rig);
        say(fd,
            "POST /v1/things HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
            "X-Request-Id: from-a-trailer\r\nHost: y\r\nContent-Length: 7\r\n\r\n" SMUGGLED);
        hear(fd, &r, false);
        assert_int_equal(r.status, 200);
        assert_string_not_equal(header_of(&r, "X-Request-Id"), "from-a-trailer");
        reply_fini(&r);
        hear(fd, &r, false);
        assert_string_equal(r.body, "smuggled"); /* the next request, in step */
        reply_fini(&r);
        close(fd);
        /* Folded into the last header, it would change that one. */
        int status = ask_status(
                &rig,
                "POST /v1/things HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nX-A: a\r\n\r\n"
                "2\r\n{}\r\n0\r\n folded: yes\r\n\r\n");
        assert_in_range(status, 400, 413);
}

static void test_100_continue(void **state)
{
        (void)state;
        struct reply r;
        int fd = rig_dial(&rig);
        say(fd,
            "POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
        hear_head(fd, &r);
        assert_int_equal(r.status, 100);
        say(fd, "{}");
        hear(fd, &r, false);
        assert_int_equal(r.status, 200);
        reply_fini(&r);
        say(fd,
            "POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\nExpect: 100-continue\r\n\r\n");
        hear(fd, &r, false);
        assert_int_equal(r.status, 413);
        reply_fini(&r);
        close(fd);
}

static void test_sizes_of_the_head(void **state)
{
        (void)state;
        static const struct {
                const char *before;
                size_t fill;
                const char *after;
                int status;
        } cases[] = {
                {"GET /v1/things/", 1900, " HTTP/1.1\r\nHost: x\r\n\r\n", 200},
                {"GET /v1/things/", 2100, " HTTP/1.1\r\nHost: x\r\n\r\n", 400},
                {"GET /v1/things/", 9000, "", 400},
                {"GET /v1/things HTTP/1.1\r\nHost: x\r\nX-Long: ", 1900, "\r\n\r\n", 200},
                {"GET /v1/things HTTP/1.1\r\nHost: x\r\nX-Long: ", 2100, "\r\n\r\n", 431},
                {"GET /v1/things HTTP/1.1\r\nHost: x\r\nX-Long: ", 9000, "", 431},
                {"GET /v1/things HTTP/1.1\r\nHost: x\r\nbad\r\nX-Long: ", 2100, "\r\n\r\n", 400},
        };
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                char request[16384] = "";
                size_t n = (size_t)snprintf(request, sizeof request, "%s", cases[i].before);
                memset(request + n, 'a', cases[i].fill);
                strcpy(request + n + cases[i].fill, cases[i].after);
                int status = ask_status(&rig, request);
                if (status != cases[i].status)
                        fail_msg("case %zu: %d", i, status);
        }
}

/* A client that writes all of its body before it reads still gets its answer. */
static void test_a_413_arrives_while_the_body_is_still_coming(void **state)
{
        (void)state;
        static char body[3 * 1024 * 1024];
        for (int is_chunked = 0; is_chunked < 2; is_chunked++) {
                struct reply r;
                char head[256];
                memset(body, 'x', sizeof body);
                snprintf(
                        head, sizeof head,
                        is_chunked
                                ? "POST /v1/things HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%zx\r\n"
                                : "POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n",
                        sizeof body);
                int fd = rig_dial(&rig);
                say(fd, head);
                say_bytes(fd, body, sizeof body);
                hear(fd, &r, false);
                assert_int_equal(r.status, 413);
                assert_has(r.body, "body-too-large");
                reply_fini(&r);
                assert_closed(fd);
                close(fd);
        }
}

static size_t zip(const char *text, size_t len, char *out, size_t size)
{
        z_stream z = {.next_in = (Bytef *)text,
                      .avail_in = (uInt)len,
                      .next_out = (Bytef *)out,
                      .avail_out = (uInt)size};
        assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY),
                         Z_OK);
        assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
        deflateEnd(&z);
        return size - z.avail_out;
}

static void post_coded(const char *coding, const char *body, size_t len, struct reply *r)
{
        char head[256];
        int n = snprintf(
                head, sizeof head,
                "POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Encoding: %s\r\nContent-Length: %zu\r\n\r\n",
                coding, len);
        int fd = rig_dial(&rig);
        say_bytes(fd, head, (size_t)n);
        say_bytes(fd, body, len);
        hear(fd, r, false);
        close(fd);
}

static void test_gzip(void **state)
{
        (void)state;
        static char plain[1024 * 1024], zipped[16384], many[16384];
        struct reply r;
        size_t n = zip("{\"a\":1}", 7, zipped, sizeof zipped);
        const struct {
                const char *coding;
                const char *body;
                size_t len;
                int status;
        } cases[] = {
                {"gzip", zipped, n, 200},
                {"X-GZIP", zipped, n, 200},
                {"identity", "{\"a\":1}", 7, 200},
                {"gzip", zipped, n - 1, 400},
                {"gzip", zipped, 12, 400},
                {"gzip", "{\"a\":1}", 7, 400},
                {"br", zipped, n, 415},
                {"gzip, gzip", zipped, n, 415},
                {"deflate", zipped, n, 415},
        };
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                post_coded(cases[i].coding, cases[i].body, cases[i].len, &r);
                if (r.status != cases[i].status)
                        fail_msg("case %zu: %d %s", i, r.status, r.body);
                if (r.status == 200)
                        assert_string_equal(r.body, "{\"a\":1}");
                reply_fini(&r);
        }
        memcpy(many, zipped, n);
        memcpy(many + n, "trailing", 8);
        post_coded("gzip", many, n + 8, &r);
        assert_int_equal(r.status, 400);
        reply_fini(&r);
        for (size_t i = 0; i < 17; i++)
                memcpy(many + i * n, zipped, n);
        post_coded("gzip", many, 2 * n, &r);
        assert_string_equal(r.body, "{\"a\":1}{\"a\":1}");
        reply_fini(&r);
        post_coded("gzip", many, 17 * n, &r);
        assert_int_equal(r.status, 400);
        reply_fini(&r);
        static const struct {
                size_t len;
                int status;
        } sizes[] = {{RIG_BODY_MAX - 1, 200},
                     {RIG_BODY_MAX, 200},
                     {RIG_BODY_MAX + 1, 413},
                     {sizeof plain, 413},
                     {0, 200}};
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
                n = zip(plain, sizes[i].len, zipped, sizeof zipped);
                post_coded("gzip", zipped, n, &r);
                assert_int_equal(r.status, sizes[i].status);
                if (r.status == 200)
                        assert_int_equal(r.len, sizes[i].len);
                reply_fini(&r);
        }
}

static void test_binary_bodies_are_not_taken_for_heads(void **state)
{
        (void)state;
        static const char request[] =
                "POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n\0\0\0\0"
                "POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n\0\0\n\n";
        struct reply r;
        int fd = rig_dial(&rig);
        say_bytes(fd, request, sizeof request - 1);
        for (int i = 0; i < 2; i++) {
                hear(fd, &r, false);
                assert_int_equal(r.status, 200);
                assert_int_equal(r.len, 4);
                reply_fini(&r);
        }
        say(fd, "POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n");
        usleep(20000);
        say_bytes(fd, "\r\n\0\0\0\0", 6);
        hear(fd, &r, false);
        assert_int_equal(r.status, 200);
        reply_fini(&r);
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
                cmocka_unit_test(
                        test_what_could_be_read_two_ways_is_refused_and_ends_the_connection),
                cmocka_unit_test(test_what_comes_byte_by_byte_is_judged_alike),
                cmocka_unit_test(test_what_is_unusual_but_clear_is_taken),
                cmocka_unit_test(test_trailers_are_not_headers),
                cmocka_unit_test(test_100_continue),
                cmocka_unit_test(test_sizes_of_the_head),
                cmocka_unit_test(test_a_413_arrives_while_the_body_is_still_coming),
                cmocka_unit_test(test_gzip),
                cmocka_unit_test(test_binary_bodies_are_not_taken_for_heads),
        };
        return cmocka_run_group_tests(tests, setup, teardown);
}
