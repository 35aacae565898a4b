#include "domain/members.h"
#include "domain/users.h"

#include <chatelaine/codec_text.h>
#include <chatelaine/domain_groups.h>
#include <chatelaine/domain_records.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#define DEPTH_MAX 16

enum status members_parse(struct span json, size_t bytes_max, const char *slug, struct json **ret,
                          struct error *e)
{
        struct json *CLEANUP(json_freep) root = NULL;
        if (json.len > bytes_max)
                return error_set_http(e, STATUS_LIMIT, 413, slug, NULL,
                                      "It is larger than %zu bytes.", bytes_max);
        TRY(json_parse(json, DEPTH_MAX, &root, e));
        if (!json_is_object(root))
                return error_set(e, STATUS_INVALID, "invalid-json", NULL, "Not an object.");
        *ret = root;
        root = NULL;
        return STATUS_OK;
}

enum status member_refused(struct error *e, enum status s, const char *slug, const char *fmt, ...)
{
        va_list args;
        if (!e)
                return status_failed(s);
        if (slug)
                snprintf(e->slug, sizeof e->slug, "%s", slug);
        va_start(args, fmt);
        vsnprintf(e->where, sizeof e->where, fmt, args);
        va_end(args);
        return status_failed(s);
}

/* ---- texts ---- */

static bool is_text(struct span text, size_t characters_max)
{
        return text.p && utf8_is_valid(text) && utf8_characters(text) <= characters_max &&
               !memchr(text.p, '\0', text.len);
}

enum status member_text(const struct json *object, const char *name, size_t characters_max,
                        struct arena *a, struct span *ret, struct error *e)
{
        const struct json *value = json_get(object, name);
        char slug[48];
        *ret = SPAN_NONE;
        if (!value || json_is_null(value))
                return STATUS_OK;
        snprintf(slug, sizeof slug, "invalid-%s", name);
        if (!is_text(json_span(value), characters_max))
                return member_refused(e,
                                      error_set(e, STATUS_INVALID, slug, NULL,
                                                "%s is a text of at most %zu characters.", name,
                                                characters_max),
                                      NULL, "/%s", name);
        *ret = arena_span(a, json_span(value));
        return ret->p ? STATUS_OK : error_no_memory(e);
}

enum status member_name(const struct json *object, struct arena *a, struct span *ret,
                        struct error *e)
{
        struct span name;
        TRY(member_text(object, "name", TITLE_MAX, a, &name, e));
        bool is_good = name.len > 0;
        for (size_t i = 0; i < name.len; i++)
                is_good &= (unsigned char)name.p[i] >= 0x20 && name.p[i] != 0x7f;
        if (!is_good)
                return error_set(e, STATUS_INVALID, "invalid-name", "/name",
                                 "name is 1 to %d characters, none of them a control character.",
                                 TITLE_MAX);
        *ret = name;
        return STATUS_OK;
}

enum status member_tags(const struct json *object, struct arena *a, struct span *ret,
                        struct error *e)
{
        const struct json *tags = json_get(object, "tags"), *value;
        struct span name;
        void *iter = NULL;
        *ret = SPAN_NONE;
        if (!tags || json_is_null(tags))
                return STATUS_OK;
        bool is_good = json_is_object(tags);
        while (is_good && json_each(tags, &iter, &name, &value))
                is_good = is_text(name, TITLE_MAX) && is_text(json_span(value), TITLE_MAX);
        if (!is_good)
                return error_set(e, STATUS_INVALID, "invalid-tags", "/tags",
                                 "tags is an object of texts of at most %d characters.", TITLE_MAX);
        CLEANUP(buf_fini) struct buf text;
        buf_init(&text, RECORD_BYTES_MAX);
        json_dump(tags, &text);
        TRY(buf_check(&text, e));
        *ret = arena_span(a, buf_view(&text));
        return ret->p ? STATUS_OK : error_no_memory(e);
}

/* ---- lists ---- */

static enum status check_user(struct span id, struct error *e)
{
        char subject[ACCESS_SUBJECT_SIZE];
        return access_subject(id, subject, e);
}

enum status group_id_check(struct span id, struct error *e)
{
        bool is_good = id.p && id.len > sizeof GROUP_PREFIX - 1 && id.len <= GROUP_ID_MAX &&
                       span_starts(id, GROUP_PREFIX);
        for (size_t i = 0; is_good && i < id.len; i++) {
                char c = id.p[i];
                is_good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '-' || c == '_';
        }
        if (is_good)
                return STATUS_OK;
        return error_set(e, STATUS_INVALID, "invalid-group-id", "/groupId",
                         "A groupId is %s and letters, digits, - and _, at most %d characters.",
                         GROUP_PREFIX, GROUP_ID_MAX);
}

const struct member_list member_users = {"users", "userId", RECORD_USERS_MAX, check_user};
const struct member_list member_admins = {"admins", "userId", RECORD_ADMINS_MAX, check_user};
const struct member_list member_group_users = {"users", "userId", GROUP_USERS_MAX, check_user};
const struct member_list member_groups = {"groups", "groupId", RECORD_GROUPS_MAX, group_id_check};

enum status member_list_read(const struct json *object, const char *at,
                             const struct member_list *list, struct arena *a,
                             struct json_texts *ret, struct error *e)
{
        const struct json *array = json_get(object, list->name);
        size_t n = json_size(array);
        char slug[48];
        *ret = (struct json_texts){.n = 0};
        if (!array || json_is_null(array))
                return STATUS_OK;
        snprintf(slug, sizeof slug, "invalid-%s", list->name);
        if (!json_is_array(array) || n > list->max)
                return member_refused(e,
                                      error_set(e, STATUS_INVALID, slug, NULL,
                                                "%s is an array of at most %zu.", list->name,
                                                list->max),
                                      NULL, "%s/%s", at, list->name);
        struct json_texts texts = {.items = arena_alloc(a, (n + 1) * sizeof *texts.items)};
        if (!texts.items)
                return error_no_memory(e);
        for (; texts.n < n; texts.n++) {
                struct span text = json_get_text(json_at(array, texts.n), list->item);
                enum status s = list->check(text, e);
                if (s != STATUS_OK)
                        return member_refused(e, s, slug, "%s/%s/%zu/%s", at, list->name, texts.n,
                                              list->item);
                texts.items[texts.n] = arena_span(a, text);
                if (!texts.items[texts.n].p)
                        return error_no_memory(e);
        }
        *ret = texts;
        return STATUS_OK;
}

void member_list_write(const struct member_list *list, const struct json_texts *texts,
                       struct buf *out)
{
        json_key(out, list->name);
        json_arr_open(out);
        for (size_t i = 0; i < texts->n; i++) {
                json_obj_open(out);
                json_member_text(out, list->item, texts->items[i]);
                json_obj_close(out);
        }
        json_arr_close(out);
}

/* ---- the lock ---- */

enum status lock_check(const char *slug, int64_t updated_at, int64_t unmodified_since_ms,
                       int64_t judged_at, struct error *e)
{
        if (unmodified_since_ms >= 0 && updated_at > unmodified_since_ms)
                return error_set_http(e, STATUS_CONFLICT, 412, slug, "If-Unmodified-Since",
                                      "It was changed after that time.");
        if (updated_at == judged_at)
                return STATUS_OK;
        enum status s = error_set(e, STATUS_RETRY, slug, NULL,
                                  "It was changed while the request was under way.");
        if (e)
                e->retry_after_ms = 1000;
        return s;
}

int64_t lock_next(const struct ledger_tx *tx, int64_t updated_at)
{
        return tx->now_ms > updated_at ? tx->now_ms : updated_at + 1;
}

/* ---- admins ---- */

enum status admins_add_creator(struct domain_command *c, struct json_texts *admins,
                               bool *ret_is_added, struct error *e)
{
        char subject[ACCESS_SUBJECT_SIZE];
        struct span *admin;

        *ret_is_added = false;
        access_subject_of(&c->caller, subject);
        if (admins->n || !subject[0])
                return STATUS_OK;
        admin = arena_alloc(&c->arena, sizeof *admin);
        if (!admin)
                return error_no_memory(e);
        *admin = arena_span(&c->arena, access_user_id(subject));
        if (!admin->p)
                return error_no_memory(e);
        *admins = (struct json_texts){admin, 1};
        *ret_is_added = true;
        return STATUS_OK;
}

enum status admins_replace(struct ledger_tx *tx, const char *object,
                           const struct json_texts *admins, struct error *e)
{
        TRY(store_exec(tx->db, "DELETE FROM admins WHERE object = $1", NULL, e, "s", object));
        for (size_t i = 0; i < admins->n; i++) {
                char subject[ACCESS_SUBJECT_SIZE];
                TRY(access_subject(admins->items[i], subject, e));
                TRY(store_exec(tx->db,
                               "INSERT INTO admins (subject, object) VALUES ($1, $2)"
                               " ON CONFLICT (subject, object) DO NOTHING",
                               NULL, e, "ss", subject, object));
        }
        return STATUS_OK;
}

/* Keys, their sessions and narrowed sessions may less than whoever they belong to; a client by an
 * access key of its own may all that it may. */
bool principal_is_narrow(const struct principal *p)
{
        bool is_of_key = p->caller.kind != CALLER_CLIENT && p->caller.key_id[0];
        return p->is_cut || p->cuts || p->caller.kind == CALLER_KEY || is_of_key;
}

enum status admins_have(const struct principal *p, const char *object, bool *ret, struct error *e)
{
        char subject[ACCESS_SUBJECT_SIZE];
        struct store_stmt *st;
        *ret = false;
        access_subject_of(&p->caller, subject);
        if (!subject[0] || !p->db || principal_is_narrow(p))
                return STATUS_OK;
        TRY(store_query(p->db, "SELECT 1 FROM admins WHERE subject = $1 AND object = $2", &st, e,
                        "ss", subject, object));
        *ret = store_next(st);
        return store_done(st, e);
}

/* ---- the last administrator ---- */

enum status administrators_watch(struct ledger_tx *tx, const char *sql, struct span id, bool *ret,
                                 struct error *e)
{
        struct store_stmt *st;
        struct error why;
        TRY(store_query(tx->db, sql, &st, e, "t", id));
        *ret = store_next(st);
        TRY(store_done(st, e));
        enum status s = *ret ? administrator_remains(tx->db, &why) : STATUS_OK;
        *ret = *ret && s == STATUS_OK;
        if (s != STATUS_OK && s != STATUS_CONFLICT && e)
                *e = why;
        return s == STATUS_CONFLICT ? STATUS_OK : s;
}

enum status administrators_check(struct ledger_tx *tx, bool is_watched, struct error *e)
{
        return is_watched ? administrator_remains(tx->db, e) : STATUS_OK;
}

/* ---- what records give once ---- */

enum status users_cut(struct ledger_tx *tx, const struct span *subjects, size_t n, struct error *e)
{
        for (size_t i = 0; i < n; i++) {
                struct span id, kind = span_split(subjects[i], '/', &id);
                if (span_is(kind, "users"))
                        TRY(store_exec(tx->db,
                                       "UPDATE users SET is_cut = 1 WHERE id = $1 AND is_cut = 0",
                                       NULL, e, "t", id));
                if (span_is(kind, "groups"))
                        TRY(store_exec(tx->db,
                                       "UPDATE users SET is_cut = 1 WHERE is_cut = 0 AND id IN"
                                       " (SELECT substr(subject, 7) FROM group_members"
                                       " WHERE group_subject = $1 AND substr(subject, 1, 6) ="
                                       " 'users/')",
                                       NULL, e, "t", subjects[i]));
        }
        return STATUS_OK;
}

/* ---- a text in any case ---- */

static bool contains(struct span text, struct span part)
{
        if (part.len == 0)
                return true;
        for (size_t i = 0; text.p && i + part.len <= text.len; i++)
                if (strncasecmp(text.p + i, part.p, part.len) == 0)
                        return true;
        return false;
}

static bool any_contains(const struct json *v, struct span part)
{
        const struct json *member;
        struct span name;
        void *iter = NULL;
        if (json_is_string(v))
                return contains(json_span(v), part);
        for (size_t i = 0; json_is_array(v) && i < json_size(v); i++)
                if (any_contains(json_at(v, i), part))
                        return true;
        while (json_is_object(v) && json_each(v, &iter, &name, &member))
                if (any_contains(member, part))
                        return true;
        return false;
}

bool members_have_text(struct span id, struct span body, struct span text)
{
        struct json *CLEANUP(json_freep) root = NULL;
        if (!text.p || contains(id, text))
                return true;
        return json_parse(body, DEPTH_MAX, &root, NULL) == STATUS_OK && any_contains(root, text);
}
