#include "k8s/workload.h"

#include <stdio.h>
#include <string.h>

#include "k8s/name.h"

#define APPS(word, words) {.group = "apps", .version = "v1", .kind = (word), .plural = (words), \
	                   .shape = K8S_WORKLOAD}
#define BATCH(word, words) {.group = "batch", .version = "v1", .kind = (word), .plural = (words), \
	                    .shape = K8S_WORKLOAD}

const struct k8s_workload k8s_workloads[K8S_WORKLOADS] = {
        [K8S_DEPLOYMENT] = {.kind = APPS("Deployment", "deployments"), .template = {"template"}},
        [K8S_STATEFULSET] = {.kind = APPS("StatefulSet", "statefulsets"),
                             .template = {"template"}},
        [K8S_DAEMONSET] = {.kind = APPS("DaemonSet", "daemonsets"), .template = {"template"}},
        [K8S_REPLICASET] = {.kind = APPS("ReplicaSet", "replicasets"),
                            .template = {"template"},
                            .replaced_by_owner = true},
        [K8S_JOB] = {.kind = BATCH("Job", "jobs"),
                     .template = {"template"},
                     .pods_by = K8S_PODS_BY_JOB_NAME,
                     .replaced_by_owner = true},
        [K8S_CRONJOB] = {.kind = BATCH("CronJob", "cronjobs"),
                         .template = {"jobTemplate", "spec", "template"},
                         .pods_by = K8S_PODS_BY_TEMPLATE},
        [K8S_SANDBOX] = {.kind = {.group = "agents.x-k8s.io",
                                  .version = "v1alpha1",
                                  .kind = "Sandbox",
                                  .plural = "sandboxes",
                                  .shape = K8S_WORKLOAD},
                         .template = {"podTemplate"},
                         .pods_by = K8S_PODS_BY_HASH},
};

static bool has_group(struct json_text api_version, const char *group)
{
	size_t len = strlen(group);
	return api_version.at != NULL && api_version.len > len && api_version.at[len] == '/' &&
	       memcmp(api_version.at, group, len) == 0;
}

enum k8s_workload_kind k8s_workload_of(struct json_text api_version, struct json_text kind)
{
	int i = 0;
	while (i < K8S_WORKLOADS && !(text_is(kind, k8s_workloads[i].kind.kind) &&
	                              has_group(api_version, k8s_workloads[i].kind.group)))
		i++;
	return (enum k8s_workload_kind)i;
}

enum k8s_workload_kind k8s_workload_in(const char *group, const char *kind)
{
	int i = 0;
	while (i < K8S_WORKLOADS && (strcmp(kind, k8s_workloads[i].kind.kind) != 0 ||
	                             strcmp(group, k8s_workloads[i].kind.group) != 0))
		i++;
	return (enum k8s_workload_kind)i;
}

enum k8s_workload_kind k8s_workload_named(struct json_text api_version, struct json_text kind)
{
	int i = 0;
	if (api_version.at != NULL)
		return k8s_workload_of(api_version, kind);
	while (i < K8S_WORKLOADS && !text_is(kind, k8s_workloads[i].kind.kind))
		i++;
	return (enum k8s_workload_kind)i;
}

struct json_text k8s_workload_template(enum k8s_workload_kind kind, struct json_text object)
{
	const char *const *path = k8s_workloads[kind].template;
	struct json_text found = json_get(object, "spec");
	for (size_t i = 0; i < K8S_TEMPLATE_PATH && path[i] != NULL; i++)
		found = json_get(found, path[i]);
	return found;
}

struct json_text k8s_workload_labels(enum k8s_workload_kind kind, struct json_text object)
{
	return json_get(k8s_workload_template(kind, object), "metadata", "labels");
}

struct json_text k8s_workload_pod_spec(enum k8s_workload_kind kind, struct json_text object)
{
	return json_get(k8s_workload_template(kind, object), "spec");
}

struct json_text k8s_workload_account(enum k8s_workload_kind kind, struct json_text object)
{
	struct json_text name = json_get(k8s_workload_pod_spec(kind, object), "serviceAccountName");
	if (json_type(name) <= JSON_NULL || json_equals(name, ""))
		return json_of("default");
	name = json_plain(name);
	return k8s_name_usable(name) ? name : (struct json_text){0};
}

enum k8s_host_network k8s_workload_host_network(enum k8s_workload_kind kind,
                                                struct json_text object)
{
	struct json_text spec = k8s_workload_pod_spec(kind, object);
	struct json_text said = json_get(spec, "hostNetwork");
	if (json_is_true(said))
		return K8S_HOST_NETWORK_YES;
	if (json_type(said) == JSON_FALSE || json_get(spec, "containers").at != NULL)
		return K8S_HOST_NETWORK_NO;
	return K8S_HOST_NETWORK_UNKNOWN;
}

struct json_text k8s_controller_of(struct json_text metadata)
{
	struct json_text owners = json_get(metadata, "ownerReferences");
	for (struct json_member m = json_first(owners); m.value.at; m = json_next(m))
		if (json_is_true(json_get(m.value, "controller")))
			return m.value;
	return (struct json_text){0};
}

void k8s_sandbox_hash(struct json_text name, char hash[K8S_SANDBOX_HASH_SIZE])
{
	uint32_t sum = 2166136261u;
	for (size_t i = 0; i < name.len; i++)
		sum = (sum ^ (unsigned char)name.at[i]) * 16777619u;
	snprintf(hash, K8S_SANDBOX_HASH_SIZE, "%08x", (unsigned)sum);
}

enum k8s_sandbox_selector k8s_sandbox_selector(struct json_text object)
{
	char hash[K8S_SANDBOX_HASH_SIZE], wanted[sizeof K8S_SANDBOX_LABEL + sizeof hash];
	struct json_text said = json_get(object, "status", "selector");
	struct json_text name = json_plain(json_get(object, "metadata", "name"));
	if (json_type(said) <= JSON_NULL)
		return K8S_SANDBOX_UNSELECTED;
	k8s_sandbox_hash(name, hash);
	snprintf(wanted, sizeof wanted, K8S_SANDBOX_LABEL "=%s", hash);
	return name.at != NULL && json_equals(said, wanted) ? K8S_SANDBOX_SELECTED
	                                                    : K8S_SANDBOX_MISSELECTED;
}

struct json_text k8s_signed_for(struct json_text configmap)
{
	size_t suffix = strlen(K8S_SIGNED_SUFFIX);
	if (configmap.at == NULL || configmap.len <= suffix ||
	    memcmp(configmap.at + configmap.len - suffix, K8S_SIGNED_SUFFIX, suffix) != 0)
		return (struct json_text){0};
	return (struct json_text){configmap.at, configmap.len - suffix};
}
