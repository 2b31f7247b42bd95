#include "rules/evaluate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "k8s/selector.h"

const char *const policy_answer_words[] = {"denied", "unknown", "allowed"};

const char *const policy_protocol_words[] = {"TCP", "UDP", "SCTP"};

#define SPACE_NAME "kubernetes.io/metadata.name"

static bool parse_port(const char *text, struct policy_destination *destination)
{
	char *end = NULL;
	if (strspn(text, "0123456789") == 0)
		return false;
	destination->port = strtol(text, &end, 10);
	destination->protocol = POLICY_TCP;
	if (destination->port < 1 || destination->port > 65535 || (*end != '\0' && *end != '/'))
		return false;
	for (int i = 0; *end == '/' && i < POLICY_PROTOCOLS; i++)
		if (strcasecmp(end + 1, policy_protocol_words[i]) == 0) {
			destination->protocol = (enum policy_protocol)i;
			return true;
		}
	return *end == '\0';
}

/* An address counts as the range that holds it alone. */
static const char *parse_cidr(const char *host, size_t len, struct policy_cidr *cidr)
{
	char word[POLICY_NAME_SIZE];
	bool whole = memchr(host, '/', len) != NULL;
	bool six = memchr(host, ':', len) != NULL;
	snprintf(word, sizeof word, "%.*s%s", (int)len, host, whole ? "" : six ? "/128" : "/32");
	return policy_cidr_parse(json_of(word), cidr);
}

static const char *parse_workload(const char *host, size_t len,
                                  struct policy_destination *destination)
{
	const char *slash = memchr(host, '/', len);
	if (slash == NULL)
		return "must be ADDRESS:PORT/PROTOCOL, CIDR:PORT/PROTOCOL or "
		       "NAMESPACE/WORKLOAD:PORT/PROTOCOL";
	struct json_text namespace = {host, (size_t)(slash - host)};
	struct json_text name = {slash + 1, len - namespace.len - 1};
	if (!policy_is_label(namespace) || !policy_is_subdomain(name))
		return "its namespace or workload is not a name that Kubernetes allows";
	destination->is_workload = true;
	memcpy(destination->namespace, namespace.at, namespace.len);
	memcpy(destination->name, name.at, name.len);
	return NULL;
}

static bool looks_like_ipv4(const char *host)
{
	size_t digits = strspn(host, "0123456789.");
	return memchr(host, '.', digits) != NULL && (host[digits] == '/' || host[digits] == ':');
}

const char *policy_destination_parse(const char *text, struct policy_destination *destination)
{
	*destination = (struct policy_destination){0};
	const char *colon = strrchr(text, ':');
	if (colon == NULL || !parse_port(colon + 1, destination))
		return "must end in a port of 1 to 65535 and tcp, udp or sctp, such as :443/tcp";
	size_t len = (size_t)(colon - text);
	if (len >= POLICY_NAME_SIZE + POLICY_LABEL_SIZE)
		return "is too long";
	if (len > 2 && text[0] == '[' && colon[-1] == ']' && memchr(text + 1, ':', len - 2))
		return parse_cidr(text + 1, len - 2, &destination->cidr);
	if (looks_like_ipv4(text))
		return parse_cidr(text, len, &destination->cidr);
	return parse_workload(text, len, destination);
}

static bool is_unset(struct json_text value)
{
	return json_type(value) <= JSON_NULL;
}

/* Does the selector ask for no other label than the namespace's name? */
static bool asks_for_name_alone(struct json_text selector)
{
	struct json_text labels = json_get(selector, "matchLabels");
	struct json_text expressions = json_get(selector, "matchExpressions");
	for (struct json_member m = json_first(labels); m.value.at; m = json_next(m))
		if (!json_equals(m.key, SPACE_NAME))
			return false;
	for (struct json_member m = json_first(expressions); m.value.at; m = json_next(m))
		if (!json_equals(json_get(m.value, "key"), SPACE_NAME))
			return false;
	return true;
}

static bool is_unset_or(struct json_text value, enum json_type type)
{
	return is_unset(value) || json_type(value) == type;
}

static enum policy_answer selects(struct json_text selector, struct policy_labels labels)
{
	struct json_text wanted = json_get(selector, "matchLabels");
	struct json_text expressions = json_get(selector, "matchExpressions");
	if (json_type(selector) != JSON_OBJECT || !is_unset_or(wanted, JSON_OBJECT) ||
	    !is_unset_or(expressions, JSON_ARRAY))
		return POLICY_DENIED;
	if (json_is_empty(wanted) && json_is_empty(expressions))
		return POLICY_ALLOWED;
	if (labels.known.at == NULL || policy_labels_check(labels.known) != NULL ||
	    policy_selector_check(selector) != NULL)
		return POLICY_UNKNOWN;
	if (labels.partial && policy_selector_asks_beyond(selector, labels.known))
		return policy_selector_may_match(selector, labels.known) ? POLICY_UNKNOWN
		                                                         : POLICY_DENIED;
	return policy_selector_matches(selector, labels.known) ? POLICY_ALLOWED : POLICY_DENIED;
}

static enum policy_answer selects_namespace(struct json_text selector,
                                        const struct policy_destination *destination)
{
	char named[sizeof "{\"" SPACE_NAME "\":\"\"}" + POLICY_LABEL_SIZE];
	if (!is_unset(destination->namespace_labels) || !asks_for_name_alone(selector))
		return selects(selector, (struct policy_labels){.known = destination->namespace_labels});
	snprintf(named, sizeof named, "{\"%s\":\"%s\"}", SPACE_NAME, destination->namespace);
	return selects(selector, (struct policy_labels){.known = json_of(named)});
}

/* The field is required, but {} is what kubectl's YAML may leave out. */
static enum policy_answer selects_pods(struct json_text spec, struct policy_labels labels)
{
	struct json_text selector = json_get(spec, "podSelector");
	return is_unset(selector) ? POLICY_ALLOWED : selects(selector, labels);
}

static bool names_type(struct json_text spec, const char *type)
{
	struct json_text types = json_get(spec, "policyTypes");
	for (struct json_member m = json_first(types); m.value.at; m = json_next(m))
		if (json_equals(m.value, type))
			return true;
	return false;
}

enum policy_answer policy_limits_egress(struct json_text spec, struct policy_labels labels)
{
	bool set = !json_is_empty(json_get(spec, "policyTypes"));
	if (set ? !names_type(spec, "Egress") : json_is_empty(json_get(spec, "egress")))
		return POLICY_DENIED;
	return selects_pods(spec, labels);
}

enum policy_answer policy_limits_ingress(struct json_text spec, struct policy_labels labels)
{
	if (!json_is_empty(json_get(spec, "policyTypes")) && !names_type(spec, "Ingress"))
		return POLICY_DENIED;
	return selects_pods(spec, labels);
}

struct partial {
	enum policy_answer answer;
	int index;
	const char *why;
};

static const struct partial none = {POLICY_DENIED, -1, NULL};

static struct partial better(struct partial best, struct partial found)
{
	return found.answer > best.answer ? found : best;
}

static enum policy_answer lies_in(const struct policy_cidr *outer, const struct policy_cidr *inner)
{
	if (policy_cidr_holds(outer, inner))
		return POLICY_ALLOWED;
	return policy_cidr_holds(inner, outer) ? POLICY_UNKNOWN : POLICY_DENIED;
}

static struct partial match_block(struct json_text block,
                                  const struct policy_destination *destination, int index)
{
	static const char spelling[] = "its ipBlock is not in canonical form";
	static const char part[] = "only a part of the range is covered";
	static const char of_pods[] = "network plugins differ in whether an ipBlock covers pods";
	struct policy_cidr cidr;
	if (destination->is_workload && destination->cidr.bits == 0)
		return (struct partial){POLICY_UNKNOWN, index, of_pods};
	if (policy_cidr_parse(json_plain(json_get(block, "cidr")), &cidr) != NULL)
		return (struct partial){POLICY_UNKNOWN, index, spelling};
	enum policy_answer answer = lies_in(&cidr, &destination->cidr);
	const char *why = answer == POLICY_UNKNOWN ? part : NULL;
	struct json_text except = json_get(block, "except");
	for (struct json_member m = json_first(except); m.value.at; m = json_next(m)) {
		if (answer == POLICY_DENIED)
			break;
		bool read = policy_cidr_parse(json_plain(m.value), &cidr) == NULL;
		enum policy_answer out = read ? lies_in(&cidr, &destination->cidr) : POLICY_UNKNOWN;
		if (out == POLICY_ALLOWED)
			return none;
		if (out == POLICY_UNKNOWN) {
			answer = POLICY_UNKNOWN;
			why = read ? part : spelling;
		}
	}
	if (destination->is_workload && answer == POLICY_ALLOWED)
		return (struct partial){POLICY_UNKNOWN, index, of_pods};
	return (struct partial){answer, index, why};
}

static struct partial match_pods(struct json_text peer, const char *namespace,
                                 const struct policy_destination *destination, int index)
{
	struct json_text namespaces = json_get(peer, "namespaceSelector");
	struct json_text pods = json_get(peer, "podSelector");
	enum policy_answer in_namespace, in_pods;
	/* An address is one outside of the cluster; a peer that names nothing selects nothing. */
	if (!destination->is_workload || (is_unset(namespaces) && is_unset(pods)))
		return none;
	in_namespace = !is_unset(namespaces)                        ? selects_namespace(namespaces, destination)
	           : strcmp(namespace, destination->namespace) == 0 ? POLICY_ALLOWED
	                                                    : POLICY_DENIED;
	if (in_namespace == POLICY_DENIED)
		return none;
	in_pods = is_unset(pods) ? POLICY_ALLOWED : selects(pods, destination->labels);
	enum policy_answer answer = in_namespace < in_pods ? in_namespace : in_pods;
	const char *why = answer != POLICY_UNKNOWN     ? NULL
	                  : in_namespace == POLICY_UNKNOWN ? "the namespace's labels were not seen"
	                                               : "the pods' labels were not seen";
	return (struct partial){answer, index, why};
}

enum policy_answer policy_peer_selects(struct json_text peer, const char *namespace,
                                       const struct policy_destination *destination)
{
	if (!is_unset(json_get(peer, "ipBlock")))
		return POLICY_DENIED;
	return match_pods(peer, namespace, destination, 0).answer;
}

static struct partial match_peers(struct json_text to, const char *namespace,
                                  const struct policy_destination *destination)
{
	struct partial best = none;
	int index = 0;
	if (is_unset(to) || (json_type(to) == JSON_ARRAY && json_is_empty(to)))
		return (struct partial){POLICY_ALLOWED, -1, NULL};
	if (json_type(to) != JSON_ARRAY)
		return none;
	for (struct json_member m = json_first(to); m.value.at; m = json_next(m), index++) {
		struct json_text block = json_get(m.value, "ipBlock");
		best = better(best, is_unset(block) ? match_pods(m.value, namespace, destination, index)
		                                    : match_block(block, destination, index));
	}
	return best;
}

static struct partial match_port(struct json_text port,
                                 const struct policy_destination *destination, int index)
{
	static const char named[] = "the number of its named port was not seen";
	struct json_text protocol = json_get(port, "protocol");
	struct json_text number = json_get(port, "port"), end = json_get(port, "endPort");
	int64_t first, last;
	if (json_type(port) != JSON_OBJECT ||
	    (is_unset(protocol) ? destination->protocol != POLICY_TCP
	                        : !json_equals(protocol, policy_protocol_words[destination->protocol])))
		return none;
	if (is_unset(number))
		return (struct partial){POLICY_ALLOWED, index, NULL};
	/* Names are those of a pod's ports: other addresses have none. */
	if (json_type(number) == JSON_STRING && destination->is_workload)
		return (struct partial){POLICY_UNKNOWN, index, named};
	if (!json_integer(number, &first))
		return none;
	if (is_unset(end) || !json_integer(end, &last))
		last = first;
	bool within = destination->port >= first && destination->port <= last;
	return (struct partial){within ? POLICY_ALLOWED : POLICY_DENIED, index, NULL};
}

static struct partial match_ports(struct json_text ports,
                                  const struct policy_destination *destination)
{
	struct partial best = none;
	int index = 0;
	if (is_unset(ports) || (json_type(ports) == JSON_ARRAY && json_is_empty(ports)))
		return (struct partial){POLICY_ALLOWED, -1, NULL};
	if (json_type(ports) != JSON_ARRAY)
		return none;
	for (struct json_member m = json_first(ports); m.value.at; m = json_next(m), index++)
		best = better(best, match_port(m.value, destination, index));
	return best;
}

static struct policy_match evaluate(struct json_text rules, const char *peers, const char *namespace,
                                    const struct policy_destination *destination)
{
	struct policy_match best = {POLICY_DENIED, -1, -1, -1, NULL};
	int index = 0;
	if (json_type(rules) != JSON_ARRAY)
		return best;
	for (struct json_member m = json_first(rules); m.value.at; m = json_next(m), index++) {
		if (json_type(m.value) != JSON_OBJECT)
			continue;
		struct partial peer = match_peers(json_get(m.value, peers), namespace, destination);
		struct partial port = match_ports(json_get(m.value, "ports"), destination);
		enum policy_answer answer = peer.answer < port.answer ? peer.answer : port.answer;
		if (answer > best.answer)
			best = (struct policy_match){answer, index, peer.index, port.index,
			                             answer != POLICY_UNKNOWN ? NULL
			                             : peer.why != NULL       ? peer.why
			                                                      : port.why};
	}
	return best;
}

struct policy_match policy_evaluate(struct json_text egress, const char *namespace,
                                    const struct policy_destination *destination)
{
	return evaluate(egress, "to", namespace, destination);
}

struct policy_match policy_evaluate_ingress(struct json_text ingress, const char *namespace,
                                            const struct policy_destination *source)
{
	return evaluate(ingress, "from", namespace, source);
}

bool policy_reaches_pods(struct json_text egress, const struct policy_destination *destination)
{
	struct policy_destination pods = *destination;
	pods.is_workload = true; /* whose ports may have names */
	for (struct json_member m = json_first(egress); m.value.at; m = json_next(m)) {
		if (match_ports(json_get(m.value, "ports"), &pods).answer == POLICY_DENIED)
			continue;
		struct json_text to = json_get(m.value, "to");
		for (struct json_member p = json_first(to); p.value.at; p = json_next(p))
			if (is_unset(json_get(p.value, "ipBlock")))
				return true;
	}
	return false;
}

/* How near, and why not quite; the nearer the larger. */
struct near {
	int nearness;
	const char *why;
};

static struct near near_ports(struct json_text ports, const struct policy_destination *destination)
{
	struct policy_destination other = *destination;
	for (int i = 0; i < POLICY_PROTOCOLS; i++) {
		other.protocol = (enum policy_protocol)i;
		if (match_ports(ports, &other).answer == POLICY_ALLOWED)
			return (struct near){5, "it has the port, of another protocol"};
	}
	return (struct near){4, "the port is not among its ports"};
}

static struct near near_block(struct json_text block, const struct policy_destination *destination)
{
	struct policy_cidr cidr;
	if (destination->cidr.bits == 0 ||
	    policy_cidr_parse(json_plain(json_get(block, "cidr")), &cidr) != NULL ||
	    !policy_cidr_holds(&cidr, &destination->cidr))
		return (struct near){1, "it has the port, for another destination"};
	return (struct near){3, "the address lies in an exception of its ipBlock"};
}

static struct near near_peer(struct json_text peer, const char *namespace,
                             const struct policy_destination *destination)
{
	struct json_text block = json_get(peer, "ipBlock"), pods = json_get(peer, "podSelector");
	struct json_text namespaces = json_get(peer, "namespaceSelector");
	if (!is_unset(block))
		return near_block(block, destination);
	if (!destination->is_workload)
		return (struct near){1, "it is for pods, and this address is not known to be one's"};
	bool there = is_unset(namespaces) ? strcmp(namespace, destination->namespace) == 0
	                                  : selects_namespace(namespaces, destination) != POLICY_DENIED;
	if (there)
		return (struct near){3, "the pods do not have the labels that it asks for"};
	return is_unset(pods) || selects(pods, destination->labels) != POLICY_DENIED
	               ? (struct near){2, "it has these pods' labels, for another namespace"}
	               : (struct near){1, "it has the port, for other pods"};
}

struct policy_match policy_evaluate_nearest(struct json_text egress, const char *namespace,
                                            const struct policy_destination *destination)
{
	struct policy_match best = {POLICY_DENIED, -1, -1, -1, NULL};
	struct near nearest = {0};
	int index = 0;
	for (struct json_member m = json_first(egress); m.value.at; m = json_next(m), index++) {
		struct json_text to = json_get(m.value, "to"), ports = json_get(m.value, "ports");
		bool to_it = match_peers(to, namespace, destination).answer == POLICY_ALLOWED;
		bool on_port = match_ports(ports, destination).answer != POLICY_DENIED;
		struct near near = to_it ? near_ports(ports, destination) : (struct near){0};
		int at = -1, which = 0;
		for (struct json_member p = json_first(to); !to_it && on_port && p.value.at; p = json_next(p), which++) {
			struct near found = near_peer(p.value, namespace, destination);
			if (found.nearness > near.nearness) {
				near = found;
				at = which;
			}
		}
		if (near.nearness > nearest.nearness) {
			nearest = near;
			best = (struct policy_match){POLICY_DENIED, index, at, -1, near.why};
		}
	}
	return best;
}
