#include "apply/agents_private.h"

#include <stdio.h>
#include <string.h>

#include "apply/agent_line_private.h"
#include "base/memory.h"
#include "base/table.h"
#include "k8s/name.h"
#include "os/clock.h"

/* An agent that names an object. */
struct use {
	struct use *prev, *next; /* of the object */
	struct agent *agent;
	struct object *object;
};

struct object {
	UT_hash_handle hh;
	bool asked; /* the last operation was an APPLY */
	struct kube_agent_object state;
	char *why; /* what `state` borrows */
	struct use *uses;
	char key[];
};

struct agent {
	UT_hash_handle hh;
	char *line;
	size_t len;
	struct use *uses;
	size_t count, pending; /* objects, and those whose result is awaited */
	bool listed;           /* since the last begin mark */
	bool to_write;         /* a line came that is not written yet */
	uint64_t written;      /* a hash of the line that was written; 0: none */
	int64_t repair_ms;     /* not before this is its status repaired */
	char key[];            /* its uid, or "namespace/name" */
};

struct kube_agents {
	struct kube_agents_options options;
	struct agent *agents;
	struct object *objects;
	char card_version[128];
};

struct kube_agents *kube_agents_new(const struct kube_agents_options *options)
{
	struct kube_agents *agents = kube_alloc(1, sizeof *agents);
	agents->options = *options;
	return agents;
}

enum { KEY_SIZE = 1024, REPAIR_MS = 60 * 1000 };

static void put_key(const struct kube_identity *id, char key[KEY_SIZE])
{
	snprintf(key, KEY_SIZE, "%.*s %.*s %.*s %.*s", (int)id->group.len,
	         id->group.at == NULL ? "" : id->group.at, (int)id->kind.len, id->kind.at,
	         (int)id->namespace.len, id->namespace.at == NULL ? "" : id->namespace.at,
	         (int)id->name.len, id->name.at);
}

static struct object *find_object(const struct kube_agents *agents, const char *key)
{
	struct object *object;
	HASH_FIND_STR(agents->objects, key, object);
	return object;
}

static struct object *object_of(struct kube_agents *agents, const struct kube_identity *id)
{
	char key[KEY_SIZE];
	put_key(id, key);
	struct object *object = find_object(agents, key);
	if (object != NULL)
		return object;
	size_t len = strlen(key);
	object = kube_alloc(1, sizeof *object + len + 1);
	memcpy(object->key, key, len + 1);
	object->state.result = KUBE_OBJECT_MISSING;
	HASH_ADD_STR(agents->objects, key, object);
	return object;
}

static void forget_object(struct kube_agents *agents, struct object *object)
{
	HASH_DEL(agents->objects, object);
	free(object->why);
	free(object);
}

/* Nothing is asked for, and nobody names it. */
static void forget_unused(struct kube_agents *agents, struct object *object)
{
	if (object->uses == NULL && !object->asked &&
	    object->state.result != KUBE_OBJECT_PENDING)
		forget_object(agents, object);
}

static void drop_uses(struct kube_agents *agents, struct use *uses, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct object *object = uses[i].object;
		struct use *use = &uses[i];
		DL_DELETE(object->uses, use);
		forget_unused(agents, object);
	}
	free(uses);
}

static void forget_agent(struct kube_agents *agents, struct agent *agent)
{
	drop_uses(agents, agent->uses, agent->count);
	HASH_DEL(agents->agents, agent);
	free(agent->line);
	free(agent);
}

void kube_agents_free(struct kube_agents *agents)
{
	struct agent *agent, *next_agent;
	struct object *object, *next;
	if (agents == NULL)
		return;
	HASH_ITER(hh, agents->agents, agent, next_agent) {
		forget_agent(agents, agent);
	}
	HASH_ITER(hh, agents->objects, object, next) {
		forget_object(agents, object);
	}
	free(agents);
}

/* The same line again asks for the status to be repaired, when somebody else has replaced it. */
static int64_t status_due(struct agent *agent, bool repeated)
{
	int64_t now = clock_monotonic_ms();
	int64_t due = repeated && agent->repair_ms > now ? agent->repair_ms : now;
	agent->repair_ms = due + REPAIR_MS;
	return due;
}

/* Writes the agent's line, unless nobody asked for it and it would be the one before it again. */
static void write_line(struct kube_agents *agents, struct agent *agent)
{
	struct json_buffer line = {0};
	const struct kube_agent_object **states =
	        kube_alloc(agent->count + 1, sizeof(struct kube_agent_object *));
	for (size_t i = 0; i < agent->count; i++)
		states[i] = &agent->uses[i].object->state;
	kube_agent_line_put((struct json_text){agent->line, agent->len}, states, agent->count,
	                    &line);
	uint64_t hash = json_hash(json_buffer_text(&line)) | 1;
	if (agent->to_write || hash != agent->written)
		agents->options.write(agents->options.user, json_buffer_text(&line),
		                      agents->card_version,
		                      status_due(agent, hash == agent->written));
	agent->to_write = false;
	agent->written = hash;
	json_buffer_free(&line);
	free(states);
}

static void note_uses(struct kube_agents *agents, struct agent *agent, struct json_text objects)
{
	struct kube_identity id;
	agent->uses = kube_alloc(json_count(objects) + 1, sizeof *agent->uses);
	for (struct json_member m = json_first(objects); m.value.at; m = json_next(m)) {
		if (!kube_agent_object_identify(m.value, &id))
			continue;
		struct use *use = &agent->uses[agent->count++];
		use->agent = agent;
		use->object = object_of(agents, &id);
		DL_APPEND(use->object->uses, use);
		agent->pending += use->object->state.result == KUBE_OBJECT_PENDING;
	}
}

static struct agent *agent_of(struct kube_agents *agents, const char *key)
{
	struct agent *agent;
	HASH_FIND_STR(agents->agents, key, agent);
	if (agent != NULL)
		return agent;
	size_t len = strlen(key);
	agent = kube_alloc(1, sizeof *agent + len + 1);
	memcpy(agent->key, key, len + 1);
	HASH_ADD_STR(agents->agents, key, agent);
	return agent;
}

const char *kube_agents_take_line(struct kube_agents *agents, struct json_text line)
{
	char key[KUBE_AGENT_KEY_SIZE];
	if (!kube_agent_line_key(line, key))
		return "\"agentCard\" is missing or not an AgentCard's namespace and name";
	struct agent *agent = agent_of(agents, key);
	if (json_is_true(json_get(line, "gone"))) {
		agents->options.write(agents->options.user, line, agents->card_version, 0);
		forget_agent(agents, agent);
		return NULL;
	}
	struct use *before = agent->uses;
	size_t count = agent->count;
	agent->uses = NULL;
	agent->count = agent->pending = 0;
	free(agent->line);
	agent->line = kube_copy_n(line.at, line.len);
	agent->len = line.len;
	agent->listed = true;
	note_uses(agents, agent, json_get((struct json_text){agent->line, agent->len}, "objects"));
	drop_uses(agents, before, count);
	agent->to_write = true;
	if (agent->pending == 0)
		write_line(agents, agent);
	return NULL;
}

void kube_agents_mark(struct kube_agents *agents, const struct kube_operation *mark)
{
	struct agent *agent, *next;
	if (!mark->begins && !mark->complete)
		return;
	if (mark->id.api_version.at != NULL && mark->id.api_version.len < sizeof agents->card_version)
		snprintf(agents->card_version, sizeof agents->card_version, "%.*s",
		         (int)mark->id.api_version.len, mark->id.api_version.at);
	HASH_ITER(hh, agents->agents, agent, next) {
		if (mark->begins)
			agent->listed = false;
		else if (!agent->listed)
			forget_agent(agents, agent);
	}
}

void kube_agents_asked(struct kube_agents *agents, const struct kube_operation *operation)
{
	struct object *object = object_of(agents, &operation->id);
	struct use *use;
	object->asked = operation->type == KUBE_APPLY;
	if (object->state.result == KUBE_OBJECT_PENDING)
		return;
	object->state.result = KUBE_OBJECT_PENDING;
	DL_FOREACH(object->uses, use) {
		use->agent->pending++;
	}
}

static void set_result(struct object *object, const struct kube_outcome *outcome)
{
	free(object->why);
	object->why = kube_copy(outcome->message);
	object->state.why = object->why;
	object->state.changed =
	        outcome->reason != NULL && strcmp(outcome->reason, "ChangedByServer") == 0;
	if (outcome->verdict == KUBE_FAILED)
		object->state.result = KUBE_OBJECT_FAILED;
	else
		object->state.result = object->asked && outcome->verdict != KUBE_ABSENT
		                               ? KUBE_OBJECT_APPLIED
		                               : KUBE_OBJECT_MISSING;
}

void kube_agents_result(struct kube_agents *agents, const struct kube_operation *operation,
                        const struct kube_outcome *outcome)
{
	char key[KEY_SIZE];
	struct use *use, *next;
	put_key(&operation->id, key);
	struct object *object = find_object(agents, key);
	if (object == NULL)
		return;
	bool awaited = object->state.result == KUBE_OBJECT_PENDING;
	set_result(object, outcome);
	DL_FOREACH_SAFE(object->uses, use, next) {
		use->agent->pending -= awaited;
		if (use->agent->pending == 0)
			write_line(agents, use->agent);
	}
	forget_unused(agents, object);
}
