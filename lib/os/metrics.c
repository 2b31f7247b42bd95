#include "os/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/log.h"
#include "os/options.h"

enum { TEXT_SIZE = 16 * 1024, CLUSTER_MAX = 253 };

static const struct {
	const char *name, *label, *type, *help;
} described[METRICS] = {
	[METRIC_RECORDS] = {"egress_records_total", NULL, "counter", "Records taken; of egress-watch: written."},
	[METRIC_REJECTS] = {"egress_rejects_total", NULL, "counter",
	                    "Records that could not be used."},
	[METRIC_LAST_EVENT] = {"egress_last_event_time_seconds", NULL, "gauge",
	                       "When the last record was taken, in seconds since 1970."},
	[METRIC_AGENTS] = {"egress_agents", NULL, "gauge", "AgentCards held."},
	[METRIC_OBJECTS] = {"egress_objects", NULL, "gauge", "Objects watched."},
	[METRIC_VERDICTS] = {"egress_verdicts_total", "reason", "counter",
	                     "Verdicts on AgentCards that were written, by reason."},
	[METRIC_ANCHORS] = {"egress_verified_agents", "anchor", "gauge",
	                    "AgentCards that are verified, by the key identifier of the CA."},
	[METRIC_SOURCES] = {"egress_agents_by_source", "source", "gauge",
	                    "AgentCards held, by what their verdict was taken from."},
	[METRIC_BUNDLES] = {"egress_trust_bundle_unusable", "trust_domain", "gauge",
	                    "1 while the trust bundle is none and the last good one counts, else 0."},
	[METRIC_OPERATIONS] = {"egress_operations_total", "type", "counter",
	                       "Operations asked for, by type."},
	[METRIC_RESULTS] = {"egress_results_total", "type", "counter",
	                    "Operations carried out, by what became of them."},
	[METRIC_RETRIES] = {"egress_retries_total", NULL, "counter",
	                    "Requests that failed and are made again."},
	[METRIC_NOT_IN_FORCE] = {"egress_not_in_force", "kind", "gauge",
	                         "Objects that are asked for and that the server refuses."},
	[METRIC_NAMES] = {"egress_names", NULL, "gauge", "DNS names asked for."},
	[METRIC_ANSWERS] = {"egress_answers_total", "status", "counter",
	                    "What became of the questions to name servers."},
	[METRIC_FETCHES] = {"egress_fetches_total", "result", "counter",
	                    "Times that an agent was asked for its card, by what became of it."},
};

struct sample {
	const char *label;
	int64_t value;
};

static struct {
	int directory; /* -1: no metrics */
	const char *path;
	char name[NAME_MAX + 1], next[NAME_MAX + 5];
	char labels[CLUSTER_MAX + 64]; /* of every sample */
	struct sample samples[METRICS][METRICS_LABELS];
	size_t counts[METRICS];
	void (*gather)(void *context);
	void *context;
	bool changed, failing;
	int64_t written_ms;
} held = {.directory = -1};

static struct sample *sample_of(enum metric metric, const char *label)
{
	struct sample *samples = held.samples[metric];
	size_t count = held.counts[metric];
	for (size_t i = 0; i < count; i++)
		if (label == samples[i].label ||
		    (label != NULL && strcmp(label, samples[i].label) == 0))
			return &samples[i];
	if (count == METRICS_LABELS)
		return &samples[count - 1];
	held.counts[metric]++;
	samples[count].label = label;
	return &samples[count];
}

void metrics_add(enum metric metric, const char *label, unsigned long count)
{
	if (held.directory < 0)
		return;
	sample_of(metric, label)->value += (int64_t)count;
	held.changed = true;
}

void metrics_set(enum metric metric, const char *label, int64_t value)
{
	if (held.directory < 0)
		return;
	struct sample *sample = sample_of(metric, label);
	held.changed = held.changed || sample->value != value;
	sample->value = value;
}

void metrics_event(void)
{
	if (held.directory < 0)
		return;
	metrics_add(METRIC_RECORDS, NULL, 1);
	metrics_set(METRIC_LAST_EVENT, NULL, clock_now());
}

static void put_metric(FILE *out, enum metric metric)
{
	if (held.counts[metric] == 0)
		return;
	const char *name = described[metric].name;
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, described[metric].help, name,
	        described[metric].type);
	for (size_t i = 0; i < held.counts[metric]; i++) {
		const struct sample *sample = &held.samples[metric][i];
		fprintf(out, "%s{%s", name, held.labels);
		if (sample->label != NULL)
			fprintf(out, ",%s=\"%s\"", described[metric].label, sample->label);
		fprintf(out, "} %lld\n", (long long)sample->value);
	}
}

/* Bytes of the whole text; 0 when it does not fit. */
static size_t compose(char text[TEXT_SIZE])
{
	FILE *out = fmemopen(text, TEXT_SIZE, "w");
	if (out == NULL)
		return 0;
	fprintf(out, "# HELP egress_info The program's version.\n# TYPE egress_info gauge\n"
	             "egress_info{%s,version=\"%s\"} 1\n", held.labels, egress_version);
	for (int metric = 0; metric < METRICS; metric++)
		put_metric(out, (enum metric)metric);
	bool whole = fflush(out) == 0;
	long len = ftell(out);
	fclose(out);
	return whole && len > 0 && len < TEXT_SIZE ? (size_t)len : 0;
}

static bool replace(const char *text, size_t len)
{
	/* the flags that the sandbox lets through (os/sandbox.c) */
	int fd = openat(held.directory, held.next,
	                O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return false;
	ssize_t done = write(fd, text, len);
	if (done >= 0 && (size_t)done < len)
		errno = ENOSPC;
	int why = errno;
	close(fd);
	errno = why;
	return done == (ssize_t)len &&
	       renameat(held.directory, held.next, held.directory, held.name) == 0;
}

static bool write_file(void)
{
	char text[TEXT_SIZE];
	if (held.gather != NULL)
		held.gather(held.context);
	held.changed = false;
	held.written_ms = clock_monotonic_ms();
	size_t len = compose(text);
	if (len == 0)
		errno = EFBIG;
	return len > 0 && replace(text, len);
}

static void write_again(void)
{
	bool written = write_file();
	if (!written && !held.failing)
		log_warning("cannot write metrics to %s: %s", held.path, strerror(errno));
	held.failing = !written;
}

/* A name as Kubernetes and systemd have it needs no escapes. */
static void choose_labels(void)
{
	static const char may[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:@";
	const char *cluster = getenv("EGRESS_CLUSTER");
	int len = snprintf(held.labels, sizeof held.labels, "program=\"%s\"", log_program());
	if (cluster == NULL || cluster[0] == '\0')
		return;
	if (strlen(cluster) > CLUSTER_MAX || cluster[strspn(cluster, may)] != '\0')
		log_warning("EGRESS_CLUSTER is not a name: metrics go without it");
	else
		snprintf(held.labels + len, sizeof held.labels - (size_t)len, ",cluster=\"%s\"",
		         cluster);
}

static bool open_directory(const char *file)
{
	char copy[PATH_MAX];
	const char *slash = strrchr(file, '/');
	const char *name = slash == NULL ? file : slash + 1;
	if (strlen(file) >= sizeof copy || strlen(name) + sizeof ".tmp" > sizeof held.name) {
		errno = ENAMETOOLONG;
		return false;
	}
	if (name[0] == '\0') {
		errno = EISDIR;
		return false;
	}
	snprintf(held.name, sizeof held.name, "%s", name);
	snprintf(held.next, sizeof held.next, "%s.tmp", name);
	snprintf(copy, sizeof copy, "%s", file);
	held.directory = open(dirname(copy), O_PATH | O_DIRECTORY | O_CLOEXEC);
	return held.directory >= 0;
}

bool metrics_open(const char *file)
{
	if (file == NULL)
		return true;
	held.path = file;
	choose_labels();
	if (open_directory(file) && write_file())
		return true;
	log_error("cannot write metrics to %s: %s", file, strerror(errno));
	if (held.directory >= 0)
		close(held.directory);
	held.directory = -1;
	return false;
}

void metrics_gather(void (*gather)(void *context), void *context)
{
	held.gather = gather;
	held.context = context;
}

int metrics_due_ms(void)
{
	if (held.directory < 0 || !held.changed)
		return -1;
	int64_t left = held.written_ms + METRICS_SECONDS * 1000 - clock_monotonic_ms();
	return left > 0 ? (int)left : 0;
}

void metrics_tick(void)
{
	if (metrics_due_ms() == 0)
		write_again();
}

void metrics_close(void)
{
	if (held.directory < 0)
		return;
	write_again();
	close(held.directory);
	held.directory = -1;
	held.gather = NULL;
}
