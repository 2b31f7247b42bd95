/*
 * A connection that shows what a set of rules (rules/sets.h) allows and should not: in a set that must
 * not be met, or beyond one that is all it may allow.
 *
 * Decided by arithmetic: NO and YES hold whichever way a network plugin reads an ipBlock. What depends
 * on that, on the number of a named port, on the addresses of a DNS name or on a limit is PERHAPS.
 *
 * Ownership: as in rules/sets.h; what is found is valid until sets_clear().
 */
#ifndef RULES_WITNESS_H
#define RULES_WITNESS_H

#include "rules/evaluate.h"
#include "rules/sets.h"

enum sets_answer { SETS_NO, SETS_PERHAPS, SETS_YES };

struct sets_part;

struct sets_witness {
	enum sets_answer answer;
	int rule;     /* of the first set, that allows it; as in sets_beyond() */
	bool is_name;
	unsigned losses;              /* of PERHAPS: why it cannot be told */
	const struct sets_part *part; /* of YES: connections that show it */
};

/* Whether something is in both. The first for which that is YES, else the first PERHAPS. */
struct sets_witness sets_witness_meeting(struct sets *sets, const struct sets_set *set,
                                         const struct sets_set *never);
/* Whether something of the set is not in `limit`. */
struct sets_witness sets_witness_beyond(struct sets *sets, const struct sets_set *set,
                                        const struct sets_set *limit);

enum sets_destination { SETS_TO_ADDRESS, SETS_TO_PODS, SETS_TO_NAME };

/* One connection of a part. */
struct sets_connection {
	enum sets_destination to;
	struct policy_cidr address; /* a whole /32 or /128 */
	struct json_text name;      /* of DNS; it may be a wildcard */
	enum policy_protocol protocol;
	long port;                  /* 0: it has a name, which is `port_name` */
	struct json_text port_name;
};

struct sets_connection sets_witness_connection(const struct sets_part *part);
/* Appends the peer of TO_PODS, as in a rule's `to`: {"namespaceSelector":{},"podSelector":{}}. */
void sets_witness_put_peer(const struct sets_part *part, struct json_buffer *out);

/* Half a sentence about one of the losses. */
const char *sets_loss_words(unsigned losses);

#endif
