/* Inside lib/trust: the rules of times and path lengths that leaves, intermediates and anchors share. */
#ifndef TRUST_VALIDITY_PRIVATE_H
#define TRUST_VALIDITY_PRIVATE_H

#include "trust/anchors_private.h"
#include "trust/chain_private.h"

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
