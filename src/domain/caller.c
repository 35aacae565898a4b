#include "domain/domain.h"

#include <chatelaine/domain_clients.h>
#include <chatelaine/domain_sessions.h>
#include <chatelaine/domain_trust.h>

#include <stdio.h>

static enum status ended(struct error *e)
{
        return error_set_http(e, STATUS_DENIED, 401, "credential-ended", NULL,
                              "The credential of this request has ended.");
}

/* What `found` (an integer query's answer) says of the caller's row. */
static enum status judge(enum status found, bool holds, const struct error *why, struct error *e)
{
        if (found == STATUS_NOT_FOUND || (found == STATUS_OK && !holds))
                return ended(e);
        if (found != STATUS_OK && e)
                *e = *why;
        return found;
}

static enum status check_user_id(struct ledger_tx *tx, const char *id, struct error *e)
{
        int64_t is_active = 0;
        struct error why;
        enum status s = store_int_of(tx->db, "SELECT is_active FROM users WHERE id = $1",
                                     &is_active, &why, "s", id);
        return judge(s, is_active != 0, &why, e);
}

static enum status check_good(struct ledger_tx *tx, const struct caller *c, struct error *e)
{
        (void)tx, (void)c, (void)e;
        return STATUS_OK;
}

/* Nobody changes anything. */
static enum status check_ended(struct ledger_tx *tx, const struct caller *c, struct error *e)
{
        (void)tx, (void)c;
        return ended(e);
}

static enum status check_user(struct ledger_tx *tx, const struct caller *c, struct error *e)
{
        int64_t password_at = 0;
        struct error why;
        TRY(check_user_id(tx, c->id, e));
        if (!c->password_at)
                return STATUS_OK;
        enum status s = store_int_of(tx->db, "SELECT password_changed_at FROM users WHERE id = $1",
                                     &password_at, &why, "s", c->id);
        return judge(s, password_at == c->password_at, &why, e);
}

static enum status check_key(struct ledger_tx *tx, const struct caller *c, struct error *e)
{
        int64_t n = 0;
        struct error why;
        enum status s = store_int_of(
                tx->db,
                "SELECT count(*) FROM keys k JOIN users u ON u.id = k.user_id"
                " WHERE k.id = $1 AND k.state < 2 AND k.dies_at > $2 AND u.is_active = 1",
                &n, &why, "si", c->id, tx->now_ms);
        return judge(s, n == 1, &why, e);
}

void callers_forget(struct domain *d)
{
        memset(d->apps_checked, 0, sizeof d->apps_checked);
        d->has_new_generation = true;
}

/* Once a group for each app: all of it sees the same row. */
static enum status app_version(struct ledger_tx *tx, int64_t id, int64_t *ret, struct error *e)
{
        struct domain *d = tx_domain(tx);
        size_t n = sizeof d->apps_checked / sizeof *d->apps_checked, slot = (size_t)id % n;

        if (d->apps_checked[slot].id == id && d->apps_checked[slot].group == tx->group) {
                *ret = d->apps_checked[slot].version;
                return STATUS_OK;
        }
        TRY(store_int_of(tx->db, "SELECT version FROM apps WHERE id = $1 AND deleted_at IS NULL",
                         ret, e, "i", id));
        d->apps_checked[slot].group = tx->group;
        d->apps_checked[slot].id = id;
        d->apps_checked[slot].version = *ret;
        return STATUS_OK;
}

/*
 * A row that changed since its credential was checked may have another key. Whoever was right when
 * it sent must try again, not drop its batch.
 */
static enum status check_app(struct ledger_tx *tx, const struct caller *c, struct error *e)
{
        int64_t version = 0;
        struct error why;
        enum status s = app_version(tx, c->app_id, &version, &why);
        TRY(judge(s, true, &why, e));
        if (version == c->app_version)
                return STATUS_OK;
        s = error_set(e, STATUS_RETRY, "credential-changed", NULL,
                      "The app was changed while the request was under way.");
        if (e)
                e->retry_after_ms = 1000;
        return s;
}

/* And the access key that it came with. */
static enum status check_client(struct ledger_tx *tx, const struct caller *c, struct error *e)
{
        int64_t n = 0;
        struct error why;
        enum status s = store_int_of(
                tx->db,
                "SELECT count(*) FROM clients WHERE id = $1 AND (cast($2 as text) IS NULL OR EXISTS"
                " (SELECT 1 FROM keys WHERE id = $2 AND user_id = $1 AND state < 2"
                " AND dies_at > $3))",
                &n, &why, "ssi", c->id, c->key_id[0] ? c->key_id : NULL, tx->now_ms);
        return judge(s, n == 1, &why, e);
}

/* Everything that it hangs from, as at the door. */
static enum status check_session(struct ledger_tx *tx, const struct caller *c, struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        struct session_row row;
        struct principal ignored;
        struct error why;
        arena_init(&a, (size_t)1 << 20);
        enum status s = session_get(tx->db, span_of(c->id), &a, &row, &why);
        if (s == STATUS_OK)
                s = session_principal(tx->db, &row, tx->now_ms, &a, &ignored, &why);
        if (s == STATUS_DENIED)
                s = STATUS_NOT_FOUND;
        return judge(s, true, &why, e);
}

static enum status check_trusted(struct ledger_tx *tx, const struct caller *c, struct error *e)
{
        return trust_caller_check(tx_domain(tx), tx->db, c, tx->now_ms, e);
}

static const struct {
        const char *name;
        const char *prefix; /* of caller_name; NULL = the kind's name alone */
        enum status (*check)(struct ledger_tx *tx, const struct caller *c, struct error *e);
} kinds[] = {
        [CALLER_NOBODY] = {"nobody", NULL, check_ended},
        [CALLER_UNIX] = {"unix", NULL, check_good},
        [CALLER_USER] = {"user", "users", check_user},
        [CALLER_KEY] = {"key", "keys", check_key},
        [CALLER_APP] = {"app", "apps", check_app},
        [CALLER_CLIENT] = {"client", "clients", check_client},
        [CALLER_SESSION] = {"session", "sessions", check_session},
        [CALLER_JOB] = {"job", "jobs", check_good},
        [CALLER_TRUSTED] = {"trusted", "users", check_trusted},
};

const char *caller_kind_name(enum caller_kind k)
{
        return kinds[k].name;
}

void caller_name(const struct caller *c, char out[CALLER_NAME_SIZE])
{
        if (c->kind == CALLER_SESSION && c->origin[0])
                snprintf(out, CALLER_NAME_SIZE, "%s", c->origin);
        else if (kinds[c->kind].prefix)
                snprintf(out, CALLER_NAME_SIZE, "%s/%s", kinds[c->kind].prefix, c->id);
        else
                snprintf(out, CALLER_NAME_SIZE, "%s", kinds[c->kind].name);
}

enum status caller_check(struct ledger_tx *tx, const struct caller *c, struct error *e)
{
        TRY(kinds[c->kind].check(tx, c, e));
        return c->on_behalf_of[0] ? check_user_id(tx, c->on_behalf_of, e) : STATUS_OK;
}
