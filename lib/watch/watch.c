#include "watch/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/lease.h"
#include "base/memory.h"
#include "watch/watch_private.h"
#include "os/clock.h"
#include "os/exit.h"
#include "os/log.h"
#include "os/metrics.h"
#include "os/notify.h"
#include "os/signals.h"

static void gather(void *watch)
{
	const struct watch *w = watch;
	metrics_add(METRIC_RECORDS, NULL, 0);
	metrics_add(METRIC_RETRIES, NULL, 0);
	metrics_set(METRIC_REJECTS, NULL, (int64_t)w->rejected);
	metrics_set(METRIC_OBJECTS, NULL, (int64_t)marks_objects(w));
}

static bool is_finished(const struct watch *w)
{
	if (w->status >= 0 || signals_stop())
		return true;
	return w->options->once && w->marks[0].ended && kube_sink_pending(w->sink) == 0;
}

static int sooner(int64_t due, int64_t now, int timeout)
{
	if (due < 0)
		return timeout;
	int64_t left = due > now ? due - now : 0;
	return timeout < 0 || left < timeout ? (int)left : timeout;
}

static int next_timeout(const struct watch *w)
{
	int64_t now = clock_monotonic_ms();
	int timeout = clock_sooner_ms(metrics_due_ms(), notify_due_ms());
	timeout = sooner(fetch_due(w), now, timeout);
	timeout = sooner(discovery_due(w), now, timeout);
	timeout = sooner(marks_due(w), now, timeout);
	for (size_t i = 0; i < w->count; i++)
		timeout = sooner(reflector_due(&w->reflectors[i]), now, timeout);
	if (w->options->lease != NULL)
		timeout = sooner(kube_lease_due(w->options->lease), now, timeout);
	return timeout;
}

static void step(struct watch *w)
{
	struct pollfd out = kube_sink_poll(w->sink);
	kube_client_poll(w->client, next_timeout(w), &out, 1);
	switch (kube_sink_write(w->sink, out.revents)) {
	case KUBE_SINK_CLOSED:
		w->status = EXIT_OK;
		break;
	case KUBE_SINK_FAILED:
		log_error("cannot write: %s", strerror(errno));
		w->status = EXIT_CANNOT;
		break;
	default:
		break;
	}
	metrics_tick();
	notify_tick();
	int64_t now = clock_monotonic_ms();
	for (size_t i = 0; i < w->count && w->status < 0; i++)
		reflector_tick(&w->reflectors[i], now);
	discovery_tick(w, now);
	fetch_pump(w, now);
	marks_tick(w, now);
	if (w->options->lease != NULL && !kube_lease_hold(w->options->lease))
		w->status = EXIT_CANNOT;
}

static void close_all(struct watch *w)
{
	for (size_t i = 0; i < w->count; i++) {
		fetch_forget_all(&w->reflectors[i]);
		reflector_free(&w->reflectors[i]);
	}
	discovery_free(w);
	named_free_all(w);
	free(w->reflectors);
	for (size_t i = 0; i < w->marks_count; i++)
		free(w->marks[i].preferred);
	free(w->marks);
	kube_sink_free(w->sink);
	json_buffer_free(&w->scratch);
	if (w->rejects_fd >= 0)
		close(w->rejects_fd);
}

static bool open_rejects(struct watch *w)
{
	const char *path = w->options->rejects;
	if (path == NULL)
		return true;
	w->rejects_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (w->rejects_fd < 0)
		log_error("cannot open %s: %s", path, strerror(errno));
	return w->rejects_fd >= 0;
}

int kube_watch_run(struct kube_client *client, const struct kube_watch_options *options)
{
	struct watch w = {.client = client, .options = options, .status = -1, .rejects_fd = -1};
	if (!open_rejects(&w))
		return EXIT_CANNOT;
	w.sink = kube_sink_new(options->out);
	watch_add_lists(&w);
	for (size_t i = 0; i < w.count; i++)
		reflector_open(&w.reflectors[i]);
	metrics_gather(gather, &w);
	discovery_tick(&w, 0);
	while (!is_finished(&w))
		step(&w);
	metrics_close();
	close_all(&w);
	if (w.status < 0)
		w.status = EXIT_OK;
	return w.status == EXIT_OK && w.rejected > 0 ? EXIT_SOME : w.status;
}
