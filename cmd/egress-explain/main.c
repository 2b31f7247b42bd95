/* Says whether an agent may connect to a destination, and why: egress-explain(1). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "explain/assertions.h"
#include "explain/directory.h"
#include "explain/flows.h"
#include "explain/nearest.h"
#include "explain/report.h"
#include "explain/trial.h"
#include "os/exit.h"
#include "os/log.h"
#include "os/options.h"
#include "os/sandbox.h"
#include "os/signals.h"
#include "targets/target.h"
#include "translate/translator.h"
#include "stream/stream.h"
#include "flows.h"

enum output { OUTPUT_TABLE, OUTPUT_JSON, OUTPUT_DOT };
static const char *const output_words[] = {"table", "json", "dot", NULL};
enum check { CHECK_CONFINED, CHECK_UNCONFINED, CHECK_NOTHING };
static const char *const check_words[] = {"confined", "unconfined", NULL};
static const char *const selector_words[] = {"selector", "template", NULL};

struct options {
	const char *rejects, *namespace, *port, *dir, *to, *cni, *card, *as_of, *assert;
	struct option_choice names, output, selector_from, check, target;
	struct option_list api_server, dns, flows, pod_cidrs, operands;
};

struct program {
	const struct options *options;
	struct stream *stream;
	struct policy_translator *translator;
	struct policy_stored stored;
	struct explain_agents agents;
	struct kube_manifests manifests;
	struct flow_files flow_files;
	struct flow_pods *pods; /* with --flows */
	char **tried; /* keys of the cards of --card */
	size_t tried_count;
	struct explain_dot *dot; /* with --output dot */
	struct explain_assertions *assertions; /* with --assert */
	bool others; /* the directory has policies that nobody judges */
	struct world world;
	int64_t as_of, now; /* nanoseconds: of --as-of; the latest time that was read */
	bool untimed;       /* an event without a time was there */
	bool judged; /* the translator has had the record at hand */
	bool by_workload; /* the agent was asked for by its workload's name */
};

enum { WORDS_SIZE = 128, NO_TARGET = -1 };

static const char *join_words(char joined[WORDS_SIZE], const char *const words[])
{
	size_t len = 0;
	for (size_t i = 0; words[i] != NULL && len < WORDS_SIZE; i++)
		len += (size_t)snprintf(joined + len, WORDS_SIZE - len, "%s%s", i == 0 ? "" : "|", words[i]);
	return joined;
}

static enum options_verdict parse(int argc, char **argv, struct options *o)
{
	char targets[WORDS_SIZE];
	const struct option_spec table[] = {
	        {OPTION_STRING, "namespace", 'n', "NAME", "agents of this namespace alone",
	         &o->namespace},
	        {OPTION_CHOICE, "output", 'o', "table|json|dot", "how to say it", &o->output},
	        {OPTION_OPTIONAL, "check", 0, "confined|unconfined",
	         "fail when an agent is not confined to its egress\n"
	         "(unconfined: only when it surely is not)",
	         &o->check},
	        {OPTION_STRING, "to", 0, "DESTINATION", "all agents that may reach it", &o->to},
	        {OPTION_LIST, "flows", 0, "FILE",
	         "which of these connections (egress-flows) the policies would cut", &o->flows},
	        {OPTION_STRING, "as-of", 0, "TIME",
	         "as it was then: after the last event of that time or before (RFC 3339)", &o->as_of},
	        {OPTION_STRING, "card", 0, "FILE",
	         "try the AgentCards in FILE: what they would allow, on which targets", &o->card},
	        {OPTION_CHOICE, "target", 0, join_words(targets, policy_target_words),
	         "of AGENT also what this target cannot express", &o->target},
	        {OPTION_STRING, "assert", 0, "FILE",
	         "whether what FILE states holds of all that is allowed", &o->assert},
	        {OPTION_LIST, "pod-cidr", 0, "CIDR",
	         "a range of pods' addresses; together they hold all pods (repeat)", &o->pod_cidrs},
	        {OPTION_STRING, "cni", 0, "NAME",
	         "the network plugin, as which policies are read\n"
	         "(default: as whichever reads them widest)",
	         &o->cni},
	        {OPTION_STRING, "dir", 0, "DIR", "read manifests in DIR, in place of events",
	         &o->dir},
	        {OPTION_LIST, "api-server", 0, "CIDR", "as egress-translate is given it",
	         &o->api_server},
	        {OPTION_STRING, "api-server-port", 0, "PORT|endpoints",
	         "as egress-translate is given it", &o->port},
	        {OPTION_LIST, "dns", 0, "NAMESPACE/LABEL|CIDR", "as egress-translate is given it",
	         &o->dns},
	        {OPTION_CHOICE, "selector-from", 0, "selector|template",
	         "as egress-translate is given it", &o->selector_from},
	        {OPTION_CHOICE, "names", 0, "kagenti|rossoctl",
	         "the operator's API group and labels", &o->names},
	        OPTIONS_COMMON(&o->rejects),
	        {OPTION_END, NULL, 0, NULL, NULL, NULL},
	};
	return options_parse(argc, argv, "[OPTION]... [AGENT [DESTINATION]] [<VERIFIED-EVENTS]",
	                     "Says what each agent may reach, by which policies, and why.", table,
	                     &o->operands);
}

static const char *operand(const struct options *o, size_t index)
{
	return index < o->operands.count ? o->operands.values[index] : NULL;
}

/* Assertions are about all agents: a narrower question would hold too easily. */
static bool choose_assert(const struct options *o)
{
	const char *beside = o->to != NULL || o->operands.count > 0 ? "an agent or a destination"
	                     : o->namespace != NULL                ? "--namespace"
	                     : o->flows.count > 0                  ? "--flows"
	                     : o->card != NULL                     ? "--card"
	                     : o->output.value > OUTPUT_JSON       ? "this --output"
	                                                           : NULL;
	if (o->assert != NULL && beside != NULL)
		log_error("--assert: is answered as a table or as JSON, of all agents: leave out %s", beside);
	return o->assert == NULL || beside == NULL;
}

/* False, reported, for wrong usage. */
static bool choose(const struct options *o, struct policy_settings *settings, struct world *world,
                   struct policy_cidr *pods)
{
	static const char *const none[] = {NULL};
	char fault[POLICY_FAULT_SIZE];
	const struct policy_names *names = policy_names(o->names.value);
	*settings = (struct policy_settings){
	        .names = names,
	        .ingress_namespaces = names->operator_namespaces,
	        .api_server = o->api_server.count > 0 ? o->api_server.values : none,
	        .selector_from = (enum policy_selector_from)o->selector_from.value,
	        .cni = o->cni,
	};
	if (o->operands.count > 2) {
		log_error("%s: one agent and one destination are enough", operand(o, 2));
		return false;
	}
	world->stands = o->dir != NULL;
	if (o->to != NULL && o->operands.count > 1) {
		log_error("--to %s: leave out the destination %s", o->to, operand(o, 1));
		return false;
	}
	world->asked = o->to != NULL ? o->to : operand(o, 1);
	const char *wrong = world->asked == NULL
	                            ? NULL
	                            : policy_destination_parse(world->asked, &world->connection.destination);
	if (wrong != NULL) {
		log_error("destination %s: %s", world->asked, wrong);
		return false;
	}
	if (world->asked != NULL && o->output.value == OUTPUT_DOT) {
		log_error("--output dot: draws all that is allowed; leave out the destination");
		return false;
	}
	if (o->target.value != NO_TARGET && (o->operands.count != 1 || o->output.value != OUTPUT_TABLE || o->to != NULL || o->flows.count > 0)) {
		log_error("--target: says what the target cannot express of one agent: name that agent, and nothing else");
		return false;
	}
	if (o->card != NULL && (o->operands.count > 0 || o->output.value != OUTPUT_TABLE || o->to != NULL || o->flows.count > 0 || o->dir != NULL)) {
		log_error("--card: says all that its file would do: leave out agents, destinations, --output, --to, --flows and --dir");
		return false;
	}
	if (o->flows.count > 0 && (world->asked != NULL || o->output.value > OUTPUT_JSON)) {
		log_error("--flows: is answered as a table or as JSON, of all destinations: leave out %s",
		          world->asked != NULL ? world->asked : "--output");
		return false;
	}
	if (!choose_assert(o))
		return false;
	if (policy_settings_api_server(settings, o->port, fault) &&
	    policy_settings_dns(settings, o->dns.count > 0 ? o->dns.values : none, fault) &&
	    policy_settings_pod_cidrs(settings, pods, o->pod_cidrs.count > 0 ? o->pod_cidrs.values : none, fault))
		return true;
	log_error("%s", fault);
	return false;
}

static bool choose_time(struct program *program)
{
	const char *as_of = program->options->as_of;
	bool good = as_of == NULL || (program->options->dir == NULL && flow_time(json_of(as_of), &program->as_of));
	if (!good)
		log_error("--as-of %s: is no time of RFC 3339, as 2026-11-02T08:00:00Z is, or there is --dir, which has no times",
		          as_of);
	return good;
}

static void keep_operation(void *context, struct json_text line)
{
	struct program *program = context;
	if (program->options->dir != NULL) /* the policies are as they stand there */
		return;
	policy_stored_operation(&program->stored, line);
	explain_agents_take(&program->agents, line);
}

static bool take_unusable(void *context, struct json_text line, const char *why)
{
	struct program *program = context;
	(void)why;
	if (!program->judged)
		policy_translator_unusable(program->translator, line);
	return true;
}

static void take(struct program *program, const struct record *record)
{
	struct event event;
	if (event_read(record->json, &event) == NULL)
		policy_stored_take(&program->stored, &event);
	if (program->pods != NULL)
		flow_pods_event(program->pods, record->json); /* who cannot read it, rejects it below */
	const char *wrong = policy_translator_take(program->translator, record->line, record->json);
	program->judged = true;
	if (wrong != NULL)
		stream_reject(program->stream, record, wrong);
	program->judged = false;
}

static bool read_directory(struct program *program)
{
	bool good = directory_take(&program->manifests, policy_names(program->options->names.value),
	                           program->translator, &program->stored, &program->others);
	if (!good)
		return false;
	policy_translator_end(program->translator);
	if (program->world.inventory->cards != NULL)
		return true;
	/* an answer would be that nobody may reach anything */
	log_error("%s: has no policy that egress-apply wrote for an agent; of a directory of logs: pipelines/logs "
	          "%s | egress-verify | egress-explain",
	          program->options->dir, program->options->dir);
	return false;
}

/* Each as the last event of its card; false, reported, when one is no AgentCard. */
static bool try_card(void *context, const char *path, struct json_text object)
{
	struct program *program = context;
	struct json_buffer line = {0};
	struct event event;
	const char *namespace = program->options->namespace == NULL ? "default" : program->options->namespace;
	const char *wrong = explain_trial_event(&line, program->world.inventory, object, namespace);
	struct json_text text = json_buffer_text(&line);
	if (wrong == NULL)
		wrong = policy_translator_take(program->translator, text, text);
	if (wrong == NULL && event_read(text, &event) == NULL) {
		program->tried = kube_resize(program->tried, program->tried_count + 1, sizeof *program->tried);
		program->tried[program->tried_count++] = kube_format("%.*s/%.*s", (int)event.namespace.len, event.namespace.at,
		                                                     (int)event.name.len, event.name.at);
	}
	json_buffer_free(&line);
	if (wrong != NULL)
		log_error("%s: %s", path, wrong);
	return wrong == NULL;
}

static bool try_cards(struct program *program)
{
	if (program->options->card == NULL || !kube_manifests_each(&program->manifests, try_card, program))
		return program->options->card == NULL;
	if (program->tried_count == 0)
		log_error("%s: holds no AgentCard", program->options->card);
	return program->tried_count > 0;
}

/* The state at a time is what the events until then tell, all of them: one without a time could be of any. Of lists
 * that had not ended nothing is known yet. */
static bool is_until(struct program *program, const struct record *record)
{
	int64_t ns;
	struct json_text time = json_plain(json_get(record->json, "time"));
	if (program->options->as_of == NULL)
		return true;
	/* egress-verify's own follow what made it write them: a verdict that has changed, a line that was unusable */
	bool is_own = json_get(record->json, "verification").at != NULL || json_equals(json_get(record->json, "type"), "ERROR");
	if (time.at == NULL && is_own && program->now > 0)
		return program->now <= program->as_of;
	if (!flow_time(time, &ns)) {
		log_error("line %lu has no time, so what --as-of asks for cannot be told: a log of egress-watch --timestamps has times",
		          record->number);
		program->untimed = true;
		return false;
	}
	if (ns > program->now)
		program->now = ns;
	return program->now <= program->as_of;
}

static bool was_known(const struct program *program)
{
	if (program->untimed)
		return false;
	if (program->options->as_of == NULL || policy_translator_known(program->translator))
		return true;
	log_error("unknown: at %s the first lists were not complete in this log", program->options->as_of);
	return false;
}

/* Until the end of the input; false when it did not come to it. */
static bool read_all(struct program *program)
{
	struct record record;
	enum stream_state state;
	if (program->options->dir != NULL)
		return read_directory(program);
	while ((state = stream_next(program->stream, &record)) == STREAM_RECORD && !program->untimed)
		if (is_until(program, &record))
			take(program, &record);
	if ((state != STREAM_END && !program->untimed) || !was_known(program))
		return false;
	if (!try_cards(program))
		return false;
	const char *why = policy_translator_end(program->translator);
	if (why != NULL)
		log_error("%s", why);
	return why == NULL;
}

static bool is_asked_for(const struct program *program, const struct policy_card *card)
{
	const char *namespace = program->options->namespace, *agent = operand(program->options, 0);
	if (namespace != NULL && strcmp(card->namespace->name, namespace) != 0)
		return false;
	if (agent == NULL)
		return true;
	if (program->by_workload)
		return strcmp(card->target_name, agent) == 0;
	return strcmp(card->name, agent) == 0 || strcmp(card->key, agent) == 0;
}

static size_t count_asked_for(const struct program *program)
{
	size_t found = 0;
	const struct policy_card *card = program->world.inventory->cards;
	for (; card != NULL; card = card->hh.next)
		found += is_asked_for(program, card);
	return found;
}

static int by_key(const struct policy_card *a, const struct policy_card *b)
{
	return strcmp(a->key, b->key);
}

static const char *stream_or_directory(const struct program *program)
{
	return program->options->dir == NULL ? "stream" : "directory";
}

static void report_unknown(const struct program *program, const char *agent)
{
	struct json_buffer near = {0};
	explain_nearest_put(program->world.inventory, agent, &near);
	if (near.len == 0)
		log_error("%s: there is no such AgentCard in the %s", agent,
		          stream_or_directory(program));
	else
		log_error("%s: there is no such AgentCard in the %s; perhaps %.*s", agent,
		          stream_or_directory(program), (int)near.len, near.at);
	json_buffer_free(&near);
}

/* Whether the stream came through egress-verify: each card would then have a verdict. */
static bool has_verdicts(const struct policy_inventory *inventory)
{
	const struct policy_card *card = inventory->cards;
	while (card != NULL && card->reason[0] == '\0' && !card->verified)
		card = card->hh.next;
	return card != NULL || inventory->cards == NULL;
}

/* By the name of a card, else by that of the workload that cards name. */
static bool find_agent(struct program *program, const char *agent)
{
	size_t found = count_asked_for(program);
	if (found == 0) {
		program->by_workload = true;
		found = count_asked_for(program);
	}
	if (found == 0)
		report_unknown(program, agent);
	else if (found > 1)
		log_error("%s: there are %zu AgentCards of that name: say which with -n", agent,
		          found);
	return found == 1;
}

/* False, reported, when the question cannot be answered. */
static bool check_question(struct program *program)
{
	const char *agent = operand(program->options, 0);
	if (program->options->card == NULL && !has_verdicts(program->world.inventory)) {
		log_error("no verdicts in this stream: run egress-verify before");
		return false;
	}
	if (agent != NULL && !find_agent(program, agent))
		return false;
	if (!program->world.connection.destination.is_workload || world_find_destination(&program->world))
		return true;
	log_error("%s: there is no such workload in the %s", program->world.asked,
	          stream_or_directory(program));
	return false;
}

static void put_agent(struct json_buffer *out, const struct program *program, const struct explanation *explanation)
{
	int target = program->options->target.value;
	put_block(out, &program->world, explanation);
	if (target != NO_TARGET)
		explain_target_put(out, program->world.inventory, explanation->card, policy_targets[target]);
}

static void put(const struct program *program, const struct explanation *explanation,
                struct json_buffer *out)
{
	switch ((enum output)program->options->output.value) {
	case OUTPUT_JSON:
		put_json(out, &program->world, explanation);
		break;
	case OUTPUT_DOT:
		explain_dot_put(program->dot, out, explanation);
		break;
	case OUTPUT_TABLE:
		if (program->options->to != NULL)
			put_who(out, &program->world, explanation);
		else if (operand(program->options, 0) != NULL)
			put_agent(out, program, explanation);
		else
			put_row(out, explanation);
		break;
	}
}

static void put_head(struct program *program, struct json_buffer *out)
{
	const struct options *o = program->options;
	if (o->output.value == OUTPUT_DOT)
		program->dot = explain_dot_begin(out, &program->world);
	else if (o->output.value == OUTPUT_TABLE && o->to == NULL && operand(o, 0) == NULL)
		json_puts(out, table_head);
}

/* Whether this agent lets the whole be well. */
static bool is_well(const struct program *program, const struct explanation *explanation)
{
	int check = program->options->check.value;
	if (check != CHECK_NOTHING && explanation->confinement == EXPLAIN_UNCONFINED)
		return false;
	if (check == CHECK_CONFINED && explanation->confinement == EXPLAIN_UNDECIDED)
		return false;
	return program->world.asked == NULL || program->options->to != NULL ||
	       explanation->answer == POLICY_ALLOWED;
}

/* Who may reach a destination is a list of those alone. */
static bool is_wanted(const struct program *program, const struct explanation *explanation)
{
	return program->options->to == NULL || explanation->answer != POLICY_DENIED;
}

static void write_out(struct program *program, struct json_buffer *out)
{
	if (out->len > 0) /* the last newline is the stream's */
		stream_write(program->stream, (struct json_text){out->at, out->len - 1});
	json_buffer_free(out);
}

static bool explain_agents(struct program *program)
{
	struct world *world = &program->world;
	struct explanation explanation = {0};
	struct json_buffer out = {0};
	bool well = true;
	put_head(program, &out);
	struct policy_card *card = world->inventory->cards;
	for (; card != NULL; card = card->hh.next) {
		if (!is_asked_for(program, card))
			continue;
		explain(world, card, &explanation);
		well = is_well(program, &explanation) && well;
		if (is_wanted(program, &explanation))
			put(program, &explanation, &out);
	}
	if (program->options->output.value == OUTPUT_DOT)
		explain_dot_end(program->dot, &out);
	write_out(program, &out);
	explanation_free(&explanation);
	return well;
}

static bool explain_trials(struct program *program)
{
	struct json_buffer out = {0};
	bool good = true;
	for (size_t i = 0; i < program->tried_count; i++) {
		const struct policy_card *card = NULL;
		HASH_FIND_STR(program->world.inventory->cards, program->tried[i], card);
		if (card != NULL)
			good = explain_trial_put(&out, program->world.inventory, card) && good;
	}
	write_out(program, &out);
	return good;
}

static bool is_wanted_agent(void *context, const struct policy_card *card)
{
	return is_asked_for(context, card);
}

static int explain_flow_files(struct program *program)
{
	struct json_buffer out = {0};
	struct explain_flows *flows = explain_flows_new(&program->world, program->pods, is_wanted_agent, program);
	bool whole = flow_files_read(&program->flow_files, flows);
	struct explain_flows_count count = explain_flows_count(flows);
	if (whole && program->options->output.value == OUTPUT_JSON)
		explain_flows_put_json(flows, &out);
	else if (whole)
		explain_flows_put(flows, &out);
	write_out(program, &out);
	explain_flows_free(flows);
	bool matched = count.undetermined > 0, doubt = count.undetermined > 0 || count.incomplete > 0;
	for (int i = 0; i < EXPLAIN_FATES; i++)
		matched = matched || count.of[i] > 0;
	if (whole && !matched && count.unmatched > 0)
		log_error("none of %llu flows is of an agent that is asked about: are the events of the same cluster and time?",
		          (unsigned long long)count.unmatched);
	else if (whole && !matched)
		log_error("--flows: there is no flow: nothing was seen, so nothing is told of what would be cut");
	if (!whole || !matched)
		return EXIT_CANNOT;
	return doubt || count.of[EXPLAIN_CUT] > 0 || count.of[EXPLAIN_DOUBTFUL] > 0 ? EXIT_SOME : EXIT_OK;
}

static int judge_assertions(struct program *program)
{
	const struct policy_settings *settings = program->world.inventory->settings;
	struct explanation explanation = {0};
	struct json_buffer out = {0};
	bool well = true;
	if (program->world.inventory->cards == NULL) {
		log_error("there is no agent in the %s: nothing can be asserted of it", stream_or_directory(program));
		return EXIT_CANNOT;
	}
	explain_assertions_know(program->assertions,
	                        &(struct explain_assertions_facts){settings->pod_cidrs, settings->pod_cidrs_count,
	                                                           program->others});
	const struct policy_card *card = program->world.inventory->cards;
	for (; card != NULL; card = card->hh.next) {
		explain(&program->world, card, &explanation);
		well = is_well(program, &explanation) && well;
		explain_assertions_judge(program->assertions, &program->world, &explanation);
	}
	well = explain_assertions_put(program->assertions, program->options->output.value == OUTPUT_JSON, &out) &&
	       well;
	write_out(program, &out);
	explanation_free(&explanation);
	return well ? EXIT_OK : EXIT_SOME;
}

static int answer(struct program *program)
{
	struct world *world = &program->world;
	int status;
	HASH_SORT(world->inventory->cards, by_key);
	policy_stored_sort(world->stored);
	world->index = explain_index_new(world->stored);
	if (program->options->card != NULL)
		status = explain_trials(program) ? EXIT_OK : EXIT_SOME;
	else if (program->options->flows.count > 0)
		status = explain_flow_files(program);
	else if (program->assertions != NULL)
		status = judge_assertions(program);
	else
		status = explain_agents(program) ? EXIT_OK : EXIT_SOME;
	explain_index_free(world->index);
	return status;
}

/* Of a record that cannot be used and names no object, nobody can tell what it concerned: no answer is a proof. */
static int doubt_lost(const struct program *program, int status)
{
	if (status != EXIT_OK || !policy_translator_is_lost(program->translator))
		return status;
	log_error("a record of this stream could not be used and names no object, so this may be wrong: "
	          "ask again with a stream that begins with complete lists");
	return EXIT_SOME;
}

static int explain_stream(struct program *program, const struct policy_settings *settings)
{
	int status = EXIT_CANNOT;
	program->translator =
	        policy_translator_new(settings, &policy_target_networkpolicy,
	                              (struct policy_output){keep_operation, program});
	program->world.inventory = policy_translator_inventory(program->translator);
	program->world.stored = &program->stored;
	program->world.agents = &program->agents;
	if (read_all(program) && check_question(program))
		status = doubt_lost(program, answer(program));
	policy_translator_free(program->translator);
	policy_stored_free(&program->stored);
	explain_agents_free(&program->agents);
	return status;
}

static int run(struct program *program, const struct policy_settings *settings)
{
	const char *dir = program->options->dir;
	const char *file = program->options->assert;
	signals_catch();
	if (file != NULL && (program->assertions = explain_assertions_open(file)) == NULL)
		return EXIT_CANNOT;
	if (dir != NULL && !kube_manifests_open(&program->manifests, dir))
		return EXIT_CANNOT;
	const char *card = program->options->card;
	if (card != NULL && !kube_manifests_open_file(&program->manifests, card))
		return EXIT_CANNOT;
	if (!flow_files_open(&program->flow_files, &program->options->flows, program->options->rejects))
		return EXIT_CANNOT;
	if (program->options->flows.count > 0)
		program->pods = flow_pods_new();
	program->stream =
	        stream_open(&(struct stream_options){.in = dir == NULL ? STDIN_FILENO : -1,
	                                             .out = STDOUT_FILENO,
	                                             .rejects = program->options->rejects,
	                                             .wake = -1,
	                                             .reads = STREAM_READS_EVENTS,
	                                             .on_reject = take_unusable,
	                                             .context = program});
	if (program->stream == NULL)
		return EXIT_CANNOT;
	int status = EXIT_CANNOT;
	if (sandbox_enter(&(struct sandbox_rules){0}))
		status = explain_stream(program, settings);
	int written = stream_close(program->stream);
	int read = flow_files_close(&program->flow_files);
	written = read > written ? read : written;
	return status > written ? status : written;
}

int main(int argc, char **argv)
{
	struct options options = {
	        .names = {policy_names_words, POLICY_NAMES_KAGENTI},
	        .output = {output_words, OUTPUT_TABLE},
	        .target = {policy_target_words, NO_TARGET},
	        .check = {check_words, CHECK_NOTHING},
	        .selector_from = {selector_words, POLICY_FROM_SELECTOR},
	};
	struct policy_settings settings;
	struct program program = {.options = &options};
	int status = EXIT_USAGE;
	log_open("egress-explain");
	enum options_verdict verdict = parse(argc, argv, &options);
	struct policy_cidr *pods = kube_alloc(options.pod_cidrs.count + 1, sizeof *pods);
	if (verdict == OPTIONS_DONE)
		status = EXIT_OK;
	else if (verdict == OPTIONS_GO && choose(&options, &settings, &program.world, pods) && choose_time(&program))
		status = run(&program, &settings);
	kube_manifests_free(&program.manifests);
	flow_files_close(&program.flow_files);
	while (program.tried_count > 0)
		free(program.tried[--program.tried_count]);
	free(program.tried);
	flow_pods_free(program.pods);
	explain_assertions_free(program.assertions);
	free(pods);
	options_free_list(&options.pod_cidrs);
	options_free_list(&options.flows);
	options_free_list(&options.api_server);
	options_free_list(&options.operands);
	options_free_list(&options.dns);
	return status;
}
