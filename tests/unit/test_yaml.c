/* JSON as YAML: kube/yaml.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include <cmocka.h>

#include "kube/yaml.h"

static void becomes(const char *json, const char *yaml)
{
	struct json_buffer out = {0};
	assert_true(json_check(json_of(json), &json_record_limits, NULL));
	assert_true(kube_yaml_write(json_of(json), &out));
	json_putc(&out, '\0');
	assert_string_equal(out.at, yaml);
	json_buffer_free(&out);
}

static void members_keep_their_order(void **state)
{
	(void)state;
	becomes("{\"b\":1,\"a\":{\"d\":[],\"c\":{}}}", "b: 1\na:\n  d: []\n  c: {}\n");
	becomes("{\"egress\":[{}]}", "egress:\n- {}\n");
}

static void numbers_keep_their_spelling(void **state)
{
	(void)state;
	becomes("{\"a\":9007199254740993,\"b\":1.0,\"c\":1e3,\"d\":-0}",
	        "a: 9007199254740993\nb: 1.0\nc: 1e3\nd: -0\n");
}

static void strings_that_look_like_something_else_are_quoted(void **state)
{
	(void)state;
	static const char *const likely[] = {
	        "yes",       "No",         "ON",
	        "off",       "y",          "N",
	        "true",      "False",      "null",
	        "NULL",      "~",          "",
	        " ",         "1",          "-1",
	        "+1",        "1e3",        "1.0",
	        "0x10",      "0o17",       "017",
	        "0b1",       "1_000",      "22:22",
	        "190:20:30", "2026-01-02", "2026-01-02T03:04:05Z",
	        ".inf",      "-.INF",      ".nan",
	        "nan",       "<<",         "=",
	        "-",         "- a",        "? a",
	        ": a",       "a: b",       "a #b",
	        "#b",        "&a",         "*a",
	        "!a",        "|",          ">",
	        "'a'",       "\"a\"",      "%a",
	        "@a",        "`a",         "{a",
	        "[a",        "a]",         "a, b",
	        "---",       "...",        "10.0.0.0/8",
	        "::/0",      "a\nb",       "a\tb",
	        "\xc3\xa9",
	};
	for (size_t i = 0; i < sizeof likely / sizeof likely[0]; i++)
		if (kube_yaml_plain(likely[i], strlen(likely[i])))
			fail_msg("\"%s\" was plain", likely[i]);
	becomes("{\"on\":\"off\",\"<<\":\"22:22\"}", "\"on\": \"off\"\n\"<<\": \"22:22\"\n");
}

static void names_and_versions_are_plain(void **state)
{
	(void)state;
	becomes("{\"apiVersion\":\"networking.k8s.io/"
	        "v1\",\"kind\":\"NetworkPolicy\",\"name\":\"a-b.c\"}",
	        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nname: a-b.c\n");
}

static void control_characters_and_breaks_stay_inside_the_quotes(void **state)
{
	(void)state;
	becomes("\"a\\u0000b\\nc\\u2028d\\u007f\"", "\"a\\0b\\nc\\Ld\\x7F\"\n");
	becomes("{\"k\\n- x: y\":1}", "? \"k\\n- x: y\"\n: 1\n");
}

/* Every string comes back from a YAML parser as the same bytes, and as a string. */
static void every_short_string_comes_back(void **state)
{
	(void)state;
	static const char alphabet[] = "ab01:-#.~ \n'\"\\,[]{}&*!|>%@`?=_/\t+eExy";
	size_t count = sizeof alphabet - 1;
	for (size_t n = 0; n < count * count * count; n += 7) {
		char text[3] = {alphabet[n % count], alphabet[n / count % count],
		                alphabet[n / count / count]};
		struct json_buffer json = {0}, out = {0};
		json_put_string_n(&json, text, sizeof text);
		assert_true(kube_yaml_write(json_buffer_text(&json), &out));
		yaml_parser_t parser;
		yaml_document_t document;
		assert_true(yaml_parser_initialize(&parser));
		yaml_parser_set_input_string(&parser, (const unsigned char *)out.at, out.len);
		assert_true(yaml_parser_load(&parser, &document));
		yaml_node_t *root = yaml_document_get_root_node(&document);
		assert_int_equal(root->type, YAML_SCALAR_NODE);
		assert_int_equal(root->data.scalar.length, sizeof text);
		assert_memory_equal(root->data.scalar.value, text, sizeof text);
		yaml_document_delete(&document);
		yaml_parser_delete(&parser);
		json_buffer_free(&json);
		json_buffer_free(&out);
	}
}

static void the_deepest_record_is_written(void **state)
{
	(void)state;
	char json[1024];
	memset(json, '[', 512);
	memset(json + 512, ']', 511);
	json[1023] = '\0';
	char text[1100];
	snprintf(text, sizeof text, "%s]", json);
	struct json_buffer out = {0};
	assert_true(json_check(json_of(text), &json_record_limits, NULL));
	assert_true(kube_yaml_write(json_of(text), &out));
	json_buffer_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(members_keep_their_order),
	        cmocka_unit_test(numbers_keep_their_spelling),
	        cmocka_unit_test(strings_that_look_like_something_else_are_quoted),
	        cmocka_unit_test(names_and_versions_are_plain),
	        cmocka_unit_test(control_characters_and_breaks_stay_inside_the_quotes),
	        cmocka_unit_test(every_short_string_comes_back),
	        cmocka_unit_test(the_deepest_record_is_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
