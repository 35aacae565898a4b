/* What the outbound room reads: due revocations, counts, and the sinks' part of the journal. */
#include "domain/domain.h"

#include <chatelaine/domain_upstreams.h>

#include <stdio.h>
#include <stdlib.h>

struct upstream_view {
        struct domain *domain;
        struct store_conn *db;
};

enum status upstream_view_open(struct domain *d, struct upstream_view **ret, struct error *e)
{
        struct upstream_view *v = calloc(1, sizeof *v);
        if (!v)
                return error_no_memory(e);
        v->domain = d;
        enum status s = store_connect(d->store, STORE_READ, &v->db, e);
        if (s != STATUS_OK) {
                free(v);
                return s;
        }
        *ret = v;
        return STATUS_OK;
}

void upstream_view_close(struct upstream_view *v)
{
        if (!v)
                return;
        store_disconnect(v->db);
        free(v);
}

/* ---- due ---- */

enum status upstream_due(struct upstream_view *v, const char *upstream, int64_t now_ms,
                         unsigned limit, bool (*row)(void *ctx, const struct upstream_due *due),
                         void *ctx, int64_t *ret_next_ms, struct error *e)
{
        struct store_stmt *st;
        int64_t next = INT64_MAX;
        TRY(store_query(v->db,
                        "SELECT key_id, token, sealed_for, attempts, valid_until, next_at"
                        " FROM upstream_keys WHERE state = 1 AND upstream = $1"
                        " ORDER BY next_at LIMIT $2",
                        &st, e, "si", upstream, (int64_t)limit));
        while (store_next(st)) {
                struct upstream_due due = {
                        .key_id = store_text(st, 0),
                        .token = store_blob(st, 1),
                        .sealed_for = store_text(st, 2),
                        .attempts = store_int(st, 3),
                        .valid_until = store_int(st, 4),
                        .next_at = store_int(st, 5),
                };
                if (due.next_at > now_ms) {
                        next = due.next_at;
                        break;
                }
                if (!row(ctx, &due))
                        break;
        }
        TRY(store_done(st, e));
        *ret_next_ms = next;
        return STATUS_OK;
}

enum status upstream_token(struct domain *d, const struct upstream_due *due, struct buf *out,
                           struct error *e)
{
        TRY(secrets_open(d->secrets, "upstream_keys", "token", due->sealed_for, due->token, out,
                         e));
        return buf_check(out, e);
}

enum status upstream_counts(struct upstream_view *v,
                            void (*row)(void *ctx, const char *upstream, enum upstream_state s,
                                        int64_t n),
                            void *ctx, struct error *e)
{
        struct store_stmt *st;
        TRY(store_query(v->db, "SELECT upstream, state, n FROM upstream_counts", &st, e, ""));
        while (store_next(st)) {
                char name[129];
                struct span text = store_text(st, 0);
                snprintf(name, sizeof name, "%.*s", (int)text.len, text.p);
                row(ctx, name, (enum upstream_state)store_int(st, 1), store_int(st, 2));
        }
        return store_done(st, e);
}

/* ---- sinks ---- */

enum status sink_mark_load(struct upstream_view *v, const char *sink, int64_t *ret_seq,
                           struct error *e)
{
        int64_t seq = 0;
        enum status s = store_int_of(v->db, "SELECT seq FROM sink_marks WHERE sink = $1", &seq, e,
                                     "s", sink);
        if (s != STATUS_OK && s != STATUS_NOT_FOUND)
                return s;
        *ret_seq = seq;
        return STATUS_OK;
}

struct next {
        const char *node;
        struct buf *out;
        char *id;
        int64_t seq;
};

static bool take_first(void *ctx, const struct journal_row *r)
{
        struct next *n = ctx;
        n->seq = r->seq;
        snprintf(n->id, ID_UUID_SIZE, "%.*s", (int)r->id.len, r->id.p);
        journal_envelope(r, n->node, n->out);
        return false;
}

enum status sink_next(struct upstream_view *v, int64_t seq, const char *node, struct buf *out,
                      char id[ID_UUID_SIZE], int64_t *ret_seq, struct error *e)
{
        int64_t through = ledger_head(v->domain->ledger);
        struct next n = {.node = node, .out = out, .id = id};
        TRY(journal_read(v->db, 1U << TOPIC_AUDIT, seq + 1, through, 1, take_first, &n, e));
        TRY(buf_check(out, e));
        *ret_seq = n.seq;
        return STATUS_OK;
}

static enum status mark_run(struct ledger_tx *tx, struct domain_command *base, struct error *e)
{
        const struct sink_mark *c = (struct sink_mark *)base;
        return store_exec(tx->db,
                          "INSERT INTO sink_marks (sink, seq) VALUES ($1, $2)"
                          " ON CONFLICT (sink) DO UPDATE SET seq = excluded.seq",
                          NULL, e, "si", c->sink, c->seq);
}

/* No audit event: it would be the next to be sent, for ever. */
enum status sink_mark_new(struct domain *d, struct sink_mark **ret, struct error *e)
{
        struct sink_mark *c;
        TRY(domain_command_new(d, NULL, sizeof *c, 0, &c, e));
        c->base.run = mark_run;
        c->base.caller.kind = CALLER_JOB;
        snprintf(c->base.caller.id, sizeof c->base.caller.id, "audit-sinks");
        *ret = c;
        return STATUS_OK;
}
