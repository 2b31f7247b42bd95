#include "trust/spiffe.h"

#include <string.h>

enum { ID_MAX = 2048, DOMAIN_MAX = 255 };

static bool is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

bool trust_domain_is_valid(struct json_text name)
{
	if (name.at == NULL || name.len == 0 || name.len > DOMAIN_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (!is_name_byte(name.at[i]))
			return false;
	return true;
}

/* The likely mistake behind a byte that may not be there. */
static const char *name_the_byte(char c, bool in_domain)
{
	switch (c) {
	case '%': return "holds a percent-encoding";
	case '?': return "holds a query";
	case '#': return "holds a fragment";
	case '@': return in_domain ? "holds a user name" : "holds a byte that is not allowed in the path";
	case ':': return in_domain ? "holds a port" : "holds a byte that is not allowed in the path";
	case '\0': return "holds a NUL byte";
	default: break;
	}
	if (!in_domain)
		return "holds a byte that is not allowed in the path";
	return c >= 'A' && c <= 'Z' ? "has upper case in its trust domain"
	                            : "holds a byte that is not allowed in the trust domain";
}

static const char *check_segment(const char *at, size_t len)
{
	if (len == 0)
		return "has an empty path segment";
	if (at[0] == '.' && (len == 1 || (len == 2 && at[1] == '.')))
		return "has a dot segment";
	for (size_t i = 0; i < len; i++)
		if (!is_name_byte(at[i]) && !(at[i] >= 'A' && at[i] <= 'Z'))
			return name_the_byte(at[i], false);
	return NULL;
}

static const char *check_path(struct json_text path)
{
	const char *p = path.at, *end = path.at + path.len;
	while (p < end) {
		const char *from = p + 1;
		p = from;
		while (p < end && *p != '/')
			p++;
		const char *reason = check_segment(from, (size_t)(p - from));
		if (reason != NULL)
			return p == end && p == from ? "ends in a slash" : reason;
	}
	return NULL;
}

const char *trust_spiffe_read(struct json_text id, struct trust_spiffe_id *parts)
{
	static const char scheme[] = "spiffe://";
	const size_t start = sizeof scheme - 1;
	if (id.len > ID_MAX)
		return "is longer than 2048 bytes";
	if (id.len < start || memcmp(id.at, scheme, start) != 0)
		return "does not start with spiffe://";
	const char *domain = id.at + start;
	const char *slash = memchr(domain, '/', id.len - start);
	size_t len = slash != NULL ? (size_t)(slash - domain) : id.len - start;
	parts->domain = (struct json_text){domain, len};
	parts->path = (struct json_text){domain + len, id.len - start - len};
	if (len == 0)
		return "has no trust domain";
	for (size_t i = 0; i < len; i++)
		if (!is_name_byte(domain[i]))
			return name_the_byte(domain[i], true);
	if (len > DOMAIN_MAX)
		return "has a trust domain longer than 255 bytes";
	return check_path(parts->path);
}
