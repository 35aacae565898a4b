/*
 * domain_upstreams: what other systems must hear of. Tokens minted elsewhere that end when a key of
 * ours does, and audit events on their way to a sink.
 *
 *     key minted with upstream ─▶ none ──the key ends──▶ pending ──┬─▶ revoked | already_gone
 *                                                       ▲ │ later  ├─▶ not_revocable
 *                                                       │ └────────┤
 *                                                       └──retry── └─▶ stuck
 *
 * The row becomes pending in the transaction that ends the key: refused here at once, there as soon
 * as may be. The outbound room reads what is due through an upstream_view, asks, and brings the
 * answer back as an upstream_settle; nothing but the row says what is still to do, so that a crash
 * forgets nothing. A rotation hands the token on to the successor.
 *
 * Events: chatelaine.key.upstream_revoked.v1 (revoked, already_gone), .upstream_failed.v1 (stuck,
 * not_revocable, and a pending one whose reason is another than before). Both carry the key's data
 * and `upstream`: {name, state, reason}.
 */
#ifndef CHATELAINE_DOMAIN_UPSTREAMS_H
#define CHATELAINE_DOMAIN_UPSTREAMS_H

#include <chatelaine/domain.h>

enum upstream_state {
        UPSTREAM_NONE, /* the key lives */
        UPSTREAM_PENDING,
        UPSTREAM_REVOKED,
        UPSTREAM_ALREADY_GONE,
        UPSTREAM_STUCK,         /* refused for good: a person must look, then key_retry; or the
                                   configuration does not name it, see upstream_resume */
        UPSTREAM_NOT_REVOCABLE, /* there is no way to: valid there until it expires */
        UPSTREAM_STATES
};
const char *upstream_state_name(enum upstream_state s);
/* INVALID "invalid-upstream-state". */
enum status upstream_state_read(struct span text, enum upstream_state *ret,
                                struct error *e) MUST_CHECK;

#define UPSTREAM_TOKEN_MAX 4096
#define UPSTREAM_REASON_SIZE 160
#define UPSTREAM_REASON_UNCONFIGURED "upstream is not configured"

/* ---- commands ---- */

/* Try again at once what is pending, stuck or not revocable. run: NOT_FOUND "key-not-found";
 * CONFLICT "no-upstream", "key-live", "upstream-settled". */
struct key_retry {
        struct domain_command base;
        struct span id;
};
enum status key_retry_new(struct domain *d, struct settings *s, struct key_retry **ret,
                          struct error *e) MUST_CHECK;

/* What came of an attempt. A row that is not pending (any more) is left as it is. */
struct upstream_settle {
        struct domain_command base;
        char key_id[ID_HEX24_SIZE];
        enum upstream_state to;            /* UPSTREAM_PENDING: again at next_at */
        char reason[UPSTREAM_REASON_SIZE]; /* "" = none; never a secret */
        int64_t next_at;
};
enum status upstream_settle_new(struct domain *d, struct upstream_settle **ret,
                                struct error *e) MUST_CHECK;

/* The configuration names the upstream again: what was stuck since it did not is pending. */
struct upstream_resume {
        struct domain_command base;
        char upstream[129];
};
enum status upstream_resume_new(struct domain *d, struct upstream_resume **ret,
                                struct error *e) MUST_CHECK;

/* All audit events up to seq are with the sink. */
struct sink_mark {
        struct domain_command base;
        char sink[129];
        int64_t seq;
};
enum status sink_mark_new(struct domain *d, struct sink_mark **ret, struct error *e) MUST_CHECK;

/* ---- reading, on a connection of its own; one thread at a time ---- */

struct upstream_view;
enum status upstream_view_open(struct domain *d, struct upstream_view **ret,
                               struct error *e) MUST_CHECK;
void upstream_view_close(struct upstream_view *v);

struct upstream_due {
        struct span key_id, token, sealed_for;  /* token sealed; they live for the call */
        int64_t attempts, valid_until, next_at; /* valid_until 0 = not known */
};
/*
 * The first `limit` pending rows of an upstream, longest due first; false from `row` ends early.
 * *ret_next_ms: when the first that is not due at now_ms will be, INT64_MAX when none is known.
 */
enum status upstream_due(struct upstream_view *v, const char *upstream, int64_t now_ms,
                         unsigned limit, bool (*row)(void *ctx, const struct upstream_due *due),
                         void *ctx, int64_t *ret_next_ms, struct error *e) MUST_CHECK;
/* The token itself; buf_fini_secret `out`. */
enum status upstream_token(struct domain *d, const struct upstream_due *due, struct buf *out,
                           struct error *e) MUST_CHECK;

/* Each {upstream, state} that has or had any. */
enum status upstream_counts(struct upstream_view *v,
                            void (*row)(void *ctx, const char *upstream, enum upstream_state s,
                                        int64_t n),
                            void *ctx, struct error *e) MUST_CHECK;

/* 0 for a sink that is new. */
enum status sink_mark_load(struct upstream_view *v, const char *sink, int64_t *ret_seq,
                           struct error *e) MUST_CHECK;
/*
 * The first audit event after `seq` that is durable, as a CloudEvent appended to `out`, its id in
 * `id`. *ret_seq = 0 when there is none.
 */
enum status sink_next(struct upstream_view *v, int64_t seq, const char *node, struct buf *out,
                      char id[ID_UUID_SIZE], int64_t *ret_seq, struct error *e) MUST_CHECK;

#endif
