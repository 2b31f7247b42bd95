/*
 * The files of a directory that egress-apply keeps, each whole at any moment; and the set of
 * names that are wanted in it.
 *
 * Functions that return false leave the reason in errno.
 */
#ifndef APPLY_FILES_PRIVATE_H
#define APPLY_FILES_PRIVATE_H

#include "base/buffer.h"
#include "k8s/object.h"

enum { KUBE_FILE_NAME_SIZE = 256 };

struct kube_files;

/* Opens and locks a directory, made when missing; `readonly` (a dry run) makes nothing, takes
 * a missing one for empty. NULL when that fails; reported. */
struct kube_files *kube_files_open(const char *path, bool readonly);
void kube_files_close(struct kube_files *files);

/* Appends the file's bytes; `exists` says whether there is one. Only a regular file is read,
 * a symbolic link is not followed. */
bool kube_files_read(struct kube_files *files, const char *name, struct json_buffer *out,
                     bool *exists);

/* Writing is in steps, so that many files share the wait for the disk: stage each, by a number
 * from 0; sync what was staged, all at once, so that after a crash of the machine there is the old
 * file or the new one, never an empty one; put each in its place; sync the directory. A file that
 * could not be staged or placed leaves nothing behind. */
bool kube_files_stage(struct kube_files *files, unsigned number, struct json_text bytes);
bool kube_files_sync_staged(struct kube_files *files);
bool kube_files_place(struct kube_files *files, unsigned number, const char *name);
void kube_files_unstage(struct kube_files *files, unsigned number);
bool kube_files_remove(struct kube_files *files, const char *name);
bool kube_files_sync(struct kube_files *files);

/* Calls `visit` for each name that ends in .yaml; it may remove files. */
bool kube_files_each(struct kube_files *files, void (*visit)(const char *name, void *context),
                     void *context);

/* Starts as {0}. */
struct kube_wanted {
	void *names; /* a tree of tsearch(3) */
};

void kube_wanted_set(struct kube_wanted *wanted, const char *name, bool is_wanted);
bool kube_wanted_has(const struct kube_wanted *wanted, const char *name);
bool kube_wanted_any(const struct kube_wanted *wanted);
/* The same for names of namespaces. */
void kube_wanted_set_namespace(struct kube_wanted *wanted, const struct kube_identity *id);
/* Whether the object's namespace is among them. Of one that does not say its namespace: whether any
 * is. */
bool kube_wanted_has_namespace(const struct kube_wanted *wanted, const struct kube_identity *id);
void kube_wanted_free(struct kube_wanted *wanted);

#endif
