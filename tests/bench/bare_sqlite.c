/*
 * bare_sqlite: what SQLite alone does with the daemon's schema: webhook row and
 * journal row an item, an audit row a batch, GROUP batches a transaction,
 * durable, checkpoints on a thread of their own as the daemon has them.
 *
 *     bench_bare_sqlite DIRECTORY BATCH GROUP SECONDS
 *
 * Prints one JSON line: items, seconds.
 */
#include <chatelaine/base_clock.h>
#include <chatelaine/store.h>

#include <inttypes.h>
#include <sqlite3.h>
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

static void add_event(sqlite3_stmt *st, int64_t seq, int topic)
{
        char id[ID_UUID_SIZE];

        id_uuidv7(id);
        sqlite3_bind_int64(st, 1, seq);
        sqlite3_bind_text(st, 2, id, 36, SQLITE_STATIC);
        sqlite3_bind_int64(st, 3, clock_now_ms());
        sqlite3_bind_int(st, 4, topic);
        sqlite3_bind_text(st, 5, event, sizeof event - 1, SQLITE_STATIC);
        step(st);
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
        if (sqlite3_open(url + 7, &db) != SQLITE_OK)
                return 1;
        run("PRAGMA journal_mode=WAL");
        run("PRAGMA synchronous=FULL");
        run("PRAGMA temp_store=MEMORY");
        run("PRAGMA wal_autocheckpoint=0");
        item = prepare(
                "INSERT INTO first_party_webhook_log (id, app_id, external_id, user_id, type, data, status, processed, "
                "attempts, version, received_at, updated_at) VALUES (?1, 1, ?2, 0, 'invoice.paid', ?3, 1, 1, 1, 1, ?4, "
                "?4) ON CONFLICT DO NOTHING RETURNING id");
        journal = prepare(
                "INSERT INTO journal (seq, id, time_ms, topic, key, type, body) VALUES (?1, ?2, ?3, ?4, 'bench', "
                "'chatelaine.webhook.received.v1', ?5)");
        begun = clock_mono_us();
        end = begun + (int64_t)(atof(argv[4]) * 1e6);
        while (clock_mono_us() < end) {
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
                                add_event(journal, ++seq, 0);
                        }
                        add_event(journal, ++seq, 2);
                }
                run("COMMIT");
        }
        printf("{\"items\":%" PRId64 ",\"seconds\":%.3f}\n", id,
               (double)(clock_mono_us() - begun) / 1e6);
        sqlite3_finalize(item);
        sqlite3_finalize(journal);
        sqlite3_close(db);
        store_close(store);
        return 0;
}
