/* What is held of flows that were judged, for those who say it. */
#ifndef EXPLAIN_FLOWS_PRIVATE_H
#define EXPLAIN_FLOWS_PRIVATE_H

#include "base/table.h"
#include "explain/flows.h"

/* A destination of an agent, with one recorded verdict. */
struct judged {
	struct json_text text; /* the flow without source, times, count and policies: the key */
	enum flow_verdict recorded;
	enum explain_fate fate;
	uint64_t count;
	int64_t first, last; /* -1: no time */
	const struct policy_stored_object *policy; /* that allows it, or comes nearest; NULL */
	struct policy_match match;
	char *why; /* NULL */
	UT_hash_handle hh;
};

struct judged_agent {
	struct explanation explanation;
	struct judged *destinations;
	size_t *bytes; /* of its namespace */
	bool *used;    /* which rules of its own policy, */
	size_t rules;  /* of so many */
	uint64_t of[EXPLAIN_FATES];
	uint64_t beyond;       /* flows of which no destination is kept */
	uint64_t beyond_cut;   /* and of those the cut and the doubtful */
	bool incomplete;       /* flows that stand for more than they tell */
	const struct policy_card *card; /* the key */
	UT_hash_handle hh;
};

struct judged_space {
	size_t bytes;
	const struct policy_namespace *namespace;
	UT_hash_handle hh;
};

struct explain_flows {
	const struct world *world;
	const struct flow_pods *pods;
	struct judged_agent *agents; /* in the order of the cards */
	struct judged_space *spaces;
	struct json_buffer key;
	size_t bytes;
	uint64_t unmatched, undetermined;
};

/* The agent's own policy; NULL. */
const struct counted *explain_own_policy(const struct explanation *explanation);

#endif
