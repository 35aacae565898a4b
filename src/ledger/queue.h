/*
 * queue: what waits for the writer. Bounded in commands and rows; an eighth of
 * both is kept for commands that only take rights away.
 *
 * Not locked: the ledger's mutex guards it.
 */
#ifndef CHATELAINE_LEDGER_QUEUE_H
#define CHATELAINE_LEDGER_QUEUE_H

#include <chatelaine/ledger.h>

struct queue {
        struct command *first, **end;
        unsigned n, max;
        int64_t rows, rows_max;
        /* Drain rate: what left the queue in the window before, and in this one. */
        int64_t window_began_ms;
        unsigned left_now, left_before, window_ms;
};

void queue_init(struct queue *q, unsigned commands_max);
bool queue_has_room(const struct queue *q, const struct command *c);
void queue_put(struct queue *q, struct command *c);
/* Commands of at most rows_max rows together, a larger one alone where `takes_larger`; NULL when
 * there are none. */
struct command *queue_take(struct queue *q, int64_t rows_max, bool takes_larger, unsigned *ret_n,
                           int64_t mono_ms);
/* How long until a full queue has room again, as far as the drain rate tells. */
uint32_t queue_retry_after_ms(const struct queue *q);

#endif
