/*
 * What egress-resolve(1) says of a card's DNS names: the member "resolution" of its event
 * (egress-records(5)). Of it, only why names bring no addresses, or not all, is kept.
 *
 * It changes no decision: what a name brought stands in the card's egress rules already.
 */
#ifndef RULES_RESOLUTION_H
#define RULES_RESOLUTION_H

#include "rules/problems.h"

/* Appends the problems of the first POLICY_PROBLEMS_MAX names that have one, as JSON, for
 * policy_resolution_warn(); nothing when there is none. Any text will do. */
void policy_resolution_put(struct json_text resolution, struct json_buffer *out);

/* A warning for each of them. */
void policy_resolution_warn(const char *kept, struct policy_problems *problems);

#endif
