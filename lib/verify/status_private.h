/*
 * The operator's own conclusion on a card, read from the AgentCard's status instead of checking
 * signatures (--accept-status): whoever may write the status decides.
 *
 * The condition Verified alone counts: True, with the reason SignatureVerified or mTLSVerified,
 * and only while status.targetRef names the workload that spec.targetRef names: else it speaks
 * of another. (SignatureVerified and validSignature say nothing of whose signature it was.)
 * A condition whose observedGeneration is older than metadata.generation speaks of an earlier
 * spec, and does not count. The same goes for status.observedGeneration.
 *
 * The SPIFFE ID that was attested stands in status.attestedAgentSpiffeId (mTLSVerified; spelled
 * status.card.attestedAgentSpiffeID by AgentRuntime) or status.signatureSpiffeId. The operator
 * takes any SVID of its trust domain, so with TRUST_BIND_WORKLOAD the ID must be there and the
 * workload's own; a card with spec.identityBinding needs one too, of the trust domain and among
 * the IDs that it names. Else the reason is StatusUnbound.
 */
#ifndef VERIFY_STATUS_PRIVATE_H
#define VERIFY_STATUS_PRIVATE_H

#include "json/json.h"
#include "trust/checker.h"

struct status_question {
	struct json_text agentcard;  /* the checked text of the object */
	bool mtls_only;              /* of the reasons mTLSVerified alone */
	enum trust_bind bind;
	const char *path_template;   /* NULL: TRUST_TEMPLATE_DEFAULT */
	const char *trust_domain;    /* of a card without a binding; NULL: any */
	const char *target;          /* "namespace/name" of the workload */
	const char *service_account; /* its own; NULL: it is not known */
};

/* The verdict holds at all times. */
void trust_status_check(const struct status_question *question, struct trust_verdict *verdict);

#endif
