/*
 * Schema versions. The version is the file's user_version; each migration and the
 * version that it leads to are one transaction.
 */
#include "store/migrations.h"
#include "store/sqlite.h"

#include <chatelaine/base_log.h>
#include <stdio.h>

static unsigned newest(void)
{
        unsigned n = 0;

        while (store_migrations_sqlite[n].number != 0)
                n++;
        return n;
}

static enum status have(sqlite3 *db, unsigned *ret, struct error *e)
{
        int64_t n;

        TRY(sqlite_pragma_int(db, "PRAGMA user_version", &n, e));
        if (n < 0)
                return error_set(e, STATUS_INTERNAL, "store-corrupt", NULL,
                                 "the schema version is %lld", (long long)n);
        *ret = (unsigned)n;
        return STATUS_OK;
}

enum status store_conn_schema_version(struct store_conn *c, unsigned *ret_have, unsigned *ret_want,
                                      struct error *e)
{
        TRY(have(c->db, ret_have, e));
        *ret_want = newest();
        return STATUS_OK;
}

enum status store_schema_version(struct store *s, unsigned *ret_have, unsigned *ret_want,
                                 struct error *e)
{
        sqlite3 *db;
        unsigned version;

        TRY(sqlite_open_db(s->path, &db, e));
        enum status status = have(db, &version, e);
        sqlite3_close(db);
        TRY(status);
        *ret_have = version;
        *ret_want = newest();
        return STATUS_OK;
}

static enum status apply(sqlite3 *db, const struct store_migration *m, struct error *e)
{
        char version[48];
        snprintf(version, sizeof version, "PRAGMA user_version=%u", m->number);

        TRY(sqlite_run(db, "BEGIN IMMEDIATE", e));
        enum status s = sqlite_run(db, m->sql, e);
        if (s == STATUS_OK)
                s = sqlite_run(db, version, e);
        if (s == STATUS_OK)
                s = sqlite_run(db, "COMMIT", e);
        if (s != STATUS_OK) {
                (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
                return s;
        }
        LOG_INFO("store.migrated", LOG_I("version", m->number), LOG_S("name", m->name));
        return STATUS_OK;
}

static enum status migrate(sqlite3 *db, struct error *e)
{
        unsigned version, want = newest();
        int64_t tables;

        TRY(have(db, &version, e));
        if (version > want)
                return error_set(
                        e, STATUS_CONFLICT, "schema-newer", NULL,
                        "the database has schema %u, this program knows %u: install the newer program",
                        version, want);
        TRY(sqlite_pragma_int(db, "SELECT count(*) FROM sqlite_schema", &tables, e));
        if (version == 0 && tables > 0)
                return error_set(e, STATUS_CONFLICT, "store-foreign", NULL,
                                 "the database belongs to another program");
        for (unsigned i = version; i < want; i++)
                TRY(apply(db, &store_migrations_sqlite[i], e));
        return STATUS_OK;
}

enum status store_migrate(struct store *s, struct error *e)
{
        sqlite3 *db;

        TRY(sqlite_open_db(s->path, &db, e));
        enum status status = migrate(db, e);
        sqlite3_close(db);
        return status;
}
