/* Inside lib/trust: what a signer holds. */
#ifndef TRUST_SIGNER_H
#define TRUST_SIGNER_H

#include "trust/jwa.h"
#include "trust/sign.h"

struct trust_signer {
	EVP_PKEY *key;
	const struct trust_algorithm *algorithm;
	struct json_buffer header; /* protected, in base64url */
};

#endif
