/* Calico's NetworkPolicy, GlobalNetworkPolicy and Tier (projectcalico.org/v3), as docs.tigera.io
 * describes them in its reference.
 *
 * Tiers are asked in their order. Ours is the tier "default", where Kubernetes' NetworkPolicies
 * are, too: what an earlier tier allows is never asked of it, and within it the orders of
 * policies do not help, since ours allows what it does and denies nothing by a rule. Pass in an
 * earlier tier hands on to ours; in our own it hands over our head to later tiers, and at last to
 * the profile of the namespace, which allows. */
#include <stdio.h>
#include <stdlib.h>

#include "policy/evidence_private.h"

enum evidence_answer evidence_select_calico(struct evidence_reading *reading,
                                            const struct evidence_pods *pods,
                                            struct json_text spec)
{
	enum evidence_answer of_pods =
	        evidence_calico_selects(reading, pods, false, json_get(spec, "selector"));
	enum evidence_answer of_namespaces = evidence_calico_selects(
	        reading, pods, true, json_get(spec, "namespaceSelector"));
	return of_pods < of_namespaces ? of_pods : of_namespaces;
}

enum evidence_answer evidence_select_all(struct evidence_reading *reading,
                                         const struct evidence_pods *pods, struct json_text spec)
{
	(void)reading;
	(void)pods;
	(void)spec;
	return EVIDENCE_YES;
}

/* False when the tier, or its order, is not known; without an order it is behind all that have
 * one. */
static bool tier_order(const struct evidence *evidence, struct json_text name, double *order)
{
	char key[64 + 256], number[32];
	struct evidence_object *tier = NULL;
	snprintf(key, sizeof key, "Tier/projectcalico.org//%.*s", (int)name.len, name.at);
	HASH_FIND_STR(evidence->objects, key, tier);
	if (tier == NULL || tier->spec == NULL)
		return false;
	struct json_text value = json_get(json_first(json_of(tier->spec)).value, "order");
	if (!evidence_is_set(value)) {
		*order = 1e300;
		return true;
	}
	if (json_type(value) != JSON_NUMBER || value.len >= sizeof number)
		return false;
	memcpy(number, value.at, value.len);
	number[value.len] = '\0';
	*order = strtod(number, NULL);
	return true;
}

/* Tiers behind ours are not asked about pods that ours selects. */
static bool is_behind_ours(struct evidence_reading *reading, struct json_text tier)
{
	double order, ours;
	struct json_text name = evidence_string(&reading->arena, tier);
	return name.at != NULL && name.len < 256 && tier_order(reading->evidence, name, &order) &&
	       tier_order(reading->evidence, json_of("default"), &ours) && order > ours;
}

/* What a tier does with what none of its policies decides; of ours it must be Deny. */
void evidence_read_tier(struct evidence_reading *reading, struct json_text spec)
{
	struct json_text action = json_get(spec, "defaultAction");
	if (text_is(json_of(reading->name), "default") && evidence_is_set(action) &&
	    !json_equals(action, "Deny"))
		evidence_emit_everything(reading, "spec.defaultAction", -1);
}

static struct json_text between(struct json_text text, char mark, struct json_text *rest)
{
	const char *at = memchr(text.at, mark, text.len);
	if (at == NULL)
		return (struct json_text){0};
	*rest = (struct json_text){at + 1, (size_t)(text.at + text.len - at - 1)};
	return (struct json_text){text.at, (size_t)(at - text.at)};
}

static bool number_read(struct json_text text, int64_t *number)
{
	*number = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9' || text.len > 5)
			return false;
		*number = *number * 10 + (text.at[i] - '0');
	}
	return text.len > 0;
}

/* A number, "first:last", or the name of a pod's port. */
static void read_port(struct evidence_reading *reading, struct evidence_rule *rule,
                      enum evidence_protocol protocol, struct json_text entry)
{
	struct evidence_port *port = evidence_add_port(&reading->arena, rule, protocol);
	struct json_text word = evidence_string(&reading->arena, entry), last = {0};
	if (json_type(entry) == JSON_NUMBER) {
		port->unread = !json_integer(entry, &port->first);
		port->last = port->first;
		return;
	}
	if (word.at == NULL) {
		port->unread = true;
		return;
	}
	struct json_text first = between(word, ':', &last);
	if (first.at != NULL)
		port->unread = !number_read(first, &port->first) || !number_read(last, &port->last);
	else if (number_read(word, &port->first))
		port->last = port->first;
	else
		port->name = word;
	port->every = !port->unread && port->name.at == NULL && port->first <= 1 &&
	              port->last >= 65535;
}

static bool is_icmp(struct json_text protocol)
{
	int64_t number = 0;
	return json_equals(protocol, "ICMP") || json_equals(protocol, "ICMPv6") ||
	       (json_integer(protocol, &number) && (number == 1 || number == 58));
}

static bool protocol_read(struct json_text word, enum evidence_protocol *protocol)
{
	static const int numbers[] = {6, 17, 132};
	int64_t number = 0;
	if (json_integer(word, &number)) {
		for (int i = 0; i < 3; i++) {
			if (numbers[i] == number) {
				*protocol = (enum evidence_protocol)i;
				return true;
			}
		}
		return false;
	}
	return evidence_is_set(word) && evidence_protocol_read(word, protocol);
}

static void read_ports(struct evidence_reading *reading, struct evidence_rule *rule,
                       struct json_text protocol, struct json_text ports)
{
	enum evidence_protocol which;
	if (is_icmp(protocol))
		return;
	if (!protocol_read(protocol, &which)) {
		evidence_add_port(&reading->arena, rule, EVIDENCE_EVERY_PROTOCOL);
		return;
	}
	for (struct json_member m = json_first(ports); m.value.at; m = json_next(m))
		read_port(reading, rule, which, m.value);
	if (rule->port_count == 0)
		evidence_add_port(&reading->arena, rule, which)->every = true;
}

static bool take_prefix(struct json_text *text, const char *prefix)
{
	size_t len = strlen(prefix);
	if (text->len < len || memcmp(text->at, prefix, len) != 0)
		return false;
	text->at += len;
	text->len -= len;
	return true;
}

/* Calico's selectors select network sets, and so addresses, as well as pods, unless they ask for
 * the label that Calico itself gives to pods of Kubernetes. */
static void read_selected(struct evidence_reading *reading, struct evidence_rule *rule,
                          struct json_text selector, struct json_text namespaces)
{
	struct evidence_selector all = evidence_calico_read(&reading->arena, selector);
	struct evidence_selector of_namespaces = evidence_calico_read(&reading->arena, namespaces);
	struct evidence_peer *peer = evidence_add_peer(&reading->arena, rule, EVIDENCE_UNREAD);
	bool pods_alone = false;
	if (all.unread || of_namespaces.unread)
		return;
	for (size_t i = 0; i < all.count; i++) {
		struct evidence_requirement part = all.at[i];
		if (text_is(part.key, "projectcalico.org/orchestrator"))
			pods_alone = part.operator == EVIDENCE_IN && part.count == 1 &&
			             text_is(part.values[0], "k8s");
		else if (text_is(part.key, "projectcalico.org/namespace") ||
		         take_prefix(&part.key, "pcns."))
			evidence_require(&reading->arena, &of_namespaces, part);
		else if (!take_prefix(&part.key, "projectcalico.org/") &&
		         !take_prefix(&part.key, "pcsa."))
			evidence_require(&reading->arena, &peer->pods, part);
	}
	for (size_t i = 0; i < of_namespaces.count; i++)
		if (text_is(of_namespaces.at[i].key, "projectcalico.org/name") ||
		    text_is(of_namespaces.at[i].key, "projectcalico.org/namespace"))
			of_namespaces.at[i].key = json_of(EVIDENCE_NAME_LABEL);
	peer->namespaces = of_namespaces;
	if (!evidence_is_set(namespaces))
		peer->namespace = reading->namespace;
	peer->kind = pods_alone ? EVIDENCE_PODS : EVIDENCE_UNREAD;
}

static void read_nets(struct evidence_reading *reading, struct evidence_rule *rule,
                      struct json_text nets, struct json_text except)
{
	for (struct json_member m = json_first(nets); m.value.at; m = json_next(m))
		evidence_add_cidr(&reading->arena, rule, m.value, except, true);
}

/* What a rule says of the other end. Each of its members narrows; one that is understood is
 * enough, and what is left out makes it wider. */
static void read_entity(struct evidence_reading *reading, struct evidence_rule *rule,
                        struct json_text entity)
{
	static const char *const members[] = {
	        "nets", "notNets", "selector", "notSelector", "namespaceSelector", "ports",
	        "notPorts", "serviceAccounts", "services", "domains", NULL};
	struct json_text nets = json_get(entity, "nets"), selector = json_get(entity, "selector"),
	                 namespaces = json_get(entity, "namespaceSelector"),
	                 domains = json_get(entity, "domains");
	bool whole = !evidence_is_set(entity) || evidence_only(entity, members);
	if (whole && json_type(nets) == JSON_ARRAY && !json_is_empty(nets)) {
		read_nets(reading, rule, nets, json_get(entity, "notNets"));
	} else if (whole && json_type(domains) == JSON_ARRAY && !json_is_empty(domains)) {
		for (struct json_member m = json_first(domains); m.value.at; m = json_next(m)) {
			struct json_text name = evidence_string(&reading->arena, m.value);
			evidence_add_peer(&reading->arena, rule,
			                  name.at == NULL ? EVIDENCE_UNREAD : EVIDENCE_DNS_NAME)
			        ->name = name;
		}
	} else if (whole && (evidence_is_set(selector) || evidence_is_set(namespaces))) {
		read_selected(reading, rule, selector, namespaces);
	} else { /* what is not understood, too */
		evidence_add_peer(&reading->arena, rule, EVIDENCE_ANYWHERE);
	}
}

static bool is_action(struct json_text rule, const char *action)
{
	return json_equals(json_get(rule, "action"), action);
}

static void read_rule(struct evidence_reading *reading, struct json_text entry, bool of_our_tier,
                      const char *path, int index)
{
	static const char *const members[] = {"action",      "ipVersion", "protocol",
	                                      "notProtocol", "icmp",      "notICMP",
	                                      "source",      "destination", "http",
	                                      "metadata",    NULL};
	struct evidence_rule rule = {.path = path, .index = index};
	if (is_action(entry, "Deny") || is_action(entry, "Log") ||
	    (is_action(entry, "Pass") && !of_our_tier))
		return;
	if (!evidence_only(entry, members)) {
		evidence_emit_everything(reading, path, index);
		return;
	}
	read_entity(reading, &rule, json_get(entry, reading->ingress ? "source" : "destination"));
	read_ports(reading, &rule, json_get(entry, "protocol"),
	           json_get(entry, "destination", "ports"));
	reading->rule(reading, &rule);
}

static bool has_type(struct json_text types, const char *type)
{
	for (struct json_member m = json_first(types); m.value.at; m = json_next(m))
		if (json_equals(m.value, type))
			return true;
	return false;
}

void evidence_read_calico(struct evidence_reading *reading, struct json_text spec)
{
	static const char *const members[] = {
	        "tier", "order", "selector", "namespaceSelector", "serviceAccountSelector",
	        "types", "ingress", "egress", "doNotTrack", "preDNAT", "applyOnForward",
	        "performanceHints", NULL};
	const char *path = reading->ingress ? "spec.ingress" : "spec.egress";
	struct json_text rules = json_get(spec, reading->ingress ? "ingress" : "egress");
	struct json_text types = json_get(spec, "types"), tier = json_get(spec, "tier");
	int index = 0;
	bool of_our_tier = !evidence_is_set(tier) || json_equals(tier, "default") ||
	                   json_equals(tier, "");
	if (!evidence_only(spec, members) ||
	    (evidence_is_set(rules) && json_type(rules) != JSON_ARRAY)) {
		evidence_emit_everything(reading, "spec", -1);
		return;
	}
	if ((!json_is_empty(types) && !has_type(types, reading->ingress ? "Ingress" : "Egress")) ||
	    (!of_our_tier && is_behind_ours(reading, tier)))
		return;
	for (struct json_member m = json_first(rules); m.value.at && !reading->stop;
	     m = json_next(m))
		read_rule(reading, m.value, of_our_tier, path, index++);
}
