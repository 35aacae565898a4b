/* Users, roles, inboxes, documents and keys: made, shown and listed. */
#include "domain_rig.h"

#include <chatelaine/codec_json.h>

static struct json *parse(const struct buf *b)
{
        struct json *v;
        struct error e;
        if (json_parse(buf_view(b), 16, &v, &e) != STATUS_OK)
                fail_msg("%s in %.*s", e.text, (int)b->len, b->data);
        return v;
}

/* ---- walking pages ---- */

typedef enum status (*lister)(struct rig *r, const struct page *p, void *arg, struct buf *out);

/* The ids of all pages, joined by commas, in the arena; each page has at most `limit`. */
static const char *walk(struct rig *r, lister list, void *arg, unsigned limit, unsigned *ret_pages)
{
        struct fixture *f = &r->base;
        struct buf ids, out;
        struct page p = {.limit = limit};
        unsigned pages = 0;
        buf_init(&ids, 1 << 20);
        buf_init(&out, 1 << 20);
        do {
                buf_reset(&out);
                OK(list(r, &p, arg, &out));
                struct json *v = parse(&out);
                const struct json *items = json_get(v, "items");
                assert_true(json_size(items) <= limit);
                for (size_t i = 0; i < json_size(items); i++)
                        buf_printf(&ids, "%.*s,", (int)json_get_text(json_at(items, i), "id").len,
                                   json_get_text(json_at(items, i), "id").p);
                p.cursor = arena_span(&r->arena, json_get_text(v, "next_cursor"));
                json_free(v);
                pages++;
        } while (p.cursor.p);
        const char *text = arena_dup(&r->arena, buf_view(&ids));
        buf_fini(&ids);
        buf_fini(&out);
        if (ret_pages)
                *ret_pages = pages;
        return text;
}

static unsigned commas(const char *text)
{
        unsigned n = 0;
        for (; *text; text++)
                n += *text == ',';
        return n;
}

static enum status users(struct rig *r, const struct page *p, void *arg, struct buf *out)
{
        (void)arg;
        return user_list(r->db, p, out, &r->base.err);
}

static enum status roles(struct rig *r, const struct page *p, void *arg, struct buf *out)
{
        (void)arg;
        return role_list(r->db, p, out, &r->base.err);
}

static enum status keys(struct rig *r, const struct page *p, void *arg, struct buf *out)
{
        return key_list(r->db, arg, p, rig_clock(), NULL, out, &r->base.err);
}

/* ---- users ---- */

static void test_users_are_made_shown_and_numbered_once(void **state)
{
        RIG(state);
        struct grant grants[] = {{.role = SPAN("backend"), .resource = SPAN("/inboxes/I/")},
                                 {.permission = SPAN("events:read"), .resource = SPAN("*")}};
        const char *id = rig_user(r, "a@b.example", grants, 2);
        struct user_row row;
        struct buf out;
        OK(user_find(r->db, SPAN("a@b.example"), &r->arena, &row, &f->err));
        assert_true(span_is(row.id, id));
        assert_int_equal(row.number, 1);
        buf_init(&out, 4096);
        OK(user_write(r->db, &row, &out, &f->err));
        char want[1024];
        snprintf(want, sizeof want,
                 "{\"id\":\"%s\",\"number\":1,\"name\":\"a@b.example\",\"active\":true,"
                 "\"roles\":[{\"role\":\"backend\",\"resource\":\"inboxes/I\"},"
                 "{\"permission\":\"events:read\",\"resource\":\"*\"}],"
                 "\"created_at\":\"2027-01-15T08:00:00.000Z\","
                 "\"updated_at\":\"2027-01-15T08:00:00.000Z\"}",
                 id);
        assert_string_equal(out.data, want);
        buf_fini(&out);

        struct user_delete *d;
        OK(user_delete_new(r->domain, NULL, &d, &f->err));
        d->id = span_of(id);
        OK(rig_run(r, &d->base));
        domain_command_free(&d->base);
        assert_int_equal(rig_int(r, "SELECT count(*) FROM statements"), 0);
        rig_user(r, "next", NULL, 0);
        OK(user_by_number(r->db, 2, &r->arena, &row, &f->err)); /* 1 is not given twice */
        assert_int_equal(user_by_number(r->db, 1, &r->arena, &row, &f->err), STATUS_NOT_FOUND);
}

static enum status try_user(struct rig *r, const char *name, const char *role)
{
        struct fixture *f = &r->base;
        struct user_create *c;
        struct grant g = {.role = span_of(role), .resource = SPAN("*")};
        OK(user_create_new(r->domain, NULL, &c, &f->err));
        c->name = span_of(name);
        c->grants = &g;
        c->n_grants = role != NULL;
        enum status s = rig_run(r, &c->base);
        domain_command_free(&c->base);
        return s;
}

static void test_names_of_users_are_no_ids_and_no_clients(void **state)
{
        RIG(state);
        static const char *const bad[] = {
                "", " a", "a ", "a:b", "sc_x", "a\nb", "\xff", "0123456789abcdef01234567", "a\x7f"};
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
                assert_int_equal(try_user(r, bad[i], NULL), STATUS_INVALID);
                assert_string_equal(f->err.slug, "invalid-name");
        }
        assert_int_equal(try_user(r, "guest", NULL), STATUS_OK);
        assert_int_equal(try_user(r, "guest", NULL), STATUS_CONFLICT);
        assert_string_equal(f->err.slug, "user-exists");
        assert_int_equal(try_user(r, "other", "no-such-role"), STATUS_NOT_FOUND);
        assert_string_equal(f->err.slug, "role-not-found");
        assert_int_equal(rig_int(r, "SELECT count(*) FROM users"), 1); /* undone whole */
}

static void test_changes_touch_only_what_they_name(void **state)
{
        RIG(state);
        struct grant g = {.role = SPAN("auditor"), .resource = SPAN("*")};
        const char *id = rig_user(r, "guest", &g, 1);
        struct user_change *c;
        rig_advance(1000);
        OK(user_change_new(r->domain, NULL, &c, &f->err));
        c->id = SPAN("guest");
        strcpy(c->password_hash, "$scrypt$...");
        OK(rig_run(r, &c->base));
        domain_command_free(&c->base);
        struct user_row row;
        OK(user_find(r->db, span_of(id), &r->arena, &row, &f->err));
        assert_true(row.is_active);
        assert_int_equal(row.password_changed_at, T0 + 1000);
        assert_int_equal(row.created_at, T0);
        assert_int_equal(rig_int(r, "SELECT count(*) FROM statements"), 1);
        assert_null(strstr(rig_event(r, "chatelaine.audit.v1"), "scrypt"));
}

/* ---- roles ---- */

static void test_roles_have_one_name_each(void **state)
{
        RIG(state);
        assert_int_equal(rig_role(r, "reviewer", "review"), STATUS_OK);
        assert_int_equal(rig_role(r, "reviewer", "review"), STATUS_CONFLICT);
        assert_int_equal(rig_role(r, "admin", "review"), STATUS_CONFLICT); /* built in */
        assert_int_equal(rig_role(r, "x", "Review"), STATUS_INVALID);
        assert_string_equal(f->err.slug, "invalid-permission");
        struct buf out;
        buf_init(&out, 4096);
        OK(role_write(r->db, SPAN("reviewer"), &out, &f->err));
        assert_non_null(strstr(out.data, "\"permissions\":[\"review\"],\"built_in\":false"));
        buf_reset(&out);
        OK(role_write(r->db, SPAN("operator"), &out, &f->err));
        assert_non_null(strstr(out.data, "\"documents:done\""));
        assert_int_equal(role_write(r->db, SPAN("none"), &out, &f->err), STATUS_NOT_FOUND);
        buf_fini(&out);
}

static void test_pages_hold_all_in_order_whatever_their_size(void **state)
{
        RIG(state);
        unsigned pages;
        for (int i = 0; i < 7; i++) {
                char name[16];
                snprintf(name, sizeof name, "n%d", i);
                rig_user(r, name, NULL, 0);
                OK(rig_role(r, name, "review"));
        }
        const char *all_roles = walk(r, roles, NULL, 1000, &pages);
        assert_int_equal(commas(all_roles), 12);
        assert_int_equal(pages, 1);
        const char *all_users = walk(r, users, NULL, 1000, NULL);
        assert_int_equal(commas(all_users), 7);
        for (unsigned limit = 1; limit < 13; limit++) {
                assert_string_equal(walk(r, roles, NULL, limit, &pages), all_roles);
                assert_int_equal(pages, (12 + limit - 1) / limit);
                assert_string_equal(walk(r, users, NULL, limit, &pages), all_users);
                assert_int_equal(pages, (7 + limit - 1) / limit);
        }
}

/* ---- documents ---- */

static void test_documents_are_shown_open_or_done(void **state)
{
        RIG(state);
        struct buf out;
        const char *inbox = rig_inbox(r, "invoice");
        rig_document(r, "invoice", "d1");
        buf_init(&out, 4096);
        OK(document_write(r->db, SPAN("d1"), &out, &f->err));
        char want[512];
        snprintf(want, sizeof want,
                 "{\"id\":\"d1\",\"inbox\":\"%s\",\"name\":\"d1\",\"status\":\"open\","
                 "\"done_at\":null,\"created_at\":\"2027-01-15T08:00:00.000Z\","
                 "\"updated_at\":\"2027-01-15T08:00:00.000Z\"}",
                 inbox);
        assert_string_equal(out.data, want);
        rig_done(r, "d1", false);
        rig_done(r, "never-seen", false);
        buf_reset(&out);
        OK(document_write(r->db, SPAN("never-seen"), &out, &f->err));
        assert_non_null(strstr(out.data, "\"inbox\":null,\"name\":null,\"status\":\"done\""));
        rig_done(r, "never-seen", true);
        assert_int_equal(document_write(r->db, SPAN("never-seen"), &out, &f->err),
                         STATUS_NOT_FOUND);
        buf_fini(&out);

        struct document_create *c;
        OK(document_create_new(r->domain, NULL, &c, &f->err));
        c->inbox = SPAN("invoice");
        c->name = SPAN("again");
        c->id = SPAN("d1");
        assert_int_equal(rig_run(r, &c->base), STATUS_CONFLICT);
        c->id = SPAN("a/b");
        assert_int_equal(rig_run(r, &c->base), STATUS_INVALID);
        c->id = SPAN_NONE;
        c->inbox = SPAN("none");
        assert_int_equal(rig_run(r, &c->base), STATUS_NOT_FOUND);
        assert_string_equal(f->err.slug, "inbox-not-found");
        domain_command_free(&c->base);
}

static void test_documents_are_listed_to_those_who_may_see_them(void **state)
{
        RIG(state);
        struct buf out;
        struct principal p;
        char resource[64];
        const char *mine = rig_inbox(r, "mine");
        rig_inbox(r, "theirs");
        rig_document(r, "mine", "a");
        rig_document(r, "theirs", "b");
        rig_document(r, "mine", "c");
        rig_user(r, "guest", NULL, 0);
        snprintf(resource, sizeof resource, "inboxes/%s", mine);
        struct minted k = rig_mint(r, &(struct mint){.resource = resource, .role = "operator"});
        struct key_row row = rig_find(r, k.key);
        OK(key_principal(r->db, &row, &r->arena, &p, &f->err));
        buf_init(&out, 1 << 16);
        OK(document_list(r->db, SPAN_NONE, &(struct page){.limit = 1}, &p, &out, &f->err));
        struct json *v = parse(&out);
        assert_true(span_is(json_get_text(json_at(json_get(v, "items"), 0), "id"), "a"));
        struct page next = {.limit = 5,
                            .cursor = arena_span(&r->arena, json_get_text(v, "next_cursor"))};
        json_free(v);
        buf_reset(&out);
        OK(document_list(r->db, SPAN_NONE, &next, &p, &out, &f->err));
        assert_non_null(strstr(out.data, "\"id\":\"c\""));
        assert_null(strstr(out.data, "\"id\":\"b\""));
        buf_reset(&out);
        OK(inbox_list(r->db, &(struct page){.limit = 5}, &p, &out, &f->err));
        assert_non_null(strstr(out.data, "mine"));
        assert_null(strstr(out.data, "theirs"));
        buf_fini(&out);
}

/* ---- keys ---- */

static void test_a_key_is_shown_as_it_was_asked_for(void **state)
{
        RIG(state);
        struct buf out;
        const char *user = rig_user(r, "guest", NULL, 0);
        struct minted k =
                rig_mint(r, &(struct mint){.resource = "/documents/D/", .role = "auditor"});
        struct key_row row = rig_get(r, k.id);
        buf_init(&out, 4096);
        OK(key_write(r->db, &row, &out, &f->err));
        struct json *v = parse(&out);
        assert_true(span_is(json_get_text(v, "user"), user));
        assert_true(span_is(json_get_text(v, "state"), "active"));
        assert_true(json_is_null(json_get(v, "reason")));
        assert_true(span_is(json_get_text(v, "expires_at"), "2027-01-16T08:00:00.000Z"));
        const struct json *grant = json_at(json_get(v, "grants"), 0);
        assert_true(span_is(json_get_text(grant, "role"), "auditor"));
        assert_true(span_is(json_get_text(grant, "resource"), "documents/D"));
        assert_int_equal(json_size(json_get(v, "resources")), 0);
        assert_null(json_get(v, "key"));
        json_free(v);
        buf_fini(&out);
}

static void test_every_filter_and_every_page_size_finds_the_same(void **state)
{
        RIG(state);
        const char *guest = rig_user(r, "guest", NULL, 0);
        rig_user(r, "other", NULL, 0);
        const char *inbox = rig_inbox(r, "invoice");
        char in_inbox[64];
        snprintf(in_inbox, sizeof in_inbox, "inboxes/%s", inbox);
        rig_document(r, inbox, "D");
        static const char *const resources[] = {"documents/D", "documents/E", NULL, "inboxes/X"};
        struct minted first = {.id = ""}, k;
        for (int i = 0; i < 40; i++) {
                k = rig_mint(r, &(struct mint){.user = i % 2 ? "other" : "guest",
                                               .resource = resources[i % 4],
                                               .expires_in_ms = (i % 5 + 1) * HOUR});
                if (i == 0)
                        first = k;
        }
        rig_revoke_id(r, first.id);
        OK(rig_suspend(r, k.id, false));
        rig_advance(2 * HOUR); /* two of five are past their date, and nobody has tidied up */
        struct {
                struct key_filter filter;
                unsigned want;
        } cases[] = {
                {{.user = SPAN_NONE}, 40},
                {{.user = SPAN("guest")}, 20},
                {{.user = span_of(guest)}, 20},
                {{.user = SPAN("unknown")}, 0},
                {{.has_state = true, .state = KEY_REVOKED}, 1},
                {{.has_state = true, .state = KEY_EXPIRED}, 15},
                {{.has_state = true, .state = KEY_SUSPENDED}, 1},
                {{.has_state = true, .state = KEY_ACTIVE}, 23},
                {{.user = SPAN("guest"), .has_state = true, .state = KEY_EXPIRED}, 7},
                {{.resource = SPAN("documents/D")}, 10},
                {{.resource = SPAN("inboxes/Z/documents/D")}, 10},
                {{.resource = span_of(in_inbox)}, 10},
                {{.resource = SPAN("inboxes")}, 20},
                {{.resource = SPAN("documents")}, 20},
                {{.resource = SPAN("documents/*")}, 20},
                {{.resource = SPAN("documents/D/page")}, 0},
                {{.resource = SPAN("documents/D"), .user = SPAN("other")}, 0},
                {{.expires_before_ms = T0 + HOUR + 1}, 8},
                {{.app = SPAN("app")}, 0},
        };
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                unsigned pages;
                const char *all = walk(r, keys, &cases[i].filter, 1000, &pages);
                if (commas(all) != cases[i].want)
                        fail_msg("case %zu: %u keys", i, commas(all));
                for (unsigned limit = 1; limit < 12; limit += 5)
                        assert_string_equal(walk(r, keys, &cases[i].filter, limit, &pages), all);
        }
        for (int i = 0; i < 2; i++, rig_job(r, keys_expire_in, 500, NULL))
                assert_int_equal(commas(walk(r, keys, &cases[5].filter, 1000, NULL)), 15);
}

static void test_keys_are_listed_to_those_who_may_see_them(void **state)
{
        RIG(state);
        struct buf out;
        struct principal p;
        rig_user(r, "guest", NULL, 0);
        struct minted reader =
                rig_mint(r, &(struct mint){.resource = "inboxes/I", .role = "auditor"});
        struct minted seen = rig_mint(r, &(struct mint){.resource = "inboxes/I/documents/D"});
        struct minted unseen = rig_mint(r, &(struct mint){.resource = "inboxes/J"});
        struct key_row row = rig_find(r, reader.key);
        struct key_filter any = {.user = SPAN_NONE};
        OK(key_principal(r->db, &row, &r->arena, &p, &f->err));
        buf_init(&out, 1 << 16);
        OK(key_list(r->db, &any, &(struct page){.limit = 10}, rig_clock(), &p, &out, &f->err));
        assert_non_null(strstr(out.data, seen.id));
        assert_non_null(strstr(out.data, reader.id));
        assert_null(strstr(out.data, unseen.id));
        buf_fini(&out);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                RIG_TEST(test_users_are_made_shown_and_numbered_once),
                RIG_TEST(test_names_of_users_are_no_ids_and_no_clients),
                RIG_TEST(test_changes_touch_only_what_they_name),
                RIG_TEST(test_roles_have_one_name_each),
                RIG_TEST(test_pages_hold_all_in_order_whatever_their_size),
                RIG_TEST(test_documents_are_shown_open_or_done),
                RIG_TEST(test_documents_are_listed_to_those_who_may_see_them),
                RIG_TEST(test_a_key_is_shown_as_it_was_asked_for),
                RIG_TEST(test_every_filter_and_every_page_size_finds_the_same),
                RIG_TEST(test_keys_are_listed_to_those_who_may_see_them),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
