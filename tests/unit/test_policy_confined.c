/* "Confined" is said of no agent that can do more than its rules allow, and of nearly all others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "confined_world.h"
#include "policy/evidence.h"

enum { WORLDS = 20000, LEAST_OF_EACH = 2000 };

static void tell(struct evidence *evidence, const char *type, const char *object)
{
	struct json_buffer line = {0};
	struct event event;
	json_putf(&line, "{\"type\":\"%s\",\"object\":%s}", type, object);
	if (!json_check(json_buffer_text(&line), &json_record_limits, NULL))
		fail_msg("no JSON: %s", object);
	assert_null(event_read(json_buffer_text(&line), &event));
	evidence_take(evidence, &event);
	json_buffer_free(&line);
}

#define MARK(what)                                                                                 \
	"{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"annotations\":{" what       \
	":\"true\"}}}"

static struct evidence *evidence_of(const struct confined_world *world)
{
	static const char *const words[CLUSTER_CNIS] = {"cilium", "calico",
	                                                "kube-network-policies", "ovn-kubernetes"};
	struct evidence *evidence =
	        evidence_new(evidence_cni_of(world->cni_is_told ? words[world->cni] : NULL));
	for (int i = 0; confined_tier(i) != NULL; i++)
		tell(evidence, "ADDED", confined_tier(i));
	if (world->spaces_are_told) {
		tell(evidence, "BOOKMARK", MARK("\"agent-egress.dev/initial-events-begin\""));
		for (int i = 0; confined_space(i) != NULL; i++)
			tell(evidence, "ADDED", confined_space(i));
		tell(evidence, "BOOKMARK", MARK("\"k8s.io/initial-events-end\""));
	}
	for (int i = 0; i < world->policy_count; i++) {
		struct json_buffer object = {0};
		confined_put_policy(world, i, &object);
		json_putc(&object, '\0');
		tell(evidence, "ADDED", object.at);
		json_buffer_free(&object);
	}
	return evidence;
}

struct words {
	struct json_buffer selector, labels, egress, domains;
};

static void put_words(const struct confined_world *world, struct words *words)
{
	confined_put_selector(world, &words->selector);
	confined_put_labels(world, &words->labels);
	confined_put_rules(world, &words->egress);
	confined_put_domains(world, &words->domains);
}

static void free_words(struct words *words)
{
	json_buffer_free(&words->selector);
	json_buffer_free(&words->labels);
	json_buffer_free(&words->egress);
	json_buffer_free(&words->domains);
}

static void on_found(void *context, const struct evidence_found *found)
{
	(void)found;
	*(bool *)context = false;
}

static bool said_of(const struct confined_world *world, const struct words *words)
{
	struct evidence *evidence = evidence_of(world);
	bool confined = true;
	struct evidence_agent agent = {.namespace = "agents",
	                               .selector = json_buffer_text(&words->selector),
	                               .labels = json_buffer_text(&words->labels),
	                               .egress = json_buffer_text(&words->egress),
	                               .domains = json_buffer_text(&words->domains)};
	evidence_judge(evidence, &agent, on_found, &confined);
	evidence_free(evidence);
	return confined;
}

/* Of a CNI that is not told it must hold on each. */
static bool is_true_of(const struct confined_world *world)
{
	if (world->cni_is_told)
		return confined_on(world, world->cni);
	for (int cni = 0; cni < CLUSTER_CNIS; cni++)
		if (cni != CLUSTER_OVN && !confined_on(world, (enum cluster_cni)cni))
			return false;
	return true;
}

static void print_world(const struct confined_world *world, const struct words *words)
{
	print_error("cni %d told %d\negress %.*s\ndomains %.*s\nlabels %.*s\n", (int)world->cni,
	            world->cni_is_told, (int)words->egress.len, words->egress.at,
	            (int)words->domains.len, words->domains.at, (int)words->labels.len,
	            words->labels.at);
	for (int i = 0; i < world->policy_count; i++) {
		struct json_buffer object = {0};
		confined_put_policy(world, i, &object);
		print_error("%.*s\n", (int)object.len, object.at);
		json_buffer_free(&object);
	}
}

static void confined_means_confined(void **state)
{
	(void)state;
	size_t confined = 0, wider = 0, said = 0;
	for (uint64_t seed = 0; seed < WORLDS; seed++) {
		struct confined_world world;
		struct words words = {0};
		confined_draw(&world, seed);
		if (world.policy_count == 0)
			continue;
		put_words(&world, &words);
		bool is_said = said_of(&world, &words), is_true = is_true_of(&world);
		if (is_said && !is_true) {
			print_world(&world, &words);
			fail_msg("seed %llu: \"confined\" of an agent that is not",
			         (unsigned long long)seed);
		}
		if (is_true && !is_said && getenv("EVIDENCE_SHOW") != NULL)
			print_world(&world, &words);
		confined += is_true;
		wider += !is_true;
		said += is_said;
		free_words(&words);
	}
	print_message("%zu confined, %zu wider; said of %zu\n", confined, wider, said);
	assert_true(confined >= LEAST_OF_EACH && wider >= LEAST_OF_EACH);
	assert_true(said * 100 >= confined * 95);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(confined_means_confined),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
