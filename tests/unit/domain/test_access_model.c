/*
 * The evaluator on indexed rows against a model in memory that keeps every record and group as it
 * was sent and reads all of them for every question.
 *
 * 10,000 sets of records, each made from the one before by one command (a record or a group made,
 * changed or deleted), and of each set several questions in every form that they can be asked in.
 */
#include "record_rig.h"
#include "unit.h"

#include "domain/records.h"
#include "domain/rights.h"
#include "reference.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SETS 1000 /* the release build does all of them */
#else
#define SETS 10000
#endif
#define RECORDS 10
#define GROUPS 4
#define USERS 6

/* ---- the model ---- */

struct m_statement {
        char users[3][32], groups[2][16], roles[2][32], resources[2][64];
        int n_users, n_groups, n_roles, n_resources;
};
struct m_record {
        bool is_there;
        char id[16];
        char users[3][32], groups[2][16];
        int n_users, n_groups;
        struct m_statement statements[3];
        int n_statements;
        struct record_row row;
};
struct m_group {
        bool is_there;
        char id[16], users[4][32];
        int n_users;
        struct group_row row;
};
struct model {
        struct m_record records[RECORDS];
        struct m_group groups[GROUPS];
};
static struct model model;
static char home[32]; /* documents/a lies in this inbox; documents/b has no row */

/* Names that are part of each other, on purpose; both spellings of a client. */
static const char *const users[USERS] = {
        "u",     "u1",
        "u/1",   "sc_0123456789abcdefghij",
        "a@b.c", "Authress:ServiceClients/sc_0123456789abcdefghij"};

static const struct {
        const char *name;
        struct rig_permission list[3];
        size_t n;
} roles[] = {
        {"Reader", {{"docs:read", 1}}, 1},
        {"Writer", {{"docs", 1}, {"docs:read", 2}}, 2},
        {"All", {{"docs:*", 5}, {"keys:read", 1}, {"x:*:z", 3}}, 3},
        {"Granter", {{"docs:write", 2}}, 1},
        {"Empty", {{"never", 1}}, 0},
        {"Authress:Owner", {{"*", 7}}, 1},
        {"review", {{"review", 1}}, 1}, /* one of Contract.fit's names: means documents:read, too */
};
#define ROLES LENGTH(roles)

static bool is_same_user(const char *a, const char *b)
{
        static const char prefix[] = "Authress:ServiceClients/";
        a += strncmp(a, prefix, sizeof prefix - 1) == 0 ? sizeof prefix - 1 : 0;
        b += strncmp(b, prefix, sizeof prefix - 1) == 0 ? sizeof prefix - 1 : 0;
        return strcmp(a, b) == 0;
}

static bool m_names(char list[][32], int n, const char *user)
{
        for (int i = 0; i < n; i++)
                if (is_same_user(list[i], user))
                        return true;
        return false;
}

static bool m_groups_have(char list[][16], int n, const char *user)
{
        for (int i = 0; i < n; i++)
                for (int g = 0; g < GROUPS; g++)
                        if (model.groups[g].is_there && strcmp(model.groups[g].id, list[i]) == 0 &&
                            m_names(model.groups[g].users, model.groups[g].n_users, user))
                                return true;
        return false;
}

/* Is the statement for this user? */
static bool m_is_for(struct m_record *r, struct m_statement *s, const char *user)
{
        return m_names(r->users, r->n_users, user) || m_groups_have(r->groups, r->n_groups, user) ||
               m_names(s->users, s->n_users, user) || m_groups_have(s->groups, s->n_groups, user);
}

static bool m_reaches(const char *pattern, const char *resource)
{
        struct path p = path_of(resource);
        int at = ref_document(p);
        bool has_row = at >= 0 && strcmp(p.parts[at + 1], "a") == 0;
        return ref_reaches(pattern, resource, has_row ? home : NULL);
}

static bool m_means(const char *held, const char *asked)
{
        return ref_action(held, asked) ||
               (strcmp(held, "review") == 0 &&
                (ref_action("documents:read", asked) || ref_action("documents:lock", asked)));
}

/* Every holding of a user on a resource (NULL: anywhere), one after the other. */
struct m_holding {
        const char *role, *resource, *action, *record;
        unsigned abilities;
        int statement;
};
static size_t m_holdings(const char *user, const char *resource, struct m_holding *out)
{
        size_t n = 0;
        for (int i = 0; i < RECORDS; i++) {
                struct m_record *r = &model.records[i];
                for (int k = 0; r->is_there && k < r->n_statements; k++) {
                        struct m_statement *s = &r->statements[k];
                        if (!m_is_for(r, s, user))
                                continue;
                        for (int x = 0; x < s->n_resources; x++)
                                for (int y = 0; y < s->n_roles; y++)
                                        for (size_t z = 0; z < ROLES; z++)
                                                for (size_t p = 0; p < roles[z].n; p++)
                                                        if (strcmp(roles[z].name, s->roles[y]) ==
                                                                    0 &&
                                                            (!resource ||
                                                             m_reaches(s->resources[x], resource)))
                                                                out[n++] = (struct m_holding){
                                                                        roles[z].name,
                                                                        s->resources[x],
                                                                        roles[z].list[p].action,
                                                                        r->id,
                                                                        roles[z].list[p].abilities,
                                                                        k};
                }
        }
        return n;
}
static struct m_holding held[4096];

static bool m_holds(const char *user, const char *action, unsigned abilities, const char *resource)
{
        size_t n = m_holdings(user, resource, held);
        for (size_t i = 0; i < n; i++)
                if ((held[i].abilities & abilities) && m_means(held[i].action, action))
                        return true;
        return false;
}

/* ---- something random ---- */

static void some_resource(char out[64])
{
        static const char *const shapes[] = {"a",   "b",       "a/b",   "a/b/c",  "ab",  "a/bc",
                                             "*",   "*/b",     "a/*",   "a/*/c",  "a:b", "a:*",
                                             "*/*", "b/a:b/c", "a:b/c", "*/a:b:*"};
        switch (pick(4)) {
        case 0:
                snprintf(out, 64, "documents/%s%s", pick(2) ? "a" : "b", pick(2) ? "" : "/p");
                break;
        case 1:
                snprintf(out, 64, "inboxes/%s%s",
                         pick(2)   ? home
                         : pick(2) ? "i"
                                   : "*",
                         (const char *const[]){"", "/documents", "/documents/a", "/documents/b",
                                               "/documents/a/p", "/documents/*"}[pick(6)]);
                break;
        default: snprintf(out, 64, "%s", shapes[pick(LENGTH(shapes))]);
        }
}

static const char *some_action(void)
{
        static const char *const actions[] = {
                "docs:read", "docs", "docs:write:now", "docs:*", "*",    "keys:read", "keys",
                "x:y:z",     "x:y",  "documents:read", "review", "never"};
        return actions[pick(LENGTH(actions))];
}

static void some_people(char list[][32], int *n, int most, char groups[][16], int *n_groups)
{
        *n = (int)pick((unsigned)most + 1);
        for (int i = 0; i < *n; i++)
                snprintf(list[i], 32, "%s", users[pick(USERS)]);
        *n_groups = 0;
        for (int g = 0; g < GROUPS && *n_groups < 2; g++)
                if (model.groups[g].is_there && pick(4) == 0)
                        snprintf(groups[(*n_groups)++], 16, "%s", model.groups[g].id);
}

static void some_record(struct m_record *r)
{
        bool is_by_statement = pick(3) == 0;
        *r = (struct m_record){.n_statements = 1 + (int)pick(3)};
        if (!is_by_statement)
                some_people(r->users, &r->n_users, 3, r->groups, &r->n_groups);
        for (int i = 0; i < r->n_statements; i++) {
                struct m_statement *s = &r->statements[i];
                if (is_by_statement)
                        some_people(s->users, &s->n_users, 3, s->groups, &s->n_groups);
                s->n_roles = 1 + (int)pick(2);
                s->n_resources = 1 + (int)pick(2);
                for (int k = 0; k < s->n_roles; k++)
                        snprintf(s->roles[k], sizeof s->roles[k], "%s", roles[pick(ROLES)].name);
                for (int k = 0; k < s->n_resources; k++)
                        some_resource(s->resources[k]);
        }
}

/* ---- as it is sent ---- */

static void write_people(struct buf *out, char list[][32], int n, char groups[][16], int n_groups)
{
        buf_text(out, "\"users\":[");
        for (int i = 0; i < n; i++)
                buf_printf(out, "%s{\"userId\":\"%s\"}", i ? "," : "", list[i]);
        buf_text(out, "],\"groups\":[");
        for (int i = 0; i < n_groups; i++)
                buf_printf(out, "%s{\"groupId\":\"%s\"}", i ? "," : "", groups[i]);
        buf_text(out, "]");
}

static void write_record(struct buf *out, struct m_record *r)
{
        buf_printf(out, "{\"recordId\":\"%s\",\"name\":\"n\",", r->id);
        write_people(out, r->users, r->n_users, r->groups, r->n_groups);
        buf_text(out, ",\"statements\":[");
        for (int i = 0; i < r->n_statements; i++) {
                struct m_statement *s = &r->statements[i];
                buf_text(out, i ? ",{" : "{");
                write_people(out, s->users, s->n_users, s->groups, s->n_groups);
                buf_text(out, ",\"roles\":[");
                for (int k = 0; k < s->n_roles; k++)
                        buf_printf(out, "%s\"%s\"", k ? "," : "", s->roles[k]);
                buf_text(out, "],\"resources\":[");
                for (int k = 0; k < s->n_resources; k++) /* with and without slashes around it */
                        buf_printf(out, "%s{\"resourceUri\":\"%s%s%s\"}", k ? "," : "",
                                   pick(2) ? "/" : "", s->resources[k], pick(2) ? "/" : "");
                buf_text(out, "]}");
        }
        buf_text(out, "]}");
}

/* ---- commands ---- */

static int next_id;

static void put_record(struct rig *r, struct m_record *into)
{
        struct fixture *f = &r->base;
        CLEANUP(buf_fini) struct buf json;
        struct m_record made;
        buf_init(&json, 1 << 16);
        some_record(&made);
        bool is_new = !into->is_there;
        snprintf(made.id, sizeof made.id, "%s", into->id);
        if (is_new)
                snprintf(made.id, sizeof made.id, "r%d", next_id++);
        write_record(&json, &made);
        if (is_new)
                OK(rig_try_record(r, NULL, json.data, &made.row));
        else
                OK(rig_try_update(r, &into->row, json.data, into->row.updated_at, &made.row));
        made.is_there = true;
        *into = made;
}

static void put_group(struct rig *r, struct m_group *into)
{
        struct fixture *f = &r->base;
        CLEANUP(buf_fini) struct buf json;
        struct m_group made = {.n_users = (int)pick(5)};
        buf_init(&json, 1 << 16);
        bool is_new = !into->is_there;
        snprintf(made.id, sizeof made.id, "%s", into->id);
        if (is_new)
                snprintf(made.id, sizeof made.id, "grp_%d", next_id++);
        buf_printf(&json, "{\"groupId\":\"%s\",\"name\":\"g\",\"users\":[", made.id);
        for (int i = 0; i < made.n_users; i++) {
                snprintf(made.users[i], 32, "%s", users[pick(USERS)]);
                buf_printf(&json, "%s{\"userId\":\"%s\"}", i ? "," : "", made.users[i]);
        }
        buf_text(&json, "]}");
        if (is_new)
                OK(rig_try_group(r, NULL, json.data, &made.row));
        else
                OK(rig_try_regroup(r, &into->row, json.data, into->row.updated_at, &made.row));
        made.is_there = true;
        *into = made;
}

static void one_change(struct rig *r, bool *ret_is_removal)
{
        struct fixture *f = &r->base;
        struct m_record *record = &model.records[pick(RECORDS)];
        struct m_group *group = &model.groups[pick(GROUPS)];
        unsigned what = pick(10);
        record_share_over =
                pick(2) ? 1 : 1000; /* users as the record's members, or by themselves */
        *ret_is_removal = false;
        if (what == 0 && group->is_there) {
                OK(rig_delete_group(r, span_of(group->id)));
                group->is_there = false;
                *ret_is_removal = true;
        } else if (what < 3) {
                put_group(r, group);
        } else if (what < 6 && record->is_there) {
                OK(rig_delete_record(r, span_of(record->id)));
                record->is_there = false;
                *ret_is_removal = true;
        } else {
                put_record(r, record);
        }
}

/* ---- questions ---- */

struct asked {
        const char *user, *action;
        char resource[64], subject[ACCESS_SUBJECT_SIZE];
};

static void ask_something(struct rig *r, struct asked *q)
{
        struct fixture *f = &r->base;
        q->user = users[pick(USERS)];
        q->action = some_action();
        some_resource(q->resource);
        OK(access_subject(span_of(q->user), q->subject, &f->err));
}

static void differ(const struct asked *q, const char *form, bool want)
{
        fail_msg("%s: %s %s %s: the reference says %d", form, q->user, q->action, q->resource,
                 want);
}

static bool check(struct rig *r, const struct asked *q)
{
        struct fixture *f = &r->base;
        bool is_allowed;
        OK(access_check(r->db, q->subject, span_of(q->action), span_of(q->resource), &is_allowed,
                        &f->err));
        return is_allowed;
}

/* The statement that it names must be one that allows it. */
static void ask_why(struct rig *r, const struct asked *q, bool want, struct arena *a)
{
        struct fixture *f = &r->base;
        struct access_reason why;
        bool is_allowed, is_true = false;
        OK(access_explain(r->db, q->subject, span_of(q->action), span_of(q->resource), a, &why,
                          &is_allowed, &f->err));
        if (is_allowed != want)
                differ(q, "explain", want);
        size_t n = want ? m_holdings(q->user, q->resource, held) : 0;
        for (size_t i = 0; i < n; i++)
                is_true |= span_is(why.record_id, held[i].record) &&
                           why.statement == held[i].statement && span_is(why.role, held[i].role) &&
                           span_is(why.action, held[i].action) &&
                           span_is(why.resource, held[i].resource) && (held[i].abilities & 1) &&
                           m_means(held[i].action, q->action);
        if (want && !is_true)
                differ(q, "a reason that is none", want);
}

static void ask_permissions(struct rig *r, const struct asked *q, struct arena *a)
{
        struct fixture *f = &r->base;
        struct right *list;
        size_t n, n_held = m_holdings(q->user, q->resource, held), distinct = 0;
        OK(access_permissions(r->db, q->subject, span_of(q->resource), a, &list, &n, &f->err));
        for (size_t i = 0; i < n; i++) {
                unsigned abilities = 0;
                for (size_t k = 0; k < n_held; k++)
                        if (span_is(list[i].action, held[k].action))
                                abilities |= held[k].abilities;
                if (list[i].abilities != abilities || !abilities)
                        differ(q, "permissions", false);
        }
        for (size_t k = 0; k < n_held; k++) {
                bool is_first = true;
                for (size_t i = 0; i < k; i++)
                        is_first &= strcmp(held[i].action, held[k].action) != 0;
                distinct += is_first;
        }
        if (n != distinct)
                differ(q, "number of permissions", true);
}

static void ask_roles(struct rig *r, const struct asked *q, struct arena *a)
{
        struct fixture *f = &r->base;
        struct span *list;
        size_t n, expected = 0;
        OK(access_roles(r->db, q->subject, span_of(q->resource), a, &list, &n, &f->err));
        for (size_t z = 0; z < ROLES; z++) {
                bool want = false, is_listed = false;
                for (int i = 0; i < RECORDS; i++) {
                        struct m_record *rec = &model.records[i];
                        for (int k = 0; rec->is_there && k < rec->n_statements; k++) {
                                struct m_statement *s = &rec->statements[k];
                                for (int x = 0; x < s->n_resources; x++)
                                        for (int y = 0; y < s->n_roles; y++)
                                                want |= strcmp(s->roles[y], roles[z].name) == 0 &&
                                                        strcmp(s->resources[x], q->resource) == 0 &&
                                                        m_reaches(s->resources[x], q->resource) &&
                                                        m_is_for(rec, s, q->user);
                        }
                }
                for (size_t i = 0; i < n; i++)
                        is_listed |= span_is(list[i], roles[z].name);
                expected += want;
                if (want != is_listed)
                        differ(q, roles[z].name, want);
        }
        assert_int_equal(n, expected);
}

/* As the caller of a request: listed at once, and question by question. */
static void ask_as_caller(struct rig *r, const struct asked *q, struct arena *a)
{
        struct fixture *f = &r->base;
        struct principal p = {.db = r->db};
        OK(grants_load_all(r->db, q->subject, a, &p.rights, &f->err));
        assert_null(p.rights.subject);
        for (int is_lazy = 0; is_lazy < 2; is_lazy++) {
                bool want = m_holds(q->user, q->action, 1, q->resource), is_held;
                if (grants_allow(&p, q->action, span_of(q->resource)) != want)
                        differ(q, is_lazy ? "asked as caller" : "listed as caller", want);
                want = m_holds(q->user, q->action, 1, NULL);
                if (grants_allow(&p, q->action, SPAN_NONE) != want)
                        differ(q, is_lazy ? "asked, anywhere" : "listed, anywhere", want);
                struct question grant = {.action = span_of(q->action), .abilities = 2};
                OK(rights_answer(r->db, &p.rights, &grant, &is_held, &f->err));
                if (is_held != m_holds(q->user, q->action, 2, NULL))
                        differ(q, "granted anywhere", !is_held);
                p.rights = (struct rights){.subject = q->subject, .has_statements = true};
        }
}

static bool m_is_beneath(const char *resource, const struct asked *q, bool is_top)
{
        int own = path_of(q->resource).n, n = path_of(resource).n;
        bool is_pattern = own > 1 && strcmp(path_of(q->resource).parts[own - 1], "*") == 0;
        if (!ref_reaches(q->resource, resource, NULL))
                return false;
        return !is_top || n == own || (n == own + 1 && !is_pattern) || (is_pattern && n == own - 1);
}

static void ask_resources(struct rig *r, const struct asked *q, struct arena *a)
{
        struct fixture *f = &r->base;
        bool is_beneath = pick(2), is_top = is_beneath && pick(2), is_allowed = pick(2);
        struct span permission = span_of(q->action);
        struct access_filter filter = {.resource = is_beneath ? span_of(q->resource) : SPAN_NONE,
                                       .is_top_level = is_top,
                                       .permissions = &permission,
                                       .n_permissions = is_allowed};
        struct page page = {.limit = 1 + pick(3)};
        static char got[256][64], want[256][64];
        size_t n_got = 0, n_want = 0, n;
        do {
                struct span *list, next;
                OK(access_resources(r->db, q->subject, &filter, &page, a, &list, &n, &next,
                                    &f->err));
                assert_true(n <= page.limit);
                for (size_t i = 0; i < n; i++)
                        snprintf(got[n_got++], 64, "%.*s", (int)list[i].len, list[i].p);
                page.cursor = next;
        } while (page.cursor.p);
        for (int i = 0; i < RECORDS; i++) {
                struct m_record *rec = &model.records[i];
                for (int k = 0; rec->is_there && k < rec->n_statements; k++)
                        for (int x = 0; x < rec->statements[k].n_resources; x++) {
                                const char *resource = rec->statements[k].resources[x];
                                bool is_new = true, is_asked;
                                for (size_t w = 0; w < n_want; w++)
                                        is_new &= strcmp(want[w], resource) != 0;
                                is_asked = m_is_for(rec, &rec->statements[k], q->user) &&
                                           (!is_beneath || m_is_beneath(resource, q, is_top)) &&
                                           (is_allowed ? m_holds(q->user, q->action, 1, resource)
                                                       : m_holdings(q->user, resource, held) > 0);
                                if (is_new && is_asked)
                                        snprintf(want[n_want++], 64, "%s", resource);
                        }
        }
        for (size_t i = 0; i < n_want; i++) {
                size_t times = 0;
                for (size_t k = 0; k < n_got; k++)
                        times += strcmp(got[k], want[i]) == 0;
                if (times != 1)
                        fail_msg("resources of %s: %s %zu times", q->user, want[i], times);
        }
        if (n_got != n_want)
                differ(q, "resources that are not asked for", false);
}

/* ---- rules that hold without any reference ---- */

/* What is allowed here is allowed beneath; an unknown name is as good as another, whatever known
 * name it begins with. */
static void check_names(struct rig *r, const struct asked *q, bool is_allowed)
{
        struct asked child = *q, longer = *q, other = *q;
        size_t len = strlen(q->resource);
        if (len > 40)
                return;
        snprintf(child.resource + len, 24, "/child");
        if (is_allowed && !check(r, &child))
                differ(&child, "a child of what is allowed", true);
        if (q->resource[len - 1] == '*' || strstr(q->resource, "documents/"))
                return; /* "a*" is no name; which documents have a row is another question */
        size_t at = len;
        while (at > 0 && !strchr("/:", q->resource[at - 1]))
                at--;
        snprintf(longer.resource + len, 24, "z");
        snprintf(other.resource + at, 24, "q");
        if (check(r, &longer) != check(r, &other))
                differ(&longer, "part of a name", check(r, &other));
}

#define REMEMBERED 24

static void test_the_evaluator_agrees_with_the_reference(void **state)
{
        RIG(state);
        printf("seed %llu, %d sets\n", (unsigned long long)seed, SETS);
        snprintf(home, sizeof home, "%s", rig_inbox(r, "home"));
        rig_document(r, home, "a");
        for (size_t i = 0; i < ROLES; i++)
                if (strcmp(roles[i].name, "Authress:Owner") != 0)
                        OK(rig_make_role(r, roles[i].name, roles[i].list, roles[i].n));
        long yes = 0, asked = 0;
        for (int set = 0; set < SETS; set++) {
                CLEANUP(arena_fini) struct arena a;
                struct asked before[REMEMBERED];
                bool was[REMEMBERED], is_removal;
                arena_init(&a, 64 << 20);
                for (int i = 0; i < REMEMBERED; i++) {
                        ask_something(r, &before[i]);
                        was[i] = check(r, &before[i]);
                }
                one_change(r, &is_removal);
                for (int i = 0; is_removal && i < REMEMBERED; i++)
                        if (!was[i] && check(r, &before[i]))
                                differ(&before[i], "given by taking away", false);
                for (int i = 0; i < 4; i++, asked++) {
                        struct asked q;
                        ask_something(r, &q);
                        bool want = m_holds(q.user, q.action, 1, q.resource);
                        yes += want;
                        if (check(r, &q) != want)
                                differ(&q, "check", want);
                        ask_why(r, &q, want, &a);
                        check_names(r, &q, want);
                        if (i == 0) {
                                ask_permissions(r, &q, &a);
                                ask_roles(r, &q, &a);
                                ask_as_caller(r, &q, &a);
                                ask_resources(r, &q, &a);
                        }
                }
                arena_fini(&r->arena);
                arena_init(&r->arena, 64 << 20);
                for (int i = 0; i < RECORDS; i++) /* what was in the arena */
                        model.records[i].row.id = span_of(model.records[i].id);
                for (int i = 0; i < GROUPS; i++)
                        model.groups[i].row.id = span_of(model.groups[i].id);
        }
        printf("%ld questions, %ld allowed\n", asked, yes);
        assert_true(yes > asked / 20 && yes < asked - asked / 20);
}

/* ---- a group is its members ---- */

static void test_a_member_holds_what_one_who_is_named_holds(void **state)
{
        RIG(state);
        static const char *const two[] = {"named", "member"};
        snprintf(home, sizeof home, "i");
        memset(&model, 0, sizeof model);
        for (size_t i = 0; i < ROLES; i++)
                if (strcmp(roles[i].name, "Authress:Owner") != 0)
                        OK(rig_make_role(r, roles[i].name, roles[i].list, roles[i].n));
        rig_group(r, "{'groupId':'grp_m','name':'g','users':[{'userId':'member'}]}");
        for (int set = 0; set < 300; set++) {
                CLEANUP(buf_fini) struct buf json;
                struct m_record made;
                buf_init(&json, 1 << 16);
                some_record(&made);
                for (int i = 0; i < made.n_statements; i++)
                        made.statements[i].n_users = made.statements[i].n_groups = 0;
                made.n_users = made.n_groups = 1;
                snprintf(made.id, sizeof made.id, "r%d", set);
                snprintf(made.users[0], sizeof made.users[0], "named");
                snprintf(made.groups[0], sizeof made.groups[0], "grp_m");
                write_record(&json, &made);
                rig_record(r, json.data);
                for (int i = 0; i < 20; i++) {
                        struct asked q;
                        bool is_allowed[2];
                        ask_something(r, &q);
                        for (int k = 0; k < 2; k++) {
                                q.user = two[k];
                                OK(access_subject(span_of(q.user), q.subject, &f->err));
                                is_allowed[k] = check(r, &q);
                        }
                        if (is_allowed[0] != is_allowed[1])
                                differ(&q, "a member", is_allowed[0]);
                }
                OK(rig_delete_record(r, span_of(made.id)));
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                RIG_TEST(test_the_evaluator_agrees_with_the_reference),
                RIG_TEST(test_a_member_holds_what_one_who_is_named_holds),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
