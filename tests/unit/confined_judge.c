/* Who may connect where, tried connection by connection. */
#include <stddef.h>

#include "confined_world.h"

/* Addresses by number; CIDRs by the addresses that they hold. */
enum { ADDRESSES = 10 };
/* 0 8.8.8.8  1 203.0.113.200  2 203.0.113.1  3 203.0.113.70  4 10.9.0.1  5 10.1.0.1
 * 6 198.51.100.7  7 2001:db8::1  8 2001:4860::1  9 fd00::1 */
static const unsigned holds[] = {
        0x07f, /* 0.0.0.0/0 */
        0x00e, /* 203.0.113.0/24 */
        0x00c, /* 203.0.113.0/25 */
        0x008, /* 203.0.113.64/26 */
        0x030, /* 10.0.0.0/8 */
        0x020, /* 10.1.0.0/16 */
        0x040, /* 198.51.100.7/32 */
        0x380, /* ::/0 */
        0x080, /* 2001:db8::/32 */
        0x200, /* fd00::/8 */
};

/* The namespaces' labels: name, env (1 prod, 2 dev), team (1 x). */
static const int space_labels[3][KEYS] = {{1, 1, 0}, {2, 1, 1}, {3, 0, 0}};

enum target { TARGET_POD, TARGET_OUTSIDE, TARGET_NODE, TARGET_API };

struct attempt {
	enum target target;
	int space, labels[KEYS], http; /* of a pod; the number of its TCP port "http", 0: none */
	int address, name;             /* a DNS name that led there, 0: none */
	int protocol, port;            /* 3: another protocol, without ports */
};

static bool meets(const struct world_requirement *requirement, int value)
{
	bool among = value != 0 && (requirement->values >> value & 1);
	switch (requirement->op) {
	case 0:
		return among;
	case 1:
		return !among;
	case 2:
		return value != 0;
	default:
		return value == 0;
	}
}

static bool selects(const struct world_selector *selector, const int labels[KEYS])
{
	for (int i = 0; i < selector->count; i++)
		if (!meets(&selector->at[i], labels[selector->at[i].key]))
			return false;
	return true;
}

static bool in_block(const struct world_peer *peer, const struct attempt *attempt,
                     enum cluster_cni cni)
{
	if (cni == CLUSTER_CILIUM &&
	    (attempt->target == TARGET_POD || attempt->target == TARGET_NODE))
		return false;
	if (!(holds[peer->cidr] >> attempt->address & 1))
		return false;
	for (int i = 0; i < peer->except_count; i++)
		if (holds[peer->excepts[i]] >> attempt->address & 1)
			return false;
	return true;
}

/* Names: 1 api.example.com, 2 b.example.com, 3 example.org; 4 is *.example.com. */
static bool peer_has(const struct world_peer *peer, int space, const struct attempt *attempt,
                     enum cluster_cni cni)
{
	switch (peer->form) {
	case PEER_ANY:
		return true;
	case PEER_PODS:
		return attempt->target == TARGET_POD &&
		       (peer->own ? attempt->space == space
		                  : selects(&peer->spaces, space_labels[attempt->space])) &&
		       selects(&peer->pods, attempt->labels);
	case PEER_BLOCK:
		return in_block(peer, attempt, cni);
	case PEER_NAME:
		return attempt->target == TARGET_OUTSIDE &&
		       (peer->name == 4 ? attempt->name == 1 || attempt->name == 2
		                        : attempt->name == peer->name);
	case PEER_WORLD:
		return attempt->target == TARGET_OUTSIDE || attempt->target == TARGET_API;
	default:
		return attempt->target == TARGET_API;
	}
}

static bool port_has(const struct world_ports *ports, const struct attempt *attempt,
                     bool names_are_all)
{
	if (ports->protocol != attempt->protocol)
		return false;
	if (ports->named)
		return names_are_all || (attempt->target == TARGET_POD && attempt->protocol == 0 &&
		                         attempt->http != 0 && attempt->port == attempt->http);
	return ports->first == 0 || (ports->first <= attempt->port && attempt->port <= ports->last);
}

static bool rule_has(const struct world_rule *rule, int space, const struct attempt *attempt,
                     enum cluster_cni cni, bool names_are_all)
{
	bool peer = rule->peer_count == 0, port = rule->port_count == 0;
	for (int i = 0; i < rule->port_count && !port; i++)
		port = port_has(&rule->ports[i], attempt, names_are_all);
	for (int i = 0; i < rule->peer_count && port && !peer; i++)
		peer = peer_has(&rule->peers[i], space, attempt, cni);
	return peer && port;
}

static bool ours_has(const struct confined_world *world, const struct attempt *attempt,
                     enum cluster_cni cni)
{
	for (int i = 0; i < world->rule_count; i++)
		if (rule_has(&world->rules[i], 0, attempt, cni, false))
			return true;
	return false;
}

static bool is_namespaced(enum policy_form form)
{
	return form == FORM_NETWORKPOLICY || form == FORM_CILIUM || form == FORM_CALICO;
}

/* Of a pod of the agent with this hash. */
static bool is_selected(const struct confined_world *world, const struct world_policy *policy,
                        int hash)
{
	int labels[KEYS] = {world->labels[0], world->labels[1], hash};
	if (is_namespaced(policy->form) ? policy->space != 0
	                                : !selects(&policy->spaces, space_labels[0]))
		return false;
	return selects(&policy->pods, labels);
}

enum outcome { UNDECIDED, ALLOWED, DENIED, PASSED };

static enum outcome by_rules(const struct world_policy *policy, const struct attempt *attempt,
                             enum cluster_cni cni)
{
	static const enum outcome outcomes[] = {ALLOWED, DENIED, PASSED};
	for (int i = 0; i < policy->rule_count; i++)
		if (rule_has(&policy->rules[i], policy->space, attempt, cni, cni == CLUSTER_OVN))
			return outcomes[policy->rules[i].action];
	return UNDECIDED;
}

static bool is_here(enum policy_form form, enum cluster_cni cni)
{
	switch (form) {
	case FORM_NETWORKPOLICY:
		return true;
	case FORM_CILIUM:
	case FORM_CILIUM_CLUSTERWIDE:
		return cni == CLUSTER_CILIUM;
	case FORM_CALICO:
	case FORM_CALICO_GLOBAL:
		return cni == CLUSTER_CALICO;
	default:
		return cni != CLUSTER_CILIUM;
	}
}

static bool is_admin(const struct world_policy *policy)
{
	return policy->form == FORM_ADMIN || (policy->form == FORM_CLUSTER && !policy->baseline);
}

/* The policies of one stage in order: the first that decides. Within a stage of Calico the end of
 * it denies. */
struct stage {
	bool (*has)(const struct world_policy *policy, int tier);
	int tier;
};

static bool in_tier(const struct world_policy *policy, int tier)
{
	return (policy->form == FORM_CALICO || policy->form == FORM_CALICO_GLOBAL) &&
	       policy->tier == tier;
}

static bool of_admins(const struct world_policy *policy, int tier)
{
	(void)tier;
	return is_admin(policy);
}

static enum outcome by_stage(const struct confined_world *world, struct stage stage, int hash,
                             const struct attempt *attempt, enum cluster_cni cni, bool *asked)
{
	*asked = false;
	for (int order = 0; order < 4; order++) {
		for (int i = 0; i < world->policy_count; i++) {
			const struct world_policy *policy = &world->policies[i];
			if (policy->order != order || !is_here(policy->form, cni) ||
			    !stage.has(policy, stage.tier) || !is_selected(world, policy, hash))
				continue;
			*asked = true;
			enum outcome outcome = by_rules(policy, attempt, cni);
			if (outcome != UNDECIDED)
				return outcome;
		}
	}
	return UNDECIDED;
}

static bool by_networkpolicies(const struct confined_world *world, int hash,
                               const struct attempt *attempt, enum cluster_cni cni)
{
	const struct world_policy *neighbour = &world->neighbour;
	if (world->own == OWN_OPENED || ours_has(world, attempt, cni) ||
	    (world->has_neighbour && is_selected(world, neighbour, hash) &&
	     by_rules(neighbour, attempt, cni) == ALLOWED))
		return true;
	for (int i = 0; i < world->policy_count; i++) {
		const struct world_policy *policy = &world->policies[i];
		if (policy->form == FORM_NETWORKPOLICY &&
		    (policy->lists_egress || cni == CLUSTER_CILIUM) &&
		    is_selected(world, policy, hash) && by_rules(policy, attempt, cni) == ALLOWED)
			return true;
	}
	return false;
}

static bool on_cilium(const struct confined_world *world, int hash, const struct attempt *attempt)
{
	for (int i = 0; i < world->policy_count; i++) {
		const struct world_policy *policy = &world->policies[i];
		if ((policy->form == FORM_CILIUM || policy->form == FORM_CILIUM_CLUSTERWIDE) &&
		    is_selected(world, policy, hash) &&
		    by_rules(policy, attempt, CLUSTER_CILIUM) == ALLOWED)
			return true;
	}
	return by_networkpolicies(world, hash, attempt, CLUSTER_CILIUM);
}

/* Kubernetes' policies have order 1000 in Calico's tier "default": here behind orders 0 and 1. */
static enum outcome by_default_tier(const struct confined_world *world, int hash,
                                    const struct attempt *attempt)
{
	for (int order = 0; order < 4; order++) {
		if (order == 2 && by_networkpolicies(world, hash, attempt, CLUSTER_CALICO))
			return ALLOWED;
		for (int i = 0; i < world->policy_count; i++) {
			const struct world_policy *policy = &world->policies[i];
			if (policy->order != order || !in_tier(policy, 1) ||
			    !is_selected(world, policy, hash))
				continue;
			enum outcome outcome = by_rules(policy, attempt, CLUSTER_CALICO);
			if (outcome != UNDECIDED)
				return outcome;
		}
	}
	return DENIED;
}

static bool on_calico(const struct confined_world *world, int hash, const struct attempt *attempt)
{
	bool asked;
	enum outcome outcome = by_stage(world, (struct stage){in_tier, 0}, hash, attempt,
	                                CLUSTER_CALICO, &asked);
	if (outcome == ALLOWED || outcome == DENIED || (asked && outcome == UNDECIDED))
		return outcome == ALLOWED;
	outcome = by_stage(world, (struct stage){of_admins, 0}, hash, attempt, CLUSTER_CALICO,
	                   &asked);
	if (outcome == ALLOWED || outcome == DENIED)
		return outcome == ALLOWED;
	outcome = by_default_tier(world, hash, attempt);
	if (outcome != PASSED)
		return outcome == ALLOWED;
	outcome = by_stage(world, (struct stage){in_tier, 2}, hash, attempt, CLUSTER_CALICO, &asked);
	/* behind the last tier is the profile, which allows */
	return outcome == ALLOWED || outcome == PASSED || !asked;
}

static bool passes(const struct confined_world *world, int hash, const struct attempt *attempt,
                   enum cluster_cni cni)
{
	bool asked;
	if (cni == CLUSTER_CILIUM)
		return on_cilium(world, hash, attempt);
	if (cni == CLUSTER_CALICO)
		return on_calico(world, hash, attempt);
	enum outcome outcome =
	        by_stage(world, (struct stage){of_admins, 0}, hash, attempt, cni, &asked);
	if (outcome == ALLOWED || outcome == DENIED)
		return outcome == ALLOWED;
	return by_networkpolicies(world, hash, attempt, cni);
}

/* Every protocol and port to one destination, from pods of the agent with any hash, or none. */
static bool is_held(const struct confined_world *world, struct attempt attempt,
                    enum cluster_cni cni)
{
	static const int numbers[] = {53, 80, 443, 6443, 8080, 9999};
	for (attempt.protocol = 0; attempt.protocol < 4; attempt.protocol++) {
		for (int p = 0; p < (attempt.protocol == 3 ? 1 : 6); p++) {
			attempt.port = attempt.protocol == 3 ? 0 : numbers[p];
			for (int hash = 0; hash <= 2; hash++)
				if (passes(world, hash, &attempt, cni) &&
				    !ours_has(world, &attempt, cni))
					return false;
		}
	}
	return true;
}

static bool holds_pods(const struct confined_world *world, enum cluster_cni cni)
{
	static const int places[][2] = {{5, 80}, {9, 0}, {3, 443}, {5, 0}};
	struct attempt attempt = {.target = TARGET_POD};
	for (attempt.space = 0; attempt.space < 3; attempt.space++)
		for (int labels = 0; labels < 9; labels++)
			for (int place = 0; place < 4; place++) {
				attempt.labels[0] = labels % 3;
				attempt.labels[1] = labels / 3;
				attempt.address = places[place][0];
				attempt.http = places[place][1];
				if (!is_held(world, attempt, cni))
					return false;
			}
	return true;
}

bool confined_on(const struct confined_world *world, enum cluster_cni cni)
{
	struct attempt attempt = {.target = TARGET_OUTSIDE};
	for (attempt.address = 0; attempt.address < ADDRESSES; attempt.address++)
		for (attempt.name = 0; attempt.name < 4; attempt.name++)
			if (!is_held(world, attempt, cni))
				return false;
	attempt = (struct attempt){.target = TARGET_API, .address = 6};
	if (!is_held(world, attempt, cni))
		return false;
	attempt = (struct attempt){.target = TARGET_NODE, .address = 4};
	return is_held(world, attempt, cni) && holds_pods(world, cni);
}

bool confined_agent_on(const struct confined_world *world, enum cluster_cni cni)
{
	if (world->host_network || world->misses_pods || world->target == WRITES_ISTIO ||
	    world->own == OWN_ABSENT || world->own == OWN_MISSELECTS)
		return false;
	return confined_on(world, cni);
}
