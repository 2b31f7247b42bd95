#include "policy/restrict.h"
#include "json/write.h"

/* No field of the card is at fault. */
static const char field[] = "spec";

static void put_cidr(struct json_buffer *out, const char *cidr)
{
	json_put_comma(out);
	json_puts(out, "{\"ipBlock\":{\"cidr\":");
	json_put_string(out, cidr);
	json_puts(out, "}}");
}

static void put_port(struct json_buffer *out, long port)
{
	json_putf(out, "{\"ports\":[{\"port\":%ld,\"protocol\":\"TCP\"}],\"to\":[", port);
}

static void put_settings(const struct policy_settings *settings, struct json_buffer *out)
{
	put_port(out, settings->api_server_port == POLICY_PORT_ENDPOINTS
	                      ? POLICY_PORT_DEFAULT
	                      : settings->api_server_port);
	for (size_t i = 0; settings->api_server[i] != NULL; i++)
		put_cidr(out, settings->api_server[i]);
	json_puts(out, "]}");
}

static long port_of(const struct policy_address *address)
{
	return address->port == 0 ? POLICY_PORT_DEFAULT : address->port;
}

/* A rule for each port, in order of the first address that has it. */
static void put_own_ports(const struct policy_address *addresses, size_t count,
                          struct json_buffer *out)
{
	for (size_t i = 0; i < count; i++) {
		bool done = false;
		for (size_t j = 0; j < i && !done; j++)
			done = port_of(&addresses[j]) == port_of(&addresses[i]);
		if (done)
			continue;
		json_puts(out, i == 0 ? "" : ",");
		put_port(out, port_of(&addresses[i]));
		for (size_t j = i; j < count; j++)
			if (port_of(&addresses[j]) == port_of(&addresses[i]))
				put_cidr(out, addresses[j].cidr);
		json_puts(out, "]}");
	}
}

static bool same_cidr(const struct policy_address *a, const struct policy_address *b)
{
	return json_same(json_of(a->cidr), json_of(b->cidr));
}

/* Addresses are in order, those that differ in the port alone side by side. */
static void put_one_port(const struct policy_address *addresses, size_t count, long port,
                         struct json_buffer *out)
{
	put_port(out, port);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || !same_cidr(&addresses[i - 1], &addresses[i]))
			put_cidr(out, addresses[i].cidr);
	json_puts(out, "]}");
}

/* One that none of the addresses listens on. */
static void warn_of_port(const struct policy_address *addresses, size_t count, long port,
                         struct policy_problems *problems)
{
	for (size_t i = 0; i < count; i++)
		if (addresses[i].port == 0 || addresses[i].port == port)
			return;
	policy_problem(problems, POLICY_WARNING, field, (struct json_text){0},
	               "the API server listens on port %ld, not %ld: use --api-server-port",
	               addresses[0].port, port);
}

void policy_restrict_put(const struct policy_inventory *inventory, struct json_buffer *out,
                         struct policy_problems *problems)
{
	const struct policy_settings *settings = inventory->settings;
	struct policy_address addresses[POLICY_APISERVER_MAX];
	json_putc(out, '[');
	if (settings->api_server[0] != NULL) {
		put_settings(settings, out);
		json_putc(out, ']');
		return;
	}
	size_t count = policy_apiserver_list(&inventory->apiserver, addresses);
	if (count == 0) {
		policy_problem(problems, POLICY_ERROR, field, (struct json_text){0},
		               "no address of the API server is known: all egress is denied");
	} else if (settings->api_server_port == POLICY_PORT_ENDPOINTS) {
		put_own_ports(addresses, count, out);
	} else {
		put_one_port(addresses, count, settings->api_server_port, out);
		warn_of_port(addresses, count, settings->api_server_port, problems);
	}
	json_putc(out, ']');
}
