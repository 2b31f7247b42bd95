/* An AGENT record says "confined" of no agent that can do more than its decision allows, and of nearly
 * all others: random clusters go through all of egress-translate's library, as a stream, and are
 * judged by confined_judge.c, which shares no code with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "confined_world.h"
#include "json/write.h"
#include "targets/target.h"
#include "translate/translator.h"

enum { WORLDS = 1500 }; /* CONFINED_WORLDS=20000 in the environment: that many */

struct run {
	struct policy_translator *translator;
	struct json_buffer operations, line;
	const struct confined_world *world;
};

static void on_operation(void *context, struct json_text line)
{
	struct run *run = context;
	json_puttext(&run->operations, line);
	json_putc(&run->operations, '\n');
}

static const struct policy_target *target_of(const struct confined_world *world)
{
	static const struct policy_target *const own[CLUSTER_CNIS] = {
	        &policy_target_cilium, &policy_target_calico, &policy_target_networkpolicy,
	        &policy_target_ovn};
	if (world->target == WRITES_ISTIO)
		return &policy_target_istio;
	return world->target == WRITES_OWN_KIND ? own[world->cni] : &policy_target_networkpolicy;
}

static void start(struct run *run, const struct confined_world *world)
{
	static const char *const none[] = {NULL};
	static const char *const words[CLUSTER_CNIS] = {"cilium", "calico", "kube-network-policies",
	                                                "ovn-kubernetes"};
	struct policy_settings settings = {
	        .names = policy_names(POLICY_NAMES_KAGENTI),
	        .ingress_namespaces = none,
	        .api_server = none,
	        .api_server_port = POLICY_PORT_DEFAULT,
	        .cni = world->cni_is_told ? words[world->cni] : NULL,
	};
	*run = (struct run){.world = world};
	run->translator = policy_translator_new(&settings, target_of(world),
	                                        (struct policy_output){on_operation, run});
}

static void end(struct run *run)
{
	policy_translator_free(run->translator);
	json_buffer_free(&run->operations);
	json_buffer_free(&run->line);
}

static void tell_object(struct run *run, const char *type, struct json_text object)
{
	run->line.len = 0;
	json_putf(&run->line, "{\"type\":\"%s\",\"object\":", type);
	json_puttext(&run->line, object);
	json_puts(&run->line, "}");
	struct json_text line = json_buffer_text(&run->line);
	if (!json_check(line, &json_record_limits, NULL))
		fail_msg("no JSON: %.*s", (int)line.len, line.at);
	const char *wrong = policy_translator_take(run->translator, line, line);
	if (wrong != NULL)
		fail_msg("%s: %.*s", wrong, (int)line.len, line.at);
}

/* `more`: further annotations. */
static void tell_mark(struct run *run, const char *version, const char *kind, const char *annotation,
                      const char *more)
{
	struct json_buffer object = {0};
	json_putf(&object,
	          "{\"apiVersion\":\"%s\",\"kind\":\"%s\",\"metadata\":{\"annotations\":{\"%s\":"
	          "\"true\"%s}}}",
	          version, kind, annotation, more);
	tell_object(run, "BOOKMARK", json_buffer_text(&object));
	json_buffer_free(&object);
}

static void tell_begin(struct run *run, const char *version, const char *kind)
{
	tell_mark(run, version, kind, "agent-egress.dev/initial-events-begin", "");
}

static void tell_end(struct run *run, const char *version, const char *kind)
{
	tell_mark(run, version, kind, "k8s.io/initial-events-end", "");
}

/* Of kinds that the cluster's plugin does not have none is served. */
struct kind {
	const char *version, *kind;
	bool here[CLUSTER_CNIS];
};
static const struct kind kinds[] = {
        {"networking.k8s.io/v1", "NetworkPolicy", {true, true, true, true}},
        {"cilium.io/v2", "CiliumNetworkPolicy", {true, false, false, false}},
        {"cilium.io/v2", "CiliumClusterwideNetworkPolicy", {true, false, false, false}},
        {"projectcalico.org/v3", "NetworkPolicy", {false, true, false, false}},
        {"projectcalico.org/v3", "GlobalNetworkPolicy", {false, true, false, false}},
        {"projectcalico.org/v3", "Tier", {false, true, false, false}},
        {"policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy", {false, true, true, true}},
        {"policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy", {false, true, true, true}},
        {"k8s.ovn.org/v1", "EgressFirewall", {false, false, false, true}},
        {"networking.k8s.aws/v1alpha1", "ClusterNetworkPolicy", {false, false, false, false}},
        {"networking.k8s.aws/v1alpha1", "ApplicationNetworkPolicy", {false, false, false, false}},
        {"networking.gke.io/v1alpha1", "FQDNNetworkPolicy", {false, false, false, false}},
        /* istio's, where it is the target */
        {"networking.istio.io/v1", "Sidecar", {true, true, true, true}},
        {"networking.istio.io/v1", "ServiceEntry", {true, true, true, true}},
        {NULL, NULL, {false, false, false, false}},
};

static void tell_policies(struct run *run)
{
	for (int i = 0; i < run->world->policy_count; i++) {
		struct json_buffer object = {0};
		confined_put_policy(run->world, i, &object);
		tell_object(run, "ADDED", json_buffer_text(&object));
		json_buffer_free(&object);
	}
}

static void tell_lists(struct run *run, const struct json_buffer *stored)
{
	const struct confined_world *world = run->world;
	for (int i = 0; kinds[i].kind != NULL; i++)
		tell_begin(run, kinds[i].version, kinds[i].kind);
	for (int i = 0; confined_tier(i) != NULL && world->cni == CLUSTER_CALICO; i++)
		tell_object(run, "ADDED", json_of(confined_tier(i)));
	tell_policies(run);
	const char *at = stored->at;
	while (at != NULL && at < stored->at + stored->len) {
		const char *end = memchr(at, '\n', (size_t)(stored->at + stored->len - at));
		tell_object(run, "ADDED", (struct json_text){at, (size_t)(end - at)});
		at = end + 1;
	}
	for (int i = 0; kinds[i].kind != NULL; i++) {
		const char *more = kinds[i].here[world->cni]
		                           ? ""
		                           : ",\"agent-egress.dev/unavailable\":\"NotServed\"";
		if (world->lacks_list && i == 2)
			more = ",\"agent-egress.dev/unavailable\":\"Forbidden\"";
		tell_mark(run, kinds[i].version, kinds[i].kind, "k8s.io/initial-events-end", more);
	}
}

static void tell_namespaces(struct run *run)
{
	if (!run->world->spaces_are_told)
		return;
	tell_begin(run, "v1", "Namespace");
	for (int i = 0; confined_space(i) != NULL; i++)
		tell_object(run, "ADDED", json_of(confined_space(i)));
	tell_end(run, "v1", "Namespace");
}

static void tell_workload(struct run *run, const char *name, const struct json_buffer *selector,
                          const struct json_buffer *labels, bool host_network)
{
	struct json_buffer object = {0};
	json_putf(&object,
	          "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"%s\","
	          "\"namespace\":\"agents\",\"uid\":\"w-%s\"},\"spec\":{\"selector\":",
	          name, name);
	json_puttext(&object, json_buffer_text(selector));
	json_puts(&object, ",\"template\":{\"metadata\":{\"labels\":");
	json_puttext(&object, json_buffer_text(labels));
	json_putf(&object, "},\"spec\":{\"hostNetwork\":%s}}}}", host_network ? "true" : "false");
	tell_object(run, "ADDED", json_buffer_text(&object));
	json_buffer_free(&object);
}

static void tell_card(struct run *run, const char *name, bool verified,
                      const struct json_buffer *network_policy)
{
	struct json_buffer line = {0};
	json_putf(&line,
	          "{\"type\":\"ADDED\",\"object\":{\"apiVersion\":\"agent.kagenti.dev/v1alpha1\","
	          "\"kind\":\"AgentCard\",\"metadata\":{\"name\":\"%s\",\"namespace\":\"agents\","
	          "\"uid\":\"c-%s\"},\"spec\":{\"targetRef\":{\"apiVersion\":\"apps/v1\",\"kind\":"
	          "\"Deployment\",\"name\":\"%s\"},\"networkPolicy\":",
	          name, name, name);
	json_puttext(&line, json_buffer_text(network_policy));
	json_putf(&line, "}},\"verification\":{\"verified\":%s,\"reason\":\"Drawn\",\"message\":\"\"}}",
	          verified ? "true" : "false");
	struct json_text text = json_buffer_text(&line);
	assert_true(json_check(text, &json_record_limits, NULL));
	assert_null(policy_translator_take(run->translator, text, text));
	json_buffer_free(&line);
}

static void tell_agent(struct run *run)
{
	struct json_buffer selector = {0}, labels = {0}, rules = {0};
	confined_put_selector(run->world, &selector);
	confined_put_labels(run->world, &labels);
	tell_workload(run, "web", &selector, &labels, run->world->host_network);
	json_puts(&rules, "{\"egress\":");
	if (run->world->verified)
		confined_put_rules(run->world, &rules);
	else
		json_puts(&rules, "[]");
	json_puts(&rules, ",\"domains\":");
	if (run->world->verified)
		confined_put_domains(run->world, &rules);
	else
		json_puts(&rules, "[]");
	json_puts(&rules, "}");
	tell_card(run, "web", run->world->verified, &rules);
	json_buffer_free(&selector);
	json_buffer_free(&labels);
	json_buffer_free(&rules);
}

static void tell_neighbour(struct run *run)
{
	struct json_buffer selector = {0}, labels = {0}, rules = {0};
	if (!run->world->has_neighbour)
		return;
	confined_put_neighbour(run->world, &selector, &rules);
	json_puts(&labels, "{\"of\":\"neighbour\"}");
	tell_workload(run, "neighbour", &selector, &labels, false);
	tell_card(run, "neighbour", true, &rules);
	json_buffer_free(&selector);
	json_buffer_free(&labels);
	json_buffer_free(&rules);
}

static void tell_world(struct run *run, const struct json_buffer *stored)
{
	tell_object(run, "ADDED",
	            json_of("{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":\"EndpointSlice\","
	                    "\"metadata\":{\"name\":\"kubernetes\",\"namespace\":\"default\",\"labels\":"
	                    "{\"kubernetes.io/service-name\":\"kubernetes\"}},\"addressType\":\"IPv4\","
	                    "\"endpoints\":[{\"addresses\":[\"198.51.100.7\"]}],\"ports\":[{\"port\":"
	                    "6443,\"protocol\":\"TCP\"}]}"));
	tell_lists(run, stored);
	tell_namespaces(run);
	tell_begin(run, "agent.kagenti.dev/v1alpha1", "AgentCard");
	tell_agent(run);
	tell_neighbour(run);
	tell_end(run, "agent.kagenti.dev/v1alpha1", "AgentCard");
}

/* The object as the cluster has it, another text in the place of `part`. */
static void put_changed(struct json_buffer *out, struct json_text object, struct json_text part,
                        const char *text)
{
	size_t before = (size_t)(part.at - object.at);
	json_put(out, object.at, before);
	json_puts(out, text);
	json_put(out, part.at + part.len, object.len - before - part.len);
	json_putc(out, '\n');
}

/* Others' objects are as they were asked for. */
static void put_stored(const struct confined_world *world, struct json_text operation,
                       struct json_buffer *out)
{
	bool own = json_equals(json_get(operation, "agentCard", "name"), "web");
	struct json_text object = json_get(operation, "object");
	struct json_text egress = json_get(object, "spec", "egress");
	enum own_policy as = own ? world->own : OWN_AS_ASKED;
	if (as == OWN_ABSENT)
		return;
	if (as == OWN_OPENED)
		put_changed(out, object, egress, "[{}]");
	else if (as == OWN_NARROWED)
		put_changed(out, object, egress, "[{\"to\":[{\"ipBlock\":{\"cidr\":\"192.0.2.1/32\"}}]}]");
	else if (as == OWN_MISSELECTS)
		put_changed(out, object, json_get(object, "spec", "podSelector"),
		            "{\"matchLabels\":{\"app\":\"somebody\"}}");
	else {
		json_puttext(out, object);
		json_putc(out, '\n');
	}
}

static struct json_text next_line(const struct json_buffer *lines, size_t *at)
{
	const char *start = lines->at + *at;
	const char *end = memchr(start, '\n', lines->len - *at);
	*at = (size_t)(end - lines->at) + 1;
	return (struct json_text){start, (size_t)(end - start)};
}

static void collect_stored(const struct run *run, struct json_buffer *out)
{
	for (size_t at = 0; at < run->operations.len;) {
		struct json_text line = next_line(&run->operations, &at);
		if (json_equals(json_get(line, "type"), "APPLY"))
			put_stored(run->world, line, out);
	}
}

/* What the last AGENT line says. */
struct said {
	bool any, confined, denies;
	struct json_text line;
};

static struct said said_of(const struct run *run, const char *name)
{
	struct said said = {0};
	for (size_t at = 0; at < run->operations.len;) {
		struct json_text line = next_line(&run->operations, &at);
		if (!json_equals(json_get(line, "type"), "AGENT") ||
		    !json_equals(json_get(line, "agentCard", "name"), name))
			continue;
		said.any = true;
		said.line = line;
		said.confined = json_is_true(json_get(line, "confined"));
		said.denies = json_equals(json_get(line, "egress"), "deny-all");
	}
	return said;
}

/* The policies as they were asked for come into the stream live, or stand in it from the start. */
static void run_world(struct run *run, const struct confined_world *world)
{
	struct json_buffer stored = {0}, none = {0};
	start(run, world);
	tell_world(run, &none);
	collect_stored(run, &stored);
	if (world->is_replayed) {
		end(run);
		start(run, world);
		tell_world(run, &stored);
	} else {
		for (size_t at = 0; at < stored.len;)
			tell_object(run, "ADDED", next_line(&stored, &at));
	}
	json_buffer_free(&stored);
}

/* Of a plugin that is not told it must hold on each but OVN-Kubernetes, which must be named. */
static bool is_true_of(const struct confined_world *world)
{
	if (world->cni_is_told)
		return confined_agent_on(world, world->cni);
	for (int cni = 0; cni < CLUSTER_CNIS; cni++)
		if (cni != CLUSTER_OVN && !confined_agent_on(world, (enum cluster_cni)cni))
			return false;
	return true;
}

static void show(const struct run *run, struct said said)
{
	const struct confined_world *world = run->world;
	print_error("cni %d told %d target %d own %d host %d misses %d neighbour %d\n%.*s\n",
	            (int)world->cni, world->cni_is_told, (int)world->target, (int)world->own,
	            world->host_network, world->misses_pods, world->has_neighbour, (int)said.line.len,
	            said.line.at);
	print_error("%.*s", (int)run->operations.len, run->operations.at);
	for (int i = 0; i < world->policy_count; i++) {
		struct json_buffer object = {0};
		confined_put_policy(world, i, &object);
		print_error("%.*s\n", (int)object.len, object.at);
		json_buffer_free(&object);
	}
}

struct tally {
	size_t confined, wider, changed, unknown, said;
};

static void judge(uint64_t seed, struct tally *tally)
{
	struct confined_world world;
	struct run run;
	confined_draw_agent(&world, seed);
	run_world(&run, &world);
	struct said said = said_of(&run, "web");
	assert_true(said.any);
	/* the decision is what is told: rules that are invalid are none */
	if (said.denies)
		world.rule_count = 0;
	if (world.has_neighbour && said_of(&run, "neighbour").denies)
		world.neighbour.rule_count = 0;
	bool is_true = is_true_of(&world);
	if (said.confined && !is_true) {
		show(&run, said);
		fail_msg("seed %llu: \"confined\" of an agent that is not", (unsigned long long)seed);
	}
	/* a policy that is stored otherwise than it was asked for is a gap, even if it says less */
	bool changed = world.own == OWN_NARROWED;
	if (said.confined && (world.lacks_list || changed))
		fail_msg("seed %llu: \"confined\" where that is not known", (unsigned long long)seed);
	if (is_true && !world.lacks_list && !changed && !said.confined &&
	    getenv("CONFINED_SHOW") != NULL)
		show(&run, said);
	if (world.lacks_list)
		tally->unknown++;
	else if (changed)
		tally->changed++;
	else if (is_true)
		tally->confined++;
	else
		tally->wider++;
	tally->said += said.confined;
	end(&run);
}

static void confined_is_said_of_the_confined(void **state)
{
	(void)state;
	const char *asked = getenv("CONFINED_WORLDS");
	unsigned long worlds = asked == NULL ? WORLDS : strtoul(asked, NULL, 10);
	struct tally tally = {0};
	for (uint64_t seed = 0; seed < worlds; seed++)
		judge(seed, &tally);
	print_message("%zu confined, %zu wider, %zu changed by the server, %zu without a list; said of "
	              "%zu\n",
	              tally.confined, tally.wider, tally.changed, tally.unknown, tally.said);
	assert_true(tally.confined * 5 >= worlds && tally.wider * 5 >= worlds);
	assert_true(tally.said * 100 >= tally.confined * 95);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(confined_is_said_of_the_confined),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
