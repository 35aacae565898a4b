#include <chatelaine/codec_access_key.h>
#include <chatelaine/codec_text.h>

#define DER_SIZE 48
#define DER_TEXT 64

/* RFC 8410 7: PrivateKeyInfo, version 0, id-Ed25519, an OCTET STRING in an OCTET STRING. */
static const uint8_t der_head[DER_SIZE - ED25519_SIZE] = {
        0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
        0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
};

bool access_key_is(struct span text)
{
        struct span rest = text;
        for (int part = 0; part < 3; part++)
                (void)span_split(rest, '.', &rest);
        return span_starts(text, "sc_") && rest.p;
}

static bool is_made_of(struct span s, size_t max, const char *others)
{
        bool is_good = s.len > 0 && s.len <= max;
        for (size_t i = 0; is_good && i < s.len; i++) {
                char c = s.p[i];
                is_good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                          (c >= 'A' && c <= 'Z') || (c && strchr(others, c));
        }
        return is_good;
}

static bool read_seed(struct span text, uint8_t seed[ED25519_SIZE])
{
        CLEANUP(buf_fini_secret) struct buf der;
        buf_init(&der, DER_SIZE);
        if (text.len != DER_TEXT || base64_decode(&der, text, NULL) != STATUS_OK ||
            der.len != DER_SIZE || memcmp(der.data, der_head, sizeof der_head) != 0)
                return false;
        memcpy(seed, der.data + sizeof der_head, ED25519_SIZE);
        return true;
}

bool access_key_read(struct span text, struct access_key_text *ret)
{
        struct access_key_text k;
        struct span rest = text;
        if (text.len > ACCESS_KEY_TEXT_MAX || !access_key_is(text))
                return false;
        k.client_id = span_split(rest, '.', &rest);
        k.kid = span_split(rest, '.', &rest);
        k.account_id = span_split(rest, '.', &rest);
        if (!is_made_of(k.client_id, 64, "_") || !is_made_of(k.kid, 64, "_-") ||
            !is_made_of(k.account_id, 64, "_-") || !read_seed(rest, k.seed))
                return false;
        *ret = k;
        wipe(k.seed, sizeof k.seed);
        return true;
}

void access_key_write(const struct access_key_text *k, struct buf *out)
{
        uint8_t der[DER_SIZE];
        memcpy(der, der_head, sizeof der_head);
        memcpy(der + sizeof der_head, k->seed, ED25519_SIZE);
        buf_span(out, k->client_id);
        buf_char(out, '.');
        buf_span(out, k->kid);
        buf_char(out, '.');
        buf_span(out, k->account_id);
        buf_char(out, '.');
        base64_encode(out, span_make(der, sizeof der));
        wipe(der, sizeof der);
}

void access_kid_make(char out[ACCESS_KID_SIZE])
{
        base36_random(out, ACCESS_KID_SIZE - 1);
        out[ACCESS_KID_SIZE - 1] = '\0';
}

static enum status read_any(struct span text, struct pkey **ret)
{
        CLEANUP(buf_fini) struct buf bytes;
        buf_init(&bytes, 1024);
        if (span_starts(text, "-----BEGIN "))
                return pkey_from_pem(text, ret, NULL);
        TRY(base64_decode_lenient(&bytes, span_trim(text), NULL));
        return bytes.len == ED25519_SIZE ? pkey_from_public((const uint8_t *)bytes.data, ret, NULL)
                                         : pkey_from_der(buf_view(&bytes), ret, NULL);
}

enum status access_public_read(struct span text, uint8_t out[ED25519_SIZE], struct error *e)
{
        struct pkey *CLEANUP(pkey_freep) key = NULL;
        if (read_any(text, &key) == STATUS_OK && pkey_kind(key) == PKEY_ED25519 &&
            !pkey_is_private(key))
                return pkey_public(key, out, e);
        return error_set(e, STATUS_INVALID, "invalid-public-key", "/publicKey",
                         "It is not an Ed25519 public key in base64 or PEM.");
}
