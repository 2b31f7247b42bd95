/* What is to be said of an agent: its verdict, its decision, and the policies of its pods. */
#ifndef EXPLAIN_EXPLAIN_H
#define EXPLAIN_EXPLAIN_H

#include "explain/agents.h"
#include "explain/index.h"
#include "policy/decision.h"
#include "policy/stored.h"
#include "rules/evaluate.h"

/* To where. */
struct explain_connection {
	struct policy_destination destination;
	const struct policy_workload *workload; /* whose pods those are; NULL: not known, or no pods */
	bool itself; /* the pod that connects */
};

struct world {
	bool stands; /* the policies are as they were found, whatever the cards ask for */
	struct policy_inventory *inventory;
	struct policy_stored *stored;
	struct explain_index *index; /* of what is stored */
	struct explain_agents *agents;
	const char *asked; /* the destination as it was given; NULL: none */
	struct explain_connection connection;
};

struct counted {
	const struct policy_stored_object *policy;
	struct json_text egress;
	bool own;                   /* the one that this agent is given */
	enum policy_answer selects; /* not DENIED */
	struct policy_match match;  /* when a destination was asked for */
};

/* Whether the agent is held to what its decision allows. */
enum explain_confinement {
	EXPLAIN_CONFINED,
	EXPLAIN_UNCONFINED,
	EXPLAIN_UNDECIDED,  /* the input cannot tell */
	EXPLAIN_NOT_LIMITED, /* the decision allows everything */
};
extern const char *const explain_confinement_words[];

enum { EXPLAIN_SAID_SIZE = 512 };

/* Ownership: initialise with {0}; what it points to is the world's, until explanation_free() or
 * the next explain(). */
struct explanation {
	const struct policy_card *card;
	struct policy_decision decision; /* of no workload: the card names no possible workload */
	struct counted *policies;
	size_t count, size;
	struct json_text record; /* the AGENT record; absent: there is none, as of a directory */
	struct json_text gaps;   /* an array, or absent */
	enum explain_confinement confinement;
	bool limited; /* some policy surely limits the egress of the pods */
	enum policy_answer answer;
	const char *why; /* half a sentence where no policy says it; NULL */
	/* the policy of the destination that comes first, where its ingress is why; NULL */
	const struct policy_stored_object *refuses;
	char said[EXPLAIN_SAID_SIZE];
};

/* The workload's pods as a destination. */
void world_put_labels(const struct world *world, const struct policy_workload *workload,
                      struct policy_destination *destination);

/* Finds the labels of the destination, which is a workload. False when it was not seen. */
bool world_find_destination(struct world *world);

void explain(const struct world *world, const struct policy_card *card,
             struct explanation *explanation);
/* Answers for another destination: `answer`, `why`, `refuses` and the policies' matches. Between agents the
 * ingress of the destination counts, too. */
void explanation_judge(const struct world *world, struct explanation *explanation,
                       const struct explain_connection *connection);
void explanation_free(struct explanation *explanation);

#endif
