/*
 * Credentials from a program (KEP-541, client.authentication.k8s.io ExecCredential): it is
 * run without a terminal, in a process group of its own, with its standard error ours. When it has
 * not ended in its time, or SIGTERM comes, it and its group are killed.
 */
#ifndef CLIENT_EXEC_PLUGIN_PRIVATE_H
#define CLIENT_EXEC_PLUGIN_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "client/kubeconfig.h"

struct kube_exec_credential {
	char *token;      /* or NULL; the caller's, to be wiped */
	char *cert, *key; /* PEM; both or neither */
	int64_t expires;  /* seconds since 1970; 0: not said */
};

enum { KUBE_EXEC_MS = 60 * 1000 };

/* False, with `error`, when it gave none within `time_ms` (KUBE_EXEC_MS). */
bool kube_exec_run(const struct kube_config *config, long time_ms,
                   struct kube_exec_credential *credential, char error[KUBE_ERROR_SIZE]);

#endif
