/* Who may do what: access records, and the question itself, as Authress's API has them. */
#include "app/commands.h"

#include <stdio.h>

/* [{member: value}] of an option's values. */
static void add_objects(struct buf *body, const struct cli *c, const char *option,
                        const char *member, const char *value_member)
{
        const char *text;

        if (!cli_has(c, option))
                return;
        json_key(body, member);
        json_arr_open(body);
        for (size_t i = 0; (text = cli_value_at(c, option, i)); i++) {
                json_obj_open(body);
                json_member_text(body, value_member, span_of(text));
                json_obj_close(body);
        }
        json_arr_close(body);
}

/* `--role R@URI` values, each a statement. */
static void add_statements(struct buf *body, const struct cli *c)
{
        const char *text;

        json_key(body, "statements");
        json_arr_open(body);
        for (size_t i = 0; (text = cli_value_at(c, "role", i)); i++) {
                struct span resource, role = span_split(span_of(text), '@', &resource);
                json_obj_open(body);
                json_key(body, "roles");
                json_arr_open(body);
                json_text(body, role);
                json_arr_close(body);
                json_key(body, "resources");
                json_arr_open(body);
                json_obj_open(body);
                json_member_text(body, "resourceUri", resource.p ? resource : SPAN("*"));
                json_obj_close(body);
                json_arr_close(body);
                json_obj_close(body);
        }
        json_arr_close(body);
}

enum cli_exit cmd_record_create(struct cli *c)
{
        struct buf body;

        if (!cli_needs(c, "name") || !cli_needs(c, "role"))
                return CLI_USAGE;
        admin_open(&body);
        admin_option(&body, c, "id", "recordId");
        admin_option(&body, c, "name", "name");
        add_objects(&body, c, "user", "users", "userId");
        add_objects(&body, c, "group", "groups", "groupId");
        add_objects(&body, c, "admin", "admins", "userId");
        add_statements(&body, c);
        return admin_call(c, "POST", &body, "/v1/records");
}

enum cli_exit cmd_record_list(struct cli *c)
{
        struct buf query;
        enum cli_exit end;

        buf_init(&query, 4096);
        admin_query(&query, c, "filter", "filter");
        if (cli_has(c, "deleted"))
                buf_text(&query, "status=DELETED&");
        end = admin_list(c, "/v1/records", query.data ? query.data : "");
        buf_fini(&query);
        return end;
}

enum cli_exit cmd_record_show(struct cli *c)
{
        return admin_call(c, "GET", NULL, "/v1/records/%s", admin_part(c, c->args[0]));
}

enum cli_exit cmd_record_delete(struct cli *c)
{
        return admin_call(c, "DELETE", NULL, "/v1/records/%s", admin_part(c, c->args[0]));
}

/* ---- check ---- */

/* {"allowed": ..., "explain"?: ...} */
static void print_answer(const struct cli *c, bool is_allowed, struct span answer)
{
        CLEANUP(json_freep) struct json *root = NULL;
        struct buf out, why;

        buf_init(&out, 65536);
        buf_init(&why, 65536);
        json_obj_open(&out);
        json_member_bool(&out, "allowed", is_allowed);
        if (is_allowed && json_parse(answer, 8, &root, NULL) == STATUS_OK &&
            json_get(root, "explain")) {
                json_dump(json_get(root, "explain"), &why);
                json_member_raw(&out, "explain", buf_view(&why));
        }
        json_obj_close(&out);
        admin_print(c, buf_view(&out));
        buf_fini(&why);
        buf_fini(&out);
}

enum cli_exit cmd_check(struct cli *c)
{
        struct buf answer;
        bool is_found;
        enum cli_exit end =
                admin_find(c, &is_found, &answer, "/v1/users/%s/resources/%s/permissions/%s%s",
                           admin_part(c, c->args[0]), admin_part(c, c->args[2]),
                           admin_part(c, c->args[1]), cli_has(c, "explain") ? "?explain=1" : "");

        if (end != CLI_FINE)
                return end;
        print_answer(c, is_found, buf_view(&answer));
        buf_fini(&answer);
        return is_found ? CLI_FINE : CLI_FAILED;
}
