/*
 * What a program has done, in a file for Prometheus: the text exposition format, as node_exporter's
 * textfile collector reads it.
 *
 * The file is replaced as a whole: FILE.tmp is written beside it and renamed, so a reader never sees
 * a part. It is written when the program begins, after that when something has changed but not
 * more often than every METRICS_SECONDS, and at the end. Where it cannot be written later on a
 * warning says so, once, and the program goes on.
 *
 * Every sample has the label `program`, and `cluster` when EGRESS_CLUSTER is in the environment,
 * so that the files of several programs can lie in one directory. A metric appears once it was
 * added to or set. Labels' values are words that the program chooses, never what an input says:
 * they are borrowed for the life of the process.
 *
 * Without metrics_open() all of this does nothing.
 */
#ifndef OS_METRICS_H
#define OS_METRICS_H

#include <stdbool.h>
#include <stdint.h>

enum { METRICS_SECONDS = 15, METRICS_LABELS = 32 };

enum metric {
	METRIC_RECORDS,    /* egress_records_total */
	METRIC_REJECTS,    /* egress_rejects_total */
	METRIC_LAST_EVENT, /* egress_last_event_time_seconds, Unix time */
	METRIC_AGENTS,     /* egress_agents */
	METRIC_OBJECTS,    /* egress_objects */
	METRIC_VERDICTS,   /* egress_verdicts_total{reason} */
	METRIC_ANCHORS,    /* egress_verified_agents{anchor} */
	METRIC_SOURCES,    /* egress_agents_by_source{source} */
	METRIC_BUNDLES,    /* egress_trust_bundle_unusable{trust_domain} */
	METRIC_OPERATIONS, /* egress_operations_total{type} */
	METRIC_RESULTS,    /* egress_results_total{type} */
	METRIC_RETRIES,    /* egress_retries_total */
	METRIC_NOT_IN_FORCE, /* egress_not_in_force{kind} */
	METRIC_NAMES,      /* egress_names */
	METRIC_ANSWERS,    /* egress_answers_total{status} */
	METRIC_FETCHES,    /* egress_fetches_total{result} */
	METRICS,
};

/* Before the sandbox is entered, which must then be told of the file (os/sandbox.h). False when the
 * file cannot be written, reported. NULL: no metrics. */
bool metrics_open(const char *file);

/* Called before each writing, for what is cheaper to ask for than to keep; NULL: nothing. */
void metrics_gather(void (*gather)(void *context), void *context);

/* `label` is the value of the metric's label; NULL where it has none. At most METRICS_LABELS
 * different ones. Adding 0 makes the metric appear. */
void metrics_add(enum metric metric, const char *label, unsigned long count);
void metrics_set(enum metric metric, const char *label, int64_t value);
/* A record was taken, now. */
void metrics_event(void);

/* Milliseconds until the file is to be written: -1 when nothing has changed. */
int metrics_due_ms(void);
/* Writes the file when it is due. To be called now and then. */
void metrics_tick(void);

/* Writes it for the last time; what gather was given may go after this. */
void metrics_close(void);

#endif
