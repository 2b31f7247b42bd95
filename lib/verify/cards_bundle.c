#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verify/cards_private.h"

enum { WARNING_SIZE = 1024 };

static void recheck_domain(struct trust_cards *cards, const char *trust_domain, int64_t at)
{
	for (struct held_card *card = cards->held.cards; card != NULL; card = card->hh.next)
		if (card->target != NULL && card->trust_domain == trust_domain)
			cards_recheck(cards, card, at);
}

static void warn_unusable(struct trust_cards *cards, const struct bundle_slot *slot,
                          const char *where, const char *reason)
{
	char text[WARNING_SIZE];
	snprintf(text, sizeof text, "the trust bundle of %s in %s is unusable: %s; %s",
	         slot->from.trust_domain, where, reason,
	         slot->held ? "the last good one stays" : "no card of that trust domain is verified");
	cards->settings.warn(cards->settings.context, text);
}

static void end_trust(struct trust_cards *cards, struct bundle_slot *slot, const char *where,
                      int64_t at)
{
	char text[WARNING_SIZE];
	if (!slot->held)
		return;
	snprintf(text, sizeof text,
	         "the trust bundle of %s in %s is gone: no card of that trust domain is verified",
	         slot->from.trust_domain, where);
	cards->settings.warn(cards->settings.context, text);
	slot->held = false;
	trust_checker_anchors(cards->settings.checker, slot->from.trust_domain, NULL);
	recheck_domain(cards, slot->from.trust_domain, at);
}

static bool set_bundle(struct trust_cards *cards, struct bundle_slot *slot, struct json_text bundle,
                       const char *where, int64_t at)
{
	char reason[TRUST_BUNDLE_REASON_SIZE];
	struct trust_anchors *anchors = trust_anchors_read(bundle, slot->from.trust_domain, reason);
	if (anchors == NULL) {
		warn_unusable(cards, slot, where, reason);
		return false;
	}
	const uint8_t *fingerprint = trust_anchors_fingerprint(anchors);
	if (slot->held && memcmp(slot->fingerprint, fingerprint, TRUST_FINGERPRINT_SIZE) == 0) {
		trust_anchors_free(anchors);
		return true;
	}
	memcpy(slot->fingerprint, fingerprint, TRUST_FINGERPRINT_SIZE);
	slot->held = trust_checker_anchors(cards->settings.checker, slot->from.trust_domain, anchors);
	recheck_domain(cards, slot->from.trust_domain, at);
	return slot->held;
}

bool trust_cards_bundle(struct trust_cards *cards, const char *trust_domain,
                        struct json_text bundle, const char *where, int64_t at)
{
	for (size_t i = 0; i < cards->settings.bundle_count; i++) {
		struct bundle_slot *slot = &cards->bundles[i];
		if (strcmp(slot->from.trust_domain, trust_domain) != 0)
			continue;
		if (bundle.at != NULL)
			return set_bundle(cards, slot, bundle, where, at);
		end_trust(cards, slot, where, at);
		return false;
	}
	return false;
}

static bool is_text(struct json_text text, const char *string)
{
	return string != NULL && text.len == strlen(string) &&
	       (text.len == 0 || memcmp(text.at, string, text.len) == 0);
}

static void take_slot(struct trust_cards *cards, struct bundle_slot *slot,
                      const struct event *event, int64_t at)
{
	char where[EVENT_KEY_SIZE + 64];
	snprintf(where, sizeof where, "configmap %s/%s", slot->from.namespace, slot->from.name);
	slot->list = cards->lists[HELD_CONFIGMAP];
	size_t len = 0;
	char *bundle = NULL;
	if (event->type != EVENT_DELETED)
		bundle = json_string(json_get(event->object, "data", slot->from.key), &len);
	if (bundle != NULL)
		set_bundle(cards, slot, (struct json_text){bundle, len}, where, at);
	else
		end_trust(cards, slot, where, at);
	free(bundle);
}

void cards_take_bundle(struct trust_cards *cards, const struct event *event, int64_t at)
{
	for (size_t i = 0; i < cards->settings.bundle_count; i++) {
		struct bundle_slot *slot = &cards->bundles[i];
		if (is_text(event->name, slot->from.name) &&
		    is_text(event->namespace, slot->from.namespace))
			take_slot(cards, slot, event, at);
	}
}

void cards_end_bundles(struct trust_cards *cards, int64_t at)
{
	for (size_t i = 0; i < cards->settings.bundle_count; i++) {
		struct bundle_slot *slot = &cards->bundles[i];
		if (slot->from.name == NULL || slot->list == cards->lists[HELD_CONFIGMAP])
			continue;
		char where[EVENT_KEY_SIZE + 64];
		snprintf(where, sizeof where, "configmap %s/%s", slot->from.namespace,
		         slot->from.name);
		end_trust(cards, slot, where, at);
	}
}
