/* A user's token of another issuer (domain_trust.h). */
#include "auth/state.h"

#include <chatelaine/domain_trust.h>

enum status trusted_check(struct auth_loop *l, const struct request_view *req, struct span token,
                          bool *ret_is_theirs, struct principal *ret, struct error *e)
{
        struct trusted t;
        TRY(trust_check(l->auth->domain, token, clock_now_ms(), req->arena, ret_is_theirs, &t, e));
        return *ret_is_theirs ? trust_principal(l->db, &t, req->arena, ret, e) : STATUS_OK;
}
