/*
 * A list response taken apart as it arrives: each element of `items` is handed out as soon as
 * it is whole, so that a page of any size costs the memory of one object. What is around
 * the items (the envelope: metadata.continue, metadata.resourceVersion) is kept, with an empty
 * `items`.
 *
 * The splitter only counts brackets and strings; whoever takes an item must json_check() it,
 * and the envelope too. Initialise with {0} and the callback.
 */
#ifndef WATCH_LIST_SPLIT_PRIVATE_H
#define WATCH_LIST_SPLIT_PRIVATE_H

#include "base/buffer.h"

enum { KUBE_ENVELOPE_MAX = 1024 * 1024 };

struct kube_list_split {
	/* NULL, or why the list cannot be used. */
	const char *(*on_item)(void *user, struct json_text item);
	void *user;
	struct json_buffer envelope, item;
	unsigned depth;   /* of brackets open outside of items */
	unsigned inside;  /* of brackets open inside an item */
	bool in_items, in_string, escaped;
	bool key_is_items; /* the last string outside, at depth 1, was "items" */
	size_t string_at;  /* where it began in the envelope */
};

/* NULL, or why the list cannot be used; nothing more may be fed then. */
const char *kube_split_feed(struct kube_list_split *split, const char *bytes, size_t len);

void kube_split_free(struct kube_list_split *split);

#endif
