#include "rules/witness.h"

#include <string.h>

#include "rules/sets_private.h"

const char *sets_loss_words(unsigned losses)
{
	return (losses & SETS_LOST_LIMIT) != 0        ? "there are too many rules to compare"
	       : (losses & SETS_LOST_NAMED_PORT) != 0 ? "the number of a named port is not known"
	       : (losses & SETS_LOST_NAME_BLOCK) != 0 ? "the addresses of a DNS name are not known"
	                                              : "pods may have such an address";
}

static const struct sets_witness nothing = {.answer = SETS_NO};

static struct sets_set *set_of(struct sets *sets, const struct sets_part *part)
{
	struct sets_set *set = sets_take(sets, 1, sizeof *set);
	set->parts = sets_copy(sets, part, 1, sizeof *part);
	set->count = set->size = 1;
	return set;
}

static struct sets_witness found(const struct sets_part *from, enum sets_answer answer,
                                 unsigned losses, const struct sets_part *part)
{
	return (struct sets_witness){answer, from->rule, from->kind == SETS_NAME, losses, part};
}

/* A name may have any address, whichever rule or destination it is compared with. */
static bool is_apart(const struct sets_part *a, const struct sets_part *b)
{
	return a->kind != SETS_ANY && b->kind != SETS_ANY &&
	       (a->kind == SETS_NAME) != (b->kind == SETS_NAME);
}

static bool is_pods_and_block(const struct sets_part *a, const struct sets_part *b)
{
	return (a->kind == SETS_PODS && b->kind == SETS_BLOCK) ||
	       (a->kind == SETS_BLOCK && b->kind == SETS_PODS);
}

/* Two names of ports may be of one number. */
static bool may_share_number(const struct sets_ports *a, const struct sets_ports *b)
{
	for (size_t i = 0; i < a->count; i++)
		for (size_t j = 0; a->at[i].name.at != NULL && j < b->count; j++)
			if (b->at[j].name.at != NULL && a->at[i].protocol == b->at[j].protocol)
				return true;
	return false;
}

/* What connections of `a` are in `b`. */
static struct sets_witness meet(struct sets *sets, const struct sets_part *a,
                                const struct sets_part *b)
{
	struct sets_part both = *a;
	sets_losses(sets);
	both.ports = sets_ports_intersect(sets, a->ports, b->ports);
	unsigned lost = sets_losses(sets);
	bool some = !sets_ports_empty(both.ports);
	if (!some && may_share_number(&a->ports, &b->ports))
		lost |= SETS_LOST_NAMED_PORT;
	if (!some && lost == 0)
		return nothing;
	bool met = sets_part_meet(sets, a, b, &both);
	if (met && some)
		return found(a, SETS_YES, 0, sets_copy(sets, &both, 1, sizeof both));
	unsigned lost_peer = sets_losses(sets);
	if (is_pods_and_block(a, b) &&
	    !sets_block_has_pods(sets, a->kind == SETS_BLOCK ? a->block : b->block))
		lost_peer &= ~(unsigned)SETS_LOST_SELECTOR_BLOCK;
	if (is_apart(a, b))
		lost_peer = SETS_LOST_NAME_BLOCK;
	if (!met && lost_peer == 0)
		return nothing;
	return found(a, SETS_PERHAPS, lost | lost_peer, NULL);
}

/* False when the first is to be kept. */
static bool is_better(const struct sets_witness *first, const struct sets_witness *next)
{
	return next->answer > first->answer;
}

static struct sets_witness too_many(const struct sets_part *part)
{
	return found(part, SETS_PERHAPS, SETS_LOST_LIMIT, NULL);
}

struct sets_witness sets_witness_meeting(struct sets *sets, const struct sets_set *set,
                                         const struct sets_set *never)
{
	struct sets_witness best = {0};
	size_t pairs = 0;
	for (size_t i = 0; i < set->count && best.answer != SETS_YES; i++)
		for (size_t j = 0; j < never->count && best.answer != SETS_YES; j++) {
			struct sets_witness next = pairs++ < SETS_PAIRS_MAX
			                                   ? meet(sets, &set->parts[i], &never->parts[j])
			                                   : too_many(&set->parts[i]);
			if (is_better(&best, &next))
				best = next;
			if (pairs > SETS_PAIRS_MAX)
				return best;
		}
	return best;
}

/* Those of the limit that are told apart from this part without doubt stand first: what they hold
 * needs no guess about the others. */
static const struct sets_set *in_order(struct sets *sets, const struct sets_set *limit,
                                       enum sets_kind kind)
{
	struct sets_set *ordered = sets_take(sets, 1, sizeof *ordered);
	ordered->parts = sets_take(sets, limit->count, sizeof *ordered->parts);
	ordered->size = limit->count;
	for (int same = 1; same >= 0; same--)
		for (size_t i = 0; i < limit->count; i++)
			if ((limit->parts[i].kind == kind || limit->parts[i].kind == SETS_ANY) == (same == 1))
				ordered->parts[ordered->count++] = limit->parts[i];
	return ordered;
}

/* One address may be that of a name in the limit. */
static bool may_be_named(struct sets *sets, const struct sets_part *part, const struct sets_set *limit)
{
	if (part->kind != SETS_BLOCK || part->block.cidr.prefix != part->block.cidr.bits)
		return false;
	for (size_t i = 0; i < limit->count; i++)
		if (limit->parts[i].kind == SETS_NAME &&
		    !sets_ports_empty(sets_ports_intersect(sets, part->ports, limit->parts[i].ports)))
			return true;
	return false;
}

/* Names are held by names; addresses in the limit may be theirs. */
static struct sets_witness name_beyond(struct sets *sets, const struct sets_part *part,
                                       const struct sets_set *limit)
{
	struct sets_part left = *part;
	bool doubt = false;
	sets_losses(sets);
	for (size_t i = 0; i < limit->count; i++) {
		struct sets_part whole = limit->parts[i], inner = *part;
		whole.ports = inner.ports = (struct sets_ports){.all = true};
		if (sets_part_holds(&whole, &inner))
			left.ports = sets_ports_subtract(sets, left.ports, limit->parts[i].ports);
		else
			doubt = doubt || whole.kind != SETS_NAME;
	}
	unsigned lost = sets_losses(sets);
	if (sets_ports_empty(left.ports))
		return lost == 0 ? nothing : found(part, SETS_PERHAPS, lost, NULL);
	for (size_t i = 0; doubt && i < limit->count; i++)
		if (limit->parts[i].kind != SETS_NAME)
			left.ports = sets_ports_subtract(sets, left.ports, limit->parts[i].ports);
	if (sets_ports_empty(left.ports))
		return found(part, SETS_PERHAPS, SETS_LOST_NAME_BLOCK, NULL);
	return found(part, SETS_YES, 0, sets_copy(sets, &left, 1, sizeof left));
}

/* Where all pods are allowed and their ranges are known, addresses in these are nobody else's. */
static bool is_of_pods(struct sets *sets, const struct sets_part *part, const struct sets_set *limit)
{
	for (size_t i = 0; i < limit->count; i++)
		if (limit->parts[i].kind == SETS_PODS &&
		    (limit->parts[i].namespaces.count > 0 || limit->parts[i].pods.count > 0))
			return false;
	return part->kind == SETS_BLOCK && sets->pods_count > 0;
}

static struct sets_witness beyond(struct sets *sets, const struct sets_part *part,
                                  const struct sets_set *limit)
{
	for (size_t i = 0; i < limit->count; i++)
		if (sets_part_holds(&limit->parts[i], part))
			return nothing;
	if (part->kind == SETS_NAME)
		return name_beyond(sets, part, limit);
	sets_losses(sets);
	const struct sets_set *left = set_of(sets, part);
	left = sets_subtract(sets, left, in_order(sets, limit, part->kind));
	unsigned lost = sets_losses(sets);
	for (size_t i = 0; i < left->count; i++)
		if (!may_be_named(sets, &left->parts[i], limit))
			return found(part, SETS_YES, 0, &left->parts[i]);
	if (left->count > 0)
		return found(part, SETS_PERHAPS, SETS_LOST_NAME_BLOCK, NULL);
	if (lost == SETS_LOST_SELECTOR_BLOCK && is_of_pods(sets, part, limit))
		lost = 0;
	return lost == 0 ? nothing : found(part, SETS_PERHAPS, lost, NULL);
}

struct sets_witness sets_witness_beyond(struct sets *sets, const struct sets_set *set,
                                        const struct sets_set *limit)
{
	struct sets_witness best = {0};
	for (size_t i = 0; i < set->count && best.answer != SETS_YES; i++) {
		struct sets_witness next = beyond(sets, &set->parts[i], limit);
		if (is_better(&best, &next))
			best = next;
	}
	return best;
}

/* Addresses for documentation (RFC 5737, RFC 3849) say best that they are any. */
static const struct policy_cidr examples[] = {
        {{192, 0, 2, 1}, 32, 32},
        {{0x20, 0x01, 0x0d, 0xb8, [15] = 1}, 128, 128},
};

static bool is_excepted(const struct sets_block *block, const struct policy_cidr *address)
{
	for (size_t i = 0; i < block->count; i++)
		if (policy_cidr_holds(&block->except[i], address))
			return true;
	return false;
}

/* The first address behind a range; false when there is none. */
static bool behind(const struct policy_cidr *range, struct policy_cidr *address)
{
	*address = *range;
	address->prefix = address->bits;
	for (unsigned bit = range->prefix; bit < range->bits; bit++)
		address->ip[bit / 8] |= (unsigned char)(0x80u >> (bit % 8));
	for (unsigned byte = range->bits / 8; byte-- > 0;)
		if (++address->ip[byte] != 0)
			return true;
	return false;
}

/* It has one: its first, or the first behind one of its exceptions. */
static struct policy_cidr address_in(const struct sets_block *block)
{
	struct policy_cidr address = examples[block->cidr.bits == 128];
	if (policy_cidr_holds(&block->cidr, &address) && !is_excepted(block, &address))
		return address;
	address = block->cidr;
	address.prefix = address.bits;
	for (size_t i = 0; i < block->count && is_excepted(block, &address); i++)
		if (!behind(&block->except[i], &address))
			break;
	return address;
}

static bool has_port(const struct sets_ports *ports, long port)
{
	for (size_t i = 0; i < ports->count; i++)
		if (ports->at[i].name.at == NULL && ports->at[i].protocol == POLICY_TCP &&
		    ports->at[i].first <= port && port <= ports->at[i].last)
			return true;
	return ports->all;
}

struct sets_connection sets_witness_connection(const struct sets_part *part)
{
	enum { HTTPS = 443 };
	struct sets_connection shown = {.to = SETS_TO_ADDRESS, .protocol = POLICY_TCP, .port = HTTPS};
	if (part->kind == SETS_BLOCK)
		shown.address = address_in(&part->block);
	else if (part->kind == SETS_ANY)
		shown.address = examples[0];
	else
		shown.to = part->kind == SETS_PODS ? SETS_TO_PODS : SETS_TO_NAME;
	shown.name = part->name;
	if (has_port(&part->ports, HTTPS))
		return shown;
	const struct sets_port *port = &part->ports.at[0];
	shown.protocol = port->protocol;
	shown.port = port->name.at != NULL ? 0 : port->first;
	shown.port_name = port->name;
	return shown;
}

void sets_witness_put_peer(const struct sets_part *part, struct json_buffer *out)
{
	json_puts(out, "{\"namespaceSelector\":");
	sets_labels_put(part->namespaces, out);
	json_puts(out, ",\"podSelector\":");
	sets_labels_put(part->pods, out);
	json_putc(out, '}');
}
