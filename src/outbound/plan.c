#include "outbound/plan.h"

#include <chatelaine/codec_crypto.h>
#include <chatelaine/codec_text.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PASSWORD_BYTES_MAX 8192
#define SESSION_BYTES_MAX 8192
#define ARENA_BYTES_MAX ((size_t)8 << 20)

static const struct connector *const connectors[] = {
        &contract_fit_connector, &airisk_connector, &authress_connector,
        &oauth2_connector,       &http_connector,
};

/* ---- files ---- */

/* systemd's credentials are readable as the unit says. */
static bool is_credential(const char *path)
{
        const char *dir = getenv("CREDENTIALS_DIRECTORY");
        return dir && *dir && strncmp(path, dir, strlen(dir)) == 0 && path[strlen(dir)] == '/';
}

static enum status check_mode(int fd, const char *path, struct error *e)
{
        struct stat st;
        if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
                return error_set(e, STATUS_INVALID, "password-file-invalid", path,
                                 "It is not a regular file.");
        if ((st.st_mode & 077) && !is_credential(path))
                return error_set(e, STATUS_DENIED, "password-file-mode", path,
                                 "Others may read or write it: chmod 600.");
        return STATUS_OK;
}

static enum status read_all(int fd, const char *path, struct buf *out, struct error *e)
{
        char piece[1024];
        ssize_t n;
        while ((n = read(fd, piece, sizeof piece)) > 0)
                buf_append(out, piece, (size_t)n);
        wipe(piece, sizeof piece);
        if (n < 0)
                return error_set(e, STATUS_INTERNAL, "password-file-io", path, "%s",
                                 strerrordesc_np(errno));
        TRY(buf_check(out, e));
        if (out->len > 0 && out->data[out->len - 1] == '\n')
                out->len--;
        if (out->len > 0 && out->data[out->len - 1] == '\r')
                out->len--;
        if (out->len == 0)
                return error_set(e, STATUS_INVALID, "password-file-invalid", path, "It is empty.");
        out->data[out->len] = '\0';
        return STATUS_OK;
}

/* "" = there is none. */
static enum status read_password(const char *path, struct buf *out, struct error *e)
{
        if (!*path)
                return STATUS_OK;
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0)
                return error_set(e, STATUS_NOT_FOUND, "password-file-missing", path, "%s",
                                 strerrordesc_np(errno));
        enum status s = check_mode(fd, path, e);
        if (s == STATUS_OK)
                s = read_all(fd, path, out, e);
        close(fd);
        return s;
}

/* ---- parts ---- */

static enum status copy_text(struct plan *p, const char *from, char **to, struct error *e)
{
        *to = arena_dup(&p->arena, span_of(from));
        return *to ? STATUS_OK : error_no_memory(e);
}

static enum status copy_headers(struct plan *p, const struct config_list *from,
                                struct config_list *to, struct error *e)
{
        to->items = arena_alloc(&p->arena, (from->n + 1) * sizeof *to->items);
        if (!to->items)
                return error_no_memory(e);
        for (; to->n < from->n; to->n++)
                TRY(copy_text(p, from->items[to->n], &to->items[to->n], e));
        return STATUS_OK;
}

static const struct connector *connector_of(const char *kind)
{
        for (size_t i = 0; i < sizeof connectors / sizeof connectors[0]; i++)
                if (strcmp(connectors[i]->kind, kind) == 0)
                        return connectors[i];
        return NULL;
}

static enum status open_upstream(struct plan *p, const struct config_upstream *c,
                                 struct upstream *u, struct error *e)
{
        buf_init(&u->password, PASSWORD_BYTES_MAX);
        buf_init(&u->session, SESSION_BYTES_MAX);
        p->n_upstreams++; /* from here on plan_unref finds what is to be wiped */
        u->concurrency = c->concurrency;
        u->timeout_ms = c->timeout_ms;
        u->connector = connector_of(c->kind);
        if (!u->connector)
                return error_set(e, STATUS_INVALID, "unknown-kind", c->name,
                                 "No connector is of kind %s.", c->kind);
        TRY(copy_text(p, c->name, &u->name, e));
        TRY(copy_text(p, c->url, &u->url, e));
        TRY(copy_text(p, c->username, &u->username, e));
        TRY(copy_text(p, c->ca_file, &u->ca_file, e));
        TRY(copy_text(p, c->method, &u->method, e));
        TRY(copy_headers(p, &c->headers, &u->headers, e));
        TRY(read_password(c->password_file, &u->password, e));
        return u->connector->open ? u->connector->open(u, e) : STATUS_OK;
}

static enum status read_signing_key(const char *path, struct buf *out, struct error *e)
{
        static const char prefix[] = "whsec_";
        CLEANUP(buf_fini_secret) struct buf text;
        buf_init(&text, PASSWORD_BYTES_MAX);
        TRY(read_password(path, &text, e));
        struct span key = buf_view(&text);
        if (!key.len)
                return STATUS_OK;
        if (!span_starts(key, prefix) ||
            base64_decode_lenient(out, span_make(key.p + strlen(prefix), key.len - strlen(prefix)),
                                  NULL) != STATUS_OK ||
            out->len == 0)
                return error_set(e, STATUS_INVALID, "password-file-invalid", path,
                                 "It must hold a Standard Webhooks secret: whsec_...");
        return STATUS_OK;
}

static enum status open_sink(struct plan *p, const struct config_audit_sink *c,
                             struct sink_target *s, struct error *e)
{
        buf_init(&s->secret, PASSWORD_BYTES_MAX);
        p->n_sinks++;
        s->timeout_ms = c->timeout_ms;
        TRY(copy_text(p, c->name, &s->name, e));
        TRY(copy_text(p, c->url, &s->url, e));
        TRY(copy_text(p, c->ca_file, &s->ca_file, e));
        return read_signing_key(c->secret_file, &s->secret, e);
}

static enum status open_trust(struct plan *p, const struct config_trust *c, struct trust_target *t,
                              struct error *e)
{
        p->n_trusts++;
        TRY(copy_text(p, c->name, &t->name, e));
        TRY(copy_text(p, c->issuer, &t->issuer, e));
        TRY(copy_text(p, c->jwks, &t->jwks, e));
        return copy_text(p, c->ca_file, &t->ca_file, e);
}

static enum status fill(struct plan *p, const struct config *c, struct error *e)
{
        p->upstreams = arena_alloc(&p->arena, (c->n_upstreams + 1) * sizeof *p->upstreams);
        p->sinks = arena_alloc(&p->arena, (c->n_audit_sinks + 1) * sizeof *p->sinks);
        p->trusts = arena_alloc(&p->arena, (c->n_trusts + 1) * sizeof *p->trusts);
        if (!p->upstreams || !p->sinks || !p->trusts)
                return error_no_memory(e);
        TRY(copy_text(p, c->node, &p->node, e));
        for (size_t i = 0; i < c->n_upstreams; i++)
                TRY(open_upstream(p, &c->upstreams[i], &p->upstreams[i], e));
        for (size_t i = 0; i < c->n_audit_sinks; i++)
                TRY(open_sink(p, &c->audit_sinks[i], &p->sinks[i], e));
        for (size_t i = 0; i < c->n_trusts; i++)
                TRY(open_trust(p, &c->trusts[i], &p->trusts[i], e));
        return STATUS_OK;
}

enum status plan_new(const struct config *c, struct plan **ret, struct error *e)
{
        struct plan *p = calloc(1, sizeof *p);
        if (!p)
                return error_no_memory(e);
        p->refs = 1;
        arena_init(&p->arena, ARENA_BYTES_MAX);
        enum status s = fill(p, c, e);
        if (s != STATUS_OK) {
                plan_unref(p);
                return s;
        }
        *ret = p;
        return STATUS_OK;
}

void plan_unref(struct plan *p)
{
        if (!p || --p->refs > 0)
                return;
        for (size_t i = 0; i < p->n_upstreams; i++) {
                buf_fini_secret(&p->upstreams[i].password);
                buf_fini_secret(&p->upstreams[i].session);
                pkey_free(p->upstreams[i].key);
        }
        for (size_t i = 0; i < p->n_sinks; i++)
                buf_fini_secret(&p->sinks[i].secret);
        arena_fini(&p->arena);
        free(p);
}
