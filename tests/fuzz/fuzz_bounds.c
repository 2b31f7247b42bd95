/* The admin's bounds of any bytes: what is read is what strict JSON says, faults point into it, and of
 * good bounds every agent's entries are found. */
#include <stdlib.h>
#include <string.h>

#include "bounds/bounds.h"
#include "yaml/strict.h"

struct reading {
	struct yaml_strict document;
	bool any;
};

static void say(void *context, struct json_text at, const char *path, const char *message)
{
	struct reading *reading = context;
	const struct json_buffer *json = &reading->document.json;
	reading->any = true;
	if (at.at < json->at || at.at + at.len > json->at + json->len || path[0] == '\0' ||
	    message[0] == '\0' ||
	    yaml_strict_line(&reading->document, (size_t)(at.at - json->at)) == 0)
		abort();
}

static void ask(const struct bounds *bounds, const char *spiffe_id)
{
	static const char labels[] = "{\"tier\":\"prod\"}";
	struct bounds_agent agent = {.namespace = "team-a",
	                             .kind = "Deployment",
	                             .name = "web",
	                             .spiffe_id = spiffe_id};
	enum bounds_match match;
	size_t index = 0;
	if (spiffe_id[0] != '\0')
		agent.namespace_labels = (struct json_text){labels, sizeof labels - 1};
	while (bounds_next(bounds, &agent, &index, &match) != NULL)
		if (match == BOUNDS_NO || index > bounds_count(bounds) + 1)
			abort();
}

/* Each names one workload and has its end or its reason, and is found by the workload. */
static void find(const struct bounds *bounds)
{
	const struct bounds_grant *grant;
	const struct bounds_quarantine *held;
	size_t index = 0, count = 0;
	while ((grant = bounds_next_grant(bounds, NULL, NULL, NULL, &index)) != NULL)
		count += grant->workload != NULL && strchr(grant->workload, '/') != NULL;
	if (count != bounds_grants(bounds))
		abort();
	for (index = 0; (held = bounds_quarantine_at(bounds, index)) != NULL; index++) {
		char *namespace = strdup(held->workload), *kind = strchr(namespace, '/') + 1;
		char *name = strchr(kind, '/') + 1;
		kind[-1] = name[-1] = '\0';
		held = bounds_quarantine_of(bounds, namespace, kind, name);
		if (held == NULL || held->reason[0] == '\0')
			abort();
		free(namespace);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct reading reading = {.any = false};
	if (yaml_strict_read(&reading.document, (struct json_text){(const char *)bytes, size})) {
		struct bounds *bounds = bounds_read(json_buffer_text(&reading.document.json),
		                                    &(struct document_faults){say, &reading});
		if ((bounds == NULL) != reading.any)
			abort();
		if (bounds != NULL) {
			find(bounds);
			ask(bounds, "");
			ask(bounds, "spiffe://example.org/ns/team-a/sa/web");
		}
		bounds_free(bounds);
	} else if (reading.document.fault == NULL) {
		abort();
	}
	yaml_strict_free(&reading.document);
	return 0;
}
