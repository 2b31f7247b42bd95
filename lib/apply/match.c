#include "apply/match_private.h"

#include <stdio.h>
#include <string.h>

#include "yaml/write.h"
#include "json/canonical.h"
#include "json/write.h"
#include "json/json.h"

static bool is_empty(struct json_text value)
{
	switch (json_type(value)) {
	case JSON_ABSENT:
	case JSON_NULL:
		return true;
	case JSON_ARRAY:
	case JSON_OBJECT:
		return json_is_empty(value);
	default:
		return false;
	}
}

/* Where in an object we are: what may be left out depends on it. */
enum place { ELSEWHERE, TOP, PORTS };

/* Follows the way to the first difference. */
struct walk {
	struct json_buffer *path; /* NULL: nobody asks for it */
	struct json_text wanted, live; /* what stands there */
};

static bool is_same(struct walk *walk, struct json_text wanted, struct json_text live,
                    enum place place);

static bool is_printable(char c)
{
	return c >= ' ' && c <= '~';
}

/* In the order of canonical forms, near enough: it only decides which of two is named. */
static bool comes_first(struct json_text a, struct json_text b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = memcmp(a.at, b.at, len);
	return order < 0 || (order == 0 && a.len < b.len);
}

static bool differs(struct walk *walk, struct json_text wanted, struct json_text live)
{
	walk->wanted = wanted;
	walk->live = live;
	return false;
}

/* Steps into a member or an item; steps back only where all is the same. */
static bool is_same_below(struct walk *walk, const char *step, struct json_text wanted,
                          struct json_text live, enum place place)
{
	size_t len = walk->path == NULL ? 0 : walk->path->len;
	if (walk->path != NULL)
		json_puts(walk->path, step);
	if (!is_same(walk, wanted, live, place))
		return false;
	if (walk->path != NULL)
		walk->path->len = len;
	return true;
}

static bool is_same_member(struct walk *walk, struct json_text key, struct json_text wanted,
                           struct json_text live)
{
	char step[128];
	snprintf(step, sizeof step, ".%.*s", key.len < 2 ? 0 : (int)key.len - 2, key.at + 1);
	for (char *c = step; *c != '\0'; c++)
		*c = is_printable(*c) ? *c : '?';
	return is_same_below(walk, step, wanted, live,
	                     json_equals(key, "ports") ? PORTS : ELSEWHERE);
}

static bool same_array(struct walk *walk, struct json_text wanted, struct json_text live,
                       enum place place)
{
	char step[32];
	struct json_member a = json_first(wanted), b = json_first(live);
	for (size_t i = 0; a.value.at != NULL && b.value.at != NULL; i++) {
		snprintf(step, sizeof step, "[%zu]", i);
		if (!is_same_below(walk, step, a.value, b.value, place))
			return false;
		a = json_next(a);
		b = json_next(b);
	}
	return (a.value.at == NULL && b.value.at == NULL) || differs(walk, wanted, live);
}

/* An empty selector means all, where none may mean less: only one's matchLabels count for
 * nothing when they are empty. */
static bool may_be_left_out(struct json_member m, enum place place)
{
	if (json_type(m.value) == JSON_OBJECT)
		return json_equals(m.key, "matchLabels") && is_empty(m.value);
	return is_empty(m.value) ||
	       (place == PORTS && json_equals(m.key, "protocol") && json_equals(m.value, "TCP")) ||
	       (place == TOP && json_equals(m.key, "tier") && json_equals(m.value, "default"));
}

/* Both have their keys in the same order, so one pass is enough. */
static bool same_object(struct walk *walk, struct json_text wanted, struct json_text live,
                        enum place place)
{
	const struct json_text none = {0};
	struct json_member a = json_first(wanted), b = json_first(live);
	while (a.value.at != NULL || b.value.at != NULL) {
		bool left_out = a.value.at != NULL && may_be_left_out(a, place);
		if (a.value.at != NULL && b.value.at != NULL && json_same(a.key, b.key)) {
			if (!(left_out && may_be_left_out(b, place)) &&
			    !is_same_member(walk, a.key, a.value, b.value))
				return false;
			a = json_next(a);
			b = json_next(b);
		} else if (left_out) {
			a = json_next(a);
		} else if (b.value.at != NULL && may_be_left_out(b, place)) {
			b = json_next(b);
		} else if (a.value.at != NULL && (b.value.at == NULL || comes_first(a.key, b.key))) {
			return is_same_member(walk, a.key, a.value, none);
		} else {
			return is_same_member(walk, b.key, none, b.value);
		}
	}
	return true;
}

static bool is_same(struct walk *walk, struct json_text wanted, struct json_text live,
                    enum place place)
{
	enum json_type type = json_type(wanted);
	if (type == JSON_OBJECT && json_type(live) == JSON_OBJECT)
		return same_object(walk, wanted, live, place);
	if (type == JSON_ARRAY && json_type(live) == JSON_ARRAY)
		return same_array(walk, wanted, live, place);
	/* an empty object is a selector of all, and no object is none */
	bool empty = is_empty(wanted) && is_empty(live) && type != JSON_OBJECT &&
	             json_type(live) != JSON_OBJECT;
	return json_same(wanted, live) || empty || differs(walk, wanted, live);
}

static bool is_same_spec(struct walk *walk, struct json_text wanted, struct json_text live)
{
	return is_same(walk, wanted, live, TOP);
}

static bool covers(struct walk *walk, struct json_text wanted, struct json_text live);

static bool covers_array(struct walk *walk, struct json_text wanted, struct json_text live)
{
	struct json_member a = json_first(wanted), b = json_first(live);
	for (; a.value.at != NULL && b.value.at != NULL; a = json_next(a), b = json_next(b))
		if (!covers(walk, a.value, b.value))
			return false;
	return (a.value.at == NULL && b.value.at == NULL) || differs(walk, wanted, live);
}

static bool covers(struct walk *walk, struct json_text wanted, struct json_text live)
{
	if (is_empty(wanted))
		return true;
	if (json_type(wanted) == JSON_ARRAY && json_type(live) == JSON_ARRAY)
		return covers_array(walk, wanted, live);
	if (json_type(wanted) != JSON_OBJECT || json_type(live) != JSON_OBJECT)
		return json_same(wanted, live) || differs(walk, wanted, live);
	struct json_member b = json_first(live);
	for (struct json_member a = json_first(wanted); a.value.at; a = json_next(a)) {
		struct json_member at = b;
		while (at.value.at != NULL && !json_same(a.key, at.key))
			at = json_next(at);
		if (at.value.at == NULL && is_empty(a.value))
			continue;
		if (at.value.at == NULL)
			return differs(walk, a.value, at.value);
		if (!covers(walk, a.value, at.value))
			return false;
		b = json_next(at);
	}
	return true;
}

typedef bool comparison(struct walk *walk, struct json_text wanted, struct json_text live);

/* Two values cut short, without what a terminal might take for more than text. */
static void put_value(struct json_buffer *out, struct json_text value)
{
	enum { MOST = 120 };
	if (value.at == NULL)
		json_puts(out, "absent");
	for (size_t i = 0; i < value.len && i < MOST; i++)
		json_putc(out, is_printable(value.at[i]) ? value.at[i] : '?');
	if (value.len > MOST)
		json_puts(out, "...");
}

static struct json_text text_of(struct json_text original, const struct json_buffer *canonical)
{
	return original.at == NULL ? original : json_buffer_text(canonical);
}

/* Compares canonical forms, so that order and spelling make no difference. `difference` (may be
 * NULL) gets "PATH is X instead of Y". */
static bool compare(struct json_text wanted, struct json_text live, comparison *how,
                    struct json_buffer *difference)
{
	struct json_buffer a = {0}, b = {0};
	const char *reason;
	struct walk walk = {.path = difference};
	bool canonical =
	        (wanted.at == NULL || json_canonical(wanted, &a, &reason)) &&
	        (live.at == NULL || json_canonical(live, &b, &reason));
	bool same = canonical && how(&walk, text_of(wanted, &a), text_of(live, &b));
	if (!same && difference != NULL) {
		json_puts(difference, " is ");
		put_value(difference, walk.live);
		json_puts(difference, " instead of ");
		put_value(difference, walk.wanted);
	}
	json_buffer_free(&a);
	json_buffer_free(&b);
	return same;
}

bool kube_spec_matches(struct json_text wanted, struct json_text live)
{
	return compare(wanted, live, is_same_spec, NULL);
}

bool kube_covers(struct json_text wanted, struct json_text live)
{
	return compare(wanted, live, covers, NULL);
}

bool kube_object_matches(struct json_text wanted, struct json_text live,
                         struct json_buffer *difference)
{
	static const struct {
		const char *parent, *member, *path;
		comparison *how;
	} parts[] = {
	        {NULL, "spec", "spec", is_same_spec},
	        {NULL, "specs", "specs", is_same_spec},
	        {"metadata", "labels", "metadata.labels", covers},
	        {"metadata", "annotations", "metadata.annotations", covers},
	        {"metadata", "ownerReferences", "metadata.ownerReferences", is_same_spec},
	};
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		struct json_text a = wanted, b = live;
		if (parts[i].parent != NULL) {
			a = json_get(a, parts[i].parent);
			b = json_get(b, parts[i].parent);
		}
		if (difference != NULL) {
			difference->len = 0;
			json_puts(difference, parts[i].path);
		}
		if (!compare(json_get(a, parts[i].member), json_get(b, parts[i].member),
		             parts[i].how, difference))
			return false;
	}
	return true;
}

static void put_members(struct json_buffer *out, struct json_text object, size_t count,
                        const char *const keys[])
{
	for (size_t i = 0; i < count; i++) {
		struct json_text value = json_get(object, keys[i]);
		if (is_empty(value))
			continue;
		json_put_key(out, keys[i]);
		json_puttext(out, value);
	}
}

void kube_object_view(struct json_text object, struct json_buffer *out)
{
	static const char *const head[] = {"apiVersion", "kind"};
	static const char *const names[] = {"annotations", "labels", "name", "namespace",
	                                    "ownerReferences"};
	static const char *const tail[] = {"spec", "status"};
	struct json_buffer view = {0}, sorted = {0};
	const char *reason;
	json_putc(&view, '{');
	put_members(&view, object, 2, head);
	json_put_key(&view, "metadata");
	json_putc(&view, '{');
	put_members(&view, json_get(object, "metadata"), 5, names);
	json_putc(&view, '}');
	put_members(&view, object, 2, tail);
	json_putc(&view, '}');
	if (!json_canonical(json_buffer_text(&view), &sorted, &reason)) {
		sorted.len = 0;
		json_puttext(&sorted, json_buffer_text(&view));
	}
	kube_yaml_write(json_buffer_text(&sorted), out);
	json_buffer_free(&view);
	json_buffer_free(&sorted);
}
