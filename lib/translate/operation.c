#include "translate/operation_private.h"
#include "json/write.h"

#include <string.h>

static void put_member(struct json_buffer *out, const char *key, const char *value)
{
	json_put_key(out, key);
	json_put_string(out, value);
}

static void put_card(struct json_buffer *out, const char *namespace, const char *name,
                     const char *uid)
{
	json_put_key(out, "agentCard");
	json_putc(out, '{');
	put_member(out, "namespace", namespace);
	put_member(out, "name", name);
	if (uid[0] != '\0')
		put_member(out, "uid", uid);
	json_putc(out, '}');
}

static void put_why(struct json_buffer *out, const struct policy_decision *decision,
                    const struct policy_card *card)
{
	put_member(out, "reason", decision->reason);
	json_put_key(out, "message");
	json_put_string_n(out, decision->message.at, decision->message.len);
	put_card(out, card->namespace->name, card->name, card->uid);
	json_put_key(out, "problems");
	policy_problems_put(&decision->problems, out);
}

void policy_put_apply(struct json_text manifest, const struct policy_decision *decision,
                      struct json_buffer *out)
{
	json_puts(out, "{\"type\":\"APPLY\",\"object\":");
	json_puttext(out, manifest);
	put_why(out, decision, decision->owner);
}

void policy_put_apply_namespace(struct json_text manifest, const struct policy_problems *problems,
                            struct json_buffer *out)
{
	json_puts(out, "{\"type\":\"APPLY\",\"object\":");
	json_puttext(out, manifest);
	put_member(out, "reason", "NamespaceWide");
	put_member(out, "message", "what all agents of this namespace may use together");
	json_put_key(out, "problems");
	policy_problems_put(problems, out);
}

void policy_put_apply_quarantine(struct json_text manifest, const struct bounds_quarantine *entry,
                                 struct json_buffer *out)
{
	json_puts(out, "{\"type\":\"APPLY\",\"object\":");
	json_puttext(out, manifest);
	put_member(out, "reason", "Quarantined");
	put_member(out, "message", entry->reason);
	json_puts(out, ",\"problems\":[]");
}

static void put_effect(struct json_buffer *out, enum policy_effect effect)
{
	static const char *const words[] = {[POLICY_NARROWS] = "narrows",
	                                    [POLICY_NEW] = "new",
	                                    [POLICY_EFFECT_UNKNOWN] = "unknown",
	                                    [POLICY_WIDENS] = "widens"};
	put_member(out, "effect", words[effect]);
}

void policy_put_apply_end(const struct policy_object *object, bool observed,
                          enum policy_effect effect, struct json_buffer *out)
{
	put_effect(out, effect);
	if (observed && object->seen_version != NULL) {
		json_put_key(out, "observed");
		json_putc(out, '{');
		put_member(out, "resourceVersion", object->seen_version);
		json_putc(out, '}');
	}
	json_putc(out, '}');
}

void policy_put_delete(const struct policy_object *object, enum policy_effect effect,
                       struct json_buffer *out)
{
	json_puts(out, "{\"type\":\"DELETE\",\"object\":{");
	json_put_key(out, "apiVersion");
	policy_kind_put_version(object->kind, out);
	put_member(out, "kind", object->kind->kind);
	json_puts(out, ",\"metadata\":{");
	if (!object->kind->cluster_scoped)
		put_member(out, "namespace", object->namespace->name);
	put_member(out, "name", object->name);
	json_puts(out, "}}");
	put_member(out, "reason", object->quarantine ? "Released" : "Unwanted");
	put_member(out, "message",
	           object->quarantine ? "the admin's bounds keep its workload in quarantine no more"
	                              : "no AgentCard asks for this policy any more");
	if (object->card != NULL && object->namespace->name[0] != '\0')
		put_card(out, object->namespace->name, object->card,
		         object->card + strlen(object->card) + 1);
	json_puts(out, ",\"problems\":[]");
	put_effect(out, effect);
	json_putc(out, '}');
}

void policy_put_status(const struct policy_decision *decision, const struct policy_card *card,
                       struct json_buffer *out)
{
	bool none = decision->mode == POLICY_MODE_NONE;
	json_puts(out, "{\"type\":\"APPLY\",\"object\":{");
	put_member(out, "apiVersion", card->api_version);
	put_member(out, "kind", "AgentCard");
	json_puts(out, ",\"metadata\":{");
	put_member(out, "namespace", card->namespace->name);
	put_member(out, "name", card->name);
	json_puts(out, "},\"status\":{\"networkPolicy\":{");
	put_member(out, "name", none ? "" : decision->workload->object->name);
	put_member(out, "mode",
	           none                 ? "none"
	           : decision->verified ? "permissive"
	                                : "restrictive");
	put_member(out, "egress", policy_mode_words[decision->mode]);
	put_member(out, "reason", decision->reason);
	json_put_key(out, "message");
	json_put_string_n(out, decision->message.at, decision->message.len);
	if (card->rules_digest[0] != '\0')
		put_member(out, "rulesDigest", card->rules_digest);
	if (card->generation[0] != '\0') {
		json_put_key(out, "observedGeneration");
		json_puts(out, card->generation);
	}
	json_puts(out, "}}}");
	put_why(out, decision, card);
	json_putc(out, '}');
}

static void put_object(struct json_buffer *out, const struct policy_object *object)
{
	json_put_comma(out);
	json_putc(out, '{');
	json_put_key(out, "apiVersion");
	policy_kind_put_version(object->kind, out);
	put_member(out, "kind", object->kind->kind);
	if (!object->kind->cluster_scoped)
		put_member(out, "namespace", object->namespace->name);
	put_member(out, "name", object->name);
	json_putc(out, '}');
}

/* All that implement the decision, those of the whole namespace among them. Of an agent that keeps its
 * policy none is asked for, so that nobody may wait for their results. */
static void put_objects(struct json_buffer *out, const struct policy_decision *decision)
{
	const struct policy_workload *workload = decision->kept ? NULL : decision->workload;
	const struct policy_object *object;
	json_put_key(out, "objects");
	json_putc(out, '[');
	if (workload != NULL && workload->object != NULL)
		put_object(out, workload->object);
	if (workload != NULL) {
		DL_FOREACH2(workload->extra, object, extra_next)
		put_object(out, object);
		DL_FOREACH2(workload->namespace->extra, object, extra_next)
		put_object(out, object);
	}
	json_putc(out, ']');
}

static void put_workload(struct json_buffer *out, const struct policy_card *card)
{
	struct json_text kind = json_of(card->target_kind);
	if (card->target_name[0] == '\0')
		return;
	json_put_key(out, "workload");
	json_putc(out, '{');
	if (card->target_api_version[0] != '\0')
		put_member(out, "apiVersion", card->target_api_version);
	/* the group of a kind that no row has stands behind it */
	const char *dot = strchr(card->target_kind, '.');
	if (dot != NULL)
		kind.len = (size_t)(dot - card->target_kind);
	json_put_key(out, "kind");
	json_put_string_n(out, kind.at, kind.len);
	put_member(out, "name", card->target_name);
	json_putc(out, '}');
}

static void put_flag(struct json_buffer *out, const char *key, bool flag)
{
	json_put_key(out, key);
	json_puts(out, flag ? "true" : "false");
}

void policy_put_agent(const struct policy_decision *decision, const struct policy_card *card,
                      const struct policy_gaps *gaps, bool live, struct json_buffer *out)
{
	json_puts(out, "{\"type\":\"AGENT\"");
	put_card(out, card->namespace->name, card->name, card->uid);
	put_workload(out, card);
	put_flag(out, "verified", decision->verified);
	put_member(out, "reason", decision->reason);
	json_put_key(out, "message");
	json_put_string_n(out, decision->message.at, decision->message.len);
	put_member(out, "egress", policy_mode_words[decision->asked]);
	if (gaps != NULL) {
		put_flag(out, "confined", gaps->count == 0);
		json_put_key(out, "gaps");
		policy_gaps_put(gaps, out);
	}
	json_put_key(out, "problems");
	policy_problems_put(&decision->problems, out);
	put_objects(out, decision);
	if (card->rules_digest[0] != '\0')
		put_member(out, "rulesDigest", card->rules_digest);
	if (card->generation[0] != '\0') {
		json_put_key(out, "observedGeneration");
		json_puts(out, card->generation);
	}
	put_flag(out, "live", live);
	json_putc(out, '}');
}

void policy_put_gone(const struct policy_gone *gone, struct json_buffer *out)
{
	json_puts(out, "{\"type\":\"AGENT\"");
	put_card(out, gone->namespace, gone->name, gone->uid);
	put_flag(out, "gone", true);
	json_putc(out, '}');
}
