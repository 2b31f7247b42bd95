#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fetch/address.h"
#include "fetch/agents_private.h"
#include "fetch/schedule_private.h"

enum { QUOTED = 64 };

static enum agents_kind workload_of(struct json_text api_version, struct json_text kind)
{
	enum k8s_workload_kind row = k8s_workload_of(json_plain(api_version), json_plain(kind));
	return row < K8S_WORKLOADS ? (enum agents_kind)row : AGENTS_OTHER;
}

/* namespace/name of the workload that the card names; false when it cannot be asked. */
static bool read_target(const struct event *event, struct json_text reference,
                        struct agents_card *card, char key[EVENT_KEY_SIZE])
{
	enum { API_VERSION, KIND, NAME, COUNT };
	static const char *const keys[COUNT] = {"apiVersion", "kind", "name"};
	struct json_text found[COUNT];
	json_pick(reference, COUNT, keys, found);
	struct json_text name = json_plain(found[NAME]);
	card->workload = (unsigned char)workload_of(found[API_VERSION], found[KIND]);
	if (event->namespace.at == NULL || name.at == NULL ||
	    agent_name_unfit(event->namespace, name) != NULL)
		return false;
	snprintf(key, EVENT_KEY_SIZE, "%.*s/%.*s", (int)event->namespace.len, event->namespace.at,
	         (int)name.len, name.at);
	return true;
}

static void complain(struct agents *agents, const char *key, const char *what,
                     struct json_text quoted)
{
	char text[EVENT_KEY_SIZE + 256];
	snprintf(text, sizeof text, "agentcard %s: %s %.*s", key, what,
	         (int)(quoted.len < QUOTED ? quoted.len : QUOTED),
	         quoted.at != NULL ? quoted.at : "");
	agents->settings.warn(agents->settings.context, text);
}

static void read_period(struct agents *agents, struct agents_card *card, struct json_text period)
{
	uint64_t hash = json_hash(period) | 1;
	bool unset = json_type(period) <= JSON_NULL || json_equals(period, "");
	card->period_ms = agents->settings.period_ms;
	if (unset || agent_duration(json_plain(period), &card->period_ms)) {
		card->misread = 0;
	} else if (card->misread != hash) {
		card->misread = hash;
		complain(agents, card->key, "spec.syncPeriod is no duration such as 30s; "
		                            "the default counts:", period);
	}
}

/* Said once for each name, and again when another was in between. */
static void complain_of_target(struct agents *agents, struct agents_card *card,
                               struct json_text reference)
{
	struct json_text name = json_get(reference, "name");
	uint64_t hash = json_hash(name) | 1;
	if (name.at == NULL || card->misaimed == hash)
		return;
	card->misaimed = hash;
	complain(agents, card->key, "its card is not fetched: no Service can have the name", name);
}

void agents_take_card(struct agents *agents, const struct event *event, int64_t now)
{
	enum { TARGET, PERIOD, COUNT };
	static const char *const keys[COUNT] = {"targetRef", "syncPeriod"};
	struct json_text found[COUNT];
	char key[EVENT_KEY_SIZE], target[EVENT_KEY_SIZE];
	event_key(event, key);
	if (event->type == EVENT_DELETED) {
		struct agents_card *gone = agents_card_find(agents, key);
		if (gone != NULL)
			agents_card_remove(agents, gone, now);
		return;
	}
	struct agents_card *card = agents_card_get(agents, key);
	card->list = agents->lists[AGENTS_AGENTCARD];
	json_pick(json_get(event->object, "spec"), COUNT, keys, found);
	read_period(agents, card, found[PERIOD]);
	bool fit = read_target(event, found[TARGET], card, target);
	if (fit)
		card->misaimed = 0;
	else
		complain_of_target(agents, card, found[TARGET]);
	agents_card_aim(agents, card, fit ? target : NULL, now);
}

void agents_take_configmap(struct agents *agents, const struct event *event, int64_t now)
{
	char key[EVENT_KEY_SIZE];
	struct json_text workload = k8s_signed_for(event->name);
	if (event->namespace.at == NULL || workload.at == NULL)
		return;
	snprintf(key, EVENT_KEY_SIZE, "%.*s/%.*s", (int)event->namespace.len, event->namespace.at,
	         (int)workload.len, workload.at);
	struct agent *agent = agents_get(agents, key);
	/* who reads the stream knows one object of this name: the fetched card went with it */
	if (event->type == EVENT_DELETED && !agent->real)
		agents_emit_again(agents, agent);
	agent->real = event->type != EVENT_DELETED;
	agent->real_list = agents->lists[AGENTS_CONFIGMAP];
	agents_review(agents, agent, now);
}

/* NULL when what stands there is none. */
static char *read_account(const struct event *event, enum agents_kind kind)
{
	struct json_text name = k8s_workload_account((enum k8s_workload_kind)kind, event->object);
	return name.at == NULL ? NULL : strndup(name.at, name.len);
}

void agents_take_workload(struct agents *agents, const struct event *event, enum agents_kind kind,
                          int64_t now)
{
	char key[EVENT_KEY_SIZE];
	if (event->namespace.at == NULL)
		return;
	event_key(event, key);
	struct agent *agent = agents_get(agents, key);
	free(agent->accounts[kind]);
	agent->accounts[kind] = event->type == EVENT_DELETED ? NULL : read_account(event, kind);
	agent->workload_lists[kind] = agents->lists[kind];
	agents_review(agents, agent, now);
}

static void end_cards(struct agents *agents, int64_t now)
{
	struct agents_card *card, *next;
	HASH_ITER(hh, agents->cards, card, next)
	{
		if (card->list != agents->lists[AGENTS_AGENTCARD])
			agents_card_remove(agents, card, now);
	}
}

void agents_end_list(struct agents *agents, enum agents_kind kind, int64_t now)
{
	struct agent *agent, *next;
	if (kind == AGENTS_AGENTCARD) {
		end_cards(agents, now);
		return;
	}
	HASH_ITER(hh, agents->table, agent, next)
	{
		if (kind == AGENTS_CONFIGMAP) {
			if (agent->real_list != agents->lists[kind])
				agent->real = false;
			agents_emit_again(agents, agent);
		} else if (agent->workload_lists[kind] != agents->lists[kind]) {
			free(agent->accounts[kind]);
			agent->accounts[kind] = NULL;
		}
		agents_review(agents, agent, now);
	}
}
