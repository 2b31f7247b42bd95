/*
 * Operations carried out on a directory: one YAML file an object.
 *
 * A file's name is NAMESPACE_KIND_NAME.yaml, the kind in lower case and, unless it is of the
 * group networking.k8s.io, followed by ".GROUP" as kubectl writes it. `_` is in none of the
 * parts, so two objects never share a file and no name leaves the directory. A name that is
 * too long for a file system is cut and ends in `~` and 32 hex digits of its SHA-256.
 *
 * The first line of each file is a comment that says whose it is. A file without that line is
 * somebody else's: it is never changed or removed.
 *
 * At any moment, also when the process is killed, each file is whole: it is written beside,
 * synced and renamed. One process uses a directory at a time (flock(2)).
 *
 * Operations wait a moment for more, of which only the newest of each file is written; a result
 * is written once its file is as the newest operation asks (apply/batch_private.h).
 */
#ifndef APPLY_DIR_H
#define APPLY_DIR_H

#include "apply/outcome.h"

struct kube_dir;

struct kube_dir_options {
	const char *path; /* created when missing; its parent must exist */
	bool dry_run;     /* say what would be done, write nothing */
	bool diff;
	bool prune; /* once complete, remove our files that no operation named */
};

/* NULL when the directory cannot be used; reported. */
struct kube_dir *kube_dir_open(const struct kube_dir_options *options);

/* Takes one operation. Its result is written when the files are: by a BOOKMARK, when much waits, or
 * by kube_dir_commit(). Other records pass in their place: a directory says nothing of agents. */
void kube_dir_operate(struct kube_dir *dir, const struct record *record,
                      const struct kube_operation *operation, struct stream *stream);

/* For stream_options.wake: kube_dir_commit() is due when it is readable and no input is ready. */
int kube_dir_wake(const struct kube_dir *dir);

/* Makes the files what was asked for, and writes the results. */
void kube_dir_commit(struct kube_dir *dir, struct stream *stream);

/* What was not committed is forgotten. */
void kube_dir_close(struct kube_dir *dir);

/* The name of the object's file; false when there can be none. */
bool kube_dir_name(const struct kube_identity *id, char name[256]);

#endif
