#include "trust/path_private.h"

#include <stdio.h>
#include <string.h>

#include "trust/spiffe.h"

#define NAMESPACE "{namespace}"
#define ACCOUNT "{serviceAccountName}"

/* Appends to the NUL-terminated path; false when it does not fit. */
static bool append(char path[TRUST_SPIFFE_ID_SIZE], const char *text, size_t len)
{
	size_t at = strlen(path);
	if (len >= TRUST_SPIFFE_ID_SIZE - at)
		return false;
	memcpy(path + at, text, len);
	path[at + len] = '\0';
	return true;
}

static bool starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static bool expand(const char *p, const char *namespace, const char *service_account, char *path)
{
	path[0] = '\0';
	while (*p != '\0') {
		const char *value = starts(p, NAMESPACE) ? namespace
		                    : starts(p, ACCOUNT) ? service_account
		                                         : NULL;
		size_t literal = value == NULL ? 1 + strcspn(p + 1, "{") : 0;
		if (value == NULL ? !append(path, p, literal) : !append(path, value, strlen(value)))
			return false;
		p += value == NULL ? literal : 1 + strcspn(p, "}");
	}
	return true;
}

static const char *check_path(const char *path)
{
	char id[TRUST_SPIFFE_ID_SIZE + 16];
	struct trust_spiffe_id parts;
	snprintf(id, sizeof id, "spiffe://x%s", path);
	if (path[0] != '/')
		return "does not start with a slash";
	return trust_spiffe_read(json_of(id), &parts);
}

const char *trust_template_check(const char *path_template)
{
	char path[TRUST_SPIFFE_ID_SIZE];
	if (strstr(path_template, NAMESPACE) == NULL)
		return "lacks " NAMESPACE;
	if (strstr(path_template, ACCOUNT) == NULL)
		return "lacks " ACCOUNT;
	if (!expand(path_template, "x", "x", path))
		return "is longer than 2048 bytes";
	for (const char *p = path_template; *p != '\0';) {
		size_t segment = 1 + strcspn(p + 1, "/");
		const char *brace = memchr(p, '{', segment);
		if (brace != NULL &&
		    memchr(brace + 1, '{', segment - (size_t)(brace + 1 - p)) != NULL)
			return "has two placeholders in one path segment";
		p += segment;
	}
	return check_path(path);
}

static bool is_segment(const char *name)
{
	char path[300];
	int len = snprintf(path, sizeof path, "/%s", name);
	return len < (int)sizeof path && strchr(name, '/') == NULL && check_path(path) == NULL;
}

void trust_template_expand(const char *path_template, const char *namespace,
                           const char *service_account, char path[TRUST_SPIFFE_ID_SIZE])
{
	if (!is_segment(namespace) || !is_segment(service_account) ||
	    !expand(path_template, namespace, service_account, path))
		path[0] = '\0';
}
