#!/usr/bin/env bats
# The AgentCard's definition, and our validation beside a real API server's.

bats_require_minimum_version 1.5.0

load server

setup_file() {
	cluster_find 2>"$BATS_FILE_TMPDIR/missing" || return 0
	export DIR=$BATS_FILE_TMPDIR/cluster
	cluster_start "$DIR"
	cluster_kubectl "$DIR" create namespace agents
	local definition=crd-agentcards-1.20.yaml
	[ "$(minor)" -lt 31 ] || definition=crd-agentcards.yaml
	cluster_kubectl "$DIR" create -f "$BATS_TEST_DIRNAME/../../pipelines/kubernetes/$definition"
	cluster_kubectl "$DIR" wait --for condition=established --timeout=240s \
		crd/agentcards.agent.kagenti.dev
}

minor() { cluster_curl "$DIR" /version | jq -r '.minor | rtrimstr("+") | tonumber'; }

teardown_file() {
	[ -z "${DIR:-}" ] || cluster_stop "$DIR"
}

# An AgentCard with these egress rules.
card() { # NAME NETWORK-POLICY
	jq -n --arg name "$1" --argjson policy "$2" '
		{apiVersion: "agent.kagenti.dev/v1alpha1", kind: "AgentCard",
		 metadata: {name: $name, namespace: "agents"},
		 spec: {targetRef: {apiVersion: "apps/v1", kind: "Deployment", name: $name},
		        networkPolicy: $policy}}'
}

create() { cluster_kubectl "$DIR" create --validate=false -f -; }

# The server takes a moment to serve a new definition everywhere.
create_soon() {
	for _ in {1..480}; do
		create >created 2>&1 <"$1" && return
		grep -q 'no matches\|could not find' created || break
		sleep 0.5
	done
	cat created
	return 1
}

setup() {
	[ -n "${DIR:-}" ] || skip "$(cat "$BATS_FILE_TMPDIR/missing")"
	cd "$BATS_TEST_TMPDIR" || return 1
}

@test "the server stores a card with rules, all of them" {
	rules='{"egress":[{"to":[{"ipBlock":{"cidr":"203.0.113.0/24","except":["203.0.113.64/26"]}},
		{"podSelector":{"matchLabels":{"a":"b"},"matchExpressions":[{"key":"c","operator":"In","values":["d"]}]},"namespaceSelector":{}}],
		"ports":[{"port":443,"protocol":"TCP"},{"port":8400,"endPort":8410},{"port":"dns","protocol":"UDP"}]}],
		"domains":[{"names":["*.example.com"],"ports":[{"port":443}]}]}'
	card whole "$rules" >card
	create_soon card
	cluster_kubectl "$DIR" -n agents get agentcard whole -o json | jq -S .spec.networkPolicy >stored
	jq -S . <<<"$rules" | diff - stored
}

@test "the server tells unset, null and empty egress apart as we do" {
	for policy in 'null' '{}' '{"egress":[]}'; do
		card "tells-$((n += 1))" "$policy" >card
		create_soon card
	done
	cluster_kubectl "$DIR" -n agents get agentcard tells-3 -o json | jq -e '.spec.networkPolicy.egress == []'
	cluster_kubectl "$DIR" -n agents get agentcard tells-2 -o json | jq -e '.spec.networkPolicy | has("egress") | not'
}

@test "the server refuses a card with bad rules, and names the field" {
	while IFS=$'\t' read -r policy field; do
		card bad "$policy" >card
		run create_soon card
		[ "$status" -ne 0 ] || { echo "accepted: $policy"; return 1; }
		[[ $output == *"$field"* ]] || { echo "$policy: $output"; return 1; }
	done <<-'END'
		{"egress":[{"ports":[{"protocol":"ICMP"}]}]}	protocol
		{"egress":[{"ports":[{"port":true}]}]}	port
		{"egress":[{"ports":[{"port":0}]}]}	port
		{"egress":[{"ports":[{"port":65536}]}]}	port
		{"egress":[{"ports":[{"port":"443"}]}]}	port
		{"egress":[{"ports":[{"port":"a--b"}]}]}	port
		{"egress":[{"ports":[{"port":"a234567890123456"}]}]}	port
		{"egress":[{"ports":[{"port":1,"endPort":70000}]}]}	endPort
		{"egress":[{"to":[{"ipBlock":{"cidr":"10.0.0.0"}}]}]}	cidr
		{"egress":[{"to":[{"ipBlock":{"cidr":"10.0.0.0/08"}}]}]}	cidr
		{"egress":[{"to":[{"ipBlock":{"cidr":"10.0.0.0/8","except":["x"]}}]}]}	except
		{"egress":[{"to":[{"podSelector":{"matchLabels":{"a":"b c"}}}]}]}	matchLabels
		{"egress":[{"to":[{"ipBlock":{}}]}]}	cidr
		{"egress":[{"to":[{"podSelector":{"matchExpressions":[{"key":"a","operator":"Like"}]}}]}]}	operator
		{"egress":{}}	egress
		{"domains":[{"names":["Example.com"]}]}	names
		{"domains":[{"names":[]}]}	names
		{"domains":[{"names":["example"]}]}	names
		{"domains":[{"names":["*.com"]}]}	names
		{"domains":[{"names":["10.0.0.1"]}]}	names
	END
}

@test "kubectl shows the egress that the status tells" {
	card shown '{"egress":[]}' >card
	create_soon card
	cluster_curl "$DIR" /apis/agent.kagenti.dev/v1alpha1/namespaces/agents/agentcards/shown/status \
		-X PATCH -H 'Content-Type: application/merge-patch+json' -o patched \
		-d '{"status":{"networkPolicy":{"name":"shown-signature-policy","mode":"permissive","egress":"deny-all","reason":"EgressEmpty","message":"m","observedGeneration":1}}}'
	cluster_kubectl "$DIR" -n agents get agentcard shown >shown
	head -n 1 shown | grep -q EGRESS
	grep -q deny-all shown
}

# Our first complaint about rules, as field and message; empty when they are valid.
ours() {
	jq -cn --argjson egress "$1" '
		({type: "ADDED", object: {apiVersion: "apps/v1", kind: "Deployment",
		   metadata: {name: "a", namespace: "agents"}, spec: {selector: {matchLabels: {app: "a"}}}}}),
		({type: "ADDED", object: {apiVersion: "agent.kagenti.dev/v1alpha1", kind: "AgentCard",
		   metadata: {name: "a", namespace: "agents", uid: "u"},
		   spec: {targetRef: {apiVersion: "apps/v1", kind: "Deployment", name: "a"},
		          networkPolicy: {egress: $egress}}}, verification: {verified: true}})' |
		egress-translate |
		jq -r '.problems[] | select(.severity != "warning") | "\(.field): \(.message)"' |
		sed 's/^spec\.networkPolicy\./spec./'
}

# The server's, on a NetworkPolicy with the same rules.
theirs() {
	jq -n --argjson egress "$1" '
		{apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy",
		 metadata: {name: "a", namespace: "agents"},
		 spec: {podSelector: {matchLabels: {app: "a"}}, policyTypes: ["Egress"], egress: $egress}}' |
		cluster_curl "$DIR" '/apis/networking.k8s.io/v1/namespaces/agents/networkpolicies?dryRun=All' \
			-X POST -H 'Content-Type: application/json' --data-binary @- 2>/dev/null |
		jq -r 'if .kind == "Status" then (.details.causes // [{field: "", message: .message}])[] |
			"\(.field): \(.message)" else empty end'
}

@test "rules that the server accepts we accept, and the other way round" {
	while read -r egress; do
		ours "$egress" >ours
		theirs "$egress" >theirs
		if [ -s ours ] || [ -s theirs ]; then
			echo "$egress"; cat ours theirs
			return 1
		fi
	done <<-'END'
		[]
		[{}]
		[{"to":[],"ports":[]}]
		[{"ports":[{}]}]
		[{"ports":[{"port":1},{"port":65535},{"port":"a","protocol":"SCTP"},{"port":"http-alt-1"}]}]
		[{"to":[{"podSelector":{}}]}]
		[{"to":[{"namespaceSelector":{}}]}]
		[{"to":[{"podSelector":{},"namespaceSelector":{}}]}]
		[{"to":[{"ipBlock":{"cidr":"0.0.0.0/0"}},{"ipBlock":{"cidr":"::/0","except":["fd00::/8"]}}]}]
		[{"to":[{"podSelector":{"matchLabels":{"a.b/c_D.e":"","x":"1-2_3.4"}}}]}]
		[{"to":[{"podSelector":{"matchExpressions":[{"key":"a","operator":"In","values":["b",""]},{"key":"c","operator":"DoesNotExist"}]}}]}]
		[{"to":[{"podSelector":{"matchExpressions":[{"key":"a","operator":"Exists","values":[]}]}}]}]
	END
}

@test "rules that the server refuses we refuse, at the same fields" {
	while read -r egress; do
		ours "$egress" >ours
		theirs "$egress" >theirs
		[ -s theirs ] || { echo "the server accepts $egress"; return 1; }
		cut -d: -f1 ours | sort -u >our-fields
		cut -d: -f1 theirs | sort -u >their-fields
		diff our-fields their-fields || { echo "$egress"; cat ours theirs; return 1; }
	done <<-'END'
		[{"ports":[{"port":0}]}]
		[{"ports":[{"port":65536}]}]
		[{"ports":[{"port":-1}]}]
		[{"ports":[{"port":""}]}]
		[{"ports":[{"port":"443"}]}]
		[{"ports":[{"port":"HTTP"}]}]
		[{"ports":[{"port":"a--b"}]}]
		[{"ports":[{"port":"-a"}]}]
		[{"ports":[{"port":"a-"}]}]
		[{"ports":[{"port":"a234567890123456"}]}]
		[{"ports":[{"port":"a_b"}]}]
		[{"ports":[{"protocol":"ICMP"}]}]
		[{"ports":[{"protocol":"tcp"}]}]
		[{"to":[{}]}]
		[{},{"to":[{"podSelector":{}},{}]}]
		[{"to":[{"ipBlock":{"cidr":"10.0.0.0/8"},"podSelector":{}}]}]
		[{"to":[{"ipBlock":{"cidr":"10.0.0.0/8"},"namespaceSelector":{}}]}]
		[{"to":[{"ipBlock":{"cidr":""}}]}]
		[{"to":[{"ipBlock":{"cidr":"10.0.0.0"}}]}]
		[{"to":[{"ipBlock":{"cidr":"10.0.0.0/33"}}]}]
		[{"to":[{"ipBlock":{"cidr":"300.0.0.0/8"}}]}]
		[{"to":[{"ipBlock":{"cidr":"fe80::%1/64"}}]}]
		[{"to":[{"ipBlock":{"cidr":"10.0.0.0/8","except":["11.0.0.0/8"]}}]}]
		[{"to":[{"ipBlock":{"cidr":"10.0.0.0/8","except":["10.0.0.0/8"]}}]}]
		[{"to":[{"ipBlock":{"cidr":"10.0.0.0/8","except":["10.1.0.0/16","x"]}}]}]
		[{"to":[{"podSelector":{"matchLabels":{"a b":"c"}}}]}]
		[{"to":[{"podSelector":{"matchLabels":{"":"c"}}}]}]
		[{"to":[{"podSelector":{"matchLabels":{"a":"b c"}}}]}]
		[{"to":[{"podSelector":{"matchLabels":{"/a":"b"}}}]}]
		[{"to":[{"podSelector":{"matchLabels":{"a/b/c":"d"}}}]}]
		[{"to":[{"podSelector":{"matchLabels":{"A_/b":"d"}}}]}]
		[{"to":[{"podSelector":{"matchExpressions":[{"key":"a","operator":"In"}]}}]}]
		[{"to":[{"podSelector":{"matchExpressions":[{"key":"a","operator":"NotIn","values":[]}]}}]}]
		[{"to":[{"podSelector":{"matchExpressions":[{"key":"a","operator":"Exists","values":["b"]}]}}]}]
		[{"to":[{"podSelector":{"matchExpressions":[{"key":"a","operator":"Like","values":["b"]}]}}]}]
		[{"to":[{"podSelector":{"matchExpressions":[{"key":"a b","operator":"Exists"}]}}]}]
	END
}

@test "where we are stricter than this server: what it ignores, guesses or takes loosely" {
	[ "$(minor)" -lt 22 ] || skip "this server (1.$(minor)) knows endPort; run it on Debian's 1.20: make apiserver"
	while read -r egress; do
		ours "$egress" >ours
		theirs "$egress" >theirs
		[ -s ours ] || { echo "we accept $egress"; return 1; }
		[ ! -s theirs ] || { echo "the server refuses $egress"; cat theirs; return 1; }
	done <<-'END'
		[{"from":[]}]
		[{"ports":[{"prot":"TCP"}]}]
		[{"to":[{"ipBlock":{"cidr":"10.0.0.1/8"}}]}]
		[{"to":[{"ipBlock":{"cidr":"::ffff:10.0.0.0/104"}}]}]
		[{"to":[{"ipBlock":{"cidr":"2001:DB8::/32"}}]}]
		[{"ports":[{"port":80,"endPort":79}]}]
	END
}

# What nearly is a rule. Each as what stands in `spec` beside the targetRef, and the field of the problem.
near_misses() {
	cat <<-'END'
		{"networkPolicy":{"egres":[]}}	spec.networkPolicy.egres
		{"networkPolicy":{"domians":[]}}	spec.networkPolicy.domians
		{"networkPolicy":{"egress":[{"too":[{"podSelector":{}}]}]}}	spec.networkPolicy.egress[0].too
		{"networkPolicy":{"egress":[{"from":[{"podSelector":{}}]}]}}	spec.networkPolicy.egress[0].from
		{"networkPolicy":{"egress":[{"to":[{"ipBlock":{"cidr":"10.0.0.0/8","excpt":["10.1.0.0/16"]}}]}]}}	spec.networkPolicy.egress[0].to[0].ipBlock.excpt
		{"networkPolicy":{"egress":[{"to":[{"namespaceSelector":{},"podselector":{"matchLabels":{"a":"b"}}}]}]}}	spec.networkPolicy.egress[0].to[0].podselector
		{"networkPolicy":{"egress":[{"to":[{"podSelector":{"matchlabels":{"a":"b"}}}]}]}}	spec.networkPolicy.egress[0].to[0].podSelector.matchlabels
		{"networkPolicy":{"egress":[{"ports":[{"port":53,"prot":"UDP"}]}]}}	spec.networkPolicy.egress[0].ports[0].prot
		{"networkPolicy":{"egress":[{"to":null}]}}	spec.networkPolicy.egress[0].to
		{"networkPolicy":{"egress":[{"to":[{"ipBlock":{"cidr":"10.0.0.0/8","except":null}}]}]}}	spec.networkPolicy.egress[0].to[0].ipBlock.except
		{"networkPolicy":{"egress":[{"to":[{"podSelector":{"matchLabels":{"app":null}}}]}]}}	spec.networkPolicy.egress[0].to[0].podSelector.matchLabels
		{"networkPolicy":{"egress":[{"to":[{"podSelector":{},"namespaceSelector":null}]}]}}	spec.networkPolicy.egress[0].to[0].namespaceSelector
		{"networkpolicy":{"egress":[]}}	spec.networkpolicy
		{"networkPolicies":{"egress":[]}}	spec.networkPolicies
		{"egress":[]}	spec.egress
		{"domains":[]}	spec.domains
	END
}

cards=/apis/agent.kagenti.dev/v1alpha1/namespaces/near/agentcards

# send METHOD PATH TYPE: what is on stdin, and the answer must not be an error.
send() {
	cluster_curl "$DIR" "$2" -X "$1" -H "Content-Type: $3" --data-binary @- >answer
	jq -e '.kind == "AgentCard"' answer >/dev/null || { cat answer; return 1; }
}

by_create() { send POST "$cards" application/json; }
by_apply() { send PATCH "$cards/$1?fieldManager=team&force=true" application/apply-patch+yaml; }
# Both are patches of a card with rules that are replaced; of null a merge patch knows only removal.
by_json_patch() { good "$1" && jq -c '[{op: "replace", path: "/spec", value: .spec}]' |
	send PATCH "$cards/$1" application/json-patch+json; }
by_merge_patch() { good "$1" && jq -c '{spec: (.spec + (if .spec.networkPolicy then {} else {networkPolicy: null} end))}' |
	send PATCH "$cards/$1" application/merge-patch+json; }

good() {
	card "$1" null | jq '.metadata.namespace = "near" | .spec.networkPolicy = {domains: [{names: ["a.example"]}]}' |
		send POST "$cards" application/json
}

# One workload for each card, and a signature that counts: what is judged is what the server stored.
judged() {
	egress-watch --once --kubeconfig "$DIR/kubeconfig" --namespace near |
		jq -c 'if .object.kind == "AgentCard" and .type == "ADDED" then .verification = {verified: true},
			{type: "ADDED", object: {apiVersion: "apps/v1", kind: "Deployment",
			metadata: {name: .object.metadata.name, namespace: "near"},
			spec: {selector: {matchLabels: {app: .object.metadata.name}}}}} else . end' |
		egress-translate
}

@test "each near miss, by create, patch and server-side apply without client validation, ends in RulesInvalid and deny-all" {
	local spec field way n=0
	cluster_kubectl "$DIR" create namespace near
	card probe null | jq '.metadata.namespace = "near"' >probe
	create_soon probe
	while IFS=$'\t' read -r spec field; do
		n=$((n + 1))
		for way in create apply json_patch merge_patch; do
			[ "$way" != merge_patch ] || [[ $spec != *null* ]] || continue
			card "$n-${way/_/-}" null | jq -c --argjson spec "$spec" \
				'.metadata.namespace = "near" | .spec = {targetRef: .spec.targetRef} + $spec' |
				"by_$way" "$n-${way/_/-}" || { echo "$way $spec"; return 1; }
			echo "$n-${way/_/-} RulesInvalid [] $field" >>expected
		done
	done < <(near_misses)
	judged | jq -r 'select(.agentCard.name != "probe" and .type == "APPLY") | "\(.agentCard.name) \(.reason) \(.object.spec.egress | tojson) \(
		[.problems[] | select(.severity != "warning").field] | unique | join(" "))"' | sort >got
	[ "$(wc -l <expected)" -ge 55 ]
	sort expected | diff - got
}

@test "conditions of two managers live side by side, and the digest is kept" {
	[ "$(minor)" -ge 31 ] || skip "this server (1.$(minor)) forgets how a list is merged below what it preserves: it needs 1.31 or later"
	card conditions '{"egress":[]}' >card
	create_soon card
	local path=/apis/agent.kagenti.dev/v1alpha1/namespaces/agents/agentcards/conditions/status manager
	for manager in operator:Verified agent-egress:Confined; do
		jq -n --arg type "${manager#*:}" '{apiVersion: "agent.kagenti.dev/v1alpha1", kind: "AgentCard",
			metadata: {name: "conditions", namespace: "agents"},
			status: ({conditions: [{type: $type, status: "True", reason: "R"}]}
				+ if $type == "Confined" then {networkPolicy: {rulesDigest: "00", reason: "R"}} else {} end)}' |
			cluster_curl "$DIR" "$path?fieldManager=${manager%:*}" -X PATCH \
				-H 'Content-Type: application/apply-patch+yaml' --data-binary @- >answer
	done
	jq -e '[.status.conditions[] | "\(.type) \(.status)"] | sort == ["Confined True", "Verified True"]' answer
	jq -e '.status.networkPolicy.rulesDigest == "00"' answer
}

@test "the rules of the definition tell what only they can say" {
	[ "$(minor)" -ge 31 ] || skip "this server (1.$(minor)) has no CEL library for CIDRs: it needs 1.31 or later"
	while IFS=$'\t' read -r policy message; do
		card told "$policy" >card
		run create_soon card
		[ "$status" -ne 0 ] || { echo "accepted: $policy"; return 1; }
		[[ $output == *"$message"* ]] || { echo "$policy: $output"; return 1; }
	done <<-'END'
		{"egress":[{"to":[{"ipBlock":{"cidr":"10.0.0.1/8"}}]}]}	canonical form
		{"egress":[{"to":[{"ipBlock":{"cidr":"::ffff:10.0.0.0/104"}}]}]}	canonical form
		{"egress":[{"ports":[{"port":80,"endPort":79}]}]}	endPort needs a numeric port
		{"egress":[{"ports":[{"endPort":79}]}]}	endPort needs a numeric port
		{"egress":[{"to":[{}]}]}	must specify a peer
		{"egress":[{"to":[{"ipBlock":{"cidr":"10.0.0.0/8"},"podSelector":{}}]}]}	may not specify both
		{"egress":[{"to":[{"podSelector":{"matchExpressions":[{"key":"a","operator":"In"}]}}]}]}	values must be specified
	END
}
