#include "app/commands.h"

/* Values WHAT@URI of an option as grants; without @URI the resource is "*". */
static void add_grants(struct buf *body, const struct cli *c, const char *option)
{
        const char *text;

        for (size_t i = 0; (text = cli_value_at(c, option, i)); i++) {
                struct span resource, what = span_split(span_of(text), '@', &resource);
                json_obj_open(body);
                json_member_text(body, option, what);
                json_member_text(body, "resource", resource.p ? resource : SPAN("*"));
                json_obj_close(body);
        }
}

enum cli_exit cmd_client_create(struct cli *c)
{
        struct buf body;

        if (!cli_needs(c, "name"))
                return CLI_USAGE;
        admin_open(&body);
        admin_option(&body, c, "name", "name");
        admin_options(&body, c, "redirect-uri", "redirect_uris");
        json_key(&body, "grants");
        json_arr_open(&body);
        add_grants(&body, c, "permission");
        add_grants(&body, c, "role");
        json_arr_close(&body);
        return admin_call(c, "POST", &body, "/v1/admin/clients");
}

enum cli_exit cmd_client_list(struct cli *c)
{
        return admin_list(c, "/v1/admin/clients", "");
}

enum cli_exit cmd_client_show(struct cli *c)
{
        return admin_call(c, "GET", NULL, "/v1/admin/clients/%s", admin_part(c, c->args[0]));
}

/* The file's text, or nothing where the option is not given. */
static enum status add_public_key(struct buf *body, const struct cli *c, struct error *e)
{
        CLEANUP(buf_fini) struct buf text;
        const char *path = cli_value(c, "public-key");

        buf_init(&text, 16384);
        if (!path)
                return STATUS_OK;
        TRY(cli_read_file(path, 16384, true, &text, e));
        json_member_text(body, "publicKey", buf_view(&text));
        return STATUS_OK;
}

static enum cli_exit access_key(struct cli *c)
{
        struct buf body;
        struct error e;

        admin_open(&body);
        if (add_public_key(&body, c, &e) != STATUS_OK) {
                buf_fini(&body);
                return cli_fail(c, &e);
        }
        admin_option(&body, c, "expires-in", "expiresIn");
        admin_option(&body, c, "expires-at", "expiresAt");
        admin_options(&body, c, "resource", "resources");
        admin_option(&body, c, "replaces", "replaces");
        admin_option(&body, c, "grace", "grace");
        return admin_call(c, "POST", &body, "/v1/clients/%s/access-keys",
                          admin_part(c, c->args[0]));
}

enum cli_exit cmd_client_key(struct cli *c)
{
        static const char *const of_access[] = {"public-key", "expires-in", "expires-at",
                                                "resource",   "replaces",   "grace"};

        if (cli_has(c, "access"))
                return access_key(c);
        for (size_t i = 0; i < sizeof of_access / sizeof *of_access; i++)
                if (cli_has(c, of_access[i]))
                        return cli_misuse(c, "--%s needs --access", of_access[i]);
        return admin_call(c, "POST", NULL, "/v1/admin/clients/%s/key", admin_part(c, c->args[0]));
}

enum cli_exit cmd_client_delete(struct cli *c)
{
        const char *kid = cli_value(c, "key");

        if (kid)
                return admin_call(c, "DELETE", NULL, "/v1/clients/%s/access-keys/%s",
                                  admin_part(c, c->args[0]), admin_part(c, kid));
        return admin_call(c, "DELETE", NULL, "/v1/admin/clients/%s", admin_part(c, c->args[0]));
}
