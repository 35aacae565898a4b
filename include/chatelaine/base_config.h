/*
 * base_config: the configuration file, read through libconfuse.
 *
 * One table (src/base/config_options.c) names every option: section, name,
 * type, default, range, whether a reload takes it, and its comment. The file
 * that `chatelaine init` writes is printed from the same table. A snapshot is
 * immutable: a reload makes a new one. Unknown option, wrong type, out of
 * range, unset ${VAR}: INVALID with where = "file:line".
 *
 * Thread: config_load and config_free on the main thread only (libconfuse).
 */
#ifndef CHATELAINE_BASE_CONFIG_H
#define CHATELAINE_BASE_CONFIG_H

#include <chatelaine/base_buf.h>
#include <stdio.h>

struct config_list { /* of strings */
        char **items;
        size_t n;
};

/* Bits. */
enum config_face {
        FACE_WEBHOOKS = 1,
        FACE_NATIVE = 2,
        FACE_CONTRACT_FIT = 4,
        FACE_AIRISK = 8,
        FACE_AUTHRESS = 16,
        FACE_OAUTH2 = 32,
        FACE_HEALTH = 64,
        FACE_ALL = 127
};
struct config_listen {
        char *name, *address;
        unsigned faces;
        char *tls_certificate, *tls_key;
};
struct config_property {
        char *name, *value;
        unsigned line; /* 0 = not from a file */
};
struct config_rule {
        char *name, *on, *app, *revoke, *requires;
        unsigned line;
};
struct config_trust {
        char *name, *issuer, *audience, *jwks, *ca_file;
};
struct config_upstream {
        char *name, *kind, *url, *username, *password_file, *ca_file, *method;
        struct config_list headers;
        int64_t concurrency, timeout_ms;
};
struct config_audit_sink {
        char *name, *url, *secret_file, *ca_file;
        int64_t timeout_ms;
};

struct config {
        char *path; /* the file, as given */
        struct config_listen *listens;
        size_t n_listens;
        unsigned threads;                      /* as configured; 0 = one per core */
        char *state_dir, *store, *secret_file; /* paths absolute */
        char *node;                            /* never empty */
        char *issuer, *app_name, *account_id;
        struct config_list issuer_aliases, trusted_proxies;
        struct {
                int64_t body_bytes, header_bytes, request_timeout_ms;
                int64_t items, depth, connections, queue;
                int64_t app_requests_per_second, app_items_per_second, min_free_disk_bytes;
        } limits;
        struct {
                char *brokers, *topic_prefix;
                bool webhook_data;
                struct config_property *properties;
                size_t n_properties;
        } kafka;
        struct {
                int64_t webhooks_ms, events_ms, ended_keys_ms;
        } retention;
        struct {
                int64_t default_life_ms, longest_life_ms, warn_before_ms, grace_ms;
        } keys;
        struct {
                char *access_tokens; /* "jwt" or "opaque" */
                int64_t life_ms;
        } oauth;
        struct config_rule *rules;
        size_t n_rules;
        struct config_trust *trusts;
        size_t n_trusts;
        struct config_upstream *upstreams;
        size_t n_upstreams;
        struct config_audit_sink *audit_sinks;
        size_t n_audit_sinks;
        struct {
                char *level, *format;
        } log;
};

/* Read and check the file. INVALID with where = "path:line"; NOT_FOUND when there is none. */
enum status config_load(const char *path, struct config **ret, struct error *e) MUST_CHECK;
void config_free(struct config *c);
/* The default file, every option with its comment; `state_dir` as given. */
enum status config_write_default(const char *state_dir, struct buf *out,
                                 struct error *e) MUST_CHECK;
/* What differs and needs a restart, into out: option names, comma separated. */
void config_restart_needed(const struct config *old, const struct config *now, struct buf *out);
/* A reload: `now` gets back what only a restart changes. Texts stay `running`'s, which must live at
 * least as long. */
void config_keep(const struct config *running, struct config *now);

/* A URL as what a path is put behind: without a "/" at its end. */
struct span config_url_base(struct span url);

/* What a request that proves or fetches a credential may go to: https://, or http:// on this
 * machine; no name or password in it. `is_local` (may be NULL): it is of the second kind. */
bool config_url_is_safe(struct span url, bool *is_local);

/* The version of libconfuse; "" where the library does not tell. */
const char *config_library(void);

#endif
