#include "apply/operation.h"

#include "k8s/event.h"
#include "k8s/operator.h"
#include "k8s/path.h"
#include "k8s/unusable.h"

static void read_bookmark(struct json_text record, struct kube_operation *operation)
{
	struct event event;
	operation->type = KUBE_BOOKMARK;
	if (event_read(record, &event) != NULL)
		return;
	if (!text_is(event.kind, "AgentCard"))
		return;
	operation->id = (struct kube_identity){.api_version = event.api_version,
	                                       .kind = event.kind};
	operation->begins = event.mark == EVENT_MARK_BEGIN;
	operation->keeps = operation->begins && event_lacks_rules(&event);
	operation->complete = event.mark == EVENT_MARK_END;
}

/* What belongs to another stage: someone has left out egress-translate, or put us behind ourselves. */
static bool is_of_another_stage(struct json_text type)
{
	static const char *const words[] = {"ADDED",   "MODIFIED",  "DELETED", "ERROR", "APPLIED",
	                                    "UNCHANGED", "ADOPTED", "ABSENT",  "FAILED"};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (json_equals(type, words[i]))
			return true;
	return false;
}

/* egress-translate writes it for an AgentCard that it knows nothing else of. */
static bool read_unread(struct json_text record, struct kube_operation *operation)
{
	struct event event, named;
	if (event_read(record, &event) != NULL || !k8s_unusable_read(&event, &named) ||
	    !text_is(named.kind, "AgentCard") || named.namespace.at == NULL)
		return false;
	operation->type = KUBE_UNREAD;
	operation->id.namespace = named.namespace;
	return true;
}

static enum kube_effect effect_of(struct json_text word)
{
	static const char *const words[] = {"narrows", "new", "unknown", "widens"};
	for (int i = 0; i < 4; i++)
		if (json_equals(word, words[i]))
			return (enum kube_effect)i;
	return KUBE_UNKNOWN;
}

static const char *pass(struct json_text type, struct kube_operation *operation)
{
	operation->type = json_equals(type, "AGENT") ? KUBE_AGENT : KUBE_OTHER;
	return NULL;
}

const char *kube_operation_read(struct json_text record, struct kube_operation *operation)
{
	enum { TYPE, OBJECT, REASON, MESSAGE, CARD, PROBLEMS, EFFECT, COUNT };
	static const char *const keys[COUNT] = {"type",    "object",    "reason",
	                                        "message", "agentCard", "problems", "effect"};
	struct json_text found[COUNT];
	*operation = (struct kube_operation){0};
	json_pick(record, COUNT, keys, found);
	if (json_equals(found[TYPE], "BOOKMARK")) {
		read_bookmark(record, operation);
		return NULL;
	}
	if (json_equals(found[TYPE], "ERROR") && read_unread(record, operation))
		return NULL;
	if (json_equals(found[TYPE], "APPLY"))
		operation->type = KUBE_APPLY;
	else if (json_equals(found[TYPE], "DELETE"))
		operation->type = KUBE_DELETE;
	else if (json_type(found[TYPE]) != JSON_STRING || is_of_another_stage(found[TYPE]))
		return "\"type\" is not that of an operation (APPLY, DELETE, AGENT or BOOKMARK)";
	else
		return pass(found[TYPE], operation);
	if (json_type(found[OBJECT]) != JSON_OBJECT)
		return "\"object\" is missing or not an object";
	operation->object = found[OBJECT];
	operation->reason = found[REASON];
	operation->message = found[MESSAGE];
	operation->agent_card = found[CARD];
	operation->problems = found[PROBLEMS];
	operation->effect = effect_of(found[EFFECT]);
	const char *wrong = k8s_object_identify(operation->object, &operation->id);
	if (wrong != NULL)
		return wrong;
	if (text_is(operation->id.kind, "AgentCard")) {
		if (operation->type != KUBE_APPLY ||
		    json_type(json_get(operation->object, "status")) != JSON_OBJECT)
			return "of an AgentCard only the status is ours to apply";
		operation->status = true;
	}
	return NULL;
}

/* Absent stays absent. */
static void move_text(struct json_text *text, const char *from, const char *to)
{
	if (text->at != NULL)
		text->at = to + (text->at - from);
}

struct kube_operation kube_operation_moved(const struct kube_operation *operation, const char *from,
                                           const char *to)
{
	struct kube_operation moved = *operation;
	struct json_text *texts[] = {
	        &moved.id.api_version, &moved.id.group, &moved.id.version, &moved.id.kind,
	        &moved.id.namespace,   &moved.id.name,  &moved.id.uid, &moved.id.resource_version,
	        &moved.object,     &moved.reason,
	        &moved.message,        &moved.agent_card, &moved.problems,
	};
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		move_text(texts[i], from, to);
	return moved;
}

const char *kube_operation_refusal(const struct kube_operation *operation)
{
	if (kube_kind_of(&operation->id) == NULL)
		return "not a kind that is applied";
	if (operation->type == KUBE_APPLY && !operation->status &&
	    !kube_is_managed(operation->object))
		return "it lacks the label app.kubernetes.io/managed-by=" POLICY_MANAGER
		       ", by which it would be known as ours";
	return NULL;
}

const char *kube_wanted_unknown(bool unusable, bool keeps)
{
	if (unusable)
		return "some records could not be used, so not all that is wanted is known";
	if (keeps)
		return "the AgentCard's definition in the cluster has no place for rules, or cannot be "
		       "read, so that some agents keep policies that no operation names";
	return NULL;
}
