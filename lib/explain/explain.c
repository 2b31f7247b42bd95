#include "explain/explain.h"

#include <stdio.h>
#include <string.h>

const char *const explain_confinement_words[] = {"confined", "unconfined", "undecided", "-"};

/* Of a workload whose pod template was not seen, what its pods surely have. */
static struct policy_labels labels_of(const struct policy_workload *workload)
{
	struct policy_labels labels = {.partial = true};
	if (workload == NULL)
		return labels;
	if (workload->labels != NULL)
		return (struct policy_labels){.known = json_of(workload->labels)};
	if (workload->selector != NULL)
		labels.known = json_get(json_of(workload->selector), "matchLabels");
	if (workload->selector != NULL && labels.known.at == NULL)
		labels.known = json_of("{}");
	return labels;
}

/* A Deployment before other kinds. */
static bool goes_before(const struct policy_workload *a, const struct policy_workload *b)
{
	bool a_first = strcmp(a->kind, "Deployment") == 0;
	bool b_first = b != NULL && strcmp(b->kind, "Deployment") == 0;
	return b == NULL || (a_first != b_first ? a_first : strcmp(a->key, b->key) < 0);
}

void world_put_labels(const struct world *world, const struct policy_workload *workload,
                      struct policy_destination *destination)
{
	snprintf(destination->namespace, sizeof destination->namespace, "%s", workload->namespace->name);
	snprintf(destination->name, sizeof destination->name, "%s", workload->name);
	destination->is_workload = true;
	destination->labels = labels_of(workload);
	destination->namespace_labels = policy_stored_namespace(world->stored, destination->namespace);
}

bool world_find_destination(struct world *world)
{
	struct policy_destination *destination = &world->destination;
	const struct policy_workload *found = NULL, *workload = world->inventory->workloads;
	for (; workload != NULL; workload = workload->hh.next)
		if (workload->present && strcmp(workload->name, destination->name) == 0 &&
		    strcmp(workload->namespace->name, destination->namespace) == 0 &&
		    goes_before(workload, found))
			found = workload;
	if (found == NULL)
		return false;
	world_put_labels(world, found, destination);
	return true;
}

static bool is_own(const struct policy_card *card, const struct policy_stored_object *policy)
{
	char key[EVENT_KEY_SIZE];
	if (card->workload == NULL || card->workload->object == NULL)
		return false;
	snprintf(key, sizeof key, "%s/%s", card->namespace->name, card->workload->object->name);
	return strcmp(key, policy->key) == 0;
}

static struct counted *append(struct explanation *explanation)
{
	if (explanation->count == explanation->size) {
		explanation->size = explanation->size * 2 + 8;
		explanation->policies = realloc(explanation->policies,
		                                explanation->size * sizeof *explanation->policies);
		if (explanation->policies == NULL)
			abort();
	}
	struct counted *counted = &explanation->policies[explanation->count++];
	*counted = (struct counted){0};
	return counted;
}

struct question {
	const struct world *world;
	struct explanation *explanation;
};

static void count_policy(void *context, const struct policy_stored_object *policy)
{
	const struct question *question = context;
	const struct world *world = question->world;
	struct explanation *explanation = question->explanation;
	const struct policy_card *card = explanation->card;
	struct json_text spec = json_get(policy_stored_text(policy), "spec");
	enum policy_answer selects = policy_limits_egress(spec, labels_of(card->workload));
	if (selects == POLICY_DENIED)
		return;
	bool own = is_own(card, policy);
	if (own) /* by what selects the workload's own pods, whatever labels those have */
		selects = POLICY_ALLOWED;
	struct counted *counted = append(explanation);
	counted->policy = policy;
	counted->egress = json_get(spec, "egress");
	counted->own = own;
	counted->selects = selects;
	explanation->limited = explanation->limited || selects == POLICY_ALLOWED;
	if (world->asked == NULL)
		return;
	counted->match = policy_evaluate(counted->egress, card->namespace->name, &world->destination);
	if (counted->match.answer > selects) {
		counted->match.answer = selects;
		counted->match.why = "whether it selects the pods was not seen";
	}
	if (counted->match.answer > explanation->answer)
		explanation->answer = counted->match.answer;
}

/* To single addresses alone, by TCP: what an agent that is not verified is given. */
static bool is_like_api_server(struct json_text rule)
{
	struct json_text to = json_get(rule, "to"), ports = json_get(rule, "ports");
	bool good = !json_is_empty(to) && !json_is_empty(ports);
	for (struct json_member m = json_first(ports); good && m.value.at; m = json_next(m))
		good = json_equals(json_get(m.value, "protocol"), "TCP") &&
		       json_type(json_get(m.value, "port")) == JSON_NUMBER &&
		       json_get(m.value, "endPort").at == NULL;
	for (struct json_member m = json_first(to); good && m.value.at; m = json_next(m)) {
		struct json_text cidr = json_get(m.value, "ipBlock", "cidr");
		struct policy_cidr range;
		good = policy_cidr_parse(json_plain(cidr), &range) == NULL &&
		       range.prefix == range.bits;
	}
	return good;
}

static enum policy_mode mode_of(struct json_text egress, bool verified)
{
	struct json_text first = json_first(egress).value;
	if (first.at == NULL)
		return POLICY_MODE_DENY_ALL;
	if (json_count(egress) == 1 && json_type(first) == JSON_OBJECT && json_is_empty(first))
		return POLICY_MODE_ALLOW_ALL;
	return json_count(egress) == 1 && !verified && is_like_api_server(first)
	               ? POLICY_MODE_RESTRICTIVE
	               : POLICY_MODE_SCOPED;
}

static void read_decision(const struct policy_card *card, struct explanation *explanation)
{
	struct policy_decision *decision = &explanation->decision;
	decision->mode = POLICY_MODE_NONE;
	decision->reason = "AsItStands";
	decision->message.len = 0;
	json_puts(&decision->message, "what its policy in the directory says");
	for (size_t i = 0; i < explanation->count; i++)
		if (explanation->policies[i].own)
			decision->mode = mode_of(explanation->policies[i].egress, card->verified);
}

static bool is_undecided(struct json_text gap)
{
	return json_equals(json_get(gap, "reason"), "Undecided");
}

/* Decisions that allow everything confine nobody: their records have no gaps. */
static void find_gaps(const struct world *world, struct explanation *explanation)
{
	static const char of_directory[] =
	        "[{\"reason\":\"Undecided\",\"message\":"
	        "\"a directory does not show what else the cluster has\"}]";
	explanation->record = (struct json_text){0};
	if (world->stands && explanation->decision.mode != POLICY_MODE_ALLOW_ALL) {
		explanation->gaps = json_of(of_directory);
		explanation->confinement = EXPLAIN_UNDECIDED;
		return;
	}
	if (!world->stands)
		explanation->record = explain_agents_find(world->agents, explanation->card->key);
	explanation->gaps = json_get(explanation->record, "gaps");
	explanation->confinement =
	        explanation->gaps.at == NULL ? EXPLAIN_NOT_LIMITED : EXPLAIN_CONFINED;
	for (struct json_member m = json_first(explanation->gaps); m.value.at; m = json_next(m))
		if (!is_undecided(m.value))
			explanation->confinement = EXPLAIN_UNCONFINED;
		else if (explanation->confinement == EXPLAIN_CONFINED)
			explanation->confinement = EXPLAIN_UNDECIDED;
}

/* A gap of a policy that was not counted, or of the pods themselves, may allow what no policy that
 * was counted does. */
static bool is_counted(const struct world *world, const struct explanation *explanation,
                       struct json_text object)
{
	const struct policy_stored_object *stored = NULL;
	char key[EVENT_KEY_SIZE];
	struct json_text namespace = json_plain(json_get(object, "namespace")),
	                 name = json_plain(json_get(object, "name"));
	if (!json_equals(json_get(object, "kind"), "NetworkPolicy") || name.at == NULL)
		return false;
	snprintf(key, sizeof key, "%.*s/%.*s", (int)namespace.len,
	         namespace.at == NULL ? "" : namespace.at, (int)name.len, name.at);
	for (size_t i = 0; i < explanation->count; i++)
		if (strcmp(explanation->policies[i].policy->key, key) == 0)
			return true;
	HASH_FIND_STR(world->stored->policies, key, stored);
	return stored != NULL && stored->unwanted; /* it will be gone */
}

/* What is asked for counts as if it were there, so objects that are missing or changed are no
 * doubt; what others' objects allow, and pods that no policy holds, are. */
static void doubt_denial(const struct world *world, struct explanation *explanation)
{
	if (explanation->answer != POLICY_DENIED)
		return;
	for (struct json_member m = json_first(explanation->gaps); m.value.at; m = json_next(m)) {
		if (is_undecided(m.value) || is_counted(world, explanation, json_get(m.value, "object")))
			continue;
		if (json_equals(json_get(m.value, "reason"), "HostNetwork")) {
			explanation->answer = POLICY_ALLOWED;
			explanation->why = "the agent's pods are on their host's network, where no "
			                   "policy holds";
			return;
		}
		explanation->answer = POLICY_UNKNOWN;
		explanation->why = "no NetworkPolicy allows it, but the agent is not confined to them";
	}
}

void explain(const struct world *world, const struct policy_card *card,
             struct explanation *explanation)
{
	struct question question = {world, explanation};
	struct policy_labels labels = labels_of(card->workload);
	explanation->card = card;
	explanation->count = 0;
	explanation->limited = false;
	explanation->answer = POLICY_DENIED;
	explanation->why = NULL;
	if (card->workload != NULL && !world->stands)
		policy_decide(world->inventory, card->workload, &explanation->decision);
	explain_index_each(world->index, card->namespace->name, labels, count_policy, &question);
	if (world->stands)
		read_decision(card, explanation);
	find_gaps(world, explanation);
	if (labels.known.at == NULL) {
		explanation->answer = POLICY_UNKNOWN;
		explanation->why = "which pods the agent has was not seen";
	} else if (explanation->count == 0) {
		explanation->answer = POLICY_ALLOWED;
		explanation->why = "no policy selects the agent's pods";
	} else if (!explanation->limited && explanation->answer == POLICY_DENIED) {
		explanation->answer = POLICY_UNKNOWN;
		explanation->why = "whether any policy selects the agent's pods was not seen";
	}
	if (world->asked != NULL)
		doubt_denial(world, explanation);
}

void explanation_free(struct explanation *explanation)
{
	policy_decision_free(&explanation->decision);
	free(explanation->policies);
	*explanation = (struct explanation){0};
}
