/* A state directory with a database, its secrets and an open journal. */
#ifndef TESTS_JOURNAL_FIXTURE_H
#define TESTS_JOURNAL_FIXTURE_H

#include "unit/store/store_fixture.h"

#include <chatelaine/journal.h>

#define NOW INT64_C(1795294330123) /* 2026-11-21T20:52:10.123Z */

struct journal_fixture {
        struct fixture base;
        struct secrets *secrets;
        struct journal *journal;
};

static inline void journal_fixture_open(struct journal_fixture *j)
{
        struct fixture *f = &j->base;
        char path[128];

        fixture_open(f);
        OK(store_migrate(f->store, &f->err));
        snprintf(path, sizeof path, "%s/secret.key", f->dir);
        OK(secrets_create(path, &f->err));
        OK(secrets_load(path, &j->secrets, &f->err));
        OK(journal_open(f->db, j->secrets, 1000000, &j->journal, &f->err));
}

static inline void journal_fixture_close(struct journal_fixture *j)
{
        journal_free(j->journal);
        secrets_free(j->secrets);
        fixture_close(&j->base);
}

/* As after a restart. */
static inline void journal_fixture_reopen(struct journal_fixture *j)
{
        struct fixture *f = &j->base;

        journal_free(j->journal);
        OK(journal_open(f->db, j->secrets, 1000000, &j->journal, &f->err));
}

static inline int64_t append_webhook(struct journal_fixture *j, const char *data)
{
        struct fixture *f = &j->base;
        int64_t seq = 0;
        struct event ev = {
                .topic = TOPIC_WEBHOOKS,
                .type = "chatelaine.webhook.received.v1",
                .key = SPAN("acme/42"),
                .subject = SPAN("webhooks/1"),
                .data = span_of(data),
                .traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        };

        OK(journal_append(j->journal, f->db, &ev, NOW, &seq, &f->err));
        return seq;
}

static inline int64_t append_key(struct journal_fixture *j)
{
        struct fixture *f = &j->base;
        int64_t seq = 0;
        struct event ev = {
                .topic = TOPIC_KEYS,
                .type = "chatelaine.key.created.v1",
                .key = SPAN("65f0c0ffee65f0c0ffee65f0"),
                .data = SPAN("{\"id\":\"65f0c0ffee65f0c0ffee65f0\"}"),
        };

        OK(journal_append(j->journal, f->db, &ev, NOW, &seq, &f->err));
        return seq;
}

static inline int64_t append_audit(struct journal_fixture *j, const char *data)
{
        struct fixture *f = &j->base;
        int64_t seq = 0;
        struct event ev = {
                .topic = TOPIC_AUDIT,
                .type = "chatelaine.audit.v1",
                .key = SPAN("audit"),
                .data = span_of(data),
        };

        OK(journal_append(j->journal, f->db, &ev, NOW, &seq, &f->err));
        return seq;
}

#endif
