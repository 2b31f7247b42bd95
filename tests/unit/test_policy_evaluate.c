/* What a NetworkPolicy's egress rules allow, by which of them, and what cannot be told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "rules/evaluate.h"

struct claim {
	const char *egress;      /* of a policy in namespace "a" */
	const char *destination; /* the workload's labels are app=db, tier=x */
	enum policy_answer answer;
	int rule, peer, port;
};

#define BLOCK(cidr, except) \
	"[{\"to\":[{\"ipBlock\":{\"cidr\":\"" cidr "\",\"except\":[" except "]}}]}]"
#define PEER(peer) "[{\"to\":[{" peer "}]}]"
#define PORT(port) "[{\"ports\":[{" port "}]}]"
#define SPACE(name) \
	"\"namespaceSelector\":{\"matchLabels\":{\"kubernetes.io/metadata.name\":\"" name "\"}}"
#define PODS(app) "\"podSelector\":{\"matchLabels\":{\"app\":\"" app "\"}}"

#define NO POLICY_DENIED
#define PERHAPS POLICY_UNKNOWN
#define YES POLICY_ALLOWED

static const struct claim claims[] = {
	/* no rule allows nothing, an empty rule everything */
	{"[]", "192.0.2.1:1", NO, -1, -1, -1},
	{"[{}]", "192.0.2.1:1/sctp", YES, 0, -1, -1},
	{"[{\"to\":[],\"ports\":[]}]", "b/db:1/udp", YES, 0, -1, -1},
	{"[{\"to\":null,\"ports\":null}]", "[2001:db8::1]:1", YES, 0, -1, -1},
	/* what is no rule matches nothing */
	{"{}", "192.0.2.1:1", NO, -1, -1, -1},
	{"[7,null,[]]", "192.0.2.1:1", NO, -1, -1, -1},
	{"[{\"to\":{}}]", "192.0.2.1:1", NO, -1, -1, -1},
	{"[{\"to\":[{}]}]", "192.0.2.1:1", NO, -1, -1, -1},
	{"[{\"to\":[{}]}]", "a/db:1", NO, -1, -1, -1},
	{"[{\"ports\":[7]}]", "192.0.2.1:1", NO, -1, -1, -1},
	/* addresses */
	{BLOCK("192.0.2.0/24", ""), "192.0.2.255:1", YES, 0, 0, -1},
	{BLOCK("192.0.2.0/24", ""), "192.0.3.0:1", NO, -1, -1, -1},
	{BLOCK("192.0.2.0/24", "\"192.0.2.128/25\""), "192.0.2.127:1", YES, 0, 0, -1},
	{BLOCK("192.0.2.0/24", "\"192.0.2.128/25\""), "192.0.2.128:1", NO, -1, -1, -1},
	{BLOCK("0.0.0.0/0", ""), "[2001:db8::1]:1", NO, -1, -1, -1},
	{BLOCK("2001:db8::/32", ""), "[2001:db8::1]:1", YES, 0, 0, -1},
	{BLOCK("192.0.2.7/24", ""), "192.0.2.1:1", PERHAPS, 0, 0, -1},
	{BLOCK("192.0.2.0/24", "\"192.0.2.9/25\""), "192.0.2.1:1", PERHAPS, 0, 0, -1},
	/* ranges: allowed when all of it is */
	{BLOCK("192.0.2.0/24", ""), "192.0.2.0/25:1", YES, 0, 0, -1},
	{BLOCK("192.0.2.0/24", ""), "192.0.0.0/16:1", PERHAPS, 0, 0, -1},
	{BLOCK("192.0.2.0/24", "\"192.0.2.4/30\""), "192.0.2.0/25:1", PERHAPS, 0, 0, -1},
	{BLOCK("192.0.2.0/24", "\"192.0.2.0/25\""), "192.0.2.0/26:1", NO, -1, -1, -1},
	/* pods, in the policy's own namespace unless another one is named */
	{PEER(PODS("db")), "a/db:1", YES, 0, 0, -1},
	{PEER(PODS("db")), "b/db:1", NO, -1, -1, -1},
	{PEER(PODS("web")), "a/db:1", NO, -1, -1, -1},
	{PEER("\"podSelector\":{}"), "a/db:1", YES, 0, 0, -1},
	{PEER("\"namespaceSelector\":{}"), "b/db:1", YES, 0, 0, -1},
	{PEER(SPACE("b")), "b/db:1", YES, 0, 0, -1},
	{PEER(SPACE("b")), "a/db:1", NO, -1, -1, -1},
	{PEER(SPACE("b") "," PODS("db")), "b/db:1", YES, 0, 0, -1},
	{PEER(SPACE("b") "," PODS("web")), "b/db:1", NO, -1, -1, -1},
	{PEER("\"namespaceSelector\":{\"matchLabels\":{\"team\":\"x\"}}"), "b/db:1", PERHAPS, 0, 0,
         -1},
	{PEER("\"namespaceSelector\":{\"matchLabels\":{\"team\":\"x\"}}," PODS("web")), "b/db:1",
         NO, -1, -1, -1},
	{PEER("\"podSelector\":7"), "a/db:1", NO, -1, -1, -1},
	{PEER("\"podSelector\":{\"matchLabels\":7}"), "a/db:1", NO, -1, -1, -1},
	{PEER("\"podSelector\":{\"matchExpressions\":{}}"), "a/db:1", NO, -1, -1, -1},
	{PEER("\"podSelector\":{\"matchExpressions\":[7]}"), "a/db:1", PERHAPS, 0, 0, -1},
	/* a rule for pods does not count for addresses, one for addresses perhaps for pods */
	{PEER("\"podSelector\":{}"), "192.0.2.1:1", NO, -1, -1, -1},
	{BLOCK("0.0.0.0/0", ""), "a/db:1", PERHAPS, 0, 0, -1},
	/* ports */
	{PORT("\"port\":443"), "192.0.2.1:443", YES, 0, -1, 0},
	{PORT("\"port\":443"), "192.0.2.1:444", NO, -1, -1, -1},
	{PORT("\"port\":443"), "192.0.2.1:443/udp", NO, -1, -1, -1},
	{PORT("\"port\":443,\"protocol\":\"UDP\""), "192.0.2.1:443/udp", YES, 0, -1, 0},
	{PORT("\"protocol\":\"SCTP\""), "192.0.2.1:7/SCTP", YES, 0, -1, 0},
	{PORT("\"port\":80,\"endPort\":90"), "192.0.2.1:90", YES, 0, -1, 0},
	{PORT("\"port\":80,\"endPort\":90"), "192.0.2.1:91", NO, -1, -1, -1},
	{PORT("\"port\":80,\"endPort\":90"), "192.0.2.1:79", NO, -1, -1, -1},
	{PORT("\"port\":\"http\""), "a/db:80", PERHAPS, 0, -1, 0},
	{PORT("\"port\":\"http\""), "192.0.2.1:80", NO, -1, -1, -1},
	{PORT("\"port\":\"http\",\"protocol\":\"UDP\""), "a/db:80", NO, -1, -1, -1},
	{PORT("\"port\":80.5"), "192.0.2.1:80", NO, -1, -1, -1},
	/* peer and port are of one rule; the first that surely allows is named */
	{"[{\"to\":[{\"ipBlock\":{\"cidr\":\"192.0.2.1/32\"}}],\"ports\":[{\"port\":1}]},"
         "{\"to\":[{\"ipBlock\":{\"cidr\":\"192.0.2.2/32\"}}],\"ports\":[{\"port\":2}]}]",
         "192.0.2.1:2", NO, -1, -1, -1},
	{"[{\"ports\":[{\"port\":\"http\"}]},{\"to\":[{\"podSelector\":{}}],\"ports\":[{\"port\":1},"
         "{\"port\":80}]},{}]",
         "a/db:80", YES, 1, 0, 1},
};

static struct policy_destination destination(const char *text)
{
	struct policy_destination to;
	const char *wrong = policy_destination_parse(text, &to);
	if (wrong != NULL)
		fail_msg("%s: %s", text, wrong);
	if (to.is_workload)
		to.labels.known = json_of("{\"app\":\"db\",\"tier\":\"x\"}");
	return to;
}

static void rules_allow_what_they_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
		const struct claim *claim = &claims[i];
		struct policy_destination to = destination(claim->destination);
		struct policy_match match = policy_evaluate(json_of(claim->egress), "a", &to);
		if (match.answer != claim->answer || match.rule != claim->rule ||
		    match.peer != claim->peer || match.port != claim->port ||
		    (match.why != NULL) != (match.answer == POLICY_UNKNOWN))
			fail_msg("%s to %s: %s by [%d].to[%d], ports[%d]", claim->egress,
			         claim->destination, policy_answer_words[match.answer], match.rule,
			         match.peer, match.port);
	}
}

static void labels_that_were_not_seen_leave_it_unknown(void **state)
{
	(void)state;
	struct policy_destination to = destination("a/db:1");
	to.labels = (struct policy_labels){0};
	assert_int_equal(policy_evaluate(json_of(PEER(PODS("db"))), "a", &to).answer, PERHAPS);
	assert_int_equal(policy_evaluate(json_of(PEER("\"podSelector\":{}")), "a", &to).answer, YES);
	to = destination("b/db:1");
	struct json_text egress =
		json_of(PEER("\"namespaceSelector\":{\"matchLabels\":{\"team\":\"x\"}}"));
	to.namespace_labels = json_of("{\"team\":\"x\"}");
	assert_int_equal(policy_evaluate(egress, "a", &to).answer, YES);
	to.namespace_labels = json_of("{\"team\":\"y\"}");
	assert_int_equal(policy_evaluate(egress, "a", &to).answer, NO);
}

static void a_destination_is_an_address_a_range_or_a_workload(void **state)
{
	static const char *const wrong[] = {
		"", ":", "192.0.2.1", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536",
		"192.0.2.1:99999999999999999999", "192.0.2.1:-1", "192.0.2.1: 1", "192.0.2.1:1/",
		"192.0.2.1:1/icmp", "192.0.2.1:1/tcp/", "192.0.2.01:1", "192.0.2.1/24:1",
		"192.0.2.1.:1", "2001:db8::1:1", "[192.0.2.1]:1", "[2001:DB8::1]:1", "[]:1", "[:1",
		"[::ffff:192.0.2.1]:1", "db:1", "/db:1", "a/:1", "a/b/c:1", "A/db:1",
	};
	struct policy_destination to;
	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		if (policy_destination_parse(wrong[i], &to) == NULL)
			fail_msg("\"%s\" passes for a destination", wrong[i]);
	to = destination("[2001:db8::/32]:53/Udp");
	assert_false(to.is_workload);
	assert_int_equal(to.cidr.bits, 128);
	assert_int_equal(to.cidr.prefix, 32);
	assert_int_equal(to.port, 53);
	assert_int_equal(to.protocol, POLICY_UDP);
	to = destination("10/1.2:65535");
	assert_true(to.is_workload);
	assert_string_equal(to.namespace, "10");
	assert_string_equal(to.name, "1.2");
}

static void a_long_destination_is_refused(void **state)
{
	char text[1000], fill[1000];
	struct policy_destination to;
	(void)state;
	for (int len = 200; len < 900; len++) {
		memset(fill, 'a', sizeof fill);
		snprintf(text, sizeof text, "ns/%.*s:1", len, fill);
		assert_true((policy_destination_parse(text, &to) == NULL) == (len <= 253));
		memset(fill, '1', sizeof fill);
		snprintf(text, sizeof text, "1.%.*s:1", len, fill);
		assert_non_null(policy_destination_parse(text, &to));
		snprintf(text, sizeof text, "[::%.*s]:1", len, fill);
		assert_non_null(policy_destination_parse(text, &to));
	}
}

static enum policy_answer limits(const char *spec)
{
	struct policy_labels labels = {.known = json_of("{\"app\":\"db\"}")};
	return policy_limits_egress(json_of(spec), labels);
}

static void a_policy_limits_egress_by_its_types_and_selector(void **state)
{
	(void)state;
	assert_int_equal(limits("{\"podSelector\":{},\"policyTypes\":[\"Egress\"]}"), YES);
	assert_int_equal(limits("{\"podSelector\":{},\"policyTypes\":[\"Ingress\"]}"), NO);
	assert_int_equal(limits("{\"podSelector\":{}}"), NO);
	assert_int_equal(limits("{\"podSelector\":{},\"egress\":[]}"), NO);
	assert_int_equal(limits("{\"podSelector\":{},\"egress\":[{}]}"), YES);
	assert_int_equal(limits("{" PODS("db") ",\"egress\":[{}]}"), YES);
	assert_int_equal(limits("{" PODS("web") ",\"egress\":[{}]}"), NO);
	assert_int_equal(policy_limits_egress(json_of("{" PODS("web") ",\"egress\":[{}]}"),
	                                      (struct policy_labels){0}),
	                 PERHAPS);
}

static void a_label_that_may_be_there_leaves_it_unknown(void **state)
{
	(void)state;
#define EXPRESSION(key, operator, values) \
	"{\"podSelector\":{\"matchExpressions\":[{\"key\":\"" key "\",\"operator\":\"" operator \
	"\"" values "}]},\"policyTypes\":[\"Egress\"]}"
#define LABELS(labels) \
	"{\"podSelector\":{\"matchLabels\":{" labels "}},\"policyTypes\":[\"Egress\"]}"
	static const struct {
		const char *spec;
		enum policy_answer answer;
	} cases[] = {
		{LABELS(""), YES},
		{LABELS("\"app\":\"db\""), YES},
		{LABELS("\"app\":\"web\""), NO},
		{LABELS("\"tier\":\"x\""), PERHAPS},
		{LABELS("\"app\":\"db\",\"tier\":\"x\""), PERHAPS},
		{LABELS("\"app\":\"web\",\"tier\":\"x\""), NO},
		{EXPRESSION("tier", "DoesNotExist", ""), PERHAPS},
		{EXPRESSION("tier", "NotIn", ",\"values\":[\"x\"]"), PERHAPS},
		{EXPRESSION("app", "NotIn", ",\"values\":[\"db\"]"), NO},
		{EXPRESSION("app", "Exists", ""), YES},
	};
	struct policy_labels labels = {json_of("{\"app\":\"db\"}"), .partial = true};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (policy_limits_egress(json_of(cases[i].spec), labels) != cases[i].answer)
			fail_msg("%s", cases[i].spec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_allow_what_they_say),
		cmocka_unit_test(labels_that_were_not_seen_leave_it_unknown),
		cmocka_unit_test(a_destination_is_an_address_a_range_or_a_workload),
		cmocka_unit_test(a_long_destination_is_refused),
		cmocka_unit_test(a_policy_limits_egress_by_its_types_and_selector),
		cmocka_unit_test(a_label_that_may_be_there_leaves_it_unknown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
