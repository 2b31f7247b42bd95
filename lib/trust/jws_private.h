/*
 * One element of a card's `signatures`: {"protected", "signature", "header"?}, as the JWS JSON
 * serialization has them (RFC 7515, section 7.2; A2A specification, AgentCardSignature).
 *
 * The protected header is base64url of a JSON object without duplicate keys. In it
 *   alg        must be one of those in trust/jwa_private.h;
 *   x5c        is an array (its contents are trust/chain_private.h's matter);
 *   kid        is a string of at most 256 bytes;
 *   typ        is a string;
 *   crit       must be absent: no extension is understood (section 4.1.11);
 *   b64        must be absent or true (RFC 7797);
 *   jku, jwk, x5u, x5t and all else are ignored: nothing is fetched, no key of theirs is trusted.
 * The unprotected header is not signed: nothing of it is used, and it must not hold alg, crit,
 * b64 or x5c, which some readers might take from there, nor any member that the protected one
 * holds (section 7.2.1).
 *
 * Ownership: trust_jws_read() fills it, trust_jws_free() releases it, also after a failure.
 * `protected64` borrows from the card.
 */
#ifndef TRUST_JWS_PRIVATE_H
#define TRUST_JWS_PRIVATE_H

#include "trust/jwa_private.h"

enum { TRUST_HEADER_MAX = 64 * 1024 }; /* bytes of a protected header, decoded */

struct trust_jws {
	struct json_text protected64; /* as it stands: the first part of the signing input */
	uint8_t *header;              /* decoded */
	const struct trust_algorithm *algorithm;
	char key_id[TRUST_KEY_ID_SIZE];
	struct json_text x5c;         /* in `header`; absent when there is none */
	uint8_t signature[TRUST_SIGNATURE_BYTES_MAX];
	size_t signature_len;
};

/* `element` is part of a checked text. */
bool trust_jws_read(struct json_text element, struct trust_jws *jws, struct trust_failure *failure);
void trust_jws_free(struct trust_jws *jws);

/* The protected header alone, from its decoded bytes. */
bool trust_jws_read_header(struct json_text header, struct trust_jws *jws,
                           struct trust_failure *failure);

#endif
