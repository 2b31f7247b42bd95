#include "options.h"

#include <stdlib.h>

#include "resolve/names.h"
#include "resolve/resolver.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/metrics.h"
#include "rules/dns.h"
#include "k8s/operator.h"

enum { DAY = 24 * 3600 };

enum options_verdict resolve_options_parse(int argc, char **argv, struct resolve_options *o)
{
	*o = (struct resolve_options){
		.min_ttl = {30, 0, DAY},
		.max_ttl = {3600, 1, 7 * DAY},
		.grace = {600, 0, 7 * DAY},
		.stale = {3600, 0, 7 * DAY},
		.first_wait = {10, 0, 600},
		.max_addresses = {64, 1, DNS_ADDRESSES_MAX},
		.max_names = {10000, 1, 1000000},
		.concurrency = {64, 1, 1000},
		.names = {policy_names_words, POLICY_NAMES_KAGENTI},
	};
	const struct option_spec table[] = {
		{OPTION_LIST, "server", 0, "ADDRESS[:PORT]",
		 "ask this name server (repeat; default: as resolv.conf says)", &o->servers},
		{OPTION_NUMBER, "min-ttl", 0, "SECONDS",
		 "ask for a name no sooner again than after this (default 30)", &o->min_ttl},
		{OPTION_NUMBER, "max-ttl", 0, "SECONDS", "nor later (default 3600)", &o->max_ttl},
		{OPTION_NUMBER, "grace", 0, "SECONDS",
		 "keep an address for this long after it left an answer (default 600)", &o->grace},
		{OPTION_NUMBER, "stale", 0, "SECONDS",
		 "keep the last addresses for this long beyond their TTL while name\n"
		 "servers fail (default 3600)", &o->stale},
		{OPTION_NUMBER, "first-wait", 0, "SECONDS",
		 "wait at most this long for a new card's first answers (default 10)",
		 &o->first_wait},
		{OPTION_NUMBER, "max-addresses", 0, "N",
		 "of a name: IPv4 addresses, and IPv6 ones (default 64)", &o->max_addresses},
		{OPTION_NUMBER, "max-names", 0, "N", "of all cards together (default 10000)",
		 &o->max_names},
		{OPTION_NUMBER, "concurrency", 0, "N", "questions in flight (default 64)",
		 &o->concurrency},
		{OPTION_LIST, "allow-range", 0, "CIDR",
		 "accept addresses in this range, although it is not public (repeat)",
		 &o->allowed},
		{OPTION_LIST, "cluster-cidr", 0, "CIDR",
		 "refuse addresses in this range: the pods', the services' (repeat)", &o->cluster},
		{OPTION_LIST, "dns", 0, "NAMESPACE/LABEL|CIDR",
		 "the pods or addresses that agents ask for names, :PORT behind it (repeat;\n"
		 "default kube-system/k8s-app=kube-dns:53)", &o->dns},
		{OPTION_STRING, "answers", 0, "FILE",
		 "take answers from FILE, and ask nobody", &o->answers},
		{OPTION_STRING, "at", 0, "TIME",
		 "with --answers: as of this time (RFC 3339), not as of the last one", &o->at},
		{OPTION_STRING, "record-answers", 0, "FILE", "append each answer to FILE",
		 &o->record},
		{OPTION_CHOICE, "names", 0, "kagenti|rossoctl",
		 "the API group in use (default kagenti)", &o->names},
		OPTION_METRICS(&o->metrics),
		OPTIONS_COMMON(&o->rejects),
		{.kind = OPTION_END},
	};
	return options_parse(argc, argv, "[OPTION]... <VERIFIED",
	                     "Replaces DNS names in the rules of AgentCards by addresses.",
	                     table, NULL);
}

static bool check_servers(const struct option_list *servers)
{
	struct json_buffer ignored = {0};
	bool good = true;
	for (size_t i = 0; i < servers->count && good; i++) {
		good = dns_resolver_server(servers->values[i], &ignored);
		if (!good)
			log_error("--server %s: must be an address, as 192.0.2.1, 192.0.2.1:53, "
			          "2001:db8::1 or [2001:db8::1]:53", servers->values[i]);
	}
	json_buffer_free(&ignored);
	return good;
}

static bool check_dns(const struct option_list *words)
{
	struct policy_dns dns;
	for (size_t i = 0; i < words->count; i++) {
		const char *wrong = policy_dns_parse(words->values[i], &dns);
		if (wrong == NULL)
			continue;
		log_error("--dns %s: %s", words->values[i], wrong);
		return false;
	}
	return true;
}

/* NULL, reported, when one is no CIDR. */
static struct policy_cidr *read_ranges(const char *flag, const struct option_list *words)
{
	struct policy_cidr *ranges = calloc(words->count + 1, sizeof *ranges);
	if (ranges == NULL)
		abort();
	for (size_t i = 0; i < words->count; i++) {
		const char *wrong = policy_cidr_parse(json_of(words->values[i]), &ranges[i]);
		if (wrong == NULL)
			continue;
		log_error("--%s %s: %s", flag, words->values[i], wrong);
		free(ranges);
		return NULL;
	}
	return ranges;
}

static bool check_times(struct resolve_options *o)
{
	o->fixed_time = DNS_NEVER;
	if (o->min_ttl.value > o->max_ttl.value) {
		log_error("--min-ttl %ld is more than --max-ttl %ld", o->min_ttl.value,
		          o->max_ttl.value);
		return false;
	}
	if (o->at != NULL && o->answers == NULL) {
		log_error("--at is for --answers: without recorded answers, now is the time");
		return false;
	}
	if (o->at != NULL && !clock_parse(o->at, &o->fixed_time)) {
		log_error("--at %s: not a time such as 2026-01-02T03:04:05Z", o->at);
		return false;
	}
	return true;
}

bool resolve_options_check(struct resolve_options *o)
{
	if (o->answers != NULL && (o->servers.count > 0 || o->record != NULL)) {
		log_error("--answers asks nobody: leave out --server and --record-answers, "
		          "or leave out --answers");
		return false;
	}
	if (!check_times(o) || !check_servers(&o->servers) || !check_dns(&o->dns))
		return false;
	o->allowed_ranges = read_ranges("allow-range", &o->allowed);
	if (o->allowed_ranges != NULL)
		o->cluster_ranges = read_ranges("cluster-cidr", &o->cluster);
	return o->cluster_ranges != NULL;
}

void resolve_options_free(struct resolve_options *o)
{
	free(o->allowed_ranges);
	free(o->cluster_ranges);
	options_free_list(&o->servers);
	options_free_list(&o->allowed);
	options_free_list(&o->cluster);
	options_free_list(&o->dns);
}
