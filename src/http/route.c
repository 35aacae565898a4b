#include "route.h"
#include "phrase.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* One counter a status, found on first use. */
struct route_cells {
        _Atomic(struct metric_cell *) cell[PHRASES_MAX];
};

struct node {
        struct span literal; /* absent for the parameter child */
        struct node *child;  /* literal children */
        struct node *param;
        struct node *next; /* literal sibling */
        struct route *routes;
};

struct router {
        struct node root;
        struct route_cells none; /* no route matched */
        struct metric_family *requests;
};

static const struct {
        enum http_method bit;
        const char *name;
} methods[] = {
        {HTTP_GET, "GET"},     {HTTP_POST, "POST"},     {HTTP_PUT, "PUT"},
        {HTTP_PATCH, "PATCH"}, {HTTP_DELETE, "DELETE"},
};
#define N_METHODS (sizeof methods / sizeof methods[0])

const char *method_text(enum http_method m)
{
        for (size_t i = 0; i < N_METHODS; i++)
                if (methods[i].bit == m)
                        return methods[i].name;
        return "OTHER";
}

void route_allow(unsigned bits, char out[ALLOW_BYTES])
{
        size_t len = 0;
        out[0] = '\0';
        for (size_t i = 0; i < N_METHODS; i++)
                if (bits & methods[i].bit)
                        len += (size_t)snprintf(out + len, ALLOW_BYTES - len, "%s%s%s",
                                                len ? ", " : "", methods[i].name,
                                                methods[i].bit == HTTP_GET ? ", HEAD" : "");
}

static struct node *node_new(struct span literal)
{
        struct node *n = calloc(1, sizeof *n);
        if (n)
                n->literal = literal;
        return n;
}

static struct node *child_literal(const struct node *n, struct span segment)
{
        for (struct node *c = n->child; c; c = c->next)
                if (span_equal(c->literal, segment))
                        return c;
        return NULL;
}

/* The child for one segment of a route's path, made when it is missing. */
static struct node *child_for(struct node *n, struct span segment, bool is_param)
{
        if (is_param) {
                if (!n->param)
                        n->param = node_new(SPAN_NONE);
                return n->param;
        }
        struct node *c = child_literal(n, segment);
        if (!c && (c = node_new(segment))) {
                c->next = n->child;
                n->child = c;
        }
        return c;
}

static enum status bad_route(const struct http_route *def, const char *why, struct error *e)
{
        return error_set(e, STATUS_INVALID, "invalid-route", def->path, "%s %s: %s",
                         method_text(def->method), def->path, why);
}

/* Hang `route` into the tree; it is the tree's when this returns OK. */
static enum status insert(struct node *n, struct route *route, struct error *e)
{
        const struct http_route *def = route->def;
        struct span rest = span_of(def->path);
        if (!span_starts(rest, "/") || !def->handler)
                return bad_route(def, "needs a handler and a path that begins with a slash", e);
        rest = span_make(rest.p + 1, rest.len - 1);
        while (rest.p) {
                struct span segment = span_split(rest, '/', &rest);
                bool is_param =
                        segment.len > 2 && segment.p[0] == '{' && segment.p[segment.len - 1] == '}';
                if (!is_param &&
                    (memchr(segment.p, '{', segment.len) || memchr(segment.p, '}', segment.len)))
                        return bad_route(def, "a parameter must be a whole segment", e);
                if (is_param) {
                        if (route->n_names == ROUTE_PARAMS)
                                return bad_route(def, "has too many parameters", e);
                        route->names[route->n_names++] = span_make(segment.p + 1, segment.len - 2);
                }
                n = child_for(n, segment, is_param);
                if (!n)
                        return error_no_memory(e);
        }
        for (const struct route *r = n->routes; r; r = r->next)
                if (r->def->method == def->method)
                        return bad_route(def, "is there twice", e);
        route->next = n->routes;
        n->routes = route;
        return STATUS_OK;
}

static void route_free(struct route *route)
{
        if (route)
                free(route->cells);
        free(route);
}

static enum status add(struct router *r, const struct http_route *def, struct error *e)
{
        struct route *route = calloc(1, sizeof *route);
        if (!route)
                return error_no_memory(e);
        route->def = def;
        route->cells = calloc(1, sizeof *route->cells);
        enum status s = route->cells ? insert(&r->root, route, e) : error_no_memory(e);
        if (s != STATUS_OK)
                route_free(route);
        return s;
}

enum status router_new(const struct http_route *const *tables, struct router **ret, struct error *e)
{
        struct router *r = calloc(1, sizeof *r);
        if (!r)
                return error_no_memory(e);
        r->requests = metric_family(METRIC_COUNTER, "chatelaine_http_requests_total",
                                    "route,status", "Requests answered, by route and status.");
        for (; *tables; tables++)
                for (const struct http_route *def = *tables; def->path; def++) {
                        enum status s = add(r, def, e);
                        if (s != STATUS_OK) {
                                router_free(r);
                                return s;
                        }
                }
        *ret = r;
        return STATUS_OK;
}

static void node_fini(struct node *n)
{
        for (struct node *c = n->child, *next; c; c = next) {
                next = c->next;
                node_fini(c);
                free(c);
        }
        if (n->param)
                node_fini(n->param);
        free(n->param);
        for (struct route *r = n->routes, *next; r; r = next) {
                next = r->next;
                route_free(r);
        }
}

void router_free(struct router *r)
{
        if (!r)
                return;
        node_fini(&r->root);
        free(r);
}

struct search {
        enum http_method method;
        const struct span *segments;
        size_t n;
        unsigned faces;
        bool is_unix;
        unsigned n_params;
        struct route_match *match;
};

static bool is_served(const struct search *s, const struct http_route *def)
{
        return s->is_unix || (!def->is_admin_only && (def->faces & s->faces));
}

/* True when this path has routes, whether or not one takes the method. */
static bool take(struct search *s, const struct node *n)
{
        for (const struct route *r = n->routes; r; r = r->next) {
                if (!is_served(s, r->def))
                        continue;
                s->match->allow |= r->def->method;
                if (r->def->method == s->method)
                        s->match->route = r;
        }
        return s->match->allow != 0;
}

static bool search(struct search *s, const struct node *n, size_t at)
{
        if (at == s->n)
                return take(s, n);
        const struct node *c = child_literal(n, s->segments[at]);
        if (c && search(s, c, at + 1))
                return true;
        if (!n->param || s->segments[at].len == 0)
                return false;
        unsigned mine = s->n_params++;
        s->match->params[mine] = s->segments[at];
        if (search(s, n->param, at + 1))
                return true;
        s->n_params = mine;
        return false;
}

void router_find(const struct router *r, enum http_method method, const struct span *segments,
                 size_t n, unsigned faces, bool is_unix, struct route_match *ret)
{
        struct search s = {.method = method,
                           .segments = segments,
                           .n = n,
                           .faces = faces,
                           .is_unix = is_unix,
                           .match = ret};
        ret->route = NULL;
        ret->allow = 0;
        search(&s, &r->root, 0);
}

struct metric_cell *router_cell(const struct router *r, const struct route *route, unsigned status)
{
        struct route_cells *cells = route ? route->cells : (struct route_cells *)&r->none;
        _Atomic(struct metric_cell *) *at = &cells->cell[phrase_index(status)];
        struct metric_cell *cell = atomic_load_explicit(at, memory_order_acquire);
        if (cell)
                return cell;
        char number[12];
        snprintf(number, sizeof number, "%u", status);
        cell = METRIC_CELL(r->requests, route ? route->def->path : "none", number);
        atomic_store_explicit(at, cell, memory_order_release);
        return cell;
}
