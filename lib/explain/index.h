/*
 * The NetworkPolicies that may select given pods, without looking at all of them: each is found by
 * its namespace and one label that its podSelector asks for.
 *
 * Ownership: the index borrows the policies, which must not change while it is used. Of a
 * namespace's policies those without such a label come with every question.
 */
#ifndef EXPLAIN_INDEX_H
#define EXPLAIN_INDEX_H

#include "policy/stored.h"
#include "rules/evaluate.h"

struct explain_index;

struct explain_index *explain_index_new(const struct policy_stored *stored);
void explain_index_free(struct explain_index *index);

/* Calls `found` for each policy of the namespace that may select pods with these labels, in order
 * of their names: the order that the policies had when the index was made. */
void explain_index_each(const struct explain_index *index, const char *namespace,
                        struct policy_labels labels,
                        void (*found)(void *context, const struct policy_stored_object *policy),
                        void *context);

#endif
