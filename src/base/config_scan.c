#include "base/config_scan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define DEPTH_MAX 2 /* kafka { property "x" { ... } } */

enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_STRING, TOKEN_MARK /* one of = { } , */ };

struct token {
        enum token_kind kind;
        struct span text;
        unsigned line;
};

struct reader {
        struct config_scan *scan;
        size_t at;
        unsigned line, last_line; /* where we are; where the last token was */
        struct error *e;
        struct config_place open[DEPTH_MAX + 1]; /* the sections we are in; the first is the top */
        size_t depth;
};

enum status config_error_at(const char *path, unsigned line, struct error *e, const char *fmt, ...)
{
        char where[sizeof e->where], text[sizeof e->text];
        size_t len = strlen(path), room = sizeof where - 16;
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(text, sizeof text, fmt, ap);
        va_end(ap);
        /* Of a path that is too long its end says more. */
        snprintf(where, sizeof where, "%s%s:%u", len > room ? "..." : "",
                 len > room ? path + len - room + 3 : path, line);
        return error_set(e, STATUS_INVALID, "invalid-config", where, "%s", text);
}

#define REFUSE(r, line, ...) \
        status_failed(config_error_at((r)->scan->path, line, (r)->e, __VA_ARGS__))

static char peek(const struct reader *r, size_t ahead)
{
        return r->at + ahead < r->scan->len ? r->scan->text[r->at + ahead] : '\0';
}

static void blank(struct reader *r)
{
        if (r->scan->text[r->at] == '\n')
                r->line++;
        else
                r->scan->text[r->at] = ' ';
        r->at++;
}

/* White space and comments. */
static enum status skip_blanks(struct reader *r)
{
        for (;;) {
                char c = peek(r, 0), next = peek(r, 1);
                if (r->at < r->scan->len &&
                    (c == ' ' || c == '\t' || c == '\n' || (c == '\r' && next == '\n'))) {
                        blank(r);
                } else if (c == '#' || (c == '/' && next == '/')) {
                        while (r->at < r->scan->len && peek(r, 0) != '\n')
                                blank(r);
                } else if (c == '/' && next == '*') {
                        unsigned line = r->line;
                        blank(r);
                        blank(r);
                        while (r->at < r->scan->len && !(peek(r, 0) == '*' && peek(r, 1) == '/'))
                                blank(r);
                        if (r->at == r->scan->len)
                                return REFUSE(r, line, "This comment is not closed.");
                        blank(r);
                        blank(r);
                } else {
                        return STATUS_OK;
                }
        }
}

static bool is_control(char c)
{
        return (unsigned char)c < 0x20 || c == 0x7f;
}

/* At "${": NAME} or NAME:-default}. libconfuse puts in the value; a variable that is not there is
 * for us to find. */
static enum status skip_variable(struct reader *r)
{
        const char *text = r->scan->text;
        char name[128];
        size_t begin = r->at + 2, at = begin;

        while (at < r->scan->len && (text[at] == '_' || (text[at] >= 'A' && text[at] <= 'Z') ||
                                     (text[at] >= 'a' && text[at] <= 'z') ||
                                     (at > begin && text[at] >= '0' && text[at] <= '9')))
                at++;
        size_t len = at - begin;
        bool has_default = at + 1 < r->scan->len && text[at] == ':' && text[at + 1] == '-';
        if (has_default)
                while (at < r->scan->len && text[at] != '}' && text[at] != '"' &&
                       !is_control(text[at]))
                        at++;
        if (!len || len >= sizeof name || at == r->scan->len || text[at] != '}')
                return REFUSE(r, r->line, "A variable is ${NAME} or ${NAME:-default}.");
        memcpy(name, text + begin, len);
        name[len] = '\0';
        if (!has_default && !getenv(name))
                return REFUSE(r, r->line,
                              "The environment variable %s is not set; ${%s:-...} gives a default.",
                              name, name);
        r->at = at + 1;
        return STATUS_OK;
}

static enum status skip_string(struct reader *r)
{
        char quote = r->scan->text[r->at++];

        for (;;) {
                char c = peek(r, 0), next = peek(r, 1);
                if (r->at == r->scan->len || c == '\n')
                        return REFUSE(r, r->line, "This string is not closed.");
                if (is_control(c))
                        return REFUSE(r, r->line, "A control character stands in this string.");
                if (c == quote) {
                        r->at++;
                        return STATUS_OK;
                }
                if (c == '\\' && quote == '"' && ((next >= '0' && next <= '9') || next == 'x'))
                        return REFUSE(r, r->line, "Characters cannot be given by number.");
                if (c == '\\' && next != '\n' && !is_control(next))
                        r->at += 2;
                else if (c == '$' && next == '{' && quote == '"')
                        TRY(skip_variable(r));
                else
                        r->at++;
        }
}

static bool is_word(char c)
{
        return !is_control(c) && !strchr(" #\"'={}()+,*$;", c);
}

static enum status next_token(struct reader *r, struct token *ret)
{
        TRY(skip_blanks(r));
        char c = peek(r, 0);
        struct token t = {.kind = TOKEN_END, .line = r->line};
        size_t begin = r->at;

        if (begin == r->scan->len) {
                t.line = r->last_line;
                *ret = t;
                return STATUS_OK;
        }
        r->last_line = r->line;
        if (c && strchr("={},", c)) {
                t.kind = TOKEN_MARK;
                r->at++;
        } else if (c == '"' || c == '\'') {
                t.kind = TOKEN_STRING;
                TRY(skip_string(r));
        } else if (is_word(c)) {
                t.kind = TOKEN_WORD;
                while (r->at < r->scan->len && is_word(peek(r, 0)) &&
                       !(peek(r, 0) == '/' && peek(r, 1) == '*'))
                        r->at++;
        } else if (is_control(c)) {
                return REFUSE(r, r->line, "A control character stands here.");
        } else {
                return REFUSE(r, r->line,
                              "\"%c\" cannot stand here; values with it go into double quotes.", c);
        }
        t.text = span_make(r->scan->text + begin, r->at - begin);
        *ret = t;
        return STATUS_OK;
}

static bool is_mark(const struct token *t, char mark)
{
        return t->kind == TOKEN_MARK && t->text.p[0] == mark;
}

static enum status unexpected(struct reader *r, const struct token *t, const char *wanted)
{
        if (t->kind == TOKEN_END)
                return REFUSE(r, t->line, "The file ends where %s should stand.", wanted);
        return REFUSE(r, t->line, "Here %s should stand.", wanted);
}

static enum status add_place(struct reader *r, struct config_place place)
{
        if (r->scan->n_places == CONFIG_PLACES_MAX)
                return REFUSE(r, place.line, "More than %d options and sections.",
                              CONFIG_PLACES_MAX);
        r->scan->places[r->scan->n_places++] = place;
        return STATUS_OK;
}

static enum status add_option(struct reader *r, const struct token *name)
{
        struct config_place place = r->open[r->depth];
        place.name = name->text;
        place.line = name->line;
        for (size_t i = 0; i < r->scan->n_places; i++) {
                const struct config_place *p = &r->scan->places[i];
                if (span_equal(p->section, place.section) && p->nth == place.nth &&
                    span_equal(p->name, place.name))
                        return REFUSE(r, place.line, "%.*s is given twice (first on line %u).",
                                      (int)place.name.len, place.name.p, p->line);
        }
        return add_place(r, place);
}

static enum status open_section(struct reader *r, const struct token *name, bool has_title)
{
        struct config_place place = {.section = name->text, .line = name->line};

        for (size_t i = 0; i < r->scan->n_places; i++) {
                const struct config_place *p = &r->scan->places[i];
                if (p->name.p || !span_equal(p->section, place.section))
                        continue;
                place.nth++;
                if (!has_title)
                        return REFUSE(r, place.line,
                                      "The section %.*s is given twice (first on line %u).",
                                      (int)name->text.len, name->text.p, p->line);
        }
        if (r->depth == DEPTH_MAX)
                return REFUSE(r, place.line, "Sections are nested too deeply.");
        r->open[++r->depth] = place;
        return add_place(r, place);
}

/* After "name =": a value, or a list in braces. */
static enum status read_value(struct reader *r)
{
        struct token t;
        TRY(next_token(r, &t));
        if (t.kind == TOKEN_WORD || t.kind == TOKEN_STRING)
                return STATUS_OK;
        if (!is_mark(&t, '{'))
                return unexpected(r, &t, "a value");
        unsigned line = t.line;
        for (;;) {
                TRY(next_token(r, &t));
                if (is_mark(&t, '}'))
                        return STATUS_OK;
                if (t.kind == TOKEN_END)
                        return REFUSE(r, line, "This list is not closed.");
                if (t.kind == TOKEN_MARK)
                        return unexpected(r, &t, "a value of the list");
                TRY(next_token(r, &t));
                if (is_mark(&t, '}'))
                        return STATUS_OK;
                if (t.kind == TOKEN_END)
                        return REFUSE(r, line, "This list is not closed.");
                if (!is_mark(&t, ','))
                        return unexpected(r, &t, "a comma or a closing brace");
        }
}

/* name = value, or name [title] { */
static enum status read_statement(struct reader *r, const struct token *name)
{
        struct token t;

        for (size_t i = 0; i < name->text.len; i++)
                if (name->kind != TOKEN_WORD ||
                    !strchr("abcdefghijklmnopqrstuvwxyz_0123456789", name->text.p[i]))
                        return unexpected(r, name, "the name of an option or a section");
        TRY(next_token(r, &t));
        if (is_mark(&t, '=')) {
                TRY(add_option(r, name));
                return read_value(r);
        }
        bool has_title = t.kind == TOKEN_WORD || t.kind == TOKEN_STRING;
        if (has_title)
                TRY(next_token(r, &t));
        if (!is_mark(&t, '{'))
                return unexpected(r, &t,
                                  has_title ? "an opening brace" : "\"=\" or an opening brace");
        return open_section(r, name, has_title);
}

enum status config_scan(struct config_scan *s, struct arena *a, struct error *e)
{
        struct reader r = {
                .scan = s, .line = 1, .last_line = 1, .e = e, .open = {{.section = SPAN("")}}};
        struct token t;

        s->n_places = 0;
        s->places = arena_alloc(a, CONFIG_PLACES_MAX * sizeof *s->places);
        if (!s->places)
                return error_no_memory(e);
        for (;;) {
                TRY(next_token(&r, &t));
                if (t.kind == TOKEN_END)
                        break;
                if (!is_mark(&t, '}'))
                        TRY(read_statement(&r, &t));
                else if (r.depth-- == 0)
                        return REFUSE(&r, t.line, "This brace closes nothing.");
        }
        if (r.depth > 0)
                return REFUSE(&r, r.open[r.depth].line, "The section %.*s is not closed.",
                              (int)r.open[r.depth].section.len, r.open[r.depth].section.p);
        return STATUS_OK;
}

unsigned config_scan_line(const struct config_scan *s, const char *section, unsigned nth,
                          const char *name)
{
        unsigned line = 0;
        for (size_t i = 0; i < s->n_places; i++) {
                const struct config_place *p = &s->places[i];
                if (!span_is(p->section, section) || p->nth != nth)
                        continue;
                if (name && span_is(p->name, name))
                        return p->line;
                if (!p->name.p)
                        line = p->line;
        }
        return line;
}
