/* Flow records: times, and what merging keeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "flows/merge.h"

static void times_are_those_of_rfc_3339(void **state)
{
	static const struct {
		const char *text, *utc; /* NULL: it is none */
	} times[] = {
	        {"2026-11-02T08:15:01Z", "2026-11-02T08:15:01Z"},
	        {"2026-11-02T08:15:01.5Z", "2026-11-02T08:15:01.5Z"},
	        {"2026-11-02t08:15:01.120000001z", "2026-11-02T08:15:01.120000001Z"},
	        {"2026-11-02T08:15:01.1234567899Z", "2026-11-02T08:15:01.123456789Z"},
	        {"2026-11-02T01:15:01+02:30", "2026-11-01T22:45:01Z"},
	        {"2026-12-31T23:59:60Z", "2027-01-01T00:00:00Z"},
	        {"1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"},
	        {"1970-01-01T00:00:00+00:01", NULL},
	        {"2026-11-02 08:15:01Z", NULL},
	        {"2026-11-02T08:15:01", NULL},
	        {"2026-11-02T08:15:01.Z", NULL},
	        {"2026-13-02T08:15:01Z", NULL},
	        {"2026-11-02T24:15:01Z", NULL},
	        {"2026-11-02T08:15:01+2:00", NULL},
	        {"2026-11-02T08:15:01Zx", NULL},
	        {"0026-11-02T08:15:01Z", NULL},
	        {"", NULL},
	};
	(void)state;
	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		char text[FLOW_TIME_SIZE];
		int64_t ns;
		bool is_time = flow_time(json_of(times[i].text), &ns);
		assert_int_equal(is_time, times[i].utc != NULL);
		if (!is_time)
			continue;
		flow_time_format(ns, text);
		assert_string_equal(text, times[i].utc);
	}
}

struct seen {
	size_t flows, incomplete;
	uint64_t attempts, beyond;
};

static void count(void *context, const struct flow *flow)
{
	struct seen *seen = context;
	seen->flows++;
	seen->attempts += flow->count;
	seen->incomplete += flow->incomplete;
}

static void count_beyond(void *context, const struct flow_peer *source, uint64_t flows)
{
	(void)source;
	((struct seen *)context)->beyond += flows;
}

/* `workloads` of a namespace, each with `destinations` of long names. */
static void add(struct flow_merge *merge, const char *namespace, int workloads, int destinations)
{
	static char names[400];
	snprintf(names, sizeof names, "[\"%0*d\"]", (int)sizeof names - 5, 0);
	for (int w = 0; w < workloads; w++) {
		for (int d = 0; d < destinations; d++) {
			char name[32];
			struct flow flow = {.source.namespace = json_of(namespace), .source.kind = json_of("Deployment"),
			                    .names = json_of(names)};
			snprintf(name, sizeof name, "w%d", w);
			snprintf(flow.destination.ip, sizeof flow.destination.ip, "10.0.%d.%d", d / 256, d % 256);
			flow.source.workload = json_of(name);
			flow_merge_add(merge, &flow);
		}
	}
}

static struct seen emitted(struct flow_merge *merge)
{
	struct seen seen = {0};
	flow_merge_emit(merge, count, count_beyond, &seen);
	flow_merge_free(merge);
	return seen;
}

static void a_workload_keeps_1024_destinations_and_counts_the_rest(void **state)
{
	(void)state;
	struct flow_merge *merge = flow_merge_new();
	add(merge, "team-a", 1, FLOW_DESTINATIONS);
	add(merge, "team-a", 1, FLOW_DESTINATIONS);
	struct seen seen = emitted(merge);
	assert_int_equal(seen.flows, FLOW_DESTINATIONS);
	assert_int_equal(seen.attempts, 2 * FLOW_DESTINATIONS);
	assert_int_equal(seen.incomplete, 0);
	merge = flow_merge_new();
	add(merge, "team-a", 1, FLOW_DESTINATIONS + 1);
	seen = emitted(merge);
	assert_int_equal(seen.flows, FLOW_DESTINATIONS);
	assert_int_equal(seen.incomplete, FLOW_DESTINATIONS);
	assert_int_equal(seen.beyond, 1);
}

static void a_namespace_that_fills_its_share_takes_nothing_from_others(void **state)
{
	(void)state;
	struct flow_merge *merge = flow_merge_new();
	add(merge, "greedy", 100, FLOW_DESTINATIONS);
	add(merge, "team-a", 2, 100);
	struct seen seen = emitted(merge);
	assert_true(seen.beyond > 0);
	assert_int_equal(seen.attempts + seen.beyond, 100 * FLOW_DESTINATIONS + 200);
	/* some of its workloads were there before the share was full */
	assert_true(seen.flows - 200 < 100 * FLOW_DESTINATIONS);
	assert_true(seen.incomplete <= seen.flows - 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(times_are_those_of_rfc_3339),
	        cmocka_unit_test(a_workload_keeps_1024_destinations_and_counts_the_rest),
	        cmocka_unit_test(a_namespace_that_fills_its_share_takes_nothing_from_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
