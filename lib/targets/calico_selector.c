#include "targets/calico_selector_private.h"

#include <string.h>

#include "k8s/name.h"
#include "json/json.h"

/* Calico's own labels of pods and namespaces, and those that it makes of a namespace's or a service
 * account's for its pods. */
static const char *const reserved[] = {"projectcalico.org/", "pcns.", "pcsa."};

static bool key_usable(struct json_text key)
{
	key = json_plain(key);
	if (key.at == NULL || !policy_is_label_key(key))
		return false;
	for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
		if (key.len >= strlen(reserved[i]) &&
		    memcmp(key.at, reserved[i], strlen(reserved[i])) == 0)
			return false;
	return true;
}

static bool value_usable(struct json_text value)
{
	value = json_plain(value);
	return value.at != NULL && policy_is_label_value(value);
}

static bool values_usable(struct json_text values)
{
	for (struct json_member m = json_first(values); m.value.at; m = json_next(m))
		if (!value_usable(m.value))
			return false;
	return true;
}

static void put_value(struct json_buffer *out, struct json_text value)
{
	json_putc(out, '\'');
	json_puttext(out, json_plain(value));
	json_putc(out, '\'');
}

static void put_values(struct json_buffer *out, const char *operator, struct json_text values)
{
	json_putf(out, " %s {", operator);
	for (struct json_member m = json_first(values); m.value.at; m = json_next(m)) {
		if (out->at[out->len - 1] != '{')
			json_puts(out, ", ");
		put_value(out, m.value);
	}
	json_putc(out, '}');
}

/* `not in` matches also what does not have the label, as Kubernetes' NotIn does. */
static void put_expression(struct json_buffer *out, struct json_text expression)
{
	struct json_text key = json_plain(json_get(expression, "key"));
	struct json_text word = json_get(expression, "operator");
	struct json_text values = json_get(expression, "values");
	if (json_equals(word, "Exists") || json_equals(word, "DoesNotExist")) {
		json_puts(out, json_equals(word, "Exists") ? "has(" : "!has(");
		json_puttext(out, key);
		json_putc(out, ')');
		return;
	}
	json_puttext(out, key);
	put_values(out, json_equals(word, "In") ? "in" : "not in", values);
}

/* Keeps what was written since `before`, behind an && where something stands already. */
static bool keep(struct json_buffer *out, size_t start, size_t before)
{
	if (out->len - start <= POLICY_CALICO_MAX)
		return true;
	out->len = before;
	return false;
}

static void conjoin(struct json_buffer *out, size_t start)
{
	if (out->len > start)
		json_puts(out, " && ");
}

/* Appends the requirements to what stands from `start` on. */
static bool put_selector(struct json_buffer *out, struct json_text selector, size_t start)
{
	struct json_text labels = json_get(selector, "matchLabels");
	struct json_text expressions = json_get(selector, "matchExpressions");
	bool whole = true;
	for (struct json_member m = json_first(labels); m.value.at; m = json_next(m)) {
		size_t before = out->len;
		if (!key_usable(m.key) || !value_usable(m.value)) {
			whole = false;
			continue;
		}
		conjoin(out, start);
		json_puttext(out, json_plain(m.key));
		json_puts(out, " == ");
		put_value(out, m.value);
		whole = keep(out, start, before) && whole;
	}
	for (struct json_member m = json_first(expressions); m.value.at; m = json_next(m)) {
		size_t before = out->len;
		if (!key_usable(json_get(m.value, "key")) ||
		    !values_usable(json_get(m.value, "values"))) {
			whole = false;
			continue;
		}
		conjoin(out, start);
		put_expression(out, m.value);
		whole = keep(out, start, before) && whole;
	}
	return whole;
}

bool policy_calico_put_pods(struct json_buffer *out, struct json_text selector)
{
	size_t start = out->len;
	json_puts(out, "projectcalico.org/orchestrator == 'k8s'");
	return put_selector(out, selector, start);
}

bool policy_calico_put_namespaces(struct json_buffer *out, struct json_text selector)
{
	size_t start = out->len;
	if (json_is_empty(json_get(selector, "matchLabels")) &&
	    json_is_empty(json_get(selector, "matchExpressions"))) {
		json_puts(out, "all()");
		return true;
	}
	return put_selector(out, selector, start);
}

void policy_calico_put_namespace(struct json_buffer *out, const char *name)
{
	json_putf(out, "projectcalico.org/name == '%s'", name);
}
