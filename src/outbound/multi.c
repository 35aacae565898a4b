#include "outbound/multi.h"

#include <curl/curl.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#define CONNECT_MS 5000L
#define IDLE_CONNECTIONS_MAX 64L

struct multi {
        CURLM *curl;
        struct event_base *base;
        struct event *timer;
};

/* ---- results ---- */

static const struct {
        CURLcode code;
        const char *slug;
} failures[] = {
        {CURLE_COULDNT_RESOLVE_HOST, "no-such-host"},
        {CURLE_COULDNT_CONNECT, "unreachable"},
        {CURLE_OPERATION_TIMEDOUT, "timeout"},
        {CURLE_PEER_FAILED_VERIFICATION, "tls-untrusted"},
        {CURLE_SSL_CONNECT_ERROR, "tls"},
        {CURLE_SSL_CACERT_BADFILE, "tls-ca-file"},
        {CURLE_SSL_CERTPROBLEM, "tls"},
        {CURLE_SSL_CIPHER, "tls"},
        {CURLE_SSL_ISSUER_ERROR, "tls-untrusted"},
        {CURLE_GOT_NOTHING, "reset"},
        {CURLE_RECV_ERROR, "reset"},
        {CURLE_SEND_ERROR, "reset"},
        {CURLE_PARTIAL_FILE, "reset"},
        {CURLE_URL_MALFORMAT, "bad-url"},
        {CURLE_WRITE_ERROR, "too-large"},
};

static const char *failure_of(CURLcode code)
{
        for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++)
                if (failures[i].code == code)
                        return failures[i].slug;
        return "transfer-failed";
}

static void take_result(struct transfer *t, CURLcode code)
{
        long status = 0;
        curl_off_t retry_after = 0;
        if (code == CURLE_OK) {
                curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
                curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &retry_after);
        }
        struct curl_header *cache;
        t->cache_control[0] = '\0';
        if (code == CURLE_OK &&
            curl_easy_header(t->easy, "Cache-Control", 0, CURLH_HEADER, -1, &cache) == CURLHE_OK)
                snprintf(t->cache_control, sizeof t->cache_control, "%s", cache->value);
        t->status = (unsigned)status;
        t->retry_after_s = retry_after;
        t->failure = code == CURLE_OK ? NULL : failure_of(code);
}

static void let_go(struct multi *m, struct transfer *t)
{
        curl_multi_remove_handle(m->curl, t->easy);
        curl_easy_cleanup(t->easy);
        t->easy = NULL;
}

/* Outside of libcurl's own callbacks: done may start and cancel what it likes. */
static void collect(struct multi *m)
{
        CURLMsg *msg;
        int left;
        while ((msg = curl_multi_info_read(m->curl, &left))) {
                struct transfer *t;
                if (msg->msg != CURLMSG_DONE)
                        continue;
                CURLcode code = msg->data.result;
                curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&t);
                take_result(t, code);
                let_go(m, t);
                t->done(t);
        }
}

/* ---- the loop ---- */

static void on_socket(evutil_socket_t fd, short what, void *ctx)
{
        struct multi *m = ctx;
        int running, mask = 0;
        mask |= what & EV_READ ? CURL_CSELECT_IN : 0;
        mask |= what & EV_WRITE ? CURL_CSELECT_OUT : 0;
        curl_multi_socket_action(m->curl, fd, mask, &running);
        collect(m);
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *watch)
{
        struct multi *m = ctx;
        struct event *ev = watch;
        short events = EV_PERSIST;
        (void)easy;
        if (ev)
                event_free(ev);
        if (what == CURL_POLL_REMOVE)
                return 0;
        events = (short)(events | (what != CURL_POLL_OUT ? EV_READ : 0) |
                         (what != CURL_POLL_IN ? EV_WRITE : 0));
        ev = event_new(m->base, fd, events, on_socket, m);
        curl_multi_assign(m->curl, fd, ev);
        return ev && event_add(ev, NULL) == 0 ? 0 : -1;
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
        struct multi *m = ctx;
        int running;
        (void)fd;
        (void)what;
        curl_multi_socket_action(m->curl, CURL_SOCKET_TIMEOUT, 0, &running);
        collect(m);
}

static int set_timer(CURLM *curl, long ms, void *ctx)
{
        struct multi *m = ctx;
        (void)curl;
        if (ms < 0)
                return evtimer_del(m->timer);
        struct timeval after = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
        return evtimer_add(m->timer, &after);
}

enum status multi_new(struct event_base *base, struct multi **ret, struct error *e)
{
        struct multi *m = calloc(1, sizeof *m);
        if (!m)
                return error_no_memory(e);
        m->base = base;
        m->curl = curl_multi_init();
        m->timer = evtimer_new(base, on_timer, m);
        if (!m->curl || !m->timer) {
                multi_free(m);
                return error_no_memory(e);
        }
        curl_multi_setopt(m->curl, CURLMOPT_SOCKETFUNCTION, watch_socket);
        curl_multi_setopt(m->curl, CURLMOPT_SOCKETDATA, m);
        curl_multi_setopt(m->curl, CURLMOPT_TIMERFUNCTION, set_timer);
        curl_multi_setopt(m->curl, CURLMOPT_TIMERDATA, m);
        curl_multi_setopt(m->curl, CURLMOPT_MAXCONNECTS, IDLE_CONNECTIONS_MAX);
        *ret = m;
        return STATUS_OK;
}

void multi_free(struct multi *m)
{
        if (!m)
                return;
        curl_multi_cleanup(m->curl);
        if (m->timer)
                event_free(m->timer);
        free(m);
}

/* ---- transfers ---- */

static size_t receive(char *bytes, size_t size, size_t n, void *ctx)
{
        struct transfer *t = ctx;
        size_t len = size * n, room = t->reply.max - t->reply.len;
        if (t->whole_bytes_max && len > room)
                return CURL_WRITEFUNC_ERROR;
        buf_append(&t->reply, bytes, len < room ? len : room);
        return len;
}

static void set_body(CURL *easy, const struct transfer *t)
{
        if (!t->body.p)
                return;
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->body.len);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, t->body.p);
}

enum status multi_start(struct multi *m, struct transfer *t, struct error *e)
{
        CURL *easy = curl_easy_init();
        if (!easy)
                return error_no_memory(e);
        transfer_fini(t);
        buf_init(&t->reply, t->whole_bytes_max ? t->whole_bytes_max : REPLY_BYTES_MAX);
        t->has_reply = true;
        t->easy = easy;
        set_body(easy, t);
        curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
        curl_easy_setopt(easy, CURLOPT_URL, t->url);
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, t->method);
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, t->headers);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive);
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
        curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)t->timeout_ms);
        curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
        curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https,http");
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a resolver that hangs holds nobody up */
        curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
        curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
        if (t->ca_file[0])
                curl_easy_setopt(easy, CURLOPT_CAINFO, t->ca_file);
        if (curl_multi_add_handle(m->curl, easy) == CURLM_OK)
                return STATUS_OK;
        curl_easy_cleanup(easy);
        t->easy = NULL;
        return error_no_memory(e);
}

void multi_cancel(struct multi *m, struct transfer *t)
{
        if (t->easy)
                let_go(m, t);
}

void transfer_fini(struct transfer *t)
{
        if (t->has_reply)
                buf_fini_secret(&t->reply);
        t->has_reply = false;
}
