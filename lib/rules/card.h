/*
 * Where the rules of an AgentCard stand: in spec.networkPolicy, or, as JSON text, in an annotation,
 * for clusters whose definition of the AgentCard has no such field and would drop it.
 *
 * Each is there unless it is absent, null or without any of egress, domains and groups; the
 * annotation is there as soon as it exists, so that an empty one is a mistake and never counts as
 * unset. Where both are there they must say the same. A member of `spec` by which somebody may have
 * meant networkPolicy, but which no definition has, makes the rules invalid: the agent of a card
 * with `spec.egress` must not get what one without any rules gets.
 *
 * Ownership: a policy_card_rules owns what it decoded, and borrows the rest from the object;
 * policy_card_rules_free() forgets it.
 */
#ifndef RULES_CARD_H
#define RULES_CARD_H

#include "rules/rules.h"

#define POLICY_RULES_ANNOTATION "agent-egress.dev/network-policy"

struct policy_card_rules {
	struct json_text text; /* a JSON value; absent: neither is there, the rules are not set */
	bool annotated;        /* it is the annotation's */
	bool oversized;        /* larger than POLICY_RULES_BYTES: `text` is absent */
	bool conflict;         /* both are there, and differ */
	char *decoded;
};

/* `object` is an AgentCard that passed json_check(). What is wrong apart from the text itself is in
 * `problems`, as errors; any of them makes the rules invalid. */
struct policy_card_rules policy_card_rules_find(struct json_text object,
                                                struct policy_problems *problems);

/* The path of what is in `text`, for policy_rules_read_at(). */
const char *policy_card_rules_path(bool annotated);

void policy_card_rules_free(struct policy_card_rules *rules);

#endif
