/* The syntax of SPIFFE IDs: SPIFFE-ID, section 2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "trust/spiffe.h"

static void expect_parts(const char *id, const char *domain, const char *path)
{
	struct trust_spiffe_id parts;
	assert_null(trust_spiffe_read(json_of(id), &parts));
	assert_true(json_same(parts.domain, json_of(domain)));
	assert_int_equal(parts.path.len, strlen(path));
	assert_memory_equal(parts.path.at, path, strlen(path));
}

static void an_id_has_a_trust_domain_and_a_path(void **state)
{
	(void)state;
	expect_parts("spiffe://example.org/ns/a/sa/b", "example.org", "/ns/a/sa/b");
	expect_parts("spiffe://example.org", "example.org", "");
	expect_parts("spiffe://a/b", "a", "/b");
	expect_parts("spiffe://1.2.3.4/x", "1.2.3.4", "/x");
	expect_parts("spiffe://a_b-c.d/Upper/CASE", "a_b-c.d", "/Upper/CASE");
	expect_parts("spiffe://a/...", "a", "/...");
	expect_parts("spiffe://a/.b/..c/d..", "a", "/.b/..c/d..");
	expect_parts("spiffe://a/0-_.", "a", "/0-_.");
}

static void everything_else_is_refused_and_says_why(void **state)
{
	(void)state;
	static const struct {
		const char *id, *why;
	} cases[] = {
		{"", "does not start with spiffe://"},
		{"spiffe:/", "does not start with spiffe://"},
		{"spiffe:a/b", "does not start with spiffe://"},
		{"SPIFFE://a/b", "does not start with spiffe://"},
		{"Spiffe://a/b", "does not start with spiffe://"},
		{"https://a/b", "does not start with spiffe://"},
		{" spiffe://a/b", "does not start with spiffe://"},
		{"spiffe://", "has no trust domain"},
		{"spiffe:///ns/a", "has no trust domain"},
		{"spiffe://Example.org/a", "has upper case in its trust domain"},
		{"spiffe://a:443/b", "holds a port"},
		{"spiffe://user@a/b", "holds a user name"},
		{"spiffe://u:p@a/b", "holds a port"},
		{"spiffe://a?x/b", "holds a query"},
		{"spiffe://a#x/b", "holds a fragment"},
		{"spiffe://%61/b", "holds a percent-encoding"},
		{"spiffe://[::1]/b", "holds a byte that is not allowed in the trust domain"},
		{"spiffe://a b/c", "holds a byte that is not allowed in the trust domain"},
		{"spiffe://\xc3\xa4/c", "holds a byte that is not allowed in the trust domain"},
		{"spiffe://a/", "ends in a slash"},
		{"spiffe://a/b/", "ends in a slash"},
		{"spiffe://a//b", "has an empty path segment"},
		{"spiffe://a/b//", "has an empty path segment"},
		{"spiffe://a/./b", "has a dot segment"},
		{"spiffe://a/../b", "has a dot segment"},
		{"spiffe://a/b/..", "has a dot segment"},
		{"spiffe://a/.", "has a dot segment"},
		{"spiffe://a/%2e%2e/b", "holds a percent-encoding"},
		{"spiffe://a/b?c", "holds a query"},
		{"spiffe://a/b#c", "holds a fragment"},
		{"spiffe://a/b@c", "holds a byte that is not allowed in the path"},
		{"spiffe://a/b:c", "holds a byte that is not allowed in the path"},
		{"spiffe://a/b c", "holds a byte that is not allowed in the path"},
		{"spiffe://a/b\\c", "holds a byte that is not allowed in the path"},
		{"spiffe://a/b\n", "holds a byte that is not allowed in the path"},
		{"spiffe://a/caf\xc3\xa9", "holds a byte that is not allowed in the path"},
		/* a zero-width space */
		{"spiffe://a/b\xe2\x80\x8b", "holds a byte that is not allowed in the path"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct trust_spiffe_id parts;
		const char *why = trust_spiffe_read(json_of(cases[i].id), &parts);
		if (why == NULL || strcmp(why, cases[i].why) != 0)
			print_error("%s %s\n", cases[i].id, why == NULL ? "is accepted" : why);
		assert_non_null(why);
		assert_string_equal(why, cases[i].why);
	}
}

static void a_nul_byte_does_not_end_an_id(void **state)
{
	(void)state;
	struct trust_spiffe_id parts;
	assert_string_equal(trust_spiffe_read((struct json_text){"spiffe://a/b\0", 13}, &parts),
	                    "holds a NUL byte");
	assert_string_equal(trust_spiffe_read((struct json_text){"spiffe://a\0b/c", 14}, &parts),
	                    "holds a NUL byte");
}

static void lengths_are_bounded(void **state)
{
	(void)state;
	char id[2100];
	struct trust_spiffe_id parts;
	memset(id, 'a', sizeof id);
	for (size_t i = 0; i < 9; i++)
		id[i] = "spiffe://"[i];
	id[9 + 255] = '/';
	assert_null(trust_spiffe_read((struct json_text){id, 2048}, &parts));
	assert_int_equal(parts.domain.len, 255);
	assert_string_equal(trust_spiffe_read((struct json_text){id, 2049}, &parts),
	                    "is longer than 2048 bytes");
	id[9 + 255] = 'a';
	id[9 + 256] = '/';
	assert_string_equal(trust_spiffe_read((struct json_text){id, 1000}, &parts),
	                    "has a trust domain longer than 255 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_has_a_trust_domain_and_a_path),
		cmocka_unit_test(everything_else_is_refused_and_says_why),
		cmocka_unit_test(a_nul_byte_does_not_end_an_id),
		cmocka_unit_test(lengths_are_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
