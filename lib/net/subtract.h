/*
 * A range of addresses less its exceptions, as CIDRs: for what knows no exceptions.
 *
 * Exceptions may lie beside the range, overlap, or hold all of it.
 */
#ifndef NET_SUBTRACT_H
#define NET_SUBTRACT_H

#include "net/cidr.h"

/* Fills `pieces` in numeric order with what is left of the whole: the fewest CIDRs. Returns their
 * number, 0 when nothing is left, or `most` + 1 when they are more than fit: `pieces` is then of
 * no use, and must not be taken for a part. */
size_t net_subtract(const struct policy_cidr *whole, const struct policy_cidr except[],
                    size_t except_count, struct policy_cidr pieces[], size_t most);

#endif
