#!/usr/bin/env bats
# The test cluster itself: what the other cluster tests rely on.

bats_require_minimum_version 1.5.0

load server

setup_file() {
	cluster_find 2>"$BATS_FILE_TMPDIR/missing" || return 0
	export DIR=$BATS_FILE_TMPDIR/cluster
	cluster_start "$DIR" plain reader:readers
	cluster_kubectl "$DIR" create namespace team
	policy one | cluster_kubectl "$DIR" apply -f -
}

setup() {
	[ -n "${DIR:-}" ] || skip "$(cat "$BATS_FILE_TMPDIR/missing")"
}

teardown_file() {
	[ -z "${DIR:-}" ] || cluster_stop "$DIR"
}

root=$BATS_TEST_DIRNAME/../..

policies=/apis/networking.k8s.io/v1/namespaces/team/networkpolicies

policy() { # NAME
	cat <<-END
		apiVersion: networking.k8s.io/v1
		kind: NetworkPolicy
		metadata: {name: $1, namespace: team}
		spec:
		  podSelector: {matchLabels: {app: $1}}
		  policyTypes: [Egress]
		  egress: [{to: [{ipBlock: {cidr: 203.0.113.0/24}}], ports: [{port: 443, protocol: TCP}]}]
	END
}

# The events since a resourceVersion, for a second.
watch_from() { # RESOURCEVERSION [QUERY]
	cluster_curl "$DIR" "$policies?watch=1&timeoutSeconds=1&resourceVersion=$1${2:-}" |
		jq -c '[.type, .object.metadata.name // .object.code]'
}

version_of() { # NAME
	cluster_kubectl "$DIR" -n team get networkpolicy "$1" -o 'jsonpath={.metadata.resourceVersion}'
}

@test "kubectl talks to the server as a member of system:masters" {
	run -0 --separate-stderr cluster_kubectl "$DIR" auth can-i '*' '*'
	[ "$output" = yes ]
	run -0 cluster_kubectl "$DIR" get --raw /readyz
	[ "$output" = ok ]
}

@test "the API server announces the address 192.0.2.1 and its own port, in Endpoints and EndpointSlice" {
	local port
	port=$(sed 's/.*://' "$DIR/url")
	run -0 --separate-stderr cluster_kubectl "$DIR" -n default get endpoints kubernetes \
		-o 'jsonpath={.subsets[0].addresses[0].ip}:{.subsets[0].ports[0].port}'
	[ "$output" = "192.0.2.1:$port" ]
	run -0 cluster_kubectl "$DIR" -n default get endpointslices \
		-l kubernetes.io/service-name=kubernetes \
		-o 'jsonpath={.items[0].endpoints[0].addresses[0]}:{.items[0].ports[0].port}'
	[ "$output" = "192.0.2.1:$port" ]
}

@test "a NetworkPolicy is stored, with the default protocol filled in" {
	policy short | sed 's/, protocol: TCP//' | cluster_kubectl "$DIR" apply -f -
	run -0 cluster_kubectl "$DIR" -n team get networkpolicy short -o json
	[ "$(jq -c .spec.egress <<<"$output")" = \
		'[{"ports":[{"port":443,"protocol":"TCP"}],"to":[{"ipBlock":{"cidr":"203.0.113.0/24"}}]}]' ]
}

@test "server-side apply of the same policy a second later changes nothing" {
	local before
	policy applied | cluster_kubectl "$DIR" apply --server-side --field-manager agent-egress -f -
	before=$(version_of applied)
	sleep 1.1
	policy applied | cluster_kubectl "$DIR" apply --server-side --field-manager agent-egress -f -
	[ "$(version_of applied)" = "$before" ]
}

@test "a watch resumes from the resourceVersion at which another ended" {
	local version
	version=$(version_of one)
	policy two | cluster_kubectl "$DIR" apply -f -
	cluster_kubectl "$DIR" -n team delete networkpolicy two
	run -0 watch_from "$version"
	[[ $output = *$'["ADDED","two"]\n["DELETED","two"]' ]]
}

# One watch from now, during which a policy of another namespace changes: true when a bookmark
# tells of that change.
bookmark_tells() { # NUMBER
	local version
	version=$(version_of one)
	cluster_curl "$DIR" "$policies?watch=1&timeoutSeconds=5&allowWatchBookmarks=true&resourceVersion=$version" \
		>"$BATS_TEST_TMPDIR/events" 3>&- &
	sleep 1
	policy one | sed "s/namespace: team/namespace: default, labels: {try: \"$1\"}/" |
		cluster_kubectl "$DIR" apply -f - >/dev/null
	wait $!
	version=$(cluster_kubectl "$DIR" -n default get networkpolicy one -o 'jsonpath={.metadata.resourceVersion}')
	jq -r 'select(.type == "BOOKMARK").object.metadata.resourceVersion' "$BATS_TEST_TMPDIR/events" |
		grep -qx "$version"
}

# The server sends one two seconds before a watch's timeout, if there was news for others, and if
# it has the time: bookmarks are no promise.
@test "a watch that asks for bookmarks learns of the version that others reached" {
	local try
	for try in 1 2 3 4 5; do
		! bookmark_tells "$try" || return 0
	done
	return 1
}

# A current server may have the old list in its cache.
@test "after compaction, the next page of an old list is 410, or what it was then" {
	cluster_kubectl "$DIR" -n team create configmap a
	cluster_kubectl "$DIR" -n team create configmap b
	local page next
	page='/api/v1/namespaces/team/configmaps?limit=1'
	next=$(cluster_curl "$DIR" "$page" | jq -r .metadata.continue)
	run -0 cluster_curl "$DIR" "$page&continue=$next"
	[ "$(jq -r '.items[0].metadata.name' <<<"$output")" = b ]
	cluster_kubectl "$DIR" -n team create configmap c
	cluster_compact "$DIR"
	run -0 cluster_curl "$DIR" "$page&continue=$next"
	[ "$(jq -c '[.code, .reason, .items[0].metadata.name?]' <<<"$output")" = '[410,"Expired",null]' ] ||
		{ cluster_find && cluster_is_current && [ "$(jq -c '[.items[].metadata.name]' <<<"$output")" = '["b"]' ]; }
}

@test "killed and restarted, the server keeps its address and its objects, and an old watch is 410" {
	local version url
	version=$(version_of one)
	url=$(cat "$DIR/url")
	policy three | cluster_kubectl "$DIR" apply -f -
	cluster_kill_apiserver "$DIR"
	run -7 cluster_curl "$DIR" /readyz
	cluster_compact "$DIR"
	cluster_restart_apiserver "$DIR"
	[ "$(cat "$DIR/url")" = "$url" ]
	[ -n "$(version_of three)" ]
	run -0 watch_from "$version"
	[ "$output" = '["ERROR",410]' ]
}

@test "a user without a role is refused; with one, is not" {
	local plain reader
	plain=$(cluster_user "$DIR" plain)
	reader=$(cluster_user "$DIR" reader)
	cluster_kubectl "$DIR" create clusterrole readers --verb=get,list --resource=networkpolicies
	cluster_kubectl "$DIR" create clusterrolebinding readers --clusterrole=readers --group=readers
	run -1 cluster_kubectl "$DIR" --kubeconfig "$plain" -n team get networkpolicy one
	[[ $output = *'User "plain" cannot get resource "networkpolicies"'* ]]
	run -0 cluster_kubectl "$DIR" --kubeconfig "$reader" -n team get networkpolicy one
}

@test "a client certificate names a user and its groups" {
	local file
	file=$(cluster_cert_user "$DIR" carol system:masters)
	run -0 cluster_kubectl "$DIR" --kubeconfig "$file" get namespace team
	file=$(cluster_cert_user "$DIR" dave)
	run -1 cluster_kubectl "$DIR" --kubeconfig "$file" get namespace team
	[[ $output = *'User "dave" cannot get'* ]]
}

@test "a service account's token is accepted, and a wrong one is 401" {
	local token
	cluster_kubectl "$DIR" -n team create serviceaccount agent
	token=$(cluster_token_for_sa "$DIR" team agent 600)
	run -0 curl -sS --noproxy '*' --cacert "$DIR/ca.crt" -H "Authorization: Bearer $token" \
		"$(cat "$DIR/url")/api/v1/namespaces"
	[[ $output = *'system:serviceaccount:team:agent'* ]]
	run -0 curl -sS --noproxy '*' --cacert "$DIR/ca.crt" -H 'Authorization: Bearer wrong' \
		-o /dev/null -w '%{http_code}' "$(cat "$DIR/url")/api/v1/namespaces"
	[ "$output" = 401 ]
}

@test "an owner that is killed leaves no process and no files in memory behind" {
	local dir=$BATS_TEST_TMPDIR/orphan store
	# shellcheck disable=SC2016
	run -137 bash -c '. "$0/server.bash"; cluster_start "$1" && kill -KILL $$' \
		"$BATS_TEST_DIRNAME" "$dir"
	store=$(cat "$dir/store")
	_cluster_until 120 test ! -e "$dir/store"
	[ ! -e "$store" ]
	run -7 cluster_curl "$dir" /readyz
	run -7 cluster_revision "$dir"
}

@test "two clusters side by side know nothing of each other" {
	local dir=$BATS_TEST_TMPDIR/second
	cluster_start "$dir"
	cluster_kubectl "$dir" get namespace default
	run -1 cluster_kubectl "$dir" get namespace team
	cluster_stop "$dir"
	run -7 cluster_curl "$dir" /readyz
}

@test "without etcd and kube-apiserver, it is said what is missing and how to get it" {
	KUBEBUILDER_ASSETS='' AGENT_EGRESS_CACHE=$BATS_TEST_TMPDIR PATH=$BATS_TEST_TMPDIR run -1 cluster_find
	[[ $output = *'no etcd'*'apt-get install etcd-server'* ]]
	[[ $output = *'no kube-apiserver'*'make apiserver builds one'* ]]
}

# No kubelet runs the pods here: the probe in a pod is answered by whether the server has the policy.
@test "pipelines/check-cni: the server takes its pods and its policy, and keeps none of them" {
	command -v kubectl >/dev/null || skip 'kubectl is missing: apt-get install kubernetes-client'
	cd "$BATS_TEST_TMPDIR"
	cluster_kubectl "$DIR" create namespace strict
	cluster_kubectl "$DIR" label namespace strict pod-security.kubernetes.io/enforce=restricted
	cluster_kubectl "$DIR" -n strict create serviceaccount default 2>/dev/null || true
	kubectl=$(command -v kubectl)
	mkdir bin
	cat >bin/kubectl <<-END
		#!/bin/sh
		real() { $kubectl --kubeconfig "$DIR/kubeconfig" --cache-dir "$DIR/kubectl" "\$@"; }
		case \$3 in
		wait) exit 0 ;;
		get) echo 192.0.2.7 ;;
		exec) if [ -n "\$(real -n strict get networkpolicies -o name)" ]; then echo closed; else echo open; fi ;;
		create) real "\$@" && real -n strict get pods,networkpolicies -o name >>made ;;
		*) real "\$@" ;;
		esac
	END
	chmod +x bin/kubectl
	PATH=$PWD/bin:$PATH run -0 "$root/pipelines/check-cni" strict
	[[ $output == 'enforced: '* ]]
	[ "$(sort -u made | sed 's/egress-check-[0-9a-f]*/NAME/')" = \
		$'networkpolicy.networking.k8s.io/NAME\npod/NAME-client\npod/NAME-server' ]
	[ -z "$(cluster_kubectl "$DIR" -n strict get pods,networkpolicies -o name)" ]
}
