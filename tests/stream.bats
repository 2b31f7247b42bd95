#!/usr/bin/env bats
# Records in and out (egress-records(5)), seen through the smallest possible stage.

bats_require_minimum_version 1.5.0

setup() {
	pass=$BUILD/tools/stream_pass
	cd "$BATS_TEST_TMPDIR" || return 1
}

@test "lines pass through byte for byte, number spellings and spaces included" {
	printf '%s\n' '{"n": 9007199254740993,"x":1.0, "y":1e3 }' '  {"a":"\u00e9\/"}' >in
	"$pass" <in >out
	cmp in out
}

@test "CRLF and blank lines are tolerated" {
	printf '{"a":1}\r\n\r\n\n   \n{"b":2}\r\n' | "$pass" >out
	printf '{"a":1}\r\n{"b":2}\r\n' | cmp - out
}

@test "a last line without newline is accepted" {
	run -0 "$pass" <<<'{"a":1}'
	run -0 "$pass" < <(printf '{"a":1}')
	[ "$output" = '{"a":1}' ]
}

@test "a last line cut off mid-object is reported as such, kept, and the rest went through" {
	printf '{"a":1}\n{"b":{"c":[1,"x' >in
	run --separate-stderr -1 "$pass" --rejects rejects <in
	[ "$output" = '{"a":1}' ]
	[ "$stderr" = 'stream_pass: line 2: the input ends inside this record (byte 16)' ]
	[ "$(cat rejects)" = '{"b":{"c":[1,"x' ]
}

@test "each bad line gives one message with its number, and is kept verbatim" {
	{
		printf '{"ok":1}\n'
		printf '{"a":}\n'
		printf '{"a":"\xff"}\n'
		printf '{"a":1,"a":2}\n'
		printf '{"a":1}{"b":2}\n'
		printf '[1,2]\n'
		printf '{"a":"\\ud800"}\n'
		printf '{"a":01}\n'
		printf 'nonsense\n'
		printf '{"ok":2}\n'
	} >in
	run --separate-stderr -1 "$pass" --rejects rejects <in
	[ "$output" = $'{"ok":1}\n{"ok":2}' ]
	sed 1d in | sed '$d' | cmp - rejects
	[ "${#stderr_lines[@]}" -eq 8 ]
	[[ ${stderr_lines[0]} = "stream_pass: line 2: not a JSON value (byte 6)" ]]
	[[ ${stderr_lines[1]} = "stream_pass: line 3: invalid UTF-8 (byte 7)" ]]
	[[ ${stderr_lines[2]} = "stream_pass: line 4: duplicate key (byte 14)" ]]
	[[ ${stderr_lines[3]} = "stream_pass: line 5: text after the value (byte 8)" ]]
	[[ ${stderr_lines[4]} = "stream_pass: line 6: not a JSON object (byte 1)" ]]
	[[ ${stderr_lines[5]} = "stream_pass: line 7: lone surrogate escape"* ]]
	[[ ${stderr_lines[6]} = "stream_pass: line 8: number with a leading zero"* ]]
	[[ ${stderr_lines[7]} = "stream_pass: line 9: not a JSON value (byte 1)" ]]
}

@test "keys that are the same after decoding are duplicates" {
	run -1 "$pass" <<<'{"spec":1,"s\u0070ec":2}'
	[[ $output == *"duplicate key"* ]]
}

@test "a record 512 deep is accepted, one 513 deep is not" {
	deep() { printf '{"a":%s%s}\n' "$(printf '[%.0s' $(seq "$1"))" "$(printf ']%.0s' $(seq "$1"))"; }
	deep 511 | "$pass" >out
	[ -s out ]
	run -1 "$pass" < <(deep 512)
	[[ $output == *"nested too deeply"* ]]
}

@test "a line of 16 MiB passes; a longer one is rejected whole and the stream goes on" {
	limit=$((16 * 1024 * 1024))
	{ printf '{"a":"'; head -c $((limit - 8)) /dev/zero | tr '\0' x; printf '"}\n'; } >fits
	"$pass" <fits >out
	cmp fits out
	{ printf '{"a":"'; head -c $((limit + 300000)) /dev/zero | tr '\0' x; printf '"}\n'; } >long
	{ cat long; echo '{"after":1}'; } >in
	run --separate-stderr -1 "$pass" --rejects rejects <in
	[ "$output" = '{"after":1}' ]
	[ "$stderr" = "stream_pass: line 1: longer than $limit bytes" ]
	cmp long rejects
}

@test "output is flushed whenever input runs dry" {
	mkfifo in out
	"$pass" <in >out &
	exec 8>in 9<out
	for i in 1 2 3; do
		echo "{\"i\":$i}" >&8
		read -r -t 120 -u 9 line
		[ "$line" = "{\"i\":$i}" ]
	done
	exec 8>&-
	wait $!
}

@test "a replay is read and written in large pieces" {
	command -v strace >/dev/null || skip "strace is not installed: apt-get install strace"
	[[ $BUILD != *asan* ]] || skip "not under sanitizers: run the plain build"
	for i in $(seq 20000); do echo "{\"i\":$i,\"text\":\"some text that makes it longer\"}"; done >in
	strace -f -c -o calls -e trace=read,write "$pass" <in >out
	cmp in out
	writes=$(awk '$NF == "write" {print $4}' calls)
	[ "$writes" -le 10 ]
}

@test "a stage may reject a record that is valid JSON" {
	printf '{"a":1}\n{"reject":1}\n' >in
	run --separate-stderr -1 "$pass" --rejects rejects <in
	[ "$stderr" = "stream_pass: line 2: it asks to be rejected" ]
	[ "$(cat rejects)" = '{"reject":1}' ]
}

@test "SIGTERM ends cleanly, with what was read written" {
	mkfifo in
	"$pass" <in >out 2>err &
	pid=$!
	exec 8>in
	echo '{"a":1}' >&8
	for _ in $(seq 2400); do [ -s out ] && break; sleep 0.05; done
	kill -TERM $pid
	wait $pid
	[ "$(cat out)" = '{"a":1}' ]
	grep -q stopped err
}

@test "SIGTERM ends a stage whose input never runs dry" {
	"$pass" < <(yes '{"a":1}') > >(head -n 1 >began; exec cat >/dev/null) 2>err &
	pid=$!
	for _ in $(seq 2400); do [ -s began ] && break; sleep 0.05; done
	kill -TERM $pid
	wait $pid
	grep -q stopped err
}

@test "a closed downstream ends quietly" {
	run -0 --separate-stderr bash -c 'yes "{\"a\":1}" 2>/dev/null | { "$0" || echo "status $?" >&2; } | head -n 1' "$pass"
	[ -z "$stderr" ]
}

@test "output that cannot be written ends with status 3" {
	[ -c /dev/full ] || skip "no /dev/full here"
	run -3 bash -c 'echo "{\"a\":1}" | "$0" >/dev/full' "$pass"
	[[ $output == *"cannot write output: No space left on device"* ]]
}

@test "a rejects file that cannot be opened ends with status 3 before input is read" {
	run -3 "$pass" --rejects /nonexistent/file <<<'{"a":1}'
	[[ $output == *"cannot open /nonexistent/file for rejected lines: No such file"* ]]
}

@test "messages cannot smuggle control characters" {
	run -2 "$pass" $'--colour=\e[31mred\nstream_pass: forged'
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == *'\x1b[31mred\x0astream_pass: forged'* ]]
}

@test "--help, --version and wrong usage" {
	run -0 "$pass" --help
	[[ ${lines[0]} = "Usage: stream_pass [OPTION]..." ]]
	[[ $output == *"--rejects FILE"* ]]
	run -0 "$pass" --version
	[[ $output == "stream_pass "[0-9]* ]]
	run -2 "$pass" --nope
	run -2 "$pass" operand
	run -2 "$pass" --level 10
	[[ $output == *"--level 10: not a whole number from 0 to 9"* ]]
	run -2 "$pass" --rejects
	[[ $output == *"an argument is missing"* ]]
}

@test "under systemd, messages start with their priority" {
	mkfifo log
	cat log >err &
	exec 7>log
	stream=$(stat -L -c %d:%i /proc/self/fd/7)
	JOURNAL_STREAM=$stream "$pass" <<<'bad' 2>&7 || true
	exec 7>&-
	wait
	[[ $(cat err) == "<3>stream_pass: line 1:"* ]]
}

# fed PROGRAM... <INPUT: one message, what it tells of the lines, and the status
fed() {
	run --separate-stderr "$@"
	echo "$stderr"
	[ "$status" -eq 1 ] || [ "$1" = egress-explain ]
	[ "$(grep -c 'lines with' <<<"$stderr")" -eq 1 ]
	run -1 grep -E ': line [0-9]+: ' <<<"$stderr"
}

@test "programs in the wrong order: one line with their number and the right order, of every program" {
	local log=$BATS_TEST_DIRNAME/../pipelines/examples/agents.ndjson order
	order='join the programs in the order egress-watch | egress-verify | egress-translate | egress-apply'
	PATH=$BUILD/bin:$PATH
	egress-verify --trust-domain example.org <"$log" >verified
	egress-translate <verified >operations
	egress-apply --dir policies <operations >results
	: >flows
	count=$(grep -cE '^\{"type":"(APPLY|DELETE|AGENT)"' operations)
	[ "$count" -gt 20 ]
	for program in 'egress-verify --trust-domain example.org' egress-translate egress-explain 'egress-resolve --answers /dev/null'; do
		# shellcheck disable=SC2086 # words
		fed $program <operations
		[[ $stderr == *": lines with operations: $count, the first is line 2; this program reads events: $order"* ]]
		# shellcheck disable=SC2086
		fed $program <results
		[[ $stderr == *': lines with results: '*"; this program reads events: $order"* ]]
	done
	fed egress-apply --dir policies <verified
	[[ $stderr == *': lines with events: '*"; this program reads operations: $order"* ]]
	fed egress-apply --dir policies <results
	[[ $stderr == *': lines with results: '*"; this program reads operations: $order"* ]]
	fed egress-propose flows <operations
	[[ $stderr == *": lines with operations: $count, "*"; this program reads events: $order"* ]]
	fed egress-propose verified <verified
	[[ $stderr == *': lines with events: '*'; this program reads flow records: egress-flows writes flow records, '* ]]
}

@test "egress-fetch and egress-apply on a cluster name the right order, too" {
	load kubestub
	export KUBECONFIG=$PWD/stub/kubeconfig
	printf '%s\n' '{"type":"AGENT"}' '{"type":"APPLY"}' >operations
	printf '%s\n' '{"type":"ADDED"}' '{"type":"MODIFIED"}' >events
	stub_start <<<''
	PATH=$BUILD/bin:$PATH
	fed egress-fetch <operations
	[[ $stderr == *'lines with operations: 2, the first is line 1; this program reads events: '* ]]
	fed egress-apply <events
	[[ $stderr == *'lines with events: 2, the first is line 1; this program reads operations: '* ]]
	stub_stop
}

@test "what is in the wrong order is told while the input goes on, kept, and told again when there was more" {
	PATH=$BUILD/bin:$PATH
	mkfifo in
	egress-verify --trust-domain example.org --rejects rejects <in >out 2>told 3>&- &
	pid=$!
	exec 5>in
	printf '%s\n' '{"type":"AGENT"}' '{"type":"APPLY"}' >&5
	for ((i = 0; i < 300; i++)); do
		[ -s told ] && break
		sleep 0.1
	done
	[[ $(cat told) == *'lines with operations: 2, the first is line 1; '* ]]
	echo '{"type":"AGENT"}' >&5
	exec 5>&-
	ended=0
	wait "$pid" || ended=$?
	[ "$ended" -eq 1 ]
	[ "$(wc -l <told)" -eq 2 ]
	[[ $(tail -n 1 told) == *'lines with operations: 3, the first is line 1; '* ]]
	[ "$(cat rejects)" = $'{"type":"AGENT"}\n{"type":"APPLY"}\n{"type":"AGENT"}' ]
}

@test "a line of no stage, or of none that is known, has its own message beside it" {
	PATH=$BUILD/bin:$PATH
	printf '%s\n' '{"type":"APPLY"}' '{"type":"NEW"}' '{"type":7,"flow":8}' >in
	run -1 --separate-stderr egress-verify --trust-domain example.org <in
	[ "${stderr_lines[0]}" = 'egress-verify: line 2: "type" is not that of a watch event' ]
	[ "${stderr_lines[1]}" = 'egress-verify: line 3: "type" is not that of a watch event' ]
	[[ ${stderr_lines[2]} == *'lines with operations: 1, the first is line 1; '* ]]
	[ "${#stderr_lines[@]}" -eq 3 ]
}
