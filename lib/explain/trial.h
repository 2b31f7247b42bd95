/*
 * AgentCards that are tried before somebody applies them, and what each target makes of an agent's rules.
 *
 * Ownership: everything is borrowed for the call.
 */
#ifndef EXPLAIN_TRIAL_H
#define EXPLAIN_TRIAL_H

#include "policy/inventory.h"
#include "targets/target.h"

/* Makes a verified event of an AgentCard as a file has it: in `namespace` where it names none, and as if it were
 * verified. One with a spec that has no targetRef keeps that of the card of its name in the inventory, as a server-side
 * apply would: egress-propose writes such. NULL, or a static reason why it is none. */
const char *explain_trial_event(struct json_buffer *out, const struct policy_inventory *inventory, struct json_text object,
                                const char *namespace);

/* Appends what the card's agent would get: its validation, its rules in words, and a line for each target. False
 * when an error is in it, so that nothing of it would be allowed. */
bool explain_trial_put(struct json_buffer *out, const struct policy_inventory *inventory, const struct policy_card *card);

/* Appends a line for each thing that the target cannot express of the agent's rules, or that it can express all. */
void explain_target_put(struct json_buffer *out, const struct policy_inventory *inventory, const struct policy_card *card,
                        const struct policy_target *target);

#endif
