/* What became of flows, for people and as JSON. */
#include <string.h>

#include "explain/flows.h"
#include "explain/flows_private.h"
#include "explain/words.h"
#include "json/write.h"

static const char *const fate_words[] = {"allowed", "CUT", "UNKNOWN", "denied"};
static const char *const fate_keys[] = {"allowed", "cut", "unknown", "denied"};
static const char *const recorded_words[] = {"no verdict", "passed", "was denied"};

/* The flow that a destination stands for. */
static struct flow flow_of(const struct judged *judged)
{
	struct flow flow = {0};
	struct json_text text = {judged->text.at, judged->text.len - 1};
	if (flow_read(text, &flow) != NULL)
		abort(); /* flow_put() wrote it */
	return flow;
}

/* "finance/ledger:8080/TCP", "203.0.113.7:443/TCP (api.example.com)" */
static void put_destination(struct json_buffer *out, const struct flow *flow)
{
	const struct flow_peer *to = &flow->destination;
	bool six = strchr(to->ip, ':') != NULL;
	if (to->namespace.at != NULL) {
		json_puttext(out, to->namespace);
		json_putc(out, '/');
		json_puttext(out, to->workload.at != NULL ? to->workload : to->pod);
	} else {
		json_putf(out, six ? "[%s]" : "%s", to->ip[0] == '\0' ? "?" : to->ip);
	}
	json_putf(out, ":%u/%s", flow->port, flow_protocol_words[flow->protocol]);
}

static void put_names(struct json_buffer *out, const struct flow *flow)
{
	bool any = false;
	for (struct json_member m = json_first(flow->names); m.value.at != NULL; m = json_next(m)) {
		json_puts(out, any ? ", " : " (");
		json_puttext(out, json_plain(m.value));
		any = true;
	}
	json_puts(out, any ? ")" : "");
}

static void put_why(struct json_buffer *out, const struct judged *judged)
{
	if (judged->policy != NULL) {
		bool denies = judged->match.answer == POLICY_DENIED;
		json_putf(out, denies ? "; nearest is %s " : "; by %s ", judged->policy->key);
		explain_put_rule_path(out, &judged->match);
	}
	if (judged->why != NULL)
		json_putf(out, ": %s", judged->why);
	else if (judged->policy == NULL && judged->fate != EXPLAIN_PASSES)
		json_puts(out, ": no rule comes near");
}

static void put_times(struct json_buffer *out, const struct judged *judged)
{
	char last[FLOW_TIME_SIZE];
	if (judged->last < 0)
		return;
	flow_time_format(judged->last, last);
	json_putf(out, ", last %s", last);
}

static void put_judged(struct json_buffer *out, const struct judged *judged)
{
	struct flow flow = flow_of(judged);
	json_putf(out, "    %-8s %8llu  ", fate_words[judged->fate], (unsigned long long)judged->count);
	put_destination(out, &flow);
	put_names(out, &flow);
	json_putf(out, ", %s", recorded_words[judged->recorded]);
	put_times(out, judged);
	put_why(out, judged);
	json_putc(out, '\n');
}

/* Calls `put` with each rule of the agent's own policy that no flow used. */
static void each_unused(const struct judged_agent *agent, struct json_buffer *out,
                        void (*put)(struct json_buffer *out, const struct judged_agent *agent,
                                    const struct counted *own, size_t index, struct json_text rule))
{
	const struct counted *own = explain_own_policy(&agent->explanation);
	size_t index = 0;
	if (own == NULL)
		return;
	for (struct json_member m = json_first(own->egress); m.value.at != NULL; m = json_next(m), index++)
		if (!agent->used[index])
			put(out, agent, own, index, m.value);
}

static void put_unused(struct json_buffer *out, const struct judged_agent *agent, const struct counted *own, size_t index,
                       struct json_text rule)
{
	json_putf(out, "    unused            spec.egress[%zu] of %s: ", index, own->policy->key);
	explain_put_rule_words(out, rule, agent->card->namespace->name);
	json_putc(out, '\n');
}

/* What needs a look first; denied flows that stay denied last. */
static void put_destinations(struct json_buffer *out, const struct judged_agent *agent,
                             void (*put)(struct json_buffer *out, const struct judged *judged))
{
	static const enum explain_fate order[] = {EXPLAIN_CUT, EXPLAIN_DOUBTFUL, EXPLAIN_PASSES, EXPLAIN_REFUSED};
	for (size_t i = 0; i < EXPLAIN_FATES; i++)
		for (const struct judged *judged = agent->destinations; judged != NULL; judged = judged->hh.next)
			if (judged->fate == order[i])
				put(out, judged);
}

static void put_agent(struct json_buffer *out, const struct judged_agent *agent)
{
	static const char of_more[] = "    incomplete: some records stand for more destinations than they tell\n";
	bool any = false;
	for (int i = 0; i < EXPLAIN_FATES; i++)
		any = any || agent->of[i] > 0;
	if (!any)
		return;
	json_puts(out, agent->card->key);
	json_putf(out, ": %llu would be cut, %llu may be, %llu allowed, %llu denied as before\n",
	          (unsigned long long)agent->of[EXPLAIN_CUT], (unsigned long long)agent->of[EXPLAIN_DOUBTFUL],
	          (unsigned long long)agent->of[EXPLAIN_PASSES], (unsigned long long)agent->of[EXPLAIN_REFUSED]);
	json_puts(out, agent->incomplete ? of_more : "");
	put_destinations(out, agent, put_judged);
	if (agent->beyond > 0)
		json_putf(out, "    and %llu to more destinations than are told of, of which %llu would or may be cut\n",
		          (unsigned long long)agent->beyond, (unsigned long long)agent->beyond_cut);
	each_unused(agent, out, put_unused);
}

void explain_flows_put(const struct explain_flows *flows, struct json_buffer *out)
{
	struct explain_flows_count count = explain_flows_count(flows);
	json_putf(out, "%llu flows would be cut, %llu may be, %llu are allowed, %llu denied as before, %llu are of no agent",
	          (unsigned long long)count.of[EXPLAIN_CUT], (unsigned long long)count.of[EXPLAIN_DOUBTFUL],
	          (unsigned long long)count.of[EXPLAIN_PASSES], (unsigned long long)count.of[EXPLAIN_REFUSED],
	          (unsigned long long)count.unmatched);
	if (count.undetermined > 0)
		json_putf(out, ", %llu may be of one: several workloads fit, or their source says too little",
		          (unsigned long long)count.undetermined);
	json_putc(out, '\n');
	for (const struct judged_agent *agent = flows->agents; agent != NULL; agent = agent->hh.next)
		put_agent(out, agent);
}

static void put_member(struct json_buffer *out, const char *key, const char *value)
{
	json_put_key(out, key);
	json_put_string(out, value);
}

static void put_time(struct json_buffer *out, const char *key, int64_t ns)
{
	char time[FLOW_TIME_SIZE];
	if (ns < 0)
		return;
	flow_time_format(ns, time);
	put_member(out, key, time);
}

static void put_number(struct json_buffer *out, const char *key, uint64_t number)
{
	json_put_key(out, key);
	json_putf(out, "%llu", (unsigned long long)number);
}

static void put_json_policy(struct json_buffer *out, const struct judged *judged)
{
	struct json_buffer path = {0};
	if (judged->policy == NULL)
		return;
	explain_put_rule_path(&path, &judged->match);
	put_member(out, judged->match.answer == POLICY_DENIED ? "nearestPolicy" : "policy", judged->policy->key);
	json_put_key(out, "rule");
	json_put_string_n(out, path.at, path.len);
	json_buffer_free(&path);
}

static void put_json_judged(struct json_buffer *out, const struct judged *judged)
{
	struct flow flow = flow_of(judged);
	struct json_buffer words = {0};
	put_destination(&words, &flow);
	json_put_comma(out);
	json_putc(out, '{');
	json_put_key(out, "destination");
	json_put_string_n(out, words.at, words.len);
	json_buffer_free(&words);
	if (flow.names.at != NULL) {
		json_put_key(out, "names");
		json_puttext(out, flow.names);
	}
	put_member(out, "recorded", flow_verdict_words[judged->recorded]);
	put_member(out, "answer", fate_keys[judged->fate]);
	put_number(out, "count", judged->count);
	put_time(out, "first", judged->first);
	put_time(out, "last", judged->last);
	put_json_policy(out, judged);
	if (judged->why != NULL)
		put_member(out, "message", judged->why);
	json_putc(out, '}');
}

static void put_json_unused(struct json_buffer *out, const struct judged_agent *agent, const struct counted *own, size_t index,
                            struct json_text rule)
{
	(void)agent;
	json_put_comma(out);
	json_putc(out, '{');
	put_member(out, "policy", own->policy->key);
	json_put_key(out, "rule");
	json_putf(out, "\"spec.egress[%zu]\"", index);
	json_put_key(out, "egress");
	json_puttext(out, rule);
	json_putc(out, '}');
}

static void put_json_fates(struct json_buffer *out, const uint64_t of[EXPLAIN_FATES])
{
	json_put_key(out, "flows");
	json_putc(out, '{');
	for (int i = 0; i < EXPLAIN_FATES; i++)
		put_number(out, fate_keys[i], of[i]);
	json_putc(out, '}');
}

static void put_json_agent(struct json_buffer *out, const struct judged_agent *agent)
{
	const struct policy_card *card = agent->card;
	json_puts(out, "{\"agentCard\":{");
	put_member(out, "namespace", card->namespace->name);
	put_member(out, "name", card->name);
	json_puts(out, "},\"workload\":{");
	put_member(out, "kind", card->workload->kind);
	put_member(out, "name", card->workload->name);
	json_putc(out, '}');
	put_json_fates(out, agent->of);
	json_put_key(out, "incomplete");
	json_puts(out, agent->incomplete ? "true" : "false");
	put_number(out, "beyond", agent->beyond);
	put_number(out, "beyondCut", agent->beyond_cut);
	json_put_key(out, "destinations");
	json_putc(out, '[');
	put_destinations(out, agent, put_json_judged);
	json_putc(out, ']');
	json_put_key(out, "unused");
	json_putc(out, '[');
	each_unused(agent, out, put_json_unused);
	json_puts(out, "]}\n");
}

void explain_flows_put_json(const struct explain_flows *flows, struct json_buffer *out)
{
	struct explain_flows_count count = explain_flows_count(flows);
	for (const struct judged_agent *agent = flows->agents; agent != NULL; agent = agent->hh.next)
		put_json_agent(out, agent);
	json_putc(out, '{');
	put_json_fates(out, count.of);
	put_number(out, "unmatched", count.unmatched);
	put_number(out, "undetermined", count.undetermined);
	put_number(out, "incomplete", count.incomplete);
	json_puts(out, "}\n");
}
