/*
 * A small world to prove targets in: rule sets as cards have them, pods, addresses and names to
 * connect to, and what NetworkPolicy and `domains` say of a connection.
 *
 * Everything is drawn from a seed. The words to draw from are few, so that rules and connections
 * meet often.
 *
 * Ownership: a world_rules owns its texts; what else is pointed to is static.
 */
#ifndef TESTS_EGRESS_WORLD_H
#define TESTS_EGRESS_WORLD_H

#include "rules/evaluate.h"
#include "base/buffer.h"

#define WORLD_SPACE "agents" /* where the agent is */
#define WORLD_SPACE_LABELS "{\"env\":\"prod\",\"kubernetes.io/metadata.name\":\"agents\"}"
#define WORLD_SELECTOR "{\"matchLabels\":{\"app\":\"agent\"}}"
#define WORLD_API_SERVER "192.0.2.1"
#define WORLD_API_SERVER_6 "fd00:99::1"

struct world {
	uint64_t random;
};
void world_seed(struct world *world, uint64_t seed);
unsigned world_pick(struct world *world, unsigned below);

/* spec.networkPolicy of a card. */
struct world_rules {
	struct json_buffer egress, domains; /* normal form; empty: not set */
};
void world_rules_draw(struct world *world, struct world_rules *rules);
void world_rules_free(struct world_rules *rules);
/* Appends {"egress":…,"domains":…}, as far as they are set. */
void world_rules_put(const struct world_rules *rules, struct json_buffer *out);

struct world_port {
	const char *name; /* NULL closes a list */
	enum policy_protocol protocol;
	long port;
};

struct world_pod {
	const char *namespace, *namespace_labels, *labels, *address;
	const struct world_port *ports;
	bool is_dns; /* of the cluster's DNS */
};

struct world_connection {
	const struct world_pod *pod; /* NULL: the address is outside of the cluster */
	struct policy_cidr address;  /* of one machine */
	const char *name;            /* the DNS name that was asked for it; NULL */
	bool is_api_server;
	enum policy_protocol protocol;
	long port;
};
void world_connection_draw(struct world *world, struct world_connection *connection);
/* In words, for a failure. */
void world_connection_print(const struct world_connection *connection, char text[256]);

/* What the rules say of a connection, as networking.k8s.io/v1 and DESIGN's section 4 have it.
 *
 * UNKNOWN is what may be answered either way: whether an ipBlock covers pods (plugins differ),
 * and DNS itself where `egress` is set and `domains` needs it. So is what is allowed only by a
 * part of the rules that one of the `problems` is about (an array, as in an operation; absent:
 * none): "spec.networkPolicy.egress[0]", "….egress[0].to[1]", "….egress[0].ports[2]",
 * "….domains[0].names[1]" and what is above or below these. */
enum policy_answer world_reference(const struct world_rules *rules,
                                   const struct world_connection *connection,
                                   struct json_text problems);

/* Whether a DNS name is one that `domains` means by a name; a leading "*." is one or more labels.
 */
bool world_name_matches(const char *pattern, const char *name);
bool world_address_in(const char *cidr, const struct policy_cidr *address);
/* Whether an object of matchLabels and matchExpressions selects these labels. */
bool world_selects(struct json_text selector, const char *labels);
/* Whether the pod names this very port so. */
bool world_port_named(const struct world_pod *pod, const char *name, enum policy_protocol protocol,
                      long port);

#endif
