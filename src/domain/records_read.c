/* A record as a caller sends it, and as it is kept. */
#include "domain/records.h"

#include <chatelaine/codec_text.h>
#include <stdio.h>

#define ROLE_NAME_MAX 255
#define BODY_BYTES_MAX ((size_t)8 * RECORD_BYTES_MAX) /* lists that were left out, escapes */

struct reading {
        struct arena *arena;
        size_t i; /* which statement */
};

/* ---- id ---- */

bool record_id_is_valid(struct span id)
{
        bool is_good = id.p && id.len > 0 && id.len <= RECORD_ID_MAX;
        for (size_t i = 0; is_good && i < id.len; i++) {
                char c = id.p[i];
                is_good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || (c && strchr("-_:|~", c));
        }
        return is_good && id.p[0] != ':'; /* its resource must be one */
}

static enum status read_id(const struct json *root, struct arena *a, struct span *ret,
                           struct error *e)
{
        TRY(member_text(root, "recordId", RECORD_ID_MAX, a, ret, e));
        if (ret->p && ret->len == 0)
                *ret = SPAN_NONE; /* what Go sends for none */
        if (ret->p && !record_id_is_valid(*ret))
                return error_set(e, STATUS_INVALID, "invalid-recordId", "/recordId",
                                 "A recordId is 1 to %d letters, digits and -_:|~", RECORD_ID_MAX);
        return STATUS_OK;
}

/* ---- statements ---- */

static enum status refused(const struct reading *r, const char *slug, const char *member,
                           const char *text, struct error *e)
{
        return member_refused(e, error_set(e, STATUS_INVALID, slug, NULL, "%s", text), NULL,
                              "/statements/%zu%s", r->i, member);
}

static enum status array_of(const struct reading *r, const struct json *object, const char *name,
                            size_t max, const struct json **ret, struct json_texts *texts,
                            struct error *e)
{
        const struct json *array = json_get(object, name);
        size_t n = json_size(array);
        char member[16], text[64];
        snprintf(member, sizeof member, "/%s", name);
        snprintf(text, sizeof text, "%s is an array of 1 to %zu.", name, max);
        if (!json_is_array(array) || n < 1 || n > max)
                return refused(r, "invalid-statements", member, text, e);
        *texts = (struct json_texts){.items = arena_alloc(r->arena, n * sizeof *texts->items)};
        if (!texts->items)
                return error_no_memory(e);
        *ret = array;
        return STATUS_OK;
}

static enum status read_roles(const struct reading *r, const struct json *object,
                              struct json_texts *ret, struct error *e)
{
        const struct json *array = NULL;
        TRY(array_of(r, object, "roles", RECORD_ROLES_MAX, &array, ret, e));
        for (size_t i = 0; i < json_size(array); i++) {
                struct span role = json_span(json_at(array, i));
                char member[32];
                snprintf(member, sizeof member, "/roles/%zu", i);
                if (!role.p || role.len < 1 || role.len > ROLE_NAME_MAX ||
                    memchr(role.p, '\0', role.len))
                        return refused(r, "invalid-roles", member, "A role is named by its id.", e);
                ret->items[ret->n] = arena_span(r->arena, role);
                if (!ret->items[ret->n++].p)
                        return error_no_memory(e);
        }
        return STATUS_OK;
}

static enum status read_resources(const struct reading *r, const struct json *object,
                                  struct json_texts *ret, struct error *e)
{
        const struct json *array = NULL;
        TRY(array_of(r, object, "resources", RECORD_RESOURCES_MAX, &array, ret, e));
        for (size_t i = 0; i < json_size(array); i++) {
                struct span resource, given = json_get_text(json_at(array, i), "resourceUri");
                enum status s = resource_read(given, &resource, e);
                if (s != STATUS_OK)
                        return member_refused(e, s, NULL,
                                              "/statements/%zu/resources/%zu/resourceUri", r->i, i);
                ret->items[ret->n] = arena_span(r->arena, given);
                if (!ret->items[ret->n++].p)
                        return error_no_memory(e);
        }
        return STATUS_OK;
}

static enum status read_statement(const struct reading *r, const struct json *object,
                                  struct record_statement *ret, struct error *e)
{
        char at[48];
        snprintf(at, sizeof at, "/statements/%zu", r->i);
        if (!json_is_object(object))
                return refused(r, "invalid-statements", "", "A statement is an object.", e);
        TRY(read_roles(r, object, &ret->roles, e));
        TRY(read_resources(r, object, &ret->resources, e));
        TRY(member_list_read(object, at, &member_users, r->arena, &ret->users, e));
        return member_list_read(object, at, &member_groups, r->arena, &ret->groups, e);
}

static enum status read_statements(const struct json *root, struct record *r, struct arena *a,
                                   struct error *e)
{
        const struct json *array = json_get(root, "statements");
        size_t n = json_size(array);
        struct reading reading = {.arena = a};
        bool is_for_all = r->users.n || r->groups.n;
        if (!json_is_array(array) || n < 1 || n > RECORD_STATEMENTS_MAX)
                return error_set(e, STATUS_INVALID, "invalid-statements", "/statements",
                                 "statements is an array of 1 to %d.", RECORD_STATEMENTS_MAX);
        r->statements = arena_alloc(a, n * sizeof *r->statements);
        if (!r->statements)
                return error_no_memory(e);
        for (; r->n_statements < n; r->n_statements++) {
                struct record_statement *s = &r->statements[r->n_statements];
                reading.i = r->n_statements;
                TRY(read_statement(&reading, json_at(array, reading.i), s, e));
                if (is_for_all && (s->users.n || s->groups.n))
                        return refused(&reading, "invalid-statements", "",
                                       "Users and groups are named by the record or by its "
                                       "statements, not by both.",
                                       e);
        }
        return STATUS_OK;
}

/* ---- all of it ---- */

struct record_people record_people(const struct record *r, const struct record_statement *s)
{
        bool is_own = s->users.n || s->groups.n;
        return (struct record_people){is_own ? &s->users : &r->users,
                                      is_own ? &s->groups : &r->groups};
}

/* A statement for nobody counts as one for somebody: it is judged and may be filled later. */
static enum status count_rows(struct record *r, struct error *e)
{
        r->rows = 0;
        for (size_t i = 0; i < r->n_statements; i++) {
                const struct record_statement *s = &r->statements[i];
                struct record_people people = record_people(r, s);
                size_t n = people.users->n + people.groups->n;
                r->rows += (n ? n : 1) * s->roles.n * s->resources.n;
        }
        if (r->rows <= RECORD_RIGHTS_MAX && record_rows_stored(r) <= RECORD_ROWS_MAX)
                return STATUS_OK;
        return error_set_http(e, STATUS_LIMIT, 413, "record-too-large", "/statements",
                              "Users and groups, times roles, times resources are too many: name a "
                              "group instead of its users, or make more records.");
}

enum status record_is_brief(const struct record *r, struct error *e)
{
        size_t n = 0;
        for (size_t i = 0; i < r->n_statements; i++)
                n += r->statements[i].roles.n * r->statements[i].resources.n;
        if (n <= RECORD_PAIRS_MAX)
                return STATUS_OK;
        return error_set_http(e, STATUS_LIMIT, 413, "record-too-large", "/statements",
                              "%zu roles times resources are more than %d: name a resource above "
                              "them, or ask more than once.",
                              n, RECORD_PAIRS_MAX);
}

static enum status read_record(struct span json, size_t bytes_max, struct arena *a,
                               struct record *ret, struct error *e)
{
        struct json *CLEANUP(json_freep) root = NULL;
        struct record r = {.id = SPAN_NONE};
        TRY(members_parse(json, bytes_max, "record-too-large", &root, e));
        TRY(read_id(root, a, &r.id, e));
        TRY(member_name(root, a, &r.name, e));
        TRY(member_text(root, "description", DESCRIPTION_MAX, a, &r.description, e));
        TRY(member_list_read(root, "", &member_users, a, &r.users, e));
        TRY(member_list_read(root, "", &member_admins, a, &r.admins, e));
        TRY(member_list_read(root, "", &member_groups, a, &r.groups, e));
        TRY(read_statements(root, &r, a, e));
        TRY(member_tags(root, a, &r.tags, e));
        TRY(count_rows(&r, e));
        TRY(record_body(&r, a, e));
        *ret = r;
        return STATUS_OK;
}

enum status record_read(struct span json, struct arena *a, struct record *ret, struct error *e)
{
        return read_record(json, RECORD_BYTES_MAX, a, ret, e);
}

enum status record_read_kept(struct span body, struct arena *a, struct record *ret, struct error *e)
{
        return read_record(body, BODY_BYTES_MAX, a, ret, e);
}

/* ---- as it is kept ---- */

static void write_statement(const struct record_statement *s, struct buf *out)
{
        json_obj_open(out);
        json_key(out, "roles");
        json_arr_open(out);
        for (size_t i = 0; i < s->roles.n; i++)
                json_text(out, s->roles.items[i]);
        json_arr_close(out);
        json_key(out, "resources");
        json_arr_open(out);
        for (size_t i = 0; i < s->resources.n; i++) {
                json_obj_open(out);
                json_member_text(out, "resourceUri", s->resources.items[i]);
                json_obj_close(out);
        }
        json_arr_close(out);
        if (s->users.n)
                member_list_write(&member_users, &s->users, out);
        if (s->groups.n)
                member_list_write(&member_groups, &s->groups, out);
        json_obj_close(out);
}

enum status record_body(struct record *r, struct arena *a, struct error *e)
{
        CLEANUP(buf_fini) struct buf out;
        buf_init(&out, BODY_BYTES_MAX);
        json_obj_open(&out);
        json_member_text(&out, "name", r->name);
        if (r->description.p)
                json_member_text(&out, "description", r->description);
        member_list_write(&member_users, &r->users, &out);
        member_list_write(&member_admins, &r->admins, &out);
        member_list_write(&member_groups, &r->groups, &out);
        json_key(&out, "statements");
        json_arr_open(&out);
        for (size_t i = 0; i < r->n_statements; i++)
                write_statement(&r->statements[i], &out);
        json_arr_close(&out);
        json_member_raw(&out, "tags", r->tags.p ? r->tags : SPAN("{}"));
        json_obj_close(&out);
        TRY(buf_check(&out, e));
        r->body = arena_span(a, buf_view(&out));
        return r->body.p ? STATUS_OK : error_no_memory(e);
}
