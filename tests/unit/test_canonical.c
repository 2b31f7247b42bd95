/* The three canonical forms: published vectors, and rules that they share. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "json/canonical.h"
#include "json/json.h"

static char *canonical_without(const char *text, size_t len, enum json_form form, const char *without)
{
	struct json_text value = {text, len};
	struct json_buffer out = {0};
	const char *reason = NULL;
	assert_true(json_check(value, &json_record_limits, NULL));
	assert_true(json_canonical(value, form, without, &out, &reason));
	json_putc(&out, '\0');
	return out.at;
}

static void expect_form(enum json_form form, const char *text, const char *expected)
{
	char *actual = canonical_without(text, strlen(text), form, NULL);
	assert_string_equal(actual, expected);
	free(actual);
}

static void expect_number(uint64_t bits, const char *expected)
{
	double number;
	char text[32];
	memcpy(&number, &bits, sizeof number);
	json_number_format(number, text, sizeof text);
	assert_string_equal(text, expected);
}

/* RFC 8785, appendix B. */
static void numbers_of_rfc_8785(void **state)
{
	(void)state;
	static const struct {
		uint64_t bits;
		const char *text;
	} vectors[] = {
		{0x0000000000000000, "0"},
		{0x8000000000000000, "0"},
		{0x0000000000000001, "5e-324"},
		{0x8000000000000001, "-5e-324"},
		{0x7fefffffffffffff, "1.7976931348623157e+308"},
		{0xffefffffffffffff, "-1.7976931348623157e+308"},
		{0x4340000000000000, "9007199254740992"},
		{0xc340000000000000, "-9007199254740992"},
		{0x4430000000000000, "295147905179352830000"},
		{0x44b52d02c7e14af5, "9.999999999999997e+22"},
		{0x44b52d02c7e14af6, "1e+23"},
		{0x44b52d02c7e14af7, "1.0000000000000001e+23"},
		{0x444b1ae4d6e2ef4e, "999999999999999700000"},
		{0x444b1ae4d6e2ef4f, "999999999999999900000"},
		{0x444b1ae4d6e2ef50, "1e+21"},
		{0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
		{0x3eb0c6f7a0b5ed8d, "0.000001"},
		{0x41b3de4355555553, "333333333.3333332"},
		{0x41b3de4355555554, "333333333.33333325"},
		{0x41b3de4355555555, "333333333.3333333"},
		{0x41b3de4355555556, "333333333.3333334"},
		{0x41b3de4355555557, "333333333.33333343"},
		{0xbecbf647612f3696, "-0.0000033333333333333333"},
		{0x43143ff3c1cb0959, "1424953923781206.2"},
	};
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
		expect_number(vectors[i].bits, vectors[i].text);
}

/* Powers of two are where the correctly rounded digits may not read back. */
static void numbers_at_powers_of_two(void **state)
{
	(void)state;
	expect_number(0x3d30000000000000, "5.684341886080802e-14"); /* 2^-44 */
	expect_number(0x0010000000000000, "2.2250738585072014e-308");
	expect_number(0x000fffffffffffff, "2.225073858507201e-308");
	for (int exponent = 0; exponent < 2047; exponent++) {
		uint64_t bits = (uint64_t)exponent << 52;
		double number, back;
		char text[32];
		memcpy(&number, &bits, sizeof number);
		json_number_format(number, text, sizeof text);
		back = strtod(text, NULL);
		assert_memory_equal(&number, &back, sizeof number);
	}
}

static void numbers_do_not_depend_on_the_locale(void **state)
{
	(void)state;
	static const char *const commas[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "nl_NL.UTF-8"};
	bool found = false;
	for (size_t i = 0; i < 3 && !found; i++)
		found = setlocale(LC_ALL, commas[i]) != NULL;
	expect_form(JSON_FORM_JCS, "[1.5,15e-1,0.25]", "[1.5,1.5,0.25]");
	setlocale(LC_ALL, "C");
}

static void spellings_of_a_number_are_one(void **state)
{
	(void)state;
	expect_form(JSON_FORM_JCS, "[1.0,1e0,10E-1,100e-2,1]", "[1,1,1,1,1]");
	expect_form(JSON_FORM_JCS, "[9007199254740993,333333333.33333329,1E30,4.50,2e-3,1e-27]",
	            "[9007199254740992,333333333.3333333,1e+30,4.5,0.002,1e-27]");
	expect_form(JSON_FORM_JCS, "[-0,-0.0,0e5,1e-400]", "[0,0,0,0]");
	expect_form(JSON_FORM_KAGENTI, "[-0,-0.0,0e5,-1e-400]", "[-0,-0,0,-0]");
	expect_form(JSON_FORM_KAGENTI, "[1e21,1e20,1e-7,1e-6,123456789012345678]",
	            "[1e+21,100000000000000000000,1e-7,0.000001,123456789012345680]");
}

static void a_number_beyond_doubles_has_no_form(void **state)
{
	(void)state;
	for (int form = 0; form < JSON_FORMS; form++) {
		struct json_buffer out = {0};
		const char *reason = NULL;
		json_puts(&out, "kept");
		assert_false(json_canonical(json_of("{\"a\":[1,{\"b\":-1e309}]}"), form, NULL, &out,
		                            &reason));
		assert_non_null(reason);
		assert_int_equal(out.len, 4);
		json_buffer_free(&out);
	}
}

/* RFC 8785, section 3.2.2 and 3.2.4. */
static void sample_of_rfc_8785(void **state)
{
	(void)state;
	expect_form(JSON_FORM_JCS,
	            "{\"numbers\":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"
	            "\"string\":\"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\","
	            "\"literals\":[null,true,false]}",
	            "{\"literals\":[null,true,false],"
	            "\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
	            "\"string\":\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
}

/* RFC 8785, section 3.2.3. */
static void keys_come_in_utf16_order(void **state)
{
	(void)state;
	const char *text = "{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage Return\","
			   "\"\\ufb33\":\"Hebrew Letter Dalet With Dagesh\",\"1\":\"One\","
			   "\"\\ud83d\\ude00\":\"Emoji: Grinning Face\",\"\\u0080\":\"Control\","
			   "\"\\u00f6\":\"Latin Small Letter O With Diaeresis\"}";
	expect_form(JSON_FORM_JCS, text,
	            "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\","
	            "\"\xc3\xb6\":\"Latin Small Letter O With Diaeresis\","
	            "\"\xe2\x82\xac\":\"Euro Sign\",\"\xf0\x9f\x98\x80\":\"Emoji: Grinning Face\","
	            "\"\xef\xac\xb3\":\"Hebrew Letter Dalet With Dagesh\"}");
	/* and Go sorts by UTF-8 bytes: the last two change places */
	expect_form(JSON_FORM_KAGENTI, "{\"\\ud83d\\ude00\":1,\"\\ufb33\":2,\"\\ue000\":3,\"z\":4}",
	            "{\"z\":4,\"\xee\x80\x80\":3,\"\xef\xac\xb3\":2,\"\xf0\x9f\x98\x80\":1}");
	expect_form(JSON_FORM_A2A, "{\"\\ufb33\":2,\"\\ud83d\\ude00\":1,\"\\ue000\":3,\"z\":4}",
	            "{\"z\":4,\"\xf0\x9f\x98\x80\":1,\"\xee\x80\x80\":3,\"\xef\xac\xb3\":2}");
}

static void a_prefix_sorts_first_and_objects_sort_inside(void **state)
{
	(void)state;
	expect_form(JSON_FORM_JCS, "{\"b\":{\"z\":1,\"a\":{\"y\":2,\"x\":3}},\"ab\":1,\"a\":2,\"\":0}",
	            "{\"\":0,\"a\":2,\"ab\":1,\"b\":{\"a\":{\"x\":3,\"y\":2},\"z\":1}}");
	expect_form(JSON_FORM_JCS, "{\"a\\u0000b\":1,\"a\\u0000\":2,\"a\":3}",
	            "{\"a\":3,\"a\\u0000\":2,\"a\\u0000b\":1}");
}

static void white_space_goes_and_arrays_keep_their_order(void **state)
{
	(void)state;
	expect_form(JSON_FORM_JCS, " { \"b\" : [ 3 , 1 , [ ] , { } ] ,\t\"a\" :\n\"\" }\r\n",
	            "{\"a\":\"\",\"b\":[3,1,[],{}]}");
}

static void empty_things_are_removed_inside_out(void **state)
{
	(void)state;
	const char *text = "{\"a\":null,\"b\":\"\",\"c\":[],\"d\":{},\"e\":{\"f\":[{\"g\":\"\"},null]},"
			   "\"h\":[\"\",1,{},false,0,[]],\"i\":false,\"j\":0,\"k\":\" \"}";
	expect_form(JSON_FORM_A2A, text, "{\"h\":[1,false,0],\"i\":false,\"j\":0,\"k\":\" \"}");
	expect_form(JSON_FORM_KAGENTI, text, "{\"h\":[1,false,0,[]],\"i\":false,\"j\":0,\"k\":\" \"}");
	expect_form(JSON_FORM_A2A, "{\"a\":[[[\"\"]]]}", "{}");
	expect_form(JSON_FORM_A2A, "[null]", "[]");
}

/* The operator's removal does not descend from an array into an array. */
static void kagenti_keeps_arrays_in_arrays_whole(void **state)
{
	(void)state;
	expect_form(JSON_FORM_KAGENTI, "{\"a\":[[\"\",null,{\"b\":\"\"},[]],\"\"]}",
	            "{\"a\":[[\"\",null,{\"b\":\"\"},[]]]}");
	expect_form(JSON_FORM_KAGENTI, "{\"a\":[{\"b\":[null]},{\"c\":\"\",\"d\":1}]}", "{\"a\":[{\"d\":1}]}");
}

static void control_characters_are_escaped_shortest(void **state)
{
	(void)state;
	const char *text = "\"\\u0000\\u0001\\b\\t\\n\\u000b\\f\\r\\u001f\\u007f\\/\"";
	const char *expected = "\"\\u0000\\u0001\\b\\t\\n\\u000b\\f\\r\\u001f\x7f/\"";
	expect_form(JSON_FORM_JCS, text, expected);
	expect_form(JSON_FORM_KAGENTI, text, expected);
}

static void only_go_escapes_html_and_line_separators(void **state)
{
	(void)state;
	/* NOLINTBEGIN(misc-misleading-bidirectional): the third is the control that must not be
	 * escaped */
	const char *text = "{\"<k>\":\"a<b>&c\\u2028\\u2029\\u202a\\u003c\xe2\x80\xa8\"}";
	expect_form(JSON_FORM_JCS, text,
	            "{\"<k>\":\"a<b>&c\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa<\xe2\x80\xa8\"}");
	expect_form(JSON_FORM_KAGENTI, text,
	            "{\"\\u003ck\\u003e\":\"a\\u003cb\\u003e\\u0026c\\u2028\\u2029\xe2\x80\xaa"
	            "\\u003c\\u2028\"}");
	/* NOLINTEND(misc-misleading-bidirectional) */
}

static void strings_are_not_normalized(void **state)
{
	(void)state;
	expect_form(JSON_FORM_JCS, "[\"\\u00c5\",\"A\\u030a\",\"\\u212b\"]",
	            "[\"\xc3\x85\",\"A\xcc\x8a\",\"\xe2\x84\xab\"]");
}

static void a_member_is_left_out_at_the_top_only(void **state)
{
	(void)state;
	static const char text[] =
		"{\"signatures\":[1],\"a\":{\"signatures\":2},\"signatures\\u0000\":3}";
	char *actual = canonical_without(text, strlen(text), JSON_FORM_JCS, "signatures");
	assert_string_equal(actual, "{\"a\":{\"signatures\":2},\"signatures\\u0000\":3}");
	free(actual);
	static const char escaped[] = "{\"sign\\u0061tures\":[1],\"b\":1}";
	actual = canonical_without(escaped, strlen(escaped), JSON_FORM_JCS, "signatures");
	assert_string_equal(actual, "{\"b\":1}");
	free(actual);
	static const char array[] = "[{\"signatures\":1}]";
	actual = canonical_without(array, strlen(array), JSON_FORM_JCS, "signatures");
	assert_string_equal(actual, "[{\"signatures\":1}]");
	free(actual);
}

static void the_deepest_text_is_written(void **state)
{
	(void)state;
	char text[JSON_DEPTH_MAX * 2 + 1];
	memset(text, '[', JSON_DEPTH_MAX);
	memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	text[JSON_DEPTH_MAX * 2] = '\0';
	expect_form(JSON_FORM_JCS, text, text);
	expect_form(JSON_FORM_A2A, text, "[]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_of_rfc_8785),
		cmocka_unit_test(numbers_at_powers_of_two),
		cmocka_unit_test(numbers_do_not_depend_on_the_locale),
		cmocka_unit_test(spellings_of_a_number_are_one),
		cmocka_unit_test(a_number_beyond_doubles_has_no_form),
		cmocka_unit_test(sample_of_rfc_8785),
		cmocka_unit_test(keys_come_in_utf16_order),
		cmocka_unit_test(a_prefix_sorts_first_and_objects_sort_inside),
		cmocka_unit_test(white_space_goes_and_arrays_keep_their_order),
		cmocka_unit_test(empty_things_are_removed_inside_out),
		cmocka_unit_test(kagenti_keeps_arrays_in_arrays_whole),
		cmocka_unit_test(control_characters_are_escaped_shortest),
		cmocka_unit_test(only_go_escapes_html_and_line_separators),
		cmocka_unit_test(strings_are_not_normalized),
		cmocka_unit_test(a_member_is_left_out_at_the_top_only),
		cmocka_unit_test(the_deepest_text_is_written),
	};
	return cmocka_run_group_tests_name("canonical", tests, NULL, NULL);
}
