#!/usr/bin/env bats
# What is written from the schema of egress rules is what is committed.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/.." || return 1
}

@test "the committed definition of the AgentCard is the generated one" {
	egress-translate --print-crd | diff - pipelines/kubernetes/crd-agentcards.yaml
}

@test "--names rossoctl defines that operator's AgentCard" {
	egress-translate --print-crd --names rossoctl >"$BATS_TEST_TMPDIR/crd"
	grep -q 'name: agentcards.agent.rossoctl.dev' "$BATS_TEST_TMPDIR/crd"
	grep -q 'group: agent.rossoctl.dev' "$BATS_TEST_TMPDIR/crd"
	run ! grep -q kagenti "$BATS_TEST_TMPDIR/crd"
}
