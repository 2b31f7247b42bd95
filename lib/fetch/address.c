#include "fetch/address.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LABEL_MAX = 63, PORT_NAME_MAX = 15, DOMAIN_MAX = 180, PATH_MAX_LEN = 2048 };

static bool is_alphanumeric(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_label(const char *at, size_t len)
{
	if (len == 0 || len > LABEL_MAX || !is_alphanumeric(at[0]) || !is_alphanumeric(at[len - 1]))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_alphanumeric(at[i]) && at[i] != '-')
			return false;
	return true;
}

const char *agent_name_unfit(struct json_text namespace, struct json_text name)
{
	if (!is_label(namespace.at, namespace.len))
		return "its namespace is not the name of one";
	if (!is_label(name.at, name.len))
		return "no Service can have the name of its workload";
	return NULL;
}

bool agent_port_is_number(const char *port)
{
	size_t len = strlen(port);
	return len > 0 && len <= 5 && strspn(port, "0123456789") == len && port[0] != '0' &&
	       strtol(port, NULL, 10) <= 65535;
}

bool agent_port_is_usable(const char *port)
{
	size_t len = strlen(port);
	return agent_port_is_number(port) ||
	       (len <= PORT_NAME_MAX && is_label(port, len) && strspn(port, "0123456789-") < len);
}

bool agent_domain_is_usable(const char *domain)
{
	if (strlen(domain) > DOMAIN_MAX)
		return false;
	for (const char *at = domain;;) {
		size_t len = strcspn(at, ".");
		if (!is_label(at, len))
			return false;
		if (at[len] == '\0')
			return true;
		at += len + 1;
	}
}

void agent_put_proxy_path(struct json_buffer *out, bool https, const char *namespace,
                          const char *name, const char *port, const char *path)
{
	json_putf(out, "/api/v1/namespaces/%s/services/%s%s:%s/proxy%s", namespace,
	          https ? "https:" : "", name, port, path);
}

void agent_put_origin(struct json_buffer *out, bool https, const char *namespace, const char *name,
                      const char *domain, const char *port)
{
	json_putf(out, "%s://%s.%s.svc.%s:%s", https ? "https" : "http", name, namespace, domain,
	          port);
}

struct parts {
	char *scheme, *host, *port, *path, *query;
};

static bool split(CURLU *url, const char *text, struct parts *parts)
{
	*parts = (struct parts){0};
	if (curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK)
		return false;
	curl_url_get(url, CURLUPART_QUERY, &parts->query, 0);
	return curl_url_get(url, CURLUPART_SCHEME, &parts->scheme, 0) == CURLUE_OK &&
	       curl_url_get(url, CURLUPART_HOST, &parts->host, 0) == CURLUE_OK &&
	       curl_url_get(url, CURLUPART_PORT, &parts->port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
	       curl_url_get(url, CURLUPART_PATH, &parts->path, 0) == CURLUE_OK;
}

static void free_parts(struct parts *parts)
{
	curl_free(parts->scheme);
	curl_free(parts->host);
	curl_free(parts->port);
	curl_free(parts->path);
	curl_free(parts->query);
}

/* What would break the request's first line. */
static bool is_printable(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text <= ' ' || *text > '~')
			return false;
	return true;
}

static bool put_path(struct json_buffer *out, const struct parts *parts)
{
	const char *query = parts->query != NULL ? parts->query : "";
	if (!is_printable(parts->path) || !is_printable(query) ||
	    strlen(parts->path) + strlen(query) > PATH_MAX_LEN)
		return false;
	json_puts(out, parts->path);
	if (query[0] != '\0')
		json_putf(out, "?%s", query);
	return true;
}

bool agent_put_redirect(struct json_buffer *out, const char *origin, const char *location)
{
	struct parts from = {0}, to = {0};
	CURLU *here = curl_url(), *there = curl_url();
	bool stays = here != NULL && there != NULL && split(here, origin, &from) &&
	             split(there, location, &to) && strcmp(from.scheme, to.scheme) == 0 &&
	             strcasecmp(from.host, to.host) == 0 && strcmp(from.port, to.port) == 0 &&
	             put_path(out, &to);
	free_parts(&from);
	free_parts(&to);
	curl_url_cleanup(here);
	curl_url_cleanup(there);
	return stays;
}
