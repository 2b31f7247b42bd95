#!/usr/bin/env bats
# egress-translate --target istio: a Sidecar an agent, and the ServiceEntries that it lists.

bats_require_minimum_version 1.5.0

setup() {
	load translate
	cd "$BATS_TEST_TMPDIR" || return 1
}

translate() { egress-translate --target istio "$@" 2>errors | operations; }

agent() { # NAME [the card's options]
	workload "Deployment/$1"
	card "$@"
}

to() { # CIDR PORT... : spec.networkPolicy with this one destination
	jq -cn '{egress: [{to: [{ipBlock: {cidr: $ARGS.positional[0]}}],
	         ports: [$ARGS.positional[1:][] | {port: tonumber}]}]}' --args -- "$@"
}

named() { # NAME PORT : spec.networkPolicy with this DNS name
	jq -cn --arg name "$1" --argjson port "$2" \
		'{egress: [], domains: [{names: [$name], ports: [{port: $port}]}]}'
}

sidecar() { # NAME
	jq -c -s --arg name "$1-signature-policy" 'map(select(.type == "APPLY"
		and .object.kind == "Sidecar" and .object.metadata.name == $name)) | last.object.spec'
}

hosts() { sidecar "$1" | jq -c '.egress[].hosts'; }

# The ServiceEntries of the hosts that a Sidecar lists, each as ADDRESSES-OR-HOSTS PORTS
reaches() { # NAME
	jq -r -s --arg name "$1-signature-policy" '
		(map(select(.object.kind == "Sidecar" and .object.metadata.name == $name))
		 | last.object.spec.egress[0].hosts) as $listed
		| map(select(.type == "APPLY" and .object.kind == "ServiceEntry").object.spec)
		| unique[] | select(any(.hosts[]; "./" + . | IN($listed[])))
		| "\(.addresses // .hosts | join(",")) \([.ports[] | "\(.protocol)/\(.number)"] | join(","))"'
}

# What is denied, or is not as the card has it.
problems() { jq -r '.problems[] | select(.field != "spec") | "\(.field) \(.message)"' | sort -u; }
steps() { jq -r 'select(.type != "BOOKMARK") | "\(.type) \(.object.kind)"'; }

@test "a scoped agent reaches what its Sidecar lists, and the proxy knows nothing else" {
	{ api_server 10.0.0.1 && agent weather --policy "$(to 203.0.113.0/24 443 8443)"; } | translate >out
	[ "$(sidecar weather <out | jq -r .outboundTrafficPolicy.mode)" = REGISTRY_ONLY ]
	[ "$(sidecar weather <out | jq -c .workloadSelector)" = '{"labels":{"app":"weather"}}' ]
	[ "$(reaches weather <out)" = "203.0.113.0/24 TCP/443,TCP/8443" ]
	[ "$(jq -c 'select(.object.kind == "ServiceEntry").object.spec.exportTo' out)" = '["."]' ]
}

@test "unset and a rule for everything allow any; empty lists no host" {
	{ agent weather && agent open --policy '{"egress":[{}]}' && agent shut --policy '{"egress":[]}'; } |
		translate >out
	for name in weather open; do
		[ "$(sidecar "$name" <out | jq -r .outboundTrafficPolicy.mode)" = ALLOW_ANY ]
		[ "$(hosts "$name" <out)" = '["*/*"]' ]
	done
	[ "$(sidecar shut <out | jq -r .outboundTrafficPolicy.mode)" = REGISTRY_ONLY ]
	[ "$(hosts shut <out)" = '["~/*"]' ]
}

@test "an agent that is not verified reaches the API server, by its address and its Service" {
	{ api_server 10.0.0.1 && agent weather --unverified --policy "$(to 203.0.113.0/24 443)"; } |
		translate >out
	[ "$(reaches weather <out)" = "10.0.0.1/32 TCP/6443" ]
	hosts weather <out | jq -e 'length == 2 and .[1] == "default/kubernetes.default.svc.cluster.local"'
}

@test "while no address of the API server is known, one that is not verified reaches nothing" {
	agent weather --unverified | translate >out
	[ "$(hosts weather <out)" = '["~/*"]' ]
}

@test "exceptions are taken out of their blocks" {
	agent weather --policy '{"egress":[{"ports":[{"port":443}],"to":[{"ipBlock":
		{"cidr":"203.0.113.0/24","except":["203.0.113.0/25","203.0.113.192/26"]}}]}]}' | translate >out
	[ "$(reaches weather <out)" = "203.0.113.128/26 TCP/443" ]
	run ! grep denied <(problems <out)
}

@test "two agents that name one host do not open each other's ports" {
	{
		agent weather --policy "$(named api.example.com 443)"
		agent news --policy "$(named api.example.com 8443)"
		agent feeds --policy '{"egress":[],"domains":[{"names":["api.example.com"]}]}'
	} | translate >out
	[ "$(reaches weather <out)" = "api.example.com TLS/443" ]
	[ "$(hosts news <out)" = '["~/*"]' ]
	[ "$(reaches feeds <out)" = "api.example.com TLS/443" ]
	[ "$(jq -c 'select(.object.kind == "ServiceEntry").object.spec.ports' out | sort -u)" = \
		'[{"name":"tls-443","number":443,"protocol":"TLS"}]' ]
	problems <out | grep -q '^spec.networkPolicy.domains\[0\].ports\[0\] .*stay denied'
	problems <out | grep -q '^spec.networkPolicy.domains\[0\].ports .*stay denied'
}

@test "a name cannot import what others say of a host: Services, our own entries, wildcards" {
	agent weather --policy "$(to 203.0.113.0/24 443)" | translate >out
	own=$(hosts weather <out | jq -r '.[0] | ltrimstr("./")')
	for name in "$own" web.agents.svc.cluster.local kubernetes.default.svc.corp.example a.b.svc '*.example.com'; do
		agent thief --policy "$(named "$name" 443)" | translate >out
		[ "$(hosts thief <out)" = '["~/*"]' ]
		problems <out | grep -q '^spec.networkPolicy.domains\[0\].names\[0\] .* stays denied'
	done
	agent thief --policy "$(named svc.example.com 443)" | translate >out
	[ "$(hosts thief <out)" = '["./svc.example.com"]' ]
}

@test "what a Sidecar cannot express stays denied, and each is said" {
	agent weather --policy '{"egress":[
		{"to":[{"podSelector":{}},{"namespaceSelector":{}}],"ports":[{"port":80}]},
		{"to":[{"ipBlock":{"cidr":"203.0.113.0/24"}}]},
		{"to":[{"ipBlock":{"cidr":"203.0.113.0/24"}}],"ports":[{"port":"https"},{"protocol":"TCP"}]},
		{"to":[{"ipBlock":{"cidr":"203.0.113.0/24"}}],"ports":[{"port":1000,"endPort":1300}]}]}' |
		translate >out
	[ "$(hosts weather <out)" = '["~/*"]' ]
	[ "$(problems <out | cut -d' ' -f1)" = "spec.networkPolicy.egress[0].to[0]
spec.networkPolicy.egress[0].to[1]
spec.networkPolicy.egress[1]
spec.networkPolicy.egress[2].ports[0]
spec.networkPolicy.egress[2].ports[0].port
spec.networkPolicy.egress[2].ports[1]
spec.networkPolicy.egress[3].ports" ]
}

@test "that a proxy does not limit UDP, SCTP and pods that go around it is said of each limited agent" {
	{ agent free && agent weather --policy '{"egress":[]}'; } | translate >out
	[ "$(jq -r 'select(any(.problems[]; .message | contains("UDP, SCTP"))) | .agentCard.name' out)" = weather ]
}

@test "an expression for one value is a label; others cut off all pods that the labels select" {
	one='{"matchExpressions":[{"key":"app","operator":"In","values":["weather"]}]}'
	none='{"matchLabels":{"app":"weather"},"matchExpressions":[{"key":"canary","operator":"DoesNotExist"}]}'
	two='{"matchExpressions":[{"key":"app","operator":"In","values":["weather","rain"]}]}'
	for selector in "$one" "$none" "$two"; do
		workload Deployment/weather --selector "$selector" --labels '{"app":"weather","v":"1"}'
		card weather --policy "$(to 203.0.113.0/24 443)"
	done >in
	head -n 2 in | translate >out
	[ "$(sidecar weather <out | jq -c .workloadSelector.labels)" = '{"app":"weather"}' ]
	[ "$(reaches weather <out)" = "203.0.113.0/24 TCP/443" ]
	sed -n 3,4p in | translate >out
	[ "$(sidecar weather <out | jq -c .workloadSelector.labels)" = '{"app":"weather"}' ]
	[ "$(hosts weather <out)" = '["~/*"]' ]
	problems <out | grep -q 'matchExpressions: all pods with the labels in the selector are cut off'
	sed -n 5,6p in | translate >out
	[ "$(sidecar weather <out | jq -c .workloadSelector.labels)" = '{"app":"weather","v":"1"}' ]
	[ "$(hosts weather <out)" = '["~/*"]' ]
	problems <out | grep -q 'the labels of the pod template are cut off'
}

@test "an agent whose card sets nothing is cut off, too, when no Sidecar selects its pods alone" {
	workload Deployment/weather --labels '{"app":"weather"}' --selector \
		'{"matchLabels":{"app":"weather"},"matchExpressions":[{"key":"canary","operator":"DoesNotExist"}]}' >in
	card weather >>in
	[ "$(translate <in | hosts weather)" = '["~/*"]' ]
	[ "$(translate --selector-from template <in | hosts weather)" = '["*/*"]' ]
}

@test "a Sidecar comes before its entries, and entries that it no longer lists go last" {
	{
		agent weather --policy "$(to 203.0.113.0/24 443)"
		mark end AgentCard
		card weather --policy "$(to 203.0.113.0/24 443 8443)" --type MODIFIED
		card weather --type DELETED
	} | translate >out
	[ "$(steps <out | xargs)" = "APPLY Sidecar APPLY ServiceEntry APPLY Sidecar APPLY ServiceEntry \
DELETE ServiceEntry DELETE Sidecar DELETE ServiceEntry" ]
	[ "$(jq -r 'select(.object.kind == "ServiceEntry" and .type == "APPLY").object.metadata.name' out |
		sort -u | wc -l)" = 2 ]
}

@test "an entry never changes what it says: another rule is another entry" {
	{
		agent weather --policy "$(to 203.0.113.0/24 443)"
		mark end AgentCard
		for cidr in 198.51.100.0/24 192.0.2.0/24 203.0.113.0/24; do
			card weather --policy "$(to "$cidr" 443)" --type MODIFIED
		done
	} | translate | jq -c 'select(.object.kind == "ServiceEntry" and .type == "APPLY")
		| [.object.metadata.name, .object.spec]' | sort -u >entries
	[ "$(wc -l <entries)" = 3 ]
	[ "$(jq -r '.[0]' entries | sort -u | wc -l)" = 3 ]
}

@test "two rules that say the same are one entry" {
	rule='{"to":[{"ipBlock":{"cidr":"203.0.113.0/24"}}],"ports":[{"port":443}]}'
	agent weather --policy "{\"egress\":[$rule,$rule]}" | translate >out
	[ "$(grep -c '"ServiceEntry"' out)" = 1 ]
	[ "$(hosts weather <out | jq length)" = 1 ]
}

@test "more names than an entry may have are several entries" {
	policy=$(jq -cn '{egress: [], domains: [range(5) as $d | {ports: [{port: 443}],
		names: [range(60) as $n | "n\($n).d\($d).example.com"]}]}')
	agent weather --policy "$policy" | translate >out
	[ "$(jq -c 'select(.object.kind == "ServiceEntry").object.spec.hosts | length' out | xargs)" = "256 44" ]
	[ "$(hosts weather <out | jq length)" = 300 ]
}

@test "names of entries fit, whatever the workload is called" {
	long=$(printf 'w%.0s' {1..236})
	agent "$long" --policy "$(to 203.0.113.0/24 443)" | translate >out
	name=$(jq -r 'select(.object.kind == "ServiceEntry").object.metadata.name' out)
	[ ${#name} -le 253 ]
	[[ $name =~ ^[a-z0-9]([-a-z0-9]*[a-z0-9])?$ ]]
}
