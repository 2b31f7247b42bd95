#include "stream/stream.h"

#include "order_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "os/clock.h"
#include "os/exit.h"
#include "os/log.h"
#include "os/metrics.h"
#include "os/notify.h"
#include "os/signals.h"

enum {
	READ_SIZE = 256 * 1024,
	WRITE_SIZE = 256 * 1024, /* held output that is written out without waiting for more */
	LAST_MS = 500,           /* for a reader that takes nothing, when a signal ends us */
	ORDER_MS = 1000,         /* after which records of another stage are told of */
	HELD_MAX = 16 * 1024 * 1024, /* held output that nobody takes (work_first) */
};

struct stream {
	struct stream_options options;
	int rejects;
	bool unkept;            /* it was said that rejects cannot be written */
	enum stream_state last; /* STREAM_RECORD while the stream goes on */

	struct json_buffer in;
	size_t in_at;      /* where the next line starts in `in` */
	size_t in_scanned; /* no newline before this */
	bool in_ended;
	bool skipping;     /* inside a line that was too long */
	bool unfinished;   /* the line last taken had no newline */
	unsigned long number;

	struct json_buffer out;
	bool closing, reader_gone, dropping; /* the last two are said */
	size_t chunk;      /* what one write(2) takes without blocking once poll(2) says so */
	int64_t last_ms;   /* until when we wait for the reader; 0: a signal has not come */
	unsigned long rejected, failures;
	struct order order; /* rejected lines that are another stage's */
};

/* A pipe that polls as writable takes PIPE_BUF bytes at once (pipe(7)); a file takes everything. */
static size_t chunk_of(int fd)
{
	struct stat status;
	return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? WRITE_SIZE : PIPE_BUF;
}

struct stream *stream_open(const struct stream_options *options)
{
	struct stream *s = calloc(1, sizeof *s);
	if (s == NULL)
		abort();
	s->options = *options;
	s->last = STREAM_RECORD;
	s->rejects = -1;
	s->chunk = chunk_of(options->out);
	metrics_add(METRIC_RECORDS, NULL, 0);
	metrics_add(METRIC_REJECTS, NULL, 0);
	if (options->rejects == NULL)
		return s;
	s->rejects = open(options->rejects, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (s->rejects < 0) {
		log_error("cannot open %s for rejected lines: %s", options->rejects, strerror(errno));
		free(s);
		return NULL;
	}
	return s;
}

/* Until the reader takes something: it may take its time, which must not look like us being stuck.
 * False when a signal ends us and it has had its chance. */
static bool wait_writable(struct stream *s, int fd)
{
	struct pollfd wait = {.fd = fd, .events = POLLOUT};
	for (;;) {
		int64_t left = -1;
		notify_tick();
		if (signals_stop()) {
			int64_t now = clock_monotonic_ms();
			if (s->last_ms == 0)
				s->last_ms = now + LAST_MS;
			left = s->last_ms > now ? s->last_ms - now : 0;
		}
		if (signals_wait(&wait, 1, clock_sooner_ms((int)left, notify_due_ms())) > 0)
			return true;
		if (left == 0)
			return false;
	}
}

/* False with errno; ECANCELED: a signal ends us, and nobody reads. */
static bool write_all(struct stream *s, int fd, const char *at, size_t len)
{
	size_t chunk = fd == s->options.out ? s->chunk : PIPE_BUF;
	while (len > 0) {
		if (!wait_writable(s, fd)) {
			errno = ECANCELED;
			return false;
		}
		ssize_t done = write(fd, at, len < chunk ? len : chunk);
		if (done < 0 && errno != EINTR && errno != EAGAIN)
			return false;
		if (done > 0) {
			at += done;
			len -= (size_t)done;
		}
	}
	return true;
}

static void fail(struct stream *s, const char *what)
{
	log_error("cannot %s: %s", what, strerror(errno));
	s->last = STREAM_FAILED;
}

static void lose_reader(struct stream *s)
{
	log_error("nobody reads the results any more: the work goes on, and is not told of");
	s->reader_gone = true;
	s->failures++;
	s->out.len = 0;
}

/* What the reader takes without waiting for it. */
static bool flush_some(struct stream *s)
{
	size_t written = 0;
	struct pollfd ready = {.fd = s->options.out, .events = POLLOUT};
	while (written < s->out.len && poll(&ready, 1, 0) > 0) {
		size_t left = s->out.len - written;
		ssize_t done = write(s->options.out, s->out.at + written,
		                     left < s->chunk ? left : s->chunk);
		if (done < 0 && errno == EPIPE) {
			lose_reader(s);
			return true;
		}
		if (done < 0 && errno != EINTR && errno != EAGAIN) {
			fail(s, "write output");
			return false;
		}
		written += done > 0 ? (size_t)done : 0;
	}
	if (written > 0 && written < s->out.len)
		memmove(s->out.at, s->out.at + written, s->out.len - written);
	s->out.len -= written;
	return true;
}

bool stream_holds_output(const struct stream *s)
{
	return s->options.work_first && s->out.len > 0;
}

bool stream_flush(struct stream *s)
{
	if (s->out.len == 0)
		return s->last != STREAM_CLOSED && s->last != STREAM_FAILED;
	if (s->options.work_first && !s->closing)
		return flush_some(s);
	bool done = write_all(s, s->options.out, s->out.at, s->out.len);
	if (!done && errno == EPIPE && s->options.work_first) {
		lose_reader(s);
	} else if (!done && errno == EPIPE) {
		s->last = STREAM_CLOSED;
	} else if (!done && errno == ECANCELED) {
		log_warning("asked to end while nobody reads: what was not read is lost");
		s->last = STREAM_CLOSED;
	} else if (!done) {
		fail(s, "write output");
	}
	s->out.len = 0;
	return done;
}

static bool is_too_much(struct stream *s)
{
	bool full = s->options.work_first && s->out.len >= HELD_MAX;
	if (full && !s->dropping) {
		log_error("nobody reads the results: %d MiB are held, and later ones are not told",
		          HELD_MAX / (1024 * 1024));
		s->failures++;
	}
	s->dropping = full;
	return full;
}

void stream_write(struct stream *s, struct json_text line)
{
	if (s->last == STREAM_CLOSED || s->last == STREAM_FAILED || s->options.out < 0 ||
	    s->reader_gone || is_too_much(s))
		return;
	json_puttext(&s->out, line);
	json_putc(&s->out, '\n');
	if (s->out.len >= WRITE_SIZE)
		stream_flush(s);
}

/* What cannot be kept, on a full disk for one, is said once and still counted: the other records
 * are not to wait for room. */
static void keep_rejected(struct stream *s, const char *at, size_t len)
{
	if (s->rejects < 0 || write_all(s, s->rejects, at, len))
		return;
	if (!s->unkept)
		log_error("cannot write rejected lines to %s: %s; going on without keeping them",
		          s->options.rejects, strerror(errno));
	s->unkept = true;
}

static void count_rejected(struct stream *s, struct json_text line, const char *reason)
{
	const struct stream_options *o = &s->options;
	s->rejected++;
	metrics_add(METRIC_REJECTS, NULL, 1);
	if (o->on_reject != NULL && o->on_reject(o->context, line, reason))
		return;
	if (o->lost != NULL)
		stream_write(s, json_of(o->lost));
}

static void drop(struct stream *s, struct json_text line, const char *reason)
{
	count_rejected(s, line, reason);
	keep_rejected(s, line.at, line.len);
	keep_rejected(s, "\n", 1);
}

static void reject(struct stream *s, struct json_text line, const char *reason)
{
	log_error("line %lu: %s", s->number, reason);
	drop(s, line, reason);
}

void stream_reject(struct stream *s, const struct record *record, const char *reason)
{
	unsigned long at = s->number;
	s->number = record->number;
	if (!s->options.text && order_count(&s->order, s->options.reads, record->json, record->number))
		drop(s, record->line, reason);
	else
		reject(s, record->line, reason);
	s->number = at;
}

void stream_count_failure(struct stream *s)
{
	s->failures++;
}

unsigned long stream_rejected(const struct stream *s)
{
	return s->rejected;
}

unsigned long stream_failures(const struct stream *s)
{
	return s->failures;
}

/* A line over the limit is not held: what has come goes to the rejects, and the rest as it
 * comes. */
static void skip_line(struct stream *s)
{
	const char *start = s->in.at + s->in_at;
	size_t held = s->in.len - s->in_at;
	const char *newline = held > 0 ? memchr(start, '\n', held) : NULL;
	size_t len = newline != NULL ? (size_t)(newline - start) + 1 : held;
	keep_rejected(s, start, len);
	s->in_at += len;
	s->in_scanned = s->in_at;
	s->skipping = newline == NULL && !s->in_ended;
	if (newline == NULL && s->in_ended)
		keep_rejected(s, "\n", 1);
}

static void say_too_long(char text[64])
{
	snprintf(text, 64, "longer than %d bytes", JSON_RECORD_MAX);
}

static void begin_skipping(struct stream *s)
{
	struct json_text held = {s->in.at + s->in_at, s->in.len - s->in_at};
	char text[64];
	say_too_long(text);
	s->number++;
	log_error("line %lu: %s", s->number, text);
	count_rejected(s, held, text);
	s->skipping = true;
	skip_line(s);
}

/* Takes the next line out of the buffer, without its newline. */
static bool take_line(struct stream *s, struct json_text *line)
{
	if (s->skipping)
		skip_line(s);
	const char *newline = NULL;
	if (s->in.len > s->in_scanned)
		newline = memchr(s->in.at + s->in_scanned, '\n', s->in.len - s->in_scanned);
	s->in_scanned = s->in.len;
	size_t held = s->in.len - s->in_at;
	if (newline == NULL && held > JSON_RECORD_MAX)
		begin_skipping(s);
	if (newline == NULL && (!s->in_ended || s->in.len == s->in_at))
		return false;
	const char *start = s->in.at + s->in_at;
	size_t len = newline != NULL ? (size_t)(newline - start) : held;
	*line = (struct json_text){start, len};
	s->unfinished = newline == NULL;
	s->in_at += len + (newline != NULL ? 1 : 0);
	s->in_scanned = s->in_at;
	s->number++;
	return true;
}

/* Room for reading: the unread part moves to the front once nothing borrows from it. */
static void make_room(struct stream *s)
{
	if (s->in_at > 0) {
		memmove(s->in.at, s->in.at + s->in_at, s->in.len - s->in_at);
		s->in.len -= s->in_at;
		s->in_scanned -= s->in_at;
		s->in_at = 0;
	}
	json_buffer_reserve(&s->in, READ_SIZE);
}

static void read_more(struct stream *s)
{
	make_room(s);
	ssize_t got = read(s->options.in, s->in.at + s->in.len, s->in.size - s->in.len);
	if (got > 0)
		s->in.len += (size_t)got;
	else if (got == 0)
		s->in_ended = true;
	else if (errno != EINTR && errno != EAGAIN)
		fail(s, "read input");
}

/* What is due by time. Keeps errno. */
static void look_after(void)
{
	int why = errno;
	metrics_tick();
	notify_tick();
	errno = why;
}

/* While more of them may come the first message waits a second for their number. */
static int order_due_ms(const struct stream *s)
{
	return s->order.said == 0 && order_is_due(&s->order) ? ORDER_MS : -1;
}

/* Waits for input for as long as nothing else is due. */
static int wait_due(struct stream *s, struct pollfd *fds, nfds_t count)
{
	int order_ms = order_due_ms(s);
	int due_ms = clock_sooner_ms(metrics_due_ms(), notify_due_ms());
	int ready = signals_wait(fds, count, clock_sooner_ms(due_ms, order_ms));
	int why = errno;
	if (ready == 0 && order_ms >= 0)
		order_say(&s->order, s->options.reads);
	errno = why;
	look_after();
	return ready;
}

/* Waits until there is input; flushes first when there is none yet. */
static enum stream_state wait_input(struct stream *s)
{
	/* -1 is ignored */
	struct pollfd fds[3] = {{.fd = s->options.in, .events = POLLIN},
	                        {.fd = s->options.wake, .events = POLLIN},
	                        {.fd = -1, .events = POLLOUT}};
	nfds_t count = 3;
	bool wakes = s->options.wake >= 0;
	look_after();
	int ready = signals_wait(fds, count, 0);
	if (ready == 0 && s->out.len > 0 && !stream_flush(s))
		return s->last;
	while (ready == 0 || (ready < 0 && errno == EINTR)) {
		if (signals_stop())
			return s->last = STREAM_STOP;
		if (ready < 0 && wakes) { /* SIGHUP */
			stream_flush(s);
			return s->last == STREAM_RECORD ? STREAM_WAKE : s->last;
		}
		fds[2].fd = stream_holds_output(s) ? s->options.out : -1;
		ready = wait_due(s, fds, count);
		if (ready > 0 && fds[0].revents == 0 && fds[1].revents == 0 && flush_some(s))
			ready = 0;
	}
	if (signals_stop())
		return s->last = STREAM_STOP;
	if (ready < 0) {
		fail(s, "wait for input");
		return s->last;
	}
	if (fds[0].revents == 0 && wakes && fds[1].revents != 0) {
		stream_flush(s);
		return s->last == STREAM_RECORD ? STREAM_WAKE : s->last;
	}
	read_more(s);
	return s->last;
}

static const char *why_unusable(struct json_text json, bool unfinished, struct json_error *error)
{
	if (!json_check(json, &json_record_limits, error)) {
		if (!error->truncated)
			return error->reason;
		return unfinished ? "the input ends inside this record"
		                  : "the line ends inside this record";
	}
	return json_type(json) == JSON_OBJECT ? NULL : "not a JSON object";
}

/* True when the line is a record; a blank or bad one is dealt with. */
static bool accept_line(struct stream *s, struct json_text line, struct record *record)
{
	struct json_error error = {0};
	struct json_text json = json_trim(line);
	if (json.len == 0)
		return false;
	if (line.len > JSON_RECORD_MAX) {
		char text[64];
		say_too_long(text);
		reject(s, line, text);
		return false;
	}
	const char *wrong = s->options.text ? NULL : why_unusable(json, s->unfinished, &error);
	if (wrong != NULL) {
		char text[256];
		snprintf(text, sizeof text, "%s (byte %zu)", wrong,
		         (size_t)(json.at - line.at) + error.offset + 1);
		reject(s, line, text);
		return false;
	}
	*record = (struct record){line, json, s->number};
	metrics_event();
	return true;
}

enum stream_state stream_next(struct stream *s, struct record *record)
{
	struct json_text line;
	while (s->last == STREAM_RECORD) {
		if (s->options.in < 0)
			return s->last = STREAM_END;
		if (take_line(s, &line)) {
			if (accept_line(s, line, record))
				return STREAM_RECORD;
			continue;
		}
		if (s->in_ended)
			return s->last = STREAM_END;
		if (wait_input(s) == STREAM_WAKE)
			return STREAM_WAKE;
	}
	return s->last;
}

int stream_close(struct stream *s)
{
	s->closing = true;
	stream_flush(s);
	if (order_is_due(&s->order))
		order_say(&s->order, s->options.reads);
	int status = s->last == STREAM_FAILED                  ? EXIT_CANNOT
	             : s->rejected > 0 || s->failures > 0 ? EXIT_SOME
	                                                  : EXIT_OK;
	if (s->rejects >= 0 && close(s->rejects) != 0)
		log_error("cannot write rejected lines: %s", strerror(errno));
	json_buffer_free(&s->in);
	json_buffer_free(&s->out);
	free(s);
	return status;
}
