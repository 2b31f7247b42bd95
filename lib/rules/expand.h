/*
 * What of a valid rule is written out for targets that have neither exceptions nor ranges: the
 * CIDRs that are left of an ipBlock without what it excepts, and ports one by one.
 *
 * Bounded: what would be more than a bound is not written in part, but reported, and the caller
 * leaves it denied or says less.
 */
#ifndef RULES_EXPAND_H
#define RULES_EXPAND_H

#include "net/cidr.h"
#include "rules/evaluate.h"
#include "base/buffer.h"

enum { POLICY_PIECES_MAX = 256, POLICY_PORTS_MAX = 256 };

/* In numeric order; their number, 0 when nothing is left, or POLICY_PIECES_MAX + 1 when they are
 * too many: `pieces` is then of no use. */
size_t policy_block_expand(struct json_text block, struct policy_cidr pieces[POLICY_PIECES_MAX]);

struct policy_ports {
	uint16_t at[POLICY_PORTS_MAX]; /* in order, each once */
	size_t count;
	bool all;   /* some entry, or their absence, means every port */
	bool named; /* some have a name: a pod's, and no address's */
	bool many;  /* some ranges did not fit, and are left out */
};

/* The ports of one protocol in a rule's `ports`. */
void policy_ports_expand(struct json_text ports, enum policy_protocol protocol,
                         struct policy_ports *expanded);

#endif
