/* gauge: chatelaine_upstream_revocations{upstream,state}, read when the metrics are asked for. */
#include "outbound/loop.h"

#include <chatelaine/base_metrics.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards view */
static struct upstream_view *view;                       /* NULL = nobody is there */
static struct metric_family *family;

static void set(void *ctx, const char *upstream, enum upstream_state s, int64_t n)
{
        (void)ctx;
        metric_set(METRIC_CELL(family, upstream, upstream_state_name(s)), n);
}

static void collect(void *ctx)
{
        (void)ctx;
        pthread_mutex_lock(&lock);
        if (view && upstream_counts(view, set, NULL, NULL) != STATUS_OK) {
                /* The values of before stay. */
        }
        pthread_mutex_unlock(&lock);
}

static void make_family(void)
{
        family = metric_family(METRIC_GAUGE, "chatelaine_upstream_revocations", "upstream,state",
                               "Tokens at upstreams by how far their revocation has come.");
        metric_collect(collect, NULL);
}

enum status upstream_gauge_open(struct domain *d, struct error *e)
{
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        struct upstream_view *fresh;
        TRY(upstream_view_open(d, &fresh, e));
        pthread_once(&once, make_family);
        pthread_mutex_lock(&lock);
        struct upstream_view *old = view;
        view = fresh;
        pthread_mutex_unlock(&lock);
        upstream_view_close(old);
        return STATUS_OK;
}

void upstream_gauge_close(void)
{
        pthread_mutex_lock(&lock);
        upstream_view_close(view);
        view = NULL;
        pthread_mutex_unlock(&lock);
}
