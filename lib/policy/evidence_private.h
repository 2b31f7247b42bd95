/*
 * Inside evidence: what every kind of policy is read into, and whether one rule lies in another.
 *
 * A rule is a list of peers and a list of ports; each peer goes with each port. Selectors are
 * conjunctions of requirements. A reader of a kind calls `rule` for each of the object's rules;
 * what it does not understand becomes a peer or a port that lies in nothing but "everything".
 *
 * Ownership: all of it lives in the reading's arena, and borrows from the object's text.
 */
#ifndef POLICY_EVIDENCE_PRIVATE_H
#define POLICY_EVIDENCE_PRIVATE_H

#include "base/buffer.h"
#include "base/table.h"
#include "net/cidr.h"
#include "policy/evidence.h"

#define EVIDENCE_NAME_LABEL "kubernetes.io/metadata.name"

/* Memory for one judgement, freed as a whole. */
struct evidence_arena {
	struct evidence_block *blocks;
};
void *evidence_alloc(struct evidence_arena *arena, size_t size);
void evidence_arena_free(struct evidence_arena *arena);
/* A JSON string's decoded bytes; a value of another type: absent. */
struct json_text evidence_string(struct evidence_arena *arena, struct json_text value);

enum evidence_operator { EVIDENCE_IN, EVIDENCE_NOT_IN, EVIDENCE_EXISTS, EVIDENCE_ABSENT };

struct evidence_requirement {
	struct json_text key;
	enum evidence_operator operator;
	const struct json_text *values;
	size_t count;
};

struct evidence_selector {
	struct evidence_requirement *at;
	size_t count, size;
	bool unread; /* there was something in it that is not understood: it may select anything */
};

void evidence_require(struct evidence_arena *arena, struct evidence_selector *selector,
                      struct evidence_requirement requirement);
/* A metav1.LabelSelector; absent or null selects everything. */
struct evidence_selector evidence_selector_read(struct evidence_arena *arena,
                                                struct json_text selector);

enum evidence_peer_kind {
	EVIDENCE_ANYWHERE,
	EVIDENCE_PODS,
	EVIDENCE_CIDR,
	EVIDENCE_DNS_NAME,
	EVIDENCE_API_SERVER,
	EVIDENCE_UNREAD, /* something else: it lies in ANYWHERE alone */
};

struct evidence_peer {
	enum evidence_peer_kind kind;
	struct json_text namespace;          /* of pods in one namespace: its name; absent: in those of */
	struct evidence_selector namespaces; /* this selector of namespaces */
	struct evidence_selector pods;
	struct policy_cidr cidr;
	const struct policy_cidr *except;
	size_t except_count;
	struct json_text name; /* as the policy spells it; "*" in it stands for something */
};

enum evidence_protocol {
	EVIDENCE_TCP,
	EVIDENCE_UDP,
	EVIDENCE_SCTP,
	EVIDENCE_EVERY_PROTOCOL, /* others than these three included */
};

struct evidence_port {
	enum evidence_protocol protocol;
	bool every;            /* of this protocol */
	bool unread;           /* not understood: as everything */
	struct json_text name; /* of a port of pods; absent: */
	int64_t first, last;
};

struct evidence_rule {
	struct evidence_peer *peers;
	size_t peer_count, peer_size;
	struct evidence_port *ports;
	size_t port_count, port_size;
	const char *path; /* of the list in the object, "spec.egress"; */
	int index;        /* and which of it; -1: the object as a whole */
};

struct evidence_reading {
	struct evidence_arena arena;
	const struct evidence *evidence;
	bool ingress;           /* else egress */
	bool ours;              /* the agent's own rules, taken as they are meant */
	bool by_address;        /* pods are judged by their addresses, too */
	struct json_text namespace; /* the object's namespace; absent: of the whole cluster */
	const char *name;       /* the object's */
	void (*rule)(struct evidence_reading *reading, const struct evidence_rule *rule);
	void *context;
	long budget; /* comparisons that are left; below zero: stop */
	bool stop;   /* no more rules are wanted */
};

/* Appends one, zeroed. */
struct evidence_peer *evidence_add_peer(struct evidence_arena *arena, struct evidence_rule *rule,
                                        enum evidence_peer_kind kind);
struct evidence_port *evidence_add_port(struct evidence_arena *arena, struct evidence_rule *rule,
                                        enum evidence_protocol protocol);
/* A CIDR, or with `bare` an address alone; what is neither becomes UNREAD. */
void evidence_add_cidr(struct evidence_arena *arena, struct evidence_rule *rule,
                       struct json_text cidr, struct json_text except, bool bare);
/* All that there is: for what is not understood. */
void evidence_emit_everything(struct evidence_reading *reading, const char *path, int index);

/* True when the object's members are all among these (NULL-terminated); false for another type. */
bool evidence_only(struct json_text object, const char *const members[]);
/* The protocol's word; false when it is none of the three. An absent one is TCP. */
bool evidence_protocol_read(struct json_text word, enum evidence_protocol *protocol);
static inline bool evidence_is_set(struct json_text value)
{
	return json_type(value) > JSON_NULL;
}

/* The agent whose pods may be selected. */
struct evidence_pods {
	const char *namespace;
	struct json_text labels;           /* of the template; absent: not known */
	struct evidence_selector selector; /* ours */
};

enum evidence_answer { EVIDENCE_NO, EVIDENCE_MAYBE, EVIDENCE_YES };

/* Whether a selector selects some of the agent's pods. */
enum evidence_answer evidence_selects(const struct evidence_reading *reading,
                                      const struct evidence_pods *pods,
                                      const struct evidence_selector *selector);
enum evidence_answer evidence_requirement_met(const struct evidence_reading *reading,
                                              const struct evidence_pods *pods,
                                              const struct evidence_requirement *requirement);
/* Whether a selector of namespaces selects this one, as far as its labels are known. */
enum evidence_answer evidence_selects_namespace(const struct evidence_reading *reading,
                                            const struct evidence_selector *selector,
                                            struct json_text namespace);
/* Whether all that `inner` selects `outer` selects too, by their words alone. */
bool evidence_implies(const struct evidence_selector *inner,
                      const struct evidence_selector *outer);
/* True when no labels can be what it asks for. */
bool evidence_selects_nothing(const struct evidence_selector *selector);
/* The same for pods of namespaces, also by the namespaces that were listed. */
bool evidence_pods_within(struct evidence_reading *reading, const struct evidence_peer *inner,
                          const struct evidence_peer *outer);

/* Whether each of the rule's pairs of peer and port lies in one of these rules; else the first
 * pair that does not. */
struct evidence_outside {
	const struct evidence_peer *peer; /* NULL: there is none */
	const struct evidence_port *port;
};
struct evidence_outside evidence_within(struct evidence_reading *reading,
                                        const struct evidence_rule *rule,
                                        const struct evidence_rule *rules, size_t count,
                                        bool api_server);

/* How a kind is read. */
struct evidence_kind {
	const char *group, *other_group; /* the second: the same objects by another way; NULL */
	const char *kind;
	bool cluster_scoped;
	const char *selector; /* the spec's selector of pods, when its matchLabels must all match */
	/* Whether the object's part selects the agent's pods. */
	enum evidence_answer (*selects)(struct evidence_reading *reading,
	                                const struct evidence_pods *pods, struct json_text spec);
	/* NULL: no policy that could widen, but what others need, or one that only narrows */
	void (*read)(struct evidence_reading *reading, struct json_text spec);
	bool needed; /* without a list of these an agent is undecided */
};
enum evidence_answer evidence_select_pods(struct evidence_reading *reading,
                                          const struct evidence_pods *pods,
                                          struct json_text spec);
void evidence_read_networkpolicy(struct evidence_reading *reading, struct json_text spec);
void evidence_read_aws(struct evidence_reading *reading, struct json_text spec);
void evidence_read_fqdn(struct evidence_reading *reading, struct json_text spec);
/* The rules of a NetworkPolicy's `egress` or `ingress` list, and names as cards have them. */
void evidence_read_rules(struct evidence_reading *reading, struct json_text rules,
                         const char *path);
void evidence_read_domains(struct evidence_reading *reading, struct json_text domains);

enum evidence_answer evidence_select_subject(struct evidence_reading *reading,
                                             const struct evidence_pods *pods,
                                             struct json_text spec);
void evidence_read_admin(struct evidence_reading *reading, struct json_text spec);

enum evidence_answer evidence_select_endpoints(struct evidence_reading *reading,
                                               const struct evidence_pods *pods,
                                               struct json_text spec);
void evidence_read_cilium(struct evidence_reading *reading, struct json_text spec);

enum evidence_answer evidence_select_calico(struct evidence_reading *reading,
                                            const struct evidence_pods *pods,
                                            struct json_text spec);
void evidence_read_calico(struct evidence_reading *reading, struct json_text spec);
enum evidence_answer evidence_select_all(struct evidence_reading *reading,
                                         const struct evidence_pods *pods, struct json_text spec);
void evidence_read_tier(struct evidence_reading *reading, struct json_text spec);
/* Of a selector in Calico's language; what is not understood is MAYBE. */
enum evidence_answer evidence_calico_selects(struct evidence_reading *reading,
                                             const struct evidence_pods *pods, bool of_namespace,
                                             struct json_text selector);
/* The same, as requirements; `unread` when it is no conjunction of them. */
struct evidence_selector evidence_calico_read(struct evidence_arena *arena,
                                              struct json_text selector);

/* What is held. */
struct evidence_object {
	char *key; /* "Kind/namespace/name" */
	const struct evidence_kind *kind;
	char *api_version, *spec; /* the spec's text, or what `specs` has; NULL: too large, or none */
	const char *name;
	struct evidence_namespace *namespace; /* NULL: of the whole cluster */
	bool managed, listed;
	bool unusable; /* its last record cannot be used: nothing is known of it but that it is there */
	struct evidence_bucket *bucket;           /* where it is found by a label; NULL */
	size_t anchor;                            /* its place in there */
	struct evidence_object *prev, *next;      /* those that are found without */
	UT_hash_handle hh;
};

struct evidence_namespace {
	char *name;
	char *labels; /* of the Namespace; NULL: it was not seen, */
	bool unread;  /* or it is there, and they cannot be held */
	bool listed;
	struct evidence_bucket *buckets;
	struct evidence_object *loose;
	size_t objects;
	UT_hash_handle hh;
};

struct evidence_bucket {
	struct evidence_object **at;
	size_t count, size;
	UT_hash_handle hh;
	char pair[]; /* key, NUL, value */
};

enum evidence_list {
	EVIDENCE_UNSEEN,
	EVIDENCE_LISTING, /* for the first time */
	EVIDENCE_COMPLETE, /* also while it is listed again: what it said is known */
	EVIDENCE_NOT_SERVED,
	EVIDENCE_FORBIDDEN,
};

/* The rows of the table of kinds, and which of them are Namespaces. */
enum { EVIDENCE_KINDS = 16, EVIDENCE_NAMESPACES = 13 };

struct evidence {
	enum evidence_cni cni;
	struct evidence_object *objects;
	struct evidence_namespace *namespaces;
	struct evidence_object *cluster; /* a list: policies of the whole cluster */
	enum evidence_list lists[EVIDENCE_KINDS][2]; /* of a kind's two groups */
	bool namespaces_matter; /* a judgement has asked for other namespaces' labels */
	char *missing; /* words, when asked for; NULL */
	struct json_buffer before, after; /* the last change: "key", NUL, "value", */
	bool found_by;                    /* if all of it is found by these */
};

#endif
