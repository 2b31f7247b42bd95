/* Properties of the translator over random streams: cards, workloads, orders, duplicates,
 * deletions, invalid rules, rules that vanish or are removed on purpose, several kinds of one name. A
 * model beside it knows what is true. */
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
#include "targets/target.h"
#include "translate/translator.h"

enum { SPACES = 2, WORKLOADS = 3, KINDS = 3, CARDS = 5, RULES = 6, STREAMS = 400, EVENTS = 60 };

static const char *const kinds[KINDS] = {"Deployment", "StatefulSet", "Sandbox"};

/* What a card may ask for, and what a verified agent gets for it. */
static const struct {
	const char *asked, *egress;
} rules[RULES] = {
	{"{}", "[{}]"},
	{"{\"egress\":null}", "[{}]"},
	{"{\"egress\":[]}", "[]"},
	{"{\"egress\":[{\"ports\":[{\"port\":53,\"protocol\":\"UDP\"}],"
         "\"to\":[{\"ipBlock\":{\"cidr\":\"203.0.113.0/24\"}}]}]}",
         "[{\"ports\":[{\"port\":53,\"protocol\":\"UDP\"}],"
         "\"to\":[{\"ipBlock\":{\"cidr\":\"203.0.113.0/24\"}}]}]"},
	{"{\"egress\":[{},{\"ports\":[{\"port\":0}]}]}", "[]"},
	{"{\"egres\":[]}", "[]"},
};
enum { RULES_VALID = 4, RULES_SAME = 2 /* of the first, these mean the same */ };

struct card {
	bool exists, verified;
	int kind, workload, rules;
	int had;     /* the rules that one of its name had last, and nobody removed; 0: none */
	int removed; /* rules that it says to be removed on purpose; 0: none */
};

struct model {
	uint64_t random;
	struct card cards[SPACES][CARDS];
	/* a workload that exists is known, and stays so while a card names it */
	bool present[SPACES][KINDS][WORKLOADS], known[SPACES][KINDS][WORKLOADS];
	int api; /* last byte of the API server's address; 0: none */
};

struct live { /* what the operations so far make of the cluster */
	char key[128];
	char *egress, *selector;
};

struct run {
	struct model *model;
	struct live lives[256];
	size_t count;
	struct json_buffer bytes;
};

static unsigned pick(struct model *model, unsigned below)
{
	model->random ^= model->random << 13;
	model->random ^= model->random >> 7;
	model->random ^= model->random << 17;
	return (unsigned)(model->random >> 33) % below;
}

static bool is_targeted(const struct model *model, int namespace, int kind, int workload)
{
	for (int c = 0; c < CARDS; c++) {
		const struct card *card = &model->cards[namespace][c];
		if (card->exists && card->workload == workload && card->kind == kind)
			return true;
	}
	return false;
}

/* The egress that the rules of the design give; the caller frees it. */
static char *expected(const struct model *model, int namespace, int kind, int workload)
{
	char *text = NULL;
	int first = -1;
	bool verified = true, invalid = false, differ = false;
	for (int c = 0; c < CARDS; c++) {
		const struct card *card = &model->cards[namespace][c];
		if (!card->exists || card->kind != kind || card->workload != workload)
			continue;
		int asked = card->rules < RULES_SAME ? card->had : card->rules;
		verified = verified && card->verified;
		invalid = invalid || asked >= RULES_VALID;
		differ = differ || (first >= 0 && asked != first);
		first = first < 0 ? asked : first;
	}
	if (!verified && model->api != 0)
		assert_true(asprintf(&text,
		                     "[{\"ports\":[{\"port\":6443,\"protocol\":\"TCP\"}],"
		                     "\"to\":[{\"ipBlock\":{\"cidr\":\"10.0.0.%d/32\"}}]}]",
		                     model->api) > 0);
	else
		text = strdup(!verified || invalid || differ ? "[]" : rules[first].egress);
	return text;
}

static void read_owner(struct json_text operation, int *namespace, int *card)
{
	struct json_text space = json_plain(json_get(operation, "agentCard", "namespace"));
	struct json_text name = json_plain(json_get(operation, "agentCard", "name"));
	*namespace = space.at[space.len - 1] - '0';
	*card = name.at[name.len - 1] - '0';
}

static char *copy(struct json_text text)
{
	char *copied = strndup(text.at, text.len);
	assert_non_null(copied);
	return copied;
}

static struct live *live_at(struct run *run, struct json_text operation)
{
	char key[128];
	struct json_text namespace = json_get(operation, "object", "metadata", "namespace");
	struct json_text name = json_get(operation, "object", "metadata", "name");
	snprintf(key, sizeof key, "%.*s%.*s", (int)namespace.len, namespace.at, (int)name.len,
	         name.at);
	for (size_t i = 0; i < run->count; i++)
		if (strcmp(run->lives[i].key, key) == 0)
			return &run->lives[i];
	assert_true(run->count < sizeof run->lives / sizeof run->lives[0]);
	struct live *live = &run->lives[run->count++];
	memcpy(live->key, key, sizeof key);
	return live;
}

static void check_apply(const struct model *model, struct json_text operation)
{
	int namespace, c;
	read_owner(operation, &namespace, &c);
	const struct card *card = &model->cards[namespace][c];
	assert_true(card->exists);
	char *egress = copy(json_get(operation, "object", "spec", "egress"));
	char *wanted = expected(model, namespace, card->kind, card->workload);
	assert_string_equal(egress, wanted);
	free(egress);
	free(wanted);
}

/* Kinds share the plain name: no DELETE of it while a card names a known one of them. */
static void check_delete(const struct model *model, struct json_text operation)
{
	int namespace, workload;
	struct json_text space = json_plain(json_get(operation, "object", "metadata", "namespace"));
	struct json_text name = json_plain(json_get(operation, "object", "metadata", "name"));
	char *text = copy(name);
	namespace = space.at[space.len - 1] - '0';
	workload = text[1] - '0';
	if (strcmp(text + 2, "-signature-policy") == 0)
		for (int k = 0; k < KINDS; k++)
			assert_false(is_targeted(model, namespace, k, workload) &&
			             model->known[namespace][k][workload]);
	free(text);
}

static void on_operation(void *context, struct json_text line)
{
	struct run *run = context;
	json_puttext(&run->bytes, line);
	json_putc(&run->bytes, '\n');
	assert_true(json_check(line, &json_record_limits, NULL));
	if (json_equals(json_get(line, "type"), "BOOKMARK") ||
	    json_equals(json_get(line, "type"), "AGENT"))
		return;
	struct live *live = live_at(run, line);
	free(live->egress);
	free(live->selector);
	live->egress = live->selector = NULL;
	if (json_equals(json_get(line, "type"), "DELETE")) {
		check_delete(run->model, line);
		return;
	}
	check_apply(run->model, line);
	live->egress = copy(json_get(line, "object", "spec", "egress"));
	live->selector = copy(json_get(line, "object", "spec", "podSelector"));
}

static void put_card(struct json_buffer *line, int namespace, int c, const struct card *card)
{
	char digest[POLICY_RULES_DIGEST_SIZE] = "";
	if (card->removed != 0)
		policy_rules_digest(json_of(rules[card->removed].asked), digest);
	json_putf(line,
	          "{\"type\":\"%s\",\"object\":{\"apiVersion\":\"agent.kagenti.dev/v1alpha1\","
	          "\"kind\":\"AgentCard\",\"metadata\":{\"namespace\":\"s%d\",\"name\":\"c%d\","
	          "\"uid\":\"u%d\",\"creationTimestamp\":\"2026-01-0%dT00:00:00Z\","
	          "\"annotations\":{\"agent-egress.dev/network-policy-removed\":\"%s\"}},\"spec\":{"
	          "\"targetRef\":{\"kind\":\"%s\",\"name\":\"w%d\"},\"networkPolicy\":%s}},"
	          "\"verification\":{\"verified\":%s,\"reason\":\"R\"}}",
	          card->exists ? "ADDED" : "DELETED", namespace, c, c, c % 3 + 1, digest, kinds[card->kind],
	          card->workload, rules[card->rules].asked, card->verified ? "true" : "false");
}

static void put_workload(struct json_buffer *line, int namespace, int kind, int workload, bool exists)
{
	json_putf(line,
	          "{\"type\":\"%s\",\"object\":{\"apiVersion\":\"%s\",\"kind\":\"%s\","
	          "\"metadata\":{\"namespace\":\"s%d\",\"name\":\"w%d\"},\"spec\":{%s:{%s:{"
	          "\"w\":\"%d-%d\"}}%s}}}",
	          exists ? "ADDED" : "DELETED",
	          kind == 2 ? "agents.x-k8s.io/v1alpha1" : "apps/v1", kinds[kind], namespace, workload,
	          kind == 2 ? "\"podTemplate\":{\"metadata\"" : "\"selector\"",
	          kind == 2 ? "\"labels\"" : "\"matchLabels\"", kind, workload, kind == 2 ? "}" : "");
}

static void put_api(struct json_buffer *line, int address)
{
	json_putf(line,
	          "{\"type\":\"MODIFIED\",\"object\":{\"apiVersion\":\"v1\",\"kind\":"
	          "\"Endpoints\",\"metadata\":{\"namespace\":\"default\",\"name\":\"kubernetes\"},"
	          "\"subsets\":[{\"addresses\":[{\"ip\":\"10.0.0.%d\"}],\"ports\":[{\"port\":"
	          "6443}]}]}}",
	          address);
}

static void update_known(struct model *model)
{
	for (int s = 0; s < SPACES; s++)
		for (int k = 0; k < KINDS; k++)
			for (int w = 0; w < WORKLOADS; w++)
				model->known[s][k][w] =
					model->present[s][k][w] ||
					(model->known[s][k][w] && is_targeted(model, s, k, w));
}

/* What the stream has shown of rules once the card is told. */
static void note_rules(struct card *card, bool remove)
{
	if (card->exists && card->rules >= RULES_SAME)
		card->had = card->rules;
	else if (card->exists && remove) {
		card->removed = card->had;
		card->had = 0;
	}
}

/* One random change of the world, told to the model and as a line. */
static void step(struct model *model, struct json_buffer *line)
{
	int namespace = (int)pick(model, SPACES);
	line->len = 0;
	switch (pick(model, 8)) {
	case 0:
		model->api = 1 + (int)pick(model, 3);
		put_api(line, model->api);
		return;
	case 1:
	case 2: {
		int kind = (int)pick(model, KINDS), workload = (int)pick(model, WORKLOADS);
		bool exists = pick(model, 3) > 0;
		model->present[namespace][kind][workload] = exists;
		put_workload(line, namespace, kind, workload, exists);
		return;
	}
	default: {
		int c = (int)pick(model, CARDS);
		struct card *card = &model->cards[namespace][c];
		*card = (struct card){.exists = pick(model, 5) > 0,
		                      .verified = pick(model, 4) > 0,
		                      .kind = (int)pick(model, KINDS),
		                      .workload = (int)pick(model, WORKLOADS),
		                      .rules = (int)pick(model, RULES),
		                      .had = card->had};
		note_rules(card, pick(model, 2) == 0);
		put_card(line, namespace, c, card);
	}
	}
}

static const char *const namespaces[] = {"ops", NULL};
static const char *const no_cidrs[] = {NULL};

static struct policy_translator *translator_new(struct run *run, bool no_wait)
{
	static struct policy_settings settings;
	settings = (struct policy_settings){
		.names = policy_names(POLICY_NAMES_KAGENTI),
		.ingress_namespaces = namespaces,
		.api_server = no_cidrs,
		.api_server_port = POLICY_PORT_DEFAULT,
		.no_wait = no_wait,
	};
	return policy_translator_new(&settings, policy_targets[0], (struct policy_output){on_operation, run});
}

static void feed(struct policy_translator *translator, const struct json_buffer *line)
{
	struct json_text text = json_buffer_text(line);
	assert_true(json_check(text, &json_record_limits, NULL));
	assert_null(policy_translator_take(translator, text, text));
}

static void run_free(struct run *run)
{
	for (size_t i = 0; i < run->count; i++) {
		free(run->lives[i].egress);
		free(run->lives[i].selector);
	}
	json_buffer_free(&run->bytes);
}

/* Each workload with a card and known pods has one policy that is as it should be, and no other
 * policy is left. */
static void check_final(const struct run *run)
{
	const struct model *model = run->model;
	size_t wanted = 0, alive = 0;
	for (int s = 0; s < SPACES; s++)
		for (int k = 0; k < KINDS; k++)
			for (int w = 0; w < WORKLOADS; w++)
				wanted += is_targeted(model, s, k, w) &&
				          model->known[s][k][w];
	for (size_t i = 0; i < run->count; i++)
		alive += run->lives[i].egress != NULL;
	assert_int_equal(alive, wanted);
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct live *)a)->key, ((const struct live *)b)->key);
}

/* Compares what is alive, whatever the order. */
static void assert_same_lives(struct run *a, struct run *b)
{
	size_t i = 0, j = 0;
	qsort(a->lives, a->count, sizeof a->lives[0], by_key);
	qsort(b->lives, b->count, sizeof b->lives[0], by_key);
	for (;;) {
		while (i < a->count && a->lives[i].egress == NULL)
			i++;
		while (j < b->count && b->lives[j].egress == NULL)
			j++;
		assert_int_equal(i < a->count, j < b->count);
		if (i == a->count)
			return;
		assert_string_equal(a->lives[i].key, b->lives[j].key);
		assert_string_equal(a->lives[i].egress, b->lives[j].egress);
		assert_string_equal(a->lives[i].selector, b->lives[j].selector);
		i++, j++;
	}
}

static void stream_keeps_invariants(uint64_t seed, bool no_wait, struct json_buffer *bytes)
{
	struct model model = {.random = seed};
	struct run run = {.model = &model};
	struct json_buffer line = {0};
	struct policy_translator *translator = translator_new(&run, no_wait);
	for (int i = 0; i < EVENTS; i++) {
		step(&model, &line);
		update_known(&model);
		feed(translator, &line);
		if (pick(&model, 4) == 0)
			feed(translator, &line); /* once more */
	}
	assert_null(policy_translator_end(translator));
	check_final(&run);
	json_puttext(bytes, json_buffer_text(&run.bytes));
	policy_translator_free(translator);
	json_buffer_free(&line);
	run_free(&run);
}

static void test_every_operation_is_as_the_cards_say(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= STREAMS; seed++) {
		struct json_buffer bytes = {0};
		stream_keeps_invariants(seed * 0x9e3779b97f4a7c15u, seed % 2, &bytes);
		json_buffer_free(&bytes);
	}
}

static void test_the_same_input_gives_the_same_bytes(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct json_buffer once = {0}, again = {0};
		stream_keeps_invariants(seed, true, &once);
		stream_keeps_invariants(seed, true, &again);
		assert_true(json_same(json_buffer_text(&once), json_buffer_text(&again)));
		json_buffer_free(&once);
		json_buffer_free(&again);
	}
}

/* A world whose every object is listed once, in the order of `order`. */
static void list_world(const struct model *model, struct policy_translator *translator,
                       const int *order)
{
	struct json_buffer line = {0};
	for (int i = 0; i < SPACES * (CARDS + KINDS * WORKLOADS) + 1; i++) {
		int at = order[i];
		int namespace = at % SPACES, rest = at / SPACES;
		line.len = 0;
		if (rest < CARDS && model->cards[namespace][rest].exists)
			put_card(&line, namespace, rest, &model->cards[namespace][rest]);
		else if (rest >= CARDS && rest - CARDS < KINDS * WORKLOADS)
			put_workload(&line, namespace, (rest - CARDS) / WORKLOADS,
			             (rest - CARDS) % WORKLOADS, true);
		else if (rest >= CARDS && model->api != 0)
			put_api(&line, model->api);
		if (line.len > 0)
			feed(translator, &line);
	}
	json_buffer_free(&line);
}

static void shuffle(struct model *model, int *order, int count)
{
	for (int i = 0; i < count; i++)
		order[i] = i;
	for (int i = count - 1; i > 0; i--) {
		int j = (int)pick(model, (unsigned)i + 1), kept = order[i];
		order[i] = order[j];
		order[j] = kept;
	}
}

static void test_any_order_of_the_first_lists_ends_in_the_same_policies(void **state)
{
	(void)state;
	enum { OBJECTS = SPACES * (CARDS + KINDS * WORKLOADS) + 1 };
	for (uint64_t seed = 1; seed <= STREAMS; seed++) {
		struct model model = {.random = seed * 0x9e3779b97f4a7c15u};
		struct run runs[2] = {{.model = &model}, {.model = &model}};
		struct json_buffer line = {0};
		for (int i = 0; i < EVENTS; i++)
			step(&model, &line);
		for (int i = 0; i < SPACES * CARDS; i++)
			model.cards[i % SPACES][i / SPACES].had = 0; /* nobody has seen them */
		for (int i = 0; i < 2; i++) {
			int order[OBJECTS];
			shuffle(&model, order, OBJECTS);
			struct policy_translator *translator = translator_new(&runs[i], false);
			list_world(&model, translator, order);
			assert_null(policy_translator_end(translator));
			policy_translator_free(translator);
		}
		assert_same_lives(&runs[0], &runs[1]);
		json_buffer_free(&line);
		run_free(&runs[0]);
		run_free(&runs[1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_operation_is_as_the_cards_say),
		cmocka_unit_test(test_the_same_input_gives_the_same_bytes),
		cmocka_unit_test(test_any_order_of_the_first_lists_ends_in_the_same_policies),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
