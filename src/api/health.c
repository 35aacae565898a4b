/* /healthz, /readyz, /metrics: for nobody in particular, on listeners with the face health. */
#include "api/endpoints.h"

#include <chatelaine/base_metrics.h>

enum status health_alive(struct call *c, struct error *e)
{
        (void)e;
        json_obj_open(&c->out);
        json_member_text(&c->out, "status", SPAN("ok"));
        json_member_text(&c->out, "version", span_of(api_of(c)->options.version));
        json_obj_close(&c->out);
        call_reply_out(c, 200);
        return STATUS_OK;
}

/* Of the file as it is now: it may have been put in the place of the one that serve looked at. */
static bool is_schema_right(struct store_conn *db)
{
        unsigned have, want;
        return store_conn_schema_version(db, &have, &want, NULL) == STATUS_OK && have == want;
}

/* A dead Kafka does not count: nothing but the publisher waits for it. */
enum status health_ready(struct call *c, struct error *e)
{
        (void)e;
        const struct api_hooks *hooks = &api_of(c)->options.hooks;
        struct check {
                const char *name;
                bool is_fine;
        } checks[] = {
                {"store", ledger_is_healthy(domain_ledger(c->domain))},
                {"schema", is_schema_right(c->db)},
                {"disk", !domain_is_disk_low(c->domain)},
                {"not_draining", !hooks->is_draining(hooks->ctx)},
        };
        const size_t n = sizeof checks / sizeof *checks;
        bool is_ready = true;
        for (size_t i = 0; i < n; i++)
                is_ready = is_ready && checks[i].is_fine;

        json_obj_open(&c->out);
        json_member_bool(&c->out, "ready", is_ready);
        json_key(&c->out, "checks");
        json_obj_open(&c->out);
        for (size_t i = 0; i < n; i++)
                json_member_bool(&c->out, checks[i].name, checks[i].is_fine);
        json_obj_close(&c->out);
        json_obj_close(&c->out);
        call_reply_out(c, is_ready ? 200 : 503);
        return STATUS_OK;
}

enum status health_metrics(struct call *c, struct error *e)
{
        metrics_write(&c->out);
        TRY(call_out_check(c, e));
        call_reply(c, 200, "text/plain; version=0.0.4; charset=utf-8", buf_view(&c->out));
        return STATUS_OK;
}
