/*
 * Which addresses a name server may bring: those that are globally reachable, and no others, or
 * whoever answers for a name could open the inside to an agent.
 *
 * Refused are the special-purpose ranges of the IANA registries (RFC 6890; private, shared,
 * link-local, loopback, multicast, documentation and so on), everything in IPv6 outside of
 * 2000::/3, the addresses where clouds serve credentials, and the cluster's own ranges. In an
 * address that holds an IPv4 one (NAT64, 6to4, Teredo) that one must be acceptable, too.
 *
 * A range that the operator allows opens what is in it; a cloud's metadata address only where
 * the range is that address alone. An IPv4 address written as IPv6 (::ffff:0:0/96, ::/96) is
 * refused in any case: no NetworkPolicy can hold it.
 *
 * Ownership: ranges are borrowed.
 */
#ifndef NET_RANGES_H
#define NET_RANGES_H

#include <stddef.h>

#include "net/cidr.h"

struct dns_ranges {
	const struct policy_cidr *allowed, *cluster;
	size_t allowed_count, cluster_count;
};

/* NULL when the address (a whole /32 or /128) may be used, else half a static sentence about it:
 * "is private". */
const char *dns_ranges_refuse(const struct dns_ranges *ranges, const struct policy_cidr *address);

/* "192.0.2.1", without a prefix; `text` has DNS_ADDRESS_SIZE bytes. */
enum { DNS_ADDRESS_SIZE = 46 };
void dns_address_format(const struct policy_cidr *address, char *text);
/* The other way; false when it is no address in its canonical spelling. */
bool dns_address_parse(struct json_text text, struct policy_cidr *address);

/* Order: IPv4 first, then by number. */
int dns_address_compare(const struct policy_cidr *a, const struct policy_cidr *b);

#endif
