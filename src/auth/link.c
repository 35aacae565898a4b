/*
 * Link: a JWT of the app. The app's key decides the algorithm, and the old key is tried with its
 * own while its grace runs.
 */
#include "auth/app.h"

#include <chatelaine/codec_jwt.h>

/* Senders stamp iat with their own clock; exp is taken to the letter. */
#define EARLY_LEEWAY_MS 2000

static const enum jwt_algorithm jwt_algorithms[] = {
        [APP_HMAC_SHA256] = JWT_HS256, [APP_HMAC_SHA512] = JWT_HS512, [APP_ED25519] = JWT_EDDSA};

/* The claims belong to the key that verified them. */
static enum status verify(struct auth_loop *l, const struct app_row *app, struct span token,
                          int64_t now_ms, const struct json **ret_claims, struct error *e)
{
        struct app_live live[APP_LIVE_MAX];
        struct jwt_key keys[APP_LIVE_MAX];
        struct json *claims;
        size_t n, signer;
        TRY(app_live_keys(l, app, now_ms, live, &n, e));
        for (size_t i = 0; i < n; i++) {
                const struct json *known = app_token_recall(live[i].token, token);
                if (known) {
                        *ret_claims = known;
                        return STATUS_OK;
                }
                keys[i] = (struct jwt_key){.algorithm = jwt_algorithms[live[i].algorithm],
                                           .secret = live[i].secret,
                                           .hmac = live[i].hmac,
                                           .pkey = live[i].pkey};
        }
        enum status s = jwt_verify(token, keys, n, &claims, &signer, e);
        if (s == STATUS_OK)
                *ret_claims = app_token_keep(live[signer].token, token, claims);
        return s == STATUS_INVALID || s == STATUS_DENIED ? app_refuse_key(e, n) : s;
}

static bool names_audience(struct auth_loop *l, const struct json *claims)
{
        struct settings *settings = domain_settings(l->auth->domain);
        bool has = jwt_audience_has(claims, span_of(settings->config->app_name));
        settings_unref(settings);
        return has;
}

/* "" and 0 are nobody, as linked-services takes them; else a user's number, as integer or text. */
static bool read_sub(const struct json *claims, struct auth_app *app)
{
        const struct json *sub = json_get(claims, "sub");
        int64_t number = 0;
        if (json_is_integer(sub))
                number = json_integer(sub);
        else if (!json_is_string(sub) ||
                 (json_span(sub).len && span_int64(json_span(sub), &number, NULL) != STATUS_OK))
                return false;
        app->has_user = number != 0;
        app->user_number = number;
        return number >= 0;
}

static enum status judge(struct auth_loop *l, const struct app_header *h, const struct json *claims,
                         int64_t now_ms, struct auth_app *app, struct error *e)
{
        enum jwt_time which;
        int64_t exp_ms;
        bool is_in_time = jwt_times_ok(claims, now_ms, EARLY_LEEWAY_MS, &which);
        if (!names_audience(l, claims) || !span_equal(json_get_text(claims, "app"), h->app) ||
            !read_sub(claims, app) || (!is_in_time && which != JWT_TIME_EXPIRED))
                return app_refuse(e, "wrong-app-token");
        if (!is_in_time || (jwt_time_ms(claims, "exp", &exp_ms) && now_ms >= exp_ms))
                return app_refuse_expired(e);
        return STATUS_OK;
}

enum status link_check(struct auth_loop *l, const struct request_view *req,
                       const struct app_header *h, const char *scope, struct auth_app *app,
                       struct caller *who, struct error *e)
{
        const struct json *claims = NULL;
        int64_t now_ms = clock_now_ms();

        app->mode = APP_SCOPE_LINK;
        if (app->app.strategy != APP_JWT)
                return app_refuse(e, "authorization-header-forbidden-strategy");
        TRY(verify(l, &app->app, h->token, now_ms, &claims, e));
        TRY(judge(l, h, claims, now_ms, app, e));
        bool has_end = json_get(claims, "exp") != NULL;
        if (has_end)
                app_caller(&app->app, who);
        TRY(app_scope_check(l, req, scope, app, e));
        return has_end ? STATUS_OK : app_refuse(e, "expired");
}
