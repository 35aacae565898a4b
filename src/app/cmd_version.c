#include "app/commands.h"

#include <chatelaine/codec_text.h>
#include <chatelaine/http.h>
#include <chatelaine/outbound.h>
#include <chatelaine/publish.h>
#include <chatelaine/store.h>

#include <stdio.h>

/* Each room tells the versions of the libraries that are its own. */
enum cli_exit cmd_version(struct cli *c)
{
        const struct {
                const char *name, *version;
        } rows[] = {
                {"chatelaine", CHATELAINE_VERSION}, {"libconfuse", config_library()},
                {"jansson", json_library()},        {"openssl", crypto_library()},
                {"sqlite", store_library()},        {"libevent", http_library()},
                {"librdkafka", publish_library()},  {"libcurl", outbound_library()},
        };
        struct buf b;

        buf_init(&b, 4096);
        json_obj_open(&b);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
                json_member_text(&b, rows[i].name, span_of(rows[i].version));
        json_obj_close(&b);
        admin_print(c, buf_view(&b));
        buf_fini(&b);
        return CLI_FINE;
}
