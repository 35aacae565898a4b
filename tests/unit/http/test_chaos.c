/* Clients without manners, drawn by lot from a fixed seed: the server answers the next one and owes
 * nothing at the end. */
#include "rig.h"

#define ROUNDS 4000
#define CLIENTS 48

static struct rig rig;
static uint64_t seed;

static unsigned draw(unsigned n)
{
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        return (unsigned)(seed >> 33) % n;
}

static bool endless_next(struct http_request *req, struct buf *out, void *ctx)
{
        (void)req;
        (void)ctx;
        buf_text(out, "data: something to read\n\n");
        return true;
}

static _Atomic int n_streams;

static void endless_gone(void *ctx)
{
        (void)ctx;
        n_streams--;
}

static void endless(struct http_request *req)
{
        n_streams++;
        http_reply_stream(req, endless_next, endless_gone, NULL, 20);
}

static const struct http_route more_routes[] = {
        {HTTP_GET, "/v1/endless", FACE_NATIVE, 0, endless, NULL, false},
        {0},
};

static const char *const words[] = {
        GET("/v1/things"),
        GET("/v1/things/a%2Fb?x=%41"),
        GET("/v1/endless"),
        GET("/v1/big"),
        GET("/v1/fail"),
        POST("/v1/things", "{}"),
        POST("/v1/pending", "{}"),
        POST("/v1/pending", "{}") POST("/v1/pending", "[]") GET("/v1/things"),
        "HEAD /v1/things HTTP/1.1\r\nHost: x\r\n\r\n",
        "HEAD /v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
        "GET /v1/things HTTP/1.0\r\n\r\n",
        "GET /v1/endless HTTP/1.0\r\n\r\n",
        "GET /v1/things HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "POST /v1/things HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n",
        "POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n",
        "POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n",
        "POST /v1/pending HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        "POST /v1/pending HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nA: b\r\n\r\n",
        "POST /v1/things HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n",
        "POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08",
        "\r\n",
        "\x16\x03\x01\x02",
        "GET ",
        "/v1/things HTTP/1.1\r\n",
        "Host: x\r\n",
        "{}{}{}{}",
};

/* A word, sometimes with one byte changed, sometimes cut short. */
static void say_something(int fd)
{
        char text[512];
        const char *word = words[draw(sizeof words / sizeof words[0])];
        size_t len = strlen(word);
        memcpy(text, word, len + 1);
        if (draw(8) == 0)
                text[draw((unsigned)len)] = (char)draw(256);
        if (draw(8) == 0)
                len = draw((unsigned)len + 1);
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        (void)n;
}

static void hear_something(int fd)
{
        static char sink[65536];
        ssize_t n = recv(fd, sink, 1 + draw(sizeof sink), MSG_DONTWAIT);
        (void)n;
}

static void leave(int fd)
{
        struct linger hard = {.l_onoff = 1, .l_linger = 0};
        if (draw(3) == 0)
                setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        close(fd);
}

static void run(uint64_t from)
{
        int fds[CLIENTS];
        seed = from;
        for (int i = 0; i < CLIENTS; i++)
                fds[i] = rig_dial(&rig);
        for (int round = 0; round < ROUNDS; round++) {
                unsigned i = draw(CLIENTS);
                switch (draw(12)) {
                case 0:
                        leave(fds[i]);
                        fds[i] = rig_dial(&rig);
                        break;
                case 1: shutdown(fds[i], SHUT_WR); break;
                case 2: complete_all(); break;
                case 3:
                case 4:
                case 5: hear_something(fds[i]); break;
                default: say_something(fds[i]); break;
                }
        }
        for (int i = 0; i < CLIENTS; i++)
                leave(fds[i]);
}

static void settle(void)
{
        for (int i = 0; i < RIG_WAIT_MS && http_in_flight(rig.server); i++) {
                complete_all();
                usleep(1000);
        }
        assert_int_equal(http_in_flight(rig.server), 0);
        assert_int_equal(n_streams, 0);
        int status = 503; /* while refused clients are still being drained */
        for (int i = 0; i < RIG_WAIT_MS / 10 && status == 503; i++, usleep(10000))
                status = ask_status(&rig, GET("/v1/things"));
        assert_int_equal(status, 200);
}

static void test_clients_without_manners(void **state)
{
        (void)state;
        for (uint64_t from = 1; from <= 4; from++) {
                rig_init(&rig);
                rig.tables[1] = more_routes;
                rig.config.limits.request_timeout_ms = from % 2 ? 30000 : 50;
                rig.config.limits.connections = from < 3 ? 1000 : CLIENTS / 2;
                rig_start(&rig);
                run(from);
                if (from % 2)
                        settle();
                rig_stop(&rig);
                assert_int_equal(n_streams, 0);
        }
}

static void test_the_end_comes_in_the_middle_of_everything(void **state)
{
        (void)state;
        for (uint64_t from = 10; from < 30; from++) {
                int fds[CLIENTS];
                seed = from;
                rig_init(&rig);
                rig.tables[1] = more_routes;
                rig_start(&rig);
                for (int i = 0; i < CLIENTS; i++) {
                        fds[i] = rig_dial(&rig);
                        say_something(fds[i]);
                }
                usleep(draw(3000));
                if (from % 2)
                        http_drain(rig.server);
                usleep(draw(3000));
                rig_stop(&rig);
                for (int i = 0; i < CLIENTS; i++)
                        close(fds[i]);
                assert_int_equal(n_streams, 0);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_clients_without_manners),
                cmocka_unit_test(test_the_end_comes_in_the_middle_of_everything),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
