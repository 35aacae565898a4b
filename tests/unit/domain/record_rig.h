/* Records and groups of a rig, made from JSON by the commands. */
#ifndef TESTS_RECORD_RIG_H
#define TESTS_RECORD_RIG_H

#include "domain/groups.h"
#include "domain/records.h"
#include "domain_rig.h"

#include <chatelaine/domain_clients.h>
#include <chatelaine/domain_groups.h>
#include <chatelaine/domain_records.h>

/* Quotes are spelled ' in the tests. */
static inline struct span rig_json(struct rig *r, const char *text)
{
        char *copy = arena_dup(&r->arena, span_of(text));
        for (char *c = copy; *c; c++)
                if (*c == '\'')
                        *c = '"';
        return span_of(copy);
}

/* Commands of NULL are the unix socket's. */
static inline enum status rig_try_record(struct rig *r, const struct caller *caller,
                                         const char *json, struct record_row *ret)
{
        struct fixture *f = &r->base;
        struct record record;
        struct record_create *c;
        TRY(record_read(rig_json(r, json), &r->arena, &record, &f->err));
        OK(record_create_new(r->domain, NULL, &record, &c, &f->err));
        if (caller)
                c->base.caller = *caller;
        enum status s = rig_run(r, &c->base);
        if (s == STATUS_OK && ret) {
                *ret = c->row;
                ret->id = arena_span(&r->arena, c->row.id);
                ret->body = arena_span(&r->arena, c->row.body);
        }
        domain_command_free(&c->base);
        return s;
}

static inline struct record_row rig_record(struct rig *r, const char *json)
{
        struct fixture *f = &r->base;
        struct record_row row = {.id = SPAN_NONE};
        OK(rig_try_record(r, NULL, json, &row));
        return row;
}

static inline enum status rig_try_update(struct rig *r, const struct record_row *was,
                                         const char *json, int64_t unmodified_since_ms,
                                         struct record_row *ret)
{
        struct fixture *f = &r->base;
        struct record record;
        struct record_update *c;
        TRY(record_read(rig_json(r, json), &r->arena, &record, &f->err));
        struct record_row row = *was; /* its body may be gone */
        if (record_get(r->db, was->id, &r->arena, &row, &f->err) == STATUS_OK)
                row.updated_at = was->updated_at;
        OK(record_update_new(r->domain, NULL, &row, &record, &c, &f->err));
        c->unmodified_since_ms = unmodified_since_ms;
        enum status s = rig_run(r, &c->base);
        if (s == STATUS_OK && ret) {
                *ret = c->row;
                ret->id = arena_span(&r->arena, c->row.id);
                ret->body = arena_span(&r->arena, c->row.body);
        }
        domain_command_free(&c->base);
        return s;
}

static inline enum status rig_delete_record(struct rig *r, struct span id)
{
        struct fixture *f = &r->base;
        struct record_delete *c;
        OK(record_delete_new(r->domain, NULL, &c, &f->err));
        c->id = id;
        enum status s = rig_run(r, &c->base);
        domain_command_free(&c->base);
        return s;
}

static inline enum status rig_try_group(struct rig *r, const struct caller *caller,
                                        const char *json, struct group_row *ret)
{
        struct fixture *f = &r->base;
        struct user_group group;
        struct group_create *c;
        TRY(group_read(rig_json(r, json), &r->arena, &group, &f->err));
        OK(group_create_new(r->domain, NULL, &group, &c, &f->err));
        if (caller)
                c->base.caller = *caller;
        enum status s = rig_run(r, &c->base);
        if (s == STATUS_OK && ret) {
                *ret = c->row;
                ret->id = arena_span(&r->arena, c->row.id);
                ret->body = arena_span(&r->arena, c->row.body);
        }
        domain_command_free(&c->base);
        return s;
}

static inline struct group_row rig_group(struct rig *r, const char *json)
{
        struct fixture *f = &r->base;
        struct group_row row = {.id = SPAN_NONE};
        OK(rig_try_group(r, NULL, json, &row));
        return row;
}

static inline enum status rig_try_regroup(struct rig *r, const struct group_row *was,
                                          const char *json, int64_t unmodified_since_ms,
                                          struct group_row *ret)
{
        struct fixture *f = &r->base;
        struct user_group group;
        struct group_update *c;
        struct group_row row = *was; /* its body may be gone */
        TRY(group_read(rig_json(r, json), &r->arena, &group, &f->err));
        if (group_get(r->db, was->id, &r->arena, &row, &f->err) == STATUS_OK)
                row.updated_at = was->updated_at;
        OK(group_update_new(r->domain, NULL, &row, &group, &c, &f->err));
        c->unmodified_since_ms = unmodified_since_ms;
        enum status s = rig_run(r, &c->base);
        if (s == STATUS_OK && ret) {
                *ret = c->row;
                ret->id = arena_span(&r->arena, c->row.id);
                ret->body = arena_span(&r->arena, c->row.body);
        }
        domain_command_free(&c->base);
        return s;
}

static inline enum status rig_delete_group(struct rig *r, struct span id)
{
        struct fixture *f = &r->base;
        struct group_delete *c;
        OK(group_delete_new(r->domain, NULL, &c, &f->err));
        c->id = id;
        enum status s = rig_run(r, &c->base);
        domain_command_free(&c->base);
        return s;
}

struct rig_permission {
        const char *action;
        unsigned abilities;
};

static inline enum status rig_make_role(struct rig *r, const char *id,
                                        const struct rig_permission *list, size_t n)
{
        struct fixture *f = &r->base;
        struct role_create *c;
        struct span actions[16];
        unsigned abilities[16];
        for (size_t i = 0; i < n; i++) {
                actions[i] = span_of(list[i].action);
                abilities[i] = list[i].abilities;
        }
        OK(role_create_new(r->domain, NULL, &c, &f->err));
        c->id = c->name = span_of(id);
        c->permissions = actions;
        c->abilities = abilities;
        c->n_permissions = n;
        enum status s = rig_run(r, &c->base);
        domain_command_free(&c->base);
        return s;
}

/* May somebody do it, by the name that checks use? */
static inline bool rig_is_allowed(struct rig *r, const char *user_id, const char *permission,
                                  const char *resource)
{
        struct fixture *f = &r->base;
        char subject[ACCESS_SUBJECT_SIZE];
        bool is_allowed = false;
        OK(access_subject(span_of(user_id), subject, &f->err));
        OK(access_check(r->db, subject, span_of(permission), span_of(resource), &is_allowed,
                        &f->err));
        return is_allowed;
}

/* A user of ours as a caller. */
static inline struct caller rig_caller(const char *user_id)
{
        struct caller c = {.kind = CALLER_USER};
        snprintf(c.id, sizeof c.id, "%s", user_id);
        snprintf(c.user_id, sizeof c.user_id, "%s", user_id);
        return c;
}

static inline struct principal rig_principal(struct rig *r, const char *user_id)
{
        struct fixture *f = &r->base;
        struct principal p = {.db = r->db, .caller = rig_caller(user_id)};
        const char *subject = arena_printf(&r->arena, "users/%s", user_id);
        OK(grants_load(r->db, subject, &r->arena, &p.rights, &f->err));
        return p;
}

#endif
