/*
 * What egress-verify holds: AgentCards, and what the verdict on each depends on.
 *
 * Watch events go in, in any order; each line comes out again, an AgentCard's with its
 * `verification`. Whenever something that verdicts depend on changes (a signed card, a
 * workload's service account, a trust bundle, the time), the cards concerned are checked
 * again, and each whose verification differs comes out once more, as MODIFIED.
 *
 *   signed card   ConfigMap <workload>-card-signed, key agent-card.json; without it the
 *                 AgentCard's status.card
 *   workload      Deployment, StatefulSet (apps) or Sandbox (agents.x-k8s.io) that
 *                 spec.targetRef names, in the card's namespace
 *   trust bundle  of the trust domain that the card must have: from a ConfigMap in the
 *                 stream, or set by trust_cards_bundle()
 *
 * A BOOKMARK that begins the list of a kind opens a new list of that kind; the one that ends
 * it removes what was held of that kind and not named since.
 *
 * The stage of --accept-status has no checker: it holds nothing (verify/status_private.h).
 *
 * Ownership: settings are copied, except the checker and the strings, which must outlive the
 * object. Lines are borrowed for the call. What is emitted is valid during the callback.
 * When memory runs out the program is aborted.
 */
#ifndef VERIFY_CARDS_H
#define VERIFY_CARDS_H

#include "trust/checker.h"

struct trust_cards;

/* Where the bundle of a trust domain is found in the stream. */
struct trust_cards_bundle {
	const char *trust_domain;          /* one of the checker's */
	const char *namespace, *name, *key; /* of the ConfigMap; NULL: not in the stream */
};

struct trust_cards_settings {
	const char *agentcard_group;       /* agent.kagenti.dev */
	struct trust_checker *checker;     /* NULL: the operator's status is accepted */
	const struct trust_cards_bundle *bundles; /* one a trust domain */
	size_t bundle_count;
	void (*emit)(void *context, struct json_text line);
	void (*warn)(void *context, const char *sentence); /* about a trust bundle */
	void *context;
};

struct trust_cards *trust_cards_new(const struct trust_cards_settings *settings);
void trust_cards_free(struct trust_cards *cards);

/* Takes a line of the stream, which holds the checked text `json`, at a time (seconds since
 * 1970). NULL when it was emitted, else why it is not an event; then nothing happened. */
const char *trust_cards_take(struct trust_cards *cards, struct json_text line,
                             struct json_text json, int64_t at);

/* A new bundle of a trust domain from elsewhere, or with an absent text its end. One that is
 * unusable leaves the last good one in place, and `warn` is told. False then. `where` names
 * it in messages: "file /run/bundle.json". */
bool trust_cards_bundle(struct trust_cards *cards, const char *trust_domain,
                        struct json_text bundle, const char *where, int64_t at);

/* Checks again the cards whose verdict does not reach to this time. */
void trust_cards_time(struct trust_cards *cards, int64_t at);

size_t trust_cards_count(const struct trust_cards *cards); /* AgentCards held */

/* How many verdicts of each reason have been emitted. */
const unsigned long *trust_cards_verdicts(const struct trust_cards *cards);

#endif
