#include "rules/schema_private.h"

#include <stddef.h>

/* Descriptions are Kubernetes' own, of networking.k8s.io/v1, shortened. */

#define END {NULL, NULL, false, NULL}

static const char *const protocols[] = {"TCP", "UDP", "SCTP", NULL};
static const char *const operators[] = {"In", "NotIn", "Exists", "DoesNotExist", NULL};

static const struct policy_schema protocol = {.type = POLICY_STRING, .max = 4, .words = protocols};
static const struct policy_schema operator_word = {
	.type = POLICY_STRING, .max = 12, .words = operators};
static const struct policy_schema port_number = {.type = POLICY_INTEGER};
/* Names of ports hold a letter, and no two dashes in a row. */
static const struct policy_schema port_or_name = {
	.type = POLICY_INT_OR_STRING,
	.max = 15,
	.pattern = "^([0-9]+-)*[0-9]*[a-z][a-z0-9]*(-[a-z0-9]+)*$",
};
#define CIDR                                                                                       \
	.type = POLICY_STRING, .min = 1, .max = 49, .format = "cidr",                              \
	.pattern = "^[0-9a-f:.]+/(0|[1-9][0-9]*)$"

static const struct policy_cel cidr_rules[] = {
	{"isCIDR(self) && cidr(self) == cidr(self).masked() && !self.startsWith('::ffff:')",
         "must be a CIDR in canonical form, with no bits set beyond the prefix length, and not an "
         "IPv4-mapped one"},
	{NULL, NULL},
};
static const struct policy_schema cidr = {CIDR, .rules = cidr_rules};
/* Of these there may be too many for what a rule may cost. */
static const struct policy_schema excepted = {CIDR};
static const struct policy_schema cidrs = {.type = POLICY_LIST, .max = 256, .items = &excepted};
static const struct policy_schema label_key = {
	.type = POLICY_STRING,
	.max = 317,
	.pattern = "^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$",
};
static const struct policy_schema label_value = {
	.type = POLICY_STRING,
	.max = 63,
	.pattern = "^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$",
};
static const struct policy_schema label_values = {
	.type = POLICY_LIST, .max = 64, .items = &label_value};
static const struct policy_schema labels = {
	.type = POLICY_MAP, .max = 64, .items = &label_value, .check = policy_check_labels};

static const struct policy_cel requirement_rules[] = {
	{"self.operator == 'In' || self.operator == 'NotIn' ? "
         "has(self.values) && size(self.values) > 0 : !has(self.values) || size(self.values) < 1",
         "values must be specified when operator is In or NotIn, and only then"},
	{NULL, NULL},
};

static const struct policy_field requirement_fields[] = {
	{"key", &label_key, true, "key is the label key that the selector applies to."},
	{"operator", &operator_word, true,
         "operator represents a key's relationship to a set of values. Valid operators are In, "
         "NotIn, Exists and DoesNotExist."},
	{"values", &label_values, false,
         "values is an array of string values. If the operator is In or NotIn, it must be "
         "non-empty; if the operator is Exists or DoesNotExist, it must be empty."},
	END,
};

static const struct policy_schema requirement = {
	.type = POLICY_OBJECT,
	.fields = requirement_fields,
	.check = policy_check_requirement,
	.rules = requirement_rules,
};
static const struct policy_schema requirements = {
	.type = POLICY_LIST, .max = 8, .items = &requirement};

static const struct policy_field selector_fields[] = {
	{"matchExpressions", &requirements, false,
         "matchExpressions is a list of label selector requirements. The requirements are ANDed."},
	{"matchLabels", &labels, false,
         "matchLabels is a map of {key,value} pairs. Each is equivalent to an element of "
         "matchExpressions whose operator is In. The requirements are ANDed."},
	END,
};

static const struct policy_schema selector = {.type = POLICY_OBJECT, .fields = selector_fields};

static const struct policy_field block_fields[] = {
	{"cidr", &cidr, true,
         "cidr is a string representing the IPBlock, in canonical form: \"192.168.1.0/24\" or "
         "\"2001:db8::/64\"."},
	{"except", &cidrs, false,
         "except is a list of CIDRs that are not included in the IPBlock. Each must be a strict "
         "subset of cidr."},
	END,
};

static const struct policy_schema ip_block = {
	.type = POLICY_OBJECT, .fields = block_fields, .check = policy_check_ip_block};

static const struct policy_cel peer_rules[] = {
	{"has(self.ipBlock) || has(self.podSelector) || has(self.namespaceSelector)",
         "must specify a peer"},
	{"!has(self.ipBlock) || !has(self.podSelector) && !has(self.namespaceSelector)",
         "may not specify both ipBlock and another peer"},
	{NULL, NULL},
};

static const struct policy_field peer_fields[] = {
	{"ipBlock", &ip_block, false,
         "ipBlock defines policy on a particular IPBlock. If this field is set then neither of "
         "the other fields can be."},
	{"namespaceSelector", &selector, false,
         "namespaceSelector selects namespaces by their labels. If it is present but empty, it "
         "selects all namespaces. With podSelector, the pods matching that in these namespaces "
         "are selected; else all of their pods."},
	{"podSelector", &selector, false,
         "podSelector selects pods by their labels. If it is present but empty, it selects all "
         "pods. Without namespaceSelector, the pods are those of the agent's own namespace."},
	END,
};

static const struct policy_schema peer = {
	.type = POLICY_OBJECT,
	.fields = peer_fields,
	.check = policy_check_peer,
	.rules = peer_rules,
};
static const struct policy_schema peers = {.type = POLICY_LIST, .max = 256, .items = &peer};

/* int() of a name is an error, which refuses it too. Its type is not compared: the API server
 * knows no bound of what that costs, and would refuse the whole definition. */
static const struct policy_cel port_rules[] = {
	{"!has(self.endPort) || has(self.port) && int(self.port) <= self.endPort",
         "endPort needs a numeric port, and must be greater than or equal to it"},
	{NULL, NULL},
};

static const struct policy_field port_fields[] = {
	{"endPort", &port_number, false,
         "endPort indicates that the range of ports from port to endPort, inclusive, should be "
         "allowed. It needs a numeric port, and must be equal to or greater than it."},
	{"port", &port_or_name, false,
         "port represents the port on the given protocol: a number, or the name of a port of the "
         "destination pods. If it is not provided, all port names and numbers are matched."},
	{"protocol", &protocol, false,
         "protocol represents the protocol (TCP, UDP, or SCTP) which traffic must match. If not "
         "specified, it is TCP."},
	END,
};

static const struct policy_schema port = {
	.type = POLICY_OBJECT,
	.fields = port_fields,
	.check = policy_check_port,
	.rules = port_rules,
};
static const struct policy_schema ports = {.type = POLICY_LIST, .max = 64, .items = &port};

static const struct policy_field rule_fields[] = {
	{"ports", &ports, false,
         "ports is a list of destination ports for outgoing traffic. Each item in this list is "
         "combined using a logical OR. If this field is empty or missing, the rule matches all "
         "ports."},
	{"to", &peers, false,
         "to is a list of destinations for outgoing traffic. Items in this list are combined "
         "using a logical OR. If this field is empty or missing, the rule matches all "
         "destinations."},
	END,
};

static const struct policy_schema rule = {.type = POLICY_OBJECT, .fields = rule_fields};
static const struct policy_schema egress = {.type = POLICY_LIST, .max = 256, .items = &rule};

static const struct policy_schema name = {
	.type = POLICY_STRING,
	.min = 1,
	.max = 253,
	.pattern = "^(\\*\\.)?([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\\.)+"
                   "[a-z]([-a-z0-9]{0,61}[a-z0-9])?$",
	.check = policy_check_domain,
};
static const struct policy_schema names = {
	.type = POLICY_LIST, .min = 1, .max = 64, .items = &name};

static const struct policy_field domain_fields[] = {
	{"names", &names, true,
         "names are DNS names of two labels or more, in lower case and as A-labels; a leading "
         "\"*.\" stands for any one or more labels."},
	{"ports", &ports, false,
         "ports is a list of destination ports. If this field is empty or missing, all ports are "
         "matched."},
	END,
};

static const struct policy_schema domain = {.type = POLICY_OBJECT, .fields = domain_fields};
static const struct policy_schema domains = {.type = POLICY_LIST, .max = 64, .items = &domain};

static const struct policy_schema group = {
	.type = POLICY_STRING,
	.min = 1,
	.max = 63,
	.pattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
	.check = policy_check_group,
};
static const struct policy_schema groups = {.type = POLICY_LIST, .max = 64, .items = &group};

static const struct policy_field network_policy_fields[] = {
	{"domains", &domains, false,
         "domains adds destinations by DNS name, where the network can express them; elsewhere "
         "they stay denied. If it is set and egress is not, the agent is limited to them."},
	{"egress", &egress, false,
         "egress is a list of egress rules, as in a NetworkPolicy: a verified agent may connect "
         "to what any of them allows, and to nothing else. If it is not set, a verified agent may "
         "connect to anywhere; if it is empty, to nothing. For an agent that is not verified it "
         "changes nothing."},
	{"groups", &groups, false,
         "groups adds destinations that the platform's admins have named, by these names. What "
         "they have not named stays denied. If it is set and egress is not, the agent is limited "
         "to them."},
	END,
};

const struct policy_schema policy_network_policy_schema = {
	.type = POLICY_OBJECT, .fields = network_policy_fields, .null_is_absent = true};
