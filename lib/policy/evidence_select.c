/* Label selectors as requirements (metav1.LabelSelector): whether they select an agent's pods, and
 * whether all that one selects another selects too. */
#include <string.h>

#include "k8s/name.h"
#include "k8s/selector.h"
#include "policy/evidence_private.h"

/* Labels that Cilium leaves out of identities, so that it takes them for absent (its option
 * --labels; "topology.kubernetes.io" since 1.19, "beta.kubernetes.io" before, too). */
static bool may_be_left_out(const struct evidence *evidence, struct json_text key)
{
	return (evidence->cni == EVIDENCE_CNI_CILIUM || evidence->cni == EVIDENCE_CNI_UNKNOWN) &&
	       (memmem(key.at, key.len, "topology.kubernetes.io", 22) != NULL ||
	        memmem(key.at, key.len, "beta.kubernetes.io", 18) != NULL);
}

static bool is_among(struct json_text value, const struct evidence_requirement *requirement)
{
	for (size_t i = 0; i < requirement->count; i++)
		if (json_same(value, requirement->values[i]))
			return true;
	return false;
}

static bool operator_read(struct json_text word, enum evidence_operator *operator)
{
	static const char *const words[] = {"In", "NotIn", "Exists", "DoesNotExist"};
	for (int i = 0; i < 4; i++) {
		if (json_equals(word, words[i])) {
			*operator = (enum evidence_operator) i;
			return true;
		}
	}
	return false;
}

static bool values_read(struct evidence_arena *arena, struct json_text values,
                        struct evidence_requirement *requirement)
{
	size_t count = json_count(values);
	struct json_text *list = evidence_alloc(arena, (count + 1) * sizeof *list);
	requirement->values = list;
	for (struct json_member m = json_first(values); m.value.at; m = json_next(m)) {
		list[requirement->count] = evidence_string(arena, m.value);
		if (list[requirement->count++].at == NULL)
			return false;
	}
	return true;
}

static bool expression_read(struct evidence_arena *arena, struct json_text expression,
                            struct evidence_requirement *requirement)
{
	static const char *const members[] = {"key", "operator", "values", NULL};
	struct json_text values = json_get(expression, "values");
	if (!evidence_only(expression, members) ||
	    (evidence_is_set(values) && json_type(values) != JSON_ARRAY))
		return false;
	requirement->key = evidence_string(arena, json_get(expression, "key"));
	if (requirement->key.at == NULL ||
	    !operator_read(json_get(expression, "operator"), &requirement->operator))
		return false;
	return values_read(arena, values, requirement);
}

static void label_require(struct evidence_arena *arena, struct evidence_selector *selector,
                          struct json_member label)
{
	struct json_text *value = evidence_alloc(arena, sizeof *value);
	*value = evidence_string(arena, label.value);
	struct evidence_requirement requirement = {
	        .key = evidence_string(arena, label.key), .values = value, .count = 1};
	if (value->at == NULL || requirement.key.at == NULL)
		selector->unread = true;
	else
		evidence_require(arena, selector, requirement);
}

struct evidence_selector evidence_selector_read(struct evidence_arena *arena,
                                                struct json_text selector)
{
	static const char *const members[] = {"matchLabels", "matchExpressions", NULL};
	struct evidence_selector read = {0};
	struct json_text labels = json_get(selector, "matchLabels");
	struct json_text expressions = json_get(selector, "matchExpressions");
	if (!evidence_is_set(selector))
		return read;
	if (!evidence_only(selector, members) || selector.len > POLICY_SELECTOR_BYTES ||
	    (evidence_is_set(labels) && json_type(labels) != JSON_OBJECT) ||
	    (evidence_is_set(expressions) && json_type(expressions) != JSON_ARRAY)) {
		read.unread = true;
		return read;
	}
	for (struct json_member m = json_first(labels); m.value.at; m = json_next(m))
		label_require(arena, &read, m);
	for (struct json_member m = json_first(expressions); m.value.at; m = json_next(m)) {
		struct evidence_requirement requirement = {0};
		if (expression_read(arena, m.value, &requirement))
			evidence_require(arena, &read, requirement);
		else
			read.unread = true;
	}
	read.unread = read.unread || read.count > POLICY_SELECTOR_PARTS;
	return read;
}

static bool value_meets(struct json_text value, const struct evidence_requirement *requirement)
{
	switch (requirement->operator) {
	case EVIDENCE_IN:
		return value.at != NULL && is_among(value, requirement);
	case EVIDENCE_NOT_IN:
		return value.at == NULL || !is_among(value, requirement);
	case EVIDENCE_EXISTS:
		return value.at != NULL;
	default:
		return value.at == NULL;
	}
}

/* Whether this value is one of all In of the key, and of no NotIn. */
static bool value_passes(const struct evidence_selector *selector, struct json_text key,
                         struct json_text value)
{
	for (size_t i = 0; i < selector->count; i++) {
		const struct evidence_requirement *at = &selector->at[i];
		if (json_same(at->key, key) && !value_meets(value, at))
			return false;
	}
	return true;
}

static const struct evidence_requirement *
requirement_on(const struct evidence_selector *selector, struct json_text key,
               enum evidence_operator operator)
{
	for (size_t i = 0; i < selector->count; i++)
		if (selector->at[i].operator == operator && json_same(selector->at[i].key, key))
			return &selector->at[i];
	return NULL;
}

static bool asks_for(const struct evidence_selector *selector, struct json_text key)
{
	for (size_t i = 0; i < selector->count; i++)
		if (json_same(selector->at[i].key, key))
			return true;
	return false;
}

/* Nothing can have this label as the selector asks for it. */
static bool is_impossible(const struct evidence_selector *selector, struct json_text key)
{
	const struct evidence_requirement *in = requirement_on(selector, key, EVIDENCE_IN);
	if (requirement_on(selector, key, EVIDENCE_ABSENT) != NULL)
		return in != NULL || requirement_on(selector, key, EVIDENCE_EXISTS) != NULL;
	if (in == NULL)
		return false;
	for (size_t i = 0; i < in->count; i++)
		if (value_passes(selector, key, in->values[i]))
			return false;
	return true;
}

/* All values that some NotIn of the selector refuses hold those of `requirement`. */
static bool refuses_all(const struct evidence_selector *selector,
                        const struct evidence_requirement *requirement)
{
	for (size_t v = 0; v < requirement->count; v++) {
		bool refused = false;
		for (size_t i = 0; i < selector->count && !refused; i++)
			refused = selector->at[i].operator == EVIDENCE_NOT_IN &&
			          json_same(selector->at[i].key, requirement->key) &&
			          is_among(requirement->values[v], &selector->at[i]);
		if (!refused)
			return false;
	}
	return true;
}

static bool implies_requirement(const struct evidence_selector *inner,
                                const struct evidence_requirement *outer)
{
	const struct evidence_requirement *in = requirement_on(inner, outer->key, EVIDENCE_IN);
	if (in != NULL) {
		for (size_t i = 0; i < in->count; i++)
			if (value_passes(inner, outer->key, in->values[i]) &&
			    !value_meets(in->values[i], outer))
				return false;
		return true;
	}
	if (requirement_on(inner, outer->key, EVIDENCE_ABSENT) != NULL)
		return outer->operator == EVIDENCE_ABSENT || outer->operator == EVIDENCE_NOT_IN;
	if (outer->operator == EVIDENCE_EXISTS)
		return requirement_on(inner, outer->key, EVIDENCE_EXISTS) != NULL;
	return outer->operator == EVIDENCE_NOT_IN && refuses_all(inner, outer);
}

bool evidence_implies(const struct evidence_selector *inner, const struct evidence_selector *outer)
{
	if (outer->unread)
		return false;
	bool all = true;
	for (size_t i = 0; i < outer->count && all; i++)
		all = implies_requirement(inner, &outer->at[i]);
	return all && (!inner->unread || outer->count == 0);
}

bool evidence_selects_nothing(const struct evidence_selector *selector)
{
	for (size_t i = 0; i < selector->count && !selector->unread; i++)
		if (is_impossible(selector, selector->at[i].key))
			return true;
	return false;
}

static struct json_text label_of(struct json_text labels, struct json_text key)
{
	for (struct json_member m = json_first(labels); m.value.at; m = json_next(m))
		if (json_same(json_plain(m.key), key))
			return json_plain(m.value);
	return (struct json_text){0};
}

/* What our own selector says of the key: it holds for each of its pods. */
static enum evidence_answer by_our_selector(const struct evidence_selector *ours,
                                            const struct evidence_requirement *requirement)
{
	struct evidence_requirement both[POLICY_SELECTOR_PARTS + 1];
	struct evidence_selector together = {.at = both};
	if (implies_requirement(ours, requirement))
		return EVIDENCE_YES;
	for (size_t i = 0; i < ours->count && together.count < POLICY_SELECTOR_PARTS; i++)
		if (json_same(ours->at[i].key, requirement->key))
			both[together.count++] = ours->at[i];
	both[together.count++] = *requirement;
	return is_impossible(&together, requirement->key) ? EVIDENCE_NO : EVIDENCE_MAYBE;
}

enum evidence_answer evidence_requirement_met(const struct evidence_reading *reading,
                                              const struct evidence_pods *pods,
                                              const struct evidence_requirement *requirement)
{
	struct json_text value = label_of(pods->labels, requirement->key);
	bool refuses = requirement->operator == EVIDENCE_NOT_IN ||
	               requirement->operator == EVIDENCE_ABSENT;
	if (refuses && may_be_left_out(reading->evidence, requirement->key))
		return EVIDENCE_YES;
	if (k8s_label_is_controllers(requirement->key))
		return asks_for(&pods->selector, requirement->key)
		               ? by_our_selector(&pods->selector, requirement)
		               : EVIDENCE_MAYBE;
	if (value.at == NULL && asks_for(&pods->selector, requirement->key))
		return by_our_selector(&pods->selector, requirement);
	return value_meets(value, requirement) ? EVIDENCE_YES : EVIDENCE_NO;
}

enum evidence_answer evidence_selects(const struct evidence_reading *reading,
                                      const struct evidence_pods *pods,
                                      const struct evidence_selector *selector)
{
	enum evidence_answer least = selector->unread ? EVIDENCE_MAYBE : EVIDENCE_YES;
	for (size_t i = 0; i < selector->count && least != EVIDENCE_NO; i++) {
		enum evidence_answer answer =
		        evidence_requirement_met(reading, pods, &selector->at[i]);
		least = answer < least ? answer : least;
	}
	/* each requirement may be met, but not all of them at once */
	return least == EVIDENCE_MAYBE && evidence_selects_nothing(selector) ? EVIDENCE_NO : least;
}

static const struct evidence_namespace *space_named(const struct evidence *evidence,
                                                struct json_text name)
{
	struct evidence_namespace *namespace = NULL;
	HASH_FIND(hh, evidence->namespaces, name.at, name.len, namespace);
	return namespace;
}

/* The label that the API server sets to the namespace's name counts as that also where a server
 * that is too old has not set it. */
static enum evidence_answer namespace_meets(const struct evidence_reading *reading, const char *labels,
                                        struct json_text name,
                                        const struct evidence_requirement *requirement)
{
	struct json_text value = label_of(json_of(labels), requirement->key);
	bool is_name = text_is(requirement->key, EVIDENCE_NAME_LABEL);
	bool refuses = requirement->operator == EVIDENCE_NOT_IN ||
	               requirement->operator == EVIDENCE_ABSENT;
	if (refuses && may_be_left_out(reading->evidence, requirement->key))
		return EVIDENCE_YES;
	if (is_name && value.at == NULL)
		value = name;
	if (labels == NULL && !is_name)
		return EVIDENCE_MAYBE;
	return value_meets(value, requirement) ? EVIDENCE_YES : EVIDENCE_NO;
}

static enum evidence_answer selects_labelled(const struct evidence_reading *reading,
                                             const struct evidence_selector *selector,
                                             const char *labels, struct json_text name)
{
	enum evidence_answer least = selector->unread ? EVIDENCE_MAYBE : EVIDENCE_YES;
	for (size_t i = 0; i < selector->count && least != EVIDENCE_NO; i++) {
		enum evidence_answer answer =
		        namespace_meets(reading, labels, name, &selector->at[i]);
		least = answer < least ? answer : least;
	}
	return least;
}

enum evidence_answer evidence_selects_namespace(const struct evidence_reading *reading,
                                            const struct evidence_selector *selector,
                                            struct json_text name)
{
	const struct evidence_namespace *namespace = space_named(reading->evidence, name);
	return selects_labelled(reading, selector, namespace == NULL ? NULL : namespace->labels, name);
}

static bool is_its_namespace(const struct evidence_peer *peer, struct json_text name)
{
	return peer->namespace.at != NULL && json_same(peer->namespace, name);
}

/* Each namespace that was listed: what the inner may select there the outer selects, too. */
static bool within_the_listed(struct evidence_reading *reading, const struct evidence_peer *inner,
                              const struct evidence_peer *outer)
{
	struct evidence *evidence = (struct evidence *)reading->evidence;
	const struct evidence_namespace *namespace, *next;
	evidence->namespaces_matter = true;
	if (inner->namespaces.unread || evidence->lists[EVIDENCE_NAMESPACES][0] != EVIDENCE_COMPLETE)
		return false;
	reading->budget -= (long)HASH_COUNT(evidence->namespaces) / 8;
	HASH_ITER(hh, evidence->namespaces, namespace, next) {
		struct json_text name = json_of(namespace->name);
		if ((namespace->labels == NULL && !namespace->unread) ||
		    selects_labelled(reading, &inner->namespaces, namespace->labels, name) == EVIDENCE_NO)
			continue;
		if (outer->namespace.at != NULL ? !is_its_namespace(outer, name)
		                            : selects_labelled(reading, &outer->namespaces,
		                                               namespace->labels, name) != EVIDENCE_YES)
			return false;
	}
	return true;
}

static bool namespaces_within(struct evidence_reading *reading, const struct evidence_peer *inner,
                          const struct evidence_peer *outer)
{
	if (outer->namespace.at == NULL && outer->namespaces.count == 0 && !outer->namespaces.unread)
		return true;
	if (inner->namespace.at != NULL) {
		if (outer->namespace.at != NULL)
			return json_same(inner->namespace, outer->namespace);
		((struct evidence *)reading->evidence)->namespaces_matter = true;
		return evidence_selects_namespace(reading, &outer->namespaces, inner->namespace) ==
		       EVIDENCE_YES;
	}
	struct evidence_requirement named = {json_of(EVIDENCE_NAME_LABEL), EVIDENCE_IN,
	                                     &outer->namespace, 1};
	struct evidence_selector one = {.at = &named, .count = 1};
	return evidence_implies(&inner->namespaces, outer->namespace.at != NULL ? &one : &outer->namespaces) ||
	       within_the_listed(reading, inner, outer);
}

bool evidence_pods_within(struct evidence_reading *reading, const struct evidence_peer *inner,
                          const struct evidence_peer *outer)
{
	return evidence_implies(&inner->pods, &outer->pods) &&
	       namespaces_within(reading, inner, outer);
}
