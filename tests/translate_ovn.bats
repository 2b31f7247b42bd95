#!/usr/bin/env bats
# egress-translate --target ovn: one firewall a namespace behind the policies of its agents.

bats_require_minimum_version 1.5.0

setup() {
	load translate
	cd "$BATS_TEST_TMPDIR" || return 1
}

translate() { egress-translate --target ovn 2>errors | operations; }

agent() { # NAME [the card's options]
	workload "Deployment/$1"
	card "$@"
}

to() { # CIDR [PORT] : spec.networkPolicy with this one destination
	jq -cn --arg cidr "$1" --argjson port "${2:-443}" \
		'{egress: [{to: [{ipBlock: {cidr: $cidr}}], ports: [{port: $port}]}]}'
}

# The rules of the last firewall on stdin, a line each: Allow 203.0.113.0/24 TCP/443
firewall() { # [NAMESPACE]
	jq -r -s --arg ns "${1:-agents}" '
		map(select(.type == "APPLY" and .object.kind == "EgressFirewall"
		           and .object.metadata.namespace == $ns)) | last | .object.spec.egress[]
		| "\(.type) \(.to.cidrSelector // .to.dnsName)"
		  + ([.ports[]? | " \(.protocol)/\(.port)"] | add // "")'
}

denials=$'Deny 0.0.0.0/0\nDeny ::/0'

steps() { jq -r 'select(.type != "BOOKMARK") | "\(.type) \(.object.kind) \(.object.metadata.name)"'; }

@test "the firewall is the union of what the agents may reach, and denies all else at its end" {
	{
		api_server 10.0.0.1
		agent weather --policy "$(to 203.0.113.0/24)"
		agent news --policy "$(to 198.51.100.0/24 8443)"
		agent twin --policy "$(to 203.0.113.0/24)"
	} | translate >out
	[ "$(firewall <out)" = "Allow 10.0.0.1/32 TCP/6443
Allow 198.51.100.0/24 TCP/8443
Allow 203.0.113.0/24 TCP/443
$denials" ]
	[ "$(jq -r 'select(.object.kind == "EgressFirewall") | .object | .apiVersion, .metadata.name' out |
		tail -n 2 | xargs)" = "k8s.ovn.org/v1 default" ]
}

@test "that it holds for the whole namespace is said in its problems" {
	{ api_server 10.0.0.1 && agent weather --policy "$(to 203.0.113.0/24)"; } | translate >out
	jq -e 'select(.object.kind == "EgressFirewall") | .problems[]
	       | select(.severity == "warning" and (.message | contains("all pods of the namespace")))' out
}

@test "every agent has its NetworkPolicy beside it, as with the target networkpolicy" {
	{
		api_server 10.0.0.1
		agent weather --policy "$(to 203.0.113.0/24)"
		agent news --unverified
	} >in
	diff <(translate <in | jq -c 'select(.object.kind == "NetworkPolicy").object') \
		<(egress-translate <in | jq -c 'select(.type == "APPLY").object')
}

@test "what one agent excepts another one may still reach" {
	{
		api_server 10.0.0.1
		agent weather --policy '{"egress":[{"to":[{"ipBlock":{"cidr":"203.0.113.0/24",
			"except":["203.0.113.0/25","203.0.113.192/26"]}}]}]}'
		agent news --policy "$(to 203.0.113.7/32)"
	} | translate >out
	[ "$(firewall <out)" = "Allow 10.0.0.1/32 TCP/6443
Allow 203.0.113.7/32 TCP/443
Allow 203.0.113.128/26
$denials" ]
}

@test "where one agent may connect anywhere there is no firewall, and it comes and goes with that" {
	{
		api_server 10.0.0.1
		agent weather --policy "$(to 203.0.113.0/24)"
		agent free
		mark end AgentCard
		card free --policy '{"egress":[]}' --type MODIFIED
		card free --policy '{"egress":[{}]}' --type MODIFIED
	} | translate >out
	run steps <out
	[ "$output" = "APPLY NetworkPolicy weather-signature-policy
APPLY NetworkPolicy free-signature-policy
APPLY NetworkPolicy free-signature-policy
APPLY EgressFirewall default
APPLY NetworkPolicy free-signature-policy
DELETE EgressFirewall default" ]
}

@test "a second agent widens the firewall and not the policy of the first" {
	{
		api_server 10.0.0.1
		agent weather --policy "$(to 203.0.113.0/24)"
		mark end AgentCard
		agent news --policy "$(to 198.51.100.0/24)"
	} | translate >out
	run steps <out
	[ "$output" = "APPLY NetworkPolicy weather-signature-policy
APPLY EgressFirewall default
APPLY NetworkPolicy news-signature-policy
APPLY EgressFirewall default" ]
	[ "$(firewall <out | grep -c Allow)" = 3 ]
}

@test "an agent that is not verified brings the API server into the firewall and nothing else" {
	{
		api_server 10.0.0.1
		agent weather --unverified --policy "$(to 203.0.113.0/24)"
		agent free --unverified
		agent bad --policy '{"egress":[{},{"ports":[{"port":0}]}]}'
	} | translate | firewall >rules
	[ "$(cat rules)" = "Allow 10.0.0.1/32 TCP/6443
$denials" ]
}

@test "the API server stays open to all pods of the namespace, wherever it moves" {
	{
		api_server 10.0.0.1
		agent weather --policy '{"egress":[]}'
		workload Deployment/other --ns apart
		card other --ns apart --policy '{"egress":[]}'
		mark end AgentCard
		api_server 10.0.0.2
	} | translate >out
	[ "$(firewall <out)" = "Allow 10.0.0.2/32 TCP/6443
$denials" ]
	[ "$(firewall apart <out | head -n 1)" = "Allow 10.0.0.2/32 TCP/6443" ]
}

@test "with the last agent the firewall goes" {
	{
		api_server 10.0.0.1
		agent weather --policy "$(to 203.0.113.0/24)"
		mark end AgentCard
		card weather --type DELETED
	} | translate | steps >out
	[ "$(tail -n 2 out | sort)" = "DELETE EgressFirewall default
DELETE NetworkPolicy weather-signature-policy" ]
}

@test "namespaces do not mix" {
	{
		api_server 10.0.0.1
		agent weather --policy "$(to 203.0.113.0/24)"
		workload Deployment/weather --ns other
		card weather --ns other --policy "$(to 198.51.100.0/24)"
	} | translate >out
	run ! grep -q 198.51 <(firewall <out)
	run ! grep -q 203.0 <(firewall other <out)
}

@test "DNS names are in the firewall, but denied to the agent, which is said" {
	{
		api_server 10.0.0.1
		agent weather --policy '{"egress":[],"domains":[{"names":["api.example.com","*.example.org"],
			"ports":[{"port":443}]}]}'
	} | translate >out
	[ "$(firewall <out)" = "Allow 10.0.0.1/32 TCP/6443
Allow api.example.com TCP/443
$denials" ]
	jq -e -s 'map(select(.object.kind == "NetworkPolicy")) | last | .object.spec.egress == [] and
	       any(.problems[]; .field == "spec.networkPolicy.domains" and (.message | contains("stay denied")))' out
	jq -e 'select(.object.kind == "EgressFirewall") | .problems[].message
	       | select(contains("wildcard") and contains("Deployment weather"))' out
}

@test "pods and Services of the cluster are not the firewall's, nor a pod's named ports" {
	{
		api_server 10.0.0.1
		agent weather --policy '{"egress":[{"to":[{"podSelector":{}},{"namespaceSelector":{}}]},
			{"to":[{"ipBlock":{"cidr":"203.0.113.0/24"}}],"ports":[{"port":"https"}]}]}'
	} | translate | firewall >rules
	[ "$(cat rules)" = "Allow 10.0.0.1/32 TCP/6443
$denials" ]
}

@test "ports are listed one by one; where they are too many all pass, and that is said" {
	{
		api_server 10.0.0.1
		agent weather --policy '{"egress":[
			{"to":[{"ipBlock":{"cidr":"203.0.113.1/32"}}],
			 "ports":[{"port":80,"endPort":82},{"port":81},{"port":53,"protocol":"UDP"}]},
			{"to":[{"ipBlock":{"cidr":"203.0.113.2/32"}}],"ports":[{"port":1000,"endPort":1300}]},
			{"to":[{"ipBlock":{"cidr":"203.0.113.3/32"}}],"ports":[{"protocol":"SCTP"}]}]}'
	} | translate >out
	[ "$(firewall <out)" = "Allow 10.0.0.1/32 TCP/6443
Allow 203.0.113.1/32 TCP/80 TCP/81 TCP/82 UDP/53
Allow 203.0.113.2/32
Allow 203.0.113.3/32
$denials" ]
	jq -e 'select(.object.kind == "EgressFirewall") | .problems[]
	       | select(.severity == "warning" and (.message | contains("all ports")))' out
}

@test "an agent with too many rules gets its share of the firewall, and its neighbour all it needs" {
	{
		api_server 10.0.0.1
		agent greedy | jq -c 'if .object.kind == "AgentCard" then .object.spec.networkPolicy =
			{egress: [range(50) as $a | {to: [range(200) as $b
			          | {ipBlock: {cidr: "203.\($a).\($b).0/24"}}]}]} else . end'
		agent weather --policy "$(to 198.51.100.0/24)"
	} | translate >out
	firewall <out >rules
	[ "$(wc -l <rules)" -le 8000 ]
	[ "$(wc -l <rules)" -gt 1000 ]
	grep -qx 'Allow 198.51.100.0/24 TCP/443' rules
	[ "$(tail -n 2 rules)" = "$denials" ]
	jq -e 'select(.object.kind == "EgressFirewall") | .problems[].message
	       | select(contains("Deployment greedy") and contains("share"))' out
}

@test "the same agents in another order give the same firewall" {
	a() { agent weather --policy "$(to 203.0.113.0/24)"; }
	b() { agent news --policy "$(to 198.51.100.0/24)"; }
	[ "$({ api_server 10.0.0.1 && a && b; } | translate | firewall)" = \
		"$({ b && api_server 10.0.0.1 && a; } | translate | firewall)" ]
}
