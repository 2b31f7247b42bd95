/* Inspektor Gadget: `trace_tcp -o json`, attempts without a verdict; only those of type connect begin a
 * connection. */
#include "flows/reader_private.h"

static bool read_source(struct json_text k8s, struct flow_reader *reader, struct flow_peer *peer)
{
	struct json_text labels = json_plain(json_get(k8s, "podLabels"));
	if (labels.len > 0) {
		field_put_labels(&reader->labels[0], labels, ", ");
		peer->labels = json_buffer_text(&reader->labels[0]);
	}
	return field_word(json_get(k8s, "namespace"), &peer->namespace) && field_word(json_get(k8s, "podName"), &peer->pod) &&
	       field_word(json_get(k8s, "owner", "kind"), &peer->kind) &&
	       field_word(json_get(k8s, "owner", "name"), &peer->workload);
}

enum flow_found flow_read_gadget(struct flow_reader *reader, struct json_text line, struct flow *flow)
{
	struct json_text type = json_get(line, "type"), dst = json_get(line, "dst"), proto = json_get(dst, "proto");
	int64_t ns;
	if (json_type(dst) != JSON_OBJECT)
		return flow_wrong(reader, "not a line of trace_tcp: no dst");
	if (!json_equals(type, "connect") ||
	    !field_protocol(json_type(proto) == JSON_STRING ? json_plain(proto) : proto, &flow->protocol))
		return FLOW_PASSED;
	if (!field_address(json_plain(json_get(line, "src", "addr")), flow->source.ip) ||
	    !field_address(json_plain(json_get(dst, "addr")), flow->destination.ip) ||
	    !field_port(json_get(dst, "port"), &flow->port))
		return flow_wrong(reader, "dst has no address and port");
	if (!read_source(json_get(line, "k8s"), reader, &flow->source))
		return flow_wrong(reader, "a namespace, pod or owner is no name");
	flow->time = json_plain(json_get(line, "timestamp"));
	if (flow->time.at != NULL && !flow_time(flow->time, &ns))
		return flow_wrong(reader, "timestamp is not of RFC 3339");
	return FLOW_FOUND;
}
