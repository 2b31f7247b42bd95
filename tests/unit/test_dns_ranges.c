/* Addresses that a name server may bring, and those that it may not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/ranges.h"

static const struct dns_ranges none;

static struct policy_cidr address(const char *text)
{
	struct policy_cidr parsed;
	if (!dns_address_parse(json_of(text), &parsed))
		fail_msg("%s is no address", text);
	return parsed;
}

static const char *refusal(const struct dns_ranges *ranges, const char *text)
{
	struct policy_cidr ip = address(text);
	return dns_ranges_refuse(ranges, &ip);
}

static void expect_allowed(const struct dns_ranges *ranges, const char *const texts[])
{
	for (size_t i = 0; texts[i] != NULL; i++)
		if (refusal(ranges, texts[i]) != NULL)
			fail_msg("%s %s", texts[i], refusal(ranges, texts[i]));
}

static void expect_refused(const struct dns_ranges *ranges, const char *const texts[])
{
	for (size_t i = 0; texts[i] != NULL; i++)
		if (refusal(ranges, texts[i]) == NULL)
			fail_msg("%s is allowed", texts[i]);
}

static void public_addresses_are_allowed(void **state)
{
	(void)state;
	static const char *const good[] = {
		"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
		"128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0",
		"192.0.1.0", "192.0.3.0", "192.167.255.255", "192.169.0.0", "198.17.255.255",
		"198.20.0.0", "223.255.255.255", "2001:4860:4860::8888", "2606:4700::1111",
		"2a00:1450::1", "2001:200::1", "2400::1", NULL};
	expect_allowed(&none, good);
}

static void addresses_that_are_not_public_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"0.0.0.0", "0.1.2.3", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255",
		"127.0.0.1", "127.255.255.255", "169.254.0.0", "169.254.255.255", "172.16.0.0",
		"172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.0.0",
		"192.168.255.255", "198.18.0.0", "198.19.255.255", "198.51.100.1", "203.0.113.255",
		"224.0.0.0", "239.255.255.255", "240.0.0.0", "255.255.255.255",
		"::", "::1", "fc00::", "fdff::1", "fe80::1", "febf::1", "fec0::1", "ff02::1", "ff00::",
		"2001:db8::1", "2001:0:1::1", "2001:1ff::1", "3fff::1", "100::1", "5f00::1",
		"64:ff9b:1::1", "4000::1", "1fff::1", "8000::1", NULL};
	expect_refused(&none, bad);
}

static void an_ipv4_address_inside_of_an_ipv6_one_must_be_public_too(void **state)
{
	(void)state;
	static const char *const good[] = {"64:ff9b::101:101", "2002:101:101::1", NULL};
	static const char *const bad[] = {
		"64:ff9b::a00:1",      /* NAT64 of 10.0.0.1 */
		"64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::c0a8:1",
		"2002:a00:1::1",       /* 6to4 of 10.0.0.1 */
		"2002:7f00:1::", "2002:c0a8:101::1", NULL};
	expect_allowed(&none, good);
	expect_refused(&none, bad);
}

static void an_ipv4_address_written_as_ipv6_is_refused_whatever_is_allowed(void **state)
{
	(void)state;
	static const char *const bad[] = {"::ffff:1.1.1.1", "::ffff:10.0.0.1", "::1.1.1.1", NULL};
	static const struct policy_cidr all = {.bits = 128};
	const struct dns_ranges ranges = {.allowed = &all, .allowed_count = 1};
	expect_refused(&none, bad);
	expect_refused(&ranges, bad);
}

static void what_the_operator_allows_is_allowed(void **state)
{
	(void)state;
	static const struct policy_cidr allowed[] = {{{10, 1}, 32, 16}, {{0xfd, 1}, 128, 16}};
	const struct dns_ranges ranges = {.allowed = allowed, .allowed_count = 2};
	static const char *const good[] = {"10.1.2.3", "fd01::1", "64:ff9b::a01:203", NULL};
	static const char *const bad[] = {"10.2.0.1", "fd02::1", "64:ff9b::a02:1", NULL};
	expect_allowed(&ranges, good);
	expect_refused(&ranges, bad);
}

static void the_cluster_is_refused_unless_it_is_allowed(void **state)
{
	(void)state;
	static const struct policy_cidr cluster[] = {{{44}, 32, 8}, {{0x26, 0x06}, 128, 16}};
	static const struct policy_cidr allowed = {{44, 1}, 32, 16};
	const struct dns_ranges ranges = {&allowed, cluster, 1, 2};
	static const char *const good[] = {"44.1.0.1", "45.0.0.1", NULL};
	static const char *const bad[] = {"44.2.0.1", "2606:4700::1", "64:ff9b::2c02:1", NULL};
	expect_allowed(&ranges, good);
	expect_refused(&ranges, bad);
}

static void metadata_is_opened_only_by_its_own_address(void **state)
{
	(void)state;
	static const char *const metadata[] = {"169.254.169.254", "168.63.129.16",
	                                       "100.100.100.200", "fd00:ec2::254", NULL};
	static const struct policy_cidr wide[] = {{.bits = 32}, {.bits = 128}};
	static const struct policy_cidr one = {{169, 254, 169, 254}, 32, 32};
	const struct dns_ranges all = {.allowed = wide, .allowed_count = 2};
	const struct dns_ranges exact = {.allowed = &one, .allowed_count = 1};
	expect_refused(&none, metadata);
	expect_refused(&all, metadata);
	assert_null(refusal(&exact, "169.254.169.254"));
	assert_non_null(refusal(&exact, "169.254.170.2"));
}

static void only_canonical_addresses_are_read(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "1.1.1", "01.1.1.1", "1.1.1.1/32", "1.1.1.1 ", "::0",
	                                  "2001:DB8::1", "2001:0db8::1", "fe80::1%lo", "x", NULL};
	struct policy_cidr ip;
	for (size_t i = 0; bad[i] != NULL; i++)
		if (dns_address_parse(json_of(bad[i]), &ip))
			fail_msg("%s was read", bad[i]);
	assert_false(dns_address_parse((struct json_text){0}, &ip));
	assert_false(dns_address_parse((struct json_text){"1.1.1.1\0", 8}, &ip));
}

static void addresses_are_in_order_of_family_and_number(void **state)
{
	(void)state;
	struct policy_cidr a = address("9.0.0.1"), b = address("10.0.0.0"), c = address("::1");
	assert_true(dns_address_compare(&a, &b) < 0);
	assert_true(dns_address_compare(&b, &c) < 0);
	assert_true(dns_address_compare(&c, &a) > 0);
	assert_int_equal(dns_address_compare(&a, &a), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(public_addresses_are_allowed),
		cmocka_unit_test(addresses_that_are_not_public_are_refused),
		cmocka_unit_test(an_ipv4_address_inside_of_an_ipv6_one_must_be_public_too),
		cmocka_unit_test(an_ipv4_address_written_as_ipv6_is_refused_whatever_is_allowed),
		cmocka_unit_test(what_the_operator_allows_is_allowed),
		cmocka_unit_test(the_cluster_is_refused_unless_it_is_allowed),
		cmocka_unit_test(metadata_is_opened_only_by_its_own_address),
		cmocka_unit_test(only_canonical_addresses_are_read),
		cmocka_unit_test(addresses_are_in_order_of_family_and_number),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
