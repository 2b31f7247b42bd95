/* Assertions of any bytes: what is read is what strict JSON says, and faults point into it; those that are
 * good are put without an agent. */
#include <stdlib.h>

#include "explain/assertions.h"
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

/* Each line of it is JSON, whatever the names are. */
static void put(struct explain_assertions *assertions)
{
	struct json_buffer out = {0};
	if (!explain_assertions_put(assertions, true, &out))
		abort();
	for (char *at = out.at, *end; at < out.at + out.len; at = end + 1) {
		end = memchr(at, '\n', (size_t)(out.at + out.len - at));
		if (end == NULL ||
		    !json_check((struct json_text){at, (size_t)(end - at)}, &json_record_limits, NULL))
			abort();
	}
	json_buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct reading reading = {.any = false};
	if (yaml_strict_read(&reading.document, (struct json_text){(const char *)bytes, size})) {
		struct explain_assertions *assertions =
		        explain_assertions_read(json_buffer_text(&reading.document.json),
		                                &(struct document_faults){say, &reading});
		if ((assertions == NULL) != reading.any)
			abort();
		if (assertions != NULL)
			put(assertions);
		explain_assertions_free(assertions);
	} else if (reading.document.fault == NULL) {
		abort();
	}
	yaml_strict_free(&reading.document);
	return 0;
}
