/* Lines of answers of any bytes: what is read is written in one form, which reads as the same; and
 * whatever was answered, a card with names gets rules that are valid, and egress that is set. */
#include <stdlib.h>
#include <string.h>

#include "resolve/cards.h"
#include "resolve/rewrite_private.h"

static const char card[] =
	"{\"type\":\"ADDED\",\"object\":{\"apiVersion\":\"agent.kagenti.dev/v1\",\"kind\":"
	"\"AgentCard\",\"metadata\":{\"name\":\"c\"},\"spec\":{\"networkPolicy\":{\"domains\":[{"
	"\"names\":[\"a.example\",\"b.example\",\"*.c.example\"]}]}}},\"verification\":{\"verified\":"
	"true}}";

static void check_form(const struct dns_answer *answer)
{
	struct json_buffer once = {0}, twice = {0};
	struct dns_answer again = {0};
	dns_answer_put(answer, &once);
	if (!json_check(json_buffer_text(&once), &json_record_limits, NULL) ||
	    dns_answer_read(json_buffer_text(&once), &again) != NULL)
		abort();
	dns_answer_put(&again, &twice);
	if (!json_same(json_buffer_text(&once), json_buffer_text(&twice)))
		abort();
	dns_answer_free(&again);
	json_buffer_free(&once);
	json_buffer_free(&twice);
}

static void check_line(void *context, struct json_text line)
{
	struct policy_problems problems = {0};
	if (!json_check(line, &json_record_limits, NULL))
		abort();
	struct policy_rules rules =
		policy_rules_read(json_get(line, "object", "spec", "networkPolicy"), &problems);
	if (!rules.valid || rules.egress.at == NULL)
		abort();
	policy_problems_free(&problems);
	++*(int *)context;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	int emitted = 0;
	struct dns_answer answer = {0};
	struct dns_cards *cards = dns_cards_new(&(struct dns_cards_settings){
		.agentcard_group = "agent.kagenti.dev",
		.dns = json_of("[]"),
		.names = {.max_ttl = 300, .grace = 60, .stale = 60, .max_addresses = 4,
	                  .max_names = 8, .recorded = true},
		.emit = check_line,
		.context = &emitted,
	});
	const char *at = (const char *)bytes, *end = at + size;
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		struct json_text line = {at, (size_t)((newline == NULL ? end : newline) - at)};
		at = newline == NULL ? end : newline + 1;
		if (!json_check(line, &json_record_limits, NULL) ||
		    dns_answer_read(json_trim(line), &answer) != NULL)
			continue;
		check_form(&answer);
		dns_cards_answer(cards, &answer, answer.time);
		dns_cards_take(cards, json_of(card), json_of(card), answer.time);
		dns_cards_emit_changed(cards, answer.time);
	}
	dns_cards_take(cards, json_of(card), json_of(card), 0);
	if (emitted == 0)
		abort();
	dns_answer_free(&answer);
	dns_cards_free(cards);
	return 0;
}
