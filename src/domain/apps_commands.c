/* What changes an app: made, changed, rotated, deleted; and the end of a rotation's grace. */
#include "domain/apps.h"
#include "domain/names.h"

#define ARENA_BYTES_MAX ((size_t)256 << 10)
#define SECRET_TEXT_MAX 8192
#define NAME_CHARACTERS_MAX 100
#define GRACE_MS_MAX INT64_C(604800000) /* 7 days */

/* app_name is who receives: no sender has that name. */
static enum status check_slug(struct domain *d, struct span slug, struct error *e)
{
        if (!app_slug_is_valid(slug))
                return error_set(e, STATUS_INVALID, "invalid-slug", "/slug",
                                 "A slug has 1 to 50 of the characters A-Z a-z 0-9 - _.");
        struct settings *settings = domain_settings(d);
        bool is_own = span_is(slug, settings->config->app_name);
        settings_unref(settings);
        if (is_own)
                return error_set(e, STATUS_INVALID, "invalid-slug", "/slug",
                                 "That is this server's own name (app_name).");
        return STATUS_OK;
}

/* ---- create ---- */

struct create {
        struct app_create c;
        struct app_key key;
        bool is_prepared;
};

static enum status create_key(struct create *c, struct error *e)
{
        struct app_create *in = &c->c;
        const struct secrets *secrets = domain_secrets(in->base.domain);
        bool is_standard = in->strategy == APP_STANDARD;
        enum app_algorithm algorithm = in->algorithm;

        buf_reset(&in->secret_text);
        if (in->key_text.p)
                TRY(app_key_read(secrets, &in->base.arena, in->slug, in->key_text, &c->key,
                                 &in->secret_text, e));
        bool is_public = in->key_text.p && c->key.algorithm == APP_ED25519;
        if (algorithm == APP_ALGORITHM_UNSAID)
                algorithm = is_public     ? APP_ED25519
                            : is_standard ? APP_HMAC_SHA256
                                          : APP_HMAC_SHA512;
        TRY(app_algorithm_fits(algorithm, in->strategy, e));
        if (!in->key_text.p)
                TRY(app_key_make(secrets, &in->base.arena, in->slug, algorithm, &c->key,
                                 is_standard ? NULL : &in->secret_text,
                                 is_standard ? &in->secret_text : NULL, e));
        else if (is_public != (algorithm == APP_ED25519))
                return error_set(
                        e, STATUS_INVALID, "invalid-key", NULL,
                        "ED25519 goes with a PEM public key, the others with secret bytes.");
        c->key.algorithm = in->algorithm = algorithm;
        return STATUS_OK;
}

static enum status create_prepare(struct domain_command *base, struct error *e)
{
        struct create *c = (struct create *)base;
        if (c->is_prepared)
                return STATUS_OK;
        TRY(check_slug(base->domain, c->c.slug, e));
        domain_target(base, "app", c->c.slug);
        if (!c->c.name.p)
                c->c.name = c->c.slug;
        TRY(name_check(c->c.name, "/name", e));
        TRY(scopes_check(c->c.scopes, c->c.n_scopes, c->c.optional_scopes, c->c.n_optional_scopes,
                         e));
        TRY(create_key(c, e));
        c->is_prepared = true;
        return STATUS_OK;
}

static enum status create_run(struct ledger_tx *tx, struct domain_command *base, struct error *e)
{
        struct create *c = (struct create *)base;
        int64_t id;
        enum status s = store_int_of(
                tx->db,
                "INSERT INTO apps (slug, name, algorithm, strategy, require_agreement, replay_guard,"
                " secret, public_key, agreement_version, version, created_at, updated_at)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, 1, $9, $9)"
                " ON CONFLICT (slug) WHERE deleted_at IS NULL DO NOTHING RETURNING id",
                &id, e, "ttssiibti", c->c.slug, c->c.name, app_algorithm_name(c->key.algorithm),
                app_strategy_name(c->c.strategy), (int64_t)c->c.require_agreement,
                (int64_t)c->c.replay_guard, c->key.sealed, c->key.public_pem, tx->now_ms);
        if (s == STATUS_NOT_FOUND)
                return error_set(e, STATUS_CONFLICT, "app-exists", "/slug",
                                 "There is an app of this name.");
        TRY(s);
        TRY(scopes_replace_in(tx, id, false, c->c.scopes, c->c.n_scopes, e));
        return scopes_replace_in(tx, id, true, c->c.optional_scopes, c->c.n_optional_scopes, e);
}

static void create_fini(struct domain_command *base)
{
        buf_fini_secret(&((struct create *)base)->c.secret_text);
}

enum status app_create_new(struct domain *d, struct settings *s, struct app_create **ret,
                           struct error *e)
{
        struct create *c;
        TRY(domain_command_new(d, s, sizeof *c, ARENA_BYTES_MAX, &c, e));
        c->c.base.audit.action = "app.create";
        c->c.base.prepare = create_prepare;
        c->c.base.run = create_run;
        c->c.base.fini = create_fini;
        c->c.algorithm = APP_ALGORITHM_UNSAID;
        c->c.strategy = APP_JWT;
        c->c.require_agreement = c->c.replay_guard = true;
        buf_init(&c->c.secret_text, SECRET_TEXT_MAX);
        *ret = &c->c;
        return STATUS_OK;
}

/* ---- change ---- */

static enum status change_prepare(struct domain_command *base, struct error *e)
{
        struct app_change *c = (struct app_change *)base;
        domain_target(base, "app", c->slug);
        if (c->name.p)
                TRY(name_check(c->name, "/name", e));
        return scopes_check(c->scopes, c->has_scopes ? c->n_scopes : 0, c->optional_scopes,
                            c->has_optional_scopes ? c->n_optional_scopes : 0, e);
}

/* The app's scopes as one text, to see whether a change changes any. */
static enum status scopes_text(struct ledger_tx *tx, int64_t app_id, struct buf *out,
                               struct error *e)
{
        buf_reset(out);
        TRY(scopes_write(tx->db, app_id, false, out, e));
        return scopes_write(tx->db, app_id, true, out, e);
}

/* As upstream: the agreement has a new version when someone has agreed to the current one. */
static enum status change_scopes(struct ledger_tx *tx, const struct app_change *c,
                                 struct app_row *row, struct error *e)
{
        CLEANUP(buf_fini) struct buf before;
        CLEANUP(buf_fini) struct buf after;
        buf_init(&before, ARENA_BYTES_MAX);
        buf_init(&after, ARENA_BYTES_MAX);
        int64_t agreed;

        TRY(scopes_text(tx, row->id, &before, e));
        if (c->has_scopes)
                TRY(scopes_replace_in(tx, row->id, false, c->scopes, c->n_scopes, e));
        if (c->has_optional_scopes)
                TRY(scopes_replace_in(tx, row->id, true, c->optional_scopes, c->n_optional_scopes,
                                      e));
        TRY(scopes_text(tx, row->id, &after, e));
        if (span_equal(buf_view(&before), buf_view(&after)))
                return STATUS_OK;
        TRY(store_int_of(tx->db,
                         "SELECT count(*) FROM agreements WHERE app_id = $1"
                         " AND agreement_version = $2",
                         &agreed, e, "ii", row->id, row->agreement_version));
        row->agreement_version += agreed > 0;
        return STATUS_OK;
}

static enum status change_run(struct ledger_tx *tx, struct domain_command *base, struct error *e)
{
        struct app_change *c = (struct app_change *)base;
        struct app_row row;
        TRY(app_find(tx->db, c->slug, &base->arena, &row, e));
        if (c->name.p)
                row.name = c->name;
        if (c->require_agreement >= 0)
                row.require_agreement = c->require_agreement > 0;
        if (c->replay_guard >= 0)
                row.replay_guard = c->replay_guard > 0;
        if (c->has_strategy)
                row.strategy = c->strategy;
        TRY(app_algorithm_fits(row.key.algorithm, row.strategy, e));
        if (c->has_scopes || c->has_optional_scopes)
                TRY(change_scopes(tx, c, &row, e));
        return store_exec(tx->db,
                          "UPDATE apps SET name = $2, strategy = $3, require_agreement = $4,"
                          " replay_guard = $5, agreement_version = $6, version = version + 1,"
                          " updated_at = $7 WHERE id = $1",
                          NULL, e, "itsiiii", row.id, row.name, app_strategy_name(row.strategy),
                          (int64_t)row.require_agreement, (int64_t)row.replay_guard,
                          row.agreement_version, tx->now_ms);
}

enum status app_change_new(struct domain *d, struct settings *s, struct app_change **ret,
                           struct error *e)
{
        struct app_change *c;
        TRY(domain_command_new(d, s, sizeof *c, ARENA_BYTES_MAX, &c, e));
        c->base.audit.action = "app.change";
        c->base.prepare = change_prepare;
        c->base.run = change_run;
        c->require_agreement = c->replay_guard = -1;
        *ret = c;
        return STATUS_OK;
}

/* ---- rotate ---- */

/*
 * Which key is made depends on a row that only the transaction reads, and making one has no place
 * there: so each that it could be is made before.
 */
struct rotate {
        struct app_rotate c;
        struct app_key hmac, pair;                  /* sealed; public_pem */
        struct buf hmac_hex, hmac_whsec, pair_text; /* what the sender keeps */
        bool has_hmac, has_pair, is_prepared;
};

static enum status make_candidates(struct rotate *c, struct error *e)
{
        struct app_rotate *in = &c->c;
        const struct secrets *secrets = domain_secrets(in->base.domain);
        struct arena *a = &in->base.arena;

        if (in->key_text.p) {
                struct app_key key;
                TRY(app_key_read(secrets, a, in->slug, in->key_text, &key, &c->hmac_hex, e));
                c->has_pair = key.algorithm == APP_ED25519;
                c->has_hmac = !c->has_pair;
                *(c->has_pair ? &c->pair : &c->hmac) = key;
                buf_span(&c->hmac_whsec, buf_view(&c->hmac_hex));
                return buf_check(&c->hmac_whsec, e);
        }
        c->has_pair = !in->has_algorithm || in->algorithm == APP_ED25519;
        c->has_hmac = !in->has_algorithm || in->algorithm != APP_ED25519;
        if (c->has_pair)
                TRY(app_key_make(secrets, a, in->slug, APP_ED25519, &c->pair, &c->pair_text, NULL,
                                 e));
        if (c->has_hmac)
                TRY(app_key_make(secrets, a, in->slug, APP_HMAC_SHA512, &c->hmac, &c->hmac_hex,
                                 &c->hmac_whsec, e));
        return STATUS_OK;
}

static enum status rotate_prepare(struct domain_command *base, struct error *e)
{
        struct rotate *c = (struct rotate *)base;
        if (c->is_prepared)
                return STATUS_OK;
        domain_target(base, "app", c->c.slug);
        if (c->c.grace_ms < 0)
                c->c.grace_ms = base->settings ? base->settings->config->keys.grace_ms : 0;
        if (c->c.grace_ms > GRACE_MS_MAX)
                return error_set(e, STATUS_INVALID, "invalid-grace", "/grace",
                                 "An app's grace is at most 7 days.");
        TRY(make_candidates(c, e));
        c->is_prepared = true;
        return STATUS_OK;
}

/* The candidate that the app can have, and its text. */
static enum status choose(struct rotate *c, const struct app_row *row, struct app_key *ret,
                          struct error *e)
{
        enum app_algorithm algorithm = c->c.has_algorithm ? c->c.algorithm : row->key.algorithm;
        bool is_pair = algorithm == APP_ED25519;
        TRY(app_algorithm_fits(algorithm, row->strategy, e));
        if (!(is_pair ? c->has_pair : c->has_hmac))
                return error_set(
                        e, STATUS_INVALID, "invalid-key", NULL,
                        "ED25519 goes with a PEM public key, the others with secret bytes.");
        *ret = is_pair ? c->pair : c->hmac;
        ret->algorithm = algorithm;
        buf_span(&c->c.secret_text, buf_view(is_pair                         ? &c->pair_text
                                             : row->strategy == APP_STANDARD ? &c->hmac_whsec
                                                                             : &c->hmac_hex));
        return buf_check(&c->c.secret_text, e);
}

/* The key that is replaced lives on as the old one; one that was already old is gone. */
static const char keep_old[] =
        "UPDATE apps SET old_algorithm = algorithm, old_secret = secret, old_public_key = public_key,"
        " old_ends_at = $2, algorithm = $3, secret = $4, public_key = $5, version = version + 1,"
        " updated_at = $6 WHERE id = $1";
static const char drop_old[] =
        "UPDATE apps SET old_algorithm = NULL, old_secret = NULL, old_public_key = NULL,"
        " old_ends_at = NULL, algorithm = $2, secret = $3, public_key = $4, version = version + 1,"
        " updated_at = $5 WHERE id = $1";

static enum status rotate_run(struct ledger_tx *tx, struct domain_command *base, struct error *e)
{
        struct rotate *c = (struct rotate *)base;
        struct app_row row;
        struct app_key key;
        TRY(app_find(tx->db, c->c.slug, &base->arena, &row, e));
        TRY(choose(c, &row, &key, e));
        const char *algorithm = app_algorithm_name(key.algorithm);
        if (c->c.grace_ms == 0)
                return store_exec(tx->db, drop_old, NULL, e, "isbti", row.id, algorithm, key.sealed,
                                  key.public_pem, tx->now_ms);
        c->c.old_ends_at = base->due_ms = tx->now_ms + c->c.grace_ms;
        return store_exec(tx->db, keep_old, NULL, e, "iisbti", row.id, c->c.old_ends_at, algorithm,
                          key.sealed, key.public_pem, tx->now_ms);
}

static void rotate_fini(struct domain_command *base)
{
        struct rotate *c = (struct rotate *)base;
        buf_fini_secret(&c->c.secret_text);
        buf_fini_secret(&c->hmac_hex);
        buf_fini_secret(&c->hmac_whsec);
        buf_fini_secret(&c->pair_text);
}

enum status app_rotate_new(struct domain *d, struct settings *s, struct app_rotate **ret,
                           struct error *e)
{
        struct rotate *c;
        TRY(domain_command_new(d, s, sizeof *c, ARENA_BYTES_MAX, &c, e));
        c->c.base.audit.action = "app.rotate";
        c->c.base.prepare = rotate_prepare;
        c->c.base.run = rotate_run;
        c->c.base.fini = rotate_fini;
        c->c.grace_ms = -1;
        buf_init(&c->c.secret_text, SECRET_TEXT_MAX);
        buf_init(&c->hmac_hex, SECRET_TEXT_MAX);
        buf_init(&c->hmac_whsec, SECRET_TEXT_MAX);
        buf_init(&c->pair_text, SECRET_TEXT_MAX);
        *ret = &c->c;
        return STATUS_OK;
}

/* ---- delete ---- */

static enum status delete_prepare(struct domain_command *base, struct error *e)
{
        (void)e;
        domain_target(base, "app", ((struct app_delete *)base)->slug);
        return STATUS_OK;
}

/* The row stays, without its keys: webhook rows are shown under its slug. */
static enum status delete_run(struct ledger_tx *tx, struct domain_command *base, struct error *e)
{
        struct app_delete *c = (struct app_delete *)base;
        struct app_row row;
        TRY(app_find(tx->db, c->slug, &base->arena, &row, e));
        TRY(store_exec(tx->db,
                       "UPDATE apps SET secret = NULL, public_key = NULL, old_algorithm = NULL,"
                       " old_secret = NULL, old_public_key = NULL, old_ends_at = NULL,"
                       " version = version + 1, updated_at = $2, deleted_at = $2 WHERE id = $1",
                       NULL, e, "ii", row.id, tx->now_ms));
        TRY(store_exec(tx->db, "DELETE FROM agreement_scopes WHERE app_id = $1", NULL, e, "i",
                       row.id));
        TRY(store_exec(tx->db, "DELETE FROM agreements WHERE app_id = $1", NULL, e, "i", row.id));
        return store_exec(tx->db, "DELETE FROM app_scopes WHERE app_id = $1", NULL, e, "i", row.id);
}

enum status app_delete_new(struct domain *d, struct settings *s, struct app_delete **ret,
                           struct error *e)
{
        struct app_delete *c;
        TRY(domain_command_new(d, s, sizeof *c, ARENA_BYTES_MAX, &c, e));
        c->base.audit.action = "app.delete";
        c->base.base.is_revocation = true;
        c->base.prepare = delete_prepare;
        c->base.run = delete_run;
        *ret = c;
        return STATUS_OK;
}

/* ---- the end of a grace ---- */

enum status apps_next_due(struct store_conn *db, int64_t *ret_ms, struct error *e)
{
        enum status s = store_int_of(db,
                                     "SELECT old_ends_at FROM apps WHERE old_ends_at IS NOT NULL"
                                     " ORDER BY old_ends_at LIMIT 1",
                                     ret_ms, e, "");
        if (s != STATUS_NOT_FOUND)
                return s;
        *ret_ms = INT64_MAX;
        return STATUS_OK;
}

/* The version stays: the key that is in use is the same, and the old one counts by the clock. */
enum status apps_end_grace_in(struct ledger_tx *tx, int64_t *ret_n, struct error *e)
{
        return store_exec(tx->db,
                          "UPDATE apps SET old_algorithm = NULL, old_secret = NULL,"
                          " old_public_key = NULL, old_ends_at = NULL, updated_at = $1"
                          " WHERE old_ends_at IS NOT NULL AND old_ends_at <= $1",
                          ret_n, e, "i", tx->now_ms);
}
