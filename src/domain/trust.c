/* User tokens of other issuers: judged, and turned into a principal. */
#include "domain/trust.h"
#include "domain/users.h"

#include <stdio.h>

static enum status refused(struct error *e)
{
        return error_set_http(e, STATUS_DENIED, 401, "invalid-credentials", NULL,
                              "the credentials are unknown, wrong, or no longer valid");
}

static bool is_typ_taken(const struct json *header)
{
        static const char *const taken[] = {"JWT", "at+jwt", "application/jwt",
                                            "application/at+jwt"};
        struct span typ = json_get_text(header, "typ");
        bool is_taken = !json_get(header, "typ");
        for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
                is_taken |= span_is_nocase(typ, taken[i]);
        return is_taken;
}

/* Authress's pattern of a userId, where white space is a space. */
static bool is_subject(struct span sub)
{
        static const char others[] = "+._|/~:@ -";
        bool is_good = sub.len >= 1 && sub.len <= TRUST_SUBJECT_MAX;
        for (size_t i = 0; i < sub.len && is_good; i++)
                is_good = (sub.p[i] >= 'a' && sub.p[i] <= 'z') ||
                          (sub.p[i] >= 'A' && sub.p[i] <= 'Z') ||
                          (sub.p[i] >= '0' && sub.p[i] <= '9') ||
                          memchr(others, sub.p[i], sizeof others - 1);
        return is_good;
}

/* In records these are service clients: no issuer of users may speak for one. */
static bool is_client(struct span sub)
{
        static const char prefix[] = "Authress:";
        return span_starts(sub, "sc_") ||
               (sub.len >= sizeof prefix - 1 &&
                span_is_nocase(span_make(sub.p, sizeof prefix - 1), prefix));
}

static bool is_in_time(const struct json *claims, int64_t now_ms, int64_t *ret_ends_at)
{
        enum jwt_time which;
        bool is_ok = jwt_times_ok(claims, now_ms, TRUST_SKEW_MS, &which);
        return is_ok && jwt_time_ms(claims, "exp", ret_ends_at) && now_ms < *ret_ends_at;
}

static bool is_good(const struct config *c, const struct config_trust *t, const struct json *claims,
                    int64_t now_ms, int64_t *ret_ends_at)
{
        struct span sub = json_get_text(claims, "sub");
        return span_is(json_get_text(claims, "iss"), t->issuer) &&
               jwt_audience_has(claims, span_of(*t->audience ? t->audience : c->issuer)) &&
               is_in_time(claims, now_ms, ret_ends_at) && is_subject(sub) && !is_client(sub);
}

/* Signature, then claims. */
static enum status check(struct domain *d, const struct config *c, const struct config_trust *t,
                         struct span token, const struct json *header, int64_t now_ms,
                         struct arena *a, struct trusted *ret, struct error *e)
{
        const struct trust_source source = {t->issuer, t->jwks, t->ca_file};
        struct trust_keys *keys = trust_keys_of(d, &source);
        struct jwt_key tries[TRUST_TRIES_MAX];
        struct json *CLEANUP(json_freep) claims = NULL;
        bool is_known = false;
        size_t n = keys ? trust_keys_fit(keys, header, now_ms, tries, &is_known) : 0;
        enum status s = n ? jwt_verify(token, tries, n, &claims, NULL, e) : STATUS_DENIED;
        if (keys && s == STATUS_DENIED && !is_known)
                trust_keys_want(d, keys);
        trust_keys_unref(keys);
        if (s != STATUS_OK)
                return s == STATUS_NO_MEMORY ? s : refused(e);
        if (!is_good(c, t, claims, now_ms, &ret->ends_at))
                return refused(e);
        ret->trust = arena_span(a, span_of(t->name));
        ret->subject = arena_span(a, json_get_text(claims, "sub"));
        return ret->trust.p && ret->subject.p ? STATUS_OK : error_no_memory(e);
}

static const struct config_trust *trust_of(const struct config *c, struct span issuer)
{
        for (size_t i = 0; i < c->n_trusts; i++)
                if (span_is(issuer, c->trusts[i].issuer))
                        return &c->trusts[i];
        return NULL;
}

/* What no JWT is, is not theirs. */
static enum status check_any(struct domain *d, const struct config *c, struct span token,
                             int64_t now_ms, struct arena *a, bool *ret_is_theirs,
                             struct trusted *ret, struct error *e)
{
        struct json *CLEANUP(json_freep) header = NULL;
        struct json *CLEANUP(json_freep) claims = NULL;
        if (jwt_peek_unverified(token, &header, &claims, NULL) != STATUS_OK)
                return STATUS_OK;
        const struct config_trust *t = trust_of(c, json_get_text(claims, "iss"));
        if (!t)
                return STATUS_OK;
        *ret_is_theirs = true;
        return is_typ_taken(header) ? check(d, c, t, token, header, now_ms, a, ret, e) : refused(e);
}

enum status trust_check(struct domain *d, struct span token, int64_t now_ms, struct arena *a,
                        bool *ret_is_theirs, struct trusted *ret, struct error *e)
{
        struct settings *settings = domain_settings(d);
        struct trusted trusted = {0};
        enum status s = STATUS_OK;
        *ret_is_theirs = false;
        if (settings->config->n_trusts)
                s = check_any(d, settings->config, token, now_ms, a, ret_is_theirs, &trusted, e);
        settings_unref(settings);
        if (s == STATUS_OK && *ret_is_theirs)
                *ret = trusted;
        return s;
}

/* ---- the user ---- */

/* A row of ours with that very id; a user of that name is somebody else. */
static enum status row_of(struct store_conn *db, struct span id, struct arena *a,
                          bool *ret_is_found, struct user_row *ret, struct error *e)
{
        struct error why;
        enum status s = user_find(db, id, a, ret, &why);
        *ret_is_found = s == STATUS_OK && span_equal(ret->id, id);
        if (s == STATUS_OK || s == STATUS_NOT_FOUND)
                return STATUS_OK;
        if (e)
                *e = why;
        return s;
}

enum status trust_principal(struct store_conn *db, const struct trusted *t, struct arena *a,
                            struct principal *ret, struct error *e)
{
        struct principal p = {.db = db, .caller = {.kind = CALLER_TRUSTED, .ends_at = t->ends_at}};
        struct user_row user;
        char subject[SUBJECT_SIZE];
        bool has_row;
        TRY(row_of(db, t->subject, a, &has_row, &user, e));
        if (has_row && !user.is_active)
                return refused(e);
        snprintf(p.caller.id, sizeof p.caller.id, "%.*s", (int)t->subject.len, t->subject.p);
        snprintf(p.caller.user_id, sizeof p.caller.user_id, "%s", p.caller.id);
        snprintf(p.caller.origin, sizeof p.caller.origin, "%.*s", (int)t->trust.len, t->trust.p);
        p.has_user_number = has_row;
        p.user_number = has_row ? user.number : 0;
        subject_of("users", t->subject, subject);
        TRY(grants_load(db, subject, a, &p.rights, e));
        *ret = p;
        return STATUS_OK;
}

/* ---- later ---- */

static bool is_in_settings(struct domain *d, const char *name)
{
        struct settings *settings = domain_settings(d);
        bool is_there = false;
        for (size_t i = 0; i < settings->config->n_trusts; i++)
                is_there |= strcmp(settings->config->trusts[i].name, name) == 0;
        settings_unref(settings);
        return is_there;
}

enum status trust_caller_check(struct domain *d, struct store_conn *db, const struct caller *c,
                               int64_t now_ms, struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        struct user_row user;
        bool has_row;
        arena_init(&a, 16 * 1024);
        TRY(row_of(db, span_of(c->id), &a, &has_row, &user, e));
        if (now_ms < c->ends_at && is_in_settings(d, c->origin) && !(has_row && !user.is_active))
                return STATUS_OK;
        return error_set_http(e, STATUS_DENIED, 401, "credential-ended", NULL,
                              "The credential of this request has ended.");
}
