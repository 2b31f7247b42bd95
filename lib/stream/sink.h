/*
 * Events on their way to a reader that may be slow.
 *
 * Nothing here blocks. A newer event of an object takes the place of the one that still
 * waits, so what waits is at most one event an object, however long the reader sleeps; marks
 * and the order of different objects stay.
 *
 * Ownership: the sink copies keys and lines. The descriptor is the caller's.
 */
#ifndef STREAM_SINK_H
#define STREAM_SINK_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

struct kube_sink;

struct kube_sink *kube_sink_new(int fd);
void kube_sink_free(struct kube_sink *sink);

/* A line (a newline is added). `key` NULL: a mark, never replaced. */
void kube_sink_put(struct kube_sink *sink, const char *key, struct json_text line);

/* Bytes that wait. */
size_t kube_sink_pending(const struct kube_sink *sink);

/* What to poll for; and after polling, writes as much as goes without blocking. */
struct pollfd kube_sink_poll(const struct kube_sink *sink);

enum kube_sink_state {
	KUBE_SINK_OPEN,
	KUBE_SINK_CLOSED, /* nobody reads any more */
	KUBE_SINK_FAILED, /* errno says why */
};
enum kube_sink_state kube_sink_write(struct kube_sink *sink, short revents);

#endif
