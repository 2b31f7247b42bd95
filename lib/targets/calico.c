/* projectcalico.org/v3, GlobalNetworkPolicy: docs.tigera.io, its reference page. It is of the whole
 * cluster, so each says whose namespace it is for. Several policies of the default tier add up, and
 * what none of them allows is denied at the tier's end, as with NetworkPolicy. */
#include <stdio.h>
#include <string.h>

#include "targets/calico_selector_private.h"
#include "rules/ports.h"
#include "rules/rules.h"
#include "targets/target.h"
#include "json/write.h"

/* Bounds of the CRD; the order is that of NetworkPolicies in Calico. */
enum { RULES_MAX = 1024, PORTS_MAX = 50, ORDER = 1000 };

static const char *const protocols[] = {"TCP", "UDP", "SCTP"};

struct writing {
	struct policy_decision *decision;
	struct json_buffer *out;
	struct json_buffer entity; /* members of what a rule is for */
	size_t rules;              /* written */
	bool full;                 /* more were wanted than there may be */
};

static bool is_of(struct json_text port, enum policy_port_kinds which, const char *protocol)
{
	return policy_port_is(port, which) && json_equals(json_get(port, "protocol"), protocol);
}

static size_t count_of(struct json_text ports, enum policy_port_kinds which, const char *protocol,
                       bool *all)
{
	size_t count = 0;
	*all = false;
	for (struct json_member m = json_first(ports); m.value.at; m = json_next(m)) {
		if (!is_of(m.value, which, protocol))
			continue;
		count++;
		*all = *all || json_get(m.value, "port").at == NULL;
	}
	return count;
}

static void put_port(struct json_buffer *out, struct json_text port)
{
	struct json_text number = json_get(port, "port"), end = json_get(port, "endPort");
	json_put_comma(out);
	if (end.at == NULL)
		json_puttext(out, number);
	else
		json_putf(out, "\"%.*s:%.*s\"", (int)number.len, number.at, (int)end.len, end.at);
}

/* The ports of a protocol from the `skip`th on, as many as one rule may have. */
static void put_ports(struct json_buffer *out, struct json_text ports, enum policy_port_kinds which,
                      const char *protocol, size_t skip)
{
	size_t index = 0;
	for (struct json_member m = json_first(ports); m.value.at; m = json_next(m)) {
		if (!is_of(m.value, which, protocol))
			continue;
		if (index >= skip && index < skip + PORTS_MAX)
			put_port(out, m.value);
		index++;
	}
}

/* False when there are as many rules as there may be. */
static bool begin_rule(struct writing *w, const char *protocol)
{
	if (w->rules == RULES_MAX) {
		w->full = true;
		return false;
	}
	w->rules++;
	json_put_comma(w->out);
	json_puts(w->out, "{\"action\":\"Allow\"");
	if (protocol != NULL)
		json_putf(w->out, ",\"protocol\":\"%s\"", protocol);
	return true;
}

/* A rule for the entity, whatever the port. */
static void put_rule(struct writing *w, const char *side, const char *protocol)
{
	if (!begin_rule(w, protocol))
		return;
	if (w->entity.len > 0)
		json_putf(w->out, ",\"%s\":{%.*s}", side, (int)w->entity.len, w->entity.at);
	json_putc(w->out, '}');
}

static void put_protocol(struct writing *w, struct json_text ports, enum policy_port_kinds which,
                         const char *protocol)
{
	bool all;
	size_t count = count_of(ports, which, protocol, &all);
	if (all) {
		put_rule(w, "destination", protocol);
		return;
	}
	for (size_t done = 0; done < count && begin_rule(w, protocol); done += PORTS_MAX) {
		json_puts(w->out, ",\"destination\":{");
		json_puttext(w->out, json_buffer_text(&w->entity));
		json_puts(w->out, w->entity.len > 0 ? ",\"ports\":[" : "\"ports\":[");
		put_ports(w->out, ports, which, protocol, done);
		json_puts(w->out, "]}}");
	}
}

/* Rules for the entity, a protocol each. */
static void put_rules(struct writing *w, struct json_text ports, enum policy_port_kinds which)
{
	if (json_is_empty(ports))
		put_rule(w, "destination", NULL);
	for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++)
		put_protocol(w, ports, which, protocols[i]);
}

static void put_pods_of(struct json_buffer *entity, const char *namespaces, const char *pods)
{
	entity->len = 0;
	json_puts(entity, "\"namespaceSelector\":");
	json_put_string(entity, namespaces);
	json_puts(entity, ",\"selector\":");
	json_put_string(entity, pods);
}

static void put_everywhere(struct writing *w, struct json_text ports)
{
	w->entity.len = 0;
	put_rules(w, ports, POLICY_PORTS_NUMBERS);
	if (json_is_empty(ports))
		return;
	struct json_buffer pods = {0};
	policy_calico_put_pods(&pods, (struct json_text){0});
	json_putc(&pods, '\0');
	put_pods_of(&w->entity, "all()", pods.at);
	put_rules(w, ports, POLICY_PORTS_NAMES);
	json_buffer_free(&pods);
}

/* The server takes the list as a set, so nothing may be in it twice; `start` is where it begins. */
static void put_net(struct json_buffer *out, size_t start, struct json_text net)
{
	for (size_t at = start; at + net.len <= out->len; at++)
		if (memcmp(out->at + at, net.at, net.len) == 0)
			return;
	json_put_comma(out);
	json_puttext(out, net);
}

static void put_block(struct writing *w, struct json_text block, struct json_text ports)
{
	struct json_text except = json_get(block, "except");
	w->entity.len = 0;
	json_puts(&w->entity, "\"nets\":[");
	json_puttext(&w->entity, json_get(block, "cidr"));
	json_puts(&w->entity, "],\"notNets\":[");
	size_t start = w->entity.len;
	for (struct json_member m = json_first(except); m.value.at; m = json_next(m))
		put_net(&w->entity, start, m.value);
	json_putc(&w->entity, ']');
	put_rules(w, ports, POLICY_PORTS_NUMBERS);
}

static bool is_family(struct json_text cidr, bool six)
{
	return (memchr(cidr.at, ':', cidr.len) != NULL) == six;
}

/* Blocks without exceptions, of one family, in one rule. */
static void put_family(struct writing *w, struct json_text to, struct json_text ports, bool six)
{
	w->entity.len = 0;
	json_puts(&w->entity, "\"nets\":[");
	size_t start = w->entity.len;
	for (struct json_member m = json_first(to); m.value.at; m = json_next(m)) {
		struct json_text block = json_get(m.value, "ipBlock");
		struct json_text cidr = json_get(block, "cidr");
		if (block.at != NULL && json_is_empty(json_get(block, "except")) && is_family(cidr, six))
			put_net(&w->entity, start, cidr);
	}
	bool any = w->entity.len > start;
	json_putc(&w->entity, ']');
	if (any)
		put_rules(w, ports, POLICY_PORTS_NUMBERS);
}

static void put_blocks(struct writing *w, struct json_text to, struct json_text ports)
{
	put_family(w, to, ports, false);
	put_family(w, to, ports, true);
	for (struct json_member m = json_first(to); m.value.at; m = json_next(m)) {
		struct json_text block = json_get(m.value, "ipBlock");
		if (!json_is_empty(json_get(block, "except")))
			put_block(w, block, ports);
	}
}

/* Makes the entity that of a peer that is no block; false, reported, when it cannot be. */
static bool set_peer(struct writing *w, struct json_text peer, const char *path)
{
	struct json_text namespaces = json_get(peer, "namespaceSelector");
	struct json_buffer of_namespaces = {0}, of_pods = {0};
	bool whole = true;
	if (namespaces.at == NULL)
		policy_calico_put_namespace(&of_namespaces, w->decision->workload->namespace->name);
	else
		whole = policy_calico_put_namespaces(&of_namespaces, namespaces);
	whole = policy_calico_put_pods(&of_pods, json_get(peer, "podSelector")) && whole;
	json_putc(&of_namespaces, '\0');
	json_putc(&of_pods, '\0');
	put_pods_of(&w->entity, of_namespaces.at, of_pods.at);
	json_buffer_free(&of_namespaces);
	json_buffer_free(&of_pods);
	if (!whole)
		policy_problem(
		        &w->decision->problems, POLICY_WARNING, path, (struct json_text){0},
		        "its selector is longer than Calico takes, or selects by labels that "
		        "Calico sets: it stays denied");
	return whole;
}

static void put_pods(struct writing *w, struct json_text to, struct json_text ports, size_t rule)
{
	size_t index = 0;
	for (struct json_member m = json_first(to); m.value.at; m = json_next(m), index++) {
		char path[POLICY_FIELD_SIZE];
		if (json_get(m.value, "ipBlock").at != NULL)
			continue;
		snprintf(path, sizeof path, "%s.egress[%zu].to[%zu]",
		         w->decision->rules_path, rule, index);
		if (set_peer(w, m.value, path))
			put_rules(w, ports, POLICY_PORTS_BOTH);
	}
}

static void put_egress(struct writing *w, struct json_text egress)
{
	size_t index = 0;
	for (struct json_member m = json_first(egress); m.value.at; m = json_next(m), index++) {
		struct json_text to = json_get(m.value, "to"), ports = json_get(m.value, "ports");
		if (json_is_empty(to)) {
			put_everywhere(w, ports);
		} else {
			put_blocks(w, to, ports);
			put_pods(w, to, ports, index);
		}
		if (w->full) {
			char path[POLICY_FIELD_SIZE];
			snprintf(path, sizeof path, "%s.egress[%zu]",
			         w->decision->rules_path, index);
			policy_problem(
			        &w->decision->problems, POLICY_WARNING, path, (struct json_text){0},
			        "Calico takes %d rules a policy: what is over that stays denied",
			        RULES_MAX);
		}
	}
}

static void put_ingress(struct writing *w, struct json_text ingress)
{
	for (struct json_member rule = json_first(ingress); rule.value.at; rule = json_next(rule)) {
		struct json_text from = json_get(rule.value, "from");
		for (struct json_member m = json_first(from); m.value.at; m = json_next(m))
			if (set_peer(w, m.value, "spec.targetRef"))
				put_rule(w, "source", NULL);
	}
}

/* The pods to hold. What cannot be written of the selector is left out: then it may hold others
 * too, and nobody may get egress by it. */
static bool put_workload(struct writing *w)
{
	struct json_buffer selector = {0};
	json_puts(w->out, "\"namespaceSelector\":");
	policy_calico_put_namespace(&selector, w->decision->workload->namespace->name);
	json_put_string_n(w->out, selector.at, selector.len);
	selector.len = 0;
	bool whole = policy_calico_put_pods(&selector, w->decision->selector);
	json_puts(w->out, ",\"selector\":");
	json_put_string_n(w->out, selector.at, selector.len);
	json_buffer_free(&selector);
	if (!whole)
		policy_problem(
		        &w->decision->problems, POLICY_ERROR, "spec.targetRef",
		        (struct json_text){0},
		        "is longer than Calico takes, or selects by labels that Calico sets: "
		        "what a part of it selects gets no egress");
	return whole;
}

static void render(const struct policy_inventory *inventory, struct policy_decision *decision,
                   struct policy_manifests *manifests)
{
	struct json_buffer *out = policy_manifest_begin(manifests, &policy_kind_globalnetworkpolicy,
	                                                decision->workload->object->name);
	struct writing w = {.decision = decision, .out = out};
	policy_metadata_put(inventory, decision, manifests);
	/* the tier is what a server sets where it is not given, and must not pass for a change */
	json_putf(out, ",\"spec\":{\"tier\":\"default\",\"order\":%d,", ORDER);
	bool held = put_workload(&w);
	json_puts(out, ",\"types\":[\"Ingress\",\"Egress\"],\"ingress\":[");
	put_ingress(&w, json_buffer_text(&decision->ingress));
	json_puts(out, "],\"egress\":[");
	w.rules = 0;
	w.full = false;
	if (held)
		put_egress(&w, json_buffer_text(&decision->egress));
	json_puts(out, "]}}");
	policy_manifest_end(manifests);
	json_buffer_free(&w.entity);
	policy_warn_of_names(decision,
	                     "Calico's own GlobalNetworkPolicy has no DNS names: these stay denied");
}

const struct policy_target policy_target_calico = {
        .word = "calico",
        .cnis = POLICY_CNI_SET(POLICY_CNI_CALICO),
        .kind = &policy_kind_globalnetworkpolicy,
        .render = render,
};
