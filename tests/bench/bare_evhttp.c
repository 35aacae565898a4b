/*
 * bare_evhttp: what evhttp alone does: one thread, every request answered 204.
 *
 *     bench_bare_evhttp       prints its port, serves until SIGTERM
 */
#include <arpa/inet.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdio.h>
#include <sys/socket.h>

static void answer(struct evhttp_request *req, void *ctx)
{
        (void)ctx;
        evhttp_send_reply(req, 204, "No Content", NULL);
}

int main(void)
{
        struct event_config *config = event_config_new();
        struct event_base *base;
        struct evhttp *http;
        struct evhttp_bound_socket *bound;
        struct sockaddr_in at;
        socklen_t len = sizeof at;

        event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
        base = event_base_new_with_config(config);
        http = evhttp_new(base);
        evhttp_set_allowed_methods(http, 0xffff);
        evhttp_set_gencb(http, answer, NULL);
        bound = evhttp_bind_socket_with_handle(http, "127.0.0.1", 0);
        if (!bound ||
            getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&at, &len) != 0)
                return 1;
        printf("%d\n", ntohs(at.sin_port));
        fflush(stdout);
        return event_base_dispatch(base) < 0;
}
