/* What depends on more than one value of a configuration. */
#include "base/config_check.h"
#include "base/config_load.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

static enum status resolve_state_dir(struct loading *l)
{
        struct config *c = l->config;
        char host[256] = "", cwd[4096];

        if (c->state_dir[0] != '/') {
                if (!getcwd(cwd, sizeof cwd))
                        return error_set(l->e, STATUS_INTERNAL, "getcwd", NULL, "getcwd: %s",
                                         strerror(errno));
                const char *dir =
                        strncmp(c->state_dir, "./", 2) == 0 ? c->state_dir + 2 : c->state_dir;
                c->state_dir =
                        arena_printf(l->arena, "%s/%s", strcmp(cwd, "/") == 0 ? "" : cwd, dir);
        }
        if (!*c->node) {
                if (gethostname(host, sizeof host - 1) < 0 || !*host)
                        return FAIL(l, config_scan_line(&l->scan, "", 0, "node"),
                                    "node is empty, and this host has no name.");
                c->node = arena_dup(l->arena, span_of(host));
        }
        return c->state_dir && c->node ? STATUS_OK : error_no_memory(l->e);
}

static enum status resolve_path(struct loading *l, enum config_type type, char **path)
{
        static const char sqlite[] = "sqlite:";
        const char *prefix = "", *file = *path;

        assert(file); /* every option has its value by now */
        if (type == CONFIG_STORE) {
                if (!span_starts(span_of(*path), sqlite))
                        return STATUS_OK;
                prefix = sqlite;
                file += strlen(sqlite);
        }
        if (!*file || *file == '/')
                return STATUS_OK;
        char *resolved = arena_printf(l->arena, "%s%s/%s", prefix, l->config->state_dir, file);
        if (!resolved)
                return error_no_memory(l->e);
        *path = resolved;
        return STATUS_OK;
}

static enum status resolve_paths(struct loading *l)
{
        TRY(resolve_state_dir(l));
        for (const struct config_option *o = config_options; o->name; o++) {
                const struct config_section *s = config_section_find(o->section);
                if (o->type != CONFIG_PATH && o->type != CONFIG_STORE)
                        continue;
                for (size_t i = 0; i < config_count(l->config, s); i++)
                        TRY(resolve_path(l, o->type,
                                         config_at(config_element(l->config, s, i), o->offset)));
        }
        return STATUS_OK;
}

static enum status check_listens(struct loading *l)
{
        const struct config *c = l->config;

        for (unsigned i = 0; i < c->n_listens; i++) {
                const struct config_listen *one = &c->listens[i];
                if (!*one->tls_certificate != !*one->tls_key)
                        return FAIL(
                                l, config_scan_line(&l->scan, "listen", i, "tls_certificate"),
                                "listen \"%s\" needs both tls_certificate and tls_key, or neither.",
                                one->name);
                bool is_any_port = strcmp(strrchr(one->address, ':'), ":0") == 0;
                for (unsigned k = 0; k < i && !is_any_port; k++)
                        if (strcmp(c->listens[k].address, one->address) == 0)
                                return FAIL(l, config_scan_line(&l->scan, "listen", i, "address"),
                                            "listen \"%s\" has the address of listen \"%s\".",
                                            one->name, c->listens[k].name);
        }
        return STATUS_OK;
}

/* A request that does not name the token revokes nothing, or everything. */
static enum status check_upstreams(struct loading *l)
{
        for (unsigned i = 0; i < l->config->n_upstreams; i++) {
                const struct config_upstream *u = &l->config->upstreams[i];
                bool has_token = strcmp(u->kind, "http") != 0 || strstr(u->url, "{token}");
                for (size_t k = 0; k < u->headers.n && !has_token; k++)
                        has_token = strstr(u->headers.items[k], "{token}");
                if (!has_token)
                        return FAIL(l, config_scan_line(&l->scan, "upstream", i, "url"),
                                    "upstream \"%s\" needs {token} in its url or headers.",
                                    u->name);
        }
        return STATUS_OK;
}

/* Equal, or a path of it. */
static bool is_of_origin(const char *issuer, const char *origin)
{
        size_t n = strlen(origin);
        return strncmp(issuer, origin, n) == 0 && (!issuer[n] || issuer[n] == '/');
}

/* Tokens of such an issuer are ours, or our clients' own. */
static bool is_our_issuer(const struct config *c, const char *issuer)
{
        bool is_ours = is_of_origin(issuer, c->issuer);
        for (size_t i = 0; i < c->issuer_aliases.n; i++)
                is_ours |= is_of_origin(issuer, c->issuer_aliases.items[i]);
        return is_ours;
}

/* Who issued a token must be certain, and where its keys are. */
static enum status check_trusts(struct loading *l)
{
        const struct config *c = l->config;
        for (unsigned i = 0; i < c->n_trusts; i++) {
                const struct config_trust *t = &c->trusts[i];
                unsigned line = config_scan_line(&l->scan, "trust", i, "issuer");
                const char *wanted = check_safe_url_or_empty(span_of(*t->jwks ? "" : t->issuer));
                if (wanted)
                        return FAIL(l, line, "trust \"%s\" needs jwks, or an issuer that is %s.",
                                    t->name, wanted);
                if (is_our_issuer(c, t->issuer))
                        return FAIL(l, line, "trust \"%s\" has an issuer that is ours.", t->name);
                for (unsigned k = 0; k < i; k++)
                        if (strcmp(c->trusts[k].issuer, t->issuer) == 0)
                                return FAIL(l, line, "trust \"%s\" has the issuer of trust \"%s\".",
                                            t->name, c->trusts[k].name);
        }
        return STATUS_OK;
}

static enum status check_agreement(struct loading *l)
{
        struct config *c = l->config;

        TRY(check_listens(l));
        TRY(check_trusts(l));
        TRY(check_upstreams(l));
        for (unsigned i = 0; i < c->n_rules; i++)
                c->rules[i].line = config_scan_line(&l->scan, "rule", i, NULL);
        for (unsigned i = 0; i < c->kafka.n_properties; i++)
                c->kafka.properties[i].line = config_scan_line(&l->scan, "property", i, NULL);
        if (c->keys.default_life_ms > c->keys.longest_life_ms) {
                unsigned line = config_scan_line(&l->scan, "keys", 0, "default_life");
                return FAIL(l, line, "keys.default_life must not be more than keys.longest_life.");
        }
        return STATUS_OK;
}

enum status config_settle(struct loading *l)
{
        TRY(resolve_paths(l));
        return check_agreement(l);
}
