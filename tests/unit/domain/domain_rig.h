/*
 * A whole domain on a state directory of its own: SQLite file, ledger, secrets, default settings,
 * and a wall clock that only the test moves. OK(...) fails the test with the error's words.
 */
#ifndef TESTS_DOMAIN_RIG_H
#define TESTS_DOMAIN_RIG_H

#include "unit/store/store_fixture.h"

#include <chatelaine/domain_documents.h>
#include <chatelaine/domain_keys.h>
#include <chatelaine/domain_users.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>

#define T0 INT64_C(1800000000000) /* where the clock begins */
#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

struct rig {
        struct fixture base;
        struct secrets *secrets;
        struct domain *domain;
        struct ledger *ledger;
        struct store_conn *db; /* reads */
        sem_t durable;         /* posted when events have become durable */
        struct arena arena;
};

static _Atomic int64_t rig_now, rig_mono_skip;
static _Atomic int64_t rig_mono_at; /* where the monotonic clock stands; 0: it runs */
static atomic_bool rig_is_real;     /* the wall clock is the machine's */

static inline int64_t rig_clock(void)
{
        struct timespec t;
        if (!atomic_load(&rig_is_real))
                return atomic_load(&rig_now);
        timespec_get(&t, TIME_UTC);
        return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
/* The machine's, and what the test skips of it. */
static inline int64_t rig_mono(void)
{
        struct timespec t;
        int64_t stands = atomic_load(&rig_mono_at);
        if (stands)
                return stands;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 + atomic_load(&rig_mono_skip);
}
static inline void rig_advance(int64_t ms)
{
        atomic_fetch_add(&rig_now, ms);
}

static inline void rig_durable(void *ctx, int64_t head)
{
        (void)head;
        sem_post(&((struct rig *)ctx)->durable);
}

/* The default configuration, with `extra` behind it. */
static inline struct settings *rig_settings(struct rig *r, const char *extra)
{
        struct fixture *f = &r->base;
        struct config *config;
        struct settings *settings;
        char path[128];
        struct buf text;
        buf_init(&text, 1 << 20);
        OK(config_write_default(f->dir, &text, &f->err));
        buf_text(&text, extra);
        snprintf(path, sizeof path, "%s/chatelaine.conf", f->dir);
        FILE *file = fopen(path, "w");
        fwrite(text.data, 1, text.len, file);
        fclose(file);
        buf_fini(&text);
        OK(config_load(path, &config, &f->err));
        OK(settings_new(config, &settings, &f->err));
        return settings;
}

/* A ledger in the place of the one before. */
static inline void rig_ledger(struct rig *r, size_t event_bytes_max)
{
        struct fixture *f = &r->base;
        ledger_free(r->ledger);
        struct ledger_options l = {.store = f->store,
                                   .secrets = r->secrets,
                                   .event_bytes_max = event_bytes_max,
                                   .queue_max = 1000,
                                   .group_rows_max = 10000,
                                   .env = r->domain,
                                   .committed = domain_committed,
                                   .durable = rig_durable,
                                   .durable_ctx = r};
        OK(ledger_start(&l, &r->ledger, &f->err));
        domain_set_ledger(r->domain, r->ledger);
}

static inline void rig_open(struct rig *r)
{
        struct fixture *f = &r->base;
        char path[128];
        memset(r, 0, sizeof *r);
        atomic_store(&rig_now, T0);
        atomic_store(&rig_mono_skip, 0);
        atomic_store(&rig_is_real, false);
        clock_inject(rig_clock, rig_mono);
        fixture_open(f);
        store_disconnect(f->db); /* the ledger writes */
        f->db = NULL;
        OK(store_migrate(f->store, &f->err));
        snprintf(path, sizeof path, "%s/secret.key", f->dir);
        OK(secrets_create(path, &f->err));
        OK(secrets_load(path, &r->secrets, &f->err));
        struct domain_options d = {
                .store = f->store, .secrets = r->secrets, .take_settings = rig_settings(r, "")};
        OK(domain_new(&d, &r->domain, &f->err));
        sem_init(&r->durable, 0, 0);
        rig_ledger(r, 1000000);
        OK(store_connect(f->store, STORE_READ, &r->db, &f->err));
        arena_init(&r->arena, 64 << 20);
}

static inline void rig_close(struct rig *r)
{
        struct fixture *f = &r->base;
        store_disconnect(r->db);
        ledger_free(r->ledger);
        domain_free(r->domain);
        secrets_free(r->secrets);
        arena_fini(&r->arena);
        sem_destroy(&r->durable);
        fixture_close(f);
}

static inline int rig_setup(void **state)
{
        *state = malloc(sizeof(struct rig));
        rig_open(*state);
        return 0;
}

static inline int rig_teardown(void **state)
{
        rig_close(*state);
        free(*state);
        return 0;
}

#define RIG_TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
#define RIG(state)                    \
        struct rig *r = *(state);     \
        struct fixture *f = &r->base; \
        (void)f

/* ---- questions ---- */

static inline int64_t rig_int(struct rig *r, const char *sql)
{
        struct fixture *f = &r->base;
        int64_t n = -1;
        OK(store_int_of(r->db, sql, &n, &f->err, ""));
        return n;
}

/* The data of the newest journal row of a type, in the arena; "" when there is none. */
static inline const char *rig_event(struct rig *r, const char *type)
{
        struct fixture *f = &r->base;
        struct store_stmt *st;
        const char *text = "";
        OK(store_query(r->db, "SELECT body FROM journal WHERE type = $1 ORDER BY seq DESC LIMIT 1",
                       &st, &f->err, "s", type));
        if (store_next(st))
                text = arena_dup(&r->arena, store_text(st, 0));
        OK(store_done(st, &f->err));
        return text;
}

static inline int64_t rig_events(struct rig *r, const char *type)
{
        struct fixture *f = &r->base;
        int64_t n = 0;
        OK(store_int_of(r->db, "SELECT count(*) FROM journal WHERE type = $1", &n, &f->err, "s",
                        type));
        return n;
}

/* Wait, commit by commit, until so many events of a type are there. */
static inline void rig_await(struct rig *r, const char *type, int64_t n)
{
        struct timespec until = {.tv_sec = time(NULL) + 60};
        while (rig_events(r, type) < n)
                if (sem_timedwait(&r->durable, &until) != 0)
                        fail_msg("%s: only %lld of %lld", type, (long long)rig_events(r, type),
                                 (long long)n);
}

/* ---- commands: run and give the status; the error is in f->err ---- */

static inline struct caller rig_unix(void)
{
        return (struct caller){.kind = CALLER_UNIX, .id = "0"};
}

static inline enum status rig_run(struct rig *r, struct domain_command *c)
{
        if (c->caller.kind == CALLER_NOBODY)
                c->caller = rig_unix();
        return domain_run(c, &r->base.err);
}

/* A user with these grants; its id is in the arena. */
static inline const char *rig_user(struct rig *r, const char *name, struct grant *grants, size_t n)
{
        struct fixture *f = &r->base;
        struct user_create *c;
        OK(user_create_new(r->domain, NULL, &c, &f->err));
        c->name = span_of(name);
        c->grants = grants;
        c->n_grants = n;
        OK(rig_run(r, &c->base));
        const char *id = arena_dup(&r->arena, span_of(c->id));
        domain_command_free(&c->base);
        return id;
}

static inline const char *rig_inbox(struct rig *r, const char *name)
{
        struct fixture *f = &r->base;
        struct inbox_create *c;
        OK(inbox_create_new(r->domain, NULL, &c, &f->err));
        c->name = span_of(name);
        OK(rig_run(r, &c->base));
        const char *id = arena_dup(&r->arena, span_of(c->id));
        domain_command_free(&c->base);
        return id;
}

static inline void rig_document(struct rig *r, const char *inbox, const char *id)
{
        struct fixture *f = &r->base;
        struct document_create *c;
        OK(document_create_new(r->domain, NULL, &c, &f->err));
        c->inbox = span_of(inbox);
        c->name = c->id = span_of(id);
        OK(rig_run(r, &c->base));
        domain_command_free(&c->base);
}

static inline enum status rig_role(struct rig *r, const char *name, const char *permission)
{
        struct fixture *f = &r->base;
        struct role_create *c;
        struct span permissions[] = {span_of(permission)};
        OK(role_create_new(r->domain, NULL, &c, &f->err));
        c->name = span_of(name);
        c->permissions = permissions;
        c->n_permissions = 1;
        enum status s = rig_run(r, &c->base);
        domain_command_free(&c->base);
        return s;
}

struct minted {
        char key[KEY_SIZE], id[ID_HEX24_SIZE];
        int64_t expires_at;
        bool is_repeat;
};

struct mint {
        const char *user, *resource,
                *role; /* role on resource; role NULL: bound to resource alone */
        int64_t expires_in_ms, expires_at;
        const struct caller *caller;
        const char *idempotency_key;
        uint8_t hash;
};

static inline enum status rig_try_mint(struct rig *r, const struct mint *m, struct minted *ret)
{
        struct fixture *f = &r->base;
        struct key_mint *c;
        struct grant grant = {.role = span_of(m->role), .resource = span_of(m->resource)};
        struct span resource = span_of(m->resource);
        OK(key_mint_new(r->domain, NULL, &c, &f->err));
        c->user = span_of(m->user ? m->user : "guest");
        if (m->role) {
                c->grants = &grant;
                c->n_grants = 1;
        } else if (m->resource) {
                c->resources = &resource;
                c->n_resources = 1;
        }
        c->expires_in_ms = m->expires_in_ms;
        c->expires_at = m->expires_at;
        c->idempotency_key = span_of(m->idempotency_key);
        memset(c->request_hash, m->hash, sizeof c->request_hash);
        if (m->caller)
                c->base.caller = *m->caller;
        enum status s = rig_run(r, &c->base);
        if (s == STATUS_OK && ret) {
                memcpy(ret->key, c->key, sizeof ret->key);
                memcpy(ret->id, c->id, sizeof ret->id);
                ret->expires_at = c->ret_expires_at;
                ret->is_repeat = c->is_repeat;
        }
        domain_command_free(&c->base);
        return s;
}

static inline struct minted rig_mint(struct rig *r, const struct mint *m)
{
        struct fixture *f = &r->base;
        struct minted k;
        OK(rig_try_mint(r, m, &k));
        return k;
}

static inline enum status rig_rotate(struct rig *r, const char *id, int64_t grace_ms,
                                     struct minted *ret)
{
        struct fixture *f = &r->base;
        struct key_rotate *c;
        OK(key_rotate_new(r->domain, NULL, &c, &f->err));
        c->id = span_of(id);
        c->grace_ms = grace_ms;
        enum status s = rig_run(r, &c->base);
        if (s == STATUS_OK && ret) {
                memcpy(ret->key, c->key, sizeof ret->key);
                memcpy(ret->id, c->new_id, sizeof ret->id);
        }
        domain_command_free(&c->base);
        return s;
}

static inline enum status rig_revoke(struct rig *r, const struct key_selector *sel, int64_t *ret_n)
{
        struct fixture *f = &r->base;
        struct key_revoke *c;
        OK(key_revoke_new(r->domain, NULL, &c, &f->err));
        c->selector = *sel;
        enum status s = rig_run(r, &c->base);
        *ret_n = c->revoked;
        domain_command_free(&c->base);
        return s;
}

static inline int64_t rig_revoke_id(struct rig *r, const char *id)
{
        struct fixture *f = &r->base;
        struct span ids[] = {span_of(id)};
        struct key_selector sel = {.ids = ids, .n_ids = 1, .is_by_id_strict = true};
        int64_t n;
        OK(rig_revoke(r, &sel, &n));
        return n;
}

static inline int64_t rig_revoke_resource(struct rig *r, const char *resource)
{
        struct fixture *f = &r->base;
        struct key_selector sel = {.resource = span_of(resource)};
        int64_t n;
        OK(rig_revoke(r, &sel, &n));
        return n;
}

static inline enum status rig_suspend(struct rig *r, const char *id, bool is_active)
{
        struct fixture *f = &r->base;
        struct key_suspend *c;
        OK(key_suspend_new(r->domain, NULL, &c, &f->err));
        c->id = span_of(id);
        c->is_active = is_active;
        enum status s = rig_run(r, &c->base);
        domain_command_free(&c->base);
        return s;
}

static inline int64_t rig_done(struct rig *r, const char *document, bool is_reopen)
{
        struct fixture *f = &r->base;
        struct document_done *c;
        OK(document_done_new(r->domain, NULL, &c, &f->err));
        c->id = span_of(document);
        c->is_reopen = is_reopen;
        OK(rig_run(r, &c->base));
        int64_t n = c->revoked;
        domain_command_free(&c->base);
        return n;
}

/* The row as of now, by the key itself. */
static inline struct key_row rig_find(struct rig *r, const char *key)
{
        struct fixture *f = &r->base;
        struct key_row row;
        OK(key_find(r->domain, r->db, span_of(key), &r->arena, &row, &f->err));
        return row;
}

static inline struct key_row rig_get(struct rig *r, const char *id)
{
        struct fixture *f = &r->base;
        struct key_row row;
        OK(key_get(r->db, span_of(id), rig_clock(), &r->arena, &row, &f->err));
        return row;
}

static inline bool rig_is_valid(struct rig *r, const char *key)
{
        struct key_row row = rig_find(r, key);
        return key_is_valid(&row, rig_clock());
}

/* May the key do it now? */
static inline bool rig_may(struct rig *r, const char *key, const char *permission,
                           const char *resource)
{
        struct fixture *f = &r->base;
        struct key_row row = rig_find(r, key);
        struct principal p;
        OK(key_principal(r->db, &row, &r->arena, &p, &f->err));
        return key_is_valid(&row, rig_clock()) && grants_allow(&p, permission, span_of(resource));
}

/* A piece of the scheduler's work as a command of its own. */
struct rig_job {
        struct domain_command base;
        enum status (*job)(struct ledger_tx *tx, unsigned limit, int64_t *n, bool *more,
                           struct error *e);
        unsigned limit;
        int64_t n;
        bool is_more;
};

static inline enum status rig_job_run(struct ledger_tx *tx, struct domain_command *c,
                                      struct error *e)
{
        struct rig_job *j = (struct rig_job *)c;
        return j->job(tx, j->limit, &j->n, &j->is_more, e);
}

static inline int64_t rig_job(struct rig *r,
                              enum status (*job)(struct ledger_tx *, unsigned, int64_t *, bool *,
                                                 struct error *),
                              unsigned limit, bool *ret_more)
{
        struct fixture *f = &r->base;
        struct rig_job *j;
        OK(domain_command_new(r->domain, NULL, sizeof *j, 0, &j, &f->err));
        j->base.run = rig_job_run;
        j->base.caller = (struct caller){.kind = CALLER_JOB, .id = "test"};
        j->job = job;
        j->limit = limit;
        OK(domain_run(&j->base, &f->err));
        int64_t n = j->n;
        if (ret_more)
                *ret_more = j->is_more;
        domain_command_free(&j->base);
        return n;
}

/* key_counts says what the rows say. */
static inline void rig_check_counts(struct rig *r)
{
        assert_int_equal(rig_int(r, "SELECT count(*) FROM key_counts c WHERE n <>"
                                    " (SELECT count(*) FROM keys k WHERE k.state = c.state)"),
                         0);
}

#endif
