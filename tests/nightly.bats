#!/usr/bin/env bats
# pipelines/nightly, with a watch that writes the sample log and an egress-apply that says of the
# cluster what a test wants; tests/systemd/boot.bats has it on an API server.

bats_require_minimum_version 1.5.0

setup() {
	pipelines=$BATS_TEST_DIRNAME/../pipelines
	cd "$BATS_TEST_TMPDIR" || return 1
	cp "$pipelines/examples/agents.ndjson" listed
	export EGRESS_VERIFY_FLAGS='--trust-domain example.org' REAL
	unset EGRESS_TRANSLATE_FLAGS
	REAL=$(command -v egress-apply)
	echo '{"type":"UNCHANGED"}' >results
	mkdir bin
	cat >bin/egress-watch <<-'END'
		#!/bin/bash
		echo "$*" >watch.told
		cat listed
		[ ! -e failing ]
	END
	cat >bin/egress-apply <<-'END'
		#!/bin/bash
		[[ "$*" == *--kubeconfig* ]] || exec "$REAL" "$@"
		echo "$*" >apply.told
		cat >operations
		cat results
	END
	chmod +x bin/*
	PATH=$PWD/bin:$PATH
}

nightly() { "$pipelines/nightly" --dir kept --watch-kubeconfig w --apply-kubeconfig a "$@"; }

@test "without drift it says so, and keeps what there should be" {
	run -0 nightly -- --names rossoctl
	[[ $output == *'first report'*'There is no drift.' ]]
	[ "$(cat watch.told)" = '--kubeconfig w --once --names rossoctl' ]
	diff -r "$BATS_TEST_DIRNAME/data/demo" kept/policies
	run -0 nightly
	[[ $output != *'first report'* && $output == *'There is no drift.' ]]
}

@test "nothing is written to the cluster" {
	nightly
	[[ $(cat apply.told) == *'--dry-run client'* ]]
}

@test "the cluster is compared with policies alone, all of them" {
	nightly
	run -0 jq -r '.object.kind' operations
	[ -z "$(grep -v NetworkPolicy <<<"$output")" ]
	[ "$(jq -r 'select(.type == "APPLY").object.metadata | .namespace + .name' operations | sort -u | wc -l)" -ge \
		"$(find kept/policies -type f | wc -l)" ]
}

@test "what there should be now and not at the last report is drift" {
	nightly
	mv kept/policies/*billing* .
	run -1 nightly
	[[ $output == *'+++ new/'*billing* && $output != *'no drift'* ]]
	run -0 nightly
}

@test "what is otherwise in the cluster is drift" {
	echo '{"type":"APPLIED"}' >results
	run -1 nightly
	[[ $output != *'no drift'* ]]
}

@test "a cluster that was not listed is status 3, and the last report stays" {
	nightly
	cp -r kept before
	touch failing
	: >listed
	run -3 nightly
	[[ $output == *'not listed'* ]]
	diff -r before kept
}

@test "the live pipeline's metrics are left alone" {
	EGRESS_VERIFY_FLAGS+=' --metrics there/verify.prom' EGRESS_TRANSLATE_FLAGS='--metrics=there/t.prom --status'
	export EGRESS_TRANSLATE_FLAGS
	run -0 nightly
	diff -r "$BATS_TEST_DIRNAME/data/demo" kept/policies
	[ ! -e there ]
}

@test "wrong usage is said" {
	run -2 "$pipelines/nightly"
	run -2 "$pipelines/nightly" --nonsense
}
