/* What is said of a verdict: the `verification` member. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "trust/verdict.h"
#include "json/json.h"

static void expect_text(const struct trust_verdict *verdict, const char *source, const char *expected)
{
	struct json_buffer out = {0};
	trust_verdict_put(&out, verdict, source);
	assert_true(json_check(json_buffer_text(&out), &json_record_limits, NULL));
	json_putc(&out, '\0');
	assert_string_equal(out.at, expected);
	json_buffer_free(&out);
}

static void what_is_not_known_is_left_out(void **state)
{
	(void)state;
	struct trust_verdict verdict;
	trust_verdict_set(&verdict, TRUST_CARD_MISSING, "there is %s", "none");
	expect_text(&verdict, NULL, "{\"verified\":false,\"reason\":\"CardMissing\",\"message\":\"there is none\"}");
	assert_true(verdict.since == TRUST_TIME_MIN && verdict.until == TRUST_TIME_MAX);
}

static void a_proven_signature_is_named(void **state)
{
	(void)state;
	struct trust_verdict verdict;
	trust_verdict_set(&verdict, TRUST_VERIFIED, "ok");
	strcpy(verdict.spiffe_id, "spiffe://a/b");
	strcpy(verdict.key_id, "k\"1");
	strcpy(verdict.anchor, "0a1b");
	verdict.algorithm = "ES256";
	verdict.form = TRUST_FORM_A2A_SDK;
	verdict.not_after = 1800000000;
	expect_text(&verdict, "status.card",
	            "{\"verified\":true,\"reason\":\"Verified\",\"message\":\"ok\","
	            "\"spiffeID\":\"spiffe://a/b\",\"keyID\":\"k\\\"1\",\"algorithm\":\"ES256\","
	            "\"canonicalForm\":\"a2a-sdk\","
	            "\"anchor\":\"0a1b\",\"notAfter\":\"2027-01-15T08:00:00Z\",\"source\":\"status.card\"}");
}

static void what_a_terminal_would_act_on_is_not_passed_on(void **state)
{
	(void)state;
	struct trust_verdict verdict;
	/* NOLINTBEGIN(misc-misleading-bidirectional): what must not be passed on */
	trust_verdict_set(&verdict, TRUST_CARD_INVALID, "a\x1b[2Jb\nc\x7f" "d\xc2\x9b" "e\xe2\x80\xae" "f"
	                  "\xe2\x81\xa6g\xe2\x80\xa8h\xe2\x80\x94\xc3\xbc");
	/* NOLINTEND(misc-misleading-bidirectional) */
	strcpy(verdict.key_id, "k\r");
	expect_text(&verdict, "configmap \x1b",
	            "{\"verified\":false,\"reason\":\"CardInvalid\","
	            "\"message\":\"a?[2Jb?c?d?e?f?g?h\xe2\x80\x94\xc3\xbc\",\"keyID\":\"k?\","
	            "\"source\":\"configmap ?\"}");
}

static void a_long_message_is_cut_and_shows_it(void **state)
{
	(void)state;
	struct trust_verdict verdict;
	char text[4000];
	memset(text, 'm', sizeof text);
	text[sizeof text - 1] = '\0';
	trust_verdict_set(&verdict, TRUST_CHAIN_INVALID, "%s", text);
	assert_int_equal(strlen(verdict.message), TRUST_MESSAGE_SIZE - 1);
	assert_string_equal(verdict.message + TRUST_MESSAGE_SIZE - 5, "m...");
}

static void only_verified_is_verified(void **state)
{
	(void)state;
	for (int reason = 0; reason < TRUST_REASONS; reason++) {
		struct trust_verdict verdict;
		trust_verdict_set(&verdict, (enum trust_reason)reason, "x");
		assert_int_equal(verdict.verified, strcmp(trust_reason_names[reason], "Verified") == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_known_is_left_out),
		cmocka_unit_test(a_proven_signature_is_named),
		cmocka_unit_test(what_a_terminal_would_act_on_is_not_passed_on),
		cmocka_unit_test(a_long_message_is_cut_and_shows_it),
		cmocka_unit_test(only_verified_is_verified),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
