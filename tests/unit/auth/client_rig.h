/* Service clients with an access key, and what they come with. */
#ifndef TESTS_CLIENT_RIG_H
#define TESTS_CLIENT_RIG_H

#include "auth_rig.h"

#include <chatelaine/codec_jwt.h>
#include <chatelaine/domain_access_keys.h>

struct client {
        char id[CLIENT_ID_SIZE], kid[ACCESS_KID_SIZE];
        char text[ACCESS_KEY_TEXT_MAX + 1];
        struct pkey *key;
};

static inline struct client make_client(struct auth_rig *r)
{
        struct fixture *f = &r->base.base;
        struct client_create *c;
        struct access_key_create *k;
        struct client made;
        struct buf text;
        OK(client_create_new(r->base.domain, NULL, &c, &f->err));
        c->name = SPAN("a client");
        OK(rig_run(&r->base, &c->base));
        memcpy(made.id, c->id, sizeof made.id);
        domain_command_free(&c->base);
        OK(access_key_create_new(r->base.domain, NULL, &k, &f->err));
        k->client_id = span_of(made.id);
        OK(rig_run(&r->base, &k->base));
        memcpy(made.kid, k->kid, sizeof made.kid);
        OK(pkey_from_seed(k->seed, &made.key, &f->err));
        buf_init(&text, ACCESS_KEY_TEXT_MAX);
        access_key_create_text(k, &text);
        snprintf(made.text, sizeof made.text, "%s", text.data);
        buf_fini_secret(&text);
        domain_command_free(&k->base);
        return made;
}

static inline void delete_key(struct auth_rig *r, const struct client *client)
{
        struct fixture *f = &r->base.base;
        struct access_key_delete *c;
        OK(access_key_delete_new(r->base.domain, NULL, &c, &f->err));
        c->client_id = span_of(client->id);
        c->kid = span_of(client->kid);
        OK(rig_run(&r->base, &c->base));
        domain_command_free(&c->base);
}

/* A token of that client with these times in seconds; 0 = the claim is left out. */
static inline const char *token(struct auth_rig *r, const struct client *c, const char *typ,
                                double iat, double nbf, double exp)
{
        struct fixture *f = &r->base.base;
        struct jwt_key key = {.algorithm = JWT_EDDSA, .pkey = c->key, .kid = c->kid};
        struct buf claims, out;
        buf_init(&claims, 4096);
        buf_init(&out, 4096);
        buf_printf(&claims,
                   "{\"iss\":\"http://127.0.0.1:8080/v1/clients/%s\",\"sub\":\"%s\","
                   "\"aud\":\"acc-chatelaine-local.accounts.authress.io\"",
                   c->id, c->id);
        if (iat > 0)
                buf_printf(&claims, ",\"iat\":%.3f", iat);
        if (nbf > 0)
                buf_printf(&claims, ",\"nbf\":%.3f", nbf);
        if (exp > 0)
                buf_printf(&claims, ",\"exp\":%.3f", exp);
        buf_text(&claims, "}");
        OK(jwt_sign(&key, typ, buf_view(&claims), &out, &f->err));
        const char *copy = arena_dup(&r->base.arena, buf_view(&out));
        buf_fini(&claims);
        buf_fini(&out);
        return copy;
}

struct asked {
        struct request q; /* first: the view's header functions take it */
        struct principal *p;
        struct error e;
};

static inline void on_answer(void *http, struct principal *p, const struct error *e)
{
        struct asked *a = http;
        a->p = p;
        a->e = *e;
}

/* The principal of a Bearer; NULL: refused, with the error in r->err. */
static inline struct principal *enter(struct auth_rig *r, const char *text)
{
        char header[2048];
        struct asked a = {.q = {.headers = {{"Authorization", header}}}};
        struct request_view view = view_of(r, &a.q);
        view.http = &a;
        snprintf(header, sizeof header, "Bearer %s", text);
        auth_caller(r->auth, r->loop, &view, on_answer);
        r->err = a.e;
        return a.p;
}

/* "" = let in, as that client. */
static inline const char *with(struct auth_rig *r, const char *text, const struct client *c)
{
        const struct principal *p = enter(r, text);
        if (!p)
                return arena_dup(&r->base.arena, span_of(r->err.slug));
        assert_int_equal(p->caller.kind, CALLER_CLIENT);
        assert_string_equal(p->caller.id, c->id);
        assert_true(p->client && span_is(p->client->id, c->id));
        return "";
}

#define INVALID "invalid-credentials"
#define LET_IN(text) assert_string_equal(with(r, text, &c), "")
#define KEPT_OUT(text) assert_string_equal(with(r, text, &c), INVALID)

#endif
