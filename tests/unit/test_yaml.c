/* JSON as YAML: yaml/write.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include <cmocka.h>

#include "yaml/write.h"
#include "json/write.h"
#include "json/json.h"

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

static bool keep(void *context, struct json_text document)
{
	struct json_buffer *all = context;
	json_puttext(all, document);
	json_putc(all, '\n');
	return true;
}

/* `json`: a line a document; NULL: an error that says `error`. */
static void reads(const char *yaml, const char *json, const char *error)
{
	struct json_buffer all = {0};
	char told[KUBE_YAML_ERROR_SIZE];
	struct kube_yaml_visitor visitor = {keep, &all};
	bool good = kube_yaml_read(json_of(yaml), &visitor, told);
	json_putc(&all, '\0');
	if (good != (json != NULL) || (json != NULL && strcmp(json, all.at) != 0) ||
	    (error != NULL && strstr(told, error) == NULL))
		fail_msg("%s: %s %s", yaml, all.at, told);
	json_buffer_free(&all);
}

static void yaml_is_read_as_json(void **state)
{
	(void)state;
	reads("", "", NULL);
	reads("# nothing\n---\n---\n", "", NULL);
	reads("a: 1\nb: [x, \"1\", '2', -3, 4.5e1]\n",
	      "{\"a\":1,\"b\":[\"x\",\"1\",\"2\",-3,4.5e1]}\n", NULL);
	reads("a: 1\n---\nb: 2\n", "{\"a\":1}\n{\"b\":2}\n", NULL);
	reads("{\"a\": {\"b\": [true, null]}}", "{\"a\":{\"b\":[true,null]}}\n", NULL);
	reads("a: ~\nb:\nc: True\nd: yes\ne: 017\nf: 0x10\ng: 1.\n",
	      "{\"a\":null,\"b\":null,\"c\":true,\"d\":\"yes\",\"e\":\"017\",\"f\":\"0x10\",\"g\":\"1.\"}\n",
	      NULL);
	reads("a: &x {b: 1}\nc: *x\n", "{\"a\":{\"b\":1},\"c\":{\"b\":1}}\n", NULL);
	reads("a: |\n  two\n  lines\n", "{\"a\":\"two\\nlines\\n\"}\n", NULL);
}

static void what_is_no_json_is_refused_with_its_line(void **state)
{
	(void)state;
	reads("a: [1\n", NULL, "not YAML: line ");
	reads("a: 1\na: 2\n", NULL, "the document at line 1: duplicate key");
	reads("a: 1\n---\n? [1]\n: 2\n", NULL, "the document at line 2: ");
	reads("a: &x [*x]\n", NULL, "too deep");
}

/* Each level names the one before it ten times: a thousand million words in a few lines. */
static void aliases_are_not_followed_without_end(void **state)
{
	(void)state;
	struct json_buffer yaml = {0};
	json_puts(&yaml, "l0: &l0 [lol]\n");
	for (int level = 1; level < 10; level++) {
		json_putf(&yaml, "l%d: &l%d [", level, level);
		for (int i = 0; i < 10; i++)
			json_putf(&yaml, "%s*l%d", i > 0 ? ", " : "", level - 1);
		json_puts(&yaml, "]\n");
	}
	json_putc(&yaml, '\0');
	reads(yaml.at, NULL, "too large");
	json_buffer_free(&yaml);
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
	        cmocka_unit_test(yaml_is_read_as_json),
	        cmocka_unit_test(what_is_no_json_is_refused_with_its_line),
	        cmocka_unit_test(aliases_are_not_followed_without_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
