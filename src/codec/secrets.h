/* secrets: the ring, as its file is read into it. */
#ifndef CHATELAINE_CODEC_SECRETS_PRIVATE_H
#define CHATELAINE_CODEC_SECRETS_PRIVATE_H

#include <chatelaine/codec_secrets.h>

#define SECRET_SIZE 32

struct secret {
        uint32_t version;
        uint8_t bytes[SECRET_SIZE];
        struct hmac *hmac; /* peppers: keyed, only ever duplicated */
        struct pkey *pkey; /* checkpoint and token keys */
};

struct secrets {
        struct secret items[SECRET_KINDS][SECRET_VERSIONS_MAX]; /* newest first */
        size_t n[SECRET_KINDS];
};

extern const char *const secret_kind_names[SECRET_KINDS];

/* Reads the lines of `text` into a zeroed ring; where = "path:line". The caller frees `s` also on
 * failure. */
enum status secrets_parse(struct secrets *s, const char *path, struct span text,
                          struct error *e) MUST_CHECK;

#endif
