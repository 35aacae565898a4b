#include "app/commands.h"

/* The text of --key-file as member "key". */
static enum status add_key(struct buf *body, const struct cli *c, struct error *e)
{
        struct buf text;
        enum status s;

        if (!cli_has(c, "key-file"))
                return STATUS_OK;
        s = cli_read_file(cli_value(c, "key-file"), 16384, true, &text, e);
        if (s == STATUS_OK)
                json_member_text(body, "key", buf_view(&text));
        buf_fini_secret(&text);
        return s;
}

enum cli_exit cmd_app_create(struct cli *c)
{
        struct buf body;
        struct error e;

        if (!cli_needs(c, "slug"))
                return CLI_USAGE;
        admin_open(&body);
        admin_option(&body, c, "slug", "slug");
        admin_option(&body, c, "name", "name");
        admin_option(&body, c, "algorithm", "algorithm");
        admin_option(&body, c, "strategy", "strategy");
        admin_options(&body, c, "scope", "scopes");
        admin_options(&body, c, "optional-scope", "optional_scopes");
        if (cli_has(c, "no-agreement"))
                json_member_bool(&body, "require_agreement", false);
        if (add_key(&body, c, &e) != STATUS_OK) {
                buf_fini_secret(&body);
                return cli_fail(c, &e);
        }
        return admin_call(c, "POST", &body, "/v1/apps");
}

enum cli_exit cmd_app_list(struct cli *c)
{
        return admin_list(c, "/v1/apps", "");
}

enum cli_exit cmd_app_show(struct cli *c)
{
        return admin_call(c, "GET", NULL, "/v1/apps/%s", admin_part(c, c->args[0]));
}

enum cli_exit cmd_app_rotate(struct cli *c)
{
        struct buf body;
        struct error e;

        admin_open(&body);
        admin_option(&body, c, "grace", "grace");
        if (add_key(&body, c, &e) != STATUS_OK) {
                buf_fini_secret(&body);
                return cli_fail(c, &e);
        }
        return admin_call(c, "POST", &body, "/v1/apps/%s/rotate", admin_part(c, c->args[0]));
}

enum cli_exit cmd_app_delete(struct cli *c)
{
        return admin_call(c, "DELETE", NULL, "/v1/apps/%s", admin_part(c, c->args[0]));
}

/* --user as the number that it is. */
static bool user_number(struct cli *c, int64_t *ret)
{
        struct error e;

        if (!cli_needs(c, "user"))
                return false;
        if (span_int64(span_of(cli_value(c, "user")), ret, &e) == STATUS_OK && *ret > 0)
                return true;
        cli_misuse(c, "--user takes a user's number");
        return false;
}

enum cli_exit cmd_app_agree(struct cli *c)
{
        struct buf body;
        int64_t number;

        if (!user_number(c, &number))
                return CLI_USAGE;
        admin_open(&body);
        json_member_int(&body, "user_id", number);
        admin_options(&body, c, "optional-scope", "optional_scopes");
        return admin_call(c, "POST", &body, "/v1/apps/%s/agreements", admin_part(c, c->args[0]));
}

enum cli_exit cmd_app_disagree(struct cli *c)
{
        struct buf body;
        int64_t number;

        if (!user_number(c, &number))
                return CLI_USAGE;
        admin_open(&body);
        json_member_int(&body, "user_id", number);
        return admin_call(c, "DELETE", &body, "/v1/apps/%s/agreements", admin_part(c, c->args[0]));
}

enum cli_exit cmd_app_agreements(struct cli *c)
{
        struct buf path;
        enum cli_exit end;

        buf_init(&path, 4096);
        buf_printf(&path, "/v1/apps/%s/agreements", admin_part(c, c->args[0]));
        end = admin_list(c, path.data, "");
        buf_fini(&path);
        return end;
}
