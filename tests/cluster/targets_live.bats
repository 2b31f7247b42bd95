#!/usr/bin/env bats
# The targets beside NetworkPolicy, end to end: pipelines/enforce on a real API server that has the
# definitions which their projects publish, with the rights of pipelines/kubernetes/targets/. The
# tests follow one cluster from target to target.

bats_require_minimum_version 1.5.0

load server
load sample
load pipeline

setup_file() {
	export CRDS=${EGRESS_CRDS:-$BATS_TEST_DIRNAME/../../../shared/crds}
	cluster_find 2>"$BATS_FILE_TMPDIR/missing" || return 0
	if [ ! -d "$CRDS" ]; then
		echo "no CustomResourceDefinitions of the targets in $CRDS: set EGRESS_CRDS" >"$BATS_FILE_TMPDIR/missing"
		return 0
	fi
	export CLUSTER=$BATS_FILE_TMPDIR/cluster EVENTUALLY=240
	mkdir -p "$CLUSTER"
	cat >"$CLUSTER/audit.yaml" <<-END
		apiVersion: audit.k8s.io/v1
		kind: Policy
		omitStages: [RequestReceived]
		rules:
		- level: Metadata
		  userGroups: [system:serviceaccounts]
	END
	export CLUSTER_APISERVER_FLAGS="--audit-policy-file=$CLUSTER/audit.yaml --audit-log-path=$CLUSTER/audit.log"
	cluster_start "$CLUSTER"
	make_agents
	install_manifests
	for word in cilium calico ovn istio; do
		kube apply --server-side -k "$BATS_TEST_DIRNAME/../../pipelines/kubernetes/targets/$word" >/dev/null
	done
	install_definitions calico ovn istio
	enforce networkpolicy
	eventually settled networkpolicy
	enforce_end networkpolicy >/dev/null
	AGENTS=$(count networkpolicies)
	export AGENTS
}

teardown_file() {
	[ -n "${CLUSTER:-}" ] || return 0
	for name in networkpolicy cilium calico ovn istio back; do enforce_end "$name" >/dev/null; done
	cluster_stop "$CLUSTER"
}

setup() {
	[ -n "${CLUSTER:-}" ] || skip "$(cat "$BATS_FILE_TMPDIR/missing")"
	cd "$BATS_TEST_TMPDIR" || exit
}

# An old API server does not know the CEL rules in some of them, and does not check those then.
install_definitions() { # TARGET...
	local word
	for word in "$@"; do kube create --validate=false -f "$CRDS"/"$word"-*.yaml >/dev/null || return; done
	cluster_established "$CLUSTER"
}

list() { kube get "$1" -A -l app.kubernetes.io/managed-by=agent-egress -o json; }
count() { list "$1" | jq '.items | length'; }
counts() { [ "$(count "$1")" = "$2" ]; }
spec() { kube -n "$1" get "$2" "$3" -o json | jq -Sc '[.spec, .specs]'; }
spec_is() { [ "$(spec "$1" "$2" "$3")" = "$4" ]; }
none() { [ "$(count "$1")" = 0 ]; }
uids() { list "$1" | jq -r '.items[].metadata.uid' | sort; }
global() { list globalnetworkpolicies.projectcalico.org |
	jq -r --arg card "$1" '.items[].metadata | select(.labels["kagenti.dev/agentcard"] == $card).name'; }

# What the audit log says; where it was emptied, a line may be a part of one.
audit() { cat "$CLUSTER"/audit*.log | jq -cR 'fromjson? | objects | select(.responseStatus)'; }

# went_over FROM TO: of each agent the audit log shows FROM's delete behind TO's creation.
went_over() {
	audit | jq -s -e --arg from "$1" --arg to "$2" '
		map(select(.objectRef.resource == $from and .verb == "delete" and .responseStatus.code == 200)) as $gone
		| map(select(.objectRef.resource == $to and .verb == "patch" and .responseStatus.code == 201)) as $made
		| ($gone | length) > 0 and all($gone[]; . as $g | any($made[];
			.objectRef.namespace == $g.objectRef.namespace and .objectRef.name == $g.objectRef.name
			and .stageTimestamp < $g.requestReceivedTimestamp))'
}

@test "while the new target's API is missing, every agent keeps its old policy" {
	enforce cilium --target cilium
	waits() { grep -q 'is its CustomResourceDefinition installed' "$CLUSTER/cilium.messages"; }
	eventually waits
	[ "$(count networkpolicies)" = "$AGENTS" ]
}

@test "a change to cilium: each NetworkPolicy goes after its CiliumNetworkPolicy is there" {
	install_definitions cilium
	eventually counts ciliumnetworkpolicies "$AGENTS"
	eventually none networkpolicies
	went_over networkpolicies ciliumnetworkpolicies
	eventually settled cilium
}

@test "cilium: an edit by hand is taken back, also one beside spec, and a deleted policy is there again" {
	local name=chat-signature-policy before
	before=$(spec support ciliumnetworkpolicy $name)
	kube -n support patch ciliumnetworkpolicy $name --type merge -p '{"spec":{"egress":[{"toEntities":["world"]}]}}'
	eventually spec_is support ciliumnetworkpolicy $name "$before"
	kube -n support patch ciliumnetworkpolicy $name --type merge \
		-p '{"specs":[{"endpointSelector":{},"egress":[{"toEntities":["all"]}]}]}'
	eventually spec_is support ciliumnetworkpolicy $name "$before"
	kube -n support delete ciliumnetworkpolicy $name
	eventually spec_is support ciliumnetworkpolicy $name "$before"
}

@test "cilium: deleting a card deletes its policy, and only that" {
	local before gone
	gone=$(kube -n research get ciliumnetworkpolicy archivist-signature-policy -o 'jsonpath={.metadata.uid}')
	before=$(uids ciliumnetworkpolicies | grep -v "$gone")
	kube -n research delete agentcard archivist
	eventually counts ciliumnetworkpolicies $((AGENTS - 1))
	[ "$(uids ciliumnetworkpolicies)" = "$before" ]
	enforce_end cilium
}

@test "a change to calico, cluster-scoped: the former policies go, drift is repaired" {
	local name before
	WATCH_FLAGS="--target cilium" enforce calico --target calico
	eventually counts globalnetworkpolicies.projectcalico.org $((AGENTS - 1))
	eventually none ciliumnetworkpolicies
	name=$(global chat)
	before=$(kube get globalnetworkpolicy.projectcalico.org "$name" -o json | jq -Sc .spec)
	is_again() { [ "$(kube get globalnetworkpolicy.projectcalico.org "$name" -o json | jq -Sc .spec)" = "$before" ]; }
	kube patch globalnetworkpolicy.projectcalico.org "$name" --type merge -p '{"spec":{"selector":"all()"}}'
	eventually is_again
	kube delete globalnetworkpolicy.projectcalico.org "$name"
	eventually is_again
}

@test "calico: a card's deletion deletes its cluster-scoped policy, and only that" {
	local before name
	name=$(global notes)
	before=$(list globalnetworkpolicies.projectcalico.org | jq -r --arg name "$name" '.items[].metadata | select(.name != $name).uid' | sort)
	kube -n support delete agentcard notes
	eventually counts globalnetworkpolicies.projectcalico.org $((AGENTS - 2))
	[ "$(uids globalnetworkpolicies.projectcalico.org)" = "$before" ]
	enforce_end calico
}

@test "calico: what is as it should be is not asked for again and again" {
	local before
	before=$(list globalnetworkpolicies.projectcalico.org | jq -c '[.items[].metadata.resourceVersion]')
	cp "$CLUSTER/audit.log" "$CLUSTER/audit.before.log"
	: >"$CLUSTER/audit.log"
	enforce calico --target calico
	eventually settled calico
	sleep 2
	[ "$(list globalnetworkpolicies.projectcalico.org | jq -c '[.items[].metadata.resourceVersion]')" = "$before" ]
	[ "$(jq -cR 'fromjson? | objects | select(.objectRef.resource == "globalnetworkpolicies" and .verb == "patch")' "$CLUSTER/audit.log" | wc -l)" = 0 ]
	enforce_end calico
}

@test "a change to ovn: a firewall a namespace beside the NetworkPolicies, and both repaired" {
	local before
	WATCH_FLAGS="--target calico" enforce ovn --target ovn
	eventually counts networkpolicies $((AGENTS - 2))
	eventually none globalnetworkpolicies.projectcalico.org
	eventually settled ovn
	[ "$(count egressfirewalls)" -gt 0 ]
	local space
	space=$(list egressfirewalls | jq -r '.items[0].metadata.namespace')
	before=$(spec "$space" egressfirewall default)
	kube -n "$space" delete egressfirewall default
	eventually spec_is "$space" egressfirewall default "$before"
	kube -n "$space" patch egressfirewall default --type merge -p '{"spec":{"egress":[{"type":"Allow","to":{"cidrSelector":"0.0.0.0/0"}}]}}'
	eventually spec_is "$space" egressfirewall default "$before"
	enforce_end ovn
}

@test "a change to istio: Sidecars and ServiceEntries, and what was before goes" {
	WATCH_FLAGS="--target ovn" enforce istio --target istio
	eventually counts sidecars.networking.istio.io $((AGENTS - 2))
	eventually none egressfirewalls
	eventually none networkpolicies
	eventually settled istio
	local entries space name
	entries=$(count serviceentries.networking.istio.io)
	[ "$entries" -gt 0 ]
	read -r space name < <(list serviceentries.networking.istio.io | jq -r '.items[0].metadata | "\(.namespace) \(.name)"')
	kube -n "$space" delete serviceentry.networking.istio.io "$name"
	eventually counts serviceentries.networking.istio.io "$entries"
	enforce_end istio
}

@test "a change back to NetworkPolicy leaves no other policy" {
	WATCH_FLAGS="--target istio" enforce back
	eventually counts networkpolicies $((AGENTS - 2))
	eventually none sidecars.networking.istio.io
	eventually none serviceentries.networking.istio.io
	enforce_end back
}

@test "no operation failed for what was asked, and no account lacked a right" {
	local name
	for name in cilium calico ovn istio back; do
		run jq -c 'select(.type == "FAILED")' "$CLUSTER/$name.results"
		[ -z "$output" ] || { echo "$name: $output" && false; }
	done
	audit >asked
	[ "$(wc -l <asked)" -gt 100 ]
	run jq -c 'select(.responseStatus.code == 403) | [.verb, .requestURI, .responseStatus.message]' asked
	[ -z "$output" ] || { echo "$output" | sort | uniq -c | head && false; }
}

# A create of server-side apply is logged as a patch, and allowed only with both.
@test "each rule of the targets' roles is used" {
	audit | jq -r 'select(.user.username | test("^system:serviceaccount:agent-egress-system:")) | select(.objectRef.apiGroup // "" | test("cilium|calico|ovn|istio"))
		| [(.user.username | sub(".*:"; "")), .verb, .objectRef.apiGroup, .objectRef.resource] | @tsv' | sort -u >used
	kube get clusterroles -o json | jq -r '.items[] | select(.metadata.name | test("^agent-egress-(watch|apply)-"))
		| (.metadata.name | sub("-[a-z]*$"; "")) as $who | .rules[] | .verbs[] as $v | .apiGroups[] as $g | .resources[] as $r
		| select($v != "create") | [$who, $v, $g, $r] | @tsv' | sort -u >granted
	# egress-watch also asks for what others wrote, by its own role
	run comm -23 <(unless_streamed <granted) <(unless_streamed <used)
	[ -z "$output" ] || { echo "$output" && false; }
	[ -s granted ]
}
