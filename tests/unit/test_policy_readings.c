/* What network plugins read wider than it is written is a gap of its agent, or left out; what they do
 * not is neither. Each row of the table of rules/cni.h that is about a gap has its smallest case. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "json/json.h"
#include "json/write.h"
#include "targets/readings.h"
#include "translate/translator.h"

struct stage {
	struct policy_translator *translator;
	const struct policy_target *target;
	struct policy_decision decision;
	struct policy_manifests manifests;
	struct policy_gaps gaps;
};

static void ignore(void *context, struct json_text line)
{
	(void)context;
	(void)line;
}

static void feed(struct stage *stage, const char *format, const char *part)
{
	struct json_buffer line = {0};
	json_puts(&line, format);
	if (part != NULL) {
		line.len = 0;
		for (const char *at = format; *at != '\0'; at++)
			if (*at == '@')
				json_puts(&line, part);
			else
				json_putc(&line, *at);
	}
	struct json_text json = json_buffer_text(&line);
	assert_true(json_check(json, &json_record_limits, NULL));
	assert_null(policy_translator_take(stage->translator, json, json));
	json_buffer_free(&line);
}

/* An agent with these rules and this label of its own, rendered and judged. */
static void open_stage(struct stage *stage, const struct policy_target *target, policy_cnis cnis,
                       const char *label, const char *policy)
{
	static const char *const none[] = {NULL};
	const struct policy_settings settings = {.names = policy_names(POLICY_NAMES_KAGENTI),
	                                         .ingress_namespaces = none,
	                                         .api_server = none,
	                                         .api_server_port = POLICY_PORT_DEFAULT,
	                                         .cnis = cnis,
	                                         .no_wait = true};
	struct policy_workload *workload = NULL;
	*stage = (struct stage){.target = target};
	stage->translator = policy_translator_new(&settings, target,
	                                          (struct policy_output){ignore, NULL});
	feed(stage,
	     "{\"type\":\"ADDED\",\"object\":{\"apiVersion\":\"v1\",\"kind\":\"Endpoints\","
	     "\"metadata\":{\"namespace\":\"default\",\"name\":\"kubernetes\"},\"subsets\":[{"
	     "\"addresses\":[{\"ip\":\"10.0.0.1\"}],\"ports\":[{\"port\":6443}]}]}}",
	     NULL);
	feed(stage,
	     "{\"type\":\"ADDED\",\"object\":{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\","
	     "\"metadata\":{\"namespace\":\"agents\",\"name\":\"a\"},\"spec\":{\"selector\":{"
	     "\"matchLabels\":{\"@\":\"a\"}}}}}",
	     label);
	feed(stage,
	     "{\"type\":\"ADDED\",\"object\":{\"apiVersion\":\"agent.kagenti.dev/v1alpha1\","
	     "\"kind\":\"AgentCard\",\"metadata\":{\"namespace\":\"agents\",\"name\":\"a\",\"uid\":"
	     "\"u\"},\"spec\":{\"targetRef\":{\"kind\":\"Deployment\",\"name\":\"a\"},"
	     "\"networkPolicy\":@}},\"verification\":{\"verified\":true,\"reason\":\"R\"}}",
	     policy);
	struct policy_inventory *inventory = policy_translator_inventory(stage->translator);
	HASH_FIND_STR(inventory->workloads, "agents/Deployment/a", workload);
	assert_non_null(workload);
	policy_decide(inventory, workload, &stage->decision);
	policy_render(target, inventory, &stage->decision, &stage->manifests);
	policy_target_gaps(target, inventory, &stage->decision, &stage->gaps);
}

static void close_stage(struct stage *stage)
{
	policy_translator_free(stage->translator);
	policy_decision_free(&stage->decision);
	policy_manifests_free(&stage->manifests);
	policy_gaps_free(&stage->gaps);
}

#define DNS "{\"ports\":[{\"port\":53,\"protocol\":\"UDP\"}],\"to\":[{\"podSelector\":{}}]}"
#define PODS_443 "{\"egress\":[{\"ports\":[{\"port\":443}],\"to\":[{\"podSelector\":{}}]}]}"
#define ALONG_29 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

struct reading_case {
	const struct policy_target *target;
	enum policy_cni cni;
	const char *label, *policy;
	const char *gap; /* in its message; NULL: there is none */
};

static const struct reading_case cases[] = {
	{&policy_target_networkpolicy, POLICY_CNI_FLANNEL, "app", PODS_443, "enforces no policy"},
	{&policy_target_networkpolicy, POLICY_CNI_FLANNEL, "app", "{\"egress\":[]}",
         "enforces no policy"},
	{&policy_target_networkpolicy, POLICY_CNI_KUBE_NETWORK_POLICIES, "app", PODS_443, NULL},
	/* Istio as the target, as a mesh beside policies, and without sidecars */
	{&policy_target_istio, POLICY_CNI_CALICO, "app", PODS_443, "no boundary"},
	{&policy_target_networkpolicy, POLICY_CNI_ISTIO, "app", PODS_443, NULL},
	{&policy_target_istio, POLICY_CNI_ISTIO_AMBIENT, "app", PODS_443, "no sidecar"},
	/* labels that Cilium does not count */
	{&policy_target_networkpolicy, POLICY_CNI_CILIUM, "topology.kubernetes.io/zone", PODS_443,
         "holds none of them"},
	{&policy_target_networkpolicy, POLICY_CNI_CILIUM, "app", PODS_443, NULL},
	{&policy_target_networkpolicy, POLICY_CNI_CALICO, "topology.kubernetes.io/zone", PODS_443,
         NULL},
	{&policy_target_cilium, POLICY_CNI_CILIUM, "app", PODS_443, NULL},
	{&policy_target_networkpolicy, POLICY_CNI_CILIUM, "app",
         "{\"egress\":[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":"
         "\"topology.kubernetes.io/zone\",\"operator\":\"DoesNotExist\"}]}}]}]}",
         "egress[0].to[0] selects by a label"},
	{&policy_target_networkpolicy, POLICY_CNI_CILIUM, "app",
         "{\"egress\":[{\"to\":[{\"namespaceSelector\":{\"matchLabels\":{\"" ALONG_29
         "\":\"x\"}}}]}]}",
         "too long"},
	/* ports that spread from one block to others */
	{&policy_target_networkpolicy, POLICY_CNI_EKS, "app",
         "{\"egress\":[{\"ports\":[{\"port\":443}],\"to\":[{\"ipBlock\":{\"cidr\":\"0.0.0.0/0\","
         "\"except\":[\"10.0.0.0/8\"]}}]},{\"ports\":[{\"port\":5432}],\"to\":[{\"ipBlock\":{"
         "\"cidr\":\"10.1.0.0/16\"}}]}]}",
         "ports of egress[0]"},
	{&policy_target_networkpolicy, POLICY_CNI_EKS, "app",
         "{\"egress\":[" DNS ",{\"ports\":[{\"port\":443}],\"to\":[{\"ipBlock\":{\"cidr\":"
         "\"0.0.0.0/0\",\"except\":[\"10.0.0.0/8\"]}}]}]}",
         "ports of egress[1]"},
	{&policy_target_networkpolicy, POLICY_CNI_EKS, "app",
         "{\"egress\":[{\"ports\":[{\"port\":443}],\"to\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\"}}]},"
         "{\"ports\":[{\"port\":5432}],\"to\":[{\"ipBlock\":{\"cidr\":\"10.1.0.0/16\"}}]}]}",
         NULL},
	{&policy_target_networkpolicy, POLICY_CNI_EKS, "app",
         "{\"egress\":[{\"ports\":[{\"port\":443}],\"to\":[{\"ipBlock\":{\"cidr\":\"192.0.2.0/24\","
         "\"except\":[\"192.0.2.0/25\"]}}]},{\"ports\":[{\"port\":5432}],\"to\":[{\"ipBlock\":{"
         "\"cidr\":\"10.1.0.0/16\"}}]}]}",
         NULL},
	{&policy_target_networkpolicy, POLICY_CNI_CALICO, "app",
         "{\"egress\":[{\"ports\":[{\"port\":443}],\"to\":[{\"ipBlock\":{\"cidr\":\"0.0.0.0/0\","
         "\"except\":[\"10.0.0.0/8\"]}}]},{\"ports\":[{\"port\":5432}],\"to\":[{\"ipBlock\":{"
         "\"cidr\":\"10.1.0.0/16\"}}]}]}",
         NULL},
	/* the port through which a mesh reaches all others */
	{&policy_target_networkpolicy, POLICY_CNI_ISTIO_AMBIENT, "app",
         "{\"egress\":[{\"ports\":[{\"port\":15008}],\"to\":[{\"podSelector\":{}}]}]}",
         "every port of the pods"},
	{&policy_target_networkpolicy, POLICY_CNI_ISTIO_AMBIENT, "app",
         "{\"egress\":[{\"ports\":[{\"port\":15000,\"endPort\":16000}],\"to\":[{\"podSelector\":{}}"
         "]}]}",
         "every port of the pods"},
	{&policy_target_networkpolicy, POLICY_CNI_ISTIO_AMBIENT, "app", PODS_443, NULL},
	{&policy_target_networkpolicy, POLICY_CNI_ISTIO_AMBIENT, "app",
         "{\"egress\":[{\"ports\":[{\"port\":1,\"endPort\":65535}],\"to\":[{\"podSelector\":{}}]}]}",
         NULL},
	{&policy_target_networkpolicy, POLICY_CNI_ISTIO_AMBIENT, "app",
         "{\"egress\":[{\"ports\":[{\"port\":15008,\"protocol\":\"UDP\"}],\"to\":[{\"podSelector\":{}}"
         "]}]}",
         NULL},
	{&policy_target_networkpolicy, POLICY_CNI_ISTIO, "app",
         "{\"egress\":[{\"ports\":[{\"port\":15008}],\"to\":[{\"podSelector\":{}}]}]}", NULL},
};

static void test_what_is_read_wider_is_a_gap_and_nothing_else_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct reading_case *reading = &cases[i];
		struct stage stage;
		open_stage(&stage, reading->target, POLICY_CNI_SET(reading->cni), reading->label,
		           reading->policy);
		struct json_buffer text = {0};
		policy_gaps_put(&stage.gaps, &text);
		json_putc(&text, '\0');
		bool told = reading->gap == NULL
		                    ? stage.gaps.count == 0
		                    : stage.gaps.count > 0 && strstr(text.at, reading->gap) != NULL &&
		                              strstr(text.at, "TargetIgnores") != NULL;
		if (!told)
			fail_msg("%s, %s: %s\n%s", reading->target->word,
			         policy_cni_words[reading->cni], reading->policy, text.at);
		json_buffer_free(&text);
		close_stage(&stage);
	}
}

static void test_named_ports_are_left_out_for_who_reads_them_as_all(void **state)
{
	static const char policy[] =
		"{\"egress\":[{\"ports\":[{\"port\":\"http\"}],\"to\":[{\"podSelector\":{}}]},"
		"{\"ports\":[{\"port\":80},{\"port\":\"x\",\"protocol\":\"UDP\"}],\"to\":[{"
		"\"podSelector\":{}}]},{}]}";
	static const struct policy_target *const targets[] = {&policy_target_networkpolicy,
	                                                      &policy_target_ovn};
	(void)state;
	for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
		struct stage stage;
		open_stage(&stage, targets[i], POLICY_CNI_SET(POLICY_CNI_OVN_KUBERNETES), "app",
		           policy);
		struct json_text egress =
			json_get(policy_manifest_text(&stage.manifests, 0), "spec", "egress");
		assert_true(json_same(egress,
		                      json_of("[{\"ports\":[{\"port\":80,\"protocol\":\"TCP\"}],"
		                              "\"to\":[{\"podSelector\":{}}]},{}]")));
		json_putc(&stage.decision.problems.text, '\0');
		assert_non_null(strstr(stage.decision.problems.text.at,
		                       "\"field\":\"spec.networkPolicy.egress[0].ports[0].port\","
		                       "\"value\":\"http\""));
		assert_non_null(strstr(stage.decision.problems.text.at,
		                       "\"field\":\"spec.networkPolicy.egress[1].ports[1].port\","
		                       "\"value\":\"x\""));
		close_stage(&stage);
	}
}

static void test_blocks_that_hold_the_api_server_are_warned_of_on_cilium(void **state)
{
	static const char policy[] =
		"{\"egress\":[" DNS ",{\"ports\":[{\"port\":6443}],\"to\":[{\"ipBlock\":{\"cidr\":"
		"\"192.0.2.0/24\"}},{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\"}}]}]}";
	static const struct {
		const struct policy_target *target;
		enum policy_cni cni;
		bool warns;
	} rows[] = {
		{&policy_target_networkpolicy, POLICY_CNI_CILIUM, true},
		{&policy_target_networkpolicy, POLICY_CNI_GKE, true},
		{&policy_target_cilium, POLICY_CNI_KUBE_ROUTER, true},
		{&policy_target_networkpolicy, POLICY_CNI_CALICO, false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct stage stage;
		open_stage(&stage, rows[i].target, POLICY_CNI_SET(rows[i].cni), "app", policy);
		json_putc(&stage.decision.problems.text, '\0');
		const char *found = strstr(stage.decision.problems.text.at,
		                           "spec.networkPolicy.egress[1].to[1].ipBlock.cidr");
		if ((found != NULL && strstr(found, "holds the API server's 10.0.0.1") != NULL) !=
		    rows[i].warns)
			fail_msg("%zu: %s", i, stage.decision.problems.text.at);
		close_stage(&stage);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_read_wider_is_a_gap_and_nothing_else_is),
		cmocka_unit_test(test_named_ports_are_left_out_for_who_reads_them_as_all),
		cmocka_unit_test(test_blocks_that_hold_the_api_server_are_warned_of_on_cilium),
	};
	return cmocka_run_group_tests_name("readings", tests, NULL, NULL);
}
