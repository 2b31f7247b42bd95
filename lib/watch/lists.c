#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "k8s/workload.h"
#include "watch/watch_private.h"

/* The AgentCards' end mark is the last of all, so their kind is the first. */
static const struct k8s_kind agentcards = {
	.version = "v1alpha1", .kind = "AgentCard", .plural = "agentcards"};
static const struct k8s_kind configmaps = {
	.group = "", .version = "v1", .kind = "ConfigMap", .plural = "configmaps"};
static const struct k8s_kind endpointslices = {
	.group = "discovery.k8s.io", .version = "v1", .kind = "EndpointSlice",
	.plural = "endpointslices"};
static const struct k8s_kind endpoints = {
	.group = "", .version = "v1", .kind = "Endpoints", .plural = "endpoints"};

/* Others' policies, and what they are judged by, where the server has them. Those that are also
 * written by a target stand in policy_kinds. */
static const struct {
	struct k8s_kind kind;
	const char *unless; /* a group that has the same objects */
} evidence[] = {
	{{.group = "cilium.io", .version = "v2", .kind = "CiliumClusterwideNetworkPolicy",
	  .plural = "ciliumclusterwidenetworkpolicies", .cluster_scoped = true}, NULL},
	{{.group = "projectcalico.org", .version = "v3", .kind = "NetworkPolicy",
	  .plural = "networkpolicies"}, NULL},
	{{.group = "projectcalico.org", .version = "v3", .kind = "Tier", .plural = "tiers",
	  .cluster_scoped = true}, NULL},
	/* how Calico stores them, seen where its API server is not installed */
	{{.group = "crd.projectcalico.org", .version = "v1", .kind = "NetworkPolicy",
	  .plural = "networkpolicies"}, "projectcalico.org"},
	{{.group = "crd.projectcalico.org", .version = "v1", .kind = "GlobalNetworkPolicy",
	  .plural = "globalnetworkpolicies", .cluster_scoped = true}, "projectcalico.org"},
	{{.group = "crd.projectcalico.org", .version = "v1", .kind = "Tier", .plural = "tiers",
	  .cluster_scoped = true}, "projectcalico.org"},
	{{.group = "policy.networking.k8s.io", .version = "v1alpha1", .kind = "AdminNetworkPolicy",
	  .plural = "adminnetworkpolicies", .cluster_scoped = true}, NULL},
	{{.group = "policy.networking.k8s.io", .version = "v1alpha1",
	  .kind = "BaselineAdminNetworkPolicy", .plural = "baselineadminnetworkpolicies",
	  .cluster_scoped = true}, NULL},
	{{.group = "policy.networking.k8s.io", .version = "v1alpha2", .kind = "ClusterNetworkPolicy",
	  .plural = "clusternetworkpolicies", .cluster_scoped = true}, NULL},
	{{.group = "networking.k8s.aws", .version = "v1alpha1", .kind = "ClusterNetworkPolicy",
	  .plural = "clusternetworkpolicies", .cluster_scoped = true}, NULL},
	{{.group = "networking.k8s.aws", .version = "v1alpha1", .kind = "ApplicationNetworkPolicy",
	  .plural = "applicationnetworkpolicies"}, NULL},
	{{.group = "networking.gke.io", .version = "v1alpha1", .kind = "FQDNNetworkPolicy",
	  .plural = "fqdnnetworkpolicies"}, NULL},
};
enum { EVIDENCE = sizeof evidence / sizeof evidence[0] };
static const struct k8s_kind namespaces = {
	.group = "", .version = "v1", .kind = "Namespace", .plural = "namespaces",
	.cluster_scoped = true};

static const struct k8s_kind clustertrustbundles = {
	.group = "certificates.k8s.io", .version = "v1", .kind = "ClusterTrustBundle",
	.plural = "clustertrustbundles", .cluster_scoped = true};

/* The admin's bounds: the object of one name, no other. */
static const struct k8s_kind egressbounds = {
	.group = "agent-egress.dev", .version = "v1alpha1", .kind = "EgressBounds",
	.plural = "egressbounds", .cluster_scoped = true};

/* A selector as a query: "labelSelector=KEY%3DVALUE". */
static char *selector(const char *field, const char *key, const char *value)
{
	char *plain = kube_format("%s=%s", key, value);
	char *encoded = watch_encode(plain);
	char *query = kube_format("%s=%s", field, encoded);
	free(encoded);
	free(plain);
	return query;
}

static size_t add_kind(struct watch *w, const struct k8s_kind *kind, enum role role)
{
	w->marks[w->marks_count] = (struct marks){.kind = *kind, .role = role};
	return w->marks_count++;
}

/* `query` is taken. The list begins, and counts towards the end mark, unless its state is IDLE. */
static struct reflector *add(struct watch *w, size_t kind, const char *namespace, char *query)
{
	w->reflectors = kube_resize(w->reflectors, w->count + 1, sizeof *w->reflectors);
	struct reflector *r = &w->reflectors[w->count++];
	*r = (struct reflector){
		.watch = w,
		.marks = &w->marks[kind],
		.asked = w->marks[kind].kind,
		.namespace = kube_copy(namespace),
		.query = query,
		.state = REFLECTOR_WAITING,
	};
	w->marks[kind].lists++;
	return r;
}

static bool named_before(const struct kube_watch_options *o, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (strcmp(o->namespaces[i], o->namespaces[at]) == 0)
			return true;
	return false;
}

/* Calls `add_in` for each namespace that is watched, or once with NULL for all. */
static void each_namespace(struct watch *w, size_t kind, size_t row,
                           void (*add_in)(struct watch *, size_t, size_t, const char *))
{
	const struct kube_watch_options *o = w->options;
	if (o->namespace_count == 0)
		add_in(w, kind, row, NULL);
	for (size_t i = 0; i < o->namespace_count; i++)
		if (!named_before(o, i))
			add_in(w, kind, row, o->namespaces[i]);
}

static void add_cards(struct watch *w, size_t kind, size_t row, const char *namespace)
{
	(void)row;
	add(w, kind, namespace, kube_copy(""))->chosen = true;
}

/* Kinds that are watched before a card names one: others need no right until then. */
static bool is_always_watched(size_t row)
{
	return row == K8S_DEPLOYMENT || row == K8S_STATEFULSET || row == K8S_SANDBOX;
}

/* Of one kind a list of those that say themselves that they are agents, and one for those that cards
 * name, of which metadata is enough to see a change; or one of all for both, where what counts of the
 * status changes no generation. */
static void add_workloads(struct watch *w, size_t kind, size_t row, const char *namespace)
{
	struct reflector *r;
	if (row == K8S_SANDBOX) {
		r = add(w, kind, namespace, kube_copy(""));
		r->filter = FILTER_LABELLED;
		r->optional = r->chosen = true;
		return;
	}
	if (is_always_watched(row))
		add(w, kind, namespace,
		    selector("labelSelector", w->options->type_label, "agent"));
	r = add(w, kind, namespace, kube_copy(""));
	r->filter = FILTER_NAMED;
	r->metadata = r->fetched = true;
	/* batch/v1 has it since Kubernetes 1.21 */
	r->optional = r->chosen = row == K8S_CRONJOB;
	r->state = REFLECTOR_IDLE;
	w->marks[kind].lists--;
}

static void add_signed(struct watch *w, size_t kind, size_t row, const char *namespace)
{
	(void)row;
	struct reflector *r = add(w, kind, namespace, kube_copy(""));
	r->filter = FILTER_SIGNED;
	r->metadata = r->fetched = true;
}

static void add_bundle(struct watch *w, size_t kind)
{
	const struct kube_watch_options *o = w->options;
	struct reflector *r = add(w, kind, o->bundle_namespace,
	                          selector("fieldSelector", "metadata.name", o->bundle_name));
	r->metadata = r->fetched = true;
}

static void add_clustertrustbundles(struct watch *w)
{
	const struct kube_watch_options *o = w->options;
	if (o->clustertrustbundle_count == 0)
		return;
	size_t kind = add_kind(w, &clustertrustbundles, ROLE_NEEDED);
	for (size_t i = 0; i < o->clustertrustbundle_count; i++)
		add(w, kind, NULL, selector("fieldSelector", "metadata.name", o->clustertrustbundles[i]))
			->chosen = true;
}

/* A policy of ours of another namespace would be taken for unwanted. */
static void add_policies(struct watch *w, size_t kind, size_t row, const char *namespace)
{
	const struct marks *marks = &w->marks[kind];
	(void)row;
	struct reflector *r = add(w, kind, namespace, kube_copy(""));
	if (marks->kind.cluster_scoped && w->options->namespace_count > 0)
		r->filter = FILTER_OURS;
	r->optional = strcmp(marks->kind.group, "networking.k8s.io") != 0;
}

static void add_policies_everywhere(struct watch *w, size_t kind)
{
	if (w->marks[kind].kind.cluster_scoped)
		add_policies(w, kind, 0, NULL);
	else
		each_namespace(w, kind, 0, add_policies);
}

static bool is_target(const struct kube_watch_options *o, const struct k8s_kind *kind)
{
	if (kind == &policy_kind_networkpolicy)
		return true;
	for (size_t i = 0; i < o->target_count; i++)
		if (strcmp(o->targets[i], kind->target) == 0)
			return true;
	return false;
}

/* Istio's objects are no boundary by themselves: those of others are no evidence. */
static bool is_evidence(const struct k8s_kind *kind)
{
	return strcmp(kind->target, "istio") != 0;
}

static void only_ours(struct watch *w, size_t first)
{
	for (size_t i = first; i < w->count; i++) {
		free(w->reflectors[i].query);
		w->reflectors[i].query = selector("labelSelector", "app.kubernetes.io/managed-by",
		                                  w->options->manager);
	}
}

static void add_kinds_of_policies(struct watch *w)
{
	for (size_t i = 0; policy_kinds[i] != NULL; i++) {
		const struct k8s_kind *kind = policy_kinds[i];
		size_t first = w->count;
		bool target = is_target(w->options, kind);
		if (!target && !is_evidence(kind))
			continue;
		add_policies_everywhere(w, add_kind(w, kind, target ? ROLE_NEEDED : ROLE_EVIDENCE));
		if (!is_evidence(kind))
			only_ours(w, first);
	}
	for (size_t i = 0; i < EVIDENCE; i++) {
		size_t first = w->count;
		add_policies_everywhere(w, add_kind(w, &evidence[i].kind, ROLE_EVIDENCE));
		for (size_t j = first; j < w->count; j++) {
			w->reflectors[j].chosen = true;
			w->reflectors[j].unless = evidence[i].unless;
		}
	}
	enum role role = w->options->bounds ? ROLE_NEEDED : ROLE_EVIDENCE;
	struct reflector *r = add(w, add_kind(w, &namespaces, role), NULL, kube_copy(""));
	r->metadata = true;
}

void watch_add_lists(struct watch *w)
{
	const struct kube_watch_options *o = w->options;
	size_t policies = 0;
	while (policy_kinds[policies] != NULL)
		policies++;
	w->marks = kube_alloc(K8S_WORKLOADS + EVIDENCE + policies + 6, sizeof *w->marks);
	size_t kind = add_kind(w, &agentcards, ROLE_CARDS);
	w->marks[kind].kind.group = o->agentcard_group;
	each_namespace(w, kind, 0, add_cards);
	for (size_t i = 0; i < K8S_WORKLOADS; i++)
		each_namespace(w, add_kind(w, &k8s_workloads[i].kind, ROLE_WORKLOAD), i,
		               add_workloads);
	if (o->bounds)
		add(w, add_kind(w, &egressbounds, ROLE_NEEDED), NULL,
		    selector("fieldSelector", "metadata.name", "default"));
	kind = add_kind(w, &configmaps, ROLE_SIGNED);
	each_namespace(w, kind, 0, add_signed);
	if (o->bundle_name != NULL)
		add_bundle(w, kind);
	add_clustertrustbundles(w);
	kind = add_kind(w, &endpointslices, ROLE_NEEDED);
	add(w, kind, "default", selector("labelSelector", "kubernetes.io/service-name", "kubernetes"))
		->instead = &endpoints;
	add_kinds_of_policies(w);
}
