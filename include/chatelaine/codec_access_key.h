/*
 * codec_access_key: the form of a service client's access key, as Authress's SDKs read it.
 *
 *     sc_4k7..  .  h2x9qa  .  acc-chatelaine-local  .  MC4CAQAwBQYDK2VwBCIEI...
 *     client id    key id     account id               base64 of PKCS#8 DER (Ed25519)
 *
 * The DER has 48 bytes, always the same 16 in front of the seed, hence exactly 64 characters of
 * base64 without padding: no two texts stand for one key. The text follows the rule by which public
 * secret scanners find such keys:
 * (sc|ext|scauth|authress)_[a-z0-9]{5,30}.[a-z0-9]{4,6}.acc[_-][a-z0-9-]{10,32}.[a-z0-9+/_=-]{30,120}
 */
#ifndef CHATELAINE_CODEC_ACCESS_KEY_H
#define CHATELAINE_CODEC_ACCESS_KEY_H

#include <chatelaine/codec_crypto.h>

#define ACCESS_KEY_TEXT_MAX 256
#define ACCESS_KID_SIZE 7 /* 6 characters and NUL */

struct access_key_text {
        struct span client_id, kid, account_id; /* into the text */
        uint8_t seed[ED25519_SIZE];             /* wipe it after use */
};

/* Might it be one, rather than a token? Four parts, of which the first begins with "sc_". */
bool access_key_is(struct span text);
/* Strictly of the form above; false without having written anything. */
bool access_key_read(struct span text, struct access_key_text *ret);
/* Append it; use buf_fini_secret on `out`. */
void access_key_write(const struct access_key_text *k, struct buf *out);

/* 6 lower-case letters and digits of even chance (31 bits), and NUL: no secret. */
void access_kid_make(char out[ACCESS_KID_SIZE]);

/*
 * A public key that is brought: base64 of a SubjectPublicKeyInfo (44 bytes) or of the bare 32
 * bytes, or PEM. INVALID "invalid-public-key" when it is anything else, a private key too.
 */
enum status access_public_read(struct span text, uint8_t out[ED25519_SIZE],
                               struct error *e) MUST_CHECK;

#endif
