/*
 * One observed connection attempt, whatever wrote it down: the flow record of egress-records(5).
 *
 * Ownership: the spans of a flow borrow bytes that somebody else keeps; flow_copy() makes one that
 * owns them all. An absent span, 0 in `count` and an empty address mean that the source does not know.
 *
 * Text: logs are hostile. `labels` (an object of strings), `names` and `policy` (arrays of strings) are
 * checked JSON; every other span is flow_is_word(): it needs no escape and harms no terminal.
 */
#ifndef FLOWS_FLOW_H
#define FLOWS_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "json/json.h"

enum {
	FLOW_ADDRESS_SIZE = 46, /* an IPv6 address in RFC 5952's spelling, and NUL */
	FLOW_WORD_MAX = 512,    /* bytes of a name */
};

enum flow_verdict { FLOW_UNJUDGED, FLOW_ALLOWED, FLOW_DENIED };
enum flow_protocol { FLOW_TCP, FLOW_UDP, FLOW_SCTP };

extern const char *const flow_verdict_words[];  /* "" where the source has none */
extern const char *const flow_protocol_words[]; /* as Kubernetes spells them */

struct flow_peer {
	struct json_text namespace, pod;
	struct json_text kind, workload; /* what made the pod */
	struct json_text labels;
	char ip[FLOW_ADDRESS_SIZE]; /* an IPv4 one never inside an IPv6 one */
};

struct flow {
	struct json_text time, first, last; /* RFC 3339 */
	struct flow_peer source, destination;
	struct json_text names;  /* DNS names of the destination */
	struct json_text policy; /* "namespace/name" of the policies that decided */
	uint16_t port;           /* of the destination */
	enum flow_protocol protocol;
	enum flow_verdict verdict;
	uint64_t count;          /* of equal attempts; 0: one */
	bool any_direction;      /* the source does not say that it is egress */
	bool would_deny;         /* allowed by an audit mode alone */
	bool incomplete;         /* stands for more destinations than were kept */
};

/* One line without its newline. */
void flow_put(const struct flow *flow, struct json_buffer *out);

/* A flow record, as flow_put() writes it. NULL when it is one, else a static reason. */
const char *flow_read(struct json_text line, struct flow *flow);

/* One block; free() releases it. Running out of memory ends the program. */
struct flow *flow_copy(const struct flow *flow);

/* Counts stand in logs, which are hostile: a sum stops at the largest number. */
static inline uint64_t flow_sum(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* True for one to FLOW_WORD_MAX printable ASCII bytes without blank, quote and backslash. */
bool flow_is_word(struct json_text text);

/* Nanoseconds since 1970 of an RFC 3339 date-time; false when it is none, or before 1970. */
bool flow_time(struct json_text text, int64_t *ns);

/* "2026-11-02T08:15:01.12Z": as many digits as it takes. */
enum { FLOW_TIME_SIZE = 32 };
void flow_time_format(int64_t ns, char text[FLOW_TIME_SIZE]);

#endif
