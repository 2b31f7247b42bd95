/* What an assertion is made of. */
#ifndef EXPLAIN_ASSERTIONS_PRIVATE_H
#define EXPLAIN_ASSERTIONS_PRIVATE_H

#include "explain/assertions.h"
#include "rules/witness.h"

struct assertion_selection { /* lists of patterns; absent: any */
	bool set;
	struct json_text namespaces, workloads, spiffe_ids;
};

struct assertion {
	struct json_text name;
	struct assertion_selection agents, except;
	bool is_limit; /* the rules are all that may be allowed, and not what may not */
	struct json_text egress, domains;
	size_t selected, failed, undecided; /* agents */
	struct json_buffer lines, objects;  /* of those for which it does not hold */
};

struct explain_assertions {
	char *text;
	struct assertion *at;
	size_t count;
	struct explain_assertions_facts facts;
	struct sets *agent; /* where an agent's rules are read, */
	struct sets *work;  /* and where an assertion is compared with them */
	struct json_buffer peer, pods; /* the last peer, and the pods in words that it selects */
};

#endif
