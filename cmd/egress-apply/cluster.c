#include "cluster.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/exit.h"
#include "os/log.h"
#include "os/metrics.h"
#include "os/notify.h"
#include "os/signals.h"

enum {
	RECORDS = 256,   /* read at most between two looks at the network */
	FINISH_MS = 500, /* for what is in flight when a signal ends us */
};

/* Takes what input there is. STREAM_WAKE: all of it, and there may be more later. */
static enum stream_state take_input(struct stream *stream, struct kube_cluster *cluster)
{
	struct record record;
	struct kube_operation operation;
	enum stream_state state = STREAM_WAKE;
	for (int i = 0; i < RECORDS && !kube_cluster_full(cluster); i++) {
		state = stream_next(stream, &record);
		if (state != STREAM_RECORD)
			break;
		const char *wrong = kube_operation_read(record.json, &operation);
		if (wrong == NULL)
			wrong = kube_cluster_operate(cluster, &record, &operation);
		if (wrong != NULL)
			stream_reject(stream, &record, wrong);
	}
	return state;
}

static void wait_for_more(struct kube_client *client, struct kube_cluster *cluster,
                          const struct stream *stream, enum stream_state state)
{
	bool listen = state == STREAM_WAKE && !kube_cluster_full(cluster);
	/* poll(2) ignores -1 */
	struct pollfd fds[] = {
	        {.fd = listen ? STDIN_FILENO : -1, .events = POLLIN},
	        {.fd = stream_holds_output(stream) ? STDOUT_FILENO : -1, .events = POLLOUT},
	};
	int timeout = kube_cluster_pump(cluster);
	timeout = clock_sooner_ms(timeout, clock_sooner_ms(metrics_due_ms(), notify_due_ms()));
	kube_client_poll(client, state == STREAM_RECORD ? 0 : timeout, fds, 2);
}

static void finish_in_flight(struct kube_client *client, struct kube_cluster *cluster)
{
	int64_t end = clock_monotonic_ms() + FINISH_MS;
	kube_cluster_stop(cluster);
	for (int64_t left; kube_cluster_running(cluster) > 0;) {
		left = end - clock_monotonic_ms();
		if (left <= 0)
			break;
		kube_client_poll(client, (int)left, NULL, 0);
	}
	kube_cluster_abandon(cluster);
}

static void run(struct kube_client *client, struct kube_cluster *cluster, struct stream *stream)
{
	enum stream_state state = STREAM_WAKE;
	while (!kube_cluster_lost(cluster)) {
		metrics_tick();
		notify_tick();
		if (state == STREAM_RECORD || state == STREAM_WAKE)
			state = take_input(stream, cluster);
		if (state == STREAM_END)
			kube_cluster_end(cluster);
		if (signals_stop() || state == STREAM_STOP || state == STREAM_CLOSED ||
		    state == STREAM_FAILED || (state == STREAM_END && !kube_cluster_busy(cluster)))
			break;
		if (state != STREAM_RECORD)
			stream_flush(stream);
		wait_for_more(client, cluster, stream, state);
	}
	finish_in_flight(client, cluster);
}

static int apply_with(const struct apply_target *target, struct kube_client *client)
{
	/* always readable, so that stream_next() returns when there is no line, and the network
	 * gets its turn */
	int wake = eventfd(1, EFD_CLOEXEC);
	struct stream *stream = stream_open(&(struct stream_options){
	        .in = STDIN_FILENO,
	        .out = STDOUT_FILENO,
	        .rejects = target->rejects,
	        .wake = wake,
	        .work_first = true,
	        .reads = STREAM_READS_OPERATIONS,
	});
	if (stream == NULL) {
		close(wake);
		return EXIT_CANNOT;
	}
	struct kube_cluster *cluster = kube_cluster_new(&target->options, client, stream);
	notify_send("READY=1");
	run(client, cluster, stream);
	bool lost = kube_cluster_lost(cluster);
	kube_cluster_free(cluster);
	int status = stream_close(stream);
	close(wake);
	return lost ? EXIT_CANNOT : status;
}

int apply_to_cluster(const struct apply_target *target)
{
	char error[KUBE_ERROR_SIZE];
	int status = EXIT_CANNOT;
	struct kube_config *config = kube_config_load(target->kubeconfig, target->context, error);
	struct kube_client *client = config == NULL ? NULL : kube_client_new(config, error);
	if (client == NULL)
		log_error("%s", error);
	else
		status = apply_with(target, client);
	kube_client_free(client);
	kube_config_free(config);
	return status;
}
