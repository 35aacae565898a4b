#include "app/cli.h"

#include <chatelaine/base_log.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct cli_option common[] = {
        {"config", CLI_VALUE, "FILE",
         "configuration (default $CHATELAINE_CONFIG, then /etc/chatelaine/chatelaine.conf)"},
        {"json", CLI_FLAG, NULL, "answer in JSON"},
        {"help", CLI_FLAG, NULL, "this text"},
        {NULL, CLI_FLAG, NULL, NULL},
};

/* ---- help ---- */

static void print_command(FILE *f, const struct cli_command *k)
{
        const struct cli_option *tables[] = {k->options, common};
        char left[64];

        fprintf(f, "usage: chatelaine %s%s%s%s\n\n%s\n\noptions:\n", k->words,
                k->arguments[0] ? " " : "", k->arguments, " [options]", k->help);
        for (size_t t = 0; t < 2; t++)
                for (const struct cli_option *o = tables[t]; o && o->name; o++) {
                        snprintf(left, sizeof left, "--%s%s%s%s", o->name, o->value ? " " : "",
                                 o->value ? o->value : "", o->kind == CLI_LIST ? " ..." : "");
                        fprintf(f, "  %-28s %s\n", left, o->help);
                }
}

/* Commands whose words begin with `prefix` ("" = all). */
static void print_list(FILE *f, const char *prefix)
{
        size_t n = strlen(prefix);
        char left[80];

        fprintf(f, "usage: chatelaine COMMAND [options]\n\n");
        for (const struct cli_command *k = cli_commands; k->words; k++) {
                if (strncmp(k->words, prefix, n) != 0 ||
                    (n && k->words[n] != ' ' && k->words[n] != '\0'))
                        continue;
                snprintf(left, sizeof left, "%s%s%s", k->words, k->arguments[0] ? " " : "",
                         k->arguments);
                fprintf(f, "  %-34s %s\n", left, k->help);
        }
        fprintf(f, "\n`chatelaine COMMAND --help` tells the options of one.\n");
}

/* ---- parsing ---- */

/* The command that argv begins with, behind its first word. */
static const struct cli_command *find_command(int argc, char **argv, int *ret_words)
{
        char two[64] = "";

        if (argc > 2)
                snprintf(two, sizeof two, "%s %s", argv[1], argv[2]);
        for (const struct cli_command *k = cli_commands; k->words; k++) {
                if (strcmp(k->words, two) == 0) {
                        *ret_words = 2;
                        return k;
                }
                if (strcmp(k->words, argv[1]) == 0) {
                        *ret_words = 1;
                        return k;
                }
        }
        return NULL;
}

static bool is_group(const char *word)
{
        size_t n = strlen(word);

        for (const struct cli_command *k = cli_commands; k->words; k++)
                if (strncmp(k->words, word, n) == 0 && k->words[n] == ' ')
                        return true;
        return false;
}

/* getopt's table from ours; val is the index + 1. */
static size_t fill_options(const struct cli_command *k, struct option out[CLI_OPTIONS_MAX],
                           const struct cli_option *index[CLI_OPTIONS_MAX])
{
        const struct cli_option *tables[] = {k->options, common};
        size_t n = 0;

        for (size_t t = 0; t < 2; t++)
                for (const struct cli_option *o = tables[t];
                     o && o->name && n < CLI_OPTIONS_MAX - 1; o++) {
                        index[n] = o;
                        out[n] = (struct option){.name = o->name,
                                                 .has_arg = o->kind == CLI_FLAG ? no_argument
                                                                                : required_argument,
                                                 .val = (int)n + 1};
                        n++;
                }
        out[n] = (struct option){0};
        return n;
}

/* -1: go on; otherwise the exit status. */
static int parse_options(struct cli *c, int argc, char **argv)
{
        struct option options[CLI_OPTIONS_MAX];
        const struct cli_option *index[CLI_OPTIONS_MAX];
        size_t n = fill_options(c->command, options, index);
        int v;

        opterr = 0;
        optind = 1;
        while ((v = getopt_long(argc, argv, ":", options, NULL)) != -1) {
                if (v == ':')
                        return cli_misuse(c, "%s needs a value", argv[optind - 1]);
                if (v < 1 || (size_t)v > n)
                        return cli_misuse(c, "unknown option %s", argv[optind - 1]);
                if (c->n_values == CLI_VALUES_MAX)
                        return cli_misuse(c, "more than %d options", CLI_VALUES_MAX);
                c->values[c->n_values++] =
                        (struct cli_value){.option = index[v - 1], .text = optarg ? optarg : ""};
        }
        c->args = argv + optind;
        c->n_args = argc - optind;
        if (cli_has(c, "help")) {
                print_command(stdout, c->command);
                return CLI_FINE;
        }
        if (c->n_args < c->command->args_min || c->n_args > c->command->args_max)
                return cli_misuse(c, "wrong number of arguments");
        return -1;
}

static const char *default_config_path(void)
{
        const char *path = getenv("CHATELAINE_CONFIG");

        return path && path[0] ? path : "/etc/chatelaine/chatelaine.conf";
}

/* How many words of argv, behind its first, are common options that stand before the command. */
static int leading_options(int argc, char **argv)
{
        int n = 0, takes;

        do {
                const char *word = n + 1 < argc ? argv[n + 1] : "";
                takes = strcmp(word, "--config") == 0 && n + 2 < argc                       ? 2
                        : strcmp(word, "--json") == 0 || strncmp(word, "--config=", 9) == 0 ? 1
                                                                                            : 0;
                n += takes;
        } while (takes);
        return n;
}

/* -1: run the command; otherwise the exit status. *ret_words tells how many words it took. */
static int choose_command(struct cli *c, int argc, char **argv, int *ret_words)
{
        if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
            strcmp(argv[1], "help") == 0) {
                print_list(argc < 2 ? stderr : stdout, "");
                return argc < 2 ? CLI_USAGE : CLI_FINE;
        }
        if (strcmp(argv[1], "--version") == 0)
                argv[1] = (char *)"version";
        c->command = find_command(argc, argv, ret_words);
        if (c->command)
                return -1;
        if (is_group(argv[1])) {
                bool is_help = argc > 2 && strcmp(argv[2], "--help") == 0;
                print_list(is_help ? stdout : stderr, argv[1]);
                return is_help ? CLI_FINE : CLI_USAGE;
        }
        fprintf(stderr, "chatelaine: unknown command %s: `chatelaine --help` lists them\n",
                argv[1]);
        return CLI_USAGE;
}

int cli_main(int argc, char **argv)
{
        static struct cli c;
        int leading = leading_options(argc, argv), words = 0;
        int status = choose_command(&c, argc - leading, argv + leading, &words);

        if (status >= 0)
                return status;
        /* [name][leading][words][rest] is read from argv + words on, as [...][leading][rest]. */
        memmove(argv + 1 + words, argv + 1, (size_t)leading * sizeof *argv);
        arena_init(&c.arena, 64 << 20);
        /* A command speaks on standard output; serve sets its own log. */
        if (log_configure("warn", "text", NULL) != STATUS_OK)
                return CLI_FAILED;
        status = parse_options(&c, argc - words, argv + words);
        if (status < 0) {
                c.is_json = cli_has(&c, "json");
                c.has_config_path = cli_has(&c, "config");
                c.config_path = c.has_config_path ? cli_value(&c, "config") : default_config_path();
                status = c.command->run(&c);
        }
        config_free(c.config);
        arena_fini(&c.arena);
        return fflush(stdout) == 0 ? status : CLI_FAILED;
}

/* ---- what commands ask ---- */

const char *cli_value_at(const struct cli *c, const char *name, size_t i)
{
        for (size_t k = 0; k < c->n_values; k++)
                if (strcmp(c->values[k].option->name, name) == 0 && i-- == 0)
                        return c->values[k].text;
        return NULL;
}

const char *cli_value(const struct cli *c, const char *name)
{
        const char *found = NULL;

        for (size_t k = 0; k < c->n_values; k++)
                if (strcmp(c->values[k].option->name, name) == 0)
                        found = c->values[k].text;
        return found;
}

bool cli_has(const struct cli *c, const char *name)
{
        return cli_value(c, name) != NULL;
}

bool cli_needs(const struct cli *c, const char *name)
{
        if (cli_has(c, name))
                return true;
        cli_misuse(c, "--%s is missing", name);
        return false;
}

bool cli_config(struct cli *c)
{
        struct error e;

        if (c->config)
                return true;
        if (config_load(c->config_path, &c->config, &e) == STATUS_OK)
                return true;
        cli_fail(c, &e);
        return false;
}

enum cli_exit cli_fail(const struct cli *c, const struct error *e)
{
        if (c->is_json) {
                struct buf b;
                buf_init(&b, 8192);
                json_obj_open(&b);
                json_member_text(&b, "slug", span_of(e->slug));
                json_member_text(&b, "detail", span_of(e->text));
                if (e->where[0])
                        json_member_text(&b, "where", span_of(e->where));
                json_obj_close(&b);
                fprintf(stderr, "%.*s\n", (int)b.len, b.data ? b.data : "");
                buf_fini(&b);
        } else {
                fprintf(stderr, "chatelaine: %s%s%s (%s)\n", e->where, e->where[0] ? ": " : "",
                        e->text, e->slug);
        }
        return CLI_FAILED;
}

enum cli_exit cli_misuse(const struct cli *c, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        fprintf(stderr, "chatelaine %s: ", c->command->words);
        vfprintf(stderr, fmt, ap);
        fprintf(stderr, "\nusage: chatelaine %s%s%s [options]; --help tells more\n",
                c->command->words, c->command->arguments[0] ? " " : "", c->command->arguments);
        va_end(ap);
        return CLI_USAGE;
}

static enum status read_fd(int fd, const char *path, struct buf *out, struct error *e)
{
        char piece[16384];

        for (;;) {
                ssize_t n = read(fd, piece, sizeof piece);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return error_set(e, STATUS_INVALID, "file-unreadable", path, "%s",
                                         strerror(errno));
                if (n == 0)
                        break;
                buf_append(out, piece, (size_t)n);
                if (out->status == STATUS_LIMIT)
                        return error_set(e, STATUS_LIMIT, "file-too-large", path,
                                         "larger than %zu bytes", out->max);
        }
        wipe(piece, sizeof piece); /* it may have been a password */
        return buf_check(out, e);
}

enum status cli_read_file(const char *path, size_t max_bytes, bool is_line, struct buf *out,
                          struct error *e)
{
        bool is_stdin = strcmp(path, "-") == 0;
        int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
        enum status s;

        buf_init(out, max_bytes);
        if (fd < 0)
                return error_set(e, STATUS_NOT_FOUND, "file-unreadable", path, "%s",
                                 strerror(errno));
        s = read_fd(fd, path, out, e);
        if (!is_stdin)
                close(fd);
        if (s == STATUS_OK && is_line && out->len && out->data[out->len - 1] == '\n')
                out->data[--out->len] = '\0';
        return s;
}
