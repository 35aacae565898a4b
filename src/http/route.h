/*
 * route: the tables of routes, compiled once into a tree of segments.
 *
 *     /v1/keys            (root)─v1─keys─┬─verify
 *     /v1/keys/verify                    └─{}─rotate
 *     /v1/keys/{id}/rotate
 *
 * A literal child is tried before the parameter child; where the literal leads
 * to no route that this listener serves, the parameter is tried. The first
 * path that has routes decides: a method that it lacks is 405, even when a
 * parameter further right would have taken it.
 */
#ifndef HTTP_ROUTE_H
#define HTTP_ROUTE_H

#include <chatelaine/base_metrics.h>
#include <chatelaine/http.h>

#define ROUTE_PARAMS 8
#define ROUTE_SEGMENTS 32

struct router;

struct route {
        const struct http_route *def;
        struct span names[ROUTE_PARAMS];
        unsigned n_names;
        struct route *next;        /* others of the same path */
        struct route_cells *cells; /* chatelaine_http_requests_total of this route */
};

struct route_match {
        const struct route *route;        /* NULL: see allow */
        struct span params[ROUTE_PARAMS]; /* in the order of the route's names */
        unsigned allow;                   /* enum http_method bits of the path; 0 = no such path */
};

/* `tables` as in http_wiring. INVALID for a malformed path or the same method and path twice. */
enum status router_new(const struct http_route *const *tables, struct router **ret,
                       struct error *e) MUST_CHECK;
void router_free(struct router *r);
/* `segments` decoded. `faces` of the listener; `is_unix` serves all. */
void router_find(const struct router *r, enum http_method method, const struct span *segments,
                 size_t n, unsigned faces, bool is_unix, struct route_match *ret);
/* The counter of a route (NULL: no route matched) and status. Any thread. */
struct metric_cell *router_cell(const struct router *r, const struct route *route, unsigned status);
/* "GET, HEAD, POST" for an Allow header. */
#define ALLOW_BYTES 48
void route_allow(unsigned bits, char out[ALLOW_BYTES]);
const char *method_text(enum http_method m);

#endif
