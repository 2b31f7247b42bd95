#include "client/kubeconfig_file_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

enum { MAPPINGS_MAX = 32 /* looked into for one member */ };

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
                          const char *path, char error[KUBE_ERROR_SIZE])
{
	yaml_parser_t parser;
	*file = (struct kubeconfig_file){.path = kube_copy(path)};
	if (!yaml_parser_initialize(&parser)) {
		snprintf(error, KUBE_ERROR_SIZE, "%s: out of memory", path);
		return false;
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	bool good = yaml_parser_load(&parser, &file->document) != 0;
	if (!good)
		snprintf(error, KUBE_ERROR_SIZE, "%s: not YAML: line %zu: %s", path,
		         parser.problem_mark.line + 1,
		         parser.problem == NULL ? "unreadable" : parser.problem);
	yaml_parser_delete(&parser);
	if (!good)
		return false;
	yaml_node_t *root = yaml_document_get_root_node(&file->document);
	/* kubectl takes an empty file for an empty configuration. */
	if (root == NULL || root->type == YAML_MAPPING_NODE)
		return true;
	snprintf(error, KUBE_ERROR_SIZE, "%s: not a kubeconfig: not a mapping", path);
	return false;
}

void kubeconfig_file_free(struct kubeconfig_file *file)
{
	for (yaml_node_t *node = file->document.nodes.start;
	     node != NULL && node < file->document.nodes.top; node++)
		if (node->type == YAML_SCALAR_NODE && node->data.scalar.value != NULL)
			explicit_bzero(node->data.scalar.value, node->data.scalar.length);
	yaml_document_delete(&file->document);
	free(file->path);
}

static yaml_node_t *find_own(struct kubeconfig_file *file, yaml_node_t *mapping, const char *key)
{
	size_t len = strlen(key);
	for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
	     pair < mapping->data.mapping.pairs.top; pair++) {
		yaml_node_t *name = yaml_document_get_node(&file->document, pair->key);
		if (name != NULL && name->type == YAML_SCALAR_NODE &&
		    name->data.scalar.length == len &&
		    memcmp(name->data.scalar.value, key, len) == 0)
			return yaml_document_get_node(&file->document, pair->value);
	}
	return NULL;
}

/* What a mapping does not have itself may come from those that "<<" names. An anchor may be
 * inside of what it names, and be named a million times, so there is an end to looking. */
static yaml_node_t *find_merged(struct kubeconfig_file *file, yaml_node_t *mapping, const char *key,
                                unsigned *left)
{
	if (mapping == NULL || mapping->type != YAML_MAPPING_NODE || *left == 0)
		return NULL;
	(*left)--;
	yaml_node_t *found = find_own(file, mapping, key), *item;
	yaml_node_t *merged = found != NULL ? NULL : find_own(file, mapping, "<<");
	if (merged != NULL && merged->type == YAML_MAPPING_NODE)
		return find_merged(file, merged, key, left);
	for (size_t i = 0; found == NULL && *left > 0; i++) {
		item = kubeconfig_item(file, merged, i);
		if (item == NULL)
			break;
		found = find_merged(file, item, key, left);
	}
	return found;
}

yaml_node_t *kubeconfig_get(struct kubeconfig_file *file, yaml_node_t *mapping, const char *key)
{
	unsigned left = MAPPINGS_MAX;
	return find_merged(file, mapping, key, &left);
}

const char *kubeconfig_scalar(yaml_node_t *node)
{
	if (node == NULL || node->type != YAML_SCALAR_NODE)
		return NULL;
	const char *text = (const char *)node->data.scalar.value;
	if (node->data.scalar.length == 0 || strlen(text) != node->data.scalar.length)
		return NULL;
	bool plain = node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	if (plain && (strcmp(text, "null") == 0 || strcmp(text, "~") == 0))
		return NULL;
	return text;
}

const char *kubeconfig_text(struct kubeconfig_file *file, yaml_node_t *mapping, const char *key)
{
	return kubeconfig_scalar(kubeconfig_get(file, mapping, key));
}

yaml_node_t *kubeconfig_item(struct kubeconfig_file *file, yaml_node_t *sequence, size_t i)
{
	if (sequence == NULL || sequence->type != YAML_SEQUENCE_NODE)
		return NULL;
	yaml_node_item_t *start = sequence->data.sequence.items.start;
	if (i >= (size_t)(sequence->data.sequence.items.top - start))
		return NULL;
	return yaml_document_get_node(&file->document, start[i]);
}

yaml_node_t *kubeconfig_named(struct kubeconfig_file *file, const char *section,
                              const char *name, size_t *count)
{
	yaml_node_t *root = yaml_document_get_root_node(&file->document);
	yaml_node_t *list = kubeconfig_get(file, root, section);
	yaml_node_t *item, *first = NULL;
	*count = 0;
	for (size_t i = 0; (item = kubeconfig_item(file, list, i)) != NULL; i++) {
		const char *found = kubeconfig_text(file, item, "name");
		if (found == NULL || strcmp(found, name) != 0)
			continue;
		if ((*count)++ == 0)
			first = item;
	}
	return first;
}
