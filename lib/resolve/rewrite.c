#include "resolve/rewrite_private.h"

#include <stdlib.h>
#include <string.h>

#include "json/write.h"
#include "net/cidr.h"

/* The bounds of rules/schema_private.h, and what a peer and a rule take at most, without ports. */
enum { RULES_MAX = 256, PEERS_MAX = 256, PEER_BYTES = 72, RULE_BYTES = 32 };

struct addresses {
	struct policy_cidr *at;
	size_t count;
};

struct room {
	size_t bytes, rules;
};

struct work {
	const struct dns_rewriting *how;
	const struct dns_use *use; /* of the next name */
	struct json_buffer *policy, *resolution;
	struct room room;
	struct addresses entry; /* of the names of one entry, in order */
};

bool dns_rewrite_concerns(const struct event *event, struct dns_rules *found)
{
	struct policy_problems problems = {0};
	*found = (struct dns_rules){0};
	if (!json_is_true(json_get(event->verification, "verified")))
		return false;
	found->of_card = policy_card_rules_find(event->object, &problems);
	if (!json_is_empty(json_get(found->of_card.text, "domains")))
		found->rules = policy_rules_read(found->of_card.text, &problems);
	bool concerns = problems.errors == 0 && dns_rewrite_count(found->rules.domains) > 0;
	policy_problems_free(&problems);
	if (!concerns)
		dns_rules_free(found);
	return concerns;
}

void dns_rules_free(struct dns_rules *found)
{
	policy_card_rules_free(&found->of_card);
	*found = (struct dns_rules){0};
}

size_t dns_rewrite_count(struct json_text domains)
{
	size_t count = 0;
	for (struct json_member m = json_first(domains); m.value.at; m = json_next(m))
		count += json_count(json_get(m.value, "names"));
	return count;
}

static char *decode(struct json_text name)
{
	char *text = json_cstring(name);
	if (text == NULL)
		abort();
	return text;
}

static void use_name(struct json_text string, struct dns_names *names, void *user,
                     struct dns_use *use)
{
	char *name = decode(string);
	*use = (struct dns_use){.user = user};
	if (dns_name_usable(json_of(name)))
		dns_names_use(names, json_of(name), user, use);
	free(name);
}

void dns_rewrite_use(struct json_text domains, struct dns_names *names, void *user,
                     struct dns_use *uses)
{
	size_t at = 0;
	for (struct json_member entry = json_first(domains); entry.value.at;
	     entry = json_next(entry)) {
		struct json_text list = json_get(entry.value, "names");
		for (struct json_member m = json_first(list); m.value.at; m = json_next(m))
			use_name(m.value, names, user, &uses[at++]);
	}
}

static int compare(const void *a, const void *b)
{
	return dns_address_compare(a, b);
}

static void *memory(size_t count)
{
	void *at = calloc(count + 1, sizeof(struct policy_cidr));
	if (at == NULL)
		abort();
	return at;
}

static struct addresses of_name(const struct dns_name *name)
{
	struct addresses all = {0};
	all.at = memory(name->families[DNS_A].count + name->families[DNS_AAAA].count);
	for (int type = 0; type < DNS_TYPES; type++)
		for (size_t i = 0; i < name->families[type].count; i++)
			all.at[all.count++] = name->families[type].addresses[i].ip;
	qsort(all.at, all.count, sizeof *all.at, compare);
	return all;
}

/* Both are in order, and so is what comes out. */
static struct addresses merge(const struct addresses *a, const struct addresses *b)
{
	struct addresses all = {.at = memory(a->count + b->count)};
	size_t i = 0, j = 0;
	while (i < a->count || j < b->count) {
		int order = i == a->count   ? 1
		            : j == b->count ? -1
		                            : compare(&a->at[i], &b->at[j]);
		all.at[all.count++] = order <= 0 ? a->at[i] : b->at[j];
		i += order <= 0;
		j += order >= 0;
	}
	return all;
}

static size_t rules_for(size_t peers)
{
	return (peers + PEERS_MAX - 1) / PEERS_MAX;
}

/* Takes room for an entry that grows. */
static bool take_room(struct room *room, size_t before, size_t after, size_t ports)
{
	size_t rules = rules_for(after) - rules_for(before);
	size_t bytes = (after - before) * PEER_BYTES + rules * (RULE_BYTES + ports);
	if (rules > room->rules || bytes > room->bytes)
		return false;
	room->rules -= rules;
	room->bytes -= bytes;
	return true;
}

static void say_name(struct json_buffer *out, struct json_text name,
                     const struct addresses *addresses, struct json_text problem)
{
	json_put_comma(out);
	json_puts(out, "{\"name\":");
	json_puttext(out, name);
	json_puts(out, ",\"addresses\":[");
	for (size_t i = 0; i < addresses->count; i++) {
		char ip[DNS_ADDRESS_SIZE];
		dns_address_format(&addresses->at[i], ip);
		json_putf(out, "%s\"%s\"", i == 0 ? "" : ",", ip);
	}
	json_putc(out, ']');
	if (problem.len > 0) {
		json_puts(out, ",\"problem\":");
		json_put_string_n(out, problem.at, problem.len);
	}
	json_putc(out, '}');
}

/* Adds a name's addresses to those of its entry, and says what they are. */
static void take_name(struct work *work, struct json_text string, const struct dns_use *use,
                      size_t ports)
{
	struct json_buffer problem = {0};
	struct addresses own = {0}, all;
	if (use->name == NULL) {
		json_puts(&problem, work->how->unknown);
	} else {
		own = of_name(use->name);
		dns_name_problem(use->name, &problem);
	}
	all = merge(&work->entry, &own);
	if (take_room(&work->room, work->entry.count, all.count, ports)) {
		free(work->entry.at);
		work->entry = all;
	} else {
		free(all.at);
		own.count = problem.len = 0;
		json_puts(&problem, "there is no room for its addresses beside the card's rules");
	}
	say_name(work->resolution, string, &own, json_buffer_text(&problem));
	free(own.at);
	json_buffer_free(&problem);
}

static void put_rule(struct json_buffer *out, const struct policy_cidr *peers, size_t count,
                     struct json_text ports)
{
	json_put_comma(out);
	json_puts(out, "{\"to\":[");
	for (size_t i = 0; i < count; i++) {
		char ip[DNS_ADDRESS_SIZE];
		dns_address_format(&peers[i], ip);
		json_putf(out, "%s{\"ipBlock\":{\"cidr\":\"%s/%u\"}}", i == 0 ? "" : ",", ip,
		          peers[i].bits);
	}
	json_putc(out, ']');
	if (json_type(ports) == JSON_ARRAY) {
		json_puts(out, ",\"ports\":");
		json_puttext(out, ports);
	}
	json_putc(out, '}');
}

static bool is_wildcard(struct json_text string)
{
	char *name = decode(string);
	bool wildcard = name[0] == '*';
	free(name);
	return wildcard;
}

static void take_entry(struct work *work, struct json_text entry)
{
	struct json_text ports = json_get(entry, "ports");
	struct json_text names = json_get(entry, "names");
	for (struct json_member m = json_first(names); m.value.at; m = json_next(m)) {
		const struct dns_use *use = work->use++;
		if (is_wildcard(m.value))
			say_name(work->resolution, m.value, &(struct addresses){0},
			         json_of("a wildcard cannot be resolved"));
		else
			take_name(work, m.value, use, ports.len);
	}
	/* never a rule without peers: that would be one to everywhere */
	for (size_t at = 0; at < work->entry.count; at += PEERS_MAX) {
		size_t left = work->entry.count - at;
		put_rule(work->policy, work->entry.at + at, left < PEERS_MAX ? left : PEERS_MAX,
		         ports);
	}
	free(work->entry.at);
	work->entry = (struct addresses){0};
}

/* The entry with nothing but its wildcards; nothing when it has none. */
static void put_wildcards(struct json_buffer *out, struct json_text entry)
{
	struct json_text ports = json_get(entry, "ports");
	struct json_text names = json_get(entry, "names");
	bool any = false;
	for (struct json_member m = json_first(names); m.value.at; m = json_next(m)) {
		if (!is_wildcard(m.value))
			continue;
		if (!any) {
			json_put_comma(out);
			json_puts(out, "{\"names\":[");
		}
		json_put_comma(out);
		json_puttext(out, m.value);
		any = true;
	}
	if (!any)
		return;
	json_putc(out, ']');
	if (json_type(ports) == JSON_ARRAY) {
		json_puts(out, ",\"ports\":");
		json_puttext(out, ports);
	}
	json_putc(out, '}');
}

static void put_domains(struct json_buffer *out, struct json_text domains)
{
	struct json_buffer left = {0};
	json_putc(&left, '[');
	for (struct json_member m = json_first(domains); m.value.at; m = json_next(m))
		put_wildcards(&left, m.value);
	json_putc(&left, ']');
	if (left.len > 2) {
		json_puts(out, ",\"domains\":");
		json_puttext(out, json_buffer_text(&left));
	}
	json_buffer_free(&left);
}

static void put_groups(struct json_buffer *out, struct json_text groups)
{
	if (groups.at == NULL)
		return;
	json_puts(out, ",\"groups\":");
	json_puttext(out, groups);
}

/* What the card's own part leaves of the bounds. */
static struct room room_beside(const struct policy_rules *rules_of_card, struct json_text egress)
{
	size_t taken = egress.len + rules_of_card->domains.len + rules_of_card->groups.len +
	               sizeof "{\"egress\":,\"domains\":,\"groups\":}";
	size_t rules = json_count(egress);
	return (struct room){.bytes = taken < POLICY_RULES_BYTES ? POLICY_RULES_BYTES - taken : 0,
	                     .rules = rules < RULES_MAX ? RULES_MAX - rules : 0};
}

void dns_rewrite_policy(const struct dns_rewriting *how, const struct policy_rules *rules,
                        struct json_buffer *policy, struct json_buffer *resolution)
{
	struct json_text own = rules->egress.at != NULL ? rules->egress : how->dns;
	struct work work = {.how = how,
	                    .use = how->uses,
	                    .policy = policy,
	                    .resolution = resolution,
	                    .room = room_beside(rules, own)};
	policy->len = resolution->len = 0;
	json_puts(resolution, "{\"names\":[");
	json_puts(policy, "{\"egress\":[");
	if (!json_is_empty(own))
		json_put(policy, own.at + 1, own.len - 2);
	for (struct json_member m = json_first(rules->domains); m.value.at; m = json_next(m))
		take_entry(&work, m.value);
	json_putc(policy, ']');
	put_domains(policy, rules->domains);
	put_groups(policy, rules->groups);
	json_putc(policy, '}');
	json_puts(resolution, "]}");
}

/* What stands in the line at `old` is replaced. */
struct edit {
	struct json_text old;
	const char *before; /* put ahead of `new` */
	struct json_text new;
};

static void sort(struct edit *edits, size_t count)
{
	for (size_t i = 1; i < count; i++)
		for (size_t j = i; j > 0 && edits[j].old.at < edits[j - 1].old.at; j--) {
			struct edit later = edits[j - 1];
			edits[j - 1] = edits[j];
			edits[j] = later;
		}
}

/* Where the card has its rules: there, the field and the annotation, which say the same. */
static size_t replace_rules(const struct event *event, struct json_text policy,
                            struct json_text annotation, struct edit edits[2])
{
	struct json_text field = json_get(event->object, "spec", "networkPolicy");
	struct json_text annotated =
		json_get(event->object, "metadata", "annotations", POLICY_RULES_ANNOTATION);
	size_t count = 0;
	if (annotated.at != NULL)
		edits[count++] = (struct edit){annotated, "", annotation};
	if (field.at != NULL)
		edits[count++] = (struct edit){field, "", policy};
	return count;
}

void dns_rewrite_line(struct json_text line, const struct event *event, const char *type,
                      struct json_text policy, struct json_text resolution,
                      struct json_buffer *out)
{
	struct json_text json = json_trim(line), old = json_get(json, "resolution");
	struct json_text verification = event->verification;
	struct json_buffer annotation = {0};
	struct edit edits[4];
	json_put_string_n(&annotation, policy.at, policy.len);
	size_t count = replace_rules(event, policy, json_buffer_text(&annotation), edits);
	edits[count++] =
		old.at != NULL
			? (struct edit){old, "", resolution}
			: (struct edit){{verification.at + verification.len, 0},
		                        ",\"resolution\":", resolution};
	if (type != NULL)
		edits[count++] = (struct edit){json_get(json, "type"), "", json_of(type)};
	sort(edits, count);
	const char *at = line.at;
	out->len = 0;
	for (size_t i = 0; i < count; i++) {
		json_put(out, at, (size_t)(edits[i].old.at - at));
		json_puts(out, edits[i].before);
		json_puttext(out, edits[i].new);
		at = edits[i].old.at + edits[i].old.len;
	}
	json_put(out, at, (size_t)(line.at + line.len - at));
	json_buffer_free(&annotation);
}
