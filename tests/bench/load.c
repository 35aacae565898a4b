/*
 * load: keep-alive connections that post batches as fast as they are answered.
 *
 *     bench_load PORT PATH CONNECTIONS BATCH SECONDS FIRST_ID [HEADER...]
 *
 * BATCH items a request with ids that grow from FIRST_ID (of 13 digits each); 0 = a request without
 * a body by GET, where 13 zeros in PATH stand for one of FIRST_ID ids, another in each request. One
 * thread, epoll. Prints one JSON line: requests, items, errors (answers that are no 2xx), seconds,
 * p50_ms and p99_ms of a request.
 */
#include <chatelaine/base_clock.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX ((size_t)2 << 20)
#define LATENCIES_MAX ((size_t)8 << 20)
#define FIRST_OF_ITS_LENGTH INT64_C(1000000000000) /* all ids have as many digits */

struct load {
        int port, batch;
        const char *path;
        struct buf headers;     /* ready lines */
        int64_t next_id, n_ids; /* of a path */
        int64_t end_us;
        uint32_t *latencies_us;
        size_t n, errors;
};

struct connection {
        int fd;
        struct buf request;
        size_t items_at, sent;
        char reply[4096];
        size_t got;
        int64_t begun_us;
};

static void die(const char *what)
{
        perror(what);
        exit(1);
}

/* About 400 bytes an item, as senders' webhooks are; the id stands where the digits are. */
#define DIGITS "0000000000000"
static const char item[] =
        "{\"id\":" DIGITS ",\"type\":\"invoice.paid\",\"data\":{\"number\":\"INV-" DIGITS
        "\",\"total\":\"1249.50\",\"currency\":\"EUR\",\"customer\":{\"id\":\"c-5821\",\"name\":\"Blue "
        "Harbour Trading Ltd\",\"country\":\"NL\"},\"lines\":[{\"sku\":\"A-100\",\"n\":3,\"price\":\"199.50\"},{"
        "\"sku\":\"B-220\",\"n\":1,\"price\":\"651.00\"}],\"note\":\"delivered to the east gate, signed for "
        "by the night shift\",\"paid\":true}}";
#define ITEM_LEN (sizeof item - 1)
#define DIGITS_LEN (sizeof DIGITS - 1)

/* Once for a connection: what changes from request to request has its place, so that the load costs
 * the machine that it shares with the daemon as little as it can. */
static void make_request(const struct load *l, struct connection *c)
{
        struct buf *r = &c->request;

        buf_init(r, REQUEST_MAX);
        buf_printf(r, "%s %s HTTP/1.1\r\nHost: bench\r\n", l->batch ? "POST" : "GET", l->path);
        buf_span(r, buf_view(&l->headers));
        if (l->batch)
                buf_printf(r, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
                           (size_t)l->batch * (ITEM_LEN + 1) + 1);
        buf_text(r, "\r\n");
        c->items_at = r->len + 1;
        for (int i = 0; i < l->batch; i++) {
                buf_char(r, i ? ',' : '[');
                buf_append(r, item, ITEM_LEN);
        }
        if (l->batch)
                buf_char(r, ']');
}

static void put_id(char *at, int64_t id)
{
        char text[INT64_TEXT_MAX];

        int64_write(FIRST_OF_ITS_LENGTH + id, text);
        memcpy(at, text, DIGITS_LEN);
}

/* Neighbours in time are no neighbours in the index. */
static void next_path(struct load *l, struct connection *c)
{
        char *path = c->request.data + sizeof "GET " - 1;

        if (l->n_ids)
                l->next_id = (l->next_id + 7919) % l->n_ids;
        for (const char *at = l->path; (at = strstr(at, DIGITS)); at += DIGITS_LEN)
                put_id(path + (at - l->path), l->next_id);
}

static void next_request(struct load *l, struct connection *c)
{
        static const size_t number_at =
                sizeof "{\"id\":" DIGITS ",\"type\":\"invoice.paid\",\"data\":{\"number\":\"INV-" -
                1;

        for (int i = 0; i < l->batch; i++) {
                char *at = c->request.data + c->items_at + (size_t)i * (ITEM_LEN + 1);
                put_id(at + sizeof "{\"id\":" - 1, l->next_id);
                put_id(at + number_at, l->next_id++);
        }
        if (!l->batch)
                next_path(l, c);
        c->sent = c->got = 0;
        c->begun_us = clock_mono_us();
}

static void push(struct connection *c)
{
        while (c->sent < c->request.len) {
                ssize_t n = write(c->fd, c->request.data + c->sent, c->request.len - c->sent);
                if (n < 0 && errno == EAGAIN)
                        return;
                if (n < 0)
                        die("write");
                c->sent += (size_t)n;
        }
}

/* The answer is whole: headers, and as much body as they say. */
static bool is_whole(const struct connection *c)
{
        const char *end = memmem(c->reply, c->got, "\r\n\r\n", 4), *length;

        if (!end)
                return false;
        length = memmem(c->reply, (size_t)(end - c->reply), "Content-Length: ", 16);
        return c->got >=
               (size_t)(end - c->reply) + 4 + (length ? strtoul(length + 16, NULL, 10) : 0);
}

/* true: the connection goes on with a next request. */
static bool pull(struct load *l, struct connection *c)
{
        int64_t now;
        ssize_t n = read(c->fd, c->reply + c->got, sizeof c->reply - c->got);

        if (n < 0 && errno == EAGAIN)
                return true;
        if (n <= 0)
                die("the server closed the connection");
        c->got += (size_t)n;
        if (!is_whole(c))
                return true;
        now = clock_mono_us();
        if (c->reply[9] != '2' && l->errors++ == 0)
                fprintf(stderr, "first answer that is no 2xx: %.*s\n", (int)c->got, c->reply);
        if (l->n < LATENCIES_MAX)
                l->latencies_us[l->n++] = (uint32_t)(now - c->begun_us);
        if (now >= l->end_us)
                return false;
        next_request(l, c);
        push(c);
        return true;
}

static void dial(struct load *l, struct connection *c, int epoll)
{
        struct sockaddr_in to = {.sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)l->port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};

        c->fd = socket(AF_INET, SOCK_STREAM, 0);
        if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0)
                die("connect");
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        fcntl(c->fd, F_SETFL, O_NONBLOCK);
        make_request(l, c);
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &ev) != 0)
                die("epoll_ctl");
        next_request(l, c);
        push(c);
}

static int by_size(const void *a, const void *b)
{
        uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

        return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
        struct load l = {0};
        struct epoll_event events[256];
        struct connection *connections;
        int epoll, n_connections, open;
        int64_t begun_us;
        double seconds;

        if (argc < 7) {
                fprintf(stderr,
                        "usage: bench_load PORT PATH CONNECTIONS BATCH SECONDS FIRST_ID [HEADER...]\n");
                return 2;
        }
        epoll = epoll_create1(0);
        l.port = atoi(argv[1]);
        l.path = argv[2];
        n_connections = atoi(argv[3]);
        l.batch = atoi(argv[4]);
        *(l.batch ? &l.next_id : &l.n_ids) = atoll(argv[6]);
        buf_init(&l.headers, 65536);
        for (int i = 7; i < argc; i++)
                buf_printf(&l.headers, "%s\r\n", argv[i]);
        l.latencies_us = malloc(LATENCIES_MAX * sizeof *l.latencies_us);
        connections = calloc((size_t)n_connections, sizeof *connections);
        begun_us = clock_mono_us();
        l.end_us = begun_us + (int64_t)(atof(argv[5]) * 1e6);
        for (int i = 0; i < n_connections; i++)
                dial(&l, &connections[i], epoll);
        for (open = n_connections; open > 0;) {
                int n = epoll_wait(epoll, events, 256, 30000);
                if (n == 0)
                        die("no answer for 30 s");
                for (int i = 0; i < n; i++) {
                        struct connection *c = events[i].data.ptr;
                        if (events[i].events & EPOLLOUT)
                                push(c);
                        if (events[i].events & EPOLLIN && !pull(&l, c)) {
                                close(c->fd);
                                open--;
                        }
                }
        }
        seconds = (double)(clock_mono_us() - begun_us) / 1e6;
        close(epoll);
        qsort(l.latencies_us, l.n, sizeof *l.latencies_us, by_size);
        uint32_t median = l.latencies_us[l.n / 2], tail = l.latencies_us[l.n * 99 / 100];
        printf("{\"requests\":%zu,\"items\":%zu,\"errors\":%zu,\"seconds\":%.3f,\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n",
               l.n, l.n * (size_t)(l.batch ? l.batch : 1), l.errors, seconds, (double)median / 1e3,
               (double)tail / 1e3);
        return l.errors ? 1 : 0;
}
