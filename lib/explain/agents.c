#include "explain/agents.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct explain_agent {
	char *key, *record;
	UT_hash_handle hh;
};

static void drop(struct explain_agents *agents, struct explain_agent *agent)
{
	HASH_DEL(agents->table, agent);
	free(agent->key);
	free(agent->record);
	free(agent);
}

void explain_agents_take(struct explain_agents *agents, struct json_text line)
{
	struct explain_agent *agent = NULL;
	struct json_text card = json_get(line, "agentCard");
	struct json_text namespace = json_plain(json_get(card, "namespace")),
	                 name = json_plain(json_get(card, "name"));
	if (!json_equals(json_get(line, "type"), "AGENT") || name.at == NULL)
		return;
	char *key = kube_format("%.*s/%.*s", (int)namespace.len,
	                        namespace.at == NULL ? "" : namespace.at, (int)name.len, name.at);
	HASH_FIND_STR(agents->table, key, agent);
	if (agent != NULL)
		drop(agents, agent);
	if (json_is_true(json_get(line, "gone"))) {
		free(key);
		return;
	}
	agent = kube_alloc(1, sizeof *agent);
	agent->key = key;
	agent->record = kube_copy_n(line.at, line.len);
	HASH_ADD_KEYPTR(hh, agents->table, agent->key, strlen(agent->key), agent);
}

struct json_text explain_agents_find(const struct explain_agents *agents, const char *key)
{
	struct explain_agent *agent = NULL;
	HASH_FIND_STR(agents->table, key, agent);
	return json_of(agent == NULL ? NULL : agent->record);
}

void explain_agents_free(struct explain_agents *agents)
{
	struct explain_agent *agent, *next;
	HASH_ITER(hh, agents->table, agent, next)
	drop(agents, agent);
}
