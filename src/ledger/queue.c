/* What waits for the writer. */
#include "ledger/queue.h"

#define ROWS_OF_A_COMMAND 16 /* on average, for the bound on rows */
#define WINDOW_MS 1000
#define RETRY_MIN_MS 1000
#define RETRY_MAX_MS 30000

void queue_init(struct queue *q, unsigned commands_max)
{
        *q = (struct queue){.max = commands_max,
                            .rows_max = (int64_t)commands_max * ROWS_OF_A_COMMAND};
        q->end = &q->first;
}

static int64_t open_part(int64_t all, const struct command *c)
{
        return c->is_revocation ? all : all - all / 8;
}

bool queue_has_room(const struct queue *q, const struct command *c)
{
        if (q->n >= open_part(q->max, c))
                return false;
        return q->n == 0 || q->rows + c->rows <= open_part(q->rows_max, c);
}

void queue_put(struct queue *q, struct command *c)
{
        c->next = NULL;
        *q->end = c;
        q->end = &c->next;
        q->n++;
        q->rows += c->rows;
}

static void count_left(struct queue *q, unsigned n, int64_t mono_ms)
{
        int64_t age = mono_ms - q->window_began_ms;

        if (age >= WINDOW_MS) {
                q->left_before = q->left_now;
                q->window_ms = (unsigned)(age < RETRY_MAX_MS ? age : RETRY_MAX_MS);
                q->left_now = 0;
                q->window_began_ms = mono_ms;
        }
        q->left_now += n;
}

struct command *queue_take(struct queue *q, int64_t rows_max, bool takes_larger, unsigned *ret_n,
                           int64_t mono_ms)
{
        struct command *first = q->first, **end = &q->first;
        int64_t rows = 0;
        unsigned n = 0;

        while (*end && ((n == 0 && takes_larger) || rows + (*end)->rows <= rows_max)) {
                rows += (*end)->rows;
                n++;
                end = &(*end)->next;
        }
        if (n == 0)
                return NULL;
        q->first = *end;
        *end = NULL;
        if (q->first == NULL)
                q->end = &q->first;
        q->n -= n;
        q->rows -= rows;
        count_left(q, n, mono_ms);
        *ret_n = n;
        return first;
}

uint32_t queue_retry_after_ms(const struct queue *q)
{
        int64_t left = q->left_before ? q->left_before : q->left_now;
        int64_t window = q->left_before ? q->window_ms : WINDOW_MS;

        if (left == 0)
                return RETRY_MIN_MS;
        int64_t ms = q->n * window / left;
        return (uint32_t)(ms < RETRY_MIN_MS ? RETRY_MIN_MS : ms > RETRY_MAX_MS ? RETRY_MAX_MS : ms);
}
