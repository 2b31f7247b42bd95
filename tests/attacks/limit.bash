# Attacks on the share of memory that a namespace has: what fills it, and what then finds no room.
# Part of tests/attacks/make.
# shellcheck shell=bash
small=(--trust-domain example.org --namespace-memory 1)

# fill NAMESPACE: AgentCards, each of little, that take more than 1 MiB together
fill() {
	jq -c --arg ns "$1" 'range(2000) as $i | .object.metadata |= (.namespace = $ns | .name = "c\($i)") | .object.spec.targetRef.name = "w\($i)"' card
}
# unasked NAMESPACE: signed cards that no AgentCard asks for
unasked() {
	jq -nc --arg ns "$1" 'range(4000) | {type:"ADDED", object:{apiVersion:"v1", kind:"ConfigMap",
		metadata:{namespace:$ns, name:"h\(.)-card-signed"}, data:{"agent-card.json":"{}"}}}'
}

{ fill team-a; signed_configmap team-a billing <billing.json; } |
	attack over-limit-signed OverLimit 'no room for the signed card' 'a signed card where the namespace holds too much' "${small[@]}"
{ fill team-a; jq -c '.type = "MODIFIED"' card; signed_configmap team-a billing <billing.json; } |
	attack over-limit-agentcard OverLimit 'no room for the AgentCard' 'an AgentCard where the namespace holds too much' "${small[@]}"
# it was verified when there was room: an attack, because nothing that is withdrawn would reach it
{ signed_configmap team-a billing <billing.json | jq -c '.object.data["agent-card.json"] |= sub("Pays"; "Takes")'; fill team-a
  signed_configmap team-a billing <billing.json; jq -c '.type = "MODIFIED"' card; } |
	attack over-limit-again OverLimit 'no room for the AgentCard' 'an AgentCard that comes again where the namespace holds too much' "${small[@]}"
{ unasked team-a; jq -c '.object.spec.targetRef.name = "h3999"' card; } |
	attack over-limit-left-out OverLimit 'no room for the signed card' 'a card whose signed card was left out before it asked' "${small[@]}"
{ fill team-b; signed_configmap team-a billing <billing.json; } |
	attack control-over-limit-elsewhere Verified 'signed by' 'another namespace holds too much' "${small[@]}"
{ unasked team-a; signed_configmap team-a billing <billing.json; } |
	attack control-over-limit-unasked Verified 'signed by' 'signed cards that nobody asks for make room' "${small[@]}"
