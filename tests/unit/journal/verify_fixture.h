/* Intervals between checkpoints, and verdicts on them. */
#ifndef TESTS_VERIFY_FIXTURE_H
#define TESTS_VERIFY_FIXTURE_H

#include "journal_fixture.h"

static inline void checkpoint_at(struct journal_fixture *j, int64_t now_ms)
{
        struct fixture *f = &j->base;

        OK(journal_checkpoint(j->journal, f->db, now_ms, &f->err));
}

/* Three rows and a checkpoint with its event: four rows. */
static inline void append_interval(struct journal_fixture *j, int64_t now_ms)
{
        append_webhook(j, "{\"log_id\":1}");
        append_audit(j, "{\"action\":\"webhooks:write\",\"outcome\":\"success\"}");
        append_key(j);
        checkpoint_at(j, now_ms);
}

static inline struct journal_verdict verify_ok(struct journal_fixture *j, int64_t from)
{
        struct fixture *f = &j->base;
        struct journal_verdict v;

        OK(journal_verify(f->db, j->secrets, from, &v, &f->err));
        return v;
}

static inline void verify_broken_at(struct journal_fixture *j, const char *where)
{
        struct fixture *f = &j->base;
        struct journal_verdict v;

        assert_int_equal(journal_verify(f->db, j->secrets, 0, &v, &f->err), STATUS_CONFLICT);
        assert_string_equal(f->err.slug, "audit-broken");
        if (where)
                assert_string_equal(f->err.where, where);
}

static inline void run(struct journal_fixture *j, const char *sql)
{
        struct fixture *f = &j->base;

        OK(store_exec(f->db, sql, NULL, &f->err, ""));
}

static inline int64_t int_of(struct journal_fixture *j, const char *sql)
{
        struct fixture *f = &j->base;
        int64_t n = 0;

        OK(store_int_of(f->db, sql, &n, &f->err, ""));
        return n;
}

#endif
