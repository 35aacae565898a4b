/* duties: what there is to do, when, and how one slice of it is done. */
#ifndef SCHEDULE_DUTIES_H
#define SCHEDULE_DUTIES_H

#include <chatelaine/schedule.h>

/* One slice of a job, as a ledger command. */
struct slice {
        struct domain_command base;
        const struct duty *duty;
        int64_t published; /* publisher's lowest mark */
        int64_t n;         /* result: rows done */
        bool is_more;      /* result: more are due */
};

struct duty {
        const char *name;   /* the caller of its commands: jobs/NAME */
        const char *action; /* of the audit event of a slice that did something; NULL = none */
        /* On the ledger's thread. */
        enum status (*run)(struct ledger_tx *tx, struct slice *s, struct error *e);
        /* By date: when, from the store; NULL = by interval. */
        enum status (*next_due)(struct store_conn *db, int64_t *ret_ms, struct error *e);
        int64_t every_ms;
        /* The scheduler's thread, when the command is back; may be NULL. */
        void (*settle)(struct domain *d, enum status s);
};

enum duty_id { /* in the order of their turns */
               DUTY_EXPIRY,
               DUTY_WARNING,
               DUTY_APP_GRACE,
               DUTY_REFUSALS,
               DUTY_CHECKPOINT,
               DUTY_NONCES,
               DUTY_IDEMPOTENCY,
               DUTY_SESSIONS,
               DUTY_INVITES,
               DUTY_REQUESTS,
               DUTY_ENDED_KEYS,
               DUTY_WEBHOOKS,
               DUTY_EVENTS,
               DUTIES
};
extern const struct duty duties[DUTIES];

/* Run one slice and wait for it. *ret_more tells that more is due. */
enum status duty_run(const struct duty *j, struct domain *d, int64_t published, bool *ret_more,
                     struct error *e) MUST_CHECK;

#endif
