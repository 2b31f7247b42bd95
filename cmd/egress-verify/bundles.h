/*
 * The trust bundle files of --trust-bundle, followed while the stage runs.
 *
 * A file is looked at again when the kernel tells of a change in its directory (which covers
 * an atomic rename, and the `..data` link that Kubernetes swaps), and every BUNDLES_SECONDS
 * in case it could not tell. All descriptors are opened before the sandbox closes.
 *
 * Ownership: sources are borrowed; bundles_close() releases everything.
 */
#ifndef EGRESS_VERIFY_BUNDLES_H
#define EGRESS_VERIFY_BUNDLES_H

#include <stdint.h>

#include "sources.h"
#include "verify/cards.h"

enum { BUNDLES_SECONDS = 10 };

struct bundle_file {
	struct bundle_source from;
	char *text;     /* as last read; NULL: there is no file */
	size_t len;
	bool unreadable; /* when it was looked at last */
};

struct bundles {
	struct bundle_file *files;
	size_t count;
	const char **paths; /* for the sandbox */
	int notify, timer;  /* inotify(7), timerfd_create(2) */
	int wake;           /* an epoll(7) of both: readable when one of them is */
};

/* Reads every file for the first time. False, reported, when one is missing or unusable. */
bool bundles_open(struct bundles *bundles, const struct bundle_source *sources, size_t count,
                  struct trust_cards *cards, int64_t at);

/* True when `wake` was readable, whose news is taken, or SIGHUP came. */
bool bundles_woken(struct bundles *bundles);

/* Reads every file again, and hands over what changed. */
void bundles_refresh(struct bundles *bundles, struct trust_cards *cards, int64_t at);

void bundles_close(struct bundles *bundles);

#endif
