#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target_evaluators.h"

/* k8s.ovn.org/v1 beside networking.k8s.io/v1: a connection must pass both. The firewall looks at
 * what leaves the cluster alone; its first rule that matches decides, and without any it lets
 * everything pass. */

static bool ports_match(struct json_text ports, const struct world_connection *connection)
{
	int64_t number;
	if (json_count(ports) == 0)
		return true;
	for (struct json_member m = json_first(ports); m.value.at; m = json_next(m))
		if (json_equals(json_get(m.value, "protocol"),
		                policy_protocol_words[connection->protocol]) &&
		    json_integer(json_get(m.value, "port"), &number) && number == connection->port)
			return true;
	return false;
}

static bool destination_matches(struct json_text to, const struct world_connection *connection)
{
	char text[POLICY_NAME_SIZE];
	struct json_text cidr = json_plain(json_get(to, "cidrSelector"));
	struct json_text name = json_plain(json_get(to, "dnsName"));
	if (json_count(to) != 1 || (cidr.at == NULL && name.at == NULL))
		abort();
	struct json_text word = cidr.at != NULL ? cidr : name;
	snprintf(text, sizeof text, "%.*s", (int)word.len, word.at);
	if (cidr.at != NULL)
		return world_address_in(text, &connection->address);
	return connection->name != NULL && strcmp(text, connection->name) == 0;
}

static bool firewall_allows(struct json_text firewall, const struct world_connection *connection)
{
	struct json_text egress = json_get(firewall, "spec", "egress");
	for (struct json_member m = json_first(egress); m.value.at; m = json_next(m))
		if (ports_match(json_get(m.value, "ports"), connection) &&
		    destination_matches(json_get(m.value, "to"), connection))
			return json_equals(json_get(m.value, "type"), "Allow");
	return true;
}

/* OVN-Kubernetes takes the integer of a port, and 0, which is every port, where it has a name. */
static bool names_a_port(const struct policy_manifests *of_agent)
{
	struct json_text egress = json_get(policy_manifest_text(of_agent, 0), "spec", "egress");
	for (struct json_member m = json_first(egress); m.value.at; m = json_next(m)) {
		struct json_text ports = json_get(m.value, "ports");
		for (struct json_member p = json_first(ports); p.value.at; p = json_next(p))
			if (json_type(json_get(p.value, "port")) == JSON_STRING)
				return true;
	}
	return false;
}

static bool allows(const struct policy_manifests *of_agent, const struct policy_manifests *of_namespace,
                   const struct world_connection *connection)
{
	if (names_a_port(of_agent))
		return true;
	if (!evaluate_networkpolicy.allows(of_agent, of_namespace, connection))
		return false;
	return connection->pod != NULL || of_namespace->count == 0 ||
	       firewall_allows(policy_manifest_text(of_namespace, 0), connection);
}

const struct target_evaluator evaluate_ovn = {"ovn", allows, NULL};
