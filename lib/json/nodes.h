/*
 * A text read once into nodes, for whoever writes it several times: strings decoded, numbers as
 * doubles, the members of objects sorted by their keys.
 *
 * Ownership: a json_nodes owns all that its nodes point at; json_nodes_free() releases it.
 * Initialise with {0}; it may be read into again. Nodes are small and passed by value.
 *
 * Cost: linear in the text, but for sorting keys (n log n comparisons), and at most 16 bytes of
 * memory for each byte of text.
 */
#ifndef JSON_NODES_H
#define JSON_NODES_H

#include "base/buffer.h"

enum json_node_type {
	JSON_NODE_NULL,
	JSON_NODE_FALSE,
	JSON_NODE_TRUE,
	JSON_NODE_NUMBER,  /* written with a point or an exponent: `number` */
	JSON_NODE_INTEGER, /* written without, up to 15 digits: `number` */
	JSON_NODE_LONG,    /* written without, longer: its text, from `at` */
	JSON_NODE_STRING,  /* its bytes, from `at` */
	JSON_NODE_ARRAY,   /* `len` elements, from `at` */
	JSON_NODE_OBJECT,  /* `len` members, from `at` */
};

struct json_node {
	uint32_t key;          /* of a member: where its key's bytes begin */
	uint32_t key_len : 28; /* RFC 8259 has no limit, json_record_limits have */
	uint32_t type : 4;
	union {
		double number; /* may be infinite: out of range */
		struct {
			uint32_t at, len;
		};
	};
};

enum json_order {
	JSON_ORDER_UTF16,  /* of UTF-16 code units (RFC 8785, section 3.2.3) */
	JSON_ORDER_POINTS, /* of code points, which is that of UTF-8 bytes */
};

struct json_nodes {
	struct json_node root;
	struct json_node *list;    /* elements and members, those of one container together */
	struct json_node *open;    /* those of containers that are not closed yet */
	size_t count, size, open_count, open_size;
	struct json_buffer texts;  /* bytes of keys, strings and long integers */
	enum json_order order;     /* in which all members stand now */
	bool differ;               /* some keys come elsewhere in the other order */
};

/* Reads a value that json_check() accepted, of at most JSON_RECORD_MAX bytes. */
void json_nodes_read(struct json_nodes *nodes, struct json_text value);
void json_nodes_free(struct json_nodes *nodes);

/* Sorts the members of all objects. */
void json_nodes_sort(struct json_nodes *nodes, enum json_order order);

/* The elements or members of a container: `len` of them. */
static inline const struct json_node *json_nodes_in(const struct json_nodes *nodes,
                                                    struct json_node container)
{
	return nodes->list + container.at;
}

static inline struct json_text json_node_key(const struct json_nodes *nodes, struct json_node node)
{
	return (struct json_text){nodes->texts.at + node.key, node.key_len};
}

/* Of a string, or of a long integer. */
static inline struct json_text json_node_text(const struct json_nodes *nodes,
                                              struct json_node node)
{
	return (struct json_text){nodes->texts.at + node.at, node.len};
}

/* Of any number. */
double json_node_number(const struct json_nodes *nodes, struct json_node node);

#endif
