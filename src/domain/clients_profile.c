/* What Authress's API says of a client: its name, options, tags and rate limit. */
#include "domain/clients.h"
#include "domain/names.h"

#include <chatelaine/codec_json.h>
#include <chatelaine/codec_text.h>

#define NAME_MAX_CHARACTERS 128
#define TAG_MAX_CHARACTERS 128
#define TAGS_MAX 64

static bool is_text(struct span s, size_t characters_max)
{
        bool is_good = utf8_is_valid(s) && utf8_characters(s) <= characters_max;
        for (size_t i = 0; is_good && i < s.len; i++)
                is_good = (unsigned char)s.p[i] >= 0x20 && s.p[i] != 0x7f;
        return is_good;
}

static enum status check_tags(struct span text, struct error *e)
{
        struct json *CLEANUP(json_freep) tags = NULL;
        const struct json *value;
        struct span name;
        void *iter = NULL;
        bool is_good = text.len <= CLIENT_TAGS_BYTES_MAX &&
                       json_parse(text, 4, &tags, NULL) == STATUS_OK && json_is_object(tags) &&
                       json_size(tags) <= TAGS_MAX;
        while (is_good && json_each(tags, &iter, &name, &value))
                is_good = is_text(name, TAG_MAX_CHARACTERS) && json_is_string(value) &&
                          is_text(json_span(value), TAG_MAX_CHARACTERS);
        if (is_good)
                return STATUS_OK;
        return error_set(e, STATUS_INVALID, "invalid-tags", "/tags",
                         "Tags are at most %d texts of at most %d characters.", TAGS_MAX,
                         TAG_MAX_CHARACTERS);
}

enum status client_profile_check(const struct client_profile *p, struct error *e)
{
        int64_t window_ms;
        if (p->has_name && !is_text(p->name, NAME_MAX_CHARACTERS))
                return error_set(e, STATUS_INVALID, "invalid-name", "/name",
                                 "A name has at most %d characters, none of them a control "
                                 "character.",
                                 NAME_MAX_CHARACTERS);
        if (p->has_tags && p->tags.p)
                TRY(check_tags(p->tags, e));
        if (!p->has_rate || !p->rate_duration.p)
                return STATUS_OK;
        if (!client_rate_window(p->rate_duration, &window_ms))
                return error_set(e, STATUS_INVALID, "invalid-rate-limit", "/rateLimits/0/duration",
                                 "It is PT5M, PT1H, P1D, P1M or PT0S.");
        if (p->rate_quota < 0 || p->rate_quota > CLIENT_QUOTA_MAX)
                return error_set(e, STATUS_INVALID, "invalid-rate-limit", "/rateLimits/0/quota",
                                 "It is 1 to %d requests, or null.", CLIENT_QUOTA_MAX);
        return STATUS_OK;
}

enum status client_profile_set(struct ledger_tx *tx, struct span id, const struct client_profile *p,
                               struct error *e)
{
        if (p->has_name)
                TRY(store_exec(tx->db, "UPDATE clients SET name = $1 WHERE id = $2", NULL, e, "tt",
                               p->name.p ? p->name : SPAN(""), id));
        if (p->has_options)
                TRY(store_exec(tx->db,
                               "UPDATE clients SET options = (options & $1) | $2 WHERE id = $3",
                               NULL, e, "iit", (int64_t)(CLIENT_OPTIONS_ALL & ~p->has_options),
                               (int64_t)(p->options & p->has_options), id));
        if (p->has_tags)
                TRY(store_exec(tx->db, "UPDATE clients SET tags = $1 WHERE id = $2", NULL, e, "tt",
                               p->tags, id));
        if (p->has_rate)
                TRY(store_exec(tx->db,
                               "UPDATE clients SET rate_duration = $1, rate_quota = nullif($2, 0)"
                               " WHERE id = $3",
                               NULL, e, "tit", p->rate_duration, p->rate_quota, id));
        return STATUS_OK;
}

static enum status client_change_prepare(struct domain_command *base, struct error *e)
{
        return client_profile_check(&((struct client_change *)base)->profile, e);
}

static enum status client_change_run(struct ledger_tx *tx, struct domain_command *base,
                                     struct error *e)
{
        struct client_change *c = (struct client_change *)base;
        struct client_row row;
        domain_target(base, "client", c->id);
        TRY(client_get(tx->db, c->id, &base->arena, &row, e));
        TRY(client_profile_set(tx, c->id, &c->profile, e));
        return store_exec(tx->db, "UPDATE clients SET updated_at = $1 WHERE id = $2", NULL, e, "it",
                          tx->now_ms, c->id);
}

enum status client_change_new(struct domain *d, struct settings *s, struct client_change **ret,
                              struct error *e)
{
        struct client_change *c;
        TRY(domain_command_new(d, s, sizeof *c, (size_t)1 << 18, &c, e));
        c->base.prepare = client_change_prepare;
        c->base.run = client_change_run;
        c->base.audit.action = "client.change";
        *ret = c;
        return STATUS_OK;
}
