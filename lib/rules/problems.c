#include "rules/problems.h"
#include "json/write.h"
#include "json/json.h"

#include <stdarg.h>
#include <stdio.h>

enum { MESSAGE_SIZE = 1024 };

/* Counts one more; false when it is one of those that are only counted. */
static bool count(struct policy_problems *problems, enum policy_severity severity)
{
	if (severity == POLICY_ERROR)
		problems->errors++;
	else
		problems->warnings++;
	return problems->errors + problems->warnings <= POLICY_PROBLEMS_MAX;
}

static void put(struct json_buffer *out, enum policy_severity severity, const char *field,
                struct json_text value, const char *message)
{
	bool quoted = json_type(value) == JSON_STRING;
	size_t len = value.at == NULL ? 0 : value.len - (quoted ? 2 : 0);
	json_puts(out, out->len == 0 ? "{" : ",{");
	json_put_key(out, "field");
	json_put_string(out, field);
	json_put_key(out, "value");
	json_put_string_n(out, quoted ? value.at + 1 : value.at,
	                  len > POLICY_VALUE_MAX ? POLICY_VALUE_MAX : len);
	json_put_key(out, "message");
	json_put_string(out, message);
	if (severity == POLICY_WARNING) {
		json_put_key(out, "severity");
		json_put_string(out, "warning");
	}
	json_putc(out, '}');
}

void policy_problem(struct policy_problems *problems, enum policy_severity severity,
                    const char *field, struct json_text value, const char *format, ...)
{
	char message[MESSAGE_SIZE];
	va_list arguments;
	if (!count(problems, severity))
		return;
	va_start(arguments, format);
	vsnprintf(message, sizeof message, format, arguments);
	va_end(arguments);
	put(&problems->text, severity, field, value, message);
}

void policy_problems_again(struct policy_problems *problems, struct json_text kept)
{
	for (struct json_member m = json_first(kept); m.value.at; m = json_next(m)) {
		bool warning = json_equals(json_get(m.value, "severity"), "warning");
		if (!count(problems, warning ? POLICY_WARNING : POLICY_ERROR))
			continue;
		if (problems->text.len > 0)
			json_putc(&problems->text, ',');
		json_puttext(&problems->text, m.value);
	}
}

void policy_problems_put(const struct policy_problems *problems, struct json_buffer *out)
{
	size_t all = problems->errors + problems->warnings;
	json_putc(out, '[');
	json_puttext(out, json_buffer_text(&problems->text));
	if (all > POLICY_PROBLEMS_MAX) {
		struct json_buffer last = {0};
		char message[64];
		snprintf(message, sizeof message, "and %zu more", all - POLICY_PROBLEMS_MAX);
		put(&last, problems->errors > 0 ? POLICY_ERROR : POLICY_WARNING, "",
		    (struct json_text){0}, message);
		json_putc(out, ',');
		json_puttext(out, json_buffer_text(&last));
		json_buffer_free(&last);
	}
	json_putc(out, ']');
}

void policy_problems_clear(struct policy_problems *problems)
{
	problems->text.len = 0;
	problems->errors = problems->warnings = 0;
}

void policy_problems_free(struct policy_problems *problems)
{
	json_buffer_free(&problems->text);
	policy_problems_clear(problems);
}
