#include "flows/fields_private.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "json/write.h"

bool field_word(struct json_text value, struct json_text *word)
{
	enum json_type type = json_type(value);
	if (type == JSON_ABSENT || type == JSON_NULL || json_equals(value, ""))
		return true;
	*word = json_plain(value);
	return flow_is_word(*word);
}

bool field_address(struct json_text text, char ip[FLOW_ADDRESS_SIZE])
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
	char spelled[FLOW_ADDRESS_SIZE];
	unsigned char bytes[16];
	if (text.len == 0)
		return true;
	if (text.len >= sizeof spelled)
		return false;
	memcpy(spelled, text.at, text.len);
	spelled[text.len] = '\0';
	if (inet_pton(AF_INET, spelled, bytes) == 1)
		return inet_ntop(AF_INET, bytes, ip, FLOW_ADDRESS_SIZE) != NULL;
	if (inet_pton(AF_INET6, spelled, bytes) != 1)
		return false;
	if (memcmp(bytes, mapped, sizeof mapped) == 0)
		return inet_ntop(AF_INET, bytes + sizeof mapped, ip, FLOW_ADDRESS_SIZE) != NULL;
	return inet_ntop(AF_INET6, bytes, ip, FLOW_ADDRESS_SIZE) != NULL;
}

bool field_port(struct json_text value, uint16_t *port)
{
	unsigned number = 0;
	if (value.len == 0 || value.len > 5)
		return false;
	for (size_t i = 0; i < value.len; i++) {
		if (value.at[i] < '0' || value.at[i] > '9')
			return false;
		number = number * 10 + (unsigned)(value.at[i] - '0');
	}
	*port = (uint16_t)number;
	return number <= UINT16_MAX;
}

bool field_is(struct json_text text, const char *word)
{
	return text.len == strlen(word) && text.at != NULL && strncasecmp(text.at, word, text.len) == 0;
}

bool field_protocol(struct json_text text, enum flow_protocol *protocol)
{
	static const char *const numbers[] = {"6", "17", "132"};
	for (int i = FLOW_TCP; i <= FLOW_SCTP; i++) {
		if (!field_is(text, flow_protocol_words[i]) && !field_is(text, numbers[i]))
			continue;
		*protocol = (enum flow_protocol)i;
		return true;
	}
	return false;
}

/* A label's value may be empty. */
static bool is_harmless(struct json_text value)
{
	struct json_text plain = json_plain(value);
	return json_equals(value, "") || flow_is_word(plain);
}

bool field_are_labels(struct json_text object)
{
	if (json_type(object) != JSON_OBJECT)
		return false;
	for (struct json_member m = json_first(object); m.value.at != NULL; m = json_next(m))
		if (!is_harmless(m.key) || !is_harmless(m.value))
			return false;
	return true;
}

bool field_are_words(struct json_text array)
{
	if (json_type(array) != JSON_ARRAY)
		return false;
	for (struct json_member m = json_first(array); m.value.at != NULL; m = json_next(m))
		if (!flow_is_word(json_plain(m.value)))
			return false;
	return true;
}

void field_put_label(struct json_buffer *out, struct json_text label)
{
	struct json_text value = label, key = field_split(&value, '=');
	if (!flow_is_word(key) || (value.len > 0 && !flow_is_word(value)))
		return;
	json_put_comma(out);
	json_putc(out, '"');
	json_puttext(out, key);
	json_puts(out, "\":\"");
	json_puttext(out, value);
	json_putc(out, '"');
}

void field_put_labels(struct json_buffer *out, struct json_text text, const char *separators)
{
	json_putc(out, '{');
	while (text.len > 0) {
		size_t len = 0;
		while (len < text.len && strchr(separators, text.at[len]) == NULL)
			len++;
		field_put_label(out, (struct json_text){text.at, len});
		len += len < text.len;
		text = (struct json_text){text.at + len, text.len - len};
	}
	json_putc(out, '}');
}

struct json_text field_between(struct json_text text, const char *before, const char *ends)
{
	size_t len = strlen(before), end = 0;
	const char *at = text.at == NULL ? NULL : memmem(text.at, text.len, before, len);
	if (at == NULL)
		return (struct json_text){0};
	text = (struct json_text){at + len, text.len - (size_t)(at - text.at) - len};
	while (end < text.len && text.at[end] != '\0' && strchr(ends, text.at[end]) == NULL)
		end++;
	return (struct json_text){text.at, end};
}

struct json_text field_split(struct json_text *text, char at)
{
	const char *found = text->at == NULL ? NULL : memchr(text->at, at, text->len);
	if (found == NULL)
		return (struct json_text){0};
	struct json_text head = {text->at, (size_t)(found - text->at)};
	*text = (struct json_text){found + 1, text->len - head.len - 1};
	return head;
}

bool field_holds(struct json_text text, const char *part)
{
	return text.at != NULL && memmem(text.at, text.len, part, strlen(part)) != NULL;
}
