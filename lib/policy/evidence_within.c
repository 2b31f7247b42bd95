/* Whether what one rule allows lies in what others allow. */
#include <string.h>
#include <strings.h>

#include "policy/evidence_private.h"

static bool meets(const struct policy_cidr *a, const struct policy_cidr *b)
{
	return policy_cidr_holds(a, b) || policy_cidr_holds(b, a);
}

/* Each exception of the outer is of no concern to the inner, or is excepted there as well. */
static bool cidr_within(const struct evidence_peer *inner, const struct evidence_peer *outer)
{
	if (!policy_cidr_holds(&outer->cidr, &inner->cidr))
		return false;
	for (size_t i = 0; i < outer->except_count; i++) {
		bool excepted = !meets(&inner->cidr, &outer->except[i]);
		for (size_t j = 0; j < inner->except_count && !excepted; j++)
			excepted = policy_cidr_holds(&inner->except[j], &outer->except[i]) ||
			           policy_cidr_holds(&inner->except[j], &inner->cidr);
		if (!excepted)
			return false;
	}
	return true;
}

/* A leading "*." of ours is one or more labels; whatever "*" is for others, a name that ends in
 * what follows our dot is among these. */
static bool name_within(struct json_text inner, struct json_text outer)
{
	if (inner.len > 0 && inner.at[inner.len - 1] == '.')
		inner.len--;
	if (outer.len < 2 || memcmp(outer.at, "*.", 2) != 0)
		return inner.len == outer.len && memchr(inner.at, '*', inner.len) == NULL &&
		       strncasecmp(inner.at, outer.at, inner.len) == 0;
	size_t suffix = outer.len - 1;
	return inner.len > suffix &&
	       strncasecmp(inner.at + inner.len - suffix, outer.at + 1, suffix) == 0;
}

static bool peer_within(struct evidence_reading *reading, const struct evidence_peer *inner,
                        const struct evidence_peer *outer)
{
	if (outer->kind == EVIDENCE_ANYWHERE)
		return true;
	if (inner->kind != outer->kind)
		return false;
	switch (inner->kind) {
	case EVIDENCE_PODS:
		return evidence_pods_within(reading, inner, outer);
	case EVIDENCE_CIDR:
		return cidr_within(inner, outer);
	case EVIDENCE_DNS_NAME:
		return name_within(inner->name, outer->name);
	default:
		return false;
	}
}

static bool port_within(const struct evidence_port *inner, const struct evidence_port *outer)
{
	if (outer->unread)
		return false;
	if (outer->protocol == EVIDENCE_EVERY_PROTOCOL)
		return true;
	if (inner->unread || inner->protocol != outer->protocol)
		return false;
	if (outer->every)
		return true;
	if (inner->every || (inner->name.at == NULL) != (outer->name.at == NULL))
		return false;
	if (inner->name.at != NULL)
		return json_same(inner->name, outer->name);
	return outer->first <= inner->first && inner->last <= outer->last;
}

static bool covers_port(const struct evidence_rule *rule, const struct evidence_port *port)
{
	for (size_t i = 0; i < rule->port_count; i++)
		if (port_within(port, &rule->ports[i]))
			return true;
	return false;
}

static bool covers_peer(struct evidence_reading *reading, const struct evidence_rule *rule,
                        const struct evidence_peer *peer)
{
	for (size_t i = 0; i < rule->peer_count && reading->budget >= 0; i++) {
		reading->budget--;
		if (peer_within(reading, peer, &rule->peers[i]))
			return true;
	}
	return false;
}

static bool has_whole(const struct evidence_rule *rule, unsigned bits)
{
	for (size_t i = 0; i < rule->peer_count; i++)
		if (rule->peers[i].kind == EVIDENCE_CIDR && rule->peers[i].cidr.bits == bits &&
		    rule->peers[i].cidr.prefix == 0 && rule->peers[i].except_count == 0)
			return true;
	return false;
}

/* 0.0.0.0/0 and ::/0 hold all that has a name, and where pods are judged by their addresses all
 * that there is; on Cilium they hold neither pods nor nodes (docs.cilium.io, "IP/CIDR based"). */
static bool within_all_addresses(const struct evidence_reading *reading,
                                 const struct evidence_peer *peer,
                                 const struct evidence_port *port,
                                 const struct evidence_rule *rules, size_t count)
{
	bool four = false, six = false;
	bool is_address = peer->kind == EVIDENCE_PODS || peer->kind == EVIDENCE_ANYWHERE ||
	                  peer->kind == EVIDENCE_API_SERVER;
	if (peer->kind != EVIDENCE_DNS_NAME && !(is_address && reading->by_address))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!covers_port(&rules[i], port))
			continue;
		four = four || has_whole(&rules[i], 32);
		six = six || has_whole(&rules[i], 128);
	}
	return four && six;
}

static bool pair_within(struct evidence_reading *reading, const struct evidence_peer *peer,
                        const struct evidence_port *port, const struct evidence_rule *rules,
                        size_t count, bool api_server)
{
	bool is_api_server = api_server && peer->kind == EVIDENCE_API_SERVER;
	for (size_t i = 0; i < count && reading->budget >= 0; i++)
		if (covers_port(&rules[i], port) &&
		    (is_api_server || covers_peer(reading, &rules[i], peer)))
			return true;
	return within_all_addresses(reading, peer, port, rules, count);
}

struct evidence_outside evidence_within(struct evidence_reading *reading,
                                        const struct evidence_rule *rule,
                                        const struct evidence_rule *rules, size_t count,
                                        bool api_server)
{
	for (size_t p = 0; p < rule->peer_count; p++) {
		if (rule->peers[p].kind == EVIDENCE_PODS &&
		    (evidence_selects_nothing(&rule->peers[p].pods) ||
		     evidence_selects_nothing(&rule->peers[p].namespaces)))
			continue;
		for (size_t q = 0; q < rule->port_count; q++) {
			if (--reading->budget < 0)
				return (struct evidence_outside){0};
			if (!pair_within(reading, &rule->peers[p], &rule->ports[q], rules, count,
			                 api_server) &&
			    reading->budget >= 0)
				return (struct evidence_outside){&rule->peers[p], &rule->ports[q]};
		}
	}
	return (struct evidence_outside){0};
}
