#include "flows.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/memory.h"
#include "os/exit.h"
#include "os/log.h"
#include "stream/stream.h"

bool flow_files_open(struct flow_files *files, const struct option_list *names, const char *rejects)
{
	files->streams = kube_alloc(names->count + 1, sizeof(struct stream *));
	for (size_t i = 0; i < names->count; i++) {
		int fd = open(names->values[i], O_RDONLY | O_CLOEXEC);
		if (fd < 0) {
			log_error("cannot read %s: %s", names->values[i], strerror(errno));
			return false;
		}
		struct stream *stream =
		        stream_open(&(struct stream_options){.in = fd, .out = -1, .rejects = rejects, .wake = -1});
		if (stream == NULL)
			return false;
		files->streams[files->count++] = stream;
	}
	return true;
}

static bool read_file(struct stream *stream, struct explain_flows *flows)
{
	struct record record;
	enum stream_state state;
	while ((state = stream_next(stream, &record)) == STREAM_RECORD || state == STREAM_WAKE) {
		const char *wrong = state == STREAM_WAKE ? NULL : explain_flows_take(flows, record.json);
		if (wrong != NULL)
			stream_reject(stream, &record, wrong);
	}
	return state == STREAM_END;
}

bool flow_files_read(const struct flow_files *files, struct explain_flows *flows)
{
	for (size_t i = 0; i < files->count; i++)
		if (!read_file(files->streams[i], flows))
			return false;
	return true;
}

int flow_files_close(struct flow_files *files)
{
	int status = EXIT_OK;
	while (files->count > 0) {
		int ended = stream_close(files->streams[--files->count]);
		status = ended > status ? ended : status;
	}
	free(files->streams);
	files->streams = NULL;
	return status;
}
