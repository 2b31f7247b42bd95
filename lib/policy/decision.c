#include "policy/decision.h"

#include <stdio.h>
#include <string.h>

#include "bounds/bounds.h"
#include "policy/bounded_private.h"
#include "policy/inventory_private.h"
#include "rules/card.h"
#include "rules/dns.h"
#include "policy/ingress_private.h"
#include "rules/resolution.h"
#include "policy/quarantine.h"
#include "policy/restrict.h"
#include "rules/rules.h"
#include "k8s/selector.h"

const char *const policy_mode_words[] = {"none",     "allow-all",  "scoped",
                                         "deny-all", "api-server", NULL};

static void conclude(struct policy_decision *decision, enum policy_mode mode, const char *reason,
                   const char *message)
{
	decision->mode = decision->asked = mode;
	decision->reason = reason;
	json_puts(&decision->message, message);
}

static struct json_text network_policy(const struct policy_card *card)
{
	return card->network_policy[0] != '\0' ? json_of(card->network_policy)
	                                       : (struct json_text){0};
}

static struct policy_rules read_rules(const struct policy_card *card,
                                      struct policy_problems *problems)
{
	const char *path = policy_card_rules_path(card->annotated);
	struct policy_rules rules = {.set = true, .path = path};
	if (card->oversized)
		policy_problem(problems, POLICY_ERROR, path, (struct json_text){0},
		               "Too long: may not be more than %d bytes", POLICY_RULES_BYTES);
	else
		rules = policy_rules_read_at(path, network_policy(card), problems);
	policy_problems_again(problems, json_of(card->rules_faults));
	rules.valid = rules.valid && card->rules_faults[0] == '\0';
	return rules;
}

/* What a card asks for, as text that is equal when the meaning is. */
static struct json_text put_asked(struct json_buffer *out, const struct policy_card *card)
{
	out->len = 0;
	policy_rules_normal_put(out, network_policy(card));
	return json_buffer_text(out);
}

/* Do all cards of the workload ask for what the oldest does? */
static bool agree(struct policy_decision *decision)
{
	struct json_text asked = put_asked(&decision->scratch, decision->owner);
	for (const struct policy_card *card = decision->owner->next; card != NULL;
	     card = card->next)
		if (!json_same(asked, put_asked(&decision->other, card)))
			return false;
	return true;
}

/* All cards' rules are read, so that every problem is said. */
static bool all_valid(struct policy_decision *decision, struct policy_rules *oldest)
{
	bool valid = true;
	for (const struct policy_card *card = decision->owner; card != NULL; card = card->next) {
		struct policy_rules rules = read_rules(card, &decision->problems);
		valid = valid && rules.valid;
		if (card == decision->owner)
			*oldest = rules;
	}
	return valid;
}

static void say_conflict(struct policy_decision *decision)
{
	const struct policy_workload *workload = decision->workload;
	struct json_buffer *names = &decision->scratch;
	names->len = 0;
	for (const struct policy_card *card = decision->owner; card != NULL; card = card->next)
		json_putf(names, "%s%s", card == decision->owner ? "" : ", ", card->name);
	policy_problem(&decision->problems, POLICY_ERROR,
	               decision->rules_path, (struct json_text){0},
	               "Invalid value: the AgentCards of %s %s have different rules: %.*s",
	               workload->kind, workload->name, (int)names->len, names->at);
}

/* Who names destinations is the admin: what no bounds define is not known. */
static void warn_of_groups(const struct bounds *bounds, struct policy_decision *decision,
                           const struct policy_rules *rules)
{
	struct bounds_rules group;
	char path[128];
	size_t index = 0;
	for (struct json_member m = json_first(rules->groups); m.value.at; m = json_next(m)) {
		snprintf(path, sizeof path, "%s.groups[%zu]", rules->path, index++);
		if (bounds != NULL && bounds_group(bounds, m.value, &group))
			continue;
		policy_problem(&decision->problems, POLICY_WARNING, path, m.value,
		               "no such group is defined: what it stands for stays denied");
	}
}

static void scope(const struct policy_inventory *inventory, struct policy_decision *decision,
                  const struct policy_rules *rules)
{
	const struct policy_settings *settings = inventory->settings;
	const struct policy_lint lint = {.resolves = settings->writes.names,
	                                 .explicit_peers = settings->explicit_peers,
	                                 .cnis = settings->cnis,
	                                 .dns = settings->dns,
	                                 .namespace = decision->owner->namespace->name};
	policy_rules_lint(rules, &lint, &decision->problems);
	warn_of_groups(settings->bounds, decision, rules);
	if (!json_is_empty(rules->domains)) {
		policy_normal_put(&decision->domain_rules, rules->domains);
		decision->domains = json_buffer_text(&decision->domain_rules);
	}
	if (json_is_empty(rules->egress) && decision->domains.at == NULL) {
		json_puts(&decision->egress, "[]");
		conclude(decision, POLICY_MODE_DENY_ALL, "EgressEmpty",
		       "verified, and its card allows no egress");
		return;
	}
	decision->egress_is_dns = rules->egress.at == NULL;
	if (decision->egress_is_dns)
		policy_dns_put(inventory->settings->dns, &decision->egress);
	else
		policy_rules_put(&decision->egress, rules->egress,
		                 inventory->settings->explicit_peers);
	conclude(decision, POLICY_MODE_SCOPED, "EgressRules",
	       decision->egress_is_dns ? "verified, and its card names domains"
	                               : "verified, and its card has egress rules");
}

static bool contradicts_itself(const struct policy_decision *decision)
{
	for (const struct policy_card *card = decision->owner; card != NULL; card = card->next)
		if (card->conflict)
			return true;
	return false;
}

static void say_erased(const struct policy_card *card, struct policy_problems *problems)
{
	if (card->rules_digest[0] == '\0')
		policy_problem(problems, POLICY_ERROR, POLICY_RULES_PATH, (struct json_text){0},
		               "AgentCard %s may have had rules that are gone: set them again", card->name);
	else
		policy_problem(problems, POLICY_ERROR, POLICY_RULES_PATH, (struct json_text){0},
		               "the rules that AgentCard %s had are gone: set them again, or, to remove "
		               "them, set the annotation " POLICY_REMOVED_ANNOTATION " to %s",
		               card->name, card->rules_digest);
}

/* What cards without rules lack, of all of a workload. */
struct loss {
	bool pruned, erased; /* of some */
	bool known;          /* of those that are erased: the rules last seen */
};

/* Says so for each: where both may be, that the server leaves rules out explains the other. */
static struct loss find_loss(struct policy_decision *decision)
{
	struct loss loss = {.known = true};
	for (const struct policy_card *card = decision->owner; card != NULL; card = card->next) {
		loss.pruned = loss.pruned || card->pruned;
		loss.erased = loss.erased || card->erased;
		if (card->erased)
			loss.known = loss.known && card->network_policy[0] != '\0';
		if (card->erased && !card->pruned)
			say_erased(card, &decision->problems);
	}
	if (loss.pruned)
		policy_problem(&decision->problems, POLICY_ERROR, POLICY_RULES_PATH,
		               (struct json_text){0},
		               "the AgentCard's definition in the cluster has no place for rules, or "
		               "cannot be read, so that the server may have left them out: apply that "
		               "of egress-translate --print-crd");
	return loss;
}

void policy_decision_deny(struct policy_decision *decision, const char *reason,
                          const char *message)
{
	decision->egress.len = decision->message.len = 0;
	decision->domains = (struct json_text){0};
	decision->egress_is_dns = decision->names_beside_never = false;
	json_puts(&decision->egress, "[]");
	conclude(decision, POLICY_MODE_DENY_ALL, reason, message);
}

/* Rules that are absent prove nothing: nothing gets wider than it is. What somebody changed since is
 * no longer what was decided. */
static void decide_without_schema(const struct policy_inventory *inventory,
                                  struct policy_decision *decision)
{
	static const enum policy_mode modes[] = {[POLICY_REACH_UNKNOWN] = POLICY_MODE_SCOPED,
	                                         [POLICY_REACH_NOTHING] = POLICY_MODE_DENY_ALL,
	                                         [POLICY_REACH_SOME] = POLICY_MODE_SCOPED,
	                                         [POLICY_REACH_ALL] = POLICY_MODE_ALLOW_ALL};
	const struct policy_object *object =
	        decision->workload == NULL ? NULL : decision->workload->object;
	decision->kept = object != NULL &&
	                 (object->seen || (object->last == POLICY_LAST_APPLY && !object->drifted));
	if (decision->kept) {
		json_puts(&decision->egress, "[]");
		conclude(decision, modes[object->seen ? object->seen_reach : POLICY_REACH_UNKNOWN],
		         "SchemaMissing",
		         "verified, but whether its card has rules cannot be known: its policy stays");
		return;
	}
	policy_restrict_put(inventory, &decision->egress, &decision->problems);
	conclude(decision, POLICY_MODE_RESTRICTIVE, "SchemaMissing",
	         "verified, but whether its card has rules cannot be known: the API server alone");
}

/* Whether bounds are laid over what the card has: not where all is denied. */
static bool decide_unset(const struct policy_inventory *inventory,
                         struct policy_decision *decision)
{
	switch (inventory->settings->unset) {
	case POLICY_UNSET_ALLOW_ALL:
		json_puts(&decision->egress, "[{}]");
		conclude(decision, POLICY_MODE_ALLOW_ALL, "EgressUnset",
		         "verified, and its card does not limit egress");
		return true;
	case POLICY_UNSET_API_SERVER:
		policy_restrict_put(inventory, &decision->egress, &decision->problems);
		conclude(decision, POLICY_MODE_RESTRICTIVE, "EgressUnset",
		         "verified, and its card has no egress rules: the API server alone");
		break;
	case POLICY_UNSET_DENY_ALL:
		policy_decision_deny(decision, "EgressUnset",
		     "verified, and its card has no egress rules: all egress is denied");
		break;
	}
	return false;
}

/* Whether bounds are laid over them: not where they contradict each other. */
static bool decide_set(const struct policy_inventory *inventory, struct policy_decision *decision,
                       const struct policy_rules *rules)
{
	if (!agree(decision)) {
		say_conflict(decision);
		policy_decision_deny(decision, "RulesConflict",
		     "verified, but its cards have different rules: all egress is denied");
		return false;
	}
	policy_resolution_warn(decision->owner->resolution, &decision->problems);
	scope(inventory, decision, rules);
	return true;
}

static void decide_permissive(const struct policy_inventory *inventory,
                              struct policy_decision *decision)
{
	struct policy_rules rules = {0};
	bool counts = false;
	bool valid = all_valid(decision, &rules);
	struct loss loss = find_loss(decision);
	if (contradicts_itself(decision))
		policy_decision_deny(decision, "RulesConflict",
		     "verified, but its card's field and annotation have different rules: all egress is "
		     "denied");
	else if (!valid)
		policy_decision_deny(decision, loss.erased && loss.known ? "EgressErased" : "RulesInvalid",
		     loss.erased && loss.known
		             ? "verified, but its rules were invalid, and are gone: all egress is denied"
		             : "verified, but its rules are invalid: all egress is denied");
	else if (loss.erased && !loss.known && !loss.pruned)
		policy_decision_deny(decision, "EgressErased",
		     "verified, but its card's rules are gone, and not known: all egress is denied");
	else if (rules.set || !agree(decision))
		counts = decide_set(inventory, decision, &rules);
	else if (loss.pruned)
		decide_without_schema(inventory, decision);
	else
		counts = decide_unset(inventory, decision);
	if (decision->mode == POLICY_MODE_RESTRICTIVE)
		policy_bound_restrictive(inventory, decision);
	else if (!decision->kept)
		policy_bound(inventory, decision, counts ? &rules : NULL);
	if (loss.erased && loss.known && valid && rules.set) {
		decision->reason = loss.pruned ? "SchemaMissing" : "EgressErased";
		json_puts(&decision->message, "; they are gone from it, and those last seen stay");
	}
}

static void decide_restrictive(const struct policy_inventory *inventory,
                               struct policy_decision *decision)
{
	const struct policy_card *card = decision->owner;
	while (card->verified)
		card = card->next;
	policy_restrict_put(inventory, &decision->egress, &decision->problems);
	conclude(decision, POLICY_MODE_RESTRICTIVE, "NotVerified", "not verified: ");
	if (card->reason[0] == '\0' && card->message[0] == '\0')
		json_putf(&decision->message, "AgentCard %s came without a verdict", card->name);
	else
		json_putf(&decision->message, "AgentCard %s: %s%s%s", card->name, card->reason,
		          card->message[0] == '\0' ? "" : ": ", card->message);
	policy_bound_restrictive(inventory, decision);
}

/* No policy, rather than one that selects every pod, or guesses. */
static void decide_unknown(struct policy_decision *decision)
{
	const struct policy_workload *workload = decision->workload;
	const char *why = workload->unusable ? "is not known: its record cannot be used"
	                  : workload->row == K8S_WORKLOADS
	                          ? "is of a kind whose pods are not known: say how they are selected "
	                            "by --selector-label"
	                  : workload->present ? "has nothing that selects its pods: give its pods a label"
	                                      : "does not exist";
	decision->message.len = 0;
	decision->mode = POLICY_MODE_NONE;
	decision->reason = "WorkloadUnknown";
	json_puts(&decision->message, "no policy: ");
	json_putf(&decision->message, "%s %s %s", workload->kind, workload->name, why);
	policy_problem(&decision->problems, POLICY_ERROR, "spec.targetRef", (struct json_text){0},
	               "%s %s %s", workload->kind, workload->name, why);
}

static void warn_of_owner(struct policy_decision *decision)
{
	const struct policy_workload *workload = decision->workload;
	if (workload->controller != NULL)
		policy_problem(&decision->problems, POLICY_WARNING, "spec.targetRef",
		               (struct json_text){0},
		               "the next pods are not those of %s %s: name its owner, %s",
		               workload->kind, workload->name, workload->controller);
	if (workload->misselected)
		policy_problem(&decision->problems, POLICY_WARNING, "spec.targetRef",
		               (struct json_text){0},
		               "the status of %s %s selects other pods than its controller makes: it "
		               "does not count",
		               workload->kind, workload->name);
}

static void warn_of_selector(struct policy_decision *decision)
{
	const struct policy_workload *workload = decision->workload;
	if (workload->selector_fault != NULL)
		policy_problem(&decision->problems, POLICY_WARNING, "spec.targetRef",
		               (struct json_text){0},
		               "the selector of %s %s %s; its pods' labels are used instead",
		               workload->kind, workload->name, workload->selector_fault);
	if (workload->labels != NULL &&
	    !policy_selector_matches_template(decision->selector, json_of(workload->labels)))
		policy_problem(&decision->problems, POLICY_WARNING, "spec.targetRef",
		               (struct json_text){0},
		               "the pods of %s %s do not have the labels by which the policy selects, and are "
		               "not confined",
		               workload->kind, workload->name);
	if (decision->owner->uid[0] == '\0')
		policy_problem(&decision->problems, POLICY_WARNING, "metadata",
		               (struct json_text){0},
		               "the AgentCard came without a uid and cannot own the policy");
}

static void warn_of_overlaps(struct policy_decision *decision)
{
	struct policy_workload *found[POLICY_OVERLAPS];
	size_t count = policy_workload_overlaps((struct policy_workload *)decision->workload, found);
	for (size_t i = 0; i < count; i++)
		policy_problem(
		        &decision->problems, POLICY_WARNING, "spec.targetRef",
		        (struct json_text){0},
		        "its selector and that of %s %s select the same pods, which get the egress of "
		        "both",
		        found[i]->kind, found[i]->name);
}

static void clear(struct policy_decision *decision)
{
	decision->message.len = 0;
	decision->egress.len = decision->ingress.len = decision->domain_rules.len = 0;
	decision->domains = (struct json_text){0};
	decision->egress_is_dns = decision->kept = decision->names_beside_never = false;
	decision->quarantined = false;
	policy_problems_clear(&decision->problems);
}

/* Before the verdict, and before all that a card may say. */
static void decide_quarantined(const struct policy_inventory *inventory,
                               const struct bounds_quarantine *entry, bool shared,
                               struct policy_decision *decision)
{
	const char *contact = bounds_contact(inventory->settings->bounds);
	decision->quarantined = true;
	policy_decision_deny(decision, "Quarantined", "cut off: ");
	if (shared)
		json_putf(&decision->message, "its selector selects the pods of %s, too: ", entry->workload);
	json_puts(&decision->message, entry->reason);
	policy_problem(&decision->problems, POLICY_WARNING, "spec.targetRef", (struct json_text){0},
	               "%sis in quarantine by the admin's bounds (%s): %s%s%s",
	               shared ? "selects the pods of another workload, too, which " : "", entry->path,
	               entry->reason, contact[0] == '\0' ? "" : "; ask ", contact);
}

void policy_decide_alone(const struct policy_inventory *inventory, const struct policy_card *card,
                         struct policy_decision *decision)
{
	static const char why[] = "spec.targetRef names no workload";
	clear(decision);
	decision->workload = NULL;
	decision->owner = card;
	decision->rules_path = policy_card_rules_path(card->annotated);
	decision->selector = (struct json_text){0};
	decision->verified = card->verified;
	if (card->verified)
		decide_permissive(inventory, decision);
	else
		decide_restrictive(inventory, decision);
	decision->message.len = 0;
	decision->mode = POLICY_MODE_NONE;
	decision->reason = "WorkloadUnknown";
	json_putf(&decision->message, "no policy: %s", why);
	policy_problem(&decision->problems, POLICY_ERROR, "spec.targetRef", (struct json_text){0}, "%s",
	               why);
}

void policy_decide(const struct policy_inventory *inventory, struct policy_workload *workload,
                   struct policy_decision *decision)
{
	clear(decision);
	policy_cards_find_erased(workload);
	decision->workload = workload;
	decision->owner = workload->cards;
	decision->rules_path = policy_card_rules_path(decision->owner->annotated);
	decision->selector =
	        workload->selector != NULL ? json_of(workload->selector) : (struct json_text){0};
	decision->verified = workload->permissive;
	const struct bounds_quarantine *own = policy_quarantine_of(inventory, workload);
	const struct bounds_quarantine *quarantine =
	        own != NULL ? own : policy_quarantine_shared(inventory, workload);
	if (quarantine != NULL)
		decide_quarantined(inventory, quarantine, own == NULL, decision);
	else if (workload->permissive)
		decide_permissive(inventory, decision);
	else
		decide_restrictive(inventory, decision);
	if (decision->selector.at == NULL) {
		decide_unknown(decision);
		return;
	}
	if (quarantine != NULL)
		json_puts(&decision->ingress, "[]"); /* an answer carries data, too */
	else
		policy_ingress_put(inventory, decision, &decision->ingress);
	warn_of_selector(decision);
	warn_of_owner(decision);
	warn_of_overlaps(decision);
}

void policy_decision_free(struct policy_decision *decision)
{
	json_buffer_free(&decision->message);
	json_buffer_free(&decision->egress);
	json_buffer_free(&decision->ingress);
	json_buffer_free(&decision->domain_rules);
	json_buffer_free(&decision->scratch);
	json_buffer_free(&decision->other);
	policy_problems_free(&decision->problems);
}
