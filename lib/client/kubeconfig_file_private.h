/* Inside lib/client: one kubeconfig file as a YAML document. */
#ifndef CLIENT_KUBECONFIG_FILE_PRIVATE_H
#define CLIENT_KUBECONFIG_FILE_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

#include "client/kubeconfig.h"
#include "yaml/document.h"

struct kubeconfig_file {
	struct kube_yaml_document *document;
	char *path;
	char *name; /* for messages: where an admin finds it */
};

/* A file's whole contents, NUL-terminated; NULL with errno when it cannot be read, E2BIG when
 * it is over `most` bytes. */
char *kube_read_file(const char *path, size_t most, size_t *len);

/* False, with `error`, when the text is not YAML or its root is not a mapping. */
bool kubeconfig_file_read(struct kubeconfig_file *file, const char *text, size_t len,
                          const char *path, const char *name, char error[KUBE_ERROR_SIZE]);
void kubeconfig_file_free(struct kubeconfig_file *file);

/* The text of a mapping's member, NULL as kube_yaml_scalar() says. */
const char *kubeconfig_text(struct kubeconfig_file *file, const struct yaml_node_s *mapping,
                            const char *key);
/* The first item of the list `section` whose member `name` is `name`, and how many there are. */
const struct yaml_node_s *kubeconfig_named(struct kubeconfig_file *file, const char *section,
                                           const char *name, size_t *count);

#endif
