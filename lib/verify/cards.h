/*
 * What egress-verify holds: AgentCards, and what the verdict on each depends on.
 *
 * Watch events go in, in any order; each line comes out again, an AgentCard's with its
 * `verification`. Whenever something that verdicts depend on changes (a signed card, a
 * workload's service account, a trust bundle, the time), the cards concerned are checked
 * again, and each whose verification differs comes out once more, as MODIFIED.
 *
 *   signed card   ConfigMap <workload>-card-signed, key signed-agent-card.json (an object: its
 *                 member agentCard), else agent-card.json; without it the AgentCard's status.card
 *   workload      Deployment, StatefulSet (apps) or Sandbox (agents.x-k8s.io) that
 *                 spec.targetRef names, in the card's namespace
 *   trust bundle  of the trust domain that the card must have: from a ConfigMap or a
 *                 ClusterTrustBundle in the stream, or set by trust_cards_bundle()
 *
 * A BOOKMARK that begins the list of a kind opens a new list of that kind; the one that ends
 * it removes what was held of that kind and not named since.
 *
 * Whoever writes AgentCards and ConfigMaps chooses how large and how many they are. So of each
 * namespace only so much is held as settings allow, and what finds no room is not verified
 * (OverLimit): no other namespace is concerned. A signed card that no AgentCard asks for, which may
 * come before its AgentCard, makes room for all else.
 *
 * With TRUST_ACCEPT_STATUS there is no checker: the operator's own conclusion counts, which is
 * read from the AgentCard's status; with TRUST_ACCEPT_MTLS it counts beside our own, where the
 * operator attested the agent by mTLS.
 *
 * With accept_fetch the member `attestation` beside a ConfigMap, the certificates that egress-fetch has
 * seen of the agent, counts where our own check fails, until they expire. It stands in the event,
 * where no object of the cluster can put it; of objects nothing counts as such.
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
	const char *trust_domain;           /* one of the checker's */
	const char *namespace, *name, *key; /* of the ConfigMap; name NULL: not in the stream */
	const char *second_key;             /* tried where `key` is not there; NULL: none */
	/* namespace NULL, and a name: of the ClusterTrustBundle (certificates.k8s.io) */
};

enum trust_accept {
	TRUST_ACCEPT_NOTHING,
	TRUST_ACCEPT_STATUS, /* whatever the operator verified; the checker is NULL */
	TRUST_ACCEPT_MTLS,   /* what the operator attested by mTLS, where our own check fails */
};

struct trust_cards_settings {
	const char *agentcard_group;       /* agent.kagenti.dev */
	struct trust_checker *checker;     /* NULL with TRUST_ACCEPT_STATUS */
	enum trust_accept accept;
	bool accept_fetch; /* an event's `attestation` counts, where our own check fails */
	/* what an attested SPIFFE ID must be: as in trust_settings; status_domain is that of a card
	 * without a binding, NULL: any */
	enum trust_bind bind;
	const char *path_template, *status_domain;
	const struct trust_cards_bundle *bundles; /* one a trust domain */
	size_t bundle_count;
	size_t namespace_bytes;            /* most that is held of one namespace; 0: no limit */
	int64_t bundle_grace;              /* seconds for which what is no bundle keeps the last one */
	const char *const *without;        /* IDs of anchors that do not count */
	size_t without_count;
	/* The time of an event that tells it in its member `time`; NULL: it is what the caller says */
	int64_t (*now)(void *context, struct json_text time);
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

/* A line that is no usable event: what it is of counts as unusable until its next usable one.
 *
 *   AgentCard        not verified, for the reason RecordUnusable
 *   signed card      its cards are not, likewise
 *   trust bundle     as what is no bundle at all
 *   anything else    is nothing to us: the line that names it goes on to the stages behind
 *
 * False when the line does not say of which object it is; then nothing happened. */
bool trust_cards_unusable(struct trust_cards *cards, struct json_text line, const char *why,
                          int64_t at);

/* A new bundle of a trust domain from elsewhere, or with an absent text its end. One without a
 * usable CA ends trust too; one that is no bundle at all (trust/anchors.h) leaves the last good one
 * in place for `bundle_grace`, and `warn` is told once a minute. True when its anchors are in force.
 * `where` names it in messages: "file /run/bundle.json". */
bool trust_cards_bundle(struct trust_cards *cards, const char *trust_domain,
                        struct json_text bundle, const char *where, int64_t at);
/* It is there and cannot be read: as what is no bundle at all. */
void trust_cards_bundle_unreadable(struct trust_cards *cards, const char *trust_domain,
                                   const char *where, const char *why, int64_t at);

/* Checks again the cards whose verdict does not reach to this time, and ends a bundle's grace. */
void trust_cards_time(struct trust_cards *cards, int64_t at);

size_t trust_cards_count(const struct trust_cards *cards); /* AgentCards held */

/* The first of `without` that no bundle has held yet; NULL: there is none. */
const char *trust_cards_not_left_out(const struct trust_cards *cards);

/* What is held now: verified cards by anchor, cards by source of their verdict ("ConfigMap",
 * "status.card", "status", "fetch", "none"), and of each trust domain whether its bundle is none while the
 * last good one counts. Labels live as long as `cards`; of more anchors than TRUST_MEASURED the rest is
 * "other". */
enum trust_measure { TRUST_MEASURE_ANCHOR, TRUST_MEASURE_SOURCE, TRUST_MEASURE_BUNDLE };
enum { TRUST_MEASURED = 24 };
void trust_cards_measure(struct trust_cards *cards,
                         void (*set)(void *context, enum trust_measure measure, const char *label,
                                     int64_t value),
                         void *context);

/* How many verdicts of each reason have been emitted. */
const unsigned long *trust_cards_verdicts(const struct trust_cards *cards);

#endif
