#include "fetch/agents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fetch/agents_private.h"
#include "fetch/schedule_private.h"

/* Retries wait no longer than this, or the agent's period where that is longer. */
enum { RETRY_MOST_MS = 5 * 60 * 1000 };

const char *const agents_count_names[AGENTS_COUNTS] = {"fetched", "unchanged", "none", "failed"};

struct agents *agents_new(const struct agents_settings *settings)
{
	struct agents *agents = agents_memory(sizeof *agents);
	agents->settings = *settings;
	return agents;
}

static void free_agent(struct agents *agents, struct agent *agent)
{
	if (agent->asked)
		agents->settings.cancel(agents->settings.context, agent->request);
	HASH_DEL(agents->table, agent);
	for (int i = 0; i < AGENTS_WORKLOADS; i++)
		free(agent->accounts[i]);
	json_packed_free(&agent->card);
	free(agent->chain);
	free(agent->attestation);
	free(agent);
}

void agents_free(struct agents *agents)
{
	struct agents_card *card, *next_card;
	struct agent *agent, *next;
	if (agents == NULL)
		return;
	HASH_ITER(hh, agents->cards, card, next_card)
	{
		HASH_DEL(agents->cards, card);
		free(card);
	}
	HASH_ITER(hh, agents->table, agent, next)
	{
		free_agent(agents, agent);
	}
	json_packer_free(agents->packer);
	json_buffer_free(&agents->held);
	json_buffer_free(&agents->line);
	json_buffer_free(&agents->unpacked);
	free(agents->queue);
	free(agents);
}

static void emit(struct agents *agents, struct json_text line)
{
	agents->settings.emit(agents->settings.context, line);
}

static void stop_waiting(struct agents *agents)
{
	agents->waiting = false;
	if (agents->held.len > 0)
		emit(agents, json_buffer_text(&agents->held));
	agents->held.len = 0;
}

static void wait_for_first(struct agents *agents, int64_t now)
{
	agents->waiting = true;
	agents->wait_until = now + agents->settings.first_wait_ms;
	agents_time(agents, now);
}

void agents_time(struct agents *agents, int64_t now)
{
	char text[128];
	if (!agents->waiting || (agents->pending > 0 && now < agents->wait_until))
		return;
	if (agents->pending > 0) {
		snprintf(text, sizeof text,
		         "%zu agents have not been heard yet: they count as without a card",
		         agents->pending);
		agents->settings.warn(agents->settings.context, text);
	}
	stop_waiting(agents);
}

void agents_end(struct agents *agents, int64_t now)
{
	if (!agents->waiting)
		wait_for_first(agents, now);
}

bool agents_waits(const struct agents *agents)
{
	return agents->waiting;
}

static enum agents_kind kind_of(const struct agents *agents, const struct event *event)
{
	enum k8s_workload_kind workload = k8s_workload_of(event->api_version, event->kind);
	if (workload < K8S_WORKLOADS)
		return (enum agents_kind)workload;
	if (event_is(event, "", "ConfigMap"))
		return AGENTS_CONFIGMAP;
	if (event_is(event, agents->settings.agentcard_group, "AgentCard"))
		return AGENTS_AGENTCARD;
	return AGENTS_OTHER;
}

static void take_mark(struct agents *agents, struct json_text line, enum agents_kind kind,
                      enum event_mark mark, int64_t now)
{
	if (mark == EVENT_MARK_BEGIN) {
		agents->lists[kind]++;
		agents->listing[kind] = true;
	} else if (mark == EVENT_MARK_END && agents->listing[kind]) {
		agents->listing[kind] = false;
		agents_end_list(agents, kind, now);
	}
	if (mark != EVENT_MARK_END || kind != AGENTS_AGENTCARD) {
		emit(agents, line);
		return;
	}
	json_puttext(&agents->held, line);
	wait_for_first(agents, now);
}

const char *agents_take(struct agents *agents, struct json_text line, struct json_text json,
                        int64_t now)
{
	struct event event;
	const char *wrong = event_read(json, &event);
	if (wrong != NULL)
		return wrong;
	enum agents_kind kind = kind_of(agents, &event);
	if (kind != AGENTS_OTHER && event.type == EVENT_BOOKMARK) {
		take_mark(agents, line, kind, event.mark, now);
		return NULL;
	}
	emit(agents, line);
	if (kind == AGENTS_OTHER || event.type == EVENT_ERROR)
		return NULL;
	if (kind == AGENTS_AGENTCARD)
		agents_take_card(agents, &event, now);
	else if (kind == AGENTS_CONFIGMAP)
		agents_take_configmap(agents, &event, now);
	else
		agents_take_workload(agents, &event, kind, now);
	return NULL;
}

/* While it waits no line comes, so neither would the end of a list. */
static bool is_listing(const struct agents *agents)
{
	return !agents->waiting &&
	       (agents->listing[AGENTS_AGENTCARD] || agents->listing[AGENTS_CONFIGMAP]);
}

bool agents_next(struct agents *agents, int64_t now, struct agents_question *question)
{
	struct agent *agent = agents->queued > 0 ? agents->queue[0] : NULL;
	if (agent == NULL || is_listing(agents) || agent->due > now)
		return false;
	const char *slash = strchr(agent->key, '/');
	agents_queue_remove(agents, agent);
	agents->line.len = 0;
	json_put(&agents->line, agent->key, (size_t)(slash - agent->key));
	json_putc(&agents->line, '\0');
	*question = (struct agents_question){agent, agents->line.at, slash + 1,
	                                     agents_account(agent), agent->legacy};
	return true;
}

void agents_asked(struct agents *agents, struct agent *agent, void *request)
{
	(void)agents;
	agent->asked = true;
	agent->request = request;
}

int64_t agents_due(const struct agents *agents, bool asked)
{
	bool may = asked && agents->queued > 0 && !is_listing(agents);
	int64_t due = may ? agents->queue[0]->due : -1;
	if (agents->waiting && (due < 0 || agents->wait_until < due))
		due = agents->wait_until;
	return due;
}

static void count_answer(struct agents *agents, struct agent *agent, enum agents_count count)
{
	agents->counts[count]++;
	if (!agent->answered)
		agents->pending--;
	agent->answered = true;
	agent->legacy = false;
}

static void ask_again_later(struct agents *agents, struct agent *agent, int64_t now)
{
	agent->tries = 0;
	agent->trouble = 0;
	agents_queue_put(agents, agent,
	                 agent_next(agent->hash, agents_period(agents, agent), now));
}

/* Of the words alone: a failure that says how long it took is the same each time. */
static uint64_t hash_words(const char *text)
{
	char words[AGENT_WHY_SIZE];
	size_t len = 0;
	for (; *text != '\0' && len < sizeof words; text++)
		if (*text < '0' || *text > '9')
			words[len++] = *text;
	return json_hash((struct json_text){words, len}) | 1;
}

static void retry_later(struct agents *agents, struct agent *agent, const char *why, int64_t now)
{
	uint64_t trouble = hash_words(why);
	int64_t period = agents_period(agents, agent);
	int64_t stale = agent->good + agents->settings.stale_ms;
	bool had = agent->card.at != NULL;
	if (had && now >= stale)
		agents_withdraw(agents, agent);
	if (had && now >= stale)
		agents_warn(agents, agent, "cannot fetch its card: %s; the last one is too old now", why);
	else if (agent->trouble != trouble)
		agents_warn(agents, agent, "cannot fetch its card: %s%s", why,
		            had ? "; the last one stays" : "");
	agent->trouble = trouble;
	int64_t due = agent_retry(agent->hash, ++agent->tries, agents->settings.least_ms,
	                          period > RETRY_MOST_MS ? period : RETRY_MOST_MS, now);
	/* it may not stay a moment longer than it should because we did not look */
	if (agent->card.at != NULL && due > stale)
		due = stale;
	agents_queue_put(agents, agent, due);
}

void agents_answered(struct agents *agents, struct agent *agent, enum agent_answer answer,
                     struct json_text body, const struct agents_peer *peer, const char *why, int64_t now)
{
	agent->asked = false;
	if (answer == AGENT_NO_SUCH && !agent->legacy) {
		agent->legacy = true;
		agents_queue_put(agents, agent, now);
		return;
	}
	if (answer == AGENT_CARD) {
		bool changed = agents_keep(agents, agent, body, peer);
		agent->good = now;
		count_answer(agents, agent, changed ? AGENTS_FETCHED : AGENTS_UNCHANGED);
		ask_again_later(agents, agent, now);
	} else if (answer == AGENT_FAILED) {
		count_answer(agents, agent, AGENTS_FAILED);
		retry_later(agents, agent, why, now);
	} else {
		count_answer(agents, agent, AGENTS_NONE);
		agents_withdraw(agents, agent);
		ask_again_later(agents, agent, now);
	}
	agents_time(agents, now);
}

const unsigned long *agents_counts(const struct agents *agents)
{
	return agents->counts;
}

size_t agents_cards(const struct agents *agents)
{
	return HASH_COUNT(agents->cards);
}
