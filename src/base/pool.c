#include <chatelaine/base_mailbox.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pool {
        void *(*state_new)(void *ctx);
        void (*state_free)(void *state);
        void *ctx;
        char name[16];
        unsigned n_threads, waiting_max;

        pthread_mutex_t lock;      /* guards all below */
        pthread_cond_t changed;    /* work came, a thread is ready, or the end */
        struct mail *first, *last; /* job.mail of those that wait */
        unsigned present;          /* jobs that wait or run */
        unsigned ready, failed;    /* threads whose state was made, or could not be */
        bool is_ending;
        pthread_t threads[];
};

/* A job waits by its mail, which is not in any mailbox yet. */
static struct job *job_of(struct mail *m)
{
        return (struct job *)((char *)m - offsetof(struct job, mail));
}

static void work(struct pool *p, void *state)
{
        pthread_mutex_lock(&p->lock);
        for (;;) {
                while (!p->first && !p->is_ending)
                        pthread_cond_wait(&p->changed, &p->lock);
                struct mail *m = p->first;
                if (!m)
                        break;
                p->first = m->next;
                pthread_mutex_unlock(&p->lock);

                struct job *j = job_of(m);
                j->run(j, state);
                /* Its place is given back before its reply goes out: who has the reply may submit
                 * again. */
                pthread_mutex_lock(&p->lock);
                p->present--;
                pthread_mutex_unlock(&p->lock);
                mailbox_post(j->reply_to, &j->mail);

                pthread_mutex_lock(&p->lock);
        }
        pthread_mutex_unlock(&p->lock);
}

static void *thread_main(void *arg)
{
        struct pool *p = arg;
        void *state = p->state_new ? p->state_new(p->ctx) : NULL;
        bool is_good = state || !p->state_new;

        pthread_mutex_lock(&p->lock);
        if (is_good)
                p->ready++;
        else
                p->failed++;
        pthread_cond_broadcast(&p->changed);
        pthread_mutex_unlock(&p->lock);

        if (is_good)
                work(p, state);
        if (state && p->state_free)
                p->state_free(state);
        return NULL;
}

/* Signals are for the main thread: pool threads are born with all of them blocked. */
static int start_threads(struct pool *p, unsigned n)
{
        sigset_t all, before;
        int rc = 0;

        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        while (p->n_threads < n && rc == 0) {
                rc = pthread_create(&p->threads[p->n_threads], NULL, thread_main, p);
                if (rc == 0)
                        pthread_setname_np(p->threads[p->n_threads++], p->name);
        }
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        return rc;
}

enum status pool_new(const char *name, unsigned threads, unsigned waiting_max,
                     void *(*state_new)(void *ctx), void (*state_free)(void *state), void *ctx,
                     struct pool **ret, struct error *e)
{
        struct pool *p = calloc(1, sizeof *p + threads * sizeof p->threads[0]);
        if (!p)
                return error_no_memory(e);
        p->state_new = state_new;
        p->state_free = state_free;
        p->ctx = ctx;
        p->waiting_max = waiting_max;
        snprintf(p->name, sizeof p->name, "%s", name);
        pthread_mutex_init(&p->lock, NULL);
        pthread_cond_init(&p->changed, NULL);

        int rc = start_threads(p, threads);
        pthread_mutex_lock(&p->lock);
        while (p->ready + p->failed < p->n_threads)
                pthread_cond_wait(&p->changed, &p->lock);
        bool has_failed = p->failed > 0;
        pthread_mutex_unlock(&p->lock);

        if (rc != 0 || has_failed) {
                pool_free(p);
                return error_set(e, STATUS_INTERNAL, "pool-start", NULL,
                                 "The threads of \"%s\" did not start: %s.", name,
                                 rc != 0 ? strerror(rc) : "their state could not be made");
        }
        *ret = p;
        return STATUS_OK;
}

void pool_stop(struct pool *p)
{
        pthread_mutex_lock(&p->lock);
        p->is_ending = true;
        pthread_cond_broadcast(&p->changed);
        pthread_mutex_unlock(&p->lock);
        for (unsigned i = 0; i < p->n_threads; i++)
                pthread_join(p->threads[i], NULL);
        p->n_threads = 0;
}

void pool_free(struct pool *p)
{
        if (!p)
                return;
        pool_stop(p);
        pthread_cond_destroy(&p->changed);
        pthread_mutex_destroy(&p->lock);
        free(p);
}

enum status pool_submit(struct pool *p, struct job *j, struct error *e)
{
        pthread_mutex_lock(&p->lock);
        bool is_ending = p->is_ending;
        bool is_full = is_ending || p->present >= p->n_threads + p->waiting_max;
        if (!is_full) {
                p->present++;
                j->mail.next = NULL;
                if (p->first)
                        p->last->next = &j->mail;
                else
                        p->first = &j->mail;
                p->last = &j->mail;
                /* All threads wait for the same condition once the pool has started: one is enough.
                 */
                pthread_cond_signal(&p->changed);
        }
        pthread_mutex_unlock(&p->lock);
        if (!is_full)
                return STATUS_OK;
        if (is_ending)
                error_set_http(e, STATUS_LIMIT, 503, "draining", NULL, "The daemon is going down.");
        else
                error_set_http(e, STATUS_LIMIT, 503, "too-busy", NULL,
                               "Too much work of this kind is waiting.");
        if (e)
                e->retry_after_ms = 1000;
        return STATUS_LIMIT;
}
