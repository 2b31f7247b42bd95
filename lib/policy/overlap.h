/*
 * Which workloads of one namespace select each other's pods, without comparing all with all.
 *
 * An entry has a selector, the labels of its own pods, or both. Entries are found by the pairs
 * "key=value" of their labels, and by the rarest pair that their selector asks for.
 *
 * Ownership: the index borrows entries and what they hold; take an entry out before either
 * changes. Initialise with {0}; free when it is empty or no longer used. When memory runs out
 * the program ends.
 */
#ifndef POLICY_OVERLAP_H
#define POLICY_OVERLAP_H

#include "json/json.h"

struct policy_bucket;

struct policy_overlap {
	struct policy_bucket *anchors; /* by a pair that the selector asks for */
	struct policy_bucket *pairs;   /* by each pair of the labels */
	struct policy_overlap_entry *unanchored; /* a list: selectors that ask for no pair */
	struct policy_overlap_entry *all;        /* a list */
};

struct policy_overlap_entry {
	struct json_text selector; /* policy_selector_check() accepted it; or absent */
	struct json_text labels;   /* policy_labels_check() accepted it; or absent */
	void *owner;
	/* the index's own */
	bool held;
	struct policy_bucket *anchor;
	struct policy_overlap_entry *prev, *next, *loose_prev, *loose_next;
};

void policy_overlap_add(struct policy_overlap *index, struct policy_overlap_entry *entry);
void policy_overlap_remove(struct policy_overlap *index, struct policy_overlap_entry *entry);

/* Calls `found` for each other entry whose selector matches this entry's labels, or whose
 * labels this entry's selector matches; once or twice each, in no order. */
void policy_overlap_each(const struct policy_overlap *index,
                         const struct policy_overlap_entry *entry,
                         void (*found)(void *context, void *owner), void *context);

void policy_overlap_free(struct policy_overlap *index);

#endif
