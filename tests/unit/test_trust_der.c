/* DER lengths (X.690, sections 8.1.3 and 10.1): each has one spelling, and none leads out of the bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "trust/der.h"

/* Reads an OCTET STRING whose header is tag and `length`, with `content` bytes behind it, in bytes of
 * just that size, so that a sanitizer sees a step too far. Its content's length, or -1. */
static long read_one(const void *length, size_t length_len, size_t content)
{
	size_t len = 1 + length_len + content;
	uint8_t *bytes = calloc(1, len), tag = 0;
	assert_non_null(bytes);
	bytes[0] = DER_OCTET_STRING;
	memcpy(bytes + 1, length, length_len);
	struct der in = {bytes, len}, found, element;
	bool good = der_next(&in, &tag, &found, &element);
	if (good) {
		assert_int_equal(tag, DER_OCTET_STRING);
		assert_ptr_equal(found.p, bytes + 1 + length_len);
		assert_ptr_equal(element.p, bytes);
		assert_int_equal(element.len, 1 + length_len + found.len);
		assert_int_equal(in.len, content - found.len);
		assert_ptr_equal(in.p, found.p + found.len);
	} else {
		assert_ptr_equal(in.p, bytes); /* nothing was taken */
		assert_int_equal(in.len, len);
	}
	free(bytes);
	return good ? (long)found.len : -1;
}

#define ASSERT_LENGTH(bytes, content, wanted) \
	assert_int_equal(read_one(bytes, sizeof(bytes) - 1, content), wanted)

static void a_length_has_one_spelling(void **state)
{
	(void)state;
	ASSERT_LENGTH("\x00", 0, 0);
	ASSERT_LENGTH("\x01", 1, 1);
	ASSERT_LENGTH("\x7f", 0x7f, 0x7f);
	ASSERT_LENGTH("\x81\x80", 0x80, 0x80);
	ASSERT_LENGTH("\x81\xff", 0xff, 0xff);
	ASSERT_LENGTH("\x82\x01\x00", 0x100, 0x100);
	ASSERT_LENGTH("\x82\xff\xff", 0xffff, 0xffff);
	ASSERT_LENGTH("\x83\x01\x00\x00", 0x10000, 0x10000);
	/* longer than needed */
	ASSERT_LENGTH("\x81\x00", 0, -1);
	ASSERT_LENGTH("\x81\x01", 1, -1);
	ASSERT_LENGTH("\x81\x7f", 0x7f, -1);
	ASSERT_LENGTH("\x82\x00\x80", 0x80, -1);
	ASSERT_LENGTH("\x82\x00\xff", 0xff, -1);
	ASSERT_LENGTH("\x83\x00\x01\x00", 0x100, -1);
	ASSERT_LENGTH("\x83\x00\xff\xff", 0xffff, -1);
	/* not definite, reserved, or more than we read */
	ASSERT_LENGTH("\x80", 4, -1);
	ASSERT_LENGTH("\x80", 0x80, -1);
	ASSERT_LENGTH("\x84\x00\x00\x00\x80", 0x80, -1);
	ASSERT_LENGTH("\x84\x01\x00\x00\x00", 0x1000000, -1);
	ASSERT_LENGTH("\xff", 0x100, -1);
}

static void a_length_leads_not_out_of_the_bytes(void **state)
{
	(void)state;
	ASSERT_LENGTH("", 0, -1);
	ASSERT_LENGTH("\x01", 0, -1);
	ASSERT_LENGTH("\x05", 4, -1);
	ASSERT_LENGTH("\x05", 5, 5);
	ASSERT_LENGTH("\x05", 6, 5);
	ASSERT_LENGTH("\x81", 0, -1);
	ASSERT_LENGTH("\x82\x01", 0, -1);
	ASSERT_LENGTH("\x81\x80", 0x7f, -1);
	ASSERT_LENGTH("\x82\x01\x00", 0xff, -1);
	ASSERT_LENGTH("\x83\xff\xff\xff", 0x100, -1);
}

static void a_tag_is_one_byte(void **state)
{
	(void)state;
	static const uint8_t many[] = {0x1f, 0x00}, all[] = {0xff, 0x00}, one[] = {0x9e, 0x00};
	struct der in = {many, sizeof many}, content, element;
	uint8_t tag;
	assert_false(der_next(&in, &tag, &content, &element));
	in = (struct der){all, sizeof all};
	assert_false(der_next(&in, &tag, &content, &element));
	in = (struct der){one, sizeof one};
	assert_true(der_next(&in, &tag, &content, &element));
	assert_int_equal(tag, 0x9e);
}

static void another_tag_is_left_where_it_is(void **state)
{
	(void)state;
	static const uint8_t bytes[] = {DER_INTEGER, 1, 5};
	struct der in = {bytes, sizeof bytes}, content = {0};
	assert_false(der_read(&in, DER_OCTET_STRING, &content));
	assert_false(der_read_whole(&in, DER_OCTET_STRING, &content));
	assert_int_equal(in.len, sizeof bytes);
	assert_true(der_read_whole(&in, DER_INTEGER, &content));
	assert_int_equal(content.len, sizeof bytes);
	assert_int_equal(in.len, 0);
	assert_false(der_at(&in, DER_INTEGER));
	assert_false(der_read(&in, DER_INTEGER, &content));
}

/* 8.3.2: the first nine bits of an INTEGER are neither all zero nor all one. */
static void a_number_has_one_spelling(void **state)
{
	(void)state;
	static const struct {
		uint8_t bytes[5];
		size_t digits; /* 0: refused */
	} cases[] = {
		{{2, 1, 0}, 1},       {{2, 1, 0x7f}, 1},       {{2, 2, 0, 0x80}, 1},
		{{2, 2, 1, 0}, 2},    {{2, 0}, 0},             {{2, 1, 0x80}, 0},
		{{2, 2, 0, 0x7f}, 0}, {{2, 3, 0, 0, 0x80}, 0}, {{2, 2, 0xff, 0x7f}, 0},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct der in = {cases[i].bytes, 2u + cases[i].bytes[1]}, digits;
		assert_int_equal(der_read_unsigned(&in, &digits), cases[i].digits > 0);
		if (cases[i].digits > 0)
			assert_int_equal(digits.len, cases[i].digits);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_length_has_one_spelling),
		cmocka_unit_test(a_length_leads_not_out_of_the_bytes),
		cmocka_unit_test(a_tag_is_one_byte),
		cmocka_unit_test(another_tag_is_left_where_it_is),
		cmocka_unit_test(a_number_has_one_spelling),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
