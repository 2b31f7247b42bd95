#include "egress_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/normal.h"
#include "k8s/selector.h"
#include "json/write.h"

#define PICK(world, array) (array)[world_pick(world, sizeof(array) / sizeof((array)[0]))]

static const char *const cidrs[] = {
        "0.0.0.0/0",
        "203.0.113.0/24",
        "203.0.113.0/25",
        "203.0.113.64/26",
        "192.0.2.0/24",
        "203.0.113.70/32",
        "198.51.100.7/32",
        "198.51.100.0/30",
        "10.0.0.0/8",
        "10.1.0.0/16",
        "::/0",
        "2001:db8::/32",
        "2001:db8:1::/48",
        "2001:db8:1::7/128",
        "fd00::/8",
};
static const char *const addresses[] = {
        "203.0.113.1",  "203.0.113.70",  "203.0.113.130", "198.51.100.7",
        "198.51.100.2", "198.51.100.9",  "192.0.2.9",     "8.8.8.8",
        "2001:db8::7",  "2001:db8:1::7", "2001:db9::1",
};
static const char *const protocols[] = {"TCP", "UDP", "SCTP"};
static const long numbers[] = {1, 53, 80, 90, 443, 5353, 6443, 8080, 9090, 65535};
static const char *const port_names[] = {"http", "dns", "metrics"};
static const char *const keys[] = {"app", "tier", "x.example.com/role", "env",
                                   "pod-template-hash"};
static const char *const values[] = {"web", "db", "prod", "dev", ""};
static const char *const namespace_keys[] = {"kubernetes.io/metadata.name", "env", "team"};
static const char *const namespace_values[] = {"agents", "shop", "kube-system", "prod", "dev"};
static const char *const names[] = {"api.example.com", "*.example.com",      "example.org",
                                    "*.a.example.com", "xn--bcher-kva.test", "*.example.org"};
static const char *const asked[] = {"api.example.com", "example.com",        "b.a.example.com",
                                    "example.org",     "xn--bcher-kva.test", "www.example.org",
                                    "evilexample.com", "c.b.a.example.com"};

static const struct world_port web_ports[] = {
        {"http", POLICY_TCP, 8080}, {"metrics", POLICY_TCP, 9090}, {NULL, POLICY_TCP, 0}};
static const struct world_port db_ports[] = {
        {"http", POLICY_TCP, 80}, {"metrics", POLICY_UDP, 9090}, {NULL, POLICY_TCP, 0}};
static const struct world_port dns_ports[] = {
        {"dns", POLICY_UDP, 53}, {"dns-tcp", POLICY_TCP, 53}, {NULL, POLICY_TCP, 0}};
static const struct world_port no_ports[] = {{NULL, POLICY_TCP, 0}};

#define SHOP "{\"env\":\"prod\",\"kubernetes.io/metadata.name\":\"shop\",\"team\":\"dev\"}"
#define SYSTEM "{\"kubernetes.io/metadata.name\":\"kube-system\"}"

static const struct world_pod pods[] = {
        {WORLD_SPACE, WORLD_SPACE_LABELS, "{\"app\":\"web\",\"pod-template-hash\":\"web\",\"tier\":\"prod\"}", "10.1.0.1",
         web_ports, false},
        {WORLD_SPACE, WORLD_SPACE_LABELS, "{\"app\":\"db\",\"env\":\"dev\"}", "10.1.0.2", db_ports,
         false},
        {WORLD_SPACE, WORLD_SPACE_LABELS, "{}", "fd00:1::3", no_ports, false},
        {"shop", SHOP, "{\"app\":\"web\",\"x.example.com/role\":\"\"}", "10.1.1.1", web_ports,
         false},
        {"shop", SHOP, "{\"app\":\"db\",\"tier\":\"db\",\"x.example.com/role\":\"web\"}",
         "10.1.1.2", db_ports, false},
        {"kube-system", SYSTEM, "{\"app\":\"web\"}", "10.1.2.1", web_ports, false},
        {"kube-system", SYSTEM, "{\"k8s-app\":\"kube-dns\"}", "10.1.2.2", dns_ports, true},
};

void world_seed(struct world *world, uint64_t seed)
{
	world->random = (seed + 1) * 0x9e3779b97f4a7c15u;
}

unsigned world_pick(struct world *world, unsigned below)
{
	world->random ^= world->random << 13;
	world->random ^= world->random >> 7;
	world->random ^= world->random << 17;
	return (unsigned)(world->random >> 33) % below;
}

static void comma(struct json_buffer *out)
{
	if (out->at[out->len - 1] != '[' && out->at[out->len - 1] != '{')
		json_putc(out, ',');
}

static void draw_port(struct world *world, struct json_buffer *out)
{
	unsigned kind = world_pick(world, 6);
	long first = PICK(world, numbers), last = PICK(world, numbers);
	comma(out);
	json_puts(out, "{");
	if (kind == 0)
		json_putf(out, "\"port\":\"%s\"", PICK(world, port_names));
	else if (kind == 1)
		json_putf(out, "\"port\":%ld,\"endPort\":%ld", first < last ? first : last,
		          first < last ? last : first);
	else if (kind != 2)
		json_putf(out, "\"port\":%ld", first);
	if (world_pick(world, 2) == 0) {
		json_put_key(out, "protocol");
		json_put_string(out, PICK(world, protocols));
	}
	json_puts(out, "}");
}

static void draw_ports(struct world *world, struct json_buffer *out)
{
	unsigned count = world_pick(world, 4);
	if (count == 0)
		return;
	json_put_key(out, "ports");
	json_putc(out, '[');
	while (count-- > 0)
		draw_port(world, out);
	json_putc(out, ']');
}

static void draw_block(struct world *world, struct json_buffer *out)
{
	struct policy_cidr outer, inner;
	const char *cidr = PICK(world, cidrs);
	json_putf(out, "\"ipBlock\":{\"cidr\":\"%s\",\"except\":[", cidr);
	for (unsigned count = world_pick(world, 3) * 2; count > 0; count--) {
		const char *except = PICK(world, cidrs);
		policy_cidr_parse(json_of(cidr), &outer);
		policy_cidr_parse(json_of(except), &inner);
		if (!policy_cidr_holds(&outer, &inner) || outer.prefix == inner.prefix)
			continue;
		comma(out);
		json_put_string(out, except);
	}
	json_puts(out, "]}");
}

static void draw_expression(struct world *world, struct json_buffer *out, bool namespace)
{
	static const char *const operators[] = {"In", "NotIn", "Exists", "DoesNotExist"};
	const char *operator= PICK(world, operators);
	comma(out);
	json_putf(out, "{\"key\":\"%s\",\"operator\":\"%s\"",
	          namespace ? PICK(world, namespace_keys) : PICK(world, keys), operator);
	if (strstr(operator, "In") != NULL) {
		json_puts(out, ",\"values\":[");
		for (unsigned count = 1 + world_pick(world, 2); count > 0; count--) {
			comma(out);
			json_put_string(out,
			                namespace ? PICK(world, namespace_values) : PICK(world, values));
		}
		json_puts(out, "]");
	}
	json_puts(out, "}");
}

static void draw_selector(struct world *world, struct json_buffer *out, bool namespace)
{
	unsigned kind = world_pick(world, 5);
	json_puts(out, "{");
	if (kind == 1 || kind == 3)
		json_putf(out, "\"matchLabels\":{\"%s\":\"%s\"}",
		          namespace ? PICK(world, namespace_keys) : PICK(world, keys),
		          namespace ? PICK(world, namespace_values) : PICK(world, values));
	if (kind == 2 || kind == 3) {
		json_put_key(out, "matchExpressions");
		json_puts(out, "[");
		for (unsigned count = 1 + world_pick(world, 2); count > 0; count--)
			draw_expression(world, out, namespace);
		json_puts(out, "]");
	}
	json_puts(out, "}");
}

static void draw_peer(struct world *world, struct json_buffer *out)
{
	unsigned kind = world_pick(world, 6);
	comma(out);
	json_puts(out, "{");
	if (kind < 3)
		draw_block(world, out);
	if (kind == 3 || kind == 5) {
		json_puts(out, "\"podSelector\":");
		draw_selector(world, out, false);
	}
	if (kind == 4 || kind == 5) {
		json_put_key(out, "namespaceSelector");
		draw_selector(world, out, true);
	}
	json_puts(out, "}");
}

static void draw_egress(struct world *world, struct json_buffer *out)
{
	json_puts(out, "[");
	for (unsigned count = world_pick(world, 4); count > 0; count--) {
		comma(out);
		json_puts(out, "{\"to\":[");
		for (unsigned peers = world_pick(world, 8) == 0 ? 0 : 1 + world_pick(world, 2);
		     peers > 0; peers--)
			draw_peer(world, out);
		json_puts(out, "]");
		draw_ports(world, out);
		json_puts(out, "}");
	}
	json_puts(out, "]");
}

static void draw_domains(struct world *world, struct json_buffer *out)
{
	json_puts(out, "[");
	for (unsigned count = world_pick(world, 3); count > 0; count--) {
		comma(out);
		json_puts(out, "{\"names\":[");
		for (unsigned more = 1 + world_pick(world, 2); more > 0; more--) {
			comma(out);
			json_put_string(out, PICK(world, names));
		}
		json_puts(out, "]");
		draw_ports(world, out);
		json_puts(out, "}");
	}
	json_puts(out, "]");
}

static void set(struct json_buffer *list, struct world *world,
                void (*draw)(struct world *world, struct json_buffer *out))
{
	struct json_buffer drawn = {0};
	draw(world, &drawn);
	list->len = 0;
	policy_normal_put(list, json_buffer_text(&drawn));
	json_buffer_free(&drawn);
}

void world_rules_draw(struct world *world, struct world_rules *rules)
{
	rules->egress.len = rules->domains.len = 0;
	unsigned kind = world_pick(world, 4);
	if (kind != 0)
		set(&rules->egress, world, draw_egress);
	if (kind < 2)
		set(&rules->domains, world, draw_domains);
}

void world_rules_free(struct world_rules *rules)
{
	json_buffer_free(&rules->egress);
	json_buffer_free(&rules->domains);
}

void world_rules_put(const struct world_rules *rules, struct json_buffer *out)
{
	json_putc(out, '{');
	if (rules->egress.len > 0) {
		json_put_key(out, "egress");
		json_puttext(out, json_buffer_text(&rules->egress));
	}
	if (rules->domains.len > 0) {
		json_put_key(out, "domains");
		json_puttext(out, json_buffer_text(&rules->domains));
	}
	json_putc(out, '}');
}

static struct policy_cidr one_address(const char *address)
{
	char text[POLICY_NAME_SIZE];
	struct policy_cidr cidr;
	snprintf(text, sizeof text, "%s/%s", address, strchr(address, ':') ? "128" : "32");
	if (policy_cidr_parse(json_of(text), &cidr) != NULL)
		abort();
	return cidr;
}

void world_connection_draw(struct world *world, struct world_connection *connection)
{
	unsigned kind = world_pick(world, 8);
	*connection = (struct world_connection){
	        .protocol = (enum policy_protocol)(world_pick(world, 4) % 3),
	        .port = world_pick(world, 8) == 0 ? 1 + (long)world_pick(world, 65535)
	                                          : PICK(world, numbers)};
	const char *address = PICK(world, addresses);
	if (kind < 3) {
		connection->pod = &PICK(world, pods);
		address = connection->pod->address;
	} else if (kind == 3) {
		connection->is_api_server = true;
		address = world_pick(world, 2) == 0 ? WORLD_API_SERVER : WORLD_API_SERVER_6;
	} else if (kind < 6) {
		connection->name = PICK(world, asked);
	}
	connection->address = one_address(address);
	/* half of the connections to pods go where something listens */
	if (connection->pod != NULL && connection->pod->ports->name != NULL &&
	    world_pick(world, 2) == 0) {
		connection->protocol = connection->pod->ports[world_pick(world, 2)].protocol;
		connection->port = connection->pod->ports[world_pick(world, 2)].port;
	}
}

void world_connection_print(const struct world_connection *connection, char text[256])
{
	char address[64] = "";
	size_t len = 0;
	for (unsigned i = 0; i < connection->address.bits / 8; i++)
		len += (size_t)snprintf(address + len, sizeof address - len, "%s%d",
		                        i == 0 ? "" : ".", connection->address.ip[i]);
	snprintf(text, 256, "%s %ld to %s%s%s %s", protocols[connection->protocol],
	         connection->port, connection->name == NULL ? address : connection->name,
	         connection->pod == NULL ? "" : " in ",
	         connection->pod == NULL ? "" : connection->pod->namespace,
	         connection->pod == NULL ? "" : connection->pod->labels);
}

bool world_name_matches(const char *pattern, const char *name)
{
	size_t suffix = strlen(pattern) - 1, len = strlen(name);
	if (strncmp(pattern, "*.", 2) != 0)
		return strcmp(pattern, name) == 0;
	return len > suffix && strcmp(name + len - suffix, pattern + 1) == 0;
}

bool world_address_in(const char *cidr, const struct policy_cidr *address)
{
	struct policy_cidr outer;
	if (policy_cidr_parse(json_of(cidr), &outer) != NULL)
		abort();
	return policy_cidr_holds(&outer, address);
}

bool world_selects(struct json_text selector, const char *labels)
{
	return policy_selector_matches(selector, json_of(labels));
}

bool world_port_named(const struct world_pod *pod, const char *name, enum policy_protocol protocol,
                      long port)
{
	if (pod == NULL)
		return false;
	for (const struct world_port *at = pod->ports; at->name != NULL; at++)
		if (strcmp(at->name, name) == 0 && at->protocol == protocol && at->port == port)
			return true;
	return false;
}
