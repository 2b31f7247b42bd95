/* Any lines as a stream: what comes out is JSON, what is no AgentCard's passes byte for byte, one
 * that cannot be used is told of by its name at most, no card is verified, since nobody whom the bundle knows has signed one; and it comes out again when
 * the stream is repeated. The seeds are the attacks of tests/data/attacks. */
#include <stdlib.h>
#include <string.h>

#include "../unit/authority.c"
#include "verify/cards.h"

struct stage {
	struct trust_cards *cards;
	struct json_text line; /* that is being taken */
	bool passed;           /* it came out as it was */
	bool unusable;         /* it is no event */
};

static void emit(void *context, struct json_text line)
{
	struct stage *stage = context;
	struct json_text verification = json_get(line, "verification");
	if (!json_check(line, &json_record_limits, NULL))
		abort();
	if (json_same(line, stage->line))
		stage->passed = true;
	else if (stage->unusable && json_equals(json_get(line, "type"), "ERROR") && verification.at == NULL)
		stage->unusable = false; /* once */
	else if (json_type(verification) != JSON_OBJECT || json_is_true(json_get(verification, "verified")))
		abort();
}

static void warn(void *context, const char *sentence)
{
	(void)context;
	if (sentence[0] == '\0')
		abort();
}

static struct trust_checker *start(void)
{
	static const char *const domains[] = {"example.org"};
	struct trust_settings settings = {.trust_domains = domains, .trust_domain_count = 1};
	char reason[TRUST_BUNDLE_REASON_SIZE];
	struct trust_checker *checker = trust_checker_new(&settings, reason);
	struct party root = make_ca(NULL, "root");
	const struct party *roots[] = {&root};
	char *bundle = make_bundle(1, roots);
	trust_checker_anchors(checker, "example.org", trust_anchors_read(json_of(bundle), NULL, reason));
	free(bundle);
	party_free(&root);
	return checker;
}

static void take(struct stage *stage, struct json_text line)
{
	stage->line = line;
	stage->passed = stage->unusable = false;
	if (!json_check(line, &json_record_limits, NULL) || json_type(json_trim(line)) != JSON_OBJECT) {
		stage->unusable = true;
		trust_cards_unusable(stage->cards, line, "fuzz", NOW);
		return;
	}
	const char *wrong = trust_cards_take(stage->cards, line, json_trim(line), NOW);
	/* an AgentCard comes out with another member; any other event as it is; no event, not at all */
	bool card = json_equals(json_get(line, "object", "kind"), "AgentCard");
	if (wrong != NULL ? stage->passed : !card && !stage->passed)
		abort();
}

static void take_all(struct stage *stage, const uint8_t *data, size_t size)
{
	const char *at = (const char *)data, *end = at + size;
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((newline == NULL ? end : newline) - at);
		take(stage, (struct json_text){at, len});
		at += len + 1;
	}
	trust_cards_time(stage->cards, NOW + HOUR);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct trust_checker *checker;
	static const struct trust_cards_bundle bundle = {.trust_domain = "example.org"};
	if (checker == NULL)
		checker = start();
	struct stage stage = {0};
	stage.cards = trust_cards_new(&(struct trust_cards_settings){
		.agentcard_group = "agent.kagenti.dev",
		.checker = checker,
		.bundles = &bundle,
		.bundle_count = 1,
		.emit = emit,
		.warn = warn,
		.context = &stage,
	});
	take_all(&stage, data, size);
	take_all(&stage, data, size);
	trust_cards_free(stage.cards);
	return 0;
}
