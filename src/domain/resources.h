/* Documents in resources, for the evaluator and for the selection of keys. */
#ifndef DOMAIN_RESOURCES_H
#define DOMAIN_RESOURCES_H

#include <chatelaine/domain_documents.h>

struct document_name {
        struct span inbox;   /* absent: spelled `documents/D`; may be a pattern ("*") */
        struct span id;      /* valid by document_id_is_valid */
        struct span beneath; /* what follows D; absent = nothing */
};
bool resource_split_document(struct span resource, struct document_name *ret);

/*
 * Does a statement on `pattern` reach `resource`, a document in either spelling being
 * the same? `own_inbox` is what the document's row says (document_inbox); it outweighs
 * the inbox that `resource` names. Absent (no row, or no document): a document is where
 * whoever names it says.
 */
bool resource_reaches(struct span pattern, struct span resource, struct span own_inbox);

/*
 * Where a statement on `pattern` is found: the segments in front of its first "*", those of a
 * document from `documents/` on, whatever its inbox. A part of `pattern`; "" = everywhere.
 */
struct span resource_stem(struct span pattern);

/*
 * The stems that a statement which reaches `resource` can have, the longest first: its ancestors
 * and itself, both spellings of a document, "". Parts of `resource` and of the arena.
 */
struct resource_stems {
        struct span *list;
        size_t n;
};
enum status resource_stems(struct span resource, struct span own_inbox, struct arena *a,
                           struct resource_stems *ret, struct error *e) MUST_CHECK;

/* INVALID "invalid-id" unless document_id_is_valid. */
enum status document_id_check(struct span id, struct error *e) MUST_CHECK;

#endif
