/* When agents are asked, and where: durations, moments, retries, addresses, answers. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fetch/address.h"
#include "fetch/answer.h"
#include "fetch/direct.h"
#include "fetch/schedule_private.h"

#define MINUTE 60000

static void durations_are_read_as_go_reads_them(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
		{"30s", 30000},       {"5m", 5 * MINUTE},      {"1m30s", 90000},
		{"1.5h", 90 * MINUTE}, {"+2s", 2000},           {".5s", 500},
		{"1.s", 1000},        {"100ms", 100},          {"1us", 1},
		{"1\xc2\xb5s", 1},    {"1\xce\xbcs", 1},       {"1ns", 1},
		{"0h1s", 1000},       {"1h1h", 120 * MINUTE},  {"2.000000001s", 2001},
		{"24h", AGENT_PERIOD_MAX_MS},
		{"25h", AGENT_PERIOD_MAX_MS},
		{"99999999999999999999999999h", AGENT_PERIOD_MAX_MS},
		{"99999999999999999999999999ns", AGENT_PERIOD_MAX_MS},
		{"23h23h23h", AGENT_PERIOD_MAX_MS},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int64_t ms = -1;
		if (!agent_duration(json_of(cases[i].text), &ms) || ms != cases[i].ms)
			fail_msg("%s: %lld", cases[i].text, (long long)ms);
	}
}

static void what_is_no_duration_is_refused(void **state)
{
	(void)state;
	static const char *const cases[] = {"",    "0",   "0s",   "30",   "-1s", "s",     "1x",
	                                    "1s ", " 1s", "1 s",  "1S",   "1ss", ".s",    "+",
	                                    "1s+", "1e3s", "1,5s", "1d",  "1.5", "0.0ns", "\xc2\xb5s"};
	int64_t ms = 7;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (agent_duration(json_of(cases[i]), &ms))
			fail_msg("%s", cases[i]);
	assert_false(agent_duration((struct json_text){0}, &ms));
	assert_int_equal(ms, 7);
}

static void each_agent_has_its_moment_in_every_period(void **state)
{
	(void)state;
	for (uint64_t hash = 1; hash < 1000000; hash = hash * 3 + 1) {
		int64_t now = 12345, next = agent_next(hash, MINUTE, now);
		assert_in_range(next - now, MINUTE / 2, MINUTE * 3 / 2);
		/* an answer takes a moment: the period stays what it is */
		assert_int_equal(agent_next(hash, MINUTE, next + 7), next + MINUTE);
	}
}

static void ten_thousand_agents_do_not_come_together(void **state)
{
	(void)state;
	unsigned counts[60] = {0};
	char key[64];
	for (int i = 0; i < 10000; i++) {
		snprintf(key, sizeof key, "team-%d/agent-%d", i % 17, i);
		counts[agent_next(json_hash(json_of(key)), MINUTE, 0) / 1000 % 60]++;
	}
	for (int i = 0; i < 60; i++)
		assert_in_range(counts[i], 80, 260);
}

static void retries_come_later_and_later_to_a_limit(void **state)
{
	(void)state;
	int64_t before = 0;
	for (unsigned tries = 1; tries < 200; tries++) {
		int64_t wait = agent_retry(0x123456789abcdef, tries, 1000, MINUTE, 5) - 5;
		assert_in_range(wait, 1000, MINUTE * 5 / 4);
		if (tries < 6)
			assert_true(wait > before);
		before = wait;
	}
	assert_true(before >= MINUTE);
}

static void only_names_become_part_of_an_address(void **state)
{
	(void)state;
	static const char *const unfit[] = {"",    "a.b", "A",   "a/b",  "-a",  "a-", "a:b", "a%2f",
	                                    "a b", "a?",  "a#b", "a@b", "..", "a\n", "\xc3\xa4"};
	struct json_text good = json_of("team-a"), nul = {"a\0b", 3};
	char label[65];
	for (size_t i = 0; i < sizeof unfit / sizeof *unfit; i++) {
		assert_non_null(agent_name_unfit(good, json_of(unfit[i])));
		assert_non_null(agent_name_unfit(json_of(unfit[i]), good));
	}
	assert_non_null(agent_name_unfit(good, nul));
	memset(label, 'a', 64);
	label[64] = '\0';
	assert_non_null(agent_name_unfit(good, json_of(label)));
	label[63] = '\0';
	assert_null(agent_name_unfit(good, json_of(label)));
	assert_null(agent_name_unfit(good, json_of("0-9")));
}

static void ports_and_domains_are_checked(void **state)
{
	(void)state;
	assert_true(agent_port_is_usable("8000") && agent_port_is_number("65535"));
	assert_true(agent_port_is_usable("http-2") && !agent_port_is_number("http-2"));
	static const char *const bad[] = {"", "0", "08", "65536", "123456", "a_b", "A", "-a", "a/b",
	                                  "1-2", "sixteen-letters-", "abcdefghijklmnop"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(agent_port_is_usable(bad[i]));
	assert_true(agent_domain_is_usable("cluster.local") && agent_domain_is_usable("a"));
	assert_false(agent_domain_is_usable("") || agent_domain_is_usable("a..b") ||
	             agent_domain_is_usable("a.") || agent_domain_is_usable(".a") ||
	             agent_domain_is_usable("a/b") || agent_domain_is_usable("a:1"));
}

static void redirects_stay_with_the_agent(void **state)
{
	(void)state;
	const char *origin = "http://a.b.svc.cluster.local:8000";
	static const struct {
		const char *to, *path; /* NULL: elsewhere */
	} cases[] = {
		{"http://a.b.svc.cluster.local:8000/x", "/x"},
		{"http://A.B.svc.cluster.LOCAL:8000/x?y=1#z", "/x?y=1"},
		{"http://user:word@a.b.svc.cluster.local:8000/", "/"},
		{"http://a.b.svc.cluster.local:8000", "/"},
		{"http://a.b.svc.cluster.local/x", NULL},
		{"https://a.b.svc.cluster.local:8000/x", NULL},
		{"http://a.b.svc.cluster.local:8000@evil.example/x", NULL},
		{"http://a.b.svc.cluster.local:8000.evil.example/x", NULL},
		{"http://evil.example:8000/x", NULL},
		{"http://a.b.svc.cluster.local.:8000/x", NULL},
		{"ftp://a.b.svc.cluster.local:8000/x", NULL},
		{"file:///etc/passwd", NULL},
		{"/x", NULL},
		{"", NULL},
		{"http://a.b.svc.cluster.local:8000/a b", NULL},
		{"http://a.b.svc.cluster.local:8000/\r\nX: y", NULL},
		{"http://a.b.svc.cluster.local:8000/\x7f", NULL},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct json_buffer path = {0};
		bool stays = agent_put_redirect(&path, origin, cases[i].to);
		if (stays != (cases[i].path != NULL) ||
		    (stays && !json_same(json_buffer_text(&path), json_of(cases[i].path))))
			fail_msg("%s: %.*s", cases[i].to, (int)path.len, path.at != NULL ? path.at : "");
		json_buffer_free(&path);
	}
}

static void inner_addresses_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool inner;
	} cases[] = {
		{"10.0.0.1", false},      {"192.168.1.1", false}, {"203.0.113.9", false},
		{"127.0.0.1", true},      {"127.9.9.9", true},    {"0.0.0.0", true},
		{"169.254.169.254", true},{"224.0.0.1", true},    {"255.255.255.255", true},
		{"fd00::1", false},       {"2001:db8::1", false}, {"::1", true},
		{"::", true},             {"fe80::1", true},      {"ff02::1", true},
		{"::ffff:127.0.0.1", true},    {"::ffff:169.254.169.254", true},
		{"::ffff:10.0.0.1", false},    {"::7f00:1", true},
		{"64:ff9b::169.254.169.254", true}, {"64:ff9b::10.0.0.1", false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct sockaddr_in v4 = {.sin_family = AF_INET};
		struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
		bool is_v4 = inet_pton(AF_INET, cases[i].text, &v4.sin_addr) == 1;
		assert_true(is_v4 || inet_pton(AF_INET6, cases[i].text, &v6.sin6_addr) == 1);
		const struct sockaddr *address =
			is_v4 ? (const struct sockaddr *)&v4 : (const struct sockaddr *)&v6;
		if (agent_address_is_inner(address) != cases[i].inner)
			fail_msg("%s", cases[i].text);
	}
}

static void expect_answer(long code, const char *body, bool proxied, enum agent_answer wanted)
{
	char why[AGENT_WHY_SIZE];
	enum agent_answer got = agent_judge(code, json_of(body), 100, proxied, why);
	if (got != wanted)
		fail_msg("%ld %s: %d, %s", code, body, (int)got, why);
	assert_int_equal(got == AGENT_FAILED, why[0] != '\0');
}

static void an_answer_means_one_thing(void **state)
{
	(void)state;
	static const char large[] = "{\"a\":\"1234567890123456789012345678901234567890123456789012345"
	                            "678901234567890123456789012345678901234567890\"}";
	const char *server = "{\"kind\":\"Status\",\"code\":404,\"message\":\"no service\"}";
	expect_answer(200, " {} ", false, AGENT_CARD);
	expect_answer(200, "", false, AGENT_FAILED);
	expect_answer(200, "[]", false, AGENT_FAILED);
	expect_answer(200, "{}{}", false, AGENT_FAILED);
	expect_answer(200, "{\"a\":1,\"a\":1}", false, AGENT_FAILED);
	expect_answer(200, large, false, AGENT_FAILED);
	expect_answer(201, "{}", false, AGENT_FAILED);
	expect_answer(204, "", false, AGENT_FAILED);
	expect_answer(206, "{}", false, AGENT_FAILED);
	expect_answer(302, "", false, AGENT_FAILED);
	expect_answer(404, "", false, AGENT_NO_SUCH);
	expect_answer(404, server, false, AGENT_NO_SUCH);
	expect_answer(404, server, true, AGENT_FAILED);
	expect_answer(404, "{\"detail\":\"Not Found\"}", true, AGENT_NO_SUCH);
	expect_answer(410, "", true, AGENT_GONE);
	expect_answer(410, server, true, AGENT_FAILED);
	expect_answer(403, server, true, AGENT_FAILED);
	expect_answer(0, "", true, AGENT_FAILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_are_read_as_go_reads_them),
		cmocka_unit_test(what_is_no_duration_is_refused),
		cmocka_unit_test(each_agent_has_its_moment_in_every_period),
		cmocka_unit_test(ten_thousand_agents_do_not_come_together),
		cmocka_unit_test(retries_come_later_and_later_to_a_limit),
		cmocka_unit_test(only_names_become_part_of_an_address),
		cmocka_unit_test(ports_and_domains_are_checked),
		cmocka_unit_test(redirects_stay_with_the_agent),
		cmocka_unit_test(inner_addresses_are_refused),
		cmocka_unit_test(an_answer_means_one_thing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
