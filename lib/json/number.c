/*
 * The shortest decimal of a double, by the Schubfach algorithm: R. Giulietti, "The Schubfach way
 * to render doubles", 2020 (in OpenJDK since 19), section 9, with powers of ten of 128 bits. Each
 * number costs the same few multiplications, whatever it is.
 */
#include "json/number.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 uint128;

/* 10^k for MIN_POWER <= k <= MAX_POWER, as floor or, if not exact, floor + 1 of its first 128
 * bits: what the exponents of all doubles need. */
enum { MIN_POWER = -292, MAX_POWER = 324, WORDS = 18 };

static uint128 powers[MAX_POWER - MIN_POWER + 1];

/* The first 128 bits of a natural number (lowest word first), rounded up if `inexact` or if any
 * bit is left behind them. */
static uint128 first_bits(const uint64_t words[WORDS], bool inexact)
{
	int top = WORDS - 1;
	while (words[top] == 0)
		top--;
	unsigned shift = (unsigned)__builtin_clzll(words[top]);
	uint64_t next[3] = {words[top], top > 0 ? words[top - 1] : 0, top > 1 ? words[top - 2] : 0};
	uint128 bits = ((uint128)next[0] << 64 | next[1]) << shift;
	if (shift > 0)
		bits |= next[2] >> (64 - shift);
	inexact |= (next[2] << shift) != 0;
	for (int i = 0; i < top - 2 && !inexact; i++)
		inexact = words[i] != 0;
	return bits + inexact;
}

/* Exact long arithmetic, once for each process: 10^k by multiplying, and 10^-k as 2^1151 divided
 * again and again, whose floor stays exact. */
static void make_powers(void)
{
	uint64_t up[WORDS] = {1}, down[WORDS] = {[WORDS - 1] = (uint64_t)1 << 63};
	for (int k = 0; k <= MAX_POWER; k++) {
		uint128 carry = 0, rest = 0;
		powers[k - MIN_POWER] = first_bits(up, false);
		if (k > 0 && k <= -MIN_POWER)
			powers[-k - MIN_POWER] = first_bits(down, true);
		for (int i = 0; i < WORDS; i++) {
			carry += (uint128)up[i] * 10;
			up[i] = (uint64_t)carry;
			carry >>= 64;
		}
		for (int i = WORDS - 1; i >= 0; i--) {
			rest = rest << 64 | down[i];
			down[i] = (uint64_t)(rest / 10);
			rest %= 10;
		}
	}
}

static uint128 power_of_ten(int k)
{
	if (powers[0] == 0)
		make_powers();
	return powers[k - MIN_POWER];
}

/* floor(log2(10^k)) and, with `closer`, floor(log10(3/4 * 2^q)), else floor(log10(2^q)). */
static int log2_of_power(int k)
{
	return (k * 1741647) >> 19;
}

static int log10_of_power(int q, bool closer)
{
	return (q * 1262611 - (closer ? 524031 : 0)) >> 22;
}

/* The first 64 bits of g * c, the last of them set if anything is behind: "round to odd". */
static uint64_t product(uint128 g, uint64_t c)
{
	uint64_t x = (uint64_t)(((uint128)(uint64_t)g * c) >> 64);
	uint128 y = (g >> 64) * c + x;
	return (uint64_t)(y >> 64) | ((uint64_t)y > 1);
}

/* The shortest decimal that lies where doubles round to c * 2^q, and of those the closest to it:
 * the returned integer times 10^*exponent. `closer`: the double below is only half as far away as
 * the one above. */
static uint64_t shortest(uint64_t c, int q, bool closer, int *exponent)
{
	bool odd = (c & 1) != 0;
	int k = log10_of_power(q, closer);
	int h = q + log2_of_power(-k) + 1;
	uint128 g = power_of_ten(-k);
	uint64_t low = product(g, (4 * c - 2 + closer) << h) + odd;
	uint64_t value = product(g, (4 * c) << h);
	uint64_t high = product(g, (4 * c + 2) << h) - odd;
	uint64_t s = value / 4, tens = s / 10;
	if (s >= 10) {
		bool under = low <= 40 * tens, over = 40 * tens + 40 <= high;
		if (under != over) {
			*exponent = k + 1;
			return tens + over;
		}
	}
	bool under = low <= 4 * s, over = 4 * s + 4 <= high;
	*exponent = k;
	if (under != over)
		return s + over;
	uint64_t middle = 4 * s + 2;
	return s + (value > middle || (value == middle && (s & 1) != 0));
}

static uint64_t decimal_of_bits(uint64_t bits, int *exponent)
{
	const uint64_t hidden = (uint64_t)1 << 52;
	uint64_t fraction = bits & (hidden - 1);
	int biased = (int)(bits >> 52);
	uint64_t c = biased == 0 ? fraction : fraction | hidden;
	int q = (biased == 0 ? 1 : biased) - 1075;
	if (q <= 0 && q > -53 && (c & (((uint64_t)1 << -q) - 1)) == 0) {
		*exponent = 0;
		return c >> -q; /* an integer that doubles hold exactly */
	}
	return shortest(c, q, fraction == 0 && biased > 1, exponent);
}

struct json_decimal json_decimal(double number)
{
	struct json_decimal decimal = {.negative = signbit(number) != 0};
	int exponent = 0;
	uint64_t bits;
	number = fabs(number);
	memcpy(&bits, &number, sizeof bits);
	uint64_t digits = number == 0 ? 0 : decimal_of_bits(bits, &exponent);
	for (; digits != 0 && digits % 10 == 0; digits /= 10)
		exponent++;
	char reversed[20] = "";
	for (; digits != 0; digits /= 10)
		reversed[decimal.count++] = (char)('0' + digits % 10);
	for (int i = 0; i < decimal.count; i++)
		decimal.digits[i] = reversed[decimal.count - 1 - i];
	decimal.point = decimal.count + exponent;
	return decimal;
}

static char *put(char *to, const char *bytes, int len)
{
	memcpy(to, bytes, (size_t)len);
	return to + len;
}

static char *put_zeros(char *to, int count)
{
	return put(to, "000000000000000000000", count);
}

/* Without an exponent; `point` within -6 .. 21. */
static char *put_plain(char *to, const struct json_decimal *d)
{
	if (d->point <= 0) {
		to = put_zeros(put(to, "0.", 2), -d->point);
		return put(to, d->digits, d->count);
	}
	if (d->point >= d->count)
		return put_zeros(put(to, d->digits, d->count), d->point - d->count);
	to = put(put(to, d->digits, d->point), ".", 1);
	return put(to, d->digits + d->point, d->count - d->point);
}

/* As d.ddde±x, the exponent with at least `width` digits. */
static char *put_scientific(char *to, const struct json_decimal *d, int width)
{
	int exponent = d->point - 1;
	to = put(to, d->digits, 1);
	if (d->count > 1)
		to = put(put(to, ".", 1), d->digits + 1, d->count - 1);
	*to++ = 'e';
	*to++ = exponent < 0 ? '-' : '+';
	exponent = abs(exponent);
	for (int unit = exponent >= 100 ? 100 : exponent >= 10 || width > 1 ? 10 : 1; unit > 0;
	     unit /= 10)
		*to++ = (char)('0' + exponent / unit % 10);
	return to;
}

void json_number_format(double number, char text[JSON_NUMBER_SIZE])
{
	struct json_decimal d = json_decimal(number);
	char *to = text;
	if (d.count == 0)
		to = put(to, "0", 1);
	else
		to = put(to, "-", d.negative);
	if (d.count > 0)
		to = d.point > -6 && d.point <= 21 ? put_plain(to, &d) : put_scientific(to, &d, 1);
	*to = '\0';
}

void json_number_format_python(double number, char text[JSON_NUMBER_SIZE])
{
	struct json_decimal d = json_decimal(number);
	char *to = put(text, "-", d.negative);
	bool plain = d.point > -4 && d.point <= 16;
	if (d.count == 0)
		to = put(to, "0", 1);
	else
		to = plain ? put_plain(to, &d) : put_scientific(to, &d, 2);
	if (d.count == 0 || (plain && d.point >= d.count))
		to = put(to, ".0", 2);
	*to = '\0';
}

/* strtod(3) of any length and under any locale. */
static double read_any(const char *p, size_t len)
{
	static locale_t plain;
	if (plain == NULL)
		plain = newlocale(LC_ALL_MASK, "C", NULL);
	char held[64];
	char *text = len < sizeof held ? held : malloc(len + 1);
	if (text == NULL || plain == NULL)
		abort();
	memcpy(text, p, len);
	text[len] = '\0';
	double number = strtod_l(text, NULL, plain);
	if (text != held)
		free(text);
	return number;
}

/* Up to 15 digits and a power of ten up to 10^22 are doubles, so one operation on them rounds
 * once: W. Clinger, "How to read floating point numbers accurately", 1990. */
double json_number_read(struct json_text text)
{
	static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
	                              1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
	                              1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
	const char *p = text.at, *end = p + text.len;
	bool negative = p < end && *p == '-';
	uint64_t digits = 0;
	int count = 0, exponent = 0, written = 0;
	bool behind_point = false;
	for (p += negative; p < end && *p != 'e' && *p != 'E'; p++) {
		if (*p == '.') {
			behind_point = true;
			continue;
		}
		digits = digits * 10 + (uint64_t)(*p - '0');
		if (++count > 15)
			return read_any(text.at, text.len);
		exponent -= behind_point;
	}
	if (p < end) {
		bool minus = ++p < end && *p == '-';
		for (p += p < end && (*p == '-' || *p == '+'); p < end && written < 1000; p++)
			written = written * 10 + (*p - '0');
		exponent += minus ? -written : written;
	}
	if (exponent < -22 || exponent > 22)
		return read_any(text.at, text.len);
	double number = (double)digits;
	number = exponent < 0 ? number / tens[-exponent] : number * tens[exponent];
	return negative ? -number : number;
}
