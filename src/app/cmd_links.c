#include "app/commands.h"

enum cli_exit cmd_link_create(struct cli *c)
{
        struct buf body;

        if (!cli_needs(c, "inbox") || !cli_needs(c, "document") || !cli_needs(c, "user"))
                return CLI_USAGE;
        admin_open(&body);
        admin_option(&body, c, "inbox", "inbox");
        admin_option(&body, c, "document", "document");
        admin_option(&body, c, "user", "user");
        admin_option(&body, c, "expires-in", "expires_in");
        return admin_call(c, "POST", &body, "/v1/links");
}
