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

/* One reading of the file. Immutable once it is current. */
struct ring {
        struct secret items[SECRET_KINDS][SECRET_VERSIONS_MAX]; /* newest first */
        size_t n[SECRET_KINDS];
        struct ring *older; /* what was current before: its keys may still be in somebody's hands */
};

struct secrets {
        struct ring *_Atomic current;
};

extern const char *const secret_kind_names[SECRET_KINDS];

/* The lines of `text`; where = "path:line". */
enum status ring_parse(const char *path, struct span text, struct ring **ret,
                       struct error *e) MUST_CHECK;
void ring_free(struct ring *r); /* wipes, and its elders with it */
/* CONFLICT "secret-version-lost" unless `now` holds all that `old` holds, with the same values. */
enum status ring_check_grown(const struct ring *old, const struct ring *now, const char *path,
                             struct error *e) MUST_CHECK;

#endif
