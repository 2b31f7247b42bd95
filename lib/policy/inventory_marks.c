#include "policy/inventory_private.h"

const char *policy_inventory_take(struct policy_inventory *inventory, const struct event *event)
{
	if (event_is(event, inventory->settings->names->agentcard_group, "AgentCard"))
		return policy_take_card(inventory, event);
	enum k8s_workload_kind row = k8s_workload_of(event->api_version, event->kind);
	if (row < K8S_WORKLOADS)
		return policy_take_workload(inventory, event, row);
	const struct k8s_kind *kind = policy_kind_of(event->api_version, event->kind);
	if (kind != NULL)
		return policy_take_object(inventory, event, kind);
	if (event_is(event, "", "Namespace"))
		return policy_take_namespace(inventory, event);
	if (policy_apiserver_concerns(event) && policy_apiserver_take(&inventory->apiserver, event))
		policy_touch_restricted(inventory);
	return NULL;
}

bool policy_inventory_unusable(struct policy_inventory *inventory, const struct event *named)
{
	const struct k8s_kind *kind;
	if (event_is(named, inventory->settings->names->agentcard_group, "AgentCard"))
		return policy_card_unusable(inventory, named);
	if (k8s_workload_of(named->api_version, named->kind) < K8S_WORKLOADS)
		policy_workload_unusable(inventory, named);
	else if ((kind = policy_kind_of(named->api_version, named->kind)) != NULL)
		policy_object_unusable(inventory, named, kind);
	else if (event_is(named, "", "Namespace"))
		policy_namespace_unusable(inventory, named);
	return true;
}

static bool is_slice(const struct event *event)
{
	return event_is(event, "discovery.k8s.io", "EndpointSlice");
}

static bool is_source(const struct event *event)
{
	return is_slice(event) || event_is(event, "", "Endpoints");
}

static enum policy_source_kind source_of(const struct event *event)
{
	return is_slice(event) ? POLICY_SOURCE_SLICE : POLICY_SOURCE_ENDPOINTS;
}

static bool is_card(const struct policy_inventory *inventory, const struct event *event)
{
	return event_is(event, inventory->settings->names->agentcard_group, "AgentCard");
}

/* It may get the addresses of the API server. */
static bool is_restricted(const struct policy_inventory *inventory,
                          const struct policy_workload *workload)
{
	const struct policy_card *card = workload->cards;
	if (card == NULL || !workload->permissive)
		return card != NULL;
	for (; card != NULL; card = card->next)
		if (card->pruned)
			return true;
	return inventory->settings->unset == POLICY_UNSET_API_SERVER;
}

void policy_touch_restricted(struct policy_inventory *inventory)
{
	struct policy_workload *workload;
	for (workload = inventory->workloads; workload != NULL; workload = workload->hh.next)
		if (is_restricted(inventory, workload))
			policy_touch(inventory, workload);
	if (!inventory->settings->writes.namespace_wide)
		return;
	for (struct policy_namespace *namespace = inventory->namespaces; namespace != NULL; namespace = namespace->hh.next)
		policy_namespace_changed(inventory, namespace);
}

static void begin_objects(struct policy_inventory *inventory, const struct k8s_kind *kind)
{
	policy_watched(inventory, kind);
	for (struct policy_object *o = inventory->objects; o != NULL; o = o->hh.next)
		if (o->kind == kind)
			o->listed = false;
}

void policy_inventory_begin(struct policy_inventory *inventory, const struct event *bookmark)
{
	const struct k8s_kind *kind;
	enum k8s_workload_kind row = k8s_workload_of(bookmark->api_version, bookmark->kind);
	if (is_source(bookmark)) {
		policy_apiserver_begin(&inventory->apiserver, source_of(bookmark));
	} else if (event_is(bookmark, "", "Namespace")) {
		policy_namespaces_begin(inventory);
	} else if (is_card(inventory, bookmark)) {
		for (struct policy_card *c = inventory->cards; c != NULL; c = c->hh.next)
			c->listed = false;
		for (struct policy_namespace *n = inventory->namespaces; n != NULL; n = n->hh.next)
			n->unread = false;
		inventory->schema_missing = event_lacks_rules(bookmark);
		policy_report_all(inventory);
	} else if (row < K8S_WORKLOADS) {
		for (struct policy_workload *w = inventory->workloads; w != NULL; w = w->hh.next)
			if (w->row == row)
				w->listed = false;
	} else if ((kind = policy_kind_of(bookmark->api_version, bookmark->kind)) != NULL) {
		begin_objects(inventory, kind);
	}
}

static void end_cards(struct policy_inventory *inventory)
{
	struct policy_card *card, *next;
	HASH_ITER(hh, inventory->cards, card, next)
	if (!card->listed)
		policy_card_remove(inventory, card);
}

static void end_workloads(struct policy_inventory *inventory, enum k8s_workload_kind row)
{
	struct policy_workload *workload, *next;
	HASH_ITER(hh, inventory->workloads, workload, next)
	{
		if (workload->row != row || workload->listed)
			continue;
		policy_workload_absent(inventory, workload);
	}
}

/* A list that could not be read ends, too. */
static bool is_readable(const struct event *mark)
{
	return !json_equals(json_get(mark->metadata, "annotations", "agent-egress.dev/unavailable"),
	                    "Forbidden");
}

static void end_objects(struct policy_inventory *inventory, const struct k8s_kind *kind)
{
	struct policy_object *object, *next;
	HASH_ITER(hh, inventory->objects, object, next)
	if (object->kind == kind && (object->seen || object->foreign) && !object->listed)
		policy_object_unseen(inventory, object);
}

void policy_inventory_end(struct policy_inventory *inventory, const struct event *bookmark)
{
	const struct k8s_kind *kind;
	enum k8s_workload_kind row = k8s_workload_of(bookmark->api_version, bookmark->kind);
	if (is_source(bookmark)) {
		if (policy_apiserver_end(&inventory->apiserver, source_of(bookmark)))
			policy_touch_restricted(inventory);
	} else if (event_is(bookmark, "", "Namespace")) {
		policy_namespaces_end(inventory);
	} else if (is_card(inventory, bookmark)) {
		end_cards(inventory);
	} else if (row < K8S_WORKLOADS) {
		end_workloads(inventory, row);
	} else if ((kind = policy_kind_of(bookmark->api_version, bookmark->kind)) != NULL) {
		end_objects(inventory, kind);
		policy_kind_complete(inventory, kind, is_readable(bookmark));
	}
}
