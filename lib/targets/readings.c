#include "targets/readings.h"

#include <stdio.h>
#include <string.h>

#include "json/json.h"
#include "json/write.h"
#include "net/cidr.h"
#include "rules/ports.h"
#include "targets/cilium_selector_private.h"

static bool reads(const struct policy_inventory *inventory, enum policy_reading reading)
{
	return policy_cni_reads(inventory->settings->cnis, reading);
}

/* Appends the ports that are no names; how many. */
static size_t put_numbers(struct json_buffer *out, struct json_text ports)
{
	size_t count = 0;
	for (struct json_member m = json_first(ports); m.value.at; m = json_next(m)) {
		if (!policy_port_is(m.value, POLICY_PORTS_NUMBERS))
			continue;
		json_puts(out, count++ == 0 ? "" : ",");
		json_puttext(out, m.value);
	}
	return count;
}

static void say_left_out(struct policy_decision *decision, size_t rule, struct json_text ports)
{
	size_t index = 0;
	for (struct json_member m = json_first(ports); m.value.at; m = json_next(m), index++) {
		char path[POLICY_FIELD_SIZE];
		if (!policy_port_is(m.value, POLICY_PORTS_NAMES))
			continue;
		snprintf(path, sizeof path, "%s.egress[%zu].ports[%zu].port", decision->rules_path,
		         rule, index);
		policy_problem(&decision->problems, POLICY_WARNING, path,
		               json_get(m.value, "port"),
		               "OVN-Kubernetes reads the name of a port as every port of its "
		               "protocol: it is left out, and stays denied");
	}
}

/* A rule without its named ports; one that has no others is left out as a whole. */
static void put_without_names(struct json_buffer *out, struct json_text rule)
{
	struct json_buffer numbers = {0};
	struct json_text to = json_get(rule, "to");
	if (put_numbers(&numbers, json_get(rule, "ports")) > 0) {
		json_put_comma(out);
		json_puts(out, "{\"ports\":[");
		json_puttext(out, json_buffer_text(&numbers));
		json_putc(out, ']');
		if (to.at != NULL) {
			json_puts(out, ",\"to\":");
			json_puttext(out, to);
		}
		json_putc(out, '}');
	}
	json_buffer_free(&numbers);
}

static void leave_names_out(struct policy_decision *decision)
{
	struct json_text egress = json_buffer_text(&decision->egress);
	struct json_buffer left = {0};
	size_t index = 0;
	json_putc(&left, '[');
	for (struct json_member m = json_first(egress); m.value.at; m = json_next(m), index++) {
		struct json_text ports = json_get(m.value, "ports");
		if (policy_ports_any(ports, POLICY_PORTS_NAMES)) {
			say_left_out(decision, index, ports);
			put_without_names(&left, m.value);
		} else {
			json_put_comma(&left);
			json_puttext(&left, m.value);
		}
	}
	json_putc(&left, ']');
	decision->egress.len = 0;
	json_puttext(&decision->egress, json_buffer_text(&left));
	json_buffer_free(&left);
}

/* The first of the API server's addresses that the block holds; NULL: none. */
static const char *api_server_in(struct json_text block, const struct policy_address addresses[],
                                 size_t count)
{
	struct policy_cidr outer, address;
	if (policy_cidr_parse(json_plain(json_get(block, "cidr")), &outer) != NULL)
		return NULL;
	for (size_t i = 0; i < count; i++)
		if (policy_cidr_parse(json_of(addresses[i].cidr), &address) == NULL &&
		    policy_cidr_holds(&outer, &address))
			return addresses[i].cidr;
	return NULL;
}

static void warn_of_nodes(const struct policy_inventory *inventory,
                          struct policy_decision *decision)
{
	struct policy_address addresses[POLICY_APISERVER_MAX];
	struct json_text egress = json_buffer_text(&decision->egress);
	size_t count = policy_apiserver_list(&inventory->apiserver, addresses), rule = 0;
	for (struct json_member m = json_first(egress); m.value.at; m = json_next(m), rule++) {
		struct json_text to = json_get(m.value, "to");
		size_t index = 0;
		for (struct json_member p = json_first(to); p.value.at; p = json_next(p), index++) {
			char path[POLICY_FIELD_SIZE];
			struct json_text block = json_get(p.value, "ipBlock");
			const char *found = api_server_in(block, addresses, count);
			snprintf(path, sizeof path, "%s.egress[%zu].to[%zu].ipBlock.cidr",
			         decision->rules_path, rule, index);
			if (found != NULL)
				policy_problem(&decision->problems, POLICY_WARNING, path,
				               json_get(block, "cidr"),
				               "holds the API server's %.*s: on Cilium blocks hold "
				               "neither nodes nor the API server, which stay denied",
				               (int)strcspn(found, "/"), found);
		}
	}
}

void policy_narrow(const struct policy_inventory *inventory, struct policy_decision *decision)
{
	if (decision->mode != POLICY_MODE_SCOPED || decision->egress_is_dns)
		return;
	if (reads(inventory, POLICY_READS_NAMES_AS_ALL) &&
	    memmem(decision->egress.at, decision->egress.len, "\"port\":\"", 8) != NULL)
		leave_names_out(decision);
	if (reads(inventory, POLICY_READS_NO_NODES))
		warn_of_nodes(inventory, decision);
}

static void ignored(struct policy_gaps *gaps, const char *message)
{
	policy_gap(gaps, POLICY_GAP_TARGET_IGNORES, NULL, "%s", message);
}

/* Of the NetworkPolicy as Cilium takes it in. */
static void find_labels(const struct policy_decision *decision, struct policy_gaps *gaps)
{
	struct json_text egress = json_buffer_text(&decision->egress);
	size_t rule = 0;
	if (!policy_cilium_selector_usable(decision->selector))
		ignored(gaps, "the policy selects its pods by a label that Cilium leaves out of "
		              "identities, or whose key is too long for it: it holds none of them");
	for (struct json_member m = json_first(egress); m.value.at; m = json_next(m), rule++) {
		struct json_text to = json_get(m.value, "to");
		size_t index = 0;
		for (struct json_member p = json_first(to); p.value.at; p = json_next(p), index++)
			if (json_get(p.value, "ipBlock").at == NULL &&
			    !policy_cilium_peer_usable(p.value))
				policy_gap(gaps, POLICY_GAP_TARGET_IGNORES, NULL,
				           "egress[%zu].to[%zu] selects by a label that Cilium "
				           "leaves out of identities, or whose key is too long for "
				           "it: it may hold other pods, or void the policy",
				           rule, index);
	}
}

/* Whether two blocks have an address in common. */
static bool meet(struct json_text a, struct json_text b)
{
	struct policy_cidr x, y;
	if (policy_cidr_parse(json_plain(json_get(a, "cidr")), &x) != NULL ||
	    policy_cidr_parse(json_plain(json_get(b, "cidr")), &y) != NULL)
		return true;
	return policy_cidr_holds(&x, &y) || policy_cidr_holds(&y, &x);
}

/* Whether a block with exceptions meets a peer of another rule with other ports; pods may have any
 * address. Running out of comparisons counts as yes. */
static bool block_mixes(struct json_text egress, struct json_text block, struct json_text ports,
                        size_t own, size_t *pairs)
{
	size_t rule = 0;
	for (struct json_member m = json_first(egress); m.value.at; m = json_next(m), rule++) {
		struct json_text to = json_get(m.value, "to");
		if (rule == own || json_same(json_get(m.value, "ports"), ports))
			continue;
		if (json_is_empty(to))
			return true;
		for (struct json_member p = json_first(to); p.value.at; p = json_next(p)) {
			struct json_text other = json_get(p.value, "ipBlock");
			if (++*pairs > POLICY_READINGS_PAIRS || other.at == NULL ||
			    meet(block, other))
				return true;
		}
	}
	return false;
}

static void find_mixed_blocks(const struct policy_decision *decision, struct policy_gaps *gaps)
{
	struct json_text egress = json_buffer_text(&decision->egress);
	size_t rule = 0, pairs = 0;
	for (struct json_member m = json_first(egress); m.value.at; m = json_next(m), rule++) {
		struct json_text to = json_get(m.value, "to"), ports = json_get(m.value, "ports");
		for (struct json_member p = json_first(to); p.value.at; p = json_next(p)) {
			struct json_text block = json_get(p.value, "ipBlock");
			if (json_is_empty(json_get(block, "except")) ||
			    !block_mixes(egress, block, ports, rule, &pairs))
				continue;
			policy_gap(gaps, POLICY_GAP_TARGET_IGNORES, NULL,
			           "the Amazon VPC CNI may add the ports of egress[%zu] to what its "
			           "block excepts and another rule names",
			           rule);
			break;
		}
	}
}

static bool is_every_port(struct json_text port)
{
	int64_t first, last;
	struct json_text number = json_get(port, "port");
	return json_type(number) <= JSON_NULL ||
	       (json_integer(number, &first) && first == 1 &&
	        json_integer(json_get(port, "endPort"), &last) && last == 65535);
}

/* Whether ports of TCP hold the tunnel's, and not all others as well. */
static bool opens_tunnel(struct json_text ports)
{
	bool tunnel = false;
	for (struct json_member m = json_first(ports); m.value.at; m = json_next(m)) {
		int64_t first, last;
		struct json_text protocol = json_get(m.value, "protocol");
		if (json_type(protocol) == JSON_STRING && !json_equals(protocol, "TCP"))
			continue;
		if (is_every_port(m.value))
			return false;
		if (!json_integer(json_get(m.value, "port"), &first))
			continue;
		if (!json_integer(json_get(m.value, "endPort"), &last))
			last = first;
		tunnel = tunnel || (first <= POLICY_TUNNEL_PORT && POLICY_TUNNEL_PORT <= last);
	}
	return tunnel;
}

static void find_tunnels(const struct policy_decision *decision, struct policy_gaps *gaps)
{
	struct json_text egress = json_buffer_text(&decision->egress);
	size_t rule = 0;
	for (struct json_member m = json_first(egress); m.value.at; m = json_next(m), rule++)
		if (opens_tunnel(json_get(m.value, "ports")))
			policy_gap(gaps, POLICY_GAP_TARGET_IGNORES, NULL,
			           "egress[%zu] allows port %d, through which an ambient mesh "
			           "reaches every port of the pods that it names",
			           rule, POLICY_TUNNEL_PORT);
}

void policy_target_gaps(const struct policy_target *target,
                        const struct policy_inventory *inventory,
                        const struct policy_decision *decision, struct policy_gaps *gaps)
{
	if (decision->mode == POLICY_MODE_NONE)
		return;
	if (reads(inventory, POLICY_READS_NOTHING))
		ignored(gaps, "Flannel enforces no policy: its pods may connect to anywhere");
	if (target->is_of_proxies && reads(inventory, POLICY_READS_NO_SIDECARS))
		ignored(gaps, "pods of an ambient mesh have no sidecar proxy: nothing limits them");
	if (target->is_of_proxies && reads(inventory, POLICY_READS_PROXY_ALONE))
		ignored(gaps, "Istio alone is no boundary: pods can go around their proxy");
	if (target->is_plain && reads(inventory, POLICY_READS_NO_OTHER_LABELS))
		find_labels(decision, gaps);
	if (target->is_plain && reads(inventory, POLICY_READS_BLOCKS_TOGETHER))
		find_mixed_blocks(decision, gaps);
	if (reads(inventory, POLICY_READS_TUNNEL))
		find_tunnels(decision, gaps);
}
