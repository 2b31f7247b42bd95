/* Arithmetic of egress rules, beside an evaluator that knows nothing of it: the formula of the admin's
 * bounds over random rules, asked of random connections, under both readings of an ipBlock.
 * EGRESS_SETS_CASES=100000 runs more than the few of every day. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "json/json.h"
#include "json/write.h"
#include "rules/rules.h"
#include "rules/sets.h"
#include "rules/witness.h"

enum { CASES = 800, CONNECTIONS = 24, PIECES = 5 };

enum style { BLOCKS, PODS, MIXED };

static uint64_t random_state = 88172645463325252u;

static unsigned pick(unsigned below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned)(random_state >> 33) % below;
}

static const char *one_of(const char *const words[], unsigned count)
{
	return words[pick(count)];
}

/* ---- rules */

static const char *const cidrs[] = {
        "0.0.0.0/0",      "10.0.0.0/8",      "10.244.0.0/16", "10.244.1.0/24",     "203.0.113.0/24",
        "203.0.113.0/25", "203.0.113.64/26", "203.0.113.7/32", "169.254.169.254/32", "169.254.0.0/16",
        "::/0",           "2001:db8::/32",   "2001:db8::7/128", "2001:db8:1::/48",
};
enum { CIDRS = sizeof cidrs / sizeof cidrs[0] };

static bool holds(const char *outer, const char *inner)
{
	struct policy_cidr a, b;
	assert_null(policy_cidr_parse(json_of(outer), &a));
	assert_null(policy_cidr_parse(json_of(inner), &b));
	return a.prefix < b.prefix && policy_cidr_holds(&a, &b);
}

static void put_block(struct json_buffer *out)
{
	const char *cidr = one_of(cidrs, CIDRS);
	unsigned excepts = pick(4);
	json_putf(out, "{\"ipBlock\":{\"cidr\":\"%s\",\"except\":[", cidr);
	for (unsigned i = 0; i < CIDRS && excepts > 0; i++)
		if (holds(cidr, cidrs[i]) && pick(2) == 0) {
			json_put_comma(out);
			json_putf(out, "\"%s\"", cidrs[i]);
			excepts--;
		}
	json_puts(out, "]}}");
}

static void put_requirement(struct json_buffer *out, bool of_namespace)
{
	static const char *const operators[] = {"In", "NotIn", "Exists", "DoesNotExist"};
	static const char *const values[] = {"a", "b", "c"}, *const spaces[] = {"agents", "other", "third"};
	const char *key = of_namespace ? (pick(2) ? "env" : "kubernetes.io/metadata.name")
	                               : (pick(2) ? "app" : "tier");
	unsigned word = pick(4), count = word < 2 ? 1 + pick(2) : 0;
	json_put_comma(out);
	json_putf(out, "{\"key\":\"%s\",\"operator\":\"%s\",\"values\":[", key, operators[word]);
	for (unsigned i = 0; i < count; i++) {
		json_put_comma(out);
		json_putf(out, "\"%s\"", strcmp(key, "env") != 0 && of_namespace ? one_of(spaces, 3) : one_of(values, 3));
	}
	json_puts(out, "]}");
}

static void put_selector(struct json_buffer *out, bool of_namespace)
{
	static const char *const values[] = {"a", "b", "c"};
	json_putc(out, '{');
	if (pick(2) == 0)
		json_putf(out, "\"matchLabels\":{\"%s\":\"%s\"},", of_namespace ? "env" : pick(2) ? "app" : "tier",
		          one_of(values, 3));
	json_puts(out, "\"matchExpressions\":[");
	for (unsigned count = pick(3); count > 0; count--)
		put_requirement(out, of_namespace);
	json_puts(out, "]}");
}

static void put_pods(struct json_buffer *out)
{
	unsigned which = pick(3);
	json_putc(out, '{');
	if (which != 0) {
		json_puts(out, "\"namespaceSelector\":");
		put_selector(out, true);
	}
	if (which != 1) {
		json_puts(out, which == 0 ? "\"podSelector\":" : ",\"podSelector\":");
		put_selector(out, false);
	}
	json_putc(out, '}');
}

static void put_port(struct json_buffer *out, enum style style)
{
	static const char *const protocols[] = {"TCP", "UDP", "SCTP"}, *const names[] = {"http", "dns"};
	static const long numbers[] = {1, 53, 80, 443, 8080, 65535};
	long first = numbers[pick(6)];
	json_put_comma(out);
	json_puts(out, "{");
	if (pick(3) != 0)
		json_putf(out, "\"protocol\":\"%s\",", one_of(protocols, 3));
	if (style == MIXED && pick(4) == 0)
		json_putf(out, "\"port\":\"%s\"}", one_of(names, 2));
	else if (pick(6) == 0)
		json_puts(out, "\"endPort\":null}");
	else if (pick(2) == 0)
		json_putf(out, "\"port\":%ld}", first);
	else
		json_putf(out, "\"port\":%ld,\"endPort\":%ld}", first,
		          first + pick(500) > 65535 ? 65535 : first + pick(100));
	/* an absent port is said by leaving it out: null is no valid rule */
	if (out->len > 16 && memcmp(out->at + out->len - 15, "\"endPort\":null}", 15) == 0) {
		out->len -= 15;
		if (out->at[out->len - 1] == ',')
			out->len--;
		json_putc(out, '}');
	}
}

static void put_rule(struct json_buffer *out, enum style style)
{
	json_put_comma(out);
	json_puts(out, "{\"ports\":[");
	for (unsigned count = pick(4); count > 0; count--)
		put_port(out, style);
	json_puts(out, "],\"to\":[");
	for (unsigned count = style == MIXED ? pick(4) : 1 + pick(3); count > 0; count--) {
		json_put_comma(out);
		if (style == BLOCKS || (style == MIXED && pick(2) == 0))
			put_block(out);
		else
			put_pods(out);
	}
	json_puts(out, "]}");
}

static void put_rules(struct json_buffer *out, enum style style)
{
	out->len = 0;
	json_putc(out, '[');
	for (unsigned count = pick(4); count > 0; count--)
		put_rule(out, style);
	json_putc(out, ']');
}

static void assert_valid(struct json_text egress)
{
	struct json_buffer card = {0};
	struct policy_problems problems = {0};
	json_puts(&card, "{\"egress\":");
	json_puttext(&card, egress);
	json_putc(&card, '}');
	assert_true(json_check(json_buffer_text(&card), &json_record_limits, NULL));
	if (!policy_rules_read(json_buffer_text(&card), &problems).valid)
		fail_msg("%.*s: %.*s", (int)card.len, card.at, (int)problems.text.len, problems.text.at);
	policy_problems_free(&problems);
	json_buffer_free(&card);
}

/* ---- connections */

struct connection {
	bool is_pod;
	const char *namespace, *env, *app, *tier; /* NULL: no such label */
	struct policy_cidr address;
	const char *protocol;
	long port, http, dns; /* the numbers of its named ports, TCP and UDP */
};

static struct connection draw_connection(bool known_pods)
{
	static const char *const addresses[] = {"10.0.0.9/32",      "10.244.1.9/32",  "10.244.9.9/32",
	                                        "203.0.113.7/32",   "203.0.113.70/32", "203.0.113.200/32",
	                                        "169.254.169.254/32", "169.254.1.1/32", "198.51.100.1/32",
	                                        "2001:db8::7/128",  "2001:db8:1::9/128", "2001:4860::1/128"};
	static const char *const spaces[] = {"agents", "other", "third"};
	static const char *const values[] = {"a", "b", "c", NULL}, *const protocols[] = {"TCP", "UDP", "SCTP"};
	static const long ports[] = {1, 2, 53, 54, 80, 443, 500, 8080, 65535};
	struct connection c = {.is_pod = pick(2) == 0,
	                       .namespace = one_of(spaces, 3),
	                       .app = one_of(values, 4),
	                       .tier = one_of(values, 4),
	                       .protocol = one_of(protocols, 3),
	                       .port = ports[pick(9)]};
	c.env = strcmp(c.namespace, "agents") == 0 ? "a" : strcmp(c.namespace, "other") == 0 ? "b" : NULL;
	const char *address = addresses[c.is_pod && known_pods ? 1 + pick(2) : pick(12)];
	/* link-local addresses are no pod's */
	if (c.is_pod && strncmp(address, "169.254", 7) == 0)
		address = addresses[0];
	assert_null(policy_cidr_parse(json_of(address), &c.address));
	c.http = pick(2) == 0 ? 80 : 8080;
	c.dns = 53;
	return c;
}

static const char *label_of(const struct connection *c, struct json_text key)
{
	return json_equals(key, "app")    ? c->app
	       : json_equals(key, "tier") ? c->tier
	       : json_equals(key, "env")  ? c->env
	                                  : c->namespace;
}

static bool is_among(struct json_text values, const char *value)
{
	for (struct json_member m = json_first(values); m.value.at; m = json_next(m))
		if (value != NULL && json_equals(m.value, value))
			return true;
	return false;
}

static bool requires(struct json_text requirement, const struct connection *c)
{
	const char *value = label_of(c, json_get(requirement, "key"));
	struct json_text word = json_get(requirement, "operator"), values = json_get(requirement, "values");
	if (json_equals(word, "In"))
		return is_among(values, value);
	if (json_equals(word, "NotIn"))
		return !is_among(values, value);
	return (value != NULL) == json_equals(word, "Exists");
}

static bool selects(struct json_text selector, const struct connection *c)
{
	struct json_text labels = json_get(selector, "matchLabels");
	struct json_text requirements = json_get(selector, "matchExpressions");
	for (struct json_member m = json_first(labels); m.value.at; m = json_next(m)) {
		const char *value = label_of(c, m.key);
		if (value == NULL || !json_equals(m.value, value))
			return false;
	}
	for (struct json_member m = json_first(requirements); m.value.at; m = json_next(m))
		if (!requires(m.value, c))
			return false;
	return true;
}

static bool is_in(struct json_text cidr, const struct connection *c)
{
	struct policy_cidr parsed;
	assert_null(policy_cidr_parse(json_plain(cidr), &parsed));
	return policy_cidr_holds(&parsed, &c->address);
}

static bool is_peer(struct json_text peer, const struct connection *c, bool blocks_hold_pods)
{
	struct json_text block = json_get(peer, "ipBlock");
	struct json_text spaces = json_get(peer, "namespaceSelector"), pods = json_get(peer, "podSelector");
	if (block.at != NULL) {
		struct json_text except = json_get(block, "except");
		if ((c->is_pod && !blocks_hold_pods) || !is_in(json_get(block, "cidr"), c))
			return false;
		for (struct json_member m = json_first(except); m.value.at; m = json_next(m))
			if (is_in(m.value, c))
				return false;
		return true;
	}
	if (!c->is_pod)
		return false;
	return (spaces.at == NULL ? strcmp(c->namespace, "agents") == 0 : selects(spaces, c)) &&
	       (pods.at == NULL || selects(pods, c));
}

static bool is_port(struct json_text port, const struct connection *c)
{
	struct json_text protocol = json_get(port, "protocol"), number = json_get(port, "port");
	int64_t first, last;
	if (!json_equals(protocol, c->protocol) && !(protocol.at == NULL && strcmp(c->protocol, "TCP") == 0))
		return false;
	if (number.at == NULL)
		return true;
	if (json_equals(number, "http"))
		return c->is_pod && strcmp(c->protocol, "TCP") == 0 && c->port == c->http;
	if (json_equals(number, "dns"))
		return c->is_pod && strcmp(c->protocol, "UDP") == 0 && c->port == c->dns;
	assert_true(json_integer(number, &first));
	if (!json_integer(json_get(port, "endPort"), &last))
		last = first;
	return c->port >= first && c->port <= last;
}

static bool allows(struct json_text egress, const struct connection *c, bool blocks_hold_pods)
{
	for (struct json_member m = json_first(egress); m.value.at; m = json_next(m)) {
		struct json_text to = json_get(m.value, "to"), ports = json_get(m.value, "ports");
		bool peer = json_is_empty(to), port = json_is_empty(ports);
		for (struct json_member p = json_first(to); p.value.at && !peer; p = json_next(p))
			peer = is_peer(p.value, c, blocks_hold_pods);
		for (struct json_member p = json_first(ports); p.value.at && !port; p = json_next(p))
			port = is_port(p.value, c);
		if (peer && port)
			return true;
	}
	return false;
}

/* ---- the formula */

struct formula {
	enum style style;
	bool known_pods;
	struct json_buffer at[PIECES]; /* card, groups, atMost, always, never */
	struct json_buffer result;
	unsigned losses;
};

static void compute(struct formula *f)
{
	static struct policy_cidr pods;
	assert_null(policy_cidr_parse(json_of("10.244.0.0/16"), &pods));
	struct sets *sets = sets_new("agents", &pods, f->known_pods ? 1 : 0);
	const struct sets_set *s[PIECES];
	for (int i = 0; i < PIECES; i++)
		s[i] = sets_read(sets, json_buffer_text(&f->at[i]), (struct json_text){0});
	const struct sets_set *result = sets_unite(sets, s[0], s[1]);
	result = sets_unite(sets, sets_intersect(sets, result, s[2]), s[3]);
	result = sets_subtract(sets, result, s[4]);
	f->losses = sets_losses(sets);
	f->result.len = 0;
	sets_put_egress(sets, result, &f->result);
	struct json_buffer again = {0};
	sets_put_egress(sets, sets_read(sets, json_buffer_text(&f->result), (struct json_text){0}), &again);
	if (!json_same(json_buffer_text(&f->result), json_buffer_text(&again)))
		fail_msg("not its own normal form: %.*s\n%.*s", (int)f->result.len, f->result.at,
		         (int)again.len, again.at);
	json_buffer_free(&again);
	sets_free(sets);
}

static bool expected(const struct formula *f, const struct connection *c, bool reading)
{
	bool in[PIECES];
	for (int i = 0; i < PIECES; i++)
		in[i] = allows(json_buffer_text(&f->at[i]), c, reading);
	return (((in[0] || in[1]) && in[2]) || in[3]) && !in[4];
}

static void fail_formula(const struct formula *f, const struct connection *c, bool reading, bool wanted)
{
	char address[64];
	snprintf(address, sizeof address, "%u.%u.%u.%u", c->address.ip[0], c->address.ip[1],
	         c->address.ip[2], c->address.ip[3]);
	for (int i = 0; i < PIECES; i++)
		printf("%d: %.*s\n", i, (int)f->at[i].len, f->at[i].at);
	fail_msg("%s %s %s/%s/%s %s %ld, blocks hold pods %d, pods known %d, should be %d: %.*s",
	         c->is_pod ? "pod" : "address", address, c->namespace, c->app, c->tier, c->protocol, c->port,
	         reading, f->known_pods, wanted, (int)f->result.len, f->result.at);
}

/* Where all destinations are of one kind and ports have numbers it is exact. */
static void judge(const struct formula *f)
{
	bool exact = f->style != MIXED && (f->losses & SETS_LOST_LIMIT) == 0;
	for (int i = 0; i < CONNECTIONS; i++) {
		struct connection c = draw_connection(f->known_pods);
		for (int reading = 0; reading < 2; reading++) {
			bool wanted = expected(f, &c, reading != 0);
			bool got = allows(json_buffer_text(&f->result), &c, reading != 0);
			if (got != wanted && (got || exact))
				fail_formula(f, &c, reading != 0, wanted);
		}
	}
}

static void test_formula(void **state)
{
	(void)state;
	const char *wish = getenv("EGRESS_SETS_CASES");
	unsigned long cases = wish == NULL ? CASES : strtoul(wish, NULL, 10), exact = 0, wide = 0;
	struct formula f = {0};
	for (unsigned long n = 0; n < cases; n++) {
		f.style = (enum style)(pick(5) % 3);
		f.known_pods = pick(2) == 0;
		for (int i = 0; i < PIECES; i++) {
			put_rules(&f.at[i], f.style);
			if (n < 200)
				assert_valid(json_buffer_text(&f.at[i]));
		}
		compute(&f);
		if (n < 200)
			assert_valid(json_buffer_text(&f.result));
		judge(&f);
		exact += f.style != MIXED;
		wide += f.result.len > 2;
	}
	printf("%lu cases, %lu of them in the exact fragment, %lu allow something\n", cases, exact, wide);
	assert_true(exact * 2 >= cases && wide * 4 >= cases);
	for (int i = 0; i < PIECES; i++)
		json_buffer_free(&f.at[i]);
	json_buffer_free(&f.result);
}

/* ---- a connection that shows it */

struct assertion {
	enum style style;
	bool known_pods, beyond;
	struct json_buffer set, rules;
	struct sets_witness witness;
	struct sets_connection shown;
	struct json_buffer peer; /* of pods */
};

static void ask_witness(struct assertion *a)
{
	static struct policy_cidr pods;
	struct json_text none = {0};
	assert_null(policy_cidr_parse(json_of("10.244.0.0/16"), &pods));
	struct sets *sets = sets_new("agents", &pods, a->known_pods ? 1 : 0);
	const struct sets_set *set = sets_read(sets, json_buffer_text(&a->set), none);
	const struct sets_set *rules = sets_read(sets, json_buffer_text(&a->rules), none);
	a->witness = a->beyond ? sets_witness_beyond(sets, set, rules) : sets_witness_meeting(sets, set, rules);
	a->peer.len = 0;
	if (a->witness.answer == SETS_YES) {
		a->shown = sets_witness_connection(a->witness.part);
		if (a->shown.to == SETS_TO_PODS)
			sets_witness_put_peer(a->witness.part, &a->peer);
	}
	sets_free(sets);
}

/* Whether it is against the assertion. */
static bool is_against(const struct assertion *a, const struct connection *c, bool reading)
{
	return allows(json_buffer_text(&a->set), c, reading) &&
	       allows(json_buffer_text(&a->rules), c, reading) != a->beyond;
}

/* The connection that was shown, where pods of this world can be such; false when none can. */
static bool draw_shown(const struct assertion *a, struct connection *c)
{
	enum { TRIES = 400 };
	const struct sets_connection *shown = &a->shown;
	bool pods = shown->to == SETS_TO_PODS, found = false;
	for (int i = 0; i < TRIES && !found; i++) {
		*c = draw_connection(a->known_pods);
		found = pods ? c->is_pod && is_peer(json_buffer_text(&a->peer), c, false) : !c->is_pod;
	}
	if (!pods)
		c->address = shown->address;
	c->protocol = policy_protocol_words[shown->protocol];
	c->port = shown->port;
	if (shown->port > 0)
		return found;
	/* Only pods give ports names; these have http by TCP and dns by UDP. */
	bool http = json_same(shown->port_name, json_of("http"));
	c->port = http ? c->http : c->dns;
	return found && pods && shown->protocol == (http ? POLICY_TCP : POLICY_UDP);
}

static void fail_assertion(const struct assertion *a, const struct connection *c, bool reading)
{
	fail_msg("%s %d: %.*s\n%.*s\nanswer %d, pod %d %u.%u.%u.%u %s/%s/%s %s %ld, blocks hold pods %d, known %d",
	         a->beyond ? "beyond" : "meeting", a->style, (int)a->set.len, a->set.at, (int)a->rules.len,
	         a->rules.at, a->witness.answer, c->is_pod, c->address.ip[0], c->address.ip[1],
	         c->address.ip[2], c->address.ip[3], c->namespace, c->app, c->tier, c->protocol, c->port,
	         reading, a->known_pods);
}

/* Addresses in the pods' ranges are nobody's but pods'. */
static bool is_nobodys(const struct assertion *a, const struct connection *c)
{
	return a->known_pods && !c->is_pod && c->address.bits == 32 && c->address.ip[0] == 10 &&
	       c->address.ip[1] == 244;
}

static bool check_assertion(const struct assertion *a)
{
	struct connection c;
	if (a->style != MIXED)
		assert_int_not_equal(a->witness.answer, SETS_PERHAPS);
	for (int i = 0; a->witness.answer == SETS_NO && i < CONNECTIONS; i++) {
		c = draw_connection(a->known_pods);
		for (int reading = 0; reading < 2 && !is_nobodys(a, &c); reading++)
			if (is_against(a, &c, reading != 0))
				fail_assertion(a, &c, reading != 0);
	}
	if (a->witness.answer != SETS_YES || !draw_shown(a, &c))
		return false;
	for (int reading = 0; reading < 2; reading++)
		if (!is_against(a, &c, reading != 0))
			fail_assertion(a, &c, reading != 0);
	return true;
}

static void test_witness(void **state)
{
	(void)state;
	const char *wish = getenv("EGRESS_SETS_CASES");
	unsigned long cases = wish == NULL ? 4 * CASES : strtoul(wish, NULL, 10);
	unsigned long answers[3] = {0}, shown = 0;
	struct assertion a = {0};
	for (unsigned long n = 0; n < cases; n++) {
		a.style = (enum style)pick(3);
		a.known_pods = pick(2) == 0;
		a.beyond = pick(2) == 0;
		put_rules(&a.set, a.style);
		put_rules(&a.rules, a.style);
		ask_witness(&a);
		answers[a.witness.answer]++;
		shown += check_assertion(&a);
	}
	printf("%lu assertions: %lu hold, %lu fail, %lu are not decided; %lu connections checked\n", cases,
	       answers[SETS_NO], answers[SETS_YES], answers[SETS_PERHAPS], shown);
	assert_true(answers[SETS_NO] * 5 > cases && answers[SETS_YES] * 5 > cases);
	assert_true(answers[SETS_PERHAPS] * 5 < cases && shown * 2 > answers[SETS_YES]);
	json_buffer_free(&a.set);
	json_buffer_free(&a.rules);
	json_buffer_free(&a.peer);
}

struct named {
	const char *egress, *domains, *limit_egress, *limit_domains;
	bool beyond;
	enum sets_answer answer;
};

#define NAMES(name, ports) "[{\"names\":[\"" name "\"],\"ports\":[" ports "]}]"
#define PORT443 "{\"port\":443}"

/* Names: what their addresses are is not known. */
static void test_witness_names(void **state)
{
	(void)state;
	static const char one[] = "[{\"to\":[{\"ipBlock\":{\"cidr\":\"203.0.113.7/32\"}}]}]";
	static const char many[] = "[{\"to\":[{\"ipBlock\":{\"cidr\":\"203.0.113.0/24\"}}]}]";
	static const char all[] = "[{}]", pods[] = "[{\"to\":[{\"podSelector\":{}}]}]";
	static const char api[] = NAMES("api.example.com", PORT443), wild[] = NAMES("*.example.com", "");
	static const char other[] = NAMES("api.example.org", ""), web[] = NAMES("api.example.com", "{\"port\":80}");
	static const struct named cases[] = {
	        {"[]", api, "[]", api, true, SETS_NO},       {"[]", api, "[]", wild, true, SETS_NO},
	        {"[]", wild, "[]", api, true, SETS_YES},     {"[]", other, "[]", api, true, SETS_YES},
	        {"[]", web, "[]", api, true, SETS_YES},      {"[]", api, many, "[]", true, SETS_PERHAPS},
	        {"[]", api, all, "[]", true, SETS_NO},       {one, "[]", "[]", api, true, SETS_PERHAPS},
	        {many, "[]", "[]", api, true, SETS_YES},     {all, "[]", "[]", api, true, SETS_YES},
	        {pods, "[]", "[]", api, true, SETS_YES},     {"[]", api, many, "[]", false, SETS_PERHAPS},
	        {"[]", api, pods, "[]", false, SETS_PERHAPS}, {"[]", api, all, "[]", false, SETS_YES},
	        {"[]", api, "[]", wild, false, SETS_YES},    {"[]", api, "[]", other, false, SETS_NO},
	        {"[]", api, "[]", web, false, SETS_NO},      {many, "[]", "[]", api, false, SETS_PERHAPS},
	        {all, "[]", "[]", api, false, SETS_YES},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct named *n = &cases[i];
		struct sets *sets = sets_new("agents", NULL, 0);
		const struct sets_set *set = sets_read(sets, json_of(n->egress), json_of(n->domains));
		const struct sets_set *rules = sets_read(sets, json_of(n->limit_egress), json_of(n->limit_domains));
		struct sets_witness w = n->beyond ? sets_witness_beyond(sets, set, rules)
		                                  : sets_witness_meeting(sets, set, rules);
		if (w.answer != n->answer)
			fail_msg("case %zu: %d and not %d", i, w.answer, n->answer);
		if (w.answer != SETS_NO)
			assert_int_equal(w.is_name, strcmp(n->domains, "[]") != 0);
		sets_free(sets);
	}
}

/* ---- what a first reading gets wrong */

struct example {
	const char *a;
	char operator;
	const char *b, *result;
};

static char *calculate(const struct example *e, const struct policy_cidr *pods, size_t count,
                       unsigned *losses)
{
	struct sets *sets = sets_new("agents", pods, count);
	struct json_buffer out = {0};
	const struct sets_set *a = sets_read(sets, json_of(e->a), (struct json_text){0});
	const struct sets_set *b = sets_read(sets, json_of(e->b), (struct json_text){0});
	sets_put_egress(sets,
	                e->operator == '+' ? sets_unite(sets, a, b)
	                : e->operator == '&' ? sets_intersect(sets, a, b)
	                                     : sets_subtract(sets, a, b),
	                &out);
	*losses = sets_losses(sets);
	sets_free(sets);
	json_putc(&out, '\0');
	return out.at;
}

static void assert_examples(const struct example *examples, size_t count)
{
	unsigned losses;
	for (size_t i = 0; i < count; i++) {
		char *got = calculate(&examples[i], NULL, 0, &losses);
		assert_string_equal(got, examples[i].result);
		free(got);
	}
}

#define BLOCK(cidr) "{\"ipBlock\":{\"cidr\":\"" cidr "\"}}"
#define TO(peers) "[{\"to\":[" peers "]}]"

static void test_examples(void **state)
{
	(void)state;
	static const struct example examples[] = {
	        {"[{}]", '&', TO(BLOCK("10.0.0.0/8")), TO(BLOCK("10.0.0.0/8"))},
	        {"[]", '&', "[{}]", "[]"},
	        {TO(BLOCK("10.0.0.0/8")), '+', TO(BLOCK("10.1.0.0/16")), TO(BLOCK("10.0.0.0/8"))},
	        {TO(BLOCK("10.0.0.0/8")), '-', TO(BLOCK("10.0.0.0/8")), "[]"},
	        /* what one rule excepts another may still take away */
	        {TO("{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\",\"except\":[\"10.1.0.0/16\"]}}"), '-',
	         TO(BLOCK("10.2.0.0/16")),
	         TO("{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\",\"except\":[\"10.1.0.0/16\",\"10.2.0.0/16\"]}}")},
	        /* and what is taken away may have exceptions */
	        {TO(BLOCK("10.0.0.0/8")), '-',
	         TO("{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\",\"except\":[\"10.1.0.0/16\"]}}"),
	         TO(BLOCK("10.1.0.0/16"))},
	        /* without a port every protocol is meant, and only three can be said */
	        {"[{}]", '-', "[{\"ports\":[{\"port\":25,\"protocol\":\"TCP\"}]}]",
	         "[{\"ports\":[{\"endPort\":24,\"port\":1,\"protocol\":\"TCP\"},"
	         "{\"endPort\":65535,\"port\":26,\"protocol\":\"TCP\"},{\"protocol\":\"UDP\"},"
	         "{\"protocol\":\"SCTP\"}]}]"},
	        /* link-local addresses are no pod's; others may be */
	        {"[{}]", '-', TO(BLOCK("169.254.169.254/32")),
	         TO("{\"ipBlock\":{\"cidr\":\"0.0.0.0/0\",\"except\":[\"169.254.169.254/32\"]}},"
	            BLOCK("::/0") ",{\"namespaceSelector\":{}}")},
	        {"[{}]", '-', TO(BLOCK("10.0.0.0/8")),
	         TO("{\"ipBlock\":{\"cidr\":\"0.0.0.0/0\",\"except\":[\"10.0.0.0/8\"]}}," BLOCK("::/0"))},
	        {TO("{\"podSelector\":{\"matchLabels\":{\"a\":\"1\"}}}"), '-', TO(BLOCK("10.0.0.0/8")), "[]"},
	        {TO("{\"podSelector\":{}}"), '&', TO(BLOCK("0.0.0.0/0")), "[]"},
	        /* a podSelector alone is in the agent's namespace */
	        {TO("{\"podSelector\":{}}"), '&',
	         TO("{\"namespaceSelector\":{\"matchLabels\":{\"kubernetes.io/metadata.name\":\"other\"}}}"),
	         "[]"},
	        /* one label cannot have two values */
	        {TO("{\"podSelector\":{\"matchLabels\":{\"a\":\"1\"}}}"), '&',
	         TO("{\"podSelector\":{\"matchLabels\":{\"a\":\"2\"}}}"), "[]"},
	        /* a selector less one of two labels is two */
	        {TO("{\"podSelector\":{}}"), '-', TO("{\"podSelector\":{\"matchLabels\":{\"a\":\"1\",\"b\":\"2\"}}}"),
	         TO("{\"podSelector\":{\"matchExpressions\":[{\"key\":\"b\",\"operator\":\"NotIn\",\"values\":[\"2\"]}],"
	            "\"matchLabels\":{\"a\":\"1\"}}},"
	            "{\"podSelector\":{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"NotIn\",\"values\":[\"1\"]}]}}")},
	        /* the number of a name is not known */
	        {"[{\"to\":[{\"podSelector\":{}}],\"ports\":[{\"port\":\"http\"},{\"port\":53,\"protocol\":\"UDP\"}]}]",
	         '-', "[{\"ports\":[{\"port\":80}]}]",
	         "[{\"ports\":[{\"port\":53,\"protocol\":\"UDP\"}],\"to\":[{\"podSelector\":{}}]}]"},
	};
	assert_examples(examples, sizeof examples / sizeof examples[0]);
}

static void test_known_pods(void **state)
{
	(void)state;
	struct policy_cidr pods;
	unsigned losses;
	struct example e = {"[{}]", '-', TO(BLOCK("10.0.0.0/16")), NULL};
	assert_null(policy_cidr_parse(json_of("10.244.0.0/16"), &pods));
	char *got = calculate(&e, &pods, 1, &losses);
	assert_string_equal(got, TO("{\"ipBlock\":{\"cidr\":\"0.0.0.0/0\",\"except\":[\"10.0.0.0/16\"]}}," BLOCK(
	                                    "::/0") ",{\"namespaceSelector\":{}}"));
	assert_int_equal(losses, 0);
	free(got);
}

static void test_names(void **state)
{
	(void)state;
	struct sets *sets = sets_new("agents", NULL, 0);
	struct json_buffer out = {0};
	const struct sets_set *a = sets_read(
	        sets, (struct json_text){0},
	        json_of("[{\"names\":[\"*.example.com\",\"api.example.org\",\"b.example.net\"],\"ports\":[{\"port\":443},{\"port\":80}]}]"));
	const struct sets_set *b = sets_read(
	        sets, json_of("[{\"ports\":[{\"port\":22}]}]"),
	        json_of("[{\"names\":[\"api.example.com\",\"*.example.org\"],\"ports\":[{\"port\":443}]}]"));
	sets_put_domains(sets, sets_intersect(sets, a, b), &out);
	json_putc(&out, '\0');
	assert_string_equal(out.at, "[{\"names\":[\"api.example.com\",\"api.example.org\"],\"ports\":[{\"port\":443,"
	                            "\"protocol\":\"TCP\"}]}]");
	/* ports that are denied everywhere are denied to names */
	out.len = 0;
	sets_put_domains(sets, sets_subtract(sets, a, sets_read(sets, json_of("[{\"ports\":[{\"port\":80}]}]"), (struct json_text){0})), &out);
	json_putc(&out, '\0');
	assert_string_equal(out.at, "[{\"names\":[\"*.example.com\",\"api.example.org\",\"b.example.net\"],\"ports\":[{"
	                            "\"port\":443,\"protocol\":\"TCP\"}]}]");
	json_buffer_free(&out);
	sets_free(sets);
}

/* ---- limits */

static void put_blocks(struct json_buffer *out, unsigned count, unsigned step)
{
	json_puts(out, "[{\"to\":[");
	for (unsigned i = 0; i < count; i++) {
		json_put_comma(out);
		json_putf(out, "{\"ipBlock\":{\"cidr\":\"10.%u.%u.0/24\"}}", (i * step) / 256, (i * step) % 256);
	}
	json_puts(out, "]}]");
}

static void test_limits(void **state)
{
	(void)state;
	struct json_buffer many = {0}, never = {0}, out = {0};
	put_blocks(&many, SETS_PARTS_MAX + 500, 1);
	put_blocks(&never, SETS_PARTS_MAX + 500, 2);
	struct sets *sets = sets_new("agents", NULL, 0);
	const struct sets_set *a = sets_read(sets, json_buffer_text(&many), (struct json_text){0});
	const struct sets_set *all = sets_read(sets, json_of("[{}]"), (struct json_text){0});
	/* a result is cut */
	sets_put_egress(sets, sets_intersect(sets, a, all), &out);
	assert_true((sets_losses(sets) & SETS_LOST_LIMIT) != 0);
	assert_int_equal(json_count(json_get(json_first(json_buffer_text(&out)).value, "to")), SETS_PARTS_MAX);
	/* what is taken away is not: all of it is gone, or nothing is left */
	sets_clear(sets, "agents");
	a = sets_read(sets, json_of(TO(BLOCK("10.0.0.0/8"))), (struct json_text){0});
	const struct sets_set *b = sets_read(sets, json_buffer_text(&never), (struct json_text){0});
	assert_true(sets_is_empty(sets_subtract(sets, a, b)));
	assert_true((sets_losses(sets) & SETS_LOST_LIMIT) != 0);
	sets_free(sets);
	json_buffer_free(&many);
	json_buffer_free(&never);
	json_buffer_free(&out);
}

struct said {
	int rules[8];
	size_t count;
};

static void say(void *context, int rule, bool is_name)
{
	struct said *said = context;
	said->rules[said->count++] = is_name ? 100 + rule : rule;
}

static void test_beyond(void **state)
{
	(void)state;
	struct sets *sets = sets_new("agents", NULL, 0);
	struct said said = {0};
	const struct sets_set *card = sets_read(
	        sets,
	        json_of("[{\"to\":[" BLOCK("10.0.0.0/8") "]},{\"to\":[" BLOCK("192.0.2.0/24") "]},{}]"),
	        json_of("[{\"names\":[\"a.example.com\"]},{\"names\":[\"a.example.org\"]}]"));
	const struct sets_set *limit =
	        sets_read(sets, json_of("[{\"to\":[" BLOCK("10.0.0.0/9") "," BLOCK("10.128.0.0/9") "]}]"),
	                  json_of("[{\"names\":[\"*.example.com\"]}]"));
	/* two halves hold the whole */
	sets_beyond(sets, card, limit, say, &said);
	assert_int_equal(said.count, 3);
	assert_int_equal(said.rules[0], 1);
	assert_int_equal(said.rules[1], 2);
	assert_int_equal(said.rules[2], 101);
	said.count = 0;
	sets_meeting(sets, card, sets_read(sets, json_of(TO(BLOCK("192.0.2.7/32"))), (struct json_text){0}),
	             say, &said);
	assert_int_equal(said.count, 2);
	assert_int_equal(said.rules[0], 1);
	assert_int_equal(said.rules[1], 2);
	sets_free(sets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_formula),
	        cmocka_unit_test(test_witness),
	        cmocka_unit_test(test_witness_names), cmocka_unit_test(test_examples),
	        cmocka_unit_test(test_known_pods), cmocka_unit_test(test_names),
	        cmocka_unit_test(test_limits),  cmocka_unit_test(test_beyond),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
