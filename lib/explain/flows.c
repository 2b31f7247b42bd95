/* Which agent a flow is of, where it goes, and what the policies make of it. flows_put.c says it. */
#include "explain/flows.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "explain/flows_private.h"
#include "explain/quote.h"
#include "flows/merge.h"
#include "k8s/selector.h"
#include "net/ranges.h"

enum { JUDGED_BYTES = sizeof(struct judged) + 64 }; /* what a destination is charged for, besides its text */

const struct counted *explain_own_policy(const struct explanation *explanation)
{
	for (size_t i = 0; i < explanation->count; i++)
		if (explanation->policies[i].own)
			return &explanation->policies[i];
	return NULL;
}

static size_t *space_of(struct explain_flows *flows, const struct policy_namespace *namespace)
{
	struct judged_space *space;
	HASH_FIND_PTR(flows->spaces, &namespace, space);
	if (space == NULL) {
		space = kube_alloc(1, sizeof *space);
		space->namespace = namespace;
		HASH_ADD_PTR(flows->spaces, namespace, space);
	}
	return &space->bytes;
}

static void add_agent(struct explain_flows *flows, const struct policy_card *card)
{
	struct judged_agent *agent = kube_alloc(1, sizeof *agent);
	explain(flows->world, card, &agent->explanation);
	policy_decision_free(&agent->explanation.decision); /* its policy is all that is asked for here */
	agent->explanation.decision = (struct policy_decision){0};
	const struct counted *own = explain_own_policy(&agent->explanation);
	agent->rules = own == NULL ? 0 : json_count(own->egress);
	agent->used = kube_alloc(agent->rules + 1, sizeof *agent->used);
	agent->bytes = space_of(flows, card->namespace);
	agent->card = card;
	HASH_ADD_PTR(flows->agents, card, agent);
}

struct explain_flows *explain_flows_new(const struct world *world, const struct flow_pods *pods,
                                        bool (*wanted)(void *context, const struct policy_card *card), void *context)
{
	struct explain_flows *flows = kube_alloc(1, sizeof *flows);
	flows->world = world;
	flows->pods = pods;
	for (const struct policy_card *card = world->inventory->cards; card != NULL; card = card->hh.next)
		if (card->workload != NULL && card == card->workload->cards && wanted(context, card))
			add_agent(flows, card); /* an agent is a workload, of the oldest of its cards */
	return flows;
}

static void free_agent(struct judged_agent *agent)
{
	struct judged *judged, *next;
	HASH_ITER(hh, agent->destinations, judged, next) {
		HASH_DEL(agent->destinations, judged);
		free(judged->why);
		free(judged);
	}
	explanation_free(&agent->explanation);
	free(agent->used);
	free(agent);
}

void explain_flows_free(struct explain_flows *flows)
{
	struct judged_agent *agent, *next;
	struct judged_space *space, *next_space;
	if (flows == NULL)
		return;
	HASH_ITER(hh, flows->agents, agent, next) {
		HASH_DEL(flows->agents, agent);
		free_agent(agent);
	}
	HASH_ITER(hh, flows->spaces, space, next_space) {
		HASH_DEL(flows->spaces, space);
		free(space);
	}
	json_buffer_free(&flows->key);
	free(flows);
}

/* The workload "namespace/kind/name"; NULL. */
static const struct policy_workload *named(struct explain_flows *flows, struct json_text namespace, struct json_text kind,
                                           struct json_text name)
{
	const struct policy_workload *workload = NULL;
	flows->key.len = 0;
	json_puttext(&flows->key, namespace);
	json_putc(&flows->key, '/');
	json_puttext(&flows->key, kind);
	json_putc(&flows->key, '/');
	json_puttext(&flows->key, name);
	HASH_FIND(hh, flows->world->inventory->workloads, flows->key.at, flows->key.len, workload);
	return workload;
}

/* The controller of its controller by the name's last part: a Deployment's ReplicaSet is NAME-HASH, a
 * CronJob's Job NAME-MINUTES. */
static const struct policy_workload *owner_of(struct explain_flows *flows, const struct flow_peer *peer)
{
	struct json_text name = peer->workload;
	bool is_set = json_same(peer->kind, json_of("ReplicaSet"));
	if (!is_set && !json_same(peer->kind, json_of("Job")))
		return NULL;
	while (name.len > 0 && name.at[name.len - 1] != '-')
		name.len--;
	if (name.len < 2)
		return NULL;
	name.len--;
	return named(flows, peer->namespace, json_of(is_set ? "Deployment" : "CronJob"), name);
}

/* The one workload of the namespace whose template these labels fit; NULL when there are none or several. */
static const struct policy_workload *labelled(struct explain_flows *flows, const struct flow_peer *peer)
{
	const struct policy_namespace *namespace = NULL;
	const struct policy_workload *found = NULL;
	if (peer->labels.at == NULL)
		return NULL;
	HASH_FIND(hh, flows->world->inventory->namespaces, peer->namespace.at, peer->namespace.len, namespace);
	const struct policy_workload *workload = namespace == NULL ? NULL : namespace->workloads;
	for (; workload != NULL; workload = workload->namespace_next) {
		if (!k8s_labels_fit_template(peer->labels, json_of(workload->labels)))
			continue;
		if (found != NULL)
			return NULL;
		found = workload;
	}
	return found;
}

static const struct policy_workload *workload_of(struct explain_flows *flows, const struct flow_peer *peer)
{
	const struct policy_workload *found = NULL;
	if (peer->namespace.at == NULL)
		return NULL;
	if (peer->workload.at == NULL)
		return labelled(flows, peer);
	found = named(flows, peer->namespace, peer->kind, peer->workload);
	return found != NULL && found->cards != NULL ? found : owner_of(flows, peer) != NULL ? owner_of(flows, peer) : found;
}

static struct judged_agent *agent_for(struct explain_flows *flows, const struct policy_workload *workload)
{
	struct judged_agent *agent = NULL;
	if (workload == NULL || workload->cards == NULL)
		return NULL;
	const struct policy_card *card = workload->cards;
	HASH_FIND_PTR(flows->agents, &card, agent);
	return agent;
}

/* What controllers call pods begins with the name of what made them, of which no less than this is left
 * where that is long. */
enum { POD_STEM = 40 };

static bool may_be_pod_of(const struct policy_workload *workload, struct json_text pod)
{
	size_t len = strlen(workload->name);
	len = len < POD_STEM ? len : POD_STEM;
	return pod.at == NULL || (pod.len >= len && memcmp(pod.at, workload->name, len) == 0);
}

/* Whether the flow may be of an agent, though which one it is of cannot be told: by labels that several
 * templates fit, or without labels and workload. */
static bool is_undetermined(struct explain_flows *flows, const struct flow *flow)
{
	const struct policy_namespace *namespace = NULL;
	const struct flow_peer *from = &flow->source;
	if (from->namespace.at == NULL)
		return flow_pods_unclear(flows->pods, flow);
	if (from->workload.at != NULL)
		return false;
	HASH_FIND(hh, flows->world->inventory->namespaces, from->namespace.at, from->namespace.len, namespace);
	const struct policy_workload *workload = namespace == NULL ? NULL : namespace->workloads;
	for (; workload != NULL; workload = workload->namespace_next)
		if ((from->labels.at != NULL ? k8s_labels_fit_template(from->labels, json_of(workload->labels)) : may_be_pod_of(workload, from->pod)) &&
		    agent_for(flows, workload) != NULL)
			return true;
	return false;
}

static void copy_name(char *to, size_t size, struct json_text name)
{
	size_t len = name.len < size ? name.len : size - 1;
	if (len > 0)
		memcpy(to, name.at, len);
	to[len] = '\0';
}

/* The pods of a workload, by the flow's labels where it has some. */
static void put_pods(struct explain_flows *flows, const struct flow_peer *to, struct explain_connection *connection)
{
	struct policy_destination *destination = &connection->destination;
	connection->workload = workload_of(flows, to);
	copy_name(destination->namespace, sizeof destination->namespace, to->namespace);
	copy_name(destination->name, sizeof destination->name, to->workload.at != NULL ? to->workload : to->pod);
	destination->is_workload = true;
	destination->namespace_labels = policy_stored_namespace(flows->world->stored, destination->namespace);
	destination->labels.partial = true;
	if (to->labels.at != NULL)
		destination->labels = (struct policy_labels){.known = to->labels};
	else if (connection->workload != NULL)
		world_put_labels(flows->world, connection->workload, destination);
}

/* False when the flow does not say where it goes. */
static bool put_connection(struct explain_flows *flows, const struct flow *flow, struct explain_connection *connection)
{
	static const enum policy_protocol protocols[] = {POLICY_TCP, POLICY_UDP, POLICY_SCTP};
	struct policy_destination *destination = &connection->destination;
	bool has_address = flow->destination.ip[0] != '\0' &&
	                   dns_address_parse(json_of(flow->destination.ip), &destination->cidr);
	if (flow->destination.namespace.at != NULL)
		put_pods(flows, &flow->destination, connection);
	destination->protocol = protocols[flow->protocol];
	destination->port = flow->port;
	return has_address || destination->is_workload;
}

/* A pod reaches itself whatever the policies say. */
static bool is_itself(const struct flow *flow)
{
	const struct flow_peer *from = &flow->source, *to = &flow->destination;
	if (from->ip[0] != '\0' && strcmp(from->ip, to->ip) == 0)
		return true;
	return from->pod.at != NULL && to->pod.at != NULL && json_same(from->namespace, to->namespace) &&
	       json_same(from->pod, to->pod);
}

static enum explain_fate fate_of(enum policy_answer answer, enum flow_verdict recorded)
{
	if (answer == POLICY_ALLOWED)
		return EXPLAIN_PASSES;
	if (recorded == FLOW_DENIED)
		return EXPLAIN_REFUSED;
	return answer == POLICY_DENIED ? EXPLAIN_CUT : EXPLAIN_DOUBTFUL;
}

/* The policy that says it, and where that is the agent's own, which rule is used. */
static void note_rule(struct judged_agent *agent, const struct policy_destination *destination, enum policy_answer egress,
                      struct judged *judged)
{
	const struct explanation *explanation = &agent->explanation;
	for (size_t i = 0; egress > POLICY_DENIED && i < explanation->count; i++) {
		const struct counted *counted = &explanation->policies[i];
		if (counted->match.answer != egress)
			continue;
		judged->policy = counted->policy;
		judged->match = counted->match;
		if (counted->own && counted->match.rule >= 0 && (size_t)counted->match.rule < agent->rules)
			agent->used[counted->match.rule] = true;
		return;
	}
	const struct counted *own = explain_own_policy(explanation);
	if (egress > POLICY_DENIED || own == NULL)
		return;
	judged->match = policy_evaluate_nearest(own->egress, agent->card->namespace->name, destination);
	judged->policy = judged->match.rule < 0 ? NULL : own->policy;
}

static void judge(struct explain_flows *flows, struct judged_agent *agent, const struct flow *flow, struct judged *judged)
{
	struct explanation *explanation = &agent->explanation;
	struct explain_connection connection = {.itself = is_itself(flow)};
	enum policy_answer egress = POLICY_DENIED;
	judged->recorded = flow->verdict;
	judged->match = (struct policy_match){POLICY_DENIED, -1, -1, -1, NULL};
	if (!put_connection(flows, flow, &connection)) {
		judged->fate = fate_of(POLICY_UNKNOWN, flow->verdict);
		judged->why = kube_copy("the flow does not say where it goes");
		return;
	}
	explanation_judge(flows->world, explanation, &connection);
	judged->fate = fate_of(explanation->answer, flow->verdict);
	judged->why = kube_copy(explanation->why);
	for (size_t i = 0; i < explanation->count; i++)
		if (explanation->policies[i].match.answer > egress)
			egress = explanation->policies[i].match.answer;
	note_rule(agent, &connection.destination, egress, judged);
	struct json_text name = explain_quote_name(agent->card, flow->names);
	if (judged->fate != EXPLAIN_PASSES && judged->why == NULL && name.at != NULL)
		judged->why = kube_format("the card has the name %.*s, which NetworkPolicies cannot hold: egress-resolve "
		                          "makes addresses of it, and some targets take names",
		                          (int)name.len, name.at);
	if (judged->why == NULL && judged->match.why != NULL)
		judged->why = kube_copy(judged->match.why);
}

static void widen(struct judged *judged, struct json_text time)
{
	int64_t ns;
	if (!flow_time(time, &ns))
		return;
	if (judged->first < 0 || ns < judged->first)
		judged->first = ns;
	if (ns > judged->last)
		judged->last = ns;
}

/* What makes two flows of an agent one. */
static struct json_text key_of(struct explain_flows *flows, const struct flow *flow)
{
	struct flow key = *flow;
	bool itself = is_itself(flow);
	key.source = (struct flow_peer){0};
	key.time = key.first = key.last = key.policy = (struct json_text){0};
	key.count = 0;
	key.incomplete = key.any_direction = key.would_deny = false;
	if (key.destination.workload.at != NULL && !itself)
		key.destination.pod = (struct json_text){0};
	flows->key.len = 0;
	flow_put(&key, &flows->key);
	json_putc(&flows->key, itself ? '=' : ' ');
	return json_buffer_text(&flows->key);
}

static bool charge(struct explain_flows *flows, struct judged_agent *agent, size_t bytes)
{
	if (HASH_COUNT(agent->destinations) >= FLOW_DESTINATIONS || flows->bytes + bytes > FLOW_MERGE_BYTES ||
	    *agent->bytes + bytes > FLOW_MERGE_BYTES / 4)
		return false;
	flows->bytes += bytes;
	*agent->bytes += bytes;
	return true;
}

static struct judged *keep(struct judged_agent *agent, const struct judged *judged, struct json_text key)
{
	struct judged *kept = kube_alloc(1, sizeof *kept + key.len);
	*kept = *judged;
	kept->text = (struct json_text){memcpy(kept + 1, key.at, key.len), key.len};
	kept->first = kept->last = -1;
	HASH_ADD_KEYPTR(hh, agent->destinations, kept->text.at, kept->text.len, kept);
	return kept;
}

static void take(struct explain_flows *flows, struct judged_agent *agent, const struct flow *flow)
{
	struct judged *kept, fresh = {0};
	uint64_t count = flow->count > 0 ? flow->count : 1;
	struct json_text key = key_of(flows, flow);
	HASH_FIND(hh, agent->destinations, key.at, key.len, kept);
	if (kept == NULL) {
		size_t bytes = key.len + JUDGED_BYTES + EXPLAIN_SAID_SIZE;
		judge(flows, agent, flow, &fresh);
		key = key_of(flows, flow); /* the buffer was used meanwhile */
		kept = charge(flows, agent, bytes) ? keep(agent, &fresh, key) : NULL;
	}
	uint64_t *of = &agent->of[kept != NULL ? kept->fate : fresh.fate];
	*of = flow_sum(*of, count);
	if (kept == NULL) {
		bool cut = fresh.fate == EXPLAIN_CUT || fresh.fate == EXPLAIN_DOUBTFUL;
		agent->beyond = flow_sum(agent->beyond, count);
		agent->beyond_cut = flow_sum(agent->beyond_cut, cut ? count : 0);
		free(fresh.why);
		return;
	}
	kept->count = flow_sum(kept->count, count);
	widen(kept, flow->time);
	widen(kept, flow->first);
	widen(kept, flow->last);
}

const char *explain_flows_take(struct explain_flows *flows, struct json_text line)
{
	struct flow flow;
	const char *wrong = flow_read(line, &flow);
	if (wrong != NULL)
		return wrong;
	flow_pods_name(flows->pods, &flow);
	struct judged_agent *agent = agent_for(flows, workload_of(flows, &flow.source));
	if (agent == NULL) {
		uint64_t *of = is_undetermined(flows, &flow) ? &flows->undetermined : &flows->unmatched;
		*of = flow_sum(*of, flow.count > 0 ? flow.count : 1);
		return NULL;
	}
	agent->incomplete |= flow.incomplete;
	take(flows, agent, &flow);
	return NULL;
}

struct explain_flows_count explain_flows_count(const struct explain_flows *flows)
{
	struct explain_flows_count count = {.unmatched = flows->unmatched, .undetermined = flows->undetermined};
	for (const struct judged_agent *agent = flows->agents; agent != NULL; agent = agent->hh.next) {
		for (int i = 0; i < EXPLAIN_FATES; i++)
			count.of[i] = flow_sum(count.of[i], agent->of[i]);
		count.incomplete += agent->incomplete;
	}
	return count;
}
