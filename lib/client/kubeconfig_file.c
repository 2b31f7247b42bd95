#include "client/kubeconfig_file_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

static char *read_all(int fd, size_t most, size_t *len)
{
	size_t size = 16384, used = 0;
	char *text = kube_alloc(size, 1);
	for (;;) {
		ssize_t got = read(fd, text + used, size - used - 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got == 0) {
			text[used] = '\0';
			*len = used;
			return text;
		}
		if (got > 0)
			used += (size_t)got;
		if (got < 0 || used > most)
			break;
		if (size - used < 2) {
			/* Not realloc: it would leave a copy of a secret behind. */
			char *bigger = kube_alloc(size *= 2, 1);
			memcpy(bigger, text, used);
			explicit_bzero(text, used);
			free(text);
			text = bigger;
		}
	}
	if (used > most)
		errno = E2BIG;
	explicit_bzero(text, used);
	free(text);
	return NULL;
}

char *kube_read_file(const char *path, size_t most, size_t *len)
{
	size_t ignored = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	char *text = read_all(fd, most, len == NULL ? &ignored : len);
	int saved = errno;
	close(fd);
	errno = saved;
	return text;
}

bool kubeconfig_file_read(struct kubeconfig_file *file, const char *text, size_t len,
                          const char *path, const char *name, char error[KUBE_ERROR_SIZE])
{
	char why[KUBE_YAML_WHY_SIZE];
	*file = (struct kubeconfig_file){
		.document = kube_yaml_load((struct json_text){text, len}, why),
		.path = kube_copy(path),
		.name = kube_copy(name),
	};
	if (file->document == NULL) {
		snprintf(error, KUBE_ERROR_SIZE, "%s: %s", name, why);
		return false;
	}
	const struct yaml_node_s *root = kube_yaml_root(file->document);
	/* kubectl takes an empty file for an empty configuration. */
	if (root == NULL || kube_yaml_is_mapping(root))
		return true;
	snprintf(error, KUBE_ERROR_SIZE, "%s: not a kubeconfig: not a mapping", name);
	return false;
}

void kubeconfig_file_free(struct kubeconfig_file *file)
{
	kube_yaml_wipe(file->document);
	free(file->path);
	free(file->name);
}

const char *kubeconfig_text(struct kubeconfig_file *file, const struct yaml_node_s *mapping,
                            const char *key)
{
	return kube_yaml_scalar(kube_yaml_get(file->document, mapping, key));
}

const struct yaml_node_s *kubeconfig_named(struct kubeconfig_file *file, const char *section,
                                           const char *name, size_t *count)
{
	const struct yaml_node_s *root = kube_yaml_root(file->document);
	const struct yaml_node_s *list = kube_yaml_get(file->document, root, section);
	const struct yaml_node_s *item, *first = NULL;
	*count = 0;
	for (size_t i = 0; (item = kube_yaml_item(file->document, list, i)) != NULL; i++) {
		const char *found = kubeconfig_text(file, item, "name");
		if (found == NULL || strcmp(found, name) != 0)
			continue;
		if ((*count)++ == 0)
			first = item;
	}
	return first;
}
