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
	struct policy_destination *destination = &world->connection.destination;
	const struct policy_workload *found = NULL, *workload = world->inventory->workloads;
	for (; workload != NULL; workload = workload->hh.next)
		if (workload->present && strcmp(workload->name, destination->name) == 0 &&
		    strcmp(workload->namespace->name, destination->namespace) == 0 &&
		    goes_before(workload, found))
			found = workload;
	if (found == NULL)
		return false;
	world_put_labels(world, found, destination);
	world->connection.workload = found;
	return true;
}

static bool is_own(const struct policy_workload *workload, const struct policy_stored_object *policy)
{
	char key[EVENT_KEY_SIZE];
	if (workload == NULL || workload->object == NULL)
		return false;
	snprintf(key, sizeof key, "%s/%s", workload->namespace->name, workload->object->name);
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
	struct explanation *explanation = question->explanation;
	const struct policy_card *card = explanation->card;
	struct json_text spec = json_get(policy_stored_text(policy), "spec");
	enum policy_answer selects = policy_limits_egress(spec, labels_of(card->workload));
	if (selects == POLICY_DENIED)
		return;
	bool own = is_own(card->workload, policy);
	if (own) /* by what selects the workload's own pods, whatever labels those have */
		selects = POLICY_ALLOWED;
	struct counted *counted = append(explanation);
	counted->policy = policy;
	counted->egress = json_get(spec, "egress");
	counted->own = own;
	counted->selects = selects;
	explanation->limited = explanation->limited || selects == POLICY_ALLOWED;
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

/* A policy's name does not tell its workload's kind, so a manifest of any kind counts. */
static bool is_on_host_network(const struct world *world, const struct policy_workload *workload)
{
	char key[EVENT_KEY_SIZE + POLICY_LABEL_SIZE];
	for (int i = 0; workload != NULL && i < K8S_WORKLOADS; i++) {
		const struct policy_workload *found = NULL;
		snprintf(key, sizeof key, "%s/%s/%s", workload->namespace->name, k8s_workloads[i].kind.kind,
		         workload->name);
		HASH_FIND_STR(world->inventory->workloads, key, found);
		if (found != NULL && found->host_network == K8S_HOST_NETWORK_YES)
			return true;
	}
	return false;
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
	static const char of_host[] =
	        "[{\"reason\":\"HostNetwork\",\"message\":"
	        "\"the workload's manifest has its pods on their host's network, where no policy holds\"}]";
	explanation->record = (struct json_text){0};
	if (world->stands && is_on_host_network(world, explanation->card->workload)) {
		explanation->gaps = json_of(of_host);
		explanation->confinement = EXPLAIN_UNCONFINED;
		return;
	}
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

static void judge_policy(struct explanation *explanation, struct counted *counted,
                         const struct policy_destination *destination)
{
	counted->match = policy_evaluate(counted->egress, explanation->card->namespace->name, destination);
	if (counted->match.answer > counted->selects) {
		counted->match.answer = counted->selects;
		counted->match.why = "whether it selects the pods was not seen";
	}
	if (counted->match.answer > explanation->answer)
		explanation->answer = counted->match.answer;
}

/* What the policies say of the egress; without any there is nothing that limits it. */
static void judge_egress(struct explanation *explanation, const struct policy_destination *destination)
{
	explanation->answer = POLICY_DENIED;
	explanation->why = NULL;
	for (size_t i = 0; destination != NULL && i < explanation->count; i++)
		judge_policy(explanation, &explanation->policies[i], destination);
	if (labels_of(explanation->card->workload).known.at == NULL) {
		explanation->answer = POLICY_UNKNOWN;
		explanation->why = "which pods the agent has was not seen";
	} else if (explanation->count == 0) {
		explanation->answer = POLICY_ALLOWED;
		explanation->why = "no policy selects the agent's pods";
	} else if (!explanation->limited && explanation->answer == POLICY_DENIED) {
		explanation->answer = POLICY_UNKNOWN;
		explanation->why = "whether any policy selects the agent's pods was not seen";
	}
}

/* What the policies of the destination let in. */
struct ingress {
	const struct explain_connection *connection;
	struct policy_destination source;
	const struct policy_stored_object *first; /* that limits it */
	enum policy_answer sure, perhaps;         /* what those allow that surely, or perhaps, select it */
	bool limited;
};

static void count_ingress(void *context, const struct policy_stored_object *policy)
{
	struct ingress *ingress = context;
	const struct policy_destination *destination = &ingress->connection->destination;
	struct json_text spec = json_get(policy_stored_text(policy), "spec");
	enum policy_answer selects = policy_limits_ingress(spec, destination->labels);
	if (selects == POLICY_DENIED)
		return;
	if (is_own(ingress->connection->workload, policy))
		selects = POLICY_ALLOWED;
	enum policy_answer *answer = selects == POLICY_ALLOWED ? &ingress->sure : &ingress->perhaps;
	enum policy_answer found = policy_evaluate_ingress(json_get(spec, "ingress"), destination->namespace,
	                                                   &ingress->source)
	                                   .answer;
	ingress->limited = ingress->limited || selects == POLICY_ALLOWED;
	if (ingress->first == NULL)
		ingress->first = policy;
	if (found > *answer)
		*answer = found;
}

/* Without a policy that selects it, anybody may connect to a pod, and policies add up. */
static enum policy_answer sum_up(const struct ingress *ingress)
{
	if (ingress->first == NULL || ingress->sure == POLICY_ALLOWED)
		return POLICY_ALLOWED;
	if (!ingress->limited || ingress->sure == POLICY_UNKNOWN || ingress->perhaps > POLICY_DENIED)
		return POLICY_UNKNOWN;
	return POLICY_DENIED;
}

static void judge_ingress(const struct world *world, struct explanation *explanation,
                          const struct explain_connection *connection)
{
	const struct policy_destination *destination = &connection->destination;
	struct ingress ingress = {.connection = connection};
	bool none = connection->workload != NULL && connection->workload->host_network == K8S_HOST_NETWORK_YES;
	if (explanation->answer == POLICY_DENIED || !destination->is_workload || none)
		return;
	if (explanation->card->workload != NULL)
		world_put_labels(world, explanation->card->workload, &ingress.source);
	ingress.source.is_workload = true;
	ingress.source.port = destination->port;
	ingress.source.protocol = destination->protocol;
	explain_index_each(world->index, destination->namespace, destination->labels, count_ingress, &ingress);
	enum policy_answer answer = sum_up(&ingress);
	if (answer >= explanation->answer)
		return;
	snprintf(explanation->said, sizeof explanation->said,
	         answer == POLICY_DENIED ? "egress %s, ingress of %s/%s refuses"
	                                 : "egress %s, whether the ingress of %s/%s lets it in is not known",
	         policy_answer_words[explanation->answer], destination->namespace, destination->name);
	explanation->answer = answer;
	explanation->why = explanation->said;
	explanation->refuses = ingress.first;
}

/* Addresses that clusters give to pods and Services: RFC 1918, RFC 6598 and RFC 4193. */
static bool is_private(const struct policy_cidr *address)
{
	static const char *const ranges[] = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"};
	struct policy_cidr range;
	for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
		if (policy_cidr_parse(json_of(ranges[i]), &range) == NULL && policy_cidr_holds(&range, address))
			return true;
	return false;
}

/* Policies see the pods behind such an address, where there are some, and a rule for pods may allow them. */
static void doubt_address(struct explanation *explanation, const struct policy_destination *destination)
{
	if (explanation->answer != POLICY_DENIED || destination->is_workload || !is_private(&destination->cidr))
		return;
	for (size_t i = 0; i < explanation->count; i++) {
		if (!policy_reaches_pods(explanation->policies[i].egress, destination))
			continue;
		explanation->answer = POLICY_UNKNOWN;
		explanation->why = "no rule has the address; it may be a pod's or a Service's, and rules for pods have the port";
		return;
	}
}

void explanation_judge(const struct world *world, struct explanation *explanation,
                       const struct explain_connection *connection)
{
	explanation->refuses = NULL;
	judge_egress(explanation, &connection->destination);
	doubt_denial(world, explanation);
	doubt_address(explanation, &connection->destination);
	judge_ingress(world, explanation, connection);
	if (connection->itself && explanation->answer != POLICY_ALLOWED) {
		explanation->answer = POLICY_ALLOWED;
		explanation->why = "a pod always reaches itself; other pods of its workload are another matter";
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
	explanation->refuses = NULL;
	if (card->workload != NULL && !world->stands)
		policy_decide(world->inventory, card->workload, &explanation->decision);
	explain_index_each(world->index, card->namespace->name, labels, count_policy, &question);
	if (world->stands)
		read_decision(card, explanation);
	find_gaps(world, explanation);
	struct explain_connection connection = world->connection;
	connection.itself = card->workload != NULL && connection.workload == card->workload;
	if (world->asked != NULL)
		explanation_judge(world, explanation, &connection);
	else
		judge_egress(explanation, NULL);
}

void explanation_free(struct explanation *explanation)
{
	policy_decision_free(&explanation->decision);
	free(explanation->policies);
	*explanation = (struct explanation){0};
}
