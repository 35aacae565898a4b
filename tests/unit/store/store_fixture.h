/* A state directory of its own for each test. */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <chatelaine/store.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct fixture {
        char dir[64], path[96], url[128];
        struct store *store;
        struct store_conn *db; /* the writing connection */
        struct error err;
};

#define OK(call)                                                                  \
        do {                                                                      \
                if ((call) != STATUS_OK)                                          \
                        fail_msg("%s: %s (%s)", #call, f->err.text, f->err.slug); \
        } while (0)

static inline int fixture_unlink(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
        (void)st;
        (void)flag;
        (void)ftw;
        return remove(path);
}

static inline void fixture_open(struct fixture *f)
{
        snprintf(f->dir, sizeof f->dir, "/tmp/chatelaine-store-XXXXXX");
        assert_non_null(mkdtemp(f->dir));
        snprintf(f->path, sizeof f->path, "%s/chatelaine.db", f->dir);
        snprintf(f->url, sizeof f->url, "sqlite:%s", f->path);
        OK(store_open(f->url, true, &f->store, &f->err));
        OK(store_connect(f->store, STORE_WRITE, &f->db, &f->err));
}

static inline void fixture_close(struct fixture *f)
{
        store_disconnect(f->db);
        store_close(f->store);
        nftw(f->dir, fixture_unlink, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
