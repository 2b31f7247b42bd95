#include "json/canonical.h"

#include <math.h>

#include "json/number.h"
#include "json/scan_private.h"
#include "json/write.h"

/* Python's int() of a text refuses more digits (sys.int_info.default_max_str_digits). */
enum { PYTHON_DIGITS_MAX = 4300 };

bool json_canon_fail(struct json_canon *canon, const char *reason)
{
	if (canon->reason == NULL)
		canon->reason = reason;
	return false;
}

void json_canon_start(struct json_canon *canon)
{
	canon->reason = NULL;
	json_nodes_sort(canon->nodes, canon->style == JSON_STYLE_RFC_8785 ? JSON_ORDER_UTF16
	                                                                  : JSON_ORDER_POINTS);
}

/* The sequence of UTF-8, valid, at *p as a code point; moves behind it. */
static unsigned next_point(const unsigned char **p)
{
	const unsigned char *s = *p;
	unsigned length = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	unsigned point = length == 1 ? s[0] : s[0] & (0xffU >> (length + 1));
	for (unsigned i = 1; i < length; i++)
		point = point << 6 | (s[i] & 0x3f);
	*p += length;
	return point;
}

static void put_unit(struct json_buffer *out, unsigned unit)
{
	static const char hex[] = "0123456789abcdef";
	const char escape[] = {'\\', 'u', hex[unit >> 12 & 15], hex[unit >> 8 & 15],
	                       hex[unit >> 4 & 15], hex[unit & 15]};
	json_put(out, escape, sizeof escape);
}

static void put_point(struct json_buffer *out, unsigned point)
{
	if (point >= 0x10000) {
		put_unit(out, 0xd800 + ((point - 0x10000) >> 10));
		point = 0xdc00 + (point & 0x3ff);
	}
	put_unit(out, point);
}

/* The character at `p` when the style escapes it and RFC 8785 does not; else 0. */
static unsigned escaped_point(enum json_style style, const unsigned char *p)
{
	const unsigned char *next = p;
	if (style != JSON_STYLE_GO)
		return *p >= 0x7f ? next_point(&next) : 0;
	if (*p == '<' || *p == '>' || *p == '&')
		return *p;
	/* U+2028 and U+2029, which end a line in JavaScript */
	return *p == 0xe2 && p[1] == 0x80 && (p[2] & 0xfe) == 0xa8 ? next_point(&next) : 0;
}

static void put_string(struct json_canon *canon, struct json_text text)
{
	struct json_buffer *out = canon->out;
	if (canon->style == JSON_STYLE_RFC_8785) {
		json_put_string_n(out, text.at, text.len);
		return;
	}
	const unsigned char *p = (const unsigned char *)text.at, *end = p + text.len, *run = p;
	json_putc(out, '"');
	while (p < end) {
		const unsigned char *here = p;
		bool usual = *p < 0x20 || *p == '"' || *p == '\\';
		unsigned point = usual ? 0 : escaped_point(canon->style, p);
		next_point(&p);
		if (!usual && point == 0)
			continue;
		json_put(out, (const char *)run, (size_t)(here - run));
		run = p;
		if (usual)
			json_put_escape(out, *here);
		else
			put_point(out, point);
	}
	json_put(out, (const char *)run, (size_t)(end - run));
	json_putc(out, '"');
}

/* An integer as Python keeps it: of any length, but int("-0") is 0. */
static bool put_long(struct json_canon *canon, struct json_text text)
{
	if (text.len - (text.at[0] == '-') > PYTHON_DIGITS_MAX)
		return json_canon_fail(canon, "an integer has more digits than Python reads");
	json_puttext(canon->out, text);
	return true;
}

static bool put_number(struct json_canon *canon, struct json_node node)
{
	char text[JSON_NUMBER_SIZE];
	bool typed = canon->style == JSON_STYLE_PYTHON_TYPED;
	if (typed && node.type == JSON_NODE_LONG)
		return put_long(canon, json_node_text(canon->nodes, node));
	double number = json_node_number(canon->nodes, node);
	if (canon->style == JSON_STYLE_PYTHON && node.type == JSON_NODE_INTEGER && number == 0)
		number = 0; /* int("-0") has lost its sign */
	if (!isfinite(number))
		return json_canon_fail(canon, "a number is out of the range of a double");
	if (canon->style == JSON_STYLE_PYTHON || (typed && node.type == JSON_NODE_NUMBER))
		json_number_format_python(number, text);
	else
		json_number_format(number, text);
	/* float64's minus zero stays one in Go */
	if (canon->style == JSON_STYLE_GO && number == 0 && signbit(number))
		json_putc(canon->out, '-');
	json_puts(canon->out, text);
	return true;
}

/* A scalar that is not empty. */
static bool put_scalar(struct json_canon *canon, struct json_node node)
{
	switch ((enum json_node_type)node.type) {
	case JSON_NODE_NULL: json_puts(canon->out, "null"); return true;
	case JSON_NODE_FALSE: json_puts(canon->out, "false"); return true;
	case JSON_NODE_TRUE: json_puts(canon->out, "true"); return true;
	case JSON_NODE_STRING: put_string(canon, json_node_text(canon->nodes, node)); return true;
	default: return put_number(canon, node);
	}
}

size_t json_canon_open(struct json_canon *canon, char bracket)
{
	json_putc(canon->out, bracket);
	return canon->out->len;
}

bool json_canon_close(struct json_canon *canon, size_t start, char bracket)
{
	if (canon->out->len == start && canon->empties != JSON_EMPTIES_KEPT) {
		canon->out->len--;
		return false;
	}
	json_putc(canon->out, bracket);
	return canon->out->len <= canon->limit ||
	       json_canon_fail(canon, "its canonical form is too long");
}

void json_canon_next(struct json_canon *canon)
{
	char last = canon->out->at[canon->out->len - 1];
	if (last != '{' && last != '[')
		json_putc(canon->out, ',');
}

void json_canon_key(struct json_canon *canon, struct json_text key)
{
	json_canon_next(canon);
	put_string(canon, key);
	json_putc(canon->out, ':');
}

/* One element or member; what is not kept of it goes again. */
static bool put_child(struct json_canon *canon, struct json_node node, bool in_object)
{
	size_t before = canon->out->len;
	enum json_empties empties = canon->empties;
	if (in_object)
		json_canon_key(canon, json_node_key(canon->nodes, node));
	else
		json_canon_next(canon);
	if (!in_object && node.type == JSON_NODE_ARRAY && empties == JSON_EMPTIES_OUT_BUT_NESTED)
		canon->empties = JSON_EMPTIES_KEPT;
	bool kept = json_canon_put(canon, node);
	canon->empties = empties;
	if (!kept)
		canon->out->len = before;
	if (canon->out->len > canon->limit)
		return json_canon_fail(canon, "its canonical form is too long");
	return canon->reason == NULL;
}

bool json_canon_put(struct json_canon *canon, struct json_node node)
{
	bool object = node.type == JSON_NODE_OBJECT;
	if (!object && node.type != JSON_NODE_ARRAY) {
		bool empty = node.type == JSON_NODE_NULL ||
		             (node.type == JSON_NODE_STRING && node.len == 0);
		if (empty && canon->empties != JSON_EMPTIES_KEPT)
			return false;
		return put_scalar(canon, node);
	}
	size_t start = json_canon_open(canon, object ? '{' : '[');
	const struct json_node *child = json_nodes_in(canon->nodes, node);
	for (size_t i = 0; i < node.len; i++)
		if (!put_child(canon, child[i], object))
			return false;
	return json_canon_close(canon, start, object ? '}' : ']');
}

bool json_canonical(struct json_text value, struct json_buffer *out, const char **reason)
{
	struct json_nodes nodes = {0};
	struct json_canon canon = {.nodes = &nodes, .out = out, .limit = SIZE_MAX};
	size_t start = out->len;
	json_nodes_read(&nodes, value);
	json_canon_start(&canon);
	bool good = json_canon_put(&canon, nodes.root);
	json_nodes_free(&nodes);
	if (!good)
		out->len = start;
	if (reason != NULL)
		*reason = canon.reason;
	return good;
}
