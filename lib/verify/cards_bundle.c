/* Trust bundles: when one counts, when it ends trust, and what is said of it (SPIFFE Trust Domain
 * and Bundle, section 4). */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "json/json.h"
#include "verify/cards_private.h"

enum { WARNING_SIZE = 1024, SECONDS_BETWEEN_WARNINGS = 60 };

static void recheck_domain(struct trust_cards *cards, const char *trust_domain, int64_t at)
{
	for (struct held_card *card = cards->held.cards; card != NULL; card = card->hh.next)
		if (card->target != NULL && card->trust_domain == trust_domain)
			cards_recheck(cards, card, at);
}

__attribute__((format(printf, 2, 3))) static void warn(struct trust_cards *cards, const char *format,
                                                       ...)
{
	char text[WARNING_SIZE];
	va_list list;
	va_start(list, format);
	vsnprintf(text, sizeof text, format, list);
	va_end(list);
	cards->settings.warn(cards->settings.context, text);
}

/* Trust in the domain ends, or had not begun. `why` is what its cards are told: it speaks of the
 * present alone, so that a verdict does not depend on what was before; `since` is for the warning. */
static void end_trust(struct trust_cards *cards, struct bundle_slot *slot, const char *where,
                      const char *why, const char *since, int64_t at)
{
	char trouble[sizeof slot->trouble];
	snprintf(trouble, sizeof trouble, "%s %s", where, why);
	if (!slot->held && strcmp(slot->trouble, trouble) == 0)
		return;
	warn(cards, "the trust bundle of %s in %s%s: no card of that trust domain is verified",
	     slot->from.trust_domain, trouble, since);
	memcpy(slot->trouble, trouble, sizeof trouble);
	slot->held = false;
	slot->bad_since = TRUST_TIME_MAX;
	trust_checker_anchors(cards->settings.checker, slot->from.trust_domain, NULL);
	recheck_domain(cards, slot->from.trust_domain, at);
}

static void warn_stale(struct trust_cards *cards, struct bundle_slot *slot, int64_t at)
{
	slot->warned = at;
	warn(cards, "the trust bundle of %s in %s %s; the last good one stays for at most %lld seconds "
	            "more",
	     slot->from.trust_domain, slot->where, slot->bad,
	     (long long)(slot->bad_since + cards->settings.bundle_grace - at));
}

/* What is no bundle at all says nothing about trust: the last good one stays, for a bounded time. */
static void keep_last_good(struct trust_cards *cards, struct bundle_slot *slot, const char *where,
                           const char *why, int64_t at)
{
	char bad[sizeof slot->bad];
	snprintf(bad, sizeof bad, "is unusable: %s", why);
	if (!slot->held) {
		end_trust(cards, slot, where, bad, "", at);
		return;
	}
	bool said = slot->bad_since != TRUST_TIME_MAX && strcmp(slot->bad, bad) == 0;
	if (slot->bad_since == TRUST_TIME_MAX)
		slot->bad_since = at;
	memcpy(slot->bad, bad, sizeof bad);
	snprintf(slot->where, sizeof slot->where, "%s", where);
	if (!said)
		warn_stale(cards, slot, at);
	cards_bundles_time(cards, at);
}

void cards_bundles_time(struct trust_cards *cards, int64_t at)
{
	for (size_t i = 0; i < cards->settings.bundle_count; i++) {
		struct bundle_slot *slot = &cards->bundles[i];
		if (!slot->held || slot->bad_since == TRUST_TIME_MAX)
			continue;
		if (at - slot->bad_since >= cards->settings.bundle_grace)
			end_trust(cards, slot, slot->where, slot->bad,
			          ", for longer than --bundle-grace", at);
		else if (at - slot->warned >= SECONDS_BETWEEN_WARNINGS)
			warn_stale(cards, slot, at);
	}
}

/* A bundle that is older than the one before it may bring back a CA that was taken out. */
static void compare_sequence(struct trust_cards *cards, struct bundle_slot *slot,
                             const struct trust_anchors *anchors, const char *where)
{
	int64_t sequence;
	bool has = trust_anchors_sequence(anchors, &sequence);
	if (has && slot->has_sequence && sequence < slot->sequence)
		warn(cards, "spiffe_sequence of the trust bundle of %s in %s went back from %lld to "
		            "%lld: it is an older version, and it counts now; see who restored it",
		     slot->from.trust_domain, where, (long long)slot->sequence, (long long)sequence);
	slot->has_sequence = has;
	slot->sequence = sequence;
}

static void leave_out(struct trust_cards *cards, struct trust_anchors *anchors)
{
	for (size_t i = 0; i < cards->settings.without_count; i++)
		if (trust_anchors_leave_out(anchors, cards->settings.without[i]) > 0)
			cards->left_out[i] = true;
}

static void use(struct trust_cards *cards, struct bundle_slot *slot, struct trust_anchors *anchors,
                int64_t at)
{
	const uint8_t *fingerprint = trust_anchors_fingerprint(anchors);
	bool same = slot->held && memcmp(slot->fingerprint, fingerprint, TRUST_FINGERPRINT_SIZE) == 0;
	slot->bad_since = TRUST_TIME_MAX;
	slot->trouble[0] = '\0';
	if (same) {
		trust_anchors_free(anchors);
		return;
	}
	memcpy(slot->fingerprint, fingerprint, TRUST_FINGERPRINT_SIZE);
	slot->held = trust_checker_anchors(cards->settings.checker, slot->from.trust_domain, anchors);
	recheck_domain(cards, slot->from.trust_domain, at);
}

static bool set_bundle(struct trust_cards *cards, struct bundle_slot *slot, struct json_text bundle,
                       const char *where, int64_t at)
{
	char reason[TRUST_BUNDLE_REASON_SIZE], why[TRUST_BUNDLE_REASON_SIZE + 32];
	struct trust_anchors *anchors = trust_anchors_read(bundle, slot->from.trust_domain, reason);
	if (anchors == NULL) {
		keep_last_good(cards, slot, where, reason, at);
		return false;
	}
	compare_sequence(cards, slot, anchors, where);
	leave_out(cards, anchors);
	if (trust_anchors_count(anchors) == 0) {
		trust_anchors_free(anchors);
		snprintf(why, sizeof why, "holds no CA%s%s", reason[0] != '\0' ? ": " : "", reason);
		end_trust(cards, slot, where, why, "", at);
		return false;
	}
	if (reason[0] != '\0' && strcmp(slot->ignored, reason) != 0)
		warn(cards, "of the trust bundle of %s in %s not all counts: %s",
		     slot->from.trust_domain, where, reason);
	memcpy(slot->ignored, reason, sizeof reason);
	use(cards, slot, anchors, at);
	return true;
}

static struct bundle_slot *slot_of(struct trust_cards *cards, const char *trust_domain)
{
	for (size_t i = 0; i < cards->settings.bundle_count; i++)
		if (strcmp(cards->bundles[i].from.trust_domain, trust_domain) == 0)
			return &cards->bundles[i];
	return NULL;
}

bool trust_cards_bundle(struct trust_cards *cards, const char *trust_domain,
                        struct json_text bundle, const char *where, int64_t at)
{
	struct bundle_slot *slot = slot_of(cards, trust_domain);
	if (slot == NULL)
		return false;
	if (bundle.at != NULL)
		return set_bundle(cards, slot, bundle, where, at);
	end_trust(cards, slot, where, "is not there", "", at);
	return false;
}

void trust_cards_bundle_unreadable(struct trust_cards *cards, const char *trust_domain,
                                   const char *where, const char *why, int64_t at)
{
	struct bundle_slot *slot = slot_of(cards, trust_domain);
	if (slot != NULL)
		keep_last_good(cards, slot, where, why, at);
}

static void name_slot(const struct bundle_slot *slot, char where[BUNDLE_WHERE_SIZE])
{
	if (slot->from.namespace == NULL)
		snprintf(where, BUNDLE_WHERE_SIZE, "clustertrustbundle %s", slot->from.name);
	else
		snprintf(where, BUNDLE_WHERE_SIZE, "configmap %s/%s", slot->from.namespace,
		         slot->from.name);
}

/* "has no key bundle.spiffe or bundle.crt; its keys: root.pem" */
static void list_keys(const struct bundle_slot *slot, struct json_text object, char *why, size_t size)
{
	int len = snprintf(why, size, "has no key %s%s%s; its keys:", slot->from.key,
	                   slot->from.second_key != NULL ? " or " : "",
	                   slot->from.second_key != NULL ? slot->from.second_key : "");
	static const char *const parts[] = {"data", "binaryData"};
	bool any = false;
	for (size_t i = 0; i < 2; i++) {
		struct json_text part = json_get(object, parts[i]);
		struct json_member m = json_first(part);
		if (json_type(part) != JSON_OBJECT)
			continue;
		for (; m.value.at != NULL && len < (int)size; m = json_next(m)) {
			struct json_text key = json_plain(m.key);
			len += snprintf(why + len, size - (size_t)len, "%s %.*s", any ? "," : "",
			                (int)(key.len < 64 ? key.len : 64), key.at);
			any = true;
		}
	}
	if (!any && len < (int)size)
		snprintf(why + len, size - (size_t)len, " none");
}

static void take_slot(struct trust_cards *cards, struct bundle_slot *slot,
                      const struct event *event, int64_t at)
{
	char where[BUNDLE_WHERE_SIZE], why[BUNDLE_TROUBLE_SIZE / 2];
	struct json_buffer bundle = {0};
	bool cluster = slot->from.namespace == NULL, found = false;
	name_slot(slot, where);
	slot->list = cards->lists[cluster ? HELD_CLUSTERTRUSTBUNDLE : HELD_CONFIGMAP];
	if (event->type == EVENT_DELETED) {
		end_trust(cards, slot, where, "is not there", "", at);
		return;
	}
	if (cluster) {
		found = cards_put_string(json_get(event->object, "spec", "trustBundle"), &bundle);
		snprintf(why, sizeof why, "has no spec.trustBundle");
	} else {
		found = cards_configmap_value(event->object, slot->from.key, &bundle) ||
		        (slot->from.second_key != NULL &&
		         cards_configmap_value(event->object, slot->from.second_key, &bundle));
		list_keys(slot, event->object, why, sizeof why);
	}
	json_putc(&bundle, '\0');
	if (found)
		set_bundle(cards, slot, (struct json_text){bundle.at, bundle.len - 1}, where, at);
	else
		end_trust(cards, slot, where, why, "", at);
	json_buffer_free(&bundle);
}

static bool is_of(const struct bundle_slot *slot, enum held_kind kind, struct json_text namespace,
                  struct json_text name)
{
	if (slot->from.name == NULL || !text_is(name, slot->from.name))
		return false;
	if (slot->from.namespace == NULL)
		return kind == HELD_CLUSTERTRUSTBUNDLE && namespace.at == NULL;
	return kind == HELD_CONFIGMAP && text_is(namespace, slot->from.namespace);
}

void cards_take_bundle(struct trust_cards *cards, const struct event *event, enum held_kind kind,
                       int64_t at)
{
	for (size_t i = 0; i < cards->settings.bundle_count; i++)
		if (is_of(&cards->bundles[i], kind, event->namespace, event->name))
			take_slot(cards, &cards->bundles[i], event, at);
}

void cards_spoil_bundle(struct trust_cards *cards, const struct event *event, enum held_kind kind,
                        const char *why, int64_t at)
{
	char where[BUNDLE_WHERE_SIZE];
	for (size_t i = 0; i < cards->settings.bundle_count; i++) {
		struct bundle_slot *slot = &cards->bundles[i];
		if (!is_of(slot, kind, event->namespace, event->name))
			continue;
		name_slot(slot, where);
		slot->list = cards->lists[kind];
		keep_last_good(cards, slot, where, why, at);
	}
}

void cards_end_bundles(struct trust_cards *cards, enum held_kind kind, int64_t at)
{
	for (size_t i = 0; i < cards->settings.bundle_count; i++) {
		struct bundle_slot *slot = &cards->bundles[i];
		enum held_kind its = slot->from.namespace == NULL ? HELD_CLUSTERTRUSTBUNDLE
		                                                  : HELD_CONFIGMAP;
		if (slot->from.name == NULL || its != kind || slot->list == cards->lists[kind])
			continue;
		char where[BUNDLE_WHERE_SIZE];
		name_slot(slot, where);
		end_trust(cards, slot, where, "is not there", "", at);
	}
}

void cards_open_bundles(struct trust_cards *cards)
{
	for (size_t i = 0; i < cards->settings.bundle_count; i++) {
		struct bundle_slot *slot = &cards->bundles[i];
		slot->from = cards->settings.bundles[i];
		/* the checker's own string, so that pointers can be compared */
		slot->from.trust_domain = trust_checker_domain(cards->settings.checker,
		                                               slot->from.trust_domain);
		slot->bad_since = TRUST_TIME_MAX;
		if (slot->from.name == NULL)
			continue;
		char where[BUNDLE_WHERE_SIZE];
		name_slot(slot, where);
		snprintf(slot->trouble, sizeof slot->trouble, "%s is not there", where);
	}
}
