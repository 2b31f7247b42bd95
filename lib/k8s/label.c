/* Labels as k8s.io/apimachinery validates them. */
#include <string.h>

#include "k8s/name.h"

#define QUALIFIED                                                                                  \
	"must consist of alphanumeric characters, '-', '_' or '.', and must start and end with "   \
	"an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "  \
	"validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"

enum { LABEL_MAX = 63, SUBDOMAIN_MAX = 253 };

static bool is_alphanumeric(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Begins and ends alphanumeric, with -, _ and . between; not empty. */
static bool is_label_text(struct json_text text)
{
	if (text.len == 0 || !is_alphanumeric(text.at[0]) ||
	    !is_alphanumeric(text.at[text.len - 1]))
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (!is_alphanumeric(text.at[i]) && strchr("-_.", text.at[i]) == NULL)
			return false;
	return memchr(text.at, '\0', text.len) == NULL;
}

const char *k8s_label_value_fault(struct json_text value)
{
	if (value.len > LABEL_MAX)
		return "must be no more than 63 characters";
	if (value.len == 0 || is_label_text(value))
		return NULL;
	return "a valid label must be an empty string or consist of alphanumeric characters, '-', "
	       "'_' or '.', and must start and end with an alphanumeric character (e.g. "
	       "'MyValue',  or 'my_value',  or '12345', regex used for validation is "
	       "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
}

const char *k8s_label_key_fault(struct json_text key)
{
	const char *slash = memchr(key.at, '/', key.len);
	struct json_text name = key;
	if (slash != NULL) {
		struct json_text prefix = {key.at, (size_t)(slash - key.at)};
		name = (struct json_text){slash + 1, key.len - prefix.len - 1};
		if (prefix.len == 0)
			return "prefix part must be non-empty";
		if (memchr(name.at, '/', name.len) != NULL)
			return "a qualified name " QUALIFIED
			       " with an optional DNS subdomain prefix and '/' (e.g. "
			       "'example.com/MyName')";
		if (prefix.len > SUBDOMAIN_MAX)
			return "prefix part must be no more than 253 characters";
		if (!policy_is_subdomain(prefix))
			return "prefix part " K8S_SUBDOMAIN_RULE;
	}
	if (name.len == 0)
		return "name part must be non-empty";
	if (name.len > LABEL_MAX)
		return "name part must be no more than 63 characters";
	return is_label_text(name) ? NULL : "name part " QUALIFIED;
}

bool policy_is_label_key(struct json_text key)
{
	return k8s_label_key_fault(key) == NULL;
}

bool policy_is_label_value(struct json_text value)
{
	return k8s_label_value_fault(value) == NULL;
}

bool k8s_label_is_controllers(struct json_text key)
{
	static const char *const keys[] = {"pod-template-hash", "controller-revision-hash",
	                                   "job-name", "controller-uid"};
	static const char *const prefixes[] = {"statefulset.kubernetes.io/",
	                                       "apps.kubernetes.io/", "batch.kubernetes.io/",
	                                       "agents.x-k8s.io/"};
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (text_is(key, keys[i]))
			return true;
	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
		if (key.at != NULL && key.len > strlen(prefixes[i]) &&
		    memcmp(key.at, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}
