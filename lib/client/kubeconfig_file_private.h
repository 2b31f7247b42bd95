/* Inside lib/kube: one kubeconfig file as a YAML document. */
#ifndef CLIENT_KUBECONFIG_FILE_PRIVATE_H
#define CLIENT_KUBECONFIG_FILE_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

#include "client/kubeconfig.h"

struct kubeconfig_file {
	yaml_document_t document;
	char *path;
};

/* A file's whole contents, NUL-terminated; NULL with errno when it cannot be read, E2BIG when
 * it is over `most` bytes. */
char *kube_read_file(const char *path, size_t most, size_t *len);

/* False, with `error`, when the text is not YAML or its root is not a mapping. */
bool kubeconfig_file_read(struct kubeconfig_file *file, const char *text, size_t len,
                          const char *path, char error[KUBE_ERROR_SIZE]);
void kubeconfig_file_free(struct kubeconfig_file *file);

/* The member of a mapping, its own or one that it merges ("<<"); NULL when it is not there (also of
 * a NULL node). */
yaml_node_t *kubeconfig_get(struct kubeconfig_file *file, yaml_node_t *mapping, const char *key);
/* A scalar as text; NULL when absent, empty, null, not a scalar or holding NUL. */
const char *kubeconfig_scalar(yaml_node_t *node);
const char *kubeconfig_text(struct kubeconfig_file *file, yaml_node_t *mapping, const char *key);
/* The first item of the list `section` whose member `name` is `name`, and how many there are. */
yaml_node_t *kubeconfig_named(struct kubeconfig_file *file, const char *section,
                              const char *name, size_t *count);
/* The i-th item of a sequence; NULL after the last. */
yaml_node_t *kubeconfig_item(struct kubeconfig_file *file, yaml_node_t *sequence, size_t i);

#endif
