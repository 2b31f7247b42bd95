# Attacks on what egress-fetch says of whom a card was fetched from. Part of tests/attacks/make.
# shellcheck shell=bash
fetch=(--trust-domain example.org --accept-fetch mtls)

# attested CRT [jq program over the event]: an unsigned card beside what egress-fetch saw
attested() {
	signed_configmap team-a billing <<<"$CARD" | jq -c --argjson chain "$(x5c "$1")" \
		'.attestation = {spiffeID: "spiffe://example.org/ns/team-a/sa/billing-sa", $chain, time: "2029-12-31T23:59:59Z"} | '"${2:-.}"
}

attested billing.crt | attack control-fetch Verified 'fetched by mTLS from spiffe://' 'whom egress-fetch saw at the other end' "${fetch[@]}"
attested billing.crt | attack fetch-unasked SignatureMissing 'not signed' 'an attestation that nobody asked to count'
attested billing.crt '.object.attestation = .attestation | del(.attestation)' |
	attack fetch-in-object SignatureMissing 'not signed' 'an attestation in a ConfigMap' "${fetch[@]}"
attested billing.crt '.object.metadata.attestation = .attestation | .object.metadata.annotations = {"agent-egress.dev/fetched-from": "/", attestation: (.attestation | tojson)} | del(.attestation)' |
	attack fetch-in-metadata SignatureMissing 'not signed' 'an attestation in the metadata of a ConfigMap' "${fetch[@]}"
attested billing.crt '.object.data.attestation = (.attestation | tojson) | del(.attestation)' |
	attack fetch-in-data SignatureMissing 'not signed' 'an attestation in the data of a ConfigMap' "${fetch[@]}"
{ signed_configmap team-a billing <<<"$CARD"; attested billing.crt '{type: "MODIFIED", object: ('"$(jq -c .object card)"' | .attestation = 1), attestation}'; } |
	attack fetch-beside-agentcard SignatureMissing 'not signed' 'an attestation beside an AgentCard' "${fetch[@]}"
attested search.crt | attack fetch-other SignatureMissing 'not the workload' 'another agent at the other end' "${fetch[@]}"
attested impostor.crt | attack fetch-impostor SignatureMissing 'does not count' 'a CA of the same name that nobody trusts' "${fetch[@]}"
{ attested billing.crt '.attestation.chain = []'; } |
	attack fetch-nobody SignatureMissing 'does not count' 'nobody at the other end' "${fetch[@]}"
attested billing.crt | attack fetch-expired SignatureMissing 'not valid now' 'certificates whose CA has expired since' \
	"${fetch[@]}" --at 2126-06-01T00:00:00Z
