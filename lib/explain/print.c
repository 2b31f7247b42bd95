#include "explain/report.h"
#include "explain/quote.h"
#include "explain/words.h"
#include "json/write.h"

#include <string.h>

const char table_head[] =
        "AGENT                          VERDICT             EGRESS      CONFINED    POLICIES\n";

static void put_words(struct json_buffer *out, const char *words)
{
	json_put_plain(out, words, strlen(words));
}

static const char *mode_of(const struct explanation *explanation)
{
	return policy_mode_words[explanation->card->workload == NULL ? POLICY_MODE_NONE
	                                                            : explanation->decision.mode];
}

static const char *verdict_of(const struct policy_card *card)
{
	return card->reason[0] != '\0' ? card->reason : "-";
}

static void put_column(struct json_buffer *out, int width, const char *words)
{
	size_t before = out->len;
	put_words(out, words);
	do
		json_putc(out, ' ');
	while (out->len < before + (size_t)width);
}

/* Does it allow anything at all? */
static bool adds(const struct counted *counted)
{
	return !counted->own && !json_is_empty(counted->egress);
}

void put_row(struct json_buffer *out, const struct explanation *explanation)
{
	bool any = false;
	put_column(out, 31, explanation->card->key);
	put_column(out, 20, verdict_of(explanation->card));
	put_column(out, 12, mode_of(explanation));
	put_column(out, 12, explain_confinement_words[explanation->confinement]);
	for (size_t i = 0; i < explanation->count; i++) {
		const struct counted *counted = &explanation->policies[i];
		json_putf(out, "%s%s%s%s", any ? ", " : "", adds(counted) ? "+" : "",
		          strchr(counted->policy->key, '/') + 1,
		          counted->selects == POLICY_UNKNOWN ? "?" : "");
		any = true;
	}
	json_puts(out, any ? "\n" : "none\n");
}

static void put_policy(struct json_buffer *out, const struct world *world,
                       const struct counted *counted)
{
	static const char *const ways[] = {"not allowed", "perhaps allowed", "allowed"};
	size_t rules = json_count(counted->egress);
	json_puts(out, "    ");
	if (world->asked == NULL) {
		json_putf(out, "policy %s: %zu rule%s", counted->policy->key, rules,
		          rules == 1 ? "" : "s");
		if (counted->selects == POLICY_UNKNOWN)
			json_puts(out, ", if it selects the pods, which was not seen");
	} else {
		json_putf(out, "%s by %s", ways[counted->match.answer], counted->policy->key);
		if (counted->match.rule >= 0 && counted->match.answer > POLICY_DENIED) {
			json_puts(out, ": ");
			explain_put_rule_path(out, &counted->match);
		}
		if (counted->match.why != NULL)
			json_putf(out, ": %s", counted->match.why);
	}
	json_puts(out, counted->own    ? ""
	               : adds(counted) ? " (not the agent's own: widens its egress)"
	                               : " (not the agent's own)");
	json_putc(out, '\n');
}

/* Those of the record, in which others' policies have theirs. */
static void put_list(struct json_buffer *out, const struct explanation *explanation)
{
	struct json_text problems = json_get(explanation->record, "problems");
	if (problems.at != NULL)
		json_puttext(out, problems);
	else
		policy_problems_put(&explanation->decision.problems, out);
}

static void put_problems(struct json_buffer *out, const struct explanation *explanation)
{
	struct json_buffer list = {0};
	put_list(&list, explanation);
	struct json_member m = json_first(json_buffer_text(&list));
	for (; m.value.at != NULL; m = json_next(m)) {
		bool warning = json_equals(json_get(m.value, "severity"), "warning");
		json_puts(out, warning ? "    warning " : "    problem ");
		if (!json_equals(json_get(m.value, "field"), "")) {
			explain_put_string(out, json_get(m.value, "field"));
			json_puts(out, ": ");
		}
		explain_put_string(out, json_get(m.value, "message"));
		json_putc(out, '\n');
	}
	json_buffer_free(&list);
}

/* What stands between the agent and its decision, before everything else. */
static void put_gaps(struct json_buffer *out, const struct explanation *explanation)
{
	if (explanation->confinement == EXPLAIN_CONFINED)
		json_puts(out, "    confined to that\n");
	else if (explanation->confinement != EXPLAIN_NOT_LIMITED)
		json_putf(out, "    %s\n", explain_confinement_words[explanation->confinement]);
	for (struct json_member m = json_first(explanation->gaps); m.value.at; m = json_next(m)) {
		json_puts(out, "    gap ");
		explain_put_string(out, json_get(m.value, "reason"));
		json_puts(out, ": ");
		explain_put_string(out, json_get(m.value, "message"));
		json_putc(out, '\n');
	}
}

/* What it may reach, rule by rule. */
static void put_rules(struct json_buffer *out, const struct explanation *explanation, const struct counted *counted)
{
	struct json_member m = json_first(counted->egress);
	for (int index = 0; m.value.at != NULL; m = json_next(m), index++) {
		json_putf(out, "        spec.egress[%d]: ", index);
		explain_put_rule_words(out, m.value, explanation->card->namespace->name);
		if (counted->own && explanation->record.at != NULL)
			json_putf(out, " (%s)", explain_giver(explanation, m.value));
		json_putc(out, '\n');
	}
}

static void put_names(struct json_buffer *out, const struct explanation *explanation)
{
	struct json_member m = json_first(explanation->decision.domains);
	for (; m.value.at != NULL; m = json_next(m)) {
		json_puts(out, "    names ");
		explain_put_name_words(out, m.value);
		json_puts(out, " (its card), where the target can hold names\n");
	}
}

/* The card's rule that decides or, where it is denied, comes nearest. */
static void put_quote(struct json_buffer *out, const struct world *world, const struct explanation *explanation)
{
	const struct policy_destination *destination = &world->connection.destination;
	struct json_buffer words = {0};
	if (explanation->decision.mode == POLICY_MODE_SCOPED) {
		bool cut = explanation->answer == POLICY_DENIED && explanation->refuses == NULL;
		if (explain_quote_deciding(&words, explanation->card, destination))
			json_puts(out, cut ? "    cut by what stands above the card: its rule " : "    the card's rule ");
		else if (explain_quote_nearest(&words, explanation->card, destination))
			json_puts(out, "    the card's nearest rule ");
	}
	json_puttext(out, json_buffer_text(&words));
	json_puts(out, words.len > 0 ? "\n" : "");
	json_buffer_free(&words);
}

void put_block(struct json_buffer *out, const struct world *world,
               const struct explanation *explanation)
{
	const struct policy_card *card = explanation->card;
	const struct policy_decision *decision = &explanation->decision;
	json_puts(out, card->key);
	if (world->asked != NULL)
		json_putf(out, " to %s: %s", world->asked,
		          policy_answer_words[explanation->answer]);
	json_puts(out, "\n    verdict ");
	put_words(out, verdict_of(card));
	json_puts(out, card->message[0] != '\0' ? ": " : "");
	put_words(out, card->message);
	json_putf(out, "\n    egress %s", mode_of(explanation));
	if (card->workload != NULL) {
		json_putf(out, ", %s: ", decision->reason);
		json_put_plain(out, decision->message.at, decision->message.len);
	}
	json_putc(out, '\n');
	put_gaps(out, explanation);
	if (card->workload != NULL)
		put_problems(out, explanation);
	for (size_t i = 0; i < explanation->count; i++) {
		put_policy(out, world, &explanation->policies[i]);
		if (world->asked == NULL)
			put_rules(out, explanation, &explanation->policies[i]);
	}
	if (world->asked == NULL && card->workload != NULL)
		put_names(out, explanation);
	else if (world->asked != NULL)
		put_quote(out, world, explanation);
	if (explanation->why != NULL)
		json_putf(out, "    %s\n", explanation->why);
	if (explanation->refuses != NULL)
		json_putf(out, "    its ingress is limited by %s\n", explanation->refuses->key);
}

void put_who(struct json_buffer *out, const struct world *world,
             const struct explanation *explanation)
{
	(void)world;
	put_column(out, 31, explanation->card->key);
	put_column(out, 8, policy_answer_words[explanation->answer]);
	for (size_t i = 0; i < explanation->count; i++) {
		const struct counted *counted = &explanation->policies[i];
		if (counted->match.answer != explanation->answer)
			continue;
		json_putf(out, "by %s: ", counted->policy->key);
		explain_put_rule_path(out, &counted->match);
		json_putc(out, '\n');
		return;
	}
	json_putf(out, "%s\n", explanation->why == NULL ? "" : explanation->why);
}

static void put_member(struct json_buffer *out, const char *key, const char *value)
{
	json_put_key(out, key);
	json_put_string(out, value);
}

static void put_json_policy(struct json_buffer *out, const struct world *world,
                            const struct counted *counted)
{
	json_put_comma(out);
	json_putc(out, '{');
	json_put_key(out, "namespace");
	json_put_string_n(out, counted->policy->key, strcspn(counted->policy->key, "/"));
	put_member(out, "name", strchr(counted->policy->key, '/') + 1);
	json_put_key(out, "own");
	json_puts(out, counted->own ? "true" : "false");
	json_put_key(out, "widens");
	json_puts(out, adds(counted) ? "true" : "false");
	put_member(out, "selects", counted->selects == POLICY_ALLOWED ? "yes" : "unknown");
	json_put_key(out, "egress");
	if (counted->egress.at != NULL)
		json_puttext(out, counted->egress);
	else
		json_puts(out, "[]");
	if (world->asked != NULL) {
		const struct policy_match *match = &counted->match;
		put_member(out, "answer", policy_answer_words[match->answer]);
		if (match->answer > POLICY_DENIED) {
			json_put_key(out, "rule");
			json_putf(out, "\"spec.egress[%d]\"", match->rule);
		}
		if (match->answer > POLICY_DENIED && match->peer >= 0) {
			json_put_key(out, "to");
			json_putf(out, "\"spec.egress[%d].to[%d]\"", match->rule, match->peer);
		}
		if (match->answer > POLICY_DENIED && match->port >= 0) {
			json_put_key(out, "port");
			json_putf(out, "\"spec.egress[%d].ports[%d]\"", match->rule, match->port);
		}
		if (match->why != NULL)
			put_member(out, "message", match->why);
	}
	json_putc(out, '}');
}

static void put_json_card(struct json_buffer *out, const struct policy_card *card)
{
	json_puts(out, "{\"agentCard\":{");
	put_member(out, "namespace", card->namespace->name);
	put_member(out, "name", card->name);
	json_putc(out, '}');
	if (card->workload != NULL) {
		json_puts(out, ",\"workload\":{");
		put_member(out, "kind", card->workload->kind);
		put_member(out, "name", card->workload->name);
		json_putc(out, '}');
	}
	json_puts(out, ",\"verification\":{\"verified\":");
	json_puts(out, card->verified ? "true" : "false");
	put_member(out, "reason", card->reason);
	put_member(out, "message", card->message);
	json_putc(out, '}');
}

static void put_json_quote(struct json_buffer *out, const struct world *world, const struct explanation *explanation)
{
	const struct policy_destination *destination = &world->connection.destination;
	struct json_buffer words = {0};
	if (world->asked == NULL || explanation->decision.mode != POLICY_MODE_SCOPED)
		return;
	if (explain_quote_deciding(&words, explanation->card, destination))
		json_put_key(out, "cardRule");
	else if (explain_quote_nearest(&words, explanation->card, destination))
		json_put_key(out, "nearestRule");
	if (words.len > 0)
		json_put_string_n(out, words.at, words.len);
	json_buffer_free(&words);
}

void put_json(struct json_buffer *out, const struct world *world,
              const struct explanation *explanation)
{
	const struct policy_decision *decision = &explanation->decision;
	put_json_card(out, explanation->card);
	put_member(out, "egress", mode_of(explanation));
	if (explanation->confinement != EXPLAIN_NOT_LIMITED) {
		json_put_key(out, "confined");
		json_puts(out, explanation->confinement == EXPLAIN_CONFINED ? "true" : "false");
		json_put_key(out, "gaps");
		json_puttext(out, explanation->gaps);
	}
	if (explanation->card->workload != NULL) {
		put_member(out, "reason", decision->reason);
		json_put_key(out, "message");
		json_put_string_n(out, decision->message.at, decision->message.len);
		json_put_key(out, "problems");
		put_list(out, explanation);
	}
	if (explanation->card->workload != NULL && !json_is_empty(decision->domains)) {
		json_put_key(out, "domains");
		json_puttext(out, decision->domains);
	}
	if (world->asked != NULL) {
		put_member(out, "destination", world->asked);
		put_member(out, "answer", policy_answer_words[explanation->answer]);
	}
	if (explanation->why != NULL)
		put_member(out, "answerMessage", explanation->why);
	put_json_quote(out, world, explanation);
	if (explanation->refuses != NULL)
		put_member(out, "ingressPolicy", explanation->refuses->key);
	json_puts(out, ",\"policies\":[");
	for (size_t i = 0; i < explanation->count; i++)
		put_json_policy(out, world, &explanation->policies[i]);
	json_puts(out, "]}\n");
}
