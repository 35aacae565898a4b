/* sign: the headers of a request that an app would send, so that curl can post. Needs no daemon. */
#include "app/commands.h"

#include <chatelaine/base_clock.h>
#include <chatelaine/codec_crypto.h>
#include <chatelaine/codec_json_scan.h>
#include <chatelaine/codec_jwt.h>
#include <chatelaine/codec_text.h>

#include <stdio.h>

#define LINK_LIFE_S 600 /* linked-services' JWT_LIFETIME */

struct signer {
        struct buf secret; /* raw HMAC key */
        struct pkey *pkey; /* Ed25519, or NULL */
        enum hmac_algorithm hmac;
};

static void signer_fini(struct signer *s)
{
        buf_fini_secret(&s->secret);
        pkey_free(s->pkey);
}

/* hex, whsec_BASE64, or a PEM private key; that also in hex, as linked-services keeps it. */
static enum status read_key(struct span text, struct signer *s, struct error *e)
{
        if (span_starts(text, "-----BEGIN"))
                return pkey_from_pem(text, &s->pkey, e);
        if (span_starts(text, "whsec_"))
                return base64_decode_lenient(&s->secret, span_make(text.p + 6, text.len - 6), e);
        TRY(hex_decode(&s->secret, text, e));
        if (!span_starts(buf_view(&s->secret), "-----BEGIN"))
                return STATUS_OK;
        return pkey_from_pem(buf_view(&s->secret), &s->pkey, e);
}

static const struct algorithm {
        const char *name;
        bool is_ed25519;
        enum hmac_algorithm hmac;
} algorithms[] = {
        {"HMAC_SHA512", false, HMAC_SHA512}, /* the default */
        {"HMAC_SHA256", false, HMAC_SHA256},
        {"ED25519", true, 0},
};

static const struct algorithm *find_algorithm(const char *name, struct error *e)
{
        for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++)
                if (strcmp(algorithms[i].name, name) == 0)
                        return &algorithms[i];
        error_set(e, STATUS_INVALID, "unknown-algorithm", "--algorithm", "%s is none of ours",
                  name);
        return NULL;
}

static enum status signer_read(struct signer *s, const struct cli *c, struct error *e)
{
        const char *given = cli_value(c, "algorithm"), *path = cli_value(c, "key-file");
        const struct algorithm *a = find_algorithm(given ? given : algorithms[0].name, e);
        struct buf text;
        enum status status;

        if (!a)
                return STATUS_INVALID;
        s->hmac = a->hmac;
        status = cli_read_file(path, 16384, true, &text, e);
        if (status == STATUS_OK)
                status = read_key(span_trim(buf_view(&text)), s, e);
        buf_fini_secret(&text);
        TRY(status);
        if (!s->pkey && !s->secret.len)
                return error_set(e, STATUS_INVALID, "invalid-key", path, "the file holds no key");
        if (given && a->is_ed25519 != (s->pkey != NULL))
                return error_set(e, STATUS_INVALID, "invalid-key", path,
                                 "the key is %s, and none for %s",
                                 s->pkey ? "an Ed25519 key" : "secret bytes", a->name);
        return STATUS_OK;
}

/* `Name: value` lines, with --json as one object. */
static enum status print(const struct cli *c, struct span lines, struct error *e)
{
        CLEANUP(buf_fini) struct buf json;
        buf_init(&json, 65536);
        json_obj_open(&json);
        for (struct span rest = lines, value; rest.len;) {
                struct span name = span_split(span_split(rest, '\n', &rest), ':', &value);
                json_key_span(&json, name);
                json_text(&json, span_trim(value));
        }
        json_obj_close(&json);
        TRY(buf_check(&json, e));
        if (c->is_json)
                printf("%.*s\n", (int)json.len, json.data);
        else
                printf("%.*s", (int)lines.len, lines.p);
        return STATUS_OK;
}

/* Run `write` with the key read, and print what it made. */
static enum cli_exit sign(struct cli *c, enum status (*write)(struct cli *c, const struct signer *s,
                                                              struct buf *out, struct error *e))
{
        struct signer s = {0};
        struct buf out;
        struct error e;
        enum status status;

        if (!cli_needs(c, "app") || !cli_needs(c, "key-file"))
                return CLI_USAGE;
        buf_init(&s.secret, 16384);
        buf_init(&out, 65536);
        status = signer_read(&s, c, &e);
        if (status == STATUS_OK)
                status = write(c, &s, &out, &e);
        if (status == STATUS_OK)
                status = buf_check(&out, &e);
        if (status == STATUS_OK)
                status = print(c, buf_view(&out), &e);
        signer_fini(&s);
        buf_fini(&out);
        return status == STATUS_OK ? CLI_FINE : cli_fail(c, &e);
}

/* ---- Link: a JWT (facts: linked-services, section 2) ---- */

/* The receiver's name: --audience, or app_name of a configuration that is there. */
static const char *audience(struct cli *c)
{
        if (cli_has(c, "audience"))
                return cli_value(c, "audience");
        if (c->config || config_load(c->config_path, &c->config, NULL) == STATUS_OK)
                return c->config->app_name;
        return "chatelaine";
}

static enum status write_link(struct cli *c, const struct signer *s, struct buf *out,
                              struct error *e)
{
        struct jwt_key key = {.algorithm = s->pkey                  ? JWT_EDDSA
                                           : s->hmac == HMAC_SHA256 ? JWT_HS256
                                                                    : JWT_HS512,
                              .secret = buf_view(&s->secret),
                              .pkey = s->pkey};
        const char *sub = cli_has(c, "sub") ? cli_value(c, "sub") : "";
        int64_t now_s = clock_now_ms() / 1000;
        struct buf claims;
        enum status status;

        buf_init(&claims, 4096);
        json_obj_open(&claims);
        json_member_text(&claims, "sub", span_of(sub));
        json_member_text(&claims, "iss", SPAN("chatelaine-sign"));
        json_member_text(&claims, "app", span_of(cli_value(c, "app")));
        json_member_text(&claims, "aud", span_of(audience(c)));
        json_member_int(&claims, "exp", now_s + LINK_LIFE_S);
        json_member_int(&claims, "iat", now_s - 1);
        json_member_text(&claims, "typ", SPAN("JWT"));
        json_obj_close(&claims);
        status = buf_check(&claims, e);
        buf_printf(out, "Authorization: Link App=%s,Token=", cli_value(c, "app"));
        if (status == STATUS_OK)
                status = jwt_sign(&key, NULL, buf_view(&claims), out, e);
        buf_char(out, '\n');
        buf_fini(&claims);
        return status;
}

enum cli_exit cmd_sign_link(struct cli *c)
{
        int64_t number;

        if (cli_has(c, "sub") &&
            span_int64(span_of(cli_value(c, "sub")), &number, NULL) != STATUS_OK)
                return cli_misuse(c, "--sub takes a user's number");
        return sign(c, write_link);
}

/* ---- the request's body ---- */

static enum status read_body(struct cli *c, struct buf *body, struct error *e)
{
        if (cli_has(c, "body"))
                return cli_read_file(cli_value(c, "body"), (size_t)64 << 20, false, body, e);
        buf_init(body, 16);
        return STATUS_OK;
}

/* ---- Signature (section 1) ---- */

static void quote_plus_sink(void *ctx, const void *p, size_t len)
{
        percent_encode(ctx, span_make(p, len), PERCENT_QUOTE_PLUS);
}

static enum status write_signature(struct cli *c, const struct signer *s, struct buf *out,
                                   struct error *e)
{
        char date[CLOCK_RFC3339_SIZE];
        uint8_t mac[HMAC_SIZE_MAX];
        struct buf body, text;
        enum status status;

        if (s->pkey)
                return error_set(e, STATUS_INVALID, "algorithm-not-implemented", "--key-file",
                                 "a Signature is an HMAC: bring an HMAC key");
        status = read_body(c, &body, e);
        if (status != STATUS_OK) {
                buf_fini(&body);
                return status;
        }
        buf_init(&text, (size_t)512 << 20);
        clock_rfc3339(clock_now_ms(), date);
        buf_text(&text, "timestamp=");
        percent_encode(&text, span_of(date), PERCENT_QUOTE_PLUS);
        buf_text(&text, "&app=");
        percent_encode(&text, span_of(cli_value(c, "app")), PERCENT_QUOTE_PLUS);
        buf_printf(&text, "&method=%s&params=%%7B%%7D&body=",
                   cli_has(c, "method") ? cli_value(c, "method") : "POST");
        if (body.len)
                status = json_python_repr(buf_view(&body), JSON_SCAN_DEPTH_MAX, quote_plus_sink,
                                          &text, e);
        else
                buf_text(&text, "%7B%7D");
        buf_text(&text, "&headers=%7B%7D");
        if (status == STATUS_OK)
                status = buf_check(&text, e);
        if (status == STATUS_OK)
                status = hmac_of(s->hmac, buf_view(&s->secret), buf_view(&text), mac, e);
        if (status == STATUS_OK) {
                buf_printf(out, "Authorization: Signature App=%s,Nonce=", cli_value(c, "app"));
                hex_encode(out, span_make(mac, hmac_size(s->hmac)));
                buf_printf(out, ",SignedHeaders=,Date=%s\n", date);
        }
        buf_fini(&body);
        buf_fini(&text);
        return status;
}

enum cli_exit cmd_sign_signature(struct cli *c)
{
        return sign(c, write_signature);
}

/* ---- Standard Webhooks: of "id.timestamp.body", v1 HMAC-SHA-256, v1a Ed25519 ---- */

static enum status standard_signature(const struct signer *s, struct span text, struct buf *out,
                                      struct error *e)
{
        uint8_t mac[HMAC_SIZE_MAX], signature[ED25519_SIGNATURE_SIZE];

        if (s->pkey)
                TRY(pkey_sign(s->pkey, text, signature, e));
        else
                TRY(hmac_of(HMAC_SHA256, buf_view(&s->secret), text, mac, e));
        buf_text(out, s->pkey ? "v1a," : "v1,");
        base64_encode(out, s->pkey ? span_make(signature, sizeof signature) : span_make(mac, 32));
        return STATUS_OK;
}

static enum status write_standard(struct cli *c, const struct signer *s, struct buf *out,
                                  struct error *e)
{
        char id[ID_UUID_SIZE];
        long long now_s = clock_now_ms() / 1000;
        struct buf body, text;
        enum status status;

        if (cli_has(c, "algorithm") && !s->pkey && s->hmac != HMAC_SHA256)
                return error_set(e, STATUS_INVALID, "invalid-algorithm", "--algorithm",
                                 "Standard Webhooks signs with HMAC_SHA256 or ED25519");
        id_uuidv7(id);
        status = read_body(c, &body, e);
        buf_init(&text, (size_t)128 << 20);
        if (status == STATUS_OK) {
                buf_printf(&text, "msg_%s.%lld.", id, now_s);
                buf_span(&text, buf_view(&body));
                status = buf_check(&text, e);
        }
        buf_printf(out, "webhook-id: msg_%s\nwebhook-timestamp: %lld\nwebhook-signature: ", id,
                   now_s);
        if (status == STATUS_OK)
                status = standard_signature(s, buf_view(&text), out, e);
        buf_char(out, '\n');
        buf_fini(&body);
        buf_fini(&text);
        return status;
}

enum cli_exit cmd_sign_standard(struct cli *c)
{
        return sign(c, write_standard);
}
