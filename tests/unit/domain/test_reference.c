/* The evaluator against a slow and obvious one, on random statements. */
#include "domain_rig.h"

#include "domain/resources.h"
#include "reference.h"

static const char *some_inbox = "a";

static void random_resource(char *out, size_t size)
{
        static const char *const words[] = {"a", "b", "a:b", "a:*", "*", "inboxes", "documents"};
        int n = 0;
        out[0] = '\0';
        if (pick(2)) { /* something like a document */
                if (pick(2))
                        n = snprintf(out, size, "inboxes/%s/",
                                     pick(2) ? some_inbox : words[pick(5)]);
                n += snprintf(out + n, size - (size_t)n, "documents");
                if (pick(4))
                        n += snprintf(out + n, size - (size_t)n, "/%s", words[pick(2)]);
        } else {
                n = snprintf(out, size, "%s", words[pick(7)]);
        }
        for (unsigned more = pick(3); more; more--)
                n += snprintf(out + n, size - (size_t)n, "/%s", words[pick(7)]);
}

static void test_reaching_agrees_with_the_reference(void **state)
{
        (void)state;
        static const char *const rows[] = {NULL, "a", "b"};
        int yes = 0;
        for (int i = 0; i < 200000; i++) {
                char pattern[256], resource[256];
                const char *row = rows[pick(3)];
                random_resource(pattern, sizeof pattern);
                random_resource(resource, sizeof resource);
                bool want = ref_reaches(pattern, resource, row);
                yes += want;
                if (resource_reaches(span_of(pattern), span_of(resource), span_of(row)) != want)
                        fail_msg("%s on %s at %s: reference says %d", pattern, resource,
                                 row ? row : "-", want);
                if (resource_covers(span_of(pattern), span_of(resource)) !=
                    ref_covers(path_of(pattern), path_of(resource)))
                        fail_msg("covers: %s on %s", pattern, resource);
        }
        assert_true(yes > 10000 && yes < 190000);
}

static bool ref_allows(const struct rights *rights, const char *action, const char *resource,
                       const char *row)
{
        for (size_t i = 0; i < rights->n; i++) {
                char held[64];
                const struct right *r = &rights->list[i];
                snprintf(held, sizeof held, "%.*s", (int)r->action.len, r->action.p);
                bool is_held = strcmp(held, "*") == 0 || strcmp(held, action) == 0 ||
                               (strcmp(held, "keys:*") == 0 && strncmp(action, "keys:", 5) == 0);
                if (is_held && (r->abilities & ABILITY_ALLOW) &&
                    ref_reaches(r->resource.p, resource, row))
                        return true;
        }
        return false;
}

static void random_rights(struct rights *out, struct right list[4], char texts[4][256])
{
        static const char *const actions[] = {"*", "keys:*", "keys:read", "documents:read"};
        *out = (struct rights){.list = list, .n = pick(5), .has_statements = true};
        for (size_t i = 0; i < out->n; i++) {
                random_resource(texts[i], 256);
                list[i] = (struct right){.action = span_of(actions[pick(4)]),
                                         .abilities = pick(8),
                                         .resource = span_of(texts[i])};
        }
}

static void test_allowing_agrees_with_the_reference(void **state)
{
        RIG(state);
        static const char *const asked[] = {"keys:read", "keys:create", "documents:read"};
        const char *inbox = rig_inbox(r, "home");
        rig_document(r, inbox, "a"); /* b has no row */
        some_inbox = inbox;
        int yes = 0;
        for (int i = 0; i < 10000; i++) {
                struct right own[4], users[4];
                char own_texts[4][256], user_texts[4][256], resource[256];
                struct principal p = {.db = r->db, .is_cut = pick(2)};
                random_rights(&p.rights, own, own_texts);
                random_rights(&p.user_rights, users, user_texts);
                random_resource(resource, sizeof resource);
                struct span d = resource_document(span_of(resource));
                const char *row = d.p && span_is(d, "a") ? inbox : NULL, *action = asked[pick(3)];
                bool want = ref_allows(&p.rights, action, resource, row) &&
                            (!p.is_cut || ref_allows(&p.user_rights, action, resource, row));
                yes += want;
                if (grants_allow(&p, action, span_of(resource)) != want)
                        fail_msg("%s on %s: reference says %d", action, resource, want);
        }
        assert_true(yes > 300);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_reaching_agrees_with_the_reference),
                RIG_TEST(test_allowing_agrees_with_the_reference),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
