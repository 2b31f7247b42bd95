/*
 * Hubble: flow.proto as JSON (cilium/api/v1/flow/flow.proto; `hubble observe -o json`, the exporter's file), in
 * the exporter's wrapper {"flow":…} or bare.
 *
 * One connection is traced at several points: at its pod (from-endpoint), at the policy's verdict, on
 * the way out. Its policy verdict is what happened; the trace at the pod says FORWARDED of it before
 * the policy was asked. So a trace from the endpoint waits for a verdict on the same connection, and a
 * drop is the verdict again.
 */
#include "flows/reader_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json/write.h"

enum { DROP = 1, TRACE = 4, POLICY_VERDICT = 5, FROM_ENDPOINT = 5 }; /* pkg/monitor/api */

enum { TIME, VERDICT, REASON, IP, L4, SOURCE, DESTINATION, TYPE, DIRECTION, REPLY, NAMES, EVENT, POINT, ALLOWED_BY,
       DENIED_BY, MEMBERS };
static const char *const members[] = {"time",        "verdict",           "drop_reason_desc", "IP",
                                      "l4",          "source",            "destination",      "Type",
                                      "traffic_direction", "is_reply",    "destination_names", "event_type",
                                      "trace_observation_point", "egress_allowed_by", "egress_denied_by"};

/* "k8s:app=billing"; what Cilium adds of its own is no label of the pod. */
static bool put_labels(struct json_buffer *out, struct json_text labels)
{
	static const char own[] = "k8s:io.cilium.k8s.", namespace[] = "k8s:io.kubernetes.pod.namespace";
	json_putc(out, '{');
	for (struct json_member m = json_first(labels); m.value.at != NULL; m = json_next(m)) {
		struct json_text label = json_plain(m.value);
		if (label.len < 4 || memcmp(label.at, "k8s:", 4) != 0 ||
		    (label.len >= sizeof own - 1 && memcmp(label.at, own, sizeof own - 1) == 0) ||
		    (label.len >= sizeof namespace - 1 && memcmp(label.at, namespace, sizeof namespace - 1) == 0))
			continue;
		field_put_label(out, (struct json_text){label.at + 4, label.len - 4});
	}
	json_putc(out, '}');
	return out->len > 2;
}

static bool read_endpoint(struct json_text json, struct json_buffer *labels, struct flow_peer *peer)
{
	enum { NAMESPACE, POD, LABELS, WORKLOADS, COUNT };
	static const char *const keys[] = {"namespace", "pod_name", "labels", "workloads"};
	struct json_text found[COUNT] = {0};
	json_pick(json, COUNT, keys, found);
	struct json_text workload = json_first(found[WORKLOADS]).value;
	if (!field_word(found[NAMESPACE], &peer->namespace) || !field_word(found[POD], &peer->pod) ||
	    !field_word(json_get(workload, "kind"), &peer->kind) || !field_word(json_get(workload, "name"), &peer->workload))
		return false;
	if (put_labels(labels, found[LABELS]))
		peer->labels = json_buffer_text(labels);
	return true;
}

/* The protocol and its port; false for others, ICMP among them. `syn` is whether the packet begins a connection, where
 * that can be seen. */
static bool read_l4(struct json_text l4, struct flow *flow, struct json_text *source_port, bool *begins)
{
	struct json_member m = json_first(l4);
	struct json_text port = json_get(m.value, "destination_port"), flags = json_get(m.value, "flags");
	*begins = true;
	*source_port = json_get(m.value, "source_port");
	if (!field_protocol(json_plain(m.key), &flow->protocol) || !field_port(port, &flow->port))
		return false;
	if (flow->protocol == FLOW_TCP && flags.at != NULL)
		*begins = json_is_true(json_get(flags, "SYN")) && !json_is_true(json_get(flags, "ACK"));
	return true;
}

static void judge(const struct json_text found[MEMBERS], struct flow *flow)
{
	static const char *const denials[] = {"POLICY_DENIED", "POLICY_DENY", "AUTH_REQUIRED"};
	struct json_text verdict = found[VERDICT];
	flow->would_deny = json_equals(verdict, "AUDIT");
	if (flow->would_deny || json_equals(verdict, "FORWARDED") || json_equals(verdict, "REDIRECTED"))
		flow->verdict = FLOW_ALLOWED;
	for (size_t i = 0; i < sizeof denials / sizeof *denials && json_equals(verdict, "DROPPED"); i++)
		if (json_equals(found[REASON], denials[i]))
			flow->verdict = FLOW_DENIED;
}

static void read_policies(struct flow_reader *reader, struct json_text by, struct flow *flow)
{
	json_putc(&reader->policy, '[');
	for (struct json_member m = json_first(by); m.value.at != NULL; m = json_next(m)) {
		struct json_text namespace = {0}, name = {0};
		if (!field_word(json_get(m.value, "namespace"), &namespace) || !field_word(json_get(m.value, "name"), &name) ||
		    name.at == NULL)
			continue;
		json_put_comma(&reader->policy);
		json_putc(&reader->policy, '"');
		json_puttext(&reader->policy, namespace);
		json_puts(&reader->policy, namespace.at != NULL ? "/" : "");
		json_puttext(&reader->policy, name);
		json_putc(&reader->policy, '"');
	}
	json_putc(&reader->policy, ']');
	if (reader->policy.len > 2)
		flow->policy = json_buffer_text(&reader->policy);
}

static uint64_t connection(const struct flow *flow, struct json_text source_port)
{
	char text[2 * FLOW_ADDRESS_SIZE + 32];
	int len = snprintf(text, sizeof text, "%s %.*s %s %u %d", flow->source.ip, (int)(source_port.len < 6 ? source_port.len : 0),
	                   source_port.len > 0 ? source_port.at : "", flow->destination.ip, flow->port, (int)flow->protocol);
	return json_hash((struct json_text){text, (size_t)len});
}

/* A trace somewhere else than at the pod, or another kind of event, tells of the connection once more. */
enum point { AT_POD, AT_VERDICT, AT_DROP, ELSEWHERE, NOWHERE };

static enum point point_of(const struct json_text found[MEMBERS])
{
	int64_t type = 0, sub = -1;
	if (!json_integer(json_get(found[EVENT], "type"), &type))
		return found[POINT].at == NULL || json_equals(found[POINT], "UNKNOWN_POINT") ? NOWHERE
		       : json_equals(found[POINT], "FROM_ENDPOINT")                          ? AT_POD
		                                                                             : ELSEWHERE;
	(void)json_integer(json_get(found[EVENT], "sub_type"), &sub);
	if (type == POLICY_VERDICT)
		return AT_VERDICT;
	if (type == DROP)
		return AT_DROP;
	if (type != TRACE)
		return ELSEWHERE;
	return sub == FROM_ENDPOINT || json_equals(found[POINT], "FROM_ENDPOINT") ? AT_POD : ELSEWHERE;
}

static enum flow_found place(struct flow_reader *reader, enum point point, uint64_t key, const struct flow *flow)
{
	struct flow *before = point == NOWHERE ? NULL : flow_waiting_take(reader, key);
	/* a verdict says more than what waits; a drop does, unless a verdict waits */
	bool better = before == NULL || point == AT_VERDICT || before->verdict == FLOW_ALLOWED;
	if (point == NOWHERE)
		return FLOW_FOUND;
	flow_waiting_put(reader, key, better ? flow : before);
	reader->passed += before != NULL;
	free(before);
	return FLOW_HELD;
}

enum flow_found flow_read_hubble(struct flow_reader *reader, struct json_text line, struct flow *flow)
{
	struct json_text found[MEMBERS] = {0}, json = json_get(line, "flow"), source_port;
	bool begins;
	json_pick(json_type(json) == JSON_OBJECT ? json : line, MEMBERS, members, found);
	if (found[VERDICT].at == NULL && found[IP].at == NULL)
		return json.at == NULL && json_get(line, "node_name").at == NULL ? flow_wrong(reader, "not a flow of Hubble")
		                                                                : FLOW_PASSED;
	enum point point = point_of(found);
	if (json_equals(found[DIRECTION], "INGRESS") || json_is_true(found[REPLY]) || point == ELSEWHERE ||
	    json_equals(found[TYPE], "L7") || json_equals(found[TYPE], "SOCK"))
		return FLOW_PASSED;
	if (!read_l4(found[L4], flow, &source_port, &begins) || !begins)
		return FLOW_PASSED;
	flow->time = json_plain(found[TIME]);
	int64_t ns;
	if (found[TIME].at != NULL && !flow_time(flow->time, &ns))
		return flow_wrong(reader, "flow.time is not of RFC 3339");
	if (!field_address(json_plain(json_get(found[IP], "source")), flow->source.ip) ||
	    !field_address(json_plain(json_get(found[IP], "destination")), flow->destination.ip))
		return flow_wrong(reader, "flow.IP has no address");
	if (!read_endpoint(found[SOURCE], &reader->labels[0], &flow->source) ||
	    !read_endpoint(found[DESTINATION], &reader->labels[1], &flow->destination))
		return flow_wrong(reader, "an endpoint's namespace, pod or workload is no name");
	if (found[NAMES].at != NULL && json_type(found[NAMES]) != JSON_NULL && !field_are_words(found[NAMES]))
		return flow_wrong(reader, "flow.destination_names is not an array of names");
	if (!json_is_empty(found[NAMES]))
		flow->names = found[NAMES];
	/* without is_reply a UDP packet may be an answer */
	flow->any_direction = !json_equals(found[DIRECTION], "EGRESS") ||
	                      (found[REPLY].at == NULL && flow->protocol != FLOW_TCP);
	judge(found, flow);
	read_policies(reader, flow->verdict == FLOW_DENIED ? found[DENIED_BY] : found[ALLOWED_BY], flow);
	return place(reader, point, connection(flow, source_port), flow);
}
