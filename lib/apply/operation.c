#include "apply/operation.h"

#include "k8s/event.h"

static void read_bookmark(struct json_text record, struct kube_operation *operation)
{
	struct event event;
	operation->type = KUBE_BOOKMARK;
	if (event_read(record, &event) != NULL)
		return;
	operation->begins = event.mark == EVENT_MARK_BEGIN;
	operation->complete = event.mark == EVENT_MARK_END &&
	                      text_is(event.kind, "AgentCard");
}

const char *kube_operation_read(struct json_text record, struct kube_operation *operation)
{
	enum { TYPE, OBJECT, REASON, MESSAGE, CARD, PROBLEMS, COUNT };
	static const char *const keys[COUNT] = {"type",    "object",    "reason",
	                                        "message", "agentCard", "problems"};
	struct json_text found[COUNT];
	*operation = (struct kube_operation){0};
	json_pick(record, COUNT, keys, found);
	if (json_equals(found[TYPE], "BOOKMARK")) {
		read_bookmark(record, operation);
		return NULL;
	}
	if (json_equals(found[TYPE], "APPLY"))
		operation->type = KUBE_APPLY;
	else if (json_equals(found[TYPE], "DELETE"))
		operation->type = KUBE_DELETE;
	else
		return "\"type\" is not that of an operation (APPLY, DELETE or BOOKMARK)";
	if (json_type(found[OBJECT]) != JSON_OBJECT)
		return "\"object\" is missing or not an object";
	operation->object = found[OBJECT];
	operation->reason = found[REASON];
	operation->message = found[MESSAGE];
	operation->agent_card = found[CARD];
	operation->problems = found[PROBLEMS];
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
