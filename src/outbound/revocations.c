/*
 * revocations: one job each, from the row that is due to the row that is settled.
 *
 *     due ─▶ step 0 ─▶ step 1 ... ─▶ settle (a ledger command) ─▶ gone
 *              ▲          │ 401           │ not committed
 *              └──log-in──┘               └─ again in a second
 */
#include "outbound/backoff.h"
#include "outbound/loop.h"

#include <chatelaine/base_log.h>

#include <stdio.h>
#include <stdlib.h>

#define RETRY_COMMAND_MS 1000

struct revocation {
        struct revocation *next, **link;
        struct outbound *loop;
        struct plan *plan;
        struct upstream *upstream;
        char key_id[ID_HEX24_SIZE];
        struct buf token;
        int64_t attempts, valid_until;
        const struct step *step;
        unsigned session_no; /* which session it used */
        bool has_relogged;
        struct request request;
        struct transfer transfer;
        /* what came of it */
        bool is_settled; /* to be told to the ledger */
        bool is_told;    /* the ledger has it */
        int64_t tell_at; /* monotonic: not before, after a failure */
        enum upstream_state to;
        char reason[UPSTREAM_REASON_SIZE];
        int64_t next_at;
};

/* ---- life ---- */

static void revocation_free(struct revocation *j)
{
        struct outbound *o = j->loop;
        *j->link = j->next;
        if (j->next)
                j->next->link = j->link;
        o->n_jobs--;
        j->upstream->n_jobs--;
        multi_cancel(o->multi, &j->transfer);
        transfer_fini(&j->transfer);
        request_fini(&j->request);
        buf_fini_secret(&j->token);
        plan_unref(j->plan);
        free(j);
        loop_tick_in(o, 0);
        loop_check_end(o);
}

/* ---- settle ---- */

static void tell(struct revocation *j);

static void on_told(struct domain_command *c)
{
        struct revocation *j = c->context;
        bool is_done = c->base.status == STATUS_OK;
        domain_command_free(c);
        j->loop->n_commands--;
        if (is_done) {
                revocation_free(j);
                return;
        }
        j->is_told = false;
        j->tell_at = clock_mono_ms() + RETRY_COMMAND_MS;
        loop_tick_in(j->loop, RETRY_COMMAND_MS);
        if (j->loop->is_stopping) /* it is pending still: the next start asks again */
                revocation_free(j);
}

static enum status submit(struct revocation *j, struct error *e)
{
        struct upstream_settle *c;
        TRY(upstream_settle_new(j->loop->domain, &c, e));
        memcpy(c->key_id, j->key_id, sizeof c->key_id);
        memcpy(c->reason, j->reason, sizeof c->reason);
        c->to = j->to;
        c->next_at = j->next_at;
        c->base.context = j;
        c->base.reply = on_told;
        enum status s = domain_submit(&c->base, j->loop->mailbox, e);
        if (s != STATUS_OK)
                domain_command_free(&c->base);
        return s;
}

static void tell(struct revocation *j)
{
        struct error e;
        if (submit(j, &e) == STATUS_OK) {
                j->is_told = true;
                j->loop->n_commands++;
                return;
        }
        log_error(LOG_LEVEL_WARN, "upstream.unsettled", &e);
        j->tell_at = clock_mono_ms() + RETRY_COMMAND_MS;
        loop_tick_in(j->loop, RETRY_COMMAND_MS);
}

static void settle(struct revocation *j, enum upstream_state to, const char *reason,
                   int64_t wait_ms)
{
        bool is_good = to == UPSTREAM_REVOKED || to == UPSTREAM_ALREADY_GONE;
        j->to = to;
        snprintf(j->reason, sizeof j->reason, "%s", reason);
        j->next_at = clock_now_ms() + wait_ms;
        j->is_settled = true;
        log_write(is_good                  ? LOG_LEVEL_INFO
                  : to == UPSTREAM_PENDING ? LOG_LEVEL_WARN
                                           : LOG_LEVEL_ERROR,
                  "upstream.result",
                  (struct log_field[]){LOG_S("upstream", j->upstream->name),
                                       LOG_S("key", j->key_id),
                                       LOG_S("state", upstream_state_name(to)),
                                       LOG_S("reason", reason), LOG_I("retry_ms", wait_ms)},
                  is_good || to != UPSTREAM_PENDING ? 4 : 5);
        tell(j);
}

/* A log-in that fails holds up its whole upstream: the next key's would fail as well. */
static void retry_later(struct revocation *j, const char *reason, int64_t retry_after_s)
{
        struct upstream *u = j->upstream;
        bool is_login = j->step->is_needed != NULL;
        int64_t wait = backoff_ms(is_login ? u->login_failures : j->attempts, retry_after_s);
        if (is_login) {
                u->login_failures++;
                u->resume_at = clock_mono_ms() + wait;
        }
        settle(j, UPSTREAM_PENDING, reason, wait);
}

static void not_revocable(struct revocation *j)
{
        char reason[UPSTREAM_REASON_SIZE], at[CLOCK_RFC3339_SIZE];
        if (j->valid_until > 0)
                clock_rfc3339(j->valid_until, at);
        snprintf(reason, sizeof reason, "revoked here, valid upstream until %s",
                 j->valid_until > 0 ? at : "it expires there");
        settle(j, UPSTREAM_NOT_REVOCABLE, reason, 0);
}

/* ---- steps ---- */

static void on_answer(struct transfer *t);

static enum status ask(struct revocation *j, struct error *e)
{
        struct upstream *u = j->upstream;
        request_fini(&j->request);
        request_init(&j->request, 32768);
        TRY(j->step->build(u, buf_view(&j->token), &j->request, e));
        j->session_no = u->session_no;
        j->transfer.method = j->request.method;
        j->transfer.url = j->request.url.data;
        j->transfer.headers = j->request.headers;
        j->transfer.body = j->request.has_body ? buf_view(&j->request.body) : SPAN_NONE;
        j->transfer.ca_file = u->ca_file;
        j->transfer.timeout_ms = u->timeout_ms;
        j->transfer.done = on_answer;
        j->transfer.ctx = j;
        return multi_start(j->loop->multi, &j->transfer, e);
}

static void go_on(struct revocation *j)
{
        struct error e;
        while (j->step->name && j->step->is_needed && !j->step->is_needed(j->upstream))
                j->step++;
        if (!j->step->name) {
                not_revocable(j);
                return;
        }
        enum status s = ask(j, &e);
        if (s == STATUS_INVALID)
                settle(j, UPSTREAM_STUCK, e.slug, 0);
        else if (s != STATUS_OK)
                retry_later(j, e.slug, 0);
}

static struct answer judge(const struct step *step, unsigned status)
{
        const struct answer *a = step->answers;
        while (a->low && (status < a->low || status > a->high))
                a++;
        if (a->low)
                return *a;
        bool is_passing = status == 408 || status == 429 || (status >= 500 && status <= 599);
        return (struct answer){status, status, is_passing ? ACT_RETRY : ACT_STUCK, NULL};
}

static void next_step(struct revocation *j)
{
        struct upstream *u = j->upstream;
        struct error e;
        if (j->step->take && j->step->take(u, buf_view(&j->transfer.reply), &e) != STATUS_OK) {
                retry_later(j, "login-answer", 0);
                return;
        }
        if (j->step->is_needed) {
                u->session_no++;
                u->login_failures = 0;
                loop_tick_in(j->loop, 0); /* the others waited for it */
        }
        j->step++;
        go_on(j);
}

/* The session that it used is no more, unless another job has opened a new one meanwhile. */
static void log_in_again(struct revocation *j, const char *reason)
{
        struct upstream *u = j->upstream;
        if (j->has_relogged) {
                settle(j, UPSTREAM_STUCK, reason, 0);
                return;
        }
        if (j->session_no == u->session_no) {
                buf_fini_secret(&u->session);
                buf_init(&u->session, u->session.max);
        }
        j->has_relogged = true;
        j->step = u->connector->steps;
        go_on(j);
}

static void on_answer(struct transfer *t)
{
        struct revocation *j = t->ctx;
        char number[16];
        if (t->failure) {
                retry_later(j, t->failure, 0);
                return;
        }
        struct answer a = judge(j->step, t->status);
        snprintf(number, sizeof number, "http-%u", t->status);
        const char *reason = a.reason ? a.reason : number;
        switch (a.act) {
        case ACT_NEXT: next_step(j); break;
        case ACT_REVOKED: settle(j, UPSTREAM_REVOKED, "", 0); break;
        case ACT_GONE: settle(j, UPSTREAM_ALREADY_GONE, "", 0); break;
        case ACT_STUCK: settle(j, UPSTREAM_STUCK, reason, 0); break;
        case ACT_RETRY: retry_later(j, reason, t->retry_after_s); break;
        case ACT_LOGIN: log_in_again(j, reason); break;
        }
}

/* ---- what is due ---- */

struct looking {
        struct outbound *o;
        struct upstream *upstream;
        unsigned room;
};

bool revocation_is_under_way(const struct outbound *o, struct span key_id)
{
        for (const struct revocation *j = o->jobs; j; j = j->next)
                if (span_is(key_id, j->key_id))
                        return true;
        return false;
}

static struct revocation *revocation_new(struct outbound *o, struct upstream *u,
                                         const struct upstream_due *due)
{
        struct revocation *j = calloc(1, sizeof *j);
        if (!j)
                return NULL;
        j->loop = o;
        j->plan = o->plan;
        j->plan->refs++;
        j->upstream = u;
        j->attempts = due->attempts;
        j->valid_until = due->valid_until;
        j->step = u->connector->steps;
        snprintf(j->key_id, sizeof j->key_id, "%.*s", (int)due->key_id.len, due->key_id.p);
        buf_init(&j->token, UPSTREAM_TOKEN_MAX + 1);
        request_init(&j->request, 0);
        j->next = o->jobs;
        j->link = &o->jobs;
        if (j->next)
                j->next->link = &j->next;
        o->jobs = j;
        o->n_jobs++;
        u->n_jobs++;
        return j;
}

static bool start(void *ctx, const struct upstream_due *due)
{
        struct looking *l = ctx;
        struct error e;
        if (revocation_is_under_way(l->o, due->key_id))
                return true;
        if (l->room == 0)
                return false;
        struct revocation *j = revocation_new(l->o, l->upstream, due);
        if (!j)
                return false;
        l->room--;
        if (upstream_token(l->o->domain, due, &j->token, &e) == STATUS_OK)
                go_on(j);
        else /* of a secret file that was lost */
                settle(j, UPSTREAM_STUCK, e.slug, 0);
        return true;
}

/* While somebody logs in, the others wait for the session. */
static unsigned room_of(const struct upstream *u)
{
        unsigned most = (unsigned)u->concurrency;
        for (const struct step *s = u->connector->steps; s->name; s++)
                if (s->is_needed && s->is_needed(u))
                        most = 1;
        return u->n_jobs < most ? most - u->n_jobs : 0;
}

static void look_at(struct outbound *o, struct upstream *u, int64_t *next_ms)
{
        struct looking l = {.o = o, .upstream = u, .room = room_of(u)};
        int64_t now = clock_now_ms(), due = INT64_MAX, paused = u->resume_at - clock_mono_ms();
        struct error e;
        if (l.room == 0)
                return; /* whoever ends looks again */
        if (paused > 0) {
                *next_ms = paused < *next_ms ? paused : *next_ms;
                return;
        }
        if (upstream_due(o->view, u->name, now, l.room + o->n_jobs, start, &l, &due, &e) !=
            STATUS_OK) {
                log_error(LOG_LEVEL_WARN, "upstream.unreadable", &e);
                due = now + RETRY_COMMAND_MS;
        }
        if (due != INT64_MAX && due - now < *next_ms)
                *next_ms = due > now ? due - now : 0;
}

static void tell_again(struct outbound *o)
{
        int64_t now = clock_mono_ms();
        for (struct revocation *j = o->jobs; j; j = j->next)
                if (j->is_settled && !j->is_told && j->tell_at <= now)
                        tell(j);
}

void revocations_look(struct outbound *o, int64_t *next_ms)
{
        tell_again(o);
        for (size_t i = 0; i < o->plan->n_upstreams && !o->is_stopping; i++)
                look_at(o, &o->plan->upstreams[i], next_ms);
}

void revocations_cut(struct outbound *o)
{
        struct revocation *next;
        for (struct revocation *j = o->jobs; j; j = next) {
                next = j->next;
                if (!j->is_told)
                        revocation_free(j);
        }
}
