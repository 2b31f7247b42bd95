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
	        {OPTION_CHOICE, "from", 0, "FORMAT",
	         "what wrote the log: hubble, gke, ovn, eks, kube-network-policies,\n"
	         "conntrack, inspektor-gadget, or flows for our own records",
	         &o->from},
	        {OPTION_STRING, "pods", 0, "EVENTS",
	         "give addresses the names of the pods that had them at the time:\n"
	         "a log of egress-watch --pods --timestamps",
	         &o->pods},
	        {OPTION_FLAG, "merge", 0, NULL, "write equal flows of a workload as one, with a count, at the end",
	         &o->merge},
	        OPTION_METRICS(&o->metrics),
	        OPTIONS_COMMON(&o->rejects),
	        {OPTION_END, NULL, 0, NULL, NULL, NULL},
	};
	return options_parse(argc, argv, "--from FORMAT [OPTION]... [FILE]...",
	                     "Reads logs of connections as flow records.", table, &o->files);
}

struct stage {
	struct options options;
	struct stream *stream; /* that of the file being read */
	struct flow_reader *reader;
	struct flow_merge *merge;
	struct flow_pods *pods;
	struct json_buffer out;
	int *files;
	unsigned long flows;
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

static bool open_stream(struct stage *stage, int in, int out, bool text)
{
	stage->stream = stream_open(&(struct stream_options){
	        .in = in, .out = out, .rejects = stage->options.rejects, .wake = -1, .text = text});
	return stage->stream != NULL;
}

static int open_file(const char *name)
{
	int fd = strcmp(name, "-") == 0 ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		log_error("cannot read %s: %s", name, strerror(errno));
	return fd;
}

/* Before the sandbox: all files are opened, and the pods' events read. */
static int open_stage(struct stage *stage)
{
	const struct options *o = &stage->options;
	int status = EXIT_OK, fd;
	if (!metrics_open(o->metrics))
		return EXIT_CANNOT;
	stage->files = calloc(o->files.count + 1, sizeof *stage->files);
	if (stage->files == NULL)
		abort();
	for (size_t i = 0; i < o->files.count; i++)
		if ((stage->files[i] = open_file(o->files.values[i])) < 0)
			return EXIT_CANNOT;
	stage->reader = flow_reader_new(o->from.value, take, stage);
	stage->merge = o->merge ? flow_merge_new() : NULL;
	fd = o->pods == NULL ? -1 : open_file(o->pods);
	if ((o->pods != NULL && fd < 0) || !sandbox_enter(&(struct sandbox_rules){.write = o->metrics}))
		return EXIT_CANNOT;
	notify_open();
	if (o->pods == NULL)
		return EXIT_OK;
	stage->pods = flow_pods_new();
	if (!open_stream(stage, fd, -1, false))
		return EXIT_CANNOT;
	bool read = read_stream(stage, take_pods_line);
	status = stream_close(stage->stream);
	close(fd);
	return read ? status : EXIT_CANNOT;
}

static int run_file(struct stage *stage, int fd, bool last)
{
	if (!open_stream(stage, fd, STDOUT_FILENO, flow_reader_is_text(stage->reader)))
		return EXIT_CANNOT;
	bool read = read_stream(stage, take_line);
	if (read && last) {
		flow_reader_end(stage->reader);
		if (stage->merge != NULL)
			flow_merge_emit(stage->merge, write_flow, tell_beyond, stage);
	}
	int status = stream_close(stage->stream);
	return read || status != EXIT_OK ? status : EXIT_CANNOT;
}

static int run(struct stage *stage, int status)
{
	const struct option_list *files = &stage->options.files;
	if (files->count == 0)
		stage->files[0] = STDIN_FILENO;
	notify_send("READY=1");
	for (size_t i = 0; i == 0 || i < files->count; i++) {
		int ended;
		if (files->count > 1)
			log_detail("reading %s", files->values[i]);
		ended = run_file(stage, stage->files[i], i + 1 >= files->count);
		if (ended > status)
			status = ended;
		if (status == EXIT_CANNOT || signals_stop())
			break;
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
	free(stage->files);
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
		signals_catch();
		status = open_stage(&stage);
		if (status < EXIT_CANNOT)
			status = run(&stage, status);
	}
	close_stage(&stage);
	return status;
}
