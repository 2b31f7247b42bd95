#include "yaml/strict.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

#include "base/memory.h"
#include "json/json.h"
#include "json/write.h"
#include "yaml/scalar_private.h"

struct reading {
	struct yaml_strict *read;
	unsigned depth;
	struct {
		bool is_map, key_next;
		bool any;
	} open[YAML_STRICT_DEPTH];
	bool done; /* the document has ended */
};

static bool fail(struct yaml_strict *read, size_t line, const char *why)
{
	read->fault = why;
	read->fault_line = line;
	return false;
}

static void note_line(struct yaml_strict *read, size_t line)
{
	if (read->count == read->size) {
		read->size = read->size == 0 ? 64 : read->size * 2;
		read->lines = kube_resize(read->lines, read->size, sizeof *read->lines);
	}
	read->lines[read->count++] = (struct yaml_line){read->json.len, line};
}

/* What comes before a node, in its container. */
static void separate(struct reading *reading, size_t line)
{
	struct json_buffer *out = &reading->read->json;
	if (reading->depth > 0) {
		bool is_map = reading->open[reading->depth - 1].is_map;
		bool key = reading->open[reading->depth - 1].key_next;
		if (is_map && !key)
			json_putc(out, ':');
		else if (reading->open[reading->depth - 1].any)
			json_putc(out, ',');
		reading->open[reading->depth - 1].any = true;
		reading->open[reading->depth - 1].key_next = is_map && !key;
	}
	note_line(reading->read, line);
}

static bool is_key(const struct reading *reading)
{
	return reading->depth > 0 && reading->open[reading->depth - 1].is_map &&
	       reading->open[reading->depth - 1].key_next;
}

static bool take_scalar(struct reading *reading, const yaml_event_t *event, size_t line)
{
	struct json_text text = {(const char *)event->data.scalar.value, event->data.scalar.length};
	bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE, key = is_key(reading);
	if (event->data.scalar.anchor != NULL || event->data.scalar.tag != NULL)
		return fail(reading->read, line, "anchors and tags are not allowed");
	if (key && plain && text_is(text, "<<"))
		return fail(reading->read, line, "merge keys are not allowed");
	separate(reading, line);
	yaml_put_scalar(&reading->read->json, text, plain && !key);
	return true;
}

static bool open_container(struct reading *reading, bool is_map, bool marked, size_t line)
{
	if (marked)
		return fail(reading->read, line, "anchors and tags are not allowed");
	if (is_key(reading))
		return fail(reading->read, line, "a key must be a string");
	if (reading->depth == YAML_STRICT_DEPTH)
		return fail(reading->read, line, "nested too deeply");
	separate(reading, line);
	reading->open[reading->depth].is_map = reading->open[reading->depth].key_next = is_map;
	reading->open[reading->depth++].any = false;
	json_putc(&reading->read->json, is_map ? '{' : '[');
	return true;
}

static bool take_event(struct reading *reading, const yaml_event_t *event)
{
	size_t line = event->start_mark.line + 1;
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		return !reading->done || fail(reading->read, line, "there may be only one document");
	case YAML_DOCUMENT_END_EVENT:
		reading->done = true;
		return true;
	case YAML_ALIAS_EVENT:
		return fail(reading->read, line, "aliases are not allowed");
	case YAML_SCALAR_EVENT:
		return take_scalar(reading, event, line);
	case YAML_SEQUENCE_START_EVENT:
		return open_container(reading, false,
		                      event->data.sequence_start.anchor != NULL ||
		                              event->data.sequence_start.tag != NULL,
		                      line);
	case YAML_MAPPING_START_EVENT:
		return open_container(reading, true,
		                      event->data.mapping_start.anchor != NULL ||
		                              event->data.mapping_start.tag != NULL,
		                      line);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		reading->depth--;
		json_putc(&reading->read->json, event->type == YAML_MAPPING_END_EVENT ? '}' : ']');
		return true;
	default:
		return true;
	}
}

static bool take_all(struct reading *reading, yaml_parser_t *parser)
{
	for (bool more = true; more;) {
		yaml_event_t event;
		if (!yaml_parser_parse(parser, &event))
			return fail(reading->read, parser->problem_mark.line + 1, "is not YAML");
		more = event.type != YAML_STREAM_END_EVENT;
		bool good = take_event(reading, &event);
		yaml_event_delete(&event);
		if (!good)
			return false;
	}
	return true;
}

bool yaml_strict_read(struct yaml_strict *read, struct json_text text)
{
	struct reading reading = {.read = read};
	struct json_error wrong;
	yaml_parser_t parser;
	if (text.len > YAML_STRICT_BYTES)
		return fail(read, 1, "is larger than 1 MiB");
	if (!yaml_parser_initialize(&parser))
		abort();
	yaml_parser_set_input_string(&parser, (const unsigned char *)text.at, text.len);
	bool good = take_all(&reading, &parser);
	yaml_parser_delete(&parser);
	if (!good)
		return false;
	if (read->json.len == 0)
		return fail(read, 1, "is empty");
	if (!json_check(json_buffer_text(&read->json), &json_record_limits, &wrong))
		return fail(read, yaml_strict_line(read, wrong.offset), wrong.reason);
	return true;
}

size_t yaml_strict_line(const struct yaml_strict *read, size_t offset)
{
	size_t first = 0, last = read->count;
	while (last - first > 1) {
		size_t middle = first + (last - first) / 2;
		*(read->lines[middle].offset <= offset ? &first : &last) = middle;
	}
	return read->count == 0 ? 1 : read->lines[first].line;
}

void yaml_strict_free(struct yaml_strict *read)
{
	json_buffer_free(&read->json);
	free(read->lines);
	*read = (struct yaml_strict){0};
}

bool yaml_strict_load(const char *path, struct json_buffer *text)
{
	FILE *file = fopen(path, "re");
	char bytes[4096];
	size_t got;
	if (file == NULL)
		return false;
	/* One byte more than may be there is enough to refuse it. */
	while (text->len <= YAML_STRICT_BYTES && (got = fread(bytes, 1, sizeof bytes, file)) > 0)
		json_put(text, bytes, got);
	bool good = ferror(file) == 0;
	int why = errno;
	fclose(file);
	errno = why;
	return good;
}
