#include "trust/checker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "trust/findings_private.h"
#include "trust/path_private.h"
#include "trust/peer.h"

const char *const trust_bind_words[] = {"workload", "trust-domain", NULL};

struct domain {
	char *name;
	struct trust_anchors *anchors; /* NULL: there are none */
};

struct trust_checker {
	struct domain *domains;
	size_t domain_count;
	enum trust_bind bind;
	char *path_template;
	struct trust_memory *memory;
	struct trust_examiner *examiner;
	struct trust_counts counts;
	EVP_MD_CTX *digest;
};

/* Who must have signed: a path of the trust domain, any path (NULL), or nobody knows who; and of
 * these one that the card allows. */
struct expected {
	const char *trust_domain;
	bool known;
	const char *path;
	struct json_text allowed;
};

static bool check_settings(const struct trust_settings *settings, char *reason)
{
	const char *path = settings->path_template;
	if (settings->trust_domain_count == 0) {
		snprintf(reason, TRUST_BUNDLE_REASON_SIZE, "no trust domain is given");
		return false;
	}
	for (size_t i = 0; i < settings->trust_domain_count; i++)
		if (!trust_domain_is_valid(json_of(settings->trust_domains[i]))) {
			snprintf(reason, TRUST_BUNDLE_REASON_SIZE,
			         "%.100s is not a trust domain: 1 to 255 of a-z, 0-9, '.', '-' and "
			         "'_'",
			         settings->trust_domains[i]);
			return false;
		}
	const char *wrong = trust_template_check(path == NULL ? TRUST_TEMPLATE_DEFAULT : path);
	if (wrong != NULL)
		snprintf(reason, TRUST_BUNDLE_REASON_SIZE, "the template %.100s %s", path, wrong);
	return wrong == NULL;
}

struct trust_checker *trust_checker_new(const struct trust_settings *settings,
                                        char reason[TRUST_BUNDLE_REASON_SIZE])
{
	const char *path = settings->path_template;
	unsigned forms = settings->forms == 0 ? TRUST_FORMS_DEFAULT : settings->forms;
	if (!check_settings(settings, reason))
		return NULL;
	if (!trust_crypto_prepare()) {
		snprintf(reason, TRUST_BUNDLE_REASON_SIZE, "libcrypto cannot be used");
		return NULL;
	}
	struct trust_checker *checker = kube_alloc(1, sizeof *checker);
	checker->bind = settings->bind;
	checker->path_template = kube_copy(path == NULL ? TRUST_TEMPLATE_DEFAULT : path);
	checker->domain_count = settings->trust_domain_count;
	checker->domains = kube_alloc(checker->domain_count, sizeof *checker->domains);
	for (size_t i = 0; i < checker->domain_count; i++)
		checker->domains[i].name = kube_copy(settings->trust_domains[i]);
	checker->memory = trust_memory_new(settings->cache_entries == 0 ? TRUST_CACHE_DEFAULT
	                                                                : settings->cache_entries);
	checker->examiner =
	        trust_examiner_new(forms, settings->require_unexpired, &checker->counts);
	checker->digest = EVP_MD_CTX_new();
	if (checker->digest == NULL)
		abort();
	return checker;
}

void trust_checker_free(struct trust_checker *checker)
{
	if (checker == NULL)
		return;
	for (size_t i = 0; i < checker->domain_count; i++) {
		trust_anchors_free(checker->domains[i].anchors);
		free(checker->domains[i].name);
	}
	free(checker->domains);
	free(checker->path_template);
	trust_memory_free(checker->memory);
	trust_examiner_free(checker->examiner);
	EVP_MD_CTX_free(checker->digest);
	free(checker);
}

bool trust_checker_anchors(struct trust_checker *checker, const char *trust_domain,
                           struct trust_anchors *anchors)
{
	for (size_t i = 0; i < checker->domain_count; i++) {
		struct domain *domain = &checker->domains[i];
		if (strcmp(domain->name, trust_domain) != 0)
			continue;
		/* issuers borrow from the anchors */
		trust_examiner_forget_issuers(checker->examiner);
		trust_anchors_free(domain->anchors);
		domain->anchors = anchors;
		return true;
	}
	trust_anchors_free(anchors);
	return false;
}

static const struct domain *find_domain(const struct trust_checker *checker, const char *binding)
{
	if (binding == NULL)
		return &checker->domains[0];
	for (size_t i = 0; i < checker->domain_count; i++)
		if (strcmp(checker->domains[i].name, binding) == 0)
			return &checker->domains[i];
	return NULL;
}

const char *trust_checker_domain(const struct trust_checker *checker, const char *binding)
{
	const struct domain *domain = find_domain(checker, binding);
	return domain == NULL ? NULL : domain->name;
}

struct trust_counts trust_checker_counts(const struct trust_checker *checker)
{
	return checker->counts;
}

struct trust_card_digest trust_card_digest(struct trust_checker *checker, struct json_text card)
{
	struct trust_card_digest digest;
	if (EVP_DigestInit_ex2(checker->digest, trust_digest(256), NULL) != 1 ||
	    EVP_DigestUpdate(checker->digest, card.at, card.len) != 1 ||
	    EVP_DigestFinal_ex(checker->digest, digest.bytes, NULL) != 1)
		abort();
	return digest;
}

/* All that the findings depend on, but for the checker's own settings. */
static void take_digest(struct trust_checker *checker, const struct domain *domain,
                        const struct trust_card_digest *card, uint8_t digest[TRUST_FINGERPRINT_SIZE])
{
	static const uint8_t none[TRUST_FINGERPRINT_SIZE];
	const uint8_t *anchors =
	        domain->anchors == NULL ? none : trust_anchors_fingerprint(domain->anchors);
	if (EVP_DigestInit_ex2(checker->digest, trust_digest(256), NULL) != 1 ||
	    EVP_DigestUpdate(checker->digest, anchors, TRUST_FINGERPRINT_SIZE) != 1 ||
	    EVP_DigestUpdate(checker->digest, domain->name, strlen(domain->name) + 1) != 1 ||
	    EVP_DigestUpdate(checker->digest, card->bytes, sizeof card->bytes) != 1 ||
	    EVP_DigestFinal_ex(checker->digest, digest, NULL) != 1)
		abort();
}

static struct json_text path_of(const char *spiffe_id)
{
	struct trust_spiffe_id parts = {0};
	trust_spiffe_read(json_of(spiffe_id), &parts);
	return parts.path;
}

/* Strings are compared as they are; what is no list of strings allows nobody. */
static bool is_allowed(struct json_text allowed, const char *spiffe_id)
{
	unsigned looked_at = 0;
	if (allowed.at == NULL)
		return true;
	if (json_type(allowed) != JSON_ARRAY)
		return false;
	for (struct json_member m = json_first(allowed);
	     m.value.at != NULL && looked_at++ < TRUST_ALLOWED_MAX; m = json_next(m))
		if (json_equals(m.value, spiffe_id))
			return true;
	return false;
}

static bool is_own(const struct expected *expected, const char *spiffe_id)
{
	return expected->path == NULL || json_same(path_of(spiffe_id), json_of(expected->path));
}

static enum trust_reason judge(const struct expected *expected, const char *text,
                               const struct trust_finding *finding)
{
	if (finding->reason != TRUST_VERIFIED)
		return finding->reason;
	if (!expected->known)
		return TRUST_WORKLOAD_MISSING;
	if (!is_own(expected, text) || !is_allowed(expected->allowed, text))
		return TRUST_IDENTITY_MISMATCH;
	return finding->expired ? TRUST_EXPIRED : TRUST_VERIFIED;
}

static bool suffices(const void *context, const struct trust_findings *findings,
                     const struct trust_finding *finding)
{
	return judge(context, trust_finding_text(findings, finding), finding) == TRUST_VERIFIED;
}

static void explain(const struct expected *expected, enum trust_reason reason, const char *text,
                    char *message, size_t size)
{
	switch (reason) {
	case TRUST_VERIFIED:
		snprintf(message, size, "signed by %.600s", text);
		break;
	case TRUST_WORKLOAD_MISSING:
		snprintf(message, size,
		         "the workload is not known, so neither is its service account");
		break;
	case TRUST_IDENTITY_MISMATCH:
		if (is_own(expected, text))
			snprintf(message, size,
			         "signed by %.600s, which is not among the card's own "
			         "spec.identityBinding.allowedSpiffeIDs",
			         text);
		else
			snprintf(message, size,
			         "signed by %.600s, but the workload is spiffe://%s%.600s", text,
			         expected->trust_domain, expected->path);
		break;
	case TRUST_EXPIRED:
		snprintf(message, size, "signed by %.600s, but its certificate has expired", text);
		break;
	default:
		snprintf(message, size, "%s", text);
		break;
	}
}

/* Each failure, cut to its share of the message. */
static void list_failures(const struct expected *expected, const struct trust_findings *findings,
                          char *message, size_t size)
{
	char each[TRUST_MESSAGE_SIZE];
	int share = (int)(size / findings->count) - (int)sizeof "; signature 16: ...";
	for (unsigned i = 0; i < findings->count; i++) {
		const struct trust_finding *finding = &findings->list[i];
		const char *text = trust_finding_text(findings, finding);
		explain(expected, judge(expected, text, finding), text, each, sizeof each);
		int len = snprintf(message, size, "%ssignature %u: %.*s%s", i == 0 ? "" : "; ",
		                   i + 1, share, each, strlen(each) > (size_t)share ? "..." : "");
		message += len;
		size -= (size_t)len;
	}
}

/* The finding that decides: the first that suffices, else the one that came furthest. */
static const struct trust_finding *find_decisive(const struct expected *expected,
                                                 const struct trust_findings *findings,
                                                 enum trust_reason *reason)
{
	const struct trust_finding *decisive = NULL;
	for (unsigned i = 0; i < findings->count; i++) {
		const struct trust_finding *finding = &findings->list[i];
		enum trust_reason its =
		        judge(expected, trust_finding_text(findings, finding), finding);
		if (decisive == NULL || its == TRUST_VERIFIED || its > *reason) {
			decisive = finding;
			*reason = its;
		}
		if (its == TRUST_VERIFIED)
			break;
	}
	return decisive;
}

static void put_proof(struct trust_verdict *verdict, const struct trust_finding *proof,
                      const char *text)
{
	size_t len = strlen(text);
	memcpy(verdict->spiffe_id, text, len + 1);
	text += len + 1;
	len = strlen(text);
	memcpy(verdict->key_id, text, len + 1);
	text += len + 1;
	memcpy(verdict->anchor, text, strlen(text) + 1);
	verdict->algorithm = proof->algorithm->name;
	verdict->form = proof->form;
	verdict->not_after = proof->not_after;
}

static void conclude(const struct expected *expected, const struct trust_findings *findings,
                     struct trust_verdict *verdict)
{
	enum trust_reason reason = TRUST_CARD_INVALID;
	const struct trust_finding *decisive = find_decisive(expected, findings, &reason);
	const char *text = trust_finding_text(findings, decisive);
	trust_verdict_set(verdict, reason, "%s", "");
	if (reason == TRUST_VERIFIED || findings->count == 1)
		explain(expected, reason, text, verdict->message, sizeof verdict->message);
	else
		list_failures(expected, findings, verdict->message, sizeof verdict->message);
	if (decisive->reason == TRUST_VERIFIED)
		put_proof(verdict, decisive, text);
	verdict->since = findings->span.since;
	verdict->until = findings->span.until;
}

/* The rest need not be looked at when one suffices, whoever asked before. */
static bool are_enough(const struct expected *expected, const struct trust_findings *findings)
{
	enum trust_reason reason = TRUST_CARD_INVALID;
	if (findings->count >= findings->signatures)
		return true;
	find_decisive(expected, findings, &reason);
	return reason == TRUST_VERIFIED;
}

void trust_check(struct trust_checker *checker, const struct trust_request *request,
                 struct trust_verdict *verdict)
{
	char path[TRUST_SPIFFE_ID_SIZE];
	uint8_t digest[TRUST_FINGERPRINT_SIZE];
	const struct domain *domain = find_domain(checker, request->trust_domain);
	checker->counts.checks++;
	if (domain == NULL) {
		trust_verdict_set(verdict, TRUST_DOMAIN_MISMATCH,
		                  "spec.identityBinding.trustDomain is \"%.255s\", which is not a "
		                  "configured trust domain: add --trust-domain, or mend the binding "
		                  "(spelling counts)",
		                  request->trust_domain);
		return;
	}
	struct expected expected = {.trust_domain = domain->name,
	                            .known = request->service_account != NULL,
	                            .allowed = request->allowed};
	if (request->card.at == NULL) {
		trust_verdict_set(verdict, TRUST_CARD_MISSING, "there is no signed card");
		return;
	}
	if (checker->bind == TRUST_BIND_WORKLOAD) {
		expected.path = path;
		if (expected.known)
			trust_template_expand(checker->path_template, request->namespace,
			                      request->service_account, path);
	}
	struct trust_card_digest card =
	        request->digest != NULL ? *request->digest : trust_card_digest(checker, request->card);
	take_digest(checker, domain, &card, digest);
	const struct trust_findings *findings =
	        trust_memory_find(checker->memory, digest, request->at);
	if (findings != NULL && are_enough(&expected, findings)) {
		checker->counts.cached++;
	} else {
		findings = trust_examine(checker->examiner, request->card, domain->name,
		                         domain->anchors, request->at, suffices, &expected);
		trust_memory_put(checker->memory, digest, findings);
	}
	conclude(&expected, findings, verdict);
}

void trust_check_attested(struct trust_checker *checker, const struct trust_request *request,
                          struct json_text certificates, struct trust_verdict *verdict)
{
	char path[TRUST_SPIFFE_ID_SIZE];
	struct trust_failure failure;
	const struct domain *domain = find_domain(checker, request->trust_domain);
	trust_verdict_set(verdict, TRUST_DOMAIN_MISMATCH, "not a configured trust domain");
	if (domain == NULL)
		return;
	if (request->service_account == NULL) {
		trust_verdict_set(verdict, TRUST_WORKLOAD_MISSING, "the workload is not known");
		return;
	}
	struct trust_peer peer = {domain->anchors, domain->name, NULL};
	if (checker->bind == TRUST_BIND_WORKLOAD) {
		trust_template_expand(checker->path_template, request->namespace,
		                      request->service_account, path);
		peer.path = path;
	}
	trust_verdict_set(verdict, TRUST_VERIFIED, "%s", "");
	if (!trust_peer_attested(&peer, certificates, request->at, verdict, &failure))
		trust_verdict_set(verdict, failure.reason, "%s", failure.message);
	else if (!is_allowed(request->allowed, verdict->spiffe_id))
		trust_verdict_set(verdict, TRUST_IDENTITY_MISMATCH,
		                  "it is not among the card's own spec.identityBinding.allowedSpiffeIDs");
	else
		snprintf(verdict->message, sizeof verdict->message, "fetched by mTLS from %.1000s",
		         verdict->spiffe_id);
}
