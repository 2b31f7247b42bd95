# egress-apply on a real API server.

bats_require_minimum_version 1.5.0

setup_file() {
	load server
	cluster_find 2>"$BATS_FILE_TMPDIR/missing" || return 0
	export CLUSTER=$BATS_FILE_TMPDIR/cluster
	cluster_start "$CLUSTER" nobody
	cluster_kubectl "$CLUSTER" create -f - <<-END
		apiVersion: apiextensions.k8s.io/v1
		kind: CustomResourceDefinition
		metadata: {name: ciliumnetworkpolicies.cilium.io}
		spec:
		  group: cilium.io
		  scope: Namespaced
		  names: {plural: ciliumnetworkpolicies, singular: ciliumnetworkpolicy, kind: CiliumNetworkPolicy}
		  versions:
		  - name: v2
		    served: true
		    storage: true
		    schema:
		      openAPIV3Schema:
		        type: object
		        properties:
		          spec: {type: object, x-kubernetes-preserve-unknown-fields: true}
		---
		apiVersion: apiextensions.k8s.io/v1
		kind: CustomResourceDefinition
		metadata: {name: agentcards.agent.kagenti.dev}
		spec:
		  group: agent.kagenti.dev
		  scope: Namespaced
		  names: {plural: agentcards, singular: agentcard, kind: AgentCard}
		  versions:
		  - name: v1alpha1
		    served: true
		    storage: true
		    subresources: {status: {}}
		    schema:
		      openAPIV3Schema:
		        type: object
		        properties:
		          spec: {type: object, x-kubernetes-preserve-unknown-fields: true}
		          status: {type: object, x-kubernetes-preserve-unknown-fields: true}
	END
	cluster_established "$CLUSTER"
}

teardown_file() {
	load server
	[ -z "${CLUSTER:-}" ] || cluster_stop "$CLUSTER"
}

setup() {
	load server
	load operations
	[ -n "${CLUSTER:-}" ] || skip "$(cat "$BATS_FILE_TMPDIR/missing")"
	cd "$BATS_TEST_TMPDIR" || exit
	# a test that failed may have left it stopped
	kube get --raw /readyz >/dev/null 2>&1 || cluster_restart_apiserver "$CLUSTER"
	# a namespace a test, so that none sees another's policies
	NS=t$BATS_TEST_NUMBER
	kube create namespace "$NS" >/dev/null
}

kube() { cluster_kubectl "$CLUSTER" "$@"; }
apply() { egress-apply --kubeconfig "$CLUSTER/kubeconfig" "$@"; }
types() { jq -r .type | xargs; }
cidr() { kube -n "$NS" get networkpolicy "$1" -o jsonpath='{.spec.egress[0].to[0].ipBlock.cidr}'; }

# Edits a policy as somebody at a desk would: replaces it, under kubectl's own name.
edit() { # NAME JQ
	kube -n "$NS" get networkpolicy "$1" -o json | jq "$2" | kube replace -f - >/dev/null
}

@test "an APPLY is server-side apply under the field manager agent-egress" {
	result=$(policy one "$NS" | apply)
	[ "$(jq -c '[.type, .code, .object.metadata.name]' <<<"$result")" = '["APPLIED",201,"one"]' ]
	kube -n "$NS" get networkpolicy one -o json --show-managed-fields >live 2>/dev/null ||
		kube -n "$NS" get networkpolicy one -o json >live
	[ "$(jq -r .metadata.resourceVersion live)" = "$(jq -r .object.metadata.resourceVersion <<<"$result")" ]
	[ "$(jq -c '[.metadata.managedFields[] | [.manager, .operation]]' live)" = '[["agent-egress","Apply"]]' ]
}

@test "what is as it should be is UNCHANGED, and nothing is written" {
	policy one "$NS" | apply >/dev/null
	before=$(kube -n "$NS" get networkpolicy one -o jsonpath='{.metadata.resourceVersion}')
	[ "$(policy one "$NS" | apply | types)" = UNCHANGED ]
	[ "$(kube -n "$NS" get networkpolicy one -o jsonpath='{.metadata.resourceVersion}')" = "$before" ]
}

@test "a conflict is FAILED and names the other manager and the field" {
	policy one "$NS" | apply >/dev/null
	edit one '.spec.egress[0].to[0].ipBlock.cidr = "0.0.0.0/0"'
	run -1 --separate-stderr apply <<<"$(policy one "$NS")"
	[[ "$(jq -r .message <<<"$output")" == *kubectl*.spec.egress* ]]
	[ "$(jq -r .code <<<"$output")" = 409 ]
	[ "$(cidr one)" = 0.0.0.0/0 ]
}

@test "--force-conflicts takes an edit by hand back, and says from whom" {
	policy one "$NS" | apply >/dev/null
	edit one '.spec.egress[0].to[0].ipBlock.cidr = "0.0.0.0/0"'
	result=$(policy one "$NS" | apply --force-conflicts)
	[ "$(jq -r .type <<<"$result")" = APPLIED ]
	[[ "$(jq -r .message <<<"$result")" == "taken back: "*kubectl* ]]
	[ "$(cidr one)" = 10.0.0.0/8 ]
}

@test "labels that others add stay" {
	policy one "$NS" | apply >/dev/null
	kube -n "$NS" label networkpolicy one theirs=yes
	policy one "$NS" 192.0.2.0/24 | apply >/dev/null
	[ "$(kube -n "$NS" get networkpolicy one -o jsonpath='{.metadata.labels.theirs}')" = yes ]
	[ "$(cidr one)" = 192.0.2.0/24 ]
}

@test "an addition to spec that server-side apply would keep is taken out" {
	card='{"type":"APPLY","object":{"apiVersion":"cilium.io/v2","kind":"CiliumNetworkPolicy","metadata":{"namespace":"'$NS'","name":"one","labels":{"app.kubernetes.io/managed-by":"agent-egress"}},"spec":{"endpointSelector":{"matchLabels":{"app":"one"}},"egress":[{}]}}}'
	[ "$(apply <<<"$card" | types)" = APPLIED ]
	kube -n "$NS" patch ciliumnetworkpolicy one --type merge -p '{"spec":{"endpointSelector":{"matchLabels":{"no":"pod"}}}}'
	[ "$(apply --force-conflicts <<<"$card" | types)" = APPLIED ]
	[ "$(kube -n "$NS" get ciliumnetworkpolicy one -o json | jq -c .spec)" = '{"egress":[{}],"endpointSelector":{"matchLabels":{"app":"one"}}}' ]
	[ "$(apply <<<"$card" | types)" = UNCHANGED ]
}

@test "an object that is not ours is neither changed nor deleted, not even by force" {
	policy one "$NS" | jq .object | jq 'del(.metadata.labels)' | kube create -f - >/dev/null
	for operation in policy delete; do
		run -1 --separate-stderr apply --force-conflicts <<<"$($operation one "$NS")"
		[ "$(jq -r .type <<<"$output")" = FAILED ]
		[[ "$(jq -r .message <<<"$output")" == *"left alone"* ]]
	done
	[ "$(kube -n "$NS" get networkpolicy one -o jsonpath='{.metadata.labels}')" = "" ]
}

@test "an APPLY without our label, or of another kind, is refused and the stream goes on" {
	{
		policy one "$NS" | jq -c 'del(.object.metadata.labels)'
		policy one "$NS" | jq -c '.object.kind = "Secret" | .object.apiVersion = "v1"'
		policy one "$NS" | jq -c 'del(.object.metadata.namespace)'
		policy one "$NS"
	} >log
	run -1 --separate-stderr apply <log
	[ "$(types <<<"$output")" = "FAILED FAILED FAILED APPLIED" ]
}

@test "DELETE deletes, is ABSENT when there is nothing, and spares another object of that name" {
	policy one "$NS" | apply >/dev/null
	other=$(delete one "$NS" | jq -c '.object.metadata.uid = "11111111-2222-3333-4444-555555555555"')
	[ "$(apply <<<"$other" | types)" = ABSENT ]
	[ "$(delete one "$NS" | apply | types)" = DELETED ]
	[ "$(delete one "$NS" | apply | types)" = ABSENT ]
	[ -z "$(kube -n "$NS" get networkpolicy -o name)" ]
}

@test "the server's refusal is FAILED with its words, and at the end of input not tried again" {
	run -1 --separate-stderr apply <<<"$(policy one "$NS" not-a-cidr)"
	[ "$(jq -r .code <<<"$output")" = 422 ]
	[[ "$(jq -r .message <<<"$output")" == *"spec.egress[0].to[0].ipBlock.cidr"* ]]
	run -1 --separate-stderr apply <<<"$(policy one no-such-namespace)"
	[ "$(jq -r .code <<<"$output")" = 404 ]
	run -1 --separate-stderr egress-apply --kubeconfig "$(cluster_user "$CLUSTER" nobody)" <<<"$(policy one "$NS")"
	[ "$(jq -r .code <<<"$output")" = 403 ]
	[[ "$(jq -r .message <<<"$output")" == *'"nobody" cannot get'* ]]
}

@test "--dry-run changes nothing and tells what would be done" {
	policy one "$NS" | apply >/dev/null
	policy two "$NS" | apply >/dev/null
	kube -n "$NS" get networkpolicy -o json >before
	for how in client server; do
		{ policy one "$NS" 192.0.2.0/24; policy two "$NS"; delete two "$NS"; policy three "$NS"; } |
			apply --dry-run "$how" --concurrency 1 >results
		[ "$(jq -r '.object.metadata.name + " " + .type' results | sort | xargs)" = "one APPLIED three APPLIED two DELETED" ]
	done
	kube -n "$NS" get networkpolicy -o json | diff before -
}

@test "--diff shows what changes on stderr" {
	policy one "$NS" | apply >/dev/null
	run --separate-stderr apply --diff <<<"$(policy one "$NS" 192.0.2.0/24)"
	[[ "$stderr" == *"--- NetworkPolicy $NS/one"*'-        cidr: "10.0.0.0/8"'*'+        cidr: "192.0.2.0/24"'* ]]
}

@test "--prune deletes what is ours and nothing named, once complete, and only that" {
	{ policy one "$NS"; policy two "$NS"; } | apply >/dev/null
	policy theirs "$NS" | jq .object | jq 'del(.metadata.labels)' | kube create -f - >/dev/null
	policy one "$NS" | apply --prune >/dev/null
	[ "$(kube -n "$NS" get networkpolicy -o name | wc -l)" -eq 3 ]
	{ policy one "$NS"; complete; } | apply --prune >results
	[ "$(kube -n "$NS" get networkpolicy -o name | xargs)" = "networkpolicy.networking.k8s.io/one networkpolicy.networking.k8s.io/theirs" ]
	jq -es --arg namespace "$NS" 'any(.type == "DELETED" and .object.metadata.namespace == $namespace and .object.metadata.name == "two")' results
	[ "$(tail -n 1 results)" = "$(complete)" ]
}

@test "a BOOKMARK comes out after the results of all that came before it" {
	{ for i in {1..100}; do policy "p$i" "$NS"; done; complete; } | apply >results
	[ "$(tail -n 1 results)" = "$(complete)" ]
	[ "$(grep -c APPLIED results)" -eq 100 ]
}

@test "of many changes of one object the last stands, and those between need not be sent" {
	{
		for i in {1..250}; do policy one "$NS" "10.0.$i.0/24"; done
		for i in {1..250}; do policy two "$NS" "10.0.$i.0/24"; delete two "$NS"; done
	} >log
	apply <log >results
	[ "$(cidr one)" = 10.0.250.0/24 ]
	[ "$(kube -n "$NS" get networkpolicy -o name)" = networkpolicy.networking.k8s.io/one ]
	[ "$(wc -l <results)" -lt 100 ]
}

@test "what narrows goes first, what widens late and what deletes last" {
	policy gone "$NS" | apply >/dev/null
	effect() { jq -c --arg effect "$1" '.effect = $effect'; }
	{
		delete gone "$NS"
		policy wide "$NS" | effect widens
		policy unknown "$NS"
		policy new "$NS" | effect new
		policy narrow "$NS" | effect narrows
	} >log
	apply --concurrency 1 <log | jq -r .object.metadata.name | xargs >order
	[ "$(cat order)" = "narrow new unknown wide gone" ]
}

@test "status.networkPolicy of an AgentCard is applied under its own field manager" {
	kube -n "$NS" create -f - <<<'{"apiVersion":"agent.kagenti.dev/v1alpha1","kind":"AgentCard","metadata":{"name":"one"},"spec":{"a":1}}' >/dev/null
	kube -n "$NS" get agentcard one -o json | jq '.status.conditions = []' | kube replace --raw "/apis/agent.kagenti.dev/v1alpha1/namespaces/$NS/agentcards/one/status" -f - >/dev/null
	status='{"type":"APPLY","object":{"apiVersion":"agent.kagenti.dev/v1alpha1","kind":"AgentCard","metadata":{"namespace":"'$NS'","name":"one"},"status":{"networkPolicy":{"name":"p","mode":"Permissive"}}}}'
	[ "$(apply <<<"$status" | types)" = APPLIED ]
	[ "$(apply <<<"$status" | types)" = UNCHANGED ]
	kube -n "$NS" get agentcard one -o json >live
	[ "$(jq -c '[.spec, .status]' live)" = '[{"a":1},{"conditions":[],"networkPolicy":{"mode":"Permissive","name":"p"}}]' ]
	kube get --raw "/apis/agent.kagenti.dev/v1alpha1/namespaces/$NS/agentcards/one" | jq -e '.metadata.managedFields[] | select(.manager == "agent-egress-status" and .operation == "Apply")'
	kube -n "$NS" delete agentcard one >/dev/null
	[ "$(apply <<<"$status" | types)" = ABSENT ]
}

@test "kubectl diff finds nothing in what --dir wrote after the cluster got the same" {
	{ policy one "$NS"; policy two "$NS" | jq -c '.object.spec.egress = []'; } >log
	apply <log >/dev/null
	egress-apply --dir out <log >/dev/null
	# the server counts a new generation for an empty list, which it does not store
	printf '#!/bin/sh\nexec diff -u -N -I "^  generation:" "$@"\n' >differ
	chmod +x differ
	KUBECTL_EXTERNAL_DIFF=./differ kube diff -f out
}

@test "kubectl applies the operations as well as we do" {
	policy one "$NS" | jq -c 'select(.type == "APPLY").object' | kube apply --server-side --field-manager agent-egress -f - >/dev/null
	[ "$(policy one "$NS" | apply | types)" = UNCHANGED ]
}

@test "killing the API server during 1,000 changes loses none" {
	for i in {1..500}; do policy "p$((i % 250))" "$NS" "10.0.$((i % 250)).0/24"; done >first
	for i in {1..500}; do policy "p$((i % 250))" "$NS" "10.1.$((i % 250)).0/24"; done >second
	mkfifo gate
	apply <gate >results 2>messages 3>&- &
	local apply=$!
	exec 4>gate
	cat first >&4
	_cluster_until 240 test -s results
	cluster_kill_apiserver "$CLUSTER"
	cat second >&4
	cluster_restart_apiserver "$CLUSTER"
	exec 4>&-
	wait "$apply"
	kube -n "$NS" get networkpolicy -o json | jq -r '.items[].spec.egress[0].to[0].ipBlock.cidr' | sort >live
	for i in {0..249}; do echo "10.1.$i.0/24"; done | sort | diff - live
	grep -q "answers again" messages
}

@test "a connection that is open but forgotten by a balancer is left after the time of a request" {
	load pipeline
	local relay
	relay=$(relay "$CLUSTER/kubeconfig")
	mkfifo gate
	egress-apply --kubeconfig "$relay" <gate >results 2>messages 3>&- &
	local apply=$!
	exec 4>gate
	policy one "$NS" >&4
	_cluster_until 240 test -s results
	relay_forgets
	policy two "$NS" >&4
	policy three "$NS" >&4
	_cluster_until 240 eval '[ "$(wc -l <results)" -eq 3 ]'
	exec 4>&-
	wait "$apply"
	relay_end
	[ "$(types <results)" = "APPLIED APPLIED APPLIED" ]
}

@test "a server that stays away ends in FAILED and status 1" {
	sed 's|server: .*|server: https://127.0.0.1:1|' "$CLUSTER/kubeconfig" >away
	run -1 --separate-stderr egress-apply --kubeconfig away --retry 0 <<<"$(policy one "$NS")"
	[[ "$(jq -r .message <<<"$output")" == "given up: "* ]]
}

@test "a server whose certificate is not trusted ends the program with status 3" {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=other -keyout k -out c 2>/dev/null
	sed "s|certificate-authority-data: .*|certificate-authority-data: $(base64 -w 0 c)|" "$CLUSTER/kubeconfig" >other
	run -3 --separate-stderr egress-apply --kubeconfig other <<<"$(policy one "$NS")"
	[ "$(types <<<"$output")" = FAILED ]
}

@test "SIGTERM finishes what is in flight and reports what was not applied" {
	mkfifo gate
	cluster_stop_apiserver "$CLUSTER"
	egress-apply --kubeconfig "$CLUSTER/kubeconfig" <gate >results 2>messages 3>&- &
	local apply=$!
	exec 4>gate
	for i in {1..50}; do policy "p$i" "$NS"; done >&4
	_cluster_until 240 grep -q "asking again" messages
	kill -TERM "$apply"
	local ended=0
	wait "$apply" || ended=$?
	exec 4>&-
	cluster_restart_apiserver "$CLUSTER"
	[ "$ended" -eq 1 ]
	[ "$(grep -c FAILED results)" -eq 50 ]
}

@test "SIGTERM with nothing left to do is a clean end" {
	mkfifo gate
	egress-apply --kubeconfig "$CLUSTER/kubeconfig" <gate >results 3>&- &
	local apply=$!
	exec 4>gate
	policy one "$NS" >&4
	_cluster_until 240 test -s results
	kill -TERM "$apply"
	wait "$apply"
	exec 4>&-
}

# judged NAME REASON MESSAGE [PROBLEMS]: a policy, with what egress-translate says of its card
judged() {
	policy "$1" "$NS" | jq -c --arg namespace "$NS" --arg name "$1" --arg reason "$2" --arg message "$3" --argjson problems "${4:-[]}" \
		'. + {reason: $reason, message: $message, problems: $problems, agentCard: {namespace: $namespace, name: $name, uid: "u-1"}}
		| .object.metadata.ownerReferences = [{apiVersion: "agent.kagenti.dev/v1alpha1", kind: "AgentCard", name: $name, uid: "u-1"}]'
}

events() { kube -n "$NS" get events -o json | jq -c '[.items[] | [.involvedObject.name, .reason, .message]] | sort[]'; }

@test "--events tells of invalid rules and of agents that are not verified, on the AgentCard, once" {
	{
		judged bad RulesInvalid "all egress is denied" '[{"field":"spec.networkPolicy.egress[0]","value":"x","message":"Invalid value"},{"severity":"warning","field":"w","message":"w"}]'
		judged lost NotVerified "not verified: Expired"
		judged fine EgressUnset verified '[{"severity":"warning","field":"w","value":"","message":"w"}]'
	} >log
	cat log log | apply --events >/dev/null
	apply --events <log >/dev/null
	diff - <(events) <<-'END'
		["bad","RulesInvalid","all egress is denied: spec.networkPolicy.egress[0]: Invalid value"]
		["lost","NotVerified","not verified: Expired"]
	END
	kube -n "$NS" get events -o json | jq -e '.items[0].involvedObject | .kind == "AgentCard" and .apiVersion == "agent.kagenti.dev/v1alpha1" and .uid == "u-1"'
	judged lost NotVerified "not verified: SignatureInvalid" | apply --events >/dev/null
	[ "$(events | grep -c '^\["lost"')" -eq 2 ]
}

@test "without --events, or in a dry run, no Event is written" {
	judged lost NotVerified "not verified" | apply >/dev/null
	judged gone NotVerified "not verified" | apply --events --dry-run server >/dev/null
	[ -z "$(events)" ]
}

@test "an Event that is refused is a warning, and the policy is what counts" {
	kube create clusterrole "$NS" --verb=get,create,patch --resource=networkpolicies.networking.k8s.io >/dev/null
	kube create clusterrolebinding "$NS" --clusterrole="$NS" --user=nobody >/dev/null
	run -0 --separate-stderr egress-apply --events --kubeconfig "$(cluster_user "$CLUSTER" nobody)" <<<"$(judged lost NotVerified "not verified")"
	kube delete clusterrolebinding "$NS" >/dev/null
	[ "$(types <<<"$output")" = APPLIED ]
	[[ "$stderr" == *"cannot tell Event lost."*'cannot create resource "events"'* ]]
}

@test "--prune deletes nothing when a record could not be used, since that may have named it" {
	policy one "$NS" | apply >/dev/null
	run -1 --separate-stderr apply --prune <<<"not JSON"$'\n'"$(complete)"
	[[ "$stderr" == *"nothing is pruned"* ]]
	run -1 --separate-stderr apply --prune <<<"$(policy one "$NS" | jq -c 'del(.object.metadata.labels)')"$'\n'"$(complete)"
	[[ "$stderr" == *"nothing is pruned"* ]]
	[ "$(cidr one)" = 10.0.0.0/8 ]
}

@test "a status that lost a member loses it in the cluster too" {
	kube -n "$NS" create -f - <<<'{"apiVersion":"agent.kagenti.dev/v1alpha1","kind":"AgentCard","metadata":{"name":"one"},"spec":{}}' >/dev/null
	status='{"type":"APPLY","object":{"apiVersion":"agent.kagenti.dev/v1alpha1","kind":"AgentCard","metadata":{"namespace":"'$NS'","name":"one"},"status":{"networkPolicy":{"name":"p","message":"bad"}}}}'
	apply <<<"$status" >/dev/null
	[ "$(apply <<<"${status/,\"message\":\"bad\"/}" | types)" = APPLIED ]
	[ "$(kube -n "$NS" get agentcard one -o json | jq -c .status.networkPolicy)" = '{"name":"p"}' ]
}

@test "what others do to one object meanwhile never ends in anything but what was asked" {
	policy one "$NS" | apply >/dev/null
	for i in {1..40}; do
		kube -n "$NS" patch networkpolicy one --type merge -p '{"spec":{"egress":[{"to":[{"ipBlock":{"cidr":"10.9.'"$i"'.0/24"}}]}]}}' >/dev/null
	done &
	local other=$!
	for i in {1..40}; do policy one "$NS" "10.0.$i.0/24" | apply --force-conflicts >/dev/null; done
	wait "$other"
	policy one "$NS" 192.0.2.0/24 | apply --force-conflicts >/dev/null
	[ "$(kube -n "$NS" get networkpolicy one -o json | jq -c .spec.egress)" = '[{"ports":[{"port":443,"protocol":"TCP"}],"to":[{"ipBlock":{"cidr":"192.0.2.0/24"}}]}]' ]
}

# hold COMMAND...: its input stays open, as in a live pipeline; write to it by >&4
hold() {
	mkfifo gate
	"$@" <gate >results 2>messages 3>&- &
	APPLY=$!
	exec 4>gate
}

# release STATUS: it ends, with this status
release() {
	local ended=0
	exec 4>&-
	wait "$APPLY" || ended=$?
	[ "$ended" -eq "$1" ]
}

@test "what a quota and a missing right refuse is applied when room and right are there" {
	kube -n "$NS" create quota full --hard=count/networkpolicies.networking.k8s.io=0 >/dev/null
	# as kube-controller-manager would, which does not run here
	kube -n "$NS" get quota full -o json | jq '.status = {hard: .spec.hard, used: .spec.hard}' |
		kube replace --raw "/api/v1/namespaces/$NS/resourcequotas/full/status" -f - >/dev/null
	kube create clusterrole "$NS" --verb=get,create,patch --resource=networkpolicies.networking.k8s.io >/dev/null
	hold egress-apply --kubeconfig "$(cluster_user "$CLUSTER" nobody)" --retry-after 1
	for i in 1 2 3; do policy "p$i" "$NS" >&4; done
	_cluster_until 240 eval '[ "$(grep -c "cannot get" results)" -eq 3 ]'
	kube create clusterrolebinding "$NS" --clusterrole="$NS" --user=nobody >/dev/null
	_cluster_until 240 eval '[ "$(grep -c "exceeded quota" results)" -eq 3 ]'
	kube -n "$NS" delete quota full >/dev/null
	_cluster_until 240 eval '[ "$(grep -c APPLIED results)" -eq 3 ]'
	release 1
	kube delete clusterrolebinding "$NS" >/dev/null
	[ "$(kube -n "$NS" get networkpolicy -o name | wc -l)" -eq 3 ]
}

@test "an apply that creates is refused when somebody was first, and one for another object of that name as well" {
	policy one "$NS" | apply >/dev/null
	uid=$(kube -n "$NS" get networkpolicy one -o jsonpath='{.metadata.uid}')
	patch() { # METADATA
		policy one "$NS" 192.0.2.0/24 | jq -c --argjson metadata "$1" '.object | .metadata += $metadata' >body
		cluster_curl "$CLUSTER" "/apis/networking.k8s.io/v1/namespaces/$NS/networkpolicies/one?fieldManager=agent-egress" \
			-s -o answer -w '%{http_code}' -X PATCH -H 'Content-Type: application/apply-patch+yaml' --data-binary @body
	}
	[ "$(patch '{"resourceVersion":"1"}')" = 409 ]
	[ "$(patch '{"uid":"11111111-2222-3333-4444-555555555555"}')" = 422 ]
	jq -e '.details.causes[] | select(.field == "metadata.uid")' answer
	kube -n "$NS" delete networkpolicy one >/dev/null
	[ "$(patch "{\"uid\":\"$uid\",\"resourceVersion\":\"5\"}")" = 409 ]
	[ "$(patch '{"resourceVersion":"1"}')" = 201 ]
}

# agent NAME [JQ]: the line of an agent whose only object is the policy NAME
agent() {
	jq -nc --arg namespace "$NS" --arg name "$1" --arg uid "$(kube -n "$NS" get agentcard "$1" -o jsonpath='{.metadata.uid}')" '{type: "AGENT",
		agentCard: {namespace: $namespace, name: $name, uid: $uid}, verified: true, reason: "EgressRules", egress: "scoped",
		confined: true, gaps: [], problems: [], rulesDigest: "d1", observedGeneration: 1,
		objects: [{apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", namespace: $namespace, name: $name}]} | '"${2:-.}"
}

card() {
	kube -n "$NS" create -f - <<<'{"apiVersion":"agent.kagenti.dev/v1alpha1","kind":"AgentCard","metadata":{"name":"'"$1"'"},"spec":{}}' >/dev/null
}

# As the operator does: its own condition, by a read-change-PUT of the whole status.
verified() {
	kube -n "$NS" get agentcard "$1" -o json |
		jq '.status.conditions = [(.status.conditions // [])[] | select(.type != "Verified")] + [{type: "Verified", status: "True", reason: "Ok", message: "", lastTransitionTime: "2026-01-01T00:00:00Z"}]' |
		kube replace --raw "/apis/agent.kagenti.dev/v1alpha1/namespaces/$NS/agentcards/$1/status" -f - >/dev/null
}

@test "--status leaves the operator's conditions alone, where they are one value and where they are a list by type" {
	card one
	verified one
	{ policy one "$NS"; agent one; complete; } | apply --status >results
	[ "$(jq -r .type results | xargs)" = "APPLIED AGENT APPLIED BOOKMARK" ]
	kube -n "$NS" get agentcard one -o json >live
	jq -e '(.status.conditions | map(.type)) == ["Verified"] and .status.networkPolicy.conditions[0].type == "Confined" and .status.networkPolicy.confined' live
	kube get crd agentcards.agent.kagenti.dev -o json >before
	jq 'del(.status) | .spec.versions[0].schema.openAPIV3Schema.properties.status.properties.conditions = {type: "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"],
		items: {type: "object", required: ["type"], properties: {type: {type: "string"}}, "x-kubernetes-preserve-unknown-fields": true}}' before | kube replace -f - >/dev/null
	both() {
		{ policy one "$NS"; agent one; } | apply --status >/dev/null
		[ "$(kube -n "$NS" get agentcard one -o json | jq -c '[.status.conditions[].type] | sort')" = '["Confined","Verified"]' ]
	}
	# the server takes a while to serve another definition
	_cluster_until 240 both
	verified one
	[ "$(kube -n "$NS" get agentcard one -o json | jq -c '[.status.conditions[].type] | sort')" = '["Confined","Verified"]' ]
	[ "$({ policy one "$NS"; agent one; } | apply --status | jq -r .type | xargs)" = "UNCHANGED AGENT UNCHANGED" ]
	kube -n "$NS" get agentcard one -o json | jq 'del(.status.networkPolicy) | .status.conditions |= map(select(.type == "Verified"))' |
		kube replace --raw "/apis/agent.kagenti.dev/v1alpha1/namespaces/$NS/agentcards/one/status" -f - >/dev/null
	[ "$({ policy one "$NS"; agent one; } | apply --status | jq -r .type | xargs)" = "UNCHANGED AGENT APPLIED" ]
	[ "$(kube -n "$NS" get agentcard one -o json | jq -c '[.status.conditions[].type] | sort')" = '["Confined","Verified"]' ]
	kube get crd agentcards.agent.kagenti.dev -o json | jq --slurpfile before before '.spec.versions = $before[0].spec.versions' | kube replace -f - >/dev/null
}
