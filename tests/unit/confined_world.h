/*
 * Random clusters in which an agent is confined or not, and a judge of that who shares no code
 * with the product: policies are plain structs here, printed as JSON for the product alone, and
 * judged by trying every connection of a small universe.
 *
 * Everything is drawn from a seed, from few words, so that rules meet often. A policy of others is
 * often made from one of the agent's rules, so that both outcomes are frequent.
 */
#ifndef TESTS_CONFINED_WORLD_H
#define TESTS_CONFINED_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"

enum cluster_cni { CLUSTER_CILIUM, CLUSTER_CALICO, CLUSTER_PLAIN, CLUSTER_OVN, CLUSTER_CNIS };

enum policy_form {
	FORM_NETWORKPOLICY,
	FORM_CILIUM,
	FORM_CILIUM_CLUSTERWIDE,
	FORM_ADMIN,
	FORM_CLUSTER,
	FORM_CALICO,
	FORM_CALICO_GLOBAL,
	FORMS,
};

enum { KEYS = 3, REQUIREMENTS = 2, PEERS = 2, PORTS = 2, RULES = 3, POLICIES = 3, EXCEPTS = 2 };

struct world_requirement {
	int key, op;     /* In, NotIn, Exists, DoesNotExist */
	unsigned values; /* bits 1, 2 and 3 */
};

struct world_selector {
	int count;
	struct world_requirement at[REQUIREMENTS + 1];
};

enum peer_form { PEER_ANY, PEER_PODS, PEER_BLOCK, PEER_NAME, PEER_WORLD, PEER_API };

struct world_peer {
	enum peer_form form;
	bool own; /* of the policy's namespace, else of those of: */
	struct world_selector spaces, pods;
	int cidr, excepts[EXCEPTS], except_count, name;
};

struct world_ports {
	int protocol;    /* TCP, UDP, SCTP */
	int first, last; /* 0: every one of the protocol */
	bool named;      /* "http" */
};

enum rule_action { ACTION_ALLOW, ACTION_DENY, ACTION_PASS };

struct world_rule {
	enum rule_action action;
	int peer_count, port_count; /* none: all of them */
	struct world_peer peers[PEERS];
	struct world_ports ports[PORTS];
};

struct world_policy {
	enum policy_form form;
	int space; /* of those that are in one */
	struct world_selector pods, spaces;
	bool lists_egress; /* NetworkPolicy: in policyTypes */
	bool baseline;     /* ClusterNetworkPolicy: in that tier */
	int tier, order;   /* Calico: 0 first, 1 default, 2 last; priority of the others */
	int rule_count;
	struct world_rule rules[RULES];
};

/* What the cluster has of the policy that was asked for. */
enum own_policy { OWN_AS_ASKED, OWN_ABSENT, OWN_OPENED, OWN_MISSELECTS, OWN_NARROWED };

enum world_target { WRITES_NETWORKPOLICY, WRITES_OWN_KIND, WRITES_ISTIO };

struct confined_world {
	uint64_t random;
	enum cluster_cni cni;
	bool cni_is_told, spaces_are_told;
	int labels[KEYS];              /* of the agent's template */
	struct world_selector selector; /* of our policy */
	int rule_count;
	struct world_rule rules[RULES];
	int policy_count;
	struct world_policy policies[POLICIES];
	/* what only confined_draw_agent() sets: */
	bool verified, host_network, misses_pods;
	bool lacks_list; /* one of the kinds of others' policies may not be read */
	bool is_replayed; /* the policy is there from the start */
	enum world_target target;
	enum own_policy own;
	bool has_neighbour; /* another agent of the namespace, */
	struct world_policy neighbour; /* whose policy this is */
};

void confined_draw(struct confined_world *world, uint64_t seed);

/* The same, and what else a cluster and a card say. */
void confined_draw_agent(struct confined_world *world, uint64_t seed);

/* Whether, on this CNI, the agent's pods can open no connection that its rules do not allow. */
bool confined_on(const struct confined_world *world, enum cluster_cni cni);

/* The same of a whole world. A policy of its own that is not there, or does not select its pods, confines
 * no agent, whatever others' do by chance; nor does it where nobody enforces it. */
bool confined_agent_on(const struct confined_world *world, enum cluster_cni cni);

/* For the product. */
void confined_put_rules(const struct confined_world *world, struct json_buffer *out);
void confined_put_domains(const struct confined_world *world, struct json_buffer *out);
void confined_put_labels(const struct confined_world *world, struct json_buffer *out);
void confined_put_selector(const struct confined_world *world, struct json_buffer *out);
void confined_put_neighbour(const struct confined_world *world, struct json_buffer *selector,
                            struct json_buffer *network_policy);
void confined_put_policy(const struct confined_world *world, int which, struct json_buffer *out);
/* Namespace objects; NULL behind the last. */
const char *confined_space(int which);
/* Calico's tiers; NULL behind the last. */
const char *confined_tier(int which);

#endif
