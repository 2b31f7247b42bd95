#include "fetch/schedule_private.h"

#include <string.h>

enum { FRACTION_DIGITS = 9 };

/* Nanoseconds, as Go counts; the longer name of two that begin alike comes first. */
static const struct {
	const char *name;
	int64_t ns;
} units[] = {
	{"ns", 1},
	{"us", 1000},
	{"\xc2\xb5s", 1000}, /* U+00B5 */
	{"\xce\xbcs", 1000}, /* U+03BC */
	{"ms", 1000000},
	{"s", 1000000000},
	{"m", 60 * INT64_C(1000000000)},
	{"h", 3600 * INT64_C(1000000000)},
};
enum { UNITS = sizeof units / sizeof *units };

static const int64_t most_ns = AGENT_PERIOD_MAX_MS * INT64_C(1000000);

static bool starts(const char *p, const char *end, const char *with)
{
	size_t len = strlen(with);
	return (size_t)(end - p) >= len && memcmp(p, with, len) == 0;
}

static bool is_digit(const char *p, const char *end)
{
	return p < end && *p >= '0' && *p <= '9';
}

/* Reads one number with its unit off the front; what is over the maximum stays at it. */
static bool take_part(const char **at, const char *end, int64_t *ns)
{
	const char *p = *at;
	int64_t whole = 0, fraction = 0, scale = 1;
	bool digits = is_digit(p, end);
	for (; is_digit(p, end); p++)
		if (whole <= most_ns)
			whole = whole * 10 + (*p - '0');
	if (p < end && *p == '.') {
		p++;
		digits = digits || is_digit(p, end);
		for (int i = 0; is_digit(p, end); p++, i++) {
			if (i >= FRACTION_DIGITS)
				continue;
			fraction = fraction * 10 + (*p - '0');
			scale *= 10;
		}
	}
	for (int i = 0; digits && i < UNITS; i++) {
		if (!starts(p, end, units[i].name))
			continue;
		*at = p + strlen(units[i].name);
		*ns = whole > most_ns / units[i].ns ? most_ns : whole * units[i].ns;
		/* a fraction of an hour in nanoseconds needs more than 64 bits */
		*ns += (int64_t)((double)fraction / (double)scale * (double)units[i].ns);
		return true;
	}
	return false;
}

bool agent_duration(struct json_text text, int64_t *ms)
{
	int64_t sum = 0, part = 0;
	if (text.at == NULL || text.len == 0)
		return false;
	const char *p = text.at, *end = p + text.len;
	if (*p == '+')
		p++;
	if (p == end)
		return false;
	while (p < end) {
		if (!take_part(&p, end, &part))
			return false;
		sum = sum > most_ns - part ? most_ns : sum + part;
	}
	if (sum == 0)
		return false;
	*ms = (sum + 999999) / 1000000;
	return true;
}

int64_t agent_next(uint64_t hash, int64_t period_ms, int64_t now)
{
	int64_t moment = (int64_t)(hash % (uint64_t)period_ms);
	int64_t least = now + period_ms / 2;
	int64_t periods = (least - moment + period_ms - 1) / period_ms;
	return periods * period_ms + moment;
}

int64_t agent_retry(uint64_t hash, unsigned tries, int64_t first_ms, int64_t most_ms, int64_t now)
{
	int64_t wait = first_ms;
	for (unsigned i = 1; i < tries && wait < most_ms; i++)
		wait *= 2;
	if (wait > most_ms)
		wait = most_ms;
	/* another part of the hash each time, so that two agents do not stay together */
	uint64_t part = hash >> (tries % 32) & 0xffff;
	return now + wait + (int64_t)(part * (uint64_t)(wait / 4) >> 16);
}
