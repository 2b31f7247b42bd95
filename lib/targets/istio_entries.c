#include <stdio.h>
#include <string.h>

#include "rules/expand.h"
#include "targets/istio_entries_private.h"
#include "rules/normal.h"
#include "rules/rules.h"
#include "json/write.h"

#define HOST_SUFFIX ".egress.invalid"
enum { HOSTS_MAX = 256, NAMES_PORT = 443, PATH_SIZE = 192 };

static void say(struct istio_entries *entries, const char *field, struct json_text value,
                const char *message)
{
	policy_problem(&entries->decision->problems, POLICY_WARNING, field, value, "%s", message);
}

void istio_add_host(struct json_buffer *hosts, const char *namespace, struct json_text host)
{
	json_putf(hosts, "%s\"%s/%.*s\"", hosts->len == 0 ? "" : ",", namespace, (int)host.len,
	          host.at);
}

static void put_hex(char hex[POLICY_HEX_SIZE], const struct istio_entries *entries,
                    const struct json_buffer *says)
{
	struct json_buffer whole = {0};
	json_putf(&whole, "%s\n", entries->decision->workload->object->name);
	json_puttext(&whole, json_buffer_text(says));
	struct policy_digest digest = policy_digest(json_buffer_text(&whole));
	for (size_t i = 0; i < sizeof digest.bytes; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest.bytes[i]);
	json_buffer_free(&whole);
}

/* NULL: it says what another one does. */
static struct istio_entry *add_entry(struct istio_entries *entries, const struct json_buffer *says)
{
	char hex[POLICY_HEX_SIZE];
	put_hex(hex, entries, says);
	for (size_t i = 0; i < entries->count; i++)
		if (strcmp(entries->items[i].hex, hex) == 0)
			return NULL;
	if (entries->count == entries->size) {
		entries->size = entries->size == 0 ? 4 : entries->size * 2;
		entries->items = realloc(entries->items, entries->size * sizeof *entries->items);
		if (entries->items == NULL)
			abort();
	}
	struct istio_entry *entry = &entries->items[entries->count++];
	*entry = (struct istio_entry){0};
	memcpy(entry->hex, hex, sizeof hex);
	return entry;
}

/* The addresses of a rule; a block that cannot be written whole is left out. */
static size_t put_addresses(struct istio_entries *entries, const char *field, struct json_text to,
                            struct json_buffer *out)
{
	struct policy_cidr pieces[POLICY_PIECES_MAX];
	size_t index = 0, written = 0;
	char path[PATH_SIZE];
	for (struct json_member m = json_first(to); m.value.at; m = json_next(m), index++) {
		struct json_text block = json_get(m.value, "ipBlock");
		size_t count = policy_block_expand(block, pieces);
		snprintf(path, sizeof path, "%s.to[%zu]", field, index);
		if (block.at == NULL) {
			say(entries, path, (struct json_text){0},
			    "Istio knows Services, not pods: these stay denied");
		} else if (written + count > POLICY_PIECES_MAX) {
			say(entries, path, json_get(block, "cidr"),
			    "too many addresses for one ServiceEntry, which has no exceptions: "
			    "this "
			    "stays denied");
		} else {
			for (size_t i = 0; i < count; i++, written++) {
				json_puts(out, written == 0 ? "" : ",");
				policy_cidr_put(&pieces[i], out);
			}
		}
	}
	return written;
}

static bool is_tcp(struct json_text port)
{
	struct json_text protocol = json_get(port, "protocol");
	return json_type(protocol) <= JSON_NULL ||
	       json_equals(protocol, policy_protocol_words[POLICY_TCP]);
}

static void say_ports(struct istio_entries *entries, const char *field, struct json_text list,
                      const struct policy_ports *ports)
{
	size_t index = 0;
	char path[PATH_SIZE];
	if (json_is_empty(list))
		say(entries, field, (struct json_text){0},
		    "a ServiceEntry must name its ports: without them all of TCP stays denied");
	for (struct json_member m = json_first(list); m.value.at; m = json_next(m), index++) {
		struct json_text number = json_get(m.value, "port");
		snprintf(path, sizeof path, "%s.ports[%zu]", field, index);
		if (!is_tcp(m.value) || json_type(number) == JSON_NUMBER)
			continue;
		say(entries, path, number,
		    "a ServiceEntry needs a port's number: this stays denied");
	}
	snprintf(path, sizeof path, "%s.ports", field);
	if (ports->many)
		say(entries, path, (struct json_text){0},
		    "a ServiceEntry can have 256 ports: ranges that do not fit stay denied");
}

static void add_addresses(struct istio_entries *entries, const struct json_buffer *addresses,
                          const struct policy_ports *ports)
{
	char host[POLICY_HEX_SIZE + sizeof HOST_SUFFIX];
	struct json_buffer says = {0};
	json_puts(&says, "\"location\":\"MESH_EXTERNAL\",\"ports\":[");
	for (size_t i = 0; i < ports->count; i++)
		json_putf(&says, "%s{\"name\":\"tcp-%u\",\"number\":%u,\"protocol\":\"TCP\"}",
		          i == 0 ? "" : ",", ports->at[i], ports->at[i]);
	json_puts(&says, "],\"resolution\":\"NONE\",\"addresses\":[");
	json_puttext(&says, json_buffer_text(addresses));
	json_putc(&says, ']');
	struct istio_entry *entry = add_entry(entries, &says);
	if (entry != NULL) {
		snprintf(host, sizeof host, "%s" HOST_SUFFIX, entry->hex);
		istio_add_host(&entries->hosts, ".", json_of(host));
		json_putf(&entry->spec, "\"hosts\":[\"%s\"],", host);
		json_puttext(&entry->spec, json_buffer_text(&says));
	}
	json_buffer_free(&says);
}

static void add_rule(struct istio_entries *entries, const char *field, struct json_text rule)
{
	struct json_text to = json_get(rule, "to");
	struct json_buffer everywhere = {0}, addresses = {0};
	struct policy_ports ports;
	if (json_is_empty(to) && json_is_empty(json_get(rule, "ports"))) {
		entries->any = true;
		return;
	}
	policy_ports_expand(json_get(rule, "ports"), POLICY_TCP, &ports);
	say_ports(entries, field, json_get(rule, "ports"), &ports);
	if (ports.count == 0)
		return;
	if (json_is_empty(to)) {
		json_puts(&everywhere, "[{\"ipBlock\":{\"cidr\":\"0.0.0.0/0\"}},"
		                       "{\"ipBlock\":{\"cidr\":\"::/0\"}}]");
		to = json_buffer_text(&everywhere);
	}
	if (put_addresses(entries, field, to, &addresses) > 0)
		add_addresses(entries, &addresses, &ports);
	json_buffer_free(&everywhere);
	json_buffer_free(&addresses);
}

static void add_rules(struct istio_entries *entries)
{
	struct json_text egress = json_buffer_text(&entries->decision->egress);
	bool own =
	        entries->decision->mode == POLICY_MODE_SCOPED && !entries->decision->egress_is_dns;
	size_t index = 0;
	char field[PATH_SIZE / 2];
	for (struct json_member m = json_first(egress); m.value.at; m = json_next(m), index++) {
		snprintf(field, sizeof field, "%s.egress[%zu]", own ? entries->decision->rules_path : "spec",
		         index);
		add_rule(entries, field, m.value);
	}
}

/* Does the name have this label third, as that of a Service of the cluster has `svc`? */
static bool is_service(struct json_text name)
{
	static const char svc[] = "svc";
	size_t dots = 0, from = 0, at = 0;
	for (; at < name.len && dots < 3; at++)
		if (name.at[at] == '.' && ++dots == 2)
			from = at + 1;
	size_t len = at - from - (dots == 3);
	return dots >= 2 && len == strlen(svc) && memcmp(name.at + from, svc, len) == 0;
}

static bool ends_with(struct json_text text, const char *end)
{
	size_t len = strlen(end);
	return text.len >= len && memcmp(text.at + text.len - len, end, len) == 0;
}

/* Why a name cannot be a host; NULL: it can. A Sidecar would have all that others say of one. */
static const char *name_fault(struct json_text name)
{
	if (name.at == NULL || name.at[0] == '*')
		return "a proxy cannot tell which names an address has: a wildcard stays denied";
	if (is_service(name))
		return "this may be a Service of the cluster, with all its ports: it stays denied";
	if (ends_with(name, ".invalid"))
		return "names below invalid are those of our own entries: this stays denied";
	return NULL;
}

/* Whether port 443 is among those of an element of `domains`; says what else is not expressed. */
static bool has_names_port(struct istio_entries *entries, const char *field, struct json_text ports)
{
	static const char others[] =
	        "a proxy can tell DNS names on port 443 alone, as TLS: all other ports stay denied";
	size_t index = 0;
	bool found = json_is_empty(ports);
	char path[PATH_SIZE];
	snprintf(path, sizeof path, "%s.ports", field);
	if (found)
		say(entries, path, (struct json_text){0}, others);
	for (struct json_member m = json_first(ports); m.value.at; m = json_next(m), index++) {
		struct json_text number = json_get(m.value, "port"),
		                 end = json_get(m.value, "endPort");
		int64_t first = 1, last = UINT16_MAX;
		if (!is_tcp(m.value))
			continue;
		if (json_integer(number, &first) && !json_integer(end, &last))
			last = first;
		else if (json_type(number) == JSON_STRING)
			last = 0;
		found = found || (first <= NAMES_PORT && NAMES_PORT <= last);
		snprintf(path, sizeof path, "%s.ports[%zu]", field, index);
		if (first != NAMES_PORT || last != NAMES_PORT)
			say(entries, path, number, others);
	}
	return found;
}

static void add_name(struct istio_entries *entries, struct json_text name)
{
	if (entries->name_count == entries->name_size) {
		entries->name_size = entries->name_size == 0 ? 16 : entries->name_size * 2;
		entries->names =
		        realloc(entries->names, entries->name_size * sizeof *entries->names);
		if (entries->names == NULL)
			abort();
	}
	entries->names[entries->name_count++] = name;
}

static void take_domain(struct istio_entries *entries, const char *field, struct json_text domain)
{
	struct json_text names = json_get(domain, "names");
	size_t index = 0;
	char path[PATH_SIZE];
	if (!has_names_port(entries, field, json_get(domain, "ports")))
		return;
	for (struct json_member m = json_first(names); m.value.at; m = json_next(m), index++) {
		const char *fault = name_fault(json_plain(m.value));
		snprintf(path, sizeof path, "%s.names[%zu]", field, index);
		if (fault == NULL)
			add_name(entries, json_plain(m.value));
		else
			say(entries, path, m.value, fault);
	}
}

static int by_bytes(const void *a, const void *b)
{
	const struct json_text *x = a, *y = b;
	int order = memcmp(x->at, y->at, x->len < y->len ? x->len : y->len);
	return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

/* In order and each once, so that the entries do not depend on how the card has them. */
static void sort_names(struct istio_entries *entries)
{
	size_t kept = 0;
	if (entries->name_count > 0)
		qsort(entries->names, entries->name_count, sizeof *entries->names, by_bytes);
	for (size_t i = 0; i < entries->name_count; i++)
		if (kept == 0 || !json_same(entries->names[kept - 1], entries->names[i]))
			entries->names[kept++] = entries->names[i];
	entries->name_count = kept;
}

static void add_names(struct istio_entries *entries, const struct json_text names[], size_t count)
{
	struct json_buffer says = {0};
	json_puts(&says, "\"hosts\":[");
	for (size_t i = 0; i < count; i++) {
		json_puts(&says, i == 0 ? "" : ",");
		json_put_string_n(&says, names[i].at, names[i].len);
		istio_add_host(&entries->hosts, ".", names[i]);
	}
	json_putf(&says,
	          "],\"location\":\"MESH_EXTERNAL\",\"ports\":[{\"name\":\"tls-%d\",\"number\":%d,"
	          "\"protocol\":\"TLS\"}],\"resolution\":\"DNS\"",
	          NAMES_PORT, NAMES_PORT);
	struct istio_entry *entry = add_entry(entries, &says);
	if (entry != NULL)
		json_puttext(&entry->spec, json_buffer_text(&says));
	json_buffer_free(&says);
}

static void add_domains(struct istio_entries *entries)
{
	size_t index = 0;
	char field[PATH_SIZE / 2];
	struct json_member m = json_first(entries->decision->domains);
	for (; m.value.at; m = json_next(m), index++) {
		snprintf(field, sizeof field, "%s.domains[%zu]",
		         entries->decision->rules_path, index);
		take_domain(entries, field, m.value);
	}
	sort_names(entries);
	for (size_t at = 0; at < entries->name_count; at += HOSTS_MAX)
		add_names(entries, entries->names + at,
		          entries->name_count - at < HOSTS_MAX ? entries->name_count - at
		                                               : HOSTS_MAX);
}

void istio_entries_read(struct istio_entries *entries, struct policy_decision *decision)
{
	entries->decision = decision;
	add_rules(entries);
	if (!entries->any)
		add_domains(entries);
}

void istio_entries_free(struct istio_entries *entries)
{
	for (size_t i = 0; i < entries->count; i++)
		json_buffer_free(&entries->items[i].spec);
	free(entries->items);
	free(entries->names);
	json_buffer_free(&entries->hosts);
	*entries = (struct istio_entries){0};
}
