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

/* Does x5c[1] with all behind it lead to one of the anchors? NULL when not, with a failure. What
 * is returned lives until the next call. The chain is in order, its certificates are CAs. */
const struct trust_issuer *trust_issuers_find(struct trust_issuers *issuers,
                                              const struct trust_anchors *anchors,
                                              const struct trust_x5c *chain, int64_t at,
                                              struct trust_span *span,
                                              struct trust_failure *failure);

/* OpenSSL's judgement of the chain from certificate `first` up to exactly this anchor. Time is
 * left to us, because it depends on which of the certificates may have expired. */
bool trust_chain_ask_openssl(const struct trust_x5c *chain, unsigned first,
                             const struct trust_anchor *anchor, struct trust_failure *failure);

/* Is it `moment` or later at `at`? Narrows the span to the side of it on which `at` is. */
bool trust_span_reached(struct trust_span *span, int64_t at, int64_t moment);

/* Is the anchor valid at `at`? */
bool trust_anchor_is_current(const struct trust_anchor *anchor, int64_t at,
                             struct trust_span *span);

/* Are the CAs between the leaf and x5c[end] as few as the path length that `whose` certificate
 * allows (-1: any number)? Self-issued ones do not count (RFC 5280, section 4.2.1.9). */
bool trust_chain_check_length(const struct trust_x5c *chain, unsigned end, int allowed,
                              const char *whose, struct trust_failure *failure);

void trust_fail_no_anchor(const struct trust_x5c *chain, bool outdated,
                          struct trust_failure *failure);

#endif
