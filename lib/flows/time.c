#include <stdio.h>
#include <string.h>
#include <time.h>

#include "flows/flow.h"

/* The number in `len` digits; -1 when they are not such. */
static int digits(const char *at, int len)
{
	int number = 0;
	for (int i = 0; i < len; i++) {
		if (at[i] < '0' || at[i] > '9')
			return -1;
		number = number * 10 + at[i] - '0';
	}
	return number;
}

/* Nanoseconds of the digits behind a point; those beyond nine are cut. `len` says how many there are. */
static int64_t fraction(struct json_text text, size_t *len)
{
	int64_t ns = 0, unit = 100000000;
	for (*len = 0; *len < text.len && text.at[*len] >= '0' && text.at[*len] <= '9'; ++*len) {
		ns += (text.at[*len] - '0') * unit;
		unit /= 10;
	}
	return ns;
}

/* Seconds east of Greenwich; false when it is neither Z nor an offset. */
static bool offset(struct json_text text, int *seconds)
{
	*seconds = 0;
	if (text.len == 1)
		return text.at[0] == 'Z' || text.at[0] == 'z';
	if (text.len != 6 || (text.at[0] != '+' && text.at[0] != '-') || text.at[3] != ':')
		return false;
	int hours = digits(text.at + 1, 2), minutes = digits(text.at + 4, 2);
	*seconds = (hours * 60 + minutes) * (text.at[0] == '-' ? -60 : 60);
	return hours >= 0 && hours < 24 && minutes >= 0 && minutes < 60;
}

bool flow_time(struct json_text text, int64_t *ns)
{
	const char *at = text.at;
	if (text.len < 20 || at[4] != '-' || at[7] != '-' || (at[10] != 'T' && at[10] != 't') || at[13] != ':' ||
	    at[16] != ':')
		return false;
	struct tm tm = {.tm_year = digits(at, 4) - 1900, .tm_mon = digits(at + 5, 2) - 1, .tm_mday = digits(at + 8, 2),
	                .tm_hour = digits(at + 11, 2), .tm_min = digits(at + 14, 2), .tm_sec = digits(at + 17, 2)};
	if (tm.tm_year < 70 || tm.tm_year > 300 || tm.tm_mon < 0 || tm.tm_mon > 11 || tm.tm_mday < 1 || tm.tm_mday > 31 ||
	    tm.tm_hour < 0 || tm.tm_hour > 23 || tm.tm_min < 0 || tm.tm_min > 59 || tm.tm_sec < 0 || tm.tm_sec > 60)
		return false;
	struct json_text rest = {at + 19, text.len - 19};
	size_t len = 0;
	int64_t part = 0;
	int east;
	if (rest.at[0] == '.') {
		rest = (struct json_text){rest.at + 1, rest.len - 1};
		part = fraction(rest, &len);
		if (len == 0)
			return false;
		rest = (struct json_text){rest.at + len, rest.len - len};
	}
	if (!offset(rest, &east))
		return false;
	*ns = ((int64_t)timegm(&tm) - east) * 1000000000 + part;
	return *ns >= 0;
}

void flow_time_format(int64_t ns, char text[FLOW_TIME_SIZE])
{
	time_t seconds = ns / 1000000000;
	struct tm tm;
	char part[12];
	gmtime_r(&seconds, &tm);
	size_t len = strftime(text, FLOW_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(part, sizeof part, ".%09d", (int)(ns % 1000000000));
	size_t digits_len = 10;
	while (digits_len > 1 && part[digits_len - 1] == '0')
		digits_len--;
	if (digits_len == 1)
		digits_len = 0;
	snprintf(text + len, FLOW_TIME_SIZE - len, "%.*sZ", (int)digits_len, part);
}
