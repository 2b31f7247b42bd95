#include "rules/normal.h"
#include "json/write.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

struct pair {
	struct json_text key; /* decoded */
	char *decoded;        /* what to free, when the key had escapes */
	struct json_text value;
};

/* Most have few members, which need no memory of their own. */
enum { PAIRS_HELD = 16 };

struct pairs {
	struct pair *at;
	size_t count, size;
	struct pair held[PAIRS_HELD];
};

static int by_key(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	size_t len = x->key.len < y->key.len ? x->key.len : y->key.len;
	int order = memcmp(x->key.at, y->key.at, len);
	return order != 0 ? order : (x->key.len > y->key.len) - (x->key.len < y->key.len);
}

static void add_pair(struct pairs *pairs, struct pair pair)
{
	if (pairs->count == pairs->size) {
		bool held = pairs->at == pairs->held;
		pairs->size *= 2;
		pairs->at = realloc(held ? NULL : pairs->at, pairs->size * sizeof pair);
		if (pairs->at == NULL)
			abort();
		if (held)
			memcpy(pairs->at, pairs->held, sizeof pairs->held);
	}
	pairs->at[pairs->count++] = pair;
}

static bool key_is(const struct pair *pair, const char *key)
{
	return pair->key.len == strlen(key) && memcmp(pair->key.at, key, pair->key.len) == 0;
}

/* What the server's omitempty drops. An empty selector is a pointer there, and stays. */
static bool is_left_out(const struct pair *pair)
{
	switch (json_type(pair->value)) {
	case JSON_NULL:
		return true;
	case JSON_ARRAY:
		return json_is_empty(pair->value);
	case JSON_OBJECT:
		return key_is(pair, "matchLabels") && json_is_empty(pair->value);
	default:
		return false;
	}
}

static struct pair read_pair(struct json_member member)
{
	struct pair pair = {.key = json_plain(member.key), .value = member.value};
	if (pair.key.at == NULL) {
		pair.decoded = json_string(member.key, &pair.key.len);
		if (pair.decoded == NULL)
			abort();
		pair.key.at = pair.decoded;
	}
	return pair;
}

static void put_value(struct json_buffer *out, struct json_text value, bool is_port);

static void put_pair(struct json_buffer *out, const struct pair *pair)
{
	json_put_string_n(out, pair->key.at, pair->key.len);
	json_putc(out, ':');
	put_value(out, pair->value, key_is(pair, "ports"));
}

static void put_object(struct json_buffer *out, struct json_text object, bool is_port)
{
	static const char protocol[] = "protocol";
	struct pairs pairs;
	pairs.at = pairs.held;
	pairs.count = 0;
	pairs.size = PAIRS_HELD;
	for (struct json_member m = json_first(object); m.value.at; m = json_next(m)) {
		struct pair pair = read_pair(m);
		is_port = is_port && !(key_is(&pair, protocol) && json_type(m.value) != JSON_NULL);
		add_pair(&pairs, pair);
	}
	if (is_port)
		add_pair(&pairs, (struct pair){.key = json_of(protocol), .value = json_of("\"TCP\"")});
	qsort(pairs.at, pairs.count, sizeof *pairs.at, by_key);
	json_putc(out, '{');
	bool first = true;
	for (size_t i = 0; i < pairs.count; i++) {
		if (!is_left_out(&pairs.at[i])) {
			if (!first)
				json_putc(out, ',');
			first = false;
			put_pair(out, &pairs.at[i]);
		}
		free(pairs.at[i].decoded);
	}
	json_putc(out, '}');
	if (pairs.at != pairs.held)
		free(pairs.at);
}

static void put_text(struct json_buffer *out, struct json_text value)
{
	struct json_text plain = json_plain(value);
	if (plain.at != NULL) {
		json_puttext(out, value);
		return;
	}
	size_t len = 0;
	char *decoded = json_string(value, &len);
	if (decoded == NULL)
		abort();
	json_put_string_n(out, decoded, len);
	free(decoded);
}

/* `is_port`: the value is an array of ports, or one of them. */
static void put_value(struct json_buffer *out, struct json_text value, bool is_port)
{
	switch (json_type(value)) {
	case JSON_OBJECT:
		put_object(out, value, is_port);
		return;
	case JSON_ARRAY:
		json_putc(out, '[');
		for (struct json_member m = json_first(value); m.value.at; m = json_next(m)) {
			json_put_comma(out);
			put_value(out, m.value, is_port && json_type(m.value) == JSON_OBJECT);
		}
		json_putc(out, ']');
		return;
	case JSON_STRING:
		put_text(out, value);
		return;
	default:
		json_puttext(out, value);
	}
}

void policy_normal_put(struct json_buffer *out, struct json_text value)
{
	put_value(out, json_trim(value), false);
}

static void put_or_null(struct json_buffer *out, struct json_text value)
{
	if (value.at == NULL)
		json_puts(out, "null");
	else
		policy_normal_put(out, value);
	json_putc(out, '\n');
}

static void put_spec(struct json_buffer *out, struct json_text spec)
{
	struct json_buffer rest = {0};
	if (!json_equals(json_get(spec, "tier"), "default")) {
		put_or_null(out, spec);
		return;
	}
	json_putc(&rest, '{');
	for (struct json_member m = json_first(spec); m.value.at; m = json_next(m)) {
		if (json_equals(m.key, "tier"))
			continue;
		if (rest.len > 1)
			json_putc(&rest, ',');
		json_puttext(&rest, m.key);
		json_putc(&rest, ':');
		json_puttext(&rest, m.value);
	}
	json_putc(&rest, '}');
	put_or_null(out, json_buffer_text(&rest));
	json_buffer_free(&rest);
}

struct policy_digest policy_essence(struct json_text object, const char *const labels[],
                                    const char *const annotations[], struct json_buffer *scratch)
{
	struct json_text metadata = json_get(object, "metadata");
	struct json_text held = json_get(metadata, "labels");
	scratch->len = 0;
	put_spec(scratch, json_get(object, "spec"));
	put_or_null(scratch, json_get(object, "specs"));
	for (size_t i = 0; labels[i] != NULL; i++)
		put_or_null(scratch, json_get(held, labels[i]));
	struct json_text noted = json_get(metadata, "annotations");
	for (size_t i = 0; annotations[i] != NULL; i++)
		put_or_null(scratch, json_get(noted, annotations[i]));
	struct json_text owners = json_get(metadata, "ownerReferences");
	for (struct json_member m = json_first(owners); m.value.at; m = json_next(m))
		if (json_is_true(json_get(m.value, "controller")))
			put_or_null(scratch, m.value);
	return policy_digest(json_buffer_text(scratch));
}
