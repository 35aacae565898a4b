#include "domain/apps.h"
#include "domain/names.h"

#include <chatelaine/codec_json.h>

#include <ctype.h>

#define SLUG_CHARACTERS_MAX 50

static const char *const algorithm_names[] = {
        [APP_HMAC_SHA256] = "HMAC_SHA256",
        [APP_HMAC_SHA512] = "HMAC_SHA512",
        [APP_ED25519] = "ED25519",
};
static const char *const strategy_names[] = {
        [APP_JWT] = "JWT",
        [APP_SIGNATURE] = "SIGNATURE",
        [APP_STANDARD] = "STANDARD",
};
#define COUNT(list) (sizeof(list) / sizeof(list)[0])

const char *app_algorithm_name(enum app_algorithm a)
{
        return algorithm_names[a];
}

const char *app_strategy_name(enum app_strategy s)
{
        return strategy_names[s];
}

static bool find_name(const char *const *names, size_t n, struct span text, size_t *ret)
{
        for (size_t i = 0; i < n; i++) {
                if (span_is(text, names[i])) {
                        *ret = i;
                        return true;
                }
        }
        return false;
}

enum status app_algorithm_read(struct span text, enum app_algorithm *ret, struct error *e)
{
        size_t i;
        if (!find_name(algorithm_names, COUNT(algorithm_names), text, &i))
                return error_set(e, STATUS_INVALID, "unknown-algorithm", NULL,
                                 "An algorithm is HMAC_SHA256, HMAC_SHA512 or ED25519.");
        *ret = (enum app_algorithm)i;
        return STATUS_OK;
}

enum status app_strategy_read(struct span text, enum app_strategy *ret, struct error *e)
{
        size_t i;
        if (!find_name(strategy_names, COUNT(strategy_names), text, &i))
                return error_set(e, STATUS_INVALID, "unknown-strategy", NULL,
                                 "A strategy is JWT, SIGNATURE or STANDARD.");
        *ret = (enum app_strategy)i;
        return STATUS_OK;
}

bool app_slug_is_valid(struct span slug)
{
        if (!slug.p || slug.len < 1 || slug.len > SLUG_CHARACTERS_MAX)
                return false;
        for (size_t i = 0; i < slug.len; i++) {
                char c = slug.p[i];
                if (!isalnum((unsigned char)c) && c != '-' && c != '_')
                        return false;
        }
        return true;
}

/* ---- rows ---- */

#define COLUMNS                                                                                     \
        "id, slug, name, algorithm, strategy, require_agreement, replay_guard, secret, public_key," \
        " old_algorithm, old_secret, old_public_key, old_ends_at, agreement_version, version,"      \
        " created_at, updated_at"
enum {
        ID,
        SLUG,
        NAME,
        ALGORITHM,
        STRATEGY,
        REQUIRE_AGREEMENT,
        REPLAY_GUARD,
        SECRET,
        PUBLIC_KEY,
        OLD_ALGORITHM,
        OLD_SECRET,
        OLD_PUBLIC_KEY,
        OLD_ENDS_AT,
        AGREEMENT_VERSION,
        VERSION,
        CREATED_AT,
        UPDATED_AT,
};

/* A copy in the arena; *is_good turns false where memory ends. */
static struct span keep(struct arena *a, struct span s, bool *is_good)
{
        struct span copy = arena_span(a, s);
        if (s.p && !copy.p)
                *is_good = false;
        return copy;
}

static enum status read_row(struct store_stmt *st, struct arena *a, struct app_row *ret,
                            struct error *e)
{
        bool is_good = true;
        struct app_row r = {
                .id = store_int(st, ID),
                .version = store_int(st, VERSION),
                .created_at = store_int(st, CREATED_AT),
                .updated_at = store_int(st, UPDATED_AT),
                .old_ends_at = store_int(st, OLD_ENDS_AT),
                .agreement_version = store_int(st, AGREEMENT_VERSION),
                .require_agreement = store_int(st, REQUIRE_AGREEMENT) != 0,
                .replay_guard = store_int(st, REPLAY_GUARD) != 0,
                .has_old = !store_is_null(st, OLD_ENDS_AT),
                .slug = keep(a, store_text(st, SLUG), &is_good),
                .name = keep(a, store_text(st, NAME), &is_good),
                .key.sealed = keep(a, store_blob(st, SECRET), &is_good),
                .key.public_pem = keep(a, store_text(st, PUBLIC_KEY), &is_good),
        };
        TRY(app_strategy_read(store_text(st, STRATEGY), &r.strategy, e));
        TRY(app_algorithm_read(store_text(st, ALGORITHM), &r.key.algorithm, e));
        if (r.has_old) {
                r.old.sealed = keep(a, store_blob(st, OLD_SECRET), &is_good);
                r.old.public_pem = keep(a, store_text(st, OLD_PUBLIC_KEY), &is_good);
                TRY(app_algorithm_read(store_text(st, OLD_ALGORITHM), &r.old.algorithm, e));
        }
        if (!is_good)
                return error_no_memory(e);
        *ret = r;
        return STATUS_OK;
}

enum status app_find(struct store_conn *db, struct span slug, struct arena *a, struct app_row *ret,
                     struct error *e)
{
        struct store_stmt *st;
        TRY(store_query(db, "SELECT " COLUMNS " FROM apps WHERE slug = $1 AND deleted_at IS NULL",
                        &st, e, "t", slug));
        if (store_next(st))
                return rows_end(st, read_row(st, a, ret, e), e);
        TRY(store_done(st, e));
        return error_set(e, STATUS_NOT_FOUND, "app-not-found", NULL,
                         "There is no app of this name.");
}

enum status app_write(struct store_conn *db, const struct app_row *app, struct buf *out,
                      struct error *e)
{
        json_obj_open(out);
        json_member_text(out, "slug", app->slug);
        json_member_text(out, "name", app->name);
        json_member_text(out, "algorithm", span_of(app_algorithm_name(app->key.algorithm)));
        json_member_text(out, "strategy", span_of(app_strategy_name(app->strategy)));
        json_member_bool(out, "require_agreement", app->require_agreement);
        json_member_bool(out, "replay_guard", app->replay_guard);
        json_key(out, "scopes");
        TRY(scopes_write(db, app->id, false, out, e));
        json_key(out, "optional_scopes");
        TRY(scopes_write(db, app->id, true, out, e));
        if (app->has_old)
                json_member_time(out, "grace_ends_at", app->old_ends_at);
        json_member_time(out, "created_at", app->created_at);
        json_member_time(out, "updated_at", app->updated_at);
        json_obj_close(out);
        return buf_check(out, e);
}

#define ROW_BYTES_MAX ((size_t)64 << 10)

/* Each row is written before the next is read. */
static enum status write_rows(struct store_conn *db, struct store_stmt *st, unsigned limit,
                              struct buf *out, int64_t *ret_last, bool *ret_is_more,
                              struct error *e)
{
        for (unsigned n = 0; store_next(st); n++) {
                CLEANUP(arena_fini) struct arena a;
                struct app_row row;
                *ret_is_more = n == limit;
                if (*ret_is_more)
                        break;
                arena_init(&a, ROW_BYTES_MAX);
                TRY(read_row(st, &a, &row, e));
                TRY(app_write(db, &row, out, e));
                *ret_last = row.id;
        }
        return STATUS_OK;
}

enum status app_list(struct store_conn *db, const struct page *p, struct buf *out, struct error *e)
{
        struct store_stmt *st;
        int64_t after, last = 0;
        bool is_more = false;
        TRY(cursor_read_int(p->cursor, &after, e));
        TRY(store_query(db,
                        "SELECT " COLUMNS " FROM apps WHERE id > $1 AND deleted_at IS NULL"
                        " ORDER BY id LIMIT $2",
                        &st, e, "ii", after, (int64_t)p->limit + 1));
        page_open(out);
        TRY(rows_end(st, write_rows(db, st, p->limit, out, &last, &is_more, e), e));
        return page_close_int(out, is_more, last, e);
}
