
#include <chatelaine/base_metrics.h>
#include <chatelaine/base_utf8.h>

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <search.h>
#include <stdatomic.h>
#include <stdlib.h>

#define CELLS_MAX 1000
#define LABELS_MAX 8
#define VALUE_MAX_BYTES 256
#define COLLECTORS_MAX 32

static const struct {
        int64_t us;
        const char *text;
} buckets[] = {
        {100, "0.0001"},  {250, "0.00025"}, {500, "0.0005"},  {1000, "0.001"},
        {2500, "0.0025"}, {5000, "0.005"},  {10000, "0.01"},  {25000, "0.025"},
        {50000, "0.05"},  {100000, "0.1"},  {250000, "0.25"}, {500000, "0.5"},
        {1000000, "1"},   {2500000, "2.5"}, {5000000, "5"},   {10000000, "10"},
};
#define N_BUCKETS (sizeof buckets / sizeof buckets[0])

/* Of METRIC_SIZES: as many. */
static const int64_t sizes[N_BUCKETS] = {1,   2,    5,    10,   20,    50,    100,   200,
                                         500, 1000, 2000, 5000, 10000, 20000, 50000, 100000};

struct metric_cell {
        struct metric_cell *next; /* in the order of making */
        char *labels;             /* `a="x",b="y"`, the key in the family's tree */
        _Atomic int64_t value;    /* of a histogram: the sum, in microseconds or things */
        atomic_bool is_us;        /* value is microseconds, shown as seconds */
        _Atomic int64_t *counts;  /* of a histogram: N_BUCKETS, then what is above; not cumulated */
};

struct metric_family {
        struct metric_family *next;
        enum metric_kind kind;
        char *name, *help;
        char *label_names[LABELS_MAX];
        size_t n_labels;
        void *tree; /* of cells by labels; all but `other` */
        struct metric_cell *cells, **end;
        size_t n_cells;
        struct metric_cell *other; /* made with the family, listed when it is first used */
        bool is_other_listed;
};

static pthread_mutex_t registry_lock =
        PTHREAD_MUTEX_INITIALIZER; /* guards families and what hangs on them but cell values */
static struct metric_family *families, **families_end = &families;

static pthread_mutex_t write_lock =
        PTHREAD_MUTEX_INITIALIZER; /* guards collectors; taken before registry_lock */
static struct {
        void (*fn)(void *ctx);
        void *ctx;
} collectors[COLLECTORS_MAX];
static size_t n_collectors;

/* Most values are all of these: they are copied at once. */
static size_t plain_length(const char *text)
{
        size_t n = 0;
        while ((text[n] >= 'a' && text[n] <= 'z') || (text[n] >= '0' && text[n] <= '9') ||
               text[n] == '-' || text[n] == '_' || text[n] == ' ')
                n++;
        return n;
}

static void put_escaped(struct buf *out, const char *text, const char *escaped)
{
        for (size_t len = strlen(text); len;) {
                size_t n = plain_length(text);
                if (n) {
                        buf_append(out, text, n);
                        text += n;
                        len -= n;
                        continue;
                }
                n = utf8_length(text, len);
                if (n == 0)
                        buf_text(out, UTF8_REPLACEMENT);
                else if (*text == '\n')
                        buf_text(out, "\\n");
                else if (n == 1 && strchr(escaped, *text))
                        buf_append(out, (char[]){'\\', *text}, 2);
                else
                        buf_append(out, text, n);
                text += n ? n : 1;
                len -= n ? n : 1;
        }
}

/* The labels as the text format writes them: unique for the values, so they are the key as well. */
static void put_labels(struct buf *out, const struct metric_family *f, const char *const *values)
{
        for (size_t i = 0; i < f->n_labels; i++) {
                buf_text(out, i ? "," : "");
                buf_text(out, f->label_names[i]);
                buf_text(out, "=\"");
                put_escaped(out, values[i], "\\\"");
                buf_text(out, "\"");
        }
}

static void cell_free(struct metric_cell *c)
{
        if (!c)
                return;
        free(c->labels);
        free(c->counts);
        free(c);
}

static bool is_histogram(const struct metric_family *f)
{
        return f->kind == METRIC_HISTOGRAM || f->kind == METRIC_SIZES;
}

static struct metric_cell *cell_new(const struct metric_family *f, const char *labels)
{
        struct metric_cell *c = calloc(1, sizeof *c);
        if (!c)
                return NULL;
        c->labels = strdup(labels);
        if (is_histogram(f))
                c->counts = calloc(N_BUCKETS + 1, sizeof *c->counts);
        if (!c->labels || (is_histogram(f) && !c->counts)) {
                cell_free(c);
                return NULL;
        }
        return c;
}

static void list_cell(struct metric_family *f, struct metric_cell *c)
{
        *f->end = c;
        f->end = &c->next;
        f->n_cells++;
}

static void family_free(struct metric_family *f)
{
        if (!f)
                return;
        for (size_t i = 0; i < f->n_labels; i++)
                free(f->label_names[i]);
        cell_free(f->other);
        free(f->name);
        free(f->help);
        free(f);
}

static bool family_fill(struct metric_family *f, const char *name, const char *labels,
                        const char *help)
{
        const char *others[LABELS_MAX];
        struct buf text;
        struct span rest = span_of(labels), label;

        f->name = strdup(name);
        f->help = strdup(help);
        if (!f->name || !f->help)
                return false;
        while (rest.len) {
                label = span_trim(span_split(rest, ',', &rest));
                assert(f->n_labels < LABELS_MAX);
                others[f->n_labels] = "other";
                f->label_names[f->n_labels] = strndup(label.p, label.len);
                if (!f->label_names[f->n_labels])
                        return false;
                f->n_labels++;
        }
        buf_init(&text, LABELS_MAX * VALUE_MAX_BYTES);
        put_labels(&text, f, others);
        if (buf_check(&text, NULL) == STATUS_OK)
                f->other = cell_new(f, buf_view(&text).p);
        buf_fini(&text);
        return f->other != NULL;
}

static struct metric_family *family_new(enum metric_kind kind, const char *name, const char *labels,
                                        const char *help)
{
        struct metric_family *f = calloc(1, sizeof *f);
        if (!f)
                return NULL;
        f->kind = kind;
        f->end = &f->cells;
        if (!family_fill(f, name, labels, help)) {
                family_free(f);
                return NULL;
        }
        return f;
}

struct metric_family *metric_family(enum metric_kind kind, const char *name, const char *labels,
                                    const char *help)
{
        pthread_mutex_lock(&registry_lock);
        struct metric_family *f = families;
        while (f && strcmp(f->name, name) != 0)
                f = f->next;
        assert(!f || f->kind == kind);
        if (!f) {
                f = family_new(kind, name, labels, help);
                if (!f)
                        abort(); /* at start, out of memory: nothing has begun yet */
                *families_end = f;
                families_end = &f->next;
        }
        pthread_mutex_unlock(&registry_lock);
        return f;
}

static int compare_cells(const void *a, const void *b)
{
        return strcmp(((const struct metric_cell *)a)->labels,
                      ((const struct metric_cell *)b)->labels);
}

static struct metric_cell *use_other(struct metric_family *f)
{
        if (!f->is_other_listed) {
                f->is_other_listed = true;
                list_cell(f, f->other);
        }
        return f->other;
}

/* One place is kept for `other`. */
static struct metric_cell *cell_add(struct metric_family *f, const char *labels)
{
        if (f->n_cells - f->is_other_listed >= CELLS_MAX - 1)
                return NULL;
        struct metric_cell *c = cell_new(f, labels);
        if (!c)
                return NULL;
        if (!tsearch(c, &f->tree, compare_cells)) {
                cell_free(c);
                return NULL;
        }
        list_cell(f, c);
        return c;
}

static struct metric_cell *cell_get(struct metric_family *f, char *labels)
{
        struct metric_cell key = {.labels = labels};
        if (strcmp(labels, f->other->labels) == 0 && f->n_labels)
                return use_other(f);
        struct metric_cell **found = tfind(&key, &f->tree, compare_cells);
        struct metric_cell *c = found ? *found : cell_add(f, labels);
        return c ? c : use_other(f);
}

struct metric_cell *metric_cell(struct metric_family *f, const char *const *values, size_t n)
{
        struct metric_cell *c;
        struct buf labels;
        bool is_short = true;

        assert(n == f->n_labels);
        for (size_t i = 0; i < n; i++)
                is_short = is_short && strnlen(values[i], VALUE_MAX_BYTES + 1) <= VALUE_MAX_BYTES;
        buf_init(&labels, (size_t)LABELS_MAX * (3 * VALUE_MAX_BYTES + 64));
        if (is_short)
                put_labels(&labels, f, values);
        else
                labels.status = STATUS_LIMIT;

        pthread_mutex_lock(&registry_lock);
        if (buf_check(&labels, NULL) != STATUS_OK)
                c = use_other(f);
        else
                c = cell_get(f, labels.data ? labels.data : (char[]){""});
        pthread_mutex_unlock(&registry_lock);
        buf_fini(&labels);
        return c;
}

struct metric_cell *metric_only(struct metric_family *f)
{
        return metric_cell(f, NULL, 0);
}

void metric_add(struct metric_cell *c, int64_t n)
{
        atomic_fetch_add_explicit(&c->value, n, memory_order_relaxed);
}

void metric_set(struct metric_cell *c, int64_t n)
{
        atomic_store_explicit(&c->value, n, memory_order_relaxed);
}

void metric_set_us(struct metric_cell *c, int64_t us)
{
        atomic_store_explicit(&c->is_us, true, memory_order_relaxed);
        metric_set(c, us);
}

void metric_observe_us(struct metric_cell *c, int64_t us)
{
        size_t i = 0;
        assert(c->counts);
        while (i < N_BUCKETS && us > buckets[i].us)
                i++;
        atomic_fetch_add_explicit(&c->counts[i], 1, memory_order_relaxed);
        metric_add(c, us);
}

void metric_observe(struct metric_cell *c, int64_t n)
{
        size_t i = 0;
        assert(c->counts);
        while (i < N_BUCKETS && n > sizes[i])
                i++;
        atomic_fetch_add_explicit(&c->counts[i], 1, memory_order_relaxed);
        metric_add(c, n);
}

void metric_collect(void (*fn)(void *ctx), void *ctx)
{
        pthread_mutex_lock(&write_lock);
        assert(n_collectors < COLLECTORS_MAX);
        collectors[n_collectors].fn = fn;
        collectors[n_collectors++].ctx = ctx;
        pthread_mutex_unlock(&write_lock);
}

static void put_seconds(struct buf *out, int64_t us)
{
        uint64_t n = us < 0 ? -(uint64_t)us : (uint64_t)us;
        buf_printf(out, "%s%" PRIu64 ".%06" PRIu64, us < 0 ? "-" : "", n / 1000000, n % 1000000);
}

static void put_name(struct buf *out, const struct metric_family *f, const char *suffix,
                     const char *labels)
{
        buf_text(out, f->name);
        buf_text(out, suffix);
        if (*labels)
                buf_printf(out, "{%s}", labels);
        buf_char(out, ' ');
}

static void put_bound(struct buf *out, const struct metric_family *f, size_t i)
{
        if (i == N_BUCKETS)
                buf_text(out, "+Inf");
        else if (f->kind == METRIC_SIZES)
                buf_int(out, sizes[i]);
        else
                buf_text(out, buckets[i].text);
}

static void write_histogram(struct buf *out, const struct metric_family *f, struct metric_cell *c)
{
        const char *comma = *c->labels ? "," : "";
        int64_t total = 0;

        for (size_t i = 0; i <= N_BUCKETS; i++) {
                total += atomic_load_explicit(&c->counts[i], memory_order_relaxed);
                buf_printf(out, "%s_bucket{%s%sle=\"", f->name, c->labels, comma);
                put_bound(out, f, i);
                buf_printf(out, "\"} %" PRId64 "\n", total);
        }
        put_name(out, f, "_sum", c->labels);
        int64_t sum = atomic_load_explicit(&c->value, memory_order_relaxed);
        if (f->kind == METRIC_SIZES)
                buf_int(out, sum);
        else
                put_seconds(out, sum);
        buf_char(out, '\n');
        put_name(out, f, "_count", c->labels);
        buf_int(out, total);
        buf_char(out, '\n');
}

static void write_cell(struct buf *out, const struct metric_family *f, struct metric_cell *c)
{
        int64_t value = atomic_load_explicit(&c->value, memory_order_relaxed);

        if (is_histogram(f)) {
                write_histogram(out, f, c);
                return;
        }
        put_name(out, f, "", c->labels);
        if (atomic_load_explicit(&c->is_us, memory_order_relaxed))
                put_seconds(out, value);
        else
                buf_int(out, value);
        buf_char(out, '\n');
}

void metrics_write(struct buf *out)
{
        static const char *const kinds[] = {"counter", "gauge", "histogram", "histogram"};

        pthread_mutex_lock(&write_lock);
        for (size_t i = 0; i < n_collectors; i++)
                collectors[i].fn(collectors[i].ctx);

        pthread_mutex_lock(&registry_lock);
        for (const struct metric_family *f = families; f; f = f->next) {
                buf_printf(out, "# HELP %s ", f->name);
                put_escaped(out, f->help, "\\");
                buf_printf(out, "\n# TYPE %s %s\n", f->name, kinds[f->kind]);
                for (struct metric_cell *c = f->cells; c; c = c->next)
                        write_cell(out, f, c);
        }
        pthread_mutex_unlock(&registry_lock);
        pthread_mutex_unlock(&write_lock);
}
