/* Inside lib/trust: what a signer holds. */
#ifndef TRUST_SIGNER_PRIVATE_H
#define TRUST_SIGNER_PRIVATE_H

#include "trust/jwa_private.h"
#include "trust/sign.h"

struct trust_signer {
	EVP_PKEY *key;
	const struct trust_algorithm *algorithm;
	struct json_buffer header; /* protected, in base64url */
	int64_t not_before, not_after; /* of the SVID */
};

#endif
