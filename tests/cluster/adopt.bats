# egress-apply --adopt: the way in from the operator, on a real API server.

bats_require_minimum_version 1.5.0

setup_file() {
	load server
	cluster_find 2>"$BATS_FILE_TMPDIR/missing" || return 0
	export CLUSTER=$BATS_FILE_TMPDIR/cluster
	cluster_start "$CLUSTER" nobody
	local definition=crd-agentcards.yaml
	cluster_is_current || definition=crd-agentcards-1.20.yaml
	cluster_kubectl "$CLUSTER" create -f "$BATS_TEST_DIRNAME/../../pipelines/kubernetes/$definition"
	cluster_established "$CLUSTER"
}

teardown_file() {
	load server
	[ -z "${CLUSTER:-}" ] || cluster_stop "$CLUSTER"
}

setup() {
	load server
	load operator
	load ../translate
	[ -n "${CLUSTER:-}" ] || skip "$(cat "$BATS_FILE_TMPDIR/missing")"
	cd "$BATS_TEST_TMPDIR" || exit
	# a namespace a test, so that none sees another's policies
	NS=t$BATS_TEST_NUMBER
	kube create namespace "$NS" >/dev/null
	: >events
}

teardown() { [ ! -s watcher ] || kill "$(cat watcher)" 2>/dev/null || true; }

kube() { cluster_kubectl "$CLUSTER" "$@"; }
apply() { egress-apply --kubeconfig "$CLUSTER/kubeconfig" "$@"; }
stored() { kube -n "$NS" get networkpolicy "$1-signature-policy" -o json; }

# agent NAME anywhere|server [RULES]: what the operator has for it, and the events that tell us of it.
# `server`: it is not verified. Without RULES the card has none.
agent() {
	local uid rules=${3:-null} unverified=()
	[ "$2" = anywhere ] || unverified=(--unverified)
	uid=$(operator_card "$1" "$([ "$rules" = null ] || echo "{\"networkPolicy\":$rules}")")
	operator_policy "$1" "$2" "$1" "$uid"
	{
		workload "Deployment/$1" --ns "$NS" --labels "{\"app\":\"$1\",\"kagenti.io/type\":\"agent\"}" \
			--selector "{\"matchLabels\":{\"app\":\"$1\",\"kagenti.io/type\":\"agent\"}}"
		card "$1" --ns "$NS" --uid "$uid" --policy "$rules" "${unverified[@]}"
	} >>events
}

# asked: what egress-translate asks for, once all is listed
asked() {
	{
		api_server 192.0.2.1
		cat events
		jq -cn '{type: "BOOKMARK", object: {apiVersion: "agent.kagenti.dev/v1alpha1", kind: "AgentCard",
			metadata: {resourceVersion: "1", annotations: {"k8s.io/initial-events-end": "true"}}}}'
	} | egress-translate
}

# Every write to a policy of the namespace from now on, a line each, into `watched`.
watch_policies() {
	local from
	from=$(kube -n "$NS" get networkpolicies -o json | jq -r .metadata.resourceVersion)
	[ -n "$from" ] || from=$(cluster_revision "$CLUSTER")
	cluster_curl "$CLUSTER" "/apis/networking.k8s.io/v1/namespaces/$NS/networkpolicies?watch=1&resourceVersion=$from" \
		-N >watched 2>/dev/null 3>&- &
	echo $! >watcher
}

# A watch that is told of this has told of all that came before.
end_watch() {
	jq -n --arg namespace "$NS" '{apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy",
		metadata: {name: "end", namespace: $namespace}, spec: {podSelector: {}}}' | kube create -f - >/dev/null
	_cluster_until 240 grep -q '"name":"end"' watched
	kube -n "$NS" delete networkpolicy end >/dev/null
	kill "$(cat watcher)"
	jq -c 'select(.object.metadata.name != "end")' watched >writes
}

# written N: the watch has told of so many writes of ours.
written() { [ "$(grep -c agent-egress watched)" -ge "$1" ]; }

# adopted_at_once: each policy was written once, from the operator's to ours, labels and spec together; none
# was deleted or made.
adopted_at_once() {
	jq -c 'select(.type == "APPLY").object | {name: .metadata.name, egress: .spec.egress}' operations | sort >wanted
	jq -c '{type, name: .object.metadata.name, managers: [.object.metadata.labels["managed-by", "app.kubernetes.io/managed-by"]],
		egress: (.object.spec.egress // [])}' writes >got
	[ -s got ]
	jq -e 'select((.type != "MODIFIED" or .managers != ["agent-egress", "agent-egress"]))' got && return 1
	jq -c '{name, egress: (.egress | walk(if type == "object" then del(.protocol) else . end))}' got | sort >got.egress
	jq -c '.egress |= walk(if type == "object" then del(.protocol) else . end)' wanted | sort | diff - got.egress
}

six_agents() {
	for i in 1 2; do
		agent "scoped$i" anywhere '{"egress":[{"to":[{"ipBlock":{"cidr":"203.0.113.0/24"}}],"ports":[{"port":443}]}]}'
		agent "shut$i" anywhere '{"egress":[]}'
	done
	agent unset anywhere
	agent unverified server '{"egress":[]}'
	operator_update scoped1 anywhere # as at its next reconcile
}

@test "each policy of the operator becomes ours by one write that sets labels and spec together" {
	six_agents
	asked >operations
	watch_policies
	apply --adopt <operations >results
	[ "$(jq -r 'select(.object.metadata.namespace == "'"$NS"'").type' results | sort | uniq -c | xargs)" = "6 ADOPTED" ]
	end_watch
	adopted_at_once
	[ "$(stored shut1 | jq -c .spec.egress)" = null ]
	[ "$(stored unset | jq -c .spec.egress)" = '[{}]' ]
	[ "$(stored scoped1 | jq -c '[.metadata.ownerReferences[].kind, (.metadata.labels | keys)]')" = \
		'["AgentCard",["app.kubernetes.io/managed-by","kagenti.dev/agentcard","kagenti.dev/policy-type","managed-by"]]' ]
	# nothing is left to do, and what an operator that is switched on again writes is a conflict
	[ "$(apply --adopt <operations | jq -r 'select(.object.metadata.namespace == "'"$NS"'").type' | sort | uniq -c | xargs)" = "6 UNCHANGED" ]
	operator_update shut1 anywhere
	run -1 --separate-stderr apply --adopt <operations
	[[ "$(jq -r 'select(.type == "FAILED").message' <<<"$output")" == *'"manager"'* ]]
}

@test "killed in the middle, and again, it goes on where it was: no policy is written twice, none is wider for a moment" {
	six_agents
	asked >operations
	jq -c 'select(.type == "APPLY")' operations >applies
	watch_policies
	for round in 1 2; do
		mkfifo "gate$round"
		apply --adopt --concurrency 1 <"gate$round" >/dev/null 2>&1 3>&- &
		local pid=$!
		exec 4>"gate$round"
		head -n $((round * 2)) applies >&4
		_cluster_until 240 written $((round * 2 - 1))
		cat applies >&4
		kill -KILL "$pid"
		exec 4>&-
		wait "$pid" || true
	done
	apply --adopt <operations >results
	[ -z "$(jq -r 'select(.type == "FAILED")' results)" ]
	end_watch
	adopted_at_once
}

@test "without --adopt it is left alone, and the message says how to take it over" {
	agent one anywhere '{"egress":[]}'
	stored one >before
	asked >operations
	run -1 --separate-stderr apply --force-conflicts <operations
	[[ "$(jq -r 'select(.type == "FAILED").message' <<<"$output")" == *"left alone"*--enforce-network-policies=false*--adopt* ]]
	# of the agent it says that the name is taken
	jq -es 'any(.type == "AGENT" and .confined == false)' <<<"$output"
	stored one | diff before -
}

@test "--dry-run says ADOPTED and changes nothing" {
	agent one anywhere '{"egress":[]}'
	stored one >before
	asked >operations
	for how in client server; do
		[ "$(apply --adopt --dry-run "$how" <operations | jq -r 'select(.object.metadata.name == "one-signature-policy" and .object.metadata.namespace == "'"$NS"'").type')" = ADOPTED ]
	done
	stored one | diff before -
}

@test "what is not the operator's for this very card is left alone, also by --adopt and by force" {
	agent one anywhere '{"egress":[]}'
	local uid
	uid=$(kube -n "$NS" get agentcard one -o jsonpath='{.metadata.uid}')
	for edit in '.metadata.ownerReferences[0].uid = "11111111-2222-3333-4444-555555555555"' 'del(.metadata.ownerReferences)' \
		'.metadata.ownerReferences[0].controller = false' '.metadata.labels["managed-by"] = "somebody"' \
		'.metadata.labels["app.kubernetes.io/managed-by"] = "Helm"'; do
		kube -n "$NS" delete networkpolicy --all >/dev/null
		operator_policy one anywhere one "$uid" "$edit"
		stored one >before
		asked >operations
		run -1 --separate-stderr apply --adopt --force-conflicts <operations
		[[ "$(jq -r 'select(.type == "FAILED").message' <<<"$output")" == *"left alone"* ]]
		stored one | diff before -
	done
}

@test "once it is adopted, the agent is confined: its line says so, without waiting for the watch" {
	agent one anywhere '{"egress":[]}'
	{ kube -n "$NS" get networkpolicies -o json | jq -c '.items[] | {type: "ADDED", object: .}'; } >>events
	asked >operations
	jq -es 'any(.[] | select(.type == "AGENT").gaps[]; .reason == "ForeignPolicy")' operations
	apply --adopt <operations >results
	jq -es 'all(.[] | select(.type == "AGENT").gaps[]; .reason != "ForeignPolicy") and any(.[]; .type == "AGENT")' results
}

# A pod of an agent
pod() {
	jq -n --arg app "$1" --arg namespace "$NS" '{apiVersion: "v1", kind: "Pod", metadata: {name: "\($app)-0", namespace: $namespace,
		labels: {app: $app, "kagenti.io/type": "agent"}}, spec: {containers: [{name: "a", image: "a"}]}}' | kube create -f - >/dev/null
}

# orphans FILE: of this namespace, "NAME TYPE MESSAGE"
orphans() {
	jq -r --arg namespace "$NS" 'select(.object.metadata.namespace == $namespace and (.message // "" | startswith("Orphaned")))
		| "\(.object.metadata.name | rtrimstr("-signature-policy")) \(.type) \(.message)"' "$1" | sort
}

@test "policies of the operator that nothing asks for are listed with their pods, and pruned only where nothing is left" {
	agent kept anywhere '{"egress":[]}'
	local uid
	for name in gone retargeted named standing running; do
		uid=$(operator_card "$name")
		operator_policy "$name" anywhere "$name" "$uid"
	done
	pod running
	pod retargeted
	kube -n "$NS" patch agentcard retargeted --type merge -p '{"spec":{"targetRef":{"name":"other"}}}' >/dev/null
	for name in gone standing running; do
		kube -n "$NS" patch agentcard "$name" --type merge -p '{"metadata":{"finalizers":null}}' >/dev/null
		kube -n "$NS" delete agentcard "$name" >/dev/null
	done
	jq -n --arg namespace "$NS" '{app: "standing", "kagenti.io/type": "agent"} as $labels | {apiVersion: "apps/v1", kind: "Deployment",
		metadata: {name: "standing", namespace: $namespace}, spec: {replicas: 0, selector: {matchLabels: $labels},
			template: {metadata: {labels: $labels}, spec: {containers: [{name: "a", image: "a"}]}}}}' | kube create -f - >/dev/null
	asked >operations
	apply --adopt <operations >results
	orphans results >listed
	[ "$(cut -d ' ' -f 1,2 listed | xargs)" = "gone UNCHANGED named UNCHANGED retargeted UNCHANGED running UNCHANGED standing UNCHANGED" ]
	grep '^running' listed | grep -q 'it selects the pods running-0'
	grep '^gone' listed | grep -q -- '--adopt=prune'
	apply --adopt=prune --dry-run server <operations >results
	[ "$(kube -n "$NS" get networkpolicies -o name | wc -l)" -eq 6 ]
	apply --adopt=prune <operations >results
	orphans results >listed
	[ "$(cut -d ' ' -f 1,2 listed | xargs)" = "gone DELETED named UNCHANGED retargeted UNCHANGED running UNCHANGED standing UNCHANGED" ]
	grep '^named' listed | grep -q 'its AgentCard still names its workload'
	grep '^standing' listed | grep -q 'the Deployment of its name is still there'
	[ "$(kube -n "$NS" get networkpolicies -o name | wc -l)" -eq 5 ]
	# the bookmark comes out behind them
	[ "$(tail -n 1 results | jq -r .type)" = BOOKMARK ]
	# what could not be used may have named them
	run -1 --separate-stderr apply --adopt=prune < <(echo 'not JSON' && cat operations)
	[[ "$stderr" == *"are not looked for"* ]]
	# and who may not list them is told so
	kube create clusterrole "$NS" --verb=get,create,patch --resource=networkpolicies.networking.k8s.io >/dev/null
	kube create clusterrolebinding "$NS" --clusterrole="$NS" --user=nobody >/dev/null
	run -1 --separate-stderr egress-apply --kubeconfig "$(cluster_user "$CLUSTER" nobody)" --adopt <operations
	[[ "$stderr" == *"cannot list the operator's policies"* ]]
	kube delete clusterrolebinding "$NS" >/dev/null
}
