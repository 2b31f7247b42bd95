/* The files of --flows: each a stream of its own, whose lines are counted from 1. */
#ifndef EGRESS_EXPLAIN_FLOWS_H
#define EGRESS_EXPLAIN_FLOWS_H

#include "explain/flows.h"
#include "os/options.h"

struct stream;

/* Initialise with {0}. */
struct flow_files {
	struct stream **streams;
	size_t count;
};

/* Before the sandbox is entered. False, reported, when one cannot be opened. */
bool flow_files_open(struct flow_files *files, const struct option_list *names, const char *rejects);

/* False when one did not come to its end. */
bool flow_files_read(const struct flow_files *files, struct explain_flows *flows);

/* The worst exit status of them. */
int flow_files_close(struct flow_files *files);

#endif
