#include "app/commands.h"

enum cli_exit cmd_inbox_create(struct cli *c)
{
        struct buf body;

        if (!cli_needs(c, "name"))
                return CLI_USAGE;
        admin_open(&body);
        admin_option(&body, c, "name", "name");
        return admin_call(c, "POST", &body, "/v1/inboxes");
}

enum cli_exit cmd_inbox_list(struct cli *c)
{
        return admin_list(c, "/v1/inboxes", "");
}

enum cli_exit cmd_document_create(struct cli *c)
{
        struct buf body;

        if (!cli_needs(c, "inbox") || !cli_needs(c, "name"))
                return CLI_USAGE;
        admin_open(&body);
        admin_option(&body, c, "inbox", "inbox");
        admin_option(&body, c, "name", "name");
        admin_option(&body, c, "id", "id");
        return admin_call(c, "POST", &body, "/v1/documents");
}

enum cli_exit cmd_document_list(struct cli *c)
{
        struct buf query;
        enum cli_exit end;

        buf_init(&query, 4096);
        buf_text(&query, "");
        admin_query(&query, c, "inbox", "inbox");
        end = admin_list(c, "/v1/documents", query.data);
        buf_fini(&query);
        return end;
}

enum cli_exit cmd_document_show(struct cli *c)
{
        return admin_call(c, "GET", NULL, "/v1/documents/%s", admin_part(c, c->args[0]));
}

enum cli_exit cmd_document_done(struct cli *c)
{
        return admin_call(c, "POST", NULL, "/v1/documents/%s/done", admin_part(c, c->args[0]));
}

enum cli_exit cmd_document_reopen(struct cli *c)
{
        return admin_call(c, "POST", NULL, "/v1/documents/%s/reopen", admin_part(c, c->args[0]));
}
