/*
 * An agent's rules as its card spells them, and who gave it what it has.
 *
 * Everything is borrowed for the call; what is written is safe to print on a terminal.
 */
#ifndef EXPLAIN_QUOTE_H
#define EXPLAIN_QUOTE_H

#include "explain/explain.h"

/* Appends the rule that decides, as "spec.networkPolicy.egress[0]: {...}": of the card, the first that allows
 * the destination. False, and nothing, when it has none: its policy then says what others gave. */
bool explain_quote_deciding(struct json_buffer *out, const struct policy_card *card,
                            const struct policy_destination *destination);

/* The same of the one that comes nearest, with ": " and what does not fit behind it. */
bool explain_quote_nearest(struct json_buffer *out, const struct policy_card *card,
                           const struct policy_destination *destination);

/* Who gave this rule of its own policy: "its card", "DNS for its names", ...; static. */
const char *explain_giver(const struct explanation *explanation, struct json_text rule);

/* The name of the flow's names that the card's domains have, as it spells it; absent: none. */
struct json_text explain_quote_name(const struct policy_card *card, struct json_text names);

#endif
