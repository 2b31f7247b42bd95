#!/usr/bin/env bats
# pipelines/keep, with a watch that writes the sample log and waits.

bats_require_minimum_version 1.5.0

setup() {
	pipelines=$BATS_TEST_DIRNAME/../pipelines
	log=$pipelines/examples/agents.ndjson
	cd "$BATS_TEST_TMPDIR" || return 1
	mkdir bin
	cat >bin/egress-watch <<-END
		#!/bin/bash
		echo "\$*" >>"$PWD/starts"
		trap 'exit 0' TERM
		cat "$PWD/written"
		[ ! -e "$PWD/failing" ] || exit 3
		while :; do read -r -t 0.1 <><(:); done
	END
	chmod +x bin/egress-watch
	PATH=$PWD/bin:$PATH
	cp "$log" written
}

teardown() { [ -z "${keeper:-}" ] || kill "$keeper" 2>/dev/null || true; }

keep() {
	"$pipelines/keep" --dir kept --every 1 "$@" >said 2>&1 3>&- &
	keeper=$!
}

until_true() {
	local tries=0
	until "$@"; do [ $((tries += 1)) -lt 2400 ] && sleep 0.1 || return 1; done
}

logs() { # at least N logs that match PATTERN
	local found
	mapfile -t found < <(compgen -G "kept/$2")
	[ ${#found[@]} -ge "$1" ]
}

written() { cmp -s "$log" kept/events-*.ndjson; }

stop() {
	local status=0
	kill "$keeper"
	wait "$keeper" || status=$?
	keeper=
	[ "$status" -eq 0 ]
}

@test "the log is kept as it was written, readable by its owner alone, and stopping is no failure" {
	keep -- --names rossoctl
	until_true written
	stop
	[ ! -s said ]
	[ "$(cat starts)" = '--timestamps --names rossoctl' ]
	[ "$(stat -c %a kept/events-*)" = 600 ]
}

@test "a log that is large is compressed, and the next begins with a list of its own" {
	yes "$(cat "$log")" | head -c 1200000 | sed '$d' >written
	keep --size 1
	until_true logs 2 '*.ndjson.gz'
	stop
	for file in kept/*.gz; do zcat "$file" | cmp - written; done
}

@test "what a start that was cut short has left is compressed at the next, and what is empty goes" {
	mkdir kept
	cp "$log" kept/events-20200101T000000Z.ndjson
	: >kept/events-20200102T000000Z.ndjson
	echo half >kept/events-20200103T000000Z.ndjson.gz.part
	keep
	until_true written
	stop
	zcat kept/events-20200101T000000Z.ndjson.gz | cmp - "$log"
	[ "$(find kept -name 'events-2020*' | wc -l)" -eq 1 ]
}

@test "old logs are deleted, by age and then the oldest by size; other files stay" {
	mkdir kept
	for day in 1 2 3; do head -c 700000 /dev/zero >"kept/events-2020010${day}T000000Z.ndjson.gz"; done
	echo mine >kept/notes
	head -c 9 /dev/zero >kept/events-20200104T000000Z.ndjson.gz
	touch -d '3 days ago' kept/events-20200104T000000Z.ndjson.gz
	keep --days 2 --total 1
	until_true written
	stop
	[ "$(cd kept && echo events-2020*)" = events-20200103T000000Z.ndjson.gz ]
	[ -e kept/notes ]
}

@test "the watch's failure is ours" {
	touch failing
	run -3 "$pipelines/keep" --dir kept --every 1
}

@test "a directory of logs is replayed in their order, and so the last counts" {
	mkdir kept
	sed '/"AgentCard".*"k8s.io\/initial-events-end"/q' "$log" | gzip >kept/events-20200101T000000Z.ndjson.gz
	cp "$log" kept/events-20200102T000000Z.ndjson
	echo 'not a log' >kept/notes
	"$pipelines/replay" --trust-domain example.org --dir out kept
	diff -r "$BATS_TEST_DIRNAME/data/demo" out
	run -3 "$pipelines/replay" --trust-domain example.org --dir out bin
	[[ $output == *'no log'* ]]
}

@test "wrong usage is said, and nothing is made" {
	run -2 "$pipelines/keep"
	run -2 "$pipelines/keep" --dir kept --size 0
	run -2 "$pipelines/keep" --dir kept --nonsense
	[ ! -e kept ]
}
