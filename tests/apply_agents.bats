#!/usr/bin/env bats
# egress-apply and AGENT lines: what an agent's state becomes by the results of its objects.

bats_require_minimum_version 1.5.0

load kubestub
load cluster/operations

setup() {
	cd "$BATS_TEST_TMPDIR" || exit
}

teardown() {
	stub_stop
}

# A server that keeps what it is given; the test's handler comes first. Cards are there, of uid
# u-NAME; the definition says whether their conditions are a list by type (map) or not.
serve() {
	stub_start < <(
		echo 'body() { head -c "$BODY_LENGTH"; }'
		cat
		cat <<-'END'
			name=${BASE##*/}
			file=$STUB/object.$name
			case $METHOD$BASE in
			GET*/customresourcedefinitions/*)
				list='{}'
				[ ! -e "$STUB/map" ] || list='{"x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["type"]}'
				reply 200 "{\"spec\":{\"versions\":[{\"name\":\"v1alpha1\",\"schema\":{\"openAPIV3Schema\":{\"properties\":{\"status\":{\"properties\":{\"conditions\":$list}}}}}}]}}" ;;
			GET*/agentcards/*)
				[ -e "$STUB/card.$name" ] || echo '{}' >"$STUB/card.$name"
				reply 200 "{\"metadata\":{\"uid\":\"u-$name\",\"resourceVersion\":\"1\",\"generation\":3},\"status\":$(cat "$STUB/card.$name")}" ;;
			PATCH*/status)
				card=${BASE%/status}
				card=${card##*/}
				body >"$STUB/sent.$card"
				jq -c .status "$STUB/sent.$card" >"$STUB/card.$card"
				reply 200 "$(jq -c '.metadata += {resourceVersion: "2"}' "$STUB/sent.$card")" ;;
			GET*) if [ -e "$file" ]; then reply 200 "$(cat "$file")"; else status 404 "not found"; fi ;;
			PATCH*)
				body | jq -c '.metadata += {uid: "u", resourceVersion: "7"}' >"$file"
				reply 201 "$(cat "$file")" ;;
			POST*) body >"$STUB/event.$N"; reply 201 '{}' ;;
			*) status 405 "not for tests" ;;
			esac
		END
	)
}

wait_until() {
	local until=$((SECONDS + 120))
	until "$@"; do
		[ $SECONDS -lt $until ] || return 1
		sleep 0.02
	done
}

apply() { egress-apply --kubeconfig "$STUB/kubeconfig" "$@"; }

# agent NAME [JQ]: the line of an agent whose objects are the policy NAME, made another by JQ
agent() {
	jq -nc --arg name "$1" '{type: "AGENT", agentCard: {namespace: "team-a", name: $name, uid: "u-\($name)"},
		workload: {apiVersion: "apps/v1", kind: "Deployment", name: $name}, verified: true, reason: "EgressRules",
		egress: "scoped", confined: true, gaps: [], problems: [], rulesDigest: "d1", observedGeneration: 3,
		objects: [{apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", namespace: "team-a", name: $name}]} | '"${2:-.}"
}

agents() { jq -c 'select(.type == "AGENT") | [.agentCard.name, .confined, [.gaps[]?.reason]]' "${1:-results}"; }

hold() {
	mkfifo gate
	egress-apply --kubeconfig "$STUB/kubeconfig" --retry-after 1 "$@" <gate >results 2>messages 3>&- &
	APPLY=$!
	exec 4>gate
}

release() {
	local ended=0
	exec 4>&-
	wait "$APPLY" || ended=$?
	[ "$ended" -eq "${1:-0}" ]
}

@test "an agent's line comes after the results of its objects, and before the mark" {
	serve </dev/null
	{ policy one; agent one; complete; } | apply >results
	[ "$(jq -r .type results | xargs)" = "APPLIED AGENT BOOKMARK" ]
	[ "$(agents)" = '["one",true,[]]' ]
}

@test "an agent of whose objects nothing is known is not confined" {
	serve </dev/null
	agent one | apply >results
	[ "$(agents)" = '["one",false,["NotApplied"]]' ]
	jq -e '.gaps[0] == {reason: "NotApplied", message: "NetworkPolicy team-a/one: it is not there", object: .objects[0]} and .live' results
}

@test "what is refused is NotApplied, what is changed ChangedByServer, and each is put right when it succeeds" {
	serve <<-'END'
		case $METHOD$BASE in
		PATCH*/one) [ -e "$STUB/open" ] || { status 403 quota; exit; } ;;
		PATCH*/two) [ -e "$STUB/open" ] || { reply 201 "$(body | jq -c 'if type == "array" then {metadata: {}} else . end | .metadata += {uid: "u", resourceVersion: "7"} | .spec.egress = [{}]')"; exit; } ;;
		esac
	END
	hold
	{ policy one; agent one; policy two; agent two; complete; } >&4
	wait_until grep -q BOOKMARK results
	[ "$(agents | sort)" = $'["one",false,["NotApplied"]]\n["two",false,["ChangedByServer"]]' ]
	jq -es 'any(.agentCard.name == "one" and .gaps[0].message == "NetworkPolicy team-a/one: HTTP 403: quota")' results
	touch "$STUB/open"
	wait_until eval '[ "$(agents | grep -c true)" -eq 2 ]'
	release 1
}

@test "what others judged of applying is dropped, and every other gap stays" {
	serve </dev/null
	gaps='[{"reason":"NotApplied","message":"m"},{"reason":"HostNetwork","message":"h"},{"reason":"ChangedByServer","message":"c"}]'
	{ policy one; agent one ".confined = false | .gaps = $gaps"; policy two; agent two '.confined = false | .gaps = [{reason: "NotApplied", message: "m"}]'; } | apply >results
	[ "$(agents | sort)" = $'["one",false,["HostNetwork"]]\n["two",true,[]]' ]
}

@test "an agent with allow-all has neither confined nor gaps" {
	serve </dev/null
	agent one 'del(.confined, .gaps) | .egress = "allow-all"' | apply >results
	jq -e 'has("confined") or has("gaps") | not' results
}

@test "of an agent that is gone the line passes, and its policy's results write no more of it" {
	serve </dev/null
	{ policy one; agent one; echo '{"type":"AGENT","agentCard":{"namespace":"team-a","name":"one","uid":"u-one"},"gone":true}'; complete; policy one team-a 192.0.2.0/24; } | apply >results
	[ "$(jq -c 'select(.type == "AGENT").gone' results | xargs)" = "null true" ] || [ "$(jq -c 'select(.type == "AGENT").gone' results | xargs)" = true ]
}

@test "a record of a type that nobody knows passes, and an event is refused" {
	serve </dev/null
	run -1 --separate-stderr apply <<<'{"type":"NEWS","a":1}'$'\n''{"type":"ADDED","object":{}}'$'\n''{"type":"AGENT"}'
	[ "$output" = '{"type":"NEWS","a":1}' ]
	[[ "$stderr" == *"the first is line 2;"* && "$stderr" == *"line 3: "* ]]
}

@test "an agent's line passes a directory in its place" {
	{ policy one; agent one; policy two; } | egress-apply --dir out >results
	[ "$(jq -r .type results | xargs)" = "APPLIED AGENT APPLIED" ]
	[ "$(sed -n 2p results)" = "$(agent one)" ]
}

@test "--status writes the state after the policy, with the condition among the others where they are a list by type" {
	serve </dev/null
	touch "$STUB/map"
	{ policy one; agent one; complete; } | apply --status >results
	[ "$(jq -r '.type + " " + (.object.kind // "")' results | xargs)" = "APPLIED NetworkPolicy AGENT APPLIED AgentCard BOOKMARK AgentCard" ]
	jq -e '.metadata.uid == "u-one" and (.status.networkPolicy | .egress == "scoped" and .confined and .gaps == [] and .rulesDigest == "d1" and .observedGeneration == 3 and (has("conditions") | not))
		and (.status.conditions | length == 1 and .[0].type == "Confined" and .[0].status == "True" and .[0].observedGeneration == 3 and (.[0].lastTransitionTime | test("^2")))' "$STUB/sent.one"
	grep -q 'PATCH .*/agentcards/one/status?fieldManager=agent-egress-status.*force=false' "$STUB/log"
}

@test "--status puts the condition beside them where the definition has no such list, or may not be read" {
	serve </dev/null
	{ policy one; agent one; } | apply --status >results
	jq -e '(.status | has("conditions") | not) and .status.networkPolicy.conditions[0].type == "Confined"' "$STUB/sent.one"
	stub_stop
	serve <<-'END'
		case $BASE in */customresourcedefinitions/*) status 403 forbidden; exit ;; esac
	END
	rm "$STUB"/sent.*
	{ policy two; agent two; } | apply --status >results
	jq -e '(.status | has("conditions") | not) and .status.networkPolicy.conditions[0].type == "Confined"' "$STUB/sent.two"
}

@test "a condition that another manager holds is not taken from it" {
	serve <<-'END'
		case $METHOD$BASE in
		PATCH*/status)
			body >"$STUB/try"
			[ "$(jq '.status | has("conditions")' "$STUB/try")" != true ] || { reply 409 '{"kind":"Status","code":409,"message":"conflict","details":{"causes":[{"reason":"FieldManagerConflict","field":".status.conditions"}]}}'; exit; }
			reply 200 "$(jq -c '.metadata += {resourceVersion: "2"}' "$STUB/try")"
			exit ;;
		esac
	END
	touch "$STUB/map"
	{ policy one; agent one; } | apply --status >results
	[ "$(tail -n 1 results | jq -r .type)" = APPLIED ]
	jq -e '.status.networkPolicy.conditions[0].type == "Confined"' "$STUB/try"
	[ "$(stub_requests 'force=true')" -eq 0 ]
}

@test "the condition is False with a gap, Unknown when none is sure, and keeps its time while it stays" {
	serve </dev/null
	touch "$STUB/map"
	condition() { jq -c '.status.conditions[0] | [.status, .reason, .message]' "$STUB/sent.one"; }
	{ policy one; agent one '.confined = false | .gaps = [{reason: "Undecided", message: "u"}, {reason: "HostNetwork", message: "h"}]'; } | apply --status >/dev/null
	[ "$(condition)" = '["False","HostNetwork","h"]' ]
	{ policy one; agent one '.confined = false | .gaps = [{reason: "Undecided", message: "u"}]'; } | apply --status >/dev/null
	[ "$(condition)" = '["Unknown","Undecided","u"]' ]
	jq -c '.conditions[0].lastTransitionTime = "2001-02-03T04:05:06Z"' "$STUB/card.one" >card && mv card "$STUB/card.one"
	{ policy one; agent one '.confined = false | .gaps = [{reason: "Undecided", message: "other"}]'; } | apply --status >/dev/null
	jq -e '.status.conditions[0] | .message == "other" and .lastTransitionTime == "2001-02-03T04:05:06Z"' "$STUB/sent.one"
	{ policy one; agent one; } | apply --status >/dev/null
	jq -e '.status.conditions[0] | .status == "True" and .lastTransitionTime != "2001-02-03T04:05:06Z"' "$STUB/sent.one"
	rm "$STUB/sent.one"
	{ policy one; agent one; } | apply --status >results
	[ "$(tail -n 1 results | jq -r .type)" = UNCHANGED ]
	[ ! -e "$STUB/sent.one" ]
}

@test "the status says NotApplied while a policy is refused, and is corrected when a retry succeeds" {
	serve <<-'END'
		case $METHOD$BASE in PATCH*/one) [ -e "$STUB/open" ] || { status 403 quota; exit; } ;; esac
	END
	touch "$STUB/map"
	hold --status
	{ policy one; agent one; complete; } >&4
	wait_until grep -qs NotApplied "$STUB/card.one"
	jq -e '.conditions[0].status == "False" and (.networkPolicy.confined | not)' "$STUB/card.one"
	touch "$STUB/open"
	wait_until eval 'jq -e ".conditions[0].status == \"True\" and .networkPolicy.confined" "$STUB/card.one"'
	wait_until eval '[ "$(grep -c AgentCard results)" -ge 3 ]'
	release 1
}

@test "what the object's own condition tells stays, whatever the server answered to us" {
	serve </dev/null
	touch "$STUB/map"
	{ policy one; agent one '.confined = false | .gaps = [{reason: "NotApplied", message: "refused", condition: "Valid"}, {reason: "NotApplied", message: "asked"}]'; } |
		apply --status >results
	jq -se 'map(select(.type == "AGENT")) | last | .confined == false and [.gaps[].message] == ["refused"]' results
}

@test "with --status an operation on a status is left to the AGENT line" {
	serve </dev/null
	run -0 apply --status <<<'{"type":"APPLY","object":{"apiVersion":"agent.kagenti.dev/v1alpha1","kind":"AgentCard","metadata":{"namespace":"team-a","name":"one"},"status":{"networkPolicy":{"name":"p"}}}}'
	[ "$(jq -r '.type + " " + .message' <<<"$output")" = "UNCHANGED with --status it is written from AGENT lines" ]
	[ ! -s "$STUB/log" ]
}

@test "the status is not another card's of that name" {
	serve </dev/null
	agent one '.agentCard.uid = "u-other"' | apply --status >results
	[ "$(tail -n 1 results | jq -r .type)" = ABSENT ]
	[ ! -e "$STUB/sent.one" ]
}

@test "a status that somebody else replaces is repaired when the stream asks again, and at most once a minute" {
	serve </dev/null
	touch "$STUB/map"
	hold --status
	{ policy one; agent one; } >&4
	wait_until eval '[ "$(grep -c "APPLIED.*AgentCard" results)" -eq 1 ]'
	for i in {1..20}; do
		echo '{}' >"$STUB/card.one"
		agent one >&4
		policy "p$i" >&4
		wait_until grep -q "\"name\":\"p$i\"" results
	done
	complete >&4
	wait_until grep -q BOOKMARK results
	[ "$(stub_requests '^PATCH.*/status')" -le 2 ]
	# another state is not made to wait
	agent one '.reason = "Other"' >&4
	wait_until eval 'grep -q Other "$STUB/card.one"'
	wait_until eval '[ "$(grep -c "APPLIED.*AgentCard" results)" -ge 2 ]'
	release
}

@test "an Event is written when the status changes, and none at a restart with nothing new" {
	serve </dev/null
	touch "$STUB/map"
	line() { agent one '.confined = false | .gaps = [{reason: "HostNetwork", message: "on the host"}]'; }
	{ policy one; line; } | apply --status --events >/dev/null
	jq -e '.reason == "EgressRules" and (.message | startswith("not confined: HostNetwork: on the host"))' "$STUB"/event.*
	events=$(stub_requests '^POST')
	[ "$events" -eq 1 ]
	{ policy one; line; } | apply --status --events >/dev/null
	[ "$(stub_requests '^POST')" -eq 1 ]
}

@test "a webhook that is away for long does not leave an agent confined" {
	serve <<-'END'
		[ "$METHOD" != PATCH ] || [ -e "$STUB/open" ] || { status 500 "webhook is away"; exit; }
	END
	hold
	{ policy one; agent one; } >&4
	wait_until grep -q NotApplied results
	touch "$STUB/open"
	wait_until eval 'agents | grep -q true'
	release
}
