/* The normal form: each destination once, with all of its ports; nothing that lies in another; one
 * rule for all destinations of the same ports. */
#include <stdlib.h>
#include <string.h>

#include "json/write.h"
#include "rules/normal.h"
#include "rules/sets_private.h"

enum { ABSORBED_MAX = 512 }; /* parts that are compared with each other */

static int by_peer(const void *a, const void *b)
{
	const struct sets_part *x = a, *y = b;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	switch (x->kind) {
	case SETS_BLOCK:
		return sets_block_compare(x->block, y->block);
	case SETS_PODS: {
		int order = sets_labels_compare(x->namespaces, y->namespaces);
		return order != 0 ? order : sets_labels_compare(x->pods, y->pods);
	}
	case SETS_NAME:
		return sets_compare_text(x->name, y->name);
	default:
		return 0;
	}
}

static int by_ports(const void *a, const void *b)
{
	int order = sets_ports_compare(((const struct sets_part *)a)->ports,
	                               ((const struct sets_part *)b)->ports);
	return order != 0 ? order : by_peer(a, b);
}

static void absorb(struct sets_set *set)
{
	size_t kept = 0;
	if (set->count > ABSORBED_MAX)
		return;
	for (size_t i = 0; i < set->count; i++) {
		bool held = false;
		/* of two that hold each other the first is there already */
		for (size_t j = 0; j < set->count && !held; j++)
			held = j != i && sets_part_holds(&set->parts[j], &set->parts[i]) &&
			       (j < i || !sets_part_holds(&set->parts[i], &set->parts[j]));
		if (!held)
			set->parts[kept++] = set->parts[i];
	}
	set->count = kept;
}

static struct sets_set normal(struct sets *sets, const struct sets_set *from, bool names)
{
	struct sets_set set = {.parts = sets_take(sets, from->count, sizeof *set.parts)};
	size_t merged = 0;
	for (size_t i = 0; i < from->count; i++)
		if ((from->parts[i].kind == SETS_NAME) == names)
			set.parts[set.count++] = from->parts[i];
	if (set.count > 0)
		qsort(set.parts, set.count, sizeof *set.parts, by_peer);
	for (size_t i = 0; i < set.count; i++)
		if (merged > 0 && by_peer(&set.parts[merged - 1], &set.parts[i]) == 0)
			set.parts[merged - 1].ports = sets_ports_unite(sets, set.parts[merged - 1].ports,
			                                               set.parts[i].ports);
		else
			set.parts[merged++] = set.parts[i];
	set.count = merged;
	absorb(&set);
	if (set.count > 0)
		qsort(set.parts, set.count, sizeof *set.parts, by_ports);
	return set;
}

static bool is_own_namespace(const struct sets *sets, struct sets_labels namespaces)
{
	return namespaces.count == 1 && namespaces.at[0].kind == SETS_LABEL_IN &&
	       namespaces.at[0].count == 1 && json_same(namespaces.at[0].values[0], sets->namespace) &&
	       text_is(namespaces.at[0].key, "kubernetes.io/metadata.name");
}

static void put_pods(const struct sets *sets, const struct sets_part *part, struct json_buffer *out)
{
	bool own = is_own_namespace(sets, part->namespaces);
	json_putc(out, '{');
	if (!own) {
		json_puts(out, "\"namespaceSelector\":");
		sets_labels_put(part->namespaces, out);
	}
	if (own || part->pods.count > 0) {
		json_puts(out, own ? "\"podSelector\":" : ",\"podSelector\":");
		sets_labels_put(part->pods, out);
	}
	json_putc(out, '}');
}

static void put_peer(const struct sets *sets, const struct sets_part *part, struct json_buffer *out)
{
	json_put_comma(out);
	if (part->kind == SETS_BLOCK)
		sets_block_put(part->block, out);
	else if (part->kind == SETS_PODS)
		put_pods(sets, part, out);
	else
		json_put_string_n(out, part->name.at, part->name.len);
}

/* A rule of `count` parts with the same ports. */
static void put_rule(const struct sets *sets, const struct sets_part *parts, size_t count,
                     struct json_buffer *out)
{
	json_put_comma(out);
	json_putc(out, '{');
	if (parts->kind == SETS_NAME)
		json_puts(out, "\"names\":[");
	else
		sets_ports_put(parts->ports, out);
	if (parts->kind != SETS_NAME && parts->kind != SETS_ANY)
		json_puts(out, parts->ports.all ? "\"to\":[" : ",\"to\":[");
	for (size_t i = 0; i < count && parts->kind != SETS_ANY; i++)
		put_peer(sets, &parts[i], out);
	if (parts->kind != SETS_ANY)
		json_putc(out, ']');
	if (parts->kind == SETS_NAME && !parts->ports.all) {
		json_putc(out, ',');
		sets_ports_put(parts->ports, out);
	}
	json_putc(out, '}');
}

static void put(struct sets *sets, const struct sets_set *from, bool names, struct json_buffer *out)
{
	struct sets_set set = normal(sets, from, names);
	json_putc(out, '[');
	for (size_t i = 0, next; i < set.count; i = next) {
		next = i + 1;
		while (set.parts[i].kind != SETS_ANY && next < set.count &&
		       sets_ports_compare(set.parts[next].ports, set.parts[i].ports) == 0)
			next++;
		put_rule(sets, &set.parts[i], next - i, out);
	}
	json_putc(out, ']');
}

void sets_put_egress(struct sets *sets, const struct sets_set *set, struct json_buffer *out)
{
	put(sets, set, false, out);
}

void sets_put_domains(struct sets *sets, const struct sets_set *set, struct json_buffer *out)
{
	put(sets, set, true, out);
}
