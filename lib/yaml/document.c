#include "yaml/document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/memory.h"

enum { MAPPINGS_MAX = 32 /* looked into for one member */ };

struct kube_yaml_document {
	yaml_document_t tree;
};

static bool load(yaml_document_t *tree, struct json_text text, char error[KUBE_YAML_WHY_SIZE])
{
	yaml_parser_t parser;
	if (!yaml_parser_initialize(&parser)) {
		snprintf(error, KUBE_YAML_WHY_SIZE, "out of memory");
		return false;
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)text.at, text.len);
	bool good = yaml_parser_load(&parser, tree) != 0;
	if (!good)
		snprintf(error, KUBE_YAML_WHY_SIZE, "not YAML: line %zu: %s",
		         parser.problem_mark.line + 1,
		         parser.problem == NULL ? "unreadable" : parser.problem);
	yaml_parser_delete(&parser);
	return good;
}

struct kube_yaml_document *kube_yaml_load(struct json_text text, char error[KUBE_YAML_WHY_SIZE])
{
	struct kube_yaml_document *document = kube_alloc(1, sizeof *document);
	if (load(&document->tree, text, error))
		return document;
	kube_yaml_wipe(document);
	return NULL;
}

void kube_yaml_wipe(struct kube_yaml_document *document)
{
	if (document == NULL)
		return;
	for (yaml_node_t *node = document->tree.nodes.start;
	     node != NULL && node < document->tree.nodes.top; node++)
		if (node->type == YAML_SCALAR_NODE && node->data.scalar.value != NULL)
			explicit_bzero(node->data.scalar.value, node->data.scalar.length);
	yaml_document_delete(&document->tree);
	free(document);
}

const yaml_node_t *kube_yaml_root(struct kube_yaml_document *document)
{
	return yaml_document_get_root_node(&document->tree);
}

bool kube_yaml_is_mapping(const yaml_node_t *node)
{
	return node != NULL && node->type == YAML_MAPPING_NODE;
}

static const yaml_node_t *find_own(struct kube_yaml_document *document, const yaml_node_t *mapping,
                                   const char *key)
{
	size_t len = strlen(key);
	for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
	     pair < mapping->data.mapping.pairs.top; pair++) {
		yaml_node_t *name = yaml_document_get_node(&document->tree, pair->key);
		if (name != NULL && name->type == YAML_SCALAR_NODE &&
		    name->data.scalar.length == len &&
		    memcmp(name->data.scalar.value, key, len) == 0)
			return yaml_document_get_node(&document->tree, pair->value);
	}
	return NULL;
}

/* What a mapping does not have itself may come from those that "<<" names. An anchor may be
 * inside of what it names, and be named a million times, so there is an end to looking. */
static const yaml_node_t *find_merged(struct kube_yaml_document *document,
                                      const yaml_node_t *mapping, const char *key, unsigned *left)
{
	if (!kube_yaml_is_mapping(mapping) || *left == 0)
		return NULL;
	(*left)--;
	const yaml_node_t *found = find_own(document, mapping, key), *item;
	const yaml_node_t *merged = found != NULL ? NULL : find_own(document, mapping, "<<");
	if (kube_yaml_is_mapping(merged))
		return find_merged(document, merged, key, left);
	for (size_t i = 0; found == NULL && *left > 0; i++) {
		item = kube_yaml_item(document, merged, i);
		if (item == NULL)
			break;
		found = find_merged(document, item, key, left);
	}
	return found;
}

const yaml_node_t *kube_yaml_get(struct kube_yaml_document *document, const yaml_node_t *mapping,
                                 const char *key)
{
	unsigned left = MAPPINGS_MAX;
	return find_merged(document, mapping, key, &left);
}

const yaml_node_t *kube_yaml_item(struct kube_yaml_document *document, const yaml_node_t *sequence,
                                  size_t i)
{
	if (sequence == NULL || sequence->type != YAML_SEQUENCE_NODE)
		return NULL;
	yaml_node_item_t *start = sequence->data.sequence.items.start;
	if (i >= (size_t)(sequence->data.sequence.items.top - start))
		return NULL;
	return yaml_document_get_node(&document->tree, start[i]);
}

const char *kube_yaml_scalar(const yaml_node_t *node)
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
