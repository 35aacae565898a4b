#include "app/commands.h"

#include <chatelaine/journal.h>
#include <chatelaine/outbound.h>

#include <inttypes.h>
#include <stdio.h>

/* A --option that is a sequence number, 0 when not given. */
static bool sequence(struct cli *c, const char *option, int64_t *ret)
{
        struct error e;

        *ret = 0;
        if (!cli_has(c, option))
                return true;
        if (span_int64(span_of(cli_value(c, option)), ret, &e) == STATUS_OK && *ret >= 0)
                return true;
        cli_misuse(c, "--%s takes a sequence number", option);
        return false;
}

/* ---- tail ---- */

/* One page as lines; moves *from behind its last row. -1 when the answer is no page. */
static long print_events(struct span page, int64_t *from)
{
        CLEANUP(json_freep) struct json *root = NULL;
        const struct json *items;
        struct buf line;

        if (json_parse(page, 128, &root, NULL) != STATUS_OK || !(items = json_get(root, "items")))
                return -1;
        for (size_t i = 0; i < json_size(items); i++) {
                const struct json *event = json_at(items, i);
                int64_t seq;

                buf_init(&line, (size_t)16 << 20);
                json_dump(event, &line);
                printf("%s\n", line.data ? line.data : "");
                buf_fini(&line);
                if (span_int64(json_get_text(event, "sequence"), &seq, NULL) == STATUS_OK)
                        *from = seq + 1;
        }
        return (long)json_size(items);
}

/* Lines of a text/event-stream: what follows "data: " is an event. */
struct follower {
        struct buf line;
};

static bool follow_piece(void *ctx, struct span bytes)
{
        struct follower *f = ctx;

        for (size_t i = 0; i < bytes.len; i++) {
                if (bytes.p[i] != '\n') {
                        buf_char(&f->line, bytes.p[i]);
                        continue;
                }
                if (span_starts(buf_view(&f->line), "data: "))
                        printf("%s\n", f->line.data + 6);
                buf_reset(&f->line);
        }
        return fflush(stdout) == 0 && f->line.status == STATUS_OK;
}

static enum cli_exit follow(struct cli *c, const char *topic, int64_t from)
{
        struct follower f;
        struct outbound_request q = {
                .method = "GET", .accept = "text/event-stream", .piece = follow_piece, .ctx = &f};
        struct outbound_reply reply;
        struct error e;
        enum status s;

        buf_init(&f.line, (size_t)16 << 20);
        q.unix_socket = arena_printf(&c->arena, "%s/admin.sock", c->config->state_dir);
        q.target = arena_printf(&c->arena, "/v1/events?%sfrom=%" PRId64, topic, from);
        s = outbound_call(&q, &reply, &e);
        buf_fini(&reply.body);
        buf_fini(&f.line);
        return s == STATUS_OK ? CLI_FINE : cli_fail(c, &e);
}

enum cli_exit cmd_events_tail(struct cli *c)
{
        char topic[256] = "";
        int64_t from;
        long n;

        if (!sequence(c, "from", &from))
                return CLI_USAGE;
        if (cli_has(c, "topic"))
                snprintf(topic, sizeof topic, "topic=%s&", admin_part(c, cli_value(c, "topic")));
        do {
                struct buf answer;
                enum cli_exit end =
                        admin_ask(c, "GET", NULL, &answer,
                                  "/v1/events?%sfrom=%" PRId64 "&limit=1000", topic, from);

                if (end != CLI_FINE)
                        return end;
                n = print_events(buf_view(&answer), &from);
                buf_fini(&answer);
        } while (n == 1000);
        return cli_has(c, "follow") ? follow(c, topic, from) : CLI_FINE;
}

enum cli_exit cmd_events_republish(struct cli *c)
{
        struct buf body;
        int64_t from, to;

        if (!cli_needs(c, "from") || !sequence(c, "from", &from) || !sequence(c, "to", &to))
                return CLI_USAGE;
        admin_open(&body);
        json_member_int(&body, "from", from);
        if (cli_has(c, "to"))
                json_member_int(&body, "to", to);
        return admin_call(c, "POST", &body, "/v1/admin/events/republish");
}

/* ---- audit ---- */

static void print_verdict(const struct cli *c, const struct journal_verdict *v)
{
        if (c->is_json)
                printf("{\"ok\":true,\"rows\":%" PRId64 ",\"first\":%" PRId64 ",\"last\":%" PRId64
                       ",\"checkpoints\":%" PRId64 "}\n",
                       v->rows, v->first, v->last, v->checkpoints);
        else
                printf("ok: %" PRId64 " rows, sequence %" PRId64 " to %" PRId64 ", %" PRId64
                       " checkpoints\n",
                       v->rows, v->first, v->last, v->checkpoints);
}

/* The database of the configuration, opened for reading beside whoever runs. */
static enum status verify_database(struct cli *c, struct span key, struct span checkpoints,
                                   int64_t from, struct journal_verdict *v, struct error *e)
{
        struct store *store;
        struct store_conn *db;
        enum status s;

        TRY(store_open(c->config->store, false, &store, e));
        s = store_connect(store, STORE_READ, &db, e);
        if (s == STATUS_OK) {
                s = journal_verify_offline(db, key, checkpoints, from, v, e);
                store_disconnect(db);
        }
        store_close(store);
        return s;
}

static enum cli_exit verify_offline(struct cli *c, int64_t from)
{
        struct buf key, checkpoints;
        struct journal_verdict v;
        struct error e;
        enum status s;

        if (!cli_needs(c, "public-key"))
                return CLI_USAGE;
        if (!cli_config(c))
                return CLI_FAILED;
        buf_init(&checkpoints, 16);
        s = cli_read_file(cli_value(c, "public-key"), 16384, false, &key, &e);
        if (s == STATUS_OK && cli_has(c, "checkpoints"))
                s = cli_read_file(cli_value(c, "checkpoints"), (size_t)256 << 20, false,
                                  &checkpoints, &e);
        if (s == STATUS_OK)
                s = verify_database(c, buf_view(&key),
                                    cli_has(c, "checkpoints") ? buf_view(&checkpoints) : SPAN_NONE,
                                    from, &v, &e);
        buf_fini(&key);
        buf_fini(&checkpoints);
        if (s != STATUS_OK)
                return cli_fail(c, &e);
        print_verdict(c, &v);
        return CLI_FINE;
}

/* By the daemon, with its own keys. */
static enum cli_exit verify_online(struct cli *c, int64_t from)
{
        CLEANUP(json_freep) struct json *root = NULL;
        struct buf answer;
        enum cli_exit end =
                admin_ask(c, "GET", NULL, &answer, "/v1/admin/audit/verify?from=%" PRId64, from);

        if (end != CLI_FINE)
                return end;
        if (json_parse(buf_view(&answer), 64, &root, NULL) == STATUS_OK)
                print_verdict(c, &(struct journal_verdict){
                                         .rows = json_integer(json_get(root, "rows")),
                                         .first = json_integer(json_get(root, "first")),
                                         .last = json_integer(json_get(root, "last")),
                                         .checkpoints = json_integer(json_get(root, "checkpoints")),
                                 });
        else
                end = CLI_FAILED;
        buf_fini(&answer);
        return end;
}

enum cli_exit cmd_audit_verify(struct cli *c)
{
        static const char *const of_offline[] = {"public-key", "checkpoints"};
        int64_t from;

        if (!sequence(c, "from", &from))
                return CLI_USAGE;
        if (cli_has(c, "offline"))
                return verify_offline(c, from);
        for (size_t i = 0; i < sizeof of_offline / sizeof *of_offline; i++)
                if (cli_has(c, of_offline[i]))
                        return cli_misuse(c, "--%s needs --offline", of_offline[i]);
        return verify_online(c, from);
}

enum cli_exit cmd_audit_public_key(struct cli *c)
{
        CLEANUP(json_freep) struct json *root = NULL;
        struct buf answer;
        enum cli_exit end = admin_ask(c, "GET", NULL, &answer, "/v1/admin/audit/public-key");

        if (end != CLI_FINE)
                return end;
        if (c->is_json) {
                admin_print(c, buf_view(&answer));
        } else if (json_parse(buf_view(&answer), 64, &root, NULL) == STATUS_OK) {
                struct span pem = json_get_text(root, "public_key");
                printf("%.*s", (int)pem.len, pem.p); /* as --public-key takes it */
        } else {
                end = CLI_FAILED;
        }
        buf_fini(&answer);
        return end;
}
