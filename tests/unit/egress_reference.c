/* What NetworkPolicy and `domains` say of a connection: as plain as it can be said. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "egress_world.h"
#include "rules/rules.h"
#include "json/json.h"

static bool is_set(struct json_text value)
{
	return json_type(value) > JSON_NULL;
}

static char *text_of(struct json_text string, char text[POLICY_NAME_SIZE])
{
	struct json_text plain = json_plain(string);
	snprintf(text, POLICY_NAME_SIZE, "%.*s", (int)plain.len, plain.at == NULL ? "" : plain.at);
	return text;
}

static bool port_matches(struct json_text port, const struct world_connection *connection)
{
	static const char *const protocols[] = {"TCP", "UDP", "SCTP"};
	char name[POLICY_NAME_SIZE];
	int64_t first, last;
	struct json_text protocol = json_get(port, "protocol"), number = json_get(port, "port");
	if (!json_equals(protocol, protocols[connection->protocol]))
		return false;
	if (!is_set(number))
		return true;
	if (json_type(number) == JSON_STRING)
		return world_port_named(connection->pod, text_of(number, name),
		                        connection->protocol, connection->port);
	if (!json_integer(number, &first))
		abort();
	if (!json_integer(json_get(port, "endPort"), &last))
		last = first;
	return first <= connection->port && connection->port <= last;
}

static enum policy_answer block_covers(struct json_text block,
                                       const struct world_connection *connection)
{
	char cidr[POLICY_NAME_SIZE];
	struct json_text except = json_get(block, "except");
	if (!world_address_in(text_of(json_get(block, "cidr"), cidr), &connection->address))
		return POLICY_DENIED;
	for (struct json_member m = json_first(except); m.value.at; m = json_next(m))
		if (world_address_in(text_of(m.value, cidr), &connection->address))
			return POLICY_DENIED;
	return connection->pod == NULL ? POLICY_ALLOWED : POLICY_UNKNOWN;
}

static enum policy_answer peer_covers(struct json_text peer,
                                      const struct world_connection *connection)
{
	struct json_text block = json_get(peer, "ipBlock"),
	                 namespaces = json_get(peer, "namespaceSelector"),
	                 selector = json_get(peer, "podSelector");
	const struct world_pod *pod = connection->pod;
	if (is_set(block))
		return block_covers(block, connection);
	if (pod == NULL)
		return POLICY_DENIED;
	bool in_namespace = is_set(namespaces) ? world_selects(namespaces, pod->namespace_labels)
	                               : strcmp(pod->namespace, WORLD_SPACE) == 0;
	bool selected = !is_set(selector) || world_selects(selector, pod->labels);
	return in_namespace && selected ? POLICY_ALLOWED : POLICY_DENIED;
}

/* A part of the rules: egress[rule].to[item] and .ports[port], or .names[item]; -1: none. */
struct part {
	const char *list, *items;
	int rule, item, port;
};

/* Takes "word[index]" off the path's front, or "word" alone with nothing behind; the path is then
 * about this or something above it. */
static bool step_into(const char **path, const char *word, int index)
{
	char *end = NULL;
	size_t len = strlen(word);
	if (strncmp(*path, word, len) != 0)
		return false;
	*path += len;
	if (**path != '[')
		return **path == '\0';
	bool same = strtol(*path + 1, &end, 10) == index;
	*path = end[1] == '.' ? end + 2 : end + 1;
	return same;
}

static bool is_about(const char *path, const struct part *part)
{
	size_t root = strlen(POLICY_RULES_PATH);
	if (path[0] == '\0' || strcmp(path, POLICY_RULES_PATH) == 0)
		return true;
	if (strncmp(path, POLICY_RULES_PATH ".", root + 1) != 0)
		return false;
	path += root + 1;
	if (!step_into(&path, part->list, part->rule))
		return false;
	if (strncmp(path, part->items, strlen(part->items)) == 0)
		return step_into(&path, part->items, part->item);
	if (strncmp(path, "ports", strlen("ports")) == 0)
		return step_into(&path, "ports", part->port);
	return true;
}

/* What is allowed by a part that a problem is about may be denied. */
static enum policy_answer less_problems(enum policy_answer answer, struct part part,
                                        struct json_text problems)
{
	char path[POLICY_NAME_SIZE];
	for (struct json_member m = json_first(problems); m.value.at; m = json_next(m))
		if (answer == POLICY_ALLOWED &&
		    is_about(text_of(json_get(m.value, "field"), path), &part))
			return POLICY_UNKNOWN;
	return answer;
}

static enum policy_answer max(enum policy_answer a, enum policy_answer b)
{
	return a > b ? a : b;
}

/* Of a rule's item that covers the destination: by which of its ports? */
static enum policy_answer ports_allow(struct json_text rule, enum policy_answer covered,
                                      struct part part, const struct world_connection *connection,
                                      struct json_text problems)
{
	enum policy_answer best = POLICY_DENIED;
	struct json_text ports = json_get(rule, "ports");
	if (json_count(ports) == 0)
		return less_problems(covered, part, problems);
	for (struct json_member m = json_first(ports); m.value.at; m = json_next(m)) {
		part.port++;
		if (port_matches(m.value, connection))
			best = max(best, less_problems(covered, part, problems));
	}
	return best;
}

static enum policy_answer rule_allows(struct json_text rule, int index,
                                      const struct world_connection *connection,
                                      struct json_text problems)
{
	enum policy_answer best = POLICY_DENIED;
	struct json_text to = json_get(rule, "to");
	struct part part = {"egress", "to", index, -1, -1};
	if (json_count(to) == 0)
		return ports_allow(rule, POLICY_ALLOWED, part, connection, problems);
	for (struct json_member m = json_first(to); m.value.at; m = json_next(m)) {
		part.item++;
		best = max(best, ports_allow(rule, peer_covers(m.value, connection), part,
		                             connection, problems));
	}
	return best;
}

static enum policy_answer domain_allows(struct json_text domain, int index,
                                        const struct world_connection *connection,
                                        struct json_text problems)
{
	char name[POLICY_NAME_SIZE];
	enum policy_answer best = POLICY_DENIED;
	struct json_text names = json_get(domain, "names");
	struct part part = {"domains", "names", index, -1, -1};
	for (struct json_member m = json_first(names); m.value.at; m = json_next(m)) {
		part.item++;
		if (connection->name != NULL &&
		    world_name_matches(text_of(m.value, name), connection->name))
			best = max(best,
			           ports_allow(domain, POLICY_ALLOWED, part, connection, problems));
	}
	return best;
}

/* The cluster's DNS, which names need; a problem about a rule that is not the card's is about it. */
static enum policy_answer dns_allows(const struct world_rules *rules,
                                     const struct world_connection *connection,
                                     struct json_text problems)
{
	char path[POLICY_NAME_SIZE];
	bool is_dns = connection->pod != NULL && connection->pod->is_dns &&
	              connection->port == 53 && connection->protocol != POLICY_SCTP;
	if (!is_dns || json_count(json_buffer_text(&rules->domains)) == 0)
		return POLICY_DENIED;
	for (struct json_member m = json_first(problems); m.value.at; m = json_next(m))
		if (strncmp(text_of(json_get(m.value, "field"), path), "spec.egress[", 12) == 0)
			return POLICY_UNKNOWN;
	return rules->egress.len == 0 ? POLICY_ALLOWED : POLICY_UNKNOWN;
}

enum policy_answer world_reference(const struct world_rules *rules,
                                   const struct world_connection *connection,
                                   struct json_text problems)
{
	enum policy_answer best = dns_allows(rules, connection, problems);
	int index = 0;
	struct json_text egress = json_buffer_text(&rules->egress),
	                 domains = json_buffer_text(&rules->domains);
	if (rules->egress.len == 0 && rules->domains.len == 0)
		return POLICY_ALLOWED;
	for (struct json_member m = json_first(egress); m.value.at; m = json_next(m))
		best = max(best, rule_allows(m.value, index++, connection, problems));
	index = 0;
	for (struct json_member m = json_first(domains); m.value.at; m = json_next(m))
		best = max(best, domain_allows(m.value, index++, connection, problems));
	return best;
}
