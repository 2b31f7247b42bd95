/*
 * What a name server said of a name: its addresses of one family, or why there are none; and the
 * same as a line of a file of answers (egress-resolve(1), ANSWERS):
 *
 *   {"time":"2026-01-02T03:04:05Z","name":"api.example.com","type":"A","status":"NOERROR",
 *    "ttl":60,"addresses":["192.0.2.1"]}
 *
 * Addresses are in order (net/ranges.h), each once, whatever the order of the reply: the same
 * answer is the same bytes. There are at most DNS_ANSWER_MAX; a reply with more has the status
 * BADREPLY.
 *
 * Ownership: a dns_answer owns its addresses; initialise with {0}, dns_answer_free() releases
 * them and leaves an empty one.
 */
#ifndef RESOLVE_ANSWER_H
#define RESOLVE_ANSWER_H

#include "base/buffer.h"
#include "net/cidr.h"

enum { DNS_ANSWER_MAX = 4096, DNS_NAME_SIZE = 254 };

enum dns_type { DNS_A, DNS_AAAA };
enum { DNS_TYPES = 2 };
extern const char *const dns_type_words[]; /* NULL-terminated */

enum dns_status {
	DNS_NOERROR,     /* it has addresses */
	DNS_NODATA,      /* the name exists, without addresses of this family */
	DNS_NXDOMAIN,    /* the name does not exist */
	/* the rest are failures: they say nothing about the name */
	DNS_SERVFAIL,
	DNS_REFUSED,
	DNS_TIMEOUT,
	DNS_UNANSWERED, /* by every server: it fails, refuses, or cannot be reached */
	DNS_BADREPLY,    /* cannot be read, or has too many addresses */
	DNS_STATUSES,
};
extern const char *const dns_status_words[]; /* NULL-terminated */

struct dns_answer {
	char name[DNS_NAME_SIZE]; /* lower case, no dot at the end */
	enum dns_type type;
	enum dns_status status;
	int64_t time; /* seconds since 1970 */
	uint32_t ttl; /* seconds; of NOERROR */
	struct policy_cidr *addresses;
	size_t count;
};

static inline bool dns_is_failure(enum dns_status status)
{
	return status > DNS_NXDOMAIN;
}

/* True when it is a name that can be asked for: RFC 1123, lower case, no wildcard. */
bool dns_name_usable(struct json_text name);

/* Adds an address; dns_answer_sort() brings them in order. */
void dns_answer_add(struct dns_answer *answer, const struct policy_cidr *address);
void dns_answer_sort(struct dns_answer *answer);

/* Reads a checked JSON text. NULL, or a static reason why it is no answer. */
const char *dns_answer_read(struct json_text json, struct dns_answer *answer);

/* Appends the line, without a newline. */
void dns_answer_put(const struct dns_answer *answer, struct json_buffer *out);

void dns_answer_free(struct dns_answer *answer);

#endif
