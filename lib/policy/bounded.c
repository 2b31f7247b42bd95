#include "policy/bounded_private.h"

#include <stdio.h>

#include "bounds/bounds.h"
#include "rules/dns.h"
#include "rules/normal.h"
#include "rules/sets.h"

struct bounding {
	const struct policy_inventory *inventory;
	const struct bounds *bounds;
	struct policy_decision *decision;
	const struct policy_rules *rules; /* NULL: none that count */
	struct bounds_agent agent;
	struct sets *sets;
	const struct sets_set *set;
	const struct bounds_entry *entry; /* that is at work, */
	const char *part;                 /* and what of it */
	const char *group;                /* the field of what is asked about; NULL: a rule of the card's */
	bool touched;                     /* there is something to compute */
	bool has_never, is_dns;
};

static struct bounding begin(const struct policy_inventory *inventory,
                             struct policy_decision *decision, const struct policy_rules *rules)
{
	const struct policy_settings *settings = inventory->settings;
	const struct policy_workload *workload = decision->workload;
	struct bounding b = {.inventory = inventory, .bounds = settings->bounds, .decision = decision, .rules = rules};
	b.agent = (struct bounds_agent){
	        .namespace = decision->owner->namespace->name,
	        .kind = workload == NULL ? NULL : workload->kind,
	        .name = workload == NULL ? NULL : workload->name,
	        .spiffe_id = decision->owner->verified ? decision->owner->spiffe_id : "",
	};
	if (decision->owner->namespace->labels != NULL)
		b.agent.namespace_labels = json_of(decision->owner->namespace->labels);
	b.sets = sets_new(b.agent.namespace, settings->pod_cidrs, settings->pod_cidrs_count);
	return b;
}

/* The words behind a field: whom to ask. */
static void say(struct bounding *b, const char *field)
{
	const char *contact = bounds_contact(b->bounds);
	policy_problem(&b->decision->problems, POLICY_WARNING, field, (struct json_text){0},
	               "is cut: the admin's bounds (%s.%s) do not allow all of it%s%s", b->entry->path,
	               b->part, contact[0] == '\0' ? "" : "; ask ", contact);
}

static void name_field(const struct bounding *b, int rule, bool is_name, char field[POLICY_FIELD_SIZE])
{
	if (b->group != NULL)
		snprintf(field, POLICY_FIELD_SIZE, "%s", b->group);
	else
		snprintf(field, POLICY_FIELD_SIZE, "%s.%s[%d]", b->decision->rules_path,
		         is_name ? "domains" : "egress", rule);
}

static void say_cut(void *context, int rule, bool is_name)
{
	char field[POLICY_FIELD_SIZE];
	name_field(context, rule, is_name, field);
	say(context, field);
}

/* What a bound's rules allow, with the groups that it names. */
static const struct sets_set *read_bound(struct bounding *b, const struct bounds_rules *rules)
{
	const struct sets_set *set = sets_read(b->sets, rules->egress, rules->domains);
	for (struct json_member m = json_first(rules->groups); m.value.at; m = json_next(m)) {
		struct bounds_rules group;
		if (bounds_group(b->bounds, m.value, &group))
			set = sets_unite(b->sets, set, sets_read(b->sets, group.egress, group.domains));
	}
	return set;
}

/* Which of the card's rules and groups go beyond a limit, or meet what none may reach. */
static void find_cuts(struct bounding *b, const struct sets_set *bound, bool never)
{
	void (*look)(struct sets *, const struct sets_set *, const struct sets_set *,
	             void (*)(void *, int, bool), void *) = never ? sets_meeting : sets_beyond;
	char path[POLICY_FIELD_SIZE];
	size_t index = 0;
	b->part = never ? "never" : "atMost";
	b->group = NULL;
	look(b->sets, sets_read(b->sets, b->rules->egress, b->rules->domains), bound, say_cut, b);
	for (struct json_member m = json_first(b->rules->groups); m.value.at; m = json_next(m), index++) {
		struct bounds_rules group;
		if (!bounds_group(b->bounds, m.value, &group))
			continue;
		snprintf(path, sizeof path, "%s.groups[%zu]", b->decision->rules_path, index);
		b->group = path;
		look(b->sets, sets_read(b->sets, group.egress, group.domains), bound, say_cut, b);
		b->group = NULL;
	}
}

/* What the card asks for, with the groups that it names. */
static const struct sets_set *read_card(struct bounding *b)
{
	if (b->rules == NULL)
		return sets_read(b->sets, (struct json_text){0}, (struct json_text){0});
	if (!b->rules->set)
		return sets_everything(b->sets);
	b->touched = !json_is_empty(b->rules->groups);
	struct bounds_rules rules = {true, b->rules->egress, b->rules->domains, b->rules->groups};
	return read_bound(b, &rules);
}

static void limit(struct bounding *b)
{
	size_t index = 0;
	enum bounds_match match;
	while ((b->entry = bounds_next(b->bounds, &b->agent, &index, &match)) != NULL) {
		if (!b->entry->at_most.set)
			continue;
		const struct sets_set *bound = read_bound(b, &b->entry->at_most);
		if (b->rules != NULL && b->rules->set)
			find_cuts(b, bound, false);
		b->set = sets_intersect(b->sets, b->set, bound);
		b->touched = true;
	}
}

static void add_always(struct bounding *b)
{
	size_t index = 0;
	enum bounds_match match;
	while ((b->entry = bounds_next(b->bounds, &b->agent, &index, &match)) != NULL) {
		if (!b->entry->always.set || match != BOUNDS_YES)
			continue;
		b->set = sets_unite(b->sets, b->set, read_bound(b, &b->entry->always));
		b->touched = true;
	}
}

static const struct bounds_grant *next_grant(const struct bounding *b, size_t *index)
{
	return b->agent.kind == NULL ? NULL
	                             : bounds_next_grant(b->bounds, b->agent.namespace, b->agent.kind,
	                                                 b->agent.name, index);
}

/* Without a time nobody knows whether they have ended. */
static void add_grants(struct bounding *b)
{
	const struct policy_inventory *inventory = b->inventory;
	const struct bounds_grant *grant;
	size_t index = 0;
	while ((grant = next_grant(b, &index)) != NULL) {
		if (!inventory->now_known)
			policy_problem(&b->decision->problems, POLICY_WARNING, "spec", (struct json_text){0},
			               "what the admin's bounds grant (%s) does not count: the input tells "
			               "no time (egress-watch --timestamps, egress-translate --at)",
			               grant->path);
		if (!inventory->now_known || inventory->now >= grant->until)
			continue;
		b->set = sets_unite(b->sets, b->set, read_bound(b, &grant->rules));
		b->touched = true;
	}
}

/* Names bring the lookups that they need, unless the card says for itself what it needs. */
static void add_dns(struct bounding *b)
{
	struct json_buffer *dns = &b->decision->other;
	bool own = b->rules != NULL && b->rules->egress.at != NULL;
	dns->len = 0;
	if (own || !sets_has_names(b->set) || sets_is_everything(b->set))
		return;
	b->is_dns = !sets_has_addresses(b->set);
	policy_dns_put(b->inventory->settings->dns, dns);
	b->set = sets_unite(b->sets, b->set,
	                    sets_read(b->sets, json_buffer_text(dns), (struct json_text){0}));
}

static void take_never(struct bounding *b)
{
	size_t index = 0;
	enum bounds_match match;
	while ((b->entry = bounds_next(b->bounds, &b->agent, &index, &match)) != NULL) {
		if (!b->entry->never.set || json_is_empty(b->entry->never.egress))
			continue;
		const struct sets_set *never = read_bound(b, &b->entry->never);
		if (b->rules != NULL && b->rules->set)
			find_cuts(b, never, true);
		b->set = sets_subtract(b->sets, b->set, never);
		b->touched = b->has_never = true;
	}
}

static void warn_of_losses(struct bounding *b)
{
	static const struct {
		unsigned loss;
		const char *why;
	} losses[] = {
	        {SETS_LOST_SELECTOR_BLOCK, "pods and addresses may be the same: what may be both is left out"},
	        {SETS_LOST_NAMED_PORT, "the number of a named port is not known: it is left out"},
	        {SETS_LOST_LIMIT, "they are too many to compare: what is left is left out"},
	};
	unsigned lost = sets_losses(b->sets);
	for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++)
		if ((lost & losses[i].loss) != 0)
			policy_problem(&b->decision->problems, POLICY_WARNING, "spec", (struct json_text){0},
			               "where the admin's bounds meet other rules, %s%s", losses[i].why,
			               losses[i].loss == SETS_LOST_SELECTOR_BLOCK &&
			                               b->inventory->settings->pod_cidrs_count == 0
			                       ? " (egress-translate --pod-cidr says which addresses are pods')"
			                       : "");
}

static void put_egress(struct bounding *b)
{
	struct json_buffer egress = {0};
	struct policy_decision *decision = b->decision;
	sets_put_egress(b->sets, b->set, &egress);
	decision->egress.len = 0;
	policy_rules_put(&decision->egress, json_buffer_text(&egress),
	                 b->inventory->settings->explicit_peers && decision->mode != POLICY_MODE_ALLOW_ALL);
	json_buffer_free(&egress);
}

static void put_domains(struct bounding *b)
{
	struct policy_decision *decision = b->decision;
	decision->domain_rules.len = 0;
	decision->domains = (struct json_text){0};
	decision->egress_is_dns = b->is_dns;
	if (!sets_has_names(b->set))
		return;
	sets_put_domains(b->sets, b->set, &decision->domain_rules);
	decision->domains = json_buffer_text(&decision->domain_rules);
	decision->names_beside_never = b->has_never;
}

/* The words follow the result. */
static void conclude(struct bounding *b)
{
	struct policy_decision *decision = b->decision;
	enum policy_mode before = decision->mode;
	decision->mode = decision->asked = sets_is_empty(b->set)        ? POLICY_MODE_DENY_ALL
	                                   : sets_is_everything(b->set) ? POLICY_MODE_ALLOW_ALL
	                                                                : POLICY_MODE_SCOPED;
	if (decision->mode == before && before != POLICY_MODE_SCOPED)
		return;
	if (b->rules == NULL) {
		json_puts(&decision->message, ", but for what the admin's bounds add");
		return;
	}
	if (before != POLICY_MODE_SCOPED)
		decision->reason = "EgressBounds";
	if (before == POLICY_MODE_DENY_ALL && !json_is_empty(b->rules->groups)) {
		decision->message.len = 0;
		json_puts(&decision->message, "verified, and its card names groups");
	}
	json_puts(&decision->message, "; within the admin's bounds");
}

void policy_bound(const struct policy_inventory *inventory, struct policy_decision *decision,
                  const struct policy_rules *rules)
{
	if (inventory->settings->bounds == NULL)
		return;
	struct bounding b = begin(inventory, decision, rules);
	b.set = read_card(&b);
	limit(&b);
	add_always(&b);
	add_grants(&b);
	add_dns(&b);
	take_never(&b);
	if (b.touched) {
		warn_of_losses(&b);
		conclude(&b);
		put_egress(&b);
		put_domains(&b);
	}
	sets_free(b.sets);
}

void policy_bound_restrictive(const struct policy_inventory *inventory,
                              struct policy_decision *decision)
{
	if (inventory->settings->bounds == NULL)
		return;
	struct bounding b = begin(inventory, decision, NULL);
	b.set = sets_read(b.sets, json_buffer_text(&decision->egress), (struct json_text){0});
	take_never(&b);
	if (b.touched) {
		warn_of_losses(&b);
		put_egress(&b);
		json_puts(&decision->message, "; less what the admin's bounds deny everybody");
	}
	sets_free(b.sets);
}
