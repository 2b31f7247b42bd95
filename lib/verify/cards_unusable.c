/* Records that cannot be used: what they are of must not stay what it was before. */
#include <stdlib.h>
#include <string.h>

#include "k8s/unusable.h"
#include "verify/cards_private.h"

/* False when it was never seen: then nothing is held that could be emitted. */
static bool spoil_card(struct trust_cards *cards, const struct event *named, const char *why,
                       int64_t at)
{
	char key[EVENT_KEY_SIZE];
	event_key(named, key);
	struct held_card *card = held_card_find(&cards->held, key);
	if (card == NULL)
		return false;
	free(card->unusable);
	card->unusable = held_copy(why, strnlen(why, HELD_WHY_MAX));
	card->list = cards->lists[HELD_AGENTCARD];
	cards_recheck(cards, card, at);
	return true;
}

static bool spoil_configmap(struct trust_cards *cards, const struct event *named, const char *why,
                            int64_t at)
{
	char key[EVENT_KEY_SIZE];
	cards_spoil_bundle(cards, named, HELD_CONFIGMAP, why, at);
	if (!cards_signed_for(named, key))
		return true;
	struct held_target *target = held_target_add(&cards->held, key);
	target->signed_list = cards->lists[HELD_CONFIGMAP];
	if (held_target_spoil(&cards->held, target, why))
		cards_recheck_target(cards, target, at);
	held_target_drop(&cards->held, target);
	return true;
}

bool cards_spoil(struct trust_cards *cards, const struct event *named, const char *why, int64_t at)
{
	enum held_kind kind = held_kind_of(named, cards->settings.agentcard_group);
	if (kind == HELD_AGENTCARD)
		return spoil_card(cards, named, why, at);
	if (kind == HELD_CONFIGMAP)
		return spoil_configmap(cards, named, why, at);
	if (kind != HELD_CLUSTERTRUSTBUNDLE)
		return false;
	cards_spoil_bundle(cards, named, kind, why, at);
	return true;
}

/* What is nothing to us may be something to the stages behind. */
bool trust_cards_unusable(struct trust_cards *cards, struct json_text line, const char *why,
                          int64_t at)
{
	struct event named;
	if (!k8s_unusable_find(line, &named))
		return false;
	if (cards_spoil(cards, &named, why, at))
		return true;
	cards->line.len = 0;
	k8s_unusable_put(&cards->line, &named);
	cards->settings.emit(cards->settings.context, json_buffer_text(&cards->line));
	return true;
}
