#!/usr/bin/env bats
# SIGTERM ends every program soon, whatever it waits for. "Soon" is a second; the tests wait up to ten,
# since the machine may be busy.
# shellcheck disable=SC2034,SC2046,SC2086,SC2154 # what programs.bash reads; commands in words; stderr

bats_require_minimum_version 1.5.0
load trust.bash
load kubestub
load programs.bash

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	ca root example.org
	svid billing root spiffe://example.org/ns/team-a/sa/billing-sa
	seq 2000 | jq -c '
		"agent-\(.)" as $name | {type: "ADDED", object: {apiVersion: "apps/v1", kind: "Deployment",
			metadata: {namespace: "team-a", name: $name, uid: "d-\(.)", resourceVersion: "1", labels: {"kagenti.io/type": "agent"}},
			spec: {selector: {matchLabels: {app: $name}}, template: {metadata: {labels: {app: $name}}, spec: {}}}}},
		{type: "ADDED", object: {apiVersion: "agent.kagenti.dev/v1alpha1", kind: "AgentCard",
			metadata: {namespace: "team-a", name: $name, uid: "c-\(.)", resourceVersion: "1"},
			spec: {targetRef: {apiVersion: "apps/v1", kind: "Deployment", name: $name},
			networkPolicy: {domains: [{names: ["api.example.com"], ports: [{port: 443}]}]}}},
			verification: {verified: true, reason: "Verified", message: "m"}}' >events
	echo '{"type":"BOOKMARK","object":{"apiVersion":"agent.kagenti.dev/v1alpha1","kind":"AgentCard","metadata":{"annotations":{"k8s.io/initial-events-end":"true"}}}}' >>events
	egress-translate <events >operations
	seq 3000 | jq -c '{name: "billing", url: "https://billing.example", skills: [{id: "\(.)"}]}' | head -n 1 >card.json
	jq -c '.description = ("x" * 300000)' card.json >large.json
	seq 3000 | jq -c '{flow: {time: "2026-01-01T00:00:00Z", source: {namespace: "team-a", pod: "p-\(.)", workload: {kind: "Deployment", name: "agent-\(.)"}, ip: "10.0.0.1"},
		destination: {ip: "192.0.2.1", port: 443, protocol: "TCP"}, verdict: "allowed"}}' >flows
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	given=$BATS_FILE_TMPDIR
	root=$BATS_TEST_DIRNAME/..
	export HOME=$PWD
	mkfifo in out
	exec 6<>in 7<>out # both ends, so that neither opening nor ending holds anything up
	PROGRAM=
}

teardown() {
	exec 6>&- 7>&-
	[ -z "$PROGRAM" ] || kill -9 "$PROGRAM" 2>/dev/null || true
	stub_stop
}

# start INPUT OUTPUT COMMAND...
start() {
	local input=$1 output=$2
	shift 2
	"$@" <"$input" >"$output" 2>messages 3>&- 6>&- 7>&- &
	PROGRAM=$!
}

# Until the program waits: it sleeps, and in half a second has not used the processor.
waits() {
	local i now before='' same=0
	for ((i = 0; i < 2400; i++)); do
		now=$(sed 's/^.*) //' "/proc/$PROGRAM/stat" 2>/dev/null | awk '{ print $1, $12, $13 }')
		[ -n "$now" ] || { echo "it has ended: $*" && cat messages && return 1; }
		if [[ $now == S* && $now == "$before" ]]; then same=$((same + 1)); else same=0; fi
		[ "$same" -lt 10 ] || return 0
		before=$now
		sleep 0.05
	done
	echo "it never waits: $*" && return 1
}

# SIGTERM, and it is gone.
ends() {
	local i
	kill -s TERM "$PROGRAM"
	for ((i = 0; i < 200; i++)); do
		# a zombie has ended; this shell has not asked for its status yet
		[[ $(sed 's/^.*) //' "/proc/$PROGRAM/stat" 2>/dev/null) == [SRD]* ]] || { PROGRAM='' && return 0; }
		sleep 0.05
	done
	echo "SIGTERM does not end it: $*" && cat messages && return 1
}

# ended_while INPUT OUTPUT COMMAND...
ended_while() {
	start "$@"
	waits "$@"
	ends "$@"
}

sign() { echo egress-sign --key "$given/billing.key" --chain "$given/billing.crt"; }

@test "SIGTERM ends every program whose reader does not read" {
	ended_while "$given/events" out egress-verify --trust-domain example.org
	ended_while "$given/events" out egress-translate
	ended_while "$given/events" out egress-resolve --answers /dev/null
	ended_while "$given/events" out egress-explain -o json
	ended_while "$given/events" out egress-fetch --via direct
	ended_while "$given/operations" out egress-apply --dir live
	ended_while "$given/large.json" out $(sign)
	ended_while "$given/flows" out egress-flows --from flows
	ended_while "$given/events" out egress-propose "$given/flows"
	stub_start <<-'END'
		case $TARGET in
		*sendInitialEvents*) status 400 no ;;
		*agentcards*) list 10 "" "$(object a 1 "\"pad\":\"$(head -c 300000 /dev/zero | tr '\0' x)\"")" ;;
		*) empty ;;
		esac
	END
	ended_while /dev/null out egress-watch --kubeconfig stub/kubeconfig
	ended_while "$given/operations" out egress-apply --kubeconfig stub/kubeconfig --dry-run client
}

@test "SIGTERM ends every program whose input does not come" {
	stub_start <<<'empty'
	local program
	for program in 'egress-verify --trust-domain example.org' egress-translate egress-resolve egress-explain \
		'egress-fetch --via direct' 'egress-fetch --kubeconfig stub/kubeconfig' 'egress-apply --dir live' \
		'egress-apply --kubeconfig stub/kubeconfig' 'egress-flows --from flows' "egress-propose $given/flows" "$(sign)"; do
		ended_while in /dev/null $program
	done
}

@test "SIGTERM ends every program whose server does not answer" {
	stub_start <<<'quiet'
	ended_while /dev/null /dev/null egress-watch --kubeconfig stub/kubeconfig
	ended_while /dev/null /dev/null egress-watch --kubeconfig stub/kubeconfig --leader-elect team-a/lease
	ended_while "$given/events" /dev/null egress-fetch --kubeconfig stub/kubeconfig --first-wait 600 --timeout 300
	ended_while "$given/operations" /dev/null egress-apply --kubeconfig stub/kubeconfig
	echo 'api.example.com SILENT' >zone
	"$BUILD/tools/dnsstub" zone >asked 3>&- 6>&- 7>&- &
	local server=$! i
	for ((i = 0; i < 2400; i++)); do [ ! -s asked ] || break; sleep 0.05; done
	start "$given/events" /dev/null egress-resolve --server "127.0.0.1:$(head -n 1 asked)" --first-wait 600
	for ((i = 0; i < 2400; i++)); do ! grep -q udp asked || break; sleep 0.05; done
	kill -0 "$PROGRAM"
	ends egress-resolve
	kill "$server"
}

@test "SIGTERM ends every program whose exec plugin prints its credential and lives on, and the plugin and what it started" {
	stub_start <<<'empty'
	local lives program
	for lives in 'exec >&-' ':'; do
		printf '#!/bin/bash\n%s\n%s\n%s & echo $! $$ >>pids; wait' \
			'printf '\''{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"t"}}'\' \
			"$lives" 'sleep 1000' >plugin
		chmod +x plugin
		sed 's|user: {token: .*|user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin, interactiveMode: Never}}}]|' \
			stub/kubeconfig >config
		for program in egress-watch egress-apply egress-fetch; do
			rm -f pids
			start in /dev/null "$program" --kubeconfig config
			for ((i = 0; i < 2400; i++)); do [ ! -s pids ] || break; sleep 0.05; done
			ends "$program" "$lives"
			while read -r pid; do
				! kill -0 "$pid" 2>/dev/null || [[ $(sed 's/^.*) //' "/proc/$pid/stat") == Z* ]]
			done < <(tr ' ' '\n' <pids)
		done
	done
}

@test "each program is in these tables" {
	local program
	for program in $(programs); do
		grep -q "ended_while .*$program" "$BATS_TEST_FILENAME" || [ "$program" = egress-sign ]
	done
}

@test "standard descriptors that are closed do no harm: what is written to them reaches no file and no server" {
	stub_start <<-'END'
		case $TARGET in
		*sendInitialEvents*) status 400 no ;;
		*agentcards*) list 10 "" "$(object a 1)" ;;
		*) empty ;;
		esac
	END
	run -3 bash -c 'egress-watch --once --kubeconfig stub/kubeconfig >&-'
	[[ $output = *'cannot write'* ]]
	run -3 bash -c 'egress-watch --once --kubeconfig stub/kubeconfig <&- >&- 2>&-'
	run -0 bash -c 'egress-watch --once --kubeconfig stub/kubeconfig <&- 2>&-'
	[[ $output = *'"name":"a"'* ]]
	[ "$(stub_requests '^[^G]')" = 0 ]
	echo nonsense >broken
	run -3 bash -c 'egress-verify --trust-domain example.org --rejects rejects <&- >&- 2>&-'
	[ ! -s rejects ]
	run -1 bash -c 'egress-verify --trust-domain example.org --rejects rejects <broken 2>&-'
	[ "$(cat rejects)" = nonsense ]
	run -1 bash -c 'egress-apply --dir live --rejects more <broken >&- 2>&-'
	[ "$(cat more)" = nonsense ]
}

@test "a full disk for rejects is said once, and the other records go on" {
	[ -c /dev/full ] || skip "no /dev/full: create it with mknod /dev/full c 1 7"
	printf '%s\n' nonsense '{"a":1}' again '{"b":2}' >mixed
	run -1 --separate-stderr "$BUILD/tools/stream_pass" --rejects /dev/full <mixed
	[ "$output" = $'{"a":1}\n{"b":2}' ]
	[ "$(grep -c 'cannot write rejected lines to /dev/full: No space left on device' <<<"$stderr")" = 1 ]
}
