/*
 * domain_invites: rights for somebody whose userId nobody knows yet.
 *
 *     invite_create ─▶ `inv_...`, sent to the invited ─▶ invite_accept_new, as that user ─▶ a
 * record
 *
 * The invite's name is as good as what it gives, to any user: it is shown once, only its keyed hash
 * is stored, and the audit names a public id. It is good for one user, once, and ends with who made
 * it: when it is accepted, its maker must be there still and be able to give all of it.
 *
 * Who may:
 *   create   whoever may give each of its roles on each of its resources
 *   read     anybody who knows its name
 *   accept   users themselves (by no key, by no narrowed session), no client
 *   delete   whoever made it; `delete` on Authress:Invites
 * Another life than INVITE_LIFE_MS: `invites:create` on Authress:Invites.
 *
 * Limits: 100 roles times resources, LIMIT (413) "record-too-large"; INVITES_MAX open ones.
 */
#ifndef CHATELAINE_DOMAIN_INVITES_H
#define CHATELAINE_DOMAIN_INVITES_H

#include <chatelaine/codec_key.h>
#include <chatelaine/domain_records.h>

#define INVITE_PREFIX "inv_"
#define INVITE_LIFE_MS (7 * 24 * 3600 * INT64_C(1000))
#define INVITE_LIFE_LEAST_MS (5 * 60 * INT64_C(1000))
#define INVITE_LIFE_MOST_MS (30 * 24 * 3600 * INT64_C(1000))
#define INVITES_MAX 1000 /* open ones of one maker */

/* What a caller sends. */
struct invite {
        struct span statements; /* as JSON */
        int64_t expires_at;     /* 0 = INVITE_LIFE_MS from now */
};
/*
 * {statements: [{roles, resources}], expiryTime?}: statements as a record's, without users and
 * groups; nothing else is looked at. INVALID as record_read; "invalid-expiryTime". DENIED
 * "may-not-give", "forbidden".
 */
enum status invite_read(const struct principal *p, struct span json, int64_t now_ms,
                        struct arena *a, struct invite *ret, struct error *e) MUST_CHECK;

struct invite_row {
        struct span id;         /* public: for the audit */
        struct span statements; /* JSON */
        struct span created_by;
        int64_t created_at, expires_at;
};
/* NOT_FOUND "invite-not-found": also when it is over. */
enum status invite_find(struct domain *d, struct store_conn *db, struct span name, int64_t now_ms,
                        struct arena *a, struct invite_row *ret, struct error *e) MUST_CHECK;

/* Audit invite.create. run: LIMIT "too-many-invites". */
struct invite_create {
        struct domain_command base;
        struct invite invite; /* copied */
        /* filled by _new */
        char id[ID_HEX24_SIZE], name[KEY_SIZE];
        uint8_t hash[32];
        uint32_t pepper;
        int64_t expires_at; /* after run */
};
enum status invite_create_new(struct domain *d, struct settings *s, const struct invite *invite,
                              struct invite_create **ret, struct error *e) MUST_CHECK;

/*
 * The record's command, for the caller alone: audit invite.accept. DENIED "forbidden": no user.
 * NOT_FOUND "invite-not-found", also run: its maker is gone, or may not give it any more; somebody
 * was faster.
 */
enum status invite_accept_new(const struct principal *p, struct domain *d, struct settings *s,
                              const struct invite_row *i, struct record_create **ret,
                              struct error *e) MUST_CHECK;

/* DENIED "forbidden". */
enum status invite_may_delete(const struct principal *p, const struct invite_row *i,
                              struct error *e) MUST_CHECK;
/* Audit invite.delete, a revocation. run: NOT_FOUND "invite-not-found". */
struct invite_delete {
        struct domain_command base;
        struct span id; /* public */
};
enum status invite_delete_new(struct domain *d, struct settings *s, struct invite_delete **ret,
                              struct error *e) MUST_CHECK;

/* Those that expired before then. At most `limit`; *ret_more tells that more are. */
enum status invites_purge_in(struct ledger_tx *tx, int64_t before_ms, unsigned limit,
                             int64_t *ret_n, bool *ret_more, struct error *e) MUST_CHECK;

#endif
