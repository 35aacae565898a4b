/*
 * base_metrics: counters, gauges and histograms in Prometheus text
 * (exposition format 0.0.4).
 *
 * A family is made once, by the room that owns it, at start; a cell is one set
 * of label values. Cells are found under a lock (keep the pointer where it is
 * hot) and changed with relaxed atomics. A family has at most 1,000 cells; a
 * further set of labels counts in the cell whose labels are all "other".
 */
#ifndef CHATELAINE_BASE_METRICS_H
#define CHATELAINE_BASE_METRICS_H

#include <chatelaine/base_buf.h>

struct metric_family;
struct metric_cell;

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM, METRIC_SIZES };

/*
 * `labels` is a comma list of names, "" = none. Histogram buckets are seconds from 100 us to 10 s;
 * of METRIC_SIZES they are numbers of things, from 1 to 100,000.
 * A repeated name gives the same family.
 */
struct metric_family *metric_family(enum metric_kind kind, const char *name, const char *labels,
                                    const char *help);
/* Values in the order of the label names, count must match. */
struct metric_cell *metric_cell(struct metric_family *f, const char *const *values, size_t n);
#define METRIC_CELL(f, ...)                                \
        metric_cell(f, (const char *const[]){__VA_ARGS__}, \
                    sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))
struct metric_cell *metric_only(struct metric_family *f); /* the cell of a family without labels */
void metric_add(struct metric_cell *c, int64_t n);
void metric_set(struct metric_cell *c, int64_t n);
void metric_set_us(struct metric_cell *c, int64_t us); /* a gauge in seconds, from microseconds */
void metric_observe_us(struct metric_cell *c, int64_t us); /* METRIC_HISTOGRAM */
void metric_observe(struct metric_cell *c, int64_t n);     /* METRIC_SIZES */
/* Gauges that are read when asked for: called under metrics_write's lock. */
void metric_collect(void (*fn)(void *ctx), void *ctx);
void metrics_write(struct buf *out);
/* Memory and time of this process, and chatelaine_build_info{version} 1. Once, from main. */
void metrics_process(const char *version);

#endif
