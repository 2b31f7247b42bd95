#include "verify/cards.h"

#include <stdlib.h>
#include <string.h>

#include "k8s/unusable.h"
#include "verify/cards_private.h"
#include "verify/status_private.h"

struct trust_cards *trust_cards_new(const struct trust_cards_settings *settings)
{
	struct trust_cards *cards = held_memory(sizeof *cards);
	cards->settings = *settings;
	cards->due = TRUST_TIME_MAX;
	cards->held.namespace_bytes = settings->namespace_bytes > 0 ? settings->namespace_bytes
	                                                            : SIZE_MAX / 2;
	cards->bundles = held_memory((settings->bundle_count + 1) * sizeof *cards->bundles);
	cards->left_out = held_memory(settings->without_count + 1);
	cards_open_bundles(cards);
	return cards;
}

void trust_cards_free(struct trust_cards *cards)
{
	if (cards == NULL)
		return;
	held_free(&cards->held);
	json_buffer_free(&cards->verification);
	json_buffer_free(&cards->line);
	free(cards->bundles);
	free(cards->left_out);
	for (size_t i = 0; i < TRUST_MEASURED; i++)
		free(cards->anchors[i]);
	free(cards);
}

size_t trust_cards_count(const struct trust_cards *cards)
{
	return HASH_COUNT(cards->held.cards);
}

const char *trust_cards_not_left_out(const struct trust_cards *cards)
{
	for (size_t i = 0; i < cards->settings.without_count; i++)
		if (!cards->left_out[i])
			return cards->settings.without[i];
	return NULL;
}

const unsigned long *trust_cards_verdicts(const struct trust_cards *cards)
{
	return cards->verdicts;
}

/* The line with the verification after its object, or in the place of one that it came with:
 * what another program has said of a card does not count. */
static void emit_verified(struct trust_cards *cards, struct json_text line,
                          const struct event *event, const struct held_card *card)
{
	struct json_text verification = {card->verification, card->verification_len};
	struct json_text old = event->verification;
	const char *end = line.at + line.len;
	const char *cut = old.at != NULL ? old.at : event->object.at + event->object.len;
	const char *rest = old.at != NULL ? old.at + old.len : cut;
	struct json_buffer *out = &cards->line;
	out->len = 0;
	cards->verdicts[card->reason]++;
	json_put(out, line.at, (size_t)(cut - line.at));
	if (old.at == NULL)
		json_puts(out, ",\"verification\":");
	json_puttext(out, verification);
	json_put(out, rest, (size_t)(end - rest));
	cards->settings.emit(cards->settings.context, json_buffer_text(out));
}

static bool same_part(struct held *held, const struct held_card *card, struct held_span span,
                      struct json_text now)
{
	return span.len == now.len &&
	       (now.len == 0 || memcmp(held_card_part(held, card, span).at, now.at, now.len) == 0);
}

/* True when the verdict that is held answers for this event too. What a status concludes depends
 * on more of the object than is compared here: it is read anew each time. */
static bool still_holds(struct trust_cards *cards, const struct held_card *card,
                        const struct card_aim *aim, int64_t at)
{
	struct held *held = &cards->held;
	if (cards->settings.accept != TRUST_ACCEPT_NOTHING || cards->settings.accept_fetch || card->unusable != NULL || card->over)
		return false;
	if (card->target == NULL || aim->problem != NULL || at < card->since || at >= card->until)
		return false;
	if (card->workload != aim->workload || strcmp(card->target->key, aim->target) != 0 ||
	    !same_part(held, card, card->binding, aim->binding) ||
	    !same_part(held, card, card->allowed, aim->allowed))
		return false;
	return card->target->signed_card.at != NULL ||
	       same_part(held, card, card->status_card, aim->status_card);
}

static struct held_span span_of(struct json_text object, struct json_text part)
{
	if (part.at == NULL)
		return (struct held_span){0};
	return (struct held_span){(uint32_t)(part.at - object.at), (uint32_t)part.len};
}

static void hold_card(struct trust_cards *cards, struct held_card *card, const struct event *event,
                      const struct card_aim *aim)
{
	card->list = cards->lists[HELD_AGENTCARD];
	card->workload = (unsigned char)aim->workload;
	card->binding = span_of(event->object, aim->binding);
	card->allowed = span_of(event->object, aim->allowed);
	card->status = span_of(event->object, aim->status);
	card->status_card = span_of(event->object, aim->status_card);
	held_card_aim(&cards->held, card, aim->problem == NULL ? aim->target : NULL);
	held_card_object(&cards->held, card, event->object);
}

static void take_card(struct trust_cards *cards, struct json_text line, const struct event *event,
                      int64_t at)
{
	char key[EVENT_KEY_SIZE];
	struct card_aim aim;
	event_key(event, key);
	cards_aim(event, &aim);
	struct held_card *card = held_card_find(&cards->held, key);
	if (card == NULL)
		card = held_card_add(&cards->held, key);
	bool holds = still_holds(cards, card, &aim, at);
	free(card->unusable);
	card->unusable = NULL;
	hold_card(cards, card, event, &aim);
	/* one that found no room now is not looked at again, so nothing of it may stay */
	if (!holds || card->over) {
		cards_check(cards, card, aim.problem, at);
		held_card_verification(card, json_buffer_text(&cards->verification));
	}
	emit_verified(cards, line, event, card);
	if (event->type == EVENT_DELETED)
		held_card_remove(&cards->held, card);
}

static void take_mark(struct trust_cards *cards, enum held_kind kind, enum event_mark mark,
                      int64_t at)
{
	if (mark == EVENT_MARK_BEGIN) {
		cards->lists[kind]++;
		cards->listing[kind] = true;
		if (kind == HELD_CONFIGMAP)
			held_forget_left_out(&cards->held);
	} else if (mark == EVENT_MARK_END && cards->listing[kind]) {
		cards->listing[kind] = false;
		cards_end_list(cards, kind, at);
	}
}

static void take_object(struct trust_cards *cards, enum held_kind kind, const struct event *event,
                        int64_t at)
{
	if (kind == HELD_CONFIGMAP)
		cards_take_configmap(cards, event, at);
	else if (kind == HELD_CLUSTERTRUSTBUNDLE)
		cards_take_bundle(cards, event, kind, at);
	else
		cards_take_workload(cards, event, kind, at);
}

const char *trust_cards_take(struct trust_cards *cards, struct json_text line,
                             struct json_text json, int64_t at)
{
	struct event event;
	const char *wrong = event_read(json, &event);
	if (wrong != NULL)
		return wrong;
	if (event.time.at != NULL && cards->settings.now != NULL)
		at = cards->settings.now(cards->settings.context, event.time);
	enum held_kind kind = held_kind_of(&event, cards->settings.agentcard_group);
	bool object = event.type != EVENT_BOOKMARK && event.type != EVENT_ERROR;
	if (kind == HELD_AGENTCARD && object) {
		take_card(cards, line, &event, at);
		return NULL;
	}
	cards->settings.emit(cards->settings.context, line);
	struct event named;
	if (k8s_unusable_read(&event, &named))
		cards_spoil(cards, &named, "a program before this one could not", at);
	if (kind == HELD_NONE || event.type == EVENT_ERROR)
		return NULL;
	if (object)
		take_object(cards, kind, &event, at);
	else
		take_mark(cards, kind, event.mark, at);
	return NULL;
}

void trust_cards_time(struct trust_cards *cards, int64_t at)
{
	cards_bundles_time(cards, at);
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
