/* Groups: made, changed, deleted. */
#include "domain/groups.h"
#include "domain/names.h"

#include <stdio.h>

#define ARENA_BYTES_MAX ((size_t)16 << 20)

/* Copied by reading it again: what is kept is what is checked. */
static enum status take_group(struct domain_command *c, const struct user_group *from,
                              struct user_group *ret, struct error *e)
{
        TRY(group_read_kept(from->body, &c->arena, ret, e));
        if (!from->id.p)
                return STATUS_OK;
        ret->id = arena_span(&c->arena, from->id);
        return ret->id.p ? STATUS_OK : error_no_memory(e);
}

static enum status remove_members(struct ledger_tx *tx, const char *subject, struct error *e)
{
        return store_exec(tx->db, "DELETE FROM group_members WHERE group_subject = $1", NULL, e,
                          "s", subject);
}

static enum status write_members(struct ledger_tx *tx, const char *subject,
                                 const struct user_group *g, struct error *e)
{
        struct span group = span_of(subject);
        int64_t n = 0;
        TRY(remove_members(tx, subject, e));
        for (size_t i = 0; i < g->users.n; i++) {
                char member[ACCESS_SUBJECT_SIZE];
                TRY(access_subject(g->users.items[i], member, e));
                TRY(store_exec(tx->db,
                               "INSERT INTO group_members (subject, group_subject) VALUES ($1, $2)"
                               " ON CONFLICT (subject, group_subject) DO NOTHING",
                               NULL, e, "ss", member, subject));
        }
        TRY(admins_replace(tx, subject, &g->admins, e));
        TRY(store_int_of(tx->db,
                         "SELECT count(*) FROM (SELECT 1 FROM statements WHERE subject = $1"
                         " LIMIT 1) s",
                         &n, e, "s", subject));
        return n ? users_cut(tx, &group, 1, e) : STATUS_OK;
}

/* ---- create ---- */

static enum status group_create_prepare(struct domain_command *base, struct error *e)
{
        struct group_create *c = (struct group_create *)base;
        bool is_added;
        TRY(admins_add_creator(base, &c->group.admins, &is_added, e));
        return is_added ? group_body(&c->group, &base->arena, e) : STATUS_OK;
}

/* Statements outlive their group: whoever takes the id of one that is gone would bring them to
 * life. */
static enum status id_is_new(struct ledger_tx *tx, struct span id, const char *subject,
                             struct error *e)
{
        int64_t n = 0;
        TRY(store_int_of(tx->db,
                         "SELECT count(*) FROM (SELECT 1 FROM statements WHERE subject = $1"
                         " LIMIT 1) s",
                         &n, e, "s", subject));
        if (!n)
                TRY(store_int_of(tx->db, "SELECT count(*) FROM user_groups WHERE id = $1", &n, e,
                                 "t", id));
        if (n)
                return error_set(e, STATUS_CONFLICT, "group-exists", "/groupId",
                                 "There is a group of that id, or there has been and a record "
                                 "still names it.");
        return STATUS_OK;
}

static enum status group_create_run(struct ledger_tx *tx, struct domain_command *base,
                                    struct error *e)
{
        struct group_create *c = (struct group_create *)base;
        struct span id = c->group.id.p ? c->group.id : span_of(c->new_id);
        char caller[CALLER_NAME_SIZE], subject[GROUP_SUBJECT_SIZE];
        domain_target(base, "group", id);
        caller_name(&base->caller, caller);
        group_subject(id, subject);
        TRY(id_is_new(tx, id, subject, e));
        TRY(store_exec(tx->db,
                       "INSERT INTO user_groups (id, body, created_by, created_at, updated_at)"
                       " VALUES ($1, $2, $3, $4, $4)",
                       NULL, e, "ttsi", id, c->group.body, caller, tx->now_ms));
        TRY(write_members(tx, subject, &c->group, e));
        c->row = (struct group_row){id, c->group.body, tx->now_ms, tx->now_ms};
        return STATUS_OK;
}

enum status group_create_new(struct domain *d, struct settings *s, const struct user_group *group,
                             struct group_create **ret, struct error *e)
{
        struct group_create *c;
        TRY(domain_command_new(d, s, sizeof *c, ARENA_BYTES_MAX, &c, e));
        c->base.run = group_create_run;
        c->base.prepare = group_create_prepare;
        c->base.audit.action = "group.create";
        c->base.base.rows = (unsigned)(group->users.n + group->admins.n) + 1;
        id_hex24(c->new_id + snprintf(c->new_id, sizeof c->new_id, GROUP_PREFIX));
        enum status status = take_group(&c->base, group, &c->group, e);
        if (status != STATUS_OK) {
                domain_command_free(&c->base);
                return status;
        }
        *ret = c;
        return STATUS_OK;
}

/* ---- update ---- */

/* As of a record. */
static enum status keep_admins(struct group_update *c, struct span had, struct error *e)
{
        struct user_group kept;
        TRY(group_read_kept(had, &c->base.arena, &kept, e));
        c->group.admins = kept.admins;
        return group_body(&c->group, &c->base.arena, e);
}

static const char given_everywhere[] =
        "SELECT 1 FROM statements WHERE subject = $1 AND resource = '*' LIMIT 1";

static enum status group_update_run(struct ledger_tx *tx, struct domain_command *base,
                                    struct error *e)
{
        struct group_update *c = (struct group_update *)base;
        struct group_row row;
        char subject[GROUP_SUBJECT_SIZE];
        bool is_watched;
        domain_target(base, "group", c->row.id);
        group_subject(c->row.id, subject);
        TRY(group_get(tx->db, c->row.id, &base->arena, &row, e));
        TRY(lock_check("group-changed", row.updated_at, c->unmodified_since_ms, c->row.updated_at,
                       e));
        row.body = c->group.body;
        row.updated_at = lock_next(tx, row.updated_at);
        TRY(store_exec(tx->db, "UPDATE user_groups SET body = $1, updated_at = $2 WHERE id = $3",
                       NULL, e, "tit", row.body, row.updated_at, row.id));
        TRY(administrators_watch(tx, given_everywhere, span_of(subject), &is_watched, e));
        TRY(write_members(tx, subject, &c->group, e));
        TRY(administrators_check(tx, is_watched, e));
        c->row = row;
        return STATUS_OK;
}

enum status group_update_new(struct domain *d, struct settings *s, const struct group_row *was,
                             const struct user_group *group, struct group_update **ret,
                             struct error *e)
{
        struct group_update *c;
        TRY(domain_command_new(d, s, sizeof *c, ARENA_BYTES_MAX, &c, e));
        c->base.run = group_update_run;
        c->base.audit.action = "group.update";
        c->base.base.rows = (unsigned)(group->users.n + group->admins.n) + 1;
        c->unmodified_since_ms = -1;
        c->row.updated_at = was->updated_at;
        c->row.id = arena_span(&c->base.arena, was->id);
        enum status status =
                c->row.id.p ? take_group(&c->base, group, &c->group, e) : error_no_memory(e);
        if (status == STATUS_OK && !group->admins.items)
                status = keep_admins(c, was->body, e);
        if (status != STATUS_OK) {
                domain_command_free(&c->base);
                return status;
        }
        *ret = c;
        return STATUS_OK;
}

/* ---- delete ---- */

/* What records say of it stays, and gives nobody anything. */
static enum status group_delete_run(struct ledger_tx *tx, struct domain_command *base,
                                    struct error *e)
{
        struct group_delete *c = (struct group_delete *)base;
        struct group_row row;
        char subject[GROUP_SUBJECT_SIZE];
        bool is_watched;
        domain_target(base, "group", c->id);
        TRY(group_get(tx->db, c->id, &base->arena, &row, e));
        group_subject(c->id, subject);
        TRY(administrators_watch(tx, given_everywhere, span_of(subject), &is_watched, e));
        TRY(remove_members(tx, subject, e));
        TRY(administrators_check(tx, is_watched, e));
        TRY(store_exec(tx->db, "DELETE FROM admins WHERE object = $1", NULL, e, "s", subject));
        return store_exec(tx->db, "DELETE FROM user_groups WHERE id = $1", NULL, e, "t", c->id);
}

enum status group_delete_new(struct domain *d, struct settings *s, struct group_delete **ret,
                             struct error *e)
{
        struct group_delete *c;
        TRY(domain_command_new(d, s, sizeof *c, (size_t)4 << 20, &c, e));
        c->base.run = group_delete_run;
        c->base.audit.action = "group.delete";
        c->base.base.is_revocation = true;
        *ret = c;
        return STATUS_OK;
}
