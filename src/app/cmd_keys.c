#include "app/commands.h"

#include <stdio.h>

/* False when the file cannot be read, which has been said. */
static bool put_upstream(struct cli *c, struct buf *body)
{
        struct buf token;
        struct error e;
        enum status s = cli_read_file(cli_value(c, "upstream-token-file"), 8192, true, &token, &e);

        if (s == STATUS_OK) {
                json_key(body, "upstream");
                json_obj_open(body);
                json_member_text(body, "name", span_of(cli_value(c, "upstream")));
                json_member_text(body, "token", token.len ? buf_view(&token) : SPAN(""));
                json_obj_close(body);
        } else {
                cli_fail(c, &e);
        }
        buf_fini_secret(&token);
        return s == STATUS_OK;
}

enum cli_exit cmd_key_mint(struct cli *c)
{
        struct buf body;

        if (!cli_needs(c, "user"))
                return CLI_USAGE;
        if (cli_has(c, "upstream") != cli_has(c, "upstream-token-file"))
                return cli_misuse(c, "--upstream and --upstream-token-file go together");
        if (cli_has(c, "expires-in") && cli_has(c, "expires-at"))
                return cli_misuse(c, "--expires-in or --expires-at, not both");
        admin_open(&body);
        admin_option(&body, c, "user", "user");
        admin_option(&body, c, "name", "name");
        admin_option(&body, c, "app", "app");
        admin_option(&body, c, "expires-in", "expires_in");
        admin_option(&body, c, "expires-at", "expires_at");
        admin_grants(&body, c, "role", "role", "grants");
        admin_options(&body, c, "resource", "resources");
        if (cli_has(c, "upstream") && !put_upstream(c, &body)) {
                buf_fini_secret(&body);
                return CLI_FAILED;
        }
        return admin_call(c, "POST", &body, "/v1/keys");
}

enum cli_exit cmd_key_list(struct cli *c)
{
        struct buf query;
        enum cli_exit end;

        buf_init(&query, 8192);
        buf_text(&query, "");
        admin_query(&query, c, "user", "user");
        admin_query(&query, c, "resource", "resource");
        admin_query(&query, c, "app", "app");
        admin_query(&query, c, "state", "state");
        admin_query(&query, c, "upstream-state", "upstream_state");
        admin_query(&query, c, "expires-before", "expires_before");
        end = admin_list(c, "/v1/keys", query.data);
        buf_fini(&query);
        return end;
}

enum cli_exit cmd_key_show(struct cli *c)
{
        return admin_call(c, "GET", NULL, "/v1/keys/%s", admin_part(c, c->args[0]));
}

enum cli_exit cmd_key_rotate(struct cli *c)
{
        struct buf body;

        admin_open(&body);
        admin_option(&body, c, "grace", "grace");
        return admin_call(c, "POST", &body, "/v1/keys/%s/rotate", admin_part(c, c->args[0]));
}

enum cli_exit cmd_key_retry(struct cli *c)
{
        return admin_call(c, "POST", NULL, "/v1/keys/%s/retry", admin_part(c, c->args[0]));
}

enum cli_exit cmd_key_revoke(struct cli *c)
{
        struct buf body;

        if (!c->n_args && !cli_has(c, "user") && !cli_has(c, "resource") && !cli_has(c, "app"))
                return cli_misuse(c, "which keys? give ids, --user, --resource or --app");
        admin_open(&body);
        admin_option(&body, c, "user", "user");
        admin_option(&body, c, "resource", "resource");
        admin_option(&body, c, "app", "app");
        if (c->n_args) {
                json_key(&body, "ids");
                json_arr_open(&body);
                for (int i = 0; i < c->n_args; i++)
                        json_text(&body, span_of(c->args[i]));
                json_arr_close(&body);
        }
        return admin_call(c, "POST", &body, "/v1/keys/revoke");
}

enum cli_exit cmd_key_verify(struct cli *c)
{
        CLEANUP(json_freep) struct json *root = NULL;
        struct buf body, key, answer;
        struct error e;
        enum cli_exit end;

        if (cli_read_file("-", 4096, true, &key, &e) != STATUS_OK) {
                buf_fini_secret(&key);
                return cli_fail(c, &e);
        }
        admin_open(&body);
        json_member_text(&body, "key", key.len ? span_trim(buf_view(&key)) : SPAN(""));
        buf_fini_secret(&key);
        admin_option(&body, c, "permission", "permission");
        admin_option(&body, c, "resource", "resource");
        end = admin_ask(c, "POST", &body, &answer, "/v1/keys/verify");
        if (end != CLI_FINE)
                return end;
        admin_print(c, buf_view(&answer));
        if (json_parse(buf_view(&answer), 64, &root, NULL) != STATUS_OK ||
            !json_is_true(json_get(root, "valid")))
                end = CLI_FAILED;
        if (json_get(root, "allowed") && !json_is_true(json_get(root, "allowed")))
                end = CLI_FAILED;
        buf_fini(&answer);
        return end;
}
