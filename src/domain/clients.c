/* Service clients as rows: found, judged, written. */
#include "domain/names.h"
#include "domain/rights.h"
#include "domain/users.h"

#include <chatelaine/codec_json.h>
#include <chatelaine/domain_clients.h>
#include <stdio.h>

#define CLIENT_COLUMNS "id, name, created_by, created_at, updated_at"

bool client_id_is(struct span text)
{
        if (text.len != CLIENT_ID_SIZE - 1 || !span_starts(text, CLIENT_PREFIX))
                return false;
        for (size_t i = sizeof CLIENT_PREFIX - 1; i < text.len; i++)
                if (!(text.p[i] >= 'a' && text.p[i] <= 'z') &&
                    !(text.p[i] >= '0' && text.p[i] <= '9'))
                        return false;
        return true;
}

static enum status not_found(struct error *e)
{
        return error_set(e, STATUS_NOT_FOUND, "client-not-found", NULL, "There is no such client.");
}

static bool read_row(struct store_stmt *st, struct arena *a, struct client_row *ret)
{
        *ret = (struct client_row){
                .id = arena_span(a, store_text(st, 0)),
                .name = arena_span(a, store_text(st, 1)),
                .created_by = arena_span(a, store_text(st, 2)),
                .created_at = store_int(st, 3),
                .updated_at = store_int(st, 4),
        };
        return ret->id.p && ret->name.p && ret->created_by.p;
}

/* Ends the query `st`. */
static enum status one_row(struct store_stmt *st, struct arena *a, struct client_row *ret,
                           struct error *e)
{
        struct client_row row;
        bool is_found = store_next(st), has_all = is_found && read_row(st, a, &row);
        TRY(store_done(st, e));
        if (!is_found)
                return not_found(e);
        if (!has_all)
                return error_no_memory(e);
        *ret = row;
        return STATUS_OK;
}

enum status client_get(struct store_conn *db, struct span id, struct arena *a,
                       struct client_row *ret, struct error *e)
{
        struct store_stmt *st;
        TRY(store_query(db, "SELECT " CLIENT_COLUMNS " FROM clients WHERE id = $1", &st, e, "t",
                        id));
        return one_row(st, a, ret, e);
}

/* ---- the secret ---- */

static enum status refused(struct error *e)
{
        return error_set_http(e, STATUS_DENIED, 401, "invalid-client", NULL,
                              "the client is unknown or its secret is wrong");
}

/* What the row says; for an unknown client a hash that nothing has, so that it takes as long. */
static enum status secret_hash(struct store_conn *db, struct span id, uint8_t hash[32],
                               uint32_t *ret_pepper, struct error *e)
{
        struct store_stmt *st;
        memset(hash, 0, 32);
        *ret_pepper = 0;
        TRY(store_query(db, "SELECT hash, pepper FROM clients WHERE id = $1", &st, e, "t", id));
        if (store_next(st) && store_blob(st, 0).len == 32) {
                memcpy(hash, store_blob(st, 0).p, 32);
                *ret_pepper = (uint32_t)store_int(st, 1);
        }
        return store_done(st, e);
}

enum status client_check_secret(struct domain *d, struct store_conn *db, struct span id,
                                struct span secret, struct arena *a, struct client_row *ret,
                                struct error *e)
{
        uint8_t stored[32], given[32];
        uint32_t pepper;
        if (!client_id_is(id) || !token_check(CLIENT_SECRET_PREFIX, secret))
                return refused(e);
        TRY(secret_hash(db, id, stored, &pepper, e));
        TRY(secrets_hash(domain_secrets(d), secret, pepper, given, NULL, e));
        if (!crypto_equal(stored, given, sizeof stored) || !pepper)
                return refused(e);
        enum status s = client_get(db, id, a, ret, e);
        return s == STATUS_NOT_FOUND ? refused(e) : s;
}

/* ---- what it may ---- */

enum status client_may_redirect(struct store_conn *db, struct span id, struct span uri, bool *ret,
                                struct error *e)
{
        int64_t n = 0;
        TRY(store_int_of(db,
                         "SELECT count(*) FROM client_redirects WHERE client_id = $1 AND uri = $2",
                         &n, e, "tt", id, uri));
        *ret = n == 1;
        return STATUS_OK;
}

enum status client_principal(struct store_conn *db, const struct client_row *c, struct arena *a,
                             struct principal *ret, struct error *e)
{
        struct principal p = {.db = db, .caller = {.kind = CALLER_CLIENT}};
        char subject[SUBJECT_SIZE];
        snprintf(p.caller.id, sizeof p.caller.id, "%.*s", (int)c->id.len, c->id.p);
        subject_of("clients", c->id, subject);
        TRY(grants_load(db, subject, a, &p.rights, e));
        *ret = p;
        return STATUS_OK;
}

/* Whoever can hand out rights, or be everybody: no pattern is enough to act as them. */
static enum status is_powerful(struct store_conn *db, const struct rights *rights, bool *ret,
                               struct error *e)
{
        static const char *const powers[] = {"impersonate", "keys:any-at-all", "users:any-at-all"};
        *ret = false;
        for (size_t k = 0; k < sizeof powers / sizeof *powers && !*ret; k++) {
                struct question q = {.action = span_of(powers[k]), .abilities = ABILITY_ANY};
                TRY(rights_answer(db, rights, &q, ret, e));
        }
        return STATUS_OK;
}

static enum status names_exactly(struct store_conn *db, const struct rights *rights,
                                 const char *resource, bool *ret, struct error *e)
{
        struct question q = {.action = SPAN("impersonate"),
                             .abilities = ABILITY_ANY,
                             .resource = span_of(resource),
                             .is_exact = true};
        return rights_answer(db, rights, &q, ret, e);
}

enum status client_may_impersonate(struct store_conn *db, const struct principal *client,
                                   struct span user_id, struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        char resource[SUBJECT_SIZE];
        struct user_row user;
        struct rights rights;
        bool is_so;
        arena_init(&a, 256 * 1024);
        subject_of("users", user_id, resource);
        TRY(grants_check(client, "impersonate", span_of(resource), e));
        TRY(user_find(db, user_id, &a, &user, e));
        if (!user.is_active || !span_equal(user.id, user_id))
                return error_set(e, STATUS_NOT_FOUND, "user-not-found", NULL,
                                 "There is no such user.");
        TRY(grants_load(db, resource, &a, &rights, e));
        TRY(is_powerful(db, &rights, &is_so, e));
        if (!is_so)
                return STATUS_OK;
        TRY(names_exactly(db, &client->rights, resource, &is_so, e));
        if (!is_so)
                return error_set(e, STATUS_DENIED, "forbidden", NULL,
                                 "impersonate is not allowed on %s: this user must be named by "
                                 "the grant.",
                                 resource);
        return STATUS_OK;
}

/* ---- as JSON ---- */

static enum status write_redirects(struct store_conn *db, struct span id, struct buf *out,
                                   struct error *e)
{
        struct store_stmt *st;
        TRY(store_query(db, "SELECT uri FROM client_redirects WHERE client_id = $1 ORDER BY uri",
                        &st, e, "t", id));
        json_key(out, "redirect_uris");
        json_arr_open(out);
        while (store_next(st))
                json_text(out, store_text(st, 0));
        json_arr_close(out);
        return store_done(st, e);
}

enum status client_write_members(struct store_conn *db, const struct client_row *c, struct buf *out,
                                 struct error *e)
{
        char subject[SUBJECT_SIZE];
        subject_of("clients", c->id, subject);
        json_member_text(out, "client_id", c->id);
        json_member_text(out, "name", c->name);
        TRY(write_redirects(db, c->id, out, e));
        json_key(out, "grants");
        TRY(grants_write(db, subject, out, e));
        json_member_text(out, "created_by", c->created_by);
        json_member_time(out, "created_at", c->created_at);
        json_member_time(out, "updated_at", c->updated_at);
        return buf_check(out, e);
}

enum status client_write(struct store_conn *db, const struct client_row *c, struct buf *out,
                         struct error *e)
{
        json_obj_open(out);
        TRY(client_write_members(db, c, out, e));
        json_obj_close(out);
        return buf_check(out, e);
}

/* One at a time: writing a client asks for its statements meanwhile. */
static enum status next_client(struct store_conn *db, const char *after, struct arena *a,
                               struct client_row *ret, bool *ret_is_found, struct error *e)
{
        struct store_stmt *st;
        TRY(store_query(db,
                        "SELECT " CLIENT_COLUMNS " FROM clients WHERE id > $1 ORDER BY id LIMIT 1",
                        &st, e, "s", after));
        enum status s = one_row(st, a, ret, e);
        *ret_is_found = s == STATUS_OK;
        return s == STATUS_NOT_FOUND ? STATUS_OK : s;
}

static bool is_visible(const struct principal *visible, struct span id)
{
        char resource[SUBJECT_SIZE];
        subject_of("clients", id, resource);
        return !visible || grants_allow(visible, "clients:read", span_of(resource));
}

enum status client_list(struct store_conn *db, const struct page *p,
                        const struct principal *visible, struct buf *out, struct error *e)
{
        CLEANUP(arena_fini) struct arena own;
        const char *start;
        char after[CLIENT_ID_SIZE], last[CLIENT_ID_SIZE] = "";
        bool is_found = true;
        unsigned n = 0;
        arena_init(&own, 4096);
        TRY(cursor_read_text(p->cursor, &own, &start, e));
        snprintf(after, sizeof after, "%s", start);
        page_open(out);
        for (;;) {
                CLEANUP(arena_fini) struct arena a;
                struct client_row row;
                arena_init(&a, 4096);
                TRY(next_client(db, after, &a, &row, &is_found, e));
                if (!is_found)
                        break;
                snprintf(after, sizeof after, "%.*s", (int)row.id.len, row.id.p);
                if (!is_visible(visible, row.id))
                        continue;
                if (n++ == p->limit)
                        break;
                TRY(client_write(db, &row, out, e));
                snprintf(last, sizeof last, "%s", after);
        }
        return page_close(out, is_found ? span_of(last) : SPAN_NONE, e);
}
