/* Warnings of workloads that select the same pods, while many come and go: they are those that a
 * translator would give that is told of the end alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "targets/target.h"
#include "translate/translator.h"

enum { WORKLOADS = 24, APPS = 2, TIERS = 3, STREAMS = 60, EVENTS = 150 };

struct world {
	uint64_t random;
	bool exists[WORKLOADS], carded[WORKLOADS];
	int app[WORKLOADS], tier[WORKLOADS]; /* tier 0: only the labels have one, not the selector */
};

struct warnings {
	char *of[WORKLOADS]; /* `problems` of the last APPLY; NULL: there is no policy */
};

static unsigned pick(struct world *world, unsigned below)
{
	world->random ^= world->random << 13;
	world->random ^= world->random >> 7;
	world->random ^= world->random << 17;
	return (unsigned)(world->random >> 33) % below;
}

static void on_operation(void *context, struct json_text line)
{
	struct warnings *warnings = context;
	struct json_text problems = json_get(line, "problems");
	struct json_text name = json_plain(json_get(line, "object", "metadata", "name"));
	if (!json_equals(json_get(line, "type"), "APPLY") &&
	    !json_equals(json_get(line, "type"), "DELETE"))
		return;
	assert_non_null(name.at);
	long w = strtol(name.at + 1, NULL, 10);
	free(warnings->of[w]);
	warnings->of[w] = NULL;
	if (json_equals(json_get(line, "type"), "APPLY"))
		warnings->of[w] = strndup(problems.at, problems.len);
}

static void forget(struct warnings *warnings)
{
	for (int w = 0; w < WORKLOADS; w++)
		free(warnings->of[w]);
}

static void tell(struct policy_translator *translator, struct json_buffer *line)
{
	struct json_text text = json_buffer_text(line);
	assert_true(json_check(text, &json_record_limits, NULL));
	assert_null(policy_translator_take(translator, text, text));
	line->len = 0;
}

static void tell_workload(struct policy_translator *translator, const struct world *world, int w)
{
	struct json_buffer line = {0};
	char tier[32] = "";
	if (world->tier[w] > 0)
		snprintf(tier, sizeof tier, ",\"tier\":\"t%d\"", world->tier[w]);
	json_putf(&line,
	          "{\"type\":\"%s\",\"object\":{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\","
	          "\"metadata\":{\"name\":\"w%d\",\"namespace\":\"n\"},\"spec\":{"
	          "\"selector\":{\"matchLabels\":{\"app\":\"a%d\"%s}},\"template\":{\"metadata\":{"
	          "\"labels\":{\"app\":\"a%d\",\"tier\":\"t%d\"}}}}}}",
	          world->exists[w] ? "ADDED" : "DELETED", w, world->app[w], tier, world->app[w],
	          world->tier[w]);
	tell(translator, &line);
	json_buffer_free(&line);
}

static void tell_card(struct policy_translator *translator, const struct world *world, int w)
{
	struct json_buffer line = {0};
	json_putf(&line,
	          "{\"type\":\"%s\",\"object\":{\"apiVersion\":\"agent.kagenti.dev/v1alpha1\","
	          "\"kind\":\"AgentCard\",\"metadata\":{\"name\":\"c%d\",\"namespace\":\"n\","
	          "\"uid\":\"u%d\"},\"spec\":{\"targetRef\":{\"apiVersion\":\"apps/v1\","
	          "\"kind\":\"Deployment\",\"name\":\"w%d\"}}},\"verification\":{\"verified\":true}}",
	          world->carded[w] ? "ADDED" : "DELETED", w, w, w);
	tell(translator, &line);
	json_buffer_free(&line);
}

static void tell_end(struct policy_translator *translator)
{
	struct json_buffer line = {0};
	json_puts(&line, "{\"type\":\"BOOKMARK\",\"object\":{"
	                 "\"apiVersion\":\"agent.kagenti.dev/v1alpha1\",\"kind\":\"AgentCard\","
	                 "\"metadata\":{\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}}");
	tell(translator, &line);
	json_buffer_free(&line);
}

/* A workload goes only after its card, so that it leaves nothing behind. */
static void step(struct world *world, struct policy_translator *translator)
{
	int w = (int)pick(world, WORKLOADS);
	if (world->carded[w] && pick(world, 3) == 0) {
		world->carded[w] = false;
		tell_card(translator, world, w);
	} else if (world->exists[w] && !world->carded[w] && pick(world, 3) > 0) {
		world->carded[w] = true;
		tell_card(translator, world, w);
	} else {
		world->exists[w] = world->carded[w] || !world->exists[w];
		world->app[w] = (int)pick(world, APPS);
		world->tier[w] = (int)pick(world, TIERS);
		tell_workload(translator, world, w);
	}
}

static struct policy_translator *translator_new(struct warnings *warnings)
{
	static const char *const none[] = {NULL};
	static struct policy_settings settings;
	settings = (struct policy_settings){
		.names = policy_names(POLICY_NAMES_KAGENTI),
		.ingress_namespaces = none,
		.api_server = none,
		.api_server_port = POLICY_PORT_DEFAULT,
	};
	return policy_translator_new(&settings, policy_targets[0], (struct policy_output){on_operation, warnings});
}

static void compare_with_the_end(const struct world *world, const struct warnings *live)
{
	struct warnings whole = {0};
	struct policy_translator *translator = translator_new(&whole);
	for (int w = 0; w < WORKLOADS; w++) {
		if (world->exists[w])
			tell_workload(translator, world, w);
		if (world->carded[w])
			tell_card(translator, world, w);
	}
	tell_end(translator);
	for (int w = 0; w < WORKLOADS; w++) {
		assert_int_equal(live->of[w] != NULL, world->carded[w]);
		assert_int_equal(whole.of[w] != NULL, world->carded[w]);
		if (world->carded[w])
			assert_string_equal(live->of[w], whole.of[w]);
	}
	policy_translator_free(translator);
	forget(&whole);
}

static void test_warnings_follow_every_change(void **state)
{
	(void)state;
	for (int stream = 1; stream <= STREAMS; stream++) {
		struct world world = {.random = (uint64_t)stream * 0x9e3779b97f4a7c15u};
		struct warnings live = {0};
		struct policy_translator *translator = translator_new(&live);
		tell_end(translator);
		for (int event = 1; event <= EVENTS; event++) {
			step(&world, translator);
			if (event % 10 == 0)
				compare_with_the_end(&world, &live);
		}
		policy_translator_free(translator);
		forget(&live);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_warnings_follow_every_change),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
