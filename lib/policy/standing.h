/*
 * The NetworkPolicies that stand once all that is asked for is done: those that were seen in a
 * stream, anybody's, and in place of those that we manage what a translator asks for.
 *
 * Ownership: a standing owns all of it; initialise with {0}. Texts are valid until something is
 * taken. When memory runs out the program ends, as in base/buffer.h.
 */
#ifndef POLICY_STANDING_H
#define POLICY_STANDING_H

#include "k8s/event.h"
#include "base/table.h"

struct policy_stand {
	char *key;           /* "namespace/name"; of a Namespace "name" */
	char *seen, *wanted; /* the object's text; NULL */
	bool unwanted;       /* to be deleted */
	bool listed;
	UT_hash_handle hh;
};

struct policy_standing {
	struct policy_stand *policies, *spaces;
};

/* Takes an event of a NetworkPolicy or a Namespace, or a mark of their lists; others have no
 * effect. Before the translator takes it: its operations answer what was seen. */
void policy_standing_take(struct policy_standing *standing, const struct event *event);

/* Takes a line that a translator emits. */
void policy_standing_operation(struct policy_standing *standing, struct json_text line);

/* Sorts by key. */
void policy_standing_sort(struct policy_standing *standing);

/* The policy as it stands; absent when it is gone. */
struct json_text policy_stand_object(const struct policy_stand *stand);

/* The labels of a namespace, when it was seen. */
struct json_text policy_standing_space(const struct policy_standing *standing, const char *name);

void policy_standing_free(struct policy_standing *standing);

#endif
