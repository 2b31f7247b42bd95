/* Selectors as one statement for each key of a label: each of Kubernetes' four operators is one of
 * four, two statements of one key make one or none, and what one denies is one or two others. */
#include <stdlib.h>
#include <string.h>

#include "json/write.h"
#include "rules/sets_private.h"

static int compare_texts(const void *a, const void *b)
{
	return sets_compare_text(*(const struct json_text *)a, *(const struct json_text *)b);
}

static int compare_keys(const void *a, const void *b)
{
	return sets_compare_text(((const struct sets_label *)a)->key, ((const struct sets_label *)b)->key);
}

static struct json_text decoded(struct sets *sets, struct json_text string)
{
	struct json_text plain = json_plain(string);
	size_t len = 0;
	if (plain.at != NULL)
		return plain;
	char *text = json_string(string, &len);
	if (text == NULL)
		abort();
	plain = (struct json_text){sets_copy(sets, text, len + 1, 1), len};
	free(text);
	return plain;
}

/* Sorted, each once. */
static void set_values(struct sets_label *label, struct json_text *values, size_t count)
{
	size_t kept = 0;
	if (count > 0)
		qsort(values, count, sizeof *values, compare_texts);
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || !json_same(values[kept - 1], values[i]))
			values[kept++] = values[i];
	label->values = values;
	label->count = kept;
}

static bool has_value(const struct sets_label *label, struct json_text value)
{
	return label->count > 0 &&
	       bsearch(&value, label->values, label->count, sizeof value, compare_texts) != NULL;
}

/* Those of `a` that are, or are not, in `b`. */
static void choose_values(struct sets *sets, const struct sets_label *a, const struct sets_label *b,
                          bool in, struct sets_label *chosen)
{
	struct json_text *values = sets_take(sets, a->count, sizeof *values);
	size_t count = 0;
	for (size_t i = 0; i < a->count; i++)
		if (has_value(b, a->values[i]) == in)
			values[count++] = a->values[i];
	set_values(chosen, values, count);
}

static void all_values(struct sets *sets, const struct sets_label *a, const struct sets_label *b,
                       struct sets_label *all)
{
	struct json_text *values = sets_take(sets, a->count + b->count, sizeof *values);
	if (a->count > 0)
		memcpy(values, a->values, a->count * sizeof *values);
	if (b->count > 0)
		memcpy(values + a->count, b->values, b->count * sizeof *values);
	set_values(all, values, a->count + b->count);
}

/* Both, of one key; false when they contradict each other. */
static bool meet(struct sets *sets, const struct sets_label *a, const struct sets_label *b,
                 struct sets_label *both)
{
	if (b->kind < a->kind) {
		const struct sets_label *swap = a;
		a = b;
		b = swap;
	}
	*both = *b;
	if (a->kind == SETS_LABEL_IN) {
		both->kind = SETS_LABEL_IN;
		if (b->kind == SETS_LABEL_ABSENT)
			return false;
		choose_values(sets, a, b, b->kind == SETS_LABEL_IN, both);
		return both->count > 0;
	}
	if (b->kind == SETS_LABEL_ABSENT)
		return a->kind != SETS_LABEL_HAS;
	all_values(sets, a, b, both);
	return true;
}

static struct sets_label read_requirement(struct sets *sets, struct json_text requirement)
{
	struct sets_label label = {.key = decoded(sets, json_get(requirement, "key"))};
	struct json_text word = json_get(requirement, "operator");
	struct json_text list = json_get(requirement, "values");
	size_t count = 0;
	struct json_text *values = sets_take(sets, json_count(list), sizeof *values);
	for (struct json_member m = json_first(list); m.value.at; m = json_next(m))
		values[count++] = decoded(sets, m.value);
	set_values(&label, values, count);
	label.kind = json_equals(word, "In")       ? SETS_LABEL_IN
	             : json_equals(word, "NotIn")  ? SETS_LABEL_NOT_IN
	             : json_equals(word, "Exists") ? SETS_LABEL_HAS
	                                           : SETS_LABEL_ABSENT;
	return label;
}

/* A selector that contradicts itself is one that asks for a value out of none. */
static struct sets_labels make(struct sets *sets, struct sets_label *at, size_t count)
{
	size_t kept = 0;
	if (count > 0)
		qsort(at, count, sizeof *at, compare_keys);
	for (size_t i = 0; i < count; i++) {
		if (kept == 0 || !json_same(at[kept - 1].key, at[i].key)) {
			at[kept++] = at[i];
			continue;
		}
		struct sets_label both;
		if (!meet(sets, &at[kept - 1], &at[i], &both))
			both = (struct sets_label){.key = at[i].key, .kind = SETS_LABEL_IN};
		at[kept - 1] = both;
	}
	return (struct sets_labels){at, kept};
}

struct sets_labels sets_labels_read(struct sets *sets, struct json_text selector)
{
	struct json_text labels = json_get(selector, "matchLabels");
	struct json_text requirements = json_get(selector, "matchExpressions");
	struct sets_label *at =
	        sets_take(sets, json_count(labels) + json_count(requirements), sizeof *at);
	size_t count = 0;
	for (struct json_member m = json_first(labels); m.value.at; m = json_next(m)) {
		struct json_text value = decoded(sets, m.value);
		at[count].key = decoded(sets, m.key);
		at[count].kind = SETS_LABEL_IN;
		set_values(&at[count++], sets_copy(sets, &value, 1, sizeof value), 1);
	}
	for (struct json_member m = json_first(requirements); m.value.at; m = json_next(m))
		at[count++] = read_requirement(sets, m.value);
	return make(sets, at, count);
}

struct sets_labels sets_labels_one(struct sets *sets, const char *key, struct json_text value)
{
	struct sets_label *at = sets_take(sets, 1, sizeof *at);
	at->key = json_of(key);
	at->kind = SETS_LABEL_IN;
	set_values(at, sets_copy(sets, &value, 1, sizeof value), 1);
	return (struct sets_labels){at, 1};
}

bool sets_labels_contradict(struct sets_labels labels)
{
	for (size_t i = 0; i < labels.count; i++)
		if (labels.at[i].kind == SETS_LABEL_IN && labels.at[i].count == 0)
			return true;
	return false;
}

/* Without a limit. */
static struct sets_labels join(struct sets *sets, struct sets_labels a, struct sets_labels b)
{
	struct sets_label *at = sets_take(sets, a.count + b.count, sizeof *at);
	if (a.count > 0)
		memcpy(at, a.at, a.count * sizeof *at);
	if (b.count > 0)
		memcpy(at + a.count, b.at, b.count * sizeof *at);
	return make(sets, at, a.count + b.count);
}

bool sets_labels_intersect(struct sets *sets, struct sets_labels a, struct sets_labels b,
                           struct sets_labels *both)
{
	*both = join(sets, a, b);
	if (sets_labels_contradict(*both))
		return false;
	if (both->count > SETS_LABELS_MAX)
		sets->losses |= SETS_LOST_LIMIT;
	return both->count <= SETS_LABELS_MAX;
}

static int compare_label(const struct sets_label *a, const struct sets_label *b)
{
	int order = sets_compare_text(a->key, b->key);
	if (order != 0)
		return order;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	for (size_t i = 0; i < a->count && i < b->count; i++)
		if ((order = sets_compare_text(a->values[i], b->values[i])) != 0)
			return order;
	return (a->count > b->count) - (a->count < b->count);
}

int sets_labels_compare(struct sets_labels a, struct sets_labels b)
{
	for (size_t i = 0; i < a.count && i < b.count; i++) {
		int order = compare_label(&a.at[i], &b.at[i]);
		if (order != 0)
			return order;
	}
	return (a.count > b.count) - (a.count < b.count);
}

static bool has_all(const struct sets_label *label, const struct sets_label *values)
{
	for (size_t i = 0; i < values->count; i++)
		if (!has_value(label, values->values[i]))
			return false;
	return true;
}

static bool has_none(const struct sets_label *label, const struct sets_label *values)
{
	for (size_t i = 0; i < values->count; i++)
		if (has_value(label, values->values[i]))
			return false;
	return true;
}

/* Whether `outer`, of the same key, holds wherever `inner` does. */
static bool follows(const struct sets_label *outer, const struct sets_label *inner)
{
	switch (outer->kind) {
	case SETS_LABEL_IN:
		return inner->kind == SETS_LABEL_IN && has_all(outer, inner);
	case SETS_LABEL_ABSENT:
		return inner->kind == SETS_LABEL_ABSENT;
	case SETS_LABEL_HAS:
		if (inner->kind == SETS_LABEL_NOT_IN || inner->kind == SETS_LABEL_ABSENT)
			return false;
		break;
	case SETS_LABEL_NOT_IN:
		if (inner->kind == SETS_LABEL_ABSENT)
			return true;
		break;
	}
	return inner->kind == SETS_LABEL_IN ? has_none(outer, inner) : has_all(inner, outer);
}

bool sets_labels_hold(struct sets_labels outer, struct sets_labels inner)
{
	for (size_t i = 0; i < outer.count; i++) {
		const struct sets_label *same =
		        inner.count == 0 ? NULL
		                         : bsearch(&outer.at[i], inner.at, inner.count, sizeof *same,
		                                   compare_keys);
		if (same == NULL || !follows(&outer.at[i], same))
			return false;
	}
	return true;
}

/* Those of `a` to which this, of one key, applies too. */
static void piece(struct sets *sets, struct sets_labels a, struct sets_label label,
                  void (*each)(void *context, struct sets_labels piece), void *context)
{
	struct sets_labels one = {&label, 1}, both;
	if (sets_labels_intersect(sets, a, one, &both))
		each(context, both);
}

/* Pieces lie apart: what one lacks the following have. */
void sets_labels_subtract(struct sets *sets, struct sets_labels a, struct sets_labels b,
                          void (*each)(void *context, struct sets_labels piece), void *context)
{
	if (sets_labels_contradict(join(sets, a, b))) {
		each(context, a);
		return;
	}
	for (size_t i = 0; i < b.count; i++) {
		struct sets_label lacks = b.at[i];
		switch (b.at[i].kind) {
		case SETS_LABEL_IN:
			lacks.kind = SETS_LABEL_NOT_IN;
			break;
		case SETS_LABEL_NOT_IN:
			lacks.kind = SETS_LABEL_IN;
			break;
		case SETS_LABEL_HAS:
			if (lacks.count > 0) {
				lacks.kind = SETS_LABEL_IN;
				piece(sets, a, lacks, each, context);
			}
			lacks = (struct sets_label){.key = lacks.key, .kind = SETS_LABEL_ABSENT};
			break;
		case SETS_LABEL_ABSENT:
			lacks = (struct sets_label){.key = lacks.key, .kind = SETS_LABEL_HAS};
			break;
		}
		piece(sets, a, lacks, each, context);
		if (!sets_labels_intersect(sets, a, (struct sets_labels){&b.at[i], 1}, &a))
			return;
	}
}

static void put_requirement(struct json_text key, const char *word, const struct sets_label *values,
                            struct json_buffer *out)
{
	json_put_comma(out);
	json_puts(out, "{\"key\":");
	json_put_string_n(out, key.at, key.len);
	json_putf(out, ",\"operator\":\"%s\"", word);
	if (values != NULL) {
		json_puts(out, ",\"values\":[");
		for (size_t i = 0; i < values->count; i++) {
			json_put_comma(out);
			json_put_string_n(out, values->values[i].at, values->values[i].len);
		}
		json_putc(out, ']');
	}
	json_putc(out, '}');
}

static bool is_plain(const struct sets_label *label)
{
	return label->kind == SETS_LABEL_IN && label->count == 1;
}

static void put_expressions(struct sets_labels labels, struct json_buffer *out)
{
	for (size_t i = 0; i < labels.count; i++) {
		const struct sets_label *label = &labels.at[i];
		if (is_plain(label))
			continue;
		if (label->kind == SETS_LABEL_IN)
			put_requirement(label->key, "In", label, out);
		if (label->kind == SETS_LABEL_HAS)
			put_requirement(label->key, "Exists", NULL, out);
		if ((label->kind == SETS_LABEL_HAS || label->kind == SETS_LABEL_NOT_IN) && label->count > 0)
			put_requirement(label->key, "NotIn", label, out);
		if (label->kind == SETS_LABEL_ABSENT)
			put_requirement(label->key, "DoesNotExist", NULL, out);
	}
}

void sets_labels_put(struct sets_labels labels, struct json_buffer *out)
{
	size_t plain = 0;
	for (size_t i = 0; i < labels.count; i++)
		plain += is_plain(&labels.at[i]);
	json_putc(out, '{');
	if (plain < labels.count) {
		json_puts(out, "\"matchExpressions\":[");
		put_expressions(labels, out);
		json_putc(out, ']');
	}
	if (plain > 0) {
		json_puts(out, plain < labels.count ? ",\"matchLabels\":{" : "\"matchLabels\":{");
		for (size_t i = 0; i < labels.count; i++) {
			if (!is_plain(&labels.at[i]))
				continue;
			json_put_comma(out);
			json_put_string_n(out, labels.at[i].key.at, labels.at[i].key.len);
			json_putc(out, ':');
			json_put_string_n(out, labels.at[i].values[0].at, labels.at[i].values[0].len);
		}
		json_putc(out, '}');
	}
	json_putc(out, '}');
}
