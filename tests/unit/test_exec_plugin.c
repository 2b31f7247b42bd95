/* An exec plugin has its time, and no more (client/exec_plugin_private.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "client/exec_plugin_private.h"

enum { SHORT_MS = 200 };

#define PRINTS                                                                                     \
	"printf '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\","   \
	"\"status\":{\"token\":\"t\"}}'; "

static bool run(char *script, long time_ms, struct kube_exec_credential *credential,
                char error[KUBE_ERROR_SIZE])
{
	char *args[] = {"-c", script, NULL};
	struct kube_exec exec = {.command = "/bin/sh",
	                         .args = args,
	                         .api_version = "client.authentication.k8s.io/v1"};
	struct kube_config config = {.origin = "test", .exec = &exec};
	return kube_exec_run(&config, time_ms, credential, error);
}

static void test_one_that_ends_counts(void **state)
{
	struct kube_exec_credential credential;
	char error[KUBE_ERROR_SIZE] = "";
	(void)state;
	assert_true(run(PRINTS, KUBE_EXEC_MS, &credential, error));
	assert_string_equal(credential.token, "t");
	free(credential.token);
}

static void test_one_that_does_not_end_is_killed(void **state)
{
	char *scripts[] = {PRINTS "sleep 1000", PRINTS "exec >&-; sleep 1000",
	                   PRINTS "sleep 1000 &", "sleep 1000"};
	(void)state;
	for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
		struct kube_exec_credential credential;
		char error[KUBE_ERROR_SIZE] = "";
		assert_false(run(scripts[i], SHORT_MS, &credential, error));
		assert_string_equal(error, "test: exec plugin /bin/sh: it did not end in its time");
		assert_null(credential.token);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_that_ends_counts),
		cmocka_unit_test(test_one_that_does_not_end_is_killed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
