/* The secret ring in memory: parse, hash, seal, sign. secrets_file.c does the file. */
#include "secrets.h"

#include <chatelaine/codec_text.h>

#include <stdio.h>
#include <stdlib.h>

const char *const secret_kind_names[SECRET_KINDS] = {
        [SECRET_PEPPER] = "pepper",
        [SECRET_SEAL] = "seal",
        [SECRET_CHECKPOINT] = "checkpoint",
        [SECRET_TOKEN] = "token",
};

static void free_one(struct ring *r)
{
        for (int kind = 0; kind < SECRET_KINDS; kind++) {
                for (size_t i = 0; i < r->n[kind]; i++) {
                        hmac_free(r->items[kind][i].hmac);
                        pkey_free(r->items[kind][i].pkey);
                }
        }
        wipe(r, sizeof *r);
        free(r);
}

void ring_free(struct ring *r)
{
        while (r) {
                struct ring *older = r->older;
                free_one(r);
                r = older;
        }
}

void secrets_free(struct secrets *s)
{
        if (!s)
                return;
        ring_free(s->current);
        free(s);
}

/* ---- reading ---- */

/* "pepper.3": the kind, or SECRET_KINDS. */
static enum secret_kind read_name(struct span name, uint32_t *ret_version)
{
        struct span version;
        int64_t n;
        name = span_split(name, '.', &version);
        if (!version.p || span_int64(version, &n, NULL) != STATUS_OK || n < 1 || n > UINT32_MAX ||
            version.p[0] == '0')
                return SECRET_KINDS;
        *ret_version = (uint32_t)n;
        enum secret_kind kind = 0;
        while (kind < SECRET_KINDS && !span_is(name, secret_kind_names[kind]))
                kind++;
        return kind;
}

static bool read_value(struct span text, uint8_t out[SECRET_SIZE])
{
        CLEANUP(buf_fini_secret) struct buf b;
        buf_init(&b, 2 * SECRET_SIZE);
        if (base64_decode(&b, text, NULL) != STATUS_OK || b.len != SECRET_SIZE)
                return false;
        memcpy(out, b.data, SECRET_SIZE);
        return true;
}

/* Room for `version`, so that the newest stays first; NULL when it is there already or there are
 * too many. */
static struct secret *insert(struct ring *s, enum secret_kind kind, uint32_t version)
{
        struct secret *items = s->items[kind];
        size_t at = 0;
        while (at < s->n[kind] && items[at].version > version)
                at++;
        if (s->n[kind] == SECRET_VERSIONS_MAX || (at < s->n[kind] && items[at].version == version))
                return NULL;
        memmove(&items[at + 1], &items[at], (s->n[kind] - at) * sizeof *items);
        s->n[kind]++;
        items[at] = (struct secret){.version = version};
        return &items[at];
}

static enum status prepare(enum secret_kind kind, struct secret *secret, struct error *e)
{
        switch (kind) {
        case SECRET_PEPPER:
                return hmac_new(HMAC_SHA256, span_make(secret->bytes, SECRET_SIZE), &secret->hmac,
                                e);
        case SECRET_CHECKPOINT:
        case SECRET_TOKEN: return pkey_from_seed(secret->bytes, &secret->pkey, e);
        default: return STATUS_OK;
        }
}

/* A sentence when the line is wrong; NULL when it is not, with the status in *ret. */
static const char *read_line(struct ring *s, struct span line, enum status *ret, struct error *e)
{
        uint32_t version;
        size_t name_len = 0;
        while (name_len < line.len && !strchr(" \t=", line.p[name_len]))
                name_len++;
        enum secret_kind kind = read_name(span_make(line.p, name_len), &version);
        if (kind == SECRET_KINDS)
                return "Not a secret's name and version, like pepper.1.";
        struct span value = span_trim(span_make(line.p + name_len, line.len - name_len));
        if (span_starts(value, "="))
                value = span_trim(span_make(value.p + 1, value.len - 1));
        struct secret *secret = insert(s, kind, version);
        if (!secret)
                return "This version is there twice, or there are too many.";
        if (!read_value(value, secret->bytes))
                return "The value is not 32 bytes in base64.";
        *ret = prepare(kind, secret, e);
        return NULL;
}

static enum status parse(struct ring *s, const char *path, struct span text, struct error *e)
{
        char where[sizeof e->where];
        struct span rest = text;
        for (unsigned number = 1; rest.p; number++) {
                struct span line = span_trim(span_split(rest, '\n', &rest));
                if (line.len == 0 || line.p[0] == '#')
                        continue;
                enum status status = STATUS_OK;
                const char *fault = read_line(s, line, &status, e);
                if (fault) {
                        snprintf(where, sizeof where, "%s:%u", path, number);
                        return error_set(e, STATUS_INVALID, "secret-file-invalid", where, "%s",
                                         fault);
                }
                TRY(status);
        }
        for (int kind = 0; kind < SECRET_KINDS; kind++)
                if (s->n[kind] == 0)
                        return error_set(e, STATUS_INVALID, "secret-file-invalid", path,
                                         "There is no %s.N in it.", secret_kind_names[kind]);
        return STATUS_OK;
}

enum status ring_parse(const char *path, struct span text, struct ring **ret, struct error *e)
{
        struct ring *r = calloc(1, sizeof *r);
        if (!r)
                return error_no_memory(e);
        enum status status = parse(r, path, text, e);
        if (status != STATUS_OK) {
                ring_free(r);
                return status;
        }
        *ret = r;
        return STATUS_OK;
}

/* ---- use ---- */

/* 0 = the newest. */
static const struct secret *find_in(const struct ring *s, enum secret_kind kind, uint32_t version)
{
        for (size_t i = 0; i < s->n[kind]; i++)
                if (version == 0 || s->items[kind][i].version == version)
                        return &s->items[kind][i];
        return NULL;
}

static const struct secret *find(const struct secrets *s, enum secret_kind kind, uint32_t version)
{
        return find_in(s->current, kind, version);
}

enum status ring_check_grown(const struct ring *old, const struct ring *now, const char *path,
                             struct error *e)
{
        for (enum secret_kind kind = 0; kind < SECRET_KINDS; kind++) {
                for (size_t i = 0; i < old->n[kind]; i++) {
                        const struct secret *had = &old->items[kind][i];
                        const struct secret *has = find_in(now, kind, had->version);
                        if (!has || !crypto_equal(has->bytes, had->bytes, SECRET_SIZE))
                                return error_set(e, STATUS_CONFLICT, "secret-version-lost", path,
                                                 "%s.%u is in use and is not in the file, or is "
                                                 "another there.",
                                                 secret_kind_names[kind], had->version);
                }
        }
        return STATUS_OK;
}

static enum status unknown(enum secret_kind kind, uint32_t version, struct error *e)
{
        return error_set(e, STATUS_NOT_FOUND, "secret-version-unknown", NULL,
                         "The secret file has no %s.%u.", secret_kind_names[kind], version);
}

size_t secrets_versions(const struct secrets *s, enum secret_kind kind,
                        uint32_t out[SECRET_VERSIONS_MAX])
{
        const struct ring *r = s->current;
        for (size_t i = 0; i < r->n[kind]; i++)
                out[i] = r->items[kind][i].version;
        return r->n[kind];
}

enum status secrets_hash(const struct secrets *s, struct span key, uint32_t version,
                         uint8_t out[32], uint32_t *ret_version, struct error *e)
{
        const struct secret *pepper = find(s, SECRET_PEPPER, version);
        if (!pepper)
                return unknown(SECRET_PEPPER, version, e);
        CLEANUP(hmac_freep) struct hmac *h = NULL;
        uint8_t mac[HMAC_SIZE_MAX];
        TRY(hmac_dup(pepper->hmac, &h, e));
        hmac_update(h, key);
        hmac_final(h, mac);
        memcpy(out, mac, 32);
        if (ret_version)
                *ret_version = pepper->version;
        return STATUS_OK;
}

/* The place that a sealed value belongs to: table, column and row id, with NULs between. */
static void write_place(struct buf *b, const char *table, const char *column, struct span row_id)
{
        buf_append(b, table, strlen(table) + 1);
        buf_append(b, column, strlen(column) + 1);
        buf_span(b, row_id);
}

#define VERSION_SIZE 4

enum status secrets_seal(const struct secrets *s, const char *table, const char *column,
                         struct span row_id, struct span plain, struct buf *out, struct error *e)
{
        const struct secret *seal = find(s, SECRET_SEAL, 0);
        CLEANUP(buf_fini) struct buf place;
        buf_init(&place, 4096);
        write_place(&place, table, column, row_id);
        TRY(buf_check(&place, e));
        uint32_t v = seal->version;
        char version[VERSION_SIZE] = {(char)(v >> 24), (char)(v >> 16), (char)(v >> 8), (char)v};
        size_t before = out->len;
        buf_append(out, version, VERSION_SIZE);
        enum status status = crypto_seal(seal->bytes, buf_view(&place), plain, out, e);
        if (status != STATUS_OK)
                out->len = before;
        return status;
}

enum status secrets_open(const struct secrets *s, const char *table, const char *column,
                         struct span row_id, struct span sealed, struct buf *out, struct error *e)
{
        if (sealed.len < VERSION_SIZE + SEAL_OVERHEAD)
                return error_set(e, STATUS_INVALID, "seal-broken", NULL,
                                 "The sealed value is too short.");
        const unsigned char *p = (const unsigned char *)sealed.p;
        uint32_t version = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
        const struct secret *seal = version ? find(s, SECRET_SEAL, version) : NULL;
        if (!seal)
                return unknown(SECRET_SEAL, version, e);
        CLEANUP(buf_fini) struct buf place;
        buf_init(&place, 4096);
        write_place(&place, table, column, row_id);
        TRY(buf_check(&place, e));
        return crypto_open(seal->bytes, buf_view(&place),
                           span_make(p + VERSION_SIZE, sealed.len - VERSION_SIZE), out, e);
}

const struct pkey *secrets_pkey(const struct secrets *s, enum secret_kind kind, uint32_t version,
                                uint32_t *ret_version)
{
        const struct secret *key = find(s, kind, version);
        if (!key || !key->pkey)
                return NULL;
        if (ret_version)
                *ret_version = key->version;
        return key->pkey;
}

enum status secrets_checkpoint_sign(const struct secrets *s, struct span message,
                                    uint8_t out[ED25519_SIGNATURE_SIZE], uint32_t *ret_version,
                                    struct error *e)
{
        uint32_t version;
        const struct pkey *k = secrets_pkey(s, SECRET_CHECKPOINT, 0, &version);
        if (!k)
                return unknown(SECRET_CHECKPOINT, 0, e);
        TRY(pkey_sign(k, message, out, e));
        if (ret_version)
                *ret_version = version;
        return STATUS_OK;
}
