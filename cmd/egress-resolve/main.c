/* egress-resolve: puts addresses in the place of DNS names in the rules of verified AgentCards. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "answers.h"
#include "dns/resolver.h"
#include "os/clock.h"
#include "os/exit.h"
#include "os/log.h"
#include "os/metrics.h"
#include "os/notify.h"
#include "os/options.h"
#include "os/sandbox.h"
#include "os/signals.h"
#include "policy/dns.h"
#include "policy/names.h"
#include "stream/stream.h"

struct resolve_options {
	struct option_list servers, allowed, cluster, dns;
	struct option_number min_ttl, max_ttl, grace, stale, first_wait;
	struct option_number max_addresses, max_names, concurrency;
	struct option_choice names;
	const char *answers, *at, *record, *rejects, *metrics;
	int64_t fixed_time; /* of --at; else DNS_NEVER */
};

struct stage {
	struct resolve_options options;
	struct policy_cidr *allowed, *cluster;
	struct json_buffer dns;
	struct dns_cards *cards;
	struct dns_resolver *resolver; /* NULL with --answers */
	struct stream *stream;
	int64_t began, began_ms; /* the wall clock's time, and the monotonic one's */
	int64_t replayed;        /* with --answers: the time */
	unsigned long faults;    /* of the file of answers */
	int record;              /* -1: none */
	struct json_buffer scratch;
};

_Static_assert(DNS_STATUSES <= (int)METRICS_LABELS, "each status is a label");

/* Records between looks at what name servers said, when input never runs dry. */
enum { RECORDS_BETWEEN_LOOKS = 64, DAY = 24 * 3600, DRAIN_MS = 1000 };

static enum options_verdict parse(int argc, char **argv, struct resolve_options *o)
{
	const struct option_spec table[] = {
		{OPTION_LIST, "server", 0, "ADDRESS[:PORT]",
		 "ask this name server (repeat; default: as resolv.conf says)", &o->servers},
		{OPTION_NUMBER, "min-ttl", 0, "SECONDS",
		 "ask for a name no sooner again than after this (default 30)", &o->min_ttl},
		{OPTION_NUMBER, "max-ttl", 0, "SECONDS", "nor later (default 3600)", &o->max_ttl},
		{OPTION_NUMBER, "grace", 0, "SECONDS",
		 "keep an address for this long after it left an answer (default 600)", &o->grace},
		{OPTION_NUMBER, "stale", 0, "SECONDS",
		 "keep the last addresses for this long beyond their TTL while name\n"
		 "servers fail (default 3600)", &o->stale},
		{OPTION_NUMBER, "first-wait", 0, "SECONDS",
		 "wait at most this long for a new card's first answers (default 10)",
		 &o->first_wait},
		{OPTION_NUMBER, "max-addresses", 0, "N",
		 "of a name: IPv4 addresses, and IPv6 ones (default 64)", &o->max_addresses},
		{OPTION_NUMBER, "max-names", 0, "N", "of all cards together (default 10000)",
		 &o->max_names},
		{OPTION_NUMBER, "concurrency", 0, "N", "questions in flight (default 64)",
		 &o->concurrency},
		{OPTION_LIST, "allow-range", 0, "CIDR",
		 "accept addresses in this range, although it is not public (repeat)",
		 &o->allowed},
		{OPTION_LIST, "cluster-cidr", 0, "CIDR",
		 "refuse addresses in this range: the pods', the services' (repeat)", &o->cluster},
		{OPTION_LIST, "dns", 0, "NAMESPACE/KEY=VALUE[:PORT]",
		 "the pods that agents ask for names (repeat;\n"
		 "default kube-system/k8s-app=kube-dns:53)", &o->dns},
		{OPTION_STRING, "answers", 0, "FILE",
		 "take answers from FILE, and ask nobody", &o->answers},
		{OPTION_STRING, "at", 0, "TIME",
		 "with --answers: as of this time (RFC 3339), not as of the last one", &o->at},
		{OPTION_STRING, "record-answers", 0, "FILE", "append each answer to FILE",
		 &o->record},
		{OPTION_CHOICE, "names", 0, "kagenti|rossoctl",
		 "the API group in use (default kagenti)", &o->names},
		OPTION_METRICS(&o->metrics),
		OPTIONS_COMMON(&o->rejects),
		{.kind = OPTION_END},
	};
	return options_parse(argc, argv, "[OPTION]... <VERIFIED",
	                     "Puts addresses in the place of DNS names in the rules of verified "
	                     "AgentCards.",
	                     table, NULL);
}

static bool check_servers(const struct option_list *servers)
{
	struct json_buffer ignored = {0};
	bool good = true;
	for (size_t i = 0; i < servers->count && good; i++) {
		good = dns_resolver_server(servers->values[i], &ignored);
		if (!good)
			log_error("--server %s: must be an address, as 192.0.2.1, 192.0.2.1:53, "
			          "2001:db8::1 or [2001:db8::1]:53", servers->values[i]);
	}
	json_buffer_free(&ignored);
	return good;
}

static bool check_dns(const struct option_list *words)
{
	struct policy_dns dns;
	for (size_t i = 0; i < words->count; i++) {
		const char *wrong = policy_dns_parse(words->values[i], &dns);
		if (wrong == NULL)
			continue;
		log_error("--dns %s: %s", words->values[i], wrong);
		return false;
	}
	return true;
}

/* NULL, reported, when one is no CIDR. */
static struct policy_cidr *read_ranges(const char *flag, const struct option_list *words)
{
	struct policy_cidr *ranges = calloc(words->count + 1, sizeof *ranges);
	if (ranges == NULL)
		abort();
	for (size_t i = 0; i < words->count; i++) {
		const char *wrong = policy_cidr_parse(json_of(words->values[i]), &ranges[i]);
		if (wrong == NULL)
			continue;
		log_error("--%s %s: %s", flag, words->values[i], wrong);
		free(ranges);
		return NULL;
	}
	return ranges;
}

static bool check_times(struct resolve_options *o)
{
	o->fixed_time = DNS_NEVER;
	if (o->min_ttl.value > o->max_ttl.value) {
		log_error("--min-ttl %ld is more than --max-ttl %ld", o->min_ttl.value,
		          o->max_ttl.value);
		return false;
	}
	if (o->at != NULL && o->answers == NULL) {
		log_error("--at is for --answers: without recorded answers, now is the time");
		return false;
	}
	if (o->at != NULL && !clock_parse(o->at, &o->fixed_time)) {
		log_error("--at %s: not a time such as 2026-01-02T03:04:05Z", o->at);
		return false;
	}
	return true;
}

static bool check_options(struct stage *stage)
{
	struct resolve_options *o = &stage->options;
	if (o->answers != NULL && (o->servers.count > 0 || o->record != NULL)) {
		log_error("--answers asks nobody: leave out --server and --record-answers, "
		          "or leave out --answers");
		return false;
	}
	if (!check_times(o) || !check_servers(&o->servers) || !check_dns(&o->dns))
		return false;
	stage->allowed = read_ranges("allow-range", &o->allowed);
	if (stage->allowed != NULL)
		stage->cluster = read_ranges("cluster-cidr", &o->cluster);
	return stage->cluster != NULL;
}

/* The wall clock as it was at the start, going on steadily: a step of it must end no address. */
static int64_t now_ms(const struct stage *stage)
{
	return stage->began * 1000 + (clock_monotonic_ms() - stage->began_ms);
}

static int64_t now(const struct stage *stage)
{
	return stage->resolver == NULL ? stage->replayed : now_ms(stage) / 1000;
}

static void emit(void *context, struct json_text line)
{
	struct stage *stage = context;
	stream_write(stage->stream, line);
}

/* A disk that is full must not end enforcement. */
static void record(struct stage *stage, const struct dns_answer *answer)
{
	if (stage->record < 0 || answers_write(stage->record, answer, &stage->scratch))
		return;
	log_error("cannot write answers to %s: %s; no more are recorded", stage->options.record,
	          strerror(errno));
	stream_count_failure(stage->stream);
	close(stage->record);
	stage->record = -1;
}

static void take_answer(void *context, struct dns_answer *answer)
{
	struct stage *stage = context;
	answer->time = now(stage);
	metrics_add(METRIC_ANSWERS, dns_status_words[answer->status], 1);
	log_detail("%s %s: %s, %zu addresses", answer->name, dns_type_words[answer->type],
	           dns_status_words[answer->status], answer->count);
	record(stage, answer);
	dns_cards_answer(stage->cards, answer, answer->time);
}

static void open_cards(struct stage *stage)
{
	const struct resolve_options *o = &stage->options;
	const struct policy_settings dns = {.dns = o->dns.count > 0 ? o->dns.values : NULL};
	struct dns_cards_settings settings = {
		.agentcard_group = policy_names(o->names.value)->agentcard_group,
		.first_wait = o->answers != NULL ? 0 : o->first_wait.value,
		.names = {.min_ttl = (uint32_t)o->min_ttl.value,
	                  .max_ttl = (uint32_t)o->max_ttl.value,
	                  .grace = (uint32_t)o->grace.value,
	                  .stale = (uint32_t)o->stale.value,
	                  .max_addresses = (size_t)o->max_addresses.value,
	                  .max_names = (size_t)o->max_names.value,
	                  .ranges = {stage->allowed, stage->cluster, o->allowed.count,
	                             o->cluster.count},
	                  .recorded = o->answers != NULL},
		.emit = emit,
		.context = stage,
	};
	policy_dns_put(&dns, &stage->dns);
	settings.dns = json_buffer_text(&stage->dns);
	/* without entropy all instances retry in the same rhythm, which harms nobody */
	if (getrandom(&settings.names.seed, sizeof settings.names.seed, GRND_NONBLOCK) < 0)
		log_detail("no entropy for jitter: %s", strerror(errno));
	stage->cards = dns_cards_new(&settings);
}

static void gather(void *context)
{
	const struct stage *stage = context;
	metrics_set(METRIC_AGENTS, NULL, (int64_t)dns_cards_count(stage->cards));
	metrics_set(METRIC_NAMES, NULL, (int64_t)dns_cards_names(stage->cards));
}

/* Where answers come from: a file, or name servers. */
static bool open_source(struct stage *stage)
{
	const struct resolve_options *o = &stage->options;
	struct answers_read result;
	if (o->answers != NULL) {
		bool read = answers_read(o->answers, o->fixed_time, stage->cards, &result);
		stage->replayed = result.at;
		stage->faults = result.faults;
		dns_cards_settle(stage->cards, stage->replayed);
		return read;
	}
	stage->resolver = dns_resolver_new(&(struct dns_resolver_settings){
		.servers = o->servers.values,
		.server_count = o->servers.count,
		.take = take_answer,
		.context = stage,
	});
	if (stage->resolver != NULL && o->record != NULL)
		stage->record = answers_open(o->record);
	return stage->resolver != NULL && (o->record == NULL || stage->record >= 0);
}

static bool open_stage(struct stage *stage)
{
	const struct resolve_options *o = &stage->options;
	stage->began = clock_now();
	stage->began_ms = clock_monotonic_ms();
	if (!metrics_open(o->metrics))
		return false;
	open_cards(stage);
	if (!open_source(stage))
		return false;
	stage->stream = stream_open(&(struct stream_options){
		.in = STDIN_FILENO,
		.out = STDOUT_FILENO,
		.rejects = o->rejects,
		.wake = stage->resolver == NULL ? -1 : dns_resolver_wake(stage->resolver),
		.lost = STREAM_LOST_EVENT,
	});
	if (stage->stream == NULL)
		return false;
	for (; stage->faults > 0; stage->faults--)
		stream_count_failure(stage->stream);
	notify_open();
	metrics_gather(gather, stage);
	return sandbox_enter(&(struct sandbox_rules){.write = o->metrics,
	                                             .network = stage->resolver != NULL});
}

/* Asks what there is to ask, and sleeps no longer than until something is due by time. */
static void ask(struct stage *stage)
{
	struct dns_question question;
	size_t most = (size_t)stage->options.concurrency.value;
	while (dns_resolver_asked(stage->resolver) < most &&
	       dns_cards_next(stage->cards, now(stage), &question))
		dns_resolver_ask(stage->resolver, question.name, question.type);
}

static void set_alarm(struct stage *stage)
{
	int64_t due = dns_cards_expiry(stage->cards);
	bool room = dns_resolver_asked(stage->resolver) < (size_t)stage->options.concurrency.value;
	if (room && dns_cards_due(stage->cards) < due)
		due = dns_cards_due(stage->cards);
	int64_t at = now_ms(stage);
	if (due > at / 1000 + DAY) /* far from what overflows */
		due = at / 1000 + DAY;
	dns_resolver_sleep(stage->resolver, due * 1000 > at ? due * 1000 - at : 0);
}

static void look_around(struct stage *stage)
{
	if (stage->resolver == NULL)
		return;
	dns_resolver_process(stage->resolver);
	dns_cards_settle(stage->cards, now(stage));
	ask(stage);
	set_alarm(stage);
}

static void take(struct stage *stage, const struct record *record)
{
	const char *wrong = dns_cards_take(stage->cards, record->line, record->json, now(stage));
	if (wrong != NULL)
		stream_reject(stage->stream, record, wrong);
	if (stage->resolver == NULL)
		return;
	ask(stage);
	if (record->number % RECORDS_BETWEEN_LOOKS == 0)
		look_around(stage);
	else
		set_alarm(stage);
}

/* The input has ended, but some cards wait for their first answers. */
static void drain(struct stage *stage)
{
	while (dns_cards_wait(stage->cards) && !signals_stop() && stream_flush(stage->stream)) {
		struct pollfd wake = {.fd = dns_resolver_wake(stage->resolver), .events = POLLIN};
		look_around(stage);
		metrics_tick();
		notify_tick();
		if (dns_cards_wait(stage->cards))
			signals_wait(&wake, 1, clock_sooner_ms(DRAIN_MS, notify_due_ms()));
	}
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
			look_around(stage);
			break;
		case STREAM_END:
			drain(stage);
			metrics_close();
			return stream_close(stage->stream);
		case STREAM_STOP:
		case STREAM_CLOSED:
		case STREAM_FAILED:
			metrics_close();
			return stream_close(stage->stream);
		}
	}
}

static void close_stage(struct stage *stage)
{
	struct resolve_options *o = &stage->options;
	dns_resolver_free(stage->resolver);
	dns_cards_free(stage->cards);
	json_buffer_free(&stage->dns);
	json_buffer_free(&stage->scratch);
	free(stage->allowed);
	free(stage->cluster);
	options_free_list(&o->servers);
	options_free_list(&o->allowed);
	options_free_list(&o->cluster);
	options_free_list(&o->dns);
	if (stage->record >= 0)
		close(stage->record);
}

int main(int argc, char **argv)
{
	struct stage stage = {
		.options = {.min_ttl = {30, 0, DAY},
		            .max_ttl = {3600, 1, 7 * DAY},
		            .grace = {600, 0, 7 * DAY},
		            .stale = {3600, 0, 7 * DAY},
		            .first_wait = {10, 0, 600},
		            .max_addresses = {64, 1, DNS_ADDRESSES_MAX},
		            .max_names = {10000, 1, 1000000},
		            .concurrency = {64, 1, 1000},
		            .names = {policy_names_words, POLICY_NAMES_KAGENTI}},
		.record = -1,
	};
	int status = EXIT_USAGE;
	log_open("egress-resolve");
	enum options_verdict verdict = parse(argc, argv, &stage.options);
	if (verdict == OPTIONS_DONE) {
		status = EXIT_OK;
	} else if (verdict == OPTIONS_GO && check_options(&stage)) {
		signals_catch();
		status = open_stage(&stage) ? run(&stage) : EXIT_CANNOT;
	}
	close_stage(&stage);
	return status;
}
