/*
 * The verdict on a card: is it signed, by the workload that it speaks for?
 *
 * A signature counts when all of this holds; the first that does not is the failure:
 *   1. its protected header is valid and its algorithm allowed (trust/jws_private.h, trust/jwa_private.h);
 *   2. the leaf of its x5c is an X.509-SVID of the trust domain that is expected: the
 *      identityBinding's, which must be a configured one to the byte; without a binding the
 *      first configured;
 *   3. the chain leads to an anchor of that trust domain, and of no other (trust/chain_private.h);
 *   4. the leaf's key made the signature over the card without `signatures`, in one of the
 *      allowed canonical forms (trust/forms.h);
 *   5. the workload is known, and the SPIFFE ID is its own (TRUST_BIND_WORKLOAD), or any of the
 *      trust domain (TRUST_BIND_TRUST_DOMAIN); and one of those that the card allows, if it
 *      names any.
 * One good signature is enough; up to TRUST_SIGNATURES_MAX are looked at.
 *
 * Time. Agents sign once, when they start, with SVIDs that live for an hour, issued by CAs
 * that may live for a day. So by default a leaf or intermediate may have expired since: the
 * chain is validated as of the last moment, not later than `at`, at which all of it was valid
 * (it must have been valid at some moment). Anchors must be valid at `at` itself, and nothing
 * may be valid only later. With require_unexpired all of it must be valid at `at`.
 *
 * What was found of a card's signatures is remembered in a bounded table, under a SHA-256 of
 * all that it depends on: the card, the trust domain and its anchors (the settings never change);
 * and for the span of time in which it holds. Whose they must be is compared each time: so a
 * signature is verified once, also when the workload comes later. Chains already validated are
 * remembered too.
 *
 * Ownership: the checker copies its settings and owns the anchors given to it. Requests are
 * borrowed for the call. Not thread-safe: one checker, one thread.
 */
#ifndef TRUST_CHECKER_H
#define TRUST_CHECKER_H

#include "trust/anchors.h"
#include "trust/verdict.h"

enum {
	TRUST_CARD_MAX = 1024 * 1024, /* bytes of a card */
	TRUST_CARD_DEPTH = 128,       /* arrays and objects in each other */
	TRUST_SIGNATURES_MAX = 16,    /* a card with more is invalid */
	TRUST_ALLOWED_MAX = 256,      /* allowedSpiffeIDs; more are not looked at */
	TRUST_CACHE_DEFAULT = 131072, /* cards remembered, about 400 bytes each */
};

enum trust_bind {
	TRUST_BIND_WORKLOAD,     /* the SPIFFE ID's path is the template's */
	TRUST_BIND_TRUST_DOMAIN, /* any SPIFFE ID of the trust domain */
};
extern const char *const trust_bind_words[]; /* NULL-terminated, for --bind */

#define TRUST_TEMPLATE_DEFAULT "/ns/{namespace}/sa/{serviceAccountName}"

struct trust_settings {
	unsigned forms;                   /* mask of 1 << enum trust_form; 0: TRUST_FORMS_DEFAULT */
	enum trust_bind bind;
	const char *path_template;        /* NULL: TRUST_TEMPLATE_DEFAULT */
	const char *const *trust_domains; /* the first is what a card without a binding must have */
	size_t trust_domain_count;
	bool require_unexpired;
	size_t cache_entries;             /* 0: TRUST_CACHE_DEFAULT */
};

struct trust_checker;

/* NULL, with a sentence in `reason`, when the settings are unusable: no trust domain, one
 * that is malformed, a template that does not give a SPIFFE ID path of its own to each
 * {namespace} and {serviceAccountName}: it must have both, in different path segments. */
struct trust_checker *trust_checker_new(const struct trust_settings *settings,
                                        char reason[TRUST_BUNDLE_REASON_SIZE]);
void trust_checker_free(struct trust_checker *checker);

/* Sets (takes ownership), replaces, or with NULL removes the anchors of a trust domain. False,
 * and `anchors` is freed, when the trust domain is not one of the configured ones. */
bool trust_checker_anchors(struct trust_checker *checker, const char *trust_domain,
                           struct trust_anchors *anchors);

/* The trust domain that a card must have, given its spec.identityBinding.trustDomain: one of the
 * configured ones, borrowed from the checker; the first for NULL, and NULL for one that is not
 * configured. */
const char *trust_checker_domain(const struct trust_checker *checker, const char *binding);

struct trust_card_digest {
	uint8_t bytes[TRUST_FINGERPRINT_SIZE];
};

/* Of a card's bytes, for who asks of one card many times: digesting it costs most of an answer that
 * is remembered. */
struct trust_card_digest trust_card_digest(struct trust_checker *checker, struct json_text card);

struct trust_request {
	struct json_text card;       /* unchecked bytes; absent: there is none */
	const struct trust_card_digest *digest; /* the card's; NULL: it is computed */
	const char *trust_domain;    /* identityBinding's, or NULL */
	struct json_text allowed;    /* its allowedSpiffeIDs; absent: it names none */
	const char *namespace;       /* of the card and its workload */
	const char *service_account; /* NULL: the workload is not known */
	int64_t at;                  /* seconds since 1970 */
};

void trust_check(struct trust_checker *checker, const struct trust_request *request,
                 struct trust_verdict *verdict);

/* Is the peer that this card was fetched from the workload? Its certificates, a JSON array of strings
 * in base64, are checked as the card's would be, but all of them must be valid at `at`; the card is
 * not looked at. That it had their key is what whoever wrote them down has seen. */
void trust_check_attested(struct trust_checker *checker, const struct trust_request *request,
                          struct json_text certificates, struct trust_verdict *verdict);

/* For tests and benchmarks. */
struct trust_counts {
	unsigned long checks, cached; /* requests, and those answered from the table */
	unsigned long signatures;     /* public-key operations on cards */
	unsigned long chains;         /* chains validated anew */
};
struct trust_counts trust_checker_counts(const struct trust_checker *checker);

/* The bytes that a signature over this card covers: the card without its top-level
 * `signatures`, in a form, appended to `out`. False, and `reason` says why, when it is not a card
 * (that is checked first) or has no such form. */
bool trust_payload(struct json_text card, enum trust_form form, struct json_buffer *out,
                   char reason[TRUST_FORM_REASON_SIZE]);

#endif
