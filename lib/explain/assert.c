/* Judging assertions: what an agent's policies allow beside what they may. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "explain/assertions_private.h"
#include "json/write.h"
#include "k8s/pattern.h"
#include "net/ranges.h"

/* A policy's rules, or the names that the card asks for. */
struct allowance {
	const struct sets_set *set; /* NULL: its rules are not understood */
	const struct counted *counted; /* NULL: the card's */
};

struct judging {
	struct explain_assertions *assertions;
	const struct world *world;
	const struct explanation *explanation;
	struct allowance *allowances;
	size_t count;
	const char *open;     /* why everything is, or may be, allowed; NULL: it is not so */
	bool surely_open;
	struct json_text gap; /* the first by which more may be allowed than the policies say */
};

/* What shows that an assertion does not hold for an agent. */
struct finding {
	struct sets_witness witness;
	const struct allowance *allowance; /* NULL: no policy allows it */
	const char *why;                   /* of PERHAPS, and where no policy allows it */
	struct json_text gap;
};

/* ---- whom it is about */

static enum policy_answer fits_one(struct json_text patterns, const char *text)
{
	if (patterns.at == NULL)
		return POLICY_ALLOWED;
	if (text == NULL || text[0] == '\0')
		return POLICY_UNKNOWN;
	for (struct json_member m = json_first(patterns); m.value.at; m = json_next(m))
		if (k8s_pattern_fits(json_plain(m.value), text))
			return POLICY_ALLOWED;
	return POLICY_DENIED;
}

/* Of a policy in a directory only its name is known: "NAME", of a workload of any kind, or, where two
 * kinds have one name, "NAME-KIND" (policy/name.h). */
static enum policy_answer fits_name(struct json_text pattern, const char *name)
{
	size_t slash = (size_t)((const char *)memchr(pattern.at, '/', pattern.len) - pattern.at);
	struct json_text kind = {pattern.at, slash};
	struct json_text rest = {pattern.at + slash + 1, pattern.len - slash - 1};
	if (k8s_pattern_fits(rest, name))
		return json_same(kind, json_of("*")) ? POLICY_ALLOWED : POLICY_UNKNOWN;
	char *displaced = kube_format("%.*s-%.*s*", (int)rest.len, rest.at, (int)kind.len, kind.at);
	for (char *at = displaced + rest.len; *at != '\0'; at++)
		*at = (char)tolower((unsigned char)*at);
	bool may = k8s_pattern_fits(json_of(displaced), name);
	free(displaced);
	return may ? POLICY_UNKNOWN : POLICY_DENIED;
}

static enum policy_answer fits_workload(const struct world *world, struct json_text patterns,
                                        const struct policy_workload *workload)
{
	enum policy_answer best = POLICY_DENIED;
	if (patterns.at == NULL || workload == NULL)
		return fits_one(patterns, NULL);
	if (!world->stands || workload->labels != NULL) { /* else its own manifest is not there */
		char *name = kube_format("%s/%s", workload->kind, workload->name);
		best = fits_one(patterns, name);
		free(name);
		return best;
	}
	for (struct json_member m = json_first(patterns); m.value.at; m = json_next(m)) {
		enum policy_answer one = fits_name(json_plain(m.value), workload->name);
		best = one > best ? one : best;
	}
	return best;
}

static enum policy_answer fits(const struct world *world, const struct assertion_selection *selection,
                               const struct policy_card *card)
{
	enum policy_answer all = fits_one(selection->namespaces, card->namespace->name);
	enum policy_answer more[] = {
	        fits_workload(world, selection->workloads, card->workload),
	        fits_one(selection->spiffe_ids, card->verified ? card->spiffe_id : NULL)};
	for (size_t i = 0; i < 2; i++)
		all = more[i] < all ? more[i] : all;
	return all;
}

/* An agent that may be meant is; one that may be excepted is not. */
static bool is_meant(const struct world *world, const struct assertion *assertion,
                     const struct policy_card *card)
{
	if (fits(world, &assertion->agents, card) == POLICY_DENIED)
		return false;
	return !assertion->except.set || fits(world, &assertion->except, card) != POLICY_ALLOWED;
}

/* ---- what it is allowed */

static bool is_valid(struct json_text egress)
{
	struct json_buffer wrapped = {0};
	struct policy_problems problems = {0};
	json_puts(&wrapped, "{\"egress\":");
	json_puttext(&wrapped, egress);
	json_putc(&wrapped, '}');
	bool valid = policy_rules_read(json_buffer_text(&wrapped), &problems).valid;
	policy_problems_free(&problems);
	json_buffer_free(&wrapped);
	return valid;
}

static void read_allowances(struct judging *j)
{
	const struct explanation *explanation = j->explanation;
	struct json_text none = {0}, domains = explanation->decision.domains;
	struct sets *sets = j->assertions->agent;
	j->allowances = kube_alloc(explanation->count + 1, sizeof *j->allowances);
	for (size_t i = 0; i < explanation->count; i++) {
		const struct counted *counted = &explanation->policies[i];
		bool read = json_type(counted->egress) <= JSON_NULL || is_valid(counted->egress);
		j->allowances[j->count++] = (struct allowance){
		        read ? sets_read(sets, counted->egress, none) : NULL, counted};
	}
	if (explanation->card->workload != NULL && !j->world->stands && !json_is_empty(domains))
		j->allowances[j->count++] = (struct allowance){sets_read(sets, none, domains), NULL};
}

/* A policy that was counted is judged by its rules, whatever a gap says of it; one that is asked for
 * counts as if it were there. */
static bool is_judged(const struct explanation *explanation, struct json_text gap)
{
	struct json_text reason = json_get(gap, "reason"), object = json_get(gap, "object");
	if (!json_equals(reason, "WidenedByPolicy") && !json_equals(reason, "NotApplied"))
		return false;
	if (!json_equals(json_get(object, "kind"), "NetworkPolicy"))
		return false;
	for (size_t i = 0; i < explanation->count; i++) {
		const char *key = explanation->policies[i].policy->key, *slash = strchr(key, '/');
		char *namespace = kube_copy_n(key, (size_t)(slash - key));
		bool same = json_equals(json_get(object, "namespace"), namespace) &&
		            json_equals(json_get(object, "name"), slash + 1);
		free(namespace);
		if (same)
			return true;
	}
	return false;
}

/* Any other of a directory says only that a cluster is not seen. */
static void find_gap(struct judging *j)
{
	const struct explanation *explanation = j->explanation;
	for (struct json_member m = json_first(explanation->gaps); m.value.at; m = json_next(m)) {
		if (json_equals(json_get(m.value, "reason"), "HostNetwork")) {
			j->open = "the agent's pods are on their host's network, where no policy holds";
			j->surely_open = true;
		} else if (!j->world->stands && j->gap.at == NULL && !is_judged(explanation, m.value)) {
			j->gap = m.value;
		}
	}
}

static void begin(struct judging *j)
{
	const struct explanation *explanation = j->explanation;
	if (explanation->answer == POLICY_DENIED)
		read_allowances(j);
	else
		j->open = explanation->why;
	j->surely_open = explanation->answer == POLICY_ALLOWED;
	find_gap(j);
}

/* ---- whether it holds */

static struct sets_witness compare(const struct judging *j, const struct assertion *assertion,
                                   const struct sets_set *set, const struct sets_set *rules)
{
	struct sets *work = j->assertions->work;
	return assertion->is_limit ? sets_witness_beyond(work, set, rules)
	                           : sets_witness_meeting(work, set, rules);
}

static struct finding judge_one(const struct judging *j, const struct assertion *assertion,
                                const struct allowance *allowance, const struct sets_set *rules)
{
	struct finding finding = {.allowance = allowance};
	if (allowance->set == NULL) {
		finding.witness = (struct sets_witness){.answer = SETS_PERHAPS, .rule = -1};
		finding.why = "its rules are not understood";
		return finding;
	}
	finding.witness = compare(j, assertion, allowance->set, rules);
	if (finding.witness.answer == SETS_PERHAPS)
		finding.why = sets_loss_words(finding.witness.losses);
	if (finding.witness.answer == SETS_YES && allowance->counted != NULL &&
	    allowance->counted->selects == POLICY_UNKNOWN) {
		finding.witness.answer = SETS_PERHAPS;
		finding.why = "whether it selects the pods was not seen";
	}
	return finding;
}

static struct finding judge_open(const struct judging *j, const struct assertion *assertion,
                                 const struct sets_set *rules)
{
	struct finding finding = {.why = j->open};
	finding.witness = compare(j, assertion, sets_everything(j->assertions->work), rules);
	if (finding.witness.answer == SETS_YES && !j->surely_open)
		finding.witness.answer = SETS_PERHAPS;
	return finding;
}

static struct finding judge(const struct judging *j, const struct assertion *assertion)
{
	struct finding best = {0};
	sets_clear(j->assertions->work, j->explanation->card->namespace->name);
	const struct sets_set *rules =
	        sets_read(j->assertions->work, assertion->egress, assertion->domains);
	if (j->open != NULL)
		best = judge_open(j, assertion, rules);
	for (size_t i = 0; i < j->count && best.witness.answer != SETS_YES; i++) {
		struct finding next = judge_one(j, assertion, &j->allowances[i], rules);
		if (next.witness.answer > best.witness.answer)
			best = next;
	}
	if (best.witness.answer == SETS_NO && j->gap.at != NULL)
		best = (struct finding){.witness = {.answer = SETS_PERHAPS}, .gap = j->gap};
	if (best.witness.answer == SETS_NO && j->assertions->facts.others)
		best = (struct finding){.witness = {.answer = SETS_PERHAPS},
		                        .why = "the directory has policies of other kinds, which are not judged"};
	return best;
}

/* ---- what is said of it */

/* Pods that a peer selects: a workload that has such, or else the peer. The last is remembered, since
 * many agents show the same. */
static void find_pods(struct judging *j, const struct sets_part *part)
{
	struct json_buffer peer = {0};
	struct json_buffer *pods = &j->assertions->pods;
	const struct policy_workload *workload = j->world->inventory->workloads;
	sets_witness_put_peer(part, &peer);
	if (json_same(json_buffer_text(&peer), json_buffer_text(&j->assertions->peer))) {
		json_buffer_free(&peer);
		return;
	}
	json_buffer_free(&j->assertions->peer);
	j->assertions->peer = peer;
	pods->len = 0;
	for (; workload != NULL && pods->len == 0; workload = workload->hh.next) {
		struct policy_destination destination = {0};
		world_put_labels(j->world, workload, &destination);
		if (policy_peer_selects(json_buffer_text(&peer), "", &destination) == POLICY_ALLOWED)
			json_putf(pods, "%s/%s", workload->namespace->name, workload->name);
	}
	if (pods->len > 0)
		return;
	json_puts(pods, "pods ");
	json_put_plain(pods, peer.at, peer.len);
}

/* As egress-explain is asked for it, where that can be said. */
static void put_destination(struct judging *j, const struct sets_part *part, struct json_buffer *out)
{
	struct sets_connection shown = sets_witness_connection(part);
	char address[DNS_ADDRESS_SIZE];
	if (shown.to == SETS_TO_PODS) {
		find_pods(j, part);
		json_puttext(out, json_buffer_text(&j->assertions->pods));
	} else if (shown.to == SETS_TO_NAME) {
		json_put_plain(out, shown.name.at, shown.name.len);
	} else {
		dns_address_format(&shown.address, address);
		json_putf(out, shown.address.bits == 128 ? "[%s]" : "%s", address);
	}
	json_putc(out, ':');
	if (shown.port > 0)
		json_putf(out, "%ld", shown.port);
	else
		json_put_plain(out, shown.port_name.at, shown.port_name.len);
	json_putf(out, "/%s", (const char *[]){"tcp", "udp", "sctp"}[shown.protocol]);
}

static const char *card_path(const struct judging *j)
{
	const char *path = j->explanation->decision.rules_path;
	return path == NULL ? POLICY_RULES_PATH : path;
}

/* Why: the rule, what is not known, the gap. */
static void put_reason(const struct judging *j, const struct finding *finding, struct json_buffer *out)
{
	const struct allowance *allowance = finding->allowance;
	if (finding->gap.at != NULL) {
		char *reason = json_cstring(json_get(finding->gap, "reason"));
		char *message = json_cstring(json_get(finding->gap, "message"));
		json_puts(out, "gap ");
		json_put_plain(out, reason == NULL ? "" : reason, reason == NULL ? 0 : strlen(reason));
		json_puts(out, ": ");
		json_put_plain(out, message == NULL ? "" : message, message == NULL ? 0 : strlen(message));
		free(reason);
		free(message);
		return;
	}
	if (allowance != NULL && allowance->counted != NULL) {
		json_putf(out, "policy %s", allowance->counted->policy->key);
		if (finding->witness.rule >= 0)
			json_putf(out, ", spec.egress[%d]", finding->witness.rule);
	} else if (allowance != NULL) {
		json_putf(out, "%s.domains of its AgentCard", card_path(j));
	}
	if (finding->why != NULL)
		json_putf(out, "%s%s", allowance != NULL ? ": " : "", finding->why);
	if (finding->witness.answer == SETS_PERHAPS && j->assertions->facts.pods_count == 0 &&
	    finding->witness.losses == SETS_LOST_SELECTOR_BLOCK)
		json_puts(out, " (--pod-cidr says which addresses are pods')");
}

static void put_line(const struct judging *j, const struct finding *finding,
                     struct json_text destination, struct json_buffer *out)
{
	json_putf(out, "    %s ", j->explanation->card->key);
	if (finding->witness.answer == SETS_YES)
		json_putf(out, "may reach %.*s: ", (int)destination.len, destination.at);
	else
		json_puts(out, "cannot be decided: ");
	put_reason(j, finding, out);
	json_putc(out, '\n');
}

static void put_object(const struct judging *j, const struct finding *finding,
                       struct json_text destination, struct json_buffer *out)
{
	const struct policy_card *card = j->explanation->card;
	const struct allowance *allowance = finding->allowance;
	struct json_buffer reason = {0};
	put_reason(j, finding, &reason);
	json_put_comma(out);
	json_puts(out, "{\"agentCard\":{\"namespace\":");
	json_put_string(out, card->namespace->name);
	json_puts(out, ",\"name\":");
	json_put_string(out, card->name);
	json_putf(out, "},\"answer\":\"%s\"",
	          policy_answer_words[finding->witness.answer == SETS_YES ? POLICY_ALLOWED
	                                                                  : POLICY_UNKNOWN]);
	if (destination.len > 0) {
		json_puts(out, ",\"destination\":");
		json_put_string_n(out, destination.at, destination.len);
	}
	if (allowance != NULL && allowance->counted != NULL) {
		json_puts(out, ",\"policy\":");
		json_put_string(out, allowance->counted->policy->key);
		if (finding->witness.rule >= 0)
			json_putf(out, ",\"rule\":\"spec.egress[%d]\"", finding->witness.rule);
	}
	json_puts(out, ",\"message\":");
	json_put_string_n(out, reason.at, reason.len);
	json_putc(out, '}');
	json_buffer_free(&reason);
}

static void tell(struct judging *j, struct assertion *assertion, const struct finding *finding)
{
	struct json_buffer destination = {0};
	if (finding->witness.answer == SETS_YES && finding->witness.part != NULL)
		put_destination(j, finding->witness.part, &destination);
	put_line(j, finding, json_buffer_text(&destination), &assertion->lines);
	put_object(j, finding, json_buffer_text(&destination), &assertion->objects);
	json_buffer_free(&destination);
}

void explain_assertions_judge(struct explain_assertions *assertions, const struct world *world,
                              const struct explanation *explanation)
{
	struct judging j = {assertions, world, explanation, NULL, 0, NULL, false, {0}};
	const struct policy_card *card = explanation->card;
	sets_clear(assertions->agent, card->namespace->name);
	begin(&j);
	for (size_t i = 0; i < assertions->count; i++) {
		struct assertion *assertion = &assertions->at[i];
		if (!is_meant(world, assertion, card))
			continue;
		assertion->selected++;
		struct finding finding = judge(&j, assertion);
		assertion->failed += finding.witness.answer == SETS_YES;
		assertion->undecided += finding.witness.answer == SETS_PERHAPS;
		if (finding.witness.answer != SETS_NO)
			tell(&j, assertion, &finding);
	}
	free(j.allowances);
}

static const char *result_of(const struct assertion *assertion)
{
	return assertion->failed > 0 ? "fails" : assertion->undecided > 0 ? "undecided" : "holds";
}

static void put_json_result(const struct assertion *assertion, struct json_buffer *out)
{
	json_puts(out, "{\"assertion\":");
	json_put_string_n(out, assertion->name.at, assertion->name.len);
	json_putf(out, ",\"result\":\"%s\",\"agents\":%zu,\"failed\":%zu,\"undecided\":%zu",
	          result_of(assertion), assertion->selected, assertion->failed, assertion->undecided);
	json_puts(out, ",\"shown\":[");
	json_puttext(out, json_buffer_text(&assertion->objects));
	json_puts(out, "]}\n");
}

bool explain_assertions_put(const struct explain_assertions *assertions, bool json,
                            struct json_buffer *out)
{
	bool all = true;
	for (size_t i = 0; i < assertions->count; i++) {
		const struct assertion *assertion = &assertions->at[i];
		all = all && assertion->failed == 0 && assertion->undecided == 0;
		if (json) {
			put_json_result(assertion, out);
			continue;
		}
		json_putf(out, "%-10s", result_of(assertion));
		json_put_plain(out, assertion->name.at, assertion->name.len);
		json_putf(out, " (%zu agent%s)\n", assertion->selected, assertion->selected == 1 ? "" : "s");
		json_puttext(out, json_buffer_text(&assertion->lines));
	}
	return all;
}
