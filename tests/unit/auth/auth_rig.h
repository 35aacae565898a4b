/*
 * The domain's rig with auth on it, apps whose keys vectors.h knows, and requests as http would
 * give them. The clock stands at T0 until the test moves it.
 */
#ifndef TESTS_AUTH_RIG_H
#define TESTS_AUTH_RIG_H

#include "unit/domain/domain_rig.h"

#include <chatelaine/auth.h>

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])
#define PAIRS_MAX 300

struct pair {
        const char *name, *value;
};

struct signed_request {
        const char *name, *method, *body;
        struct pair query[4], headers[5]; /* ended by a NULL name */
        const char *authorization;
};

#include "vectors.h"

struct auth_rig {
        struct rig base;
        struct auth *auth;
        struct auth_loop *loop;
        struct error err;
        struct caller who; /* of the last app's request */
};

static inline int auth_setup(void **state)
{
        struct auth_rig *r = calloc(1, sizeof *r);
        struct fixture *f = &r->base.base;
        rig_open(&r->base);
        OK(auth_new(r->base.domain, &r->auth, &f->err));
        OK(auth_loop_new(r->auth, r->base.db, &r->loop, &f->err));
        *state = r;
        return 0;
}

static inline int auth_teardown(void **state)
{
        struct auth_rig *r = *state;
        auth_loop_free(r->loop);
        auth_free(r->auth);
        rig_close(&r->base);
        free(r);
        return 0;
}

#define AUTH_TEST(name) cmocka_unit_test_setup_teardown(name, auth_setup, auth_teardown)
#define AUTH_RIG(state)                    \
        struct auth_rig *r = *(state);     \
        struct fixture *f = &r->base.base; \
        (void)f

/* ---- apps ---- */

struct app {
        const char *key;                     /* as `app create --key-file` reads it */
        const char *scopes[4], *optional[4]; /* ended by NULL; any: the app needs an agreement */
        enum app_algorithm algorithm;
        enum app_strategy strategy;
        bool needs_agreement, is_unguarded;
};

static inline size_t spans_of(const char *const *from, struct span *to)
{
        size_t n = 0;
        while (from[n]) {
                to[n] = span_of(from[n]);
                n++;
        }
        return n;
}

/* The app "acme". */
static inline void make_app(struct auth_rig *r, const struct app *a)
{
        struct fixture *f = &r->base.base;
        struct app_create *c;
        struct span scopes[4], optional[4];
        OK(app_create_new(r->base.domain, NULL, &c, &f->err));
        c->slug = SPAN("acme");
        c->algorithm = a->algorithm;
        c->strategy = a->strategy;
        c->require_agreement = a->needs_agreement;
        c->replay_guard = !a->is_unguarded;
        c->scopes = scopes;
        c->n_scopes = spans_of(a->scopes, scopes);
        c->optional_scopes = optional;
        c->n_optional_scopes = spans_of(a->optional, optional);
        c->key_text = span_of(a->key);
        OK(rig_run(&r->base, &c->base));
        domain_command_free(&c->base);
}

static inline void rotate_app(struct auth_rig *r, const char *key, enum app_algorithm algorithm,
                              int64_t grace_ms)
{
        struct fixture *f = &r->base.base;
        struct app_rotate *c;
        OK(app_rotate_new(r->base.domain, NULL, &c, &f->err));
        c->slug = SPAN("acme");
        c->key_text = span_of(key);
        c->has_algorithm = true;
        c->algorithm = algorithm;
        c->grace_ms = grace_ms;
        OK(rig_run(&r->base, &c->base));
        domain_command_free(&c->base);
}

static inline void agree(struct auth_rig *r, int64_t user_number, const char *optional_scope)
{
        struct fixture *f = &r->base.base;
        struct agreement_change *c;
        struct span scopes[] = {span_of(optional_scope)};
        OK(agreement_change_new(r->base.domain, NULL, &c, &f->err));
        c->slug = SPAN("acme");
        c->user_number = user_number;
        c->optional_scopes = scopes;
        c->n = optional_scope ? 1 : 0;
        OK(rig_run(&r->base, &c->base));
        domain_command_free(&c->base);
}

/* ---- requests ---- */

struct request {
        struct pair headers[PAIRS_MAX], query[PAIRS_MAX]; /* ended by a NULL name */
        const char *method, *body;
};

static inline struct span request_header(const void *http, const char *name)
{
        const struct request *q = http;
        for (size_t i = 0; q->headers[i].name; i++)
                if (strcasecmp(q->headers[i].name, name) == 0)
                        return span_of(q->headers[i].value);
        return SPAN_NONE;
}

static inline bool pair_at(const struct pair *list, size_t i, struct span *ret_name,
                           struct span *ret_value)
{
        if (i >= PAIRS_MAX || !list[i].name)
                return false;
        *ret_name = span_of(list[i].name);
        *ret_value = span_of(list[i].value);
        return true;
}

static inline bool request_header_each(const void *http, size_t i, struct span *ret_name,
                                       struct span *ret_value)
{
        return pair_at(((const struct request *)http)->headers, i, ret_name, ret_value);
}

static inline bool request_query_each(void *http, size_t i, struct span *ret_name,
                                      struct span *ret_value)
{
        return pair_at(((struct request *)http)->query, i, ret_name, ret_value);
}

static inline struct request_view view_of(struct auth_rig *r, struct request *q)
{
        return (struct request_view){
                .http = q,
                .method = q->method ? q->method : "POST",
                .ip = "192.0.2.1",
                .started_ms = rig_clock(),
                .id = "test",
                .route = "/v1/webhooks",
                .traceparent = "",
                .body = q->body ? span_of(q->body) : SPAN(""),
                .arena = &r->base.arena,
                .header = request_header,
                .header_each = request_header_each,
                .query_each = request_query_each,
        };
}

static inline void add_pair(struct pair *list, const char *name, const char *value)
{
        while (list->name)
                list++;
        *list = (struct pair){name, value};
}

/* ---- answers: the slug, "" when let in; all else in r->err ---- */

static inline const char *answer(struct auth_rig *r, enum status s)
{
        if (s == STATUS_OK)
                return "";
        assert_int_equal(r->err.status, s);
        return r->err.slug;
}

static inline const char *ask(struct auth_rig *r, struct request *q, const char *scope,
                              struct auth_app *ret)
{
        struct request_view view = view_of(r, q);
        memset(&r->err, 0, sizeof r->err);
        return answer(r, auth_app(r->auth, r->loop, &view, scope, ret, &r->who, &r->err));
}

/* A request with nothing but this Authorization and body, to a view that needs "webhook". */
static inline const char *ask_with(struct auth_rig *r, const char *authorization, const char *body)
{
        struct request q = {.headers = {{"Authorization", authorization}}, .body = body};
        struct auth_app app;
        return ask(r, &q, "webhook", &app);
}

#define REFUSED_TO(kind_, got, slug_, http_, text_)           \
        do {                                                  \
                assert_string_equal(got, slug_);              \
                assert_int_equal(error_http(&r->err), http_); \
                assert_string_equal(r->err.text, text_);      \
                assert_int_equal(r->who.kind, kind_);         \
        } while (0)
#define REFUSED(got, slug_, http_, text_) REFUSED_TO(CALLER_NOBODY, got, slug_, http_, text_)
#define UNAUTHORIZED(got, slug_) REFUSED(got, slug_, 401, "Unauthorized")
/* Behind a credential that holds: the app is on record. */
#define REFUSED_APP(got, slug_, http_, text_) REFUSED_TO(CALLER_APP, got, slug_, http_, text_)
#define UNAUTHORIZED_APP(got, slug_) REFUSED_APP(got, slug_, 401, "Unauthorized")

#endif
