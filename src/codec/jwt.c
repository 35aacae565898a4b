/* JSON Web Tokens in compact form (RFC 7515 section 3.1): verify, look into, sign. */
#include <chatelaine/codec_jwt.h>
#include <chatelaine/codec_text.h>

#define DEPTH_MAX 16
#define SIGNATURE_MAX 1024 /* RSA of 8192 bits */

static const char *const algorithm_names[] = {
        [JWT_HS256] = "HS256", [JWT_HS512] = "HS512", [JWT_EDDSA] = "EdDSA",
        [JWT_ES256] = "ES256", [JWT_RS256] = "RS256",
};

const char *jwt_algorithm_name(enum jwt_algorithm a)
{
        return algorithm_names[a];
}

struct parts {
        struct span signed_part; /* header.payload, as sent */
        struct span header, payload, signature;
};

static enum status invalid_token(struct error *e, const char *text)
{
        return error_set_http(e, STATUS_INVALID, 401, "invalid-token", NULL, "%s", text);
}

static enum status split(struct span token, struct parts *ret, struct error *e)
{
        struct span rest, surplus;
        if (token.len > JWT_SIZE_MAX)
                return invalid_token(e, "The token is too long.");
        struct parts parts = {.header = span_split(token, '.', &rest)};
        parts.payload = span_split(rest, '.', &parts.signature);
        if (!parts.header.len || !parts.payload.len || !parts.signature.p)
                return invalid_token(e, "A token has three parts.");
        parts.signature = span_split(parts.signature, '.', &surplus);
        if (surplus.p)
                return invalid_token(e, "A token has three parts.");
        parts.signed_part = span_make(token.p, parts.header.len + 1 + parts.payload.len);
        *ret = parts;
        return STATUS_OK;
}

/* A part that must be a JSON object. */
static enum status read_object(struct span part, struct json **ret, struct error *e)
{
        CLEANUP(buf_fini_secret) struct buf text;
        struct json *v = NULL;
        buf_init(&text, JWT_SIZE_MAX);
        if (base64url_decode(&text, part, NULL) != STATUS_OK ||
            json_parse(buf_view(&text), DEPTH_MAX, &v, NULL) != STATUS_OK)
                return invalid_token(e, "A part of the token is not base64url of JSON.");
        if (!json_is_object(v)) {
                json_free(v);
                return invalid_token(e, "A part of the token is not a JSON object.");
        }
        *ret = v;
        return STATUS_OK;
}

/* RFC 7515 section 4.1.11: who does not understand an extension that is critical must refuse; none
 * is understood here. */
static enum status read_header(struct span part, struct json **ret, struct error *e)
{
        TRY(read_object(part, ret, e));
        const struct json *kid = json_get(*ret, "kid");
        if (!json_get(*ret, "crit") && !json_get(*ret, "b64") &&
            json_is_string(json_get(*ret, "alg")) && (!kid || json_is_string(kid)))
                return STATUS_OK;
        json_free(*ret);
        *ret = NULL;
        return invalid_token(e, "The token's header has no alg, a kid that is no text, or asks for "
                                "extensions.");
}

static bool fits(const struct jwt_key *key, const struct json *header)
{
        struct span kid = json_get_text(header, "kid");
        return span_is(json_get_text(header, "alg"), algorithm_names[key->algorithm]) &&
               (!key->kid || !kid.p || span_is(kid, key->kid));
}

static enum hmac_algorithm hmac_algorithm(enum jwt_algorithm a)
{
        return a == JWT_HS256 ? HMAC_SHA256 : HMAC_SHA512;
}

static bool verify_mac(const struct jwt_key *key, struct span message, struct span signature)
{
        uint8_t mac[HMAC_SIZE_MAX];
        enum hmac_algorithm a = hmac_algorithm(key->algorithm);
        if (key->hmac) {
                hmac_begin(key->hmac);
                hmac_update(key->hmac, message);
                hmac_final(key->hmac, mac);
        } else if (hmac_of(a, key->secret, message, mac, NULL) != STATUS_OK) {
                return false;
        }
        return crypto_equal_span(signature, span_make(mac, hmac_size(a)));
}

static bool verify_pkey(const struct jwt_key *key, struct span message, struct span signature)
{
        static const enum pkey_kind kinds[] = {
                [JWT_EDDSA] = PKEY_ED25519, [JWT_ES256] = PKEY_P256, [JWT_RS256] = PKEY_RSA};
        return key->pkey && pkey_kind(key->pkey) == kinds[key->algorithm] &&
               pkey_verify(key->pkey, message, signature);
}

static bool verify_with(const struct jwt_key *key, struct span message, struct span signature)
{
        bool is_mac = key->algorithm == JWT_HS256 || key->algorithm == JWT_HS512;
        return is_mac ? verify_mac(key, message, signature) : verify_pkey(key, message, signature);
}

enum status jwt_verify(struct span token, const struct jwt_key *keys, size_t n,
                       struct json **ret_claims, size_t *ret_key, struct error *e)
{
        struct parts parts;
        CLEANUP(json_freep) struct json *header = NULL;
        CLEANUP(buf_fini) struct buf signature;
        buf_init(&signature, SIGNATURE_MAX);
        TRY(split(token, &parts, e));
        TRY(read_header(parts.header, &header, e));
        if (base64url_decode(&signature, parts.signature, NULL) != STATUS_OK)
                return invalid_token(e, "The token's signature is not base64url.");
        size_t i = 0;
        while (i < n && !(fits(&keys[i], header) &&
                          verify_with(&keys[i], parts.signed_part, buf_view(&signature))))
                i++;
        if (i == n)
                return error_set_http(e, STATUS_DENIED, 401, "wrong-signature", NULL,
                                      "No key that may sign this token has signed it.");
        TRY(read_object(parts.payload, ret_claims, e));
        if (ret_key)
                *ret_key = i;
        return STATUS_OK;
}

enum status jwt_peek_unverified(struct span token, struct json **ret_header,
                                struct json **ret_claims, struct error *e)
{
        struct parts parts;
        CLEANUP(json_freep) struct json *header = NULL;
        CLEANUP(json_freep) struct json *claims = NULL;
        TRY(split(token, &parts, e));
        TRY(read_header(parts.header, &header, e));
        TRY(read_object(parts.payload, &claims, e));
        if (ret_header) {
                *ret_header = header;
                header = NULL;
        }
        if (ret_claims) {
                *ret_claims = claims;
                claims = NULL;
        }
        return STATUS_OK;
}

/* ---- claims ---- */

#define YEAR_10000_S 253402300800.0

bool jwt_time_ms(const struct json *claims, const char *name, int64_t *ret_ms)
{
        const struct json *v = json_get(claims, name);
        double seconds = json_number(v);
        if (!json_is_number(v) || !(seconds > -YEAR_10000_S && seconds < YEAR_10000_S))
                return false;
        *ret_ms = json_is_integer(v) ? json_integer(v) * 1000 : (int64_t)(seconds * 1000);
        return true;
}

static enum jwt_time judge_times(const struct json *claims, int64_t now_ms, int64_t leeway_ms)
{
        static const struct {
                const char *name;
                enum jwt_time fault;
        } times[] = {
                {"exp", JWT_TIME_EXPIRED}, {"nbf", JWT_TIME_TOO_EARLY}, {"iat", JWT_TIME_FUTURE}};
        for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
                int64_t at_ms;
                if (!json_get(claims, times[i].name))
                        continue;
                if (!jwt_time_ms(claims, times[i].name, &at_ms))
                        return JWT_TIME_MALFORMED;
                bool is_bad = times[i].fault == JWT_TIME_EXPIRED ? now_ms >= at_ms + leeway_ms
                                                                 : now_ms < at_ms - leeway_ms;
                if (is_bad)
                        return times[i].fault;
        }
        return JWT_TIME_OK;
}

bool jwt_times_ok(const struct json *claims, int64_t now_ms, int64_t leeway_ms,
                  enum jwt_time *ret_which)
{
        enum jwt_time which = judge_times(claims, now_ms, leeway_ms);
        if (ret_which)
                *ret_which = which;
        return which == JWT_TIME_OK;
}

bool jwt_audience_has(const struct json *claims, struct span audience)
{
        const struct json *aud = json_get(claims, "aud");
        if (json_is_string(aud))
                return span_equal(json_span(aud), audience);
        for (size_t i = 0; i < json_size(aud); i++)
                if (json_is_string(json_at(aud, i)) &&
                    span_equal(json_span(json_at(aud, i)), audience))
                        return true;
        return false;
}

/* ---- signing ---- */

static enum status sign(const struct jwt_key *key, struct span message, uint8_t signature[64],
                        size_t *ret_len, struct error *e)
{
        switch (key->algorithm) {
        case JWT_HS256:
        case JWT_HS512:
                *ret_len = hmac_size(hmac_algorithm(key->algorithm));
                return hmac_of(hmac_algorithm(key->algorithm), key->secret, message, signature, e);
        case JWT_EDDSA:
                *ret_len = ED25519_SIGNATURE_SIZE;
                return pkey_sign(key->pkey, message, signature, e);
        default:
                return error_set(e, STATUS_INVALID, "invalid-key", NULL,
                                 "Tokens are not signed with %s here.",
                                 algorithm_names[key->algorithm]);
        }
}

enum status jwt_sign(const struct jwt_key *key, const char *typ, struct span claims,
                     struct buf *out, struct error *e)
{
        CLEANUP(buf_fini) struct buf header;
        CLEANUP(buf_fini) struct buf text;
        uint8_t signature[64];
        size_t len;
        buf_init(&header, 1024);
        buf_init(&text, JWT_SIZE_MAX);
        json_obj_open(&header);
        json_member_text(&header, "alg", span_of(algorithm_names[key->algorithm]));
        json_member_text(&header, "typ", span_of(typ ? typ : "JWT"));
        if (key->kid)
                json_member_text(&header, "kid", span_of(key->kid));
        json_obj_close(&header);
        TRY(buf_check(&header, e));
        base64url_encode(&text, buf_view(&header));
        buf_char(&text, '.');
        base64url_encode(&text, claims);
        TRY(buf_check(&text, e));
        TRY(sign(key, buf_view(&text), signature, &len, e));
        buf_char(&text, '.');
        base64url_encode(&text, span_make(signature, len));
        TRY(buf_check(&text, e));
        buf_span(out, buf_view(&text));
        return buf_check(out, e);
}
