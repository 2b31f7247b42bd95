#include <stdlib.h>
#include <string.h>

#include "fetch/agents_private.h"
#include "fetch/schedule_private.h"

void *agents_memory(size_t size)
{
	void *memory = calloc(1, size);
	if (memory == NULL)
		abort();
	return memory;
}

struct agents_card *agents_card_find(struct agents *agents, const char *key)
{
	struct agents_card *card = NULL;
	HASH_FIND_STR(agents->cards, key, card);
	return card;
}

struct agents_card *agents_card_get(struct agents *agents, const char *key)
{
	struct agents_card *card = agents_card_find(agents, key);
	size_t len = strlen(key);
	if (card != NULL)
		return card;
	card = agents_memory(sizeof *card + len + 1);
	memcpy(card->key, key, len + 1);
	HASH_ADD_KEYPTR(hh, agents->cards, card->key, len, card);
	return card;
}

struct agent *agents_get(struct agents *agents, const char *key)
{
	struct agent *agent = NULL;
	size_t len = strlen(key);
	HASH_FIND_STR(agents->table, key, agent);
	if (agent != NULL)
		return agent;
	agent = agents_memory(sizeof *agent + len + 1);
	memcpy(agent->key, key, len + 1);
	agent->hash = json_hash((struct json_text){agent->key, len});
	HASH_ADD_KEYPTR(hh, agents->table, agent->key, len, agent);
	return agent;
}

void agents_card_aim(struct agents *agents, struct agents_card *card, const char *key, int64_t now)
{
	struct agent *old = card->agent, *new = key != NULL ? agents_get(agents, key) : NULL;
	if (old != new && old != NULL)
		DL_DELETE(old->cards, card);
	if (old != new && new != NULL)
		DL_APPEND(new->cards, card);
	card->agent = new;
	if (old != new && old != NULL)
		agents_review(agents, old, now);
	if (new != NULL)
		agents_review(agents, new, now);
}

void agents_card_remove(struct agents *agents, struct agents_card *card, int64_t now)
{
	agents_card_aim(agents, card, NULL, now);
	HASH_DEL(agents->cards, card);
	free(card);
}

int64_t agents_period(const struct agents *agents, const struct agent *agent)
{
	int64_t period = AGENT_PERIOD_MAX_MS;
	const struct agents_card *card;
	DL_FOREACH(agent->cards, card)
	{
		if (card->period_ms < period)
			period = card->period_ms;
	}
	return period < agents->settings.least_ms ? agents->settings.least_ms : period;
}

/* The account that all cards of the agent agree on. */
const char *agents_account(const struct agent *agent)
{
	const char *account = NULL;
	const struct agents_card *card;
	DL_FOREACH(agent->cards, card)
	{
		const char *its = card->workload < AGENTS_WORKLOADS
		                          ? agent->accounts[card->workload]
		                          : NULL;
		if (its == NULL || (account != NULL && strcmp(account, its) != 0))
			return NULL;
		account = its;
	}
	return account;
}

static bool is_wanted(const struct agents *agents, const struct agent *agent)
{
	return agent->cards != NULL && !agent->real &&
	       (!agents->settings.accounts || agents_account(agent) != NULL);
}

static void stop_asking(struct agents *agents, struct agent *agent)
{
	if (agent->asked)
		agents->settings.cancel(agents->settings.context, agent->request);
	agents_queue_remove(agents, agent);
	if (!agent->answered)
		agents->pending--;
	agents_withdraw(agents, agent);
	agent->wanted = agent->asked = agent->legacy = false;
	agent->tries = 0;
	agent->trouble = 0;
}

static void drop(struct agents *agents, struct agent *agent)
{
	for (int i = 0; i < AGENTS_WORKLOADS; i++)
		if (agent->accounts[i] != NULL)
			return;
	if (agent->cards != NULL || agent->real)
		return;
	HASH_DEL(agents->table, agent);
	free(agent);
}

/* A card may now ask for a shorter period than what the next time was reckoned by. */
static void hasten(struct agents *agents, struct agent *agent, int64_t now)
{
	if (agent->place == 0 || !agent->answered || agent->tries > 0 || agent->legacy)
		return;
	int64_t due = agent_next(agent->hash, agents_period(agents, agent), now);
	if (due < agent->due)
		agents_queue_put(agents, agent, due);
}

void agents_review(struct agents *agents, struct agent *agent, int64_t now)
{
	bool wanted = is_wanted(agents, agent);
	if (wanted && !agent->wanted) {
		agent->wanted = true;
		agent->answered = false;
		agents->pending++;
		agents_queue_put(agents, agent, now);
	} else if (!wanted && agent->wanted) {
		stop_asking(agents, agent);
	} else if (wanted) {
		hasten(agents, agent, now);
	}
	drop(agents, agent);
}
