/* What sets are made of. Arrays are sorted and never changed once they stand in a part. */
#ifndef RULES_SETS_PRIVATE_H
#define RULES_SETS_PRIVATE_H

#include "json/json.h"
#include "rules/evaluate.h"
#include "rules/sets.h"

enum { SETS_PORT_LAST = 65535 };

/* Ports of one protocol: a range of numbers, or, with a name, those that pods call so. */
struct sets_port {
	enum policy_protocol protocol;
	long first, last;
	struct json_text name; /* absent: numbers */
};

struct sets_ports {
	bool all; /* every port of every protocol; else: */
	const struct sets_port *at; /* sorted, those that touch made one */
	size_t count;
};

/* What may be said of one label's key. */
enum sets_label_kind {
	SETS_LABEL_IN,     /* it is there, with one of these values */
	SETS_LABEL_NOT_IN, /* it is not there, or with another value */
	SETS_LABEL_HAS,    /* it is there, with another value */
	SETS_LABEL_ABSENT, /* it is not there */
};

struct sets_label {
	struct json_text key;
	enum sets_label_kind kind;
	const struct json_text *values; /* sorted, each once */
	size_t count;
};

struct sets_labels { /* all of them hold; sorted by key, each key once */
	const struct sets_label *at;
	size_t count;
};

struct sets_block {
	struct policy_cidr cidr;
	const struct policy_cidr *except; /* sorted, each strictly in cidr and in no other */
	size_t count;
};

enum sets_kind { SETS_ANY, SETS_BLOCK, SETS_PODS, SETS_NAME };

struct sets_part {
	enum sets_kind kind;
	struct sets_block block;
	struct sets_labels namespaces, pods;
	struct json_text name; /* of DNS */
	struct sets_ports ports;
	int rule; /* that it came from */
};

struct sets_set {
	struct sets_part *parts;
	size_t count, size;
};

struct sets_memory {
	struct sets_memory *next;
	size_t used, size;
	_Alignas(16) char bytes[];
};

struct sets {
	struct json_text namespace;
	const struct policy_cidr *pods;
	size_t pods_count;
	struct sets_memory *memory;
	unsigned losses;
	size_t pairs; /* compared in this operation */
};

void *sets_take(struct sets *sets, size_t count, size_t size);
void *sets_copy(struct sets *sets, const void *at, size_t count, size_t size);
int sets_compare_text(struct json_text a, struct json_text b);

struct sets_ports sets_ports_read(struct sets *sets, struct json_text ports);
struct sets_ports sets_ports_unite(struct sets *sets, struct sets_ports a, struct sets_ports b);
struct sets_ports sets_ports_intersect(struct sets *sets, struct sets_ports a, struct sets_ports b);
struct sets_ports sets_ports_subtract(struct sets *sets, struct sets_ports a, struct sets_ports b);
bool sets_ports_empty(struct sets_ports ports);
bool sets_ports_hold(struct sets_ports outer, struct sets_ports inner);
int sets_ports_compare(struct sets_ports a, struct sets_ports b);
void sets_ports_put(struct sets_ports ports, struct json_buffer *out); /* `"ports":[…]`, unless all */

struct sets_labels sets_labels_read(struct sets *sets, struct json_text selector);
bool sets_labels_contradict(struct sets_labels labels); /* no label can be so */
/* Of one label: `key` is `value`. */
struct sets_labels sets_labels_one(struct sets *sets, const char *key, struct json_text value);
/* False when nothing has both. */
bool sets_labels_intersect(struct sets *sets, struct sets_labels a, struct sets_labels b,
                           struct sets_labels *both);
bool sets_labels_hold(struct sets_labels outer, struct sets_labels inner);
int sets_labels_compare(struct sets_labels a, struct sets_labels b);
/* Calls `each` with every piece of `a` that lacks one of `b`'s labels: their union is a ∖ b. */
void sets_labels_subtract(struct sets *sets, struct sets_labels a, struct sets_labels b,
                          void (*each)(void *context, struct sets_labels piece), void *context);
void sets_labels_put(struct sets_labels labels, struct json_buffer *out);

/* False when nothing is left. */
bool sets_block_intersect(struct sets *sets, struct sets_block a, struct sets_block b,
                          struct sets_block *both);
bool sets_block_read(struct sets *sets, struct json_text block, struct sets_block *read);
bool sets_block_hold(struct sets_block outer, struct sets_block inner);
int sets_block_compare(struct sets_block a, struct sets_block b);
void sets_block_subtract(struct sets *sets, struct sets_block a, struct sets_block b,
                         void (*each)(void *context, struct sets_block piece), void *context);
void sets_block_put(struct sets_block block, struct json_buffer *out);
/* Whether pods may have an address in it. */
bool sets_block_has_pods(struct sets *sets, struct sets_block block);
/* The pieces that no pod has an address in. */
void sets_block_less_pods(struct sets *sets, struct sets_block block,
                          void (*each)(void *context, struct sets_block piece), void *context);

/* Whether all that `inner` allows `outer` allows. */
bool sets_part_holds(const struct sets_part *outer, const struct sets_part *inner);
/* Puts the destinations of both into `both`, whose ports and rule stay; false when there are none. */
bool sets_part_meet(struct sets *sets, const struct sets_part *a, const struct sets_part *b,
                    struct sets_part *both);

#endif
