/* Egress rules are validated as the API server validates a NetworkPolicy: the same fields, the
 * same words; and what is valid has one normal form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "rules/rules.h"
#include "json/json.h"

#define LABEL_63 "a23456789012345678901234567890123456789012345678901234567890123"
#define LABEL_64 LABEL_63 "4"
#define A_16 "aaaaaaaaaaaaaaaa"
#define A_64 A_16 A_16 A_16 A_16
#define A_254 A_64 A_64 A_64 A_16 A_16 A_16 "aaaaaaaaaaaaaa"

struct fault {
	const char *policy;  /* spec.networkPolicy */
	const char *field;   /* below spec.networkPolicy */
	const char *message; /* how it begins */
};

static const struct fault faults[] = {
	/* types, and fields that are none */
	{"7", "", "Invalid value: 7: must be of type object"},
	{"[]", "", "Invalid value: []: must be of type object"},
	{"{\"egres\":[]}", ".egres", "unknown field"},
	{"{\"ingress\":[]}", ".ingress", "unknown field"},
	{"{\"egress\":{}}", ".egress", "Invalid value: {}: must be of type array"},
	{"{\"egress\":[null]}", ".egress[0]", "Invalid value: null: must be of type object"},
	{"{\"egress\":[{},[]]}", ".egress[1]", "Invalid value: []: must be of type object"},
	{"{\"egress\":[{\"from\":[]}]}", ".egress[0].from", "unknown field"},
	{"{\"egress\":[{\"to\":{}}]}", ".egress[0].to", "Invalid value: {}: must be of type array"},
	{"{\"egress\":[{\"to\":[null]}]}", ".egress[0].to[0]",
         "Invalid value: null: must be of type object"},
	{"{\"egress\":[{\"To\":[]}]}", ".egress[0].To", "unknown field"},
	/* ports */
	{"{\"egress\":[{\"ports\":[{\"port\":0}]}]}", ".egress[0].ports[0].port",
         "Invalid value: 0: must be between 1 and 65535, inclusive"},
	{"{\"egress\":[{\"ports\":[{\"port\":65536}]}]}", ".egress[0].ports[0].port",
         "Invalid value: 65536: must be between 1 and 65535, inclusive"},
	{"{\"egress\":[{\"ports\":[{\"port\":-1}]}]}", ".egress[0].ports[0].port",
         "Invalid value: -1: must be between 1 and 65535, inclusive"},
	{"{\"egress\":[{\"ports\":[{\"port\":80.0}]}]}", ".egress[0].ports[0].port",
         "Invalid value: 80.0: must be an integer or a string"},
	{"{\"egress\":[{\"ports\":[{\"port\":8e1}]}]}", ".egress[0].ports[0].port",
         "Invalid value: 8e1: must be an integer or a string"},
	{"{\"egress\":[{\"ports\":[{\"port\":99999999999999999999}]}]}",
         ".egress[0].ports[0].port", "Invalid value: 99999999999999999999: must be"},
	{"{\"egress\":[{\"ports\":[{\"port\":true}]}]}", ".egress[0].ports[0].port",
         "Invalid value: true: must be an integer or a string"},
	{"{\"egress\":[{\"ports\":[{\"port\":\"\"}]}]}", ".egress[0].ports[0].port",
         "Invalid value: \"\": must contain at least one letter (a-z)"},
	{"{\"egress\":[{\"ports\":[{\"port\":\"443\"}]}]}", ".egress[0].ports[0].port",
         "Invalid value: \"443\": must contain at least one letter (a-z)"},
	{"{\"egress\":[{\"ports\":[{\"port\":\"HTTP\"}]}]}", ".egress[0].ports[0].port",
         "Invalid value: \"HTTP\": must contain only alpha-numeric characters (a-z, 0-9)"},
	{"{\"egress\":[{\"ports\":[{\"port\":\"a--b\"}]}]}", ".egress[0].ports[0].port",
         "Invalid value: \"a--b\": must not contain consecutive hyphens"},
	{"{\"egress\":[{\"ports\":[{\"port\":\"-a\"}]}]}", ".egress[0].ports[0].port",
         "Invalid value: \"-a\": must not begin or end with a hyphen"},
	{"{\"egress\":[{\"ports\":[{\"port\":\"a234567890123456\"}]}]}",
         ".egress[0].ports[0].port",
         "Invalid value: \"a234567890123456\": must be no more than 15 characters"},
	{"{\"egress\":[{\"ports\":[{\"port\":\"a\\u0000\"}]}]}", ".egress[0].ports[0].port",
         "Invalid value: \"a\\u0000\": must contain only alpha-numeric characters"},
	{"{\"egress\":[{\"ports\":[{\"protocol\":\"ICMP\"}]}]}", ".egress[0].ports[0].protocol",
         "Unsupported value: \"ICMP\": supported values: \"TCP\", \"UDP\", \"SCTP\""},
	{"{\"egress\":[{\"ports\":[{\"protocol\":\"tcp\"}]}]}", ".egress[0].ports[0].protocol",
         "Unsupported value: \"tcp\": supported values"},
	{"{\"egress\":[{\"ports\":[{\"protocol\":6}]}]}", ".egress[0].ports[0].protocol",
         "Invalid value: 6: must be of type string"},
	{"{\"egress\":[{\"ports\":[{\"port\":80,\"endPort\":79}]}]}",
         ".egress[0].ports[0].endPort",
         "Invalid value: 79: must be greater than or equal to `port`"},
	{"{\"egress\":[{\"ports\":[{\"port\":80,\"endPort\":70000}]}]}",
         ".egress[0].ports[0].endPort",
         "Invalid value: 70000: must be between 1 and 65535, inclusive"},
	{"{\"egress\":[{\"ports\":[{\"port\":\"dns\",\"endPort\":80}]}]}",
         ".egress[0].ports[0].endPort",
         "Invalid value: 80: may not be specified when `port` is non-numeric"},
	{"{\"egress\":[{\"ports\":[{\"endPort\":80}]}]}", ".egress[0].ports[0].endPort",
         "Invalid value: 80: may not be specified when `port` is not specified"},
	{"{\"egress\":[{\"ports\":[{\"port\":1,\"endPort\":\"80\"}]}]}",
         ".egress[0].ports[0].endPort", "Invalid value: \"80\": must be of type integer"},
	/* peers */
	{"{\"egress\":[{\"to\":[{}]}]}", ".egress[0].to[0]", "Required value: must specify a peer"},
	/* null below the three lists: left out it would mean anywhere, everyone or every port */
	{"{\"egress\":[{\"to\":null}]}", ".egress[0].to",
         "Invalid value: null: must be of type array"},
	{"{\"egress\":[{\"ports\":null}]}", ".egress[0].ports",
         "Invalid value: null: must be of type array"},
	{"{\"egress\":[{\"to\":[{\"ipBlock\":null}]}]}", ".egress[0].to[0].ipBlock",
         "Invalid value: null: must be of type object"},
	{"{\"egress\":[{\"to\":[{\"podSelector\":{},\"namespaceSelector\":null}]}]}",
         ".egress[0].to[0].namespaceSelector", "Invalid value: null: must be of type object"},
	{"{\"egress\":[{\"to\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\",\"except\":null}}]}]}",
         ".egress[0].to[0].ipBlock.except", "Invalid value: null: must be of type array"},
	{"{\"egress\":[{\"to\":[{\"ipBlock\":{\"cidr\":null}}]}]}", ".egress[0].to[0].ipBlock.cidr",
         "Invalid value: null: must be of type string"},
	{"{\"egress\":[{\"to\":[{\"podSelector\":{\"matchLabels\":null}}]}]}",
         ".egress[0].to[0].podSelector.matchLabels",
         "Invalid value: null: must be of type object"},
	{"{\"egress\":[{\"to\":[{\"podSelector\":{\"matchLabels\":{\"app\":null}}}]}]}",
         ".egress[0].to[0].podSelector.matchLabels",
         "Invalid value: null: must be of type string"},
	{"{\"egress\":[{\"to\":[{\"podSelector\":{\"matchExpressions\":null}}]}]}",
         ".egress[0].to[0].podSelector.matchExpressions",
         "Invalid value: null: must be of type array"},
	{"{\"egress\":[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"a\","
         "\"operator\":\"NotIn\",\"values\":[null]}]}}]}]}",
         ".egress[0].to[0].podSelector.matchExpressions[0].values[0]",
         "Invalid value: null: must be of type string"},
	{"{\"egress\":[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"a\","
         "\"operator\":null}]}}]}]}",
         ".egress[0].to[0].podSelector.matchExpressions[0].operator",
         "Invalid value: null: must be of type string"},
	{"{\"egress\":[{\"ports\":[null]}]}", ".egress[0].ports[0]",
         "Invalid value: null: must be of type object"},
	{"{\"egress\":[{\"ports\":[{\"port\":null}]}]}", ".egress[0].ports[0].port",
         "Invalid value: null: must be an integer or a string"},
	{"{\"egress\":[{\"ports\":[{\"protocol\":null}]}]}", ".egress[0].ports[0].protocol",
         "Invalid value: null: must be of type string"},
	{"{\"egress\":[{\"ports\":[{\"port\":80,\"endPort\":null}]}]}",
         ".egress[0].ports[0].endPort", "Invalid value: null: must be of type integer"},
	{"{\"domains\":[{\"names\":null}]}", ".domains[0].names",
         "Invalid value: null: must be of type array"},
	{"{\"domains\":[{\"names\":[null]}]}", ".domains[0].names[0]",
         "Invalid value: null: must be of type string"},
	{"{\"domains\":[{\"names\":[\"a.example\"],\"ports\":null}]}", ".domains[0].ports",
         "Invalid value: null: must be of type array"},
	{"{\"groups\":[null]}", ".groups[0]", "Invalid value: null: must be of type string"},
	/* members that are nearly right */
	{"{\"Egress\":[]}", ".Egress", "unknown field"},
	{"{\"domians\":[]}", ".domians", "unknown field"},
	{"{\"egres\":null}", ".egres", "unknown field"},
	{"{\"egress\":[{\"too\":[]}]}", ".egress[0].too", "unknown field"},
	{"{\"egress\":[{\"prot\":[]}]}", ".egress[0].prot", "unknown field"},
	{"{\"egress\":[{\"ports\":[{\"prot\":\"TCP\"}]}]}", ".egress[0].ports[0].prot",
         "unknown field"},
	{"{\"egress\":[{\"to\":[{\"podselector\":{}}]}]}", ".egress[0].to[0].podselector",
         "unknown field"},
	{"{\"egress\":[{\"to\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\",\"excpt\":[]}}]}]}",
         ".egress[0].to[0].ipBlock.excpt", "unknown field"},
	{"{\"egress\":[{\"to\":[{\"podSelector\":{\"matchlabels\":{\"a\":\"b\"}}}]}]}",
         ".egress[0].to[0].podSelector.matchlabels", "unknown field"},
	{"{\"egress\":[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"a\","
         "\"operator\":\"NotIn\",\"value\":[\"b\"]}]}}]}]}",
         ".egress[0].to[0].podSelector.matchExpressions[0].value", "unknown field"},
	{"{\"domains\":[{\"name\":[\"a.example\"],\"names\":[\"b.example\"]}]}",
         ".domains[0].name", "unknown field"},
	/* groups */
	{"{\"groups\":{}}", ".groups", "Invalid value: {}: must be of type array"},
	{"{\"groups\":[\"\"]}", ".groups[0]", "Required value"},
	{"{\"groups\":[\"LLM\"]}", ".groups[0]", "Invalid value: \"LLM\": a group's name must"},
	{"{\"groups\":[\"" LABEL_64 "\"]}", ".groups[0]",
         "Invalid value: \"" LABEL_64 "\": a group's name must"},
	{"{\"egress\":[{\"to\":[{\"podSelector\":{},\"ipBlock\":{\"cidr\":\"10.0.0.0/8\"}}]}]}",
         ".egress[0].to[0]", "Forbidden: may not specify both ipBlock and another peer"},
	{"{\"egress\":[{\"to\":[{\"ipBlock\":{}}]}]}", ".egress[0].to[0].ipBlock.cidr",
         "Required value"},
	{"{\"egress\":[{\"to\":[{\"ipBlock\":{\"cidr\":\"\"}}]}]}",
         ".egress[0].to[0].ipBlock.cidr", "Required value"},
	{"{\"egress\":[{\"to\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0\"}}]}]}",
         ".egress[0].to[0].ipBlock.cidr",
         "Invalid value: \"10.0.0.0\": must be a valid CIDR value"},
	{"{\"egress\":[{\"to\":[{\"ipBlock\":{\"cidr\":\"10.0.0.1/8\"}}]}]}",
         ".egress[0].to[0].ipBlock.cidr",
         "Invalid value: \"10.0.0.1/8\": must not have bits set beyond the prefix length"},
	{"{\"egress\":[{\"to\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\",\"except\":[\"11.0.0.0/8\"]}"
         "}]}]}",
         ".egress[0].to[0].ipBlock.except[0]",
         "Invalid value: \"11.0.0.0/8\": must be a strict subset of `cidr`"},
	{"{\"egress\":[{\"to\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\",\"except\":[\"10.0.0.0/8\"]}"
         "}]}]}",
         ".egress[0].to[0].ipBlock.except[0]", "Invalid value: \"10.0.0.0/8\": must be a strict"},
	{"{\"egress\":[{\"to\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\",\"except\":[\"::/1\"]}}]}]}",
         ".egress[0].to[0].ipBlock.except[0]", "Invalid value: \"::/1\": must be a strict"},
	{"{\"egress\":[{\"to\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\",\"except\":\"x\"}}]}]}",
         ".egress[0].to[0].ipBlock.except", "Invalid value: \"x\": must be of type array"},
	/* selectors */
	{"{\"egress\":[{\"to\":[{\"podSelector\":{\"matchLabels\":{\"a b\":\"c\"}}}]}]}",
         ".egress[0].to[0].podSelector.matchLabels",
         "Invalid value: \"a b\": name part must consist of alphanumeric characters"},
	{"{\"egress\":[{\"to\":[{\"podSelector\":{\"matchLabels\":{\"a\":\"b c\"}}}]}]}",
         ".egress[0].to[0].podSelector.matchLabels",
         "Invalid value: \"b c\": a valid label must be an empty string or consist of"},
	{"{\"egress\":[{\"to\":[{\"podSelector\":{\"matchLabels\":{\"a\":1}}}]}]}",
         ".egress[0].to[0].podSelector.matchLabels",
         "Invalid value: 1: must be of type string"},
	{"{\"egress\":[{\"to\":[{\"podSelector\":{\"matchLabels\":{\"A_/a\":\"\"}}}]}]}",
         ".egress[0].to[0].podSelector.matchLabels",
         "Invalid value: \"A_/a\": prefix part a lowercase RFC 1123 subdomain must"},
	{"{\"egress\":[{\"to\":[{\"podSelector\":{\"matchLabels\":{\"" A_254 "/a\":\"\"}}}]}]}",
         ".egress[0].to[0].podSelector.matchLabels",
         "Invalid value: \"" A_254 "/: prefix part must be no more than 253 characters"},
	{"{\"egress\":[{\"to\":[{\"podSelector\":{\"matchLabel\":{}}}]}]}",
         ".egress[0].to[0].podSelector.matchLabel", "unknown field"},
	{"{\"egress\":[{\"to\":[{\"namespaceSelector\":{\"matchExpressions\":[{\"key\":\"a\","
         "\"operator\":\"In\"}]}}]}]}",
         ".egress[0].to[0].namespaceSelector.matchExpressions[0].values",
         "Required value: must be specified when `operator` is 'In' or 'NotIn'"},
	{"{\"egress\":[{\"to\":[{\"namespaceSelector\":{\"matchExpressions\":[{\"key\":\"a\","
         "\"operator\":\"Exists\",\"values\":[\"b\"]}]}}]}]}",
         ".egress[0].to[0].namespaceSelector.matchExpressions[0].values",
         "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'"},
	{"{\"egress\":[{\"to\":[{\"namespaceSelector\":{\"matchExpressions\":["
         "{\"key\":\"a\",\"operator\":\"NotIn\",\"values\":[]}]}}]}]}",
         ".egress[0].to[0].namespaceSelector.matchExpressions[0].values",
         "Required value: must be specified when `operator` is 'In' or 'NotIn'"},
	{"{\"egress\":[{\"to\":[{\"namespaceSelector\":{\"matchExpressions\":["
         "{\"key\":\"a\",\"operator\":\"DoesNotExist\",\"values\":[\"b\"]}]}}]}]}",
         ".egress[0].to[0].namespaceSelector.matchExpressions[0].values",
         "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'"},
	{"{\"egress\":[{\"to\":[{\"namespaceSelector\":{\"matchExpressions\":["
         "{\"key\":\"-a\",\"operator\":\"Exists\"}]}}]}]}",
         ".egress[0].to[0].namespaceSelector.matchExpressions[0].key",
         "Invalid value: \"-a\""},
	{"{\"egress\":[{\"to\":[{\"namespaceSelector\":{\"matchExpressions\":["
         "{\"key\":\"a\",\"operator\":\"In\",\"values\":[\"b\",\"-b\"]}]}}]}]}",
         ".egress[0].to[0].namespaceSelector.matchExpressions[0].values[1]",
         "Invalid value: \"-b\""},
	{"{\"egress\":[{\"to\":[{\"namespaceSelector\":{\"matchExpressions\":[{\"key\":\"a\","
         "\"operator\":\"Like\"}]}}]}]}",
         ".egress[0].to[0].namespaceSelector.matchExpressions[0].operator",
         "Unsupported value: \"Like\""},
	{"{\"egress\":[{\"to\":[{\"namespaceSelector\":{\"matchExpressions\":[{\"operator\":"
         "\"Exists\"}]}}]}]}",
         ".egress[0].to[0].namespaceSelector.matchExpressions[0].key", "Required value"},
	/* domains */
	{"{\"domains\":[{}]}", ".domains[0].names", "Required value"},
	{"{\"domains\":[{\"names\":[]}]}", ".domains[0].names", "Required value"},
	{"{\"domains\":[{\"names\":[\"\"]}]}", ".domains[0].names[0]", "Required value"},
	{"{\"domains\":[{\"names\":[\"Example.com\"]}]}", ".domains[0].names[0]",
         "Invalid value: \"Example.com\": must be in lower case"},
	{"{\"domains\":[{\"names\":[\"a.*.com\"]}]}", ".domains[0].names[0]", "Invalid value"},
	{"{\"domains\":[{\"names\":[\"*\"]}]}", ".domains[0].names[0]", "Invalid value"},
	{"{\"domains\":[{\"names\":[\"b\\u00fccher.example\"]}]}", ".domains[0].names[0]",
         "Invalid value: \"b\\u00fccher.example\": must be written in A-labels"},
	{"{\"domains\":[{\"names\":[\"*.*.com\"]}]}", ".domains[0].names[0]",
         "Invalid value: \"*.*.com\": a lowercase RFC 1123 subdomain"},
	{"{\"domains\":[{\"names\":[\"a_b.com\"]}]}", ".domains[0].names[0]", "Invalid value"},
	{"{\"domains\":[{\"names\":[\"example.com.\"]}]}", ".domains[0].names[0]", "Invalid value"},
	{"{\"domains\":[{\"names\":[\"example\"]}]}", ".domains[0].names[0]",
         "Invalid value: \"example\": must have at least two labels"},
	{"{\"domains\":[{\"names\":[\"*.com\"]}]}", ".domains[0].names[0]",
         "Invalid value: \"*.com\": must have at least two labels"},
	{"{\"domains\":[{\"names\":[\"ab--c.example\"]}]}", ".domains[0].names[0]",
         "Invalid value: \"ab--c.example\": only an A-label"},
	{"{\"domains\":[{\"names\":[\"xn--.example\"]}]}", ".domains[0].names[0]", "Invalid value"},
	{"{\"domains\":[{\"names\":[\"xn---a.example\"]}]}", ".domains[0].names[0]",
         "Invalid value: \"xn---a.example\": an A-label must say what"},
	{"{\"domains\":[{\"names\":[\"a.0x7f\"]}]}", ".domains[0].names[0]",
         "Invalid value: \"a.0x7f\": must be a DNS name, not an IP address"},
	{"{\"domains\":[{\"names\":[\"" LABEL_64 ".example\"]}]}", ".domains[0].names[0]",
         "Invalid value: \"" LABEL_64 ".example\": each label must be no more than 63"},
	{"{\"domains\":[{\"names\":[\"" LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63 "\"]}]}",
         ".domains[0].names[0]", "Invalid value"},
	{"{\"domains\":[{\"names\":[\"10.0.0.1\"]}]}", ".domains[0].names[0]",
         "Invalid value: \"10.0.0.1\": must be a DNS name, not an IP address"},
	{"{\"domains\":[{\"names\":[\"a.example\"],\"ports\":[{\"port\":0}]}]}",
         ".domains[0].ports[0].port", "Invalid value: 0: must be between"},
};

static bool read_policy(const char *policy, struct policy_problems *problems,
                        struct policy_rules *rules)
{
	struct json_text text = json_of(policy);
	assert_true(json_check(text, &json_record_limits, NULL));
	*rules = policy_rules_read(text, problems);
	assert_int_equal(rules->valid, problems->errors == 0);
	return rules->valid;
}

/* The problems as an array; the caller frees it. */
static char *list(const struct policy_problems *problems)
{
	struct json_buffer out = {0};
	policy_problems_put(problems, &out);
	json_putc(&out, '\0');
	assert_true(json_check(json_of(out.at), &json_record_limits, NULL));
	return out.at;
}

static void test_each_fault_is_named_by_field_and_in_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
		struct policy_problems problems = {0};
		struct policy_rules rules;
		char field[256];
		if (read_policy(faults[i].policy, &problems, &rules))
			fail_msg("valid: %s", faults[i].policy);
		char *text = list(&problems);
		struct json_text first = json_first(json_of(text)).value;
		snprintf(field, sizeof field, "spec.networkPolicy%s", faults[i].field);
		char *named = json_cstring(json_get(first, "field"));
		char *message = json_cstring(json_get(first, "message"));
		assert_string_equal(named, field);
		if (strncmp(message, faults[i].message, strlen(faults[i].message)) != 0)
			fail_msg("%s: %s", faults[i].policy, message);
		free(named);
		free(message);
		free(text);
		policy_problems_free(&problems);
	}
}

static const char *const valid[] = {
	"null",
	"{}",
	"{\"egress\":null,\"domains\":null,\"groups\":null}",
	"{\"egress\":[]}",
	"{\"egress\":null,\"groups\":[\"llm-api\"]}",
	"{\"egress\":[{}]}",
	"{\"egress\":[{\"to\":[],\"ports\":[]}]}",
	"{\"egress\":[{\"to\":[{\"podSelector\":{}}]}]}",
	"{\"egress\":[{\"to\":[{\"podSelector\":{\"matchLabels\":{\"a\":\"\"}},"
	"\"namespaceSelector\":{}}]}]}",
	"{\"egress\":[{\"to\":[{\"podSelector\":{\"matchLabels\":{\"example.com/a_B.c\":\"1\"},"
	"\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"DoesNotExist\",\"values\":[]}]}}]}]}",
	"{\"egress\":[{\"ports\":[{\"port\":1},{\"port\":65535,\"endPort\":65535},{\"port\":"
	"\"http-alt\",\"protocol\":\"SCTP\"},{\"protocol\":\"UDP\"},{}]}]}",
	"{\"egress\":[{\"to\":[{\"ipBlock\":{\"cidr\":\"0.0.0.0/0\",\"except\":[\"10.0.0.0/8\","
	"\"127.0.0.0/8\"]}},{\"ipBlock\":{\"cidr\":\"::/0\",\"except\":[\"fd00::/8\"]}}]}]}",
	"{\"egress\":[{\"to\":[{\"ipBlock\":{\"cidr\":\"\\u0031\\u0030.0.0.0/8\"}}]}]}",
	"{\"domains\":[{\"names\":[\"*.example.com\",\"xn--bcher-kva.example\",\"a-b.4.xn--p1ai\","
	"\"" LABEL_63 ".a\"],"
	"\"ports\":[{\"port\":443}]}]}",
};

static void test_what_the_api_server_accepts_is_valid(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof valid / sizeof valid[0]; i++) {
		struct policy_problems problems = {0};
		struct policy_rules rules;
		if (!read_policy(valid[i], &problems, &rules))
			fail_msg("%s: %.*s", valid[i], (int)problems.text.len, problems.text.at);
		assert_int_equal(rules.set, i >= 3);
		policy_problems_free(&problems);
	}
}

/* The normal form of the rules of policy; the caller frees it. */
static char *normal_form(const char *policy, bool explicit_peers)
{
	struct policy_problems problems = {0};
	struct policy_rules rules;
	struct json_buffer out = {0};
	assert_true(read_policy(policy, &problems, &rules));
	policy_rules_put(&out, rules.egress, explicit_peers);
	json_putc(&out, '\0');
	policy_problems_free(&problems);
	return out.at;
}

static void test_rules_have_one_normal_form(void **state)
{
	(void)state;
	char *a = normal_form("{\"egress\":[{\"to\":[{\"ipBlock\":{\"except\":[],\"cidr\":"
	                      "\"10.0.0.0/8\"}}],\"ports\":[{\"port\":80}]}]}",
	                      false);
	assert_string_equal(a, "[{\"ports\":[{\"port\":80,\"protocol\":\"TCP\"}],"
	                       "\"to\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\"}}]}]");
	free(a);
	a = normal_form("{\"egress\":[{\"to\":[],\"ports\":[]},{\"to\":[{\"podSelector\":{}}]}]}",
	                false);
	assert_string_equal(a, "[{},{\"to\":[{\"podSelector\":{}}]}]");
	free(a);
}

static void test_explicit_peers_are_written_only_where_there_are_none(void **state)
{
	(void)state;
	char *a = normal_form("{\"egress\":[{\"ports\":[{\"port\":53}]},{\"to\":[{\"podSelector\":{}"
	                      "}]}]}",
	                      true);
	assert_string_equal(a, "[{\"ports\":[{\"port\":53,\"protocol\":\"TCP\"}],\"to\":["
	                       "{\"ipBlock\":{\"cidr\":\"0.0.0.0/0\"}},"
	                       "{\"ipBlock\":{\"cidr\":\"::/0\"}}]},{\"to\":[{\"podSelector\":{}}]}]");
	free(a);
}

static char *lint_as(const char *policy, const struct policy_lint *how)
{
	struct policy_problems problems = {0};
	struct policy_rules rules;
	assert_true(read_policy(policy, &problems, &rules));
	policy_rules_lint(&rules, how, &problems);
	assert_int_equal(problems.errors, 0);
	char *text = list(&problems);
	policy_problems_free(&problems);
	return text;
}

static char *lint(const char *policy, bool resolves)
{
	return lint_as(policy, &(struct policy_lint){.resolves = resolves, .namespace = "agents"});
}

static void assert_lint_as(const char *policy, const struct policy_lint *how, const char *wanted)
{
	char *text = lint_as(policy, how);
	if (wanted == NULL ? strcmp(text, "[]") != 0 : strstr(text, wanted) == NULL)
		fail_msg("%s: %s", policy, text);
	free(text);
}

static void assert_lint(const char *policy, const char *wanted)
{
	char *text = lint(policy, false);
	if (wanted == NULL)
		assert_string_equal(text, "[]");
	else if (strstr(text, wanted) == NULL || strstr(text, "\"severity\":\"warning\"") == NULL)
		fail_msg("%s: %s", policy, text);
	free(text);
}

#define DNS_RULE                                                                                   \
	"{\"to\":[{\"ipBlock\":{\"cidr\":\"10.0.0.10/32\"}}],\"ports\":[{\"port\":53},{\"port\":53,"    \
	"\"protocol\":\"UDP\"}]}"

static void test_what_its_author_may_not_mean_is_warned_of(void **state)
{
	(void)state;
	assert_lint("{\"egress\":[" DNS_RULE "]}", NULL);
	assert_lint("{\"egress\":[]}", NULL);
	assert_lint("{\"egress\":[{\"ports\":[{\"port\":53}]}]}", "OVN-Kubernetes drops such a rule");
	assert_lint("{\"egress\":[" DNS_RULE ",{\"to\":[{\"ipBlock\":{\"cidr\":\"0.0.0.0/0\"}}]}]}",
	            "spec.networkPolicy.egress[1].to[0].ipBlock.cidr");
	assert_lint("{\"egress\":[" DNS_RULE ",{\"to\":[{\"ipBlock\":{\"cidr\":\"169.254.0.0/16\"}}]"
	            "}]}",
	            "includes 169.254.169.254");
	assert_lint("{\"egress\":[" DNS_RULE ",{\"to\":[{\"ipBlock\":{\"cidr\":\"0.0.0.0/0\","
	            "\"except\":[\"169.254.0.0/16\",\"100.64.0.0/10\"]}}]}]}",
	            NULL);
	assert_lint("{\"egress\":[" DNS_RULE ",{\"to\":[{\"ipBlock\":{\"cidr\":\"0.0.0.0/0\"}}]}]}",
	            "includes 169.254.169.254, 169.254.170.2, 169.254.170.23, 100.100.100.200, "
	            "169.254.169.252, where clouds serve instance credentials: add them to except");
	assert_lint("{\"egress\":[" DNS_RULE ",{\"to\":[{\"ipBlock\":{\"cidr\":\"0.0.0.0/0\"}}],"
	            "\"ports\":[{\"port\":988}]}]}",
	            "includes 169.254.169.254");
	assert_lint("{\"egress\":[" DNS_RULE ",{\"to\":[{\"ipBlock\":{\"cidr\":\"0.0.0.0/0\"}}],"
	            "\"ports\":[{\"port\":5432},{\"port\":80,\"protocol\":\"UDP\"},{\"port\":1000,"
	            "\"endPort\":9999}]}]}",
	            NULL);
	assert_lint("{\"egress\":[" DNS_RULE ",{\"to\":[{\"ipBlock\":{\"cidr\":"
	            "\"169.254.169.254/32\"}}]}]}",
	            "is 169.254.169.254, where clouds serve instance credentials: leave it out");
	assert_lint("{\"egress\":[" DNS_RULE ",{}]}", "reaches 169.254.169.254, 169.254.170.2");
	assert_lint("{\"egress\":[" DNS_RULE ",{\"to\":[{\"ipBlock\":{\"cidr\":\"fd00::/8\"}}]}]}",
	            "includes fd00:ec2::254");
	assert_lint("{\"egress\":[{\"to\":[{\"podSelector\":{}}],\"ports\":[{\"port\":443}]}]}",
	            "no rule allows DNS");
	assert_lint("{\"egress\":[{\"to\":[{\"podSelector\":{}}],\"ports\":[{\"port\":50,"
	            "\"endPort\":60,\"protocol\":\"UDP\"}]}]}",
	            NULL);
	assert_lint("{\"egress\":[{\"to\":[{\"podSelector\":{}}],\"ports\":[{\"port\":53}]}]}",
	            "allows DNS by TCP alone");
	assert_lint("{\"egress\":[{\"to\":[{\"namespaceSelector\":{\"matchLabels\":{"
	            "\"kubernetes.io/metadata.name\":\"openshift-dns\"}}}],\"ports\":[{\"port\":53,"
	            "\"protocol\":\"UDP\"}]}]}",
	            "not 5353, on which OpenShift's DNS pods listen");
}

#define UDP_53 "\"ports\":[{\"port\":53,\"protocol\":\"UDP\"}]"

static void test_port_53_alone_is_warned_of_where_dns_listens_on_another(void **state)
{
	static const char *const words[] = {"openshift-dns/a=b:5353", NULL};
	static const char *const local[] = {"169.254.20.10/32:5354", NULL};
	static const char expression[] =
		"{\"egress\":[{\"to\":[{\"namespaceSelector\":{\"matchExpressions\":[{\"key\":"
		"\"kubernetes.io/metadata.name\",\"operator\":\"In\",\"values\":[\"openshift-dns\"]}]},"
		"\"podSelector\":{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\",\"values\":"
		"[\"b\"]}]}}]," UDP_53 "}]}";
	static const char any[] = "{\"egress\":[{\"to\":[{\"namespaceSelector\":{}}]," UDP_53 "}]}";
	const struct policy_lint plain = {.namespace = "agents"},
				 told = {.dns = words, .namespace = "agents"},
				 ovn = {.cnis = POLICY_CNI_SET(POLICY_CNI_OVN_KUBERNETES),
	                                .namespace = "agents"},
				 addresses = {.dns = local, .namespace = "agents"};
	(void)state;
	assert_lint_as(expression, &told, "listens on 5353");
	assert_lint_as(any, &told, "spec.networkPolicy.egress[0]");
	assert_lint_as(any, &ovn, "not 5353, on which OpenShift's DNS pods listen");
	assert_lint_as(any, &plain, NULL);
	assert_lint_as("{\"egress\":[{\"to\":[{\"namespaceSelector\":{}}],\"ports\":[{\"port\":53,"
	               "\"protocol\":\"UDP\"},{\"port\":5353,\"protocol\":\"UDP\"}]}]}",
	               &ovn, NULL);
	assert_lint_as("{\"egress\":[{\"to\":[{\"ipBlock\":{\"cidr\":\"169.254.20.10/32\"}}]," UDP_53
	               "}]}",
	               &addresses, "listens on 5354");
}

static void test_names_of_ports_are_those_of_pods_alone(void **state)
{
	(void)state;
	assert_lint("{\"egress\":[" DNS_RULE ",{\"to\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\"}}],"
	            "\"ports\":[{\"port\":\"http\"}]}]}",
	            "\"field\":\"spec.networkPolicy.egress[1].ports[0].port\",\"value\":\"\","
	            "\"message\":\"only pods have named ports: it matches nothing\"");
	assert_lint("{\"egress\":[" DNS_RULE ",{\"ports\":[{\"port\":\"http\"}]}]}",
	            "it matches nothing outside of pods");
	assert_lint("{\"egress\":[" DNS_RULE ",{\"to\":[{\"podSelector\":{}},{\"ipBlock\":{\"cidr\":"
	            "\"10.0.0.0/8\"}}],\"ports\":[{\"port\":\"http\"}]}]}",
	            "it matches nothing outside of pods");
	assert_lint("{\"egress\":[" DNS_RULE ",{\"to\":[{\"podSelector\":{}}],\"ports\":[{\"port\":"
	            "\"http\"}]}]}",
	            NULL);
}

static void test_explicit_peers_are_advised_only_where_they_help(void **state)
{
	static const char policy[] = "{\"egress\":[{" UDP_53 "}]}";
	(void)state;
	assert_lint_as(policy, &(struct policy_lint){.namespace = "a"}, "use --explicit-peers");
	assert_lint_as(policy, &(struct policy_lint){.explicit_peers = true, .namespace = "a"}, NULL);
	assert_lint_as(policy,
	               &(struct policy_lint){.cnis = POLICY_CNI_SET(POLICY_CNI_CILIUM),
	                                     .namespace = "a"},
	               NULL);
}

/* What each row of the table of readings that is no gap leads to; those that are gaps are judged in
 * test_policy_readings.c. */
static void test_what_a_plugin_does_not_do_is_said_for_it_alone(void **state)
{
	static const struct {
		enum policy_cni cni;
		const char *rule, *wanted;
	} rows[] = {
		{POLICY_CNI_OVN_KUBERNETES, "{\"ports\":[{\"port\":5432}]}", "drops such a rule"},
		{POLICY_CNI_ISTIO,
	         "{\"to\":[{\"podSelector\":{}}],\"ports\":[{\"port\":15006}]}",
	         "keep ports 15001 and 15006"},
		{POLICY_CNI_ISTIO_AMBIENT,
	         "{\"to\":[{\"podSelector\":{}}],\"ports\":[{\"port\":8080}]}",
	         "through port 15008 alone"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct json_buffer policy = {0};
		json_putf(&policy, "{\"egress\":[" DNS_RULE ",%s]}", rows[i].rule);
		json_putc(&policy, '\0');
		assert_lint_as(policy.at,
		               &(struct policy_lint){.cnis = POLICY_CNI_SET(rows[i].cni),
		                                     .namespace = "a"},
		               rows[i].wanted);
		assert_lint_as(policy.at,
		               &(struct policy_lint){
		                       .cnis = POLICY_CNI_SET(POLICY_CNI_KUBE_NETWORK_POLICIES),
		                       .namespace = "a"},
		               NULL);
		json_buffer_free(&policy);
	}
	const struct policy_lint gke = {.cnis = POLICY_CNI_SET(POLICY_CNI_GKE), .namespace = "a"},
				 eks = {.cnis = POLICY_CNI_SET(POLICY_CNI_EKS), .namespace = "a"};
	assert_lint_as("{\"egress\":[" DNS_RULE ",{\"to\":[{\"ipBlock\":{\"cidr\":"
	               "\"169.254.169.252/32\"}}]}]}",
	               &gke, NULL);
	struct json_buffer many = {0};
	json_puts(&many, "{\"egress\":[" DNS_RULE ",{\"to\":[{\"podSelector\":{}}],\"ports\":[");
	for (int i = 0; i < 25; i++)
		json_putf(&many, "%s{\"port\":%d}", i == 0 ? "" : ",", 1000 + i);
	json_puts(&many, "]}]}");
	json_putc(&many, '\0');
	assert_lint_as(many.at, &eks, "takes 24 combinations");
	assert_lint_as(many.at, &gke, NULL);
	json_buffer_free(&many);
}

static void test_each_reading_of_a_plugin_has_a_source(void **state)
{
	bool told[POLICY_READINGS] = {false};
	(void)state;
	for (const struct policy_cni_row *row = policy_cni_rows; row->source != NULL; row++) {
		assert_true(row->cni < POLICY_CNIS && row->reading < POLICY_READINGS);
		assert_true(strlen(row->source) > 20);
		told[row->reading] = true;
		assert_true(policy_cni_reads(POLICY_CNI_SET(row->cni), row->reading));
		assert_false(policy_cni_reads(0, row->reading));
	}
	for (size_t i = 0; i < POLICY_READINGS; i++)
		assert_true(told[i]);
}

static void test_names_that_can_be_looked_up_need_no_rule_for_dns(void **state)
{
	static const char policy[] =
		"{\"egress\":[{\"to\":[{\"podSelector\":{}}],\"ports\":[{\"port\":443}]}],"
		"\"domains\":[{\"names\":[\"a.example\"]}]}";
	(void)state;
	char *text = lint(policy, true);
	assert_string_equal(text, "[]");
	free(text);
	assert_lint(policy, "no rule allows DNS");
	assert_lint("{\"domains\":[{\"names\":[\"a.example\"],\"ports\":[{\"port\":443}]}]}", NULL);
	assert_lint("{\"domains\":[{\"names\":[\"a.example\"],\"ports\":[{\"port\":443},"
	            "{\"port\":\"http\"}]}]}",
	            "spec.networkPolicy.domains[0].ports[1].port");
}

static void digest_of(const char *policy, char digest[POLICY_RULES_DIGEST_SIZE])
{
	assert_true(json_check(json_of(policy), &json_record_limits, NULL));
	policy_rules_digest(json_of(policy), digest);
	assert_int_equal(strlen(digest), 64);
}

static void test_rules_that_mean_the_same_have_one_digest(void **state)
{
	static const char *const pairs[][2] = {
		{"{}", "{\"egress\":null,\"domains\":null}"},
		{"{\"egress\":[{\"ports\":[{\"port\":1}]}]}",
	         " {\"domains\":null, \"egress\":[{\"ports\":[{\"protocol\":\"TCP\",\"port\":1}]}]}"},
		{"{\"egress\":[{\"to\":[]}],\"groups\":[\"a\"]}",
	         "{\"groups\":[\"\\u0061\"],\"egress\":[{}]}"},
	};
	static const char *const others[] = {"{}", "{\"egress\":[]}", "{\"egress\":[{}]}",
	                                     "{\"domains\":[]}", "{\"groups\":[]}"};
	char one[POLICY_RULES_DIGEST_SIZE], two[POLICY_RULES_DIGEST_SIZE];
	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		digest_of(pairs[i][0], one);
		digest_of(pairs[i][1], two);
		assert_string_equal(one, two);
	}
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		for (size_t j = 0; j < i; j++) {
			digest_of(others[i], one);
			digest_of(others[j], two);
			assert_string_not_equal(one, two);
		}
}

static void test_problems_are_bounded(void **state)
{
	(void)state;
	struct json_buffer policy = {0};
	struct policy_problems problems = {0};
	struct policy_rules rules;
	json_puts(&policy, "{\"egress\":[");
	for (int i = 0; i < 200; i++)
		json_putf(&policy, "%s{\"ports\":[{\"port\":\"%01000d\"}]}", i == 0 ? "" : ",", i);
	json_puts(&policy, "]}");
	json_putc(&policy, '\0');
	assert_false(read_policy(policy.at, &problems, &rules));
	assert_int_equal(problems.errors, 200);
	char *text = list(&problems);
	assert_int_equal(json_count(json_of(text)), POLICY_PROBLEMS_MAX + 1);
	assert_non_null(strstr(text, "and 168 more"));
	assert_true(strlen(text) < 65536);
	free(text);
	json_buffer_free(&policy);
	policy_problems_free(&problems);
}

static void test_lists_are_bounded(void **state)
{
	(void)state;
	struct json_buffer policy = {0};
	struct policy_problems problems = {0};
	struct policy_rules rules;
	json_puts(&policy, "{\"egress\":[{}");
	for (int i = 0; i < 256; i++)
		json_puts(&policy, ",{}");
	json_puts(&policy, "]}");
	json_putc(&policy, '\0');
	assert_false(read_policy(policy.at, &problems, &rules));
	assert_non_null(strstr(problems.text.at, "Too many: 257: must have at most 256 items"));
	json_buffer_free(&policy);
	policy_problems_free(&problems);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_fault_is_named_by_field_and_in_words),
		cmocka_unit_test(test_what_the_api_server_accepts_is_valid),
		cmocka_unit_test(test_rules_have_one_normal_form),
		cmocka_unit_test(test_explicit_peers_are_written_only_where_there_are_none),
		cmocka_unit_test(test_what_its_author_may_not_mean_is_warned_of),
		cmocka_unit_test(test_port_53_alone_is_warned_of_where_dns_listens_on_another),
		cmocka_unit_test(test_names_of_ports_are_those_of_pods_alone),
		cmocka_unit_test(test_explicit_peers_are_advised_only_where_they_help),
		cmocka_unit_test(test_what_a_plugin_does_not_do_is_said_for_it_alone),
		cmocka_unit_test(test_each_reading_of_a_plugin_has_a_source),
		cmocka_unit_test(test_names_that_can_be_looked_up_need_no_rule_for_dns),
		cmocka_unit_test(test_rules_that_mean_the_same_have_one_digest),
		cmocka_unit_test(test_problems_are_bounded),
		cmocka_unit_test(test_lists_are_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
