#include "explain/trial.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "explain/words.h"
#include "json/write.h"
#include "k8s/event.h"
#include "k8s/operator.h"

/* With a uid and a namespace: those that the API server would add. */
static void put_metadata(struct json_buffer *out, struct json_text metadata, const char *namespace)
{
	json_putc(out, '{');
	if (json_get(metadata, "uid").at == NULL)
		json_puts(out, "\"uid\":\"tried\"");
	if (json_get(metadata, "namespace").at == NULL) {
		json_put_key(out, "namespace");
		json_put_string(out, namespace);
	}
	for (struct json_member m = json_first(metadata); m.value.at != NULL; m = json_next(m)) {
		json_put_member(out, &m);
	}
	json_putc(out, '}');
}

/* The held card that the object would be applied onto; NULL. */
static const struct policy_card *held_card(const struct policy_inventory *inventory, struct json_text metadata,
                                           const char *namespace)
{
	struct json_text own = json_plain(json_get(metadata, "namespace")), name = json_plain(json_get(metadata, "name"));
	const struct policy_card *card = NULL;
	if (name.at == NULL)
		return NULL;
	if (own.at == NULL)
		own = (struct json_text){namespace, strlen(namespace)};
	char *key = kube_format("%.*s/%.*s", (int)own.len, own.at, (int)name.len, name.at);
	HASH_FIND_STR(inventory->cards, key, card);
	free(key);
	return card;
}

/* With the targetRef that the held card has. */
static void put_spec(struct json_buffer *out, struct json_text spec, const struct policy_card *held)
{
	json_puts(out, "{\"targetRef\":{");
	if (held->target_api_version[0] != '\0') {
		json_put_key(out, "apiVersion");
		json_put_string(out, held->target_api_version);
	}
	json_put_key(out, "kind");
	json_put_string(out, held->target_kind);
	json_put_key(out, "name");
	json_put_string(out, held->target_name);
	json_putc(out, '}');
	for (struct json_member m = json_first(spec); m.value.at != NULL; m = json_next(m)) {
		json_put_member(out, &m);
	}
	json_putc(out, '}');
}

const char *explain_trial_event(struct json_buffer *out, const struct policy_inventory *inventory, struct json_text object,
                                const char *namespace)
{
	struct json_text metadata = json_get(object, "metadata"), spec = json_get(object, "spec");
	bool is_partial = json_type(spec) == JSON_OBJECT && json_get(spec, "targetRef").at == NULL;
	const struct policy_card *held = is_partial ? held_card(inventory, metadata, namespace) : NULL;
	struct event event;
	out->len = 0;
	json_puts(out, "{\"type\":\"MODIFIED\",\"object\":{");
	for (struct json_member m = json_first(object); m.value.at != NULL; m = json_next(m)) {
		json_put_member_key(out, &m);
		if (m.value.at == metadata.at && json_type(metadata) == JSON_OBJECT)
			put_metadata(out, metadata, namespace);
		else if (m.value.at == spec.at && held != NULL && held->target_name[0] != '\0')
			put_spec(out, spec, held);
		else
			json_puttext(out, m.value);
	}
	json_puts(out, "},\"verification\":{\"verified\":true,\"reason\":\"Verified\","
	               "\"message\":\"as if it were: a card is tried\"}}");
	if (event_read(json_buffer_text(out), &event) != NULL || !event_is(&event, inventory->settings->names->agentcard_group, "AgentCard"))
		return "is no AgentCard";
	return NULL;
}

static struct policy_decision decide(const struct policy_inventory *inventory, const struct policy_card *card)
{
	struct policy_decision decision = {0};
	if (card->workload == NULL)
		policy_decide_alone(inventory, card, &decision);
	else
		policy_decide(inventory, card->workload, &decision);
	return decision;
}

/* Those behind the first `skipped`, which were there before. */
static size_t put_problems(struct json_buffer *out, const struct policy_decision *decision, size_t skipped, const char *before)
{
	struct json_buffer list = {0};
	size_t told = 0, index = 0;
	policy_problems_put(&decision->problems, &list);
	struct json_member m = json_first(json_buffer_text(&list));
	for (; m.value.at != NULL; m = json_next(m), index++) {
		if (index < skipped)
			continue;
		json_puts(out, before);
		if (before[0] == ' ')
			json_puts(out, json_equals(json_get(m.value, "severity"), "warning") ? "warning " : "problem ");
		if (!json_equals(json_get(m.value, "field"), "")) {
			explain_put_string(out, json_get(m.value, "field"));
			json_puts(out, ": ");
		}
		explain_put_string(out, json_get(m.value, "message"));
		json_putc(out, '\n');
		told++;
	}
	json_buffer_free(&list);
	return told;
}

void explain_target_put(struct json_buffer *out, const struct policy_inventory *inventory, const struct policy_card *card,
                        const struct policy_target *target)
{
	struct policy_decision decision = decide(inventory, card);
	struct policy_manifests manifests = {0};
	size_t before = decision.problems.errors + decision.problems.warnings;
	json_putf(out, "    target %s: ", target->word);
	if (decision.mode == POLICY_MODE_NONE) {
		json_puts(out, "no policy, because its pods are not known\n");
	} else {
		policy_render(target, inventory, &decision, &manifests);
		struct json_buffer told = {0};
		size_t count = put_problems(&told, &decision, before, "        ");
		json_puts(out, count == 0 ? "all of it\n" : "not all of it; what follows stays denied, or is done otherwise\n");
		json_puttext(out, json_buffer_text(&told));
		json_buffer_free(&told);
	}
	policy_manifests_free(&manifests);
	policy_decision_free(&decision);
}

bool explain_trial_put(struct json_buffer *out, const struct policy_inventory *inventory, const struct policy_card *card)
{
	struct policy_decision decision = decide(inventory, card);
	bool good = decision.problems.errors == 0;
	size_t index = 0;
	json_putf(out, "%s, tried as if it were verified\n    egress %s, %s: ", card->key,
	          policy_mode_words[decision.mode], decision.reason);
	json_put_plain(out, decision.message.at, decision.message.len);
	json_putc(out, '\n');
	put_problems(out, &decision, 0, "    ");
	for (struct json_member m = json_first(json_buffer_text(&decision.egress)); m.value.at != NULL; m = json_next(m)) {
		json_putf(out, "    egress[%zu]: ", index++);
		explain_put_rule_words(out, m.value, card->namespace->name);
		json_putc(out, '\n');
	}
	for (struct json_member m = json_first(decision.domains); m.value.at != NULL; m = json_next(m)) {
		json_puts(out, "    names ");
		explain_put_name_words(out, m.value);
		json_putc(out, '\n');
	}
	policy_decision_free(&decision);
	for (size_t i = 0; policy_targets[i] != NULL; i++)
		explain_target_put(out, inventory, card, policy_targets[i]);
	return good;
}
