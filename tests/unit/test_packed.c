/* Texts held in little memory come back as they were. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/packed.h"
#include "json/json.h"

static void expect_text(const struct json_packer *packer, const struct json_packed *packed,
                        struct json_text text)
{
	struct json_buffer buffer = {0};
	assert_true(json_same(json_unpack(packer, packed, &buffer), text));
	json_buffer_free(&buffer);
}

/* `alike` bytes that all texts have, and `own` ones that only this one has. */
static struct json_text make_text(struct json_buffer *into, size_t alike, size_t own, unsigned seed)
{
	into->len = 0;
	for (size_t i = 0; i < alike + own; i++) {
		unsigned value = i < alike ? (unsigned)i * 7 : (seed = seed * 1103515245 + 12345) >> 16;
		json_putc(into, (char)value);
	}
	return json_buffer_text(into);
}

static void every_size_comes_back(void **state)
{
	(void)state;
	static const size_t sizes[] = {0, 1, 11, 511, 512, 513, 4096, 70000, JSON_RECORD_MAX};
	struct json_packer *packer = json_packer_new();
	struct json_packed packed[9][2] = {0};
	struct json_buffer buffer = {0};
	for (unsigned i = 0; i < 9; i++)
		for (unsigned half = 0; half < 2; half++)
			json_pack(packer, &packed[i][half],
			          make_text(&buffer, half == 0 ? 0 : sizes[i], half == 0 ? sizes[i] : 0, i));
	for (unsigned i = 0; i < 9; i++)
		for (unsigned half = 0; half < 2; half++) {
			expect_text(packer, &packed[i][half],
			            make_text(&buffer, half == 0 ? 0 : sizes[i], half == 0 ? sizes[i] : 0, i));
			json_packed_free(&packed[i][half]);
		}
	json_buffer_free(&buffer);
	json_packer_free(packer);
}

static void what_is_like_the_first_takes_little(void **state)
{
	(void)state;
	struct json_packer *packer = json_packer_new();
	struct json_packed packed = {0};
	struct json_buffer buffer = {0};
	json_pack(packer, &packed, make_text(&buffer, 2000, 100, 1));
	json_pack(packer, &packed, make_text(&buffer, 2000, 100, 2));
	assert_in_range(packed.held, 100, 300);
	expect_text(packer, &packed, make_text(&buffer, 2000, 100, 2));
	json_packed_free(&packed);
	json_buffer_free(&buffer);
	json_packer_free(packer);
}

static void it_is_told_whether_a_text_changed(void **state)
{
	(void)state;
	struct json_packer *packer = json_packer_new();
	struct json_packed packed = {0};
	struct json_buffer buffer = {0};
	assert_true(json_pack(packer, &packed, make_text(&buffer, 0, 100, 1)));
	assert_false(json_pack(packer, &packed, make_text(&buffer, 0, 100, 1)));
	assert_true(json_pack(packer, &packed, make_text(&buffer, 0, 100, 2)));
	assert_true(json_pack(packer, &packed, make_text(&buffer, 2000, 100, 3)));
	assert_false(json_pack(packer, &packed, make_text(&buffer, 2000, 100, 3)));
	assert_true(json_pack(packer, &packed, make_text(&buffer, 2000, 100, 4)));
	json_packed_free(&packed);
	expect_text(packer, &packed, (struct json_text){0});
	json_buffer_free(&buffer);
	json_packer_free(packer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_size_comes_back),
		cmocka_unit_test(what_is_like_the_first_takes_little),
		cmocka_unit_test(it_is_told_whether_a_text_changed),
	};
	return cmocka_run_group_tests_name("packed", tests, NULL, NULL);
}
