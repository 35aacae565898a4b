/*
 * Tokens that a service client signs itself with its access key, as Authress's SDKs do:
 *
 *     header   alg EdDSA (pinned by the stored key), kid, typ JWT or at+jwt
 *     claims   iss {origin}[/prefix]/v1/clients/{id}, sub {id}, aud {account}.accounts.authress.io,
 *              exp; client_id, iat and nbf where they are there
 *
 * The origin is `issuer`'s or one of `issuer_aliases`': the SDKs write the URL that their caller
 * gave them. Clocks may differ by a minute for iat and nbf (JS rounds iat up); exp is meant as it
 * is. typ oauth-authz-req+jwt, by which a client asks for a user's log-in, is no access token.
 */
#include "auth/state.h"
#include "auth/verified.h"

#include <chatelaine/codec_jwt.h>

#include <stdio.h>

#define SKEW_MS 60000
#define CLIENTS_PATH "/v1/clients/"

/* ---- iss ---- */

struct url {
        struct span scheme, authority, path;
};

/* Without the port that goes without saying, and without a "/" at the end. */
static bool split_url(struct span text, struct url *ret)
{
        struct span rest, scheme = span_split(text, ':', &rest);
        struct url u = {.scheme = scheme};

        if (!span_starts(rest, "//"))
                return false;
        rest = span_make(rest.p + 2, rest.len - 2);
        u.authority = span_split(rest, '/', &u.path);
        u.path = u.path.p ? span_make(u.path.p - 1, u.path.len + 1) : SPAN("");
        while (u.path.len && u.path.p[u.path.len - 1] == '/')
                u.path.len--;
        const char *port = span_is_nocase(scheme, "https") ? ":443" : ":80";
        size_t n = strlen(port);
        if (u.authority.len > n && memcmp(u.authority.p + u.authority.len - n, port, n) == 0)
                u.authority.len -= n;
        *ret = u;
        return u.authority.len > 0;
}

static bool equal_nocase(struct span a, struct span b)
{
        return a.len == b.len && strncasecmp(a.p, b.p, a.len) == 0;
}

/* A prefix is segments of plain characters: no query, no "..", nothing empty. */
static bool is_prefix(struct span path)
{
        for (size_t i = 0; i < path.len; i++) {
                char c = path.p[i], next = i + 1 < path.len ? path.p[i + 1] : '\0';
                bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                (c >= '0' && c <= '9') || (c && strchr("-_~/.", c));
                if (!is_plain || (c == '/' && (next == '/' || next == '.' || !next)))
                        return false;
        }
        return true;
}

/* Is `base` that configured URL, or beneath it? */
static bool is_at(struct span base, const char *configured)
{
        struct url have, want;

        if (!split_url(base, &have) || !split_url(span_of(configured), &want) ||
            !equal_nocase(have.scheme, want.scheme) ||
            !equal_nocase(have.authority, want.authority) || have.path.len < want.path.len ||
            memcmp(have.path.p, want.path.p, want.path.len) != 0)
                return false;
        struct span beneath = span_make(have.path.p + want.path.len, have.path.len - want.path.len);
        return !beneath.len || (beneath.p[0] == '/' && is_prefix(beneath));
}

static bool is_our_origin(const struct config *c, struct span base)
{
        bool is_ours = is_at(base, c->issuer);
        for (size_t i = 0; i < c->issuer_aliases.n && !is_ours; i++)
                is_ours = is_at(base, c->issuer_aliases.items[i]);
        return is_ours;
}

/* {base}/v1/clients/{id}, and nothing behind it; the last such place counts. */
static bool split_issuer(struct span iss, struct span *ret_base, struct span *ret_id)
{
        size_t n = sizeof CLIENTS_PATH - 1;
        for (size_t at = iss.len; at-- > 0;) {
                if (iss.len - at < n || memcmp(iss.p + at, CLIENTS_PATH, n) != 0)
                        continue;
                *ret_base = span_make(iss.p, at);
                *ret_id = span_make(iss.p + at + n, iss.len - at - n);
                return true;
        }
        return false;
}

/* ---- claims ---- */

static bool has_good_type(const struct json *header)
{
        static const char *const types[] = {"JWT", "at+jwt", "application/at+jwt"};
        struct span typ = json_get_text(header, "typ");
        for (size_t i = 0; i < sizeof types / sizeof *types; i++)
                if (span_is_nocase(typ, types[i]))
                        return true;
        return false;
}

static bool is_for_us(const struct json *claims, const struct config *c)
{
        char audience[256];
        int n = snprintf(audience, sizeof audience, "%s.accounts.authress.io", c->account_id);
        return n > 0 && (size_t)n < sizeof audience &&
               jwt_audience_has(claims, span_make(audience, (size_t)n));
}

static bool read_times(const struct json *claims, struct verified_entry *v)
{
        int64_t at;
        static const char *const starts[] = {"iat", "nbf"};
        if (!jwt_time_ms(claims, "exp", &v->ends_at))
                return false;
        for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
                if (!json_get(claims, starts[i]))
                        continue;
                if (!jwt_time_ms(claims, starts[i], &at))
                        return false;
                if (at - SKEW_MS > v->not_before_ms)
                        v->not_before_ms = at - SKEW_MS;
        }
        return true;
}

static bool is_now(const struct verified_entry *v)
{
        int64_t now = clock_now_ms();
        return now >= v->not_before_ms && now < v->ends_at;
}

/* All that a token says of itself, before anybody has looked for its key. */
static bool read_token(const struct json *header, const struct json *claims, const struct config *c,
                       struct verified_entry *v)
{
        struct span base, id, sub = json_get_text(claims, "sub"),
                              kid = json_get_text(header, "kid");
        const struct json *client_id = json_get(claims, "client_id");
        if (!has_good_type(header) || !client_id_is(sub) || kid.len != ACCESS_KID_SIZE - 1 ||
            memchr(kid.p, '\0', kid.len) ||
            !split_issuer(json_get_text(claims, "iss"), &base, &id) || !span_equal(id, sub) ||
            !is_for_us(claims, c) || !read_times(claims, v) ||
            (client_id && !span_equal(json_span(client_id), sub)))
                return false;
        snprintf(v->client_id, sizeof v->client_id, "%.*s", (int)sub.len, sub.p);
        snprintf(v->kid, sizeof v->kid, "%.*s", (int)kid.len, kid.p);
        return is_now(v);
}

/* ---- the token ---- */

static enum status verify(struct auth_loop *l, struct span token, struct verified_entry *v,
                          struct arena *a, struct error *e)
{
        struct pkey *CLEANUP(pkey_freep) public = NULL;
        struct json *CLEANUP(json_freep) claims = NULL;
        struct access_key key;
        enum status s = access_key_find(l->db, span_of(v->client_id), span_of(v->kid),
                                        clock_now_ms(), a, &key, e);

        if (s == STATUS_NOT_FOUND)
                return refuse_credentials(e);
        TRY(s);
        TRY(pkey_from_public(key.public_key, &public, e));
        struct jwt_key pinned = {.algorithm = JWT_EDDSA, .pkey = public, .kid = v->kid};
        s = jwt_verify(token, &pinned, 1, &claims, NULL, e);
        if (s == STATUS_INVALID || s == STATUS_DENIED)
                return refuse_credentials(e);
        memcpy(v->public_key, key.public_key, sizeof v->public_key);
        return s;
}

/* Does it say that a service client of this server has signed it? */
static bool peek(struct span token, const struct config *c, struct json **header,
                 struct json **claims)
{
        struct span base, id;
        return jwt_peek_unverified(token, header, claims, NULL) == STATUS_OK &&
               split_issuer(json_get_text(*claims, "iss"), &base, &id) && is_our_origin(c, base);
}

static enum status check(struct auth_loop *l, struct settings *now, struct span token,
                         struct arena *a, struct principal *p, bool *ret_is_clients,
                         struct error *e)
{
        struct json *CLEANUP(json_freep) header = NULL;
        struct json *CLEANUP(json_freep) claims = NULL;
        const struct verified_entry *known = verified_find(l->verified, token, now);
        struct verified_entry v = {.not_before_ms = 0};

        *ret_is_clients = known || peek(token, now->config, &header, &claims);
        if (!*ret_is_clients)
                return STATUS_OK;
        if (known && !is_now(known))
                return refuse_credentials(e);
        if (known)
                return access_key_enter(l, known, a, p, e);
        if (!read_token(header, claims, now->config, &v))
                return refuse_credentials(e);
        TRY(verify(l, token, &v, a, e));
        TRY(access_key_enter(l, &v, a, p, e));
        verified_add(l->verified, token, now, &v);
        return STATUS_OK;
}

enum status client_token_check(struct auth_loop *l, struct span token, struct arena *a,
                               struct principal *p, bool *ret_is_clients, struct error *e)
{
        struct settings *now = domain_settings(l->auth->domain);
        enum status s = check(l, now, token, a, p, ret_is_clients, e);

        settings_unref(now);
        return s;
}
