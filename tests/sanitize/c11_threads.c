/*
 * C11 threads on POSIX threads, for builds under ThreadSanitizer.
 *
 * librdkafka uses <threads.h>, whose functions gcc 12's ThreadSanitizer does not
 * know: a thread made by thrd_create has no state in it, and the process ends at
 * that thread's first malloc. Here they are written with the pthread functions that
 * it does know; in glibc both have the same objects beneath.
 *
 * librdkafka's reference counts are atomics in code that is not instrumented: what is
 * freed by whoever drops the last reference looks like a race. Left alone are the locks
 * that it destroys so, and the tests' consumer, whose messages it frees so.
 */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

_Static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t), "mtx_t is a pthread_mutex_t");
_Static_assert(sizeof(cnd_t) == sizeof(pthread_cond_t), "cnd_t is a pthread_cond_t");

#define MUTEX(m) ((pthread_mutex_t *)(void *)(m))
#define COND(c) ((pthread_cond_t *)(void *)(c))

const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
        return "race:pthread_rwlock_destroy\n"
               "race:mtx_destroy\n"
               "race:consume_topic\n"
               "race:rd_kafka_header_add\n";
}

static int result(int err)
{
        return err == 0 ? thrd_success : thrd_error;
}

struct start {
        thrd_start_t run;
        void *arg;
};

static void *run(void *arg)
{
        struct start start = *(struct start *)arg;

        free(arg);
        return (void *)(intptr_t)start.run(start.arg);
}

int thrd_create(thrd_t *thread, thrd_start_t function, void *arg)
{
        struct start *start = malloc(sizeof *start);

        if (start == NULL)
                return thrd_nomem;
        *start = (struct start){.run = function, .arg = arg};
        int err = pthread_create(thread, NULL, run, start);
        if (err)
                free(start);
        return result(err);
}

int thrd_join(thrd_t thread, int *ret_result)
{
        void *value;
        int err = pthread_join(thread, &value);

        if (err == 0 && ret_result)
                *ret_result = (int)(intptr_t)value;
        return result(err);
}

int thrd_detach(thrd_t thread)
{
        return result(pthread_detach(thread));
}

int mtx_init(mtx_t *m, int type)
{
        pthread_mutexattr_t attr;

        pthread_mutexattr_init(&attr);
        if (type & mtx_recursive)
                pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
        int err = pthread_mutex_init(MUTEX(m), &attr);
        pthread_mutexattr_destroy(&attr);
        return result(err);
}

void mtx_destroy(mtx_t *m)
{
        pthread_mutex_destroy(MUTEX(m));
}

int mtx_lock(mtx_t *m)
{
        return result(pthread_mutex_lock(MUTEX(m)));
}

int mtx_trylock(mtx_t *m)
{
        return pthread_mutex_trylock(MUTEX(m)) == 0 ? thrd_success : thrd_busy;
}

int mtx_unlock(mtx_t *m)
{
        return result(pthread_mutex_unlock(MUTEX(m)));
}

int cnd_init(cnd_t *c)
{
        return result(pthread_cond_init(COND(c), NULL));
}

void cnd_destroy(cnd_t *c)
{
        pthread_cond_destroy(COND(c));
}

int cnd_signal(cnd_t *c)
{
        return result(pthread_cond_signal(COND(c)));
}

int cnd_broadcast(cnd_t *c)
{
        return result(pthread_cond_broadcast(COND(c)));
}

int cnd_wait(cnd_t *c, mtx_t *m)
{
        return result(pthread_cond_wait(COND(c), MUTEX(m)));
}

int cnd_timedwait(cnd_t *c, mtx_t *m, const struct timespec *until)
{
        int err = pthread_cond_timedwait(COND(c), MUTEX(m), until);

        return err == ETIMEDOUT ? thrd_timedout : result(err);
}
