#include "stream/sink.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/table.h"

enum { FILE_CHUNK = 64 * 1024 };

struct waiting {
	UT_hash_handle hh;
	struct waiting *prev, *next;
	char *key; /* NULL: a mark */
	char *line;
	size_t len; /* with its newline */
};

struct kube_sink {
	int fd;
	size_t chunk; /* what one write(2) may take without blocking once poll(2) says so */
	struct waiting *queue, *by_key;
	struct json_buffer out; /* taken from the queue, partly written */
	size_t written;
	size_t pending;
};

struct kube_sink *kube_sink_new(int fd)
{
	struct kube_sink *sink = kube_alloc(1, sizeof *sink);
	struct stat status;
	sink->fd = fd;
	/* O_NONBLOCK would change the descriptor for all who share it. A pipe that polls as
	 * writable takes PIPE_BUF bytes at once (pipe(7)); a file takes everything. */
	bool file = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
	sink->chunk = file ? FILE_CHUNK : PIPE_BUF;
	return sink;
}

static void free_waiting(struct waiting *waiting)
{
	free(waiting->key);
	free(waiting->line);
	free(waiting);
}

static void forget(struct kube_sink *sink, struct waiting *waiting)
{
	DL_DELETE(sink->queue, waiting);
	if (waiting->key != NULL)
		HASH_DEL(sink->by_key, waiting);
	free_waiting(waiting);
}

void kube_sink_free(struct kube_sink *sink)
{
	struct waiting *waiting, *next;
	HASH_CLEAR(hh, sink->by_key);
	DL_FOREACH_SAFE(sink->queue, waiting, next) {
		free_waiting(waiting);
	}
	json_buffer_free(&sink->out);
	free(sink);
}

static struct waiting *place_for(struct kube_sink *sink, const char *key)
{
	struct waiting *waiting = NULL;
	if (key != NULL)
		HASH_FIND_STR(sink->by_key, key, waiting);
	if (waiting != NULL) {
		sink->pending -= waiting->len;
		free(waiting->line);
		return waiting;
	}
	waiting = kube_alloc(1, sizeof *waiting);
	waiting->key = kube_copy(key);
	DL_APPEND(sink->queue, waiting);
	if (key != NULL)
		HASH_ADD_KEYPTR(hh, sink->by_key, waiting->key, strlen(waiting->key), waiting);
	return waiting;
}

void kube_sink_put(struct kube_sink *sink, const char *key, struct json_text line)
{
	struct waiting *waiting = place_for(sink, key);
	waiting->line = kube_alloc(line.len + 1, 1);
	memcpy(waiting->line, line.at, line.len);
	waiting->line[line.len] = '\n';
	waiting->len = line.len + 1;
	sink->pending += waiting->len;
}

size_t kube_sink_pending(const struct kube_sink *sink)
{
	return sink->pending;
}

struct pollfd kube_sink_poll(const struct kube_sink *sink)
{
	/* Also without POLLOUT, poll(2) tells when the reader went away. */
	return (struct pollfd){.fd = sink->fd, .events = sink->pending > 0 ? POLLOUT : 0};
}

static void fill(struct kube_sink *sink)
{
	size_t left = sink->out.len - sink->written;
	if (left >= sink->chunk)
		return;
	if (left > 0)
		memmove(sink->out.at, sink->out.at + sink->written, left);
	sink->out.len = left;
	sink->written = 0;
	while (sink->queue != NULL && sink->out.len < sink->chunk) {
		json_put(&sink->out, sink->queue->line, sink->queue->len);
		forget(sink, sink->queue);
	}
}

static bool still_writable(const struct kube_sink *sink)
{
	struct pollfd fd = {.fd = sink->fd, .events = POLLOUT};
	return poll(&fd, 1, 0) == 1 && (fd.revents & POLLOUT) != 0;
}

enum kube_sink_state kube_sink_write(struct kube_sink *sink, short revents)
{
	if ((revents & (POLLERR | POLLNVAL)) != 0)
		return KUBE_SINK_CLOSED;
	bool writable = (revents & POLLOUT) != 0;
	while (writable && sink->pending > 0) {
		fill(sink);
		size_t left = sink->out.len - sink->written;
		ssize_t put = write(sink->fd, sink->out.at + sink->written,
		                    left < sink->chunk ? left : sink->chunk);
		if (put < 0 && errno == EPIPE)
			return KUBE_SINK_CLOSED;
		if (put < 0 && errno != EINTR && errno != EAGAIN)
			return KUBE_SINK_FAILED;
		if (put > 0) {
			sink->written += (size_t)put;
			sink->pending -= (size_t)put;
		}
		writable = still_writable(sink);
	}
	return KUBE_SINK_OPEN;
}
