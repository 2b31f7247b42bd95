/* Policies of admins, in tiers around NetworkPolicy: AdminNetworkPolicy (policy.networking.k8s.io
 * v1alpha1), ClusterNetworkPolicy (v1alpha2) and EKS's ClusterNetworkPolicy.
 *
 * A rule of the Admin tier that allows (Allow, Accept) ends the evaluation before any
 * NetworkPolicy is asked. Deny can only narrow; Pass hands on to the NetworkPolicies, ours among
 * them. The Baseline tier is asked only about pods that no NetworkPolicy selects, and ours does
 * (network-policy-api, "Policies of the Admin tier", "Baseline tier"). */
#include "policy/evidence_private.h"

static enum evidence_answer least(enum evidence_answer a, enum evidence_answer b)
{
	return a < b ? a : b;
}

enum evidence_answer evidence_select_subject(struct evidence_reading *reading,
                                             const struct evidence_pods *pods,
                                             struct json_text spec)
{
	static const char *const members[] = {"namespaces", "pods", NULL};
	static const char *const parts[] = {"namespaceSelector", "podSelector", NULL};
	struct json_text subject = json_get(spec, "subject");
	struct json_text whole = json_get(subject, "namespaces"), some = json_get(subject, "pods");
	struct evidence_selector namespaces, selected = {0};
	if (!evidence_only(subject, members) || json_count(subject) != 1 ||
	    (evidence_is_set(some) && !evidence_only(some, parts)))
		return EVIDENCE_MAYBE;
	namespaces = evidence_selector_read(
	        &reading->arena, evidence_is_set(some) ? json_get(some, parts[0]) : whole);
	if (evidence_is_set(some))
		selected = evidence_selector_read(&reading->arena, json_get(some, parts[1]));
	return least(evidence_selects_namespace(reading, &namespaces, json_of(pods->namespace)),
	             evidence_selects(reading, pods, &selected));
}

static void read_pods(struct evidence_reading *reading, struct evidence_rule *rule,
                      struct json_text pods)
{
	static const char *const members[] = {"namespaceSelector", "podSelector", NULL};
	bool known = evidence_only(pods, members);
	struct evidence_peer *peer = evidence_add_peer(&reading->arena, rule,
	                                               known ? EVIDENCE_PODS : EVIDENCE_UNREAD);
	peer->namespaces = evidence_selector_read(&reading->arena, json_get(pods, members[0]));
	peer->pods = evidence_selector_read(&reading->arena, json_get(pods, members[1]));
}

static void read_peer(struct evidence_reading *reading, struct evidence_rule *rule,
                      struct json_text entry)
{
	struct json_text namespaces = json_get(entry, "namespaces"), pods = json_get(entry, "pods"),
	                 networks = json_get(entry, "networks"),
	                 names = json_get(entry, "domainNames");
	if (json_count(entry) == 1 && json_type(networks) == JSON_ARRAY) {
		for (struct json_member m = json_first(networks); m.value.at; m = json_next(m))
			evidence_add_cidr(&reading->arena, rule, m.value, (struct json_text){0},
			                  false);
	} else if (json_count(entry) == 1 && json_type(names) == JSON_ARRAY) {
		for (struct json_member m = json_first(names); m.value.at; m = json_next(m)) {
			struct json_text name = evidence_string(&reading->arena, m.value);
			evidence_add_peer(&reading->arena, rule,
			                  name.at == NULL ? EVIDENCE_UNREAD : EVIDENCE_DNS_NAME)
			        ->name = name;
		}
	} else if (json_count(entry) == 1 && json_type(namespaces) == JSON_OBJECT) {
		evidence_add_peer(&reading->arena, rule, EVIDENCE_PODS)->namespaces =
		        evidence_selector_read(&reading->arena, namespaces);
	} else if (json_count(entry) == 1 && json_type(pods) == JSON_OBJECT) {
		read_pods(reading, rule, pods);
	} else { /* nodes, and what is newer than this */
		evidence_add_peer(&reading->arena, rule, EVIDENCE_UNREAD);
	}
}

static void add_range(struct evidence_reading *reading, struct evidence_rule *rule,
                      struct json_text protocol, struct json_text first, struct json_text last)
{
	enum evidence_protocol which;
	bool known = evidence_protocol_read(protocol, &which);
	struct evidence_port *port =
	        evidence_add_port(&reading->arena, rule, known ? which : EVIDENCE_TCP);
	port->unread = !known || !json_integer(first, &port->first) ||
	               !json_integer(last, &port->last);
	port->every = !port->unread && port->first <= 1 && port->last >= 65535;
}

/* A name has no protocol here: the pods' container ports of that name do, each its own. */
static void add_name(struct evidence_reading *reading, struct evidence_rule *rule,
                     struct json_text name)
{
	for (int protocol = EVIDENCE_TCP; protocol <= EVIDENCE_SCTP; protocol++) {
		struct evidence_port *port = evidence_add_port(&reading->arena, rule,
		                                               (enum evidence_protocol)protocol);
		port->name = evidence_string(&reading->arena, name);
		port->unread = port->name.at == NULL;
		port->every = reading->evidence->cni == EVIDENCE_CNI_OVN;
	}
}

/* An entry of v1alpha1's and EKS's `ports`. */
static void read_port(struct evidence_reading *reading, struct evidence_rule *rule,
                      struct json_text entry)
{
	static const char *const one[] = {"portNumber", NULL}, *const range[] = {"portRange", NULL},
	                  *const named[] = {"namedPort", NULL};
	struct json_text number = json_get(entry, one[0]), ports = json_get(entry, range[0]);
	if (evidence_only(entry, one) && evidence_is_set(number))
		add_range(reading, rule, json_get(number, "protocol"), json_get(number, "port"),
		          json_get(number, "port"));
	else if (evidence_only(entry, range) && evidence_is_set(ports))
		add_range(reading, rule, json_get(ports, "protocol"), json_get(ports, "start"),
		          json_get(ports, "end"));
	else if (evidence_only(entry, named))
		add_name(reading, rule, json_get(entry, named[0]));
	else
		evidence_add_port(&reading->arena, rule, EVIDENCE_EVERY_PROTOCOL);
}

static void read_destination(struct evidence_reading *reading, struct evidence_rule *rule,
                             enum evidence_protocol protocol, struct json_text destination)
{
	struct json_text number = json_get(destination, "number"),
	                 range = json_get(destination, "range");
	struct evidence_port *port = evidence_add_port(&reading->arena, rule, protocol);
	if (json_is_empty(destination) && json_type(destination) != JSON_OBJECT)
		port->every = !evidence_is_set(destination);
	if (json_type(destination) != JSON_OBJECT) {
		port->unread = evidence_is_set(destination);
		return;
	}
	if (json_count(destination) == 1 && json_integer(number, &port->first))
		port->last = port->first;
	else if (json_count(destination) != 1 ||
	         !json_integer(json_get(range, "start"), &port->first) ||
	         !json_integer(json_get(range, "end"), &port->last))
		port->unread = true;
	port->every = !port->unread && port->first <= 1 && port->last >= 65535;
}

/* An entry of v1alpha2's `protocols`: {"tcp":{"destinationPort":{"number":443}}}. */
static void read_protocol(struct evidence_reading *reading, struct evidence_rule *rule,
                          struct json_text entry)
{
	static const char *const words[] = {"tcp", "udp", "sctp"};
	static const char *const members[] = {"destinationPort", NULL};
	if (json_count(entry) == 1 && evidence_is_set(json_get(entry, "destinationNamedPort"))) {
		add_name(reading, rule, json_get(entry, "destinationNamedPort"));
		return;
	}
	for (int i = 0; i < 3; i++) {
		struct json_text protocol = json_get(entry, words[i]);
		if (json_count(entry) != 1 || !evidence_only(protocol, members))
			continue;
		read_destination(reading, rule, (enum evidence_protocol)i,
		                 json_get(protocol, members[0]));
		return;
	}
	evidence_add_port(&reading->arena, rule, EVIDENCE_EVERY_PROTOCOL);
}

static void read_rule(struct evidence_reading *reading, struct json_text rule, const char *path,
                      int index)
{
	static const char *const members[] = {"name", "action", "to", "from", "ports", "protocols",
	                                      NULL};
	struct evidence_rule read = {.path = path, .index = index};
	struct json_text peers = json_get(rule, reading->ingress ? "from" : "to"),
	                 ports = json_get(rule, "ports"), protocols = json_get(rule, "protocols");
	if (json_equals(json_get(rule, "action"), "Deny") ||
	    json_equals(json_get(rule, "action"), "Pass"))
		return;
	bool lists = json_type(peers) == JSON_ARRAY && !json_is_empty(peers) &&
	             (!evidence_is_set(ports) || json_type(ports) == JSON_ARRAY) &&
	             (!evidence_is_set(protocols) || json_type(protocols) == JSON_ARRAY);
	if (!evidence_only(rule, members) || !lists) {
		evidence_emit_everything(reading, path, index);
		return;
	}
	for (struct json_member m = json_first(peers); m.value.at; m = json_next(m))
		read_peer(reading, &read, m.value);
	for (struct json_member m = json_first(ports); m.value.at; m = json_next(m))
		read_port(reading, &read, m.value);
	for (struct json_member m = json_first(protocols); m.value.at; m = json_next(m))
		read_protocol(reading, &read, m.value);
	if (read.port_count == 0)
		evidence_add_port(&reading->arena, &read, EVIDENCE_EVERY_PROTOCOL);
	reading->rule(reading, &read);
}

void evidence_read_admin(struct evidence_reading *reading, struct json_text spec)
{
	static const char *const members[] = {"subject", "priority", "tier", "ingress", "egress",
	                                      NULL};
	const char *path = reading->ingress ? "spec.ingress" : "spec.egress";
	struct json_text rules = json_get(spec, reading->ingress ? "ingress" : "egress");
	int index = 0;
	if (json_equals(json_get(spec, "tier"), "Baseline"))
		return;
	if (!evidence_only(spec, members) ||
	    (evidence_is_set(rules) && json_type(rules) != JSON_ARRAY)) {
		evidence_emit_everything(reading, "spec", -1);
		return;
	}
	for (struct json_member m = json_first(rules); m.value.at && !reading->stop;
	     m = json_next(m))
		read_rule(reading, m.value, path, index++);
}
