#include "base/config_options.h"
#include "base/config_check.h"

#include <chatelaine/base_clock.h>

#include <assert.h>

#define KIB INT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define SECOND INT64_C(1000)
#define DAY (86400 * SECOND)
#define CENTURY (36500 * DAY)

#define TOP(member) offsetof(struct config, member)
#define IN(type, member) offsetof(struct config_##type, member)
#define TITLED(type, member) \
        .element_size = sizeof(struct config_##type), .array_offset = TOP(member), .count_offset

const struct config_section config_sections[] = {
        {"listen", "", .title = "public", TITLED(listen, listens) = TOP(n_listens),
         .comment = "A listener each. Without any, one as below is opened."},
        {"", "", .comment = ""},
        {"limits", "",
         .comment = "What a caller may use. Over a limit: 413, 429, 431 or 503 with Retry-After."},
        {"kafka", "", .comment = "Where events go."},
        {"property", "kafka", .title = "compression.type",
         TITLED(property, kafka.properties) = TOP(kafka.n_properties),
         .comment = "Any property of librdkafka, one section each."},
        {"retention", "", .comment = "How long rows are kept."},
        {"keys", "", .comment = "API keys."},
        {"oauth", "", .comment = "Access tokens that are issued here."},
        {"rule", "", .title = "document-done", TITLED(rule, rules) = TOP(n_rules),
         .comment =
                 "What a webhook sets off. Matching rules run in the webhook's own transaction."},
        {"trust", "", .title = "login", .is_example = true, TITLED(trust, trusts) = TOP(n_trusts),
         .comment = "User tokens (JWT) of another issuer that are believed."},
        {"upstream", "", .title = "acme", .is_example = true,
         TITLED(upstream, upstreams) = TOP(n_upstreams),
         .comment = "Another system whose keys end when ours do."},
        {"audit_sink", "", .title = "siem", .is_example = true,
         TITLED(audit_sink, audit_sinks) = TOP(n_audit_sinks),
         .comment = "Where audit events are posted besides Kafka."},
        {"log", "", .comment = "Lines on standard error."},
        {NULL, NULL, .comment = NULL},
};

const struct config_option config_options[] = {
        {"listen", "address", CONFIG_TEXT, .preset = "127.0.0.1:8080", .check = check_address,
         .offset = IN(listen, address), .comment = "host:port; an IPv6 address in brackets."},
        {"listen", "faces", CONFIG_FACES, .is_nonempty = true,
         .preset = "webhooks native contract_fit airisk authress oauth2 health",
         .check = check_face, .offset = IN(listen, faces),
         .comment = "Which APIs are served here."},
        {"listen", "tls_certificate", CONFIG_PATH, .preset = "",
         .offset = IN(listen, tls_certificate),
         .comment = "PEM file with the chain; empty = plain HTTP. A reload reads the file again; "
                    "another path needs a restart."},
        {"listen", "tls_key", CONFIG_PATH, .preset = "", .offset = IN(listen, tls_key),
         .comment = "PEM file with the private key; as for the certificate."},

        {"", "threads", CONFIG_UNSIGNED, .preset = "0", .min = 0, .max = 256,
         .offset = TOP(threads), .comment = "HTTP loops; 0 = one per core."},
        {"", "state_dir", CONFIG_TEXT, .is_nonempty = true, .preset = "/var/lib/chatelaine",
         .offset = TOP(state_dir),
         .comment = "Directory of database, secrets and admin socket. Relative paths in this file "
                    "are under it."},
        {"", "node", CONFIG_TEXT, .preset = "", .offset = TOP(node),
         .comment = "Name in events; empty = host name."},
        {"", "store", CONFIG_STORE, .preset = "sqlite:chatelaine.db", .check = check_store,
         .offset = TOP(store), .comment = "sqlite:FILE or postgresql://user@host/db."},
        {"", "secret_file", CONFIG_PATH, .is_nonempty = true, .preset = "secret.key",
         .offset = TOP(secret_file),
         .comment = "Pepper, sealing, checkpoint and token keys, versioned lines. Without it every "
                    "key is dead: keep it apart from the backup."},
        {"", "issuer", CONFIG_TEXT, .preset = "http://127.0.0.1:8080", .check = check_url,
         .offset = TOP(issuer),
         .comment = "Our origin as clients see it: the issuer of tokens, the start of links."},
        {"", "issuer_aliases", CONFIG_LIST, .is_reloaded = true, .preset = "", .check = check_url,
         .offset = TOP(issuer_aliases), .comment = "Other origins that clients may have used."},
        {"", "trusted_proxies", CONFIG_LIST, .preset = "", .check = check_network,
         .offset = TOP(trusted_proxies),
         .comment = "Addresses or blocks whose Forwarded and X-Forwarded-For are believed."},
        {"", "app_name", CONFIG_TEXT, .is_nonempty = true, .preset = "chatelaine",
         .offset = TOP(app_name), .comment = "The audience that an app's token must name."},
        {"", "account_id", CONFIG_TEXT, .is_reloaded = true, .is_nonempty = true,
         .preset = "acc-chatelaine-local", .check = check_account, .offset = TOP(account_id),
         .comment = "The account that Authress's API and its access keys name; access keys of "
                    "another are refused."},

        {"limits", "body", CONFIG_SIZE, .preset = "1MiB", .min = 1, .max = GIB,
         .offset = TOP(limits.body_bytes),
         .comment = "Bytes of a request's body, after decompression."},
        {"limits", "items", CONFIG_COUNT, .preset = "1000", .min = 1, .max = 100000,
         .offset = TOP(limits.items), .comment = "Webhooks in a batch."},
        {"limits", "depth", CONFIG_COUNT, .preset = "32", .min = 1, .max = 512,
         .offset = TOP(limits.depth), .comment = "Nesting of JSON."},
        {"limits", "connections", CONFIG_COUNT, .preset = "10000", .min = 1, .max = 1000000,
         .offset = TOP(limits.connections), .comment = "Connections of all listeners together."},
        {"limits", "queue", CONFIG_COUNT, .preset = "4096", .min = 1, .max = 1000000,
         .offset = TOP(limits.queue), .comment = "Writes that wait for the database."},
        {"limits", "header", CONFIG_SIZE, .preset = "16KiB", .min = 256, .max = MIB,
         .offset = TOP(limits.header_bytes), .comment = "Bytes of a request's line and headers."},
        {"limits", "request_timeout", CONFIG_DURATION, .preset = "30s", .min = 10, .max = DAY,
         .offset = TOP(limits.request_timeout_ms),
         .comment = "From a request's first byte to its last."},
        {"limits", "app_requests_per_second", CONFIG_COUNT, .is_reloaded = true, .preset = "0",
         .min = 0, .max = 1000000000, .offset = TOP(limits.app_requests_per_second),
         .comment = "Of one app; 0 = no limit."},
        {"limits", "app_items_per_second", CONFIG_COUNT, .is_reloaded = true, .preset = "0",
         .min = 0, .max = 1000000000, .offset = TOP(limits.app_items_per_second),
         .comment = "Of one app; 0 = no limit."},
        {"limits", "min_free_disk", CONFIG_SIZE, .is_reloaded = true, .preset = "256MiB", .min = 0,
         .max = 1024 * 1024 * GIB, .offset = TOP(limits.min_free_disk_bytes),
         .comment = "With less free under state_dir nothing is taken in; 0 = no limit."},

        {"kafka", "brokers", CONFIG_TEXT, .preset = "embedded", .check = check_brokers,
         .offset = TOP(kafka.brokers),
         .comment = "host:port,... | \"embedded\": in this process, newest 5 MiB a partition in "
                    "memory, for trying out | \"none\"."},
        {"kafka", "topic_prefix", CONFIG_TEXT, .preset = "chatelaine.", .check = check_topic_prefix,
         .offset = TOP(kafka.topic_prefix),
         .comment = "Put before \"webhooks\", \"keys\" and \"audit\"."},
        {"kafka", "webhook_data", CONFIG_BOOL, .preset = "false", .offset = TOP(kafka.webhook_data),
         .comment = "Whether events about webhooks carry the webhook's own data."},
        {"property", "value", CONFIG_TEXT, .is_required = true, .shown = "lz4",
         .offset = IN(property, value), .comment = "As librdkafka takes it."},

        {"retention", "webhooks", CONFIG_DURATION, .is_reloaded = true, .preset = "90d",
         .min = SECOND, .max = CENTURY, .offset = TOP(retention.webhooks_ms),
         .comment = "Webhooks, since they last changed."},
        {"retention", "events", CONFIG_DURATION, .is_reloaded = true, .preset = "30d",
         .min = SECOND, .max = CENTURY, .offset = TOP(retention.events_ms),
         .comment = "Events, once they are in Kafka."},
        {"retention", "ended_keys", CONFIG_DURATION, .is_reloaded = true, .preset = "90d",
         .min = SECOND, .max = CENTURY, .offset = TOP(retention.ended_keys_ms),
         .comment = "Keys that expired or were revoked."},

        {"keys", "default_life", CONFIG_DURATION, .is_reloaded = true, .preset = "24h",
         .min = SECOND, .max = CENTURY, .offset = TOP(keys.default_life_ms),
         .comment = "Of a key that is minted without an expiry."},
        {"keys", "longest_life", CONFIG_DURATION, .is_reloaded = true, .preset = "366d",
         .min = SECOND, .max = CENTURY, .offset = TOP(keys.longest_life_ms),
         .comment = "Asking for more is an error."},
        {"keys", "warn_before", CONFIG_DURATION, .is_reloaded = true, .preset = "1h", .min = 0,
         .max = CENTURY, .offset = TOP(keys.warn_before_ms),
         .comment = "When a key's coming end is told; 0 = never."},
        {"keys", "grace", CONFIG_DURATION, .is_reloaded = true, .preset = "2m", .min = 0,
         .max = CENTURY, .offset = TOP(keys.grace_ms),
         .comment = "How long a rotated key still works."},

        {"oauth", "access_tokens", CONFIG_TEXT, .is_reloaded = true, .preset = "jwt",
         .choices = "jwt|opaque", .offset = TOP(oauth.access_tokens),
         .comment = "Of /oauth2/token: jwt, signed (RFC 9068), or opaque. Either is looked up at "
                    "each use, and dead once it is revoked."},
        {"oauth", "life", CONFIG_DURATION, .is_reloaded = true, .preset = "1h", .min = SECOND,
         .max = DAY, .offset = TOP(oauth.life_ms),
         .comment = "Of an access token; also of those for AIRisk."},

        {"rule", "on", CONFIG_TEXT, .is_required = true, .is_reloaded = true,
         .shown = "document.done", .check = check_rule_on, .offset = IN(rule, on),
         .comment = "The item's type; a \"*\" at its end matches the rest."},
        {"rule", "app", CONFIG_TEXT, .is_reloaded = true, .preset = "",
         .check = check_slug_or_empty, .offset = IN(rule, app),
         .comment = "Slug of the only app whose webhooks count; empty = any."},
        {"rule", "revoke", CONFIG_TEXT, .is_required = true, .is_reloaded = true,
         .shown = "documents/{data.document_id}", .check = check_rule_template,
         .offset = IN(rule, revoke),
         .comment = "The resource whose keys end. {data.NAME}, {id}, {type}, {app}, {user_id}: "
                    "taken from the item."},
        {"rule", "requires", CONFIG_TEXT, .is_reloaded = true, .preset = "",
         .shown = "document:done", .check = check_slug_or_empty, .offset = IN(rule, requires),
         .comment = "The scope that an app that needs an agreement must have; empty = none."},

        {"trust", "issuer", CONFIG_TEXT, .is_required = true, .is_nonempty = true,
         .is_reloaded = true, .shown = "https://login.example.com", .offset = IN(trust, issuer),
         .comment = "The token's iss, to the letter."},
        {"trust", "audience", CONFIG_TEXT, .is_reloaded = true, .preset = "",
         .offset = IN(trust, audience), .comment = "The token's aud; empty = our issuer."},
        {"trust", "jwks", CONFIG_TEXT, .is_reloaded = true, .preset = "",
         .check = check_safe_url_or_empty, .offset = IN(trust, jwks),
         .comment = "URL of the issuer's keys, https:// (http:// on this machine alone); empty = "
                    "found through the issuer's metadata, and then the issuer is such a URL."},
        {"trust", "ca_file", CONFIG_PATH, .is_reloaded = true, .preset = "",
         .offset = IN(trust, ca_file),
         .comment = "PEM file of the authorities that may have signed the certificate of where the "
                    "keys are; empty = the system's."},

        {"upstream", "kind", CONFIG_TEXT, .is_required = true, .is_reloaded = true,
         .shown = "contract_fit", .choices = "contract_fit|airisk|authress|oauth2|http",
         .offset = IN(upstream, kind),
         .comment = "What API it speaks: contract_fit, airisk (nothing can be revoked there), "
                    "authress, oauth2 (RFC 7009), or http (one request, as written below)."},
        {"upstream", "url", CONFIG_TEXT, .is_required = true, .is_reloaded = true,
         .shown = "https://acme.example.com", .check = check_safe_url, .offset = IN(upstream, url),
         .comment = "contract_fit, authress, airisk: its origin. oauth2: its revocation endpoint. "
                    "http: what is asked for, with {token} where the token goes, "
                    "percent-encoded."},
        {"upstream", "username", CONFIG_TEXT, .is_reloaded = true, .preset = "",
         .offset = IN(upstream, username),
         .comment =
                 "Who we are there: a user of contract_fit, a client of oauth2 or http (Basic)."},
        {"upstream", "password_file", CONFIG_PATH, .is_reloaded = true, .preset = "",
         .offset = IN(upstream, password_file),
         .comment = "File with the password, without its trailing newline, that nobody else may "
                    "read; authress: with the access key."},
        {"upstream", "ca_file", CONFIG_PATH, .is_reloaded = true, .preset = "",
         .offset = IN(upstream, ca_file),
         .comment = "PEM file of the authorities that may have signed its certificate; empty = "
                    "the system's."},
        {"upstream", "method", CONFIG_TEXT, .is_reloaded = true, .preset = "DELETE",
         .check = check_method, .offset = IN(upstream, method), .comment = "http: the method."},
        {"upstream", "headers", CONFIG_LIST, .is_reloaded = true, .preset = "",
         .check = check_header, .offset = IN(upstream, headers),
         .comment = "http: further headers, \"Name: value\", with {token} and {password} in their "
                    "values."},
        {"upstream", "concurrency", CONFIG_COUNT, .is_reloaded = true, .preset = "8", .min = 1,
         .max = 64, .offset = IN(upstream, concurrency), .comment = "Requests at a time."},
        {"upstream", "timeout", CONFIG_DURATION, .is_reloaded = true, .preset = "30s", .min = 10,
         .max = 3600 * SECOND, .offset = IN(upstream, timeout_ms),
         .comment = "Of a request, until it is given up and tried again later."},

        {"audit_sink", "url", CONFIG_TEXT, .is_required = true, .is_reloaded = true,
         .shown = "https://siem.example.com/events", .check = check_safe_url,
         .offset = IN(audit_sink, url), .comment = "Where to post, one event a request, in order."},
        {"audit_sink", "secret_file", CONFIG_PATH, .is_reloaded = true, .preset = "",
         .offset = IN(audit_sink, secret_file),
         .comment = "File with the Standard Webhooks secret (whsec_...) that signs what is posted, "
                    "that nobody else may read; empty = unsigned."},
        {"audit_sink", "ca_file", CONFIG_PATH, .is_reloaded = true, .preset = "",
         .offset = IN(audit_sink, ca_file), .comment = "As an upstream's."},
        {"audit_sink", "timeout", CONFIG_DURATION, .is_reloaded = true, .preset = "30s", .min = 10,
         .max = 3600 * SECOND, .offset = IN(audit_sink, timeout_ms),
         .comment = "As an upstream's."},

        {"log", "level", CONFIG_TEXT, .is_reloaded = true, .preset = "info",
         .choices = "error|warn|info|debug", .offset = TOP(log.level),
         .comment = "error, warn, info or debug."},
        {"log", "format", CONFIG_TEXT, .is_reloaded = true, .preset = "json",
         .choices = "json|text", .offset = TOP(log.format), .comment = "json, or text for people."},
        {NULL, NULL, CONFIG_TEXT, .comment = NULL},
};

const struct config_section *config_section_find(const char *name)
{
        for (const struct config_section *s = config_sections; s->name; s++)
                if (strcmp(s->name, name) == 0)
                        return s;
        return NULL;
}

const struct config_option *config_option_find(const char *section, const char *name)
{
        for (const struct config_option *o = config_options; o->name; o++)
                if (strcmp(o->section, section) == 0 && strcmp(o->name, name) == 0)
                        return o;
        return NULL;
}

static const struct {
        const char *name;
        enum config_face bit;
} faces[] = {
        {"webhooks", FACE_WEBHOOKS},
        {"native", FACE_NATIVE},
        {"contract_fit", FACE_CONTRACT_FIT},
        {"airisk", FACE_AIRISK},
        {"authress", FACE_AUTHRESS},
        {"oauth2", FACE_OAUTH2},
        {"health", FACE_HEALTH},
};

unsigned config_face(struct span name)
{
        for (size_t i = 0; i < sizeof faces / sizeof faces[0]; i++)
                if (span_is(name, faces[i].name))
                        return faces[i].bit;
        return 0;
}

/* "16KiB", "1MiB", "2GiB", or bytes. */
static enum status parse_size(struct span text, int64_t *ret)
{
        static const struct {
                const char *name;
                int64_t bytes;
        } units[] = {{"KiB", KIB}, {"MiB", MIB}, {"GiB", GIB}};
        int64_t unit = 1;

        for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
                if (text.len > 3 && memcmp(text.p + text.len - 3, units[i].name, 3) == 0) {
                        unit = units[i].bytes;
                        text.len -= 3;
                        break;
                }
        }
        TRY(span_int64(text, ret, NULL));
        return __builtin_mul_overflow(*ret, unit, ret) ? STATUS_INVALID : STATUS_OK;
}

/* In the largest unit that is not larger than n. */
static void print_number(struct buf *out, enum config_type type, int64_t n)
{
        static const struct {
                int64_t one;
                const char *name;
        } units[][4] = {
                [CONFIG_UNSIGNED] = {{1, ""}},
                [CONFIG_COUNT] = {{1, ""}},
                [CONFIG_SIZE] = {{GIB, "GiB"}, {MIB, "MiB"}, {KIB, "KiB"}, {1, ""}},
                [CONFIG_DURATION] = {{DAY, "d"}, {SECOND, "s"}, {1, "ms"}},
        };
        size_t i = 0;
        while (units[type][i].one > 1 && n < units[type][i].one)
                i++;
        assert(units[type][i].one > 0);
        buf_int(out, n / units[type][i].one);
        buf_text(out, units[type][i].name);
}

void config_print_range(const struct config_option *o, struct buf *out)
{
        print_number(out, o->type, o->min);
        buf_text(out, " to ");
        print_number(out, o->type, o->max);
}

enum status config_number(const struct config_option *o, struct span text, int64_t *ret,
                          struct error *e)
{
        static const char *const wanted[] = {
                [CONFIG_UNSIGNED] = "a whole number",
                [CONFIG_COUNT] = "a whole number",
                [CONFIG_SIZE] = "a size: bytes, or a number with KiB, MiB or GiB",
                [CONFIG_DURATION] = "a duration: seconds, or numbers with w, d, h, m, s or ms",
        };
        int64_t n;
        enum status s = o->type == CONFIG_SIZE       ? parse_size(text, &n)
                        : o->type == CONFIG_DURATION ? clock_parse_duration(text, &n, NULL)
                                                     : span_int64(text, &n, NULL);
        if (s != STATUS_OK)
                return error_set(e, STATUS_INVALID, "invalid-config", NULL, "%s must be %s.",
                                 o->name, wanted[o->type]);
        if (n < o->min || n > o->max) {
                CLEANUP(buf_fini) struct buf range;
                buf_init(&range, 100);
                config_print_range(o, &range);
                return error_set(e, STATUS_INVALID, "invalid-config", NULL, "%s must be %s.",
                                 o->name, buf_view(&range).p);
        }
        *ret = n;
        return STATUS_OK;
}

static bool is_choice(const char *choices, struct span text)
{
        struct span rest = span_of(choices);
        while (rest.p)
                if (span_equal(span_split(rest, '|', &rest), text))
                        return true;
        return false;
}

enum status config_text_check(const struct config_option *o, struct span text, struct error *e)
{
        const char *wanted = o->check ? o->check(text) : NULL;

        if (o->is_nonempty && !text.len)
                return error_set(e, STATUS_INVALID, "invalid-config", NULL, "%s must not be empty.",
                                 o->name);
        if (o->choices && !is_choice(o->choices, text))
                return error_set(e, STATUS_INVALID, "invalid-config", NULL, "%s must be one of %s.",
                                 o->name, o->choices);
        if (wanted)
                return error_set(e, STATUS_INVALID, "invalid-config", NULL, "%s must be %s.",
                                 o->name, wanted);
        return STATUS_OK;
}

size_t config_count(const struct config *c, const struct config_section *s)
{
        return s->title ? *(const size_t *)((const char *)c + s->count_offset) : 1;
}

void *config_element(const struct config *c, const struct config_section *s, size_t i)
{
        char *first;
        if (!s->title)
                return (void *)c;
        memcpy(&first, (const char *)c + s->array_offset, sizeof first);
        return first + i * s->element_size;
}
