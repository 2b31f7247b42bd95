/* Exceptions and port ranges written out: exactly what the rule means, or nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "rules/expand.h"

static size_t expand(const char *block, struct policy_cidr pieces[POLICY_PIECES_MAX])
{
	return policy_block_expand(json_of(block), pieces);
}

static void expect(const char *block, const char *expected)
{
	struct policy_cidr pieces[POLICY_PIECES_MAX];
	struct json_buffer text = {0};
	size_t count = expand(block, pieces);
	assert_in_range(count, 0, POLICY_PIECES_MAX);
	for (size_t i = 0; i < count; i++) {
		json_puts(&text, i == 0 ? "" : " ");
		policy_cidr_put(&pieces[i], &text);
	}
	json_putc(&text, '\0');
	assert_string_equal(text.at, expected);
	json_buffer_free(&text);
}

static void a_block_without_exceptions_is_itself(void **state)
{
	(void)state;
	expect("{\"cidr\":\"203.0.113.0/24\"}", "\"203.0.113.0/24\"");
	expect("{\"cidr\":\"::/0\",\"except\":[]}", "\"::/0\"");
	expect("{\"cidr\":\"2001:db8::7/128\"}", "\"2001:db8::7/128\"");
}

static void what_is_excepted_is_cut_out(void **state)
{
	(void)state;
	expect("{\"cidr\":\"203.0.113.0/24\",\"except\":[\"203.0.113.0/25\"]}",
	       "\"203.0.113.128/25\"");
	expect("{\"cidr\":\"203.0.113.0/30\",\"except\":[\"203.0.113.2/32\"]}",
	       "\"203.0.113.0/31\" \"203.0.113.3/32\"");
	expect("{\"cidr\":\"0.0.0.0/0\",\"except\":[\"128.0.0.0/2\",\"192.0.0.0/2\"]}",
	       "\"0.0.0.0/1\"");
	expect("{\"cidr\":\"2001:db8::/126\",\"except\":[\"2001:db8::/127\",\"2001:db8::3/128\"]}",
	       "\"2001:db8::2/128\"");
}

static void nothing_is_left_of_a_block_that_is_excepted_whole(void **state)
{
	(void)state;
	expect("{\"cidr\":\"203.0.113.0/24\",\"except\":[\"203.0.113.0/25\",\"203.0.113.128/25\"]}",
	       "");
	expect("{\"cidr\":\"203.0.113.0/24\",\"except\":[\"203.0.113.0/24\"]}", "");
	expect("{\"cidr\":\"203.0.113.0/24\",\"except\":[\"203.0.0.0/16\"]}", "");
}

static void what_cannot_be_read_opens_nothing(void **state)
{
	(void)state;
	expect("{\"cidr\":\"203.0.113.0/24\",\"except\":[\"203.0.113.1/24\"]}", "");
	expect("{\"cidr\":\"203.0.113.0\"}", "");
	expect("{}", "");
}

static uint64_t random_state;

static uint32_t draw(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 32);
}

/* In 10.0.0.0/22 every address is asked for. */
static bool covered(const struct policy_cidr pieces[], size_t count, uint32_t host)
{
	struct policy_cidr address = {
	        .ip = {10, 0, (unsigned char)(host >> 8), (unsigned char)host},
	        .bits = 32,
	        .prefix = 32};
	size_t found = 0;
	for (size_t i = 0; i < count; i++)
		found += policy_cidr_holds(&pieces[i], &address);
	assert_in_range(found, 0, 1);
	return found == 1;
}

static void the_pieces_are_the_block_less_its_exceptions(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct policy_cidr pieces[POLICY_PIECES_MAX];
		struct json_buffer block = {0};
		bool excepted[1024] = {false};
		random_state = seed * 0x9e3779b97f4a7c15u;
		json_puts(&block, "{\"cidr\":\"10.0.0.0/22\",\"except\":[");
		for (unsigned i = 0, n = draw() % 6; i < n; i++) {
			unsigned prefix = 23 + draw() % 10, size = 1u << (32 - prefix);
			unsigned first = draw() % 1024 & ~(size - 1);
			json_putf(&block, "%s\"10.0.%u.%u/%u\"", i == 0 ? "" : ",", first >> 8,
			          first & 255, prefix);
			memset(excepted + first, true, size);
		}
		json_puts(&block, "]}");
		size_t count = policy_block_expand(json_buffer_text(&block), pieces);
		for (uint32_t host = 0; host < 1024; host++)
			if (covered(pieces, count, host) == excepted[host])
				fail_msg("seed %llu, %.*s: host %u", (unsigned long long)seed,
				         (int)block.len, block.at, host);
		json_buffer_free(&block);
	}
}

static void too_many_pieces_are_reported_not_cut(void **state)
{
	(void)state;
	struct policy_cidr pieces[POLICY_PIECES_MAX];
	struct json_buffer block = {0};
	json_puts(&block, "{\"cidr\":\"::/0\",\"except\":[\"2001:db8::/128\"");
	for (unsigned i = 1; i < 4; i++)
		json_putf(&block, ",\"%x00:db8::/128\"", i + 2);
	json_puts(&block, "]}");
	assert_int_equal(policy_block_expand(json_buffer_text(&block), pieces),
	                 POLICY_PIECES_MAX + 1);
	json_buffer_free(&block);
	assert_int_equal(expand("{\"cidr\":\"::/0\",\"except\":[\"2001:db8::/128\"]}", pieces),
	                 128);
}

static void ports_are_those_of_the_protocol_in_order_and_once(void **state)
{
	(void)state;
	struct policy_ports ports;
	struct json_text text = json_of("[{\"port\":443},{\"port\":53,\"protocol\":\"UDP\"},"
	                                "{\"port\":441,\"endPort\":444,\"protocol\":\"TCP\"}]");
	policy_ports_expand(text, POLICY_TCP, &ports);
	assert_int_equal(ports.count, 4);
	assert_int_equal(ports.at[0], 443);
	assert_int_equal(ports.at[1], 441);
	assert_int_equal(ports.at[3], 444);
	assert_false(ports.all || ports.named || ports.many);
	policy_ports_expand(text, POLICY_UDP, &ports);
	assert_int_equal(ports.count, 1);
	policy_ports_expand(text, POLICY_SCTP, &ports);
	assert_int_equal(ports.count, 0);
	assert_false(ports.all);
}

static void what_is_no_number_is_told_apart(void **state)
{
	(void)state;
	struct policy_ports ports;
	policy_ports_expand((struct json_text){0}, POLICY_SCTP, &ports);
	assert_true(ports.all);
	policy_ports_expand(json_of("[{\"protocol\":\"UDP\"},{\"port\":\"http\"}]"), POLICY_UDP,
	                    &ports);
	assert_true(ports.all && !ports.named);
	policy_ports_expand(json_of("[{\"protocol\":\"UDP\"},{\"port\":\"http\"}]"), POLICY_TCP,
	                    &ports);
	assert_true(ports.named && !ports.all && ports.count == 0);
}

static void a_range_that_does_not_fit_is_left_out_whole(void **state)
{
	(void)state;
	struct policy_ports ports;
	policy_ports_expand(json_of("[{\"port\":80},{\"port\":1,\"endPort\":65535},{\"port\":90}]"),
	                    POLICY_TCP, &ports);
	assert_true(ports.many);
	assert_int_equal(ports.count, 2);
	assert_int_equal(ports.at[1], 90);
	policy_ports_expand(json_of("[{\"port\":65280,\"endPort\":65535}]"), POLICY_TCP, &ports);
	assert_false(ports.many);
	assert_int_equal(ports.count, POLICY_PORTS_MAX);
	assert_int_equal(ports.at[255], 65535);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_block_without_exceptions_is_itself),
	        cmocka_unit_test(what_is_excepted_is_cut_out),
	        cmocka_unit_test(nothing_is_left_of_a_block_that_is_excepted_whole),
	        cmocka_unit_test(what_cannot_be_read_opens_nothing),
	        cmocka_unit_test(the_pieces_are_the_block_less_its_exceptions),
	        cmocka_unit_test(too_many_pieces_are_reported_not_cut),
	        cmocka_unit_test(ports_are_those_of_the_protocol_in_order_and_once),
	        cmocka_unit_test(what_is_no_number_is_told_apart),
	        cmocka_unit_test(a_range_that_does_not_fit_is_left_out_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
