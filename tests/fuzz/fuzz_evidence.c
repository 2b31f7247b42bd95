/* Others' policies, as whole streams: whatever their bytes, a judgement ends, what it says can be
 * printed, and an agent that is judged twice is judged the same. */
#include <stdlib.h>
#include <string.h>

#include "k8s/unusable.h"
#include "policy/evidence.h"

struct told {
	size_t count, length;
};

static void on_found(void *context, const struct evidence_found *found)
{
	struct told *told = context;
	for (const char *c = found->message; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			abort();
	told->count++;
	told->length += strlen(found->message);
}

static struct told judge(struct evidence *evidence)
{
	struct told told = {0};
	struct evidence_agent agent = {
	        .namespace = "agents",
	        .selector = json_of("{\"matchLabels\":{\"app\":\"web\"}}"),
	        .labels = json_of("{\"app\":\"web\",\"tier\":\"a\"}"),
	        .egress = json_of("[{\"to\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\",\"except\":"
	                          "[\"10.1.0.0/16\"]}},{\"namespaceSelector\":{\"matchLabels\":"
	                          "{\"env\":\"prod\"}}}],\"ports\":[{\"port\":443,\"protocol\":\"TCP\"},"
	                          "{\"port\":\"http\",\"protocol\":\"TCP\"}]}]"),
	        .domains = json_of("[{\"names\":[\"*.example.com\"],\"ports\":[{\"port\":443}]}]"),
	        .ingress = json_of("[]"),
	};
	evidence_judge(evidence, &agent, on_found, &told);
	evidence_missing(evidence);
	return told;
}

static void take(struct evidence *evidence, struct json_text line)
{
	struct event event, named;
	if (!json_check(line, &json_record_limits, NULL) || json_type(line) != JSON_OBJECT) {
		if (k8s_unusable_find(line, &named))
			evidence_take(evidence, &named);
		return;
	}
	if (event_read(json_trim(line), &event) != NULL)
		return;
	if (k8s_unusable_read(&event, &named))
		evidence_take(evidence, &named);
	else if (event.type != EVENT_ERROR)
		evidence_take(evidence, &event);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const char *const words[] = {NULL, "cilium", "ovn-kubernetes", "calico"};
	struct evidence *evidence = evidence_new(evidence_cni_of(words[size % 4]));
	const char *at = size == 0 ? "" : (const char *)bytes, *end = at + size;
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline == NULL ? end : newline;
		take(evidence, (struct json_text){at, (size_t)(stop - at)});
		at = stop + 1;
	}
	struct told first = judge(evidence), again = judge(evidence);
	if (first.count != again.count || first.length != again.length)
		abort();
	evidence_free(evidence);
	return 0;
}
