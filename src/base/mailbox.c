#include <chatelaine/base_mailbox.h>

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct mailbox {
        int fd;
        pthread_mutex_t lock;      /* guards first and last */
        struct mail *first, *last; /* in the order of posting; NULL when empty */
};

enum status mailbox_new(struct mailbox **ret, struct error *e)
{
        struct mailbox *mb = calloc(1, sizeof *mb);
        if (!mb)
                return error_no_memory(e);
        mb->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (mb->fd < 0) {
                free(mb);
                return error_set(e, STATUS_INTERNAL, "eventfd", NULL, "eventfd: %s",
                                 strerror(errno));
        }
        pthread_mutex_init(&mb->lock, NULL);
        *ret = mb;
        return STATUS_OK;
}

void mailbox_free(struct mailbox *mb)
{
        if (!mb)
                return;
        close(mb->fd);
        pthread_mutex_destroy(&mb->lock);
        free(mb);
}

int mailbox_fd(const struct mailbox *mb)
{
        return mb->fd;
}

void mailbox_post(struct mailbox *mb, struct mail *m)
{
        mailbox_post_list(mb, m, m);
}

void mailbox_post_list(struct mailbox *mb, struct mail *first, struct mail *last)
{
        last->next = NULL;
        for (struct mail *m = first; m; m = m->next) {
                assert(!m->is_posted);
                m->is_posted = true;
        }
        pthread_mutex_lock(&mb->lock);
        if (mb->first) {
                mb->last->next = first;
        } else {
                mb->first = first;
                /*
                 * Under the lock: once it is released the owner may drain and free the mailbox. It
                 * cannot fail: the counter is at most 1 here.
                 */
                eventfd_write(mb->fd, 1);
        }
        mb->last = last;
        pthread_mutex_unlock(&mb->lock);
}

/* The first `max` of the list; the fd stays readable for the others. */
static struct mail *take(struct mailbox *mb, size_t max)
{
        eventfd_t wakes;

        pthread_mutex_lock(&mb->lock);
        struct mail *first = mb->first, **end = &mb->first;
        while (*end && max-- > 0)
                end = &(*end)->next;
        mb->first = *end;
        *end = NULL;
        if (first && !mb->first) {
                mb->last = NULL;
                eventfd_read(mb->fd, &wakes);
        }
        pthread_mutex_unlock(&mb->lock);
        return first;
}

size_t mailbox_drain_some(struct mailbox *mb, size_t max)
{
        size_t n = 0;

        for (struct mail *m = max ? take(mb, max) : NULL, *next; m; m = next, n++) {
                next = m->next;
                m->is_posted = false;
                m->deliver(m);
        }
        return n;
}

size_t mailbox_drain(struct mailbox *mb)
{
        return mailbox_drain_some(mb, SIZE_MAX);
}
