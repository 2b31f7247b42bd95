/* Decides which policies there should be; asks for what must change: egress-translate(1). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/memory.h"
#include "bounds_file.h"
#include "os/clock.h"
#include "os/exit.h"
#include "os/log.h"
#include "os/metrics.h"
#include "os/notify.h"
#include "os/options.h"
#include "os/sandbox.h"
#include "os/signals.h"
#include "rules/crd.h"
#include "targets/target.h"
#include "translate/translator.h"
#include "stream/stream.h"

static const char *const selector_words[] = {"selector", "template", NULL};
static const char *const unset_words[] = {"allow-all", "api-server", "deny-all", NULL};
static const char *const peer_words[] = {"label", "workloads", NULL};

struct options {
	const char *rejects, *metrics, *port, *bounds, *at;
	int64_t fixed_time;
	struct option_choice names, kubernetes, target, cni, selector_from, verified_peers, unset;
	struct option_list ingress_namespaces, api_server, dns, selector_labels, pod_cidrs;
	bool explicit_peers, status, no_wait, print_crd, check;
};

enum { WORDS_SIZE = 256 };

static const char *join_words(char joined[WORDS_SIZE], const char *const words[])
{
	size_t len = 0;
	for (size_t i = 0; words[i] != NULL && len < WORDS_SIZE; i++)
		len += (size_t)snprintf(joined + len, WORDS_SIZE - len, "%s%s", i == 0 ? "" : "|",
		                        words[i]);
	return joined;
}

static enum options_verdict parse(int argc, char **argv, struct options *o)
{
	char targets[WORDS_SIZE], cnis[WORDS_SIZE];
	const struct option_spec table[] = {
	        {OPTION_CHOICE, "target", 0, join_words(targets, policy_target_words), "the kind of policy to ask for",
	         &o->target},
	        {OPTION_CHOICES, "cni", 0, join_words(cnis, policy_cni_words),
	         "the network plugin and mesh that read the policies (by commas)", &o->cni},
	        {OPTION_LIST, "api-server", 0, "CIDR",
	         "where the API server is (repeat; default: as the stream says)", &o->api_server},
	        {OPTION_STRING, "api-server-port", 0, "PORT|endpoints",
	         "its TCP port (default 6443), or the ports that its endpoints have", &o->port},
	        {OPTION_LIST, "dns", 0, "NAMESPACE/LABEL|CIDR",
	         "the pods or addresses that names are looked up with, :PORT behind it\n"
	         "unless 53 "
	         "(repeat; default: kube-system/k8s-app=kube-dns)",
	         &o->dns},
	        {OPTION_LIST, "ingress-namespace", 0, "NAME",
	         "a namespace that may connect to every agent\n"
	         "(repeat; default: the operator's)",
	         &o->ingress_namespaces},
	        {OPTION_CHOICE, "verified-peers", 0, "label|workloads",
	         "verified agents let each other in by the operator's label,\n"
	         "or by the selectors of the verified workloads",
	         &o->verified_peers},
	        {OPTION_CHOICE, "selector-from", 0, "selector|template",
	         "select pods by the workload's selector, or by its template's labels",
	         &o->selector_from},
	        {OPTION_LIST, "selector-label", 0, "KIND.GROUP=LABEL",
	         "pods of workloads of this kind have the workload's name in this label (repeat)",
	         &o->selector_labels},
	        {OPTION_CHOICE, "unset", 0, "allow-all|api-server|deny-all",
	         "what a verified agent may reach whose card never had rules", &o->unset},
	        {OPTION_STRING, "bounds", 0, "FILE",
	         "the admin's bounds, which no card exceeds: egress-bounds(5)", &o->bounds},
	        {OPTION_STRING, "at", 0, "TIME",
	         "grants have ended by this time, and not by the one that the input tells", &o->at},
	        {OPTION_FLAG, "check", 0, NULL, "check the file of --bounds and exit", &o->check},
	        {OPTION_LIST, "pod-cidr", 0, "CIDR",
	         "a range of pods' addresses; together they hold all pods (repeat)", &o->pod_cidrs},
	        {OPTION_FLAG, "explicit-peers", 0, NULL,
	         "write a rule without `to` as 0.0.0.0/0 and ::/0", &o->explicit_peers},
	        {OPTION_FLAG, "status", 0, NULL,
	         "also ask for the AgentCards' status.networkPolicy", &o->status},
	        {OPTION_FLAG, "no-wait", 0, NULL, "do not wait until the lists are complete",
	         &o->no_wait},
	        {OPTION_CHOICE, "names", 0, "kagenti|rossoctl",
	         "the operator's API group and labels", &o->names},
	        {OPTION_FLAG, "print-crd", 0, NULL,
	         "print the AgentCard's CustomResourceDefinition and exit", &o->print_crd},
	        {OPTION_CHOICE, "kubernetes", 0, "1.20|1.31",
	         "the oldest server that it is for (default: 1.31)", &o->kubernetes},
	        OPTION_METRICS(&o->metrics),
	        OPTIONS_COMMON(&o->rejects),
	        {OPTION_END, NULL, 0, NULL, NULL, NULL},
	};
	return options_parse(argc, argv, "[OPTION]... <EVENTS",
	                     "Decides which policy each agent gets; writes operations.",
	                     table, NULL);
}

static bool read_at(struct options *o)
{
	if (o->at == NULL || clock_parse(o->at, &o->fixed_time))
		return true;
	log_error("--at %s: must be a date and time, as 2026-12-01T00:00:00Z", o->at);
	return false;
}

static bool check_namespaces(const struct option_list *namespaces)
{
	for (size_t i = 0; i < namespaces->count; i++) {
		if (policy_is_label(json_of(namespaces->values[i])))
			continue;
		log_error("--ingress-namespace %s: is not a namespace's name",
		          namespaces->values[i]);
		return false;
	}
	return true;
}

static const char *const none[] = {NULL};

/* False, reported, for wrong usage. */
static bool choose(const struct options *o, struct policy_settings *settings)
{
	const struct policy_names *names = policy_names(o->names.value);
	char fault[POLICY_FAULT_SIZE];
	*settings = (struct policy_settings){
	        .names = names,
	        .ingress_namespaces = o->ingress_namespaces.count > 0 ? o->ingress_namespaces.values
	                                                              : names->operator_namespaces,
	        .api_server = o->api_server.count > 0 ? o->api_server.values : none,
	        .selector_from = (enum policy_selector_from)o->selector_from.value,
	        .verified_peers = (enum policy_peers)o->verified_peers.value,
	        .cnis = (policy_cnis)o->cni.value,
	        .unset = (enum policy_unset)o->unset.value,
	        .explicit_peers = o->explicit_peers,
	        .status = o->status,
	        .no_wait = o->no_wait,
	};
	if (policy_settings_api_server(settings, o->port, fault) &&
	    policy_settings_dns(settings, o->dns.count > 0 ? o->dns.values : none, fault) &&
	    policy_settings_selector_labels(
	            settings, o->selector_labels.count > 0 ? o->selector_labels.values : none, fault))
		return check_namespaces(&o->ingress_namespaces);
	log_error("%s", fault);
	return false;
}

struct stage {
	struct stream *stream;
	struct policy_translator *translator;
	bool judged;            /* the translator has had the record at hand */
	bool lacks_verdicts;    /* it was said that no card has one */
	bool told_schema;       /* it was said that the server may leave rules out */
	int64_t heard_ms;       /* when the last record came, by the monotonic clock */
};

enum { TICK_S = 10, SILENCE_S = 30, LIVE_S = 60 };

static void write_out(void *stage, struct json_text line)
{
	stream_write(((struct stage *)stage)->stream, line);
}

static void gather(void *stage)
{
	struct policy_counts counts =
		policy_translator_counts(((const struct stage *)stage)->translator);
	metrics_set(METRIC_OPERATIONS, "APPLY", (int64_t)counts.applied);
	metrics_set(METRIC_OPERATIONS, "DELETE", (int64_t)counts.deleted);
	metrics_set(METRIC_AGENTS, NULL, (int64_t)counts.agents);
}

static bool take_unusable(void *context, struct json_text line, const char *why)
{
	struct stage *stage = context;
	(void)why;
	if (!stage->judged)
		policy_translator_unusable(stage->translator, line);
	return true;
}

/* Without egress-verify in the pipe every agent is cut off, and nothing else would tell. */
static void check_verdicts(struct stage *stage)
{
	if (stage->lacks_verdicts || !policy_translator_known(stage->translator) ||
	    !policy_translator_lacks_verdicts(stage->translator))
		return;
	stage->lacks_verdicts = true;
	log_error("no AgentCard in the input has a verdict, so every agent counts as unverified: "
	          "put egress-verify before egress-translate");
	stream_count_failure(stage->stream);
}

static void end(struct stage *stage)
{
	const char *why = policy_translator_end(stage->translator);
	check_verdicts(stage);
	if (why == NULL)
		return;
	log_error("%s", why);
	stream_count_failure(stage->stream);
}

static void say_complete(const struct stage *stage)
{
	struct policy_counts counts = policy_translator_counts(stage->translator);
	log_detail("complete: %lu agents, %lu operations", counts.agents,
	           counts.applied + counts.deleted);
	if (policy_translator_is_lost(stage->translator))
		log_warning("some records could not be used: only policies whose card was seen to "
		            "go are deleted");
	notify_send("READY=1");
}

/* Once a run: the record of each card that it concerns says so, too. */
static void tell_schema(struct stage *stage)
{
	if (stage->told_schema || !policy_translator_schema_missing(stage->translator))
		return;
	stage->told_schema = true;
	log_error("the AgentCard's definition in the cluster has no place for rules, or cannot be read: "
	          "verified agents whose cards have none keep the policies that they have, and nothing "
	          "is deleted but what is known to be unwanted; apply the definition that "
	          "egress-translate --print-crd prints");
	stream_count_failure(stage->stream);
}

static void take(struct stage *stage, const struct record *record)
{
	bool known = policy_translator_known(stage->translator);
	const char *wrong =
		policy_translator_take(stage->translator, record->line, record->json);
	stage->judged = true;
	if (wrong != NULL)
		stream_reject(stage->stream, record, wrong);
	stage->judged = false;
	if (!known && policy_translator_known(stage->translator))
		say_complete(stage);
	check_verdicts(stage);
	tell_schema(stage);
}

/* In a stream that is live, and has told no time for a while, grants end all the same. One that is
 * replayed tells its own time, which is not that of the wall. */
static void take_silence(struct stage *stage, int ticks)
{
	uint64_t ticked;
	int64_t silent = (clock_monotonic_ms() - stage->heard_ms) / 1000, told;
	if (read(ticks, &ticked, sizeof ticked) != sizeof ticked || silent < SILENCE_S ||
	    !policy_translator_time(stage->translator, &told) ||
	    told + LIVE_S < clock_now() - silent)
		return;
	policy_translator_clock(stage->translator, clock_now());
}

static void loop(struct stage *stage, int ticks)
{
	struct record record;
	for (;;) {
		switch (stream_next(stage->stream, &record)) {
		case STREAM_RECORD:
			stage->heard_ms = clock_monotonic_ms();
			take(stage, &record);
			break;
		case STREAM_END:
			end(stage);
			return;
		case STREAM_WAKE:
			take_silence(stage, ticks);
			break;
		case STREAM_STOP:
		case STREAM_CLOSED:
		case STREAM_FAILED:
			return;
		}
	}
}

/* Readable every ten seconds; reported when it cannot be had. */
static int open_ticks(void)
{
	const struct itimerspec every = {.it_interval.tv_sec = TICK_S, .it_value.tv_sec = TICK_S};
	int ticks = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (ticks >= 0 && timerfd_settime(ticks, 0, &every, NULL) == 0)
		return ticks;
	log_error("can't make a timer: %s", strerror(errno));
	return -1;
}

static int run(const struct options *o, const struct policy_settings *settings)
{
	signals_catch();
	if (!metrics_open(o->metrics))
		return EXIT_CANNOT;
	int ticks = open_ticks();
	if (ticks < 0)
		return EXIT_CANNOT;
	struct stage stage = {
		.heard_ms = clock_monotonic_ms(),
		.stream = stream_open(&(struct stream_options){.in = STDIN_FILENO,
	                                                       .out = STDOUT_FILENO,
	                                                       .rejects = o->rejects,
	                                                       .wake = ticks,
	                                                       .reads = STREAM_READS_EVENTS,
	                                                       .on_reject = take_unusable,
	                                                       .context = &stage})};
	if (stage.stream == NULL)
		return EXIT_CANNOT;
	notify_open();
	bool sandboxed = sandbox_enter(&(struct sandbox_rules){.write = o->metrics});
	if (sandboxed) {
		stage.translator =
			policy_translator_new(settings, policy_targets[o->target.value],
			                      (struct policy_output){write_out, &stage});
		metrics_gather(gather, &stage);
		loop(&stage, ticks);
		metrics_close();
		policy_translator_free(stage.translator);
	}
	int status = stream_close(stage.stream);
	close(ticks);
	return sandboxed ? status : EXIT_CANNOT;
}

static int check_bounds(const struct options *o)
{
	if (o->bounds == NULL) {
		log_error("--check needs --bounds FILE");
		return EXIT_USAGE;
	}
	struct bounds *bounds = bounds_file_read(o->bounds);
	if (bounds == NULL)
		return EXIT_SOME;
	bool written = bounds_file_print(o->bounds, bounds);
	bounds_free(bounds);
	return written ? EXIT_OK : EXIT_CANNOT;
}

/* Whoever asked for bounds gets nothing without them. */
static int run_bounded(const struct options *o, struct policy_settings *settings)
{
	char fault[POLICY_FAULT_SIZE];
	struct policy_cidr *pods = kube_alloc(o->pod_cidrs.count + 1, sizeof *pods);
	if (!policy_settings_pod_cidrs(settings, pods, o->pod_cidrs.count > 0 ? o->pod_cidrs.values : none,
	                               fault)) {
		log_error("%s", fault);
		free(pods);
		return EXIT_USAGE;
	}
	struct bounds *bounds = o->bounds == NULL ? NULL : bounds_file_read(o->bounds);
	int status = EXIT_CANNOT;
	settings->bounds = bounds;
	settings->at = o->at == NULL ? NULL : &o->fixed_time;
	if (o->bounds == NULL || bounds != NULL)
		status = run(o, settings);
	free(pods);
	bounds_free(bounds);
	return status;
}

static int print_crd(const struct options *o)
{
	struct json_buffer yaml = {0};
	policy_crd_put(&yaml, policy_names(o->names.value),
	               (enum policy_crd_version)o->kubernetes.value);
	bool written = fwrite(yaml.at, 1, yaml.len, stdout) == yaml.len && fflush(stdout) == 0;
	json_buffer_free(&yaml);
	if (!written)
		log_error("can't write the CustomResourceDefinition: %s", strerror(errno));
	return written ? EXIT_OK : EXIT_CANNOT;
}

int main(int argc, char **argv)
{
	struct options options = {
	        .names = {policy_names_words, POLICY_NAMES_KAGENTI},
	        .kubernetes = {policy_crd_words, POLICY_CRD_1_31},
	        .target = {policy_target_words, 0},
	        .cni = {policy_cni_words, 0},
	        .selector_from = {selector_words, POLICY_FROM_SELECTOR},
	        .verified_peers = {peer_words, POLICY_PEERS_LABEL},
	        .unset = {unset_words, POLICY_UNSET_ALLOW_ALL},
	};
	struct policy_settings settings;
	int status = EXIT_USAGE;
	log_open("egress-translate");
	enum options_verdict verdict = parse(argc, argv, &options);
	if (verdict == OPTIONS_DONE)
		status = EXIT_OK;
	else if (verdict == OPTIONS_GO && options.print_crd)
		status = print_crd(&options);
	else if (verdict == OPTIONS_GO && options.check)
		status = check_bounds(&options);
	else if (verdict == OPTIONS_GO && read_at(&options) && choose(&options, &settings))
		status = run_bounded(&options, &settings);
	options_free_list(&options.api_server);
	options_free_list(&options.ingress_namespaces);
	options_free_list(&options.dns);
	options_free_list(&options.selector_labels);
	options_free_list(&options.pod_cidrs);
	return status;
}
