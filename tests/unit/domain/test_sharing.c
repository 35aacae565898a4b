/* Resources for everybody, claims, invites and requests for access: the commands and who may. */
#include "domain_rig.h"

#include <chatelaine/domain_access_requests.h>
#include <chatelaine/domain_claims.h>
#include <chatelaine/domain_invites.h>
#include <chatelaine/domain_resource_config.h>

#define RIG(state)                    \
        struct rig *r = *(state);     \
        struct fixture *f = &r->base; \
        (void)f
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

#define OWNER "Authress:Owner"
#define GIVES(resource) \
        "[{\"roles\":[\"" OWNER "\"],\"resources\":[{\"resourceUri\":\"" resource "\"}]}]"
#define INVITE(resource) "{\"statements\":" GIVES(resource) "}"
#define REQUEST(resource) \
        "{\"access\":{\"users\":[{\"userId\":\"u\"}],\"statements\":" GIVES(resource) "}}"

/* ---- who ---- */

static struct principal as(struct rig *r, const char *user_id)
{
        struct fixture *f = &r->base;
        struct principal p = {.db = r->db, .caller = {.kind = CALLER_USER}};
        snprintf(p.caller.id, sizeof p.caller.id, "%s", user_id);
        snprintf(p.caller.user_id, sizeof p.caller.user_id, "%s", user_id);
        OK(grants_load(r->db, arena_printf(&r->arena, "users/%s", user_id), &r->arena, &p.rights,
                       &f->err));
        return p;
}

static struct principal owner_of(struct rig *r, const char *name, const char *resource)
{
        struct grant grants[] = {{.role = SPAN(OWNER), .resource = span_of(resource)}};
        return as(r, rig_user(r, name, grants, 1));
}

static struct principal nobody(struct rig *r, const char *name)
{
        return as(r, rig_user(r, name, NULL, 0));
}

static bool may_in(struct rig *r, const char *subject, const char *action, const char *resource)
{
        struct fixture *f = &r->base;
        bool is_allowed;
        OK(access_check(r->db, subject, span_of(action), span_of(resource), &is_allowed, &f->err));
        return is_allowed;
}

static bool may(struct rig *r, const struct principal *p, const char *resource)
{
        return may_in(r, arena_printf(&r->arena, "users/%s", p->caller.id), "a:b", resource);
}

static enum status run_as(struct rig *r, const struct principal *p, struct domain_command *c)
{
        c->caller = p->caller;
        enum status s = rig_run(r, c);
        domain_command_free(c);
        return s;
}

#define FAILS(call, slug_)                               \
        do {                                             \
                assert_int_not_equal(call, STATUS_OK);   \
                assert_string_equal(f->err.slug, slug_); \
        } while (0)

/* ---- configuration ---- */

static void configure(struct rig *r, const char *resource, bool is_public, bool is_claimable)
{
        struct fixture *f = &r->base;
        struct resource_config config = {span_of(resource), is_public, is_claimable};
        struct resource_config_put *c;
        OK(resource_config_put_new(r->domain, NULL, &config, &c, &f->err));
        OK(rig_run(r, &c->base));
        domain_command_free(&c->base);
}

static void test_what_is_public_is_read_with_what_is_beneath_it(void **state)
{
        RIG(state);
        configure(r, "a/b", true, false);
        static const struct {
                const char *action, *resource;
                bool is_allowed;
        } asked[] = {
                {"read", "a/b", true},       {"READ", "a/b/c/d", true}, {"x:read", "a/b", true},
                {"x:y:read", "a/b", true},   {"read:x", "a/b", true},   {"write", "a/b", false},
                {"x", "a/b", false},         {"*", "a/b", false},       {"x:*", "a/b", false},
                {"x:reading", "a/b", false}, {"x:bread", "a/b", false}, {"read", "a", false},
                {"read", "a/bc", false},     {"read", "b", false},      {"read", "a/*", false},
        };
        for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
                assert_int_equal(may_in(r, "users/any", asked[i].action, asked[i].resource),
                                 asked[i].is_allowed);
        configure(r, "a/b", false, true);
        assert_false(may_in(r, "users/any", "read", "a/b"));
}

static void test_a_public_document_is_the_same_by_either_spelling(void **state)
{
        RIG(state);
        const char *inbox = rig_inbox(r, "in");
        rig_document(r, inbox, "d1");
        configure(r, "documents/d1", true, false);
        assert_true(may_in(r, "users/any", "documents:read",
                           arena_printf(&r->arena, "inboxes/%s/documents/d1", inbox)));
        assert_false(may_in(r, "users/any", "documents:read", "documents/d2"));
        configure(r, "documents/d1", false, false);
        configure(r, arena_printf(&r->arena, "inboxes/%s", inbox), true, false);
        assert_true(may_in(r, "users/any", "documents:read", "documents/d1"));
}

static void test_only_who_may_give_everything_configures(void **state)
{
        RIG(state);
        struct principal owner = owner_of(r, "owner", "a"), none = nobody(r, "none");
        struct grant reads[] = {{.permission = SPAN("read"), .resource = SPAN("a")},
                                {.permission = SPAN("write"), .resource = SPAN("a")}};
        struct principal reader = as(r, rig_user(r, "reader", reads, 2));
        struct span name;
        OK(resource_config_may(&owner, RESOURCE_CONFIG_WRITE, SPAN("/a/b/"), &name, &f->err));
        assert_true(span_is(name, "a/b"));
        OK(resource_config_may(&reader, RESOURCE_CONFIG_READ, SPAN("a"), &name, &f->err));
        FAILS(resource_config_may(&reader, RESOURCE_CONFIG_WRITE, SPAN("a"), &name, &f->err),
              "forbidden");
        FAILS(resource_config_may(&none, RESOURCE_CONFIG_READ, SPAN("a"), &name, &f->err),
              "resource-not-found");
        FAILS(resource_config_may(&none, RESOURCE_CONFIG_WRITE, SPAN("a"), &name, &f->err),
              "resource-not-found");
        FAILS(resource_config_may(&owner, RESOURCE_CONFIG_WRITE, SPAN("b"), &name, &f->err),
              "resource-not-found");
        FAILS(resource_config_may(&owner, RESOURCE_CONFIG_WRITE, SPAN("a/*"), &name, &f->err),
              "invalid-resource");
}

/* ---- claims ---- */

static enum status claims(struct rig *r, const struct principal *p, const char *collection,
                          const char *id)
{
        struct fixture *f = &r->base;
        struct claim claim = {span_of(collection), span_of(id)};
        struct record_create *c;
        enum status s = claim_new(p, r->domain, NULL, &claim, &c, &f->err);
        return s == STATUS_OK ? run_as(r, p, &c->base) : s;
}

static void test_a_claim_makes_its_owner(void **state)
{
        RIG(state);
        struct principal a = nobody(r, "a"), b = nobody(r, "b");
        FAILS(claims(r, &a, "c", "x"), "not-claimable");
        configure(r, "c", false, true);
        OK(claims(r, &a, "c", "x"));
        assert_true(may(r, &a, "c/x/y"));
        assert_false(may(r, &a, "c"));
        FAILS(claims(r, &b, "/c", "x"), "already-claimed");
        FAILS(claims(r, &a, "c/", "x"), "already-claimed");
        FAILS(claims(r, &b, "c/x", "y"), "not-claimable");
        OK(claims(r, &b, "c", "xy"));
        FAILS(claims(r, &b, "c", ""), "invalid-resource");
        FAILS(claims(r, &b, "c", "a/b"), "invalid-resource");
        FAILS(claims(r, &b, "c", "*"), "invalid-resource");
        FAILS(claims(r, &b, "*", "a"), "invalid-resource");
}

static void test_what_others_hold_beneath_cannot_be_claimed(void **state)
{
        RIG(state);
        configure(r, "c", false, true);
        struct principal above = owner_of(r, "above", "c"), other = nobody(r, "other");
        (void)owner_of(r, "beneath", "c/x/y");
        (void)owner_of(r, "wild", "c/z/*");
        FAILS(claims(r, &other, "c", "x"), "already-claimed");
        FAILS(claims(r, &other, "c", "z"), "already-claimed");
        OK(claims(r, &above, "c", "y"));
}

/* Judged before, and again when it is written. */
static void test_the_second_of_two_claims_loses(void **state)
{
        RIG(state);
        struct principal a = nobody(r, "a"), b = nobody(r, "b");
        struct claim claim = {SPAN("c"), SPAN("x")};
        struct record_create *first, *second, *late;
        configure(r, "c", false, true);
        OK(claim_new(&a, r->domain, NULL, &claim, &first, &f->err));
        OK(claim_new(&b, r->domain, NULL, &claim, &second, &f->err));
        claim.id = SPAN("y");
        OK(claim_new(&b, r->domain, NULL, &claim, &late, &f->err));
        OK(run_as(r, &a, &first->base));
        FAILS(run_as(r, &b, &second->base), "already-claimed");
        assert_false(may(r, &b, "c/x"));
        configure(r, "c", false, false);
        FAILS(run_as(r, &b, &late->base), "not-claimable");
}

static void test_who_is_not_all_of_itself_claims_nothing(void **state)
{
        RIG(state);
        configure(r, "c", false, true);
        struct principal key = nobody(r, "a"), narrow = key, acting = key, unix_ = {.db = r->db};
        const struct cut cut = {.next = NULL};
        key.caller.kind = CALLER_KEY;
        narrow.cuts = &cut;
        snprintf(acting.caller.on_behalf_of, sizeof acting.caller.on_behalf_of, "x");
        unix_.caller.kind = CALLER_UNIX;
        FAILS(claims(r, &key, "c", "x"), "forbidden");
        FAILS(claims(r, &narrow, "c", "x"), "forbidden");
        FAILS(claims(r, &acting, "c", "x"), "forbidden");
        FAILS(claims(r, &unix_, "c", "x"), "forbidden");
}

/* ---- invites ---- */

static enum status reads_invite(struct rig *r, const struct principal *p, const char *json,
                                struct invite *ret)
{
        return invite_read(p, span_of(json), rig_clock(), &r->arena, ret, &r->base.err);
}

/* Its name. */
static struct span invites(struct rig *r, const struct principal *p, const char *json)
{
        struct fixture *f = &r->base;
        struct invite invite;
        struct invite_create *c;
        OK(reads_invite(r, p, json, &invite));
        OK(invite_create_new(r->domain, NULL, &invite, &c, &f->err));
        struct span name = arena_span(&r->arena, span_of(c->name));
        OK(run_as(r, p, &c->base));
        return name;
}

static enum status accepts(struct rig *r, const struct principal *p, struct span name)
{
        struct fixture *f = &r->base;
        struct invite_row row;
        struct record_create *c;
        enum status s = invite_find(r->domain, r->db, name, rig_clock(), &r->arena, &row, &f->err);
        if (s == STATUS_OK)
                s = invite_accept_new(p, r->domain, NULL, &row, &c, &f->err);
        return s == STATUS_OK ? run_as(r, p, &c->base) : s;
}

static void test_an_invite_is_accepted_once(void **state)
{
        RIG(state);
        struct principal owner = owner_of(r, "owner", "a"), b = nobody(r, "b"), c = nobody(r, "c");
        struct span name = invites(r, &owner, INVITE("a/x"));
        OK(accepts(r, &b, name));
        assert_true(may(r, &b, "a/x"));
        FAILS(accepts(r, &c, name), "invite-not-found");
        FAILS(accepts(r, &b, SPAN("inv_")), "invite-not-found");
}

static void test_the_second_of_two_who_accept_loses(void **state)
{
        RIG(state);
        struct principal owner = owner_of(r, "owner", "a"), b = nobody(r, "b"), c = nobody(r, "c");
        struct invite_row row;
        struct record_create *first, *second;
        struct span name = invites(r, &owner, INVITE("a"));
        OK(invite_find(r->domain, r->db, name, rig_clock(), &r->arena, &row, &f->err));
        OK(invite_accept_new(&b, r->domain, NULL, &row, &first, &f->err));
        OK(invite_accept_new(&c, r->domain, NULL, &row, &second, &f->err));
        OK(run_as(r, &b, &first->base));
        FAILS(run_as(r, &c, &second->base), "invite-not-found");
        assert_true(may(r, &b, "a"));
        assert_false(may(r, &c, "a"));
}

static void test_what_the_maker_lost_meanwhile_is_not_given(void **state)
{
        RIG(state);
        struct principal owner = owner_of(r, "owner", "a"), b = nobody(r, "b");
        struct invite_row row;
        struct record_create *late;
        struct user_change *change;
        (void)owner_of(r, "root", "*"); /* somebody must be left who may do everything */
        struct span name = invites(r, &owner, INVITE("a"));
        OK(invite_find(r->domain, r->db, name, rig_clock(), &r->arena, &row, &f->err));
        OK(invite_accept_new(&b, r->domain, NULL, &row, &late, &f->err));
        OK(user_change_new(r->domain, NULL, &change, &f->err));
        change->id = span_of(owner.caller.id);
        change->is_active = -1;
        change->has_grants = true;
        OK(rig_run(r, &change->base));
        domain_command_free(&change->base);
        FAILS(run_as(r, &b, &late->base), "invite-not-found");
        FAILS(accepts(r, &b, name), "invite-not-found");
        assert_false(may(r, &b, "a"));
}

static void test_an_invite_lives_seven_days_or_as_it_may(void **state)
{
        RIG(state);
        struct principal owner = owner_of(r, "owner", "a"), b = nobody(r, "b"),
                         root = {.db = r->db, .caller = {.kind = CALLER_UNIX}, .is_all = true};
        struct invite invite;
        struct span name = invites(r, &owner, INVITE("a/1"));
        FAILS(reads_invite(
                      r, &owner,
                      "{\"expiryTime\":\"2027-01-16T08:00:00Z\",\"statements\":" GIVES("a") "}",
                      &invite),
              "forbidden");
        FAILS(reads_invite(
                      r, &root,
                      "{\"expiryTime\":\"2027-01-15T08:04:59Z\",\"statements\":" GIVES("a") "}",
                      &invite),
              "invalid-expiryTime");
        FAILS(reads_invite(
                      r, &root,
                      "{\"expiryTime\":\"2027-02-14T08:00:01Z\",\"statements\":" GIVES("a") "}",
                      &invite),
              "invalid-expiryTime");
        OK(reads_invite(r, &root,
                        "{\"expiryTime\":\"2027-01-15T08:05:00Z\",\"statements\":" GIVES("a") "}",
                        &invite));
        assert_int_equal(invite.expires_at, T0 + INVITE_LIFE_LEAST_MS);
        rig_advance(INVITE_LIFE_MS - 1);
        struct invite_row row;
        OK(invite_find(r->domain, r->db, name, rig_clock(), &r->arena, &row, &f->err));
        rig_advance(1);
        FAILS(accepts(r, &b, name), "invite-not-found");
}

static void test_what_is_no_invite_is_refused(void **state)
{
        RIG(state);
        struct principal owner = owner_of(r, "owner", "a");
        struct invite invite;
        FAILS(reads_invite(r, &owner, "{}", &invite), "invalid-statements");
        FAILS(reads_invite(r, &owner, "[]", &invite), "invalid-json");
        FAILS(reads_invite(r, &owner, INVITE("a//b"), &invite), "invalid-resource");
        FAILS(reads_invite(r, &owner, INVITE("b"), &invite), "may-not-give");
        FAILS(reads_invite(r, &owner,
                           "{\"statements\":[{\"roles\":[\"" OWNER
                           "\"],\"users\":[{\"userId\":\"u\"}],"
                           "\"resources\":[{\"resourceUri\":\"a\"}]}]}",
                           &invite),
              "invalid-statements");
}

/* ---- requests ---- */

static const char *asks(struct rig *r, const struct principal *p, const char *json)
{
        struct fixture *f = &r->base;
        struct access_request_create *c;
        struct span body;
        OK(access_request_read(span_of(json), &r->arena, &body, &f->err));
        OK(access_request_create_new(p, r->domain, NULL, body, &c, &f->err));
        const char *id = arena_dup(&r->arena, span_of(c->id));
        OK(run_as(r, p, &c->base));
        return id;
}

static enum status opens(struct rig *r, const struct principal *p, enum request_act act,
                         const char *id, struct access_request_row *ret)
{
        return access_request_open(p, act, span_of(id), &r->arena, ret, &r->base.err);
}

static void test_a_request_is_settled_once(void **state)
{
        RIG(state);
        struct principal maker = nobody(r, "maker"), owner = owner_of(r, "owner", "a");
        struct access_request_row row;
        struct record_create *first, *second;
        struct access_request_settle *deny;
        const char *id = asks(r, &maker, REQUEST("a/x"));
        OK(opens(r, &owner, REQUEST_APPROVE, id, &row));
        OK(access_request_approve_new(r->domain, NULL, &row, &first, &f->err));
        OK(access_request_approve_new(r->domain, NULL, &row, &second, &f->err));
        OK(access_request_settle_new(r->domain, NULL, REQUEST_DENIED, &deny, &f->err));
        deny->id = row.id;
        OK(run_as(r, &owner, &first->base));
        assert_true(may_in(r, "users/u", "a:b", "a/x"));
        FAILS(run_as(r, &owner, &second->base), "request-settled");
        FAILS(run_as(r, &owner, &deny->base), "request-settled");
        OK(opens(r, &maker, REQUEST_READ, id, &row));
        assert_int_equal(row.status, REQUEST_APPROVED);
}

static void test_a_request_is_there_for_those_whom_it_concerns(void **state)
{
        RIG(state);
        struct grant reads[] = {
                {.permission = SPAN("read"), .resource = SPAN("Authress:AccessRequests")}};
        struct principal maker = nobody(r, "maker"), other = nobody(r, "other"),
                         owner = owner_of(r, "owner", "a"), far = owner_of(r, "far", "b"),
                         reader = as(r, rig_user(r, "reader", reads, 1)), key = maker;
        struct access_request_row row;
        const char *id = asks(r, &maker, REQUEST("a/x"));
        key.caller.kind = CALLER_KEY;
        OK(opens(r, &maker, REQUEST_READ, id, &row));
        OK(opens(r, &maker, REQUEST_DELETE, id, &row));
        FAILS(opens(r, &maker, REQUEST_APPROVE, id, &row), "may-not-give");
        FAILS(opens(r, &maker, REQUEST_DENY, id, &row), "may-not-give");
        OK(opens(r, &reader, REQUEST_READ, id, &row));
        FAILS(opens(r, &reader, REQUEST_APPROVE, id, &row), "may-not-give");
        FAILS(opens(r, &reader, REQUEST_DELETE, id, &row), "forbidden");
        OK(opens(r, &owner, REQUEST_APPROVE, id, &row));
        OK(opens(r, &owner, REQUEST_DENY, id, &row));
        FAILS(opens(r, &owner, REQUEST_DELETE, id, &row), "forbidden");
        FAILS(opens(r, &far, REQUEST_READ, id, &row), "request-not-found");
        FAILS(opens(r, &other, REQUEST_READ, id, &row), "request-not-found");
        FAILS(opens(r, &key, REQUEST_READ, id, &row), "request-not-found");
}

static void test_what_is_no_request_is_unprocessable(void **state)
{
        RIG(state);
        static const char *const texts[] = {
                "{}",
                "{\"access\":{}}",
                "{\"access\":{\"users\":[],\"statements\":" GIVES("a") "}}",
                "{\"access\":{\"users\":[{\"userId\":\"a<b\"}],\"statements\":" GIVES("a") "}}",
                "{\"access\":{\"users\":[{\"userId\":\"u\"}],\"statements\":[]}}",
                REQUEST("a b"),
        };
        struct span body;
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
                assert_int_equal(access_request_read(span_of(texts[i]), &r->arena, &body, &f->err),
                                 STATUS_INVALID);
                assert_int_equal(error_http(&f->err), 422);
        }
        assert_int_equal(access_request_read(SPAN("{"), &r->arena, &body, &f->err), STATUS_INVALID);
        assert_int_equal(error_http(&f->err), 400);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_what_is_public_is_read_with_what_is_beneath_it),
                TEST(test_a_public_document_is_the_same_by_either_spelling),
                TEST(test_only_who_may_give_everything_configures),
                TEST(test_a_claim_makes_its_owner),
                TEST(test_what_others_hold_beneath_cannot_be_claimed),
                TEST(test_the_second_of_two_claims_loses),
                TEST(test_who_is_not_all_of_itself_claims_nothing),
                TEST(test_an_invite_is_accepted_once),
                TEST(test_the_second_of_two_who_accept_loses),
                TEST(test_what_the_maker_lost_meanwhile_is_not_given),
                TEST(test_an_invite_lives_seven_days_or_as_it_may),
                TEST(test_what_is_no_invite_is_refused),
                TEST(test_a_request_is_settled_once),
                TEST(test_a_request_is_there_for_those_whom_it_concerns),
                TEST(test_what_is_no_request_is_unprocessable),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
