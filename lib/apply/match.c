#include "apply/match_private.h"

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

static bool is_same(struct json_text wanted, struct json_text live, enum place place);

static bool same_array(struct json_text wanted, struct json_text live, enum place place)
{
	struct json_member a = json_first(wanted), b = json_first(live);
	for (; a.value.at != NULL && b.value.at != NULL; a = json_next(a), b = json_next(b))
		if (!is_same(a.value, b.value, place))
			return false;
	return a.value.at == NULL && b.value.at == NULL;
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
static bool same_object(struct json_text wanted, struct json_text live, enum place place)
{
	struct json_member a = json_first(wanted), b = json_first(live);
	while (a.value.at != NULL || b.value.at != NULL) {
		if (a.value.at != NULL && b.value.at != NULL && json_same(a.key, b.key)) {
			if (!is_same(a.value, b.value,
			             json_equals(a.key, "ports") ? PORTS : ELSEWHERE))
				return false;
			a = json_next(a);
			b = json_next(b);
		} else if (a.value.at != NULL && may_be_left_out(a, place)) {
			a = json_next(a);
		} else if (b.value.at != NULL && may_be_left_out(b, place)) {
			b = json_next(b);
		} else {
			return false;
		}
	}
	return true;
}

static bool is_same(struct json_text wanted, struct json_text live, enum place place)
{
	enum json_type type = json_type(wanted);
	if (type == JSON_OBJECT && json_type(live) == JSON_OBJECT)
		return same_object(wanted, live, place);
	if (type == JSON_ARRAY && json_type(live) == JSON_ARRAY)
		return same_array(wanted, live, place);
	return json_same(wanted, live) || (is_empty(wanted) && is_empty(live));
}

static bool is_same_spec(struct json_text wanted, struct json_text live)
{
	return is_same(wanted, live, TOP);
}

static bool covers(struct json_text wanted, struct json_text live);

static bool covers_array(struct json_text wanted, struct json_text live)
{
	struct json_member a = json_first(wanted), b = json_first(live);
	for (; a.value.at != NULL && b.value.at != NULL; a = json_next(a), b = json_next(b))
		if (!covers(a.value, b.value))
			return false;
	return a.value.at == NULL && b.value.at == NULL;
}

static bool covers(struct json_text wanted, struct json_text live)
{
	if (is_empty(wanted))
		return true;
	if (json_type(wanted) == JSON_ARRAY && json_type(live) == JSON_ARRAY)
		return covers_array(wanted, live);
	if (json_type(wanted) != JSON_OBJECT || json_type(live) != JSON_OBJECT)
		return json_same(wanted, live);
	struct json_member b = json_first(live);
	for (struct json_member a = json_first(wanted); a.value.at; a = json_next(a)) {
		struct json_member at = b;
		while (at.value.at != NULL && !json_same(a.key, at.key))
			at = json_next(at);
		if (at.value.at == NULL && is_empty(a.value))
			continue;
		if (at.value.at == NULL || !covers(a.value, at.value))
			return false;
		b = json_next(at);
	}
	return true;
}

/* Compares canonical forms, so that order and spelling make no difference. */
static bool compare(struct json_text wanted, struct json_text live,
                    bool (*how)(struct json_text, struct json_text))
{
	struct json_buffer a = {0}, b = {0};
	const char *reason;
	if (is_empty(wanted) || is_empty(live))
		return how(wanted, live);
	bool same = json_canonical(wanted, JSON_FORM_JCS, NULL, &a, &reason) &&
	            json_canonical(live, JSON_FORM_JCS, NULL, &b, &reason) &&
	            how(json_buffer_text(&a), json_buffer_text(&b));
	json_buffer_free(&a);
	json_buffer_free(&b);
	return same;
}

bool kube_spec_matches(struct json_text wanted, struct json_text live)
{
	return compare(wanted, live, is_same_spec);
}

bool kube_covers(struct json_text wanted, struct json_text live)
{
	return compare(wanted, live, covers);
}

bool kube_object_matches(struct json_text wanted, struct json_text live)
{
	struct json_text a = json_get(wanted, "metadata"), b = json_get(live, "metadata");
	return kube_spec_matches(json_get(wanted, "spec"), json_get(live, "spec")) &&
	       kube_spec_matches(json_get(wanted, "specs"), json_get(live, "specs")) &&
	       kube_covers(json_get(a, "labels"), json_get(b, "labels")) &&
	       kube_covers(json_get(a, "annotations"), json_get(b, "annotations")) &&
	       kube_spec_matches(json_get(a, "ownerReferences"), json_get(b, "ownerReferences"));
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
	if (!json_canonical(json_buffer_text(&view), JSON_FORM_JCS, NULL, &sorted, &reason)) {
		sorted.len = 0;
		json_puttext(&sorted, json_buffer_text(&view));
	}
	kube_yaml_write(json_buffer_text(&sorted), out);
	json_buffer_free(&view);
	json_buffer_free(&sorted);
}
