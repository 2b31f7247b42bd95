/* Proposals as YAML: cards for kubectl, with what a reviewer must know as comments, since the cards themselves are
 * read by more people than the logs. */
#include <stdlib.h>
#include <string.h>

#include "flows/propose_private.h"
#include "json/write.h"
#include "rules/rules.h"
#include "yaml/write.h"

enum { DAYS_ENOUGH = 7, FLOWS_ENOUGH = 3 };

/* The rule as JSON: an element of egress, or of domains. */
static void put_rule(const struct proposed_peer *peer, struct json_buffer *out)
{
	const char *text = peer->text + 1, *labels = strchr(text, '\n');
	json_putc(out, '{');
	if (peer->kind == PROPOSED_NAME) {
		json_putf(out, "\"names\":[\"%s\"]", text);
	} else if (peer->kind == PROPOSED_BLOCK) {
		json_putf(out, "\"to\":[{\"ipBlock\":{\"cidr\":\"%s/%d\"}}]", text, strchr(text, ':') != NULL ? 128 : 32);
	} else {
		json_putf(out, "\"to\":[{\"namespaceSelector\":{\"matchLabels\":{\"kubernetes.io/metadata.name\":\"%.*s\"}},", (int)(labels - text), text);
		json_putf(out, "\"podSelector\":{\"matchLabels\":%s}}]", labels + 1);
	}
	json_puts(out, ",\"ports\":[");
	for (const struct proposed_port *port = peer->ports; port != NULL; port = port->next) {
		json_put_comma(out);
		json_putf(out, "{\"port\":%u,\"protocol\":\"%s\"}", port->port, flow_protocol_words[port->protocol]);
	}
	json_puts(out, "]}");
}

/* What was seen may be no rule: port 0, a name that is no host's. */
static bool is_rule(const struct proposed_peer *peer)
{
	struct json_buffer text = {0};
	struct policy_problems problems = {0};
	if (peer->kind == PROPOSED_LISTED)
		return false;
	json_puts(&text, peer->kind == PROPOSED_NAME ? "{\"domains\":[" : "{\"egress\":[");
	put_rule(peer, &text);
	json_puts(&text, "]}");
	bool valid = json_check(json_buffer_text(&text), &json_record_limits, NULL) &&
	             policy_rules_read(json_buffer_text(&text), &problems).valid;
	json_buffer_free(&text);
	policy_problems_free(&problems);
	return valid;
}

static uint64_t flows_of(const struct proposed_peer *peer, uint64_t *unjudged, uint64_t *denied, uint64_t *undirected)
{
	uint64_t flows = 0;
	*unjudged = *denied = *undirected = 0;
	for (const struct proposed_port *port = peer->ports; port != NULL; port = port->next) {
		flows += port->flows;
		*unjudged += port->unjudged;
		*denied += port->denied;
		*undirected += port->undirected;
	}
	return flows;
}

static void put_part(struct json_buffer *out, uint64_t flows, const char *what)
{
	if (flows > 0)
		json_putf(out, ", %llu %s", (unsigned long long)flows, what);
}

static void put_flows(const struct proposed_peer *peer, struct json_buffer *out)
{
	uint64_t unjudged, denied, undirected, flows = flows_of(peer, &unjudged, &denied, &undirected);
	json_putf(out, "%llu %s", (unsigned long long)flows, flows == 1 ? "flow" : "flows");
	put_part(out, denied, "of them denied");
	put_part(out, unjudged, "without a verdict");
	put_part(out, undirected, "of unknown direction");
}

/* What the rule allows that was not seen. */
static void put_generality(const struct proposed_peer *peer, struct json_buffer *out)
{
	const char *seen = peer->seen != NULL ? peer->seen : "none";
	if (peer->kind == PROPOSED_PODS)
		json_putf(out, "; allows every pod with these labels, of which %s%s seen", seen, peer->others > 0 ? " and others were" : " was");
	else if (peer->kind == PROPOSED_NAME)
		json_putf(out, "; allows every address of the name, of which %s%s seen", seen, peer->others > 0 ? " and others were" : " was");
}

/* An element of a sequence, six columns in. */
static void put_yaml(struct json_text json, struct json_buffer *out)
{
	struct json_buffer yaml = {0};
	if (!kube_yaml_write(json, &yaml))
		abort();
	for (size_t at = 0; at < yaml.len;) {
		const char *end = memchr(yaml.at + at, '\n', yaml.len - at);
		size_t len = end == NULL ? yaml.len - at : (size_t)(end - yaml.at) - at;
		json_puts(out, at == 0 ? "    - " : "      ");
		json_put(out, yaml.at + at, len);
		json_putc(out, '\n');
		at += len + 1;
	}
	json_buffer_free(&yaml);
}

static void put_rules(const struct proposed_agent *agent, bool names, struct json_buffer *out)
{
	struct json_buffer rule = {0};
	bool first = true;
	for (const struct proposed_peer *peer = agent->peers; peer != NULL; peer = peer->hh.next) {
		if (!is_rule(peer) || (peer->kind == PROPOSED_NAME) != names)
			continue;
		if (first)
			json_puts(out, names ? "    domains:\n" : "    egress:\n");
		first = false;
		json_puts(out, "    # ");
		put_flows(peer, out);
		put_generality(peer, out);
		json_putc(out, '\n');
		rule.len = 0;
		put_rule(peer, &rule);
		put_yaml(json_buffer_text(&rule), out);
	}
	json_buffer_free(&rule);
}

static size_t count_rules(const struct proposed_agent *agent)
{
	size_t count = 0;
	for (const struct proposed_peer *peer = agent->peers; peer != NULL; peer = peer->hh.next)
		count += is_rule(peer);
	return count;
}

static bool is_thin(const struct proposed_agent *agent)
{
	uint64_t parts[3];
	if (agent->first < 0 || agent->last - agent->first < DAYS_ENOUGH * INT64_C(86400000000000))
		return true;
	for (const struct proposed_peer *peer = agent->peers; peer != NULL; peer = peer->hh.next)
		if (is_rule(peer) && flows_of(peer, &parts[0], &parts[1], &parts[2]) < FLOWS_ENOUGH)
			return true;
	return false;
}

static void put_listed(const struct proposed_agent *agent, struct json_buffer *out)
{
	for (const struct proposed_peer *peer = agent->peers; peer != NULL; peer = peer->hh.next) {
		if (is_rule(peer))
			continue;
		json_puts(out, "# not proposed: ");
		json_puts(out, peer->why != NULL ? peer->why : "what no rule can hold");
		json_puts(out, ", ");
		for (const char *c = peer->text + 1; *c != '\0'; c++)
			json_putc(out, *c == '\n' ? ' ' : *c);
		for (const struct proposed_port *port = peer->ports; port != NULL; port = port->next)
			json_putf(out, "%s%u/%s", port == peer->ports ? " " : ", ", port->port, flow_protocol_words[port->protocol]);
		json_puts(out, ": ");
		put_flows(peer, out);
		json_putc(out, '\n');
	}
}

static void put_head(const struct proposed_agent *agent, struct json_buffer *out)
{
	char first[FLOW_TIME_SIZE] = "", last[FLOW_TIME_SIZE] = "";
	json_putf(out, "# %s/%s, %s %s: %llu flows", agent->namespace, agent->name, agent->kind, agent->workload,
	          (unsigned long long)agent->flows);
	if (agent->first >= 0) {
		flow_time_format(agent->first, first);
		flow_time_format(agent->last, last);
		json_putf(out, " from %s to %s", first, last);
	}
	json_putc(out, '\n');
	if (agent->denied > 0)
		json_putf(out, "# %llu denied flows do not count; see --denied\n", (unsigned long long)agent->denied);
	if (agent->unverified > 0)
		json_putf(out, "# %llu flows of a time when the agent was not verified do not count\n", (unsigned long long)agent->unverified);
	if (agent->has_rules)
		json_puts(out, "# the card has rules already; these would replace them\n");
	if (is_thin(agent))
		json_puts(out, "# little was seen: less than seven days, or a rule of fewer than three flows\n");
}

static void put_agent(const struct proposed_agent *agent, struct json_buffer *out)
{
	json_puts(out, "---\n");
	put_head(agent, out);
	if (agent->incomplete) {
		json_puts(out, "# no rules: it had more destinations than were kept, and rules would cut those off\n");
		return;
	}
	put_listed(agent, out);
	if (count_rules(agent) == 0) {
		json_puts(out, "# no rules: nothing that was seen can be proposed\n");
		return;
	}
	json_putf(out, "apiVersion: %s\nkind: AgentCard\nmetadata:\n  name: \"%s\"\n  namespace: \"%s\"\nspec:\n  networkPolicy:\n",
	          agent->api_version, agent->name, agent->namespace);
	put_rules(agent, false, out);
	put_rules(agent, true, out);
}

void flow_proposals_put(const struct flow_proposals *proposals, struct json_buffer *out)
{
	for (const struct proposed_agent *agent = proposals->agents; agent != NULL; agent = agent->hh.next)
		if (!agent->gone && agent->flows + agent->denied + agent->unverified > 0)
			put_agent(agent, out);
}

struct flow_proposals_count flow_proposals_count(const struct flow_proposals *proposals)
{
	struct flow_proposals_count count = {.unmatched = proposals->unmatched};
	for (const struct proposed_agent *agent = proposals->agents; agent != NULL; agent = agent->hh.next) {
		bool proposed = !agent->gone && !agent->incomplete && count_rules(agent) > 0;
		count.agents += proposed;
		count.incomplete += agent->incomplete;
		count.thin += proposed && is_thin(agent);
	}
	return count;
}
