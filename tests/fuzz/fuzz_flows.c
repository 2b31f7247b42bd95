/* Logs of any bytes, in every format: what is read is a flow record that is read again as it was, alone
 * and merged. The first byte chooses the format. */
#include <stdlib.h>
#include <string.h>

#include "flows/merge.h"
#include "flows/reader.h"

static void same_again(void *context, const struct flow *flow)
{
	struct flow again;
	struct json_buffer once = {0}, twice = {0};
	flow_put(flow, &once);
	if (!json_check(json_buffer_text(&once), &json_record_limits, NULL) ||
	    flow_read(json_buffer_text(&once), &again) != NULL)
		abort();
	flow_put(&again, &twice);
	if (!json_same(json_buffer_text(&once), json_buffer_text(&twice)))
		abort();
	json_buffer_free(&once);
	json_buffer_free(&twice);
	if (context != NULL)
		flow_merge_add(context, flow);
}

static void beyond(void *context, const struct flow_peer *source, uint64_t flows)
{
	(void)context;
	(void)source;
	(void)flows;
}

static void read_lines(struct flow_reader *reader, struct json_text text)
{
	while (text.len > 0) {
		const char *end = memchr(text.at, '\n', text.len);
		size_t len = end == NULL ? text.len : (size_t)(end - text.at);
		struct json_text line = json_trim((struct json_text){text.at, len});
		bool usable = flow_reader_is_text(reader) || (json_check(line, &json_record_limits, NULL) && json_type(line) == JSON_OBJECT);
		if (line.len > 0 && usable)
			(void)flow_reader_line(reader, line);
		len += end != NULL;
		text = (struct json_text){text.at + len, text.len - len};
	}
	flow_reader_end(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	int formats = 0;
	while (flow_format_words[formats] != NULL)
		formats++;
	if (size == 0 || formats == 0)
		return 0;
	struct flow_merge *merge = flow_merge_new();
	struct flow_reader *reader = flow_reader_new(bytes[0] % formats, same_again, merge);
	read_lines(reader, (struct json_text){(const char *)bytes + 1, size - 1});
	flow_merge_emit(merge, same_again, beyond, NULL);
	flow_reader_free(reader);
	flow_merge_free(merge);
	return 0;
}
