#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/signals.h"

static void a_signal_without_a_wait_counts_at_once(void **state)
{
	(void)state;
	signals_catch();
	assert_false(signals_reload());
	assert_false(signals_stop());
	kill(getpid(), SIGHUP);
	assert_true(signals_reload());
	assert_false(signals_reload());
	kill(getpid(), SIGTERM);
	assert_true(signals_stop());
	assert_true(signals_stop());
}

/* As long as there is input, ppoll(2) lets no signal in. */
static void a_signal_counts_although_there_is_input(void **state)
{
	int ends[2];
	(void)state;
	signals_catch();
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	struct pollfd input = {.fd = ends[0], .events = POLLIN};
	kill(getpid(), SIGHUP);
	assert_int_equal(signals_wait(&input, 1, -1), 1);
	assert_true(signals_reload());
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signal_without_a_wait_counts_at_once),
		cmocka_unit_test(a_signal_counts_although_there_is_input),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
