/* An invite becomes a record: for whoever accepts it, by whoever made it. */
#include "domain/invites.h"

#include <chatelaine/domain_clients.h>
#include <chatelaine/domain_keys.h>
#include <chatelaine/domain_users.h>

#include <stdio.h>

/* Where the maker is judged: before the command and, once more, in its transaction. */
struct judging {
        struct store_conn *db;
        int64_t now_ms;
        struct arena *arena;
};

static enum status over(struct error *e)
{
        return error_set(e, STATUS_NOT_FOUND, "invite-not-found", NULL,
                         "Whoever made the invite may not give this any more.");
}

/* ---- whoever made it ---- */

static enum status as_key(const struct judging *j, struct span id, struct principal *ret,
                          struct error *e)
{
        struct key_row key;
        TRY(key_get(j->db, id, j->now_ms, j->arena, &key, e));
        if (!key_is_valid(&key, j->now_ms))
                return over(e);
        return key_principal(j->db, &key, j->arena, ret, e);
}

static enum status as_client(const struct judging *j, struct span id, struct principal *ret,
                             struct error *e)
{
        struct client_row client;
        TRY(client_get(j->db, id, j->arena, &client, e));
        return client_principal(j->db, &client, j->arena, ret, e);
}

/* A user of ours, or of another issuer. */
static enum status as_user(const struct judging *j, struct span id, struct principal *ret,
                           struct error *e)
{
        struct user_row user;
        struct error why;
        char subject[ACCESS_SUBJECT_SIZE];
        enum status s = user_find(j->db, id, j->arena, &user, &why);
        if (s == STATUS_OK && span_equal(user.id, id) && !user.is_active)
                return over(e);
        if (s != STATUS_OK && s != STATUS_NOT_FOUND && e)
                *e = why;
        if (s != STATUS_OK && s != STATUS_NOT_FOUND)
                return s;
        snprintf(subject, sizeof subject, "users/%.*s", (int)id.len, id.p);
        struct principal p = {.db = j->db, .caller = {.kind = CALLER_USER}};
        TRY(grants_load(j->db, subject, j->arena, &p.rights, e));
        *ret = p;
        return STATUS_OK;
}

static enum status as_unix(const struct judging *j, struct span id, struct principal *ret,
                           struct error *e)
{
        (void)id, (void)e;
        *ret = (struct principal){.db = j->db, .caller = {.kind = CALLER_UNIX}, .is_all = true};
        return STATUS_OK;
}

static const struct {
        const char *kind;
        enum status (*load)(const struct judging *j, struct span id, struct principal *ret,
                            struct error *e);
        bool is_person; /* of a record's admins */
} makers[] = {{"keys", as_key, false},
              {"clients", as_client, true},
              {"users", as_user, true},
              {"unix", as_unix, false}};

static int maker_of(struct span created_by, struct span *ret_id)
{
        struct span kind = span_split(created_by, '/', ret_id);
        for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
                if (span_is(kind, makers[i].kind))
                        return (int)i;
        return -1;
}

static enum status check_maker(const struct judging *j, struct span created_by,
                               const struct record *record, struct error *e)
{
        struct principal maker;
        struct error why;
        struct span id;
        int i = maker_of(created_by, &id);
        enum status s = i < 0 ? STATUS_DENIED : makers[i].load(j, id, &maker, &why);
        if (s == STATUS_OK)
                s = record_may_give(&maker, record, NULL, &why);
        if (s == STATUS_DENIED || s == STATUS_NOT_FOUND || s == STATUS_INVALID)
                return over(e);
        if (s != STATUS_OK && e)
                *e = why;
        return s;
}

/* ---- the command ---- */

struct accepting {
        struct span id, created_by;
};

static enum status accept_check(struct ledger_tx *tx, struct record_create *c, struct error *e)
{
        const struct accepting *accepting = c->before_ctx;
        struct judging j = {.db = tx->db, .now_ms = tx->now_ms, .arena = &c->base.arena};
        TRY(check_maker(&j, accepting->created_by, &c->record, e));
        return invite_remove_in(tx, accepting->id, e);
}

static enum status make(struct domain *d, struct settings *s, const struct invite_row *i,
                        const struct record *record, struct record_create **ret, struct error *e)
{
        struct record_create *c;
        TRY(record_create_new(d, s, record, &c, e));
        struct accepting *kept = arena_alloc(&c->base.arena, sizeof *kept);
        if (kept) {
                kept->id = arena_span(&c->base.arena, i->id);
                kept->created_by = arena_span(&c->base.arena, i->created_by);
        }
        if (!kept || !kept->id.p || !kept->created_by.p) {
                domain_command_free(&c->base);
                return error_no_memory(e);
        }
        c->before = accept_check;
        c->before_ctx = kept;
        c->base.audit.action = "invite.accept";
        *ret = c;
        return STATUS_OK;
}

enum status invite_accept_new(const struct principal *p, struct domain *d, struct settings *s,
                              const struct invite_row *i, struct record_create **ret,
                              struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        struct judging j = {.db = p->db, .now_ms = clock_now_ms(), .arena = &a};
        char subject[ACCESS_SUBJECT_SIZE];
        struct record record;
        struct span id;
        arena_init(&a, (size_t)8 << 20);
        TRY(access_whole_subject(p, subject, e));
        if (strncmp(subject, "users/", 6) != 0)
                return error_set(e, STATUS_DENIED, "forbidden", NULL,
                                 "An invite is accepted by a user, not by a client.");
        int maker = maker_of(i->created_by, &id);
        TRY(invite_record(i->statements, access_user_id(subject),
                          maker >= 0 && makers[maker].is_person ? id : SPAN_NONE, &a, &record, e));
        TRY(check_maker(&j, i->created_by, &record, e));
        return make(d, s, i, &record, ret, e);
}
