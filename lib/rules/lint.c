#include <stdio.h>
#include <string.h>

#include "json/json.h"
#include "json/write.h"
#include "net/cidr.h"
#include "rules/dns.h"
#include "rules/evaluate.h"
#include "rules/rules.h"

/* Where clouds serve an instance its credentials, to whoever asks from inside, on these ports. */
static const char *const metadata[] = {
        "169.254.169.254/32", /* AWS, Google, Azure, and most others */
        "169.254.170.2/32",   /* AWS, of containers */
        "169.254.170.23/32",  /* AWS, of EKS pods */
        "100.100.100.200/32", /* Alibaba */
        "fd00:ec2::254/128",  /* AWS */
        "fd00:ec2::23/128",   /* AWS, of EKS pods */
        "fd20:ce::254/128",   /* Google */
        "169.254.169.252/32", /* Google, what nodes translate the first to */
};
enum { TRANSLATED = 7 }; /* the last of them */
static const int64_t metadata_ports[] = {80, 443, 988};

static const char openshift_dns[] =
        "openshift-dns/dns.operator.openshift.io/daemonset-dns=default:5353";

enum { PATH_SIZE = 256, EXCEPT_MAX = 256 };

struct linting {
	const struct policy_rules *rules;
	const struct policy_lint *lint;
	struct policy_problems *problems;
	struct json_buffer addresses; /* of metadata, in words */
};

static bool read_cidr(struct json_text string, struct policy_cidr *cidr)
{
	return policy_cidr_parse(json_plain(string), cidr) == NULL;
}

static bool is_excepted(struct json_text except, const struct policy_cidr *address)
{
	struct policy_cidr hole;
	for (struct json_member m = json_first(except); m.value.at; m = json_next(m))
		if (read_cidr(m.value, &hole) && policy_cidr_holds(&hole, address))
			return true;
	return false;
}

/* Fills in the metadata addresses that a block lets through, or all of them; how many. */
static size_t find_metadata(struct linting *l, struct json_text block)
{
	size_t count = sizeof metadata / sizeof metadata[0], found = 0;
	struct policy_cidr outer, address;
	bool any = block.at == NULL;
	l->addresses.len = 0;
	if (!any && !read_cidr(json_get(block, "cidr"), &outer))
		return 0;
	if (policy_cni_reads(l->lint->cnis, POLICY_READS_METADATA_ITSELF))
		count = TRANSLATED;
	for (size_t i = 0; i < count; i++) {
		if (policy_cidr_parse(json_of(metadata[i]), &address) != NULL)
			continue;
		if (!any && (!policy_cidr_holds(&outer, &address) ||
		             is_excepted(json_get(block, "except"), &address)))
			continue;
		json_putf(&l->addresses, "%s%.*s", found++ == 0 ? "" : ", ",
		          (int)strcspn(metadata[i], "/"), metadata[i]);
	}
	return found;
}

static void warn(struct linting *l, const char *path, const char *message)
{
	policy_problem(l->problems, POLICY_WARNING, path, (struct json_text){0}, "%s", message);
}

static bool is_of(struct json_text port, enum policy_protocol protocol)
{
	struct json_text word = json_get(port, "protocol");
	return json_type(word) <= JSON_NULL ? protocol == POLICY_TCP
	                                    : json_equals(word, policy_protocol_words[protocol]);
}

/* Of pods a name may be any number, of addresses none. */
static bool port_allows(struct json_text port, enum policy_protocol protocol, int64_t wanted,
                        bool of_pods)
{
	int64_t first, last;
	struct json_text number = json_get(port, "port");
	if (!is_of(port, protocol))
		return false;
	if (json_type(number) == JSON_STRING)
		return of_pods;
	if (json_type(number) != JSON_NUMBER)
		return true;
	if (!json_integer(number, &first))
		return false;
	if (!json_integer(json_get(port, "endPort"), &last))
		last = first;
	return first <= wanted && wanted <= last;
}

static bool ports_allow(struct json_text ports, enum policy_protocol protocol, int64_t wanted,
                        bool of_pods)
{
	if (json_is_empty(ports))
		return true;
	for (struct json_member m = json_first(ports); m.value.at; m = json_next(m))
		if (port_allows(m.value, protocol, wanted, of_pods))
			return true;
	return false;
}

static bool ports_allow_metadata(struct json_text ports)
{
	for (size_t i = 0; i < sizeof metadata_ports / sizeof metadata_ports[0]; i++)
		if (ports_allow(ports, POLICY_TCP, metadata_ports[i], false))
			return true;
	return false;
}

/* What is advised must be valid: an exception is smaller than its block, and there are not too
 * many. */
static void lint_block(struct linting *l, const char *path, struct json_text block)
{
	struct policy_cidr cidr;
	size_t found = find_metadata(l, block), excepted = json_count(json_get(block, "except"));
	if (found == 0 || !read_cidr(json_get(block, "cidr"), &cidr))
		return;
	bool whole = cidr.prefix == cidr.bits;
	bool fits = !whole && excepted + found <= EXCEPT_MAX;
	policy_problem(l->problems, POLICY_WARNING, path, json_get(block, "cidr"),
	               "%s %.*s, where clouds serve instance credentials: %s",
	               whole ? "is" : "includes", (int)l->addresses.len, l->addresses.at,
	               !fits       ? "leave it out"
	               : found > 1 ? "add them to except"
	                           : "add it to except");
}

static void lint_peers(struct linting *l, const char *rule, struct json_text to)
{
	size_t index = 0;
	for (struct json_member m = json_first(to); m.value.at; m = json_next(m), index++) {
		char path[2 * PATH_SIZE];
		snprintf(path, sizeof path, "%s.to[%zu].ipBlock.cidr", rule, index);
		if (json_get(m.value, "ipBlock").at != NULL)
			lint_block(l, path, json_get(m.value, "ipBlock"));
	}
}

static void lint_everywhere(struct linting *l, const char *rule, struct json_text ports)
{
	bool drops = l->lint->cnis == 0 ||
	             policy_cni_reads(l->lint->cnis, POLICY_READS_NO_PORTS_ALONE);
	if (!json_is_empty(ports) && drops && !l->lint->explicit_peers)
		warn(l, rule,
		     "has ports but no destinations: OVN-Kubernetes drops such a rule; name the "
		     "destinations, or use --explicit-peers");
	if (!ports_allow_metadata(ports) || find_metadata(l, (struct json_text){0}) == 0)
		return;
	policy_problem(l->problems, POLICY_WARNING, rule, (struct json_text){0},
	               "reaches %.*s, where clouds serve instance credentials: name blocks that "
	               "except them as its destinations",
	               (int)l->addresses.len, l->addresses.at);
}

static size_t count_blocks(struct json_text to)
{
	size_t count = 0;
	for (struct json_member m = json_first(to); m.value.at; m = json_next(m))
		count += json_get(m.value, "ipBlock").at != NULL;
	return count;
}

/* Names of ports: `beyond` are destinations that are no pods, `pods` some that may be. */
static void lint_name(struct linting *l, const char *path, bool beyond, bool pods)
{
	if (policy_cni_reads(l->lint->cnis, POLICY_READS_NAMES_AS_ALL))
		return; /* it is left out, which is said there */
	if (beyond)
		warn(l, path, pods ? "only pods have named ports: it matches nothing outside of pods"
		                   : "only pods have named ports: it matches nothing");
}

static void lint_proxy_port(struct linting *l, const char *path, struct json_text number)
{
	int64_t port;
	if (policy_cni_reads(l->lint->cnis, POLICY_READS_PROXY_PORTS) &&
	    json_integer(number, &port) && (port == 15001 || port == 15006))
		policy_problem(l->problems, POLICY_WARNING, path, number,
		               "Istio's proxies keep ports 15001 and 15006 for themselves: it does "
		               "not work");
}

static void lint_ports(struct linting *l, const char *rule, struct json_text ports,
                       struct json_text to)
{
	size_t index = 0, blocks = count_blocks(to), peers = json_count(to);
	for (struct json_member m = json_first(ports); m.value.at; m = json_next(m), index++) {
		char path[2 * PATH_SIZE];
		struct json_text number = json_get(m.value, "port");
		snprintf(path, sizeof path, "%s.ports[%zu].port", rule, index);
		if (json_type(number) == JSON_STRING)
			lint_name(l, path, peers == 0 || blocks > 0, peers == 0 || blocks < peers);
		else
			lint_proxy_port(l, path, number);
	}
	char path[2 * PATH_SIZE];
	snprintf(path, sizeof path, "%s.ports", rule);
	if (index > POLICY_EKS_PORTS && policy_cni_reads(l->lint->cnis, POLICY_READS_FEW_PORTS))
		policy_problem(l->problems, POLICY_WARNING, path, (struct json_text){0},
		               "the Amazon VPC CNI takes %d combinations of port and protocol for a "
		               "destination: what is beyond does not work",
		               POLICY_EKS_PORTS);
	if (index > 0 && blocks < peers &&
	    policy_cni_reads(l->lint->cnis, POLICY_READS_TUNNEL) &&
	    !ports_allow(ports, POLICY_TCP, POLICY_TUNNEL_PORT, false))
		policy_problem(l->problems, POLICY_WARNING, path, (struct json_text){0},
		               "pods of an ambient mesh are reached through port %d alone: without "
		               "it not at all, and with it on every port",
		               POLICY_TUNNEL_PORT);
}

static void lint_rule(struct linting *l, size_t index, struct json_text rule)
{
	char path[PATH_SIZE];
	struct json_text to = json_get(rule, "to"), ports = json_get(rule, "ports");
	snprintf(path, sizeof path, "%s.egress[%zu]", l->rules->path, index);
	lint_ports(l, path, ports, to);
	if (json_is_empty(to))
		lint_everywhere(l, path, ports);
	else if (ports_allow_metadata(ports))
		lint_peers(l, path, to);
}

/* Pods name their ports; what a DNS name stands for does not. */
static void lint_domain(struct linting *l, size_t index, struct json_text domain)
{
	struct json_text ports = json_get(domain, "ports");
	size_t at = 0;
	for (struct json_member m = json_first(ports); m.value.at; m = json_next(m), at++) {
		char path[PATH_SIZE];
		snprintf(path, sizeof path, "%s.domains[%zu].ports[%zu].port", l->rules->path,
		         index, at);
		if (json_type(json_get(m.value, "port")) == JSON_STRING)
			warn(l, path, "only pods have named ports: it matches nothing");
	}
}

/* Whether some rule allows this port, wherever to. */
static bool any_allows(const struct policy_rules *rules, enum policy_protocol protocol,
                       int64_t wanted)
{
	for (struct json_member m = json_first(rules->egress); m.value.at; m = json_next(m))
		if (ports_allow(json_get(m.value, "ports"), protocol, wanted, true))
			return true;
	return false;
}

static bool any_allows_dns(struct linting *l, enum policy_protocol protocol)
{
	struct policy_dns openshift, dns;
	if (any_allows(l->rules, protocol, POLICY_DNS_PORT) ||
	    (policy_dns_parse(openshift_dns, &openshift) == NULL &&
	     any_allows(l->rules, protocol, openshift.port)))
		return true;
	for (const char *const *word = policy_dns_words(l->lint->dns); *word != NULL; word++)
		if (policy_dns_parse(*word, &dns) == NULL &&
		    any_allows(l->rules, protocol, dns.port))
			return true;
	return false;
}

static struct policy_match reach(struct linting *l, const struct policy_dns *dns,
                                 struct json_text namespace, long port)
{
	struct policy_destination to = {.is_workload = !dns->is_block,
	                                .cidr = dns->cidr,
	                                .protocol = POLICY_UDP,
	                                .port = port,
	                                .labels = {.partial = true}};
	struct json_buffer labels = {0};
	snprintf(to.namespace, sizeof to.namespace, "%.*s", (int)namespace.len, namespace.at);
	json_putf(&labels, "{\"%.*s\":\"%.*s\"}", (int)dns->key.len, dns->key.at,
	          (int)dns->value.len, dns->value.at);
	to.labels.known = json_buffer_text(&labels);
	struct policy_match match = policy_evaluate(l->rules->egress, l->lint->namespace, &to);
	json_buffer_free(&labels);
	return match;
}

/* The DNS pods of `word` may be asked on port 53, and listen on another. `certain`: the cluster has
 * them; else a rule must be about them, and not about those of other clusters as well. */
static void lint_dns_port(struct linting *l, const char *word, bool certain)
{
	struct policy_dns dns;
	char path[PATH_SIZE];
	if (policy_dns_parse(word, &dns) != NULL || dns.port == POLICY_DNS_PORT)
		return;
	struct policy_match usual = reach(l, &dns, dns.namespace, POLICY_DNS_PORT);
	if (usual.answer != POLICY_ALLOWED ||
	    reach(l, &dns, dns.namespace, dns.port).answer != POLICY_DENIED)
		return;
	if (!certain &&
	    reach(l, &dns, json_of("kube-system"), POLICY_DNS_PORT).answer == POLICY_ALLOWED)
		return;
	snprintf(path, sizeof path, "%s.egress[%d]", l->rules->path, usual.rule);
	if (word == openshift_dns)
		policy_problem(l->problems, POLICY_WARNING, path, (struct json_text){0},
		               "allows port 53 and not %ld, on which OpenShift's DNS pods listen: DNS "
		               "will not work there",
		               dns.port);
	else
		policy_problem(l->problems, POLICY_WARNING, path, (struct json_text){0},
		               "allows port 53 of the DNS that listens on %ld (--dns %s): DNS will not "
		               "work",
		               dns.port, word);
}

static void lint_dns(struct linting *l)
{
	char path[PATH_SIZE];
	bool named = !json_is_empty(l->rules->domains);
	snprintf(path, sizeof path, "%s.egress", l->rules->path);
	if (json_is_empty(l->rules->egress))
		return;
	if (!any_allows_dns(l, POLICY_UDP) && !(named && l->lint->resolves))
		warn(l, path,
		     any_allows_dns(l, POLICY_TCP)
		             ? "allows DNS by TCP alone, and names are looked up by UDP: they will "
		               "not resolve"
		             : "no rule allows DNS (UDP and TCP port 53): names will not resolve");
	for (const char *const *word = policy_dns_words(l->lint->dns); *word != NULL; word++)
		lint_dns_port(l, *word, true);
	if (l->lint->dns == NULL)
		lint_dns_port(l, openshift_dns,
		              (l->lint->cnis & POLICY_CNI_SET(POLICY_CNI_OVN_KUBERNETES)) != 0);
}

void policy_rules_lint(const struct policy_rules *rules, const struct policy_lint *lint,
                       struct policy_problems *problems)
{
	struct linting l = {.rules = rules, .lint = lint, .problems = problems};
	size_t index = 0;
	for (struct json_member m = json_first(rules->egress); m.value.at; m = json_next(m))
		lint_rule(&l, index++, m.value);
	lint_dns(&l);
	index = 0;
	for (struct json_member m = json_first(rules->domains); m.value.at; m = json_next(m))
		lint_domain(&l, index++, m.value);
	json_buffer_free(&l.addresses);
}
