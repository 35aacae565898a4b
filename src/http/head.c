/* The request that is being read: what is seen of it before evhttp has it whole. */
#include "conn.h"

#include <chatelaine/base_clock.h>
#include <event2/http_struct.h>
#include <stdlib.h>
#include <strings.h>

#define UNCOUNTED_BYTES 4096 /* a body of this size is paid for by the limit on connections */

void conn_begin_reading(struct conn *c)
{
        c->has_bytes = true;
        c->has_whole_line = c->has_head = c->has_nul = false;
        c->line_len = 0;
        c->last_header = NULL;
        c->started_ms = clock_now_ms();
        loop_count(c->endpoint->loop, 1);
        if (c->state != CONN_READING)
                conn_enter(c, CONN_READING);
}

void conn_end_reading(struct conn *c)
{
        if (c->has_bytes)
                loop_count(c->endpoint->loop, -1);
        c->has_bytes = false;
}

static bool is_end_of_head_before(struct evbuffer *input, size_t at)
{
        static const char *const ends[] = {"\n\r\n", "\n\n"};
        char first[2] = "";
        evbuffer_copyout(input, first, sizeof first);
        if (first[0] == '\n' || (first[0] == '\r' && first[1] == '\n'))
                return true;
        for (size_t i = 0; i < 2; i++) {
                struct evbuffer_ptr p = evbuffer_search(input, ends[i], strlen(ends[i]), NULL);
                if (p.pos >= 0 && (size_t)p.pos < at)
                        return true;
        }
        return false;
}

/* evhttp reads header lines as C strings: a NUL would hide the rest of the line from us. */
static bool has_nul_in_head(struct evbuffer *input)
{
        struct evbuffer_iovec part[8];
        int n = evbuffer_peek(input, -1, NULL, part, 8);
        size_t before = 0;
        for (int i = 0; i < n && i < 8; i++) {
                const char *nul = memchr(part[i].iov_base, '\0', part[i].iov_len);
                if (nul)
                        return !is_end_of_head_before(
                                input, before + (size_t)(nul - (char *)part[i].iov_base));
                before += part[i].iov_len;
        }
        return false;
}

void conn_look_at_head(struct conn *c)
{
        struct evbuffer *input = bufferevent_get_input(c->bev);
        if (!c->has_whole_line) {
                ev_ssize_t n = evbuffer_copyout(input, c->line, sizeof c->line);
                c->line_len = n > 0 ? (unsigned)n : 0;
                const char *end = memchr(c->line, '\n', c->line_len);
                if (end)
                        c->line_len = (unsigned)(end - c->line);
                c->has_whole_line = end || c->line_len == sizeof c->line;
        }
        c->has_nul = c->has_nul || has_nul_in_head(input);
}

void conn_on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *arg)
{
        (void)input;
        struct conn *c = arg;
        if (info->n_added == 0)
                return;
        if (c->state != CONN_IDLE && c->state != CONN_READING)
                return;
        if (!c->has_bytes)
                conn_begin_reading(c);
        if (!c->has_head)
                conn_look_at_head(c);
}

/* What the body will take, unzipped too; 0 = too little to be counted, or evhttp will refuse it. */
static size_t bytes_announced(const struct conn *c, const struct evhttp_request *ev)
{
        size_t max = (size_t)c->endpoint->loop->settings->body_bytes;
        const char *length = NULL;
        bool is_coded = false, is_chunked = false;
        const struct evkeyval *h;
        TAILQ_FOREACH(h, ev->input_headers, next) {
                if (!length && strcasecmp(h->key, "Content-Length") == 0)
                        length = h->value;
                is_chunked |= strcasecmp(h->key, "Transfer-Encoding") == 0;
                is_coded |= strcasecmp(h->key, "Content-Encoding") == 0;
        }
        size_t bytes = is_chunked ? max : length ? strtoull(length, NULL, 10) : 0;
        if (bytes == 0 || bytes > max)
                return 0;
        if (is_coded)
                bytes += max;
        return bytes > UNCOUNTED_BYTES ? bytes : 0;
}

/* Memory for the bodies that are on their way; with a limit of 0 evhttp refuses what has one. */
static void reserve(struct conn *c, const struct evhttp_request *ev)
{
        struct loop *l = c->endpoint->loop;
        size_t bytes = bytes_announced(c, ev);
        c->is_shed = bytes > l->body_budget_bytes - l->body_reserved_bytes;
        if (c->is_shed) {
                evhttp_connection_set_max_body_size(c->evcon, 0);
                return;
        }
        c->reserved_bytes = bytes;
        l->body_reserved_bytes += bytes;
}

void conn_head_done(struct conn *c, struct evhttp_request *ev)
{
        c->has_head = true;
        c->last_header = TAILQ_LAST(ev->input_headers, evkeyvalq);
        c->last_header_len = c->last_header ? strlen(c->last_header->value) : 0;
        evbuffer_cb_clear_flags(bufferevent_get_input(c->bev), c->watch, EVBUFFER_CB_ENABLED);
        reserve(c, ev);
}
