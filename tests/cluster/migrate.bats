# pipelines/migrate: a whole way in from the operator with thirty agents, killed in between, and the way back
# from the middle, on a real API server. A watch of all policies shows that no agent is wider at any
# moment than before, nor cut off without having been named.

bats_require_minimum_version 1.5.0

# shellcheck disable=SC2154 # stderr is set by bats' run

load server
load sample
load operator

ROOT=$BATS_TEST_DIRNAME/../..

kube() { cluster_kubectl "$CLUSTER" "$@"; }
migrate() { "$ROOT/pipelines/migrate" "$@"; }

# --- The world ------------------------------------------------------------------------------------

RULES='[{"to":[{"ipBlock":{"cidr":"203.0.113.0/24"}}],"ports":[{"protocol":"TCP","port":443}]}]'
SIGNED='r01 r02 r03 r04 r05 r06 r07 r08 r09 r10 r11 r12 shut1 shut2 shut3 shut4 free1 free2 free3 free4'
MTLS='mtls1 mtls2 mtls3 mtls4'

# The namespace of an agent: two of them
where() { case $1 in *[13579] | *[13579]-v2) echo team-a ;; *) echo team-b ;; esac; }
rules_of() { case $1 in r* | moved*) echo "$RULES" ;; shut*) echo '[]' ;; *) echo null ;; esac; }

# spread NAMESPACE NAME WORKLOAD: workload and signed card
signed_agent() { # NAME [WORKLOAD]
	local namespace
	namespace=$(where "$1")
	workload Deployment "$namespace" "${2:-$1}" "$1" | with_pods_of "${2:-$1}"
	signed "$namespace" "${2:-$1}" 'do things' "$1"
}
# the operator's selector is the template's labels
with_pods_of() { jq --arg app "$1" '.spec.selector.matchLabels = {app: $app, "kagenti.io/type": "agent"}'; }
card() { # NAME: with the operator's finalizers
	agentcard "$(where "$1")" "$1" "Deployment/$1" "$(rules_of "$1")" |
		jq '.metadata.finalizers = ["agentcard.kagenti.dev/finalizer", "agentcard.kagenti.dev/network-policy"]'
}

world() {
	local name
	for name in spire-system team-a team-b kagenti-system; do namespace "$name"; done
	trust_bundle | jq '.metadata.name = "bundle" | .data |= {"here.json": .["bundle.spiffe"]}'
	for name in $SIGNED moved1 moved2; do signed_agent "$name"; done
	for name in moved1 moved2; do signed_agent "$name" "$name-v2"; done
	for name in $MTLS plain1 plain2 gone1 gone2; do workload Deployment "$(where "$name")" "$name" | with_pods_of "$name"; done
	for name in $SIGNED $MTLS plain1 plain2 gone1 gone2 moved1 moved2; do card "$name"; done
	operator_deployment true
	# what runs it: no controller is there to make these
	operator_deployment true | jq '.kind = "ReplicaSet" | .metadata.name += "-7d4"'
	operator_deployment true | jq '{apiVersion: "v1", kind: "Pod", metadata: {name: "\(.metadata.name)-7d4-x", namespace: .metadata.namespace,
		labels: .spec.template.metadata.labels}, spec: .spec.template.spec}'
}

operator_deployment() { # SWITCHED-ON
	jq -n --arg on "$1" '{"control-plane": "controller-manager"} as $labels
		| {apiVersion: "apps/v1", kind: "Deployment", metadata: {name: "kagenti-controller-manager", namespace: "kagenti-system"},
		 spec: {replicas: 1, selector: {matchLabels: $labels}, template: {metadata: {labels: $labels}, spec: {containers: [
			{name: "manager", image: "operator", command: ["/manager"], args: ["--leader-elect", "--require-a2a-signature=true",
			 "--enforce-network-policies=\($on)", "--spire-trust-domain", "example.org", "--spire-trust-bundle-configmap=bundle",
			 "--spire-trust-bundle-configmap-namespace=spire-system", "--spire-trust-bundle-configmap-key=here.json"]}]}}}}'
}

# concluded NAME REASON: the operator's verdict on its card
concluded() {
	local namespace path
	namespace=$(where "$1")
	path=/apis/agent.kagenti.dev/v1alpha1/namespaces/$namespace/agentcards/$1/status
	jq -n --arg name "$1" --arg namespace "$namespace" --arg reason "$2" '{status: {targetRef: {apiVersion: "apps/v1", kind: "Deployment", name: $name},
		attestedAgentSpiffeId: "spiffe://example.org/ns/\($namespace)/sa/\($name)",
		conditions: [{type: "Verified", status: (if $reason == "" then "False" else "True" end), reason: (if $reason == "" then "NotVerified" else $reason end),
			message: "", lastTransitionTime: "2026-01-01T00:00:00Z"}]}}' >status.json
	cluster_curl "$CLUSTER" "$path" -f -o /dev/null -X PATCH -H 'Content-Type: application/merge-patch+json' --data-binary @status.json
}

uid_of() { jq -r --arg name "$1" '.items[].metadata | select(.name == $name).uid' cards.json; }
operators_policies() {
	local name
	for name in $SIGNED $MTLS gone1 gone2 moved1 moved2; do operator_object "$name" anywhere "$name" "$(uid_of "$name")" "$(where "$name")"; done
	for name in moved1 moved2; do operator_object "$name-v2" anywhere "$name" "$(uid_of "$name")" "$(where "$name")"; done
	for name in plain1 plain2; do operator_object "$name" server "$name" "$(uid_of "$name")" "$(where "$name")"; done
}

make_world() {
	local name definition=crd-agentcards.yaml
	cluster_is_current || definition=crd-agentcards-1.20.yaml
	kube create -f "$ROOT/pipelines/kubernetes/$definition" >/dev/null
	cluster_established "$CLUSTER"
	_cluster_until 240 cluster_curl "$CLUSTER" /apis/agent.kagenti.dev/v1alpha1/agentcards -f -o /dev/null
	sample_authorities
	world | kube create -f - >/dev/null
	kube get agentcards -A -o json >cards.json
	operators_policies | kube create --field-manager manager -f - >/dev/null
	for name in $SIGNED; do concluded "$name" SignatureVerified; done
	for name in $MTLS; do concluded "$name" mTLSVerified; done
	for name in moved1 moved2; do
		kube -n "$(where "$name")" patch agentcard "$name" --type merge -p "{\"spec\":{\"targetRef\":{\"name\":\"$name-v2\"}}}" >/dev/null
	done
	for name in gone1 gone2; do
		kube -n "$(where "$name")" patch agentcard "$name" --type merge -p '{"metadata":{"finalizers":null}}' >/dev/null
		kube -n "$(where "$name")" delete agentcard "$name" --wait=false >/dev/null
	done
}

setup_file() {
	cluster_find 2>"$BATS_FILE_TMPDIR/missing" || return 0
	export CLUSTER=$BATS_FILE_TMPDIR/cluster KUBECONFIG=$BATS_FILE_TMPDIR/cluster/kubeconfig
	unset "${!EGRESS_@}"
	cluster_start "$CLUSTER" nobody
	cd "$BATS_FILE_TMPDIR" || return 1
	make_world
	watch_policies
}

teardown_file() {
	[ -n "${CLUSTER:-}" ] || return 0
	kill "$(cat "$BATS_FILE_TMPDIR/watcher")" 2>/dev/null || true
	cluster_stop "$CLUSTER"
}

setup() {
	[ -n "${CLUSTER:-}" ] || skip "$(cat "$BATS_FILE_TMPDIR/missing")"
	cd "$BATS_FILE_TMPDIR" || exit
	unset "${!EGRESS_@}"
}

# --- What is looked at ----------------------------------------------------------------------------

# Every write to a policy of the cluster from now on, a line each, into `watched`.
watch_policies() {
	kube get networkpolicies -A -o json >before.json
	cluster_curl "$CLUSTER" "/apis/networking.k8s.io/v1/networkpolicies?watch=1&resourceVersion=$(jq -r .metadata.resourceVersion before.json)" \
		-N >watched 2>/dev/null 3>&- &
	echo $! >watcher
}

# A watch that is told of this has told of all that came before.
watched_all() {
	jq -n '{apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", metadata: {generateName: "mark-", namespace: "spire-system"}, spec: {podSelector: {}}}' |
		kube create -f - -o name >mark
	_cluster_until 240 grep -q "\"name\":\"$(sed 's|.*/||' mark)\"" watched
}

# never_wider NAMED: of all writes up to here, none lets an agent reach more than the one before, none deletes, and
# those that cut off from anywhere are of agents in the file NAMED.
never_wider() {
	watched_all
	jq -n -L "$ROOT/pipelines" --rawfile named "$1" --slurpfile before before.json 'include "migrate";
		($named | split("\n")) as $named
		| reduce (inputs | select(.object.metadata.namespace != "spire-system")) as $event ({now: ([$before[0].items[] | {(key): allows}] | add), wrong: [], cut: []};
			($event.object | key) as $key | ($event.object | allows) as $after | (.now[$key] // "anywhere") as $was
			| if $event.type == "DELETED" then .wrong += ["\($key) deleted"]
			  elif ($after | rank) > ($was | rank) then .wrong += ["\($key): \($was) to \($after)"]
			  elif $was == "anywhere" and ($after | IN("server", "nothing")) then
				($event.object.metadata | "\(.namespace)/\(.labels["kagenti.dev/agentcard"])") as $agent
				| .cut += [$agent] | if $agent | IN($named[]) then . else .wrong += ["\($agent) cut off"] end
			  else . end
			| .now[$key] = $after)' watched >judged
	[ "$(jq -c .wrong judged)" = '[]' ] || { jq .wrong judged && return 1; }
}

versions() { kube get networkpolicies,agentcards -A -o json | jq -r '.items[] | "\(.kind) \(.metadata.namespace)/\(.metadata.name) \(.metadata.resourceVersion)"' | grep -v mark-; }
managed() { kube get networkpolicies -A -o json | jq -r --arg by "$1" '[.items[] | select(.metadata.labels["managed-by"] == $by)] | length'; }
with_finalizer() { kube get agentcards -A -o json | jq '[.items[] | select(any(.metadata.finalizers[]?; endswith("/network-policy")))] | length'; }
named_by_check() { sed -n '/would be cut off:$/,/^[^ ]/s|^  \([^ :]*\): .*|\1|p' "$1" | sort; }

# killing PROGRAM SCRIPT: a program of that name in $PWD/killing, before the real one
killing() {
	mkdir -p killing
	printf '#!/bin/bash\nreal=%q\n%s\n' "$(type -P "$1")" "$2" >"killing/$1"
	chmod +x "killing/$1"
}

# --- The way ----------------------------------------------------------------------------------------

@test "check names what would be cut off and why, the operator's flags as ours, and what nothing asks for; it changes nothing" {
	versions >as-it-was
	run -1 --separate-stderr migrate check
	echo "$output" >check
	named_by_check check >named
	{
		for name in mtls1 mtls3 shut1 shut3; do echo "team-a/$name"; done
		for name in mtls2 mtls4 shut2 shut4; do echo "team-b/$name"; done
	} | diff - named
	[ "$(grep -c '^  team-./mtls.: the API server alone: mTLS: ' check)" -eq 4 ]
	[ "$(grep -c '^  team-./shut.: nothing: its card asks for no egress$' check)" -eq 4 ]
	grep -qx "  EGRESS_VERIFY_FLAGS='--trust-domain example.org --trust-bundle-configmap spire-system/bundle:here.json'" check
	grep -qx "  EGRESS_WATCH_FLAGS='--trust-bundle-configmap spire-system/bundle'" check
	[ "$(sed -n '/nothing asks for/,/^[^ ]/s/^  team-.\/\([a-z0-9]*\)-signature-policy: .*/\1/p' check | sort | xargs)" = 'gone1 gone2 moved1 moved2' ]
	grep -q 'moved1 names moved1-v2 now' check
	grep -qx '28 agents: 24 verified there, 22 here; 8 would be cut off' check
	versions | diff as-it-was -
}

@test "check says what form, bundle and rights cost" {
	EGRESS_VERIFY_FLAGS='--trust-domain example.org' run -1 migrate check
	[ "$(grep -c 'the API server alone: bundle: another place' <<<"$output")" -eq 20 ]
	EGRESS_VERIFY_FLAGS='--trust-domain example.org --trust-bundle-configmap spire-system/bundle:here.json --canonical a2a-python-1' run -1 migrate check
	[ "$(grep -c 'the API server alone: form: ' <<<"$output")" -eq 20 ]
	KUBECONFIG=$(cluster_user "$CLUSTER" nobody) run -3 --separate-stderr migrate check
	[[ "$stderr" == *forbidden* ]]
	kube create clusterrole reader --verb=get,list,watch --resource='*.*' >/dev/null
	kube create clusterrolebinding reader --clusterrole=reader --user=nobody >/dev/null
	KUBECONFIG=$(cluster_user "$CLUSTER" nobody) run -1 migrate check
	[[ "$output" == *'These rights are missing'*'  create networkpolicies.networking.k8s.io'*'  update agentcards.agent.kagenti.dev/finalizers'* ]]
	[[ "$output" != *'  list '* ]]
}

@test "dry-run says what narrows, agent by agent, and what would be adopted; it changes nothing" {
	versions >as-it-was
	run -1 --separate-stderr migrate dry-run
	[ "$(grep -cE '^team-./r.. +anywhere +rules +narrows ' <<<"$output")" -eq 12 ]
	[ "$(grep -cE '^team-./free. +anywhere +anywhere +same ' <<<"$output")" -eq 4 ]
	[ "$(grep -cE '^team-./plain. +server +server +same ' <<<"$output")" -eq 2 ]
	grep -qx 'ADOPTED 28' <<<"$output"
	versions | diff as-it-was -
}

@test "while the operator's part is on, or pods of its old revision are left, nothing is adopted" {
	migrate save saved
	run -2 --separate-stderr migrate save saved
	versions >as-it-was
	run -1 --separate-stderr migrate adopt saved
	[[ "$output" == *'  Deployment kagenti-system/kagenti-controller-manager'* ]]
	operator_deployment false | kube replace -f - >/dev/null
	run -1 --separate-stderr migrate adopt saved
	[[ "$output" != *'  Deployment '* && "$output" == *'  ReplicaSet kagenti-system/'* && "$output" == *'  Pod kagenti-system/'* ]]
	run -1 --separate-stderr migrate finish
	run -1 migrate stopped
	kube -n kagenti-system delete replicaset kagenti-controller-manager-7d4 --wait=false >/dev/null 2>&1
	kube -n kagenti-system delete pod kagenti-controller-manager-7d4-x --grace-period=0 --force >/dev/null 2>&1
	run -0 migrate stopped
	versions | diff as-it-was -
}

@test "an agent that would be cut off and is not named, or a policy that is not saved, stops adopt before it changes anything" {
	versions >as-it-was
	jq '.cutOff -= ["team-a/mtls1"]' saved >fewer
	run -1 --separate-stderr migrate adopt fewer
	[[ "$output" == *'  team-a/mtls1: mTLS: '* ]]
	jq 'del(.policies[0])' saved >fewer
	run -1 --separate-stderr migrate adopt fewer
	[[ "$output" == *'are not in fewer:'* ]]
	echo '{}' >fewer
	run -3 --separate-stderr migrate adopt fewer
	versions | diff as-it-was -
}

@test "killed in the middle of adopt, and of rollback, the way back gives every policy its labels again and keeps its rules" {
	# shellcheck disable=SC2016
	killing egress-apply 'head -n 24 | "$real" "$@"
		kill -KILL $PPID'
	PATH=$PWD/killing:$PATH run -137 migrate adopt saved
	rm -r killing
	adopted=$(managed agent-egress)
	[ "$adopted" -gt 5 ]
	[ "$adopted" -lt 25 ]
	kube get networkpolicies -A -o json | jq -c '.items[] | select(.metadata.name | startswith("mark") | not) | [.metadata.namespace, .metadata.name, .spec]' >rules
	# shellcheck disable=SC2016
	killing kubectl 'case " $* " in *" patch "*) [ -e patched ] && kill -KILL $PPID; touch patched ;; esac
		exec "$real" "$@"'
	PATH=$PWD/killing:$PATH run -137 migrate rollback saved
	rm -r killing
	[ "$(managed agent-egress)" -gt 0 ]
	run -0 migrate rollback saved
	[[ "$output" == *'--enforce-network-policies=true'* ]]
	[ "$(managed agent-egress)" = 0 ]
	kube get networkpolicies -A -o json >back.json
	jq -c '.items[] | select(.metadata.name | startswith("mark") | not) | [.metadata.namespace, .metadata.name, .spec]' back.json | diff rules -
	diff <(jq -c '.policies[].metadata | [.namespace, .name, .labels, .ownerReferences]' saved | sort) \
		<(jq -c '.items[].metadata | select(.name | startswith("mark") | not) | [.namespace, .name, .labels, .ownerReferences]' back.json | sort)
	never_wider named
	run -0 migrate rollback saved
	# ours keeps its hands off
	run -1 --separate-stderr bash -c 'egress-watch --once | egress-verify --trust-domain example.org | egress-translate | egress-apply'
	[ "$(jq -r 'select(.type == "FAILED").message' <<<"$output" | grep -c 'left alone')" -ge 28 ]
}

@test "killed in the middle of each step and run again, every policy becomes ours, and no agent is wider or cut off unnamed" {
	# shellcheck disable=SC2016
	killing egress-apply 'head -n 30 | "$real" "$@"
		kill -KILL $PPID'
	PATH=$PWD/killing:$PATH run -137 migrate adopt saved
	rm -r killing
	run -1 --separate-stderr migrate finish
	[[ "$stderr" == *'adopt comes first'* ]]
	[ "$(with_finalizer)" -gt 0 ]
	run -0 migrate adopt saved
	[ "$(managed agent-egress)" = 28 ]
	[ "$(grep -c ': UNCHANGED: Orphaned' <<<"$output")" -eq 4 ]
	cards=$(with_finalizer)
	# shellcheck disable=SC2016
	killing kubectl 'case " $* " in *" patch "*) "$real" "$@"; [ "$(wc -l <taken)" -lt 3 ] || kill -KILL $PPID; echo >>taken; exit ;; esac
		exec "$real" "$@"'
	: >taken
	PATH=$PWD/killing:$PATH run -137 migrate finish
	rm -r killing
	[ "$(with_finalizer)" -eq $((cards - 4)) ]
	run -0 migrate finish
	[ "$(with_finalizer)" = 0 ]
	# the operator's other finalizer stays
	[ "$(kube -n team-a get agentcard r01 -o jsonpath='{.metadata.finalizers[*]}')" = agentcard.kagenti.dev/finalizer ]
	never_wider named
	# and every agent that was named was meant
	jq -r '.cut | unique[]' judged | diff named -
	run -0 migrate adopt saved
	grep -qx 'UNCHANGED 32' <<<"$output"
}
