/* Rules of any bytes: what is valid has a normal form that is valid, and its own normal form;
 * linting it finds no error. */
#include <stdlib.h>

#include "rules/rules.h"
#include "json/json.h"

static void put_normal(struct json_buffer *out, struct json_text egress, bool explicit_peers)
{
	json_puts(out, "{\"egress\":");
	policy_rules_put(out, egress, explicit_peers);
	json_putc(out, '}');
}

static void check_normal(struct json_text egress, bool explicit_peers)
{
	struct json_buffer once = {0}, twice = {0};
	struct policy_problems problems = {0};
	put_normal(&once, egress, explicit_peers);
	if (!json_check(json_buffer_text(&once), &json_record_limits, NULL))
		abort();
	struct policy_rules rules = policy_rules_read(json_buffer_text(&once), &problems);
	if (!rules.valid || problems.errors > 0)
		abort();
	put_normal(&twice, rules.egress, explicit_peers);
	if (!json_same(json_buffer_text(&once), json_buffer_text(&twice)))
		abort();
	json_buffer_free(&once);
	json_buffer_free(&twice);
	policy_problems_free(&problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct json_text text = {(const char *)bytes, size};
	struct policy_problems problems = {0};
	struct json_buffer out = {0};
	if (!json_check(text, &json_record_limits, NULL))
		return 0;
	struct policy_rules rules = policy_rules_read(text, &problems);
	if (rules.valid != (problems.errors == 0))
		abort();
	if (rules.valid) {
		policy_rules_lint(&rules, size % 2 == 0, &problems);
		if (problems.errors > 0)
			abort();
	}
	policy_problems_put(&problems, &out);
	if (!json_check(json_buffer_text(&out), &json_record_limits, NULL))
		abort();
	if (rules.valid && rules.egress.at != NULL) {
		check_normal(rules.egress, false);
		check_normal(rules.egress, true);
	}
	policy_problems_free(&problems);
	json_buffer_free(&out);
	return 0;
}
