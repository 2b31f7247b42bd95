#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "trust/findings_private.h"
#include "trust/jws_private.h"
#include "trust/payload_private.h"

struct trust_examiner {
	struct trust_issuers *issuers;
	struct trust_payloads payloads;
	struct trust_counts *counts; /* borrowed */
	EVP_MD_CTX *digest;
	bool require_unexpired;
	struct trust_findings findings;
	struct trust_finding list[TRUST_SIGNATURES_MAX];
	struct json_buffer text; /* of the findings */
};

/* One signature on its way through the checks. */
struct subject {
	struct trust_examiner *examiner;
	const char *trust_domain;
	const struct trust_anchors *anchors;
	int64_t at;
	struct trust_jws jws;
	struct trust_x5c chain;
	EVP_PKEY *key; /* the leaf's */
	const struct trust_anchor *anchor; /* that the chain leads to */
	struct trust_failure failure;
};

struct trust_examiner *trust_examiner_new(unsigned forms, bool require_unexpired,
                                          struct trust_counts *counts)
{
	struct trust_examiner *examiner = kube_alloc(1, sizeof *examiner);
	examiner->digest = EVP_MD_CTX_new();
	if (examiner->digest == NULL)
		abort();
	examiner->issuers = trust_issuers_new();
	examiner->payloads.forms = forms;
	examiner->require_unexpired = require_unexpired;
	examiner->counts = counts;
	return examiner;
}

void trust_examiner_free(struct trust_examiner *examiner)
{
	if (examiner == NULL)
		return;
	trust_issuers_free(examiner->issuers);
	trust_payloads_free(&examiner->payloads);
	EVP_MD_CTX_free(examiner->digest);
	json_buffer_free(&examiner->text);
	free(examiner);
}

void trust_examiner_forget_issuers(struct trust_examiner *examiner)
{
	trust_issuers_clear(examiner->issuers);
}

static struct trust_finding *add_finding(struct trust_examiner *examiner, enum trust_reason reason)
{
	struct trust_finding *finding = &examiner->list[examiner->findings.count++];
	*finding = (struct trust_finding){.reason = reason, .text = (uint32_t)examiner->text.len};
	return finding;
}

static void add_text(struct trust_examiner *examiner, const char *text, size_t len)
{
	json_put(&examiner->text, text, len);
	json_putc(&examiner->text, '\0');
}

static bool read_chain(struct subject *s)
{
	const char *reason;
	if (!trust_x5c_read(s->jws.x5c, &s->chain, &s->failure))
		return false;
	s->key = trust_key_read(s->chain.certificates[0].spki, &reason);
	if (s->key == NULL)
		return trust_fail(&s->failure, TRUST_ALGORITHM_NOT_ALLOWED, "x5c[0]: %s", reason);
	return trust_algorithm_fits(s->jws.algorithm, s->key, &s->failure) &&
	       trust_x5c_check_leaf(&s->chain, &s->failure);
}

static bool check_chain(struct subject *s)
{
	struct json_text domain = s->chain.id.domain;
	if (!json_same(domain, json_of(s->trust_domain)))
		return trust_fail(&s->failure, TRUST_DOMAIN_MISMATCH,
		                  "the leaf is of trust domain %.*s, not of %s; "
		                  "spec.identityBinding.trustDomain says which one is meant",
		                  (int)domain.len, domain.at, s->trust_domain);
	if (s->anchors == NULL)
		return trust_fail(&s->failure, TRUST_BUNDLE_MISSING,
		                  "there is no trust bundle of trust domain %s", s->trust_domain);
	s->examiner->counts->chains++;
	s->anchor = trust_chain_validate(s->examiner->issuers, s->anchors, &s->chain, s->at,
	                                 &s->examiner->findings.span, &s->failure);
	return s->anchor != NULL;
}

static bool signs(struct subject *s, struct json_text payload)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *context = s->examiner->digest;
	const struct trust_algorithm *algorithm = s->jws.algorithm;
	if (EVP_DigestInit_ex2(context, trust_digest(algorithm->digest), NULL) != 1 ||
	    EVP_DigestUpdate(context, s->jws.protected64.at, s->jws.protected64.len) != 1 ||
	    EVP_DigestUpdate(context, ".", 1) != 1 ||
	    EVP_DigestUpdate(context, payload.at, payload.len) != 1 ||
	    EVP_DigestFinal_ex(context, digest, NULL) != 1)
		return false;
	s->examiner->counts->signatures++;
	return trust_jwa_verify(algorithm, s->key, digest, s->jws.signature, s->jws.signature_len);
}

static bool check_signature(struct subject *s, enum trust_form *form)
{
	struct trust_payloads *payloads = &s->examiner->payloads;
	for (int i = 0; i < TRUST_FORMS; i++) {
		*form = (enum trust_form)i;
		struct json_text payload = trust_payload_encoded(payloads, *form);
		if (payload.at != NULL && signs(s, payload))
			return true;
	}
	if (payloads->spent)
		return trust_fail(&s->failure, TRUST_SIGNATURE_INVALID,
		                  "so many signatures of so large a card are not checked");
	return trust_fail(
	        &s->failure, TRUST_SIGNATURE_INVALID,
	        "the leaf's key did not make this %s signature over this card in any of the "
	        "accepted canonical forms%s%s",
	        s->jws.algorithm->name, payloads->reason[0] == '\0' ? "" : "; ",
	        payloads->reason);
}

static void add_proof(struct subject *s, enum trust_form form)
{
	struct trust_finding *finding = add_finding(s->examiner, TRUST_VERIFIED);
	finding->algorithm = s->jws.algorithm;
	finding->form = form;
	finding->not_after = s->chain.certificates[0].not_after;
	finding->expired = s->examiner->require_unexpired &&
	                   !trust_chain_is_current(&s->chain, s->at, &s->examiner->findings.span);
	add_text(s->examiner, s->chain.spiffe_id.at, s->chain.spiffe_id.len);
	add_text(s->examiner, s->jws.key_id, strlen(s->jws.key_id));
	add_text(s->examiner, s->anchor->id, strlen(s->anchor->id));
}

static void add_failure(struct trust_examiner *examiner, const struct trust_failure *failure)
{
	add_finding(examiner, failure->reason);
	add_text(examiner, failure->message, strlen(failure->message));
}

static void examine_signature(struct subject *s, struct json_text element)
{
	enum trust_form form;
	s->chain = (struct trust_x5c){0};
	s->key = NULL;
	if (trust_jws_read(element, &s->jws, &s->failure) && read_chain(s) && check_chain(s) &&
	    check_signature(s, &form))
		add_proof(s, form);
	else
		add_failure(s->examiner, &s->failure);
	EVP_PKEY_free(s->key);
	trust_x5c_free(&s->chain);
	trust_jws_free(&s->jws);
}

/* The array of the card's signatures; absent, with a failure, when there is nothing to look at. */
static struct json_text find_signatures(struct json_text card, struct trust_failure *failure)
{
	static const struct json_limits limits = {TRUST_CARD_MAX, TRUST_CARD_DEPTH};
	const struct json_text none = {0};
	struct json_error error;
	if (card.len > TRUST_CARD_MAX) {
		trust_fail(failure, TRUST_CARD_INVALID, "the card is larger than %d bytes",
		           TRUST_CARD_MAX);
		return none;
	}
	if (!json_check(card, &limits, &error)) {
		trust_fail(failure, TRUST_CARD_INVALID, "the card is not valid JSON: byte %zu: %s",
		           error.offset + 1, error.reason);
		return none;
	}
	card = json_trim(card);
	struct json_text signatures = json_get(card, "signatures");
	enum json_type type = json_type(signatures);
	size_t count = json_count(signatures);
	if (json_type(card) != JSON_OBJECT)
		trust_fail(failure, TRUST_CARD_INVALID, "the card is not an object");
	else if (type != JSON_ABSENT && type != JSON_NULL && type != JSON_ARRAY)
		trust_fail(failure, TRUST_CARD_INVALID, "the card's signatures are not an array");
	else if (count == 0)
		trust_fail(failure, TRUST_SIGNATURE_MISSING, "the card is not signed");
	else if (count > TRUST_SIGNATURES_MAX)
		trust_fail(failure, TRUST_CARD_INVALID, "the card has %zu signatures, more than %d",
		           count, TRUST_SIGNATURES_MAX);
	else
		return signatures;
	return none;
}

static void start(struct trust_examiner *examiner, struct json_text card)
{
	trust_payloads_reset(&examiner->payloads, card);
	examiner->text.len = 0;
	examiner->findings =
	        (struct trust_findings){.span = TRUST_SPAN_ALWAYS, .list = examiner->list};
}

static void show_text(struct trust_examiner *examiner)
{
	examiner->findings.text = examiner->text.at;
	examiner->findings.text_len = examiner->text.len;
}

const struct trust_findings *trust_examine(struct trust_examiner *examiner, struct json_text card,
                                           const char *trust_domain,
                                           const struct trust_anchors *anchors, int64_t at,
                                           trust_suffices *suffices, const void *context)
{
	struct subject s = {
	        .examiner = examiner, .trust_domain = trust_domain, .anchors = anchors, .at = at};
	start(examiner, card);
	struct json_text signatures = find_signatures(card, &s.failure);
	if (signatures.at == NULL) {
		add_failure(examiner, &s.failure);
		show_text(examiner);
		return &examiner->findings;
	}
	examiner->findings.signatures = (unsigned)json_count(signatures);
	for (struct json_member m = json_first(signatures); m.value.at != NULL; m = json_next(m)) {
		examine_signature(&s, m.value);
		show_text(examiner);
		if (suffices(context, &examiner->findings,
		             &examiner->list[examiner->findings.count - 1]))
			break;
	}
	return &examiner->findings;
}
