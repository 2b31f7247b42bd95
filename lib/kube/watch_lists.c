#include <stdlib.h>
#include <string.h>

#include "kube/memory.h"
#include "kube/watch_inner.h"

/* The first kind's end mark is the last of all: it means that the world is known. */
enum { KIND_AGENTCARD, KIND_DEPLOYMENT, KIND_STATEFULSET, KIND_SANDBOX, KIND_CONFIGMAP,
       KIND_ENDPOINTS, KIND_POLICY, KINDS };

static const struct kube_kind kinds[KINDS] = {
	[KIND_AGENTCARD] = {NULL, "v1alpha1", "agentcards", "AgentCard", KUBE_WHOLE},
	[KIND_DEPLOYMENT] = {"apps", "v1", "deployments", "Deployment", KUBE_WORKLOAD},
	[KIND_STATEFULSET] = {"apps", "v1", "statefulsets", "StatefulSet", KUBE_WORKLOAD},
	[KIND_SANDBOX] = {"agents.x-k8s.io", "v1alpha1", "sandboxes", "Sandbox", KUBE_WORKLOAD},
	[KIND_CONFIGMAP] = {"", "v1", "configmaps", "ConfigMap", KUBE_WHOLE},
	[KIND_ENDPOINTS] = {"discovery.k8s.io", "v1", "endpointslices", "EndpointSlice",
	                    KUBE_WHOLE},
	[KIND_POLICY] = {"networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", KUBE_WHOLE},
};
static const struct kube_kind endpoints = {"", "v1", "endpoints", "Endpoints", KUBE_WHOLE};

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

static struct reflector *add(struct watch *w, size_t kind, const char *namespace, char *query)
{
	w->reflectors = kube_resize(w->reflectors, w->count + 1, sizeof *w->reflectors);
	struct reflector *r = &w->reflectors[w->count++];
	*r = (struct reflector){
		.watch = w,
		.marks = &w->marks[kind],
		.namespace = kube_copy(namespace),
		.query = query,
		.optional = kind == KIND_SANDBOX,
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
	add(w, KIND_DEPLOYMENT, namespace, selector("labelSelector", o->type_label, "agent"));
	add(w, KIND_STATEFULSET, namespace, selector("labelSelector", o->type_label, "agent"));
	add(w, KIND_SANDBOX, namespace, selector("labelSelector", o->type_label, "agent"));
	add(w, KIND_POLICY, namespace,
	    selector("labelSelector", "app.kubernetes.io/managed-by", o->manager));
	add(w, KIND_CONFIGMAP, namespace, kube_copy(""))->suffix = "-card-signed";
}

static bool named_before(const struct kube_watch_options *o, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (strcmp(o->namespaces[i], o->namespaces[at]) == 0)
			return true;
	return false;
}

void watch_add_lists(struct watch *w)
{
	const struct kube_watch_options *o = w->options;
	w->marks_count = KINDS;
	w->marks = kube_alloc(KINDS, sizeof *w->marks);
	for (size_t i = 0; i < KINDS; i++)
		w->marks[i].kind = kinds[i];
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
}
