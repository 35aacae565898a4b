/* init, check-config, backup, restore, secret rotate, migrate. */
#include "app/commands.h"
#include "app/engine.h"
#include "app/files.h"

#include <chatelaine/codec_text.h>
#include <chatelaine/domain_users.h>
#include <chatelaine/publish.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define DEFAULT_DIR "/var/lib/chatelaine"
#define SOCKET_PATH_SIZE sizeof(((struct sockaddr_un *)NULL)->sun_path)
#define PASSWORD_LENGTH 24 /* base62: 142 bits */

/* ---- init ---- */

struct init {
        const char *dir, *config_path;
        struct buf password;
        bool is_made; /* the password was made here: print it */
};

/* The first administrator, through the ledger like any other. */
static enum status create_admin(struct engine *g, const struct init *in, struct error *e)
{
        struct user_create *c;
        struct grant grant = {.role = SPAN("admin"), .resource = SPAN("*")};
        enum status s;

        TRY(user_create_new(g->domain, g->settings, &c, e));
        c->name = SPAN("admin");
        c->grants = &grant;
        c->n_grants = 1;
        c->base.caller = (struct caller){.kind = CALLER_JOB, .id = "init"};
        c->base.audit = (struct audit){.action = "user.create", .target_kind = "user", .count = -1};
        s = password_hash(buf_view(&in->password), c->password_hash, e);
        if (s == STATUS_OK)
                s = domain_run(&c->base, e);
        domain_command_free(&c->base);
        return s;
}

static enum status fill_dir(const struct init *in, struct error *e)
{
        struct engine_options o = {0};
        struct engine g;
        struct buf text;
        enum status s;

        buf_init(&text, 1 << 20);
        s = config_write_default(in->dir, &text, e);
        if (s == STATUS_OK)
                s = file_write_new(in->config_path, buf_view(&text), e);
        buf_fini(&text);
        TRY(s);
        TRY(config_load(in->config_path, &o.take_config, e));
        s = secrets_create(o.take_config->secret_file, e);
        if (s == STATUS_OK)
                s = publish_event_bytes_max(o.take_config, &o.event_bytes_max, e);
        if (s != STATUS_OK) {
                config_free(o.take_config);
                return s;
        }
        TRY(engine_open(&o, &g, e));
        s = create_admin(&g, in, e);
        engine_close(&g);
        return s;
}

/* What a failed init made, so that it can be run again. */
static void empty_dir(const char *dir)
{
        static const char *const names[] = {"chatelaine.conf",   "secret.key",
                                            "chatelaine.db",     "chatelaine.db-wal",
                                            "chatelaine.db-shm", "state.lock"};
        char path[4096];

        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
                snprintf(path, sizeof path, "%s/%s", dir, names[i]);
                unlink(path);
        }
}

static void print_init(const struct cli *c, const struct init *in)
{
        const char *password = in->is_made ? in->password.data : NULL;

        if (c->is_json) {
                struct buf b;
                buf_init(&b, 65536);
                json_obj_open(&b);
                json_member_text(&b, "dir", span_of(in->dir));
                json_member_text(&b, "config", span_of(in->config_path));
                json_member_text(&b, "user", SPAN("admin"));
                json_member_text(&b, "password", span_of(password));
                json_obj_close(&b);
                printf("%s\n", b.data);
                buf_fini_secret(&b);
                return;
        }
        printf("state directory: %s\nconfiguration: %s\nadministrator: admin\n", in->dir,
               in->config_path);
        if (password)
                printf("password: %s\n(it is not shown again)\n", password);
        printf("\nKeep %s/secret.key apart from backups of the database: without it no key verifies.\n"
               "Start with: chatelaine serve --config %s\n",
               in->dir, in->config_path);
}

enum cli_exit cmd_init(struct cli *c)
{
        struct init in = {0};
        struct error e;
        enum status s;

        umask(077);
        buf_init(&in.password, 1024);
        s = dir_make(cli_has(c, "dir") ? cli_value(c, "dir") : DEFAULT_DIR, &c->arena, &in.dir, &e);
        if (s == STATUS_OK && strlen(in.dir) + strlen("/admin.sock") >= SOCKET_PATH_SIZE)
                s = error_set(&e, STATUS_INVALID, "dir-too-long", in.dir,
                              "the name is too long: a socket in it has room for %zu bytes",
                              SOCKET_PATH_SIZE - 1 - strlen("/admin.sock"));
        if (s == STATUS_OK) {
                in.config_path = arena_printf(&c->arena, "%s/chatelaine.conf", in.dir);
                if (access(in.config_path, F_OK) == 0 || !dir_lacks(in.dir, "secret.key") ||
                    !dir_lacks(in.dir, "chatelaine.db"))
                        s = error_set(
                                &e, STATUS_CONFLICT, "already-initialised", in.dir,
                                "the directory holds a configuration, a secret file or a database already");
        }
        if (s == STATUS_OK && cli_has(c, "password-file")) {
                s = cli_read_file(cli_value(c, "password-file"), 1024, true, &in.password, &e);
                if (s == STATUS_OK && !in.password.len)
                        s = error_set(&e, STATUS_INVALID, "empty-password",
                                      cli_value(c, "password-file"), "the file is empty");
        } else if (s == STATUS_OK) {
                char text[PASSWORD_LENGTH];
                base62_random(text, sizeof text);
                buf_append(&in.password, text, sizeof text);
                wipe(text, sizeof text);
                in.is_made = true;
        }
        if (s == STATUS_OK) {
                s = fill_dir(&in, &e);
                if (s != STATUS_OK)
                        empty_dir(in.dir);
        }
        if (s == STATUS_OK)
                print_init(c, &in);
        buf_fini_secret(&in.password);
        return s == STATUS_OK ? CLI_FINE : cli_fail(c, &e);
}

/* ---- check-config ---- */

enum cli_exit cmd_check_config(struct cli *c)
{
        const char *path = c->n_args ? c->args[0] : c->config_path;
        struct config *config;
        struct settings *settings;
        size_t event_bytes_max;
        struct error e;

        if (config_load(path, &config, &e) != STATUS_OK)
                goto wrong;
        if (publish_event_bytes_max(config, &event_bytes_max, &e) != STATUS_OK) {
                config_free(config);
                goto wrong;
        }
        if (settings_new(config, &settings, &e) != STATUS_OK)
                goto wrong;
        settings_unref(settings);
        if (c->is_json)
                puts("{\"ok\":true}");
        else
                printf("%s: ok\n", path);
        return CLI_FINE;
wrong:
        if (c->is_json)
                return cli_fail(c, &e);
        fprintf(stderr, "%s: %s\n", e.where[0] ? e.where : path, e.text);
        return CLI_FAILED;
}

/* ---- backup, restore ---- */

enum cli_exit cmd_backup(struct cli *c)
{
        char cwd[4096];
        struct buf body;

        if (c->args[0][0] != '/' && !getcwd(cwd, sizeof cwd))
                return cli_misuse(c, "the current directory is gone: give an absolute path");
        admin_open(&body);
        json_member_text(&body, "path",
                         span_of(c->args[0][0] == '/'
                                         ? c->args[0]
                                         : arena_printf(&c->arena, "%s/%s", cwd, c->args[0])));
        return admin_call(c, "POST", &body, "/v1/admin/backup");
}

/* Is the copy at `path` a database of ours, of no newer schema? */
static enum status check_copy(const char *path, struct arena *a, struct error *e)
{
        struct store *store;
        unsigned have = 0, want = 0;
        enum status s;

        TRY(store_open(arena_printf(a, "sqlite:%s", path), false, &store, e));
        s = store_schema_version(store, &have, &want, e);
        store_close(store);
        TRY(s);
        if (have == 0)
                return error_set(e, STATUS_INVALID, "not-a-backup", path,
                                 "the file is no database of chatelaine's");
        if (have > want)
                return error_set(
                        e, STATUS_CONFLICT, "schema-newer", path,
                        "its schema is %u, this program knows %u: use the program that made it",
                        have, want);
        return STATUS_OK;
}

/*
 * Where the state directory's configuration names another database, a daemon would go on with that
 * one, and nobody would know. One that is not there yet, or that serve refuses, tells nothing.
 */
static enum status check_place(const char *config_path, const char *db, struct error *e)
{
        char dir[PATH_MAX], real[PATH_MAX];
        struct config *config;
        struct span path, name;
        enum status s = STATUS_OK;

        if (config_load(config_path, &config, NULL) != STATUS_OK)
                return STATUS_OK;
        path = span_of(config->store);
        name = span_of(strrchr(config->store, '/'));
        if (span_starts(path, "sqlite:"))
                path = span_make(path.p + 7, path.len - 7);
        snprintf(dir, sizeof dir, "%.*s", (int)(path.len - name.len), path.p);
        if (!realpath(dir, real) || !span_starts(span_of(db), real) ||
            !span_equal(name, span_of(db + strlen(real))))
                s = error_set(e, STATUS_CONFLICT, "store-elsewhere", config_path,
                              "its store is %s, and not %s: a daemon would not see the backup",
                              config->store, db);
        config_free(config);
        return s;
}

/* A database that is there is moved aside, never overwritten; not while a daemon runs on it. */
static enum status set_aside(const char *db, struct arena *a, const char **ret_aside,
                             struct error *e)
{
        struct store *store;
        char at[CLOCK_RFC3339_SIZE];

        if (access(db, F_OK) != 0)
                return STATUS_OK;
        TRY(store_open(arena_printf(a, "sqlite:%s", db), true, &store, e));
        store_close(store);
        clock_rfc3339(clock_now_ms(), at);
        *ret_aside = arena_printf(a, "%s.before-restore-%s", db, at);
        if (rename(db, *ret_aside) != 0)
                return error_set(e, STATUS_INTERNAL, "restore-failed", db, "%s", strerror(errno));
        for (int i = 0; i < 2; i++) { /* empty after a clean close; they belong to the one moved */
                const char *tail = i ? "-shm" : "-wal";
                if (rename(arena_printf(a, "%s%s", db, tail),
                           arena_printf(a, "%s%s", *ret_aside, tail)) != 0 &&
                    errno != ENOENT)
                        return error_set(e, STATUS_INTERNAL, "restore-failed", db, "%s",
                                         strerror(errno));
        }
        return STATUS_OK;
}

static enum status restore(struct cli *c, const char *dir, const char **ret_aside, struct error *e)
{
        const char *db = arena_printf(&c->arena, "%s/chatelaine.db", dir);
        const char *copy = arena_printf(&c->arena, "%s/chatelaine.db.restoring", dir);
        const char *config = arena_printf(&c->arena, "%s/chatelaine.conf", dir);
        struct buf text;
        enum status s;

        *ret_aside = NULL;
        TRY(check_place(config, db, e));
        unlink(copy); /* of a restore that was cut off */
        s = file_copy_new(c->args[0], copy, e);
        if (s == STATUS_OK)
                s = check_copy(copy, &c->arena, e);
        if (s == STATUS_OK)
                s = set_aside(db, &c->arena, ret_aside, e);
        if (s == STATUS_OK && rename(copy, db) != 0)
                s = error_set(e, STATUS_INTERNAL, "restore-failed", db, "%s", strerror(errno));
        if (s == STATUS_OK)
                s = dir_sync(dir, e);
        if (s != STATUS_OK)
                unlink(copy);
        if (s == STATUS_OK && access(config, F_OK) != 0) {
                buf_init(&text, 1 << 20);
                s = config_write_default(dir, &text, e);
                if (s == STATUS_OK)
                        s = file_write_new(config, buf_view(&text), e);
                buf_fini(&text);
        }
        return s;
}

enum cli_exit cmd_restore(struct cli *c)
{
        const char *dir, *aside;
        struct error e;

        if (!cli_needs(c, "dir"))
                return CLI_USAGE;
        umask(077);
        if (dir_make(cli_value(c, "dir"), &c->arena, &dir, &e) != STATUS_OK ||
            restore(c, dir, &aside, &e) != STATUS_OK)
                return cli_fail(c, &e);
        if (c->is_json) {
                struct buf b;
                buf_init(&b, 65536);
                json_obj_open(&b);
                json_member_bool(&b, "restored", true);
                json_member_text(&b, "database",
                                 span_of(arena_printf(&c->arena, "%s/chatelaine.db", dir)));
                json_member_text(&b, "aside", span_of(aside));
                json_member_bool(&b, "has_secret_file", !dir_lacks(dir, "secret.key"));
                json_obj_close(&b);
                printf("%s\n", b.data ? b.data : "");
                buf_fini(&b);
                return CLI_FINE;
        }
        printf("restored into %s/chatelaine.db\n", dir);
        if (aside)
                printf("the database that was there is %s\n", aside);
        if (dir_lacks(dir, "secret.key"))
                printf("put the secret file that belongs to it at %s/secret.key: without it no key verifies\n",
                       dir);
        return CLI_FINE;
}

/* ---- secret rotate, migrate ---- */

enum cli_exit cmd_secret_rotate(struct cli *c)
{
        return admin_call(c, "POST", NULL, "/v1/admin/secrets/rotate");
}

enum cli_exit cmd_migrate(struct cli *c)
{
        struct store *store;
        unsigned before = 0, have = 0, want = 0;
        struct error e;
        enum status s;

        if (!cli_config(c))
                return CLI_FAILED;
        if (store_open(c->config->store, true, &store, &e) != STATUS_OK)
                return cli_fail(c, &e);
        s = store_schema_version(store, &before, &want, &e);
        if (s == STATUS_OK)
                s = store_migrate(store, &e);
        if (s == STATUS_OK)
                s = store_schema_version(store, &have, &want, &e);
        store_close(store);
        if (s != STATUS_OK)
                return cli_fail(c, &e);
        if (c->is_json)
                printf("{\"from\":%u,\"to\":%u}\n", before, have);
        else
                printf("schema %u%s\n", have,
                       before == have ? ", already up to date" : ", carried forward");
        return CLI_FINE;
}
