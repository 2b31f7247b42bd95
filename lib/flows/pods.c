#include "flows/pods.h"

#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "flows/fields_private.h"
#include "k8s/event.h"

struct pod {
	struct flow *named; /* the pod as its source */
	struct json_text uid;
	int64_t from, until; /* nanoseconds; until is INT64_MAX while it has the address */
	struct pod *next;    /* who had it before */
};

struct address {
	char ip[FLOW_ADDRESS_SIZE];
	struct pod *pods; /* the latest first */
	UT_hash_handle hh;
};

struct flow_pods {
	struct address *addresses;
	int64_t now; /* the largest time read */
};

struct flow_pods *flow_pods_new(void)
{
	struct flow_pods *pods = calloc(1, sizeof *pods);
	if (pods == NULL)
		abort();
	return pods;
}

void flow_pods_free(struct flow_pods *pods)
{
	struct address *address, *next;
	if (pods == NULL)
		return;
	HASH_ITER(hh, pods->addresses, address, next)
	{
		HASH_DEL(pods->addresses, address);
		while (address->pods != NULL) {
			struct pod *pod = address->pods;
			address->pods = pod->next;
			free(pod->named);
			free(pod);
		}
		free(address);
	}
	free(pods);
}

static struct address *find(struct flow_pods *pods, const char *ip)
{
	struct address *address;
	HASH_FIND_STR(pods->addresses, ip, address);
	if (address != NULL)
		return address;
	address = calloc(1, sizeof *address);
	if (address == NULL)
		abort();
	memcpy(address->ip, ip, sizeof address->ip);
	HASH_ADD_STR(pods->addresses, ip, address);
	return address;
}

/* A ReplicaSet's name is its Deployment's and the hash that is on the pod. */
static void read_owner(struct json_text metadata, struct flow_peer *peer)
{
	struct json_text owners = json_get(metadata, "ownerReferences"), hash = json_plain(json_get(metadata, "labels", "pod-template-hash"));
	for (struct json_member m = json_first(owners); m.value.at != NULL; m = json_next(m)) {
		struct json_text kind = json_plain(json_get(m.value, "kind")), name = json_plain(json_get(m.value, "name"));
		if (!json_is_true(json_get(m.value, "controller")) || !flow_is_word(kind) || !flow_is_word(name))
			continue;
		peer->kind = kind;
		peer->workload = name;
		if (!field_is(kind, "ReplicaSet") || hash.len == 0 || name.len <= hash.len + 1 ||
		    name.at[name.len - hash.len - 1] != '-' || memcmp(name.at + name.len - hash.len, hash.at, hash.len) != 0)
			return;
		peer->kind = json_of("Deployment");
		peer->workload.len -= hash.len + 1;
		return;
	}
}

static bool read_pod(const struct event *event, struct flow_peer *peer)
{
	struct json_text labels = json_get(event->metadata, "labels");
	if (!flow_is_word(event->namespace) || !flow_is_word(event->name))
		return false;
	peer->namespace = event->namespace;
	peer->pod = event->name;
	if (field_are_labels(labels))
		peer->labels = labels;
	read_owner(event->metadata, peer);
	return true;
}

static void end_others(struct address *address, int64_t at)
{
	for (struct pod *pod = address->pods; pod != NULL; pod = pod->next)
		if (pod->until > at)
			pod->until = at;
}

static struct pod *find_pod(struct address *address, struct json_text uid, const struct flow_peer *peer)
{
	for (struct pod *pod = address->pods; pod != NULL; pod = pod->next)
		if (json_same(pod->named->source.namespace, peer->namespace) && json_same(pod->named->source.pod, peer->pod) &&
		    json_same(pod->uid, uid))
			return pod;
	return NULL;
}

static void give(struct flow_pods *pods, struct json_text ip, struct json_text uid, const struct flow_peer *peer, int64_t from,
                 int64_t until)
{
	char text[FLOW_ADDRESS_SIZE] = "";
	if (ip.len == 0 || !field_address(ip, text))
		return;
	struct address *address = find(pods, text);
	struct pod *pod = find_pod(address, uid, peer);
	if (pod != NULL) {
		pod->until = until;
		return;
	}
	end_others(address, from);
	pod = calloc(1, sizeof *pod);
	if (pod == NULL)
		abort();
	/* the uid travels in a span of the copy that a source does not use */
	pod->named = flow_copy(&(struct flow){.source = *peer, .time = uid});
	*pod = (struct pod){.named = pod->named, .uid = pod->named->time, .from = from, .until = until, .next = address->pods};
	address->pods = pod;
}

const char *flow_pods_event(struct flow_pods *pods, struct json_text line)
{
	struct event event;
	struct flow_peer peer = {0};
	const char *wrong = event_read(line, &event);
	int64_t at = 0, started;
	if (wrong != NULL)
		return wrong;
	if (flow_time(json_plain(json_get(line, "time")), &at) && at > pods->now)
		pods->now = at;
	if (!event_is(&event, "", "Pod") || event.type == EVENT_BOOKMARK || event.type == EVENT_ERROR)
		return NULL;
	struct json_text spec = json_get(event.object, "spec"), status = json_get(event.object, "status");
	struct json_text one = json_plain(json_get(status, "podIP"));
	if (json_is_true(json_get(spec, "hostNetwork")) || !read_pod(&event, &peer))
		return NULL;
	if (!flow_time(json_plain(json_get(status, "startTime")), &started))
		started = at;
	int64_t until = event.type == EVENT_DELETED ? (at > 0 ? at : pods->now) : INT64_MAX;
	if (json_equals(json_get(status, "phase"), "Succeeded") || json_equals(json_get(status, "phase"), "Failed"))
		until = at > 0 ? at : until; /* its address is free */
	give(pods, one, event.uid, &peer, started, until);
	for (struct json_member m = json_first(json_get(status, "podIPs")); m.value.at != NULL; m = json_next(m)) {
		struct json_text ip = json_plain(json_get(m.value, "ip"));
		if (!json_same(ip, one))
			give(pods, ip, event.uid, &peer, started, until);
	}
	return NULL;
}

static const struct pod *who_had(const struct flow_pods *pods, const char *ip, bool timed, int64_t ns)
{
	struct address *address;
	HASH_FIND_STR(pods->addresses, ip, address);
	if (address == NULL)
		return NULL;
	if (!timed)
		return address->pods->next == NULL ? address->pods : NULL;
	for (const struct pod *pod = address->pods; pod != NULL; pod = pod->next)
		if (pod->from <= ns && ns < pod->until)
			return pod;
	return NULL;
}

static void name(const struct flow_pods *pods, struct flow_peer *peer, bool timed, int64_t ns)
{
	const struct pod *pod = peer->ip[0] == '\0' ? NULL : who_had(pods, peer->ip, timed, ns);
	if (pod == NULL || (peer->pod.at != NULL && !json_same(peer->pod, pod->named->source.pod)))
		return;
	const struct flow_peer *known = &pod->named->source;
	peer->namespace = known->namespace;
	peer->pod = known->pod;
	if (known->workload.at != NULL) {
		peer->kind = known->kind;
		peer->workload = known->workload;
	}
	if (known->labels.at != NULL)
		peer->labels = known->labels;
}

static bool is_timed(const struct flow *flow, int64_t *ns)
{
	return flow_time(flow->time, ns) || flow_time(flow->first, ns);
}

void flow_pods_name(const struct flow_pods *pods, struct flow *flow)
{
	int64_t ns = 0;
	bool timed = is_timed(flow, &ns);
	name(pods, &flow->source, timed, ns);
	name(pods, &flow->destination, timed, ns);
}

bool flow_pods_unclear(const struct flow_pods *pods, const struct flow *flow)
{
	int64_t ns = 0;
	struct address *address = NULL;
	if (!is_timed(flow, &ns))
		HASH_FIND_STR(pods->addresses, flow->source.ip, address);
	return address != NULL && address->pods->next != NULL;
}
