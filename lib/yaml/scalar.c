#include "yaml/scalar_private.h"

static bool is_number(struct json_text text)
{
	return text.len > 0 && (text.at[0] == '-' || (text.at[0] >= '0' && text.at[0] <= '9')) &&
	       json_check(text, &json_record_limits, NULL);
}

void yaml_put_scalar(struct json_buffer *out, struct json_text text, bool plain)
{
	static const char *const words[][2] = {
	        {"", "null"},       {"~", "null"},      {"null", "null"},   {"Null", "null"},
	        {"NULL", "null"},   {"true", "true"},   {"True", "true"},   {"TRUE", "true"},
	        {"false", "false"}, {"False", "false"}, {"FALSE", "false"},
	};
	for (size_t i = 0; plain && i < sizeof words / sizeof words[0]; i++)
		if (text_is(text, words[i][0])) {
			json_puts(out, words[i][1]);
			return;
		}
	if (plain && is_number(text))
		json_puttext(out, text);
	else
		json_put_string_n(out, text.at, text.len);
}
