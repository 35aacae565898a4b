#include <chatelaine/base_request.h>
#include <chatelaine/codec_key.h>
#include <chatelaine/domain.h>
#include <chatelaine/domain_clients.h>
#include <chatelaine/domain_sessions.h>

static void copy_text(char *to, size_t size, struct span from)
{
        size_t len = from.len < size - 1 ? from.len : size - 1;
        if (len > 0)
                memcpy(to, from.p, len);
        to[len] = '\0';
}

void audit_target(struct audit *a, struct span id)
{
        /* A path may have a secret where an id was meant. */
        bool is_secret = token_check(KEY_PREFIX, id) || token_check(SESSION_PREFIX, id) ||
                         token_check(CLIENT_SECRET_PREFIX, id);
        copy_text(a->target_id, sizeof a->target_id, is_secret ? SPAN("secret") : id);
}

void audit_request(struct audit *a, const struct request_view *req)
{
        a->has_request = true;
        a->count = -1;
        copy_text(a->request_id, sizeof a->request_id, span_of(req->id));
        copy_text(a->ip, sizeof a->ip, span_of(req->ip));
        copy_text(a->method, sizeof a->method, span_of(req->method));
        copy_text(a->route, sizeof a->route, span_of(req->route));
        copy_text(a->user_agent, sizeof a->user_agent, req->header(req->http, "User-Agent"));
        copy_text(a->traceparent, sizeof a->traceparent, span_of(req->traceparent));
}
