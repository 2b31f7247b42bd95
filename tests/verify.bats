#!/usr/bin/env bats
# egress-verify(1): what the stage does with a stream. What makes a signature count is tested
# in tests/unit/test_trust_*.c, what does not in tests/attacks.bats, bundles in tests/bundles.bats.

bats_require_minimum_version 1.5.0
load agent.bash

setup_file() { make_agent; }
setup() { enter; }

@test "a card that its workload's SVID signed is verified, and says by whom and where it was found" {
	verify <good >out
	tail -n 1 out | jq -e '.verification | .verified == true and .reason == "Verified"
		and .spiffeID == "spiffe://example.org/ns/team-a/sa/billing-sa"
		and .keyID == "key-1" and .algorithm == "ES256" and (.notAfter | test("^20..-"))
		and .source == "configmap team-a/billing-card-signed" and (.message | length > 0)'
}

@test "every line but the AgentCard's passes byte for byte, and that gains one member after its object" {
	{ echo '{ "type":"ADDED", "object":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"},"n":9007199254740993,"f":1.0} }'
	  cat trust workload signed
	  printf '{"type" : "ADDED","object":%s , "extra":1e3}\n' "$(jq -c .object card | sed 's/"spec"/ "spec"/')"; } >in
	verify <in >out
	head -n 4 in | cmp - <(head -n 4 out)
	verification=$(tail -n 1 out | jq -c .verification)
	[ "$(tail -n 1 out)" = "$(tail -n 1 in | sed 's/} , "extra"/}@ , "extra"/' | sed "s|@|,\"verification\":$(sed 's/[&|\]/\\&/g' <<<"$verification")|")" ]
}

@test "a verification that an event came with does not count: it is made anew in its place" {
	jq -c '. + {verification:{verified:true,reason:"Verified"}, after:1}' card >claimed
	verify <claimed >out
	jq -e '.verification.verified == false and .after == 1' out
	[ "$(grep -o '"verification"' out | wc -l)" -eq 1 ]
}

@test "inputs may come in any order: the last word is the same" {
	for order in 'trust workload signed card' 'card signed workload trust' 'signed card trust workload' \
		'workload card trust signed' 'card trust workload signed' 'signed trust card workload'; do
		cat $order | verify | verdicts | tail -n 1 >>last
	done
	[ "$(cut -d ' ' -f 2- last | sort -u)" = "team-a/billing-card Verified" ]
}

@test "what a card waits for is named, step by step, each step once" {
	run -0 verdicts_of card trust signed workload
	[ "$output" = 'ADDED team-a/billing-card CardMissing
MODIFIED team-a/billing-card WorkloadMissing
MODIFIED team-a/billing-card Verified' ] || { echo "$output"; false; }
}

@test "a repeated event of what a card depends on says nothing new" {
	cat good signed trust workload signed trust workload >in
	verify <in >out
	[ "$(verdicts <out | wc -l)" -eq 1 ]
}

@test "the card is emitted again after the line that changed its verdict, its object unchanged" {
	{ cat good; jq -c '.type = "DELETED"' signed; } >in
	verify <in >out
	[ "$(tail -n 2 out | head -n 1)" = "$(tail -n 1 in)" ]
	[ "$(tail -n 1 out | jq -c .object)" = "$(jq -c .object card)" ]
	[ "$(tail -n 1 out | jq -r '.type + .verification.reason')" = MODIFIEDCardMissing ]
}

@test "a changed signed card is checked again" {
	jq -c '.name = "evil"' billing.json | signed_configmap team-a billing MODIFIED >tampered
	run -0 verdicts_of good tampered signed
	[ "${lines[1]}" = "MODIFIED team-a/billing-card SignatureInvalid" ]
	[ "${lines[2]}" = "MODIFIED team-a/billing-card Verified" ]
}

@test "without a signed ConfigMap, status.card is taken" {
	agentcard team-a billing ".status.card = $(cat billing.json)" | event ADDED >own
	verify < <(cat trust workload own) >out
	tail -n 1 out | jq -e '.verification | .verified and .source == "status.card"'
	# the ConfigMap has precedence, also when it is bad
	echo '{}' | signed_configmap team-a billing >empty
	run -0 verdicts_of trust workload own empty
	[ "${lines[1]}" = "MODIFIED team-a/billing-card SignatureMissing" ]
}

@test "an update of a card whose status.card changes is checked again" {
	agentcard team-a billing ".status.card = $(cat billing.json)" | event ADDED >own
	jq -c '.type = "MODIFIED" | .object.status.card.name = "evil"' own >changed
	jq -c '.type = "MODIFIED" | .object.spec.networkPolicy.egress = []' own >same
	run -0 verdicts_of trust workload own same changed
	[ "$output" = 'ADDED team-a/billing-card Verified
MODIFIED team-a/billing-card Verified
MODIFIED team-a/billing-card SignatureInvalid' ]
}

@test "a workload without serviceAccountName runs as default" {
	workload Deployment team-a billing | event ADDED >plain-workload
	signed_configmap team-a billing <plain.json >plain-signed
	run -0 verdicts_of trust plain-workload plain-signed card
	[ "$output" = "ADDED team-a/billing-card Verified" ]
}

@test "the service account is that of the workload's own kind" {
	for kind in StatefulSet Sandbox; do
		api=apps/v1
		[ $kind != Sandbox ] || api=agents.x-k8s.io/v1alpha1
		agentcard team-a billing ".spec.targetRef.kind = \"$kind\" | .spec.targetRef.apiVersion = \"$api\"" |
			event ADDED >card-of-kind
		workload $kind team-a billing billing-sa | event ADDED >of-kind
		run -0 verdicts_of trust signed of-kind card-of-kind
		[ "$output" = "ADDED team-a/billing-card Verified" ]
		# a Deployment of that name is somebody else
		run -0 verdicts_of trust signed workload card-of-kind
		[ "$output" = "ADDED team-a/billing-card WorkloadMissing" ]
	done
}

@test "a workload whose service account changes loses the verdict, and gets it back" {
	workload Deployment team-a billing other-sa | event MODIFIED >moved
	jq -c '.type = "DELETED"' workload >gone
	run -0 verdicts_of good moved workload gone
	[ "$output" = 'ADDED team-a/billing-card Verified
MODIFIED team-a/billing-card IdentityMismatch
MODIFIED team-a/billing-card Verified
MODIFIED team-a/billing-card WorkloadMissing' ]
}

@test "an unknown workload is named" {
	verify < <(cat trust signed card) >out
	tail -n 1 out | jq -re .verification.message | grep -qx 'Deployment team-a/billing is not known, so neither is its service account'
}

@test "a card that names no workload is not verified, and is told why" {
	agentcard team-a billing 'del(.spec.targetRef)' | event ADDED >none
	agentcard team-a billing '.spec = {selector:{matchLabels:{app:"billing"}}}' | event ADDED >selector
	agentcard team-a billing '.spec.targetRef.name = "../x"' | event ADDED >odd
	agentcard team-a billing 'del(.spec)' | event ADDED >empty
	agentcard team-a billing '.spec = [1] | .status = 3' | event ADDED >nonsense
	for each in none selector odd empty nonsense; do
		verify < <(cat trust workload signed $each) | tail -n 1 >out
		jq -e '.verification | .verified == false and .reason == "WorkloadMissing"' out
	done
	verify <selector | jq -r .verification.message | grep -q 'only spec.targetRef counts'
}

@test "only the cards concerned are emitted again" {
	svid search root spiffe://example.org/ns/team-b/sa/search
	sign ES256 search.key "$(header ES256 search.crt)" <<<"$CARD" | signed_configmap team-b search >search-signed
	agentcard team-b search | event ADDED >search-card
	workload Deployment team-b search search | event ADDED >search-workload
	jq -c '.type = "DELETED"' search-signed >search-unsigned
	run -0 verdicts_of good search-card search-workload search-signed search-unsigned
	[ "$output" = 'ADDED team-a/billing-card Verified
ADDED team-b/search-card CardMissing
MODIFIED team-b/search-card Verified
MODIFIED team-b/search-card CardMissing' ] || { echo "$output"; false; }
}

@test "two cards on one workload are both judged by its signed card" {
	agentcard team-a billing '.metadata.name = "second"' | event ADDED >second
	jq -c '.type = "DELETED"' signed >unsigned
	run -0 verdicts_of good second unsigned
	[ "$output" = 'ADDED team-a/billing-card Verified
ADDED team-a/second Verified
MODIFIED team-a/billing-card CardMissing
MODIFIED team-a/second CardMissing' ]
}

@test "a card that changes its target is judged by the new one, and no more by the old" {
	agentcard team-a search '.metadata.name = "billing-card"' | event MODIFIED >retargeted
	jq -c '.type = "DELETED"' signed >unsigned
	run -0 verdicts_of good retargeted unsigned
	[ "$output" = 'ADDED team-a/billing-card Verified
MODIFIED team-a/billing-card CardMissing' ]
}

@test "a deleted card carries its verdict once more, and is forgotten" {
	jq -c '.type = "DELETED"' card >deleted
	jq -c '.type = "DELETED"' signed >unsigned
	run -0 verdicts_of good deleted unsigned
	[ "$output" = 'ADDED team-a/billing-card Verified
DELETED team-a/billing-card Verified' ]
}

@test "a list that starts over replaces what was held, kind by kind" {
	mark begin v1 ConfigMap >begin-configmaps
	mark end v1 ConfigMap >end-configmaps
	# the signed card is gone from the new list
	run -0 verdicts_of good begin-configmaps trust end-configmaps
	[ "${lines[1]}" = "MODIFIED team-a/billing-card CardMissing" ]
	# the bundle is
	run -0 verdicts_of good begin-configmaps signed end-configmaps
	[ "${lines[1]}" = "MODIFIED team-a/billing-card TrustBundleMissing" ]
	# nothing is
	run -0 verdicts_of good begin-configmaps signed trust end-configmaps
	[ "${#lines[@]}" -eq 1 ]
	# nothing happens before the end mark, nor without a begin mark
	run -0 verdicts_of good begin-configmaps
	[ "${#lines[@]}" -eq 1 ]
	run -0 verdicts_of good end-configmaps
	[ "${#lines[@]}" -eq 1 ]
	# the workload is gone
	run -0 verdicts_of good <(mark begin apps/v1 Deployment) <(mark end apps/v1 Deployment)
	[ "${lines[1]}" = "MODIFIED team-a/billing-card WorkloadMissing" ]
	# another kind's list is not ours
	run -0 verdicts_of good <(mark begin apps/v1 StatefulSet) <(mark end apps/v1 StatefulSet)
	[ "${#lines[@]}" -eq 1 ]
	# the card is gone: nothing more is said of it
	jq -c '.type = "DELETED"' signed >unsigned
	run -0 verdicts_of good <(mark begin agent.kagenti.dev/v1alpha1 AgentCard) \
		<(mark end agent.kagenti.dev/v1alpha1 AgentCard) unsigned
	[ "${#lines[@]}" -eq 1 ]
}

@test "a list that is cut off and begun again counts only as it was begun last" {
	run -0 verdicts_of good <(mark begin v1 ConfigMap) signed trust <(mark begin v1 ConfigMap) trust <(mark end v1 ConfigMap)
	[ "${lines[1]}" = "MODIFIED team-a/billing-card CardMissing" ]
}

@test "a replay appended to itself says the same again" {
	{ for k in 'v1 ConfigMap' 'apps/v1 Deployment' 'agent.kagenti.dev/v1alpha1 AgentCard'; do mark begin $k; done
	  cat good
	  for k in 'v1 ConfigMap' 'apps/v1 Deployment' 'agent.kagenti.dev/v1alpha1 AgentCard'; do mark end $k; done; } >log
	verify <log >once
	cat log log | verify >twice
	cat once once | cmp - twice
}

@test "--bind trust-domain takes any SVID for a workload that exists; --bind-template sets the path" {
	workload Deployment team-a billing other-sa | event ADDED >other-account
	run -0 verdicts_of trust other-account signed card -- --bind trust-domain
	[ "$output" = "ADDED team-a/billing-card Verified" ]
	run -0 verdicts_of trust signed card -- --bind trust-domain
	[ "$output" = "ADDED team-a/billing-card WorkloadMissing" ]
	agentcard team-a billing '.spec.targetRef.kind = "Pod" | .spec.targetRef.apiVersion = "v1"' | event ADDED >of-pod
	run -0 verdicts_of trust other-account signed of-pod -- --bind trust-domain
	[ "$output" = "ADDED team-a/billing-card WorkloadMissing" ]
	svid templated root spiffe://example.org/team-a/agents/billing-sa
	sign ES256 templated.key "$(header ES256 templated.crt)" <<<"$CARD" | signed_configmap team-a billing >templated-signed
	run -0 verdicts_of trust workload templated-signed card
	[ "$output" = "ADDED team-a/billing-card IdentityMismatch" ]
	run -0 verdicts_of trust workload templated-signed card -- --bind-template '/{namespace}/agents/{serviceAccountName}'
	[ "$output" = "ADDED team-a/billing-card Verified" ]
}

@test "--require-unexpired refuses an expired leaf at the time of --at, which else is accepted" {
	later=$(date -u -d '+20 days' +%Y-%m-%dT%H:%M:%SZ)
	run -0 verdicts_of good -- --at "$later"
	[ "$output" = "ADDED team-a/billing-card Verified" ]
	run -0 verdicts_of good -- --at "$later" --require-unexpired
	[ "$output" = "ADDED team-a/billing-card Expired" ]
	run -0 verdicts_of good -- --require-unexpired
	[ "$output" = "ADDED team-a/billing-card Verified" ]
}

@test "--canonical restricts the forms" {
	# what a2a and kagenti remove, jcs keeps
	jq -c '.description = ""' billing.json | signed_configmap team-a billing >padded
	run -0 verdicts_of trust workload padded card
	[ "$output" = "ADDED team-a/billing-card Verified" ]
	run -0 verdicts_of trust workload padded card -- --canonical jcs
	[ "$output" = "ADDED team-a/billing-card SignatureInvalid" ]
	run -0 verdicts_of trust workload padded card -- --canonical jcs,a2a
	[ "$output" = "ADDED team-a/billing-card Verified" ]
}

@test "--names rossoctl changes the group" {
	jq -c '.object.apiVersion = "agent.rossoctl.dev/v1alpha1"' card >rosso
	run -0 verdicts_of trust workload signed rosso -- --names rossoctl
	[ "$output" = "ADDED team-a/billing-card Verified" ]
	run -0 verdicts_of trust workload signed rosso
	[ -z "$output" ]
}

# status_of CHANGE [OPTION...]: the reason, for a card whose status the operator wrote.
status_of() {
	local change=$1
	shift
	agentcard team-a billing '.metadata.generation = 3 | .status = {
		targetRef: .spec.targetRef, attestedAgentSpiffeId: "spiffe://example.org/ns/team-a/sa/billing-sa",
		conditions: [{type:"Ready", status:"True"}, {type:"Verified", status:"True", reason:"mTLSVerified"}]} | '"$change" |
		event ADDED | cat workload - | egress-verify --accept-status "$@" | jq -r 'select(.verification) | .verification.reason'
}
verified() { [ "$(status_of "$@")" = Verified ] || { echo "$*: $(status_of "$@")"; false; }; }
refused() { [ "$(status_of "${@:2}")" = "$1" ] || { echo "$*: $(status_of "${@:2}")"; false; }; }

@test "--accept-status takes the operator's condition Verified, and no other" {
	verified .
	verified '.status.conditions[1].reason = "SignatureVerified" | .status.signatureSpiffeId = .status.attestedAgentSpiffeId | del(.status.attestedAgentSpiffeId)'
	verified '.status.conditions[1].observedGeneration = 3'
	refused NotAccepted '.status.conditions[1].status = "False"'
	refused NotAccepted '.status.conditions[1].status = "Unknown"'
	refused NotAccepted '.status.conditions += [{type:"Verified", status:"False", reason:"mTLSVerified"}]'
	refused NotAccepted '.status.conditions[1].reason = "SignatureInvalidAudit"'
	refused NotAccepted 'del(.status.conditions[1].reason)'
	refused NotAccepted '.status.conditions[1].type = "SignatureVerified"'
	refused NotAccepted 'del(.status.conditions) | .status.validSignature = true | .status.signatureIdentityMatch = true'
	refused NotAccepted 'del(.status)'
	refused NotAccepted '.status.conditions[1].observedGeneration = 2'
	refused NotAccepted '.status.observedGeneration = 2'
	status_of '.status.observedGeneration = 2' >/dev/null
	agentcard team-a billing '.metadata.generation = 3 | .status.conditions = [{type:"Verified",status:"True",reason:"mTLSVerified",observedGeneration:2}]' |
		event ADDED | egress-verify --accept-status | jq -e '.verification | .reason == "NotAccepted" and (.message | test("earlier generation"))'
}

@test "--accept-status: what the operator attested must be this workload and its own SPIFFE ID" {
	refused StatusUnbound 'del(.status.targetRef)'
	refused StatusUnbound '.status.targetRef.name = "search"'
	refused StatusUnbound '.status.targetRef.kind = "StatefulSet"'
	refused StatusUnbound '.status.targetRef.apiVersion = "evil.example/v1"'
	refused StatusUnbound 'del(.status.attestedAgentSpiffeId)'
	refused StatusUnbound '.status.attestedAgentSpiffeId = "spiffe://example.org/ns/team-a/sa/search-sa"'
	refused StatusUnbound '.status.attestedAgentSpiffeId = "spiffe://example.org"'
	refused StatusUnbound '.status.attestedAgentSpiffeId = "team-a"'
	# the ID of another kind of verification does not count
	refused StatusUnbound '.status.conditions[1].reason = "SignatureVerified"'
	verified '.status.card.attestedAgentSpiffeID = .status.attestedAgentSpiffeId | del(.status.attestedAgentSpiffeId)'
	refused WorkloadMissing '.spec.targetRef.name = "nobody" | .status.targetRef.name = "nobody"'
	# with --bind trust-domain any ID of the domain will do, or none
	verified 'del(.status.attestedAgentSpiffeId)' --bind trust-domain
	verified '.status.attestedAgentSpiffeId = "spiffe://example.org/x"' --bind trust-domain
	refused StatusUnbound '.status.attestedAgentSpiffeId = "spiffe://other.org/x"' --bind trust-domain --trust-domain example.org
	refused StatusUnbound . --trust-domain other.org
	verified . --trust-domain example.org
	# a binding asks for an ID, of its trust domain and among those that it names
	refused StatusUnbound 'del(.status.attestedAgentSpiffeId) | .spec.identityBinding = {}' --bind trust-domain
	refused StatusUnbound '.spec.identityBinding.trustDomain = "other.org"'
	verified '.spec.identityBinding.trustDomain = "example.org"'
	refused StatusUnbound '.spec.identityBinding.allowedSpiffeIDs = ["spiffe://example.org/x"]'
	verified '.spec.identityBinding.allowedSpiffeIDs = [.status.attestedAgentSpiffeId]'
}

@test "--accept-status: a verdict follows the workload's service account" {
	agentcard team-a billing '.status = {targetRef: .spec.targetRef, attestedAgentSpiffeId: "spiffe://example.org/ns/team-a/sa/billing-sa",
		conditions: [{type:"Verified", status:"True", reason:"mTLSVerified"}]}' | event ADDED >attested
	workload Deployment team-a billing other-sa | event MODIFIED >moved
	run -0 bash -c 'cat workload attested moved workload | egress-verify --accept-status'
	[ "$(verdicts <<<"$output")" = 'ADDED team-a/billing-card Verified
MODIFIED team-a/billing-card StatusUnbound
MODIFIED team-a/billing-card Verified' ]
}

@test "--accept-status=mtls takes agents that the operator attested by mTLS beside our own check" {
	attested() { agentcard team-a billing '.status = {targetRef: .spec.targetRef, attestedAgentSpiffeId: "spiffe://example.org/ns/team-a/sa/billing-sa",
		conditions: [{type:"Verified", status:"True", reason:"'"$1"'"}]} | '"${2:-.}" | event ADDED; }
	attested mTLSVerified >mtls
	attested SignatureVerified '.status.signatureSpiffeId = .status.attestedAgentSpiffeId' >by-signature
	attested mTLSVerified '.spec.identityBinding.trustDomain = "evil.org" | .status.attestedAgentSpiffeId = "spiffe://evil.org/ns/team-a/sa/billing-sa"' >elsewhere
	run -0 verdicts_of trust workload mtls
	[ "$output" = "ADDED team-a/billing-card CardMissing" ]
	run -0 verdicts_of trust workload mtls -- --accept-status=mtls
	[ "$output" = "ADDED team-a/billing-card Verified" ]
	run -0 verdicts_of trust workload by-signature -- --accept-status=mtls
	[ "$output" = "ADDED team-a/billing-card CardMissing" ]
	run -0 verdicts_of trust workload elsewhere -- --accept-status=mtls
	[ "$output" = "ADDED team-a/billing-card TrustDomainMismatch" ]
	# our own check comes first, and names the anchor
	verify --accept-status=mtls < <(cat trust workload signed mtls) >out
	tail -n 1 out | jq -e '.verification | .verified and .source == "configmap team-a/billing-card-signed" and (.anchor | length) == 40'
	run -2 egress-verify --accept-status=mtls <good
	run -2 egress-verify --accept-status=some <good
}

@test "status.card: a signature that fails hints at the url that the operator replaces" {
	agentcard team-a billing ".status.card = $(jq -c '.url = "http://billing.team-a.svc"' billing.json)" | event ADDED >own
	verify < <(cat trust workload own) >out
	tail -n 1 out | jq -e '.verification | .reason == "SignatureInvalid" and (.message | test("the operator replaces the url"))'
}

@test "binaryData holds a signed card as data does" {
	jq -c '.object |= (.binaryData = {"agent-card.json": (.data["agent-card.json"] | @base64)} | del(.data))' signed >binary
	run -0 verdicts_of trust workload binary card
	[ "$output" = "ADDED team-a/billing-card Verified" ]
	jq -c '.object.binaryData["agent-card.json"] = "!"' binary >broken
	run -0 verdicts_of trust workload broken card
	[ "$output" = "ADDED team-a/billing-card CardMissing" ]
}

# attested CRT... [jq program over the event]: an unsigned card that was fetched from their owner
attested() {
	local chain program=.
	[[ ${*: -1} == *.crt ]] || { program=${*: -1}; set -- "${@:1:$#-1}"; }
	chain=$(x5c "$@")
	signed_configmap team-a billing <<<"$CARD" | jq -c --argjson chain "$chain" \
		'.attestation = {spiffeID: "spiffe://example.org/ns/team-a/sa/billing-sa", $chain, time: "2026-01-01T00:00:00Z"} | '"$program"
}

@test "--accept-fetch mtls: whom a card was fetched from counts where its signature does not, and only there" {
	attested billing.crt >seen
	run -0 verdicts_of trust workload seen card
	[ "$output" = "ADDED team-a/billing-card SignatureMissing" ]
	run -0 verdicts_of trust workload seen card -- --accept-fetch mtls
	[ "$output" = "ADDED team-a/billing-card Verified" ]
	verify --accept-fetch mtls < <(cat trust workload seen card) | tail -n 1 |
		jq -e '.verification | .source == "fetch" and .spiffeID == "spiffe://example.org/ns/team-a/sa/billing-sa"
			and (.message | test("^fetched by mTLS from spiffe://example.org/ns/team-a/sa/billing-sa$")) and (.anchor | length > 0) and has("notAfter")'
	verify --accept-fetch mtls <good | tail -n 1 | jq -e '.verification | .verified and .source == "configmap team-a/billing-card-signed"'
	run -0 verdicts_of card trust workload seen <(signed_configmap team-a billing MODIFIED <<<"$CARD") seen <(jq -c '.type = "DELETED"' seen) -- --accept-fetch mtls
	[ "$(tail -n 4 <<<"$output")" = "MODIFIED team-a/billing-card Verified
MODIFIED team-a/billing-card SignatureMissing
MODIFIED team-a/billing-card Verified
MODIFIED team-a/billing-card CardMissing" ]
}

@test "--accept-fetch mtls: the certificates are checked again, at each time and against each bundle" {
	why() { verify --accept-fetch mtls "$@" | tail -n 1 | jq -r '.verification | "\(.verified) \(.message)"'; }
	ca rogue example.org
	svid forged rogue spiffe://example.org/ns/team-a/sa/billing-sa
	for crt in plain federated forged; do
		attested "$crt.crt" >seen
		[[ $(why < <(cat trust workload seen card)) == 'false '*'whom it was fetched from by mTLS does not count: '* ]]
	done
	attested plain.crt >seen
	[[ $(why --bind trust-domain < <(cat trust workload seen card)) == 'true '* ]]
	attested billing.crt >seen
	[[ $(why < <(cat trust seen card)) == 'false '* ]]
	# the certificate is valid for 10 days, and its CA for 30
	[[ $(why --at "$(date -u -d '15 days' +%FT%TZ)" < <(cat trust workload seen card)) == 'false '*'its certificate has expired' ]]
	[[ $(why < <(cat workload seen card)) == 'false '* ]]
	[[ $(why --at 2200-01-01T00:00:00Z < <(cat trust workload seen card)) == 'false '* ]]
	[[ $(why < <(cat trust workload seen <(jq -c '.object.spec.identityBinding = {allowedSpiffeIDs: ["spiffe://example.org/x"]}' card))) == 'false '* ]]
	[[ $(why < <(cat trust workload seen <(jq -c '.object.spec.identityBinding = {trustDomain: "other.org"}' card))) == 'false '* ]]
	run -0 verdicts_of trust workload seen card <(bundle_configmap <<<'{"keys":[]}') -- --accept-fetch mtls
	[ "$output" = "ADDED team-a/billing-card Verified
MODIFIED team-a/billing-card SignatureMissing" ]
	for program in '.attestation = "x"' '.attestation.chain = "x"' '.attestation.chain = []' 'del(.attestation.chain)' '.attestation.chain = [1]' '.attestation.chain[0] |= .[:40]' \
		'.attestation.chain |= [range(9) as $i | .[0]]' '.attestation.chain[0] |= . * 99'; do
		attested billing.crt "$program" >seen
		[[ $(why < <(cat trust workload seen card)) == 'false '* ]]
	done
}

@test "--accept-fetch mtls: what stands in an object of the cluster is no evidence" {
	local evidence
	evidence=$(attested billing.crt | jq -c .attestation)
	for place in .object.attestation .object.metadata.attestation '.object.metadata.annotations.attestation' .object.data.attestation .object.status.attestation; do
		signed_configmap team-a billing <<<"$CARD" | jq -c --argjson e "$evidence" "$place = (if \"$place\" | test(\"annotations|data.a\") then (\$e | tojson) else \$e end) | .object.metadata.annotations[\"agent-egress.dev/fetched-from\"] = \"/\"" >forged
		jq -c --argjson e "$evidence" '.object.attestation = $e | .object.spec.attestation = $e | .object.status.attestation = $e | .attestation = $e' card >own
		run -0 verdicts_of trust workload forged own -- --accept-fetch mtls
		[ "$output" = "ADDED team-a/billing-card SignatureMissing" ]
	done
	run -2 egress-verify --accept-status --accept-fetch mtls <good
	run -2 egress-verify --trust-domain example.org --accept-fetch tls <good
}

# wrapped [jq program over the wrapper] <signed card: it under the key signed-agent-card.json
wrapped() {
	jq -c '{agentCard: ., attestations: {signatureBundle: {dsseEnvelope: {}}}, verificationMaterial: {certificate: "x"}} | '"${1:-.}" |
		configmap team-a billing-card-signed signed-agent-card.json | event ADDED
}
# beside EVENT [jq program over the card]: the same ConfigMap with billing.json under agent-card.json too
beside() {
	jq -c --slurpfile card <(jq "${2:-.}" billing.json) '.object.data["agent-card.json"] = ($card[0] | tojson)' "$1"
}

@test "the key signed-agent-card.json holds the card in agentCard, and comes before agent-card.json" {
	wrapped <billing.json >both
	run -0 verdicts_of trust workload both card
	[ "$output" = "ADDED team-a/billing-card Verified" ]
	jq -c '.object |= (.binaryData = (.data | map_values(@base64)) | del(.data))' both >binary
	run -0 verdicts_of trust workload binary card
	[ "$output" = "ADDED team-a/billing-card Verified" ]
	beside both '.name = "tampered"' >mixed
	run -0 verdicts_of trust workload mixed card
	[ "$output" = "ADDED team-a/billing-card Verified" ]
	jq '.name = "tampered"' billing.json | wrapped >bad
	run -0 verdicts_of trust workload <(beside bad) card
	[ "$output" = "ADDED team-a/billing-card SignatureInvalid" ]
	jq -c '.object.data["signed-agent-card.json"] |= (fromjson | .agentCard | tojson)' both >bare
	run -0 verdicts_of trust workload <(beside bare) card
	[ "$output" = "ADDED team-a/billing-card RecordUnusable" ]
}

@test "a signed-agent-card.json without a card ends what was signed before, and a good one mends it" {
	wrapped <billing.json >both
	for program in 'del(.agentCard)' '.agentCard |= tojson' '.agentCard = null' '[.]'; do
		wrapped "$program" <billing.json >gone
		run -0 verdicts_of trust workload both card <(beside gone) both
		[ "$output" = "ADDED team-a/billing-card Verified
MODIFIED team-a/billing-card RecordUnusable
MODIFIED team-a/billing-card Verified" ]
	done
	jq -c '.object.data["signed-agent-card.json"] += "x"' both >gone
	verify < <(cat trust workload gone card) | tail -n 1 |
		jq -e '.verification.message | test("its key signed-agent-card.json is unusable: [a-z]")'
	jq -c '.object.data["signed-agent-card.json"] |= sub("{"; "{\"agentCard\":{},")' both >twice
	run -0 verdicts_of trust workload twice card
	[ "$output" = "ADDED team-a/billing-card RecordUnusable" ]
}

@test "what is unusable in a signed card's ConfigMap has a share of memory too" {
	jq -cn 'range(9000) | {type:"ADDED", object:{apiVersion:"v1", kind:"ConfigMap",
		metadata:{namespace:"team-a", name:"h\(.)-card-signed"}, data:{"signed-agent-card.json":"no"}}}' >hostile
	run -0 verdicts_of trust workload hostile signed card -- --namespace-memory 1
	[ "$output" = "ADDED team-a/billing-card Verified" ] || [ "$output" = "ADDED team-a/billing-card OverLimit" ]
	jq -c '.object.spec.targetRef.name = "h8999"' card >last
	run -0 verdicts_of trust hostile last -- --namespace-memory 1
	[ "$output" = "ADDED team-a/billing-card OverLimit" ]
	run -0 verdicts_of trust hostile last
	[ "$output" = "ADDED team-a/billing-card RecordUnusable" ]
	run -0 verdicts_of trust workload hostile card signed -- --namespace-memory 1
	[ "${lines[-1]}" = "MODIFIED team-a/billing-card Verified" ]
}

@test "texts that pack well count by their length: AgentCards that many events write again find no room" {
	jq -c --arg pad "$(head -c 100000 /dev/zero | tr '\0' x)" 'range(60) as $i | .object |= (.metadata.name = "c\($i)" | .metadata.annotations.pad = $pad)' card >many
	run -0 verdicts_of trust workload signed many -- --namespace-memory 1
	[ "$(grep -c ' Verified$' <<<"$output")" -le 42 ]
	[ "$(grep -c ' Verified$' <<<"$output")" -ge 30 ]
	[ "$(grep -c ' OverLimit$' <<<"$output")" -ge 18 ]
}

@test "an AgentCard that comes again and finds no room does not stay verified, nor outlive its trust" {
	jq -c 'range(2000) as $i | .object.metadata.name = "c\($i)" | .object.spec.targetRef.name = "w\($i)"' card >many
	run -0 verdicts_of trust workload signed card many card <(bundle_configmap <<<'{"keys":[]}') -- --namespace-memory 1
	[ "$(grep ' team-a/billing-card ' <<<"$output")" = "ADDED team-a/billing-card Verified
ADDED team-a/billing-card OverLimit" ]
}

@test "wrong usage is told apart from what it would do" {
	run -2 egress-verify <good
	[[ $output == *"give --trust-domain DOMAIN"*"or --accept-status"* ]]
	run -2 egress-verify --trust-domain Example.org <good
	run -2 egress-verify --trust-domain example.org --at yesterday <good
	run -2 egress-verify --trust-domain example.org --bind-template /no/placeholder <good
	run -2 egress-verify --trust-domain example.org --trust-bundle other.org=bundle.json <good
	[[ $output == *"other.org is not a --trust-domain"* ]]
	run -2 egress-verify --trust-domain example.org --trust-domain other.org <good
	[[ $output == *"--trust-domain other.org has no bundle"* ]]
	run -2 egress-verify --trust-domain example.org --trust-bundle bundle.json --trust-bundle other.json <good
	[[ $output == *"example.org has a bundle already"* ]]
	run -2 egress-verify --trust-domain example.org --trust-bundle-configmap nowhere <good
	run -2 egress-verify --accept-status --trust-domain example.org --trust-domain other.org <good
	run -2 egress-verify --accept-status --trust-bundle bundle.json <good
}

@test "a line that is no event is rejected by number, and the stream goes on" {
	{ echo '{"type":"SAID","object":{}}'; cat good; echo '{"type":"ADDED"}'; } >in
	run -1 --separate-stderr egress-verify --trust-domain example.org --rejects rejects <in
	[ "${#stderr_lines[@]}" -eq 2 ]
	[[ ${stderr_lines[0]} == "egress-verify: line 1: "* && ${stderr_lines[1]} == "egress-verify: line 6: "* ]]
	[ "$(wc -l <rejects)" -eq 2 ]
	[ "$(verdicts <<<"$output")" = "ADDED team-a/billing-card Verified" ]
}

# spoil WHAT FILE: its event with something in it that makes the line unusable, behind its name.
spoil() {
	case $1 in
	deep) jq -c '.object.status.deep = "DEEP"' "$2" | sed "s/\"DEEP\"/$(printf '[%.0s' {1..600})$(printf ']%.0s' {1..600})/" ;;
	utf8) jq -c '.object.status.bad = "BAD"' "$2" | sed 's/BAD/\xff/' ;;
	twice) jq -c '.object.status.bad = "BAD"' "$2" | sed 's/"bad":"BAD"/"bad":1,"bad":2/' ;;
	long) jq -c '.object.status.long = "LONG"' "$2" | sed 's/LONG.*//' | tr -d '\n'; head -c 17000000 /dev/zero | tr '\0' x; echo '"}}}' ;;
	cut) jq -c '.object.status.bad = "BAD"' "$2" | sed 's/BAD.*//' ;;
	esac
}

@test "an AgentCard whose record cannot be used is not verified from then on, until one can" {
	local what
	for what in deep utf8 twice long cut; do
		{ cat good && spoil "$what" card && cat trust workload card; } >in
		run -0 verdicts_of in
		[ "$output" = "ADDED team-a/billing-card Verified
MODIFIED team-a/billing-card RecordUnusable
ADDED team-a/billing-card Verified" ] || { echo "$what: $output"; false; }
	done
	run -1 --separate-stderr egress-verify --trust-domain example.org <in
	[[ $output != *'"ERROR"'* ]] # nobody else is concerned
}

@test "an AgentCard that is unusable stays so whatever else changes, and at the end of a list" {
	{ cat good && spoil deep card; cat workload signed && mark begin agent.kagenti.dev/v1alpha1 AgentCard && spoil deep card && mark end agent.kagenti.dev/v1alpha1 AgentCard && cat signed workload; } >in
	run -0 verdicts_of in
	[ "$output" = "ADDED team-a/billing-card Verified
MODIFIED team-a/billing-card RecordUnusable" ]
	verify <in | jq -r 'select(.verification.reason == "RecordUnusable").verification.message' >messages || :
	grep -q '^the last record of the AgentCard cannot be used: nested too deeply' messages
	cat card >>in
	run -0 verdicts_of in
	[ "${lines[2]}" = "ADDED team-a/billing-card Verified" ]
}

@test "an AgentCard that was never seen and cannot be used is named to the stages behind" {
	spoil deep card >in
	run -1 --separate-stderr egress-verify --trust-domain example.org <in
	[ "$(jq -c '[.type, .object.reason, .object.details]' <<<"$output")" = '["ERROR","RecordRejected",{"apiVersion":"agent.kagenti.dev/v1alpha1","kind":"AgentCard","namespace":"team-a","name":"billing-card"}]' ]
}

@test "a signed card whose record cannot be used counts no more, before its AgentCard and after" {
	{ cat good && spoil deep signed && cat signed; } >in
	run -0 verdicts_of in
	[ "$output" = "ADDED team-a/billing-card Verified
MODIFIED team-a/billing-card RecordUnusable
MODIFIED team-a/billing-card Verified" ]
	{ cat trust workload && spoil utf8 signed && jq -c --rawfile signed billing.json '.object.status.card = ($signed | fromjson)' card; } >in
	run -0 verdicts_of in
	[ "$output" = "ADDED team-a/billing-card RecordUnusable" ]
	{ cat in && mark begin v1 ConfigMap && cat trust && mark end v1 ConfigMap; } >gone
	run -0 verdicts_of gone
	[ "${lines[1]}" = "MODIFIED team-a/billing-card Verified" ]
}

@test "a bundle whose record cannot be used is none: the last good one stays for --bundle-grace" {
	{ cat good && spoil deep trust; } >in
	run -0 verdicts_of in
	[ "$output" = "ADDED team-a/billing-card Verified" ]
	grep -q 'the trust bundle of example.org in configmap spire-system/spire-bundle is unusable: nested too deeply' err
	run -0 verdicts_of in -- --bundle-grace 0
	[ "${lines[1]}" = "MODIFIED team-a/billing-card TrustBundleMissing" ]
	{ spoil deep trust && cat workload signed card; } >in
	run -0 verdicts_of in
	[ "$output" = "ADDED team-a/billing-card TrustBundleMissing" ]
}

@test "what a program before could not use is unusable here, too; the line goes on" {
	{ cat good && spoil deep card | egress-resolve --server 127.0.0.1 2>/dev/null || true; } >in
	run -0 --separate-stderr egress-verify --trust-domain example.org <in
	[ "$(verdicts <<<"$output")" = "ADDED team-a/billing-card Verified
MODIFIED team-a/billing-card RecordUnusable" ]
	[ "$(grep -c RecordRejected <<<"$output")" = 1 ]
}

@test "an unusable line of a workload is named to the stages behind, and one of nobody is told as before" {
	spoil utf8 workload >in
	echo nonsense >>in
	run -1 --separate-stderr egress-verify --trust-domain example.org <in
	[ "$(jq -r '.object.details.kind // "-"' <<<"$output")" = $'Deployment\n-' ]
}

# hostile NAMESPACE COUNT [KIB]: that many signed cards that say nothing, of so many KiB (1000) each.
hostile() {
	head -c $((${3:-1000} * 1024)) /dev/urandom | base64 -w0 | head -c $((${3:-1000} * 1024)) >noise
	jq -cn --arg ns "$1" --argjson n "$2" --rawfile noise noise 'range($n) | {type:"ADDED", object:{apiVersion:"v1", kind:"ConfigMap",
		metadata:{namespace:$ns, name:"h\(.)-card-signed", resourceVersion:"1"}, data:{"agent-card.json":"\(.)\($noise)"}}}'
}
# asking NAMESPACE COUNT: AgentCards that ask for them
asking() { jq -cn --arg ns "$1" --argjson n "$2" --slurpfile card card 'range($n) as $i | $card[0] | .object |= (.metadata += {namespace:$ns, name:"c\($i)"} | .spec.targetRef.name = "h\($i)")'; }

@test "what finds no room in its namespace's share is not verified, and no other namespace is concerned" {
	{ asking team-b 6 && hostile team-b 6 && cat good && sed 's/team-a/team-b/' workload card; } >in
	run -0 verdicts_of in -- --namespace-memory 4
	[ "$(grep -c 'team-b/c. OverLimit' <<<"$output")" -ge 2 ]
	[[ $output == *'team-a/billing-card Verified'* ]]
	verify --namespace-memory 4 <in | jq -r 'select(.verification.reason == "OverLimit").verification.message' >messages
	grep -q '^there is no room for the signed card: the AgentCards and signed cards of namespace team-b take more than 4 MiB (--namespace-memory); ' messages
	run -0 verdicts_of in -- --namespace-memory 64
	[[ $output != *OverLimit* ]]
}

@test "a signed card that no AgentCard asks for makes room for one that is asked for" {
	{ hostile team-a 6 && cat good; } >in
	run -0 verdicts_of in -- --namespace-memory 4
	[ "$output" = "ADDED team-a/billing-card Verified" ]
	{ cat trust workload signed && hostile team-a 6 && cat card signed; } >in # which of them was left out is not known
	run -0 verdicts_of in -- --namespace-memory 1
	[ "${lines[-1]}" = "ADDED team-a/billing-card Verified" ] || [ "${lines[-1]}" = "MODIFIED team-a/billing-card Verified" ]
}

@test "an AgentCard that finds no room is not verified, and is when it comes again and there is room" {
	jq -c --rawfile pad <(head -c 1100000 /dev/urandom | base64 -w0) '.object.metadata.annotations.pad = $pad' card >large
	{ cat trust workload signed large && sed 's/team-a/team-b/' workload card; cat card; } >in
	run -0 verdicts_of in -- --namespace-memory 1
	[ "${lines[0]}" = "ADDED team-a/billing-card OverLimit" ]
	[ "${lines[2]}" = "ADDED team-a/billing-card Verified" ]
	{ cat trust workload signed large && jq -c '.type = "DELETED"' workload && cat workload trust && jq -c '.type = "DELETED"' large; } >in
	run -0 verdicts_of in -- --namespace-memory 1
	[ "$output" = "ADDED team-a/billing-card OverLimit
DELETED team-a/billing-card OverLimit" ]
}

@test "10,000 signed cards of a hostile namespace cost no more than its share" {
	[[ $BUILD != *asan* ]] || skip "not under sanitizers, whose memory is another: run the plain build"
	command -v /usr/bin/time >/dev/null || skip "/usr/bin/time is not installed: apt-get install time"
	{ cat good && asking team-b 10000 && hostile team-b 10000 40; } >in # 400 MB in all
	/usr/bin/time -f %M -o kib egress-verify --trust-domain example.org <in 2>err >out
	[ "$(grep team-a/billing-card <(verdicts <out) | tail -n 1)" = "ADDED team-a/billing-card Verified" ]
	cat kib
	[ "$(tail -n 1 kib)" -lt $((100 * 1024)) ]
}

@test "the same log gives the same bytes" {
	cat card signed workload trust good >in
	verify --at 2026-01-01T00:00:00Z <in >one
	verify --at 2026-01-01T00:00:00Z <in >two
	cmp one two
}

@test "SIGTERM ends it with status 0, with all that was read written out" {
	mkfifo in
	egress-verify --trust-domain example.org <in >out 2>err &
	pid=$!
	exec 8>in
	cat good >&8
	for _ in $(seq 2400); do [ "$(wc -l <out)" -eq 4 ] && break; sleep 0.05; done
	kill -TERM $pid
	wait $pid
	[ "$(verdicts <out)" = "ADDED team-a/billing-card Verified" ]
}

@test "a reader that goes away ends it quietly" {
	for _ in $(seq 2000); do cat good; done >many
	run -0 --separate-stderr bash -c 'set -o pipefail; egress-verify --trust-domain example.org <many | head -n 1 >/dev/null'
	! grep -v sandbox <<<"$stderr" | grep .
}

@test "the manual names every option and every reason" {
	manual=$BATS_TEST_DIRNAME/../cmd/egress-verify/egress-verify.1
	options=$(egress-verify --help | sed -n 's/^ .*--\([a-z-]*\).*/\1/p')
	[ "$(wc -w <<<"$options")" -ge 12 ]
	for option in $options; do
		grep -q "^\.It .*Fl .*-$option\b" "$manual" || { echo "--$option"; false; }
	done
	reasons=$(sed -n 's/.*\[TRUST_.*\] = "\(.*\)",/\1/p' "$BATS_TEST_DIRNAME/../lib/trust/verdict.c")
	[ "$(wc -w <<<"$reasons")" -ge 15 ]
	for reason in $reasons; do
		grep -q "^\.It Li $reason Ta" "$manual" || { echo "$reason"; false; }
	done
}

# example N: the manual's example, as one would type it.
example() {
	sed -n '/^\.Sh EXAMPLES/,$p' "$BATS_TEST_DIRNAME/../cmd/egress-verify/egress-verify.1" |
		awk -v wanted="$1" '/^\.Bd/ {n++; inside = 1; next} /^\.Ed/ {inside = 0} inside && n == wanted' |
		sed 's/\\e/\\/g'
}

@test "the manual's examples do what it says" {
	{ cat good; agentcard team-a unsigned | event ADDED; } >agents.ndjson
	example 1 >one
	run -0 bash one
	[ "$output" = "unsigned-card: there is no signed card" ]
	example 4 >four
	run -0 bash four
	[ -z "$output" ]
	# when the certificate, of ten days, has expired
	sed -i "s/--trust-domain/--at $(date -u -d '+20 days' +%Y-%m-%dT%H:%M:%SZ) --trust-domain/" four
	run -0 bash four
	[ "$output" = billing-card ]
}
