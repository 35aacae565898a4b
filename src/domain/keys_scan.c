/* Which keys a filter names. */
#include "domain/keys.h"
#include "domain/resources.h"

#include <stdio.h>

/* $1 after, $2 now, $3 state, $4 expires before, $5 user, $6 app, $7.. the resource's. */
#define STATE_NOW                                   \
        "CASE WHEN k.state < 3 AND k.dies_at <= $2" \
        " THEN CASE WHEN k.dies_at < k.expires_at THEN 4 ELSE 3 END ELSE k.state END"
#define SCAN(user, app, resource)                                                     \
        "SELECT " KEY_COLUMNS KEY_FROM " WHERE k.id > $1"                             \
        " AND ($3 = -1 OR ($3 = -2 AND k.state < 3 AND k.dies_at > $2) OR " STATE_NOW \
        " = $3) AND ($4 = 0 OR k.dies_at < $4) AND " user " AND " app resource " ORDER BY k.id"
#define USER "k.user_id = $5"
#define ANY_USER "(cast($5 as text) IS NULL OR k.user_id = $5)"
#define APP "k.app = $6"
#define ANY_APP "(cast($6 as text) IS NULL OR k.app = $6)"
#define IN_DOCUMENT " AND k.id IN (SELECT r.key_id FROM key_resources r WHERE r.document_id = $7)"
#define IN_RANGE                                                              \
        " AND k.id IN (SELECT r.key_id FROM key_resources r WHERE r.resource" \
        " >= $7 AND r.resource < $8"
#define OR_IN_INBOX                                                    \
        " UNION SELECT r.key_id FROM key_resources r JOIN documents d" \
        " ON d.id = r.document_id WHERE d.inbox_id = $9"

/* By its own index: few are stuck. A resource is matched key by key, as ever. */
#define IN_UPSTREAM_STATE " AND k.id IN (SELECT s.key_id FROM upstream_keys s WHERE s.state = $7)"

enum status key_scope_user(struct store_conn *db, struct span id_or_name, struct arena *a,
                           struct span *ret_id, struct error *e)
{
        struct user_row row = {.id = id_or_name}; /* nobody's, or an id that is no more: its keys
                                                     may still be there */
        enum status s = id_or_name.p ? user_find(db, id_or_name, a, &row, e) : STATUS_OK;
        if (s != STATUS_OK && s != STATUS_NOT_FOUND)
                return s;
        *ret_id = row.id;
        return STATUS_OK;
}

/* The inbox that a resource is, or whose documents it is; absent otherwise. */
static struct span whole_inbox(struct span resource)
{
        struct span rest = resource;
        if (!span_is(span_split(rest, '/', &rest), "inboxes") || !rest.p)
                return SPAN_NONE;
        struct span inbox = span_split(rest, '/', &rest);
        return !rest.p || span_is(rest, "documents") ? inbox : SPAN_NONE;
}

/* What lies beneath these is not found between two bounds. */
static bool is_anywhere(struct span resource)
{
        return span_is(resource, "inboxes") || span_is(resource, "documents") ||
               memchr(resource.p, '*', resource.len);
}

#define COMMON                                                                \
        s->after_id.p ? s->after_id : SPAN(""), s->now_ms, (int64_t)s->state, \
                s->expires_before_ms, s->user_id, s->app

enum status keys_scan(struct store_conn *db, struct key_scope *s, struct store_stmt **ret,
                      struct error *e)
{
        struct document_name document;
        if (s->upstream_state >= 0)
                return store_query(db, SCAN(ANY_USER, ANY_APP, IN_UPSTREAM_STATE), ret, e,
                                   "tiiitti", COMMON, (int64_t)s->upstream_state);
        if (!s->resource.p || is_anywhere(s->resource)) {
                const char *sql = s->user_id.p ? SCAN(USER, ANY_APP, "")
                                  : s->app.p   ? SCAN(ANY_USER, APP, "")
                                               : SCAN(ANY_USER, ANY_APP, "");
                return store_query(db, sql, ret, e, "tiiitt", COMMON);
        }
        if (resource_split_document(s->resource, &document))
                return store_query(db, SCAN(ANY_USER, ANY_APP, IN_DOCUMENT), ret, e, "tiiittt",
                                   COMMON, document.id);

        /* Beneath a resource: from its own name to before what follows "/". */
        snprintf(s->low, sizeof s->low, "%.*s", (int)s->resource.len, s->resource.p);
        snprintf(s->high, sizeof s->high, "%.*s0", (int)s->resource.len,
                 s->resource.p); /* "0" follows "/" */
        struct span inbox = whole_inbox(s->resource);
        if (inbox.p)
                return store_query(db, SCAN(ANY_USER, ANY_APP, IN_RANGE OR_IN_INBOX ")"), ret, e,
                                   "tiiittsst", COMMON, s->low, s->high, inbox);
        return store_query(db, SCAN(ANY_USER, ANY_APP, IN_RANGE ")"), ret, e, "tiiittss", COMMON,
                           s->low, s->high);
}

/* As a revocation takes it: a document is meant wherever its selector says that it lies. */
static bool is_beneath(struct span selected, struct span bound, struct span own_inbox)
{
        struct document_name want, have;
        if (!resource_split_document(selected, &want))
                return resource_covers(selected, bound) ||
                       resource_reaches(selected, bound, own_inbox);
        if (!resource_split_document(bound, &have) || !span_equal(want.id, have.id))
                return false;
        return !want.beneath.p || (have.beneath.p && resource_covers(want.beneath, have.beneath));
}

enum status key_is_bound(struct store_conn *db, struct span key_id, struct span resource, bool *ret,
                         struct error *e)
{
        struct store_stmt *st;
        bool is_bound = false;
        TRY(store_query(db,
                        "SELECT r.resource, d.inbox_id FROM key_resources r"
                        " LEFT JOIN documents d ON d.id = r.document_id WHERE r.key_id = $1",
                        &st, e, "t", key_id));
        while (!is_bound && store_next(st))
                is_bound = is_beneath(resource, store_text(st, 0), store_text(st, 1));
        TRY(store_done(st, e));
        *ret = is_bound;
        return STATUS_OK;
}
