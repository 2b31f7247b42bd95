#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target_evaluators.h"

/* networking.istio.io/v1: the proxy of a pod reaches the hosts that its Sidecar lists. A host of
 * the own namespace is what all ServiceEntries say of it together, our own ones here. An entry
 * without resolution passes its addresses on its ports; one that resolves its hosts is told by
 * the name in TLS. */

static bool is(struct json_text value, const char *string)
{
	return json_equals(value, string);
}

/* Is the host listed, as NAMESPACE/HOST? */
static bool lists(struct json_text sidecar, const char *namespace, struct json_text host)
{
	char wanted[2 * POLICY_NAME_SIZE];
	struct json_text listeners = json_get(sidecar, "spec", "egress");
	if (json_count(listeners) != 1)
		abort();
	struct json_text hosts = json_get(json_first(listeners).value, "hosts");
	snprintf(wanted, sizeof wanted, "%s/%.*s", namespace, (int)host.len, host.at);
	for (struct json_member m = json_first(hosts); m.value.at; m = json_next(m))
		if (is(m.value, wanted))
			return true;
	return false;
}

static bool has_port(struct json_text entry, const char *protocol, long port)
{
	int64_t number;
	struct json_text ports = json_get(entry, "spec", "ports");
	if (json_count(ports) == 0)
		abort();
	for (struct json_member m = json_first(ports); m.value.at; m = json_next(m)) {
		if (!is(json_get(m.value, "protocol"), protocol))
			abort();
		if (json_integer(json_get(m.value, "number"), &number) && number == port)
			return true;
	}
	return false;
}

static bool has_address(struct json_text entry, const struct policy_cidr *address)
{
	char cidr[POLICY_NAME_SIZE];
	struct json_text addresses = json_get(entry, "spec", "addresses");
	if (json_count(addresses) == 0)
		abort(); /* it would stand for every address */
	for (struct json_member m = json_first(addresses); m.value.at; m = json_next(m)) {
		struct json_text plain = json_plain(m.value);
		snprintf(cidr, sizeof cidr, "%.*s", (int)plain.len, plain.at);
		if (world_address_in(cidr, address))
			return true;
	}
	return false;
}

static bool entry_allows(struct json_text sidecar, struct json_text entry,
                         const struct world_connection *connection)
{
	struct json_text hosts = json_get(entry, "spec", "hosts");
	bool resolves = is(json_get(entry, "spec", "resolution"), "DNS");
	if (!resolves && !is(json_get(entry, "spec", "resolution"), "NONE"))
		abort();
	for (struct json_member m = json_first(hosts); m.value.at; m = json_next(m)) {
		if (!lists(sidecar, ".", json_plain(m.value)))
			continue;
		if (resolves) {
			if (connection->name != NULL && is(m.value, connection->name) &&
			    has_port(entry, "TLS", connection->port))
				return true;
		} else if (has_port(entry, "TCP", connection->port) &&
		           has_address(entry, &connection->address)) {
			return true;
		}
	}
	return false;
}

static bool allows(const struct policy_manifests *of_agent, const struct policy_manifests *of_namespace,
                   const struct world_connection *connection)
{
	struct json_text sidecar = policy_manifest_text(of_agent, 0);
	struct json_text mode = json_get(sidecar, "spec", "outboundTrafficPolicy", "mode");
	(void)of_namespace;
	if (json_count(json_get(sidecar, "spec", "workloadSelector", "labels")) == 0)
		abort(); /* it would hold for the whole namespace */
	if (is(mode, "ALLOW_ANY"))
		return true;
	if (!is(mode, "REGISTRY_ONLY") || lists(sidecar, "*", json_of("*")))
		abort();
	for (size_t i = 1; i < of_agent->count; i++)
		if (entry_allows(sidecar, policy_manifest_text(of_agent, i), connection))
			return true;
	return false;
}

static bool judges(const struct world_connection *connection)
{
	return connection->protocol == POLICY_TCP;
}

const struct target_evaluator evaluate_istio = {"istio", allows, judges};
