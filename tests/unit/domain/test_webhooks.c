#include "webhook_rig.h"

/* ---- rows ---- */

static void test_an_item_becomes_a_row_byte_for_byte(void **state)
{
        struct rig *r = *state;
        assert_string_equal(post_body(r,
                                      "{\"id\":\"e-1\",\"type\":\"invoice.paid\",\"data\": "
                                      "{ \"n\" : 1.10, \"n\":12345678901234567890 } , \"x\":[]}"),
                            "c");
        assert_string_equal(newest(r, "data"), "{ \"n\" : 1.10, \"n\":12345678901234567890 }");
        assert_string_equal(newest(r, "external_id"), "e-1");
        assert_string_equal(newest(r, "type"), "invoice.paid");
        assert_string_equal(newest(r, "status || processed || attempts || version"), "1111");
        assert_string_equal(newest(r, "status_text"), "NULL");
        assert_string_equal(newest(r, "user_id"), "0");
        assert_int_equal(rig_int(r, "SELECT received_at FROM first_party_webhook_log"), T0);
}

static void test_a_redelivery_updates_only_what_has_changed(void **state)
{
        struct rig *r = *state;
        const char *const first = "{\"id\":\"a\",\"data\":{\"n\":1}}";
        assert_string_equal(post_body(r, first), "c");
        rig_advance(MINUTE);
        assert_string_equal(post_body(r, first), "=");
        assert_string_equal(post_body(r, "{\"id\":\"a\",\"type\":null,\"data\": { \"n\" : 1 }}"),
                            "=");
        assert_string_equal(newest(r, "data"), "{\"n\":1}");
        assert_int_equal(rig_int(r, "SELECT updated_at FROM first_party_webhook_log"), T0);
        assert_int_equal(rig_events(r, UPDATED), 0);

        assert_string_equal(post_body(r, "{\"id\":\"a\",\"data\":{\"n\":2}}"), "u");
        assert_string_equal(newest(r, "data"), "{\"n\":2}");
        assert_string_equal(newest(r, "attempts || version"), "22");
        assert_int_equal(rig_int(r, "SELECT updated_at FROM first_party_webhook_log"), T0 + MINUTE);
        assert_int_equal(rig_int(r, "SELECT received_at FROM first_party_webhook_log"), T0);
        assert_string_equal(post_body(r, "{\"id\":\"a\"}"), "u"); /* no data: null */
        assert_string_equal(newest(r, "data"), "NULL");
        assert_string_equal(post_body(r, "{\"id\":\"a\",\"data\":null}"), "=");
        assert_int_equal(rows(r), 1);
        assert_int_equal(rig_events(r, RECEIVED), 1);
        assert_int_equal(rig_events(r, UPDATED), 2);
}

static void test_a_key_is_app_user_id_and_type(void **state)
{
        struct rig *r = *state;
        const char *const a = "{\"id\":\"a\"}";
        assert_string_equal(post_body(r, a), "c");
        assert_string_equal(post(r, &(struct post){.body = a, .user = 7}), "c");
        assert_string_equal(post_body(r, "{\"id\":\"a\",\"type\":\"t\"}"), "c");
        assert_string_equal(post(r, &(struct post){.body = a, .user = 7}), "=");
        assert_string_equal(post_body(r, "{\"id\":\"a\",\"type\":\"unknown\"}"), "=");
        assert_int_equal(rows(r), 3);
}

static void test_ids_are_texts_and_only_null_is_none(void **state)
{
        struct rig *r = *state;
        assert_string_equal(post_body(r, "{\"id\":7}"), "c");
        assert_string_equal(post_body(r, "{\"id\":\"7\"}"), "=");
        assert_string_equal(post_body(r, "{\"id\":\"\\u0037\"}"), "=");
        assert_string_equal(post_body(r, "{\"\\u0069d\":7}"), "=");
        assert_string_equal(post_body(r, "[{\"id\":0},{\"id\":-0},{\"id\":\"0\"}]"), "ccc");
        assert_int_equal(rows(r), 2);
        assert_string_equal(post_body(r, "{\"id\":123456789012345678901234567890}"), "c");
        assert_string_equal(newest(r, "external_id"), "123456789012345678901234567890");
        assert_string_equal(post_body(r, "[{\"id\":null},{},{\"id\":null}]"), "ccc");
        assert_string_equal(post_body(r, "{\"id\":null}"), "c");
        assert_int_equal(rows(r), 7);
}

static void test_the_last_of_a_key_wins_within_a_batch(void **state)
{
        struct rig *r = *state;
        const char *said;
        assert_int_equal(try_post(r,
                                  &(struct post){.body = "[{\"id\":1,\"data\":[1]},{\"id\":2},"
                                                         "{\"id\":\"1\",\"data\":[2]},"
                                                         "{\"id\":1,\"data\":[3]},"
                                                         "{\"id\":1,\"type\":\"x\"}]"},
                                  &said),
                         STATUS_OK);
        struct json *v;
        assert_int_equal(json_parse(span_of(said), 8, &v, NULL), STATUS_OK);
        const struct json *items = json_get(v, "items");
        int64_t winner = json_integer(json_get(json_at(items, 3), "log_id"));
        assert_int_equal(json_size(items), 5);
        assert_true(winner > 0);
        for (size_t i = 0; i < 3; i += 2) {
                assert_int_equal(json_integer(json_get(json_at(items, i), "log_id")), winner);
                assert_true(span_is(json_get_text(json_at(items, i), "outcome"), "created"));
        }
        assert_int_not_equal(json_integer(json_get(json_at(items, 4), "log_id")), winner);
        json_free(v);
        assert_int_equal(rows(r), 3);
        assert_string_equal(
                text_of(r, "SELECT data FROM first_party_webhook_log WHERE external_id = '1'"
                           " AND type = 'unknown'"),
                "[3]");
        assert_int_equal(rig_events(r, RECEIVED), 3);
}

static void test_a_large_batch_is_stored_in_its_order(void **state)
{
        struct rig *r = *state;
        CLEANUP(buf_fini) struct buf body;
        buf_init(&body, 1 << 20);
        buf_char(&body, '[');
        for (int i = 0; i < 1000; i++)
                buf_printf(&body, "%s{\"id\":\"e%04d\",\"data\":{\"n\":%d}}", i ? "," : "", i, i);
        buf_char(&body, ']');
        post_body(r, body.data);
        assert_int_equal(rows(r), 1000);
        assert_int_equal(rig_int(r, "SELECT count(*) FROM first_party_webhook_log a"
                                    " JOIN first_party_webhook_log b ON b.id = a.id + 1"
                                    " WHERE b.external_id < a.external_id"),
                         0);
        assert_int_equal(rig_events(r, RECEIVED), 1000);
        rig_advance(1);
        const char *again = post_body(r, body.data);
        assert_int_equal(strspn(again, "="), 1000);
        assert_int_equal(rig_events(r, RECEIVED), 1000);
}

static void test_an_empty_batch_stores_nothing(void **state)
{
        struct rig *r = *state;
        assert_string_equal(post_body(r, "[]"), "");
        assert_string_equal(post(r, &(struct post){.body = "\n\n", .form = WEBHOOK_FORM_NDJSON}),
                            "");
        assert_int_equal(rows(r), 0);
}

/* ---- bad items ---- */

static const struct {
        const char *item, *slug;
} bad_items[] = {
        {"5", "invalid-item"},
        {"\"x\"", "invalid-item"},
        {"[]", "invalid-item"},
        {"null", "invalid-item"},
        {"{\"id\":1,\"id\":2}", "invalid-item"},
        {"{\"id\":1,\"i\\u0064\":2}", "invalid-item"},
        {"{\"type\":\"a\",\"type\":\"a\"}", "invalid-item"},
        {"{\"data\":{},\"data\":{}}", "invalid-item"},
        {"{\"id\":\"\"}", "invalid-id"},
        {"{\"id\":1.5}", "invalid-id"},
        {"{\"id\":1e2}", "invalid-id"},
        {"{\"id\":true}", "invalid-id"},
        {"{\"id\":false}", "invalid-id"},
        {"{\"id\":{}}", "invalid-id"},
        {"{\"id\":[]}", "invalid-id"},
        {"{\"id\":\"a\\u0000b\"}", "invalid-id"},
        {"{\"type\":5}", "invalid-type"},
        {"{\"type\":true}", "invalid-type"},
        {"{\"type\":\"123456789012345678901234567890123456789012345678901\"}", "invalid-type"},
        {"{\"type\":\"a\\u0000\"}", "invalid-type"},
        {"{\"data\":\"x\"}", "invalid-data"},
        {"{\"data\":\"\"}", "invalid-data"},
        {"{\"data\":5}", "invalid-data"},
        {"{\"data\":0.1}", "invalid-data"},
        {"{\"data\":true}", "invalid-data"},
};

static void test_each_kind_of_bad_item_has_its_slug(void **state)
{
        struct rig *r = *state;
        for (size_t i = 0; i < LENGTH(bad_items); i++) {
                struct webhook_batch *b =
                        scan(r, &(struct post){.body = arena_printf(&r->arena, "[%s,{}]",
                                                                    bad_items[i].item)});
                assert_non_null(b);
                assert_int_equal(b->n_items, 2);
                assert_int_equal(b->n_bad, 1);
                assert_null(b->items[1].slug);
                if (!b->items[0].slug || strcmp(b->items[0].slug, bad_items[i].slug) != 0)
                        fail_msg("%s: %s", bad_items[i].item, b->items[0].slug);
                domain_command_free(&b->base);
        }
}

static void test_ids_and_types_are_taken_up_to_their_bounds(void **state)
{
        struct rig *r = *state;
        char body[4096], id[600];
        memset(id, 'x', sizeof id);
        snprintf(body, sizeof body, "[{\"id\":\"%.255s\"},{\"id\":\"\\u0078%.254s\"}]", id, id);
        assert_string_equal(post_body(r, body), "cc");
        assert_int_equal(rows(r), 1);
        snprintf(body, sizeof body, "[{\"id\":\"%.256s\"},{\"id\":\"%0300d\"}, {\"id\":1%0255d}]",
                 id, 0, 0);
        struct webhook_batch *b = scan(r, &(struct post){.body = body});
        assert_int_equal(b->n_bad, 3);
        domain_command_free(&b->base);
        /* 50 characters of two bytes, 50 escapes */
        assert_string_equal(
                post_body(r,
                          "[{\"type\":\"ääääääääääääääääääääääääääääääääääääääääääääääääää\"},"
                          "{\"type\":\"\\u0061\\u0061\\u0061\\u0061\\u0061\\u0061\\u0061\\u0061"
                          "\\u0061\\u0061\\u0061\\u0061\\u0061\\u0061\\u0061\\u0061\\u0061\\u0061"
                          "\\u0061\\u0061\"},{\"type\":\"\"}]"),
                "ccc");
        static const char *const data[] = {"{}", "[]",  "null", "false",
                                           "0",  "0.0", "-0",   "[1,\"x\"]"};
        for (size_t i = 0; i < LENGTH(data); i++) {
                snprintf(body, sizeof body, "{\"data\":%s}", data[i]);
                assert_string_equal(post_body(r, body), "c");
                assert_string_equal(
                        text_of(r,
                                "SELECT data FROM first_party_webhook_log ORDER BY id DESC LIMIT 1"),
                        data[i]);
        }
}

static void test_one_bad_item_keeps_a_strict_batch_out(void **state)
{
        struct rig *r = *state;
        const char *said;
        struct post p = {.body = "[{\"id\":\"a\"},{\"id\":true},{\"id\":\"a\",\"data\":5}]"};
        assert_int_equal(try_post(r, &p, &said), STATUS_INVALID);
        assert_string_equal(r->base.err.slug, "invalid-items");
        assert_int_equal(rows(r), 0);
        assert_string_equal(
                said,
                "{\"items\":[{\"index\":0,\"id\":\"a\",\"log_id\":null,\"outcome\":\"rejected\","
                "\"version\":null,\"status\":null},"
                "{\"index\":1,\"id\":null,\"log_id\":null,\"outcome\":\"rejected\",\"version\":null,"
                "\"status\":null,\"error\":{\"slug\":\"invalid-id\",\"detail\":"
                "\"id is a string of 1 to 255 bytes, an integer or null.\"}},"
                "{\"index\":2,\"id\":\"a\",\"log_id\":null,\"outcome\":\"rejected\",\"version\":null,"
                "\"status\":null,\"error\":{\"slug\":\"invalid-data\",\"detail\":"
                "\"data is an object, an array, null, false or 0.\"}}]}");

        p.is_lenient = true;
        assert_int_equal(try_post(r, &p, &said), STATUS_OK);
        assert_int_equal(rows(r), 1);
        assert_non_null(strstr(said,
                               "{\"index\":0,\"id\":\"a\",\"log_id\":1,\"outcome\":\"created\","
                               "\"version\":1,\"status\":\"DONE\"}"));
        assert_non_null(strstr(said, "\"invalid-data\""));
        const char *audit = rig_event(r, "chatelaine.audit.v1");
        assert_non_null(strstr(audit, "\"count\":1"));
        assert_non_null(strstr(audit, "\"webhook.ingest\""));
}

static void test_a_body_that_is_no_json_is_refused_whole(void **state)
{
        struct rig *r = *state;
        static const struct {
                const char *body, *slug;
                enum webhook_form form;
        } bad[] = {
                {"", "invalid-json", WEBHOOK_FORM_JSON},
                {"[{\"id\":1},", "invalid-json", WEBHOOK_FORM_JSON},
                {"[{\"id\":1}] x", "invalid-json", WEBHOOK_FORM_JSON},
                {"{\"id\":\"\xff\"}", "invalid-json", WEBHOOK_FORM_JSON},
                {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", "too-deep",
                 WEBHOOK_FORM_JSON},
                {"{}", "invalid-batch", WEBHOOK_FORM_CLOUDEVENT_BATCH},
                {"{\"id\":1}\n{", "invalid-json", WEBHOOK_FORM_NDJSON},
        };
        for (size_t i = 0; i < LENGTH(bad); i++) {
                assert_null(scan(r, &(struct post){.body = bad[i].body, .form = bad[i].form}));
                assert_string_equal(r->base.err.slug, bad[i].slug);
        }
        new_settings(r, "")->config->limits.items = 3;
        assert_null(scan(r, &(struct post){.body = "[{},{},{},{}]"}));
        assert_string_equal(r->base.err.slug, "too-many-items");
        assert_int_equal(error_http(&r->base.err), 413);
        assert_string_equal(post_body(r, "[{},{},{}]"), "ccc");
}

/* ---- other forms ---- */

static void test_cloudevents_become_items(void **state)
{
        struct rig *r = *state;
        struct post p = {.form = WEBHOOK_FORM_CLOUDEVENT,
                         .body = "{\"specversion\":\"1.0\",\"id\":\"e1\",\"source\":\"/s\","
                                 "\"type\":\"invoice.paid\",\"data\":{\"a\":1}}"};
        assert_string_equal(post(r, &p), "c");
        assert_string_equal(newest(r, "external_id || type || data"), "e1invoice.paid{\"a\":1}");
        assert_string_equal(post(r, &p), "=");

        /* An attribute that is null is unset. */
        p.body = "{\"specversion\":\"1.0\",\"id\":\"e1\",\"source\":\"/s\",\"data_base64\":null,"
                 "\"type\":\"invoice.paid\",\"data\":{\"a\":1}}";
        assert_string_equal(post(r, &p), "=");

        p.form = WEBHOOK_FORM_CLOUDEVENT_BATCH;
        p.body = arena_printf(&r->arena, "[%s]", p.body);
        assert_string_equal(post(r, &p), "=");

        static const struct {
                const char *event, *slug;
        } bad[] = {
                {"{\"id\":\"e\",\"type\":\"t\"}", "invalid-item"},
                {"{\"specversion\":\"0.3\",\"id\":\"e\",\"type\":\"t\"}", "invalid-item"},
                {"{\"specversion\":1.0,\"id\":\"e\",\"type\":\"t\"}", "invalid-item"},
                {"{\"specversion\":\"1.0\",\"type\":\"t\"}", "invalid-id"},
                {"{\"specversion\":\"1.0\",\"id\":7,\"type\":\"t\"}", "invalid-id"},
                {"{\"specversion\":\"1.0\",\"id\":\"e\"}", "invalid-type"},
                {"{\"specversion\":\"1.0\",\"id\":\"e\",\"type\":\"\",\"source\":\"/s\"}",
                 "invalid-type"},
                {"{\"specversion\":\"1.0\",\"id\":\"e\",\"type\":\"t\",\"data_base64\":\"AA==\"}",
                 "invalid-data"},
                {"{\"specversion\":\"1.0\",\"id\":\"e\",\"type\":\"t\"}", "invalid-item"},
                {"{\"specversion\":\"1.0\",\"id\":\"e\",\"type\":\"t\",\"source\":\"\"}",
                 "invalid-item"},
                {"[]", "invalid-item"},
        };
        for (size_t i = 0; i < LENGTH(bad); i++) {
                struct webhook_batch *b = scan(
                        r, &(struct post){.form = WEBHOOK_FORM_CLOUDEVENT, .body = bad[i].event});
                assert_int_equal(b->n_bad, 1);
                assert_string_equal(b->items[0].slug, bad[i].slug);
                domain_command_free(&b->base);
        }
}

static void test_lines_become_items(void **state)
{
        struct rig *r = *state;
        struct post p = {.form = WEBHOOK_FORM_NDJSON,
                         .body = "{\"id\":1}\r\n\n{\"id\":2,\"data\":[]}\n{\"id\":1}"};
        assert_string_equal(post(r, &p), "ccc");
        assert_int_equal(rows(r), 2);
}

/* ---- scopes ---- */

static void test_a_typed_scope_takes_only_its_types(void **state)
{
        struct rig *r = *state;
        struct span list[] = {SPAN("webhook:invoice")};
        struct app_scopes scopes = {.list = list, .n = 1};
        struct post p = {.body = "[{\"type\":\"invoice.paid\"},{\"type\":\"document.done\"},{}]",
                         .scopes = &scopes,
                         .is_lenient = true};
        const char *said;
        assert_int_equal(try_post(r, &p, &said), STATUS_OK);
        assert_int_equal(rows(r), 1);
        assert_non_null(strstr(said, "{\"index\":1,\"id\":null,\"log_id\":null,"
                                     "\"outcome\":\"rejected\",\"version\":null,\"status\":null,"
                                     "\"error\":{\"slug\":\"forbidden-scope\""));
}

/* ---- once ---- */

static void test_only_a_stored_request_uses_up_its_digest(void **state)
{
        struct rig *r = *state;
        const uint8_t digest[16] = "0123456789abcdef", other[16] = "fedcba9876543210";
        struct post p = {.body = "[{\"id\":1},5]", .digest = digest};
        assert_int_equal(try_post(r, &p, NULL), STATUS_INVALID);
        p.is_lenient = true;
        p.body = "[5]";
        assert_int_equal(try_post(r, &p, NULL), STATUS_OK);
        p.body = "[{\"id\":1}]";
        assert_int_equal(try_post(r, &p, NULL), STATUS_OK);
        assert_int_equal(try_post(r, &p, NULL), STATUS_CONFLICT);
        assert_string_equal(r->base.err.slug, "replayed-request");
        assert_int_equal(error_http(&r->base.err), 401);
        p.digest = other;
        assert_string_equal(post(r, &p), "=");

        bool more;
        rig_advance(4 * MINUTE - 1);
        assert_int_equal(rig_job(r, replays_purge_in, 1, &more), 0);
        rig_advance(1);
        assert_int_equal(rig_job(r, replays_purge_in, 1, &more), 1);
        assert_true(more);
        assert_int_equal(rig_job(r, replays_purge_in, 10, &more), 1);
        assert_false(more);
}

static void test_a_webhook_id_counts_once_for_its_days(void **state)
{
        struct rig *r = *state;
        struct post p = {.body = "{\"id\":1,\"data\":[1]}", .webhook_id = "msg_1"};
        assert_string_equal(post(r, &p), "c");
        p.body = "{\"id\":1,\"data\":[2]}";
        assert_string_equal(post(r, &p), "=");
        assert_string_equal(newest(r, "data"), "[1]"); /* without effect */
        assert_non_null(strstr(rig_event(r, "chatelaine.audit.v1"), "\"count\":0"));
        p.webhook_id = "msg_2";
        assert_string_equal(post(r, &p), "u");
        rig_advance(7 * DAY);
        p.webhook_id = "msg_1";
        p.body = "{\"id\":1,\"data\":[3]}";
        assert_string_equal(post(r, &p), "u"); /* also before the purge */
}

static void test_a_digest_of_a_window_that_is_full_waits(void **state)
{
        RIG(state);
        uint8_t digest[16] = {0x00, 0x01};
        struct post p = {.body = "[]", .digest = digest};
        for (int i = 0; i < 1000000 / 4096; i++) {
                digest[2] = (uint8_t)i;
                OK(try_post(r, &p, NULL));
        }
        digest[0] = 0x70;
        assert_int_equal(try_post(r, &p, NULL), STATUS_LIMIT);
        assert_int_equal(error_http(&f->err), 429);
        assert_true(f->err.retry_after_ms > 0);
}

/* ---- events ---- */

static void test_an_event_tells_of_the_row(void **state)
{
        struct rig *r = *state;
        post(r,
             &(struct post){.body = "{\"id\":\"a\\\"b\",\"type\":\"t\",\"data\":{}}", .user = 7});
        assert_string_equal(
                rig_event(r, RECEIVED),
                "{\"log_id\":1,\"status\":\"DONE\",\"version\":1,\"attempts\":1,\"status_text\":null,"
                "\"app\":\"acme\",\"user_id\":7,\"external_id\":\"a\\\"b\",\"type\":\"t\","
                "\"data_sha256\":"
                "\"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\"}");
        assert_string_equal(text_of(r, "SELECT key || ' ' || subject FROM journal WHERE topic = 0"),
                            "acme/a\"b 1");
        post_body(r, "{}");
        assert_string_equal(
                rig_event(r, RECEIVED),
                "{\"log_id\":2,\"status\":\"DONE\",\"version\":1,\"attempts\":1,\"status_text\":null,"
                "\"app\":\"acme\",\"user_id\":null,\"external_id\":null,\"type\":\"unknown\","
                "\"data_sha256\":null}");
        assert_string_equal(
                text_of(r, "SELECT key FROM journal WHERE topic = 0 ORDER BY seq DESC LIMIT 1"),
                "2");
}

static void test_data_goes_along_when_it_is_wanted_and_fits(void **state)
{
        struct rig *r = *state;
        CLEANUP(buf_fini) struct buf body;
        new_settings(r, "")->config->kafka.webhook_data = true;
        post_body(r, "{\"id\":1,\"data\": {\"a\" : 1.10} }");
        assert_non_null(strstr(rig_event(r, RECEIVED), ",\"data\":{\"a\" : 1.10}}"));
        post_body(r, "{\"id\":2}");
        assert_non_null(strstr(rig_event(r, RECEIVED), "\"data_sha256\":null,\"data\":null}"));
        buf_init(&body, 2 << 20);
        buf_printf(&body, "[{\"id\":3,\"data\":[\"%01000000d\"]},{\"id\":4,\"data\":[4]}]", 0);
        post_body(r, body.data);
        assert_int_equal(rows(r), 4);
        assert_non_null(strstr(rig_event(r, RECEIVED), ",\"data\":[4]}"));
        const char *omitted = text_of(r, "SELECT body FROM journal WHERE key = 'acme/3'");
        assert_non_null(strstr(omitted, "\",\"data_omitted\":true}"));
        assert_null(strstr(omitted, "\"data\":"));
}

static void test_a_batch_is_one_audit_event(void **state)
{
        struct rig *r = *state;
        int64_t before = rig_events(r, "chatelaine.audit.v1");
        post_body(r, "[{},{},{\"id\":1}]");
        assert_int_equal(rig_events(r, "chatelaine.audit.v1"), before + 1);
        assert_non_null(strstr(rig_event(r, "chatelaine.audit.v1"), "\"count\":3"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_an_item_becomes_a_row_byte_for_byte),
                TEST(test_a_redelivery_updates_only_what_has_changed),
                TEST(test_a_key_is_app_user_id_and_type),
                TEST(test_ids_are_texts_and_only_null_is_none),
                TEST(test_the_last_of_a_key_wins_within_a_batch),
                TEST(test_a_large_batch_is_stored_in_its_order),
                TEST(test_an_empty_batch_stores_nothing),
                TEST(test_each_kind_of_bad_item_has_its_slug),
                TEST(test_ids_and_types_are_taken_up_to_their_bounds),
                TEST(test_one_bad_item_keeps_a_strict_batch_out),
                TEST(test_a_body_that_is_no_json_is_refused_whole),
                TEST(test_cloudevents_become_items),
                TEST(test_lines_become_items),
                TEST(test_a_typed_scope_takes_only_its_types),
                TEST(test_only_a_stored_request_uses_up_its_digest),
                TEST(test_a_webhook_id_counts_once_for_its_days),
                TEST(test_a_digest_of_a_window_that_is_full_waits),
                TEST(test_an_event_tells_of_the_row),
                TEST(test_data_goes_along_when_it_is_wanted_and_fits),
                TEST(test_a_batch_is_one_audit_event),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
