# Twelve agents on every target, as files that a person can review: tests/data/targets/TARGET.

bats_require_minimum_version 1.5.0

agents=$BATS_TEST_DIRNAME/data/targets/agents.ndjson
golden=$BATS_TEST_DIRNAME/data/targets

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

targets() { egress-translate --help | sed -n 's/^ *--target \([^ ]*\).*/\1/p' | tr '|' '\n'; }

manifests() { # TARGET
	egress-translate --target "$1" <"$agents" >operations
	egress-apply --dir "$1" <operations >results
}

# What a target says about the agents, as a table.
problems() { # TARGET
	egress-translate --target "$1" <"$agents" | jq -r '
		select(.type == "APPLY") | .object as $object | .problems[]
		| [$object.metadata.name, .severity // "error", .field, .message] | join("  ")' | sort -u
}

@test "there are golden files for every target, and for nothing else" {
	diff <(targets | sort) <(cd "$golden" && printf '%s\n' */ | tr -d / | sort)
}

@test "the manifests of twelve agents are those that were reviewed" {
	for target in $(targets); do
		manifests "$target"
		problems "$target" >"$target/problems.txt"
		diff -r "$golden/$target" "$target"
	done
}

@test "every target has a policy for each of the twelve agents" {
	[ "$(jq -r 'select(.object.kind == "AgentCard" and .type == "ADDED") | .type' "$agents" | wc -l)" = 12 ]
	for target in $(targets); do
		manifests "$target"
		jq -r 'select(.type == "APPLY") | .agentCard | select(.).name' operations | sort -u >agents
		[ "$(wc -l <agents)" = 12 ]
	done
}

load translate

# The problems of one agent with these rules, as FIELD MESSAGE; further arguments are egress-translate's.
told() { # POLICY [OPTION]...
	local policy=$1
	shift
	{ api_server 10.0.0.1 && workload Deployment/a && card a --policy "$policy"; } | egress-translate "$@" |
		jq -r 'select(.type == "APPLY").problems[] | "\(.field) \(.message)"'
}

@test "--cni takes plugins by commas, and leaves out what one of them reads wider" {
	local policy='{"egress":[{"to":[{"podSelector":{}}],"ports":[{"port":"http"},{"port":53,"protocol":"UDP"}]}]}'
	[ -z "$(told "$policy")" ]
	[ "$(told "$policy" --cni istio,ovn-kubernetes)" = \
		"spec.networkPolicy.egress[0].ports[0].port OVN-Kubernetes reads the name of a port as every port of its protocol: it is left out, and stays denied" ]
	run egress-translate --cni weave </dev/null
	[ "$status" -eq 2 ]
	[[ $output == *weave* ]]
}

@test "--dns takes addresses, and an agent with names alone gets them" {
	{ workload Deployment/a && card a --policy '{"domains":[{"names":["a.example"]}]}'; } >in
	egress-translate --dns 169.254.20.10/32 --dns fd00::10/128:5353 <in | grep '"APPLY"' |
		jq -e 'select(.type == "APPLY") | .object.spec.egress == [
			{ports: [{port: 53, protocol: "UDP"}, {port: 53, protocol: "TCP"}], to: [{ipBlock: {cidr: "169.254.20.10/32"}}]},
			{ports: [{port: 5353, protocol: "UDP"}, {port: 5353, protocol: "TCP"}], to: [{ipBlock: {cidr: "fd00::10/128"}}]}]'
	egress-translate --target cilium --dns 169.254.20.10/32 <in | grep '"APPLY"' |
		jq -e 'select(.type == "APPLY") | [.object.spec.egress[] | select(.toCIDRSet) | [.toCIDRSet[0].cidr, .toPorts[0].ports[0].port]] == [["169.254.20.10/32", "53"]]'
	for wrong in 169.254.20.10 169.254.20.10/33 169.254.20.1/24 169.254.20.10/32:0 fd00::10/128:x; do
		run egress-translate --dns "$wrong" </dev/null
		[ "$status" -eq 2 ]
	done
}

@test "a wildcard behind egress-resolve gives one warning" {
	echo '{"names":[{"name":"*.example.com","problem":"a wildcard cannot be asked for"}]}' >resolution
	{
		workload Deployment/a
		card a --policy '{"egress":[],"domains":[{"names":["*.example.com"]}]}' | jq -c --slurpfile r resolution '.resolution = $r[0]'
	} >in
	for target in networkpolicy calico ovn; do
		[ "$(egress-translate --target "$target" <in | jq -c '[.problems[]? | select(.field == "spec.networkPolicy.domains").message]' | head -n 1)" = \
			'["a wildcard cannot be asked for"]' ]
	done
}

@test "what is said of an annotation's rules names the annotation" {
	{
		workload Deployment/a
		card a | jq -c '.object.metadata.annotations = {"agent-egress.dev/network-policy": ({
			egress: [{to: [{ipBlock: {cidr: "0.0.0.0/0"}}]}], domains: [{names: ["a.example"]}]} | tojson)}'
	} >in
	for target in $(targets); do
		egress-translate --target "$target" <in >out
		jq -e -s 'map(.problems[].field) | any(startswith("metadata.annotations[agent-egress.dev/network-policy]")) and
			(any(startswith("spec.networkPolicy")) | not)' out
	done
}

@test "an agent under a plugin that enforces nothing has the gap TargetIgnores, and under another not" {
	{ api_server 10.0.0.1 && workload Deployment/a && card a --policy '{"egress":[]}'; } >in
	egress-translate --cni flannel <in | jq -se 'map(select(.type == "AGENT")) | length == 1 and
		(.[0] | .confined == false and ([.gaps[].reason] | index("TargetIgnores")))'
	egress-translate --cni calico <in | jq -se 'map(select(.type == "AGENT")) | length == 1 and
		([.[0].gaps[].reason] | index("TargetIgnores") | not)'
}
