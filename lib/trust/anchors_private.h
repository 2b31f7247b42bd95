/* Inside lib/trust: what trust anchors hold. */
#ifndef TRUST_ANCHORS_PRIVATE_H
#define TRUST_ANCHORS_PRIVATE_H

#include <openssl/x509.h>

#include "trust/anchors.h"
#include "trust/certificate_private.h"

struct trust_anchor {
	uint8_t *der;                    /* owned; `certificate` borrows from it */
	struct trust_certificate certificate;
	X509 *x509;                      /* owned */
	EVP_PKEY *key;                   /* of x509 */
	struct der key_id;               /* subjectKeyIdentifier; empty when absent */
	bool constrained;                /* has name constraints */
	uint8_t digest[TRUST_FINGERPRINT_SIZE];
};

struct trust_anchors {
	struct trust_anchor *list;
	size_t count;
	uint8_t fingerprint[TRUST_FINGERPRINT_SIZE];
};

/* Reads a CA certificate both ways, ours and OpenSSL's. The X509 is the caller's. NULL with a
 * static reason when it is malformed, not a CA, may not sign certificates, or its key is unfit. */
X509 *trust_ca_read(struct der bytes, struct trust_certificate *certificate, const char **reason);

/* subjectKeyIdentifier of a certificate that OpenSSL holds. */
struct der trust_key_id(X509 *x509);

#endif
