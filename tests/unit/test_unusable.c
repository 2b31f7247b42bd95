/* Of a line that cannot be used, which object it is of: as much as can be told, and no more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "json/json.h"
#include "k8s/unusable.h"

#define IDENTITY "\"apiVersion\":\"agent.kagenti.dev/v1alpha1\",\"kind\":\"AgentCard\""
#define METADATA "\"metadata\":{\"namespace\":\"team-a\",\"name\":\"billing\"}"
#define START "{\"type\":\"MODIFIED\",\"object\":{" IDENTITY "," METADATA ","

static void expect_found(const char *line)
{
	struct event event;
	char key[EVENT_KEY_SIZE];
	if (!k8s_unusable_find(json_of(line), &event))
		fail_msg("not found in: %.200s", line);
	assert_true(event_is(&event, "agent.kagenti.dev", "AgentCard"));
	event_key(&event, key);
	assert_string_equal(key, "team-a/billing");
}

static void expect_none(const char *line)
{
	struct event event;
	if (k8s_unusable_find(json_of(line), &event))
		fail_msg("found in: %.200s", line);
}

static void test_faults_behind_the_name(void **state)
{
	(void)state;
	expect_found(START "\"spec\":{\"a\":1,\"a\":2}}}");
	expect_found(START "\"spec\":{\"a\":\"\xff\xfe\"}}}");
	expect_found(START "\"spec\":{\"a\":01}}}");
	expect_found(START "\"spec\":{\"a\":\"cut off");
	expect_found(START);
	expect_found(START "]]]}}}");
	expect_found("{\"type\":\"ADDED\",\"object\":{" IDENTITY ", \"metadata\" : { \"namespace\" : "
	             "\"team-a\" ,\t\"name\":\"billing\",\"annotations\":{\"a\":\"");
}

static void test_faults_before_the_name(void **state)
{
	(void)state;
	expect_found("{\"type\":\"ADDED\",\"object\":{\"a\":\"\xff\",\"b\":[[1,{\"name\":\"x\"},\"]}\\\"\"]],"
	             IDENTITY "," METADATA "}}");
	expect_found("{\"object\":{" METADATA "," IDENTITY "},\"type\":\"ADDED\"");
	expect_found("{\"type\":\"DELETED\",\"object\":{" IDENTITY
	             ",\"metadata\":{\"annotations\":{\"name\":\"\x01\"},\"name\":\"billing\","
	             "\"namespace\":\"team-a\"}}}");
	expect_none("{\"type\":\"ADDED\",\"object\":{,," IDENTITY "," METADATA "}}");
	expect_none("{\"type\":\"ADDED\",\"object\":{\"a\":\"never ends," IDENTITY "," METADATA "}}");
}

static void test_deep(void **state)
{
	(void)state;
	enum { DEPTH = 200000 };
	struct json_buffer line = {0};
	json_puts(&line, "{\"type\":\"ADDED\",\"object\":{\"a\":");
	for (int i = 0; i < DEPTH; i++)
		json_puts(&line, i % 2 == 0 ? "[" : "{\"a\":");
	json_puts(&line, "1");
	for (int i = DEPTH; i-- > 0;)
		json_puts(&line, i % 2 == 0 ? "]" : "}");
	json_puts(&line, "," IDENTITY "," METADATA "}}");
	json_putc(&line, '\0');
	expect_found(line.at);
	json_buffer_free(&line);
}

/* What would name another object is not guessed at. */
static void test_doubt(void **state)
{
	(void)state;
	expect_none("{\"type\":\"ADDED\",\"object\":{" IDENTITY "," METADATA "," METADATA "}}");
	expect_none("{\"type\":\"ADDED\",\"object\":{" IDENTITY
	            ",\"metadata\":{\"namespace\":\"team-a\",\"name\":\"billing\",\"name\":\"search\"}}}");
	expect_none("{\"type\":\"ADDED\",\"object\":{" IDENTITY
	            ",\"metadata\":{\"namespace\":\"team-a\",\"n\\u0061me\":\"x\",\"name\":\"billing\"}}}");
	expect_none("{\"type\":\"ADDED\",\"object\":{" IDENTITY
	            ",\"metadata\":{\"namespace\":\"team\\u002da\",\"name\":\"billing\"}}}");
	expect_none("{\"type\":\"ADDED\",\"object\":{" IDENTITY
	            ",\"metadata\":{\"namespace\":\"team-a\",\"name\":\"bill");
	expect_none("{\"type\":\"ADDED\",\"object\":{" IDENTITY
	            ",\"metadata\":{\"namespace\":7,\"name\":\"billing\"}}}");
	expect_none("{\"type\":\"ADDED\",\"object\":{" IDENTITY
	            ",\"metadata\":{\"namespace\":\"team-a\",\"name\":\"a/b\"}}}");
	expect_none("{\"type\":\"ADDED\",\"object\":{" METADATA "}}");
	expect_none("{\"type\":\"ADDED\",\"object\":{\"kind\":\"AgentCard\"," METADATA "}}");
}

static void test_no_object(void **state)
{
	(void)state;
	expect_none("");
	expect_none("nonsense");
	expect_none("[]");
	expect_none("{\"type\":\"BOOKMARK\",\"object\":{" IDENTITY "," METADATA "}}");
	expect_none("{\"type\":\"ERROR\",\"object\":{" IDENTITY "," METADATA "}}");
	expect_none("{\"type\":7,\"object\":{" IDENTITY "," METADATA "}}");
	expect_none("{\"object\":[" METADATA "]}");
}

static void test_item(void **state)
{
	(void)state;
	struct event event;
	char key[EVENT_KEY_SIZE];
	assert_true(k8s_unusable_find_item(json_of("{" METADATA ",\"spec\":[["), "v1", "ConfigMap", &event));
	assert_true(event_is(&event, "", "ConfigMap"));
	event_key(&event, key);
	assert_string_equal(key, "team-a/billing");
	assert_false(k8s_unusable_find_item(json_of("{\"spec\":[["), "v1", "ConfigMap", &event));
}

/* The ERROR event brings the same identity to the next stage; another ERROR brings none. */
static void test_told_and_read(void **state)
{
	(void)state;
	struct event named, error, again;
	struct json_buffer line = {0};
	assert_true(k8s_unusable_find(json_of(START), &named));
	k8s_unusable_put(&line, &named);
	assert_true(json_check(json_buffer_text(&line), &json_record_limits, NULL));
	assert_null(event_read(json_buffer_text(&line), &error));
	assert_true(k8s_unusable_read(&error, &again));
	assert_true(json_same(named.api_version, again.api_version) && json_same(named.kind, again.kind));
	assert_true(json_same(named.namespace, again.namespace) && json_same(named.name, again.name));
	json_buffer_free(&line);
	static const char *const others[] = {
		"{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"reason\":\"RecordRejected\"}}",
		"{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"reason\":\"Expired\",\"details\":{" IDENTITY
		",\"namespace\":\"team-a\",\"name\":\"billing\"}}}",
		"{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"reason\":\"RecordRejected\",\"details\":{"
		IDENTITY ",\"name\":\"a b\"}}}",
	};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		assert_null(event_read(json_of(others[i]), &error));
		assert_false(k8s_unusable_read(&error, &again));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults_behind_the_name),
		cmocka_unit_test(test_faults_before_the_name),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_doubt),
		cmocka_unit_test(test_no_object),
		cmocka_unit_test(test_item),
		cmocka_unit_test(test_told_and_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
