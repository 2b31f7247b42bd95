#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/backoff.h"

static void the_pause_doubles_to_its_most_and_keeps_its_upper_half(void **state)
{
	struct kube_backoff backoff = {.first_ms = 500, .most_ms = 30000};
	(void)state;
	for (long full = 500; full <= 64000; full *= 2) {
		long most = full < 30000 ? full : 30000;
		assert_in_range(kube_backoff_next(&backoff, -1), most / 2, most);
	}
	kube_backoff_reset(&backoff);
	assert_in_range(kube_backoff_next(&backoff, -1), 250, 500);
}

static void what_the_server_asks_for_is_the_least(void **state)
{
	struct kube_backoff backoff = {.first_ms = 500, .most_ms = 30000};
	(void)state;
	assert_in_range(kube_backoff_next(&backoff, 60000), 60000, 60250);
}

static void a_server_that_was_away_for_long_is_asked_every_five_seconds_all_the_same(void **state)
{
	struct kube_backoff backoff = {.first_ms = 500, .most_ms = 30000};
	(void)state;
	assert_in_range(kube_backoff_unreached(&backoff), 250, 500);
	for (int i = 0; i < 1000; i++)
		assert_in_range(kube_backoff_unreached(&backoff), 1, KUBE_UNREACHED_MOST_MS);
	assert_in_range(kube_backoff_unreached(&backoff), KUBE_UNREACHED_MOST_MS / 2,
	                KUBE_UNREACHED_MOST_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_pause_doubles_to_its_most_and_keeps_its_upper_half),
		cmocka_unit_test(what_the_server_asks_for_is_the_least),
		cmocka_unit_test(
			a_server_that_was_away_for_long_is_asked_every_five_seconds_all_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
