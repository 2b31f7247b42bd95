#include "policy/apiserver.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"

/* In network order; an IPv4 address is mapped into ::ffff:0:0/96. */
struct endpoint {
	unsigned char ip[16];
	long port;
};

struct policy_source {
	char *name; /* of the slice; "" for the Endpoints */
	enum policy_source_kind kind;
	bool listed;
	size_t count;
	struct endpoint *endpoints;
	UT_hash_handle hh;
};

static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

static bool is_mapped(const unsigned char ip[16])
{
	return memcmp(ip, mapped, sizeof mapped) == 0;
}

static bool is_unicast(const unsigned char ip[16])
{
	static const unsigned char zero[16];
	if (is_mapped(ip))
		return ip[12] != 0 && ip[12] < 224;
	return memcmp(ip, zero, sizeof zero) != 0 && ip[0] != 0xff;
}

static bool parse_ip(struct json_text text, unsigned char ip[16])
{
	char word[INET6_ADDRSTRLEN];
	struct json_text plain = json_plain(text);
	if (plain.at == NULL || plain.len >= sizeof word)
		return false;
	memcpy(word, plain.at, plain.len);
	word[plain.len] = '\0';
	memcpy(ip, mapped, sizeof mapped);
	if (inet_pton(AF_INET, word, ip + sizeof mapped) != 1 &&
	    inet_pton(AF_INET6, word, ip) != 1)
		return false;
	return is_unicast(ip);
}

static void add(struct policy_source *source, struct json_text ip, long port)
{
	struct endpoint endpoint = {.port = port};
	if (source->count > POLICY_APISERVER_MAX || !parse_ip(ip, endpoint.ip))
		return;
	struct endpoint *more = realloc(source->endpoints, (source->count + 1) * sizeof *more);
	if (more == NULL)
		abort();
	source->endpoints = more;
	more[source->count++] = endpoint;
}

static bool port_usable(struct json_text port, int64_t *number)
{
	struct json_text protocol = json_get(port, "protocol");
	return (json_type(protocol) <= JSON_NULL || json_equals(protocol, "TCP")) &&
	       json_integer(json_get(port, "port"), number) && *number >= 1 && *number <= 65535;
}

/* One address at each TCP port of its object. */
static void add_ports(struct policy_source *source, struct json_text ip, struct json_text ports)
{
	int64_t number;
	if (json_is_empty(ports))
		add(source, ip, 0);
	for (struct json_member m = json_first(ports); m.value.at; m = json_next(m))
		if (port_usable(m.value, &number))
			add(source, ip, (long)number);
}

static void read_slice(struct policy_source *source, struct json_text object)
{
	struct json_text ports = json_get(object, "ports");
	struct json_text endpoints = json_get(object, "endpoints");
	for (struct json_member m = json_first(endpoints); m.value.at; m = json_next(m)) {
		if (json_type(json_get(m.value, "conditions", "ready")) == JSON_FALSE)
			continue;
		struct json_text ips = json_get(m.value, "addresses");
		for (struct json_member a = json_first(ips); a.value.at; a = json_next(a))
			add_ports(source, a.value, ports);
	}
}

static void read_endpoints(struct policy_source *source, struct json_text object)
{
	struct json_text subsets = json_get(object, "subsets");
	for (struct json_member m = json_first(subsets); m.value.at; m = json_next(m)) {
		struct json_text ips = json_get(m.value, "addresses");
		for (struct json_member a = json_first(ips); a.value.at; a = json_next(a))
			add_ports(source, json_get(a.value, "ip"), json_get(m.value, "ports"));
	}
}

static enum policy_source_kind kind_of(const struct event *event)
{
	return event_is(event, "discovery.k8s.io", "EndpointSlice") ? POLICY_SOURCE_SLICE
	                                                            : POLICY_SOURCE_ENDPOINTS;
}

bool policy_apiserver_concerns(const struct event *event)
{
	if (event->namespace.at == NULL || !text_is(event->namespace, "default"))
		return false;
	return event_is(event, "discovery.k8s.io", "EndpointSlice") ||
	       (event_is(event, "", "Endpoints") && text_is(event->name, "kubernetes"));
}

static void drop(struct policy_apiserver *apiserver, struct policy_source *source)
{
	HASH_DEL(apiserver->sources, source);
	free(source->endpoints);
	free(source->name);
	free(source);
}

static struct policy_source *source_at(struct policy_apiserver *apiserver,
                                       enum policy_source_kind kind, struct json_text name)
{
	struct policy_source *source = NULL;
	if (kind == POLICY_SOURCE_ENDPOINTS)
		name.len = 0;
	HASH_FIND(hh, apiserver->sources, name.at, name.len, source);
	return source;
}

static struct policy_source *source_new(struct policy_apiserver *apiserver,
                                        enum policy_source_kind kind, struct json_text name)
{
	struct policy_source *source = calloc(1, sizeof *source);
	char *copy = strndup(name.at, kind == POLICY_SOURCE_ENDPOINTS ? 0 : name.len);
	if (source == NULL || copy == NULL)
		abort();
	source->kind = kind;
	source->name = copy;
	HASH_ADD_KEYPTR(hh, apiserver->sources, copy, strlen(copy), source);
	return source;
}

bool policy_apiserver_take(struct policy_apiserver *apiserver, const struct event *event)
{
	enum policy_source_kind kind = kind_of(event);
	bool is_ours = event->type != EVENT_DELETED &&
	               (kind == POLICY_SOURCE_ENDPOINTS ||
	                json_equals(json_get(event->metadata, "labels", "kubernetes.io/service-name"),
	                            "kubernetes"));
	struct policy_source *source = source_at(apiserver, kind, event->name);
	if (!is_ours) {
		if (source != NULL)
			drop(apiserver, source);
		return source != NULL;
	}
	if (source == NULL)
		source = source_new(apiserver, kind, event->name);
	source->listed = true;
	source->count = 0;
	if (kind == POLICY_SOURCE_SLICE)
		read_slice(source, event->object);
	else
		read_endpoints(source, event->object);
	return true;
}

void policy_apiserver_begin(struct policy_apiserver *apiserver, enum policy_source_kind kind)
{
	for (struct policy_source *s = apiserver->sources; s != NULL; s = s->hh.next)
		if (s->kind == kind)
			s->listed = false;
}

bool policy_apiserver_end(struct policy_apiserver *apiserver, enum policy_source_kind kind)
{
	bool changed = false;
	for (struct policy_source *s = apiserver->sources, *next; s != NULL; s = next) {
		next = s->hh.next;
		if (s->kind == kind && !s->listed) {
			drop(apiserver, s);
			changed = true;
		}
	}
	return changed;
}

static int in_order(const void *a, const void *b)
{
	const struct endpoint *x = a, *y = b;
	if (is_mapped(x->ip) != is_mapped(y->ip))
		return is_mapped(x->ip) ? -1 : 1;
	int order = memcmp(x->ip, y->ip, sizeof x->ip);
	return order != 0 ? order : (x->port > y->port) - (x->port < y->port);
}

static void write_cidr(const struct endpoint *endpoint, struct policy_address *address)
{
	char ip[INET6_ADDRSTRLEN];
	if (is_mapped(endpoint->ip))
		inet_ntop(AF_INET, endpoint->ip + sizeof mapped, ip, sizeof ip);
	else
		inet_ntop(AF_INET6, endpoint->ip, ip, sizeof ip);
	snprintf(address->cidr, sizeof address->cidr, "%s/%s", ip,
	         is_mapped(endpoint->ip) ? "32" : "128");
	address->port = endpoint->port;
}

size_t policy_apiserver_list(const struct policy_apiserver *apiserver,
                             struct policy_address addresses[POLICY_APISERVER_MAX])
{
	struct endpoint all[2 * POLICY_APISERVER_MAX + 2];
	size_t count = 0, kept = 0;
	bool slices = false;
	for (const struct policy_source *s = apiserver->sources; s != NULL; s = s->hh.next)
		slices = slices || s->kind == POLICY_SOURCE_SLICE;
	for (const struct policy_source *s = apiserver->sources; s != NULL; s = s->hh.next) {
		if (slices != (s->kind == POLICY_SOURCE_SLICE))
			continue;
		if (count + s->count > POLICY_APISERVER_MAX)
			return 0;
		if (s->count > 0)
			memcpy(all + count, s->endpoints, s->count * sizeof *all);
		count += s->count;
	}
	if (count == 0)
		return 0;
	qsort(all, count, sizeof *all, in_order);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || in_order(&all[i - 1], &all[i]) != 0)
			write_cidr(&all[i], &addresses[kept++]);
	return kept;
}

void policy_apiserver_free(struct policy_apiserver *apiserver)
{
	for (struct policy_source *s = apiserver->sources, *next; s != NULL; s = next) {
		next = s->hh.next;
		drop(apiserver, s);
	}
}
