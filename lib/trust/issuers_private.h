/*
 * Inside lib/trust: the part of a chain above its leaf, and the table of such parts that were
 * validated before. Agents have leaves of their own below few intermediates, which live long:
 * parsing and verifying them again for each card would cost more than the card's signature.
 */
#ifndef TRUST_ISSUERS_PRIVATE_H
#define TRUST_ISSUERS_PRIVATE_H

#include "trust/anchors_private.h"
#include "trust/chain_private.h"

enum { TRUST_ISSUERS_MAX = 1024 }; /* remembered; the oldest goes first */

/* Who issued the leaf. Borrows from the table and from the anchors. */
struct trust_issuer {
	EVP_PKEY *key;
	struct der key_id;                 /* subjectKeyIdentifier; empty when absent */
	bool constrained;                  /* name constraints stand somewhere above the leaf */
	const struct trust_anchor *anchor; /* where the path ends */
};

/* Does x5c[1] with all behind it lead to this anchor, which is valid now and stands above `below`
 * certificates of x5c, the leaf included? NULL when not, with a failure. What is returned lives
 * until the next call. The chain is in order, its certificates are CAs. */
const struct trust_issuer *trust_issuers_find(struct trust_issuers *issuers,
                                              const struct trust_anchor *anchor,
                                              const struct trust_x5c *chain, unsigned below,
                                              struct trust_failure *failure);

/* OpenSSL's judgement of the chain from certificate `first` up to exactly this anchor. Time is
 * left to us, because it depends on which of the certificates may have expired. */
bool trust_chain_ask_openssl(const struct trust_x5c *chain, unsigned first,
                             const struct trust_anchor *anchor, struct trust_failure *failure);

#endif
