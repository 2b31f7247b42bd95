#include <string.h>

#include "rules/expand.h"
#include "policy/restrict.h"
#include "rules/rules.h"
#include "targets/target.h"
#include "json/write.h"

/*
 * OVN-Kubernetes: the NetworkPolicy of each agent, and behind it one EgressFirewall a namespace
 * (k8s.ovn.org/v1), which must be named `default` and holds for all pods of the namespace: the
 * union of what its agents may reach outside of the cluster.
 *
 * The firewall never stands in for a NetworkPolicy. It knows DNS names, but a NetworkPolicy that
 * were opened for them would let an agent reach what its neighbours may, and everything while
 * OVN-Kubernetes replaces the firewall's rules, which it does by deleting them first.
 *
 * Rules count in order, the first that matches decides. Exceptions are taken out of their blocks,
 * so that all rules but the last two allow, and the order means nothing.
 */

/* OVN-Kubernetes takes 8000 rules. As none is shorter than 50 bytes, so many bytes are fewer
 * rules, and they fit into what etcd stores, too. */
enum { FIREWALL_BYTES = 384 * 1024 };

struct allowed {
	UT_hash_handle hh;
	char rule[];
};

struct firewall {
	struct json_buffer rules;
	struct json_buffer rule;  /* the one being written */
	struct json_buffer ports; /* of the rules of one agent's rule */
	struct allowed *allowed;  /* to write each once */
	size_t end;               /* of the share of the agent at hand, in `rules` */
	bool full;                /* some of its rules did not fit */
	bool wider;               /* some rules allow more than their agents may reach */
	bool wildcard;            /* a DNS name was left out */
};

static void render(const struct policy_inventory *inventory, struct policy_decision *decision,
                   struct policy_manifests *manifests)
{
	policy_networkpolicy_put(inventory, decision, manifests);
	policy_warn_of_names(decision,
	                     "OVN-Kubernetes can allow DNS names to a whole namespace only: these "
	                     "stay denied");
}

static void put_rule(struct json_buffer *out, const char *to, struct json_text value,
                     struct json_text ports, const char *type)
{
	json_puts(out, "{");
	if (ports.len > 0) {
		json_put_key(out, "ports");
		json_putc(out, '[');
		json_puttext(out, ports);
		json_putc(out, ']');
	}
	json_put_key(out, "to");
	json_putc(out, '{');
	json_put_key(out, to);
	json_puttext(out, value);
	json_putc(out, '}');
	json_put_key(out, "type");
	json_put_string(out, type);
	json_putc(out, '}');
}

/* Adds the rule for the ports at hand, unless it is there, or does not fit. */
static void allow(struct firewall *firewall, const char *to, struct json_text value)
{
	struct json_buffer *rule = &firewall->rule;
	struct allowed *allowed = NULL;
	rule->len = 0;
	put_rule(rule, to, value, json_buffer_text(&firewall->ports), "Allow");
	HASH_FIND(hh, firewall->allowed, rule->at, rule->len, allowed);
	if (allowed != NULL)
		return;
	if (firewall->rules.len + rule->len + 1 > firewall->end) {
		firewall->full = true;
		return;
	}
	allowed = calloc(1, sizeof *allowed + rule->len);
	if (allowed == NULL)
		abort();
	memcpy(allowed->rule, rule->at, rule->len);
	HASH_ADD_KEYPTR(hh, firewall->allowed, allowed->rule, rule->len, allowed);
	json_puttext(&firewall->rules, json_buffer_text(rule));
	json_putc(&firewall->rules, ',');
}

/* Writes the ports of an agent's rule; false when it has none that an address can have. Where
 * they cannot be written one by one, all ports pass: the NetworkPolicy still limits the agent. */
static bool take_ports(struct firewall *firewall, struct json_text ports)
{
	struct json_buffer *out = &firewall->ports;
	out->len = 0;
	if (json_is_empty(ports))
		return true;
	for (enum policy_protocol protocol = POLICY_TCP; protocol < POLICY_PROTOCOLS; protocol++) {
		struct policy_ports expanded;
		policy_ports_expand(ports, protocol, &expanded);
		if (expanded.all || expanded.many) {
			firewall->wider = true;
			out->len = 0;
			return true;
		}
		for (size_t i = 0; i < expanded.count; i++)
			json_putf(out, "%s{\"port\":%u,\"protocol\":\"%s\"}",
			          out->len == 0 ? "" : ",", expanded.at[i],
			          policy_protocol_words[protocol]);
	}
	return out->len > 0;
}

static void allow_block(struct firewall *firewall, struct json_text block)
{
	struct policy_cidr pieces[POLICY_PIECES_MAX];
	size_t count = policy_block_expand(block, pieces);
	struct json_buffer text = {0};
	if (count > POLICY_PIECES_MAX) {
		firewall->wider = true;
		allow(firewall, "cidrSelector", json_get(block, "cidr"));
		return;
	}
	for (size_t i = 0; i < count; i++) {
		text.len = 0;
		policy_cidr_put(&pieces[i], &text);
		allow(firewall, "cidrSelector", json_buffer_text(&text));
	}
	json_buffer_free(&text);
}

/* Pods and Services of the cluster are none of the firewall's business. */
static void allow_rules(struct firewall *firewall, struct json_text egress)
{
	for (struct json_member m = json_first(egress); m.value.at; m = json_next(m)) {
		struct json_text to = json_get(m.value, "to");
		if (!take_ports(firewall, json_get(m.value, "ports")))
			continue;
		if (json_is_empty(to)) {
			allow(firewall, "cidrSelector", json_of("\"0.0.0.0/0\""));
			allow(firewall, "cidrSelector", json_of("\"::/0\""));
		}
		for (struct json_member peer = json_first(to); peer.value.at;
		     peer = json_next(peer))
			allow_block(firewall, json_get(peer.value, "ipBlock"));
	}
}

/* One wildcard makes OVN-Kubernetes refuse the whole firewall, unless its DNS name resolver is
 * enabled. */
static void allow_names(struct firewall *firewall, struct json_text domains)
{
	for (struct json_member m = json_first(domains); m.value.at; m = json_next(m)) {
		struct json_text names = json_get(m.value, "names");
		if (!take_ports(firewall, json_get(m.value, "ports")))
			continue;
		for (struct json_member name = json_first(names); name.value.at;
		     name = json_next(name)) {
			struct json_text plain = json_plain(name.value);
			if (plain.at == NULL || plain.at[0] == '*')
				firewall->wildcard = true;
			else
				allow(firewall, "dnsName", name.value);
		}
	}
}

/* An agent that may reach everything leaves nothing for the firewall to deny. */
static bool allows_everything(const struct policy_decision *decision)
{
	struct json_text egress = json_buffer_text(&decision->egress);
	for (struct json_member m = json_first(egress); m.value.at; m = json_next(m))
		if (json_is_empty(json_get(m.value, "to")) &&
		    json_is_empty(json_get(m.value, "ports")))
			return true;
	return false;
}

static void say_agent(const struct firewall *firewall, const struct policy_decision *decision,
                      struct policy_problems *problems)
{
	const struct policy_workload *workload = decision->workload;
	if (firewall->full)
		policy_problem(
		        problems, POLICY_WARNING, "spec.egress", (struct json_text){0},
		        "the rules of %s %s are more than its share of a firewall: those that "
		        "do not fit are denied",
		        workload->kind, workload->name);
	if (firewall->wildcard)
		policy_problem(problems, POLICY_WARNING, "spec.egress", (struct json_text){0},
		               "the wildcard DNS names of %s %s are left out, and denied: many an "
		               "OVN-Kubernetes refuses a whole firewall for one",
		               workload->kind, workload->name);
}

/* No agent can take the room of another one. */
static void allow_agents(struct firewall *firewall, struct policy_decision *const decisions[],
                         size_t count, struct policy_problems *problems)
{
	size_t share = FIREWALL_BYTES / count;
	for (size_t i = 0; i < count; i++) {
		firewall->end = firewall->rules.len + share;
		firewall->full = firewall->wildcard = false;
		allow_rules(firewall, json_buffer_text(&decisions[i]->egress));
		allow_names(firewall, decisions[i]->domains);
		say_agent(firewall, decisions[i], problems);
	}
}

/* Whatever else runs in the namespace must not lose the API server for its agents' sake. */
static void allow_api_server(struct firewall *firewall, const struct policy_inventory *inventory,
                             struct policy_problems *problems)
{
	struct json_buffer rules = {0};
	firewall->end = FIREWALL_BYTES;
	policy_restrict_put(inventory, &rules, problems);
	allow_rules(firewall, json_buffer_text(&rules));
	json_buffer_free(&rules);
}

static void say_union(const struct firewall *firewall, size_t count,
                      struct policy_problems *problems)
{
	policy_problem(problems, POLICY_WARNING, "spec.egress", (struct json_text){0},
	               "holds for all pods of the namespace, agents or not: the union of what its "
	               "%zu agent%s may reach",
	               count, count == 1 ? "" : "s");
	if (firewall->wider)
		policy_problem(
		        problems, POLICY_WARNING, "spec.egress", (struct json_text){0},
		        "some destinations are allowed with all ports, or with what is excepted, "
		        "as those are too many: the NetworkPolicy of each agent limits them");
}

static void put_firewall(const struct policy_inventory *inventory, const struct policy_namespace *namespace,
                         const struct firewall *firewall, struct policy_manifests *manifests)
{
	struct json_buffer *out =
	        policy_manifest_begin(manifests, &policy_kind_egressfirewall, "default");
	policy_namespace_metadata_put(inventory, namespace, manifests);
	json_puts(out, ",\"spec\":{\"egress\":[");
	json_puttext(out, json_buffer_text(&firewall->rules));
	put_rule(out, "cidrSelector", json_of("\"0.0.0.0/0\""), (struct json_text){0}, "Deny");
	json_putc(out, ',');
	put_rule(out, "cidrSelector", json_of("\"::/0\""), (struct json_text){0}, "Deny");
	json_puts(out, "]}}");
	policy_manifest_end(manifests);
}

static void free_firewall(struct firewall *firewall)
{
	struct allowed *allowed, *next;
	HASH_ITER(hh, firewall->allowed, allowed, next)
	{
		HASH_DEL(firewall->allowed, allowed);
		free(allowed);
	}
	json_buffer_free(&firewall->rules);
	json_buffer_free(&firewall->rule);
	json_buffer_free(&firewall->ports);
}

static void render_namespace(const struct policy_inventory *inventory, const struct policy_namespace *namespace,
                         struct policy_decision *const decisions[], size_t count,
                         struct policy_problems *problems, struct policy_manifests *manifests)
{
	struct firewall firewall = {0};
	for (size_t i = 0; i < count; i++)
		if (allows_everything(decisions[i]))
			return;
	if (count == 0)
		return;
	allow_api_server(&firewall, inventory, problems);
	allow_agents(&firewall, decisions, count, problems);
	say_union(&firewall, count, problems);
	put_firewall(inventory, namespace, &firewall, manifests);
	free_firewall(&firewall);
}

const struct policy_target policy_target_ovn = {
        .word = "ovn",
        .cnis = POLICY_CNI_SET(POLICY_CNI_OVN_KUBERNETES),
        .kind = &policy_kind_networkpolicy,
        .render = render,
        .render_namespace = render_namespace,
};
