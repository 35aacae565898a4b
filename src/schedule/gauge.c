#include "schedule/gauge.h"

#include <chatelaine/base_metrics.h>
#include <chatelaine/domain_keys.h>

#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards db */
static struct store_conn *db;                            /* NULL = no scheduler */
static struct metric_family *family;

static void collect(void *ctx)
{
        (void)ctx;
        int64_t counts[KEY_STATES];
        pthread_mutex_lock(&lock);
        bool is_known = db && keys_count(db, clock_now_ms(), counts, NULL) == STATUS_OK;
        pthread_mutex_unlock(&lock);
        for (enum key_state s = 0; is_known && s < KEY_STATES; s++)
                metric_set(METRIC_CELL(family, key_state_name(s)), counts[s]);
}

static void make_family(void)
{
        family = metric_family(METRIC_GAUGE, "chatelaine_keys", "state", "API keys by state.");
        metric_collect(collect, NULL);
}

enum status gauge_open(struct store *s, struct error *e)
{
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        struct store_conn *fresh;
        TRY(store_connect(s, STORE_READ, &fresh, e));
        pthread_once(&once, make_family);
        pthread_mutex_lock(&lock);
        struct store_conn *old = db;
        db = fresh;
        pthread_mutex_unlock(&lock);
        store_disconnect(old);
        return STATUS_OK;
}

void gauge_close(void)
{
        pthread_mutex_lock(&lock);
        store_disconnect(db);
        db = NULL;
        pthread_mutex_unlock(&lock);
}
