/* Checks of values, in the words of k8s.io/apimachinery's validation and of the API server's
 * pkg/apis/networking/validation. */
#include <stdlib.h>
#include <string.h>

#include "net/cidr.h"
#include "k8s/name.h"
#include "rules/rules.h"
#include "rules/schema_private.h"
#include "json/json.h"

enum { LABEL_MAX = 63, SUBDOMAIN_MAX = 253, PORT_NAME_MAX = 15 };

/* A string decoded for the check; escapes are rare, and each is valid JSON. */
struct decoded {
	struct json_text text;
	char *owned;
};

static struct decoded decode(struct json_text string)
{
	struct decoded decoded = {.text = json_plain(string)};
	if (decoded.text.at != NULL)
		return decoded;
	size_t len = 0;
	decoded.owned = json_string(string, &len);
	if (decoded.owned == NULL)
		abort();
	decoded.text = (struct json_text){decoded.owned, len};
	return decoded;
}

static void check_string(struct policy_walk *walk, struct json_text string,
                         const char *(*fault)(struct json_text text))
{
	struct decoded decoded = decode(string);
	const char *why = fault(decoded.text);
	if (why != NULL)
		policy_walk_invalid(walk, string, why);
	free(decoded.owned);
}

void policy_check_labels(struct policy_walk *walk, struct json_text labels)
{
	for (struct json_member m = json_first(labels); m.value.at; m = json_next(m)) {
		check_string(walk, m.key, k8s_label_key_fault);
		if (json_type(m.value) == JSON_STRING)
			check_string(walk, m.value, k8s_label_value_fault);
		else
			policy_walk_invalid(walk, m.value, "must be of type string");
	}
}

static void check_values(struct policy_walk *walk, struct json_text values)
{
	size_t index = 0;
	for (struct json_member m = json_first(values); m.value.at; m = json_next(m)) {
		size_t before = policy_walk_index(walk, index++);
		if (json_type(m.value) == JSON_STRING)
			check_string(walk, m.value, k8s_label_value_fault);
		policy_walk_back(walk, before);
	}
}

void policy_check_requirement(struct policy_walk *walk, struct json_text requirement)
{
	struct json_text key = json_get(requirement, "key");
	struct json_text word = json_get(requirement, "operator");
	struct json_text values = json_get(requirement, "values");
	bool any = !json_is_empty(values);
	size_t before = policy_walk_into(walk, "values");
	if (!any && (json_equals(word, "In") || json_equals(word, "NotIn")))
		policy_walk_problem(
		        walk, values,
		        "Required value: must be specified when `operator` is 'In' or 'NotIn'");
	if (any && (json_equals(word, "Exists") || json_equals(word, "DoesNotExist")))
		policy_walk_problem(walk, values,
		                    "Forbidden: may not be specified when `operator` is 'Exists' "
		                    "or 'DoesNotExist'");
	check_values(walk, values);
	policy_walk_back(walk, before);
	policy_walk_into(walk, "key");
	if (json_type(key) == JSON_STRING)
		check_string(walk, key, k8s_label_key_fault);
	policy_walk_back(walk, before);
}

static const char *port_name_fault(struct json_text name)
{
	bool letter = false;
	if (name.len > PORT_NAME_MAX)
		return "must be no more than 15 characters";
	for (size_t i = 0; i < name.len; i++) {
		char c = name.at[i];
		bool small = c >= 'a' && c <= 'z';
		letter = letter || small;
		if (!small && !(c >= '0' && c <= '9') && c != '-')
			return "must contain only alpha-numeric characters (a-z, 0-9), and hyphens "
			       "(-)";
		if (c == '-' && i > 0 && name.at[i - 1] == '-')
			return "must not contain consecutive hyphens";
	}
	if (!letter)
		return "must contain at least one letter (a-z)";
	if (name.at[0] == '-' || name.at[name.len - 1] == '-')
		return "must not begin or end with a hyphen";
	return NULL;
}

static void check_number(struct policy_walk *walk, struct json_text port)
{
	int64_t number;
	if (json_integer(port, &number) && (number < 1 || number > 65535))
		policy_walk_invalid(walk, port, "must be between 1 and 65535, inclusive");
}

static void check_end_port(struct policy_walk *walk, struct json_text port, struct json_text end)
{
	int64_t first, last;
	size_t before = policy_walk_into(walk, "endPort");
	if (json_type(port) <= JSON_NULL)
		policy_walk_invalid(walk, end, "may not be specified when `port` is not specified");
	else if (json_type(port) == JSON_STRING)
		policy_walk_invalid(walk, end, "may not be specified when `port` is non-numeric");
	else if (json_integer(port, &first) && json_integer(end, &last) && last < first)
		policy_walk_invalid(walk, end, "must be greater than or equal to `port`");
	check_number(walk, end);
	policy_walk_back(walk, before);
}

void policy_check_port(struct policy_walk *walk, struct json_text port)
{
	struct json_text number = json_get(port, "port");
	struct json_text end = json_get(port, "endPort");
	size_t before = policy_walk_into(walk, "port");
	if (json_type(number) == JSON_STRING)
		check_string(walk, number, port_name_fault);
	else
		check_number(walk, number);
	policy_walk_back(walk, before);
	if (json_type(end) > JSON_NULL)
		check_end_port(walk, number, end);
}

/* One that is null is said to be wrong already. */
static bool has(struct json_text peer, const char *name)
{
	return json_get(peer, name).at != NULL;
}

void policy_check_peer(struct policy_walk *walk, struct json_text peer)
{
	bool block = has(peer, "ipBlock");
	bool selector = has(peer, "podSelector") || has(peer, "namespaceSelector");
	if (!block && !selector)
		policy_walk_problem(walk, (struct json_text){0},
		                    "Required value: must specify a peer");
	if (block && selector)
		policy_walk_problem(walk, (struct json_text){0},
		                    "Forbidden: may not specify both ipBlock and another peer");
}

/* True when it is one; says so when it is not. An empty one is known to be missing. */
static bool check_cidr(struct policy_walk *walk, struct json_text string, struct policy_cidr *cidr)
{
	if (json_equals(string, ""))
		return false;
	struct decoded decoded = decode(string);
	const char *why = policy_cidr_parse(decoded.text, cidr);
	if (why != NULL)
		policy_walk_invalid(walk, string, why);
	free(decoded.owned);
	return why == NULL;
}

static void check_except(struct policy_walk *walk, struct json_text except,
                         const struct policy_cidr *cidr)
{
	struct policy_cidr inner;
	size_t index = 0;
	for (struct json_member m = json_first(except); m.value.at; m = json_next(m)) {
		size_t before = policy_walk_index(walk, index++);
		if (json_type(m.value) == JSON_STRING && check_cidr(walk, m.value, &inner) &&
		    cidr != NULL &&
		    (!policy_cidr_holds(cidr, &inner) || cidr->prefix == inner.prefix))
			policy_walk_invalid(walk, m.value, "must be a strict subset of `cidr`");
		policy_walk_back(walk, before);
	}
}

void policy_check_ip_block(struct policy_walk *walk, struct json_text block)
{
	struct policy_cidr cidr;
	struct json_text string = json_get(block, "cidr");
	struct json_text except = json_get(block, "except");
	size_t before = policy_walk_into(walk, "cidr");
	bool usable = json_type(string) == JSON_STRING && check_cidr(walk, string, &cidr);
	policy_walk_back(walk, before);
	if (json_type(except) != JSON_ARRAY)
		return;
	policy_walk_into(walk, "except");
	check_except(walk, except, usable ? &cidr : NULL);
	policy_walk_back(walk, before);
}

/* Two dashes there announce an encoding, of which IDNA's A-labels are the one in use: RFC 5891,
 * section 4.2.3.1, and RFC 5890, section 2.3.2.1. */
static const char *domain_label_fault(struct json_text label)
{
	if (label.len > LABEL_MAX)
		return "each label must be no more than 63 characters";
	if (label.len < 4 || label.at[2] != '-' || label.at[3] != '-')
		return NULL;
	if (strncmp(label.at, "xn--", 4) != 0)
		return "only an A-label (xn--...) may have dashes in third and fourth place";
	return label.len > 4 && label.at[4] != '-' ? NULL : "an A-label must say what it encodes";
}

static const char *domain_spelling_fault(struct json_text name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (name.at[i] >= 'A' && name.at[i] <= 'Z')
			return "must be in lower case";
		if ((unsigned char)name.at[i] >= 0x80)
			return "must be written in A-labels (xn--...), not in Unicode";
	}
	return policy_is_subdomain(name) ? NULL : K8S_SUBDOMAIN_RULE ", behind one leading '*.' at most";
}

static const char *domain_fault(struct json_text name)
{
	struct json_text label = name;
	size_t labels = 0;
	if (name.len > SUBDOMAIN_MAX)
		return "must be no more than 253 characters";
	if (name.len > 2 && name.at[0] == '*' && name.at[1] == '.')
		name = (struct json_text){name.at + 2, name.len - 2};
	const char *fault = domain_spelling_fault(name), *end = name.at + name.len;
	for (const char *at = name.at; fault == NULL && at < end; at += label.len + 1) {
		const char *dot = memchr(at, '.', (size_t)(end - at));
		label = (struct json_text){at, (size_t)((dot == NULL ? end : dot) - at)};
		fault = domain_label_fault(label);
		labels++;
	}
	if (fault != NULL)
		return fault;
	if (label.at[0] >= '0' && label.at[0] <= '9')
		return "must be a DNS name, not an IP address";
	return labels >= 2 ? NULL : "must have at least two labels (e.g. 'example.com')";
}

void policy_check_domain(struct policy_walk *walk, struct json_text name)
{
	check_string(walk, name, domain_fault);
}

bool policy_group_name(struct json_text name)
{
	return name.len <= LABEL_MAX && policy_is_label(name);
}

static const char *group_fault(struct json_text name)
{
	return policy_group_name(name)
	               ? NULL
	               : "a group's name must consist of lower case alphanumeric characters or '-', "
	                 "start and end with an alphanumeric character, and be no more than 63 "
	                 "characters (e.g. 'llm-api')";
}

void policy_check_group(struct policy_walk *walk, struct json_text name)
{
	check_string(walk, name, group_fault);
}
