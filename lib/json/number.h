/*
 * Numbers of JSON as doubles (IEEE 754), which is what canonical forms and JavaScript make of
 * them. Printing takes the same time for any number, reading is linear in its length.
 */
#ifndef JSON_NUMBER_H
#define JSON_NUMBER_H

#include "base/text.h"

enum { JSON_NUMBER_SIZE = 32 }; /* bytes of a written number, with its NUL */

/* The value of a number that json_check() accepted, rounded to the nearest double; infinite when
 * it is out of their range. */
double json_number_read(struct json_text text);

/* 0.digits × 10^point: the shortest decimal that is read back as the same double, and of several
 * the closest to it. Zero has no digits. */
struct json_decimal {
	char digits[17];
	int count;
	int point;
	bool negative; /* also of minus zero */
};
struct json_decimal json_decimal(double number); /* finite */

/* A finite double as ECMAScript's Number::toString writes it (RFC 8785, section 3.2.2.3). */
void json_number_format(double number, char text[JSON_NUMBER_SIZE]);

/* The same as Python's repr() writes it: 5.0, 1e-07, 1e+16, -0.0. */
void json_number_format_python(double number, char text[JSON_NUMBER_SIZE]);

#endif
