/* SQLite's result codes as statuses: what the caller can do about each. */
#include "store/sqlite.h"

#include <errno.h>

static const struct failure {
        int code; /* an extended code, or a primary one for all of its kind */
        enum status status;
        const char *slug, *text;
} failures[] = {
        {SQLITE_CONSTRAINT_UNIQUE, STATUS_CONFLICT, "store-conflict",
         "a row with this key is there already"},
        {SQLITE_CONSTRAINT_PRIMARYKEY, STATUS_CONFLICT, "store-conflict",
         "a row with this key is there already"},
        {SQLITE_CONSTRAINT_ROWID, STATUS_CONFLICT, "store-conflict",
         "a row with this key is there already"},
        {SQLITE_CONSTRAINT_FOREIGNKEY, STATUS_CONFLICT, "store-conflict",
         "a row refers to one that is not there"},
        {SQLITE_CONSTRAINT, STATUS_INTERNAL, "store-constraint",
         "a row breaks a rule of the schema"},
        {SQLITE_BUSY, STATUS_RETRY, "store-busy", "the database is locked by another process"},
        {SQLITE_LOCKED, STATUS_RETRY, "store-busy", "the table is in use"},
        {SQLITE_PROTOCOL, STATUS_RETRY, "store-busy", "the database's locks are contended"},
        {SQLITE_INTERRUPT, STATUS_RETRY, "store-interrupted", "the statement was interrupted"},
        {SQLITE_FULL, STATUS_RETRY, "store-full", "the disk is full"},
        {SQLITE_NOMEM, STATUS_NO_MEMORY, "no-memory", "the database has no memory"},
        {SQLITE_TOOBIG, STATUS_LIMIT, "store-too-big", "a value is larger than the database takes"},
        {SQLITE_CORRUPT, STATUS_INTERNAL, "store-corrupt",
         "the database file is damaged: restore a backup"},
        {SQLITE_NOTADB, STATUS_INTERNAL, "store-corrupt", "the file is not a database"},
        {SQLITE_READONLY, STATUS_INTERNAL, "store-read-only", "the database cannot be written"},
        {SQLITE_CANTOPEN, STATUS_INTERNAL, "store-cannot-open", "the database cannot be opened"},
        {SQLITE_PERM, STATUS_INTERNAL, "store-cannot-open", "the database may not be opened"},
        {SQLITE_IOERR, STATUS_INTERNAL, "store-io", "reading or writing the database failed"},
};

static const struct failure *find(int code)
{
        const size_t n = sizeof failures / sizeof failures[0];

        for (size_t i = 0; i < n; i++)
                if (failures[i].code == code)
                        return &failures[i];
        for (size_t i = 0; i < n; i++)
                if (failures[i].code == (code & 0xff))
                        return &failures[i];
        return NULL;
}

/*
 * SQLite calls only ENOSPC full; a quota and a file size limit are the same to whoever has to make
 * room. It does not keep the cause of a COMMIT's failure: there errno is still what it was.
 */
static bool is_full(sqlite3 *db, int code, int last_errno)
{
        if (db == NULL || (code & 0xff) != SQLITE_IOERR)
                return false;
        int cause = sqlite3_system_errno(db) ? sqlite3_system_errno(db) : last_errno;
        return cause == ENOSPC || cause == EDQUOT || cause == EFBIG;
}

enum status(sqlite_error)(sqlite3 *db, int rc, struct error *e)
{
        int last_errno = errno;
        int code = db ? sqlite3_extended_errcode(db) : rc;
        if ((code & 0xff) != (rc & 0xff))
                code = rc;
        const struct failure *f = find(is_full(db, code, last_errno) ? SQLITE_FULL : code);
        const char *said = db ? sqlite3_errmsg(db) : sqlite3_errstr(rc);

        if (f == NULL)
                return error_set(e, STATUS_INTERNAL, "store-error", NULL,
                                 "the database refused the statement: %s (%d)", said, code);
        return error_set(e, f->status, f->slug, NULL, "%s: %s (%d)", f->text, said, code);
}

bool store_is_fault(const struct error *e)
{
        static const char *const slugs[] = {"store-full",        "store-io",
                                            "store-corrupt",     "store-read-only",
                                            "store-cannot-open", "store-no-transaction"};

        for (size_t i = 0; i < sizeof slugs / sizeof slugs[0]; i++)
                if (strcmp(e->slug, slugs[i]) == 0)
                        return true;
        return false;
}
