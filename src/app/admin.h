/*
 * admin: the command line's talk with the running daemon, over its admin
 * socket, and how answers are printed: with --json as they came, else as
 * "name: value" lines or a table.
 */
#ifndef CHATELAINE_APP_ADMIN_H
#define CHATELAINE_APP_ADMIN_H

#include "app/cli.h"

/* A request body that a command builds: admin_open, json_member_*..., then admin_call closes and
 * sends it. */
void admin_open(struct buf *body);
/* A member only when the option was given. */
void admin_option(struct buf *body, const struct cli *c, const char *option, const char *member);
/* An array of the option's values. */
void admin_options(struct buf *body, const struct cli *c, const char *option, const char *member);
/* `--role R@URI` values as [{"role":R,"resource":URI}]; without @URI the resource is "*". */
void admin_grants(struct buf *body, const struct cli *c, const char *option,
                  const char *role_member, const char *member);

/*
 * Call and print the answer. `target` is a printf format with percent-encoded
 * parts from admin_part. body NULL = none; it is closed, sent, wiped and freed.
 */
enum cli_exit admin_call(struct cli *c, const char *method, struct buf *body, const char *fmt, ...)
        PRINTF_LIKE(4, 5);
/* The same, and the answer is the caller's (buf_fini_secret it; only after CLI_FINE). */
enum cli_exit admin_ask(struct cli *c, const char *method, struct buf *body, struct buf *ret_answer,
                        const char *fmt, ...) PRINTF_LIKE(5, 6);
/* A GET that may find nothing: 404 is CLI_FINE too, and *ret_is_found tells. */
enum cli_exit admin_find(struct cli *c, bool *ret_is_found, struct buf *ret_answer, const char *fmt,
                         ...) PRINTF_LIKE(4, 5);
/* All pages of a list, one after the other. `query` begins without "?" and may be "". */
enum cli_exit admin_list(struct cli *c, const char *path, const char *query);
/* Percent-encoded copy for a path segment or a query value, in the command's arena. */
const char *admin_part(struct cli *c, const char *text);
/* "name=value&" for an option that was given, appended to a query. */
void admin_query(struct buf *query, struct cli *c, const char *option, const char *name);
/* Print an object that came, as --json or not. */
void admin_print(const struct cli *c, struct span answer);

#endif
