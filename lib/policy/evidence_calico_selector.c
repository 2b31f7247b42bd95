/* Calico's selector language (docs.tigera.io, "Selectors"): labels compared with values, joined by
 * &&, || and !. Read in one pass; what is not understood may select anything. */
#include <string.h>

#include "policy/evidence_private.h"

enum { DEPTH_MAX = 32, VALUES_MAX = 64 };

struct cursor {
	const char *at, *end;
	bool broken;
	unsigned depth;
	struct json_text values[VALUES_MAX]; /* of the last comparison */
	const struct evidence_reading *reading;
	const struct evidence_pods *pods;
	bool of_namespace;
};

static void skip_blanks(struct cursor *cursor)
{
	while (cursor->at < cursor->end && (*cursor->at == ' ' || *cursor->at == '\t'))
		cursor->at++;
}

static bool take(struct cursor *cursor, const char *word)
{
	size_t len = strlen(word);
	skip_blanks(cursor);
	if ((size_t)(cursor->end - cursor->at) < len || memcmp(cursor->at, word, len) != 0)
		return false;
	cursor->at += len;
	return true;
}

static bool is_of_key(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_' || c == '.' || c == '/';
}

static struct json_text take_key(struct cursor *cursor)
{
	skip_blanks(cursor);
	struct json_text key = {cursor->at, 0};
	while (cursor->at < cursor->end && is_of_key(*cursor->at))
		cursor->at++;
	key.len = (size_t)(cursor->at - key.at);
	cursor->broken = cursor->broken || key.len == 0;
	return key;
}

static struct json_text take_value(struct cursor *cursor)
{
	skip_blanks(cursor);
	char quote = cursor->at < cursor->end ? *cursor->at : '\0';
	if (quote != '\'' && quote != '"') {
		cursor->broken = true;
		return (struct json_text){0};
	}
	struct json_text value = {++cursor->at, 0};
	const char *end = memchr(cursor->at, quote, (size_t)(cursor->end - cursor->at));
	if (end == NULL) {
		cursor->broken = true;
		return (struct json_text){0};
	}
	value.len = (size_t)(end - value.at);
	cursor->at = end + 1;
	return value;
}

static size_t take_set(struct cursor *cursor)
{
	size_t count = 0;
	if (!take(cursor, "{")) {
		cursor->broken = true;
		return 0;
	}
	if (take(cursor, "}"))
		return 0;
	do {
		if (count == VALUES_MAX) {
			cursor->broken = true;
			return 0;
		}
		cursor->values[count++] = take_value(cursor);
	} while (!cursor->broken && take(cursor, ","));
	cursor->broken = cursor->broken || !take(cursor, "}");
	return count;
}

/* A comparison. False when it is none that is a requirement; the rest is then broken. */
static bool take_comparison(struct cursor *cursor, struct evidence_requirement *requirement)
{
	*requirement = (struct evidence_requirement){.values = cursor->values};
	if (take(cursor, "has(")) {
		requirement->operator = EVIDENCE_EXISTS;
		requirement->key = take_key(cursor);
		cursor->broken = cursor->broken || !take(cursor, ")");
		return !cursor->broken;
	}
	requirement->key = take_key(cursor);
	bool equal = take(cursor, "=="), unequal = !equal && take(cursor, "!=");
	if (equal || unequal) {
		requirement->operator = equal ? EVIDENCE_IN : EVIDENCE_NOT_IN;
		cursor->values[0] = take_value(cursor);
		requirement->count = 1;
		return !cursor->broken;
	}
	bool negated = take(cursor, "not ");
	if (!take(cursor, "in")) {
		cursor->broken = true;
		return false;
	}
	requirement->operator = negated ? EVIDENCE_NOT_IN : EVIDENCE_IN;
	requirement->count = take_set(cursor);
	return !cursor->broken;
}

static bool take_prefix(struct json_text *text, const char *prefix)
{
	size_t len = strlen(prefix);
	if (text->len < len || memcmp(text->at, prefix, len) != 0)
		return false;
	text->at += len;
	text->len -= len;
	return true;
}

/* Labels that Calico adds: of pods the namespace's (its name and, with "pcns.", its labels) and
 * the service account's; of namespaces the name. */
static enum evidence_answer meets(const struct cursor *cursor,
                                  struct evidence_requirement requirement)
{
	struct evidence_selector one = {.at = &requirement, .count = 1};
	struct json_text namespace = json_of(cursor->pods->namespace), k8s = json_of("k8s");
	struct json_text *key = &requirement.key;
	bool of_namespace = cursor->of_namespace || take_prefix(key, "pcns.");
	if (text_is(*key, of_namespace ? "projectcalico.org/name" : "projectcalico.org/namespace")) {
		*key = json_of(EVIDENCE_NAME_LABEL);
		of_namespace = true;
	} else if (!of_namespace && text_is(*key, "projectcalico.org/orchestrator")) {
		for (size_t i = 0; i < requirement.count; i++)
			if (json_same(requirement.values[i], k8s))
				return requirement.operator == EVIDENCE_IN ? EVIDENCE_YES
				                                           : EVIDENCE_NO;
		return requirement.operator == EVIDENCE_NOT_IN ||
		                       requirement.operator == EVIDENCE_EXISTS
		               ? EVIDENCE_YES
		               : EVIDENCE_NO;
	} else if (!of_namespace && (take_prefix(key, "projectcalico.org/") || take_prefix(key, "pcsa."))) {
		return EVIDENCE_MAYBE;
	}
	return of_namespace ? evidence_selects_namespace(cursor->reading, &one, namespace)
	                : evidence_requirement_met(cursor->reading, cursor->pods, &requirement);
}

static enum evidence_answer take_any(struct cursor *cursor);

static enum evidence_answer take_leaf(struct cursor *cursor)
{
	struct evidence_requirement requirement;
	if (take(cursor, "all()"))
		return EVIDENCE_YES;
	if (take(cursor, "global()"))
		return cursor->of_namespace ? EVIDENCE_NO : EVIDENCE_MAYBE;
	if (take(cursor, "(")) {
		enum evidence_answer answer = take_any(cursor);
		cursor->broken = cursor->broken || !take(cursor, ")");
		return answer;
	}
	return take_comparison(cursor, &requirement) ? meets(cursor, requirement) : EVIDENCE_MAYBE;
}

static enum evidence_answer take_unary(struct cursor *cursor)
{
	bool negated = false;
	while (take(cursor, "!"))
		negated = !negated;
	enum evidence_answer answer = take_leaf(cursor);
	if (!negated || answer == EVIDENCE_MAYBE)
		return answer;
	return answer == EVIDENCE_YES ? EVIDENCE_NO : EVIDENCE_YES;
}

static enum evidence_answer take_all(struct cursor *cursor)
{
	enum evidence_answer least = take_unary(cursor);
	while (!cursor->broken && take(cursor, "&&")) {
		enum evidence_answer next = take_unary(cursor);
		least = next < least ? next : least;
	}
	return least;
}

static enum evidence_answer take_any(struct cursor *cursor)
{
	if (++cursor->depth > DEPTH_MAX) {
		cursor->broken = true;
		return EVIDENCE_MAYBE;
	}
	enum evidence_answer most = take_all(cursor);
	while (!cursor->broken && take(cursor, "||")) {
		enum evidence_answer next = take_all(cursor);
		most = next > most ? next : most;
	}
	cursor->depth--;
	return most;
}

enum evidence_answer evidence_calico_selects(struct evidence_reading *reading,
                                             const struct evidence_pods *pods, bool of_namespace,
                                             struct json_text selector)
{
	struct json_text text = evidence_string(&reading->arena, selector);
	if (!evidence_is_set(selector) || json_equals(selector, ""))
		return EVIDENCE_YES;
	if (text.at == NULL)
		return EVIDENCE_MAYBE;
	struct cursor cursor = {.at = text.at, .end = text.at + text.len, .reading = reading,
	                        .pods = pods, .of_namespace = of_namespace};
	enum evidence_answer answer = take_any(&cursor);
	skip_blanks(&cursor);
	return cursor.broken || cursor.at < cursor.end ? EVIDENCE_MAYBE : answer;
}

static void keep(struct evidence_arena *arena, struct evidence_selector *selector,
                 struct evidence_requirement requirement)
{
	struct json_text *values = evidence_alloc(arena, (requirement.count + 1) * sizeof *values);
	for (size_t i = 0; i < requirement.count; i++)
		values[i] = requirement.values[i];
	requirement.values = values;
	evidence_require(arena, selector, requirement);
}

struct evidence_selector evidence_calico_read(struct evidence_arena *arena,
                                              struct json_text selector)
{
	struct evidence_selector read = {0};
	struct json_text text = evidence_string(arena, selector);
	if (!evidence_is_set(selector) || json_equals(selector, ""))
		return read;
	struct cursor cursor = {.at = text.at, .end = text.at + text.len, .broken = text.at == NULL};
	do {
		struct evidence_requirement requirement;
		if (cursor.broken || take(&cursor, "all()"))
			continue;
		bool negated = take(&cursor, "!");
		if (!take_comparison(&cursor, &requirement))
			break;
		if (negated && requirement.operator != EVIDENCE_EXISTS)
			cursor.broken = true;
		if (negated)
			requirement.operator = EVIDENCE_ABSENT;
		keep(arena, &read, requirement);
	} while (!cursor.broken && take(&cursor, "&&"));
	skip_blanks(&cursor);
	read.unread = cursor.broken || cursor.at < cursor.end;
	return read;
}
