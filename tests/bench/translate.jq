# What egress-translate does, in its basics: one card a workload, valid rules, no lint, no drift.
# Holds cards, selectors and the API server's addresses; speaks once the cards are listed, and
# then about what has changed. For: jq -nc -f translate.jq
# In the place of the rules' digest, which jq cannot compute, stands their text.
#
# The state is one flat object, and whatever might backtrack is inside [ ]: so jq 1.6 changes it
# in place, and does not copy it with every event.

def put($key; $value): setpath([$key]; $value);
def key($kind): "\($kind) \(.metadata.namespace)/\(.metadata.name)";

# null when the egress is not set
def asked: .spec.networkPolicy.egress | if . == null then null else map(
	if .ports then .ports |= map(if .protocol then . else .protocol = "TCP" end) else . end) end;
def held: {namespace: .object.metadata.namespace, name: .object.metadata.name,
	uid: .object.metadata.uid, workload: .object.spec.targetRef.name,
	verified: (.verification.verified == true), why: .verification.message,
	egress: (.object | asked)};

def namespaces: ("kagenti-operator-system", "kagenti-system")
	| {namespaceSelector: {matchLabels: {"kubernetes.io/metadata.name": .}}};
def operation($selector; $servers): {
	type: "APPLY",
	object: {
		apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy",
		metadata: {
			name: "\(.workload)-signature-policy", namespace,
			annotations: (if .egress == null then {} else {"agent-egress.dev/rules-digest": (.egress | tojson)} end),
			labels: {"app.kubernetes.io/managed-by": "agent-egress", "managed-by": "agent-egress",
				"kagenti.dev/agentcard": .name,
				"kagenti.dev/policy-type": "signature-verification"},
			ownerReferences: [{apiVersion: "agent.kagenti.dev/v1alpha1", kind: "AgentCard",
				name, uid, controller: true, blockOwnerDeletion: true}]},
		spec: {
			podSelector: $selector,
			policyTypes: ["Ingress", "Egress"],
			ingress: [{from: [namespaces, if .verified then
				{podSelector: {matchLabels: {"agent.kagenti.dev/signature-verified": "true"}}}
				else empty end]}],
			egress: (if .verified | not then
					if $servers == [] then [] else
						[{to: [$servers[] | {ipBlock: {cidr: "\(.)/32"}}],
						  ports: [{port: 6443, protocol: "TCP"}]}] end
				elif .egress == null then [{}]
				else .egress end)}},
	reason: (if .verified | not then "NotVerified" elif .egress == null then "EgressUnset"
		elif .egress == [] then "EgressEmpty" else "EgressRules" end),
	message: .why,
	agentCard: {namespace, name, uid},
	problems: []};

def removal: {
	type: "DELETE",
	object: {apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy",
		metadata: {namespace, name: "\(.workload)-signature-policy"}},
	reason: "Unwanted",
	agentCard: {namespace, name, uid},
	problems: []};

# Adds what must be said of a card (its key in the state) to .out.
def settle($key):
	.[$key] as $card
	| .["workload \($card.namespace)/\($card.workload)"] as $selector
	| .servers as $servers
	| .["last " + $key] as $last
	| if $selector == null then . else
		([$card | operation($selector; $servers)][0]) as $operation
		| if $operation == $last then . else
			put("last " + $key; $operation) | put("out"; .out + [$operation]) end
	  end;
def settle_all: [keys_unsorted[] | select(startswith("card "))] as $keys
	| reduce $keys[] as $key (.; settle($key));

def take_card($event; $key):
	if $event.type == "DELETED" then
		.[$key] as $card
		| if $card == null then . else
			delpaths([[$key], ["last " + $key]])
			| if .known then put("out"; [$card | removal]) else . end end
	else
		([$event | held][0]) as $card
		| if .[$key] == $card then . else
			put($key; $card) | if .known then settle($key) else . end end
	end;

# Each card here has the name of its workload.
def take_workload($event; $key):
	if $event.type == "DELETED" or .[$key] == $event.object.spec.selector then . else
		put($key; $event.object.spec.selector)
		| ($event.object | key("card")) as $card
		| if .known and .[$card] != null then settle($card) else . end
	end;

def take($event):
	$event.object.kind as $kind
	| if $event.type == "BOOKMARK" then
		if $kind == "AgentCard"
			and $event.object.metadata.annotations["k8s.io/initial-events-end"] == "true" then
			put("known"; true) | settle_all | put("out"; .out + [$event])
		else . end
	  elif $kind == "AgentCard" then take_card($event; $event.object | key("card"))
	  elif $kind == "Deployment" then take_workload($event; $event.object | key("workload"))
	  elif $kind == "EndpointSlice" then
		put("servers"; [$event.object.endpoints[].addresses[]] | sort_by(split(".") | map(tonumber)))
		| if .known then settle_all else . end
	  else . end;

foreach inputs as $event ({known: false, servers: [], out: []};
	put("out"; []) | take($event);
	.out[])
