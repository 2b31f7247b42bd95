/*
 * Inside lib/trust: what was found out about the signatures of one card, whoever its workload
 * is. So what is remembered stays true when a workload comes, goes or changes.
 *
 * A finding that is made lives in its maker; one that is remembered, in the table: both until
 * the next call that makes or remembers.
 */
#ifndef TRUST_FINDINGS_PRIVATE_H
#define TRUST_FINDINGS_PRIVATE_H

#include "trust/chain_private.h"
#include "trust/checker.h"

struct trust_finding {
	enum trust_reason reason;                /* TRUST_VERIFIED: the leaf's key signed the card */
	const struct trust_algorithm *algorithm; /* of a signature that was proven */
	enum trust_form form;
	bool expired;                            /* found only with require_unexpired */
	int64_t not_after;
	uint32_t text; /* where SPIFFE ID, kid and anchor stand one behind the other, or the message */
};

struct trust_findings {
	struct trust_span span;           /* in which they stay true */
	unsigned signatures;              /* of the card; 0: the finding is about the card itself */
	unsigned count;                   /* of findings: the rest was not looked at */
	const struct trust_finding *list;
	const char *text;                 /* strings, each closed by NUL */
	size_t text_len;
};

static inline const char *trust_finding_text(const struct trust_findings *findings,
                                             const struct trust_finding *finding)
{
	return findings->text + finding->text;
}

/* A bounded table that remembers findings under SHA-256 digests; when it is full, the oldest goes. */
struct trust_memory;
struct trust_memory *trust_memory_new(size_t entries);
void trust_memory_free(struct trust_memory *memory);
/* NULL when nothing is known that holds at `at`. */
const struct trust_findings *trust_memory_find(const struct trust_memory *memory,
                                               const uint8_t digest[TRUST_FINGERPRINT_SIZE],
                                               int64_t at);
void trust_memory_put(struct trust_memory *memory, const uint8_t digest[TRUST_FINGERPRINT_SIZE],
                      const struct trust_findings *findings);

/* What signatures are judged by, and the buffers that it takes. */
struct trust_examiner;
struct trust_examiner *trust_examiner_new(unsigned forms, bool require_unexpired,
                                          struct trust_counts *counts);
void trust_examiner_free(struct trust_examiner *examiner);
void trust_examiner_forget_issuers(struct trust_examiner *examiner);

/* True when one signature, of which this was found, is enough. */
typedef bool trust_suffices(const void *context, const struct trust_findings *findings,
                            const struct trust_finding *finding);

/* Looks at the card's signatures until one of them suffices, or at all. The trust domain's
 * anchors may be NULL. */
const struct trust_findings *trust_examine(struct trust_examiner *examiner, struct json_text card,
                                           const char *trust_domain,
                                           const struct trust_anchors *anchors, int64_t at,
                                           trust_suffices *suffices, const void *context);

#endif
