/* A running ledger on a state directory of its own, and commands for it. */
#ifndef TESTS_LEDGER_FIXTURE_H
#define TESTS_LEDGER_FIXTURE_H

#include "unit/store/store_fixture.h"

#include <chatelaine/ledger.h>
#include <semaphore.h>
#include <stdatomic.h>

struct ledger_fixture {
        struct fixture base;
        struct store_conn *reader;
        struct ledger *ledger;
        unsigned gather_us;
        atomic_int committed, durable; /* calls */
        atomic_llong durable_head;
};

static inline void count_durable(void *ctx, int64_t head)
{
        struct ledger_fixture *l = ctx;

        atomic_fetch_add(&l->durable, 1);
        atomic_store(&l->durable_head, head);
}

static inline void count_committed(const void *env)
{
        struct ledger_fixture *l = (struct ledger_fixture *)(uintptr_t)env;

        atomic_fetch_add(&l->committed, 1);
}

static inline void ledger_fixture_open(struct ledger_fixture *l)
{
        struct fixture *f = &l->base;

        fixture_open(f);
        store_disconnect(f->db); /* the ledger is the writer here */
        f->db = NULL;
        OK(store_migrate(f->store, &f->err));
        OK(store_connect(f->store, STORE_READ, &l->reader, &f->err));
        struct ledger_options o = {
                .store = f->store,
                .event_bytes_max = 1000000,
                .queue_max = 64,
                .group_rows_max = 1000,
                .gather_us = l->gather_us,
                .env = l,
                .committed = count_committed,
                .durable = count_durable,
                .durable_ctx = l,
        };
        OK(ledger_start(&o, &l->ledger, &f->err));
}

static inline void ledger_fixture_close(struct ledger_fixture *l)
{
        ledger_free(l->ledger);
        store_disconnect(l->reader);
        fixture_close(&l->base);
}

static inline int64_t ledger_fixture_int(struct ledger_fixture *l, const char *sql)
{
        struct fixture *f = &l->base;
        int64_t n = -1;

        OK(store_int_of(l->reader, sql, &n, &f->err, ""));
        return n;
}

/* A command that writes one key event named `name`, and one more event for its result. */
struct note {
        struct command command;
        const char *name;
        enum status refuse; /* its result, when not OK */
        bool is_early;      /* refused before it writes */
        enum status record_result;
        sem_t *began, *go; /* may be NULL: apply says that it began, and waits */
        int64_t seq;
        int n_applied;
        struct ledger_fixture *ledger; /* look_at_committed's */
        int committed_when_done;
        atomic_bool is_done;
};

static inline enum status note_apply(struct ledger_tx *tx, struct command *c, struct error *e)
{
        struct note *n = (struct note *)c;
        struct event ev = {
                .topic = TOPIC_KEYS,
                .type = "chatelaine.key.created.v1",
                .key = span_of(n->name),
                .data = SPAN("{}"),
        };

        if (n->began)
                sem_post(n->began);
        if (n->go)
                sem_wait(n->go);
        n->n_applied++;
        if (!n->is_early)
                TRY(journal_append(tx->journal, tx->db, &ev, tx->now_ms, &n->seq, e));
        if (n->refuse != STATUS_OK)
                return error_set(e, n->refuse, "refused", NULL, "it was refused");
        return STATUS_OK;
}

static inline enum status note_record(struct ledger_tx *tx, struct command *c, struct error *e)
{
        struct note *n = (struct note *)c;
        struct event ev = {
                .topic = TOPIC_KEYS,
                .type = "chatelaine.test.record.v1",
                .key = span_of(c->status == STATUS_OK ? "success" : "failed"),
                .data = SPAN("{}"),
        };

        if (n->record_result != STATUS_OK)
                return error_set(e, n->record_result, "no-record", NULL, "it cannot be recorded");
        return journal_append(tx->journal, tx->db, &ev, tx->now_ms, NULL, e);
}

static inline void note_done(struct command *c)
{
        atomic_store(&((struct note *)c)->is_done, true);
}

static inline struct note note_of(const char *name)
{
        return (struct note){
                .command = {.apply = note_apply,
                            .record = note_record,
                            .done = note_done,
                            .rows = 1},
                .name = name,
        };
}

#endif
