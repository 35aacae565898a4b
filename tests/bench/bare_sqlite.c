/*
 * bare_sqlite: what SQLite alone does with the daemon's schema: webhook row and
 * journal row an item, an audit row a batch, GROUP batches a transaction,
 * durable, checkpoints on a thread of their own as the daemon has them.
 *
 *     bench_bare_sqlite DIRECTORY BATCH GROUP SECONDS
 *
 * Prints one JSON line: items, seconds.
 */
#include "store/sqlite.h"

#include <chatelaine/base_clock.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char data[] =
        "{\"number\":\"INV-00000001\",\"total\":\"1249.50\",\"currency\":\"EUR\",\"customer\":{\"id\":\"c-5821\",\"name\":\"Blue "
        "Harbour Trading Ltd\",\"country\":\"NL\"},\"lines\":[{\"sku\":\"A-100\",\"n\":3,\"price\":\"199.50\"},{\"sku\":\"B-220\","
        "\"n\":1,\"price\":\"651.00\"}],\"note\":\"delivered to the east gate, signed for by the night shift\",\"paid\":true}";
static const char event[] =
        "{\"log_id\":1000000,\"app\":\"bench\",\"user_id\":0,\"external_id\":\"1000000\",\"type\":\"invoice.paid\",\"status\":\"DONE\","
        "\"version\":1,\"attempts\":1,\"status_text\":null,\"data_sha256\":"
        "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}";

static const char audit[] =
        "{\"action\":\"webhook.batch\",\"actor\":{\"id\":\"bench\",\"kind\":\"app\"},\"count\":1,\"outcome\":\"success\","
        "\"previous\":\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\",\"request\":{\"id\":"
        "\"019aa9b1-7b1e-7a2c-8d4e-0123456789ab\",\"ip\":\"127.0.0.1\",\"method\":\"POST\",\"route\":\"/v1/webhooks\","
        "\"user_agent\":null},\"target\":{\"id\":\"bench\",\"kind\":\"app\"}}";
static const char traceparent[] = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01";

static sqlite3 *db;

static void run(const char *sql)
{
        if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
                fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(db));
                exit(1);
        }
}

static sqlite3_stmt *prepare(const char *sql)
{
        sqlite3_stmt *st;

        if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &st, NULL) != SQLITE_OK) {
                fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(db));
                exit(1);
        }
        return st;
}

static void step(sqlite3_stmt *st)
{
        int code = sqlite3_step(st);

        if (code != SQLITE_DONE && code != SQLITE_ROW) {
                fprintf(stderr, "%s\n", sqlite3_errmsg(db));
                exit(1);
        }
        sqlite3_reset(st);
}

static void add_event(sqlite3_stmt *st, int64_t seq, int64_t item)
{
        static const uint8_t hash[32];
        char uuid[ID_UUID_SIZE], key[32], subject[24];

        id_uuidv7(uuid);
        sqlite3_bind_int64(st, 1, seq);
        sqlite3_bind_text(st, 2, uuid, 36, SQLITE_STATIC);
        sqlite3_bind_int64(st, 3, clock_now_ms());
        sqlite3_bind_text(st, 8, traceparent, sizeof traceparent - 1, SQLITE_STATIC);
        if (item) {
                sqlite3_bind_int(st, 4, 0);
                sqlite3_bind_text(st, 5, key, sprintf(key, "bench/%" PRId64, item), SQLITE_STATIC);
                sqlite3_bind_text(st, 6, "chatelaine.webhook.received.v1", -1, SQLITE_STATIC);
                sqlite3_bind_text(st, 7, subject, sprintf(subject, "%" PRId64, item),
                                  SQLITE_STATIC);
                sqlite3_bind_text(st, 9, event, sizeof event - 1, SQLITE_STATIC);
                sqlite3_bind_null(st, 10);
        } else {
                sqlite3_bind_int(st, 4, 2);
                sqlite3_bind_text(st, 5, "audit", 5, SQLITE_STATIC);
                sqlite3_bind_text(st, 6, "chatelaine.audit.v1", -1, SQLITE_STATIC);
                sqlite3_bind_null(st, 7);
                sqlite3_bind_text(st, 9, audit, sizeof audit - 1, SQLITE_STATIC);
                sqlite3_bind_blob(st, 10, hash, sizeof hash, SQLITE_STATIC);
        }
        step(st);
}

/* The daemon's checkpoints, and its gate. */
static int wal_written(void *checkpointer, sqlite3 *unused, const char *name, int pages)
{
        (void)unused;
        (void)name;
        checkpointer_wrote(checkpointer, pages);
        return SQLITE_OK;
}

static void connect_to(struct store *store)
{
        struct error e;

        if (sqlite_open_db(store->path, &db, &e) != STATUS_OK) {
                fprintf(stderr, "%s\n", e.text);
                exit(1);
        }
        run("PRAGMA cache_size=-8192");
        sqlite3_wal_hook(db, wal_written, store->checkpointer);
}

int main(int argc, char **argv)
{
        struct store *store;
        struct error e;
        char url[4096];
        sqlite3_stmt *item, *journal;
        int64_t id = 0, seq = 0, begun, end;
        int batch, group;

        if (argc != 5)
                return 2;
        batch = atoi(argv[2]);
        group = atoi(argv[3]);
        snprintf(url, sizeof url, "sqlite:%s/bare.db", argv[1]);
        if (store_open(url, true, &store, &e) != STATUS_OK ||
            store_migrate(store, &e) != STATUS_OK) {
                fprintf(stderr, "%s\n", e.text);
                return 1;
        }
        connect_to(store);
        item = prepare(
                "INSERT INTO first_party_webhook_log (id, app_id, external_id, user_id, type, status, processed, "
                "attempts, status_text, version, received_at, updated_at, data) VALUES (?1, 1, ?2, 0, "
                "'invoice.paid', 1, 1, 1, NULL, 1, ?4, ?4, ?3) "
                "ON CONFLICT (app_id, external_id, user_id, type) DO NOTHING");
        journal = prepare(
                "INSERT INTO journal (seq, id, time_ms, topic, key, type, subject, traceparent, body, hash) "
                "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)");
        begun = clock_mono_us();
        end = begun + (int64_t)(atof(argv[4]) * 1e6);
        while (clock_mono_us() < end) {
                checkpointer_enter(store->checkpointer);
                run("BEGIN IMMEDIATE");
                for (int g = 0; g < group; g++) {
                        for (int i = 0; i < batch; i++) {
                                char external[24];
                                int n = snprintf(external, sizeof external, "%" PRId64, ++id);
                                sqlite3_bind_int64(item, 1, id);
                                sqlite3_bind_text(item, 2, external, n, SQLITE_STATIC);
                                sqlite3_bind_text(item, 3, data, sizeof data - 1, SQLITE_STATIC);
                                sqlite3_bind_int64(item, 4, clock_now_ms());
                                step(item);
                                add_event(journal, ++seq, id);
                        }
                        add_event(journal, ++seq, 0);
                }
                run("COMMIT");
                checkpointer_leave(store->checkpointer);
        }
        printf("{\"items\":%" PRId64 ",\"seconds\":%.3f}\n", id,
               (double)(clock_mono_us() - begun) / 1e6);
        sqlite3_finalize(item);
        sqlite3_finalize(journal);
        sqlite3_close(db);
        store_close(store);
        return 0;
}
