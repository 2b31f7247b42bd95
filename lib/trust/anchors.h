/*
 * Trust anchors: the roots of one trust domain, as its bundle gives them.
 *
 * Three formats, told apart by the first byte that is not white space:
 *   {  a SPIFFE bundle (SPIFFE Trust Domain and Bundle, section 4: a JWKS), or a Bundle Map,
 *      {"trust_domains":{"example.org":{SPIFFE bundle}}}, that holds several;
 *   -  or any other: text with PEM blocks.
 *
 * Each entry is judged by itself (section 4.1.3, 4.2). Of a JWKS the keys of use x509-svid count,
 * with the first certificate of their x5c; of PEM the CERTIFICATE blocks. An entry that is unfit
 * (unknown kty or use, no or broken x5c, another block) is ignored, and said: it must not keep
 * the removal of another CA from taking effect. A bundle of which nothing is left, or that is
 * empty, or a Bundle Map without the trust domain, has no anchors: trust in the domain has ended.
 * Only what is no bundle at all is refused: neither a JSON object with an array `keys` or with
 * `trust_domains`, nor text with a PEM header, or over TRUST_BUNDLE_MAX.
 *
 * Each certificate is a trust anchor in its own right, self-signed or not (RFC 5280, 6.1.1 d).
 * It must be a CA and hold an RSA (2048 to 8192 bits) or EC (P-256, P-384, P-521) key, a SPIFFE
 * ID of it has no path (X509-SVID, section 2), and no critical extension of it is one that is not
 * evaluated. One that is not valid at the time of checking is not used, though it is still in
 * the bundle: an old bundle that nobody renews ends its trust by itself.
 *
 * Ownership: trust_anchors_read() gives one object, freed by trust_anchors_free() unless
 * trust_checker_anchors() took it.
 */
#ifndef TRUST_ANCHORS_H
#define TRUST_ANCHORS_H

#include "json/json.h"

struct trust_anchors;

enum {
	TRUST_BUNDLE_MAX = 1024 * 1024, /* bytes of a bundle */
	TRUST_ANCHORS_MAX = 256,        /* certificates of one trust domain; more are ignored */
	TRUST_BUNDLE_REASON_SIZE = 384,
};

/* The anchors of one trust domain. `trust_domain` chooses among those of a Bundle Map; NULL
 * takes the only one. NULL, with a sentence in `reason`, when it is no bundle at all. Else
 * `reason` says what was ignored; it is "" when all counts. */
struct trust_anchors *trust_anchors_read(struct json_text bundle, const char *trust_domain,
                                         char reason[TRUST_BUNDLE_REASON_SIZE]);

/* The trust domains that the document names, as the object it keeps them in (iterate with
 * json_first()); absent for a bundle of one trust domain. */
struct json_text trust_bundle_domains(struct json_text bundle);

void trust_anchors_free(struct trust_anchors *anchors);
size_t trust_anchors_count(const struct trust_anchors *anchors); /* 0: trust has ended */

/* spiffe_sequence (section 4.1.1): it grows with each version. False when there is none. */
bool trust_anchors_sequence(const struct trust_anchors *anchors, int64_t *sequence);

/* Takes out the anchors of this ID, as a verdict names it (hex; capitals and colons as OpenSSL
 * prints them are the same). How many there were. */
size_t trust_anchors_leave_out(struct trust_anchors *anchors, const char *id);
/* True when such an ID can be: an even number of hex digits. */
bool trust_anchor_id_is_valid(const char *id);

/* SHA-256 of the certificates, whatever their order and format: equal anchors give equal
 * verdicts. */
enum { TRUST_FINGERPRINT_SIZE = 32 };
const uint8_t *trust_anchors_fingerprint(const struct trust_anchors *anchors);

#endif
