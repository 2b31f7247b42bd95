#!/usr/bin/env bats
# Rules that vanish from a card, or that the server leaves out, never widen what its agent may reach.

bats_require_minimum_version 1.5.0

load translate

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

is() { [ "$1" = "$2" ] || { echo "got: $1"; echo "not: $2"; return 1; }; }

RULES='{"egress":[{"to":[{"ipBlock":{"cidr":"10.0.0.0/8"}}]}]}'
EGRESS='[{"to":[{"ipBlock":{"cidr":"10.0.0.0/8"}}]}]'
DIGEST=$(printf %s "$RULES" | sha256sum | cut -d' ' -f1)

# decisions: of the operations on stdin, reason and egress; what exit status 1 stands for is tested apart.
decisions() { jq -rc 'select(.type == "APPLY" and .object.kind != "AgentCard") | "\(.reason) \(.object.spec.egress)"'; }
translate() { egress-translate "$@" 2>errors || [ $? = 1 ]; }

# begin [WORD]: the begin mark of the AgentCards, with what the server's definition has place for.
begin() {
	mark begin AgentCard | jq -c --arg word "${1:-egress}" '.object.metadata.annotations["agent-egress.dev/schema"] = $word'
}

# removed CARD-OPTION...: a card without rules that says that those with this digest were removed.
removed() { card "${@:2}" | jq -c --arg digest "$1" '.object.metadata.annotations = {"agent-egress.dev/network-policy-removed": $digest}'; }

world() { api_server 10.0.0.1; workload Deployment/a; }

@test "rules that a card had and has no more stay, and the record says so" {
	{ world; card a --policy "$RULES"; mark end AgentCard; card a; } | translate >out
	is "$(decisions <out)" "EgressRules $EGRESS
EgressErased $EGRESS"
	is "$(jq -rc 'select(.type == "AGENT") | [.reason, .egress, .rulesDigest]' out | tail -n 1)" \
		"[\"EgressErased\",\"scoped\",\"$DIGEST\"]"
	jq -rs 'last(.[] | select(.type == "AGENT")).problems[] | select(.severity != "warning").message' out >problem
	is "$(cat problem)" "the rules that AgentCard a had are gone: set them again, or, to remove them, set the annotation agent-egress.dev/network-policy-removed to $DIGEST"
}

@test "null, an object without lists and a new card of the name are losses, too" {
	local empty
	for empty in '.networkPolicy = null' '.networkPolicy = {}' '.networkPolicy = {egress: null}'; do
		is "$({ world; card a --policy "$RULES"; mark end AgentCard; card a | jq -c ".object.spec$empty"; } |
			translate | decisions | tail -n 1)" "EgressErased $EGRESS"
	done
	{ world; card a --policy "$RULES"; mark end AgentCard; card a --type DELETED; card a --uid other; } | translate >out
	is "$(decisions <out | tail -n 1)" "EgressErased $EGRESS"
	is "$(jq -r .type out | grep -c DELETE)" 1
}

@test "rules that are set again, or removed on purpose, end it; another digest does not" {
	is "$({ world; card a --policy "$RULES"; mark end AgentCard; card a; card a --policy '{"egress":[]}'; } |
		translate | decisions | tail -n 1)" "EgressEmpty []"
	is "$({ world; card a --policy "$RULES"; mark end AgentCard; removed "$DIGEST" a; card a; } |
		translate | decisions)" "EgressRules $EGRESS
EgressUnset [{}]"
	is "$({ world; card a --policy "$RULES"; mark end AgentCard; removed "${DIGEST/[0-9]/x}" a; } |
		translate | decisions | tail -n 1)" "EgressErased $EGRESS"
}

@test "after a restart the card's status, or its policy, tells that there were rules: nothing is allowed" {
	{ world; card a | jq -c --arg digest "$DIGEST" '.object.status.networkPolicy.rulesDigest = $digest'; } | translate >out
	is "$(decisions <out)" "EgressErased []"
	{ world; card a --policy "$RULES"; } | translate | jq -c 'select(.type == "APPLY")' >applied
	is "$(jq -r '.object.metadata.annotations["agent-egress.dev/rules-digest"]' applied)" "$DIGEST"
	{ world; seen ADDED <applied; card a; mark end AgentCard; } | translate >out
	is "$(decisions <out)" "EgressErased []"
	# what it then asks for tells the next run the same
	jq -c 'select(.type == "APPLY")' out >denied
	is "$({ world; seen ADDED <denied; card a; mark end AgentCard; card a; } | translate | decisions)" "EgressErased []"
	{ world; seen ADDED <denied; removed "$DIGEST" a; mark end AgentCard; } | translate >out
	is "$(decisions <out)" "EgressUnset [{}]"
}

@test "rules that could not be read are missed, too, when they vanish" {
	{ world; card a | jq -c '.object.spec.egress = []'; mark end AgentCard; card a; } | translate >out
	is "$(decisions <out | tail -n 1)" "EgressErased []"
	digest=$(jq -r 'select(.type == "AGENT").rulesDigest' out | tail -n 1)
	is "$({ world; card a | jq -c '.object.spec.egress = []'; mark end AgentCard; removed "$digest" a; } |
		translate | decisions | tail -n 1)" "EgressUnset [{}]"
}

@test "a replay of the log decides the same, line by line or at once" {
	{ world; card a --policy "$RULES"; mark end AgentCard; card a; removed "$DIGEST" a; card a --policy "$RULES"; card a; } >log
	translate <log >once
	while read -r line; do printf '%s\n' "$line"; done <log | translate >again
	cmp once again
	is "$(decisions <once | tail -n 1)" "EgressErased $EGRESS"
}

@test "where the server has no place for rules, an agent keeps its policy, and one without gets the API server" {
	{ world; card a --policy "$RULES"; } | translate | jq -c 'select(.type == "APPLY")' >applied
	local word
	for word in none unknown; do
		{ world; mark begin NetworkPolicy; seen ADDED <applied; mark end NetworkPolicy; begin $word
		  card a; mark end AgentCard; } >log
		run -1 --separate-stderr egress-translate <log
		is "$(jq -r 'select(.type == "APPLY" or .type == "DELETE").type' <<<"$output")" ""
		is "$(jq -c 'select(.type == "AGENT") | [.reason, .egress, .confined, .objects]' <<<"$output")" \
			'["SchemaMissing","scoped",false,[]]'
		is "$(jq -r 'select(.type == "AGENT").problems[] | select(.severity != "warning").field' <<<"$output")" spec.networkPolicy
		is "$(grep -c 'has no place for rules' <<<"$stderr")" 1
	done
	is "$({ world; workload Deployment/b; begin none; card a; card b --unverified; mark end AgentCard; } | translate | decisions)" \
		'SchemaMissing [{"ports":[{"port":6443,"protocol":"TCP"}],"to":[{"ipBlock":{"cidr":"10.0.0.1/32"}}]}]
NotVerified [{"ports":[{"port":6443,"protocol":"TCP"}],"to":[{"ipBlock":{"cidr":"10.0.0.1/32"}}]}]'
}

@test "where the server has no place for rules, those that were seen or stand in the annotation still count" {
	is "$({ world; begin; card a --policy "$RULES"; mark end AgentCard; begin none; card a; mark end AgentCard; } |
		translate | decisions)" "EgressRules $EGRESS
SchemaMissing $EGRESS"
	is "$({ world; begin none; card a | jq -c --arg rules "$RULES" '.object.metadata.annotations = {"agent-egress.dev/network-policy": $rules}'
		mark end AgentCard; } | translate | decisions)" "EgressRules $EGRESS"
}

@test "when the server has place for rules again, each card counts from when it is listed" {
	{ world; workload Deployment/b; begin none; card a; card b; mark end AgentCard
	  begin egress; card a --policy "$RULES"; card b; mark end AgentCard; } | translate >out
	is "$(jq -rc 'select(.type == "APPLY") | "\(.object.metadata.name) \(.reason)"' out)" \
		'a-signature-policy SchemaMissing
b-signature-policy SchemaMissing
a-signature-policy EgressRules
b-signature-policy EgressUnset'
}

@test "where the server has no place for rules, nothing is deleted but what is known to be unwanted, or pruned" {
	{ world; card gone --policy "$RULES" --on Deployment/a; } | translate | jq -c 'select(.type == "APPLY")' >applied
	{ mark begin NetworkPolicy; seen ADDED <applied; mark end NetworkPolicy; world; workload Deployment/b
	  begin none; card b; mark end AgentCard; } >log
	is "$(translate <log | jq -r 'select(.type == "DELETE").type')" ""
	is "$({ cat log; card b --type DELETED; } | translate | jq -r 'select(.type == "DELETE").object.metadata.name')" b-signature-policy
	is "$(sed 's/"agent-egress.dev\/schema":"none"/"agent-egress.dev\/schema":"egress"/' log | translate | jq -r 'select(.type == "DELETE").object.metadata.name')" \
		a-signature-policy
	egress-apply --dir policies <applied >/dev/null
	run -1 --separate-stderr egress-apply --dir policies --prune < <(translate <log)
	[[ "$stderr" == *"nothing is pruned: the AgentCard's definition"* ]]
	[ -f policies/agents_networkpolicy_a-signature-policy.yaml ]
}

@test "--unset says what a verified agent gets whose card never had rules, and speaks of no other" {
	{ world; workload Deployment/b; card a; card b --policy "$RULES"; mark end AgentCard; card b; } >log
	is "$(translate --unset allow-all <log | decisions | head -n 1)" 'EgressUnset [{}]'
	is "$(translate --unset deny-all <log | decisions)" "EgressUnset []
EgressRules $EGRESS
EgressErased $EGRESS"
	translate --unset api-server <log >out
	is "$(decisions <out | head -n 1)" \
		'EgressUnset [{"ports":[{"port":6443,"protocol":"TCP"}],"to":[{"ipBlock":{"cidr":"10.0.0.1/32"}}]}]'
	is "$(jq -c 'select(.type == "AGENT") | [.verified, .egress]' out | head -n 1)" '[true,"api-server"]'
	is "$({ world; card a; mark end AgentCard; api_server 10.0.0.2; } | translate --unset api-server | decisions | tail -n 1)" \
		'EgressUnset [{"ports":[{"port":6443,"protocol":"TCP"}],"to":[{"ipBlock":{"cidr":"10.0.0.2/32"}}]}]'
	run -2 egress-translate --unset nothing </dev/null
}

@test "egress-explain says why an agent whose rules vanished is denied" {
	{ world; card a --policy "$RULES"; mark end AgentCard; card a; } | egress-explain agents/a >out || [ $? = 1 ]
	grep -q 'those last seen stay' out
}
