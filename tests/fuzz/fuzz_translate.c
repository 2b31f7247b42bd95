/* Whole streams into the translator, for each target: whatever the bytes, each operation is a JSON
 * object, and an agent without a true verdict gets no egress but to the API server's port. */
#include <stdlib.h>
#include <string.h>

#include "targets/target.h"
#include "translate/translator.h"

static void check_restricted(struct json_text operation)
{
	struct json_text egress = json_get(operation, "object", "spec", "egress");
	for (struct json_member rule = json_first(egress); rule.value.at;
	     rule = json_next(rule)) {
		struct json_text ports = json_get(rule.value, "ports");
		if (json_count(ports) != 1 || json_count(json_get(rule.value, "to")) == 0)
			abort();
		struct json_text port = json_first(ports).value;
		int64_t number;
		if (!json_integer(json_get(port, "port"), &number) || number != 6443 ||
		    !json_equals(json_get(port, "protocol"), "TCP"))
			abort();
	}
}

static void check(void *context, struct json_text line)
{
	(void)context;
	if (!json_check(line, &json_record_limits, NULL) || json_type(line) != JSON_OBJECT)
		abort();
	if (json_equals(json_get(line, "reason"), "NotVerified") &&
	    json_equals(json_get(line, "object", "kind"), "NetworkPolicy"))
		check_restricted(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const char *const none[] = {NULL};
	size_t targets = 1; /* there is one at least */
	while (policy_targets[targets] != NULL)
		targets++;
	const struct policy_settings settings = {
		.names = policy_names(POLICY_NAMES_KAGENTI),
		.ingress_namespaces = none,
		.api_server = none,
		.api_server_port = POLICY_PORT_DEFAULT,
		.verified_peers = POLICY_PEERS_WORKLOADS,
		.status = true,
		.no_wait = size % 2 == 0,
	};
	struct policy_translator *translator =
		policy_translator_new(&settings, policy_targets[size / 2 % targets],
		                      (struct policy_output){check, NULL});
	const char *at = size == 0 ? "" : (const char *)bytes, *end = at + size;
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline == NULL ? end : newline;
		struct json_text line = {at, (size_t)(stop - at)};
		if (json_check(line, &json_record_limits, NULL) && json_type(line) == JSON_OBJECT)
			policy_translator_take(translator, line, json_trim(line));
		at = stop + 1;
	}
	policy_translator_end(translator);
	policy_translator_free(translator);
	return 0;
}
