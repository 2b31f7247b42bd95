/* projectcalico.org/v3, GlobalNetworkPolicy, as docs.tigera.io describes it: selectors in its own
 * language over the labels of pods and of network sets, with those that Calico adds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "target_evaluators.h"

/* What a selector may find. */
struct labelled {
	char labels[1024], namespace_labels[1024];
};

static char *text_of(struct json_text string, char text[2048])
{
	size_t len = 0;
	char *decoded = json_string(string, &len);
	assert_non_null(decoded);
	assert_in_range(len, 0, 1024);
	snprintf(text, 2048, "%s", decoded);
	free(decoded);
	return text;
}

static void add_label(char labels[1024], const char *from, const char *key, const char *value)
{
	snprintf(labels, 1024, "%.*s%s\"%s\":\"%s\"}", (int)strlen(from) - 1, from,
	         strcmp(from, "{}") == 0 ? "" : ",", key, value);
}

/* Every address outside of the cluster is of a network set that is labelled as a pod might be. */
static void find_labels(const struct world_connection *connection, struct labelled *found)
{
	const struct world_pod *pod = connection->pod;
	const char *namespace = pod == NULL ? WORLD_SPACE : pod->namespace;
	add_label(found->namespace_labels, pod == NULL ? WORLD_SPACE_LABELS : pod->namespace_labels,
	          "projectcalico.org/name", namespace);
	if (pod == NULL)
		snprintf(found->labels, sizeof found->labels,
		         "{\"app\":\"web\",\"tier\":\"prod\"}");
	else
		add_label(found->labels, pod->labels, "projectcalico.org/orchestrator", "k8s");
}

static void skip_blanks(const char **at)
{
	*at += strspn(*at, " ");
}

static bool take(const char **at, const char *word)
{
	skip_blanks(at);
	if (strncmp(*at, word, strlen(word)) != 0)
		return false;
	*at += strlen(word);
	return true;
}

static void take_word(const char **at, const char *of, char word[POLICY_NAME_SIZE])
{
	size_t len = strspn(*at, of);
	assert_in_range(len, 0, POLICY_NAME_SIZE - 1);
	snprintf(word, POLICY_NAME_SIZE, "%.*s", (int)len, *at);
	*at += len;
}

static void take_key(const char **at, char key[POLICY_NAME_SIZE])
{
	skip_blanks(at);
	take_word(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./", key);
	assert_true(key[0] != '\0');
}

/* Takes 'value', and says whether the label has it. */
static bool take_value(const char **at, struct json_text label)
{
	char value[POLICY_NAME_SIZE];
	assert_true(take(at, "'"));
	take_word(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.", value);
	assert_true(**at == '\'');
	(*at)++;
	return json_equals(label, value);
}

static bool take_set(const char **at, struct json_text label)
{
	bool found = false;
	assert_true(take(at, "{"));
	do
		found = take_value(at, label) || found;
	while (take(at, ","));
	assert_true(take(at, "}"));
	return found;
}

static struct json_text label_of(const char *labels, const char *key)
{
	return json_get(json_of(labels), key);
}

static bool take_has(const char **at, const char *labels)
{
	char key[POLICY_NAME_SIZE];
	take_key(at, key);
	assert_true(take(at, ")"));
	return label_of(labels, key).at != NULL;
}

static bool take_term(const char **at, const char *labels)
{
	char key[POLICY_NAME_SIZE];
	if (take(at, "all()"))
		return true;
	if (take(at, "!has("))
		return !take_has(at, labels);
	if (take(at, "has("))
		return take_has(at, labels);
	take_key(at, key);
	if (take(at, "=="))
		return take_value(at, label_of(labels, key));
	if (take(at, "not in"))
		return !take_set(at, label_of(labels, key));
	assert_true(take(at, "in"));
	return take_set(at, label_of(labels, key));
}

static bool selected(const char *expression, const char *labels)
{
	bool all = true;
	const char *at = expression;
	do
		all = take_term(&at, labels) && all;
	while (take(&at, "&&"));
	if (*at != '\0')
		fail_msg("not understood: %s", expression);
	return all;
}

static bool any_net(struct json_text nets, const struct world_connection *connection)
{
	char net[2048];
	for (struct json_member m = json_first(nets); m.value.at; m = json_next(m)) {
		for (struct json_member n = json_next(m); n.value.at; n = json_next(n))
			assert_false(json_same(m.value, n.value));
		if (world_address_in(text_of(m.value, net), &connection->address))
			return true;
	}
	return false;
}

static bool port_covers(struct json_text port, const struct world_connection *connection)
{
	char text[2048], *end = NULL;
	int64_t number;
	if (json_integer(port, &number))
		return number == connection->port;
	text_of(port, text);
	long first = strtol(text, &end, 10);
	if (*end == ':' && end > text)
		return first <= connection->port && connection->port <= strtol(end + 1, NULL, 10);
	return world_port_named(connection->pod, text, connection->protocol, connection->port);
}

static bool ports_cover(struct json_text ports, const struct world_connection *connection)
{
	assert_in_range(json_count(ports), 1, 50);
	for (struct json_member m = json_first(ports); m.value.at; m = json_next(m))
		if (port_covers(m.value, connection))
			return true;
	return false;
}

static bool member_matches(struct json_text key, struct json_text value,
                           const struct world_connection *connection, const struct labelled *found)
{
	char text[2048];
	if (json_equals(key, "nets"))
		return any_net(value, connection);
	if (json_equals(key, "notNets"))
		return !any_net(value, connection);
	if (json_equals(key, "ports"))
		return ports_cover(value, connection);
	if (json_equals(key, "selector"))
		return selected(text_of(value, text), found->labels);
	assert_true(json_equals(key, "namespaceSelector"));
	return selected(text_of(value, text), found->namespace_labels);
}

static bool rule_allows(struct json_text rule, const struct world_connection *connection,
                        const struct labelled *found)
{
	static const char *const protocols[] = {"TCP", "UDP", "SCTP"};
	struct json_text protocol = json_get(rule, "protocol"), to = json_get(rule, "destination");
	bool matches =
	        protocol.at == NULL || json_equals(protocol, protocols[connection->protocol]);
	assert_true(json_equals(json_get(rule, "action"), "Allow"));
	assert_int_equal(json_count(rule), 1 + (protocol.at != NULL) + (to.at != NULL));
	/* ports are those of a protocol */
	assert_true(protocol.at != NULL || json_get(to, "ports").at == NULL);
	for (struct json_member m = json_first(to); m.value.at; m = json_next(m))
		matches = member_matches(m.key, m.value, connection, found) && matches;
	return matches;
}

static bool holds_agent(struct json_text spec)
{
	struct labelled agent;
	char text[2048];
	add_label(agent.labels, "{\"app\":\"agent\"}", "projectcalico.org/orchestrator", "k8s");
	add_label(agent.namespace_labels, WORLD_SPACE_LABELS, "projectcalico.org/name", WORLD_SPACE);
	return selected(text_of(json_get(spec, "selector"), text), agent.labels) &&
	       selected(text_of(json_get(spec, "namespaceSelector"), text), agent.namespace_labels);
}

static bool allows(const struct policy_manifests *of_agent, const struct policy_manifests *of_namespace,
                   const struct world_connection *connection)
{
	struct json_text spec = json_get(policy_manifest_text(of_agent, 0), "spec");
	struct json_text egress = json_get(spec, "egress");
	struct labelled found;
	(void)of_namespace;
	assert_true(json_same(json_get(spec, "types"), json_of("[\"Ingress\",\"Egress\"]")));
	assert_true(holds_agent(spec));
	assert_in_range(json_count(egress), 0, 1024);
	find_labels(connection, &found);
	for (struct json_member m = json_first(egress); m.value.at; m = json_next(m))
		if (rule_allows(m.value, connection, &found))
			return true;
	return false;
}

const struct target_evaluator evaluate_calico = {.target = "calico", .allows = allows};
