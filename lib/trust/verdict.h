/*
 * What is said of a card: the `verification` member of a verified event, egress-records(5).
 *
 * A verdict owns nothing: it is plain bytes, copied by assignment.
 */
#ifndef TRUST_VERDICT_H
#define TRUST_VERDICT_H

#include "base/buffer.h"
#include "trust/forms.h"

/* In the order in which a signature is checked: of several failed signatures, the verdict's
 * reason is that of the one which came furthest. */
enum trust_reason {
	TRUST_VERIFIED,
	TRUST_CARD_MISSING,          /* there is no card to check */
	TRUST_CARD_INVALID,          /* not JSON, duplicate keys, too large, too deep, not UTF-8 */
	TRUST_SIGNATURE_MISSING,
	TRUST_ALGORITHM_NOT_ALLOWED, /* unknown `alg`, or one that does not fit the leaf's key */
	TRUST_SPIFFE_ID_INVALID,     /* not exactly one URI SAN that is a SPIFFE ID with a path */
	TRUST_DOMAIN_MISMATCH,       /* another trust domain than the one expected */
	TRUST_BUNDLE_MISSING,        /* no trust anchors for the expected trust domain */
	TRUST_CHAIN_INVALID,         /* x5c unreadable, or no way from the leaf to an anchor */
	TRUST_SIGNATURE_INVALID,     /* malformed, or not made by the leaf's key over this card */
	TRUST_WORKLOAD_MISSING,      /* the workload is not known, so neither is its identity */
	TRUST_IDENTITY_MISMATCH,     /* somebody else's SPIFFE ID */
	TRUST_EXPIRED,               /* only with require_unexpired */
	TRUST_NOT_ACCEPTED,          /* only with --accept-status: the operator has not verified it */
	TRUST_STATUS_UNBOUND,        /* only with it: what the operator verified is not this workload's */
	TRUST_RECORD_UNUSABLE,       /* the last record of the AgentCard, or of its signed card, is */
	TRUST_OVER_LIMIT,            /* its namespace's share of memory is used up */
};
enum { TRUST_REASONS = TRUST_OVER_LIMIT + 1 };
extern const char *const trust_reason_names[TRUST_REASONS]; /* "Verified", "CardMissing", … */

enum {
	TRUST_MESSAGE_SIZE = 1536,
	TRUST_SPIFFE_ID_SIZE = 2049, /* SPIFFE-ID, section 2.3: at most 2048 bytes */
	TRUST_KEY_ID_SIZE = 257,     /* a longer `kid` is refused */
	TRUST_CHAIN_MAX = 3,         /* certificates of a chain, the leaf included */
	TRUST_ANCHOR_ID_SIZE = 129,  /* a key identifier of at most 64 bytes, in hex */
};

/* Times are seconds since 1970. */
#define TRUST_TIME_MIN INT64_MIN
#define TRUST_TIME_MAX INT64_MAX

struct trust_verdict {
	bool verified;
	enum trust_reason reason;
	char message[TRUST_MESSAGE_SIZE];     /* one sentence in UTF-8; cut off with "..." */
	/* of the signature that decided, once its key was proven to have signed the card; else empty */
	char spiffe_id[TRUST_SPIFFE_ID_SIZE];
	char key_id[TRUST_KEY_ID_SIZE];       /* `kid`; empty when there is none */
	char anchor[TRUST_ANCHOR_ID_SIZE];    /* the CA of the bundle: its key identifier in hex */
	const char *algorithm;                /* "ES256"; static; NULL */
	enum trust_form form;                  /* meaningful when `algorithm` is not NULL */
	int64_t not_after;                    /* of the leaf; TRUST_TIME_MAX: not known */
	/* the verdict on the same request stays the same at any time from `since` up to but not
	 * including `until`: a stage that lives on the wall clock checks again at `until` */
	int64_t since, until;
};

/* A verdict that was not reached by checking signatures: `message` is cut to fit. */
void trust_verdict_set(struct trust_verdict *verdict, enum trust_reason reason,
                       const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Appends the object of the `verification` member; what is not known is left out, and a control
 * character becomes '?', so that every string is safe to print on a terminal. `source`
 * says where the card was found, e.g. "configmap team-a/billing-card-signed" (NULL: left out). */
void trust_verdict_put(struct json_buffer *out, const struct trust_verdict *verdict,
                       const char *source);

#endif
