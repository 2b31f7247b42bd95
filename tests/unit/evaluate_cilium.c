/* cilium.io/v2, CiliumNetworkPolicy, as docs.cilium.io describes it: identities by labels; a
 * section is enforced once it has a rule; the destinations of a rule are of one sort; CIDRs match
 * what is neither a pod nor a node; names are learned from the answers to allowed queries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "target_evaluators.h"

#define POD_SPACE "k8s:io.kubernetes.pod.namespace"
#define SPACE_LABELS "k8s:io.cilium.k8s.namespace.labels."

struct scene {
	struct json_text egress;
	const struct world_connection *connection;
	char labels[1024]; /* of the destination's identity */
};

static char *text_of(struct json_text string, char text[POLICY_NAME_SIZE])
{
	struct json_text plain = json_plain(string);
	assert_non_null(plain.at);
	snprintf(text, POLICY_NAME_SIZE, "%.*s", (int)plain.len, plain.at);
	return text;
}

static void put_labels(struct json_buffer *out, const char *prefix, const char *labels)
{
	for (struct json_member m = json_first(json_of(labels)); m.value.at; m = json_next(m)) {
		struct json_text key = json_plain(m.key);
		/* not relevant for identities unless somebody says so */
		if (strcmp(prefix, "k8s:") == 0 &&
		    strncmp(key.at, "pod-template-hash", key.len) == 0)
			continue;
		json_putf(out, ",\"%s%.*s\":%.*s", prefix, (int)key.len, key.at, (int)m.value.len,
		          m.value.at);
	}
}

static void identify(struct scene *scene)
{
	const struct world_pod *pod = scene->connection->pod;
	struct json_buffer out = {0};
	if (pod == NULL) {
		snprintf(scene->labels, sizeof scene->labels, "{\"reserved:%s\":\"\"}",
		         scene->connection->is_api_server ? "kube-apiserver" : "world");
		return;
	}
	json_putf(&out, "{\"" POD_SPACE "\":\"%s\"", pod->namespace);
	put_labels(&out, "k8s:", pod->labels);
	put_labels(&out, SPACE_LABELS, pod->namespace_labels);
	json_puts(&out, "}");
	snprintf(scene->labels, sizeof scene->labels, "%.*s", (int)out.len, out.at);
	json_buffer_free(&out);
}

static bool is_of_namespaces(struct json_text key)
{
	char text[POLICY_NAME_SIZE];
	text_of(key, text);
	return strcmp(text, POD_SPACE) == 0 ||
	       strncmp(text, SPACE_LABELS, strlen(SPACE_LABELS)) == 0;
}

/* A selector that says nothing of namespaces is for the policy's own. */
static bool endpoint_selected(struct json_text selector, const struct scene *scene)
{
	bool namespaces = false;
	struct json_text labels = json_get(selector, "matchLabels"),
	                 expressions = json_get(selector, "matchExpressions");
	for (struct json_member m = json_first(labels); m.value.at; m = json_next(m))
		namespaces = namespaces || is_of_namespaces(m.key);
	for (struct json_member m = json_first(expressions); m.value.at; m = json_next(m))
		namespaces = namespaces || is_of_namespaces(json_get(m.value, "key"));
	if (!namespaces &&
	    !world_selects(json_of("{\"matchLabels\":{\"" POD_SPACE "\":\"" WORLD_SPACE "\"}}"),
	                   scene->labels))
		return false;
	return world_selects(selector, scene->labels);
}

static bool in_cidr_set(struct json_text element, const struct scene *scene)
{
	char cidr[POLICY_NAME_SIZE];
	struct json_text except = json_get(element, "except");
	if (scene->connection->pod != NULL || scene->connection->is_api_server ||
	    !world_address_in(text_of(json_get(element, "cidr"), cidr),
	                      &scene->connection->address))
		return false;
	for (struct json_member m = json_first(except); m.value.at; m = json_next(m))
		if (world_address_in(text_of(m.value, cidr), &scene->connection->address))
			return false;
	return true;
}

static bool is_entity(struct json_text entity, const struct scene *scene)
{
	if (json_equals(entity, "all"))
		return true;
	if (!json_equals(entity, "kube-apiserver"))
		fail_msg("entity %.*s", (int)entity.len, entity.at);
	return scene->connection->is_api_server;
}

static bool name_matches(struct json_text element, const char *name)
{
	char pattern[2 * POLICY_NAME_SIZE], text[POLICY_NAME_SIZE];
	struct json_text exact = json_get(element, "matchName");
	if (exact.at != NULL)
		return json_equals(exact, name);
	text_of(json_get(element, "matchPattern"), text);
	assert_int_equal(strncmp(text, "**.", 3), 0);
	assert_null(strchr(text + 2, '*'));
	snprintf(pattern, sizeof pattern, "%s", text + 1);
	return world_name_matches(pattern, name);
}

/* May the name be asked for? */
static bool may_query(const struct scene *scene)
{
	for (struct json_member rule = json_first(scene->egress); rule.value.at;
	     rule = json_next(rule)) {
		struct json_text ports = json_first(json_get(rule.value, "toPorts")).value;
		struct json_text names = json_get(ports, "rules", "dns");
		for (struct json_member m = json_first(names); m.value.at; m = json_next(m))
			if (name_matches(m.value, scene->connection->name))
				return true;
	}
	return false;
}

static bool is_named(struct json_text element, const struct scene *scene)
{
	const struct world_connection *connection = scene->connection;
	return connection->name != NULL && name_matches(element, connection->name) &&
	       may_query(scene);
}

static bool port_covers(struct json_text port, const struct world_connection *connection)
{
	static const char *const protocols[] = {"TCP", "UDP", "SCTP"};
	char text[POLICY_NAME_SIZE];
	int64_t last;
	text_of(json_get(port, "port"), text);
	if (!json_equals(json_get(port, "protocol"), protocols[connection->protocol]))
		return false;
	if (text[strspn(text, "0123456789")] != '\0')
		return world_port_named(connection->pod, text, connection->protocol,
		                        connection->port);
	long first = strtol(text, NULL, 10);
	assert_true(first > 0);
	if (!json_integer(json_get(port, "endPort"), &last))
		last = first;
	return first <= connection->port && connection->port <= last;
}

static bool ports_cover(struct json_text to_ports, const struct world_connection *connection)
{
	bool covered = to_ports.at == NULL;
	for (struct json_member m = json_first(to_ports); m.value.at; m = json_next(m)) {
		struct json_text ports = json_get(m.value, "ports");
		assert_in_range(json_count(ports), 1, 40);
		for (struct json_member p = json_first(ports); p.value.at; p = json_next(p))
			covered = covered || port_covers(p.value, connection);
	}
	return covered;
}

static const struct {
	const char *member;
	bool (*matches)(struct json_text element, const struct scene *scene);
} sorts[] = {
        {"toEndpoints", endpoint_selected},
        {"toCIDRSet", in_cidr_set},
        {"toEntities", is_entity},
        {"toFQDNs", is_named},
};

static bool rule_allows(struct json_text rule, const struct scene *scene)
{
	size_t known = 0;
	bool matches = false;
	struct json_text ports = json_get(rule, "toPorts");
	for (size_t i = 0; i < sizeof sorts / sizeof sorts[0]; i++) {
		struct json_text list = json_get(rule, sorts[i].member);
		known += list.at != NULL;
		for (struct json_member m = json_first(list); m.value.at; m = json_next(m))
			matches = matches || sorts[i].matches(m.value, scene);
	}
	assert_int_equal(json_count(rule), known + (ports.at != NULL));
	/* an empty rule is for nothing; one for ports alone we do not write */
	assert_true(known == 1 || (known == 0 && ports.at == NULL));
	return matches && ports_cover(ports, scene->connection);
}

static bool allows(const struct policy_manifests *of_agent, const struct policy_manifests *of_namespace,
                   const struct world_connection *connection)
{
	struct json_text spec = json_get(policy_manifest_text(of_agent, 0), "spec");
	struct scene scene = {.egress = json_get(spec, "egress"), .connection = connection};
	(void)of_namespace;
	assert_true(world_selects(json_get(spec, "endpointSelector"), "{\"k8s:app\":\"agent\"}"));
	assert_true(json_count(json_get(spec, "ingress")) > 0);
	if (json_count(scene.egress) == 0)
		return true;
	identify(&scene);
	for (struct json_member m = json_first(scene.egress); m.value.at; m = json_next(m))
		if (rule_allows(m.value, &scene))
			return true;
	return false;
}

const struct target_evaluator evaluate_cilium = {.target = "cilium", .allows = allows};
