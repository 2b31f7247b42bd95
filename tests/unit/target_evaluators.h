/*
 * What a target's manifests allow, by the documentation of those who enforce them: one evaluator
 * a target, in a file of its own, named in the table of target_evaluators.c. test_policy_targets
 * compares each with NetworkPolicy.
 *
 * An evaluator reads the manifests and nothing else: what it does not understand fails the test.
 */
#ifndef TESTS_TARGET_EVALUATORS_H
#define TESTS_TARGET_EVALUATORS_H

#include "egress_world.h"
#include "targets/target.h"

struct target_evaluator {
	const char *target; /* as for --target */
	/* Whether the agent's pods may make the connection. `of_agent` are the manifests of
	 * render(), `of_namespace` those of render_namespace() for the namespace, in which this is the only
	 * agent; empty where the target has none. */
	bool (*allows)(const struct policy_manifests *of_agent,
	               const struct policy_manifests *of_namespace,
	               const struct world_connection *connection);
	/* Whether the target limits such connections at all, by its own documentation; NULL: it
	 * limits all. */
	bool (*judges)(const struct world_connection *connection);
};

extern const struct target_evaluator *const target_evaluators[]; /* NULL-terminated */

extern const struct target_evaluator evaluate_networkpolicy;
extern const struct target_evaluator evaluate_cilium;
extern const struct target_evaluator evaluate_calico;
extern const struct target_evaluator evaluate_ovn;
extern const struct target_evaluator evaluate_istio;

#endif
