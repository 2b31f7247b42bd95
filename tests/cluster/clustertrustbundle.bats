# A ClusterTrustBundle as the trust bundle, from a real API server to the verdict.

bats_require_minimum_version 1.5.0
load ../trust.bash

setup_file() {
	load server
	cluster_find 2>"$BATS_FILE_TMPDIR/missing" || return 0
	if ! cluster_is_current; then
		echo 'this kube-apiserver knows no ClusterTrustBundle: CLUSTER=current, and make apiserver builds it where Go 1.26 comes first in PATH' >"$BATS_FILE_TMPDIR/missing"
		return 0
	fi
	cd "$BATS_FILE_TMPDIR" || return 1
	ca root example.org
	ca other other.org
	svid billing root spiffe://example.org/ns/team-a/sa/billing-sa
	sign ES256 billing.key "$(header ES256 billing.crt)" <<<'{"name":"billing"}' | signed_configmap team-a billing >signed
	agentcard team-a billing 'del(.metadata.uid, .metadata.resourceVersion)' | event ADDED >card
	workload Deployment team-a billing billing-sa | event ADDED >deployed
	export CLUSTER=$BATS_FILE_TMPDIR/cluster
	export CLUSTER_APISERVER_FLAGS='--feature-gates=ClusterTrustBundle=true --runtime-config=certificates.k8s.io/v1beta1/clustertrustbundles=true'
	mkdir -p "$CLUSTER"
	cluster_start "$CLUSTER" watcher
	cluster_kubectl "$CLUSTER" create -f "$BATS_TEST_DIRNAME/../../pipelines/kubernetes/crd-agentcards.yaml"
	cluster_established "$CLUSTER"
	_cluster_until 240 cluster_curl "$CLUSTER" /apis/agent.kagenti.dev/v1alpha1/agentcards -f -o /dev/null
	cluster_kubectl "$CLUSTER" create namespace team-a
	cluster_kubectl "$CLUSTER" create namespace agent-egress-system
	cluster_kubectl "$CLUSTER" create -f "$BATS_TEST_DIRNAME/../../pipelines/kubernetes/rbac.yaml"
	cluster_kubectl "$CLUSTER" create clusterrolebinding watcher --clusterrole=agent-egress-watch --user=watcher
	jq -c .object card signed | cluster_kubectl "$CLUSTER" create -f -
	jq -c '.object | .spec.template.spec.containers = [{name:"a", image:"a"}] | .spec.selector.matchLabels = {app:"a"} | .spec.template.metadata.labels = {app:"a"} | .metadata |= {name, namespace, labels:{"kagenti.io/type":"agent"}}' deployed |
		cluster_kubectl "$CLUSTER" create -f -
}

teardown_file() {
	load server
	[ -z "${CLUSTER:-}" ] || cluster_stop "$CLUSTER"
}

setup() {
	load server
	[ -n "${CLUSTER:-}" ] || skip "$(cat "$BATS_FILE_TMPDIR/missing")"
	cd "$BATS_FILE_TMPDIR" || exit
	KUBECONFIG=$(cluster_user "$CLUSTER" watcher)
	export KUBECONFIG
	PIPELINE=
}

teardown() {
	[ -z "$PIPELINE" ] || kill "$PIPELINE" 2>/dev/null || true
}

# roots FILE: the ClusterTrustBundle with these certificates
roots() {
	jq -Rsc '{apiVersion:"certificates.k8s.io/v1beta1", kind:"ClusterTrustBundle", metadata:{name:"spire-roots"}, spec:{trustBundle:.}}' "$1" |
		cluster_kubectl "$CLUSTER" apply --server-side --force-conflicts -f -
}

# await REASON COUNT: until so many verdicts have had it
await() {
	local i
	for ((i = 0; i < 2400; i++)); do
		[ "$(jq -r 'select(.verification).verification.reason' verdicts 2>/dev/null | grep -cx "$1")" -lt "$2" ] || return 0
		sleep 0.05
	done
	echo "not $2 $1 in:" && cat verdicts messages
	return 1
}

@test "cards are verified by the ClusterTrustBundle that is listed, and no more when it goes or changes" {
	roots root.crt
	egress-watch --trust-bundle-configmap '' --trust-bundle-clustertrustbundle spire-roots 2>messages 3>&- |
		egress-verify --trust-domain example.org --trust-bundle-clustertrustbundle spire-roots >verdicts 2>>messages 3>&- &
	PIPELINE=$(jobs -p)
	await Verified 1
	roots other.crt
	await ChainInvalid 1
	roots root.crt
	await Verified 2
	cluster_kubectl "$CLUSTER" delete clustertrustbundle spire-roots
	await TrustBundleMissing 1
	jq -e 'select(.verification.reason == "TrustBundleMissing").verification.message | test("clustertrustbundle spire-roots is not there")' verdicts
}
