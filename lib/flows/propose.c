/* What is held: agents from the events, and what the flows add to them. propose_put.c writes the cards. */
#include "flows/propose.h"

#include <stdlib.h>
#include <string.h>

#include "flows/fields_private.h"
#include "flows/propose_private.h"
#include "json/write.h"
#include "k8s/event.h"
#include "k8s/selector.h"
#include "net/ranges.h"

static void *allocated(size_t size)
{
	void *at = calloc(1, size);
	if (at == NULL)
		abort();
	return at;
}

static char *text_of(struct json_text text)
{
	char *copy = allocated(text.len + 1);
	if (text.len > 0)
		memcpy(copy, text.at, text.len);
	return copy;
}

struct flow_proposals *flow_proposals_new(const struct flow_propose_settings *settings)
{
	struct flow_proposals *proposals = allocated(sizeof *proposals);
	proposals->settings = *settings;
	return proposals;
}

static void free_peers(struct proposed_agent *agent)
{
	struct proposed_peer *peer, *next;
	HASH_ITER(hh, agent->peers, peer, next)
	{
		HASH_DEL(agent->peers, peer);
		while (peer->ports != NULL) {
			struct proposed_port *port = peer->ports;
			peer->ports = port->next;
			free(port);
		}
		free(peer->text);
		free(peer->seen);
		free(peer);
	}
}

static void free_agent(struct proposed_agent *agent)
{
	free_peers(agent);
	while (agent->changes != NULL) {
		struct proposed_change *change = agent->changes;
		agent->changes = change->next;
		free(change);
	}
	free(agent->key);
	free(agent->namespace);
	free(agent->name);
	free(agent->api_version);
	free(agent->kind);
	free(agent->workload);
	free(agent);
}

static void free_named(struct proposed_named **table)
{
	struct proposed_named *named, *next;
	HASH_ITER(hh, *table, named, next)
	{
		HASH_DEL(*table, named);
		free(named->labels);
		free(named);
	}
}

void flow_proposals_free(struct flow_proposals *proposals)
{
	struct proposed_agent *agent, *next;
	if (proposals == NULL)
		return;
	HASH_ITER(hh, proposals->agents, agent, next)
	{
		HASH_DEL(proposals->agents, agent);
		free_agent(agent);
	}
	free_named(&proposals->workloads);
	free_named(&proposals->namespaces);
	free_named(&proposals->servers);
	json_buffer_free(&proposals->scratch);
	free(proposals);
}

/* "a/b/c" in the scratch. */
static struct json_text key_of(struct flow_proposals *p, struct json_text a, struct json_text b, struct json_text c)
{
	p->scratch.len = 0;
	json_puttext(&p->scratch, a);
	json_putc(&p->scratch, '/');
	json_puttext(&p->scratch, b);
	json_putc(&p->scratch, '/');
	json_puttext(&p->scratch, c);
	return json_buffer_text(&p->scratch);
}

static struct proposed_named *find_named(struct proposed_named *table, struct json_text key)
{
	struct proposed_named *named;
	HASH_FIND(hh, table, key.at, key.len, named);
	return named;
}

static struct proposed_named *name(struct proposed_named **table, struct json_text key)
{
	struct proposed_named *named = find_named(*table, key);
	if (named != NULL)
		return named;
	named = allocated(sizeof *named + key.len + 1);
	memcpy(named->key, key.at, key.len);
	HASH_ADD_KEYPTR(hh, *table, named->key, key.len, named);
	return named;
}

static void note_verdict(struct proposed_agent *agent, bool verified, int64_t ns)
{
	if (agent->changes != NULL && agent->changes->verified == verified)
		return;
	struct proposed_change *change = allocated(sizeof *change);
	*change = (struct proposed_change){ns, verified, agent->changes};
	agent->changes = change;
}

/* The agent that a card makes of its workload. Two cards of one workload are one agent, of the card that was first. */
static struct proposed_agent *add_agent(struct flow_proposals *p, const struct event *card, struct json_text kind,
                                        struct json_text workload)
{
	struct json_text key = key_of(p, card->namespace, kind, workload);
	struct proposed_agent *agent;
	HASH_FIND(hh, p->agents, key.at, key.len, agent);
	if (agent != NULL)
		return agent;
	agent = allocated(sizeof *agent);
	agent->key = text_of(key);
	agent->namespace = text_of(card->namespace);
	agent->name = text_of(card->name);
	agent->api_version = text_of(card->api_version);
	agent->kind = text_of(kind);
	agent->workload = text_of(workload);
	agent->first = agent->last = -1;
	HASH_ADD_KEYPTR(hh, p->agents, agent->key, strlen(agent->key), agent);
	struct proposed_named *namespace = name(&p->namespaces, card->namespace);
	agent->next = namespace->agents;
	namespace->agents = agent;
	return agent;
}

static void take_card(struct flow_proposals *p, const struct event *card, int64_t ns)
{
	struct json_text target = json_get(card->object, "spec", "targetRef"), rules = json_get(card->object, "spec", "networkPolicy");
	struct json_text kind = json_plain(json_get(target, "kind")), workload = json_plain(json_get(target, "name"));
	if (!flow_is_word(kind) || !flow_is_word(workload))
		return;
	struct proposed_agent *agent = add_agent(p, card, kind, workload);
	bool gone = card->type == EVENT_DELETED;
	if (strcmp(agent->name, "") != 0 && !json_same(json_of(agent->name), card->name) && !agent->gone)
		return;
	if (agent->gone && !gone) {
		free(agent->name);
		agent->name = text_of(card->name);
	}
	agent->gone = gone;
	agent->has_rules = json_type(json_get(rules, "egress")) == JSON_ARRAY || json_type(json_get(rules, "domains")) == JSON_ARRAY;
	note_verdict(agent, !gone && json_is_true(json_get(card->verification, "verified")), ns);
}

/* Only workloads that have a pod template; a pod stands for itself. */
static void take_workload(struct flow_proposals *p, const struct event *workload)
{
	static const char *const templates[] = {"template", "podTemplate"};
	for (size_t i = 0; i < 2; i++) {
		struct json_text labels = json_get(workload->object, "spec", templates[i], "metadata", "labels");
		if (json_type(labels) != JSON_OBJECT || !field_are_labels(labels) || policy_labels_check(labels) != NULL)
			continue;
		struct proposed_named *named = name(&p->workloads, key_of(p, workload->namespace, workload->kind, workload->name));
		free(named->labels);
		named->labels = workload->type == EVENT_DELETED ? NULL : text_of(labels);
		return;
	}
}

static void note_server(struct flow_proposals *p, struct json_text address)
{
	char ip[FLOW_ADDRESS_SIZE] = "";
	if (address.len > 0 && field_address(address, ip))
		name(&p->servers, json_of(ip));
}

/* The Service "kubernetes" in "default" is the API server; its addresses stand in Endpoints, and in slices. */
static void take_server(struct flow_proposals *p, const struct event *event)
{
	if (!json_same(event->namespace, json_of("default")))
		return;
	if (event_is(event, "", "Endpoints") && json_same(event->name, json_of("kubernetes")))
		for (struct json_member s = json_first(json_get(event->object, "subsets")); s.value.at != NULL; s = json_next(s))
			for (struct json_member a = json_first(json_get(s.value, "addresses")); a.value.at != NULL; a = json_next(a))
				note_server(p, json_plain(json_get(a.value, "ip")));
	if (event_is(event, "discovery.k8s.io", "EndpointSlice") &&
	    json_equals(json_get(event->metadata, "labels", "kubernetes.io/service-name"), "kubernetes"))
		for (struct json_member e = json_first(json_get(event->object, "endpoints")); e.value.at != NULL; e = json_next(e))
			for (struct json_member a = json_first(json_get(e.value, "addresses")); a.value.at != NULL; a = json_next(a))
				note_server(p, json_plain(a.value));
}

const char *flow_proposals_event(struct flow_proposals *p, struct json_text line)
{
	struct event event;
	const char *wrong = event_read(line, &event);
	int64_t ns = 0;
	if (wrong != NULL)
		return wrong;
	(void)flow_time(json_plain(json_get(line, "time")), &ns);
	if (event.type == EVENT_BOOKMARK || event.type == EVENT_ERROR)
		return NULL;
	if (event_is(&event, p->settings.group, "AgentCard"))
		take_card(p, &event, ns);
	take_workload(p, &event);
	take_server(p, &event);
	return NULL;
}

static bool is_of_template(const struct proposed_named *workload, struct json_text labels)
{
	return workload != NULL && k8s_labels_fit_template(labels, json_of(workload->labels));
}

/* A ReplicaSet's name is its Deployment's, a dash and a hash of digits and consonants. */
static bool is_of_deployment(const struct proposed_agent *agent, const struct flow_peer *peer)
{
	size_t len = strlen(agent->workload);
	if (strcmp(agent->kind, "Deployment") != 0 || !json_same(peer->kind, json_of("ReplicaSet")) || peer->workload.at == NULL ||
	    peer->workload.len < len + 2 || memcmp(peer->workload.at, agent->workload, len) != 0 || peer->workload.at[len] != '-')
		return false;
	return memchr(peer->workload.at + len + 1, '-', peer->workload.len - len - 1) == NULL;
}

/* The agent whose pod it is: by the workload, else by the labels of the one template that fits. */
static struct proposed_agent *find_agent(struct flow_proposals *p, const struct flow_peer *peer)
{
	struct proposed_agent *agent = NULL, *found = NULL;
	if (peer->namespace.at == NULL)
		return NULL;
	if (peer->workload.at != NULL) {
		struct json_text key = key_of(p, peer->namespace, peer->kind, peer->workload);
		HASH_FIND(hh, p->agents, key.at, key.len, agent);
		if (agent != NULL)
			return agent;
	}
	const struct proposed_named *namespace = find_named(p->namespaces, peer->namespace);
	for (agent = namespace == NULL ? NULL : namespace->agents; agent != NULL; agent = agent->next) {
		if (is_of_deployment(agent, peer))
			return agent;
		if (peer->workload.at != NULL || !is_of_template(find_named(p->workloads, json_of(agent->key)), peer->labels))
			continue;
		if (found != NULL)
			return NULL;
		found = agent;
	}
	return found;
}

/* What the last event before that time said; a flow without a time is judged as of now. */
static bool was_verified(const struct proposed_agent *agent, int64_t ns)
{
	const struct proposed_change *change = agent->changes;
	while (change != NULL && ns > 0 && change->ns > ns)
		change = change->next;
	return change != NULL && change->verified;
}

static struct proposed_peer *find_peer(struct proposed_agent *agent, enum proposed_kind kind, const char *why, struct json_text text)
{
	struct proposed_peer *peer;
	struct json_buffer key = {0};
	json_putc(&key, "bpnl"[kind]);
	json_puttext(&key, text);
	HASH_FIND(hh, agent->peers, key.at, key.len, peer);
	if (peer == NULL && HASH_COUNT(agent->peers) >= FLOW_DESTINATIONS) {
		agent->incomplete = true;
	} else if (peer == NULL) {
		peer = allocated(sizeof *peer);
		peer->kind = kind;
		peer->why = why;
		peer->text = text_of(json_buffer_text(&key));
		HASH_ADD_KEYPTR(hh, agent->peers, peer->text, key.len, peer);
	}
	json_buffer_free(&key);
	return peer;
}

static struct proposed_port *find_port(struct proposed_peer *peer, const struct flow *flow)
{
	struct proposed_port **at = &peer->ports;
	while (*at != NULL && ((*at)->port < flow->port || ((*at)->port == flow->port && (*at)->protocol < flow->protocol)))
		at = &(*at)->next;
	if (*at != NULL && (*at)->port == flow->port && (*at)->protocol == flow->protocol)
		return *at;
	struct proposed_port *port = allocated(sizeof *port);
	*port = (struct proposed_port){.port = flow->port, .protocol = flow->protocol, .next = *at};
	return *at = port;
}

static void note_seen(struct proposed_peer *peer, struct json_text who)
{
	if (who.at == NULL || (peer->seen != NULL && json_same(json_of(peer->seen), who)))
		return;
	peer->others += peer->seen != NULL;
	free(peer->seen);
	peer->seen = text_of(who);
}

static void add(struct proposed_agent *agent, enum proposed_kind kind, const char *why, struct json_text text, const struct flow *flow)
{
	struct proposed_peer *peer = find_peer(agent, kind, why, text);
	uint64_t count = flow->count > 0 ? flow->count : 1;
	if (peer == NULL)
		return;
	struct proposed_port *port = find_port(peer, flow);
	port->flows += count;
	port->unjudged += flow->verdict == FLOW_UNJUDGED ? count : 0;
	port->denied += flow->verdict == FLOW_DENIED ? count : 0;
	port->undirected += flow->any_direction ? count : 0;
	note_seen(peer, kind == PROPOSED_PODS ? flow->destination.pod : json_of(flow->destination.ip));
}

/* Labels that controllers put on the pods of one revision, or on one pod. */
static bool is_of_controller(struct json_text key)
{
	static const char *const prefixes[] = {"pod-template-hash", "controller-revision-hash", "statefulset.kubernetes.io/",
	                                       "apps.kubernetes.io/", "batch.kubernetes.io/", "job-name", "controller-uid",
	                                       "agents.x-k8s.io/"};
	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
		size_t len = strlen(prefixes[i]);
		bool is_prefix = prefixes[i][len - 1] == '/';
		if (key.len >= len && memcmp(key.at, prefixes[i], len) == 0 && (is_prefix || key.len == len))
			return true;
	}
	return false;
}

/* "namespace" and the labels that all pods like this one have; false when none are known. */
static bool put_pods(struct json_buffer *out, const struct flow_peer *to)
{
	size_t begin;
	out->len = 0;
	json_puttext(out, to->namespace);
	json_putc(out, '\n');
	begin = out->len;
	json_putc(out, '{');
	for (struct json_member m = json_first(to->labels); m.value.at != NULL; m = json_next(m)) {
		if (is_of_controller(json_plain(m.key)))
			continue;
		json_put_member(out, &m);
	}
	json_putc(out, '}');
	return out->len > begin + 2;
}

static const char *why_not_an_address(const struct flow_proposals *p, const char *ip)
{
	struct policy_cidr address;
	const char *refused;
	if (find_named(p->servers, json_of(ip)) != NULL)
		return "the API server";
	if (!dns_address_parse(json_of(ip), &address))
		return "an address that no rule can hold";
	refused = dns_ranges_refuse(&(struct dns_ranges){0}, &address);
	if (refused == NULL)
		return NULL;
	/* private networks are what rules are for */
	if (strstr(refused, "metadata") != NULL)
		return "a cloud's metadata address";
	return strstr(refused, "multicast") != NULL || strstr(refused, "loopback") != NULL ||
	                       strstr(refused, "unspecified") != NULL || strstr(refused, "link-local") != NULL
	               ? "no address of another host"
	               : NULL;
}

static void add_to_pods(struct flow_proposals *p, struct proposed_agent *agent, const struct flow *flow)
{
	const struct flow_peer *to = &flow->destination;
	const struct proposed_agent *other = find_agent(p, to);
	if (other == agent)
		return; /* a pod's connections to its own kind need no rule in most networks, and are a mesh's in the rest */
	if (other != NULL) {
		struct json_text text = key_of(p, json_of(other->namespace), json_of(other->kind), json_of(other->workload));
		add(agent, PROPOSED_LISTED, "another agent", text, flow);
	} else if (put_pods(&p->scratch, to)) {
		add(agent, PROPOSED_PODS, NULL, json_buffer_text(&p->scratch), flow);
	} else {
		struct json_text text = key_of(p, to->namespace, json_of("Pod"), to->pod);
		add(agent, PROPOSED_LISTED, "a pod whose labels are not known", text, flow);
	}
}

static void add_names(struct flow_proposals *p, struct proposed_agent *agent, const struct flow *flow)
{
	bool one = json_count(flow->names) == 1;
	if (!one && !p->settings.any_name) {
		add(agent, PROPOSED_LISTED, "an address of several names", json_of(flow->destination.ip), flow);
		return;
	}
	for (struct json_member m = json_first(flow->names); m.value.at != NULL; m = json_next(m)) {
		struct json_text name_of = json_plain(m.value);
		if (name_of.len > 1 && name_of.at[name_of.len - 1] == '.')
			name_of.len--; /* the root's dot */
		add(agent, PROPOSED_NAME, NULL, name_of, flow);
	}
}

static void add_destination(struct flow_proposals *p, struct proposed_agent *agent, const struct flow *flow)
{
	const struct flow_peer *to = &flow->destination;
	const char *why = to->ip[0] == '\0' ? NULL : why_not_an_address(p, to->ip);
	if (why != NULL)
		add(agent, PROPOSED_LISTED, why, json_of(to->ip), flow);
	else if (to->namespace.at != NULL)
		add_to_pods(p, agent, flow);
	else if (!json_is_empty(flow->names))
		add_names(p, agent, flow);
	else if (to->ip[0] != '\0')
		add(agent, PROPOSED_BLOCK, NULL, json_of(to->ip), flow);
	else
		add(agent, PROPOSED_LISTED, "no address", json_of("unknown"), flow);
}

static void widen(struct proposed_agent *agent, struct json_text time)
{
	int64_t ns;
	if (!flow_time(time, &ns))
		return;
	if (agent->first < 0 || ns < agent->first)
		agent->first = ns;
	if (ns > agent->last)
		agent->last = ns;
}

const char *flow_proposals_flow(struct flow_proposals *p, struct json_text line)
{
	struct flow flow;
	const char *wrong = flow_read(line, &flow);
	int64_t ns = 0;
	if (wrong != NULL)
		return wrong;
	bool timed = flow_time(flow.last.at != NULL ? flow.last : flow.time, &ns);
	if (p->settings.since > 0 && (!timed || ns < p->settings.since))
		return NULL;
	struct proposed_agent *agent = find_agent(p, &flow.source);
	uint64_t count = flow.count > 0 ? flow.count : 1;
	if (agent == NULL || agent->gone) {
		p->unmatched += count;
		return NULL;
	}
	agent->incomplete |= flow.incomplete;
	if (!was_verified(agent, ns)) {
		agent->unverified += count;
	} else if (flow.verdict == FLOW_DENIED && !p->settings.denied) {
		agent->denied += count;
	} else {
		agent->flows += count;
		widen(agent, flow.time);
		widen(agent, flow.first);
		widen(agent, flow.last);
		add_destination(p, agent, &flow);
	}
	return NULL;
}
