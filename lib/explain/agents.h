/*
 * The AGENT records that a translator emits, the last of each agent: egress-records(5).
 *
 * Ownership: it owns their texts, which are valid until the next is taken. Initialise with {0}.
 */
#ifndef EXPLAIN_AGENTS_H
#define EXPLAIN_AGENTS_H

#include "base/table.h"
#include "json/json.h"

struct explain_agent;

struct explain_agents {
	struct explain_agent *table;
};

/* Takes a line that a translator emits; others than AGENT have no effect. */
void explain_agents_take(struct explain_agents *agents, struct json_text line);

/* That of the card "namespace/name"; absent when there is none. */
struct json_text explain_agents_find(const struct explain_agents *agents, const char *key);

void explain_agents_free(struct explain_agents *agents);

#endif
