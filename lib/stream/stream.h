/*
 * Records in and out: newline-delimited JSON, egress-records(5).
 *
 * A stream reads lines from one descriptor and writes lines to another. Each line that
 * stream_next() hands out has passed json_check() and is one JSON object; everything else
 * has already been reported by line number on stderr, kept verbatim in the rejects file and
 * counted. Blank lines are skipped; CRLF and a last line without newline are accepted.
 *
 * Output is held until it is large, or until the input runs dry: then it is flushed before
 * the stream waits. So a live pipeline has no latency and a replay has few system calls.
 *
 * Ownership: a record borrows the stream's buffer and is valid until the next call of
 * stream_next(). stream_close() frees the stream and closes the rejects file, not `in` or
 * `out`.
 */
#ifndef STREAM_STREAM_H
#define STREAM_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "json/json.h"

struct stream;

/* What a program reads. Lines that are another stage's records are counted when they are rejected,
 * and told by one message with the order of the programs, in place of one message a line. */
enum stream_reads { STREAM_READS_ANY, STREAM_READS_EVENTS, STREAM_READS_OPERATIONS, STREAM_READS_FLOWS };

struct stream_options {
	int in;              /* descriptor to read; -1: no input (a source) */
	int out;             /* descriptor to write; -1: no output (a sink) */
	const char *rejects; /* file for rejected lines, appended to, mode 0600; NULL: none */
	int wake;            /* another descriptor that ends a wait when readable; -1: none */
	bool text;           /* lines of any text: none is checked, and `json` is its trimmed bytes */
	/* What is told on `out` matters less than what is done: a reader that ends or does not read holds
	 * nothing up. What it does not take is held, up to 16 MiB, later lines are dropped; both are said
	 * once and count as a failure. stream_close() waits for it as always. */
	bool work_first;
	enum stream_reads reads;
	const char *lost;    /* a line written in place of each rejected one; NULL: none */
	/* Called in place of that: with what is held of the line, unchecked (of one that is too long at
	 * least its first JSON_RECORD_MAX bytes), and why. True when the caller has written what stands
	 * for it; else `lost` is. NULL: none. */
	bool (*on_reject)(void *context, struct json_text line, const char *reason);
	void *context;
};

/* For `lost`: tells the stages behind that they do not see all there is. */
#define STREAM_LOST_EVENT                                                                          \
	"{\"type\":\"ERROR\",\"object\":{\"apiVersion\":\"v1\",\"kind\":\"Status\","               \
	"\"status\":\"Failure\",\"reason\":\"RecordRejected\"}}"

struct record {
	struct json_text line;  /* as it stood, without its newline: for passing through */
	struct json_text json;  /* the same without white space around it */
	unsigned long number;   /* line number, from 1 */
};

enum stream_state {
	STREAM_RECORD, /* a record was read */
	STREAM_WAKE,   /* `wake` is readable, or SIGHUP came, and no line is ready */
	STREAM_END,    /* end of input */
	STREAM_STOP,   /* SIGTERM or SIGINT (os/signals.h) */
	STREAM_CLOSED, /* nobody reads our output any more, or takes none of it when a signal ends us */
	STREAM_FAILED, /* input or output could not be read or written; reported */
};

/* NULL when the rejects file cannot be opened; reported. One that cannot be written later is
 * reported, and the stream goes on. */
struct stream *stream_open(const struct stream_options *options);

/* The next record. After a state other than RECORD and WAKE it keeps returning that state. */
enum stream_state stream_next(struct stream *stream, struct record *record);

/* Appends a line (a newline is added). Failures show at the next stream_next() or
 * stream_close(). */
void stream_write(struct stream *stream, struct json_text line);

/* Writes out what is held. False when that failed or nobody reads. */
bool stream_flush(struct stream *stream);

/* Reports the current record as unusable, for `reason` ("line 12: REASON"), and keeps and
 * counts it as those that stream_next() rejects. */
void stream_reject(struct stream *stream, const struct record *record, const char *reason);

/* Counts a record that was used but did not go well; the caller has said why. */
void stream_count_failure(struct stream *stream);

/* Output is held that the reader has not taken (work_first): stream_flush() is due when `out` is
 * writable. */
bool stream_holds_output(const struct stream *stream);

unsigned long stream_rejected(const struct stream *stream);
unsigned long stream_failures(const struct stream *stream);

/* Flushes and frees. The exit status of the program: EXIT_OK when all went well (also when
 * downstream closed), EXIT_SOME when a record was rejected or failed, EXIT_CANNOT when input
 * or output failed (os/exit.h). */
int stream_close(struct stream *stream);

#endif
