/*
 * JSON number literals and doubles, without loss in either direction and without the locale.
 *
 * A literal becomes a double only when nothing is lost by it: an integer up to 2^53 in magnitude,
 * or a decimal for which the double's shortest text is the same number (that is every decimal of up
 * to 15 significant digits). For all others the caller keeps the literal.
 *
 * A double is written with the fewest digits that read back as the same double (Schubfach,
 * Raffaello Giulietti 2020), integral ones up to 2^53 as integers. So what is written here is
 * always read here as the same double, and 9007199254740993 never becomes a neighbour.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

/* Up to here, in magnitude, a double holds every whole number. */
#define NUMBER_EXACT (UINT64_C(1) << 53)

enum { NUMBER_TEXT_MAX = 32 };

/* A decimal: digits * 10^exponent, without trailing zeros in digits. */
struct decimal {
    uint64_t digits;
    int exponent;
};

/* The literal must be of JSON's grammar. False: a double cannot hold it exactly. */
bool number_read(struct span literal, double *out);

/* What the literal says, exactly; false when it takes more than 19 digits. Zero has no digits. */
bool number_decimal(struct span literal, struct decimal *out, bool *negative);

/* A finite double as JSON, its length without the NUL that ends it. */
size_t number_write(double value, char out[NUMBER_TEXT_MAX]);
