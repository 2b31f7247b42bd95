/* Names and their addresses over time: TTLs, grace, failures, bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "resolve/names.h"

#define NAME "api.example.com"

static const struct dns_settings usual = {.min_ttl = 30,
                                          .max_ttl = 300,
                                          .grace = 100,
                                          .stale = 1000,
                                          .max_addresses = 4,
                                          .max_names = 3};

struct table {
	struct dns_names *names;
	struct dns_use use;
};

static struct table open_table(const struct dns_settings *settings)
{
	struct table table = {.names = dns_names_new(settings)};
	return table;
}

static void want(struct table *table)
{
	dns_names_use(table->names, json_of(NAME), table, &table->use);
	assert_non_null(table->use.name);
}

static void close_table(struct table *table)
{
	dns_names_drop(table->names, &table->use);
	dns_names_free(table->names);
}

/* Takes an outcome: addresses separated by blanks; NULL: none. */
static void tell(struct table *table, int64_t at, enum dns_status status, uint32_t ttl,
                 const char *ips)
{
	struct dns_answer answer = {.status = status, .ttl = ttl, .name = NAME};
	char copy[1024], *left = NULL;
	snprintf(copy, sizeof copy, "%s", ips == NULL ? "" : ips);
	for (char *ip = strtok_r(copy, " ", &left); ip != NULL; ip = strtok_r(NULL, " ", &left)) {
		struct policy_cidr parsed;
		assert_true(dns_address_parse(json_of(ip), &parsed));
		answer.type = parsed.bits == 32 ? DNS_A : DNS_AAAA;
		dns_answer_add(&answer, &parsed);
	}
	dns_answer_sort(&answer);
	dns_names_answer(table->names, &answer, at);
	dns_answer_free(&answer);
}

static void expect(struct table *table, int64_t at, const char *ips)
{
	char text[1024] = "", ip[DNS_ADDRESS_SIZE];
	dns_names_time(table->names, at);
	const struct dns_family *family = &table->use.name->families[DNS_A];
	for (size_t i = 0; i < family->count; i++) {
		size_t len = strlen(text);
		dns_address_format(&family->addresses[i].ip, ip);
		snprintf(text + len, sizeof text - len, "%s%s", i == 0 ? "" : " ", ip);
	}
	assert_string_equal(text, ips);
}

static void expect_asked(struct table *table, int64_t at, bool asked)
{
	struct dns_question question;
	bool found = false;
	while (dns_names_next(table->names, at, &question))
		found = found || question.type == DNS_A;
	assert_int_equal(found, asked);
}

static void expect_problem(const struct table *table, const char *wanted)
{
	struct json_buffer problem = {0};
	dns_name_problem(table->use.name, &problem);
	json_putc(&problem, '\0');
	assert_string_equal(problem.at, wanted);
	json_buffer_free(&problem);
}

static void a_name_is_asked_for_at_once_and_again_when_its_ttl_has_passed(void **state)
{
	(void)state;
	struct table table = open_table(&usual);
	want(&table);
	expect_asked(&table, 1000, true);
	expect_asked(&table, 1000, false); /* it is in flight */
	tell(&table, 1000, DNS_NOERROR, 60, "1.1.1.1");
	expect_asked(&table, 1059, false);
	assert_int_equal(dns_names_due(table.names), 1060);
	expect_asked(&table, 1060, true);
	close_table(&table);
}

static void a_ttl_has_a_floor_and_a_ceiling(void **state)
{
	(void)state;
	struct table table = open_table(&usual);
	want(&table);
	expect_asked(&table, 0, true);
	tell(&table, 0, DNS_NOERROR, 0, "1.1.1.1");
	expect_asked(&table, 29, false);
	expect_asked(&table, 30, true);
	tell(&table, 30, DNS_NOERROR, 86400, "1.1.1.1");
	expect_asked(&table, 329, false);
	expect_asked(&table, 330, true);
	close_table(&table);
}

static void an_address_that_leaves_the_answer_counts_for_its_grace(void **state)
{
	(void)state;
	struct table table = open_table(&usual);
	want(&table);
	tell(&table, 0, DNS_NOERROR, 60, "1.1.1.1 1.1.1.2");
	tell(&table, 60, DNS_NOERROR, 60, "1.1.1.2 1.1.1.3");
	expect(&table, 159, "1.1.1.2 1.1.1.3 1.1.1.1");
	assert_int_equal(dns_names_expiry(table.names), 160);
	expect(&table, 160, "1.1.1.2 1.1.1.3");
	close_table(&table);
}

static void an_address_that_comes_back_does_not_end_with_its_old_grace(void **state)
{
	(void)state;
	struct table table = open_table(&usual);
	want(&table);
	tell(&table, 0, DNS_NOERROR, 60, "1.1.1.1");
	tell(&table, 60, DNS_NOERROR, 60, "1.1.1.2");
	tell(&table, 120, DNS_NOERROR, 60, "1.1.1.1");
	expect(&table, 1100, "1.1.1.1");
	close_table(&table);
}

static void further_answers_do_not_prolong_a_grace(void **state)
{
	(void)state;
	struct table table = open_table(&usual);
	want(&table);
	tell(&table, 0, DNS_NOERROR, 60, "1.1.1.1");
	tell(&table, 60, DNS_NOERROR, 30, "1.1.1.2");
	tell(&table, 90, DNS_NOERROR, 30, "1.1.1.2");
	tell(&table, 120, DNS_NXDOMAIN, 0, NULL);
	expect(&table, 159, "1.1.1.2 1.1.1.1");
	expect(&table, 160, "1.1.1.2");
	expect(&table, 220, "");
	close_table(&table);
}

static void without_grace_an_address_goes_with_the_answer(void **state)
{
	(void)state;
	struct dns_settings settings = usual;
	settings.grace = 0;
	struct table table = open_table(&settings);
	want(&table);
	tell(&table, 0, DNS_NOERROR, 60, "1.1.1.1");
	tell(&table, 60, DNS_NOERROR, 60, "1.1.1.2");
	expect(&table, 60, "1.1.1.2");
	close_table(&table);
}

static void a_name_that_is_gone_loses_its_addresses_after_the_grace(void **state)
{
	(void)state;
	static const enum dns_status gone[] = {DNS_NXDOMAIN, DNS_NODATA};
	for (size_t i = 0; i < 2; i++) {
		struct table table = open_table(&usual);
		want(&table);
		tell(&table, 0, DNS_NOERROR, 60, "1.1.1.1");
		tell(&table, 60, gone[i], 0, NULL);
		expect(&table, 159, "1.1.1.1");
		expect(&table, 160, "");
		expect_asked(&table, 60 + DNS_NEGATIVE_TTL - 1, false);
		expect_asked(&table, 60 + DNS_NEGATIVE_TTL, true);
		close_table(&table);
	}
}

static void a_failure_keeps_the_last_good_addresses_for_the_stale_time(void **state)
{
	(void)state;
	static const enum dns_status failures[] = {DNS_SERVFAIL, DNS_REFUSED, DNS_TIMEOUT,
	                                           DNS_UNANSWERED, DNS_BADREPLY};
	for (size_t i = 0; i < 5; i++) {
		struct table table = open_table(&usual);
		want(&table);
		tell(&table, 0, DNS_NOERROR, 60, "1.1.1.1");
		for (int64_t at = 60; at < 1060; at += 50)
			tell(&table, at, failures[i], 0, NULL);
		expect(&table, 1059, "1.1.1.1");
		expect(&table, 1060, "");
		close_table(&table);
	}
}

static void what_has_gone_stale_does_not_come_back_as_grace(void **state)
{
	(void)state;
	struct table table = open_table(&usual);
	want(&table);
	tell(&table, 0, DNS_NOERROR, 60, "1.1.1.1");
	tell(&table, 2000, DNS_NOERROR, 60, "1.1.1.2");
	expect(&table, 2000, "1.1.1.2");
	close_table(&table);
}

/* When the name is asked for again after failures in a row. */
static int64_t retry(struct table *table, int64_t at)
{
	struct dns_question question;
	tell(table, at, DNS_SERVFAIL, 0, NULL);
	while (dns_names_next(table->names, at, &question))
		assert_int_equal(question.type, DNS_AAAA); /* never told */
	return table->use.name->families[DNS_A].next - at;
}

static void failures_are_tried_again_ever_later_up_to_a_minute(void **state)
{
	(void)state;
	struct table table = open_table(&usual);
	want(&table);
	int64_t at = 0;
	static const int64_t most[] = {2, 4, 8, 16, 32, 60, 60, 60};
	for (size_t i = 0; i < sizeof most / sizeof most[0]; i++) {
		int64_t wait = retry(&table, at);
		assert_true(wait >= most[i] - most[i] / 2 && wait <= most[i]);
		at += wait;
	}
	tell(&table, at, DNS_NOERROR, 60, "1.1.1.1");
	assert_true(retry(&table, at + 60) <= 2);
	close_table(&table);
}

static void instances_with_different_seeds_do_not_retry_together(void **state)
{
	(void)state;
	bool differ = false;
	for (uint64_t seed = 1; seed < 20 && !differ; seed++) {
		struct dns_settings other = usual;
		other.seed = seed * 0x123456789abcdefu;
		struct table a = open_table(&usual), b = open_table(&other);
		want(&a);
		want(&b);
		for (int i = 0; i < 6; i++)
			differ = retry(&a, 0) != retry(&b, 0) || differ;
		close_table(&a);
		close_table(&b);
	}
	assert_true(differ);
}

static void of_too_many_addresses_the_same_ones_count_each_time(void **state)
{
	(void)state;
	struct table table = open_table(&usual);
	want(&table);
	tell(&table, 0, DNS_NOERROR, 60, "1.1.1.6 1.1.1.5 1.1.1.1 1.1.1.2 1.1.1.4 1.1.1.3");
	expect(&table, 0, "1.1.1.1 1.1.1.2 1.1.1.3 1.1.1.4");
	expect_problem(&table, "2 of its A records are left out: there are too many");
	tell(&table, 60, DNS_NOERROR, 60, "1.1.1.3 1.1.1.4 1.1.1.1 1.1.1.5 1.1.1.2 1.1.1.6");
	expect(&table, 60, "1.1.1.1 1.1.1.2 1.1.1.3 1.1.1.4");
	close_table(&table);
}

static void addresses_in_grace_give_way_to_those_of_the_answer(void **state)
{
	(void)state;
	struct table table = open_table(&usual);
	want(&table);
	tell(&table, 0, DNS_NOERROR, 30, "1.1.1.1 1.1.1.2");
	tell(&table, 30, DNS_NOERROR, 30, "1.1.1.3 1.1.1.4");
	tell(&table, 60, DNS_NOERROR, 30, "1.1.1.5 1.1.1.6 1.1.1.7");
	expect(&table, 60, "1.1.1.5 1.1.1.6 1.1.1.7 1.1.1.3");
	close_table(&table);
}

static void refused_addresses_do_not_count_and_are_told(void **state)
{
	(void)state;
	struct table table = open_table(&usual);
	want(&table);
	tell(&table, 0, DNS_NOERROR, 60, "10.0.0.1 1.1.1.1 127.0.0.1");
	expect(&table, 0, "1.1.1.1");
	expect_problem(&table, "2 of its addresses are refused: 10.0.0.1 is private");
	close_table(&table);
}

static void why_a_name_brings_nothing_is_said(void **state)
{
	(void)state;
	struct table table = open_table(&usual);
	struct dns_answer none = {.name = NAME, .type = DNS_AAAA, .status = DNS_NODATA};
	want(&table);
	expect_problem(&table, "no answer came yet");
	dns_names_answer(table.names, &none, 0);
	expect_problem(&table, "no answer came yet");
	tell(&table, 0, DNS_NODATA, 0, NULL);
	expect_problem(&table, "has no addresses");
	tell(&table, 0, DNS_NXDOMAIN, 0, NULL);
	expect_problem(&table, "does not exist (NXDOMAIN)");
	tell(&table, 0, DNS_TIMEOUT, 0, NULL);
	expect_problem(&table, "its name servers gave no answer (TIMEOUT)");
	tell(&table, 0, DNS_NOERROR, 60, "1.1.1.1");
	expect_problem(&table, "");
	close_table(&table);
}

static void a_change_is_told_once_and_no_change_not_at_all(void **state)
{
	(void)state;
	struct table table = open_table(&usual);
	want(&table);
	tell(&table, 0, DNS_NOERROR, 60, "1.1.1.1 1.1.1.2");
	assert_ptr_equal(dns_names_changed(table.names), table.use.name);
	assert_null(dns_names_changed(table.names));
	tell(&table, 60, DNS_NOERROR, 60, "1.1.1.2 1.1.1.1");
	tell(&table, 120, DNS_SERVFAIL, 0, NULL);
	assert_null(dns_names_changed(table.names));
	tell(&table, 130, DNS_NOERROR, 60, "1.1.1.1"); /* the other is in its grace */
	assert_null(dns_names_changed(table.names));
	dns_names_time(table.names, 230);
	assert_non_null(dns_names_changed(table.names));
	close_table(&table);
}

static void there_are_no_more_names_than_the_bound(void **state)
{
	(void)state;
	struct dns_names *names = dns_names_new(&usual);
	struct dns_use uses[4];
	static const char *const words[] = {"a.example", "b.example", "c.example", "d.example"};
	for (size_t i = 0; i < 4; i++)
		dns_names_use(names, json_of(words[i]), NULL, &uses[i]);
	assert_non_null(uses[2].name);
	assert_null(uses[3].name);
	dns_names_drop(names, &uses[0]);
	dns_names_use(names, json_of(words[3]), NULL, &uses[3]);
	assert_non_null(uses[3].name);
	assert_int_equal(dns_names_count(names), 3);
	for (size_t i = 0; i < 4; i++)
		dns_names_drop(names, &uses[i]);
	assert_int_equal(dns_names_count(names), 0);
	dns_names_free(names);
}

static void every_name_has_its_turn(void **state)
{
	(void)state;
	struct dns_names *names = dns_names_new(&usual);
	struct dns_use uses[3];
	static const char *const words[] = {"a.example", "b.example", "c.example"};
	struct dns_question question;
	int asked = 0;
	for (size_t i = 0; i < 3; i++)
		dns_names_use(names, json_of(words[i]), NULL, &uses[i]);
	while (dns_names_next(names, 0, &question))
		asked++;
	assert_int_equal(asked, 6);
	assert_int_equal(dns_names_due(names), DNS_NEVER);
	for (size_t i = 0; i < 3; i++)
		dns_names_drop(names, &uses[i]);
	dns_names_free(names);
}

static void an_answer_that_nobody_wants_any_more_is_of_no_use(void **state)
{
	(void)state;
	struct table table = open_table(&usual);
	struct dns_answer answer = {.name = NAME, .status = DNS_NODATA};
	assert_false(dns_names_answer(table.names, &answer, 0));
	dns_names_free(table.names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_asked_for_at_once_and_again_when_its_ttl_has_passed),
		cmocka_unit_test(a_ttl_has_a_floor_and_a_ceiling),
		cmocka_unit_test(an_address_that_leaves_the_answer_counts_for_its_grace),
		cmocka_unit_test(an_address_that_comes_back_does_not_end_with_its_old_grace),
		cmocka_unit_test(further_answers_do_not_prolong_a_grace),
		cmocka_unit_test(without_grace_an_address_goes_with_the_answer),
		cmocka_unit_test(a_name_that_is_gone_loses_its_addresses_after_the_grace),
		cmocka_unit_test(a_failure_keeps_the_last_good_addresses_for_the_stale_time),
		cmocka_unit_test(what_has_gone_stale_does_not_come_back_as_grace),
		cmocka_unit_test(failures_are_tried_again_ever_later_up_to_a_minute),
		cmocka_unit_test(instances_with_different_seeds_do_not_retry_together),
		cmocka_unit_test(of_too_many_addresses_the_same_ones_count_each_time),
		cmocka_unit_test(addresses_in_grace_give_way_to_those_of_the_answer),
		cmocka_unit_test(refused_addresses_do_not_count_and_are_told),
		cmocka_unit_test(why_a_name_brings_nothing_is_said),
		cmocka_unit_test(a_change_is_told_once_and_no_change_not_at_all),
		cmocka_unit_test(there_are_no_more_names_than_the_bound),
		cmocka_unit_test(every_name_has_its_turn),
		cmocka_unit_test(an_answer_that_nobody_wants_any_more_is_of_no_use),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
