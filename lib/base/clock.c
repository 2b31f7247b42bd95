#include "base/clock.h"

#include <string.h>
#include <time.h>

/* 0000-01-01T00:00:00Z and 9999-12-31T23:59:59Z */
#define FIRST_SECOND INT64_C(-62167219200)
#define LAST_SECOND INT64_C(253402300799)

/* Reads exactly `count` digits. */
static bool read_digits(const char **p, int count, int *value)
{
	*value = 0;
	for (int i = 0; i < count; i++) {
		char c = (*p)[i];
		if (c < '0' || c > '9')
			return false;
		*value = *value * 10 + (c - '0');
	}
	*p += count;
	return true;
}

static bool read_char(const char **p, const char *accepted)
{
	if (**p == '\0' || strchr(accepted, **p) == NULL)
		return false;
	(*p)++;
	return true;
}

static bool read_offset(const char **p, int *seconds)
{
	int hours, minutes;
	*seconds = 0;
	if (read_char(p, "Zz"))
		return true;
	int sign = **p == '-' ? -1 : 1;
	if (!read_char(p, "+-") || !read_digits(p, 2, &hours) || !read_char(p, ":") ||
	    !read_digits(p, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*seconds = sign * (hours * 3600 + minutes * 60);
	return true;
}

bool clock_parse(const char *text, int64_t *seconds)
{
	struct tm tm = {0};
	int offset;
	const char *p = text;
	bool shaped = read_digits(&p, 4, &tm.tm_year) && read_char(&p, "-") &&
	              read_digits(&p, 2, &tm.tm_mon) && read_char(&p, "-") &&
	              read_digits(&p, 2, &tm.tm_mday) && read_char(&p, "Tt ") &&
	              read_digits(&p, 2, &tm.tm_hour) && read_char(&p, ":") &&
	              read_digits(&p, 2, &tm.tm_min) && read_char(&p, ":") &&
	              read_digits(&p, 2, &tm.tm_sec);
	if (!shaped)
		return false;
	if (*p == '.') {
		int digit;
		p++;
		if (!read_digits(&p, 1, &digit))
			return false;
		while (*p >= '0' && *p <= '9')
			p++;
	}
	if (!read_offset(&p, &offset) || *p != '\0')
		return false;
	struct tm given = tm;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	int64_t at = timegm(&tm);
	/* timegm() carries 30 February over into March: such a date is refused. A leap second is
	 * the only overflow that is a time. */
	bool same = tm.tm_mday == given.tm_mday && tm.tm_mon == given.tm_mon - 1;
	bool leap = given.tm_sec == 60 && given.tm_min == 59;
	if (given.tm_hour > 23 || given.tm_min > 59 || given.tm_sec > 60 || (!same && !leap))
		return false;
	*seconds = at - offset;
	/* an offset may lead out of the years that have four digits */
	return *seconds >= FIRST_SECOND && *seconds <= LAST_SECOND;
}

void clock_format(int64_t seconds, char text[CLOCK_TEXT_SIZE])
{
	time_t at = (time_t)seconds;
	struct tm tm;
	text[0] = '\0';
	if (seconds < FIRST_SECOND || seconds > LAST_SECOND || gmtime_r(&at, &tm) == NULL)
		return;
	/* %Y of strftime(3) leaves out leading zeros */
	for (int i = 3, year = tm.tm_year + 1900; i >= 0; i--, year /= 10)
		text[i] = (char)('0' + year % 10);
	strftime(text + 4, CLOCK_TEXT_SIZE - 4, "-%m-%dT%H:%M:%SZ", &tm);
}
