/*
 * A service client's access key as it is, private half and all: Authress's SDKs for Go, Rust and
 * Kotlin send it so. The public half is derived and compared with the stored one; nothing of the
 * text is kept or told.
 */
#include "auth/client_rows.h"
#include "auth/state.h"
#include "auth/verified.h"

#include <chatelaine/codec_crypto.h>

#include <stdio.h>

/* By the rows that were kept: the key with that public half, if it lives at this moment. */
static enum status enter_kept(const struct client_rows_entry *kept, const struct verified_entry *v,
                              struct arena *a, struct principal *p, struct error *e)
{
        if (kept->dies_at <= clock_now_ms() ||
            !crypto_equal(kept->public_key, v->public_key, ED25519_SIZE))
                return refuse_credentials(e);
        return client_principal_copy(&kept->principal, a, p) ? STATUS_OK : error_no_memory(e);
}

/* The live key with that public half, as who calls. */
enum status access_key_enter(struct auth_loop *l, const struct verified_entry *v, struct arena *a,
                             struct principal *p, struct error *e)
{
        uint64_t generation = auth_generation(l);
        const struct client_rows_entry *kept =
                client_rows_recall(l->client_rows, v->client_id, v->kid, generation);
        struct access_key key;
        if (kept)
                return enter_kept(kept, v, a, p, e);
        enum status s = access_key_find(l->db, span_of(v->client_id), span_of(v->kid),
                                        clock_now_ms(), a, &key, e);

        if (s == STATUS_NOT_FOUND ||
            (s == STATUS_OK && !crypto_equal(key.public_key, v->public_key, ED25519_SIZE)))
                return refuse_credentials(e);
        TRY(s);
        TRY(access_key_principal(l->db, &key, a, p, e));
        client_rows_keep(l->client_rows, generation, &key, p);
        return STATUS_OK;
}

static bool copy_ids(const struct access_key_text *t, struct verified_entry *v)
{
        if (!client_id_is(t->client_id) || t->kid.len != ACCESS_KID_SIZE - 1)
                return false;
        snprintf(v->client_id, sizeof v->client_id, "%.*s", (int)t->client_id.len, t->client_id.p);
        snprintf(v->kid, sizeof v->kid, "%.*s", (int)t->kid.len, t->kid.p);
        return true;
}

static enum status derive(struct span text, const struct settings *s, struct verified_entry *ret,
                          struct error *e)
{
        struct pkey *CLEANUP(pkey_freep) pair = NULL;
        struct access_key_text t;
        struct verified_entry v = {.ends_at = INT64_MAX};

        if (!access_key_read(text, &t))
                return refuse_credentials(e);
        bool is_ours = span_is(t.account_id, s->config->account_id) && copy_ids(&t, &v);
        enum status status = is_ours ? pkey_from_seed(t.seed, &pair, e) : refuse_credentials(e);
        wipe(t.seed, sizeof t.seed);
        TRY(status);
        TRY(pkey_public(pair, v.public_key, e));
        *ret = v;
        return STATUS_OK;
}

static enum status check(struct auth_loop *l, struct settings *now, struct span text,
                         struct arena *a, struct principal *p, struct error *e)
{
        const struct verified_entry *known = verified_find(l->verified, text, now);
        struct verified_entry v;

        if (known)
                return access_key_enter(l, known, a, p, e);
        TRY(derive(text, now, &v, e));
        TRY(access_key_enter(l, &v, a, p, e));
        verified_add(l->verified, text, now, &v);
        return STATUS_OK;
}

enum status access_key_check(struct auth_loop *l, struct span text, struct arena *a,
                             struct principal *p, struct error *e)
{
        struct settings *now = domain_settings(l->auth->domain);
        enum status s = check(l, now, text, a, p, e);

        settings_unref(now);
        return s;
}
