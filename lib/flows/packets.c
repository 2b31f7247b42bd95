/*
 * kube-network-policies, its JSON log at -v=2 (docs/json-logging.md): a line for a packet that is
 * evaluated, and later one with the same id for what became of it. Ids come again: the last line with an
 * id counts. A packet whose second line is missing has no verdict.
 */
#include "flows/reader_private.h"

#include <stdlib.h>

/* "namespace/name"; a node or the outside is "external", "none" or "". */
static bool read_pod(struct json_text value, struct flow_peer *peer)
{
	struct json_text name = json_plain(value), namespace = field_split(&name, '/');
	if (namespace.at == NULL)
		return true;
	peer->namespace = namespace;
	peer->pod = name;
	return flow_is_word(namespace) && flow_is_word(name);
}

static bool read_time(struct json_text value, struct flow_reader *reader, struct flow *flow)
{
	int64_t ms;
	struct json_text point = value, whole = field_split(&point, '.');
	if (!json_integer(whole.at != NULL ? whole : value, &ms) || ms < 0 || ms > 9000000000000)
		return value.at == NULL;
	int64_t ns = ms * 1000000, unit = 100000;
	for (size_t i = 0; whole.at != NULL && i < point.len && unit > 0; i++, unit /= 10)
		ns += (point.at[i] - '0') * unit;
	flow_time_format(ns, reader->time);
	flow->time = json_of(reader->time);
	return true;
}

static enum flow_found begin(struct flow_reader *reader, uint64_t id, struct json_text line, struct flow *flow)
{
	struct json_text packet = json_get(line, "packet"), direction = json_get(line, "direction");
	struct flow *before = flow_waiting_take(reader, id);
	if (before != NULL) /* what became of it was not written */
		reader->emit(reader->context, before);
	free(before);
	if (json_equals(direction, "Ingress") || !field_protocol(json_plain(json_get(packet, "Proto")), &flow->protocol))
		return FLOW_PASSED;
	flow->any_direction = !json_equals(direction, "Egress");
	if (!field_address(json_plain(json_get(packet, "SrcIP")), flow->source.ip) ||
	    !field_address(json_plain(json_get(packet, "DstIP")), flow->destination.ip) ||
	    !field_port(json_get(packet, "DstPort"), &flow->port))
		return flow_wrong(reader, "packet has no addresses and port");
	if (!read_pod(json_get(line, "srcPod"), &flow->source) || !read_pod(json_get(line, "dstPod"), &flow->destination))
		return flow_wrong(reader, "a pod is no namespace and name");
	if (!read_time(json_get(line, "ts"), reader, flow))
		return flow_wrong(reader, "ts is no time in milliseconds");
	flow_waiting_put(reader, id, flow);
	return FLOW_HELD;
}

static enum flow_verdict judge(struct json_text line)
{
	struct json_text message = json_plain(json_get(line, "msg")), verdict = json_get(line, "verdict");
	if (field_holds(message, "denied") || field_holds(message, "dropped") || json_equals(verdict, "drop"))
		return FLOW_DENIED;
	if (field_holds(message, "accepted") || field_holds(message, "allowed") || json_equals(verdict, "accept"))
		return FLOW_ALLOWED;
	return FLOW_UNJUDGED;
}

enum flow_found flow_read_packets(struct flow_reader *reader, struct json_text line, struct flow *flow)
{
	int64_t id = -1;
	if (json_get(line, "msg").at == NULL)
		return flow_wrong(reader, "not a line of the enforcer's JSON log: no msg");
	if (!json_integer(json_get(line, "id"), &id) || id < 0)
		return FLOW_PASSED;
	if (json_type(json_get(line, "packet")) == JSON_OBJECT)
		return begin(reader, (uint64_t)id, line, flow);
	enum flow_verdict verdict = judge(line);
	struct flow *first = verdict == FLOW_UNJUDGED ? NULL : flow_waiting_take(reader, (uint64_t)id);
	if (first == NULL)
		return FLOW_PASSED;
	first->verdict = verdict;
	reader->emit(reader->context, first);
	free(first);
	return FLOW_HELD;
}
