/* What a session may at this moment: from rows and clock, the whole chain that it hangs from. */
#include "domain/sessions.h"

#include <chatelaine/codec_json.h>
#include <chatelaine/domain_clients.h>
#include <chatelaine/domain_keys.h>

#include <stdio.h>

struct judging {
        struct store_conn *db;
        int64_t now_ms;
        struct arena *arena;
        unsigned depth;
};

static enum status judge(const struct judging *j, const struct session_row *s,
                         struct principal *ret, struct error *e);

static void copy_text(char *out, size_t size, struct span text)
{
        snprintf(out, size, "%.*s", (int)text.len, text.p ? text.p : "");
}

/* What is gone refuses the session like a wrong token does. */
static enum status refused_when_gone(enum status s, struct error *e)
{
        return s == STATUS_NOT_FOUND ? session_refused(e) : s;
}

static enum status add_cut(const struct judging *j, struct principal *p,
                           const struct rights *rights, struct error *e)
{
        struct cut *cut = arena_alloc(j->arena, sizeof *cut);
        if (!cut)
                return error_no_memory(e);
        *cut = (struct cut){.rights = *rights, .next = p->cuts};
        p->cuts = cut;
        return STATUS_OK;
}

/* ---- what it hangs from ---- */

static enum status live_user(const struct judging *j, struct span id, struct user_row *ret,
                             struct error *e)
{
        TRY(refused_when_gone(user_find(j->db, id, j->arena, ret, e), e));
        return ret->is_active ? STATUS_OK : session_refused(e);
}

static enum status live_key(const struct judging *j, struct span id, struct principal *ret,
                            struct error *e)
{
        struct key_row key;
        TRY(refused_when_gone(key_get(j->db, id, j->now_ms, j->arena, &key, e), e));
        if (!key_is_valid(&key, j->now_ms))
                return session_refused(e);
        return key_principal(j->db, &key, j->arena, ret, e);
}

/* The one that the client came with; absent: it came otherwise. */
static enum status live_access_key(const struct judging *j, struct span id, struct error *e)
{
        struct key_row key;
        if (!id.p)
                return STATUS_OK;
        TRY(refused_when_gone(key_get(j->db, id, j->now_ms, j->arena, &key, e), e));
        return key_is_valid(&key, j->now_ms) ? STATUS_OK : session_refused(e);
}

static enum status live_client(const struct judging *j, struct span id, struct principal *ret,
                               struct error *e)
{
        struct client_row client;
        TRY(refused_when_gone(client_get(j->db, id, j->arena, &client, e), e));
        return client_principal(j->db, &client, j->arena, ret, e);
}

static enum status live_parent(const struct judging *j, struct span id, struct principal *ret,
                               struct error *e)
{
        struct judging above = *j;
        struct session_row parent;
        if (++above.depth > SESSION_DEPTH_MAX)
                return session_refused(e);
        TRY(refused_when_gone(session_get(j->db, id, j->arena, &parent, e), e));
        return judge(&above, &parent, ret, e);
}

static enum status live_origin(const struct judging *j, struct span origin, struct error *e)
{
        struct principal ignored;
        struct user_row user;
        struct span id, kind = span_split(origin, '/', &id);
        if (span_is(kind, "users"))
                return live_user(j, id, &user, e);
        if (span_is(kind, "keys"))
                return live_key(j, id, &ignored, e);
        if (span_is(kind, "clients"))
                return live_client(j, id, &ignored, e);
        return STATUS_OK; /* the unix socket, a job */
}

/* ---- by kind: the rights that it starts from ---- */

static enum status as_user(const struct judging *j, const struct session_row *s,
                           struct principal *p, struct error *e)
{
        struct user_row user;
        char subject[SUBJECT_SIZE];
        TRY(live_user(j, s->user_id, &user, e));
        if (s->password_at && s->password_at != user.password_changed_at)
                return session_refused(e);
        subject_of("users", user.id, subject);
        p->user_number = user.number;
        p->has_user_number = true;
        return grants_load(j->db, subject, j->arena, &p->rights, e);
}

static enum status as_key(const struct judging *j, const struct session_row *s, struct principal *p,
                          struct error *e)
{
        return live_key(j, s->key_id, p, e);
}

static enum status as_client(const struct judging *j, const struct session_row *s,
                             struct principal *p, struct error *e)
{
        return live_client(j, s->client_id, p, e);
}

/* The right to impersonate is looked at again: taken away, it ends what it opened. */
static enum status as_impersonator(const struct judging *j, const struct session_row *s,
                                   struct principal *p, struct error *e)
{
        struct principal client;
        TRY(live_client(j, s->client_id, &client, e));
        enum status status = client_may_impersonate(j->db, &client, s->user_id, e);
        if (status == STATUS_DENIED || status == STATUS_NOT_FOUND)
                return session_refused(e);
        TRY(status);
        TRY(as_user(j, s, p, e));
        return add_cut(j, p, &client.rights, e);
}

static enum status as_exchanged(const struct judging *j, const struct session_row *s,
                                struct principal *p, struct error *e)
{
        struct principal client;
        TRY(s->parent_id.p ? live_parent(j, s->parent_id, p, e) : live_key(j, s->key_id, p, e));
        TRY(live_client(j, s->client_id, &client, e));
        p->client = NULL;
        return add_cut(j, p, &client.rights, e);
}

static const struct {
        enum status (*start)(const struct judging *j, const struct session_row *s,
                             struct principal *p, struct error *e);
        bool is_for_another; /* who acts is another than whose rights these are */
} kinds[SESSION_KINDS] = {
        [SESSION_PASSWORD] = {as_user, false},
        [SESSION_KEY] = {as_key, false},
        [SESSION_BEHALF] = {as_user, true},
        [SESSION_CLIENT] = {as_client, false},
        [SESSION_IMPERSONATION] = {as_impersonator, true},
        [SESSION_EXCHANGE] = {as_exchanged, true},
};

static enum status cut_to_scope(const struct judging *j, const struct session_row *s,
                                struct principal *p, struct error *e)
{
        char subject[SUBJECT_SIZE];
        struct rights scope;
        if (!s->is_scoped)
                return STATUS_OK;
        subject_of("sessions", s->id, subject);
        TRY(grants_load(j->db, subject, j->arena, &scope, e));
        return add_cut(j, p, &scope, e);
}

static void name_caller(const struct session_row *s, struct principal *p)
{
        struct caller *c = &p->caller;
        struct caller was = *c; /* of what it started from */
        *c = (struct caller){.kind = CALLER_SESSION};
        copy_text(c->id, sizeof c->id, s->id);
        copy_text(c->user_id, sizeof c->user_id, s->user_id);
        copy_text(c->origin, sizeof c->origin, s->origin);
        copy_text(c->chosen_by, sizeof c->chosen_by, s->chosen_by);
        copy_text(c->key_id, sizeof c->key_id,
                  span_of(was.kind == CALLER_KEY ? was.id : was.key_id));
        if (kinds[s->kind].is_for_another)
                snprintf(c->on_behalf_of, sizeof c->on_behalf_of, "%s", c->user_id);
}

static enum status judge(const struct judging *j, const struct session_row *s,
                         struct principal *ret, struct error *e)
{
        struct principal p = {.db = j->db}, ignored;
        if (s->ended_at || j->now_ms >= s->expires_at)
                return session_refused(e);
        if (s->parent_id.p && s->kind != SESSION_EXCHANGE)
                TRY(live_parent(j, s->parent_id, &ignored, e));
        TRY(live_origin(j, s->origin, e));
        if (s->chosen_by.p)
                TRY(live_origin(j, s->chosen_by, e));
        TRY(live_access_key(j, s->access_key_id, e));
        TRY(kinds[s->kind].start(j, s, &p, e));
        TRY(cut_to_scope(j, s, &p, e));
        name_caller(s, &p);
        *ret = p;
        return STATUS_OK;
}

enum status session_principal(struct store_conn *db, const struct session_row *s, int64_t now_ms,
                              struct arena *a, struct principal *ret, struct error *e)
{
        struct judging j = {.db = db, .now_ms = now_ms, .arena = a};
        return judge(&j, s, ret, e);
}

/* ---- who acts ---- */

static enum status write_act(struct store_conn *db, const struct session_row *s, unsigned depth,
                             struct arena *a, struct buf *out, struct error *e)
{
        struct session_row parent;
        struct span id, chooser;
        bool has_parent = s->kind == SESSION_EXCHANGE && s->parent_id.p;
        if (has_parent)
                TRY(session_get(db, s->parent_id, a, &parent, e));
        if (!kinds[s->kind].is_for_another || !s->user_id.p || depth > SESSION_DEPTH_MAX)
                return STATUS_OK;
        (void)span_split(s->origin, '/', &id);
        json_obj_open(out);
        json_member_text(out, "sub", id.p ? id : s->origin);
        if (has_parent && kinds[parent.kind].is_for_another) {
                json_key(out, "act");
                TRY(write_act(db, &parent, depth + 1, a, out, e));
        } else if (s->chosen_by.p) {
                (void)span_split(s->chosen_by, '/', &chooser);
                json_key(out, "act");
                json_obj_open(out);
                json_member_text(out, "sub", chooser.p ? chooser : s->chosen_by);
                json_obj_close(out);
        }
        json_obj_close(out);
        return buf_check(out, e);
}

enum status session_act_write(struct store_conn *db, const struct session_row *s, struct buf *out,
                              struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        arena_init(&a, 16 * 1024);
        return write_act(db, s, 0, &a, out, e);
}
