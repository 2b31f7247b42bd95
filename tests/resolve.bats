#!/usr/bin/env bats
# egress-resolve(1): DNS names of verified cards become addresses. What counts for how long is tested
# in tests/unit/test_dns_*.c; here are name servers, files of answers, and the stages around it.
# shellcheck disable=SC2154 # stderr, which run sets

bats_require_minimum_version 1.5.0

setup() {
	load translate
	cd "$BATS_TEST_TMPDIR" || return 1
	: >zone
	"$BUILD/tools/dnsstub" zone >asked 3>&- &
	STUB=$!
	STAGE=
	await test -s asked
	server=127.0.0.1:$(head -n 1 asked)
}

teardown() {
	exec 7>&-
	kill "$STUB" $STAGE 2>/dev/null || true
}

await() { # COMMAND...: until it is true
	local i
	for ((i = 0; i < 1200; i++)); do
		! "$@" || return 0
		sleep 0.05
	done
	echo "never: $*"
	return 1
}

# Test addresses are those for documentation, which are refused unless they are allowed.
resolve() { egress-resolve --server "$server" --allow-range 192.0.2.0/24 --allow-range 2001:db8::/32 "$@" 2>errors; }

# begin [OPTION]...: the stage in the background, with an input that stays open.
begin() {
	mkfifo in
	egress-resolve --server "$server" --allow-range 192.0.2.0/24 "$@" <in >out 2>errors 3>&- 7>&- &
	STAGE=$!
	exec 7>in
}

names() { # NAME... : spec.networkPolicy with these, on port 443
	jq -cn '{domains: [{names: $ARGS.positional, ports: [{port: 443}]}]}' --args -- "$@"
}

# Of the cards on stdin: the CIDRs of the rule behind that to the DNS.
cidrs() { jq -r '.object.spec.networkPolicy.egress[1].to[]?.ipBlock.cidr' | xargs; }
problem() { jq -r --arg name "$1" '.resolution.names[] | select(.name == $name).problem'; }
lines_of() { [ "$(wc -l <out)" -ge "$1" ]; }
asked_for() { [ "$(grep -c "^[a-z]* $1 " asked)" -ge "${2:-1}" ]; }
says() { grep -q -- "$1" errors; }

@test "the names of an entry become a rule with their addresses and the entry's ports" {
	cat >zone <<-'END'
		api.example A 60 192.0.2.2
		api.example A 60 192.0.2.1
		api.example AAAA 60 2001:db8::1
		www.example CNAME 60 web.example
		web.example CNAME 60 cdn.example
		cdn.example A 60 192.0.2.9
	END
	card weather --policy "$(names api.example www.example)" | resolve >out
	[ "$(cidrs <out)" = '192.0.2.1/32 192.0.2.2/32 192.0.2.9/32 2001:db8::1/128' ]
	jq -e '.object.spec.networkPolicy | .egress[1].ports == [{port: 443}] and has("domains") == false' out
	jq -e '.resolution.names == [{name: "api.example", addresses: ["192.0.2.1", "192.0.2.2", "2001:db8::1"]},
		{name: "www.example", addresses: ["192.0.2.9"]}]' out
}

@test "everything else of the line stays, and every other line passes byte for byte" {
	echo 'api.example A 60 192.0.2.1' >zone
	{ echo ' {"type":"ADDED","object":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"},"n":1.0e2}}'
	  card plain && card off --unverified --policy "$(names api.example)"
	  card bad --policy '{"domains":[{"names":["1.2.3.4"]}]}'; } >in
	resolve <in | cmp - in
	card weather --policy "$(names api.example)" >in
	resolve <in >out
	diff <(jq -S 'del(.object.spec.networkPolicy)' in) <(jq -S 'del(.object.spec.networkPolicy, .resolution)' out)
	[ "$(head -c 200 in)" = "$(head -c 200 out)" ]
}

@test "a card without egress gets its names and the cluster's DNS, one with egress its rules and its names" {
	echo 'api.example A 60 192.0.2.1' >zone
	card weather --policy "$(names api.example)" >in
	resolve <in >out
	jq -e '.object.spec.networkPolicy.egress[0] | .ports == [{port: 53, protocol: "UDP"}, {port: 53, protocol: "TCP"}]
		and .to == [{namespaceSelector: {matchLabels: {"kubernetes.io/metadata.name": "kube-system"}},
		             podSelector: {matchLabels: {"k8s-app": "kube-dns"}}}]' out
	resolve --dns openshift-dns/dns.operator.openshift.io/daemonset-dns=default:5353 <in |
		jq -e '.object.spec.networkPolicy.egress[0].ports[0].port == 5353'
	card weather --policy "$(names api.example | jq -c '.egress = [{to: [{ipBlock: {cidr: "198.51.100.0/24"}}]}]')" |
		resolve | jq -e '.object.spec.networkPolicy.egress == [{to: [{ipBlock: {cidr: "198.51.100.0/24"}}]},
			{to: [{ipBlock: {cidr: "192.0.2.1/32"}}], ports: [{port: 443}]}]'
}

@test "a reply that does not fit into UDP is asked for over TCP" {
	printf 'long.example MANY 60 100\nlong.example TRUNCATED\n' >zone
	card weather --policy "$(names long.example)" | resolve --max-addresses 200 >out
	[ "$(cidrs <out | wc -w)" -eq 100 ]
	grep -qx 'tcp long.example A' asked
}

@test "of too many addresses the lowest are taken, and the rest is said" {
	echo 'many.example MANY 60 300' >zone
	card weather --policy "$(names many.example)" | resolve >out
	[ "$(cidrs <out | wc -w)" -eq 64 ]
	[ "$(cidrs <out | cut -d ' ' -f 1,64)" = '5.0.0.1/32 5.0.0.64/32' ]
	[ "$(problem many.example <out)" = '236 of its A records are left out: there are too many' ]
}

@test "a name that brings nothing is denied, and why is said" {
	printf '%s\n' 'bad.example SERVFAIL' 'no.example REFUSED' 'mute.example SILENT' 'odd.example GARBAGE' \
		'text.example CNAME 60 nowhere.example' >zone
	card weather --policy "$(names bad.example no.example mute.example odd.example text.example nx.example '*.w.example')" |
		resolve --first-wait 600 >out
	jq -e '.object.spec.networkPolicy | (.egress | length) == 1 and .domains == [{names: ["*.w.example"], ports: [{port: 443}]}]' out
	[ "$(problem bad.example <out)" = 'its name servers gave no answer (UNANSWERED)' ]
	[ "$(problem no.example <out)" = 'its name servers gave no answer (UNANSWERED)' ]
	[ "$(problem mute.example <out)" = 'its name servers gave no answer (TIMEOUT)' ]
	[ "$(problem odd.example <out)" = 'its name servers gave no answer (BADREPLY)' ]
	[ "$(problem text.example <out)" = 'does not exist (NXDOMAIN)' ]
	[ "$(problem nx.example <out)" = 'does not exist (NXDOMAIN)' ]
	[ "$(problem '*.w.example' <out)" = 'a wildcard cannot be resolved' ]
}

@test "a name server cannot open the inside, unless the operator does" {
	printf 'evil.example A 60 %s\n' 10.0.0.1 127.0.0.1 169.254.169.254 100.64.0.1 224.0.0.1 198.51.100.7 >zone
	printf 'evil.example AAAA 60 %s\n' ::1 fe80::1 fd00::1 ::ffff:192.0.2.1 64:ff9b::a00:1 2002:a00:1::1 >>zone
	echo 'cluster.example A 60 5.6.7.8' >>zone
	card weather --policy "$(names evil.example)" >in
	resolve <in >out
	jq -e '(.object.spec.networkPolicy.egress | length) == 1' out
	[ "$(problem evil.example <out)" = '6 of its addresses are refused: 10.0.0.1 is private; 6 of its addresses are refused: ::1 is loopback' ]
	[ "$(resolve --allow-range 10.0.0.0/8 <in | cidrs)" = '10.0.0.1/32 64:ff9b::a00:1/128 2002:a00:1::1/128' ]
	[ "$(resolve --allow-range 169.254.0.0/16 <in | cidrs)" = '' ]
	[ "$(resolve --allow-range 169.254.169.254/32 <in | cidrs)" = 169.254.169.254/32 ]
	card weather --policy "$(names cluster.example)" >in
	[ "$(resolve <in | cidrs)" = 5.6.7.8/32 ]
	[ "$(resolve --cluster-cidr 5.6.0.0/16 <in | problem cluster.example)" = '1 of its addresses is refused: 5.6.7.8 is in the cluster' ]
}

@test "a card comes again, as MODIFIED, when its addresses change, and not when they are the same" {
	echo 'api.example A 1 192.0.2.1' >zone
	begin --min-ttl 1 --max-ttl 1 --grace 0
	card weather --policy "$(names api.example)" >&7
	await lines_of 1
	await asked_for api.example 6 # twice more, of each family
	lines_of 2 && return 1
	echo 'api.example A 1 192.0.2.2' >next && mv next zone
	await lines_of 2
	[ "$(tail -n 1 out | jq -r .type)" = MODIFIED ]
	[ "$(tail -n 1 out | cidrs)" = 192.0.2.2/32 ]
	[ "$(wc -l <out)" -eq 2 ]
}

@test "an address that left the answer is kept for the grace, and then goes" {
	echo 'api.example A 1 192.0.2.1' >zone
	begin --min-ttl 1 --max-ttl 1 --grace 2
	card weather --policy "$(names api.example)" >&7
	await lines_of 1
	echo 'api.example A 1 192.0.2.2' >next && mv next zone
	await lines_of 2
	[ "$(sed -n 2p out | cidrs)" = '192.0.2.1/32 192.0.2.2/32' ]
	await lines_of 3
	[ "$(sed -n 3p out | cidrs)" = 192.0.2.2/32 ]
}

@test "while name servers fail the last good addresses stay, for the stale time" {
	echo 'api.example A 1 192.0.2.1' >zone
	begin --min-ttl 1 --max-ttl 1 --grace 0 --stale 3600
	card weather --policy "$(names api.example)" >&7
	await lines_of 1
	echo 'api.example SERVFAIL' >next && mv next zone
	before=$(wc -l <asked)
	await asked_for api.example $((before + 7))
	lines_of 2 && return 1
	kill "$STAGE" && wait "$STAGE"
	exec 7>&-
	rm in
	echo 'api.example A 1 192.0.2.1' >zone
	begin --min-ttl 1 --max-ttl 1 --grace 0 --stale 2
	card weather --policy "$(names api.example)" >&7
	await lines_of 1
	echo 'api.example SERVFAIL' >next && mv next zone
	gone() { [ "$(tail -n 1 out | problem api.example)" = 'its name servers gave no answer (UNANSWERED)' ]; }
	await gone
	[ "$(tail -n 1 out | cidrs)" = '' ]
}

@test "at the start a card and the end mark wait for the answers, and other lines do not" {
	printf 'api.example A 60 192.0.2.1\nmute.example SILENT\n' >zone
	begin --first-wait 600
	{ mark begin AgentCard && card slow --policy "$(names mute.example)" && card plain
	  mark end AgentCard && workload Deployment/late; } >&7
	await lines_of 3
	jq -es 'map(.object.metadata.name) == [null, "plain", "late"]' out
	await lines_of 5
	jq -es 'map(.object.metadata.name) == [null, "plain", "late", "slow", null]' out
	[ "$(tail -n 1 out)" = "$(mark end AgentCard)" ]
}

@test "they wait no longer than --first-wait, and the answer comes later" {
	echo 'mute.example SILENT' >zone
	begin --first-wait 1
	{ mark begin AgentCard && card slow --policy "$(names mute.example)" && mark end AgentCard; } >&7
	await lines_of 3
	[[ $(sed -n 2p out | problem mute.example) == *'no answer'* ]]
	echo 'mute.example A 60 192.0.2.1' >next && mv next zone
	await lines_of 4
	[ "$(tail -n 1 out | cidrs)" = 192.0.2.1/32 ]
}

@test "a card that loses its verdict passes at once, and does not come again" {
	echo 'mute.example SILENT' >zone
	begin --first-wait 600
	card weather --policy "$(names mute.example)" >&7
	await asked_for mute.example
	card weather --unverified --policy "$(names mute.example)" >lost
	cat lost >&7
	await lines_of 1
	cmp out lost
	exec 7>&-
	wait "$STAGE"
	cmp out lost
}

@test "when one name server does not answer, the next is asked" {
	echo 'api.example A 60 192.0.2.1' >zone
	card weather --policy "$(names api.example)" |
		egress-resolve --server 127.0.0.1:1 --server "$server" --allow-range 192.0.2.0/24 >out
	[ "$(cidrs <out)" = 192.0.2.1/32 ]
}

@test "many names are asked for, few at a time, and no more than the bound" {
	for i in $(seq 40); do echo "n$i.example A 60 192.0.2.$i"; done >zone
	mapfile -t many < <(sed 's/ .*//' zone)
	card weather --policy "$(names "${many[@]}")" >in
	[ "$(resolve --concurrency 1 <in | cidrs | wc -w)" -eq 40 ]
	resolve --max-names 30 <in >out
	[ "$(cidrs <out | wc -w)" -eq 30 ]
	[ "$(problem n31.example <out)" = 'there are too many names: it is not asked for' ]
}

@test "what was answered can be recorded, and gives the same bytes again, without a network" {
	printf 'api.example A 60 %s\n' 192.0.2.1 10.0.0.1 >zone
	echo 'bad.example SERVFAIL' >>zone
	{ card weather --policy "$(names api.example bad.example nx.example '*.w.example')" && card plain; } >in
	resolve --record-answers answers <in >live
	kill "$STUB"
	[ "$(wc -l <answers)" -eq 6 ]
	[ "$(stat -c %a answers)" = 600 ]
	jq -se 'map(select(.name == "api.example" and .type == "A"))[0] | .addresses == ["10.0.0.1", "192.0.2.1"]
		and .ttl == 60 and .status == "NOERROR"' answers
	for _ in 1 2; do
		egress-resolve --allow-range 192.0.2.0/24 --answers answers <in >replayed
		diff <(sort live) <(sort replayed) # live, a card may come after a line that came later
	done
}

@test "a replay is as of the last answer, or as of --at" {
	cat >answers <<-'END'
		{"time":"2026-01-01T00:00:00Z","name":"api.example","type":"A","status":"NOERROR","ttl":60,"addresses":["5.5.5.5"]}
		{"time":"2026-01-01T00:01:00Z","name":"api.example","type":"A","status":"NOERROR","ttl":60,"addresses":["6.6.6.6"]}
		{"time":"2026-01-01T00:02:00Z","name":"api.example","type":"A","status":"SERVFAIL"}
	END
	card weather --policy "$(names api.example)" >in
	[ "$(egress-resolve --answers answers <in | cidrs)" = '5.5.5.5/32 6.6.6.6/32' ]
	[ "$(egress-resolve --answers answers --grace 60 <in | cidrs)" = 6.6.6.6/32 ]
	[ "$(egress-resolve --answers answers --at 2026-01-01T00:00:59Z <in | cidrs)" = 5.5.5.5/32 ]
	[ "$(egress-resolve --answers answers --at 2026-01-01T01:01:59Z <in | cidrs)" = 6.6.6.6/32 ]
	[ "$(egress-resolve --answers answers --at 2026-01-01T01:02:00Z <in | cidrs)" = '' ]
	[ "$(egress-resolve --answers answers --at 2025-12-31T00:00:00Z <in | problem api.example)" = 'no answer was recorded' ]
}

@test "a line of answers that cannot be used is named by its number, and the others count" {
	cat >answers <<-'END'
		{"time":"2026-01-01T00:00:01Z","name":"api.example","type":"A","status":"NOERROR","ttl":60,"addresses":["5.5.5.5"]}
		not JSON

		{"time":"2026-01-01T00:00:01Z","name":"api.example","type":"A","status":"NOERROR","ttl":60,"addresses":["5.5.5.0/24"]}
		{"time":"2026-01-01T00:00:00Z","name":"api.example","type":"A","status":"NXDOMAIN"}
		{"time":"2026-01-01T00:00:02Z","name":"b.example","type":"A","status":"NXDOMAIN"}
	END
	card weather --policy "$(names api.example)" >in
	run -1 --separate-stderr egress-resolve --answers answers --max-names 1 <in
	[ "$(cidrs <<<"$output")" = 5.5.5.5/32 ]
	[ "${#stderr_lines[@]}" -eq 4 ]
	[[ ${stderr_lines[0]} == 'egress-resolve: answers: line 2: '* ]]
	[ "${stderr_lines[1]}" = 'egress-resolve: answers: line 4: "addresses" has something that is no address of this type' ]
	[ "${stderr_lines[2]}" = 'egress-resolve: answers: line 5: its time is before that of a line above' ]
	[ "${stderr_lines[3]}" = 'egress-resolve: answers: line 6: there are more names than --max-names' ]
	run -3 egress-resolve --answers nowhere <in
}

@test "a line that is no event is rejected, and the others go on" {
	{ echo '{"type":"NEW"}' && card plain && card spoilt | sed 's/}$/,}/'; } >in
	run -1 resolve --rejects kept <in
	says 'line 1: "type" is not that of a watch event'
	cmp kept <(sed 2d in)
	[ "${lines[0]}" = '{"type":"ERROR","object":{"apiVersion":"v1","kind":"Status","status":"Failure","reason":"RecordRejected"}}' ]
	[ "${lines[1]}" = "$(sed -n 2p in)" ]
	[ "$(jq -r '"\(.type) \(.object.details.kind) \(.object.details.name)"' <<<"${lines[2]}")" = 'ERROR AgentCard spoilt' ]
}

@test "wrong usage says what is wrong" {
	for wrong in '--server example.com' '--server 192.0.2.1:0' '--allow-range 10.0.0.1/8' '--cluster-cidr x' \
		'--min-ttl 10 --max-ttl 5' '--at 2026-01-01T00:00:00Z' '--answers a --at noon' '--answers a --server 192.0.2.1' \
		'--answers a --record-answers b' '--max-addresses 257' '--max-addresses 0' '--dns kube-dns' 'operand'; do
		read -ra options <<<"$wrong"
		run -2 egress-resolve "${options[@]}" </dev/null
		[[ $output == 'egress-resolve: '* ]] || { echo "$wrong: $output" && return 1; }
	done
}

@test "SIGTERM ends it, also while cards wait" {
	echo 'mute.example SILENT' >zone
	begin --first-wait 600
	card weather --policy "$(names mute.example)" >&7
	await asked_for mute.example
	kill "$STAGE"
	wait "$STAGE"
	[ ! -s out ]
}

@test "the policy has the addresses, and its problems say which names bring nothing" {
	printf 'api.example A 60 192.0.2.1\nevil.example A 60 10.0.0.1\n' >zone
	{ api_server 10.9.9.9 && workload Deployment/weather && workload Deployment/off
	  card weather --policy "$(names api.example evil.example)" && card off --unverified --policy "$(names api.example)"; } |
		resolve | egress-translate >operations
	policy() { jq -c --arg name "$1-signature-policy" 'select(.object.metadata.name == $name)' operations; }
	policy weather | jq -e '.object.spec.egress | length == 2 and .[1] == {ports: [{port: 443, protocol: "TCP"}],
		to: [{ipBlock: {cidr: "192.0.2.1/32"}}]}'
	policy weather | jq -e '.problems == [{field: "spec.networkPolicy.domains", value: "evil.example",
		message: "1 of its addresses is refused: 10.0.0.1 is private", severity: "warning"}]'
	policy off | jq -e '.object.spec.egress[0].to == [{ipBlock: {cidr: "10.9.9.9/32"}}] and .problems == []'
}

@test "enforce --resolve puts the stage in its place" {
	echo 'api.example A 60 192.0.2.1' >zone
	{ workload Deployment/weather && card weather --policy "$(names api.example)" | jq -c 'del(.verification)
		| if .object.kind == "AgentCard" then .object.status = {targetRef: .object.spec.targetRef,
			attestedAgentSpiffeId: "spiffe://example.org/ns/\(.object.metadata.namespace)/sa/default",
			conditions: [{type: "Verified", status: "True", reason: "mTLSVerified"}]} else . end'; } >log
	mkdir bin
	printf '#!/bin/sh\ncat log\n' >bin/egress-watch
	chmod +x bin/egress-watch
	PATH=$PWD/bin:$PATH EGRESS_VERIFY_FLAGS=--accept-status EGRESS_APPLY_FLAGS='--dir live' EGRESS_TRANSLATE_FLAGS='' \
		EGRESS_RESOLVE_FLAGS="--server $server --allow-range 192.0.2.0/24" \
		run -0 "$BATS_TEST_DIRNAME/../pipelines/enforce" --once --resolve || { echo "$output" && false; }
	grep -q 192.0.2.1/32 live/*weather*
}

@test "a resolution that is not as it should be changes no decision" {
	for resolution in 7 '{"names":7}' '{"names":[7,{"name":7,"problem":"x"},{"name":"x","problem":7},{"name":"x"}]}'; do
		{ workload Deployment/weather && card weather --policy '{"egress":[]}' | jq -c ".resolution = $resolution"; } |
			egress-translate | jq -se 'map(select(.type == "APPLY")) | length == 1 and (.[0] | .object.spec.egress == [] and .problems == [])'
	done
}

@test "metrics tell how many names there are, and what became of the questions" {
	printf 'api.example A 60 192.0.2.1\n' >zone
	card weather --policy "$(names api.example nx.example)" | resolve --metrics r.prom
	grep -qx 'egress_names{program="egress-resolve"} 2' r.prom
	grep -qx 'egress_agents{program="egress-resolve"} 1' r.prom
	grep -qx 'egress_answers_total{program="egress-resolve",status="NOERROR"} 1' r.prom
	grep -qx 'egress_answers_total{program="egress-resolve",status="NXDOMAIN"} 2' r.prom
}

@test "rules in the annotation are resolved there, with their groups, and mean the same as the field's" {
	local rules
	rules='{"domains":[{"names":["a.example"],"ports":[{"port":443}]}],"groups":["llm-api"]}'
	{
		workload Deployment/weather
		card weather | jq -c --arg rules "$rules" '.object.metadata.annotations = {"agent-egress.dev/network-policy": $rules}'
		workload Deployment/both
		card both --policy "$rules" | jq -c --arg rules "$rules" '.object.metadata.annotations = {"agent-egress.dev/network-policy": $rules}'
	} | resolve >out
	jq -se 'map(select(.object.metadata.name == "weather" and .resolution)) | length == 1 and
		(.[0].object | .spec.networkPolicy == null and
		(.metadata.annotations["agent-egress.dev/network-policy"] | fromjson
		| .groups == ["llm-api"] and .domains == null and (.egress | length) >= 1))' out
	egress-translate <out | jq -se 'map(select(.type == "APPLY").reason) == ["EgressRules", "EgressRules"]'
}
