/* Proposals over random flows: every flow that was taken is allowed by them, every rule is used by one, and
 * nothing else is allowed but what a selector generalises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flows/propose.h"
#include "rules/evaluate.h"
#include "rules/rules.h"
#include "yaml/write.h"

enum { WORLDS = 2000, FLOWS = 24 };

/* What may be asked for: an address, or a pod of another namespace. */
struct target {
	const char *destination; /* as flow record members */
	const char *question;    /* for policy_destination_parse(), without port and protocol */
	const char *labels;      /* of the pod; NULL: an address */
};

static const struct target targets[] = {
        {"\"ip\":\"198.51.100.7\"", "198.51.100.7", NULL},
        {"\"ip\":\"198.51.100.8\"", "198.51.100.8", NULL},
        {"\"ip\":\"10.9.8.7\"", "10.9.8.7", NULL},
        {"\"ip\":\"2001:db8::7\"", "[2001:db8::7]", NULL},
        {"\"namespace\":\"data\",\"pod\":\"db-0\",\"labels\":{\"app\":\"db\",\"pod-template-hash\":\"x1\"}", "data/db", "{\"app\":\"db\"}"},
        {"\"namespace\":\"data\",\"pod\":\"db-1\",\"labels\":{\"app\":\"db\",\"pod-template-hash\":\"x2\"}", "data/db", "{\"app\":\"db\"}"},
        {"\"namespace\":\"data\",\"pod\":\"web-1\",\"labels\":{\"app\":\"web\"}", "data/web", "{\"app\":\"web\"}"},
        {"\"namespace\":\"other\",\"pod\":\"db-1\",\"labels\":{\"app\":\"db\"}", "other/db", "{\"app\":\"db\"}"},
};
enum { TARGETS = sizeof targets / sizeof targets[0], PORTS = 3 };
static const int ports[PORTS] = {53, 443, 8080};

/* How often a target was seen at a port with a protocol. */
typedef int seen_table[TARGETS][PORTS][3];

static void take(struct flow_proposals *proposals, const char *(*into)(struct flow_proposals *, struct json_text), const char *line)
{
	assert_true(json_check(json_of(line), &json_record_limits, NULL));
	assert_null(into(proposals, json_of(line)));
}

static void add_flow(struct flow_proposals *proposals, unsigned target, unsigned port, unsigned protocol)
{
	char line[600];
	snprintf(line, sizeof line,
	         "{\"flow\":{\"time\":\"2026-11-02T08:15:01Z\",\"source\":{\"namespace\":\"team\",\"workload\":{\"kind\":\"Deployment\","
	         "\"name\":\"agent\"}},\"destination\":{%s,\"port\":%d,\"protocol\":\"%s\"},\"verdict\":\"allowed\"}}",
	         targets[target].destination, ports[port], policy_protocol_words[protocol]);
	take(proposals, flow_proposals_flow, line);
}

static bool keep(void *context, struct json_text document)
{
	json_puttext(context, document);
	return true;
}

static struct policy_match ask(struct json_text egress, unsigned target, unsigned port, unsigned protocol)
{
	char question[128];
	struct policy_destination destination;
	snprintf(question, sizeof question, "%s:%d/%s", targets[target].question, ports[port], policy_protocol_words[protocol]);
	for (char *c = strrchr(question, '/'); *c != '\0'; c++)
		*c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
	assert_null(policy_destination_parse(question, &destination));
	if (targets[target].labels != NULL)
		destination.labels.known = json_of(targets[target].labels);
	return policy_evaluate(egress, "team", &destination);
}

/* Pods of one set of labels in one namespace are one destination. */
static bool was_seen(seen_table seen, unsigned target, unsigned port, unsigned protocol)
{
	for (unsigned other = 0; other < TARGETS; other++)
		if (strcmp(targets[other].question, targets[target].question) == 0 && seen[other][port][protocol] > 0)
			return true;
	return false;
}

static void judge(struct json_text card, seen_table seen)
{
	struct policy_problems problems = {0};
	struct policy_rules rules = policy_rules_read(json_get(card, "spec", "networkPolicy"), &problems);
	bool used[FLOWS] = {false};
	assert_true(rules.valid);
	for (unsigned target = 0; target < TARGETS; target++)
		for (unsigned port = 0; port < PORTS; port++)
			for (unsigned protocol = 0; protocol < 3; protocol++) {
				struct policy_match match = ask(rules.egress, target, port, protocol);
				assert_int_equal(match.answer == POLICY_ALLOWED, was_seen(seen, target, port, protocol));
				if (match.answer == POLICY_ALLOWED)
					used[match.rule] = true;
			}
	for (size_t rule = 0; rule < json_count(rules.egress); rule++)
		assert_true(used[rule]);
	policy_problems_free(&problems);
}

static void proposals_allow_what_was_seen_and_nothing_else(void **state)
{
	(void)state;
	unsigned seed = 1;
	for (int world = 0; world < WORLDS; world++) {
		struct flow_proposals *proposals = flow_proposals_new(&(struct flow_propose_settings){.group = "agent.kagenti.dev"});
		struct json_buffer yaml = {0}, card = {0};
		char error[KUBE_YAML_ERROR_SIZE];
		seen_table seen = {0};
		take(proposals, flow_proposals_event,
		     "{\"type\":\"ADDED\",\"object\":{\"apiVersion\":\"agent.kagenti.dev/v1alpha1\",\"kind\":\"AgentCard\","
		     "\"metadata\":{\"namespace\":\"team\",\"name\":\"agent-card\"},\"spec\":{\"targetRef\":{\"apiVersion\":\"apps/v1\","
		     "\"kind\":\"Deployment\",\"name\":\"agent\"}}},\"verification\":{\"verified\":true}}");
		for (int i = rand_r(&seed) % FLOWS; i >= 0; i--) {
			unsigned target = (unsigned)rand_r(&seed) % TARGETS, port = (unsigned)rand_r(&seed) % PORTS, protocol = (unsigned)rand_r(&seed) % 3;
			add_flow(proposals, target, port, protocol);
			seen[target][port][protocol]++;
		}
		flow_proposals_put(proposals, &yaml);
		assert_true(kube_yaml_read(json_buffer_text(&yaml), &(struct kube_yaml_visitor){keep, &card}, error));
		judge(json_buffer_text(&card), seen);
		json_buffer_free(&yaml);
		json_buffer_free(&card);
		flow_proposals_free(proposals);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(proposals_allow_what_was_seen_and_nothing_else),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
