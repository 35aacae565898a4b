/*
 * base/config_options: every option of the configuration, as one table.
 *
 * It drives the reading, the checks, the default file and what a reload can
 * take. A new option is a row here and a member of struct config.
 */
#ifndef BASE_CONFIG_OPTIONS_H
#define BASE_CONFIG_OPTIONS_H

#include <chatelaine/base_config.h>

enum config_type {
        CONFIG_TEXT,     /* char * */
        CONFIG_PATH,     /* char *; made absolute under state_dir unless empty */
        CONFIG_STORE,    /* char *; the path behind "sqlite:" made absolute */
        CONFIG_LIST,     /* struct config_list */
        CONFIG_FACES,    /* unsigned; a list of names */
        CONFIG_BOOL,     /* bool */
        CONFIG_UNSIGNED, /* unsigned */
        CONFIG_COUNT,    /* int64_t */
        CONFIG_SIZE,     /* int64_t bytes */
        CONFIG_DURATION, /* int64_t milliseconds */
};

struct config_option {
        const char *section, *name; /* section "" = at the top */
        enum config_type type;
        bool is_required; /* must be in the file, when its section is */
        bool is_nonempty;
        bool is_reloaded;    /* a reload takes it */
        const char *preset;  /* what holds when it is not in the file, as the file would write it:
                                words of a list with spaces between */
        const char *shown;   /* what the default file shows; NULL = preset */
        int64_t min, max;    /* of numbers; bytes, milliseconds */
        const char *choices; /* "a|b|c"; NULL = any */
        /* NULL, or what else a value must be: NULL when it is, else the words that end "X must be
         * ...". */
        const char *(*check)(struct span value);
        size_t offset; /* in struct config, or in the titled section's struct */
        const char *comment;
};

struct config_section {
        const char *name, *parent; /* parent "" = at the top */
        const char *title;         /* in the default file; NULL = has none */
        bool is_example;           /* commented out in the default file */
        size_t element_size;       /* titled: of the struct, whose first member is `char *name` */
        size_t array_offset, count_offset;
        const char *comment;
};

/* In the order of the default file; ended by name NULL. The top itself is the section "". */
extern const struct config_section config_sections[];
extern const struct config_option config_options[];

/* NULL when there is none. */
const struct config_section *config_section_find(const char *name);
const struct config_option *config_option_find(const char *section, const char *name);

/* One value of a number type, checked against the option's range. */
enum status config_number(const struct config_option *o, struct span text, int64_t *ret,
                          struct error *e) MUST_CHECK;
/* One value (of a list: one of its words) against choices, check and is_nonempty. */
enum status config_text_check(const struct config_option *o, struct span text,
                              struct error *e) MUST_CHECK;
/* "1 to 100", "1s to 36500d". */
void config_print_range(const struct config_option *o, struct buf *out);
/* The face's bit, 0 when there is none of this name. */
unsigned config_face(struct span name);

/* A snapshot's sections of this name, and what the offsets of the i-th one's options are in.
 * Untitled: 1, the snapshot. */
size_t config_count(const struct config *c, const struct config_section *s);
void *config_element(const struct config *c, const struct config_section *s, size_t i);

#endif
