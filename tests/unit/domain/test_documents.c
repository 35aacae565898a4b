/* Inboxes, their documents, and what reviewers say of them. */
#include "unit/domain/unit.h"

#include "unit/domain/domain_rig.h"

static enum status create_inbox(struct rig *r, const char *name)
{
        struct fixture *f = &r->base;
        struct inbox_create *c;
        OK(inbox_create_new(r->domain, NULL, &c, &f->err));
        c->name = span_of(name);
        enum status s = rig_run(r, &c->base);
        domain_command_free(&c->base);
        return s;
}

static enum status change_inbox(struct rig *r, const char *id, const char *name,
                                const char *project)
{
        struct fixture *f = &r->base;
        struct inbox_change *c;
        OK(inbox_change_new(r->domain, NULL, &c, &f->err));
        c->id = span_of(id);
        c->name = span_of(name);
        c->project = span_of(project);
        enum status s = rig_run(r, &c->base);
        domain_command_free(&c->base);
        return s;
}

static enum status delete_inbox(struct rig *r, const char *id, int64_t *ret_revoked)
{
        struct fixture *f = &r->base;
        struct inbox_delete *c;
        OK(inbox_delete_new(r->domain, NULL, &c, &f->err));
        c->id = span_of(id);
        enum status s = rig_run(r, &c->base);
        *ret_revoked = c->revoked;
        domain_command_free(&c->base);
        return s;
}

static const char *name_of(struct rig *r, const char *id)
{
        struct fixture *f = &r->base;
        struct span found, name;
        OK(inbox_find(r->db, span_of(id), &r->arena, &found, &name, &f->err));
        return arena_dup(&r->arena, name);
}

/* ---- inboxes ---- */

static void test_an_inbox_s_name_is_its_own_and_no_id(void **state)
{
        RIG(state);
        const char *one = rig_inbox(r, "one");
        assert_int_equal(create_inbox(r, "one"), STATUS_CONFLICT);
        assert_string_equal(f->err.slug, "inbox-exists");
        assert_int_equal(create_inbox(r, "0123456789abcdef01234567"), STATUS_INVALID);
        assert_int_equal(create_inbox(r, ""), STATUS_INVALID);
        OK(create_inbox(r, "two"));
        assert_int_equal(change_inbox(r, one, "two", NULL), STATUS_CONFLICT);
        OK(change_inbox(r, "one", "one", NULL));
        OK(change_inbox(r, "one", "three", NULL));
        assert_string_equal(name_of(r, one), "three");
        assert_int_equal(change_inbox(r, "one", "four", NULL), STATUS_NOT_FOUND);
        assert_string_equal(f->err.slug, "inbox-not-found");
}

static void test_a_change_leaves_what_it_does_not_name(void **state)
{
        RIG(state);
        struct span project;
        const char *id = rig_inbox(r, "one");
        OK(change_inbox(r, id, NULL, "p1"));
        OK(change_inbox(r, id, "two", NULL));
        OK(inbox_project(r->db, span_of(id), &r->arena, &project, &f->err));
        assert_true(span_is(project, "p1"));
        assert_string_equal(name_of(r, id), "two");
}

static void test_a_deleted_inbox_takes_documents_states_and_keys_along(void **state)
{
        RIG(state);
        rig_user(r, "guest", NULL, 0);
        int64_t revoked;
        char resource[64];
        const char *gone = rig_inbox(r, "gone"), *stays = rig_inbox(r, "stays");
        rig_document(r, gone, "d1");
        rig_document(r, stays, "d2");
        snprintf(resource, sizeof resource, "inboxes/%s", gone);
        struct minted of_inbox = rig_mint(r, &(struct mint){.resource = resource});
        struct minted of_document = rig_mint(r, &(struct mint){.resource = "documents/d1"});
        struct minted other = rig_mint(r, &(struct mint){.resource = "documents/d2"});
        OK(delete_inbox(r, "gone", &revoked));
        assert_int_equal(revoked, 2);
        assert_false(rig_is_valid(r, of_inbox.key));
        assert_false(rig_is_valid(r, of_document.key));
        assert_true(rig_is_valid(r, other.key));
        assert_true(span_is(rig_get(r, of_inbox.id).reason, KEY_REASON_INBOX_DELETED));
        assert_int_equal(rig_int(r, "SELECT count(*) FROM documents"), 1);
        assert_int_equal(rig_int(r, "SELECT count(*) FROM inboxes"), 1);
        assert_int_equal(delete_inbox(r, gone, &revoked), STATUS_NOT_FOUND);
        rig_check_counts(r);
}

/* ---- what reviewers say ---- */

struct reviewer {
        struct caller who;
        bool may_release;
};

static struct reviewer reviewer(struct rig *r, const char *name, bool may_release)
{
        struct reviewer v = {.who = {.kind = CALLER_USER}, .may_release = may_release};
        const char *id = rig_user(r, name, NULL, 0);
        snprintf(v.who.id, sizeof v.who.id, "%s", id);
        snprintf(v.who.user_id, sizeof v.who.user_id, "%s", id);
        return v;
}

static enum status say(struct rig *r, const struct reviewer *v, const char *document,
                       struct document_state *states, size_t n)
{
        struct fixture *f = &r->base;
        struct document_state_set *c;
        OK(document_state_set_new(r->domain, NULL, &c, &f->err));
        c->id = span_of(document);
        c->states = states;
        c->n_states = n;
        c->may_release = v->may_release;
        c->base.caller = v->who;
        enum status s = rig_run(r, &c->base);
        domain_command_free(&c->base);
        return s;
}

static enum status lock(struct rig *r, const struct reviewer *v, int64_t value)
{
        return say(r, v, "d", &(struct document_state){"lock", value}, 1);
}

/* "name=value by user at time" of each, in order of name. */
static const char *said(struct rig *r, const char *document)
{
        struct fixture *f = &r->base;
        struct document_state_row *list;
        size_t n;
        CLEANUP(buf_fini) struct buf out;
        buf_init(&out, 4096);
        OK(document_states(r->db, span_of(document), &r->arena, &list, &n, &f->err));
        for (size_t i = 0; i < n; i++)
                buf_printf(&out, "%.*s=%lld by %.*s at %lld\n", (int)list[i].name.len,
                           list[i].name.p, (long long)list[i].value, (int)list[i].set_by.len,
                           list[i].set_by.p, (long long)(list[i].set_at - T0));
        return out.len ? arena_dup(&r->arena, buf_view(&out)) : "";
}

static void test_a_lock_has_one_holder_who_alone_releases_it(void **state)
{
        RIG(state);
        struct reviewer ann = reviewer(r, "ann", false), ben = reviewer(r, "ben", false),
                        chief = reviewer(r, "chief", true);
        rig_document(r, rig_inbox(r, "in"), "d");
        OK(lock(r, &ann, 1));
        OK(lock(r, &ann, 1)); /* hers already */
        assert_int_equal(lock(r, &ben, 1), STATUS_CONFLICT);
        assert_string_equal(f->err.slug, "document-locked");
        assert_int_equal(lock(r, &chief, 1), STATUS_CONFLICT); /* not even he takes it over */
        assert_int_equal(lock(r, &ben, 0), STATUS_DENIED);
        assert_string_equal(f->err.slug, "lock-held");
        OK(lock(r, &ann, 0));
        OK(lock(r, &ben, 1));
        OK(lock(r, &chief, 0));
        OK(lock(r, &ann, 1));
}

static void test_a_state_says_who_and_since_when_by_the_command_alone(void **state)
{
        RIG(state);
        struct reviewer ann = reviewer(r, "ann", false), ben = reviewer(r, "ben", false);
        rig_document(r, rig_inbox(r, "in"), "d");
        struct document_state first[] = {{"escalate", 1}, {"ready", 3}}, second = {"escalate", 0};
        OK(say(r, &ann, "d", first, 2));
        rig_advance(MINUTE);
        OK(say(r, &ben, "d", &second, 1));
        char expected[256];
        snprintf(expected, sizeof expected, "escalate=0 by %s at 60000\nready=3 by %s at 0\n",
                 ben.who.user_id, ann.who.user_id);
        assert_string_equal(said(r, "d"), expected);
        assert_int_equal(rig_int(r, "SELECT updated_at FROM documents"), T0 + MINUTE);
        assert_non_null(strstr(rig_event(r, "chatelaine.audit.v1"), "\"document.state\""));
}

static void test_states_that_are_refused_leave_none_of_their_kind(void **state)
{
        RIG(state);
        struct reviewer ann = reviewer(r, "ann", false), ben = reviewer(r, "ben", false);
        rig_document(r, rig_inbox(r, "in"), "d");
        OK(lock(r, &ann, 1));
        struct document_state both[] = {{"escalate", 1}, {"lock", 1}};
        assert_int_equal(say(r, &ben, "d", both, 2), STATUS_CONFLICT);
        assert_null(strstr(said(r, "d"), "escalate"));
        assert_int_equal(say(r, &ben, "none", both, 1), STATUS_NOT_FOUND);
        assert_string_equal(f->err.slug, "document-not-found");
}

/* ---- done ---- */

static const char *document(struct rig *r, const char *id)
{
        struct fixture *f = &r->base;
        CLEANUP(buf_fini) struct buf out;
        buf_init(&out, 4096);
        OK(document_write(r->db, span_of(id), &out, &f->err));
        return arena_dup(&r->arena, buf_view(&out));
}

static void test_done_and_reopened_is_what_the_row_says_and_who_did_it_first(void **state)
{
        RIG(state);
        bool is_done;
        rig_document(r, rig_inbox(r, "in"), "d");
        assert_non_null(strstr(document(r, "d"), "\"status\":\"open\""));
        rig_advance(MINUTE);
        rig_done(r, "d", false);
        assert_non_null(strstr(document(r, "d"), "\"status\":\"done\""));
        rig_advance(MINUTE);
        rig_done(r, "d", false); /* again: neither date moves */
        assert_int_equal(rig_int(r, "SELECT done_at FROM tombstones"), T0 + MINUTE);
        assert_int_equal(rig_int(r, "SELECT updated_at FROM documents"), T0 + MINUTE);
        rig_done(r, "d", true);
        OK(document_is_done(r->db, SPAN("d"), &is_done, &f->err));
        assert_false(is_done);
        assert_int_equal(rig_int(r, "SELECT updated_at FROM documents"), T0 + 2 * MINUTE);
        rig_done(r, "d", true); /* again: nothing to do */
        assert_non_null(strstr(rig_event(r, "chatelaine.audit.v1"), "\"document.reopen\""));
        rig_done(r, "without-a-row", false);
        assert_non_null(strstr(document(r, "without-a-row"), "\"status\":\"done\""));
}

/* While the disk is full, done goes through and reopening waits. */
static void test_reopening_takes_no_right_away(void **state)
{
        RIG(state);
        for (int is_reopen = 0; is_reopen < 2; is_reopen++) {
                struct document_done *c;
                OK(document_done_new(r->domain, NULL, &c, &f->err));
                c->id = SPAN("d");
                c->is_reopen = is_reopen;
                c->base.caller = rig_unix();
                c->base.audit.has_request = true;
                domain_set_disk_low(r->domain, true);
                enum status s = domain_submit(&c->base, NULL, &f->err);
                if (is_reopen) {
                        assert_int_equal(s, STATUS_RETRY);
                        assert_string_equal(f->err.slug, "disk-full");
                        domain_command_free(&c->base);
                } else {
                        OK(s); /* it frees itself */
                        rig_await(r, "chatelaine.audit.v1", 1);
                }
        }
        assert_int_equal(rig_int(r, "SELECT count(*) FROM tombstones"), 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                RIG_TEST(test_an_inbox_s_name_is_its_own_and_no_id),
                RIG_TEST(test_a_change_leaves_what_it_does_not_name),
                RIG_TEST(test_a_deleted_inbox_takes_documents_states_and_keys_along),
                RIG_TEST(test_a_lock_has_one_holder_who_alone_releases_it),
                RIG_TEST(test_a_state_says_who_and_since_when_by_the_command_alone),
                RIG_TEST(test_states_that_are_refused_leave_none_of_their_kind),
                RIG_TEST(test_done_and_reopened_is_what_the_row_says_and_who_did_it_first),
                RIG_TEST(test_reopening_takes_no_right_away),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
