/* Tables whose keys somebody else chooses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/table.h"

enum { NAMES = 512, LOW_BITS = 0x3ff };

struct entry {
	UT_hash_handle hh;
	char name[16];
};

/* The secret is 00 01 .. 0f, and the key as many bytes of 00 01 .. 0e. */
static void test_the_function_is_siphash_1_3(void **state)
{
	static const uint64_t secret[2] = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
	static const char key[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};
	(void)state;
	assert_true(json_table_sip(secret, key, 0) == 0xabac0158050fc4dcu);
	assert_true(json_table_sip(secret, key, 1) == 0xc9f49bf37d57ca93u);
	assert_true(json_table_sip(secret, key, 15) == 0xd320d86d2a519956u);
}

static unsigned jenkins(const char *name)
{
	unsigned hash;
	HASH_JEN(name, strlen(name), hash);
	return hash;
}

/* How many entries lie in the fullest bucket. */
static unsigned fullest(const struct entry *table)
{
	unsigned most = 0;
	for (unsigned i = 0; i < table->hh.tbl->num_buckets; i++)
		if (table->hh.tbl->buckets[i].count > most)
			most = table->hh.tbl->buckets[i].count;
	return most;
}

static void test_names_made_to_share_a_bucket_do_not(void **state)
{
	static struct entry entries[NAMES];
	struct entry *table = NULL, *entry, *next;
	unsigned made = 0;
	(void)state;
	for (unsigned i = 0; made < NAMES; i++) {
		entry = &entries[made];
		snprintf(entry->name, sizeof entry->name, "ns/a%u", i);
		if ((jenkins(entry->name) & LOW_BITS) != 0)
			continue;
		HASH_ADD_STR(table, name, entry);
		made++;
	}
	assert_true(fullest(table) < NAMES / 8);
	for (made = 0; made < NAMES; made++) {
		HASH_FIND_STR(table, entries[made].name, entry);
		assert_ptr_equal(entry, &entries[made]);
	}
	HASH_ITER(hh, table, entry, next)
	HASH_DEL(table, entry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_function_is_siphash_1_3),
		cmocka_unit_test(test_names_made_to_share_a_bucket_do_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
