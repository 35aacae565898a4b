#include "json_number.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* More significant digits than any double needs to be read right; one more says "and something". */
#define DIGITS_MAX 800
#define EXPONENT_MAX INT64_C(1000000000000)
/* What is above reads as infinite, what is below as zero. */
#define POINT_MAX 400

struct scanned {
        char digits[DIGITS_MAX + 1]; /* significant, no zero at either end */
        size_t n;
        int64_t point;
        bool is_negative;
};

static int64_t read_exponent(const char *p, const char *end)
{
        bool is_negative = *p == '-';
        int64_t n = 0;
        for (p += *p == '-' || *p == '+'; p < end; p++)
                if (n < EXPONENT_MAX)
                        n = n * 10 + (*p - '0');
        return is_negative ? -n : n;
}

static void read_digits(struct span number, struct scanned *s)
{
        const char *p = number.p, *end = p + number.len;
        bool is_fraction = false;
        s->n = 0;
        s->point = 0;
        s->is_negative = *p == '-';
        for (p += s->is_negative; p < end && *p != 'e' && *p != 'E'; p++) {
                if (*p == '.') {
                        is_fraction = true;
                        continue;
                }
                if (s->n > 0 || *p != '0') {
                        if (s->n < DIGITS_MAX)
                                s->digits[s->n++] = *p;
                        else if (*p != '0')
                                s->digits[DIGITS_MAX - 1] =
                                        '1'; /* sticky: rounds as the rest would */
                        s->point += !is_fraction;
                } else {
                        s->point -= is_fraction;
                }
        }
        if (p < end)
                s->point += read_exponent(p + 1, end);
        while (s->n > 0 && s->digits[s->n - 1] == '0')
                s->n--;
}

static double to_double(const struct scanned *s)
{
        char text[DIGITS_MAX + 32];
        if (s->n == 0 || s->point < -POINT_MAX)
                return s->is_negative ? -0.0 : 0.0;
        if (s->point > POINT_MAX)
                return s->is_negative ? -INFINITY : INFINITY;
        /* No decimal point, which a locale could spell otherwise. */
        snprintf(text, sizeof text, "%s%.*se%d", s->is_negative ? "-" : "", (int)s->n, s->digits,
                 (int)(s->point - (int64_t)s->n));
        return strtod(text, NULL);
}

double number_read(struct span number)
{
        struct scanned s;
        read_digits(number, &s);
        return to_double(&s);
}

/* `v` to `n` significant digits, correctly rounded, zeros at the end cut off. */
static void round_to(double v, int n, struct decimal *d)
{
        char text[NUMBER_SIZE];
        snprintf(text, sizeof text, "%.*e", n - 1, v);
        const char *exponent = strchr(text, 'e');
        d->n = 0;
        for (const char *p = text; p < exponent; p++)
                if (*p >= '0' && *p <= '9')
                        d->digits[d->n++] = *p;
        d->point = (int)strtol(exponent + 1, NULL, 10) + 1;
        while (d->n > 1 && d->digits[d->n - 1] == '0')
                d->n--;
}

static double read_back(const struct decimal *d)
{
        char text[NUMBER_SIZE];
        snprintf(text, sizeof text, "%.*se%d", d->n, d->digits, d->point - d->n);
        return strtod(text, NULL);
}

/* One more in the last digit. */
static void step_up(struct decimal *d)
{
        while (d->n > 0 && d->digits[d->n - 1] == '9')
                d->n--;
        if (d->n > 0) {
                d->digits[d->n - 1]++;
                return;
        }
        d->digits[d->n++] = '1';
        d->point++;
}

/*
 * The n-digit decimal nearest to v, or else the next above it, reads back as v.
 * The second matters for powers of two: the doubles above lie twice as far apart
 * as those below, so that a decimal above can be v's when a nearer one is not.
 */
static bool is_enough(double v, int n, struct decimal *d)
{
        int exponent;
        round_to(v, n, d);
        if (read_back(d) == v)
                return true;
        if (frexp(v, &exponent) != 0.5)
                return false;
        while (d->n < n)
                d->digits[d->n++] = '0';
        step_up(d);
        return read_back(d) == v;
}

struct decimal decimal_of(double v)
{
        struct decimal d = {.is_negative = signbit(v), .is_infinite = isinf(v)};
        double magnitude = fabs(v);
        if (magnitude == 0 || d.is_infinite)
                return d;
        if (magnitude < DBL_MIN) {
                for (int n = 1; !is_enough(magnitude, n, &d); n++)
                        ;
                return d;
        }
        /*
         * Of normal doubles: DBL_DECIMAL_DIG digits are always enough, any decimal of up to DBL_DIG
         * is among those of DBL_DIG, and what one digit more cannot say, fewer cannot.
         */
        struct decimal shorter = d;
        if (!is_enough(magnitude, DBL_DECIMAL_DIG - 1, &d))
                round_to(magnitude, DBL_DECIMAL_DIG, &d);
        else if (d.n > DBL_DIG && is_enough(magnitude, DBL_DIG, &shorter))
                return shorter;
        return d;
}

struct decimal decimal_of_text(struct span number)
{
        struct scanned s;
        read_digits(number, &s);
        if (s.n > DBL_DIG || s.point < DBL_MIN_10_EXP + 2 || s.point > DBL_MAX_10_EXP)
                return decimal_of(to_double(&s));
        struct decimal d = {.n = (int)s.n, .point = (int)s.point, .is_negative = s.is_negative};
        memcpy(d.digits, s.digits, s.n);
        return d;
}

/* 123000, 12.3, 0.00123. */
static size_t write_plain(const struct decimal *d, char *out)
{
        size_t n = 0;
        if (d->point <= 0) {
                out[n++] = '0';
                out[n++] = '.';
                for (int i = d->point; i < 0; i++)
                        out[n++] = '0';
        }
        for (int i = 0; i < d->n || i < d->point; i++) {
                if (i > 0 && i == d->point)
                        out[n++] = '.';
                out[n++] = i < d->n ? d->digits[i] : '0';
        }
        return n;
}

/* 1.23e+45; at least `width` digits of exponent. */
static size_t write_scientific(const struct decimal *d, int width, char *out)
{
        size_t n = 0;
        out[n++] = d->digits[0];
        if (d->n > 1) {
                out[n++] = '.';
                memcpy(out + n, d->digits + 1, (size_t)d->n - 1);
                n += (size_t)d->n - 1;
        }
        int exponent = d->point - 1;
        return n + (size_t)snprintf(out + n, NUMBER_SIZE - 1 - n, "e%c%0*d",
                                    exponent < 0 ? '-' : '+', width, abs(exponent));
}

size_t number_python(const struct decimal *d, char out[NUMBER_SIZE])
{
        size_t n = 0;
        if (d->is_negative)
                out[n++] = '-';
        if (d->is_infinite || d->n == 0) {
                memcpy(out + n, d->is_infinite ? "inf" : "0.0", 3);
                return n + 3;
        }
        if (d->point <= -4 || d->point > 16)
                return n + write_scientific(d, 2, out + n);
        n += write_plain(d, out + n);
        if (d->point >= d->n) {
                out[n++] = '.';
                out[n++] = '0';
        }
        return n;
}

size_t number_ecma(const struct decimal *d, char out[NUMBER_SIZE])
{
        size_t n = 0;
        if (d->n == 0) {
                out[0] = '0';
                return 1;
        }
        if (d->is_negative)
                out[n++] = '-';
        bool is_plain = d->point > -6 && d->point <= 21;
        return n + (is_plain ? write_plain(d, out + n) : write_scientific(d, 1, out + n));
}
