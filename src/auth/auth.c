#include "auth/app_keys.h"
#include "auth/client_rate.h"
#include "auth/client_rows.h"
#include "auth/failures.h"
#include "auth/rate.h"
#include "auth/remembered.h"
#include "auth/state.h"
#include "auth/verified.h"

#include <stdlib.h>

#define POOL_THREADS 2
#define POOL_WAITING_MAX 64

/* ---- the pool's threads have a read connection each ---- */

static void *pool_state_new(void *ctx)
{
        struct domain *d = ctx;
        struct store_conn *db;

        return store_connect(domain_store(d), STORE_READ, &db, NULL) == STATUS_OK ? db : NULL;
}

static void pool_state_free(void *state)
{
        store_disconnect(state);
}

struct pool *auth_pool(struct auth *a)
{
        return a->pool;
}

struct store_conn *auth_pool_db(void *thread_state)
{
        return thread_state;
}

/* ---- process ---- */

enum status auth_new(struct domain *d, struct auth **ret, struct error *e)
{
        struct auth *a = calloc(1, sizeof *a);
        enum status s;

        if (!a)
                return error_no_memory(e);
        a->domain = d;
        s = rates_new(&a->rates, e);
        if (s == STATUS_OK)
                s = failures_new(&a->failures, e);
        if (s == STATUS_OK)
                s = remembered_new(&a->remembered, e);
        if (s == STATUS_OK)
                s = client_rates_new(&a->client_rates, e);
        if (s == STATUS_OK)
                s = pool_new("slow", POOL_THREADS, POOL_WAITING_MAX, pool_state_new,
                             pool_state_free, d, &a->pool, e);
        if (s != STATUS_OK) {
                auth_free(a);
                return s;
        }
        *ret = a;
        return STATUS_OK;
}

void auth_stop(struct auth *a)
{
        if (a)
                pool_stop(a->pool);
}

void auth_free(struct auth *a)
{
        if (!a)
                return;
        pool_free(a->pool);
        rates_free(a->rates);
        failures_free(a->failures);
        remembered_free(a->remembered);
        client_rates_free(a->client_rates);
        free(a);
}

void auth_tell(auth_then then, void *http, enum status s, struct principal *p,
               const struct error *e)
{
        const struct error none = {0};
        then(http, s == STATUS_OK ? p : NULL, s == STATUS_OK ? &none : e);
}

void auth_forget_user(struct auth *a, struct span user_id)
{
        remembered_forget(a->remembered, user_id);
}

/* ---- loops ---- */

enum status auth_loop_new(struct auth *a, struct store_conn *db, struct auth_loop **ret,
                          struct error *e)
{
        struct auth_loop *l = calloc(1, sizeof *l);
        enum status s;

        if (!l)
                return error_no_memory(e);
        l->auth = a;
        l->db = db;
        s = app_keys_new(&l->app_keys, e);
        if (s == STATUS_OK)
                s = verified_new(&l->verified, e);
        if (s == STATUS_OK)
                s = client_rows_new(&l->client_rows, e);
        if (s != STATUS_OK) {
                auth_loop_free(l);
                return s;
        }
        *ret = l;
        return STATUS_OK;
}

void auth_loop_free(struct auth_loop *l)
{
        if (!l)
                return;
        app_keys_free(l->app_keys);
        verified_free(l->verified);
        client_rows_free(l->client_rows);
        free(l);
}

struct store_conn *auth_loop_db(struct auth_loop *l)
{
        return l->db;
}

struct auth *auth_loop_auth(struct auth_loop *l)
{
        return l->auth;
}

struct domain *auth_loop_domain(struct auth_loop *l)
{
        return l->auth->domain;
}

/* ---- one moment ---- */

/* The count first: a snapshot that is kept has all that it counts. */
void auth_snapshot_begin(struct auth_loop *l)
{
        l->generation = domain_generation(l->auth->domain);
        l->has_snapshot = store_begin(l->db, NULL) == STATUS_OK;
}

void auth_snapshot_end(struct auth_loop *l)
{
        if (l->has_snapshot)
                store_keep(l->db);
        l->has_snapshot = false;
}

void auth_loop_rest(struct auth_loop *l)
{
        store_let_go(l->db);
}

uint64_t auth_generation(const struct auth_loop *l)
{
        return l->has_snapshot ? l->generation : domain_generation(l->auth->domain);
}
