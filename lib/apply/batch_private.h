/*
 * Changes of a directory's files that wait to be made together, the newest of each file, and
 * the results that are true once they are made.
 *
 * A file is read once a batch, and written when its newest text is not what was read. So a file
 * that changes many times in a replay is written once, and all of a batch share the wait for the
 * disk.
 *
 * Ownership: a batch copies what it is given. Texts that it gives are valid until the file's
 * next change or the next commit. Running out of memory ends the program.
 */
#ifndef APPLY_BATCH_PRIVATE_H
#define APPLY_BATCH_PRIVATE_H

#include "apply/files_private.h"
#include "apply/outcome.h"

struct kube_batch;

/* `path` is what messages call the directory, and is borrowed as `files` is. NULL when there is
 * no timer; reported. */
struct kube_batch *kube_batch_new(struct kube_files *files, const char *path);
void kube_batch_free(struct kube_batch *batch); /* what was not committed is forgotten */

/* The file as it will be: absent when there is none. False leaves the reason in errno. */
bool kube_batch_read(struct kube_batch *batch, const char *name, struct json_text *text);

/* After kube_batch_read() only. An absent text removes the file. */
void kube_batch_change(struct kube_batch *batch, const char *name, struct json_text text);

/* Queues a result. `name` is the file that it is about, NULL for none: when that cannot be
 * changed the result becomes FAILED. */
void kube_batch_result(struct kube_batch *batch, const char *name, const struct kube_identity *id,
                       const struct kube_outcome *outcome);

/* Queues a line, to be written as it stands. */
void kube_batch_line(struct kube_batch *batch, struct json_text line);

/* Too much is held to wait for more. */
bool kube_batch_is_full(const struct kube_batch *batch);

/* Readable when the first result has waited for long enough that the batch should be committed
 * unless there is more to read. */
int kube_batch_wake(const struct kube_batch *batch);

/* Makes the changes and writes the results, in their order. */
void kube_batch_commit(struct kube_batch *batch, struct stream *stream);

#endif
