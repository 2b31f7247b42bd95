/*
 * Random streams through what egress-verify holds, against a model that holds only the present:
 * after every event the last word on each card is what a stage would say that had seen nothing but
 * the world as it is now, and a card of which it did not change is not emitted again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scene.h"
#include "verify/cards.h"
#include "json/write.h"

enum { CARDS = 3, TARGETS = 3, KINDS = 2, DOMAINS = 2, STREAMS = 60, EVENTS = 60 };
enum signed_card { UNSIGNED, OWN, OTHERS, TAMPERED, FEDERATED, SIGNED_CARDS };

static const char *const target_names[TARGETS] = {"billing", "search", "report"};
static const char *const workload_kinds[KINDS] = {"Deployment", "StatefulSet"};
static const char *const domain_names[DOMAINS] = {"example.org", "other.org"};

/* The world as it is. */
struct world {
	struct {
		bool there;
		unsigned target, kind, binding, version;
	} cards[CARDS];
	struct {
		enum signed_card signed_card;
		unsigned accounts[KINDS]; /* 0: no workload; 1: its own; 2: another's */
	} targets[TARGETS];
	unsigned bundles[DOMAINS]; /* 0: none; 1: its own; 2: the other's */
};

struct stage {
	struct trust_checker *checker;
	struct trust_cards *cards;
	char *last[CARDS]; /* the last verification of each */
	unsigned emitted[CARDS];
};

struct props {
	struct scene *scene;
	char *signed_cards[TARGETS][SIGNED_CARDS];
	char *bundles[DOMAINS]; /* PEM */
	uint64_t seed;
};

static unsigned below(struct props *props, unsigned limit)
{
	props->seed = props->seed * 6364136223846793005U + 1442695040888963407U;
	return (unsigned)(props->seed >> 33) % limit;
}

static void emit(void *context, struct json_text line)
{
	struct stage *stage = context;
	struct json_text name = json_plain(json_get(line, "object", "metadata", "name"));
	struct json_text verification = json_get(line, "verification");
	assert_true(json_check(line, &json_record_limits, NULL));
	if (verification.at == NULL)
		return;
	unsigned card = (unsigned)(name.at[4] - '0');
	free(stage->last[card]);
	stage->last[card] = strndup(verification.at, verification.len);
	assert_non_null(stage->last[card]);
	stage->emitted[card]++;
}

static void warn(void *context, const char *sentence)
{
	(void)context;
	(void)sentence;
}

static void open_stage(struct stage *stage)
{
	static const struct trust_cards_bundle bundles[DOMAINS] = {
		{"example.org", "spire", "bundle0", "b", NULL},
		{"other.org", "spire", "bundle1", "b", NULL}};
	char reason[TRUST_BUNDLE_REASON_SIZE];
	struct trust_settings settings = {.trust_domains = domain_names, .trust_domain_count = DOMAINS};
	*stage = (struct stage){.checker = trust_checker_new(&settings, reason)};
	assert_non_null(stage->checker);
	stage->cards = trust_cards_new(&(struct trust_cards_settings){
		.agentcard_group = "agent.kagenti.dev",
		.checker = stage->checker,
		.bundles = bundles,
		.bundle_count = DOMAINS,
		.emit = emit,
		.warn = warn,
		.context = stage,
	});
}

static void close_stage(struct stage *stage)
{
	trust_cards_free(stage->cards);
	trust_checker_free(stage->checker);
	for (unsigned i = 0; i < CARDS; i++)
		free(stage->last[i]);
}

static void take(struct stage *stage, struct json_buffer *line)
{
	struct json_text text = json_buffer_text(line);
	assert_true(json_check(text, &json_record_limits, NULL));
	assert_null(trust_cards_take(stage->cards, text, text, NOW));
	json_buffer_free(line);
}

static void begin_line(struct json_buffer *line, bool there, const char *api, const char *kind)
{
	json_putf(line, "{\"type\":\"%s\",\"object\":{\"apiVersion\":\"%s\",\"kind\":\"%s\",",
	          there ? "MODIFIED" : "DELETED", api, kind);
}

static void tell_card(struct stage *stage, const struct world *world, unsigned i)
{
	struct json_buffer line = {0};
	begin_line(&line, world->cards[i].there, "agent.kagenti.dev/v1alpha1", "AgentCard");
	json_putf(&line, "\"metadata\":{\"namespace\":\"team-a\",\"name\":\"card%u\",\"resourceVersion\":\"%u\"},"
	          "\"spec\":{\"targetRef\":{\"apiVersion\":\"apps/v1\",\"kind\":\"%s\",\"name\":\"%s\"}",
	          i, world->cards[i].version, workload_kinds[world->cards[i].kind],
	          target_names[world->cards[i].target]);
	if (world->cards[i].binding > 0)
		json_putf(&line, ",\"identityBinding\":{\"trustDomain\":\"%s\"}",
		          domain_names[world->cards[i].binding - 1]);
	json_puts(&line, "}}}");
	take(stage, &line);
}

static void tell_configmap(struct stage *stage, const char *namespace, const char *name,
                           const char *key, const char *text)
{
	struct json_buffer line = {0};
	begin_line(&line, text != NULL, "v1", "ConfigMap");
	json_putf(&line, "\"metadata\":{\"namespace\":\"%s\",\"name\":\"%s\"},\"data\":{\"%s\":", namespace,
	          name, key);
	json_put_string(&line, text == NULL ? "" : text);
	json_puts(&line, "}}}");
	take(stage, &line);
}

static void tell_signed(struct stage *stage, const struct props *props, const struct world *world, unsigned i)
{
	char name[64];
	snprintf(name, sizeof name, "%s-card-signed", target_names[i]);
	tell_configmap(stage, "team-a", name, "agent-card.json",
	               props->signed_cards[i][world->targets[i].signed_card]);
}

static void tell_workload(struct stage *stage, const struct world *world, unsigned i, unsigned kind)
{
	struct json_buffer line = {0};
	unsigned account = world->targets[i].accounts[kind];
	begin_line(&line, account > 0, "apps/v1", workload_kinds[kind]);
	json_putf(&line, "\"metadata\":{\"namespace\":\"team-a\",\"name\":\"%s\"},\"spec\":{\"template\":"
	          "{\"spec\":{\"serviceAccountName\":\"%s\"}}}}}", target_names[i],
	          account == 1 ? target_names[i] : "somebody");
	take(stage, &line);
}

static void tell_bundle(struct stage *stage, const struct props *props, const struct world *world, unsigned i)
{
	unsigned which = world->bundles[i];
	tell_configmap(stage, "spire", i == 0 ? "bundle0" : "bundle1", "b",
	               which == 0 ? NULL : props->bundles[which == 1 ? i : 1 - i]);
}

static void tell_mark(struct stage *stage, const char *api, const char *kind, const char *mark)
{
	struct json_buffer line = {0};
	json_putf(&line, "{\"type\":\"BOOKMARK\",\"object\":{\"apiVersion\":\"%s\",\"kind\":\"%s\","
	          "\"metadata\":{\"annotations\":{\"%s\":\"true\"}}}}", api, kind, mark);
	take(stage, &line);
}

static const char *const kinds[][2] = {
	{"v1", "ConfigMap"}, {"apps/v1", "Deployment"}, {"apps/v1", "StatefulSet"},
	{"agent.kagenti.dev/v1alpha1", "AgentCard"}};
enum { LISTS = sizeof kinds / sizeof *kinds };

/* What there is, each in a list of its kind. */
static void tell_all(struct stage *stage, const struct props *props, const struct world *world)
{
	for (unsigned i = 0; i < LISTS; i++)
		tell_mark(stage, kinds[i][0], kinds[i][1], "agent-egress.dev/initial-events-begin");
	for (unsigned i = 0; i < CARDS; i++)
		if (world->cards[i].there)
			tell_card(stage, world, i);
	for (unsigned i = 0; i < DOMAINS; i++)
		if (world->bundles[i] > 0)
			tell_bundle(stage, props, world, i);
	for (unsigned i = 0; i < TARGETS; i++) {
		if (world->targets[i].signed_card != UNSIGNED)
			tell_signed(stage, props, world, i);
		for (unsigned kind = 0; kind < KINDS; kind++)
			if (world->targets[i].accounts[kind] > 0)
				tell_workload(stage, world, i, kind);
	}
	for (unsigned i = 0; i < LISTS; i++)
		tell_mark(stage, kinds[i][0], kinds[i][1], "k8s.io/initial-events-end");
}

/* Changes one thing, and tells of it unless `stage` is NULL. The card it told of itself, or
 * CARDS. */
static unsigned change(struct props *props, struct world *world, struct stage *stage)
{
	unsigned i = below(props, 3), what = below(props, 4);
	if (what == 0) {
		world->cards[i].there = below(props, 4) > 0;
		world->cards[i].target = below(props, TARGETS);
		world->cards[i].kind = below(props, 4) / 3;
		world->cards[i].binding = below(props, DOMAINS + 1);
		world->cards[i].version++;
		if (stage != NULL)
			tell_card(stage, world, i);
		return i;
	}
	if (what == 1) {
		world->targets[i].signed_card = below(props, 2) ? OWN : below(props, SIGNED_CARDS);
		if (stage != NULL)
			tell_signed(stage, props, world, i);
	} else if (what == 2) {
		unsigned kind = below(props, 4) / 3;
		world->targets[i].accounts[kind] = below(props, 2) ? 1 : below(props, 3);
		if (stage != NULL)
			tell_workload(stage, world, i, kind);
	} else {
		i %= DOMAINS;
		world->bundles[i] = below(props, 2) ? 1 : below(props, 3);
		if (stage != NULL)
			tell_bundle(stage, props, world, i);
	}
	return CARDS;
}

static unsigned verified;

/* `told`: the card whose own event came in, so that it was emitted whatever its verdict. */
static void compare(struct props *props, const struct world *world, struct stage *stage, unsigned told,
                    char *before[CARDS])
{
	struct stage fresh;
	open_stage(&fresh);
	tell_all(&fresh, props, world);
	for (unsigned i = 0; i < CARDS; i++) {
		if (world->cards[i].there)
			assert_string_equal(stage->last[i], fresh.last[i]);
		if (world->cards[i].there && strstr(fresh.last[i], "\"verified\":true") != NULL)
			verified++;
		if (i != told && before != NULL) {
			bool same = !world->cards[i].there || strcmp(before[i], stage->last[i]) == 0;
			assert_int_equal(stage->emitted[i], same ? 0 : 1);
		}
	}
	close_stage(&fresh);
}

static void step(struct props *props, struct world *world, struct stage *stage)
{
	char *before[CARDS];
	for (unsigned i = 0; i < CARDS; i++) {
		before[i] = stage->last[i] == NULL ? NULL : strdup(stage->last[i]);
		stage->emitted[i] = 0;
	}
	if (below(props, 10) > 0) {
		unsigned told = change(props, world, stage);
		compare(props, world, stage, told, before);
	} else {
		/* the watch was cut off, and the world went on */
		for (unsigned i = below(props, 6); i > 0; i--)
			change(props, world, NULL);
		tell_all(stage, props, world);
		compare(props, world, stage, CARDS, NULL);
	}
	for (unsigned i = 0; i < CARDS; i++)
		free(before[i]);
}

static void make_cards(struct props *props)
{
	const struct scene *scene = props->scene;
	for (unsigned i = 0; i < TARGETS; i++) {
		char id[128];
		snprintf(id, sizeof id, "spiffe://example.org/ns/team-a/sa/%s", target_names[i]);
		struct party own = make_svid(&scene->root, id);
		snprintf(id, sizeof id, "spiffe://other.org/ns/team-a/sa/%s", target_names[i]);
		struct party federated = make_svid(&scene->other_root, id);
		char **cards = props->signed_cards[i];
		cards[OWN] = card_by(&own, "ES256");
		cards[OTHERS] = card_by(&scene->leaf, "ES256");
		cards[FEDERATED] = card_by(&federated, "ES256");
		cards[TAMPERED] = card_by(&own, "ES256");
		*strstr(cards[TAMPERED], "\"version\":\"1") = ' ';
		party_free(&own);
		party_free(&federated);
	}
	for (unsigned i = 0; i < DOMAINS; i++) {
		const struct party *roots[] = {i == 0 ? &scene->root : &scene->other_root};
		props->bundles[i] = make_bundle(1, roots);
	}
}

static void the_last_word_on_a_card_depends_on_the_present_alone(void **state)
{
	struct props props = {.scene = *state};
	make_cards(&props);
	for (unsigned i = 0; i < STREAMS; i++) {
		struct world world = {0};
		struct stage stage;
		props.seed = i;
		open_stage(&stage);
		for (unsigned j = 0; j < EVENTS; j++)
			step(&props, &world, &stage);
		close_stage(&stage);
	}
	/* the streams say something */
	assert_in_range(verified, STREAMS * EVENTS / 10, STREAMS * EVENTS * CARDS / 2);
	for (unsigned i = 0; i < TARGETS; i++)
		for (unsigned j = 0; j < SIGNED_CARDS; j++)
			free(props.signed_cards[i][j]);
	for (unsigned i = 0; i < DOMAINS; i++)
		free(props.bundles[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(
		the_last_word_on_a_card_depends_on_the_present_alone, set_up, tear_down)};
	return cmocka_run_group_tests_name("cards at random", tests, NULL, NULL);
}
