#include <stdlib.h>
#include <string.h>

#include "json/write.h"
#include "net/subtract.h"
#include "rules/sets_private.h"

/* No network gives these to pods: RFC 3927, RFC 4291 (link-local), RFC 1122 (loopback), and
 * multicast, from which nothing is sent. */
static const struct policy_cidr never_pods[] = {
        {{169, 254}, 32, 16},   {{127}, 32, 8},    {{224}, 32, 4},
        {{0xfe, 0x80}, 128, 10}, {{0xff}, 128, 8}, {{[15] = 1}, 128, 128},
};

static int compare_cidrs(const void *a, const void *b)
{
	const struct policy_cidr *x = a, *y = b;
	if (x->bits != y->bits)
		return x->bits < y->bits ? -1 : 1;
	int order = memcmp(x->ip, y->ip, sizeof x->ip);
	return order != 0 ? order : (x->prefix > y->prefix) - (x->prefix < y->prefix);
}

static bool meet(const struct policy_cidr *a, const struct policy_cidr *b)
{
	return policy_cidr_holds(a, b) || policy_cidr_holds(b, a);
}

/* Of exceptions in any order those that take something away, and nothing twice; false when nothing
 * is left, or when they are too many to say. `except` is the caller's to give away. */
static bool make(struct sets *sets, struct policy_cidr cidr, struct policy_cidr *except,
                 size_t count, struct sets_block *made)
{
	struct policy_cidr piece;
	size_t kept = 0;
	if (count > 0)
		qsort(except, count, sizeof *except, compare_cidrs);
	for (size_t i = 0; i < count; i++) {
		if (policy_cidr_holds(&except[i], &cidr))
			return false;
		if (policy_cidr_holds(&cidr, &except[i]) &&
		    (kept == 0 || !policy_cidr_holds(&except[kept - 1], &except[i])))
			except[kept++] = except[i];
	}
	*made = (struct sets_block){cidr, except, kept};
	if (kept > SETS_EXCEPT_MAX) {
		sets->losses |= SETS_LOST_LIMIT;
		return false;
	}
	return kept == 0 || net_subtract(&cidr, except, kept, &piece, 1) > 0;
}

bool sets_block_read(struct sets *sets, struct json_text block, struct sets_block *read)
{
	struct json_text list = json_get(block, "except");
	struct policy_cidr *except = sets_take(sets, json_count(list), sizeof *except);
	struct policy_cidr cidr;
	size_t count = 0;
	if (policy_cidr_parse(json_plain(json_get(block, "cidr")), &cidr) != NULL)
		return false;
	for (struct json_member m = json_first(list); m.value.at; m = json_next(m))
		if (policy_cidr_parse(json_plain(m.value), &except[count]) == NULL)
			count++;
	return make(sets, cidr, except, count, read);
}

bool sets_block_intersect(struct sets *sets, struct sets_block a, struct sets_block b,
                          struct sets_block *both)
{
	if (!meet(&a.cidr, &b.cidr))
		return false;
	struct policy_cidr *except = sets_take(sets, a.count + b.count, sizeof *except);
	if (a.count > 0)
		memcpy(except, a.except, a.count * sizeof *except);
	if (b.count > 0)
		memcpy(except + a.count, b.except, b.count * sizeof *except);
	return make(sets, policy_cidr_holds(&a.cidr, &b.cidr) ? b.cidr : a.cidr, except,
	            a.count + b.count, both);
}

static bool is_excepted(struct sets_block block, const struct policy_cidr *cidr)
{
	for (size_t i = 0; i < block.count; i++)
		if (policy_cidr_holds(&block.except[i], cidr))
			return true;
	return false;
}

bool sets_block_hold(struct sets_block outer, struct sets_block inner)
{
	if (!policy_cidr_holds(&outer.cidr, &inner.cidr))
		return false;
	for (size_t i = 0; i < outer.count; i++)
		if (meet(&outer.except[i], &inner.cidr) && !is_excepted(inner, &outer.except[i]))
			return false;
	return true;
}

int sets_block_compare(struct sets_block a, struct sets_block b)
{
	int order = compare_cidrs(&a.cidr, &b.cidr);
	for (size_t i = 0; order == 0 && i < a.count && i < b.count; i++)
		order = compare_cidrs(&a.except[i], &b.except[i]);
	return order != 0 ? order : (a.count > b.count) - (a.count < b.count);
}

static bool less_cidr(struct sets *sets, struct sets_block a, const struct policy_cidr *cidr,
                      struct sets_block *left)
{
	struct policy_cidr *except = sets_take(sets, a.count + 1, sizeof *except);
	if (a.count > 0)
		memcpy(except, a.except, a.count * sizeof *except);
	except[a.count] = *cidr;
	return make(sets, a.cidr, except, a.count + 1, left);
}

/* All that is not in b's range, and, of what is, b's exceptions. */
void sets_block_subtract(struct sets *sets, struct sets_block a, struct sets_block b,
                         void (*each)(void *context, struct sets_block piece), void *context)
{
	struct sets_block left;
	if (!meet(&a.cidr, &b.cidr)) {
		each(context, a);
		return;
	}
	if (less_cidr(sets, a, &b.cidr, &left))
		each(context, left);
	for (size_t i = 0; i < b.count; i++) {
		struct sets_block excepted = {.cidr = b.except[i]};
		if (sets_block_intersect(sets, a, excepted, &left))
			each(context, left);
	}
}

static bool is_never_pods(const struct policy_cidr *cidr)
{
	for (size_t i = 0; i < sizeof never_pods / sizeof never_pods[0]; i++)
		if (policy_cidr_holds(&never_pods[i], cidr))
			return true;
	return false;
}

bool sets_block_has_pods(struct sets *sets, struct sets_block block)
{
	struct sets_block both;
	unsigned before = sets->losses;
	if (sets->pods_count == 0)
		return !is_never_pods(&block.cidr);
	for (size_t i = 0; i < sets->pods_count; i++)
		if (sets_block_intersect(sets, block, (struct sets_block){.cidr = sets->pods[i]}, &both) ||
		    sets->losses != before)
			return true;
	return false;
}

void sets_block_less_pods(struct sets *sets, struct sets_block block,
                          void (*each)(void *context, struct sets_block piece), void *context)
{
	struct sets_block left = block;
	if (sets->pods_count == 0) {
		if (is_never_pods(&block.cidr))
			each(context, block);
		return;
	}
	for (size_t i = 0; i < sets->pods_count; i++)
		if (!less_cidr(sets, left, &sets->pods[i], &left))
			return;
	each(context, left);
}

void sets_block_put(struct sets_block block, struct json_buffer *out)
{
	json_puts(out, "{\"ipBlock\":{\"cidr\":");
	policy_cidr_put(&block.cidr, out);
	if (block.count > 0) {
		json_puts(out, ",\"except\":[");
		for (size_t i = 0; i < block.count; i++) {
			json_put_comma(out);
			policy_cidr_put(&block.except[i], out);
		}
		json_putc(out, ']');
	}
	json_puts(out, "}}");
}
