/* Many at once: of what may happen once, one happens. */
#include "domain_rig.h"

#include <pthread.h>

#define THREADS 64

struct racer {
        pthread_t thread;
        struct rig *rig;
        pthread_barrier_t *start;
        struct domain_command *command;
        struct error error;
        enum status status;
};

static void *race(void *arg)
{
        struct racer *one = arg;
        pthread_barrier_wait(one->start);
        one->status = domain_run(one->command, &one->error);
        return NULL;
}

/* All at the same time; how many were OK. */
static int run_all(struct rig *r, struct racer racers[THREADS])
{
        pthread_barrier_t start;
        int n = 0;
        pthread_barrier_init(&start, NULL, THREADS);
        for (int i = 0; i < THREADS; i++) {
                racers[i].rig = r;
                racers[i].start = &start;
                racers[i].command->caller = rig_unix();
                assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
        }
        for (int i = 0; i < THREADS; i++) {
                pthread_join(racers[i].thread, NULL);
                n += racers[i].status == STATUS_OK;
        }
        pthread_barrier_destroy(&start);
        return n;
}

static void free_all(struct racer racers[THREADS])
{
        for (int i = 0; i < THREADS; i++)
                domain_command_free(racers[i].command);
}

static void test_of_many_rotations_one_has_a_successor(void **state)
{
        RIG(state);
        struct racer racers[THREADS] = {0};
        rig_user(r, "guest", NULL, 0);
        struct minted k = rig_mint(r, &(struct mint){0});
        for (int i = 0; i < THREADS; i++) {
                struct key_rotate *c;
                OK(key_rotate_new(r->domain, NULL, &c, &f->err));
                c->id = span_of(k.id);
                racers[i].command = &c->base;
        }
        assert_int_equal(run_all(r, racers), 1);
        for (int i = 0; i < THREADS; i++)
                if (racers[i].status != STATUS_OK)
                        assert_string_equal(racers[i].error.slug, "key-rotated");
        free_all(racers);
        assert_int_equal(rig_int(r, "SELECT count(*) FROM keys"), 2);
        assert_int_equal(rig_int(r, "SELECT count(*) FROM keys WHERE predecessor_id IS NOT NULL"),
                         1);
        rig_check_counts(r);
}

static void test_of_many_mints_with_one_idempotency_key_one_makes_a_key(void **state)
{
        RIG(state);
        struct racer racers[THREADS] = {0};
        int shown = 0;
        rig_user(r, "guest", NULL, 0);
        for (int i = 0; i < THREADS; i++) {
                struct key_mint *c;
                OK(key_mint_new(r->domain, NULL, &c, &f->err));
                c->user = SPAN("guest");
                c->idempotency_key = SPAN("once");
                racers[i].command = &c->base;
        }
        assert_int_equal(run_all(r, racers), THREADS);
        for (int i = 0; i < THREADS; i++)
                shown += ((struct key_mint *)racers[i].command)->key[0] != '\0';
        free_all(racers);
        assert_int_equal(shown, 1);
        assert_int_equal(rig_int(r, "SELECT count(*) FROM keys"), 1);
}

static void test_no_key_on_a_document_outlives_its_end(void **state)
{
        RIG(state);
        struct racer racers[THREADS] = {0};
        struct span resources[] = {SPAN("documents/D")};
        int minted = 0;
        rig_user(r, "guest", NULL, 0);
        for (int i = 0; i < THREADS; i++) {
                struct key_mint *c;
                struct document_done *done;
                if (i == THREADS / 2) {
                        OK(document_done_new(r->domain, NULL, &done, &f->err));
                        done->id = SPAN("D");
                        racers[i].command = &done->base;
                        continue;
                }
                OK(key_mint_new(r->domain, NULL, &c, &f->err));
                c->user = SPAN("guest");
                c->resources = resources;
                c->n_resources = 1;
                racers[i].command = &c->base;
        }
        minted = run_all(r, racers) - 1;
        struct document_done *done = (struct document_done *)racers[THREADS / 2].command;
        assert_int_equal(done->revoked, minted);
        free_all(racers);
        assert_int_equal(rig_int(r, "SELECT count(*) FROM keys WHERE state < 3"), 0);
        rig_check_counts(r);
}

static void test_settings_are_swapped_whole_under_readers(void **state)
{
        RIG(state);
        struct racer racers[THREADS] = {0};
        rig_user(r, "guest", NULL, 0);
        for (int i = 0; i < THREADS; i++) {
                struct key_mint *c;
                if (i % 8 == 0)
                        domain_set_settings(r->domain, rig_settings(r, ""));
                OK(key_mint_new(r->domain, NULL, &c, &f->err));
                c->user = SPAN("guest");
                racers[i].command = &c->base;
        }
        domain_set_settings(r->domain, rig_settings(r, "")); /* the commands keep theirs */
        assert_int_equal(run_all(r, racers), THREADS);
        free_all(racers);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                RIG_TEST(test_of_many_rotations_one_has_a_successor),
                RIG_TEST(test_of_many_mints_with_one_idempotency_key_one_makes_a_key),
                RIG_TEST(test_no_key_on_a_document_outlives_its_end),
                RIG_TEST(test_settings_are_swapped_whole_under_readers),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
