/* An app "acme" that needs no agreement, and what it posts. */
#ifndef TESTS_WEBHOOK_RIG_H
#define TESTS_WEBHOOK_RIG_H

#include "domain_rig.h"

#include <chatelaine/base_metrics.h>
#include <chatelaine/codec_json.h>
#include <chatelaine/codec_text.h>
#include <chatelaine/domain_webhooks.h>

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])
#define RECEIVED "chatelaine.webhook.received.v1"
#define UPDATED "chatelaine.webhook.updated.v1"
#define FAILED "chatelaine.webhook.failed.v1"
#define REVOKED "chatelaine.key.revoked.v1"

/* ---- an app, and what it posts ---- */

struct post {
        const char *body, *slug;
        enum webhook_form form;
        int64_t user;
        bool is_lenient;
        const struct app_scopes *scopes; /* NULL: all */
        const uint8_t *digest;
        const char *webhook_id;
};

static const struct app_scopes all_scopes = {.is_all = true};

static inline int setup(void **state)
{
        rig_setup(state);
        RIG(state);
        struct app_create *c;
        OK(app_create_new(r->domain, NULL, &c, &f->err));
        c->slug = SPAN("acme");
        c->require_agreement = false;
        OK(rig_run(r, &c->base));
        domain_command_free(&c->base);
        return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, rig_teardown)

/* The default settings, which a test may change before it uses them. */
static inline struct settings *new_settings(struct rig *r, const char *rules)
{
        struct settings *s = rig_settings(r, rules);
        domain_set_settings(r->domain, s);
        return s;
}

/* The batch, scanned and not yet stored; NULL with the error in f->err. */
static inline struct webhook_batch *scan(struct rig *r, const struct post *p)
{
        struct fixture *f = &r->base;
        struct app_row app;
        struct webhook_batch *b = NULL;
        struct settings *s = domain_settings(r->domain);
        OK(app_find(r->db, span_of(p->slug ? p->slug : "acme"), &r->arena, &app, &f->err));
        enum status status =
                webhook_batch_new(r->domain, s, &app, p->scopes ? p->scopes : &all_scopes, p->user,
                                  span_of(p->body), p->form, &b, &f->err);
        settings_unref(s);
        if (status != STATUS_OK)
                return NULL;
        b->is_lenient = p->is_lenient;
        if (p->digest) {
                memcpy(b->replay_digest, p->digest, sizeof b->replay_digest);
                b->has_replay_digest = true;
                b->replay_ends_at = rig_clock() + 4 * MINUTE;
        }
        b->webhook_id = span_of(p->webhook_id);
        b->webhook_id_ends_at = rig_clock() + 7 * DAY;
        return b;
}

static const char *verdicts(struct rig *r, const struct webhook_batch *b)
{
        CLEANUP(buf_fini) struct buf out;
        buf_init(&out, 1 << 20);
        webhook_verdicts_write(b, &out);
        return arena_dup(&r->arena, buf_view(&out));
}

/* Status of the command; its verdicts go into the arena. */
static inline enum status try_post(struct rig *r, const struct post *p, const char **ret_verdicts)
{
        struct webhook_batch *b = scan(r, p);
        assert_non_null(b);
        enum status s = rig_run(r, &b->base);
        if (ret_verdicts)
                *ret_verdicts = verdicts(r, b);
        domain_command_free(&b->base);
        return s;
}

/* Outcomes of the items as letters: c u = - */
static const char *post(struct rig *r, const struct post *p)
{
        struct fixture *f = &r->base;
        struct webhook_batch *b = scan(r, p);
        if (!b)
                fail_msg("%s: %s", f->err.slug, f->err.text);
        OK(rig_run(r, &b->base));
        char *letters = arena_alloc(&r->arena, b->n_items + 1);
        for (size_t i = 0; i < b->n_items; i++)
                letters[i] = "-cu="[b->items[i].outcome];
        domain_command_free(&b->base);
        return letters;
}

static const char *post_body(struct rig *r, const char *body)
{
        return post(r, &(struct post){.body = body});
}

static inline int64_t rows(struct rig *r)
{
        return rig_int(r, "SELECT count(*) FROM first_party_webhook_log");
}

static const char *text_of(struct rig *r, const char *sql)
{
        struct fixture *f = &r->base;
        struct store_stmt *st;
        const char *text = "NULL";
        OK(store_query(r->db, sql, &st, &f->err, ""));
        if (store_next(st) && !store_is_null(st, 0))
                text = arena_dup(&r->arena, store_text(st, 0));
        OK(store_done(st, &f->err));
        return text;
}

static const char *newest(struct rig *r, const char *column)
{
        return text_of(r, arena_printf(&r->arena,
                                       "SELECT cast(%s as text) FROM first_party_webhook_log"
                                       " ORDER BY updated_at DESC, id DESC LIMIT 1",
                                       column));
}

#endif
