/*
 * conntrack -E, also with -o timestamp:
 *
 *   [SECONDS.MICROSECONDS]  [NEW] tcp 6 120 SYN_SENT src=… dst=… sport=… dport=… [UNREPLIED] src=… dst=… …
 *
 * The first tuple is what the pod asked for, before a Service's address was replaced; the second tuple's
 * source is where it went. It knows no pods and no verdict: a connection that was dropped is not in it,
 * but one that the policy judges elsewhere may be.
 */
#include "flows/reader_private.h"

#include <string.h>

static bool read_time(struct json_text text, int64_t *ns)
{
	int64_t number[2] = {0}, unit = 1000000000;
	int part = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == '.' && part++ == 0)
			continue;
		if (text.at[i] < '0' || text.at[i] > '9' || number[0] > 9000000000)
			return false;
		if (part == 0)
			number[0] = number[0] * 10 + text.at[i] - '0';
		else
			number[1] += (text.at[i] - '0') * (unit /= 10);
	}
	*ns = number[0] * 1000000000 + number[1];
	return text.len > 0 && number[0] > 0;
}

/* The next one between blanks. */
static struct json_text word(struct json_text *rest)
{
	while (rest->len > 0 && (rest->at[0] == ' ' || rest->at[0] == '\t'))
		*rest = (struct json_text){rest->at + 1, rest->len - 1};
	return field_split(rest, ' ');
}

enum flow_found flow_read_conntrack(struct flow_reader *reader, struct json_text line, struct flow *flow)
{
	struct json_text rest = field_between(line, "[NEW]", ""), protocol;
	struct json_text source = field_between(rest, " src=", " "), to = field_between(rest, " dst=", " ");
	int64_t ns;
	if (rest.at == NULL) {
		static const char *const others[] = {"[UPDATE]", "[DESTROY]"};
		for (int i = 0; i < 2; i++)
			if (field_holds(line, others[i]))
				return FLOW_PASSED;
		return flow_wrong(reader, "not an event of conntrack");
	}
	protocol = word(&rest);
	if (field_is(protocol, "ipv4") || field_is(protocol, "ipv6")) { /* -o extended */
		(void)word(&rest);
		protocol = word(&rest);
	}
	if (!field_protocol(protocol, &flow->protocol))
		return FLOW_PASSED;
	if (source.len == 0 || to.len == 0 || !field_address(source, flow->source.ip) ||
	    !field_address(to, flow->destination.ip) || !field_port(field_between(rest, " dport=", " "), &flow->port))
		return flow_wrong(reader, "the first tuple has no addresses and port");
	if (read_time(field_between((struct json_text){line.at, (size_t)(rest.at - line.at)}, "[", "]"), &ns)) {
		flow_time_format(ns, reader->time);
		flow->time = json_of(reader->time);
	}
	flow->any_direction = true;
	return FLOW_FOUND;
}
