#include "translate/translator.h"
#include "targets/readings.h"

#include <string.h>

#include "base/clock.h"
#include "bounds/bounds.h"
#include "json/write.h"
#include "k8s/open_lists.h"
#include "k8s/unusable.h"
#include "policy/widened.h"
#include "translate/operation_private.h"
#include "translate/namespace_wide_private.h"

struct policy_translator {
	struct policy_settings settings;
	const struct policy_target *target;
	struct policy_inventory inventory;
	struct policy_decision decision;
	struct policy_output output;
	struct policy_manifests manifests;
	struct policy_problems problems; /* of a namespace */
	struct policy_gaps gaps;
	struct evidence *evidence;
	struct json_buffer line, essence;
	struct policy_lists lists;
	struct bounds *bounds; /* of the stream, where no file has them */
	bool bounds_listed;    /* it has them, or should have */
	struct json_buffer fault;
	bool listed;   /* the AgentCards' list has ended */
	bool any_card;    /* an AgentCard was seen */
	bool any_verdict; /* one that egress-verify has judged */
	bool known;
	bool lost; /* something that was listed could not be read */
	unsigned long applied, deleted;
};

/* The set of the plugins that are named, by a word or already as a set. */
static policy_cnis named_cnis(const struct policy_settings *settings)
{
	policy_cnis cnis = settings->cnis;
	for (int i = 0; i < POLICY_CNIS && settings->cni != NULL; i++)
		if (strcmp(settings->cni, policy_cni_words[i]) == 0)
			cnis |= POLICY_CNI_SET(i);
	return cnis;
}

/* As the first that evidence knows of. */
static enum evidence_cni evidence_cni_in(policy_cnis cnis)
{
	for (int i = 0; i < POLICY_CNIS; i++) {
		enum evidence_cni cni = evidence_cni_of(policy_cni_words[i]);
		if ((cnis & POLICY_CNI_SET(i)) != 0 && cni != EVIDENCE_CNI_UNKNOWN)
			return cni;
	}
	return EVIDENCE_CNI_UNKNOWN;
}

struct policy_translator *policy_translator_new(const struct policy_settings *settings,
                                                const struct policy_target *target,
                                                struct policy_output output)
{
	struct policy_translator *translator = calloc(1, sizeof *translator);
	if (translator == NULL)
		abort();
	translator->target = target;
	translator->settings = *settings;
	translator->settings.writes = policy_target_writes(target);
	translator->settings.cnis = named_cnis(settings) | target->cnis;
	translator->inventory.settings = &translator->settings;
	translator->output = output;
	if (settings->at != NULL)
		policy_inventory_time(&translator->inventory, *settings->at);
	translator->evidence = evidence_new(evidence_cni_in(named_cnis(settings)));
	return translator;
}

void policy_translator_free(struct policy_translator *translator)
{
	if (translator == NULL)
		return;
	policy_inventory_free(&translator->inventory);
	policy_decision_free(&translator->decision);
	policy_manifests_free(&translator->manifests);
	policy_problems_free(&translator->problems);
	policy_gaps_free(&translator->gaps);
	evidence_free(translator->evidence);
	bounds_free(translator->bounds);
	json_buffer_free(&translator->fault);
	json_buffer_free(&translator->line);
	json_buffer_free(&translator->essence);
	free(translator);
}

static void emit(struct policy_translator *translator)
{
	translator->output.emit(translator->output.context, json_buffer_text(&translator->line));
}

static void keep_card(struct policy_object *object, const struct policy_card *card)
{
	size_t name = strlen(card->name) + 1, uid = strlen(card->uid) + 1;
	free(object->card);
	object->card = malloc(name + uid);
	if (object->card == NULL)
		abort();
	memcpy(object->card, card->name, name);
	memcpy(object->card + name, card->uid, uid);
}

/* Whether what is seen means what the manifest does. Reading a manifest is dear, so what it means
 * is found out only when there is something to compare it with. */
static bool is_seen_as(struct policy_translator *translator, struct policy_object *object,
                       struct json_text manifest)
{
	const struct policy_inventory *inventory = &translator->inventory;
	if (object->seen && !object->essence_known)
		object->essence = policy_object_essence(inventory, manifest, &translator->essence);
	object->essence_known = object->essence_known || object->seen;
	return object->seen && policy_digest_same(object->seen_essence, object->essence);
}

/* Whether the line with this digest was asked for last, and what is seen does not differ. */
static bool is_asked(struct policy_translator *translator, struct policy_object *object,
                       struct json_text manifest, struct policy_digest digest)
{
	return object->last == POLICY_LAST_APPLY && !object->drifted &&
	       policy_digest_same(digest, object->operation) &&
	       (!object->seen || object->essence_known || is_seen_as(translator, object, manifest));
}

/* Against what the stream shows, and whose selector is the same. */
static enum policy_effect effect_of(const struct policy_translator *translator,
                                    const struct policy_object *object, enum policy_reach reach,
                                    struct json_text selector)
{
	enum policy_live live = policy_object_live(&translator->inventory, object);
	if (live == POLICY_LIVE_ABSENT)
		return POLICY_NEW;
	if (!object->seen || object->seen_reach == POLICY_REACH_UNKNOWN ||
	    reach == POLICY_REACH_UNKNOWN || object->seen_selector == NULL ||
	    !json_same(json_of(object->seen_selector), selector))
		return POLICY_EFFECT_UNKNOWN;
	if (reach == POLICY_REACH_NOTHING || object->seen_reach == POLICY_REACH_ALL)
		return POLICY_NARROWS;
	if (reach == POLICY_REACH_ALL || object->seen_reach == POLICY_REACH_NOTHING)
		return POLICY_WIDENS;
	return POLICY_EFFECT_UNKNOWN;
}

/* How far the first object of a decision reaches. */
static enum policy_reach reach_of(const struct policy_translator *translator)
{
	if (translator->settings.writes.kind != &policy_kind_networkpolicy)
		return POLICY_REACH_UNKNOWN;
	switch (translator->decision.mode) {
	case POLICY_MODE_ALLOW_ALL:
		return POLICY_REACH_ALL;
	case POLICY_MODE_DENY_ALL:
		return POLICY_REACH_NOTHING;
	default:
		return POLICY_REACH_SOME;
	}
}

/* Asks for what the line says, up to its closing brace, unless that was asked for last. */
static void apply(struct policy_translator *translator, struct policy_object *object,
                  struct json_text manifest, enum policy_reach reach, struct json_text selector)
{
	struct json_buffer *line = &translator->line;
	struct policy_digest digest = policy_digest(json_buffer_text(line));
	if (is_asked(translator, object, manifest, digest))
		return;
	object->last = POLICY_LAST_APPLY;
	object->drifted = false;
	object->operation = digest;
	object->essence_known = false;
	bool observed = is_seen_as(translator, object, manifest);
	policy_put_apply_end(object, observed, effect_of(translator, object, reach, selector), line);
	translator->applied++;
	emit(translator);
}

/* The object of an extra manifest, kept in a list of its workload or namespace. */
static struct policy_object *extra(struct policy_translator *translator,
                                     struct policy_object **list, struct policy_namespace *namespace,
                                     struct policy_workload *part_of,
                                     const struct policy_manifest *manifest)
{
	struct policy_object *object = policy_object_at(&translator->inventory, manifest->kind,
	                                                namespace, json_of(manifest->name));
	if (!object->extra) {
		policy_previous_remove(object);
		object->extra = true;
		object->part_of = part_of;
		DL_APPEND2(*list, object, extra_prev, extra_next);
	}
	object->fresh = true;
	return object;
}

/* Those that were not rendered this time are wanted no more. */
static void drop_stale(struct policy_translator *translator, struct policy_object **list)
{
	struct policy_object *object = *list, *next;
	for (; object != NULL; object = next) {
		next = object->extra_next;
		if (!object->fresh) {
			DL_DELETE2(*list, object, extra_prev, extra_next);
			object->extra = false;
			object->gone = true;
			policy_unwanted(&translator->inventory, object);
		}
		object->fresh = false;
	}
}

static void apply_decision(struct policy_translator *translator, struct policy_workload *workload)
{
	const struct policy_inventory *inventory = &translator->inventory;
	struct policy_decision *decision = &translator->decision;
	struct policy_manifests *manifests = &translator->manifests;
	policy_render(translator->target, inventory, decision, manifests);
	for (size_t i = 0; i < manifests->count; i++) {
		struct policy_object *object =
			i == 0 ? workload->object
			       : extra(translator, &workload->extra, workload->namespace, workload,
		                         &manifests->items[i]);
		struct json_text manifest = policy_manifest_text(manifests, i);
		translator->line.len = 0;
		policy_put_apply(manifest, decision, &translator->line);
		keep_card(object, decision->owner);
		apply(translator, object, manifest,
		      i == 0 ? reach_of(translator) : POLICY_REACH_UNKNOWN, decision->selector);
	}
}

/* Where nothing tells any more which pods it selects, what there is stays as it is. */
static void keep_quarantine(struct policy_workload *workload)
{
	struct policy_object *object;
	DL_FOREACH2(workload->extra, object, extra_next)
	object->fresh = object->fresh || object->quarantine;
}

/* Of a workload with or without cards. */
static void apply_quarantine(struct policy_translator *translator, struct policy_workload *workload)
{
	const struct bounds_quarantine *entry =
	        policy_quarantine_of(&translator->inventory, workload);
	struct policy_manifests *manifests = &translator->manifests;
	if (entry == NULL)
		return;
	if (workload->selector == NULL) {
		keep_quarantine(workload);
		return;
	}
	policy_manifests_clear(manifests);
	policy_quarantine_put(workload, manifests);
	struct policy_object *object = extra(translator, &workload->extra, workload->namespace, workload,
	                                     &manifests->items[0]);
	struct json_text manifest = policy_manifest_text(manifests, 0);
	object->quarantine = true;
	translator->line.len = 0;
	policy_put_apply_quarantine(manifest, entry, &translator->line);
	apply(translator, object, manifest, POLICY_REACH_NOTHING, json_of(workload->selector));
}

static void apply_status(struct policy_translator *translator, struct policy_card *card)
{
	struct json_buffer *line = &translator->line;
	line->len = 0;
	policy_put_status(&translator->decision, card, line);
	struct policy_digest digest = policy_digest(json_buffer_text(line));
	if (policy_digest_same(digest, card->status))
		return;
	card->status = digest;
	translator->applied++;
	emit(translator);
}

/* What is said of a whole namespace is found out again only when its part in that differs: each
 * time it takes all agents of the namespace. */
static void note_part(struct policy_translator *translator, struct policy_workload *workload)
{
	const struct policy_decision *decision = &translator->decision;
	struct json_buffer *line = &translator->line;
	struct policy_digest part = {0};
	if (!translator->settings.writes.namespace_wide)
		return;
	if (workload->cards != NULL && decision->mode != POLICY_MODE_NONE) {
		line->len = 0;
		json_puttext(line, json_buffer_text(&decision->egress));
		if (decision->domains.at != NULL)
			json_puttext(line, decision->domains);
		if (decision->kept)
			json_puts(line, "kept");
		part = policy_digest(json_buffer_text(line));
	}
	if (policy_digest_same(part, workload->namespace_wide))
		return;
	workload->namespace_wide = part;
	policy_namespace_changed(&translator->inventory, workload->namespace);
}

/* Every object that implements the decision is there to be looked at. */
static bool is_live(const struct policy_inventory *inventory, const struct policy_workload *workload)
{
	const struct policy_object *object;
	if (workload == NULL || workload->object == NULL ||
	    policy_object_live(inventory, workload->object) == POLICY_LIVE_UNKNOWN)
		return false;
	DL_FOREACH2(workload->extra, object, extra_next)
	if (policy_object_live(inventory, object) == POLICY_LIVE_UNKNOWN)
		return false;
	DL_FOREACH2(workload->namespace->extra, object, extra_next)
	if (policy_object_live(inventory, object) == POLICY_LIVE_UNKNOWN)
		return false;
	return true;
}

static void find_gaps(struct policy_translator *translator)
{
	struct policy_decision *decision = &translator->decision;
	const struct policy_workload *workload = decision->workload;
	const struct policy_object *object;
	struct policy_gaps *gaps = &translator->gaps;
	policy_gaps_clear(gaps);
	policy_gaps_of_workload(decision, gaps);
	if (decision->mode == POLICY_MODE_NONE)
		return;
	if (decision->kept) {
		policy_gap(gaps, POLICY_GAP_UNDECIDED, NULL,
		           "whether its card has rules cannot be known, so that its policy is not judged");
		return;
	}
	if (decision->names_beside_never && translator->settings.writes.names)
		policy_gap(gaps, POLICY_GAP_NEVER_NOT_ENFORCED, NULL,
		           "a name may resolve to an address that the admin's bounds deny");
	policy_gaps_of_object(&translator->inventory, workload->object, gaps);
	DL_FOREACH2(workload->extra, object, extra_next)
	policy_gaps_of_object(&translator->inventory, object, gaps);
	DL_FOREACH2(workload->namespace->extra, object, extra_next)
	policy_gaps_of_object(&translator->inventory, object, gaps);
	policy_target_gaps(translator->target, &translator->inventory, decision, gaps);
	policy_widened(translator->evidence, decision, gaps, &decision->problems);
}

/* The AGENT line of the decision that was made, unless it was the last for this card. */
static void tell(struct policy_translator *translator, struct policy_card *card)
{
	const struct policy_decision *decision = &translator->decision;
	struct json_buffer *line = &translator->line;
	bool confines = decision->asked != POLICY_MODE_ALLOW_ALL;
	line->len = 0;
	policy_put_agent(decision, card, confines ? &translator->gaps : NULL,
	                 is_live(&translator->inventory, decision->workload), line);
	struct policy_digest digest = policy_digest(json_buffer_text(line));
	if (policy_digest_same(digest, card->told))
		return;
	card->told = digest;
	card->told_any = true;
	emit(translator);
}

/* Of an agent with namespace-wide objects something is told once those are asked for, too. */
static void tell_all(struct policy_translator *translator, struct policy_workload *workload)
{
	struct policy_card *card;
	if (translator->settings.writes.namespace_wide) {
		policy_report(&translator->inventory, workload->cards);
		return;
	}
	find_gaps(translator);
	DL_FOREACH(workload->cards, card)
	tell(translator, card);
}

static void tell_next(struct policy_translator *translator)
{
	struct policy_inventory *inventory = &translator->inventory;
	struct policy_card *card = inventory->reports;
	DL_DELETE2(inventory->reports, card, report_prev, report_next);
	card->report_queued = false;
	if (card->workload == NULL) {
		policy_decide_alone(inventory, card, &translator->decision);
		find_gaps(translator);
		tell(translator, card);
		return;
	}
	policy_decide(inventory, card->workload, &translator->decision);
	if (translator->decision.mode != POLICY_MODE_NONE && !translator->decision.kept)
		policy_render(translator->target, inventory, &translator->decision,
		              &translator->manifests);
	find_gaps(translator);
	DL_FOREACH(card->workload->cards, card)
	tell(translator, card);
}

static void tell_gone(struct policy_translator *translator)
{
	struct policy_gone *gone = translator->inventory.gone;
	DL_DELETE(translator->inventory.gone, gone);
	translator->line.len = 0;
	policy_put_gone(gone, &translator->line);
	policy_gone_free(gone);
	emit(translator);
}

static void decide(struct policy_translator *translator, struct policy_workload *workload)
{
	struct policy_inventory *inventory = &translator->inventory;
	struct policy_decision *decision = &translator->decision;
	policy_claim(inventory, workload);
	if (workload->cards == NULL) {
		note_part(translator, workload);
		apply_quarantine(translator, workload);
		drop_stale(translator, &workload->extra);
		policy_previous_release(inventory, workload);
		policy_workload_sweep(inventory, workload);
		return;
	}
	policy_decide(inventory, workload, decision);
	note_part(translator, workload);
	if (decision->mode != POLICY_MODE_NONE && !decision->kept)
		apply_decision(translator, workload);
	apply_quarantine(translator, workload);
	if (!decision->kept)
		drop_stale(translator, &workload->extra);
	policy_previous_release(inventory, workload);
	if (inventory->settings->status) {
		struct policy_card *card;
		DL_FOREACH(workload->cards, card)
			apply_status(translator, card);
	}
	tell_all(translator, workload);
}

/* Of objects that nothing was rendered for: all cards are known, and with all of their rules. What
 * an agent keeps whose rules are not known may be any of them. */
static bool may_tell_unwanted(const struct policy_translator *translator)
{
	return translator->known && !translator->lost && !translator->inventory.schema_missing;
}

/* Only what is known to be unwanted: its card was seen to go, or all cards are known. What may
 * still be all that limits an agent waits for what replaces it. */
static void remove_unwanted(struct policy_translator *translator, struct policy_object *object)
{
	bool exists = object->seen || object->last == POLICY_LAST_APPLY;
	bool said = object->last == POLICY_LAST_DELETE && !object->drifted;
	if (object->owner != NULL || object->extra || !exists || said ||
	    policy_quarantine_holds(&translator->inventory, object) ||
	    (!object->gone && (!may_tell_unwanted(translator) || object->namespace->unread)))
		return;
	struct policy_workload *waits_for = policy_previous_of(&translator->inventory, object);
	if (waits_for != NULL) {
		policy_previous_add(waits_for, object);
		return;
	}
	object->last = POLICY_LAST_DELETE;
	object->drifted = false;
	translator->line.len = 0;
	policy_put_delete(object, POLICY_EFFECT_UNKNOWN, &translator->line);
	translator->deleted++;
	emit(translator);
}

static void decide_next(struct policy_translator *translator)
{
	struct policy_workload *workload = translator->inventory.touched;
	DL_DELETE(translator->inventory.touched, workload);
	workload->queued = false;
	decide(translator, workload);
}

/* What the namespace has stays while the part of an agent in it is not known. */
static bool keeps_any(const struct policy_namespace *namespace)
{
	const struct policy_workload *workload;
	const struct policy_card *card;
	DL_FOREACH2(namespace->workloads, workload, namespace_next)
	DL_FOREACH(workload->cards, card)
	if (card->pruned && !card->erased)
		return true;
	return false;
}

static void apply_namespace(struct policy_translator *translator, struct policy_namespace *namespace)
{
	policy_namespace_wide_render(translator->target, &translator->inventory, namespace,
	                        &translator->problems, &translator->manifests);
	for (size_t i = 0; i < translator->manifests.count; i++) {
		struct policy_object *object = extra(translator, &namespace->extra, namespace, NULL,
		                                       &translator->manifests.items[i]);
		struct json_text manifest = policy_manifest_text(&translator->manifests, i);
		translator->line.len = 0;
		policy_put_apply_namespace(manifest, &translator->problems, &translator->line);
		apply(translator, object, manifest, POLICY_REACH_UNKNOWN, (struct json_text){0});
	}
	drop_stale(translator, &namespace->extra);
}

static void render_next_namespace(struct policy_translator *translator)
{
	struct policy_namespace *namespace = translator->inventory.changed;
	struct policy_workload *workload;
	DL_DELETE(translator->inventory.changed, namespace);
	namespace->queued = false;
	if (!keeps_any(namespace))
		apply_namespace(translator, namespace);
	DL_FOREACH2(namespace->workloads, workload, namespace_next)
	if (workload->cards != NULL)
		policy_report(&translator->inventory, workload->cards);
}

static void remove_next(struct policy_translator *translator)
{
	struct policy_object *object = translator->inventory.unwanted;
	DL_DELETE(translator->inventory.unwanted, object);
	object->queued = false;
	policy_previous_remove(object);
	remove_unwanted(translator, object);
	policy_object_sweep(&translator->inventory, object);
}

/* Where they should have come and did not, nothing is decided without them. */
static bool lacks_bounds(const struct policy_translator *translator)
{
	return translator->bounds_listed && translator->settings.bounds == NULL;
}

/* Until nothing is left that has changed. Policies come before deletions, so that a policy
 * that changes its name is there under the new one first. */
static void flush(struct policy_translator *translator)
{
	const struct policy_inventory *inventory = &translator->inventory;
	if (lacks_bounds(translator))
		return;
	for (;;) {
		if (inventory->gone != NULL)
			tell_gone(translator);
		else if (inventory->touched != NULL)
			decide_next(translator);
		else if (inventory->changed != NULL)
			render_next_namespace(translator);
		else if (inventory->unwanted != NULL)
			remove_next(translator);
		else if (inventory->reports != NULL)
			tell_next(translator);
		else
			return;
	}
}

static void become_known(struct policy_translator *translator)
{
	struct policy_object *object;
	translator->known = true;
	for (object = translator->inventory.objects; object != NULL; object = object->hh.next)
		if (object->owner == NULL)
			policy_unwanted(&translator->inventory, object);
}

static void report(void *translator, void *workload)
{
	struct policy_workload *w = workload;
	if (w->cards != NULL)
		policy_report(&((struct policy_translator *)translator)->inventory, w->cards);
}

static void report_namespace(struct policy_translator *translator,
                             const struct policy_namespace *namespace)
{
	struct policy_workload *workload;
	DL_FOREACH2(namespace->workloads, workload, namespace_next)
	report(translator, workload);
}

/* Those of a namespace whose pods have this label. */
static void report_labelled(struct policy_translator *translator,
                            const struct policy_namespace *namespace, struct json_text key,
                            struct json_text value)
{
	struct json_buffer selector = {0};
	if (key.at == NULL)
		return;
	json_puts(&selector, "{\"matchLabels\":{");
	json_put_string_n(&selector, key.at, key.len);
	json_putc(&selector, ':');
	json_put_string_n(&selector, value.at, value.len);
	json_puts(&selector, "}}");
	struct policy_overlap_entry entry = {.selector = json_buffer_text(&selector)};
	policy_overlap_each(&namespace->overlap, &entry, report, translator);
	json_buffer_free(&selector);
}

/* Others' policies change what agents are confined to, and nothing that is asked for. */
static void take_evidence(struct policy_translator *translator, const struct event *event)
{
	struct evidence_change change = evidence_take(translator->evidence, event);
	struct policy_namespace *namespace = NULL;
	if (change.reach == EVIDENCE_REACH_ALL) {
		for (namespace = translator->inventory.namespaces; namespace != NULL;
		     namespace = namespace->hh.next)
			report_namespace(translator, namespace);
		return;
	}
	if (change.reach != EVIDENCE_REACH_NONE)
		HASH_FIND(hh, translator->inventory.namespaces, change.namespace.at, change.namespace.len,
		          namespace);
	if (namespace == NULL)
		return;
	if (change.reach == EVIDENCE_REACH_NAMESPACE) {
		report_namespace(translator, namespace);
		return;
	}
	for (int i = 0; i < 2; i++)
		report_labelled(translator, namespace, change.labels[i].key,
		                change.labels[i].value);
}

static bool is_bounds(const struct event *event)
{
	return event_is(event, BOUNDS_API_GROUP, "EgressBounds");
}

/* The labels of Namespaces are more than evidence where bounds ask for them. */
static bool is_waited_for(const struct policy_translator *translator, const struct event *event)
{
	const struct bounds *bounds = translator->settings.bounds;
	if (event_is(event, "", "Namespace"))
		return bounds != NULL && bounds_select_by_labels(bounds);
	return !evidence_alone(event);
}

static void begin_list(struct policy_translator *translator, const struct event *event)
{
	if (event_is(event, "", "Namespace"))
		policy_inventory_begin(&translator->inventory, event);
	if (!is_waited_for(translator, event))
		return;
	if (translator->lists.count == 0)
		translator->lost = false;
	if (!event_is(event, "", "Namespace"))
		policy_inventory_begin(&translator->inventory, event);
	policy_lists_begin(&translator->lists, event);
	translator->bounds_listed = translator->bounds_listed || is_bounds(event);
}

static bool is_card(const struct policy_translator *translator, const struct event *event)
{
	return event_is(event, translator->inventory.settings->names->agentcard_group, "AgentCard");
}

/* The one object that counts. */
static bool is_our_bounds(const struct event *event)
{
	return is_bounds(event) && text_is(event->name, BOUNDS_OBJECT_NAME);
}

/* Somebody wants bounds: nothing is decided until some can be used. */
static void want_bounds(struct policy_translator *translator, const struct event *event)
{
	if (translator->settings.bounds != NULL)
		return;
	policy_lists_begin(&translator->lists, event);
	translator->bounds_listed = true;
}

static void end_list(struct policy_translator *translator, const struct event *event)
{
	if (event_is(event, "", "Namespace")) {
		policy_inventory_end(&translator->inventory, event);
		policy_lists_end(&translator->lists, event);
	}
	if (evidence_alone(event) || (is_bounds(event) && lacks_bounds(translator)))
		return;
	if (!translator->lost || !is_card(translator, event))
		policy_inventory_end(&translator->inventory, event);
	policy_lists_end(&translator->lists, event);
}

static void take_bookmark(struct policy_translator *translator, const struct event *event,
                          struct json_text line)
{
	take_evidence(translator, event);
	if (event->mark == EVENT_MARK_NONE && translator->known)
		flush(translator);
	if (event->mark == EVENT_MARK_BEGIN) {
		begin_list(translator, event);
		if (is_card(translator, event))
			translator->output.emit(translator->output.context, line);
	}
	if (event->mark != EVENT_MARK_END)
		return;
	end_list(translator, event);
	translator->listed = translator->listed || is_card(translator, event);
	bool complete = translator->listed && !policy_lists_any(&translator->lists);
	if (complete)
		become_known(translator);
	if (translator->known || translator->inventory.settings->no_wait)
		flush(translator);
	if (complete && !translator->lost && is_card(translator, event))
		translator->output.emit(translator->output.context, line);
}

/* What is not the last word on an object that is held passes: egress-apply must know, too, that a card may
 * want what no operation names. */
static void take_named(struct policy_translator *translator, const struct event *named)
{
	take_evidence(translator, named);
	if (is_our_bounds(named))
		want_bounds(translator, named);
	if (!policy_inventory_unusable(&translator->inventory, named)) {
		translator->line.len = 0;
		k8s_unusable_put(&translator->line, named);
		emit(translator);
	}
	if (translator->known || translator->inventory.settings->no_wait)
		flush(translator);
}

static void take_error(struct policy_translator *translator, const struct event *event)
{
	struct event named;
	if (k8s_unusable_read(event, &named))
		take_named(translator, &named);
	else
		translator->lost = true;
}

void policy_translator_unusable(struct policy_translator *translator, struct json_text line)
{
	struct event named;
	if (k8s_unusable_find(line, &named))
		take_named(translator, &named);
	else
		translator->lost = true;
}

static void say_fault(void *context, struct json_text at, const char *path, const char *message)
{
	struct policy_translator *translator = context;
	(void)at;
	if (translator->fault.len == 0)
		json_putf(&translator->fault, "the bounds do not count, and the last good ones stay, if any: %s: %s",
		          path, message);
}

/* The last good ones stay in the place of what cannot be used, and of what was deleted: whoever takes
 * the object away should not open what it kept shut. */
static const char *take_bounds(struct policy_translator *translator, const struct event *event)
{
	bool ours = translator->settings.bounds == translator->bounds;
	if (!ours || event->type == EVENT_DELETED || !is_our_bounds(event))
		return NULL;
	translator->fault.len = 0;
	struct bounds *bounds =
	        bounds_read(event->object, &(struct document_faults){say_fault, translator});
	if (bounds == NULL) {
		json_putc(&translator->fault, '\0');
		want_bounds(translator, event);
		return translator->fault.at;
	}
	struct bounds *before = translator->bounds;
	translator->settings.bounds = translator->bounds = bounds;
	policy_bounds_changed(&translator->inventory, before);
	bounds_free(before);
	/* they may come when all lists have ended */
	if (translator->bounds_listed)
		policy_lists_end(&translator->lists, event);
	if (!translator->known && translator->listed && !policy_lists_any(&translator->lists))
		become_known(translator);
	return NULL;
}

static void take_time(struct policy_translator *translator, struct json_text time)
{
	int64_t seconds;
	char *text = translator->settings.at == NULL ? json_cstring(time) : NULL;
	if (text != NULL && clock_parse(text, &seconds))
		policy_inventory_time(&translator->inventory, seconds);
	free(text);
}

const char *policy_translator_take(struct policy_translator *translator, struct json_text line,
                                   struct json_text json)
{
	struct event event;
	const char *wrong = event_read(json, &event);
	if (wrong != NULL) {
		policy_translator_unusable(translator, json);
		return wrong;
	}
	if (event.type == EVENT_ERROR) {
		take_error(translator, &event);
		return NULL;
	}
	take_time(translator, event.time);
	if (event.type == EVENT_BOOKMARK) {
		take_bookmark(translator, &event, line);
		return NULL;
	}
	if (is_card(translator, &event)) {
		translator->any_card = true;
		translator->any_verdict = translator->any_verdict || event.verification.at != NULL;
	}
	take_evidence(translator, &event);
	wrong = is_bounds(&event) ? take_bounds(translator, &event)
	                          : policy_inventory_take(&translator->inventory, &event);
	if (translator->known || translator->inventory.settings->no_wait)
		flush(translator);
	return wrong;
}

void policy_translator_clock(struct policy_translator *translator, int64_t now)
{
	if (!translator->inventory.now_known || translator->settings.at != NULL)
		return;
	policy_inventory_time(&translator->inventory, now);
	if (translator->known)
		flush(translator);
}

bool policy_translator_time(const struct policy_translator *translator, int64_t *now)
{
	*now = translator->inventory.now;
	return translator->inventory.now_known && translator->settings.at == NULL;
}

bool policy_translator_is_lost(const struct policy_translator *translator)
{
	return translator->lost;
}

bool policy_translator_lacks_verdicts(const struct policy_translator *translator)
{
	return translator->any_card && !translator->any_verdict;
}

bool policy_translator_known(const struct policy_translator *translator)
{
	return translator->known;
}

const char *policy_translator_end(struct policy_translator *translator)
{
	if (lacks_bounds(translator))
		return "the input has no bounds that can be used, and should have: nothing is asked for";
	if (translator->known)
		return NULL;
	if (policy_lists_any(&translator->lists))
		return "the input ended before its lists were complete: not all is known, and "
		       "nothing is asked for";
	/* without marks, the end of the input is the end of all lists; but an input without any
	 * AgentCard says nothing about which policies are unwanted */
	if (translator->any_card || translator->listed)
		become_known(translator);
	flush(translator);
	return NULL;
}

bool policy_translator_schema_missing(const struct policy_translator *translator)
{
	return translator->inventory.schema_missing;
}

struct policy_counts policy_translator_counts(const struct policy_translator *translator)
{
	return (struct policy_counts){.agents = HASH_COUNT(translator->inventory.cards),
	                              .applied = translator->applied,
	                              .deleted = translator->deleted};
}

struct policy_inventory *policy_translator_inventory(struct policy_translator *translator)
{
	return &translator->inventory;
}
