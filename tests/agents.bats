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

# The cluster serves no policies but its own kind's.
unserved() {
	local kind
	for kind in cilium.io/v2,CiliumNetworkPolicy cilium.io/v2,CiliumClusterwideNetworkPolicy \
		projectcalico.org/v3,NetworkPolicy projectcalico.org/v3,GlobalNetworkPolicy \
		policy.networking.k8s.io/v1alpha1,AdminNetworkPolicy policy.networking.k8s.io/v1alpha2,ClusterNetworkPolicy \
		networking.k8s.aws/v1alpha1,ClusterNetworkPolicy networking.k8s.aws/v1alpha1,ApplicationNetworkPolicy \
		networking.gke.io/v1alpha1,FQDNNetworkPolicy; do
		printf '{"type":"BOOKMARK","object":{"apiVersion":"%s","kind":"%s","metadata":{"annotations":{' "${kind%,*}" "${kind#*,}"
		echo '"k8s.io/initial-events-end":"true","agent-egress.dev/unavailable":"NotServed"}}}}'
	done
}

translate() { { unserved; cat; } | egress-translate "$@" 2>errors; }

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
	[ "$(cat out)" = $'["a","deny-all",false,["Undecided"]]\n["a","scoped",false,["Undecided"]]' ]
}

@test "without a whole list of the policies what is stored is not judged" {
	{ whole a; card a --policy "$DENIES"; } | translate | jq -c 'select(.type == "AGENT") | [.confined, .live]' >out
	[ "$(cat out)" = '[false,false]' ]
	{ mark begin NetworkPolicy
	  mark end NetworkPolicy | jq -c '.object.metadata.annotations["agent-egress.dev/unavailable"] = "Forbidden"'
	  whole a; card a --policy "$DENIES"; } | translate | jq -c 'select(.type == "AGENT") | [.confined, .live]' >out
	[ "$(cat out)" = '[false,false]' ]
}

@test "HostNetwork: pods on their host's network" {
	{ whole a '.object.spec.template.spec.hostNetwork = true'; card a --unverified; } | translate | states >out
	[ "$(cat out)" = '["a","api-server",false,["HostNetwork","Undecided"]]' ]
}

@test "Undecided: a template that does not say, of an older log" {
	{ workload Deployment/a; card a --policy "$DENIES"; } | translate | states >out
	[ "$(cat out)" = '["a","deny-all",false,["Undecided","Undecided"]]' ]
	# with its containers it would have said so
	{ whole a '.object.spec.template.spec = {containers: []}'; card a --policy "$DENIES"; } | translate | states >out
	[ "$(cat out)" = '["a","deny-all",false,["Undecided"]]' ]
}

@test "SelectorMissesPods: a template without the labels, an owner that replaces, a status that says otherwise" {
	{ whole a '.object.spec.template.metadata.labels = {app: "other"}'; card a --policy "$DENIES"; } | translate | states >out
	[ "$(cat out)" = '["a","deny-all",false,["SelectorMissesPods","Undecided"]]' ]
	{ whole a '.object.kind = "ReplicaSet" | .object.metadata.ownerReferences = [{kind: "Deployment", name: "d", controller: true}]'
	  card a --on ReplicaSet/a --policy "$DENIES"; } | translate >out
	[ "$(states <out)" = '["a","deny-all",false,["SelectorMissesPods","Undecided"]]' ]
	[[ $(jq -r '.gaps[]?.message' out) == *"name its owner, Deployment d"* ]]
	{ workload Sandbox/a | jq -c '.object.status.selector = "" | .object.spec.podTemplate.spec = {hostNetwork: false}'
	  card a --on Sandbox/a --policy "$DENIES"; } | translate | states >out
	[ "$(cat out)" = '["a","deny-all",false,["SelectorMissesPods","Undecided"]]' ]
}

@test "labels that a controller adds are no reason to doubt a selector" {
	{ whole a '.object.spec.selector.matchLabels["pod-template-hash"] = "x"'; card a --policy "$DENIES"; } | translate | states >out
	[ "$(cat out)" = '["a","deny-all",false,["Undecided"]]' ]
}

@test "WorkloadUnknown: a workload that does not exist, of an unknown kind, or none at all" {
	card a --policy "$DENIES" | translate | states >out
	[ "$(cat out)" = '["a","deny-all",false,["WorkloadUnknown"]]' ]
	card a --on Knative/a --policy "$DENIES" | translate | states >out
	[ "$(cat out)" = '["a","deny-all",false,["WorkloadUnknown"]]' ]
	card a --unverified | jq -c 'del(.object.spec.targetRef)' | translate >out || true
	[ "$(states <out)" = '["a","api-server",false,["WorkloadUnknown"]]' ]
	{ whole a; card a --policy "$DENIES"; mark end AgentCard; whole a '.type = "DELETED"'; } | translate | states >out
	[ "$(tail -n 1 out)" = '["a","deny-all",false,["WorkloadUnknown","Undecided"]]' ]
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
	[ "$({ cat lists; seen ADDED <closed; card a --policy '{"egress":[{}]}'; } | translate | effect)" = widens ]
	[ "$({ cat lists; seen ADDED '.spec.podSelector.matchLabels = {x: "y"}' <open; card a --policy "$DENIES"; } | translate | effect)" = unknown ]
	[ "$({ whole a; card a; } | translate | effect)" = unknown ]
}

@test "an agent of a target with an object for the whole namespace is told of behind that" {
	{ whole a; card a --policy '{"domains":[{"names":["api.example.com"],"ports":[{"port":443}]}]}'; } |
		translate --target ovn >out
	[ "$(jq -r 'if .type == "APPLY" then .object.kind else .type end' out | xargs)" = "NetworkPolicy EgressFirewall AGENT" ]
	[ "$(jq -r 'select(.type == "AGENT").objects[].kind' out | xargs)" = "NetworkPolicy EgressFirewall" ]
}

# other VERSION KIND SPEC: a policy of somebody else's.
other() {
	jq -nc --arg version "$1" --arg kind "$2" --argjson spec "$3" '{type: "ADDED", object: {apiVersion: $version,
		kind: $kind, metadata: {name: "other", namespace: "agents"}, spec: $spec}}'
}
OPEN='{"podSelector":{"matchLabels":{"app":"a"}},"policyTypes":["Egress"],"egress":[{"ports":[{"port":53,"protocol":"UDP"}]}]}'
CLUSTER='{"endpointSelector":{},"egress":[{"toEntities":["world"]}]}'

# held: an agent whose policy is there, before what is read from stdin.
held() {
	cat >more
	{ mark begin NetworkPolicy; mark end NetworkPolicy; mark begin AgentCard; whole a; card a --policy "$DENIES"
	  mark end AgentCard; } >in
	translate <in | jq -c 'select(.type == "APPLY")' | { cat in; seen ADDED; cat more; } | translate
}

@test "WidenedByPolicy: others' policies come, change and go, and the agent is told of each time" {
	other networking.k8s.io/v1 NetworkPolicy "$OPEN" >open
	other cilium.io/v2 CiliumClusterwideNetworkPolicy "$CLUSTER" | jq -c 'del(.object.metadata.namespace)' >cluster
	{ cat open; jq -c '.object.spec.egress = [] | .type = "MODIFIED"' open; cat cluster; jq -c '.type = "DELETED"' cluster
	  jq -c '.object.spec.podSelector.matchLabels.app = "b"' open; } | held >out
	[ "$(states <out | tail -n 4)" = '["a","deny-all",false,["WidenedByPolicy"]]
["a","deny-all",true,[]]
["a","deny-all",false,["WidenedByPolicy"]]
["a","deny-all",true,[]]' ]
	[ "$(jq -c '.gaps[]? | select(.object.name == "other") | [.object.kind, .message]' out)" = \
		'["NetworkPolicy","NetworkPolicy agents/other: spec.egress[0] may allow more than the agent'"'"'s rules: UDP 53 to anywhere"]
["CiliumClusterwideNetworkPolicy","CiliumClusterwideNetworkPolicy other: spec.egress[0] may allow more than the agent'"'"'s rules: any port to 0.0.0.0/0"]' ]
}

@test "WidenedByPolicy is an error of an agent that is not verified" {
	{ whole a; card a --unverified; other networking.k8s.io/v1 NetworkPolicy "$OPEN"; } | translate >out
	[ "$(jq -c 'select(.type == "AGENT").problems[] | select(.message | startswith("WidenedByPolicy")) | has("severity")' out)" = false ]
}

@test "Undecided: what may not be read, and a stream without any list" {
	jq -nc '{type: "BOOKMARK", object: {apiVersion: "cilium.io/v2", kind: "CiliumNetworkPolicy", metadata: {annotations: {
		"k8s.io/initial-events-end": "true", "agent-egress.dev/unavailable": "Forbidden"}}}}' | held | states >out
	[ "$(tail -n 1 out)" = '["a","deny-all",false,["Undecided"]]' ]
	egress-translate <in | jq -r 'select(.type == "AGENT").gaps[].message' >out
	grep -qx "this stream has no list of others' policies" out
}

@test "a list of others' policies that does not end holds nothing back" {
	{ jq -nc '{type: "BOOKMARK", object: {apiVersion: "policy.networking.k8s.io/v1alpha1", kind: "AdminNetworkPolicy",
		metadata: {annotations: {"agent-egress.dev/initial-events-begin": "true"}}}}'
	  mark begin AgentCard; whole a; card a --policy "$DENIES"; mark end AgentCard; } | egress-translate >out
	[ "$(jq -r .type out | xargs)" = 'BOOKMARK APPLY AGENT BOOKMARK' ]
}

# broken: the event on stdin as a line that cannot be used, behind the names of its object; named: the
# ERROR event that stages before write of it.
broken() { sed 's/}$/,}/'; }
named() {
	jq -c '{type: "ERROR", object: {apiVersion: "v1", kind: "Status", status: "Failure", reason: "RecordRejected",
	  details: {apiVersion: .object.apiVersion, kind: .object.kind, namespace: .object.metadata.namespace, name: .object.metadata.name}
	    | del(.[] | nulls)}}'
}
some() { translate || [ $? = 1 ]; }

@test "a card whose record cannot be used is not verified until its next one, which may be as before" {
	local how
	for how in broken named; do
		{ whole a; card a --policy "$DENIES"; mark end AgentCard; card a --policy "$DENIES" | "$how"
		  card a --policy "$DENIES"; } | some >out
		[ "$(jq -c 'select(.type == "APPLY").reason' out | xargs)" = "EgressEmpty NotVerified EgressEmpty" ]
		[ "$(jq -r 'select(.type == "AGENT") | "\(.verified) \(.egress)"' out | xargs)" = \
			"true deny-all false api-server true deny-all" ]
		! grep -q '"ERROR"' out
	done
}

@test "a card of which only the name can be read holds up deletions of its own namespace, and no other's" {
	local how
	for how in broken named; do
		{ whole a; card a --policy "$DENIES"; } | translate | jq -c 'select(.type == "APPLY")' >a
		{ seen ADDED <a; seen ADDED '.metadata.namespace = "b"' <a; mark begin AgentCard
		  card a --policy "$DENIES" | "$how"; mark end AgentCard; } >in
		some <in >out
		[ "$(jq -r 'select(.type == "DELETE").object.metadata.namespace' out)" = b ]
		[ "$(jq -r .type out | xargs)" = "BOOKMARK ERROR DELETE BOOKMARK" ]
		# until a list has come in which it is not, or can be used
		{ cat in; mark begin AgentCard; mark end AgentCard; } | some >out
		[ "$(jq -r 'select(.type == "DELETE").object.metadata.namespace' out | xargs)" = "b agents" ]
	done
}

@test "a card that names no workload holds nothing up" {
	{ whole a; card a --policy "$DENIES"; } | translate | jq -c 'select(.type == "APPLY")' | seen ADDED >a
	{ cat a; mark begin AgentCard; card b --on Deployment/ --ns b; mark end AgentCard; } | some >out
	[ "$(jq -r .type out | xargs)" = "BOOKMARK AGENT DELETE BOOKMARK" ] ||
		[ "$(jq -r .type out | xargs)" = "BOOKMARK DELETE AGENT BOOKMARK" ]
}

@test "the policy of a workload whose record cannot be used stays, and its agent is undecided" {
	local how
	for how in broken named; do
		{ whole a; card a --policy "$DENIES"; mark end AgentCard; mark begin Deployment; whole a | "$how"
		  mark end Deployment; } | some >out
		[ "$(jq -r .type out | xargs)" = "APPLY AGENT BOOKMARK AGENT" ]
		jq -se 'last.gaps | any(.reason == "Undecided" and (.message | startswith("the last record of Deployment a cannot be used")))' out
		# a card may name it later
		{ whole a | "$how"; card a --policy "$DENIES"; } | some | states >out
		[ "$(cat out)" = '["a","deny-all",false,["Undecided"]]' ]
	done
}

@test "our policy whose record cannot be used is asked for again, once" {
	local how
	{ mark begin NetworkPolicy; mark end NetworkPolicy; whole a; card a --policy "$DENIES"; mark end AgentCard; } >in
	translate <in | jq -c 'select(.type == "APPLY")' | seen ADDED >policy
	for how in broken named; do
		{ cat in policy; "$how" <policy; "$how" <policy; } | some >out
		[ "$(jq -r 'select(.type == "APPLY") | .observed // "asked"' out | xargs)" = "asked asked" ]
		[ "$(states <out | tail -n 1)" = '["a","deny-all",false,["Undecided"]]' ] ||
			[ "$(states <out | tail -n 1)" = '["a","deny-all",false,["Undecided","Undecided"]]' ]
		{ cat in policy; "$how" <policy; cat policy; } | some | states | tail -n 1 >out
		[ "$(cat out)" = '["a","deny-all",true,[]]' ]
	done
}

# harmless KIND NAME NAMESPACE: somebody's policy that selects all and allows nothing.
harmless() {
	local version=networking.k8s.io/v1
	[ "$1" != CiliumClusterwideNetworkPolicy ] || version=cilium.io/v2
	jq -cn --arg version "$version" --arg kind "$1" --arg name "$2" --arg ns "$3" '
		{type: "ADDED", object: {apiVersion: $version, kind: $kind, metadata: ({name: $name} + if $ns == "" then {} else {namespace: $ns} end),
		 spec: (if $kind == "NetworkPolicy" then {podSelector: {}, policyTypes: ["Egress"], egress: []} else {endpointSelector: {}, egress: []} end)}}'
}

@test "another's policy whose record cannot be used makes the agents of its namespace undecided, and no other's" {
	local how
	for how in broken named; do
		for ns in agents b; do
			workload Deployment/a --ns "$ns" | jq -c '.object.spec.template.spec = {hostNetwork: false}'
			card a --ns "$ns" --policy "$DENIES"
		done >cards
		{ mark begin NetworkPolicy; mark end NetworkPolicy; cat cards; mark end AgentCard; } >in
		translate <in | jq -c 'select(.type == "APPLY")' | seen ADDED >policies
		{ cat in policies; harmless NetworkPolicy theirs b | "$how"; } | some | states | tail -n 3 >out
		[ "$(sort out)" = '["a","deny-all",false,["Undecided"]]
["a","deny-all",true,[]]
["a","deny-all",true,[]]' ]
		{ cat in policies; harmless CiliumClusterwideNetworkPolicy theirs '' | "$how"; } | some | states | tail -n 2 >out
		[ "$(sort -u out)" = '["a","deny-all",false,["Undecided"]]' ]
		{ cat in policies; harmless NetworkPolicy theirs b | "$how"; harmless NetworkPolicy theirs b; } | some | states | tail -n 1 >out
		[ "$(cat out)" = '["a","deny-all",true,[]]' ]
	done
}

@test "a Namespace whose labels are not known may be one that a selector selects" {
	local rules='{"egress":[{"to":[{"namespaceSelector":{"matchLabels":{"env":"dev"}}}]}]}'
	namespace() { jq -cn --arg name "$1" --argjson labels "$2" '{type: "ADDED", object: {apiVersion: "v1", kind: "Namespace", metadata: {name: $name, labels: $labels}}}'; }
	{ mark begin NetworkPolicy; mark end NetworkPolicy; whole a; card a --policy "$rules"; mark end AgentCard; } >in
	translate <in | jq -c 'select(.type == "APPLY")' | seen ADDED >policy
	{ harmless NetworkPolicy theirs agents | jq -c '.object.spec.egress = [{to: [{namespaceSelector: {matchLabels: {team: "x"}}}]}]'
	  namespace dev '{"env": "dev", "team": "x"}'; namespace prod '{"env": "prod", "team": "y"}'; mark end Namespace | sed s,apps/v1,v1,; } >theirs
	cat in policy theirs | translate | states | tail -n 1 >out
	[ "$(cat out)" = '["a","scoped",true,[]]' ]
	{ cat in policy theirs; namespace prod '{}' | named; } | translate | states | tail -n 1 >out
	[ "$(cat out)" = '["a","scoped",false,["WidenedByPolicy"]]' ]
}

@test "NotApplied: an object that the server took and its agent refused, until that says otherwise" {
	local conditions='.object.status = {conditions: [{type: "Valid", status: "False", message: "Invalid label key\u001b[1m"}]}'
	{ mark begin NetworkPolicy; mark end NetworkPolicy; mark begin CiliumNetworkPolicy; mark end CiliumNetworkPolicy; } | sed s,apps/v1,cilium.io/v2, >in
	{ mark begin AgentCard; whole a; card a --policy "$DENIES"; mark end AgentCard; } >>in
	translate --target cilium <in | jq -c 'select(.type == "APPLY")' | seen ADDED >object
	{ cat in object; jq -c "$conditions" object; cat object; } | translate --target cilium >out
	[ "$(states <out | tail -n 3 | xargs -0)" = '["a","deny-all",true,[]]
["a","deny-all",false,["NotApplied"]]
["a","deny-all",true,[]]' ]
	jq -se '[.[] | select(.type == "AGENT").gaps[] | select(.condition == "Valid")] | length == 1 and
		(.[0].message | startswith("CiliumNetworkPolicy a-signature-policy is stored, and refused by who enforces it: Invalid label key") and (test("\u001b") | not))' out
	# there is nothing to repair
	[ "$(grep -c '"APPLY"' out)" = 1 ]
}
