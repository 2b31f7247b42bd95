/*
 * From verified events to operations (egress-records(5)): what should change in the cluster for
 * every agent to have its own policy.
 *
 * Nothing is emitted before the world is known: all lists that have begun have ended, the
 * AgentCards' among them; or the input has ended; or settings->no_wait. An operation is emitted
 * when it differs from the last one for its object, or when the object is not what that one
 * asked for. The same input gives the same bytes.
 *
 *   APPLY    a policy, with the reason (one word), a message (a sentence), the card and the
 *            problems; `observed` when the policy was last seen to be so already
 *   DELETE   a policy whose card is gone or names another workload
 *   APPLY    the status of an AgentCard, with settings->status
 *   AGENT    the state of a card's agent, behind the operations of its objects, when it differs from
 *            the last one; all of them again after AgentCard's begin mark
 *   ERROR    names a card of which nothing else is known
 *   BOOKMARK the AgentCards' begin mark, and their end mark behind all operations that the lists ask
 *            for
 *
 * Ownership: settings are copied, what they point to is borrowed and outlives the translator, as
 * the target does; lines are borrowed for the call,
 * and what is emitted is valid during the callback.
 */
#ifndef TRANSLATE_TRANSLATOR_H
#define TRANSLATE_TRANSLATOR_H

#include "policy/settings.h"
#include "json/json.h"
#include "targets/target.h"

struct policy_translator;

struct policy_output {
	void (*emit)(void *context, struct json_text line);
	void *context;
};

struct policy_translator *policy_translator_new(const struct policy_settings *settings,
                                                const struct policy_target *target,
                                                struct policy_output output);
void policy_translator_free(struct policy_translator *translator);

/* Takes a line of the stream, which holds the checked text `json`. NULL, or a reason why it cannot be
 * used, valid until the next call; what follows from that is done. */
const char *policy_translator_take(struct policy_translator *translator, struct json_text line,
                                   struct json_text json);

/* A line cannot be used. As far as it says of which object it is (k8s/unusable.h), that object counts as
 * unusable: its own agent, or its own namespace, bears it. Of a card that was not seen before an ERROR
 * event is written, for egress-apply. Else what is not listed may be there all the same: until a new
 * list begins nothing is deleted but what was seen to go, and the end mark does not pass. An ERROR
 * event says the same. */
void policy_translator_unusable(struct policy_translator *translator, struct json_text line);
bool policy_translator_is_lost(const struct policy_translator *translator);

/* The stream's time, for a live one that has gone silent: false when it tells none, or the settings do.
 * Then the wall clock may end what has an end, and prolongs nothing. */
bool policy_translator_time(const struct policy_translator *translator, int64_t *now);
void policy_translator_clock(struct policy_translator *translator, int64_t now);

/* AgentCards were seen, and none of them carried a verdict: nobody has checked them. */
bool policy_translator_lacks_verdicts(const struct policy_translator *translator);

/* True when the world is known. */
bool policy_translator_known(const struct policy_translator *translator);

/* True when the cluster's AgentCards have no place for rules, or that cannot be known: what a card
 * without rules gets is not decided by their absence. */
bool policy_translator_schema_missing(const struct policy_translator *translator);

/* The input has ended. NULL, or a static sentence about why nothing more is asked for. */
const char *policy_translator_end(struct policy_translator *translator);

struct policy_counts {
	unsigned long agents, applied, deleted;
};
struct policy_counts policy_translator_counts(const struct policy_translator *translator);

/* What is held of the world, for reading; valid until the next call that takes something. */
struct policy_inventory;
struct policy_inventory *policy_translator_inventory(struct policy_translator *translator);

#endif
