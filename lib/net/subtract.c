#include "net/subtract.h"

struct subtraction {
	const struct policy_cidr *except;
	size_t except_count;
	struct policy_cidr *pieces;
	size_t count, most;
};

static bool is_touched(const struct subtraction *subtraction, const struct policy_cidr *cidr)
{
	for (size_t i = 0; i < subtraction->except_count; i++)
		if (policy_cidr_holds(cidr, &subtraction->except[i]))
			return true;
	return false;
}

static bool is_excepted(const struct subtraction *subtraction, const struct policy_cidr *cidr)
{
	for (size_t i = 0; i < subtraction->except_count; i++)
		if (policy_cidr_holds(&subtraction->except[i], cidr))
			return true;
	return false;
}

/* The half of a CIDR whose next bit is not set, or is. */
static struct policy_cidr half(const struct policy_cidr *cidr, bool set)
{
	struct policy_cidr one = *cidr;
	if (set)
		one.ip[cidr->prefix / 8] |= (unsigned char)(0x80 >> cidr->prefix % 8);
	one.prefix++;
	return one;
}

/* Halves a CIDR until a half is whole, or gone. Depth: the bits of an address. */
static void subtract(struct subtraction *subtraction, const struct policy_cidr *cidr)
{
	if (subtraction->count > subtraction->most || is_excepted(subtraction, cidr))
		return;
	if (!is_touched(subtraction, cidr)) {
		if (subtraction->count < subtraction->most)
			subtraction->pieces[subtraction->count] = *cidr;
		subtraction->count++;
		return;
	}
	struct policy_cidr low = half(cidr, false), high = half(cidr, true);
	subtract(subtraction, &low);
	subtract(subtraction, &high);
}

size_t net_subtract(const struct policy_cidr *whole, const struct policy_cidr except[],
                    size_t except_count, struct policy_cidr pieces[], size_t most)
{
	struct subtraction subtraction = {
	        .except = except, .except_count = except_count, .pieces = pieces, .most = most};
	subtract(&subtraction, whole);
	return subtraction.count;
}
