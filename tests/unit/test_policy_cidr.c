/* CIDRs: the one spelling that counts, the words about every other, and containment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/cidr.h"

static const char not_one[] = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
static const char zeros[] = "must not have leading 0s in IP or prefix length";
static const char mapped[] = "must not have an IPv4-mapped IPv6 address";
static const char beyond[] = "must not have bits set beyond the prefix length";
static const char spelling[] = "must be in canonical form";

static const char *fault(const char *text)
{
	struct policy_cidr cidr;
	return policy_cidr_parse(json_of(text), &cidr);
}

static void expect_faults(const char *const texts[], const char *expected)
{
	for (size_t i = 0; texts[i] != NULL; i++) {
		const char *actual = fault(texts[i]);
		if (actual == NULL || strcmp(actual, expected) != 0)
			fail_msg("%s: %s", texts[i], actual == NULL ? "accepted" : actual);
	}
}

static bool holds(const char *outer, const char *inner)
{
	struct policy_cidr a, b;
	assert_null(policy_cidr_parse(json_of(outer), &a));
	assert_null(policy_cidr_parse(json_of(inner), &b));
	return policy_cidr_holds(&a, &b);
}

static void canonical_cidrs_are_accepted(void **state)
{
	(void)state;
	static const char *const good[] = {
		"0.0.0.0/0",     "10.0.0.0/8",        "255.255.255.255/32", "192.0.2.128/25",
		"128.0.0.0/1",   "::/0",              "::1/128",            "2001:db8::/32",
		"fd00:ec2::254/128", "2001:db8:0:1:1:1:1:1/128", "2001:db8::1:0:0:1/128",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", "8000::/1", "64:ff9b::/96",
	};
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		if (fault(good[i]) != NULL)
			fail_msg("%s: %s", good[i], fault(good[i]));
}

static void the_parts_of_a_cidr_are_read(void **state)
{
	(void)state;
	static const unsigned char v4[4] = {192, 0, 2, 128}, v6[16] = {0x20, 1, 0x0d, 0xb8};
	struct policy_cidr cidr;
	assert_null(policy_cidr_parse(json_of("192.0.2.128/25"), &cidr));
	assert_int_equal(cidr.bits, 32);
	assert_int_equal(cidr.prefix, 25);
	assert_memory_equal(cidr.ip, v4, sizeof v4);
	assert_null(policy_cidr_parse(json_of("2001:db8::/32"), &cidr));
	assert_int_equal(cidr.bits, 128);
	assert_int_equal(cidr.prefix, 32);
	assert_memory_equal(cidr.ip, v6, sizeof v6);
}

static void what_is_no_cidr_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"", "/", "/8", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/-1",
		"10.0.0.0/+8", "10.0.0.0/8 ", " 10.0.0.0/8", "10.0.0.0/8/8", "10.0.0/8", "10/8",
		"256.0.0.0/8", "10.0.0.0.0/8", "0x0a.0.0.0/8", "10.0.0.0/255.0.0.0", "10.0.0.0/0x8",
		"2001:db8::/", "2001:db8::/200", ":::/0", "1::2::3/128", "12345::/16", "g::/16",
		"fe80::1%eth0/128", "[::]/0", "example.com/8", "10.0.0.0/8\n", "10.0.0.0/1000",
		"10.0.0.0/99999999999999999999", "a/b",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999/128", NULL,
	};
	expect_faults(bad, not_one);
}

static void a_cidr_that_some_read_as_octal_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"010.0.0.0/8", "10.00.0.0/8", "10.0.0.08/32",
	                                  "10.0.0.0/08", "10.0.0.0/00", "2001:db8::/032", NULL};
	expect_faults(bad, zeros);
}

static void an_ipv4_address_within_an_ipv6_one_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"::ffff:10.0.0.0/104", "::ffff:0:0/96",
	                                  "::ffff:a00:0/104", "::10.0.0.0/104", NULL};
	expect_faults(bad, mapped);
}

static void bits_beyond_the_prefix_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"10.0.0.1/8",     "10.0.0.1/31", "128.0.0.0/0",
	                                  "2001:db8::1/64", "8000::/0",    "192.0.2.129/25",
	                                  "0.0.0.1/31",     NULL};
	expect_faults(bad, beyond);
}

static void ipv6_has_one_spelling(void **state)
{
	(void)state;
	static const char *const bad[] = {"2001:DB8::/32", "2001:0db8::/32", "2001:db8:0:0::/32",
	                                  "0:0:0:0:0:0:0:0/0", "2001:db8::0/32",
	                                  "2001:db8:0:0:1:0:0:1/128", NULL};
	expect_faults(bad, spelling);
}

static void a_nul_does_not_end_a_cidr(void **state)
{
	(void)state;
	struct policy_cidr cidr;
	struct json_text text = {"10.0.0.0/8\0.1/32", 16};
	assert_string_equal(policy_cidr_parse(text, &cidr), not_one);
	assert_string_equal(policy_cidr_parse((struct json_text){0}, &cidr), not_one);
}

/* The text of a CIDR need not be followed by anything. */
static void only_the_text_is_read(void **state)
{
	(void)state;
	struct policy_cidr cidr;
	struct json_text text = {"10.0.0.0/80", 10};
	assert_null(policy_cidr_parse(text, &cidr));
	assert_int_equal(cidr.prefix, 8);
}

static void containment(void **state)
{
	(void)state;
	assert_true(holds("10.0.0.0/8", "10.1.0.0/16"));
	assert_true(holds("10.0.0.0/8", "10.0.0.0/8"));
	assert_true(holds("0.0.0.0/0", "255.255.255.255/32"));
	assert_true(holds("10.0.0.128/25", "10.0.0.129/32"));
	assert_false(holds("10.0.0.128/25", "10.0.0.127/32"));
	assert_false(holds("10.1.0.0/16", "10.0.0.0/8"));
	assert_false(holds("10.0.0.0/9", "10.128.0.0/9"));
	assert_true(holds("2001:db8::/33", "2001:db8:7fff::/48"));
	assert_false(holds("2001:db8::/33", "2001:db8:8000::/48"));
	assert_true(holds("::/0", "fd00:ec2::254/128"));
	assert_false(holds("::/0", "10.0.0.0/8"));
	assert_false(holds("0.0.0.0/0", "::/0"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(canonical_cidrs_are_accepted),
		cmocka_unit_test(the_parts_of_a_cidr_are_read),
		cmocka_unit_test(what_is_no_cidr_is_refused),
		cmocka_unit_test(a_cidr_that_some_read_as_octal_is_refused),
		cmocka_unit_test(an_ipv4_address_within_an_ipv6_one_is_refused),
		cmocka_unit_test(bits_beyond_the_prefix_are_refused),
		cmocka_unit_test(ipv6_has_one_spelling),
		cmocka_unit_test(a_nul_does_not_end_a_cidr),
		cmocka_unit_test(only_the_text_is_read),
		cmocka_unit_test(containment),
	};
	return cmocka_run_group_tests_name("cidr", tests, NULL, NULL);
}
