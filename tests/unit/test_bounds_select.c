/* Whom an entry of the admin's bounds selects, when the default counts, and what is no document. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bounds/bounds.h"

struct said {
	char text[4096]; /* "PATH: MESSAGE", a line each */
};

static void say(void *context, struct json_text at, const char *path, const char *message)
{
	struct said *said = context;
	size_t len = strlen(said->text);
	assert_non_null(at.at);
	snprintf(said->text + len, sizeof said->text - len, "%s: %s\n", path, message);
}

/* `members` with ' for ". */
static struct bounds *read(const char *members, struct said *said)
{
	char text[4096];
	struct document_faults faults = {say, said};
	snprintf(text, sizeof text, "{'apiVersion':'agent-egress.dev/v1alpha1','kind':'EgressBounds',%s}", members);
	for (char *p = text; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	said->text[0] = '\0';
	assert_true(json_check(json_of(text), &json_record_limits, NULL));
	struct bounds *bounds = bounds_read(json_of(text), &faults);
	memset(text, 'x', sizeof text); /* it holds a copy */
	return bounds;
}

static const char *selected(const char *members, const struct bounds_agent *agent)
{
	static char text[1024];
	struct said said = {{0}};
	struct bounds *bounds = read(members, &said);
	const struct bounds_entry *entry;
	enum bounds_match match;
	size_t index = 0;
	if (bounds == NULL)
		fail_msg("%s", said.text);
	text[0] = '\0';
	while ((entry = bounds_next(bounds, agent, &index, &match)) != NULL) {
		size_t len = strlen(text);
		assert_true(match == BOUNDS_YES || match == BOUNDS_MAY);
		snprintf(text + len, sizeof text - len, "%s%s%s", len == 0 ? "" : " ", entry->path,
		         match == BOUNDS_MAY ? "?" : "");
	}
	assert_null(bounds_next(bounds, agent, &index, &match));
	bounds_free(bounds);
	return text;
}

static const struct bounds_agent billing = {"team-a", "Deployment", "billing", "spiffe://example.org/b", {0}},
				 unverified = {"team-a", "Deployment", "billing", "", {0}},
				 unknown = {"team-a", NULL, NULL, "", {0}};

#define DEFAULT "'default':{'atMost':{}}"
#define NO_DEFAULT "'default':'none'"
#define ENTRIES(entries) ",'bounds':[" entries "]"
#define BY(selector) "{" selector ",'atMost':{}}"

static void an_entry_selects_by_namespace_workload_and_spiffe_id(void **state)
{
	(void)state;
	static const struct {
		const char *selector;
		bool selects;
	} cases[] = {
		{"'namespaces':['team-a']", true},
		{"'namespaces':['team-b']", false},
		{"'namespaces':['team-b','team-*']", true},
		{"'namespaces':['*']", true},
		{"'workloads':['Deployment/billing']", true},
		{"'workloads':['StatefulSet/billing']", false},
		{"'workloads':['Deployment/bill*']", true},
		{"'workloads':['Deployment/billin']", false},
		{"'spiffeIDs':['spiffe://example.org/b']", true},
		{"'spiffeIDs':['spiffe://example.org/*']", true},
		{"'spiffeIDs':['spiffe://example.com/*']", false},
		{"'namespaces':['team-a'],'workloads':['Deployment/billing'],'spiffeIDs':['spiffe://*']", true},
		/* all that it names must hold */
		{"'namespaces':['team-b'],'workloads':['Deployment/billing']", false},
		{"'namespaces':['team-a'],'workloads':['Deployment/other']", false},
		{"'namespaces':['team-a'],'spiffeIDs':['spiffe://example.com/*']", false},
	};
	char members[512];
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		snprintf(members, sizeof members, NO_DEFAULT ENTRIES(BY("%s")), cases[i].selector);
		if (strcmp(selected(members, &billing), cases[i].selects ? "bounds[0]" : "") != 0)
			fail_msg("%s: %s", cases[i].selector, selected(members, &billing));
	}
}

static void what_is_not_known_of_an_agent_may_be_what_an_entry_names(void **state)
{
	(void)state;
	static const char by_id[] = NO_DEFAULT ENTRIES(BY("'spiffeIDs':['spiffe://example.org/b']")),
	                  by_workload[] = NO_DEFAULT ENTRIES(BY("'workloads':['Deployment/x']")),
	                  elsewhere[] = NO_DEFAULT ENTRIES(BY("'namespaces':['team-b'],'spiffeIDs':['spiffe://*']"));
	assert_string_equal(selected(by_id, &unverified), "bounds[0]?");
	assert_string_equal(selected(by_workload, &unknown), "bounds[0]?");
	assert_string_equal(selected(by_workload, &unverified), "");
	assert_string_equal(selected(elsewhere, &unverified), "");
}

static void the_default_counts_for_whom_no_entry_selects(void **state)
{
	(void)state;
	static const char own[] = DEFAULT ENTRIES(BY("'namespaces':['team-a']")),
	                  of_others[] = DEFAULT ENTRIES(BY("'namespaces':['team-b']")),
	                  may[] = DEFAULT ENTRIES(BY("'spiffeIDs':['spiffe://*']"));
	assert_string_equal(selected(own, &billing), "bounds[0]");
	assert_string_equal(selected(of_others, &billing), "default");
	assert_string_equal(selected(may, &unverified), "bounds[0]? default?");
	assert_string_equal(selected(may, &billing), "bounds[0]");
	assert_string_equal(selected(DEFAULT, &billing), "default");
	assert_string_equal(selected(NO_DEFAULT, &billing), "");
}

static void all_entries_that_select_come_in_their_order(void **state)
{
	(void)state;
	static const char members[] = DEFAULT ENTRIES(BY("'namespaces':['*']") "," BY("'namespaces':['team-b']") ","
	                                              BY("'workloads':['Deployment/*']"));
	assert_string_equal(selected(members, &billing), "bounds[0] bounds[2]");
	assert_string_equal(selected(members, &unknown), "bounds[0] bounds[2]?");
}

static void what_an_entry_says_is_there_and_nothing_else(void **state)
{
	(void)state;
	struct said said = {{0}};
	struct bounds *bounds =
	        read("'contact':'#platform','groups':{'g':{'egress':[]}}," NO_DEFAULT
	             ENTRIES("{'namespaces':['*'],'atMost':{'groups':['g']}},"
	                     "{'namespaces':['*'],'always':{'egress':[]},'never':{'egress':[]}}"), &said);
	if (bounds == NULL)
		fail_msg("%s", said.text);
	size_t index = 0;
	enum bounds_match match;
	struct bounds_rules group;
	const struct bounds_entry *entry = bounds_next(bounds, &billing, &index, &match);
	assert_true(entry->at_most.set && !entry->always.set && !entry->never.set);
	assert_true(text_is(entry->at_most.groups, "[\"g\"]"));
	entry = bounds_next(bounds, &billing, &index, &match);
	assert_true(!entry->at_most.set && entry->always.set && entry->never.set);
	assert_true(bounds_group(bounds, json_of("\"g\""), &group));
	assert_true(text_is(group.egress, "[]") && group.domains.at == NULL);
	assert_false(bounds_group(bounds, json_of("\"h\""), &group));
	assert_string_equal(bounds_contact(bounds), "#platform");
	assert_int_equal(bounds_count(bounds), 2);
	assert_int_equal(bounds_groups(bounds), 1);
	assert_false(bounds_has_default(bounds));
	bounds_free(bounds);
}

static void a_document_with_a_fault_bounds_nobody_and_says_it(void **state)
{
	(void)state;
	static const char *const faults[][2] = {
		{"'bounds':[]", "default"},
		{NO_DEFAULT ENTRIES("{'atMost':{}}"), "selects nobody"},
		{NO_DEFAULT ENTRIES("{'namespaces':['*']}"), "it needs atMost, always or never"},
		{NO_DEFAULT ENTRIES("{'namespaces':['*'],'atmost':{}}"), "bounds[0]"},
		{NO_DEFAULT ENTRIES(BY("'namespaces':[]")), "bounds[0].namespaces"},
		{NO_DEFAULT ENTRIES(BY("'workloads':['billing']")), "bounds[0].workloads"},
		{NO_DEFAULT ENTRIES("{'namespaces':['*'],'never':null}"), ""},
		{NO_DEFAULT ENTRIES("{'namespaces':['*'],'never':{'domains':[]}}"), "bounds[0].never"},
		{NO_DEFAULT ENTRIES("{'namespaces':['*'],'atMost':{'groups':['g']}}"),
		 "names a group that `groups` does not define"},
		{NO_DEFAULT ENTRIES("{'namespaces':['*'],'atMost':{'egress':[{'to':[{'ipBlock':{'cidr':'10.0.0.1'}}]}]}}"),
		 "bounds[0].atMost"},
		{"'default':{'namespaces':['*'],'atMost':{}}", "default"},
		{NO_DEFAULT ",'bunds':[]", "the document"},
	};
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
		struct said said = {{0}};
		assert_null(read(faults[i][0], &said));
		if (said.text[0] == '\0' || strstr(said.text, faults[i][1]) == NULL)
			fail_msg("%s: \"%s\" is not in \"%s\"", faults[i][0], faults[i][1], said.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_selects_by_namespace_workload_and_spiffe_id),
		cmocka_unit_test(what_is_not_known_of_an_agent_may_be_what_an_entry_names),
		cmocka_unit_test(the_default_counts_for_whom_no_entry_selects),
		cmocka_unit_test(all_entries_that_select_come_in_their_order),
		cmocka_unit_test(what_an_entry_says_is_there_and_nothing_else),
		cmocka_unit_test(a_document_with_a_fault_bounds_nobody_and_says_it),
	};
	return cmocka_run_group_tests_name("bounds", tests, NULL, NULL);
}
