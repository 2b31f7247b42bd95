# shellcheck shell=bash
# The live parts of the benchmark, on a test API server: how long a change takes, and what a
# start costs. Sourced by tests/bench/run, whose functions and variables it uses.

live_start() {
	local missing
	if ! missing=$(can_apply 2>&1); then
		printf 'not measured: %s\n' "$missing"
		return 1
	fi
	cluster_start "$work/cluster"
	export KUBECONFIG=$work/cluster/kubeconfig
	cluster_kubectl "$work/cluster" create --validate=false \
		-f pipelines/kubernetes/crd-agentcards.yaml >/dev/null
	cluster_established "$work/cluster"
	cluster_kubectl "$work/cluster" create namespace live >/dev/null
	until cluster_curl "$work/cluster" "$cards" -o /dev/null -f 2>/dev/null; do sleep 0.2; done
}

cards=/apis/agent.kagenti.dev/v1alpha1/namespaces/live/agentcards
deployments=/apis/apps/v1/namespaces/live/deployments
policies_path=/apis/networking.k8s.io/v1/namespaces/live/networkpolicies

# live_create FIRST LAST: agents, over one connection.
live_create() {
	local url token
	url=$(cat "$work/cluster/url") token=$(cat "$work/cluster/admin.token")
	jq -rn --argjson first "$1" --argjson last "$2" --arg url "$url" --arg token "$token" \
		--arg ca "$work/cluster/ca.crt" --arg cards "$cards" --arg deployments "$deployments" '
		def post($path; $object):
			"next", "url = \"\($url)\($path)\"", "cacert = \"\($ca)\"", "output = \"/dev/null\"",
			"header = \"Authorization: Bearer \($token)\"", "header = \"Content-Type: application/json\"",
			"data = \($object | tojson | tojson)", "fail", "noproxy = \"*\"", "silent", "show-error";
		range($first; $last + 1)
		| "agent-\(.)" as $name | {name: $name, labels: {"kagenti.io/type": "agent"}} as $metadata
		| post($deployments; {apiVersion: "apps/v1", kind: "Deployment", metadata: $metadata,
			spec: {selector: {matchLabels: {app: $name}}, template: {
				metadata: {labels: {app: $name, "kagenti.io/type": "agent"}},
				spec: {containers: [{name: "agent", image: "agent"}]}}}}),
		  post($cards; {apiVersion: "agent.kagenti.dev/v1alpha1", kind: "AgentCard", metadata: $metadata,
			spec: {targetRef: {apiVersion: "apps/v1", kind: "Deployment", name: $name}}})' |
		sed 1d | curl -K -
}

# now: microseconds
now() { echo "${EPOCHREALTIME/[.,]/}"; }

# What arrives, each with its time: the address in it is the number of the change.
live_listen() {
	local line rest
	cluster_curl "$work/cluster" "$policies_path?watch=1" -N 2>/dev/null | while IFS= read -r line; do
		rest=${line#*203.0.113.}
		[ "$rest" = "$line" ] || printf '%s %s\n' "${rest%%/*}" "$(now)"
	done >>"$work/arrivals"
}

# One change of the card: the time of its PATCH, and of the policy's arrival.
live_change() { # NUMBER
	local started answered arrived
	started=$(now)
	cluster_curl "$work/cluster" "$cards/agent-1" -X PATCH -f -o /dev/null \
		-H 'Content-Type: application/merge-patch+json' \
		-d "{\"spec\":{\"networkPolicy\":{\"egress\":[{\"to\":[{\"ipBlock\":{\"cidr\":\"203.0.113.$1/32\"}}]}]}}}"
	answered=$(now)
	until arrived=$(awk -v n="$1" '$1 == n {print $2; exit}' "$work/arrivals") && [ -n "$arrived" ]; do
		[ $(($(now) - started)) -lt 30000000 ] || { echo "bench: a policy did not arrive" >&2 && exit 3; }
		sleep 0.002
	done
	echo "$((arrived - started)) $((answered - started))"
}

# percentile P: of numbers on stdin
percentile() { sort -n | awk -v p="$1" '{v[NR] = $1} END {i = int(NR * p / 100 + 0.999); print v[i < 1 ? 1 : i]}'; }

live_report() {
	local patch
	patch=$(awk '{print $2}' "$work/changes" | percentile 50)
	for p in 50 99; do
		awk '{print $1}' "$work/changes" | percentile "$p" |
			awk -v patch="$patch" -v p="$p" '{printf "%-40s %8.1f times a PATCH\n",
				p == 50 ? "the policy arrives, median" : "99th percentile", $1 / patch}'
	done
}

bench_latency() {
	local count=${BENCH_LATENCY:-50} i pipeline
	[ "$count" -le 250 ] || count=250
	printf '\nFrom a change of an AgentCard to its policy, %s changes\n' "$count"
	live_start || return 0
	live_create 1 1
	cluster_curl "$work/cluster" "$cards/agent-1/status" -X PATCH -f -o /dev/null \
		-H 'Content-Type: application/merge-patch+json' -d '{"status":{"signatureSpiffeId":"spiffe://example.org/ns/live/sa/default",
			"targetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"agent-1"},
			"conditions":[{"type":"Verified","status":"True","reason":"SignatureVerified","message":"",
				"lastTransitionTime":"2026-01-01T00:00:00Z"}]}}'
	: >"$work/arrivals"
	# in a session of its own, so that all of it can be ended; the watch would wait for the server
	setsid bash -c "egress-watch -n live --trust-bundle-configmap '' | $accept | egress-translate |
		egress-apply" >/dev/null 2>"$work/messages" 3>&- &
	pipeline=$!
	until cluster_curl "$work/cluster" "$policies_path/agent-1-signature-policy" -f -o /dev/null 2>/dev/null; do
		sleep 0.1
	done
	live_listen 3>&- &
	for ((i = 1; i <= count; i++)); do live_change "$i"; done >"$work/changes"
	live_report
	kill -- "-$pipeline" 2>/dev/null || true
	cluster_stop "$work/cluster" # which ends what listens
	wait 2>/dev/null || true
}

bench_watch() {
	local count=${BENCH_WATCH:-100} small large
	printf '\nStarting with %s agents, and with %s\n' "$count" "$((count * 10))"
	live_start || return 0
	live_create 1 "$count"
	small='exec egress-watch --once -n live'
	large=$small
	rm -f "$work"/*.cost*
	for ((run = 0; run < runs; run++)); do cost "$work/small.cost" "$small"; done
	live_create "$((count + 1))" "$((count * 10))"
	for ((run = 0; run < runs; run++)); do cost "$work/large.cost" "$large"; done
	printf '%-40s %8sx %14s bytes\n' 'egress-watch --once, ten times the agents' \
		"$(ratios 1 "$work/small.cost" "$work/large.cost" | middle | short)" \
		"$(paste -d ' ' "$work/small.cost" "$work/large.cost" |
			awk -v n="$count" '{print ($6 - $3) * 1024 / (9 * n)}' | sort -n | middle |
			awk '{printf "%.0f", $1}')"
	heading "The same beside kubectl, $((count * 10)) agents"
	compare 'egress-watch --once' 'kubectl get -o json' 'exec egress-watch --once -n live' \
		"exec kubectl --cache-dir $work/cluster/kubectl get agentcards,deployments,networkpolicies -n live -o json"
	cluster_stop "$work/cluster"
}
