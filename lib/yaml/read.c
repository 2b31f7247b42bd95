#include "yaml/write.h"

#include <stdio.h>
#include <yaml.h>

#include "json/write.h"
#include "json/json.h"
#include "yaml/scalar_private.h"

/* Aliases may name a node again and again: what comes of them all together is bounded. */
static bool put_node(struct json_buffer *out, yaml_document_t *document, yaml_node_t *node,
                     unsigned depth);

static bool put_sequence(struct json_buffer *out, yaml_document_t *document,
                         const yaml_node_t *node, unsigned depth)
{
	json_putc(out, '[');
	for (yaml_node_item_t *item = node->data.sequence.items.start;
	     item < node->data.sequence.items.top; item++) {
		if (item > node->data.sequence.items.start)
			json_putc(out, ',');
		if (!put_node(out, document, yaml_document_get_node(document, *item), depth))
			return false;
	}
	json_putc(out, ']');
	return true;
}

static bool put_mapping(struct json_buffer *out, yaml_document_t *document, const yaml_node_t *node,
                        unsigned depth)
{
	json_putc(out, '{');
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		yaml_node_t *key = yaml_document_get_node(document, pair->key);
		if (key == NULL || key->type != YAML_SCALAR_NODE)
			return false;
		if (pair > node->data.mapping.pairs.start)
			json_putc(out, ',');
		json_put_string_n(out, (const char *)key->data.scalar.value,
		                  key->data.scalar.length);
		json_putc(out, ':');
		if (!put_node(out, document, yaml_document_get_node(document, pair->value), depth))
			return false;
	}
	json_putc(out, '}');
	return true;
}

static bool put_node(struct json_buffer *out, yaml_document_t *document, yaml_node_t *node,
                     unsigned depth)
{
	if (node == NULL || depth == 0 || out->len > JSON_RECORD_MAX)
		return false;
	switch (node->type) {
	case YAML_SCALAR_NODE:
		yaml_put_scalar(out,
		                (struct json_text){(const char *)node->data.scalar.value,
		                                   node->data.scalar.length},
		                node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE);
		return true;
	case YAML_SEQUENCE_NODE:
		return put_sequence(out, document, node, depth - 1);
	case YAML_MAPPING_NODE:
		return put_mapping(out, document, node, depth - 1);
	default:
		return false;
	}
}

/* An empty document is none, as kubectl has it. */
static bool visit_document(yaml_document_t *document, const struct kube_yaml_visitor *visitor,
                           size_t line, char error[KUBE_YAML_ERROR_SIZE])
{
	struct json_error wrong = {.reason = "too large, too deep, or a key that is no string"};
	struct json_buffer json = {0};
	yaml_node_t *root = yaml_document_get_root_node(document);
	bool good = put_node(&json, document, root, JSON_DEPTH_MAX) &&
	            json_check(json_buffer_text(&json), &json_record_limits, &wrong);
	if (!good)
		snprintf(error, KUBE_YAML_ERROR_SIZE, "the document at line %zu: %s", line,
		         wrong.reason);
	else if (json_type(json_buffer_text(&json)) != JSON_NULL)
		good = visitor->visit(visitor->context, json_buffer_text(&json));
	json_buffer_free(&json);
	return good;
}

static bool visit_all(yaml_parser_t *parser, const struct kube_yaml_visitor *visitor,
                      char error[KUBE_YAML_ERROR_SIZE])
{
	yaml_document_t document;
	for (bool good = true, more = true; more; yaml_document_delete(&document)) {
		if (!yaml_parser_load(parser, &document)) {
			snprintf(error, KUBE_YAML_ERROR_SIZE, "not YAML: line %zu: %s",
			         parser->problem_mark.line + 1,
			         parser->problem == NULL ? "unreadable" : parser->problem);
			return false;
		}
		more = yaml_document_get_root_node(&document) != NULL;
		if (more)
			good = visit_document(&document, visitor, document.start_mark.line + 1,
			                      error);
		if (!good) {
			yaml_document_delete(&document);
			return false;
		}
	}
	return true;
}

bool kube_yaml_read(struct json_text text, const struct kube_yaml_visitor *visitor,
                    char error[KUBE_YAML_ERROR_SIZE])
{
	yaml_parser_t parser;
	error[0] = '\0';
	if (!yaml_parser_initialize(&parser)) {
		snprintf(error, KUBE_YAML_ERROR_SIZE, "out of memory");
		return false;
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)text.at, text.len);
	bool good = visit_all(&parser, visitor, error);
	yaml_parser_delete(&parser);
	return good;
}
