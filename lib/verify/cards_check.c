#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "verify/cards_private.h"
#include "verify/status_private.h"

enum { SOURCE_SIZE = EVENT_KEY_SIZE + 64 };

/* The signed card, and where it was found. */
static struct json_text find_signed(struct held *held, struct held_card *card)
{
	const struct held_target *target = card->target;
	if (target->signed_card.at != NULL) {
		card->source = HELD_SOURCE_CONFIGMAP;
		return held_target_signed(held, target);
	}
	if (card->status_card.len > 0)
		card->source = HELD_SOURCE_STATUS_CARD;
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

/* Why the trust domain (the checker's string) has no anchors: "" when it has. */
static const char *trouble_of(const struct trust_cards *cards, const char *trust_domain)
{
	for (size_t i = 0; i < cards->settings.bundle_count; i++)
		if (cards->bundles[i].from.trust_domain == trust_domain)
			return cards->bundles[i].trouble;
	return "";
}

/* Why there is no bundle stands where it was looked for. */
static void explain_bundle(const struct trust_cards *cards, const char *trust_domain,
                           struct trust_verdict *verdict)
{
	const char *trouble = trouble_of(cards, trust_domain);
	size_t len = strlen(verdict->message);
	if (trouble[0] != '\0')
		snprintf(verdict->message + len, sizeof verdict->message - len, ": %s", trouble);
}

/* The operator writes the address it fetched the card from into status.card. */
static void explain_url(struct trust_verdict *verdict)
{
	size_t len = strlen(verdict->message);
	snprintf(verdict->message + len, sizeof verdict->message - len,
	         "; the operator replaces the url of the card in status.card, and what is signed with "
	         "another url fails here: put the signed card into its ConfigMap");
}

static void explain_more(const struct trust_cards *cards, const struct held_card *card,
                         struct trust_verdict *verdict)
{
	if (verdict->reason == TRUST_WORKLOAD_MISSING)
		name_workload(card, verdict);
	else if (verdict->reason == TRUST_BUNDLE_MISSING)
		explain_bundle(cards, card->trust_domain, verdict);
	else if (verdict->reason == TRUST_SIGNATURE_INVALID && card->source == HELD_SOURCE_STATUS_CARD)
		explain_url(verdict);
}

/* Many AgentCards may name one workload, and its signed card may be large: it is digested once. */
static const struct trust_card_digest *digest_of(struct trust_cards *cards, struct held_target *target,
                                                 struct json_text signed_card)
{
	if (target->signed_card.at == NULL)
		return NULL;
	if (!target->digested)
		target->digest = trust_card_digest(cards->settings.checker, signed_card);
	target->digested = true;
	return &target->digest;
}

/* Who was at the other end when the card was fetched, where its signatures do not suffice. */
static void check_attested(struct trust_cards *cards, struct held_card *card,
                           const struct trust_request *request)
{
	struct trust_verdict *own = &cards->verdict, verdict;
	if (own->verified || card->trust_domain == NULL || card->target->attestation == NULL)
		return;
	trust_check_attested(cards->settings.checker, request, json_of(card->target->attestation),
	                     &verdict);
	if (verdict.since < own->since)
		verdict.since = own->since;
	if (verdict.until > own->until)
		verdict.until = own->until;
	if (verdict.verified) {
		*own = verdict;
		card->source = HELD_SOURCE_FETCH;
		return;
	}
	size_t len = strlen(own->message);
	snprintf(own->message + len, sizeof own->message - len,
	         "; whom it was fetched from by mTLS does not count: %.400s", verdict.message);
	own->since = verdict.since;
	own->until = verdict.until;
}

static void check_signed(struct trust_cards *cards, struct held_card *card, int64_t at)
{
	char namespace[EVENT_KEY_SIZE];
	snprintf(namespace, sizeof namespace, "%.*s", (int)strcspn(card->target->key, "/"),
	         card->target->key);
	struct json_text bound = held_card_part(&cards->held, card, card->binding);
	/* what is no string is no configured trust domain either */
	char *binding = bound.at == NULL ? NULL : json_cstring(bound);
	if (bound.at != NULL && binding == NULL)
		binding = kube_copy("");
	char *allowed = held_copy_part(&cards->held, card, card->allowed);
	struct trust_request request = {
		.card = find_signed(&cards->held, card),
		.trust_domain = binding,
		.allowed = json_of(allowed),
		.namespace = namespace,
		.at = at,
	};
	request.digest = digest_of(cards, card->target, request.card);
	if (card->workload != HELD_NONE)
		request.service_account = card->target->service_accounts[card->workload];
	trust_check(cards->settings.checker, &request, &cards->verdict);
	card->trust_domain = trust_checker_domain(cards->settings.checker, binding);
	explain_more(cards, card, &cards->verdict);
	check_attested(cards, card, &request);
	free(binding);
	free(allowed);
}

/* The record is unusable, or that of its signed card: what they were before counts no more. */
static bool check_usable(struct trust_cards *cards, struct held_card *card)
{
	const struct held_target *target = card->target;
	if (card->unusable != NULL) {
		trust_verdict_set(&cards->verdict, TRUST_RECORD_UNUSABLE,
		                  "the last record of the AgentCard cannot be used: %s", card->unusable);
		return false;
	}
	if (target == NULL || target->unusable == NULL || cards->settings.checker == NULL)
		return true;
	card->source = HELD_SOURCE_CONFIGMAP;
	trust_verdict_set(&cards->verdict, TRUST_RECORD_UNUSABLE,
	                  "the last record of its signed card cannot be used: %s", target->unusable);
	return false;
}

/* Of what finds no room in its namespace's share nothing is held, and so nothing is known. */
static bool check_room(struct trust_cards *cards, struct held_card *card)
{
	const struct held_target *target = card->target;
	const struct held_namespace *ns = card->namespace;
	bool asks = target != NULL && cards->settings.checker != NULL && target->signed_card.at == NULL;
	bool signed_over = asks && (target->over || ns->left_out);
	if (!card->over && !signed_over)
		return true;
	if (!card->over)
		card->source = HELD_SOURCE_CONFIGMAP;
	trust_verdict_set(&cards->verdict, TRUST_OVER_LIMIT,
	                  "there is no room for the %s: the AgentCards and signed cards of namespace "
	                  "%s take more than %zu MiB (--namespace-memory); delete what is not needed, "
	                  "then change this one, so that it comes again",
	                  card->over ? "AgentCard" : "signed card", ns->key,
	                  cards->settings.namespace_bytes / (1024 * 1024));
	return false;
}

static bool is_workload_known(const struct held_card *card)
{
	return card->workload != HELD_NONE && card->target->service_accounts[card->workload] != NULL;
}

/* The conclusion of the operator, instead of our own or where that is not good. */
static void check_status(struct trust_cards *cards, struct held_card *card)
{
	struct trust_verdict verdict;
	struct status_question question = {
		.agentcard = held_card_text(&cards->held, card),
		.mtls_only = cards->settings.accept == TRUST_ACCEPT_MTLS,
		.bind = cards->settings.bind,
		.path_template = cards->settings.path_template,
		.trust_domain = cards->settings.status_domain,
		.target = card->target->key,
	};
	if (is_workload_known(card))
		question.service_account = card->target->service_accounts[card->workload];
	trust_status_check(&question, &verdict);
	if (cards->settings.accept == TRUST_ACCEPT_MTLS && !verdict.verified)
		return;
	cards->verdict = verdict;
	card->source = HELD_SOURCE_STATUS;
	if (verdict.reason == TRUST_WORKLOAD_MISSING)
		name_workload(card, &cards->verdict);
}

static bool is_status_asked(const struct trust_cards *cards, const struct held_card *card)
{
	if (card->target == NULL || cards->settings.accept == TRUST_ACCEPT_NOTHING)
		return false;
	/* a card that is bound to a trust domain which is not configured is nobody's */
	return cards->settings.checker == NULL ||
	       (!cards->verdict.verified && card->trust_domain != NULL);
}

/* What of the verdict is measured, beside its text. */
static void hold_verdict(struct trust_cards *cards, struct held_card *card)
{
	const struct trust_verdict *verdict = &cards->verdict;
	card->reason = (unsigned char)verdict->reason;
	card->anchor = HELD_NO_ANCHOR;
	if (verdict->verified && verdict->anchor[0] != '\0')
		card->anchor = (unsigned char)cards_measured_anchor(cards, verdict->anchor);
	card->since = verdict->since;
	card->until = verdict->until;
	if (card->until < cards->due)
		cards->due = card->until;
}

/* As the verdict names it; NULL: the card was found nowhere. */
static const char *source_of(const struct held_card *card, char text[SOURCE_SIZE])
{
	switch ((enum held_source)card->source) {
	case HELD_SOURCE_CONFIGMAP:
		snprintf(text, SOURCE_SIZE, "configmap %s" K8S_SIGNED_SUFFIX, card->target->key);
		return text;
	case HELD_SOURCE_FETCH:
		return "fetch";
	case HELD_SOURCE_STATUS_CARD:
		return "status.card";
	case HELD_SOURCE_STATUS:
		return "status";
	case HELD_SOURCE_NONE:
		break;
	}
	return NULL;
}

void cards_check(struct trust_cards *cards, struct held_card *card, const char *problem, int64_t at)
{
	char source[SOURCE_SIZE];
	card->source = HELD_SOURCE_NONE;
	bool usable = check_usable(cards, card) && check_room(cards, card);
	if (!usable)
		card->trust_domain = NULL;
	else if (card->target == NULL)
		trust_verdict_set(&cards->verdict, TRUST_WORKLOAD_MISSING, "%s", problem);
	else if (cards->settings.checker != NULL)
		check_signed(cards, card, at);
	if (usable && is_status_asked(cards, card))
		check_status(cards, card);
	hold_verdict(cards, card);
	cards->verification.len = 0;
	trust_verdict_put(&cards->verification, &cards->verdict, source_of(card, source));
}

void cards_recheck(struct trust_cards *cards, struct held_card *card, int64_t at)
{
	if (card->target == NULL || card->over)
		return;
	cards_check(cards, card, NULL, at);
	struct json_text verification = json_buffer_text(&cards->verification);
	if (json_same(verification, (struct json_text){card->verification, card->verification_len}))
		return;
	held_card_verification(card, verification);
	cards->verdicts[card->reason]++;
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
