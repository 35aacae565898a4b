#include "domain/names.h"

#include <chatelaine/codec_json.h>
#include <chatelaine/codec_text.h>

#define NAME_MAX_BYTES 255

enum status name_check(struct span name, const char *where, struct error *e)
{
        bool is_valid = name.p && name.len > 0 && name.len <= NAME_MAX_BYTES &&
                        utf8_is_valid(name) && span_trim(name).len == name.len;
        for (size_t i = 0; is_valid && i < name.len; i++)
                is_valid = (unsigned char)name.p[i] >= 0x20 && name.p[i] != 0x7f;
        if (is_valid)
                return STATUS_OK;
        return error_set(e, STATUS_INVALID, "invalid-name", where,
                         "A name is 1 to %d bytes of UTF-8 without control characters and without "
                         "white space at its ends.",
                         NAME_MAX_BYTES);
}

void domain_target(struct domain_command *c, const char *kind, struct span id)
{
        c->audit.target_kind = kind;
        audit_target(&c->audit, id);
}

void domain_target_new(struct domain_command *c, const char *kind, struct span id)
{
        domain_target(c, kind, id);
        c->makes_target = true;
}

void page_open(struct buf *out)
{
        json_obj_open(out);
        json_key(out, "items");
        json_arr_open(out);
}

static enum status close_with(struct buf *out, struct span cursor, struct error *e)
{
        json_arr_close(out);
        json_member_text(out, "next_cursor", cursor);
        json_obj_close(out);
        return buf_check(out, e);
}

enum status page_close(struct buf *out, struct span next, struct error *e)
{
        CLEANUP(buf_fini) struct buf cursor;
        buf_init(&cursor, 2048);
        if (!next.p)
                return close_with(out, SPAN_NONE, e);
        cursor_write_text(&cursor, next);
        return close_with(out, buf_view(&cursor), e);
}

enum status page_next(struct span next, struct arena *a, struct span *ret, struct error *e)
{
        CLEANUP(buf_fini) struct buf cursor;
        buf_init(&cursor, 2048);
        *ret = SPAN_NONE;
        if (!next.p)
                return STATUS_OK;
        cursor_write_text(&cursor, next);
        TRY(buf_check(&cursor, e));
        *ret = arena_span(a, buf_view(&cursor));
        return ret->p ? STATUS_OK : error_no_memory(e);
}

enum status page_close_int(struct buf *out, bool is_more, int64_t last, struct error *e)
{
        CLEANUP(buf_fini) struct buf cursor;
        buf_init(&cursor, 64);
        if (!is_more)
                return close_with(out, SPAN_NONE, e);
        cursor_write_int(&cursor, last);
        return close_with(out, buf_view(&cursor), e);
}
