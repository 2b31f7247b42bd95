#include "policy/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/name.h"
#include "net/cidr.h"
#include "rules/dns.h"

static bool parse_port(const char *text, long *port)
{
	*port = POLICY_PORT_DEFAULT;
	if (text == NULL)
		return true;
	if (strcmp(text, "endpoints") == 0) {
		*port = POLICY_PORT_ENDPOINTS;
		return true;
	}
	*port = strtol(text, NULL, 10);
	return text[strspn(text, "0123456789")] == '\0' && *port >= 1 && *port <= 65535;
}

bool policy_settings_api_server(struct policy_settings *settings, const char *port,
                                char fault[POLICY_FAULT_SIZE])
{
	struct policy_cidr cidr;
	if (!parse_port(port, &settings->api_server_port)) {
		snprintf(fault, POLICY_FAULT_SIZE,
		         "--api-server-port %s: must be 1 to 65535, or `endpoints`", port);
		return false;
	}
	for (size_t i = 0; settings->api_server[i] != NULL; i++) {
		if (policy_cidr_parse(json_of(settings->api_server[i]), &cidr) == NULL)
			continue;
		snprintf(fault, POLICY_FAULT_SIZE,
		         "--api-server %s: must be a CIDR, such as 10.9.8.7/32",
		         settings->api_server[i]);
		return false;
	}
	return true;
}

bool policy_settings_dns(struct policy_settings *settings, const char *const *words,
                         char fault[POLICY_FAULT_SIZE])
{
	struct policy_dns dns;
	settings->dns = words[0] == NULL ? NULL : words;
	for (size_t i = 0; words[i] != NULL; i++) {
		const char *wrong = policy_dns_parse(words[i], &dns);
		if (wrong == NULL)
			continue;
		snprintf(fault, POLICY_FAULT_SIZE, "--dns %s: %s", words[i], wrong);
		return false;
	}
	return true;
}

bool policy_settings_selector_labels(struct policy_settings *settings, const char *const *words,
                                     char fault[POLICY_FAULT_SIZE])
{
	settings->selector_labels = words;
	for (size_t i = 0; words[i] != NULL; i++) {
		const char *dot = strchr(words[i], '.'), *equals = strchr(words[i], '=');
		struct json_text kind = {words[i], dot == NULL ? 0 : (size_t)(dot - words[i])};
		if (dot != NULL && equals != NULL && dot < equals && policy_is_word(kind) &&
		    policy_is_subdomain((struct json_text){dot + 1, (size_t)(equals - dot - 1)}) &&
		    policy_is_label_key(json_of(equals + 1)))
			continue;
		snprintf(fault, POLICY_FAULT_SIZE,
		         "--selector-label %s: must be KIND.GROUP=LABEL, such as "
		         "Rollout.argoproj.io=app.kubernetes.io/name",
		         words[i]);
		return false;
	}
	return true;
}

bool policy_settings_pod_cidrs(struct policy_settings *settings, struct policy_cidr *cidrs,
                               const char *const *words, char fault[POLICY_FAULT_SIZE])
{
	settings->pod_cidrs = cidrs;
	settings->pod_cidrs_count = 0;
	for (size_t i = 0; words[i] != NULL; i++) {
		const char *wrong = policy_cidr_parse(json_of(words[i]), &cidrs[i]);
		settings->pod_cidrs_count = i + 1;
		if (wrong == NULL)
			continue;
		snprintf(fault, POLICY_FAULT_SIZE, "--pod-cidr %s: %s", words[i], wrong);
		return false;
	}
	return true;
}
