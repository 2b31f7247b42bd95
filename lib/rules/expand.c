#include "rules/expand.h"

#include "net/subtract.h"
#include "json/json.h"

/* Exceptions of one block; the schema lets no more stand. */
enum { EXCEPT_MAX = 256 };

size_t policy_block_expand(struct json_text block, struct policy_cidr pieces[POLICY_PIECES_MAX])
{
	struct policy_cidr whole, except[EXCEPT_MAX];
	size_t count = 0;
	struct json_text excepted = json_get(block, "except");
	if (policy_cidr_parse(json_plain(json_get(block, "cidr")), &whole) != NULL)
		return 0;
	for (struct json_member m = json_first(excepted); m.value.at; m = json_next(m)) {
		/* an exception that cannot be kept must not be forgotten */
		if (count == EXCEPT_MAX ||
		    policy_cidr_parse(json_plain(m.value), &except[count]) != NULL)
			return 0;
		count++;
	}
	return net_subtract(&whole, except, count, pieces, POLICY_PIECES_MAX);
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
