# pipelines/replay, pipelines/audit and pipelines/dry-run, on the sample log.

bats_require_minimum_version 1.5.0

setup() {
	pipelines=$BATS_TEST_DIRNAME/../pipelines
	sample=$BATS_TEST_DIRNAME/data/demo
	log=$pipelines/examples/agents.ndjson
	unset EGRESS_VERIFY_FLAGS EGRESS_TRANSLATE_FLAGS EGRESS_TARGET
	cd "$BATS_TEST_TMPDIR" || return 1
	# the log up to where everything is known
	sed '/"AgentCard".*"k8s.io\/initial-events-end"/q' "$log" >early.ndjson
}

replay() { "$pipelines/replay" --trust-domain example.org "$@"; }
audit() { "$pipelines/audit" --trust-domain example.org "$@"; }

# as_agreed DIR: it has the sample's manifests and nothing else.
as_agreed() { diff -r "$sample" "$1"; }

@test "replay turns a log into a directory of manifests, and says nothing" {
	run -0 --separate-stderr replay --dir out "$log"
	[ -z "$output$stderr" ]
	as_agreed out
}

@test "replay: EGRESS_TARGET is what the manifests are written as" {
	EGRESS_TARGET=calico run -0 replay --dir out "$log"
	[ "$(find out -name '_globalnetworkpolicy.projectcalico.org_*.yaml' | wc -l)" -eq "$(find "$sample" -name '*.yaml' | wc -l)" ]
}

@test "replay writes to the directory \`replay\` unless told" {
	replay "$log"
	as_agreed replay
}

@test "a second replay into the directory leaves every byte, and writes no file" {
	replay --dir out --keep kept "$log"
	cp -rp out first
	# what is between was applied and taken back; of the last state nothing is new
	replay --dir out --keep again "$log"
	diff -r first out
	for file in verified operations rejects; do cmp "kept/$file.ndjson" "again/$file.ndjson"; done
}

@test "a log behind itself gives the same directory, by cat or as two arguments" {
	cat "$log" "$log" >twice.ndjson
	replay --dir one twice.ndjson
	as_agreed one
	replay --dir two "$log" "$log"
	as_agreed two
}

@test "a log behind an older one gives the newer one's directory" {
	replay --dir out early.ndjson "$log"
	as_agreed out
}

@test "a log in two pieces, cut at any event, gives the same directory" {
	for line in 1 30 62 63 64 65 66; do
		head -n "$line" "$log" >a
		tail -n +"$((line + 1))" "$log" >b
		replay --dir "out$line" a b
		as_agreed "out$line"
	done
}

@test "a log that was cut off inside a line costs that line alone" {
	head -c -100 "$log" >broken
	run -1 --separate-stderr replay --dir out broken "$log"
	[ "$(wc -l <<<"$stderr")" -eq 1 ]
	as_agreed out
}

@test "a log may be compressed, and beside others that are not" {
	gzip -c early.ndjson >early.ndjson.gz
	gzip -c "$log" >all
	replay --dir one all
	as_agreed one
	replay --dir two early.ndjson.gz "$log"
	as_agreed two
}

@test "a log that breaks off before its lists were complete asks for nothing" {
	head -n 50 "$log" >short
	cp -r "$sample" out
	run -1 --separate-stderr replay --dir out short
	[[ $stderr == *'before its lists were complete'* ]]
	as_agreed out
}

@test "manifests of ours that the log does not ask for go; those of others stay" {
	mkdir out
	sed 's/ledger/former/' "$sample/finance_networkpolicy_ledger-signature-policy.yaml" >out/finance_networkpolicy_former-signature-policy.yaml
	echo 'kind: Kustomization' >out/kustomization.yaml
	replay --dir out "$log"
	[ ! -e out/finance_networkpolicy_former-signature-policy.yaml ]
	rm out/kustomization.yaml
	as_agreed out
}

@test "--keep keeps what passed between the stages" {
	replay --dir out --keep kept "$log"
	[ "$(jq -c 'select(.verification | not)' kept/verified.ndjson | wc -l)" -eq "$(jq -c 'select(.object.kind != "AgentCard" or .type == "BOOKMARK")' "$log" | wc -l)" ]
	jq -es 'any(.type == "APPLY") and any(.type == "DELETE")' kept/operations.ndjson
	jq -es 'all(.type | IN("APPLIED", "UNCHANGED", "DELETED", "AGENT", "BOOKMARK"))' kept/results.ndjson
	[ ! -s kept/rejects.ndjson ]
}

@test "a line that cannot be used ends in status 1, is kept as it stood, once, and the rest is done" {
	{ printf '{"type": broken \r\n'; cat "$log"; } >dirty
	run -1 --separate-stderr replay --dir out --keep kept dirty
	[[ $stderr == *'egress-verify: line 1: '* ]]
	as_agreed out
	[ "$(wc -l <kept/rejects.ndjson)" -eq 1 ]
	head -n 1 dirty | tr -d '\r' | cmp - <(tr -d '\r' <kept/rejects.ndjson)
	# and the next replay does not keep them
	replay --dir out --keep kept "$log"
	[ ! -s kept/rejects.ndjson ]
}

@test "options may be spelt with an equals sign, and end at --" {
	cp "$log" ./-log
	"$pipelines/replay" --trust-domain=example.org --dir=out --keep=kept -- -log
	as_agreed out
	[ -s kept/operations.ndjson ]
}

@test "the stages' other options come from the environment" {
	EGRESS_VERIFY_FLAGS='--require-unexpired' EGRESS_TRANSLATE_FLAGS='--api-server 192.0.2.99/32 --api-server-port 443' \
		replay --dir out --keep kept "$log"
	[ "$(jq -r 'select(.verification.verified) | .object.metadata.name' kept/verified.ndjson)" = "" ]
	jq -es 'map(select(.type == "APPLY").object.spec.egress) | unique == [[{"to": [{"ipBlock": {"cidr": "192.0.2.99/32"}}], "ports": [{"port": 443, "protocol": "TCP"}]}]]' kept/operations.ndjson
}

@test "replay: wrong usage is status 2 and says what is wrong" {
	for arguments in '' '--dir' '--dir= log' '--keep' '--trust-domain' '--no-such-option log' '-x log'; do
		# shellcheck disable=SC2086
		run -2 --separate-stderr "$pipelines/replay" $arguments
		[ -z "$output" ]
		[[ $stderr == 'replay: '* ]] || { echo "$arguments: $stderr"; false; }
	done
	# a stage's wrong usage is ours
	for domain in '' '--trust-domain Not+A+Domain'; do
		# shellcheck disable=SC2086
		run -2 --separate-stderr "$pipelines/replay" $domain "$log"
		[[ $stderr == 'egress-verify: '*trust?domain* ]]
	done
	EGRESS_TRANSLATE_FLAGS=--no-such-option run -2 --separate-stderr replay "$log"
}

@test "replay: --help says how it is used" {
	run -0 --separate-stderr "$pipelines/replay" --help
	[[ $output == *'Usage: pipelines/replay '*'Exit status: '* ]]
	[ -z "$stderr" ]
}

@test "replay: what cannot be read or written is status 3" {
	run -3 --separate-stderr replay --dir out no-such-log
	[[ $stderr == 'replay: no-such-log: '* ]]
	[ ! -e out ]
	run -3 replay --dir out .
	: >file
	run -3 replay --dir file/out "$log"
	run -3 replay --dir file "$log"
	run -3 replay --dir out --keep file "$log"
}

@test "replay: a compressed log that was cut off is status 3" {
	gzip -c "$log" | head -c 3000 >log.gz
	run -3 --separate-stderr replay --dir out log.gz
	[[ $stderr == *'unexpected end of file'* ]]
}

@test "replay: a stage that is not there is status 3" {
	mkdir bin
	ln -s "$BUILD/bin/egress-verify" "$BUILD/bin/egress-apply" bin
	PATH=$PWD/bin:/usr/bin:/bin BUILD=$PWD/none run -3 --separate-stderr replay --dir out "$log"
	[[ $stderr == *'egress-translate: not found'* ]]
	[ -z "$(ls out)" ]
}

@test "the programs are found in build/bin when they are not in PATH" {
	PATH=/usr/bin:/bin replay --dir out "$log"
	as_agreed out
}

@test "audit: nothing changes between a log, itself, and the directory that it became" {
	for pair in "$log $log" "$log $sample" "$sample $log" "$sample $sample"; do
		# shellcheck disable=SC2086
		run -0 --separate-stderr audit $pair
		[ -z "$output$stderr" ]
	done
}

@test "audit: shows as a diff what a newer log would change, and says so with status 1" {
	run -1 --separate-stderr audit early.ndjson "$log"
	[ -z "$stderr" ]
	diff "$BATS_TEST_DIRNAME/data/audit.txt" - <<<"$output"
}

@test "audit: gives the same bytes again, and in the other order the reverse" {
	audit early.ndjson "$log" >one || [ $? -eq 1 ]
	audit early.ndjson "$log" >two || [ $? -eq 1 ]
	cmp one two
	audit "$log" early.ndjson >back || [ $? -eq 1 ]
	[ "$(grep -c '^+[^+]' one)" -eq "$(grep -c '^-[^-]' back)" ]
	[ "$(grep -c '^-[^-]' one)" -eq "$(grep -c '^+[^+]' back)" ]
}

@test "audit: the diff makes the one directory of the other" {
	command -v patch >/dev/null || skip "no patch: apt-get install patch"
	replay --dir old early.ndjson
	audit old "$log" >change || [ $? -eq 1 ]
	cd old
	# -E: a file that becomes empty goes
	patch -p1 -s -E <../change
	as_agreed .
}

@test "audit: a directory is read and left alone; what others have in it does not count" {
	cp -rp "$sample" live
	echo 'kind: Kustomization' >live/kustomization.yaml
	mkdir live/.git
	cp -rp live before
	run -0 audit live "$log"
	[ -z "$output" ]
	diff -r before live
	run -1 audit live early.ndjson
	diff -r before live
}

@test "audit: an edit by hand shows" {
	cp -r "$sample" live
	sed -i 's|203.0.113.0/24|0.0.0.0/0|' live/finance_networkpolicy_billing-signature-policy.yaml
	run -1 audit live "$log"
	[[ $output == *'-        cidr: "0.0.0.0/0"'*'+        cidr: "203.0.113.0/24"'* ]]
}

@test "audit: wrong usage is status 2" {
	for arguments in '' a 'a b c' '--no-such-option a b' '--trust-domain'; do
		# shellcheck disable=SC2086
		run -2 --separate-stderr "$pipelines/audit" $arguments
		[[ $stderr == 'audit: '* ]]
	done
	run -2 "$pipelines/audit" "$log" "$log"
	run -0 "$pipelines/audit" --help
	[[ $output == *'Usage: pipelines/audit '* ]]
}

@test "audit: what cannot be told is status 3: a log that is missing, cut off, or has a broken line" {
	run -3 audit no-such-log "$log"
	run -3 audit "$log" no-such-log
	head -n 50 "$log" >short
	run -3 audit short "$log"
	{ cat "$log"; echo '{"type":'; } >broken
	run -3 --separate-stderr audit "$log" broken
	[ -z "$output" ]
	[[ $stderr == *'egress-verify: line '*'audit: broken: '* ]]
}

# flow ADDRESS: billing's, which passed.
flow() {
	jq -nc --arg ip "$1" '{flow: {source: {namespace: "finance", workload: {kind: "Deployment", name: "billing"}},
		destination: {ip: $ip, port: 443, protocol: "TCP"}, verdict: "allowed"}}'
}

@test "dry-run: 0 when nothing that passed would be cut, 1 when something would" {
	flow 203.0.113.7 >flows
	run -0 "$pipelines/dry-run" --trust-domain example.org "$log" flows
	[[ ${lines[1]} == 'finance/billing: 0 would be cut'* ]]
	flow 198.51.100.1 >more
	run -1 "$pipelines/dry-run" --trust-domain example.org -o json "$log" flows more
	jq -e -s 'last.flows == {allowed: 1, cut: 1, unknown: 0, denied: 0}' <<<"$output"
}

@test "dry-run: of a directory of logs, some compressed" {
	mkdir kept
	gzip <"$log" >kept/events-20260101T000000Z.ndjson.gz
	flow 203.0.113.7 >flows
	run -0 "$pipelines/dry-run" --trust-domain=example.org kept flows
}

@test "dry-run: another card in the log is another answer" {
	flow 198.51.100.1 >flows
	jq -c 'if .object.kind == "AgentCard" and .object.metadata.name == "billing" then
		.object.spec.networkPolicy.egress = [{to: [{ipBlock: {cidr: "198.51.100.0/24"}}]}] else . end' "$log" >tried.ndjson
	run -1 "$pipelines/dry-run" --trust-domain example.org "$log" flows
	run -0 "$pipelines/dry-run" --trust-domain example.org tried.ndjson flows
}

@test "dry-run: a stage that cannot go on is never an answer: 3" {
	flow 203.0.113.7 >flows
	mkdir empty
	run -3 "$pipelines/dry-run" --trust-domain example.org empty flows
	run -3 "$pipelines/dry-run" --trust-domain example.org missing flows
	run -3 "$pipelines/dry-run" --trust-domain example.org "$log" missing
	EGRESS_VERIFY_FLAGS='--no-such-option' run -3 "$pipelines/dry-run" "$log" flows
}

@test "dry-run: wrong usage is status 2" {
	for arguments in '' a '--no-such-option a b' '--trust-domain'; do
		# shellcheck disable=SC2086
		run -2 --separate-stderr "$pipelines/dry-run" $arguments
		[[ $stderr == 'dry-run: '* ]]
	done
	run -0 "$pipelines/dry-run" --help
	[[ $output == *'Usage: pipelines/dry-run '* ]]
}

# headless N FILE: the sample log without its first N lines
headless() { tail -n +$(($1 + 1)) "$log" >"$2"; }

@test "a log whose head is gone is refused with one message, and nothing is written or removed" {
	replay --dir out "$log"
	for cut in 5 30 62 "$(($(wc -l <early.ndjson) + 1))"; do
		headless "$cut" rotated.ndjson
		run -3 --separate-stderr replay --dir out rotated.ndjson
		[ "${#stderr_lines[@]}" -eq 1 ]
		[[ $stderr == 'replay: rotated.ndjson: its head is gone: '* ]]
		as_agreed out
		run -3 --separate-stderr audit out rotated.ndjson
		[ -z "$output" ]
		run -3 --separate-stderr "$pipelines/metrics" --trust-domain example.org rotated.ndjson
		[[ $stderr == *'its head is gone: '* ]]
	done
	# what stands before it makes it whole, and so does a list that begins later
	head -n "$cut" "$log" >head.ndjson
	replay --dir again head.ndjson rotated.ndjson
	as_agreed again
}

@test "a log of kubectl's, which has no marks, is whole where each object is added before it changes" {
	grep -v '"BOOKMARK"' "$log" >unmarked.ndjson
	run -0 "$pipelines/logs" --check unmarked.ndjson
	tail -n +51 unmarked.ndjson >rotated.ndjson
	run -3 "$pipelines/logs" --check rotated.ndjson
}

# a folder as keep and record write them: compressed and plain, in order, with what else is there
kept_logs() {
	mkdir kept
	gzip -c "early.ndjson" >kept/events-20260101T000000.1Z.ndjson.gz
	cp "$log" kept/events-20260102T000000.2Z.ndjson
	echo 'not a log' >kept/notes.txt
}

@test "audit and metrics take a folder of logs, in order, and refuse one with nothing of ours" {
	kept_logs
	replay --dir out "$log"
	run -0 --separate-stderr audit out kept
	[ -z "$output$stderr" ]
	[ "$("$pipelines/metrics" --trust-domain example.org kept | grep -v time_seconds)" = \
		"$("$pipelines/metrics" --trust-domain example.org "$log" | grep -v time_seconds)" ]
	"$pipelines/logs" kept | cmp - <(zcat -f kept/events-*.gz && echo && cat kept/events-*.ndjson && echo)
	mkdir other
	touch other/somebody.yaml
	run -3 --separate-stderr audit out other
	[[ $stderr == 'audit: other: has neither manifests of egress-apply nor logs' ]]
	run -0 --separate-stderr audit --allow-empty other other
	for pipeline in metrics replay; do
		run -3 --separate-stderr "$pipelines/$pipeline" --trust-domain example.org other
		[[ $stderr == "$pipeline: other: has no log "* ]]
	done
}

# timed: the sample log, a line a second; its first lists end at 08:01:03.
timed() { jq -c '. + {time: (1795507200 + input_line_number | todate)}' "$log"; }
changes() { "$pipelines/changes" --trust-domain example.org "$@"; }

@test "changes: who can reach more or less than at a time, and which rules came and went: 1" {
	timed >timed.ndjson
	run -1 changes --since 2026-11-24T08:01:03Z --until 2026-11-24T09:00:00Z timed.ndjson
	[[ $output == *'LESS support/faq: allow-all (Verified) then, api-server (SignatureInvalid) now
    + 192.0.2.20, 192.0.2.21, 2001:db8::20 on 6443/TCP
    - anywhere
'* ]]
	[[ $output == *'LESS research/archivist: allow-all (Verified) then, none (-) now'* ]]
	[[ $output != *finance/billing* ]]
}

@test "changes: MORE, when a card gets another rule; nothing: 0" {
	timed >timed.ndjson
	jq -c 'select(.object.kind == "AgentCard" and .object.metadata.name == "billing")
		| .type = "MODIFIED" | .time = "2026-11-24T08:02:00Z"
		| .object.spec.networkPolicy.egress += [{to: [{ipBlock: {cidr: "198.51.100.0/24"}}]}]' timed.ndjson | tail -n 1 >>timed.ndjson
	run -1 changes --since=2026-11-24T08:01:30Z --until=2026-11-24T08:02:00Z timed.ndjson
	[ "$output" = 'MORE finance/billing: scoped (Verified) then, scoped (Verified) now
    + 198.51.100.0/24' ]
	run -0 changes --since 2026-11-24T08:01:30Z --until 2026-11-24T08:01:59Z timed.ndjson
	[ -z "$output" ]
}

# later KIND NAME JQ: the timed log with a last event that changes this object at 08:02:00.
later() {
	timed | jq -c '(.object.spec | (.template?, .podTemplate?) | select(. != null)).spec.hostNetwork = false' >timed.ndjson
	jq -c --arg kind "$1" --arg name "$2" "select(.object.kind == \$kind and .object.metadata.name == \$name)
		| .type = \"MODIFIED\" | .time = \"2026-11-24T08:02:00Z\" | .object.spec |= ($3)" timed.ndjson | tail -n 1 >>timed.ndjson
}

@test "changes: MORE, when an agent leaves its policies for its host's network, and LESS when it comes back: 1" {
	later Deployment billing '.template.spec.hostNetwork = true'
	run -1 changes --since 2026-11-24T08:01:30Z --until 2026-11-24T08:02:00Z timed.ndjson
	[ "${lines[0]}" = 'MORE finance/billing: scoped (Verified) then, scoped (Verified) now' ]
	[[ ${lines[1]} == '    + gap HostNetwork: '* ]]
	jq -c 'select(.time == "2026-11-24T08:02:00Z" and .object.metadata.name == "billing") | .time = "2026-11-24T08:03:00Z"
		| .object.spec.template.spec.hostNetwork = false' timed.ndjson | tail -n 1 >>timed.ndjson
	run -1 changes --since 2026-11-24T08:02:30Z timed.ndjson
	[ "${lines[0]}" = 'LESS finance/billing: scoped (Verified) then, scoped (Verified) now' ]
}

@test "changes: MORE, when a card gets a name, or somebody's policy of another kind may widen the agent: 1" {
	later AgentCard billing '.networkPolicy.domains = [{names: ["api.example.com"], ports: [{port: 443}]}]'
	run -1 changes --since 2026-11-24T08:01:30Z --until 2026-11-24T08:02:00Z timed.ndjson
	[ "${lines[0]}" = 'MORE finance/billing: scoped (Verified) then, scoped (Verified) now' ]
	[ "${lines[1]}" = '    + names api.example.com on 443/TCP' ]
	later AgentCard none .
	jq -nc '{type: "ADDED", time: "2026-11-24T08:02:00Z", object: {apiVersion: "cilium.io/v2", kind: "CiliumNetworkPolicy",
		metadata: {namespace: "finance", name: "open"}, spec: {endpointSelector: {}, egress: [{toEntities: ["world"]}]}}}' >>timed.ndjson
	run -1 changes --since 2026-11-24T08:01:30Z --until 2026-11-24T08:02:00Z timed.ndjson
	[[ $output == *'MORE finance/billing: scoped (Verified) then, scoped (Verified) now
    + gap WidenedByPolicy: '*open* ]]
}

@test "changes: before the first lists, and without times, nothing can be told: 3" {
	timed >timed.ndjson
	run -3 changes --since 2026-11-24T08:00:30Z timed.ndjson
	[[ $output == *'unknown: at 2026-11-24T08:00:30Z the first lists were not complete'* ]]
	run -3 changes --since 2026-11-24T08:01:30Z "$log"
	[[ $output == *'line 1 has no time'* ]]
	run -3 changes --since yesterday timed.ndjson
	run -3 changes --since 2026-11-24T08:01:30Z missing.ndjson
}

@test "changes: wrong usage is status 2" {
	for arguments in '' a '--since' '--since a' '--no-such-option a'; do
		# shellcheck disable=SC2086
		run -2 --separate-stderr "$pipelines/changes" $arguments
		[[ $stderr == 'changes: '* ]]
	done
	run -0 "$pipelines/changes" --help
	[[ $output == *'Usage: pipelines/changes '* ]]
}

@test "a manifest names no owner, though what was asked for does" {
	replay --dir out --keep kept "$log"
	run ! grep -r ownerReferences out
	jq -e -s 'any(.[]; .object.metadata.ownerReferences)' kept/operations.ndjson >/dev/null
}
