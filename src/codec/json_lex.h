/*
 * json_lex: the strict grammar of RFC 8259 over raw bytes.
 *
 * Each function reads one thing at x->p and leaves x->p behind it. On failure
 * x->p is the offending byte, x->fault says why, and x->steps holds the way
 * from the value that was begun to the fault, innermost first.
 */
#ifndef CHATELAINE_CODEC_JSON_LEX_H
#define CHATELAINE_CODEC_JSON_LEX_H

#include <chatelaine/codec_json_scan.h>

/* The outermost are kept: more than the field of an error has room for. */
#define LEX_STEPS 256

#define LEX_WHERE_SIZE (sizeof((struct error *)0)->where)

struct lex_step {
        struct span name; /* raw with quotes; absent: an array's element */
        size_t index;
};

struct lex {
        const char *p, *end;
        unsigned depth, depth_max; /* open arrays and objects now; at most */
        const char *fault;         /* a sentence */
        bool is_too_deep;
        struct lex_step *steps; /* the caller's, of LEX_STEPS; nothing is written but at a fault */
        size_t n_steps;
};

static inline void lex_space(struct lex *x)
{
        while (x->p < x->end && (*x->p == ' ' || *x->p == '\n' || *x->p == '\r' || *x->p == '\t'))
                x->p++;
}

bool lex_fault(struct lex *x, const char *fault); /* false */
/* Any value with all that is in it. */
bool lex_value(struct lex *x, struct json_value *ret);
/* Opening bracket or brace, counted; then lex_close when its end was read. */
bool lex_open(struct lex *x);
void lex_close(struct lex *x);
/* `"name" :` and the space behind; *ret is the raw name. */
bool lex_name(struct lex *x, struct span *ret, bool *ret_escaped);
/* Behind an element: true and *ret_more for a comma, true for `close`; the space around is read. */
bool lex_comma(struct lex *x, char close, bool *ret_more);
/* One step of the way to the fault, from inside to outside. Returns false. */
bool lex_step_out(struct lex *x, struct span name, size_t index);
/* JSON pointer and offset of the fault: "/3/data (offset 118)". A way that the field has no room
 * for ends at a whole step: what holds the fault. */
void lex_where(const struct lex *x, const char *text, char out[LEX_WHERE_SIZE]);
/* The same for a place in valid text: where reading stops when it is cut there. */
void lex_where_cut(struct span text, size_t offset, char out[LEX_WHERE_SIZE]);
/* The fault as an error; `text` is where offsets count from. */
enum status lex_error(const struct lex *x, const char *text, struct error *e);

#endif
