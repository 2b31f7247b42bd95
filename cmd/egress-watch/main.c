#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/client.h"
#include "client/lease.h"
#include "watch/watch.h"
#include "os/exit.h"
#include "os/log.h"
#include "os/metrics.h"
#include "os/notify.h"
#include "os/options.h"
#include "os/signals.h"
#include "k8s/kind.h"
#include "k8s/operator.h"

static const char SYNOPSIS[] = "[OPTION]...";
static const char PURPOSE[] = "Lists and watches a cluster's agents; writes events.";

enum { DEFAULT_PAGE = 500, DEFAULT_WATCH_S = 300, NAMESPACE_MAX = 63, NAME_MAX_LEN = 253 };

struct options {
	const char *kubeconfig, *context, *bundle, *leader_elect, *rejects, *metrics;
	struct option_list namespaces, targets, clustertrustbundles;
	bool all_namespaces, once, full, timestamps;
	struct option_choice names, bounds;
	struct option_number page_size, watch_seconds;
};

static const char *const bounds_words[] = {"none", "cluster", NULL};

static enum options_verdict parse(int argc, char **argv, struct options *o)
{
	const struct option_spec table[] = {
		{OPTION_STRING, "kubeconfig", 0, "FILE",
	         "read FILE, not the files of KUBECONFIG or ~/.kube/config", &o->kubeconfig},
		{OPTION_STRING, "context", 0, "NAME", "use this context of the kubeconfig",
	         &o->context},
		{OPTION_LIST, "namespace", 'n', "NAME",
	         "watch this namespace (repeat; default: all of them)", &o->namespaces},
		{OPTION_FLAG, "all-namespaces", 'A', NULL, "watch all namespaces, the default",
	         &o->all_namespaces},
		{OPTION_LIST, "target", 0, "networkpolicy|cilium|calico|ovn|istio",
	         "decide nothing before the policies of this target are known (repeat)",
	         &o->targets},
		{OPTION_CHOICE, "bounds", 0, "none|cluster",
	         "decide nothing before the EgressBounds object `default` is known: egress-bounds(5)",
	         &o->bounds},
		{OPTION_FLAG, "once", 0, NULL, "write what there is and end", &o->once},
		{OPTION_FLAG, "timestamps", 0, NULL,
	         "write into each event when it was written, and the time every ten seconds",
	         &o->timestamps},
		{OPTION_CHOICE, "names", 0, "kagenti|rossoctl",
	         "the operator's API group and labels", &o->names},
		{OPTION_STRING, "trust-bundle-configmap", 0, "NS/NAME",
	         "the ConfigMap of the trust bundle (default spire-system/spire-bundle; \"\": "
	         "none)",
	         &o->bundle},
		{OPTION_LIST, "trust-bundle-clustertrustbundle", 0, "NAME",
	         "watch this ClusterTrustBundle, for the option of\nthis name of egress-verify (repeat)",
	         &o->clustertrustbundles},
		{OPTION_FLAG, "full", 0, NULL,
	         "write whole objects, with environments and whatever secrets they hold",
	         &o->full},
		{OPTION_NUMBER, "page-size", 0, "N",
	         "objects a page of a list (default 500; 0: no pages)", &o->page_size},
		{OPTION_NUMBER, "watch-seconds", 0, "N",
	         "end each watch after N to 2N seconds and resume it (default 300)",
	         &o->watch_seconds},
		{OPTION_STRING, "leader-elect", 0, "NS/NAME",
	         "wait for this Lease before watching, and end when it is lost",
	         &o->leader_elect},
		OPTION_METRICS(&o->metrics),
		OPTIONS_COMMON(&o->rejects),
		{OPTION_END, NULL, 0, NULL, NULL, NULL},
	};
	return options_parse(argc, argv, SYNOPSIS, PURPOSE, table, NULL);
}

/* What becomes part of a path must be a name: RFC 1123, at most `most` bytes. */
static bool is_name(const char *text, size_t len, size_t most)
{
	static const char may[] = "abcdefghijklmnopqrstuvwxyz0123456789-.";
	return len > 0 && len <= most && strspn(text, may) >= len && text[0] != '.' &&
	       text[len - 1] != '.';
}

static bool check_namespaces(const struct option_list *namespaces)
{
	for (size_t i = 0; i < namespaces->count; i++) {
		const char *name = namespaces->values[i];
		if (!is_name(name, strlen(name), NAMESPACE_MAX)) {
			log_error("--namespace %s: not the name of a namespace", name);
			return false;
		}
	}
	return true;
}

static bool is_target(const char *word)
{
	for (size_t i = 0; policy_kinds[i] != NULL; i++)
		if (strcmp(policy_kinds[i]->target, word) == 0)
			return true;
	return false;
}

static bool check_targets(const struct option_list *targets)
{
	for (size_t i = 0; i < targets->count; i++) {
		if (is_target(targets->values[i]))
			continue;
		log_error("--target %s: must be networkpolicy, cilium, calico, ovn or istio",
		          targets->values[i]);
		return false;
	}
	return true;
}

/* It becomes part of a query only. */
static bool check_clustertrustbundles(const struct option_list *names)
{
	static const char may[] = "abcdefghijklmnopqrstuvwxyz0123456789-.:";
	for (size_t i = 0; i < names->count; i++) {
		const char *name = names->values[i];
		size_t len = strlen(name);
		if (len > 0 && len <= NAME_MAX_LEN && strspn(name, may) == len)
			continue;
		log_error("--trust-bundle-clustertrustbundle %s: not the name of a ClusterTrustBundle, "
		          "such as example.org:spire:roots", name);
		return false;
	}
	return true;
}

struct object_name {
	char *namespace, *name; /* NULL: none */
};

/* Splits NS/NAME[:KEY]; false, reported, when it is not one. The key is the verifier's. */
static bool split(const char *option, const char *text, struct object_name *into)
{
	const char *slash = strchr(text, '/');
	size_t len = slash == NULL ? 0 : strcspn(slash + 1, ":");
	if (slash == NULL || !is_name(text, (size_t)(slash - text), NAMESPACE_MAX) ||
	    !is_name(slash + 1, len, NAME_MAX_LEN)) {
		log_error("--%s %s: must be NAMESPACE/NAME", option, text);
		return false;
	}
	into->namespace = strndup(text, (size_t)(slash - text));
	into->name = strndup(slash + 1, len);
	return into->namespace != NULL && into->name != NULL;
}

/* Names this replica: the pod's name, which is the host's, and the process. */
static void identify(char identity[300])
{
	char host[256] = "unknown";
	gethostname(host, sizeof host - 1);
	snprintf(identity, 300, "%s_%ld", host, (long)getpid());
}

struct connection {
	struct kube_config *config;
	struct kube_client *client;
	struct kube_client *lease_client; /* its own, so that a slow reader delays no renewal */
	struct kube_lease *lease;
};

static bool connect_to(const struct options *o, struct connection *c)
{
	char error[KUBE_ERROR_SIZE];
	c->config = kube_config_load(o->kubeconfig, o->context, error);
	if (c->config != NULL)
		c->client = kube_client_new(c->config, error);
	if (c->client == NULL)
		log_error("%s", error);
	return c->client != NULL;
}

static bool elect(const struct object_name *lease, struct connection *c)
{
	char error[KUBE_ERROR_SIZE], identity[300];
	if (lease->name == NULL)
		return true;
	identify(identity);
	c->lease_client = kube_client_new(c->config, error);
	if (c->lease_client == NULL) {
		log_error("%s", error);
		return false;
	}
	c->lease = kube_lease_new(c->lease_client, lease->namespace, lease->name, identity);
	return true;
}

static int watch(const struct options *o, struct connection *c, const struct object_name *bundle)
{
	const struct policy_names *names = policy_names(o->names.value);
	const struct kube_watch_options options = {
		.agentcard_group = names->agentcard_group,
		.type_label = names->type_label,
		.manager = POLICY_MANAGER,
		.namespace_label = names->namespace_label,
		.targets = o->targets.values,
		.target_count = o->targets.count,
		.namespaces = o->namespaces.values,
		.namespace_count = o->all_namespaces ? 0 : o->namespaces.count,
		.bundle_namespace = bundle->namespace,
		.bundle_name = bundle->name,
		.clustertrustbundles = o->clustertrustbundles.values,
		.clustertrustbundle_count = o->clustertrustbundles.count,
		.bounds = o->bounds.value == 1,
		.once = o->once,
		.full = o->full,
		// grants in the bounds end by the time that the events tell
		.timestamps = o->timestamps || o->bounds.value == 1,
		.page_size = o->page_size.value,
		.watch_s = o->watch_seconds.value,
		.out = STDOUT_FILENO,
		.rejects = o->rejects,
		.lease = c->lease,
	};
	if (c->lease != NULL && !kube_lease_acquire(c->lease))
		return EXIT_OK; /* a signal came */
	return kube_watch_run(c->client, &options);
}

static int run(const struct options *o, const struct object_name *bundle,
               const struct object_name *lease)
{
	struct connection c = {0};
	int status = EXIT_CANNOT;
	signals_catch();
	if (!metrics_open(o->metrics))
		return EXIT_CANNOT;
	notify_open();
	if (connect_to(o, &c) && elect(lease, &c))
		status = watch(o, &c, bundle);
	kube_lease_free(c.lease);
	kube_client_free(c.lease_client);
	kube_client_free(c.client);
	kube_config_free(c.config);
	metrics_close();
	return status;
}

static int check_and_run(const struct options *o)
{
	struct object_name bundle = {0}, lease = {0};
	bool good = check_namespaces(&o->namespaces) && check_targets(&o->targets) &&
	            check_clustertrustbundles(&o->clustertrustbundles) &&
	            (o->bundle[0] == '\0' ||
	             split("trust-bundle-configmap", o->bundle, &bundle)) &&
	            (o->leader_elect == NULL || split("leader-elect", o->leader_elect, &lease));
	int status = good ? run(o, &bundle, &lease) : EXIT_USAGE;
	free(bundle.namespace);
	free(bundle.name);
	free(lease.namespace);
	free(lease.name);
	return status;
}

int main(int argc, char **argv)
{
	struct options options = {
		.bundle = "spire-system/spire-bundle",
		.names = {policy_names_words, POLICY_NAMES_KAGENTI},
		.bounds = {bounds_words, 0},
		.page_size = {DEFAULT_PAGE, 0, 100000},
		.watch_seconds = {DEFAULT_WATCH_S, 1, 86400},
	};
	log_open("egress-watch");
	int status = EXIT_OK;
	switch (parse(argc, argv, &options)) {
	case OPTIONS_DONE:
		break;
	case OPTIONS_BAD:
		status = EXIT_USAGE;
		break;
	case OPTIONS_GO:
		status = check_and_run(&options);
		break;
	}
	options_free_list(&options.namespaces);
	options_free_list(&options.targets);
	options_free_list(&options.clustertrustbundles);
	return status;
}
