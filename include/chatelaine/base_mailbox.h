/*
 * base_mailbox: mail between threads, and a bounded pool for slow work.
 *
 *     any thread                        the owner's loop
 *     mailbox_post(mb, mail) ─list─▶    fd readable → mailbox_drain(mb)
 *                                       mail->deliver(mail)   (each, in order)
 *
 * The eventfd is written only when the list was empty. A mail is part of its
 * sender's struct; deliver() owns it from then on.
 *
 *     pool_submit(pool, job)            a pool thread: job->run(job)
 *                                       then mailbox_post(job->reply_to, &job->mail)
 */
#ifndef CHATELAINE_BASE_MAILBOX_H
#define CHATELAINE_BASE_MAILBOX_H

#include <chatelaine/base_status.h>
#include <stdbool.h>
#include <stddef.h>

struct mail {
        struct mail *next;
        void (*deliver)(struct mail *m); /* on the mailbox's loop */
        bool is_posted; /* the mailbox's: it lies there, and may not be posted again until it is
                           delivered (asserted) */
};

struct mailbox;
enum status mailbox_new(struct mailbox **ret, struct error *e) MUST_CHECK;
void mailbox_free(struct mailbox *mb);
int mailbox_fd(const struct mailbox *mb); /* poll for reading; level-triggered */
void mailbox_post(struct mailbox *mb, struct mail *m);
/* One wake-up for many, linked from first to last by `next`. */
void mailbox_post_list(struct mailbox *mb, struct mail *first, struct mail *last);
/* Owner's thread: delivers all that is there, returns how many. */
size_t mailbox_drain(struct mailbox *mb);
/* At most `max` of them; while there are more the fd stays readable. */
size_t mailbox_drain_some(struct mailbox *mb, size_t max);

struct job {
        struct mail mail; /* deliver is called on reply_to's loop when run has returned */
        struct mailbox *reply_to;
        void (*run)(struct job *j, void *thread_state); /* on a pool thread */
};
struct pool;
/* `state_new/state_free` make each thread's own state (a read connection); both may be NULL. */
enum status pool_new(const char *name, unsigned threads, unsigned waiting_max,
                     void *(*state_new)(void *ctx), void (*state_free)(void *state), void *ctx,
                     struct pool **ret, struct error *e) MUST_CHECK;
/* Runs what waits, then joins; what is submitted from now on is LIMIT (503, "draining"). Every job
 * has been posted to its mailbox then. */
void pool_stop(struct pool *p);
void pool_free(struct pool *p); /* runs what waits, then joins */
/* LIMIT (503, "too-busy") when `waiting_max` wait already; the job stays the caller's then. */
enum status pool_submit(struct pool *p, struct job *j, struct error *e) MUST_CHECK;

#endif
