/* egress-verify: says of every AgentCard in a stream whether it is signed by its workload. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bundles.h"
#include "os/clock.h"
#include "os/exit.h"
#include "os/log.h"
#include "os/metrics.h"
#include "os/notify.h"
#include "os/sandbox.h"
#include "os/signals.h"
#include "k8s/operator.h"
#include "print.h"
#include "sources.h"
#include "stream/stream.h"
#include "verify/cards.h"

struct verify_options {
	struct option_list trust_domains, files, configmaps, clustertrustbundles, without;
	struct option_choice names, bind, canonical, print, accept, fetch;
	struct option_number grace, namespace_memory;
	const char *path_template, *at, *rejects, *metrics;
	bool require_unexpired;
	int64_t fixed_time; /* of --at; else TRUST_TIME_MIN */
};

/* As enum trust_accept has them, less its first. */
enum { ACCEPT_ALL, ACCEPT_MTLS };
static const char *const fetch_words[] = {"mtls", NULL};
static const char *const accept_words[] = {"all", "mtls", NULL};

struct stage {
	struct verify_options options;
	struct sources sources;
	struct trust_checker *checker; /* NULL with --accept-status */
	int64_t stream_time;           /* the largest in the stream; TRUST_TIME_MIN: there is none */
	struct trust_cards *cards;
	struct bundles bundles;
	struct stream *stream;
};

_Static_assert(TRUST_REASONS <= (int)METRICS_LABELS, "each reason is a label");

/* Records between looks at whether a bundle file changed, when input never runs dry. */
enum { RECORDS_BETWEEN_LOOKS = 1024 };

static enum options_verdict parse(int argc, char **argv, struct verify_options *o)
{
	const struct option_spec table[] = {
		{OPTION_LIST, "trust-domain", 0, "DOMAIN",
		 "accept SPIFFE IDs of this trust domain (repeat);\n"
		 "the first is what a card without a binding must have", &o->trust_domains},
		{OPTION_LIST, "trust-bundle", 0, "[DOMAIN=]FILE",
		 "the trust domain's bundle, re-read when it changes (repeat)", &o->files},
		{OPTION_LIST, "trust-bundle-configmap", 0, "[DOMAIN=]NS/NAME[:KEY]",
		 "the bundle's ConfigMap in the stream (repeat;\n"
		 "default " SOURCES_CONFIGMAP ",\nkeys bundle.spiffe, then bundle.crt)", &o->configmaps},
		{OPTION_LIST, "trust-bundle-clustertrustbundle", 0, "[DOMAIN=]NAME",
		 "the bundle's ClusterTrustBundle in the stream (repeat)", &o->clustertrustbundles},
		{OPTION_NUMBER, "bundle-grace", 0, "SECONDS",
		 "keep the last bundle so long while what is there\nis none (default 3600)", &o->grace},
		{OPTION_NUMBER, "namespace-memory", 0, "MIB",
		 "hold at most so much of one namespace (default 32);\nwhat finds no room is not verified",
		 &o->namespace_memory},
		{OPTION_LIST, "without-anchor", 0, "ID",
		 "leave out the CA of this key identifier (repeat):\nwho falls when it goes?", &o->without},
		{OPTION_CHOICE, "bind", 0, "workload|trust-domain",
		 "what a SPIFFE ID must match (default workload);\n"
		 "trust-domain: any SVID of it may sign any card", &o->bind},
		{OPTION_STRING, "bind-template", 0, "PATH",
		 "the workload's SPIFFE ID path (default\n" TRUST_TEMPLATE_DEFAULT ")",
		 &o->path_template},
		{OPTION_CHOICES, "canonical", 0, "FORM[,FORM]",
		 "accept signatures over these forms (default jcs,a2a,a2a-sdk,kagenti,a2a-spec;\n"
		 "on request a2a-python-1, a2a-python-0.3)",
		 &o->canonical},
		{OPTION_FLAG, "require-unexpired", 0, NULL,
		 "refuse cards whose certificate has expired", &o->require_unexpired},
		{OPTION_STRING, "at", 0, "TIME",
		 "check as of this time (RFC 3339); else as of the\nlargest in the stream, else as of now",
		 &o->at},
		{OPTION_OPTIONAL, "accept-status", 0, "all|mtls",
		 "all: take the operator's conclusion from the status,\ncheck no signature; "
		 "mtls: take it beside our own check\nwhere it attested the agent by mTLS", &o->accept},
		{OPTION_CHOICE, "accept-fetch", 0, "mtls",
		 "where our own check fails, take whom egress-fetch saw\nat the other end when it fetched the card by mTLS",
		 &o->fetch},
		{OPTION_CHOICE, "names", 0, "kagenti|rossoctl",
		 "the API group and labels in use (default kagenti)", &o->names},
		{OPTION_CHOICE, "print-canonical", 0, "FORM",
		 "print what a signature over the card on stdin covers, and exit", &o->print},
		OPTION_METRICS(&o->metrics),
		OPTIONS_COMMON(&o->rejects),
		{.kind = OPTION_END},
	};
	return options_parse(argc, argv, "[--trust-domain DOMAIN]... [OPTION]...",
	                     "Checks the signature of each AgentCard in a stream of events.",
	                     table, NULL);
}

static bool check_without(const struct verify_options *o)
{
	for (size_t i = 0; i < o->without.count; i++)
		if (!trust_anchor_id_is_valid(o->without.values[i])) {
			log_error("--without-anchor %s: not a key identifier in hex, as a verdict's "
			          "\"anchor\" has it", o->without.values[i]);
			return false;
		}
	return true;
}

/* Units and pipelines take the options from this variable, which is what their admin can change. */
static void say_no_trust_domain(void)
{
	bool variable = getenv("EGRESS_VERIFY_FLAGS") != NULL;
	log_error("no trust domain is given, so no signature could count: give --trust-domain DOMAIN, the "
	          "SPIFFE trust domain of your agents, or --accept-status%s; see --help",
	          variable ? ", in the variable EGRESS_VERIFY_FLAGS" : "");
}

/* The same trust domain given twice counts once: one bundle answers for it. */
static void drop_repeated(struct option_list *list)
{
	size_t kept = 0;
	for (size_t i = 0; i < list->count; i++) {
		size_t same = 0;
		while (same < kept && strcmp(list->values[same], list->values[i]) != 0)
			same++;
		if (same == kept)
			list->values[kept++] = list->values[i];
	}
	if (list->values != NULL)
		list->values[kept] = NULL;
	list->count = kept;
}

static bool check_options(struct verify_options *o)
{
	drop_repeated(&o->trust_domains);
	o->fixed_time = TRUST_TIME_MIN;
	if (o->at != NULL && !clock_parse(o->at, &o->fixed_time)) {
		log_error("--at %s: not a time such as 2026-01-02T03:04:05Z", o->at);
		return false;
	}
	if (o->print.value >= 0)
		return true;
	bool checks = o->accept.value != ACCEPT_ALL;
	if (!checks && (o->trust_domains.count > 1 || o->files.count > 0 || o->configmaps.count > 0 ||
	                o->clustertrustbundles.count > 0 || o->without.count > 0 || o->fetch.value >= 0)) {
		log_error("--accept-status checks no signature: leave out bundles, --accept-fetch and all "
		          "but one --trust-domain, or say --accept-status=mtls");
		return false;
	}
	if (!check_without(o))
		return false;
	if (checks && o->trust_domains.count == 0) {
		say_no_trust_domain();
		return false;
	}
	return true;
}

/* The time is an input: so a replay of a stream that tells it gives the same bytes. */
static int64_t now(const struct stage *stage)
{
	if (stage->options.fixed_time != TRUST_TIME_MIN)
		return stage->options.fixed_time;
	return stage->stream_time != TRUST_TIME_MIN ? stage->stream_time : clock_now();
}

static int64_t take_time(void *context, struct json_text time)
{
	struct stage *stage = context;
	char *text = json_cstring(time);
	int64_t seconds;
	if (text != NULL && clock_parse(text, &seconds) && seconds > stage->stream_time)
		stage->stream_time = seconds;
	free(text);
	return now(stage);
}

static void emit(void *context, struct json_text line)
{
	struct stage *stage = context;
	stream_write(stage->stream, line);
}

static void warn(void *context, const char *sentence)
{
	(void)context;
	log_warning("%s", sentence);
}

/* What the line is of must not stay what it was before. */
static bool take_unusable(void *context, struct json_text line, const char *why)
{
	struct stage *stage = context;
	return trust_cards_unusable(stage->cards, line, why, now(stage));
}

static bool open_checker(struct stage *stage)
{
	const struct verify_options *o = &stage->options;
	char reason[TRUST_BUNDLE_REASON_SIZE];
	struct trust_settings settings = {
		.forms = (unsigned)o->canonical.value,
		.bind = (enum trust_bind)o->bind.value,
		.path_template = o->path_template,
		.trust_domains = o->trust_domains.values,
		.trust_domain_count = o->trust_domains.count,
		.require_unexpired = o->require_unexpired,
		/* verdicts are held with the cards; this is for what comes and goes */
		.cache_entries = 4096,
	};
	if (o->accept.value == ACCEPT_ALL)
		return true;
	stage->checker = trust_checker_new(&settings, reason);
	if (stage->checker == NULL)
		log_error("%s", reason);
	return stage->checker != NULL &&
	       sources_read(&stage->sources, &o->trust_domains, &o->files, &o->configmaps,
	                    &o->clustertrustbundles);
}

static void open_cards(struct stage *stage)
{
	const struct verify_options *o = &stage->options;
	stage->cards = trust_cards_new(&(struct trust_cards_settings){
		.agentcard_group = policy_names(o->names.value)->agentcard_group,
		.checker = stage->checker,
		.accept = (enum trust_accept)(o->accept.value + 1),
		.accept_fetch = o->fetch.value >= 0,
		.bind = (enum trust_bind)o->bind.value,
		.path_template = o->path_template,
		.status_domain = o->trust_domains.count > 0 ? o->trust_domains.values[0] : NULL,
		.bundle_grace = o->grace.value,
		.namespace_bytes = (size_t)o->namespace_memory.value * 1024 * 1024,
		.without = o->without.values,
		.without_count = o->without.count,
		.now = take_time,
		.bundles = stage->sources.bundles,
		.bundle_count = stage->sources.bundle_count,
		.emit = emit,
		.warn = warn,
		.context = stage,
	});
}

static void set_measure(void *context, enum trust_measure measure, const char *label, int64_t value)
{
	static const enum metric metrics[] = {
		[TRUST_MEASURE_ANCHOR] = METRIC_ANCHORS,
		[TRUST_MEASURE_SOURCE] = METRIC_SOURCES,
		[TRUST_MEASURE_BUNDLE] = METRIC_BUNDLES,
	};
	(void)context;
	metrics_set(metrics[measure], label, value);
}

static void gather(void *context)
{
	const struct stage *stage = context;
	const unsigned long *verdicts = trust_cards_verdicts(stage->cards);
	for (int i = 0; i < TRUST_REASONS; i++)
		metrics_set(METRIC_VERDICTS, trust_reason_names[i], (int64_t)verdicts[i]);
	metrics_set(METRIC_AGENTS, NULL, (int64_t)trust_cards_count(stage->cards));
	trust_cards_measure(stage->cards, set_measure, NULL);
}

static bool open_stage(struct stage *stage)
{
	if (!metrics_open(stage->options.metrics))
		return false;
	open_cards(stage);
	if (!bundles_open(&stage->bundles, stage->sources.files, stage->sources.file_count,
	                  stage->cards, now(stage)))
		return false;
	stage->stream = stream_open(&(struct stream_options){
		.in = STDIN_FILENO,
		.out = STDOUT_FILENO,
		.rejects = stage->options.rejects,
		.wake = stage->bundles.wake,
		.reads = STREAM_READS_EVENTS,
		.lost = STREAM_LOST_EVENT,
		.on_reject = take_unusable,
		.context = stage,
	});
	if (stage->stream == NULL)
		return false;
	notify_open();
	metrics_gather(gather, stage);
	return sandbox_enter(&(struct sandbox_rules){.read = stage->bundles.paths,
	                                             .read_count = stage->bundles.count,
	                                             .write = stage->options.metrics});
}

static void follow_bundles(struct stage *stage)
{
	if (!bundles_woken(&stage->bundles))
		return;
	bundles_refresh(&stage->bundles, stage->cards, now(stage));
	trust_cards_time(stage->cards, now(stage));
}

static void take(struct stage *stage, const struct record *record)
{
	int64_t before = stage->stream_time;
	const char *wrong =
		trust_cards_take(stage->cards, record->line, record->json, now(stage));
	if (wrong != NULL)
		stream_reject(stage->stream, record, wrong);
	if (stage->stream_time > before)
		trust_cards_time(stage->cards, now(stage));
	if (record->number % RECORDS_BETWEEN_LOOKS == 0)
		follow_bundles(stage);
}

/* An ID that no bundle holds would answer "nobody falls". */
static void check_left_out(struct stage *stage)
{
	const char *id = trust_cards_not_left_out(stage->cards);
	if (id == NULL)
		return;
	log_error("--without-anchor %s: no trust bundle held a CA of this key identifier", id);
	stream_count_failure(stage->stream);
}

static int run(struct stage *stage)
{
	struct record record;
	notify_send("READY=1");
	for (;;) {
		switch (stream_next(stage->stream, &record)) {
		case STREAM_RECORD:
			take(stage, &record);
			break;
		case STREAM_WAKE:
			follow_bundles(stage);
			break;
		case STREAM_END:
		case STREAM_STOP:
		case STREAM_CLOSED:
		case STREAM_FAILED:
			check_left_out(stage);
			metrics_close();
			return stream_close(stage->stream);
		}
	}
}

static void close_stage(struct stage *stage)
{
	trust_cards_free(stage->cards);
	trust_checker_free(stage->checker);
	bundles_close(&stage->bundles);
	sources_free(&stage->sources);
	options_free_list(&stage->options.trust_domains);
	options_free_list(&stage->options.files);
	options_free_list(&stage->options.configmaps);
	options_free_list(&stage->options.clustertrustbundles);
	options_free_list(&stage->options.without);
}

int main(int argc, char **argv)
{
	struct stage stage = {
		.options = {.names = {policy_names_words, POLICY_NAMES_KAGENTI},
		            .bind = {trust_bind_words, TRUST_BIND_WORKLOAD},
		            .accept = {accept_words, -1},
		            .fetch = {fetch_words, -1},
		            .grace = {3600, 0, 7 * 24 * 3600},
		            .namespace_memory = {32, 1, 1024 * 1024},
		            .canonical = {trust_form_names, 0},
		            .print = {trust_form_names, -1}},
		.bundles = {.notify = -1, .timer = -1, .wake = -1},
		.stream_time = TRUST_TIME_MIN,
	};
	int status = EXIT_USAGE;
	log_open("egress-verify");
	enum options_verdict verdict = parse(argc, argv, &stage.options);
	if (verdict == OPTIONS_DONE)
		status = EXIT_OK;
	else if (verdict == OPTIONS_GO && check_options(&stage.options)) {
		signals_catch();
		if (stage.options.print.value >= 0)
			status = print_canonical((enum trust_form)stage.options.print.value);
		else if (open_checker(&stage))
			status = open_stage(&stage) ? run(&stage) : EXIT_CANNOT;
	}
	close_stage(&stage);
	return status;
}
