#!/usr/bin/env bats
# egress-translate: what egress each agent gets, and when that is said.

bats_require_minimum_version 1.5.0

setup() {
	load translate
	cd "$BATS_TEST_TMPDIR" || return 1
}

# The operations for the events that the given functions print.
translate() {
	egress-translate "$@" 2>errors | operations
	return "${PIPESTATUS[0]}"
}

# The spec of the last APPLY of a policy NAMESPACE/NAME on stdin.
spec() {
	jq -c -s --arg key "$1" 'map(select(.type == "APPLY" and .object.kind == "NetworkPolicy"
		and "\(.object.metadata.namespace)/\(.object.metadata.name)" == $key)) | last.object.spec'
}

egress() { spec "agents/$1-signature-policy" | jq -c .egress; }
same() { # JSON JSON
	[ "$(jq -Sc . <<<"$1")" = "$(jq -Sc . <<<"$2")" ] || { echo "got $1, wanted $2"; return 1; }
}

world() { # the card's options; its workload and the API server beside it
	api_server 10.0.0.1
	workload Deployment/weather
	card weather "$@"
}

rules='[{"to":[{"ipBlock":{"cidr":"203.0.113.0/24"}}],"ports":[{"port":443}]}]'

@test "a verified agent whose card does not set egress may connect anywhere" {
	same "$(world | translate | egress weather)" '[{}]'
	same "$(world --policy '{}' | translate | egress weather)" '[{}]'
	same "$(world --policy '{"egress":null}' | translate | egress weather)" '[{}]'
}

@test "a verified agent gets exactly the rules of its card" {
	same "$(world --policy "{\"egress\":$rules}" | translate | egress weather)" \
		'[{"to":[{"ipBlock":{"cidr":"203.0.113.0/24"}}],"ports":[{"port":443,"protocol":"TCP"}]}]'
}

@test "an empty list of rules denies all egress" {
	world --policy '{"egress":[]}' | translate >out
	same "$(egress weather <out)" '[]'
	same "$(spec agents/weather-signature-policy <out | jq -c .policyTypes)" '["Ingress","Egress"]'
}

@test "an agent that is not verified gets the API server on TCP 6443, whatever its card says" {
	for policy in null '{}' '{"egress":[{}]}' '{"egress":[]}' "{\"egress\":$rules}" '{"egress":7}'; do
		same "$(world --unverified --policy "$policy" | translate | egress weather)" \
			'[{"to":[{"ipBlock":{"cidr":"10.0.0.1/32"}}],"ports":[{"port":6443,"protocol":"TCP"}]}]'
	done
}

@test "a card that came without a verdict, or with one that is not true, is not verified" {
	for verdict in 'del(.verification)' '.verification.verified="true"' '.verification=true' \
		'.verification.verified=1' '.verification={"verified":null}'; do
		world | jq -c "if .object.kind == \"AgentCard\" then $verdict else . end" | translate >out ||
			[ "$verdict" = 'del(.verification)' ]
		same "$(egress weather <out | jq -c '.[0].to')" '[{"ipBlock":{"cidr":"10.0.0.1/32"}}]'
	done
}

@test "when egress-verify is left out of the pipe, one line says so and the exit status is 1" {
	local cards
	cards=$(card one && card two) || return 1
	run -1 --separate-stderr egress-translate <<<"$(jq -c 'del(.verification)' <<<"$cards")"
	[ "$stderr" = 'egress-translate: no AgentCard in the input has a verdict, so every agent counts as unverified: put egress-verify before egress-translate' ] ||
		{ echo "$stderr" && return 1; }
	run -0 --separate-stderr egress-translate <<<"$cards"
	[ -z "$stderr" ]
	run -0 egress-translate </dev/null
}

@test "one invalid rule denies all egress, and every problem is named" {
	world --policy '{"egress":[{"to":[{"ipBlock":{"cidr":"203.0.113.0/24"}}]},
		{"to":[{"ipBlock":{"cidr":"203.0.113.1/24"}}],"ports":[{"port":70000}]}]}' | translate >out
	same "$(egress weather <out)" '[]'
	run jq -r '.problems[] | select(.severity != "warning").field' out
	[[ $output == *'spec.networkPolicy.egress[1].to[0].ipBlock.cidr'* ]]
	[[ $output == *'spec.networkPolicy.egress[1].ports[0].port'* ]]
	[ "$(jq -r .reason out)" = RulesInvalid ]
}

@test "a misspelt or foreign field of spec.networkPolicy denies all egress" {
	for policy in '{"egres":[]}' '{"ingress":[]}' '[]' '"x"' '7' 'true'; do
		same "$(world --policy "$policy" | translate | egress weather)" '[]'
	done
}

@test "a policy belongs to its card, and says whose it is" {
	world | translate >out
	same "$(jq -c '.object.metadata.labels' out)" '{"app.kubernetes.io/managed-by":"agent-egress",
		"managed-by":"agent-egress","kagenti.dev/agentcard":"weather",
		"kagenti.dev/policy-type":"signature-verification"}'
	same "$(jq -c '.object.metadata.ownerReferences' out)" '[{"apiVersion":"agent.kagenti.dev/v1alpha1",
		"kind":"AgentCard","name":"weather","uid":"uid-weather","controller":true,"blockOwnerDeletion":true}]'
	same "$(jq -c .agentCard out)" '{"namespace":"agents","name":"weather","uid":"uid-weather"}'
	same "$(jq -c .problems out)" '[]'
}

@test "the operator and verified pods of the namespace may connect to a verified agent" {
	same "$(world | translate | spec agents/weather-signature-policy | jq -c .ingress)" \
		'[{"from":[{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"kagenti-operator-system"}}},
		  {"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"kagenti-system"}}},
		  {"podSelector":{"matchLabels":{"agent.kagenti.dev/signature-verified":"true"}}}]}]'
}

@test "only the operator may connect to an agent that is not verified" {
	same "$(world --unverified | translate --ingress-namespace ops | spec agents/weather-signature-policy | jq -c .ingress)" \
		'[{"from":[{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"ops"}}}]}]'
}

@test "--verified-peers workloads names the verified workloads instead of a label" {
	{
		world
		workload Deployment/other && card other
		workload Deployment/third && card third --unverified
	} | translate --verified-peers workloads >out
	same "$(spec agents/weather-signature-policy <out | jq -c '[.ingress[].from[].podSelector | select(.)]')" \
		'[{"matchLabels":{"app":"other"}},{"matchLabels":{"app":"weather"}}]'
}

@test "pods are selected by the workload's own selector, or by its template's labels" {
	workload Deployment/weather --selector '{"matchLabels":{"a":"1"}}' --labels '{"a":"1","b":"2"}' >events
	card weather >>events
	same "$(translate <events | spec agents/weather-signature-policy | jq -c .podSelector)" '{"matchLabels":{"a":"1"}}'
	same "$(translate --selector-from template <events | spec agents/weather-signature-policy | jq -c .podSelector)" \
		'{"matchLabels":{"a":"1","b":"2"}}'
}

@test "a selector that would select every pod is not used" {
	workload Deployment/weather --selector '{}' --labels '{"app":"weather"}' >events
	card weather >>events
	translate <events >out
	same "$(spec agents/weather-signature-policy <out | jq -c .podSelector)" '{"matchLabels":{"app":"weather"}}'
	[ "$(jq -r '.problems[0].severity' out)" = warning ]
}

@test "nothing is said before the AgentCards' list is complete" {
	{ mark begin AgentCard; world; } | translate >out || true
	[ ! -s out ]
	grep -q 'ended before its lists were complete' errors
	{ mark begin AgentCard; world; mark end AgentCard; } | translate >out
	[ "$(jq -r .type out | tr '\n' ' ')" = 'APPLY BOOKMARK ' ]
}

@test "an input that breaks off inside a list deletes nothing and ends with status 1" {
	world | translate | seen ADDED >policy
	{ mark begin AgentCard; cat policy; } >events
	run -1 --separate-stderr egress-translate <events
	[ -z "$(operations <<<"$output")" ]
}

@test "an input without any AgentCard deletes no policy" {
	world | translate | seen ADDED >policy
	run -0 --separate-stderr egress-translate <policy
	[ -z "$output" ]
}

@test "--no-wait speaks at once, and deletes nothing that it has not heard of" {
	world | translate | seen ADDED >policy
	{ mark begin AgentCard; cat policy; world; } | translate --no-wait >out || true
	[ "$(jq -r .type out | sort -u)" = APPLY ]
}

@test "an operation is given again only when it differs" {
	{ world; world; card weather --policy '{"egress":[]}'; card weather --policy '{"egress":[]}'; card weather --policy '{"egress":[{}]}'; } >events
	[ "$(translate --no-wait <events | jq -c .object.spec.egress | uniq | wc -l)" = 3 ]
	[ "$({ mark end AgentCard; cat events; } | translate | jq -rc 'select(.type == "APPLY").reason' | uniq -c | awk '{print $1 $2}' | tr '\n' ' ')" = '1EgressUnset 1EgressEmpty 1EgressRules ' ]
}

@test "a change of the API server's addresses changes every restrictive policy" {
	{
		world --unverified
		workload Deployment/free && card free
		mark end AgentCard
		api_server 10.0.0.2 fd00::2 10.0.0.3
	} | translate >out
	same "$(jq -c 'select(.type == "APPLY").object | [.metadata.name, (.spec.egress[0].to // [] | map(.ipBlock.cidr))]' out | tail -n 1)" \
		'["weather-signature-policy",["10.0.0.2/32","10.0.0.3/32","fd00::2/128"]]'
	[ "$(jq -c 'select(.type == "APPLY")' out | wc -l)" = 3 ]
}

@test "while no address of the API server is known all egress of the unverified is denied" {
	{ workload Deployment/weather && card weather --unverified; } | translate >out
	same "$(egress weather <out)" '[]'
	[ "$(jq -r '.problems[0].message' out)" = "no address of the API server is known: all egress is denied" ]
}

@test "--api-server is used instead of what the stream says" {
	same "$(world --unverified | translate --api-server 192.0.2.0/28 --api-server fd00::1/128 | egress weather | jq -c '[.[].to[].ipBlock.cidr]')" \
		'["192.0.2.0/28","fd00::1/128"]'
}

@test "an API server on another port is warned of, and followed on demand" {
	{ api_server --port 443 10.0.0.1; workload Deployment/weather; card weather --unverified; } >events
	translate <events >out
	same "$(egress weather <out | jq -c '[.[].ports[].port]')" '[6443]'
	[[ $(jq -r '.problems[] | select(.severity == "warning").message' out) == *'listens on port 443'* ]]
	same "$(translate --api-server-port endpoints <events | egress weather | jq -c '[.[].ports[].port]')" '[443]'
	same "$(translate --api-server-port 443 <events | egress weather | jq -c '[.[].ports[].port]')" '[443]'
}

@test "two cards on one workload: permissive only when both are verified" {
	{ world; card second --on Deployment/weather --unverified; } | translate >out
	[ "$(jq -r .reason out)" = NotVerified ]
	[[ $(jq -r .message out) == *second* ]]
}

@test "two cards with different rules deny all egress; with equal ones they agree" {
	{ world --policy "{\"egress\":$rules}"; card second --on Deployment/weather --created 2025-01-01T00:00:00Z; } | translate >out
	same "$(egress weather <out)" '[]'
	[ "$(jq -r .reason out)" = RulesConflict ]
	[ "$(jq -r '.object.metadata.labels["kagenti.dev/agentcard"]' out)" = second ]
	{
		world --policy "{\"egress\":$rules}"
		card second --on Deployment/weather --policy '{"egress":[{"ports":[{"protocol":"TCP","port":443}],"to":[{"ipBlock":{"cidr":"203.0.113.0/24"}}]}]}'
	} | translate >out
	[ "$(jq -r .reason out)" = EgressRules ]
}

@test "an unset and an empty list are different rules" {
	{ world; card second --on Deployment/weather --policy '{"egress":[]}'; } | translate >out
	[ "$(jq -r .reason out)" = RulesConflict ]
}

@test "a card that changes its workload takes its policy along" {
	{ world; workload Deployment/other; mark end AgentCard; card weather --on Deployment/other; } | translate >out
	[ "$(jq -r 'select(.type != "BOOKMARK") | "\(.type) \(.object.metadata.name)"' out | tail -n 2 | tr '\n' ';')" = \
		'APPLY other-signature-policy;DELETE weather-signature-policy;' ]
}

@test "a deleted card takes its policy along, and a workload that disappears does not" {
	{ world; mark end AgentCard; workload Deployment/weather --type DELETED; } | translate >out
	[ "$(jq -r .type out | tr '\n' ' ')" = 'APPLY BOOKMARK ' ]
	{ world; mark end AgentCard; card weather --type DELETED; } | translate >out
	[ "$(jq -r .type out | tr '\n' ' ')" = 'APPLY BOOKMARK DELETE ' ]
	same "$(jq -c 'select(.type == "DELETE").object' out)" '{"apiVersion":"networking.k8s.io/v1",
		"kind":"NetworkPolicy","metadata":{"namespace":"agents","name":"weather-signature-policy"}}'
}

@test "what a new list does not name is gone" {
	{
		mark begin AgentCard; world; workload Sandbox/other; card other --on Sandbox/other; mark end AgentCard
		mark begin AgentCard; card weather; mark end AgentCard
	} | translate >out
	[ "$(jq -r 'select(.type == "DELETE").object.metadata.name' out)" = other-signature-policy ]
}

@test "a policy that was changed or deleted by hand is asked for again" {
	world | translate >first
	{ world; mark end AgentCard; seen ADDED <first; seen MODIFIED '.spec.egress = [{"to":[]}]' <first; } | translate >out
	[ "$(jq -c 'select(.type == "APPLY")' out | wc -l)" = 1 ]
	{ world; mark end AgentCard; seen ADDED <first; seen MODIFIED '.spec.ingress = [{}]' <first; } | translate >out
	[ "$(jq -c 'select(.type == "APPLY")' out | wc -l)" = 2 ]
	{ world; mark end AgentCard; seen ADDED <first; seen DELETED <first; } | translate >out
	[ "$(jq -c 'select(.type == "APPLY")' out | wc -l)" = 2 ]
	{ world; mark end AgentCard; seen MODIFIED '.metadata.labels |= del(.["kagenti.dev/agentcard"])' <first; } | translate >out
	[ "$(jq -c 'select(.type == "APPLY")' out | wc -l)" = 2 ]
}

@test "what the server adds to a policy is no drift" {
	world --policy "{\"egress\":$rules}" | translate >first
	{
		world --policy "{\"egress\":$rules}"; mark end AgentCard
		seen ADDED '.metadata += {generation: 1, creationTimestamp: "x"} | .metadata.annotations.other = "1"
			| .metadata.labels.mine = "too" | .spec.egress[0].ports[0].protocol = "TCP"' <first
	} | translate >out
	[ "$(jq -c 'select(.type == "APPLY")' out | wc -l)" = 1 ]
}

@test "a policy that already is as it should be says so" {
	world | translate | seen ADDED >policy
	{ cat policy; world; } | translate >out
	same "$(jq -c .observed out)" '{"resourceVersion":"77"}'
	[ "$(world | translate | jq -c .observed)" = null ]
}

@test "a managed policy whose card is gone is deleted, a foreign one never" {
	world | translate | seen ADDED '.metadata.name = "old-signature-policy"' >policy
	{ world; cat policy; } | translate >out
	[ "$(jq -r 'select(.type == "DELETE").object.metadata.name' out)" = old-signature-policy ]
	{ world; jq -c 'del(.object.metadata.labels["app.kubernetes.io/managed-by"])' policy; } | translate >out
	[ -z "$(jq -c 'select(.type == "DELETE")' out)" ]
}

@test "after a restart a vanished workload's policy stays while its card lives" {
	world --unverified | translate | seen ADDED >policy
	{ api_server 10.0.0.9; card weather --unverified; cat policy; } | translate >out
	[ "$(jq -r .type out)" = APPLY ]
	same "$(spec agents/weather-signature-policy <out | jq -c '[.podSelector, .egress[0].to[0].ipBlock.cidr]')" \
		'[{"matchLabels":{"app":"weather"}},"10.0.0.9/32"]'
}

@test "a Deployment keeps the plain name beside another kind of the same name" {
	{
		card a --on StatefulSet/twin && workload StatefulSet/twin --selector '{"matchLabels":{"s":"1"}}'
		card b --on Deployment/twin && workload Deployment/twin --selector '{"matchLabels":{"d":"1"}}'
	} >events
	for order in cat tac; do
		$order events | translate >out
		same "$(spec agents/twin-signature-policy <out | jq -c .podSelector)" '{"matchLabels":{"d":"1"}}'
		same "$(spec agents/twin-statefulset-signature-policy <out | jq -c .podSelector)" '{"matchLabels":{"s":"1"}}'
	done
}

@test "no name of another workload can leave one without a policy" {
	{
		for on in Deployment/foo StatefulSet/foo Deployment/foo-statefulset; do
			kind=${on%%/*}
			card "c-${kind,,}-${on#*/}" --on "$on" && workload "$on" --selector "{\"matchLabels\":{\"is\":\"${on/\//-}\"}}"
		done
	} >events
	translate <events >out
	[ "$(jq -s 'map(.object.spec.podSelector.matchLabels.is) | unique | length' out)" = 3 ]
	[ "$(jq -s 'group_by(.object.metadata.name) | length' out)" = 3 ]
}

@test "a name too long for an object or a label is cut, and the whole one kept beside it" {
	long=$(printf 'a%.0s' {1..250})
	{ card "$long" --on "Deployment/$long" && workload "Deployment/$long"; } | translate >out
	name=$(jq -r .object.metadata.name out)
	[ ${#name} -le 253 ]
	[[ $name =~ ^a+-[0-9a-f]{8}-signature-policy$ ]]
	[ "$(jq -r '.object.metadata.labels["kagenti.dev/agentcard"] | length' out)" = 63 ]
	[ "$(jq -r '.object.metadata.annotations["kagenti.dev/agentcard"]' out)" = "$long" ]
}

@test "workloads that select the same pods are warned of, both" {
	{
		workload Deployment/a --selector '{"matchLabels":{"team":"x"}}' --labels '{"team":"x"}' && card a
		workload Deployment/b --selector '{"matchLabels":{"app":"b"}}' --labels '{"team":"x","app":"b"}' && card b
		workload Deployment/c && card c
	} | translate >out
	[ "$(jq -r 'select(.problems[0].severity == "warning").agentCard.name' out | sort -u | tr '\n' ' ')" = 'a b ' ]
}

@test "--names rossoctl uses that operator's group, labels and namespaces" {
	{ api_server 10.0.0.1; workload Deployment/weather; card weather | sed 's/agent.kagenti.dev/agent.rossoctl.dev/'; card other; } \
		| translate --names rossoctl >out
	[ "$(jq -r .object.metadata.name out)" = weather-signature-policy ]
	[ "$(jq -r '.object.metadata.labels["rossoctl.dev/agentcard"]' out)" = weather ]
	[ "$(jq -r '.object.metadata.labels["rossoctl.dev/policy-type"]' out)" = identity-verification ]
	grep -q '"agent.rossoctl.dev/signature-verified":"true"' out
	run ! grep -q kagenti out
}

@test "--status asks for the status of each card" {
	{ world --policy '{"egress":[]}'; card second --on Deployment/weather --policy '{"egress":[]}'; card lost; } | translate --status >out
	same "$(jq -c 'select(.object.kind == "AgentCard" and .object.metadata.name == "weather").object.status.networkPolicy' out)" \
		'{"name":"weather-signature-policy","mode":"permissive","egress":"deny-all","reason":"EgressEmpty",
		  "message":"verified, and its card allows no egress",
		  "rulesDigest":"79234252c41c68841d64e022bf76921e2903878f57e3f467aee4c3d9bb403c68","observedGeneration":3}'
	[ "$(jq -r 'select(.object.kind == "AgentCard" and .object.metadata.name == "lost").object.status.networkPolicy.reason' out)" = WorkloadUnknown ]
}

@test "--explicit-peers names the peers of a rule that has only ports" {
	same "$(world --policy '{"egress":[{"ports":[{"port":443}]}]}' | translate --explicit-peers | egress weather | jq -c '[.[0].to[].ipBlock.cidr]')" \
		'["0.0.0.0/0","::/0"]'
}

@test "a card that names no workload is reported by its line" {
	world | jq -c 'del(.object.spec.targetRef)' | {
		run -1 --separate-stderr egress-translate
		[[ $stderr == *'line 3: '*'targetRef names no workload'* ]]
	}
}

@test "a replay behind itself ends in the same policies" {
	{ mark begin AgentCard; world; workload Deployment/b && card b --unverified; mark end AgentCard
	  card weather --unverified; card b; api_server 10.0.0.7; card b --type DELETED; } >log
	final() { jq -Sc -s 'reduce (.[] | select(.type != "BOOKMARK")) as $o ({}; .[$o.object.metadata.name] = ($o | select(.type == "APPLY").object // null))'; }
	translate <log | final >once
	[ "$(jq 'map_values(select(.)) | length' once)" = 1 ]
	cat log log | translate | final >twice
	diff once twice
}

@test "a line that cannot be used deletes nothing: what it told of may be there" {
	world | translate | seen ADDED >policy
	{ mark begin AgentCard; cat policy; echo '{"type":"ADDED","obj'; mark end AgentCard; } >events
	run -1 --separate-stderr egress-translate <events
	[ -z "$(operations <<<"$output")" ]
	{ mark begin AgentCard; cat policy; echo '{"type":"ERROR","object":{}}'; mark end AgentCard; } >events
	[ -z "$(translate <events)" ]
	{ cat events; mark begin AgentCard; cat policy; mark end AgentCard; } >later
	[ "$(translate <later | jq -r .type | tr '\n' ' ')" = 'DELETE BOOKMARK ' ]
	{ world; echo 'x'; card weather --type DELETED; } >events
	run -1 --separate-stderr egress-translate <events
	{ mark begin AgentCard; world; mark end AgentCard; echo 'x'; card weather --type DELETED; } >events
	run -1 --separate-stderr egress-translate <events
	[ "$(operations <<<"$output" | jq -r .type | tr '\n' ' ')" = 'APPLY BOOKMARK DELETE ' ]
}

@test "a line that egress-verify cannot use is told of, so that nothing is deleted for it" {
	world | translate | seen ADDED >policy
	{ mark begin AgentCard; cat policy; world | sed '$s/spec/sp/;$s/}$//'; mark end AgentCard; } >events
	egress-verify --accept-status <events 2>/dev/null >verified || true
	[ "$(jq -r 'select(.type == "ERROR").object.reason' verified)" = RecordRejected ]
	[ -z "$(translate <verified | jq -c 'select(.type == "DELETE")')" ]
}

@test "an agent whose card names domains alone may ask the cluster's DNS, and nobody else" {
	world --policy '{"domains":[{"names":["api.example.com"]}]}' | translate >out
	same "$(egress weather <out)" '[{"ports":[{"port":53,"protocol":"UDP"},{"port":53,"protocol":"TCP"}],
		"to":[{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"kube-system"}},
		"podSelector":{"matchLabels":{"k8s-app":"kube-dns"}}}]}]'
	[ "$(jq -r '.problems[] | select(.field == "spec.networkPolicy.domains").message' out)" = \
		'a NetworkPolicy cannot express DNS names: these stay denied' ]
	same "$(world --policy '{"domains":[]}' | translate | egress weather)" '[]'
	same "$(world --policy '{"egress":[],"domains":[{"names":["api.example.com"]}]}' | translate | egress weather)" '[]'
	same "$(world --unverified --policy '{"domains":[{"names":["api.example.com"]}]}' | translate | egress weather | jq -c '[.[].to[].ipBlock.cidr]')" \
		'["10.0.0.1/32"]'
}

@test "--dns says which pods are the cluster's DNS" {
	same "$(world --policy '{"domains":[{"names":["api.example.com"]}]}' |
		translate --dns openshift-dns/dns.operator.openshift.io/daemonset-dns=default:5353 --dns dns/app=unbound |
		egress weather | jq -c '[.[] | [.to[0].namespaceSelector.matchLabels[], (.to[0].podSelector.matchLabels | to_entries[0] | .key, .value), .ports[].port]]')" \
		'[["openshift-dns","dns.operator.openshift.io/daemonset-dns","default",5353,5353],["dns","app","unbound",53,53]]'
	for word in x a/b A/b=c a/b=c:0 a/b=c:65536 a/b=c:x a/b=c: a/=c 'a/b=c d' 'a/b"=c' /b=c; do
		run -2 --separate-stderr egress-translate --dns "$word" </dev/null
		[[ $stderr == *"--dns $word: "* ]]
	done
}

@test "wrong usage is refused with status 2" {
	for option in '--api-server-port 0' '--api-server-port 70000' '--api-server x' '--api-server 10.0.0.1' \
		'--ingress-namespace A_B' '--target none' '--nonsense'; do
		run -2 egress-translate $option </dev/null
	done
}
