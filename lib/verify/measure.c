/* What the cards that are held amount to, for metrics. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "verify/cards_private.h"

static const char *const sources[HELD_SOURCES] = {
	[HELD_SOURCE_CONFIGMAP] = "ConfigMap",
	[HELD_SOURCE_STATUS_CARD] = "status.card",
	[HELD_SOURCE_STATUS] = "status",
	[HELD_SOURCE_FETCH] = "fetch",
	[HELD_SOURCE_NONE] = "none",
};
_Static_assert((int)TRUST_MEASURED < (int)HELD_NO_ANCHOR, "a card holds the place of an anchor in a byte");

unsigned cards_measured_anchor(struct trust_cards *cards, const char *id)
{
	for (unsigned i = 0; i < TRUST_MEASURED; i++) {
		if (cards->anchors[i] == NULL)
			cards->anchors[i] = kube_copy(id);
		if (strcmp(id, cards->anchors[i]) == 0)
			return i;
	}
	return TRUST_MEASURED;
}

void trust_cards_measure(struct trust_cards *cards,
                         void (*set)(void *context, enum trust_measure measure, const char *label,
                                     int64_t value),
                         void *context)
{
	int64_t by_source[HELD_SOURCES] = {0}, by_anchor[TRUST_MEASURED + 1] = {0};
	for (struct held_card *card = cards->held.cards; card != NULL; card = card->hh.next) {
		by_source[card->source]++;
		if (card->anchor != HELD_NO_ANCHOR)
			by_anchor[card->anchor]++;
	}
	for (unsigned i = 0; i < HELD_SOURCES; i++)
		set(context, TRUST_MEASURE_SOURCE, sources[i], by_source[i]);
	for (unsigned i = 0; i < TRUST_MEASURED && cards->anchors[i] != NULL; i++)
		set(context, TRUST_MEASURE_ANCHOR, cards->anchors[i], by_anchor[i]);
	if (by_anchor[TRUST_MEASURED] > 0)
		set(context, TRUST_MEASURE_ANCHOR, "other", by_anchor[TRUST_MEASURED]);
	for (size_t i = 0; i < cards->settings.bundle_count; i++)
		set(context, TRUST_MEASURE_BUNDLE, cards->bundles[i].from.trust_domain,
		    cards->bundles[i].held && cards->bundles[i].bad_since != TRUST_TIME_MAX);
}
