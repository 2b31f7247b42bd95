/*
 * The agents whose cards are fetched: whom to ask, when, and what the stream says of it.
 *
 * Watch events go in and come out again, byte for byte; among them come ConfigMap events of the
 * cards that agents have answered with, as egress-verify reads them: WORKLOAD-card-signed, key
 * agent-card.json. No I/O happens here, and time is an argument (milliseconds, monotonic).
 *
 *   whom       the workload that the targetRef of an AgentCard names, while there is no ConfigMap
 *              of that name in the stream: that one always wins
 *   when       at once when it becomes known, then every spec.syncPeriod, each agent at its own
 *              moment; after a failure later and later. Nothing while the stream lists AgentCards
 *              or ConfigMaps, because what is not yet known may be a ConfigMap
 *   what       a card that is new or differs is emitted; one that an agent says it does not have
 *              is DELETED; when it only fails to answer, the last one stays for stale_ms
 *   lists      where a list of ConfigMaps ends, the fetched ones are emitted once more before its
 *              end mark: who reads the stream would take them for gone
 *   the world  the AgentCards' end mark is held back until every agent has been asked once, or
 *              for first_wait_ms, so that nobody is cut off because his card is on its way. While
 *              agents_waits() says so, no line may be given
 *
 * Ownership: settings are copied, their strings must outlive the object. Lines are borrowed for
 * the call. What is emitted is valid during the callback. A struct agent lives until it is
 * cancelled or answered; callbacks must not call back. When memory runs out the program is
 * aborted.
 */
#ifndef FETCH_AGENTS_H
#define FETCH_AGENTS_H

#include "fetch/answer.h"
#include "json/json.h"

struct agents;
struct agent;

struct agents_settings {
	const char *agentcard_group;
	int64_t period_ms;     /* of a card that names none */
	int64_t least_ms;      /* no agent is asked more often, whatever its card says */
	int64_t stale_ms, first_wait_ms;
	bool accounts;         /* ask only while the workload's service account is known */
	void (*emit)(void *context, struct json_text line);
	void (*warn)(void *context, const char *sentence);
	/* `request` was given with agents_asked(): its answer is not wanted any more */
	void (*cancel)(void *context, void *request);
	void *context;
};

struct agents *agents_new(const struct agents_settings *settings);
void agents_free(struct agents *agents); /* cancels what is asked */

/* Takes a line of the stream, which holds the checked text `json`. NULL when it was emitted or is
 * held back, else why it is no event; then nothing happened. */
const char *agents_take(struct agents *agents, struct json_text line, struct json_text json,
                        int64_t now);

/* The input has ended: agents_waits() until those that are known have been asked once. */
void agents_end(struct agents *agents, int64_t now);

bool agents_waits(const struct agents *agents);

/* Whom to ask, and as whom. Borrowed until the next call. */
struct agents_question {
	struct agent *agent;
	const char *namespace, *name;
	const char *account; /* of the workload; NULL: not known */
	bool legacy;         /* at the legacy path */
};

/* The next agent that is due; false when none is. agents_asked() must follow. */
bool agents_next(struct agents *agents, int64_t now, struct agents_question *question);
void agents_asked(struct agents *agents, struct agent *agent, void *request);

/* The answer; with AGENT_CARD `body` is the card, with AGENT_FAILED `why` a sentence. */
struct agents_peer {
	const char *trust_domain, *path;
	struct json_text chain; /* a JSON array of certificates in base64; absent: not known who */
	int64_t at;             /* seconds since 1970 */
};

/* `peer`: who it came from, which the event tells as `attestation`. */
void agents_answered(struct agents *agents, struct agent *agent, enum agent_answer answer,
                     struct json_text body, const struct agents_peer *peer, const char *why, int64_t now);

/* Lets go what has waited long enough. To be called when agents_due() says. */
void agents_time(struct agents *agents, int64_t now);
/* When a wait is over or, if another may be `asked`, an agent is due: -1 never, or a time that may
 * have gone by. */
int64_t agents_due(const struct agents *agents, bool asked);

/* What became of the questions. */
enum agents_count {
	AGENTS_FETCHED,   /* a card that was new or differed */
	AGENTS_UNCHANGED,
	AGENTS_NONE,      /* the agent has no card */
	AGENTS_FAILED,
	AGENTS_COUNTS,
};
extern const char *const agents_count_names[AGENTS_COUNTS];
const unsigned long *agents_counts(const struct agents *agents);
size_t agents_cards(const struct agents *agents); /* AgentCards held */

#endif
