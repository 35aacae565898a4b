/* One transaction: each command undone alone when it fails, one commit for all. */
#include "ledger/group.h"

#include <chatelaine/base_clock.h>
#include <stdlib.h>

/* ---- running ---- */

/* The savepoint's changes go, and it ends. */
static enum status undo(struct ledger_tx *tx, const struct journal_mark *before, struct error *e)
{
        journal_reset_to(tx->journal, before);
        return store_rollback_to(tx->db, e);
}

/* c->status is the command's own result; what is returned tells whether the group may go on: not
 * after a fault of the database, nor when a failure has taken the transaction along. */
static enum status apply(struct ledger_tx *tx, struct command *c, struct error *e)
{
        c->status = c->apply(tx, c, &c->error);
        if (c->status == STATUS_OK || (!store_is_fault(&c->error) && store_in_transaction(tx->db)))
                return STATUS_OK;
        *e = c->error;
        return c->status;
}

static enum status record(struct ledger_tx *tx, struct command *c, struct error *e)
{
        return c->record ? c->record(tx, c, e) : STATUS_OK;
}

static enum status run_one(struct ledger_tx *tx, struct command *c, struct error *e)
{
        struct journal_mark before;

        journal_mark(tx->journal, &before);
        TRY(store_savepoint(tx->db, e));
        TRY(apply(tx, c, e));
        TRY(c->status == STATUS_OK ? store_release(tx->db, e) : undo(tx, &before, e));
        return record(tx, c, e);
}

/*
 * A run of repeatable commands has one savepoint, or none while the whole transaction can be
 * repeated: SQLite keeps a copy of each page that a savepoint is the first to change, and
 * neighbours change the same pages. One that fails before it has written needs no undoing; after
 * one that has, all since the savepoint is undone and each gets a savepoint of its own.
 */
static enum status try_run(struct ledger_tx *tx, struct command *first, const struct command *end,
                           bool *ret_is_whole, struct error *e)
{
        for (struct command *c = first; c != end; c = c->next) {
                int64_t changes = store_changes(tx->db);
                TRY(apply(tx, c, e));
                *ret_is_whole = c->status == STATUS_OK || changes == store_changes(tx->db);
                if (!*ret_is_whole)
                        return STATUS_OK;
                TRY(record(tx, c, e));
        }
        return STATUS_OK;
}

static enum status run_each(struct ledger_tx *tx, struct command *first, const struct command *end,
                            struct error *e)
{
        for (struct command *c = first; c != end; c = c->next)
                TRY(run_one(tx, c, e));
        return STATUS_OK;
}

static enum status run_saved(struct ledger_tx *tx, struct command *first, const struct command *end,
                             struct error *e)
{
        struct journal_mark before;
        bool is_whole = true;

        journal_mark(tx->journal, &before);
        TRY(store_savepoint(tx->db, e));
        TRY(try_run(tx, first, end, &is_whole, e));
        if (is_whole)
                return store_release(tx->db, e);
        TRY(undo(tx, &before, e));
        return run_each(tx, first, end, e);
}

/* Until now the group has nothing but repeatable commands. */
static enum status run_bare(struct ledger_tx *tx, struct group *g, struct command *first,
                            const struct command *end, struct error *e)
{
        bool is_whole = true;

        TRY(try_run(tx, first, end, &is_whole, e));
        if (is_whole)
                return STATUS_OK;
        g->is_repeatable = false;
        store_rollback(tx->db);
        journal_reset_to(tx->journal, &g->before);
        TRY(store_begin(tx->db, e));
        return run_each(tx, g->first, end, e);
}

enum status group_apply(struct ledger_tx *tx, struct group *g, struct command *first,
                        struct error *e)
{
        for (struct command *c = first, *end; c; c = end) {
                end = c->next;
                g->is_repeatable &= c->is_repeatable;
                while (c->is_repeatable && end && end->is_repeatable)
                        end = end->next;
                if (!c->is_repeatable)
                        TRY(run_one(tx, c, e));
                else
                        TRY(g->is_repeatable ? run_bare(tx, g, c, end, e)
                                             : run_saved(tx, c, end, e));
        }
        return STATUS_OK;
}

/* An update that changes nothing is written all the same. */
static const char probe_sql[] = "INSERT INTO marks (topic, seq) VALUES (0, 0) "
                                "ON CONFLICT (topic) DO UPDATE SET seq = marks.seq";

enum status group_probe(struct ledger_tx *tx, struct error *e)
{
        return store_exec(tx->db, probe_sql, NULL, e, "");
}

/* ---- the transaction ---- */

enum status group_begin(struct ledger_tx *tx, struct group *g, struct error *e)
{
        *g = (struct group){
                .number = ++tx->group, .began_us = clock_mono_us(), .is_repeatable = true};
        journal_mark(tx->journal, &g->before);
        TRY(store_begin(tx->db, e));
        g->is_open = true;
        return STATUS_OK;
}

void group_add(struct group *g, struct command *first)
{
        if (!first)
                return;
        *(g->last ? &g->last->next : &g->first) = first;
        for (struct command *c = first; c; c = c->next) {
                g->last = c;
                g->n++;
                g->rows += c->rows;
        }
}

enum status group_commit(struct ledger_tx *tx, struct group *g, struct error *e)
{
        TRY(store_commit(tx->db, e));
        g->head = journal_head(tx->journal);
        return STATUS_OK;
}

void group_fail(const struct group *g, enum status s, const struct error *e)
{
        for (struct command *c = g->first; c; c = c->next) {
                c->status = s;
                c->error = *e;
        }
}

void group_undo(struct ledger_tx *tx, struct group *g)
{
        if (g->is_open)
                store_rollback(tx->db);
        journal_reset_to(tx->journal, &g->before);
        *g = (struct group){0};
}

/* ---- handing back ---- */

static void deliver(struct mail *m)
{
        struct command *c = (struct command *)((char *)m - offsetof(struct command, mail));

        c->done(c);
}

/* All of *list that go to `mb`, in their order, with one wake-up. */
static void post_to(struct mailbox *mb, struct command **list)
{
        struct mail *first = NULL, **end = &first, *last = NULL;

        for (struct command **at = list; *at;) {
                struct command *c = *at;
                if (c->reply_to != mb) {
                        at = &c->next;
                        continue;
                }
                *at = c->next;
                c->mail = (struct mail){.deliver = deliver};
                *end = last = &c->mail;
                end = &last->next;
        }
        mailbox_post_list(mb, first, last);
}

void group_complete(struct command *first)
{
        while (first) {
                struct command *c = first;
                if (c->reply_to) {
                        post_to(c->reply_to, &first);
                        continue;
                }
                first = c->next;
                c->done(c);
        }
}
