/* NetworkPolicy (networking.k8s.io/v1), and what is built like it: EKS's ApplicationNetworkPolicy
 * and GKE's FQDNNetworkPolicy. Also reads the agent's own rules, which have the same form. */
#include "policy/evidence_private.h"

enum evidence_answer evidence_select_pods(struct evidence_reading *reading,
                                          const struct evidence_pods *pods, struct json_text spec)
{
	struct evidence_selector selector =
	        evidence_selector_read(&reading->arena, json_get(spec, "podSelector"));
	return evidence_selects(reading, pods, &selector);
}

static void read_port(struct evidence_reading *reading, struct evidence_rule *rule,
                      struct json_text entry)
{
	static const char *const members[] = {"protocol", "port", "endPort", NULL};
	enum evidence_protocol protocol;
	struct json_text number = json_get(entry, "port"), last = json_get(entry, "endPort");
	bool known = evidence_only(entry, members) &&
	             evidence_protocol_read(json_get(entry, "protocol"), &protocol);
	struct evidence_port *port =
	        evidence_add_port(&reading->arena, rule, known ? protocol : EVIDENCE_TCP);
	port->unread = !known;
	port->every = !evidence_is_set(number);
	if (json_type(number) == JSON_STRING) {
		port->name = evidence_string(&reading->arena, number);
		/* OVN-Kubernetes takes the integer of a port that is a name, 0, and so every port
		 * of the protocol (its go-controller, gress_policy.go). */
		port->every = !reading->ours && reading->evidence->cni == EVIDENCE_CNI_OVN;
	} else if (!port->every && !json_integer(number, &port->first)) {
		port->unread = true;
	}
	port->last = port->first;
	if (evidence_is_set(last) && !json_integer(last, &port->last))
		port->unread = true;
	if (port->name.at == NULL && port->first <= 1 && port->last >= 65535)
		port->every = true;
}

static void read_ports(struct evidence_reading *reading, struct evidence_rule *rule,
                       struct json_text ports)
{
	if (evidence_is_set(ports) && json_type(ports) != JSON_ARRAY) {
		evidence_add_port(&reading->arena, rule, EVIDENCE_EVERY_PROTOCOL);
		return;
	}
	for (struct json_member m = json_first(ports); m.value.at; m = json_next(m))
		read_port(reading, rule, m.value);
	if (rule->port_count == 0)
		evidence_add_port(&reading->arena, rule, EVIDENCE_EVERY_PROTOCOL);
}

static void read_pods(struct evidence_reading *reading, struct evidence_rule *rule,
                      struct json_text namespaces, struct json_text pods)
{
	struct evidence_peer *peer = evidence_add_peer(&reading->arena, rule, EVIDENCE_PODS);
	peer->pods = evidence_selector_read(&reading->arena, pods);
	if (evidence_is_set(namespaces))
		peer->namespaces = evidence_selector_read(&reading->arena, namespaces);
	else
		peer->namespace = reading->namespace;
}

static void read_names(struct evidence_reading *reading, struct evidence_rule *rule,
                       struct json_text names)
{
	for (struct json_member m = json_first(names); m.value.at; m = json_next(m)) {
		struct json_text name = evidence_string(&reading->arena, m.value);
		evidence_add_peer(&reading->arena, rule,
		                  name.at == NULL ? EVIDENCE_UNREAD : EVIDENCE_DNS_NAME)
		        ->name = name;
	}
}

static void read_peer(struct evidence_reading *reading, struct evidence_rule *rule,
                      struct json_text entry)
{
	static const char *const members[] = {"ipBlock", "namespaceSelector", "podSelector",
	                                      "domainNames", NULL};
	static const char *const parts[] = {"cidr", "except", NULL};
	struct json_text block = json_get(entry, "ipBlock"),
	                 namespaces = json_get(entry, "namespaceSelector"),
	                 pods = json_get(entry, "podSelector"),
	                 names = json_get(entry, "domainNames");
	bool selects = evidence_is_set(namespaces) || evidence_is_set(pods);
	int kinds = evidence_is_set(block) + selects + evidence_is_set(names);
	if (!evidence_only(entry, members) || kinds != 1 ||
	    (evidence_is_set(block) && !evidence_only(block, parts)))
		evidence_add_peer(&reading->arena, rule, EVIDENCE_UNREAD);
	else if (evidence_is_set(block))
		evidence_add_cidr(&reading->arena, rule, json_get(block, "cidr"),
		                  json_get(block, "except"), false);
	else if (selects)
		read_pods(reading, rule, namespaces, pods);
	else
		read_names(reading, rule, names);
}

static void read_peers(struct evidence_reading *reading, struct evidence_rule *rule,
                       struct json_text peers)
{
	for (struct json_member m = json_first(peers); m.value.at; m = json_next(m))
		read_peer(reading, rule, m.value);
	if (json_is_empty(peers))
		evidence_add_peer(&reading->arena, rule, EVIDENCE_ANYWHERE);
}

void evidence_read_rules(struct evidence_reading *reading, struct json_text rules,
                         const char *path)
{
	static const char *const egress[] = {"to", "ports", NULL};
	static const char *const ingress[] = {"from", "ports", NULL};
	const char *const *members = reading->ingress ? ingress : egress;
	int index = 0;
	if (evidence_is_set(rules) && json_type(rules) != JSON_ARRAY)
		evidence_emit_everything(reading, path, -1);
	for (struct json_member m = json_first(rules); m.value.at && !reading->stop;
	     m = json_next(m)) {
		struct evidence_rule rule = {.path = path, .index = index};
		index++;
		struct json_text peers = json_get(m.value, members[0]);
		if (!evidence_only(m.value, members) ||
		    (evidence_is_set(peers) && json_type(peers) != JSON_ARRAY)) {
			evidence_emit_everything(reading, path, rule.index);
			continue;
		}
		read_peers(reading, &rule, peers);
		read_ports(reading, &rule, json_get(m.value, "ports"));
		reading->rule(reading, &rule);
	}
}

void evidence_read_domains(struct evidence_reading *reading, struct json_text domains)
{
	int index = 0;
	for (struct json_member m = json_first(domains); m.value.at; m = json_next(m)) {
		struct evidence_rule rule = {.path = "spec.domains", .index = index};
		index++;
		read_names(reading, &rule, json_get(m.value, "names"));
		read_ports(reading, &rule, json_get(m.value, "ports"));
		reading->rule(reading, &rule);
	}
}

static bool has_type(struct json_text types, const char *type)
{
	for (struct json_member m = json_first(types); m.value.at; m = json_next(m))
		if (json_equals(m.value, type))
			return true;
	return false;
}

void evidence_read_networkpolicy(struct evidence_reading *reading, struct json_text spec)
{
	static const char *const members[] = {"podSelector", "policyTypes", "ingress", "egress",
	                                      NULL};
	const char *path = reading->ingress ? "spec.ingress" : "spec.egress";
	struct json_text types = json_get(spec, "policyTypes");
	struct json_text rules = json_get(spec, reading->ingress ? "ingress" : "egress");
	if (!evidence_only(spec, members)) {
		evidence_emit_everything(reading, "spec", -1);
		return;
	}
	/* Cilium adds up the rules of a policy also when policyTypes does not name their direction
	 * (its ParseNetworkPolicy() looks at policyTypes for empty lists alone). */
	bool cilium = reading->evidence->cni == EVIDENCE_CNI_CILIUM ||
	              reading->evidence->cni == EVIDENCE_CNI_UNKNOWN;
	if (json_is_empty(types) || cilium ||
	    has_type(types, reading->ingress ? "Ingress" : "Egress"))
		evidence_read_rules(reading, rules, path);
}

/* EKS's controller takes a port that has a name, beside DNS names, for every port. */
static bool has_names(struct json_text peers)
{
	for (struct json_member m = json_first(peers); m.value.at; m = json_next(m))
		if (json_get(m.value, "domainNames").at != NULL)
			return true;
	return false;
}

static bool has_named_port(struct json_text ports)
{
	for (struct json_member m = json_first(ports); m.value.at; m = json_next(m))
		if (json_type(json_get(m.value, "port")) == JSON_STRING)
			return true;
	return false;
}

void evidence_read_aws(struct evidence_reading *reading, struct json_text spec)
{
	int index = 0;
	struct json_text rules = json_get(spec, "egress");
	for (struct json_member m = json_first(rules); m.value.at && !reading->ingress;
	     m = json_next(m), index++)
		if (has_names(json_get(m.value, "to")) && has_named_port(json_get(m.value, "ports")))
			evidence_emit_everything(reading, "spec.egress", index);
	evidence_read_networkpolicy(reading, spec);
}

static void read_match(struct evidence_reading *reading, struct evidence_rule *rule,
                       struct json_text match)
{
	static const char *const members[] = {"name", "pattern", NULL};
	struct json_text name = json_get(match, "name");
	if (!evidence_is_set(name))
		name = json_get(match, "pattern");
	name = evidence_string(&reading->arena, name);
	bool known = evidence_only(match, members) && json_count(match) == 1 && name.at != NULL;
	evidence_add_peer(&reading->arena, rule, known ? EVIDENCE_DNS_NAME : EVIDENCE_UNREAD)
	        ->name = name;
}

/* An absent protocol is every one, not TCP (gke-networking-api, FQDNNetworkPolicy). */
static void read_fqdn_ports(struct evidence_reading *reading, struct evidence_rule *rule,
                            struct json_text ports)
{
	for (struct json_member m = json_first(ports); m.value.at; m = json_next(m)) {
		if (!evidence_is_set(json_get(m.value, "protocol")) ||
		    json_equals(json_get(m.value, "protocol"), "ALL"))
			evidence_add_port(&reading->arena, rule, EVIDENCE_EVERY_PROTOCOL);
		else
			read_port(reading, rule, m.value);
	}
	if (rule->port_count == 0)
		evidence_add_port(&reading->arena, rule, EVIDENCE_EVERY_PROTOCOL);
}

void evidence_read_fqdn(struct evidence_reading *reading, struct json_text spec)
{
	static const char *const members[] = {"podSelector", "egress", NULL};
	static const char *const parts[] = {"matches", "ports", NULL};
	struct json_text rules = json_get(spec, "egress");
	int index = 0;
	if (reading->ingress)
		return;
	if (!evidence_only(spec, members) ||
	    (evidence_is_set(rules) && json_type(rules) != JSON_ARRAY)) {
		evidence_emit_everything(reading, "spec", -1);
		return;
	}
	for (struct json_member m = json_first(rules); m.value.at && !reading->stop;
	     m = json_next(m)) {
		struct evidence_rule rule = {.path = "spec.egress", .index = index};
		index++;
		struct json_text matches = json_get(m.value, "matches");
		if (!evidence_only(m.value, parts) || json_is_empty(matches))
			evidence_add_peer(&reading->arena, &rule, EVIDENCE_ANYWHERE);
		for (struct json_member n = json_first(matches); n.value.at; n = json_next(n))
			read_match(reading, &rule, n.value);
		read_fqdn_ports(reading, &rule, json_get(m.value, "ports"));
		reading->rule(reading, &rule);
	}
}
