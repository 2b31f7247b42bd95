#include "rules/dns.h"

#include <stdlib.h>
#include <string.h>

#include "k8s/name.h"
#include "json/write.h"

static const char *const usual[] = {"kube-system/k8s-app=kube-dns", NULL};

static struct json_text between(const char *from, const char *to)
{
	return (struct json_text){from, (size_t)(to - from)};
}

static bool parse_port(const char *text, long *port)
{
	*port = strtol(text, NULL, 10);
	return *text != '\0' && text[strspn(text, "0123456789")] == '\0' && *port >= 1 &&
	       *port <= 65535;
}

/* The port stands behind the prefix, so that the colons of an IPv6 address are not in its way. */
static const char *parse_block(const char *word, const char *slash, struct policy_dns *dns)
{
	const char *colon = strchr(slash, ':');
	const char *end = colon == NULL ? word + strlen(word) : colon;
	*dns = (struct policy_dns){.is_block = true, .port = POLICY_DNS_PORT};
	if (policy_cidr_parse(between(word, end), &dns->cidr) != NULL)
		return "must be NAMESPACE/KEY=VALUE or a CIDR, either with :PORT behind it unless "
		       "that is 53";
	if (colon != NULL && !parse_port(colon + 1, &dns->port))
		return "its port must be 1 to 65535";
	return NULL;
}

const char *policy_dns_parse(const char *word, struct policy_dns *dns)
{
	const char *slash = strchr(word, '/');
	const char *equals = slash == NULL ? NULL : strchr(slash, '=');
	if (equals == NULL)
		return parse_block(word, slash == NULL ? word + strlen(word) : slash, dns);
	const char *colon = strchr(equals, ':');
	const char *end = colon == NULL ? word + strlen(word) : colon;
	*dns = (struct policy_dns){.namespace = between(word, slash),
	                           .key = between(slash + 1, equals),
	                           .value = between(equals + 1, end),
	                           .port = POLICY_DNS_PORT};
	if (!policy_is_label(dns->namespace))
		return "its namespace is not a name that Kubernetes allows";
	if (!policy_is_label_key(dns->key) || !policy_is_label_value(dns->value))
		return "its KEY=VALUE is not a label that Kubernetes allows";
	if (colon != NULL && !parse_port(colon + 1, &dns->port))
		return "its port must be 1 to 65535";
	return NULL;
}

const char *const *policy_dns_words(const char *const *words)
{
	return words == NULL ? usual : words;
}

static void put_peer(struct json_buffer *out, const struct policy_dns *dns)
{
	if (dns->is_block) {
		json_puts(out, "{\"ipBlock\":{\"cidr\":");
		policy_cidr_put(&dns->cidr, out);
		json_puts(out, "}}");
		return;
	}
	json_putf(out,
	          "{\"namespaceSelector\":{\"matchLabels\":{\"kubernetes.io/metadata.name\":"
	          "\"%.*s\"}},\"podSelector\":{\"matchLabels\":{\"%.*s\":\"%.*s\"}}}",
	          (int)dns->namespace.len, dns->namespace.at, (int)dns->key.len, dns->key.at,
	          (int)dns->value.len, dns->value.at);
}

void policy_dns_put(const char *const *words, struct json_buffer *out)
{
	struct policy_dns dns;
	json_putc(out, '[');
	for (const char *const *word = policy_dns_words(words); *word != NULL; word++) {
		if (policy_dns_parse(*word, &dns) != NULL)
			continue;
		json_put_comma(out);
		json_putf(out,
		          "{\"ports\":[{\"port\":%ld,\"protocol\":\"UDP\"},{\"port\":%ld,"
		          "\"protocol\":\"TCP\"}],\"to\":[",
		          dns.port, dns.port);
		put_peer(out, &dns);
		json_puts(out, "]}");
	}
	json_putc(out, ']');
}
