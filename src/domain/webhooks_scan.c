#include "domain/webhooks.h"

#define ID_BYTES_MAX 255
#define TYPE_CHARACTERS_MAX 50
#define ESCAPED_MAX 6 /* bytes of the longest escape of one: \u0061 */
#define FIRST_ITEMS 4 /* most bodies have one: the arena clears what it gives */

/* id, type and data stand where WEBHOOK_ID, _TYPE and _DATA say. */
enum { SPECVERSION = WEBHOOK_NAMES, SOURCE, DATA_BASE64, CLOUDEVENT_NAMES };
static const char *const cloudevent_names[CLOUDEVENT_NAMES] = {
        "id", "type", "data", "specversion", "source", "data_base64"};

static const struct {
        enum json_scan_mode mode;
        const char *const *names;
        size_t n_names;
        bool is_cloudevent, needs_array;
} forms[] = {
        [WEBHOOK_FORM_JSON] = {JSON_SCAN_BODY, json_webhook_names, WEBHOOK_NAMES, false, false},
        [WEBHOOK_FORM_CLOUDEVENT] = {JSON_SCAN_ONE, cloudevent_names, CLOUDEVENT_NAMES, true,
                                     false},
        [WEBHOOK_FORM_CLOUDEVENT_BATCH] = {JSON_SCAN_BODY, cloudevent_names, CLOUDEVENT_NAMES, true,
                                           true},
        [WEBHOOK_FORM_NDJSON] = {JSON_SCAN_LINES, json_webhook_names, WEBHOOK_NAMES, false, false},
};

/* ---- one item ---- */

static bool reject(struct webhook_item *to, const char *slug, const char *detail)
{
        to->slug = slug;
        to->detail = detail;
        return false;
}

/* A string's text, when it can be at most `max` bytes; absent when it is longer. */
static struct span short_text(const struct json_value *v, size_t max, struct arena *a,
                              enum status *s)
{
        struct span text = SPAN_NONE;
        if (v->raw.len - 2 > max * ESCAPED_MAX)
                return text;
        text = json_scan_text(v->raw, a);
        if (!text.p)
                *s = STATUS_NO_MEMORY;
        else if (text.len > max || (text.len && memchr(text.p, '\0', text.len)))
                return SPAN_NONE; /* PostgreSQL has no text with NUL */
        return text;
}

static bool read_id(struct webhook_item *to, const struct json_value *v, struct arena *a,
                    enum status *s)
{
        switch (v->kind) {
        case JSON_KIND_ABSENT:
        case JSON_KIND_NULL: return true;
        case JSON_KIND_INTEGER:
                if (v->raw.len > ID_BYTES_MAX)
                        break;
                to->external_id = v->is_zero ? SPAN("0") : v->raw; /* -0 is 0 */
                return true;
        case JSON_KIND_STRING:
                to->external_id = short_text(v, ID_BYTES_MAX, a, s);
                if (*s != STATUS_OK)
                        return false;
                if (to->external_id.len)
                        return true;
                to->external_id = SPAN_NONE;
                break;
        default: break;
        }
        return reject(to, "invalid-id", "id is a string of 1 to 255 bytes, an integer or null.");
}

static bool read_type(struct webhook_item *to, const struct json_value *v, struct arena *a,
                      enum status *s)
{
        if (v->kind == JSON_KIND_ABSENT || v->kind == JSON_KIND_NULL) {
                to->type = SPAN("unknown");
                return true;
        }
        if (v->kind == JSON_KIND_STRING && json_scan_characters(v->raw) <= TYPE_CHARACTERS_MAX) {
                to->type = short_text(v, 4 * TYPE_CHARACTERS_MAX, a, s);
                if (to->type.p)
                        return true;
                if (*s != STATUS_OK)
                        return false;
        }
        return reject(to, "invalid-type", "type is a string of at most 50 characters or null.");
}

static bool read_data(struct webhook_item *to, const struct json_value *v)
{
        to->data = v->raw;
        switch (v->kind) {
        case JSON_KIND_ABSENT:
        case JSON_KIND_NULL:
        case JSON_KIND_FALSE:
        case JSON_KIND_OBJECT:
        case JSON_KIND_ARRAY: return true;
        case JSON_KIND_INTEGER:
        case JSON_KIND_REAL:
                if (v->is_zero)
                        return true;
                break;
        default: break;
        }
        return reject(to, "invalid-data", "data is an object, an array, null, false or 0.");
}

static bool is_nonempty_string(const struct json_value *v)
{
        return v->kind == JSON_KIND_STRING && !json_scan_is(v->raw, SPAN(""));
}

/* CloudEvents 1.0: what is required is there and not empty; what is null is unset. */
static bool is_cloudevent(struct webhook_item *to, const struct json_value *members)
{
        const struct json_value *version = &members[SPECVERSION];
        enum json_kind binary = members[DATA_BASE64].kind;
        if (version->kind != JSON_KIND_STRING || !json_scan_is(version->raw, SPAN("1.0")))
                return reject(to, "invalid-item", "specversion of a CloudEvent is \"1.0\".");
        if (members[WEBHOOK_ID].kind != JSON_KIND_STRING)
                return reject(to, "invalid-id", "id of a CloudEvent is a string.");
        if (!is_nonempty_string(&members[WEBHOOK_TYPE]))
                return reject(to, "invalid-type", "type of a CloudEvent is a string, not empty.");
        if (binary != JSON_KIND_ABSENT && binary != JSON_KIND_NULL)
                return reject(to, "invalid-data", "Binary data (data_base64) is not taken.");
        if (!is_nonempty_string(&members[SOURCE]))
                return reject(to, "invalid-item", "source of a CloudEvent is a string, not empty.");
        return true;
}

static bool is_well_formed(struct webhook_item *to, const struct json_item *from)
{
        if (!from->is_object)
                return reject(to, "invalid-item", "An item is an object {id?, type?, data?}.");
        for (int i = 0; i < WEBHOOK_NAMES; i++) {
                if (from->members[i].is_repeated)
                        return reject(to, "invalid-item", "id, type or data is there twice.");
        }
        return true;
}

/* False: it is rejected, or *s says that memory has ended. */
static bool read_item(struct webhook_item *to, const struct json_item *from, bool as_cloudevent,
                      struct arena *a, enum status *s)
{
        const struct json_value *m = from->members;
        return is_well_formed(to, from) && (!as_cloudevent || is_cloudevent(to, m)) &&
               read_id(to, &m[WEBHOOK_ID], a, s) && read_type(to, &m[WEBHOOK_TYPE], a, s) &&
               read_data(to, &m[WEBHOOK_DATA]);
}

/* ---- items with the same key ---- */

static uint64_t hash_bytes(uint64_t h, struct span s)
{
        for (; s.len >= 8; s.p += 8, s.len -= 8) {
                uint64_t word;
                memcpy(&word, s.p, 8);
                h = (h ^ word) * UINT64_C(0x9E3779B97F4A7C15);
                h ^= h >> 32;
        }
        uint64_t rest = s.len;
        for (; s.len; s.p++, s.len--)
                rest = rest << 8 | (uint8_t)*s.p;
        h = (h ^ rest) * UINT64_C(0x9E3779B97F4A7C15);
        return h ^ h >> 32;
}

static bool same_key(const struct webhook_item *a, const struct webhook_item *b)
{
        return span_equal(a->external_id, b->external_id) && span_equal(a->type, b->type);
}

/*
 * The last of a key stands for all of it. The table holds index + 1 of the last so far; walking
 * back from the end afterwards lets each loser point at the winner itself.
 */
static enum status collapse(struct webhook_batch *b, struct error *e)
{
        uint64_t seed; /* else a sender could choose ids that all meet in one slot */
        size_t size = 16;
        random_bytes(&seed, sizeof seed);
        while (size < 2 * b->n_items)
                size *= 2;
        uint32_t *table = arena_alloc(&b->base.arena, size * sizeof *table);
        if (!table)
                return error_no_memory(e);
        for (size_t i = 0; i < b->n_items; i++) {
                struct webhook_item *item = &b->items[i];
                if (item->slug || !item->external_id.p)
                        continue;
                size_t at = hash_bytes(hash_bytes(seed, item->external_id), item->type);
                for (;; at++) {
                        uint32_t *slot = &table[at & (size - 1)];
                        struct webhook_item *other = *slot ? &b->items[*slot - 1] : NULL;
                        if (other && !same_key(item, other))
                                continue;
                        if (other)
                                other->duplicate_of = (int64_t)i;
                        *slot = (uint32_t)i + 1;
                        break;
                }
        }
        for (size_t i = b->n_items; i-- > 0;) {
                int64_t to = b->items[i].duplicate_of;
                if (to >= 0 && b->items[to].duplicate_of >= 0)
                        b->items[i].duplicate_of = b->items[to].duplicate_of;
        }
        return STATUS_OK;
}

/* ---- the body ---- */

static enum status grow(struct webhook_batch *b, size_t *cap, struct error *e)
{
        if (b->n_items < *cap)
                return STATUS_OK;
        size_t bigger = *cap ? *cap * 2 : FIRST_ITEMS;
        struct webhook_item *items = arena_alloc(&b->base.arena, bigger * sizeof *items);
        if (!items)
                return error_no_memory(e);
        if (b->n_items)
                memcpy(items, b->items, b->n_items * sizeof *items);
        b->items = items;
        *cap = bigger;
        return STATUS_OK;
}

/* What the item's type says: whether the app may send it, and whether a rule is for it. */
static void judge_type(struct webhook_batch *b, struct webhook_item *item, bool may_all)
{
        size_t iter = 0;
        if (!may_all && !app_scopes_cover_type(b->scopes, item->type))
                reject(item, "forbidden-scope", "The app has no scope for webhooks of this type.");
        else
                item->has_rules = rules_match(b->base.settings->rules, item->type, b->app_slug,
                                              &iter) != NULL;
}

enum status webhooks_scan(struct webhook_batch *b, struct span body, enum webhook_form form,
                          struct error *e)
{
        const struct config *c = b->base.settings->config;
        struct json_scan_limits limits = {(unsigned)c->limits.depth, (size_t)c->limits.items};
        struct json_scan scan;
        bool may_all = app_scopes_have(b->scopes, "webhook");
        size_t cap = 0;

        json_scan_init(&scan, body, forms[form].mode, &limits, forms[form].names,
                       forms[form].n_names);
        for (;;) {
                struct json_item from;
                bool is_item;
                enum status s = STATUS_OK;
                TRY(json_scan_next(&scan, &from, &is_item, e));
                if (!is_item)
                        break;
                TRY(grow(b, &cap, e));
                struct webhook_item *item = &b->items[b->n_items++];
                item->duplicate_of = -1;
                if (read_item(item, &from, forms[form].is_cloudevent, &b->base.arena, &s))
                        judge_type(b, item, may_all);
                else if (s != STATUS_OK)
                        return error_no_memory(e);
                b->n_bad += item->slug != NULL;
        }
        if (forms[form].needs_array && !scan.is_array)
                return error_set(e, STATUS_INVALID, "invalid-batch", NULL,
                                 "A batch of CloudEvents is an array.");
        return b->n_items > 1 ? collapse(b, e) : STATUS_OK;
}
