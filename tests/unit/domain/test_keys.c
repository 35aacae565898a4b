/* A key's life, from mint to purge. */
#include "domain_rig.h"

static void test_a_minted_key_is_found_and_valid(void **state)
{
        RIG(state);
        rig_user(r, "guest", NULL, 0);
        struct minted k = rig_mint(r, &(struct mint){.expires_in_ms = HOUR});
        assert_true(rig_is_valid(r, k.key));
        struct key_row row = rig_find(r, k.key);
        assert_true(span_is(row.id, k.id));
        assert_int_equal(row.state, KEY_ACTIVE);
        assert_int_equal(row.expires_at, T0 + HOUR);
        assert_true(span_is(row.user_name, "guest"));

        struct key_row none;
        assert_int_equal(key_find(r->domain, r->db, SPAN("ctl_no"), &r->arena, &none, &f->err),
                         STATUS_NOT_FOUND);
        char other[KEY_SIZE];
        key_make(other);
        assert_int_equal(key_find(r->domain, r->db, span_of(other), &r->arena, &none, &f->err),
                         STATUS_NOT_FOUND);
        assert_string_equal(f->err.slug, "key-not-found");
}

static void test_the_key_itself_is_nowhere_at_rest(void **state)
{
        RIG(state);
        rig_user(r, "guest", NULL, 0);
        struct minted k = rig_mint(r, &(struct mint){.resource = "documents/d"});
        char sql[512];
        snprintf(sql, sizeof sql,
                 "SELECT (SELECT count(*) FROM keys WHERE instr(hash, '%s') OR name = '%s') +"
                 " (SELECT count(*) FROM journal WHERE instr(body, '%s'))",
                 k.key, k.key, k.key);
        assert_int_equal(rig_int(r, sql), 0);
}

static void test_created_event_says_what_the_key_is(void **state)
{
        RIG(state);
        const char *user = rig_user(r, "guest", NULL, 0);
        struct minted k =
                rig_mint(r, &(struct mint){.resource = "documents/d", .expires_in_ms = HOUR});
        char want[512];
        snprintf(
                want, sizeof want,
                "{\"id\":\"%s\",\"user\":\"%s\",\"resources\":[\"documents/d\"],"
                "\"state\":\"active\",\"reason\":null,\"expires_at\":\"2027-01-15T09:00:00.000Z\"}",
                k.id, user);
        assert_string_equal(rig_event(r, "chatelaine.key.created.v1"), want);
        const char *audit = rig_event(r, "chatelaine.audit.v1");
        assert_non_null(strstr(audit, "\"action\":\"key.mint\""));
        assert_non_null(strstr(audit, "\"outcome\":\"success\""));
        assert_non_null(strstr(audit, k.id));
}

static void test_expiry_is_decided_by_the_clock_alone(void **state)
{
        RIG(state);
        rig_user(r, "guest", NULL, 0);
        struct minted k = rig_mint(r, &(struct mint){.expires_in_ms = 2000});
        rig_advance(1999);
        assert_true(rig_is_valid(r, k.key));
        rig_advance(1);
        assert_false(rig_is_valid(r, k.key));
        struct key_row row = rig_get(r, k.id);
        assert_int_equal(row.state, KEY_EXPIRED);
        assert_true(span_is(row.reason, "expired"));
        assert_int_equal(row.ended_at, T0 + 2000);
        assert_int_equal(rig_revoke_id(r, k.id), 0); /* it is over */
        assert_int_equal(rig_job(r, keys_expire_in, 100, NULL), 1);
        assert_int_equal(rig_job(r, keys_expire_in, 100, NULL), 0);
        assert_non_null(
                strstr(rig_event(r, "chatelaine.key.expired.v1"), "\"reason\":\"expired\""));
        rig_check_counts(r);
}

static void test_expiry_has_bounds(void **state)
{
        RIG(state);
        static const struct {
                int64_t in, at;
                const char *slug; /* NULL = taken */
                int64_t want;
        } cases[] = {
                {0, 0, NULL, T0 + DAY},               /* default_life */
                {366 * DAY, 0, NULL, T0 + 366 * DAY}, /* longest_life */
                {366 * DAY + 1, 0, "expiry-too-long", 0},
                {INT64_MAX, 0, "expiry-too-long", 0},
                {0, T0 + 366 * DAY + 1, "expiry-too-long", 0},
                {0, INT64_MAX, "expiry-too-long", 0},
                {0, T0, "expiry-in-past", 0},
                {0, 1, "expiry-in-past", 0},
                {0, -1, "expiry-in-past", 0},
                {-5, 0, "expiry-in-past", 0},
                {0, T0 + 1, NULL, T0 + 1},
        };
        rig_user(r, "guest", NULL, 0);
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                struct minted k;
                struct mint m = {.expires_in_ms = cases[i].in, .expires_at = cases[i].at};
                enum status s = rig_try_mint(r, &m, &k);
                assert_int_equal(s, cases[i].slug ? STATUS_INVALID : STATUS_OK);
                if (cases[i].slug)
                        assert_string_equal(f->err.slug, cases[i].slug);
                else
                        assert_int_equal(k.expires_at, cases[i].want);
        }
}

static void test_a_key_needs_a_living_user(void **state)
{
        RIG(state);
        assert_int_equal(rig_try_mint(r, &(struct mint){.user = "nobody"}, NULL), STATUS_NOT_FOUND);
        assert_string_equal(f->err.slug, "user-not-found");
        const char *user = rig_user(r, "guest", NULL, 0);
        struct minted k = rig_mint(r, &(struct mint){.user = user});

        struct user_change *c;
        OK(user_change_new(r->domain, NULL, &c, &f->err));
        c->id = SPAN("guest");
        c->is_active = 0;
        OK(rig_run(r, &c->base));
        domain_command_free(&c->base);
        assert_false(rig_is_valid(r, k.key));
        assert_int_equal(rig_try_mint(r, &(struct mint){0}, NULL), STATUS_CONFLICT);
        assert_string_equal(f->err.slug, "user-inactive");

        struct user_delete *d;
        OK(user_delete_new(r->domain, NULL, &d, &f->err));
        d->id = span_of(user);
        OK(rig_run(r, &d->base));
        assert_int_equal(d->revoked, 1);
        domain_command_free(&d->base);
        struct key_row row = rig_find(r, k.key);
        assert_int_equal(row.state, KEY_REVOKED);
        assert_true(span_is(row.reason, "user-deleted"));
        rig_check_counts(r);
}

static void test_a_revoked_key_stays_revoked(void **state)
{
        RIG(state);
        rig_user(r, "guest", NULL, 0);
        struct minted k = rig_mint(r, &(struct mint){0});
        assert_int_equal(rig_revoke_id(r, k.id), 1);
        assert_false(rig_is_valid(r, k.key));
        assert_int_equal(rig_revoke_id(r, k.id), 0);
        assert_int_equal(rig_events(r, "chatelaine.key.revoked.v1"), 1);
        assert_int_equal(rig_suspend(r, k.id, true), STATUS_CONFLICT);
        assert_string_equal(f->err.slug, "key-ended");
        assert_int_equal(rig_rotate(r, k.id, -1, NULL), STATUS_CONFLICT);
        struct span ids[] = {SPAN("aaaaaaaaaaaaaaaaaaaaaaaa")};
        int64_t n;
        struct key_selector unknown = {.ids = ids, .n_ids = 1, .is_by_id_strict = true};
        assert_int_equal(rig_revoke(r, &unknown, &n), STATUS_NOT_FOUND);
        unknown.is_by_id_strict = false;
        assert_int_equal(rig_revoke(r, &unknown, &n), STATUS_OK);
        assert_int_equal(rig_revoke(r, &(struct key_selector){0}, &n), STATUS_INVALID);
        assert_string_equal(f->err.slug, "empty-selector");
}

static void test_suspension_rests_and_resumes_but_does_not_stop_the_clock(void **state)
{
        RIG(state);
        rig_user(r, "guest", NULL, 0);
        struct minted k = rig_mint(r, &(struct mint){.expires_in_ms = HOUR});
        OK(rig_suspend(r, k.id, true)); /* it was not suspended */
        assert_int_equal(rig_events(r, "chatelaine.key.updated.v1"), 0);
        OK(rig_suspend(r, k.id, false));
        OK(rig_suspend(r, k.id, false));
        assert_int_equal(rig_events(r, "chatelaine.key.updated.v1"), 1);
        assert_false(rig_is_valid(r, k.key));
        assert_int_equal(rig_rotate(r, k.id, -1, NULL), STATUS_CONFLICT);
        assert_string_equal(f->err.slug, "key-suspended");
        OK(rig_suspend(r, k.id, true));
        assert_true(rig_is_valid(r, k.key));
        OK(rig_suspend(r, k.id, false));
        rig_advance(HOUR);
        assert_int_equal(rig_get(r, k.id).state, KEY_EXPIRED);
        assert_int_equal(rig_suspend(r, k.id, true), STATUS_CONFLICT);
        assert_int_equal(rig_job(r, keys_expire_in, 100, NULL), 1);
        rig_check_counts(r);
}

static void test_rotation_hands_over_within_its_grace(void **state)
{
        RIG(state);
        rig_user(r, "guest", NULL, 0);
        struct minted old = rig_mint(r, &(struct mint){.resource = "documents/d",
                                                       .role = "operator",
                                                       .expires_in_ms = HOUR});
        struct minted new;
        rig_advance(10 * MINUTE);
        OK(rig_rotate(r, old.id, MINUTE, &new));
        assert_true(rig_is_valid(r, old.key));
        assert_true(rig_is_valid(r, new.key));
        assert_true(rig_may(r, new.key, "documents:done", "documents/d"));
        assert_int_equal(rig_get(r, new.id).expires_at, T0 + HOUR); /* never past the old one */
        assert_int_equal(rig_get(r, old.id).state, KEY_ROTATING);
        assert_true(span_is(rig_get(r, old.id).successor_id, new.id));
        assert_true(span_is(rig_get(r, new.id).predecessor_id, old.id));
        assert_int_equal(rig_rotate(r, old.id, MINUTE, NULL), STATUS_CONFLICT);
        assert_string_equal(f->err.slug, "key-rotated");
        assert_int_equal(rig_events(r, "chatelaine.key.rotated.v1"), 1);

        rig_advance(MINUTE);
        assert_false(rig_is_valid(r, old.key));
        assert_int_equal(rig_get(r, old.id).state, KEY_REVOKED);
        assert_int_equal(rig_job(r, keys_expire_in, 100, NULL), 1);
        assert_true(span_is(rig_get(r, old.id).reason, "rotated"));
        assert_non_null(
                strstr(rig_event(r, "chatelaine.key.revoked.v1"), "\"reason\":\"rotated\""));
        assert_true(rig_is_valid(r, new.key));
        rig_check_counts(r);
}

static void test_a_grace_ends_with_the_old_life_at_the_latest(void **state)
{
        RIG(state);
        rig_user(r, "guest", NULL, 0);
        struct minted old = rig_mint(r, &(struct mint){.expires_in_ms = MINUTE}), new;
        OK(rig_rotate(r, old.id, DAY, &new));
        assert_int_equal(rig_get(r, old.id).dies_at, T0 + MINUTE);
        rig_advance(MINUTE);
        assert_false(rig_is_valid(r, old.key));
        assert_false(rig_is_valid(r, new.key));
        assert_true(span_is(rig_get(r, old.id).reason, "expired"));
        assert_int_equal(rig_job(r, keys_expire_in, 100, NULL), 2);
}

static void test_a_resumed_key_with_a_successor_rotates_on(void **state)
{
        RIG(state);
        rig_user(r, "guest", NULL, 0);
        struct minted old = rig_mint(r, &(struct mint){0});
        OK(rig_rotate(r, old.id, MINUTE, NULL));
        OK(rig_suspend(r, old.id, false));
        OK(rig_suspend(r, old.id, true));
        assert_int_equal(rig_get(r, old.id).state, KEY_ROTATING);
        OK(rig_suspend(r, old.id, false));
        rig_advance(MINUTE);
        assert_int_equal(rig_get(r, old.id).state, KEY_REVOKED);
        rig_check_counts(r);
}

static void test_idempotency_gives_the_first_key_once(void **state)
{
        RIG(state);
        rig_user(r, "guest", NULL, 0);
        struct mint m = {.idempotency_key = "once", .hash = 1};
        struct minted first = rig_mint(r, &m), again = rig_mint(r, &m);
        assert_false(first.is_repeat);
        assert_true(again.is_repeat);
        assert_string_equal(again.id, first.id);
        assert_string_equal(again.key, "");
        assert_int_equal(rig_int(r, "SELECT count(*) FROM keys"), 1);
        m.hash = 2;
        assert_int_equal(rig_try_mint(r, &m, NULL), STATUS_INVALID);
        assert_string_equal(f->err.slug, "idempotency-mismatch");
        assert_int_equal(error_http(&f->err), 422);
        struct caller other = {.kind = CALLER_JOB, .id = "x"};
        m.caller = &other;
        assert_false(rig_mint(r, &m).is_repeat); /* another caller's name */
        m.caller = NULL;
        rig_advance(DAY);
        assert_false(rig_mint(r, &m).is_repeat);
        assert_int_equal(rig_job(r, idempotency_purge_in, 100, NULL), 1);
}

static void test_warning_comes_once_and_in_time(void **state)
{
        RIG(state);
        rig_user(r, "guest", NULL, 0);
        struct minted k = rig_mint(r, &(struct mint){.expires_in_ms = 3 * HOUR});
        rig_mint(r, &(struct mint){.expires_in_ms = HOUR}); /* no more than warn_before: none */
        int64_t due;
        OK(keys_next_due(r->db, &due, &f->err));
        assert_int_equal(due, T0 + HOUR);
        assert_int_equal(rig_job(r, keys_warn_in, 100, NULL), 0);
        rig_advance(2 * HOUR);
        assert_int_equal(rig_job(r, keys_warn_in, 100, NULL), 1);
        assert_int_equal(rig_job(r, keys_warn_in, 100, NULL), 0);
        assert_non_null(strstr(rig_event(r, "chatelaine.key.expiring.v1"), k.id));
        rig_job(r, keys_expire_in, 100, NULL);
        OK(keys_next_due(r->db, &due, &f->err));
        assert_int_equal(due, T0 + 3 * HOUR);
        rig_revoke_id(r, k.id);
        OK(keys_next_due(r->db, &due, &f->err));
        assert_true(due == INT64_MAX);
}

static void test_due_keys_end_in_slices(void **state)
{
        RIG(state);
        bool is_more;
        rig_user(r, "guest", NULL, 0);
        for (int i = 0; i < 7; i++)
                rig_mint(r, &(struct mint){.expires_in_ms = 1000});
        rig_advance(1000);
        assert_int_equal(rig_job(r, keys_expire_in, 5, &is_more), 5);
        assert_true(is_more);
        assert_int_equal(rig_job(r, keys_expire_in, 5, &is_more), 2);
        assert_false(is_more);
        rig_check_counts(r);
}

static enum status purge(struct ledger_tx *tx, unsigned limit, int64_t *n, bool *more,
                         struct error *e)
{
        return keys_purge_in(tx, tx->now_ms - 90 * DAY, limit, n, more, e);
}

static void test_ended_keys_are_purged_with_their_statements(void **state)
{
        RIG(state);
        rig_user(r, "guest", NULL, 0);
        struct minted k =
                rig_mint(r, &(struct mint){.resource = "documents/d", .role = "operator"});
        rig_mint(r, &(struct mint){.expires_in_ms = 200 * DAY});
        rig_revoke_id(r, k.id);
        rig_advance(90 * DAY);
        assert_int_equal(rig_job(r, purge, 100, NULL), 0);
        rig_advance(1);
        assert_int_equal(rig_job(r, purge, 100, NULL), 1);
        assert_int_equal(rig_int(r, "SELECT count(*) FROM keys"), 1);
        assert_int_equal(rig_int(r, "SELECT count(*) FROM statements"), 0);
        assert_int_equal(rig_int(r, "SELECT count(*) FROM key_resources"), 0);
        rig_check_counts(r);
}

static void test_counts_are_as_of_now(void **state)
{
        RIG(state);
        int64_t n[KEY_STATES];
        rig_user(r, "guest", NULL, 0);
        rig_mint(r, &(struct mint){.expires_in_ms = 1000});
        rig_mint(r, &(struct mint){0});
        struct minted k = rig_mint(r, &(struct mint){0});
        OK(rig_rotate(r, k.id, 1000, NULL));
        OK(keys_count(r->db, rig_clock(), n, &f->err));
        assert_int_equal(n[KEY_ACTIVE], 3);
        assert_int_equal(n[KEY_ROTATING], 1);
        rig_advance(1000);
        for (int i = 0; i < 2; i++) {
                OK(keys_count(r->db, rig_clock(), n, &f->err));
                assert_int_equal(n[KEY_ACTIVE], 2);
                assert_int_equal(n[KEY_ROTATING], 0);
                assert_int_equal(n[KEY_EXPIRED], 1);
                assert_int_equal(n[KEY_REVOKED], 1);
                rig_job(r, keys_expire_in, 100, NULL);
        }
}

static void test_a_new_pepper_leaves_old_keys_working(void **state)
{
        RIG(state);
        char path[128];
        rig_user(r, "guest", NULL, 0);
        struct minted old = rig_mint(r, &(struct mint){0});
        snprintf(path, sizeof path, "%s/secret.key", f->dir);
        OK(secrets_rotate(path, &f->err));
        OK(domain_reload_secrets(r->domain, path, &f->err));
        struct minted new = rig_mint(r, &(struct mint){0});
        assert_int_equal(rig_int(r, "SELECT max(pepper) FROM keys"), 2);
        assert_true(rig_is_valid(r, old.key));
        assert_true(rig_is_valid(r, new.key));
}

static void test_a_key_can_end_when_its_event_has_become_too_large(void **state)
{
        RIG(state);
        struct key_mint *c;
        struct span resources[100];
        rig_user(r, "guest", NULL, 0);
        for (int i = 0; i < 100; i++)
                resources[i] = span_of(arena_printf(&r->arena, "documents/%0100d", i));
        OK(key_mint_new(r->domain, NULL, &c, &f->err));
        c->user = SPAN("guest");
        c->resources = resources;
        c->n_resources = 100;
        OK(rig_run(r, &c->base));
        char id[ID_HEX24_SIZE];
        memcpy(id, c->id, sizeof id);
        domain_command_free(&c->base);
        assert_true(strlen(rig_event(r, "chatelaine.key.created.v1")) > 11000);

        rig_ledger(r, 8192); /* message.max.bytes was lowered */
        assert_int_equal(rig_revoke_id(r, id), 1);
        assert_non_null(strstr(rig_event(r, "chatelaine.key.revoked.v1"), "\"resources\":[]"));
        OK(key_mint_new(r->domain, NULL, &c, &f->err));
        c->user = SPAN("guest");
        c->resources = resources;
        c->n_resources = 100;
        assert_int_equal(rig_run(r, &c->base), STATUS_LIMIT); /* but none is made */
        domain_command_free(&c->base);
        rig_check_counts(r);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                RIG_TEST(test_a_minted_key_is_found_and_valid),
                RIG_TEST(test_the_key_itself_is_nowhere_at_rest),
                RIG_TEST(test_created_event_says_what_the_key_is),
                RIG_TEST(test_expiry_is_decided_by_the_clock_alone),
                RIG_TEST(test_expiry_has_bounds),
                RIG_TEST(test_a_key_needs_a_living_user),
                RIG_TEST(test_a_revoked_key_stays_revoked),
                RIG_TEST(test_suspension_rests_and_resumes_but_does_not_stop_the_clock),
                RIG_TEST(test_rotation_hands_over_within_its_grace),
                RIG_TEST(test_a_grace_ends_with_the_old_life_at_the_latest),
                RIG_TEST(test_a_resumed_key_with_a_successor_rotates_on),
                RIG_TEST(test_idempotency_gives_the_first_key_once),
                RIG_TEST(test_warning_comes_once_and_in_time),
                RIG_TEST(test_due_keys_end_in_slices),
                RIG_TEST(test_ended_keys_are_purged_with_their_statements),
                RIG_TEST(test_counts_are_as_of_now),
                RIG_TEST(test_a_key_can_end_when_its_event_has_become_too_large),
                RIG_TEST(test_a_new_pepper_leaves_old_keys_working),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
