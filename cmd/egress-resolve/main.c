/* egress-resolve: puts addresses in the place of DNS names in the rules of verified AgentCards. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "answers.h"
#include "resolve/resolver.h"
#include "options.h"
#include "os/clock.h"
#include "os/exit.h"
#include "os/log.h"
#include "os/metrics.h"
#include "os/notify.h"
#include "os/sandbox.h"
#include "os/signals.h"
#include "rules/dns.h"
#include "k8s/operator.h"
#include "k8s/unusable.h"
#include "stream/stream.h"

struct stage {
	struct resolve_options options;
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
	struct dns_cards_settings settings = {
		.agentcard_group = policy_names(o->names.value)->agentcard_group,
		.first_wait = o->answers != NULL ? 0 : o->first_wait.value,
		.names = {.min_ttl = (uint32_t)o->min_ttl.value,
	                  .max_ttl = (uint32_t)o->max_ttl.value,
	                  .grace = (uint32_t)o->grace.value,
	                  .stale = (uint32_t)o->stale.value,
	                  .max_addresses = (size_t)o->max_addresses.value,
	                  .max_names = (size_t)o->max_names.value,
	                  .ranges = {o->allowed_ranges, o->cluster_ranges, o->allowed.count,
	                             o->cluster.count},
	                  .recorded = o->answers != NULL},
		.emit = emit,
		.context = stage,
	};
	policy_dns_put(o->dns.count > 0 ? o->dns.values : NULL, &stage->dns);
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

/* What the line is of must not stay what it was before: the stages behind are told its name. */
static bool take_unusable(void *context, struct json_text line, const char *why)
{
	struct stage *stage = context;
	(void)why;
	if (!k8s_unusable_replace(&stage->scratch, line))
		return false;
	stream_write(stage->stream, json_buffer_text(&stage->scratch));
	return true;
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
		dns_cards_emit_changed(stage->cards, stage->replayed);
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
		.reads = STREAM_READS_EVENTS,
		.lost = STREAM_LOST_EVENT,
		.on_reject = take_unusable,
		.context = stage,
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

static void process_answers(struct stage *stage)
{
	if (stage->resolver == NULL)
		return;
	dns_resolver_process(stage->resolver);
	dns_cards_emit_changed(stage->cards, now(stage));
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
		process_answers(stage);
	else
		set_alarm(stage);
}

/* The input has ended, but some cards wait for their first answers. */
static void drain(struct stage *stage)
{
	while (dns_cards_wait(stage->cards) && !signals_stop() && stream_flush(stage->stream)) {
		struct pollfd wake = {.fd = dns_resolver_wake(stage->resolver), .events = POLLIN};
		process_answers(stage);
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
			process_answers(stage);
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
	dns_resolver_free(stage->resolver);
	dns_cards_free(stage->cards);
	json_buffer_free(&stage->dns);
	json_buffer_free(&stage->scratch);
	resolve_options_free(&stage->options);
	if (stage->record >= 0)
		close(stage->record);
}

int main(int argc, char **argv)
{
	struct stage stage = {.record = -1};
	int status = EXIT_USAGE;
	log_open("egress-resolve");
	enum options_verdict verdict = resolve_options_parse(argc, argv, &stage.options);
	if (verdict == OPTIONS_DONE) {
		status = EXIT_OK;
	} else if (verdict == OPTIONS_GO && resolve_options_check(&stage.options)) {
		signals_catch();
		status = open_stage(&stage) ? run(&stage) : EXIT_CANNOT;
	}
	close_stage(&stage);
	return status;
}
