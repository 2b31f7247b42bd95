#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/clock.h"

static int64_t parsed(const char *text)
{
	int64_t seconds = -1;
	return clock_parse(text, &seconds) ? seconds : INT64_MIN;
}

static void rfc3339_times_are_read(void **state)
{
	(void)state;
	assert_int_equal(parsed("1970-01-01T00:00:00Z"), 0);
	assert_int_equal(parsed("2026-11-24T12:34:56Z"), 1795523696);
	assert_int_equal(parsed("2026-11-24T12:34:56.123456Z"), 1795523696);
	assert_int_equal(parsed("2026-11-24T14:34:56+02:00"), 1795523696);
	assert_int_equal(parsed("2024-02-29T00:00:00Z"), 1709164800);
	assert_int_equal(parsed("2016-12-31T23:59:60Z"), 1483228800);
}

static void what_is_not_a_time_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"", "2026", "2026-11-24", "2026-11-24T12:34:56", "2026-02-30T00:00:00Z",
		"2025-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-11-24T24:00:00Z",
		"2026-11-24T12:60:00Z", "2026-11-24T12:00:00.Z", "2026-11-24T12:00:00Zx",
		"2026-11-24T12:00:00+24:00", "-026-11-24T12:00:00Z", "2026-00-10T00:00:00Z",
		"0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01",
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (parsed(bad[i]) != INT64_MIN)
			fail_msg("accepted: %s", bad[i]);
}

static void times_are_written_as_they_are_read(void **state)
{
	(void)state;
	char text[CLOCK_TEXT_SIZE];
	clock_format(1795523696, text);
	assert_string_equal(text, "2026-11-24T12:34:56Z");
	clock_format(parsed("0070-01-01T00:02:00Z"), text);
	assert_string_equal(text, "0070-01-01T00:02:00Z");
	clock_format(parsed("9999-12-31T23:59:59Z"), text);
	assert_string_equal(text, "9999-12-31T23:59:59Z");
	clock_format(INT64_MAX, text);
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc3339_times_are_read),
		cmocka_unit_test(what_is_not_a_time_is_refused),
		cmocka_unit_test(times_are_written_as_they_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
