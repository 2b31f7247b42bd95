/*
 * Where the API server is and who we are to it: kubeconfig files (client-go's
 * clientcmd/api/v1) or a pod's service account.
 *
 * Files merge as kubectl merges them: the first file that names a cluster, user, context or
 * current-context wins, missing files of a KUBECONFIG list are skipped, and relative paths
 * are relative to the file that holds them.
 *
 * Ownership: a kube_config owns its strings; kube_config_free() releases it (secrets are
 * wiped first). A string that is not set is NULL.
 *
 * Errors: NULL is returned and `error` says which file and context, and what is missing. It
 * never quotes a secret.
 */
#ifndef CLIENT_KUBECONFIG_H
#define CLIENT_KUBECONFIG_H

#include <stdbool.h>
#include <stddef.h>

enum { KUBE_ERROR_SIZE = 1024, KUBE_CONFIG_MAX = 4 * 1024 * 1024 /* bytes of a file */ };

/* A program that prints credentials (client.authentication.k8s.io, ExecCredential). */
struct kube_exec {
	char *command;
	char **args;       /* NULL-terminated, without the command */
	char **env;        /* "NAME=VALUE", NULL-terminated: added to ours */
	char *api_version; /* client.authentication.k8s.io/v1 or v1beta1 */
	char *install_hint;
	bool provide_cluster_info;
};

struct kube_config {
	char *origin;    /* for messages: context "x" of /home/a/.kube/config */
	char *server;    /* https://host:port, without a slash at its end */
	char *namespace; /* of the context; "default" when it names none */
	char *proxy_url;
	char *tls_server_name;
	bool insecure;   /* do not verify the server's certificate */

	char *ca_file, *ca_data;     /* PEM; data wins; neither: the system's CAs */
	char *cert_file, *cert_data; /* client certificate, PEM */
	char *key_file, *key_data;
	char *token, *token_file;    /* the file wins, and is read again as it rotates */
	struct kube_exec *exec;
	char **headers;              /* "Impersonate-User: x", NULL-terminated; NULL: none */
};

/* From `path`, else the files of $KUBECONFIG, else ~/.kube/config; when none of them exists
 * and this is a pod, from its service account. `context` NULL: current-context. */
struct kube_config *kube_config_load(const char *path, const char *context,
                                     char error[KUBE_ERROR_SIZE]);

/* From a pod's environment and /var/run/secrets/kubernetes.io/serviceaccount (`dir` NULL). */
struct kube_config *kube_config_in_cluster(const char *dir, char error[KUBE_ERROR_SIZE]);

/* From one text, as if read from a file `name`; for tests. */
struct kube_config *kube_config_parse(const char *text, size_t len, const char *name,
                                      const char *context, char error[KUBE_ERROR_SIZE]);

void kube_config_free(struct kube_config *config);

#endif
