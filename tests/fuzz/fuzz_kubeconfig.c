/* Any bytes as a kubeconfig: read, or refused with a message that names the file. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "client/kubeconfig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[KUBE_ERROR_SIZE] = "";
	struct kube_config *config =
		kube_config_parse((const char *)data, size, "the-file", NULL, error);
	if (config == NULL && strstr(error, "the-file") == NULL)
		abort();
	if (config != NULL &&
	    (config->server == NULL || config->namespace == NULL || config->origin == NULL ||
	     (config->cert_file == NULL && config->cert_data == NULL) !=
	             (config->key_file == NULL && config->key_data == NULL)))
		abort();
	kube_config_free(config);
	return 0;
}
