#include <chatelaine/codec_json_scan.h>
#include <chatelaine/domain_apps.h>
#include <chatelaine/domain_rules.h>

#include <ctype.h>
#include <stdlib.h>

/*
 * A template is cut into parts once: "inboxes/{data.inbox}/documents/{data.id}" is
 * "inboxes/", data.inbox, "/documents/", data.id.
 */
enum source { SOURCE_LITERAL, SOURCE_ID, SOURCE_TYPE, SOURCE_APP, SOURCE_USER, SOURCE_DATA };

struct part {
        enum source source;
        const char *text; /* the literal; or the placeholder's name, "data.a.b" */
};

struct rule {
        const char *name, *on, *app, *requires;
        bool is_prefix; /* `on` ended in "*" */
        struct part *parts;
        size_t n_parts;
};

struct rules {
        struct arena arena;
        struct rule *list;
        size_t n;
};

#define ARENA_BYTES_MAX ((size_t)4 << 20)
#define VALUE_BYTES_MAX 128

static const struct {
        const char *name;
        enum source source;
} sources[] = {
        {"id", SOURCE_ID},
        {"type", SOURCE_TYPE},
        {"app", SOURCE_APP},
        {"user_id", SOURCE_USER},
};

static enum status refuse(const struct config *c, const struct config_rule *from, struct error *e,
                          const char *what)
{
        char where[sizeof e->where];
        snprintf(where, sizeof where, "%s:%u", c->path ? c->path : "", from->line);
        return error_set(e, STATUS_INVALID, "invalid-rule", where, "Rule \"%s\": %s.", from->name,
                         what);
}

/* What a resource may be made of: no "*", so that no rule revokes by a pattern. */
static bool is_literal(char c)
{
        return isalnum((unsigned char)c) || (c && strchr("._~-/:", c));
}

/* [A-Za-z0-9._~-]{1,128}: one segment, never a pattern. */
static bool is_value(struct span s)
{
        if (!s.p || s.len < 1 || s.len > VALUE_BYTES_MAX)
                return false;
        for (size_t i = 0; i < s.len; i++) {
                char c = s.p[i];
                if (!(isalnum((unsigned char)c) || (c && strchr("._~-", c))))
                        return false;
        }
        return true;
}

/* "data.a.b": each name one or more of [A-Za-z0-9_-]. */
static bool is_data_path(const char *name)
{
        if (strncmp(name, "data.", 5) != 0)
                return false;
        bool has_name = false;
        for (const char *p = name + 5; *p; p++) {
                if (*p == '.') {
                        if (!has_name)
                                return false;
                        has_name = false;
                } else if (isalnum((unsigned char)*p) || *p == '_' || *p == '-') {
                        has_name = true;
                } else {
                        return false;
                }
        }
        return has_name;
}

static bool source_read(const char *name, enum source *ret)
{
        for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
                if (strcmp(sources[i].name, name) == 0) {
                        *ret = sources[i].source;
                        return true;
                }
        }
        *ret = SOURCE_DATA;
        return is_data_path(name);
}

/* No empty segment: "a//b", and nothing that is "/" alone. */
static bool is_segmented(struct span template)
{
        for (size_t i = 0; i + 1 < template.len; i++) {
                if (template.p[i] == '/' && template.p[i + 1] == '/')
                        return false;
        }
        return template.len > 0;
}

/* An item names one of a kind; one that named the kind could say "documents", and end all. */
static bool has_literal_kind(struct span template)
{
        struct span rest;
        struct span kind = span_split(template, '/', &rest);
        return !memchr(kind.p, '{', kind.len);
}

static struct span without_slashes(struct span s)
{
        if (s.len && s.p[0] == '/') {
                s.p++;
                s.len--;
        }
        if (s.len && s.p[s.len - 1] == '/')
                s.len--;
        return s;
}

static enum status compile_template(struct rules *r, struct rule *rule, const struct config *c,
                                    const struct config_rule *from, struct error *e)
{
        struct span rest = without_slashes(span_of(from->revoke));
        if (!is_segmented(rest))
                return refuse(c, from, e, "revoke must be a resource without empty segments");
        if (!has_literal_kind(rest))
                return refuse(c, from, e, "revoke must begin with a kind, as documents/{...} does");
        rule->parts = arena_alloc(&r->arena, (rest.len + 1) * sizeof *rule->parts);
        if (!rule->parts)
                return error_no_memory(e);

        while (rest.len) {
                struct part *part = &rule->parts[rule->n_parts++];
                size_t n = 0;
                if (rest.p[0] == '{') {
                        const char *end = memchr(rest.p, '}', rest.len);
                        if (!end)
                                return refuse(c, from, e, "revoke has a { without its }");
                        n = (size_t)(end - rest.p) + 1;
                        part->text = arena_dup(&r->arena, span_make(rest.p + 1, n - 2));
                        if (part->text && !source_read(part->text, &part->source))
                                return refuse(c, from, e,
                                              "a {...} of revoke must be id, type, app, user_id "
                                              "or data.NAME");
                } else {
                        while (n < rest.len && is_literal(rest.p[n]))
                                n++;
                        if (n == 0)
                                return refuse(c, from, e,
                                              "revoke may hold [A-Za-z0-9._~:/-] and {...} only");
                        part->text = arena_dup(&r->arena, span_make(rest.p, n));
                }
                if (!part->text)
                        return error_no_memory(e);
                rest = span_make(rest.p + n, rest.len - n);
        }
        return STATUS_OK;
}

static enum status compile(struct rules *r, struct rule *rule, const struct config *c,
                           const struct config_rule *from, struct error *e)
{
        struct span on = span_of(from->on ? from->on : "");
        const char *star = on.len ? memchr(on.p, '*', on.len) : NULL;
        const char *requires = from->requires ? from->requires : "";

        if (!on.len)
                return refuse(c, from, e, "on must name a type");
        if (star && star != on.p + on.len - 1)
                return refuse(c, from, e, "on may hold one \"*\", at its end");
        if (*requires && !scope_is_valid(span_of(requires)))
                return refuse(c, from, e, "requires is not a scope");
        if (!from->revoke || !*from->revoke)
                return refuse(c, from, e, "revoke is missing");
        rule->is_prefix = star != NULL;
        rule->on = arena_dup(&r->arena, span_make(on.p, on.len - rule->is_prefix));
        rule->name = arena_dup(&r->arena, span_of(from->name ? from->name : ""));
        rule->app = arena_dup(&r->arena, span_of(from->app ? from->app : ""));
        rule->requires = arena_dup(&r->arena, span_of(requires));
        if (!rule->on || !rule->name || !rule->app || !rule->requires)
                return error_no_memory(e);
        return compile_template(r, rule, c, from, e);
}

enum status rules_new(const struct config *c, struct rules **ret, struct error *e)
{
        struct rules *r = calloc(1, sizeof *r);
        if (!r)
                return error_no_memory(e);
        arena_init(&r->arena, ARENA_BYTES_MAX);
        r->list = arena_alloc(&r->arena, (c->n_rules + 1) * sizeof *r->list);
        enum status s = r->list ? STATUS_OK : error_no_memory(e);
        for (; s == STATUS_OK && r->n < c->n_rules; r->n++)
                s = compile(r, &r->list[r->n], c, &c->rules[r->n], e);
        if (s != STATUS_OK) {
                rules_free(r);
                return s;
        }
        *ret = r;
        return STATUS_OK;
}

void rules_free(struct rules *r)
{
        if (!r)
                return;
        arena_fini(&r->arena);
        free(r);
}

static bool matches(const struct rule *rule, struct span type, struct span app)
{
        if (rule->is_prefix ? !span_starts(type, rule->on) : !span_is(type, rule->on))
                return false;
        return !*rule->app || span_is(app, rule->app);
}

const struct rule *rules_match(const struct rules *r, struct span type, struct span app,
                               size_t *iter)
{
        if (!r)
                return NULL;
        while (*iter < r->n) {
                const struct rule *rule = &r->list[(*iter)++];
                if (matches(rule, type, app))
                        return rule;
        }
        return NULL;
}

const char *rule_name(const struct rule *r)
{
        return r->name;
}

const char *rule_requires(const struct rule *r)
{
        return r->requires;
}

static enum status unfit(const struct rule *r, const struct part *part, const char *what,
                         struct error *e)
{
        return error_set(e, STATUS_INVALID, "invalid-placeholder", part->text,
                         "Rule \"%s\": {%s} %s.", r->name, part->text, what);
}

/* A string or an integer of the data, as text; decoded into `scratch` when it is escaped. */
static struct span data_value(const struct rule_item *item, const struct part *part,
                              struct buf *scratch, bool *ret_is_there)
{
        struct json_value v;
        *ret_is_there = item->data.p && json_scan_path(item->data, part->text + 5, &v) &&
                        v.kind != JSON_KIND_NULL;
        if (!*ret_is_there)
                return SPAN_NONE;
        if (v.kind == JSON_KIND_INTEGER)
                return v.raw;
        if (v.kind != JSON_KIND_STRING)
                return SPAN_NONE;
        if (!v.is_escaped)
                return span_make(v.raw.p + 1, v.raw.len - 2);
        buf_reset(scratch);
        json_scan_decode(v.raw, scratch);
        return scratch->status == STATUS_OK ? buf_view(scratch) : SPAN_NONE;
}

static struct span item_value(const struct rule_item *item, const struct part *part,
                              struct buf *scratch, bool *ret_is_there)
{
        struct span v = SPAN_NONE;
        switch (part->source) {
        case SOURCE_LITERAL: v = span_of(part->text); break;
        case SOURCE_ID: v = item->external_id; break;
        case SOURCE_TYPE: v = item->type; break;
        case SOURCE_APP: v = item->app; break;
        case SOURCE_USER:
                if (item->user_number != 0) {
                        buf_reset(scratch);
                        buf_int(scratch, item->user_number);
                        v = buf_view(scratch);
                }
                break;
        case SOURCE_DATA: return data_value(item, part, scratch, ret_is_there);
        }
        *ret_is_there = v.p != NULL;
        return v;
}

enum status rule_resource(const struct rule *r, const struct rule_item *item, struct buf *out,
                          struct error *e)
{
        /* Anything longer than a value may be is refused all the same. */
        CLEANUP(buf_fini) struct buf scratch;
        buf_init(&scratch, VALUE_BYTES_MAX);

        for (size_t i = 0; i < r->n_parts; i++) {
                const struct part *part = &r->parts[i];
                bool is_there;
                struct span v = item_value(item, part, &scratch, &is_there);
                if (!is_there)
                        return unfit(r, part, "is missing", e);
                if (part->source != SOURCE_LITERAL && !is_value(v))
                        return unfit(r, part, "must match [A-Za-z0-9._~-]{1,128}", e);
                buf_span(out, v);
        }
        return buf_check(out, e);
}
