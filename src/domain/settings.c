#include "domain/domain.h"

#include <chatelaine/domain_rules.h>

#include <stdlib.h>

enum status settings_new(struct config *take_config, struct settings **ret, struct error *e)
{
        struct settings *s = calloc(1, sizeof *s);
        if (!s) {
                config_free(take_config);
                return error_no_memory(e);
        }
        s->config = take_config;
        s->refs = 1;
        enum status status = rules_new(take_config, &s->rules, e);
        if (status != STATUS_OK) {
                settings_unref(s);
                return status;
        }
        *ret = s;
        return STATUS_OK;
}

struct settings *settings_ref(struct settings *s)
{
        if (s)
                __atomic_add_fetch(&s->refs, 1, __ATOMIC_RELAXED);
        return s;
}

void settings_unref(struct settings *s)
{
        /* The last one out must see what the others did with it. */
        if (!s || __atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL) > 0)
                return;
        rules_free(s->rules);
        config_free(s->config);
        free(s);
}
