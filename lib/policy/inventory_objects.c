#include <stdio.h>
#include <string.h>

#include "policy/inventory_private.h"
#include "k8s/selector.h"
#include "policy/quarantine.h"

static bool is_managed(const struct event *event)
{
	return json_equals(json_get(event->metadata, "labels", "app.kubernetes.io/managed-by"),
	                   POLICY_MANAGER);
}

/* The card that a managed policy says it is for: its name from the owner reference or the
 * annotation, where it is whole, else from the label. */
static void keep_card(struct policy_object *object, const struct policy_names *names,
                      const struct event *event)
{
	struct json_text name = {0}, uid = {0};
	struct json_text owners = json_get(event->metadata, "ownerReferences");
	for (struct json_member m = json_first(owners); m.value.at; m = json_next(m)) {
		if (!json_equals(json_get(m.value, "kind"), "AgentCard"))
			continue;
		name = json_plain(json_get(m.value, "name"));
		uid = json_plain(json_get(m.value, "uid"));
	}
	if (name.at == NULL)
		name = json_plain(
		        json_get(event->metadata, "annotations", names->agentcard_label));
	if (name.at == NULL)
		name = json_plain(json_get(event->metadata, "labels", names->agentcard_label));
	if (name.at == NULL || object->last != POLICY_LAST_NONE)
		return;
	free(object->card);
	object->card = calloc(1, name.len + uid.len + 2);
	if (object->card == NULL)
		abort();
	memcpy(object->card, name.at, name.len);
	if (uid.at != NULL)
		memcpy(object->card + name.len + 1, uid.at, uid.len);
}

struct policy_digest policy_object_essence(const struct policy_inventory *inventory,
                                           struct json_text object, struct json_buffer *scratch)
{
	const struct policy_names *names = inventory->settings->names;
	const char *const labels[] = {"app.kubernetes.io/managed-by", "managed-by",
	                              names->agentcard_label, names->namespace_label,
	                              names->policy_type_label, POLICY_QUARANTINE_LABEL, NULL};
	const char *const annotations[] = {names->agentcard_label, POLICY_DIGEST_ANNOTATION, NULL};
	return policy_essence(object, labels, annotations, scratch);
}

static enum policy_reach reach_of(const struct k8s_kind *kind, struct json_text object)
{
	struct json_text spec = json_get(object, "spec"), types = json_get(spec, "policyTypes");
	struct json_text egress = json_get(spec, "egress");
	bool limits = false;
	if (kind != &policy_kind_networkpolicy)
		return POLICY_REACH_UNKNOWN;
	for (struct json_member m = json_first(types); m.value.at; m = json_next(m))
		limits = limits || json_equals(m.value, "Egress");
	if (!limits)
		return POLICY_REACH_UNKNOWN;
	for (struct json_member m = json_first(egress); m.value.at; m = json_next(m))
		if (json_is_empty(json_get(m.value, "to")) && json_is_empty(json_get(m.value, "ports")))
			return POLICY_REACH_ALL;
	return json_is_empty(egress) ? POLICY_REACH_NOTHING : POLICY_REACH_SOME;
}

static void keep_digest(char kept[POLICY_RULES_DIGEST_SIZE], struct json_text digest)
{
	struct json_text plain = json_plain(digest);
	bool usable = plain.at != NULL && plain.len == POLICY_RULES_DIGEST_SIZE - 1;
	snprintf(kept, POLICY_RULES_DIGEST_SIZE, "%.*s", usable ? (int)plain.len : 0,
	         usable ? plain.at : "");
}

/* Cilium's agent says in the condition Valid that it cannot read an object which the server took: then no
 * pod is selected by it. What stays of the message is cut at a character's start. */
static char *refusal_in(struct json_text object)
{
	enum { REFUSAL_BYTES = 256 };
	struct json_text conditions = json_get(object, "status", "conditions");
	for (struct json_member m = json_first(conditions); m.value.at; m = json_next(m)) {
		if (!json_equals(json_get(m.value, "type"), "Valid") ||
		    !json_equals(json_get(m.value, "status"), "False"))
			continue;
		struct json_buffer words = {0};
		char *message = json_cstring(json_get(m.value, "message"));
		size_t len = message == NULL ? 0 : strlen(message);
		for (len = len > REFUSAL_BYTES ? REFUSAL_BYTES : len;
		     len > 0 && ((unsigned char)message[len] & 0xc0) == 0x80; len--)
			;
		json_put_plain(&words, message == NULL ? "" : message, len);
		free(message);
		char *kept = policy_copy(json_buffer_text(&words));
		json_buffer_free(&words);
		return kept == NULL ? policy_copy(json_of("")) : kept;
	}
	return NULL;
}

static void keep_seen(struct policy_inventory *inventory, struct policy_object *object,
                      const struct event *event)
{
	struct json_buffer *scratch = &inventory->scratch;
	struct json_text selector = json_get(event->object, "spec", "podSelector");
	object->seen_essence = policy_object_essence(inventory, event->object, scratch);
	object->seen_reach = reach_of(object->kind, event->object);
	free(object->refusal);
	object->refusal = refusal_in(event->object);
	free(object->seen_version);
	object->seen_version = policy_copy(event->resource_version);
	keep_digest(object->seen_rules, json_get(event->metadata, "annotations",
	                                         POLICY_DIGEST_ANNOTATION));
	free(object->seen_selector);
	object->seen_selector = NULL;
	if (policy_selector_check(selector) == NULL) {
		scratch->len = 0;
		policy_normal_put(scratch, selector);
		object->seen_selector = policy_copy(json_buffer_text(scratch));
	}
}

enum policy_live policy_object_live(const struct policy_inventory *inventory,
                                    const struct policy_object *object)
{
	if (object->foreign)
		return POLICY_LIVE_FOREIGN;
	if (!policy_kind_is_complete(inventory, object->kind))
		return POLICY_LIVE_UNKNOWN;
	if (!object->seen)
		return POLICY_LIVE_ABSENT;
	if (object->unusable)
		return POLICY_LIVE_UNUSABLE;
	if (!object->essence_known || !policy_digest_same(object->seen_essence, object->essence))
		return POLICY_LIVE_DIFFERS;
	return object->refusal != NULL ? POLICY_LIVE_REFUSED : POLICY_LIVE_AS_ASKED;
}

static bool is_as_asked(const struct policy_object *object)
{
	switch (object->last) {
	case POLICY_LAST_APPLY:
		return object->seen &&
		       (!object->essence_known ||
		        policy_digest_same(object->seen_essence, object->essence));
	case POLICY_LAST_DELETE:
		return !object->seen;
	default:
		return true;
	}
}

/* Whose part the object is has it rendered again. */
static void touch_whole(struct policy_inventory *inventory, const struct policy_object *object)
{
	if (object->part_of != NULL)
		policy_touch(inventory, object->part_of);
	else
		policy_namespace_changed(inventory, object->namespace);
}

/* Asks again for what is not as it was asked for, or finds out whether it is. */
static void repair(struct policy_inventory *inventory, struct policy_object *object)
{
	bool unknown_essence = object->last == POLICY_LAST_APPLY && object->seen && !object->essence_known;
	object->drifted = !is_as_asked(object);
	bool news = object->drifted || unknown_essence;
	if (object->extra && news)
		touch_whole(inventory, object);
	else if (object->owner == NULL)
		policy_unwanted(inventory, object);
	else if (news || object->owner->previous != NULL)
		policy_touch(inventory, object->owner);
}

/* A workload that is not known may take over the selector that is seen. */
static void touch_orphan(struct policy_inventory *inventory, const struct policy_object *object)
{
	const struct policy_card *card = policy_card_of(inventory, object);
	if (card != NULL && card->workload != NULL && card->workload->selector == NULL)
		policy_touch(inventory, card->workload);
}

/* What is told of its agents differs. */
static void tell(struct policy_inventory *inventory, const struct policy_object *object,
                 enum policy_live before)
{
	if (policy_object_live(inventory, object) == before)
		return;
	if (object->extra)
		touch_whole(inventory, object);
	else if (object->owner != NULL)
		policy_touch(inventory, object->owner);
}

void policy_object_unseen(struct policy_inventory *inventory, struct policy_object *object)
{
	enum policy_live before = policy_object_live(inventory, object);
	object->seen = object->foreign = object->unusable = false;
	repair(inventory, object);
	tell(inventory, object, before);
}

void policy_watched(struct policy_inventory *inventory, const struct k8s_kind *kind)
{
	if (kind == inventory->settings->writes.kind)
		inventory->watched = true;
}

/* Absent when there is no telling. */
static struct json_text namespace_of(const struct policy_inventory *inventory,
                                 const struct event *event, const struct k8s_kind *kind)
{
	const char *label = inventory->settings->names->namespace_label;
	if (!kind->cluster_scoped)
		return event->namespace;
	struct json_text name = json_plain(json_get(event->metadata, "labels", label));
	return policy_is_label(name) ? name : json_of("");
}

static struct policy_object *find(const struct policy_inventory *inventory,
                                  const struct k8s_kind *kind, const char *namespace,
                                  struct json_text name)
{
	char key[64 + EVENT_KEY_SIZE];
	struct policy_object *object = NULL;
	snprintf(key, sizeof key, "%s/%s/%.*s", kind->kind, kind->cluster_scoped ? "" : namespace,
	         (int)name.len, name.at);
	HASH_FIND_STR(inventory->objects, key, object);
	return object;
}

/* One that does not bear our label is in the way where it bears a name that we give. */
static bool is_in_the_way(const struct event *event, const struct k8s_kind *kind)
{
	static const char suffix[] = "-signature-policy";
	size_t len = sizeof suffix - 1;
	static const char quarantine[] = "quarantine-";
	size_t prefix = sizeof quarantine - 1;
	return kind == &policy_kind_egressfirewall ||
	       (kind == &policy_kind_networkpolicy && event->name.len > prefix &&
	        memcmp(event->name.at, quarantine, prefix) == 0) ||
	       (event->name.len > len &&
	        memcmp(event->name.at + event->name.len - len, suffix, len) == 0);
}

const char *policy_take_object(struct policy_inventory *inventory, const struct event *event,
                               const struct k8s_kind *kind)
{
	bool managed = is_managed(event);
	if (kind->cluster_scoped ? event->namespace.at != NULL : !policy_is_label(event->namespace))
		return "the policy's namespace is not one that Kubernetes allows";
	if (!policy_is_subdomain(event->name))
		return "the policy's name is not one that Kubernetes allows";
	policy_watched(inventory, kind);
	struct policy_namespace *namespace =
	        policy_namespace_at(inventory, namespace_of(inventory, event, kind));
	struct policy_object *object = find(inventory, kind, namespace->name, event->name);
	bool foreign = !managed && event->type != EVENT_DELETED;
	if (object == NULL && (event->type == EVENT_DELETED ||
	                       (foreign && !is_in_the_way(event, kind))))
		return NULL;
	if (object == NULL)
		object = policy_object_at(inventory, kind, namespace, event->name);
	/* One that lost its label is not ours to delete; as what somebody's policy should be,
	 * it has drifted. */
	bool wanted = object->owner != NULL || object->extra;
	enum policy_live before = policy_object_live(inventory, object);
	object->foreign = foreign;
	object->unusable = false;
	object->seen = event->type != EVENT_DELETED && (managed || wanted);
	object->listed = object->seen || foreign;
	object->quarantine = object->quarantine ||
	                     (managed && json_get(event->metadata, "labels", POLICY_QUARANTINE_LABEL).at);
	if (object->seen && kind->cluster_scoped && !wanted)
		object->namespace = namespace;
	if (object->seen) {
		keep_seen(inventory, object, event);
		if (managed)
			keep_card(object, inventory->settings->names, event);
		if (object->owner == NULL)
			touch_orphan(inventory, object);
	}
	repair(inventory, object);
	tell(inventory, object, before);
	return NULL;
}

/* What it says now may be anything, so it is asked for again, once. Of one that is not held nothing is
 * known that could be wrong. */
void policy_object_unusable(struct policy_inventory *inventory, const struct event *named,
                            const struct k8s_kind *kind)
{
	const char *namespace = "";
	struct json_text name = named->namespace;
	struct policy_namespace *held = NULL;
	if (!kind->cluster_scoped) {
		HASH_FIND(hh, inventory->namespaces, name.at, name.len, held);
		if (held == NULL)
			return;
		namespace = held->name;
	}
	struct policy_object *object = find(inventory, kind, namespace, named->name);
	if (object == NULL)
		return;
	enum policy_live before = policy_object_live(inventory, object);
	object->listed = true;
	if (!object->seen || object->unusable)
		return;
	object->unusable = true;
	object->seen_essence = (struct policy_digest){0};
	object->seen_reach = POLICY_REACH_UNKNOWN;
	repair(inventory, object);
	tell(inventory, object, before);
}

/* Who comes first to a name: the whole hash at attempt 2, which nobody else may take, then the
 * workload's own name, then that with the kind; a Deployment before other kinds. */
static int precedence(const struct policy_workload *a, unsigned a_attempt,
                      const struct policy_workload *b, unsigned b_attempt)
{
	static const int rank[POLICY_NAME_ATTEMPTS] = {1, 2, 0};
	if (a_attempt != b_attempt)
		return rank[a_attempt] - rank[b_attempt];
	bool a_first = strcmp(a->kind, "Deployment") == 0;
	bool b_first = strcmp(b->kind, "Deployment") == 0;
	if (a_first != b_first)
		return a_first ? -1 : 1;
	return strcmp(a->key, b->key);
}

static void set_displaced(struct policy_workload *workload, bool displaced)
{
	struct policy_namespace *namespace = workload->namespace;
	if (workload->is_displaced == displaced)
		return;
	workload->is_displaced = displaced;
	if (displaced)
		DL_APPEND2(namespace->displaced, workload, displaced_prev, displaced_next);
	else
		DL_DELETE2(namespace->displaced, workload, displaced_prev, displaced_next);
}

/* The name is free: who was displaced may want it. */
static void release(struct policy_inventory *inventory, struct policy_workload *workload)
{
	struct policy_object *object = workload->object;
	struct policy_workload *other;
	if (object == NULL)
		return;
	workload->object = NULL;
	object->owner = NULL;
	object->gone = true;
	policy_unwanted(inventory, object);
	DL_FOREACH2(workload->namespace->displaced, other, displaced_next)
	if (other != workload)
		policy_touch(inventory, other);
}

static bool may_take(const struct policy_workload *workload, unsigned attempt,
                     const struct policy_object *object)
{
	const struct policy_workload *owner = object->owner;
	return owner == NULL || owner == workload ||
	       precedence(workload, attempt, owner, owner->attempt) < 0;
}

static void take(struct policy_inventory *inventory, struct policy_workload *workload,
                 unsigned attempt, struct policy_object *object)
{
	if (object->owner != workload) {
		policy_previous_remove(object);
		object->namespace = workload->namespace;
		struct policy_workload *loser = object->owner;
		if (loser != NULL) {
			loser->object = NULL;
			policy_touch(inventory, loser);
		}
		release(inventory, workload);
		object->owner = workload;
		object->gone = false;
		workload->object = object;
	}
	workload->attempt = attempt;
	set_displaced(workload, attempt > 0);
}

/* A policy of an earlier run for a card of this workload. */
static bool is_left_over(const struct policy_workload *workload, const struct policy_object *object)
{
	const struct policy_card *card;
	if (!object->seen || object->card == NULL || object->last != POLICY_LAST_NONE ||
	    object->namespace != workload->namespace)
		return false;
	DL_FOREACH(workload->cards, card)
	if (strcmp(card->name, object->card) == 0)
		return true;
	return false;
}

static void write_name(const struct policy_workload *workload, const struct k8s_kind *kind,
                       unsigned attempt, char name[POLICY_NAME_SIZE])
{
	char plain[POLICY_NAME_SIZE];
	policy_name(name, workload->name, workload->kind, attempt);
	if (!kind->cluster_scoped)
		return;
	memcpy(plain, name, sizeof plain);
	policy_cluster_name(name, workload->namespace->name, plain);
}

struct left_over {
	struct policy_object *object; /* NULL: none */
	unsigned attempt;
};

static struct left_over find_left_over(const struct policy_inventory *inventory,
                                       const struct policy_workload *workload,
                                       const struct k8s_kind *kind)
{
	char name[POLICY_NAME_SIZE];
	for (unsigned attempt = 0; attempt < POLICY_NAME_ATTEMPTS; attempt++) {
		write_name(workload, kind, attempt, name);
		struct policy_object *object =
		        find(inventory, kind, workload->namespace->name, json_of(name));
		if (object != NULL && is_left_over(workload, object) &&
		    may_take(workload, attempt, object))
			return (struct left_over){object, attempt};
	}
	return (struct left_over){0};
}

static void claim_named(struct policy_inventory *inventory, struct policy_workload *workload)
{
	const struct k8s_kind *kind = inventory->settings->writes.kind;
	char name[POLICY_NAME_SIZE];
	for (unsigned attempt = 0; attempt < POLICY_NAME_ATTEMPTS; attempt++) {
		write_name(workload, kind, attempt, name);
		struct policy_object *object =
		        policy_object_at(inventory, kind, workload->namespace, json_of(name));
		if (may_take(workload, attempt, object)) {
			take(inventory, workload, attempt, object);
			return;
		}
	}
}

/* Of a workload that is not known. */
static void claim_left_over(struct policy_inventory *inventory, struct policy_workload *workload)
{
	const struct k8s_kind *kind = inventory->settings->writes.kind;
	struct left_over left = find_left_over(inventory, workload, kind);
	for (size_t i = 0; left.object == NULL && workload->cards != NULL && policy_kinds[i] != NULL;
	     i++)
		left = find_left_over(inventory, workload, policy_kinds[i]);
	if (left.object == NULL) {
		release(inventory, workload);
		set_displaced(workload, false);
		return;
	}
	if (left.object->seen_selector != NULL)
		policy_workload_set_pods(inventory, workload, strdup(left.object->seen_selector),
		                        NULL);
	if (left.object->kind == kind || workload->selector == NULL)
		take(inventory, workload, left.attempt, left.object);
	else
		claim_named(inventory, workload);
}

void policy_claim(struct policy_inventory *inventory, struct policy_workload *workload)
{
	if (workload->cards == NULL || workload->selector == NULL)
		claim_left_over(inventory, workload);
	else
		claim_named(inventory, workload);
}
