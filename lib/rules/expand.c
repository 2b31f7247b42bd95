#include "rules/expand.h"

#include <arpa/inet.h>

/* Exceptions of one block; the schema lets no more stand. */
enum { EXCEPT_MAX = 256 };

struct expansion {
	struct policy_cidr except[EXCEPT_MAX];
	size_t except_count;
	struct policy_cidr *pieces;
	size_t count;
};

static bool is_touched(const struct expansion *expansion, const struct policy_cidr *cidr)
{
	for (size_t i = 0; i < expansion->except_count; i++)
		if (policy_cidr_holds(cidr, &expansion->except[i]))
			return true;
	return false;
}

static bool is_excepted(const struct expansion *expansion, const struct policy_cidr *cidr)
{
	for (size_t i = 0; i < expansion->except_count; i++)
		if (policy_cidr_holds(&expansion->except[i], cidr))
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
static void expand(struct expansion *expansion, const struct policy_cidr *cidr)
{
	if (expansion->count > POLICY_PIECES_MAX || is_excepted(expansion, cidr))
		return;
	if (!is_touched(expansion, cidr)) {
		if (expansion->count < POLICY_PIECES_MAX)
			expansion->pieces[expansion->count] = *cidr;
		expansion->count++;
		return;
	}
	struct policy_cidr low = half(cidr, false), high = half(cidr, true);
	expand(expansion, &low);
	expand(expansion, &high);
}

size_t policy_block_expand(struct json_text block, struct policy_cidr pieces[POLICY_PIECES_MAX])
{
	struct expansion expansion = {.pieces = pieces};
	struct policy_cidr whole;
	struct json_text except = json_get(block, "except");
	if (policy_cidr_parse(json_plain(json_get(block, "cidr")), &whole) != NULL)
		return 0;
	for (struct json_member m = json_first(except); m.value.at; m = json_next(m)) {
		/* an exception that cannot be kept must not be forgotten */
		if (expansion.except_count == EXCEPT_MAX ||
		    policy_cidr_parse(json_plain(m.value),
		                      &expansion.except[expansion.except_count]) != NULL)
			return 0;
		expansion.except_count++;
	}
	expand(&expansion, &whole);
	return expansion.count;
}

static bool has(const struct policy_ports *expanded, int64_t number)
{
	for (size_t i = 0; i < expanded->count; i++)
		if (expanded->at[i] == number)
			return true;
	return false;
}

/* All of them, or none. */
static void add_range(struct policy_ports *expanded, int64_t first, int64_t last)
{
	size_t before = expanded->count;
	for (int64_t number = first; number <= last; number++) {
		if (has(expanded, number))
			continue;
		if (expanded->count == POLICY_PORTS_MAX) {
			expanded->count = before;
			expanded->many = true;
			return;
		}
		expanded->at[expanded->count++] = (uint16_t)number;
	}
}

static void add_port(struct policy_ports *expanded, struct json_text port)
{
	struct json_text number = json_get(port, "port");
	int64_t first, last;
	if (json_type(number) <= JSON_NULL) {
		expanded->all = true;
	} else if (!json_integer(number, &first)) {
		expanded->named = true;
	} else {
		if (!json_integer(json_get(port, "endPort"), &last))
			last = first;
		add_range(expanded, first, last);
	}
}

void policy_ports_expand(struct json_text ports, enum policy_protocol protocol,
                         struct policy_ports *expanded)
{
	expanded->count = 0;
	expanded->named = expanded->many = false;
	expanded->all = json_is_empty(ports);
	for (struct json_member m = json_first(ports); m.value.at; m = json_next(m)) {
		struct json_text wanted = json_get(m.value, "protocol");
		if (json_type(wanted) <= JSON_NULL
		            ? protocol == POLICY_TCP
		            : json_equals(wanted, policy_protocol_words[protocol]))
			add_port(expanded, m.value);
	}
}

void policy_cidr_put(const struct policy_cidr *cidr, struct json_buffer *out)
{
	char ip[INET6_ADDRSTRLEN];
	inet_ntop(cidr->bits == 32 ? AF_INET : AF_INET6, cidr->ip, ip, sizeof ip);
	json_putf(out, "\"%s/%u\"", ip, cidr->prefix);
}
