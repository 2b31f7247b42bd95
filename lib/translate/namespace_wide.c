#include "translate/namespace_wide_private.h"

#include <string.h>

static int by_key(const void *a, const void *b)
{
	struct policy_workload *const *x = a, *const *y = b;
	return strcmp((*x)->key, (*y)->key);
}

/* Those with cards, in order; the caller frees the array. */
static struct policy_workload **agents_of(const struct policy_namespace *namespace, size_t *count)
{
	struct policy_workload *workload, **agents = NULL;
	size_t found = 0, size = 0;
	DL_FOREACH2(namespace->workloads, workload, namespace_next) {
		if (workload->cards == NULL)
			continue;
		if (found == size) {
			size = size == 0 ? 8 : size * 2;
			agents = realloc(agents, size * sizeof(void *));
			if (agents == NULL)
				abort();
		}
		agents[found++] = workload;
	}
	if (found > 0)
		qsort(agents, found, sizeof(void *), by_key);
	*count = found;
	return agents;
}

static void *zeroed(size_t count, size_t size)
{
	void *made = calloc(count + 1, size);
	if (made == NULL)
		abort();
	return made;
}

void policy_namespace_wide_render(const struct policy_target *target,
                             const struct policy_inventory *inventory,
                             const struct policy_namespace *namespace, struct policy_problems *problems,
                             struct policy_manifests *manifests)
{
	size_t agent_count, count = 0;
	struct policy_workload **agents = agents_of(namespace, &agent_count);
	struct policy_decision *made = zeroed(agent_count, sizeof *made);
	struct policy_decision **decisions = zeroed(agent_count, sizeof(void *));
	policy_problems_clear(problems);
	policy_manifests_clear(manifests);
	for (size_t i = 0; i < agent_count; i++) {
		policy_decide(inventory, agents[i], &made[i]);
		if (made[i].mode != POLICY_MODE_NONE)
			decisions[count++] = &made[i];
	}
	target->render_namespace(inventory, namespace, decisions, count, problems, manifests);
	for (size_t i = 0; i < agent_count; i++)
		policy_decision_free(&made[i]);
	free(decisions);
	free(made);
	free(agents);
}
