#!/usr/bin/env bats
# AGENT lines of egress-translate: what state each agent is in, and why it is not confined.

bats_require_minimum_version 1.5.0

setup() {
	load translate
	cd "$BATS_TEST_TMPDIR" || return 1
}

# whole NAME [JQ]: the workload NAME as egress-watch writes it, made another by JQ.
whole() {
	workload "Deployment/$1" | jq -c '.object.spec.template.spec = {hostNetwork: false} | '"${2:-.}"
}

# states: of the AGENT lines on stdin: name, egress, confined, the gaps' reasons.
states() {
	jq -c 'select(.type == "AGENT") | [.agentCard.name, .egress, .confined, [.gaps[]?.reason]]'
}

translate() { egress-translate "$@" 2>errors; }

DENIES='{"egress":[]}'

@test "an agent whose policy is there as it was asked for is confined" {
	{ mark begin NetworkPolicy; mark end NetworkPolicy; mark begin AgentCard; whole a
	  card a --policy "$DENIES"; mark end AgentCard; } >in
	translate <in >first
	[ "$(states <first)" = '["a","deny-all",false,["NotApplied"]]' ]
	jq -c 'select(.type == "APPLY")' first | { cat in; seen ADDED; } | translate | states >out
	[ "$(tail -n 1 out)" = '["a","deny-all",true,[]]' ]
	[ "$(wc -l <out)" = 2 ]
}

@test "an AGENT line comes behind the operations of its objects, and names them" {
	{ whole a; card a --policy "$DENIES"; } | translate >out
	[ "$(jq -r .type out | xargs)" = "APPLY AGENT" ]
	[ "$(jq -c 'select(.type == "AGENT").objects' out)" = \
		'[{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","namespace":"agents","name":"a-signature-policy"}]' ]
	[ "$(jq -c 'select(.type == "AGENT") | [.workload, .verified, .reason, .observedGeneration, .agentCard.uid]' out)" = \
		'[{"apiVersion":"apps/v1","kind":"Deployment","name":"a"},true,"EgressEmpty",3,"uid-a"]' ]
}

@test "nothing is told twice that does not differ" {
	{ whole a; card a --policy "$DENIES"; mark end AgentCard; whole a; card a --policy "$DENIES"
	  card a --policy '{"egress":[{"to":[{"podSelector":{}}]}]}'; } | translate | states >out
	[ "$(cat out)" = $'["a","deny-all",true,[]]\n["a","scoped",true,[]]' ]
}

@test "without a whole list of the policies what is stored is not judged" {
	{ whole a; card a --policy "$DENIES"; } | translate | jq -c 'select(.type == "AGENT") | [.confined, .live]' >out
	[ "$(cat out)" = '[true,false]' ]
	{ mark begin NetworkPolicy
	  mark end NetworkPolicy | jq -c '.object.metadata.annotations["agent-egress.dev/unavailable"] = "Forbidden"'
	  whole a; card a --policy "$DENIES"; } | translate | jq -c 'select(.type == "AGENT") | [.confined, .live]' >out
	[ "$(cat out)" = '[true,false]' ]
}

@test "HostNetwork: pods on their host's network" {
	{ whole a '.object.spec.template.spec.hostNetwork = true'; card a --unverified; } | translate | states >out
	[ "$(cat out)" = '["a","api-server",false,["HostNetwork"]]' ]
}

@test "Undecided: a template that does not say, of an older log" {
	{ workload Deployment/a; card a --policy "$DENIES"; } | translate | states >out
	[ "$(cat out)" = '["a","deny-all",false,["Undecided"]]' ]
	# with its containers it would have said so
	{ whole a '.object.spec.template.spec = {containers: []}'; card a --policy "$DENIES"; } | translate | states >out
	[ "$(cat out)" = '["a","deny-all",true,[]]' ]
}

@test "SelectorMissesPods: a template without the labels, an owner that replaces, a status that says otherwise" {
	{ whole a '.object.spec.template.metadata.labels = {app: "other"}'; card a --policy "$DENIES"; } | translate | states >out
	[ "$(cat out)" = '["a","deny-all",false,["SelectorMissesPods"]]' ]
	{ whole a '.object.kind = "ReplicaSet" | .object.metadata.ownerReferences = [{kind: "Deployment", name: "d", controller: true}]'
	  card a --on ReplicaSet/a --policy "$DENIES"; } | translate >out
	[ "$(states <out)" = '["a","deny-all",false,["SelectorMissesPods"]]' ]
	[[ $(jq -r '.gaps[]?.message' out) == *"name its owner, Deployment d" ]]
	{ workload Sandbox/a | jq -c '.object.status.selector = "" | .object.spec.podTemplate.spec = {hostNetwork: false}'
	  card a --on Sandbox/a --policy "$DENIES"; } | translate | states >out
	[ "$(cat out)" = '["a","deny-all",false,["SelectorMissesPods"]]' ]
}

@test "labels that a controller adds are no reason to doubt a selector" {
	{ whole a '.object.spec.selector.matchLabels["pod-template-hash"] = "x"'; card a --policy "$DENIES"; } | translate | states >out
	[ "$(cat out)" = '["a","deny-all",true,[]]' ]
}

@test "WorkloadUnknown: a workload that does not exist, of an unknown kind, or none at all" {
	card a --policy "$DENIES" | translate | states >out
	[ "$(cat out)" = '["a","deny-all",false,["WorkloadUnknown"]]' ]
	card a --on Knative/a --policy "$DENIES" | translate | states >out
	[ "$(cat out)" = '["a","deny-all",false,["WorkloadUnknown"]]' ]
	card a --unverified | jq -c 'del(.object.spec.targetRef)' | translate >out || true
	[ "$(states <out)" = '["a","api-server",false,["WorkloadUnknown"]]' ]
	{ whole a; card a --policy "$DENIES"; mark end AgentCard; whole a '.type = "DELETED"'; } | translate | states >out
	[ "$(tail -n 1 out)" = '["a","deny-all",false,["WorkloadUnknown"]]' ]
}

@test "ForeignPolicy: an object of our name without our label, before and after ours is asked for" {
	foreign() {
		jq -nc --arg type "${1:-ADDED}" '{type: $type, object: {apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy",
			metadata: {name: "a-signature-policy", namespace: "agents", resourceVersion: "3"}, spec: {podSelector: {}}}}'
	}
	{ mark begin NetworkPolicy; foreign; mark end NetworkPolicy; whole a; card a --policy "$DENIES"; } | translate >out
	[ "$(states <out)" = '["a","deny-all",false,["ForeignPolicy"]]' ]
	[ "$(jq -c '.gaps[]?.object' out)" = \
		'{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","namespace":"agents","name":"a-signature-policy"}' ]
	{ mark begin NetworkPolicy; mark end NetworkPolicy; whole a; card a --policy "$DENIES"; mark end AgentCard
	  foreign; foreign DELETED; } | translate | states >out
	[ "$(sed -n 2p out)" = '["a","deny-all",false,["ForeignPolicy"]]' ]
	[ "$(tail -n 1 out)" = '["a","deny-all",false,["NotApplied"]]' ]
}

@test "ChangedByServer: a webhook that puts something into an empty list, or takes a label off" {
	{ mark begin NetworkPolicy; mark end NetworkPolicy; whole a; card a --policy "$DENIES"; } >in
	translate <in | jq -c 'select(.type == "APPLY")' >first
	for change in '.spec.egress = [{"to":[{"ipBlock":{"cidr":"0.0.0.0/0"}}]}]' '.spec.podSelector.matchLabels = {}' \
		'.spec.policyTypes = ["Ingress"]'; do
		{ cat in; mark end AgentCard; seen ADDED "$change" <first; } | translate | states >out
		[ "$(tail -n 1 out)" = '["a","deny-all",false,["ChangedByServer"]]' ]
	done
}

@test "an agent that may go anywhere is neither confined nor not" {
	{ whole a; card a; } | translate | jq -c 'select(.type == "AGENT") | [.egress, has("confined"), has("gaps")]' >out
	[ "$(cat out)" = '["allow-all",false,false]' ]
}

@test "of a card that is gone the last line says so; after a begin mark all are told again" {
	{ whole a; card a --policy "$DENIES"; mark end AgentCard; card a --type DELETED; } | translate >out
	[ "$(jq -c 'select(.type == "AGENT" and .gone)' out)" = \
		'{"type":"AGENT","agentCard":{"namespace":"agents","name":"a","uid":"uid-a"},"gone":true}' ]
	{ whole a; whole b; card a; card b; mark end AgentCard; mark begin AgentCard; card a; mark end AgentCard; } | translate >out
	[ "$(jq -r 'if .type == "AGENT" then "\(.agentCard.name)\(if .gone then "-" else "" end)" else .type end' out | xargs)" = \
		"APPLY a APPLY b BOOKMARK BOOKMARK a b b- DELETE BOOKMARK" ]
}

@test "a card that is another of the same name: the first is gone" {
	{ whole a; card a --uid one; mark end AgentCard; card a --uid two; } | translate |
		jq -c 'select(.type == "AGENT") | [.agentCard.uid, .gone]' >out
	[ "$(cat out)" = $'["one",null]\n["one",true]\n["two",null]' ]
}

@test "each operation says what it does to what the agent may reach" {
	{ mark begin NetworkPolicy; mark end NetworkPolicy; whole a; } >lists
	effect() { jq -r 'select(.type == "APPLY" and .object.kind == "NetworkPolicy").effect' | tail -n 1; }
	asked() { { cat lists; card a "$@"; } | translate | jq -c 'select(.type == "APPLY")'; }
	[ "$({ cat lists; card a; } | translate | effect)" = new ]
	asked >open
	asked --policy "$DENIES" >closed
	[ "$({ cat lists; seen ADDED <open; card a --policy "$DENIES"; } | translate | effect)" = narrows ]
	[ "$({ cat lists; seen ADDED <closed; card a; } | translate | effect)" = widens ]
	[ "$({ cat lists; seen ADDED '.spec.podSelector.matchLabels = {x: "y"}' <open; card a --policy "$DENIES"; } | translate | effect)" = unknown ]
	[ "$({ whole a; card a; } | translate | effect)" = unknown ]
}

@test "an agent of a target with an object for the whole namespace is told of behind that" {
	{ whole a; card a --policy '{"domains":[{"names":["api.example.com"],"ports":[{"port":443}]}]}'; } |
		translate --target ovn >out
	[ "$(jq -r 'if .type == "APPLY" then .object.kind else .type end' out | xargs)" = "NetworkPolicy EgressFirewall AGENT" ]
	[ "$(jq -r 'select(.type == "AGENT").objects[].kind' out | xargs)" = "NetworkPolicy EgressFirewall" ]
}
