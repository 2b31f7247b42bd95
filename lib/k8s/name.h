/*
 * What Kubernetes allows as a name, and what of one fits into a label.
 *
 * Names of objects: RFC 1123 subdomains of at most 253 bytes; namespaces: RFC 1123 labels of
 * at most 63; label values: at most 63 bytes.
 */
#ifndef K8S_NAME_H
#define K8S_NAME_H

#include "base/text.h"

enum { POLICY_NAME_SIZE = 254, POLICY_LABEL_SIZE = 64 };

bool policy_is_subdomain(struct json_text name);
bool policy_is_label(struct json_text name);
bool policy_is_word(struct json_text word); /* a kind or a version: letters and digits, at most 63 */

/* One that can stand in a path and a message, whatever Kubernetes says of it: 1 to 253 bytes of
 * printable ASCII without a slash. Names of which nothing is made but a key. */
bool k8s_name_usable(struct json_text name);

/* NULL when Kubernetes would have it as the key or the value of a label, else a static sentence
 * in the words of k8s.io/apimachinery/pkg/util/validation. */
const char *k8s_label_key_fault(struct json_text key);
const char *k8s_label_value_fault(struct json_text value);
bool policy_is_label_key(struct json_text key);
bool policy_is_label_value(struct json_text value);
/* True for labels that controllers set on pods themselves: whoever reads a template does not know
 * their values. `key` is plain text. */
bool k8s_label_is_controllers(struct json_text key);

/* In those words: what a subdomain must be. */
#define K8S_SUBDOMAIN_RULE                                                                         \
	"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' "  \
	"or '.', and must start and end with an alphanumeric character (e.g. 'example.com', "      \
	"regex used for validation is "                                                            \
	"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"

/* The name as a label value; true when it had to be cut to 54 bytes, a dash and 8 hex digits
 * of its SHA-256. */
bool policy_label_value(char value[POLICY_LABEL_SIZE], const char *name);

#endif
