#include "flows/flow.h"

#include <stdlib.h>
#include <string.h>

#include "flows/fields_private.h"
#include "json/write.h"

static void put_word(struct json_buffer *out, const char *key, struct json_text word)
{
	if (word.at == NULL)
		return;
	json_put_key(out, key);
	json_putc(out, '"');
	json_puttext(out, word);
	json_putc(out, '"');
}

static void put_json(struct json_buffer *out, const char *key, struct json_text json)
{
	if (json.at == NULL)
		return;
	json_put_key(out, key);
	json_puttext(out, json);
}

static void put_peer(struct json_buffer *out, const struct flow_peer *peer)
{
	put_word(out, "namespace", peer->namespace);
	put_word(out, "pod", peer->pod);
	if (peer->workload.at != NULL) {
		json_put_key(out, "workload");
		json_putc(out, '{');
		put_word(out, "kind", peer->kind);
		put_word(out, "name", peer->workload);
		json_putc(out, '}');
	}
	put_json(out, "labels", peer->labels);
}

static void put_address(struct json_buffer *out, const struct flow_peer *peer)
{
	if (peer->ip[0] != '\0')
		put_word(out, "ip", json_of(peer->ip));
}

static void put_truth(struct json_buffer *out, const char *key, bool value)
{
	if (!value)
		return;
	json_put_key(out, key);
	json_puts(out, "true");
}

void flow_put(const struct flow *flow, struct json_buffer *out)
{
	json_puts(out, "{\"flow\":{");
	put_word(out, "time", flow->time);
	json_put_key(out, "source");
	json_putc(out, '{');
	put_peer(out, &flow->source);
	put_address(out, &flow->source);
	json_putc(out, '}');
	json_put_key(out, "destination");
	json_putc(out, '{');
	put_address(out, &flow->destination);
	json_put_key(out, "port");
	json_putf(out, "%u", flow->port);
	put_word(out, "protocol", json_of(flow_protocol_words[flow->protocol]));
	put_json(out, "names", flow->names);
	put_peer(out, &flow->destination);
	json_putc(out, '}');
	if (flow->verdict != FLOW_UNJUDGED)
		put_word(out, "verdict", json_of(flow_verdict_words[flow->verdict]));
	put_json(out, "policy", flow->policy);
	if (flow->count > 0) {
		json_put_key(out, "count");
		json_putf(out, "%llu", (unsigned long long)flow->count);
	}
	put_word(out, "first", flow->first);
	put_word(out, "last", flow->last);
	put_word(out, "direction", json_of(flow->any_direction ? "unknown" : "egress"));
	put_truth(out, "wouldDeny", flow->would_deny);
	put_truth(out, "incomplete", flow->incomplete);
	json_puts(out, "}}");
}

static const char *read_peer(struct json_text json, struct flow_peer *peer)
{
	enum { NAMESPACE, POD, WORKLOAD, LABELS, IP, COUNT };
	static const char *const keys[] = {"namespace", "pod", "workload", "labels", "ip"};
	struct json_text found[COUNT] = {0};
	json_pick(json, COUNT, keys, found);
	if (!field_word(found[NAMESPACE], &peer->namespace) || !field_word(found[POD], &peer->pod))
		return "a namespace or pod is no name";
	if (!field_word(json_get(found[WORKLOAD], "kind"), &peer->kind) ||
	    !field_word(json_get(found[WORKLOAD], "name"), &peer->workload))
		return "a workload is no name";
	if (found[LABELS].at != NULL && !field_are_labels(found[LABELS]))
		return "labels are not an object of strings";
	peer->labels = found[LABELS];
	return field_address(json_plain(found[IP]), peer->ip) ? NULL : "an ip is no address";
}

static const char *read_times(const struct json_text found[3], struct flow *flow)
{
	struct json_text *into[] = {&flow->time, &flow->first, &flow->last};
	for (int i = 0; i < 3; i++) {
		int64_t ns;
		if (found[i].at == NULL)
			continue;
		*into[i] = json_plain(found[i]);
		if (!flow_time(*into[i], &ns))
			return "a time is not of RFC 3339";
	}
	return NULL;
}

static const char *read_decision(struct json_text verdict, struct json_text direction, struct flow *flow)
{
	if (json_equals(verdict, "allowed"))
		flow->verdict = FLOW_ALLOWED;
	else if (json_equals(verdict, "denied"))
		flow->verdict = FLOW_DENIED;
	else if (verdict.at != NULL && !json_equals(verdict, ""))
		return "verdict is neither allowed nor denied";
	if (json_equals(direction, "unknown"))
		flow->any_direction = true;
	else if (direction.at != NULL && !json_equals(direction, "egress"))
		return "direction is not egress";
	return NULL;
}

const char *flow_read(struct json_text line, struct flow *flow)
{
	enum { TIME, FIRST, LAST, SOURCE, DESTINATION, VERDICT, POLICY, FLOWS, DIRECTION, WOULD, PART, COUNT };
	static const char *const keys[] = {"time",   "first", "last",      "source",    "destination", "verdict",
	                                   "policy", "count", "direction", "wouldDeny", "incomplete"};
	struct json_text found[COUNT] = {0}, json = json_get(line, "flow"), to;
	const char *wrong;
	int64_t count = 0;
	*flow = (struct flow){0};
	if (json_type(json) != JSON_OBJECT)
		return "not a flow record: it has no member flow";
	json_pick(json, COUNT, keys, found);
	to = found[DESTINATION];
	if ((wrong = read_times(found, flow)) != NULL || (wrong = read_peer(found[SOURCE], &flow->source)) != NULL ||
	    (wrong = read_peer(to, &flow->destination)) != NULL ||
	    (wrong = read_decision(found[VERDICT], found[DIRECTION], flow)) != NULL)
		return wrong;
	if (!field_port(json_get(to, "port"), &flow->port))
		return "destination.port is no port";
	if (!field_protocol(json_plain(json_get(to, "protocol")), &flow->protocol))
		return "destination.protocol is not TCP, UDP or SCTP";
	flow->names = json_get(to, "names");
	flow->policy = found[POLICY];
	if ((flow->names.at != NULL && !field_are_words(flow->names)) ||
	    (flow->policy.at != NULL && !field_are_words(flow->policy)))
		return "names or policy is not an array of names";
	if (found[FLOWS].at != NULL && (!json_integer(found[FLOWS], &count) || count < 1))
		return "count is no number of flows";
	flow->count = (uint64_t)count;
	flow->would_deny = json_is_true(found[WOULD]);
	flow->incomplete = json_is_true(found[PART]);
	return NULL;
}

/* Every span of a flow. */
enum { SPANS = 15 };
static void list_spans(struct flow *flow, struct json_text *spans[SPANS])
{
	size_t n = 0;
	struct flow_peer *peers[] = {&flow->source, &flow->destination};
	for (int i = 0; i < 2; i++) {
		spans[n++] = &peers[i]->namespace;
		spans[n++] = &peers[i]->pod;
		spans[n++] = &peers[i]->kind;
		spans[n++] = &peers[i]->workload;
		spans[n++] = &peers[i]->labels;
	}
	spans[n++] = &flow->time;
	spans[n++] = &flow->first;
	spans[n++] = &flow->last;
	spans[n++] = &flow->names;
	spans[n++] = &flow->policy;
}

struct flow *flow_copy(const struct flow *flow)
{
	struct flow own = *flow, *copy;
	struct json_text *spans[SPANS];
	size_t size = 0;
	list_spans(&own, spans);
	for (int i = 0; i < SPANS; i++)
		size += spans[i]->len;
	copy = malloc(sizeof *copy + size);
	if (copy == NULL)
		abort();
	char *at = (char *)(copy + 1);
	for (int i = 0; i < SPANS; i++) {
		if (spans[i]->at == NULL)
			continue;
		memcpy(at, spans[i]->at, spans[i]->len);
		spans[i]->at = at;
		at += spans[i]->len;
	}
	*copy = own;
	return copy;
}
