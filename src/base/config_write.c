/* The default file, and what of a change needs a restart: both read off the table. */
#include "base/config_options.h"

#include <chatelaine/base_utf8.h>
#define COLUMNS 100

/* A line's beginning: "#" when all of the section is commented out, then the indent. */
struct margin {
        bool is_example;
        unsigned depth;
};

static void put_margin(struct buf *out, struct margin m)
{
        if (m.is_example)
                buf_char(out, '#');
        for (unsigned i = 0; i < m.depth; i++)
                buf_text(out, "        ");
}

/* Words, in lines of "# ..." that end before COLUMNS. */
static void put_comment(struct buf *out, struct margin m, const char *text)
{
        struct span rest = span_of(text);
        size_t column = 0;

        while (rest.p) {
                struct span word = span_split(rest, ' ', &rest);
                if (column == 0 || column + 1 + word.len > COLUMNS) {
                        buf_text(out, column ? "\n" : "");
                        size_t begin = out->len;
                        put_margin(out, m);
                        buf_char(out, '#');
                        column = out->len - begin;
                }
                buf_char(out, ' ');
                buf_span(out, word);
                column += 1 + word.len;
        }
        buf_char(out, '\n');
}

static void put_quoted(struct buf *out, struct span s)
{
        buf_char(out, '"');
        for (size_t i = 0; i < s.len; i++) {
                if (strchr("\"\\$", s.p[i]))
                        buf_char(out, '\\');
                buf_char(out, s.p[i]);
        }
        buf_char(out, '"');
}

static void put_list(struct buf *out, struct span words)
{
        buf_char(out, '{');
        for (bool is_first = true; words.len; is_first = false) {
                buf_text(out, is_first ? "" : ", ");
                put_quoted(out, span_split(words, ' ', &words));
        }
        buf_char(out, '}');
}

static void put_value(struct buf *out, const struct config_option *o, const char *text)
{
        switch (o->type) {
        case CONFIG_LIST:
        case CONFIG_FACES: put_list(out, span_of(text)); break;
        case CONFIG_BOOL:
        case CONFIG_UNSIGNED:
        case CONFIG_COUNT: buf_text(out, text); break;
        default: put_quoted(out, span_of(text));
        }
}

static bool is_number(const struct config_option *o)
{
        return o->type >= CONFIG_UNSIGNED;
}

static void put_option(struct buf *out, struct margin m, const struct config_option *o,
                       const char *value)
{
        CLEANUP(buf_fini) struct buf comment;

        buf_init(&comment, 4096);
        buf_text(&comment, o->comment);
        buf_text(&comment, " [");
        if (is_number(o)) {
                config_print_range(o, &comment);
                buf_text(&comment, "; ");
        }
        buf_text(&comment, o->is_reloaded ? "reload: yes]" : "reload: no]");
        put_comment(out, m, buf_view(&comment).p);

        put_margin(out, m);
        buf_text(out, o->name);
        buf_text(out, " = ");
        put_value(out, o, value);
        buf_char(out, '\n');
}

static void put_options(struct buf *out, struct margin m, const char *section,
                        const char *state_dir)
{
        for (const struct config_option *o = config_options; o->name; o++) {
                if (strcmp(o->section, section) != 0)
                        continue;
                bool is_state_dir = !*section && strcmp(o->name, "state_dir") == 0;
                put_option(out, m, o, is_state_dir ? state_dir : o->shown ? o->shown : o->preset);
                if (!*section)
                        buf_char(out, '\n');
        }
}

static void put_section(struct buf *out, struct margin m, const struct config_section *s,
                        const char *state_dir)
{
        put_comment(out, (struct margin){.depth = m.depth}, s->comment);
        put_margin(out, m);
        buf_text(out, s->name);
        if (s->title) {
                buf_char(out, ' ');
                put_quoted(out, span_of(s->title));
        }
        buf_text(out, " {\n");
        m.depth++;
        put_options(out, m, s->name, state_dir);
        for (const struct config_section *inner = config_sections; inner->name; inner++)
                if (strcmp(inner->parent, s->name) == 0)
                        put_section(out, m, inner, state_dir);
        m.depth--;
        put_margin(out, m);
        buf_text(out, "}\n");
}

enum status config_write_default(const char *state_dir, struct buf *out, struct error *e)
{
        for (size_t i = 0, n, len = strlen(state_dir); i < len; i += n) {
                n = utf8_length(state_dir + i, len - i);
                if (n == 0 || (unsigned char)state_dir[i] < 0x20 || state_dir[i] == 0x7f)
                        return error_set(
                                e, STATUS_INVALID, "invalid-directory", "state_dir",
                                "The directory's name must be UTF-8 without control characters.");
        }
        buf_text(
                out,
                "# Chatelaine's configuration: every option, with what it is when it is left out.\n"
                "# SIGHUP reads it again: it takes what says \"reload: yes\", the rest needs a restart; a file\n"
                "# with an error keeps the old settings.\n"
                "# Sizes are 16KiB, 1MiB, 1GiB or bytes; durations 250ms, 30s, 15m, 24h, 90d, 1h30m or seconds.\n"
                "# \"${NAME}\" and \"${NAME:-default}\" put in the environment.\n\n");
        for (const struct config_section *s = config_sections; s->name; s++) {
                if (!*s->name) {
                        put_options(out, (struct margin){0}, "", state_dir);
                } else if (!*s->parent) {
                        put_section(out, (struct margin){.is_example = s->is_example}, s,
                                    state_dir);
                        buf_char(out, '\n');
                }
        }
        return buf_check(out, e);
}

static bool is_same_list(const struct config_list *a, const struct config_list *b)
{
        if (a->n != b->n)
                return false;
        for (size_t i = 0; i < a->n; i++)
                if (strcmp(a->items[i], b->items[i]) != 0)
                        return false;
        return true;
}

static bool is_same_value(const struct config_option *o, const void *a, const void *b)
{
        const void *left = (const char *)a + o->offset, *right = (const char *)b + o->offset;

        switch (o->type) {
        case CONFIG_TEXT:
        case CONFIG_PATH:
        case CONFIG_STORE: return strcmp(*(char *const *)left, *(char *const *)right) == 0;
        case CONFIG_LIST: return is_same_list(left, right);
        case CONFIG_BOOL: return *(const bool *)left == *(const bool *)right;
        case CONFIG_FACES:
        case CONFIG_UNSIGNED: return *(const unsigned *)left == *(const unsigned *)right;
        default: return *(const int64_t *)left == *(const int64_t *)right;
        }
}

static void put_difference(struct buf *out, const char *section, const char *name)
{
        buf_text(out, out->len ? ", " : "");
        buf_text(out, section);
        buf_text(out, *section && name ? "." : "");
        buf_text(out, name ? name : "");
}

/* Titled sections that a restart must read are compared as a whole. */
static bool is_same_titled(const struct config_section *s, const struct config *a,
                           const struct config *b)
{
        if (config_count(a, s) != config_count(b, s))
                return false;
        for (size_t i = 0; i < config_count(a, s); i++) {
                const void *left = config_element(a, s, i), *right = config_element(b, s, i);
                if (strcmp(*(char *const *)left, *(char *const *)right) != 0)
                        return false;
                for (const struct config_option *o = config_options; o->name; o++)
                        if (strcmp(o->section, s->name) == 0 && !o->is_reloaded &&
                            !is_same_value(o, left, right))
                                return false;
        }
        return true;
}

static bool is_reloaded_whole(const struct config_section *s)
{
        for (const struct config_option *o = config_options; o->name; o++)
                if (strcmp(o->section, s->name) == 0 && !o->is_reloaded)
                        return false;
        return true;
}

void config_restart_needed(const struct config *old, const struct config *now, struct buf *out)
{
        for (const struct config_section *s = config_sections; s->name; s++) {
                if (s->title) {
                        if (!is_reloaded_whole(s) && !is_same_titled(s, old, now))
                                put_difference(out, s->name, NULL);
                        continue;
                }
                for (const struct config_option *o = config_options; o->name; o++)
                        if (strcmp(o->section, s->name) == 0 && !o->is_reloaded &&
                            !is_same_value(o, old, now))
                                put_difference(out, s->name, o->name);
        }
}

static size_t value_size(const struct config_option *o)
{
        switch (o->type) {
        case CONFIG_TEXT:
        case CONFIG_PATH:
        case CONFIG_STORE: return sizeof(char *);
        case CONFIG_LIST: return sizeof(struct config_list);
        case CONFIG_BOOL: return sizeof(bool);
        case CONFIG_FACES:
        case CONFIG_UNSIGNED: return sizeof(unsigned);
        default: return sizeof(int64_t);
        }
}

static void keep(const struct config *running, struct config *now, size_t offset, size_t size)
{
        memcpy((char *)now + offset, (const char *)running + offset, size);
}

void config_keep(const struct config *running, struct config *now)
{
        for (const struct config_section *s = config_sections; s->name; s++) {
                if (s->title) {
                        if (is_reloaded_whole(s))
                                continue;
                        keep(running, now, s->array_offset, sizeof(void *));
                        keep(running, now, s->count_offset, sizeof(size_t));
                        continue;
                }
                for (const struct config_option *o = config_options; o->name; o++)
                        if (strcmp(o->section, s->name) == 0 && !o->is_reloaded)
                                keep(running, now, o->offset, value_size(o));
        }
}
