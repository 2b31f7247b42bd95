/* Two sets of rules in one text, {"a":…,"b":…}, each as spec.networkPolicy has them: what comes of them is
 * valid, its own normal form, and within what it was made of. */
#include <stdlib.h>

#include "json/json.h"
#include "rules/rules.h"
#include "rules/sets.h"

static struct sets *sets;

static const struct sets_set *read(struct json_text text)
{
	struct policy_problems problems = {0};
	struct policy_rules rules = policy_rules_read(text, &problems);
	policy_problems_free(&problems);
	return rules.valid ? sets_read(sets, rules.egress, rules.domains) : NULL;
}

static void put(const struct sets_set *set, struct json_buffer *egress, struct json_buffer *domains)
{
	sets_put_egress(sets, set, egress);
	sets_put_domains(sets, set, domains);
	if (!json_check(json_buffer_text(egress), &json_record_limits, NULL) ||
	    !json_check(json_buffer_text(domains), &json_record_limits, NULL))
		abort();
}

static void check(const struct sets_set *set)
{
	struct json_buffer egress = {0}, domains = {0}, egress_again = {0}, domains_again = {0};
	put(set, &egress, &domains);
	const struct sets_set *again =
	        sets_read(sets, json_buffer_text(&egress), json_buffer_text(&domains));
	put(again, &egress_again, &domains_again);
	if (!json_same(json_buffer_text(&egress), json_buffer_text(&egress_again)) ||
	    !json_same(json_buffer_text(&domains), json_buffer_text(&domains_again)))
		abort();
	json_buffer_free(&egress);
	json_buffer_free(&domains);
	json_buffer_free(&egress_again);
	json_buffer_free(&domains_again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct json_text text = {(const char *)bytes, size};
	if (size > 4096 || !json_check(text, &json_record_limits, NULL))
		return 0;
	sets = sets_new("agents", NULL, 0);
	const struct sets_set *a = read(json_get(text, "a")), *b = read(json_get(text, "b"));
	if (a != NULL && b != NULL) {
		check(a);
		check(sets_unite(sets, a, b));
		check(sets_intersect(sets, a, b));
		check(sets_subtract(sets, a, b));
		if (!sets_is_empty(sets_subtract(sets, a, sets_everything(sets))))
			abort();
	}
	sets_free(sets);
	return 0;
}
