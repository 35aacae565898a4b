/* Whom a client may act as. */
#include "domain/users.h"

#include <chatelaine/codec_json.h>
#include <chatelaine/domain_clients.h>
#include <stdio.h>

/* The next user after `number` of those that are active. */
static enum status next_active(struct store_conn *db, int64_t *number, char id[ID_HEX24_SIZE],
                               struct arena *a, struct span *ret_name, bool *ret_is_found,
                               struct error *e)
{
        struct store_stmt *st;
        TRY(store_query(db,
                        "SELECT number, id, name FROM users WHERE number > $1 AND is_active = 1"
                        " ORDER BY number LIMIT 1",
                        &st, e, "i", *number));
        *ret_is_found = store_next(st);
        if (*ret_is_found) {
                struct span text = store_text(st, 1);
                *number = store_int(st, 0);
                snprintf(id, ID_HEX24_SIZE, "%.*s", (int)text.len, text.p);
                *ret_name = arena_span(a, store_text(st, 2));
        }
        TRY(store_done(st, e));
        return *ret_is_found && !ret_name->p ? error_no_memory(e) : STATUS_OK;
}

enum status client_each_user(struct store_conn *db, const struct principal *p,
                             bool (*row)(void *ctx, const char *id, struct span name), void *ctx,
                             struct error *e)
{
        int64_t number = 0;
        for (;;) {
                CLEANUP(arena_fini) struct arena a;
                char id[ID_HEX24_SIZE], resource[SUBJECT_SIZE];
                struct span name = SPAN_NONE;
                bool is_found;
                arena_init(&a, 4096);
                TRY(next_active(db, &number, id, &a, &name, &is_found, e));
                if (!is_found)
                        return STATUS_OK;
                subject_of("users", span_of(id), resource);
                bool is_own = span_is(span_of(p->caller.user_id), id);
                if (!is_own && !grants_allow(p, "users:read", span_of(resource)) &&
                    client_may_impersonate(db, p, span_of(id), NULL) != STATUS_OK)
                        continue;
                if (!row(ctx, id, name))
                        return STATUS_OK;
        }
}
