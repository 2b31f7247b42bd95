/*
 * CIDRs as NetworkPolicy has them (networking.k8s.io/v1, IPBlock), in their one canonical
 * spelling: no leading zeros, no bits beyond the prefix, lower-case RFC 5952 for IPv6, no IPv4
 * address inside an IPv6 one. Whatever some reader might understand otherwise is refused.
 */
#ifndef NET_CIDR_H
#define NET_CIDR_H

#include "base/buffer.h"

struct policy_cidr {
	unsigned char ip[16]; /* an IPv4 address in the first four */
	unsigned bits;        /* 32 or 128 */
	unsigned prefix;
};

/* NULL when it is one, else a static sentence about it, in the API server's words. */
const char *policy_cidr_parse(struct json_text text, struct policy_cidr *cidr);

/* True when all of `inner` is in `outer`. */
bool policy_cidr_holds(const struct policy_cidr *outer, const struct policy_cidr *inner);

/* Appends the CIDR as a JSON string. */
void policy_cidr_put(const struct policy_cidr *cidr, struct json_buffer *out);

#endif
