#!/usr/bin/env bats
# egress-propose(1): from flows to cards that a person reviews.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	{
		card billing true
		card search true
		card stranger false
		workload billing
	} >events
}

# card NAME VERIFIED [TIME]; the workload has its name
card() {
	jq -nc --arg name "$1" --argjson verified "$2" --arg time "${3:-}" '{type: "ADDED", object: {apiVersion: "agent.kagenti.dev/v1alpha1",
		kind: "AgentCard", metadata: {namespace: "finance", name: "\($name)-card"}, spec: {targetRef: {apiVersion: "apps/v1", kind: "Deployment", name: $name}}},
		verification: {verified: $verified}} + if $time == "" then {} else {time: $time} end'
}

workload() {
	jq -nc --arg name "$1" '{type: "ADDED", object: {apiVersion: "apps/v1", kind: "Deployment", metadata: {namespace: "finance", name: $name},
		spec: {template: {metadata: {labels: {app: $name, "kagenti.io/type": "agent"}}}}}}'
}

# flow [JQ over .flow]: of billing to 198.51.100.7:443
flow() {
	jq -nc '{flow: ({time: "2026-11-02T08:15:01Z", source: {namespace: "finance", pod: "billing-1", workload: {kind: "Deployment", name: "billing"}},
		destination: {ip: "198.51.100.7", port: 443, protocol: "TCP"}, verdict: "allowed", direction: "egress"} | '"${1:-.}"')}'
}

# rules [OPTION]...: the cards, without comments
rules() { egress-propose "$@" flows <events 2>messages | grep -v '^ *#'; }

CARD='---
apiVersion: agent.kagenti.dev/v1alpha1
kind: AgentCard
metadata:
  name: "billing-card"
  namespace: "finance"
spec:
  networkPolicy:'

@test "an address becomes one rule with its ports, a pod its labels without the controllers' own, a name a domain" {
	{
		flow
		flow '.destination.port = 80'
		flow '.destination += {namespace: "data", pod: "db-0", ip: "10.1.2.3", port: 5432, labels: {app: "db", "pod-template-hash": "ab12"}}'
		flow '.destination += {ip: "203.0.113.9", names: ["api.example.com"]}'
	} >flows
	run -0 rules
	[ "$output" = "$CARD
    egress:
    - to:
      - ipBlock:
          cidr: \"198.51.100.7/32\"
      ports:
      - port: 80
        protocol: TCP
      - port: 443
        protocol: TCP
    - to:
      - namespaceSelector:
          matchLabels:
            kubernetes.io/metadata.name: data
        podSelector:
          matchLabels:
            app: db
      ports:
      - port: 5432
        protocol: TCP
    domains:
    - names:
      - api.example.com
      ports:
      - port: 443
        protocol: TCP" ] || { echo "$output"; false; }
	egress-propose flows <events 2>/dev/null | grep -qF '# 1 flow; allows every pod with these labels, of which db-0 was seen'
	egress-propose flows <events 2>/dev/null | grep -qF '# 1 flow; allows every address of the name, of which 203.0.113.9 was seen'
}

@test "the proposal, put into the card, allows what was seen and denies the rest" {
	flow >flows
	egress-propose flows <events 2>/dev/null | grep -v '^#' >card.yaml
	grep -q 'cidr: "198.51.100.7/32"' card.yaml
	jq -c 'if .object.kind == "AgentCard" and .object.metadata.name == "billing-card" then .object.spec.networkPolicy = {egress:
		[{to: [{ipBlock: {cidr: "198.51.100.7/32"}}], ports: [{port: 443, protocol: "TCP"}]}]} else . end' events >with
	run -0 egress-explain -n finance billing-card 198.51.100.7:443/tcp <with
	run -1 egress-explain -n finance billing-card 198.51.100.8:443/tcp <with
}

@test "metadata, the API server, other agents, several names and unknown pods are listed, not proposed" {
	jq -nc '{type: "ADDED", object: {apiVersion: "v1", kind: "Endpoints", metadata: {namespace: "default", name: "kubernetes"},
		subsets: [{addresses: [{ip: "192.0.2.1"}], ports: [{port: 6443}]}]}}' >>events
	{
		flow '.destination.ip = "169.254.169.254" | .destination.port = 80'
		flow '.destination.ip = "192.0.2.1" | .destination.port = 6443'
		flow '.destination += {namespace: "finance", pod: "search-1", ip: "10.1.0.9", workload: {kind: "Deployment", name: "search"}, labels: {app: "search"}}'
		flow '.destination.names = ["a.example.com", "b.example.com"]'
		flow '.destination += {namespace: "data", pod: "bare", ip: "10.1.0.8"}'
		flow '.destination.ip = "224.0.0.251" | .destination.port = 5353 | .destination.protocol = "UDP"'
	} >flows
	run -0 --separate-stderr egress-propose flows <events
	for line in "a cloud's metadata address, 169.254.169.254 80/TCP: 1 flow" 'the API server, 192.0.2.1 6443/TCP: 1 flow' \
		'another agent, finance/Deployment/search 443/TCP: 1 flow' 'an address of several names, 198.51.100.7 443/TCP: 1 flow' \
		'a pod whose labels are not known, data/Pod/bare 443/TCP: 1 flow' 'no address of another host, 224.0.0.251 5353/UDP: 1 flow'; do
		grep -qxF "# not proposed: $line" <<<"$output" || { echo "not there: $line"; echo "$output"; false; }
	done
	[[ "$output" == *'# no rules: nothing that was seen can be proposed' ]]
	# on request each of the names
	run -0 rules --name-from dns
	[[ "$output" == *$'- a.example.com\n'*$'- b.example.com\n'* ]]
}

@test "flows count from agents that were verified at that time, allowed or without a verdict, since --since" {
	{
		flow '.source.workload.name = "stranger"'
		flow '.verdict = "denied" | .destination.port = 81'
		flow 'del(.verdict) | .destination.port = 82'
		flow '.time = "2026-11-01T00:00:00Z" | .destination.port = 83'
	} >flows
	run -0 rules
	[ "$(grep -o 'port: .*' <<<"$output" | xargs)" = 'port: 82 port: 83' ]
	run -0 egress-propose flows <events
	[[ "$output" == *'# finance/stranger-card'*'# 1 flows of a time when the agent was not verified do not count'* ]]
	[[ "$output" == *'# 1 flow, 1 without a verdict'* || "$output" == *'# 2 flows, 1 without a verdict'* ]]
	run -0 rules --denied
	[ "$(grep -o 'port: .*' <<<"$output" | xargs)" = 'port: 81 port: 82 port: 83' ]
	run -0 rules --since 2026-11-02T00:00:00Z
	[ "$(grep -o 'port: .*' <<<"$output" | xargs)" = 'port: 82' ]
	# verified from nine o'clock on
	{
		card billing false 2026-11-02T08:00:00Z
		card billing true 2026-11-02T09:00:00Z
	} >events
	flow '.time = "2026-11-02T08:30:00Z" | .destination.port = 1000' >flows
	flow '.time = "2026-11-02T09:30:00Z" | .destination.port = 2000' >>flows
	run -0 rules
	[ "$(grep -o 'port: .*' <<<"$output" | xargs)" = 'port: 2000' ]
}

@test "an agent with more destinations than were kept gets no rules, and the exit status says so" {
	flow '.incomplete = true' >flows
	run -1 --separate-stderr egress-propose flows <events
	[[ "$output" == *'# no rules: it had more destinations than were kept'* ]]
	[[ "$output" != *apiVersion* ]]
	flow . | jq -c 'range(5) as $a | range(250) as $b | .flow.destination.ip = "203.0.\($a).\($b)"' >flows
	run -1 egress-propose flows <events
	[[ "$output" == *'# no rules: it had more destinations than were kept'* ]]
}

@test "a pod is its agent's by the workload, by a ReplicaSet of the Deployment, or by the template's labels" {
	flow '.source.workload = {kind: "ReplicaSet", name: "billing-7c9f8"} | .destination.port = 1' >flows
	flow 'del(.source.workload) | .source.labels = {app: "billing", "kagenti.io/type": "agent", more: "x"} | .destination.port = 2' >>flows
	flow 'del(.source.workload) | .source.labels = {app: "billing"} | .destination.port = 3' >>flows
	flow '.source.workload = {kind: "ReplicaSet", name: "billing-other-7c9f8"} | .destination.port = 4' >>flows
	flow '.source.namespace = "elsewhere" | .destination.port = 5' >>flows
	run -0 --separate-stderr rules
	[ "$(grep -o 'port: .*' <<<"$output" | xargs)" = 'port: 1 port: 2' ]
	[[ "$(cat messages)" == *'egress-propose: 3 flows are of no agent'* ]]
}

@test "events without verdicts, a bad line and wrong usage are said" {
	flow >flows
	grep -v verification events >unjudged
	run -0 --separate-stderr egress-propose flows <unjudged
	[[ "$stderr" == *'no verdicts in these events: run egress-verify before'* ]]
	echo '{"flow":7}' >>flows
	run -1 --separate-stderr egress-propose flows <events
	[[ "$stderr" == *'line 2: not a flow record'* ]]
	run -2 egress-propose <events
	run -2 egress-propose --since yesterday flows <events
	run -3 egress-propose nowhere <events
}
