# What egress-explain says of the sample log, and of policies that others add to it.

bats_require_minimum_version 1.5.0

root=$BATS_TEST_DIRNAME/..

# The kinds of others' policies that the cluster does not serve.
unserved='cilium.io/v2 CiliumNetworkPolicy
cilium.io/v2 CiliumClusterwideNetworkPolicy
projectcalico.org/v3 NetworkPolicy
projectcalico.org/v3 GlobalNetworkPolicy
policy.networking.k8s.io/v1alpha1 AdminNetworkPolicy
policy.networking.k8s.io/v1alpha2 ClusterNetworkPolicy
networking.k8s.aws/v1alpha1 ClusterNetworkPolicy
networking.k8s.aws/v1alpha1 ApplicationNetworkPolicy
networking.gke.io/v1alpha1 FQDNNetworkPolicy'

# list VERSION KIND WHY: the end of a list of objects that are not there, or not shown.
list() {
	jq -nc --arg version "$1" --arg kind "$2" --arg why "$3" '{type: "BOOKMARK", object: {apiVersion: $version, kind: $kind,
		metadata: {annotations: {"k8s.io/initial-events-end": "true", "agent-egress.dev/unavailable": $why}}}}'
}

# The sample log of a cluster that serves no other policies, where all that is asked for is there.
setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	while read -r version kind; do
		list "$version" "$kind" NotServed
	done <<<"$unserved" >lists
	jq -c '(.object.spec | (.template?, .podTemplate?) | select(. != null)).spec.hostNetwork = false' \
		"$root/pipelines/examples/agents.ndjson" | egress-verify --trust-domain example.org >events
	egress-translate <events | jq -c 'select(.type == "APPLY") | {type: "ADDED", object}' >applied
	cat lists events applied >verified
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	cp "$BATS_FILE_TMPDIR/verified" .
}

# of the sample log
ask() { egress-explain "$@" <verified; }

# policy NAMESPACE NAME SPEC: the event of a policy of somebody else.
policy() {
	jq -nc --arg ns "$1" --arg name "$2" --argjson spec "$3" '{type: "ADDED", object: {apiVersion: "networking.k8s.io/v1",
		kind: "NetworkPolicy", metadata: {namespace: $ns, name: $name}, spec: $spec}}'
}

# says STATUS LINE ARGUMENT...: the answer's first line, and the status.
says() {
	local status=$1 line=$2
	shift 2
	run "-$status" ask "$@"
	[ "${lines[0]}" = "$line" ] || { echo "${lines[0]}" && false; }
}

# stands STATUS LINE ARGUMENT...: the same of the sample's manifests.
stands() {
	local status=$1 line=$2
	shift 2
	run "-$status" egress-explain --dir policies "$@" </dev/null
	[ "${lines[0]}" = "$line" ] || { echo "$output" && false; }
}

@test "a connection that a rule allows: 0, with the policy, the rule, the peer and the port" {
	says 0 'finance/billing to 203.0.113.7:8405/tcp: allowed' -n finance billing 203.0.113.7:8405/tcp
	[ "${lines[1]}" = '    verdict Verified: signed by spiffe://example.org/ns/finance/sa/billing' ]
	[ "${lines[2]}" = '    egress scoped, EgressRules: verified, and its card has egress rules' ]
	[ "${lines[3]}" = '    confined to that' ]
	[ "${lines[4]}" = '    allowed by finance/billing-signature-policy: spec.egress[1].to[0], ports[1]' ]
	[[ ${lines[5]} == "    the card's rule spec.networkPolicy.egress[1]: {"*'"cidr":"203.0.113.0/24"'* ]]
	[ "${#lines[@]}" -eq 6 ]
}

@test "a connection that no rule allows: 1" {
	says 1 'finance/billing to 203.0.113.70:443/tcp: denied' billing 203.0.113.70:443/tcp
	[ "${lines[4]}" = '    not allowed by finance/billing-signature-policy' ]
	says 1 'finance/billing to 203.0.113.7:443/udp: denied' billing 203.0.113.7:443/udp
	says 1 'finance/ledger to 203.0.113.7:443: denied' ledger 203.0.113.7:443
}

@test "a denied connection: the card's nearest rule, and what of it does not fit" {
	says 1 'finance/billing to 203.0.113.7:444: denied' billing 203.0.113.7:444
	[[ ${lines[5]} == "    the card's nearest rule spec.networkPolicy.egress[1]: {"*': the port is not among its ports' ]]
	says 1 'finance/billing to 203.0.113.70:443/tcp: denied' billing 203.0.113.70:443/tcp
	[[ ${lines[5]} == *': the address lies in an exception of its ipBlock' ]]
	says 1 'finance/billing to 203.0.113.7:443/udp: denied' billing 203.0.113.7:443/udp
	[[ ${lines[5]} == *': it has the port, of another protocol' ]]
	says 1 'support/triage to support/chat:8080: denied' triage support/chat:8080
	[[ ${lines[5]} == *": the pods do not have the labels that it asks for" || ${lines[5]} == *"for another namespace" ||
		${lines[5]} == *"it has the port, for other pods" ]] || { echo "$output"; false; }
	egress-explain -o json billing 203.0.113.7:444 <verified | jq -e '.nearestRule | startswith("spec.networkPolicy.egress[1]: ")'
}

@test "an agent: what it may reach in words, rule by rule, with who gave it" {
	run -0 ask billing
	[ "${lines[5]}" = '        spec.egress[0]: pods k8s-app=kube-dns of namespaces kubernetes.io/metadata.name=kube-system on 53/UDP, 53/TCP (its card)' ]
	[ "${lines[6]}" = '        spec.egress[1]: 203.0.113.0/24 except 203.0.113.64/26 on 443/TCP, 8400-8410/TCP (its card)' ]
	run -0 ask mailer
	[[ $output == *' on 6443/TCP (what agents get that are not verified)'* ]]
	run -0 ask chat
	[[ $output == *'anywhere on any port (its card has no rules)'* ]]
}

@test "an agent, and what a target cannot express" {
	run -0 ask billing --target networkpolicy
	[ "${lines[-1]}" = '    target networkpolicy: all of it' ]
	run -0 ask billing --target istio
	[[ $output == *'target istio: not all of it'*'Istio knows Services, not pods: these stay denied'* ]]
	run -2 ask --target istio
	run -2 ask billing 203.0.113.7:443 --target istio
}

# card CIDR: billing's, with rules for it and for a name, as a file.
card() {
	cat >card.yaml <<-END
		apiVersion: agent.kagenti.dev/v1alpha1
		kind: AgentCard
		metadata: {name: billing, namespace: finance}
		spec:
		  targetRef: {apiVersion: apps/v1, kind: Deployment, name: billing}
		  networkPolicy:
		    egress: [{to: [{ipBlock: {cidr: $1}}], ports: [{port: 443}]}]
		    domains: [{names: [api.example.com], ports: [{port: 443}]}]
	END
}

@test "--card: what it would allow, and on which targets: 0" {
	card 198.51.100.0/24
	run -0 ask --card card.yaml
	[ "${lines[0]}" = 'finance/billing, tried as if it were verified' ]
	[[ $output == *'    egress[0]: 198.51.100.0/24 on 443/TCP'* ]]
	[[ $output == *'    names api.example.com on 443/TCP'* ]]
	[[ $output == *'    target cilium: all of it'* ]]
	[[ $output == *'target networkpolicy: not all of it'*'a NetworkPolicy cannot express DNS names: these stay denied'* ]]
	[[ $output != *uid* ]]
}

@test "--card: one without a targetRef keeps that of the card of its name, as egress-propose writes it" {
	card 198.51.100.0/24
	run -0 ask --card card.yaml
	local whole=$output
	sed -i /targetRef/d card.yaml
	run -0 ask --card card.yaml
	[ "$output" = "$whole" ]
	sed -i 's/ namespace: finance}/}/; s/{name: billing,/{name: billing/' card.yaml
	run -0 ask --card card.yaml -n finance
	[ "$output" = "$whole" ]
	sed -i 's/name: billing/name: nobody/' card.yaml
	run -3 ask --card card.yaml -n finance
	[[ $output == *'targetRef names no workload'* ]]
	# null is a targetRef that a server-side apply would take away
	sed -i 's/name: nobody/name: billing/; s/^spec:/&\n  targetRef: null/' card.yaml
	run -3 ask --card card.yaml -n finance
}

@test "--card: each mistake is said as the API server says it: 1" {
	card 198.51.100.0/33
	run -1 ask --card card.yaml
	[[ $output == *'problem spec.networkPolicy.egress[0].to[0].ipBlock.cidr: Invalid value: "198.51.100.0/33"'* ]]
	[[ $output == *'egress deny-all'* ]]
}

@test "--card: what is no AgentCard is no answer: 3; a card with escapes harms no terminal" {
	echo '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}' >card.yaml
	run -3 ask --card card.yaml
	[[ $output == *'card.yaml: is no AgentCard' ]]
	: >card.yaml
	run -3 ask --card card.yaml
	run -3 ask --card missing.yaml
	run -2 ask --card card.yaml billing
	card 198.51.100.0/24
	sed -i 's/api.example.com/"\e[31m"/' card.yaml
	run -1 ask --card card.yaml
	[[ $output != *$'\e'* ]]
}

@test "a range is allowed when all of it is, and unknown when a part of it is" {
	says 0 'finance/billing to 203.0.113.0/26:443: allowed' billing 203.0.113.0/26:443
	says 1 'finance/billing to 203.0.113.0/24:443: unknown' billing 203.0.113.0/24:443
	[[ $output == *'only a part of the range is covered'* ]]
}

@test "an agent that is not verified: the API server, and why" {
	says 0 'support/mailer to [2001:db8::20]:6443/tcp: allowed' mailer '[2001:db8::20]:6443/tcp'
	[ "${lines[1]}" = '    verdict SignatureMissing: the card is not signed' ]
	says 1 'support/mailer to 203.0.113.7:443: denied' mailer 203.0.113.7:443
}

# lets_in NAMESPACE APP: somebody's policy by which anybody may connect to these pods.
lets_in() { policy "$1" "in-$2" '{"podSelector": {"matchLabels": {"app": "'"$2"'"}}, "policyTypes": ["Ingress"], "ingress": [{}]}'; }

@test "pods of another workload, by their labels, where their ingress lets the agent in" {
	lets_in finance ledger >>verified
	says 0 'support/triage to finance/ledger:8080/tcp: allowed' triage finance/ledger:8080/tcp
	[ "${lines[4]}" = '    allowed by support/triage-signature-policy: spec.egress[1].to[1], ports[0]' ]
	says 1 'support/triage to finance/payments:8080/tcp: denied' triage finance/payments:8080/tcp
}

@test "what the destination's ingress refuses is denied, and that is said" {
	says 1 'support/triage to finance/ledger:8080/tcp: denied' triage finance/ledger:8080/tcp
	[[ $output == *'egress allowed, ingress of finance/ledger refuses'* ]]
	lets_in finance billing >>verified
	says 1 'support/triage to finance/ledger:8080/tcp: denied' triage finance/ledger:8080/tcp
}

@test "an agent reaches its own pod" {
	says 0 'finance/ledger to finance/ledger:8080: allowed' ledger finance/ledger:8080
	[[ $output == *'a pod always reaches itself'* ]]
}

@test "a private address that no rule has, and that may be a pod's on a port that rules for pods have, is unknown" {
	says 1 'support/triage to 10.1.2.3:8080: unknown' triage 10.1.2.3:8080
	[[ $output == *"it may be a pod's or a Service's"* ]]
	says 1 'support/triage to 10.1.2.3:8081: denied' triage 10.1.2.3:8081
	says 1 'support/triage to 192.0.2.3:8080: denied' triage 192.0.2.3:8080
}

@test "a named port of other pods is not known, and does not count as allowed" {
	lets_in research indexer >>verified
	says 1 'research/summarizer to research/indexer:80/tcp: unknown' summarizer research/indexer:80/tcp
	[[ $output == *'the number of its named port was not seen'* ]]
}

@test "somebody else's policy widens a scoped agent, and it is seen" {
	policy finance open '{"podSelector":{},"policyTypes":["Egress"],"egress":[{}]}' >>verified
	says 0 'finance/ledger to 192.0.2.1:1/sctp: allowed' ledger 192.0.2.1:1/sctp
	[ "${lines[3]}" = '    unconfined' ]
	[ "${lines[4]}" = "    gap WidenedByPolicy: NetworkPolicy finance/open: spec.egress[0] may allow more than the agent's rules: any port to anywhere" ]
	[ "${lines[5]}" = '    not allowed by finance/ledger-signature-policy' ]
	[ "${lines[6]}" = "    allowed by finance/open: spec.egress[0] (not the agent's own: widens its egress)" ]
	run -0 ask -n finance
	[[ $output == *'ledger-signature-policy, +open'* ]]
	run -0 ask -o dot
	[[ $output == *$'"finance/ledger" -> "anywhere" [label="" style=dashed'* ]]
	run -0 ask -n support
	[[ $output != *open* ]]
}

@test "somebody else's policy that selects other pods, limits ingress alone, or is gone, does not count" {
	{
		policy finance others '{"podSelector":{"matchLabels":{"app":"other"}},"policyTypes":["Egress"],"egress":[{}]}'
		policy finance ingress '{"podSelector":{},"policyTypes":["Ingress"],"egress":[{}]}'
		policy finance gone '{"podSelector":{},"policyTypes":["Egress"],"egress":[{}]}' | tee gone
		sed 's/ADDED/DELETED/' gone
	} >>verified
	says 1 'finance/ledger to 192.0.2.1:1/tcp: denied' --cni calico ledger 192.0.2.1:1/tcp
	[ "${#lines[@]}" -eq 5 ]
	# Cilium adds up egress rules whatever policyTypes says
	says 1 'finance/ledger to 192.0.2.1:1/tcp: unknown' ledger 192.0.2.1:1/tcp
	[ "${lines[4]}" = "    gap WidenedByPolicy: NetworkPolicy finance/ingress: spec.egress[0] may allow more than the agent's rules: any port to anywhere" ]
}

@test "what is asked for counts in place of a managed policy that was seen, and deletes another" {
	for name in ledger-signature-policy left-over; do
		policy finance $name '{"podSelector":{},"policyTypes":["Egress"],"egress":[{}]}' |
			jq -c '.object.metadata.labels = {"app.kubernetes.io/managed-by": "agent-egress"}'
	done >>verified
	says 1 'finance/ledger to 192.0.2.1:1/tcp: denied' ledger 192.0.2.1:1/tcp
	# until then they are gaps
	[[ ${lines[4]} == *'ChangedByServer'* && ${lines[5]} == *'WidenedByPolicy: NetworkPolicy finance/left-over'* ]]
	[ "${#lines[@]}" -eq 7 ]
}

@test "pods on their host's network are held by no policy" {
	jq -c 'if .object.kind == "StatefulSet" and .object.metadata.name == "ledger" then .object.spec.template.spec.hostNetwork = true else . end' verified >host
	mv host verified
	says 0 'finance/ledger to 192.0.2.1:1/tcp: allowed' ledger 192.0.2.1:1/tcp
	[[ ${lines[4]} == '    gap HostNetwork: '* ]]
	[ "${lines[-1]}" = "    the agent's pods are on their host's network, where no policy holds" ]
}

@test "invalid rules: nothing is allowed, and each problem is said" {
	says 1 'research/crawler to 198.51.100.7:443: denied' crawler 198.51.100.7:443
	[ "${lines[2]}" = '    egress deny-all, RulesInvalid: verified, but its rules are invalid: all egress is denied' ]
	[[ ${lines[4]} == '    problem spec.networkPolicy.egress[1].ports[0].endPort: Invalid value: 8000: '* ]]
	[[ ${lines[5]} == '    problem spec.networkPolicy.egress[1].to[0].ipBlock.cidr: '* ]]
}

@test "a list of policies that begins again forgets those that it does not name" {
	policy finance open '{"podSelector":{},"policyTypes":["Egress"],"egress":[{}]}' >>verified
	says 0 'finance/ledger to 192.0.2.1:1: allowed' ledger 192.0.2.1:1
	jq -c 'select(.type == "BOOKMARK" and .object.kind == "NetworkPolicy" and .object.apiVersion == "networking.k8s.io/v1")' verified >marks
	[ "$(wc -l <marks)" -eq 2 ]
	cat marks >>verified
	says 1 'finance/ledger to 192.0.2.1:1: denied' ledger 192.0.2.1:1
}

@test "policies that no API server would store are survived, and may widen" {
	for spec in null 7 '{}' '{"podSelector":7,"policyTypes":7,"egress":7}' \
		'{"podSelector":{},"policyTypes":["Egress"],"egress":[7,null,[],{"to":7},{"to":[7,{}]},{"to":[{"ipBlock":7}],"ports":7},{"to":[{"podSelector":{"matchLabels":7}}],"ports":[7,{"port":{}}]}]}' \
		'{"podSelector":{"matchExpressions":[7]},"policyTypes":["Egress"],"egress":[{"to":[{"podSelector":{"matchLabels":{"a\u0022\\\\":"b"}}}],"ports":[{"port":"\u001b"}]}]}'; do
		policy finance "odd$((++n))" "$spec"
	done >>verified
	says 1 'finance/ledger to 192.0.2.1:1: unknown' ledger 192.0.2.1:1
	[ "$(grep -c '^    gap WidenedByPolicy: NetworkPolicy finance/odd[2456]: ' <<<"$output")" -eq 4 ]
	run -0 ask -o dot
	[[ $output != *$'\033'* ]]
	ask -o json | jq -es 'length == 15'
}

@test "a policy of which it cannot be told whether it selects the pods does not count as allowing" {
	policy finance odd '{"podSelector":{"matchExpressions":[{"key":"app","operator":"Like","values":["l"]}]},"policyTypes":["Egress"],"egress":[{}]}' >>verified
	says 1 'finance/ledger to 192.0.2.1:1: unknown' ledger 192.0.2.1:1
	[[ ${lines[4]} == *', if it selects the agent'"'"'s pods' ]]
	[ "${lines[6]}" = "    perhaps allowed by finance/odd: spec.egress[0]: whether it selects the pods was not seen (not the agent's own: widens its egress)" ]
}

@test "all agents: a line each, with verdict, egress and policies" {
	run -0 ask
	[ "${#lines[@]}" -eq 16 ]
	[ "$(xargs <<<"${lines[2]}")" = 'finance/ledger Verified deny-all confined ledger-signature-policy' ]
	[ "$(xargs <<<"${lines[3]}")" = 'finance/payments IdentityMismatch api-server confined payments-signature-policy' ]
}

@test "as JSON: an object an agent" {
	run -0 ask -o json billing 203.0.113.7:443
	jq -e '.answer == "allowed" and .verification.verified and .workload.kind == "Deployment"
		and .policies == [.policies[0]] and .policies[0].own and (.policies[0].widens | not)
		and .policies[0].to == "spec.egress[1].to[0]" and .policies[0].port == "spec.egress[1].ports[0]"' <<<"$output"
	[ "$(ask -o json | jq -es 'length')" -eq 15 ]
}

@test "a stream that does not say enough gets no answer: 3" {
	run -3 ask nobody
	[ "$output" = 'egress-explain: nobody: there is no such AgentCard in the stream' ]
	run -3 ask billing finance/nobody:80
	head -n 10 verified >short
	mv short verified
	run -3 ask billing 203.0.113.7:443
}

@test "a record that cannot be used: 1, although the rest allows it" {
	echo '{"broken' >>verified
	run -1 ask billing 203.0.113.7:443
	[[ $output == *': allowed'* ]]
}

@test "what a stage before could not use, and did not name, leaves every answer in doubt: 1" {
	local error='{"type":"ERROR","object":{"apiVersion":"v1","kind":"Status","metadata":{},"status":"Failure","reason":"RecordRejected"}}'
	echo "$error" >>verified
	run -1 ask billing 203.0.113.7:443
	[[ $output == *': allowed'* && $output == *'names no object, so this may be wrong'* ]]
	run -1 ask --to 203.0.113.7:443
	run -1 ask
}

@test "wrong usage: 2" {
	for destination in 203.0.113.7 203.0.113.7:0 203.0.113.7:443/icmp 203.0.113.007:443 here:80 '[::ffff:1.2.3.4]:80' 10.0.0.1/8:1; do
		run -2 ask billing "$destination"
	done
	run -2 ask billing 203.0.113.7:443 more
	run -2 ask -o dot billing 203.0.113.7:443
}

@test "a message with terminal escapes is shown without them" {
	jq -c 'if .verification then .verification.message = "a\u001b[2Jb\u009bc" else . end' verified >escaped
	mv escaped verified
	run -0 ask billing
	[ "${lines[1]}" = '    verdict Verified: a?[2Jb?c' ]
}

@test "--dir: the manifests that egress-apply wrote say the same as the stream" {
	local destination agent
	local what='[.agentCard, .verification.verified, .egress, .answer]'
	cp -r "$root/tests/data/demo" policies
	# a workload's second card has no policy of its own
	ask -o json | jq -r '.agentCard | select(.name != "reports-too") | "-n \(.namespace) \(.name)"' >agents
	[ "$(wc -l <agents)" -eq 14 ]
	for destination in 203.0.113.7:8405/tcp 203.0.113.70:443 '[2001:db8::20]:6443' finance/ledger:8080; do
		while read -r agent; do
			# shellcheck disable=SC2086 # three words
			ask -o json $agent "$destination" | jq -c "$what" >by-stream || true
			# shellcheck disable=SC2086
			egress-explain --dir policies -o json $agent "$destination" </dev/null |
				jq -c "$what" >by-directory || true
			[ -s by-stream ]
			diff by-stream by-directory
		done <agents
	done
	run -0 egress-explain --dir policies </dev/null
	[ "${#lines[@]}" -eq 15 ]
	run -0 egress-explain --dir policies -o dot </dev/null
	[[ $output == 'digraph egress {'*'"support/chat" -> "anywhere"'*'}' ]]
}

@test "--dir: the policy, the rule, and that the events say why" {
	cp -r "$root/tests/data/demo" policies
	stands 0 'finance/billing to 203.0.113.7:8405/tcp: allowed' billing 203.0.113.7:8405/tcp
	[ "${lines[1]}" = '    verdict Verified: by its policy; the events say why' ]
	[ "${lines[2]}" = '    egress scoped, AsItStands: what its policy in the directory says' ]
	[ "${lines[4]}" = '    gap Undecided: a directory does not show what else the cluster has' ]
	[ "${lines[5]}" = '    allowed by finance/billing-signature-policy: spec.egress[1].to[0], ports[1]' ]
	stands 1 'support/mailer to 203.0.113.7:443: denied' mailer 203.0.113.7:443
}

@test "--dir: an edit by hand counts, and shows" {
	cp -r "$root/tests/data/demo" policies
	sed -i '/^  egress:/,$d' policies/support_networkpolicy_mailer-signature-policy.yaml
	printf '  egress:\n  - {}\n' >>policies/support_networkpolicy_mailer-signature-policy.yaml
	stands 0 'support/mailer to 203.0.113.7:443: allowed' mailer 203.0.113.7:443
	run -0 egress-explain --dir policies </dev/null
	[ "$(grep '^support/mailer' <<<"$output" | xargs)" = 'support/mailer NotVerified allow-all - mailer-signature-policy' ]
}

@test "--dir: anybody's policies beside them count, as YAML, as JSON, several in a file, as a list" {
	local policy name
	policy='{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"namespace":"finance","name":"open"},"spec":{"podSelector":{},"policyTypes":["Egress"],"egress":[{}]}}'
	for name in yaml yml json list typed; do
		rm -rf policies && cp -r "$root/tests/data/demo" policies
		stands 1 'finance/ledger to 192.0.2.1:1: denied' ledger 192.0.2.1:1
		case $name in
		json) echo "$policy" >policies/open.json ;;
		list) jq '{apiVersion: "v1", kind: "List", items: [., .]}' <<<"$policy" >policies/open.yaml ;;
		typed) jq '{apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicyList", items: [del(.apiVersion, .kind)]}' \
			<<<"$policy" >policies/open.yaml ;;
		*) printf 'kind: ConfigMap\napiVersion: v1\nmetadata: {name: other}\n---\n%s\n' "$policy" >"policies/open.$name" ;;
		esac
		stands 0 'finance/ledger to 192.0.2.1:1: allowed' ledger 192.0.2.1:1
		[ "${lines[6]}" = "    allowed by finance/open: spec.egress[0] (not the agent's own: widens its egress)" ]
	done
}

@test "--dir: whether a policy selects pods by a label that no manifest shows is unknown; the workload's shows it" {
	cp -r "$root/tests/data/demo" policies
	cat >policies/open.yaml <<-'END'
		apiVersion: networking.k8s.io/v1
		kind: NetworkPolicy
		metadata: {namespace: finance, name: open}
		spec: {podSelector: {matchLabels: {tier: back}}, policyTypes: [Egress], egress: [{}]}
	END
	stands 1 'finance/ledger to 192.0.2.1:1: unknown' ledger 192.0.2.1:1
	cat >policies/workload.yaml <<-'END'
		apiVersion: apps/v1
		kind: Deployment
		metadata: {namespace: finance, name: ledger}
		spec: {selector: {matchLabels: {app: ledger}}, template: {metadata: {labels: {app: ledger, tier: back}}}}
	END
	stands 0 'finance/ledger to 192.0.2.1:1: allowed' ledger 192.0.2.1:1
	sed -i 's/tier: back/tier: front/' policies/workload.yaml
	stands 1 'finance/ledger to 192.0.2.1:1: denied' ledger 192.0.2.1:1
}

@test "--dir: what cannot be read gets no answer, because it might widen: 3, and the file is named" {
	cp -r "$root/tests/data/demo" policies
	refused() { # MESSAGE
		run -3 egress-explain --dir policies billing 203.0.113.7:443 </dev/null
		[[ $output == "egress-explain: "$1 ]] || { echo "$output" && false; }
		rm -rf policies/odd*
	}
	echo 'a: [1' >policies/odd.yaml
	refused 'policies/odd.yaml: not YAML: line *'
	echo 'just words' >policies/odd.yml
	refused 'policies/odd.yml: *'
	printf 'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\nmetadata: {name: b}\n' >policies/odd.yaml
	refused 'policies/odd.yaml: the document at line 1: duplicate key'
	printf 'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\n' >policies/odd.yaml
	refused 'policies/odd.yaml: a NetworkPolicy without a namespace: *'
	mkdir policies/odd.yaml
	refused 'cannot read policies/odd.yaml: Is a directory'
	ln -s nowhere policies/odd.yaml
	refused 'cannot read policies/odd.yaml: No such file or directory'
	mkfifo policies/odd.yaml
	refused 'cannot read policies/odd.yaml: *'
	rm -r policies
	refused 'cannot read the directory policies: No such file or directory'
	mkdir policies
	refused 'policies: has no policy that egress-apply wrote for an agent; *'
	cp "$root/pipelines/examples/agents.ndjson" policies/events-20260101T000000Z.ndjson
	refused 'policies: has no policy that egress-apply wrote for an agent; *pipelines/logs*'
}

@test "--dir: the policies of other kinds do not count, and that is said" {
	cp -r "$root/tests/data/demo" policies
	printf 'apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {namespace: finance, name: a}\n' >policies/c.yaml
	run -0 --separate-stderr egress-explain --dir policies </dev/null
	# shellcheck disable=SC2154 # stderr, which run sets
	[ "$stderr" = 'egress-explain: policies/c.yaml: a CiliumNetworkPolicy of cilium.io/v2 does not count: only those of networking.k8s.io do' ]
}

@test "dot(1) draws what --output dot says" {
	command -v dot >/dev/null || skip 'no dot: apt-get install graphviz'
	policy finance open '{"podSelector":{},"policyTypes":["Egress"],"egress":[{"to":[{"podSelector":{"matchExpressions":[{"key":"a","operator":"In","values":["\"x\\"]}]}}]}]}' >>verified
	ask -o dot >egress.dot
	dot -Tsvg egress.dot >egress.svg
	grep -q '<title>support/triage' egress.svg
	[ "$(grep -c 'class="edge"' egress.svg)" -eq "$(grep -c ' -> ' egress.dot)" ]
}

# object VERSION KIND SPEC: the event of a cluster's object of somebody else.
object() {
	jq -nc --arg version "$1" --arg kind "$2" --argjson spec "$3" '{type: "ADDED", object: {apiVersion: $version,
		kind: $kind, metadata: {name: "other"}, spec: $spec}}'
}
admin() {
	object policy.networking.k8s.io/v1alpha1 AdminNetworkPolicy \
		'{"priority":1,"subject":{"namespaces":{}},"egress":[{"action":"Allow","to":[{"networks":["192.0.2.0/24"]}]}]}'
}

@test "dot: a cluster for each namespace with its agents, and one node for the API server" {
	ask -o dot >egress.dot
	[ "$(grep -c 'subgraph "cluster_' egress.dot)" -eq 3 ]
	sed -n '/subgraph "cluster_support"/,/^\t}/p' egress.dot >support
	grep -qxF $'\t\t"support/triage" [shape=box color=green]' support
	run -1 grep -F 'finance/' support
	grep -qxF $'\t"support/mailer" -> "Kubernetes API server" [label="6443/TCP"]' egress.dot
	run -1 grep -F 192.0.2.20 egress.dot
}

@test "dot: a peer for many agents is one edge" {
	for i in {1..20}; do
		jq -nc --arg name "many-$i" '{type: "ADDED", object: {apiVersion: "apps/v1", kind: "Deployment", metadata: {namespace: "finance", name: $name},
			spec: {template: {metadata: {labels: {app: $name, group: "many"}}}}}}'
	done >>verified
	policy finance open '{"podSelector":{},"policyTypes":["Egress"],"egress":[{"to":[{"podSelector":{"matchLabels":{"group":"many"}}}]}]}' >>verified
	ask -o dot >egress.dot
	[ "$(grep -c '"finance/billing" -> "pods group=many of namespace finance"' egress.dot)" -eq 1 ]
	run -1 grep -F '> "finance/many-1"' egress.dot
}

@test "what an admin's policy allows is never said to be denied, and the agent is unconfined" {
	admin >>verified
	says 1 'finance/ledger to 192.0.2.1:1: unknown' ledger 192.0.2.1:1
	[ "${lines[3]}" = '    unconfined' ]
	[ "${lines[4]}" = "    gap WidenedByPolicy: AdminNetworkPolicy other: spec.egress[0] may allow more than the agent's rules: any port to 192.0.2.0/24" ]
	[ "${lines[-1]}" = '    no NetworkPolicy allows it, but the agent is not confined to them' ]
	run -0 ask -o json ledger
	jq -e '.egress == "deny-all" and .confined == false and .gaps[0].reason == "WidenedByPolicy"
		and .gaps[0].object == {apiVersion: "policy.networking.k8s.io/v1alpha1", kind: "AdminNetworkPolicy", name: "other"}' <<<"$output"
}

@test "a policy that widens an agent that is not verified is an error" {
	admin >>verified
	run -0 ask mailer
	[[ $output == *$'\n    problem WidenedByPolicy: the agent is not verified, and AdminNetworkPolicy other: '* ]]
}

@test "policies that were not listed, or may not be read, leave an agent undecided" {
	list cilium.io/v2 CiliumNetworkPolicy Forbidden >>verified
	run -0 ask ledger
	[ "${lines[3]}" = '    undecided' ]
	[ "${lines[4]}" = '    gap Undecided: these policies may not be read: CiliumNetworkPolicy.cilium.io' ]
	grep -v FQDNNetworkPolicy verified >fewer
	mv fewer verified
	run -0 ask ledger
	[[ ${lines[4]} == *'; these policies were not listed: FQDNNetworkPolicy.networking.gke.io' ]]
	cat "$BATS_FILE_TMPDIR"/{events,applied} >verified
	run -0 ask ledger
	[ "${lines[4]}" = "    gap Undecided: this stream has no list of others' policies" ]
}

@test "--check: 1 when an agent is unconfined or undecided; with =unconfined for the first alone" {
	run -0 ask --check
	run -0 ask --check=unconfined
	list cilium.io/v2 CiliumNetworkPolicy Forbidden >>verified
	run -1 ask --check
	run -0 ask --check=unconfined
	run -0 ask -n finance --check=unconfined ledger
	policy finance open '{"podSelector":{"matchLabels":{"app":"ledger"}},"policyTypes":["Egress"],"egress":[{}]}' >>verified
	run -1 ask --check=unconfined
	run -1 ask --check=unconfined ledger
	run -0 ask --check=unconfined billing
	run -2 ask --check=perhaps
}

@test "an agent by its workload's name, and the nearest names of one that is not there" {
	jq -c 'if .object.kind == "AgentCard" and .object.metadata.name == "ledger" then .object.metadata.name = "book" else . end' verified >renamed
	mv renamed verified
	says 1 'finance/book to 192.0.2.1:1: denied' ledger 192.0.2.1:1
	run -3 ask biling
	[ "$output" = 'egress-explain: biling: there is no such AgentCard in the stream; perhaps finance/billing' ]
	run -3 ask legder
	[ "$output" = 'egress-explain: legder: there is no such AgentCard in the stream; perhaps finance/book' ]
}

@test "a stream without verdicts is not answered" {
	mv verified kept
	jq -c 'del(.verification)' kept >verified
	run -3 ask billing
	[ "$output" = 'egress-explain: no verdicts in this stream: run egress-verify before' ]
}

@test "--to: who may reach a destination, and by what" {
	run -0 ask --to 203.0.113.7:8405/tcp
	[ "$(xargs <<<"${lines[0]}")" = 'finance/billing allowed by finance/billing-signature-policy: spec.egress[1].to[0], ports[1]' ]
	[[ $output != *ledger* ]]
	run -0 ask --to 203.0.113.7:8405/tcp -o json -n finance
	jq -es 'length == 1 and .[0].answer == "allowed"' <<<"$output"
	run -2 ask --to 203.0.113.7:8405/tcp billing 203.0.113.7:443
}

# flow [JQ over .flow]: of billing, to an address that its rules allow.
flow() {
	jq -nc '{flow: ({time: "2026-11-02T08:15:01Z", source: {namespace: "finance", pod: "billing-1", workload: {kind: "Deployment", name: "billing"}},
		destination: {ip: "203.0.113.7", port: 443, protocol: "TCP"}, verdict: "allowed", direction: "egress"} | '"${1:-.}"')}'
}

# fates: how many flows of the agents are allowed, cut, unknown, denied as before, and of no agent.
fates() { egress-explain -o json --flows flows "$@" <verified | jq -s -r 'last | "\(.flows | [.[]] | join(" ")) \(.unmatched)"'; }

@test "--flows: what the rules allow passes, with the rule; what passed and is not allowed is cut: 1" {
	flow >flows
	run -0 ask --flows flows
	[ "${lines[0]}" = '0 flows would be cut, 0 may be, 1 are allowed, 0 denied as before, 0 are of no agent' ]
	[[ ${lines[2]} == *' 203.0.113.7:443/TCP, passed, last 2026-11-02T08:15:01Z; by finance/billing-signature-policy spec.egress[1].to[0], ports[0]' ]]
	flow '.destination.ip = "203.0.113.70" | .count = 3' >>flows
	run -1 ask --flows flows
	[ "${lines[1]}" = 'finance/billing: 3 would be cut, 0 may be, 1 allowed, 0 denied as before' ]
	[[ ${lines[2]} == '    CUT '*' 3  203.0.113.70:443/TCP, passed'*'; nearest is finance/billing-signature-policy spec.egress[1].to[0]: the address lies in an exception of its ipBlock' ]]
}

@test "--flows: an absent verdict counts as one that passed, a denied flow is cut no more" {
	flow '.destination.ip = "203.0.113.70" | .verdict = "denied"' >flows
	run -0 ask --flows flows
	[ "$(fates)" = '0 0 0 1 0' ]
	flow '.destination.ip = "203.0.113.70" | del(.verdict)' >>flows
	run -1 ask --flows flows
	[ "$(fates)" = '0 1 0 1 0' ]
}

@test "--flows: what cannot be told may be cut: 1" {
	flow '.source.workload.name = "triage" | .source.namespace = "support" | .destination = {ip: "10.1.2.3", port: 8080, protocol: "TCP"}' >flows
	run -1 ask --flows flows
	[ "$(fates)" = '0 0 1 0 0' ]
}

@test "--flows: the agent by its workload, its ReplicaSet, or its pod's labels; others' flows are counted" {
	{
		flow
		flow '.source.workload = {kind: "ReplicaSet", name: "billing-7c9f"}'
		flow 'del(.source.workload) | .source.labels = {app: "billing", "pod-template-hash": "7c9f", "kagenti.io/type": "agent"}'
		flow '.source.workload = {kind: "ReplicaSet", name: "billing-other-7c9f"}'
		flow '.source.namespace = "elsewhere"'
		flow 'del(.source.workload)'
	} >flows
	[ "$(fates)" = '3 0 0 0 2' ]
}

@test "--flows: addresses get the names of the pods that had them then" {
	jq -nc '{type: "ADDED", time: "2026-11-02T08:00:00Z", object: {apiVersion: "v1", kind: "Pod", metadata: {namespace: "finance", name: "billing-1",
		uid: "1", labels: {app: "billing", "kagenti.io/type": "agent"}}, spec: {}, status: {podIP: "10.0.0.9", startTime: "2026-11-02T08:00:00Z"}}}' >>verified
	{ flow '.source = {ip: "10.0.0.9"}'; flow '.source = {ip: "10.0.0.9"} | .time = "2026-11-02T07:00:00Z"'; } >flows
	[ "$(fates)" = '1 0 0 0 1' ]
}

# whose FLOWS: how many are of no agent, and how many of one that cannot be told; the status.
whose() {
	local status=0
	egress-explain -o json --flows flows <verified >said || status=$?
	jq -r --argjson status "$status" 'select(.unmatched) | "\(.unmatched) \(.undetermined) \($status)"' said
}

@test "--flows: a flow that may be an agent's, though whose cannot be told, is not passed over: 1" {
	{ flow; flow 'del(.source.workload) | .source.pod = "billing-7c9f-x"'; } >flows
	[ "$(whose)" = '0 1 1' ]
	run -1 ask --flows flows
	[[ ${lines[0]} == *'0 are of no agent, 1 may be of one: several workloads fit, or their source says too little' ]]
	{ flow; flow 'del(.source.workload) | del(.source.pod)'; } >flows
	[ "$(whose)" = '0 1 1' ]
	{ flow; flow 'del(.source.workload) | .source.pod = "proxy-7c9f-x"'; } >flows
	[ "$(whose)" = '1 0 0' ]
	# two templates, of which the labels fit both
	jq -c 'select(.object.kind == "Deployment" and .object.metadata.name == "billing")
		| .object.metadata |= (.name = "copy" | .uid = "copy")' verified >copy
	cat copy >>verified
	{ flow; flow 'del(.source.workload) | .source.labels = {app: "billing", "kagenti.io/type": "agent"}'; } >flows
	[ "$(whose)" = '0 1 1' ]
	{ flow; flow 'del(.source.workload) | .source.labels = {app: "proxy"}'; } >flows
	[ "$(whose)" = '1 0 0' ]
}

@test "--flows: an address that several pods had, and no time: whose flow it is cannot be told: 1" {
	local i
	for i in 1 2; do
		jq -nc --arg i "$i" '{type: "ADDED", time: "2026-11-02T0\($i):00:00Z", object: {apiVersion: "v1", kind: "Pod", metadata: {namespace: "finance",
			name: "billing-\($i)", uid: $i, labels: {app: "billing", "kagenti.io/type": "agent"}}, spec: {}, status: {podIP: "10.0.0.9", startTime: "2026-11-02T0\($i):00:00Z"}}}'
	done >>verified
	{ flow; flow '.source = {ip: "10.0.0.9"} | del(.time)'; } >flows
	[ "$(whose)" = '0 1 1' ]
	{ flow; flow '.source = {ip: "10.0.0.9"}'; } >flows
	[ "$(whose)" = '0 0 0' ]
}

@test "--flows: numbers of flows that are too large for their sum hide nothing: 1" {
	local i
	for i in 9223372036854775807 9223372036854775807 2; do
		flow ".destination.ip = \"198.51.100.1\" | .count = 1" | sed "s/\"count\":1/\"count\":$i/"
	done >flows
	run -1 ask --flows flows
	[[ ${lines[0]} == '18446744073709551615 flows would be cut, '* ]]
}

@test "--flows: no flow at all is no answer: 3" {
	: >flows
	run -3 --separate-stderr ask --flows flows
	[[ $stderr == *'--flows: there is no flow: nothing was seen'* ]]
}

@test "--flows: to other agents their ingress counts, and to the pod itself nothing" {
	flow '.source = {namespace: "support", pod: "t-1", workload: {kind: "Deployment", name: "triage"}}
		| .destination += {namespace: "finance", pod: "ledger-1", labels: {app: "ledger"}, ip: "10.0.0.4", port: 8080}' >flows
	run -1 ask --flows flows
	[[ $output == *'egress allowed, ingress of finance/ledger-1 refuses'* ]]
	lets_in finance ledger >>verified
	[ "$(fates)" = '1 0 0 0 0' ]
	flow '.destination += {namespace: "finance", pod: "billing-1", ip: "10.0.0.4", port: 1}' >flows
	[ "$(fates)" = '1 0 0 0 0' ]
}

@test "--flows: rules that no flow used" {
	flow >flows
	run -0 ask --flows flows -n finance billing
	[[ $output == *'unused            spec.egress[0] of finance/billing-signature-policy: pods k8s-app=kube-dns of namespaces kubernetes.io/metadata.name=kube-system on 53/UDP, 53/TCP' ]]
	[[ $output != *'unused            spec.egress[1]'* ]]
	egress-explain -o json --flows flows billing <verified | jq -e -s '.[0].unused | map(.rule) == ["spec.egress[0]"]'
}

@test "--flows: an agent that scans hides nothing: what is not told of singly is judged and counted: 1" {
	jq -nc 'range(2000) as $i | {flow: {source: {namespace: "finance", workload: {kind: "Deployment", name: "billing"}},
		destination: {ip: "203.0.113.7", port: ($i + 1), protocol: "UDP"}, verdict: "denied"}}' >flows
	flow '.destination.ip = "198.51.100.1"' >>flows
	run -1 egress-explain -o json --flows flows <verified
	jq -e -s '.[0] | (.destinations | length) == 1024 and .beyond == 977 and .beyondCut == 1 and .flows.cut == 1' <<<"$output"
}

@test "--flows: an agent of which a record says that it is incomplete: 1" {
	flow '.incomplete = true' >flows
	run -1 ask --flows flows
	[[ $output == *'incomplete: some records stand for more destinations than they tell'* ]]
}

@test "--flows: a line that is no flow is rejected with its number: 1; a file that is not there: 3" {
	{ flow; echo '{"flow":{"destination":{"port":0}}}'; } >flows
	run -1 --separate-stderr ask --flows flows
	[[ $stderr == *'line 2: '* ]]
	[ "$(fates 2>/dev/null)" = '1 0 0 0 0' ]
	run -3 ask --flows missing
	run -2 ask --flows flows billing 203.0.113.7:443
	run -2 ask --flows flows -o dot
}

@test "--flows: flows of which none is an agent's are not answered: 3" {
	flow '.source.namespace = "elsewhere"' >flows
	run -3 --separate-stderr ask --flows flows
	[[ $stderr == *'none of 1 flows is of an agent that is asked about'* ]]
}

# at_time TIME ARGUMENT...: the answer of that time, of the sample log with a line a second; its lists end at 08:01:03.
at_time() {
	local time=$1
	shift
	jq -c '. + {time: (1795507200 + input_line_number | todate)}' "$root/pipelines/examples/agents.ndjson" |
		egress-verify --trust-domain example.org --at "$time" | egress-explain --as-of "$time" "$@"
}

@test "--as-of: what was allowed after the last event of that time" {
	run -0 at_time 2026-11-24T08:01:03Z faq 203.0.113.7:443
	[ "${lines[0]}" = 'support/faq to 203.0.113.7:443: allowed' ]
	run -1 at_time 2026-11-24T08:02:00Z faq 203.0.113.7:443
	[ "${lines[0]}" = 'support/faq to 203.0.113.7:443: denied' ]
}

@test "--as-of: before the lists were complete it is unknown, and without times it cannot be told: 3" {
	run -3 at_time 2026-11-24T08:01:02Z
	[ "$output" = 'egress-explain: unknown: at 2026-11-24T08:01:02Z the first lists were not complete in this log' ]
	run -3 ask --as-of 2026-11-24T08:01:02Z
	[[ $output == *'line 1 has no time, so what --as-of asks for cannot be told'* ]]
	run -3 at_time 1970-01-01T00:00:00Z
	run -2 ask --as-of yesterday
	run -2 egress-explain --dir . --as-of 2026-11-24T08:01:02Z
}

@test "--as-of: a time that goes back is no earlier state: the largest one counts" {
	{
		jq -nc '{type: "ADDED", time: "2026-11-24T09:00:00Z", object: {apiVersion: "v1", kind: "Namespace", metadata: {name: "a"}}}'
		jq -c '. + {time: "2026-11-24T08:00:00Z"}' verified
	} >clock
	run -3 egress-explain --as-of 2026-11-24T08:30:00Z <clock
	[[ $output == *unknown:* ]]
	run -0 egress-explain --as-of 2026-11-24T09:00:00Z <clock
}
