/*
 * The bytes of a DNS reply (RFC 1035) as an answer. c-ares reads them; what is decided here is
 * what its verdict means, and that a chain of CNAMEs is valid no longer than the shortest of its
 * TTLs (RFC 2181, section 5.2 and 8: a TTL with the high bit set is zero).
 */
#ifndef RESOLVE_REPLY_PRIVATE_H
#define RESOLVE_REPLY_PRIVATE_H

#include <stddef.h>

#include "resolve/answer.h"

/* Sets status, ttl and addresses of an answer that holds none; `status` is what c-ares said
 * (ares.h), `reply` is looked at only if that was ARES_SUCCESS. */
void dns_reply_read(int status, const unsigned char *reply, size_t len, struct dns_answer *answer);

#endif
