/*
 * The chain in a protected header's x5c (RFC 7515, section 4.1.6): from an X.509-SVID to a
 * trust anchor (RFC 5280, section 6; X.509-SVID, sections 4 and 5).
 *
 * At most 3 certificates, the leaf first, each issued by the next one; the last is issued by
 * an anchor, or is one. An x5c that holds more than it needs must still be in order.
 *
 * The leaf: version 3; exactly one URI in its subjectAltName, a SPIFFE ID with a path; not a
 * CA; keyUsage with digitalSignature and without keyCertSign and cRLSign; no critical
 * extension other than those and extKeyUsage; an RSA or EC key (trust/jwa_private.h).
 *
 * The intermediates: CAs with keyCertSign; path lengths, name constraints and critical
 * extensions by OpenSSL's X509_verify_cert() at security level 2 (no MD5, no SHA-1, 112 bits),
 * which exempts self-issued ones from name constraints (RFC 5280, section 6.1.3 b); critical
 * policy constraints, policy mappings and inhibitAnyPolicy are refused, since policies are not
 * evaluated; a SPIFFE ID of theirs has no path (X509-SVID, section 2) and is of the leaf's trust
 * domain, so that a CA of another trust domain below a common root cannot speak for this one.
 *
 * Names are compared byte by byte, as Go does. Times: see trust/checker.h.
 */
#ifndef TRUST_CHAIN_PRIVATE_H
#define TRUST_CHAIN_PRIVATE_H

#include "trust/anchors_private.h"
#include "trust/certificate_private.h"
#include "trust/failure.h"
#include "trust/spiffe.h"

enum { TRUST_CERTIFICATE_MAX = 16 * 1024 /* bytes */ };

/* The span of time in which what was found stays true: [since, until). */
struct trust_span {
	int64_t since, until;
};
#define TRUST_SPAN_ALWAYS {TRUST_TIME_MIN, TRUST_TIME_MAX}

struct trust_x5c {
	uint8_t *bytes; /* owned: all certificates, one behind the other */
	unsigned count;
	struct trust_certificate certificates[TRUST_CHAIN_MAX]; /* borrow from `bytes` */
	struct trust_spiffe_id id;                              /* of the leaf; borrows too */
	struct json_text spiffe_id;
};

/* Decodes an x5c array; trust_x5c_free() afterwards, also after a failure. */
bool trust_x5c_read(struct json_text x5c, struct trust_x5c *chain, struct trust_failure *failure);
void trust_x5c_free(struct trust_x5c *chain);

/* Is the first certificate an X.509-SVID? Sets `id`. */
bool trust_x5c_check_leaf(struct trust_x5c *chain, struct trust_failure *failure);

/* Issuers already validated, by a digest of the anchor and of the chain without its leaf. */
struct trust_issuers;
struct trust_issuers *trust_issuers_new(void);
void trust_issuers_free(struct trust_issuers *issuers);
void trust_issuers_clear(struct trust_issuers *issuers);

/* The anchor that the chain leads to, at a time in seconds since 1970; NULL with a failure.
 * Narrows `span` to the time around `at` in which the answer stays the same. */
const struct trust_anchor *trust_chain_validate(struct trust_issuers *issuers,
                                                const struct trust_anchors *anchors,
                                                const struct trust_x5c *chain, int64_t at,
                                                struct trust_span *span,
                                                struct trust_failure *failure);

/* True when all of the chain is still valid at `at`. */
bool trust_chain_is_current(const struct trust_x5c *chain, int64_t at, struct trust_span *span);

#endif
