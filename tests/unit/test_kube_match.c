/* What is asked for beside what the API server holds: which differences are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "apply/match_private.h"

static const struct claim {
	const char *wanted, *live;
	bool same;
} claims[] = {
	/* what the server leaves out and fills in */
	{"{\"egress\":[],\"a\":1}", "{\"a\":1}", true},
	{"{\"podSelector\":{\"matchLabels\":{}}}", "{\"podSelector\":{}}", true},
	{"{\"egress\":[{\"ports\":[{\"port\":1}]}]}",
         "{\"egress\":[{\"ports\":[{\"protocol\":\"TCP\",\"port\":1}]}]}", true},
	{"{\"order\":1}", "{\"order\":1,\"tier\":\"default\"}", true},
	/* what says something */
	{"{\"egress\":[{}]}", "{\"egress\":[]}", false},
	{"{\"egress\":[{\"ports\":[{\"port\":1}]}]}",
         "{\"egress\":[{\"ports\":[{\"protocol\":\"UDP\",\"port\":1}]}]}", false},
	{"{\"order\":1}", "{\"order\":1,\"tier\":\"other\"}", false},
	{"{\"order\":1}", "{\"order\":2}", false},
	/* a peer in all namespaces, for one in our own */
	{"{\"to\":[{\"podSelector\":{\"matchLabels\":{\"a\":\"b\"}}}]}",
         "{\"to\":[{\"podSelector\":{\"matchLabels\":{\"a\":\"b\"}},\"namespaceSelector\":{}}]}",
         false},
	/* labels of those names, which would select no pod */
	{"{\"podSelector\":{\"matchLabels\":{\"a\":\"b\"}}}",
         "{\"podSelector\":{\"matchLabels\":{\"a\":\"b\",\"protocol\":\"TCP\"}}}", false},
	{"{\"podSelector\":{\"matchLabels\":{\"a\":\"b\"}}}",
         "{\"podSelector\":{\"matchLabels\":{\"a\":\"b\",\"tier\":\"default\"}}}", false},
	{"{\"endpointSelector\":{}}", "{}", false},
};

static void test_specs(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
		bool same = kube_spec_matches(json_of(claims[i].wanted), json_of(claims[i].live));
		if (same != claims[i].same)
			fail_msg("%s beside %s", claims[i].wanted, claims[i].live);
	}
}

static void test_rules_beside_spec(void **state)
{
	(void)state;
	static const char wanted[] = "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"a\":1}}";
	static const char more[] = "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"a\":1},"
	                           "\"specs\":[{\"egress\":[{\"toEntities\":[\"all\"]}]}]}";
	assert_true(kube_object_matches(json_of(wanted), json_of(wanted), NULL));
	assert_false(kube_object_matches(json_of(wanted), json_of(more), NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_specs),
		cmocka_unit_test(test_rules_beside_spec),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
