#include "apply/batch_private.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/table.h"
#include "base/memory.h"
#include "os/log.h"

enum {
	FILES_MAX = 32 * 1024,
	BYTES_MAX = 64 * 1024 * 1024,
	LINGER_NS = 10 * 1000 * 1000, /* a pipe that is dry for a moment is no end of a replay */
};

struct result {
	struct result *next;
	struct kube_identity id;
	struct file *file; /* NULL: none */
	enum kube_verdict verdict;
	bool replaced;
	char *message;
	size_t line_len; /* `names` is a line, as it stands; 0: it is not */
	char names[];    /* what `id` borrows */
};

struct file {
	UT_hash_handle hh;
	bool existed, exists, changed;
	struct json_buffer before, after; /* `after` counts once changed */
	struct result *last;              /* of the newest change */
	const char *what;                 /* could not be done to it */
	int error;
	unsigned number;
	bool staged;
	char name[];
};

struct kube_batch {
	struct kube_files *files;
	const char *path;
	struct file *table; /* in the order of their first use */
	struct result *results, **results_end;
	size_t bytes;
	int timer;
};

struct kube_batch *kube_batch_new(struct kube_files *files, const char *path)
{
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (timer < 0) {
		log_error("no timer: %s", strerror(errno));
		return NULL;
	}
	struct kube_batch *batch = kube_alloc(1, sizeof *batch);
	*batch = (struct kube_batch){.files = files, .path = path, .timer = timer};
	batch->results_end = &batch->results;
	return batch;
}

static void set_timer(struct kube_batch *batch, long ns)
{
	struct itimerspec when = {.it_value = {.tv_nsec = ns}};
	timerfd_settime(batch->timer, 0, &when, NULL);
}

static void forget(struct kube_batch *batch)
{
	struct file *file = batch->table, *next_file;
	HASH_CLEAR(hh, batch->table); /* frees the table and leaves the elements linked */
	for (; file != NULL; file = next_file) {
		next_file = file->hh.next;
		json_buffer_free(&file->before);
		json_buffer_free(&file->after);
		free(file);
	}
	for (struct result *result = batch->results, *next; result != NULL; result = next) {
		next = result->next;
		free(result->message);
		free(result);
	}
	batch->results = NULL;
	batch->results_end = &batch->results;
	batch->bytes = 0;
	set_timer(batch, 0);
}

void kube_batch_free(struct kube_batch *batch)
{
	forget(batch);
	close(batch->timer);
	free(batch);
}

static struct file *find(const struct kube_batch *batch, const char *name)
{
	struct file *file = NULL;
	HASH_FIND_STR(batch->table, name, file);
	return file;
}

static struct json_text text_of(const struct file *file)
{
	if (!file->exists)
		return (struct json_text){0};
	struct json_text text = json_buffer_text(file->changed ? &file->after : &file->before);
	return text.at == NULL ? json_of("") : text;
}

bool kube_batch_read(struct kube_batch *batch, const char *name, struct json_text *text)
{
	struct file *file = find(batch, name);
	if (file == NULL) {
		size_t len = strlen(name);
		file = kube_alloc(1, sizeof *file + len + 1);
		memcpy(file->name, name, len + 1);
		if (!kube_files_read(batch->files, name, &file->before, &file->existed)) {
			int error = errno;
			json_buffer_free(&file->before);
			free(file);
			errno = error;
			return false;
		}
		file->exists = file->existed;
		batch->bytes += sizeof *file + len + file->before.size;
		HASH_ADD_KEYPTR(hh, batch->table, file->name, len, file);
	}
	*text = text_of(file);
	return true;
}

void kube_batch_change(struct kube_batch *batch, const char *name, struct json_text text)
{
	struct file *file = find(batch, name);
	batch->bytes -= file->after.size;
	file->after.len = 0;
	json_puttext(&file->after, text);
	batch->bytes += file->after.size;
	file->changed = true;
	file->exists = text.at != NULL;
	if (file->last != NULL)
		file->last->replaced = true;
	file->last = NULL;
}

static struct json_text keep(char **at, struct json_text text)
{
	if (text.at == NULL)
		return text;
	char *copy = memcpy(*at, text.at, text.len);
	*at += text.len;
	return (struct json_text){copy, text.len};
}

static void append(struct kube_batch *batch, struct result *result, size_t bytes)
{
	if (batch->results == NULL)
		set_timer(batch, LINGER_NS);
	*batch->results_end = result;
	batch->results_end = &result->next;
	batch->bytes += sizeof *result + bytes;
}

void kube_batch_result(struct kube_batch *batch, const char *name, const struct kube_identity *id,
                       const struct kube_outcome *outcome)
{
	size_t len = id->api_version.len + id->kind.len + id->namespace.len + id->name.len;
	struct result *result = kube_alloc(1, sizeof *result + len);
	char *at = result->names;
	result->id.api_version = keep(&at, id->api_version);
	result->id.kind = keep(&at, id->kind);
	result->id.namespace = keep(&at, id->namespace);
	result->id.name = keep(&at, id->name);
	result->verdict = outcome->verdict;
	result->message = kube_copy(outcome->message);
	result->file = name == NULL ? NULL : find(batch, name);
	if (result->file != NULL &&
	    (outcome->verdict == KUBE_APPLIED || outcome->verdict == KUBE_DELETED))
		result->file->last = result;
	append(batch, result, len + strlen(result->message));
}

void kube_batch_line(struct kube_batch *batch, struct json_text line)
{
	struct result *result = kube_alloc(1, sizeof *result + line.len);
	memcpy(result->names, line.at, line.len);
	result->line_len = line.len;
	append(batch, result, line.len);
}

bool kube_batch_is_full(const struct kube_batch *batch)
{
	return HASH_COUNT(batch->table) >= FILES_MAX || batch->bytes >= BYTES_MAX;
}

int kube_batch_wake(const struct kube_batch *batch)
{
	return batch->timer;
}

static void note_error(struct file *file, const char *what)
{
	file->what = what;
	file->error = errno;
}

static bool is_as_it_was(const struct file *file)
{
	if (!file->changed || file->exists != file->existed)
		return !file->changed || (!file->exists && !file->existed);
	return !file->exists ||
	       json_same(json_buffer_text(&file->before), json_buffer_text(&file->after));
}

/* Returns how many files are changed. */
static unsigned stage(struct kube_batch *batch)
{
	unsigned number = 0;
	for (struct file *file = batch->table; file != NULL; file = file->hh.next) {
		file->changed = !is_as_it_was(file);
		if (!file->changed)
			continue;
		file->number = number++;
		if (!file->exists)
			continue;
		file->staged =
		        kube_files_stage(batch->files, file->number, json_buffer_text(&file->after));
		if (!file->staged)
			note_error(file, "write");
	}
	return number;
}

static void sync_staged(struct kube_batch *batch)
{
	if (kube_files_sync_staged(batch->files))
		return;
	for (struct file *file = batch->table; file != NULL; file = file->hh.next) {
		if (!file->staged)
			continue;
		note_error(file, "write");
		kube_files_unstage(batch->files, file->number);
		file->staged = false;
	}
}

static void put_in_place(struct kube_batch *batch)
{
	for (struct file *file = batch->table; file != NULL; file = file->hh.next) {
		if (file->staged && !kube_files_place(batch->files, file->number, file->name))
			note_error(file, "write");
		if (file->changed && !file->exists &&
		    !kube_files_remove(batch->files, file->name))
			note_error(file, "remove");
	}
}

static void make_changes(struct kube_batch *batch)
{
	if (stage(batch) == 0)
		return;
	sync_staged(batch);
	put_in_place(batch);
	if (kube_files_sync(batch->files))
		return;
	for (struct file *file = batch->table; file != NULL; file = file->hh.next)
		if (file->changed && file->error == 0)
			note_error(file, "sync the directory of");
}

static void write_result(struct kube_batch *batch, const struct result *result,
                         struct stream *stream)
{
	struct kube_outcome outcome = {.verdict = result->verdict};
	const struct file *file = result->file;
	if (result->line_len > 0) {
		stream_write(stream, (struct json_text){result->names, result->line_len});
		return;
	}
	if (file != NULL && file->error != 0 && result->verdict != KUBE_FAILED) {
		outcome.verdict = KUBE_FAILED;
		snprintf(outcome.message, sizeof outcome.message, "cannot %s %s/%s: %s", file->what,
		         batch->path, file->name, strerror(file->error));
	} else {
		snprintf(outcome.message, sizeof outcome.message, "%s%s", result->message,
		         result->replaced ? "replaced by a later operation before it was written"
		                          : "");
	}
	kube_outcome_write(stream, &result->id, &outcome);
}

void kube_batch_commit(struct kube_batch *batch, struct stream *stream)
{
	make_changes(batch);
	for (const struct result *result = batch->results; result != NULL; result = result->next)
		write_result(batch, result, stream);
	forget(batch);
}
