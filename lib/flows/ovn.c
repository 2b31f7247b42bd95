/*
 * OVN's ACL log (ovn-kubernetes, "Network security controls"):
 *
 *   TIME|NUMBER|acl_log(…)|INFO|name="NP:NAMESPACE:POLICY:Egress:0", verdict=allow, severity=info,
 *   direction=from-lport: tcp,…,nw_src=…,nw_dst=…,…,tp_src=…,tp_dst=…,tcp_flags=syn
 *
 * from-lport is what leaves a pod. The policy's namespace is that of the pod.
 */
#include "flows/reader_private.h"

#include <string.h>

#include "json/write.h"

static void read_policy(struct json_text name, struct flow_reader *reader, struct flow *flow)
{
	struct json_text kind = field_split(&name, ':'), namespace, policy;
	if (!field_is(kind, "NP"))
		return;
	namespace = field_split(&name, ':');
	policy = field_split(&name, ':');
	if (namespace.at == NULL && flow_is_word(name))
		namespace = name;
	if (!flow_is_word(namespace))
		return;
	flow->source.namespace = namespace;
	if (!flow_is_word(policy))
		return; /* NP:NAMESPACE:Egress is the default of the namespace */
	json_putf(&reader->policy, "[\"%.*s/%.*s\"]", (int)namespace.len, namespace.at, (int)policy.len, policy.at);
	flow->policy = json_buffer_text(&reader->policy);
}

/* "tcp", "udp6"; ip, icmp and others are no connection to a port. */
static bool read_protocol(struct json_text word, struct flow *flow)
{
	if (word.len > 1 && word.at[word.len - 1] == '6')
		word.len--;
	return !field_is(word, "6") && field_protocol(word, &flow->protocol);
}

static enum flow_verdict judge(struct json_text verdict)
{
	if (field_is(verdict, "drop") || field_is(verdict, "reject"))
		return FLOW_DENIED;
	return field_is(verdict, "allow") || field_is(verdict, "allow-related") ? FLOW_ALLOWED : FLOW_UNJUDGED;
}

enum flow_found flow_read_ovn(struct flow_reader *reader, struct json_text line, struct flow *flow)
{
	struct json_text rest = line, time = field_split(&rest, '|'), verdict = field_between(line, "verdict=", ", ");
	struct json_text direction = field_between(line, "direction=", ": ,"), flags = field_between(line, "tcp_flags=", ", \t");
	struct json_text source = field_between(line, ",nw_src=", ","), to = field_between(line, ",nw_dst=", ",");
	int64_t ns;
	if (!field_holds(line, "acl_log") || direction.at == NULL)
		return flow_wrong(reader, "not a line of OVN's ACL log");
	if (!field_is(direction, "from-lport") ||
	    !read_protocol(field_between((struct json_text){direction.at, (size_t)(line.at + line.len - direction.at)}, ": ", ","), flow))
		return FLOW_PASSED;
	if (flags.at != NULL && (!field_holds(flags, "syn") || field_holds(flags, "ack")))
		return FLOW_PASSED;
	if (!flow_time(time, &ns))
		return flow_wrong(reader, "the line begins with no time of RFC 3339");
	flow->time = time;
	if (source.at == NULL) {
		source = field_between(line, ",ipv6_src=", ",");
		to = field_between(line, ",ipv6_dst=", ",");
	}
	if (source.len == 0 || to.len == 0 || !field_address(source, flow->source.ip) ||
	    !field_address(to, flow->destination.ip) || !field_port(field_between(line, ",tp_dst=", ","), &flow->port))
		return flow_wrong(reader, "the packet has no addresses and port");
	flow->verdict = judge(verdict);
	read_policy(field_between(line, "name=\"", "\""), reader, flow);
	return FLOW_FOUND;
}
