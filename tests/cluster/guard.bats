#!/usr/bin/env bats
# The guards of pipelines/kubernetes/guard, on an API server that has them.

bats_require_minimum_version 1.5.0

load server

guard=$BATS_TEST_DIRNAME/../../pipelines/kubernetes/guard
operator=system:serviceaccount:kagenti-system:kagenti-operator-controller-manager
writer=system:serviceaccount:agent-egress-system:agent-egress-apply
collector=system:serviceaccount:kube-system:generic-garbage-collector

setup_file() {
	if [ "${CLUSTER_VERSION:-}" = 1.20 ]; then
		echo "the guards need 1.36 or later; CLUSTER=current has it" >"$BATS_FILE_TMPDIR/missing"
		return 0
	fi
	export CLUSTER_VERSION=current
	cluster_find 2>"$BATS_FILE_TMPDIR/missing" || return 0
	export DIR=$BATS_FILE_TMPDIR/cluster
	cluster_start "$DIR"
	local minor
	minor=$(cluster_curl "$DIR" /version | jq -r '.minor | rtrimstr("+") | tonumber')
	if [ "$minor" -lt 36 ]; then
		echo "this server (1.$minor) has no MutatingAdmissionPolicy v1: it needs 1.36 or later" >"$BATS_FILE_TMPDIR/missing"
		cluster_stop "$DIR"
		return 0
	fi
	touch "$BATS_FILE_TMPDIR/ready"
	cluster_kubectl "$DIR" create -f "$guard/../crd-agentcards.yaml"
	cluster_established "$DIR"
	cluster_kubectl "$DIR" create namespace agents
	cluster_kubectl "$DIR" create namespace agent-egress-system
	cluster_kubectl "$DIR" create clusterrolebinding everything --clusterrole=cluster-admin \
		--group=system:serviceaccounts --user=dev --user=system:kube-controller-manager
	cluster_kubectl "$DIR" apply --server-side -f "$guard"
	until_guarded
}

teardown_file() {
	[ ! -e "$BATS_FILE_TMPDIR/ready" ] || cluster_stop "$DIR"
}

setup() {
	[ -e "$BATS_FILE_TMPDIR/ready" ] || skip "$(cat "$BATS_FILE_TMPDIR/missing")"
	cd "$BATS_TEST_TMPDIR" || return 1
	name=c$BATS_TEST_NUMBER
}

as() { # USER ARGUMENT...: kubectl as somebody
	local user=$1
	shift
	cluster_kubectl "$DIR" --as "$user" --as-group system:authenticated --as-group system:serviceaccounts -n agents "$@"
}

card() { # NAME NETWORK-POLICY [ANNOTATION]
	jq -n --arg name "$1" --argjson policy "$2" --arg removed "${3:-}" '
		{apiVersion: "agent.kagenti.dev/v1alpha1", kind: "AgentCard", metadata: {name: $name, namespace: "agents"},
		 spec: ({targetRef: {apiVersion: "apps/v1", kind: "Deployment", name: $name}}
			+ if $policy == "gone" then {} else {networkPolicy: $policy} end)}
		| if $removed == "" then . else .metadata.annotations = {"agent-egress.dev/network-policy-removed": $removed} end'
}

policy() { # NAME
	jq -n --arg name "$1" '
		{apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy",
		 metadata: {name: $name, labels: {"app.kubernetes.io/managed-by": "agent-egress"},
			ownerReferences: [{apiVersion: "agent.kagenti.dev/v1alpha1", kind: "AgentCard", name: "x", uid: "u"}]},
		 spec: {podSelector: {}, policyTypes: ["Egress"], egress: []}}'
}

stored() { as dev get agentcard "$name" -o json | jq -c '.spec | if has("networkPolicy") then .networkPolicy else "gone" end'; }

# A server takes a moment until it judges by a new policy: each guard is asked until it answers.
until_guarded() {
	local until=$((SECONDS + 120))
	name=probe
	until card probe '{"egress":[]}' | as dev create -f -; do
		[ $SECONDS -le $until ] || return 1
		sleep 0.2
	done
	until [ $SECONDS -gt $until ]; do
		# one that fails, because the server does not know the kind of the policy yet, is no answer
		{ card probe '{"egress":[{}]}' | as "$operator" replace -f - && card probe '"gone"' | as dev replace -f -; } >/dev/null 2>&1 ||
			{ sleep 0.2 && continue; }
		if [ "$(stored)" = '{"egress":[]}' ]; then
			! policy probe | as dev create -f - 2>/dev/null || { as dev delete networkpolicy probe; continue; }
			return 0
		fi
		card probe '{"egress":[]}' | as dev replace -f - >/dev/null || true
		sleep 0.2
	done
	echo "the guards do not act" >&2
	return 1
}

@test "whatever the operator does to a card's rules is undone, and what it does besides is not" {
	local asked
	card "$name" '{"egress":[]}' | as dev create -f -
	for asked in '"gone"' null '{}' '{"egress":[{}]}' '{"egress":[],"domains":[]}'; do
		card "$name" "$asked" | jq '.spec.syncPeriod = "77s"' | as "$operator" replace -f -
		[ "$(stored)" = '{"egress":[]}' ]
	done
	as "$operator" patch agentcard "$name" --type json -p '[{"op":"remove","path":"/spec/networkPolicy"}]'
	[ "$(stored)" = '{"egress":[]}' ]
	[ "$(as dev get agentcard "$name" -o jsonpath='{.spec.syncPeriod}')" = 77s ]
}

@test "the operator adds no rules either" {
	card "$name" '"gone"' | as dev create -f -
	card "$name" '{"egress":[{}]}' | as "$operator" replace -f -
	[ "$(stored)" = '"gone"' ]
}

@test "for everybody else the loss of all rules is undone, whatever it looks like and however often" {
	local asked
	card "$name" '{"egress":[]}' | as dev create -f -
	for asked in '"gone"' null '{}' '{"egress":null}' '"gone"' '{"egress":null,"domains":null,"groups":null}'; do
		card "$name" "$asked" | as dev replace -f -
		[ "$(stored)" = '{"egress":[]}' ]
	done
}

@test "other rules in their place are what was asked for" {
	card "$name" '{"egress":[]}' | as dev create -f -
	card "$name" '{"domains":[{"names":["a.example"]}]}' | as dev replace -f -
	[ "$(stored)" = '{"domains":[{"names":["a.example"]}]}' ]
	card "$name" '{"groups":["llm-api"]}' | as dev replace -f -
	[ "$(stored)" = '{"groups":["llm-api"]}' ]
	card "$name" '{"egres":[]}' | as dev replace -f -
	[ "$(stored)" = '{"groups":["llm-api"]}' ]
}

@test "rules go when the annotation is their digest, and come back guarded" {
	card "$name" '{"egress":[]}' | as dev create -f -
	card "$name" '"gone"' 1234 | as dev replace -f -
	[ "$(stored)" = '{"egress":[]}' ]
	as dev patch agentcard "$name" --subresource status --type merge -p '{"status":{"networkPolicy":{"rulesDigest":"1234"}}}'
	card "$name" '"gone"' 12345 | as dev replace -f -
	[ "$(stored)" = '{"egress":[]}' ]
	card "$name" '"gone"' 1234 | as dev replace -f -
	[ "$(stored)" = '"gone"' ]
	card "$name" '{"egress":[{}]}' 1234 | as dev replace -f -
	as dev patch agentcard "$name" --subresource status --type merge -p '{"status":{"networkPolicy":{"rulesDigest":"5678"}}}'
	card "$name" '"gone"' 1234 | as dev replace -f -
	[ "$(stored)" = '{"egress":[{}]}' ]
}

@test "a status that is replaced as a whole keeps the digest" {
	card "$name" '{"egress":[]}' | as dev create -f -
	as dev patch agentcard "$name" --subresource status --type merge -p '{"status":{"networkPolicy":{"rulesDigest":"1234"}}}'
	as dev get agentcard "$name" -o json | jq '.status = {protocol: "a2a"}' | as "$operator" replace --subresource status -f -
	[ "$(as dev get agentcard "$name" -o jsonpath='{.status.networkPolicy.rulesDigest} {.status.protocol}')" = '1234 a2a' ]
}

@test "a card without a spec is taken, and one that never had rules stays without" {
	card "$name" '"gone"' | jq 'del(.spec)' | as dev create -f -
	card "$name" '"gone"' | as dev replace -f -
	card "$name" '"gone"' | jq 'del(.spec)' | as "$operator" replace -f -
}

@test "only the writer creates, changes and deletes managed policies" {
	local user
	policy "$name" | as "$writer" create -f -
	for user in dev "$operator" system:kube-scheduler; do
		run as "$user" delete networkpolicy "$name"
		[ "$status" -ne 0 ]
		[[ $output == *"is managed by agent-egress"* ]]
		run as "$user" patch networkpolicy "$name" --type merge -p '{"spec":{"egress":[{}]}}'
		[ "$status" -ne 0 ]
		run as "$user" label networkpolicy "$name" app.kubernetes.io/managed-by-
		[ "$status" -ne 0 ]
		policy "$name-new" >new
		run as "$user" create -f new
		[ "$status" -ne 0 ]
	done
	as "$writer" patch networkpolicy "$name" --type merge -p '{"spec":{"egress":[{}]}}'
	as "$writer" delete networkpolicy "$name"
}

@test "policies that are not managed are nobody's business" {
	policy "$name" | jq 'del(.metadata.labels)' | as dev create -f -
	as dev delete networkpolicy "$name"
}

@test "the garbage collector and the controller manager delete and orphan, and change nothing else" {
	local user
	for user in "$collector" system:kube-controller-manager; do
		policy "$name" | as "$writer" create -f -
		as "$user" patch networkpolicy "$name" --type merge -p '{"metadata":{"ownerReferences":null}}'
		[ -z "$(as dev get networkpolicy "$name" -o jsonpath='{.metadata.ownerReferences}')" ]
		run as "$user" patch networkpolicy "$name" --type merge -p '{"spec":{"egress":[{}]}}'
		[ "$status" -ne 0 ]
		run as "$user" label networkpolicy "$name" app.kubernetes.io/managed-by-
		[ "$status" -ne 0 ]
		as "$user" delete networkpolicy "$name"
	done
}
