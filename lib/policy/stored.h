/*
 * The NetworkPolicies that stand once all that is asked for is done: those that were seen in a
 * stream, anybody's, and in place of those that we manage what a translator asks for.
 *
 * Ownership: a policy_stored owns all of it; initialise with {0}. Texts are valid until something is
 * taken. When memory runs out the program ends, as in base/buffer.h.
 */
#ifndef POLICY_STORED_H
#define POLICY_STORED_H

#include "k8s/event.h"
#include "base/table.h"

struct policy_stored_object {
	char *key;           /* "namespace/name"; of a Namespace "name" */
	char *seen, *wanted; /* the object's text; NULL */
	bool unwanted;       /* to be deleted */
	bool listed;
	UT_hash_handle hh;
};

struct policy_stored {
	struct policy_stored_object *policies, *namespaces;
};

/* Takes an event of a NetworkPolicy or a Namespace, or a mark of their lists; others have no
 * effect. Before the translator takes it: its operations answer what was seen. */
void policy_stored_take(struct policy_stored *stored, const struct event *event);

/* Takes a line that a translator emits. */
void policy_stored_operation(struct policy_stored *stored, struct json_text line);

/* Sorts by key. */
void policy_stored_sort(struct policy_stored *stored);

/* The policy as it stands; absent when it is gone. */
struct json_text policy_stored_text(const struct policy_stored_object *stand);

/* The labels of a namespace, when it was seen. */
struct json_text policy_stored_namespace(const struct policy_stored *stored, const char *name);

void policy_stored_free(struct policy_stored *stored);

#endif
