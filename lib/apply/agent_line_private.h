/*
 * The text of an AGENT line, and of what is made of it: the status of its AgentCard.
 *
 * Each function appends to a buffer; nothing is kept.
 */
#ifndef APPLY_AGENT_LINE_PRIVATE_H
#define APPLY_AGENT_LINE_PRIVATE_H

#include "apply/operation.h"

enum { KUBE_AGENT_KEY_SIZE = 512 };

/* By what the agent is known: its AgentCard's uid, else its namespace and name. False when that is
 * not there, or the names are none. */
bool kube_agent_line_key(struct json_text line, char key[KUBE_AGENT_KEY_SIZE]);

/* An item of `objects`: {apiVersion, kind, namespace, name}. */
bool kube_agent_object_identify(struct json_text item, struct kube_identity *id);

struct kube_agent_object {
	enum {
		KUBE_OBJECT_MISSING, /* nothing asked for it, or it is gone */
		KUBE_OBJECT_PENDING,
		KUBE_OBJECT_APPLIED,
		KUBE_OBJECT_FAILED,
	} result;
	bool changed;    /* FAILED: the server stores something else */
	const char *why; /* FAILED: why; else NULL or empty */
};

/* The line with `confined` and `gaps` as the objects make them, given in the order of the line's
 * `objects`. */
void kube_agent_line_put(struct json_text line, const struct kube_agent_object *const *objects,
                         size_t count, struct json_buffer *out);

/* An APPLY of the AgentCard's status, with the condition Confined among status.conditions, which has
 * no lastTransitionTime yet. */
void kube_agent_status_put(struct json_text line, const char *card_version,
                           struct json_buffer *out);

#endif
