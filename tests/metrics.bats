#!/usr/bin/env bats
# --metrics: what each program says of itself to Prometheus (os/metrics.h, egress(7)).

bats_require_minimum_version 1.5.0
load agent.bash
load kubestub

setup_file() { make_agent; }

setup() {
	enter
	unset EGRESS_CLUSTER
	WATCHER=
}

teardown() {
	[ -z "$WATCHER" ] || kill "$WATCHER" 2>/dev/null || true
	[ ! -d stub ] || stub_stop
}

# value FILE METRIC [LABEL=VALUE]: of that one sample, whatever its other labels.
value() {
	local label=${3:+${3%%=*}=\"${3#*=}\"}
	awk -v name="$2" -v label="$label" '
		index($0, name "{") == 1 && index($0, label) > 0 { print $NF }' "$1"
}

# is FILE METRIC[{LABEL=VALUE}] WANTED
is() {
	local got
	got=$(value "$1" "$2" "${4:-}")
	[ "$got" = "$3" ] || { echo "$2 ${4:-} is '$got', not $3, in:" && cat "$1" && return 1; }
}

# The text exposition format, line by line, and each metric's lines together.
valid() {
	awk '
		function bad(why) { print FILENAME ":" NR ": " why ": " $0; wrong = 1 }
		/^# HELP / { if ($3 in seen) bad("again"); seen[$3] = 1; name = $3; next }
		/^# TYPE / { if ($3 != name || $4 !~ /^(counter|gauge)$/ || NF != 4) bad("type"); kind = $4; next }
		!/^[a-z_]+\{[a-z_]+="[^"\\]*"(,[a-z_]+="[^"\\]*")*\} -?[0-9]+$/ { bad("sample") }
		substr($0, 1, index($0, "{") - 1) != name { bad("out of place") }
		kind == "counter" && name !~ /_total$/ { bad("a counter without _total") }
		{ if ($1 in sample) bad("twice"); sample[$1] = 1; count++ }
		END { exit wrong || count == 0 || (NR > 0 && RS == "") }' "$1" &&
		[ "$(tail -c 1 "$1" | od -An -tx1 | tr -d " ")" = 0a ]
}

await() { # COMMAND...: until it is true
	local i
	for ((i = 0; i < 2400; i++)); do
		! "$@" || return 0
		sleep 0.05
	done
	echo "never: $*"
	return 1
}

@test "the filters count records, rejects, verdicts by reason, operations by type, agents held" {
	agentcard team-a other | event ADDED >lone
	{ cat good lone; echo '{"type":'; echo '[]'; } >in
	run -1 bash -c 'egress-verify --trust-domain example.org --metrics v.prom <in >verified 2>err'
	valid v.prom
	is v.prom egress_records_total "$(wc -l < <(cat good lone))"
	is v.prom egress_rejects_total 2
	is v.prom egress_agents 2
	is v.prom egress_verdicts_total 1 reason=Verified
	is v.prom egress_verdicts_total 1 reason=CardMissing
	is v.prom egress_verdicts_total 0 reason=Expired
	[ "$(value v.prom egress_verdicts_total | wc -l)" -ge 15 ]
	is v.prom egress_verified_agents 1 anchor="$(jq -r 'select(.verification.verified) | .verification.anchor' verified)"
	is v.prom egress_agents_by_source 1 source=ConfigMap
	is v.prom egress_agents_by_source 1 source=none
	is v.prom egress_trust_bundle_unusable 0 trust_domain=example.org
	grep -v '"ERROR"' verified | egress-translate --metrics t.prom >operations
	valid t.prom
	is t.prom egress_agents 2
	is t.prom egress_records_total "$(grep -vc '"ERROR"' verified)"
	is t.prom egress_operations_total "$(grep -c '"type":"APPLY"' operations)" type=APPLY
	[ "$(value t.prom egress_operations_total type=APPLY)" -ge 1 ]
	is t.prom egress_operations_total 0 type=DELETE
}

@test "verdicts are counted as they are written: also those reached anew, and none that came along" {
	jq -c '.type = "DELETED"' signed >gone
	jq -c '. + {verification:{verified:true,reason:"Expired"}}' workload >claimed
	jq -c '. + {verification:{verified:true,reason:"Expired"}}' card >claimed_card
	cat trust claimed signed claimed_card gone card | verify --metrics v.prom >out
	is v.prom egress_verdicts_total "$(grep -c '"reason":"CardMissing"' out)" reason=CardMissing
	is v.prom egress_verdicts_total "$(jq -s 'map(select(.verification.reason == "Verified")) | length' out)" \
		reason=Verified
	is v.prom egress_verdicts_total 0 reason=Expired
}

@test "the last event's time is when the record came" {
	before=$(date +%s)
	verify --metrics v.prom <good >out
	last=$(value v.prom egress_last_event_time_seconds)
	[ "$last" -ge "$before" ] && [ "$last" -le "$(date +%s)" ]
	verify --metrics none.prom </dev/null >out
	[ -z "$(value none.prom egress_last_event_time_seconds)" ]
	is none.prom egress_records_total 0
}

@test "a line says which version it is, and EGRESS_CLUSTER keeps pipelines apart" {
	EGRESS_CLUSTER=west verify --metrics v.prom <good >out
	valid v.prom
	version=$(egress-verify --version)
	version=${version#* }
	grep -qxF "egress_info{program=\"egress-verify\",cluster=\"west\",version=\"$version\"} 1" v.prom
	[ "$(grep -v '^#' v.prom | grep -vc 'program="egress-verify",cluster="west"')" -eq 0 ]
	EGRESS_CLUSTER='a"} 1' verify --metrics w.prom <good >out
	valid w.prom
	run -1 grep cluster= w.prom
	grep -q 'EGRESS_CLUSTER is not a name' err
}

@test "results are counted by what became of them, in a directory" {
	verify <good | egress-translate >operations
	egress-apply --dir live --metrics a.prom <operations >results
	valid a.prom
	is a.prom egress_results_total "$(grep -c '"APPLIED"' results)" type=APPLIED
	[ "$(value a.prom egress_results_total type=APPLIED)" -ge 1 ]
	egress-apply --dir live --metrics a.prom <operations >results
	is a.prom egress_results_total 0 type=APPLIED
	is a.prom egress_results_total "$(grep -c '"UNCHANGED"' results)" type=UNCHANGED
	is a.prom egress_retries_total 0
}

@test "requests to a cluster that are made again are retries" {
	stub_start <<-'END'
		if [ "$METHOD" = GET ] && [ "$N" = 0 ]; then status 503 "not now"; else status 403 "no"; fi
	END
	verify <good | egress-translate >operations
	run -1 egress-apply --kubeconfig stub/kubeconfig --metrics a.prom <operations
	valid a.prom
	[ "$(value a.prom egress_retries_total)" -ge 1 ]
	is a.prom egress_results_total "$(grep -c APPLY operations)" type=FAILED
}

@test "the watch counts its events and the objects it holds" {
	stub_start <<-'END'
		case $TARGET in
		*sendInitialEvents*) empty ;;
		*/agentcards?*) list 10 "" "$(object a 1)" "$(object b 2)" ;;
		*) empty ;;
		esac
	END
	egress-watch --kubeconfig stub/kubeconfig --once --trust-bundle-configmap '' --metrics w.prom >events
	valid w.prom
	is w.prom egress_objects 2
	is w.prom egress_records_total 2
	is w.prom egress_rejects_total 0
}

@test "the file is there, whole, before there is input, and at the end holds what came" {
	mkfifo pipe
	verify --metrics v.prom <pipe >out &
	WATCHER=$!
	exec 7>pipe
	await test -s v.prom
	valid v.prom
	cat good >&7
	await test -s out
	exec 7>&-
	wait "$WATCHER"
	is v.prom egress_records_total "$(wc -l <good)"
	[ ! -e v.prom.tmp ]
}

@test "the file is replaced, never written in place: who has the old one open reads all of it" {
	verify --metrics v.prom <good >out
	exec 7<v.prom
	cp v.prom old
	ln v.prom first
	verify --metrics v.prom </dev/null >out
	cmp old - <&7
	exec 7<&-
	[ ! v.prom -ef first ]
	cmp old first
}

@test "a symbolic link in the way of the new file is not followed" {
	echo mine >victim
	ln -s victim v.prom.tmp
	run -3 egress-verify --trust-domain example.org --metrics v.prom <good
	[ "$(cat victim)" = mine ]
}

@test "a file that cannot be written is told at once; the program does not start" {
	run -3 --separate-stderr egress-verify --trust-domain example.org --metrics nowhere/v.prom <good
	# shellcheck disable=SC2154 # stderr, which run sets
	[[ $stderr == *'cannot write metrics to nowhere/v.prom: No such file or directory'* ]]
	[ -z "$output" ]
}

@test "a directory that goes away later is a warning, and the records pass all the same" {
	mkdir gone
	mkfifo pipe
	egress-translate --metrics gone/t.prom <pipe >out 2>err &
	WATCHER=$!
	exec 7>pipe
	await test -s gone/t.prom
	rm -r gone
	exec 7>&-
	wait "$WATCHER"
	grep -q 'cannot write metrics to gone/t.prom' err
}

@test "Prometheus' own parser reads them" {
	/usr/bin/python3 -c 'import prometheus_client.parser' 2>/dev/null ||
		skip 'no python3-prometheus-client: apt-get install python3-prometheus-client'
	cat trust workload signed card >events
	EGRESS_CLUSTER=prod egress-verify --trust-domain example.org --metrics verify.prom <events >verified
	EGRESS_CLUSTER=prod egress-translate --metrics translate.prom <verified >operations
	egress-apply --dir policies --metrics apply.prom <operations >results
	for file in verify.prom translate.prom apply.prom; do
		/usr/bin/python3 -c '
import sys
from prometheus_client.parser import text_string_to_metric_families as read
metrics = list(read(sys.stdin.read()))
assert any(m.name == "egress_records" and m.type == "counter" and m.samples[0].value > 0 for m in metrics), metrics
assert all(s.labels["program"] for m in metrics for s in m.samples)' <"$file"
	done
}
