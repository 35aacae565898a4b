#include "outbound/backoff.h"

#include <chatelaine/base_clock.h>

int64_t backoff_ms(int64_t failures, int64_t retry_after_s)
{
        uint32_t chance;
        int64_t step = failures < 20 ? (int64_t)BACKOFF_FIRST_MS << failures : BACKOFF_LAST_MS;
        if (step > BACKOFF_LAST_MS)
                step = BACKOFF_LAST_MS;
        random_bytes(&chance, sizeof chance);
        int64_t ms = step / 2 + chance % (step - step / 2 + 1);
        int64_t asked = retry_after_s < RETRY_AFTER_MAX_S ? retry_after_s : RETRY_AFTER_MAX_S;
        return asked * 1000 > ms ? asked * 1000 : ms;
}
