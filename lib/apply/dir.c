#include "apply/dir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apply/batch_private.h"
#include "apply/diff_private.h"
#include "apply/files_private.h"
#include "base/memory.h"
#include "json/write.h"
#include "k8s/operator.h"
#include "os/log.h"
#include "yaml/write.h"

/* Followed by the object's apiVersion, kind and name: also what a removed file is told by. */
#define MARK "# Managed by egress-apply; edits are overwritten: "

struct kube_dir {
	struct kube_dir_options options;
	struct kube_files *files;
	struct kube_batch *batch;
	struct kube_wanted wanted;
	bool incomplete; /* an operation was refused: what is wanted is not all known */
	struct kube_wanted unread; /* namespaces, since the last begin mark: not all that cards want is known */
	bool keeps;      /* since the last begin mark: not all that is wanted has an operation */
};

static void put_mark(struct json_buffer *out, const struct kube_identity *id)
{
	json_puts(out, MARK);
	json_puttext(out, id->api_version);
	json_putc(out, ' ');
	json_puttext(out, id->kind);
	json_putc(out, ' ');
	json_puttext(out, id->namespace);
	json_putc(out, '/');
	json_puttext(out, id->name);
	json_putc(out, '\n');
}

static bool starts_with(struct json_text text, struct json_text with)
{
	return text.len >= with.len && memcmp(text.at, with.at, with.len) == 0;
}

static struct kube_outcome failed(const char *why)
{
	struct kube_outcome outcome = {.verdict = KUBE_FAILED};
	snprintf(outcome.message, sizeof outcome.message, "%s", why);
	return outcome;
}

static struct kube_outcome done(const struct kube_dir *dir, enum kube_verdict verdict)
{
	struct kube_outcome outcome = {.verdict = verdict};
	bool changes = verdict == KUBE_APPLIED || verdict == KUBE_DELETED;
	snprintf(outcome.message, sizeof outcome.message, "%s",
	         changes && dir->options.dry_run ? "dry run" : "");
	return outcome;
}

static void put_without(struct json_text object, const char *left_out, struct json_buffer *out)
{
	json_putc(out, '{');
	for (struct json_member m = json_first(object); m.value.at; m = json_next(m)) {
		if (json_equals(m.key, left_out))
			continue;
		json_put_member(out, &m);
	}
	json_putc(out, '}');
}

/* A manifest names no owner: Argo CD does not prune what has one, and in another cluster, where no
 * AgentCard has this uid, the garbage collector deletes it. */
static void put_unowned(struct json_text object, struct json_buffer *out)
{
	json_putc(out, '{');
	for (struct json_member m = json_first(object); m.value.at; m = json_next(m)) {
		if (!json_equals(m.key, "metadata")) {
			json_put_member(out, &m);
			continue;
		}
		json_put_member_key(out, &m);
		put_without(m.value, "ownerReferences", out);
	}
	json_putc(out, '}');
}

static struct kube_outcome apply(struct kube_dir *dir, const char *name, struct json_text before,
                                 const struct kube_operation *operation)
{
	struct json_buffer after = {0}, object = {0};
	struct kube_outcome outcome;
	put_mark(&after, &operation->id);
	put_unowned(operation->object, &object);
	if (!kube_yaml_write(json_buffer_text(&object), &after))
		outcome = failed("cannot be written as YAML");
	else if (before.at != NULL && json_same(before, json_buffer_text(&after)))
		outcome = done(dir, KUBE_UNCHANGED);
	else {
		if (dir->options.diff)
			kube_diff_show(name, before, json_buffer_text(&after));
		if (!dir->options.dry_run)
			kube_batch_change(dir->batch, name, json_buffer_text(&after));
		outcome = done(dir, KUBE_APPLIED);
	}
	json_buffer_free(&object);
	json_buffer_free(&after);
	return outcome;
}

static struct kube_outcome delete (struct kube_dir *dir, const char *name, struct json_text before)
{
	if (before.at == NULL)
		return done(dir, KUBE_ABSENT);
	if (dir->options.diff)
		kube_diff_show(name, before, (struct json_text){0});
	if (!dir->options.dry_run)
		kube_batch_change(dir->batch, name, (struct json_text){0});
	return done(dir, KUBE_DELETED);
}

static struct kube_outcome carry_out(struct kube_dir *dir, const char *name,
                                     const struct kube_operation *operation)
{
	struct json_text before;
	if (!kube_batch_read(dir->batch, name, &before)) {
		struct kube_outcome outcome = {.verdict = KUBE_FAILED};
		snprintf(outcome.message, sizeof outcome.message, "cannot read %s/%s: %s",
		         dir->options.path, name, strerror(errno));
		return outcome;
	}
	if (before.at != NULL && !starts_with(before, json_of(MARK)))
		return failed("the file was not written by egress-apply: left alone");
	if (operation->type == KUBE_APPLY)
		return apply(dir, name, before, operation);
	return delete (dir, name, before);
}

/* Reads the identity back out of the first line that put_mark() wrote. */
static bool read_mark(struct json_text text, struct kube_identity *id)
{
	if (!starts_with(text, json_of(MARK)))
		return false;
	const char *at = text.at + strlen(MARK);
	const char *end = memchr(at, '\n', text.len - strlen(MARK));
	struct json_text *parts[] = {&id->api_version, &id->kind, &id->namespace};
	*id = (struct kube_identity){0};
	for (size_t i = 0; i < 3; i++) {
		const char *stop =
		        end == NULL ? NULL : memchr(at, i < 2 ? ' ' : '/', (size_t)(end - at));
		if (stop == NULL)
			return false;
		*parts[i] = (struct json_text){at, (size_t)(stop - at)};
		at = stop + 1;
	}
	if (id->namespace.len == 0)
		id->namespace = (struct json_text){0};
	id->name = (struct json_text){at, (size_t)(end - at)};
	return true;
}

static void result(struct kube_dir *dir, const char *name, const struct kube_identity *id,
                   const struct kube_outcome *outcome, struct stream *stream)
{
	kube_batch_result(dir->batch, name, id, outcome);
	if (kube_batch_is_full(dir->batch))
		kube_batch_commit(dir->batch, stream);
}

struct pruning {
	struct kube_dir *dir;
	struct stream *stream;
};

/* Its workload may be unknown for a while: only a DELETE takes it away. */
static bool keeps_quarantine(struct json_text file)
{
	static const char label[] = POLICY_QUARANTINE_LABEL;
	return memmem(file.at, file.len, label, sizeof label - 1) != NULL;
}

static void prune_file(const char *name, void *context)
{
	struct pruning *pruning = context;
	struct kube_dir *dir = pruning->dir;
	struct json_text before;
	struct kube_identity id;
	if (kube_wanted_has(&dir->wanted, name) || !kube_batch_read(dir->batch, name, &before) ||
	    !read_mark(before, &id) || kube_wanted_has_namespace(&dir->unread, &id) ||
	    keeps_quarantine(before))
		return;
	struct kube_outcome outcome = delete (dir, name, before);
	if (outcome.verdict == KUBE_DELETED)
		snprintf(outcome.message, sizeof outcome.message, "nothing wants it%s",
		         dir->options.dry_run ? " (dry run)" : "");
	result(dir, name, &id, &outcome, pruning->stream);
}

static void bookmark(struct kube_dir *dir, const struct kube_operation *operation,
                     struct stream *stream)
{
	struct pruning pruning = {dir, stream};
	if (operation->begins) {
		dir->keeps = operation->keeps;
		kube_wanted_free(&dir->unread);
	}
	if (!operation->complete || !dir->options.prune)
		return;
	const char *unknown = kube_wanted_unknown(dir->incomplete || stream_rejected(stream) > 0,
	                                          dir->keeps);
	if (unknown != NULL) {
		log_error("nothing is pruned: %s", unknown);
		stream_count_failure(stream);
	} else if (!kube_files_each(dir->files, prune_file, &pruning)) {
		log_error("cannot list %s: %s; nothing was pruned", dir->options.path,
		          strerror(errno));
		stream_count_failure(stream);
	}
}

void kube_dir_operate(struct kube_dir *dir, const struct record *record,
                      const struct kube_operation *operation, struct stream *stream)
{
	if (operation->type == KUBE_BOOKMARK) {
		bookmark(dir, operation, stream);
		kube_batch_commit(dir->batch, stream);
		stream_write(stream, record->line);
		return;
	}
	if (operation->type == KUBE_UNREAD)
		kube_wanted_set_namespace(&dir->unread, &operation->id);
	if (operation->type != KUBE_APPLY && operation->type != KUBE_DELETE) {
		kube_batch_line(dir->batch, record->line);
		return;
	}
	struct kube_outcome outcome;
	char name[KUBE_FILE_NAME_SIZE];
	const char *refusal = kube_operation_refusal(operation);
	bool named = refusal == NULL && !operation->status && kube_dir_name(&operation->id, name);
	if (refusal != NULL) {
		outcome = failed(refusal);
		dir->incomplete = true;
	} else if (operation->status) {
		outcome = done(dir, KUBE_UNCHANGED);
		snprintf(outcome.message, sizeof outcome.message, "a directory keeps no status");
	} else if (!named) {
		outcome = failed("its kind and namespace are too long for a file name");
	} else {
		if (dir->options.prune)
			kube_wanted_set(&dir->wanted, name, operation->type == KUBE_APPLY);
		outcome = carry_out(dir, name, operation);
	}
	result(dir, named ? name : NULL, &operation->id, &outcome, stream);
}

struct kube_dir *kube_dir_open(const struct kube_dir_options *options)
{
	struct kube_files *files = kube_files_open(options->path, options->dry_run);
	if (files == NULL)
		return NULL;
	struct kube_batch *batch = kube_batch_new(files, options->path);
	if (batch == NULL) {
		kube_files_close(files);
		return NULL;
	}
	struct kube_dir *dir = kube_alloc(1, sizeof *dir);
	*dir = (struct kube_dir){.options = *options, .files = files, .batch = batch};
	return dir;
}

int kube_dir_wake(const struct kube_dir *dir)
{
	return kube_batch_wake(dir->batch);
}

void kube_dir_commit(struct kube_dir *dir, struct stream *stream)
{
	kube_batch_commit(dir->batch, stream);
}

void kube_dir_close(struct kube_dir *dir)
{
	kube_batch_free(dir->batch);
	kube_files_close(dir->files);
	kube_wanted_free(&dir->wanted);
	kube_wanted_free(&dir->unread);
	free(dir);
}
