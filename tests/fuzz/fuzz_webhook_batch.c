/* A body in each form to items, event texts and verdicts: never a crash, and verdicts are JSON. */
#include "fuzz.h"

#include <chatelaine/codec_json.h>
#include <chatelaine/domain_rules.h>
#include <chatelaine/domain_webhooks.h>

#include <stdlib.h>

static struct settings settings = {.refs = 1};

static void setup(void)
{
        static struct config_rule rule = {.name = (char *)"done",
                                          .on = (char *)"document.*",
                                          .revoke = (char *)"documents/{data.document_id}"};
        static struct config config = {
                .limits = {.body_bytes = 1 << 20, .items = 100, .depth = 32},
                .rules = &rule,
                .n_rules = 1,
        };
        settings.config = &config;
        if (rules_new(&config, &settings.rules, NULL) != STATUS_OK)
                abort();
}

static void check(struct webhook_batch *b)
{
        CLEANUP(buf_fini) struct buf out;
        CLEANUP(json_freep) struct json *verdicts = NULL;
        struct error e;

        buf_init(&out, (size_t)1 << 20);
        b->is_lenient = true;
        if (b->base.prepare(&b->base, &e) != STATUS_OK)
                abort();
        webhook_verdicts_write(b, &out);
        if (buf_check(&out, &e) != STATUS_OK ||
            json_parse(buf_view(&out), 8, &verdicts, &e) != STATUS_OK ||
            json_size(json_get(verdicts, "items")) != b->n_items)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const struct app_row app = {.id = 1, .slug = {.p = "acme", .len = 4}};
        static struct span typed = {.p = "webhook:document", .len = 16};
        const struct app_scopes all = {.is_all = true}, some = {.list = &typed, .n = 1};

        if (!settings.config)
                setup();
        for (int form = WEBHOOK_FORM_JSON; form <= WEBHOOK_FORM_NDJSON; form++) {
                struct webhook_batch *b;
                struct error e;
                if (webhook_batch_new(NULL, &settings, &app, form % 2 ? &some : &all, 0,
                                      span_make(data, size), (enum webhook_form)form, &b,
                                      &e) != STATUS_OK)
                        continue;
                check(b);
                domain_command_free(&b->base);
        }
        return 0;
}
