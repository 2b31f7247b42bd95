/* GKE Dataplane V2: network policy logging, a line as the node writes it, or a Cloud Logging entry that has it
 * under jsonPayload. */
#include "flows/reader_private.h"

#include "json/write.h"

static bool read_pod(struct json_text json, struct flow_peer *peer)
{
	return field_word(json_get(json, "pod_namespace"), &peer->namespace) &&
	       (peer->namespace.at != NULL || field_word(json_get(json, "namespace"), &peer->namespace)) &&
	       field_word(json_get(json, "pod_name"), &peer->pod) &&
	       field_word(json_get(json, "workload_kind"), &peer->kind) &&
	       field_word(json_get(json, "workload_name"), &peer->workload);
}

static bool read_connection(struct json_text json, struct flow *flow)
{
	return field_address(json_plain(json_get(json, "src_ip")), flow->source.ip) &&
	       field_address(json_plain(json_get(json, "dest_ip")), flow->destination.ip) &&
	       field_port(json_get(json, "dest_port"), &flow->port);
}

static void read_policies(struct json_text policies, struct json_buffer *out, struct flow *flow)
{
	json_putc(out, '[');
	for (struct json_member m = json_first(policies); m.value.at != NULL; m = json_next(m)) {
		struct json_text namespace = json_plain(json_get(m.value, "namespace")), name = json_plain(json_get(m.value, "name"));
		if (!flow_is_word(name) || (namespace.len > 0 && !flow_is_word(namespace)))
			continue;
		json_put_comma(out);
		json_putf(out, "\"%.*s%s%.*s\"", (int)namespace.len, namespace.len > 0 ? namespace.at : "", namespace.len > 0 ? "/" : "",
		          (int)name.len, name.at);
	}
	json_putc(out, ']');
	if (out->len > 2)
		flow->policy = json_buffer_text(out);
}

enum flow_found flow_read_gke(struct flow_reader *reader, struct json_text line, struct flow *flow)
{
	struct json_text payload = json_get(line, "jsonPayload"), json = payload.at != NULL ? payload : line;
	struct json_text connection = json_get(json, "connection"), disposition = json_get(json, "disposition");
	struct json_text time = json_get(json, "timestamp"), direction = json_get(connection, "direction");
	int64_t count = 0, ns;
	if (json_type(connection) != JSON_OBJECT)
		return payload.at != NULL ? FLOW_PASSED : flow_wrong(reader, "not a line of network policy logging: no connection");
	if (json_equals(direction, "ingress") || !field_protocol(json_plain(json_get(connection, "protocol")), &flow->protocol))
		return FLOW_PASSED;
	flow->any_direction = !json_equals(direction, "egress");
	if (!read_connection(connection, flow))
		return flow_wrong(reader, "connection has no address and port");
	if (!read_pod(json_get(json, "src"), &flow->source) || !read_pod(json_get(json, "dest"), &flow->destination))
		return flow_wrong(reader, "a namespace, pod or workload is no name");
	flow->time = json_plain(time.at != NULL ? time : json_get(line, "timestamp"));
	if (flow->time.at != NULL && !flow_time(flow->time, &ns))
		return flow_wrong(reader, "timestamp is not of RFC 3339");
	if (json_integer(json_get(json, "count"), &count) && count > 0)
		flow->count = (uint64_t)count;
	flow->verdict = json_equals(disposition, "allow")  ? FLOW_ALLOWED
	                : json_equals(disposition, "deny") ? FLOW_DENIED
	                                                   : FLOW_UNJUDGED;
	read_policies(json_get(json, "policies"), &reader->policy, flow);
	return FLOW_FOUND;
}
