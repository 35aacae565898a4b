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

enum cli_exit cmd_client_key(struct cli *c)
{
        return admin_call(c, "POST", NULL, "/v1/admin/clients/%s/key", admin_part(c, c->args[0]));
}

enum cli_exit cmd_client_delete(struct cli *c)
{
        return admin_call(c, "DELETE", NULL, "/v1/admin/clients/%s", admin_part(c, c->args[0]));
}
