#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "json/canonical.h"

/* ±digits × 10^(point - count), the point behind the first `point` digits. */
struct decimal {
	char digits[20];
	int count;
	int point;
};

/* The locale's decimal point must not matter, so numbers are read back as whole ones. */
static double decimal_value(uint64_t digits, int exponent)
{
	char text[48];
	snprintf(text, sizeof text, "%llue%d", (unsigned long long)digits, exponent);
	return strtod(text, NULL);
}

/* `number` > 0, rounded to `precision` digits: their value as one integer, and the power of
 * ten to multiply it with. */
static uint64_t decimal_round(double number, int precision, int *exponent)
{
	char text[64];
	snprintf(text, sizeof text, "%.*e", precision - 1, number);
	uint64_t digits = 0;
	const char *p = text;
	for (; *p != 'e'; p++)
		if (*p >= '0' && *p <= '9')
			digits = digits * 10 + (uint64_t)(*p - '0');
	*exponent = (int)strtol(p + 1, NULL, 10) - (precision - 1);
	return digits;
}

/* Finds the fewest digits that read back as `number`, and of those the closest to it. */
static uint64_t decimal_shortest(double number, int *exponent)
{
	/* A decimal of 15 digits or less that reads back as a normal double is that double
	 * rounded to 15 digits; so shorter ones need not be tried. Not so for subnormals. */
	for (int precision = number < DBL_MIN ? 1 : DBL_DIG; precision < 17; precision++) {
		uint64_t digits = decimal_round(number, precision, exponent);
		if (decimal_value(digits, *exponent) == number)
			return digits;
		/* Below a power of two doubles lie closer together than above it: there the
		 * nearest decimal may not read back while its upper neighbour does. */
		if (decimal_value(digits + 1, *exponent) == number)
			return digits + 1;
	}
	return decimal_round(number, 17, exponent);
}

static struct decimal decimal_of(double number)
{
	struct decimal d;
	int exponent;
	uint64_t digits = decimal_shortest(number, &exponent);
	for (; digits % 10 == 0; digits /= 10)
		exponent++;
	d.count = snprintf(d.digits, sizeof d.digits, "%llu", (unsigned long long)digits);
	d.point = d.count + exponent;
	return d;
}

void json_number_format(double number, char *text, size_t size)
{
	const char *sign = number < 0 ? "-" : "";
	if (number == 0 || !isfinite(number)) {
		snprintf(text, size, "0");
		return;
	}
	struct decimal d = decimal_of(fabs(number));
	int k = d.count, n = d.point;
	if (k <= n && n <= 21)
		snprintf(text, size, "%s%s%.*s", sign, d.digits, n - k, "00000000000000000000");
	else if (0 < n && n < k)
		snprintf(text, size, "%s%.*s.%s", sign, n, d.digits, d.digits + n);
	else if (-6 < n && n <= 0)
		snprintf(text, size, "%s0.%.*s%s", sign, -n, "00000", d.digits);
	else
		snprintf(text, size, "%s%c%s%se%c%d", sign, d.digits[0], k > 1 ? "." : "",
		         d.digits + 1, n > 0 ? '+' : '-', abs(n - 1));
}
