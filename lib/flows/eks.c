/*
 * The AWS network policy agent's flow log (aws-network-policy-agent, pkg/ebpf/events):
 *
 *   Node: NAME;SIP: ADDRESS;SPORT: PORT;DIP: ADDRESS;DPORT: PORT;PROTOCOL: TCP;PolicyVerdict: ACCEPT[;Tier: …]
 *
 * It says neither whether the packet left a pod or came to one, nor when, unless the line begins with
 * a time, as CloudWatch can write it.
 */
#include "flows/reader_private.h"

static struct json_text field(struct json_text line, const char *name)
{
	return field_between(line, name, ";,\t");
}

enum flow_found flow_read_eks(struct flow_reader *reader, struct json_text line, struct flow *flow)
{
	struct json_text rest = line, first = field_split(&rest, ' '), verdict = field(line, "PolicyVerdict: ");
	struct json_text source = field(line, "SIP: "), to = field(line, "DIP: ");
	int64_t ns;
	if (source.at == NULL || to.at == NULL || verdict.at == NULL)
		return flow_wrong(reader, "not a line of the agent's flow log: no SIP, DIP and PolicyVerdict");
	if (!field_protocol(field(line, "PROTOCOL: "), &flow->protocol) || field_is(verdict, "EXPIRED/DELETED"))
		return FLOW_PASSED;
	if (source.len == 0 || to.len == 0 || !field_address(source, flow->source.ip) ||
	    !field_address(to, flow->destination.ip) || !field_port(field(line, "DPORT: "), &flow->port))
		return flow_wrong(reader, "the packet has no addresses and port");
	if (flow_time(first, &ns))
		flow->time = first;
	flow->verdict = field_is(verdict, "ACCEPT") ? FLOW_ALLOWED : field_is(verdict, "DENY") ? FLOW_DENIED : FLOW_UNJUDGED;
	flow->any_direction = true;
	return FLOW_FOUND;
}
