/*
 * The operator's own conclusion on a card, read from the AgentCard's status instead of
 * checking signatures (--accept-status): whoever may write the status decides.
 *
 *   the condition Verified, when there is one, decides;
 *   else the condition SignatureVerified, when there is one, else status.validSignature;
 *   and in these two cases a card with spec.identityBinding needs
 *   status.signatureIdentityMatch as well.
 *
 * A condition whose observedGeneration is older than metadata.generation speaks of an earlier
 * spec, and does not count as true. The same goes for status.observedGeneration.
 */
#ifndef VERIFY_STATUS_PRIVATE_H
#define VERIFY_STATUS_PRIVATE_H

#include "json/json.h"
#include "trust/verdict.h"

/* `agentcard` is the checked text of the object. The verdict holds at all times. */
void trust_status_check(struct json_text agentcard, struct trust_verdict *verdict);

#endif
