/* What an operator may choose, and what is refused with a sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/settings.h"

#define LIST(...) (const char *const[]){__VA_ARGS__, NULL}

static void expect_fault(bool good, const char *fault, const char *words)
{
	assert_int_equal(good, words == NULL);
	if (words != NULL && strstr(fault, words) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", words, fault);
}

static void expect_api_server(const char *const *cidrs, const char *port, const char *words, long expected)
{
	char fault[POLICY_FAULT_SIZE] = "";
	struct policy_settings settings = {.api_server = cidrs};
	expect_fault(policy_settings_api_server(&settings, port, fault), fault, words);
	if (words == NULL)
		assert_int_equal(settings.api_server_port, expected);
}

static void the_api_servers_port_is_a_number_of_a_port_or_that_of_its_endpoints(void **state)
{
	(void)state;
	static const char *const bad[] = {"0", "65536", "", "-1", "+1", "443x", " 443", "0x1bb",
	                                  "18446744073709551617", "Endpoints", NULL};
	expect_api_server(LIST(NULL), NULL, NULL, 6443);
	expect_api_server(LIST(NULL), "endpoints", NULL, POLICY_PORT_ENDPOINTS);
	expect_api_server(LIST(NULL), "1", NULL, 1);
	expect_api_server(LIST(NULL), "65535", NULL, 65535);
	for (size_t i = 0; bad[i] != NULL; i++)
		expect_api_server(LIST(NULL), bad[i], "must be 1 to 65535, or `endpoints`", 0);
}

static void every_address_of_the_api_server_is_a_cidr(void **state)
{
	(void)state;
	expect_api_server(LIST("10.9.8.7/32", "2001:db8::1/128"), NULL, NULL, 6443);
	expect_api_server(LIST("10.9.8.7/32", "10.9.8.7"), NULL, "--api-server 10.9.8.7: must be a CIDR", 0);
	expect_api_server(LIST("10.9.8.7/24", "10.9.8.0/24"), NULL, "--api-server 10.9.8.7/24", 0);
}

static void expect_labels(const char *word, bool good)
{
	char fault[POLICY_FAULT_SIZE] = "";
	struct policy_settings settings = {0};
	const char *const *words = LIST("Rollout.argoproj.io=app", word);
	expect_fault(policy_settings_selector_labels(&settings, words, fault), fault,
	             good ? NULL : "must be KIND.GROUP=LABEL");
	if (!good)
		assert_non_null(strstr(fault, word));
	assert_ptr_equal(settings.selector_labels, words);
}

static void a_selector_label_names_a_kind_its_group_and_a_label(void **state)
{
	(void)state;
	static const char *const good[] = {"Rollout.argoproj.io=app.kubernetes.io/name", "A.b=c", NULL};
	static const char *const bad[] = {"", "Rollout", "Rollout.argoproj.io", "Rollout=app", "Rollout=a.b",
	                                  ".argoproj.io=app", "Rollout.=app", "Rollout.argoproj.io=",
	                                  "Roll out.argoproj.io=app", "Rollout.argoproj..io=app",
	                                  "Rollout.Argoproj.io=app", "Rollout.argoproj.io=a/b/c",
	                                  "Rollout.argoproj.io=a b", "Rollout\".a=b", NULL};
	for (size_t i = 0; good[i] != NULL; i++)
		expect_labels(good[i], true);
	for (size_t i = 0; bad[i] != NULL; i++)
		expect_labels(bad[i], false);
}

static void a_word_for_dns_that_is_none_is_named(void **state)
{
	(void)state;
	char fault[POLICY_FAULT_SIZE] = "";
	struct policy_settings settings = {0};
	assert_true(policy_settings_dns(&settings, LIST(NULL), fault));
	assert_null(settings.dns);
	assert_true(policy_settings_dns(&settings, LIST("10.96.0.10/32"), fault));
	assert_string_equal(settings.dns[0], "10.96.0.10/32");
	expect_fault(policy_settings_dns(&settings, LIST("10.96.0.10/32", "10.96.0.1/24"), fault), fault,
	             "--dns 10.96.0.1/24: ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_api_servers_port_is_a_number_of_a_port_or_that_of_its_endpoints),
		cmocka_unit_test(every_address_of_the_api_server_is_a_cidr),
		cmocka_unit_test(a_selector_label_names_a_kind_its_group_and_a_label),
		cmocka_unit_test(a_word_for_dns_that_is_none_is_named),
	};
	return cmocka_run_group_tests_name("policy_settings", tests, NULL, NULL);
}
