#include "yaml/write.h"
#include "json/json.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

/* Words that some YAML reader resolves to a boolean, null or number, in any case. */
static const char *const words[] = {
        "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nil", "inf", "nan",
};

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_word(const char *bytes, size_t len)
{
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strlen(words[i]) == len && strncasecmp(words[i], bytes, len) == 0)
			return true;
	return false;
}

/* Every number, date and indicator of YAML starts with or holds something other than these:
 * what starts with a letter and goes on with these is a string, unless it is a word above. */
bool kube_yaml_plain(const char *bytes, size_t len)
{
	if (len == 0 || !is_letter(bytes[0]))
		return false;
	for (size_t i = 1; i < len; i++) {
		char c = bytes[i];
		if (!is_letter(c) && !(c >= '0' && c <= '9') && c != '-' && c != '.' && c != '/' &&
		    c != '_')
			return false;
	}
	return !is_word(bytes, len);
}

static int append(void *into, unsigned char *bytes, size_t len)
{
	json_put(into, (const char *)bytes, len);
	return 1;
}

static bool emit_scalar(yaml_emitter_t *emitter, const char *bytes, size_t len, bool plain)
{
	yaml_event_t event;
	return len <= INT_MAX &&
	       yaml_scalar_event_initialize(
	               &event, NULL, NULL, (const yaml_char_t *)bytes, (int)len, plain, !plain,
	               plain ? YAML_PLAIN_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE) &&
	       yaml_emitter_emit(emitter, &event);
}

static bool emit_string(yaml_emitter_t *emitter, struct json_text value)
{
	size_t len;
	char *string = json_string(value, &len);
	bool done =
	        string != NULL && emit_scalar(emitter, string, len, kube_yaml_plain(string, len));
	free(string);
	return done;
}

static bool emit_value(yaml_emitter_t *emitter, struct json_text value);

static bool emit_array(yaml_emitter_t *emitter, struct json_text value)
{
	yaml_event_t event;
	if (!yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
	                                          YAML_BLOCK_SEQUENCE_STYLE) ||
	    !yaml_emitter_emit(emitter, &event))
		return false;
	for (struct json_member m = json_first(value); m.value.at; m = json_next(m))
		if (!emit_value(emitter, m.value))
			return false;
	return yaml_sequence_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
}

static bool emit_object(yaml_emitter_t *emitter, struct json_text value)
{
	yaml_event_t event;
	if (!yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE) ||
	    !yaml_emitter_emit(emitter, &event))
		return false;
	for (struct json_member m = json_first(value); m.value.at; m = json_next(m))
		if (!emit_string(emitter, m.key) || !emit_value(emitter, m.value))
			return false;
	return yaml_mapping_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
}

static bool emit_value(yaml_emitter_t *emitter, struct json_text value)
{
	switch (json_type(value)) {
	case JSON_OBJECT:
		return emit_object(emitter, value);
	case JSON_ARRAY:
		return emit_array(emitter, value);
	case JSON_STRING:
		return emit_string(emitter, value);
	case JSON_ABSENT:
		return false;
	default:
		value = json_trim(value);
		return emit_scalar(emitter, value.at, value.len, true);
	}
}

static bool emit_document(yaml_emitter_t *emitter, struct json_text value)
{
	yaml_event_t event;
	return yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING) &&
	       yaml_emitter_emit(emitter, &event) &&
	       yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1) &&
	       yaml_emitter_emit(emitter, &event) && emit_value(emitter, value) &&
	       yaml_document_end_event_initialize(&event, 1) &&
	       yaml_emitter_emit(emitter, &event) && yaml_stream_end_event_initialize(&event) &&
	       yaml_emitter_emit(emitter, &event);
}

bool kube_yaml_write(struct json_text value, struct json_buffer *out)
{
	yaml_emitter_t emitter;
	if (!yaml_emitter_initialize(&emitter))
		return false;
	yaml_emitter_set_output(&emitter, append, out);
	yaml_emitter_set_unicode(&emitter, 1);
	yaml_emitter_set_width(&emitter, -1);
	bool done = emit_document(&emitter, value);
	yaml_emitter_delete(&emitter);
	return done;
}
