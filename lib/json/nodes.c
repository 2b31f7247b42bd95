#include "json/nodes.h"

#include <stdlib.h>

#include "json/number.h"
#include "json/scan_private.h"

struct reader {
	const char *p, *end; /* what is left to read */
	struct json_nodes *nodes;
};

static struct json_node read_value(struct reader *r);

static struct json_node *more(struct json_node *list, size_t wanted, size_t *size)
{
	if (wanted <= *size)
		return list;
	while (*size < wanted)
		*size = *size == 0 ? 256 : *size * 2;
	list = realloc(list, *size * sizeof *list);
	if (list == NULL)
		abort();
	return list;
}

/* Appends the bytes of the string at r->p to the texts, moves behind it; gives their length. */
static uint32_t read_string(struct reader *r)
{
	struct json_buffer *texts = &r->nodes->texts;
	const char *first = ++r->p;
	bool escaped = false;
	while ((r->p = json_find_stop(r->p, r->end)) < r->end && *r->p == '\\') {
		r->p += r->end - r->p >= 2 ? 2 : 1;
		escaped = true;
	}
	size_t len = (size_t)(r->p - first), start = texts->len;
	json_buffer_reserve(texts, len + 1);
	if (escaped)
		texts->len += json_decode(first, r->p, texts->at + start);
	else
		json_put(texts, first, len);
	r->p += r->p < r->end;
	return (uint32_t)(texts->len - start);
}

static struct json_node string_node(struct reader *r)
{
	struct json_node node = {.type = JSON_NODE_STRING, .at = (uint32_t)r->nodes->texts.len};
	node.len = read_string(r);
	return node;
}

static struct json_node number_node(struct reader *r)
{
	struct json_text text = {r->p, 0};
	bool whole = true;
	for (; r->p < r->end && *r->p != ',' && *r->p != '}' && *r->p != ']' && !json_is_space(*r->p);
	     r->p++)
		whole = whole && (*r->p == '-' || (*r->p >= '0' && *r->p <= '9'));
	text.len = (size_t)(r->p - text.at);
	if (whole && text.len > 15) {
		struct json_node node = {.type = JSON_NODE_LONG,
		                         .at = (uint32_t)r->nodes->texts.len,
		                         .len = (uint32_t)text.len};
		json_puttext(&r->nodes->texts, text);
		return node;
	}
	struct json_node node = {.type = whole ? JSON_NODE_INTEGER : JSON_NODE_NUMBER};
	node.number = json_number_read(text);
	return node;
}

static struct json_node word_node(struct reader *r)
{
	char c = r->p < r->end ? *r->p : 'n';
	size_t len = c == 'f' ? 5 : 4, left = (size_t)(r->end - r->p);
	r->p += len < left ? len : left;
	return (struct json_node){.type = c == 't'   ? JSON_NODE_TRUE
	                                  : c == 'f' ? JSON_NODE_FALSE
	                                             : JSON_NODE_NULL};
}

static bool at_close(struct reader *r, char close)
{
	r->p = json_skip_space(r->p, r->end);
	if (r->p < r->end && *r->p == ',')
		r->p = json_skip_space(r->p + 1, r->end);
	if (r->p < r->end && *r->p != close)
		return false;
	r->p += r->p < r->end;
	return true;
}

static struct json_node read_member(struct reader *r)
{
	uint32_t key = (uint32_t)r->nodes->texts.len;
	uint32_t key_len = read_string(r);
	r->p = json_skip_space(r->p, r->end);
	r->p = json_skip_space(r->p + (r->p < r->end), r->end);
	struct json_node node = read_value(r);
	node.key = key;
	node.key_len = key_len & 0xfffffff;
	return node;
}

/* In the order of UTF-16 code units only code points from U+10000 on (in UTF-8 from 0xf0, in
 * UTF-16 from 0xd800) come elsewhere than in the order of UTF-8 bytes: before U+E000 (0xee). */
static int utf16_rank(unsigned char c)
{
	return c == 0xee || c == 0xef ? c + 0x10 : c;
}

static int compare_members(const void *left, const void *right, void *nodes)
{
	const struct json_nodes *of = nodes;
	const struct json_node *a = left, *b = right;
	const unsigned char *x = (const unsigned char *)of->texts.at + a->key;
	const unsigned char *y = (const unsigned char *)of->texts.at + b->key;
	size_t len = a->key_len < b->key_len ? a->key_len : b->key_len;
	int order = memcmp(x, y, len);
	if (order == 0)
		return a->key_len < b->key_len ? -1 : a->key_len > b->key_len;
	if (of->order == JSON_ORDER_POINTS)
		return order;
	size_t i = 0;
	while (x[i] == y[i])
		i++;
	return utf16_rank(x[i]) - utf16_rank(y[i]);
}

static void sort_members(struct json_nodes *nodes, struct json_node *members, size_t count)
{
	bool sorted = true;
	for (size_t i = 1; i < count && sorted; i++)
		sorted = compare_members(&members[i - 1], &members[i], nodes) < 0;
	if (!sorted)
		qsort_r(members, count, sizeof *members, compare_members, nodes);
}

static struct json_node container_node(struct reader *r, bool object)
{
	struct json_nodes *nodes = r->nodes;
	size_t first = nodes->open_count;
	r->p++;
	while (!at_close(r, object ? '}' : ']')) {
		struct json_node child = object ? read_member(r) : read_value(r);
		nodes->open = more(nodes->open, nodes->open_count + 1, &nodes->open_size);
		nodes->open[nodes->open_count++] = child;
	}
	size_t count = nodes->open_count - first;
	struct json_node node = {.type = object ? JSON_NODE_OBJECT : JSON_NODE_ARRAY,
	                         .at = (uint32_t)nodes->count,
	                         .len = (uint32_t)count};
	if (count == 0)
		return node;
	nodes->list = more(nodes->list, nodes->count + count, &nodes->size);
	memcpy(nodes->list + nodes->count, nodes->open + first, count * sizeof *nodes->list);
	if (object)
		sort_members(nodes, nodes->list + nodes->count, count);
	nodes->count += count;
	nodes->open_count = first;
	return node;
}

static struct json_node read_value(struct reader *r)
{
	switch (r->p < r->end ? *r->p : 'n') {
	case '{':
	case '[':
		return container_node(r, *r->p == '{');
	case '"':
		return string_node(r);
	case 't':
	case 'f':
	case 'n':
		return word_node(r);
	default:
		return number_node(r);
	}
}

void json_nodes_read(struct json_nodes *nodes, struct json_text value)
{
	struct reader r = {.p = value.at, .end = value.at + value.len, .nodes = nodes};
	nodes->count = nodes->open_count = 0;
	nodes->texts.len = 0;
	nodes->order = JSON_ORDER_UTF16;
	r.p = json_skip_space(r.p, r.end);
	json_buffer_reserve(&nodes->texts, 1);
	nodes->list = more(nodes->list, 1, &nodes->size);
	nodes->root = read_value(&r);
	/* the two orders differ only where a character is beyond the Basic Multilingual Plane */
	nodes->differ = false;
	for (size_t i = 0; i < nodes->texts.len && !nodes->differ; i++)
		nodes->differ = (unsigned char)nodes->texts.at[i] >= 0xf0;
}

void json_nodes_free(struct json_nodes *nodes)
{
	free(nodes->list);
	free(nodes->open);
	json_buffer_free(&nodes->texts);
	*nodes = (struct json_nodes){0};
}

static void sort_below(struct json_nodes *nodes, struct json_node container)
{
	struct json_node *list = nodes->list + container.at;
	if (container.type == JSON_NODE_OBJECT)
		sort_members(nodes, list, container.len);
	for (size_t i = 0; i < container.len; i++)
		if (list[i].type == JSON_NODE_OBJECT || list[i].type == JSON_NODE_ARRAY)
			sort_below(nodes, list[i]);
}

void json_nodes_sort(struct json_nodes *nodes, enum json_order order)
{
	bool again = nodes->order != order && nodes->differ;
	nodes->order = order;
	if (again && (nodes->root.type == JSON_NODE_OBJECT || nodes->root.type == JSON_NODE_ARRAY))
		sort_below(nodes, nodes->root);
}

double json_node_number(const struct json_nodes *nodes, struct json_node node)
{
	return node.type == JSON_NODE_LONG ? json_number_read(json_node_text(nodes, node))
	                                   : node.number;
}
