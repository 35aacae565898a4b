/*
 * domain_rules: configuration that maps a webhook to what it sets off.
 *
 *     rule "document-done" { on = "document.done"  revoke = "documents/{data.document_id}" requires
 * = "document:done" }
 *
 * Compiled once for each settings snapshot. `on` matches the item's type, a trailing "*" the rest;
 * `app` narrows it. A value taken from the item must match [A-Za-z0-9._~-]{1,128}: it can name one
 * document, never a pattern.
 */
#ifndef CHATELAINE_DOMAIN_RULES_H
#define CHATELAINE_DOMAIN_RULES_H

#include <chatelaine/domain.h>

struct rule;
struct rules;
enum status rules_new(const struct config *c, struct rules **ret,
                      struct error *e) MUST_CHECK; /* INVALID, where = file:line */
void rules_free(struct rules *r);
/* The i-th rule that matches type and app; NULL past the last. Cheap when there is none. */
const struct rule *rules_match(const struct rules *r, struct span type, struct span app,
                               size_t *iter);
const char *rule_name(const struct rule *r);
const char *rule_requires(const struct rule *r); /* "" = nothing */
/* What a rule's template takes its values from. */
struct rule_item {
        struct span data, external_id, type, app;
        int64_t user_number;
};
/* The resource to revoke, into out. INVALID with a text that says which placeholder is missing or
 * of the wrong form. */
enum status rule_resource(const struct rule *r, const struct rule_item *item, struct buf *out,
                          struct error *e) MUST_CHECK;

#endif
