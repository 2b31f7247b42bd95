/*
 * Signing a card, as an agent's init container does: with the key and the X.509-SVID that the
 * Workload API gave it, in PEM as spiffe-helper writes them.
 *
 * The protected header is {"alg","typ":"JOSE","kid","x5c"}. The card's other bytes stay as they
 * are: a number that no double holds is still there, in its spelling.
 *
 * Ownership: a signer owns its key and chain. Texts are borrowed for the call.
 */
#ifndef TRUST_SIGN_H
#define TRUST_SIGN_H

#include "trust/forms.h"

enum { TRUST_SIGN_REASON_SIZE = 512, TRUST_PEM_MAX = 1024 * 1024 /* bytes of a file */ };

struct trust_signer;

/* The key must be the leaf's, and the leaf an X.509-SVID (trust/chain_private.h): nobody would accept
 * another. `chain` holds the leaf first and at most two intermediates; blocks that are no
 * certificates are passed over. `algorithm` as trust/jwa_private.h names it; NULL: what fits the key.
 * `key_id` is at most 256 bytes; NULL: the SHA-256 of the public key in base64url.
 * NULL, with a sentence in `reason`, when that cannot be. */
struct trust_signer *trust_signer_new(struct json_text key, struct json_text chain,
                                      const char *algorithm, const char *key_id,
                                      char reason[TRUST_SIGN_REASON_SIZE]);
void trust_signer_free(struct trust_signer *signer);

/* The moments from which and until which the SVID is valid, in seconds since 1970. */
void trust_signer_validity(const struct trust_signer *signer, int64_t *not_before,
                           int64_t *not_after);

/* Appends the signed card to `out`: with one signature more, or with `replace` in place of all
 * that it had. False, with a sentence in `reason` and `out` as before, when that cannot be: it is
 * not a card, or has no such form. */
bool trust_sign(const struct trust_signer *signer, struct json_text card, enum trust_form form,
                bool replace, struct json_buffer *out, char reason[TRUST_SIGN_REASON_SIZE]);

/* Says, a sentence at a time, what a signature over this form of a card (which trust_sign()
 * signed) does not cover, and who would not accept it. */
typedef void trust_advice(const char *sentence);
void trust_sign_advise(struct json_text card, enum trust_form form, trust_advice *say);

/* Appends the ConfigMap <workload>-card-signed that holds the card. NULL, else a static reason:
 * the names are not those of Kubernetes objects. */
const char *trust_signed_configmap(struct json_text card, const char *namespace,
                                   const char *workload, struct json_buffer *out);

#endif
