/* The options of egress-resolve(1), checked. */
#ifndef EGRESS_RESOLVE_OPTIONS_H
#define EGRESS_RESOLVE_OPTIONS_H

#include "os/options.h"
#include "net/cidr.h"

struct resolve_options {
	struct option_list servers, allowed, cluster, dns;
	struct option_number min_ttl, max_ttl, grace, stale, first_wait;
	struct option_number max_addresses, max_names, concurrency;
	struct option_choice names;
	const char *answers, *at, *record, *rejects, *metrics;
	int64_t fixed_time; /* of --at; else DNS_NEVER */
	struct policy_cidr *allowed_ranges, *cluster_ranges; /* of `allowed` and `cluster` */
};

/* Sets the defaults and parses. With OPTIONS_GO, also resolve_options_check(). */
enum options_verdict resolve_options_parse(int argc, char **argv, struct resolve_options *o);

/* False, reported, when something is no address or time, or options contradict each other. */
bool resolve_options_check(struct resolve_options *o);

void resolve_options_free(struct resolve_options *o);

#endif
