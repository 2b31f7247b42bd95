#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "watch/watch_private.h"
#include "k8s/workload.h"

/* The first kind's end mark is the last of all: it means that the lists are complete. Behind these
 * come the workloads, the rows of k8s/workload.h, and the kinds of policies that are watched,
 * NetworkPolicy before those that not every cluster has. */
enum { KIND_AGENTCARD, KIND_CONFIGMAP, KIND_ENDPOINTS, KINDS, KIND_WORKLOAD = KINDS,
       KIND_NETWORKPOLICY = KIND_WORKLOAD + K8S_WORKLOADS };

static const struct k8s_kind kinds[KINDS] = {
	[KIND_AGENTCARD] = {.version = "v1alpha1", .kind = "AgentCard", .plural = "agentcards"},
	[KIND_CONFIGMAP] = {.group = "", .version = "v1", .kind = "ConfigMap", .plural = "configmaps"},
	[KIND_ENDPOINTS] = {.group = "discovery.k8s.io",
	                    .version = "v1",
	                    .kind = "EndpointSlice",
	                    .plural = "endpointslices"},
};
static const struct k8s_kind endpoints = {
	.group = "", .version = "v1", .kind = "Endpoints", .plural = "endpoints"};

/* A selector as a query: "labelSelector=KEY%3DVALUE". */
static char *selector(const char *field, const char *key, const char *value)
{
	char *plain = kube_format("%s=%s", key, value);
	char *encoded = reflector_encode(plain);
	char *query = kube_format("%s=%s", field, encoded);
	free(encoded);
	free(plain);
	return query;
}

/* Not every cluster has its API, or, before Kubernetes 1.21, that version of it. */
static bool is_optional(size_t kind)
{
	return kind == KIND_WORKLOAD + K8S_SANDBOX || kind == KIND_WORKLOAD + K8S_CRONJOB ||
	       kind > KIND_NETWORKPOLICY;
}

static struct reflector *add(struct watch *w, size_t kind, const char *namespace, char *query)
{
	w->reflectors = kube_resize(w->reflectors, w->count + 1, sizeof *w->reflectors);
	struct reflector *r = &w->reflectors[w->count++];
	*r = (struct reflector){
		.watch = w,
		.marks = &w->marks[kind],
		.namespace = kube_copy(namespace),
		.query = query,
		.optional = is_optional(kind),
		.instead = kind == KIND_ENDPOINTS ? &endpoints : NULL,
		.fetched = kind == KIND_CONFIGMAP,
	};
	w->marks[kind].lists++;
	return r;
}

static void add_namespace(struct watch *w, const char *namespace)
{
	const struct kube_watch_options *o = w->options;
	add(w, KIND_AGENTCARD, namespace, kube_copy(""));
	for (size_t i = 0; i < K8S_WORKLOADS; i++)
		add(w, KIND_WORKLOAD + i, namespace,
		    selector("labelSelector", o->type_label, "agent"));
	add(w, KIND_CONFIGMAP, namespace, kube_copy(""))->suffix = K8S_SIGNED_SUFFIX;
}

static bool named_before(const struct kube_watch_options *o, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (strcmp(o->namespaces[i], o->namespaces[at]) == 0)
			return true;
	return false;
}

static bool is_wanted(const struct kube_watch_options *o, const struct k8s_kind *kind)
{
	if (kind == &policy_kind_networkpolicy)
		return true;
	for (size_t i = 0; i < o->target_count; i++)
		if (strcmp(o->targets[i], kind->target) == 0)
			return true;
	return false;
}

/* Of a cluster-scoped kind only those of the namespaces that are watched: there is one list, and
 * the policies of other namespaces would be taken for unwanted. */
static char *policy_selector(const struct kube_watch_options *o, const struct k8s_kind *kind)
{
	struct json_buffer value = {0};
	bool narrow = kind->cluster_scoped && o->namespace_count > 0;
	json_puts(&value, o->manager);
	if (narrow)
		json_putf(&value, ",%s in (", o->namespace_label);
	for (size_t i = 0; narrow && i < o->namespace_count; i++)
		json_putf(&value, "%s%s", i == 0 ? "" : ",", o->namespaces[i]);
	if (narrow)
		json_putc(&value, ')');
	json_putc(&value, '\0');
	char *query = selector("labelSelector", "app.kubernetes.io/managed-by", value.at);
	json_buffer_free(&value);
	return query;
}

static void add_policies(struct watch *w, const struct k8s_kind *kind)
{
	const struct kube_watch_options *o = w->options;
	size_t at = w->marks_count++;
	w->marks[at].kind = *kind;
	if (kind->cluster_scoped || o->namespace_count == 0) {
		add(w, at, NULL, policy_selector(o, kind));
		return;
	}
	for (size_t i = 0; i < o->namespace_count; i++)
		if (!named_before(o, i))
			add(w, at, o->namespaces[i], policy_selector(o, kind));
}

void watch_add_lists(struct watch *w)
{
	const struct kube_watch_options *o = w->options;
	size_t policies = 0;
	while (policy_kinds[policies] != NULL)
		policies++;
	w->marks_count = KIND_NETWORKPOLICY;
	w->marks = kube_alloc(KIND_NETWORKPOLICY + policies, sizeof *w->marks);
	for (size_t i = 0; i < KINDS; i++)
		w->marks[i].kind = kinds[i];
	for (size_t i = 0; i < K8S_WORKLOADS; i++)
		w->marks[KIND_WORKLOAD + i].kind = k8s_workloads[i].kind;
	w->marks[KIND_AGENTCARD].kind.group = o->agentcard_group;
	for (size_t i = 0; i < o->namespace_count; i++)
		if (!named_before(o, i))
			add_namespace(w, o->namespaces[i]);
	if (o->namespace_count == 0)
		add_namespace(w, NULL);
	if (o->bundle_name != NULL)
		add(w, KIND_CONFIGMAP, o->bundle_namespace,
		    selector("fieldSelector", "metadata.name", o->bundle_name));
	add(w, KIND_ENDPOINTS, "default",
	    selector("labelSelector", "kubernetes.io/service-name", "kubernetes"));
	for (size_t i = 0; policy_kinds[i] != NULL; i++)
		if (is_wanted(o, policy_kinds[i]))
			add_policies(w, policy_kinds[i]);
}
