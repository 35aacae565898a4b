#include "domain/apps.h"

#include <chatelaine/codec_text.h>

#define MADE_BYTES \
        64 /* as linked-services makes them, for both hashes; Standard Webhooks allows 24 to 64 */
#define BROUGHT_BYTES_MIN 16
#define BROUGHT_BYTES_MAX 1024
#define TEXT_BYTES_MAX 4096
#define PEM_BYTES_MAX 2048

static const char whsec_prefix[] = "whsec_";
static const char pem_begin[] = "-----BEGIN ";

static enum status bad_key(struct error *e, const char *why)
{
        return error_set(e, STATUS_INVALID, "invalid-key", NULL, "%s", why);
}

static enum status seal(const struct secrets *secrets, struct arena *a, struct span slug,
                        struct span bytes, struct app_key *ret, struct error *e)
{
        CLEANUP(buf_fini) struct buf sealed;
        buf_init(&sealed, BROUGHT_BYTES_MAX + 64);
        TRY(secrets_seal(secrets, "apps", "secret", slug, bytes, &sealed, e));
        TRY(buf_check(&sealed, e));
        ret->sealed = arena_span(a, buf_view(&sealed));
        return ret->sealed.p ? STATUS_OK : error_no_memory(e);
}

static enum status keep_public(struct arena *a, const struct pkey *k, struct app_key *ret,
                               struct error *e)
{
        CLEANUP(buf_fini) struct buf pem;
        buf_init(&pem, PEM_BYTES_MAX);
        if (pkey_kind(k) != PKEY_ED25519)
                return bad_key(e, "A public key must be one of Ed25519.");
        TRY(pkey_write(k, PKEY_PUBLIC_PEM, &pem, e));
        TRY(buf_check(&pem, e));
        ret->public_pem = arena_span(a, buf_view(&pem));
        return ret->public_pem.p ? STATUS_OK : error_no_memory(e);
}

static enum status make_pair(struct arena *a, struct app_key *ret, struct buf *text,
                             struct error *e)
{
        CLEANUP(pkey_freep) struct pkey *k = NULL;
        CLEANUP(buf_fini_secret) struct buf pem;
        buf_init(&pem, PEM_BYTES_MAX);
        TRY(pkey_generate(&k, e));
        TRY(keep_public(a, k, ret, e));
        TRY(pkey_write(k, PKEY_PRIVATE_PEM, &pem, e));
        TRY(buf_check(&pem, e));
        hex_encode(text, buf_view(&pem)); /* linked-services keeps a key as the hex of its PEM */
        return buf_check(text, e);
}

/* Standard Webhooks' form, and linked-services'. */
static enum status write_texts(struct span bytes, struct buf *hex, struct buf *whsec,
                               struct error *e)
{
        if (whsec) {
                buf_text(whsec, whsec_prefix);
                base64_encode(whsec, bytes);
                TRY(buf_check(whsec, e));
        }
        if (hex) {
                hex_encode(hex, bytes);
                TRY(buf_check(hex, e));
        }
        return STATUS_OK;
}

enum status app_key_make(const struct secrets *secrets, struct arena *a, struct span slug,
                         enum app_algorithm algorithm, struct app_key *ret, struct buf *hex,
                         struct buf *whsec, struct error *e)
{
        struct app_key key = {.algorithm = algorithm};
        uint8_t bytes[MADE_BYTES];
        struct span made = span_make(bytes, sizeof bytes);

        if (algorithm == APP_ED25519) {
                TRY(make_pair(a, &key, hex ? hex : whsec, e));
                *ret = key;
                return STATUS_OK;
        }
        random_bytes(bytes, sizeof bytes);
        enum status s = seal(secrets, a, slug, made, &key, e);
        if (s == STATUS_OK)
                s = write_texts(made, hex, whsec, e);
        wipe(bytes, sizeof bytes);
        if (s == STATUS_OK)
                *ret = key;
        return s;
}

static enum status read_pem(struct arena *a, struct span pem, struct app_key *ret, struct error *e)
{
        CLEANUP(pkey_freep) struct pkey *k = NULL;
        TRY(pkey_from_pem(pem, &k, e));
        ret->algorithm = APP_ED25519;
        return keep_public(a, k, ret, e);
}

/* The bytes that a text stands for: base64 behind "whsec_", else hex. */
static enum status decode(struct span brought, struct buf *bytes, struct error *e)
{
        if (span_starts(brought, whsec_prefix)) {
                size_t n = sizeof whsec_prefix - 1;
                return base64_decode_lenient(bytes, span_make(brought.p + n, brought.len - n), e);
        }
        return hex_decode(bytes, brought, e);
}

enum status app_key_read(const struct secrets *secrets, struct arena *a, struct span slug,
                         struct span brought, struct app_key *ret, struct buf *text,
                         struct error *e)
{
        struct app_key key = {.algorithm = APP_ALGORITHM_UNSAID};
        CLEANUP(buf_fini_secret) struct buf bytes;
        buf_init(&bytes, TEXT_BYTES_MAX);

        brought = span_trim(brought);
        if (brought.len > TEXT_BYTES_MAX)
                return bad_key(e, "The key is too long.");
        if (span_starts(brought, pem_begin)) {
                TRY(read_pem(a, brought, &key, e));
                *ret = key;
                return STATUS_OK;
        }
        if (decode(brought, &bytes, NULL) != STATUS_OK)
                return bad_key(e, "A key is hex, \"whsec_\" and base64, or a PEM public key.");
        if (span_starts(buf_view(&bytes), pem_begin)) {
                TRY(read_pem(a, buf_view(&bytes), &key, e));
                *ret = key;
                return STATUS_OK;
        }
        if (bytes.len < BROUGHT_BYTES_MIN || bytes.len > BROUGHT_BYTES_MAX)
                return bad_key(e, "An HMAC key has 16 to 1024 bytes.");
        TRY(seal(secrets, a, slug, buf_view(&bytes), &key, e));
        buf_span(text, brought);
        TRY(buf_check(text, e));
        *ret = key;
        return STATUS_OK;
}

enum status app_algorithm_fits(enum app_algorithm algorithm, enum app_strategy strategy,
                               struct error *e)
{
        if (strategy == APP_STANDARD && algorithm == APP_HMAC_SHA512)
                return error_set(e, STATUS_INVALID, "invalid-algorithm", "/algorithm",
                                 "Standard Webhooks signs with HMAC_SHA256 or ED25519.");
        return STATUS_OK;
}

enum status app_open_secret(const struct secrets *s, struct span slug, const struct app_key *k,
                            struct buf *out, struct error *e)
{
        return secrets_open(s, "apps", "secret", slug, k->sealed, out, e);
}
