/*
 * What is held of the world: AgentCards, the workloads that they name, and the policies.
 *
 *   namespace
 *   card      an AgentCard and its verdict
 *   workload   a workload that a card names, or that exists, or both
 *   object    a policy of a workload or a namespace, or a managed one of any kind that was seen
 *
 * Only what a decision needs is kept, never an event's line. What changed waits in two queues,
 * `touched` workloads and `unwanted` objects, in order of cause, until somebody takes them out.
 * Nothing depends on the order of a hash table.
 *
 * Ownership: the inventory owns all of it; initialise with {0} and set `settings`. Pointers
 * stay valid until policy_workload_sweep() or policy_object_sweep() takes their object away.
 * Memory: when it runs out the program ends, as in base/buffer.h.
 */
#ifndef POLICY_INVENTORY_H
#define POLICY_INVENTORY_H

#include <stdint.h>

#include "base/table.h"
#include "policy/apiserver.h"
#include "k8s/kind.h"
#include "k8s/workload.h"
#include "policy/name.h"
#include "rules/normal.h"
#include "rules/rules.h"
#include "policy/overlap.h"
#include "policy/settings.h"

enum {
	POLICY_MESSAGE_BYTES = 256,      /* kept of a verdict's message */
	POLICY_OVERLAPS = 8,             /* other workloads that a warning names */
};

struct policy_namespace {
	char *name;
	struct policy_overlap overlap;
	struct policy_workload *verified; /* a list; those with cards that are all verified */
	size_t verified_count;
	size_t remembered; /* of its cards that are gone, */
	bool forgotten;    /* and some more, of which nothing is known */
	bool unread; /* a card of it was listed, or has changed, of which nothing but its name is known */
	struct policy_workload *displaced; /* a list; those that another one's name displaced */
	struct policy_object *extra;    /* a list: objects of the whole namespace */
	char *labels; /* of its Namespace, normal form; NULL: not known */
	bool labels_listed;
	struct policy_workload *workloads;  /* a list, in no order */
	struct policy_namespace *prev, *next; /* changed */
	bool queued;
	UT_hash_handle hh;
};

struct policy_card {
	char *key; /* "namespace/name" */
	const char *name;
	struct policy_namespace *namespace;
	char *packed; /* the strings below, one behind the other */
	size_t packed_len;
	const char *api_version, *uid, *created, *generation;
	const char *target_kind, *target_name; /* empty: it names no possible workload */
	const char *target_api_version;        /* as the card has it, or of its kind; "": not known */
	const char *reason, *message;          /* of the verdict; "": there is none */
	const char *spiffe_id;                 /* the same */
	const char *network_policy;            /* its rules, JSON text; "": not set */
	const char *rules_faults;              /* what is wrong beside it: problems; "": nothing */
	const char *rules_digest;              /* of these, or of those that vanished; "": of none */
	const char *removed;                   /* the digest of rules that were removed on purpose */
	const char *resolution;                /* rules/resolution.h; "": all names resolved */
	bool verified;
	bool annotated; /* its rules are the annotation's: rules/card.h */
	bool oversized; /* they are too large to keep */
	bool unusable;  /* its last record cannot be used: it is not verified, whatever was said before */
	bool conflict;  /* field and annotation differ */
	bool erased;    /* it has no rules and had some, which are those above where they are known */
	bool pruned;    /* it has no rules, and the server may have left them out */
	char policy_digest[POLICY_RULES_DIGEST_SIZE]; /* may be what rules_digest is */
	bool listed;
	struct policy_workload *workload;
	struct policy_card *prev, *next; /* of one workload */
	struct policy_digest status;     /* of the last status that was asked for, */
	struct policy_digest told;       /* and of the last AGENT line; zero: none */
	bool told_any, report_queued;
	struct policy_card *report_prev, *report_next; /* of those to be told of again */
	UT_hash_handle hh;
};

struct policy_workload {
	char *key; /* "namespace/kind/name" */
	const char *name, *kind;    /* of a kind that no row has, and whose group is known: KIND.GROUP */
	enum k8s_workload_kind row; /* K8S_WORKLOADS: none */
	struct policy_namespace *namespace;
	struct policy_card *cards; /* the oldest first: by creationTimestamp, uid, name */
	char *selector;            /* normal form, the last that was known; NULL */
	char *labels;              /* of its pod template, normal form; NULL */
	const char *selector_fault; /* why its own selector is not used; static, or NULL */
	bool present;               /* the workload exists */
	enum k8s_host_network host_network; /* of one that was seen */
	char *controller; /* "Deployment web", whose next pods its selector misses; NULL */
	bool selected;    /* a Sandbox: its status has said how its pods are selected, */
	bool misselected; /* or says something else now */
	bool unusable;    /* its last record cannot be used: what is known of it is from before */
	bool listed;
	bool queued;
	bool permissive;            /* has cards, all verified: is in namespace->verified */
	bool is_displaced;          /* is in namespace->displaced */
	unsigned attempt;           /* of policy_name(), for `object` */
	struct policy_object *object;   /* bears the policy's name */
	struct policy_object *extra;  /* a list: what else the target needs */
	struct policy_object *previous;   /* a list: what limits it until `object` is there */
	struct policy_workload *namespace_prev, *namespace_next;
	struct policy_workload *prev, *next;                   /* touched */
	struct policy_workload *verified_prev, *verified_next; /* of the namespace */
	struct policy_workload *displaced_prev, *displaced_next;
	struct policy_overlap_entry overlap;
	struct policy_digest namespace_wide; /* of its part in what is said of the namespace; zero: none */
	char *overlaps_to; /* key of the last overlap that is named, when there may be more; NULL */
	UT_hash_handle hh;
};

/* How far the egress of a stored policy reaches, as far as it can be told at a glance. */
enum policy_reach { POLICY_REACH_UNKNOWN, POLICY_REACH_NOTHING, POLICY_REACH_SOME, POLICY_REACH_ALL };

enum policy_last { POLICY_LAST_NONE, POLICY_LAST_APPLY, POLICY_LAST_DELETE };

struct policy_object {
	char *key; /* "Kind/namespace/name"; no namespace where the kind is cluster-scoped */
	const char *name;
	const struct k8s_kind *kind;
	struct policy_namespace *namespace; /* of a cluster-scoped one that of its card; "": not known */
	struct policy_workload *owner; /* whose policy it should be; NULL: nobody's */
	bool extra;                 /* is in a list of extra objects, so it is wanted: */
	struct policy_workload *part_of; /* of this workload, or NULL: of the namespace */
	struct policy_workload *previous;  /* is in this one's list; NULL */
	bool fresh;                   /* was rendered in this round */
	char *card;                   /* of the card that it is or was for, "name\0uid"; NULL */
	enum policy_last last;        /* the last operation, */
	struct policy_digest operation, essence; /* and what it said and meant, */
	bool essence_known;                            /* if `essence` is known */
	bool gone;    /* its workload gave it up, so it is known that nobody wants it */
	bool drifted; /* what was seen is not what was asked for: ask again */
	bool seen, listed, queued;
	bool quarantine; /* it keeps a workload in the admin's quarantine */
	bool foreign; /* the cluster has one of this name that does not bear our label */
	bool unusable; /* the last record of the seen one cannot be used */
	enum policy_reach seen_reach; /* what the seen one lets out, */
	char seen_rules[POLICY_RULES_DIGEST_SIZE]; /* and of which rules it says that it is made; "" */
	struct policy_digest seen_essence;
	char *seen_version;  /* resourceVersion; NULL */
	char *seen_selector; /* of a managed one, usable, normal form; NULL */
	char *refusal; /* why who enforces it has refused the seen one, printable; NULL: it has not said so */
	struct policy_object *prev, *next; /* unwanted */
	struct policy_object *extra_prev, *extra_next; /* or of the previous list */
	UT_hash_handle hh;
};

/* Which annotation of a policy says of which rules it is made, and which of a card that its rules
 * were removed on purpose: the digest of rules/rules.h. */
#define POLICY_DIGEST_ANNOTATION "agent-egress.dev/rules-digest"
#define POLICY_REMOVED_ANNOTATION "agent-egress.dev/network-policy-removed"

/* The rules of a card that is gone: a new one of its name that has none does not get what a card gets
 * that never had any. Of a namespace at most POLICY_REMEMBERED_MAX, and the text of short ones alone;
 * once there were more, each new card there without rules may have lost some. */
enum { POLICY_REMEMBERED_MAX = 4096, POLICY_REMEMBERED_BYTES = 1024 };
struct policy_remembered {
	char *key; /* "namespace/name" */
	char *rules; /* JSON text; "": not kept */
	char digest[POLICY_RULES_DIGEST_SIZE];
	bool annotated;
	UT_hash_handle hh;
};

/* A card that is gone, and of which something was told. */
struct policy_gone {
	char *namespace, *name, *uid;
	struct policy_gone *prev, *next;
};

void policy_gone_free(struct policy_gone *gone);

struct policy_inventory {
	const struct policy_settings *settings;
	struct policy_namespace *namespaces;
	struct policy_card *cards;
	struct policy_workload *workloads;
	struct policy_object *objects;
	struct policy_apiserver apiserver;
	struct policy_workload *touched;
	struct policy_object *unwanted;
	struct policy_namespace *changed; /* a queue; only where the target has something for namespaces */
	bool watched; /* the stream tells of the target's own kind */
	bool complete[POLICY_KINDS_MAX]; /* by policy_kinds[]: a list of it has ended, whole */
	struct policy_card *reports; /* a queue */
	struct policy_remembered *remembered;
	bool schema_missing; /* cards that are listed now may have lost their rules on the way */
	struct policy_gone *gone;    /* a queue */
	int64_t now;   /* the largest time that the stream has told, in seconds since 1970; */
	bool now_known;
	struct json_buffer scratch;
};

/* Takes an event in (not a BOOKMARK or ERROR). NULL, or a static reason why it cannot be used;
 * what does not concern us is taken without effect. */
const char *policy_inventory_take(struct policy_inventory *inventory, const struct event *event);

/* A record that cannot be used is of this object (k8s/unusable.h): from now on, until its next event, it
 * is not what it was before. A card that is held is not verified; a workload keeps its policy; a policy is
 * asked for again; a Namespace's labels are not known. False when it is a card that is not held: it may have any policy of its namespace,
 * so none of these is known to be unwanted until the next list of cards begins. */
bool policy_inventory_unusable(struct policy_inventory *inventory, const struct event *named);

/* The list of the BOOKMARK's kind begins, or ended: what it did not name is gone. */
void policy_inventory_begin(struct policy_inventory *inventory, const struct event *bookmark);
void policy_inventory_end(struct policy_inventory *inventory, const struct event *bookmark);

/* Its time goes on: what has ended by it, counts no more. An earlier one has no effect. */
void policy_inventory_time(struct policy_inventory *inventory, int64_t now);

/* The bounds in the settings are others now than `before`: who may be concerned is touched. */
void policy_bounds_changed(struct policy_inventory *inventory, const struct bounds *before);

/* Puts a workload or an object into its queue, at the end, once. */
void policy_touch(struct policy_inventory *inventory, struct policy_workload *workload);
void policy_unwanted(struct policy_inventory *inventory, struct policy_object *object);
void policy_namespace_changed(struct policy_inventory *inventory, struct policy_namespace *namespace);

/* Puts a card into the queue of those to be told of. */
void policy_report(struct policy_inventory *inventory, struct policy_card *card);
/* All are told of again, as if nothing had been. */
void policy_report_all(struct policy_inventory *inventory);

/* What the input shows of an object that is wanted. */
enum policy_live {
	POLICY_LIVE_UNKNOWN, /* no complete list of its kind */
	POLICY_LIVE_AS_ASKED,
	POLICY_LIVE_ABSENT,
	POLICY_LIVE_DIFFERS,
	POLICY_LIVE_FOREIGN,
	POLICY_LIVE_REFUSED,  /* stored as it was asked for, and refused by who enforces it */
	POLICY_LIVE_UNUSABLE, /* there is one; what it says is not known */
};
enum policy_live policy_object_live(const struct policy_inventory *inventory,
                                    const struct policy_object *object);

/* An unwanted object of a kind that the target does not write as its first may be all that limits an agent,
 * after a change of target. Whose it is when it must stay until the workload's own object stands:
 * as was seen, or, where the stream tells nothing of such objects, as was asked. Else NULL. */
struct policy_workload *policy_previous_of(const struct policy_inventory *inventory,
                                        const struct policy_object *object);
/* Puts it into the workload's list; takes it out of the one that it is in, if any. */
void policy_previous_add(struct policy_workload *workload, struct policy_object *object);
void policy_previous_remove(struct policy_object *object);
/* When they need not stay any longer all of the list become unwanted objects again. */
void policy_previous_release(struct policy_inventory *inventory, struct policy_workload *workload);

/* Finds, and makes when it is not there. */
struct policy_object *policy_object_at(struct policy_inventory *inventory,
                                       const struct k8s_kind *kind, struct policy_namespace *namespace,
                                       struct json_text name);

/* Gives the workload the object that bears its policy's name, or takes it away when it has no
 * card any more, or its selector is not known: the object is then unwanted. Whom that displaces is
 * touched. A workload that is not known takes the selector of the managed policy that was seen
 * for its card: it has disappeared while nobody looked. Where that tells no selector, as kinds
 * other than NetworkPolicy do not, the workload keeps that policy as it is. */
void policy_claim(struct policy_inventory *inventory, struct policy_workload *workload);

/* What of an object is ours: labels, annotation, owner and spec; `scratch` is overwritten. */
struct policy_digest policy_object_essence(const struct policy_inventory *inventory,
                                           struct json_text object, struct json_buffer *scratch);

/* Frees the workload, or the object, when nothing holds it any more and it is not queued. */
void policy_workload_sweep(struct policy_inventory *inventory, struct policy_workload *workload);
void policy_object_sweep(struct policy_inventory *inventory, struct policy_object *object);

/* Other workloads with cards whose pods this one's selector selects, or that select its pods, in
 * order of their keys. */
size_t policy_workload_overlaps(struct policy_workload *workload,
                               struct policy_workload *found[POLICY_OVERLAPS]);

void policy_inventory_free(struct policy_inventory *inventory);

#endif
