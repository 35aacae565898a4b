/* What every cmocka file needs, in the order that cmocka wants. */
#ifndef UNIT_DOMAIN_UNIT_H
#define UNIT_DOMAIN_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

#endif
