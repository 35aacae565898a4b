/*
 * Refusals on record. Somebody's has an event of its own. Nobody's are counted
 * here, by reason and address block, until the scheduler writes them:
 *
 *     refusal_note ─▶ counting ──refusals_flush──▶ flushing ──refusals_flushed──▶ gone
 *                        ▲                            │
 *                        └─────── not committed ──────┘
 */
#include "domain/domain.h"

#include <chatelaine/base_log.h>

#include <arpa/inet.h>
#include <stdlib.h>
#include <uthash.h>

#define BLOCKS_MAX 1024
#define OTHERS_MAX 128 /* rows beyond BLOCKS_MAX for the reasons of block "other" */
#define BLOCK_SIZE 64
#define OTHER "other"

struct refusal_key { /* zeroed before it is filled: hashed whole */
        char reason[48];
        char block[BLOCK_SIZE];
};

struct refusal_row {
        struct refusal_key key;
        enum status status;
        int64_t count;
        UT_hash_handle hh;
};

struct refusals {
        pthread_mutex_t lock;         /* guards all below */
        struct refusal_row *counting; /* at most BLOCKS_MAX + OTHERS_MAX */
        struct refusal_row *flushing; /* in the command that the scheduler runs; the same bound */
        int64_t lost;                 /* not even a row to count in */
};

enum status refusals_new(struct refusals **ret, struct error *e)
{
        struct refusals *r = calloc(1, sizeof *r);
        if (!r)
                return error_no_memory(e);
        pthread_mutex_init(&r->lock, NULL);
        *ret = r;
        return STATUS_OK;
}

static void clear(struct refusal_row **table)
{
        struct refusal_row *row = *table, *next;
        HASH_CLEAR(hh, *table); /* the table's own memory; the rows still hold together */
        for (; row; row = next) {
                next = row->hh.next;
                free(row);
        }
}

void refusals_free(struct refusals *r)
{
        if (!r)
                return;
        clear(&r->counting);
        clear(&r->flushing);
        pthread_mutex_destroy(&r->lock);
        free(r);
}

static void block_v4(const uint8_t ip[4], char out[BLOCK_SIZE])
{
        snprintf(out, BLOCK_SIZE, "%u.%u.%u.0/24", ip[0], ip[1], ip[2]);
}

/* /24 of IPv4 (also mapped into IPv6), /48 of IPv6. */
static void address_block(const char *ip, char out[BLOCK_SIZE])
{
        struct in_addr v4;
        struct in6_addr v6;
        if (inet_pton(AF_INET, ip, &v4) == 1) {
                block_v4((const uint8_t *)&v4, out);
        } else if (inet_pton(AF_INET6, ip, &v6) == 1 && IN6_IS_ADDR_V4MAPPED(&v6)) {
                block_v4(v6.s6_addr + 12, out);
        } else if (inet_pton(AF_INET6, ip, &v6) == 1) {
                char text[INET6_ADDRSTRLEN];
                memset(v6.s6_addr + 6, 0, 10);
                inet_ntop(AF_INET6, &v6, text, sizeof text);
                snprintf(out, BLOCK_SIZE, "%s/48", text);
        } else {
                snprintf(out, BLOCK_SIZE, "unknown");
        }
}

static struct refusal_row *row_of(struct refusals *r, const struct refusal_key *key, unsigned max)
{
        struct refusal_row *row;
        HASH_FIND(hh, r->counting, key, sizeof *key, row);
        if (row || HASH_COUNT(r->counting) >= max)
                return row;
        row = calloc(1, sizeof *row);
        if (!row)
                return NULL;
        row->key = *key;
        HASH_ADD(hh, r->counting, key, sizeof row->key, row);
        return row;
}

/* Lock held. */
static void count(struct refusals *r, const struct refusal_key *key, enum status status, int64_t n)
{
        struct refusal_row *row = row_of(r, key, BLOCKS_MAX);
        if (!row) {
                struct refusal_key other = *key;
                memset(other.block, 0, sizeof other.block);
                memcpy(other.block, OTHER, sizeof OTHER);
                row = row_of(r, &other, BLOCKS_MAX + OTHERS_MAX);
        }
        if (!row) {
                r->lost += n;
                return;
        }
        row->status = status;
        row->count += n;
}

static void gather(struct refusals *r, const struct audit *a, const struct error *why)
{
        struct refusal_key key = {0};
        memcpy(key.reason, why->slug, strnlen(why->slug, sizeof key.reason - 1));
        address_block(a->ip, key.block);
        pthread_mutex_lock(&r->lock);
        count(r, &key, why->status, 1);
        pthread_mutex_unlock(&r->lock);
}

/* ---- somebody's: a command that changes nothing and is recorded as the request's refusal ---- */

struct refusal {
        struct domain_command base;
        struct error why;
};

/* Also of a caller who has ended meanwhile: nothing is checked. */
static enum status change_nothing(struct ledger_tx *tx, struct command *c, struct error *e)
{
        (void)tx;
        (void)c;
        (void)e;
        return STATUS_OK;
}

static enum status record_refusal(struct ledger_tx *tx, struct command *c, struct error *e)
{
        const struct refusal *r = (const struct refusal *)c;
        return audit_append(tx, &r->base.caller, &r->base.audit, &r->why, e);
}

bool refusal_is_due(const struct error *why, bool is_change)
{
        int http = (int)error_http(why);
        return is_change || why->status == STATUS_DENIED || http == 401 || http == 429;
}

void refusal_note(struct domain *d, const struct caller *caller, const struct audit *a,
                  const struct error *why)
{
        struct refusal *r = NULL;
        /* Whoever is told to come again would make an event of every try. */
        if (caller->kind == CALLER_NOBODY || why->status == STATUS_RETRY) {
                gather(d->refusals, a, why);
                return;
        }
        if (domain_command_new(d, NULL, sizeof *r, 0, &r, NULL) == STATUS_OK) {
                r->why = *why;
                r->base.caller = *caller;
                r->base.audit = *a;
                r->base.base.apply = change_nothing;
                r->base.base.record = record_refusal;
                if (ledger_submit(d->ledger, &r->base.base, NULL) == STATUS_OK)
                        return;
                domain_command_free(&r->base);
        }
        /* No room for an event of its own. */
        gather(d->refusals, a, why);
}

/* ---- the scheduler's ---- */

static enum status append(struct ledger_tx *tx, const struct refusal_row *row, struct error *e)
{
        struct audit a = {.action = "request.refused", .count = row->count};
        return audit_write(tx, caller_kind_name(CALLER_NOBODY), row->key.block, "", &a,
                           audit_outcome(row->status), row->key.reason, e);
}

/* `from` into `counting`, where rows of the same key are. Lock held. */
static void move_back(struct refusals *r, struct refusal_row **from)
{
        struct refusal_row *row, *next;
        HASH_ITER(hh, *from, row, next)
                count(r, &row->key, row->status, row->count);
        clear(from);
}

enum status refusals_flush(struct ledger_tx *tx, struct error *e)
{
        struct refusals *r = tx_domain(tx)->refusals;
        pthread_mutex_lock(&r->lock);
        move_back(r, &r->flushing); /* a flush that nobody settled */
        r->flushing = r->counting;
        r->counting = NULL;
        int64_t lost = r->lost;
        r->lost = 0;
        pthread_mutex_unlock(&r->lock);

        if (lost)
                LOG_WARN("refusals.lost", LOG_I("count", lost));
        struct refusal_row *row, *next;
        HASH_ITER(hh, r->flushing, row, next)
                TRY(append(tx, row, e));
        return STATUS_OK;
}

void refusals_flushed(struct domain *d, bool is_committed)
{
        struct refusals *r = d->refusals;
        pthread_mutex_lock(&r->lock);
        if (is_committed)
                clear(&r->flushing);
        else
                move_back(r, &r->flushing);
        pthread_mutex_unlock(&r->lock);
}
