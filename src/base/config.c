/*
 * From the file to a snapshot.
 *
 *     file ─▶ config_scan ─▶ libconfuse ─▶ values ─▶ paths
 *             strict text    names, types  presets   what must agree
 *                            each value's
 *                            check
 */
#include "base/config_check.h"
#include "base/config_load.h"

#include <chatelaine/base_utf8.h>

#include <assert.h>
#include <confuse.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_BYTES ((size_t)256 * 1024)
#define ARENA_MAX_BYTES ((size_t)4 * 1024 * 1024)

_Static_assert(sizeof(long) == sizeof(int64_t),
               "libconfuse's integers must hold bytes and milliseconds");

/* A snapshot and the memory of all that it points to. */
struct snapshot {
        struct config config;
        struct arena arena;
};

static struct loading *current; /* libconfuse's callbacks carry nothing of ours; main thread only */

static enum status read_all(int fd, const char *path, struct buf *out, struct error *e)
{
        for (;;) {
                char *room = buf_room(out, 4096);
                if (!room)
                        return error_set(e, STATUS_INVALID, "invalid-config", path,
                                         "It is larger than %zu bytes.", out->max);
                ssize_t n = read(fd, room, 4096);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return error_set(e, STATUS_INVALID, "invalid-config", path,
                                         "It cannot be read: %s.", strerror(errno));
                buf_grew(out, (size_t)n);
                if (n == 0)
                        break;
        }
        /* libconfuse reads through fmemopen, which wants a byte at the least. */
        buf_char(out, '\n');
        return buf_check(out, e);
}

static enum status read_file(const char *path, struct buf *out, struct error *e)
{
        struct stat st;
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
                return error_set(e, STATUS_NOT_FOUND, "no-config", path, "There is no such file.");
        if (fd < 0)
                return error_set(e, STATUS_INVALID, "invalid-config", path,
                                 "It cannot be opened: %s.", strerror(errno));
        enum status s;
        if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
                s = error_set(e, STATUS_INVALID, "invalid-config", path, "It is a directory.");
        else
                s = read_all(fd, path, out, e);
        close(fd);
        return s;
}

/* ---- libconfuse ---- */

static void on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
        char text[200];
        if (current->has_failed)
                return;
        current->has_failed = true;
        vsnprintf(text, sizeof text, fmt, ap);
        FAIL(current, (unsigned)cfg->line, "%s.", text);
}

static int refuse(const cfg_t *cfg, const struct config_option *o, const char *why)
{
        current->has_failed = true;
        FAIL(current, (unsigned)cfg->line, "%s%s%s", o->section, *o->section ? "." : "", why);
        return -1;
}

static const struct config_option *option_of(cfg_t *cfg, cfg_opt_t *opt)
{
        return config_option_find(strcmp(cfg_name(cfg), "root") == 0 ? "" : cfg_name(cfg),
                                  cfg_opt_name(opt));
}

static bool is_printable(struct span s)
{
        for (size_t i = 0, n; i < s.len; i += n) {
                n = utf8_length(s.p + i, s.len - i);
                if (n == 0 || (unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
                        return false;
        }
        return true;
}

static int on_text(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
        const struct config_option *o = option_of(cfg, opt);
        struct error e;
        char why[100];

        if (!is_printable(span_of(value))) {
                snprintf(why, sizeof why, "%s must be UTF-8 without control characters.", o->name);
                return refuse(cfg, o, why);
        }
        if (config_text_check(o, span_of(value), &e) != STATUS_OK)
                return refuse(cfg, o, e.text);
        *(const char **)result = value;
        return 0;
}

static int on_number(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
        const struct config_option *o = option_of(cfg, opt);
        struct error e;
        int64_t n;

        if (config_number(o, span_of(value), &n, &e) != STATUS_OK)
                return refuse(cfg, o, e.text);
        *(long *)result = (long)n;
        return 0;
}

static cfg_opt_t opt_of(const struct config_option *o)
{
        switch (o->type) {
        case CONFIG_TEXT:
        case CONFIG_PATH:
        case CONFIG_STORE: return (cfg_opt_t)CFG_STR_CB(o->name, NULL, CFGF_NODEFAULT, on_text);
        case CONFIG_LIST:
        case CONFIG_FACES:
                return (cfg_opt_t)CFG_STR_LIST_CB(o->name, NULL, CFGF_NODEFAULT, on_text);
        case CONFIG_BOOL: return (cfg_opt_t)CFG_BOOL(o->name, cfg_false, CFGF_NODEFAULT);
        default: return (cfg_opt_t)CFG_INT_CB(o->name, 0, CFGF_NODEFAULT, on_number);
        }
}

/* The section's options and the sections in it, as libconfuse wants them; NULL when memory is out.
 */
static cfg_opt_t *opts_of(const char *section, struct arena *a)
{
        size_t n = 0;
        for (const struct config_option *o = config_options; o->name; o++)
                n += strcmp(o->section, section) == 0;
        for (const struct config_section *s = config_sections; s->name; s++)
                n += *s->name && strcmp(s->parent, section) == 0;

        cfg_opt_t *opts = arena_alloc(a, (n + 1) * sizeof *opts);
        if (!opts)
                return NULL;
        n = 0;
        for (const struct config_option *o = config_options; o->name; o++)
                if (strcmp(o->section, section) == 0)
                        opts[n++] = opt_of(o);
        for (const struct config_section *s = config_sections; s->name; s++) {
                if (!*s->name || strcmp(s->parent, section) != 0)
                        continue;
                cfg_opt_t *inner = opts_of(s->name, a);
                if (!inner)
                        return NULL;
                opts[n++] = (cfg_opt_t)CFG_SEC(
                        s->name, inner,
                        s->title ? CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES : CFGF_NONE);
        }
        opts[n] = (cfg_opt_t)CFG_END();
        return opts;
}

/* ---- values ---- */

/* All values of an option: from the file, or the words of its preset. */
static enum status read_list(struct loading *l, const struct config_option *o, cfg_opt_t *opt,
                             struct config_list *ret)
{
        struct config_list list = {0};
        struct span rest = span_of(o->preset);
        size_t max = opt ? cfg_opt_size(opt) : strlen(o->preset) + 1;

        list.items = arena_alloc(l->arena, max * sizeof *list.items);
        if (!list.items)
                return error_no_memory(l->e);
        while (opt ? list.n < max : rest.len > 0) {
                struct span item = opt ? span_of(cfg_opt_getnstr(opt, (unsigned)list.n))
                                       : span_split(rest, ' ', &rest);
                list.items[list.n] = arena_dup(l->arena, item);
                if (!list.items[list.n++])
                        return error_no_memory(l->e);
        }
        *ret = list;
        return STATUS_OK;
}

static enum status read_faces(struct loading *l, const struct config_option *o, cfg_opt_t *opt,
                              unsigned *ret)
{
        struct config_list list;

        TRY(read_list(l, o, opt, &list));
        *ret = 0;
        for (size_t i = 0; i < list.n; i++)
                *ret |= config_face(span_of(list.items[i]));
        return STATUS_OK;
}

/* `opt` NULL: the preset holds. */
static enum status read_option(struct loading *l, const struct config_option *o, cfg_opt_t *opt,
                               void *to)
{
        int64_t n = 0;

        switch (o->type) {
        case CONFIG_TEXT:
        case CONFIG_PATH:
        case CONFIG_STORE:
                *(char **)to =
                        arena_dup(l->arena, span_of(opt ? cfg_opt_getnstr(opt, 0) : o->preset));
                return *(char **)to ? STATUS_OK : error_no_memory(l->e);
        case CONFIG_LIST: return read_list(l, o, opt, to);
        case CONFIG_FACES: return read_faces(l, o, opt, to);
        case CONFIG_BOOL:
                *(bool *)to =
                        opt ? cfg_opt_getnbool(opt, 0) == cfg_true : strcmp(o->preset, "true") == 0;
                return STATUS_OK;
        default:
                if (opt)
                        n = cfg_opt_getnint(opt, 0);
                else
                        TRY(config_number(o, span_of(o->preset), &n, l->e));
                if (o->type == CONFIG_UNSIGNED)
                        *(unsigned *)to = (unsigned)n;
                else
                        *(int64_t *)to = n;
                return STATUS_OK;
        }
}

/* `cfg` NULL: the section is not in the file. */
static enum status read_section(struct loading *l, const struct config_section *s, cfg_t *cfg,
                                unsigned nth, void *base)
{
        for (const struct config_option *o = config_options; o->name; o++) {
                if (strcmp(o->section, s->name) != 0)
                        continue;
                cfg_opt_t *opt = cfg ? cfg_getopt(cfg, o->name) : NULL;
                if (opt && !(opt->flags & CFGF_MODIFIED))
                        opt = NULL;
                unsigned line = config_scan_line(&l->scan, s->name, nth, o->name);
                if (!opt && o->is_required)
                        return FAIL(l, line, "%s \"%s\" needs %s.", s->name, cfg_title(cfg),
                                    o->name);
                if (opt && o->is_nonempty && cfg_opt_size(opt) == 0)
                        return FAIL(l, line, "%s.%s must not be empty.", s->name, o->name);
                TRY(read_option(l, o, opt, config_at(base, o->offset)));
        }
        return STATUS_OK;
}

static enum status read_title(struct loading *l, const struct config_section *s, cfg_t *cfg,
                              unsigned nth, void *element)
{
        const char *title = cfg ? cfg_title(cfg) : s->title;
        const char *wanted = check_title(span_of(title));

        if (wanted)
                return FAIL(l, config_scan_line(&l->scan, s->name, nth, NULL),
                            "The name of %s must be %s.", s->name, wanted);
        *(char **)element = arena_dup(l->arena, span_of(title));
        return *(char **)element ? STATUS_OK : error_no_memory(l->e);
}

static enum status read_titled(struct loading *l, const struct config_section *s, cfg_t *parent)
{
        unsigned in_file = cfg_size(parent, s->name);
        /* Something must listen: without a section, the one of the default file. */
        size_t n = in_file || strcmp(s->name, "listen") != 0 ? in_file : 1;
        char *array = arena_alloc(l->arena, n * s->element_size);

        if (!array)
                return error_no_memory(l->e);
        for (unsigned i = 0; i < n; i++) {
                cfg_t *cfg = i < in_file ? cfg_getnsec(parent, s->name, i) : NULL;
                TRY(read_title(l, s, cfg, i, array + i * s->element_size));
                TRY(read_section(l, s, cfg, i, array + i * s->element_size));
        }
        memcpy(config_at(l->config, s->array_offset), &array, sizeof array);
        *(size_t *)config_at(l->config, s->count_offset) = n;
        return STATUS_OK;
}

static enum status read_sections(struct loading *l, cfg_t *root)
{
        for (const struct config_section *s = config_sections; s->name; s++) {
                cfg_t *parent = *s->parent ? cfg_getsec(root, s->parent) : root;
                if (s->title)
                        TRY(read_titled(l, s, parent));
                else
                        TRY(read_section(l, s, *s->name ? cfg_getsec(root, s->name) : root, 0,
                                         l->config));
        }
        return STATUS_OK;
}

/* ---- the whole ---- */

static enum status parse(struct loading *l, cfg_t *cfg)
{
        FILE *f = fmemopen(l->scan.text, l->scan.len, "r");
        if (!f)
                return error_no_memory(l->e);
        int rc = cfg_parse_fp(cfg, f);
        fclose(f);
        if (rc == CFG_SUCCESS)
                return STATUS_OK;
        return l->has_failed ? STATUS_INVALID : FAIL(l, (unsigned)cfg->line, "It cannot be read.");
}

static enum status load(struct loading *l)
{
        TRY(config_scan(&l->scan, l->arena, l->e));
        cfg_opt_t *opts = opts_of("", l->arena);
        cfg_t *cfg = opts ? cfg_init(opts, CFGF_NONE) : NULL;
        if (!cfg)
                return error_no_memory(l->e);
        cfg_set_error_function(cfg, on_error);
        current = l;
        enum status s = parse(l, cfg);
        if (s == STATUS_OK)
                s = read_sections(l, cfg);
        cfg_free(cfg);
        current = NULL;
        return s == STATUS_OK ? config_settle(l) : s;
}

enum status config_load(const char *path, struct config **ret, struct error *e)
{
        CLEANUP(buf_fini_secret) struct buf text; /* a Kafka property may be a password */
        buf_init(&text, FILE_MAX_BYTES);
        TRY(read_file(path, &text, e));

        struct snapshot *s = calloc(1, sizeof *s);
        if (!s)
                return error_no_memory(e);
        arena_init(&s->arena, ARENA_MAX_BYTES);
        s->config.path = arena_dup(&s->arena, span_of(path));
        struct loading l = {.config = &s->config, .arena = &s->arena, .e = e};
        l.scan = (struct config_scan){.path = path, .text = text.data, .len = text.len};
        enum status status = s->config.path ? load(&l) : error_no_memory(e);
        if (status != STATUS_OK) {
                config_free(&s->config);
                return status;
        }
        *ret = &s->config;
        return STATUS_OK;
}

void config_free(struct config *c)
{
        struct snapshot *s = (struct snapshot *)c;
        if (!s)
                return;
        arena_fini(&s->arena);
        free(s);
}

struct span config_url_base(struct span url)
{
        while (url.len && url.p[url.len - 1] == '/')
                url.len--;
        return url;
}

const char *config_library(void)
{
        return confuse_version;
}
