#include "resolve/reply_private.h"

#include <ares.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* One more than is taken, so that too many are noticed. */
enum { ROOM = DNS_ANSWER_MAX + 1, V4 = 32, V6 = 128 };

static enum dns_status status_of(int status)
{
	switch (status) {
	case ARES_SUCCESS:
		return DNS_NOERROR;
	case ARES_ENODATA:
		return DNS_NODATA;
	case ARES_ENOTFOUND:
		return DNS_NXDOMAIN;
	case ARES_ESERVFAIL:
		return DNS_SERVFAIL;
	case ARES_EREFUSED:
		return DNS_REFUSED;
	case ARES_ETIMEOUT:
		return DNS_TIMEOUT;
	case ARES_ECONNREFUSED:
		return DNS_UNANSWERED;
	default:
		return DNS_BADREPLY;
	}
}

static void take(struct dns_answer *answer, unsigned bits, const void *ip, int ttl)
{
	struct policy_cidr address = {.bits = bits, .prefix = bits};
	uint32_t seconds = ttl < 0 ? 0 : (uint32_t)ttl;
	memcpy(address.ip, ip, bits / 8);
	if (answer->count == 0 || seconds < answer->ttl)
		answer->ttl = seconds;
	dns_answer_add(answer, &address);
}

static int read_a(const unsigned char *reply, int len, struct dns_answer *answer)
{
	int count = ROOM;
	struct ares_addrttl *found = calloc(ROOM, sizeof *found);
	if (found == NULL)
		abort();
	int status = ares_parse_a_reply(reply, len, NULL, found, &count);
	for (int i = 0; status == ARES_SUCCESS && i < count; i++)
		take(answer, V4, &found[i].ipaddr, found[i].ttl);
	free(found);
	return status;
}

static int read_aaaa(const unsigned char *reply, int len, struct dns_answer *answer)
{
	int count = ROOM;
	struct ares_addr6ttl *found = calloc(ROOM, sizeof *found);
	if (found == NULL)
		abort();
	int status = ares_parse_aaaa_reply(reply, len, NULL, found, &count);
	for (int i = 0; status == ARES_SUCCESS && i < count; i++)
		take(answer, V6, &found[i].ip6addr, found[i].ttl);
	free(found);
	return status;
}

static void read_reply(const unsigned char *reply, size_t len, struct dns_answer *answer)
{
	int status = ARES_EBADRESP;
	if (len <= INT_MAX)
		status = answer->type == DNS_A ? read_a(reply, (int)len, answer)
		                               : read_aaaa(reply, (int)len, answer);
	answer->status = status_of(status);
	if (answer->count > DNS_ANSWER_MAX)
		answer->status = DNS_BADREPLY;
	else if (answer->status == DNS_NOERROR && answer->count == 0)
		answer->status = DNS_NODATA;
}

void dns_reply_read(int status, const unsigned char *reply, size_t len, struct dns_answer *answer)
{
	answer->status = status_of(status);
	if (status == ARES_SUCCESS)
		read_reply(reply, len, answer);
	if (answer->status != DNS_NOERROR) {
		answer->count = 0;
		answer->ttl = 0;
	}
	dns_answer_sort(answer);
}
