#!/usr/bin/env bats
# Rules that their author did not write as meant, or not where they count, never widen an agent's egress.

bats_require_minimum_version 1.5.0

load translate

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

# The operation for a verified agent whose card's object is as the filter makes it.
with() { # JQ-FILTER
	{ api_server 10.0.0.1 && workload Deployment/weather && card weather | jq -c ".object |= ($1)"; } |
		egress-translate | operations
}

# Its reason and egress, and the fields of its errors.
told() { with "$1" | jq -r '[.reason, (.object.spec.egress | tojson),
	(.problems[] | select(.severity != "warning").field)] | join(" ")'; }

is() { [ "$1" = "$2" ] || { echo "got: $1"; echo "not: $2"; return 1; }; }

annotated() { jq -rn --argjson rules "$1" '".metadata.annotations = {\"agent-egress.dev/network-policy\": \($rules | tojson | tojson)}"'; }

@test "a member of spec that may have been meant as the rules makes them invalid" {
	local member
	for member in egress domains groups networkPolicies networkpolicy NetworkPolicy NETWORKPOLICY Egress; do
		is "$(told ".spec.$member = []")" "RulesInvalid [] spec.$member"
		is "$(told ".spec.$member = null")" "RulesInvalid [] spec.$member"
		is "$(told ".spec.$member = {egress: [{}]} | .spec.networkPolicy = {egress: [{}]}")" \
			"RulesInvalid [] spec.$member"
	done
	is "$(told '.spec.syncPeriod = "30s" | .spec.networks = 1')" 'EgressUnset [{}]'
}

@test "each near miss below networkPolicy is deny-all, and its field is named" {
	local filter field
	while IFS=$'\t' read -r filter field; do
		is "$(told ".spec.networkPolicy = $filter")" "RulesInvalid [] spec.networkPolicy.$field"
	done <<-'END'
		{egres: []}	egres
		{egress: [{too: []}]}	egress[0].too
		{egress: [{from: []}]}	egress[0].from
		{egress: [{to: [{ipBlock: {cidr: "10.0.0.0/8", excpt: []}}]}]}	egress[0].to[0].ipBlock.excpt
		{egress: [{to: [{podSelector: {}, podselector: {}}]}]}	egress[0].to[0].podselector
		{egress: [{to: [{podSelector: {matchlabels: {a: "b"}}}]}]}	egress[0].to[0].podSelector.matchlabels
		{egress: [{ports: [{prot: "TCP"}]}]}	egress[0].ports[0].prot
		{domians: []}	domians
		{egress: [{to: null}]}	egress[0].to
		{egress: [{ports: null}]}	egress[0].ports
		{egress: [{to: [{podSelector: {matchLabels: {app: null}}}]}]}	egress[0].to[0].podSelector.matchLabels
		{egress: [{to: [{podSelector: {}, namespaceSelector: null}]}]}	egress[0].to[0].namespaceSelector
	END
}

@test "null for the rules or their lists is unset" {
	is "$(told '.spec.networkPolicy = null')" 'EgressUnset [{}]'
	is "$(told '.spec.networkPolicy = {egress: null, domains: null, groups: null}')" 'EgressUnset [{}]'
}

@test "the annotation counts as the field does" {
	is "$(told "$(annotated '{"egress": []}')")" 'EgressEmpty []'
	is "$(told "$(annotated '{"egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]}')")" \
		'EgressRules [{"to":[{"ipBlock":{"cidr":"10.0.0.0/8"}}]}]'
	is "$(told ".spec.networkPolicy = {} | $(annotated '{"egress": []}')")" 'EgressEmpty []'
}

@test "a fault in the annotation is named below it" {
	is "$(told "$(annotated '{"egress": [{"too": []}]}')")" \
		'RulesInvalid [] metadata.annotations[agent-egress.dev/network-policy].egress[0].too'
}

@test "an annotation without rules is invalid, never unset" {
	local text
	for text in '' ' ' null '{}' '[]' '{"egress":null}' '{"egress":[}' '{"egress":[],"egress":[{}]}' 7; do
		is "$(told ".metadata.annotations = {\"agent-egress.dev/network-policy\": $(jq -n --arg text "$text" '$text')}")" \
			'RulesInvalid [] metadata.annotations[agent-egress.dev/network-policy]'
	done
	is "$(told '.metadata.annotations = {"agent-egress.dev/network-policy": null}')" \
		'RulesInvalid [] metadata.annotations[agent-egress.dev/network-policy]'
}

@test "field and annotation that mean the same are one" {
	is "$(told ".spec.networkPolicy = {egress: [{ports: [{port: 53, protocol: \"TCP\"}], to: [{podSelector: {}}]}]} |
		$(annotated '{"domains": null, "egress": [{"to": [{"podSelector": {}}], "ports": [{"port": 53}]}]}')")" \
		'EgressRules [{"ports":[{"port":53,"protocol":"TCP"}],"to":[{"podSelector":{}}]}]'
}

@test "field and annotation that differ deny all egress, and the annotation is named" {
	is "$(told ".spec.networkPolicy = {egress: [{}]} | $(annotated '{"egress": []}')")" \
		'RulesConflict [] metadata.annotations[agent-egress.dev/network-policy]'
	is "$(told ".spec.networkPolicy = {egress: [{}]} | $(annotated '{"egress": [{}], "egres": []}')")" \
		'RulesInvalid [] metadata.annotations[agent-egress.dev/network-policy].egres'
}

@test "two cards of one workload agree also when one has the annotation" {
	{
		api_server 10.0.0.1
		workload Deployment/weather
		card one --on Deployment/weather --policy '{"egress": []}'
		card two --on Deployment/weather | jq -c ".object |= ($(annotated '{"egress": []}'))"
	} | egress-translate | operations >out
	is "$(jq -r '.reason' out)" EgressEmpty
}

@test "groups alone are set: what nobody has defined stays denied, with a warning" {
	is "$(told '.spec.networkPolicy = {groups: ["llm-api"]}')" 'EgressEmpty []'
	with '.spec.networkPolicy = {groups: ["llm-api"]}' | jq -e '.problems == [{field: "spec.networkPolicy.groups[0]",
		value: "llm-api", message: "no such group is defined: what it stands for stays denied", severity: "warning"}]'
}
