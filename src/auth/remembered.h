/*
 * remembered: right passwords of the last 60 s, as HMACs under a key of this
 * process, so that a caller who sends Basic with every request does not pay
 * for scrypt each time. The stored password text is part of what is hashed:
 * a changed password is never remembered. Bounded; thread-safe.
 */
#ifndef CHATELAINE_AUTH_REMEMBERED_H
#define CHATELAINE_AUTH_REMEMBERED_H

#include <chatelaine/base_buf.h>

struct remembered;
enum status remembered_new(struct remembered **ret, struct error *e) MUST_CHECK;
void remembered_free(struct remembered *r);
bool remembered_has(struct remembered *r, struct span user_id, struct span stored,
                    struct span password);
void remembered_add(struct remembered *r, struct span user_id, struct span stored,
                    struct span password);
void remembered_forget(struct remembered *r, struct span user_id);

#endif
