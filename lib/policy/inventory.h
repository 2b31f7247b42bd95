/*
 * What is held of the world: AgentCards, the workloads that they name, and the policies.
 *
 *   space     a namespace
 *   card      an AgentCard and its verdict
 *   subject   a workload that a card names, or that exists, or both
 *   object    a policy of a subject or a space, or a managed one of any kind that was seen
 *
 * Only what a decision needs is kept, never an event's line. What changed waits in two queues,
 * `touched` subjects and `stray` objects, in order of cause, until somebody takes them out.
 * Nothing depends on the order of a hash table.
 *
 * Ownership: the inventory owns all of it; initialise with {0} and set `settings`. Pointers
 * stay valid until policy_subject_sweep() or policy_object_sweep() takes their object away.
 * Memory: when it runs out the program ends, as in base/buffer.h.
 */
#ifndef POLICY_INVENTORY_H
#define POLICY_INVENTORY_H

#include "base/table.h"
#include "policy/apiserver.h"
#include "k8s/kind.h"
#include "policy/name.h"
#include "rules/normal.h"
#include "policy/overlap.h"
#include "policy/settings.h"

enum {
	POLICY_MESSAGE_BYTES = 256,      /* kept of a verdict's message */
	POLICY_OVERLAPS = 8,             /* other workloads that a warning names */
};

struct policy_space {
	char *name;
	struct policy_overlap overlap;
	struct policy_subject *verified; /* a list; those with cards that are all verified */
	size_t verified_count;
	struct policy_subject *displaced; /* a list; those that another one's name displaced */
	struct policy_object *further;    /* a list: objects of the whole namespace */
	struct policy_subject *subjects;  /* a list, in no order */
	struct policy_space *prev, *next; /* changed */
	bool queued;
	UT_hash_handle hh;
};

struct policy_card {
	char *key; /* "namespace/name" */
	const char *name;
	struct policy_space *space;
	char *packed; /* the strings below, one behind the other */
	size_t packed_len;
	const char *api_version, *uid, *created, *generation;
	const char *target_kind, *target_name; /* empty: it names no possible workload */
	const char *reason, *message;          /* of the verdict; "": there is none */
	const char *network_policy;            /* its rules, JSON text; "": not set */
	const char *rules_faults;              /* what is wrong beside it: problems; "": nothing */
	const char *resolution;                /* rules/resolution.h; "": all names resolved */
	bool verified;
	bool annotated; /* its rules are the annotation's: rules/card.h */
	bool oversized; /* they are too large to keep */
	bool conflict;  /* field and annotation differ */
	bool listed;
	struct policy_subject *subject;
	struct policy_card *prev, *next; /* of one subject */
	struct policy_digest status;     /* of the last status that was asked for */
	UT_hash_handle hh;
};

struct policy_subject {
	char *key; /* "namespace/kind/name" */
	const char *name, *kind;
	struct policy_space *space;
	struct policy_card *cards; /* the oldest first: by creationTimestamp, uid, name */
	char *selector;            /* normal form, the last that was known; NULL */
	char *labels;              /* of its pod template, normal form; NULL */
	const char *selector_fault; /* why its own selector is not used; static, or NULL */
	bool present;               /* the workload exists */
	bool listed;
	bool queued;
	bool permissive;            /* has cards, all verified: is in space->verified */
	bool is_displaced;          /* is in space->displaced */
	unsigned attempt;           /* of policy_name(), for `object` */
	struct policy_object *object;   /* bears the policy's name */
	struct policy_object *further;  /* a list: what else the target needs */
	struct policy_object *former;   /* a list: what limits it until `object` is there */
	struct policy_subject *space_prev, *space_next;
	struct policy_subject *prev, *next;                   /* touched */
	struct policy_subject *verified_prev, *verified_next; /* of the space */
	struct policy_subject *displaced_prev, *displaced_next;
	struct policy_overlap_entry overlap;
	struct policy_digest spacewide; /* of its part in what is said of the space; zero: none */
	char *overlaps_to; /* key of the last overlap that is named, when there may be more; NULL */
	UT_hash_handle hh;
};

enum policy_last { POLICY_LAST_NONE, POLICY_LAST_APPLY, POLICY_LAST_DELETE };

struct policy_object {
	char *key; /* "Kind/namespace/name"; no namespace where the kind is cluster-scoped */
	const char *name;
	const struct k8s_kind *kind;
	struct policy_space *space; /* of a cluster-scoped one that of its card; "": not known */
	struct policy_subject *owner; /* whose policy it should be; NULL: nobody's */
	bool further;                 /* is in a list of further objects, so it is wanted: */
	struct policy_subject *part_of; /* of this subject, or NULL: of the space */
	struct policy_subject *former;  /* is in this one's list; NULL */
	bool fresh;                   /* was rendered in this round */
	char *card;                   /* of the card that it is or was for, "name\0uid"; NULL */
	enum policy_last last;        /* the last operation, */
	struct policy_digest operation, essence; /* and what it said and meant, */
	bool weighed;                            /* if `essence` is known */
	bool gone;    /* its subject gave it up, so it is known that nobody wants it */
	bool drifted; /* what was seen is not what was asked for: ask again */
	bool seen, listed, queued;
	struct policy_digest seen_essence;
	char *seen_version;  /* resourceVersion; NULL */
	char *seen_selector; /* of a managed one, usable, normal form; NULL */
	struct policy_object *prev, *next; /* stray */
	struct policy_object *further_prev, *further_next; /* or of the former list */
	UT_hash_handle hh;
};

struct policy_inventory {
	const struct policy_settings *settings;
	struct policy_space *spaces;
	struct policy_card *cards;
	struct policy_subject *subjects;
	struct policy_object *objects;
	struct policy_apiserver apiserver;
	struct policy_subject *touched;
	struct policy_object *stray;
	struct policy_space *changed; /* a queue; only where the target has something for spaces */
	bool watched; /* the stream tells of the target's own kind */
	struct json_buffer scratch;
};

/* Takes an event in (not a BOOKMARK or ERROR). NULL, or a static reason why it cannot be used;
 * what does not concern us is taken without effect. */
const char *policy_inventory_take(struct policy_inventory *inventory, const struct event *event);

/* The list of the BOOKMARK's kind begins, or ended: what it did not name is gone. */
void policy_inventory_begin(struct policy_inventory *inventory, const struct event *bookmark);
void policy_inventory_end(struct policy_inventory *inventory, const struct event *bookmark);

/* Puts a subject or an object into its queue, at the end, once. */
void policy_touch(struct policy_inventory *inventory, struct policy_subject *subject);
void policy_stray(struct policy_inventory *inventory, struct policy_object *object);
void policy_space_changed(struct policy_inventory *inventory, struct policy_space *space);

/* A stray of a kind that the target does not write as its first may be all that limits an agent,
 * after a change of target. Whose it is when it must stay until the subject's own object stands:
 * as was seen, or, where the stream tells nothing of such objects, as was asked. Else NULL. */
struct policy_subject *policy_former_of(const struct policy_inventory *inventory,
                                        const struct policy_object *object);
/* Puts it into the subject's list; takes it out of the one that it is in, if any. */
void policy_former_add(struct policy_subject *subject, struct policy_object *object);
void policy_former_remove(struct policy_object *object);
/* When they need not stay any longer all of the list become strays again. */
void policy_former_release(struct policy_inventory *inventory, struct policy_subject *subject);

/* Finds, and makes when it is not there. */
struct policy_object *policy_object_at(struct policy_inventory *inventory,
                                       const struct k8s_kind *kind, struct policy_space *space,
                                       struct json_text name);

/* Gives the subject the object that bears its policy's name, or takes it away when it has no
 * card any more, or its selector is not known: the object is then stray. Whom that displaces is
 * touched. A workload that is not known takes the selector of the managed policy that was seen
 * for its card: it has disappeared while nobody looked. Where that tells no selector, as kinds
 * other than NetworkPolicy do not, the subject keeps that policy as it is. */
void policy_claim(struct policy_inventory *inventory, struct policy_subject *subject);

/* What of an object is ours: labels, annotation, owner and spec; `scratch` is overwritten. */
struct policy_digest policy_object_essence(const struct policy_inventory *inventory,
                                           struct json_text object, struct json_buffer *scratch);

/* Frees the subject, or the object, when nothing holds it any more and it is not queued. */
void policy_subject_sweep(struct policy_inventory *inventory, struct policy_subject *subject);
void policy_object_sweep(struct policy_inventory *inventory, struct policy_object *object);

/* Other subjects with cards whose pods this one's selector selects, or that select its pods, in
 * order of their keys. */
size_t policy_subject_overlaps(struct policy_subject *subject,
                               struct policy_subject *found[POLICY_OVERLAPS]);

void policy_inventory_free(struct policy_inventory *inventory);

#endif
