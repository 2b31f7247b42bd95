/* Whom to ask, when, and what the stream says of it: time is made up, and no agent is there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fetch/agents.h"
#include "base/buffer.h"

enum { PERIOD = 30000, LEAST = 10000, STALE = 3600000, FIRST_WAIT = 30000 };

#define MARK(which, kind) \
	"{\"type\":\"BOOKMARK\",\"object\":{" kind ",\"metadata\":{\"annotations\":{\"" which \
	"\":\"true\"}}}}"
#define BEGIN(kind) MARK("agent-egress.dev/initial-events-begin", kind)
#define END(kind) MARK("k8s.io/initial-events-end", kind)
#define CARDS "\"apiVersion\":\"agent.kagenti.dev/v1alpha1\",\"kind\":\"AgentCard\""
#define MAPS "\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\""
#define CARD(type, name, target, more) \
	"{\"type\":\"" type "\",\"object\":{\"apiVersion\":\"agent.kagenti.dev/v1alpha1\"," \
	"\"kind\":\"AgentCard\",\"metadata\":{\"namespace\":\"ns\",\"name\":\"" name "\"}," \
	"\"spec\":{\"targetRef\":{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\"," \
	"\"name\":\"" target "\"}" more "}}}"
#define MAP(type, target) \
	"{\"type\":\"" type "\",\"object\":{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\"," \
	"\"metadata\":{\"namespace\":\"ns\",\"name\":\"" target "-card-signed\"}}}"
#define DEPLOYMENT(type, name, account) \
	"{\"type\":\"" type "\",\"object\":{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\"," \
	"\"metadata\":{\"namespace\":\"ns\",\"name\":\"" name "\"},\"spec\":{\"template\":{" \
	"\"spec\":{\"serviceAccountName\":\"" account "\"}}}}}"

struct world {
	struct agents *agents;
	struct json_buffer told;  /* a word for each line that was emitted */
	struct json_buffer warned;
	struct agents_question last;
	unsigned cancelled;
	int64_t now;
};

/* Lines of the input are "=", fetched ones TYPE and workload, or with `!` a mark. */
static void on_emit(void *context, struct json_text line)
{
	struct world *w = context;
	struct json_text object = json_get(line, "object"), type = json_plain(json_get(line, "type"));
	struct json_text name = json_plain(json_get(object, "metadata", "name"));
	assert_true(json_check(line, &json_record_limits, NULL));
	if (w->told.len > 0)
		json_putc(&w->told, ' ');
	bool ours = json_equals(json_get(object, "kind"), "ConfigMap") && name.at != NULL &&
	            (json_get(object, "data").at != NULL || json_equals(json_get(line, "type"), "DELETED"));
	if (json_equals(json_get(line, "type"), "BOOKMARK"))
		json_puts(&w->told, "!");
	else if (!ours)
		json_puts(&w->told, "=");
	else
		json_putf(&w->told, "%.*s:%.*s", (int)type.len, type.at,
		          (int)(name.len - strlen("-card-signed")), name.at);
}

static void on_warn(void *context, const char *sentence)
{
	struct world *w = context;
	json_putf(&w->warned, "%s\n", sentence);
}

static void on_cancel(void *context, void *request)
{
	struct world *w = context;
	assert_ptr_equal(request, w);
	w->cancelled++;
}

static int open_with(void **state, bool accounts)
{
	struct world *w = calloc(1, sizeof *w);
	w->now = 1000000;
	w->agents = agents_new(&(struct agents_settings){
		.agentcard_group = "agent.kagenti.dev", .period_ms = PERIOD, .least_ms = LEAST,
		.stale_ms = STALE, .first_wait_ms = FIRST_WAIT, .accounts = accounts,
		.emit = on_emit, .warn = on_warn, .cancel = on_cancel, .context = w});
	*state = w;
	return 0;
}

static int open_world(void **state)
{
	return open_with(state, false);
}

static int open_world_with_accounts(void **state)
{
	return open_with(state, true);
}

static int close_world(void **state)
{
	struct world *w = *state;
	agents_free(w->agents);
	json_buffer_free(&w->told);
	json_buffer_free(&w->warned);
	free(w);
	return 0;
}

static void take(struct world *w, const char *line)
{
	assert_false(agents_waits(w->agents));
	assert_null(agents_take(w->agents, json_of(line), json_of(line), w->now));
}

/* What was emitted since the last time. */
static void expect(struct world *w, const char *words)
{
	json_putc(&w->told, '\0');
	assert_string_equal(w->told.at, words);
	w->told.len = 0;
}

/* The next one that is due now is this one; NULL: nobody is. */
static void expect_asked(struct world *w, const char *name, bool legacy)
{
	bool due = agents_next(w->agents, w->now, &w->last);
	assert_int_equal(due, name != NULL);
	if (!due)
		return;
	assert_string_equal(w->last.namespace, "ns");
	assert_string_equal(w->last.name, name);
	assert_int_equal(w->last.legacy, legacy);
	agents_asked(w->agents, w->last.agent, w);
}

static void answer(struct world *w, enum agent_answer answer, const char *body)
{
	agents_answered(w->agents, w->last.agent, answer, json_of(body), &(struct agents_peer){0}, "no answer", w->now);
}

/* To when the next thing is due. */
static void pass(struct world *w)
{
	int64_t due = agents_due(w->agents, true);
	assert_true(due > w->now);
	w->now = due;
}

static void with_a_card(struct world *w)
{
	take(w, CARD("ADDED", "c", "a", ""));
	expect_asked(w, "a", false);
	answer(w, AGENT_CARD, "{\"v\":1}");
	expect(w, "= ADDED:a");
}

static void nobody_is_asked_while_a_list_goes_on(void **state)
{
	struct world *w = *state;
	take(w, BEGIN(CARDS));
	take(w, BEGIN(MAPS));
	take(w, CARD("ADDED", "c", "a", ""));
	expect_asked(w, NULL, false);
	assert_int_equal(agents_due(w->agents, true), -1);
	take(w, END(MAPS));
	expect_asked(w, NULL, false);
	take(w, END(CARDS));
	expect_asked(w, "a", false);
	expect(w, "! ! = !");
	answer(w, AGENT_CARD, "{}");
	expect(w, "ADDED:a !");
}

static void the_end_mark_waits_for_all_and_not_forever(void **state)
{
	struct world *w = *state;
	take(w, CARD("ADDED", "c", "a", ""));
	take(w, CARD("ADDED", "d", "b", ""));
	take(w, END(CARDS));
	assert_true(agents_waits(w->agents));
	expect_asked(w, "a", false);
	answer(w, AGENT_FAILED, "");
	expect(w, "= =");
	agents_time(w->agents, w->now + FIRST_WAIT - 1);
	assert_true(agents_waits(w->agents));
	expect_asked(w, "b", false);
	/* also when nobody else may be asked */
	assert_int_equal(agents_due(w->agents, false), w->now + FIRST_WAIT);
	w->now += FIRST_WAIT;
	agents_time(w->agents, w->now);
	assert_false(agents_waits(w->agents));
	expect(w, "!");
	assert_non_null(strstr(w->warned.at, "1 agents have not been heard yet"));
}

static void nobody_to_ask_nothing_to_wait_for(void **state)
{
	struct world *w = *state;
	take(w, MAP("ADDED", "a"));
	take(w, CARD("ADDED", "c", "a", ""));
	take(w, END(CARDS));
	assert_false(agents_waits(w->agents));
	expect(w, "= = !");
	agents_end(w->agents, w->now);
	assert_false(agents_waits(w->agents));
}

static void the_end_of_input_waits_too(void **state)
{
	struct world *w = *state;
	take(w, BEGIN(CARDS));
	take(w, CARD("ADDED", "c", "a", ""));
	agents_end(w->agents, w->now);
	assert_true(agents_waits(w->agents));
	expect_asked(w, "a", false);
	answer(w, AGENT_GONE, "");
	assert_false(agents_waits(w->agents));
	expect(w, "! =");
}

static void a_card_goes_when_cancelled_by_its_end(void **state)
{
	struct world *w = *state;
	take(w, CARD("ADDED", "c", "a", ""));
	take(w, END(CARDS));
	expect_asked(w, "a", false);
	/* it waits: so the card can only go by time; then its question is cancelled */
	agents_time(w->agents, w->now + FIRST_WAIT);
	take(w, CARD("DELETED", "c", "a", ""));
	assert_int_equal(w->cancelled, 1);
	assert_int_equal(agents_due(w->agents, true), -1);
	expect(w, "= ! =");
}

static void the_legacy_path_is_asked_after_404_alone(void **state)
{
	struct world *w = *state;
	take(w, CARD("ADDED", "c", "a", ""));
	expect_asked(w, "a", false);
	answer(w, AGENT_NO_SUCH, "");
	expect_asked(w, "a", true);
	answer(w, AGENT_CARD, "{}");
	expect(w, "= ADDED:a");
	pass(w);
	expect_asked(w, "a", false);
	answer(w, AGENT_FAILED, "");
	expect_asked(w, NULL, false);
	pass(w);
	expect_asked(w, "a", false);
	answer(w, AGENT_NO_SUCH, "");
	expect_asked(w, "a", true);
	expect(w, "");
	answer(w, AGENT_NO_SUCH, "");
	expect(w, "DELETED:a");
}

static void a_failure_keeps_the_card_until_it_is_stale(void **state)
{
	struct world *w = *state;
	with_a_card(w);
	int64_t good = w->now;
	while (w->now < good + STALE) {
		pass(w);
		expect(w, "");
		expect_asked(w, "a", false);
		answer(w, AGENT_FAILED, "");
	}
	/* not a moment later than it should */
	assert_int_equal(w->now, good + STALE);
	expect(w, "DELETED:a");
	/* said once, and when it is too old */
	assert_int_equal(strchr(w->warned.at, '\n') - w->warned.at + 1 +
	                         (strchr(strchr(w->warned.at, '\n') + 1, '\n') -
	                          strchr(w->warned.at, '\n')),
	                 (int)w->warned.len);
	pass(w);
	expect_asked(w, "a", false);
	answer(w, AGENT_CARD, "{\"v\":1}");
	expect(w, "ADDED:a");
}

static void only_what_differs_is_emitted(void **state)
{
	struct world *w = *state;
	with_a_card(w);
	pass(w);
	expect_asked(w, "a", false);
	answer(w, AGENT_CARD, "{\"v\":1}");
	expect(w, "");
	pass(w);
	expect_asked(w, "a", false);
	answer(w, AGENT_CARD, "{\"v\":2}");
	expect(w, "MODIFIED:a");
	const unsigned long *counts = agents_counts(w->agents);
	assert_int_equal(counts[AGENTS_FETCHED], 2);
	assert_int_equal(counts[AGENTS_UNCHANGED], 1);
}

static void a_configmap_wins_whenever_it_comes(void **state)
{
	struct world *w = *state;
	take(w, CARD("ADDED", "c", "a", ""));
	expect_asked(w, "a", false);
	take(w, MAP("ADDED", "a"));
	assert_int_equal(w->cancelled, 1);
	assert_int_equal(agents_due(w->agents, true), -1);
	take(w, MAP("DELETED", "a"));
	expect(w, "= = DELETED:a"); /* which is the stream's own */
	expect_asked(w, "a", false);
	answer(w, AGENT_CARD, "{}");
	expect(w, "ADDED:a");
	/* it has taken the place of what was fetched: nothing is to be withdrawn */
	take(w, MAP("MODIFIED", "a"));
	take(w, CARD("DELETED", "c", "a", ""));
	expect(w, "= =");
}

static void a_configmap_that_goes_takes_no_fetched_card_with_it(void **state)
{
	struct world *w = *state;
	with_a_card(w);
	take(w, MAP("DELETED", "a"));
	expect(w, "DELETED:a ADDED:a");
}

static void a_list_of_configmaps_is_completed_before_it_ends(void **state)
{
	struct world *w = *state;
	with_a_card(w);
	take(w, BEGIN(MAPS));
	take(w, MAP("ADDED", "b"));
	take(w, END(MAPS));
	expect(w, "! = ADDED:a !");
	/* an end without a beginning says nothing of what was held */
	take(w, END(MAPS));
	expect(w, "!");
}

static void a_list_ends_what_it_does_not_name(void **state)
{
	struct world *w = *state;
	with_a_card(w);
	take(w, MAP("ADDED", "b"));
	take(w, CARD("ADDED", "d", "b", ""));
	take(w, BEGIN(MAPS));
	take(w, BEGIN(CARDS));
	take(w, CARD("ADDED", "d", "b", ""));
	take(w, END(MAPS));
	expect(w, "= = ! ! = ADDED:a !");
	take(w, END(CARDS));
	expect(w, "DELETED:a");
	expect_asked(w, "b", false);
	answer(w, AGENT_GONE, "");
	expect(w, "!");
}

static void one_agent_may_have_several_cards(void **state)
{
	struct world *w = *state;
	with_a_card(w);
	take(w, CARD("ADDED", "d", "a", ",\"syncPeriod\":\"12s\""));
	int64_t due = agents_due(w->agents, true);
	assert_in_range(due - w->now, 6000, 18000);
	take(w, CARD("DELETED", "c", "a", ""));
	expect(w, "= =");
	take(w, CARD("MODIFIED", "d", "other", ""));
	expect(w, "= DELETED:a");
	expect_asked(w, "other", false);
}

static void a_period_has_a_floor_and_a_default(void **state)
{
	struct world *w = *state;
	static const struct {
		const char *line;
		int64_t period;
	} cases[] = {
		{CARD("ADDED", "c", "a", ",\"syncPeriod\":\"1ns\""), LEAST},
		{CARD("ADDED", "c", "a", ",\"syncPeriod\":\"-5m\""), PERIOD},
		{CARD("ADDED", "c", "a", ",\"syncPeriod\":5"), PERIOD},
		{CARD("ADDED", "c", "a", ",\"syncPeriod\":\"\""), PERIOD},
		{CARD("ADDED", "c", "a", ",\"syncPeriod\":null"), PERIOD},
		{CARD("ADDED", "c", "a", ",\"syncPeriod\":\"5m\""), 300000},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		take(w, cases[i].line);
		expect_asked(w, "a", false);
		answer(w, AGENT_CARD, "{}");
		assert_in_range(agents_due(w->agents, true) - w->now, cases[i].period / 2,
		                cases[i].period * 3 / 2);
		pass(w);
		expect_asked(w, "a", false);
		answer(w, AGENT_CARD, "{}");
		assert_int_equal(agents_due(w->agents, true) - w->now, cases[i].period);
		take(w, CARD("DELETED", "c", "a", ""));
	}
}

static void accounts_say_whom_to_expect(void **state)
{
	struct world *w = *state;
	take(w, CARD("ADDED", "c", "a", ""));
	expect_asked(w, NULL, false);
	take(w, DEPLOYMENT("ADDED", "a", "sa"));
	expect_asked(w, "a", false);
	assert_string_equal(w->last.account, "sa");
	answer(w, AGENT_CARD, "{}");
	take(w, DEPLOYMENT("MODIFIED", "a", ""));
	pass(w);
	expect_asked(w, "a", false);
	assert_string_equal(w->last.account, "default");
	take(w, DEPLOYMENT("DELETED", "a", "sa"));
	assert_int_equal(w->cancelled, 1);
	expect(w, "= = ADDED:a = = DELETED:a");
}

static void ten_thousand_are_asked_in_the_order_of_their_time(void **state)
{
	struct world *w = *state;
	static bool seen[10000];
	struct json_buffer line = {0};
	for (int i = 0; i < 10000; i++) {
		line.len = 0;
		json_putf(&line,
		          "{\"type\":\"ADDED\",\"object\":{\"apiVersion\":\"agent.kagenti.dev/v1\","
		          "\"kind\":\"AgentCard\",\"metadata\":{\"namespace\":\"ns\",\"name\":\"c%d\"},"
		          "\"spec\":{\"targetRef\":{\"name\":\"a%d\"}}}}", i, i);
		json_putc(&line, '\0');
		take(w, line.at);
	}
	json_buffer_free(&line);
	for (int round = 0; round < 20000; round++) {
		while (!agents_next(w->agents, w->now, &w->last))
			pass(w);
		agents_asked(w->agents, w->last.agent, w);
		seen[strtol(w->last.name + 1, NULL, 10)] = true;
		answer(w, AGENT_CARD, "{}");
		assert_true(round < 10000 || w->now > 1000000);
	}
	assert_true(w->now <= 1000000 + PERIOD * 5 / 2);
	for (int i = 0; i < 10000; i++)
		assert_true(seen[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nobody_is_asked_while_a_list_goes_on),
		TEST(the_end_mark_waits_for_all_and_not_forever),
		TEST(nobody_to_ask_nothing_to_wait_for),
		TEST(the_end_of_input_waits_too),
		TEST(a_card_goes_when_cancelled_by_its_end),
		TEST(the_legacy_path_is_asked_after_404_alone),
		TEST(a_failure_keeps_the_card_until_it_is_stale),
		TEST(only_what_differs_is_emitted),
		TEST(a_configmap_wins_whenever_it_comes),
		TEST(a_configmap_that_goes_takes_no_fetched_card_with_it),
		TEST(a_list_of_configmaps_is_completed_before_it_ends),
		TEST(a_list_ends_what_it_does_not_name),
		TEST(one_agent_may_have_several_cards),
		TEST(a_period_has_a_floor_and_a_default),
		cmocka_unit_test_setup_teardown(accounts_say_whom_to_expect,
		                                open_world_with_accounts, close_world),
		TEST(ten_thousand_are_asked_in_the_order_of_their_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
