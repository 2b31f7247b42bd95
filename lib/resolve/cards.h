/*
 * What egress-resolve holds: the AgentCards whose rules have DNS names, and those names.
 *
 * Verified events go in; each line comes out again, byte for byte but for the AgentCards that are
 * verified and have names: theirs has addresses in the place of the names (resolve/rewrite_private.h). When
 * the addresses change, the card's last event comes out once more, as MODIFIED; never when they
 * are the same.
 *
 * So that a start does not cut anybody off, an event waits until each of its names has had an
 * outcome, for first_wait seconds at most, and the AgentCards' end mark waits for those before it.
 * Only the event of a card waits that was not known or not verified before: it can but widen what
 * the agent has. A later event of the card takes its place. Other lines do not wait.
 *
 * Nothing is asked here, and no time is read: dns_cards_next() says what to ask for, and
 * dns_cards_answer() takes what came of it. The same calls give the same bytes.
 *
 * Ownership: settings are copied, what they point to is borrowed. Lines are borrowed for the
 * call. What is emitted is valid during the callback. When memory runs out the program is aborted.
 */
#ifndef RESOLVE_CARDS_H
#define RESOLVE_CARDS_H

#include "resolve/names.h"
#include "json/json.h"

/* A longer line passes as it is: its names stay denied, and it would not fit with addresses. */
enum { DNS_LINE_MAX = JSON_RECORD_MAX / 2 };

struct dns_cards;

struct dns_cards_settings {
	const char *agentcard_group; /* agent.kagenti.dev */
	struct json_text dns;        /* an array: the rules to the cluster's DNS (rules/dns.h) */
	struct dns_settings names;
	int64_t first_wait;          /* seconds */
	void (*emit)(void *context, struct json_text line);
	void *context;
};

struct dns_cards *dns_cards_new(const struct dns_cards_settings *settings);
void dns_cards_free(struct dns_cards *cards);

/* Takes a line of the stream, which holds the checked text `json`. NULL when it was emitted, or
 * waits, else why it is not an event; then nothing happened. */
const char *dns_cards_take(struct dns_cards *cards, struct json_text line, struct json_text json,
                           int64_t at);

/* Takes an outcome; dns_cards_emit_changed() emits what follows from it. False when it is of no use. */
bool dns_cards_answer(struct dns_cards *cards, const struct dns_answer *answer, int64_t at);

/* Emits what waits no longer, and what has changed, also by time alone. */
void dns_cards_emit_changed(struct dns_cards *cards, int64_t at);
int64_t dns_cards_expiry(const struct dns_cards *cards); /* not needed before this */

/* The next question to ask; and before which time there is none. */
bool dns_cards_next(struct dns_cards *cards, int64_t at, struct dns_question *question);
int64_t dns_cards_due(const struct dns_cards *cards);

/* True while something waits. */
bool dns_cards_wait(const struct dns_cards *cards);

/* Cards that have names, and the names. */
size_t dns_cards_count(const struct dns_cards *cards);
size_t dns_cards_names(const struct dns_cards *cards);

#endif
