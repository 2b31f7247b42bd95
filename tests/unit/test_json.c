#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "json/write.h"
#include "k8s/event.h"
#include "json/json.h"
#include "json/scan_private.h"

static const char *why(const char *text, size_t len)
{
	struct json_error error = {0};
	char *copy = malloc(len > 0 ? len : 1); /* exact, so that a read beyond it is caught */
	assert_non_null(copy);
	memcpy(copy, text, len);
	bool good = json_check((struct json_text){copy, len}, &json_record_limits, &error);
	free(copy);
	return good ? NULL : error.reason;
}

#define ACCEPT(text) assert_null(why(text, sizeof(text) - 1))
#define REFUSE(text, reason) assert_string_equal(why(text, sizeof(text) - 1), reason)

static void valid_texts_are_accepted(void **state)
{
	(void)state;
	ACCEPT("{}");
	ACCEPT(" [ ] ");
	ACCEPT("0");
	ACCEPT("-0.0e-10");
	ACCEPT("123456789012345678901234567890");
	ACCEPT("\"\"");
	ACCEPT("\"\\u0000 \\\" \\\\ \\/ \\b\\f\\n\\r\\t\"");
	ACCEPT("\"\\ud83d\\ude00 \xf0\x9f\x98\x80 \xc3\xa9 \xe2\x80\xa8\"");
	ACCEPT("{\"a\":[{\"a\":1},{\"a\":2}],\"b\":{\"a\":null},\"\":true}");
	ACCEPT("[\"long enough to be read eight bytes at a time, and then some\",false]");
}

static void invalid_texts_are_refused_with_the_reason(void **state)
{
	(void)state;
	REFUSE("", "empty");
	REFUSE("  ", "empty");
	REFUSE("{", "object not closed");
	REFUSE("{\"a\"", "object not closed");
	REFUSE("{\"a\":", "value missing");
	REFUSE("{\"a\":1,}", "expected a key");
	REFUSE("{a:1}", "expected a key");
	REFUSE("{\"a\" 1}", "expected ':' after a key");
	REFUSE("{\"a\":1 \"b\":2}", "expected ',' or '}'");
	REFUSE("[1 2]", "expected ',' or ']'");
	REFUSE("[1,]", "not a JSON value");
	REFUSE("[1}", "expected ',' or ']'");
	REFUSE("01", "number with a leading zero");
	REFUSE("-", "number cut off");
	REFUSE("1.", "number cut off");
	REFUSE("1.e3", "invalid number");
	REFUSE("+1", "not a JSON value");
	REFUSE("NaN", "not a JSON value");
	REFUSE("tru", "literal cut off");
	REFUSE("trux", "not a JSON value");
	REFUSE("truex", "text after the value");
	REFUSE("\"abc", "string not closed");
	REFUSE("\"a\tb\"", "control character in a string");
	REFUSE("\"a\0b\"", "control character in a string");
	REFUSE("\"\\x41\"", "unknown escape");
	REFUSE("\"\\\0\"", "unknown escape");
	REFUSE("\"\\u12g4\"", "\\u not followed by four hex digits");
	REFUSE("\"\\udc00\"", "lone surrogate escape");
	REFUSE("\"\\ud800\\u0041\"", "lone surrogate escape");
	REFUSE("{} {}", "text after the value");
	REFUSE("\xef\xbb\xbf{}", "not a JSON value");
	REFUSE("{\"a\":1}\0", "text after the value");
}

/* Wherever in a string, as strings are read many bytes at a time but for their ends. */
static void each_control_character_is_refused_everywhere_in_a_string(void **state)
{
	(void)state;
	enum { LENGTH = 40 };
	char text[LENGTH + 2];
	for (size_t at = 1; at <= LENGTH; at++)
		for (int c = 0; c < 0x22; c++) {
			memset(text, 'x', sizeof text);
			text[0] = text[LENGTH + 1] = '"';
			text[at] = (char)c;
			const char *said = why(text, sizeof text);
			if (c < 0x20)
				assert_string_equal(said, "control character in a string");
			else
				assert_null(said);
		}
	ACCEPT("\"\x7f\"");
}

/* RFC 8259, section 7: a character beyond the BMP is a high and a low surrogate, in this order. */
static void a_surrogate_escape_is_one_half_of_a_pair(void **state)
{
	(void)state;
	static const struct {
		const char *text, *wanted; /* NULL: refused */
	} cases[] = {
		{"\"\\ud800\\udc00\"", "\xf0\x90\x80\x80"},
		{"\"\\uD800\\uDFFF\"", "\xf0\x90\x8f\xbf"},
		{"\"\\udbff\\udc00\"", "\xf4\x8f\xb0\x80"},
		{"\"\\udbff\\udfff\"", "\xf4\x8f\xbf\xbf"},
		{"\"\\ud7ff\"", "\xed\x9f\xbf"},
		{"\"\\ue000\"", "\xee\x80\x80"},
		{"\"\\ud800\"", NULL},
		{"\"\\udbff\"", NULL},
		{"\"\\udc00\"", NULL},
		{"\"\\udfff\"", NULL},
		{"\"\\ud800x\"", NULL},
		{"\"\\ud800xxxxxx\"", NULL},
		{"\"\\ud800\\n\"", NULL},
		{"\"\\ud800\\ndc00\"", NULL},
		{"\"\\ud800xudc00\"", NULL},
		{"\"\\ud800\\udbff\"", NULL},
		{"\"\\ud800\\ud7ff\"", NULL},
		{"\"\\ud800\\ue000\"", NULL},
		{"\"\\ud800\\ud800\\udc00\"", NULL},
		{"\"\\udc00\\ud800\"", NULL},
		{"\"\\udc00\\udc00\"", NULL},
		{"\"\\udfff\\udfff\"", NULL},
		{"\"\\ud800\\udc0\"", NULL},
		{"\"\\ud800\\u\"", NULL},
		{"\"\\ud800\\", NULL},
		{"\"\\ud800\\udc0", NULL},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *said = why(cases[i].text, strlen(cases[i].text));
		if ((said == NULL) != (cases[i].wanted != NULL))
			fail_msg("%s: %s", cases[i].text, said == NULL ? "accepted" : said);
		if (said != NULL)
			continue;
		char *decoded = json_string(json_of(cases[i].text), NULL);
		assert_string_equal(decoded, cases[i].wanted);
		free(decoded);
	}
}

static void utf8_is_strict(void **state)
{
	(void)state;
	REFUSE("\"\x80\"", "invalid UTF-8");
	REFUSE("\"\xc0\xaf\"", "invalid UTF-8");
	REFUSE("\"\xe0\x80\xaf\"", "invalid UTF-8");
	REFUSE("\"\xed\xa0\x80\"", "invalid UTF-8");
	REFUSE("\"\xf4\x90\x80\x80\"", "invalid UTF-8");
	REFUSE("\"\xf8\x88\x80\x80\x80\"", "invalid UTF-8");
	REFUSE("\"12345678\xc3\"", "invalid UTF-8");
	ACCEPT("\"\xf4\x8f\xbf\xbf\xee\x80\x80\xed\x9f\xbf\"");
}

static void duplicate_keys_are_found_in_small_and_large_objects(void **state)
{
	(void)state;
	REFUSE("{\"a\":1,\"b\":2,\"a\":3}", "duplicate key");
	REFUSE("{\"x\":{\"a\":1,\"\\u0061\":2}}", "duplicate key");
	REFUSE("{\"\":1,\"\":2}", "duplicate key");
	struct json_buffer text = {0};
	for (int twice = 0; twice < 2; twice++) {
		text.len = 0;
		json_putc(&text, '{');
		for (int i = 0; i < 5000; i++)
			json_putf(&text, "\"key%d\":%d,", i, i);
		json_puts(&text, twice ? "\"key2\\u0035\":0}" : "\"other\":0}");
		struct json_error error;
		assert_int_equal(json_check(json_buffer_text(&text), &json_record_limits, &error), !twice);
	}
	json_buffer_free(&text);
}

static void limits_are_exact(void **state)
{
	(void)state;
	struct json_limits three = {100, 3};
	assert_true(json_check(json_of("[[[]]]"), &three, NULL));
	assert_false(json_check(json_of("[[[[]]]]"), &three, NULL));
	struct json_limits six = {6, 9};
	assert_true(json_check(json_of("[1,23]"), &six, NULL));
	assert_false(json_check(json_of("[1,234]"), &six, NULL));
	assert_false(json_check((struct json_text){0}, &six, NULL));
}

static void members_are_located(void **state)
{
	(void)state;
	struct json_text t = json_of("{ \"a\" : {\"b\":[1, {\"c\":\"}]\\\"\"} , null],\"\\u0064\":-5},"
	                             "\"e\":true , \"f\" :1.50}");
	assert_true(json_check(t, &json_record_limits, NULL));
	struct json_text a = json_get(t, "a");
	assert_int_equal(json_type(a), JSON_OBJECT);
	assert_int_equal(json_count(json_get(t, "a", "b")), 3);
	struct json_member m = json_next(json_first(json_get(a, "b")));
	assert_true(json_equals(json_get(m.value, "c"), "}]\""));
	assert_int_equal(json_type(json_next(m).value), JSON_NULL);
	assert_null(json_next(json_next(m)).value.at);
	int64_t number;
	assert_true(json_integer(json_get(a, "d"), &number));
	assert_int_equal(number, -5);
	assert_true(json_is_true(json_get(t, "e")));
	assert_true(json_same(json_get(t, "f"), json_of("1.50")));
	assert_int_equal(json_type(json_get(t, "nope", "deeper")), JSON_ABSENT);
	assert_int_equal(json_type(json_get(json_get(t, "e"), "x")), JSON_ABSENT);
	assert_false(json_is_empty(a));
	assert_true(json_is_empty(json_of("[ ]")));
	assert_true(json_is_empty(json_of("{}")));
	assert_true(json_is_empty(json_get(t, "f")));
	assert_true(json_is_empty(json_get(t, "nope")));

	static const char *const keys[] = {"f", "x", "a"};
	struct json_text found[3];
	json_pick(t, 3, keys, found);
	assert_true(json_same(found[0], json_of("1.50")));
	assert_null(found[1].at);
	assert_true(found[2].at == a.at && found[2].len == a.len);
}

static unsigned draw(unsigned below)
{
	static uint64_t state = 0x9e3779b97f4a7c15u;
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 33) % below;
}

/* Strings full of what looks like structure, some longer than any block, most without escapes. */
static void put_random_string(struct json_buffer *out)
{
	static const char *const parts[] = {"{", "}", "[", "]", ",", ":", " ", "a", "some words",
	                                    "\\\"", "\\\\", "\\u005d", "\xc3\xa9"};
	unsigned kinds = draw(3) == 0 ? 13 : 9, count = draw(8) == 0 ? draw(200) : draw(12);
	json_putc(out, '"');
	while (count-- > 0)
		json_puts(out, parts[draw(kinds)]);
	json_putc(out, '"');
}

static void put_random_value(struct json_buffer *out, unsigned depth)
{
	static const char *const scalars[] = {"null", "true", "-1.5e9", "0", "{}", "[]", "[ ]"};
	if (depth == 0 || draw(4) == 0) {
		if (draw(2) == 0)
			put_random_string(out);
		else
			json_puts(out, scalars[draw(7)]);
		return;
	}
	bool object = draw(2) == 0;
	unsigned count = draw(5);
	json_putc(out, object ? '{' : '[');
	for (unsigned i = 0; i < count; i++) {
		json_puts(out, i == 0 ? "" : draw(2) == 0 ? "," : " ,\n ");
		if (object) {
			json_puts(out, "\"}");
			json_putc(out, (char)('0' + i));
			json_puts(out, "\":");
		}
		put_random_value(out, depth - 1);
	}
	json_putc(out, object ? '}' : ']');
}

/* Behind the object, array or string at p, byte by byte. */
static const char *plain_end(const char *p)
{
	size_t depth = 0;
	bool in_string = false;
	do {
		if (in_string && *p == '\\')
			p++;
		else if (*p == '"')
			in_string = !in_string;
		else if (!in_string)
			depth += (size_t)(*p == '{' || *p == '[') - (size_t)(*p == '}' || *p == ']');
		p++;
	} while (depth > 0 || in_string);
	return p;
}

static void values_end_where_a_walk_byte_by_byte_ends(void **state)
{
	(void)state;
	struct json_buffer out = {0};
	for (int i = 0; i < 3000; i++) {
		out.len = 0;
		json_putc(&out, '[');
		put_random_value(&out, 1 + draw(9));
		json_putc(&out, ']');
		char *text = malloc(out.len); /* exact, as in why() */
		assert_non_null(text);
		memcpy(text, out.at, out.len);
		const char *end = text + out.len;
		assert_true(json_check((struct json_text){text, out.len}, &json_record_limits, NULL));
		bool in_string = false;
		for (const char *p = text; p < end; p++) {
			if (!in_string && strchr("{[\"", *p) != NULL)
				assert_ptr_equal(json_skip_value(p, end), plain_end(p));
			if (in_string && *p == '\\')
				p++;
			else if (*p == '"')
				in_string = !in_string;
		}
		free(text);
	}
	json_buffer_free(&out);
}

static void integers_keep_their_range(void **state)
{
	(void)state;
	int64_t n;
	assert_true(json_integer(json_of("9223372036854775807"), &n) && n == INT64_MAX);
	assert_true(json_integer(json_of("-9223372036854775808"), &n) && n == INT64_MIN);
	assert_false(json_integer(json_of("9223372036854775808"), &n));
	assert_false(json_integer(json_of("1.0"), &n));
	assert_false(json_integer(json_of("1e3"), &n));
	assert_false(json_integer(json_of("\"1\""), &n));
}

static void strings_are_decoded(void **state)
{
	(void)state;
	size_t len;
	char *s = json_string(json_of("\"a\\u0000\\n\\ud83d\\ude00\\u00e9\\u20ac\""), &len);
	assert_int_equal(len, 12);
	assert_memory_equal(s, "a\0\n\xf0\x9f\x98\x80\xc3\xa9\xe2\x82\xac", 13);
	free(s);
	assert_null(json_cstring(json_of("\"a\\u0000b\"")));
	assert_null(json_string(json_of("5"), NULL));
	assert_null(json_plain(json_of("\"a\\n\"")).at);
	assert_int_equal(json_plain(json_of("\"ab\"")).len, 2);
	assert_true(json_equals(json_of("\"\\u0061b\""), "ab"));
	assert_false(json_equals(json_of("\"ab\\u0000\""), "ab"));
}

static void buffers_write_json(void **state)
{
	(void)state;
	struct json_buffer b = {0};
	json_putc(&b, '{');
	json_put_key(&b, "a");
	json_put_string(&b, "q\"\\\n\x01\xc3\xa9\xff");
	json_put_key(&b, "n");
	json_putc(&b, '[');
	for (int i = 4; i <= 5; i++) {
		json_put_comma(&b);
		json_putf(&b, "%d", i);
	}
	json_puts(&b, "]}");
	json_putc(&b, '\0');
	assert_string_equal(b.at, "{\"a\":\"q\\\"\\\\\\n\\u0001\xc3\xa9\xef\xbf\xbd\",\"n\":[4,5]}");
	json_buffer_free(&b);
}

static const char *event(const char *text, struct event *e)
{
	assert_true(json_check(json_of(text), &json_record_limits, NULL));
	return event_read(json_of(text), e);
}

static void events_are_read(void **state)
{
	(void)state;
	struct event e;
	assert_null(event("{\"type\":\"ADDED\",\"object\":{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\","
	                  "\"metadata\":{\"namespace\":\"n\",\"name\":\"d\",\"uid\":\"u\"}}}", &e));
	assert_int_equal(e.type, EVENT_ADDED);
	assert_true(event_is(&e, "apps", "Deployment"));
	assert_false(event_is(&e, "app", "Deployment"));
	assert_false(event_is(&e, "", "Deployment"));
	char key[EVENT_KEY_SIZE];
	event_key(&e, key);
	assert_string_equal(key, "n/d");
	assert_null(event("{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"AgentCard\",\"metadata\":{"
	                  "\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}}", &e));
	assert_int_equal(e.mark, EVENT_MARK_END);
	assert_null(event("{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{"
	                  "\"annotations\":{\"agent-egress.dev/initial-events-begin\":\"true\"}}}}", &e));
	assert_int_equal(e.mark, EVENT_MARK_BEGIN);
}

static void events_with_unusable_parts_are_refused(void **state)
{
	(void)state;
	struct event e;
	assert_non_null(event("{\"type\":\"CHANGED\",\"object\":{}}", &e));
	assert_non_null(event("{\"type\":\"ADDED\",\"object\":[]}", &e));
	assert_non_null(event("{\"type\":\"ADDED\",\"object\":{\"kind\":\"A\",\"apiVersion\":\"v1\"}}", &e));
	assert_non_null(event("{\"type\":\"ADDED\",\"object\":{\"kind\":\"A\",\"apiVersion\":\"v1\","
	                      "\"metadata\":{\"name\":\"../x\"}}}", &e));
	assert_non_null(event("{\"type\":\"ADDED\",\"object\":{\"kind\":\"A\",\"apiVersion\":\"v1\","
	                      "\"metadata\":{\"name\":\"x\",\"namespace\":\"a/b\"}}}", &e));
	assert_non_null(event("{\"type\":\"ADDED\",\"object\":{\"kind\":\"A\",\"apiVersion\":\"v1\","
	                      "\"metadata\":{\"name\":\"x\\u0000\"}}}", &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid_texts_are_accepted),
		cmocka_unit_test(invalid_texts_are_refused_with_the_reason),
		cmocka_unit_test(each_control_character_is_refused_everywhere_in_a_string),
		cmocka_unit_test(a_surrogate_escape_is_one_half_of_a_pair),
		cmocka_unit_test(utf8_is_strict),
		cmocka_unit_test(duplicate_keys_are_found_in_small_and_large_objects),
		cmocka_unit_test(limits_are_exact),
		cmocka_unit_test(members_are_located),
		cmocka_unit_test(values_end_where_a_walk_byte_by_byte_ends),
		cmocka_unit_test(integers_keep_their_range),
		cmocka_unit_test(strings_are_decoded),
		cmocka_unit_test(buffers_write_json),
		cmocka_unit_test(events_are_read),
		cmocka_unit_test(events_with_unusable_parts_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
