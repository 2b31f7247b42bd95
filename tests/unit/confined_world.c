/* Draws random clusters, and prints them as the API server would store them. */
#include "confined_world.h"

#include <stddef.h>
#include <string.h>

static const char *const keys[KEYS] = {"app", "tier", "pod-template-hash"};
static const char *const values[KEYS][4] = {
        {"", "web", "db", "x"}, {"", "a", "b", "x"}, {"", "h1", "h2", "x"}};
static const char *const space_keys[KEYS] = {"kubernetes.io/metadata.name", "env", "team"};
static const char *const space_values[KEYS][4] = {
        {"", "agents", "shop", "kube-system"}, {"", "prod", "dev", "z"}, {"", "x", "y", "z"}};
static const char *const cidrs[] = {"0.0.0.0/0",       "203.0.113.0/24", "203.0.113.0/25",
                                    "203.0.113.64/26", "10.0.0.0/8",     "10.1.0.0/16",
                                    "198.51.100.7/32", "::/0",           "2001:db8::/32",
                                    "fd00::/8"};
static const int cidr_parents[] = {-1, 0, 1, 2, 0, 4, 0, -1, 7, 7};
static const char *const names[] = {"", "api.example.com", "b.example.com", "example.org",
                                    "*.example.com"};
static const char *const protocols[] = {"TCP", "UDP", "SCTP"};
static const char *const operators[] = {"In", "NotIn", "Exists", "DoesNotExist"};
static const char *const spaces[] = {"agents", "shop", "kube-system"};
static const int numbers[] = {53, 80, 443, 8080};

static unsigned pick(struct confined_world *world, unsigned below)
{
	world->random ^= world->random << 13;
	world->random ^= world->random >> 7;
	world->random ^= world->random << 17;
	return (unsigned)(world->random >> 33) % below;
}

static bool chance(struct confined_world *world, unsigned of)
{
	return pick(world, of) == 0;
}

static struct world_requirement draw_requirement(struct confined_world *world, int keys_below)
{
	struct world_requirement requirement = {.key = (int)pick(world, (unsigned)keys_below),
	                                        .op = (int)pick(world, 6)};
	requirement.op = requirement.op > 3 ? 0 : requirement.op;
	if (requirement.op < 2)
		requirement.values = chance(world, 3) ? 6 : 1u << (1 + pick(world, 2));
	if (requirement.op < 2 && keys_below == KEYS && requirement.key == 0)
		requirement.values = 1u << (1 + pick(world, 3));
	return requirement;
}

static struct world_selector draw_selector(struct confined_world *world, int keys_below)
{
	struct world_selector selector = {.count = (int)pick(world, 3)};
	for (int i = 0; i < selector.count; i++)
		selector.at[i] = draw_requirement(world, keys_below);
	return selector;
}

static struct world_peer draw_peer(struct confined_world *world)
{
	struct world_peer peer = {.form = (enum peer_form)(1 + pick(world, 3))};
	if (chance(world, 12))
		peer.form = PEER_ANY;
	peer.own = chance(world, 2);
	peer.spaces = draw_selector(world, KEYS);
	peer.pods = draw_selector(world, 2);
	peer.cidr = (int)pick(world, 10);
	peer.name = 1 + (int)pick(world, 4);
	for (int i = 0; i < 10 && peer.except_count < 1 && chance(world, 2); i++)
		if (cidr_parents[i] == peer.cidr)
			peer.excepts[peer.except_count++] = i;
	return peer;
}

static struct world_ports draw_ports(struct confined_world *world)
{
	struct world_ports ports = {.protocol = chance(world, 3) ? (int)pick(world, 3) : 0};
	ports.first = ports.last = numbers[pick(world, 4)];
	if (chance(world, 6))
		ports.last = 8080;
	else if (chance(world, 8))
		ports.first = ports.last = 0;
	ports.named = chance(world, 10);
	return ports;
}

static struct world_rule draw_rule(struct confined_world *world)
{
	struct world_rule rule = {.peer_count = 1 + (int)pick(world, 2),
	                          .port_count = (int)pick(world, 3)};
	for (int i = 0; i < PEERS; i++)
		rule.peers[i] = draw_peer(world);
	for (int i = 0; i < PORTS; i++)
		rule.ports[i] = draw_ports(world);
	/* "anywhere" stands alone */
	if (rule.peers[0].form == PEER_ANY || (rule.peer_count == 2 && rule.peers[1].form == PEER_ANY))
		rule.peer_count = 0;
	return rule;
}

static void narrow_peer(struct confined_world *world, struct world_peer *peer)
{
	if (peer->form == PEER_PODS && peer->pods.count <= REQUIREMENTS - 1 && chance(world, 2))
		peer->pods.at[peer->pods.count++] = draw_requirement(world, 2);
	if (peer->form == PEER_PODS && !peer->own && peer->spaces.count < REQUIREMENTS &&
	    chance(world, 3))
		peer->spaces.at[peer->spaces.count++] = draw_requirement(world, KEYS);
	for (int i = 9; i >= 0 && peer->form == PEER_BLOCK && chance(world, 2); i--) {
		if (cidr_parents[i] != peer->cidr ||
		    (peer->except_count > 0 && peer->excepts[0] == i))
			continue;
		peer->cidr = i;
		peer->except_count = 0;
	}
	if (peer->form == PEER_NAME && peer->name == 4 && chance(world, 2))
		peer->name = 1 + (int)pick(world, 2);
}

/* One of our rules, perhaps narrower. */
static struct world_rule draw_alike(struct confined_world *world)
{
	struct world_rule rule = world->rules[pick(world, (unsigned)world->rule_count)];
	if (rule.peer_count == 0 && chance(world, 2)) {
		rule.peer_count = 1;
		rule.peers[0] = draw_peer(world);
		rule.peer_count = rule.peers[0].form == PEER_ANY ? 0 : 1;
	}
	if (rule.peer_count == 2 && chance(world, 3))
		rule.peer_count = 1;
	if (rule.port_count == 0 && chance(world, 2))
		rule.port_count = 1;
	if (rule.port_count == 2 && chance(world, 3))
		rule.port_count = 1;
	for (int i = 0; i < rule.peer_count; i++)
		narrow_peer(world, &rule.peers[i]);
	for (int i = 0; i < rule.port_count; i++)
		if (!rule.ports[i].named && rule.ports[i].first != rule.ports[i].last &&
		    chance(world, 2))
			rule.ports[i].last = rule.ports[i].first;
	return rule;
}

static bool has_actions(enum policy_form form)
{
	return form == FORM_ADMIN || form == FORM_CLUSTER || form == FORM_CALICO ||
	       form == FORM_CALICO_GLOBAL;
}

static bool is_in_space(enum policy_form form)
{
	return form == FORM_NETWORKPOLICY || form == FORM_CILIUM || form == FORM_CALICO;
}

static bool knows_names(enum policy_form form)
{
	return form != FORM_NETWORKPOLICY;
}

/* Takes out what the form cannot say. */
static void fit(struct confined_world *world, const struct world_policy *policy,
                struct world_rule *rule)
{
	enum policy_form form = policy->form;
	bool cluster = form == FORM_ADMIN || form == FORM_CLUSTER;
	bool of_space = is_in_space(form);
	for (int i = 0; i < rule->peer_count; i++) {
		struct world_peer *peer = &rule->peers[i];
		if (peer->form == PEER_NAME && !knows_names(form))
			peer->form = PEER_BLOCK;
		if (cluster)
			peer->except_count = 0;
		if (!of_space && peer->own) {
			/* a policy without a namespace names ours */
			peer->own = false;
			peer->spaces = (struct world_selector){1, {{0, 0, 2}}};
		}
		if ((form == FORM_CILIUM || form == FORM_CILIUM_CLUSTERWIDE) && chance(world, 15))
			peer->form = chance(world, 2) ? PEER_WORLD : PEER_API;
	}
	for (int i = 0; i < rule->port_count; i++)
		if (cluster || rule->ports[i].first == 0)
			rule->ports[i].named = false;
	for (int i = 0; i < rule->port_count; i++)
		if (form == FORM_CILIUM || form == FORM_CILIUM_CLUSTERWIDE || form == FORM_CALICO ||
		    form == FORM_CALICO_GLOBAL)
			rule->ports[i].protocol = rule->ports[i].named ? 0 : rule->ports[i].protocol;
	if (cluster && rule->peer_count == 0) {
		rule->peer_count = 1;
		rule->peers[0] = (struct world_peer){.form = PEER_PODS};
	}
	if (has_actions(form) && chance(world, 8))
		rule->action = chance(world, 2) ? ACTION_DENY : ACTION_PASS;
}

static enum policy_form draw_form(struct confined_world *world)
{
	static const enum policy_form of[CLUSTER_CNIS][4] = {
	        {FORM_NETWORKPOLICY, FORM_CILIUM, FORM_CILIUM_CLUSTERWIDE, FORM_CILIUM},
	        {FORM_NETWORKPOLICY, FORM_CALICO, FORM_CALICO_GLOBAL, FORM_ADMIN},
	        {FORM_NETWORKPOLICY, FORM_NETWORKPOLICY, FORM_CLUSTER, FORM_ADMIN},
	        {FORM_NETWORKPOLICY, FORM_NETWORKPOLICY, FORM_CLUSTER, FORM_ADMIN}};
	return of[world->cni][pick(world, 4)];
}

static struct world_policy draw_policy(struct confined_world *world)
{
	struct world_policy policy = {.form = draw_form(world)};
	policy.space = chance(world, 8) ? 1 : 0;
	if (!chance(world, 2))
		policy.pods = draw_selector(world, KEYS);
	if (!chance(world, 2))
		policy.spaces = draw_selector(world, KEYS);
	policy.lists_egress = !chance(world, 8);
	policy.baseline = chance(world, 6);
	policy.tier = (int)pick(world, 3);
	policy.order = (int)pick(world, 4);
	policy.rule_count = 1 + (int)pick(world, 2);
	for (int i = 0; i < policy.rule_count; i++) {
		policy.rules[i] = world->rule_count > 0 && !chance(world, 5) ? draw_alike(world)
		                                                             : draw_rule(world);
		fit(world, &policy, &policy.rules[i]);
	}
	return policy;
}

void confined_draw(struct confined_world *world, uint64_t seed)
{
	*world = (struct confined_world){.random = (seed + 1) * 0x9e3779b97f4a7c15u};
	world->cni = (enum cluster_cni)pick(world, CLUSTER_CNIS);
	world->cni_is_told = !chance(world, 3);
	world->spaces_are_told = !chance(world, 20);
	world->labels[0] = 1 + (int)pick(world, 2);
	world->labels[1] = (int)pick(world, 3);
	world->selector = (struct world_selector){1, {{0, 0, 1u << world->labels[0]}}};
	world->rule_count = (int)pick(world, 4);
	for (int i = 0; i < world->rule_count; i++)
		world->rules[i] = draw_rule(world);
	world->policy_count = (int)pick(world, POLICIES + 1);
	for (int i = 0; i < world->policy_count; i++)
		world->policies[i] = draw_policy(world);
}

/* All that an agent gets that is not verified: the API server. */
static const struct world_rule api_server = {.peer_count = 1,
                                             .port_count = 1,
                                             .peers = {{.form = PEER_BLOCK, .cidr = 6}},
                                             .ports = {{.first = 6443, .last = 6443}}};

static void draw_unverified(struct confined_world *world)
{
	world->rule_count = 1;
	world->rules[0] = api_server;
	for (int i = 0; i < world->policy_count; i++)
		for (int r = 0; r < world->policies[i].rule_count; r++) {
			if (chance(world, 4))
				continue;
			world->policies[i].rules[r] = draw_alike(world);
			fit(world, &world->policies[i], &world->policies[i].rules[r]);
		}
}

/* Its pods may be those of the agent. What a target leaves out is not what this is about. */
static void draw_neighbour(struct confined_world *world)
{
	struct world_policy *policy = &world->neighbour;
	*policy = (struct world_policy){.form = FORM_NETWORKPOLICY, .lists_egress = true, .order = 2};
	policy->pods = (struct world_selector){1, {{1, 0, 1u << (1 + pick(world, 2))}}};
	policy->rule_count = 1 + (int)pick(world, 2);
	for (int i = 0; i < policy->rule_count; i++) {
		struct world_rule *rule = &policy->rules[i];
		*rule = world->rule_count > 0 && !chance(world, 4) ? draw_alike(world) : draw_rule(world);
		fit(world, policy, rule);
		for (int p = 0; p < rule->port_count; p++)
			rule->ports[p].named = false;
	}
}

void confined_draw_agent(struct confined_world *world, uint64_t seed)
{
	confined_draw(world, seed);
	world->verified = !chance(world, 5);
	if (!world->verified)
		draw_unverified(world);
	world->host_network = chance(world, 12);
	world->misses_pods = chance(world, 16);
	if (world->misses_pods)
		world->selector.at[0].values = world->labels[0] == 1 ? 4 : 2;
	world->lacks_list = chance(world, 20);
	world->is_replayed = chance(world, 2);
	if (world->cni_is_told && world->cni != CLUSTER_PLAIN && chance(world, 2))
		world->target = WRITES_OWN_KIND;
	if (chance(world, 30))
		world->target = WRITES_ISTIO;
	world->own = chance(world, 4) ? (enum own_policy)pick(world, 5) : OWN_AS_ASKED;
	if (world->target != WRITES_NETWORKPOLICY && world->own != OWN_AS_ASKED)
		world->own = OWN_ABSENT;
	world->has_neighbour = world->target == WRITES_NETWORKPOLICY && chance(world, 3);
	if (world->has_neighbour)
		draw_neighbour(world);
}

static void put_values(struct json_buffer *out, const struct world_requirement *requirement,
                       const char *const of[4])
{
	bool first = true;
	for (int i = 1; i < 4; i++) {
		if (!(requirement->values >> i & 1))
			continue;
		json_putf(out, "%s\"%s\"", first ? "" : ",", of[i]);
		first = false;
	}
}

/* One requirement of one value is written as a label half of the time: by its key. */
static void put_selector(struct json_buffer *out, const struct world_selector *selector,
                         const char *const of[KEYS], const char *const (*words)[4],
                         const char *prefix)
{
	json_puts(out, "{\"matchExpressions\":[");
	for (int i = 0; i < selector->count; i++) {
		const struct world_requirement *at = &selector->at[i];
		json_putf(out, "%s{\"key\":\"%s%s\",\"operator\":\"%s\"", i == 0 ? "" : ",", prefix,
		          of[at->key], operators[at->op]);
		if (at->op < 2) {
			json_puts(out, ",\"values\":[");
			put_values(out, at, words[at->key]);
			json_puts(out, "]");
		}
		json_puts(out, "}");
	}
	json_puts(out, "]}");
}

static void put_pods(struct json_buffer *out, const struct world_selector *selector)
{
	if (selector->count == 1 && selector->at[0].op == 0 &&
	    (selector->at[0].values & (selector->at[0].values - 1)) == 0) {
		json_putf(out, "{\"matchLabels\":{\"%s\":", keys[selector->at[0].key]);
		put_values(out, &selector->at[0], values[selector->at[0].key]);
		json_puts(out, "}}");
		return;
	}
	put_selector(out, selector, keys, values, "");
}

static void put_spaces(struct json_buffer *out, const struct world_selector *selector)
{
	put_selector(out, selector, space_keys, space_values, "");
}

static void put_block(struct json_buffer *out, const struct world_peer *peer)
{
	json_putf(out, "{\"cidr\":\"%s\"", cidrs[peer->cidr]);
	if (peer->except_count > 0)
		json_putf(out, ",\"except\":[\"%s\"]", cidrs[peer->excepts[0]]);
	json_puts(out, "}");
}

static void put_peer(struct json_buffer *out, const struct world_peer *peer)
{
	if (peer->form == PEER_BLOCK) {
		json_puts(out, "{\"ipBlock\":");
		put_block(out, peer);
		json_puts(out, "}");
		return;
	}
	json_puts(out, "{\"podSelector\":");
	put_pods(out, &peer->pods);
	if (!peer->own) {
		json_puts(out, ",\"namespaceSelector\":");
		put_spaces(out, &peer->spaces);
	}
	json_puts(out, "}");
}

static void put_ports(struct json_buffer *out, const struct world_rule *rule)
{
	json_puts(out, "\"ports\":[");
	for (int i = 0; i < rule->port_count; i++) {
		const struct world_ports *port = &rule->ports[i];
		json_putf(out, "%s{\"protocol\":\"%s\"", i == 0 ? "" : ",",
		          protocols[port->protocol]);
		if (port->named)
			json_puts(out, ",\"port\":\"http\"");
		else if (port->first != 0)
			json_putf(out, ",\"port\":%d", port->first);
		if (!port->named && port->last != port->first)
			json_putf(out, ",\"endPort\":%d", port->last);
		json_puts(out, "}");
	}
	json_puts(out, "]");
}

static bool has_form(const struct world_rule *rule, bool names_wanted)
{
	for (int i = 0; i < rule->peer_count; i++)
		if ((rule->peers[i].form == PEER_NAME) == names_wanted)
			return true;
	return rule->peer_count == 0 && !names_wanted;
}

/* Those of a rule's peers that are names stand in `domains`. */
static void put_rules(struct json_buffer *out, const struct world_rule *rules, int count)
{
	bool first = true;
	json_puts(out, "[");
	for (int r = 0; r < count; r++) {
		bool first_peer = true;
		if (!has_form(&rules[r], false))
			continue;
		json_putf(out, "%s{\"to\":[", first ? "" : ",");
		first = false;
		for (int i = 0; i < rules[r].peer_count; i++) {
			if (rules[r].peers[i].form == PEER_NAME)
				continue;
			json_puts(out, first_peer ? "" : ",");
			first_peer = false;
			put_peer(out, &rules[r].peers[i]);
		}
		json_puts(out, "],");
		put_ports(out, &rules[r]);
		json_puts(out, "}");
	}
	json_puts(out, "]");
}

void confined_put_rules(const struct confined_world *world, struct json_buffer *out)
{
	put_rules(out, world->rules, world->rule_count);
}

static void put_domains(struct json_buffer *out, const struct world_rule *rules, int count)
{
	bool first = true;
	json_puts(out, "[");
	for (int r = 0; r < count; r++) {
		bool first_name = true;
		if (!has_form(&rules[r], true))
			continue;
		json_putf(out, "%s{\"names\":[", first ? "" : ",");
		first = false;
		for (int i = 0; i < rules[r].peer_count; i++) {
			if (rules[r].peers[i].form != PEER_NAME)
				continue;
			json_putf(out, "%s\"%s\"", first_name ? "" : ",",
			          names[rules[r].peers[i].name]);
			first_name = false;
		}
		json_puts(out, "],");
		put_ports(out, &rules[r]);
		json_puts(out, "}");
	}
	json_puts(out, "]");
}

void confined_put_domains(const struct confined_world *world, struct json_buffer *out)
{
	put_domains(out, world->rules, world->rule_count);
}

void confined_put_neighbour(const struct confined_world *world, struct json_buffer *selector,
                            struct json_buffer *network_policy)
{
	const struct world_policy *policy = &world->neighbour;
	put_pods(selector, &policy->pods);
	json_puts(network_policy, "{\"egress\":");
	put_rules(network_policy, policy->rules, policy->rule_count);
	json_puts(network_policy, "}");
}

void confined_put_labels(const struct confined_world *world, struct json_buffer *out)
{
	json_putf(out, "{\"app\":\"%s\"", values[0][world->labels[0]]);
	if (world->labels[1] != 0)
		json_putf(out, ",\"tier\":\"%s\"", values[1][world->labels[1]]);
	json_puts(out, "}");
}

void confined_put_selector(const struct confined_world *world, struct json_buffer *out)
{
	put_pods(out, &world->selector);
}

static void put_networkpolicy(struct json_buffer *out, const struct world_policy *policy)
{
	json_puts(out, "{\"podSelector\":");
	put_pods(out, &policy->pods);
	json_putf(out, ",\"policyTypes\":[\"%s\"],\"egress\":",
	          policy->lists_egress ? "Egress" : "Ingress");
	put_rules(out, policy->rules, policy->rule_count);
	json_puts(out, "}");
}

#define CILIUM_SPACE "k8s:io.cilium.k8s.namespace.labels."

/* A selector of pods and namespaces in one, with Cilium's prefixes. */
static void put_endpoints(struct json_buffer *out, const struct world_selector *pods,
                          const struct world_selector *of_spaces, bool everywhere)
{
	struct json_buffer part = {0};
	json_puts(out, "{\"matchExpressions\":[");
	put_selector(&part, pods, keys, values, "k8s:");
	size_t start = strlen("{\"matchExpressions\":[");
	json_put(out, part.at + start, part.len - start - 2);
	bool any = pods->count > 0;
	for (int i = 0; of_spaces != NULL && i < of_spaces->count; i++) {
		struct world_selector one = {1, {of_spaces->at[i]}};
		part.len = 0;
		put_selector(&part, &one, space_keys, space_values, CILIUM_SPACE);
		json_puts(out, any ? "," : "");
		json_put(out, part.at + start, part.len - start - 2);
		any = true;
	}
	if (everywhere)
		json_putf(out,
		          "%s{\"key\":\"k8s:io.kubernetes.pod.namespace\",\"operator\":\"Exists\"}",
		          any ? "," : "");
	json_puts(out, "]}");
	json_buffer_free(&part);
}

static void put_cilium_peer(struct json_buffer *out, const struct world_peer *peer)
{
	switch (peer->form) {
	case PEER_PODS:
		json_puts(out, "\"toEndpoints\":[");
		put_endpoints(out, &peer->pods, peer->own ? NULL : &peer->spaces,
		              !peer->own && peer->spaces.count == 0);
		json_puts(out, "]");
		break;
	case PEER_BLOCK:
		json_puts(out, "\"toCIDRSet\":[");
		put_block(out, peer);
		json_puts(out, "]");
		break;
	case PEER_NAME:
		json_putf(out, "\"toFQDNs\":[{\"%s\":\"%s\"}]",
		          peer->name == 4 ? "matchPattern" : "matchName", names[peer->name]);
		break;
	case PEER_ANY:
		json_puts(out, "\"toEntities\":[\"all\"]");
		break;
	default:
		json_putf(out, "\"toEntities\":[\"%s\"]",
		          peer->form == PEER_WORLD ? "world" : "kube-apiserver");
	}
}

static void put_cilium_ports(struct json_buffer *out, const struct world_rule *rule)
{
	if (rule->port_count == 0)
		return;
	json_puts(out, ",\"toPorts\":[{\"ports\":[");
	for (int i = 0; i < rule->port_count; i++) {
		const struct world_ports *port = &rule->ports[i];
		json_putf(out, "%s{\"protocol\":\"%s\",\"port\":", i == 0 ? "" : ",",
		          protocols[port->protocol]);
		if (port->named)
			json_puts(out, "\"http\"");
		else
			json_putf(out, "\"%d\"", port->first);
		if (!port->named && port->last != port->first)
			json_putf(out, ",\"endPort\":%d", port->last);
		json_puts(out, "}");
	}
	json_puts(out, "]}]");
}

static void put_cilium(struct json_buffer *out, const struct world_policy *policy)
{
	static const struct world_peer anywhere = {.form = PEER_ANY};
	bool first = true;
	json_puts(out, "{\"endpointSelector\":");
	put_endpoints(out, &policy->pods,
	              policy->form == FORM_CILIUM ? NULL : &policy->spaces, false);
	json_puts(out, ",\"egress\":[");
	for (int r = 0; r < policy->rule_count; r++) {
		const struct world_rule *rule = &policy->rules[r];
		for (int i = 0; i < (rule->peer_count == 0 ? 1 : rule->peer_count); i++) {
			json_puts(out, first ? "{" : ",{");
			first = false;
			put_cilium_peer(out, rule->peer_count == 0 ? &anywhere : &rule->peers[i]);
			put_cilium_ports(out, rule);
			json_puts(out, "}");
		}
	}
	json_puts(out, "]}");
}

static void put_admin_peer(struct json_buffer *out, const struct world_peer *peer)
{
	if (peer->form == PEER_BLOCK) {
		json_putf(out, "{\"networks\":[\"%s\"]}", cidrs[peer->cidr]);
	} else if (peer->form == PEER_NAME) {
		json_putf(out, "{\"domainNames\":[\"%s\"]}", names[peer->name]);
	} else if (peer->pods.count == 0) {
		json_puts(out, "{\"namespaces\":");
		put_spaces(out, &peer->spaces);
		json_puts(out, "}");
	} else {
		json_puts(out, "{\"pods\":{\"namespaceSelector\":");
		put_spaces(out, &peer->spaces);
		json_puts(out, ",\"podSelector\":");
		put_pods(out, &peer->pods);
		json_puts(out, "}}");
	}
}

static void put_admin_ports(struct json_buffer *out, const struct world_rule *rule, bool newer)
{
	static const char *const lower[] = {"tcp", "udp", "sctp"};
	json_putf(out, "\"%s\":[", newer ? "protocols" : "ports");
	for (int i = 0; i < rule->port_count; i++) {
		const struct world_ports *port = &rule->ports[i];
		int first = port->first == 0 ? 1 : port->first,
		    last = port->first == 0 ? 65535 : port->last;
		json_puts(out, i == 0 ? "" : ",");
		if (newer && port->first == 0)
			json_putf(out, "{\"%s\":{}}", lower[port->protocol]);
		else if (newer)
			json_putf(out,
			          "{\"%s\":{\"destinationPort\":{\"range\":{\"start\":%d,\"end\":%d}}}}",
			          lower[port->protocol], first, last);
		else if (first == last)
			json_putf(out, "{\"portNumber\":{\"protocol\":\"%s\",\"port\":%d}}",
			          protocols[port->protocol], first);
		else
			json_putf(out,
			          "{\"portRange\":{\"protocol\":\"%s\",\"start\":%d,\"end\":%d}}",
			          protocols[port->protocol], first, last);
	}
	json_puts(out, "]");
}

static void put_admin(struct json_buffer *out, const struct world_policy *policy)
{
	static const char *const actions[2][3] = {{"Allow", "Deny", "Pass"},
	                                          {"Accept", "Deny", "Pass"}};
	bool newer = policy->form == FORM_CLUSTER;
	json_putf(out, "{\"priority\":%d,", policy->order);
	if (newer)
		json_putf(out, "\"tier\":\"%s\",", policy->baseline ? "Baseline" : "Admin");
	json_puts(out, "\"subject\":{\"pods\":{\"namespaceSelector\":");
	put_spaces(out, &policy->spaces);
	json_puts(out, ",\"podSelector\":");
	put_pods(out, &policy->pods);
	json_puts(out, "}},\"egress\":[");
	for (int r = 0; r < policy->rule_count; r++) {
		const struct world_rule *rule = &policy->rules[r];
		json_putf(out, "%s{\"action\":\"%s\",\"to\":[", r == 0 ? "" : ",",
		          actions[newer][rule->action]);
		for (int i = 0; i < rule->peer_count; i++) {
			json_puts(out, i == 0 ? "" : ",");
			put_admin_peer(out, &rule->peers[i]);
		}
		json_puts(out, "],");
		put_admin_ports(out, rule, newer);
		json_puts(out, "}");
	}
	json_puts(out, "]}");
}

/* In Calico's language, with " && " before each but the first. */
static void put_words(struct json_buffer *out, const struct world_selector *selector,
                      const char *const of[KEYS], const char *const (*words)[4], bool first)
{
	for (int i = 0; i < selector->count; i++) {
		const struct world_requirement *at = &selector->at[i];
		bool one = true;
		json_puts(out, first ? "" : " && ");
		first = false;
		if (at->op >= 2) {
			json_putf(out, "%shas(%s)", at->op == 3 ? "!" : "", of[at->key]);
			continue;
		}
		json_putf(out, "%s %s {", of[at->key], at->op == 0 ? "in" : "not in");
		for (int v = 1; v < 4; v++) {
			if (!(at->values >> v & 1))
				continue;
			json_putf(out, "%s'%s'", one ? "" : ", ", words[at->key][v]);
			one = false;
		}
		json_puts(out, "}");
	}
}

static void put_calico_spaces(struct json_buffer *out, const struct world_selector *selector)
{
	json_puts(out, "\"namespaceSelector\":\"");
	if (selector->count == 0)
		json_puts(out, "all()");
	put_words(out, selector, space_keys, space_values, true);
	json_puts(out, "\"");
}

static void put_calico_peer(struct json_buffer *out, const struct world_peer *peer)
{
	if (peer->form == PEER_BLOCK) {
		json_putf(out, "\"nets\":[\"%s\"]", cidrs[peer->cidr]);
		if (peer->except_count > 0)
			json_putf(out, ",\"notNets\":[\"%s\"]", cidrs[peer->excepts[0]]);
	} else if (peer->form == PEER_NAME) {
		json_putf(out, "\"domains\":[\"%s\"]", names[peer->name]);
	} else if (peer->form == PEER_PODS) {
		json_puts(out, "\"selector\":\"projectcalico.org/orchestrator == 'k8s'");
		put_words(out, &peer->pods, keys, values, false);
		json_puts(out, "\"");
		if (!peer->own) {
			json_puts(out, ",");
			put_calico_spaces(out, &peer->spaces);
		}
	}
}

static void put_calico_port(struct json_buffer *out, const struct world_ports *port)
{
	if (port->named)
		json_puts(out, "\"ports\":[\"http\"]");
	else if (port->first == port->last)
		json_putf(out, "\"ports\":[%d]", port->first);
	else
		json_putf(out, "\"ports\":[\"%d:%d\"]", port->first, port->last);
}

static void put_calico_rule(struct json_buffer *out, const struct world_rule *rule,
                            const struct world_peer *peer, const struct world_ports *port)
{
	static const char *const actions[] = {"Allow", "Deny", "Pass"};
	json_putf(out, "{\"action\":\"%s\"", actions[rule->action]);
	if (port != NULL)
		json_putf(out, ",\"protocol\":\"%s\"", protocols[port->protocol]);
	json_puts(out, ",\"destination\":{");
	if (peer != NULL)
		put_calico_peer(out, peer);
	if (port != NULL && (port->named || port->first != 0)) {
		json_puts(out, peer != NULL && peer->form != PEER_ANY ? "," : "");
		put_calico_port(out, port);
	}
	json_puts(out, "}}");
}

static void put_calico(struct json_buffer *out, const struct world_policy *policy)
{
	static const char *const tiers[] = {"first", "default", "last"};
	bool first = true;
	json_putf(out, "{\"tier\":\"%s\",\"order\":%d,\"types\":[\"Egress\"],\"selector\":\"",
	          tiers[policy->tier], policy->order < 2 ? policy->order : 2000 + policy->order);
	put_words(out, &policy->pods, keys, values, true);
	json_puts(out, "\",");
	if (policy->form == FORM_CALICO_GLOBAL) {
		put_calico_spaces(out, &policy->spaces);
		json_puts(out, ",");
	}
	json_puts(out, "\"egress\":[");
	for (int r = 0; r < policy->rule_count; r++) {
		const struct world_rule *rule = &policy->rules[r];
		for (int i = 0; i < (rule->peer_count == 0 ? 1 : rule->peer_count); i++)
			for (int p = 0; p < (rule->port_count == 0 ? 1 : rule->port_count); p++) {
				json_puts(out, first ? "" : ",");
				first = false;
				put_calico_rule(out, rule,
				                rule->peer_count == 0 ? NULL : &rule->peers[i],
				                rule->port_count == 0 ? NULL : &rule->ports[p]);
			}
	}
	json_puts(out, "]}");
}

void confined_put_policy(const struct confined_world *world, int which, struct json_buffer *out)
{
	static const struct {
		const char *version, *kind;
		void (*put)(struct json_buffer *out, const struct world_policy *policy);
	} forms[FORMS] = {
	        {"networking.k8s.io/v1", "NetworkPolicy", put_networkpolicy},
	        {"cilium.io/v2", "CiliumNetworkPolicy", put_cilium},
	        {"cilium.io/v2", "CiliumClusterwideNetworkPolicy", put_cilium},
	        {"policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy", put_admin},
	        {"policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy", put_admin},
	        {"projectcalico.org/v3", "NetworkPolicy", put_calico},
	        {"projectcalico.org/v3", "GlobalNetworkPolicy", put_calico}};
	const struct world_policy *policy = &world->policies[which];
	json_putf(out,
	          "{\"apiVersion\":\"%s\",\"kind\":\"%s\",\"metadata\":{\"name\":\"other%d\"",
	          forms[policy->form].version, forms[policy->form].kind, which);
	if (is_in_space(policy->form))
		json_putf(out, ",\"namespace\":\"%s\"", spaces[policy->space]);
	json_puts(out, "},\"spec\":");
	forms[policy->form].put(out, policy);
	json_puts(out, "}");
}

#define SPACE(name, labels)                                                                        \
	"{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"" name             \
	"\",\"labels\":{\"kubernetes.io/metadata.name\":\"" name "\"" labels "}}}"
#define TIER(name, order)                                                                          \
	"{\"apiVersion\":\"projectcalico.org/v3\",\"kind\":\"Tier\",\"metadata\":{\"name\":\"" name \
	"\"},\"spec\":{\"order\":" order "}}"

const char *confined_space(int which)
{
	static const char *const objects[] = {
	        SPACE("agents", ",\"env\":\"prod\""),
	        SPACE("shop", ",\"env\":\"prod\",\"team\":\"x\""), SPACE("kube-system", ""), NULL};
	return objects[which];
}

const char *confined_tier(int which)
{
	static const char *const objects[] = {TIER("first", "10"), TIER("default", "1000000"),
	                                      TIER("last", "2000000"), NULL};
	return objects[which];
}
