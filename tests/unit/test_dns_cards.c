/* Cards with names: what waits, what passes, what comes out again; and that no name ever brings
 * more than its addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "resolve/cards.h"
#include "resolve/rewrite_private.h"

#define DNS_RULE "{\"to\":[{\"podSelector\":{\"matchLabels\":{\"k\":\"dns\"}}}]}"

static const struct dns_settings usual = {.min_ttl = 30,
                                          .max_ttl = 300,
                                          .grace = 100,
                                          .stale = 1000,
                                          .max_addresses = 64,
                                          .max_names = 100};

struct stage {
	struct dns_cards *cards;
	struct json_buffer out; /* lines, each with a newline */
};

static void emit(void *context, struct json_text line)
{
	struct stage *stage = context;
	json_puttext(&stage->out, line);
	json_putc(&stage->out, '\n');
}

static void open_stage(struct stage *stage, const struct dns_settings *settings)
{
	*stage = (struct stage){0};
	stage->cards = dns_cards_new(&(struct dns_cards_settings){
		.agentcard_group = "agent.kagenti.dev",
		.dns = json_of("[" DNS_RULE "]"),
		.names = *settings,
		.first_wait = settings->recorded ? 0 : 10,
		.emit = emit,
		.context = stage,
	});
}

static void close_stage(struct stage *stage)
{
	dns_cards_free(stage->cards);
	json_buffer_free(&stage->out);
}

/* What came out since the last time. */
static void expect(struct stage *stage, const char *wanted)
{
	json_putc(&stage->out, '\0');
	assert_string_equal(stage->out.at, wanted);
	stage->out.len = 0;
}

static void take(struct stage *stage, const char *line, int64_t at)
{
	struct json_text text = json_of(line);
	assert_true(json_check(text, &json_record_limits, NULL));
	assert_null(dns_cards_take(stage->cards, text, json_trim(text), at));
}

/* One outcome for each family; "" is no data, NULL a failure. */
static void tell(struct stage *stage, const char *name, const char *ip, int64_t at)
{
	for (int type = 0; type < DNS_TYPES; type++) {
		struct dns_answer answer = {.type = (enum dns_type)type, .status = DNS_NODATA};
		struct policy_cidr address;
		snprintf(answer.name, sizeof answer.name, "%s", name);
		if (ip == NULL) {
			answer.status = DNS_TIMEOUT;
		} else if (type == DNS_A && *ip != '\0') {
			assert_true(dns_address_parse(json_of(ip), &address));
			dns_answer_add(&answer, &address);
			answer.status = DNS_NOERROR;
			answer.ttl = 60;
		}
		dns_cards_answer(stage->cards, &answer, at);
		dns_answer_free(&answer);
	}
	dns_cards_emit_changed(stage->cards, at);
}

#define EVENT(type, name, policy, verdict)                                                         \
	"{\"type\":\"" type "\",\"object\":{\"apiVersion\":\"agent.kagenti.dev/v1alpha1\","         \
	"\"kind\":\"AgentCard\",\"metadata\":{\"namespace\":\"ns\",\"name\":\"" name "\"},"        \
	"\"spec\":{\"networkPolicy\":" policy "}},\"verification\":{\"verified\":" verdict "}"
#define CARD(name, policy) EVENT("ADDED", name, policy, "true") "}"
#define AGAIN(name, policy) EVENT("MODIFIED", name, policy, "true")
#define NAMES(names) "{\"domains\":[{\"names\":[" names "],\"ports\":[{\"port\":443.0e0}]}]}"
#define MARK(which)                                                                                \
	"{\"type\":\"BOOKMARK\",\"object\":{\"apiVersion\":\"agent.kagenti.dev/v1alpha1\","        \
	"\"kind\":\"AgentCard\",\"metadata\":{\"annotations\":{\"" which "\":\"true\"}}}}"
#define BEGIN MARK("agent-egress.dev/initial-events-begin")
#define END MARK("k8s.io/initial-events-end")
#define DOMAIN(name) "{\"domains\":[{\"names\":[\"" name "\"],\"ports\":[{\"port\":443}]}]}"
#define TO(ip)                                                                                     \
	"{\"egress\":[" DNS_RULE ",{\"to\":[{\"ipBlock\":{\"cidr\":\"" ip "/32\"}}],\"ports\":"    \
	"[{\"port\":443}]}]}"
#define FOUND(name, ip)                                                                            \
	",\"resolution\":{\"names\":[{\"name\":\"" name "\",\"addresses\":[\"" ip "\"]}]}}\n"
#define MISSED(name, why)                                                                          \
	",\"resolution\":{\"names\":[{\"name\":\"" name                                            \
	"\",\"addresses\":[],\"problem\":\"" why "\"}]}}\n"
#define OPENED(type, name, domain, ip)                                                             \
	EVENT(type, name, TO(ip), "true") FOUND(domain, ip)
#define ONLY_DNS "{\"egress\":[" DNS_RULE "]}"

static void a_card_waits_for_its_first_answers(void **state)
{
	(void)state;
	struct stage stage;
	open_stage(&stage, &usual);
	take(&stage, CARD("c", DOMAIN("a.example")), 100);
	expect(&stage, "");
	assert_true(dns_cards_wait(stage.cards));
	tell(&stage, "a.example", "1.1.1.1", 101);
	expect(&stage, OPENED("ADDED", "c", "a.example", "1.1.1.1"));
	assert_false(dns_cards_wait(stage.cards));
	close_stage(&stage);
}

static void it_waits_no_longer_than_it_was_said_and_gets_its_names_later(void **state)
{
	(void)state;
	struct stage stage;
	open_stage(&stage, &usual);
	take(&stage, CARD("c", DOMAIN("a.example")), 100);
	dns_cards_emit_changed(stage.cards, 109);
	expect(&stage, "");
	assert_int_equal(dns_cards_expiry(stage.cards), 110);
	dns_cards_emit_changed(stage.cards, 110);
	expect(&stage, EVENT("ADDED", "c", ONLY_DNS, "true") MISSED("a.example", "no answer came yet"));
	tell(&stage, "a.example", "1.1.1.1", 120);
	expect(&stage, OPENED("MODIFIED", "c", "a.example", "1.1.1.1"));
	close_stage(&stage);
}

static void a_failure_is_an_answer_to_wait_for(void **state)
{
	(void)state;
	struct stage stage;
	open_stage(&stage, &usual);
	take(&stage, CARD("c", DOMAIN("a.example")), 100);
	tell(&stage, "a.example", NULL, 102);
	expect(&stage, EVENT("ADDED", "c", ONLY_DNS, "true")
	               MISSED("a.example", "its name servers gave no answer (TIMEOUT)"));
	close_stage(&stage);
}

static void a_card_comes_out_again_only_when_its_addresses_change(void **state)
{
	(void)state;
	struct stage stage;
	open_stage(&stage, &usual);
	take(&stage, CARD("c", DOMAIN("a.example")), 100);
	tell(&stage, "a.example", "1.1.1.1", 100);
	stage.out.len = 0;
	tell(&stage, "a.example", "1.1.1.1", 160);
	tell(&stage, "a.example", NULL, 220);
	expect(&stage, "");
	tell(&stage, "a.example", "", 230);
	expect(&stage, ""); /* the grace */
	dns_cards_emit_changed(stage.cards, 330);
	expect(&stage, EVENT("MODIFIED", "c", ONLY_DNS, "true") MISSED("a.example", "has no addresses"));
	close_stage(&stage);
}

static void every_card_that_has_the_name_comes_out_again(void **state)
{
	(void)state;
	struct stage stage;
	open_stage(&stage, &usual);
	take(&stage, CARD("c", DOMAIN("a.example")), 100);
	tell(&stage, "a.example", "1.1.1.1", 100);
	take(&stage, CARD("d", DOMAIN("a.example")), 101); /* it is known: no waiting */
	expect(&stage, OPENED("ADDED", "c", "a.example", "1.1.1.1")
	               OPENED("ADDED", "d", "a.example", "1.1.1.1"));
	tell(&stage, "a.example", "", 160);
	dns_cards_emit_changed(stage.cards, 260);
	expect(&stage, EVENT("MODIFIED", "c", ONLY_DNS, "true") MISSED("a.example", "has no addresses")
	               EVENT("MODIFIED", "d", ONLY_DNS, "true") MISSED("a.example", "has no addresses"));
	close_stage(&stage);
}

static void what_has_no_names_or_no_valid_rules_or_no_verdict_passes_byte_for_byte(void **state)
{
	(void)state;
	static const char *const lines[] = {
		" {\"type\":\"ADDED\" , \"object\":{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":"
		"{\"name\":\"x\"},\"n\":1.00}}\r",
		CARD("a", "null"), CARD("b", "{}"), CARD("c", "{\"egress\":[]}"),
		CARD("d", "{\"domains\":[]}"), CARD("e", "{\"domains\":null}"),
		CARD("f", "{\"domains\":[{\"names\":[\"a.example\"]}],\"egres\":[]}"),
		CARD("g", NAMES("\"a.example\"")), /* 443.0e0 is no port */
		CARD("h", "{\"domains\":[{\"names\":[\"1.2.3.4\"]}]}"),
		EVENT("ADDED", "i", DOMAIN("a.example"), "false") "}",
		EVENT("ADDED", "j", DOMAIN("a.example"), "\"true\"") "}",
		EVENT("DELETED", "k", DOMAIN("a.example"), "true") "}",
		BEGIN, END,
	};
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		struct stage stage;
		struct json_buffer wanted = {0};
		open_stage(&stage, &usual);
		take(&stage, lines[i], 0);
		json_putf(&wanted, "%s\n", lines[i]);
		json_putc(&wanted, '\0');
		expect(&stage, wanted.at);
		json_buffer_free(&wanted);
		close_stage(&stage);
	}
}

static void everything_but_the_rules_stays_as_it_was_written(void **state)
{
	(void)state;
	struct stage stage;
	struct dns_settings settings = usual;
	settings.recorded = true;
	open_stage(&stage, &settings);
	tell(&stage, "a.example", "1.1.1.1", 0);
	take(&stage,
	     "\t{ \"verification\" : {\"verified\":true,\"x\":1.50} , \"resolution\":7, \"type\" : "
	     "\"ADDED\", \"object\":{\"n\":1e2,\"apiVersion\":\"agent.kagenti.dev/v1\",\"kind\":"
	     "\"AgentCard\",\"metadata\":{\"name\":\"c\"}, \"spec\":{ \"networkPolicy\" : {\"domains\":"
	     "[{\"names\":[\"\\u0061.example\",\"*.b.example\"],\"ports\":[ {\"port\":1} ]}],"
	     "\"egress\":[ {\"to\" : [{\"ipBlock\":{\"cidr\":\"5.0.0.0/8\"}}]} ]} , \"z\":0.10}} } ", 0);
	expect(&stage,
	       "\t{ \"verification\" : {\"verified\":true,\"x\":1.50} , \"resolution\":{\"names\":[{"
	       "\"name\":\"\\u0061.example\",\"addresses\":[\"1.1.1.1\"]},{\"name\":\"*.b.example\","
	       "\"addresses\":[],\"problem\":\"a wildcard cannot be resolved\"}]}, \"type\" : "
	       "\"ADDED\", \"object\":{\"n\":1e2,\"apiVersion\":\"agent.kagenti.dev/v1\",\"kind\":"
	       "\"AgentCard\",\"metadata\":{\"name\":\"c\"}, \"spec\":{ \"networkPolicy\" : {\"egress\":"
	       "[ {\"to\" : [{\"ipBlock\":{\"cidr\":\"5.0.0.0/8\"}}]} ,{\"to\":[{\"ipBlock\":{\"cidr\":"
	       "\"1.1.1.1/32\"}}],\"ports\":[ {\"port\":1} ]}],\"domains\":[{\"names\":"
	       "[\"*.b.example\"],\"ports\":[ {\"port\":1} ]}]} , \"z\":0.10}} } \n");
	close_stage(&stage);
}

static void an_entry_without_addresses_leaves_no_rule_behind(void **state)
{
	(void)state;
	struct stage stage;
	struct dns_settings settings = usual;
	settings.recorded = true;
	open_stage(&stage, &settings);
	take(&stage, CARD("c", "{\"egress\":[],\"domains\":[{\"names\":[\"a.example\"]}]}"), 0);
	expect(&stage, EVENT("ADDED", "c", "{\"egress\":[]}", "true")
	               MISSED("a.example", "no answer was recorded"));
	close_stage(&stage);
}

static void the_end_mark_waits_for_the_cards_before_it_and_other_lines_do_not(void **state)
{
	(void)state;
	static const char pod[] = "{\"type\":\"ADDED\",\"object\":{\"apiVersion\":\"v1\",\"kind\":"
	                          "\"Pod\",\"metadata\":{\"name\":\"x\"}}}";
	struct stage stage;
	open_stage(&stage, &usual);
	take(&stage, BEGIN, 0);
	take(&stage, CARD("c", DOMAIN("a.example")), 0);
	take(&stage, CARD("p", "{\"egress\":[]}"), 0);
	take(&stage, END, 0);
	take(&stage, pod, 0);
	take(&stage, CARD("d", DOMAIN("b.example")), 1); /* behind the mark */
	expect(&stage, BEGIN "\n" CARD("p", "{\"egress\":[]}") "\n{\"type\":\"ADDED\",\"object\":{"
	               "\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"x\"}}}\n");
	tell(&stage, "a.example", "1.1.1.1", 1);
	expect(&stage, OPENED("ADDED", "c", "a.example", "1.1.1.1") END "\n");
	close_stage(&stage);
}

static void an_end_mark_that_waits_does_not_outlive_the_next_list(void **state)
{
	(void)state;
	struct stage stage;
	open_stage(&stage, &usual);
	take(&stage, BEGIN, 0);
	take(&stage, CARD("c", DOMAIN("a.example")), 0);
	take(&stage, END, 0);
	take(&stage, BEGIN, 1);
	expect(&stage, BEGIN "\n" BEGIN "\n");
	tell(&stage, "a.example", "1.1.1.1", 1);
	expect(&stage, OPENED("ADDED", "c", "a.example", "1.1.1.1"));
	take(&stage, CARD("c", DOMAIN("a.example")), 2);
	take(&stage, END, 2);
	expect(&stage, OPENED("ADDED", "c", "a.example", "1.1.1.1") END "\n");
	close_stage(&stage);
}

/* A delay of what narrows would leave the agent with too much. */
static void a_verified_card_that_gets_names_does_not_wait(void **state)
{
	(void)state;
	struct stage stage;
	open_stage(&stage, &usual);
	take(&stage, CARD("c", "null"), 0);
	stage.out.len = 0;
	take(&stage, CARD("c", DOMAIN("a.example")), 1);
	expect(&stage, EVENT("ADDED", "c", ONLY_DNS, "true") MISSED("a.example", "no answer came yet"));
	close_stage(&stage);
}

static void a_card_that_loses_its_verdict_or_goes_is_told_at_once_and_never_again(void **state)
{
	(void)state;
	static const char *const ends[] = {EVENT("MODIFIED", "c", DOMAIN("a.example"), "false") "}",
	                                   EVENT("DELETED", "c", DOMAIN("a.example"), "true") "}"};
	for (int i = 0; i < 4; i++) {
		struct stage stage;
		char wanted[1024];
		open_stage(&stage, &usual);
		take(&stage, CARD("c", DOMAIN("a.example")), 0);
		if (i >= 2) /* it has been emitted */
			tell(&stage, "a.example", "1.1.1.1", 0);
		stage.out.len = 0;
		take(&stage, ends[i % 2], 1);
		snprintf(wanted, sizeof wanted, "%s\n", ends[i % 2]);
		expect(&stage, wanted);
		tell(&stage, "a.example", "2.2.2.2", 60);
		dns_cards_emit_changed(stage.cards, 100000);
		expect(&stage, "");
		assert_int_equal(dns_cards_names(stage.cards), 0);
		close_stage(&stage);
	}
}

static void a_later_event_takes_the_place_of_one_that_waits(void **state)
{
	(void)state;
	struct stage stage;
	open_stage(&stage, &usual);
	take(&stage, CARD("c", DOMAIN("a.example")), 0);
	take(&stage, CARD("c", DOMAIN("b.example")), 5);
	tell(&stage, "a.example", "1.1.1.1", 5);
	expect(&stage, "");
	dns_cards_emit_changed(stage.cards, 10); /* since the first */
	expect(&stage, EVENT("ADDED", "c", ONLY_DNS, "true") MISSED("b.example", "no answer came yet"));
	close_stage(&stage);
}

static void a_card_that_a_list_does_not_name_is_forgotten(void **state)
{
	(void)state;
	struct stage stage;
	open_stage(&stage, &usual);
	take(&stage, CARD("c", DOMAIN("a.example")), 0);
	tell(&stage, "a.example", "1.1.1.1", 0);
	take(&stage, BEGIN, 1);
	take(&stage, END, 1);
	assert_int_equal(dns_cards_count(stage.cards), 0);
	assert_int_equal(dns_cards_names(stage.cards), 0);
	close_stage(&stage);
}

static void names_over_the_bound_are_denied_and_said(void **state)
{
	(void)state;
	struct dns_settings settings = usual;
	struct stage stage;
	settings.max_names = 1;
	open_stage(&stage, &settings);
	take(&stage, CARD("c", DOMAIN("a.example")), 0);
	tell(&stage, "a.example", "1.1.1.1", 0);
	stage.out.len = 0;
	take(&stage, CARD("d", DOMAIN("b.example")), 0);
	expect(&stage, EVENT("ADDED", "d", ONLY_DNS, "true")
	               MISSED("b.example", "there are too many names: it is not asked for"));
	close_stage(&stage);
}

/* The property. Names are n0.example and up; name i has addresses 5.i.x.y, inside ones too. */

enum { PLAY_NAMES = 6, PLAY_STEPS = 400, PLAYS = 60 };

struct play {
	struct stage stage;
	uint64_t random;
	int64_t at;
	int64_t seen[PLAY_NAMES][256]; /* when an address was in an answer last; INT64_MIN: never */
};

static unsigned pick(struct play *play, unsigned below)
{
	play->random ^= play->random << 13;
	play->random ^= play->random >> 7;
	play->random ^= play->random << 17;
	return (unsigned)((play->random >> 20) % below);
}

static void play_answer(struct play *play)
{
	struct dns_answer answer = {.type = (enum dns_type)pick(play, 2)};
	unsigned name = pick(play, PLAY_NAMES), count = pick(play, 8);
	snprintf(answer.name, sizeof answer.name, "n%u.example", name);
	answer.status = count == 0 ? (enum dns_status)(1 + pick(play, DNS_STATUSES - 1)) : DNS_NOERROR;
	if (answer.type == DNS_AAAA && count > 0)
		answer.status = DNS_NODATA;
	answer.ttl = pick(play, 1000);
	for (; answer.status == DNS_NOERROR && count > 0; count--) {
		unsigned host = pick(play, 256);
		struct policy_cidr ip = {{5, (unsigned char)name, 0, (unsigned char)host}, 32, 32};
		if (pick(play, 5) == 0)
			ip = (struct policy_cidr){{10, 0, 0, (unsigned char)host}, 32, 32};
		else
			play->seen[name][host] = play->at;
		dns_answer_add(&answer, &ip);
	}
	dns_answer_sort(&answer);
	dns_cards_answer(play->stage.cards, &answer, play->at);
	dns_answer_free(&answer);
}

static void play_card(struct play *play)
{
	struct json_buffer line = {0};
	unsigned entries = 1 + pick(play, 3);
	json_putf(&line, "{\"type\":\"ADDED\",\"object\":{\"apiVersion\":\"agent.kagenti.dev/v1\","
	                 "\"kind\":\"AgentCard\",\"metadata\":{\"name\":\"c%u\"},\"spec\":{"
	                 "\"networkPolicy\":{", pick(play, 4));
	if (pick(play, 2) == 0)
		json_puts(&line, "\"egress\":[{\"to\":[{\"ipBlock\":{\"cidr\":\"7.7.7.0/24\"}}]}],");
	json_puts(&line, "\"domains\":[");
	for (unsigned i = 0; i < entries; i++) {
		/* the port tells which name the rule is for */
		unsigned name = pick(play, PLAY_NAMES);
		json_putf(&line, "%s{\"names\":[\"n%u.example\"%s],\"ports\":[{\"port\":%u}]}",
		          i == 0 ? "" : ",", name, pick(play, 4) == 0 ? ",\"*.w.example\"" : "",
		          1000 + name);
	}
	json_putf(&line, "]}}},\"verification\":{\"verified\":%s}}", pick(play, 5) ? "true" : "false");
	json_putc(&line, '\0');
	take(&play->stage, line.at, play->at);
	json_buffer_free(&line);
}

/* A peer that was added must be one address that the name of this port had, not too long ago. */
static void check_peer(const struct play *play, struct json_text peer, unsigned name)
{
	struct policy_cidr ip;
	assert_null(policy_cidr_parse(json_plain(json_get(peer, "ipBlock", "cidr")), &ip));
	assert_int_equal(json_count(json_get(peer, "ipBlock")), 1);
	assert_int_equal(ip.prefix, 32);
	assert_int_equal(ip.ip[0], 5);
	assert_int_equal(ip.ip[1], name);
	int64_t seen = play->seen[name][ip.ip[3]];
	assert_true(seen != INT64_MIN);
	assert_true(play->at - seen <= usual.max_ttl + usual.stale + usual.grace);
}

static void check_rule(const struct play *play, struct json_text rule)
{
	int64_t port;
	struct json_text peers = json_get(rule, "to");
	assert_true(json_count(peers) >= 1);
	assert_int_equal(json_count(json_get(rule, "ports")), 1);
	assert_true(json_integer(json_get(json_first(json_get(rule, "ports")).value, "port"), &port));
	for (struct json_member m = json_first(peers); m.value.at; m = json_next(m))
		check_peer(play, m.value, (unsigned)(port - 1000));
}

static void check_line(const struct play *play, struct json_text line)
{
	struct policy_problems problems = {0};
	bool first = true;
	assert_true(json_check(line, &json_record_limits, NULL));
	struct json_text policy = json_get(line, "object", "spec", "networkPolicy");
	struct policy_rules rules = policy_rules_read(policy, &problems);
	assert_true(rules.valid);
	policy_problems_free(&problems);
	if (!json_is_true(json_get(line, "verification", "verified")))
		return;
	assert_non_null(rules.egress.at); /* never unset: that would be everything */
	for (struct json_member m = json_first(rules.egress); m.value.at; m = json_next(m)) {
		if (!first)
			check_rule(play, m.value);
		else if (!json_same(m.value, json_of(DNS_RULE)))
			assert_true(json_same(m.value, json_of("{\"to\":[{\"ipBlock\":{\"cidr\":"
			                                       "\"7.7.7.0/24\"}}]}")));
		first = false;
	}
	assert_false(first);
}

static void check_lines(struct play *play)
{
	size_t at = 0;
	struct json_buffer *out = &play->stage.out;
	while (at < out->len) {
		const char *end = memchr(out->at + at, '\n', out->len - at);
		struct json_text line = {out->at + at, (size_t)(end - out->at) - at};
		check_line(play, line);
		at += line.len + 1;
	}
	out->len = 0;
}

static void run_play(uint64_t seed, struct json_buffer *all)
{
	struct play play = {.random = seed * 0x9e3779b97f4a7c15u | 1};
	for (int name = 0; name < PLAY_NAMES; name++)
		for (int host = 0; host < 256; host++)
			play.seen[name][host] = INT64_MIN;
	open_stage(&play.stage, &usual);
	for (int step = 0; step < PLAY_STEPS; step++) {
		unsigned what = pick(&play, 10);
		if (what == 0)
			play_card(&play);
		else if (what < 8)
			play_answer(&play);
		play.at += pick(&play, 50);
		dns_cards_emit_changed(play.stage.cards, play.at);
		json_put(all, play.stage.out.at, play.stage.out.len);
		check_lines(&play);
	}
	close_stage(&play.stage);
}

static void a_name_never_brings_more_than_its_own_public_addresses(void **state)
{
	(void)state;
	size_t emitted = 0;
	for (uint64_t seed = 1; seed <= PLAYS; seed++) {
		struct json_buffer all = {0};
		run_play(seed, &all);
		emitted += all.len;
		json_buffer_free(&all);
	}
	assert_true(emitted > 100000); /* it does bring some */
}

static void the_same_calls_give_the_same_bytes(void **state)
{
	(void)state;
	struct json_buffer once = {0}, twice = {0};
	run_play(7, &once);
	run_play(7, &twice);
	assert_true(json_same(json_buffer_text(&once), json_buffer_text(&twice)));
	json_buffer_free(&once);
	json_buffer_free(&twice);
}

/* 64 entries of 64 names of 64 addresses each are far too much for one policy. */
static void what_does_not_fit_is_left_out_and_the_rest_stays_valid(void **state)
{
	(void)state;
	struct dns_settings settings = usual;
	struct stage stage;
	struct json_buffer line = {0};
	struct policy_problems problems = {0};
	settings.recorded = true;
	settings.max_names = 10000;
	open_stage(&stage, &settings);
	for (unsigned i = 0; i < 4096; i++) {
		struct dns_answer answer = {.status = DNS_NOERROR, .ttl = 60};
		snprintf(answer.name, sizeof answer.name, "n%u.example", i);
		for (unsigned host = 0; host < 64; host++) {
			struct policy_cidr ip = {{5, (unsigned char)(i >> 8), (unsigned char)i,
			                          (unsigned char)host}, 32, 32};
			dns_answer_add(&answer, &ip);
		}
		dns_cards_answer(stage.cards, &answer, 0);
		dns_answer_free(&answer);
	}
	json_puts(&line, EVENT("ADDED", "c", "{\"egress\":[],\"domains\":[", "true"));
	line.len = (size_t)(strstr(line.at, "\"domains\":[") - line.at) + strlen("\"domains\":[");
	for (unsigned i = 0; i < 4096; i++)
		json_putf(&line, "%s\"n%u.example\"%s", i % 64 != 0 ? "," : i == 0 ? "{\"names\":[" : ",{\"names\":[",
		          i, i % 64 == 63 ? "]}" : "");
	json_puts(&line, "]}}},\"verification\":{\"verified\":true}}");
	json_putc(&line, '\0');
	take(&stage, line.at, 0);
	struct json_text out = json_buffer_text(&stage.out);
	out.len--;
	assert_true(json_check(out, &json_record_limits, NULL));
	struct json_text policy = json_get(out, "object", "spec", "networkPolicy");
	struct policy_rules rules = policy_rules_read(policy, &problems);
	assert_true(rules.valid);
	assert_true(policy.len <= 512 * 1024);
	assert_true(json_count(rules.egress) > 20);
	json_putc(&stage.out, '\0');
	assert_non_null(strstr(stage.out.at, "there is no room for its addresses"));
	policy_problems_free(&problems);
	json_buffer_free(&line);
	close_stage(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_card_waits_for_its_first_answers),
		cmocka_unit_test(it_waits_no_longer_than_it_was_said_and_gets_its_names_later),
		cmocka_unit_test(a_failure_is_an_answer_to_wait_for),
		cmocka_unit_test(a_card_comes_out_again_only_when_its_addresses_change),
		cmocka_unit_test(every_card_that_has_the_name_comes_out_again),
		cmocka_unit_test(
			what_has_no_names_or_no_valid_rules_or_no_verdict_passes_byte_for_byte),
		cmocka_unit_test(everything_but_the_rules_stays_as_it_was_written),
		cmocka_unit_test(an_entry_without_addresses_leaves_no_rule_behind),
		cmocka_unit_test(the_end_mark_waits_for_the_cards_before_it_and_other_lines_do_not),
		cmocka_unit_test(an_end_mark_that_waits_does_not_outlive_the_next_list),
		cmocka_unit_test(a_verified_card_that_gets_names_does_not_wait),
		cmocka_unit_test(
			a_card_that_loses_its_verdict_or_goes_is_told_at_once_and_never_again),
		cmocka_unit_test(a_later_event_takes_the_place_of_one_that_waits),
		cmocka_unit_test(a_card_that_a_list_does_not_name_is_forgotten),
		cmocka_unit_test(names_over_the_bound_are_denied_and_said),
		cmocka_unit_test(a_name_never_brings_more_than_its_own_public_addresses),
		cmocka_unit_test(the_same_calls_give_the_same_bytes),
		cmocka_unit_test(what_does_not_fit_is_left_out_and_the_rest_stays_valid),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
