/* Replies of any bytes: what they bring is addresses of the family that was asked for, in order,
 * within the bound, and only with NOERROR. */
#include <ares.h>
#include <stdlib.h>
#include <string.h>

#include "net/ranges.h"
#include "resolve/reply_private.h"

static void check(enum dns_type type, const uint8_t *bytes, size_t size)
{
	struct dns_answer answer = {.name = "example", .type = type};
	unsigned bits = type == DNS_A ? 32 : 128;
	dns_reply_read(ARES_SUCCESS, bytes, size, &answer);
	if ((answer.status == DNS_NOERROR) != (answer.count > 0) || answer.count > DNS_ANSWER_MAX ||
	    answer.ttl > INT32_MAX)
		abort();
	for (size_t i = 0; i < answer.count; i++)
		if (answer.addresses[i].bits != bits || answer.addresses[i].prefix != bits ||
		    (i > 0 &&
		     dns_address_compare(&answer.addresses[i - 1], &answer.addresses[i]) >= 0))
			abort();
	dns_answer_free(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	check(DNS_A, bytes, size);
	check(DNS_AAAA, bytes, size);
	return 0;
}
