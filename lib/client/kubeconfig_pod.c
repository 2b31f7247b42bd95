#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/kubeconfig.h"
#include "client/kubeconfig_file_private.h"
#include "base/memory.h"

static const char SERVICE_ACCOUNT[] = "/var/run/secrets/kubernetes.io/serviceaccount";

struct kube_config *kube_config_in_cluster(const char *dir, char error[KUBE_ERROR_SIZE])
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	const char *port = getenv("KUBERNETES_SERVICE_PORT");
	if (host == NULL || port == NULL) {
		snprintf(error, KUBE_ERROR_SIZE,
		         "not in a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are "
		         "not set");
		return NULL;
	}
	if (dir == NULL)
		dir = SERVICE_ACCOUNT;
	struct kube_config *c = kube_alloc(1, sizeof *c);
	bool ipv6 = strchr(host, ':') != NULL;
	c->origin = kube_format("the service account in %s", dir);
	c->server = kube_format(ipv6 ? "https://[%s]:%s" : "https://%s:%s", host, port);
	c->token_file = kube_format("%s/token", dir);
	c->ca_file = kube_format("%s/ca.crt", dir);
	char *path = kube_format("%s/namespace", dir);
	c->namespace = kube_read_file(path, 1024, NULL);
	free(path);
	if (c->namespace == NULL)
		c->namespace = kube_copy("default");
	c->namespace[strcspn(c->namespace, "\r\n")] = '\0';
	const char *missing = access(c->token_file, R_OK) != 0 ? c->token_file
	                      : access(c->ca_file, R_OK) != 0  ? c->ca_file
	                                                       : NULL;
	if (missing == NULL)
		return c;
	snprintf(error, KUBE_ERROR_SIZE, "%s: cannot read %s: %s", c->origin, missing,
	         strerror(errno));
	kube_config_free(c);
	return NULL;
}

static void exec_free(struct kube_exec *exec)
{
	if (exec == NULL)
		return;
	free(exec->command);
	free(exec->api_version);
	free(exec->install_hint);
	kube_list_free(exec->args);
	kube_list_free(exec->env);
	free(exec);
}

void kube_config_free(struct kube_config *c)
{
	if (c == NULL)
		return;
	free(c->origin);
	free(c->server);
	free(c->namespace);
	kube_wipe(c->proxy_url);
	free(c->tls_server_name);
	free(c->ca_file);
	free(c->ca_data);
	free(c->cert_file);
	free(c->cert_data);
	free(c->key_file);
	kube_wipe(c->key_data);
	kube_wipe(c->token);
	free(c->token_file);
	exec_free(c->exec);
	kube_list_free(c->headers);
	free(c);
}
