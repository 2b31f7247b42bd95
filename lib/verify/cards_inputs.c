#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/name.h"
#include "k8s/workload.h"
#include "verify/cards_private.h"

/* Keys of a signed card's ConfigMap, as the operator reads them: the first holds an object whose
 * member agentCard is the card, beside attestations that we do not read. */
#define WRAPPED_KEY "signed-agent-card.json"
#define SIGNED_KEY "agent-card.json"

enum { ATTESTATION_MAX = 96 * 1024 /* bytes of certificates in base64: more are no chain */ };

/* Why the text in `card` cannot be used; NULL: the card alone is left in it. */
static const char *unwrap(struct json_buffer *card)
{
	const struct json_limits limits = {JSON_RECORD_MAX, TRUST_CARD_DEPTH + 1};
	struct json_text text = json_buffer_text(card);
	struct json_error error = {0};
	if (!json_check(text, &limits, &error))
		return error.reason;
	struct json_text inner = json_get(json_trim(text), "agentCard");
	if (json_type(inner) != JSON_OBJECT)
		return "it is not an object with an object agentCard";
	memmove(card->at, inner.at, inner.len);
	card->len = inner.len;
	return NULL;
}

/* The signed card of a ConfigMap. False, and nothing is in `card`: there is none. Where there is
 * what is none, `why` is a sentence: what stood there before counts no more, nor does the other key. */
static bool find_card(struct json_text configmap, struct json_buffer *card, char why[HELD_WHY_MAX])
{
	why[0] = '\0';
	if (!cards_configmap_value(configmap, WRAPPED_KEY, card))
		return cards_configmap_value(configmap, SIGNED_KEY, card);
	const char *wrong = unwrap(card);
	if (wrong == NULL)
		return true;
	snprintf(why, HELD_WHY_MAX, "its key " WRAPPED_KEY " is unusable: %s", wrong);
	card->len = 0;
	return false;
}

/* What egress-fetch says of the agent. It stands beside the object, never in it. */
static struct json_text attested(const struct trust_cards *cards, const struct event *event)
{
	struct json_text chain = json_get(event->attestation, "chain");
	bool counts = cards->settings.accept_fetch && event->type != EVENT_DELETED &&
	              chain.len <= ATTESTATION_MAX;
	return counts ? chain : json_of(NULL);
}

static void take_signed(struct trust_cards *cards, const struct event *event, const char *key,
                        int64_t at)
{
	struct held_target *target = held_target_add(&cards->held, key);
	target->signed_list = cards->lists[HELD_CONFIGMAP];
	struct json_buffer card = {0};
	char why[HELD_WHY_MAX] = "";
	bool found = event->type != EVENT_DELETED && find_card(event->object, &card, why);
	json_putc(&card, '\0');
	size_t len = card.len - 1;
	/* What is too large for a card stays so with fewer bytes held. */
	if (len > TRUST_CARD_MAX + 1)
		len = TRUST_CARD_MAX + 1;
	bool spoilt = held_target_spoil(&cards->held, target, why[0] == '\0' ? NULL : why);
	bool changed = held_target_sign(&cards->held, target, found ? card.at : NULL, len);
	if (held_target_attest(target, attested(cards, event)) || changed || spoilt)
		cards_recheck_target(cards, target, at);
	json_buffer_free(&card);
	held_target_drop(&cards->held, target);
}

void cards_take_configmap(struct trust_cards *cards, const struct event *event, int64_t at)
{
	char key[EVENT_KEY_SIZE];
	cards_take_bundle(cards, event, HELD_CONFIGMAP, at);
	if (cards_signed_for(event, key))
		take_signed(cards, event, key, at);
}

static void recheck_workload(struct trust_cards *cards, struct held_target *target,
                             enum held_kind kind, int64_t at)
{
	struct held_card *card;
	DL_FOREACH(target->cards, card)
	{
		if (card->workload == kind)
			cards_recheck(cards, card, at);
	}
}

void cards_take_workload(struct trust_cards *cards, const struct event *event,
                         enum held_kind kind, int64_t at)
{
	char key[EVENT_KEY_SIZE], account[POLICY_NAME_SIZE];
	struct json_text named = k8s_workload_account((enum k8s_workload_kind)kind, event->object);
	if (event->namespace.at == NULL)
		return;
	event_key(event, key);
	struct held_target *target = held_target_add(&cards->held, key);
	target->workload_lists[kind] = cards->lists[kind];
	bool known = event->type != EVENT_DELETED && named.at != NULL;
	snprintf(account, sizeof account, "%.*s", (int)named.len, named.at == NULL ? "" : named.at);
	if (held_target_account(target, kind, known ? account : NULL))
		recheck_workload(cards, target, kind, at);
	held_target_drop(&cards->held, target);
}

static void end_cards(struct trust_cards *cards)
{
	struct held_card *card, *next;
	HASH_ITER(hh, cards->held.cards, card, next)
	{
		if (card->list != cards->lists[HELD_AGENTCARD])
			held_card_remove(&cards->held, card);
	}
}

static void end_target(struct trust_cards *cards, struct held_target *target, enum held_kind kind,
                       int64_t at)
{
	unsigned list = cards->lists[kind];
	if (kind == HELD_CONFIGMAP) {
		if (target->signed_list == list)
			return;
		bool spoilt = held_target_spoil(&cards->held, target, NULL);
		if (held_target_sign(&cards->held, target, NULL, 0) || spoilt)
			cards_recheck_target(cards, target, at);
	} else if (target->workload_lists[kind] != list &&
	           held_target_account(target, kind, NULL)) {
		recheck_workload(cards, target, kind, at);
	}
	held_target_drop(&cards->held, target);
}

void cards_end_list(struct trust_cards *cards, enum held_kind kind, int64_t at)
{
	if (kind == HELD_AGENTCARD) {
		end_cards(cards);
		return;
	}
	cards_end_bundles(cards, kind, at);
	if (kind == HELD_CLUSTERTRUSTBUNDLE)
		return;
	struct held_target *target, *next;
	HASH_ITER(hh, cards->held.targets, target, next)
	{
		end_target(cards, target, kind, at);
	}
}
