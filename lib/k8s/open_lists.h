/*
 * Which kinds' lists have begun in a stream and not ended: between their marks (DESIGN section 3,
 * egress-records(5)) what a kind has is not known.
 *
 * Initialise with {0}; nothing needs freeing. A kind is told by its API group and name, as far as
 * they fit; of more kinds than can be told apart all is taken for open, for good.
 */
#ifndef K8S_OPEN_LISTS_H
#define K8S_OPEN_LISTS_H

#include "k8s/event.h"

enum { POLICY_LISTS_MAX = 32, POLICY_LIST_SIZE = 128 };

struct policy_lists {
	char names[POLICY_LISTS_MAX][POLICY_LIST_SIZE];
	size_t count;
	bool lost;
};

void policy_lists_begin(struct policy_lists *lists, const struct event *mark);
void policy_lists_end(struct policy_lists *lists, const struct event *mark);
bool policy_lists_any(const struct policy_lists *lists);

#endif
