/* What the cards that are held amount to, for metrics. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "json/json.h"
#include "verify/cards_private.h"

static const char *const sources[] = {"ConfigMap", "status.card", "status", "none"};
enum { SOURCES = sizeof sources / sizeof *sources };

/* By the first word of the verification's source. */
static unsigned source_of(struct json_text verification)
{
	struct json_text source = json_plain(json_get(verification, "source"));
	if (source.at == NULL)
		return SOURCES - 1;
	if (text_is(source, "status.card"))
		return 1;
	return text_is(source, "status") ? 2 : 0;
}

/* The place of an anchor among those that are measured; TRUST_MEASURED: of the rest. */
static unsigned anchor_of(struct trust_cards *cards, struct json_text id)
{
	for (unsigned i = 0; i < TRUST_MEASURED; i++) {
		if (cards->anchors[i] == NULL)
			cards->anchors[i] = kube_copy_n(id.at, id.len);
		if (text_is(id, cards->anchors[i]))
			return i;
	}
	return TRUST_MEASURED;
}

void trust_cards_measure(struct trust_cards *cards,
                         void (*set)(void *context, enum trust_measure measure, const char *label,
                                     int64_t value),
                         void *context)
{
	int64_t by_source[SOURCES] = {0}, by_anchor[TRUST_MEASURED + 1] = {0};
	for (struct held_card *card = cards->held.cards; card != NULL; card = card->hh.next) {
		struct json_text said = {card->verification, card->verification_len};
		struct json_text anchor = json_plain(json_get(said, "anchor"));
		by_source[source_of(said)]++;
		if (anchor.at != NULL && json_is_true(json_get(said, "verified")))
			by_anchor[anchor_of(cards, anchor)]++;
	}
	for (unsigned i = 0; i < SOURCES; i++)
		set(context, TRUST_MEASURE_SOURCE, sources[i], by_source[i]);
	for (unsigned i = 0; i < TRUST_MEASURED && cards->anchors[i] != NULL; i++)
		set(context, TRUST_MEASURE_ANCHOR, cards->anchors[i], by_anchor[i]);
	if (by_anchor[TRUST_MEASURED] > 0)
		set(context, TRUST_MEASURE_ANCHOR, "other", by_anchor[TRUST_MEASURED]);
	for (size_t i = 0; i < cards->settings.bundle_count; i++)
		set(context, TRUST_MEASURE_BUNDLE, cards->bundles[i].from.trust_domain,
		    cards->bundles[i].held && cards->bundles[i].bad_since != TRUST_TIME_MAX);
}
