/*
 * Arithmetic of egress rules: which connections two sets of rules allow together, both, or the one
 * without the other. The admin's bounds are made of it.
 *
 * A set is a union of parts, each some destinations times some ports. Destinations are all of them (a
 * rule without `to`), a block of addresses with exceptions, or pods by the labels of their namespace
 * and their own. A podSelector alone is in the agent's namespace. Names of DNS stand beside them.
 *
 * Network plugins differ in whether an ipBlock holds pods, by their addresses. What a result allows
 * the formula allows under both readings. It allows all that the formula allows where each pair of
 * destinations is two blocks or two selectors, ports are numbers of TCP, UDP or SCTP, and no limit
 * was met; elsewhere it may be less, and `losses` says why. Limits make results smaller, and never
 * what is taken away from another.
 *
 * Ownership: a struct sets owns all sets that are made in it; sets_clear() forgets them and keeps
 * nothing. Sets are never changed. They borrow from the texts that they were read from.
 */
#ifndef RULES_SETS_H
#define RULES_SETS_H

#include "net/cidr.h"

enum {
	SETS_PARTS_MAX = 2048,   /* of a result */
	SETS_EXCEPT_MAX = 256,   /* exceptions of a block */
	SETS_LABELS_MAX = 32,    /* keys of a selector */
	SETS_PAIRS_MAX = 200000, /* of parts that one operation compares */
};

/* Why a result may be smaller than the formula. */
enum sets_loss {
	SETS_LOST_SELECTOR_BLOCK = 1, /* pods and addresses may be the same: what may be both was left out */
	SETS_LOST_NAMED_PORT = 2,     /* the number of a named port is not known */
	SETS_LOST_NAME_BLOCK = 4,     /* the addresses of a DNS name are not known */
	SETS_LOST_LIMIT = 8,
};

struct sets; /* where sets are made */
struct sets_set;

/* `pods` are the ranges of all pods' addresses, borrowed; none (0): they may be any but those that
 * no network hands out to machines, such as link-local ones. `namespace` is the agent's. */
struct sets *sets_new(const char *namespace, const struct policy_cidr *pods, size_t count);
void sets_clear(struct sets *sets, const char *namespace);
void sets_free(struct sets *sets);

/* What was lost since this was last asked. */
unsigned sets_losses(struct sets *sets);

/* Of valid rules (rules/rules.h): arrays, either of which may be absent. */
const struct sets_set *sets_read(struct sets *sets, struct json_text egress, struct json_text domains);
const struct sets_set *sets_everything(struct sets *sets);

const struct sets_set *sets_unite(struct sets *sets, const struct sets_set *a, const struct sets_set *b);
const struct sets_set *sets_intersect(struct sets *sets, const struct sets_set *a,
                                      const struct sets_set *b);
const struct sets_set *sets_subtract(struct sets *sets, const struct sets_set *a,
                                     const struct sets_set *b);

bool sets_is_empty(const struct sets_set *set);
bool sets_is_everything(const struct sets_set *set); /* one part is every destination and port */
bool sets_has_names(const struct sets_set *set);
bool sets_has_addresses(const struct sets_set *set); /* anything but names */

/* Calls `found` for each rule of the set (its index in the array that was read; `is_name`: in that
 * of domains) of which a part is not, or not surely, in `limit`. */
void sets_beyond(struct sets *sets, const struct sets_set *set, const struct sets_set *limit,
                 void (*found)(void *context, int rule, bool is_name), void *context);
/* The same for those of which a part is, or may be, in `never`. */
void sets_meeting(struct sets *sets, const struct sets_set *set, const struct sets_set *never,
                  void (*found)(void *context, int rule, bool is_name), void *context);

/* Append arrays of NetworkPolicyEgressRules and of domains in normal form (rules/normal.h), with
 * rules of the same ports made one. Sets that were read from the same text give the same. */
void sets_put_egress(struct sets *sets, const struct sets_set *set, struct json_buffer *out);
void sets_put_domains(struct sets *sets, const struct sets_set *set, struct json_buffer *out);

#endif
