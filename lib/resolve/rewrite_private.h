/*
 * A card's rules, in the field, the annotation or both, with addresses in the place of its names.
 *
 *   egress    the card's own rules as they stand, or, where it had none, the rules to the
 *             cluster's DNS, so that it is always set; then, for each entry of `domains` whose
 *             names have addresses, rules with these (/32 and /128) and the entry's ports
 *   domains   what is left of it: the wildcards, which nobody can ask for; not set without any
 *   groups    as they stand
 *
 * A name without addresses adds nothing. Nor does one whose addresses do not fit into the bounds
 * of rules/schema_private.h and policy/inventory.h: it is left out as a whole, and the others go on.
 *
 * The record of what each name brought, and why it did not (egress-records(5)):
 *   {"names":[{"name":"...","addresses":["..."],"problem":"..."}]}
 *
 * Texts passed json_check(). Nothing here keeps what it is given.
 */
#ifndef RESOLVE_REWRITE_PRIVATE_H
#define RESOLVE_REWRITE_PRIVATE_H

#include "resolve/names.h"
#include "k8s/event.h"
#include "rules/card.h"

/* A card's rules, wherever in it they stand. */
struct dns_rules {
	struct policy_card_rules of_card;
	struct policy_rules rules; /* borrow from the event and from of_card */
};

/* Reads them. True when the card is verified, and they are valid and have names: then they are to be
 * freed. */
bool dns_rewrite_concerns(const struct event *event, struct dns_rules *found);
void dns_rules_free(struct dns_rules *found);

/* How many names `domains` has, wildcards among them. */
size_t dns_rewrite_count(struct json_text domains);

/* Fills in a use for each, in order. A wildcard's has no name, as one for which there is no room;
 * nothing is asked for it. */
void dns_rewrite_use(struct json_text domains, struct dns_names *names, void *user,
                     struct dns_use *uses);

struct dns_rewriting {
	struct json_text dns;       /* an array: the rules to the cluster's DNS */
	const char *unknown;        /* what is said of a name that is not in the table */
	const struct dns_use *uses; /* of the names, in order */
};

/* Clears and fills both; the rules are valid. */
void dns_rewrite_policy(const struct dns_rewriting *how, const struct policy_rules *rules,
                        struct json_buffer *policy, struct json_buffer *resolution);

/* Clears `out` and puts the event's line there with these two in it, and with another type
 * (a JSON string) unless that is NULL; everything else stays byte for byte. */
void dns_rewrite_line(struct json_text line, const struct event *event, const char *type,
                      struct json_text policy, struct json_text resolution,
                      struct json_buffer *out);

#endif
