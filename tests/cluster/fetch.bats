#!/usr/bin/env bats
# egress-fetch through the proxy of a real API server, with the rights of
# pipelines/kubernetes/fetch.yaml.
# shellcheck disable=SC2154 # stderr, which run sets

bats_require_minimum_version 1.5.0

load server
load pipeline
load ../trust
load ../kubestub

# An API server refuses to proxy to loopback: this machine's own first address that is not.
own_address() { hostname -I 2>/dev/null | tr ' ' '\n' | grep -m 1 -xE '[0-9.]+'; }

setup_file() {
	{
		cluster_find 2>&1 || true
		[ -n "$(own_address)" ] || echo 'this machine has no address but loopback, to which no API server proxies'
	} >"$BATS_FILE_TMPDIR/missing"
	[ ! -s "$BATS_FILE_TMPDIR/missing" ] || return 0
	export CLUSTER=$BATS_FILE_TMPDIR/cluster
	cluster_start "$CLUSTER"
	install_manifests
	make_agent
	kube create namespace team-a
	serve
	make_service
	account agent-egress-watch
}

make_agent() {
	cd "$BATS_FILE_TMPDIR" || return 1
	ca root example.org
	svid billing root spiffe://example.org/ns/team-a/sa/billing-sa
	sign ES256 billing.key "$(header ES256 billing.crt)" <<<'{"name":"billing"}' >billing.json
	bundle root.crt >bundle.json
}

# The agent: STUB_ADDRESS is not loopback. What it does is in the file `now`.
serve() {
	export STUB=$BATS_FILE_TMPDIR/stub STUB_ADDRESS
	STUB_ADDRESS=$(own_address)
	echo card >"$BATS_FILE_TMPDIR/now"
	stub_start <<-END
		case \$(cat $BATS_FILE_TMPDIR/now) in
		card) reply 200 "\$(cat $BATS_FILE_TMPDIR/billing.json)" ;;
		none) reply 404 "no card" ;;
		away) reply 302 moved "Location: http://192.0.2.1/elsewhere" ;;
		own) reply 302 moved "Location: /else" ;;
		esac
	END
	echo "$STUB_PID" >"$BATS_FILE_TMPDIR/stub.pid"
}

# No controller runs: what it would make of the Service is made here.
make_service() {
	local port
	port=$(cat "$STUB/port")
	kube create -f - <<-END
		apiVersion: v1
		kind: Service
		metadata: {namespace: team-a, name: billing}
		spec: {ports: [{name: a2a, port: 8000, targetPort: $port}]}
		---
		apiVersion: v1
		kind: Endpoints
		metadata: {namespace: team-a, name: billing}
		subsets:
		- addresses: [{ip: $STUB_ADDRESS, targetRef: {kind: Pod, namespace: team-a, name: billing}}]
		  ports: [{name: a2a, port: $port}]
		---
		apiVersion: v1
		kind: Pod
		metadata: {namespace: team-a, name: billing}
		spec: {containers: [{name: a, image: a}]}
	END
	# the proxy wants a pod behind each address
	cluster_curl "$CLUSTER" /api/v1/namespaces/team-a/pods/billing/status -X PATCH \
		-H 'Content-Type: application/merge-patch+json' \
		-d "{\"status\":{\"podIP\":\"$STUB_ADDRESS\",\"podIPs\":[{\"ip\":\"$STUB_ADDRESS\"}]}}" >/dev/null
	# newer servers look for these, older ones do not know them
	! kube api-versions | grep -qx discovery.k8s.io/v1 || kube create -f - <<-END
		apiVersion: discovery.k8s.io/v1
		kind: EndpointSlice
		metadata: {namespace: team-a, name: billing-1, labels: {kubernetes.io/service-name: billing}}
		addressType: IPv4
		endpoints:
		- addresses: [$STUB_ADDRESS]
		  conditions: {ready: true}
		  targetRef: {kind: Pod, namespace: team-a, name: billing}
		ports: [{name: a2a, port: $port}]
	END
	kube create namespace spire-system
	kube -n spire-system create configmap spire-bundle --from-file="bundle.spiffe=$BATS_FILE_TMPDIR/bundle.json"
	agentcard team-a billing 'del(.metadata.uid, .metadata.resourceVersion)' | kube create -f -
	workload Deployment team-a billing billing-sa |
		jq -c '.metadata.labels = {"kagenti.io/type": "agent"} | .spec.selector = {matchLabels: {app: "billing"}} |
			.spec.template.metadata.labels = .spec.selector.matchLabels |
			.spec.template.spec.containers = [{name: "a", image: "a"}]' | kube create -f -
}

teardown_file() {
	[ -n "${CLUSTER:-}" ] || return 0
	[ ! -s "$BATS_FILE_TMPDIR/stub.pid" ] || kill -- "-$(cat "$BATS_FILE_TMPDIR/stub.pid")" || true
	cluster_stop "$CLUSTER"
}

setup() {
	[ -n "${CLUSTER:-}" ] || skip "$(paste -sd';' "$BATS_FILE_TMPDIR/missing")"
	cd "$BATS_TEST_TMPDIR" || exit
	export KUBECONFIG=$CLUSTER/agent-egress-watch.kubeconfig
	rm -f "$STUB/log"
}

agent() { echo "$1" >"$BATS_FILE_TMPDIR/now"; }
fetch() { egress-watch --once | egress-fetch --timeout 60 --first-wait 120 "$@"; }
verdict() { egress-verify --trust-domain example.org | verdicts | tail -n 1 | cut -d ' ' -f 3; }

@test "without the right to services/proxy nothing is fetched, and the API server's reason is said" {
	run -0 --separate-stderr fetch
	[[ $stderr == *'team-a/billing: cannot fetch its card: HTTP 403: services "'*'billing:8000" is forbidden: '* ]]
	[ "$(verdict <<<"$output")" = CardMissing ]
	[ ! -e "$STUB/log" ]
}

@test "with it, the agent's own card makes it verified, and our token stays with the API server" {
	kube apply --server-side -f "$ROOT/pipelines/kubernetes/fetch.yaml"
	fetched() { [ "$(fetch 2>messages | verdict)" = Verified ]; }
	eventually fetched # the right is known to the server in a moment
	[ "$(sort -u "$STUB/log")" = 'GET /.well-known/agent-card.json application/json -' ]
	fetch --service-port a2a | verdict | grep -qx Verified
}

@test "the agent's own 404 is told from the API server's" {
	agent none
	run -0 --separate-stderr fetch
	[ -z "$stderr" ]
	[ "$(cut -d ' ' -f 2 "$STUB/log" | xargs)" = '/.well-known/agent-card.json /.well-known/agent.json' ]
	rm "$STUB/log"
	# older servers delete the Endpoints with the Service
	kube -n team-a get service,endpoints billing -o json |
		jq -c '.items[] | .metadata |= {namespace, name} | if .kind == "Service" then .spec |= {ports} else . end' >both.json
	kube -n team-a delete service billing
	run -0 --separate-stderr fetch
	kube apply -f both.json
	[[ $stderr == *'team-a/billing: cannot fetch its card: HTTP 404: services "billing" not found'* ]]
	[ ! -e "$STUB/log" ]
}

@test "a redirect is not followed, neither elsewhere nor within the agent" {
	for way in away own; do
		agent $way
		run -0 --separate-stderr fetch
		[[ $stderr == *'it redirects elsewhere (HTTP 302), which is not followed'* ]] || { echo "$stderr" && return 1; }
		[ "$(verdict <<<"$output")" = CardMissing ]
		[ "$(cut -d ' ' -f 2 "$STUB/log" | sort -u)" = /.well-known/agent-card.json ]
	done
}

@test "pipelines/enforce --fetch gives a verified agent its egress, and takes it when the card is gone" {
	agent card
	egress() { kube -n team-a get networkpolicy billing-signature-policy -o json | jq -c .spec.egress; }
	is() { [ "$(egress)" = "$1" ]; }
	EGRESS_FETCH_FLAGS="--kubeconfig $KUBECONFIG --sync-period 1 --min-period 1 --timeout 60" enforce it --fetch
	EVENTUALLY=120 eventually is '[{}]'
	agent none
	EVENTUALLY=120 eventually is '[{"ports":[{"port":6443,"protocol":"TCP"}],"to":[{"ipBlock":{"cidr":"192.0.2.1/32"}}]}]'
	[ "$(enforce_end it)" -le 1 ]
}
