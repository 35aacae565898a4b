#include "webhook_rig.h"

/* ---- rules ---- */

/* A key on a document. The default configuration has the rule of document.done. */
static struct minted document_key(struct rig *r, const char *document)
{
        return rig_mint(
                r, &(struct mint){.resource = arena_printf(&r->arena, "documents/%s", document)});
}

static void with_rules(struct rig *r, const char *rules)
{
        new_settings(r, rules);
        rig_user(r, "guest", NULL, 0);
}

static void test_a_rule_revokes_in_the_same_transaction(void **state)
{
        struct rig *r = *state;
        with_rules(r, "");
        struct minted k = document_key(r, "d1"), other = document_key(r, "d2");
        assert_true(rig_is_valid(r, k.key));
        assert_string_equal(post_body(r, "[{\"id\":\"w1\",\"type\":\"document.done\","
                                         "\"data\":{\"document_id\":\"d1\"}},{\"id\":\"x\"}]"),
                            "cc");
        assert_false(rig_is_valid(r, k.key));
        assert_true(rig_is_valid(r, other.key));
        assert_int_equal(rig_events(r, REVOKED), 1);
        assert_non_null(strstr(rig_event(r, REVOKED), "\"reason\":\"document-done\""));
        assert_int_equal(rig_int(r, "SELECT count(*) FROM tombstones WHERE document_id = 'd1'"), 1);
        assert_int_equal(rig_int(r, "SELECT status FROM first_party_webhook_log"
                                    " WHERE external_id = 'w1'"),
                         WEBHOOK_DONE);
        assert_int_equal(rig_events(r, RECEIVED), 2); /* one an item */
}

/* Whoever keeps rows by the generation (domain_generation) would let in what a rule has ended. */
static void test_only_a_rule_that_runs_makes_a_new_generation(void **state)
{
        struct rig *r = *state;
        with_rules(r, "rule \"b\" { on = \"b\" revoke = \"users/{data.b}\" }\n");
        uint64_t before = domain_generation(r->domain);
        post_body(r, "[{\"id\":1,\"type\":\"a\"},{\"id\":2,\"type\":\"a\"}]");
        assert_int_equal(domain_generation(r->domain), before);
        post_body(r, "{\"id\":\"w\",\"type\":\"document.done\",\"data\":{\"document_id\":\"d1\"}}");
        assert_int_equal(domain_generation(r->domain), before + 1);
        post_body(r, "{\"id\":3,\"type\":\"b\",\"data\":{\"b\":\"nobody\"}}");
        assert_int_equal(domain_generation(r->domain), before + 2);
}

static void test_a_done_row_does_not_run_its_rules_twice(void **state)
{
        struct rig *r = *state;
        const char *const done = "{\"id\":\"w1\",\"type\":\"document.done\","
                                 "\"data\":{\"document_id\":\"d1\"}}";
        with_rules(r, "");
        assert_string_equal(post_body(r, done), "c");
        assert_int_equal(rig_done(r, "d1", true), 0); /* reopened */
        struct minted k = document_key(r, "d1");
        assert_string_equal(post_body(r, done), "=");
        assert_true(rig_is_valid(r, k.key));
        assert_string_equal(post_body(r, "{\"id\":\"w1\",\"type\":\"document.done\","
                                         "\"data\":{\"document_id\":\"d1\",\"n\":2}}"),
                            "u");
        assert_false(rig_is_valid(r, k.key));
        assert_int_equal(rig_events(r, UPDATED), 1);
}

static void test_an_item_that_its_rule_cannot_read_is_an_error(void **state)
{
        struct rig *r = *state;
        with_rules(r, "");
        struct minted k = document_key(r, "d1");
        const char *said;
        struct post p = {
                .body = "{\"id\":\"w\",\"type\":\"document.done\",\"data\":{\"document_id\":"
                        "\"*\"}}"};
        assert_int_equal(try_post(r, &p, &said), STATUS_OK);
        assert_non_null(strstr(said, "\"outcome\":\"created\",\"version\":1,\"status\":\"ERROR\""));
        assert_string_equal(newest(r, "status || processed || attempts"), "201");
        assert_non_null(strstr(newest(r, "status_text"), "{data.document_id}"));
        assert_true(rig_is_valid(r, k.key));
        assert_int_equal(rig_events(r, RECEIVED), 1);
        assert_int_equal(rig_events(r, FAILED), 0);
        assert_non_null(strstr(rig_event(r, RECEIVED), "\"status\":\"ERROR\""));

        /* not done: run again, though the data is the same */
        rig_advance(1);
        assert_string_equal(post(r, &p), "u");
        assert_string_equal(newest(r, "status || attempts || version"), "222");
        p.body = "{\"id\":\"w\",\"type\":\"document.done\",\"data\":{\"document_id\":\"d1\"}}";
        assert_string_equal(post(r, &p), "u");
        assert_string_equal(newest(r, "status || processed || attempts"), "113");
        assert_string_equal(newest(r, "status_text"), "NULL");
        assert_false(rig_is_valid(r, k.key));
}

static void test_a_rule_has_the_rights_of_the_app(void **state)
{
        struct rig *r = *state;
        struct span list[] = {SPAN("webhook"), SPAN("document:done")};
        struct app_scopes without = {.list = list, .n = 1}, with = {.list = list, .n = 2};
        with_rules(r, "");
        struct minted k = document_key(r, "d1");
        struct post p = {
                .body = "{\"id\":\"w\",\"type\":\"document.done\",\"data\":{\"document_id\":"
                        "\"d1\"}}",
                .scopes = &without};
        assert_string_equal(post(r, &p), "c");
        assert_string_equal(newest(r, "status"), "2");
        assert_non_null(strstr(newest(r, "status_text"), "missing scope document:done"));
        assert_true(rig_is_valid(r, k.key));
        p.scopes = &with;
        assert_string_equal(post(r, &p), "u");
        assert_false(rig_is_valid(r, k.key));
}

static void test_all_rules_of_an_item_or_none(void **state)
{
        struct rig *r = *state;
        with_rules(r, "rule \"a\" { on = \"both\" revoke = \"documents/{data.a}\" }\n"
                      "rule \"b\" { on = \"bo*\" revoke = \"users/{data.b}\" }\n");
        struct minted k = document_key(r, "d1"), u = document_key(r, "d2");
        assert_string_equal(post_body(r, "{\"id\":1,\"type\":\"both\",\"data\":{\"a\":\"d1\"}}"),
                            "c");
        assert_true(rig_is_valid(r, k.key));
        assert_string_equal(post_body(r, "{\"id\":1,\"type\":\"both\","
                                         "\"data\":{\"a\":\"d1\",\"b\":\"nobody\"}}"),
                            "u");
        assert_false(rig_is_valid(r, k.key));
        assert_true(rig_is_valid(r, u.key));
}

static void test_a_replay_runs_the_rules_again(void **state)
{
        RIG(state);
        struct webhook_replay *c;
        struct settings *s = domain_settings(r->domain);
        with_rules(r, "");
        post_body(r, "{\"id\":\"w\",\"type\":\"document.done\",\"data\":{\"document_id\":\"d1\"}}");
        rig_done(r, "d1", true);
        struct minted k = document_key(r, "d1");
        rig_advance(1);
        for (int64_t id = 1; id <= 2; id++) {
                OK(webhook_replay_new(r->domain, s, &c, &f->err));
                c->log_id = id;
                assert_int_equal(rig_run(r, &c->base), id == 1 ? STATUS_OK : STATUS_NOT_FOUND);
                domain_command_free(&c->base);
        }
        settings_unref(s);
        assert_false(rig_is_valid(r, k.key));
        assert_string_equal(newest(r, "status || attempts || version"), "121");
        assert_non_null(strstr(rig_event(r, "chatelaine.webhook.done.v1"), "\"attempts\":2"));
        assert_string_equal(
                text_of(r, "SELECT key FROM journal WHERE type = 'chatelaine.webhook.done.v1'"),
                "acme/w");
}

/* ---- queries and the purge ---- */

static const char *list(struct rig *r, const struct webhook_filter *w, const struct page *p)
{
        struct fixture *f = &r->base;
        CLEANUP(buf_fini) struct buf out;
        buf_init(&out, 1 << 20);
        OK(webhook_list(r->db, w, p, NULL, &out, &f->err));
        return arena_dup(&r->arena, buf_view(&out));
}

static size_t listed(struct rig *r, struct webhook_filter w)
{
        struct json *v;
        struct page p = {.limit = 100};
        assert_int_equal(json_parse(span_of(list(r, &w, &p)), 16, &v, NULL), STATUS_OK);
        size_t n = json_size(json_get(v, "items"));
        assert_true(json_is_null(json_get(v, "next_cursor")));
        json_free(v);
        return n;
}

static void test_rows_are_found_by_each_filter(void **state)
{
        RIG(state);
        CLEANUP(buf_fini) struct buf out;
        struct span app;
        post_body(r, "[{\"id\":\"a\",\"type\":\"t\",\"data\":{ \"x\" : 1.10 }},{\"id\":\"b\"},{}]");
        rig_advance(MINUTE);
        post(r, &(struct post){.body = "[{\"id\":\"a\"}]", .user = 7});
        assert_int_equal(listed(r, (struct webhook_filter){0}), 4);
        assert_int_equal(listed(r, (struct webhook_filter){.app = SPAN("acme")}), 4);
        assert_int_equal(listed(r, (struct webhook_filter){.app = SPAN("other")}), 0);
        assert_int_equal(listed(r, (struct webhook_filter){.external_id = SPAN("a")}), 2);
        assert_int_equal(
                listed(r, (struct webhook_filter){.app = SPAN("acme"), .external_id = SPAN("a")}),
                2);
        assert_int_equal(listed(r, (struct webhook_filter){.app = SPAN("acme"),
                                                           .external_id = SPAN("a"),
                                                           .type = SPAN("t")}),
                         1);
        assert_int_equal(listed(r, (struct webhook_filter){.type = SPAN("unknown")}), 3);
        assert_int_equal(listed(r, (struct webhook_filter){.has_user = true, .user_id = 7}), 1);
        assert_int_equal(listed(r, (struct webhook_filter){.has_user = true}), 3);
        assert_int_equal(
                listed(r, (struct webhook_filter){.has_status = true, .status = WEBHOOK_ERROR}), 0);
        assert_int_equal(listed(r, (struct webhook_filter){.since_ms = T0 + MINUTE}), 1);
        assert_int_equal(listed(r, (struct webhook_filter){.until_ms = T0 + MINUTE}), 3);

        buf_init(&out, 1 << 16);
        OK(webhook_write(r->db, 1, &app, &r->arena, &out, &f->err));
        assert_true(span_is(app, "acme"));
        assert_string_equal(
                out.data,
                "{\"log_id\":1,\"app\":\"acme\",\"user_id\":null,\"external_id\":\"a\",\"type\":\"t\","
                "\"data\":{ \"x\" : 1.10 },\"status\":\"DONE\",\"processed\":true,\"attempts\":1,"
                "\"status_text\":null,\"version\":1,\"received_at\":\"2027-01-15T08:00:00.000Z\","
                "\"updated_at\":\"2027-01-15T08:00:00.000Z\"}");
        assert_int_equal(webhook_write(r->db, 99, &app, &r->arena, &out, &f->err),
                         STATUS_NOT_FOUND);
}

static void test_a_list_goes_on_behind_its_cursor(void **state)
{
        struct rig *r = *state;
        post_body(r, "[{},{},{},{},{}]");
        struct page p = {.limit = 2};
        struct webhook_filter all = {0};
        static const int64_t firsts[] = {1, 3, 5};
        struct json *v;
        for (size_t i = 0; i < LENGTH(firsts); i++) {
                assert_int_equal(json_parse(span_of(list(r, &all, &p)), 16, &v, NULL), STATUS_OK);
                const struct json *first = json_at(json_get(v, "items"), 0);
                assert_int_equal(json_integer(json_get(first, "log_id")), firsts[i]);
                p.cursor = arena_span(&r->arena, json_get_text(v, "next_cursor"));
                json_free(v);
        }
        assert_null(p.cursor.p);
}

static void test_a_list_shows_what_its_caller_may_read(void **state)
{
        RIG(state);
        CLEANUP(buf_fini) struct buf out;
        post_body(r, "[{},{},{}]");
        struct principal nobody = {.db = r->db}, all = {.db = r->db, .is_all = true};
        struct page p = {.limit = 1};
        buf_init(&out, 1 << 16);
        OK(webhook_list(r->db, &(struct webhook_filter){0}, &p, &nobody, &out, &f->err));
        assert_string_equal(out.data, "{\"items\":[],\"next_cursor\":null}");
        buf_reset(&out);
        OK(webhook_list(r->db, &(struct webhook_filter){0}, &p, &all, &out, &f->err));
        assert_non_null(strstr(out.data, "\"log_id\":1,"));
        assert_null(strstr(out.data, "\"log_id\":2,"));
}

static enum status purge(struct ledger_tx *tx, unsigned limit, int64_t *n, bool *more,
                         struct error *e)
{
        return webhooks_purge_in(tx, T0 + DAY, limit, n, more, e);
}

static void test_the_purge_takes_old_rows_in_slices(void **state)
{
        struct rig *r = *state;
        bool more;
        post_body(r, "[{\"id\":\"kept\"},{},{},{},{}]");
        rig_advance(DAY);
        post_body(r, "[{\"id\":\"kept\",\"data\":[]},{}]"); /* updated since */
        assert_int_equal(rig_job(r, purge, 3, &more), 2);
        assert_true(more);
        assert_int_equal(rig_job(r, purge, 3, &more), 2);
        assert_false(more);
        assert_int_equal(rig_job(r, purge, 3, &more), 0);
        assert_int_equal(rows(r), 2);
        assert_string_equal(post_body(r, "{\"id\":\"kept\",\"data\":[]}"), "=");
}

static void test_the_newest_row_is_never_purged(void **state)
{
        struct rig *r = *state;
        bool more;
        post_body(r, "[{},{},{}]");
        rig_advance(2 * DAY);
        assert_int_equal(rig_job(r, purge, 100, &more), 2);
        post_body(r, "{}");
        assert_int_equal(rig_int(r, "SELECT max(id) FROM first_party_webhook_log"), 4);
}

static void test_items_are_counted_by_outcome(void **state)
{
        RIG(state);
        CLEANUP(buf_fini) struct buf out;
        struct post p = {.body = "[{\"id\":1},{\"id\":1},5]", .slug = "counted"};
        struct app_create *c;
        OK(app_create_new(r->domain, NULL, &c, &f->err));
        c->slug = SPAN("counted");
        c->require_agreement = false;
        OK(rig_run(r, &c->base));
        domain_command_free(&c->base);
        (void)try_post(r, &p, NULL);
        p.is_lenient = true;
        (void)try_post(r, &p, NULL);
        buf_init(&out, 1 << 20);
        metrics_write(&out);
        assert_non_null(
                strstr(out.data,
                       "chatelaine_webhook_items_total{app=\"counted\",outcome=\"rejected\"} 4\n"));
        assert_non_null(
                strstr(out.data,
                       "chatelaine_webhook_items_total{app=\"counted\",outcome=\"created\"} 2\n"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_a_rule_revokes_in_the_same_transaction),
                TEST(test_only_a_rule_that_runs_makes_a_new_generation),
                TEST(test_a_done_row_does_not_run_its_rules_twice),
                TEST(test_an_item_that_its_rule_cannot_read_is_an_error),
                TEST(test_a_rule_has_the_rights_of_the_app),
                TEST(test_all_rules_of_an_item_or_none),
                TEST(test_a_replay_runs_the_rules_again),
                TEST(test_rows_are_found_by_each_filter),
                TEST(test_a_list_goes_on_behind_its_cursor),
                TEST(test_a_list_shows_what_its_caller_may_read),
                TEST(test_the_purge_takes_old_rows_in_slices),
                TEST(test_the_newest_row_is_never_purged),
                TEST(test_items_are_counted_by_outcome),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
