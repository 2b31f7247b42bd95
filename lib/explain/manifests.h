/*
 * A directory of manifests, as egress-apply --dir writes it, or as people keep it: the objects in
 * its files that end in .yaml, .yml or .json, each a stream of documents; a List is its items.
 * Folders in it are not entered.
 *
 * Ownership: initialise with {0}; kube_manifests_free() frees what is held.
 */
#ifndef EXPLAIN_MANIFESTS_H
#define EXPLAIN_MANIFESTS_H

#include "base/buffer.h"

struct kube_manifest {
	char *path;
	struct json_buffer text;
};

struct kube_manifests {
	struct kube_manifest *files; /* in the order of their names' bytes */
	size_t count;
};

/* Reads all files. False, reported, when the directory or one of them cannot be read. */
bool kube_manifests_open(struct kube_manifests *manifests, const char *dir);

/* The same of one file, whatever its name. */
bool kube_manifests_open_file(struct kube_manifests *manifests, const char *file);

/* Calls `take` with each object; false, reported, when a file holds something else, or when
 * `take` returned false, which reports for itself. */
bool kube_manifests_each(const struct kube_manifests *manifests,
                         bool (*take)(void *context, const char *path, struct json_text object),
                         void *context);

void kube_manifests_free(struct kube_manifests *manifests);

#endif
