/* Logs of connections in, flow records out: egress-flows(1). */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "flows/merge.h"
#include "flows/pods.h"
#include "flows/reader.h"
#include "os/exit.h"
#include "os/log.h"
#include "os/metrics.h"
#include "os/notify.h"
#include "os/options.h"
#include "os/sandbox.h"
#include "os/signals.h"
#include "stream/stream.h"

struct options {
	struct option_choice from;
	struct option_list files;
	const char *pods, *rejects, *metrics;
	bool merge;
};

static enum options_verdict parse(int argc, char **argv, struct options *o)
{
	const struct option_spec table[] = {
	        {OPTION_CHOICE, "from", 0,
	         "hubble|gke|ovn|eks|kube-network-policies|conntrack|inspektor-gadget|flows",
	         "what wrote the log; flows: our own records", &o->from},
	        {OPTION_STRING, "pods", 0, "FILE",
	         "give addresses the names of the pods that had them at the time:\n"
	         "watch events of Pods, as kubectl get -w writes them",
	         &o->pods},
	        {OPTION_FLAG, "merge", 0, NULL, "write equal flows of a workload as one, with a count, at the end",
	         &o->merge},
	        OPTION_METRICS(&o->metrics),
	        OPTIONS_COMMON(&o->rejects),
	        {OPTION_END, NULL, 0, NULL, NULL, NULL},
	};
	return options_parse(argc, argv, "--from FORMAT [OPTION]... [FILE]...",
	                     "Reads logs of connections; writes flow records.", table, &o->files);
}

struct stage {
	struct options options;
	struct stream **streams; /* one a file; the first count of them are open */
	size_t count;
	struct stream *stream; /* that of the file being read */
	struct flow_reader *reader;
	struct flow_merge *merge;
	struct flow_pods *pods;
	struct json_buffer out;
	unsigned long flows;
	bool ended; /* by a signal, or because nobody reads, or something failed */
};

static void write_flow(void *context, const struct flow *flow)
{
	struct stage *stage = context;
	stage->out.len = 0;
	flow_put(flow, &stage->out);
	stream_write(stage->stream, json_buffer_text(&stage->out));
	stage->flows++;
}

static void take(void *context, const struct flow *flow)
{
	struct stage *stage = context;
	struct flow named = *flow;
	if (stage->pods != NULL)
		flow_pods_name(stage->pods, &named);
	if (stage->merge != NULL)
		flow_merge_add(stage->merge, &named);
	else
		write_flow(stage, &named);
}

static void tell_beyond(void *context, const struct flow_peer *source, uint64_t flows)
{
	struct stage *stage = context;
	struct json_text who = source->workload.at != NULL ? source->workload
	                       : source->pod.at != NULL    ? source->pod
	                                                   : json_of(source->ip);
	log_warning("%.*s%s%.*s: %llu flows to further destinations are in no record; those of it that are say incomplete",
	            (int)source->namespace.len, source->namespace.len > 0 ? source->namespace.at : "",
	            source->namespace.len > 0 ? "/" : "", (int)who.len, who.at, (unsigned long long)flows);
	stream_count_failure(stage->stream);
}

/* Reads a whole stream. False when the program must end. */
static bool read_stream(struct stage *stage, void (*line)(struct stage *stage, const struct record *record))
{
	struct record record;
	for (;;) {
		switch (stream_next(stage->stream, &record)) {
		case STREAM_RECORD:
			line(stage, &record);
			break;
		case STREAM_WAKE:
			break;
		case STREAM_END:
			return true;
		case STREAM_STOP:
		case STREAM_CLOSED:
		case STREAM_FAILED:
			return false;
		}
	}
}

static void take_line(struct stage *stage, const struct record *record)
{
	const char *wrong = flow_reader_line(stage->reader, record->json);
	if (wrong != NULL)
		stream_reject(stage->stream, record, wrong);
}

static void take_pods_line(struct stage *stage, const struct record *record)
{
	const char *wrong = flow_pods_event(stage->pods, record->json);
	if (wrong != NULL)
		stream_reject(stage->stream, record, wrong);
}

static struct stream *open_file(const struct stage *stage, const char *name, int out, bool text)
{
	int fd = strcmp(name, "-") == 0 ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		log_error("cannot read %s: %s", name, strerror(errno));
		return NULL;
	}
	return stream_open(&(struct stream_options){
	        .in = fd, .out = out, .rejects = stage->options.rejects, .wake = -1, .text = text});
}

/* All files are opened before the sandbox. */
static bool open_files(struct stage *stage)
{
	static const char *const input[] = {"-"};
	const struct option_list *files = &stage->options.files;
	size_t count = files->count > 0 ? files->count : 1;
	stage->streams = calloc(count, sizeof(struct stream *));
	if (stage->streams == NULL)
		abort();
	while (stage->count < count) {
		const char *name = files->count > 0 ? files->values[stage->count] : input[0];
		stage->streams[stage->count] = open_file(stage, name, STDOUT_FILENO, flow_reader_is_text(stage->reader));
		if (stage->streams[stage->count] == NULL)
			return false;
		stage->count++;
	}
	return true;
}

static bool open_stage(struct stage *stage, struct stream **pods)
{
	const struct options *o = &stage->options;
	if (!metrics_open(o->metrics))
		return false;
	stage->reader = flow_reader_new(o->from.value, take, stage);
	stage->merge = o->merge ? flow_merge_new() : NULL;
	if (!open_files(stage) || (o->pods != NULL && (*pods = open_file(stage, o->pods, -1, false)) == NULL))
		return false;
	notify_open();
	return sandbox_enter(&(struct sandbox_rules){.write = o->metrics});
}

static int read_pods(struct stage *stage, struct stream *events)
{
	if (events == NULL)
		return EXIT_OK;
	stage->pods = flow_pods_new();
	stage->stream = events;
	stage->ended = !read_stream(stage, take_pods_line);
	return stream_close(events);
}

static int read_file(struct stage *stage, size_t i)
{
	stage->stream = stage->streams[i];
	stage->streams[i] = NULL;
	stage->ended = !read_stream(stage, take_line);
	if (!stage->ended && i + 1 == stage->count) {
		flow_reader_end(stage->reader);
		if (stage->merge != NULL)
			flow_merge_emit(stage->merge, write_flow, tell_beyond, stage);
	}
	return stream_close(stage->stream);
}

static int run(struct stage *stage, struct stream *events)
{
	int status = read_pods(stage, events);
	notify_send("READY=1");
	for (size_t i = 0; i < stage->count && !stage->ended; i++) {
		if (stage->count > 1)
			log_detail("reading %s", stage->options.files.values[i]);
		int ended = read_file(stage, i);
		if (ended > status)
			status = ended;
	}
	log_detail("%lu flow records, %lu lines passed over", stage->flows, flow_reader_passed(stage->reader));
	metrics_close();
	return status;
}

static void close_stage(struct stage *stage)
{
	flow_reader_free(stage->reader);
	flow_merge_free(stage->merge);
	flow_pods_free(stage->pods);
	json_buffer_free(&stage->out);
	options_free_list(&stage->options.files);
	for (size_t i = 0; i < stage->count; i++)
		if (stage->streams[i] != NULL)
			stream_close(stage->streams[i]);
	free(stage->streams);
}

int main(int argc, char **argv)
{
	struct stage stage = {.options.from = {flow_format_words, -1}};
	int status = EXIT_USAGE;
	log_open("egress-flows");
	enum options_verdict verdict = parse(argc, argv, &stage.options);
	if (verdict == OPTIONS_DONE) {
		status = EXIT_OK;
	} else if (verdict == OPTIONS_GO && stage.options.from.value < 0) {
		log_error("--from is needed: what wrote the log; see --help");
	} else if (verdict == OPTIONS_GO) {
		struct stream *pods = NULL;
		signals_catch();
		status = open_stage(&stage, &pods) ? run(&stage, pods) : EXIT_CANNOT;
	}
	close_stage(&stage);
	return status;
}
