#include "watch/list_split_private.h"
#include "json/json.h"

#include <string.h>

static const char ITEMS[] = "\"items\"";

/* True when the byte belongs to a string (its quotes included). */
static bool scan_string(struct kube_list_split *s, char c)
{
	if (!s->in_string) {
		s->in_string = c == '"';
		return s->in_string;
	}
	if (s->escaped)
		s->escaped = false;
	else if (c == '\\')
		s->escaped = true;
	else if (c == '"')
		s->in_string = false;
	return true;
}

static const char *end_item(struct kube_list_split *s)
{
	const char *why = s->on_item(s->user, json_buffer_text(&s->item));
	s->item.len = 0;
	if (s->item.size > KUBE_ENVELOPE_MAX)
		json_buffer_free(&s->item);
	return why;
}

static const char *feed_items(struct kube_list_split *s, char c)
{
	bool text = scan_string(s, c);
	if (s->inside == 0 && !text && c == ']') {
		s->in_items = false;
		json_putc(&s->envelope, ']');
		s->depth--;
		return NULL;
	}
	if (s->inside == 0 && (text || c != '{'))
		return !text && strchr(", \t\r\n", c) != NULL ? NULL : "an item is not an object";
	if (s->item.len == JSON_RECORD_MAX)
		return "an object is over 16 MiB";
	json_putc(&s->item, c);
	if (text)
		return NULL;
	if (c == '{' || c == '[')
		s->inside++;
	if (c == '}' || c == ']')
		return --s->inside == 0 ? end_item(s) : NULL;
	return NULL;
}

/* Notices `"items":[` among the list's own members. */
static const char *feed_envelope(struct kube_list_split *s, char c)
{
	bool was_string = s->in_string, text = scan_string(s, c);
	if (s->envelope.len == KUBE_ENVELOPE_MAX)
		return "what is around the items is over 1 MiB";
	if (text && !was_string)
		s->string_at = s->envelope.len;
	json_putc(&s->envelope, c);
	if (text) {
		size_t len = s->envelope.len - s->string_at;
		if (!s->in_string)
			s->key_is_items = s->depth == 1 && len == sizeof ITEMS - 1 &&
			                  memcmp(s->envelope.at + s->string_at, ITEMS, len) == 0;
		return NULL;
	}
	if (c == '[' && s->depth == 1 && s->key_is_items)
		s->in_items = true;
	if (c == '{' || c == '[')
		s->depth++;
	if ((c == '}' || c == ']') && s->depth-- == 0)
		return "not JSON";
	if (c != ':' && strchr(" \t\r\n", c) == NULL)
		s->key_is_items = false;
	return NULL;
}

const char *kube_split_feed(struct kube_list_split *s, const char *bytes, size_t len)
{
	const char *why = NULL;
	for (size_t i = 0; i < len && why == NULL; i++)
		why = s->in_items ? feed_items(s, bytes[i]) : feed_envelope(s, bytes[i]);
	return why;
}

void kube_split_free(struct kube_list_split *split)
{
	json_buffer_free(&split->envelope);
	json_buffer_free(&split->item);
}
