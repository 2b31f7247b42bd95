/* What proposals are made of, for those who write them. */
#ifndef FLOWS_PROPOSE_PRIVATE_H
#define FLOWS_PROPOSE_PRIVATE_H

#include "base/table.h"
#include "flows/merge.h"
#include "flows/propose.h"

/* A port of a destination, and what was seen there. */
struct proposed_port {
	uint16_t port;
	enum flow_protocol protocol;
	uint64_t flows, unjudged, denied, undirected; /* the last three are parts of the first */
	struct proposed_port *next;                   /* in order of number and protocol */
};

enum proposed_kind { PROPOSED_BLOCK, PROPOSED_PODS, PROPOSED_NAME, PROPOSED_LISTED };

struct proposed_peer {
	enum proposed_kind kind;
	char *text;      /* a letter for the kind; then an address, "namespace\n{labels}", a name, or words */
	const char *why; /* of LISTED */
	struct proposed_port *ports;
	char *seen;      /* the pod or the address that was seen last */
	size_t others;   /* how often that was another than before */
	UT_hash_handle hh;
};

/* From this time on; the verdicts of a card, the latest first. */
struct proposed_change {
	int64_t ns;
	bool verified;
	struct proposed_change *next;
};

struct proposed_agent {
	char *key; /* "namespace/KIND/workload" */
	char *namespace, *name, *api_version, *kind, *workload;
	bool has_rules, gone;
	bool incomplete; /* not all that it did is known */
	struct proposed_change *changes;
	struct proposed_peer *peers;
	uint64_t flows, unverified, denied; /* those that count, and two kinds that do not */
	int64_t first, last;                /* of the flows; -1: no time */
	struct proposed_agent *next;        /* of the same namespace */
	UT_hash_handle hh;
};

struct proposed_named {
	char *labels;                  /* of a workload's pod template */
	struct proposed_agent *agents; /* of a namespace */
	UT_hash_handle hh;
	char key[];
};

struct flow_proposals {
	struct flow_propose_settings settings;
	struct proposed_agent *agents;
	struct proposed_named *workloads; /* by "namespace/KIND/name" */
	struct proposed_named *namespaces;
	struct proposed_named *servers;   /* by the API server's address */
	struct json_buffer scratch;
	uint64_t unmatched;
};

#endif
