/*
 * Others' policies as evidence: which of them may let an agent's pods open connections that the
 * decision for its card does not allow.
 *
 * Policies add up, so an agent is held to its rules only while every other policy that selects
 * its pods allows no more. "No more" must be shown, from the policies' own words: each of the
 * other's rules lies in one of the agent's. What cannot be shown, is not understood, or may be
 * read wider by the network plugin (CNI) counts as more.
 *
 * What is held is linear in the policies that were seen. A namespace's policies are looked at
 * for its own agents alone, found by a label that they ask for; those of the whole cluster, which
 * only admins write, for every agent.
 *
 * Ownership: the evidence owns what it holds; make it with evidence_new(). An evidence_agent
 * borrows for the call, and so does what is found. Texts passed json_check(). When memory runs
 * out the program ends.
 */
#ifndef POLICY_EVIDENCE_H
#define POLICY_EVIDENCE_H

#include "k8s/event.h"

enum { EVIDENCE_COMPARISONS = 10000 }; /* for one agent */

/* How the cluster reads what is stored. */
enum evidence_cni {
	EVIDENCE_CNI_UNKNOWN, /* as whichever plugin reads it widest */
	EVIDENCE_CNI_CILIUM,  /* and what is built on it: GKE Dataplane V2 */
	EVIDENCE_CNI_OVN,     /* OVN-Kubernetes */
	EVIDENCE_CNI_OTHER,   /* one that reads NetworkPolicy as the API describes it */
};
/* By the word of --cni; NULL, and what is not known here, is UNKNOWN. */
enum evidence_cni evidence_cni_of(const char *word);

struct evidence;
struct evidence *evidence_new(enum evidence_cni cni);
void evidence_free(struct evidence *evidence);

/* Which agents an event or a mark may concern. */
enum evidence_reach {
	EVIDENCE_REACH_NONE,
	EVIDENCE_REACH_LABELS,    /* those of one namespace with one of these labels */
	EVIDENCE_REACH_NAMESPACE, /* the agents of one namespace */
	EVIDENCE_REACH_ALL,
};

struct evidence_change {
	enum evidence_reach reach;
	struct json_text namespace;
	struct {
		struct json_text key, value;
	} labels[2]; /* before and after; an absent one is none */
};

/* Takes an event, or a mark of a list, of a kind that is evidence; others have no effect. One of type
 * ERROR is of the object that a record that cannot be used names (k8s/unusable.h): agents that it may
 * select are undecided until its next event. What is returned is valid until the next. */
struct evidence_change evidence_take(struct evidence *evidence, const struct event *event);

/* True for lists that must not be waited for: those of kinds that are evidence and nothing else. */
bool evidence_alone(const struct event *event);

/* The kinds of which the input has not all: NULL when it has, else words for a message, which
 * say what is missing and stay valid until the next event is taken. Objects of kinds that the
 * server does not serve do not exist. */
const char *evidence_missing(struct evidence *evidence);

struct evidence_agent {
	const char *namespace;
	struct json_text selector;  /* of its pods: the podSelector of our policy */
	struct json_text labels;    /* of the pod template; absent: not known */
	struct json_text egress;    /* what the decision allows: NetworkPolicyEgressRules, */
	struct json_text domains;   /* and names with ports; absent: none */
	struct json_text ingress;   /* NetworkPolicyIngressRules; absent: ingress is not judged */
	bool api_server;            /* the decision is the API server's addresses and no other */
	/* Whether an object is one of those that implement the decision. */
	bool (*is_own)(const void *context, const char *kind, struct json_text name);
	const void *context;
};

enum evidence_finding {
	EVIDENCE_WIDENS,         /* egress: the gap WidenedByPolicy */
	EVIDENCE_WIDENS_INGRESS, /* others let in whom our policy does not: a problem */
	EVIDENCE_UNDECIDED,      /* too much to compare, or a record that cannot be used: the gap Undecided */
};

struct evidence_found {
	enum evidence_finding finding;
	const char *message; /* printable */
	/* the object; of UNDECIDED all may be absent */
	struct json_text api_version, kind, namespace, name;
};

/* Calls `found` for each object that may allow more, in order of kind and name. */
void evidence_judge(struct evidence *evidence, const struct evidence_agent *agent,
                    void (*found)(void *context, const struct evidence_found *found),
                    void *context);

/* True when the object is there and is not managed by this program: it bears a name that we would
 * write, and is left alone. */
bool evidence_is_foreign(const struct evidence *evidence, const char *kind, const char *namespace,
                         const char *name);

#endif
