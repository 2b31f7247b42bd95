/* Inside lib/trust: what trust anchors hold. */
#ifndef TRUST_ANCHORS_PRIVATE_H
#define TRUST_ANCHORS_PRIVATE_H

#include <openssl/x509.h>

#include "trust/anchors.h"
#include "trust/certificate_private.h"
#include "trust/verdict.h"

struct trust_anchor {
	uint8_t *der;                    /* owned; `certificate` borrows from it */
	struct trust_certificate certificate;
	X509 *x509;                      /* owned */
	EVP_PKEY *key;                   /* of x509 */
	struct der key_id;               /* subjectKeyIdentifier; empty when absent */
	bool constrained;                /* has name constraints */
	char id[TRUST_ANCHOR_ID_SIZE];   /* what verdicts call it */
	uint8_t digest[TRUST_FINGERPRINT_SIZE];
};

struct trust_anchors {
	struct trust_anchor *list;
	size_t count;
	bool has_sequence;
	int64_t sequence;
	uint8_t fingerprint[TRUST_FINGERPRINT_SIZE];
};

/* Takes the bytes of a certificate as an anchor; one that is there already counts once. NULL, or
 * a static reason why it cannot be one. */
const char *trust_anchors_add(struct trust_anchors *anchors, struct der bytes);

/* Puts them in the order of their digests, so that the order in the bundle does not matter, and
 * takes the fingerprint. */
void trust_anchors_seal(struct trust_anchors *anchors);

/* Reads a CA certificate both ways, ours and OpenSSL's. The X509 is the caller's. NULL with a
 * static reason when it is malformed, not a CA, may not sign certificates, its key is unfit, its
 * SPIFFE ID has a path, or a critical extension is one that nobody here evaluates. */
X509 *trust_ca_read(struct der bytes, struct trust_certificate *certificate, const char **reason);

/* subjectKeyIdentifier of a certificate that OpenSSL holds. */
struct der trust_key_id(X509 *x509);

#endif
