/*
 * Batches of an app: POST /v1/webhooks, /app/webhook, /app/webhook/{slug}.
 *
 *     credentials ─▶ rate ─▶ scan ─▶ bad items? ── strict ──▶ 400, verdicts, nothing stored
 *                                        │ none, or lenient
 *                                        ▼
 *                                     ledger ─▶ 204 | 200 verdicts asked for | 207 some were bad
 */
#include "api/endpoints.h"
#include "api/prefer.h"

#include <chatelaine/domain_webhooks.h>

struct intake {
        struct auth_app app; /* the batch borrows its row and scopes */
        struct prefer prefer;
};

static enum webhook_form form_of(enum http_media media)
{
        switch (media) {
        case MEDIA_CLOUDEVENT: return WEBHOOK_FORM_CLOUDEVENT;
        case MEDIA_CLOUDEVENT_BATCH: return WEBHOOK_FORM_CLOUDEVENT_BATCH;
        case MEDIA_NDJSON: return WEBHOOK_FORM_NDJSON;
        default: return WEBHOOK_FORM_JSON;
        }
}

/* ---- answers ---- */

static enum status bad_items(const struct webhook_batch *b, struct error *e)
{
        return error_set(e, STATUS_INVALID, "invalid-items", NULL,
                         "%zu of %zu items cannot be taken: nothing was stored.", b->n_bad,
                         b->n_items);
}

/* The verdicts as a problem: its members, and `items` as in every other answer. */
static enum status refuse_batch(struct call *c, const struct webhook_batch *b, struct error *e)
{
        struct error problem;
        (void)!bad_items(b, &problem);
        buf_char(&c->out, '{');
        http_problem_members(c->req, &problem, &c->out);
        json_member_int(&c->out, "status_code", 400);
        json_key(&c->out, "items");
        webhook_verdicts_items(b, &c->out);
        buf_char(&c->out, '}');
        TRY(call_out_check(c, e));
        call_reply(c, 400, "application/problem+json", buf_view(&c->out));
        return STATUS_OK;
}

static enum status reply_verdicts(struct call *c, const struct webhook_batch *b, struct error *e)
{
        const struct intake *in = c->state;
        if (!b->is_repeat) /* of which nothing was done, as preferred or otherwise */
                prefer_applied(c->req, &in->prefer);
        if (b->n_bad == 0 && (!in->prefer.is_representation || b->is_repeat)) {
                call_reply_empty(c, 204);
                return STATUS_OK;
        }
        webhook_verdicts_write(b, &c->out);
        TRY(call_out_check(c, e));
        call_reply_out(c, b->n_bad > 0 ? 207 : 200);
        return STATUS_OK;
}

static enum status answer_batch(struct call *c, struct domain_command *cmd, struct error *e)
{
        return reply_verdicts(c, (struct webhook_batch *)cmd, e);
}

/* What needs no transaction: nothing to store, or nothing that may be. */
static enum status answer_now(struct call *c, struct webhook_batch *b, struct error *e)
{
        const struct intake *in = c->state;
        struct error why;
        if (b->n_bad > 0 && bad_items(b, &why) != STATUS_OK)
                call_note(c, (int64_t)b->n_items, &why);
        enum status status = b->n_bad > 0 && !in->prefer.is_lenient ? refuse_batch(c, b, e)
                                                                    : reply_verdicts(c, b, e);
        domain_command_free(&b->base);
        return status;
}

/* ---- taking it in ---- */

static enum status take_batch(struct call *c, struct intake *in, struct error *e)
{
        const struct auth_app *app = &in->app;
        struct webhook_batch *b = NULL;
        struct error bad;
        enum status scanned = webhook_batch_new(c->domain, c->settings, &app->app, &app->scopes,
                                                app->has_user ? app->user_number : 0, c->view.body,
                                                form_of(http_media(c->req)), &b, &bad);
        /* What cannot be read counts as a request too. */
        enum status rate = auth_app_rate(auth_loop_auth(c->loop), app, b ? b->n_items : 0, e);
        if (rate == STATUS_OK && scanned != STATUS_OK)
                *e = bad;
        if (rate != STATUS_OK || !b) {
                if (b)
                        domain_command_free(&b->base);
                return rate != STATUS_OK ? rate : scanned;
        }
        b->is_lenient = in->prefer.is_lenient;
        b->has_replay_digest = app->has_replay_digest;
        memcpy(b->replay_digest, app->replay_digest, sizeof b->replay_digest);
        b->replay_ends_at = app->replay_ends_at;
        b->webhook_id = app->webhook_id;
        b->webhook_id_ends_at = app->webhook_id_ends_at;
        if (b->n_items == 0 || (b->n_bad > 0 && !b->is_lenient) || b->n_bad == b->n_items)
                return answer_now(c, b, e);
        return call_submit(c, &b->base, answer_batch, e);
}

static struct intake *intake_new(struct call *c)
{
        struct intake *in = NULL;
        if (CALL_NEW(c, in)) {
                in->prefer = prefer_read(c->req);
                c->state = in;
        }
        return in;
}

/* An app by Link or Signature, whichever its strategy says, with scope `webhook` or a narrower one.
 */
enum status webhooks_post(struct call *c, struct error *e)
{
        struct intake *in = intake_new(c);
        if (!in)
                return error_no_memory(e);
        enum status known = auth_app(auth_loop_auth(c->loop), c->loop, &c->view, "webhook",
                                     &in->app, &c->app, e);
        c->target = span_of(c->app.id);
        TRY(known);
        return take_batch(c, in, e);
}

/* An app of strategy STANDARD, by Standard Webhooks headers. */
enum status webhooks_post_standard(struct call *c, struct error *e)
{
        struct intake *in = intake_new(c);
        if (!in)
                return error_no_memory(e);
        c->target = api_param(c, "slug");
        TRY(auth_standard(auth_loop_auth(c->loop), c->loop, &c->view, c->target, &in->app, &c->app,
                          e));
        return take_batch(c, in, e);
}
