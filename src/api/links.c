/*
 * POST /v1/links: a key that lets one user review one document, inside the address of the page
 * that opens it (facade contract_fit). The key stands in the fragment, which browsers keep.
 *
 * keys:create, and the caller may give what the key holds: documents:list on the inbox,
 * documents:read, documents:lock and documents:done on the document.
 */
#include "api/endpoints.h"
#include "api/grants.h"

#include <chatelaine/codec_text.h>
#include <chatelaine/domain_documents.h>
#include <chatelaine/domain_keys.h>

#include <stdio.h>

#define LINK_BYTES_MAX 4096

struct link {
        struct span inbox, document, user;
        const struct json *expires_in;
};

/* The page finds the document as the last part of the fragment's path. */
static enum status write_url(struct call *c, const struct key_mint *m, struct buf *out,
                             struct error *e)
{
        buf_span(out, config_url_base(span_of(c->settings->config->issuer)));
        buf_text(out, "/#/view/");
        percent_encode(out, *(struct span *)c->state, PERCENT_COMPONENT);
        buf_text(out, "?nonce=");
        buf_text(out, m->key);
        return buf_check(out, e);
}

static enum status answer_link(struct call *c, struct domain_command *cmd, struct error *e)
{
        const struct key_mint *m = (struct key_mint *)cmd;
        struct buf CLEANUP(buf_fini_secret) url;
        buf_init(&url, LINK_BYTES_MAX);
        TRY(write_url(c, m, &url, e));
        json_obj_open(&c->out);
        json_member_text(&c->out, "url", buf_view(&url));
        json_member_text(&c->out, "key_id", span_of(m->id));
        json_member_time(&c->out, "expires_at", m->ret_expires_at);
        json_obj_close(&c->out);
        http_reply_header(c->req, "Cache-Control", "no-store");
        call_reply_out(c, 201);
        return STATUS_OK;
}

/* The document is in that inbox, or nobody has said yet where it is. */
static enum status find_place(struct call *c, struct link *body, struct error *e)
{
        struct span name, own;
        if (!document_id_is_valid(body->document))
                return error_set(e, STATUS_INVALID, "invalid-document-id", "/document",
                                 "A document's id is 1 to 128 characters of A-Z a-z 0-9 . _ ~ -");
        TRY(inbox_find(c->db, body->inbox, c->arena, &body->inbox, &name, e));
        TRY(document_inbox(c->db, body->document, c->arena, &own, e));
        if (own.p && !span_equal(own, body->inbox))
                return error_set(e, STATUS_NOT_FOUND, "document-not-found", "/document",
                                 "There is no such document in this inbox.");
        return STATUS_OK;
}

static enum status link_grants(struct call *c, const struct link *body, struct key_mint *m,
                               struct error *e)
{
        static const char *const rights[] = {"documents:list", "documents:read", "documents:lock",
                                             "documents:done"};
        size_t n = sizeof rights / sizeof *rights;
        struct span inbox = call_resource(c, "inboxes", body->inbox);
        struct span document = call_resource(c, "documents", body->document);
        struct grant *list = arena_alloc(c->arena, n * sizeof *list);
        if (!inbox.p || !document.p || !list)
                return error_no_memory(e);
        document = call_resource(c, inbox.p, document);
        if (!document.p)
                return error_no_memory(e);
        for (size_t i = 0; i < n; i++) {
                list[i] = (struct grant){.permission = span_of(rights[i]),
                                         .resource = i == 0 ? inbox : document};
                TRY(grants_may_give_permission(c->who, list[i].permission, list[i].resource, e));
        }
        m->grants = list;
        m->n_grants = n;
        return STATUS_OK;
}

static enum status fill(struct call *c, struct link *body, struct key_mint *m, struct error *e)
{
        TRY(find_place(c, body, e));
        TRY(user_within(c, body->user, e));
        TRY(link_grants(c, body, m, e));
        TRY(call_duration(body->expires_in, "/expires_in", &m->expires_in_ms, e));
        if (body->expires_in && !json_is_null(body->expires_in) && m->expires_in_ms == 0)
                return error_set(e, STATUS_INVALID, "expiry-in-past", "/expires_in",
                                 "The link would have expired already.");
        m->user = body->user;
        m->name = span_of("share link");
        c->state = &body->document;
        return STATUS_OK;
}

enum status links_post(struct call *c, struct error *e)
{
        static const struct json_field fields[] = {
                JSON_FIELD(struct link, inbox, "inbox", JSON_AS_TEXT,
                           JSON_REQUIRED | JSON_NONEMPTY),
                JSON_FIELD(struct link, document, "document", JSON_AS_TEXT,
                           JSON_REQUIRED | JSON_NONEMPTY),
                JSON_FIELD(struct link, user, "user", JSON_AS_TEXT, JSON_REQUIRED | JSON_NONEMPTY),
                JSON_FIELD(struct link, expires_in, "expires_in", JSON_AS_VALUE, 0),
                JSON_FIELD_END,
        };
        struct link *body;
        if (!CALL_NEW(c, body))
                return error_no_memory(e);
        TRY(call_may(c, "keys:create", SPAN_NONE, e));
        TRY(call_body(c, fields, body, e));
        struct key_mint *m;
        TRY(key_mint_new(c->domain, c->settings, &m, e));
        enum status status = fill(c, body, m, e);
        if (status != STATUS_OK) {
                domain_command_free(&m->base);
                return status;
        }
        return call_submit(c, &m->base, answer_link, e);
}
