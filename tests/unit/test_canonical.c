/* Canonical forms: published vectors, and rules that they share. */
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "json/canonical.h"
#include "json/number.h"
#include "trust/card_fields_private.h"
#include "trust/forms.h"
#include "json/json.h"

/* The form of a text that is acceptable, closed by NUL; or NULL with the reason. */
static char *form_of(const char *text, enum trust_form form, char reason[TRUST_FORM_REASON_SIZE])
{
	struct json_nodes nodes = {0};
	struct json_buffer out = {0};
	assert_true(json_check(json_of(text), &json_record_limits, NULL));
	json_nodes_read(&nodes, json_of(text));
	json_puts(&out, "kept");
	bool exists = trust_form_put(&nodes, form, &out, reason);
	json_nodes_free(&nodes);
	assert_memory_equal(out.at, "kept", 4);
	if (!exists) {
		assert_int_equal(out.len, 4);
		json_buffer_free(&out);
		return NULL;
	}
	json_putc(&out, '\0');
	char *made = strdup(out.at + 4);
	json_buffer_free(&out);
	return made;
}

static void expect_form(enum trust_form form, const char *text, const char *expected)
{
	char reason[TRUST_FORM_REASON_SIZE];
	char *actual = form_of(text, form, reason);
	assert_non_null(actual);
	assert_string_equal(actual, expected);
	free(actual);
}

static void expect_no_form(enum trust_form form, const char *text, const char *expected)
{
	char reason[TRUST_FORM_REASON_SIZE];
	assert_null(form_of(text, form, reason));
	assert_non_null(strstr(reason, expected));
}

/* Of forms that have a schema: any value where one may be. */
static void expect_params(enum trust_form form, const char *text, const char *expected)
{
	static const char frame[] = "{\"capabilities\":{\"extensions\":[{\"params\":{\"v\":%s}}]}}";
	char *whole = NULL, *made = NULL;
	assert_true(asprintf(&whole, frame, text) > 0 && asprintf(&made, frame, expected) > 0);
	expect_form(form, whole, made);
	free(whole);
	free(made);
}

static void expect_number(uint64_t bits, const char *expected)
{
	double number;
	char text[JSON_NUMBER_SIZE];
	memcpy(&number, &bits, sizeof number);
	json_number_format(number, text);
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
		char text[JSON_NUMBER_SIZE];
		memcpy(&number, &bits, sizeof number);
		json_number_format(number, text);
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
	expect_form(TRUST_FORM_JCS, "[1.5,15e-1,0.25]", "[1.5,1.5,0.25]");
	setlocale(LC_ALL, "C");
}

static void spellings_of_a_number_are_one(void **state)
{
	(void)state;
	expect_form(TRUST_FORM_JCS, "[1.0,1e0,10E-1,100e-2,1]", "[1,1,1,1,1]");
	expect_form(TRUST_FORM_JCS, "[9007199254740993,333333333.33333329,1E30,4.50,2e-3,1e-27]",
	            "[9007199254740992,333333333.3333333,1e+30,4.5,0.002,1e-27]");
	expect_form(TRUST_FORM_JCS, "[-0,-0.0,0e5,1e-400]", "[0,0,0,0]");
	expect_params(TRUST_FORM_KAGENTI, "[-0,-0.0,0e5,-1e-400]", "[-0,-0,0,-0]");
	expect_params(TRUST_FORM_KAGENTI, "[1e21,1e20,1e-7,1e-6,123456789012345678]",
	            "[1e+21,100000000000000000000,1e-7,0.000001,123456789012345680]");
}

static void a_number_beyond_doubles_has_no_form(void **state)
{
	(void)state;
	const char *text = "{\"capabilities\":{\"extensions\":[{\"params\":{\"b\":-1e309}}]}}";
	for (int form = 0; form < TRUST_FORMS; form++)
		expect_no_form((enum trust_form)form, text, "out of the range of a double");
	/* where nobody reads it, it does no harm */
	expect_form(TRUST_FORM_A2A_SDK, "{\"x\":1e999,\"name\":\"n\"}", "{\"name\":\"n\"}");
}

static void python_writes_floats_as_repr_and_keeps_integers(void **state)
{
	(void)state;
	const char *text = "[5,5.0,-0,-0.0,1e-7,1e-5,0.0001,1e16,1e15,9007199254740993,"
	                   "123456789012345678901234567890,1e22,-2.5]";
	expect_params(TRUST_FORM_A2A_PYTHON_1, text,
	              "[5.0,5.0,0.0,-0.0,1e-07,1e-05,0.0001,1e+16,1000000000000000.0,"
	              "9007199254740992.0,1.2345678901234568e+29,1e+22,-2.5]");
	expect_params(TRUST_FORM_A2A_PYTHON_03, text,
	              "[5,5.0,0,-0.0,1e-07,1e-05,0.0001,1e+16,1000000000000000.0,"
	              "9007199254740993,123456789012345678901234567890,1e+22,-2.5]");
}

static void python_escapes_all_that_is_not_ascii(void **state)
{
	(void)state;
	expect_params(TRUST_FORM_A2A_PYTHON_1, "\"a\x7f\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80<\\b\\u000b\"",
	              "\"a\\u007f\\u00e9\\u20ac\\ud83d\\ude00<\\b\\u000b\"");
}

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Digits that read back, and no fewer that do: printf(3) and strtod(3) judge. */
static void expect_shortest(double number)
{
	char text[JSON_NUMBER_SIZE], shorter[64];
	double back, same;
	json_number_format(number, text);
	back = strtod(text, NULL);
	assert_memory_equal(&number, &back, sizeof number);
	same = json_number_read(json_of(text));
	assert_memory_equal(&number, &same, sizeof number);
	int count = json_decimal(number).count;
	if (count == 1)
		return;
	snprintf(shorter, sizeof shorter, "%.*e", count - 2, number);
	assert_true(strtod(shorter, NULL) != number);
}

static void random_numbers_are_shortest(void **state)
{
	(void)state;
	uint64_t seed = 88172645463325252u;
	for (int i = 0; i < 200000; i++) {
		uint64_t bits = next_random(&seed);
		double number;
		if (i % 4 == 1)
			bits &= 0x000fffffffffffffu; /* subnormal */
		else if (i % 4 == 2)
			bits &= 0xfffff00000000000u; /* few digits */
		memcpy(&number, &bits, sizeof number);
		if (isfinite(number) && number != 0)
			expect_shortest(number);
	}
}

/* RFC 8785, section 3.2.2 and 3.2.4. */
static void sample_of_rfc_8785(void **state)
{
	(void)state;
	expect_form(TRUST_FORM_JCS,
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
	expect_form(TRUST_FORM_JCS, text,
	            "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\","
	            "\"\xc3\xb6\":\"Latin Small Letter O With Diaeresis\","
	            "\"\xe2\x82\xac\":\"Euro Sign\",\"\xf0\x9f\x98\x80\":\"Emoji: Grinning Face\","
	            "\"\xef\xac\xb3\":\"Hebrew Letter Dalet With Dagesh\"}");
	/* and Go sorts by UTF-8 bytes: the last two change places */
	expect_params(TRUST_FORM_KAGENTI, "{\"\\ud83d\\ude00\":1,\"\\ufb33\":2,\"\\ue000\":3,\"z\":4}",
	            "{\"z\":4,\"\xee\x80\x80\":3,\"\xef\xac\xb3\":2,\"\xf0\x9f\x98\x80\":1}");
	expect_form(TRUST_FORM_A2A, "{\"\\ufb33\":2,\"\\ud83d\\ude00\":1,\"\\ue000\":3,\"z\":4}",
	            "{\"z\":4,\"\xf0\x9f\x98\x80\":1,\"\xee\x80\x80\":3,\"\xef\xac\xb3\":2}");
}

static void a_prefix_sorts_first_and_objects_sort_inside(void **state)
{
	(void)state;
	expect_form(TRUST_FORM_JCS, "{\"b\":{\"z\":1,\"a\":{\"y\":2,\"x\":3}},\"ab\":1,\"a\":2,\"\":0}",
	            "{\"\":0,\"a\":2,\"ab\":1,\"b\":{\"a\":{\"x\":3,\"y\":2},\"z\":1}}");
	expect_form(TRUST_FORM_JCS, "{\"a\\u0000b\":1,\"a\\u0000\":2,\"a\":3}",
	            "{\"a\":3,\"a\\u0000\":2,\"a\\u0000b\":1}");
}

static void white_space_goes_and_arrays_keep_their_order(void **state)
{
	(void)state;
	expect_form(TRUST_FORM_JCS, " { \"b\" : [ 3 , 1 , [ ] , { } ] ,\t\"a\" :\n\"\" }\r\n",
	            "{\"a\":\"\",\"b\":[3,1,[],{}]}");
}

static void empty_things_are_removed_inside_out(void **state)
{
	(void)state;
	const char *text = "{\"a\":null,\"b\":\"\",\"c\":[],\"d\":{},\"e\":{\"f\":[{\"g\":\"\"},null]},"
			   "\"h\":[\"\",1,{},false,0,[]],\"i\":false,\"j\":0,\"k\":\" \"}";
	expect_form(TRUST_FORM_A2A, text, "{\"h\":[1,false,0],\"i\":false,\"j\":0,\"k\":\" \"}");
	expect_params(TRUST_FORM_KAGENTI, text, "{\"h\":[1,false,0,[]],\"i\":false,\"j\":0,\"k\":\" \"}");
	expect_form(TRUST_FORM_A2A, "{\"a\":[[[\"\"]]]}", "{}");
	expect_form(TRUST_FORM_A2A, "[null]", "[]");
}

/* The operator's removal does not descend from an array into an array. */
static void kagenti_keeps_arrays_in_arrays_whole(void **state)
{
	(void)state;
	expect_params(TRUST_FORM_KAGENTI, "{\"a\":[[\"\",null,{\"b\":\"\"},[]],\"\"]}",
	            "{\"a\":[[\"\",null,{\"b\":\"\"},[]]]}");
	expect_params(TRUST_FORM_KAGENTI, "{\"a\":[{\"b\":[null]},{\"c\":\"\",\"d\":1}]}", "{\"a\":[{\"d\":1}]}");
}

static void control_characters_are_escaped_shortest(void **state)
{
	(void)state;
	const char *text = "\"\\u0000\\u0001\\b\\t\\n\\u000b\\f\\r\\u001f\\u007f\\/\"";
	const char *expected = "\"\\u0000\\u0001\\b\\t\\n\\u000b\\f\\r\\u001f\x7f/\"";
	expect_form(TRUST_FORM_JCS, text, expected);
	expect_params(TRUST_FORM_KAGENTI, text, expected);
}

static void only_go_escapes_html_and_line_separators(void **state)
{
	(void)state;
	/* NOLINTBEGIN(misc-misleading-bidirectional): the third is the control that must not be
	 * escaped */
	const char *text = "{\"<k>\":\"a<b>&c\\u2028\\u2029\\u202a\\u003c\xe2\x80\xa8\"}";
	expect_form(TRUST_FORM_JCS, text,
	            "{\"<k>\":\"a<b>&c\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa<\xe2\x80\xa8\"}");
	expect_params(TRUST_FORM_KAGENTI, text,
	            "{\"\\u003ck\\u003e\":\"a\\u003cb\\u003e\\u0026c\\u2028\\u2029\xe2\x80\xaa"
	            "\\u003c\\u2028\"}");
	/* NOLINTEND(misc-misleading-bidirectional) */
}

static void strings_are_not_normalized(void **state)
{
	(void)state;
	expect_form(TRUST_FORM_JCS, "[\"\\u00c5\",\"A\\u030a\",\"\\u212b\"]",
	            "[\"\xc3\x85\",\"A\xcc\x8a\",\"\xe2\x84\xab\"]");
}

static void signatures_are_left_out_at_the_top_only(void **state)
{
	(void)state;
	expect_form(TRUST_FORM_JCS,
	            "{\"signatures\":[1],\"a\":{\"signatures\":2},\"signatures\\u0000\":3}",
	            "{\"a\":{\"signatures\":2},\"signatures\\u0000\":3}");
	expect_form(TRUST_FORM_JCS, "{\"sign\\u0061tures\":[1],\"b\":1}", "{\"b\":1}");
	expect_form(TRUST_FORM_JCS, "[{\"signatures\":1}]", "[{\"signatures\":1}]");
}

/* The tables' order is the order of all forms. */
static void expect_sorted(const struct trust_message *message)
{
	for (unsigned i = 0; i < message->count; i++) {
		const struct trust_field *field = &message->fields[i];
		if (i > 0)
			assert_true(strcmp(message->fields[i - 1].name, field->name) < 0);
		if (field->kind == TRUST_FIELD_MESSAGE)
			expect_sorted(field->message);
	}
	for (unsigned i = 0; message->variants != NULL && message->variants[i] != NULL; i++)
		expect_sorted(message->variants[i]);
}

static void fields_stand_in_order(void **state)
{
	(void)state;
	expect_sorted(&trust_card_a2a);
	expect_sorted(&trust_card_operator);
	expect_sorted(&trust_card_a2a_03);
}

static void the_deepest_text_is_written(void **state)
{
	(void)state;
	char text[JSON_DEPTH_MAX * 2 + 1];
	memset(text, '[', JSON_DEPTH_MAX);
	memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	text[JSON_DEPTH_MAX * 2] = '\0';
	expect_form(TRUST_FORM_JCS, text, text);
	expect_form(TRUST_FORM_A2A, text, "[]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_of_rfc_8785),
		cmocka_unit_test(numbers_at_powers_of_two),
		cmocka_unit_test(numbers_do_not_depend_on_the_locale),
		cmocka_unit_test(spellings_of_a_number_are_one),
		cmocka_unit_test(a_number_beyond_doubles_has_no_form),
		cmocka_unit_test(python_writes_floats_as_repr_and_keeps_integers),
		cmocka_unit_test(python_escapes_all_that_is_not_ascii),
		cmocka_unit_test(random_numbers_are_shortest),
		cmocka_unit_test(sample_of_rfc_8785),
		cmocka_unit_test(keys_come_in_utf16_order),
		cmocka_unit_test(a_prefix_sorts_first_and_objects_sort_inside),
		cmocka_unit_test(white_space_goes_and_arrays_keep_their_order),
		cmocka_unit_test(empty_things_are_removed_inside_out),
		cmocka_unit_test(kagenti_keeps_arrays_in_arrays_whole),
		cmocka_unit_test(control_characters_are_escaped_shortest),
		cmocka_unit_test(only_go_escapes_html_and_line_separators),
		cmocka_unit_test(strings_are_not_normalized),
		cmocka_unit_test(signatures_are_left_out_at_the_top_only),
		cmocka_unit_test(fields_stand_in_order),
		cmocka_unit_test(the_deepest_text_is_written),
	};
	return cmocka_run_group_tests_name("canonical", tests, NULL, NULL);
}
