/* A binary heap of agents, the one that is due first on top; each knows its place. */
#include "fetch/agents_private.h"

static void set(struct agents *agents, size_t place, struct agent *agent)
{
	agents->queue[place - 1] = agent;
	agent->place = place;
}

static struct agent *at(const struct agents *agents, size_t place)
{
	return agents->queue[place - 1];
}

static void rise(struct agents *agents, size_t place, struct agent *agent)
{
	for (; place > 1 && at(agents, place / 2)->due > agent->due; place /= 2)
		set(agents, place, at(agents, place / 2));
	set(agents, place, agent);
}

static void sink(struct agents *agents, size_t place, struct agent *agent)
{
	for (size_t child; (child = place * 2) <= agents->queued; place = child) {
		if (child < agents->queued && at(agents, child + 1)->due < at(agents, child)->due)
			child++;
		if (at(agents, child)->due >= agent->due)
			break;
		set(agents, place, at(agents, child));
	}
	set(agents, place, agent);
}

void agents_queue_put(struct agents *agents, struct agent *agent, int64_t due)
{
	agents_queue_remove(agents, agent);
	if (agents->queued == agents->queue_size) {
		agents->queue_size = agents->queue_size * 2 + 64;
		agents->queue = realloc(agents->queue, agents->queue_size * sizeof(void *));
		if (agents->queue == NULL)
			abort();
	}
	agent->due = due;
	rise(agents, ++agents->queued, agent);
}

void agents_queue_remove(struct agents *agents, struct agent *agent)
{
	size_t place = agent->place;
	if (place == 0)
		return;
	struct agent *last = at(agents, agents->queued--);
	agent->place = 0;
	if (last == agent)
		return;
	rise(agents, place, last);
	sink(agents, last->place, last);
}
