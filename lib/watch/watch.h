/*
 * The cluster as a stream of events: list, then watch, of everything that the later stages
 * need (egress-records(5), "Events"). Semantics are a reflector's (client-go
 * tools/cache; KEP-956 bookmarks, KEP-3157 streaming lists).
 *
 * Held of each object: its key and a hash of its resourceVersion, no body.
 */
#ifndef WATCH_WATCH_H
#define WATCH_WATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "client/client.h"

struct kube_lease;

struct kube_watch_options {
	const char *agentcard_group;     /* agent.kagenti.dev */
	const char *type_label;          /* of agent workloads, with the value "agent" */
	const char *manager;             /* app.kubernetes.io/managed-by of our policies */
	const char *namespace_label;     /* of those that are cluster-scoped */
	const char *const *targets;      /* whose kinds must be known before anything is decided; */
	size_t target_count;             /* their APIs need not exist */
	const char *const *namespaces;   /* each is listed by itself */
	size_t namespace_count;          /* 0: all, in one list */
	const char *bundle_namespace, *bundle_name; /* NULL: no such trust bundle is watched */
	const char *const *clustertrustbundles; /* names of those that are, in the version that the */
	size_t clustertrustbundle_count;        /* server prefers; their API must exist then */
	bool bounds;    /* the admin's EgressBounds object is watched, and must be known before anything is
	                 * decided, as the labels of Namespaces, by which it may select */
	bool once;      /* end after the lists */
	bool timestamps; /* each event says when it was written, and every ten seconds one says no more */
	bool full;      /* leave nothing out of objects but managedFields */
	long page_size; /* objects a page of a list; 0: no pages */
	long watch_s;   /* a watch lasts this long to twice this long, then is resumed */
	int out;        /* descriptor */
	const char *rejects; /* file for objects that cannot be read, appended to; NULL: none */
	struct kube_lease *lease; /* NULL: no leader election */
};

/* Runs until a signal, until nobody reads, or, with `once`, until all is written. Returns an
 * exit status (os/exit.h): EXIT_SOME when an object could not be read. */
int kube_watch_run(struct kube_client *client, const struct kube_watch_options *options);

#endif
