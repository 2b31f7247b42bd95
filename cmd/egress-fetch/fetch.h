/* The stage at work: lines in and out, questions and answers. */
#ifndef EGRESS_FETCH_FETCH_H
#define EGRESS_FETCH_FETCH_H

#include "fetch/agents.h"
#include "fetch/direct.h"
#include "client/client.h"

struct fetch_options {
	struct kube_client *proxy;   /* ask through the API server; else: */
	struct agent_direct *direct;
	bool https;
	const char *port, *domain, *path_template; /* template NULL: the default */
	size_t max_bytes, concurrency;
	long timeout_ms;
	const char *rejects;
	struct agents_settings agents; /* without its callbacks */
};

/* Runs until the input ends, a signal comes or nobody reads. Returns an exit status. */
int fetch_run(const struct fetch_options *options);

#endif
