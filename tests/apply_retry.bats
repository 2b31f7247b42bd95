#!/usr/bin/env bats
# egress-apply on a server that has its troubles, as a stub plays them.

bats_require_minimum_version 1.5.0

load kubestub
load cluster/operations

setup() {
	cd "$BATS_TEST_TMPDIR" || exit
}

teardown() {
	stub_stop
}

# One policy "one" in team-a; the test's handler comes first and may answer what it will.
serve() {
	# not a pipe: stub_start leaves variables
	stub_start < <(
		echo 'body() { head -c "$BODY_LENGTH"; }'
		cat
		cat <<-'END'
			case $METHOD in
			GET) status 404 "not found" ;;
			PATCH) reply 201 "$(body | jq -c '.metadata += {uid: "u", resourceVersion: "7"}')" ;;
			*) status 405 "not for tests" ;;
			esac
		END
	)
}

# wait_until COMMAND...: for as long as a very slow machine needs
wait_until() {
	local until=$((SECONDS + 120))
	until "$@"; do
		[ $SECONDS -lt $until ] || return 1
		sleep 0.02
	done
}

apply() { egress-apply --kubeconfig "$STUB/kubeconfig" "$@"; }
verdicts() { jq -r .type | xargs; }

@test "a policy is read once and written once" {
	serve </dev/null
	[ "$(policy one | apply | verdicts)" = APPLIED ]
	[ "$(stub_requests | cut -d' ' -f1 | xargs)" = "GET PATCH" ]
}

@test "429, 408 and each 5xx are tried again until the server takes the policy" {
	serve <<-'END'
		codes=(429 408 500 502 503 504)
		if [ "$METHOD" = PATCH ] && [ "$N" -lt 6 ]; then
			status "${codes[$N]}" "not now"
			exit
		fi
	END
	[ "$(policy one | apply 2>messages | verdicts)" = APPLIED ]
	[ "$(stub_requests '^PATCH')" -eq 7 ]
	grep -q "HTTP 429: not now" messages
}

@test "Retry-After is waited for, by every request" {
	serve <<-'END'
		date +%s.%N >>"$STUB/times"
		if [ "$(wc -l <"$STUB/log")" = 1 ]; then
			status 429 "slow down" "Retry-After: 2"
			exit
		fi
	END
	[ "$({ policy one; policy two; } | apply --concurrency 1 2>/dev/null | verdicts)" = "APPLIED APPLIED" ]
	awk 'NR == 1 { first = $1 } NR == 2 { exit !($1 - first >= 2) }' "$STUB/times"
}

@test "a connection that breaks, at any point of the answer, is tried again" {
	serve <<-'END'
		[ "$METHOD$N" != GET0 ] || exit
		[ "$METHOD$N" != GET1 ] || { printf 'HTTP/1.1 200 OK\r\nContent-Le'; exit; }
		[ "$METHOD$N" != GET2 ] || { printf 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"meta'; exit; }
		[ "$METHOD$N" != PATCH0 ] || { printf 'garbage\r\n\r\n'; exit; }
	END
	[ "$(policy one | apply 2>/dev/null | verdicts)" = APPLIED ]
}

@test "a 4xx that cannot succeed is FAILED after one request" {
	local code
	for code in 400 403 405 406 410 413 415 422; do
		serve <<-END
			[ "\$METHOD" != PATCH ] || { status $code no; exit; }
		END
		run -1 --separate-stderr apply <<<"$(policy one)"
		[ "$(jq -c '[.type, .code, .message]' <<<"$output")" = "[\"FAILED\",$code,\"HTTP $code: no\"]" ]
		[ "$(stub_requests '^PATCH')" -eq 1 ]
		stub_stop
	done
}

@test "a 500 over a field that the server does not know is FAILED after one request, in its words" {
	serve <<-'END'
		[ "$METHOD" != PATCH ] || { status 500 "failed to create typed patch object: .spec.egress[0].ports[0].endPort: field not declared in schema"; exit; }
	END
	run -1 --separate-stderr apply <<<"$(policy one)"
	[ "$(jq -c '[.type, .code]' <<<"$output")" = '["FAILED",500]' ]
	[[ "$(jq -r .message <<<"$output")" == "HTTP 500: "*"endPort: field not declared in schema" ]]
	[ "$(stub_requests '^PATCH')" -eq 1 ]
}

@test "while one object is tried again, the others go on" {
	serve <<-'END'
		case $METHOD$BASE in
		PATCH*/one)
			if [ "$N" -lt 3 ]; then
				status 500 "webhook is away"
				exit
			fi
			;;
		esac
	END
	{ policy one; for i in 2 3 4 5; do policy "p$i"; done; } >log
	apply <log 2>/dev/null | jq -r .object.metadata.name >order
	[ "$(tail -n 1 order)" = one ]
	[ "$(wc -l <order)" -eq 5 ]
}

@test "operations of one object are carried out in their order, one at a time" {
	serve <<-'END'
		if [ "$METHOD" = PATCH ]; then
			body=$(body)
			echo "begin $(jq -r '.spec.egress[0].to[0].ipBlock.cidr' <<<"$body")" >>"$STUB/order"
			sleep 0.2
			echo end >>"$STUB/order"
			reply 200 "$(jq -c '.metadata += {uid: "u", resourceVersion: "7"}' <<<"$body")"
			exit
		fi
	END
	mkfifo gate
	egress-apply --kubeconfig "$STUB/kubeconfig" <gate >results 3>&- &
	local apply=$!
	exec 4>gate
	local i
	for i in 1 2 3; do
		policy one team-a "10.0.$i.0/24" >&4
		wait_until grep -qsF "begin 10.0.$i.0/24" "$STUB/order"
	done
	exec 4>&-
	wait "$apply"
	[ "$(xargs <"$STUB/order")" = "begin 10.0.1.0/24 end begin 10.0.2.0/24 end begin 10.0.3.0/24 end" ]
}

@test "what came while an operation was tried again replaces it" {
	serve <<-'END'
		[ "$METHOD" != PATCH ] || body >"$STUB/body.$N"
		# the earlier one never succeeds, so it is not a matter of time
		if [ "$METHOD" = PATCH ] && grep -q 10.0.1.0 "$STUB/body.$N"; then
			rm "$STUB/body.$N"
			touch "$STUB/failed"
			status 500 "not now"
			exit
		fi
		[ "$METHOD" != PATCH ] || { reply 201 "$(jq -c '.metadata += {uid: "u", resourceVersion: "7"}' "$STUB/body.$N")"; exit; }
	END
	mkfifo gate
	egress-apply --kubeconfig "$STUB/kubeconfig" <gate >results 2>messages 3>&- &
	local apply=$!
	exec 4>gate
	policy one team-a 10.0.1.0/24 >&4
	wait_until test -e "$STUB/failed"
	policy one team-a 10.0.2.0/24 >&4
	exec 4>&-
	wait "$apply"
	[ "$(verdicts <results)" = APPLIED ]
	[ "$(jq -r '.spec.egress[0].to[0].ipBlock.cidr' "$STUB"/body.*)" = 10.0.2.0/24 ]
}

@test "with the input at its end, a server that asks for an hour of quiet is given up on in time" {
	serve <<-'END'
		status 503 "closed" "Retry-After: 3600"
		exit
	END
	run -1 --separate-stderr timeout 240 egress-apply --kubeconfig "$STUB/kubeconfig" --retry 1 <<<"$(policy one)"$'\n'"$(policy two)"
	[ "$(verdicts <<<"$output")" = "FAILED FAILED" ]
	[ "$(jq -r .message <<<"$output" | sort -u)" = "given up: HTTP 503: closed" ]
}

@test "a token that never was accepted ends the program with status 3" {
	serve <<-'END'
		status 401 Unauthorized
		exit
	END
	run -3 --separate-stderr apply <<<"$(policy one)"
	[ "$(verdicts <<<"$output")" = FAILED ]
	[[ "$stderr" != *s3cret* ]]
}

@test "a token that is refused for a while, after it was accepted, costs time and no policy" {
	serve <<-'END'
		if [ "$METHOD" = PATCH ] && [ "$N" -lt 3 ]; then
			status 401 Unauthorized
			exit
		fi
	END
	[ "$(policy one | apply 2>/dev/null | verdicts)" = APPLIED ]
}

@test "a conflict over a version is read anew and tried again" {
	serve <<-'END'
		mine() { jq -nc --arg version "$1" '{metadata: {uid: "u", resourceVersion: $version, labels: {"app.kubernetes.io/managed-by": "agent-egress"}}}'; }
		case $METHOD in
		GET) reply 200 "$(mine $((N + 1)))" && exit ;;
		DELETE)
			if [ "$N" = 0 ]; then
				status 409 "the version is another"
			else
				body >"$STUB/body"
				reply 200 "{}"
			fi
			exit
			;;
		esac
	END
	[ "$(delete one | apply | verdicts)" = DELETED ]
	[ "$(jq -c .preconditions "$STUB/body")" = '{"uid":"u","resourceVersion":"2"}' ]
}

@test "an answer that is not the object is FAILED, whatever its code" {
	local body
	for body in '[]' 'null' '{"metadata":{}}' '{"metadata":{"uid":1,"resourceVersion":"1"}}'; do
		serve <<-END
			[ "\$METHOD" != PATCH ] || { reply 200 '$body'; exit; }
		END
		run -1 --separate-stderr apply <<<"$(policy one)"
		[ "$(jq -r .message <<<"$output")" = "the server's answer is not an object" ]
		stub_stop
	done
}

@test "an answer that is not JSON, or says two things, is asked for again" {
	serve <<-'END'
		bodies=("" garbage '{"metadata":{"uid":"u","uid":"v","resourceVersion":"1"}}')
		[ "$METHOD" != PATCH ] || [ "$N" -gt 2 ] || { reply 200 "${bodies[$N]}"; exit; }
	END
	[ "$(policy one | apply 2>messages | verdicts)" = APPLIED ]
	grep -q "the server's answer is not JSON" messages
}

# changed JQ...: what each makes of the stored policy, whatever is sent, is named
changed() {
	local change difference
	while [ $# -gt 0 ]; do
		change=$1 difference=$2
		shift 2
		serve <<-END
			[ "\$METHOD" != PATCH ] || { reply 200 "\$(jq -c '.metadata += {uid: "u", resourceVersion: "7"} | $change' <<<'$(asked)')"; exit; }
		END
		run -1 --separate-stderr apply <<<"$(policy one | jq -c --argjson object "$(asked)" '.object = $object')"
		[ "$(jq -r '.type + " " + .message' <<<"$output")" = "FAILED ChangedByServer: $difference" ]
		stub_stop
	done
}

asked() {
	policy one | jq -c '.object | .spec.podSelector.matchLabels.on = "yes" | .spec.egress[0].to[0].ipBlock.except = ["10.1.0.0/16"]'
}

@test "what the server stores must be what was asked for, as a whole, else the difference is named" {
	changed \
		'.spec.egress = [{}]' 'spec.egress[0].ports is absent instead of [{"port":443}]' \
		'.spec.egress += [{}]' 'spec.egress is [{"ports":[{"port":443}],"to":[{"ipBlock":{"cidr":"10.0.0.0/8","except":["10.1.0.0/16"]}}]},{}] instead of [{"ports":[{"port":443}],"to":[{"ipBlock":{"cidr":"10.0.0.0/8","except":["10.1.0.0/16"]}}]}]' \
		'del(.spec.egress[0].to[0].ipBlock.except)' 'spec.egress[0].to[0].ipBlock.except is absent instead of ["10.1.0.0/16"]' \
		'.spec.policyTypes = ["Ingress"]' 'spec.policyTypes is ["Ingress"] instead of ["Ingress","Egress"]' \
		'del(.spec.podSelector.matchLabels.on)' 'spec.podSelector.matchLabels.on is absent instead of "yes"' \
		'.spec.podSelector = {}' 'spec.podSelector.matchLabels is absent instead of {"app":"one","on":"yes"}' \
		'.spec.extra = 1' 'spec.extra is 1 instead of absent' \
		'del(.metadata.labels)' 'metadata.labels is absent instead of {"app.kubernetes.io/managed-by":"agent-egress"}'
}

@test "an empty list of rules that comes back with an address in it is not applied" {
	serve <<-'END'
		[ "$METHOD" != PATCH ] || { reply 200 "$(body | jq -c 'if type == "object" then . else {metadata: {labels: {"app.kubernetes.io/managed-by": "agent-egress"}}} end
			| .spec = {podSelector: {matchLabels: {app: "one"}}, policyTypes: ["Ingress", "Egress"], egress: [{to: [{ipBlock: {cidr: "0.0.0.0/0"}}]}]}
			| .metadata += {uid: "u", resourceVersion: "7"}')"; exit; }
	END
	run -1 --separate-stderr apply <<<"$(policy one | jq -c '.object.spec.egress = []')"
	[ "$(jq -r '.type + " " + .message' <<<"$output")" = 'FAILED ChangedByServer: spec.egress is [{"to":[{"ipBlock":{"cidr":"0.0.0.0/0"}}]}] instead of []' ]
}

@test "a redirect is not followed" {
	serve <<-'END'
		[ "$METHOD" != GET ] || { reply 302 "{}" "Location: http://127.0.0.1:1/"; exit; }
	END
	run -1 --separate-stderr apply <<<"$(policy one)"
	[[ "$(jq -r .message <<<"$output")" == *"never followed"* ]]
}

@test "a list to prune that fails for a while is asked for again, page by page" {
	serve <<-'END'
		item() { echo '{"metadata":{"namespace":"team-a","name":"'"$1"'","uid":"u-'"$1"'"}}'; }
		case $METHOD$BASE in
		GET/apis/networking.k8s.io/v1/networkpolicies)
			case $N in
			0) status 503 "not now" ;;
			1) list 5 next "$(item one)" ;;
			*) list 5 "" "$(item two)" ;;
			esac
			exit
			;;
		GET*/two) reply 200 '{"metadata":{"uid":"u-two","resourceVersion":"3","labels":{"app.kubernetes.io/managed-by":"agent-egress"}}}' && exit ;;
		DELETE*/two) reply 200 "{}" && exit ;;
		esac
	END
	{ policy one; complete; } | apply --prune 2>/dev/null >results
	[ "$(jq -r '.type + " " + (.object.metadata.name // "")' results | xargs)" = "APPLIED one DELETED two BOOKMARK" ]
	[ "$(stub_requests '/networkpolicies\?labelSelector=app.kubernetes.io%2Fmanaged-by%3Dagent-egress%2C%21agent-egress.dev%2Fquarantine&')" -ge 2 ]
}

@test "while agents keep policies that no operation names, nothing is pruned, and no policy of the operator is an orphan" {
	serve </dev/null
	{
		complete | jq -c '.object.metadata.annotations = {"agent-egress.dev/initial-events-begin": "true", "agent-egress.dev/schema": "none"}'
		complete
	} >marks
	run -1 --separate-stderr apply --prune --adopt=prune <marks
	[[ $stderr == *"nothing is pruned: the AgentCard's definition"* ]]
	[[ $stderr == *"are not looked for: the AgentCard's definition"* ]]
	[ -z "$(stub_requests)" ]
}

@test "403 is tried again when the server was away a moment before, as it may not have read its roles" {
	serve <<-'END'
		[ "$METHOD$N" != GET0 ] || exit
		[ "$METHOD" != PATCH ] || [ "$N" -gt 1 ] || { status 403 "forbidden"; exit; }
	END
	[ "$(policy one | apply 2>messages | verdicts)" = APPLIED ]
	[ "$(stub_requests '^PATCH')" -eq 3 ]
	grep -q "HTTP 403: forbidden; trying again" messages
}

# hold COMMAND...: its input stays open, as in a live pipeline, until release; write to it by >&4
hold() {
	mkfifo gate
	: >results # those of a run before are not waited for
	"$@" <gate >results 2>messages 3>&- &
	APPLY=$!
	exec 4>gate
}

# release [STATUS]: it ends, with this status
release() {
	local ended=0
	exec 4>&-
	wait "$APPLY" || ended=$?
	[ "$ended" -eq "${1:-0}" ]
}

held_apply() { hold egress-apply --kubeconfig "$STUB/kubeconfig" --retry-after 1 "$@"; }
results() { jq -r '.type + " " + (.object.metadata.name // "")' results | xargs; }

@test "what the server refuses is told once, and tried again until it is taken" {
	local code
	for code in 400 403 422; do
		serve <<-END
			[ "\$METHOD" != PATCH ] || [ "\$N" -gt 1 ] || { status $code "no room"; exit; }
		END
		held_apply
		policy one >&4
		wait_until grep -q APPLIED results
		release 1
		[ "$(jq -r '.type + " " + .message' results)" = "FAILED HTTP $code: no room"$'\n'"APPLIED " ]
		[ "$(stub_requests '^PATCH')" -eq 3 ]
		stub_stop
		rm gate
	done
}

@test "a refusal with other words is told again" {
	serve <<-'END'
		[ "$METHOD" != PATCH ] || [ "$N" -gt 1 ] || { status 403 "reason $N"; exit; }
	END
	held_apply
	policy one >&4
	wait_until grep -q APPLIED results
	release 1
	[ "$(jq -r .message results | xargs)" = "HTTP 403: reason 0 HTTP 403: reason 1" ]
}

@test "what is refused holds up neither others nor the mark, and a later operation replaces it at once" {
	serve <<-'END'
		if [ "$METHOD" = PATCH ]; then
			sent=$(body)
			case $sent in *10.0.1.0*) status 403 "quota"; exit ;; esac
			reply 201 "$(jq -c '.metadata += {uid: "u", resourceVersion: "7"}' <<<"$sent")"
			exit
		fi
	END
	hold egress-apply --kubeconfig "$STUB/kubeconfig" --retry-after 3600
	{ policy one team-a 10.0.1.0/24; policy two; complete; } >&4
	wait_until grep -q BOOKMARK results
	policy one team-a 10.0.2.0/24 >&4
	wait_until grep -q 'APPLIED.*"name":"one"' results
	release 1
	[ "$(results | tr ' ' '\n' | sort | xargs)" = "APPLIED APPLIED BOOKMARK FAILED one one two" ]
}

@test "a gauge counts what is asked for and refused" {
	serve <<-'END'
		[ "$METHOD$BASE" != "PATCH/apis/networking.k8s.io/v1/namespaces/team-a/networkpolicies/one" ] || [ -e "$STUB/open" ] || { status 403 "quota"; exit; }
	END
	held_apply --metrics apply.prom
	{ policy one; policy two; } >&4
	wait_until grep -q FAILED results
	wait_until grep -q 'egress_not_in_force{.*kind="NetworkPolicy"} 1' apply.prom
	touch "$STUB/open"
	wait_until grep -q 'APPLIED.*"name":"one"' results
	release 1
	grep -q 'egress_not_in_force{.*kind="NetworkPolicy"} 0' apply.prom
}

@test "a namespace that is being deleted is a reason of its own, and no failure" {
	serve <<-'END'
		[ "$METHOD" != PATCH ] || { reply 403 '{"kind":"Status","code":403,"reason":"Forbidden","message":"it is being terminated","details":{"causes":[{"reason":"NamespaceTerminating","field":"metadata.namespace"}]}}'; exit; }
	END
	[ "$(policy one | apply | jq -r '.type + " " + .message')" = "ABSENT NamespaceTerminating: HTTP 403: it is being terminated" ]
}

@test "a write is bound to what was read: uid and resourceVersion, or that there was nothing" {
	serve <<-'END'
		[ "$METHOD$BASE" != "GET/apis/networking.k8s.io/v1/namespaces/team-a/networkpolicies/old" ] ||
			{ reply 200 '{"metadata":{"uid":"u-1","resourceVersion":"5","labels":{"app.kubernetes.io/managed-by":"agent-egress"}},"spec":{}}'; exit; }
		if [ "$METHOD" = PATCH ]; then
			body >"$STUB/${BASE##*/}"
			reply 200 "$(jq -c '.metadata += {uid: "u-1", resourceVersion: "6"}' "$STUB/${BASE##*/}")"
			exit
		fi
	END
	{ policy old; policy new; } | apply >results
	[ "$(results | tr ' ' '\n' | sort | xargs)" = "APPLIED APPLIED new old" ]
	[ "$(jq -c '.metadata | [.uid, .resourceVersion]' "$STUB/old")" = '["u-1","5"]' ]
	[ "$(jq -c '.metadata | [.uid, .resourceVersion]' "$STUB/new")" = '[null,"1"]' ]
}

@test "an object that is another one by now is read again: 409, and 422 for its uid" {
	local answer
	for answer in '{"kind":"Status","code":409,"reason":"Conflict","message":"the object has been modified"}' \
		'{"kind":"Status","code":422,"reason":"Invalid","message":"metadata.uid: field is immutable","details":{"causes":[{"reason":"FieldValueInvalid","field":"metadata.uid"}]}}'; do
		serve <<-END
			[ "\$METHOD\$N" != PATCH0 ] || { reply \$(jq .code <<<'$answer') '$answer'; exit; }
		END
		[ "$(policy one | apply | verdicts)" = APPLIED ]
		[ "$(stub_requests | cut -d' ' -f1 | xargs)" = "GET PATCH GET PATCH" ]
		stub_stop
	done
}

# of CARD: an operation of its card
of() { jq -c --arg card "$1" '.agentCard = {namespace: "team-a", name: $card, uid: $card}'; }

@test "what narrows goes first, then what is new, unknown, what widens, and deletions" {
	serve <<-'END'
		[ "$METHOD" != GET ] || { reply 200 '{"metadata":{"uid":"u","resourceVersion":"5","labels":{"app.kubernetes.io/managed-by":"agent-egress"}},"spec":{}}'; exit; }
		[ "$METHOD" != DELETE ] || { reply 200 "{}"; exit; }
	END
	effect() { jq -c --arg effect "$1" '.effect = $effect'; }
	{
		delete gone | effect narrows
		policy wide | effect widens
		policy unknown
		policy strange | effect sideways
		policy new | effect new
		policy narrow | effect narrows
	} >log
	apply --concurrency 1 <log >results
	[ "$(jq -r .object.metadata.name results | xargs)" = "narrow new unknown strange wide gone" ]
}

@test "a deletion waits until what its card asks for instead is applied, and says so" {
	serve <<-'END'
		case $METHOD$BASE in
		GET*/old) reply 200 '{"metadata":{"uid":"u","resourceVersion":"5","labels":{"app.kubernetes.io/managed-by":"agent-egress"}},"spec":{}}'; exit ;;
		PATCH*/new) [ -e "$STUB/open" ] || { status 403 "quota"; exit; } ;;
		DELETE*) reply 200 "{}"; exit ;;
		esac
	END
	held_apply
	{ policy new | of a; delete old | of a; delete other | of b; complete; } >&4
	wait_until grep -q BOOKMARK results
	[ "$(results | tr ' ' '\n' | sort | xargs)" = "ABSENT BOOKMARK FAILED FAILED new old other" ]
	[ "$(stub_requests '^DELETE')" -eq 0 ]
	touch "$STUB/open"
	wait_until grep -q DELETED results
	release 1
	[ "$(tail -n 2 results | jq -r '.type + " " + .object.metadata.name' | xargs)" = "APPLIED new DELETED old" ]
}

@test "a namespace's default-deny goes after the policies of that namespace, of which a refused one does not hold it up" {
	serve <<-'END'
		[ "$METHOD$BASE" != "PATCH/apis/networking.k8s.io/v1/namespaces/team-a/networkpolicies/bad" ] || { status 403 quota; exit; }
	END
	{
		policy all team-a | jq -c '.reason = "DefaultDeny" | .effect = "narrows"'
		policy one
		policy bad
		policy two
	} >log
	run -1 --separate-stderr apply --concurrency 1 <log
	[ "$(jq -r .object.metadata.name <<<"$output" | xargs)" = "one bad two all" ]
}

@test "when the reader of the results ends, all is still applied, and it says so" {
	serve </dev/null
	for i in {1..30}; do policy "p$i"; done >log
	local ended=0
	{ apply <log 2>messages && true; echo $? >ended; } | head -n 1 >first
	wait_until test -s ended
	[ "$(cat ended)" -eq 1 ]
	grep -q "nobody reads the results any more" messages
	[ "$(stub_requests '^PATCH')" -eq 30 ]
}

@test "a reader that does not read holds up no policy" {
	serve <<-'END'
		if [ "$METHOD" = PATCH ]; then reply 403 "{\"kind\":\"Status\",\"code\":403,\"message\":\"$(head -c 900 /dev/zero | tr '\0' x)\"}"; exit; fi
	END
	mkfifo out
	for i in {1..150}; do policy "p$i"; done >log
	egress-apply --kubeconfig "$STUB/kubeconfig" <log >out 2>messages 3>&- &
	local apply=$!
	exec 5<out # opened, and not read
	wait_until eval '[ "$(stub_requests "^PATCH")" -eq 150 ]'
	[ "$(cat <&5 | wc -l)" -eq 150 ]
	exec 5<&-
	wait "$apply" || [ $? -eq 1 ]
}
