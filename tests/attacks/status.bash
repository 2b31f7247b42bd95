# Attacks by the status that the operator writes. Part of tests/attacks/make.
# shellcheck shell=bash

# the operator's conclusion
status() { # NAME REASON TEXT CHANGE DESCRIPTION [OPTION...]
	local name=$1 reason=$2 text=$3 change=$4 what=$5
	shift 5
	jq -c '.object |= (.metadata.generation = 2 | .status = {targetRef: .spec.targetRef,
		attestedAgentSpiffeId: "spiffe://example.org/ns/team-a/sa/billing-sa",
		conditions: [{type:"Verified", status:"True", reason:"mTLSVerified", observedGeneration:2}]} | '"$change"')' card |
		attack "$name" "$reason" "$text" "$what" "${@:---accept-status}"
}
mtls=(--trust-domain example.org --accept-status=mtls)

status control-status Verified 'the operator says so' . 'a status that the operator wrote'
status status-signature-condition NotAccepted 'no condition Verified' '.status.conditions[0].type = "SignatureVerified" | .status.validSignature = true' \
	'a signature that is valid, of whom nobody knows'
status status-other-reason NotAccepted 'another reason' '.status.conditions[0].reason = "AuditMode"' 'a condition for another reason'
status status-old NotAccepted 'earlier generation' '.status.conditions[0].observedGeneration = 1' 'a condition of before'
status status-two NotAccepted 'not true' '.status.conditions += [{type:"Verified", status:"False", reason:"mTLSVerified"}]' 'two conditions that disagree'
status status-no-target StatusUnbound 'status.targetRef' 'del(.status.targetRef)' 'a conclusion of which nobody knows on what'
status status-other-target StatusUnbound 'status.targetRef' '.status.targetRef.name = "search"' 'a conclusion on another workload'
status status-no-id StatusUnbound 'does not say which SPIFFE ID' 'del(.status.attestedAgentSpiffeId)' 'an attestation of nobody'
status status-other-id StatusUnbound 'not the workload' '.status.attestedAgentSpiffeId |= sub("billing"; "search")' 'an attestation of another agent'
status status-other-domain StatusUnbound 'another trust domain' '.status.attestedAgentSpiffeId |= sub("example"; "evil")' 'an attestation of another trust domain' \
	--accept-status --trust-domain example.org
status status-bound-elsewhere StatusUnbound 'another trust domain' '.spec.identityBinding.trustDomain = "other.org"' 'a card that is bound to another trust domain'
status status-not-allowed StatusUnbound 'allowedSpiffeIDs' '.spec.identityBinding.allowedSpiffeIDs = []' 'a card that allows nobody'
status control-status-mtls Verified 'the operator says so' . 'an mTLS attestation beside our own check' "${mtls[@]}"
status status-mtls-signature CardMissing 'no signed card' '.status.conditions[0].reason = "SignatureVerified" | .status.signatureSpiffeId = .status.attestedAgentSpiffeId' \
	'a signature that the operator checked, where only mTLS is taken from it' "${mtls[@]}"
status status-mtls-unbound CardMissing 'no signed card' 'del(.status.attestedAgentSpiffeId)' 'an mTLS attestation of nobody' "${mtls[@]}"
status status-mtls-evil-binding TrustDomainMismatch 'not a configured trust domain' \
	'.spec.identityBinding.trustDomain = "evil.org" | .status.attestedAgentSpiffeId |= sub("example"; "evil")' \
	'an attestation of a trust domain of the card'"'"'s own making' "${mtls[@]}"
