/*
 * HTTP Basic (RFC 7617): a client's id and secret, whose keyed hash is looked at at once; or a
 * user's name and password. scrypt runs on the pool:
 *
 *     loop: user's row ─▶ remembered? ─▶ principal
 *                          │ no
 *                          ▼ too many failures? 429
 *     pool: scrypt; for an unknown user against a password that nobody has, so that it takes as
 * long loop: remember or count ─▶ principal or 401
 */
#include "auth/failures.h"
#include "auth/remembered.h"
#include "auth/state.h"

#include <chatelaine/codec_access_key.h>
#include <chatelaine/codec_crypto.h>
#include <chatelaine/codec_text.h>
#include <chatelaine/domain_clients.h>
#include <chatelaine/domain_users.h>

#include <stdio.h>

#define CREDENTIALS_MAX 2048

/* A well-formed scrypt text whose hash is no password's: 32 zero bytes. */
#define NOBODYS_PASSWORD \
        "$scrypt$ln=15,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

struct basic {
        struct job job;
        struct auth_loop *loop;
        struct arena *arena;
        void *http;
        auth_then then;
        const char *ip;
        struct buf credentials;     /* "name:password", decoded; wiped */
        struct span name, password; /* into it */
        struct user_row user;       /* is_known */
        bool is_known, matches;
        enum status status; /* of the check itself */
        struct error error;
};

static void finish(struct basic *b, enum status s, const struct error *e)
{
        struct principal *p = NULL;
        struct error err = {0};
        char subject[CALLER_NAME_SIZE];

        if (e)
                err = *e;
        if (s == STATUS_OK) {
                p = arena_alloc(b->arena, sizeof *p);
                s = p ? STATUS_OK : error_no_memory(&err);
        }
        if (s == STATUS_OK) {
                p->db = b->loop->db;
                p->caller.kind = CALLER_USER;
                snprintf(p->caller.id, sizeof p->caller.id, "%.*s", (int)b->user.id.len,
                         b->user.id.p);
                snprintf(p->caller.user_id, sizeof p->caller.user_id, "%s", p->caller.id);
                p->caller.password_at = b->user.password_changed_at;
                p->user_number = b->user.number;
                p->has_user_number = true;
                snprintf(subject, sizeof subject, "users/%s", p->caller.id);
                s = grants_load(p->db, subject, b->arena, &p->rights, &err);
        }
        buf_fini_secret(&b->credentials);
        auth_tell(b->then, b->http, s, p, &err);
}

static void refuse(struct basic *b)
{
        struct error e;
        enum status s = refuse_credentials(&e);

        finish(b, s, &e);
}

/* "name:password"; a name has no colon. Control characters are refused as RFC 7617 has it. */
static bool split(struct basic *b, struct span credentials)
{
        if (base64_decode_lenient(&b->credentials, credentials, NULL) != STATUS_OK)
                return false;
        for (size_t i = 0; i < b->credentials.len; i++)
                if ((unsigned char)b->credentials.data[i] < 0x20 || b->credentials.data[i] == 0x7f)
                        return false;
        b->name = span_split(buf_view(&b->credentials), ':', &b->password);
        return b->name.len && b->password.p && utf8_is_valid(b->name);
}

/* The row as it is now; false: a fault, answered. */
static bool find_user(struct basic *b)
{
        enum status s = user_find(b->loop->db, b->name, b->arena, &b->user, &b->error);

        b->is_known = s == STATUS_OK && b->user.is_active && b->user.password.p;
        if (s == STATUS_OK || s == STATUS_NOT_FOUND)
                return true;
        finish(b, s, &b->error);
        return false;
}

static void run(struct job *j, void *thread_state)
{
        struct basic *b = (struct basic *)j;

        (void)thread_state;
        b->status = password_verify(b->password,
                                    b->is_known ? b->user.password : SPAN(NOBODYS_PASSWORD),
                                    &b->matches, &b->error);
}

/* Back on the loop. The user may have been changed while scrypt ran: the row is read again. */
static void deliver(struct mail *m)
{
        struct basic *b = (struct basic *)m;
        struct auth *a = b->loop->auth;
        struct span checked = b->user.password;

        if (b->status != STATUS_OK) {
                finish(b, b->status, &b->error);
                return;
        }
        if (!b->is_known || !b->matches) {
                failures_count(a->failures, b->name, b->ip);
                refuse(b);
                return;
        }
        if (!find_user(b))
                return;
        if (!b->is_known || !span_equal(b->user.password, checked)) {
                refuse(b);
                return;
        }
        remembered_add(a->remembered, b->user.id, b->user.password, b->password);
        failures_forgive(a->failures, b->name, b->ip);
        finish(b, STATUS_OK, NULL);
}

/* What a "+" of plain base64 was decoded to: no access key has a space. */
static void restore_plus(struct span text)
{
        for (char *p = (char *)(uintptr_t)text.p; p < text.p + text.len; p++)
                *p = *p == ' ' ? '+' : *p;
}

/*
 * RFC 6749 2.3.1: a client's id and secret come encoded as in a form. Ours have nothing in them
 * that the decoding could change, but for the "+" of an access key, so that plain ones (RFC 7617)
 * are read the same way. No user's name begins so.
 */
static bool is_client(struct basic *b)
{
        struct buf CLEANUP(buf_fini_secret) plain;

        buf_init(&plain, CREDENTIALS_MAX);
        if (percent_decode(&plain, buf_view(&b->credentials), true, NULL) == STATUS_OK &&
            span_starts(buf_view(&plain), CLIENT_PREFIX)) {
                struct buf encoded = b->credentials;

                b->credentials = plain;
                plain = encoded;
                b->name = span_split(buf_view(&b->credentials), ':', &b->password);
                if (access_key_is(b->password))
                        restore_plus(b->password);
        }
        return span_starts(b->name, CLIENT_PREFIX);
}

static void check_client(struct basic *b, const struct request_view *req)
{
        struct principal *p = arena_alloc(b->arena, sizeof *p);
        struct error e = {0};
        enum status s = p ? STATUS_OK : error_no_memory(&e);

        if (s == STATUS_OK)
                s = auth_client(b->loop, req, b->name, b->password, p, &e);
        if (s == STATUS_DENIED)
                s = refuse_credentials(&e);
        buf_fini_secret(&b->credentials);
        auth_tell(b->then, b->http, s, p, &e);
}

static void check_password(struct basic *b)
{
        struct auth_loop *l = b->loop;
        struct error e;
        enum status s;

        if (!find_user(b))
                return;
        if (b->is_known &&
            remembered_has(l->auth->remembered, b->user.id, b->user.password, b->password)) {
                finish(b, STATUS_OK, NULL);
                return;
        }
        s = failures_allow(l->auth->failures, b->name, b->ip, &e);
        if (s == STATUS_OK)
                s = pool_submit(l->auth->pool, &b->job, &e);
        if (s != STATUS_OK)
                finish(b, s, &e);
}

/* NULL: answered. */
static struct basic *begin(struct auth_loop *l, const struct request_view *req, auth_then then)
{
        struct basic *b = arena_alloc(req->arena, sizeof *b);
        struct error e;

        if (!b) {
                error_no_memory(&e);
                then(req->http, NULL, &e);
                return NULL;
        }
        b->loop = l;
        b->arena = req->arena;
        b->http = req->http;
        b->then = then;
        b->ip = req->ip;
        b->job = (struct job){.mail.deliver = deliver, .reply_to = req->mailbox, .run = run};
        buf_init(&b->credentials, CREDENTIALS_MAX);
        return b;
}

void basic_check(struct auth_loop *l, const struct request_view *req, struct span credentials,
                 auth_then then)
{
        struct basic *b = begin(l, req, then);

        if (!b)
                return;
        if (!split(b, credentials))
                refuse(b);
        else if (is_client(b))
                check_client(b, req);
        else
                check_password(b);
}

void auth_password(struct auth *a, struct auth_loop *l, const struct request_view *req,
                   struct span name, struct span password, auth_then then)
{
        struct basic *b = begin(l, req, then);

        (void)a;
        if (!b)
                return;
        buf_span(&b->credentials, name);
        buf_char(&b->credentials, ':'); /* so that neither is empty nor holds the other */
        buf_span(&b->credentials, password);
        if (b->credentials.status != STATUS_OK || !name.len || !utf8_is_valid(name)) {
                refuse(b);
                return;
        }
        b->name = span_make(b->credentials.data, name.len);
        b->password = span_make(b->credentials.data + name.len + 1, password.len);
        check_password(b);
}
