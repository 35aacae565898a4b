/*
 * A record's statements as rows: one for each subject, resource and role, so that a check finds
 * them by subject and stem alone.
 *
 * Made before the transaction: 20,000 rows are an arena's work of a millisecond, and the writer has
 * only to bind them.
 */
#include "domain/records.h"
#include "domain/roles.h"

#include "domain/holdings.h"

#include <chatelaine/domain_access_keys.h>
#include <stdlib.h>

size_t record_share_over = 1000;

struct making {
        const struct record *record;
        size_t room;         /* rows */
        struct span *shared; /* what statements of all users are for: the record, and its groups */
        size_t n_shared;
        struct arena *arena;
        struct record_rows rows;
};

static int text_order(const void *a, const void *b)
{
        const struct span *x = a, *y = b;
        int order = memcmp(x->p, y->p, x->len < y->len ? x->len : y->len);
        return order ? order : (x->len > y->len) - (x->len < y->len);
}

/* In order, each once. */
static size_t sort_texts(struct span *list, size_t n)
{
        size_t kept = 0;
        if (n)
                qsort(list, n, sizeof *list, text_order);
        for (size_t i = 0; i < n; i++)
                if (kept == 0 || !span_equal(list[kept - 1], list[i]))
                        list[kept++] = list[i];
        return kept;
}

static size_t find_text(const struct span *list, size_t n, struct span text)
{
        const struct span *found = bsearch(&text, list, n, sizeof *list, text_order);
        return found ? (size_t)(found - list) : 0;
}

/* ---- subjects ---- */

static enum status subject_of_user(struct making *m, struct span user_id, struct span *ret,
                                   struct error *e)
{
        char subject[ACCESS_SUBJECT_SIZE];
        TRY(access_subject(user_id, subject, e));
        *ret = arena_span(m->arena, span_of(subject));
        return ret->p ? STATUS_OK : error_no_memory(e);
}

static enum status subject_of_group(struct making *m, struct span group_id, struct span *ret,
                                    struct error *e)
{
        const char *subject = arena_printf(m->arena, "groups/%.*s", (int)group_id.len, group_id.p);
        *ret = span_of(subject);
        return subject ? STATUS_OK : error_no_memory(e);
}

/* The subjects of a statement, both spellings of a client being one. */
static enum status list_subjects(struct making *m, const struct record_people *people,
                                 struct span **ret, size_t *ret_n, struct error *e)
{
        size_t n = 0;
        struct span *list =
                arena_alloc(m->arena, (people->users->n + people->groups->n + 1) * sizeof *list);
        if (!list)
                return error_no_memory(e);
        for (size_t i = 0; i < people->users->n; i++)
                TRY(subject_of_user(m, people->users->items[i], &list[n++], e));
        for (size_t i = 0; i < people->groups->n; i++)
                TRY(subject_of_group(m, people->groups->items[i], &list[n++], e));
        *ret = list;
        *ret_n = sort_texts(list, n);
        return STATUS_OK;
}

/* ---- what is named ---- */

static enum status gather(struct making *m, struct error *e)
{
        const struct record *r = m->record;
        size_t n_roles = 0, n_groups = r->groups.n;
        for (size_t i = 0; i < r->n_statements; i++) {
                n_roles += r->statements[i].roles.n;
                n_groups += r->statements[i].groups.n;
        }
        struct span *roles = arena_alloc(m->arena, (n_roles + 1) * sizeof *roles);
        struct span *groups = arena_alloc(m->arena, (n_groups + 1) * sizeof *groups);
        if (!roles || !groups)
                return error_no_memory(e);
        n_roles = 0;
        n_groups = r->groups.n;
        if (n_groups)
                memcpy(groups, r->groups.items, n_groups * sizeof *groups);
        for (size_t i = 0; i < r->n_statements; i++) {
                const struct record_statement *s = &r->statements[i];
                memcpy(roles + n_roles, s->roles.items, s->roles.n * sizeof *roles);
                n_roles += s->roles.n;
                if (s->groups.n)
                        memcpy(groups + n_groups, s->groups.items, s->groups.n * sizeof *groups);
                n_groups += s->groups.n;
        }
        m->rows.named = roles;
        m->rows.n_named = sort_texts(roles, n_roles);
        m->rows.groups = (struct json_texts){groups, sort_texts(groups, n_groups)};
        return STATUS_OK;
}

/* ---- rows ---- */

static enum status allocate(struct making *m, struct error *e)
{
        struct record_rows *r = &m->rows;
        size_t n = m->room;
        struct span **const texts[] = {&r->subjects, &r->resources, &r->stems, &r->roles, &r->ids};
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
                if (!(*texts[i] = arena_alloc(m->arena, n * sizeof **texts[i])))
                        return error_no_memory(e);
        r->positions = arena_alloc(m->arena, n * sizeof *r->positions);
        r->role_at = arena_alloc(m->arena, n * sizeof *r->role_at);
        r->people = arena_alloc(m->arena, n * sizeof *r->people);
        return r->positions && r->role_at && r->people ? STATUS_OK : error_no_memory(e);
}

static void put_rows(struct making *m, size_t position, struct span resource, struct span role,
                     const struct span *subjects, size_t n)
{
        struct record_rows *r = &m->rows;
        struct span stem = resource_stem(resource);
        size_t role_at = find_text(r->named, r->n_named, role);
        for (size_t i = 0; i < n; i++, r->n++) {
                r->subjects[r->n] = subjects[i];
                r->resources[r->n] = resource;
                r->stems[r->n] = stem;
                r->role_at[r->n] = role_at;
                r->positions[r->n] = (int64_t)position;
        }
}

static enum status put_statement(struct making *m, size_t position, struct error *e)
{
        const struct record_statement *s = &m->record->statements[position];
        struct record_people people = record_people(m->record, s);
        struct span *subjects;
        size_t n;
        bool is_shared = m->shared && people.users == &m->record->users;
        if (is_shared) {
                subjects = m->shared;
                n = m->n_shared;
        } else {
                TRY(list_subjects(m, &people, &subjects, &n, e));
        }
        for (size_t i = 0; i < s->resources.n; i++) {
                struct span resource;
                TRY(resource_read(s->resources.items[i], &resource, e));
                for (size_t k = 0; k < s->roles.n; k++)
                        put_rows(m, position, resource, s->roles.items[k], subjects, n);
        }
        return STATUS_OK;
}

/* The record's own subject stands for its users. */
static enum status share(struct making *m, struct span id, struct error *e)
{
        const struct json_texts none = {.n = 0};
        struct record_people users = {&m->record->users, &none},
                             groups = {&none, &m->record->groups};
        char object[RECORD_OBJECT_SIZE];
        record_object(id, object);
        m->rows.shared = arena_span(m->arena, span_of(object));
        if (!m->rows.shared.p)
                return error_no_memory(e);
        TRY(list_subjects(m, &users, &m->rows.members, &m->rows.n_members, e));
        TRY(list_subjects(m, &groups, &m->shared, &m->n_shared, e));
        m->shared[m->n_shared++] = m->rows.shared; /* list_subjects has room for one more */
        return STATUS_OK;
}

static bool is_shared(const struct record *r)
{
        return r->users.n > 1 && r->rows > record_share_over;
}

size_t record_rows_stored(const struct record *r)
{
        size_t people = r->users.n + r->groups.n;
        return is_shared(r) ? r->rows / people * (r->groups.n + 1) + r->users.n : r->rows;
}

enum status record_rows_make(const struct record *r, struct span id, struct arena *a,
                             struct record_rows *ret, struct error *e)
{
        struct making m = {.record = r, .arena = a, .room = id.p ? record_rows_stored(r) : r->rows};
        TRY(gather(&m, e));
        if (id.p && is_shared(r))
                TRY(share(&m, id, e));
        TRY(allocate(&m, e));
        for (size_t i = 0; i < r->n_statements; i++)
                TRY(put_statement(&m, i, e));
        if (m.rows.n)
                memcpy(m.rows.people, m.rows.subjects, m.rows.n * sizeof *m.rows.people);
        m.rows.n_people = sort_texts(m.rows.people, m.rows.n);
        *ret = m.rows;
        return STATUS_OK;
}

/* ---- in the transaction ---- */

static enum status find_roles(struct ledger_tx *tx, struct record_rows *rows, struct arena *a,
                              struct error *e)
{
        struct span *ids = arena_alloc(a, rows->n_named * sizeof *ids);
        if (!ids)
                return error_no_memory(e);
        for (size_t i = 0; i < rows->n_named; i++) {
                struct role_row role;
                enum status s = role_find(tx->db, rows->named[i], a, &role, e);
                if (s == STATUS_NOT_FOUND)
                        return error_set(e, STATUS_INVALID, "role-not-found", "/statements",
                                         "There is no role %.*s.", (int)rows->named[i].len,
                                         rows->named[i].p);
                TRY(s);
                ids[i] = role.id;
        }
        for (size_t i = 0; i < rows->n; i++)
                rows->roles[i] = ids[rows->role_at[i]];
        return STATUS_OK;
}

static enum status find_groups(struct ledger_tx *tx, const struct record_rows *rows,
                               struct error *e)
{
        for (size_t i = 0; i < rows->groups.n; i++) {
                struct span id = rows->groups.items[i];
                int64_t n = 0;
                TRY(store_int_of(tx->db, "SELECT count(*) FROM user_groups WHERE id = $1", &n, e,
                                 "t", id));
                if (!n)
                        return error_set(e, STATUS_INVALID, "group-not-found", "/groups",
                                         "There is no group %.*s.", (int)id.len, id.p);
        }
        return STATUS_OK;
}

enum status record_rows_delete(struct ledger_tx *tx, struct span id, struct error *e)
{
        char object[RECORD_OBJECT_SIZE];
        record_object(id, object);
        TRY(store_exec(tx->db, "DELETE FROM statements WHERE record_id = $1", NULL, e, "t", id));
        return store_exec(tx->db, "DELETE FROM group_members WHERE group_subject = $1", NULL, e,
                          "s", object);
}

static enum status write_members(struct ledger_tx *tx, const struct record_rows *rows,
                                 struct error *e)
{
        for (size_t i = 0; i < rows->n_members; i++)
                TRY(store_exec(tx->db,
                               "INSERT INTO group_members (subject, group_subject) VALUES ($1, $2)",
                               NULL, e, "tt", rows->members[i], rows->shared));
        return STATUS_OK;
}

/* Clients' access keys go with the documents that their clients hold something on. */
static enum status bind_keys(struct ledger_tx *tx, const struct record_rows *rows, struct error *e)
{
        for (size_t i = 0; i < rows->n; i++) {
                struct span subject = rows->subjects[i], resource = rows->resources[i];
                bool is_shared = rows->shared.p && span_equal(subject, rows->shared);
                TRY(access_keys_bind_in(tx, subject, resource, e));
                for (size_t k = 0; is_shared && k < rows->n_members; k++)
                        TRY(access_keys_bind_in(tx, rows->members[k], resource, e));
        }
        return STATUS_OK;
}

enum status record_rows_write(struct ledger_tx *tx, struct span id, struct record_rows *rows,
                              struct arena *a, struct error *e)
{
        TRY(find_groups(tx, rows, e));
        TRY(find_roles(tx, rows, a, e));
        for (size_t i = 0; i < rows->n; i++)
                rows->ids[i] = id;
        struct store_column cols[] = {{.texts = rows->subjects}, {.texts = rows->resources},
                                      {.texts = rows->stems},    {.texts = rows->roles},
                                      {.texts = rows->ids},      {.ints = rows->positions}};
        TRY(record_rows_delete(tx, id, e));
        TRY(write_members(tx, rows, e));
        TRY(store_set(tx->db,
                      "INSERT INTO statements (subject, resource, stem, role, record_id, position)"
                      " VALUES ($1, $2, $3, $4, $5, $6)",
                      cols, sizeof cols / sizeof *cols, rows->n, NULL, NULL, e));
        TRY(bind_keys(tx, rows, e));
        TRY(users_cut(tx, rows->members, rows->n_members, e));
        return users_cut(tx, rows->people, rows->n_people, e);
}
