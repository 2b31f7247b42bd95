/* Answers as lines of a file, and as the bytes of a DNS reply. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <ares.h>
#include <cmocka.h>

#include "net/ranges.h"
#include "resolve/reply_private.h"
#include "resolve/resolver.h"
#include "json/json.h"

static const char *fault(const char *line)
{
	struct dns_answer answer = {0};
	assert_true(json_check(json_of(line), &json_record_limits, NULL));
	const char *why = dns_answer_read(json_of(line), &answer);
	dns_answer_free(&answer);
	return why;
}

static void an_answer_is_read_and_written_in_one_form(void **state)
{
	(void)state;
	static const char *const lines[] = {
		"{\"time\":\"2026-01-02T03:04:05Z\",\"name\":\"api.example.com\",\"type\":\"A\","
		"\"status\":\"NOERROR\",\"ttl\":60,\"addresses\":[\"1.1.1.1\",\"2.2.2.2\"]}",
		"{\"time\":\"2026-01-02T03:04:05Z\",\"name\":\"a\",\"type\":\"AAAA\","
		"\"status\":\"NOERROR\",\"ttl\":0,\"addresses\":[\"2606:4700::1\"]}",
		"{\"time\":\"2026-01-02T03:04:05Z\",\"name\":\"a\",\"type\":\"A\",\"status\":\"NXDOMAIN\"}",
		"{\"time\":\"2026-01-02T03:04:05Z\",\"name\":\"a\",\"type\":\"A\",\"status\":\"UNANSWERED\"}",
	};
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		struct dns_answer answer = {0};
		struct json_buffer out = {0};
		assert_null(dns_answer_read(json_of(lines[i]), &answer));
		dns_answer_put(&answer, &out);
		json_putc(&out, '\0');
		assert_string_equal(out.at, lines[i]);
		json_buffer_free(&out);
		dns_answer_free(&answer);
	}
}

static void the_order_and_number_of_times_of_addresses_do_not_matter(void **state)
{
	(void)state;
	struct dns_answer answer = {0};
	struct json_buffer out = {0};
	assert_null(dns_answer_read(
		json_of("{\"time\":\"2026-01-02T03:04:05Z\",\"name\":\"a\",\"type\":\"A\","
	                "\"status\":\"NOERROR\",\"ttl\":1,\"addresses\":"
	                "[\"10.0.0.1\",\"9.0.0.1\",\"10.0.0.1\"]}"),
		&answer));
	dns_answer_put(&answer, &out);
	json_putc(&out, '\0');
	assert_non_null(strstr(out.at, "[\"9.0.0.1\",\"10.0.0.1\"]"));
	json_buffer_free(&out);
	dns_answer_free(&answer);
}

#define ANSWER(time, name, type, rest)                                                             \
	"{\"time\":" time ",\"name\":" name ",\"type\":" type "," rest "}"
#define GOOD "\"status\":\"NOERROR\",\"ttl\":60,\"addresses\":[\"1.1.1.1\"]"
#define T "\"2026-01-02T03:04:05Z\""
#define N "\"a.example\""

static void what_is_no_answer_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"{}", "[]", "7",
		ANSWER("7", N, "\"A\"", GOOD), ANSWER("\"yesterday\"", N, "\"A\"", GOOD),
		ANSWER(T, "7", "\"A\"", GOOD), ANSWER(T, "\"\"", "\"A\"", GOOD),
		ANSWER(T, "\"A.EXAMPLE\"", "\"A\"", GOOD), ANSWER(T, "\"*.a\"", "\"A\"", GOOD),
		ANSWER(T, "\"a..b\"", "\"A\"", GOOD), ANSWER(T, "\"a.\"", "\"A\"", GOOD),
		ANSWER(T, N, "\"MX\"", GOOD), ANSWER(T, N, "\"AAAA\"", GOOD),
		ANSWER(T, N, "\"A\"", "\"status\":\"FINE\""), ANSWER(T, N, "\"A\"", "\"ttl\":60"),
		ANSWER(T, N, "\"A\"", "\"status\":\"NOERROR\",\"ttl\":60"),
		ANSWER(T, N, "\"A\"", "\"status\":\"NOERROR\",\"ttl\":60,\"addresses\":[]"),
		ANSWER(T, N, "\"A\"", "\"status\":\"NOERROR\",\"ttl\":-1,\"addresses\":[\"1.1.1.1\"]"),
		ANSWER(T, N, "\"A\"", "\"status\":\"NOERROR\",\"ttl\":1e3,\"addresses\":[\"1.1.1.1\"]"),
		ANSWER(T, N, "\"A\"", "\"status\":\"NOERROR\",\"ttl\":2147483648,\"addresses\":[\"1.1.1.1\"]"),
		ANSWER(T, N, "\"A\"", "\"status\":\"NOERROR\",\"ttl\":60,\"addresses\":[\"1.1.1.1/0\"]"),
		ANSWER(T, N, "\"A\"", "\"status\":\"NOERROR\",\"ttl\":60,\"addresses\":[7]"),
		ANSWER(T, N, "\"A\"", "\"status\":\"NXDOMAIN\",\"addresses\":[\"1.1.1.1\"]"),
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (fault(bad[i]) == NULL)
			fail_msg("%s was read", bad[i]);
	assert_null(fault(ANSWER(T, N, "\"A\"", GOOD)));
}

/* "example" CNAME "b" (TTL 20), b A 1.1.1.1 (60) and 1.1.1.2 (40). */
static const unsigned char chain[] =
	"\x12\x34\x81\x80\0\1\0\3\0\0\0\0"
	"\7example\0\0\1\0\1"
	"\7example\0\0\5\0\1\0\0\0\x14\0\3\1b\0"
	"\1b\0\0\1\0\1\0\0\0\x3c\0\4\1\1\1\1"
	"\1b\0\0\1\0\1\0\0\0\x28\0\4\1\1\1\2";
enum { CHAIN = sizeof chain - 1 };

static void a_chain_of_cnames_is_valid_no_longer_than_its_shortest_ttl(void **state)
{
	(void)state;
	struct dns_answer answer = {.name = "example"};
	dns_reply_read(ARES_SUCCESS, chain, CHAIN, &answer);
	assert_int_equal(answer.status, DNS_NOERROR);
	assert_int_equal(answer.count, 2);
	assert_int_equal(answer.ttl, 20);
	dns_answer_free(&answer);
}

static void an_address_of_another_name_is_not_taken(void **state)
{
	(void)state;
	unsigned char other[CHAIN];
	struct dns_answer answer = {.name = "example"};
	memcpy(other, chain, CHAIN);
	other[CHAIN - 16] = 'c'; /* the owner of the last record */
	dns_reply_read(ARES_SUCCESS, other, CHAIN, &answer);
	assert_int_equal(answer.count, 1);
	assert_int_equal(answer.addresses[0].ip[3], 1);
	dns_answer_free(&answer);
}

static void a_ttl_with_its_high_bit_set_is_zero(void **state)
{
	(void)state;
	unsigned char high[CHAIN];
	struct dns_answer answer = {.name = "example"};
	memcpy(high, chain, CHAIN);
	high[CHAIN - 10] = 0x80;
	dns_reply_read(ARES_SUCCESS, high, CHAIN, &answer);
	assert_int_equal(answer.status, DNS_NOERROR);
	assert_int_equal(answer.ttl, 0);
	dns_answer_free(&answer);
}

static void a_reply_that_is_cut_anywhere_brings_nothing(void **state)
{
	(void)state;
	for (size_t len = 0; len < CHAIN; len++) {
		struct dns_answer answer = {.name = "example"};
		unsigned char *copy = malloc(len + 1);
		memcpy(copy, chain, len);
		dns_reply_read(ARES_SUCCESS, copy, len, &answer);
		assert_int_not_equal(answer.status, DNS_NOERROR);
		assert_int_equal(answer.count, 0);
		free(copy);
		dns_answer_free(&answer);
	}
}

static void a_reply_without_addresses_of_the_family_has_no_data(void **state)
{
	(void)state;
	struct dns_answer answer = {.name = "example", .type = DNS_AAAA};
	dns_reply_read(ARES_SUCCESS, chain, CHAIN, &answer);
	assert_int_equal(answer.status, DNS_NODATA);
	dns_answer_free(&answer);
}

static void every_failure_is_a_failure_and_brings_nothing(void **state)
{
	(void)state;
	static const struct {
		int ares;
		enum dns_status status;
	} all[] = {{ARES_ENODATA, DNS_NODATA},       {ARES_ENOTFOUND, DNS_NXDOMAIN},
	           {ARES_ESERVFAIL, DNS_SERVFAIL},   {ARES_EREFUSED, DNS_REFUSED},
	           {ARES_ETIMEOUT, DNS_TIMEOUT},     {ARES_ECONNREFUSED, DNS_UNANSWERED},
	           {ARES_EBADRESP, DNS_BADREPLY},    {ARES_ENOMEM, DNS_BADREPLY},
	           {ARES_EFORMERR, DNS_BADREPLY}};
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		struct dns_answer answer = {.name = "example"};
		dns_reply_read(all[i].ares, chain, CHAIN, &answer);
		assert_int_equal(answer.status, all[i].status);
		assert_int_equal(answer.count, 0);
		dns_answer_free(&answer);
	}
}

static bool server(const char *word, const char *wanted)
{
	struct json_buffer out = {0};
	bool good = dns_resolver_server(word, &out);
	json_putc(&out, '\0');
	if (good)
		assert_string_equal(out.at, wanted);
	json_buffer_free(&out);
	return good;
}

static void servers_are_addresses_with_and_without_a_port(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"", "example.com", "1.1.1", "1.1.1.1:", "1.1.1.1:0", "1.1.1.1:65536", "1.1.1.1:x",
		"1.1.1.1:53:53", "1.1.1.1,2.2.2.2", "[1.1.1.1]:53", "[::1", "[::1]53", "[::1]:", "::1]",
		"[::1]:99999", "fe80::1%lo", NULL};
	assert_true(server("1.1.1.1", "1.1.1.1:53"));
	assert_true(server("1.1.1.1:5353", "1.1.1.1:5353"));
	assert_true(server("2001:db8::1", "[2001:db8::1]:53"));
	assert_true(server("[2001:db8::1]", "[2001:db8::1]:53"));
	assert_true(server("[2001:db8::1]:54", "[2001:db8::1]:54"));
	for (size_t i = 0; bad[i] != NULL; i++)
		if (server(bad[i], ""))
			fail_msg("%s is a server", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_read_and_written_in_one_form),
		cmocka_unit_test(the_order_and_number_of_times_of_addresses_do_not_matter),
		cmocka_unit_test(what_is_no_answer_is_refused),
		cmocka_unit_test(a_chain_of_cnames_is_valid_no_longer_than_its_shortest_ttl),
		cmocka_unit_test(an_address_of_another_name_is_not_taken),
		cmocka_unit_test(a_ttl_with_its_high_bit_set_is_zero),
		cmocka_unit_test(a_reply_that_is_cut_anywhere_brings_nothing),
		cmocka_unit_test(a_reply_without_addresses_of_the_family_has_no_data),
		cmocka_unit_test(every_failure_is_a_failure_and_brings_nothing),
		cmocka_unit_test(servers_are_addresses_with_and_without_a_port),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
