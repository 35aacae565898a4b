/* crypto: algorithms that were fetched from libcrypto once, for the files of this room that use it.
 */
#ifndef CHATELAINE_CODEC_CRYPTO_PRIVATE_H
#define CHATELAINE_CODEC_CRYPTO_PRIVATE_H

#include <chatelaine/codec_crypto.h>

#include <openssl/evp.h>
#include <openssl/kdf.h>

struct crypto {
        EVP_MD *sha256;
        EVP_MAC *hmac;
        EVP_CIPHER *aes_256_gcm;
        EVP_KDF *scrypt;
};

/* Fetched at the first call; ends the process when libcrypto lacks one. Never freed. */
const struct crypto *crypto_get(void);
/* Ends the process: libcrypto failed where only a fault of the machine or no memory can be the
 * reason. */
_Noreturn void crypto_die(const char *what);

/* scrypt with costs N = 2^ln, r, p. */
enum status scrypt_derive(struct span password, struct span salt, unsigned ln, unsigned r,
                          unsigned p, void *out, size_t len, struct error *e) MUST_CHECK;

#endif
