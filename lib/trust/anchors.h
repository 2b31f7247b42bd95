/*
 * Trust anchors: the roots of one trust domain, as its bundle gives them.
 *
 * Two formats, told apart by the first byte that is not white space:
 *   {  a SPIFFE bundle (SPIFFE Trust Domain and Bundle, section 4: a JWKS; the keys of use
 *      x509-svid count, each with one certificate in its x5c; others are ignored), or a
 *      document {"trust_domains":{"example.org":{SPIFFE bundle}}} that holds several;
 *   -  PEM, one or more CERTIFICATE blocks (other blocks are refused: nobody's key belongs here).
 *
 * Each certificate is a trust anchor in its own right, self-signed or not (RFC 5280, 6.1.1 d).
 * It must be a CA and hold an RSA (2048 to 8192 bits) or EC (P-256, P-384, P-521) key. One
 * that is not valid at the time of checking is not used, though it is still in the bundle: an
 * old bundle that nobody renews ends its trust by itself.
 *
 * Ownership: trust_anchors_read() gives one object, freed by trust_anchors_free() unless
 * trust_checker_anchors() took it.
 */
#ifndef TRUST_ANCHORS_H
#define TRUST_ANCHORS_H

#include "json/json.h"

struct trust_anchors;

enum {
	TRUST_BUNDLE_MAX = 4 * 1024 * 1024, /* bytes of a bundle */
	TRUST_ANCHORS_MAX = 256,            /* certificates of one trust domain */
	TRUST_BUNDLE_REASON_SIZE = 256,
};

/* The anchors of one trust domain. `trust_domain` chooses among those of a document that
 * names several; NULL takes the only one. NULL, with a sentence in `reason`, when the bundle
 * is malformed, too large, or has no anchor: one bad certificate spoils the bundle. */
struct trust_anchors *trust_anchors_read(struct json_text bundle, const char *trust_domain,
                                         char reason[TRUST_BUNDLE_REASON_SIZE]);

/* The trust domains that the document names, as the object it keeps them in (iterate with
 * json_first()); absent for a bundle of one trust domain. */
struct json_text trust_bundle_domains(struct json_text bundle);

void trust_anchors_free(struct trust_anchors *anchors);
size_t trust_anchors_count(const struct trust_anchors *anchors);

/* SHA-256 of the certificates, whatever their order and format: equal anchors give equal
 * verdicts. */
enum { TRUST_FINGERPRINT_SIZE = 32 };
const uint8_t *trust_anchors_fingerprint(const struct trust_anchors *anchors);

#endif
