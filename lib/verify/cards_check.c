#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verify/cards_private.h"

enum { SOURCE_SIZE = EVENT_KEY_SIZE + 64 };

/* The signed card, and where it was found. */
static struct json_text find_signed(struct held *held, const struct held_card *card,
                                    char source[SOURCE_SIZE])
{
	const struct held_target *target = card->target;
	source[0] = '\0';
	if (target->signed_card.at != NULL) {
		snprintf(source, SOURCE_SIZE, "configmap %s" K8S_SIGNED_SUFFIX, target->key);
		return held_target_signed(held, target);
	}
	if (card->status_card.len > 0)
		snprintf(source, SOURCE_SIZE, "status.card");
	return held_card_part(held, card, card->status_card);
}

/* The checker knows only that it was given no service account; a reader wants to know whose. */
static void name_workload(const struct held_card *card, struct trust_verdict *verdict)
{
	if (card->workload == HELD_NONE)
		snprintf(verdict->message, sizeof verdict->message,
		         "the kind that spec.targetRef names is not one whose service account is "
		         "known, so that of %s is not", card->target->key);
	else
		snprintf(verdict->message, sizeof verdict->message,
		         "%s %s is not known, so neither is its service account",
		         k8s_workloads[card->workload].kind.kind, card->target->key);
}

static void check_signed(struct trust_cards *cards, struct held_card *card,
                         char source[SOURCE_SIZE], int64_t at)
{
	char namespace[EVENT_KEY_SIZE];
	snprintf(namespace, sizeof namespace, "%.*s", (int)strcspn(card->target->key, "/"),
	         card->target->key);
	struct json_text bound = held_card_part(&cards->held, card, card->binding);
	char *binding = json_cstring(bound);
	struct trust_request request = {
		.card = find_signed(&cards->held, card, source),
		.trust_domain = binding,
		.namespace = namespace,
		.at = at,
	};
	if (card->workload != HELD_NONE)
		request.service_account = card->target->service_accounts[card->workload];
	trust_check(cards->settings.checker, &request, &cards->verdict);
	card->trust_domain = trust_checker_domain(cards->settings.checker, binding);
	free(binding);
	if (cards->verdict.reason == TRUST_WORKLOAD_MISSING)
		name_workload(card, &cards->verdict);
}

void cards_check(struct trust_cards *cards, struct held_card *card, const char *problem, int64_t at)
{
	char source[SOURCE_SIZE] = "";
	if (card->target == NULL)
		trust_verdict_set(&cards->verdict, TRUST_WORKLOAD_MISSING, "%s", problem);
	else
		check_signed(cards, card, source, at);
	card->since = cards->verdict.since;
	card->until = cards->verdict.until;
	if (card->until < cards->due)
		cards->due = card->until;
	cards->verification.len = 0;
	trust_verdict_put(&cards->verification, &cards->verdict, source[0] == '\0' ? NULL : source);
}

/* By its text: that is what is held of it. */
void cards_count_verdict(struct trust_cards *cards, struct json_text verification)
{
	struct json_text reason = json_get(verification, "reason");
	for (int i = 0; i < TRUST_REASONS; i++) {
		if (!json_equals(reason, trust_reason_names[i]))
			continue;
		cards->verdicts[i]++;
		return;
	}
}

void cards_recheck(struct trust_cards *cards, struct held_card *card, int64_t at)
{
	if (card->target == NULL)
		return;
	cards_check(cards, card, NULL, at);
	struct json_text verification = json_buffer_text(&cards->verification);
	if (json_same(verification, (struct json_text){card->verification, card->verification_len}))
		return;
	held_card_verification(card, verification);
	cards_count_verdict(cards, verification);
	struct json_buffer *line = &cards->line;
	line->len = 0;
	json_puts(line, "{\"type\":\"MODIFIED\",\"object\":");
	json_puttext(line, held_card_text(&cards->held, card));
	json_puts(line, ",\"verification\":");
	json_puttext(line, verification);
	json_putc(line, '}');
	cards->settings.emit(cards->settings.context, json_buffer_text(line));
}

void cards_recheck_target(struct trust_cards *cards, struct held_target *target, int64_t at)
{
	struct held_card *card;
	DL_FOREACH(target->cards, card)
	{
		cards_recheck(cards, card, at);
	}
}

void trust_cards_time(struct trust_cards *cards, int64_t at)
{
	if (at < cards->due)
		return;
	cards->due = TRUST_TIME_MAX;
	for (struct held_card *card = cards->held.cards; card != NULL; card = card->hh.next) {
		if (card->until <= at)
			cards_recheck(cards, card, at);
		if (card->until < cards->due)
			cards->due = card->until;
	}
}
