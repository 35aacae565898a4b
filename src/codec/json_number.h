/* json_number: doubles by their shortest digits, as Python and as ECMAScript lay them out. */
#ifndef CHATELAINE_CODEC_JSON_NUMBER_H
#define CHATELAINE_CODEC_JSON_NUMBER_H

#include <chatelaine/base_buf.h>

/* 0.d1d2d3... times 10^point; n == 0 is zero. The digits have no zero at either end. */
struct decimal {
        char digits[18];
        int n, point;
        bool is_negative, is_infinite;
};

/* The shortest decimal that reads back as the double nearest to `number`, a JSON number of any
 * length. */
struct decimal decimal_of_text(struct span number);
struct decimal decimal_of(double v);
/* The double nearest to a JSON number; infinite when it is beyond. */
double number_read(struct span number);

#define NUMBER_SIZE 32
/* repr(float): "1e-05", "100000.0", "inf". */
size_t number_python(const struct decimal *d, char out[NUMBER_SIZE]);
/* ECMAScript's Number::toString, which RFC 8785 prescribes; of finite numbers. */
size_t number_ecma(const struct decimal *d, char out[NUMBER_SIZE]);

#endif
