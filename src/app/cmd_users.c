#include "app/commands.h"

/* The password in `path` (without its trailing newline) as member "password". */
static enum status add_password(struct buf *body, const char *path, struct error *e)
{
        struct buf text;
        enum status s = cli_read_file(path, 1024, true, &text, e);

        if (s == STATUS_OK)
                json_member_text(body, "password", buf_view(&text));
        buf_fini_secret(&text);
        return s;
}

enum cli_exit cmd_user_create(struct cli *c)
{
        struct buf body;
        struct error e;

        admin_open(&body);
        json_member_text(&body, "name", span_of(c->args[0]));
        admin_grants(&body, c, "role", "role", "roles");
        if (cli_has(c, "password-file") &&
            add_password(&body, cli_value(c, "password-file"), &e) != STATUS_OK) {
                buf_fini_secret(&body);
                return cli_fail(c, &e);
        }
        return admin_call(c, "POST", &body, "/v1/admin/users");
}

enum cli_exit cmd_user_list(struct cli *c)
{
        return admin_list(c, "/v1/admin/users", "");
}

enum cli_exit cmd_user_passwd(struct cli *c)
{
        struct buf body;
        struct error e;

        admin_open(&body);
        if (add_password(&body, cli_has(c, "password-file") ? cli_value(c, "password-file") : "-",
                         &e) != STATUS_OK) {
                buf_fini_secret(&body);
                return cli_fail(c, &e);
        }
        return admin_call(c, "PATCH", &body, "/v1/admin/users/%s", admin_part(c, c->args[0]));
}

enum cli_exit cmd_user_delete(struct cli *c)
{
        return admin_call(c, "DELETE", NULL, "/v1/admin/users/%s", admin_part(c, c->args[0]));
}

enum cli_exit cmd_role_create(struct cli *c)
{
        struct buf body;

        if (!cli_needs(c, "permission"))
                return CLI_USAGE;
        admin_open(&body);
        json_member_text(&body, "name", span_of(c->args[0]));
        admin_options(&body, c, "permission", "permissions");
        return admin_call(c, "POST", &body, "/v1/admin/roles");
}

enum cli_exit cmd_role_list(struct cli *c)
{
        return admin_list(c, "/v1/admin/roles", "");
}
