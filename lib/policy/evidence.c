/* What is held of others' policies, and where they are found. */
#include "policy/evidence.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "k8s/kind.h"
#include "k8s/name.h"
#include "k8s/operator.h"
#include "k8s/selector.h"
#include "policy/evidence_private.h"
#include "rules/normal.h"

/* Each kind that is evidence. What the server does not serve does not exist; what it serves counts
 * whichever CNI is said to be there. */
static const struct evidence_kind evidence_kinds[] = {
        {"networking.k8s.io", NULL, "NetworkPolicy", false, "podSelector", evidence_select_pods,
         evidence_read_networkpolicy, true},
        {"cilium.io", NULL, "CiliumNetworkPolicy", false, "endpointSelector",
         evidence_select_endpoints, evidence_read_cilium, true},
        {"cilium.io", NULL, "CiliumClusterwideNetworkPolicy", true, NULL,
         evidence_select_endpoints, evidence_read_cilium, true},
        {"projectcalico.org", "crd.projectcalico.org", "NetworkPolicy", false, NULL,
         evidence_select_calico, evidence_read_calico, true},
        {"projectcalico.org", "crd.projectcalico.org", "GlobalNetworkPolicy", true, NULL,
         evidence_select_calico, evidence_read_calico, true},
        {"projectcalico.org", "crd.projectcalico.org", "Tier", true, NULL, evidence_select_all,
         evidence_read_tier, false},
        {"policy.networking.k8s.io", NULL, "AdminNetworkPolicy", true, NULL,
         evidence_select_subject, evidence_read_admin, true},
        {"policy.networking.k8s.io", NULL, "BaselineAdminNetworkPolicy", true, NULL, NULL, NULL,
         false},
        {"policy.networking.k8s.io", NULL, "ClusterNetworkPolicy", true, NULL,
         evidence_select_subject, evidence_read_admin, true},
        {"networking.k8s.aws", NULL, "ClusterNetworkPolicy", true, NULL, evidence_select_subject,
         evidence_read_admin, true},
        {"networking.k8s.aws", NULL, "ApplicationNetworkPolicy", false, "podSelector",
         evidence_select_pods, evidence_read_aws, true},
        {"networking.gke.io", NULL, "FQDNNetworkPolicy", false, "podSelector",
         evidence_select_pods, evidence_read_fqdn, true},
        /* It is asked beside the NetworkPolicies, and can only narrow. */
        {"k8s.ovn.org", NULL, "EgressFirewall", false, NULL, NULL, NULL, false},
        [EVIDENCE_NAMESPACES] = {"", NULL, "Namespace", true, NULL, NULL, NULL, false},
        {NULL, NULL, NULL, false, NULL, NULL, NULL, false},
};
_Static_assert(sizeof evidence_kinds / sizeof evidence_kinds[0] <= EVIDENCE_KINDS, "kinds");

enum { SPEC_BYTES = 256 * 1024 }; /* kept of a policy; a larger one counts as more */

enum evidence_cni evidence_cni_of(const char *word)
{
	static const struct {
		const char *word;
		enum evidence_cni cni;
	} words[] = {
	        {"cilium", EVIDENCE_CNI_CILIUM},
	        {"gke", EVIDENCE_CNI_CILIUM},
	        {"ovn-kubernetes", EVIDENCE_CNI_OVN},
	        {"calico", EVIDENCE_CNI_OTHER},
	        {"eks", EVIDENCE_CNI_OTHER},
	        {"kube-network-policies", EVIDENCE_CNI_OTHER},
	        {"kube-router", EVIDENCE_CNI_OTHER},
	};
	for (size_t i = 0; word != NULL && i < sizeof words / sizeof words[0]; i++)
		if (strcmp(word, words[i].word) == 0)
			return words[i].cni;
	return EVIDENCE_CNI_UNKNOWN;
}

struct evidence *evidence_new(enum evidence_cni cni)
{
	struct evidence *evidence = kube_alloc(1, sizeof *evidence);
	evidence->cni = cni;
	return evidence;
}

static int kind_of(const struct event *event, int *group)
{
	for (int i = 0; evidence_kinds[i].kind != NULL; i++) {
		*group = 0;
		if (event_is(event, evidence_kinds[i].group, evidence_kinds[i].kind))
			return i;
		*group = 1;
		if (evidence_kinds[i].other_group != NULL &&
		    event_is(event, evidence_kinds[i].other_group, evidence_kinds[i].kind))
			return i;
	}
	return -1;
}

static struct evidence_namespace *namespace_find(const struct evidence *evidence, struct json_text name)
{
	struct evidence_namespace *namespace = NULL;
	HASH_FIND(hh, evidence->namespaces, name.at, name.len, namespace);
	return namespace;
}

static struct evidence_namespace *namespace_at(struct evidence *evidence, struct json_text name)
{
	struct evidence_namespace *namespace = namespace_find(evidence, name);
	if (namespace != NULL)
		return namespace;
	namespace = kube_alloc(1, sizeof *namespace);
	namespace->name = kube_copy_n(name.at, name.len);
	HASH_ADD_KEYPTR(hh, evidence->namespaces, namespace->name, name.len, namespace);
	return namespace;
}

static void namespace_sweep(struct evidence *evidence, struct evidence_namespace *namespace)
{
	if (namespace->labels != NULL || namespace->unread || namespace->objects > 0)
		return;
	HASH_DEL(evidence->namespaces, namespace);
	free(namespace->name);
	free(namespace);
}

/* A pair "key=value" that pods must have to be selected, and that no controller sets; absent when
 * the selector asks for none. Of several the one that the fewest others are found by. */
static bool is_anchor(struct json_text key, struct json_text value)
{
	return key.at != NULL && value.at != NULL && !k8s_label_is_controllers(key) &&
	       memchr(key.at, ':', key.len) == NULL &&
	       memmem(key.at, key.len, "io.kubernetes.pod.", 18) == NULL &&
	       memmem(key.at, key.len, "io.cilium.", 10) == NULL;
}

static void put_pair(struct json_buffer *out, struct json_text key, struct json_text value)
{
	out->len = 0;
	json_puttext(out, key);
	json_putc(out, '\0');
	json_puttext(out, value);
}

static struct json_text less_source(struct json_text key)
{
	if (key.at != NULL && key.len > 4 &&
	    (memcmp(key.at, "k8s:", 4) == 0 || memcmp(key.at, "any:", 4) == 0))
		return (struct json_text){key.at + 4, key.len - 4};
	return key;
}

static size_t found_by(const struct evidence_namespace *namespace, struct json_text pair)
{
	struct evidence_bucket *bucket = NULL;
	HASH_FIND(hh, namespace->buckets, pair.at, pair.len, bucket);
	return bucket == NULL ? 0 : bucket->count;
}

static bool anchor_of(const struct evidence_object *object, struct json_buffer *pair)
{
	struct json_buffer other = {0};
	size_t least = SIZE_MAX;
	struct json_text specs = json_of(object->spec);
	if (object->kind->selector == NULL || object->spec == NULL || json_count(specs) != 1)
		return false;
	struct json_text labels =
	        json_get(json_first(specs).value, object->kind->selector, "matchLabels");
	for (struct json_member m = json_first(labels); m.value.at; m = json_next(m)) {
		struct json_text key = less_source(json_plain(m.key)), value = json_plain(m.value);
		if (json_type(labels) != JSON_OBJECT || !is_anchor(key, value))
			continue;
		put_pair(&other, key, value);
		size_t count = found_by(object->namespace, json_buffer_text(&other));
		if (count >= least)
			continue;
		least = count;
		pair->len = 0;
		json_puttext(pair, json_buffer_text(&other));
	}
	json_buffer_free(&other);
	return least != SIZE_MAX;
}

static void bucket_add(struct evidence_object *object, struct json_text pair)
{
	struct evidence_bucket *bucket = NULL;
	HASH_FIND(hh, object->namespace->buckets, pair.at, pair.len, bucket);
	if (bucket == NULL) {
		bucket = kube_alloc(1, sizeof *bucket + pair.len + 1);
		memcpy(bucket->pair, pair.at, pair.len);
		HASH_ADD(hh, object->namespace->buckets, pair[0], pair.len, bucket);
	}
	if (bucket->count == bucket->size) {
		bucket->size = bucket->size == 0 ? 2 : bucket->size * 2;
		bucket->at = kube_resize(bucket->at, bucket->size, sizeof(void *));
	}
	object->bucket = bucket;
	object->anchor = bucket->count;
	bucket->at[bucket->count++] = object;
}

static void place(struct evidence *evidence, struct evidence_object *object)
{
	struct json_buffer pair = {0};
	if (object->namespace == NULL)
		DL_APPEND(evidence->cluster, object);
	else if (anchor_of(object, &pair))
		bucket_add(object, json_buffer_text(&pair));
	else
		DL_APPEND(object->namespace->loose, object);
	json_buffer_free(&pair);
}

static void displace(struct evidence *evidence, struct evidence_object *object)
{
	struct evidence_bucket *bucket = object->bucket;
	if (object->namespace == NULL) {
		DL_DELETE(evidence->cluster, object);
	} else if (bucket == NULL) {
		DL_DELETE(object->namespace->loose, object);
	} else {
		bucket->at[object->anchor] = bucket->at[--bucket->count];
		bucket->at[object->anchor]->anchor = object->anchor;
		object->bucket = NULL;
		if (bucket->count == 0) {
			HASH_DEL(object->namespace->buckets, bucket);
			free(bucket->at);
			free(bucket);
		}
	}
}

static void put_key(char key[EVENT_KEY_SIZE + 128], const struct evidence_kind *kind,
                    struct json_text namespace, struct json_text name)
{
	snprintf(key, EVENT_KEY_SIZE + 128, "%s/%s/%.*s/%.*s", kind->kind, kind->group,
	         (int)namespace.len, namespace.at == NULL ? "" : namespace.at, (int)name.len,
	         name.at == NULL ? "" : name.at);
}

/* The spec, in an array, with those of Cilium's `specs`. */
static char *specs_of(const struct event *event)
{
	struct json_buffer out = {0};
	struct json_text spec = json_get(event->object, "spec"),
	                 more = json_get(event->object, "specs");
	if (spec.len + more.len > SPEC_BYTES ||
	    (evidence_is_set(more) && json_type(more) != JSON_ARRAY) ||
	    (evidence_is_set(spec) && json_type(spec) != JSON_OBJECT))
		return NULL;
	json_putc(&out, '[');
	if (evidence_is_set(spec))
		json_puttext(&out, spec);
	for (struct json_member m = json_first(more); m.value.at; m = json_next(m)) {
		if (out.len > 1)
			json_putc(&out, ',');
		json_puttext(&out, m.value);
	}
	json_puts(&out, "]");
	json_putc(&out, '\0');
	return out.at;
}

static struct evidence_object *object_at(struct evidence *evidence, const struct evidence_kind *kind,
                                         const struct event *event)
{
	char key[EVENT_KEY_SIZE + 128];
	struct evidence_object *object = NULL;
	struct json_text namespace = {0};
	if (!kind->cluster_scoped)
		namespace = event->namespace;
	put_key(key, kind, namespace, event->name);
	HASH_FIND_STR(evidence->objects, key, object);
	if (object != NULL)
		return object;
	object = kube_alloc(1, sizeof *object);
	object->kind = kind;
	object->key = kube_copy(key);
	object->name = strrchr(object->key, '/') + 1;
	if (!kind->cluster_scoped) {
		object->namespace = namespace_at(evidence, namespace);
		object->namespace->objects++;
	}
	HASH_ADD_KEYPTR(hh, evidence->objects, object->key, strlen(object->key), object);
	place(evidence, object);
	return object;
}

static void object_free(struct evidence *evidence, struct evidence_object *object)
{
	struct evidence_namespace *namespace = object->namespace;
	displace(evidence, object);
	HASH_DEL(evidence->objects, object);
	free(object->key);
	free(object->spec);
	free(object->api_version);
	free(object);
	if (namespace != NULL) {
		namespace->objects--;
		namespace_sweep(evidence, namespace);
	}
}

/* The label that the object is found by. */
static void note_pair(const struct evidence_object *object, struct json_buffer *pair)
{
	pair->len = 0;
	if (object->bucket != NULL)
		json_put(pair, object->bucket->pair, object->bucket->hh.keylen);
}

static bool is_managed(const struct event *event)
{
	return json_equals(json_get(event->metadata, "labels", "app.kubernetes.io/managed-by"),
	                   POLICY_MANAGER);
}

static bool same_words(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* True when it says something else than before. */
static bool object_take(struct evidence *evidence, const struct evidence_kind *kind,
                        const struct event *event)
{
	size_t before = HASH_COUNT(evidence->objects);
	struct evidence_object *object = object_at(evidence, kind, event);
	bool is_new = HASH_COUNT(evidence->objects) > before;
	bool was_found = object->bucket != NULL;
	bool unusable = event->type == EVENT_ERROR;
	char *spec = unusable ? NULL : specs_of(event);
	bool managed = unusable ? object->managed : is_managed(event);
	bool changed = is_new || !same_words(spec, object->spec) || object->managed != managed ||
	               object->unusable != unusable;
	object->listed = true;
	object->managed = managed;
	object->unusable = unusable;
	free(object->api_version);
	object->api_version = kube_copy_n(event->api_version.at, event->api_version.len);
	note_pair(object, &evidence->before);
	displace(evidence, object);
	free(object->spec);
	object->spec = spec;
	place(evidence, object);
	note_pair(object, &evidence->after);
	if (is_new) /* the place that it had for a moment is none that it was found by */
		evidence->before.len = 0;
	evidence->found_by = object->namespace != NULL && object->bucket != NULL && (is_new || was_found);
	return changed;
}

static bool object_drop(struct evidence *evidence, const struct evidence_kind *kind,
                        const struct event *event)
{
	char key[EVENT_KEY_SIZE + 128];
	struct evidence_object *object = NULL;
	struct json_text namespace = {0};
	if (!kind->cluster_scoped)
		namespace = event->namespace;
	put_key(key, kind, namespace, event->name);
	HASH_FIND_STR(evidence->objects, key, object);
	if (object == NULL)
		return false;
	note_pair(object, &evidence->before);
	evidence->after.len = 0;
	evidence->found_by = object->bucket != NULL;
	object_free(evidence, object);
	return true;
}

static enum evidence_reach namespace_reach(const struct evidence *evidence)
{
	return evidence->namespaces_matter ? EVIDENCE_REACH_ALL : EVIDENCE_REACH_NAMESPACE;
}

static enum evidence_reach namespace_take(struct evidence *evidence, const struct event *event)
{
	struct json_buffer labels = {0};
	struct json_text told = json_get(event->metadata, "labels");
	struct evidence_namespace *namespace = namespace_at(evidence, event->name);
	if (told.at != NULL && policy_labels_check(told) == NULL)
		policy_normal_put(&labels, told);
	else if (!evidence_is_set(told) && event->type != EVENT_ERROR)
		json_puts(&labels, "{}");
	if (labels.len > 0)
		json_putc(&labels, '\0');
	bool changed = !same_words(namespace->labels, labels.at) || !namespace->listed;
	namespace->listed = true;
	namespace->unread = labels.at == NULL;
	free(namespace->labels);
	namespace->labels = labels.at;
	return changed ? namespace_reach(evidence) : EVIDENCE_REACH_NONE;
}

static enum evidence_reach namespace_drop(struct evidence *evidence, const struct event *event)
{
	struct evidence_namespace *namespace = namespace_find(evidence, event->name);
	if (namespace == NULL)
		return EVIDENCE_REACH_NONE;
	free(namespace->labels);
	namespace->labels = NULL;
	namespace->unread = false;
	namespace_sweep(evidence, namespace);
	return namespace_reach(evidence);
}

static bool is_of(const struct evidence_object *object, const struct evidence_kind *kind, int group)
{
	size_t len = strlen(group == 0 ? kind->group : kind->other_group);
	return object->kind == kind && object->api_version != NULL &&
	       strncmp(object->api_version, group == 0 ? kind->group : kind->other_group, len) == 0;
}

static void list_begin(struct evidence *evidence, int which, int group)
{
	struct evidence_object *object, *next;
	struct evidence_namespace *namespace, *after;
	if (evidence->lists[which][group] != EVIDENCE_COMPLETE)
		evidence->lists[which][group] = EVIDENCE_LISTING;
	HASH_ITER(hh, evidence->objects, object, next)
	if (is_of(object, &evidence_kinds[which], group))
		object->listed = false;
	if (which != EVIDENCE_NAMESPACES)
		return;
	HASH_ITER(hh, evidence->namespaces, namespace, after)
	namespace->listed = false;
}

static void drop_unlisted(struct evidence *evidence, int which, int group)
{
	struct evidence_object *object, *next;
	struct evidence_namespace *namespace, *after;
	HASH_ITER(hh, evidence->objects, object, next)
	if (is_of(object, &evidence_kinds[which], group) && !object->listed)
		object_free(evidence, object);
	if (which != EVIDENCE_NAMESPACES)
		return;
	HASH_ITER(hh, evidence->namespaces, namespace, after) {
		if (namespace->listed)
			continue;
		free(namespace->labels);
		namespace->labels = NULL;
		namespace->unread = false;
		namespace_sweep(evidence, namespace);
	}
}

/* A list that may not be read tells nothing of what is there: what was held stays. */
static void list_end(struct evidence *evidence, int which, int group, const struct event *event)
{
	struct json_text why =
	        json_get(event->metadata, "annotations", "agent-egress.dev/unavailable");
	enum evidence_list *list = &evidence->lists[which][group];
	if (json_equals(why, "NotServed"))
		*list = EVIDENCE_NOT_SERVED;
	else
		*list = evidence_is_set(why) ? EVIDENCE_FORBIDDEN : EVIDENCE_COMPLETE;
	if (*list != EVIDENCE_FORBIDDEN)
		drop_unlisted(evidence, which, group);
}

static enum evidence_reach mark_take(struct evidence *evidence, int which, int group,
                                     const struct event *event)
{
	if (event->mark == EVENT_MARK_BEGIN)
		list_begin(evidence, which, group);
	else if (event->mark == EVENT_MARK_END)
		list_end(evidence, which, group, event);
	return event->mark == EVENT_MARK_END ? EVIDENCE_REACH_ALL : EVIDENCE_REACH_NONE;
}

static enum evidence_reach policy_take(struct evidence *evidence, const struct evidence_kind *kind,
                                       const struct event *event)
{
	bool gone = event->type == EVENT_DELETED;
	if (!kind->cluster_scoped && event->namespace.at == NULL)
		return EVIDENCE_REACH_NONE;
	if (gone ? !object_drop(evidence, kind, event) : !object_take(evidence, kind, event))
		return EVIDENCE_REACH_NONE;
	if (kind->cluster_scoped)
		return EVIDENCE_REACH_ALL;
	return evidence->found_by ? EVIDENCE_REACH_LABELS : EVIDENCE_REACH_NAMESPACE;
}

static void put_label(struct evidence_change *change, int which, const struct json_buffer *pair)
{
	struct json_text text = json_buffer_text(pair);
	if (text.len == 0)
		return;
	size_t len = strlen(text.at);
	change->labels[which].key = (struct json_text){text.at, len};
	change->labels[which].value = (struct json_text){text.at + len + 1, text.len - len - 1};
}

struct evidence_change evidence_take(struct evidence *evidence, const struct event *event)
{
	struct evidence_change change = {0};
	int group, which = kind_of(event, &group);
	if (which < 0)
		return change;
	const struct evidence_kind *kind = &evidence_kinds[which];
	bool is_namespace = which == EVIDENCE_NAMESPACES;
	if (event->type == EVENT_BOOKMARK) {
		change.reach = mark_take(evidence, which, group, event);
		return change;
	}
	change.namespace = is_namespace ? event->name : event->namespace;
	if (is_namespace)
		change.reach = event->type == EVENT_DELETED ? namespace_drop(evidence, event)
		                                            : namespace_take(evidence, event);
	else
		change.reach = policy_take(evidence, kind, event);
	if (change.reach == EVIDENCE_REACH_LABELS) {
		put_label(&change, 0, &evidence->before);
		put_label(&change, 1, &evidence->after);
	}
	return change;
}

bool evidence_alone(const struct event *event)
{
	int group;
	return kind_of(event, &group) >= 0 &&
	       policy_kind_of(event->api_version, event->kind) == NULL;
}

/* Of a kind's two groups one is enough. */
static bool is_lacking(const struct evidence *evidence, int which, enum evidence_list lack)
{
	const enum evidence_list *lists = evidence->lists[which];
	if (lack == EVIDENCE_UNSEEN)
		return lists[0] == lack && lists[1] == lack;
	return lists[0] == lack || lists[1] == lack;
}

static void put_lacking(const struct evidence *evidence, enum evidence_list lack, const char *words,
                        struct json_buffer *out)
{
	bool any = false;
	for (int i = 0; evidence_kinds[i].kind != NULL; i++) {
		if (!evidence_kinds[i].needed || !is_lacking(evidence, i, lack))
			continue;
		if (!any)
			json_putf(out, "%s%s", out->len > 0 ? "; " : "", words);
		json_putf(out, "%s %s.%s", any ? "," : "", evidence_kinds[i].kind,
		          evidence_kinds[i].group);
		any = true;
	}
}

/* Whether there is a list of any policies but Kubernetes' own, which streams have had that tell of
 * this program's policies alone. */
static bool has_lists(const struct evidence *evidence)
{
	for (int i = 1; evidence_kinds[i].kind != NULL; i++)
		if (evidence_kinds[i].needed && !is_lacking(evidence, i, EVIDENCE_UNSEEN))
			return true;
	return false;
}

const char *evidence_missing(struct evidence *evidence)
{
	struct json_buffer out = {0};
	if (!has_lists(evidence))
		return "this stream has no list of others' policies";
	put_lacking(evidence, EVIDENCE_FORBIDDEN, "these policies may not be read:", &out);
	put_lacking(evidence, EVIDENCE_UNSEEN, "these policies were not listed:", &out);
	put_lacking(evidence, EVIDENCE_LISTING, "these policies are not all listed yet:", &out);
	json_putc(&out, '\0');
	free(evidence->missing);
	evidence->missing = out.at;
	return out.at[0] == '\0' ? NULL : out.at;
}

bool evidence_is_foreign(const struct evidence *evidence, const char *kind, const char *namespace,
                         const char *name)
{
	char key[EVENT_KEY_SIZE + 128];
	struct evidence_object *object = NULL;
	for (int i = 0; evidence_kinds[i].kind != NULL; i++) {
		const struct evidence_kind *row = &evidence_kinds[i];
		if (strcmp(row->kind, kind) != 0)
			continue;
		put_key(key, row, json_of(row->cluster_scoped ? "" : namespace), json_of(name));
		HASH_FIND_STR(evidence->objects, key, object);
		if (object != NULL)
			return !object->managed;
	}
	return false;
}

void evidence_free(struct evidence *evidence)
{
	struct evidence_object *object, *next;
	struct evidence_namespace *namespace, *after;
	if (evidence == NULL)
		return;
	HASH_ITER(hh, evidence->objects, object, next)
	object_free(evidence, object);
	HASH_ITER(hh, evidence->namespaces, namespace, after) {
		HASH_DEL(evidence->namespaces, namespace);
		free(namespace->name);
		free(namespace->labels);
		free(namespace);
	}
	json_buffer_free(&evidence->before);
	json_buffer_free(&evidence->after);
	free(evidence->missing);
	free(evidence);
}
