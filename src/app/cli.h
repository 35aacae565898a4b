/*
 * cli: the command line's frame. A command is a row of a table (commands.c):
 * its words, arguments, options and function; parsing, --help and exit
 * statuses are the same for all.
 *
 * Exit statuses: 0 fine, 1 failed, 2 wrong use.
 */
#ifndef CHATELAINE_APP_CLI_H
#define CHATELAINE_APP_CLI_H

#include <chatelaine/base_config.h>
#include <chatelaine/codec_json.h>

enum cli_exit { CLI_FINE = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

enum cli_option_kind { CLI_FLAG, CLI_VALUE, CLI_LIST };
struct cli_option {
        const char *name; /* "optional-scope"; NULL ends a table */
        enum cli_option_kind kind;
        const char *value; /* its name in the help: "S" */
        const char *help;
};

struct cli;
struct cli_command {
        const char *words;     /* "app create"; NULL ends the table */
        const char *arguments; /* "NAME", "[FILE]", "" */
        int args_min, args_max;
        const struct cli_option *options; /* NULL = none but the common ones */
        const char *help;                 /* one line */
        enum cli_exit (*run)(struct cli *c);
};
extern const struct cli_command cli_commands[];

#define CLI_OPTIONS_MAX 32
#define CLI_VALUES_MAX 4096

struct cli_value {
        const struct cli_option *option;
        const char *text;
};

struct cli {
        const struct cli_command *command;
        char **args;
        int n_args;
        struct cli_value values[CLI_VALUES_MAX];
        size_t n_values;
        bool is_json;
        const char *config_path; /* as given or by default */
        bool has_config_path;    /* given by --config */
        struct config *config;   /* loaded by cli_config */
        struct arena arena;
};

/* The whole program: parse, run, exit status. */
int cli_main(int argc, char **argv);

/* The last value of an option, or NULL. */
const char *cli_value(const struct cli *c, const char *name);
bool cli_has(const struct cli *c, const char *name);
/* The i-th value of a repeated option, or NULL past the end. */
const char *cli_value_at(const struct cli *c, const char *name, size_t i);
/* Options that must be there: says which is missing. */
bool cli_needs(const struct cli *c, const char *name);

/* The configuration; says what is wrong with it and answers false. */
bool cli_config(struct cli *c);
/* "chatelaine: WHERE: TEXT (slug)" on stderr; with --json the same as an object. CLI_FAILED. */
enum cli_exit cli_fail(const struct cli *c, const struct error *e);
enum cli_exit cli_misuse(const struct cli *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* A whole file ("-" = standard input), at most max_bytes; without its trailing newline where
 * `is_line`. */
enum status cli_read_file(const char *path, size_t max_bytes, bool is_line, struct buf *out,
                          struct error *e) MUST_CHECK;

#endif
