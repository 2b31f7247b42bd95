# kubectl egress quarantine and release, on a real API server: the card is deleted in between.

bats_require_minimum_version 1.5.0

setup_file() {
	load server
	cluster_find 2>"$BATS_FILE_TMPDIR/missing" || return 0
	export CLUSTER=$BATS_FILE_TMPDIR/cluster
	cluster_start "$CLUSTER" nobody
	local kubernetes=$BATS_TEST_DIRNAME/../../pipelines/kubernetes definition=crd-agentcards.yaml
	cluster_is_current || definition=crd-agentcards-1.20.yaml
	cluster_kubectl "$CLUSTER" create -f "$kubernetes/$definition" -f "$kubernetes/crd-egressbounds.yaml"
	cluster_established "$CLUSTER"
}

teardown_file() {
	load server
	[ -z "${CLUSTER:-}" ] || cluster_stop "$CLUSTER"
}

setup() {
	load server
	[ -n "${CLUSTER:-}" ] || skip "$(cat "$BATS_FILE_TMPDIR/missing")"
	cd "$BATS_TEST_TMPDIR" || exit
}

kube() { cluster_kubectl "$CLUSTER" "$@"; }
egress() { "$BATS_TEST_DIRNAME/../../pipelines/kubectl-egress" "$@" --kubeconfig "$CLUSTER/kubeconfig"; }

# verified: what the cluster is, once
verified() {
	egress-watch --once --bounds cluster --kubeconfig "$CLUSTER/kubeconfig" |
		egress-verify --trust-domain example.org
}
enforce() {
	verified | egress-translate --api-server 192.0.2.1/32 |
		egress-apply --kubeconfig "$CLUSTER/kubeconfig" --prune >results
}

held() { kube -n agents get networkpolicies -l agent-egress.dev/quarantine -o json | jq -c '.items'; }

bounds() {
	kube create -f - <<'YAML'
apiVersion: agent-egress.dev/v1alpha1
kind: EgressBounds
metadata: {name: default}
default: none
bounds: [{namespaces: ["*"], never: {egress: [{to: [{ipBlock: {cidr: 169.254.169.254/32}}]}]}}]
YAML
}

@test "where bounds are asked for and there are none, nothing is decided" {
	verified >log
	# grants end by the time of the events
	jq -es 'map(select(.type == "ADDED")) | length > 0 and all(.time)' log
	run -1 --separate-stderr egress-translate --api-server 192.0.2.1/32 <log
	# shellcheck disable=SC2154 # run sets stderr
	[[ $stderr == *'no bounds that can be used'* ]]
}

@test "a quarantine outlives the card and the workload, and ends when it is released" {
	bounds
	kube create namespace agents
	kube create -f - <<'YAML'
apiVersion: apps/v1
kind: Deployment
metadata: {name: weather, namespace: agents, labels: {kagenti.io/type: agent}}
spec:
  selector: {matchLabels: {app: weather}}
  template:
    metadata: {labels: {app: weather, kagenti.io/type: agent}}
    spec: {containers: [{name: agent, image: example.com/agent}]}
---
apiVersion: agent.kagenti.dev/v1alpha1
kind: AgentCard
metadata: {name: weather, namespace: agents}
spec: {targetRef: {apiVersion: apps/v1, kind: Deployment, name: weather}}
YAML
	enforce
	[ "$(held)" = '[]' ]

	egress quarantine agents/weather --reason INC-1234
	enforce
	[ "$(held | jq -c '.[].spec | [.podSelector, .policyTypes, .ingress // [], .egress // []]')" = '[{"matchLabels":{"app":"weather"}},["Ingress","Egress"],[],[]]' ]
	[ "$(kube -n agents get networkpolicy weather-signature-policy -o json | jq -c '[.spec.egress // [], .spec.ingress // []]')" = '[[],[]]' ]

	kube -n agents delete agentcard weather
	enforce
	[ "$(held | jq length)" = 1 ]
	kube -n agents delete deployment weather
	enforce
	[ "$(held | jq length)" = 1 ]

	egress release agents/weather
	enforce
	[ "$(held)" = '[]' ]
	run -1 egress release agents/weather
	# shellcheck disable=SC2154
	[[ $output == *'agents/Deployment/weather: is not in quarantine'* ]]
	run -2 egress quarantine agents/weather
	run -2 egress quarantine weather --reason x
}
