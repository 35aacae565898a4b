/* Checkpoints, and that whatever is changed in the database shows. */
#include "verify_fixture.h"

#include <chatelaine/codec_text.h>

static int setup(void **state)
{
        *state = calloc(1, sizeof(struct journal_fixture));
        journal_fixture_open(*state);
        return 0;
}

static int teardown(void **state)
{
        journal_fixture_close(*state);
        free(*state);
        return 0;
}

static void test_what_was_written_is_verified(void **state)
{
        struct journal_fixture *j = *state;

        struct journal_verdict v = verify_ok(j, 0);
        assert_int_equal(v.rows, 0);
        append_webhook(j, "{}");
        assert_int_equal(verify_ok(j, 0).rows, 1);
        append_interval(j, NOW);
        journal_fixture_reopen(j);
        append_interval(j, NOW);
        append_audit(j, "{}");
        journal_fixture_reopen(j);
        append_audit(j, "{}");
        checkpoint_at(j, NOW);
        append_webhook(j, "{}");

        v = verify_ok(j, 0);
        assert_int_equal(v.rows, 13);
        assert_int_equal(v.first, 1);
        assert_int_equal(v.last, 13);
        assert_int_equal(v.checkpoints, 3);
}

static void test_rows_are_verified_from_where_was_asked(void **state)
{
        struct journal_fixture *j = *state;
        struct fixture *f = &j->base;
        struct journal_verdict v;

        append_interval(j, NOW);
        append_interval(j, NOW);
        append_audit(j, "{}");
        v = verify_ok(j, 7);
        assert_int_equal(v.first, 7);
        assert_int_equal(v.last, 9);
        assert_int_equal(v.rows, 3);
        assert_int_equal(v.checkpoints, 1);
        v = verify_ok(j, 1);
        assert_int_equal(v.first, 1);
        assert_int_equal(v.rows, 9);

        /* What comes next has not come yet. That more is missing may be a tail that was cut off. */
        v = verify_ok(j, 10);
        assert_int_equal(v.rows, 0);
        assert_int_equal(v.first, 10);
        assert_int_equal(v.last, 9);
        assert_int_equal(journal_verify(f->db, j->secrets, 11, &v, &f->err), STATUS_INVALID);
        assert_string_equal(f->err.slug, "sequence-unknown");

        /* The chain hangs from the checkpoint before, and so over rows that nobody asked about. */
        run(j, "UPDATE journal SET body = '{}' WHERE seq = 5");
        assert_int_equal(journal_verify(f->db, j->secrets, 7, &v, &f->err), STATUS_CONFLICT);
        verify_ok(j, 9);
        run(j, "UPDATE journal SET body = '{}' WHERE seq = 2");
        assert_int_equal(journal_verify(f->db, j->secrets, 3, &v, &f->err), STATUS_CONFLICT);
        assert_string_equal(f->err.where, "seq 2");
}

static void test_without_anything_new_there_is_no_checkpoint(void **state)
{
        struct journal_fixture *j = *state;

        checkpoint_at(j, NOW);
        assert_int_equal(journal_head(j->journal), 0);
        append_interval(j, NOW);
        checkpoint_at(j, NOW);
        journal_fixture_reopen(j);
        checkpoint_at(j, NOW);
        assert_int_equal(journal_head(j->journal), 4);
        assert_int_equal(int_of(j, "SELECT count(*) FROM checkpoints"), 1);
}

static void test_a_checkpoint_that_is_undone_leaves_nothing(void **state)
{
        struct journal_fixture *j = *state;
        struct fixture *f = &j->base;
        struct journal_mark mark;

        append_webhook(j, "{}");
        journal_mark(j->journal, &mark);
        OK(store_begin(f->db, &f->err));
        checkpoint_at(j, NOW);
        store_rollback(f->db);
        journal_reset_to(j->journal, &mark);
        append_interval(j, NOW);
        assert_int_equal(verify_ok(j, 0).rows, 5);
}

static void test_without_a_key_nothing_is_signed(void **state)
{
        struct journal_fixture *j = *state;
        struct fixture *f = &j->base;
        struct journal *bare;

        append_webhook(j, "{}");
        OK(journal_open(f->db, NULL, 1000000, &bare, &f->err));
        assert_int_equal(journal_checkpoint(bare, f->db, NOW, &f->err), STATUS_INTERNAL);
        journal_free(bare);
}

/* ---- tampering ---- */

static char *copy_text(struct journal_fixture *j, const char *sql, int64_t seq, size_t *ret_len,
                       bool *ret_null)
{
        struct fixture *f = &j->base;
        struct store_stmt *st;

        OK(store_query(f->db, sql, &st, &f->err, "i", seq));
        assert_true(store_next(st));
        struct span s = store_blob(st, 0);
        char *copy = malloc(s.len + 1);
        memcpy(copy, s.p ? s.p : "", s.len);
        copy[s.len] = '\0';
        *ret_len = s.len;
        *ret_null = s.p == NULL;
        OK(store_done(st, &f->err));
        return copy;
}

struct column {
        const char *table, *select, *update;
        bool is_blob;
};
#define COLUMN(table, name, is_blob)                                                 \
        {                                                                            \
                table, "SELECT " name " FROM " table " WHERE seq = $1",              \
                        "UPDATE " table " SET " name " = $2 WHERE seq = $1", is_blob \
        }

/* Every byte of the column changed in turn; then cut, then emptied, then NULL where it may be. */
static void tamper_bytes(struct journal_fixture *j, const struct column *c, int64_t seq)
{
        struct fixture *f = &j->base;
        const char *types = c->is_blob ? "ib" : "it";
        size_t len;
        bool is_null;
        char *text = copy_text(j, c->select, seq, &len, &is_null);

        for (size_t i = 0; i < len; i++) {
                text[i] ^= 1;
                OK(store_exec(f->db, c->update, NULL, &f->err, types, seq, span_make(text, len)));
                verify_broken_at(j, NULL);
                text[i] ^= 1;
        }
        if (len > 0) {
                OK(store_exec(f->db, c->update, NULL, &f->err, types, seq,
                              span_make(text, len - 1)));
                verify_broken_at(j, NULL);
        }
        if (is_null || len > 0) {
                OK(store_exec(f->db, c->update, NULL, &f->err, types, seq, SPAN("")));
                verify_broken_at(j, NULL);
        }
        OK(store_exec(f->db, c->update, NULL, &f->err, types, seq,
                      is_null ? SPAN_NONE : span_make(text, len)));
        free(text);
}

static void test_no_byte_of_a_signed_row_can_be_changed(void **state)
{
        struct journal_fixture *j = *state;
        static const struct column columns[] = {
                COLUMN("journal", "id", false),   COLUMN("journal", "key", false),
                COLUMN("journal", "type", false), COLUMN("journal", "subject", false),
                COLUMN("journal", "body", false), COLUMN("journal", "traceparent", false),
                COLUMN("journal", "hash", true),
        };
        static const char *const numbers[] = {
                "UPDATE journal SET time_ms = time_ms + 1 WHERE seq = $1",
                "UPDATE journal SET time_ms = time_ms - 1 WHERE seq = $1",
                "UPDATE journal SET topic = (topic + 1) % 3 WHERE seq = $1",
                "UPDATE journal SET topic = (topic + 2) % 3 WHERE seq = $1",
        };
        struct fixture *f = &j->base;

        append_interval(j, NOW);
        append_interval(j, NOW);
        for (int64_t seq = 1; seq <= 8; seq++) {
                for (size_t c = 0; c < sizeof columns / sizeof columns[0]; c++)
                        tamper_bytes(j, &columns[c], seq);
                for (size_t n = 0; n < 4; n++) {
                        OK(store_exec(f->db, numbers[n], NULL, &f->err, "i", seq));
                        verify_broken_at(j, NULL);
                        OK(store_exec(f->db, numbers[n ^ 1], NULL, &f->err, "i", seq));
                }
        }
        verify_ok(j, 0);
}

static void test_no_byte_of_a_checkpoint_can_be_changed(void **state)
{
        struct journal_fixture *j = *state;
        static const struct column columns[] = {
                COLUMN("checkpoints", "event_id", false),
                COLUMN("checkpoints", "hash", true),
                COLUMN("checkpoints", "digest", true),
                COLUMN("checkpoints", "signature", true),
        };
        static const char *const numbers[] = {
                "UPDATE checkpoints SET time_ms = time_ms + 1 WHERE seq = $1",
                "UPDATE checkpoints SET time_ms = time_ms - 1 WHERE seq = $1",
                "UPDATE checkpoints SET key_number = key_number + 1 WHERE seq = $1",
                "UPDATE checkpoints SET key_number = key_number - 1 WHERE seq = $1",
                "UPDATE checkpoints SET key_number = key_number + 4294967296 WHERE seq = $1",
                "UPDATE checkpoints SET key_number = key_number - 4294967296 WHERE seq = $1",
        };
        struct fixture *f = &j->base;

        append_interval(j, NOW);
        append_interval(j, NOW);
        for (int64_t seq = 3; seq <= 7; seq += 4) {
                for (size_t c = 0; c < sizeof columns / sizeof columns[0]; c++)
                        tamper_bytes(j, &columns[c], seq);
                for (size_t n = 0; n < 6; n++) {
                        OK(store_exec(f->db, numbers[n], NULL, &f->err, "i", seq));
                        verify_broken_at(j, NULL);
                        OK(store_exec(f->db, numbers[n ^ 1], NULL, &f->err, "i", seq));
                }
        }
        verify_ok(j, 0);
}

static void test_links_behind_the_last_checkpoint_hold_too(void **state)
{
        struct journal_fixture *j = *state;

        append_interval(j, NOW);
        append_audit(j, "{\"reason\":\"one\"}");
        append_audit(j, "{\"reason\":\"two\"}");
        run(j, "UPDATE journal SET body = replace(body, 'one', 'eno') WHERE seq = 5");
        verify_broken_at(j, "seq 5");
}

static void test_missing_and_foreign_rows_show(void **state)
{
        struct journal_fixture *j = *state;
        static const struct {
                const char *change, *where;
        } cases[] = {
                {"DELETE FROM journal WHERE seq = 6", "seq 6"},
                {"DELETE FROM journal WHERE seq = 4", "seq 4"},
                {"DELETE FROM journal WHERE seq = 8", "seq 8"},
                {"DELETE FROM journal WHERE seq >= 7", "seq 7"},
                {"DELETE FROM journal WHERE seq >= 5", "seq 5"},
                {"DELETE FROM journal", "seq 1"},
                {"UPDATE journal SET seq = seq + 1 WHERE seq >= 8", "seq 8"},
                {"DELETE FROM checkpoints WHERE seq = 3", NULL},
                {"DELETE FROM checkpoints WHERE seq = 7", NULL},
                {"DELETE FROM checkpoints", NULL},
                {"DELETE FROM journal WHERE seq <= 2", NULL},
                {"INSERT INTO checkpoints SELECT 5, time_ms, event_id, hash, digest, key_number, signature FROM checkpoints "
                 "WHERE seq = 3",
                 "seq 5"},
        };
        struct fixture *f = &j->base;

        append_interval(j, NOW);
        append_interval(j, NOW);
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                OK(store_begin(f->db, &f->err));
                run(j, cases[i].change);
                if (i != 10)
                        verify_broken_at(j, cases[i].where);
                else /* as a purge that has not finished leaves it: the first whole interval counts
                      */
                        assert_int_equal(verify_ok(j, 0).first, 4);
                store_rollback(f->db);
        }
        verify_ok(j, 0);
}

static void test_a_rewritten_chain_does_not_match_what_was_signed(void **state)
{
        struct journal_fixture *j = *state;
        struct fixture *f = &j->base;
        struct journal *forger;

        /* An intruder writes the journal anew, with a chain that holds, and keeps the signed
         * checkpoint. */
        append_interval(j, NOW);
        run(j, "CREATE TABLE kept AS SELECT * FROM checkpoints");
        run(j, "CREATE TABLE kept_events AS SELECT * FROM journal WHERE seq = 4");
        run(j, "DELETE FROM journal");
        run(j, "DELETE FROM checkpoints");
        OK(journal_open(f->db, NULL, 1000000, &forger, &f->err));
        journal_free(j->journal);
        j->journal = forger;
        append_webhook(j, "{\"log_id\":1}");
        append_audit(j, "{\"action\":\"webhooks:write\",\"outcome\":\"denied\"}");
        append_key(j);
        run(j, "INSERT INTO checkpoints SELECT * FROM kept");
        run(j, "INSERT INTO journal SELECT * FROM kept_events");
        verify_broken_at(j, "seq 3");
}

/* ---- with what an auditor kept ---- */

static bool add_checkpoint_line(void *ctx, const struct journal_row *r)
{
        journal_envelope(r, "node", ctx);
        buf_char(ctx, '\n');
        return true;
}

static void public_pem(struct journal_fixture *j, struct buf *out)
{
        struct fixture *f = &j->base;

        buf_init(out, 4096);
        OK(pkey_write(secrets_pkey(j->secrets, SECRET_CHECKPOINT, 0, NULL), PKEY_PUBLIC_PEM, out,
                      &f->err));
}

static void test_an_auditor_needs_only_the_public_key_and_the_checkpoints(void **state)
{
        struct journal_fixture *j = *state;
        struct fixture *f = &j->base;
        struct journal_verdict v;
        struct buf pem, lines;
        struct pkey *other;

        append_interval(j, NOW);
        append_interval(j, NOW);
        public_pem(j, &pem);
        buf_init(&lines, 1 << 16);
        OK(journal_read(f->db, 4, 1, INT64_MAX, 100, add_checkpoint_line, &lines, &f->err));
        OK(journal_verify_offline(f->db, buf_view(&pem), SPAN_NONE, 0, &v, &f->err));
        assert_int_equal(v.checkpoints, 2);
        OK(journal_verify_offline(f->db, buf_view(&pem), buf_view(&lines), 0, &v, &f->err));
        assert_int_equal(v.rows, 8);

        /* Another key has signed none of it, but may stand beside. */
        struct buf others;
        buf_init(&others, 4096);
        OK(pkey_generate(&other, &f->err));
        OK(pkey_write(other, PKEY_PUBLIC_PEM, &others, &f->err));
        assert_int_equal(
                journal_verify_offline(f->db, buf_view(&others), SPAN_NONE, 0, &v, &f->err),
                STATUS_CONFLICT);
        buf_span(&others, buf_view(&pem));
        OK(journal_verify_offline(f->db, buf_view(&others), buf_view(&lines), 0, &v, &f->err));

        /* The tail with its checkpoint cut off: nothing left in the database tells. */
        run(j, "DELETE FROM journal WHERE seq > 4");
        run(j, "DELETE FROM checkpoints WHERE seq > 4");
        verify_ok(j, 0);
        assert_int_equal(
                journal_verify_offline(f->db, buf_view(&pem), buf_view(&lines), 0, &v, &f->err),
                STATUS_CONFLICT);
        assert_string_equal(f->err.where, "seq 7");
        pkey_free(other);
        buf_fini(&others);
        buf_fini(&pem);
        buf_fini(&lines);
}

static void test_a_damaged_file_of_checkpoints_is_invalid(void **state)
{
        struct journal_fixture *j = *state;
        struct fixture *f = &j->base;
        static const char *const bad[] = {
                "{",
                "[]",
                "1",
                "{\"type\":\"chatelaine.checkpoint.v1\"}",
                "{\"type\":\"chatelaine.checkpoint.v1\",\"data\":{\"sequence\":\"3\"}}",
                "{\"type\":\"chatelaine.key.created.v1\"}",
        };
        struct journal_verdict v;
        struct buf pem;

        append_interval(j, NOW);
        public_pem(j, &pem);
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
                assert_int_equal(journal_verify_offline(f->db, buf_view(&pem), span_of(bad[i]), 0,
                                                        &v, &f->err),
                                 STATUS_INVALID);
                assert_string_equal(f->err.slug, "checkpoints-file");
        }
        assert_int_equal(journal_verify_offline(f->db, SPAN(""), SPAN_NONE, 0, &v, &f->err),
                         STATUS_INVALID);
        assert_int_equal(journal_verify_offline(f->db, SPAN("no pem"), SPAN_NONE, 0, &v, &f->err),
                         STATUS_INVALID);
        buf_fini(&pem);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
                TEST(test_what_was_written_is_verified),
                TEST(test_rows_are_verified_from_where_was_asked),
                TEST(test_without_anything_new_there_is_no_checkpoint),
                TEST(test_a_checkpoint_that_is_undone_leaves_nothing),
                TEST(test_without_a_key_nothing_is_signed),
                TEST(test_no_byte_of_a_signed_row_can_be_changed),
                TEST(test_no_byte_of_a_checkpoint_can_be_changed),
                TEST(test_links_behind_the_last_checkpoint_hold_too),
                TEST(test_missing_and_foreign_rows_show),
                TEST(test_a_rewritten_chain_does_not_match_what_was_signed),
                TEST(test_an_auditor_needs_only_the_public_key_and_the_checkpoints),
                TEST(test_a_damaged_file_of_checkpoints_is_invalid),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
