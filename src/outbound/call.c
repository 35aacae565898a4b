#include <chatelaine/outbound.h>

#include <curl/curl.h>

struct receiver {
        const struct outbound_request *request;
        struct outbound_reply *reply;
        bool has_ended; /* the piece function had enough */
};

static size_t receive(char *bytes, size_t size, size_t n, void *ctx)
{
        struct receiver *r = ctx;
        struct span piece = span_make(bytes, size * n);

        if (r->request->piece) {
                r->has_ended = !r->request->piece(r->request->ctx, piece);
                return r->has_ended ? 0 : piece.len;
        }
        buf_span(&r->reply->body, piece);
        return r->reply->body.status == STATUS_OK ? piece.len : 0;
}

static enum status explain(CURLcode code, const struct outbound_request *q,
                           const struct receiver *r, const char *words, struct error *e)
{
        switch (code) {
        case CURLE_OK: return STATUS_OK;
        case CURLE_COULDNT_CONNECT:
                return error_set(
                        e, STATUS_RETRY, "daemon-unreachable", q->unix_socket,
                        "no daemon answers on its admin socket: is it running, and may you open the socket?");
        case CURLE_OPERATION_TIMEDOUT:
                return error_set(e, STATUS_RETRY, "daemon-timeout", q->target,
                                 "the daemon did not answer within %ld s", q->timeout_s);
        case CURLE_OUT_OF_MEMORY: return error_no_memory(e);
        case CURLE_WRITE_ERROR:
                if (r->has_ended)
                        return STATUS_OK;
                return buf_check(&r->reply->body, e);
        default:
                return error_set(e, STATUS_INTERNAL, "call-failed", q->target, "%s",
                                 words[0] ? words : curl_easy_strerror(code));
        }
}

enum status outbound_call(const struct outbound_request *q, struct outbound_reply *ret,
                          struct error *e)
{
        struct receiver receiver = {.request = q, .reply = ret};
        char words[CURL_ERROR_SIZE] = "";
        char accept[96];
        struct curl_slist *headers = NULL;
        long status = 0;
        CURL *curl;
        struct buf url;
        CURLcode code;

        buf_init(&ret->body, q->reply_bytes_max);
        buf_init(&url, 16384);
        buf_printf(&url, "http://admin%s", q->target);
        curl = curl_easy_init();
        if (!curl || url.status != STATUS_OK) {
                curl_easy_cleanup(curl);
                buf_fini(&url);
                return error_no_memory(e);
        }
        snprintf(accept, sizeof accept, "Accept: %s", q->accept ? q->accept : "application/json");
        headers = curl_slist_append(headers, accept);
        if (q->body.p)
                headers = curl_slist_append(headers, "Content-Type: application/json");
        curl_easy_setopt(curl, CURLOPT_URL, url.data);
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, q->unix_socket);
        curl_easy_setopt(curl, CURLOPT_PROXY, "");
        curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
        curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, words);
        curl_easy_setopt(curl, CURLOPT_TIMEOUT, q->timeout_s);
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, &receiver);
        if (q->body.p) {
                curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body.len);
                curl_easy_setopt(curl, CURLOPT_POSTFIELDS, q->body.p);
        }
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, q->method);
        code = curl_easy_perform(curl);
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        ret->status = (unsigned)status;
        curl_slist_free_all(headers);
        curl_easy_cleanup(curl);
        buf_fini(&url);
        return explain(code, q, &receiver, words, e);
}

const char *outbound_library(void)
{
        return curl_version_info(CURLVERSION_NOW)->version;
}
