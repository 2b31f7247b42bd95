#include "rules/sets.h"

#include <string.h>

#include "json/write.h"
#include "rules/sets_private.h"

static const char namespace_name[] = "kubernetes.io/metadata.name";

static struct sets_set *set_new(struct sets *sets, size_t size)
{
	struct sets_set *set = sets_take(sets, 1, sizeof *set);
	set->parts = sets_take(sets, size, sizeof *set->parts);
	set->size = size == 0 ? 1 : size;
	return set;
}

static void grow(struct sets *sets, struct sets_set *set)
{
	struct sets_part *parts = sets_take(sets, 2 * set->size, sizeof *parts);
	memcpy(parts, set->parts, set->count * sizeof *parts);
	set->parts = parts;
	set->size *= 2;
}

/* What is not added makes the result smaller. */
static void add(struct sets *sets, struct sets_set *set, struct sets_part part)
{
	if (sets_ports_empty(part.ports))
		return;
	if (set->count == SETS_PARTS_MAX) {
		sets->losses |= SETS_LOST_LIMIT;
		return;
	}
	if (set->count == set->size)
		grow(sets, set);
	set->parts[set->count++] = part;
}

static bool is_unset(struct json_text value)
{
	return json_type(value) <= JSON_NULL;
}

/* False when it selects nothing. */
static bool read_peer(struct sets *sets, struct json_text peer, struct sets_part *part)
{
	struct json_text block = json_get(peer, "ipBlock");
	struct json_text namespaces = json_get(peer, "namespaceSelector");
	if (!is_unset(block)) {
		part->kind = SETS_BLOCK;
		return sets_block_read(sets, block, &part->block);
	}
	part->kind = SETS_PODS;
	part->namespaces = is_unset(namespaces)
	                           ? sets_labels_one(sets, namespace_name, sets->namespace)
	                           : sets_labels_read(sets, namespaces);
	part->pods = sets_labels_read(sets, json_get(peer, "podSelector"));
	return !sets_labels_contradict(part->namespaces) && !sets_labels_contradict(part->pods);
}

static size_t parts_in(struct json_text egress, struct json_text domains)
{
	size_t count = 0;
	for (struct json_member m = json_first(egress); m.value.at; m = json_next(m))
		count += json_count(json_get(m.value, "to")) + 1;
	for (struct json_member m = json_first(domains); m.value.at; m = json_next(m))
		count += json_count(json_get(m.value, "names"));
	return count;
}

/* All of it: what is taken away may not be cut. */
const struct sets_set *sets_read(struct sets *sets, struct json_text egress, struct json_text domains)
{
	struct sets_set *set = set_new(sets, parts_in(egress, domains));
	struct sets_part part = {.rule = 0};
	for (struct json_member m = json_first(egress); m.value.at; m = json_next(m), part.rule++) {
		struct json_text to = json_get(m.value, "to");
		part.ports = sets_ports_read(sets, json_get(m.value, "ports"));
		part.kind = SETS_ANY;
		if (json_is_empty(to))
			set->parts[set->count++] = part;
		for (struct json_member p = json_first(to); p.value.at; p = json_next(p))
			if (read_peer(sets, p.value, &part))
				set->parts[set->count++] = part;
	}
	part = (struct sets_part){.kind = SETS_NAME};
	for (struct json_member m = json_first(domains); m.value.at; m = json_next(m), part.rule++) {
		struct json_text names = json_get(m.value, "names");
		part.ports = sets_ports_read(sets, json_get(m.value, "ports"));
		for (struct json_member n = json_first(names); n.value.at; n = json_next(n)) {
			part.name = json_plain(n.value);
			if (part.name.at != NULL)
				set->parts[set->count++] = part;
		}
	}
	return set;
}

const struct sets_set *sets_everything(struct sets *sets)
{
	struct sets_set *set = set_new(sets, 1);
	set->parts[set->count++] = (struct sets_part){.kind = SETS_ANY, .ports = {.all = true}};
	return set;
}

const struct sets_set *sets_unite(struct sets *sets, const struct sets_set *a, const struct sets_set *b)
{
	struct sets_set *both = set_new(sets, a->count + b->count);
	for (size_t i = 0; i < a->count; i++)
		add(sets, both, a->parts[i]);
	for (size_t i = 0; i < b->count; i++)
		add(sets, both, b->parts[i]);
	return both;
}

/* Whether `pattern`, which may begin with "*." for one or more labels, stands for all that `name`
 * does. */
static bool name_holds(struct json_text pattern, struct json_text name)
{
	if (json_same(pattern, name))
		return true;
	return pattern.len > 2 && pattern.at[0] == '*' && name.len >= pattern.len &&
	       memcmp(name.at + name.len - (pattern.len - 1), pattern.at + 1, pattern.len - 1) == 0;
}

static bool holds_peer(const struct sets_part *outer, const struct sets_part *inner)
{
	if (outer->kind == SETS_ANY)
		return true;
	if (outer->kind != inner->kind)
		return false;
	switch (outer->kind) {
	case SETS_BLOCK:
		return sets_block_hold(outer->block, inner->block);
	case SETS_PODS:
		return sets_labels_hold(outer->namespaces, inner->namespaces) &&
		       sets_labels_hold(outer->pods, inner->pods);
	default:
		return name_holds(outer->name, inner->name);
	}
}

bool sets_part_holds(const struct sets_part *outer, const struct sets_part *inner)
{
	return sets_ports_hold(outer->ports, inner->ports) && holds_peer(outer, inner);
}

bool sets_part_meet(struct sets *sets, const struct sets_part *a, const struct sets_part *b,
                    struct sets_part *both)
{
	struct sets_ports ports = both->ports;
	int rule = both->rule;
	*both = a->kind == SETS_ANY ? *b : *a;
	both->ports = ports;
	both->rule = rule;
	if (a->kind == SETS_ANY || b->kind == SETS_ANY)
		return true;
	if (a->kind != b->kind) {
		sets->losses |= a->kind == SETS_NAME || b->kind == SETS_NAME ? SETS_LOST_NAME_BLOCK
		                                                              : SETS_LOST_SELECTOR_BLOCK;
		return false;
	}
	switch (a->kind) {
	case SETS_BLOCK:
		return sets_block_intersect(sets, a->block, b->block, &both->block);
	case SETS_PODS:
		return sets_labels_intersect(sets, a->namespaces, b->namespaces, &both->namespaces) &&
		       sets_labels_intersect(sets, a->pods, b->pods, &both->pods);
	default:
		both->name = name_holds(a->name, b->name) ? b->name : a->name;
		return name_holds(a->name, b->name) || name_holds(b->name, a->name);
	}
}

/* False when this operation has compared enough. */
static bool may_compare(struct sets *sets)
{
	if (sets->pairs++ < SETS_PAIRS_MAX)
		return true;
	sets->losses |= SETS_LOST_LIMIT;
	return false;
}

const struct sets_set *sets_intersect(struct sets *sets, const struct sets_set *a,
                                      const struct sets_set *b)
{
	struct sets_set *result = set_new(sets, a->count);
	sets->pairs = 0;
	for (size_t i = 0; i < a->count; i++)
		for (size_t j = 0; j < b->count; j++) {
			struct sets_part both = {.rule = a->parts[i].rule};
			if (!may_compare(sets))
				return result;
			both.ports = sets_ports_intersect(sets, a->parts[i].ports, b->parts[j].ports);
			if (!sets_ports_empty(both.ports) &&
			    sets_part_meet(sets, &a->parts[i], &b->parts[j], &both))
				add(sets, result, both);
		}
	return result;
}

struct subtraction {
	struct sets *sets;
	struct sets_set *result;
	struct sets_part part; /* of which the pieces are */
	bool pods;             /* they are of its podSelector, not the namespaceSelector */
};

static void add_block(void *context, struct sets_block piece)
{
	struct subtraction *work = context;
	struct sets_part part = work->part;
	part.block = piece;
	add(work->sets, work->result, part);
}

static void add_labels(void *context, struct sets_labels piece)
{
	struct subtraction *work = context;
	struct sets_part part = work->part;
	*(work->pods ? &part.pods : &part.namespaces) = piece;
	add(work->sets, work->result, part);
}

/* Pods in other namespaces, and other pods in the same ones. */
static void subtract_selector(struct subtraction *work, const struct sets_part *b)
{
	struct sets_labels namespaces;
	struct sets_part a = work->part;
	work->pods = false;
	sets_labels_subtract(work->sets, a.namespaces, b->namespaces, add_labels, work);
	if (!sets_labels_intersect(work->sets, a.namespaces, b->namespaces, &namespaces))
		return;
	work->part.namespaces = namespaces;
	work->pods = true;
	sets_labels_subtract(work->sets, a.pods, b->pods, add_labels, work);
	work->part = a;
}

/* The destinations that b does not have, with all ports. */
static void subtract_peer(struct subtraction *work, const struct sets_part *b)
{
	const struct sets_part *a = &work->part;
	if (b->kind == SETS_ANY)
		return;
	if (a->kind == SETS_NAME) {
		add(work->sets, work->result, *a);
	} else if (a->kind == SETS_BLOCK && b->kind == SETS_BLOCK) {
		sets_block_subtract(work->sets, a->block, b->block, add_block, work);
	} else if (a->kind == SETS_PODS && b->kind == SETS_PODS) {
		subtract_selector(work, b);
	} else if (a->kind == SETS_PODS) {
		if (!sets_block_has_pods(work->sets, b->block))
			add(work->sets, work->result, *a);
		else
			work->sets->losses |= SETS_LOST_SELECTOR_BLOCK;
	} else {
		if (sets_block_has_pods(work->sets, a->block))
			work->sets->losses |= SETS_LOST_SELECTOR_BLOCK;
		sets_block_less_pods(work->sets, a->block, add_block, work);
	}
}

/* A name may have any address. */
static bool is_apart(const struct sets_part *a, const struct sets_part *b)
{
	if (a->kind == SETS_NAME)
		return b->kind == SETS_PODS || (b->kind == SETS_BLOCK && b->block.cidr.prefix > 0);
	return false;
}

static void subtract_one(struct sets *sets, const struct sets_part *a, const struct sets_part *b,
                         struct sets_set *result)
{
	struct sets_ports left = sets_ports_subtract(sets, a->ports, b->ports);
	struct subtraction work = {.sets = sets, .result = result, .part = *a};
	struct sets_part both = *a;
	if (is_apart(a, b) || sets_ports_compare(left, a->ports) == 0) {
		add(sets, result, *a);
		return;
	}
	/* Any prefix of no length is everywhere, as far as names are concerned. */
	if (a->kind != SETS_NAME)
		subtract_peer(&work, b);
	if (sets_ports_empty(left))
		return;
	both.ports = left;
	if (a->kind != b->kind || sets_part_meet(sets, a, b, &both))
		add(sets, result, both);
}

/* All destinations, as blocks of both families and pods. */
static const struct sets_part *everywhere(struct sets *sets, const struct sets_part *part)
{
	struct sets_part *parts = sets_take(sets, 3, sizeof *parts);
	for (int i = 0; i < 3; i++) {
		parts[i].ports = part->ports;
		parts[i].rule = part->rule;
		parts[i].kind = i < 2 ? SETS_BLOCK : SETS_PODS;
	}
	parts[0].block.cidr.bits = 32;
	parts[1].block.cidr.bits = 128;
	return parts;
}

static const struct sets_set *subtract_part(struct sets *sets, const struct sets_set *a,
                                            const struct sets_part *b)
{
	struct sets_set *result = set_new(sets, a->count);
	for (size_t i = 0; i < a->count && may_compare(sets); i++) {
		const struct sets_part *part = &a->parts[i];
		size_t count = 1;
		if (part->kind == SETS_ANY && b->kind != SETS_ANY &&
		    sets_ports_compare(sets_ports_subtract(sets, part->ports, b->ports), part->ports) != 0) {
			part = everywhere(sets, part);
			count = 3;
		}
		for (size_t j = 0; j < count; j++)
			subtract_one(sets, &part[j], b, result);
	}
	return result;
}

/* Part by part; when the limit is met nothing is left. */
const struct sets_set *sets_subtract(struct sets *sets, const struct sets_set *a,
                                     const struct sets_set *b)
{
	sets->pairs = 0;
	for (size_t j = 0; j < b->count; j++)
		if (b->parts[j].kind != SETS_NAME)
			a = subtract_part(sets, a, &b->parts[j]);
	return a;
}

bool sets_is_empty(const struct sets_set *set)
{
	return set->count == 0;
}

bool sets_is_everything(const struct sets_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->parts[i].kind == SETS_ANY && set->parts[i].ports.all)
			return true;
	return false;
}

bool sets_has_names(const struct sets_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->parts[i].kind == SETS_NAME)
			return true;
	return false;
}

bool sets_has_addresses(const struct sets_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->parts[i].kind != SETS_NAME)
			return true;
	return false;
}

static struct sets_set *alone(struct sets *sets, const struct sets_part *part)
{
	struct sets_set *set = set_new(sets, 1);
	set->parts[set->count++] = *part;
	return set;
}

/* One part of the limit may hold it, or several together. */
static bool is_within(struct sets *sets, const struct sets_part *part, const struct sets_set *limit)
{
	for (size_t i = 0; i < limit->count; i++)
		if (sets_part_holds(&limit->parts[i], part))
			return true;
	if (part->kind == SETS_NAME)
		return false;
	unsigned before = sets->losses;
	sets->losses = 0;
	bool within = sets_is_empty(sets_subtract(sets, alone(sets, part), limit)) && sets->losses == 0;
	sets->losses = before;
	return within;
}

void sets_beyond(struct sets *sets, const struct sets_set *set, const struct sets_set *limit,
                 void (*found)(void *context, int rule, bool is_name), void *context)
{
	int last[2] = {-1, -1};
	for (size_t i = 0; i < set->count; i++) {
		const struct sets_part *part = &set->parts[i];
		bool is_name = part->kind == SETS_NAME;
		if (part->rule == last[is_name] || part->rule < 0 || is_within(sets, part, limit))
			continue;
		last[is_name] = part->rule;
		found(context, part->rule, is_name);
	}
}

static bool may_meet(struct sets *sets, const struct sets_part *part, const struct sets_set *never)
{
	unsigned before = sets->losses;
	const struct sets_set *left = sets_subtract(sets, alone(sets, part), never);
	bool lost = sets->losses != before;
	sets->losses = before;
	return lost || left->count != 1 || !sets_part_holds(&left->parts[0], part);
}

void sets_meeting(struct sets *sets, const struct sets_set *set, const struct sets_set *never,
                  void (*found)(void *context, int rule, bool is_name), void *context)
{
	int last[2] = {-1, -1};
	for (size_t i = 0; i < set->count; i++) {
		const struct sets_part *part = &set->parts[i];
		bool is_name = part->kind == SETS_NAME;
		if (part->rule == last[is_name] || part->rule < 0 || !may_meet(sets, part, never))
			continue;
		last[is_name] = part->rule;
		found(context, part->rule, is_name);
	}
}
