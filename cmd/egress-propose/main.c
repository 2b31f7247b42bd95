/* The narrowest rules that allow what was seen, as cards to review: egress-propose(1). */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "flows/propose.h"
#include "k8s/operator.h"
#include "os/exit.h"
#include "os/log.h"
#include "os/options.h"
#include "os/sandbox.h"
#include "os/signals.h"
#include "stream/stream.h"

static const char *const name_words[] = {"one", "dns", NULL};

struct options {
	struct option_choice names, name_from;
	struct option_list files;
	const char *since, *rejects;
	bool denied;
};

static enum options_verdict parse(int argc, char **argv, struct options *o)
{
	const struct option_spec table[] = {
	        {OPTION_STRING, "since", 0, "TIME", "only flows of this time (RFC 3339) or later", &o->since},
	        {OPTION_FLAG, "denied", 0, NULL, "denied flows count, too", &o->denied},
	        {OPTION_CHOICE, "name-from", 0, "one|dns",
	         "a flow with several names counts for none, or for each of them\n"
	         "(default: one)",
	         &o->name_from},
	        {OPTION_CHOICE, "names", 0, "kagenti|rossoctl", "the operator's API group", &o->names},
	        OPTIONS_COMMON(&o->rejects),
	        {OPTION_END, NULL, 0, NULL, NULL, NULL},
	};
	return options_parse(argc, argv, "[OPTION]... FLOWS... <VERIFIED-EVENTS",
	                     "Proposes the narrowest rules that allow recorded flows.", table, &o->files);
}

struct stage {
	struct options options;
	struct flow_propose_settings settings;
	struct flow_proposals *proposals;
	struct stream **streams; /* the events, then the flows */
	size_t count;
	unsigned long judged;
};

static bool open_stream(struct stage *stage, int in, int out)
{
	struct stream *stream = stream_open(&(struct stream_options){
	        .in = in, .out = out, .rejects = stage->options.rejects, .wake = -1,
	        .reads = in == STDIN_FILENO ? STREAM_READS_EVENTS : STREAM_READS_FLOWS});
	if (stream != NULL)
		stage->streams[stage->count++] = stream;
	return stream != NULL;
}

static bool open_stage(struct stage *stage)
{
	const struct option_list *files = &stage->options.files;
	stage->streams = calloc(files->count + 1, sizeof(struct stream *));
	if (stage->streams == NULL)
		abort();
	if (!open_stream(stage, STDIN_FILENO, STDOUT_FILENO))
		return false;
	for (size_t i = 0; i < files->count; i++) {
		int fd = open(files->values[i], O_RDONLY | O_CLOEXEC);
		if (fd < 0) {
			log_error("cannot read %s: %s", files->values[i], strerror(errno));
			return false;
		}
		if (!open_stream(stage, fd, -1))
			return false;
	}
	stage->proposals = flow_proposals_new(&stage->settings);
	return sandbox_enter(&(struct sandbox_rules){0});
}

/* False when the stream did not come to its end. */
static bool read_stream(struct stage *stage, struct stream *stream,
                        const char *(*take)(struct flow_proposals *proposals, struct json_text line))
{
	struct record record;
	enum stream_state state;
	while ((state = stream_next(stream, &record)) == STREAM_RECORD || state == STREAM_WAKE) {
		const char *wrong = state == STREAM_WAKE ? NULL : take(stage->proposals, record.json);
		if (wrong != NULL)
			stream_reject(stream, &record, wrong);
		else if (state == STREAM_RECORD)
			stage->judged += json_get(record.json, "verification").at != NULL;
	}
	return state == STREAM_END;
}

static void tell(struct stage *stage)
{
	struct flow_proposals_count count = flow_proposals_count(stage->proposals);
	if (stage->judged == 0)
		log_warning("no verdicts in these events: run egress-verify before; flows count from verified agents only");
	if (count.unmatched > 0)
		log_notice("%llu flows are of no agent", (unsigned long long)count.unmatched);
	if (count.thin > 0)
		log_notice("%zu of %zu agents were seen for less than seven days, or in a rule less than three times: look twice",
		           count.thin, count.agents);
	for (; count.incomplete > 0; count.incomplete--)
		stream_count_failure(stage->streams[0]);
}

static int run(struct stage *stage)
{
	struct json_buffer out = {0};
	bool whole = read_stream(stage, stage->streams[0], flow_proposals_event);
	for (size_t i = 1; i < stage->count && whole; i++)
		whole = read_stream(stage, stage->streams[i], flow_proposals_flow);
	if (whole) {
		tell(stage);
		flow_proposals_put(stage->proposals, &out);
		if (out.len > 0) /* the stream adds the last newline */
			stream_write(stage->streams[0], (struct json_text){out.at, out.len - 1});
	}
	json_buffer_free(&out);
	int status = EXIT_OK;
	for (; stage->count > 0; stage->count--) {
		int ended = stream_close(stage->streams[stage->count - 1]);
		status = ended > status ? ended : status;
	}
	return status;
}

static bool check(struct stage *stage)
{
	const struct options *o = &stage->options;
	stage->settings = (struct flow_propose_settings){
	        .denied = o->denied, .any_name = o->name_from.value == 1, .group = policy_names(o->names.value)->agentcard_group};
	if (o->since != NULL && !flow_time(json_of(o->since), &stage->settings.since)) {
		log_error("--since %s: is no time of RFC 3339, as 2026-11-02T08:00:00Z is", o->since);
		return false;
	}
	if (o->files.count == 0)
		log_error("name the files with flow records; see egress-flows(1)");
	return o->files.count > 0;
}

int main(int argc, char **argv)
{
	struct stage stage = {.options.name_from = {name_words, 0}, .options.names = {policy_names_words, 0}};
	int status = EXIT_USAGE;
	log_open("egress-propose");
	enum options_verdict verdict = parse(argc, argv, &stage.options);
	if (verdict == OPTIONS_DONE) {
		status = EXIT_OK;
	} else if (verdict == OPTIONS_GO && check(&stage)) {
		signals_catch();
		status = open_stage(&stage) ? run(&stage) : EXIT_CANNOT;
	}
	while (stage.count > 0)
		stream_close(stage.streams[--stage.count]);
	flow_proposals_free(stage.proposals);
	options_free_list(&stage.options.files);
	free(stage.streams);
	return status;
}
