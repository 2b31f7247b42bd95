#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/name.h"
#include "verify/cards_private.h"

static enum held_kind workload_of(struct json_text api_version, struct json_text kind)
{
	enum k8s_workload_kind row = k8s_workload_of(json_plain(api_version), json_plain(kind));
	return row < K8S_WORKLOADS ? (enum held_kind)row : HELD_NONE;
}

static const char *read_target(const struct event *event, struct json_text spec,
                               struct json_text reference, struct card_aim *aim)
{
	enum { API_VERSION, KIND, NAME, COUNT };
	static const char *const keys[COUNT] = {"apiVersion", "kind", "name"};
	struct json_text found[COUNT];
	if (event->namespace.at == NULL)
		return "the AgentCard has no namespace";
	if (json_type(reference) != JSON_OBJECT && json_type(json_get(spec, "selector")) > JSON_NULL)
		return "the card names its workload by spec.selector; only spec.targetRef counts";
	if (json_type(reference) != JSON_OBJECT)
		return "the card names no workload: spec.targetRef is missing";
	json_pick(reference, COUNT, keys, found);
	struct json_text name = json_plain(found[NAME]);
	if (!k8s_name_usable(name))
		return "the card names no workload: spec.targetRef.name is missing or not a name";
	aim->workload = workload_of(found[API_VERSION], found[KIND]);
	snprintf(aim->target, sizeof aim->target, "%.*s/%.*s", (int)event->namespace.len,
	         event->namespace.at, (int)name.len, name.at);
	return NULL;
}

static struct json_text unless_null(struct json_text value)
{
	return json_type(value) == JSON_NULL ? json_of(NULL) : value;
}

void cards_aim(const struct event *event, struct card_aim *aim)
{
	enum { SPEC, STATUS, COUNT };
	static const char *const keys[COUNT] = {"spec", "status"};
	enum { TARGET, BINDING, PARTS };
	static const char *const parts[PARTS] = {"targetRef", "identityBinding"};
	struct json_text found[COUNT], part[PARTS];
	json_pick(event->object, COUNT, keys, found);
	json_pick(found[SPEC], PARTS, parts, part);
	aim->workload = HELD_NONE;
	aim->target[0] = '\0';
	aim->binding = unless_null(json_get(part[BINDING], "trustDomain"));
	aim->allowed = unless_null(json_get(part[BINDING], "allowedSpiffeIDs"));
	aim->status = unless_null(found[STATUS]);
	aim->status_card = unless_null(json_get(aim->status, "card"));
	aim->problem = read_target(event, found[SPEC], part[TARGET], aim);
}
