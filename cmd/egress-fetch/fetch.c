#include "fetch.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fetch/address.h"
#include "base/table.h"
#include "os/clock.h"
#include "os/exit.h"
#include "os/log.h"
#include "os/metrics.h"
#include "os/notify.h"
#include "os/signals.h"
#include "k8s/unusable.h"
#include "stream/stream.h"

enum { RECORDS = 256 /* read at most between two looks at the network */ };

struct fetch {
	const struct fetch_options *options;
	struct agents *agents;
	struct stream *stream;
	struct question *questions;
	size_t asking;
	struct json_buffer text;
	bool closed; /* nobody reads our output */
};

/* One that an agent is being asked. */
struct question {
	struct question *prev, *next;
	struct fetch *fetch;
	struct agent *agent;
	struct kube_call *proxied; /* one of the two */
	struct agent_call *direct;
};

static void forget(struct question *question)
{
	struct fetch *fetch = question->fetch;
	DL_DELETE(fetch->questions, question);
	fetch->asking--;
	free(question);
}

static void emit(void *context, struct json_text line)
{
	struct fetch *fetch = context;
	stream_write(fetch->stream, line);
}

static void warn(void *context, const char *sentence)
{
	(void)context;
	log_warning("%s", sentence);
}

static void cancel(void *context, void *request)
{
	struct question *question = request;
	(void)context;
	if (question->proxied != NULL)
		kube_call_cancel(question->proxied);
	else
		agent_direct_cancel(question->direct);
	forget(question);
}

static void on_done(void *user, const struct kube_result *result)
{
	struct question *question = user;
	struct fetch *fetch = question->fetch;
	struct agent *agent = question->agent;
	char why[AGENT_WHY_SIZE];
	enum agent_answer answer = AGENT_FAILED;
	bool proxied = question->proxied != NULL;
	struct agent_peer seen = {0};
	if (!proxied)
		seen = agent_direct_peer(question->direct);
	struct agents_peer peer = {seen.trust_domain, seen.path, seen.chain, clock_now()};
	forget(question);
	if (result->failure == KUBE_OK)
		answer = agent_judge(result->code, result->body, fetch->options->max_bytes, proxied,
		                     why);
	else
		snprintf(why, sizeof why, "%s", result->error);
	if (answer == AGENT_FAILED)
		metrics_add(METRIC_RETRIES, NULL, 1);
	agents_answered(fetch->agents, agent, answer, result->body, &peer, why, clock_monotonic_ms());
}

static void ask_through_proxy(struct question *question, const struct agents_question *asked,
                              const char *path)
{
	struct fetch *fetch = question->fetch;
	const struct fetch_options *o = fetch->options;
	fetch->text.len = 0;
	agent_put_proxy_path(&fetch->text, o->https, asked->namespace, asked->name, o->port, path);
	json_putc(&fetch->text, '\0');
	question->proxied = kube_request_start(o->proxy, &(struct kube_request){
		.method = "GET",
		.path = fetch->text.at,
		.on_done = on_done,
		.user = question,
		.max_body = o->max_bytes,
		.timeout_ms = o->timeout_ms,
	});
}

static void ask_directly(struct question *question, const struct agents_question *asked,
                         const char *path)
{
	struct fetch *fetch = question->fetch;
	const struct fetch_options *o = fetch->options;
	char peer[TRUST_SPIFFE_ID_SIZE] = "";
	fetch->text.len = 0;
	agent_put_origin(&fetch->text, o->https, asked->namespace, asked->name, o->domain, o->port);
	json_putc(&fetch->text, '\0');
	if (asked->account != NULL)
		trust_peer_path(o->path_template, asked->namespace, asked->account, peer);
	question->direct =
		agent_direct_get(o->direct, fetch->text.at, path, peer, on_done, question);
}

static void ask(struct fetch *fetch, const struct agents_question *asked)
{
	const char *path = asked->legacy ? AGENT_PATH_LEGACY : AGENT_PATH;
	struct question *question = calloc(1, sizeof *question);
	if (question == NULL)
		abort();
	question->fetch = fetch;
	question->agent = asked->agent;
	DL_APPEND(fetch->questions, question);
	fetch->asking++;
	log_detail("asking %s/%s for %s", asked->namespace, asked->name, path);
	if (fetch->options->proxy != NULL)
		ask_through_proxy(question, asked, path);
	else
		ask_directly(question, asked, path);
	agents_asked(fetch->agents, asked->agent, question);
}

/* Asks whom it may, and says how long there is nothing to do then. */
static int pump(struct fetch *fetch)
{
	struct agents_question asked;
	int64_t now = clock_monotonic_ms();
	agents_time(fetch->agents, now);
	while (fetch->asking < fetch->options->concurrency &&
	       agents_next(fetch->agents, now, &asked))
		ask(fetch, &asked);
	int64_t due = agents_due(fetch->agents, fetch->asking < fetch->options->concurrency);
	if (due < 0)
		return -1;
	return due <= now ? 0 : due - now > INT32_MAX ? INT32_MAX : (int)(due - now);
}

/* Takes what input there is. STREAM_WAKE: all of it, and there may be more later. */
static enum stream_state take_input(struct fetch *fetch)
{
	struct record record;
	enum stream_state state = STREAM_WAKE;
	for (int i = 0; i < RECORDS && !agents_waits(fetch->agents); i++) {
		state = stream_next(fetch->stream, &record);
		if (state != STREAM_RECORD)
			break;
		const char *wrong = agents_take(fetch->agents, record.line, record.json,
		                                clock_monotonic_ms());
		if (wrong != NULL)
			stream_reject(fetch->stream, &record, wrong);
	}
	if (state == STREAM_END)
		agents_end(fetch->agents, clock_monotonic_ms());
	return state;
}

static void wait_for_more(struct fetch *fetch, bool listen, int timeout)
{
	/* a pipe polls with an error, whatever is asked for, when its reader has gone */
	struct pollfd fds[] = {{.fd = STDOUT_FILENO, .events = 0},
	                       {.fd = STDIN_FILENO, .events = POLLIN}};
	nfds_t count = listen ? 2 : 1;
	timeout = clock_sooner_ms(timeout, clock_sooner_ms(metrics_due_ms(), notify_due_ms()));
	if (fetch->options->proxy != NULL)
		kube_client_poll(fetch->options->proxy, timeout, fds, count);
	else
		agent_direct_poll(fetch->options->direct, timeout, fds, count);
	fetch->closed = (fds[0].revents & (POLLERR | POLLNVAL)) != 0;
}

static void run(struct fetch *fetch)
{
	enum stream_state state = STREAM_WAKE;
	for (;;) {
		metrics_tick();
		notify_tick();
		bool waits = agents_waits(fetch->agents);
		if (!waits && state != STREAM_END)
			state = take_input(fetch);
		if (signals_stop() || fetch->closed || state == STREAM_STOP ||
		    state == STREAM_CLOSED || state == STREAM_FAILED)
			return;
		int timeout = pump(fetch);
		waits = agents_waits(fetch->agents);
		if (state == STREAM_END && !waits)
			return;
		if (state != STREAM_RECORD || waits)
			fetch->closed = !stream_flush(fetch->stream);
		if (!fetch->closed)
			wait_for_more(fetch, state != STREAM_END && !waits,
			              state == STREAM_RECORD && !waits ? 0 : timeout);
	}
}

static void gather(void *context)
{
	const struct fetch *fetch = context;
	const unsigned long *counts = agents_counts(fetch->agents);
	for (int i = 0; i < AGENTS_COUNTS; i++)
		metrics_set(METRIC_FETCHES, agents_count_names[i], (int64_t)counts[i]);
	metrics_set(METRIC_AGENTS, NULL, (int64_t)agents_cards(fetch->agents));
}

/* What the line is of must not stay what it was before: egress-verify is told its name. */
static bool take_unusable(void *context, struct json_text line, const char *why)
{
	struct fetch *fetch = context;
	(void)why;
	if (!k8s_unusable_replace(&fetch->text, line))
		return false;
	stream_write(fetch->stream, json_buffer_text(&fetch->text));
	return true;
}

int fetch_run(const struct fetch_options *options)
{
	struct fetch fetch = {.options = options};
	struct agents_settings settings = options->agents;
	/* always readable, so that stream_next() returns when there is no line, and the network
	 * gets its turn */
	int wake = eventfd(1, EFD_CLOEXEC);
	fetch.stream = stream_open(&(struct stream_options){
		.in = STDIN_FILENO,
		.out = STDOUT_FILENO,
		.rejects = options->rejects,
		.wake = wake,
		.reads = STREAM_READS_EVENTS,
		.lost = STREAM_LOST_EVENT,
		.on_reject = take_unusable,
		.context = &fetch,
	});
	int status = EXIT_CANNOT;
	if (fetch.stream != NULL) {
		settings.emit = emit;
		settings.warn = warn;
		settings.cancel = cancel;
		settings.context = &fetch;
		fetch.agents = agents_new(&settings);
		metrics_add(METRIC_RETRIES, NULL, 0);
		metrics_gather(gather, &fetch);
		notify_send("READY=1");
		run(&fetch);
		metrics_close();
		agents_free(fetch.agents);
		status = stream_close(fetch.stream);
	}
	close(wake);
	json_buffer_free(&fetch.text);
	return status;
}
