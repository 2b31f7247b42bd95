#include "explain/quote.h"

#include <string.h>
#include <strings.h>

#include "rules/card.h"
#include "rules/dns.h"

enum { QUOTE_BYTES = 600 }; /* of a rule; a card may hold long ones */

static struct json_text rules_of(const struct policy_card *card, const char *member)
{
	if (card->network_policy[0] == '\0')
		return (struct json_text){0};
	return json_get_path(json_of(card->network_policy), member, (char *)NULL);
}

static struct json_text at(struct json_text array, int index)
{
	struct json_member m = json_first(array);
	while (m.value.at != NULL && index-- > 0)
		m = json_next(m);
	return m.value;
}

static void quote(struct json_buffer *out, const struct policy_card *card, int index)
{
	struct json_text rule = at(rules_of(card, "egress"), index);
	bool cut = rule.len > QUOTE_BYTES;
	json_putf(out, "%s.egress[%d]: ", policy_card_rules_path(card->annotated), index);
	json_put_plain(out, rule.at, cut ? QUOTE_BYTES : rule.len);
	json_puts(out, cut ? "..." : "");
}

bool explain_quote_deciding(struct json_buffer *out, const struct policy_card *card,
                            const struct policy_destination *destination)
{
	struct policy_match match = policy_evaluate(rules_of(card, "egress"), card->namespace->name, destination);
	if (match.answer == POLICY_DENIED)
		return false;
	quote(out, card, match.rule);
	return true;
}

bool explain_quote_nearest(struct json_buffer *out, const struct policy_card *card,
                           const struct policy_destination *destination)
{
	struct policy_match match = policy_evaluate_nearest(rules_of(card, "egress"), card->namespace->name, destination);
	if (match.rule < 0)
		return false;
	quote(out, card, match.rule);
	json_putf(out, ": %s", match.why);
	return true;
}

static bool holds(const struct json_buffer *rules, struct json_text rule)
{
	for (struct json_member m = json_first(json_buffer_text(rules)); m.value.at != NULL; m = json_next(m))
		if (json_same(m.value, rule))
			return true;
	return false;
}

/* Both in normal form, in which equal rules are equal texts. */
static bool is_of_card(const struct policy_card *card, struct json_text rule)
{
	struct json_buffer rules = {0};
	struct json_text egress = rules_of(card, "egress");
	bool found = false;
	if (json_type(egress) == JSON_ARRAY) {
		policy_rules_put(&rules, egress, false);
		found = holds(&rules, rule);
	}
	json_buffer_free(&rules);
	return found;
}

static bool is_of_dns(const struct explanation *explanation, struct json_text rule)
{
	struct json_buffer rules = {0};
	if (explanation->decision.domains.at == NULL)
		return false;
	policy_dns_put(NULL, &rules);
	bool found = holds(&rules, rule);
	json_buffer_free(&rules);
	return found;
}

const char *explain_giver(const struct explanation *explanation, struct json_text rule)
{
	switch (explanation->decision.mode) {
	case POLICY_MODE_ALLOW_ALL:
		return "its card has no rules";
	case POLICY_MODE_RESTRICTIVE:
		return "what agents get that are not verified";
	case POLICY_MODE_NONE:
	case POLICY_MODE_SCOPED:
	case POLICY_MODE_DENY_ALL:
		break;
	}
	if (is_of_card(explanation->card, rule))
		return "its card";
	if (is_of_dns(explanation, rule))
		return "DNS for its card's names";
	return "its card, its groups and bounds together";
}

/* "*.example.com" has what stands before the dot as one label; who resolves it decides, this only tells. */
static bool has_name(struct json_text pattern, struct json_text name)
{
	if (name.len > 1 && name.at[name.len - 1] == '.')
		name.len--;
	if (pattern.len > 2 && pattern.at[0] == '*') {
		pattern.at++;
		pattern.len--;
		if (name.len <= pattern.len)
			return false;
		name.at += name.len - pattern.len;
		name.len = pattern.len;
	}
	return pattern.len == name.len && strncasecmp(pattern.at, name.at, name.len) == 0;
}

static struct json_text name_in(struct json_text patterns, struct json_text names)
{
	for (struct json_member p = json_first(patterns); p.value.at != NULL; p = json_next(p))
		for (struct json_member n = json_first(names); n.value.at != NULL; n = json_next(n))
			if (json_plain(p.value).at != NULL && json_plain(n.value).at != NULL &&
			    has_name(json_plain(p.value), json_plain(n.value)))
				return json_plain(p.value);
	return (struct json_text){0};
}

struct json_text explain_quote_name(const struct policy_card *card, struct json_text names)
{
	struct json_text found = {0};
	struct json_member m = json_first(rules_of(card, "domains"));
	for (; m.value.at != NULL && found.at == NULL; m = json_next(m))
		found = name_in(json_get(m.value, "names"), names);
	return found;
}
