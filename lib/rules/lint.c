#include <stdio.h>
#include <string.h>

#include "net/cidr.h"
#include "rules/rules.h"
#include "json/json.h"

/* Where clouds serve an instance its credentials, to whoever asks from inside. */
static const char *const metadata[] = {
        "169.254.169.254/32", /* AWS, Google, Azure, and most others */
        "169.254.170.2/32",   /* AWS, of containers */
        "169.254.170.23/32",  /* AWS, of EKS pods */
        "100.100.100.200/32", /* Alibaba */
        "fd00:ec2::254/128",  /* AWS */
        "fd00:ec2::23/128",   /* AWS, of EKS pods */
        "fd20:ce::254/128",   /* Google */
};

enum { PATH_SIZE = 128, DNS = 53, OPENSHIFT_DNS = 5353 };

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

/* The first metadata address that the block lets through; NULL: none. */
static const char *metadata_in(struct json_text block)
{
	struct policy_cidr outer, address;
	if (!read_cidr(json_get(block, "cidr"), &outer))
		return NULL;
	for (size_t i = 0; i < sizeof metadata / sizeof metadata[0]; i++)
		if (policy_cidr_parse(json_of(metadata[i]), &address) == NULL &&
		    policy_cidr_holds(&outer, &address) &&
		    !is_excepted(json_get(block, "except"), &address))
			return metadata[i];
	return NULL;
}

static void warn(struct policy_problems *problems, const char *path, const char *message)
{
	policy_problem(problems, POLICY_WARNING, path, (struct json_text){0}, "%s", message);
}

static void warn_of_metadata(struct policy_problems *problems, const char *path, const char *found)
{
	policy_problem(problems, POLICY_WARNING, path, (struct json_text){0},
	               "includes %.*s, where clouds serve instance credentials: add it to except",
	               (int)strcspn(found, "/"), found);
}

static void lint_peers(struct policy_problems *problems, const char *rule, struct json_text to)
{
	size_t index = 0;
	for (struct json_member m = json_first(to); m.value.at; m = json_next(m), index++) {
		char path[2 * PATH_SIZE];
		const char *found = metadata_in(json_get(m.value, "ipBlock"));
		snprintf(path, sizeof path, "%s.to[%zu].ipBlock.cidr", rule, index);
		if (found != NULL)
			warn_of_metadata(problems, path, found);
	}
}

/* A named port may be any number. */
static bool port_allows(struct json_text port, int64_t wanted)
{
	int64_t first, last;
	struct json_text number = json_get(port, "port");
	if (json_type(number) != JSON_NUMBER)
		return true;
	if (!json_integer(number, &first))
		return false;
	if (!json_integer(json_get(port, "endPort"), &last))
		last = first;
	return first <= wanted && wanted <= last;
}

static bool rule_allows(struct json_text rule, int64_t wanted)
{
	struct json_text ports = json_get(rule, "ports");
	if (json_is_empty(ports))
		return true;
	for (struct json_member m = json_first(ports); m.value.at; m = json_next(m))
		if (port_allows(m.value, wanted))
			return true;
	return false;
}

static bool is_openshift_dns(struct json_text to)
{
	for (struct json_member m = json_first(to); m.value.at; m = json_next(m))
		if (json_equals(json_get(m.value, "namespaceSelector", "matchLabels",
		                         "kubernetes.io/metadata.name"),
		                "openshift-dns"))
			return true;
	return false;
}

static void lint_rule(struct policy_problems *problems, size_t index, struct json_text rule)
{
	char path[PATH_SIZE];
	struct json_text to = json_get(rule, "to");
	snprintf(path, sizeof path, POLICY_RULES_PATH ".egress[%zu]", index);
	if (json_is_empty(to)) {
		if (!json_is_empty(json_get(rule, "ports")))
			warn(problems, path,
			     "has ports but no destinations: OVN-Kubernetes drops such a rule; "
			     "name the destinations, or use --explicit-peers");
		warn_of_metadata(problems, path, metadata[0]);
		return;
	}
	lint_peers(problems, path, to);
	if (is_openshift_dns(to) && rule_allows(rule, DNS) && !rule_allows(rule, OPENSHIFT_DNS))
		warn(problems, path,
		     "allows port 53 of openshift-dns, whose pods listen on 5353: DNS will not "
		     "work");
}

/* Pods name their ports; what a DNS name stands for does not. */
static void lint_domain(struct policy_problems *problems, size_t index, struct json_text domain)
{
	struct json_text ports = json_get(domain, "ports");
	size_t at = 0;
	for (struct json_member m = json_first(ports); m.value.at; m = json_next(m), at++) {
		char path[PATH_SIZE];
		snprintf(path, sizeof path, POLICY_RULES_PATH ".domains[%zu].ports[%zu].port",
		         index, at);
		if (json_type(json_get(m.value, "port")) == JSON_STRING)
			warn(problems, path, "only pods have named ports: it matches nothing");
	}
}

void policy_rules_lint(const struct policy_rules *rules, bool resolves,
                       struct policy_problems *problems)
{
	size_t index = 0;
	bool dns = false;
	for (struct json_member m = json_first(rules->egress); m.value.at; m = json_next(m)) {
		lint_rule(problems, index++, m.value);
		dns = dns || rule_allows(m.value, DNS) || rule_allows(m.value, OPENSHIFT_DNS);
	}
	bool named = !json_is_empty(rules->domains);
	if (index > 0 && !dns && !(named && resolves))
		warn(problems, POLICY_RULES_PATH ".egress",
		     "no rule allows DNS (UDP and TCP port 53): names will not resolve");
	index = 0;
	for (struct json_member m = json_first(rules->domains); m.value.at; m = json_next(m))
		lint_domain(problems, index++, m.value);
}
