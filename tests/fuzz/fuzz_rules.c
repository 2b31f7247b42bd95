/* Rules of any bytes: what is valid has a normal form that is valid, and its own normal form;
 * linting it finds no error. As an annotation they are what they are as a field, beside which they
 * mean the same, unless they have no rules at all. */
#include <stdlib.h>

#include "json/json.h"
#include "json/write.h"
#include "rules/card.h"

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

static void put_card(struct json_buffer *card, struct json_text text, bool field)
{
	json_puts(card, "{\"metadata\":{\"annotations\":{\"" POLICY_RULES_ANNOTATION "\":");
	json_put_string_n(card, text.at, text.len);
	json_puts(card, "}},\"spec\":{");
	if (field) {
		json_puts(card, "\"networkPolicy\":");
		json_puttext(card, text);
	}
	json_puts(card, "}}");
}

static void check_annotation(struct json_text text, bool field)
{
	struct json_buffer card = {0};
	struct policy_problems problems = {0}, own = {0};
	put_card(&card, text, field);
	if (!json_check(json_buffer_text(&card), &json_record_limits, NULL))
		abort();
	struct policy_card_rules found = policy_card_rules_find(json_buffer_text(&card), &problems);
	struct policy_rules rules = policy_rules_read(text, &own);
	if (found.conflict || (found.text.at == NULL && problems.errors == 0) ||
	    (field && rules.set && rules.valid && problems.errors > 0) ||
	    (rules.set && found.text.at == NULL && !found.oversized))
		abort();
	policy_card_rules_free(&found);
	policy_problems_free(&problems);
	policy_problems_free(&own);
	json_buffer_free(&card);
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
		const struct policy_lint lint = {.resolves = size % 2 == 0,
		                                 .cnis = (policy_cnis)(size % (1u << POLICY_CNIS)),
		                                 .namespace = "agents"};
		policy_rules_lint(&rules, &lint, &problems);
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
	check_annotation(text, false);
	check_annotation(text, true);
	policy_problems_free(&problems);
	json_buffer_free(&out);
	return 0;
}
