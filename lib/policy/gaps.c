#include "policy/gaps.h"

#include <stdarg.h>
#include <stdio.h>

#include "json/json.h"
#include "json/write.h"

const char *const policy_gap_words[] = {
        [POLICY_GAP_HOST_NETWORK] = "HostNetwork",
        [POLICY_GAP_SELECTOR_MISSES_PODS] = "SelectorMissesPods",
        [POLICY_GAP_WORKLOAD_UNKNOWN] = "WorkloadUnknown",
        [POLICY_GAP_WIDENED_BY_POLICY] = "WidenedByPolicy",
        [POLICY_GAP_FOREIGN_POLICY] = "ForeignPolicy",
        [POLICY_GAP_TARGET_IGNORES] = "TargetIgnores",
        [POLICY_GAP_NOT_APPLIED] = "NotApplied",
        [POLICY_GAP_CHANGED_BY_SERVER] = "ChangedByServer",
        [POLICY_GAP_NEVER_NOT_ENFORCED] = "NeverNotEnforced",
        [POLICY_GAP_OBSERVED] = "Observed",
        [POLICY_GAP_UNDECIDED] = "Undecided",
        [POLICY_GAP_REASONS] = NULL,
};

static void put_text(struct json_buffer *out, const char *key, struct json_text text)
{
	if (text.at == NULL)
		return;
	json_put_key(out, key);
	json_put_string_n(out, text.at, text.len);
}

static void put(struct json_buffer *out, enum policy_gap_reason reason, const char *message,
                const struct kube_identity *object, const char *condition)
{
	json_puts(out, out->len == 0 ? "{" : ",{");
	put_text(out, "reason", json_of(policy_gap_words[reason]));
	put_text(out, "message", json_of(message));
	if (condition != NULL)
		put_text(out, "condition", json_of(condition));
	if (object != NULL) {
		json_put_key(out, "object");
		json_putc(out, '{');
		put_text(out, "apiVersion", object->api_version);
		put_text(out, "kind", object->kind);
		put_text(out, "namespace", object->namespace);
		put_text(out, "name", object->name);
		json_putc(out, '}');
	}
	json_putc(out, '}');
}

/* Counts one more; false when it is one of those that are only counted. */
static bool count(struct policy_gaps *gaps, enum policy_gap_reason reason)
{
	gaps->counts[reason]++;
	if (gaps->count++ == POLICY_GAPS_MAX)
		gaps->left_out = reason;
	return gaps->count <= POLICY_GAPS_MAX;
}

void policy_gap(struct policy_gaps *gaps, enum policy_gap_reason reason,
                const struct kube_identity *object, const char *format, ...)
{
	char message[POLICY_GAP_MESSAGE];
	va_list arguments;
	if (!count(gaps, reason))
		return;
	va_start(arguments, format);
	vsnprintf(message, sizeof message, format, arguments);
	va_end(arguments);
	put(&gaps->text, reason, message, object, NULL);
}

void policy_gap_told(struct policy_gaps *gaps, const struct kube_identity *object,
                     const char *condition, const char *message)
{
	if (count(gaps, POLICY_GAP_NOT_APPLIED))
		put(&gaps->text, POLICY_GAP_NOT_APPLIED, message, object, condition);
}

static enum policy_gap_reason reason_of(struct json_text gap)
{
	int reason = 0;
	while (reason < POLICY_GAP_UNDECIDED &&
	       !json_equals(json_get(gap, "reason"), policy_gap_words[reason]))
		reason++;
	return (enum policy_gap_reason)reason;
}

void policy_gaps_add(struct policy_gaps *gaps, const struct policy_gaps *other)
{
	struct json_buffer list = {0};
	policy_gaps_put(other, &list);
	for (struct json_member m = json_first(json_buffer_text(&list)); m.value.at;
	     m = json_next(m)) {
		if (!count(gaps, reason_of(m.value)))
			continue;
		if (gaps->text.len > 0)
			json_putc(&gaps->text, ',');
		json_puttext(&gaps->text, m.value);
	}
	json_buffer_free(&list);
}

bool policy_gaps_undecided(const struct policy_gaps *gaps)
{
	return gaps->count > 0 && gaps->counts[POLICY_GAP_UNDECIDED] == gaps->count;
}

void policy_gaps_put(const struct policy_gaps *gaps, struct json_buffer *out)
{
	json_putc(out, '[');
	json_puttext(out, json_buffer_text(&gaps->text));
	if (gaps->count > POLICY_GAPS_MAX) {
		struct json_buffer last = {0};
		char message[64];
		snprintf(message, sizeof message, "and %zu more", gaps->count - POLICY_GAPS_MAX);
		put(&last, gaps->left_out, message, NULL, NULL);
		json_putc(out, ',');
		json_puttext(out, json_buffer_text(&last));
		json_buffer_free(&last);
	}
	json_putc(out, ']');
}

void policy_gaps_clear(struct policy_gaps *gaps)
{
	struct json_buffer kept = gaps->text;
	kept.len = 0;
	*gaps = (struct policy_gaps){.text = kept};
}

void policy_gaps_free(struct policy_gaps *gaps)
{
	json_buffer_free(&gaps->text);
	policy_gaps_clear(gaps);
}
