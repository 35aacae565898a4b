#include "domain/domain.h"

#include <stdlib.h>

#define DISK_FULL_RETRY_MS 30000

static struct domain_command *of(struct command *c)
{
        return (struct domain_command *)c; /* base is its first member */
}

static enum status command_apply(struct ledger_tx *tx, struct command *base, struct error *e)
{
        struct domain_command *c = of(base);
        TRY(caller_check(tx, &c->caller, e));
        c->domain->running = &c->caller;
        enum status s = c->run(tx, c, e);
        c->domain->running = NULL;
        if (!c->is_caller_safe)
                callers_forget(c->domain);
        return s;
}

static enum status command_record(struct ledger_tx *tx, struct command *base, struct error *e)
{
        struct domain_command *c = of(base);
        if (!c->audit.action)
                return STATUS_OK;
        if (c->makes_target && base->status != STATUS_OK)
                audit_target(&c->audit, SPAN_NONE);
        return audit_append(tx, &c->caller, &c->audit,
                            base->status == STATUS_OK ? NULL : &base->error, e);
}

/* The transaction is committed: whatever it made due can be found. */
static void tell_due(struct domain_command *c)
{
        if (c->base.status == STATUS_OK && c->due_ms != INT64_MAX)
                domain_due(c->domain, c->due_ms);
}

static void command_done(struct command *base)
{
        struct domain_command *c = of(base);
        tell_due(c);
        if (c->reply)
                c->reply(c);
        else
                domain_command_free(c);
}

enum status domain_command_new(struct domain *d, struct settings *s, size_t size,
                               size_t arena_bytes_max, void *ret_command, struct error *e)
{
        struct arena arena;
        arena_init(&arena, arena_bytes_max + size);
        struct domain_command *c = arena_alloc(&arena, size);
        if (!c)
                return error_no_memory(e);
        c->base.apply = command_apply;
        c->base.record = command_record;
        c->base.done = command_done;
        c->base.rows = 1;
        c->domain = d;
        c->settings = settings_ref(s);
        c->audit.count = -1;
        c->due_ms = INT64_MAX;
        c->arena = arena;                  /* it lies in the arena itself */
        memcpy(ret_command, &c, sizeof c); /* a pointer to a struct that begins with this one */
        return STATUS_OK;
}

void domain_command_free(struct domain_command *c)
{
        if (!c)
                return;
        if (c->fini)
                c->fini(c);
        settings_unref(c->settings);
        struct arena arena = c->arena;
        arena_fini(&arena);
}

/* What comes by a request and makes something new waits for room; jobs and what takes rights away
 * do not. */
static enum status check_disk(const struct domain_command *c, struct error *e)
{
        if (!c->audit.has_request || c->base.is_revocation || !domain_is_disk_low(c->domain))
                return STATUS_OK;
        enum status s = error_set_http(e, STATUS_RETRY, 503, "disk-full", NULL,
                                       "The disk is full: only what takes rights away is "
                                       "still taken.");
        if (e)
                e->retry_after_ms = DISK_FULL_RETRY_MS;
        return s;
}

enum status domain_submit(struct domain_command *c, struct mailbox *reply_to, struct error *e)
{
        if (c->prepare)
                TRY(c->prepare(c, e));
        TRY(check_disk(c, e));
        c->base.reply_to = reply_to;
        return ledger_submit(c->domain->ledger, &c->base, e);
}

enum status domain_run(struct domain_command *c, struct error *e)
{
        if (c->prepare)
                TRY(c->prepare(c, e));
        c->base.reply_to = NULL;
        TRY(ledger_run(c->domain->ledger, &c->base, e));
        tell_due(c);
        return STATUS_OK;
}
