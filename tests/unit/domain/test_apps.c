#include "domain_rig.h"

#include <chatelaine/codec_json.h>
#include <chatelaine/codec_text.h>
#include <chatelaine/domain_apps.h>

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

/* ---- an app as the tests make it ---- */

struct made {
        const char *slug, *scopes[4], *optional[4]; /* ended by NULL */
        enum app_algorithm algorithm;
        enum app_strategy strategy;
        bool is_free; /* needs no agreement */
        const char *key_text;
};

static size_t spans_of(const char *const *from, struct span *to)
{
        size_t n = 0;
        while (from[n]) {
                to[n] = span_of(from[n]);
                n++;
        }
        return n;
}

/* Runs app_create; the secret's text is in the arena. */
static enum status try_make(struct rig *r, const struct made *m, const char **ret_secret)
{
        struct fixture *f = &r->base;
        struct app_create *c;
        struct span scopes[4], optional[4];
        OK(app_create_new(r->domain, NULL, &c, &f->err));
        c->slug = span_of(m->slug);
        c->algorithm = m->algorithm;
        c->strategy = m->strategy;
        c->require_agreement = !m->is_free;
        c->scopes = scopes;
        c->n_scopes = spans_of(m->scopes, scopes);
        c->optional_scopes = optional;
        c->n_optional_scopes = spans_of(m->optional, optional);
        c->key_text = span_of(m->key_text);
        enum status s = rig_run(r, &c->base);
        if (s == STATUS_OK)
                *ret_secret = arena_dup(&r->arena, buf_view(&c->secret_text));
        domain_command_free(&c->base);
        return s;
}

static const char *make(struct rig *r, const struct made *m)
{
        struct fixture *f = &r->base;
        const char *secret = NULL;
        OK(try_make(r, m, &secret));
        return secret;
}

static struct app_row find(struct rig *r, const char *slug)
{
        struct fixture *f = &r->base;
        struct app_row row;
        OK(app_find(r->db, span_of(slug), &r->arena, &row, &f->err));
        return row;
}

/* The HMAC key that a row holds, as hex. */
static const char *opened(struct rig *r, const struct app_row *app, const struct app_key *key)
{
        struct fixture *f = &r->base;
        CLEANUP(buf_fini_secret) struct buf secret;
        CLEANUP(buf_fini) struct buf hex;
        buf_init(&secret, 4096);
        buf_init(&hex, 4096);
        OK(app_open_secret(r->secrets, app->slug, key, &secret, &f->err));
        hex_encode(&hex, buf_view(&secret));
        return arena_dup(&r->arena, buf_view(&hex));
}

static const char *shown(struct rig *r, const char *slug)
{
        struct fixture *f = &r->base;
        struct app_row row = find(r, slug);
        CLEANUP(buf_fini) struct buf out;
        buf_init(&out, 1 << 16);
        OK(app_write(r->db, &row, &out, &f->err));
        return arena_dup(&r->arena, buf_view(&out));
}

#define HEX_KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

/* ---- keys ---- */

static void test_a_made_key_is_shown_once_and_sealed(void **state)
{
        struct rig *r = *state;
        const char *secret =
                make(r, &(struct made){.slug = "a", .algorithm = APP_ALGORITHM_UNSAID});
        struct app_row row = find(r, "a");
        assert_int_equal(strlen(secret), 128);
        assert_int_equal(row.key.algorithm, APP_HMAC_SHA512);
        assert_int_equal(row.strategy, APP_JWT);
        assert_string_equal(opened(r, &row, &row.key), secret);
        assert_null(memmem(row.key.sealed.p, row.key.sealed.len, secret, 16));
        assert_null(strstr(shown(r, "a"), secret));
        assert_null(strstr(rig_event(r, "chatelaine.audit.v1"), secret));
        assert_non_null(strstr(rig_event(r, "chatelaine.audit.v1"), "app.create"));
}

static void test_a_standard_app_gets_a_whsec_secret(void **state)
{
        RIG(state);
        const char *secret = make(r, &(struct made){.slug = "s",
                                                    .strategy = APP_STANDARD,
                                                    .algorithm = APP_ALGORITHM_UNSAID});
        struct app_row row = find(r, "s");
        CLEANUP(buf_fini) struct buf text;
        buf_init(&text, 4096);
        assert_int_equal(strncmp(secret, "whsec_", 6), 0);
        assert_int_equal(row.key.algorithm, APP_HMAC_SHA256);
        OK(base64_decode(&text, span_of(secret + 6), &f->err));
        const char *bytes = opened(r, &row, &row.key);
        assert_int_equal(strlen(bytes), 2 * text.len);
}

static void test_a_made_pair_keeps_only_the_public_key(void **state)
{
        RIG(state);
        const char *secret = make(r, &(struct made){.slug = "e", .algorithm = APP_ED25519});
        struct app_row row = find(r, "e");
        CLEANUP(buf_fini) struct buf pem;
        CLEANUP(pkey_freep) struct pkey *private = NULL;
        CLEANUP(pkey_freep) struct pkey *public = NULL;
        uint8_t a[ED25519_SIZE], b[ED25519_SIZE];
        buf_init(&pem, 4096);
        OK(hex_decode(&pem, span_of(secret), &f->err));
        OK(pkey_from_pem(buf_view(&pem), &private, &f->err));
        OK(pkey_from_pem(row.key.public_pem, &public, &f->err));
        assert_true(pkey_is_private(private));
        assert_false(pkey_is_private(public));
        OK(pkey_public(private, a, &f->err));
        OK(pkey_public(public, b, &f->err));
        assert_memory_equal(a, b, sizeof a);
        assert_null(row.key.sealed.p);
}

static void test_a_key_that_is_brought_is_taken(void **state)
{
        RIG(state);
        CLEANUP(pkey_freep) struct pkey *k = NULL;
        CLEANUP(buf_fini) struct buf pem;
        CLEANUP(buf_fini) struct buf hex;
        buf_init(&pem, 4096);
        buf_init(&hex, 4096);
        OK(pkey_generate(&k, &f->err));
        OK(pkey_write(k, PKEY_PUBLIC_PEM, &pem, &f->err));
        hex_encode(&hex, buf_view(&pem));

        const char *text = make(r, &(struct made){.slug = "h",
                                                  .algorithm = APP_HMAC_SHA256,
                                                  .key_text = "  " HEX_KEY "\n"});
        struct app_row row = find(r, "h");
        assert_string_equal(text, HEX_KEY);
        assert_string_equal(opened(r, &row, &row.key), HEX_KEY);

        make(r, &(struct made){.slug = "w",
                               .strategy = APP_STANDARD,
                               .algorithm = APP_HMAC_SHA256,
                               .key_text = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="});
        row = find(r, "w");
        assert_string_equal(opened(r, &row, &row.key), HEX_KEY);

        assert_string_equal(make(r, &(struct made){.slug = "p",
                                                   .algorithm = APP_ALGORITHM_UNSAID,
                                                   .key_text = pem.data}),
                            "");
        row = find(r, "p");
        assert_int_equal(row.key.algorithm, APP_ED25519);
        make(r, &(struct made){.slug = "x", .algorithm = APP_ED25519, .key_text = hex.data});
        assert_true(span_equal(find(r, "x").key.public_pem, row.key.public_pem));
}

static void test_what_does_not_fit_is_refused(void **state)
{
        RIG(state);
        static const struct {
                struct made made;
                const char *slug;
        } bad[] = {
                {{.slug = ""}, "invalid-slug"},
                {{.slug = "a b"}, "invalid-slug"},
                {{.slug = "a,b"}, "invalid-slug"},
                {{.slug = "a=b"}, "invalid-slug"},
                {{.slug = "123456789012345678901234567890123456789012345678901"}, "invalid-slug"},
                {{.slug = "a", .scopes = {"Bad Scope"}}, "invalid-scope"},
                {{.slug = "a", .scopes = {"x", "x"}}, "invalid-scope"},
                {{.slug = "a", .scopes = {"x"}, .optional = {"x"}}, "invalid-scope"},
                {{.slug = "a", .key_text = "zz"}, "invalid-key"},
                {{.slug = "a", .key_text = "00112233"}, "invalid-key"},
                {{.slug = "a", .key_text = ""}, "invalid-key"},
                {{.slug = "a", .key_text = "whsec_!!"}, "invalid-key"},
                {{.slug = "a", .key_text = "-----BEGIN PUBLIC KEY-----\n"}, "invalid-key"},
                {{.slug = "a", .algorithm = APP_ED25519, .key_text = HEX_KEY}, "invalid-key"},
                {{.slug = "a", .algorithm = APP_HMAC_SHA512, .strategy = APP_STANDARD},
                 "invalid-algorithm"},
        };
        for (size_t i = 0; i < LENGTH(bad); i++) {
                const char *secret;
                assert_int_equal(try_make(r, &bad[i].made, &secret), STATUS_INVALID);
                assert_string_equal(f->err.slug, bad[i].slug);
        }
        assert_int_equal(rig_int(r, "SELECT count(*) FROM apps"), 0);
        const char *secret;
        make(r, &(struct made){.slug = "a"});
        assert_int_equal(try_make(r, &(struct made){.slug = "a"}, &secret), STATUS_CONFLICT);
        assert_string_equal(f->err.slug, "app-exists");
}

/* ---- rotation ---- */

static enum status try_rotate(struct rig *r, const char *slug, int64_t grace_ms, const char **ret)
{
        struct fixture *f = &r->base;
        struct app_rotate *c;
        OK(app_rotate_new(r->domain, NULL, &c, &f->err));
        c->slug = span_of(slug);
        c->grace_ms = grace_ms;
        enum status s = rig_run(r, &c->base);
        if (s == STATUS_OK)
                *ret = arena_dup(&r->arena, buf_view(&c->secret_text));
        domain_command_free(&c->base);
        return s;
}

static const char *rotate(struct rig *r, const char *slug, int64_t grace_ms)
{
        struct fixture *f = &r->base;
        const char *text = NULL;
        OK(try_rotate(r, slug, grace_ms, &text));
        return text;
}

static enum status end_grace(struct ledger_tx *tx, unsigned limit, int64_t *n, bool *more,
                             struct error *e)
{
        (void)limit;
        *more = false;
        return apps_end_grace_in(tx, n, e);
}

static void test_a_rotation_keeps_the_old_key_for_its_grace(void **state)
{
        RIG(state);
        const char *first = make(r, &(struct made){.slug = "a", .algorithm = APP_HMAC_SHA256});
        int64_t due, version = find(r, "a").version;
        OK(apps_next_due(r->db, &due, &f->err));
        assert_true(due == INT64_MAX);

        const char *second = rotate(r, "a", 2 * MINUTE);
        struct app_row row = find(r, "a");
        assert_string_not_equal(first, second);
        assert_string_equal(opened(r, &row, &row.key), second);
        assert_string_equal(opened(r, &row, &row.old), first);
        assert_int_equal(row.old.algorithm, APP_HMAC_SHA256);
        assert_int_equal(row.key.algorithm, APP_HMAC_SHA256);
        assert_int_equal(row.old_ends_at, T0 + 2 * MINUTE);
        assert_int_equal(row.version, version + 1);
        OK(apps_next_due(r->db, &due, &f->err));
        assert_int_equal(due, T0 + 2 * MINUTE);

        const char *third = rotate(r, "a", MINUTE);
        row = find(r, "a");
        assert_string_equal(opened(r, &row, &row.key), third);
        assert_string_equal(opened(r, &row, &row.old), second);

        assert_int_equal(rig_job(r, end_grace, 1, NULL), 0);
        rig_advance(MINUTE);
        assert_int_equal(rig_job(r, end_grace, 1, NULL), 1);
        row = find(r, "a");
        assert_false(row.has_old);
        assert_null(row.old.sealed.p);
        assert_int_equal(row.version, version + 2); /* the new key is the same */
}

static void test_a_rotation_without_grace_ends_the_old_key_at_once(void **state)
{
        RIG(state);
        const char *text;
        make(r, &(struct made){.slug = "a"});
        rotate(r, "a", MINUTE);
        rotate(r, "a", 0);
        assert_false(find(r, "a").has_old);
        assert_int_equal(try_rotate(r, "a", 8 * DAY, &text), STATUS_INVALID);
        assert_int_equal(try_rotate(r, "b", 0, &text), STATUS_NOT_FOUND);
        assert_string_equal(f->err.slug, "app-not-found");
}

static void test_a_rotation_makes_the_kind_of_key_that_the_app_has(void **state)
{
        struct rig *r = *state;
        make(r, &(struct made){.slug = "s", .strategy = APP_STANDARD});
        make(r, &(struct made){.slug = "e", .algorithm = APP_ED25519});
        assert_int_equal(strncmp(rotate(r, "s", MINUTE), "whsec_", 6), 0);
        assert_null(find(r, "s").key.public_pem.p);
        rotate(r, "e", MINUTE);
        struct app_row row = find(r, "e");
        assert_non_null(row.key.public_pem.p);
        assert_null(row.key.sealed.p);
        assert_false(span_equal(row.key.public_pem, row.old.public_pem));
}

static void test_a_rotation_may_change_the_algorithm(void **state)
{
        RIG(state);
        struct app_rotate *c;
        const char *first = make(r, &(struct made){.slug = "a", .algorithm = APP_HMAC_SHA256});
        OK(app_rotate_new(r->domain, NULL, &c, &f->err));
        c->slug = SPAN("a");
        c->grace_ms = MINUTE;
        c->has_algorithm = true;
        c->algorithm = APP_HMAC_SHA512;
        c->key_text = SPAN(HEX_KEY);
        OK(rig_run(r, &c->base));
        domain_command_free(&c->base);
        struct app_row row = find(r, "a");
        assert_int_equal(row.key.algorithm, APP_HMAC_SHA512);
        assert_int_equal(row.old.algorithm, APP_HMAC_SHA256);
        assert_string_equal(opened(r, &row, &row.key), HEX_KEY);
        assert_string_equal(opened(r, &row, &row.old), first);
}

/* ---- change, delete ---- */

static void test_a_change_leaves_what_it_does_not_name(void **state)
{
        RIG(state);
        struct app_change *c;
        make(r, &(struct made){.slug = "a", .scopes = {"webhook"}, .optional = {"read:user"}});
        const char *before = shown(r, "a");
        assert_non_null(
                strstr(before, "\"scopes\":[\"webhook\"],\"optional_scopes\":[\"read:user\"]"));
        OK(app_change_new(r->domain, NULL, &c, &f->err));
        struct span scopes[] = {SPAN("read:user"), SPAN("webhook")};
        c->slug = SPAN("a");
        c->scopes = scopes;
        c->n_scopes = 2;
        c->has_scopes = true;
        c->replay_guard = 0;
        OK(rig_run(r, &c->base));
        domain_command_free(&c->base);
        struct app_row row = find(r, "a");
        assert_true(row.require_agreement);
        assert_false(row.replay_guard);
        assert_int_equal(row.version, 2);
        assert_int_equal(row.agreement_version, 1); /* nobody had agreed */
        assert_non_null(strstr(shown(r, "a"),
                               "\"scopes\":[\"read:user\",\"webhook\"],\"optional_scopes\":[]"));
}

static void delete_app(struct rig *r, const char *slug, enum status want)
{
        struct fixture *f = &r->base;
        struct app_delete *c;
        OK(app_delete_new(r->domain, NULL, &c, &f->err));
        c->slug = span_of(slug);
        assert_int_equal(rig_run(r, &c->base), want);
        domain_command_free(&c->base);
}

static void test_a_deleted_app_is_gone_and_its_slug_free(void **state)
{
        RIG(state);
        struct app_row row;
        make(r, &(struct made){.slug = "a", .scopes = {"webhook"}});
        int64_t id = find(r, "a").id;
        delete_app(r, "a", STATUS_OK);
        assert_int_equal(app_find(r->db, SPAN("a"), &r->arena, &row, &f->err), STATUS_NOT_FOUND);
        assert_int_equal(rig_int(r, "SELECT count(*) FROM apps WHERE secret IS NOT NULL"), 0);
        delete_app(r, "a", STATUS_NOT_FOUND);
        make(r, &(struct made){.slug = "a"});
        assert_int_not_equal(find(r, "a").id, id);
        assert_non_null(strstr(shown(r, "a"), "\"scopes\":[]"));
}

/* ---- agreements and scopes ---- */

static enum status agree(struct rig *r, const char *slug, int64_t user, const char *scope,
                         bool is_delete)
{
        struct fixture *f = &r->base;
        struct agreement_change *c;
        struct span scopes[] = {span_of(scope)};
        OK(agreement_change_new(r->domain, NULL, &c, &f->err));
        c->slug = span_of(slug);
        c->user_number = user;
        c->optional_scopes = scopes;
        c->n = scope != NULL;
        c->is_delete = is_delete;
        enum status s = rig_run(r, &c->base);
        domain_command_free(&c->base);
        return s;
}

static bool may(struct rig *r, const char *slug, enum app_scope_mode mode, int64_t user,
                const char *scope)
{
        struct fixture *f = &r->base;
        struct app_row row = find(r, slug);
        struct app_scopes scopes;
        OK(app_scopes_of(r->db, &row, mode, user != 0, user, &r->arena, &scopes, &f->err));
        return app_scopes_have(&scopes, scope);
}

static void test_scopes_come_from_the_app_and_the_agreement(void **state)
{
        RIG(state);
        struct app_scopes scopes;
        make(r, &(struct made){.slug = "a", .scopes = {"webhook"}, .optional = {"read:user", "x"}});
        make(r, &(struct made){.slug = "free", .is_free = true});
        struct app_row row = find(r, "a");

        assert_int_equal(
                app_scopes_of(r->db, &row, APP_SCOPE_LINK, true, 7, &r->arena, &scopes, &f->err),
                STATUS_DENIED);
        assert_string_equal(f->err.slug, "agreement-not-accepted");
        assert_int_equal(error_http(&f->err), 400);
        assert_string_equal(f->err.text, "User has not accepted the agreement");

        OK(agree(r, "a", 7, "read:user", false));
        assert_true(may(r, "a", APP_SCOPE_LINK, 7, "webhook"));
        assert_true(may(r, "a", APP_SCOPE_LINK, 7, "read:user"));
        assert_false(may(r, "a", APP_SCOPE_LINK, 7, "x"));
        assert_true(may(r, "a", APP_SCOPE_LINK, 0, "webhook"));
        assert_false(may(r, "a", APP_SCOPE_LINK, 0, "read:user"));
        assert_true(may(r, "a", APP_SCOPE_SIGNATURE, 0, "x"));
        assert_false(may(r, "a", APP_SCOPE_SIGNATURE, 0, "y"));
        assert_true(may(r, "free", APP_SCOPE_LINK, 0, "anything"));

        OK(agree(r, "a", 7, NULL, false)); /* agrees to less */
        assert_false(may(r, "a", APP_SCOPE_LINK, 7, "read:user"));
        OK(agree(r, "a", 7, NULL, true));
        assert_int_equal(
                app_scopes_of(r->db, &row, APP_SCOPE_LINK, true, 7, &r->arena, &scopes, &f->err),
                STATUS_DENIED);
        assert_int_equal(agree(r, "a", 7, NULL, true), STATUS_NOT_FOUND);
        assert_int_equal(agree(r, "a", 7, "webhook", false), STATUS_INVALID);
        assert_string_equal(f->err.slug, "unknown-scope");
        assert_int_equal(agree(r, "a", 0, NULL, false), STATUS_INVALID);
        assert_int_equal(agree(r, "b", 1, NULL, false), STATUS_NOT_FOUND);
}

static void test_a_scope_that_is_offered_no_more_is_not_granted(void **state)
{
        RIG(state);
        struct app_change *c;
        make(r, &(struct made){.slug = "a", .optional = {"read:user"}});
        OK(agree(r, "a", 7, "read:user", false));
        OK(app_change_new(r->domain, NULL, &c, &f->err));
        c->slug = SPAN("a");
        c->has_optional_scopes = true;
        OK(rig_run(r, &c->base));
        domain_command_free(&c->base);
        assert_false(may(r, "a", APP_SCOPE_LINK, 7, "read:user"));
        assert_int_equal(find(r, "a").agreement_version, 2); /* someone had agreed to 1 */
}

static void test_a_typed_scope_covers_its_types(void **state)
{
        RIG(state);
        struct app_scopes scopes;
        make(r, &(struct made){.slug = "a", .scopes = {"webhook:invoice"}});
        struct app_row row = find(r, "a");
        OK(app_scopes_of(r->db, &row, APP_SCOPE_SIGNATURE, false, 0, &r->arena, &scopes, &f->err));
        assert_true(app_scopes_have_webhook(&scopes));
        assert_false(app_scopes_have(&scopes, "webhook"));
        assert_true(app_scopes_cover_type(&scopes, SPAN("invoice.paid")));
        assert_false(app_scopes_cover_type(&scopes, SPAN("invoice")));
        assert_false(app_scopes_cover_type(&scopes, SPAN("invoices.paid")));
        assert_false(app_scopes_cover_type(&scopes, SPAN("document.done")));
}

/* ---- queries ---- */

static void test_lists_go_on_behind_their_cursor(void **state)
{
        RIG(state);
        CLEANUP(buf_fini) struct buf out;
        CLEANUP(json_freep) struct json *list = NULL;
        CLEANUP(json_freep) struct json *rest = NULL;
        static const char *const slugs[] = {"a", "b", "c"};
        for (size_t i = 0; i < LENGTH(slugs); i++)
                make(r, &(struct made){.slug = slugs[i]});
        buf_init(&out, 1 << 16);
        struct page page = {.limit = 2};
        OK(app_list(r->db, &page, &out, &f->err));
        OK(json_parse(buf_view(&out), 16, &list, &f->err));
        assert_int_equal(json_size(json_get(list, "items")), 2);
        page.cursor = json_get_text(list, "next_cursor");
        assert_non_null(page.cursor.p);
        buf_reset(&out);
        OK(app_list(r->db, &page, &out, &f->err));
        OK(json_parse(buf_view(&out), 16, &rest, &f->err));
        const struct json *items = json_get(rest, "items");
        assert_int_equal(json_size(items), 1);
        assert_true(span_is(json_get_text(json_at(items, 0), "slug"), "c"));
        assert_true(json_is_null(json_get(rest, "next_cursor")));

        buf_reset(&out);
        OK(agree(r, "a", 3, NULL, false));
        page = (struct page){.limit = 10};
        OK(agreement_list(r->db, SPAN("a"), &page, &out, &f->err));
        assert_non_null(strstr(out.data, "{\"items\":[{\"user_id\":3,\"optional_scopes\":[],"));
        assert_int_equal(agreement_list(r->db, SPAN("z"), &page, &out, &f->err), STATUS_NOT_FOUND);
}

static const char *users(struct rig *r, const char *slug, int64_t sub)
{
        struct fixture *f = &r->base;
        struct app_row row = find(r, slug);
        CLEANUP(buf_fini) struct buf out;
        buf_init(&out, 1 << 16);
        OK(app_users(r->db, &row, sub != 0, sub, &out, &f->err));
        return arena_dup(&r->arena, buf_view(&out));
}

static void test_an_app_sees_the_users_that_agreed(void **state)
{
        RIG(state);
        CLEANUP(buf_fini) struct buf out;
        make(r, &(struct made){.slug = "a"});
        make(r, &(struct made){.slug = "free", .is_free = true});
        rig_user(r, "ann@example.org", NULL, 0);
        rig_user(r, "bob", NULL, 0);
        int64_t ann = rig_int(r, "SELECT number FROM users WHERE name LIKE 'ann%'"), bob = ann + 1;
        char want[200];
        snprintf(want, sizeof want,
                 "[{\"id\":%d,\"username\":\"ann@example.org\",\"email\":\"ann@example.org\","
                 "\"first_name\":\"\",\"last_name\":\"\"}]",
                 (int)ann);
        OK(agree(r, "a", ann, NULL, false));
        assert_string_equal(users(r, "a", 0), want);
        assert_string_equal(users(r, "free", ann), want);
        assert_non_null(strstr(users(r, "free", 0), "\"username\":\"bob\",\"email\":null"));

        struct app_row row = find(r, "a");
        buf_init(&out, 1 << 16);
        OK(app_user(r->db, &row, true, ann, ann, &out, &f->err));
        assert_int_equal(out.data[0], '{');
        assert_int_equal(app_user(r->db, &row, true, ann, bob, &out, &f->err), STATUS_DENIED);
        assert_string_equal(f->err.slug, "user-with-no-access");
        assert_int_equal(app_user(r->db, &row, false, 0, bob, &out, &f->err), STATUS_NOT_FOUND);
        assert_string_equal(f->err.slug, "user-not-found");
        assert_int_equal(app_user(r->db, &row, false, 0, 0, &out, &f->err), STATUS_NOT_FOUND);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                RIG_TEST(test_a_made_key_is_shown_once_and_sealed),
                RIG_TEST(test_a_standard_app_gets_a_whsec_secret),
                RIG_TEST(test_a_made_pair_keeps_only_the_public_key),
                RIG_TEST(test_a_key_that_is_brought_is_taken),
                RIG_TEST(test_what_does_not_fit_is_refused),
                RIG_TEST(test_a_rotation_keeps_the_old_key_for_its_grace),
                RIG_TEST(test_a_rotation_without_grace_ends_the_old_key_at_once),
                RIG_TEST(test_a_rotation_makes_the_kind_of_key_that_the_app_has),
                RIG_TEST(test_a_rotation_may_change_the_algorithm),
                RIG_TEST(test_a_change_leaves_what_it_does_not_name),
                RIG_TEST(test_a_deleted_app_is_gone_and_its_slug_free),
                RIG_TEST(test_scopes_come_from_the_app_and_the_agreement),
                RIG_TEST(test_a_scope_that_is_offered_no_more_is_not_granted),
                RIG_TEST(test_a_typed_scope_covers_its_types),
                RIG_TEST(test_lists_go_on_behind_their_cursor),
                RIG_TEST(test_an_app_sees_the_users_that_agreed),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
